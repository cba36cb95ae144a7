//! Secrets that some senders put into their payloads: they must reach neither disk nor log.

use serde_json::Value;

/// Members whose value lets its holder act for the user: Mastodon's API token, Home Assistant's callback token.
const SECRET_MEMBERS: [&str; 2] = ["access_token", "jwt"];

/// The payload without its secrets, read as leniently as [`crate::payload`] reads it: after a byte order mark, among invalid
/// UTF-8, in JSON that is cut off or inside a string. What has none comes back unchanged.
pub fn redact(plaintext: &[u8]) -> Vec<u8> {
    let decoded = String::from_utf8_lossy(plaintext);
    let text = decoded.strip_prefix('\u{feff}').unwrap_or(&decoded);
    let redacted = match serde_json::from_str::<Value>(text) {
        Ok(mut value) => remove(&mut value).then(|| serde_json::to_vec(&value).unwrap_or_default()),
        Err(_) => blank(text).map(String::into_bytes),
    };
    redacted.unwrap_or_else(|| plaintext.to_vec())
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
        Value::String(text) => {
            if let Some(blanked) = blank(text) {
                *text = blanked;
                removed = true;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    removed
}

/// Text in which JSON members with these names have lost their values; `None`: there are none.
fn blank(text: &str) -> Option<String> {
    let mut blanked = String::new();
    let mut rest = text;
    while let Some((before, after)) = split_at_secret(rest) {
        blanked.push_str(before);
        blanked.push_str("null");
        rest = after.find([',', '}', ']', '\n']).and_then(|end| after.get(end..)).unwrap_or_default();
    }
    (!blanked.is_empty()).then(|| blanked + rest)
}

/// The text up to the value of the first such member, and from there on.
fn split_at_secret(text: &str) -> Option<(&str, &str)> {
    let lower = text.to_ascii_lowercase();
    let names = SECRET_MEMBERS.iter().flat_map(|name| lower.match_indices(name));
    let values = names.filter_map(|(start, name)| {
        let after = lower.get(start + name.len()..)?;
        let colon = after.trim_start_matches(['\\', '"']).trim_start();
        let quoted = lower.get(..start)?.ends_with('"') && after.starts_with(['\\', '"']);
        (quoted && colon.starts_with(':')).then(|| lower.len() - colon.len() + 1)
    });
    text.split_at_checked(values.min()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_at_any_depth_and_the_rest_kept() {
        let payload =
            br#"{"title":"t","access_token":"abc","data":{"jwt":"def","url":"/x"},"list":[{"JWT":"g"}]}"#;
        let redacted: Value = serde_json::from_slice(&redact(payload)).unwrap();
        assert_eq!(redacted, serde_json::json!({"title": "t", "data": {"url": "/x"}, "list": [{}]}));
    }

    #[test]
    fn secrets_are_found_in_json_that_is_not_quite() {
        let redacted = |payload: &[u8]| String::from_utf8(redact(payload)).unwrap();
        assert_eq!(redacted("\u{feff}{\"jwt\":\"s3cret\"}".as_bytes()), "{}");
        assert_eq!(redacted(b"{\"a\":\"\xff\",\"jwt\":1}"), "{\"a\":\"\u{fffd}\"}");
        assert_eq!(
            redacted(br#"{"access_token": "s3cret", "title": "#),
            r#"{"access_token":null, "title": "#
        );
        assert_eq!(redacted(br#"{"title": "t", "JWT" : "s3c"#), r#"{"title": "t", "JWT" :null"#);
        assert_eq!(redacted(br#""{\"jwt\":\"s3cret\",\"a\":1}""#), r#""{\"jwt\":null,\"a\":1}""#);
        assert_eq!(redacted(br#"{"jwt":"s3","access_token":"s3""#), r#"{"jwt":null,"access_token":null"#);
    }

    #[test]
    fn what_has_none_is_left_byte_for_byte() {
        for payload in [&b"{ \"a\" : 1 }"[..], b"access_token", b"the jwt: x", b"\"jwt\"", b"\xff\x00", b""] {
            assert_eq!(redact(payload), payload);
        }
    }
}
