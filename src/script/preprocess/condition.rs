//! `#!ifdef`, `#!ifndef`, `#!ifexp`, `#!else`, `#!endif`.

use super::{Line, Preprocessor};
use crate::script::Span;
use crate::script::ast::{BinaryOperator, Expression, ExpressionKind, UnaryOperator};
use crate::script::diagnostic::{Diagnostic, Problems};
use crate::script::lexer::TokenKind;
use crate::script::parser::parse_expression;

/// A condition whose `#!endif` has not come yet.
pub(super) struct Condition {
    /// The line that started it.
    span: Span,
    /// Whether the lines here are read, as far as this condition goes.
    pub(super) is_active: bool,
    /// Where its `#!else` was.
    other: Option<Span>,
}

impl Condition {
    /// Reports that the condition is not closed at the end of the file.
    pub(super) fn report_open(&self, problems: &mut Problems) {
        let message = "this condition has no `#!endif`";
        problems.report(Diagnostic::error("E0106", self.span, message));
    }
}

impl Preprocessor<'_> {
    /// Opens, turns or closes a condition.
    pub(super) fn condition(&mut self, line: &Line<'_>, conditions: &mut Vec<Condition>) {
        let is_read = conditions.iter().all(|condition| condition.is_active);
        match (line.word, conditions.last_mut()) {
            ("else", Some(condition)) => {
                if let Some(other) = condition.other.replace(line.span) {
                    let diagnostic = Diagnostic::error("E0106", line.span, "a second `#!else`");
                    self.problems.report(diagnostic.also(other, "the first one"));
                }
                condition.is_active = !condition.is_active;
            }
            ("endif", Some(_)) => {
                conditions.pop();
            }
            ("else" | "endif", None) => {
                let message = format!("`#!{}` without a condition before it", line.word);
                self.problems.report(Diagnostic::error("E0106", line.span, message));
            }
            _ => {
                let is_active = is_read && self.holds(line);
                conditions.push(Condition { span: line.span, is_active, other: None });
            }
        }
    }

    /// Whether the condition of a line is true.
    fn holds(&mut self, line: &Line<'_>) -> bool {
        if line.word == "ifexp" {
            return self.expression_holds(line);
        }
        let name = self.name_of(line);
        let is_defined = name.is_some_and(|(name, _)| self.defines.contains_key(&name));
        is_defined == (line.word == "ifdef")
    }

    /// Whether the expression of an `#!ifexp` is true.
    fn expression_holds(&mut self, line: &Line<'_>) -> bool {
        let mut rest = line.rest.clone();
        let start = self.tokens.len();
        loop {
            let token = rest.next_token(self.problems);
            if token.kind == TokenKind::End {
                self.tokens.push(token);
                break;
            }
            self.take(token);
        }
        let tokens = self.tokens.split_off(start);
        let expression = parse_expression(&tokens, &self.map, self.problems);
        expression.is_some_and(|expression| evaluate(&expression).is_true())
    }
}

/// What an expression of the preprocessor computes.
#[derive(PartialEq)]
enum Constant {
    /// A number.
    Int(i64),
    /// A string.
    Text(Vec<u8>),
    /// A name that is not defined.
    Undefined,
}

impl Constant {
    /// Whether it counts as true.
    fn is_true(&self) -> bool {
        match self {
            Self::Int(number) => *number != 0,
            Self::Text(text) => !text.is_empty(),
            Self::Undefined => false,
        }
    }

    /// Its number.
    fn number(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            Self::Text(text) => {
                std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
            }
            Self::Undefined => 0,
        }
    }
}

/// Computes an expression of the preprocessor.
fn evaluate(expression: &Expression) -> Constant {
    match &expression.kind {
        ExpressionKind::Int(number) => Constant::Int(*number),
        ExpressionKind::Text(text, _) => Constant::Text(text.clone()),
        ExpressionKind::Unary(UnaryOperator::Not, operand) => {
            Constant::Int(i64::from(!evaluate(operand).is_true()))
        }
        ExpressionKind::Unary(UnaryOperator::Negate, operand) => {
            Constant::Int(evaluate(operand).number().wrapping_neg())
        }
        ExpressionKind::Unary(UnaryOperator::Defined, operand) => {
            Constant::Int(i64::from(evaluate(operand) != Constant::Undefined))
        }
        ExpressionKind::Binary(operator, left, right) => {
            compute(*operator, &evaluate(left), &evaluate(right))
        }
        _ => Constant::Undefined,
    }
}

/// Computes a binary operation of the preprocessor.
fn compute(operator: BinaryOperator, left: &Constant, right: &Constant) -> Constant {
    let (a, b) = (left.number(), right.number());
    let truth = |is_true: bool| i64::from(is_true);
    let is_equal = match (left, right) {
        (Constant::Text(left), Constant::Text(right)) => left == right,
        _ => a == b,
    };
    Constant::Int(match operator {
        BinaryOperator::Or => truth(left.is_true() || right.is_true()),
        BinaryOperator::And => truth(left.is_true() && right.is_true()),
        BinaryOperator::Equal => truth(is_equal),
        BinaryOperator::NotEqual => truth(!is_equal),
        BinaryOperator::Less => truth(a < b),
        BinaryOperator::LessEqual => truth(a <= b),
        BinaryOperator::Greater => truth(a > b),
        BinaryOperator::GreaterEqual => truth(a >= b),
        BinaryOperator::Add => a.wrapping_add(b),
        BinaryOperator::Subtract => a.wrapping_sub(b),
        BinaryOperator::Multiply => a.wrapping_mul(b),
        BinaryOperator::Divide => a.checked_div(b).unwrap_or(0),
        BinaryOperator::Modulo => a.checked_rem(b).unwrap_or(0),
        _ => return Constant::Undefined,
    })
}
