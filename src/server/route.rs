//! `viaduct route`: what a script does with a message.

use std::io::{self, IsTerminal, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use super::load::{Loaded, load};
use super::secret::secret_of;
use super::{Format, ServerError, log};
use crate::flow::{
    Journal, Setup, Stage, Style, Traced, message_of, show_json, show_text, source_of,
};
use crate::protocol::{Endpoint, Transport};
use crate::script::{Diagnostic, Severity, render};

/// What the command line says.
#[derive(Clone, Debug)]
pub struct RouteOptions {
    /// The script.
    pub script: PathBuf,
    /// The files with the messages; `-` is standard input.
    pub messages: Vec<PathBuf>,
    /// Who sends them, if the messages do not say it.
    pub source: Option<Endpoint>,
    /// The addresses of the server; none: those of the script.
    pub listen: Vec<Endpoint>,
    /// Addresses-of-record with their contacts.
    pub registrations: Vec<(String, String)>,
    /// Host names with their addresses.
    pub hosts: Vec<(String, IpAddr)>,
    /// Files with what the commands of `exec` write, in order.
    pub outputs: Vec<PathBuf>,
    /// How it is shown.
    pub format: Format,
}

/// Shows what the script does with the messages, and what would be sent.
///
/// # Errors
///
/// When a file cannot be read, the script has errors, or a message cannot be given to it.
pub fn route(options: &RouteOptions) -> Result<(), ServerError> {
    let loaded = load(Some(&options.script))?;
    let Loaded { map, program, .. } = &loaded;
    tell_errors(&loaded);
    let program = Arc::new(program.clone().ok_or(ServerError::Script)?);
    let messages = options.messages.iter().map(|path| read(path));
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    let secret = program.settings().branch_secret.as_deref().map_or(*SECRET, secret_of);
    let (listen, hosts) = (&options.listen, &options.hosts);
    let journal = Journal::default();
    let setup = Setup { program: &program, listen, hosts, secret };
    let mut stage = Stage::new(&setup, &journal);
    let outputs = options.outputs.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    stage.give_outputs(outputs);
    stage.observe(Box::new(journal.clone()));
    for (aor, contact) in &options.registrations {
        stage.register("location", aor, contact)?;
    }
    let mut shown = String::new();
    for text in &messages {
        let message = message_of(text);
        let named = || source_of(&message).map(|source| heard(&stage, source));
        let source = options.source.or_else(named).unwrap_or(CALLER);
        let local = stage.address_for(source)?;
        let traced = Traced::run(&mut stage, &journal, (source, local), &message)?;
        if !shown.is_empty() && options.format == Format::Human {
            shown.push('\n');
        }
        shown.push_str(&match options.format {
            Format::Human => show_text(&traced, &program, map, style()),
            Format::Json => show_json(&traced, &program, map),
        });
    }
    let written = io::stdout().write_all(shown.as_bytes());
    written.map_err(ServerError::system("cannot write to standard output"))
}

/// That source; over UDP if the server does not listen to what its Via says.
fn heard(stage: &Stage, source: Endpoint) -> Endpoint {
    match stage.address_for(source) {
        Ok(_) => source,
        Err(_) => Endpoint { transport: Transport::Udp, ..source },
    }
}

/// The key of branches where the script names none: each run writes the same bytes.
const SECRET: &[u8; 16] = b"one for each run";

/// Who sends a message that does not say it (RFC 5737).
const CALLER: Endpoint = Endpoint {
    transport: Transport::Udp,
    address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 5_060),
};

/// How text is shown where standard output goes.
pub(super) fn style() -> Style {
    let is_plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal() && !is_plain { Style::Coloured } else { Style::Plain }
}

/// Shows the errors of a script.
pub(super) fn tell_errors(loaded: &Loaded) {
    let is_error = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Error;
    let errors: Vec<_> = loaded.diagnostics.iter().filter(is_error).cloned().collect();
    log::tell(&render(&errors, &loaded.map));
}

/// The bytes of a file, or of standard input.
fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    let read = || {
        if path != Path::new("-") {
            return fs::read(path);
        }
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text)?;
        Ok(text)
    };
    read().map_err(|source| ServerError::Unreadable { path: path.to_owned(), source })
}
