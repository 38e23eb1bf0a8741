//! The only place that reads the clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::Now;

/// The clocks of the system, as seen by all workers alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// Clocks whose monotonic time starts now.
    #[expect(clippy::disallowed_methods, reason = "time is read here and passed on")]
    pub(super) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Reads both clocks.
    #[expect(clippy::disallowed_methods, reason = "time is read here and passed on")]
    pub(super) fn now(self) -> Now {
        let monotonic = Instant::now().duration_since(self.start).as_millis();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            monotonic_ms: u64::try_from(monotonic).unwrap_or(u64::MAX),
            wall_seconds: wall.map_or(0, |since_epoch| since_epoch.as_secs()),
        }
    }
}
