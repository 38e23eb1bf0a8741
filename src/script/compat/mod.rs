//! How much of a script is supported: each module, parameter, function and variable that it
//! uses, whether the script as a whole can run or not.

mod show;

pub use show::{render_compat, render_compat_json};

use super::ast::{Ast, Call, CaseLabel, Expression, ExpressionKind, Spanned, StatementKind};
use super::registry::{FunctionSpec, ModuleState, ParameterKind, Registry};
use super::scope::Scope;
use super::variable::Variable;
use super::{Diagnostic, Severity, Span, globals, walk};

/// What a script uses, in the order of the kinds and then of the places.
#[derive(Debug)]
pub struct Compat {
    /// All that is used.
    pub uses: Vec<Use>,
    /// Errors because of which something could not be read.
    pub unread: usize,
}

/// Something that a script uses.
#[derive(Clone, Debug)]
pub struct Use {
    /// What it is.
    pub kind: UseKind,
    /// Its name: `tm`, `tm.fr_timer`, `t_relay`, `$avp`.
    pub name: String,
    /// Where it is used.
    pub span: Span,
    /// Whether it is supported.
    pub support: Support,
}

/// Kinds of things that a script uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UseKind {
    /// `loadmodule`.
    Module,
    /// A global parameter, or one of a module.
    Parameter,
    /// A function.
    Function,
    /// A pseudo-variable, or what is made of one.
    Variable,
}

/// Whether something is supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// It is.
    Full,
    /// It is accepted and changes nothing, for this reason.
    Idle(String),
    /// It is not, for this reason.
    Missing(String),
}

impl Compat {
    /// Whether all of the script is supported.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let missing = |used: &Use| matches!(used.support, Support::Missing(_));
        self.unread == 0 && !self.uses.iter().any(missing)
    }
}

/// Looks through a script; `diagnostics` are what was wrong when it was read.
#[must_use]
pub fn compat(ast: &Ast, diagnostics: &[Diagnostic], registry: &Registry) -> Compat {
    let mut finder = Finder { ast, registry, scope: Scope::of(ast, registry), uses: Vec::new() };
    finder.modules();
    finder.parameters(diagnostics);
    finder.routes();
    let mut uses = finder.uses;
    uses.sort_by_key(|found| (found.kind, found.span.start));
    uses.dedup_by(|one, other| {
        one.kind == other.kind && one.span == other.span && one.name == other.name
    });
    let hides = |diagnostic: &&Diagnostic| {
        diagnostic.severity == Severity::Error
            && ["E01", "E02"].iter().any(|stage| diagnostic.code.0.starts_with(stage))
    };
    Compat { uses, unread: diagnostics.iter().filter(hides).count() }
}

/// Looks for what a script uses.
struct Finder<'a> {
    ast: &'a Ast,
    registry: &'a Registry,
    scope: Scope<'a>,
    uses: Vec<Use>,
}

impl<'a> Finder<'a> {
    /// Notes something that is used.
    fn note(&mut self, kind: UseKind, name: impl Into<String>, span: Span, support: Support) {
        self.uses.push(Use { kind, name: name.into(), span, support });
    }

    /// `loadmodule` lines.
    fn modules(&mut self) {
        for name in &self.ast.modules {
            let (shown, support) = match self.registry.module(&name.node) {
                Some(module) => (module.name, of_module(module.state)),
                None => (base_name(&name.node), missing("there is no such module")),
            };
            self.note(UseKind::Module, shown, name.span, support);
        }
    }

    /// Global parameters and `modparam` lines.
    fn parameters(&mut self, diagnostics: &[Diagnostic]) {
        for global in &self.ast.globals {
            let name = &global.name;
            let refused = diagnostics.iter().find(|diagnostic| {
                diagnostic.code.0 == "E0304"
                    && global.values.iter().any(|value| value.span == diagnostic.primary.0)
            });
            let support = match (refused, globals::idle(&name.node)) {
                (Some(refused), _) => Support::Missing(refused.message.clone()),
                (None, Some(Some(why))) => Support::Idle(why.to_owned()),
                (None, Some(None)) => Support::Full,
                (None, None) if name.node.contains('.') => Support::Full,
                (None, None) => missing("there is no such global parameter"),
            };
            self.note(UseKind::Parameter, name.node.clone(), name.span, support);
        }
        for parameter in &self.ast.modparams {
            for module in parameter.module.node.split('|') {
                let (module, support) = self.of_parameter(module, &parameter.name);
                let name = format!("{module}.{}", parameter.name.node);
                self.note(UseKind::Parameter, name, parameter.name.span, support);
            }
        }
    }

    /// The name of a module, and whether its parameter is supported.
    fn of_parameter(&self, module: &str, name: &Spanned<String>) -> (String, Support) {
        let Some(module) = self.registry.module(module) else {
            return (base_name(module).to_owned(), missing("there is no such module"));
        };
        let setting = module.settings.iter().find(|setting| setting.name == name.node);
        let support = match setting {
            _ if module.state == ModuleState::Announced => of_module(module.state),
            Some(setting) if setting.effective => Support::Full,
            Some(setting) => {
                let why = setting.doc.strip_prefix("Changes nothing: ").unwrap_or(setting.doc);
                Support::Idle(why.trim_end_matches('.').to_owned())
            }
            None => missing("the module has no such parameter here"),
        };
        (module.name.to_owned(), support)
    }

    /// What route blocks use.
    fn routes(&mut self) {
        let ast = self.ast;
        for route in &ast.routes {
            let mut calls: Vec<&'a Call> = Vec::new();
            walk::calls(&route.body, &mut |call| calls.push(call));
            calls.into_iter().for_each(|call| self.call(call));
            let mut variables: Vec<(&'a [u8], Span)> = Vec::new();
            walk::expressions(&route.body, &mut |expression| {
                variables.extend(variable(expression));
            });
            for statement in &route.body {
                walk::each_statement(statement, &mut |statement| match &statement.kind {
                    StatementKind::Assign { target, .. } => {
                        variables.push((&target.node, target.span));
                    }
                    StatementKind::Switch { cases, .. } => {
                        variables.extend(cases.iter().filter_map(|case| match &case.label {
                            CaseLabel::Value(value) => variable(value),
                            _ => None,
                        }));
                    }
                    _ => {}
                });
            }
            for (text, span) in variables {
                self.variables(text, span, Doubt::None);
            }
        }
    }

    /// A call of a function, and the variables in its strings.
    fn call(&mut self, call: &Call) {
        let name = call.name.node.as_str();
        let is_named = |spec: &&FunctionSpec| spec.name == name || spec.aliases.contains(&name);
        let specs: Vec<&FunctionSpec> =
            self.registry.functions().map(|(_, spec)| spec).filter(is_named).collect();
        if name != "route" {
            let support = match self.registry.lacks_function(name) {
                _ if !specs.is_empty() => Support::Full,
                Some(module) => not_yet(module.name),
                None => missing("there is no such function"),
            };
            self.note(UseKind::Function, name, call.name.span, support);
        }
        let kind = |position: usize| {
            Some(specs.iter().find_map(|spec| spec.parameters.get(position))?.kind)
        };
        for (position, argument) in call.arguments.iter().enumerate() {
            let ExpressionKind::Text(text, _) = &argument.kind else { continue };
            match kind(position) {
                Some(
                    ParameterKind::Literal | ParameterKind::Regex | ParameterKind::Substitution,
                ) => {}
                Some(_) => self.variables(text, argument.span, Doubt::None),
                None => self.variables(text, argument.span, Doubt::Name),
            }
        }
    }

    /// The variables in a text.
    fn variables(&mut self, text: &[u8], span: Span, doubt: Doubt) {
        let mut at = 0;
        while let Some(dollar) = memchr::memchr(b'$', &text[at..]) {
            let start = at + dollar;
            at = start + 1;
            match text.get(at) {
                Some(b'$') => at += 1,
                Some(byte) if byte.is_ascii_alphabetic() || *byte == b'(' => {
                    at += self.variable(&text[start..], span, doubt).saturating_sub(1);
                }
                _ => {}
            }
        }
    }

    /// The variable at the start of a text; how long it is, as far as that is known.
    fn variable(&mut self, text: &[u8], span: Span, doubt: Doubt) -> usize {
        let head = text.strip_prefix(b"$(").unwrap_or_else(|| text.get(1..).unwrap_or_default());
        let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        let length = head.iter().take_while(is_name).count();
        let name = format!("${}", String::from_utf8_lossy(&head[..length]));
        match Variable::parse(text, &mut self.scope) {
            Ok((_, length)) => {
                self.note(UseKind::Variable, name, span, Support::Full);
                length
            }
            Err(fault) => {
                if matches!(doubt, Doubt::None) || fault.code == "E0403" {
                    let lacks = self.registry.lacks_variable(&name[1..]);
                    let why = lacks.map(|module| not_yet(module.name));
                    let why = why.unwrap_or(Support::Missing(fault.message));
                    self.note(UseKind::Variable, name, span, why);
                }
                1
            }
        }
    }
}

/// Whether it is sure that what looks like a variable is one.
#[derive(Clone, Copy)]
enum Doubt {
    /// It is.
    None,
    /// Only if its name is one: the function that gets the text is not known.
    Name,
}

/// The text of an expression that is a variable.
fn variable(expression: &Expression) -> Option<(&[u8], Span)> {
    match &expression.kind {
        ExpressionKind::Variable(text) => Some((text, expression.span)),
        _ => None,
    }
}

/// Whether a module in this state is supported.
fn of_module(state: ModuleState) -> Support {
    match state {
        ModuleState::Ready => Support::Full,
        ModuleState::Announced => missing("accepted, but does nothing yet"),
    }
}

/// Not supported, but there in that module elsewhere.
fn not_yet(module: &str) -> Support {
    Support::Missing(format!("module {module}, not yet"))
}

/// Not supported, for this reason.
fn missing(why: &str) -> Support {
    Support::Missing(why.to_owned())
}

/// The name of a module without path and `.so`.
fn base_name(name: &str) -> &str {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.strip_suffix(".so").unwrap_or(base)
}
