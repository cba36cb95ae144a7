//! Voluntary application server identification: RFC 8292. Signing and checking; the time is an argument.

mod verify;

use std::fmt;

use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use rand_core::CryptoRng;
use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::base64url;
use crate::subscription::{ApplicationServerKey, PublicKey};

pub use verify::{Credentials, Sender, VapidError, check_expiry, verify};

/// An application server's signing key. Wiped when dropped, redacted in `Debug`.
#[derive(Clone)]
pub struct VapidKey(SecretKey);

/// Why a PEM file holds no usable key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a P-256 private key in PEM (PKCS#8 or SEC1)")]
pub struct InvalidKey;

impl VapidKey {
    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(SecretKey::generate_from_rng(rng))
    }

    /// Reads PKCS#8 (`PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`) PEM, not encrypted. What stands before the last PEM
    /// block is ignored: `openssl ecparam -genkey` writes the curve's parameters there.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidKey> {
        let block = pem.rfind("-----BEGIN ").and_then(|start| pem.get(start..)).ok_or(InvalidKey)?;
        SecretKey::from_pem(block.trim_end()).map(Self).map_err(|_| InvalidKey)
    }

    /// PKCS#8 PEM.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, InvalidKey> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| InvalidKey)
    }

    /// The key to restrict a subscription to.
    pub fn public(&self) -> ApplicationServerKey {
        ApplicationServerKey(PublicKey::from(&self.0.public_key()))
    }

    /// The value of `Authorization`: `vapid t=…, k=…`. `audience` is the endpoint's origin, `expires` seconds since the
    /// epoch (at most 24 h ahead), `subject` a `mailto:` or `https:` contact. RFC 8292 §2, §3.
    pub fn authorization(&self, audience: &str, expires: u64, subject: Option<&str>) -> String {
        let header = json!({ "typ": "JWT", "alg": verify::ALGORITHM });
        let mut claims = json!({ "aud": audience, "exp": expires });
        if let (Some(subject), Some(claims)) = (subject, claims.as_object_mut()) {
            claims.insert("sub".to_owned(), subject.into());
        }
        let signed =
            format!("{}.{}", base64url::encode(header.to_string()), base64url::encode(claims.to_string()));
        let signature: Signature = SigningKey::from(&self.0).sign(signed.as_bytes());
        format!("vapid t={signed}.{}, k={}", base64url::encode(signature.to_bytes()), self.public())
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VapidKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str =
        "BDzM_h01bGr8NjrvHghw8chYifNdrx0qMYlWvzRqMeY7T8KDvnp6-9oxiSsRFwVk5Gtwb1AGIdW4DqCPExxpWFY";
    const PKCS8: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgopzDjS2W1yIDzqzD
M454eZB8Loq8bssJFEj/KnQXflyhRANCAAQ8zP4dNWxq/DY67x4IcPHIWInzXa8d
KjGJVr80ajHmO0/Cg756evvaMYkrERcFZORrcG9QBiHVuA6gjxMcaVhW
-----END PRIVATE KEY-----
";
    const SEC1_WITH_PARAMETERS: &str = "\
-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIKKcw40tltciA86swzOOeHmQfC6KvG7LCRRI/yp0F35coAoGCCqGSM49
AwEHoUQDQgAEPMz+HTVsavw2Ou8eCHDxyFiJ812vHSoxiVa/NGox5jtPwoO+enr7
2jGJKxEXBWTka3BvUAYh1bgOoI8THGlYVg==
-----END EC PRIVATE KEY-----
";

    #[test]
    fn a_key_is_read_from_pkcs8_and_from_sec1_as_openssl_writes_them() {
        for pem in [PKCS8.to_owned(), SEC1_WITH_PARAMETERS.to_owned(), PKCS8.replace('\n', "\r\n")] {
            assert_eq!(VapidKey::from_pem(&pem).unwrap().public().to_string(), PUBLIC, "{pem}");
        }
    }

    #[test]
    fn a_key_survives_being_written_and_read() {
        let key = VapidKey::from_pem(SEC1_WITH_PARAMETERS).unwrap();
        assert_eq!(key.to_pem().unwrap().trim_end(), PKCS8.trim_end());
        let fresh = VapidKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
        assert_eq!(VapidKey::from_pem(&fresh.to_pem().unwrap()).unwrap().public(), fresh.public());
        assert_ne!(fresh.public(), key.public());
    }

    #[test]
    fn what_is_not_a_p256_key_is_refused() {
        let damaged = PKCS8.replace("MIGH", "MIGG");
        let public = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";
        for pem in
            ["", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", &damaged, public]
        {
            assert!(VapidKey::from_pem(pem).is_err(), "{pem}");
        }
        assert!(VapidKey::from_pem(ED25519).is_err());
    }

    const ED25519: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
";

    #[test]
    fn what_is_signed_is_accepted_with_and_without_a_contact() {
        let key = VapidKey::from_pem(PKCS8).unwrap();
        for subject in [None, Some("mailto:ops@example.net")] {
            let value = key.authorization("https://push.example.net", 1_900_000_000, subject);
            assert_eq!(verify(&value, None, "https://push.example.net", 1_899_990_000), Ok(key.public()));
            assert!(value.starts_with("vapid t=") && value.ends_with(&format!(", k={PUBLIC}")), "{value}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", VapidKey::from_pem(PKCS8).unwrap()), "VapidKey(…)");
    }
}
