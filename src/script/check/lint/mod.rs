//! What runs, but probably not as meant.
//!
//! A warning that is wrong costs more than one that is missing: where it cannot be known what a
//! script does, as with a function that is not there yet, nothing is said.

mod assigned;
mod compare;
mod pattern;
mod reach;
mod silence;
mod unused;

use super::Checker;
use crate::script::ast::{Call, ExpressionKind, RouteKind};
use crate::script::registry::{FunctionSpec, ParameterKind, Registry};
use crate::script::{Severity, Span, walk};

/// Looks for all of it in a script that is right.
pub(super) fn lint(checker: &mut Checker<'_>) {
    reach::lint(checker);
    silence::lint(checker);
    unused::lint(checker);
    assigned::lint(checker);
    compare::lint(checker);
    pattern::lint(checker);
    stateless_in_failure(checker);
}

/// Warns of `forward` where a transaction is being dealt with: it knows nothing of what is sent.
fn stateless_in_failure(checker: &mut Checker<'_>) {
    let mut found: Vec<(Span, String)> = Vec::new();
    for (route, kinds) in checker.ast.routes.iter().zip(checker.graph.kinds()) {
        if kinds == [RouteKind::Failure] {
            walk::calls(&route.body, &mut |call| {
                if STATELESS.contains(&call.name.node.as_str()) {
                    found.push((call.name.span, call.name.node.clone()));
                }
            });
        }
    }
    for (place, name) in found {
        let message = format!("`{name}` in a failure route sends past the transaction");
        let diagnostic = checker.report(Severity::Warning, "W0407", message, place);
        diagnostic.help = Some("send the request on with `t_relay()`".to_owned());
    }
}

/// Functions that send a request on without a transaction.
const STATELESS: &[&str] = &["forward", "forward_udp", "forward_tcp", "forward_tls", "send"];

/// The function that a call is of, if it is known for sure.
fn function_of(registry: &Registry, call: &Call) -> Option<&'static FunctionSpec> {
    let name = call.name.node.as_str();
    let is_named = |spec: &&FunctionSpec| spec.name == name || spec.aliases.contains(&name);
    let fits = |spec: &&FunctionSpec| call.arguments.len() <= spec.parameters.len();
    registry.functions().map(|(_, spec)| spec).filter(is_named).find(fits)
}

/// The arguments of a call that are regular expressions.
fn regexes<'a>(registry: &Registry, call: &'a Call) -> Vec<(&'a [u8], Span)> {
    let Some(function) = function_of(registry, call) else { return Vec::new() };
    let pairs = function.parameters.iter().zip(&call.arguments);
    pairs
        .filter(|(parameter, _)| parameter.kind == ParameterKind::Regex)
        .filter_map(|(_, argument)| match &argument.kind {
            ExpressionKind::Text(text, _) => Some((text.as_slice(), argument.span)),
            _ => None,
        })
        .collect()
}
