//! The report as data: the schema of `--json`. Names and units are stable within a version of
//! [`SCHEMA`]; fields may be added.

use serde::{Deserialize, Serialize};

/// The version of the schema.
pub const SCHEMA: &str = "viaload/1";

/// A run, as measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of viaload.
    pub viaload: String,
    /// When the run began (RFC 3339, UTC).
    pub started_at: String,
    /// The machine.
    pub machine: Machine,
    /// What was run.
    pub run: RunFacts,
    /// Whether the numbers may be believed.
    pub verdict: Verdict,
    /// Rates over the whole run.
    pub rates: Rates,
    /// Calls.
    pub calls: Calls,
    /// Messages.
    pub messages: Messages,
    /// Responses that callers received, without repetitions.
    pub codes: Vec<CodeCount>,
    /// Latency of each mark, the main one first, from the intended start.
    pub latency: Vec<LatencySummary>,
    /// How late calls were started.
    pub lag: LatencySummary,
    /// Second by second.
    pub series: Vec<Point>,
    /// The programs' messages with their mean times.
    pub ladders: Vec<Ladder>,
    /// Calls kept with all messages.
    #[serde(default)]
    pub traces: Vec<TraceRecord>,
    /// The ceiling of this machine, if it was measured.
    #[serde(default)]
    pub self_test: Option<SelfTest>,
    /// The steps of `--find-max`, if it was asked for.
    #[serde(default)]
    pub search: Vec<SearchStep>,
}

/// The machine of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model name of the processor.
    pub cpu: String,
    /// Usable cores.
    pub cores: usize,
    /// Release of the kernel.
    pub kernel: String,
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Name of the scenario.
    pub scenario: String,
    /// The target's address and port.
    pub target: String,
    /// The load in words: `open loop, 1,000 calls/s, uniform`.
    pub load: String,
    /// What is counted: `calls`, `requests`.
    pub unit: String,
    /// From the first intended start to the end of the schedule (seconds).
    pub seconds: f64,
    /// Worker threads.
    pub threads: usize,
    /// Source ports of callers.
    pub source_ports: usize,
    /// Users in the table; 0 for none.
    pub users: usize,
    /// Hold time (milliseconds).
    pub hold_ms: f64,
    /// Seed of all chance.
    pub seed: u64,
}

/// Whether the numbers may be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the generator kept its schedule.
    pub valid: bool,
    /// Whether the run was ended from outside.
    pub interrupted: bool,
    /// Why it is not valid, and what else is to be known.
    pub reasons: Vec<String>,
}

/// Calls per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Intended.
    pub offered: f64,
    /// Started.
    pub achieved: f64,
    /// Completed as the scenario says.
    pub completed: f64,
}

/// Calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Intended.
    pub offered: u64,
    /// Started.
    pub started: u64,
    /// Completed as the scenario says.
    pub completed: u64,
    /// Failed.
    pub failed: u64,
    /// Ended before their time because the run was interrupted.
    pub cut_short: u64,
    /// No more than this were in progress at a time.
    pub peak_in_flight: u64,
    /// Failed calls by reason, those that occurred.
    pub failures: Vec<FailureCount>,
    /// Calls that the callees answered.
    pub answered: u64,
    /// Failed calls of the callees by reason, those that occurred.
    pub callee_failures: Vec<FailureCount>,
}

/// Failed calls of one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCount {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// Messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// Sent, repetitions included.
    pub sent: u64,
    /// Bytes of these.
    pub sent_bytes: u64,
    /// Received.
    pub received: u64,
    /// Bytes of these.
    pub received_bytes: u64,
    /// Requests sent again.
    pub requests_repeated: u64,
    /// Responses sent again.
    pub responses_repeated: u64,
    /// Received again.
    pub repetitions_received: u64,
    /// Not expected by the scenario.
    pub unexpected: u64,
    /// Of calls that are unknown or have ended.
    pub stray: u64,
    /// No SIP messages.
    pub unreadable: u64,
    /// Dropped by the kernel because a receive buffer of the generator was full.
    pub overrun: u64,
    /// Refused by the kernel on sending.
    pub refused: u64,
    /// Times a send buffer was full.
    pub send_buffer_full: u64,
}

/// Responses of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeCount {
    /// The code.
    pub code: u16,
    /// How many.
    pub count: u64,
}

/// Time spans of one kind (microseconds).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// Name of the mark.
    pub mark: String,
    /// How many.
    pub count: u64,
    /// Mean.
    pub mean_us: f64,
    /// Smallest.
    pub min_us: u64,
    /// Half are no longer than this.
    pub p50_us: u64,
    /// 90 % are no longer.
    pub p90_us: u64,
    /// 95 % are no longer.
    pub p95_us: u64,
    /// 99 % are no longer.
    pub p99_us: u64,
    /// 99.9 % are no longer.
    pub p99_9_us: u64,
    /// 99.99 % are no longer.
    pub p99_99_us: u64,
    /// Largest.
    pub max_us: u64,
    /// The percentile spectrum, in rising order.
    #[serde(default)]
    pub spectrum: Vec<Quantile>,
}

/// A point of a percentile spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// 0 to 100.
    pub percent: f64,
    /// The span that so many do not exceed (microseconds).
    pub us: u64,
}

/// A second of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its begin, since the start of the run (seconds).
    pub at: f64,
    /// Its length (seconds).
    pub seconds: f64,
    /// Calls intended in it.
    pub offered: u64,
    /// Calls started in it.
    pub started: u64,
    /// Calls completed in it.
    pub completed: u64,
    /// Calls failed in it.
    pub failed: u64,
    /// Calls in progress at its end.
    pub in_flight: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages received.
    pub received: u64,
    /// Messages sent again.
    pub repeated: u64,
    /// 99 % of starts were no later than this (microseconds).
    pub lag_p99_us: u64,
    /// The share of time that the busiest worker worked (0 to 1).
    pub busiest: f64,
    /// Of each mark in the order of [`Report::latency`]: p50, p90, p99 and maximum
    /// (microseconds); zeros if there was nothing.
    pub latency: Vec<[u64; 4]>,
    /// Responses by code.
    pub codes: Vec<CodeCount>,
}

/// A program's messages with their mean times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    /// The program.
    pub program: String,
    /// Whether it calls, rather than is called.
    pub caller: bool,
    /// Its messages and pauses, in the order of its steps.
    pub arrows: Vec<Arrow>,
}

/// A message or pause of a ladder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Arrow {
    /// `INVITE`, `200`, `pause`.
    pub label: String,
    /// `sent`, `received` or `pause`.
    pub direction: String,
    /// How often it happened.
    pub count: u64,
    /// Its mean time since the intended start (microseconds); none if it never happened.
    pub mean_us: Option<f64>,
}

/// A call kept with all its messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// `first`, `slowest` or `failed`.
    pub kept: String,
    /// The program.
    pub program: String,
    /// Its Call-ID.
    pub call_id: String,
    /// `completed`, or why it failed.
    pub outcome: String,
    /// From the intended start to the end (microseconds).
    pub duration_us: f64,
    /// Its messages.
    pub messages: Vec<TracedLine>,
}

/// A message of a kept call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TracedLine {
    /// Since the intended start (microseconds).
    pub at_us: f64,
    /// `sent` or `received`.
    pub direction: String,
    /// Method, or code and reason.
    pub label: String,
    /// Whether it is a repetition.
    pub repeated: bool,
    /// All of it; bytes that are no UTF-8 are replaced.
    pub text: String,
}

/// The ceiling of the machine: viaload against its own callees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// When (RFC 3339, UTC).
    pub measured_at: String,
    /// Worker threads.
    pub threads: usize,
    /// The scenario.
    pub scenario: String,
    /// Calls per second.
    pub rate: f64,
    /// Messages per second, sent and received.
    pub messages: f64,
}

/// A step of the search for the highest rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchStep {
    /// Calls per second offered.
    pub rate: f64,
    /// Whether it counts as carried.
    pub passed: bool,
    /// Failed calls of all (0 to 1).
    pub loss: f64,
    /// p99 of the main mark (microseconds).
    pub p99_us: u64,
    /// Whether the generator kept its schedule.
    pub valid: bool,
    /// In words.
    pub note: String,
}
