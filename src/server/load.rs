//! From the name of a file to a program.

use std::path::Path;
use std::{env, fs, io};

use super::ServerError;
use crate::modules::REGISTRY;
use crate::script::{Compiled, Diagnostic, Parsed, Program, Reader, Rejected, SourceMap};
use crate::script::{compile, parse_text};

/// A script that was read.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Its text.
    pub(super) map: SourceMap,
    /// What is wrong or worth knowing, in the order of the text.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The program; none if there are errors.
    pub(super) program: Option<Program>,
}

/// Loads a script, or the built-in one.
///
/// # Errors
///
/// When the file cannot be read. What is wrong with the script is in [`Loaded::diagnostics`].
pub(super) fn load(path: Option<&Path>) -> Result<Loaded, ServerError> {
    let parsed = match path {
        Some(path) => parse(path)?,
        None => parse_text(Path::new(DEFAULT_SCRIPT_NAME), DEFAULT_SCRIPT.to_vec(), &Files),
    };
    Ok(match compile(parsed, &REGISTRY) {
        Ok(Compiled { program, map, diagnostics }) => {
            Loaded { map, diagnostics, program: Some(program) }
        }
        Err(rejected) => {
            let Rejected { map, diagnostics, .. } = *rejected;
            Loaded { map, diagnostics, program: None }
        }
    })
}

/// Reads and parses a script.
///
/// # Errors
///
/// When the file cannot be read.
pub(super) fn parse(path: &Path) -> Result<Result<Parsed, Box<Rejected>>, ServerError> {
    Ok(parse_text(path, read(path)?, &Files))
}

/// The script that runs when none is named.
const DEFAULT_SCRIPT: &[u8] = include_bytes!("../../examples/default.cfg");
const DEFAULT_SCRIPT_NAME: &str = "(built-in)/default.cfg";

/// Scripts in the file system.
struct Files;

impl Reader for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn environment(&self, name: &str) -> Option<String> {
        env::var(name).ok()
    }
}

/// The text of a file.
fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    fs::read(path).map_err(|source| ServerError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Severity;

    #[test]
    fn the_built_in_script_is_beyond_reproach() {
        let loaded = load(None).unwrap();
        let is_reproach = |diagnostic: &&Diagnostic| diagnostic.severity > Severity::Note;
        assert_eq!(loaded.diagnostics.iter().find(is_reproach), None);
        assert!(loaded.program.is_some());
    }
}
