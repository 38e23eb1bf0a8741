//! The one reader of the clock.

use std::time::Instant;

use crate::moment::Moment;

/// The clock of a run. All workers hold copies of one, so that their moments compare.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> Moment {
        Moment::START + Instant::now().saturating_duration_since(self.start)
    }

    /// The time of day when the clock began.
    #[must_use]
    pub fn time_of_start(&self) -> jiff::Timestamp {
        let age = self.now().since(Moment::START);
        let now = jiff::Timestamp::now();
        now.checked_sub(age).unwrap_or(now)
    }
}

/// The date and time (RFC 3339, UTC), to the second.
#[must_use]
pub fn date() -> String {
    let now = jiff::Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}
