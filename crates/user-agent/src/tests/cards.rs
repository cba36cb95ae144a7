//! What is on screen, and what takes it away or outlasts us.

use super::*;
use crate::api::{Badge, SiteState};

/// Nextcloud's push of a notification with this number, and what it has to say.
fn numbered(subscription: &PushSubscription, nid: u32) -> Vec<u8> {
    let push =
        json!({"nid": nid, "app": "files", "subject": format!("File {nid}"), "type": "file", "id": "7"});
    sealed(subscription, &push.to_string())
}

fn deletion(subscription: &PushSubscription, nid: u32) -> Vec<u8> {
    sealed(subscription, &json!({"nid": nid, "delete": true}).to_string())
}

fn taken_back(site: &Site, tag: &str, last: EntryId) -> Withdrawal {
    Withdrawal::Sent { site_id: site.id.clone(), tags: Some(vec![tag.into()]), last }
}

async fn push(peer: &mut Peer, channel: &str, version: &str, body: &[u8]) {
    peer.notify(channel, version, body).await;
    assert_eq!(peer.acks().await, [(version.into(), 100)]);
}

/// A process has shown one notification of a site, and has ended.
async fn left_on_screen(machine: &Machine, service: &ScriptedService) -> (String, PushSubscription) {
    let mut receiver = machine.start(service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    push(&mut peer, &channel, "v1", &numbered(&subscription, 1)).await;
    receiver.popup().await;
    receiver.engine.shutdown().await;
    (channel, subscription)
}

#[tokio::test]
async fn what_was_read_or_deleted_in_the_inbox_is_taken_off_the_screen() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let mut ids = Vec::new();
    for title in ["One", "Two", "Three"] {
        push(&mut peer, &channel, title, &titled(&subscription, title)).await;
        ids.push(receiver.popup().await.entry.unwrap());
    }
    let requests = [
        Request::MarkRead { ids: vec![ids[0]] },
        Request::DeleteEntries { ids: vec![ids[1]] },
        Request::OpenEntry { id: ids[2], action: None, confirmed: false },
    ];
    for (request, id) in requests.into_iter().zip(ids) {
        receiver.client.request(request).await.unwrap();
        assert_eq!(receiver.withdrawal().await, Withdrawal::Entries(vec![id]));
    }
}

#[tokio::test]
async fn what_is_withdrawn_while_it_is_being_shown_is_taken_away_again() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    let site = receiver.show("Cloud").await;
    receiver.notifications.send(Manner::Hangs).unwrap();
    push(&mut peer, &channel, "v1", &numbered(&subscription, 1)).await;
    let entry = receiver.popup().await.entry.unwrap();
    push(&mut peer, &channel, "v2", &deletion(&subscription, 1)).await;
    assert_eq!(receiver.withdrawal().await, taken_back(&site, "1", entry), "the server may not know it yet");
    receiver.notifications.send(Manner::Shows).unwrap();
    assert_eq!(receiver.withdrawal().await, Withdrawal::Entries(vec![entry]));
    receiver.engine.shutdown().await;

    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    push(&mut peer, &channel, "v3", &numbered(&subscription, 2)).await;
    assert_eq!(receiver.titles(1).await, ["File 2"]);
    assert!(receiver.restored.try_recv().is_err(), "it is on no screen");
}

#[tokio::test]
async fn what_is_withdrawn_before_it_is_shown_never_is() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    receiver.notifications.send(Manner::IsAbsent).unwrap();
    for nid in [1, 2] {
        push(&mut peer, &channel, &format!("v{nid}"), &numbered(&subscription, nid)).await;
    }
    push(&mut peer, &channel, "gone", &deletion(&subscription, 1)).await;
    receiver.notifications.send(Manner::Shows).unwrap();
    assert_eq!(receiver.titles(1).await, ["File 2"]);
    assert!(receiver.popups.try_recv().is_err());
}

#[tokio::test]
async fn what_is_on_screen_is_known_after_our_restart() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    let site = receiver.show("Cloud").await;
    let mut entries = Vec::new();
    for nid in 1..=4 {
        push(&mut peer, &channel, &format!("v{nid}"), &numbered(&subscription, nid)).await;
        entries.push(receiver.popup().await.entry.unwrap());
    }
    // The notifier counts from one.
    receiver.reports.send(Report::Closed { server: "this run".into(), id: 2 }).unwrap();
    receiver.click(None, None);
    receiver.event("what was reported", |event| matches!(event, Event::Open { .. })).await;
    receiver.engine.shutdown().await;

    // A process that shows nothing cannot take anything away.
    let offline = machine.start_with(machine.options(Mode::Offline)).await.unwrap();
    offline.client.request(Request::MarkRead { ids: vec![entries[2]] }).await.unwrap();
    offline.client.request(Request::DeleteEntries { ids: vec![entries[3]] }).await.unwrap();
    offline.engine.shutdown().await;

    let mut receiver = machine.start(&service).await;
    let restored = soon("what is on screen", receiver.restored.recv()).await.unwrap();
    let known: Vec<_> =
        restored.iter().map(|card| (card.id, card.entry, card.site_id.as_str(), card.tag.as_str())).collect();
    let expected = [(1, 0, "1"), (3, 2, "3"), (4, 3, "4")]
        .map(|(id, entry, tag): (u32, usize, _)| (id, Some(entries[entry]), site.id.as_str(), tag));
    assert_eq!(known, expected);
    assert_eq!(receiver.withdrawal().await, Withdrawal::Entries(vec![entries[2], entries[3]]));
}

#[tokio::test]
async fn what_is_on_screen_is_asked_for_again_when_the_server_was_not_to_be_reached_at_our_start() {
    let (mut machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    for nid in [1, 2] {
        push(&mut peer, &channel, &format!("v{nid}"), &numbered(&subscription, nid)).await;
        receiver.popup().await;
    }
    receiver.engine.shutdown().await;

    machine.manner = Manner::IsAbsent;
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let id = receiver.history().await[0].id;
    receiver.client.request(Request::MarkRead { ids: vec![id] }).await.unwrap();
    assert_eq!(receiver.withdrawal().await, Withdrawal::Entries(vec![id]), "which the server cannot be told");
    assert!(receiver.restored.try_recv().is_err());
    receiver.notifications.send(Manner::Shows).unwrap();
    let restored = soon("what is on screen", receiver.restored.recv()).await.unwrap();
    assert_eq!(restored.iter().map(|card| card.tag.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(receiver.withdrawal().await, Withdrawal::Entries(vec![id]));
    // Known once is known.
    push(&mut peer, &channel, "v3", &numbered(&subscription, 3)).await;
    assert_eq!(receiver.titles(1).await, ["File 3"]);
    assert!(receiver.restored.try_recv().is_err());
}

#[tokio::test]
async fn what_is_on_screen_is_asked_for_again_whatever_else_happens_meanwhile() {
    let (mut machine, service) = (Machine::new(), ScriptedService::start().await);
    left_on_screen(&machine, &service).await;
    machine.manner = Manner::IsAbsent;
    let mut receiver = machine.start(&service).await;
    let _peer = service.welcome("a1").await;
    receiver.notifications.send(Manner::Shows).unwrap();
    let client = receiver.client.clone();
    // Each of these has it look whether there is something to show.
    let busy = async {
        loop {
            client.request(Request::MarkRead { ids: Vec::new() }).await.unwrap();
        }
    };
    tokio::select! {
        restored = soon("what is on screen", receiver.restored.recv()) => assert_eq!(restored.unwrap().len(), 1),
        () = busy => {}
    }
}

#[tokio::test]
async fn what_is_on_screen_is_known_before_anything_that_may_replace_it() {
    let (mut machine, service) = (Machine::new(), ScriptedService::start().await);
    let (channel, subscription) = left_on_screen(&machine, &service).await;
    machine.manner = Manner::IsAbsent;
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    push(&mut peer, &channel, "v2", &numbered(&subscription, 1)).await;
    receiver.event("the failure", |event| matches!(event, Event::Failed { .. })).await;
    receiver.notifications.send(Manner::Shows).unwrap();
    assert_eq!(receiver.titles(1).await, ["File 1"]);
    assert_eq!(receiver.restored.try_recv().unwrap().len(), 1, "or it would be shown beside the other");
}

#[tokio::test]
async fn an_earlier_summary_is_not_replaced_by_one_that_counts_less_and_goes_with_what_it_counts() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    receiver.set("Cloud", &[SiteChange::Burst("1/60".parse().unwrap())]).await.unwrap();
    for nid in [1, 2] {
        push(&mut peer, &channel, &format!("v{nid}"), &numbered(&subscription, nid)).await;
    }
    assert_eq!(receiver.titles(2).await, ["File 1", "1 more from Cloud"]);
    receiver.engine.shutdown().await;

    let mut receiver = machine.start(&service).await;
    let restored = soon("what is on screen", receiver.restored.recv()).await.unwrap();
    let known: Vec<_> = restored.iter().map(|card| (card.entry.is_some(), card.tag.as_str())).collect();
    assert_eq!(known, [(true, "1"), (false, "\u{1}earlier")]);
    let site = receiver.show("Cloud").await;
    let ids = receiver.history().await.into_iter().map(|entry| entry.id).collect();
    receiver.client.request(Request::MarkRead { ids }).await.unwrap();
    let gone = taken_back(&site, "\u{1}earlier", EntryId(i64::MAX));
    while receiver.withdrawal().await != gone {}
}

#[tokio::test]
async fn a_summary_shrinks_with_what_it_counts_and_goes_with_the_last() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    receiver.set("Cloud", &[SiteChange::Burst("1/3600".parse().unwrap())]).await.unwrap();
    let mut shown = Vec::new();
    for nid in 1..=4 {
        push(&mut peer, &channel, &format!("v{nid}"), &numbered(&subscription, nid)).await;
        shown.push(receiver.popup().await);
    }
    let titles: Vec<_> = shown.iter().map(|popup| popup.notification.title.as_str()).collect();
    assert_eq!(titles, ["File 1", "1 more from Cloud", "2 more from Cloud", "3 more from Cloud"]);

    push(&mut peer, &channel, "v5", &deletion(&subscription, 4)).await;
    let fewer = receiver.popup().await.notification;
    assert_eq!((fewer.title.as_str(), fewer.body.as_str()), ("2 more from Cloud", "File 3"));

    let site = receiver.show("Cloud").await;
    let history = receiver.history().await;
    let unread: Vec<_> = history.iter().filter(|entry| !entry.read).map(|entry| entry.id).collect();
    assert_eq!(unread.len(), 3, "the first was shown by itself");
    receiver.client.request(Request::MarkRead { ids: unread }).await.unwrap();
    let gone = taken_back(&site, &fewer.tag, EntryId(i64::MAX));
    while receiver.withdrawal().await != gone {}
}

#[tokio::test]
async fn a_site_says_how_much_is_new_there() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Chat").await;
    let declarative = |badge: Value| {
        let notification = json!({"title": "t", "navigate": "https://chat.example/"});
        json!({"web_push": 8030, "notification": notification, "app_badge": badge})
    };
    let said = [
        (declarative(json!(3)), Some(Badge::Count(3))),
        // It says nothing of that.
        (json!({"title": "t"}), Some(Badge::Count(3))),
        (declarative(json!(0)), None),
        (declarative(json!(u64::MAX)), Some(Badge::Count(u32::MAX))),
    ];
    for (index, (payload, badge)) in said.into_iter().enumerate() {
        push(&mut peer, &channel, &format!("v{index}"), &sealed(&subscription, &payload.to_string())).await;
        receiver.popup().await;
        assert_eq!(receiver.show("Chat").await.badge, badge, "{payload}");
    }
    // Matrix tells the count by itself when everything was read elsewhere.
    push(&mut peer, &channel, "read", &sealed(&subscription, r#"{"unread": 7}"#)).await;
    assert_eq!(receiver.show("Chat").await.badge, Some(Badge::Count(7)));
    assert_eq!(receiver.history().await.len(), 4, "that is no message");
    receiver.set("Chat", &[SiteChange::State(SiteState::Blocked)]).await.unwrap();
    assert_eq!(receiver.show("Chat").await.badge, None);
}
