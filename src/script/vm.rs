//! The virtual machine: runs a [`Program`](super::Program) over one message.
//!
//! Operands and calls are kept in the [`Execution`], so that the depth of a script never becomes
//! the depth of the thread's stack. Each operation costs a unit of fuel; a run without fuel ends.

use smallvec::SmallVec;

use super::arithmetic::{self, Trouble};
use super::execution::Frame;
use super::program::{Constant, Op, Operand, Prepared, RouteId, Subject};
use super::value::{Digits, parse_int};
use super::{Argument, Execution, LogLevel, ReturnCode, Value};
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
    /// `drop`. In a reply route only for a provisional response: it goes nowhere (a final
    /// response is not kept from going on, the verdict is [`Verdict::Exit`] then).
    Drop,
    /// The script was cut off. It has been logged and counted.
    Error(ScriptError),
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
    let program = execution.program;
    let Some(entry) = program.routes.get(usize::from(route.0)) else { return Verdict::End };
    execution.kind = entry.kind;
    let mut machine = Machine {
        arena_bytes: execution.transit.arena.allocated_bytes(),
        execution,
        next: entry.start as usize,
    };
    let verdict = machine.run();
    let at = machine.next.saturating_sub(1);
    if let Verdict::Error(error) = verdict {
        let counter = match error {
            ScriptError::Fuel => Counter::ScriptFuelExhausted,
            _ => Counter::ScriptErrors,
        };
        execution.host.count(counter);
        let place = program.place(at);
        execution.host.log(LogLevel::Error, format!("{place}: {error}\n").as_bytes());
    }
    verdict
}

/// A run under way.
struct Machine<'e, 'm> {
    execution: &'e mut Execution<'m>,
    /// Position of the next operation.
    next: usize,
    /// What the arena held when the run began.
    arena_bytes: usize,
}

impl<'m> Machine<'_, 'm> {
    /// Runs until the script ends.
    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
    fn run(&mut self) -> Verdict {
        let program = self.execution.program;
        let code = program.code.as_slice();
        let mut fuel = self.execution.fuel;
        loop {
            let Some(op) = code.get(self.next) else { return Verdict::End };
            self.next += 1;
            if fuel == 0 {
                self.execution.fuel = 0;
                return Verdict::Error(ScriptError::Fuel);
            }
            fuel -= 1;
            match *op {
                Op::Call(call) => {
                    let result = self.call(call as usize);
                    self.execution.code = result;
                    if result == 0 {
                        return Verdict::Exit;
                    }
                    if self.execution.is_out_of_strings() {
                        return Verdict::Error(ScriptError::Strings);
                    }
                }
                Op::CallRoute(route) => {
                    if let Err(error) = self.enter(route) {
                        return Verdict::Error(error);
                    }
                }
                Op::Case { constant, target } => {
                    if self.top().equals(constant_value(&program.constants[constant as usize])) {
                        self.next = target as usize;
                    }
                }
                Op::CaseMatch { regex, target } => {
                    if is_match(&program.regexes[regex as usize], self.top()) {
                        self.next = target as usize;
                    }
                }
                Op::Drop => return self.dropped(),
                Op::Exit => return Verdict::Exit,
                Op::If { want, target } => {
                    if self.pop().is_true() == want {
                        self.next = target as usize;
                    }
                }
                Op::IfCode { want, target } => {
                    if (self.execution.code > 0) == want {
                        self.next = target as usize;
                    }
                }
                Op::IfEqual { want, constant, target } => {
                    let constant = constant_value(&program.constants[constant as usize]);
                    if self.pop().equals(constant) == want {
                        self.next = target as usize;
                    }
                }
                Op::IfMatch { want, regex, target } => {
                    let subject = self.pop();
                    if is_match(&program.regexes[regex as usize], subject) == want {
                        self.next = target as usize;
                    }
                }
                Op::IfMethod { want, method, target } => {
                    if self.is_method(method) == want {
                        self.next = target as usize;
                    }
                }
                Op::IfMyself { want, subject, target } => {
                    if self.is_myself(subject) == want {
                        self.next = target as usize;
                    }
                }
                Op::IfNetwork { want, is_source, network, target } => {
                    let transit = &self.execution.transit;
                    let address = if is_source { transit.source } else { transit.local };
                    if program.networks[network as usize].contains(address.ip()) == want {
                        self.next = target as usize;
                    }
                }
                Op::Jump(target) => self.next = target as usize,
                Op::LoopTurn { target } => {
                    if !self.turn() {
                        self.next = target as usize;
                    }
                    if self.is_out_of_memory() {
                        return Verdict::Error(ScriptError::Strings);
                    }
                }
                Op::Pop => {
                    self.pop();
                }
                Op::PushCode => self.push(Value::Int(self.execution.code.into())),
                Op::PushConstant(constant) => {
                    self.push(constant_value(&program.constants[constant as usize]));
                }
                Op::PushInt(number) => self.push(Value::Int(number)),
                Op::PushOperand(operand) => {
                    let value = read_operand(self.execution, operand);
                    self.push(value);
                }
                Op::PushSlot(slot) => self.push(self.execution.slot(slot)),
                Op::PushVariable(variable) => {
                    let value = program.variables[variable as usize].read(self.execution);
                    self.push(value);
                }
                Op::Return => {
                    let result = self.pop().to_int();
                    let result = result.clamp(i32::MIN.into(), i32::MAX.into());
                    if let Some(verdict) = self.leave(ReturnCode::try_from(result).unwrap_or(0)) {
                        return verdict;
                    }
                }
                Op::ReturnCode(result) => {
                    if let Some(verdict) = self.leave(result) {
                        return verdict;
                    }
                }
                Op::StoreSlot(slot) => {
                    let value = self.pop();
                    self.execution.set_slot(slot, value);
                }
                Op::StoreVariable(variable) => {
                    let value = self.pop();
                    if !program.variables[variable as usize].write(self.execution, value) {
                        self.warn("this value cannot be assigned here");
                    }
                    if self.execution.is_out_of_strings() {
                        return Verdict::Error(ScriptError::Strings);
                    }
                }
                Op::Unary(operator) => {
                    let value = self.pop();
                    let value = arithmetic::unary(self.execution, operator, value);
                    self.push(value);
                }
                Op::Binary(operator) => {
                    let right = self.pop();
                    let left = self.pop();
                    let value = match arithmetic::binary(self.execution, operator, left, right) {
                        Ok(value) => value,
                        Err(trouble) => self.trouble(&trouble),
                    };
                    self.push(value);
                    if self.execution.is_out_of_strings() {
                        return Verdict::Error(ScriptError::Strings);
                    }
                }
            }
        }
    }

    /// Puts an operand on top.
    #[inline]
    fn push(&mut self, value: Value<'m>) {
        self.execution.values.push(value);
    }

    /// Takes the operand on top.
    #[inline]
    fn pop(&mut self) -> Value<'m> {
        self.execution.values.pop().unwrap_or_default()
    }

    /// The operand on top.
    #[inline]
    fn top(&self) -> Value<'m> {
        self.execution.values.last().copied().unwrap_or_default()
    }

    /// Calls a function.
    #[inline]
    fn call(&mut self, call: usize) -> ReturnCode {
        let site = &self.execution.program.calls[call];
        let mut arguments: SmallVec<[Argument<'m>; 4]> = SmallVec::new();
        for prepared in &site.arguments {
            arguments.push(resolve(prepared, self.execution));
        }
        (site.run)(self.execution, &arguments)
    }

    /// Calls a route block.
    fn enter(&mut self, route: u16) -> Result<(), ScriptError> {
        if self.execution.frames.len() >= SCRIPT_ROUTE_DEPTH_MAX {
            return Err(ScriptError::Depth);
        }
        if self.is_out_of_memory() {
            return Err(ScriptError::Strings);
        }
        let resume_at = u32::try_from(self.next).unwrap_or(u32::MAX);
        let value_count = u32::try_from(self.execution.values.len()).unwrap_or(u32::MAX);
        self.execution.frames.push(Frame { resume_at, value_count });
        self.next = self.execution.program.routes[usize::from(route)].start as usize;
        Ok(())
    }

    /// Goes back to the caller of the present route block, if it has one and the code is not 0.
    fn leave(&mut self, code: ReturnCode) -> Option<Verdict> {
        self.execution.code = code;
        let Some(frame) = self.execution.frames.pop() else { return Some(Verdict::End) };
        if code == 0 {
            return Some(Verdict::Exit);
        }
        self.execution.values.truncate(frame.value_count as usize);
        self.next = frame.resume_at as usize;
        None
    }

    /// The verdict of `drop`.
    fn dropped(&self) -> Verdict {
        match self.execution.transit.message.status() {
            Some(code) if code >= 200 => Verdict::Exit,
            _ => Verdict::Drop,
        }
    }

    /// Counts a turn of the innermost loop, whose count is the operand on top.
    fn turn(&mut self) -> bool {
        let limit = i64::from(self.execution.program.settings.max_while_loops);
        let Some(Value::Int(turns)) = self.execution.values.last_mut() else { return false };
        if *turns < limit {
            *turns += 1;
            return true;
        }
        self.warn("the loop was left after max_while_loops turns");
        false
    }

    /// Whether functions have filled the arena.
    fn is_out_of_memory(&self) -> bool {
        let bytes = self.execution.transit.arena.allocated_bytes();
        bytes.saturating_sub(self.arena_bytes) > 4 * SCRIPT_STRING_BYTES_MAX
    }

    /// Whether the request has that method; a response has the one of its request.
    #[inline]
    fn is_method(&self, method: Method) -> bool {
        match self.execution.transit.message.method() {
            Some(found) => found == method,
            None => Method::parse(method_name(self.execution)) == method,
        }
    }

    /// Whether something is this server.
    fn is_myself(&mut self, subject: Subject) -> bool {
        let transit = &self.execution.transit;
        match subject {
            Subject::Destination => self.is_own_address(transit.local),
            Subject::Source => self.is_own_address(transit.source),
            Subject::Uri => self.execution.is_myself(transit.uri),
            Subject::Top => {
                let value = self.pop();
                let text = self.execution.text(value);
                is_own_name(self.execution, text)
            }
        }
    }

    /// Whether an address, at whatever port, is one of this server's.
    fn is_own_address(&self, address: std::net::SocketAddr) -> bool {
        let host = self.execution.show_host(address.ip());
        let own_port = self.execution.transit.local.port();
        self.execution.host.is_myself(host, None)
            || self.execution.host.is_myself(host, Some(own_port))
    }

    /// Logs what went wrong with the present operation.
    fn warn(&mut self, text: &str) {
        if self.execution.host.logs(LogLevel::Error) {
            let place = self.execution.program.place(self.next - 1);
            self.execution.host.log(LogLevel::Error, format!("{place}: {text}\n").as_bytes());
        }
    }

    /// Logs what went wrong with an operator; the value that takes the place of its result.
    #[cold]
    fn trouble(&mut self, trouble: &Trouble) -> Value<'m> {
        match trouble {
            Trouble::DivisionByZero => self.warn("division by 0"),
            Trouble::Pattern(reason) => {
                self.warn(&format!("this is no regular expression: {reason}"));
            }
        }
        Value::Int(0)
    }
}

/// The value of a constant.
#[inline]
fn constant_value(constant: &Constant) -> Value<'_> {
    match constant {
        Constant::Null => Value::Null,
        Constant::Int(number) => Value::Int(*number),
        Constant::Text(text) => Value::Text(text),
    }
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
#[inline]
fn resolve<'m>(prepared: &'m Prepared, execution: &Execution<'m>) -> Argument<'m> {
    match prepared {
        Prepared::Format(format) => Argument::Format(format),
        Prepared::Int(number) => Argument::Int(*number),
        Prepared::IntOf(format) => Argument::Int(format.value(execution).to_int()),
        Prepared::Operand(operand) => {
            Argument::Text(execution.text(read_operand(execution, *operand)))
        }
        Prepared::Regex(regex) => Argument::Regex(regex),
        Prepared::Substitution(substitution) => Argument::Substitution(substitution),
        Prepared::Text(format) => Argument::Text(format.render(execution)),
        Prepared::Variable(variable) => Argument::Variable(variable),
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
        Operand::Proto => Value::Int(PROTO_UDP),
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
/// The number of `UDP`.
pub(super) const PROTO_UDP: i64 = 1;

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
