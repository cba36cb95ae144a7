//! How a connection ends. autopush-websocket.md §1.1.

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use std::time::Duration;

/// How long a user agent has to confirm that it read why it was closed.
const CONFIRMATION: Duration = Duration::from_secs(2);

/// The end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The service ends it, and says why.
    Close(Close),
    /// It is already gone, or not worth a word.
    Gone,
}

/// Why the service ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// The user agent did something at the wrong time, was replaced by a newer connection, or the store failed.
    StateMachine,
    /// A message could not be read.
    Json,
    /// No hello in time.
    HandshakeTimeout,
    /// No Pong in time.
    PongTimeout,
    /// The service shuts down.
    StreamClosed,
    /// The rules of WebSocket were broken, or a frame was too long.
    Protocol,
    /// A binary frame, or anything but text at first.
    UnsupportedMessage,
}

impl Close {
    fn frame(self) -> CloseFrame {
        let (code, reason) = match self {
            Self::StateMachine => (1011, "SM"),
            Self::Json => (1011, "Json"),
            Self::HandshakeTimeout => (1011, "HandshakeTimeout"),
            Self::PongTimeout => (1011, "PongTimeout"),
            Self::StreamClosed => (1011, "StreamClosed"),
            Self::Protocol => (1002, "Protocol"),
            Self::UnsupportedMessage => (1003, "UnsupportedMessage"),
        };
        CloseFrame { code, reason: reason.into() }
    }

    /// Says why and waits until the user agent has confirmed, so that the reason is not lost with the connection.
    pub(super) async fn perform(self, mut socket: WebSocket) {
        let farewell = async {
            if socket.send(Message::Close(Some(self.frame()))).await.is_ok() {
                while let Some(Ok(_)) = socket.recv().await {}
            }
        };
        let _ = tokio::time::timeout(CONFIRMATION, farewell).await;
    }
}
