//! The script with all names looked up: what the checker leaves to the compiler.

use std::any::TypeId;

use regex::bytes::Regex;

use super::ast::{BinaryOperator, RouteKind, UnaryOperator};
use super::network::Network;
use super::program::{CallSite, Constant, Operand, Subject};
use super::registry::ModuleConfig;
use super::variable::Variable;
use super::{Settings, Span};
use crate::sip::Method;

/// A script without errors.
#[derive(Debug)]
pub struct Checked {
    pub(super) settings: Settings,
    pub(super) configs: Vec<(TypeId, ModuleConfig)>,
    pub(super) slot_names: Vec<Box<[u8]>>,
    pub(super) routes: Vec<CheckedRoute>,
}

/// A route block.
#[derive(Debug)]
pub(super) struct CheckedRoute {
    pub(super) kind: RouteKind,
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) body: Vec<Step>,
}

/// A statement.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) kind: StepKind,
    pub(super) span: Span,
}

/// What a statement does.
#[derive(Debug)]
pub(super) enum StepKind {
    Assign { target: Variable, operator: Option<BinaryOperator>, value: Node },
    Block(Vec<Step>),
    Break,
    Drop,
    Evaluate(Node),
    Exit,
    If { condition: Node, then: Vec<Step>, otherwise: Vec<Step> },
    Return(Option<Node>),
    Switch { value: Node, cases: Vec<Branch> },
    While { condition: Node, body: Vec<Step> },
}

/// One `case`.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) label: Label,
    pub(super) body: Vec<Step>,
}

/// What a `case` matches.
#[derive(Debug)]
pub(super) enum Label {
    Constant(Constant),
    Default,
    Regex(Regex),
}

/// An expression.
#[derive(Debug)]
pub(super) enum Node {
    Binary(BinaryOperator, Box<Self>, Box<Self>),
    /// A call, and the arguments that are calculated before it.
    Call(CallSite, Vec<Self>),
    Constant(Constant),
    Match {
        subject: Box<Self>,
        regex: Regex,
    },
    Method(Method),
    Myself(Subject, Option<Box<Self>>),
    Network {
        is_source: bool,
        network: Network,
    },
    Operand(Operand),
    Route(u16),
    RouteNamed {
        name: Box<Self>,
        optional: bool,
    },
    Unary(UnaryOperator, Box<Self>),
    Variable(Variable),
}
