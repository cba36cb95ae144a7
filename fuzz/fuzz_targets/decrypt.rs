//! `decrypt` on whatever a push service may hand over. The first line says how it is encoded: `0` aes128gcm, `1` aesgcm
//! with the next two lines as its headers, anything else an encoding of that name. The rest is the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use webpush::encryption::{decrypt, encrypt};
use webpush::{ContentEncoding, EncryptedMessage, PushEndpoint, SubscriptionKeys};

/// The receiver of RFC 8291 §5, for whom one of the seeds is.
const PRIVATE_KEY: &[u8; 32] =
    b"\xab\x57\x57\xa7\x0d\xd4\xa5\x3e\x55\x3a\x6b\xbf\x71\xff\xef\xea\x28\x74\xec\x07\xa6\xb3\x79\xe3\xc4\x8f\x89\x5a\x02\xdc\x33\xde";
const AUTH_SECRET: &[u8; 16] = b"\x05\x30\x59\x32\xa1\xc7\xea\xbe\x13\xb6\xce\xc9\xfd\xa4\x88\x82";

fuzz_target!(|data: &[u8]| {
    let keys = SubscriptionKeys::from_bytes(PRIVATE_KEY, AUTH_SECRET).unwrap();
    let (encoding, body) = encoded(data);
    let message = EncryptedMessage { encoding, data: Some(body.to_vec()) };
    let _ = decrypt(&keys, &message);

    let endpoint: PushEndpoint = "https://push.example/1".parse().unwrap();
    if let Ok(body) = encrypt(&keys.subscription(endpoint).keys, data) {
        let message = EncryptedMessage { encoding: ContentEncoding::Aes128Gcm, data: Some(body) };
        assert_eq!(decrypt(&keys, &message).as_deref(), Ok(data));
    }
});

fn encoded(data: &[u8]) -> (ContentEncoding, &[u8]) {
    let (name, rest) = line(data);
    match name.as_str() {
        "0" => (ContentEncoding::Aes128Gcm, rest),
        "1" => {
            let (encryption, rest) = line(rest);
            let (crypto_key, rest) = line(rest);
            (ContentEncoding::AesGcm { encryption, crypto_key }, rest)
        }
        _ => (ContentEncoding::Unknown(Some(name)), rest),
    }
}

fn line(data: &[u8]) -> (String, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, rest) = data.split_at(end);
    (String::from_utf8_lossy(line).into_owned(), rest.get(1..).unwrap_or_default())
}
