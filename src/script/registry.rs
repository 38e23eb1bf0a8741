//! The shape of the tables that functions, pseudo-variables and module parameters come from.
//!
//! To add a module is to add a file with a [`ModuleSpec`] and a line to the list of all modules.
//! The checker, the compiler, and every listing for people are made from these tables.

use std::any::Any;
use std::sync::Arc;

use regex::bytes::Regex;

use super::ast::{GlobalValue, RouteKind};
use super::{Execution, Value};

/// What a function gives back: above 0 is TRUE, below 0 is FALSE, 0 ends the script.
pub type ReturnCode = i32;

/// Success.
pub const TRUE: ReturnCode = 1;

/// No success.
pub const FALSE: ReturnCode = -1;

/// A set of [`RouteKind`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteKinds(u8);

impl RouteKinds {
    /// For requests only.
    pub const REQUEST: Self = Self(1);
    /// For responses only.
    pub const REPLY: Self = Self(2);
    /// For requests and responses.
    pub const REQUEST_AND_REPLY: Self = Self(3);
    /// Everywhere.
    pub const ANY: Self = Self(!0);
    /// Everywhere but for responses.
    pub const NOT_REPLY: Self = Self(!2);

    /// Whether `kind` is in the set.
    #[must_use]
    pub const fn contains(self, kind: RouteKind) -> bool {
        let bit = match kind {
            RouteKind::Request => 1,
            RouteKind::Reply => 2,
            RouteKind::Failure => 4,
            RouteKind::Branch => 8,
            RouteKind::OnSend => 16,
            RouteKind::Event => 32,
            RouteKind::Other => 64,
        };
        self.0 & bit != 0
    }
}

/// What an argument must be, and what the compiler makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// A number, or a string that is one. Arrives as [`Argument::Int`].
    Int,
    /// A flag: a number from 0 to 31 or a name declared by `flags`. Arrives as `Int`.
    Flag,
    /// A string; pseudo-variables in it are replaced. Arrives as [`Argument::Text`].
    Text,
    /// A string taken as it is, or bare text. Arrives as `Text`.
    Literal,
    /// A regular expression (POSIX extended); flags as textops uses them: without regard to
    /// case, `^` and `$` at line ends, `.` within the line. Arrives as [`Argument::Regex`].
    Regex,
    /// A substitution `/regex/replacement/flags`. Arrives as [`Argument::Substitution`].
    Substitution,
    /// The name of a route block of this kind, which must exist. Arrives as `Text`.
    RouteName(RouteKind),
    /// The text of a log line: in the SER dialect with `%` specifiers too. Arrives as
    /// [`Argument::Format`], so that a line that is not written is not put together.
    LogText,
    /// A log level: `L_ERR`, `ERR`, a number from -5 to 4. Arrives as `Int`.
    LogLevel,
    /// A facility of the system log: `LOG_LOCAL0`. Arrives as `Text`.
    LogFacility,
    /// A pseudo-variable that can be written. Arrives as [`Argument::Variable`].
    Variable,
    /// A pseudo-variable, for functions that ask whether it has a value. Arrives as `Variable`.
    AnyVariable,
    /// Pseudo-variables that can be written, with `;` or `,` between them. Arrives as
    /// [`Argument::Variables`].
    Variables,
    /// A command for the shell. What pseudo-variables in it hold must not be read by the shell as
    /// part of the command, so it arrives as `Format`. In the SER dialect a `$` that is not the
    /// start of a pseudo-variable is left to the shell; in the others that is written `$$`.
    Command,
    /// An address or host, with or without port, bare or quoted; also `uri:host`, `uri:port`.
    /// Pseudo-variables in it are replaced. Arrives as `Text` (bare operands resolved).
    Address,
    /// A port: a number, or what an address may be. Arrives as `Int` if it is written as a number,
    /// else as `Text`.
    Port,
}

/// One parameter of a function.
#[derive(Clone, Copy, Debug)]
pub struct ParameterSpec {
    /// Its name, for people.
    pub name: &'static str,
    /// What it must be.
    pub kind: ParameterKind,
    /// Whether it may be left out; only the last ones may.
    pub optional: bool,
}

impl ParameterSpec {
    /// A parameter that must be given.
    #[must_use]
    pub const fn required(name: &'static str, kind: ParameterKind) -> Self {
        Self { name, kind, optional: false }
    }

    /// A parameter that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, kind: ParameterKind) -> Self {
        Self { name, kind, optional: true }
    }
}

/// An argument as a function gets it.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'m> {
    /// A number.
    Int(i64),
    /// A string with variables, to be put together by [`super::Format::render`].
    Format(&'m super::Format),
    /// A string.
    Text(&'m [u8]),
    /// A compiled regular expression.
    Regex(&'m Regex),
    /// A compiled substitution.
    Substitution(&'m super::Substitution),
    /// A variable that the function reads or writes.
    Variable(&'m super::Variable),
    /// Variables that the function writes.
    Variables(&'m [super::Variable]),
}

/// The code of a script function.
pub type Function = for<'m> fn(&mut Execution<'m>, &[Argument<'m>]) -> ReturnCode;

/// A script function.
#[derive(Clone, Copy, Debug)]
pub struct FunctionSpec {
    /// Its name.
    pub name: &'static str,
    /// Other names of the same function.
    pub aliases: &'static [&'static str],
    /// Its parameters.
    pub parameters: &'static [ParameterSpec],
    /// The route blocks it may be called from.
    pub routes: RouteKinds,
    /// What it does: a headline, then what a script writer must know.
    pub doc: &'static str,
    /// A statement that uses it, which compiles.
    pub example: &'static str,
    /// Its code.
    pub run: Function,
}

/// The part of a variable between its parentheses: `x` in `$hdr(x)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'m> {
    /// Nothing in parentheses.
    None,
    /// A name; variables in it are already replaced.
    Name(&'m [u8]),
}

/// The part of a variable between brackets: `1` in `$(hdr(x)[1])`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// None: the first.
    None,
    /// From the front, or from the back if negative.
    At(i32),
    /// `[*]`: all.
    All,
}

/// Reads a pseudo-variable.
pub type Read = for<'m> fn(&Execution<'m>, Key<'m>, Index) -> Value<'m>;

/// Writes a pseudo-variable; false if the value cannot be written there.
pub type Write = for<'m> fn(&mut Execution<'m>, Key<'m>, Index, Value<'m>) -> bool;

/// A pseudo-variable.
#[derive(Clone, Copy, Debug)]
pub struct PseudoVariable {
    /// The name behind the `$`.
    pub name: &'static str,
    /// Other names of the same variable.
    pub aliases: &'static [&'static str],
    /// Whether it has something in parentheses.
    pub keyed: bool,
    /// What may stand there; anything if this is empty.
    pub keys: &'static [&'static str],
    /// Reads it.
    pub read: Read,
    /// Writes it, if it can be written.
    pub write: Option<Write>,
    /// What it holds.
    pub doc: &'static str,
}

/// The type of a module parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// A number.
    Int,
    /// A string.
    Text,
}

/// A module parameter (`modparam`).
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: SettingKind,
    /// Whether it changes anything; one that does not is accepted with a note.
    pub effective: bool,
    /// What it does; begins with "Not heeded" if it asks for something that is not done.
    pub doc: &'static str,
}

/// How the text begins about a setting without effect that asks, unless it is 0 or empty, for
/// something that is not done: that is worth a warning.
pub(super) const NOT_HEEDED: &str = "Not heeded";

/// Whether a module can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleState {
    /// It works.
    Ready,
    /// It can be loaded and its parameters set; that is all.
    Announced,
}

/// What a module has elsewhere and not here: using it is an error ("not supported yet").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Names of functions.
    pub functions: &'static [&'static str],
    /// Names of pseudo-variables.
    pub variables: &'static [&'static str],
}

impl Missing {
    /// Nothing is missing.
    pub const NOTHING: Self = Self { functions: &[], variables: &[] };
}

/// The configuration that a module makes of its parameters, looked up by type.
pub type ModuleConfig = Arc<dyn Any + Send + Sync>;

/// Makes a module's configuration of its `modparam` values, which have been checked against the
/// table; a message for the value at that position if it cannot be used.
pub type Configure = fn(&[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)>;

/// A module.
#[derive(Clone, Copy, Debug)]
pub struct ModuleSpec {
    /// Its name, as in `loadmodule "name.so"`.
    pub name: &'static str,
    /// Other names it is loaded by.
    pub aliases: &'static [&'static str],
    /// What it is for.
    pub doc: &'static str,
    /// Whether it can be used.
    pub state: ModuleState,
    /// Whether its functions can be called without `loadmodule`.
    pub built_in: bool,
    /// Its functions.
    pub functions: &'static [FunctionSpec],
    /// Its pseudo-variables.
    pub variables: &'static [PseudoVariable],
    /// Its parameters.
    pub settings: &'static [SettingSpec],
    /// Those of its parameters that stay as they are while the server runs, because what is
    /// stored was stored by them: name, and the value where the script says nothing.
    pub fixed: &'static [(&'static str, &'static str)],
    /// Makes its configuration, if it has one.
    pub configure: Option<Configure>,
    /// Whether it makes none where the script sets none of its parameters: who asks for one knows
    /// what holds then.
    pub knows_defaults: bool,
    /// What of it is not supported yet.
    pub missing: Missing,
}

/// All modules.
#[derive(Clone, Copy, Debug)]
pub struct Registry {
    /// In the order in which they are listed for people.
    pub modules: &'static [&'static ModuleSpec],
}

impl ModuleSpec {
    /// A module that has a name and nothing else; the rest is filled in with `..`.
    #[must_use]
    pub const fn new(name: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            doc,
            state: ModuleState::Ready,
            built_in: false,
            functions: &[],
            variables: &[],
            settings: &[],
            fixed: &[],
            configure: None,
            knows_defaults: false,
            missing: Missing::NOTHING,
        }
    }
}

impl Registry {
    /// All functions with the module they belong to.
    pub fn functions(&self) -> impl Iterator<Item = (&'static ModuleSpec, &'static FunctionSpec)> {
        self.modules
            .iter()
            .flat_map(|module| module.functions.iter().map(move |spec| (*module, spec)))
    }

    /// All pseudo-variables with the module they belong to.
    pub fn variables(
        &self,
    ) -> impl Iterator<Item = (&'static ModuleSpec, &'static PseudoVariable)> {
        self.modules
            .iter()
            .flat_map(|module| module.variables.iter().map(move |spec| (*module, spec)))
    }

    /// The module that has a function of that name, which is not supported yet.
    #[must_use]
    pub fn lacks_function(&self, name: &str) -> Option<&'static ModuleSpec> {
        self.modules.iter().find(|module| module.missing.functions.contains(&name)).copied()
    }

    /// The module that has a pseudo-variable of that name, which is not supported yet.
    #[must_use]
    pub fn lacks_variable(&self, name: &str) -> Option<&'static ModuleSpec> {
        self.modules.iter().find(|module| module.missing.variables.contains(&name)).copied()
    }

    /// The module of that name; a path and `.so` are taken off first.
    #[must_use]
    pub fn module(&self, name: &str) -> Option<&'static ModuleSpec> {
        let base = name.rsplit('/').next().unwrap_or(name);
        let base = base.strip_suffix(".so").unwrap_or(base);
        let named =
            |module: &&&'static ModuleSpec| module.name == base || module.aliases.contains(&base);
        self.modules.iter().find(named).copied()
    }
}
