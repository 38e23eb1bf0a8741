//! `viaduct check`: what is wrong with a script, and how much of it is supported.

use std::io::{self, Write};
use std::path::Path;

use super::load::{finish, parse_as};
use super::tls::TlsSource;
use super::{ServerError, log};
use crate::modules::REGISTRY;
use crate::script::{
    Diagnostic, Severity, compat, render, render_compat, render_compat_json, render_json,
};

/// How diagnostics are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, on standard error.
    #[default]
    Human,
    /// For programs, on standard output.
    Json,
}

/// What is looked for and how it is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOptions {
    /// How it is shown.
    pub format: Format,
    /// Whether warnings count as errors.
    pub deny_warnings: bool,
    /// Whether it is told how much is supported, instead of what is wrong.
    pub compat: bool,
}

/// Loads a script and shows its diagnostics.
///
/// # Errors
///
/// When it cannot be read or has errors.
pub fn check(path: &Path, options: CheckOptions) -> Result<(), ServerError> {
    if options.compat {
        return check_compat(path, options.format);
    }
    let parsed = parse_as(Some(path), false)?;
    let tls = TlsSource::of(Some(path), &[], &parsed);
    let mut loaded = finish(parsed);
    tls.check(&mut loaded);
    match options.format {
        Format::Human => {
            log::tell(&render(&loaded.diagnostics, &loaded.map));
            log::tell(&summary(&loaded.diagnostics));
        }
        Format::Json => print(&render_json(&loaded.diagnostics, &loaded.map))?,
    }
    if loaded.program.is_none() {
        return Err(ServerError::Script);
    }
    match options.deny_warnings && count(&loaded.diagnostics, Severity::Warning) > 0 {
        true => Err(ServerError::Warnings),
        false => Ok(()),
    }
}

/// Prints what a diagnostic means and how to repair it.
///
/// # Errors
///
/// When there is none of that number.
pub fn explain(code: &str) -> Result<(), ServerError> {
    match section(&code.to_ascii_uppercase()) {
        Some(section) => print(&format!("{}\n", section.trim_end())),
        None => Err(ServerError::NoDiagnostic { code: code.to_owned() }),
    }
}

/// Tells how much of a script is supported.
fn check_compat(path: &Path, format: Format) -> Result<(), ServerError> {
    let (ast, map, diagnostics) = match parse_as(Some(path), false)? {
        Ok(parsed) => (Some(parsed.ast), parsed.map, parsed.diagnostics),
        Err(rejected) => (rejected.ast, rejected.map, rejected.diagnostics),
    };
    let found = compat(&ast.unwrap_or_default(), &diagnostics, &REGISTRY);
    match format {
        Format::Human => print(&render_compat(&found, &map))?,
        Format::Json => print(&render_compat_json(&found, &map))?,
    }
    if found.is_complete() { Ok(()) } else { Err(ServerError::Unsupported) }
}

/// The page about all diagnostics.
const PAGE: &str = include_str!("../../docs/diagnostics.md");

/// The section of the page about one of them.
fn section(code: &str) -> Option<&'static str> {
    let title = format!("\n## {code}: ");
    let start = PAGE.find(&title)? + 1;
    let rest = &PAGE[start..];
    Some(rest.split("\n## ").next().unwrap_or(rest))
}

/// How many of which there are, in a line; nothing if there are neither errors nor warnings.
fn summary(diagnostics: &[Diagnostic]) -> String {
    let counted = |severity, name: &str| match count(diagnostics, severity) {
        0 => None,
        1 => Some(format!("1 {name}")),
        many => Some(format!("{many} {name}s")),
    };
    let counts: Vec<String> =
        [counted(Severity::Error, "error"), counted(Severity::Warning, "warning")]
            .into_iter()
            .flatten()
            .collect();
    let worst = diagnostics.iter().max_by_key(|diagnostic| diagnostic.severity);
    match worst.filter(|_| !counts.is_empty()) {
        Some(worst) => format!(
            "{}; more about each: viaduct check --explain {}\n",
            counts.join(", "),
            worst.code.0
        ),
        None => String::new(),
    }
}

/// How many diagnostics are of that severity.
fn count(diagnostics: &[Diagnostic], severity: Severity) -> usize {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
}

/// Writes to standard output.
fn print(text: &str) -> Result<(), ServerError> {
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(ServerError::system("cannot write to standard output"))
}
