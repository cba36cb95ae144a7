//! The states of a session. Each owns what is meaningful only in it.

use std::time::Duration;

use super::Moment;
use super::acknowledged::Acknowledged;
use super::keep_alive::KeepAlive;
use crate::UserAgentId;

/// Time the service has for any answer: hello, register, unregister, pong. Firefox's `requestTimeout`.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Time for DNS, TCP, TLS and the WebSocket handshake together.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// The same for an attempt that began on another network. Not at once: networks change several times in a row, and
/// what starts anew each time may never get there.
const STALE_CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// A connection that lasted this long was a good one. Shorter than the minute after which common proxies cut a silent
/// connection: behind one of those, every connection is followed by the next within a second.
const GOOD_CONNECTION: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) enum State {
    /// No socket.
    Disconnected(Pause),
    /// The driver opens a socket.
    Connecting(Attempt),
    /// Our hello is on its way, with the id we `said`.
    AwaitingHello { sent: Moment, said: Option<UserAgentId> },
    /// The service knows us.
    Ready(Ready),
    /// The driver was told to close the socket and has not said yet that it did.
    Closing,
}

impl Default for State {
    fn default() -> Self {
        Self::Disconnected(Pause::default())
    }
}

/// Between two connections.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pause {
    /// `None`: until [`super::Session::reconnect_now`] or a new request.
    pub(super) retry_at: Option<Moment>,
    /// The service has asked for no attempt before this, whatever happens.
    pub(super) not_before: Moment,
}

/// A socket being opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) since: Moment,
    /// The network has changed since.
    pub(super) stale: bool,
}

impl Attempt {
    pub(super) fn deadline(self) -> Moment {
        self.since + if self.stale { STALE_CONNECT_LIMIT } else { CONNECT_LIMIT }
    }
}

impl State {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Disconnected(_) => "disconnected",
            Self::Connecting(_) => "connecting",
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
    since: Moment,
    pub(super) keep_alive: KeepAlive,
    pub(super) acknowledged: Acknowledged,
}

impl Ready {
    pub(super) fn new(uaid: UserAgentId, now: Moment) -> Self {
        Self { uaid, since: now, keep_alive: KeepAlive::new(now), acknowledged: Acknowledged::default() }
    }

    /// Whether the connection has proved to be a good one. Its hello alone does not: a service may close right after it,
    /// and two copies of a profile close each other's connection with it.
    pub(super) fn is_good(&self, now: Moment) -> bool {
        now >= self.since + GOOD_CONNECTION
    }
}
