//! `$var(...)` read where no run can have set it.
//!
//! For each place it is found which variables some way to it sets; what is set in a loop counts
//! for the whole loop. A route block is entered with what is set on the way to any call of it.

use std::collections::BTreeMap;

use super::super::Checker;
use super::super::graph::{CallGraph, is_main};
use super::function_of;
use crate::script::ast::{
    BinaryOperator, Call, Expression, ExpressionKind, RouteKind, Statement, StatementKind,
    UnaryOperator,
};
use crate::script::registry::{FunctionSpec, ParameterKind, Registry};
use crate::script::{Severity, Span, nearest, walk};

/// Warns of each such variable where it is first read.
pub(super) fn lint(checker: &mut Checker<'_>) {
    for (span, message, meant) in early_reads(checker) {
        let diagnostic = checker.report(Severity::Warning, "W0406", message, span);
        diagnostic.help = meant.map(|meant| format!("did you mean `$var({meant})`?"));
    }
}

/// Where what is read too early, and which name was probably meant.
fn early_reads(checker: &Checker<'_>) -> Vec<(Span, String, Option<String>)> {
    let Some(flow) = Flow::of(checker) else { return Vec::new() };
    let mut told = Set::default();
    let mut found = Vec::new();
    for read in flow.reads() {
        if told.has(read.variable) {
            continue;
        }
        told.add(read.variable);
        let name = String::from_utf8_lossy(flow.names[read.variable]).into_owned();
        if checker.ast.passed.may_name(&name) {
            continue;
        }
        found.push(if flow.ever.has(read.variable) {
            (read.span, format!("`$var({name})` is read before anything sets it"), None)
        } else {
            let message = format!("`$var({name})` is read, but nothing sets it");
            (read.span, message, flow.similar(&name))
        });
    }
    found
}

/// A set of variables, by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set([u64; VARIABLE_COUNT_MAX / 64]);

/// Variables beyond which nothing is looked for: far more than scripts have.
const VARIABLE_COUNT_MAX: usize = 1_024;

impl Set {
    /// Adds a variable.
    fn add(&mut self, variable: usize) {
        self.0[variable / 64] |= 1 << (variable % 64);
    }

    /// Adds all of another set; whether there was something new.
    fn add_all(&mut self, other: &Self) -> bool {
        let before = *self;
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own |= other);
        *self != before
    }

    /// Whether a variable is in it.
    const fn has(&self, variable: usize) -> bool {
        self.0[variable / 64] & (1 << (variable % 64)) != 0
    }
}

/// A variable that is read where nothing has set it.
struct Early {
    variable: usize,
    span: Span,
}

/// What sets which variables.
struct Flow<'a> {
    ast: &'a crate::script::ast::Ast,
    graph: &'a CallGraph<'a>,
    registry: &'a Registry,
    names: Vec<&'a [u8]>,
    numbers: BTreeMap<&'a [u8], usize>,
    /// What a call of each route block may set.
    sets: Vec<Set>,
    /// What may be set when each route block starts.
    entries: Vec<Set>,
    /// All that is set anywhere.
    ever: Set,
}

impl<'a> Flow<'a> {
    /// That of a script; none if it has too many variables, or calls blocks of which it is not
    /// known which they are.
    fn of(checker: &'a Checker<'_>) -> Option<Self> {
        if checker.graph.is_open() {
            return None;
        }
        let count = checker.ast.routes.len();
        let mut flow = Self {
            ast: checker.ast,
            graph: &checker.graph,
            registry: checker.registry,
            names: Vec::new(),
            numbers: BTreeMap::new(),
            sets: vec![Set::default(); count],
            entries: vec![Set::default(); count],
            ever: Set::default(),
        };
        flow.number_all()?;
        flow.collect_sets();
        flow.collect_entries();
        Some(flow)
    }

    /// The variables that are read too early, in the order of their places.
    fn reads(&self) -> Vec<Early> {
        let mut early = Vec::new();
        for (position, route) in self.ast.routes.iter().enumerate() {
            let mut way = Way {
                flow: self,
                set: self.entries[position],
                told: &mut |told| {
                    if let Told::Read(variable, span, false) = told {
                        early.push(Early { variable, span });
                    }
                },
            };
            way.all(&route.body);
        }
        early.sort_by_key(|read| read.span.start);
        early
    }

    /// The variable that is set somewhere and has a name like this one.
    fn similar(&self, name: &str) -> Option<String> {
        let set = self.names.iter().enumerate().filter(|(number, _)| self.ever.has(*number));
        let names: Vec<&str> = set.filter_map(|(_, name)| std::str::from_utf8(name).ok()).collect();
        nearest(name, names).map(str::to_owned)
    }

    /// Gives each variable a number.
    fn number_all(&mut self) -> Option<()> {
        let ast = self.ast;
        let mut texts: Vec<&[u8]> = Vec::new();
        for route in &ast.routes {
            walk::expressions(&route.body, &mut |expression| {
                if let ExpressionKind::Text(text, _) | ExpressionKind::Variable(text) =
                    &expression.kind
                {
                    texts.push(text);
                }
            });
            for statement in &route.body {
                walk::each_statement(statement, &mut |statement| {
                    if let StatementKind::Assign { target, .. } = &statement.kind {
                        texts.push(&target.node);
                    }
                });
            }
        }
        for name in texts.into_iter().flat_map(names_in) {
            if !self.numbers.contains_key(name) {
                self.numbers.insert(name, self.names.len());
                self.names.push(name);
            }
        }
        (self.names.len() <= VARIABLE_COUNT_MAX).then_some(())
    }

    /// Finds out what a call of each block may set, itself or by those it calls.
    fn collect_sets(&mut self) {
        for (position, route) in self.ast.routes.iter().enumerate() {
            let mut way = Way { flow: self, set: Set::default(), told: &mut |_| {} };
            way.all(&route.body);
            self.sets[position] = way.set;
        }
        let mut open: Vec<usize> = (0..self.sets.len()).collect();
        while let Some(callee) = open.pop() {
            let own = self.sets[callee];
            for caller in self.graph.callers(callee) {
                if self.sets[*caller].add_all(&own) {
                    open.push(*caller);
                }
            }
        }
        for own in &self.sets {
            self.ever.add_all(own);
        }
    }

    /// Finds out what may be set when each block starts. The main block starts with nothing; of
    /// others that the server runs it is not said.
    fn collect_entries(&mut self) {
        let ast = self.ast;
        let reached =
            self.graph.reached(|_, route| is_main(route) || route.kind != RouteKind::Request);
        for (position, route) in ast.routes.iter().enumerate() {
            if route.kind != RouteKind::Request || !reached[position] {
                self.entries[position] = self.ever;
            }
        }
        let mut open: Vec<usize> =
            (0..ast.routes.len()).filter(|position| reached[*position]).collect();
        while let Some(position) = open.pop() {
            let mut calls = Vec::new();
            let mut way = Way {
                flow: self,
                set: self.entries[position],
                told: &mut |told| {
                    if let Told::Call(callee, set) = told {
                        calls.push((callee, set));
                    }
                },
            };
            way.all(&ast.routes[position].body);
            for (callee, set) in calls {
                if !is_main(&ast.routes[callee]) && self.entries[callee].add_all(&set) {
                    open.push(callee);
                }
            }
        }
    }
}

/// What is met on a way.
enum Told {
    /// A call of a block, and what may be set then.
    Call(usize, Set),
    /// A variable that is read, where, and whether it may be set.
    Read(usize, Span, bool),
}

/// A way through statements.
struct Way<'f, 'a> {
    flow: &'f Flow<'a>,
    /// What may be set here.
    set: Set,
    told: &'f mut dyn FnMut(Told),
}

impl Way<'_, '_> {
    /// Goes through statements.
    fn all(&mut self, statements: &[Statement]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    /// Goes through a statement.
    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Assign { target, operator, value } => {
                self.expression(value);
                if operator.is_some() {
                    self.read(&target.node, target.span);
                }
                self.assign(&target.node);
            }
            StatementKind::Block(inner) => self.all(inner),
            StatementKind::Call(call) => self.call(call),
            StatementKind::If { condition, then, otherwise } => {
                self.condition(condition);
                let before = self.set;
                self.statement(then);
                let then = std::mem::replace(&mut self.set, before);
                otherwise.iter().for_each(|otherwise| self.statement(otherwise));
                self.set.add_all(&then);
            }
            StatementKind::Switch { value, cases } => {
                self.expression(value);
                cases.iter().for_each(|case| self.all(&case.body));
            }
            StatementKind::While { condition, body } => {
                // What a turn sets the next one may read.
                walk::within(condition, &mut |inner| {
                    if let ExpressionKind::Call(call) = &inner.kind {
                        self.set_by(call);
                    }
                });
                walk::calls(std::slice::from_ref(body), &mut |call| self.set_by(call));
                walk::each_statement(body, &mut |inner| {
                    if let StatementKind::Assign { target, .. } = &inner.kind {
                        self.assign(&target.node);
                    }
                });
                self.condition(condition);
                self.statement(body);
            }
            StatementKind::Return(value) => value.iter().for_each(|value| self.expression(value)),
            StatementKind::Break | StatementKind::Drop | StatementKind::Exit => {}
        }
    }

    /// Goes through a condition: one that is nothing but a variable asks whether it is set.
    fn condition(&mut self, condition: &Expression) {
        if !matches!(condition.kind, ExpressionKind::Variable(_)) {
            self.expression(condition);
        }
    }

    /// Goes through an expression.
    fn expression(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::Binary(operator, left, right) => {
                let asks = match operator {
                    BinaryOperator::Equal | BinaryOperator::NotEqual => {
                        is_null(left) || is_null(right)
                    }
                    BinaryOperator::And | BinaryOperator::Or => {
                        self.condition(left);
                        self.condition(right);
                        true
                    }
                    _ => false,
                };
                if !asks {
                    self.expression(left);
                    self.expression(right);
                }
            }
            ExpressionKind::Call(call) => self.call(call),
            ExpressionKind::Unary(UnaryOperator::Defined | UnaryOperator::StrEmpty, _) => {}
            ExpressionKind::Unary(UnaryOperator::Not, inner) => self.condition(inner),
            ExpressionKind::Unary(_, inner) => self.expression(inner),
            ExpressionKind::Variable(text) => self.read(text, expression.span),
            ExpressionKind::Int(_) | ExpressionKind::Text(..) | ExpressionKind::Word(_) => {}
        }
    }

    /// Goes through a call. A function that is not known may set what it is given.
    fn call(&mut self, call: &Call) {
        if let Some(callee) = self.flow.graph.callee(call) {
            (self.told)(Told::Call(callee, self.set));
        } else {
            let function = function_of(self.flow.registry, call);
            for (position, argument) in call.arguments.iter().enumerate() {
                match (kind_of(function, position), &argument.kind) {
                    (None | Some(ParameterKind::Variable | ParameterKind::Literal), _) => {}
                    (Some(ParameterKind::Regex | ParameterKind::AnyVariable), _) => {}
                    (Some(_), ExpressionKind::Text(text, _)) => self.read(text, argument.span),
                    (Some(_), _) => self.expression(argument),
                }
            }
        }
        self.set_by(call);
    }

    /// Sets what a call may set.
    fn set_by(&mut self, call: &Call) {
        if let Some(callee) = self.flow.graph.callee(call) {
            self.set.add_all(&self.flow.sets[callee]);
            return;
        }
        if call.name.node == SETS_ANY {
            (0..self.flow.names.len()).for_each(|variable| self.set.add(variable));
        }
        let function = function_of(self.flow.registry, call);
        for (position, argument) in call.arguments.iter().enumerate() {
            let kind = kind_of(function, position);
            let may_set =
                matches!(kind, None | Some(ParameterKind::Variable | ParameterKind::Literal));
            if let (true, ExpressionKind::Text(text, _) | ExpressionKind::Variable(text)) =
                (may_set, &argument.kind)
            {
                self.assign(text);
            }
        }
    }

    /// Reads the variables in a text.
    fn read(&mut self, text: &[u8], span: Span) {
        for name in names_in(text) {
            if let Some(variable) = self.flow.numbers.get(name) {
                (self.told)(Told::Read(*variable, span, self.set.has(*variable)));
            }
        }
    }

    /// Sets the variables in a text.
    fn assign(&mut self, text: &[u8]) {
        for name in names_in(text).chain(names_of(b"vz(", text)) {
            if let Some(variable) = self.flow.numbers.get(name) {
                self.set.add(*variable);
            }
        }
    }
}

/// The function that sets the variables that an attribute names.
const SETS_ANY: &str = "pv_xavp_to_var";

/// What the argument at that position must be; nothing if that is not known.
fn kind_of(function: Option<&FunctionSpec>, position: usize) -> Option<ParameterKind> {
    Some(function?.parameters.get(position)?.kind)
}

/// Whether an expression is `$null`.
fn is_null(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Variable(text) => text == b"$null" || text == b"$(null)",
        ExpressionKind::Word(word) => word.eq_ignore_ascii_case("null"),
        _ => false,
    }
}

/// The names of the `$var(...)` in a text.
fn names_in(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    names_of(b"var(", text)
}

/// The names in a text behind `$` and this start: `$vz(...)` is another way of writing `$var(...)`.
fn names_of<'t>(start: &'static [u8], text: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
    memchr::memmem::find_iter(text, start).filter_map(move |at| {
        let before = &text[..at];
        let is_variable = before.ends_with(b"$") || before.ends_with(b"$(");
        let inside = &text[at + start.len()..];
        let length = memchr::memchr(b')', inside)?;
        let name = &inside[..length];
        (is_variable && !name.contains(&b'$')).then_some(name)
    })
}
