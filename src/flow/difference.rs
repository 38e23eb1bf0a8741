//! Two messages side by side: lines that only one of them has are marked.

use similar::{ChangeTag, TextDiff};

use super::journal::escaped;

/// How differences are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// By a `+` or `-` before each line.
    #[default]
    Plain,
    /// With colours as well, for terminals.
    Coloured,
}

/// How a line is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is in both.
    Same,
    /// It is in the first message only.
    Gone,
    /// It is in the second message only.
    Come,
}

impl Mark {
    /// The sign before the line.
    pub(super) const fn sign(self) -> char {
        match self {
            Self::Same => ' ',
            Self::Gone => '-',
            Self::Come => '+',
        }
    }
}

impl Style {
    /// A line with its mark, without the line end.
    pub(super) fn line(self, mark: Mark, text: &str) -> String {
        let colour = match mark {
            Mark::Same => "",
            Mark::Gone => RED,
            Mark::Come => GREEN,
        };
        self.paint(colour, &format!("{} {text}", mark.sign()))
    }

    /// A text in a colour.
    pub(super) fn paint(self, colour: &str, text: &str) -> String {
        match self {
            Self::Coloured if !colour.is_empty() => format!("{colour}{text}{PLAIN}"),
            _ => text.to_owned(),
        }
    }
}

/// Switches of terminals (ECMA-48 §8.3.117).
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
pub(super) const BOLD: &str = "\u{1b}[1m";
pub(super) const FAINT: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// The lines of the second message, and between them those of the first that it lacks.
pub(super) fn difference(old: &[u8], new: &[u8]) -> Vec<(Mark, String)> {
    let (old, new) = (show_lines(old), show_lines(new));
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&old, &new);
    diff.iter_all_changes()
        .map(|change| {
            let mark = match change.tag() {
                ChangeTag::Equal => Mark::Same,
                ChangeTag::Delete => Mark::Gone,
                ChangeTag::Insert => Mark::Come,
            };
            (mark, change.value().to_owned())
        })
        .collect()
}

/// The lines of a message. CR LF at the end of a line is not shown; everything else is.
pub(super) fn show_lines(message: &[u8]) -> Vec<String> {
    let mut rows: Vec<&[u8]> = message.split_inclusive(|byte| *byte == b'\n').collect();
    if rows.is_empty() {
        rows.push(&[]);
    }
    rows.into_iter()
        .map(|row| match row.strip_suffix(b"\r\n") {
            Some(line) => escaped(line, false),
            None => escaped(row, false),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_only_one_message_has_are_marked() {
        let shown: Vec<String> = difference(b"a\r\nb\r\nc\r\n\r\n", b"a\r\nx\r\nc\r\n\r\n")
            .into_iter()
            .map(|(mark, text)| Style::Plain.line(mark, &text))
            .collect();
        assert_eq!(shown, ["  a", "- b", "+ x", "  c", "  "]);
        assert_eq!(Style::Coloured.line(Mark::Gone, "b"), "\u{1b}[31m- b\u{1b}[0m");
        assert_eq!(Style::Coloured.line(Mark::Same, "b"), "  b");
    }

    #[test]
    fn what_is_no_text_is_shown() {
        assert_eq!(show_lines(b"a\nb\r\r\n\xff\x1b["), ["a\\n", "b\\r", "\\xff\\x1b["]);
        assert_eq!(show_lines(b""), [""]);
    }
}
