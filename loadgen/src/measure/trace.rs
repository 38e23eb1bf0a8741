//! Calls kept with all their messages.

use std::time::Duration;

/// A call with all its messages, kept for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Why it was kept.
    pub kept: Kept,
    /// Position of its program in [`super::RunShape::programs`].
    pub program: usize,
    /// Its Call-ID.
    pub call_id: String,
    /// How it ended: `completed`, or the name of the failure.
    pub outcome: &'static str,
    /// From the intended start to the end.
    pub duration: Duration,
    /// Its messages in order of time.
    pub messages: Vec<TracedMessage>,
}

/// Why a call was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// One of the first.
    First,
    /// One of the slowest.
    Slowest,
    /// One of the first that failed.
    Failed,
}

/// A message of a kept call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedMessage {
    /// Since the intended start.
    pub at: Duration,
    /// Whether the call sent it, rather than received it.
    pub sent: bool,
    /// Whether it is a repetition.
    pub repeated: bool,
    /// All of it.
    pub bytes: Vec<u8>,
}
