//! The application server's part: one push as an encrypted, signed HTTP request. RFC 8030 §5.

use serde_json::Value;

use crate::encryption::EncryptError;
use crate::headers::{Topic, Ttl, Urgency};
use crate::subscription::PushSubscription;
use crate::vapid::VapidKey;

/// What to send, to whom and how. Build the request with [`Push::request`].
#[derive(Debug)]
pub struct Push<'a> {
    /// Whom to send to.
    pub subscription: &'a PushSubscription,
    /// What to send, not yet encrypted. Empty: a push without a body.
    pub payload: &'a [u8],
    /// How long the push service may keep it.
    pub ttl: Ttl,
    /// How urgent it is.
    pub urgency: Urgency,
    /// What it replaces.
    pub topic: Option<&'a Topic>,
    /// Who sends, when the sender identifies itself.
    pub identity: Option<Identity<'a>>,
}

/// A sender's identification.
#[derive(Debug)]
pub struct Identity<'a> {
    /// The signing key.
    pub key: &'a VapidKey,
    /// `mailto:` or `https:` contact.
    pub subject: Option<&'a str>,
    /// When the token expires: seconds since the epoch.
    pub expires: u64,
}

impl Push<'_> {
    /// The `POST` to the subscription's endpoint.
    pub fn request(&self) -> Result<http::Request<Vec<u8>>, EncryptError> {
        Err(EncryptError::TooLong(self.payload.len()))
    }
}

/// A Declarative Web Push document with a title, and a body and link where given.
pub fn declarative_document(title: &str, body: Option<&str>, navigate: &url::Url) -> Value {
    let _ = (title, body, navigate);
    Value::Null
}
