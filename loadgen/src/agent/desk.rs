//! What all calls of an agent change.

use super::recorder::Recorder;
use super::timers::Timers;
use crate::measure::{Count, Interval};

/// What all calls of an agent change.
#[derive(Debug)]
pub(super) struct Desk {
    /// What is being measured.
    pub(super) interval: Interval,
    /// All chance.
    pub(super) rng: fastrand::Rng,
    /// When calls want to be looked at.
    pub(super) timers: Timers,
    /// Calls that are kept.
    pub(super) recorder: Recorder,
    /// Memory for bodies.
    pub(super) scratch: Vec<u8>,
    /// Lines that scenarios wrote for people.
    pub(super) lines: Vec<String>,
    /// Calls of callers in progress.
    pub(super) callers: usize,
    /// Calls of callees in progress.
    pub(super) callees: usize,
}

impl Desk {
    /// Counts one.
    pub(super) fn count(&mut self, what: Count) {
        self.interval.tally.count(what);
    }

    /// Whether something happens that has this probability.
    pub(super) fn hits(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.f64() < probability
    }
}
