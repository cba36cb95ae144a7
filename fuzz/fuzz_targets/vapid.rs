//! The identification of a sender. Two lines are `Authorization` and `Crypto-Key`; after a line `!`, they are the header and
//! the claims of a token that is signed as it should be, so that what is behind the signature is reached as well.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use webpush::vapid::verify;

const ORIGIN: &str = "https://push.example.net";
const NOW: u64 = 1_899_990_000;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let (first, second) = (lines.next().unwrap_or_default(), lines.next());
    if first != "!" {
        let _ = verify(first, second, ORIGIN, NOW);
        return;
    }
    let (header, claims) = (second.unwrap_or_default(), lines.next().unwrap_or_default());
    let key = SecretKey::from_slice(&[7; 32]).unwrap();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature: Signature = SigningKey::from(&key).sign(signed.as_bytes());
    let public = URL_SAFE_NO_PAD.encode(key.public_key().to_sec1_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
    let sender = verify(&format!("vapid t={token}, k={public}"), None, ORIGIN, NOW);
    if let Ok(sender) = sender {
        assert_eq!(sender.to_string(), public);
        let claims: serde_json::Value =
            serde_json::from_str(claims).expect("claims that were accepted are JSON");
        assert_eq!(claims["aud"], ORIGIN);
        assert!(claims["exp"].as_u64().is_some_and(|expires| expires + 60 >= NOW));
    }
});
