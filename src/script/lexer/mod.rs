//! From text to tokens.
//!
//! Tokens are small: an address such as `192.0.2.1:5060` is several of them. Whether they belong
//! together depends on where they stand, so the parser joins those that have no gap between them.

mod text;
mod variable;

use std::ops::Range;
use std::sync::Arc;

use super::Span;
use super::ast::StringStyle;
use super::diagnostic::{Diagnostic, Problems};

/// What stands between a token and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Nothing.
    None,
    /// White space or a comment.
    Space,
    /// At least one line end.
    Line,
}

/// The smallest piece of a script that means something.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: TokenKind,
    /// Where it stands.
    pub(super) span: Span,
    /// What stands before it.
    pub(super) gap: Gap,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A line for the preprocessor: its keyword, and where in the text the rest of it is.
    Directive(String, Range<usize>),
    /// The end of the text.
    End,
    /// An operator or other mark.
    Mark(&'static str),
    /// A number, with its text.
    Number(i64, String),
    /// The regular expression of `case /regex:`.
    Regex(Vec<u8>),
    /// A quoted string.
    Text(Vec<u8>, StringStyle),
    /// A pseudo-variable, from the `$` on.
    Variable(Vec<u8>),
    /// Letters, digits and `_` that are no number.
    Word(String),
}

impl Token {
    /// Whether it is this mark.
    pub(super) fn is(&self, mark: &str) -> bool {
        matches!(self.kind, TokenKind::Mark(own) if own == mark)
    }

    /// Whether it is this word.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, TokenKind::Word(own) if own == word)
    }

    /// The word, if it is one.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Its text where it is part of bare text such as an address; strings are no part of one.
    pub(super) fn bare(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Mark(mark) => Some(mark),
            TokenKind::Number(_, text) | TokenKind::Word(text) => Some(text),
            _ => None,
        }
    }
}

/// Makes tokens of a text, one at a time.
#[derive(Clone, Debug)]
pub(super) struct Lexer {
    text: Arc<[u8]>,
    /// Offset of the text's first byte in the numbering of the source map.
    base: u32,
    /// Offset of the next byte.
    at: usize,
    /// Offset at which reading ends.
    end: usize,
    /// Whether the last token was `case`, so that a `/` starts a regular expression.
    after_case: bool,
    /// Kinds of quotes for which no closing one was found in the rest of the text: from then on
    /// strings end on their line, so that the search is not made again and again.
    line_bound: [bool; 2],
}

impl Lexer {
    /// A lexer of the whole text of a file that starts at `base`.
    pub(super) fn new(text: Arc<[u8]>, base: u32) -> Self {
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let end = text.len();
        Self { text, base, at, end, after_case: false, line_bound: [false; 2] }
    }

    /// A lexer of a part of the same text.
    pub(super) fn within(&self, part: Range<usize>) -> Self {
        Self { at: part.start, end: part.end, after_case: false, ..self.clone() }
    }

    /// The span of a part of the text.
    pub(super) fn span(&self, part: Range<usize>) -> Span {
        let place = |at: usize| self.base + u32::try_from(at).unwrap_or(u32::MAX / 2);
        Span { start: place(part.start), end: place(part.end) }
    }

    /// The next token; [`TokenKind::End`] for ever once the text is at its end.
    pub(super) fn next_token(&mut self, problems: &mut Problems) -> Token {
        let mut gap = Gap::None;
        loop {
            gap = gap.max(self.skip_blank(problems));
            let start = self.at;
            if problems.is_full() {
                self.at = self.end;
            }
            let Some(kind) = self.kind(problems) else { continue };
            self.after_case = matches!(&kind, TokenKind::Word(word) if word == "case");
            return Token { kind, span: self.span(start..self.at), gap };
        }
    }

    /// Goes on to the next preprocessor line; the text that stands before it.
    pub(super) fn skip_to_directive(&mut self) -> &[u8] {
        let start = self.at.min(self.end);
        while self.at < self.end {
            let feed = memchr::memchr(b'\n', &self.text[self.at..self.end]);
            self.at = feed.map_or(self.end, |feed| self.at + feed + 1);
            let blank = self.text[self.at..self.end]
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t'))
                .count();
            if self.directive_word(self.at + blank).is_some() {
                self.at += blank;
                break;
            }
        }
        &self.text[start..self.at]
    }

    /// The byte `ahead` of the next one.
    fn peek(&self, ahead: usize) -> Option<u8> {
        let at = self.at + ahead;
        if at < self.end { self.text.get(at).copied() } else { None }
    }

    /// The text not read yet.
    fn rest(&self) -> &[u8] {
        &self.text[self.at.min(self.end)..self.end]
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self, problems: &mut Problems) -> Gap {
        let start = self.at;
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\r' | b'\n' | b'\x0b' | b'\x0c', ..] => self.at += 1,
                [b'\\', b'\n', ..] => self.at += 2,
                [b'\\', b'\r', b'\n', ..] => self.at += 3,
                [b'#' | b'!', ..] if self.at_directive() => break,
                [b'#', ..] | [b'/', b'/', ..] => self.skip_line(),
                [b'/', b'*', ..] => self.skip_comment(problems),
                _ => break,
            }
        }
        if start == self.at && start != 0 {
            Gap::None
        } else if start == 0 || self.text[start..self.at].contains(&b'\n') {
            Gap::Line
        } else {
            Gap::Space
        }
    }

    /// Skips up to the next line end.
    fn skip_line(&mut self) {
        self.at = memchr::memchr(b'\n', self.rest()).map_or(self.end, |feed| self.at + feed);
    }

    /// Skips a `/* */` comment.
    fn skip_comment(&mut self, problems: &mut Problems) {
        let open = self.at;
        match memchr::memmem::find(&self.rest()[2..], b"*/") {
            Some(close) => self.at += 2 + close + 2,
            None => {
                self.at = self.end;
                let message = "this comment is not closed";
                problems.report(
                    Diagnostic::error("E0102", self.span(open..open + 2), message)
                        .help("end it with `*/`"),
                );
            }
        }
    }

    /// Whether a preprocessor line starts here: at the start of a line, but for white space.
    fn at_directive(&self) -> bool {
        let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\xef' | b'\xbb' | b'\xbf');
        let before = &self.text[..self.at];
        let blank = before.iter().rev().take_while(is_blank).count();
        before[..before.len() - blank].last().is_none_or(|byte| *byte == b'\n')
            && self.directive_word(self.at).is_some()
    }

    /// The keyword of a preprocessor line that starts at `at`.
    fn directive_word(&self, at: usize) -> Option<&str> {
        let line = self.text.get(at..self.end)?;
        let (is_hash, rest) = match line {
            [b'#', b'!', rest @ ..] => (true, rest),
            [b'!', b'!', rest @ ..] => (false, rest),
            _ => return None,
        };
        let length = rest.iter().take_while(|byte| is_word_byte(**byte)).count();
        let word = std::str::from_utf8(&rest[..length]).ok().filter(|word| !word.is_empty())?;
        let is_known = DIRECTIVES.contains(&word) || DIALECT_MARKS.contains(&word);
        (is_known || is_hash).then_some(word)
    }

    /// The kind of the token that starts here, which is then read.
    fn kind(&mut self, problems: &mut Problems) -> Option<TokenKind> {
        let Some(first) = self.peek(0) else { return Some(TokenKind::End) };
        match first {
            b'#' | b'!' if self.at_directive() => Some(self.directive()),
            b'"' | b'\'' => Some(self.quoted(problems)),
            b'$' => Some(self.variable(problems)),
            b'@' => self.select(problems),
            b'/' if self.after_case => Some(self.regex(problems)),
            _ if is_word_byte(first) => Some(self.word(problems)),
            _ => self.mark(problems),
        }
    }

    /// A preprocessor line; a backslash at its end continues it.
    fn directive(&mut self) -> TokenKind {
        let word = self.directive_word(self.at).unwrap_or_default().to_owned();
        let start = self.at + 2 + word.len();
        self.at = start;
        loop {
            self.skip_line();
            let line = self.text[start..self.at].strip_suffix(b"\r");
            if !line.unwrap_or_else(|| &self.text[start..self.at]).ends_with(b"\\")
                || self.at == self.end
            {
                break;
            }
            self.at += 1;
        }
        TokenKind::Directive(word, start..self.at)
    }

    /// A word or number.
    fn word(&mut self, problems: &mut Problems) -> TokenKind {
        let start = self.at;
        while self.peek(0).is_some_and(is_word_byte) {
            self.at += 1;
        }
        let word = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        match number(&word) {
            None => TokenKind::Word(word),
            Some(Ok(number)) => TokenKind::Number(number, word),
            Some(Err(())) => {
                let message = format!("the number {word} is too large");
                problems.report(
                    Diagnostic::error("E0104", self.span(start..self.at), message)
                        .help("numbers have 64 bits"),
                );
                TokenKind::Number(0, word)
            }
        }
    }

    /// An operator or other mark.
    fn mark(&mut self, problems: &mut Problems) -> Option<TokenKind> {
        let mark = MARKS.iter().find(|mark| self.rest().starts_with(mark.as_bytes()));
        if let Some(mark) = mark {
            self.at += mark.len();
            return Some(TokenKind::Mark(mark));
        }
        let start = self.at;
        let is_stray = |byte: u8| byte >= 0x80 || byte < b' ' && !byte.is_ascii_whitespace();
        self.at += 1;
        while self.peek(0).is_some_and(is_stray) {
            self.at += 1;
        }
        let stray = String::from_utf8_lossy(&self.text[start..self.at]);
        let message = format!("`{}` means nothing here", stray.escape_debug());
        let mut diagnostic = Diagnostic::error("E0103", self.span(start..self.at), message);
        if stray.contains(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}']) {
            diagnostic = diagnostic.help("write strings with plain quotes: `\"`");
        }
        problems.report(diagnostic);
        None
    }
}

/// Whether a byte is part of a word.
pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The number that a word is, if it is one: decimal, `0x` hexadecimal, `0` octal, binary with a
/// `b` behind, as Kamailio reads them.
fn number(word: &str) -> Option<Result<i64, ()>> {
    let is_all = |digits: &str, radix: u32| {
        !digits.is_empty() && digits.bytes().all(|byte| char::from(byte).is_digit(radix))
    };
    let parse = |digits: &str, radix| Some(i64::from_str_radix(digits, radix).map_err(|_| ()));
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return if is_all(hex, 16) { parse(hex, 16) } else { None };
    }
    if let Some(binary) = word.strip_suffix('b').filter(|digits| is_all(digits, 2)) {
        return parse(binary, 2);
    }
    if !is_all(word, 10) {
        return None;
    }
    match word.strip_prefix('0').filter(|digits| is_all(digits, 8)) {
        Some(octal) => parse(octal, 8),
        None => parse(word, 10),
    }
}

/// Preprocessor lines that do something.
pub(super) const DIRECTIVES: &[&str] = &[
    "define",
    "def",
    "trydef",
    "redefine",
    "redef",
    "trydefine",
    "undef",
    "ifdef",
    "ifndef",
    "ifexp",
    "else",
    "endif",
    "subst",
    "substdef",
    "substdefs",
    "defenv",
    "defenvs",
    "trydefenv",
    "trydefenvs",
    "include_file",
    "import_file",
];

/// Marks of the first line that name a dialect.
pub(super) const DIALECT_MARKS: &[&str] =
    &["KAMAILIO", "SER", "OPENSER", "OPENSIPS", "ALL", "MAXCOMPAT"];

/// Operators and other marks, longer ones first.
const MARKS: &[&str] = &[
    "&&", "||", "==", "!=", "=~", "!~", "<=", ">=", "<<", ">>", "+=", "-=", "*=", "/=", "%=", "&=",
    "|=", "^=", ".=", "!", "~", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "(", ")",
    "{", "}", "[", "]", ";", ",", ":", ".",
];

#[cfg(test)]
mod tests;
