//! Checking who sends, by the rules of Mozilla's autopush where RFC 8292 leaves room.

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

#[cfg(test)]
mod tests {
    use p256::SecretKey;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer as _;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ORIGIN: &str = "https://push.example.net";
    const NOW: u64 = 1_899_990_000;

    const RFC_TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
    const RFC_KEY: &str =
        "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
    const PRIVATE: &str = "opzDjS2W1yIDzqzDM454eZB8Loq8bssJFEj_KnQXflw";
    const KEY: &str =
        "BDzM_h01bGr8NjrvHghw8chYifNdrx0qMYlWvzRqMeY7T8KDvnp6-9oxiSsRFwVk5Gtwb1AGIdW4DqCPExxpWFY";
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE5MDAwMDAwMDAsInN1YiI6Im1haWx0bzpvcHNAZXhhbXBsZS5uZXQifQ.ucd0Zf9VTseIBqX9HrUz5AfILK88eZWAa4HGj5fzkr4G-NALXLAaGiK788tdB_b_baD_F3Rb-2bjoybdihR76w";

    fn sign(signed: &str) -> String {
        let key = SecretKey::from_slice(&base64url::decode(PRIVATE).unwrap()).unwrap();
        let signature: Signature = SigningKey::from(&key).sign(signed.as_bytes());
        format!("{signed}.{}", base64url::encode(signature.to_bytes()))
    }

    fn token(header: &Value, claims: &Value) -> String {
        sign(&format!("{}.{}", base64url::encode(header.to_string()), base64url::encode(claims.to_string())))
    }

    fn check(authorization: &str) -> Result<(), VapidError> {
        let key = verify(authorization, None, ORIGIN, NOW)?;
        assert_eq!(key.to_string(), KEY);
        Ok(())
    }

    fn check_claims_of(claims: Value) -> Result<(), VapidError> {
        check(&format!("vapid t={},k={KEY}", token(&json!({ "alg": "ES256" }), &claims)))
    }

    #[test]
    fn the_example_of_rfc_8292_is_accepted_while_it_is_valid() {
        let value = format!("vapid t={RFC_TOKEN}, k={RFC_KEY}");
        let at = |now| verify(&value, None, ORIGIN, now).map(|key| key.to_string());
        assert_eq!(at(1_453_523_768), Ok(RFC_KEY.to_owned()));
        assert_eq!(at(1_453_523_768 + 61), Err(VapidError::Expired));
        assert_eq!(at(1_453_523_768 - 86_401), Err(VapidError::FutureExpirationToken));
    }

    #[test]
    fn the_own_vector_is_accepted_in_its_last_24_hours() {
        let value = format!("vapid t={TOKEN},k={KEY}");
        let at = |now| verify(&value, None, ORIGIN, now).map(|_| ());
        for valid in [1_899_913_600, 1_899_950_000, 1_900_000_000] {
            assert_eq!(at(valid), Ok(()), "{valid}");
        }
        assert_eq!(at(1_899_913_599), Err(VapidError::FutureExpirationToken));
        assert_eq!(at(1_790_000_000), Err(VapidError::FutureExpirationToken));
    }

    #[test]
    fn a_signature_by_another_key_or_over_other_words_is_refused() {
        assert_eq!(check(&format!("vapid t={TOKEN},k={RFC_KEY}")), Err(VapidError::Signature));
        let (signed, signature) = TOKEN.rsplit_once('.').unwrap();
        let (header, _) = signed.split_once('.').unwrap();
        let claims = base64url::encode(json!({ "aud": ORIGIN, "exp": NOW + 9 }).to_string());
        let forged = format!("vapid t={header}.{claims}.{signature},k={KEY}");
        assert_eq!(check(&forged), Err(VapidError::Signature));
        for cut in ["", "AAAA", &base64url::encode([0; 64])] {
            assert_eq!(
                check(&format!("vapid t={signed}.{cut},k={KEY}")),
                Err(VapidError::Signature),
                "{cut}"
            );
        }
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_parameters_in_any_order() {
        for value in [
            format!("vapid t={TOKEN},k={KEY}"),
            format!("VAPID k={KEY},t={TOKEN}"),
            format!("Vapid  t = {TOKEN} , k = {KEY} "),
            format!("vapid t={TOKEN}, k={KEY}, x=y"),
            format!("vapid t={TOKEN}, k={KEY}="),
        ] {
            assert_eq!(check(&value), Ok(()), "{value}");
        }
    }

    #[test]
    fn quoted_values_are_refused() {
        assert_eq!(check(&format!("vapid t={TOKEN},k=\"{KEY}\"")), Err(VapidError::InvalidKey));
        assert_eq!(check(&format!("vapid t=\"{TOKEN}\",k={KEY}")), Err(VapidError::InvalidToken));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (value, error) in [
            ("", VapidError::UnknownScheme),
            ("Basic dXNlcjpwYXNz", VapidError::UnknownScheme),
            (TOKEN, VapidError::UnknownScheme),
            ("vapid", VapidError::MissingKey),
            (&format!("vapid t={TOKEN}"), VapidError::MissingKey),
            (&format!("vapid k={KEY}"), VapidError::MissingToken),
            ("WebPush", VapidError::MissingToken),
            (&format!("WebPush {TOKEN}"), VapidError::MissingCryptoKey),
            (&format!("bearer {TOKEN}"), VapidError::MissingCryptoKey),
        ] {
            assert_eq!(check(value), Err(error), "{value}");
        }
    }

    #[test]
    fn the_draft_forms_take_the_key_from_crypto_key() {
        for scheme in ["WebPush", "webpush", "Bearer", "BEARER"] {
            for crypto_key in [
                format!("p256ecdsa={KEY}"),
                format!("keyid=p256dh;dh=AAAA;p256ecdsa={KEY}"),
                format!("keyid=\"p256dh\";dh=\"AAAA\", p256ecdsa=\"{KEY}\""),
            ] {
                let value = format!("{scheme} {TOKEN}");
                let signer = verify(&value, Some(&crypto_key), ORIGIN, NOW).map(|key| key.to_string());
                assert_eq!(signer, Ok(KEY.to_owned()), "{scheme} {crypto_key}");
            }
        }
        let value = format!("WebPush {TOKEN}");
        let with = |crypto_key| verify(&value, Some(crypto_key), ORIGIN, NOW).map(|_| ());
        assert_eq!(with("dh=AAAA"), Err(VapidError::MissingKey));
        assert_eq!(with("p256ecdsa=AAAA"), Err(VapidError::InvalidKey));
    }

    #[test]
    fn a_key_that_is_not_a_point_is_refused() {
        let off_curve = base64url::encode([4; 65]);
        for key in ["", "AAAA", "!", &off_curve] {
            assert_eq!(check(&format!("vapid t={TOKEN},k={key}")), Err(VapidError::InvalidKey), "{key}");
        }
    }

    #[test]
    fn only_es256_is_accepted_whatever_the_type() {
        let claims = json!({ "aud": ORIGIN, "exp": NOW });
        let with = |header: Value| check(&format!("vapid t={},k={KEY}", token(&header, &claims)));
        assert_eq!(with(json!({ "alg": "ES256" })), Ok(()));
        assert_eq!(with(json!({ "alg": "ES256", "typ": "x" })), Ok(()));
        for header in [json!({ "alg": "HS256" }), json!({ "alg": "none" }), json!({}), json!({ "alg": 7 })] {
            assert_eq!(with(header.clone()), Err(VapidError::Algorithm), "{header}");
        }
    }

    #[test]
    fn a_token_that_is_not_a_jwt_is_refused() {
        let object = base64url::encode(json!({ "alg": "ES256" }).to_string());
        let array = base64url::encode("[]");
        for parts in [
            "".to_owned(),
            "x".to_owned(),
            object.clone(),
            format!("{object}.{object}.!"),
            sign(&format!("{array}.{object}")),
            sign(&format!("{object}.{array}")),
            sign(&format!("{object}.{object}.{object}")),
            sign(&format!("{object}.!")),
        ] {
            assert_eq!(check(&format!("vapid t={parts},k={KEY}")), Err(VapidError::InvalidToken), "{parts}");
        }
    }

    #[test]
    fn the_audience_is_the_origin_as_a_string() {
        for aud in [
            json!([ORIGIN]),
            json!(7),
            Value::Null,
            json!("https://push.example.net/"),
            json!("https://push.example.net/wpush"),
            json!("https://push.example.net:443"),
            json!("http://push.example.net"),
            json!("https://other.example.net"),
        ] {
            assert_eq!(
                check_claims_of(json!({ "aud": aud, "exp": NOW })),
                Err(VapidError::InvalidAudience),
                "{aud}"
            );
        }
        assert_eq!(check_claims_of(json!({ "exp": NOW })), Err(VapidError::InvalidAudience));
    }

    #[test]
    fn the_expiry_is_an_integer_at_most_60_seconds_past_and_24_hours_ahead() {
        for (exp, result) in [
            (json!(NOW - 60), Ok(())),
            (json!(NOW + 86_400), Ok(())),
            (json!(NOW - 61), Err(VapidError::Expired)),
            (json!(-1), Err(VapidError::Expired)),
            (json!(NOW + 86_401), Err(VapidError::FutureExpirationToken)),
            (json!(u64::MAX), Err(VapidError::FutureExpirationToken)),
            (json!(NOW.to_string()), Err(VapidError::InvalidExpiry)),
            (json!(1_899_990_000.0), Err(VapidError::InvalidExpiry)),
            (json!(1e30), Err(VapidError::InvalidExpiry)),
            (json!([NOW]), Err(VapidError::InvalidExpiry)),
            (Value::Null, Err(VapidError::InvalidExpiry)),
        ] {
            assert_eq!(check_claims_of(json!({ "aud": ORIGIN, "exp": exp })), result, "{exp}");
        }
        assert_eq!(check_claims_of(json!({ "aud": ORIGIN })), Err(VapidError::InvalidExpiry));
    }

    #[test]
    fn the_contact_may_be_absent_or_any_text_but_not_a_number() {
        for (sub, result) in [
            (json!("mailto:ops@example.net"), Ok(())),
            (json!("nobody"), Ok(())),
            (json!(7), Err(VapidError::InvalidSubject)),
            (json!(["mailto:ops@example.net"]), Err(VapidError::InvalidSubject)),
        ] {
            assert_eq!(check_claims_of(json!({ "aud": ORIGIN, "exp": NOW, "sub": sub })), result, "{sub}");
        }
        assert_eq!(check_claims_of(json!({ "aud": ORIGIN, "exp": NOW, "nbf": NOW + 99 })), Ok(()));
    }

    #[test]
    fn long_headers_are_refused_unread() {
        let long = "x".repeat(MAX_HEADER);
        assert_eq!(check(&format!("vapid {long}")), Err(VapidError::TooLong));
        let value = format!("WebPush {TOKEN}");
        let crypto_key = format!("{long};p256ecdsa={KEY}");
        assert_eq!(verify(&value, Some(&crypto_key), ORIGIN, NOW), Err(VapidError::TooLong));
    }

    #[test]
    fn only_a_missing_crypto_key_is_a_bad_request() {
        assert_eq!((VapidError::MissingCryptoKey.status(), VapidError::MissingCryptoKey.errno()), (400, 110));
        for other in [VapidError::UnknownScheme, VapidError::Expired, VapidError::MissingKey] {
            assert_eq!((other.status(), other.errno()), (401, 109));
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(authorization: String, crypto_key: Option<String>, now: u64) {
            prop_assert!(verify(&authorization, crypto_key.as_deref(), ORIGIN, now).is_err());
        }

        #[test]
        fn no_token_panics(header: Vec<u8>, claims: Vec<u8>, tail in "[ -~]{0,40}", now: u64) {
            let signed = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
            for token in [format!("{signed}.{tail}"), sign(&signed)] {
                let value = format!("vapid t={token},k={KEY}");
                prop_assert!(verify(&value, None, ORIGIN, now).is_err());
            }
        }

        #[test]
        fn the_window_of_the_expiry_moves_with_the_clock(aud: String, now: u32, ahead in -90_000_i64..90_000, sub: Option<u8>) {
            let (now, exp) = (u64::from(now), i64::from(now) + ahead);
            let claims = json!({ "aud": aud, "exp": exp, "sub": sub });
            let value = format!("vapid t={},k={KEY}", token(&json!({ "alg": "ES256" }), &claims));
            let accepted = verify(&value, None, &aud, now).is_ok();
            prop_assert_eq!(accepted, sub.is_none() && (-60..=86_400).contains(&ahead));
        }
    }
}
