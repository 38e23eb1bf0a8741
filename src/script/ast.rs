//! A script as parsed: structure and spans, names not yet looked up.

use std::collections::BTreeSet;

use super::{Dialect, Span};

/// A value with the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub node: T,
    /// Where it was written.
    pub span: Span,
}

/// A whole script, includes and preprocessor done.
#[derive(Clone, Debug, Default)]
pub struct Ast {
    /// The dialect named by the first line, if it names one.
    pub dialect: Option<Dialect>,
    /// `name = value` lines, in order.
    pub globals: Vec<Global>,
    /// `loadmodule` lines, in order.
    pub modules: Vec<Spanned<String>>,
    /// `modparam` lines, in order.
    pub modparams: Vec<ModParam>,
    /// `flags NAME:n, ...` declarations.
    pub flags: Vec<(Spanned<String>, u32)>,
    /// All route blocks, in order.
    pub routes: Vec<Route>,
    /// What is known of the names that `$def(...)` and `$env(...)` read.
    pub constants: Vec<NamedValue>,
    /// What the preprocessor passed over.
    pub passed: Passed,
}

/// The value of a name that does not change while a script runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedValue {
    /// The pseudo-variable that reads it: `def`, `env`, or `sel` for a global parameter.
    pub reader: &'static str,
    /// Its name.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// What `#!ifdef` and the like made of a script: what is in it only under other conditions.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// The words of the lines that were not read.
    pub words: BTreeSet<Box<[u8]>>,
    /// Where lines start or end to depend on a condition, in ascending order.
    pub seams: Vec<u32>,
}

impl Passed {
    /// Whether all words of `name` are among those that were not read.
    #[must_use]
    pub fn may_name(&self, name: &str) -> bool {
        !self.words.is_empty() && words_of(name.as_bytes()).all(|word| self.words.contains(word))
    }

    /// Whether what stands at the one place and what stands at the other depend on different
    /// conditions.
    #[must_use]
    pub fn is_between(&self, one: Span, other: Span) -> bool {
        let behind = self.seams.partition_point(|seam| *seam < one.end);
        self.seams.get(behind).is_some_and(|seam| *seam < other.start)
    }
}

/// The words in a text.
pub(super) fn words_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').filter(|it| !it.is_empty())
}

/// A global parameter: `children = 4`, `listen = udp:192.0.2.1:5060`, `alias = a b`.
#[derive(Clone, Debug)]
pub struct Global {
    /// Its name; custom ones have a dot (`pstn.gw_ip`).
    pub name: Spanned<String>,
    /// Its values; only lists (`alias`, `listen` in the old style) have more than one.
    pub values: Vec<Spanned<GlobalValue>>,
}

/// A value of a global parameter or module parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobalValue {
    /// A number.
    Int(i64),
    /// A quoted string.
    Text(Vec<u8>),
    /// Bare text: `yes`, `udp:192.0.2.1:5060`, `LOG_LOCAL0`, `example.com`.
    Word(String),
}

/// `modparam("module[|module]", "name", value)`.
#[derive(Clone, Debug)]
pub struct ModParam {
    /// The module name, or several with `|` between them.
    pub module: Spanned<String>,
    /// The parameter.
    pub name: Spanned<String>,
    /// Its value.
    pub value: Spanned<GlobalValue>,
}

/// When a route block runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteKind {
    /// `route`, `request_route`: for each request; named ones are subroutines.
    Request,
    /// `onreply_route`, `reply_route`: for responses.
    Reply,
    /// `failure_route`.
    Failure,
    /// `branch_route`.
    Branch,
    /// `onsend_route`.
    OnSend,
    /// `event_route[...]`.
    Event,
    /// `local_route`, `startup_route`, `error_route`, `timer_route`: known, not run here.
    Other,
}

/// A route block.
#[derive(Clone, Debug)]
pub struct Route {
    /// When it runs.
    pub kind: RouteKind,
    /// What is in the brackets; `0` where there are none. `route[0]` is the main route.
    pub name: Spanned<String>,
    /// The keyword it was written with.
    pub keyword: Spanned<String>,
    /// What it does.
    pub body: Vec<Statement>,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Where it stands.
    pub span: Span,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StatementKind {
    /// `$x = value`, or with `+=` and the like.
    Assign {
        /// The variable, as written (`$var(x)`).
        target: Spanned<Vec<u8>>,
        /// `None` for `=`, the operator for `+=` …
        operator: Option<BinaryOperator>,
        /// What to assign.
        value: Expression,
    },
    /// `{ ... }`.
    Block(Vec<Statement>),
    /// `break`.
    Break,
    /// A call whose result nobody looks at but `$rc`.
    Call(Call),
    /// `drop`.
    Drop,
    /// `exit`.
    Exit,
    /// `if (condition) then [else otherwise]`.
    If {
        /// The condition.
        condition: Expression,
        /// Run if it is true.
        then: Box<Statement>,
        /// Run if it is false.
        otherwise: Option<Box<Statement>>,
    },
    /// `return [value]`.
    Return(Option<Expression>),
    /// `switch (value) { case ...: ... }`.
    Switch {
        /// What is compared.
        value: Expression,
        /// The cases in order; each falls through to the next.
        cases: Vec<Case>,
    },
    /// `while (condition) body`.
    While {
        /// The condition.
        condition: Expression,
        /// Run as long as it is true.
        body: Box<Statement>,
    },
}

/// One `case ...:` with the statements up to the next one.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it matches.
    pub label: CaseLabel,
    /// Where the label stands.
    pub span: Span,
    /// What it does; may be empty.
    pub body: Vec<Statement>,
}

/// What a `case` matches.
#[derive(Clone, Debug)]
pub enum CaseLabel {
    /// `case value:`.
    Value(Expression),
    /// `case /regex:`.
    Regex(Spanned<Vec<u8>>),
    /// `default:`.
    Default,
}

/// A function call: `name(argument, ...)`. `route(x)` and `forward(...)` are calls like others.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub name: Spanned<String>,
    /// Its arguments.
    pub arguments: Vec<Expression>,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expression {
    /// What it computes.
    pub kind: ExpressionKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression computes.
#[derive(Clone, Debug)]
pub enum ExpressionKind {
    /// A binary operation.
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// A call.
    Call(Call),
    /// A number.
    Int(i64),
    /// A quoted string, escapes resolved (see [`StringStyle`] for what that means).
    Text(Vec<u8>, StringStyle),
    /// A unary operation.
    Unary(UnaryOperator, Box<Expression>),
    /// A pseudo-variable as written, from the `$` on: `$ru`, `$(hdr(X)[-1]{s.len})`.
    Variable(Vec<u8>),
    /// Bare text: an operand (`method`, `src_ip`, `myself`, `uri:host`), an address
    /// (`192.0.2.0/24`, `[2001:db8::1]:5060`), a flag or route name, `yes`.
    Word(String),
}

/// How a string was quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringStyle {
    /// `"..."`: `\n \r \t \\ \"` are escapes; a backslash before anything else stays, so that
    /// regular expressions keep theirs.
    Double,
    /// `'...'`: nothing is an escape.
    Single,
}

/// Unary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `!`, `not`.
    Not,
    /// `-`.
    Negate,
    /// `~`.
    BitNot,
    /// `defined`.
    Defined,
    /// `strlen`.
    StrLen,
    /// `strempty`.
    StrEmpty,
    /// `(int)`.
    ToInt,
    /// `(str)`.
    ToText,
}

/// Binary operators, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `||`, `or`.
    Or,
    /// `&&`, `and`.
    And,
    /// `|`.
    BitOr,
    /// `^`.
    BitXor,
    /// `&`.
    BitAnd,
    /// `==`, `eq`, `ieq`, `seq`.
    Equal,
    /// `!=`, `ne`.
    NotEqual,
    /// `=~`.
    Match,
    /// `!~`.
    NotMatch,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
    /// `<<`.
    ShiftLeft,
    /// `>>`.
    ShiftRight,
    /// `+`: addition or concatenation by the type of the left side.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`, `mod`.
    Modulo,
}
