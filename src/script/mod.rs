//! The routing language of the SER family, from text to a run over one message.
//!
//! ```text
//! Source ─ lexer ─▶ Tokens ─ preprocess ─▶ Tokens ─ parser ─▶ Ast
//! Ast ─ check ─▶ Checked ─ compile ─▶ Program
//! Program + Transit ─ vm ─▶ Verdict
//! ```
//!
//! All errors of a file are reported, each once, as [`Diagnostic`] values. Functions,
//! pseudo-variables and module parameters come from the [`Registry`]; this room knows none of
//! them by name but the operands of the core language.

pub mod ast;
mod diagnostic;
mod execution;
mod host;
mod pattern;
mod program;
mod registry;
mod settings;
mod source;
mod substitution;
mod transit;
mod value;
mod variable;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use execution::Execution;
pub use host::{Host, LogLevel, NextHop, Refusal};
pub use pattern::{PatternFlags, compile_pattern};
pub use program::Program;
pub use registry::{
    Argument, FALSE, Function, FunctionSpec, Index, Key, ModuleConfig, ModuleSpec, ModuleState,
    ParameterKind, ParameterSpec, PseudoVariable, Registry, ReturnCode, RouteKinds, SettingKind,
    SettingSpec, TRUE,
};
pub use settings::{Dialect, ListenAddress, Settings};
pub use source::{SourceMap, Span};
pub use substitution::{Substitution, whole_line_range};
pub use transit::{Branch, RecordRoute, Transit};
pub use value::Value;
pub use variable::Variable;
