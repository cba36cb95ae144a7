//! The user agent's checklist of the protocol notes, in virtual time moved by hand.

mod reconnection;

use serde_json::{Value, json};

use super::*;

const UAID: &str = "731ece684844467aa100ef9e485e6e05";
const OTHER_UAID: &str = "00000000111122223333444455556666";
const ENDPOINT: &str = "https://push.example/wpush/v1/abc";

/// A session and the service's end of the wire.
struct Wire {
    session: Session,
    now: Moment,
}

impl Wire {
    fn new(known: Option<&str>) -> Self {
        let known = known.map(|id| id.parse().unwrap());
        Self { session: Session::new(known, Moment::default()), now: Moment::default() }
    }

    /// Greeted and with its events taken.
    fn ready(known: Option<&str>) -> Self {
        let mut wire = Self::new(known);
        wire.greet(known.unwrap_or(UAID));
        wire.events();
        wire
    }

    fn greet(&mut self, uaid: &str) -> Vec<Value> {
        self.session.handle_connected(self.now);
        self.frames();
        self.receive(json!({"messageType": "hello", "uaid": uaid, "status": 200, "use_webpush": true,
            "broadcasts": {"errors": {"x/y": "Broadcast not found"}}}));
        self.frames()
    }

    fn receive(&mut self, message: Value) {
        self.session.handle_frame(self.now, &message.to_string());
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.session.handle_timeout(self.now);
    }

    /// The connection ends; the next one is being made.
    fn reconnect(&mut self) {
        self.lose(Some(1011), 1.0);
        self.pass(3600);
        assert!(self.events().contains(&Event::Connect));
    }

    fn lose(&mut self, close_code: Option<u16>, jitter: f64) -> Option<Duration> {
        self.session.handle_disconnected(self.now, close_code, None, jitter, "test".into());
        let events = self.events();
        let [.., Event::Disconnected { retry_in, .. }] = events.as_slice() else { panic!("{events:?}") };
        *retry_in
    }

    fn frames(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.session.poll_transmit())
            .map(|frame| serde_json::from_str(&frame).unwrap())
            .collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    fn timeout_in(&self) -> u64 {
        self.session.poll_timeout().unwrap().0.as_secs() - self.now.0.as_secs()
    }

    fn is_closed(&mut self) -> bool {
        let closed = self.events().iter().any(|event| matches!(event, Event::Close { .. }));
        assert_eq!(closed, matches!(self.session.state, State::Closing));
        closed
    }
}

fn channel(n: u8) -> ChannelId {
    format!("decafbad-0000-4000-8000-0000000000{n:02x}").parse().unwrap()
}

fn version(text: &str) -> MessageVersion {
    text.to_owned().try_into().unwrap()
}

fn registered(n: u8, status: u16, endpoint: &str) -> Value {
    json!({"messageType": "register", "channelID": channel(n), "status": status, "pushEndpoint": endpoint})
}

fn ack_versions(frames: &[Value]) -> Vec<&str> {
    let updates = |frame: &'_ Value| frame["updates"].as_array().is_some();
    let acks = frames.iter().filter(|frame| updates(frame));
    acks.flat_map(|frame| frame["updates"].as_array().unwrap())
        .map(|u| u["version"].as_str().unwrap())
        .collect()
}

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

#[test]
fn notifications_arrive_whole_and_acks_return_their_versions_byte_for_byte() {
    let mut wire = Wire::ready(None);
    let body = base64(9_000);
    wire.receive(
        json!({"messageType": "notification", "channelID": channel(1), "version": "gAAA-_=", "data": body,
        "headers": {"encoding": "aes128gcm"}, "reliability_id": "x"}),
    );
    wire.receive(json!({"messageType": "notification", "channelID": channel(2), "version": "empty"}));
    let events = wire.events();
    let [Event::Message(first), Event::Message(second)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(first.content.as_ref().unwrap().data.as_ref().unwrap().len(), 9_000);
    assert_eq!(second.content, None);
    wire.session.acknowledge(vec![
        (first.channel_id, first.version.clone(), AckCode::Delivered),
        (second.channel_id, second.version.clone(), AckCode::NotDelivered),
        (channel(3), version("bad"), AckCode::DecryptFailed),
    ]);
    let updates = json!([
        {"channelID": channel(1), "version": "gAAA-_=", "code": 100},
        {"channelID": channel(2), "version": "empty", "code": 102},
        {"channelID": channel(3), "version": "bad", "code": 101},
    ]);
    assert_eq!(wire.frames(), [json!({"messageType": "ack", "updates": updates})]);
}

fn base64(bytes: usize) -> String {
    crate::base64url::encode(vec![7; bytes])
}

#[test]
fn acks_are_dropped_unless_ready_and_split_only_beyond_the_frame_limit() {
    let some = || vec![(channel(1), version("v"), AckCode::Delivered)];
    let mut wire = Wire::new(None);
    wire.session.acknowledge(some());
    wire.session.handle_connected(wire.now);
    wire.session.acknowledge(some());
    assert_eq!(wire.frames().len(), 1, "the hello");
    wire.greet(UAID);
    wire.session.acknowledge(vec![]);
    assert_eq!(wire.frames(), Vec::<Value>::new());

    let many: Vec<String> = (0..500).map(|n| format!("{n:0>200}")).collect();
    let updates = many.iter().map(|text| (channel(1), version(text), AckCode::Delivered)).collect();
    wire.session.acknowledge(updates);
    let frames = wire.frames();
    assert!(frames.len() > 1 && frames.iter().all(|frame| frame.to_string().len() <= 65_536));
    assert_eq!(ack_versions(&frames), many);

    wire.session.acknowledge(some());
    wire.lose(None, 1.0);
    assert_eq!(wire.frames(), Vec::<Value>::new(), "the service sends the message again");
}

#[test]
fn a_message_sent_again_without_end_is_acknowledged_twice_per_connection() {
    let mut wire = Wire::ready(Some(UAID));
    let redeliver = |wire: &mut Wire| {
        wire.receive(json!({"messageType": "notification", "channelID": channel(1), "version": "again"}));
        wire.session.acknowledge(vec![(channel(1), version("again"), AckCode::NotDelivered)]);
        wire.frames().len()
    };
    assert_eq!(
        [redeliver(&mut wire), redeliver(&mut wire), redeliver(&mut wire), redeliver(&mut wire)],
        [1, 1, 0, 0]
    );
    wire.session.acknowledge(vec![
        (channel(1), version("again"), AckCode::NotDelivered),
        (channel(1), version("other"), AckCode::Delivered),
    ]);
    assert_eq!(ack_versions(&wire.frames()), ["other"]);
    wire.reconnect();
    wire.greet(UAID);
    assert_eq!(redeliver(&mut wire), 1);
}

#[test]
fn text_that_is_not_json_or_too_long_closes_and_unknown_messages_are_ignored() {
    for garbage in ["", "{", "not json", "\u{0}", &"[".repeat(10_000), &format!("\"{}\"", "x".repeat(65_535))]
    {
        for greeted in [true, false] {
            let mut wire = Wire::new(None);
            match greeted {
                true => drop(wire.greet(UAID)),
                false => wire.session.handle_connected(wire.now),
            }
            wire.session.handle_frame(wire.now, garbage);
            assert!(wire.is_closed());
            assert!(wire.lose(None, 1.0).is_some());
        }
    }
    let mut wire = Wire::ready(None);
    let ignored = [
        json!([]),
        json!(5),
        json!(null),
        json!({"foo": 1}),
        json!({"messageType": "urgency", "min": "high"}),
        json!({"messageType": 5}),
        json!({"messageType": "broadcast", "broadcasts": {"a": "b", "errors": {}}}),
        json!({"messageType": "hello", "uaid": OTHER_UAID, "status": 200}),
        json!({"messageType": "register", "channelID": "x", "status": 200}),
        json!({"messageType": "register", "channelID": channel(1), "status": "200"}),
        json!({"messageType": "notification", "channelID": channel(1), "version": ""}),
        json!({"messageType": "notification", "channelID": "x", "version": "v"}),
        json!({"messageType": "notification", "version": "v"}),
    ];
    wire.pass(300);
    for message in ignored {
        wire.receive(message.clone());
        assert_eq!((wire.events(), wire.frames()), (vec![], vec![]), "{message}");
    }
    assert_eq!(wire.timeout_in(), 390, "even an unknown message shows that the connection lives");
}

#[test]
fn silence_is_asked_about_and_no_answer_closes() {
    let mut wire = Wire::ready(None);
    assert_eq!(wire.timeout_in(), 390);
    wire.pass(300);
    wire.session.handle_activity(wire.now);
    assert_eq!(wire.timeout_in(), 390);
    wire.pass(389);
    assert_eq!(wire.frames(), Vec::<Value>::new());
    wire.pass(1);
    assert_eq!(wire.frames(), [json!({})]);
    wire.pass(9);
    wire.receive(json!({}));
    assert_eq!(wire.timeout_in(), 390);
    wire.pass(390);
    assert_eq!(wire.frames(), [json!({})]);
    wire.pass(9);
    assert!(!wire.is_closed());
    wire.pass(1);
    assert!(wire.is_closed());
    assert_eq!(wire.session.poll_timeout(), None);
}

#[test]
fn the_services_pings_are_enough_to_never_wake_an_idle_session() {
    let mut wire = Wire::ready(None);
    let (mut wakes, mut next_ping) = (0, Duration::from_secs(300));
    while wire.now.0 < Duration::from_secs(24 * 3600) {
        let timeout = wire.session.poll_timeout().unwrap();
        if timeout.0 < next_ping {
            wire.now = timeout;
            wire.session.handle_timeout(wire.now);
            wakes += 1;
        } else {
            wire.now = Moment(next_ping);
            wire.session.handle_activity(wire.now);
            next_ping += Duration::from_secs(300);
        }
    }
    assert_eq!(wakes, 0);
    assert_eq!(wire.frames(), Vec::<Value>::new());
}

#[test]
fn a_network_change_tests_a_standing_connection_without_pinging_too_often() {
    let mut wire = Wire::ready(None);
    wire.pass(100);
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.frames(), [json!({})]);
    assert_eq!(wire.timeout_in(), 10);
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.frames(), Vec::<Value>::new());
    wire.receive(json!({}));
    wire.pass(5);
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.frames(), Vec::<Value>::new());
    assert_eq!(wire.timeout_in(), 55, "60 s after the ping before");
    wire.pass(55);
    assert_eq!(wire.frames(), [json!({})]);
    wire.pass(10);
    assert!(wire.is_closed());
}

#[test]
fn every_close_code_backs_off_and_reconnects_except_the_one_that_says_stay_away() {
    for code in [None, Some(1000), Some(1001), Some(1006), Some(1011)] {
        let mut wire = Wire::ready(Some(UAID));
        assert_eq!(wire.lose(code, 0.5), Some(Duration::from_millis(500)));
        wire.pass(1);
        assert_eq!(wire.events(), [Event::Connect]);
        wire.session.handle_connected(wire.now);
        assert_eq!(wire.frames()[0]["uaid"], UAID, "a close code does not change who we are");
    }
    let stay_away = || {
        let mut wire = Wire::ready(Some(UAID));
        assert_eq!(wire.lose(Some(4774), 1.0), None);
        assert_eq!(wire.session.poll_timeout(), None);
        wire.pass(1_000_000);
        assert_eq!(wire.events(), []);
        wire
    };
    let mut wire = stay_away();
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.events(), [Event::Connect]);
    let mut wire = stay_away();
    wire.session.register(wire.now, channel(1), None);
    assert_eq!(wire.events(), [Event::Connect]);
    let mut wire = stay_away();
    wire.session.unregister(wire.now, channel(1), UnregisterCode::UserRequest);
    assert_eq!(wire.events(), [Event::Connect]);
}

#[test]
fn failed_attempts_wait_longer_and_a_network_change_starts_over() {
    let mut wire = Wire::new(None);
    for seconds in [1, 2, 4, 8] {
        assert_eq!(wire.lose(None, 1.0), Some(Duration::from_secs(seconds)));
        wire.session.register(wire.now, channel(1), None);
        wire.pass(seconds - 1);
        assert_eq!(wire.events(), [], "a request does not shorten the wait");
        wire.pass(1);
        assert_eq!(wire.events(), [Event::Connect]);
    }
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.lose(None, 1.0), Some(Duration::from_secs(16)), "an open socket is no success yet");
    wire.session.reconnect_now(wire.now);
    assert_eq!(wire.events(), [Event::Connect], "the network changed");
    wire.greet(UAID);
    assert_eq!(wire.lose(None, 1.0), Some(Duration::from_secs(1)));
}

#[test]
fn the_services_retry_after_is_respected() {
    let mut wire = Wire::new(None);
    let asked = Duration::from_secs(120);
    wire.session.handle_disconnected(wire.now, None, Some(asked), 0.0, "503".into());
    wire.events();
    assert_eq!(wire.timeout_in(), 120);
}

#[test]
fn connecting_ends_after_half_a_minute() {
    let mut wire = Wire::new(None);
    assert_eq!(wire.timeout_in(), 30);
    wire.pass(30);
    assert!(wire.is_closed());
    wire.session.handle_connected(wire.now);
    assert_eq!(wire.frames(), Vec::<Value>::new(), "too late");
    assert!(wire.lose(None, 1.0).is_some());
}

#[test]
fn what_was_not_taken_before_the_end_of_a_connection_is_not_sent_on_the_next() {
    let mut wire = Wire::ready(Some(UAID));
    wire.session.register(wire.now, channel(1), None);
    wire.receive(json!({"messageType": "notification", "channelID": channel(1), "version": "v"}));
    wire.session.acknowledge(vec![(channel(1), version("v"), AckCode::Delivered)]);
    wire.session.handle_disconnected(wire.now, None, None, 1.0, "gone".into());
    assert_eq!(wire.frames(), Vec::<Value>::new());
    assert!(
        matches!(wire.events().as_slice(), [Event::Message(_), Event::Disconnected { .. }]),
        "messages stay"
    );
    wire.session.handle_disconnected(wire.now, None, None, 1.0, "again".into());
    assert_eq!(wire.events(), [], "one end per connection");
}

#[test]
fn debug_shows_neither_ids_nor_frames() {
    let mut wire = Wire::ready(Some(UAID));
    wire.session.register(wire.now, channel(1), None);
    wire.session.acknowledge(vec![(channel(1), version("secret-version"), AckCode::Delivered)]);
    let shown = format!("{:?}", wire.session);
    assert!(!shown.contains("731ece") && !shown.contains("secret") && !shown.contains("decafbad"), "{shown}");
}
