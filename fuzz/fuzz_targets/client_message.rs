//! `ClientMessage` on whatever a user agent may say to the push service: each line is a frame.

#![no_main]

use libfuzzer_sys::fuzz_target;
use webpush::autopush::ClientMessage;
use webpush::{ApplicationServerKey, ChannelId};

fuzz_target!(|text: &str| {
    for frame in text.lines().take(50) {
        let Ok(message) = serde_json::from_str::<ClientMessage>(frame) else { continue };
        let written = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<ClientMessage>(&written).unwrap(), message, "{written}");
        if let ClientMessage::Register { channel_id, key } = message {
            if let Ok(id) = channel_id.parse::<ChannelId>() {
                assert_eq!(id.to_string().parse(), Ok(id));
            }
            if let Some(Ok(key)) = key.map(|key| key.parse::<ApplicationServerKey>()) {
                assert_eq!(key.to_string().parse(), Ok(key));
            }
        }
    }
});
