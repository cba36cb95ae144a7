//! Pushes that are to be done rather than shown, and buttons that are to send rather than open.

use super::*;

fn next_popup_is(popup: &Popup, title: &str) {
    assert_eq!(popup.notification.title, title);
}

#[tokio::test]
async fn what_was_seen_elsewhere_is_read_here() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    for nid in [1, 2, 3] {
        let push =
            json!({"nid": nid, "app": "files", "subject": format!("File {nid}"), "type": "file", "id": "7"});
        peer.notify(&channel, &format!("v{nid}"), &sealed(&subscription, &push.to_string())).await;
        peer.acks().await;
        next_popup_is(&receiver.popup().await, &format!("File {nid}"));
    }
    peer.notify(&channel, "gone", &sealed(&subscription, r#"{"nid": 2, "delete": true}"#)).await;
    assert_eq!(peer.acks().await, [("gone".into(), 100)]);
    receiver.event("the end of the frame", |event| matches!(event, Event::Changed)).await;
    let read: Vec<_> = receiver.history().await.into_iter().map(|entry| (entry.title, entry.read)).collect();
    let expected = [("File 3".into(), false), ("File 2".into(), true), ("File 1".into(), false)];
    assert_eq!(read, expected, "and the frame itself is no message");
    let site_id = receiver.show("Cloud").await.id;
    let last = receiver.history().await.first().unwrap().id;
    let tagged = Withdrawal::Sent { site_id: site_id.clone(), tags: Some(vec!["2".into()]), last };
    assert_eq!(receiver.withdrawal().await, tagged);

    peer.notify(&channel, "all", &sealed(&subscription, r#"{"delete-all": true}"#)).await;
    peer.acks().await;
    assert_eq!(receiver.withdrawal().await, Withdrawal::Sent { site_id, tags: None, last });
    assert!(receiver.history().await.into_iter().all(|entry| entry.read));
}

#[tokio::test]
async fn what_only_a_person_can_do_is_said() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Cloud").await;
    peer.notify(&channel, "v", &sealed(&subscription, r#"{"activationToken": "7c5b42a1"}"#)).await;
    assert_eq!(peer.acks().await, [("v".into(), 100)]);
    let popup = receiver.popup().await;
    next_popup_is(&popup, "Cloud asks to confirm the subscription");
    let command = popup.notification.command.unwrap();
    assert!(command.contains("activationToken=7c5b42a1") && !popup.notification.body.contains("7c5b42a1"));
    let entry = receiver.history().await.remove(0);
    assert_eq!(entry.command, Some(command), "it is copied from the history");
    receiver.click(popup.entry, None);
    let wish = Event::Open { entry: popup.entry, action: None, asks: false };
    receiver.event("the window where it is", |event| *event == wish).await;
}

#[tokio::test]
async fn a_request_is_not_sent_without_consent_nor_opened_as_a_page() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Home").await;
    let push = json!({"event": "message", "subscription_id": "https://ntfy.example/home", "message": {
        "id": "1", "event": "message", "topic": "home", "message": "Gate?",
        "actions": [{"action": "http", "label": "Open the gate", "url": "http://127.0.0.1:9/gate"}]}});
    peer.notify(&channel, "v", &sealed(&subscription, &push.to_string())).await;
    let popup = receiver.popup().await;
    receiver.click(popup.entry, Some(0));
    let event = receiver.event("the refusal", |event| matches!(event, Event::Failed { .. })).await;
    assert!(matches!(event, Event::Failed { reason, .. } if reason.contains("consent")));
}
