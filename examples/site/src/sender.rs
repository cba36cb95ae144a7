//! Sends one document to every subscriber and says what became of each.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use reqwest::{StatusCode, redirect};
use webpush::application_server::{Identity, Push};
use webpush::vapid::VapidKey;
use webpush::{Ttl, Urgency};

use crate::store::Subscriber;

/// A push waits this long for a subscriber who is offline: one day.
const TTL: Ttl = Ttl::from_seconds(86_400);
/// A token may be valid for 24 hours at most (RFC 8292 §2); half of that leaves room for wrong clocks.
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
const TIMEOUT: Duration = Duration::from_secs(15);
const AT_A_TIME: usize = 8;

/// The application server's way out.
#[derive(Debug)]
pub(crate) struct Sender {
    key: VapidKey,
    subject: Option<String>,
    http: reqwest::Client,
}

/// What became of one push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The push service has it.
    Accepted(StatusCode),
    /// The subscription has ended: forget it. RFC 8030 §7.3.
    Gone(StatusCode),
    /// The push service said no.
    Refused(StatusCode),
    /// Nothing was sent, or no answer came.
    Failed(String),
}

impl Sender {
    pub(crate) fn new(key: VapidKey, subject: Option<String>, ca: Option<&Path>) -> anyhow::Result<Self> {
        // Fails only when there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Where to post is what a subscriber says it is. That is how Web Push works, and on a public site it lets
        // strangers make this server post to its own network. This site is for one's own use on one's own computer,
        // where the push service may well be at a loopback address; a public one would refuse private addresses. What
        // is posted is encrypted, nothing of an answer but its status is shown, and redirects lead nowhere.
        let mut http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("belfry-example-site/", env!("CARGO_PKG_VERSION")));
        if let Some(ca) = ca {
            let pem = fs::read(ca).with_context(|| format!("read {}", ca.display()))?;
            http = http.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        Ok(Self { key, subject, http: http.build()? })
    }

    /// Sends to all, a few at a time. Outcomes come in the order of the subscribers.
    pub(crate) async fn send(&self, subscribers: &[Subscriber], payload: &[u8]) -> Vec<Outcome> {
        let pushes: Vec<_> =
            subscribers.iter().map(|subscriber| self.send_one(subscriber, payload)).collect();
        futures_util::stream::iter(pushes).buffered(AT_A_TIME).collect().await
    }

    async fn send_one(&self, subscriber: &Subscriber, payload: &[u8]) -> Outcome {
        match self.post(subscriber, payload).await {
            Ok(status) if status.is_success() => Outcome::Accepted(status),
            Ok(status @ (StatusCode::NOT_FOUND | StatusCode::GONE)) => Outcome::Gone(status),
            Ok(status) => Outcome::Refused(status),
            Err(error) => Outcome::Failed(format!("{error:#}")),
        }
    }

    async fn post(&self, subscriber: &Subscriber, payload: &[u8]) -> anyhow::Result<StatusCode> {
        let expires = SystemTime::now().duration_since(UNIX_EPOCH)? + TOKEN_LIFETIME;
        let identity =
            Identity { key: &self.key, subject: self.subject.as_deref(), expires: expires.as_secs() };
        let push = Push {
            subscription: &subscriber.subscription,
            payload,
            ttl: TTL,
            urgency: Urgency::Normal,
            topic: None,
            identity: Some(identity),
        };
        let request = reqwest::Request::try_from(push.request()?).context("build the request")?;
        // The URL is a secret.
        let response = self.http.execute(request).await.map_err(reqwest::Error::without_url)?;
        Ok(response.status())
    }
}
