//! What both encodings share: the keys of one message, and its records under them.

use ece::Result;
use ece::crypto::{Cryptographer as _, EcKeyComponents, LocalKeyPair};
use zeroize::Zeroizing;

use super::backend::RustCrypto;
use crate::subscription::{AuthSecret, PublicKey, SubscriptionKeys};

/// Bytes by which a sealed record is longer than its content.
pub(super) const TAG: usize = 16;

/// The user agent's key pair in the form `ece` takes. It always imports: `ece` panics where one does not.
pub(super) fn components(keys: &SubscriptionKeys) -> EcKeyComponents {
    EcKeyComponents::new(keys.private_bytes().to_vec(), keys.public().as_bytes().to_vec())
}

/// The input keying material two parties agree on: HKDF over the ECDH secret with the auth secret as salt.
pub(super) fn keying_material(
    local: &dyn LocalKeyPair,
    remote: &PublicKey,
    auth: &AuthSecret,
    info: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let remote = RustCrypto.import_public_key(remote.as_bytes())?;
    let secret = Zeroizing::new(RustCrypto.compute_ecdh_secret(&*remote, local)?);
    RustCrypto.hkdf_sha256(auth.as_bytes(), &secret, info, 32).map(Zeroizing::new)
}

/// Content encryption key and nonce of one message. RFC 8188 §2.2, §2.3.
pub(super) struct ContentKeys {
    pub(super) key: Zeroizing<Vec<u8>>,
    pub(super) nonce: Vec<u8>,
}

impl ContentKeys {
    pub(super) fn derive(salt: &[u8], ikm: &[u8], key_info: &[u8], nonce_info: &[u8]) -> Result<Self> {
        Ok(Self {
            key: Zeroizing::new(RustCrypto.hkdf_sha256(salt, ikm, key_info, 16)?),
            nonce: RustCrypto.hkdf_sha256(salt, ikm, nonce_info, 12)?,
        })
    }

    pub(super) fn seal(&self, sequence: u64, content: &[u8]) -> Result<Vec<u8>> {
        RustCrypto.aes_gcm_128_encrypt(&self.key, &self.nonce_of(sequence), content)
    }

    pub(super) fn open(&self, sequence: u64, record: &[u8]) -> Result<Vec<u8>> {
        RustCrypto.aes_gcm_128_decrypt(&self.key, &self.nonce_of(sequence), record)
    }

    fn nonce_of(&self, sequence: u64) -> Vec<u8> {
        let mut nonce = self.nonce.clone();
        for (byte, counter) in nonce.iter_mut().rev().zip(sequence.to_le_bytes()) {
            *byte ^= counter;
        }
        nonce
    }
}
