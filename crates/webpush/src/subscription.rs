//! A push subscription: the endpoint and public keys a site is given, and the private half the user agent keeps.

use std::fmt;
use std::str::FromStr;

use p256::SecretKey;
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

use crate::base64url;

/// A part of a subscription that is malformed; names the part and the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidSubscription {
    /// Not an absolute `https:` or `http:` URL.
    #[error("endpoint must be an http or https URL")]
    Endpoint,
    /// Not a P-256 point in base64url.
    #[error("key must be a P-256 public key: 65 bytes, uncompressed, in base64url")]
    PublicKey,
    /// Not 16 bytes.
    #[error("auth must be 16 bytes in base64url")]
    AuthSecret,
    /// The private scalar is out of range.
    #[error("private key must be 32 bytes, a scalar of P-256")]
    PrivateKey,
}

/// The capability URL an application server posts to. Whoever knows it can send: never logged, `Debug` is redacted.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PushEndpoint(Url);

impl PushEndpoint {
    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The URL's text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// `scheme://host[:port]`, the audience of a VAPID token.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Debug for PushEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushEndpoint({}/…)", self.origin())
    }
}

impl FromStr for PushEndpoint {
    type Err = InvalidSubscription;

    fn from_str(text: &str) -> Result<Self, InvalidSubscription> {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Self(url)),
            _ => Err(InvalidSubscription::Endpoint),
        }
    }
}

impl TryFrom<String> for PushEndpoint {
    type Error = InvalidSubscription;

    fn try_from(text: String) -> Result<Self, InvalidSubscription> {
        text.parse()
    }
}

impl From<PushEndpoint> for String {
    fn from(endpoint: PushEndpoint) -> Self {
        endpoint.0.into()
    }
}

/// A P-256 public key on the curve, kept in its 65-byte uncompressed form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 65]);

impl PublicKey {
    /// From 65 bytes, `0x04 ‖ X ‖ Y`; the point is checked to lie on the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidSubscription> {
        let raw: [u8; 65] = bytes.try_into().map_err(|_| InvalidSubscription::PublicKey)?;
        match (raw.first(), p256::PublicKey::from_sec1_bytes(&raw)) {
            (Some(0x04), Ok(_)) => Ok(Self(raw)),
            _ => Err(InvalidSubscription::PublicKey),
        }
    }

    /// The 65 bytes.
    pub fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(…)")
    }
}

impl fmt::Display for PublicKey {
    /// Unpadded base64url, 87 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl From<&p256::PublicKey> for PublicKey {
    fn from(key: &p256::PublicKey) -> Self {
        let mut raw = [0; 65];
        for (to, from) in raw.iter_mut().zip(key.to_sec1_point(false).as_bytes()) {
            *to = *from;
        }
        Self(raw)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidSubscription;

    fn from_str(text: &str) -> Result<Self, InvalidSubscription> {
        Self::from_bytes(&base64url::decode(text.trim()).ok_or(InvalidSubscription::PublicKey)?)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = InvalidSubscription;

    fn try_from(text: String) -> Result<Self, InvalidSubscription> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// The application server's public key (VAPID). A subscription made with one accepts only that sender. RFC 8292 §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplicationServerKey(pub PublicKey);

impl fmt::Display for ApplicationServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ApplicationServerKey {
    type Err = InvalidSubscription;

    fn from_str(text: &str) -> Result<Self, InvalidSubscription> {
        text.parse().map(Self)
    }
}

/// The 16 secret bytes shared between user agent and application server. RFC 8291 §3.2.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthSecret(Zeroizing<[u8; 16]>);

impl AuthSecret {
    /// From exactly 16 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidSubscription> {
        let raw = bytes.try_into().map_err(|_| InvalidSubscription::AuthSecret)?;
        Ok(Self(Zeroizing::new(raw)))
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for AuthSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthSecret(…)")
    }
}

impl TryFrom<String> for AuthSecret {
    type Error = InvalidSubscription;

    fn try_from(text: String) -> Result<Self, InvalidSubscription> {
        Self::from_bytes(&base64url::decode(text.trim()).ok_or(InvalidSubscription::AuthSecret)?)
    }
}

impl From<AuthSecret> for String {
    fn from(secret: AuthSecret) -> Self {
        base64url::encode(*secret.0)
    }
}

/// What a site or script is given: `{"endpoint":…,"expirationTime":null,"keys":{"p256dh":…,"auth":…}}`, the JSON
/// form of W3C's `PushSubscription`. `Debug` is redacted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushSubscription {
    /// Where to post.
    pub endpoint: PushEndpoint,
    /// Milliseconds since the epoch, or never.
    #[serde(rename = "expirationTime", default)]
    pub expiration_time: Option<u64>,
    /// Whom to encrypt for.
    pub keys: RecipientKeys,
}

impl fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushSubscription({:?})", self.endpoint)
    }
}

/// The public half of a subscription's keys, plus the shared secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientKeys {
    /// The user agent's public key.
    pub p256dh: PublicKey,
    /// The shared authentication secret.
    pub auth: AuthSecret,
}

/// The keys of one subscription as the user agent keeps them: private, wiped when dropped, redacted in `Debug`.
#[derive(Clone)]
pub struct SubscriptionKeys {
    private: SecretKey,
    public: PublicKey,
    auth: AuthSecret,
}

impl SubscriptionKeys {
    /// Fresh keys.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let private = SecretKey::generate_from_rng(rng);
        let mut auth = Zeroizing::new([0; 16]);
        rng.fill_bytes(auth.as_mut());
        Self { public: PublicKey::from(&private.public_key()), private, auth: AuthSecret(auth) }
    }

    /// From a 32-byte private scalar and the 16-byte auth secret. The public key is derived, so the pair always
    /// matches (the `ece` crate panics on one that does not).
    pub fn from_bytes(private: &[u8], auth: &[u8]) -> Result<Self, InvalidSubscription> {
        if private.len() != 32 {
            return Err(InvalidSubscription::PrivateKey);
        }
        let private = SecretKey::from_slice(private).map_err(|_| InvalidSubscription::PrivateKey)?;
        let auth = AuthSecret::from_bytes(auth)?;
        Ok(Self { public: PublicKey::from(&private.public_key()), private, auth })
    }

    /// The 32-byte private scalar, for the keyring and nothing else.
    pub fn private_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.private.to_bytes().into())
    }

    /// The key that goes into the subscription as `p256dh`.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The shared secret.
    pub fn auth(&self) -> &AuthSecret {
        &self.auth
    }

    /// The subscription for this endpoint: what people copy.
    pub fn subscription(&self, endpoint: PushEndpoint) -> PushSubscription {
        let keys = RecipientKeys { p256dh: self.public, auth: self.auth.clone() };
        PushSubscription { endpoint, expiration_time: None, keys }
    }
}

impl fmt::Debug for SubscriptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubscriptionKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    const PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn keys() -> SubscriptionKeys {
        let (private, auth) = (base64url::decode(PRIVATE).unwrap(), base64url::decode(AUTH).unwrap());
        SubscriptionKeys::from_bytes(&private, &auth).unwrap()
    }

    #[test]
    fn the_public_key_follows_from_the_private_one() {
        assert_eq!(keys().public().to_string(), PUBLIC);
        assert_eq!(base64url::encode(*keys().private_bytes()), PRIVATE);
    }

    #[test]
    fn a_subscription_is_written_canonically_and_read_back() {
        let subscription = keys().subscription("https://push.example/wpush/v1/abc".parse().unwrap());
        let json = serde_json::to_string(&subscription).unwrap();
        assert_eq!(
            json,
            format!(
                r#"{{"endpoint":"https://push.example/wpush/v1/abc","expirationTime":null,"keys":{{"p256dh":"{PUBLIC}","auth":"{AUTH}"}}}}"#
            )
        );
        assert_eq!(serde_json::from_str::<PushSubscription>(&json).unwrap(), subscription);
    }

    #[test]
    fn malformed_parts_are_refused_each_with_its_rule() {
        assert_eq!("ftp://x/".parse::<PushEndpoint>(), Err(InvalidSubscription::Endpoint));
        assert_eq!("AAAA".parse::<PublicKey>(), Err(InvalidSubscription::PublicKey));
        let off_curve = base64url::encode([4; 65]);
        assert_eq!(off_curve.parse::<PublicKey>(), Err(InvalidSubscription::PublicKey));
        assert_eq!(AuthSecret::from_bytes(&[0; 15]), Err(InvalidSubscription::AuthSecret));
        assert!(SubscriptionKeys::from_bytes(&[0; 32], &[0; 16]).is_err());
        assert!(SubscriptionKeys::from_bytes(&[1; 24], &[0; 16]).is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let subscription = keys().subscription("https://push.example/wpush/v1/secret".parse().unwrap());
        let shown = format!("{:?} {subscription:?} {:?}", keys(), subscription.keys);
        for secret in [PRIVATE, AUTH, "secret", PUBLIC] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
