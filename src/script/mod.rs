//! The routing language of the SER family, from text to a run over one message.
//!
//! ```text
//! Source ─ lexer ─▶ Tokens ─ preprocess ─▶ Tokens ─ parser ─▶ Ast ─ check ─▶ Checked ─ compile ─▶ Program
//!                                                                     Program + Transit ─ vm ─▶ Verdict
//! ```
//!
//! All errors of a file are reported, each once, as [`Diagnostic`] values. Functions,
//! pseudo-variables and module parameters come from the [`Registry`]; this room knows none of
//! them by name but the operands of the core language.

mod arithmetic;
pub mod ast;
mod check;
mod checked;
mod compile;
mod diagnostic;
mod execution;
mod format;
mod host;
mod network;
mod pattern;
mod program;
mod registry;
mod scope;
mod settings;
mod similar;
mod source;
mod substitution;
mod transform;
mod transit;
mod value;
mod variable;
mod vm;

pub use check::{check, compile};
pub use diagnostic::{Code, Diagnostic, Severity};
pub use checked::Checked;
pub use execution::Execution;
pub use format::Format;
pub use host::{Host, LogLevel, NextHop, Refusal};
pub use pattern::{PatternFlags, compile_pattern};
pub use program::{Program, RouteId};
pub use registry::{
    Argument, FALSE, Function, FunctionSpec, Index, Key, ModuleSpec, ModuleState, ParameterKind,
    ParameterSpec, PseudoVariable, Registry, ReturnCode, RouteKinds, SettingKind, SettingSpec,
    TRUE,
};
pub use settings::{Dialect, ListenAddress, Settings};
pub use source::{SourceMap, Span};
pub use substitution::Substitution;
pub use transit::{Branch, Transit};
pub use value::{Digits, Value, parse_int};
pub use variable::Variable;
pub use vm::{ScriptError, Verdict, run};
pub(crate) use vm::{default_port, method_name, split_host_port};
