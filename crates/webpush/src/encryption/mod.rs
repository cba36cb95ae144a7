//! Message encryption: aes128gcm (RFC 8188, RFC 8291) and the aesgcm draft before it.

mod aes128gcm;
mod aesgcm;
mod backend;
mod record;
#[cfg(test)]
mod vectors;

use thiserror::Error;

use crate::subscription::{RecipientKeys, SubscriptionKeys};
use crate::{ContentEncoding, EncryptedMessage};

/// The largest plaintext a push service must carry: a 4096-byte body less header, tag and delimiter. RFC 8291 §4.
pub const MAX_PLAINTEXT: usize = 3993;

/// Why a message could not be decrypted. Its text names the reason and nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecryptError {
    /// The body is not base64url, or shorter than its own header says.
    #[error("the message is malformed")]
    Malformed,
    /// The content encoding is neither aes128gcm nor aesgcm.
    #[error("the content encoding is not supported")]
    UnknownEncoding,
    /// aesgcm: `salt` or `dh` is missing, or a parameter cannot be read.
    #[error("the Encryption or Crypto-Key header is missing or malformed")]
    Header,
    /// The sender's key is not 65 bytes, or not on the curve.
    #[error("the sender's key is not a P-256 public key")]
    SenderKey,
    /// Records too short to carry a byte, or longer than the cipher allows.
    #[error("the record size is out of range")]
    RecordSize,
    /// A tag does not match: made for other keys, or altered. For aes128gcm also a sender key not on the curve.
    #[error("the message was not encrypted for this subscription, or was altered")]
    Authentication,
    /// The padding, or the delimiter before it, breaks the format.
    #[error("the padding is invalid")]
    Padding,
    /// The last record is not marked as the last: some may be missing.
    #[error("the message was cut off")]
    Truncated,
}

/// Why a message could not be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncryptError {
    /// More than [`MAX_PLAINTEXT`] bytes.
    #[error("the message is too long: {0} bytes, at most {MAX_PLAINTEXT}")]
    TooLong(usize),
    /// The operating system gave no random bytes for key and salt.
    #[error("no random bytes from the operating system")]
    Randomness,
    /// The endpoint cannot be written as the target of an HTTP request.
    #[error("the endpoint cannot be used as a request target")]
    Endpoint,
}

/// Decrypts a push with the keys of its subscription. Never panics, whatever the bytes.
pub fn decrypt(keys: &SubscriptionKeys, message: &EncryptedMessage) -> Result<Vec<u8>, DecryptError> {
    let body = || message.data.as_deref().ok_or(DecryptError::Malformed);
    match &message.encoding {
        ContentEncoding::Aes128Gcm => aes128gcm::decrypt(keys, body()?),
        ContentEncoding::AesGcm { encryption, crypto_key } => {
            aesgcm::decrypt(keys, encryption, crypto_key, body()?)
        }
        ContentEncoding::Unknown(_) => Err(DecryptError::UnknownEncoding),
    }
}

/// Encrypts `plaintext` as one aes128gcm record for a subscription; the whole body, header included. The plaintext is
/// padded to the next multiple of 128 bytes, as far as a body of 4096 bytes allows.
pub fn encrypt(recipient: &RecipientKeys, plaintext: &[u8]) -> Result<Vec<u8>, EncryptError> {
    if plaintext.len() > MAX_PLAINTEXT {
        return Err(EncryptError::TooLong(plaintext.len()));
    }
    aes128gcm::encrypt(recipient, plaintext).map_err(|_| EncryptError::Randomness)
}

fn refusal(error: ece::Error) -> DecryptError {
    use ece::Error;
    match error {
        Error::InvalidKeyLength => DecryptError::SenderKey,
        Error::InvalidRecordSize => DecryptError::RecordSize,
        Error::DecryptTruncated => DecryptError::Truncated,
        Error::DecryptPadding | Error::EncryptPadding => DecryptError::Padding,
        Error::CryptoError => DecryptError::Authentication,
        Error::InvalidAuthSecret
        | Error::InvalidSalt
        | Error::HeaderTooShort
        | Error::ZeroCiphertext
        | Error::ZeroPlaintext
        | Error::BlockTooShort
        | Error::PlaintextTooLong
        | Error::MultipleRecordsNotSupported
        | Error::DecodeError(_) => DecryptError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_says_why() {
        let keys = SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap();
        let refused = |encoding, data| decrypt(&keys, &EncryptedMessage { encoding, data }).unwrap_err();
        assert_eq!(refused(ContentEncoding::Aes128Gcm, None), DecryptError::Malformed);
        assert_eq!(refused(ContentEncoding::Aes128Gcm, Some(vec![])), DecryptError::Malformed);
        for encoding in [None, Some("aesgcm128".to_owned())] {
            let encoding = ContentEncoding::Unknown(encoding);
            assert_eq!(refused(encoding, Some(vec![0; 144])), DecryptError::UnknownEncoding);
        }
    }

    #[test]
    fn more_than_a_push_service_must_carry_is_not_encrypted() {
        let keys = SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap();
        let recipient = RecipientKeys { p256dh: *keys.public(), auth: keys.auth().clone() };
        assert!(encrypt(&recipient, &[0; MAX_PLAINTEXT]).is_ok());
        assert_eq!(encrypt(&recipient, &[0; MAX_PLAINTEXT + 1]), Err(EncryptError::TooLong(3994)));
    }
}
