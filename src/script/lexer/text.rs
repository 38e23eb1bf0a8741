//! Quoted strings, and the guess where one was meant to end that is not closed.

use super::{Lexer, TokenKind};
use crate::script::ast::StringStyle;
use crate::script::diagnostic::{Diagnostic, Problems};

impl Lexer {
    /// A quoted string.
    pub(super) fn quoted(&mut self, problems: &mut Problems) -> TokenKind {
        let open = self.at;
        let quote = self.text[open];
        let style = if quote == b'"' { StringStyle::Double } else { StringStyle::Single };
        let close = self.closing_quote(open + 1, quote);
        let end = match close {
            Some(close) if !self.swallows_code(open, close) => {
                self.at = close + 1;
                close
            }
            _ => {
                let end = self.presumed_end(open);
                self.at = end;
                self.report_unclosed(open, end, problems);
                end
            }
        };
        TokenKind::Text(decode(&self.text[open + 1..end], style), style)
    }

    /// The regular expression of a `case`, quoted or bare up to the `:`; a `/` may close it.
    pub(super) fn regex(&mut self, problems: &mut Problems) -> TokenKind {
        self.at += 1;
        if matches!(self.peek(0), Some(b'"' | b'\'')) {
            let TokenKind::Text(text, _) = self.quoted(problems) else {
                return TokenKind::Regex(Vec::new());
            };
            self.at += usize::from(self.peek(0) == Some(b'/'));
            return TokenKind::Regex(text);
        }
        let line = line_of(self.rest());
        let is_end =
            |at: usize| line[at] == b':' && line.get(at + 1).is_none_or(u8::is_ascii_whitespace);
        let length = (0..line.len()).find(|at| is_end(*at)).unwrap_or(line.len());
        let mut regex = line[..length].trim_ascii_end().to_vec();
        self.at += regex.len();
        regex.pop_if(|last| *last == b'/');
        TokenKind::Regex(regex)
    }

    /// The quote that closes a string whose text starts at `start`.
    fn closing_quote(&mut self, start: usize, quote: u8) -> Option<usize> {
        let kind = usize::from(quote == b'"');
        let end = if self.line_bound[kind] {
            start + line_of(&self.text[start..self.end]).len()
        } else {
            self.end
        };
        let mut at = start;
        while at < end {
            match self.text[at] {
                byte if byte == quote => return Some(at),
                b'\\' if quote == b'"' => at += 2,
                _ => at += 1,
            }
        }
        self.line_bound[kind] = true;
        None
    }

    /// Whether the string from `open` to `close` looks like one that was not closed and so took
    /// up code until the next string's opening quote.
    fn swallows_code(&self, open: usize, close: usize) -> bool {
        let inside = &self.text[open + 1..close];
        let behind = self.text[close + 1..self.end].first().copied().unwrap_or(b'\n');
        let line = line_of(inside);
        if line.len() == inside.len() {
            if !super::is_word_byte(behind) {
                return false;
            }
            let end = self.end.min(close + 1 + LINE_LOOK_BYTES);
            let rest = &self.text[close + 1..end];
            let line = line_of(rest);
            let is_whole = line.len() < rest.len() || end == self.end;
            return is_whole && memchr::memchr_iter(self.text[open], line).count() % 2 == 1;
        }
        (!behind.is_ascii_whitespace() && !FOLLOWERS.contains(&behind)) || is_code(inside)
    }

    /// Where on its line the unclosed string at `open` was probably meant to end.
    fn presumed_end(&self, open: usize) -> usize {
        let line = line_of(&self.text[open + 1..self.end]).trim_ascii_end();
        let mut depth = 0_usize;
        let mut at = 0;
        while at < line.len() {
            match line[at..] {
                [b'\\', ..] => at += 1,
                [b'(', ..] => depth += 1,
                [b')', ..] if depth == 0 => break,
                [b')', ..] => depth -= 1,
                [b',', ref rest @ ..] if rest.trim_ascii_start().starts_with(b"\"") => break,
                [b' ', b'/', b'*', ..] => break,
                _ => {}
            }
            at += 1;
        }
        if at >= line.len() {
            let code = line.trim_ascii_end();
            at = code.strip_suffix(b";").or_else(|| code.strip_suffix(b"{")).unwrap_or(code).len();
        }
        open + 1 + line[..at].trim_ascii_end().len()
    }

    /// Reports a string that is not closed.
    fn report_unclosed(&self, open: usize, end: usize, problems: &mut Problems) {
        let quote = char::from(self.text[open]);
        let inside = self.text[open + 1..end].trim_ascii_start();
        if matches!(inside.first(), None | Some(b',' | b')' | b';')) {
            let message = "this quote has no counterpart on its line";
            let diagnostic = Diagnostic::error("E0101", self.span(open..end), message);
            problems.report(diagnostic.help(format!("add the missing `{quote}`")));
            return;
        }
        let shown = String::from_utf8_lossy(&self.text[open + 1..end]);
        let diagnostic = Diagnostic::error("E0101", self.span(open..end), "missing closing quote")
            .label("this string does not end on its line")
            .fix(self.span(end..end), quote);
        problems.report(if shown.len() > 60 {
            diagnostic.help(format!("end the string with `{quote}`"))
        } else {
            diagnostic.help(format!("write `{quote}{shown}{quote}`"))
        });
    }
}

/// The text up to the first line end.
fn line_of(text: &[u8]) -> &[u8] {
    &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())]
}

/// Whether the text of several lines starts with the end of a statement and ends where the first
/// string of another one would start.
fn is_code(text: &[u8]) -> bool {
    let first = line_of(text).trim_ascii_end();
    let last = &text[memchr::memrchr(b'\n', text).unwrap_or(0)..];
    let count = |mark: u8| memchr::memchr_iter(mark, last).count();
    let stops = [&b");"[..], b"){", b") {", b";"].iter().any(|stop| first.ends_with(stop));
    let opens = OPENERS.iter().any(|opener| last.trim_ascii_end().ends_with(opener));
    stops && opens && count(b'(') > count(b')')
}

/// The bytes that a string stands for.
fn decode(text: &[u8], style: StringStyle) -> Vec<u8> {
    if style == StringStyle::Single {
        return text.to_vec();
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        let escape = if *first == b'\\' { escape(behind) } else { None };
        let (byte, length) = escape.unwrap_or((*first, 0));
        decoded.push(byte);
        rest = &behind[length..];
    }
    decoded
}

/// What stands behind a backslash, if that means something: the byte that it stands for, and how
/// long it is.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let number = |digits: &[u8], base: u32| {
        let fold = |sum: u32, digit: &u8| sum * base + char::from(*digit).to_digit(16).unwrap_or(0);
        (digits.iter().fold(0, fold) & 0xff) as u8
    };
    let count = |text: &[u8], is_digit: fn(&u8) -> bool, most: usize| {
        text.iter().take(most).take_while(|byte| is_digit(byte)).count()
    };
    match text {
        [b'n', ..] => Some((b'\n', 1)),
        [b'r', ..] => Some((b'\r', 1)),
        [b't', ..] => Some((b'\t', 1)),
        [b'a', ..] => Some((0x07, 1)),
        [mark @ (b'\\' | b'"'), ..] => Some((*mark, 1)),
        [b'x', digits @ ..] => match count(digits, u8::is_ascii_hexdigit, 2) {
            0 => None,
            length => Some((number(&digits[..length], 16), length + 1)),
        },
        digits => match count(digits, |byte| matches!(byte, b'0'..=b'7'), 3) {
            // One digit is a group of a regular expression.
            0 | 1 => None,
            length => Some((number(&digits[..length], 8), length)),
        },
    }
}

/// How much of the rest of a line is looked at to tell whether its quotes match.
const LINE_LOOK_BYTES: usize = 4_096;

/// What may stand right behind the closing quote of a string of several lines.
const FOLLOWERS: &[u8] = b",);]}+=!<>&|#:";

/// What stands before the opening quote of a string.
const OPENERS: &[&[u8]] = &[b"(", b",", b"==", b"=~", b"!=", b"!~"];
