//! Pseudo-variables and selects, each captured whole.

use super::{Lexer, TokenKind, is_word_byte};
use crate::script::diagnostic::{Diagnostic, Problems};

impl Lexer {
    /// A pseudo-variable: `$ru`, `$var(x)`, `$(hdr(X)[-1]{s.len})`, `$$`.
    pub(super) fn variable(&mut self, problems: &mut Problems) -> TokenKind {
        let start = self.at;
        self.at += 1;
        match self.peek(0) {
            Some(b'(') => self.parenthesis(start, problems),
            Some(b'$' | b'?') => self.at += 1,
            Some(byte) if is_word_byte(byte) => {
                while self.peek(0).is_some_and(is_word_byte) {
                    self.at += 1;
                }
                if self.peek(0) == Some(b'(') {
                    self.parenthesis(start, problems);
                } else if ATTRIBUTE_OWNERS.contains(&&self.text[start + 1..self.at]) {
                    self.attribute();
                }
                if let Some(variable) = self.bare_transformation(start, problems) {
                    return TokenKind::Variable(variable);
                }
            }
            _ => {
                let message = "`$` without the name of a pseudo-variable";
                problems.report(
                    Diagnostic::error("E0105", self.span(start..self.at), message)
                        .help("a pseudo-variable is written `$ru`, `$var(name)` or `$(ru{...})`"),
                );
            }
        }
        TokenKind::Variable(self.text[start..self.at].to_vec())
    }

    /// Reports transformations behind a variable without parentheses; the variable with them.
    fn bare_transformation(&mut self, start: usize, problems: &mut Problems) -> Option<Vec<u8>> {
        let name_end = self.at;
        while let Some(length) = transformation_length(self.rest()) {
            self.at += length;
        }
        if self.at == name_end {
            return None;
        }
        let inside = &self.text[start + 1..self.at];
        let written = [b"$(", inside, b")"].concat();
        let shown = String::from_utf8_lossy(&written).into_owned();
        let message = "a variable with a transformation stands in parentheses";
        let place = self.span(start..self.at);
        problems.report(
            Diagnostic::error("E0105", place, message)
                .help(format!("write `{shown}`"))
                .fix(place, shown),
        );
        Some(written)
    }

    /// The name of an attribute of SER behind its owner: `.uid` in `$f.uid`.
    fn attribute(&mut self) {
        if self.peek(0) == Some(b'.') && self.peek(1).is_some_and(is_word_byte) {
            self.at += 1;
            while self.peek(0).is_some_and(is_word_byte) {
                self.at += 1;
            }
        }
    }

    /// A select of SER, `@to.tag`, which is the pseudo-variable `$sel(to.tag)`.
    pub(super) fn select(&mut self, problems: &mut Problems) -> Option<TokenKind> {
        let start = self.at;
        self.at += 1;
        let mut in_bracket = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'[' => in_bracket = true,
                b']' => in_bracket = false,
                b'\n' => break,
                b'.' if !self.peek(1).is_some_and(is_word_byte) => break,
                _ if in_bracket || byte == b'.' || is_word_byte(byte) => {}
                _ => break,
            }
            self.at += 1;
        }
        if self.at == start + 1 {
            let message = "`@` without the name of a select";
            problems.report(Diagnostic::error("E0105", self.span(start..self.at), message));
            return None;
        }
        let name = &self.text[start + 1..self.at];
        Some(TokenKind::Variable([b"$sel(", name, b")"].concat()))
    }

    /// The parenthesis of the pseudo-variable that starts at `start`, up to the `)` that closes
    /// it on the same line.
    fn parenthesis(&mut self, start: usize, problems: &mut Problems) {
        let open = self.at;
        let mut depth = 0_usize;
        let mut at = open;
        while at < self.end && self.text[at] != b'\n' {
            match self.text[at] {
                b'(' => depth += 1,
                b')' if depth == 1 => {
                    self.at = at + 1;
                    return;
                }
                b')' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        let is_part = |byte: &&u8| !matches!(byte, b';' | b' ' | b'\t' | b'\n' | b'\r' | b'"');
        self.at = open + self.text[open..self.end].iter().take_while(is_part).count();
        let message = "this pseudo-variable has no closing `)`";
        problems
            .report(Diagnostic::error("E0105", self.span(start..self.at), message).missing(")"));
    }
}

/// The length of the transformation that a text starts with: `{s.len}`.
fn transformation_length(text: &[u8]) -> Option<usize> {
    let inside = text.strip_prefix(b"{")?;
    let line = &inside[..memchr::memchr2(b'\n', b'}', inside)?];
    let class = line.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let is_one = class > 0 && line.get(class) == Some(&b'.') && inside[line.len()] == b'}';
    is_one.then_some(line.len() + 2)
}

/// Whose attributes SER has: those of the caller, callee and domains, and global ones.
const ATTRIBUTE_OWNERS: &[&[u8]] = &[b"f", b"fd", b"fr", b"fu", b"g", b"t", b"td", b"tr", b"tu"];
