//! What a run of the script shows to whoever looks on: `viaduct route`, and the line coverage of
//! `viaduct test`.
//!
//! The virtual machine has a second form for runs that are watched; without an observer nothing
//! of this is asked.

use std::fmt::Debug;

use super::ast::{BinaryOperator, RouteKind};
use super::program::{Op, Operand, Subject, Test};
use super::vm::{Verdict, method_name};
use super::{Argument, Execution, Program, Refusal, ReturnCode, Value};

/// Something that happened as the script ran.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// A run begins with this route block.
    Started(RouteKind, &'e str),
    /// A statement begins: its number in [`super::Program::statements`].
    Statement(usize),
    /// A variable, or a bare word such as `uri`, was read.
    Read(&'e [u8], Value<'e>),
    /// A variable was assigned, or is another than before a function was called.
    Written(&'e [u8], Value<'e>),
    /// A function is called.
    Called(&'static str, &'e [Argument<'e>]),
    /// The function has given this back; why, if the proxy refused what it asked for.
    Returned(ReturnCode, Option<Refusal>),
    /// Something was compared, by this relation, and is so or not.
    Compared(&'static str, bool),
    /// A condition that was found true or false: its number in [`super::Program::branches`].
    Branch(usize, bool),
    /// A route block is called.
    Entered(&'e str),
    /// The route block has given this back.
    Left(ReturnCode),
    /// The run has ended.
    Ended(Verdict),
}

/// Who looks on.
pub trait Observer: Debug {
    /// Is told what happened, in order.
    fn observe(&mut self, event: Event<'_>);
}

/// What is kept between two operations of a run that is watched.
#[derive(Debug)]
pub(super) struct Watch<'m> {
    observer: &'m mut (dyn Observer + 'm),
    /// The operation under way, and how many route blocks had called each other before it.
    under_way: Option<(usize, usize)>,
    before: Decided<'m>,
}

/// What functions decide about the message without a word of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decided<'m> {
    uri: &'m [u8],
    destination: Option<&'m [u8]>,
    branch_count: usize,
    refusal: Option<Refusal>,
}

impl<'m> Watch<'m> {
    /// The start of looking on.
    pub(super) fn new(observer: &'m mut (dyn Observer + 'm)) -> Self {
        let before = Decided { uri: &[], destination: None, branch_count: 0, refusal: None };
        Self { observer, under_way: None, before }
    }
}

/// A run begins.
#[cold]
pub(super) fn started(execution: &mut Execution<'_>, route: usize) {
    let program = execution.program;
    if let (Some(watch), Some(entry)) = (&mut execution.watch, program.routes.get(route)) {
        watch.observer.observe(Event::Started(entry.kind, &entry.name));
    }
}

/// The operation at `next` is about to be carried out: tells what the one before it has done.
pub(super) fn turn(execution: &mut Execution<'_>, next: usize) {
    settle(execution, next);
    let program = execution.program;
    let value = execution.values.last().copied().unwrap_or_default();
    let depth = execution.frames.len();
    let test = program.code.get(next).and_then(Op::test);
    let asked = test.and_then(|test| asked(execution, &test));
    let Some(watch) = &mut execution.watch else { return };
    watch.under_way = Some((next, depth));
    let here = |statement: &&super::program::Statement| statement.start as usize == next;
    let first = program.statements.partition_point(|other| (other.start as usize) < next);
    for (offset, _) in program.statements[first..].iter().take_while(here).enumerate() {
        watch.observer.observe(Event::Statement(first + offset));
    }
    if let Some((word, text)) = asked {
        watch.observer.observe(Event::Read(name(word).as_bytes(), Value::Text(&text)));
    }
    match program.code.get(next) {
        Some(&Op::StoreSlot(slot)) => {
            watch.observer.observe(Event::Written(&slot_name(program, slot), value));
        }
        Some(&Op::StoreVariable(variable)) => {
            let name = program.variables[variable as usize].text();
            watch.observer.observe(Event::Written(name, value));
        }
        Some(Op::Return) if depth > 0 => {
            let code = ReturnCode::try_from(value.to_int()).unwrap_or(0);
            watch.observer.observe(Event::Left(code));
        }
        Some(&Op::ReturnCode(code)) if depth > 0 => watch.observer.observe(Event::Left(code)),
        _ => {}
    }
}

/// A function is about to be called with these arguments.
pub(super) fn call<'m>(
    execution: &mut Execution<'m>,
    name: &'static str,
    arguments: &[Argument<'m>],
) {
    let before = decided(execution);
    let Some(watch) = &mut execution.watch else { return };
    watch.before = before;
    watch.observer.observe(Event::Called(name, arguments));
}

/// A condition was found true or false.
pub(super) fn tested(execution: &mut Execution<'_>, at: usize, test: &Test, held: bool) {
    let code = &execution.program.code;
    let relation = match test {
        Test::Code => None,
        Test::Null => Some("$null"),
        Test::Equals(_) | Test::Method(_) => Some("equal"),
        Test::Matches(_) => Some("matches"),
        Test::Myself(_) => Some("myself"),
        Test::Network { .. } => Some("in the network"),
        Test::Top => match at.checked_sub(1).and_then(|before| code.get(before)) {
            Some(Op::Binary(operator)) => Some(relation(*operator)),
            _ => Some("true"),
        },
    };
    let Some(watch) = &mut execution.watch else { return };
    if let Some(relation) = relation {
        watch.observer.observe(Event::Compared(relation, held));
    }
    watch.observer.observe(Event::Branch(at, held));
}

/// The run has ended behind the operation at `next`.
#[cold]
pub(super) fn ended(execution: &mut Execution<'_>, next: usize, verdict: Verdict) {
    settle(execution, next);
    if let Some(watch) = &mut execution.watch {
        watch.observer.observe(Event::Ended(verdict));
    }
}

/// Tells what the operation under way has done.
fn settle(execution: &mut Execution<'_>, next: usize) {
    let program = execution.program;
    let (code, after, depth) = (execution.code, decided(execution), execution.frames.len());
    let value = execution.values.last().copied().unwrap_or_default();
    let waits = execution.suspended.is_some();
    let Some(watch) = &mut execution.watch else { return };
    let Some((at, depth_before)) = watch.under_way.take() else { return };
    if waits {
        // The call has no outcome yet: it is repeated, and told then.
        return;
    }
    if depth > depth_before {
        let entered = program.routes.iter().find(|route| route.start as usize == next);
        watch.observer.observe(Event::Entered(entered.map_or("", |route| &route.name)));
        return;
    }
    match program.code.get(at) {
        Some(Op::Call(_) | Op::CallPlain { .. }) => returned(watch, code, after),
        Some(Op::CallIf { .. } | Op::CallPlainIf { .. }) => {
            returned(watch, code, after);
            watch.observer.observe(Event::Branch(at, code > 0));
        }
        Some(&Op::PushOperand(operand)) => {
            watch.observer.observe(Event::Read(name(operand).as_bytes(), value));
        }
        Some(&Op::PushSlot(slot)) => {
            watch.observer.observe(Event::Read(&slot_name(program, slot), value));
        }
        Some(&Op::PushVariable(variable)) => {
            let name = program.variables[variable as usize].text();
            watch.observer.observe(Event::Read(name, value));
        }
        _ => {}
    }
}

/// Tells what a function has given back and decided.
fn returned<'m>(watch: &mut Watch<'m>, code: ReturnCode, after: Decided<'m>) {
    let before = watch.before;
    let refusal = after.refusal.filter(|_| after.refusal != before.refusal);
    watch.observer.observe(Event::Returned(code, refusal));
    let mut written = |name: &[u8], value| watch.observer.observe(Event::Written(name, value));
    if after.uri != before.uri {
        written(b"$ru", Value::Text(after.uri));
    }
    if after.destination != before.destination {
        written(b"$du", Value::text_or_null(after.destination));
    }
    if after.branch_count != before.branch_count {
        let count = i64::try_from(after.branch_count).unwrap_or(i64::MAX);
        written(b"branches", Value::Int(count));
    }
}

/// What is decided about the message so far.
fn decided<'m>(execution: &Execution<'m>) -> Decided<'m> {
    let transit = &execution.transit;
    Decided {
        uri: transit.uri,
        destination: transit.destination,
        branch_count: transit.branches.len(),
        refusal: transit.refusal,
    }
}

/// What a condition asks for that has no operand, with its value.
fn asked(execution: &Execution<'_>, test: &Test) -> Option<(Operand, Vec<u8>)> {
    let transit = &execution.transit;
    let word = match *test {
        Test::Method(_) => Operand::Method,
        Test::Myself(Subject::Uri) => Operand::Uri,
        Test::Myself(Subject::Source) | Test::Network { is_source: true, .. } => Operand::SrcIp,
        Test::Myself(Subject::Destination) | Test::Network { .. } => Operand::DstIp,
        _ => return None,
    };
    let text = match word {
        Operand::Method => method_name(execution).to_vec(),
        Operand::Uri => transit.uri.to_vec(),
        Operand::SrcIp => transit.source.ip().to_string().into_bytes(),
        _ => transit.local.ip().to_string().into_bytes(),
    };
    Some((word, text))
}

/// A `$var(...)` as it is written.
fn slot_name(program: &Program, slot: u16) -> Vec<u8> {
    let name = program.slot_names.get(usize::from(slot)).map_or(&b""[..], |name| name);
    [b"$var(", name, b")"].concat()
}

/// The relation that an operator asks for.
const fn relation(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Equal => "equal",
        BinaryOperator::Greater => "greater",
        BinaryOperator::GreaterEqual => "greater or equal",
        BinaryOperator::Less => "less",
        BinaryOperator::LessEqual => "less or equal",
        BinaryOperator::Match => "matches",
        _ => "true",
    }
}

/// The word that an operand is in a script.
const fn name(operand: Operand) -> &'static str {
    match operand {
        Operand::Af => "af",
        Operand::DstIp => "dst_ip",
        Operand::DstPort => "dst_port",
        Operand::FromUri => "from_uri",
        Operand::Method => "method",
        Operand::MsgLen => "msg:len",
        Operand::Proto => "proto",
        Operand::Retcode => "retcode",
        Operand::SrcIp => "src_ip",
        Operand::SrcPort => "src_port",
        Operand::Status => "status",
        Operand::ToUri => "to_uri",
        Operand::Uri => "uri",
        Operand::UriHost => "uri:host",
        Operand::UriPort => "uri:port",
    }
}
