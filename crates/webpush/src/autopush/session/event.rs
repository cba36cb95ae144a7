//! What a session says to its driver and its owner.

use std::time::Duration;

use crate::{ChannelId, PushEndpoint, PushMessage, UserAgentId};

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
    /// Open a socket; then call [`Session::handle_connected`](super::Session::handle_connected) or
    /// [`Session::handle_disconnected`](super::Session::handle_disconnected).
    Connect,
    /// Close the socket, or give up opening it; then call
    /// [`Session::handle_disconnected`](super::Session::handle_disconnected).
    Close {
        /// Why, for the log.
        reason: String,
    },
    /// The hello reply arrived.
    Connected(Identity),
    /// The connection is gone, or could not be made.
    Disconnected {
        /// Time until the next attempt; `None`: waits for [`Session::reconnect_now`](super::Session::reconnect_now) or a new
        /// request.
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
    /// A channel was refused.
    RegisterFailed {
        /// Which.
        channel_id: ChannelId,
        /// 400: bad key. 409: try another channel id. These are for good; after any other it is asked again.
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

impl Event {
    /// Events that ask for something about a socket that is gone by now.
    pub(super) fn concerns_the_socket(&self) -> bool {
        match self {
            Self::Connect | Self::Close { .. } => true,
            Self::Connected(_)
            | Self::Disconnected { .. }
            | Self::Registered { .. }
            | Self::RegisterFailed { .. }
            | Self::Unregistered { .. }
            | Self::Message(_) => false,
        }
    }
}
