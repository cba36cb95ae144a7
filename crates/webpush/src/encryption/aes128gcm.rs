//! aes128gcm: read by `ece`, and written by it wherever it writes a single record.

use std::borrow::Cow;

use ece::crypto::{Cryptographer as _, LocalKeyPair};

use super::backend::{self, RustCrypto};
use super::record::{ContentKeys, TAG, components, keying_material};
use super::{DecryptError, refusal};
use crate::subscription::{PublicKey, RecipientKeys, SubscriptionKeys};

pub(super) const KEY_INFO: &[u8] = b"Content-Encoding: aes128gcm\0";
pub(super) const NONCE_INFO: &[u8] = b"Content-Encoding: nonce\0";

/// The record size written, tag and delimiter included.
const RECORD_SIZE: u32 = 4096;

/// Where a body names its record size.
const RECORD_SIZE_FIELD: std::ops::Range<usize> = 16..20;

/// Up to here padding to a multiple of 128 leaves the content within one record. Beyond, `ece` writes two, which
/// RFC 8291 §4 forbids; an empty plaintext it refuses.
const LONGEST_OF_ECE: usize = 3967;

/// What a record of a 4096-byte body can hold: data, delimiter and padding.
const MAX_CONTENT: usize = super::MAX_PLAINTEXT + 1;

pub(super) fn decrypt(keys: &SubscriptionKeys, body: &[u8]) -> Result<Vec<u8>, DecryptError> {
    backend::install();
    let body = with_bounded_record_size(body);
    ece::decrypt(&components(keys), keys.auth().as_bytes(), &body).map_err(refusal)
}

pub(super) fn encrypt(recipient: &RecipientKeys, plaintext: &[u8]) -> ece::Result<Vec<u8>> {
    backend::install();
    if (1..=LONGEST_OF_ECE).contains(&plaintext.len()) {
        return ece::encrypt(recipient.p256dh.as_bytes(), recipient.auth.as_bytes(), plaintext);
    }
    let sender = RustCrypto.generate_ephemeral_keypair()?;
    let mut salt = [0; 16];
    RustCrypto.random_bytes(&mut salt)?;
    let padded = (plaintext.len() / 128 + 1) * 128;
    single_record(&*sender, recipient, &salt, plaintext, padded.min(MAX_CONTENT))
}

/// A body of one record whose content (data, delimiter, padding) is `padded` bytes long.
pub(super) fn single_record(
    sender: &dyn LocalKeyPair,
    recipient: &RecipientKeys,
    salt: &[u8; 16],
    plaintext: &[u8],
    padded: usize,
) -> ece::Result<Vec<u8>> {
    let public = PublicKey::from_bytes(&sender.pub_as_raw()?).map_err(|_| ece::Error::InvalidKeyLength)?;
    let info = key_info(&recipient.p256dh, &public);
    let ikm = keying_material(sender, &recipient.p256dh, &recipient.auth, &info)?;
    let keys = ContentKeys::derive(salt, &ikm, KEY_INFO, NONCE_INFO)?;

    let mut content = [plaintext, &[2]].concat();
    content.resize(padded.max(content.len()), 0);

    let mut body = Vec::with_capacity(16 + 4 + 1 + 65 + content.len() + TAG);
    body.extend_from_slice(salt);
    body.extend_from_slice(&RECORD_SIZE.to_be_bytes());
    body.push(65);
    body.extend_from_slice(public.as_bytes());
    body.extend(keys.seal(0, &content)?);
    Ok(body)
}

/// RFC 8291 §3.4: the user agent's key first, on both sides.
pub(super) fn key_info(user_agent: &PublicKey, application_server: &PublicKey) -> Vec<u8> {
    [b"WebPush: info\0", &user_agent.as_bytes()[..], application_server.as_bytes()].concat()
}

/// `ece` allocates what the header asks for and refuses more than 1,000,000, but RFC 8188 allows any size and a single
/// record is as long as the body lets it be: no record is longer than the body, so naming the body's length instead
/// splits the records the same way.
fn with_bounded_record_size(body: &[u8]) -> Cow<'_, [u8]> {
    let Some(named) = body.get(RECORD_SIZE_FIELD).and_then(|field| <[u8; 4]>::try_from(field).ok()) else {
        return Cow::Borrowed(body);
    };
    match u32::try_from(body.len()) {
        Ok(longest) if u32::from_be_bytes(named) > longest => {
            let mut bounded = body.to_vec();
            if let Some(field) = bounded.get_mut(RECORD_SIZE_FIELD) {
                field.copy_from_slice(&longest.to_be_bytes());
            }
            Cow::Owned(bounded)
        }
        _ => Cow::Borrowed(body),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base64url;
    use crate::encryption::MAX_PLAINTEXT;

    fn keys() -> SubscriptionKeys {
        SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap()
    }

    fn recipient() -> RecipientKeys {
        RecipientKeys { p256dh: *keys().public(), auth: keys().auth().clone() }
    }

    fn naming_record_size(body: &[u8], size: u32) -> Vec<u8> {
        let mut body = body.to_vec();
        body[RECORD_SIZE_FIELD].copy_from_slice(&size.to_be_bytes());
        body
    }

    #[test]
    fn every_length_fits_one_record_of_at_most_4096_bytes() {
        for length in [0, 1, 126, 127, 128, 3966, 3967, 3968, 3992, MAX_PLAINTEXT] {
            let plaintext = vec![b'a'; length];
            let body = encrypt(&recipient(), &plaintext).unwrap();
            let expected = ((length / 128 + 1) * 128).min(3994);
            assert_eq!(body.len(), 86 + expected + 16, "{length}");
            assert!(body.len() <= 4096, "{length}");
            assert_eq!(decrypt(&keys(), &body).unwrap(), plaintext, "{length}");
        }
    }

    #[test]
    fn two_encryptions_of_the_same_words_share_neither_salt_nor_key() {
        for plaintext in [&b""[..], b"x"] {
            let bodies = [(); 2].map(|()| encrypt(&recipient(), plaintext).unwrap());
            assert_ne!(bodies[0][..16], bodies[1][..16]);
            assert_ne!(bodies[0][21..86], bodies[1][21..86]);
        }
    }

    #[test]
    fn a_record_size_beyond_the_body_is_read_without_allocating_it() {
        let body = encrypt(&recipient(), b"hello").unwrap();
        let length = u32::try_from(body.len()).unwrap();
        for size in [length - 86, length - 1, length, length + 1, 1_000_001, u32::MAX] {
            let body = naming_record_size(&body, size);
            let bounded = with_bounded_record_size(&body);
            assert_eq!(bounded[RECORD_SIZE_FIELD], size.min(length).to_be_bytes());
            assert_eq!(decrypt(&keys(), &body).unwrap(), b"hello", "{size}");
        }
    }

    #[test]
    fn a_record_size_that_cuts_the_record_or_leaves_no_room_is_refused() {
        let body = encrypt(&recipient(), b"hello").unwrap();
        let length = u32::try_from(body.len()).unwrap();
        for size in [18, 100, length - 87] {
            assert_eq!(decrypt(&keys(), &naming_record_size(&body, size)), Err(DecryptError::Authentication));
        }
        for size in [0, 1, 16, 17] {
            assert_eq!(decrypt(&keys(), &naming_record_size(&body, size)), Err(DecryptError::RecordSize));
        }
    }

    #[test]
    fn a_sender_key_at_infinity_or_off_the_curve_is_refused() {
        let body = encrypt(&recipient(), b"hello").unwrap();
        for key in [[0; 65], [4; 65]] {
            let mut body = body.clone();
            body[21..86].copy_from_slice(&key);
            assert_eq!(decrypt(&keys(), &body), Err(DecryptError::Authentication));
        }
        let short = base64url::decode("DGv6ra1nlYgDCS1FRnbzlwAAEABBBA").unwrap();
        assert_eq!(decrypt(&keys(), &short), Err(DecryptError::Malformed));
    }

    proptest! {
        #[test]
        fn what_is_encrypted_is_decrypted(
            plaintext in prop::collection::vec(any::<u8>(), 0..=MAX_PLAINTEXT),
            private in prop::array::uniform32(1u8..),
            auth: [u8; 16],
        ) {
            let keys = SubscriptionKeys::from_bytes(&private, &auth);
            prop_assume!(keys.is_ok());
            let keys = keys.unwrap();
            let recipient = RecipientKeys { p256dh: *keys.public(), auth: keys.auth().clone() };
            let body = encrypt(&recipient, &plaintext).unwrap();
            prop_assert!(body.len() <= 4096);
            prop_assert_eq!(decrypt(&keys, &body).unwrap(), plaintext);
        }
    }
}
