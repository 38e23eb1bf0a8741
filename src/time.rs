//! Time as the core sees it: a value that is passed in, never read.

/// One reading of the clocks, taken once per batch by the worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since some fixed moment in the past; never goes back.
    pub monotonic_ms: u64,
    /// Seconds since 1970-01-01 00:00 UTC, for what people and peers are told.
    pub wall_seconds: u64,
}

impl Now {
    /// The monotonic clock in whole seconds, the unit of binding expiry.
    #[must_use]
    pub const fn monotonic_seconds(self) -> u64 {
        self.monotonic_ms / 1_000
    }
}
