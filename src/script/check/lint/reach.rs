//! Statements that no run comes to.

use super::super::Checker;
use super::super::graph::CallGraph;
use crate::script::ast::{
    CaseLabel, Expression, ExpressionKind, Statement, StatementKind, UnaryOperator,
};
use crate::script::{Severity, Span};

/// Warns of statements behind those that leave the block or the script.
pub(super) fn lint(checker: &mut Checker<'_>) {
    let graph = &checker.graph;
    let ends = graph.solve(|route, ends| {
        let ways = Reach { graph, ends, dead: Vec::new() }.sequence(&route.body, false);
        !ways.falls && !ways.returns
    });
    let mut reach = Reach { graph, ends: &ends, dead: Vec::new() };
    for route in &checker.ast.routes {
        reach.sequence(&route.body, false);
    }
    let passed = &checker.ast.passed;
    let mut dead = reach.dead;
    dead.retain(|(place, cause)| !passed.is_between(*cause, *place));
    for (place, cause) in dead {
        let message = "this statement never runs".to_owned();
        let diagnostic = checker.report(Severity::Warning, "W0401", message, place);
        diagnostic.secondary.push((cause, "because of this".to_owned()));
    }
}

/// Ways out of statements.
#[derive(Clone, Copy)]
struct Ways {
    /// To what stands behind them.
    falls: bool,
    /// To the end of the route block.
    returns: bool,
    /// To the end of the loop or switch around them.
    breaks: bool,
}

impl Ways {
    /// On, and nowhere else.
    const ON: Self = Self { falls: true, returns: false, breaks: false };
    /// Nowhere: the script ends.
    const END: Self = Self { falls: false, returns: false, breaks: false };

    /// The ways of this or of the other.
    const fn or(self, other: Self) -> Self {
        Self {
            falls: self.falls || other.falls,
            returns: self.returns || other.returns,
            breaks: self.breaks || other.breaks,
        }
    }
}

/// Follows the ways through statements.
struct Reach<'a> {
    graph: &'a CallGraph<'a>,
    /// For each route block whether a call of it ends the script.
    ends: &'a [bool],
    /// Statements that never run, and those because of which.
    dead: Vec<(Span, Span)>,
}

impl Reach<'_> {
    /// The ways out of a row of statements; `in_loop` says whether a `break` has a loop or switch
    /// to leave.
    fn sequence(&mut self, statements: &[Statement], in_loop: bool) -> Ways {
        let mut ways = Ways::ON;
        for (position, statement) in statements.iter().enumerate() {
            let own = self.statement(statement, in_loop);
            ways = Ways { falls: own.falls, ..ways.or(own) };
            if !own.falls {
                let rest = &statements[position + 1..];
                if let Some(dead) = rest.iter().find(|statement| !only_leaves(statement)) {
                    self.dead.push((dead.span, last_of(statement)));
                }
                break;
            }
        }
        ways
    }

    /// The ways out of a statement.
    fn statement(&mut self, statement: &Statement, in_loop: bool) -> Ways {
        match &statement.kind {
            StatementKind::Assign { .. } => Ways::ON,
            StatementKind::Block(inner) => self.sequence(inner, in_loop),
            StatementKind::Break if in_loop => Ways { breaks: true, ..Ways::END },
            StatementKind::Break | StatementKind::Return(_) => Ways { returns: true, ..Ways::END },
            StatementKind::Call(call) => {
                let callee = self.graph.callee(call);
                if callee.is_some_and(|callee| self.ends[callee]) { Ways::END } else { Ways::ON }
            }
            StatementKind::Drop | StatementKind::Exit => Ways::END,
            StatementKind::If { condition, then, otherwise } => {
                let then = self.statement(then, in_loop);
                let otherwise = match otherwise {
                    Some(otherwise) => self.statement(otherwise, in_loop),
                    None => Ways::ON,
                };
                if self.expression_ends(condition) { Ways::END } else { then.or(otherwise) }
            }
            StatementKind::Switch { cases, .. } => {
                let mut ways = Ways::END;
                let mut last = Ways::ON;
                for case in cases {
                    last = self.sequence(&case.body, true);
                    ways = ways.or(last);
                }
                let has_default = cases.iter().any(|case| matches!(case.label, CaseLabel::Default));
                let falls = !has_default || ways.breaks || last.falls;
                Ways { falls, returns: ways.returns, breaks: false }
            }
            StatementKind::While { body, .. } => {
                let body = self.statement(body, true);
                Ways { falls: true, returns: body.returns, breaks: false }
            }
        }
    }

    /// Whether the script ends while this is computed.
    fn expression_ends(&self, expression: &Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Call(call) => {
                self.graph.callee(call).is_some_and(|callee| self.ends[callee])
            }
            ExpressionKind::Unary(UnaryOperator::Not, inner) => self.expression_ends(inner),
            _ => false,
        }
    }
}

/// Whether a statement does nothing but leave, as many write behind what has left already.
fn only_leaves(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Break
        | StatementKind::Drop
        | StatementKind::Exit
        | StatementKind::Return(_) => true,
        StatementKind::Block(inner) => inner.iter().all(only_leaves),
        _ => false,
    }
}

/// The place of the statement that leaves, or of the last of several lines.
fn last_of(statement: &Statement) -> Span {
    match &statement.kind {
        StatementKind::Block(inner) => inner.last().map_or(statement.span, last_of),
        _ => statement.span,
    }
}
