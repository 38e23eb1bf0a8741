//! Route blocks and modules that nothing uses.

use std::collections::BTreeSet;

use super::super::graph::is_main;
use super::super::{Checker, title};
use crate::script::Severity;
use crate::script::ast::{
    Ast, CaseLabel, Expression, ExpressionKind, GlobalValue, RouteKind, StatementKind,
};
use crate::script::registry::{ModuleSpec, ModuleState};
use crate::script::walk;

/// Warns of both.
pub(super) fn lint(checker: &mut Checker<'_>) {
    blocks(checker);
    modules(checker);
}

/// Warns of route blocks that are neither run by the server nor named anywhere.
fn blocks(checker: &mut Checker<'_>) {
    let ast = checker.ast;
    let named = names(ast);
    let reached = checker.graph.reached(|_, route| match route.kind {
        RouteKind::Request => is_main(route) || named.contains(route.name.node.as_str()),
        RouteKind::Reply | RouteKind::Failure | RouteKind::Branch => {
            route.name.node == "0" || named.contains(route.name.node.as_str())
        }
        RouteKind::OnSend | RouteKind::Event | RouteKind::Other => true,
    });
    for (route, is_reached) in ast.routes.iter().zip(reached) {
        let never_runs =
            matches!(route.kind, RouteKind::OnSend | RouteKind::Event | RouteKind::Other);
        if never_runs && !route.body.is_empty() {
            let message = format!("`{}` never runs: it is accepted, and that is all", title(route));
            checker.report(Severity::Warning, "W0413", message, route.keyword.span);
        }
        if !is_reached && !ast.passed.may_name(&route.name.node) {
            let message = format!("`{}` is never used", title(route));
            checker.report(Severity::Warning, "W0410", message, route.name.span);
        }
    }
}

/// All that may be the name of a route block: arguments of functions, and words within the values
/// of parameters, as modules name blocks to run in them.
fn names(ast: &Ast) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for route in &ast.routes {
        walk::calls(&route.body, &mut |call| {
            if call.name.node != "route" {
                names.extend(call.arguments.iter().filter_map(super::super::graph::route_name));
            }
        });
    }
    let values = ast.globals.iter().flat_map(|global| &global.values);
    let values = values.chain(ast.modparams.iter().map(|parameter| &parameter.value));
    for value in values {
        let text = match &value.node {
            GlobalValue::Text(text) => String::from_utf8_lossy(text).into_owned(),
            GlobalValue::Word(word) => word.clone(),
            GlobalValue::Int(number) => number.to_string(),
        };
        names.extend(text.split([';', ',', '=', ' ', '|']).map(|word| word.trim().to_owned()));
        names.insert(text);
    }
    names
}

/// Warns of modules of which no function and no variable is used.
fn modules(checker: &mut Checker<'_>) {
    let used = Used::of(checker.ast);
    let passed = &checker.ast.passed;
    let is_used = |module: &ModuleSpec| {
        let variables = module.variables.iter();
        let mut variables =
            variables.flat_map(|spec| std::iter::once(&spec.name).chain(spec.aliases));
        functions_of(module).any(|name| used.functions.contains(name))
            || variables.any(|name| used.variables.contains(name.as_bytes()))
            || functions_of(module).any(|name| passed.may_name(name))
            || module.missing.variables.iter().any(|name| used.variables.contains(name.as_bytes()))
    };
    let has_kin = checker.loaded.iter().any(|module| BINDING_RR.contains(&module.name));
    let ast = checker.ast;
    for name in &ast.modules {
        let Some(module) = checker.registry.module(&name.node) else { continue };
        let is_bare = module.functions.is_empty() && module.variables.is_empty();
        let is_for_others = FOR_OTHERS.contains(&module.name) || module.name == "rr" && has_kin;
        if module.state != ModuleState::Ready || is_bare || is_for_others || is_used(module) {
            continue;
        }
        let message = format!("nothing of module `{}` is used", module.name);
        checker.report(Severity::Warning, "W0411", message, name.span);
    }
}

/// The names of the functions of a module, there or not yet.
fn functions_of(module: &ModuleSpec) -> impl Iterator<Item = &'static str> {
    let specs = module.functions.iter();
    let names =
        specs.flat_map(|spec| std::iter::once(spec.name).chain(spec.aliases.iter().copied()));
    names.chain(module.missing.functions.iter().copied())
}

/// Modules that are loaded because others need them, for connections, or for commands of the
/// administrator.
const FOR_OTHERS: &[&str] = &["corex", "kex", "pv", "sl", "tls", "usrloc"];

/// Modules that work through `rr`.
const BINDING_RR: &[&str] = &["acc", "dialog", "nathelper", "outbound", "path", "rls", "uac"];

/// The names that a script uses.
#[derive(Default)]
struct Used<'a> {
    functions: BTreeSet<&'a str>,
    variables: BTreeSet<&'a [u8]>,
}

impl<'a> Used<'a> {
    /// Those of a script.
    fn of(ast: &'a Ast) -> Self {
        let mut used = Self::default();
        for route in &ast.routes {
            walk::calls(&route.body, &mut |call| {
                used.functions.insert(&call.name.node);
            });
            walk::expressions(&route.body, &mut |expression| used.expression(expression));
            for statement in &route.body {
                walk::each_statement(statement, &mut |statement| match &statement.kind {
                    StatementKind::Assign { target, .. } => used.text(&target.node),
                    StatementKind::Switch { cases, .. } => {
                        for case in cases {
                            if let CaseLabel::Value(value) = &case.label {
                                used.expression(value);
                            }
                        }
                    }
                    _ => {}
                });
            }
        }
        for parameter in &ast.modparams {
            if let GlobalValue::Text(text) = &parameter.value.node {
                used.text(text);
            }
        }
        used
    }

    /// Notes the variables of an expression.
    fn expression(&mut self, expression: &'a Expression) {
        if let ExpressionKind::Text(text, _) | ExpressionKind::Variable(text) = &expression.kind {
            self.text(text);
        }
    }

    /// Notes whatever may be a variable in a text.
    fn text(&mut self, text: &'a [u8]) {
        let mut rest = text;
        while let Some(at) = memchr::memchr2(b'$', b'%', rest) {
            rest = &rest[at + 1..];
            rest = rest.strip_prefix(b"(").unwrap_or(rest);
            let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
            let length = rest.iter().take_while(is_name).count();
            self.variables.insert(&rest[..length]);
        }
    }
}
