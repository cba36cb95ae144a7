//! The user agent's side of an autopush session, without sockets and clock: inputs carry the time, output is polled.

use std::ops::Add;
use std::time::Duration;

use crate::autopush::{AckCode, UnregisterCode};
use crate::{ApplicationServerKey, ChannelId, MessageVersion, PushEndpoint, PushMessage, UserAgentId};

/// A point on the driver's clock: time since any fixed start. The clock should count time asleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// What the hello reply said about who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// First contact, or nothing was registered under the earlier id.
    New(UserAgentId),
    /// The service still knows us: every endpoint stays valid.
    Kept(UserAgentId),
    /// The service has forgotten us: every endpoint of the session is dead.
    Replaced(UserAgentId),
}

/// What the session asks its driver to do, or tells its owner.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Open a socket; then call [`Session::handle_connected`] or [`Session::handle_disconnected`].
    Connect,
    /// Close the socket; then call [`Session::handle_disconnected`].
    Close {
        /// Why, for the log.
        reason: String,
    },
    /// The hello reply arrived.
    Connected(Identity),
    /// The connection is gone, or could not be made.
    Disconnected {
        /// Time until the next attempt; `None`: waits for [`Session::reconnect_now`] or a new request.
        retry_in: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// A channel has its endpoint.
    Registered {
        /// Which.
        channel_id: ChannelId,
        /// Where senders post.
        endpoint: PushEndpoint,
    },
    /// A channel was refused for good.
    RegisterFailed {
        /// Which.
        channel_id: ChannelId,
        /// 400: bad key. 409: try another channel id.
        status: u16,
    },
    /// The service has let a channel go.
    Unregistered {
        /// Which.
        channel_id: ChannelId,
    },
    /// A push, to be committed and then acknowledged.
    Message(PushMessage),
}

/// One user agent's session with one push service, across reconnections.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// A session that wants to connect at once. `known`: the id under which channels are registered, if any are.
    pub fn new(_known: Option<UserAgentId>, _now: Moment) -> Self {
        Self {}
    }

    /// The socket is open.
    pub fn handle_connected(&mut self, _now: Moment) {}

    /// A text frame arrived.
    pub fn handle_frame(&mut self, _now: Moment, _text: &str) {}

    /// Anything else arrived: a WebSocket Ping or Pong.
    pub fn handle_activity(&mut self, _now: Moment) {}

    /// The socket is closed or could not be opened. `close_code`: what the service said; `retry_after`: what it asked for;
    /// `jitter`: a fresh random number from 0 to 1.
    pub fn handle_disconnected(
        &mut self,
        _now: Moment,
        _close_code: Option<u16>,
        _retry_after: Option<Duration>,
        _jitter: f64,
        _reason: String,
    ) {
    }

    /// The time of [`Session::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, _now: Moment) {}

    /// Asks for an endpoint; sent now or once connected, and again after a reconnect until it is answered.
    pub fn register(&mut self, _now: Moment, _channel_id: ChannelId, _key: Option<ApplicationServerKey>) {}

    /// Gives a channel up; likewise.
    pub fn unregister(&mut self, _now: Moment, _channel_id: ChannelId, _code: UnregisterCode) {}

    /// Confirms messages that are safely stored, in one frame. Dropped when not connected: the service will send them again.
    pub fn acknowledge(&mut self, _updates: Vec<(ChannelId, MessageVersion, AckCode)>) {}

    /// The network changed or the machine woke: an attempt that was waiting is made at once.
    pub fn reconnect_now(&mut self, _now: Moment) {}

    /// The next text frame to send.
    pub fn poll_transmit(&mut self) -> Option<String> {
        None
    }

    /// The next thing to do or to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// When to call [`Session::handle_timeout`], unless something else happens first.
    pub fn poll_timeout(&self) -> Option<Moment> {
        None
    }
}
