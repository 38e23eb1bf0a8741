//! `viaduct check`: what is wrong with a script.

use std::io::{self, Write};
use std::path::Path;

use super::load::load;
use super::{ServerError, log};
use crate::script::{render, render_json};

/// How diagnostics are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, on standard error.
    #[default]
    Human,
    /// For programs: one JSON array, on standard output.
    Json,
}

/// Loads a script and shows its diagnostics.
///
/// # Errors
///
/// When it cannot be read or has errors.
pub fn check(path: &Path, format: Format) -> Result<(), ServerError> {
    let loaded = load(Some(path))?;
    match format {
        Format::Human => log::tell(&render(&loaded.diagnostics, &loaded.map)),
        Format::Json => io::stdout()
            .write_all(render_json(&loaded.diagnostics, &loaded.map).as_bytes())
            .map_err(ServerError::system("cannot write to standard output"))?,
    }
    if loaded.program.is_some() { Ok(()) } else { Err(ServerError::Script) }
}
