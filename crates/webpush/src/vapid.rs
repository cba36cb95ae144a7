//! Voluntary application server identification: RFC 8292. Signing and checking; the time is an argument.

use rand_core::CryptoRng;
use thiserror::Error;

use crate::subscription::{ApplicationServerKey, PublicKey};

/// An application server's signing key. `Debug` is redacted.
#[derive(Clone)]
pub struct VapidKey(p256::SecretKey);

/// Why a PEM file holds no usable key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a P-256 private key in PEM (PKCS#8 or SEC1)")]
pub struct InvalidKey;

impl VapidKey {
    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(p256::SecretKey::random(rng))
    }

    /// Reads PKCS#8 or SEC1 PEM.
    pub fn from_pem(_pem: &str) -> Result<Self, InvalidKey> {
        Err(InvalidKey)
    }

    /// PKCS#8 PEM.
    pub fn to_pem(&self) -> Result<zeroize::Zeroizing<String>, InvalidKey> {
        Err(InvalidKey)
    }

    /// The key to restrict a subscription to.
    pub fn public(&self) -> ApplicationServerKey {
        ApplicationServerKey(PublicKey::from(&self.0.public_key()))
    }

    /// The value of `Authorization`: `vapid t=…, k=…`. `audience` is the endpoint's origin, `expires` seconds since the
    /// epoch (at most 24 h ahead), `subject` a `mailto:` or `https:` contact.
    pub fn authorization(&self, _audience: &str, _expires: u64, _subject: Option<&str>) -> String {
        String::new()
    }
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VapidKey(…)")
    }
}

/// Why the identification of a sender was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VapidError {
    /// `WebPush` or `Bearer` without a `Crypto-Key` header (autopush: 400, errno 110); everything else is 401, errno 109.
    #[error("Missing Crypto-Key header")]
    MissingCryptoKey,
    /// The scheme is none of `vapid`, `WebPush`, `Bearer`.
    #[error("Unknown auth scheme")]
    UnknownScheme,
}

/// Checks `Authorization` (with `Crypto-Key` for the draft forms) as autopush does: scheme, ES256, signature,
/// `aud` equal to `origin`, `exp` (seconds; 60 s late is accepted, more than 24 h ahead is not), `sub`.
/// Returns who signed. `now` is seconds since the epoch.
pub fn verify(
    _authorization: &str,
    _crypto_key: Option<&str>,
    _origin: &str,
    _now: u64,
) -> Result<ApplicationServerKey, VapidError> {
    Err(VapidError::UnknownScheme)
}
