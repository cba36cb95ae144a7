//! `Session::handle_frame` on whatever a push service may say: each line is a frame, an empty one lets time pass, and one
//! that starts with `!` does what the user agent itself does in between.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use webpush::ChannelId;
use webpush::autopush::{AckCode, Event, Moment, Session, UnregisterCode};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut now = Moment(Duration::ZERO);
    let mut session = Session::new(None, now);
    let channel: ChannelId = "d9b74644-4f97-46aa-b8fa-9393985cd6cd".parse().unwrap();
    session.handle_connected(now);
    session.register(now, channel, None);
    for line in text.lines().take(200) {
        now = now + Duration::from_secs(1);
        match line {
            "" => {
                now = session.poll_timeout().unwrap_or(now).max(now);
                session.handle_timeout(now);
            }
            "!close" => session.handle_disconnected(now, Some(1000), None, 0.5, "closed".into()),
            "!open" => session.handle_connected(now),
            "!network" => session.reconnect_now(now),
            "!register" => session.register(now, channel, None),
            "!unregister" => session.unregister(now, channel, UnregisterCode::UserRequest),
            frame => session.handle_frame(now, frame),
        }
        let mut acks = Vec::new();
        while let Some(event) = session.poll_event() {
            if let Event::Message(message) = event {
                acks.push((message.channel_id, message.version, AckCode::Delivered));
            }
        }
        session.acknowledge(acks);
        while let Some(frame) = session.poll_transmit() {
            assert!(serde_json::from_str::<serde_json::Value>(&frame).is_ok(), "what is sent is JSON");
        }
    }
});
