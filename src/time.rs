//! Time as the core sees it: a value that is passed in, never read.

/// One reading of the clocks, taken once per batch by the worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since some fixed moment in the past; never goes back.
    pub monotonic_ms: u64,
    /// Seconds since 1970-01-01 00:00 UTC, for what people and peers are told.
    pub wall_seconds: u64,
    /// What of the next second has gone by (microseconds).
    pub wall_fraction_us: u32,
    /// The time of people at the place of the server.
    pub zone: Zone,
}

/// How the time of people differs from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// What is added to UTC (seconds).
    pub offset_seconds: i32,
    /// Whether daylight saving time is in effect.
    pub saves_daylight: bool,
    /// What people call it, with zeros behind; see [`Self::name`].
    pub abbreviation: [u8; Self::NAME_BYTES],
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl Zone {
    /// Bytes of a name that are kept.
    pub const NAME_BYTES: usize = 7;

    /// None.
    pub const UTC: Self =
        Self { offset_seconds: 0, saves_daylight: false, abbreviation: *b"UTC\0\0\0\0" };

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.abbreviation.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// What tells how the time of people differs from UTC at any moment (seconds since 1970). The core
/// finds it among its services.
#[derive(Clone, Copy, Debug)]
pub struct Zones(pub fn(u64) -> Zone);

/// The earlier of two moments, if there is one. A worker asks this several times for each batch,
/// which an iterator over them makes four times as long.
#[must_use]
pub const fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one < other { one } else { other }),
        (Some(moment), None) | (None, Some(moment)) => Some(moment),
        (None, None) => None,
    }
}

impl Now {
    /// The monotonic clock in whole seconds, the unit of binding expiry.
    #[must_use]
    pub const fn monotonic_seconds(self) -> u64 {
        self.monotonic_ms / 1_000
    }
}
