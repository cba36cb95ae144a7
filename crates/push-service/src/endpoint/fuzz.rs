//! What fuzz targets reach of the HTTP side: everything a request decides before the store is asked.

use axum::response::IntoResponse as _;
use http::HeaderMap;
use webpush::autopush::ServerMessage;
use webpush::autopush::message::MAX_FRAME;
use webpush::{MessageVersion, PushMessage};

use super::content::MAX_BODY;
use super::refusal::Refusal;
use super::{KnownSenders, Wish, sender};
use crate::id::{self, EndpointToken};

/// Reads a request to an endpoint as the service does. What it accepts must fit into a frame, and come out of it again;
/// what it refuses is the sender's fault.
pub fn post(token: &str, headers: &HeaderMap, mut body: Vec<u8>, origin: &str, now: u64) {
    if let Some(token) = EndpointToken::parse(token) {
        assert!(EndpointToken::parse(&token.text()).is_some_and(|again| again.hash() == token.hash()));
    }
    let senders = KnownSenders::default();
    let first = sender(headers, &senders, origin, now).map_err(judge);
    let again = sender(headers, &senders, origin, now).map_err(judge);
    assert!(first == again, "a sender is another one when it is known");
    body.truncate(MAX_BODY);
    match Wish::read(headers, body) {
        Ok(wish) => {
            let version = MessageVersion::try_from("v".to_owned()).expect("a version");
            let channel_id = "d9b74644-4f97-46aa-b8fa-9393985cd6cd".parse().expect("a channel");
            let push = PushMessage { channel_id, version, content: wish.content };
            let message = ServerMessage::Notification(push);
            let frame = serde_json::to_string(&message).expect("JSON");
            assert!(frame.len() <= MAX_FRAME, "a frame of {} bytes", frame.len());
            assert_eq!(serde_json::from_str::<ServerMessage>(&frame).expect("a message"), message);
        }
        Err(refusal) => judge(refusal),
    }
}

/// Reads the last part of a message's URL.
pub fn message_id(text: &str) {
    if let Some(version) = id::parse_version(text) {
        assert_eq!(String::from(version), text);
    }
}

fn judge(refusal: Refusal) {
    assert!(refusal.into_response().status().is_client_error());
}
