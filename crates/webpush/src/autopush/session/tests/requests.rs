//! Channels asked for and given up.

use super::*;
use crate::PushMessage;

#[test]
fn replies_in_another_order_reach_their_channels() {
    let mut wire = Wire::ready(None);
    let key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    wire.session.register(wire.now, channel(1), None);
    wire.session.register(wire.now, channel(2), Some(key.parse().unwrap()));
    wire.session.unregister(wire.now, channel(3), UnregisterCode::UserRequest);
    assert_eq!(
        wire.frames(),
        [
            json!({"messageType": "register", "channelID": channel(1)}),
            json!({"messageType": "register", "channelID": channel(2), "key": key}),
            json!({"messageType": "unregister", "channelID": channel(3), "code": 200}),
        ]
    );
    wire.receive(json!({"messageType": "unregister", "channelID": channel(3), "status": 404}));
    wire.receive(json!({"messageType": "notification", "channelID": channel(9), "version": "v"}));
    wire.receive(registered(2, 200, &format!("{ENDPOINT}/2")));
    wire.receive(registered(1, 200, &format!("{ENDPOINT}/1")));
    let endpoint = |n: u8| format!("{ENDPOINT}/{n}").parse().unwrap();
    assert_eq!(
        wire.events(),
        [
            Event::Unregistered { channel_id: channel(3) },
            Event::Message(PushMessage { channel_id: channel(9), version: version("v"), content: None }),
            Event::Registered { channel_id: channel(2), endpoint: endpoint(2) },
            Event::Registered { channel_id: channel(1), endpoint: endpoint(1) },
        ]
    );
    wire.receive(registered(1, 200, ENDPOINT));
    wire.receive(registered(8, 200, ENDPOINT));
    assert_eq!(wire.events(), [], "nothing was asked");
    assert_eq!(wire.timeout_in(), 390, "nothing is awaited");
}

#[test]
fn refused_channels_fail_and_service_errors_are_retried_after_a_minute() {
    for status in [400, 409] {
        let mut wire = Wire::ready(None);
        wire.session.register(wire.now, channel(1), None);
        wire.frames();
        wire.receive(registered(1, status, "Failed to generate endpoint"));
        assert_eq!(wire.events(), [Event::RegisterFailed { channel_id: channel(1), status }]);
        wire.reconnect();
        assert_eq!(wire.greet(UAID), Vec::<Value>::new());
    }
    for (status, endpoint) in
        [(500, ""), (503, ""), (418, ENDPOINT), (200, ""), (200, "no url"), (200, "ftp://x/")]
    {
        let mut wire = Wire::ready(None);
        wire.session.register(wire.now, channel(1), None);
        let request = wire.frames();
        wire.receive(registered(1, status, endpoint));
        assert_eq!(wire.events(), [Event::RegisterFailed { channel_id: channel(1), status }]);
        assert_eq!(wire.timeout_in(), 60, "{status} {endpoint}");
        wire.pass(59);
        assert_eq!(wire.frames(), Vec::<Value>::new());
        wire.pass(1);
        assert_eq!(wire.frames(), request);
        wire.receive(registered(1, 200, ENDPOINT));
        let endpoint = ENDPOINT.parse().unwrap();
        assert_eq!(wire.events(), [Event::Registered { channel_id: channel(1), endpoint }]);
    }
}

#[test]
fn a_service_in_trouble_is_told_again_that_a_channel_is_given_up() {
    let mut wire = Wire::ready(None);
    wire.session.unregister(wire.now, channel(1), UnregisterCode::PermissionRevoked);
    let request = wire.frames();
    wire.receive(json!({"messageType": "unregister", "channelID": channel(1), "status": 503}));
    assert_eq!(wire.events(), []);
    wire.pass(60);
    assert_eq!(wire.frames(), request);
    wire.receive(json!({"messageType": "unregister", "channelID": channel(1), "status": 503}));
    wire.reconnect();
    assert_eq!(wire.greet(UAID), request);
    wire.events();
    wire.receive(json!({"messageType": "unregister", "channelID": channel(1), "status": 200}));
    assert_eq!(wire.events(), [Event::Unregistered { channel_id: channel(1) }]);
}

#[test]
fn unanswered_requests_close_the_connection_and_are_sent_again_on_the_next() {
    let mut wire = Wire::ready(None);
    wire.session.register(wire.now, channel(1), None);
    wire.session.unregister(wire.now, channel(2), UnregisterCode::PermissionRevoked);
    let requests = wire.frames();
    assert_eq!(wire.timeout_in(), 10);
    wire.pass(10);
    assert!(wire.is_closed());
    wire.receive(registered(1, 200, ENDPOINT));
    assert_eq!(wire.events(), []);
    for _ in 0..2 {
        wire.reconnect();
        assert_eq!(wire.greet(UAID), requests);
    }
    wire.receive(registered(1, 200, ENDPOINT));
    wire.reconnect();
    assert_eq!(wire.greet(UAID), requests[1..]);
}

#[test]
fn a_request_is_not_sent_twice_on_one_connection_and_the_latest_for_a_channel_counts() {
    let mut wire = Wire::ready(None);
    wire.session.register(wire.now, channel(1), None);
    wire.session.register(wire.now, channel(1), None);
    assert_eq!(wire.frames().len(), 1);
    wire.session.unregister(wire.now, channel(1), UnregisterCode::UserRequest);
    assert_eq!(wire.frames().len(), 1);
    wire.receive(registered(1, 200, ENDPOINT));
    assert_eq!(wire.events(), [], "given up meanwhile");
    wire.receive(json!({"messageType": "unregister", "channelID": channel(1), "status": 200}));
    assert_eq!(wire.events(), [Event::Unregistered { channel_id: channel(1) }]);
}
