//! Limits for whatever a sender wrote.

use url::Url;

/// Characters of a title.
pub(super) const TITLE: usize = 1_000;
/// Characters of a body.
pub(super) const BODY: usize = 16_000;
/// Characters of a tag, and of an action's name and label.
pub(super) const NAME: usize = 256;
/// Characters of a URL.
pub(super) const URL: usize = 8_192;
/// Buttons.
pub(super) const ACTIONS: usize = 16;
/// Tags that one push withdraws.
pub(super) const WITHDRAWN: usize = 100;
/// Characters of a request's body, and of each header's value.
pub(super) const REQUEST_BODY: usize = 4_096;
/// Headers of a request.
pub(super) const REQUEST_HEADERS: usize = 16;
/// Characters of a language tag; RFC 5646 §4.4.1 asks for at least 35.
const LANGUAGE_TAG: usize = 64;

/// Without control characters but newline and tab, every line ending a newline; cut with an ellipsis. Nor does anything stay
/// that reorders what stands around it.
pub(super) fn lines(text: &str, limit: usize) -> String {
    let text = text.replace("\r\n", "\n");
    let printable = text
        .chars()
        .map(|c| if c == '\r' { '\n' } else { c })
        .filter(|c| matches!(c, '\n' | '\t') || !is_stray(*c));
    clip(printable, limit)
}

/// As [`lines`], line breaks and tabs turned into spaces.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let text = text.replace("\r\n", " ");
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}');
    clip(text.chars().map(|c| if is_break(c) { ' ' } else { c }).filter(|c| !is_stray(*c)), limit)
}

/// For comparing: without what [`lines`] leaves out, and cut.
pub(super) fn key(text: &str, limit: usize) -> String {
    text.chars().filter(|c| !is_stray(*c)).take(limit).collect()
}

/// Itself, or nothing where it cannot be one.
pub(super) fn language_tag(text: String) -> String {
    let valid = text.len() <= LANGUAGE_TAG && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if valid { text } else { String::new() }
}

/// Whether a URL is short enough to keep; half of one is none.
pub(super) fn fits(url: &Url) -> bool {
    url.as_str().len() <= URL
}

/// A control character, or one of those that embed, override or isolate a direction. Marks (U+200E, U+200F) only touch their
/// neighbours and stay, as do joiners, which many emoji need.
fn is_stray(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn clip(text: impl Iterator<Item = char>, limit: usize) -> String {
    let mut clipped: String = text.take(limit + 1).collect();
    if clipped.chars().count() > limit {
        clipped.truncate(clipped.char_indices().nth(limit.saturating_sub(1)).map_or(0, |(at, _)| at));
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_characters_with_an_ellipsis() {
        assert_eq!(lines("äöü", 3), "äöü");
        assert_eq!(lines("äöüß", 3), "äö…");
        assert_eq!(one_line(&"x".repeat(TITLE + 1), TITLE).chars().count(), TITLE);
        assert_eq!(key("äöüß", 3), "äöü");
    }

    #[test]
    fn control_characters_go_and_line_ends_become_one() {
        assert_eq!(lines("a\r\nb\rc\td\u{0}\u{1b}[1m\u{85}", 99), "a\nb\nc\td[1m");
        assert_eq!(one_line("a\r\nb\nc\td\u{7}", 99), "a b c d");
        assert_eq!(key("a\nb", 99), "ab");
    }

    #[test]
    fn nothing_reorders_what_stands_around_it() {
        assert_eq!(one_line("a\u{202e}gpj.exe\u{2066}b\u{2069}\u{202c}", 99), "agpj.exeb");
        assert_eq!(
            lines("مرحبا\u{200f} \u{1f469}\u{200d}\u{1f4bb}", 99),
            "مرحبا\u{200f} \u{1f469}\u{200d}\u{1f4bb}"
        );
    }

    #[test]
    fn what_is_no_language_tag_is_dropped() {
        assert_eq!(language_tag("zh-Hant-TW".into()), "zh-Hant-TW");
        assert_eq!(language_tag("en US".into()), "");
        assert_eq!(language_tag("x".repeat(65)), "");
    }
}
