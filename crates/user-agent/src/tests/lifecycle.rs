//! Starting, stopping and changing sites.

use super::*;
use crate::api::{Condition, DoNotDisturb, ErrorCode, SiteState};

#[tokio::test]
async fn what_was_committed_but_not_shown_is_shown_by_the_next_process() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.engine.shutdown().await;

    let mut online = machine.try_start(&service.url(), Mode::Online).await.unwrap();
    let (mut peer, _) = service.welcome("a1").await;
    peer.notify(&channel, "v1", &sealed(&subscription, "while nothing could be shown")).await;
    assert_eq!(online.disposition().await, Disposition::Shown);
    assert_eq!(peer.acks().await, [("v1".into(), 100)]);
    online.engine.shutdown().await;

    receiver = machine.start(&service).await;
    let (_peer, _) = service.welcome("a1").await;
    assert_eq!(receiver.popup().await.notification.body, "while nothing could be shown");
    receiver.engine.shutdown().await;

    receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    peer.notify(&channel, "v2", &sealed(&subscription, "later")).await;
    assert_eq!(receiver.popup().await.notification.body, "later", "the first one is not shown twice");
}

#[tokio::test]
async fn a_profile_has_one_owner() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let second = machine.try_start(&service.url(), Mode::Offline).await;
    assert_eq!(second.err().unwrap().code, ErrorCode::ProfileInUse);
    receiver.engine.shutdown().await;
    assert!(machine.try_start(&service.url(), Mode::Offline).await.is_ok());
}

#[tokio::test]
async fn the_state_of_a_site_decides_what_becomes_of_a_push() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let cases = [
        (SiteState::Blocked, 102, Disposition::Discarded),
        (SiteState::History, 100, Disposition::Recorded),
        (SiteState::Quiet, 100, Disposition::Shown),
        (SiteState::Alert, 100, Disposition::Shown),
    ];
    for (state, code, expected) in cases {
        let changes = vec![SiteChange::State(state)];
        receiver.client.request(Request::SetSite { site: "backups".into(), changes }).await.unwrap();
        let version = format!("v-{state}");
        peer.notify(&channel, &version, &sealed(&subscription, state.as_str())).await;
        assert_eq!(peer.acks().await, [(version, code)]);
        let event = receiver.event("the push", |event| matches!(event, Event::Push { .. })).await;
        assert!(matches!(event, Event::Push { disposition, .. } if disposition == expected), "{event:?}");
        if expected == Disposition::Shown {
            let popup = receiver.popup().await;
            assert_eq!(
                (popup.sound, popup.notification.body),
                (state == SiteState::Alert, state.to_string())
            );
        }
    }
    let titles: Vec<_> = receiver.history().await.into_iter().map(|entry| entry.body).collect();
    assert_eq!(titles, ["alert", "quiet", "history"]);
}

#[tokio::test]
async fn a_removed_site_is_unregistered_and_its_name_free_again() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let removing = receiver.ask(Request::RemoveSite { site: "Backups".into() });
    let unregister = peer.receive().await;
    assert_eq!(unregister, json!({"messageType": "unregister", "channelID": channel, "code": 200}));
    peer.notify(&channel, "late", &sealed(&subscription, "too late")).await;
    assert_eq!(peer.acks().await, [("late".into(), 102)]);
    peer.send(json!({"messageType": "unregister", "channelID": channel, "status": 200})).await;
    let removed = soon("the removal", removing).await.unwrap().unwrap();
    assert_eq!(removed, Response::Removed { unregistered: true });
    assert_eq!(receiver.sites().await, []);
    receiver.paired(&mut peer, "Backups").await;
}

#[tokio::test]
async fn a_removal_without_network_is_told_at_the_next_connection() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, _) = receiver.paired(&mut peer, "Backups").await;
    receiver.engine.shutdown().await;

    let offline = machine.try_start(&service.url(), Mode::Offline).await.unwrap();
    let removed = offline.client.request(Request::RemoveSite { site: "Backups".into() }).await.unwrap();
    assert_eq!(removed, Response::Removed { unregistered: false });
    offline.engine.shutdown().await;

    let _receiver = machine.start(&service).await;
    let (mut peer, hello) = service.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1", "only the owner of a channel can give it up");
    let unregister = peer.receive().await;
    assert_eq!(
        (&unregister["messageType"], &unregister["channelID"]),
        (&json!("unregister"), &json!(channel))
    );
}

#[tokio::test]
async fn names_are_unique_whatever_their_case() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    receiver.paired(&mut peer, "Backups").await;
    receiver.paired(&mut peer, "Mail").await;
    let error = soon("the refusal", receiver.add("backups")).await.unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::Exists);
    let changes = vec![SiteChange::State(SiteState::Quiet), SiteChange::Name("BACKUPS".into())];
    let error = receiver.client.request(Request::SetSite { site: "Mail".into(), changes }).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Exists);
    assert_eq!(receiver.show("Mail").await.state, SiteState::Alert, "all changes or none");
}

#[tokio::test]
async fn the_history_is_searched_read_and_deleted() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    for (version, text) in
        [("1", "disk nearly full"), ("2", "backup finished"), ("3", "disk \"sda\" replaced")]
    {
        peer.notify(&channel, version, &sealed(&subscription, text)).await;
        peer.acks().await;
        receiver.popup().await;
    }
    let search = |text: &str| {
        let filter = EntryFilter { search: Some(text.into()), ..EntryFilter::default() };
        let client = receiver.client.clone();
        async move {
            match client.request(Request::ListEntries(filter)).await.unwrap() {
                Response::Entries(entries) => entries.into_iter().map(|entry| entry.body).collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(search("disk").await, ["disk \"sda\" replaced", "disk nearly full"]);
    assert_eq!(search("finish").await, ["backup finished"]);
    assert_eq!(search("\"sda\" OR").await, Vec::<String>::new());

    let ids: Vec<_> = receiver.history().await.into_iter().map(|entry| entry.id).collect();
    receiver.client.request(Request::MarkRead { ids: vec![ids[0]] }).await.unwrap();
    assert_eq!(receiver.show("Backups").await.unread, 2);
    receiver.client.request(Request::DeleteEntries { ids: vec![ids[1]] }).await.unwrap();
    assert_eq!(search("finish").await, Vec::<String>::new());
    let unknown = receiver.client.request(Request::DeleteEntries { ids: vec![ids[0], ids[1]] }).await;
    assert_eq!(unknown.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(receiver.history().await.len(), 2, "all or none");
}

#[tokio::test]
async fn a_click_marks_the_entry_read_and_refuses_what_is_not_a_web_page() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let payload = json!({"web_push": 8030, "notification": {"title": "t", "navigate": "file:///etc/passwd"}});
    peer.notify(&channel, "v1", &sealed(&subscription, &payload.to_string())).await;
    peer.acks().await;
    let entry = receiver.popup().await.entry;
    receiver.click(entry, None);
    let refused = receiver.event("the refusal", |event| matches!(event, Event::Failed { .. })).await;
    assert!(matches!(refused, Event::Failed { site: Some(site), .. } if site == "Backups"));
    assert!(receiver.history().await[0].read);
}

#[tokio::test]
async fn do_not_disturb_records_until_it_ends_and_survives_a_restart() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let silence = |value| Request::SetDoNotDisturb { value };
    receiver.client.request(silence(DoNotDisturb::On)).await.unwrap();
    receiver.engine.shutdown().await;

    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    peer.notify(&channel, "v1", &sealed(&subscription, "in silence")).await;
    let event = receiver.event("the push", |event| matches!(event, Event::Push { .. })).await;
    assert!(matches!(event, Event::Push { disposition: Disposition::Recorded, .. }), "{event:?}");
    peer.acks().await;
    let past = DoNotDisturb::Until("2020-01-01T00:00:00Z".parse().unwrap());
    let Response::Status(status) = receiver.client.request(silence(past)).await.unwrap() else {
        panic!("no status")
    };
    assert_eq!((status.condition, status.unread), (Condition::Unread, 1));
    peer.notify(&channel, "v2", &sealed(&subscription, "aloud")).await;
    assert_eq!(receiver.popup().await.notification.body, "aloud");
}

#[tokio::test]
async fn a_front_end_that_asks_first_connects_only_when_a_service_is_chosen() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut options = machine.options(Mode::Receive(Notify::Auto));
    options.ask_first = true;
    let mut receiver = machine.start_with(options).await.unwrap();
    let Response::Status(status) = receiver.client.request(Request::Status).await.unwrap() else {
        panic!("no status")
    };
    assert!(status.first_run && status.push_services.is_empty(), "{status:?}");
    let url = service.url().parse().unwrap();
    receiver.client.request(Request::SetDefaultPushService { url }).await.unwrap();
    service.welcome("a1").await;
    receiver.event("the connection", |event| matches!(event, Event::Connected { .. })).await;
}

#[tokio::test]
async fn a_payload_that_is_no_text_comes_back_byte_for_byte_without_its_secrets() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let secret = b"\xff{\"jwt\":\"s3cret\",\"a\":1}";
    for (version, payload) in [("v1", &b"\x00\xff\x01"[..]), ("v2", b"{}"), ("v3", secret)] {
        peer.notify(&channel, version, &encryption::encrypt(&subscription.keys, payload).unwrap()).await;
        assert_eq!(peer.acks().await, [(version.to_owned(), 100)]);
    }
    let mut stored = Vec::new();
    for entry in receiver.history().await {
        match receiver.client.request(Request::ShowEntry { id: entry.id }).await.unwrap() {
            Response::Entry { raw, raw_base64, .. } => stored.push((raw, raw_base64)),
            other => panic!("{other:?}"),
        }
    }
    let [(redacted, None), json, binary] = &stored[..] else { panic!("{stored:?}") };
    assert_eq!(*binary, (None, Some("AP8B".into())));
    assert_eq!(*json, (Some("{}".into()), None));
    assert_eq!(redacted.as_deref(), Some("\u{fffd}{\"jwt\":null,\"a\":1}"));
}

#[tokio::test]
async fn that_the_notification_server_has_taken_a_notification_is_told_when_it_has() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.notifications.send(Manner::Hangs).unwrap();
    peer.notify(&channel, "v1", &titled(&subscription, "One")).await;
    let entry = receiver.popup().await.entry.unwrap();
    receiver.event("the push", |event| matches!(event, Event::Push { .. })).await;
    let mut events = receiver.client.events();
    let handed = async {
        loop {
            if let Event::Handed { ids } = events.next().await.unwrap() {
                return ids;
            }
        }
    };
    tokio::pin!(handed);
    assert!(timeout(Duration::from_millis(200), &mut handed).await.is_err(), "it has not answered");
    receiver.notifications.send(Manner::Shows).unwrap();
    assert_eq!(soon("the word of it", handed).await, [entry]);
}

/// What is logged from now on, until this is dropped. Tasks of a test run on its own thread.
fn logged() -> (tracing::subscriber::DefaultGuard, Arc<std::sync::Mutex<Vec<u8>>>) {
    let log = Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || Log(writer.clone()))
        .finish();
    (tracing::subscriber::set_default(subscriber), log)
}

struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_push_service_that_stays_although_its_only_site_was_not_added_is_in_the_log() {
    let (machine, service, other) =
        (Machine::new(), ScriptedService::start().await, ScriptedService::start().await);
    machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
    let refuse_to_forget =
        "CREATE TRIGGER kept BEFORE DELETE ON push_service BEGIN SELECT RAISE(ABORT, 'kept'); END";
    machine.tamper().execute_batch(refuse_to_forget).unwrap();
    let (_guard, log) = logged();
    let receiver = machine.start(&service).await;
    let _peer = service.welcome("a1").await;
    let adding = tokio::spawn({
        let (client, push_service) = (receiver.client.clone(), other.url().parse().ok());
        let new = NewSite { name: "Backups".into(), url: None, vapid_key: None, push_service };
        async move { client.request(Request::AddSite(new)).await }
    });
    let (mut peer, _) = other.welcome("b1").await;
    let register = peer.receive().await;
    peer.send(json!({"messageType": "register", "channelID": register["channelID"], "status": 400, "pushEndpoint": ""}))
        .await;
    let error = soon("the refusal", adding).await.unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::Rejected, "what failed first is what is told");
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(log.contains("was not removed") && log.contains("kept"), "{log}");
}
