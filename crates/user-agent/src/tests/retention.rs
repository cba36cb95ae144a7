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
    receiver.setting(SettingKey::HistoryPerSite, Some("2")).await.unwrap();
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
