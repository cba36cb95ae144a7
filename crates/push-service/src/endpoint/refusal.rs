//! Every answer that is not a success, with autopush's `errno` and JSON body. push-service-http.md §3.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use webpush::headers::InvalidTtl;
use webpush::vapid::VapidError;

use crate::store::StoreError;

/// Why a request was refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The token was never issued here.
    UnknownEndpoint,
    /// The endpoint was revoked: its channel was given up.
    RevokedEndpoint,
    /// The sender did not identify itself as it must.
    Vapid(VapidError),
    /// The endpoint is restricted and the sender did not identify itself.
    MissingVapid,
    /// The endpoint is restricted to another sender.
    OtherSender,
    /// More than the service takes.
    BodyTooLarge,
    /// The body did not arrive, or not in time.
    IncompleteBody,
    /// `TTL` is missing.
    MissingTtl,
    /// `TTL` is malformed.
    Ttl(InvalidTtl),
    /// `Topic` is malformed.
    Topic,
    /// `Content-Encoding`, `Encryption` or `Crypto-Key` do not fit together; says which rule.
    ContentHeaders(&'static str),
    /// Not a message id of this service.
    InvalidMessageId,
    /// Too many requests; may be tried again after this.
    TooOften(Duration),
    /// The store, or the system below it, failed. Nothing was accepted.
    Unavailable,
}

/// How long a sender should wait after [`Refusal::Unavailable`], in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("120");

/// For how long a revoked endpoint's answer may be remembered.
const REVOKED_MAX_AGE: HeaderValue = HeaderValue::from_static("max-age=86400");

const MORE_INFO: &str = "http://autopush.readthedocs.io/en/latest/http.html#error-codes";

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: u16,
    errno: Option<u16>,
    error: &'a str,
    message: &'a str,
    more_info: &'a str,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnknownEndpoint => StatusCode::NOT_FOUND,
            Self::RevokedEndpoint => StatusCode::GONE,
            Self::Vapid(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED),
            Self::MissingVapid | Self::OtherSender => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::IncompleteBody
            | Self::MissingTtl
            | Self::Ttl(_)
            | Self::Topic
            | Self::ContentHeaders(_)
            | Self::InvalidMessageId => StatusCode::BAD_REQUEST,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn errno(&self) -> Option<u16> {
        Some(match self {
            Self::UnknownEndpoint => 102,
            Self::RevokedEndpoint => 106,
            Self::Vapid(error) => error.errno(),
            Self::MissingVapid | Self::OtherSender => 109,
            Self::BodyTooLarge => 104,
            Self::MissingTtl | Self::Ttl(InvalidTtl::NotAnInteger) => 111,
            Self::Ttl(InvalidTtl::Negative) => 114,
            Self::Topic => 113,
            Self::ContentHeaders(_) => 110,
            Self::Unavailable => 201,
            Self::IncompleteBody | Self::InvalidMessageId | Self::TooOften(_) => return None,
        })
    }

    fn message(&self) -> String {
        match self {
            Self::UnknownEndpoint | Self::RevokedEndpoint => "No such subscription".to_owned(),
            Self::Vapid(error) => error.to_string(),
            Self::MissingVapid => "Missing VAPID public key".to_owned(),
            Self::OtherSender => "VAPID public key mismatch".to_owned(),
            Self::BodyTooLarge => "Request payload is too large".to_owned(),
            Self::IncompleteBody => "The body did not arrive completely".to_owned(),
            Self::MissingTtl => "Missing TTL header".to_owned(),
            Self::Ttl(error) => error.to_string(),
            Self::Topic => webpush::headers::InvalidTopic.to_string(),
            Self::ContentHeaders(rule) => (*rule).to_owned(),
            Self::InvalidMessageId => "Invalid message ID".to_owned(),
            Self::TooOften(_) => "Too many requests; try again later".to_owned(),
            Self::Unavailable => "The message could not be stored; try again later".to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        // Autopush answers 404 without a body.
        if status == StatusCode::NOT_FOUND {
            return response;
        }
        let message = self.message();
        let body = ErrorBody {
            code: status.as_u16(),
            errno: self.errno(),
            error: status.canonical_reason().unwrap_or_default(),
            message: &message,
            more_info: MORE_INFO,
        };
        *response.body_mut() = serde_json::to_vec(&body).unwrap_or_default().into();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::RevokedEndpoint => {
                headers.insert(header::CACHE_CONTROL, REVOKED_MAX_AGE);
            }
            Self::Unavailable => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            Self::TooOften(wait) => {
                // Whole seconds, and not a moment too early.
                headers.insert(header::RETRY_AFTER, wait.as_secs().saturating_add(1).into());
            }
            Self::UnknownEndpoint
            | Self::Vapid(_)
            | Self::MissingVapid
            | Self::OtherSender
            | Self::BodyTooLarge
            | Self::IncompleteBody
            | Self::MissingTtl
            | Self::Ttl(_)
            | Self::Topic
            | Self::ContentHeaders(_)
            | Self::InvalidMessageId => {}
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a request could not be served");
        Self::Unavailable
    }
}
