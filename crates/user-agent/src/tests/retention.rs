//! How long the history is kept, and that deleting deletes.

use super::*;
use crate::api::{EntryId, ErrorCode};

async fn bodies(receiver: &Receiver) -> Vec<String> {
    receiver.history().await.into_iter().map(|entry| entry.body).collect()
}

/// Receives pushes with these texts; each text is its version.
async fn received(
    machine: &Machine,
    service: &ScriptedService,
    texts: &[&str],
) -> (Receiver, Peer, String, PushSubscription) {
    let mut receiver = machine.start(service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    for text in texts {
        peer.notify(&channel, text, &sealed(&subscription, text)).await;
        assert_eq!(peer.acks().await, [((*text).into(), 100)]);
        receiver.popup().await;
    }
    (receiver, peer, channel, subscription)
}

#[tokio::test]
async fn only_so_many_entries_of_a_site_are_kept_and_none_is_received_again() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let (mut receiver, mut peer, channel, subscription) =
        received(&machine, &service, &["one", "two", "three", "four"]).await;
    receiver.set_setting(SettingKey::HistoryPerSite, Some("2"), true).await.unwrap();
    while bodies(&receiver).await.len() > 2 {
        receiver.event("the cleaning", |event| *event == Event::Changed).await;
    }
    assert_eq!(bodies(&receiver).await, ["four", "three"]);
    peer.notify(&channel, "one", &sealed(&subscription, "one")).await;
    assert_eq!(peer.acks().await, [("one".into(), 102)]);
    assert_eq!(bodies(&receiver).await, ["four", "three"]);
    for bad in ["0", "-1", "many", "1.5"] {
        let error = receiver.setting(SettingKey::HistoryPerSite, Some(bad)).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid, "{bad}");
    }
    let all = receiver.setting(SettingKey::HistoryPerSite, None).await.unwrap();
    let limit = all.into_iter().find(|setting| setting.key == SettingKey::HistoryPerSite).unwrap();
    assert_eq!((limit.value.as_str(), limit.is_default), ("10000", true));
}

#[tokio::test]
async fn a_limit_that_would_delete_messages_says_how_many_and_changes_nothing_until_it_is_confirmed() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let (mut receiver, _peer, ..) = received(&machine, &service, &["one", "two", "three", "four"]).await;
    let key = SettingKey::HistoryPerSite;
    let refused = receiver.setting(key, Some("1")).await.unwrap_err();
    assert_eq!((refused.code, refused.deletes), (ErrorCode::Unconfirmed, Some(3)));
    assert_eq!(refused.message, "history-per-site 1 would delete 3 messages for good: confirm with --yes");
    // What somebody has deleted is not lost by it.
    let newest = receiver.history().await[0].id;
    receiver.client.request(Request::DeleteEntries { ids: vec![newest] }).await.unwrap();
    let refused = receiver.setting(key, Some("3")).await.unwrap_err();
    assert_eq!((refused.code, refused.deletes), (ErrorCode::Unconfirmed, Some(1)));
    assert!(refused.message.contains("1 message for"), "{}", refused.message);
    receiver.client.request(Request::RestoreEntries { ids: vec![newest] }).await.unwrap();

    let limit =
        |settings: Vec<Setting>| settings.into_iter().find(|setting| setting.key == key).unwrap().value;
    // Nothing is asked where nothing is lost.
    assert_eq!(limit(receiver.setting(SettingKey::HistoryDays, Some("1")).await.unwrap()), "10000");
    for harmless in [Some("4"), Some("off"), None, Some("5")] {
        let settings = receiver.setting(key, harmless).await.unwrap();
        assert_eq!(limit(settings), harmless.unwrap_or("10000"));
    }
    assert_eq!(bodies(&receiver).await, ["four", "three", "two", "one"]);
    assert_eq!(limit(receiver.set_setting(key, Some("3"), true).await.unwrap()), "3");
    while bodies(&receiver).await.len() > 3 {
        receiver.event("the cleaning", |event| *event == Event::Changed).await;
    }
    assert_eq!(bodies(&receiver).await, ["four", "three", "two"]);
}

#[tokio::test]
async fn what_is_deleted_can_be_restored_for_a_moment() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let (receiver, mut peer, channel, subscription) = received(&machine, &service, &["one", "two"]).await;
    let ids: Vec<EntryId> = receiver.history().await.into_iter().map(|entry| entry.id).collect();
    receiver.client.request(Request::DeleteEntries { ids: ids.clone() }).await.unwrap();
    assert_eq!(bodies(&receiver).await, Vec::<String>::new());
    assert_eq!((receiver.show("Backups").await.unread, receiver.status().await.unread), (0, 0));
    let gone = receiver.client.request(Request::ShowEntry { id: ids[0] }).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::NotFound);
    receiver.client.request(Request::RestoreEntries { ids: vec![ids[0]] }).await.unwrap();
    assert_eq!(bodies(&receiver).await, ["two"]);
    let twice = receiver.client.request(Request::RestoreEntries { ids: vec![ids[0]] }).await.unwrap_err();
    assert_eq!(twice.code, ErrorCode::NotFound);
    peer.notify(&channel, "one", &sealed(&subscription, "one")).await;
    assert_eq!(peer.acks().await, [("one".into(), 102)], "deleting reopens nothing");
    receiver.engine.shutdown().await;

    let receiver = machine.try_start(&service.url(), Mode::Offline).await.unwrap();
    let too_late = receiver.client.request(Request::RestoreEntries { ids: vec![ids[1]] }).await.unwrap_err();
    assert_eq!(too_late.code, ErrorCode::NotFound, "purged at the end");
    assert_eq!(bodies(&receiver).await, ["two"]);
}
