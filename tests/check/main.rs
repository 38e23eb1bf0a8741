//! `viaduct check`: what it says of scripts, and what it does not say.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod command;
mod compat;
mod lint;
mod page;
mod size;
mod stock;

use std::io;
use std::path::Path;

use viaduct::modules::REGISTRY;
use viaduct::script::{Diagnostic, Reader, Severity, SourceMap, compile, parse_text};

/// No file is there, and nothing in the environment.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// All that is told of a script.
fn told(script: &str) -> (Vec<Diagnostic>, SourceMap) {
    let parsed = parse_text(Path::new("kamailio.cfg"), script.as_bytes().to_vec(), &NoFiles);
    match compile(parsed, &REGISTRY) {
        Ok(compiled) => (compiled.diagnostics, compiled.map),
        Err(rejected) => (rejected.diagnostics, rejected.map),
    }
}

/// The codes of all that is told of a script, but notes, with the lines.
fn complaints(script: &str) -> Vec<(&'static str, usize)> {
    let (diagnostics, map) = told(script);
    let complaints = diagnostics.iter().filter(|diagnostic| diagnostic.severity != Severity::Note);
    complaints
        .map(|found| (found.code.0, map.place(found.primary.0).map_or(0, |place| place.line)))
        .collect()
}
