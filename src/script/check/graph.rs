//! Which route block calls which.

use std::collections::BTreeMap;

use crate::script::ast::{Ast, Call, Expression, ExpressionKind, Route, RouteKind};
use crate::script::walk;

/// The route blocks of a script and the calls between them.
pub(super) struct CallGraph<'a> {
    routes: &'a [Route],
    /// The first block of each kind and name.
    positions: BTreeMap<(RouteKind, &'a str), usize>,
    /// The blocks that each one calls, each once.
    callees: Vec<Vec<usize>>,
    /// The blocks that call each one, each once.
    callers: Vec<Vec<usize>>,
    /// Whether each block calls some that are named only when the script runs.
    calls_any: Vec<bool>,
}

impl<'a> CallGraph<'a> {
    /// The blocks of a script.
    pub(super) fn new(ast: &'a Ast) -> Self {
        let mut positions = BTreeMap::new();
        for (position, route) in ast.routes.iter().enumerate() {
            positions.entry((route.kind, route.name.node.as_str())).or_insert(position);
        }
        let mut graph = Self {
            routes: &ast.routes,
            positions,
            callees: Vec::with_capacity(ast.routes.len()),
            callers: vec![Vec::new(); ast.routes.len()],
            calls_any: Vec::with_capacity(ast.routes.len()),
        };
        for (caller, route) in ast.routes.iter().enumerate() {
            let mut callees = Vec::new();
            let mut calls_any = false;
            walk::calls(&route.body, &mut |call| {
                calls_any |= is_open(call);
                callees.extend(graph.callee(call));
            });
            graph.calls_any.push(calls_any);
            callees.sort_unstable();
            callees.dedup();
            for callee in &callees {
                graph.callers[*callee].push(caller);
            }
            graph.callees.push(callees);
        }
        graph
    }

    /// The block of that kind and name.
    pub(super) fn find(&self, kind: RouteKind, name: &str) -> Option<usize> {
        self.positions.get(&(kind, name)).copied()
    }

    /// The block that a call is of.
    pub(super) fn callee(&self, call: &Call) -> Option<usize> {
        if call.name.node != "route" {
            return None;
        }
        let name = call.arguments.first().and_then(route_name)?;
        self.find(RouteKind::Request, &name)
    }

    /// Whether some block calls others that are named only when the script runs.
    pub(super) fn is_open(&self) -> bool {
        self.calls_any.contains(&true)
    }

    /// The kinds that each block may run as: its own, or for a subroutine those of its callers.
    pub(super) fn kinds(&self) -> Vec<Vec<RouteKind>> {
        let mut kinds: Vec<Vec<RouteKind>> = vec![Vec::new(); self.routes.len()];
        let mut open = Vec::new();
        for (position, route) in self.routes.iter().enumerate() {
            if !is_subroutine(route) {
                kinds[position].push(route.kind);
                open.push(position);
            }
        }
        // Kinds of the blocks that may call any subroutine.
        let mut of_any: Vec<RouteKind> = Vec::new();
        while let Some(caller) = open.pop() {
            let own = kinds[caller].clone();
            let is_subroutine = |callee: &usize| is_subroutine(&self.routes[*callee]);
            if self.calls_any[caller] && add_all(&mut of_any, &own) {
                let all = (0..self.routes.len()).filter(is_subroutine);
                open.extend(all.filter(|callee| add_all(&mut kinds[*callee], &of_any)));
            }
            let callees = self.callees[caller].iter().copied().filter(is_subroutine);
            open.extend(callees.filter(|callee| add_all(&mut kinds[*callee], &own)));
        }
        for own in kinds.iter_mut().filter(|own| own.is_empty()) {
            own.push(RouteKind::Request);
        }
        kinds
    }

    /// For each block whether it can run, if those do for which `starts` holds.
    pub(super) fn reached(&self, starts: impl Fn(usize, &Route) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.routes.len()];
        let mut open: Vec<usize> = Vec::new();
        for (position, route) in self.routes.iter().enumerate() {
            if starts(position, route) {
                reached[position] = true;
                open.push(position);
            }
        }
        let mut is_open = false;
        while let Some(caller) = open.pop() {
            let mut reach = |callee: usize| {
                if !std::mem::replace(&mut reached[callee], true) {
                    open.push(callee);
                }
            };
            self.callees[caller].iter().copied().for_each(&mut reach);
            if self.calls_any[caller] && !std::mem::replace(&mut is_open, true) {
                let all = self.routes.iter().enumerate();
                all.filter(|(_, it)| is_subroutine(it)).for_each(|(callee, _)| reach(callee));
            }
        }
        reached
    }

    /// For each block whether something holds for it that depends on whether it holds for those
    /// that it calls. It holds for none to begin with; `holds` must not give up what it said.
    pub(super) fn solve(&self, holds: impl Fn(&Route, &[bool]) -> bool) -> Vec<bool> {
        let mut known = vec![false; self.routes.len()];
        let mut open: Vec<usize> = (0..self.routes.len()).collect();
        while let Some(position) = open.pop() {
            if !known[position] && holds(&self.routes[position], &known) {
                known[position] = true;
                open.extend(self.callers[position].iter().filter(|caller| !known[**caller]));
            }
        }
        known
    }

    /// The blocks that call a block.
    pub(super) fn callers(&self, position: usize) -> &[usize] {
        &self.callers[position]
    }
}

/// Adds what is not there yet; whether there was something.
fn add_all(kinds: &mut Vec<RouteKind>, more: &[RouteKind]) -> bool {
    let before = kinds.len();
    for kind in more {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    kinds.len() > before
}

/// Whether a call is of a block that is named only when the script runs.
pub(super) fn is_open(call: &Call) -> bool {
    match call.name.node.as_str() {
        "route" => !call.arguments.iter().any(|argument| route_name(argument).is_some()),
        "route_if_exists" => true,
        _ => false,
    }
}

/// Whether it is a block that others call.
fn is_subroutine(route: &Route) -> bool {
    route.kind == RouteKind::Request && !is_main(route)
}

/// Whether it is the block that runs for each request.
pub(super) fn is_main(route: &Route) -> bool {
    route.kind == RouteKind::Request && route.name.node == "0"
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
