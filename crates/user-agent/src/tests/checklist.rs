//! The user agent's checklist of the autopush protocol.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::api::{ErrorCode, UaidState};

#[tokio::test]
async fn connects_to_a_service_that_answers_no_subprotocol_and_names_broadcast_errors() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let mut peer = service.accept().await;
    assert_eq!(peer.receive().await, json!({"messageType": "hello", "use_webpush": true}));
    peer.send(json!({"messageType": "hello", "uaid": "a1", "status": 200, "use_webpush": true,
        "broadcasts": {"errors": {"x/y": "Broadcast not found"}}}))
        .await;
    let connected = receiver.event("connected", |event| matches!(event, Event::Connected { .. })).await;
    assert_eq!(
        connected,
        Event::Connected { push_service: service.url().parse().unwrap(), uaid: UaidState::New }
    );
}

#[tokio::test]
async fn a_changed_uaid_renews_every_subscription_and_asks_to_pair_again() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, before) = receiver.paired(&mut peer, "Backups").await;
    receiver.engine.shutdown().await;

    let mut receiver = machine.start(&service).await;
    let (mut peer, hello) = service.welcome("b2").await;
    assert_eq!(hello["uaid"], "a1");
    let register = peer.receive().await;
    assert_eq!(register["messageType"], "register");
    assert_eq!(register["channelID"], *channel);
    assert!(receiver.show("Backups").await.needs_pairing);
    peer.send(json!({"messageType": "register", "channelID": channel, "status": 200,
        "pushEndpoint": "https://push.example/wpush/v1/renewed"}))
        .await;
    receiver.event("the pairing notice", |event| matches!(event, Event::Failed { site: Some(_), .. })).await;
    let after = loop {
        match receiver.show("Backups").await.subscription {
            Some(subscription) => break subscription,
            None => drop(receiver.event("the new endpoint", |event| *event == Event::Changed).await),
        }
    };
    assert_eq!(after.endpoint.as_str(), "https://push.example/wpush/v1/renewed");
    assert_eq!(after.keys, before.keys);

    peer.notify(&channel, "v1", &sealed(&after, "it works again")).await;
    assert_eq!(peer.acks().await, [("v1".into(), 100)]);
    assert!(!receiver.show("Backups").await.needs_pairing);
}

#[tokio::test]
async fn a_refused_key_fails_the_site_and_leaves_nothing() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let adding = receiver.add("Backups");
    let register = peer.receive().await;
    peer.send(json!({"messageType": "register", "channelID": register["channelID"], "status": 400,
        "pushEndpoint": "Failed to generate endpoint"}))
        .await;
    let error = soon("the refusal", adding).await.unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::Rejected);
    assert_eq!(receiver.sites().await, []);
}

#[tokio::test]
async fn an_empty_push_is_shown_and_its_version_returned_to_the_letter() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, _) = receiver.paired(&mut peer, "Backups").await;
    peer.send(json!({"messageType": "notification", "channelID": channel, "version": "gAAA-_=="})).await;
    assert_eq!(peer.acks().await, [("gAAA-_==".into(), 100)]);
    assert_eq!(receiver.popup().await.notification.title, "New notification from Backups");
}

#[tokio::test]
async fn an_unknown_channel_is_acknowledged_as_not_delivered() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    peer.notify("decafbad-0000-4000-8000-0123456789ab", "v1", b"x").await;
    assert_eq!(peer.acks().await, [("v1".into(), 102)]);
    assert_eq!(receiver.history().await, []);
}

#[tokio::test]
async fn what_cannot_be_decrypted_is_acknowledged_and_kept_as_a_failure() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let mut body = sealed(&subscription, "secret words");
    *body.last_mut().unwrap() ^= 1;
    peer.notify(&channel, "v1", &body).await;
    assert_eq!(peer.acks().await, [("v1".into(), 101)]);
    receiver.event("the failure", |event| matches!(event, Event::Failed { site: Some(_), .. })).await;
    let history = receiver.history().await;
    assert_eq!(history.len(), 1);
    assert!(history[0].failure.is_some() && history[0].site == "Backups");
}

#[tokio::test]
async fn a_version_seen_before_is_acknowledged_and_not_shown_again() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let body = sealed(&subscription, "once");
    peer.notify(&channel, "v1", &body).await;
    assert_eq!(peer.acks().await, [("v1".into(), 100)]);
    peer.notify(&channel, "v1", &body).await;
    assert_eq!(peer.acks().await, [("v1".into(), 102)]);
    peer.notify(&channel, "v2", &sealed(&subscription, "another")).await;
    assert_eq!(peer.acks().await, [("v2".into(), 100)]);
    assert_eq!(receiver.popup().await.notification.body, "once");
    assert_eq!(receiver.popup().await.notification.body, "another");
    assert_eq!(receiver.history().await.len(), 2);
}

#[tokio::test]
async fn a_push_redelivered_because_the_ack_was_lost_is_in_the_history_once() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let body = sealed(&subscription, "once");
    peer.notify(&channel, "v1", &body).await;
    receiver.popup().await;
    drop(peer); // with the ack unread

    let (mut peer, hello) = service.welcome("a1").await;
    assert_eq!(hello["uaid"], "a1");
    peer.notify(&channel, "v1", &body).await;
    assert_eq!(peer.acks().await, [("v1".into(), 102)]);
    assert_eq!(receiver.history().await.len(), 1);
}

#[tokio::test]
async fn replies_in_another_order_find_their_sites() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let first = receiver.add("First");
    let first_channel = peer.receive().await["channelID"].as_str().unwrap().to_owned();
    let second = receiver.add("Second");
    let second_channel = peer.receive().await["channelID"].as_str().unwrap().to_owned();
    peer.grant(&second_channel).await;
    peer.notify("decafbad-0000-4000-8000-0123456789ab", "between", b"x").await;
    peer.grant(&first_channel).await;
    for (adding, channel) in [(first, first_channel), (second, second_channel)] {
        let Response::Site(site) = soon("a site", adding).await.unwrap().unwrap() else {
            panic!("not a site")
        };
        assert!(site.subscription.unwrap().endpoint.as_str().ends_with(&channel), "{}", site.name);
    }
    assert_eq!(peer.acks().await, [("between".into(), 102)]);
}

#[tokio::test]
async fn a_ping_of_the_service_is_answered() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let _receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    peer.0.send(Message::Ping("beat".into())).await.unwrap();
    loop {
        if let Message::Pong(payload) = soon("a pong", peer.0.next()).await.unwrap().unwrap() {
            assert_eq!(payload, "beat");
            return;
        }
    }
}

#[tokio::test]
async fn after_a_close_it_comes_back_under_the_same_id() {
    for code in [1000, 1011] {
        let (machine, service) = (Machine::new(), ScriptedService::start().await);
        let mut receiver = machine.start(&service).await;
        let (mut peer, _) = service.welcome("a1").await;
        receiver.paired(&mut peer, "Backups").await;
        peer.close(code).await;
        let gone = receiver.event("the loss", |event| matches!(event, Event::Disconnected { .. })).await;
        assert!(matches!(gone, Event::Disconnected { retry_in_ms: Some(_), .. }));
        let (_peer, hello) = service.welcome("a1").await;
        assert_eq!(hello["uaid"], "a1");
        assert!(!receiver.show("Backups").await.needs_pairing);
    }
}

#[tokio::test]
async fn close_4774_holds_reconnection_until_there_is_something_to_ask() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (peer, _) = service.welcome("a1").await;
    peer.close(4774).await;
    let gone = receiver.event("the loss", |event| matches!(event, Event::Disconnected { .. })).await;
    assert!(matches!(gone, Event::Disconnected { retry_in_ms: None, .. }));
    let adding = receiver.add("Backups");
    let (mut peer, _) = service.welcome("a1").await;
    peer.answer_register().await;
    assert!(soon("the site", adding).await.unwrap().is_ok());
}

#[tokio::test]
async fn the_largest_pushes_arrive_whole() {
    let (machine, service) = (Machine::new(), ScriptedService::start().await);
    let mut receiver = machine.start(&service).await;
    let (mut peer, _) = service.welcome("a1").await;
    let (channel, subscription) = receiver.paired(&mut peer, "Backups").await;
    let text = "a".repeat(encryption::MAX_PLAINTEXT);
    let version = "v".repeat(1500);
    let extra = "x".repeat(2500);
    peer.send(json!({"messageType": "notification", "channelID": channel, "version": version, "reliability_id": extra,
        "data": URL_SAFE_NO_PAD.encode(sealed(&subscription, &text)), "headers": {"encoding": "aes128gcm"}}))
        .await;
    assert_eq!(peer.acks().await, [(version, 100)]);
    assert_eq!(receiver.popup().await.notification.body, text);
}
