//! The only place that reads the clocks.

use std::cell::Cell;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::sys;
use crate::time::{Now, Zone, Zones};

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
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            monotonic_ms: u64::try_from(monotonic).unwrap_or(u64::MAX),
            wall_seconds: wall.as_secs(),
            wall_fraction_us: wall.subsec_micros(),
            zone: zone(wall.as_secs()),
        }
    }
}

/// The time zones of the system.
pub(super) const ZONES: Zones = Zones(zone_at);

/// The time zone at any moment; none if the system does not know.
fn zone_at(wall_seconds: u64) -> Zone {
    sys::local_zone(wall_seconds).map_or(Zone::UTC, |zone| {
        let sys::LocalZone { offset_seconds, saves_daylight, abbreviation } = zone;
        Zone { offset_seconds, saves_daylight, abbreviation }
    })
}

/// The time zone at that moment. The system is asked once in a quarter of an hour: zones change at
/// no other moments, and asking takes longer than reading a clock.
fn zone(wall_seconds: u64) -> Zone {
    thread_local! {
        static KNOWN: Cell<(u64, Zone)> = const { Cell::new((u64::MAX, Zone::UTC)) };
    }
    let quarter = wall_seconds / 900;
    KNOWN.with(|known| {
        if known.get().0 != quarter {
            known.set((quarter, zone_at(wall_seconds)));
        }
        known.get().1
    })
}
