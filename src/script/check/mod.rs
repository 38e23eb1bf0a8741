//! Looks up all names of a script: functions, variables, modules, parameters, route blocks,
//! flags. What is left has no error that could be known before a message comes.
//!
//! Numbers of problems: `E04xx` errors, `W04xx` warnings and notes.

mod call;
mod expression;
mod graph;
mod lint;
mod module;
mod statement;

use std::collections::BTreeMap;

use graph::{CallGraph, is_main};

use super::ast::{Ast, Route, RouteKind, Spanned};
use super::checked::{Checked, CheckedRoute};
use super::compile::emit;
use super::hosts::HostTable;
use super::registry::{ModuleSpec, Registry};
use super::scope::{Fault, Scope};
use super::{
    Change, Diagnostic, Parsed, Program, Rejected, Settings, Severity, SourceMap, Span, nearest,
};

/// A program with the text that it was made of.
#[derive(Debug)]
pub struct Compiled {
    /// The program.
    pub program: Program,
    /// The text of the script.
    pub map: SourceMap,
    /// Warnings and notes of all stages.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a script that was parsed, and compiles it.
///
/// # Errors
///
/// All that is wrong with the script. Where something was not understood, the names in the rest
/// of it are looked up nevertheless.
pub fn compile(
    parsed: Result<Parsed, Box<Rejected>>,
    registry: &Registry,
) -> Result<Compiled, Box<Rejected>> {
    let Parsed { ast, map, settings, mut diagnostics } = match parsed {
        Ok(parsed) => parsed,
        Err(mut rejected) => {
            if let Some(ast) = &rejected.ast {
                let found = check(ast, Settings::default(), registry);
                let mut found = found.map_or_else(|found| found, |(_, found)| found);
                found.retain(|diagnostic| rejected.is_sound || names_a_stranger(diagnostic));
                merge(&mut rejected.diagnostics, found);
            }
            return Err(rejected);
        }
    };
    match check(&ast, settings, registry) {
        Ok((checked, found)) => {
            merge(&mut diagnostics, found);
            Ok(Compiled { program: emit(checked, &map), map, diagnostics })
        }
        Err(found) => {
            merge(&mut diagnostics, found);
            Err(Box::new(Rejected { map, diagnostics, ast: None, is_sound: true }))
        }
    }
}

/// Whether a problem is one of a single name, and so a true one even where the script around it
/// was not understood: an unknown function, module or variable, or one that is not there yet.
fn names_a_stranger(diagnostic: &Diagnostic) -> bool {
    matches!(diagnostic.code.0, "E0401" | "E0403" | "E0408" | "E0412")
}

/// Adds `more`, in the order of their places.
fn merge(diagnostics: &mut Vec<Diagnostic>, more: Vec<Diagnostic>) {
    diagnostics.extend(more);
    diagnostics.sort_by_key(|diagnostic| diagnostic.primary.0.start);
}

/// Looks up all names of a script. With the result come warnings and notes.
///
/// # Errors
///
/// All that is wrong with the script, warnings and notes among it.
pub fn check(
    ast: &Ast,
    settings: Settings,
    registry: &Registry,
) -> Result<(Checked, Vec<Diagnostic>), Vec<Diagnostic>> {
    let hosts = settings.hosts.clone();
    let mut checker = Checker::new(ast, (&settings, &hosts), registry);
    let configs = checker.modules();
    let routes = checker.routes();
    if checker.is_understood() {
        lint::lint(&mut checker);
    }
    let Checker { scope, diagnostics, .. } = checker;
    let mut diagnostics = readable(diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.primary.0.start);
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(diagnostics);
    }
    Ok((Checked { settings, configs, slot_names: scope.into_slots(), routes }, diagnostics))
}

/// No more errors than anyone reads at once, and no more of the rest.
fn readable(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let (mut errors, mut others): (Vec<_>, Vec<_>) =
        diagnostics.into_iter().partition(|found| found.severity == Severity::Error);
    errors.truncate(DIAGNOSTIC_COUNT_MAX);
    others.truncate(DIAGNOSTIC_COUNT_MAX);
    errors.append(&mut others);
    errors
}

/// Errors of one script that are told, and as many warnings and notes.
const DIAGNOSTIC_COUNT_MAX: usize = super::diagnostic::PROBLEM_COUNT_MAX;

/// The state of checking.
struct Checker<'a> {
    ast: &'a Ast,
    graph: CallGraph<'a>,
    registry: &'a Registry,
    hosts: &'a HostTable,
    /// Modules whose functions can be called.
    loaded: Vec<&'static ModuleSpec>,
    /// Modules that are used and not loaded.
    unloaded: Vec<&'static str>,
    scope: Scope<'a>,
    diagnostics: Vec<Diagnostic>,
    /// The kinds of route block that the present one may run as.
    kinds: Vec<RouteKind>,
    /// Whether `%` specifiers stand in log lines.
    has_percent: bool,
}

impl<'a> Checker<'a> {
    /// A checker that has checked nothing yet.
    fn new(
        ast: &'a Ast,
        (settings, hosts): (&Settings, &'a HostTable),
        registry: &'a Registry,
    ) -> Self {
        let built_in = registry.modules.iter().copied().filter(|module| module.built_in);
        Self {
            ast,
            graph: CallGraph::new(ast),
            registry,
            hosts,
            loaded: built_in.collect(),
            unloaded: Vec::new(),
            scope: Scope::of(ast, registry),
            diagnostics: Vec::new(),
            kinds: Vec::new(),
            has_percent: settings.dialect == super::Dialect::Ser,
        }
    }

    /// Checks all route blocks.
    fn routes(&mut self) -> Vec<CheckedRoute> {
        let ast = self.ast;
        self.duplicate_routes();
        if !ast.routes.iter().any(is_main) {
            let place = ast.routes.first().map_or_else(Span::default, |route| route.keyword.span);
            self.error("E0418", "there is no main route block", place).help =
                Some("add `request_route { ... }` or `route { ... }`".to_owned());
        }
        if let Some(route) = ast.routes.get(usize::from(u16::MAX)) {
            self.error("E0111", "there are too many route blocks", route.keyword.span);
        }
        let kinds = self.graph.kinds();
        ast.routes
            .iter()
            .zip(kinds)
            .map(|(route, kinds)| {
                self.kinds = kinds;
                CheckedRoute {
                    kind: route.kind,
                    name: route.name.node.clone(),
                    span: route.keyword.span,
                    body: self.steps(&route.body, 0),
                }
            })
            .collect()
    }

    /// Route blocks of one name.
    fn duplicate_routes(&mut self) {
        let ast = self.ast;
        let mut seen: BTreeMap<(RouteKind, &str, &str), &Route> = BTreeMap::new();
        for route in &ast.routes {
            let keyword = match route.kind {
                RouteKind::Other => route.keyword.node.as_str(),
                _ => "",
            };
            let key = (route.kind, route.name.node.as_str(), keyword);
            let Some(first) = seen.get(&key) else {
                seen.insert(key, route);
                continue;
            };
            let place = first.name.span.or(first.keyword.span);
            let title = title(route);
            let message = format!("there are two blocks `{title}`");
            let diagnostic = self.error("E0417", message, route.name.span.or(route.keyword.span));
            diagnostic.secondary.push((place, "the first is here".to_owned()));
        }
    }

    /// Whether nothing is wrong so far but that something is not supported yet. Otherwise it
    /// cannot be guessed what the script means.
    fn is_understood(&self) -> bool {
        let mut errors =
            self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        errors.all(|diagnostic| diagnostic.code.0 == "E0403")
    }

    /// Adds an error.
    fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        at: Span,
    ) -> &mut Diagnostic {
        self.report(Severity::Error, code, message.into(), at)
    }

    /// Adds a diagnostic, to which more can be added.
    fn report(
        &mut self,
        severity: Severity,
        code: &'static str,
        message: String,
        at: Span,
    ) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::new(severity, code, at, message));
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    /// Adds an error with advice, if there is any.
    fn error_with_help(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        at: Span,
        help: Option<String>,
    ) {
        self.error(code, message, at).help = help;
    }

    /// The known name that is nearest to a misspelt one. Where there is more wrong than anyone
    /// reads it is not looked for.
    fn nearest<'n>(&self, name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        if self.diagnostics.len() < DIAGNOSTIC_COUNT_MAX { nearest(name, known) } else { None }
    }

    /// Adds an error about a name, with the one that was probably meant, if any.
    fn misspelt(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        name: &Spanned<String>,
        meant: Option<&str>,
    ) {
        let diagnostic = self.error(code, message, name.span);
        let Some(meant) = meant else { return };
        diagnostic.help = Some(format!("did you mean `{meant}`?"));
        // With quotes around it, or part of something longer.
        if name.span.len() == name.node.len() {
            diagnostic.fix.push(Change { span: name.span, text: meant.to_owned() });
        } else if name.span.len() == name.node.len() + 2 {
            diagnostic.fix.push(Change { span: name.span, text: format!("\"{meant}\"") });
        }
    }

    /// Adds the fault of a text that was written at `at`; `quote` bytes stand before it there.
    fn fault(&mut self, fault: Fault, at: Span, quote: u32, length: usize) {
        let written = (at.end - at.start) as usize;
        let start = at.start + quote + u32::try_from(fault.at.start).unwrap_or(0);
        let end = at.start + quote + u32::try_from(fault.at.end).unwrap_or(0);
        // Escapes make a text shorter than it was written: then only the whole can be pointed at.
        let is_verbatim = written == length + 2 * quote as usize && end <= at.end && start < end;
        let place = if is_verbatim { Span { start, end } } else { at };
        self.error_with_help(fault.code, fault.message, place, fault.help);
    }
}

impl Span {
    /// This place, or `other` if this is none.
    fn or(self, other: Self) -> Self {
        if self.end > self.start { self } else { other }
    }
}

/// How a route block is called for people.
fn title(route: &Route) -> String {
    match route.name.node.as_str() {
        "0" => route.keyword.node.clone(),
        name => format!("{}[{name}]", route.keyword.node),
    }
}

/// The text of a name.
fn text_of(name: &Spanned<Vec<u8>>) -> String {
    String::from_utf8_lossy(&name.node).into_owned()
}
