//! What nothing else fits: shown all the same, by the site's name, with what can be read of it.

use serde_json::Value;

use super::json::plain;
use super::plaintext::Plaintext;
use super::{Context, Notification};

/// More is a listing, which nobody reads in a notification.
const MOST_SENTENCES: usize = 12;

/// Fewer printable characters in a row are noise, as strings(1) has it.
const SHORTEST_RUN: usize = 4;

/// Of binary data, one character in so many has to be in such a run: bytes at random come to one in twenty.
const LEAST_PRINTABLE: usize = 6;

pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Notification {
    let text = plaintext.lossy_text();
    let written =
        plaintext.json().map(|document| sentences(document, text)).filter(|written| !written.is_empty());
    // Somebody has sent something: a title alone would look like a message that says nothing.
    let body = written
        .or_else(|| readable(text).filter(|body| !body.is_empty()))
        .unwrap_or_else(|| described(plaintext.size()));
    Notification { title: context.site.to_owned(), body, ..Notification::default() }
}

/// What a person wrote into a document whose names nobody knows, a line each: strings of several words, as they follow one
/// another in its text.
fn sentences(document: &Value, text: &str) -> String {
    let mut written: Vec<&str> = Vec::new();
    let mut rest = vec![document];
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) if is_sentence(text.trim()) && !written.contains(&text.trim()) => {
                written.push(text.trim());
            }
            Value::Array(items) => rest.extend(items),
            // What a machine wrote to itself.
            Value::Object(members) => {
                rest.extend(
                    members.iter().filter(|(name, _)| !plain(name).contains("token")).map(|(_, value)| value),
                );
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        if written.len() == MOST_SENTENCES {
            break;
        }
    }
    written.sort_by_key(|sentence| text.find(sentence));
    written.join("\n")
}

/// Several words, and no document in a string.
fn is_sentence(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic));
    words.count() > 1 && !text.starts_with(['{', '[', '<'])
}

/// Text with a few broken characters as it is; of binary data the printable runs, one per line. `None`: it has no more of
/// them than bytes at random would.
fn readable(text: &str) -> Option<String> {
    let count = text.chars().count();
    let broken = text.chars().filter(is_broken).count();
    if broken.saturating_mul(4) <= count {
        return Some(text.trim().to_owned());
    }
    let runs: Vec<_> = text.split(|c: char| is_broken(&c)).map(str::trim).collect();
    let runs =
        || runs.iter().map(|run| (run, run.chars().count())).filter(|(_, length)| *length >= SHORTEST_RUN);
    let printable: usize = runs().map(|(_, length)| length).sum();
    (printable.saturating_mul(LEAST_PRINTABLE) >= count)
        .then(|| runs().map(|(run, _)| *run).collect::<Vec<_>>().join("\n"))
}

fn described(bytes: usize) -> String {
    if bytes == 1 { "Binary data, 1 byte".to_owned() } else { format!("Binary data, {bytes} bytes") }
}

fn is_broken(c: &char) -> bool {
    *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_document_without_known_names_what_a_person_wrote_is_shown() {
        let text = r#"{"zz": "Open the garden", "id": "6f1d", "uu": "https://a.example/b", "n": ["The roses are out", "Word"],
            "deep": {"x": "Come, and see", "json": "{\"a\": \"b c\"}", "date": "2026-01-01 10:00"}, "a": "The roses are out"}"#;
        let shown = |text: &str| sentences(&serde_json::from_str(text).unwrap(), text);
        assert_eq!(shown(text), "Open the garden\nThe roses are out\nCome, and see");
        assert_eq!(shown(r#"{"id": 5, "name": "x"}"#), "");
        assert_eq!(shown(&serde_json::json!(vec!["a b"; 9_000]).to_string()), "a b");
    }

    #[test]
    fn broken_text_stays_whole_and_binary_data_shows_its_strings() {
        assert_eq!(readable("caf\u{fffd} open").as_deref(), Some("caf\u{fffd} open"));
        let title = "\0\u{1}\u{2}PNG \u{fffd}\u{fffd}\u{fffd}\u{3}\u{4}ab\u{5}\u{6}Title";
        assert_eq!(readable(title).as_deref(), Some("Title"));
        assert_eq!(readable("\0\0\0"), None);
        assert_eq!(readable(&format!("{}Ab2!", "\0".repeat(40))), None);
        assert_eq!([described(1), described(812)], ["Binary data, 1 byte", "Binary data, 812 bytes"]);
    }
}
