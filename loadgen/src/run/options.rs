//! What is asked for, as the command line says it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::Target;
use crate::pace::Arrivals;
use crate::view::Kind;

/// A run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where calls go.
    pub target: Target,
    /// The host outside of this machine that may be tested.
    pub allowed: Option<String>,
    /// What calls do: the name of a built-in scenario, or a file.
    pub scenario: String,
    /// What those who are called do, if not the built-in scenarios.
    pub callee_scenario: Option<PathBuf>,
    /// How many calls, and when.
    pub load: LoadOptions,
    /// Who calls and is called.
    pub users: UserOptions,
    /// Threads.
    pub crew: CrewOptions,
    /// Source ports of callers for each worker.
    pub ports: u16,
    /// Whether there is but one source port of all.
    pub single_source: bool,
    /// Own address; that from which the target is reached if none.
    pub local: Option<IpAddr>,
    /// How long pauses without a length last.
    pub hold: Duration,
    /// Injection files.
    pub injected: Vec<PathBuf>,
    /// Whether calls are also answered.
    pub answer: bool,
    /// Where the report goes as JSON.
    pub json: Option<PathBuf>,
    /// Where the report goes as a page.
    pub html: Option<PathBuf>,
    /// Whole calls to keep of each kind.
    pub traces: usize,
    /// What is shown during the run.
    pub view: Kind,
    /// How late 1 % of calls may start.
    pub lag_max: Duration,
    /// How many calls may fail (percent).
    pub loss_max_percent: f64,
    /// Seed of all chance.
    pub seed: u64,
    /// Whether this machine's ceiling is measured, without a server.
    pub self_test: bool,
}

/// How many calls, and when.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Calls per second.
    pub rate: Option<f64>,
    /// Calls in progress.
    pub concurrency: Option<usize>,
    /// Rates in steps: `FROM:TO:STEP`.
    pub ramp: Option<String>,
    /// Rates with their times: `RATE:SECONDS,A-B:SECONDS`.
    pub steps: Option<String>,
    /// Whether the highest rate is looked for.
    pub find_max: bool,
    /// How long calls are started.
    pub duration_seconds: Option<f64>,
    /// How long each step of a ramp lasts.
    pub step_seconds: f64,
    /// The most calls to make.
    pub calls: Option<u64>,
    /// How calls of an open loop follow each other.
    pub arrivals: Arrivals,
    /// What 99 % of the main times are not to exceed when the highest rate is looked for.
    pub p99_max: Duration,
}

/// Who calls and is called.
#[derive(Clone, Debug)]
pub struct UserOptions {
    /// A number of users, or a file of them.
    pub users: Option<String>,
    /// Their domain.
    pub domain: Option<String>,
    /// Who is called where there are no users.
    pub service: String,
}

/// Worker threads.
#[derive(Clone, Debug)]
pub struct CrewOptions {
    /// How many.
    pub threads: Option<usize>,
    /// Cores that they stay on, in turn.
    pub cores: Option<Vec<usize>>,
    /// Whether they stay on a core at all.
    pub pin: bool,
}

/// Answering alone.
#[derive(Clone, Debug)]
pub struct AnswerOptions {
    /// Where calls come in.
    pub listen: SocketAddr,
    /// What is done with them, if not what the built-in scenarios do.
    pub scenario: Option<PathBuf>,
    /// How long pauses without a length last.
    pub hold: Duration,
    /// Threads.
    pub crew: CrewOptions,
    /// What is shown meanwhile.
    pub view: Kind,
}
