//! Where to go on after an error.

use super::Parser;
use crate::script::Span;
use crate::script::diagnostic::Diagnostic;
use crate::script::lexer::{Gap, Token, TokenKind};

impl Parser<'_> {
    /// Skips to where the next statement of a block may start. `start` is where the statement
    /// that failed began, which is skipped at least.
    pub(super) fn skip_statement(&mut self, start: usize) {
        if self.at == start && !self.at_block_start() && !self.peek().is("}") {
            self.advance();
        }
        loop {
            let token = self.peek();
            match &token.kind {
                TokenKind::End | TokenKind::Mark("}" | "{") => return,
                TokenKind::Mark(";") => {
                    self.advance();
                    return;
                }
                TokenKind::Word(word) if word == "else" => {
                    // What follows is a statement whose `if` is lost.
                    self.advance();
                    return;
                }
                TokenKind::Word(word) if token.gap == Gap::Line && starts_control(word) => return,
                _ if self.at_block_start() => return,
                _ => self.advance(),
            };
        }
    }

    /// Skips to the body of a statement whose head, which starts at `start`, has an error: behind
    /// the `)` that closes it, or else to the `{` if there is one.
    pub(super) fn skip_head(&mut self, start: usize) {
        if let Some(close) = self.closing_parenthesis(start).filter(|close| *close >= self.at) {
            self.at = close + 1;
            return;
        }
        while !matches!(self.peek().kind, TokenKind::End | TokenKind::Mark("{" | "}" | ";")) {
            if self.at_block_start() {
                return;
            }
            self.advance();
        }
    }

    /// The index of the token that closes the parenthesis opened at `start`.
    fn closing_parenthesis(&self, start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(start) {
            match token.kind {
                TokenKind::Mark("(") => depth += 1,
                TokenKind::Mark(")") if depth == 1 => return Some(index),
                TokenKind::Mark(")") => depth = depth.checked_sub(1)?,
                TokenKind::End | TokenKind::Mark(";" | "{" | "}") => return None,
                _ if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// Skips to the `)` that ends a list of arguments, or to where the statement ends.
    pub(super) fn skip_arguments(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.peek().kind {
                TokenKind::End | TokenKind::Mark(";" | "{" | "}") => return,
                TokenKind::Mark(")") if depth == 0 => return,
                TokenKind::Mark(")") => depth -= 1,
                TokenKind::Mark("(") => depth += 1,
                _ => {}
            }
            self.advance();
        }
    }

    /// Skips to where the next block or line outside of blocks seems to start.
    pub(super) fn skip_to_top(&mut self) {
        while self.peek().kind != TokenKind::End {
            if self.at_top_start() {
                return;
            }
            self.advance();
        }
    }

    /// Whether a route block starts here.
    pub(super) fn at_block_start(&self) -> bool {
        let opens = |token: &Token| token.is("{") || token.is("[");
        self.peek().word().is_some_and(is_block_keyword) && opens(self.peek_at(1))
    }

    /// Whether a new line starts here with something that stands outside of blocks.
    fn at_top_start(&self) -> bool {
        let token = self.peek();
        let Some(word) = token.word().filter(|_| token.gap == Gap::Line) else { return false };
        self.at_block_start() || is_top_keyword(word) || self.peek_at(1).is("=")
    }

    /// Whether something that can start a statement stands here on a line of its own, or the
    /// block ends: whatever was open before is over.
    pub(super) fn at_boundary(&self) -> bool {
        let token = self.peek();
        match &token.kind {
            TokenKind::End | TokenKind::Mark(";" | "{" | "}") => true,
            TokenKind::Word(word) => token.gap == Gap::Line || starts_control(word),
            TokenKind::Variable(_) => token.gap == Gap::Line,
            _ => false,
        }
    }

    /// Closes the parenthesis that was opened at `open`. A missing `)` is reported; if what
    /// follows cannot be part of it, parsing goes on as though it were there.
    pub(super) fn close(&mut self, open: Span) -> super::Parse<Span> {
        if let Some(close) = self.take(")") {
            return Ok(close);
        }
        if !self.at_boundary() {
            return Err(self.unexpected("`)`"));
        }
        let behind = self.behind();
        self.report(
            Diagnostic::error("E0202", behind, "missing `)`")
                .also(open, "opened here")
                .missing(")"),
        );
        Ok(behind)
    }

    /// Takes the `;` that ends a statement; before `else` SER wants none. If it is missing and the
    /// next statement starts, this is reported and parsing goes on as though it were there.
    pub(super) fn end_statement(&mut self) -> super::Parse<()> {
        if self.take(";").is_some() || self.peek().is_word("else") {
            return Ok(());
        }
        let token = self.peek();
        let starts_next = match &token.kind {
            TokenKind::End | TokenKind::Mark("}" | "{") | TokenKind::Variable(_) => true,
            TokenKind::Word(_) => true,
            _ => token.gap == Gap::Line && !token.is(")"),
        };
        if !starts_next {
            return Err(self.unexpected("`;`"));
        }
        self.report(Diagnostic::error("E0203", self.behind(), "missing `;`").missing(";"));
        Ok(())
    }
}

/// Whether the word starts a route block.
pub(super) fn is_block_keyword(word: &str) -> bool {
    BLOCK_KEYWORDS.contains(&word)
}

/// Whether the word starts a line outside of route blocks.
pub(super) fn is_top_keyword(word: &str) -> bool {
    TOP_KEYWORDS.contains(&word)
}

/// Whether the word starts a statement that is no call.
pub(super) fn starts_control(word: &str) -> bool {
    CONTROL_KEYWORDS.contains(&word)
}

/// Words that start a route block.
pub(super) const BLOCK_KEYWORDS: &[&str] = &[
    "route",
    "request_route",
    "main_route",
    "onreply_route",
    "on_reply_route",
    "reply_route",
    "failure_route",
    "branch_route",
    "onsend_route",
    "local_route",
    "event_route",
    "error_route",
    "startup_route",
    "timer_route",
];

/// Words that start a line outside of route blocks and are no global parameters.
pub(super) const TOP_KEYWORDS: &[&str] = &[
    "loadmodule",
    "loadmodulex",
    "loadpath",
    "mpath",
    "modparam",
    "modparamx",
    "flags",
    "bool",
    "avpflags",
    "cfgengine",
];

/// Words that start a statement that is no call.
pub(super) const CONTROL_KEYWORDS: &[&str] =
    &["if", "else", "while", "switch", "case", "default", "break", "exit", "drop", "return"];
