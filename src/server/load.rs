//! From the name of a file to a program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ServerError;
use crate::modules::REGISTRY;
use crate::script::{
    Compiled, Diagnostic, Program, Reader, Rejected, SourceMap, compile, parse_text,
};

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
    let compiled = compile(parse_text(&name, text, &Files), &REGISTRY);
    Ok(match compiled {
        Ok(Compiled { program, map, diagnostics }) => {
            Loaded { map, diagnostics, program: Some(Arc::new(program)) }
        }
        Err(Rejected { map, diagnostics, .. }) => Loaded { map, diagnostics, program: None },
    })
}

/// The file system and the environment.
struct Files;

impl Reader for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// The text of a file.
fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    fs::read(path).map_err(|source| ServerError::Unreadable { path: path.to_owned(), source })
}
