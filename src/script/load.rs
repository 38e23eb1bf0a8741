//! From the files of a script to its tree and settings.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use super::ast::Ast;
use super::diagnostic::{Diagnostic, Problems};
use super::{Settings, SourceMap, Span, globals, parser, preprocess};

/// Where scripts come from: the file system, or memory in tests. The core opens no file itself.
pub trait Reader {
    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// A variable of the environment, for `#!defenv` and `$env(...)`.
    fn environment(&self, name: &str) -> Option<String>;

    /// The addresses of a host, those that are likelier to be meant first.
    ///
    /// # Errors
    ///
    /// Why there are none.
    fn addresses(&self, _host: &str) -> Result<Vec<IpAddr>, String> {
        Err("names are not looked up here".to_owned())
    }

    /// The addresses of an interface of this machine; none if there is no such interface.
    fn interface(&self, _name: &str) -> Vec<IpAddr> {
        Vec::new()
    }

    /// The name of this machine.
    fn host_name(&self) -> Option<String> {
        None
    }

    /// Whether the script is to run on this machine. If it is not, a name that stands for nothing
    /// here is no error.
    fn runs_here(&self) -> bool {
        true
    }
}

/// A script without errors so far, ready to be checked.
#[derive(Debug)]
pub struct Parsed {
    /// What it says.
    pub ast: Ast,
    /// Its text.
    pub map: SourceMap,
    /// What its global parameters say.
    pub settings: Settings,
    /// Warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
}

/// A script with errors.
#[derive(Debug)]
pub struct Rejected {
    /// Its text, as far as it could be read.
    pub map: SourceMap,
    /// All errors, warnings and notes, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// What could be understood of it: enough to look for more errors.
    pub ast: Option<Ast>,
    /// Whether all of it was understood, and only its global parameters are wrong.
    pub is_sound: bool,
}

/// Reads and parses a script.
///
/// # Errors
///
/// [`Rejected`] if it cannot be read or has an error.
pub fn parse_script(path: &Path, reader: &dyn Reader) -> Result<Parsed, Box<Rejected>> {
    match reader.read(path) {
        Ok(text) => parse_text(path, text, reader),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", path.display());
            let diagnostics = vec![Diagnostic::error("E0109", Span::default(), message)];
            Err(Box::new(Rejected {
                map: SourceMap::default(),
                diagnostics,
                ast: None,
                is_sound: false,
            }))
        }
    }
}

/// Parses a script whose main file has been read.
///
/// # Errors
///
/// [`Rejected`] if it has an error.
pub fn parse_text(
    name: &Path,
    text: Vec<u8>,
    reader: &dyn Reader,
) -> Result<Parsed, Box<Rejected>> {
    let mut problems = Problems::default();
    let preprocessed = preprocess::preprocess(name, text, reader, &mut problems);
    let preprocess::Preprocessed { map, tokens, dialect, constants, passed } = preprocessed;
    let mut ast = parser::parse(&tokens, &map, &mut problems);
    (ast.dialect, ast.constants, ast.passed) = (dialect, constants, passed);
    let is_sound = !problems.has_errors();
    let mut found = Vec::new();
    let settings = globals::settings(&ast, reader, &mut found);
    found.into_iter().for_each(|diagnostic| problems.report(diagnostic));
    let has_errors = problems.has_errors();
    let diagnostics = problems.into_list();
    if has_errors {
        return Err(Box::new(Rejected { map, diagnostics, ast: Some(ast), is_sound }));
    }
    Ok(Parsed { ast, map, settings, diagnostics })
}
