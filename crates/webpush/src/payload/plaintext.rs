//! The decrypted bytes as every reading gets them.

use serde_json::Value;

use crate::secrets;

/// Bytes decoded as W3C's Push API decodes a declarative message: as UTF-8, the byte order mark removed, invalid sequences
/// replaced. Without secrets.
pub(super) struct Plaintext {
    text: String,
    size: usize,
    is_utf8: bool,
    json: Option<Value>,
    had_callback_token: bool,
}

impl Plaintext {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let (size, is_utf8) = (bytes.len(), std::str::from_utf8(bytes).is_ok());
        let decoded = String::from_utf8_lossy(bytes);
        let text = decoded.strip_prefix('\u{feff}').unwrap_or(&decoded);
        let Some(mut value) = parse(text) else {
            let text = secrets::blank(text).unwrap_or_else(|| text.to_owned());
            return Self { text, size, is_utf8, json: None, had_callback_token: false };
        };
        let had_callback_token = value.pointer("/data/jwt").is_some();
        let removed = secrets::remove(&mut value).then(|| value.to_string());
        // Of members with the same name only the last is in the value.
        let text = removed.or_else(|| secrets::blank(text)).unwrap_or_else(|| text.to_owned());
        // A JSON structure that was made a JSON string once too often.
        match value.as_str().and_then(structure) {
            Some(within) => {
                Self { text: within.to_string(), size, is_utf8, json: Some(within), had_callback_token }
            }
            None => Self { text, size, is_utf8, json: Some(value), had_callback_token },
        }
    }

    /// Whether the sender put Home Assistant's callback token into `data`: it tells that sender apart after the token is
    /// gone.
    pub(super) fn had_callback_token(&self) -> bool {
        self.had_callback_token
    }

    /// As it came, in bytes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// As text, invalid sequences replaced.
    pub(super) fn lossy_text(&self) -> &str {
        &self.text
    }

    /// The JSON document, where it is one.
    pub(super) fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    /// What a person wrote: the text, or the content of a JSON string. `None` for JSON structures and for binary data.
    pub(super) fn words(&self) -> Option<&str> {
        match &self.json {
            Some(Value::String(text)) => Some(text),
            Some(Value::Object(_) | Value::Array(_)) => None,
            Some(Value::Null | Value::Bool(_) | Value::Number(_)) | None => {
                let is_binary = !self.is_utf8 || self.text.chars().any(is_never_text);
                (!is_binary).then_some(&self.text)
            }
        }
    }
}

/// As a browser parses it: half of a surrogate pair, which is left where a text was cut within an emoji, is no error.
fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&without_half_pairs(text)?).ok())
}

/// The text with escaped surrogates that are not in a pair replaced; `None`: there are none.
fn without_half_pairs(text: &str) -> Option<String> {
    let unit = |at: usize| u16::from_str_radix(text.get(at..)?.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let mut whole = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        at = match (unit(start), unit(start + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => start + 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push_str(text.get(kept..start)?);
                whole.push_str("\\ufffd");
                kept = start + 6;
                kept
            }
            // The escaped character may be a backslash itself.
            _ => start + 1 + text.get(start + 1..)?.chars().next().map_or(0, char::len_utf8),
        };
    }
    (kept > 0).then(|| whole + text.get(kept..).unwrap_or_default())
}

/// The JSON object or array that a string holds, without secrets.
pub(super) fn structure(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut value = serde_json::from_str(text).ok()?;
    secrets::remove(&mut value);
    Some(value)
}

/// Control characters that no text has; escape (terminal colours), form feed and vertical tab occur.
fn is_never_text(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{7}' | '\u{e}'..='\u{1a}' | '\u{1c}'..='\u{1f}' | '\u{7f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_surrogate_pair_is_replaced_and_nothing_else() {
        let whole = |text: &str| without_half_pairs(text);
        assert_eq!(whole(r#""a\ud83d""#).as_deref(), Some(r#""a\ufffd""#));
        assert_eq!(
            whole(r#""\ud83d\ude00\ude00 \uD83Dx""#).as_deref(),
            Some(r#""\ud83d\ude00\ufffd \ufffdx""#)
        );
        assert_eq!(whole(r#""\\ud83d \ud83d\ude00 \u00e4 \é \"#), None);
    }
}
