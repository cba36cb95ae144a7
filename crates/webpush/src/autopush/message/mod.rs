//! The JSON messages of the autopush WebSocket. User agent and push service use the same types, so both serialize and
//! deserialize. Unknown members are ignored; a missing or mistyped one fails.

mod json;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ChannelId, MessageVersion, PushMessage};

/// The largest text frame either side accepts, in bytes.
pub const MAX_FRAME: usize = 65_536;

/// From user agent to push service.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// First and once.
    Hello(ClientHello),
    /// Asks for an endpoint.
    Register {
        /// A fresh id chosen by the user agent, as written: the service answers with the same text.
        channel_id: String,
        /// The application server's key in base64url, as sent: the service must judge it.
        key: Option<String>,
    },
    /// Gives a channel up.
    Unregister {
        /// Which.
        channel_id: ChannelId,
        /// Why.
        code: Option<u32>,
    },
    /// Confirms messages.
    Ack(Vec<AckUpdate>),
    /// Reports that a handler failed. Not an ack.
    Nack {
        /// Which message.
        version: String,
        /// 301 to 303.
        code: Option<i32>,
    },
    /// Asks for broadcasts.
    BroadcastSubscribe(BTreeMap<String, String>),
    /// `{}`.
    Ping,
}

/// The members of the user agent's `hello`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClientHello {
    /// The id assigned earlier; anything that is not a known one gets a fresh one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uaid: Option<String>,
    /// Accepted and ignored.
    #[serde(rename = "channelIDs", default, skip_serializing_if = "Option::is_none")]
    pub channel_ids: Option<Vec<ChannelId>>,
    /// Broadcast versions already known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcasts: Option<BTreeMap<String, String>>,
    /// Always sent as true, for old services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_webpush: Option<bool>,
}

/// One entry of an `ack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckUpdate {
    /// The channel of the message.
    #[serde(rename = "channelID")]
    pub channel_id: ChannelId,
    /// Its version, byte for byte.
    pub version: MessageVersion,
    /// What became of it; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

/// What became of a message. Any code removes it from the push service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AckCode {
    /// Delivered.
    Delivered = 100,
    /// Could not be decrypted.
    DecryptFailed = 101,
    /// Not delivered for another reason: no such subscription, blocked, duplicate.
    NotDelivered = 102,
}

/// Why a channel is given up. Advisory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnregisterCode {
    /// The user asked.
    UserRequest = 200,
    /// The permission was revoked.
    PermissionRevoked = 202,
}

/// From push service to user agent.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// Answers `hello`.
    Hello {
        /// The user agent's id: the one sent, or a new one.
        uaid: String,
        /// 200, or the session cannot go on.
        status: u16,
    },
    /// Answers `register`.
    Register {
        /// As it was sent.
        channel_id: String,
        /// 200, 400, 409, 500, 503.
        status: u16,
        /// A URL only when the status is 200.
        push_endpoint: String,
    },
    /// Answers `unregister`.
    Unregister {
        /// As it was sent.
        channel_id: String,
        /// 200, also for an unknown channel.
        status: u16,
    },
    /// A push.
    Notification(PushMessage),
    /// Broadcasts, which Belfry does not use.
    Broadcast,
    /// `{}`.
    Pong,
}
