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

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(millis: u64) -> Trace {
        Trace {
            kept: Kept::Slowest,
            program: 0,
            call_id: String::new(),
            outcome: "completed",
            duration: Duration::from_millis(millis),
            messages: Vec::new(),
        }
    }

    #[test]
    fn the_slowest_are_kept_slowest_first() {
        let mut recorder = Recorder::new(3);
        [5, 9, 1, 7, 9, 2].into_iter().for_each(|millis| recorder.keep_if_slow(trace(millis)));
        let kept = recorder.take();
        let kept: Vec<_> = kept.iter().map(|trace| trace.duration.as_millis()).collect();
        assert_eq!(kept, [9, 9, 7]);
        assert!(recorder.take().is_empty());
    }

    #[test]
    fn a_recording_ends_after_a_while_and_is_not_begun_for_nothing() {
        assert!(Recorder::new(0).begin().is_none());
        let mut recording = Recorder::new(1).begin().unwrap();
        (0..100).for_each(|_| recording.note(Duration::ZERO, true, false, b"x"));
        assert_eq!(recording.messages.len(), MESSAGES_MAX);
    }
}
