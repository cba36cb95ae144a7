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
const KEY: &str = "BDzM_h01bGr8NjrvHghw8chYifNdrx0qMYlWvzRqMeY7T8KDvnp6-9oxiSsRFwVk5Gtwb1AGIdW4DqCPExxpWFY";
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
        assert_eq!(check(&format!("vapid t={signed}.{cut},k={KEY}")), Err(VapidError::Signature), "{cut}");
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
