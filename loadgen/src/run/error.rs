//! Why there was no run.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use thiserror::Error;
use viaduct::sys;

use crate::worker::{BindError, WorkerError};

/// Why there was no run.
#[derive(Debug, Error)]
pub enum RunError {
    /// The command line asks for what makes no sense.
    #[error("{0}")]
    Options(String),
    /// The target is not on this machine, and nobody said that it may be tested.
    #[error(
        "{host} ({ip}) is not this machine: to test it, and only if you may, say \
         --i-am-allowed-to-test {host}"
    )]
    NotAllowed {
        /// The target's host.
        host: String,
        /// Its address.
        ip: IpAddr,
    },
    /// The target's name has no address.
    #[error("the address of {host} is unknown: {reason}")]
    UnknownHost {
        /// The name.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The target's port is closed.
    #[error("nothing listens at {target} (UDP)")]
    NothingListens {
        /// The target.
        target: SocketAddr,
    },
    /// There is no way to the target.
    #[error("{target} cannot be reached: {}", sys::reason(source))]
    Unreachable {
        /// The target.
        target: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The own address is none of this machine's.
    #[error("the own address {ip} cannot be used: {}", sys::reason(source))]
    Local {
        /// The address.
        ip: IpAddr,
        /// What the system said.
        source: io::Error,
    },
    /// An input file is wrong, or a scenario unknown.
    #[error("{0}")]
    Input(String),
    /// A file cannot be read.
    #[error("{} cannot be read: {}", file.display(), sys::reason(source))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {}", file.display(), sys::reason(source))]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An address cannot be used.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system refused threads, timers or signals.
    #[error("the system refused {what}: {}", sys::reason(source))]
    System {
        /// What.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// A worker failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The target did not accept the users.
    #[error("{0}")]
    Registration(String),
    /// Ended from outside before calls were made.
    #[error("interrupted before the first call")]
    Interrupted,
}

impl RunError {
    /// The exit code of the program.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Options(_)
            | Self::NotAllowed { .. }
            | Self::UnknownHost { .. }
            | Self::Input(_)
            | Self::Unreadable { .. }
            | Self::Unwritable { .. } => 2,
            Self::NothingListens { .. }
            | Self::Unreachable { .. }
            | Self::Local { .. }
            | Self::Bind(_)
            | Self::System { .. }
            | Self::Worker(_)
            | Self::Registration(_) => 3,
            Self::Interrupted => 130,
        }
    }
}

/// How a run that took place ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As it should.
    Well,
    /// More calls failed than was allowed.
    CallsFailed,
    /// The generator could not keep up: the numbers are not to be believed.
    Invalid,
    /// From outside.
    Interrupted,
}

impl Ended {
    /// The exit code of the program.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::CallsFailed => 1,
            Self::Invalid => 4,
            Self::Interrupted => 130,
        }
    }
}
