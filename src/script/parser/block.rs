//! Blocks, and which brace is missing where they do not match.
//!
//! Braces carry no names, so a missing one shows only at the end of the route. The indentation
//! tells where it was meant to be; it is looked at only when something is wrong, or looks it.

use std::cmp::Ordering;

use super::Parser;
use super::recover::is_block_keyword;
use crate::script::Span;
use crate::script::ast::Statement;
use crate::script::diagnostic::Diagnostic;
use crate::script::lexer::{Gap, TokenKind};

/// What is remembered to tell which brace is missing.
#[derive(Debug, Default)]
pub(super) struct Braces {
    /// The keyword of the route block around the next token.
    pub(super) route: Span,
    /// `if`s whose statement stands on a line of its own without braces: the keyword, and the
    /// place behind the condition.
    loose: Vec<(Span, Span)>,
    /// Opening braces that are closed by one further to the left, first ones first.
    suspects: Vec<Span>,
    /// Whether an unclosed block was reported for this route.
    is_reported: bool,
    /// Braces open around the next token.
    open: usize,
    /// Whether the route has more closing than opening braces (`Less`) or fewer, once that was
    /// asked.
    balance: Option<Ordering>,
    /// Whether the next block is that of an `if`, behind which `else` may stand.
    pub(super) is_arm: bool,
}

impl Braces {
    /// What is remembered at the start of a route block.
    pub(super) fn of_route(keyword: Span) -> Self {
        Self { route: keyword, ..Self::default() }
    }
}

impl Parser<'_> {
    /// A block, from the `{` on.
    pub(super) fn block(&mut self) -> Vec<Statement> {
        let is_arm = std::mem::take(&mut self.braces.is_arm);
        let open = self.open_brace();
        let loose = self.braces.loose.len();
        let mut statements = Vec::new();
        loop {
            let at_else = |parser: &Self| is_arm && parser.peek().is_word("else");
            statements.append(&mut self.statements(at_else));
            if self.peek().is_word("else") {
                if self.ends_before_else(open) {
                    break;
                }
                continue;
            }
            let Some(close) = self.take("}") else {
                self.report_unclosed(open);
                break;
            };
            if !self.closes_loose(open, close, loose) {
                self.note_suspect(open, close);
                break;
            }
        }
        self.leave_brace();
        self.braces.loose.truncate(loose);
        statements
    }

    /// Takes a `{`.
    pub(super) fn open_brace(&mut self) -> Span {
        self.braces.open += 1;
        self.advance().span
    }

    /// Notes that what a `{` opened is over.
    pub(super) fn leave_brace(&mut self) {
        self.braces.open = self.braces.open.saturating_sub(1);
    }

    /// Remembers an `if` whose statement stands on a line of its own without braces.
    pub(super) fn note_loose(&mut self, keyword: Span, behind: Span) {
        let next = self.peek();
        if next.gap == Gap::Line && !next.is("{") {
            self.braces.loose.push((keyword, behind));
        }
    }

    /// Reports that the block opened at `open` is not closed where something else starts.
    pub(super) fn report_unclosed(&mut self, open: Span) {
        // A comment that is not closed hides all the rest, and was reported.
        if std::mem::replace(&mut self.braces.is_reported, true) || self.problems.has("E0102") {
            return;
        }
        let open = self.braces.suspects.first().copied().unwrap_or(open);
        let route = self.braces.route;
        let mut diagnostic = Diagnostic::error("E0205", open, "this `{` is not closed");
        if self.map.place(route).map(|place| place.line)
            != self.map.place(open).map(|place| place.line)
        {
            diagnostic = diagnostic.also(route, "in this block");
        }
        self.report(diagnostic.help("add `}`"));
    }

    /// Whether a `}` that would close the block of `open` seems to belong to one of its `if`s
    /// that has no `{`, which is then reported.
    fn closes_loose(&mut self, open: Span, close: Span, first: usize) -> bool {
        let indent = self.map.indent(close);
        if !self.is_first_on_line(close) || indent == self.map.indent(open) {
            return false;
        }
        let of_block = self.braces.loose.get(first..).unwrap_or_default();
        let is_meant = |(keyword, _): &&(Span, Span)| self.map.indent(*keyword) == indent;
        let Some((_, behind)) = of_block.iter().rev().find(is_meant).copied() else {
            return false;
        };
        if self.balance() != Ordering::Less {
            return false;
        }
        self.braces.balance = Some(Ordering::Equal);
        self.braces.loose.truncate(first);
        self.report(
            Diagnostic::error("E0207", behind, "missing `{`")
                .also(close, "this `}` seems to close the block")
                .missing("{"),
        );
        if self.peek().is_word("else") {
            self.advance();
        }
        true
    }

    /// Whether the block of `open` lacks its `}` before the `else` that stands here, which is then
    /// reported; if not, the `else` has no `if`.
    fn ends_before_else(&mut self, open: Span) -> bool {
        let word = self.peek().span;
        if self.balance() != Ordering::Greater {
            self.misplaced("`else` without `if`", "remove the `;` before it");
            return false;
        }
        self.braces.balance = Some(Ordering::Equal);
        self.report(
            Diagnostic::error("E0205", open, "this `{` is not closed")
                .also(word, "before this `else`")
                .help("add `}`")
                .fix(Span { start: word.start, end: word.start }, "} "),
        );
        true
    }

    /// Whether the braces up to the next route block close more than is open, the one just taken
    /// included, or less.
    fn balance(&mut self) -> Ordering {
        if let Some(balance) = self.braces.balance {
            return balance;
        }
        let mut depth = self.braces.open - usize::from(self.took_brace());
        let mut ahead = 0;
        let balance = loop {
            let token = self.peek_at(ahead);
            let next = self.peek_at(ahead + 1);
            let starts_route = token.word().is_some_and(is_block_keyword);
            match token.kind {
                TokenKind::End => break depth.cmp(&0),
                _ if starts_route && (next.is("{") || next.is("[")) => break depth.cmp(&0),
                TokenKind::Mark("{") => depth += 1,
                TokenKind::Mark("}") if depth == 0 => break Ordering::Less,
                TokenKind::Mark("}") => depth -= 1,
                _ => {}
            }
            ahead += 1;
        };
        self.braces.balance = Some(balance);
        balance
    }

    /// Whether a `}` was taken last, whose block is still counted as open.
    fn took_brace(&self) -> bool {
        let last = self.at.checked_sub(1).and_then(|index| self.tokens.get(index));
        self.braces.open > 0 && last.is_some_and(|token| token.is("}"))
    }

    /// Remembers an opening brace that is closed by one further to the left.
    fn note_suspect(&mut self, open: Span, close: Span) {
        let (inner, outer) = (self.map.indent(open), self.map.indent(close));
        if self.is_first_on_line(close) && outer.len() < inner.len() {
            self.braces.suspects.push(open);
        }
    }

    /// Whether the token taken last, at `span`, is the first one on its line.
    fn is_first_on_line(&self, span: Span) -> bool {
        let token = self.at.checked_sub(1).and_then(|index| self.tokens.get(index));
        token.is_some_and(|token| token.span == span && token.gap == Gap::Line)
    }
}
