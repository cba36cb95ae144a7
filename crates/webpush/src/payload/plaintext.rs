//! The decrypted bytes as every reading gets them.

use serde_json::Value;

use crate::secrets;

/// Bytes decoded as W3C's Push API decodes a declarative message: as UTF-8, the byte order mark removed, invalid sequences
/// replaced. Without secrets.
pub(super) struct Plaintext {
    text: String,
    is_utf8: bool,
    json: Option<Value>,
}

impl Plaintext {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let is_utf8 = std::str::from_utf8(bytes).is_ok();
        let decoded = String::from_utf8_lossy(bytes);
        let without_mark = decoded.strip_prefix('\u{feff}').unwrap_or(&decoded);
        let redacted = secrets::redact(without_mark.as_bytes());
        let text = String::from_utf8_lossy(&redacted).into_owned();
        let json = serde_json::from_str(&text).ok();
        Self { text, is_utf8, json }
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

/// Control characters that no text has; escape (terminal colours), form feed and vertical tab occur.
fn is_never_text(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{7}' | '\u{e}'..='\u{1a}' | '\u{1c}'..='\u{1f}' | '\u{7f}')
}
