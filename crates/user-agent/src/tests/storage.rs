//! Trouble with the database.

use futures_util::StreamExt as _;

use super::*;
use crate::api::{SiteState, UaidState};

fn kept_aside(machine: &Machine) -> Vec<String> {
    let folder = std::fs::read_dir(machine.folder.path().join("profile")).unwrap();
    let names = folder.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("belfry-damaged-") && name.ends_with(".db")).collect()
}

#[tokio::test]
async fn a_damaged_database_is_kept_aside_and_its_sites_live_on() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let changes = vec![
        SiteChange::State(SiteState::Quiet),
        crate::api::SiteChange::Url(Some("https://backups.example/".parse().unwrap())),
    ];
    receiver.client.request(Request::SetSite { site: "Backups".into(), changes }).await.unwrap();
    let saved = async {
        let state = || machine.item(&channel).get_secret().unwrap();
        while !String::from_utf8(state()).unwrap().contains("quiet") {
            tokio::task::yield_now().await;
        }
    };
    soon("the record", saved).await;
    receiver.engine.shutdown().await;
    machine.damage();

    let mut receiver = machine.start(&service).await;
    let told = receiver.event("the damage", |event| matches!(event, Event::Failed { .. })).await;
    assert!(matches!(told, Event::Failed { reason, .. } if reason.contains("kept as")));
    let (mut peer, hello) = service.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1", "or every endpoint would be dead");
    let connected = receiver.event("connected", |event| matches!(event, Event::Connected { .. })).await;
    assert!(matches!(connected, Event::Connected { uaid: UaidState::Kept, .. }));
    let site = receiver.show("Backups").await;
    assert_eq!(site.subscription.unwrap(), subscription);
    assert_eq!(site.state, crate::api::SiteState::Quiet);
    assert_eq!(site.url.unwrap().as_str(), "https://backups.example/");
    assert!(!site.needs_pairing);
    peer.notify(&channel, "v1", &sealed(&subscription, "it goes on")).await;
    assert_eq!(peer.acks().await, [("v1".into(), 100)]);
    let popup = receiver.popup().await;
    assert_eq!(popup.notification.body, "it goes on");
    assert!(
        popup.entry.unwrap() > EntryId(1_000_000),
        "a click on what was lost must not be taken for one on it"
    );
    let aside = kept_aside(&machine);
    assert_eq!(aside.len(), 1);
    assert_eq!(peer.answering(receiver.troubles()).await, [Trouble::DatabaseReplaced]);
    std::fs::remove_file(machine.folder.path().join("profile").join(&aside[0])).unwrap();
    assert_eq!(peer.answering(receiver.troubles()).await, [], "done with");
}

#[tokio::test]
async fn that_a_database_was_kept_aside_is_told_even_if_the_process_ended_right_after() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (_, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.engine.shutdown().await;
    let aside = machine.database().with_file_name("belfry-damaged-2026-11-25T160000Z.db");
    std::fs::rename(machine.database(), &aside).unwrap();

    let mut receiver = machine.start(&service).await;
    let told = receiver.event("the damage", |event| matches!(event, Event::Failed { .. })).await;
    let name = aside.file_name().unwrap().to_str().unwrap();
    assert!(matches!(told, Event::Failed { reason, .. } if reason.contains(name)));
    let (mut peer, _) = service.welcome("a1").await;
    receiver.event("connected", |event| matches!(event, Event::Connected { .. })).await;
    assert_eq!(receiver.show("Backups").await.subscription.unwrap(), subscription);
    assert_eq!(peer.answering(receiver.troubles()).await, [Trouble::DatabaseReplaced]);
}

#[tokio::test]
async fn damage_found_while_running_is_mended_without_a_restart() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    // Nothing else reads or writes when the damage is done, or it would be found before it is asked for.
    let quiet = [SiteChange::State(SiteState::History)];
    receiver.set("Backups", &quiet).await.unwrap();
    for number in 0..40 {
        peer.notify(&channel, &format!("v{number}"), &sealed(&subscription, &"x".repeat(2000))).await;
    }
    let mut acknowledged = 0;
    while acknowledged < 40 {
        acknowledged += peer.acks().await.len();
    }
    // Every page but the first ones, in the file and not in the log.
    machine.tamper().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let mut bytes = std::fs::read(machine.database()).unwrap();
    bytes[8192..].fill(7);
    std::fs::write(machine.database(), bytes).unwrap();

    let mut asked = receiver.client.request(Request::ListEntries(EntryFilter::default())).await;
    if asked.is_ok() {
        // Still in the reader's cache: the search index is not.
        asked = receiver
            .client
            .request(Request::ListEntries(EntryFilter { search: Some("x".into()), ..Default::default() }))
            .await;
    }
    assert_eq!(asked.unwrap_err().trouble, Some(Trouble::DatabaseDamaged));
    let (_peer, hello) = service.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1");
    assert_eq!(kept_aside(&machine).len(), 1);
    assert_eq!(receiver.show("Backups").await.subscription.unwrap(), subscription);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_holds_up_neither_other_sites_nor_the_service() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (bad, bad_subscription) = receiver.paired(&mut peer, "Bad").await;
    let (good, good_subscription) = receiver.paired(&mut peer, "Good").await;
    machine.tamper().execute("UPDATE site SET url = 'not a url' WHERE name = 'Bad'", []).unwrap();
    peer.notify(&bad, "b", &sealed(&bad_subscription, "kept")).await;
    peer.notify(&good, "g", &sealed(&good_subscription, "fine")).await;
    let mut acks = peer.acks().await;
    while acks.len() < 2 {
        acks.extend(peer.acks().await);
    }
    assert_eq!(acks, [("b".into(), 100), ("g".into(), 100)]);
    assert_eq!(receiver.popup().await.notification.body, "fine");
    machine.tamper().execute("UPDATE site SET url = '' WHERE name = 'Bad'", []).unwrap();
    receiver.engine.shutdown().await;
    let mut receiver = machine.start(&service).await;
    assert_eq!(receiver.popup().await.notification.body, "kept");
}

#[tokio::test]
async fn what_cannot_be_written_is_not_acknowledged_and_comes_again_over_a_new_connection() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let blocker = machine.tamper();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let body = sealed(&subscription, "in the end");
    peer.notify(&channel, "v1", &body).await;
    let gone = receiver.event("the loss", |event| matches!(event, Event::Disconnected { .. })).await;
    assert!(
        matches!(gone, Event::Disconnected { retry_in_ms: Some(1000..), .. }),
        "with a wait, or a full disk would be a storm: {gone:?}"
    );
    assert!(peer.0.next().await.is_none_or(|frame| frame.is_err()), "no ack");
    blocker.execute_batch("ROLLBACK").unwrap();
    let (mut peer, hello) = service.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1");
    peer.notify(&channel, "v1", &body).await;
    assert_eq!(peer.acks().await, [("v1".into(), 100)]);
    assert_eq!(receiver.popup().await.notification.body, "in the end");
    assert_eq!(receiver.history().await.len(), 1);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_not_touched() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    machine.try_start(&service.url(), Mode::Offline).await.unwrap().engine.shutdown().await;
    machine.tamper().pragma_update(None, "user_version", 9999).unwrap();
    let before = std::fs::read(machine.database()).unwrap();
    let error = machine.try_start(&service.url(), Mode::Offline).await.err().unwrap();
    assert_eq!(error.trouble, Some(Trouble::DatabaseNewer));
    assert_eq!(std::fs::read(machine.database()).unwrap(), before);
    assert!(kept_aside(&machine).is_empty());
}

#[tokio::test]
async fn whichever_page_is_damaged_the_next_start_goes_on() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (_, subscription) = receiver.paired(&mut peer, "Backups").await;
    receiver.engine.shutdown().await;
    let sound = std::fs::read(machine.database()).unwrap();
    for page in 0..machine.pages() {
        std::fs::write(machine.database(), &sound).unwrap();
        machine.damage_page(page);
        let receiver = machine.start(&service).await;
        // It may notice only now, and opens once more by itself.
        let listed = async {
            loop {
                match receiver.client.request(Request::ShowSite { site: "Backups".into() }).await {
                    Ok(Response::Site(site)) => return *site,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        let site = soon("the site", listed).await;
        assert_eq!(site.subscription.as_ref(), Some(&subscription), "page {page}");
        receiver.engine.shutdown().await;
    }
}
