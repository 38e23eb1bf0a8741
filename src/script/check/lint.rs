//! What may be meant, but probably is not.

use super::{Checker, is_main};
use crate::script::Severity;
use crate::script::ast::{
    Ast, Call, CaseLabel, Expression, ExpressionKind, Route, RouteKind, Statement, StatementKind,
};

/// Functions that answer or send on the request, or at least try to.
const ACTING: &[&str] = &[
    "forward",
    "forward_udp",
    "options_reply",
    "save",
    "send_reply",
    "send_reply_error",
    "sl_reply",
    "sl_reply_error",
    "sl_send_reply",
];

/// Notes a main route block with a way to its end on which the request is neither answered nor
/// sent on: it is dropped silently then. Where one cannot be sure there is no note.
pub(super) fn lint(checker: &mut Checker<'_>) {
    let ast = checker.ast;
    for route in ast.routes.iter().filter(|route| is_main(route)) {
        let mut inertia = Inertia { ast, blocks: Vec::new() };
        if !inertia.of_all(&route.body) {
            continue;
        }
        let message =
            "a request that nothing was done with is dropped silently at the end of this block";
        let place = route.keyword.span;
        let diagnostic = checker.report(Severity::Note, "W0403", message.to_owned(), place);
        diagnostic.help = Some("end it with a forward, a reply or `exit`".to_owned());
    }
}

/// Looks for ways through statements on which nothing is done with the request.
struct Inertia<'a> {
    ast: &'a Ast,
    /// What was found out about route blocks; `false` while one is being looked into.
    blocks: Vec<(String, bool)>,
}

impl Inertia<'_> {
    /// Whether there is such a way through all of them.
    fn of_all(&mut self, statements: &[Statement]) -> bool {
        statements.iter().all(|statement| self.of(statement))
    }

    /// Whether there is such a way through a statement. Who writes `exit` or `return` means it.
    fn of(&mut self, statement: &Statement) -> bool {
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
    fn of_expression(&mut self, expression: &Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Binary(_, left, right) => {
                self.of_expression(left) && self.of_expression(right)
            }
            ExpressionKind::Call(call) => self.of_call(call),
            ExpressionKind::Unary(_, inner) => self.of_expression(inner),
            _ => true,
        }
    }

    /// Whether a call does nothing with the request.
    fn of_call(&mut self, call: &Call) -> bool {
        let name = call.name.node.as_str();
        if name != "route" {
            return !ACTING.contains(&name);
        }
        let Some(block) = call.arguments.first().and_then(route_name) else { return false };
        let ast = self.ast;
        let is_called =
            |route: &&Route| route.kind == RouteKind::Request && route.name.node == block;
        let Some(route) = ast.routes.iter().find(is_called) else { return false };
        if let Some((_, inert)) = self.blocks.iter().find(|(name, _)| *name == block) {
            return *inert;
        }
        let position = self.blocks.len();
        self.blocks.push((block, false));
        let inert = self.of_all(&route.body);
        self.blocks[position].1 = inert;
        inert
    }
}

/// The names of the route blocks that statements call.
pub(super) fn calls(statements: &[Statement]) -> Vec<String> {
    let mut names = Vec::new();
    for statement in statements {
        collect(statement, &mut names);
    }
    names
}

/// Adds the names of the route blocks that a statement calls.
fn collect(statement: &Statement, names: &mut Vec<String>) {
    match &statement.kind {
        StatementKind::Assign { value, .. } => from_expression(value, names),
        StatementKind::Block(inner) => inner.iter().for_each(|inner| collect(inner, names)),
        StatementKind::Call(call) => from_call(call, names),
        StatementKind::If { condition, then, otherwise } => {
            from_expression(condition, names);
            collect(then, names);
            otherwise.iter().for_each(|otherwise| collect(otherwise, names));
        }
        StatementKind::Return(value) => {
            value.iter().for_each(|value| from_expression(value, names));
        }
        StatementKind::Switch { value, cases } => {
            from_expression(value, names);
            cases.iter().flat_map(|case| &case.body).for_each(|inner| collect(inner, names));
        }
        StatementKind::While { condition, body } => {
            from_expression(condition, names);
            collect(body, names);
        }
        StatementKind::Break | StatementKind::Drop | StatementKind::Exit => {}
    }
}

/// Adds the names of the route blocks that an expression calls.
fn from_expression(expression: &Expression, names: &mut Vec<String>) {
    match &expression.kind {
        ExpressionKind::Binary(_, left, right) => {
            from_expression(left, names);
            from_expression(right, names);
        }
        ExpressionKind::Call(call) => from_call(call, names),
        ExpressionKind::Unary(_, inner) => from_expression(inner, names),
        _ => {}
    }
}

/// Adds the name of the route block that a call is of.
fn from_call(call: &Call, names: &mut Vec<String>) {
    if call.name.node == "route" {
        names.extend(call.arguments.first().and_then(route_name));
    }
}

/// The name of a route block, as an argument.
pub(super) fn route_name(argument: &Expression) -> Option<String> {
    match &argument.kind {
        ExpressionKind::Int(number) => Some(number.to_string()),
        ExpressionKind::Text(text, _) => String::from_utf8(text.clone()).ok(),
        ExpressionKind::Word(word) => Some(word.clone()),
        _ => None,
    }
}
