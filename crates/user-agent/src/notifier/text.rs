//! Remote text made fit for a notification: bounded, free of control characters, and unable to pass itself off as
//! something else by changing the direction of what stands around it.

use std::borrow::Cow;

use webpush::payload::Direction;

const FIRST_STRONG_ISOLATE: char = '\u{2068}';
const LEFT_TO_RIGHT_ISOLATE: char = '\u{2066}';
const RIGHT_TO_LEFT_ISOLATE: char = '\u{2067}';
const POP_ISOLATE: char = '\u{2069}';
const RIGHT_TO_LEFT_MARK: char = '\u{200F}';
const ELLIPSIS: char = '…';

/// One line of at most `limit` characters. White space and line breaks become single spaces; control characters and
/// the formatting characters that reorder text are left out.
pub(super) fn line(text: &str, limit: usize) -> String {
    let mut out = Bounded::new(limit);
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || is_line_break(c) {
            gap = true;
        } else if is_shown(c) {
            if std::mem::take(&mut gap) && !out.text.is_empty() && !out.push(' ') {
                break;
            }
            if !out.push(c) {
                break;
            }
        }
    }
    out.text
}

/// At most `limit` characters in at most `lines` lines, blank ones included. Never two blank lines in a row, none at
/// the start or end; otherwise as [`line`].
pub(super) fn paragraphs(text: &str, limit: usize, lines: usize) -> String {
    let mut out = Bounded::new(limit);
    let mut breaks = 0_usize;
    let mut gap = false;
    let mut used = 1;
    let mut after_return = false;
    for c in text.chars() {
        let returned = std::mem::replace(&mut after_return, c == '\r');
        if is_line_break(c) {
            if !(c == '\n' && returned) {
                breaks += 1;
            }
            gap = false;
        } else if c.is_whitespace() {
            gap = true;
        } else if is_shown(c) {
            let breaks = std::mem::take(&mut breaks).min(2);
            if !out.text.is_empty() {
                used += breaks;
                if used > lines {
                    out.cut();
                    break;
                }
                if !(0..breaks).all(|_| out.push('\n')) {
                    break;
                }
            }
            if std::mem::take(&mut gap) && !out.text.is_empty() && breaks == 0 && !out.push(' ') {
                break;
            }
            if !out.push(c) {
                break;
            }
        }
    }
    out.text
}

/// A host or a site's name as one line. Of a long one the end is kept: the end of a host says whose it is.
pub(super) fn origin(text: &str, limit: usize) -> String {
    let whole = harmless(&line(text, 1_000));
    let length = whole.chars().count();
    if length <= limit {
        return whole;
    }
    std::iter::once(ELLIPSIS).chain(whole.chars().skip(length + 1 - limit)).collect()
}

/// For places where some servers read markup although the specification has none.
pub(super) fn harmless(text: &str) -> String {
    text.replace('<', "‹")
}

/// For bodies of servers with the capability `body-markup`; quotes need no escaping in text.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Keeps each line's direction to itself. Text that is left to right throughout is returned as it is, so that servers
/// and fonts which know no isolates show nothing odd.
pub(super) fn isolate(text: &str, direction: Direction) -> Cow<'_, str> {
    let rtl = match direction {
        Direction::Rtl => true,
        Direction::Ltr => false,
        Direction::Auto => text.chars().find(|c| c.is_alphabetic()).is_some_and(is_right_to_left),
    };
    if !rtl && !text.chars().any(is_right_to_left) {
        return Cow::Borrowed(text);
    }
    let opening: &[char] = match direction {
        // The mark gives the paragraph its direction: isolated text has no say in that.
        _ if rtl => &[RIGHT_TO_LEFT_MARK, RIGHT_TO_LEFT_ISOLATE],
        Direction::Ltr => &[LEFT_TO_RIGHT_ISOLATE],
        Direction::Auto | Direction::Rtl => &[FIRST_STRONG_ISOLATE],
    };
    let mut out = String::with_capacity(text.len() + 16);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if !line.is_empty() {
            out.extend(opening);
            out.push_str(line);
            out.push(POP_ISOLATE);
        }
    }
    Cow::Owned(out)
}

/// Text that grows up to a number of characters and ends in an ellipsis if it wanted to be longer.
struct Bounded {
    text: String,
    room: usize,
}

impl Bounded {
    fn new(room: usize) -> Self {
        Self { text: String::new(), room }
    }

    /// Whether there was room.
    fn push(&mut self, c: char) -> bool {
        if self.room == 0 {
            self.cut();
            return false;
        }
        self.room -= 1;
        self.text.push(c);
        true
    }

    fn cut(&mut self) {
        if self.room == 0 {
            self.text.pop();
        }
        self.text.truncate(self.text.trim_end().len());
        self.text.push(ELLIPSIS);
    }
}

/// What Unicode lets end a line (UAX #14: BK, CR, LF, NL).
fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Not a control character, nor an embedding, override or isolate (UAX #9): those reach beyond their own text.
fn is_shown(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The blocks of right-to-left scripts, and the marks.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}' | '\u{10800}'..='\u{10FFF}'
        | '\u{1E800}'..='\u{1EFFF}' | '\u{200E}' | '\u{200F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_neither_breaks_nor_control_characters() {
        assert_eq!(line(" a\r\n\tb\u{0}c\u{1b}[31m\u{2028}d ", 100), "a bc[31m d");
        assert_eq!(line("\u{0}\n\u{7f}", 100), "");
    }

    #[test]
    fn long_text_ends_in_an_ellipsis_within_its_limit() {
        assert_eq!(line("abcd", 4), "abcd");
        assert_eq!(line("abcde", 4), "abc…");
        assert_eq!(line("abc de", 4), "abc…");
        assert_eq!(paragraphs("abc\n\ndef", 5, 9), "abc…");
        assert_eq!(line(&"ö".repeat(1_000_000), 200).chars().count(), 200);
        assert_eq!(paragraphs(&"ö\n".repeat(500_000), 2_000, 30).lines().count(), 30);
    }

    #[test]
    fn blank_lines_do_not_pile_up() {
        assert_eq!(paragraphs("\n\n a  b \r\nc\r\n\r\n\r\n\r\nd\n", 100, 9), "a b\nc\n\nd");
        assert_eq!(paragraphs("a\nb\nc", 100, 2), "a\nb…");
    }

    #[test]
    fn nothing_reorders_what_stands_around_it() {
        assert_eq!(line("a\u{202E}b\u{2067}c\u{2069}d", 100), "abcd");
        assert_eq!(isolate("abc", Direction::Auto), "abc");
        assert_eq!(isolate("abc", Direction::Rtl), "\u{200F}\u{2067}abc\u{2069}");
        assert_eq!(isolate("שלום!", Direction::Auto), "\u{200F}\u{2067}שלום!\u{2069}");
        assert_eq!(isolate("a\n\nש", Direction::Auto), "\u{2068}a\u{2069}\n\n\u{2068}ש\u{2069}");
        assert_eq!(isolate("a ש", Direction::Ltr), "\u{2066}a ש\u{2069}");
    }

    #[test]
    fn of_a_long_host_the_end_is_kept() {
        let host = format!("{}.example.org", "login.bank.example.".repeat(20));
        let shown = origin(&host, 60);
        assert_eq!(shown.chars().count(), 60);
        assert!(shown.starts_with('…') && shown.ends_with(".example.org"), "{shown}");
        assert_eq!(origin("<b>Backups</b>", 60), "‹b>Backups‹/b>");
    }

    #[test]
    fn markup_is_escaped_once() {
        assert_eq!(escape("<a href='x'>&amp;</a>"), "&lt;a href='x'&gt;&amp;amp;&lt;/a&gt;");
    }
}
