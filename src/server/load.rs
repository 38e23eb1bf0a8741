//! From the name of a file to a program.

use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;
use std::{env, fs, io};

use super::ServerError;
use crate::modules::REGISTRY;
use crate::script::{Compiled, Diagnostic, Parsed, Program, Reader, Rejected, SourceMap};
use crate::script::{compile, parse_text};
use crate::sys;

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

/// Loads a script, or the built-in one, to be looked at: it may be meant for another machine.
///
/// # Errors
///
/// When the file cannot be read. What is wrong with the script is in [`Loaded::diagnostics`].
pub(super) fn load(path: Option<&Path>) -> Result<Loaded, ServerError> {
    parse_as(path, false).map(finish)
}

/// A script that was parsed, or what is wrong with it.
pub(super) type MaybeParsed = Result<Parsed, Box<Rejected>>;

/// Parses a script, or the built-in one, to be run.
///
/// # Errors
///
/// When the file cannot be read.
pub(super) fn parse(path: Option<&Path>) -> Result<MaybeParsed, ServerError> {
    parse_as(path, true)
}

/// The first half of [`load`].
///
/// # Errors
///
/// When the file cannot be read.
pub(super) fn parse_as(path: Option<&Path>, runs_here: bool) -> Result<MaybeParsed, ServerError> {
    let (name, text) = match path {
        Some(path) => (path, read(path)?),
        None => (Path::new(DEFAULT_SCRIPT_NAME), DEFAULT_SCRIPT.to_vec()),
    };
    Ok(parse_text(name, text, &Files { runs_here }))
}

/// The second half of [`load`].
pub(super) fn finish(parsed: MaybeParsed) -> Loaded {
    match compile(parsed, &REGISTRY) {
        Ok(Compiled { program, map, diagnostics }) => {
            Loaded { map, diagnostics, program: Some(program) }
        }
        Err(rejected) => {
            let Rejected { map, diagnostics, .. } = *rejected;
            Loaded { map, diagnostics, program: None }
        }
    }
}

/// The script that runs when none is named.
const DEFAULT_SCRIPT: &[u8] = include_bytes!("../../examples/default.cfg");
const DEFAULT_SCRIPT_NAME: &str = "(built-in)/default.cfg";

/// Scripts in the file system.
struct Files {
    /// Whether the script is to run on this machine.
    runs_here: bool,
}

impl Reader for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn environment(&self, name: &str) -> Option<String> {
        env::var(name).ok()
    }

    fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let found = (host, 0).to_socket_addrs().map_err(|error| error.to_string())?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found {
            if !addresses.contains(&address.ip()) && addresses.len() < HOST_ADDRESS_COUNT_MAX {
                addresses.push(address.ip());
            }
        }
        Ok(addresses)
    }

    fn interface(&self, name: &str) -> Vec<IpAddr> {
        let all = sys::interface_addresses().unwrap_or_default();
        all.into_iter().filter(|(own, _)| own == name).map(|(_, ip)| ip).collect()
    }

    fn host_name(&self) -> Option<String> {
        let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty() && name != "(none)")
    }

    fn runs_here(&self) -> bool {
        self.runs_here
    }
}

/// Addresses of one host that are compared with.
const HOST_ADDRESS_COUNT_MAX: usize = 64;

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
