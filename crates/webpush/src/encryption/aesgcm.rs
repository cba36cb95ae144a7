//! aesgcm, draft-ietf-webpush-encryption-04: old senders still write it. The parameters come in headers. `ece` reads
//! a single record only and takes a cut-off message for a whole one, so the records are read here.

use ece::crypto::Cryptographer as _;

use super::backend::RustCrypto;
use super::record::{ContentKeys, TAG, components, keying_material};
use super::{DecryptError, refusal};
use crate::base64url;
use crate::subscription::{PublicKey, SubscriptionKeys};

pub(super) const AUTH_INFO: &[u8] = b"Content-Encoding: auth\0";

/// The record size, tag not included, when the sender names none.
const DEFAULT_RECORD_SIZE: u64 = 4096;

/// Two bytes of padding length and one of data.
const MIN_RECORD_SIZE: u64 = 3;

/// What AES-GCM can seal at once, less the tag.
const MAX_RECORD_SIZE: u64 = 68_719_476_705;

pub(super) fn decrypt(
    keys: &SubscriptionKeys,
    encryption: &str,
    crypto_key: &str,
    body: &[u8],
) -> Result<Vec<u8>, DecryptError> {
    let parameters = Parameters::read(encryption, crypto_key)?;
    let salt = base64url::decode(parameters.salt).filter(|salt| salt.len() == 16);
    let salt = salt.ok_or(DecryptError::Header)?;
    let sender: PublicKey = parameters.dh.parse().map_err(|_| DecryptError::SenderKey)?;
    let content_keys = content_keys(keys, &sender, &salt).map_err(refusal)?;
    open_records(&content_keys, parameters.record_size, body)
}

pub(super) fn content_keys(
    keys: &SubscriptionKeys,
    sender: &PublicKey,
    salt: &[u8],
) -> ece::Result<ContentKeys> {
    let own = RustCrypto.import_key_pair(&components(keys))?;
    let ikm = keying_material(&*own, sender, keys.auth(), AUTH_INFO)?;
    let length = 65u16.to_be_bytes();
    let context = [b"P-256\0", &length[..], keys.public().as_bytes(), &length, sender.as_bytes()].concat();
    let key_info = [b"Content-Encoding: aesgcm\0", &context[..]].concat();
    let nonce_info = [b"Content-Encoding: nonce\0", &context[..]].concat();
    ContentKeys::derive(salt, &ikm, &key_info, &nonce_info)
}

/// Every record is `record_size` and a tag long but the last, which is shorter: that is how it is known.
fn open_records(keys: &ContentKeys, record_size: u64, body: &[u8]) -> Result<Vec<u8>, DecryptError> {
    let beyond_body = body.len().saturating_add(1);
    let sealed = usize::try_from(record_size).map_or(beyond_body, |size| size.saturating_add(TAG));
    let sealed = sealed.min(beyond_body);
    if body.len().is_multiple_of(sealed) {
        return Err(DecryptError::Truncated);
    }
    let mut plaintext = Vec::with_capacity(body.len());
    for (record, sequence) in body.chunks(sealed).zip(0..) {
        let content = keys.open(sequence, record).map_err(refusal)?;
        plaintext.extend_from_slice(without_padding(&content)?);
    }
    Ok(plaintext)
}

fn without_padding(content: &[u8]) -> Result<&[u8], DecryptError> {
    let (length, rest) = content.split_first_chunk().ok_or(DecryptError::Padding)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (padding, data) = rest.split_at_checked(length).ok_or(DecryptError::Padding)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(DecryptError::Padding);
    }
    Ok(data)
}

/// What the headers `Encryption` and `Crypto-Key` say.
#[derive(Debug, PartialEq)]
struct Parameters<'a> {
    dh: &'a str,
    salt: &'a str,
    record_size: u64,
}

impl<'a> Parameters<'a> {
    /// Sections are separated by `,` and parameters by `;`, but senders take one for the other, so that only decides
    /// where `Crypto-Key` holds several `dh`: then the section of the same `keyid` as `Encryption`'s counts.
    fn read(encryption: &'a str, crypto_key: &'a str) -> Result<Self, DecryptError> {
        let salt = parameter(encryption, "salt").ok_or(DecryptError::Header)?;
        let record_size = match parameter(encryption, "rs") {
            Some(text) => text.parse().map_err(|_| DecryptError::Header)?,
            None => DEFAULT_RECORD_SIZE,
        };
        if !(MIN_RECORD_SIZE..=MAX_RECORD_SIZE).contains(&record_size) {
            return Err(DecryptError::RecordSize);
        }
        let keyid = parameter(encryption, "keyid");
        let dh = crypto_key
            .split(',')
            .filter(|section| parameter(section, "keyid") == keyid)
            .find_map(|section| parameter(section, "dh"))
            .or_else(|| parameter(crypto_key, "dh"))
            .ok_or(DecryptError::Header)?;
        Ok(Self { dh, salt, record_size })
    }
}

/// The first value of this name, without the optional quotes.
fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header
        .split([',', ';'])
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(found, _)| found.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> SubscriptionKeys {
        SubscriptionKeys::from_bytes(&[7; 32], &[9; 16]).unwrap()
    }

    fn some_content_keys() -> ContentKeys {
        ContentKeys::derive(&[1; 16], &[2; 32], b"key", b"nonce").unwrap()
    }

    /// As the draft has it: full records, then one that is shorter.
    fn seal_records(keys: &ContentKeys, record_size: usize, padding: u16, plaintext: &[u8]) -> Vec<u8> {
        let share = record_size - 2 - usize::from(padding);
        let mut records: Vec<&[u8]> = plaintext.chunks(share).collect();
        if records.last().is_none_or(|last| last.len() == share) {
            records.push(&[]);
        }
        let seal = |(data, sequence): (&&[u8], u64)| {
            let content = [&padding.to_be_bytes()[..], &vec![0; usize::from(padding)], data].concat();
            keys.seal(sequence, &content).unwrap()
        };
        records.iter().zip(0..).flat_map(seal).collect()
    }

    fn read<'a>(encryption: &'a str, crypto_key: &'a str) -> Result<Parameters<'a>, DecryptError> {
        Parameters::read(encryption, crypto_key)
    }

    #[test]
    fn parameters_are_found_however_senders_separate_and_quote_them() {
        let expected = Ok(Parameters { dh: "AAA", salt: "CCC", record_size: 4096 });
        for (encryption, crypto_key) in [
            ("keyid=p256dh;salt=CCC", "keyid=p256dh;dh=AAA,p256ecdsa=BBB"),
            ("keyid=p256dh;salt=CCC", "keyid=p256dh;dh=AAA;p256ecdsa=BBB"),
            ("keyid=p256dh;salt=CCC", "p256ecdsa=BBB,keyid=p256dh;dh=AAA"),
            ("keyid=\"p256dh\";salt=\"CCC\";rs=4096", "keyid=\"p256dh\";dh=\"AAA\""),
            ("salt=CCC", "dh=AAA"),
            ("salt=CCC", "dh=\"AAA\""),
            (" Salt = CCC ", " DH = AAA , p256ecdsa=BBB"),
            ("keyid=p256dh,salt=CCC", "keyid=p256dh,dh=AAA"),
            ("salt=CCC", "p256ecdsa=BBB;dh=AAA"),
            ("keyid=a;salt=CCC", "keyid=b;dh=DDD,keyid=a;dh=AAA"),
            ("keyid=a;salt=CCC", "keyid=b;dh=AAA"),
            ("salt=CCC", "keyid=b;dh=DDD,dh=AAA"),
        ] {
            assert_eq!(read(encryption, crypto_key), expected, "{encryption} / {crypto_key}");
        }
        assert_eq!(read("salt=CCC; rs=24", "dh=AAA").unwrap().record_size, 24);
        assert_eq!(read("salt=CCC==;rs=\"24\"", "dh=AAA=").unwrap().salt, "CCC==");
    }

    #[test]
    fn what_is_missing_or_out_of_range_is_refused() {
        for (encryption, crypto_key, error) in [
            ("", "dh=AAA", DecryptError::Header),
            ("rs=24", "dh=AAA", DecryptError::Header),
            ("salt=CCC", "", DecryptError::Header),
            ("salt=CCC", "p256ecdsa=BBB", DecryptError::Header),
            ("salt=CCC;rs=bad", "dh=AAA", DecryptError::Header),
            ("salt=CCC;rs=", "dh=AAA", DecryptError::Header),
            ("salt=CCC;rs=-1", "dh=AAA", DecryptError::Header),
            ("salt=CCC;rs=99999999999999999999", "dh=AAA", DecryptError::Header),
            ("salt=CCC;rs=0", "dh=AAA", DecryptError::RecordSize),
            ("salt=CCC;rs=2", "dh=AAA", DecryptError::RecordSize),
            ("salt=CCC;rs=68719476736", "dh=AAA", DecryptError::RecordSize),
        ] {
            assert_eq!(read(encryption, crypto_key), Err(error), "{encryption} / {crypto_key}");
        }
        assert!(read("salt=CCC;rs=3", "dh=AAA").is_ok());
        assert!(read("salt=CCC;rs=68719476705", "dh=AAA").is_ok());
    }

    #[test]
    fn a_salt_or_sender_key_of_the_wrong_form_is_refused() {
        let (salt, dh) = (base64url::encode([1; 16]), keys().public().to_string());
        let with =
            |salt: &str, dh: &str| decrypt(&keys(), &format!("salt={salt}"), &format!("dh={dh}"), &[0; 40]);
        assert_eq!(with(&salt, &dh), Err(DecryptError::Authentication));
        for salt in ["", "!", "AAAA", &base64url::encode([1; 17])] {
            assert_eq!(with(salt, &dh), Err(DecryptError::Header), "{salt}");
        }
        for dh in ["", "!", "AAAA", &base64url::encode([4; 65])] {
            assert_eq!(with(&salt, dh), Err(DecryptError::SenderKey), "{dh}");
        }
    }

    #[test]
    fn records_cut_exchanged_or_left_out_are_refused() {
        let keys = some_content_keys();
        let body = seal_records(&keys, 10, 0, b"0123456789abcdefghij");
        assert_eq!(open_records(&keys, 10, &body).unwrap(), b"0123456789abcdefghij");
        let (first, second, rest) = (&body[..26], &body[26..52], &body[52..]);
        for (damaged, error) in [
            (vec![], DecryptError::Truncated),
            (first.to_vec(), DecryptError::Truncated),
            ([first, second].concat(), DecryptError::Truncated),
            (body[..30].to_vec(), DecryptError::Authentication),
            ([second, first, rest].concat(), DecryptError::Authentication),
            ([first, rest].concat(), DecryptError::Authentication),
        ] {
            assert_eq!(open_records(&keys, 10, &damaged), Err(error), "{} bytes", damaged.len());
        }
    }

    #[test]
    fn an_empty_message_is_two_bytes_of_padding_length() {
        let keys = some_content_keys();
        let body = seal_records(&keys, 4096, 0, b"");
        assert_eq!((body.len(), open_records(&keys, 4096, &body)), (18, Ok(vec![])));
    }

    #[test]
    fn a_huge_record_size_is_read_without_allocating_it() {
        let keys = some_content_keys();
        let body = seal_records(&keys, 4096, 0, b"hello");
        for record_size in [6 + 2, 4096, MAX_RECORD_SIZE] {
            assert_eq!(open_records(&keys, record_size, &body).unwrap(), b"hello", "{record_size}");
        }
    }

    proptest! {
        #[test]
        fn what_the_draft_seals_is_opened(
            plaintext in prop::collection::vec(any::<u8>(), 0..600),
            record_size in 3usize..200,
            padding: u16,
        ) {
            let keys = some_content_keys();
            let padding = padding % u16::try_from(record_size - 2).unwrap();
            let body = seal_records(&keys, record_size, padding, &plaintext);
            prop_assert_eq!(open_records(&keys, record_size as u64, &body).unwrap(), plaintext);
        }

        #[test]
        fn what_ece_seals_is_opened(plaintext in prop::collection::vec(any::<u8>(), 1..600)) {
            crate::encryption::backend::install();
            let block = ece::legacy::encrypt_aesgcm(
                keys().public().as_bytes(),
                keys().auth().as_bytes(),
                &plaintext,
            ).unwrap();
            let header = |wanted: &str| {
                let found = block.headers(None).into_iter().find(|(name, _)| *name == wanted);
                found.unwrap().1
            };
            let body = base64url::decode(&block.body()).unwrap();
            let opened = decrypt(&keys(), &header("Encryption"), &header("Crypto-Key"), &body);
            prop_assert_eq!(opened.unwrap(), plaintext);
        }

        #[test]
        fn no_header_panics(encryption: String, crypto_key: String, body: Vec<u8>) {
            prop_assert!(decrypt(&keys(), &encryption, &crypto_key, &body).is_err());
        }

        #[test]
        fn no_content_panics(contents in prop::collection::vec(any::<Vec<u8>>(), 0..4), record_size in 3u64..40) {
            let keys = some_content_keys();
            let body: Vec<u8> =
                contents.iter().zip(0..).flat_map(|(content, i)| keys.seal(i, content).unwrap()).collect();
            let _ = open_records(&keys, record_size, &body);
        }
    }
}
