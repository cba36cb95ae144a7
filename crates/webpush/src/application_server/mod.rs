//! The application server's part: one push as an encrypted, signed HTTP request (RFC 8030 §5), and a Declarative Web
//! Push document to put into it.

mod declarative;

use std::fmt;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request};

pub use declarative::{DeclarativeMessage, NotDeclarative};

use crate::encryption::{EncryptError, encrypt};
use crate::headers::{Topic, Ttl, Urgency};
use crate::subscription::PushSubscription;
use crate::vapid::VapidKey;

/// What to send, to whom and how. Build the request with [`Push::request`]. `Debug` shows the payload's size only.
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
    /// The `POST` to the subscription's endpoint. Its `Debug` shows the endpoint, which must not be logged.
    pub fn request(&self) -> Result<Request<Vec<u8>>, EncryptError> {
        let endpoint = &self.subscription.endpoint;
        let mut request = Request::post(endpoint.as_str())
            .header("TTL", self.ttl.seconds())
            .header("Urgency", self.urgency.to_string());
        if let Some(topic) = self.topic {
            request = request.header("Topic", topic.as_str());
        }
        if let Some(Identity { key, subject, expires }) = &self.identity {
            let value = key.authorization(&endpoint.origin(), *expires, *subject);
            let mut value = HeaderValue::try_from(value).map_err(|_| EncryptError::Endpoint)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let mut body = Vec::new();
        if !self.payload.is_empty() {
            body = encrypt(&self.subscription.keys, self.payload)?;
            request = request
                .header(CONTENT_ENCODING, "aes128gcm")
                .header(CONTENT_TYPE, "application/octet-stream");
        }
        request.header(CONTENT_LENGTH, body.len()).body(body).map_err(|_| EncryptError::Endpoint)
    }
}

impl fmt::Debug for Push<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Push({:?}, {} bytes)", self.subscription.endpoint, self.payload.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encryption::{MAX_PLAINTEXT, decrypt};
    use crate::vapid::verify;
    use crate::{ContentEncoding, EncryptedMessage, SubscriptionKeys};

    const ENDPOINT: &str = "https://push.example.net:8443/wpush/v2/secret";

    fn keys() -> SubscriptionKeys {
        SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap()
    }

    fn subscription() -> PushSubscription {
        keys().subscription(ENDPOINT.parse().unwrap())
    }

    fn push<'a>(subscription: &'a PushSubscription, payload: &'a [u8]) -> Push<'a> {
        Push {
            subscription,
            payload,
            ttl: Ttl::from_seconds(60),
            urgency: Urgency::default(),
            topic: None,
            identity: None,
        }
    }

    fn header<'a>(request: &'a Request<Vec<u8>>, name: &str) -> Option<&'a str> {
        request.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn a_push_is_a_post_that_the_user_agent_can_read() {
        let request = push(&subscription(), b"hello").request().unwrap();
        assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", ENDPOINT));
        for (name, value) in [
            ("TTL", Some("60")),
            ("Urgency", Some("normal")),
            ("Topic", None),
            ("Authorization", None),
            ("Content-Encoding", Some("aes128gcm")),
            ("Content-Type", Some("application/octet-stream")),
            ("Content-Length", Some(request.body().len().to_string().as_str())),
        ] {
            assert_eq!(header(&request, name), value, "{name}");
        }
        let data = Some(request.into_body());
        let message = EncryptedMessage { encoding: ContentEncoding::Aes128Gcm, data };
        assert_eq!(decrypt(&keys(), &message).unwrap(), b"hello");
    }

    #[test]
    fn topic_urgency_and_identity_are_sent_when_given() {
        let (subscription, topic) = (subscription(), "backup".parse().unwrap());
        let key = VapidKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
        let request = Push {
            topic: Some(&topic),
            urgency: Urgency::High,
            identity: Some(Identity { key: &key, subject: Some("mailto:ops@example.net"), expires: 1_000 }),
            ..push(&subscription, b"hello")
        }
        .request()
        .unwrap();
        assert_eq!((header(&request, "Topic"), header(&request, "Urgency")), (Some("backup"), Some("high")));
        let authorization = header(&request, "Authorization").unwrap();
        assert_eq!(verify(authorization, None, "https://push.example.net:8443", 900), Ok(key.public()));
        assert!(!format!("{:?}", request.headers()).contains("vapid t="));
    }

    #[test]
    fn an_empty_payload_is_sent_as_an_empty_body() {
        let request = push(&subscription(), b"").request().unwrap();
        assert!(request.body().is_empty());
        assert_eq!(header(&request, "Content-Length"), Some("0"));
        assert_eq!((header(&request, "Content-Encoding"), header(&request, "Content-Type")), (None, None));
        assert_eq!(header(&request, "TTL"), Some("60"));
    }

    #[test]
    fn what_cannot_be_sent_is_an_error() {
        let subscription = subscription();
        let long = vec![0; MAX_PLAINTEXT + 1];
        assert_eq!(push(&subscription, &long).request().unwrap_err(), EncryptError::TooLong(long.len()));
        let endless = format!("https://push.example.net/{}", "a".repeat(70_000));
        let endless = keys().subscription(endless.parse().unwrap());
        assert_eq!(push(&endless, b"").request().unwrap_err(), EncryptError::Endpoint);
    }

    #[test]
    fn debug_shows_neither_payload_nor_endpoint() {
        let shown = format!("{:?}", push(&subscription(), b"a text to hide"));
        assert_eq!(shown, "Push(PushEndpoint(https://push.example.net:8443/…), 14 bytes)");
    }
}
