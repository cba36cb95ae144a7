//! Web Push without I/O: the types of the three roles, message encryption, payload dialects and the
//! autopush session. Nothing here opens a socket, reads a clock or keeps global state; `now` and
//! randomness come in as arguments.
//!
//! | module | holds | source |
//! |---|---|---|
//! | [`id`] | user agent, channel and message identifiers | autopush |
//! | [`subscription`] | what a site is given, and the keys behind it | W3C Push API, RFC 8291 |
//! | [`headers`] | TTL, Topic, Urgency | RFC 8030 §5 |
//! | [`message`] | a push as the push service hands it over | autopush |
//! | [`encryption`] | aes128gcm and aesgcm | RFC 8188, RFC 8291 |
//! | [`vapid`] | who sends: signed and checked | RFC 8292 |
//! | [`application_server`] | the encrypted, signed HTTP request | RFC 8030 §5 |
//! | [`payload`] | what a decrypted push says, whoever sent it | Declarative Web Push and others |
//! | [`secrets`] | what must not be kept of a payload | senders |
//! | [`autopush`] | messages and session between user agent and push service | autopush |

pub mod application_server;
pub mod autopush;
mod base64url;
pub mod encryption;
pub mod headers;
pub mod id;
pub mod message;
pub mod payload;
pub mod secrets;
pub mod subscription;
pub mod vapid;

pub use headers::{Topic, Ttl, Urgency};
pub use id::{ChannelId, MessageVersion, UserAgentId};
pub use message::{ContentEncoding, EncryptedMessage, PushMessage};
pub use subscription::{
    ApplicationServerKey, AuthSecret, PublicKey, PushEndpoint, PushSubscription, SubscriptionKeys,
};
