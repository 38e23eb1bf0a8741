//! The compiled script.

use std::any::Any;

use regex::bytes::Regex;

use super::ast::{BinaryOperator, RouteKind, UnaryOperator};
use super::configs::Configs;
use super::format::Format;
use super::network::Network;
use super::registry::Function;
use super::variable::Variable;
use super::{Settings, Substitution, Value};
use crate::sip::Method;

/// A compiled script: immutable; each worker runs a copy of its own, so that the caches within
/// its regular expressions are never shared.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) settings: Settings,
    pub(super) configs: Configs,
    pub(super) routes: Vec<RouteEntry>,
    /// The route block that runs for each request.
    pub(super) main_route: Option<RouteId>,
    /// The route block that runs for each response.
    pub(super) reply_route: Option<RouteId>,
    pub(super) slot_names: Vec<Box<[u8]>>,
    pub(super) code: Vec<Op>,
    pub(super) places: Places,
    /// In the order of their first operations.
    pub(super) statements: Vec<Statement>,
    pub(super) calls: Vec<CallSite>,
    pub(super) constants: Vec<Constant>,
    pub(super) variables: Vec<Variable>,
    pub(super) regexes: Vec<Regex>,
    pub(super) networks: Vec<Network>,
}

/// Number of a route block within a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteId(pub(super) u16);

/// A route block.
#[derive(Clone, Debug)]
pub(super) struct RouteEntry {
    pub(super) kind: RouteKind,
    pub(super) name: String,
    /// Its first operation.
    pub(super) start: u32,
    /// How many operations it has.
    pub(super) length: u32,
}

/// One call of a function, its arguments prepared.
#[derive(Clone, Debug)]
pub(super) struct CallSite {
    pub(super) name: &'static str,
    pub(super) run: Function,
    pub(super) arguments: Arguments,
}

impl CallSite {
    /// The function, if it has no arguments.
    pub(super) const fn plain(&self) -> Option<Function> {
        match self.arguments {
            Arguments::None => Some(self.run),
            _ => None,
        }
    }
}

/// The arguments of a call. Most calls have none, or one that is known before the script runs.
#[derive(Clone, Debug)]
pub(super) enum Arguments {
    /// None.
    None,
    /// A number.
    Int(i64),
    /// A string.
    Text(Box<[u8]>),
    /// Any others; so many operands on top are among them.
    Other { prepared: Box<[Prepared]>, calculated: u8 },
}

impl Arguments {
    /// These.
    pub(super) fn new(mut prepared: Vec<Prepared>, calculated: u8) -> Self {
        match (prepared.pop(), prepared.is_empty()) {
            (None, _) => Self::None,
            (Some(Prepared::Int(number)), true) => Self::Int(number),
            (Some(Prepared::Literal(text)), true) => Self::Text(text),
            (Some(last), _) => {
                prepared.push(last);
                Self::Other { prepared: prepared.into(), calculated }
            }
        }
    }
}

impl Prepared {
    /// A string that the function gets whole.
    pub(super) fn text(format: Format) -> Self {
        match format.as_literal() {
            Some(text) => Self::Literal(text.into()),
            None => Self::Text(format),
        }
    }
}

/// An argument, as far as it can be known before the script runs.
#[derive(Clone, Debug)]
pub(super) enum Prepared {
    /// A string that was calculated: which one of the operands on top.
    CalculatedText(u8),
    /// A number that was calculated.
    CalculatedInt(u8),
    /// A string with variables, put together by the function if it wants to.
    Format(Format),
    /// A number.
    Int(i64),
    /// A number that a variable holds.
    IntOf(Format),
    /// A string without variables.
    Literal(Box<[u8]>),
    /// `uri:host`, `uri:port`.
    Operand(Operand),
    /// A regular expression.
    Regex(Regex),
    /// A substitution.
    Substitution(Substitution),
    /// A string with variables.
    Text(Format),
    /// A variable to write to.
    Variable(Variable),
    /// Variables to write to.
    Variables(Box<[Variable]>),
}

/// A value known before the script runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Constant {
    /// `$null`.
    Null,
    /// A number.
    Int(i64),
    /// A string.
    Text(Box<[u8]>),
}

impl Constant {
    /// The value.
    #[inline]
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(text),
        }
    }
}

/// Bare words of the core language that stand for something of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// `af`, the address family.
    Af,
    /// `dst_ip`.
    DstIp,
    /// `dst_port`.
    DstPort,
    /// `from_uri`.
    FromUri,
    /// `method`.
    Method,
    /// `msg:len`.
    MsgLen,
    /// `proto`.
    Proto,
    /// `retcode`.
    Retcode,
    /// `src_ip`.
    SrcIp,
    /// `src_port`.
    SrcPort,
    /// `status`.
    Status,
    /// `to_uri`.
    ToUri,
    /// `uri`.
    Uri,
    /// `uri:host`.
    UriHost,
    /// `uri:port`.
    UriPort,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    /// Replaces the two operands on top.
    Binary(BinaryOperator),
    /// Calls a function.
    Call(u32),
    /// Calls a function; goes to `target` if its success is as `want` says.
    CallIf { call: u32, want: bool, target: u32 },
    /// Calls a function without arguments: all that it takes is here.
    CallPlain { run: Function, call: u16 },
    /// The same; goes to `target` if its success is as `want` says.
    CallPlainIf { run: Function, call: u16, want: bool, target: u32 },
    /// Calls a route block.
    CallRoute(u16),
    /// Calls the route block whose name is the operand on top; FALSE if there is none, which is
    /// logged unless it is `optional`.
    CallRouteNamed { optional: bool },
    /// Goes to `target` if the operand on top, which stays, equals a constant.
    Case { constant: u32, target: u32 },
    /// Goes to `target` if the operand on top, which stays, matches.
    CaseMatch { regex: u32, target: u32 },
    /// Ends the script; a response goes nowhere.
    Drop,
    /// Ends the script.
    Exit,
    /// Goes to `target` if the test comes out as `want` says.
    If { test: Test, want: bool, target: u32 },
    /// The same for [`Test::Method`], which scripts ask for most.
    IfMethod { method: Method, want: bool, target: u32 },
    /// The same for [`Test::Myself`] of the Request-URI.
    IfMyUri { want: bool, target: u32 },
    /// Goes to `target`.
    Jump(u32),
    /// Counts a turn of the loop, which has so many operations; goes to `target`, the end of the
    /// loop, if there were too many.
    LoopTurn { target: u32, length: u32 },
    /// Takes the operand on top away.
    Pop,
    /// Puts the code of the last call on top.
    PushCode,
    /// Puts a constant on top.
    PushConstant(u32),
    /// Puts a number on top.
    PushInt(i64),
    /// Puts the value of a bare word on top.
    PushOperand(Operand),
    /// Puts the value of a `$var(...)` on top.
    PushSlot(u16),
    /// Puts the value of a variable on top.
    PushVariable(u32),
    /// Leaves the route block with the number on top.
    Return,
    /// Leaves the route block with this number.
    ReturnCode(i32),
    /// Assigns the operand on top to a `$var(...)`.
    StoreSlot(u16),
    /// Assigns the operand on top to a variable.
    StoreVariable(u32),
    /// Replaces the operand on top.
    Unary(UnaryOperator),
}

impl Op {
    /// What it asks, if it is a condition without a call.
    pub(super) const fn test(&self) -> Option<Test> {
        match *self {
            Self::If { test, .. } => Some(test),
            Self::IfMethod { method, .. } => Some(Test::Method(method)),
            Self::IfMyUri { .. } => Some(Test::Myself(Subject::Uri)),
            _ => None,
        }
    }

    /// Whether it decides how the script goes on.
    const fn decides(&self) -> bool {
        self.test().is_some() || matches!(self, Self::CallIf { .. } | Self::CallPlainIf { .. })
    }
}

/// What a condition asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Test {
    /// Did the last call succeed?
    Code,
    /// Takes an operand: does it equal this constant?
    Equals(u32),
    /// Takes an operand: does it match this regular expression?
    Matches(u32),
    /// Is it this method?
    Method(Method),
    /// Is it this server?
    Myself(Subject),
    /// Takes an operand: is there no value?
    Null,
    /// Does the source or else the destination lie in this network?
    Network { is_source: bool, network: u32 },
    /// Takes an operand: is it true?
    Top,
}

const _: () = assert!(size_of::<Op>() <= 16, "operations are copied all the time");

/// What is compared with `myself`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The address that the message was sent to.
    Destination,
    /// The address that it came from.
    Source,
    /// The operand on top: a URI or a host.
    Top,
    /// The Request-URI.
    Uri,
}

/// Where in the script's text the operations were written.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The names of the files.
    pub(super) files: Vec<String>,
    /// File and line of each operation.
    pub(super) lines: Vec<(u16, u32)>,
}

/// Where a statement begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    /// Its first operation.
    pub(super) start: u32,
    /// Number of the file in [`Places::files`], and the line.
    pub(super) line: (u16, u32),
}

/// Where a statement was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementPlace<'p> {
    /// The file, as it was named.
    pub file: &'p str,
    /// The line, from 1.
    pub line: u32,
}

/// Where a condition was written, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchPlace<'p> {
    /// Its number, as [`super::Event::Branch`] has it.
    pub number: usize,
    /// The statement that it is part of.
    pub place: StatementPlace<'p>,
}

impl Program {
    /// A program that does nothing, with these settings.
    #[must_use]
    pub fn empty(settings: Settings) -> Self {
        Self {
            settings,
            configs: Configs::new(Vec::new()),
            routes: Vec::new(),
            main_route: None,
            reply_route: None,
            slot_names: Vec::new(),
            code: Vec::new(),
            places: Places::default(),
            statements: Vec::new(),
            calls: Vec::new(),
            constants: Vec::new(),
            variables: Vec::new(),
            regexes: Vec::new(),
            networks: Vec::new(),
        }
    }

    /// The global parameters.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The configuration that a module made of its parameters, by its type.
    #[inline]
    #[must_use]
    pub fn config<T: Any>(&self) -> Option<&T> {
        self.configs.get()
    }

    /// Whether it surely has none: [`Self::config`] is worth more than asking this.
    #[inline]
    #[must_use]
    pub fn has_defaults<T: Any>(&self) -> bool {
        self.configs.lacks::<T>()
    }

    /// The route block that runs for each request.
    #[must_use]
    pub const fn main_route(&self) -> Option<RouteId> {
        self.main_route
    }

    /// The route block that runs for each response, if there is one.
    #[must_use]
    pub const fn reply_route(&self) -> Option<RouteId> {
        self.reply_route
    }

    /// The route block of that kind and name.
    #[must_use]
    pub fn find_route(&self, kind: RouteKind, name: &str) -> Option<RouteId> {
        let position =
            self.routes.iter().position(|route| route.kind == kind && route.name == name)?;
        u16::try_from(position).ok().map(RouteId)
    }

    /// The names of all `$var(...)`, in the order of their numbers.
    #[must_use]
    pub fn slot_names(&self) -> &[Box<[u8]>] {
        &self.slot_names
    }

    /// Where each statement was written, by its number.
    pub fn statements(&self) -> impl Iterator<Item = StatementPlace<'_>> {
        self.statements.iter().map(|statement| self.show_place(statement.line))
    }

    /// Where each condition was written that decides how the script goes on.
    pub fn branches(&self) -> impl Iterator<Item = BranchPlace<'_>> {
        let ops = self.code.iter().zip(&self.places.lines).enumerate();
        let branches = ops.filter(|(_, (op, _))| op.decides());
        branches.map(|(number, (_, line))| BranchPlace { number, place: self.show_place(*line) })
    }

    /// The place of a line.
    fn show_place(&self, (file, line): (u16, u32)) -> StatementPlace<'_> {
        let file = self.places.files.get(usize::from(file)).map_or("", String::as_str);
        StatementPlace { file, line }
    }

    /// `file:line` of an operation.
    pub(super) fn place(&self, at: usize) -> String {
        let Some((file, line)) = self.file_and_line(at) else { return String::new() };
        format!("{file}:{line}")
    }

    /// File and line of an operation.
    pub(super) fn file_and_line(&self, at: usize) -> Option<(&str, u32)> {
        let (file, line) = self.places.lines.get(at)?;
        let name = self.places.files.get(usize::from(*file)).map_or("", String::as_str);
        Some((name, *line))
    }

    /// The name of the route block that an operation is in.
    pub(super) fn route_name_at(&self, at: usize) -> Option<&str> {
        let at = u32::try_from(at).ok()?;
        let route = self.routes.iter().rev().find(|route| route.start <= at)?;
        Some(&route.name)
    }
}
