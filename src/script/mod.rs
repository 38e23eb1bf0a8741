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
mod globals;
mod host;
mod lexer;
mod load;
mod parser;
mod pattern;
mod preprocess;
mod program;
mod registry;
mod render;
mod settings;
mod source;
mod spelling;
mod substitution;
mod transit;
mod value;
mod variable;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use execution::Execution;
pub use host::{Host, LogLevel, NextHop, Refusal};
pub use load::{Parsed, Reader, Rejected, parse_script, parse_text};
pub use pattern::{PatternFlags, compile_pattern};
pub use program::Program;
pub use registry::{
    Argument, FALSE, Function, FunctionSpec, Index, Key, ModuleConfig, ModuleSpec, ModuleState,
    ParameterKind, ParameterSpec, PseudoVariable, Registry, ReturnCode, RouteKinds, SettingKind,
    SettingSpec, TRUE,
};
pub use settings::{Dialect, ListenAddress, Settings};
pub use source::{Place, SourceFile, SourceMap, Span};
pub use spelling::nearest;
pub use substitution::{Substitution, whole_line_range};
pub use transit::{Branch, RecordRoute, Transit};
pub use value::Value;
pub use variable::Variable;
