//! Checking who sends, by the rules of Mozilla's autopush where RFC 8292 leaves room.

#[cfg(test)]
mod tests;

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::base64url;
use crate::subscription::ApplicationServerKey;

/// The only algorithm of RFC 8292 §2.
pub(super) const ALGORITHM: &str = "ES256";

/// Longer headers are refused unread. A token with a long contact is some 400 characters.
const MAX_HEADER: usize = 8 * 1024;

/// How late a token may still be used, in seconds.
const LEEWAY: u64 = 60;

/// How far ahead a token may expire, in seconds. RFC 8292 §2.
const MAX_LIFETIME: u64 = 24 * 60 * 60;

/// Why the identification of a sender was refused. The texts are autopush's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VapidError {
    /// `WebPush` or `Bearer` without a `Crypto-Key` header.
    #[error("Missing Crypto-Key header")]
    MissingCryptoKey,
    /// The scheme is none of `vapid`, `WebPush`, `Bearer`.
    #[error("Unknown auth scheme")]
    UnknownScheme,
    /// A header of more than 8 KiB.
    #[error("Invalid VAPID token: header too long")]
    TooLong,
    /// No `t` parameter, or nothing after the scheme.
    #[error("Missing VAPID token")]
    MissingToken,
    /// No `k` parameter, or no `p256ecdsa` in `Crypto-Key`.
    #[error("Missing VAPID public key")]
    MissingKey,
    /// The key is not a P-256 point of 65 bytes in base64url without quotes.
    #[error("Invalid VAPID public key")]
    InvalidKey,
    /// The token is not three base64url parts, the first two of them JSON objects.
    #[error("Invalid VAPID token")]
    InvalidToken,
    /// `alg` is not `ES256`.
    #[error("Invalid VAPID token: algorithm must be ES256")]
    Algorithm,
    /// The signature is not the key's.
    #[error("Invalid VAPID token: signature does not match")]
    Signature,
    /// `aud` is missing, not a string, or not the endpoint's origin.
    #[error("Invalid VAPID audience")]
    InvalidAudience,
    /// `exp` is missing or not an integer.
    #[error("Invalid VAPID expiry")]
    InvalidExpiry,
    /// `exp` was more than 60 seconds ago.
    #[error("The VAPID token has expired")]
    Expired,
    /// `exp` is more than 24 hours ahead.
    #[error("The VAPID token expiration is too long")]
    FutureExpirationToken,
    /// `sub` is present and not a string.
    #[error("Invalid VAPID subject")]
    InvalidSubject,
}

impl VapidError {
    /// The HTTP status autopush answers with.
    pub fn status(self) -> u16 {
        if self == Self::MissingCryptoKey { 400 } else { 401 }
    }

    /// The `errno` of autopush's error body.
    pub fn errno(self) -> u16 {
        if self == Self::MissingCryptoKey { 110 } else { 109 }
    }
}

/// Checks `Authorization` (with `Crypto-Key` for the draft forms) as autopush does: scheme, ES256, signature,
/// `aud` equal to `origin`, `exp` (seconds; 60 s late is accepted, more than 24 h ahead is not), `sub`.
/// Returns who signed. `now` is seconds since the epoch.
pub fn verify(
    authorization: &str,
    crypto_key: Option<&str>,
    origin: &str,
    now: u64,
) -> Result<ApplicationServerKey, VapidError> {
    Credentials::read(authorization, crypto_key)?.verify(origin, now).map(|sender| sender.key)
}

/// What a sender shows, still as text and not yet believed. Senders show the same with many messages.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The signed token.
    pub token: &'a str,
    /// The key it is said to be signed with, in base64url.
    pub key: &'a str,
}

/// A sender whose token has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// Who it is.
    pub key: ApplicationServerKey,
    /// Until when the token says so, in seconds since the epoch.
    pub expires: u64,
}

impl<'a> Credentials<'a> {
    /// Takes them from `Authorization`, for the draft forms with `Crypto-Key`.
    pub fn read(authorization: &'a str, crypto_key: Option<&'a str>) -> Result<Self, VapidError> {
        if authorization.len() > MAX_HEADER || crypto_key.is_some_and(|value| value.len() > MAX_HEADER) {
            return Err(VapidError::TooLong);
        }
        let (token, key) = credentials(authorization.trim(), crypto_key)?;
        Ok(Self { token, key })
    }

    /// Checks everything else: see [`verify`]. Takes some hundred times as long as reading them.
    pub fn verify(&self, origin: &str, now: u64) -> Result<Sender, VapidError> {
        let key = self.key.parse().map_err(|_| VapidError::InvalidKey)?;
        let expires = check_claims(&signed_claims(self.token, &key)?, origin, now)?;
        Ok(Sender { key, expires })
    }
}

/// Whether a token that expires then may be used now; both in seconds since the epoch.
pub fn check_expiry(expires: u64, now: u64) -> Result<(), VapidError> {
    if expires.saturating_add(LEEWAY) < now {
        return Err(VapidError::Expired);
    }
    if expires > now.saturating_add(MAX_LIFETIME) {
        return Err(VapidError::FutureExpirationToken);
    }
    Ok(())
}

/// Token and key, still as text.
fn credentials<'a>(
    authorization: &'a str,
    crypto_key: Option<&'a str>,
) -> Result<(&'a str, &'a str), VapidError> {
    let (scheme, rest) = authorization.split_once(' ').unwrap_or((authorization, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "vapid" => {
            let key = parameter(rest, &[','], "k").ok_or(VapidError::MissingKey)?;
            let token = parameter(rest, &[','], "t").ok_or(VapidError::MissingToken)?;
            Ok((token, key))
        }
        "webpush" | "bearer" => {
            let token = rest.trim();
            if token.is_empty() {
                return Err(VapidError::MissingToken);
            }
            let sections = crypto_key.ok_or(VapidError::MissingCryptoKey)?;
            let key = parameter(sections, &[',', ';'], "p256ecdsa").ok_or(VapidError::MissingKey)?;
            Ok((token, key.trim_matches('"')))
        }
        _ => Err(VapidError::UnknownScheme),
    }
}

fn parameter<'a>(list: &'a str, separators: &[char], name: &str) -> Option<&'a str> {
    list.split(separators)
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value.trim())
}

/// The claims of a token whose signature is the key's.
fn signed_claims(token: &str, key: &ApplicationServerKey) -> Result<Map<String, Value>, VapidError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(VapidError::InvalidToken)?;
    let (header, claims) = signed.split_once('.').ok_or(VapidError::InvalidToken)?;
    if json_object(header)?.get("alg").and_then(Value::as_str) != Some(ALGORITHM) {
        return Err(VapidError::Algorithm);
    }
    let signature = base64url::decode(signature).ok_or(VapidError::InvalidToken)?;
    let signature = Signature::from_slice(&signature).map_err(|_| VapidError::Signature)?;
    VerifyingKey::from_sec1_bytes(key.0.as_bytes())
        .map_err(|_| VapidError::InvalidKey)?
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| VapidError::Signature)?;
    json_object(claims)
}

fn json_object(part: &str) -> Result<Map<String, Value>, VapidError> {
    let bytes = base64url::decode(part).ok_or(VapidError::InvalidToken)?;
    serde_json::from_slice(&bytes).map_err(|_| VapidError::InvalidToken)
}

/// Returns when the token expires.
fn check_claims(claims: &Map<String, Value>, origin: &str, now: u64) -> Result<u64, VapidError> {
    if claims.get("aud").and_then(Value::as_str) != Some(origin) {
        return Err(VapidError::InvalidAudience);
    }
    let exp = claims.get("exp").ok_or(VapidError::InvalidExpiry)?;
    let before_1970 = || exp.is_i64().then_some(0);
    let expires = exp.as_u64().or_else(before_1970).ok_or(VapidError::InvalidExpiry)?;
    check_expiry(expires, now)?;
    match claims.get("sub") {
        None | Some(Value::Null | Value::String(_)) => Ok(expires),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(VapidError::InvalidSubject)
        }
    }
}
