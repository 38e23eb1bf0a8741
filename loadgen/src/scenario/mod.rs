//! Scenarios: what a user agent sends, waits for and does, step by step.
//!
//! A [`Program`] is one user agent's part. It is read from a scenario file of SIPp (`sipp/`),
//! also those that are compiled in (`builtin`): there is one language. Its messages are
//! [`Template`]s. A [`Cast`] is all programs of a run, callers with their weights and callees.

pub mod builtin;
mod cast;
mod injection;
mod names;
mod program;
pub mod sipp;
mod template;

pub use cast::{Caller, Cast};
pub use injection::{Injection, InjectionError, Order};
pub use names::{Names, Problem};
pub use program::{
    Action, Chain, Comparison, Distribution, Expect, Missing, Nop, Operand, Optional, Pause,
    Program, Receive, Role, Routing, SearchIn, Send, Step, StepId, VariableId, What,
};
pub use template::{Field, LastHeader, Piece, Template};
