//! The service's own identifiers: who is connected, and the secrets that make endpoints and messages addressable.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use webpush::MessageVersion;
use webpush::id::InvalidId;

/// SHA-256 of a token or key.
pub(crate) type Hash = [u8; 32];

/// A user agent, in the form the service compares and stores. Written as 32 hex digits without hyphens, as autopush
/// does; read in every form of a UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Uaid(Uuid);

impl Uaid {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        random().map(|bytes| Self(uuid::Builder::from_random_bytes(bytes).into_uuid()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for Uaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

/// Redacted: whoever knows a uaid can take the user agent's place.
impl fmt::Debug for Uaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uaid(…)")
    }
}

impl FromStr for Uaid {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// The secret part of an endpoint URL: 32 random bytes, 43 characters of base64url. The store keeps its hash only.
pub(crate) struct EndpointToken([u8; 32]);

impl EndpointToken {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        random().map(Self)
    }

    /// What the store knows it by.
    pub(crate) fn hash(&self) -> Hash {
        hash(&self.0)
    }

    /// The text that ends the endpoint's URL.
    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// `None`: never issued by this service.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

/// A fresh message version: 16 random bytes, 22 characters of base64url.
pub(crate) fn random_version() -> Result<MessageVersion, NoVersion> {
    let bytes: [u8; 16] = random().map_err(|_| NoVersion)?;
    URL_SAFE_NO_PAD.encode(bytes).try_into().map_err(|_: InvalidId| NoVersion)
}

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random bytes")]
pub(crate) struct NoVersion;

/// Reads the message id at the end of a `Location`; `None`: not one of ours.
pub(crate) fn parse_version(text: &str) -> Option<MessageVersion> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() == 16).then(|| text.to_owned().try_into().ok()).flatten()
}

/// SHA-256.
pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uaid_is_read_in_every_form_and_written_in_one() {
        let uaid: Uaid = "731ECE68-4844-467A-A100-EF9E485E6E05".parse().unwrap();
        assert_eq!(uaid.to_string(), "731ece684844467aa100ef9e485e6e05");
        assert_eq!(uaid, uaid.to_string().parse().unwrap());
        for bad in ["", "garbage", "731ece684844467aa100ef9e485e6e0"] {
            assert!(bad.parse::<Uaid>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_43_characters_and_known_by_its_hash() {
        let token = EndpointToken::random().unwrap();
        assert_eq!(token.text().len(), 43);
        assert_eq!(EndpointToken::parse(&token.text()).unwrap().hash(), token.hash());
        assert_ne!(EndpointToken::random().unwrap().hash(), token.hash());
        for bad in ["", "abc", &"!".repeat(43), &"A".repeat(42), &"A".repeat(44)] {
            assert!(EndpointToken::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_version_is_recognised_as_ours() {
        let version = random_version().unwrap();
        assert_eq!(parse_version(version.as_str()), Some(version));
        for bad in ["", "x", "gAAA=", &"A".repeat(200)] {
            assert!(parse_version(bad).is_none(), "{bad:?}");
        }
    }
}
