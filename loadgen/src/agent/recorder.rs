//! Calls that are kept with all their messages: the first, the slowest, the first that failed.

use std::time::Duration;

use super::call::{Call, Outcome};
use crate::measure::{Kept, Trace, TracedMessage};
use crate::moment::Moment;

/// The messages of a call so far.
#[derive(Debug, Default)]
pub(super) struct Recording {
    messages: Vec<TracedMessage>,
}

impl Recording {
    /// Notes a message.
    pub(super) fn note(&mut self, at: Duration, sent: bool, repeated: bool, bytes: &[u8]) {
        // A call that repeats itself for half a minute is no longer interesting.
        if self.messages.len() < MESSAGES_MAX {
            self.messages.push(TracedMessage { at, sent, repeated, bytes: bytes.to_vec() });
        }
    }
}

/// Most messages kept of a call.
const MESSAGES_MAX: usize = 64;

/// Chooses which calls to keep.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    /// Calls to keep of each kind.
    limit: usize,
    first: Vec<Trace>,
    slowest: Vec<Trace>,
    failed: Vec<Trace>,
}

impl Recorder {
    /// One that keeps up to `limit` calls of each kind.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Where a new call notes its messages.
    pub(super) fn begin(&self) -> Option<Box<Recording>> {
        (self.limit > 0).then(Box::default)
    }

    /// Keeps a call that has ended, if it is worth it.
    pub(super) fn end(&mut self, call: Call, outcome: Outcome, now: Moment) {
        let Some(recording) = call.recording.filter(|_| call.is_caller) else { return };
        let mut trace = Trace {
            kept: Kept::Slowest,
            program: call.program,
            call_id: String::from_utf8_lossy(&call.call_id).into_owned(),
            outcome: match outcome {
                Outcome::Completed => "completed",
                Outcome::Failed(failure) => failure.name(),
                Outcome::CutShort => "cut short",
            },
            duration: now.since(call.intended),
            messages: recording.messages,
        };
        if matches!(outcome, Outcome::Failed(_)) && self.failed.len() < self.limit {
            trace.kept = Kept::Failed;
            self.failed.push(trace);
        } else if self.first.len() < self.limit {
            trace.kept = Kept::First;
            self.first.push(trace);
        } else {
            self.keep_if_slow(trace);
        }
    }

    /// Keeps a call if it took longer than one of those kept.
    fn keep_if_slow(&mut self, trace: Trace) {
        let place = self.slowest.partition_point(|kept| kept.duration >= trace.duration);
        if place < self.limit {
            self.slowest.insert(place, trace);
            self.slowest.truncate(self.limit);
        }
    }

    /// All that was kept.
    pub(super) fn take(&mut self) -> Vec<Trace> {
        let mut traces = std::mem::take(&mut self.first);
        traces.append(&mut self.slowest);
        traces.append(&mut self.failed);
        traces
    }
}
