//! From the name of a file to a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ServerError;
use crate::script::{Diagnostic, Dialect, Program, Settings, Severity, SourceMap};

/// The script that runs when none is named.
const DEFAULT_SCRIPT: &[u8] = include_bytes!("../../examples/default.cfg");
const DEFAULT_SCRIPT_NAME: &str = "(built-in)/default.cfg";

/// A script that was read.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Its text.
    pub(super) map: SourceMap,
    /// What is wrong or worth knowing, in the order of the text.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The program; none if there are errors.
    pub(super) program: Option<Arc<Program>>,
}

impl Loaded {
    /// All diagnostics for people, one after another.
    pub(super) fn show(&self) -> String {
        let show = |diagnostic: &Diagnostic| {
            let severity = severity_name(diagnostic.severity);
            let place = self.map.place(diagnostic.primary.0).map_or_else(String::new, |place| {
                format!("{}:{}:{}: ", place.file.display(), place.line, place.column)
            });
            format!("{place}{severity}[{}]: {}\n", diagnostic.code.0, diagnostic.message)
        };
        self.diagnostics.iter().map(show).collect()
    }
}

/// Loads a script, or the built-in one.
///
/// # Errors
///
/// When the file cannot be read. What is wrong with the script is in [`Loaded::diagnostics`].
pub(super) fn load(path: Option<&Path>) -> Result<Loaded, ServerError> {
    let (name, text) = match path {
        Some(path) => (path.to_owned(), read(path)?),
        None => (PathBuf::from(DEFAULT_SCRIPT_NAME), DEFAULT_SCRIPT.to_vec()),
    };
    let mut map = SourceMap::default();
    map.add(name, text);
    let program = Some(Arc::new(Program::empty(stand_in_settings())));
    Ok(Loaded { map, diagnostics: Vec::new(), program })
}

/// The name of a severity, for people and machines.
pub(super) const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// The text of a file.
fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    fs::read(path).map_err(|source| ServerError::Unreadable { path: path.to_owned(), source })
}

/// The settings of a script that says nothing.
pub(super) fn stand_in_settings() -> Settings {
    Settings {
        dialect: Dialect::default(),
        listen: Vec::new(),
        port: 5_060,
        aliases: Vec::new(),
        workers: None,
        debug: 0,
        log_stderror: true,
        server_header: None,
        max_while_loops: crate::limits::SCRIPT_LOOP_TURNS_MAX,
        max_branches: crate::limits::BRANCH_COUNT_MAX,
        steering_spread: false,
        branch_secret: None,
    }
}
