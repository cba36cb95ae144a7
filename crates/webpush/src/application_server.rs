//! The application server's part: one push as an encrypted, signed HTTP request (RFC 8030 §5), and a Declarative Web
//! Push document to put into it.

use std::fmt;

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::encryption::{EncryptError, encrypt};
use crate::headers::{Topic, Ttl, Urgency};
use crate::payload::Notification;
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

/// Why a notification makes no Declarative Web Push document: receivers would take it for an ordinary push, or leave
/// out what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotDeclarative {
    /// The title is empty (WebKit refuses that).
    #[error("a declarative message needs a title")]
    Title,
    /// `navigate` is missing.
    #[error("a declarative message needs a link")]
    Navigate,
    /// A button without a link of its own.
    #[error("every action of a declarative message needs a link")]
    ActionNavigate,
    /// `renotify` without a tag.
    #[error("renotify needs a tag")]
    RenotifyWithoutTag,
}

/// The Declarative Web Push document of a notification, without the members that have their default value. Serialize
/// it into [`Push::payload`].
pub fn declarative_document(notification: &Notification) -> Result<Value, NotDeclarative> {
    if notification.title.is_empty() {
        return Err(NotDeclarative::Title);
    }
    if notification.navigate.is_none() {
        return Err(NotDeclarative::Navigate);
    }
    if notification.actions.iter().any(|action| action.navigate.is_none()) {
        return Err(NotDeclarative::ActionNavigate);
    }
    if notification.renotify && notification.tag.is_empty() {
        return Err(NotDeclarative::RenotifyWithoutTag);
    }
    let default = members(&Notification::default());
    let mut notification = members(notification);
    // `request` and `urgency` are what other dialects say; the standard has no members for them.
    let is_ours = |name: &str| matches!(name, "request" | "urgency");
    notification.retain(|name, value| !is_ours(name) && default.get(name) != Some(value));
    for action in notification.get_mut("actions").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(action) = action {
            action.retain(|_, value| !value.is_null());
        }
    }
    Ok(json!({ "web_push": 8030, "notification": notification }))
}

/// `Notification` is written with the standard's names.
fn members(notification: &Notification) -> Map<String, Value> {
    match serde_json::to_value(notification) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encryption::{MAX_PLAINTEXT, decrypt};
    use crate::payload::{Action, Direction};
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

    fn minimal() -> Notification {
        Notification {
            title: "Hi".to_owned(),
            navigate: Some("https://example.com/a".parse().unwrap()),
            ..Notification::default()
        }
    }

    #[test]
    fn a_document_has_only_what_was_given() {
        let expected = json!({ "web_push": 8030, "notification": { "title": "Hi", "navigate": "https://example.com/a" } });
        assert_eq!(declarative_document(&minimal()), Ok(expected));
        let audible = Notification { silent: Some(false), ..minimal() };
        assert_eq!(declarative_document(&audible).unwrap()["notification"]["silent"], json!(false));
    }

    #[test]
    fn a_document_holds_every_member_under_its_standard_name() {
        let url = |path: &str| Some(format!("https://example.com/{path}").parse().unwrap());
        let action = |action: &str, icon| Action {
            action: action.to_owned(),
            title: format!("Title of {action}"),
            navigate: url(action),
            icon,
            ..Action::default()
        };
        let notification = Notification {
            body: "Did you hear?".to_owned(),
            lang: "en-US".to_owned(),
            dir: Direction::Ltr,
            tag: "mail".to_owned(),
            icon: url("icon"),
            image: url("image"),
            badge: url("badge"),
            silent: Some(true),
            renotify: true,
            require_interaction: true,
            timestamp: Some(1_700_000_000_000),
            actions: vec![action("open", None), action("reply", url("reply.png"))],
            ..minimal()
        };
        assert_eq!(
            declarative_document(&notification).unwrap(),
            json!({ "web_push": 8030, "notification": {
                "title": "Hi", "navigate": "https://example.com/a", "body": "Did you hear?", "lang": "en-US",
                "dir": "ltr", "tag": "mail", "icon": "https://example.com/icon",
                "image": "https://example.com/image", "badge": "https://example.com/badge", "silent": true,
                "renotify": true, "requireInteraction": true, "timestamp": 1_700_000_000_000u64,
                "actions": [
                    { "action": "open", "title": "Title of open", "navigate": "https://example.com/open" },
                    { "action": "reply", "title": "Title of reply", "navigate": "https://example.com/reply",
                      "icon": "https://example.com/reply.png" },
                ],
            } })
        );
    }

    #[test]
    fn what_receivers_would_not_take_as_declarative_is_refused() {
        let action = Action { action: "open".to_owned(), title: "Open".to_owned(), ..Action::default() };
        for (notification, error) in [
            (Notification { title: String::new(), ..minimal() }, NotDeclarative::Title),
            (Notification { navigate: None, ..minimal() }, NotDeclarative::Navigate),
            (Notification { actions: vec![action], ..minimal() }, NotDeclarative::ActionNavigate),
            (Notification { renotify: true, ..minimal() }, NotDeclarative::RenotifyWithoutTag),
        ] {
            assert_eq!(declarative_document(&notification), Err(error));
        }
    }
}
