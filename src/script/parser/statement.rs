//! Statements.

use super::{Parse, Parser};
use crate::script::Span;
use crate::script::ast::{
    BinaryOperator, Call, Case, CaseLabel, Expression, ExpressionKind, Spanned, Statement,
    StatementKind,
};
use crate::script::diagnostic::Diagnostic;
use crate::script::lexer::{Token, TokenKind};
use crate::script::spelling::nearest;

impl Parser<'_> {
    /// A statement, with the `;` that ends it.
    pub(super) fn statement(&mut self) -> Parse<Statement> {
        self.nested(Self::any_statement)
    }

    /// A statement of any kind.
    fn any_statement(&mut self) -> Parse<Statement> {
        let first = self.peek();
        self.operators = 0;
        let kind = match &first.kind {
            TokenKind::Mark("{") => StatementKind::Block(self.block()),
            TokenKind::Mark(";") => {
                self.advance();
                StatementKind::Block(Vec::new())
            }
            TokenKind::Variable(_) => self.assignment()?,
            TokenKind::Word(word) => self.word_statement(word)?,
            _ => return Err(self.unexpected("a statement")),
        };
        Ok(Statement { kind, span: first.span.to(self.previous()) })
    }

    /// A statement that starts with a word.
    fn word_statement(&mut self, word: &str) -> Parse<StatementKind> {
        match word {
            "if" => self.if_statement(),
            "while" => self.while_statement(),
            "switch" => self.switch_statement(),
            "break" => self.leave(StatementKind::Break),
            "exit" => self.leave(StatementKind::Exit),
            "drop" => self.leave(StatementKind::Drop),
            "return" => self.return_statement(),
            "else" => Err(self.misplaced("`else` without `if`", "remove the `;` before it")),
            "case" | "default" => {
                let help = "labels stand in the braces of `switch (...) { ... }`";
                Err(self.misplaced(&format!("`{word}` outside `switch`"), help))
            }
            _ => self.call_statement(word),
        }
    }

    /// Reports a word that has no place here.
    pub(super) fn misplaced(&mut self, message: &str, help: &str) -> super::Failed {
        let word = self.advance();
        self.report(Diagnostic::error("E0212", word.span, message).help(help));
        super::Failed
    }

    /// `$x = value;`
    fn assignment(&mut self) -> Parse<StatementKind> {
        let token = self.advance();
        let TokenKind::Variable(name) = &token.kind else { return Err(super::Failed) };
        let target = Spanned { node: name.clone(), span: token.span };
        let Some(operator) = assignment_operator(self.peek()) else {
            return Err(self.unexpected("`=`"));
        };
        self.advance();
        let value = self.expression()?;
        self.end_statement()?;
        Ok(StatementKind::Assign { target, operator, value })
    }

    /// `name(argument, ...);`
    fn call_statement(&mut self, word: &str) -> Parse<StatementKind> {
        let token = self.advance();
        let name = Spanned { node: word.to_owned(), span: token.span };
        let next = self.peek();
        if next.is("(") || self.at_argument() {
            let call = self.call(name)?;
            self.end_statement()?;
            return Ok(StatementKind::Call(call));
        }
        let ends = next.is(";") || next.is("}");
        if ends && BARE_CALLS.contains(&word) {
            self.end_statement()?;
            return Ok(StatementKind::Call(Call { name, arguments: Vec::new() }));
        }
        let diagnostic = match nearest(word, super::recover::CONTROL_KEYWORDS.iter().copied()) {
            Some(keyword) => {
                let message = format!("`{word}` is no statement");
                Diagnostic::error("E0210", token.span, message).suggest(Some(keyword))
            }
            None if next.is("=") => {
                let message = format!("`{word}` cannot be assigned to");
                Diagnostic::error("E0210", token.span, message)
                    .help("global parameters stand outside of route blocks")
            }
            None => {
                let message = format!("`{word}` is called without parentheses");
                Diagnostic::error("E0210", token.span, message).help(format!("write `{word}(...)`"))
            }
        };
        self.report(diagnostic);
        Err(super::Failed)
    }

    /// `break`, `exit`, `drop`, with or without parentheses, in which the value does not matter.
    fn leave(&mut self, kind: StatementKind) -> Parse<StatementKind> {
        self.advance();
        if let Some(open) = self.take("(") {
            if !self.peek().is(")") && !self.at_boundary() {
                self.expression()?;
            }
            self.close(open)?;
        } else if matches!(self.peek().kind, TokenKind::Number(..)) || self.peek().is("-") {
            self.expression()?;
        }
        self.end_statement()?;
        Ok(kind)
    }

    /// `return;`, `return(1);`, `return -1;`
    fn return_statement(&mut self) -> Parse<StatementKind> {
        self.advance();
        let value = if self.peek().is("(") && self.peek_at(1).is(")") {
            self.advance();
            self.advance();
            None
        } else if self.at_boundary() && !self.peek().is("(") {
            None
        } else {
            Some(self.expression()?)
        };
        self.end_statement()?;
        Ok(StatementKind::Return(value))
    }

    /// The condition of `if` and `while`, the value of `switch`. If it has an error, something
    /// that stands for it, so that the body is looked at.
    fn condition(&mut self) -> Expression {
        let start = self.at;
        let condition = self.expression();
        if condition.is_ok() && self.peek().is(")") {
            let close = self.advance().span;
            let diagnostic = Diagnostic::error("E0202", close, "this `)` has no `(`");
            self.report(diagnostic.help("remove it, or add the `(`").fix(close, ""));
        }
        match condition {
            Ok(condition) => condition,
            Err(super::Failed) => {
                self.skip_head(start);
                Expression { kind: ExpressionKind::Int(1), span: self.previous() }
            }
        }
    }

    /// The statement that depends on a condition.
    fn body(&mut self) -> Parse<Statement> {
        if let Some(span) = self.take(";") {
            let message = "this `;` ends the statement, so nothing depends on the condition";
            self.report(Diagnostic::warning("W0203", span, message));
            return Ok(Statement { kind: StatementKind::Block(Vec::new()), span });
        }
        self.statement()
    }

    /// `if`, with all its `else if`.
    fn if_statement(&mut self) -> Parse<StatementKind> {
        let mut arms = Vec::new();
        let outer = self.arms;
        let otherwise = self.arms_of(&mut arms);
        self.arms = outer;
        let otherwise = otherwise?;
        let chain =
            arms.into_iter().rev().fold(otherwise, |otherwise, (keyword, condition, then)| {
                let span = keyword.to(otherwise.as_ref().map_or(then.span, |other| other.span));
                let then = Box::new(then);
                let otherwise = otherwise.map(Box::new);
                Some(Statement { kind: StatementKind::If { condition, then, otherwise }, span })
            });
        chain.map(|statement| statement.kind).ok_or(super::Failed)
    }

    /// The arms of an `if`, and what stands behind the last `else`.
    fn arms_of(&mut self, arms: &mut Vec<Arm>) -> Parse<Option<Statement>> {
        loop {
            self.arms += 1;
            if self.arms > ARM_COUNT_MAX {
                return Err(self.too_deep());
            }
            let keyword = self.advance().span;
            let condition = self.condition();
            let behind = self.behind();
            self.note_loose(keyword, behind);
            self.braces.is_arm = self.peek().is("{");
            arms.push((keyword, condition, self.body()?));
            if !self.peek().is_word("else") {
                return Ok(None);
            }
            self.advance();
            if !self.peek().is_word("if") {
                return Ok(Some(self.body()?));
            }
        }
    }

    /// `while (condition) body`
    fn while_statement(&mut self) -> Parse<StatementKind> {
        self.advance();
        let condition = self.condition();
        let body = Box::new(self.body()?);
        Ok(StatementKind::While { condition, body })
    }

    /// `switch (value) { case ...: ... }`
    fn switch_statement(&mut self) -> Parse<StatementKind> {
        self.advance();
        let value = self.condition();
        let open = if self.peek().is("{") {
            self.open_brace()
        } else if self.peek().is_word("case") || self.peek().is_word("default") {
            let behind = self.behind();
            let diagnostic = Diagnostic::error("E0207", behind, "missing `{`");
            self.report(diagnostic.missing("{"));
            behind
        } else {
            return Err(self.unexpected("`{`"));
        };
        let mut cases: Vec<Case> = Vec::new();
        loop {
            let at = self.at;
            match &self.peek().kind {
                TokenKind::Mark("}") => {
                    self.advance();
                    break;
                }
                TokenKind::End => {
                    self.report_unclosed(open);
                    break;
                }
                TokenKind::Word(word) if word == "case" || word == "default" => {
                    if let Ok(case) = self.case() {
                        cases.push(case);
                    }
                }
                TokenKind::Mark(";") => {
                    self.advance();
                }
                _ if self.at_block_start() => {
                    self.report_unclosed(open);
                    break;
                }
                _ => {
                    self.unexpected("`case`, `default` or `}`");
                    self.skip_statement(at);
                    if self.peek().is("{") {
                        self.block();
                    }
                }
            }
        }
        self.leave_brace();
        Ok(StatementKind::Switch { value, cases })
    }

    /// `case value:` or `default:` with the statements up to the next one.
    fn case(&mut self) -> Parse<Case> {
        let keyword = self.advance();
        self.in_label = true;
        let label = self.label(keyword);
        self.in_label = false;
        let label = match label {
            Ok(label) if self.take(":").is_some() => Ok(label),
            Ok(_) => Err(self.unexpected("`:`")),
            Err(failed) => Err(failed),
        };
        if label.is_err() {
            self.skip_label();
        }
        let span = keyword.span.to(self.previous());
        let body = self
            .statements(|parser| parser.peek().is_word("case") || parser.peek().is_word("default"));
        Ok(Case { label: label?, span, body })
    }

    /// What a `case` matches.
    fn label(&mut self, keyword: &Token) -> Parse<CaseLabel> {
        if keyword.is_word("default") {
            return Ok(CaseLabel::Default);
        }
        let token = self.peek();
        if let TokenKind::Regex(regex) = &token.kind {
            self.advance();
            return Ok(CaseLabel::Regex(Spanned { node: regex.clone(), span: token.span }));
        }
        Ok(CaseLabel::Value(self.expression()?))
    }

    /// Skips the rest of a label with an error.
    fn skip_label(&mut self) {
        while !self.at_boundary() {
            if self.take(":").is_some() {
                return;
            }
            self.advance();
        }
    }

    /// Statements up to the end of the block (which is not taken) or where `stops` says so.
    pub(super) fn statements(&mut self, stops: impl Fn(&Self) -> bool) -> Vec<Statement> {
        let mut statements = Vec::new();
        loop {
            let at = self.at;
            let ends = matches!(self.peek().kind, TokenKind::End | TokenKind::Mark("}"));
            if ends || stops(self) || self.at_block_start() {
                return statements;
            }
            if self.take(";").is_some() {
                continue;
            }
            match self.statement() {
                Ok(statement) => statements.push(statement),
                Err(super::Failed) => self.skip_statement(at),
            }
        }
    }
}

/// The operator of an assignment: nothing within `Some` for `=`; none if it is none.
#[expect(clippy::option_option, reason = "no operator of an assignment, and the one without any")]
fn assignment_operator(token: &Token) -> Option<Option<BinaryOperator>> {
    let TokenKind::Mark(mark) = token.kind else { return None };
    Some(match mark {
        "=" => None,
        "+=" | ".=" => Some(BinaryOperator::Add),
        "-=" => Some(BinaryOperator::Subtract),
        "*=" => Some(BinaryOperator::Multiply),
        "/=" => Some(BinaryOperator::Divide),
        "%=" => Some(BinaryOperator::Modulo),
        "&=" => Some(BinaryOperator::BitAnd),
        "|=" => Some(BinaryOperator::BitOr),
        "^=" => Some(BinaryOperator::BitXor),
        _ => return None,
    })
}

/// Calls that old scripts write without parentheses.
const BARE_CALLS: &[&str] = &[
    "force_rport",
    "add_rport",
    "add_local_rport",
    "force_tcp_alias",
    "add_tcp_alias",
    "revert_uri",
    "append_branch",
    "set_reply_close",
    "set_reply_no_connect",
];

/// Arms of one `if ... else if ...` and those around it; bounds the height of the tree.
const ARM_COUNT_MAX: usize = 500;

/// An arm of an `if`: its keyword, condition and body.
type Arm = (Span, Expression, Statement);
