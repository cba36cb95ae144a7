//! The request's body and the headers that describe it. push-service-http.md §2.

use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, header};
use webpush::{ContentEncoding, EncryptedMessage};

use super::refusal::Refusal;

/// The largest body accepted, in bytes, as autopush has it. RFC 8030 §7.2 demands at least 4096.
pub(super) const MAX_BODY: usize = 5_630;

/// How much of a larger body is still read, so that its sender gets to read the answer.
const MAX_DISCARDED: usize = 128 * 1024;

const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest `Encryption` and `Crypto-Key` that are forwarded, in bytes. Real ones have about 200.
const MAX_LEGACY_HEADER: usize = 2_048;

const ENCRYPTION: HeaderName = HeaderName::from_static("encryption");
const CRYPTO_KEY: HeaderName = HeaderName::from_static("crypto-key");

const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads the whole body.
pub(super) async fn read_body(body: Body) -> Result<Vec<u8>, Refusal> {
    let read = async {
        let (mut bytes, mut length) = (Vec::new(), 0_usize);
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::IncompleteBody)?;
            length = length.saturating_add(chunk.len());
            if length <= MAX_BODY {
                bytes.extend_from_slice(&chunk);
            } else if length > MAX_DISCARDED {
                break;
            }
        }
        if length > MAX_BODY { Err(Refusal::BodyTooLarge) } else { Ok(bytes) }
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or(Err(Refusal::IncompleteBody))
}

/// Puts the body together with what its encoding needs. An empty body has no content, whatever the headers say.
pub(super) fn content(headers: &HeaderMap, body: Vec<u8>) -> Result<Option<EncryptedMessage>, Refusal> {
    if body.is_empty() {
        return Ok(None);
    }
    let encoding = match text(headers, &header::CONTENT_ENCODING)?.as_deref() {
        Some("aes128gcm") => aes128gcm(headers)?,
        Some("aesgcm") => aesgcm(headers)?,
        Some(_) => return Err(Refusal::ContentHeaders("Content-Encoding must be aes128gcm or aesgcm")),
        None => return Err(Refusal::ContentHeaders("Missing Content-Encoding header")),
    };
    Ok(Some(EncryptedMessage { encoding, data: Some(body) }))
}

/// The value of a header; several of the same name are joined as one list.
pub(super) fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Refusal> {
    let values: Result<Vec<&str>, _> = headers.get_all(name).iter().map(|value| value.to_str()).collect();
    match values {
        Ok(values) if values.is_empty() => Ok(None),
        Ok(values) => Ok(Some(values.join(","))),
        Err(_) => Err(Refusal::ContentHeaders("a header holds characters that are not ASCII")),
    }
}

/// The value of `Crypto-Key`, which also carries the sender's key in the drafts of VAPID.
pub(super) fn crypto_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    text(headers, &CRYPTO_KEY)
}

/// Salt and sender key are in the body, so they must not be in the headers too.
fn aes128gcm(headers: &HeaderMap) -> Result<ContentEncoding, Refusal> {
    if let Some(encryption) = legacy(headers, &ENCRYPTION)?
        && encryption.value("salt").is_some()
    {
        return Err(Refusal::ContentHeaders("Encryption must not contain salt with aes128gcm"));
    }
    if let Some(crypto_key) = legacy(headers, &CRYPTO_KEY)?
        && crypto_key.value("dh").is_some()
    {
        return Err(Refusal::ContentHeaders("Crypto-Key must not contain dh with aes128gcm"));
    }
    Ok(ContentEncoding::Aes128Gcm)
}

fn aesgcm(headers: &HeaderMap) -> Result<ContentEncoding, Refusal> {
    let encryption = legacy(headers, &ENCRYPTION)?
        .filter(|encryption| {
            encryption.value("salt").is_some_and(|salt| !salt.is_empty() && BASE64URL.decode(salt).is_ok())
        })
        .ok_or(Refusal::ContentHeaders("Encryption must contain a salt in base64url with aesgcm"))?;
    let crypto_key = legacy(headers, &CRYPTO_KEY)?;
    if crypto_key.as_ref().is_some_and(|crypto_key| crypto_key.value("dh").is_none()) {
        return Err(Refusal::ContentHeaders("Crypto-Key must contain dh with aesgcm"));
    }
    Ok(ContentEncoding::AesGcm {
        encryption: encryption.stripped(),
        crypto_key: crypto_key.map(|crypto_key| crypto_key.stripped()).unwrap_or_default(),
    })
}

fn legacy(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Parameters>, Refusal> {
    let Some(text) = text(headers, name)? else { return Ok(None) };
    if text.len() > MAX_LEGACY_HEADER {
        return Err(Refusal::ContentHeaders("Encryption or Crypto-Key is too long"));
    }
    let parameters = Parameters(text);
    if parameters.pieces().any(|(piece, _)| !piece.contains('=')) {
        return Err(Refusal::ContentHeaders("Encryption or Crypto-Key is malformed"));
    }
    Ok(Some(parameters))
}

/// The value of a legacy header: sections separated by `,`, in them `name=value` separated by `;`.
struct Parameters(String);

impl Parameters {
    /// The pieces between separators, each with the separator that follows it.
    fn pieces(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split_inclusive([',', ';']).map(|piece| {
            let name_and_value = piece.trim_end_matches([',', ';']);
            (name_and_value, piece.get(name_and_value.len()..).unwrap_or_default())
        })
    }

    fn value(&self, wanted: &str) -> Option<&str> {
        self.pieces()
            .filter_map(|(piece, _)| piece.split_once('='))
            .find(|(name, _)| name.trim() == wanted)
            .map(|(_, value)| value.trim().trim_matches('"'))
    }

    /// As it is forwarded: quotes and base64 padding removed, everything else kept.
    fn stripped(&self) -> String {
        let mut forwarded = String::with_capacity(self.0.len());
        for (piece, separator) in self.pieces() {
            if let Some((name, value)) = piece.split_once('=') {
                let kept = value.trim_end();
                let blanks = value.get(kept.len()..).unwrap_or_default();
                let kept = kept.replace('"', "");
                forwarded.extend([name, "=", kept.trim_end_matches('='), blanks]);
            }
            forwarded.push_str(separator);
        }
        forwarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn encoding(pairs: &[(&'static str, &str)]) -> Option<ContentEncoding> {
        content(&headers(pairs), vec![1]).ok().map(|content| content.unwrap().encoding)
    }

    #[test]
    fn an_empty_body_needs_no_headers() {
        assert!(matches!(content(&HeaderMap::new(), Vec::new()), Ok(None)));
        assert!(matches!(content(&headers(&[("content-encoding", "gzip")]), Vec::new()), Ok(None)));
        assert_eq!(encoding(&[]), None);
    }

    #[test]
    fn only_the_two_encodings_of_web_push_are_accepted() {
        assert_eq!(encoding(&[("content-encoding", "aes128gcm")]), Some(ContentEncoding::Aes128Gcm));
        for other in ["aesgcm128", "gzip", "", "aes128gcm, gzip", "AES128GCM"] {
            assert_eq!(encoding(&[("content-encoding", other)]), None, "{other:?}");
        }
    }

    #[test]
    fn aes128gcm_refuses_salt_and_dh_in_headers_but_not_the_senders_key() {
        let with = |name, value| encoding(&[("content-encoding", "aes128gcm"), (name, value)]);
        assert!(with("crypto-key", "p256ecdsa=BDzM").is_some());
        assert!(with("encryption", "rs=4096").is_some());
        assert!(with("crypto-key", "dh=BNoR").is_none());
        assert!(with("crypto-key", "p256ecdsa=BDzM, dh=BNoR").is_none());
        assert!(with("encryption", "salt=lngarbyKfMoi9Z75xYXmkg").is_none());
        assert!(with("encryption", "nonsense").is_none());
    }

    #[test]
    fn aesgcm_needs_a_salt_and_forwards_headers_without_quotes_and_padding() {
        let with = |encryption, crypto_key| {
            encoding(&[
                ("content-encoding", "aesgcm"),
                ("encryption", encryption),
                ("crypto-key", crypto_key),
            ])
        };
        let forwarded = with(
            "keyid=\"p256dh\";salt=\"lngarbyKfMoi9Z75xYXmkg==\"",
            "keyid=\"p256dh\"; dh=\"BNoRDb==\" , p256ecdsa=AAAA=",
        );
        assert_eq!(
            forwarded,
            Some(ContentEncoding::AesGcm {
                encryption: "keyid=p256dh;salt=lngarbyKfMoi9Z75xYXmkg".to_owned(),
                crypto_key: "keyid=p256dh; dh=BNoRDb , p256ecdsa=AAAA".to_owned(),
            })
        );
        assert!(with("salt=!!!", "dh=BNoR").is_none());
        assert!(with("salt=", "dh=BNoR").is_none());
        assert!(with("salt=AAAA", "p256ecdsa=BNoR").is_none());
        assert!(with("salt=AAAA;;", "dh=BNoR").is_none());
        assert!(with(&format!("salt=AAAA;x={}", "y".repeat(MAX_LEGACY_HEADER)), "dh=BNoR").is_none());
        let without_key = encoding(&[("content-encoding", "aesgcm"), ("encryption", "salt=AAAA")]);
        assert!(
            matches!(without_key, Some(ContentEncoding::AesGcm { crypto_key, .. }) if crypto_key.is_empty())
        );
        assert!(encoding(&[("content-encoding", "aesgcm"), ("crypto-key", "dh=BNoR")]).is_none());
    }
}
