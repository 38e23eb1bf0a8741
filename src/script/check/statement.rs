//! Statements.

use std::collections::BTreeMap;

use super::Checker;
use crate::script::Span;
use crate::script::ast::{Case, CaseLabel, ExpressionKind, Statement, StatementKind};
use crate::script::checked::{Branch, Label, Node, Step, StepKind};
use crate::script::program::Constant;

impl Checker<'_> {
    /// Checks statements; `breakable` is how many loops and switches are around.
    pub(super) fn steps(&mut self, statements: &[Statement], breakable: usize) -> Vec<Step> {
        statements.iter().map(|statement| self.step(statement, breakable)).collect()
    }

    /// Checks a statement.
    fn step(&mut self, statement: &Statement, breakable: usize) -> Step {
        let kind = match &statement.kind {
            StatementKind::Assign { target, operator, value } => {
                let target_variable = self.target(target);
                let value = self.assigned(value);
                match target_variable {
                    Some(target) => StepKind::Assign { target, operator: *operator, value },
                    None => StepKind::Evaluate(value),
                }
            }
            StatementKind::Block(inner) => StepKind::Block(self.steps(inner, breakable)),
            StatementKind::Break => StepKind::Break,
            StatementKind::Call(call) => StepKind::Evaluate(self.call(call, statement.span)),
            StatementKind::Drop => StepKind::Drop,
            StatementKind::Exit => StepKind::Exit,
            StatementKind::If { condition, then, otherwise } => StepKind::If {
                condition: self.expression(condition),
                then: self.body(then, breakable),
                otherwise: otherwise
                    .as_ref()
                    .map(|otherwise| self.body(otherwise, breakable))
                    .unwrap_or_default(),
            },
            StatementKind::Return(value) => {
                StepKind::Return(value.as_ref().map(|value| self.expression(value)))
            }
            StatementKind::Switch { value, cases } => StepKind::Switch {
                value: self.expression(value),
                cases: self.cases(cases, breakable + 1),
            },
            StatementKind::While { condition, body } => StepKind::While {
                condition: self.expression(condition),
                body: self.body(body, breakable + 1),
            },
        };
        Step { kind, span: statement.span }
    }

    /// Checks a statement that is the body of another.
    fn body(&mut self, statement: &Statement, breakable: usize) -> Vec<Step> {
        match &statement.kind {
            StatementKind::Block(inner) => self.steps(inner, breakable),
            _ => vec![self.step(statement, breakable)],
        }
    }

    /// Checks the cases of a `switch`.
    fn cases(&mut self, cases: &[Case], breakable: usize) -> Vec<Branch> {
        let mut seen: BTreeMap<Constant, Span> = BTreeMap::new();
        let mut default: Option<Span> = None;
        let mut branches = Vec::with_capacity(cases.len());
        for case in cases {
            let label = match &case.label {
                CaseLabel::Default => {
                    if let Some(first) = default.replace(case.span) {
                        self.twice("there are two `default` labels", case.span, first);
                    }
                    Label::Default
                }
                CaseLabel::Regex(pattern) => match self.pattern(&pattern.node, pattern.span) {
                    Some(regex) => Label::Regex(regex),
                    None => Label::Default,
                },
                CaseLabel::Value(value) => match self.expression(value) {
                    Node::Constant(constant) => {
                        if let Some(first) = seen.get(&constant) {
                            self.twice("this value has a `case` already", case.span, *first);
                        }
                        seen.entry(constant.clone()).or_insert(case.span);
                        Label::Constant(constant)
                    }
                    Node::Unary(..) if let Some(number) = negative(value) => {
                        Label::Constant(Constant::Int(number))
                    }
                    _ => {
                        let message = "a `case` is a number, a string or /a regular expression";
                        self.error("E0419", message, value.span);
                        Label::Default
                    }
                },
            };
            branches.push(Branch { label, body: self.steps(&case.body, breakable) });
        }
        branches
    }

    /// Something that stands twice.
    fn twice(&mut self, message: &str, at: Span, first: Span) {
        let diagnostic = self.error("E0419", message, at);
        diagnostic.secondary.push((first, "the first is here".to_owned()));
    }
}

/// The number that `-1` is.
fn negative(value: &crate::script::ast::Expression) -> Option<i64> {
    match &value.kind {
        ExpressionKind::Unary(crate::script::ast::UnaryOperator::Negate, inner) => {
            match inner.kind {
                ExpressionKind::Int(number) => number.checked_neg(),
                _ => None,
            }
        }
        _ => None,
    }
}
