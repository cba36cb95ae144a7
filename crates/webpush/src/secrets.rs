//! Secrets that some senders put into their payloads: they must reach neither disk nor log.

use serde_json::{Map, Value};

/// Members whose value lets its holder act for the user: Mastodon's API token, Home Assistant's callback token.
const SECRET_MEMBERS: [&str; 2] = ["access_token", "jwt"];

/// What a member and its value are called where they are an object of their own: `{"key": "jwt", "value": …}`.
const PAIR_NAMES: [&str; 2] = ["key", "name"];
const PAIR_VALUES: [&str; 2] = ["value", "val"];

/// JSON in strings in JSON; deeper it is looked through as text.
const DEEPEST_STRING: usize = 8;

/// The payload without its secrets, read as leniently as [`crate::payload`] reads it: after a byte order mark, among invalid
/// UTF-8, in JSON that is cut off or inside a string. What has none comes back unchanged.
pub fn redact(plaintext: &[u8]) -> Vec<u8> {
    let decoded = String::from_utf8_lossy(plaintext);
    let text = decoded.strip_prefix('\u{feff}').unwrap_or(&decoded);
    let parsed = serde_json::from_str::<Value>(text).ok();
    let removed = parsed.and_then(|mut value| remove(&mut value).then(|| value.to_string()));
    // Of members with the same name only the last is parsed.
    let redacted = removed.or_else(|| blank(text)).map(String::into_bytes);
    redacted.unwrap_or_else(|| plaintext.to_vec())
}

/// Whether anything was removed. Looks everywhere, also after the first find.
pub(crate) fn remove(value: &mut Value) -> bool {
    remove_within(value, DEEPEST_STRING)
}

fn remove_within(value: &mut Value, strings: usize) -> bool {
    let mut removed = false;
    match value {
        Value::Object(members) => {
            let before = members.len();
            members.retain(|name, _| !is_among(&SECRET_MEMBERS, name));
            removed = members.len() != before;
            removed |= remove_paired(members);
            for member in members.values_mut() {
                removed |= remove_within(member, strings);
            }
        }
        Value::Array(items) => {
            for item in items {
                removed |= remove_within(item, strings);
            }
        }
        Value::String(text) => {
            if let Some(blanked) = remove_from_document(text, strings).or_else(|| blank(text)) {
                *text = blanked;
                removed = true;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    removed
}

/// The value of an object that names a secret: what is called one, and of two members the other, whatever it is called.
fn remove_paired(members: &mut Map<String, Value>) -> bool {
    let is_name = |name: &str, value: &Value| {
        is_among(&PAIR_NAMES, name)
            && value.as_str().is_some_and(|text| is_among(&SECRET_MEMBERS, text.trim()))
    };
    if !members.iter().any(|(name, value)| is_name(name, value)) {
        return false;
    }
    let is_pair = members.len() == 2;
    let mut removed = false;
    for (name, value) in members.iter_mut() {
        if (is_among(&PAIR_VALUES, name) || is_pair) && !is_name(name, value) && !value.is_null() {
            *value = Value::Null;
            removed = true;
        }
    }
    removed
}

fn is_among(names: &[&str], name: &str) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// A document in a string without its secrets; `None`: it is none, or has none.
fn remove_from_document(text: &str, strings: usize) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut document = serde_json::from_str(text).ok()?;
    remove_within(&mut document, strings.checked_sub(1)?).then(|| document.to_string())
}

/// Text in which JSON members with these names have lost their values, also where name and value are a pair side by side;
/// `None`: there are none. One pass, since whoever sends it decides how often the names occur.
pub(crate) fn blank(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let names = [SECRET_MEMBERS, PAIR_NAMES, PAIR_VALUES];
    let mut names: Vec<_> = names.as_flattened().iter().flat_map(|name| lower.match_indices(name)).collect();
    names.sort_unstable();
    let mut blanked = String::new();
    let mut kept = 0;
    // Where the last value of a pair begins, and where the last name of one ends that is a secret's.
    let (mut paired_value, mut paired_name) = (None, None);
    for (start, name) in names {
        let Some(value) = value_start(&lower, start, name).filter(|_| start >= kept) else { continue };
        let found = if is_among(&SECRET_MEMBERS, name) {
            Some(value..value + value_length(text.get(value..)?))
        } else if is_among(&PAIR_NAMES, name) {
            paired_name = secret_end(&lower, value);
            let before = paired_value.take().filter(|before| paired_name.is_some() && *before >= kept);
            let value =
                before.and_then(|before| Some(before..before + value_length(text.get(before..start)?)));
            value.filter(|value| is_comma(text, value.end, start))
        } else if paired_name.take().is_some_and(|end| is_comma(text, end, start)) {
            Some(value..value + value_length(text.get(value..)?))
        } else {
            paired_value = Some(value);
            None
        };
        let Some(found) = found else { continue };
        blanked.push_str(text.get(kept..found.start)?);
        blanked.push_str("null");
        kept = found.end;
    }
    (!blanked.is_empty()).then(|| blanked + text.get(kept..).unwrap_or_default())
}

/// Where a value's text ends, if it is a secret's name.
fn secret_end(text: &str, value: usize) -> Option<usize> {
    let quoted = text.get(value..)?.trim_start();
    let word = quoted.trim_start_matches(['\\', '"']);
    let after = SECRET_MEMBERS.iter().find_map(|secret| word.strip_prefix(secret))?;
    (word.len() < quoted.len() && after.starts_with(['\\', '"'])).then(|| text.len() - after.len())
}

/// Whether there is nothing but a comma between what ends and the name that begins here.
fn is_comma(text: &str, end: usize, start: usize) -> bool {
    let is_around = |c: char| c.is_whitespace() || matches!(c, '\\' | '"');
    text.get(end..start).is_some_and(|between| between.trim_matches(is_around) == ",")
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
    use serde_json::json;

    #[test]
    fn secrets_are_removed_at_any_depth_and_the_rest_kept() {
        let payload =
            br#"{"title":"t","access_token":"abc","data":{"jwt":"def","url":"/x"},"list":[{"JWT":"g"}]}"#;
        let redacted: Value = serde_json::from_slice(&redact(payload)).unwrap();
        assert_eq!(redacted, serde_json::json!({"title": "t", "data": {"url": "/x"}, "list": [{}]}));
    }

    #[test]
    fn a_secret_in_a_pair_of_name_and_value_loses_its_value() {
        let redacted = |payload: Value| -> Value {
            serde_json::from_slice(&redact(payload.to_string().as_bytes())).unwrap()
        };
        let pairs = |value: Value| {
            json!([{"key": "access_token", "value": value}, {"Name": "JWT", "Val": value}, {"name": "jwt", "text": value},
                {"key": "jwt", "type": "string", "value": value}, {"key": "kind", "value": "x"}])
        };
        let secret = || json!(["s3", {"c": "ret"}]);
        let mut kept = pairs(Value::Null);
        kept[3]["type"] = json!("string");
        assert_eq!(redacted(pairs(secret())), kept);
        let within = |value| json!({ "data": json!({ "list": pairs(value).to_string() }).to_string() });
        assert_eq!(redacted(within(secret())), within(Value::Null));
        let news = json!({"name": "jwt", "title": "Version 2", "body": "is out"});
        assert_eq!(redacted(news.clone()), news);
    }

    #[test]
    fn a_secret_in_a_pair_is_found_in_json_that_is_not_quite() {
        let redacted = |payload: &[u8]| String::from_utf8(redact(payload)).unwrap();
        assert_eq!(
            redacted(br#"[{"key": "access_token", "value": "s3\"c,ret"}, {"key":"#),
            r#"[{"key": "access_token", "value":null}, {"key":"#
        );
        assert_eq!(redacted(br#"[{"name":"jwt","val":"s3c"#), r#"[{"name":"jwt","val":null"#);
        assert_eq!(
            redacted(br#"["{\"value\":\"s3cret\",\"key\":\"jwt\"}""#),
            r#"["{\"value\":null,\"key\":\"jwt\"}""#
        );
        assert_eq!(redacted(br#"{"a":{"jwt":"s3"},"a":1}"#), r#"{"a":{"jwt":null},"a":1}"#);
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
        assert_eq!(redacted(br#""{\"jwt\":\"s3cret\",\"a\":1}""#), r#""{\"a\":1}""#);
        assert_eq!(redacted(br#""{\"jwt\":\"s3cret\",\"a\":""#), r#""{\"jwt\":null,\"a\":""#);
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
