//! Frames in and out of one socket.

use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use webpush::autopush::message::MAX_FRAME;
use webpush::autopush::{ClientMessage, ServerMessage};

use super::close::{Close, End};

/// The longest frame that is read at all. Those beyond [`MAX_FRAME`] are refused, but by reading them whole the user
/// agent is in a state to read why.
pub(super) const MAX_READ: usize = 2 * MAX_FRAME;

/// How long a user agent may leave what is sent to it unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// What a user agent sent.
pub(super) enum Received {
    /// A text frame of acceptable length.
    Text(Utf8Bytes),
    /// A Ping, already answered.
    Ping,
    /// The answer to a Ping of ours.
    Pong,
}

/// The next frame. Binary ones, broken ones and the end of the connection are [`End`]s. Fragmented messages are read as
/// one, which RFC 6455 §5.4 asks for and autopush does not do. Cancel-safe.
pub(super) async fn receive(socket: &mut WebSocket) -> Result<Received, End> {
    match socket.recv().await {
        Some(Ok(Message::Text(text))) if text.len() <= MAX_FRAME => Ok(Received::Text(text)),
        Some(Ok(Message::Ping(_))) => Ok(Received::Ping),
        Some(Ok(Message::Pong(_))) => Ok(Received::Pong),
        Some(Ok(Message::Binary(_))) => Err(End::Close(Close::UnsupportedMessage)),
        Some(Ok(Message::Text(_)) | Err(_)) => Err(End::Close(Close::Protocol)),
        Some(Ok(Message::Close(_))) => {
            // Reading on sends the confirmation.
            while let Some(Ok(_)) = socket.recv().await {}
            Err(End::Gone)
        }
        None => Err(End::Gone),
    }
}

/// Reads a message.
pub(super) fn parse(text: &str) -> Result<ClientMessage, End> {
    serde_json::from_str(text).map_err(|_| End::Close(Close::Json))
}

/// Sends a message.
pub(super) async fn send(socket: &mut WebSocket, message: &ServerMessage) -> Result<(), End> {
    let text = serde_json::to_string(message).map_err(|_| End::Close(Close::StateMachine))?;
    transmit(socket, Message::Text(text.into())).await
}

/// Sends a Ping.
pub(super) async fn ping(socket: &mut WebSocket) -> Result<(), End> {
    transmit(socket, Message::Ping(axum::body::Bytes::new())).await
}

async fn transmit(socket: &mut WebSocket, frame: Message) -> Result<(), End> {
    match tokio::time::timeout(WRITE_TIMEOUT, socket.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}
