//! The virtual machine: runs a [`Program`](super::Program) over one message.
//!
//! Operands and calls are kept in the [`Execution`], so that the depth of a script never becomes
//! the depth of the thread's stack. What may be repeated, a turn of a loop and a route block, costs
//! a unit of fuel for each operation that it has; a run without fuel ends.

use std::net::SocketAddr;

use smallvec::SmallVec;

use super::arithmetic::{self, Trouble};
use super::execution::Frame;
use super::program::{Arguments, CallSite, Op, Operand, Prepared, RouteId, Subject, Test};
use super::value::{Digits, parse_int};
use super::{Argument, Execution, Function, ReturnCode, Value, Wait, watch};
use crate::limits::{SCRIPT_ROUTE_DEPTH_MAX, SCRIPT_STRING_BYTES_MAX};
use crate::metrics::Counter;
use crate::sip::{HeaderName, Method, NameAddr};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The route block that it started with came to its end or returned.
    End,
    /// `exit`, or a function gave 0.
    Exit,
    /// `drop`. A response goes nowhere then.
    Drop,
    /// A function waits for a command ([`Execution::take_suspended`]).
    Suspended,
    /// A function waits for a moment (the same).
    Asleep,
    /// The script was cut off. It has been logged and counted.
    Error(ScriptError),
}

impl Verdict {
    /// Whether the run goes on later.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::Suspended | Self::Asleep)
    }
}

/// Why a script was cut off.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScriptError {
    /// See [`crate::limits::SCRIPT_FUEL`].
    #[error("the script took too many steps")]
    Fuel,
    /// See [`SCRIPT_ROUTE_DEPTH_MAX`].
    #[error("route blocks call each other too deeply")]
    Depth,
    /// See [`SCRIPT_STRING_BYTES_MAX`].
    #[error("the script built too many strings")]
    Strings,
}

/// Runs a route block and what it calls.
pub fn run(execution: &mut Execution<'_>, route: RouteId) -> Verdict {
    let Some(entry) = execution.program.routes.get(usize::from(route.0)) else {
        return Verdict::End;
    };
    execution.kind = entry.kind;
    if execution.watch.is_some() {
        watch::started(execution, usize::from(route.0));
    }
    run_from(execution, entry.start as usize)
}

/// Goes on with a run that was restored ([`super::Suspended::restore`]): its call is repeated.
pub fn resume(execution: &mut Execution<'_>) -> Verdict {
    run_from(execution, execution.place)
}

/// Runs from an operation until the script ends or waits.
#[inline]
fn run_from(execution: &mut Execution<'_>, start: usize) -> Verdict {
    execution.arena_bytes = execution.transit.arena.allocated_bytes();
    // As wide as the targets of jumps are: no script is so long.
    let start = u32::try_from(start).unwrap_or(u32::MAX);
    if execution.watch.is_some() { watched(execution, start) } else { unwatched(execution, start) }
}

/// Runs while nobody looks on.
#[inline(never)]
fn unwatched(execution: &mut Execution<'_>, start: u32) -> Verdict {
    let (verdict, next) = steps::<false>(execution, start);
    if let Verdict::Error(error) = verdict {
        cut_off(execution, error, next);
    }
    verdict
}

/// Runs while someone looks on.
#[cold]
#[inline(never)]
fn watched(execution: &mut Execution<'_>, start: u32) -> Verdict {
    let (verdict, next) = steps::<true>(execution, start);
    watch::ended(execution, next as usize, verdict);
    if let Verdict::Error(error) = verdict {
        cut_off(execution, error, next);
    }
    verdict
}

/// The operations that [`carry_out`] knows. The loop names them all: where some are left over, each
/// operation is asked whether it is one of those.
macro_rules! operand_ops {
    () => {
        Op::Binary(_)
            | Op::CallRoute(_)
            | Op::CallRouteNamed { .. }
            | Op::Case { .. }
            | Op::CaseMatch { .. }
            | Op::LoopTurn { .. }
            | Op::Pop
            | Op::PushCode
            | Op::PushConstant(_)
            | Op::PushInt(_)
            | Op::PushOperand(_)
            | Op::PushSlot(_)
            | Op::PushVariable(_)
            | Op::StoreSlot(_)
            | Op::StoreVariable(_)
            | Op::Unary(_)
    };
}

/// Runs until the script ends: how, and behind which operation. Without `WATCHED` nobody looks on.
///
/// What an operation says is read when it is needed: what is read before a call would have to be
/// saved until it returns.
#[inline(always)]
fn steps<const WATCHED: bool>(execution: &mut Execution<'_>, start: u32) -> (Verdict, u32) {
    let code = execution.program.code.as_slice();
    let mut next = start;
    let verdict = loop {
        let Some(op) = code.get(next as usize) else { break Verdict::End };
        if WATCHED {
            watch::turn(execution, next as usize);
        }
        next += 1;
        match op {
            Op::CallPlainIf { run, call, want, target } => {
                if let Some(verdict) = call_plain::<WATCHED>(execution, (*run, *call), next) {
                    break verdict;
                }
                if (execution.code > 0) == *want {
                    next = *target;
                }
            }
            Op::CallPlain { run, call } => {
                if let Some(verdict) = call_plain::<WATCHED>(execution, (*run, *call), next) {
                    break verdict;
                }
            }
            Op::CallIf { call, want, target } => {
                if let Some(verdict) = self::call::<WATCHED>(execution, *call, next) {
                    break verdict;
                }
                if (execution.code > 0) == *want {
                    next = *target;
                }
            }
            Op::Call(call) => {
                if let Some(verdict) = self::call::<WATCHED>(execution, *call, next) {
                    break verdict;
                }
            }
            Op::IfMethod { method, want, target } => {
                if decide::<WATCHED>(execution, next, Test::Method(*method)) == *want {
                    next = *target;
                }
            }
            Op::IfMyUri { want, target } => {
                if decide::<WATCHED>(execution, next, Test::Myself(Subject::Uri)) == *want {
                    next = *target;
                }
            }
            Op::If { test, want, target } => {
                if decide_any::<WATCHED>(execution, next, *test) == *want {
                    next = *target;
                }
            }
            Op::Jump(target) => next = *target,
            Op::ReturnCode(code) => match leave(execution, *code) {
                Ok(resume_at) => next = resume_at,
                Err(verdict) => break verdict,
            },
            Op::Return => match leave_with_operand(execution) {
                Ok(resume_at) => next = resume_at,
                Err(verdict) => break verdict,
            },
            Op::Drop => break end_at(execution, next, Verdict::Drop),
            Op::Exit => break end_at(execution, next, Verdict::Exit),
            others @ operand_ops!() => match carry_out(execution, others, next) {
                Ok(following) => next = following,
                Err(error) => break Verdict::Error(error),
            },
        }
    };
    (verdict, next)
}

/// Notes that the script ends here. Without that the verdict, a constant, would be made ready
/// before each operation.
#[inline(always)]
const fn end_at(execution: &mut Execution<'_>, next: u32, verdict: Verdict) -> Verdict {
    mark(execution, next);
    verdict
}

/// The script is cut off behind an operation: logs and counts it.
#[cold]
#[inline(never)]
fn cut_off(execution: &mut Execution<'_>, error: ScriptError, next: u32) {
    execution.host.count(match error {
        ScriptError::Fuel => Counter::ScriptFuelExhausted,
        ScriptError::Depth | ScriptError::Strings => Counter::ScriptErrors,
    });
    warn(execution, next, &error.to_string());
}

/// Carries out an operation that works on operands, or that may use up what a script has: where
/// the script goes on.
#[inline]
fn carry_out(execution: &mut Execution<'_>, op: &Op, next: u32) -> Result<u32, ScriptError> {
    match *op {
        Op::CallRoute(route) => enter(execution, route, next),
        Op::CallRouteNamed { optional } => enter_named(execution, next, optional),
        Op::Case { target, .. } | Op::CaseMatch { target, .. } => {
            Ok(if is_case(execution, op) { target } else { next })
        }
        Op::LoopTurn { target, length } => {
            Ok(if turn(execution, length, next)? { next } else { target })
        }
        _ => {
            compute(execution, op, next);
            if execution.is_out_of_strings() { Err(ScriptError::Strings) } else { Ok(next) }
        }
    }
}

/// Carries out an operation that only works on operands.
#[inline]
fn compute(execution: &mut Execution<'_>, op: &Op, next: u32) {
    let program = execution.program;
    let value = match *op {
        Op::Binary(operator) => {
            let right = pop(execution);
            let left = pop(execution);
            match arithmetic::binary(execution, operator, left, right) {
                Ok(value) => value,
                Err(trouble) => substitute(execution, next, &trouble),
            }
        }
        Op::PushCode => Value::Int(execution.code.into()),
        Op::PushConstant(constant) => program.constants[constant as usize].value(),
        Op::PushInt(number) => Value::Int(number),
        Op::PushOperand(operand) => read_operand(execution, operand),
        Op::PushSlot(slot) => execution.slot(slot),
        Op::PushVariable(variable) => {
            mark(execution, next);
            program.variables[variable as usize].read(execution)
        }
        Op::StoreSlot(slot) => {
            let value = pop(execution);
            return execution.set_slot(slot, value);
        }
        Op::StoreVariable(variable) => {
            let value = pop(execution);
            if !program.variables[variable as usize].write(execution, value) {
                warn(execution, next, "this value cannot be assigned here");
            }
            return;
        }
        Op::Unary(operator) => {
            let value = pop(execution);
            arithmetic::unary(execution, operator, value)
        }
        _ => {
            pop(execution);
            return;
        }
    };
    execution.values.push(value);
}

/// Notes where the run is, for what functions log and for `$cfg(line)`.
#[inline]
const fn mark(execution: &mut Execution<'_>, next: u32) {
    execution.at = next;
}

/// Whether the condition of the operation before `next` holds.
#[inline(always)]
fn decide<const WATCHED: bool>(execution: &mut Execution<'_>, next: u32, test: Test) -> bool {
    let held = holds(execution, test);
    if WATCHED {
        watch::tested(execution, next as usize - 1, &test, held);
    }
    held
}

/// As [`decide`], for conditions that are asked less.
#[inline(never)]
fn decide_any<const WATCHED: bool>(execution: &mut Execution<'_>, next: u32, test: Test) -> bool {
    decide::<WATCHED>(execution, next, test)
}

/// Whether a condition holds. Both forms of the loop are to have it within.
#[inline(always)]
fn holds(execution: &mut Execution<'_>, test: Test) -> bool {
    let program = execution.program;
    match test {
        Test::Code => execution.code > 0,
        Test::Equals(constant) => {
            pop(execution).equals(program.constants[constant as usize].value())
        }
        Test::Matches(regex) => is_match(&program.regexes[regex as usize], pop(execution)),
        Test::Method(method) => is_method(execution, method),
        Test::Myself(Subject::Uri) => execution.is_myself(execution.transit.uri),
        Test::Myself(subject) => is_myself(execution, subject),
        Test::Null => pop(execution) == Value::Null,
        Test::Network { is_source, network } => {
            let transit = &execution.transit;
            let address = if is_source { transit.source } else { transit.local };
            program.networks[network as usize].contains(address.ip())
        }
        Test::Top => pop(execution).is_true(),
    }
}

/// Whether the operand on top, which stays, is the one of a `case`.
fn is_case(execution: &Execution<'_>, op: &Op) -> bool {
    let program = execution.program;
    match *op {
        Op::Case { constant, .. } => {
            top(execution).equals(program.constants[constant as usize].value())
        }
        Op::CaseMatch { regex, .. } => is_match(&program.regexes[regex as usize], top(execution)),
        _ => false,
    }
}

/// Takes the operand on top.
#[inline]
fn pop<'m>(execution: &mut Execution<'m>) -> Value<'m> {
    execution.values.pop().unwrap_or_default()
}

/// The operand on top.
#[inline]
fn top<'m>(execution: &Execution<'m>) -> Value<'m> {
    execution.values.last().copied().unwrap_or_default()
}

/// Calls a function; how the script ends, if it does so because of that. Within the loop, which
/// does little else.
#[inline(always)]
fn call<const WATCHED: bool>(
    execution: &mut Execution<'_>,
    call: u32,
    next: u32,
) -> Option<Verdict> {
    mark(execution, next);
    let site = &execution.program.calls[call as usize];
    let code = match &site.arguments {
        Arguments::Text(text) => apply::<WATCHED>(execution, site, &[Argument::Text(text)]),
        Arguments::Int(number) => apply::<WATCHED>(execution, site, &[Argument::Int(*number)]),
        others => call_with::<WATCHED>(execution, site, others),
    };
    end_of_call(execution, code)
}

/// Calls a function without arguments; how the script ends, if it does so because of that.
#[inline(always)]
fn call_plain<const WATCHED: bool>(
    execution: &mut Execution<'_>,
    (run, call): (Function, u16),
    next: u32,
) -> Option<Verdict> {
    mark(execution, next);
    if WATCHED {
        watch::call(execution, execution.program.calls[usize::from(call)].name, &[]);
    }
    let code = run(execution, &[]);
    end_of_call(execution, code)
}

/// Notes what a function has given back; how the script ends, if it does so because of that.
#[inline(always)]
fn end_of_call(execution: &mut Execution<'_>, code: ReturnCode) -> Option<Verdict> {
    execution.code = code;
    // Two ways out, as one would have both conditions worked out before the first is looked at.
    if code == 0 {
        return Some(ended_by_call(execution));
    }
    if execution.is_out_of_strings() {
        return Some(Verdict::Error(ScriptError::Strings));
    }
    None
}

/// Calls a function whose arguments have to be made.
#[inline(never)]
fn call_with<'m, const WATCHED: bool>(
    execution: &mut Execution<'m>,
    site: &CallSite,
    arguments: &'m Arguments,
) -> ReturnCode {
    let Arguments::Other { prepared, calculated } = arguments else {
        return apply::<WATCHED>(execution, site, &[]);
    };
    let base = execution.values.len().saturating_sub((*calculated).into());
    let code = if let [one, two] = &**prepared {
        let pair = [resolve(one, execution, base), resolve(two, execution, base)];
        apply::<WATCHED>(execution, site, &pair)
    } else {
        let arguments: SmallVec<[Argument<'_>; 4]> =
            prepared.iter().map(|prepared| resolve(prepared, execution, base)).collect();
        apply::<WATCHED>(execution, site, &arguments)
    };
    // Only now: a call that waits is repeated, and needs them again.
    execution.values.truncate(base);
    code
}

/// How the script ends after a call that has given back 0.
#[cold]
#[inline(never)]
fn ended_by_call(execution: &Execution<'_>) -> Verdict {
    match execution.suspended.as_ref().map(|run| &run.wait) {
        Some(Wait::Command(_)) => Verdict::Suspended,
        Some(Wait::Time(_)) => Verdict::Asleep,
        None => Verdict::Exit,
    }
}

/// Calls a function with these arguments.
#[inline(always)]
fn apply<'m, const WATCHED: bool>(
    execution: &mut Execution<'m>,
    site: &CallSite,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    if WATCHED {
        watch::call(execution, site.name, arguments);
    }
    (site.run)(execution, arguments)
}

/// Calls a route block: where it starts.
fn enter(execution: &mut Execution<'_>, route: u16, next: u32) -> Result<u32, ScriptError> {
    if execution.frames.len() >= SCRIPT_ROUTE_DEPTH_MAX {
        return Err(ScriptError::Depth);
    }
    let entry = &execution.program.routes[usize::from(route)];
    burn(execution, entry.length)?;
    let value_count = u32::try_from(execution.values.len()).unwrap_or(u32::MAX);
    execution.frames.push(Frame { resume_at: next, value_count });
    Ok(entry.start)
}

/// Calls the route block whose name is the operand on top: where it starts, or where the run goes
/// on if there is none.
fn enter_named(
    execution: &mut Execution<'_>,
    next: u32,
    optional: bool,
) -> Result<u32, ScriptError> {
    let name = pop(execution);
    let name = execution.text(name);
    if let Some(RouteId(route)) = execution.find_subroutine(name) {
        return enter(execution, route, next);
    }
    execution.code = super::FALSE;
    if !optional {
        let text = format!("there is no `route[{}]`", String::from_utf8_lossy(name));
        warn(execution, next, &text);
    }
    Ok(next)
}

/// Takes from the fuel what a turn of a loop or a route block costs that has so many operations:
/// nothing else can make a run longer than its program.
fn burn(execution: &mut Execution<'_>, operations: u32) -> Result<(), ScriptError> {
    if is_out_of_memory(execution) {
        return Err(ScriptError::Strings);
    }
    let left = execution.fuel.checked_sub(operations.into());
    execution.fuel = left.unwrap_or(0);
    left.map(|_| ()).ok_or(ScriptError::Fuel)
}

/// Leaves the present route block with the code that the operand on top is, as [`leave`] does.
fn leave_with_operand(execution: &mut Execution<'_>) -> Result<u32, Verdict> {
    let result = pop(execution).to_int().clamp(i32::MIN.into(), i32::MAX.into());
    leave(execution, ReturnCode::try_from(result).unwrap_or(0))
}

/// Leaves the present route block with that code: where its caller goes on, if it has one and the
/// code is not 0.
#[inline]
fn leave(execution: &mut Execution<'_>, code: ReturnCode) -> Result<u32, Verdict> {
    execution.code = code;
    let Some(frame) = execution.frames.pop() else { return Err(Verdict::End) };
    if code == 0 {
        return Err(Verdict::Exit);
    }
    execution.values.truncate(frame.value_count as usize);
    Ok(frame.resume_at)
}

/// Counts a turn of the innermost loop, whose count is the operand on top and which has so many
/// operations; whether it is to be made.
fn turn(execution: &mut Execution<'_>, length: u32, next: u32) -> Result<bool, ScriptError> {
    burn(execution, length)?;
    let limit = i64::from(execution.program.settings.max_while_loops);
    let Some(Value::Int(turns)) = execution.values.last_mut() else { return Ok(false) };
    if *turns < limit {
        *turns += 1;
        return Ok(true);
    }
    warn(execution, next, "the loop was left after max_while_loops turns");
    Ok(false)
}

/// Whether functions have filled the arena.
fn is_out_of_memory(execution: &Execution<'_>) -> bool {
    let bytes = execution.transit.arena.allocated_bytes();
    bytes.saturating_sub(execution.arena_bytes) > 4 * SCRIPT_STRING_BYTES_MAX
}

/// Whether the request has that method; a response has the one of its request.
#[inline]
fn is_method(execution: &Execution<'_>, method: Method) -> bool {
    match execution.transit.message.method() {
        Some(found) => found == method,
        None => is_answered_method(execution, method),
    }
}

/// Whether a response is one to a request of that method.
#[cold]
#[inline(never)]
fn is_answered_method(execution: &Execution<'_>, method: Method) -> bool {
    Method::parse(method_name(execution)) == method
}

/// Whether something is this server.
fn is_myself(execution: &mut Execution<'_>, subject: Subject) -> bool {
    let transit = &execution.transit;
    match subject {
        Subject::Destination => is_own_address(execution, *transit.local),
        Subject::Source => is_own_address(execution, *transit.source),
        Subject::Uri => execution.is_myself(transit.uri),
        Subject::Top => {
            let value = pop(execution);
            let text = execution.text(value);
            is_own_name(execution, text)
        }
    }
}

/// Whether an address, at whatever port, is one of this server's.
fn is_own_address(execution: &Execution<'_>, address: SocketAddr) -> bool {
    let host = execution.show_host(address.ip());
    let own_port = execution.transit.local.port();
    execution.host.is_myself(host, None) || execution.host.is_myself(host, Some(own_port))
}

/// Logs what went wrong with the operation before `next`.
#[cold]
#[inline(never)]
fn warn(execution: &mut Execution<'_>, next: u32, text: &str) {
    mark(execution, next);
    execution.complain(text);
}

/// Logs what went wrong with an operator; the value that takes the place of its result.
#[cold]
#[inline(never)]
fn substitute<'m>(execution: &mut Execution<'m>, next: u32, trouble: &Trouble) -> Value<'m> {
    match trouble {
        Trouble::DivisionByZero => warn(execution, next, "division by 0"),
        Trouble::Pattern(reason) => {
            warn(execution, next, &format!("this is no regular expression: {reason}"));
        }
    }
    Value::Int(0)
}

/// Whether a value matches. `$null` matches nothing.
#[inline]
fn is_match(regex: &regex::bytes::Regex, value: Value<'_>) -> bool {
    match value {
        Value::Null => false,
        Value::Int(number) => regex.is_match(Digits::new(number).as_bytes()),
        Value::Text(text) => regex.is_match(text),
    }
}

/// The argument that a function gets.
fn resolve<'m>(prepared: &'m Prepared, execution: &Execution<'m>, base: usize) -> Argument<'m> {
    let values = &execution.values;
    let calculated = |at: u8| values.get(base + usize::from(at)).copied().unwrap_or_default();
    match prepared {
        Prepared::CalculatedInt(at) => Argument::Int(calculated(*at).to_int()),
        Prepared::CalculatedText(at) => Argument::Text(execution.text(calculated(*at))),
        Prepared::Format(format) => Argument::Format(format),
        Prepared::Int(number) => Argument::Int(*number),
        Prepared::IntOf(format) => Argument::Int(format.value(execution).to_int()),
        Prepared::Literal(text) => Argument::Text(text),
        Prepared::Operand(Operand::UriPort) => {
            // 0 where none is named: whoever is sent to decides then (RFC 3263 §4.2).
            let uri = execution.parse_uri(execution.transit.uri);
            let port = uri.map_or(Value::Null, |uri| Value::Int(uri.port.unwrap_or(0).into()));
            Argument::Text(execution.text(port))
        }
        Prepared::Operand(operand) => {
            Argument::Text(execution.text(read_operand(execution, *operand)))
        }
        Prepared::Regex(regex) => Argument::Regex(regex),
        Prepared::Substitution(substitution) => Argument::Substitution(substitution),
        Prepared::Text(format) => Argument::Text(format.render(execution)),
        Prepared::Variable(variable) => Argument::Variable(variable),
        Prepared::Variables(variables) => Argument::Variables(variables),
    }
}

/// The value of a bare word.
fn read_operand<'m>(execution: &Execution<'m>, operand: Operand) -> Value<'m> {
    let transit = &execution.transit;
    match operand {
        Operand::Af => Value::Int(if transit.local.is_ipv4() { AF_INET } else { AF_INET6 }),
        Operand::DstIp => Value::Text(execution.show_ip(transit.local.ip())),
        Operand::DstPort => Value::Int(transit.local.port().into()),
        Operand::FromUri => address_uri(execution, HeaderName::From),
        Operand::Method => Value::Text(method_name(execution)),
        Operand::MsgLen => Value::Int(i64::try_from(transit.message.end()).unwrap_or(i64::MAX)),
        Operand::Proto => Value::Int(execution.transport().number()),
        Operand::Retcode => Value::Int(execution.code.into()),
        Operand::SrcIp => Value::Text(execution.show_ip(transit.source.ip())),
        Operand::SrcPort => Value::Int(transit.source.port().into()),
        Operand::Status => {
            transit.message.status().map_or(Value::Null, |code| Value::Int(code.into()))
        }
        Operand::ToUri => address_uri(execution, HeaderName::To),
        Operand::Uri => Value::Text(transit.uri),
        Operand::UriHost => {
            Value::text_or_null(execution.parse_uri(transit.uri).map(|uri| uri.host))
        }
        Operand::UriPort => execution.parse_uri(transit.uri).map_or(Value::Null, |uri| {
            Value::Int(uri.port.unwrap_or_else(|| uri.default_port()).into())
        }),
    }
}

/// The number of `INET`.
pub(super) const AF_INET: i64 = 2;
/// The number of `INET6`.
pub(super) const AF_INET6: i64 = 10;

/// The method of a request; for a response, that of its CSeq.
pub(crate) fn method_name<'m>(execution: &Execution<'m>) -> &'m [u8] {
    match execution.transit.message.start_line() {
        crate::sip::StartLine::Request { name, .. } => name,
        crate::sip::StartLine::Status { .. } => {
            execution.transit.message.cseq().map_or(&[], |cseq| cseq.method)
        }
    }
}

/// The URI in From or To.
fn address_uri<'m>(execution: &Execution<'m>, name: HeaderName) -> Value<'m> {
    let value = execution.transit.message.value(name);
    let address = value.and_then(|value| NameAddr::parse(value).ok());
    Value::text_or_null(address.map(|address| address.uri))
}

/// Whether a URI, or a host with or without port, is this server.
fn is_own_name<'m>(execution: &Execution<'m>, text: &'m [u8]) -> bool {
    let starts = |scheme: &[u8]| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if starts(b"sip:") || starts(b"sips:") {
        return execution.is_myself(text);
    }
    let (host, port) = split_host_port(text);
    execution.host.is_myself(host, port)
}

/// Host and port of `host:port` or `host`; an IPv6 address must be in brackets to have a port.
pub(crate) fn split_host_port(text: &[u8]) -> (&[u8], Option<u16>) {
    let colon = match memchr::memrchr(b':', text) {
        Some(colon) if text.first() != Some(&b'[') || text[colon - 1] == b']' => colon,
        _ => return (text, None),
    };
    if text.first() != Some(&b'[') && memchr::memchr(b':', text) != Some(colon) {
        return (text, None);
    }
    let port = parse_int(&text[colon + 1..]).and_then(|port| u16::try_from(port).ok());
    if port.is_some() { (&text[..colon], port) } else { (text, None) }
}
