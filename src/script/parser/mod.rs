//! From tokens to the tree: recursive descent, with precedence climbing for operators.
//!
//! After an error the parser goes on where the next statement or block seems to start, so that
//! one slip is reported once. Where it is plain what is missing (a `)`, a `;`, a `{`), it goes
//! on as though it were there.

mod bare;
mod block;
mod expression;
mod recover;
mod statement;
mod top;

use super::ast::{Ast, Expression};
use super::diagnostic::{Diagnostic, Problems};
use super::lexer::{Token, TokenKind};
use super::{Severity, SourceMap, Span};
use crate::limits::SCRIPT_NESTING_MAX;

/// Parses a script. What has errors is left out of the tree.
pub(super) fn parse(tokens: &[Token], map: &SourceMap, problems: &mut Problems) -> Ast {
    let mut parser = Parser::new(tokens, map, problems);
    let mut ast = Ast::default();
    parser.script(&mut ast);
    ast
}

/// Parses a single expression, as in `#!ifexp`.
pub(super) fn parse_expression(
    tokens: &[Token],
    map: &SourceMap,
    problems: &mut Problems,
) -> Option<Expression> {
    let mut parser = Parser::new(tokens, map, problems);
    let expression = parser.expression().ok()?;
    if parser.peek().kind != TokenKind::End {
        parser.unexpected("the end of the line");
    }
    Some(expression)
}

/// Something could not be parsed; it has been reported.
#[derive(Clone, Copy, Debug)]
struct Failed;

/// The result of parsing something.
type Parse<T> = Result<T, Failed>;

/// The state of the parser.
struct Parser<'t> {
    /// What is parsed; the last one is [`TokenKind::End`].
    tokens: &'t [Token],
    /// Index of the next token.
    at: usize,
    /// For line ends and indentation, where it must be guessed what is missing.
    map: &'t SourceMap,
    problems: &'t mut Problems,
    /// Starts of the lines in whose tokens there were errors already: what the parser finds wrong
    /// there mostly comes from those.
    bad_lines: Vec<u32>,
    /// Start of the line of the last error.
    last_line: Option<u32>,
    /// Statements and parentheses around the next token.
    depth: usize,
    /// Whether the limit of nesting was hit: what is left of the block goes unread.
    is_abandoned: bool,
    /// Whether a `:` ends the expression, as in `case`.
    in_label: bool,
    /// Operators of the statement so far.
    operators: usize,
    /// Arms of the `if` statements around the next token.
    arms: usize,
    /// What is remembered to tell which brace is missing.
    braces: block::Braces,
}

impl<'t> Parser<'t> {
    /// A parser at the first token.
    fn new(tokens: &'t [Token], map: &'t SourceMap, problems: &'t mut Problems) -> Self {
        let bad_lines = problems.error_spans().map(|span| map.line_start(span)).collect();
        Self {
            tokens,
            at: 0,
            map,
            problems,
            bad_lines,
            last_line: None,
            depth: 0,
            is_abandoned: false,
            in_label: false,
            operators: 0,
            arms: 0,
            braces: block::Braces::default(),
        }
    }

    /// The next token.
    fn peek(&self) -> &'t Token {
        self.peek_at(0)
    }

    /// The token `ahead` of the next one; the end is repeated for ever.
    fn peek_at(&self, ahead: usize) -> &'t Token {
        self.tokens.get(self.at + ahead).or_else(|| self.tokens.last()).unwrap_or(&END)
    }

    /// Takes the next token.
    fn advance(&mut self) -> &'t Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    /// Takes the next token if it is this mark.
    fn take(&mut self, mark: &str) -> Option<Span> {
        let token = self.peek();
        token.is(mark).then(|| self.advance().span)
    }

    /// The last token taken.
    fn previous(&self) -> Span {
        let before = self.at.checked_sub(1).and_then(|index| self.tokens.get(index));
        before.map_or_else(Span::default, |token| token.span)
    }

    /// The place right behind the last token.
    fn behind(&self) -> Span {
        let end = self.previous().end;
        Span { start: end, end }
    }

    /// Reports a problem, unless it comes from one that was reported.
    fn report(&mut self, diagnostic: Diagnostic) {
        let line = self.map.line_start(diagnostic.primary.0);
        let is_follower = diagnostic.code.0 == "E0201" && self.last_line == Some(line);
        if diagnostic.severity == Severity::Error {
            self.last_line = Some(line);
        }
        if !self.is_abandoned && !is_follower && !self.bad_lines.contains(&line) {
            self.problems.report(diagnostic);
        }
    }

    /// Reports that something else was expected here.
    fn unexpected(&mut self, expected: &str) -> Failed {
        let token = self.peek();
        let message = format!("expected {expected}, found {}", show(token));
        self.report(Diagnostic::error("E0201", token.span, message));
        Failed
    }

    /// Takes this mark, or reports that it is missing.
    fn expect(&mut self, mark: &str) -> Parse<Span> {
        self.take(mark).ok_or_else(|| self.unexpected(&format!("`{mark}`")))
    }

    /// Goes one level down; what is nested deeper than the limit is given up.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= SCRIPT_NESTING_MAX {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Reports nesting or an expression beyond the limit and gives up the rest of the block.
    fn too_deep(&mut self) -> Failed {
        let message = "this is nested too deeply";
        let help = format!("{SCRIPT_NESTING_MAX} levels are possible");
        self.report(Diagnostic::error("E0209", self.peek().span, message).help(help));
        self.is_abandoned = true;
        self.skip_to_top();
        Failed
    }
}

/// A token for people.
fn show(token: &Token) -> String {
    match &token.kind {
        TokenKind::Directive(word, _) => format!("`#!{word}`"),
        TokenKind::End => "the end of the script".to_owned(),
        TokenKind::Mark(mark) => format!("`{mark}`"),
        TokenKind::Number(_, text) | TokenKind::Word(text) => format!("`{text}`"),
        TokenKind::Regex(_) => "a regular expression".to_owned(),
        TokenKind::Text(..) => "a string".to_owned(),
        TokenKind::Variable(name) => format!("`{}`", String::from_utf8_lossy(name)),
    }
}

/// What stands behind the last token.
static END: Token =
    Token { kind: TokenKind::End, span: Span { start: 0, end: 0 }, gap: super::lexer::Gap::Line };

#[cfg(test)]
mod tests;
