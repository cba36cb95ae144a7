//! Every trouble, brought about: what `belfry doctor` says to it.

use super::*;

use crate::api::{Severity, SiteState};
use crate::keys::KeyringError;
use crate::store::StoreError;

/// Its code, and what its remedy says. A trouble without a row does not compile.
fn row(trouble: Trouble) -> (&'static str, &'static str) {
    match trouble {
        Trouble::KeyringAbsent => ("keyring-absent", "gnome-keyring or KWallet"),
        Trouble::KeyringLocked => ("keyring-locked", "belfry unlock"),
        Trouble::PassphraseNeeded => ("passphrase-needed", "--passphrase-file"),
        Trouble::PromptDismissed => ("prompt-dismissed", "belfry unlock"),
        Trouble::KeyringSilent => ("keyring-silent", "restart it"),
        Trouble::KeyringItemDamaged => ("keyring-item-damaged", "from a backup"),
        Trouble::DatabaseKeyMissing => ("database-key-missing", "restore the keyring"),
        Trouble::SiteKeysMissing => ("site-keys-missing", "pair them again"),
        Trouble::MessagesWithheld => ("messages-withheld", "keys are back"),
        Trouble::DiskFull => ("disk-full", "free some space"),
        Trouble::ReadOnly => ("read-only", "writable again"),
        Trouble::DatabaseDamaged => ("database-damaged", "by itself"),
        Trouble::DatabaseReplaced => ("database-replaced", "kept aside"),
        Trouble::DatabaseNewer => ("database-newer", "update Belfry"),
        Trouble::StorageFailed => ("storage-failed", "check the profile's folder"),
        Trouble::ProfileInUse => ("profile-in-use", "end the process"),
        Trouble::ProfileUnusable => ("profile-unusable", "config.toml"),
        Trouble::ReceiverAbsent => ("receiver-absent", "start `belfry run` or the app"),
        Trouble::PairingNeeded => ("pairing-needed", "--subscription"),
        Trouble::PushServiceUnreachable => ("push-service-unreachable", "keeps trying"),
        Trouble::PushServiceNotRunning => ("push-service-not-running", "belfry serve"),
        Trouble::PushServiceAddress => ("push-service-address", "registration token"),
        Trouble::PushServiceUntrusted => ("push-service-untrusted", "`belfry config set ca-file FILE`"),
        Trouble::PushServiceCertificate => ("push-service-certificate", "clock"),
        Trouble::PushServiceAuthority => ("push-service-authority", "belfry serve --tls auto"),
        Trouble::NotificationsAbsent => ("notifications-absent", "dunst or mako"),
        Trouble::NotificationsLimited => ("notifications-limited", "belfry inbox"),
        Trouble::DoNotDisturbOn => ("do-not-disturb-on", "belfry dnd off"),
        Trouble::TrayAbsent => ("tray-absent", "start Belfry once more"),
        Trouble::ClockWrong => ("clock-wrong", "set the clock"),
    }
}

const ALL: [Trouble; 30] = [
    Trouble::KeyringAbsent,
    Trouble::KeyringLocked,
    Trouble::PassphraseNeeded,
    Trouble::PromptDismissed,
    Trouble::KeyringSilent,
    Trouble::KeyringItemDamaged,
    Trouble::DatabaseKeyMissing,
    Trouble::SiteKeysMissing,
    Trouble::MessagesWithheld,
    Trouble::DiskFull,
    Trouble::ReadOnly,
    Trouble::DatabaseDamaged,
    Trouble::DatabaseReplaced,
    Trouble::DatabaseNewer,
    Trouble::StorageFailed,
    Trouble::ProfileInUse,
    Trouble::ProfileUnusable,
    Trouble::ReceiverAbsent,
    Trouble::PairingNeeded,
    Trouble::PushServiceUnreachable,
    Trouble::PushServiceNotRunning,
    Trouble::PushServiceAddress,
    Trouble::PushServiceUntrusted,
    Trouble::PushServiceCertificate,
    Trouble::PushServiceAuthority,
    Trouble::NotificationsAbsent,
    Trouble::NotificationsLimited,
    Trouble::DoNotDisturbOn,
    Trouble::TrayAbsent,
    Trouble::ClockWrong,
];

#[tokio::test]
async fn every_trouble_is_found_and_has_a_code_and_a_remedy() {
    // The last one: an array that lacks some is shorter.
    assert_eq!(ALL.len(), Trouble::ClockWrong as usize + 1);
    for (place, trouble) in ALL.into_iter().enumerate() {
        assert_eq!(trouble as usize, place);
        let (code, remedy) = row(trouble);
        let checks = soon(code, induce(trouble)).await;
        let check = checks.iter().find(|check| check.code == Some(trouble));
        let check = check.unwrap_or_else(|| panic!("{code} was not found: {checks:?}"));
        assert_eq!(serde_json::to_value(check.code).unwrap(), code);
        assert!(check.remedy.as_ref().unwrap().contains(remedy), "{check:?}");
        assert!(!check.message.is_empty() && !check.message.contains('\n'), "{check:?}");
        assert_eq!(check.severity, trouble.severity());
    }
}

async fn induce(trouble: Trouble) -> Vec<Check> {
    let (mut machine, service) = (Machine::new(), ScriptedService::start().await);
    match trouble {
        Trouble::KeyringAbsent => refused(&machine, KeyringError::Absent("no bus".into())).await,
        Trouble::KeyringLocked => refused(&machine, KeyringError::Locked("login".into())).await,
        Trouble::PassphraseNeeded => refused(&machine, KeyringError::Sealed("wrong".into())).await,
        Trouble::KeyringSilent => refused(&machine, KeyringError::Silent).await,
        Trouble::PromptDismissed => {
            machine.door.refuse(KeyringError::Locked("login".into()));
            machine.door.answer(Err(KeyringError::Dismissed));
            let receiver = machine.start(&service).await;
            vec![receiver.client.request(Request::Unlock).await.unwrap_err().check()]
        }
        Trouble::KeyringItemDamaged => {
            machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
            machine.item("database").set_secret(b"not a key").unwrap();
            unopened(&machine).await
        }
        Trouble::DatabaseKeyMissing => {
            machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
            machine.item("database").delete_credential().unwrap();
            unopened(&machine).await
        }
        Trouble::SiteKeysMissing | Trouble::MessagesWithheld => {
            let receiver = machine.start(&service).await;
            let (mut peer, _) = service.welcome("a1").await;
            let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
            receiver.engine.shutdown().await;
            machine.item(&channel).delete_credential().unwrap();
            let receiver = machine.start(&service).await;
            let (mut peer, _) = service.welcome("a1").await;
            peer.notify(&channel, "v1", &sealed(&subscription, "x")).await;
            peer.acks().await;
            receiver.checks().await
        }
        // The same on real file systems is in the end-to-end tests.
        Trouble::DiskFull => {
            let memory = rusqlite::Connection::open_in_memory().unwrap();
            memory.execute_batch("PRAGMA max_page_count = 2; CREATE TABLE a (b); ").unwrap();
            failed(memory.execute("INSERT INTO a VALUES (zeroblob(100000))", []))
        }
        Trouble::ReadOnly => {
            let memory = rusqlite::Connection::open_in_memory().unwrap();
            memory.execute_batch("CREATE TABLE a (b); PRAGMA query_only = ON").unwrap();
            failed(memory.execute("INSERT INTO a VALUES (1)", []))
        }
        Trouble::DatabaseDamaged => {
            machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
            // Nothing reads this one by itself: that would begin the database anew before it is asked about.
            let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'withheld_by_channel'";
            let page: u32 = machine.tamper().query_row(root, [], |row| row.get(0)).unwrap();
            machine.damage_page(page as usize - 1);
            machine.start(&service).await.checks().await
        }
        Trouble::DatabaseReplaced => {
            machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
            machine.damage();
            let receiver = machine.start(&service).await;
            let _peer = service.welcome("a1").await;
            receiver.checks().await
        }
        Trouble::DatabaseNewer => {
            machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
            machine.tamper().pragma_update(None, "user_version", 9999).unwrap();
            unopened(&machine).await
        }
        Trouble::StorageFailed => {
            std::fs::create_dir_all(machine.folder.path().join("profile/lock")).unwrap();
            std::fs::write(machine.folder.path().join("profile/config.toml"), "").unwrap();
            unopened(&machine).await
        }
        Trouble::ProfileInUse => {
            let _receiver = machine.start(&service).await;
            unopened(&machine).await
        }
        Trouble::ProfileUnusable => {
            machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
            std::fs::write(machine.folder.path().join("profile/config.toml"), "keyring = 7").unwrap();
            unopened(&machine).await
        }
        Trouble::PairingNeeded => {
            let receiver = machine.start(&service).await;
            let (mut peer, _) = service.welcome("a1").await;
            receiver.paired(&mut peer, "Backups").await;
            drop(peer);
            let (mut peer, _) = service.welcome("b2").await;
            peer.answer_register().await;
            receiver.checks().await
        }
        // It accepts nothing.
        Trouble::PushServiceUnreachable => machine.start(&service).await.checks().await,
        Trouble::PushServiceNotRunning => {
            machine.try_start("ws://127.0.0.1:1/", Mode::Online).await.unwrap().checks().await
        }
        Trouble::PushServiceAddress => {
            let receiver = machine.try_start(&service.url(), Mode::Online).await.unwrap();
            let (checks, ()) = tokio::join!(receiver.checks(), service.refuse("404 Not Found"));
            checks
        }
        Trouble::ReceiverAbsent => {
            let receiver = machine.try_start(&service.url(), Mode::Online).await.unwrap();
            let (checks, _peer) = tokio::join!(receiver.checks(), service.welcome("a1"));
            checks
        }
        Trouble::DoNotDisturbOn => {
            let receiver = machine.start(&service).await;
            let _peer = service.welcome("a1").await;
            receiver.silence(DoNotDisturb::On).await;
            receiver.checks().await
        }
        Trouble::PushServiceUntrusted => {
            let (url, _) = secured("localhost").await;
            machine.try_start(&url, Mode::Online).await.unwrap().checks().await
        }
        Trouble::PushServiceCertificate | Trouble::PushServiceAuthority => {
            // Trusted or not makes no difference.
            let (url, authority) = match trouble {
                Trouble::PushServiceAuthority => secured_by_an_authority().await,
                _ => secured("elsewhere.example").await,
            };
            let ca = machine.folder.path().join("ca.pem");
            std::fs::write(&ca, authority).unwrap();
            let options = Options {
                push_service: Some(url.parse().unwrap()),
                ca_files: vec![ca],
                ..machine.options(Mode::Online)
            };
            machine.start_with(options).await.unwrap().checks().await
        }
        // With a real panel, and without one, it is in the end-to-end tests.
        Trouble::TrayAbsent => vec![crate::requests::diagnose::tray_host(false)],
        Trouble::ClockWrong => {
            let receiver = machine.start(&service).await;
            let _peer = service.welcome_at("a1", "Sun, 06 Nov 1994 08:49:37 GMT").await;
            receiver.checks().await
        }
        Trouble::NotificationsAbsent | Trouble::NotificationsLimited => {
            machine.capabilities = (trouble == Trouble::NotificationsLimited).then(|| vec!["body".into()]);
            let receiver = machine.start(&service).await;
            let _peer = service.welcome("a1").await;
            receiver.checks().await
        }
    }
}

async fn refused(machine: &Machine, error: KeyringError) -> Vec<Check> {
    machine.door.refuse(error);
    unopened(machine).await
}

async fn unopened(machine: &Machine) -> Vec<Check> {
    vec![machine.start_with(machine.options(Mode::Offline)).await.err().unwrap().check()]
}

fn failed(result: rusqlite::Result<usize>) -> Vec<Check> {
    vec![CommandError::from(StoreError::from(result.unwrap_err())).check()]
}

#[tokio::test]
async fn a_service_that_has_stopped_answering_does_not_pass_for_one_that_answers() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    receiver.event("connected", |event| matches!(event, Event::Connected { .. })).await;
    assert_eq!(peer.answering(receiver.troubles()).await, []);
    // From now on nobody reads: the socket stays open.
    let checks = soon("the diagnosis", receiver.checks()).await;
    let row = checks.iter().find(|check| check.check == "push-service").unwrap();
    assert_eq!(row.code, Some(Trouble::PushServiceUnreachable), "{row:?}");
    assert!(row.message.contains("no answer") && row.message.contains("the connection is open"), "{row:?}");
    // One that is in the middle of connecting when it is asked about is asked.
    drop(peer);
    let asking = tokio::spawn({
        let client = receiver.client.clone();
        async move { client.request(Request::Diagnose).await.unwrap() }
    });
    let _peer = service.welcome("a1").await;
    let Response::Checks(checks) = soon("the diagnosis", asking).await.unwrap() else { panic!() };
    let row = checks.iter().find(|check| check.check == "push-service").unwrap();
    assert!(row.code.is_none() && row.message.ends_with("answers"), "{row:?}");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_at_once_to_whoever_adds_a_site() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let _peer = service.welcome("a1").await;
    let (url, _) = secured("localhost").await;
    let new = |name: &str| NewSite {
        name: name.into(),
        url: None,
        vapid_key: None,
        push_service: Some(url.parse().unwrap()),
    };
    // The second time as well, when the next attempt by itself is to be later.
    let client = receiver.client.clone();
    client.request(Request::AddPushService { url: url.parse().unwrap() }).await.unwrap();
    for name in ["Backups", "Builds"] {
        let error = soon("the error", client.request(Request::AddSite(new(name)))).await.unwrap_err();
        assert_eq!(
            (error.code, error.trouble),
            (crate::api::ErrorCode::Offline, Some(Trouble::PushServiceUntrusted))
        );
        for part in
            ["certificate of localhost is not trusted", "`--ca FILE`", "`belfry config set ca-file FILE`"]
        {
            assert!(error.message.contains(part), "{error}");
        }
    }
    assert!(receiver.sites().await.is_empty());
}

#[tokio::test]
async fn what_answers_and_is_no_push_service_is_told_at_once_to_whoever_adds_a_site() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let _peer = service.welcome("a1").await;
    let elsewhere = ScriptedService::start().await;
    let add = |push_service: String| {
        let push_service = Some(push_service.parse().unwrap());
        receiver.ask(Request::AddSite(NewSite {
            name: "Builds".into(),
            url: None,
            vapid_key: None,
            push_service,
        }))
    };
    let plain = elsewhere.url().replace("ws://127.0.0.1", "wss://localhost");
    for (url, said) in [(elsewhere.url(), "127.0.0.1 answered 404 Not Found"), (plain, "speaks no TLS")] {
        let adding = add(url);
        let refusing = tokio::spawn({
            let elsewhere = elsewhere.clone();
            async move { elsewhere.refuse("404 Not Found").await }
        });
        let error = soon("the error", adding).await.unwrap().unwrap_err();
        assert_eq!(error.trouble, Some(Trouble::PushServiceAddress), "{error}");
        assert!(error.message.contains(said) && error.message.contains("registration token"), "{error}");
        soon("the refusal", refusing).await.unwrap();
    }
    assert!(receiver.sites().await.is_empty());
}

#[tokio::test]
async fn a_push_service_that_does_not_run_is_told_at_once_and_waited_for() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let url = service.url();
    drop(service);
    let receiver = machine.try_start(&url, Mode::Receive(Notify::Auto)).await.unwrap();
    let checks = receiver.checks().await;
    let row = checks.iter().find(|check| check.check == "push-service").unwrap();
    assert_eq!(row.code, Some(Trouble::PushServiceNotRunning), "{row:?}");
    assert!(row.message.contains("no push service listens there"), "{row:?}");
    assert!(!row.message.contains("no answer within"), "{row:?}");
    let adding = receiver.add("Backups");
    // One attempt was made for it, and was refused.
    receiver.checks().await;
    assert!(!adding.is_finished(), "it may be about to start");
}

#[tokio::test]
async fn a_default_push_service_that_no_site_uses_is_no_reason_to_fail() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    receiver.paired(&mut peer, "Backups").await;
    receiver.setting(SettingKey::PushService, Some("ws://127.0.0.1:1/")).await.unwrap();
    let checks = peer.answering(receiver.checks()).await;
    let rows: Vec<_> = checks.iter().filter(|check| check.check == "push-service").collect();
    assert_eq!(rows.iter().map(|row| row.severity).collect::<Vec<_>>(), [Severity::Ok, Severity::Warning]);
    assert!(rows[1].message.contains("only new sites"), "{rows:?}");
    assert!(checks.iter().all(|check| check.severity != Severity::Error), "{checks:?}");
}

#[tokio::test]
async fn the_doctor_names_the_sites_that_are_set_to_show_nothing() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    for name in ["Backups", "Builds", "Mail"] {
        receiver.paired(&mut peer, name).await;
    }
    receiver.set("Backups", &[SiteChange::State(SiteState::History)]).await.unwrap();
    let end = "2999-01-01T00:00:00Z".parse().unwrap();
    receiver.set("Builds", &[SiteChange::Snooze(Some(end))]).await.unwrap();
    receiver.silence(DoNotDisturb::Until(end)).await;
    assert_eq!(receiver.status().await.quiet_until, Some(end));
    let checks = peer.answering(receiver.checks()).await;
    let message = |name: &str| {
        checks
            .iter()
            .filter(|check| check.check == name)
            .map(|check| check.message.as_str())
            .collect::<Vec<_>>()
    };
    let names = "Backups (history only), Builds (snoozed until 2999-01-01T00:00:00.000Z)";
    assert_eq!(message("sites"), [format!("without notifications, as they are set: {names}")]);
    assert_eq!(message("notifications")[1], "Do Not Disturb is on until 2999-01-01T00:00:00.000Z");
    assert!(checks.iter().all(|check| check.severity != Severity::Error), "{checks:?}");
}
