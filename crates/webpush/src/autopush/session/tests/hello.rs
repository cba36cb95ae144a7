//! The hello, and who it says we are.

use super::*;

#[test]
fn hello_comes_first_and_names_the_uaid_only_when_it_is_known() {
    let mut wire = Wire::new(None);
    assert_eq!(wire.events(), [Event::Connect]);
    assert_eq!(wire.frames(), Vec::<Value>::new());
    wire.session.register(wire.now, channel(1), None);
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.frames(), [json!({"messageType": "hello", "use_webpush": true})]);

    let mut wire = Wire::new(Some(UAID));
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.frames(), [json!({"messageType": "hello", "uaid": UAID, "use_webpush": true})]);
}

#[test]
fn identity_is_new_kept_or_replaced() {
    let identity = |known: Option<&str>, reply: &str| {
        let mut wire = Wire::new(known);
        wire.events();
        wire.greet(reply);
        wire.events()
    };
    let id = |text: &str| text.parse::<UserAgentId>().unwrap();
    assert_eq!(identity(None, UAID), [Event::Connected(Identity::New(id(UAID)))]);
    assert_eq!(identity(Some(UAID), UAID), [Event::Connected(Identity::Kept(id(UAID)))]);
    let written_otherwise = "731ECE68-4844-467A-A100-EF9E485E6E05";
    assert_eq!(identity(Some(UAID), written_otherwise), [Event::Connected(Identity::Kept(id(UAID)))]);
    assert_eq!(identity(Some(UAID), OTHER_UAID), [Event::Connected(Identity::Replaced(id(OTHER_UAID)))]);
}

#[test]
fn a_uaid_is_sent_again_only_after_a_successful_register() {
    let mut wire = Wire::ready(None);
    wire.reconnect();
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.frames()[0].get("uaid"), None);
    wire.receive(json!({"messageType": "hello", "uaid": OTHER_UAID, "status": 200}));
    wire.session.register(wire.now, channel(1), None);
    wire.receive(registered(1, 200, ENDPOINT));
    wire.reconnect();
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.frames()[0]["uaid"], OTHER_UAID);

    // Replaced: the old id is never sent again, the new one once something is registered under it.
    wire.receive(json!({"messageType": "hello", "uaid": UAID, "status": 200}));
    wire.reconnect();
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.frames()[0].get("uaid"), None);
}

#[test]
fn a_hello_reply_that_is_late_refused_or_without_a_uaid_closes_and_backs_off() {
    let long = "x".repeat(129);
    let replies = [
        json!({"messageType": "hello", "status": 503}),
        json!({"messageType": "hello", "status": 200}),
        json!({"messageType": "hello", "status": 200, "uaid": ""}),
        json!({"messageType": "hello", "status": 200, "uaid": null}),
        json!({"messageType": "hello", "status": 200, "uaid": 5}),
        json!({"messageType": "hello", "status": 200, "uaid": long}),
        json!({"messageType": "hello", "uaid": UAID}),
    ];
    for reply in replies {
        let mut wire = Wire::new(Some(UAID));
        wire.session.handle_connected(wire.now);
        wire.receive(reply.clone());
        assert!(wire.is_closed(), "{reply}");
        assert_eq!(wire.lose(None, 1.0), Some(Duration::from_secs(1)));
        wire.pass(1);
        wire.session.handle_connected(wire.now);
        wire.receive(reply);
        assert_eq!(wire.lose(None, 1.0), Some(Duration::from_secs(2)));
        wire.pass(2);
        wire.session.handle_connected(wire.now);
        let hellos = wire.frames();
        assert_eq!(hellos.last().unwrap()["uaid"], UAID, "a failed hello says nothing about our identity");
    }
    let mut wire = Wire::new(None);
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.timeout_in(), 10);
    wire.pass(9);
    assert!(!wire.is_closed());
    wire.pass(1);
    assert!(wire.is_closed());
}

#[test]
fn nothing_counts_before_the_hello_reply() {
    let mut wire = Wire::new(None);
    wire.session.register(wire.now, channel(1), None);
    wire.session.handle_connected(wire.now);
    wire.events();
    wire.frames();
    wire.receive(registered(1, 200, ENDPOINT));
    wire.receive(json!({"messageType": "notification", "channelID": channel(1), "version": "v"}));
    wire.receive(json!({}));
    wire.session.handle_activity(wire.now);
    assert_eq!((wire.events(), wire.frames()), (vec![], vec![]));
    assert_eq!(wire.timeout_in(), 10);
    wire.receive(json!({"messageType": "hello", "uaid": UAID, "status": 200}));
    assert_eq!(wire.frames().len(), 1, "the register request waits for the hello reply");
}
