//! Text frames: what the service's mean, and how ours are written.

use serde::Deserialize as _;
use serde_json::Value;

use crate::autopush::message::{AckUpdate, ClientMessage, MAX_FRAME, ServerMessage};

/// A frame as far as it could be understood.
#[derive(Debug)]
pub(super) enum Frame {
    Message(ServerMessage),
    /// A hello reply with a missing or mistyped member: waiting for a better one is useless.
    MalformedHello,
    /// JSON, but no message we know. A notification without a valid version or channel is here too: it cannot be
    /// acknowledged.
    Unknown,
    NotJson,
    TooLong,
}

impl Frame {
    pub(super) fn read(text: &str) -> Self {
        if text.len() > MAX_FRAME {
            return Self::TooLong;
        }
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Self::NotJson };
        let is_hello = value.get("messageType").and_then(Value::as_str) == Some("hello");
        match ServerMessage::deserialize(value) {
            Ok(message) => Self::Message(message),
            Err(_) if is_hello => Self::MalformedHello,
            Err(_) => Self::Unknown,
        }
    }
}

/// One frame. Our messages consist of strings and numbers, which always serialize.
pub(super) fn write(message: &ClientMessage) -> Option<String> {
    serde_json::to_string(message).ok()
}

/// One frame for all updates, or as few as the service's frame limit allows; none for none.
pub(super) fn acks(updates: &[AckUpdate]) -> Vec<String> {
    if updates.is_empty() {
        return Vec::new();
    }
    let frame = write(&ClientMessage::Ack(updates.to_vec()));
    if updates.len() > 1 && frame.as_ref().is_some_and(|frame| frame.len() > MAX_FRAME) {
        let (first, second) = updates.split_at(updates.len() / 2);
        return [acks(first), acks(second)].concat();
    }
    frame.into_iter().collect()
}
