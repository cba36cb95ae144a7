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
pub(crate) fn remove(value: &mut Value) -> bool {
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

/// Text in which JSON members with these names have lost their values; `None`: there are none. One pass, since whoever
/// sends it decides how often the names occur.
pub(crate) fn blank(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut names: Vec<_> = SECRET_MEMBERS.iter().flat_map(|name| lower.match_indices(name)).collect();
    names.sort_unstable();
    let mut blanked = String::new();
    let mut kept = 0;
    for (start, name) in names {
        let Some(value) = value_start(&lower, start, name).filter(|_| start >= kept) else { continue };
        blanked.push_str(text.get(kept..value)?);
        blanked.push_str("null");
        kept = value + value_length(text.get(value..)?);
    }
    (!blanked.is_empty()).then(|| blanked + text.get(kept..).unwrap_or_default())
}

/// Where the value begins, if this is a member's name, possibly one within a string.
fn value_start(text: &str, start: usize, name: &str) -> Option<usize> {
    let after = text.get(start + name.len()..)?;
    let quoted = text.get(..start)?.ends_with('"') && after.starts_with(['\\', '"']);
    let colon = after.trim_start_matches(['\\', '"']).trim_start();
    (quoted && colon.starts_with(':')).then(|| text.len() - colon.len() + 1)
}

/// Up to what ends a value, after the quote that closes it; all of it when it is cut off.
fn value_length(text: &str) -> usize {
    let value = text.trim_start();
    let backslashes = value.len() - value.trim_start_matches('\\').len();
    let quote = value.get(..=backslashes).filter(|quote| quote.ends_with('"'));
    let quoted = match quote {
        Some(quote) => {
            let within = value.get(quote.len()..).unwrap_or_default();
            let is_escaped = |at| within.get(..at).is_some_and(|before| before.ends_with('\\'));
            let closing = within.match_indices(quote).find(|(at, _)| !is_escaped(*at));
            closing.map_or(value.len(), |(at, _)| quote.len() + at + quote.len())
        }
        None => 0,
    };
    let rest = value.get(quoted..).unwrap_or_default();
    text.len() - rest.find([',', '}', ']', '\n']).map_or(0, |end| rest.len() - end)
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
        assert_eq!(redacted(br#"{"jwt":"s3,c\"r}et","a":1"#), r#"{"jwt":null,"a":1"#);
        assert_eq!(redacted(br#""{\"jwt\":\"s3"cr\":et}"#), r#""{\"jwt\":null}"#);
        assert_eq!(redacted(br#"{"jwt":"s3","access_token":"s3""#), r#"{"jwt":null,"access_token":null"#);
    }

    #[test]
    fn a_megabyte_of_secrets_takes_no_longer_than_its_length() {
        let many = r#"{"jwt":"s3cret","#.repeat(65_536);
        assert_eq!(redact(many.as_bytes()), r#"{"jwt":null,"#.repeat(65_536).into_bytes());
        let unclosed = r#""jwt":\\\""#.repeat(100_000);
        assert!(redact(unclosed.as_bytes()).starts_with(br#""jwt":null"#));
    }

    #[test]
    fn what_has_none_is_left_byte_for_byte() {
        for payload in [&b"{ \"a\" : 1 }"[..], b"access_token", b"the jwt: x", b"\"jwt\"", b"\xff\x00", b""] {
            assert_eq!(redact(payload), payload);
        }
    }
}
