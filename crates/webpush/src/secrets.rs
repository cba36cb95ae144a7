//! Secrets that some senders put into their payloads: they must reach neither disk nor log.

use serde_json::Value;

/// Members whose value lets its holder act for the user: Mastodon's API token, Home Assistant's callback token.
const SECRET_MEMBERS: [&str; 2] = ["access_token", "jwt"];

/// The payload without its secrets. What is not JSON, or has none, comes back unchanged.
pub fn redact(plaintext: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(plaintext) else { return plaintext.to_vec() };
    if !remove(&mut value) {
        return plaintext.to_vec();
    }
    serde_json::to_vec(&value).unwrap_or_default()
}

/// Whether anything was removed. Looks everywhere, also after the first find.
fn remove(value: &mut Value) -> bool {
    let mut removed = false;
    match value {
        Value::Object(members) => {
            let before = members.len();
            members.retain(|name, _| !SECRET_MEMBERS.iter().any(|secret| name.eq_ignore_ascii_case(secret)));
            removed = members.len() != before;
            for member in members.values_mut() {
                removed |= remove(member);
            }
        }
        Value::Array(items) => {
            for item in items {
                removed |= remove(item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_at_any_depth_and_the_rest_kept() {
        let payload = br#"{"title":"t","access_token":"abc","data":{"jwt":"def","url":"/x"},"list":[{"JWT":"g"}]}"#;
        let redacted: Value = serde_json::from_slice(&redact(payload)).unwrap();
        assert_eq!(redacted, serde_json::json!({"title": "t", "data": {"url": "/x"}, "list": [{}]}));
    }

    #[test]
    fn what_has_none_is_left_byte_for_byte() {
        for payload in [&b"{ \"a\" : 1 }"[..], b"access_token", b"\xff\x00", b""] {
            assert_eq!(redact(payload), payload);
        }
    }
}
