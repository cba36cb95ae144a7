//! Pushes and their acknowledgements, and what is no message at all.

use super::*;

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

fn ack_versions(frames: &[Value]) -> Vec<&str> {
    let updates = |frame: &'_ Value| frame["updates"].as_array().is_some();
    let acks = frames.iter().filter(|frame| updates(frame));
    acks.flat_map(|frame| frame["updates"].as_array().unwrap())
        .map(|u| u["version"].as_str().unwrap())
        .collect()
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
