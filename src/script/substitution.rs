//! Substitutions in the style of `sed`: `/regex/replacement/flags`.
//!
//! Any byte but a backslash can stand for the slash. Flags: `i` without regard to case, `g` all
//! matches and not the first only, `s` newlines are ordinary (`.` crosses them, `^` and `$` are
//! the ends of the text). In the replacement `\0` is the whole match, `\1` to `\9` are the
//! groups, `\n`, `\r`, `\t` control characters, `\\` and `\/` the characters themselves.
//!
//! A match never ends between the CR and the LF of a line break: `(.*)$` takes all of a line, and
//! what replaces it is a whole line again.

use std::ops::Range;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use regex::bytes::Regex;

use super::{PatternFlags, compile_pattern};
use crate::limits::SCRIPT_STRING_BYTES_MAX;

/// A compiled substitution.
#[derive(Clone, Debug)]
pub struct Substitution {
    regex: Regex,
    /// The replacement.
    pieces: Vec<Piece>,
    /// Whether the replacement contains groups; the search then has to find them.
    has_groups: bool,
    /// Whether all matches are replaced.
    all: bool,
    /// Whether line breaks mean anything.
    newline_sensitive: bool,
}

/// A piece of a replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Text that stands for itself.
    Text(Vec<u8>),
    /// The text that a group matched; 0 is the whole match.
    Group(usize),
}

impl Substitution {
    /// Compiles `/regex/replacement/flags`; the flags written there add to `base`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in a few words.
    pub fn parse(text: &[u8], base: PatternFlags) -> Result<Self, String> {
        let Some((&delimiter, rest)) = text.split_first() else {
            return Err("the substitution is empty".to_owned());
        };
        if delimiter == b'\\' {
            return Err("a substitution cannot be delimited by backslashes".to_owned());
        }
        let missing = || {
            let mark = char::from(delimiter);
            format!("the substitution is not of the form {mark}regex{mark}replacement{mark}flags")
        };
        let (pattern, rest) = split_at_delimiter(rest, delimiter).ok_or_else(missing)?;
        let (replacement, flags) = split_at_delimiter(rest, delimiter).ok_or_else(missing)?;
        let mut all = false;
        let mut pattern_flags = base;
        for flag in flags {
            match flag {
                b'i' => pattern_flags.ignore_case = true,
                b'g' => all = true,
                b's' => pattern_flags.newline_sensitive = false,
                _ => return Err(format!("unknown substitution flag '{}'", char::from(*flag))),
            }
        }
        let regex = compile_pattern(&unescape_delimiter(pattern, delimiter), pattern_flags)?;
        let pieces = pieces(replacement, delimiter)?;
        let mut has_groups = false;
        for piece in &pieces {
            if let Piece::Group(group) = piece {
                if *group >= regex.captures_len() {
                    return Err(format!("the regular expression has no group \\{group}"));
                }
                has_groups |= *group > 0;
            }
        }
        let newline_sensitive = pattern_flags.newline_sensitive;
        Ok(Self { regex, pieces, has_groups, all, newline_sensitive })
    }

    /// `input` with what matches replaced; `None` if nothing matches, or if the result would be
    /// longer than a run of the script may build.
    #[must_use]
    pub fn apply<'m>(&self, input: &[u8], arena: &'m Bump) -> Option<&'m [u8]> {
        let mut out = ArenaVec::new_in(arena);
        let mut copied = 0;
        for (range, replacement) in self.replacements(input, arena) {
            out.extend_from_slice(&input[copied..range.start]);
            out.extend_from_slice(replacement);
            copied = range.end;
            if out.len() > SCRIPT_STRING_BYTES_MAX {
                return None;
            }
        }
        let matched = copied > 0 || !out.is_empty() || self.regex.is_match(input);
        matched.then(|| {
            out.extend_from_slice(&input[copied..]);
            let out: &'m [u8] = out.into_bump_slice();
            out
        })
    }

    /// The pieces of `input` to be replaced, in order, each with what replaces it.
    pub fn replacements<'a, 'm>(
        &'a self,
        input: &'a [u8],
        arena: &'m Bump,
    ) -> impl Iterator<Item = (Range<usize>, &'m [u8])> + use<'a, 'm> {
        let mut at = 0;
        let mut done = false;
        std::iter::from_fn(move || {
            while !done && at <= input.len() {
                let found = self.regex.find_at(input, at)?;
                at = found.end() + usize::from(found.is_empty());
                let range = if self.newline_sensitive {
                    whole_line_range(input, found.range())
                } else {
                    Some(found.range())
                };
                let Some(range) = range else { continue };
                done = !self.all;
                let replacement = self.replacement(input, found.start(), range.end, arena);
                return Some((range, replacement));
            }
            None
        })
    }

    /// The replacement for the match that starts at `start`; no group reaches beyond `end`.
    fn replacement<'m>(&self, input: &[u8], start: usize, end: usize, arena: &'m Bump) -> &'m [u8] {
        let captures = self.has_groups.then(|| self.regex.captures_at(input, start)).flatten();
        let mut out = ArenaVec::new_in(arena);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Group(0) => out.extend_from_slice(&input[start..end]),
                Piece::Group(group) => {
                    let group = captures.as_ref().and_then(|captures| captures.get(*group));
                    let range = group.map_or(0..0, |group| group.range());
                    out.extend_from_slice(&input[range.start.min(end)..range.end.min(end)]);
                }
            }
        }
        out.into_bump_slice()
    }
}

/// The range of a match, up to before the line break that it would split: `.*` takes the CR of
/// a CRLF too. `None` if it is empty and between the CR and the LF.
#[must_use]
pub fn whole_line_range(text: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let end = range.end;
    if end == 0 || text.get(end - 1) != Some(&b'\r') || text.get(end) != Some(&b'\n') {
        return Some(range);
    }
    (!range.is_empty()).then(|| range.start..end - 1)
}

/// `text` up to the first `delimiter` that no backslash precedes, and what is behind that.
fn split_at_delimiter(text: &[u8], delimiter: u8) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            byte if byte == delimiter => return Some((&text[..at], &text[at + 1..])),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// A regular expression whose delimiters have lost their backslashes: in `|a\|b|x|` they are
/// ordinary characters to the substitution, and so they are to the expression.
fn unescape_delimiter(pattern: &[u8], delimiter: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let [byte, tail @ ..] = rest {
        match (byte, tail) {
            (b'\\', [next, behind @ ..]) => {
                if *next == delimiter && !next.is_ascii_alphanumeric() {
                    out.extend_from_slice(&[b'[', *next, b']']);
                } else {
                    out.extend_from_slice(&[b'\\', *next]);
                }
                rest = behind;
            }
            _ => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    out
}

/// The pieces of a replacement.
fn pieces(replacement: &[u8], delimiter: u8) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut bytes = replacement.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        match bytes.next() {
            Some(digit @ b'0'..=b'9') => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Group(usize::from(digit - b'0')));
            }
            Some(b'n') => text.push(b'\n'),
            Some(b'r') => text.push(b'\r'),
            Some(b't') => text.push(b'\t'),
            Some(other) if other == delimiter || !other.is_ascii_alphanumeric() => text.push(other),
            Some(other) => {
                let escape = char::from(other);
                return Err(format!("unknown escape '\\{escape}' in the replacement"));
            }
            None => return Err("the replacement ends in a backslash".to_owned()),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags that the functions of textops start from.
    const BASE: PatternFlags = PatternFlags { ignore_case: false, newline_sensitive: true };

    /// `input` after the substitution `text`.
    fn applied(text: &str, input: &str) -> Option<String> {
        let substitution = Substitution::parse(text.as_bytes(), BASE)
            .unwrap_or_else(|message| panic!("{text}: {message}"));
        let arena = Bump::new();
        let out = substitution.apply(input.as_bytes(), &arena)?;
        Some(String::from_utf8(out.to_vec()).unwrap())
    }

    #[test]
    fn matches_are_replaced() {
        for (text, input, expected) in [
            ("/a/b/", "aa", Some("ba")),
            ("/a/b/g", "aa", Some("bb")),
            ("/A/b/", "a", None),
            ("/A/b/i", "a", Some("b")),
            ("/a//g", "aba", Some("b")),
            ("/x*/-/", "ab", Some("-ab")),
            ("/x*/-/g", "ab", Some("-a-b-")),
            ("/^$/x/", "", Some("x")),
            ("/a?$//", "b", Some("b")),
            ("|a/b|c/d|", "a/b", Some("c/d")),
            (r"|a\|b|x\|y|", "a|b", Some("x|y")),
            (r"/a\/b/c\/d/", "a/b", Some("c/d")),
            (r"/(a)(b)?/<\2\1\0>/", "a", Some("<aa>")),
            (r"/a/\t\\\r\n/", "a", Some("\t\\\r\n")),
            (
                r"/^sip:([0-9]+)([a-z]*)@(.*)$/sip:\2-\1@x.\3/i",
                "sip:123abc@example.com",
                Some("sip:abc-123@x.example.com"),
            ),
            (r"/^([a-z]+)-([0-9]+)$/\2\1/", "abc-123", Some("123abc")),
            (r"/^sip:(.+)@(.+)$/\2=\1/", "sip:alice@example.com", Some("example.com=alice")),
            ("/3642$/36423463/", "13642", Some("136423463")),
        ] {
            assert_eq!(applied(text, input).as_deref(), expected, "{text} on {input:?}");
        }
    }

    #[test]
    fn line_breaks_stay_whole() {
        for (text, input, expected) in [
            (
                r"/^Subject: (.*) world(.*)$/Subject: \1 moon\2/",
                "Subject: hello world!\r\nTo: a\r\n",
                "Subject: hello moon!\r\nTo: a\r\n",
            ),
            (
                r"/^Subject: (.*)$/Subject: <\1>/",
                "Subject: a b\r\nTo: a\r\n",
                "Subject: <a b>\r\nTo: a\r\n",
            ),
            ("/^a=.*$/a=x/g", "a=1\r\nb=2\r\na=3\r\n", "a=x\r\nb=2\r\na=x\r\n"),
            ("/^a=.*\n//g", "a=1\r\nb=2\r\na=3\r\n", "b=2\r\n"),
            (r"/^a=(.*)\r\n/c=\1\r\n/", "a=1\r\nb=2\r\n", "c=1\r\nb=2\r\n"),
            ("/$/;/g", "a\r\nb\n", "a;\r\nb;\n;"),
            ("/a.*$/x/s", "a\r\nb", "x"),
        ] {
            assert_eq!(applied(text, input).as_deref(), Some(expected), "{text} on {input:?}");
        }
    }

    #[test]
    fn replacements_name_the_places() {
        let substitution = Substitution::parse(b"/b(.)/<\\1>/g", BASE).unwrap();
        let arena = Bump::new();
        let places: Vec<_> = substitution.replacements(b"abcabd", &arena).collect();
        assert_eq!(places, [(1..3, &b"<c>"[..]), (4..6, &b"<d>"[..])]);
    }

    #[test]
    fn results_are_bounded() {
        let substitution = Substitution::parse(b"/(.*)./\\1\\1\\1\\1/g", BASE).unwrap();
        let arena = Bump::new();
        let input = vec![b'a'; SCRIPT_STRING_BYTES_MAX / 3];
        assert!(substitution.apply(&input, &arena).is_none());
    }

    #[test]
    fn broken_substitutions_are_refused_with_a_reason() {
        for (text, word) in [
            ("", "empty"),
            ("/a", "form"),
            ("/a/b", "form"),
            ("\\a\\b\\", "delimited"),
            ("/a/b/x", "flag"),
            ("/(a/b/", "closed"),
            (r"/a/\1/", "no group"),
            (r"/a/\q/", "escape"),
            (r"/a\/b/", "form"),
        ] {
            let message = Substitution::parse(text.as_bytes(), BASE).expect_err(text);
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
