//! The states of a session. Each owns what is meaningful only in it.

use std::time::Duration;

use super::Moment;
use super::acknowledged::Acknowledged;
use super::keep_alive::KeepAlive;
use crate::UserAgentId;

/// Time the service has for any answer: hello, register, unregister, pong. Firefox's `requestTimeout`.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Time for DNS, TCP, TLS and the WebSocket handshake together.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) enum State {
    /// No socket. `None`: until [`super::Session::reconnect_now`] or a new request.
    Disconnected { retry_at: Option<Moment> },
    /// The driver opens a socket.
    Connecting { since: Moment },
    /// Our hello is on its way, with the id we `said`.
    AwaitingHello { sent: Moment, said: Option<UserAgentId> },
    /// The service knows us.
    Ready(Ready),
    /// The driver was told to close the socket and has not said yet that it did.
    Closing,
}

impl Default for State {
    fn default() -> Self {
        Self::Disconnected { retry_at: None }
    }
}

impl State {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Disconnected { .. } => "disconnected",
            Self::Connecting { .. } => "connecting",
            Self::AwaitingHello { .. } => "awaiting hello",
            Self::Ready(_) => "ready",
            Self::Closing => "closing",
        }
    }
}

/// What lives as long as one greeted connection.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) uaid: UserAgentId,
    pub(super) keep_alive: KeepAlive,
    pub(super) acknowledged: Acknowledged,
}

impl Ready {
    pub(super) fn new(uaid: UserAgentId, now: Moment) -> Self {
        Self { uaid, keep_alive: KeepAlive::new(now), acknowledged: Acknowledged::default() }
    }
}
