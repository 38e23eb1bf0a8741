//! Histograms of time spans.

use std::time::Duration;

use hdrhistogram::Histogram;

/// A histogram of time spans, from a microsecond to two minutes, exact to 0.1 %.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u64>,
}

/// Spans beyond this are counted as this: longer than any timer of RFC 3261 (64 × T1 is 32 s).
const MICROS_MAX: u64 = 120_000_000;

impl Default for Latency {
    #[expect(clippy::expect_used, reason = "the bounds are constants that are within limits")]
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, MICROS_MAX, 3).expect("valid bounds");
        Self { histogram }
    }
}

impl Latency {
    /// Notes one span.
    #[inline]
    pub fn record(&mut self, span: Duration) {
        let micros = u64::try_from(span.as_nanos() / 1_000).unwrap_or(u64::MAX);
        self.histogram.saturating_record(micros.clamp(1, MICROS_MAX));
    }

    /// Adds all that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so this cannot fail.
        let _ = self.histogram.add(&other.histogram);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.histogram.reset();
    }

    /// Number of spans.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The span that `percent` of all do not exceed (microseconds); 0 if there are none.
    #[must_use]
    pub fn percentile_micros(&self, percent: f64) -> u64 {
        if self.histogram.is_empty() { 0 } else { self.histogram.value_at_percentile(percent) }
    }

    /// The mean (microseconds); 0 if there are none.
    #[must_use]
    pub fn mean_micros(&self) -> f64 {
        if self.histogram.is_empty() { 0.0 } else { self.histogram.mean() }
    }

    /// The smallest span (microseconds); 0 if there are none.
    #[must_use]
    pub fn min_micros(&self) -> u64 {
        if self.histogram.is_empty() { 0 } else { self.histogram.min() }
    }

    /// The largest span (microseconds); 0 if there are none.
    #[must_use]
    pub fn max_micros(&self) -> u64 {
        self.histogram.max()
    }

    /// How many spans lie in each bucket that is not empty: (largest of the bucket in
    /// microseconds, count), in rising order.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.histogram
            .iter_recorded()
            .map(|bucket| (bucket.value_iterated_to(), bucket.count_since_last_iteration()))
    }
}
