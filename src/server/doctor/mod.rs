//! `viaduct doctor`: what of the machine stands in the server's way, and how to change it.
//!
//! ```text
//! read (/proc, /sys) ─▶ Facts ─▶ examine ─▶ findings ─▶ show
//! ```

mod cores;
mod examine;
mod facts;
mod finding;
mod memory;
mod network;
mod read;
mod show;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use tracing::level_filters::LevelFilter;

use self::facts::{SocketFacts, Wish};
use self::finding::Verdict;
use super::load::{Loaded, load};
use super::plan::Plan;
use super::{Format, Options, ServerError, log};
use crate::mem::ListenerId;
use crate::script::render;
use crate::transport::{Steering, bind_group};

/// Looks at this machine with a script's settings, or those of the built-in one, and tells what
/// it found on standard output. Changes nothing.
///
/// # Errors
///
/// When something must be changed, and when the script cannot be read or has errors.
pub fn doctor(config: Option<PathBuf>, format: Format) -> Result<(), ServerError> {
    let wish = wish(config)?;
    let facts = read::read(Path::new("/"), wish, Some(try_socket()));
    let findings = examine::examine(&facts);
    let text = match format {
        Format::Human => show::show(&findings),
        Format::Json => show::show_json(&findings),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(ServerError::system("cannot write to standard output"))?;
    match findings.iter().filter(|finding| finding.verdict == Verdict::Must).count() {
        0 => Ok(()),
        count => Err(ServerError::Machine { count }),
    }
}

/// What `viaduct run` would do with this script.
fn wish(config: Option<PathBuf>) -> Result<Wish, ServerError> {
    let Loaded { map, diagnostics, program } = load(config.as_deref())?;
    let Some(program) = program else {
        log::tell(&render(&diagnostics, &map));
        return Err(ServerError::Script);
    };
    let options = Options {
        config,
        listen: Vec::new(),
        workers: None,
        pin: true,
        log_level: LevelFilter::OFF,
        ctl: None,
    };
    let plan = Plan::new(&options, program.settings())?;
    Ok(Wish {
        worker_count: plan.worker_count,
        listener_count: plan.listen.len(),
        connection_count_max: if plan.has_streams() {
            program.settings().connections.count_max
        } else {
            0
        },
        spreads: plan.steering == Steering::Spread,
    })
}

/// Opens a socket as the server does, at a port that nobody uses.
fn try_socket() -> SocketFacts {
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    let group = bind_group(ListenerId(0), address, 1, Steering::Hash);
    let granted = group
        .map_err(|error| error.to_string())
        .and_then(|group| group[0].granted_buffers().map_err(|error| error.to_string()));
    match granted {
        Ok((receive, send)) => SocketFacts::Granted(receive, send),
        Err(reason) => SocketFacts::Refused(reason),
    }
}
