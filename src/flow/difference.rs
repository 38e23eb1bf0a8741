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
    let is_same = |(old, new): &(&String, &String)| old == new;
    let start = old.iter().zip(&new).take_while(is_same).count();
    let rests = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = rests.take_while(is_same).count();
    let middle = changes(&old[start..old.len() - end], &new[start..new.len() - end]);
    let same = |line: &String| (Mark::Same, line.clone());
    let mut lines: Vec<(Mark, String)> = new[..start].iter().map(same).collect();
    lines.extend(middle);
    lines.extend(new[new.len() - end..].iter().map(same));
    lines
}

/// Lines of which it is found out which are the same: in so many more it would take minutes, and
/// nobody reads them.
const COMPARED_LINES_MAX: usize = 4_000;

/// The lines of two texts that begin and end differently.
fn changes(old: &[String], new: &[String]) -> Vec<(Mark, String)> {
    if old.len() + new.len() > COMPARED_LINES_MAX {
        let gone = old.iter().map(|line| (Mark::Gone, line.clone()));
        return gone.chain(new.iter().map(|line| (Mark::Come, line.clone()))).collect();
    }
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&old, &new);
    let mark = |tag| match tag {
        ChangeTag::Equal => Mark::Same,
        ChangeTag::Delete => Mark::Gone,
        ChangeTag::Insert => Mark::Come,
    };
    let changes = diff.iter_all_changes();
    changes.map(|change| (mark(change.tag()), change.value().to_owned())).collect()
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
    fn what_is_too_long_is_replaced_as_a_whole() {
        let lines = |name: &str| -> Vec<u8> {
            let middle = (0..30_000).flat_map(|number| format!("{name}{number}\n").into_bytes());
            b"first\n".iter().copied().chain(middle).chain(*b"last\n").collect()
        };
        let found = difference(&lines("a"), &lines("b"));
        assert_eq!(found.len(), 60_002);
        assert_eq!(found.first(), Some(&(Mark::Same, "first\\n".to_owned())));
        assert_eq!(found.last(), Some(&(Mark::Same, "last\\n".to_owned())));
        assert!(found[1..30_001].iter().all(|(mark, _)| *mark == Mark::Gone));
        let shorter = difference(&b"\n".repeat(60_000), b"\n");
        assert_eq!(shorter.iter().filter(|(mark, _)| *mark == Mark::Gone).count(), 59_999);
    }

    #[test]
    fn what_is_no_text_is_shown() {
        assert_eq!(show_lines(b"a\nb\r\r\n\xff\x1b["), ["a\\n", "b\\r", "\\xff\\x1b["]);
        assert_eq!(show_lines(b""), [""]);
    }
}
