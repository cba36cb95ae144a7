//! What commands print: lines for people, or one JSON object per line.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::exit::Failure;

/// Standard output, in one of its two forms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// The value with `--json`, else the text.
    pub(crate) fn print(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json { self.value(value) } else { self.line(&text()) }
    }

    /// The value as JSON on a line, whatever the form.
    pub(crate) fn value(self, value: &impl Serialize) -> Result<(), Failure> {
        self.line(&json(value)?)
    }

    /// A line, written out at once.
    pub(crate) fn line(self, line: &str) -> Result<(), Failure> {
        written(write_line(line))
    }

    /// These bytes and nothing else.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::OutputClosed
        } else {
            Failure::internal(format!("cannot write to standard output: {error}"))
        }
    })
}

pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::internal(error.to_string()))
}

pub(crate) fn write_line(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// The text on one line, without what could steer a terminal or turn a line around: it may come from a sender.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !turns_text(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// [`plain`], with its lines kept.
pub(crate) fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Rows in columns as wide as their widest cell.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let heading = heading.map(str::to_owned);
    let rows = || std::iter::once(&heading).chain(rows);
    let width =
        |column| rows().filter_map(|row| row.get(column)).map(|cell: &String| cell.chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows().map(line).collect::<Vec<_>>().join("\n")
}

fn turns_text(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_senders_text_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\u{9b}31m"), "a [2Jb  c 31m");
        assert_eq!(plain("exe\u{202e}gpj"), "exegpj");
        assert_eq!(plain("Zürich → 東京"), "Zürich → 東京");
        assert_eq!(plain_lines("one\r\ntwo\u{7}"), "one\ntwo ");
    }

    #[test]
    fn a_tables_columns_are_as_wide_as_they_need_to_be() {
        let rows = [["Zürich".to_owned(), "1".to_owned()], ["a".to_owned(), "22".to_owned()]];
        assert_eq!(table(["NAME", "N"], &rows), "NAME    N\nZürich  1\na       22");
        assert_eq!(table(["NAME", "N"], &[]), "NAME  N");
    }
}
