//! The steps of one user agent.

use std::time::Duration;

use regex::bytes::Regex;

use super::Template;

/// Position of a step in [`Program::steps`]; one past the last is the end of the call.
pub type StepId = usize;

/// Position of a variable in [`Program::variables`].
pub type VariableId = usize;

/// What one user agent does in a call, step by step.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Who begins.
    pub role: Role,
    /// Where requests within a dialog go.
    pub routing: Routing,
    /// The steps; labels are resolved.
    pub steps: Vec<Step>,
    /// Names of the response-time marks; [`Chain`] has their positions.
    pub marks: Vec<String>,
    /// Names of the variables.
    pub variables: Vec<String>,
}

/// Who begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The first step that is a message sends a request: a user agent client.
    Caller,
    /// The first step that is a message waits for a request: a user agent server.
    Callee,
}

/// Where requests within a dialog go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// To where the call was begun, as SIPp does.
    Target,
    /// To the first Route or else to the remote target (RFC 3261 §12.2.1.1).
    Dialog,
}

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send a message.
    Send(Send),
    /// Wait for a message.
    Receive(Receive),
    /// Wait for a time.
    Pause(Pause),
    /// Do something else.
    Nop(Nop),
}

impl Step {
    /// Where to go on and what to measure.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        match self {
            Self::Send(send) => &send.chain,
            Self::Receive(receive) => &receive.chain,
            Self::Pause(pause) => &pause.chain,
            Self::Nop(nop) => &nop.chain,
        }
    }

    /// As [`Step::chain`], to change it.
    pub(super) const fn chain_mut(&mut self) -> &mut Chain {
        match self {
            Self::Send(send) => &mut send.chain,
            Self::Receive(receive) => &mut receive.chain,
            Self::Pause(pause) => &mut pause.chain,
            Self::Nop(nop) => &mut nop.chain,
        }
    }
}

/// What follows a step, and what it measures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    /// Where to go on, if not at the step behind it.
    pub next: Option<StepId>,
    /// Take `next` only if this variable is set (SIPp `test`).
    pub test: Option<VariableId>,
    /// Take `next` only with this probability, 0 to 1 (SIPp `chance`).
    pub chance: Option<f64>,
    /// Marks whose clock starts here (SIPp `start_rtd`); bit n is mark n. A mark that is started
    /// nowhere runs from the intended start of the call.
    pub start_marks: u32,
    /// Marks whose time is noted here (SIPp `rtd`).
    pub stop_marks: u32,
    /// Do the step only if this variable is set (SIPp `condexec`), or not set (the flag).
    pub condition: Option<(VariableId, bool)>,
}

/// Send a message.
#[derive(Clone, Debug)]
pub struct Send {
    /// The message.
    pub template: Template,
    /// What it is.
    pub what: What,
    /// Send it again after this time, then twice the time, and so on, until it is answered (SIPp
    /// `retrans`, T1 of RFC 3261). None: never.
    pub retransmit_after: Option<Duration>,
    /// Lose it instead with this probability, 0 to 1 (SIPp `lost`).
    pub lost: f64,
    /// Done after sending.
    pub actions: Vec<Action>,
    /// What follows.
    pub chain: Chain,
}

/// What a message is, known before it is composed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A request with this method.
    Request(String),
    /// A response with this code.
    Response(u16),
}

/// Wait for a message.
#[derive(Clone, Debug)]
pub struct Receive {
    /// Which message.
    pub expect: Expect,
    /// Whether it may also not come.
    pub optional: Optional,
    /// Keep its Record-Route and Contact as the route set and remote target (SIPp `rrs`).
    pub keep_routes: bool,
    /// How long to wait, and where to go on if it did not come; the call fails if that is none.
    pub timeout: Option<(Duration, Option<StepId>)>,
    /// Lose it instead with this probability, 0 to 1 (SIPp `lost`).
    pub lost: f64,
    /// Done on receiving.
    pub actions: Vec<Action>,
    /// What follows.
    pub chain: Chain,
}

/// A message waited for.
#[derive(Clone, Debug)]
pub enum Expect {
    /// A request with this method.
    Request(String),
    /// A request whose method matches (SIPp `regexp_match`).
    RequestMatching(Regex),
    /// A response with this code.
    Response(u16),
    /// A response whose code matches (SIPp `regexp_match`).
    ResponseMatching(Regex),
}

/// Whether a message may also not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optional {
    /// The call waits for it.
    No,
    /// Another message that a later step waits for may come instead.
    Yes,
    /// It may come at any later time of the call (SIPp `optional="global"`).
    Global,
}

/// Wait for a time.
#[derive(Clone, Debug)]
pub struct Pause {
    /// How long.
    pub length: Missing<Distribution>,
    /// What follows.
    pub chain: Chain,
}

/// A value of the scenario, or what the command line says instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missing<T> {
    /// In the scenario.
    Given(T),
    /// As `--hold` says.
    Hold,
}

/// Lengths of pauses (milliseconds).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Fixed(f64),
    /// Evenly between two bounds.
    Uniform(f64, f64),
    /// Normal, with mean and standard deviation; never below zero.
    Normal(f64, f64),
    /// Exponential, with this mean.
    Exponential(f64),
}

/// Do something else.
#[derive(Clone, Debug)]
pub struct Nop {
    /// What.
    pub actions: Vec<Action>,
    /// What follows.
    pub chain: Chain,
}

/// Something done with variables.
#[derive(Clone, Debug)]
pub enum Action {
    /// Match a regular expression; groups go to the variables in order, the whole match first.
    Match {
        /// The expression.
        regex: Regex,
        /// Where to look.
        search_in: SearchIn,
        /// The call fails if it does not match (SIPp `check_it`).
        check_it: bool,
        /// The call fails if it matches (SIPp `check_it_inverse`).
        check_it_inverse: bool,
        /// Variables that are set to what was found.
        assign_to: Vec<VariableId>,
    },
    /// Set a variable to a text.
    AssignText(VariableId, Template),
    /// Set a variable to a number.
    AssignNumber(VariableId, f64),
    /// Set a variable to the number that its text is; nothing if it is none.
    ToNumber(VariableId, VariableId),
    /// Calculate: the variable becomes itself, the operator applied, the other.
    Calculate(VariableId, char, Operand),
    /// Set a variable if a comparison holds, else unset it.
    Test(VariableId, VariableId, Comparison, Operand),
    /// Set the first to whether the text of the second is this.
    CompareText(VariableId, VariableId, Template),
    /// Go on at the step whose number the operand is.
    Jump(Operand),
    /// Write a line for people.
    Log(Template),
    /// End the call here, as completed.
    StopCall,
}

/// A number in an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// Written there.
    Number(f64),
    /// In a variable.
    Variable(VariableId),
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `equal`
    Equal,
    /// `not_equal`
    NotEqual,
    /// `greater_than`
    Greater,
    /// `less_than`
    Less,
    /// `greater_than_equal`
    GreaterOrEqual,
    /// `less_than_equal`
    LessOrEqual,
}

/// Where a regular expression is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchIn {
    /// The whole message.
    Message,
    /// Its body.
    Body,
    /// The text behind a header name, `occurrence` counted from 1.
    Header {
        /// The name, without colon.
        name: String,
        /// Which of several.
        occurrence: usize,
        /// Whether the case of the name matters.
        case_matters: bool,
    },
    /// The first line and the headers, searched for this text; what follows it on its line.
    Line(String),
    /// A variable.
    Variable(VariableId),
}

impl Program {
    /// Whether a call of this callee may begin with a request of this method: one of the steps
    /// up to the first that must be received waits for it.
    #[must_use]
    pub fn opens(&self, method: &[u8]) -> bool {
        for step in &self.steps {
            match step {
                Step::Receive(receive) if receive.expect.is_request(method) => return true,
                Step::Receive(receive) if receive.optional == Optional::No => return false,
                Step::Send(_) => return false,
                _ => {}
            }
        }
        false
    }
}

impl Expect {
    /// Whether a request with this method is waited for.
    #[must_use]
    pub fn is_request(&self, method: &[u8]) -> bool {
        match self {
            Self::Request(expected) => expected.as_bytes() == method,
            Self::RequestMatching(regex) => regex.is_match(method),
            Self::Response(_) | Self::ResponseMatching(_) => false,
        }
    }

    /// Whether a response with this code is waited for.
    #[must_use]
    pub fn is_response(&self, code: u16) -> bool {
        match self {
            Self::Response(expected) => *expected == code,
            Self::ResponseMatching(regex) => regex.is_match(code.to_string().as_bytes()),
            Self::Request(_) | Self::RequestMatching(_) => false,
        }
    }
}

impl Action {
    /// The text that it is made with, if any.
    #[must_use]
    pub const fn template(&self) -> Option<&Template> {
        match self {
            Self::AssignText(_, template)
            | Self::CompareText(_, _, template)
            | Self::Log(template) => Some(template),
            _ => None,
        }
    }

    /// Whether it looks at the last message received.
    #[must_use]
    pub const fn searches_message(&self) -> bool {
        match self {
            Self::Match { search_in, .. } => !matches!(search_in, SearchIn::Variable(_)),
            _ => false,
        }
    }
}
