//! The calls of one worker in a closed loop.

use super::share;
use crate::moment::Moment;

/// A number of calls is kept in flight: a new one starts when one has ended.
#[derive(Clone, Debug)]
pub struct Closed {
    concurrency: u64,
    left: u64,
    until: Moment,
    /// When it was asked last, and how many calls were started at that moment.
    burst: (Moment, u64),
    /// Whether there was room when it was asked last, and the burst alone forbade a start.
    held: bool,
}

impl Closed {
    /// The share of `worker` (its number, and how many there are) in `concurrency` calls in
    /// flight of all workers, which together make no more than `limit` calls. None starts at
    /// `until` or later.
    #[must_use]
    pub fn new(
        concurrency: usize,
        worker: (usize, usize),
        limit: Option<u64>,
        until: Moment,
    ) -> Self {
        Self {
            concurrency: share(concurrency as u64, worker),
            left: share(limit.unwrap_or(u64::MAX), worker),
            until,
            burst: (Moment::START, 0),
            held: false,
        }
    }

    /// Whether to start a call now; it counts as started. Asked again and again it fills up what
    /// is free.
    #[must_use]
    pub fn due(&mut self, now: Moment, in_flight: usize) -> bool {
        if self.burst.0 != now {
            self.burst = (now, 0);
        }
        let has_room = (in_flight as u64) < self.concurrency && !self.exhausted(now);
        // Calls that fail as they start leave no trace in `in_flight`. Without a bound the worker
        // would start the next forever, and never look at its sockets again.
        self.held = has_room && self.burst.1 >= self.concurrency;
        let is_due = has_room && !self.held;
        if is_due {
            self.burst.1 += 1;
            self.left -= 1;
        }
        is_due
    }

    /// When to ask again at the latest, if the end of a call is not all that is waited for: at
    /// once if as many calls were started in one moment as may be, and ended in it.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Moment> {
        self.held.then_some(self.burst.0)
    }

    /// Whether no call will start any more.
    #[must_use]
    pub fn exhausted(&self, now: Moment) -> bool {
        self.left == 0 || self.concurrency == 0 || now >= self.until
    }

    /// From when on no call starts.
    #[must_use]
    pub const fn end(&self) -> Moment {
        self.until
    }
}
