//! Substitutions in the style of `sed`: `/regex/replacement/flags`.
//!
//! Any byte but a backslash can stand for the slash. Flags: `i` without regard to case, `g` all
//! matches and not the first only, `s` newlines are ordinary (`.` crosses them, `^` and `$` are
//! the ends of the text). In the replacement `\0` is the whole match, `\1` to `\9` are the
//! groups, `\u` is the Request-URI, `\n`, `\r`, `\t` are control characters, `\\` and `\/` the
//! characters themselves. Pseudo-variables are replaced by what they hold when the substitution
//! is bound.
//!
//! A match never ends between the CR and the LF of a line break: `(.*)$` takes all of a line, and
//! what replaces it is a whole line again.

use std::ops::Range;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use regex::bytes::Regex;
use smallvec::SmallVec;

use super::format::is_name;
use super::scope::Scope;
use super::{Execution, PatternFlags, Variable, compile_pattern};
use crate::limits::SCRIPT_STRING_BYTES_MAX;

/// A compiled substitution.
#[derive(Clone, Debug)]
pub struct Substitution {
    regex: Regex,
    /// The replacement.
    pieces: Vec<Piece>,
    /// The variables in it.
    variables: Vec<Variable>,
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
    /// The value of a variable, by its number.
    Variable(usize),
}

/// A substitution with the present values of its variables.
#[derive(Clone, Debug)]
pub struct Bound<'m> {
    substitution: &'m Substitution,
    values: SmallVec<[&'m [u8]; 4]>,
    arena: &'m Bump,
}

impl Substitution {
    /// Compiles `/regex/replacement/flags`; the flags written there add to `base`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in a few words.
    pub(super) fn parse(
        text: &[u8],
        base: PatternFlags,
        scope: &mut Scope<'_>,
    ) -> Result<Self, String> {
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
        let mut reader = Replacement { delimiter, ..Replacement::default() };
        reader.read(replacement, scope)?;
        let Replacement { pieces, variables, .. } = reader;
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
        Ok(Self { regex, pieces, variables, has_groups, all, newline_sensitive })
    }

    /// Compiles a substitution in which no variable stands, for tests of functions.
    #[cfg(test)]
    pub(crate) fn parse_plain(text: &[u8], base: PatternFlags) -> Result<Self, String> {
        let registry = super::Registry { modules: &[] };
        Self::parse(text, base, &mut Scope::new(&registry, Vec::new()))
    }

    /// Looks the variables up; what is built lives in the arena of the run.
    #[must_use]
    pub fn bind<'m>(&'m self, execution: &Execution<'m>) -> Bound<'m> {
        let value = |variable: &'m Variable| execution.shown(variable.read(execution));
        let values = self.variables.iter().map(value).collect();
        Bound { substitution: self, values, arena: execution.transit.arena }
    }
}

impl<'m> Bound<'m> {
    /// `input` with what matches replaced; `None` if nothing matches, or if the result would be
    /// longer than a run of the script may build.
    #[must_use]
    pub fn apply(&self, input: &[u8]) -> Option<&'m [u8]> {
        let mut out = ArenaVec::new_in(self.arena);
        let mut copied = 0;
        for (range, replacement) in self.replacements(input) {
            out.extend_from_slice(&input[copied..range.start]);
            out.extend_from_slice(replacement);
            copied = range.end;
            if out.len() > SCRIPT_STRING_BYTES_MAX {
                return None;
            }
        }
        let matched = copied > 0 || !out.is_empty() || self.substitution.regex.is_match(input);
        matched.then(|| {
            out.extend_from_slice(&input[copied..]);
            let out: &'m [u8] = out.into_bump_slice();
            out
        })
    }

    /// The pieces of `input` to be replaced, in order, each with what replaces it.
    pub fn replacements<'a>(
        &'a self,
        input: &'a [u8],
    ) -> impl Iterator<Item = (Range<usize>, &'m [u8])> + use<'a, 'm> {
        let substitution = self.substitution;
        let mut at = 0;
        let mut done = false;
        std::iter::from_fn(move || {
            while !done && at <= input.len() {
                let found = substitution.regex.find_at(input, at)?;
                at = found.end() + usize::from(found.is_empty());
                let range = if substitution.newline_sensitive {
                    whole_line_range(input, found.range())
                } else {
                    Some(found.range())
                };
                let Some(range) = range else { continue };
                done = !substitution.all;
                let replacement = self.replacement(input, range.clone());
                return Some((range, replacement));
            }
            None
        })
    }

    /// What replaces the match in `range`; no group reaches beyond it.
    fn replacement(&self, input: &[u8], range: Range<usize>) -> &'m [u8] {
        let substitution = self.substitution;
        let captures = substitution
            .has_groups
            .then(|| substitution.regex.captures_at(input, range.start))
            .flatten();
        let mut out = ArenaVec::new_in(self.arena);
        for piece in &substitution.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Group(0) => out.extend_from_slice(&input[range.clone()]),
                Piece::Group(group) => {
                    let group = captures.as_ref().and_then(|captures| captures.get(*group));
                    let group = group.map_or(0..0, |group| group.range());
                    let (start, end) = (group.start.min(range.end), group.end.min(range.end));
                    out.extend_from_slice(&input[start..end]);
                }
                Piece::Variable(variable) => {
                    out.extend_from_slice(self.values.get(*variable).copied().unwrap_or_default());
                }
            }
        }
        out.into_bump_slice()
    }
}

/// The range of a match, up to before the line break that it would split: `.*` takes the CR of
/// a CRLF too. `None` if it is empty and no place in a line: between the CR and the LF, or behind
/// the last line break.
#[must_use]
pub fn whole_line_range(text: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let (before, behind) = text.split_at(range.end.min(text.len()));
    let splits = before.ends_with(b"\r") && behind.starts_with(b"\n");
    if range.is_empty() {
        let at_end = before.ends_with(b"\n") && behind.is_empty();
        return (!splits && !at_end).then_some(range);
    }
    Some(range.start..range.end - usize::from(splits))
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

/// The pieces of a replacement, as they are read.
#[derive(Default)]
struct Replacement {
    delimiter: u8,
    pieces: Vec<Piece>,
    variables: Vec<Variable>,
    /// Text that is no piece yet.
    text: Vec<u8>,
}

impl Replacement {
    /// Reads all of `rest`.
    fn read(&mut self, mut rest: &[u8], scope: &mut Scope<'_>) -> Result<(), String> {
        while !rest.is_empty() {
            rest = match rest {
                [b'\\', b'u', behind @ ..] => {
                    self.variable(b"$ru", scope)?;
                    behind
                }
                [b'\\', escaped @ ..] => self.escape(escaped)?,
                [b'$', b'$', behind @ ..] => {
                    self.text.push(b'$');
                    behind
                }
                [b'$', next, ..] if *next == b'(' || (is_name(*next) && !next.is_ascii_digit()) => {
                    &rest[self.variable(rest, scope)?..]
                }
                [byte, behind @ ..] => {
                    self.text.push(*byte);
                    behind
                }
                [] => rest,
            };
        }
        self.flush();
        Ok(())
    }

    /// Takes what stands behind a backslash; the rest.
    fn escape<'t>(&mut self, escaped: &'t [u8]) -> Result<&'t [u8], String> {
        let Some((byte, behind)) = escaped.split_first() else {
            return Err("the replacement ends in a backslash".to_owned());
        };
        match *byte {
            digit @ b'0'..=b'9' => {
                self.flush();
                self.pieces.push(Piece::Group(usize::from(digit - b'0')));
            }
            b'n' => self.text.push(b'\n'),
            b'r' => self.text.push(b'\r'),
            b't' => self.text.push(b'\t'),
            other if other == self.delimiter || !other.is_ascii_alphanumeric() => {
                self.text.push(other);
            }
            other => {
                let escape = char::from(other);
                return Err(format!("unknown escape '\\{escape}' in the replacement"));
            }
        }
        Ok(behind)
    }

    /// Takes the variable at the start of `text`; its length there.
    fn variable(&mut self, text: &[u8], scope: &mut Scope<'_>) -> Result<usize, String> {
        let (variable, length) = Variable::parse(text, scope).map_err(|fault| fault.message)?;
        self.flush();
        self.pieces.push(Piece::Variable(self.variables.len()));
        self.variables.push(variable);
        Ok(length)
    }

    /// Makes a piece of the text so far.
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags that the functions of textops start from.
    const BASE: PatternFlags = PatternFlags { ignore_case: false, newline_sensitive: true };

    /// Compiles `text` where there is no variable.
    fn compiled(text: &[u8]) -> Result<Substitution, String> {
        Substitution::parse_plain(text, BASE)
    }

    /// The substitution, which has no variables.
    fn bound<'m>(substitution: &'m Substitution, arena: &'m Bump) -> Bound<'m> {
        Bound { substitution, values: SmallVec::new(), arena }
    }

    /// `input` after the substitution `text`.
    fn applied(text: &str, input: &str) -> Option<String> {
        let substitution =
            compiled(text.as_bytes()).unwrap_or_else(|message| panic!("{text}: {message}"));
        let arena = Bump::new();
        let out = bound(&substitution, &arena).apply(input.as_bytes())?;
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
            ("/$/;/g", "a\r\nb\n", "a;\r\nb;\n"),
            ("/^/>/g", "a\r\nb", ">a\r\n>b"),
            ("/a.*$/x/s", "a\r\nb", "x"),
        ] {
            assert_eq!(applied(text, input).as_deref(), Some(expected), "{text} on {input:?}");
        }
    }

    #[test]
    fn replacements_name_the_places() {
        let substitution = compiled(b"/b(.)/<\\1>/g").unwrap();
        let arena = Bump::new();
        let bound = bound(&substitution, &arena);
        let places: Vec<_> = bound.replacements(b"abcabd").collect();
        assert_eq!(places, [(1..3, &b"<c>"[..]), (4..6, &b"<d>"[..])]);
    }

    #[test]
    fn results_are_bounded() {
        let substitution = compiled(b"/(.*)./\\1\\1\\1\\1/g").unwrap();
        let arena = Bump::new();
        let input = vec![b'a'; SCRIPT_STRING_BYTES_MAX / 3];
        assert!(bound(&substitution, &arena).apply(&input).is_none());
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
            ("/a/$nothing/", "nothing"),
            (r"/a\/b/", "form"),
        ] {
            let message = compiled(text.as_bytes()).expect_err(text);
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
