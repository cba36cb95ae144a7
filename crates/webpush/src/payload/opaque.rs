//! What nothing else fits: shown all the same, by the site's name, with what can be read of it.

use super::plaintext::Plaintext;
use super::{Context, Notification};

/// Fewer printable characters in a row are noise, as strings(1) has it.
const SHORTEST_RUN: usize = 4;

pub(super) fn read(plaintext: &Plaintext, context: Context<'_>) -> Notification {
    let body = readable(plaintext.lossy_text());
    Notification { title: context.site.to_owned(), body, ..Notification::default() }
}

/// Text with a few broken characters as it is; of binary data the printable runs, one per line.
fn readable(text: &str) -> String {
    let broken = text.chars().filter(is_broken).count();
    if broken.saturating_mul(4) <= text.chars().count() {
        return text.trim().to_owned();
    }
    let runs = text.split(|c: char| is_broken(&c)).map(str::trim);
    runs.filter(|run| run.chars().count() >= SHORTEST_RUN).collect::<Vec<_>>().join("\n")
}

fn is_broken(c: &char) -> bool {
    *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_text_stays_whole_and_binary_data_shows_its_strings() {
        assert_eq!(readable("caf\u{fffd} open"), "caf\u{fffd} open");
        assert_eq!(readable("\0\u{1}\u{2}PNG \u{fffd}\u{fffd}\u{fffd}\u{3}\u{4}ab\u{5}\u{6}Title"), "Title");
        assert_eq!(readable("\0\0\0"), "");
    }
}
