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

mod arithmetic;
pub mod ast;
mod calendar;
mod check;
mod checked;
mod compat;
mod compile;
mod configs;
mod diagnostic;
mod execution;
mod format;
mod globals;
mod host;
mod hosts;
mod json;
mod lexer;
mod list;
mod load;
mod network;
mod parser;
mod pattern;
mod preprocess;
mod program;
pub mod reference;
mod registry;
mod render;
mod rewritten;
mod scope;
mod select;
mod settings;
mod source;
mod spelling;
mod state;
mod substitution;
mod suspension;
mod transform;
mod transit;
mod value;
mod variable;
mod vm;
mod walk;
mod watch;
mod xavp;

pub use calendar::DateTime;
pub use check::{Compiled, check, compile};
pub use checked::Checked;
pub use compat::{Compat, Support, Use, UseKind, compat, render_compat, render_compat_json};
pub use diagnostic::{Change, Code, Diagnostic, Severity};
pub use execution::Execution;
pub use format::{Format, Piece};
pub use host::{Host, LogFacility, LogLevel, NextHop, Refusal};
pub use json::{json_place, json_string, render_json};
pub use list::ArenaList;
pub use load::{Parsed, Reader, Rejected, parse_script, parse_text};
pub use pattern::{PatternFlags, compile_pattern};
pub use program::{BranchPlace, Program, RouteId, StatementPlace};
pub use registry::{
    Argument, Configure, FALSE, Function, FunctionSpec, Index, Key, Missing, ModuleConfig,
    ModuleSpec, ModuleState, ParameterKind, ParameterSpec, PseudoVariable, Read, Registry,
    ReturnCode, RouteKinds, SettingKind, SettingSpec, TRUE, Write,
};
pub use render::render;
pub use rewritten::Rewritten;
pub use settings::{ControlSettings, Dialect, ListenAddress, Settings};
pub use source::{Place, SourceFile, SourceMap, Span};
pub use spelling::nearest;
pub use substitution::{Bound, Substitution, whole_line_range};
pub use suspension::{Suspended, Wait};
pub use transform::{core_hash, decode_base64_url, encode_base64_url};
pub use transit::{Branch, OwnVia, RecordRoute, Transit};
pub use value::{Digits, Value, parse_int};
pub use variable::Variable;
pub use vm::{ScriptError, Verdict, resume, run};
pub(crate) use vm::{method_name, split_host_port};
pub use watch::{Event, Observer};
pub use xavp::{XavpKind, XavpPath};
