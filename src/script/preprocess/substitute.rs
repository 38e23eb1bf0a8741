//! `#!subst`, `#!substdef` and `#!substdefs`: replacements within strings.

use regex::bytes::{Captures, Regex};

use super::{Line, Preprocessor};
use crate::script::diagnostic::Diagnostic;
use crate::script::lexer::TokenKind;
use crate::script::{PatternFlags, compile_pattern};

/// A replacement within the strings of a script.
pub(super) struct StringSubstitution {
    regex: Regex,
    replacement: Vec<u8>,
    is_global: bool,
}

impl StringSubstitution {
    /// Replaces in a string.
    pub(super) fn apply(&self, text: &mut Vec<u8>) {
        let limit = usize::from(!self.is_global);
        let expand = |captures: &Captures<'_>| expand(&self.replacement, captures);
        if self.regex.is_match(text) {
            *text = self.regex.replacen(text, limit, expand).into_owned();
        }
    }
}

impl Preprocessor<'_> {
    /// Reads one of the three lines.
    pub(super) fn substitute(&mut self, line: &Line<'_>) {
        let mut rest = line.rest.clone();
        let TokenKind::Text(text, _) = rest.next_token(self.problems).kind else {
            return self
                .refuse(line, "a string of the form \"/regex/replacement/flags\" is missing");
        };
        let parts: Vec<&[u8]> = match text.split_first() {
            Some((delimiter, rest)) => rest.splitn(3, |byte| byte == delimiter).collect(),
            None => Vec::new(),
        };
        let [pattern, replacement, flags] = parts[..] else {
            return self.refuse(line, "the form is \"/regex/replacement/flags\"");
        };
        let ignore_case = flags.contains(&b'i');
        let newline_sensitive = false;
        if self.substitutions.len() >= SUBSTITUTION_COUNT_MAX {
            return self.too_large(line.span);
        }
        match compile_pattern(pattern, PatternFlags { ignore_case, newline_sensitive }) {
            Ok(regex) => self.substitutions.push(StringSubstitution {
                regex,
                replacement: replacement.to_vec(),
                is_global: flags.contains(&b'g'),
            }),
            Err(error) => {
                let reason = error.lines().last().unwrap_or_default();
                let reason = reason.trim_start_matches("error: ");
                self.refuse(line, &format!("the regular expression is wrong: {reason}"));
            }
        }
        if line.word != "subst" {
            let name = String::from_utf8_lossy(pattern).into_owned();
            self.define_value(name, replacement, line.word == "substdefs", line.span);
        }
    }

    /// Reports a line that cannot be used.
    fn refuse(&mut self, line: &Line<'_>, why: &str) {
        let message = format!("`#!{}` cannot be used: {why}", line.word);
        self.problems.report(Diagnostic::error("E0107", line.span, message));
    }
}

/// Substitutions, each of which is tried with each string.
const SUBSTITUTION_COUNT_MAX: usize = 1_000;

/// The replacement with `\1` and the like filled in.
fn expand(replacement: &[u8], captures: &Captures<'_>) -> Vec<u8> {
    let mut expanded = Vec::new();
    let mut rest = replacement;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match behind {
            [digit @ b'0'..=b'9', more @ ..] if *first == b'\\' => {
                let group = captures.get(usize::from(digit - b'0'));
                expanded.extend_from_slice(group.map_or(b"", |group| group.as_bytes()));
                rest = more;
            }
            _ => expanded.push(*first),
        }
    }
    expanded
}
