//! Why the server does not run.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::flow::StageError;
use crate::sys;
use crate::transport::BindError;

/// Why the server does not run, or ended.
#[derive(Debug, Error)]
pub enum ServerError {
    /// A file cannot be read.
    #[error("cannot read {}: {}", path.display(), sys::reason(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The script has errors; they have been shown.
    #[error("the script has errors")]
    Script,
    /// The script has warnings, which were to be errors; they have been shown.
    #[error("the script has warnings")]
    Warnings,
    /// Not all of the script is supported; what is not has been shown.
    #[error("not all of the script is supported")]
    Unsupported,
    /// There is no diagnostic of that number.
    #[error("there is no diagnostic `{code}`; docs/diagnostics.md lists them")]
    NoDiagnostic {
        /// What was asked for.
        code: String,
    },
    /// The script asks for more than there can be.
    #[error("{what}: {count} are too many, the maximum is {maximum}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are asked for.
        count: usize,
        /// How many there can be.
        maximum: usize,
    },
    /// The machine is not fit for the server; the findings have been shown.
    #[error("{count} of the machine's settings must be changed")]
    Machine {
        /// How many.
        count: usize,
    },
    /// There is no function, variable or module of that name.
    #[error("there is no {kind} `{name}`{similar}")]
    Unknown {
        /// What was asked for.
        kind: &'static str,
        /// Its name.
        name: String,
        /// `; did you mean ...?`, or nothing.
        similar: String,
    },
    /// A message cannot be given to a server without a network.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// Cases have failed; they have been shown.
    #[error("{count} of {total} cases failed")]
    Failed {
        /// How many.
        count: usize,
        /// How many there are.
        total: usize,
    },
    /// Files of cases could not be run; why has been shown.
    #[error("files that could not be run: {count}")]
    NotRun {
        /// How many.
        count: usize,
    },
    /// A listen address cannot be used.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// What the administrator's commands are to come in by cannot be had.
    #[error("cannot {what} {}: {}", path.display(), sys::reason(source))]
    Inlet {
        /// What we wanted.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No server answers.
    #[error(
        "no answer from {}: {}; a server that runs with `--ctl PATH` or `ctl = \"unix:PATH\"` in \
         its script answers there",
        path.display(),
        sys::reason(source)
    )]
    Unanswered {
        /// The path of its socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The server answered that it does not do what it was asked.
    #[error("{code} {reason}")]
    Refused {
        /// The code of its answer.
        code: u16,
        /// Why.
        reason: String,
    },
    /// The system refused something else.
    #[error("{what}: {}", sys::reason(source))]
    System {
        /// What we wanted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl ServerError {
    /// The exit code of the process: 1 if the configuration, of server or machine, is wrong or
    /// cases failed, 2 if the command line is wrong or cases could not be run, 3 if the system
    /// refused.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. }
            | Self::Script
            | Self::Warnings
            | Self::Unsupported
            | Self::TooMany { .. }
            | Self::Machine { .. }
            | Self::Stage(_)
            | Self::Refused { .. }
            | Self::Failed { .. } => 1,
            Self::Unknown { .. } | Self::NoDiagnostic { .. } | Self::NotRun { .. } => 2,
            Self::Bind(_) | Self::Inlet { .. } | Self::Unanswered { .. } | Self::System { .. } => 3,
        }
    }

    /// For `map_err`: the system refused `what`.
    pub(super) fn system(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
