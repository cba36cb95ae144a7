//! The published vectors, those of other implementations, and our own: `vectors.json`, whole.

use hkdf::Hkdf;
use p256::SecretKey;
use proptest::prelude::*;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use ece::crypto::{Cryptographer as _, EcKeyComponents, LocalKeyPair};

use super::backend::RustCrypto;
use super::record::{ContentKeys, keying_material};
use super::{MAX_PLAINTEXT, aes128gcm, aesgcm, decrypt};
use crate::base64url;
use crate::subscription::{AuthSecret, PublicKey, RecipientKeys, SubscriptionKeys};
use crate::{ContentEncoding, EncryptedMessage};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    derivations: Vec<Derivation>,
    rfc8188: Vec<Rfc8188>,
    aes128gcm: Vec<Message>,
    aesgcm: Vec<Message>,
    v3_sha256: String,
}

/// The keys of both sides and what follows from them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation {
    name: String,
    encoding: String,
    private: String,
    public: String,
    auth: String,
    sender_private: String,
    sender_public: String,
    salt: String,
    ecdh: String,
    prk_key: String,
    key_info: Option<String>,
    ikm: String,
    prk: String,
    cek: String,
    nonce: String,
}

/// RFC 8188 alone, without the key agreement of Web Push.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rfc8188 {
    rs: usize,
    ikm: String,
    prk: String,
    cek: String,
    nonce: String,
    plaintext: String,
    body: String,
}

/// A message as a user agent receives it, with either a plaintext or the error expected.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    name: String,
    private: String,
    public: String,
    auth: String,
    dh: Option<String>,
    salt: Option<String>,
    rs: Option<u64>,
    body: String,
    plaintext: Option<String>,
    error: Option<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    base64url::decode(text).unwrap()
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    base64url::encode(bytes)
}

impl Message {
    fn keys(&self) -> SubscriptionKeys {
        let keys = SubscriptionKeys::from_bytes(&bytes(&self.private), &bytes(&self.auth)).unwrap();
        assert_eq!(keys.public().to_string(), self.public, "{}", self.name);
        keys
    }

    fn encrypted(&self) -> EncryptedMessage {
        let encoding = match (&self.dh, &self.salt, &self.rs) {
            (Some(dh), Some(salt), Some(rs)) => ContentEncoding::AesGcm {
                encryption: format!("salt={salt};rs={rs}"),
                crypto_key: format!("dh={dh}"),
            },
            _ => ContentEncoding::Aes128Gcm,
        };
        EncryptedMessage { encoding, data: Some(bytes(&self.body)) }
    }

    fn check(&self) {
        let result = decrypt(&self.keys(), &self.encrypted());
        match (&self.plaintext, &self.error) {
            (Some(plaintext), None) => assert_eq!(result.unwrap(), plaintext.as_bytes(), "{}", self.name),
            (None, Some(error)) => assert_eq!(&format!("{:?}", result.unwrap_err()), error, "{}", self.name),
            _ => panic!("{}: either a plaintext or an error", self.name),
        }
    }
}

impl Derivation {
    fn keys(&self) -> SubscriptionKeys {
        let keys = SubscriptionKeys::from_bytes(&bytes(&self.private), &bytes(&self.auth)).unwrap();
        assert_eq!(keys.public().to_string(), self.public, "{}", self.name);
        keys
    }

    fn auth(&self) -> AuthSecret {
        AuthSecret::from_bytes(&bytes(&self.auth)).unwrap()
    }

    fn recipient(&self) -> RecipientKeys {
        RecipientKeys { p256dh: self.public.parse().unwrap(), auth: self.auth() }
    }

    fn sender_public(&self) -> PublicKey {
        self.sender_public.parse().unwrap()
    }

    fn sender(&self) -> Box<dyn LocalKeyPair> {
        let private = SecretKey::from_slice(&bytes(&self.sender_private)).unwrap();
        let public = PublicKey::from(&private.public_key());
        assert_eq!(public.to_string(), self.sender_public, "{}", self.name);
        let components = EcKeyComponents::new(&private.to_bytes()[..], &public.as_bytes()[..]);
        RustCrypto.import_key_pair(&components).unwrap()
    }

    fn salt(&self) -> [u8; 16] {
        bytes(&self.salt).try_into().unwrap()
    }

    fn single_record(&self, plaintext: &[u8], padding: usize) -> Vec<u8> {
        let padded = plaintext.len() + 1 + padding;
        aes128gcm::single_record(&*self.sender(), &self.recipient(), &self.salt(), plaintext, padded).unwrap()
    }
}

fn derivation(name: &str, encoding: &str) -> Derivation {
    let mut all = vectors().derivations.into_iter();
    all.find(|derivation| derivation.name == name && derivation.encoding == encoding).unwrap()
}

#[test]
fn every_aes128gcm_message_decrypts_or_fails_as_it_should() {
    let messages = vectors().aes128gcm;
    assert_eq!(messages.len(), 1 + 6 + 6 + 15);
    messages.iter().for_each(Message::check);
}

#[test]
fn every_aesgcm_message_decrypts_or_fails_as_it_should() {
    let messages = vectors().aesgcm;
    assert_eq!(messages.len(), 1 + 6 + 7);
    messages.iter().for_each(Message::check);
}

#[test]
fn every_step_of_the_key_derivation_agrees_on_both_sides() {
    let derivations = vectors().derivations;
    assert_eq!(derivations.len(), 4);
    for vector in derivations {
        let name = format!("{} {}", vector.name, vector.encoding);
        let sender = RustCrypto.import_public_key(&bytes(&vector.sender_public)).unwrap();
        let receiver = RustCrypto.import_public_key(&bytes(&vector.public)).unwrap();
        let own = RustCrypto.import_key_pair(&super::record::components(&vector.keys())).unwrap();
        for (remote, local) in [(&*sender, &*own), (&*receiver, &*vector.sender())] {
            assert_eq!(text(RustCrypto.compute_ecdh_secret(remote, local).unwrap()), vector.ecdh, "{name}");
        }
        let (prk_key, _) = Hkdf::<Sha256>::extract(Some(&bytes(&vector.auth)), &bytes(&vector.ecdh));
        assert_eq!(text(prk_key), vector.prk_key, "{name}");

        let info = match vector.encoding.as_str() {
            "aes128gcm" => aes128gcm::key_info(&vector.recipient().p256dh, &vector.sender_public()),
            _ => aesgcm::AUTH_INFO.to_vec(),
        };
        if let Some(expected) = &vector.key_info {
            assert_eq!(&text(&info), expected, "{name}");
        }
        let at_receiver = keying_material(&*own, &vector.sender_public(), &vector.auth(), &info).unwrap();
        let at_sender =
            keying_material(&*vector.sender(), &vector.recipient().p256dh, &vector.auth(), &info).unwrap();
        assert_eq!(
            (text(&*at_receiver), text(&*at_sender)),
            (vector.ikm.clone(), vector.ikm.clone()),
            "{name}"
        );
        let (prk, _) = Hkdf::<Sha256>::extract(Some(&vector.salt()), &bytes(&vector.ikm));
        assert_eq!(text(prk), vector.prk, "{name}");

        let keys = match vector.encoding.as_str() {
            "aes128gcm" => ContentKeys::derive(
                &vector.salt(),
                &bytes(&vector.ikm),
                aes128gcm::KEY_INFO,
                aes128gcm::NONCE_INFO,
            ),
            _ => aesgcm::content_keys(&vector.keys(), &vector.sender_public(), &vector.salt()),
        }
        .unwrap();
        assert_eq!((text(&*keys.key), text(&keys.nonce)), (vector.cek, vector.nonce), "{name}");
    }
}

/// `ece` decrypts Web Push only; these go through our derivation and our records.
#[test]
fn the_examples_of_rfc_8188_open_record_by_record() {
    let vectors = vectors().rfc8188;
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let body = bytes(&vector.body);
        let (salt, rest) = body.split_at(16);
        assert_eq!(rest[..4], u32::try_from(vector.rs).unwrap().to_be_bytes());
        let records = &rest[5 + usize::from(rest[4])..];

        let (prk, _) = Hkdf::<Sha256>::extract(Some(salt), &bytes(&vector.ikm));
        assert_eq!(text(prk), vector.prk);
        let keys = ContentKeys::derive(salt, &bytes(&vector.ikm), aes128gcm::KEY_INFO, aes128gcm::NONCE_INFO)
            .unwrap();
        assert_eq!((text(&*keys.key), text(&keys.nonce)), (vector.cek, vector.nonce));

        let last = records.chunks(vector.rs).count() - 1;
        let mut plaintext = Vec::new();
        for (i, record) in records.chunks(vector.rs).enumerate() {
            let mut content = keys.open(i as u64, record).unwrap();
            while content.last() == Some(&0) {
                content.pop();
            }
            assert_eq!(content.pop(), Some(if i == last { 2 } else { 1 }));
            plaintext.extend(content);
        }
        assert_eq!(plaintext, vector.plaintext.as_bytes());
    }
}

#[test]
fn the_example_of_rfc_8291_is_written_byte_for_byte() {
    let expected = &vectors().aes128gcm[0];
    let plaintext = expected.plaintext.clone().unwrap();
    assert_eq!(
        text(derivation("RFC 8291", "aes128gcm").single_record(plaintext.as_bytes(), 0)),
        expected.body
    );
}

#[test]
fn empty_and_padded_messages_are_written_byte_for_byte() {
    let own = derivation("own", "aes128gcm");
    for (name, padding) in [("V1", 0), ("V2", 46)] {
        let all = vectors().aes128gcm;
        let expected = all.iter().find(|vector| vector.name == name).unwrap();
        let plaintext = expected.plaintext.clone().unwrap();
        assert_eq!(text(own.single_record(plaintext.as_bytes(), padding)), expected.body, "{name}");
    }
}

#[test]
fn the_longest_message_fills_4096_bytes_exactly() {
    let own = derivation("own", "aes128gcm");
    let plaintext = [b'a'; MAX_PLAINTEXT];
    let body = own.single_record(&plaintext, 0);
    assert_eq!(body.len(), 4096);
    let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, vectors().v3_sha256);
    let message = EncryptedMessage { encoding: ContentEncoding::Aes128Gcm, data: Some(body) };
    assert_eq!(decrypt(&own.keys(), &message).unwrap(), plaintext);
}

#[test]
fn the_aesgcm_example_is_written_byte_for_byte() {
    let draft = derivation("draft", "aesgcm");
    let keys = aesgcm::content_keys(&draft.keys(), &draft.sender_public(), &draft.salt()).unwrap();
    let expected = &vectors().aesgcm[0];
    let content = format!("\0\0{}", expected.plaintext.as_deref().unwrap());
    assert_eq!(text(keys.seal(0, content.as_bytes()).unwrap()), expected.body);
}

proptest! {
    #[test]
    fn a_valid_message_with_any_bit_flipped_never_decrypts(
        pick: prop::sample::Index, at: prop::sample::Index, bit in 0u8..8,
    ) {
        let Vectors { aes128gcm, aesgcm, .. } = vectors();
        let valid: Vec<_> =
            aes128gcm.iter().chain(&aesgcm).filter(|vector| vector.plaintext.is_some()).collect();
        let vector = pick.get(&valid);
        let mut message = vector.encrypted();
        let body = message.data.as_mut().unwrap();
        let at = at.index(body.len());
        // The record size is not authenticated: a single record may name any that is long enough.
        prop_assume!(vector.dh.is_some() || !(16..20).contains(&at));
        body[at] ^= 1u8 << bit;
        prop_assert!(decrypt(&vector.keys(), &message).is_err(), "{} byte {}", vector.name, at);
    }

    #[test]
    fn no_alteration_of_a_message_panics_or_makes_another_plaintext(
        pick: prop::sample::Index, cut: prop::sample::Index, size: u32, tail: Vec<u8>,
    ) {
        let Vectors { aes128gcm, aesgcm, .. } = vectors();
        let all: Vec<_> = aes128gcm.iter().chain(&aesgcm).collect();
        let vector = pick.get(&all);
        let mut message = vector.encrypted();
        let body = message.data.as_mut().unwrap();
        if let (None, Some(field)) = (&vector.dh, body.get_mut(16..20)) {
            field.copy_from_slice(&size.to_be_bytes());
        }
        body.truncate(cut.index(body.len() + 1));
        body.extend(tail);
        if let Ok(plaintext) = decrypt(&vector.keys(), &message) {
            prop_assert_eq!(Some(plaintext), vector.plaintext.as_ref().map(|text| text.as_bytes().to_vec()));
        }
    }

    #[test]
    fn no_bytes_under_any_encoding_panic(
        data in prop::option::of(prop::collection::vec(any::<u8>(), 0..300)),
        encryption: String, crypto_key: String, which in 0..3,
    ) {
        let encoding = match which {
            0 => ContentEncoding::Aes128Gcm,
            1 => ContentEncoding::AesGcm { encryption, crypto_key },
            _ => ContentEncoding::Unknown(Some(encryption)),
        };
        let keys = SubscriptionKeys::from_bytes(&[1; 32], &[1; 16]).unwrap();
        let message = EncryptedMessage { encoding, data };
        prop_assert!(decrypt(&keys, &message).is_err());
    }
}
