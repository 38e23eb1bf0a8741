//! Requests that come to the end of the main route block with nothing done.

use super::super::Checker;
use super::super::graph::{CallGraph, is_main, is_open};
use super::function_of;
use crate::script::Severity;
use crate::script::ast::{
    Call, CaseLabel, Expression, ExpressionKind, Route, Statement, StatementKind,
};
use crate::script::registry::Registry;

/// Functions that answer or send on the request, or at least try to.
const ACTING: &[&str] = &[
    "abort",
    "forward",
    "forward_udp",
    "options_reply",
    "reg_send_reply",
    "sanity_reply",
    "save",
    "send",
    "send_reply",
    "send_reply_error",
    "send_reply_mode",
    "send_udp",
    "sl_reply",
    "sl_reply_error",
    "sl_send_reply",
];

/// Warns of a main route block with a way to its end on which the request is neither answered nor
/// sent on: it is dropped silently then. Where one cannot be sure there is no warning.
pub(super) fn lint(checker: &mut Checker<'_>) {
    let (graph, registry) = (&checker.graph, checker.registry);
    let is_inert =
        |route: &Route, inert: &[bool]| Inertia { graph, registry, inert }.of_all(&route.body);
    let inert = graph.solve(is_inert);
    let ast = checker.ast;
    if ACTING.iter().chain(&["route"]).any(|name| ast.passed.may_name(name)) {
        return;
    }
    for (route, inert) in ast.routes.iter().zip(inert) {
        if is_main(route) && inert {
            let message = "a request that nothing was done with is dropped silently at the end \
                           of this block";
            let place = route.keyword.span;
            let diagnostic = checker.report(Severity::Warning, "W0403", message.to_owned(), place);
            diagnostic.help = Some("end it with a forward, a reply or `exit`".to_owned());
        }
    }
}

/// Looks for ways through statements on which nothing is done with the request.
struct Inertia<'a> {
    graph: &'a CallGraph<'a>,
    registry: &'a Registry,
    /// For each route block whether there is such a way through it, as far as is known.
    inert: &'a [bool],
}

impl Inertia<'_> {
    /// Whether there is such a way through all of them.
    fn of_all(&self, statements: &[Statement]) -> bool {
        statements.iter().all(|statement| self.of(statement))
    }

    /// Whether there is such a way through a statement. Who writes `exit` or `return` means it.
    fn of(&self, statement: &Statement) -> bool {
        match &statement.kind {
            StatementKind::Assign { value, .. } => self.of_expression(value),
            StatementKind::Block(inner) => self.of_all(inner),
            StatementKind::Break
            | StatementKind::Drop
            | StatementKind::Exit
            | StatementKind::Return(_) => false,
            StatementKind::Call(call) => self.of_call(call),
            StatementKind::If { condition, then, otherwise } => {
                self.of_expression(condition)
                    && (self.of(then)
                        || otherwise.as_deref().is_none_or(|otherwise| self.of(otherwise)))
            }
            StatementKind::Switch { value, cases } => {
                self.of_expression(value)
                    && !cases.iter().any(|case| matches!(case.label, CaseLabel::Default))
            }
            StatementKind::While { condition, .. } => self.of_expression(condition),
        }
    }

    /// Whether an expression does nothing with the request.
    fn of_expression(&self, expression: &Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Binary(_, left, right) => {
                self.of_expression(left) && self.of_expression(right)
            }
            ExpressionKind::Call(call) => self.of_call(call),
            ExpressionKind::Unary(_, inner) => self.of_expression(inner),
            _ => true,
        }
    }

    /// Whether a call does nothing with the request. What is not known may do anything.
    fn of_call(&self, call: &Call) -> bool {
        if is_open(call) {
            return false;
        }
        if call.name.node == "route" {
            return self.graph.callee(call).is_some_and(|callee| self.inert[callee]);
        }
        !ACTING.contains(&call.name.node.as_str()) && function_of(self.registry, call).is_some()
    }
}
