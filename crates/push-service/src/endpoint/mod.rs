//! The application servers' side: HTTP by RFC 8030 and 8292, with autopush's rules where they are silent.
//! Source: push-service-http.md.

mod content;
mod cors;
#[cfg(fuzzing)]
pub mod fuzz;
mod refusal;
mod senders;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use webpush::headers::InvalidTtl;
use webpush::vapid::Credentials;
use webpush::{EncryptedMessage, PushMessage, Topic, Ttl, Urgency};

pub(crate) use self::refusal::Refusal;
pub(crate) use self::senders::KnownSenders;
use crate::id::{self, EndpointToken, Hash};
use crate::limits::TooOften;
use crate::mailbox::{self, Posted};
use crate::service::Service;
use crate::store::{Channel, Endpoint};

const TTL: HeaderName = HeaderName::from_static("ttl");
const TOPIC: HeaderName = HeaderName::from_static("topic");
const URGENCY: HeaderName = HeaderName::from_static("urgency");

/// Which URL an endpoint was handed out with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `/wpush/v1/…`: anybody who knows it may post.
    Open,
    /// `/wpush/v2/…`: bound to one application server's key.
    Restricted,
}

/// `/wpush/…`, `/m/…` and `/health`.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/wpush/{token}", post(post_open).options(cors::preflight))
        .route("/wpush/v1/{token}", post(post_open).options(cors::preflight))
        .route("/wpush/v2/{token}", post(post_restricted).options(cors::preflight))
        .route("/m/{message_id}", delete(cancel).options(cors::preflight))
        .layer(from_fn(cors::allow_origin))
        .route("/health", get(health))
}

/// The path of the endpoint with this token, relative to the service's base URL.
pub(crate) fn path(token: &EndpointToken, restricted: bool) -> String {
    format!("wpush/{}/{}", if restricted { "v2" } else { "v1" }, token.text())
}

async fn post_open(
    State(service): State<Arc<Service>>,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    accept(&service, Kind::Open, token, request).await
}

async fn post_restricted(
    State(service): State<Arc<Service>>,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    accept(&service, Kind::Restricted, token, request).await
}

/// One push. The order of the checks is autopush's: §3.3.
async fn accept(
    service: &Service,
    kind: Kind,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let token = token.ok().and_then(|Path(token)| EndpointToken::parse(&token));
    let token = token.ok_or(Refusal::UnknownEndpoint)?;
    let endpoint = service.store.endpoint(token.hash()).await?.ok_or(Refusal::UnknownEndpoint)?;
    check_sender(service, kind, &endpoint, &parts.headers)?;
    let channel = endpoint.channel.ok_or(Refusal::RevokedEndpoint)?;
    if let Some(limits) = &service.limits {
        limits.endpoint(&token.hash()).map_err(|TooOften(wait)| Refusal::TooOften(wait))?;
    }

    let body = content::read_body(body).await?;
    let Wish { ttl, topic, urgency, content } = Wish::read(&parts.headers, body)?;
    let version = id::random_version().map_err(|_| Refusal::Unavailable)?;
    let location = service.urls.endpoint(&format!("m/{version}"));
    let push = PushMessage { channel_id: channel.id, version, content };
    deliver(service, channel, push, ttl, topic, urgency).await?;

    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, location.parse().map_err(|_| Refusal::Unavailable)?);
    headers.insert(TTL, ttl.seconds().into());
    Ok((StatusCode::CREATED, headers).into_response())
}

/// Stores the message, then hands it to the user agent; with TTL zero, hands it over or drops it.
async fn deliver(
    service: &Service,
    channel: Channel,
    push: PushMessage,
    ttl: Ttl,
    topic: Option<Topic>,
    urgency: Urgency,
) -> Result<(), Refusal> {
    let (registry, user_agent) = (Arc::clone(&service.registry), channel.user_agent);
    let now = service.now();
    let Some(expires_at) = mailbox::expiry(now, ttl) else {
        registry.hand_over_now(user_agent, push).await;
        return Ok(());
    };
    let posted = Posted { push, topic, urgency, expires_at };
    let hand_over = move |push, stored| registry.hand_over(user_agent, push, stored);
    match service.store.put(channel, posted, now, hand_over).await? {
        true => Ok(()),
        false => Err(Refusal::RevokedEndpoint),
    }
}

/// A sender that identifies itself must do it right; to a restricted endpoint it must be the right one. RFC 8292 §4.2.
fn check_sender(
    service: &Service,
    kind: Kind,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let sender = sender(headers, &service.senders, service.urls.origin(), service.now())?;
    match (kind, endpoint.restricted_to) {
        (Kind::Open, None) => Ok(()),
        (Kind::Restricted, Some(key)) => match sender {
            Some(sender) if sender == key => Ok(()),
            Some(_) => Err(Refusal::OtherSender),
            None => Err(Refusal::MissingVapid),
        },
        (Kind::Open, Some(_)) | (Kind::Restricted, None) => Err(Refusal::UnknownEndpoint),
    }
}

/// Who sends, where the request says so: the hash of the sender's key.
fn sender(
    headers: &HeaderMap,
    senders: &KnownSenders,
    origin: &str,
    now: u64,
) -> Result<Option<Hash>, Refusal> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let authorization = authorization.to_str().unwrap_or_default();
    let crypto_key = content::crypto_key(headers)?;
    let sender = Credentials::read(authorization, crypto_key.as_deref())
        .and_then(|credentials| senders.verify(&credentials, origin, now));
    sender.map(Some).map_err(Refusal::Vapid)
}

/// What a request asks for, whoever sent it.
struct Wish {
    ttl: Ttl,
    topic: Option<Topic>,
    urgency: Urgency,
    content: Option<EncryptedMessage>,
}

impl Wish {
    fn read(headers: &HeaderMap, body: Vec<u8>) -> Result<Self, Refusal> {
        Ok(Self {
            ttl: ttl(headers)?,
            topic: topic(headers)?,
            urgency: urgency(headers),
            content: content::content(headers, body)?,
        })
    }
}

fn ttl(headers: &HeaderMap) -> Result<Ttl, Refusal> {
    match content::text(headers, &TTL) {
        Ok(Some(ttl)) => ttl.parse().map_err(Refusal::Ttl),
        Ok(None) => Err(Refusal::MissingTtl),
        Err(_) => Err(Refusal::Ttl(InvalidTtl::NotAnInteger)),
    }
}

fn topic(headers: &HeaderMap) -> Result<Option<Topic>, Refusal> {
    match content::text(headers, &TOPIC) {
        Ok(Some(topic)) => topic.parse().map(Some).map_err(|_| Refusal::Topic),
        Ok(None) => Ok(None),
        Err(_) => Err(Refusal::Topic),
    }
}

/// Like autopush, takes anything that is no level for the default.
fn urgency(headers: &HeaderMap) -> Urgency {
    let urgency = headers.get(URGENCY).and_then(|value| value.to_str().ok());
    urgency.and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// Removes a stored message; one already on its way is not recalled. §6.
async fn cancel(
    State(service): State<Arc<Service>>,
    message_id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Refusal> {
    let version = message_id.ok().and_then(|Path(message_id)| id::parse_version(&message_id));
    service.store.cancel(version.ok_or(Refusal::InvalidMessageId)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn health(State(service): State<Arc<Service>>) -> Response {
    let (status, body) = match service.store.check().await {
        Ok(()) => {
            (StatusCode::OK, concat!(r#"{"status":"OK","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#))
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"ERROR"}"#),
    };
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], body).into_response()
}
