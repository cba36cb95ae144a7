//! The cryptographic primitives, from the RustCrypto crates: what `ece` calls, and what our own record code calls.

use std::any::Any;
use std::sync::Once;

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes128Gcm, KeyInit as _};
use ece::crypto::{Cryptographer, EcKeyComponents, LocalKeyPair, RemotePublicKey};
use ece::{Error, Result};
use getrandom::SysRng;
use hkdf::Hkdf;
use p256::SecretKey;
use p256::elliptic_curve::Generate as _;
use rand_core::TryRng as _;
use sha2::Sha256;

use crate::subscription::PublicKey;

/// Hands [`RustCrypto`] to `ece`, which panics when used without and takes it once per process.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = ece::crypto::set_cryptographer(&RustCrypto);
    });
}

/// The back end; it has no state.
pub(super) struct RustCrypto;

/// A private key with its public bytes, so that they are not derived again at every use.
struct KeyPair {
    private: SecretKey,
    public: PublicKey,
}

struct PeerKey {
    point: p256::PublicKey,
    raw: PublicKey,
}

impl Cryptographer for RustCrypto {
    fn generate_ephemeral_keypair(&self) -> Result<Box<dyn LocalKeyPair>> {
        let private = SecretKey::try_generate_from_rng(&mut SysRng).map_err(fault)?;
        let public = PublicKey::from(&private.public_key());
        Ok(Box::new(KeyPair { private, public }))
    }

    /// The caller vouches that the halves match (deriving one from the other is most of what a decryption would cost);
    /// with a pair that does not, nothing decrypts.
    fn import_key_pair(&self, components: &EcKeyComponents) -> Result<Box<dyn LocalKeyPair>> {
        let private = SecretKey::from_slice(components.private_key()).map_err(fault)?;
        let public = PublicKey::from_bytes(components.public_key()).map_err(fault)?;
        Ok(Box::new(KeyPair { private, public }))
    }

    fn import_public_key(&self, raw: &[u8]) -> Result<Box<dyn RemotePublicKey>> {
        let raw = PublicKey::from_bytes(raw).map_err(fault)?;
        let point = p256::PublicKey::from_sec1_bytes(raw.as_bytes()).map_err(fault)?;
        Ok(Box::new(PeerKey { point, raw }))
    }

    fn compute_ecdh_secret(&self, remote: &dyn RemotePublicKey, local: &dyn LocalKeyPair) -> Result<Vec<u8>> {
        let remote = remote.as_any().downcast_ref::<PeerKey>().ok_or(Error::CryptoError)?;
        let local = local.as_any().downcast_ref::<KeyPair>().ok_or(Error::CryptoError)?;
        Ok(local.private.diffie_hellman(&remote.point).raw_secret_bytes().to_vec())
    }

    fn hkdf_sha256(&self, salt: &[u8], secret: &[u8], info: &[u8], len: usize) -> Result<Vec<u8>> {
        let mut output = vec![0; len];
        Hkdf::<Sha256>::new(Some(salt), secret).expand(info, &mut output).map_err(fault)?;
        Ok(output)
    }

    fn aes_gcm_128_encrypt(&self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        let cipher = Aes128Gcm::new_from_slice(key).map_err(fault)?;
        cipher.encrypt(iv.try_into().map_err(fault)?, data).map_err(fault)
    }

    fn aes_gcm_128_decrypt(&self, key: &[u8], iv: &[u8], ciphertext_and_tag: &[u8]) -> Result<Vec<u8>> {
        let cipher = Aes128Gcm::new_from_slice(key).map_err(fault)?;
        cipher.decrypt(iv.try_into().map_err(fault)?, ciphertext_and_tag).map_err(fault)
    }

    fn random_bytes(&self, dest: &mut [u8]) -> Result<()> {
        SysRng.try_fill_bytes(dest).map_err(fault)
    }
}

impl LocalKeyPair for KeyPair {
    fn pub_as_raw(&self) -> Result<Vec<u8>> {
        Ok(self.public.as_bytes().to_vec())
    }

    fn raw_components(&self) -> Result<EcKeyComponents> {
        Ok(EcKeyComponents::new(self.private.to_bytes().to_vec(), self.public.as_bytes().to_vec()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl RemotePublicKey for PeerKey {
    fn as_raw(&self) -> Result<Vec<u8>> {
        Ok(self.raw.as_bytes().to_vec())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `ece` knows one failure of a back end; which it was must not be told to a sender anyway.
fn fault<E>(_: E) -> Error {
    Error::CryptoError
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_end_passes_the_suite_of_ece() {
        install();
        ece::crypto::test_cryptographer(RustCrypto);
    }

    #[test]
    fn a_generated_pair_is_random_whole_and_agrees_with_its_peer() {
        let (a, b) = (
            RustCrypto.generate_ephemeral_keypair().unwrap(),
            RustCrypto.generate_ephemeral_keypair().unwrap(),
        );
        assert_ne!(a.pub_as_raw().unwrap(), b.pub_as_raw().unwrap());
        let peer =
            |pair: &dyn LocalKeyPair| RustCrypto.import_public_key(&pair.pub_as_raw().unwrap()).unwrap();
        assert_eq!(
            RustCrypto.compute_ecdh_secret(&*peer(&*a), &*b).unwrap(),
            RustCrypto.compute_ecdh_secret(&*peer(&*b), &*a).unwrap()
        );
        let again = RustCrypto.import_key_pair(&a.raw_components().unwrap()).unwrap();
        assert_eq!(again.raw_components().unwrap(), a.raw_components().unwrap());
        assert_eq!(peer(&*a).as_raw().unwrap(), a.pub_as_raw().unwrap());
    }

    #[test]
    fn wrong_lengths_and_points_are_errors() {
        let valid = RustCrypto.generate_ephemeral_keypair().unwrap().pub_as_raw().unwrap();
        let compressed = [&[2], valid.get(1..33).unwrap()].concat();
        for raw in [&[][..], &[4; 65], &compressed] {
            assert!(RustCrypto.import_public_key(raw).is_err());
        }
        for private in [&[][..], &[0; 32], &[0xff; 32]] {
            assert!(RustCrypto.import_key_pair(&EcKeyComponents::new(private, &valid)).is_err());
        }
        assert!(RustCrypto.aes_gcm_128_encrypt(&[0; 15], &[0; 12], b"x").is_err());
        assert!(RustCrypto.aes_gcm_128_encrypt(&[0; 16], &[0; 11], b"x").is_err());
        assert!(RustCrypto.aes_gcm_128_decrypt(&[0; 16], &[0; 12], b"short").is_err());
        assert!(RustCrypto.hkdf_sha256(b"", b"", b"", 255 * 32 + 1).is_err());
    }
}
