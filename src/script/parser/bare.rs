//! Bare text: operands, names, addresses, joined from tokens without gaps between them.

use super::{Failed, Parse, Parser};
use crate::script::Span;
use crate::script::ast::{Expression, ExpressionKind};
use crate::script::lexer::{Gap, Token, TokenKind};

impl Parser<'_> {
    /// A number, operand, name or address: `5060`, `method`, `uri:host`, `192.0.2.0/24`,
    /// `udp:[2001:db8::1]:5060`, `sip.example.com`.
    pub(super) fn bare(&mut self) -> Parse<Expression> {
        let first = self.peek();
        let mut text = String::new();
        match &first.kind {
            TokenKind::Mark("[") => self.bracketed(&mut text)?,
            TokenKind::Mark(_) => {}
            _ => self.push(&mut text),
        }
        while self.joins(first, &text) {
            self.push(&mut text);
            if self.peek().is("[") && self.peek().gap == Gap::None {
                self.bracketed(&mut text)?;
            } else if self.is_adjacent_word(0) {
                self.push(&mut text);
            }
        }
        let span = first.span.to(self.previous());
        let kind = match &first.kind {
            TokenKind::Number(number, whole) if *whole == text => ExpressionKind::Int(*number),
            _ => ExpressionKind::Word(text),
        };
        Ok(Expression { kind, span })
    }

    /// All tokens up to the next gap or one of `stops`, as one text; none if there is none. A
    /// string within it counts, since a defined name may stand for one.
    pub(super) fn run(&mut self, stops: &[&str]) -> Option<(String, Span)> {
        let first = self.peek();
        first.bare().filter(|piece| !stops.contains(piece))?;
        let mut text = String::new();
        self.push(&mut text);
        while self.peek().gap == Gap::None {
            match &self.peek().kind {
                TokenKind::Text(piece, _) => {
                    text.push_str(&String::from_utf8_lossy(piece));
                    self.advance();
                }
                _ if self.peek().bare().is_some_and(|piece| !stops.contains(&piece)) => {
                    self.push(&mut text);
                }
                _ => break,
            }
        }
        Some((text, first.span.to(self.previous())))
    }

    /// Whether the next token, a mark, joins what is before it with what is behind it.
    fn joins(&self, first: &Token, text: &str) -> bool {
        let mark = self.peek();
        let starts = text.is_empty();
        if mark.gap != Gap::None && !starts {
            return false;
        }
        let follows_word = self.is_adjacent_word(1);
        let next = self.peek_at(1);
        let follows = |mark| next.gap == Gap::None && next.is(mark);
        let can_start = |start: char| start.is_ascii_hexdigit() || matches!(start, '[' | ':');
        let is_address = text.starts_with(can_start) && text.contains(['.', ':']);
        match &mark.kind {
            TokenKind::Mark(".") => follows_word && !starts,
            TokenKind::Mark(":") if self.in_label => false,
            TokenKind::Mark(":") => {
                follows_word || follows("[") || follows(":") || (text.ends_with(':') && is_address)
            }
            TokenKind::Mark("/") => follows_word && is_address,
            TokenKind::Mark("-") => {
                let is_name = first.word().is_some_and(|word| !NUMBERS.contains(&word));
                follows_word && is_name
            }
            _ => false,
        }
    }

    /// Whether the token `ahead` is a word or number right behind the one before it.
    fn is_adjacent_word(&self, ahead: usize) -> bool {
        let token = self.peek_at(ahead);
        token.gap == Gap::None && matches!(token.kind, TokenKind::Word(_) | TokenKind::Number(..))
    }

    /// An IPv6 address in brackets.
    fn bracketed(&mut self, text: &mut String) -> Result<(), Failed> {
        loop {
            let is_close = self.peek().is("]");
            let is_part = match self.peek().bare() {
                Some("[") => text.is_empty() || text.ends_with(':'),
                Some("]" | ":" | ".") => true,
                Some(piece) => piece.bytes().all(|byte| byte.is_ascii_hexdigit()),
                None => false,
            };
            if !is_part {
                return Err(self.unexpected("an IPv6 address in brackets"));
            }
            self.push(text);
            if is_close {
                return Ok(());
            }
        }
    }

    /// Adds the next token to the text.
    fn push(&mut self, text: &mut String) {
        text.push_str(self.advance().bare().unwrap_or_default());
    }
}

/// Operands that are numbers: a `-` behind them subtracts.
const NUMBERS: &[&str] = &["max_len", "retcode", "src_port", "dst_port", "status"];
