//! Ways over the tree that more than one reader of it needs.

use super::ast::{Call, Expression, ExpressionKind, Statement, StatementKind};

/// Calls `visit` with each expression of the statements, outer ones before those within them,
/// in the order in which they are written.
pub(super) fn expressions<'a>(statements: &'a [Statement], visit: &mut dyn FnMut(&'a Expression)) {
    for statement in statements {
        of_statement(statement, visit);
    }
}

/// Calls `visit` with the expression and each within it.
pub(super) fn within<'a>(expression: &'a Expression, visit: &mut dyn FnMut(&'a Expression)) {
    visit(expression);
    match &expression.kind {
        ExpressionKind::Binary(_, left, right) => {
            within(left, visit);
            within(right, visit);
        }
        ExpressionKind::Call(call) => of_call(call, visit),
        ExpressionKind::Unary(_, inner) => within(inner, visit),
        ExpressionKind::Int(_)
        | ExpressionKind::Text(..)
        | ExpressionKind::Variable(_)
        | ExpressionKind::Word(_) => {}
    }
}

/// Calls `visit` with each call of the statements.
pub(super) fn calls<'a>(statements: &'a [Statement], visit: &mut dyn FnMut(&'a Call)) {
    for statement in statements {
        each_statement(statement, &mut |statement| match &statement.kind {
            StatementKind::Call(call) => {
                visit(call);
                of_call(call, &mut |inner| call_of(inner, visit));
            }
            kind => own(kind, &mut |inner| call_of(inner, visit)),
        });
    }
}

/// Calls `visit` if the expression is a call.
fn call_of<'a>(expression: &'a Expression, visit: &mut dyn FnMut(&'a Call)) {
    if let ExpressionKind::Call(call) = &expression.kind {
        visit(call);
    }
}

/// Calls `visit` with each expression of a statement.
fn of_statement<'a>(statement: &'a Statement, visit: &mut dyn FnMut(&'a Expression)) {
    each_statement(statement, &mut |statement| match &statement.kind {
        StatementKind::Call(call) => of_call(call, visit),
        kind => own(kind, visit),
    });
}

/// Calls `visit` with each expression of a call's arguments.
fn of_call<'a>(call: &'a Call, visit: &mut dyn FnMut(&'a Expression)) {
    call.arguments.iter().for_each(|argument| within(argument, visit));
}

/// Calls `visit` with the statement and each within it.
pub(super) fn each_statement<'a>(statement: &'a Statement, visit: &mut dyn FnMut(&'a Statement)) {
    visit(statement);
    match &statement.kind {
        StatementKind::Block(inner) => {
            inner.iter().for_each(|inner| each_statement(inner, visit));
        }
        StatementKind::If { then, otherwise, .. } => {
            each_statement(then, visit);
            otherwise.iter().for_each(|otherwise| each_statement(otherwise, visit));
        }
        StatementKind::Switch { cases, .. } => {
            let inner = cases.iter().flat_map(|case| &case.body);
            inner.for_each(|inner| each_statement(inner, visit));
        }
        StatementKind::While { body, .. } => each_statement(body, visit),
        StatementKind::Assign { .. }
        | StatementKind::Break
        | StatementKind::Call(_)
        | StatementKind::Drop
        | StatementKind::Exit
        | StatementKind::Return(_) => {}
    }
}

/// Calls `visit` with the expressions of a statement itself, not of those within it.
fn own<'a>(kind: &'a StatementKind, visit: &mut dyn FnMut(&'a Expression)) {
    match kind {
        StatementKind::Assign { value, .. } => within(value, visit),
        StatementKind::If { condition, .. } | StatementKind::While { condition, .. } => {
            within(condition, visit);
        }
        StatementKind::Return(value) => value.iter().for_each(|value| within(value, visit)),
        StatementKind::Switch { value, .. } => within(value, visit),
        StatementKind::Block(_)
        | StatementKind::Break
        | StatementKind::Call(_)
        | StatementKind::Drop
        | StatementKind::Exit => {}
    }
}
