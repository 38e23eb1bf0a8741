//! What may be meant, but probably is not.

use super::{Checker, is_main};
use crate::script::Severity;
use crate::script::ast::{Call, Expression, ExpressionKind, Statement, StatementKind};

/// Notes a main route block that may end with nothing done: the request is dropped silently then.
pub(super) fn lint(checker: &mut Checker<'_>) {
    let ast = checker.ast;
    for route in ast.routes.iter().filter(|route| is_main(route)) {
        if decides(route.body.last()) {
            continue;
        }
        let message = "a request that reaches the end of this block is dropped silently".to_owned();
        let diagnostic = checker.report(Severity::Note, "W0403", message, route.keyword.span);
        diagnostic.help = Some("end it with a forward, a reply or `exit`".to_owned());
    }
}

/// Whether the request has been decided about when this last statement has run.
fn decides(last: Option<&Statement>) -> bool {
    let Some(statement) = last else { return false };
    match &statement.kind {
        StatementKind::Break
        | StatementKind::Call(_)
        | StatementKind::Drop
        | StatementKind::Exit
        | StatementKind::Return(_) => true,
        StatementKind::Block(inner) => decides(inner.last()),
        StatementKind::If { then, otherwise: Some(otherwise), .. } => {
            decides(Some(then)) && decides(Some(otherwise))
        }
        StatementKind::Switch { cases, .. } => {
            cases.last().is_some_and(|case| decides(case.body.last()))
        }
        StatementKind::Assign { .. } | StatementKind::If { .. } | StatementKind::While { .. } => {
            false
        }
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
