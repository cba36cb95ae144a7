//! Bytes under a passphrase: argon2id and AES-256-GCM, which is in the tree already.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

/// Argon2id, as RFC 9106 §4 recommends where memory is scarce; written beside what is sealed, so that it can be raised.
const COST: Cost = Cost { memory_kib: if cfg!(test) { 64 } else { 64 << 10 }, passes: 3, lanes: 1 };

/// What is sealed, with all that it takes to open it but the passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sealed {
    v: u32,
    #[serde(flatten)]
    cost: Cost,
    salt: String,
    nonce: String,
    sealed: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// What a passphrase makes: seals any number of times.
pub(crate) struct SealKey {
    cost: Cost,
    salt: [u8; 16],
    key: Zeroizing<[u8; 32]>,
}

/// Why something could not be sealed or opened.
#[derive(Debug, Error)]
pub(crate) enum SealError {
    /// It is not what we once wrote.
    #[error("it is damaged")]
    Damaged,
    /// A later version of this wrote it.
    #[error("it was written by a newer version of Belfry")]
    Newer,
    /// The two cannot be told apart.
    #[error("the passphrase is wrong, or the file is damaged")]
    Passphrase,
    /// There is no randomness.
    #[error("{0}")]
    Random(getrandom::Error),
}

impl SealKey {
    /// Takes a while, and memory, on purpose.
    pub(crate) fn new(passphrase: &str) -> Result<Self, SealError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(SealError::Random)?;
        Ok(Self { cost: COST, salt, key: derive(passphrase, &salt, COST)? })
    }

    /// What is sealed, and the key for sealing it again. `purpose` is what it was sealed for: of another purpose it does not
    /// open.
    pub(crate) fn open(
        sealed: &Sealed,
        purpose: &str,
        passphrase: &str,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), SealError> {
        let Sealed { v, cost, salt, nonce, sealed } = sealed;
        if *v != 1 {
            return Err(SealError::Newer);
        }
        let salt = decode::<16>(salt)?;
        let nonce = decode::<12>(nonce)?;
        let sealed = STANDARD.decode(sealed).map_err(|_| SealError::Damaged)?;
        let key = derive(passphrase, &salt, *cost)?;
        let payload = Payload { msg: &sealed, aad: &associated(purpose, *cost) };
        let plain = cipher(&key)?.decrypt(&nonce.into(), payload).map_err(|_| SealError::Passphrase)?;
        Ok((Self { cost: *cost, salt, key }, Zeroizing::new(plain)))
    }

    /// Seals.
    pub(crate) fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Sealed, SealError> {
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(SealError::Random)?;
        let payload = Payload { msg: plain, aad: &associated(purpose, self.cost) };
        let sealed = cipher(&self.key)?.encrypt(&nonce.into(), payload).map_err(|_| SealError::Damaged)?;
        Ok(Sealed {
            v: 1,
            cost: self.cost,
            salt: STANDARD.encode(self.salt),
            nonce: STANDARD.encode(nonce),
            sealed: STANDARD.encode(sealed),
        })
    }
}

fn derive(passphrase: &str, salt: &[u8], cost: Cost) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let parameters =
        Params::new(cost.memory_kib.min(1 << 20), cost.passes.min(64), cost.lanes.min(64), Some(32));
    let argon2 =
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters.map_err(|_| SealError::Damaged)?);
    let mut key = Zeroizing::new([0; 32]);
    argon2.hash_password_into(passphrase.as_bytes(), salt, key.as_mut()).map_err(|_| SealError::Damaged)?;
    Ok(key)
}

fn cipher(key: &Zeroizing<[u8; 32]>) -> Result<Aes256Gcm, SealError> {
    Aes256Gcm::new_from_slice(key.as_ref()).map_err(|_| SealError::Damaged)
}

/// Sealed together with the content, so that neither is exchanged alone.
fn associated(purpose: &str, cost: Cost) -> Vec<u8> {
    format!("belfry {purpose} 1 {} {} {}", cost.memory_kib, cost.passes, cost.lanes).into_bytes()
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], SealError> {
    let bytes = STANDARD.decode(text).map_err(|_| SealError::Damaged)?;
    bytes.try_into().map_err(|_| SealError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_with_its_passphrase_for_its_purpose_only() {
        let sealed = SealKey::new("correct horse").unwrap().seal("sites", b"nightingales").unwrap();
        let open = |purpose, passphrase| SealKey::open(&sealed, purpose, passphrase).map(|(_, plain)| plain);
        assert_eq!(open("sites", "correct horse").unwrap().as_slice(), b"nightingales");
        assert!(matches!(open("sites", "battery staple"), Err(SealError::Passphrase)));
        assert!(matches!(open("keyring", "correct horse"), Err(SealError::Passphrase)));
        let newer = Sealed { v: 2, ..sealed };
        assert!(matches!(SealKey::open(&newer, "sites", "correct horse"), Err(SealError::Newer)));
    }
}
