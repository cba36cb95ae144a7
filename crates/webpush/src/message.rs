//! A push as the push service hands it to the user agent: still encrypted.

use std::fmt;

use crate::{ChannelId, MessageVersion};

/// One message for one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushMessage {
    /// The subscription it was sent to; perhaps one we no longer know.
    pub channel_id: ChannelId,
    /// What `ack` returns; the same on redelivery.
    pub version: MessageVersion,
    /// `None`: the application server posted an empty body.
    pub content: Option<EncryptedMessage>,
}

/// An encrypted body and what is needed, beside the keys, to read it. Its `Debug` shows the size only.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedMessage {
    /// How `data` is encoded.
    pub encoding: ContentEncoding,
    /// The body's bytes, base64url already undone. `None`: it was not base64url, so it cannot be decrypted.
    pub data: Option<Vec<u8>>,
}

impl fmt::Debug for EncryptedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedMessage({:?} bytes)", self.data.as_ref().map(Vec::len))
    }
}

/// The `Content-Encoding` of a push, with the header values that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentEncoding {
    /// RFC 8188 with RFC 8291: everything is in the body.
    Aes128Gcm,
    /// The draft before it: salt and sender key travel in the `Encryption` and `Crypto-Key` headers.
    AesGcm {
        /// Value of `Encryption`, empty when the sender left it out.
        encryption: String,
        /// Value of `Crypto-Key`, empty when the sender left it out.
        crypto_key: String,
    },
    /// Any other value, or none at all: cannot be decrypted, acknowledged with code 101.
    Unknown(Option<String>),
}
