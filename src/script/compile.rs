//! From the checked tree to flat code.
//!
//! ```text
//! if (A && !B) S else T;          A, else to T          conditions become jumps; a value is only
//!                                 B, then to T          made where one is asked for
//!                                 S
//!                                 Jump end
//!                              T: T
//!                            end:
//! ```
//!
//! A loop keeps the number of its turns on the operand stack, a `switch` the value it compares;
//! `break` goes to the operation that takes it away.

use std::collections::BTreeMap;

use super::ast::{BinaryOperator, RouteKind, UnaryOperator};
use super::checked::{Branch, Checked, CheckedRoute, Label, Node, Step, StepKind};
use super::configs::Configs;
use super::program::{
    CallSite, Constant, Op, Operand, Places, Program, RouteEntry, Statement, Subject, Test,
};
use super::{SourceMap, Span};

/// Makes the program. Nothing can go wrong any more.
pub(super) fn emit(checked: Checked, sources: &SourceMap) -> Program {
    let Checked { settings, configs, slot_names, routes } = checked;
    let mut emitter = Emitter {
        program: Program { configs: Configs::new(configs), slot_names, ..Program::empty(settings) },
        spans: Vec::new(),
        starts: Vec::new(),
        span: Span::default(),
        breaks: Vec::new(),
        constants: BTreeMap::new(),
    };
    for route in routes {
        emitter.route(route);
    }
    let Emitter { mut program, spans, starts, .. } = emitter;
    program.places = places(&spans, sources);
    let line = |&(start, span): &(u32, Span)| Statement { start, line: line(span, sources) };
    program.statements = starts.iter().map(line).collect();
    program.main_route = program.find_route(RouteKind::Request, "0");
    program.reply_route = program.find_route(RouteKind::Reply, "0");
    program
}

/// The state of making code.
struct Emitter {
    program: Program,
    /// Where each operation was written.
    spans: Vec<Span>,
    /// The first operation of each statement, and where the statement was written.
    starts: Vec<(u32, Span)>,
    /// Where the present statement was written.
    span: Span,
    /// For each loop and `switch` around: the jumps that leave it.
    breaks: Vec<Vec<usize>>,
    /// The numbers of the constants.
    constants: BTreeMap<Constant, u32>,
}

impl Emitter {
    /// A route block; one that runs to its end gives 1.
    fn route(&mut self, route: CheckedRoute) {
        let start = self.here();
        self.span = route.span;
        self.steps(route.body);
        self.push(Op::ReturnCode(1));
        let length = self.here() - start;
        let CheckedRoute { kind, name, .. } = route;
        self.program.routes.push(RouteEntry { kind, name, start, length });
    }

    /// Statements, one after the other.
    fn steps(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.step(step);
        }
    }

    /// A statement.
    fn step(&mut self, step: Step) {
        self.span = step.span;
        if !matches!(step.kind, StepKind::Block(_) | StepKind::While { .. }) {
            self.starts.push((self.here(), step.span));
        }
        match step.kind {
            StepKind::Assign { target, operator, value } => self.assign(target, operator, value),
            StepKind::Block(steps) => self.steps(steps),
            StepKind::Break => {
                let jump = self.program.code.len();
                match self.breaks.last_mut() {
                    Some(breaks) => {
                        breaks.push(jump);
                        self.push(Op::Jump(0));
                    }
                    None => self.push(Op::ReturnCode(1)),
                }
            }
            StepKind::Drop => self.push(Op::Drop),
            StepKind::Evaluate(node) => self.evaluate(node),
            StepKind::Exit => self.push(Op::Exit),
            StepKind::If { condition, then, otherwise } => self.branch(condition, then, otherwise),
            StepKind::Return(None) => self.push(Op::ReturnCode(1)),
            StepKind::Return(Some(value)) => match fold(&value).and_then(|n| n.try_into().ok()) {
                Some(code) => self.push(Op::ReturnCode(code)),
                None => {
                    self.value(value);
                    self.push(Op::Return);
                }
            },
            StepKind::Switch { value, cases } => self.switch(value, cases),
            StepKind::While { condition, body } => self.repeat(condition, body),
        }
    }

    /// `target = value` or `target operator= value`.
    fn assign(&mut self, target: super::Variable, operator: Option<BinaryOperator>, value: Node) {
        if let Some(operator) = operator {
            self.value(Node::Variable(target.clone()));
            self.value(value);
            self.push(Op::Binary(operator));
        } else {
            self.value(value);
        }
        match target.plain_slot() {
            Some(slot) => self.push(Op::StoreSlot(slot)),
            None => {
                let variable = self.keep_variable(target);
                self.push(Op::StoreVariable(variable));
            }
        }
    }

    /// An expression whose value nobody wants.
    fn evaluate(&mut self, node: Node) {
        match node {
            Node::Call(..) | Node::Route(_) | Node::RouteNamed { .. } => self.call(node),
            other => {
                self.value(other);
                self.push(Op::Pop);
            }
        }
    }

    /// A call; its code is then what `$rc` gives.
    fn call(&mut self, node: Node) {
        match node {
            Node::Call(site, arguments) => {
                let plain = site.plain();
                let call = self.prepare(site, arguments);
                self.push(match (plain, u16::try_from(call)) {
                    (Some(run), Ok(call)) => Op::CallPlain { run, call },
                    _ => Op::Call(call),
                });
            }
            Node::Route(route) => self.push(Op::CallRoute(route)),
            Node::RouteNamed { name, optional } => {
                self.value(*name);
                self.push(Op::CallRouteNamed { optional });
            }
            other => self.value(other),
        }
    }

    /// Keeps a call and calculates its arguments; its number.
    fn prepare(&mut self, site: CallSite, arguments: Vec<Node>) -> u32 {
        for argument in arguments {
            self.value(argument);
        }
        self.program.calls.push(site);
        index(self.program.calls.len() - 1)
    }

    /// `if`.
    fn branch(&mut self, condition: Node, then: Vec<Step>, otherwise: Vec<Step>) {
        let to_else = self.condition(condition, false);
        self.steps(then);
        if otherwise.is_empty() {
            self.land(to_else);
            return;
        }
        let to_end = self.jump();
        self.land(to_else);
        self.steps(otherwise);
        self.land(vec![to_end]);
    }

    /// `while`.
    fn repeat(&mut self, condition: Node, body: Vec<Step>) {
        let span = self.span;
        self.push(Op::PushInt(0));
        let top = self.here();
        // Each turn begins here.
        self.starts.push((top, span));
        let mut leave = self.condition(condition, false);
        let turn = self.program.code.len();
        leave.push(turn);
        self.push(Op::LoopTurn { target: 0, length: 0 });
        self.breaks.push(Vec::new());
        self.steps(body);
        self.span = span;
        self.push(Op::Jump(top));
        let behind = self.here();
        if let Some(Op::LoopTurn { length, .. }) = self.program.code.get_mut(turn) {
            *length = behind - top;
        }
        leave.extend(self.breaks.pop().unwrap_or_default());
        self.land(leave);
        self.push(Op::Pop);
    }

    /// `switch`: all comparisons first, then the statements, each case falling into the next.
    fn switch(&mut self, value: Node, cases: Vec<Branch>) {
        self.value(value);
        let mut entries = Vec::with_capacity(cases.len());
        for case in &cases {
            entries.push(self.program.code.len());
            match &case.label {
                Label::Constant(constant) => {
                    let constant = self.keep_constant(constant.clone());
                    self.push(Op::Case { constant, target: 0 });
                }
                Label::Regex(regex) => {
                    let regex = self.keep_regex(regex.clone());
                    self.push(Op::CaseMatch { regex, target: 0 });
                }
                Label::Default => {
                    entries.pop();
                    entries.push(usize::MAX);
                }
            }
        }
        let to_default = self.jump();
        self.breaks.push(Vec::new());
        let mut has_default = false;
        for (case, entry) in cases.into_iter().zip(entries) {
            has_default |= entry == usize::MAX;
            self.land(vec![if entry == usize::MAX { to_default } else { entry }]);
            self.steps(case.body);
        }
        let mut leave = self.breaks.pop().unwrap_or_default();
        if !has_default {
            leave.push(to_default);
        }
        self.land(leave);
        self.push(Op::Pop);
    }

    /// An expression that leaves its value on top.
    fn value(&mut self, node: Node) {
        if let Some(number) = fold(&node) {
            self.push(Op::PushInt(number));
            return;
        }
        match node {
            Node::Constant(constant) => {
                let constant = self.keep_constant(constant);
                self.push(Op::PushConstant(constant));
            }
            Node::Operand(operand) => self.push(Op::PushOperand(operand)),
            Node::Variable(variable) => match variable.plain_slot() {
                Some(slot) => self.push(Op::PushSlot(slot)),
                None => {
                    let variable = self.keep_variable(variable);
                    self.push(Op::PushVariable(variable));
                }
            },
            Node::Call(..) | Node::Route(_) | Node::RouteNamed { .. } => {
                self.call(node);
                self.push(Op::PushCode);
            }
            Node::Unary(operator, inner) if operator != UnaryOperator::Not => {
                self.value(*inner);
                self.push(Op::Unary(operator));
            }
            Node::Binary(operator, left, right) if !is_condition(operator, &right) => {
                self.value(*left);
                self.value(*right);
                self.push(Op::Binary(operator));
            }
            condition => {
                let to_false = self.condition(condition, false);
                self.push(Op::PushInt(1));
                let to_end = self.jump();
                self.land(to_false);
                self.push(Op::PushInt(0));
                self.land(vec![to_end]);
            }
        }
    }

    /// A condition: goes on if it is not as `want` says; the operations that jump if it is, whose
    /// targets are still open.
    fn condition(&mut self, node: Node, want: bool) -> Vec<usize> {
        if let Some(number) = fold(&node) {
            return if (number > 0) == want { vec![self.jump()] } else { Vec::new() };
        }
        let test = match node {
            Node::Unary(UnaryOperator::Not, inner) => return self.condition(*inner, !want),
            Node::Binary(BinaryOperator::And, left, right) => {
                return self.both(*left, *right, want, false);
            }
            Node::Binary(BinaryOperator::Or, left, right) => {
                return self.both(*left, *right, want, true);
            }
            Node::Binary(BinaryOperator::NotEqual, left, right) => {
                return self.condition(Node::Binary(BinaryOperator::Equal, left, right), !want);
            }
            Node::Binary(BinaryOperator::NotMatch, left, right) => {
                return self.condition(Node::Binary(BinaryOperator::Match, left, right), !want);
            }
            Node::Binary(BinaryOperator::Equal, left, right) => match *right {
                Node::Constant(Constant::Null) => {
                    self.value(*left);
                    Test::Null
                }
                Node::Constant(constant) => {
                    self.value(*left);
                    let constant = self.keep_constant(constant);
                    Test::Equals(constant)
                }
                right => {
                    self.value(Node::Binary(BinaryOperator::Equal, left, Box::new(right)));
                    Test::Top
                }
            },
            Node::Match { subject, regex } => {
                self.value(*subject);
                let regex = self.keep_regex(regex);
                Test::Matches(regex)
            }
            Node::Method(method) => Test::Method(method),
            Node::Myself(subject, inner) => {
                if let Some(inner) = inner {
                    self.value(*inner);
                }
                Test::Myself(subject)
            }
            Node::Network { is_source, network } => {
                let position = index(self.program.networks.len());
                self.program.networks.push(network);
                Test::Network { is_source, network: position }
            }
            Node::Call(site, arguments) => {
                let plain = site.plain();
                let call = self.prepare(site, arguments);
                self.push(match (plain, u16::try_from(call)) {
                    (Some(run), Ok(call)) => Op::CallPlainIf { run, call, want, target: 0 },
                    _ => Op::CallIf { call, want, target: 0 },
                });
                return vec![self.program.code.len() - 1];
            }
            Node::Route(_) | Node::RouteNamed { .. } => {
                self.call(node);
                Test::Code
            }
            other => {
                self.value(other);
                Test::Top
            }
        };
        let jump = self.program.code.len();
        self.push(match test {
            Test::Method(method) => Op::IfMethod { method, want, target: 0 },
            Test::Myself(Subject::Uri) => Op::IfMyUri { want, target: 0 },
            test => Op::If { test, want, target: 0 },
        });
        vec![jump]
    }

    /// Two conditions. The first decides alone if it is as `decides` says.
    fn both(&mut self, left: Node, right: Node, want: bool, decides: bool) -> Vec<usize> {
        let mut jumps = self.condition(left, decides);
        if want == decides {
            jumps.extend(self.condition(right, want));
            return jumps;
        }
        let taken = self.condition(right, want);
        self.land(jumps);
        taken
    }

    /// Appends an operation.
    fn push(&mut self, op: Op) {
        self.program.code.push(op);
        self.spans.push(self.span);
    }

    /// Appends a jump whose target is still open; its position.
    fn jump(&mut self) -> usize {
        self.push(Op::Jump(0));
        self.program.code.len() - 1
    }

    /// The position of the next operation.
    fn here(&self) -> u32 {
        index(self.program.code.len())
    }

    /// Lets jumps whose targets are open go to the next operation.
    fn land(&mut self, jumps: Vec<usize>) {
        let here = self.here();
        for jump in jumps {
            if let Some(op) = self.program.code.get_mut(jump) {
                set_target(op, here);
            }
        }
    }

    /// The number of a constant; the same for the same constant.
    fn keep_constant(&mut self, constant: Constant) -> u32 {
        if let Some(number) = self.constants.get(&constant) {
            return *number;
        }
        let number = index(self.program.constants.len());
        self.program.constants.push(constant.clone());
        self.constants.insert(constant, number);
        number
    }

    /// The number of a variable.
    fn keep_variable(&mut self, variable: super::Variable) -> u32 {
        self.program.variables.push(variable);
        index(self.program.variables.len() - 1)
    }

    /// The number of a regular expression.
    fn keep_regex(&mut self, regex: regex::bytes::Regex) -> u32 {
        self.program.regexes.push(regex);
        index(self.program.regexes.len() - 1)
    }
}

/// A position as operations hold it. A script is far too small to have more.
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// Sets where a jump goes.
const fn set_target(op: &mut Op, to: u32) {
    match op {
        Op::Jump(target)
        | Op::CallIf { target, .. }
        | Op::CallPlainIf { target, .. }
        | Op::Case { target, .. }
        | Op::CaseMatch { target, .. }
        | Op::If { target, .. }
        | Op::IfMethod { target, .. }
        | Op::IfMyUri { target, .. }
        | Op::LoopTurn { target, .. } => *target = to,
        _ => {}
    }
}

/// Whether an operation is made of jumps: one on conditions, or a comparison with `$null`.
const fn is_condition(operator: BinaryOperator, right: &Node) -> bool {
    match operator {
        BinaryOperator::And | BinaryOperator::Or => true,
        BinaryOperator::Equal => matches!(right, Node::Constant(Constant::Null)),
        _ => false,
    }
}

/// The number that an expression of numbers is.
fn fold(node: &Node) -> Option<i64> {
    match node {
        Node::Constant(Constant::Int(number)) => Some(*number),
        Node::Unary(UnaryOperator::Negate, inner) => fold(inner)?.checked_neg(),
        Node::Binary(operator, left, right) => {
            super::arithmetic::compute(*operator, fold(left)?, fold(right)?)
        }
        _ => None,
    }
}

/// File and line of each span.
fn places(spans: &[Span], sources: &SourceMap) -> Places {
    let files: Vec<String> =
        sources.files().iter().map(|file| file.name.display().to_string()).collect();
    let mut known: Option<(Span, (u16, u32))> = None;
    let lines = spans.iter().map(|span| match known {
        Some((last, line)) if last == *span => line,
        _ => {
            let found = line(*span, sources);
            known = Some((*span, found));
            found
        }
    });
    Places { files, lines: lines.collect() }
}

/// Number of the file and line of a span.
fn line(span: Span, sources: &SourceMap) -> (u16, u32) {
    let Some(place) = sources.place(span) else { return (0, 0) };
    let file = sources.files().iter().position(|file| file.name == place.file).unwrap_or(0);
    (u16::try_from(file).unwrap_or(0), index(place.line))
}

/// The subject that an operand is when it is compared with `myself`.
pub(super) const fn subject(operand: Operand) -> Subject {
    match operand {
        Operand::DstIp => Subject::Destination,
        Operand::SrcIp => Subject::Source,
        Operand::Uri => Subject::Uri,
        _ => Subject::Top,
    }
}
