//! Summaries of histograms.

use super::{LatencySummary, Quantile};
use crate::measure::Latency;

/// Points of a spectrum for each halving of the distance to 100 %.
const POINTS_PER_HALVING: u32 = 4;

/// The most points of a spectrum, the last one at 100 % included.
const POINTS_MAX: usize = 100;

impl LatencySummary {
    /// The summary of a histogram.
    #[must_use]
    pub fn of(mark: &str, latency: &Latency) -> Self {
        Self {
            mark: mark.to_owned(),
            count: latency.count(),
            mean_us: latency.mean_micros(),
            min_us: latency.min_micros(),
            p50_us: latency.percentile_micros(50.0),
            p90_us: latency.percentile_micros(90.0),
            p95_us: latency.percentile_micros(95.0),
            p99_us: latency.percentile_micros(99.0),
            p99_9_us: latency.percentile_micros(99.9),
            p99_99_us: latency.percentile_micros(99.99),
            max_us: latency.max_micros(),
            spectrum: spectrum(latency),
        }
    }
}

/// The percentile spectrum: percentiles that come ever closer to 100 %, until there is but one
/// span beyond them. Nothing if there are no spans.
fn spectrum(latency: &Latency) -> Vec<Quantile> {
    let count = latency.count();
    let mut buckets = latency.buckets();
    let (mut us, mut reached) = (0, 0);
    let mut points = Vec::new();
    for percent in percents(count) {
        let rank = (percent / 100.0 * count as f64).ceil() as u64;
        while reached < rank.max(1) {
            let Some((span, spans)) = buckets.next() else { break };
            us = span;
            reached += spans;
        }
        points.push(Quantile { percent, us });
    }
    points
}

/// The percentiles to show of so many spans, in rising order, the last one 100.
fn percents(count: u64) -> Vec<f64> {
    let mut percents = Vec::new();
    let mut beyond = 100.0;
    while percents.len() + 1 < POINTS_MAX && beyond / 100.0 * count as f64 >= 1.0 {
        let step = beyond / 2.0 / f64::from(POINTS_PER_HALVING);
        percents.extend((0..POINTS_PER_HALVING).map(|n| 100.0 - beyond + f64::from(n) * step));
        beyond /= 2.0;
    }
    percents.truncate(POINTS_MAX - 1);
    if count > 0 {
        percents.push(100.0);
    }
    percents
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn latency(micros: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::default();
        micros.into_iter().for_each(|span| latency.record(Duration::from_micros(span)));
        latency
    }

    #[test]
    fn a_spectrum_comes_closer_to_all_of_them_by_halves() {
        let percents = percents(1_000);
        for percent in [0.0, 50.0, 75.0, 87.5, 93.75, 96.875] {
            assert!(percents.contains(&percent), "{percent} in {percents:?}");
        }
        assert!(percents.is_sorted());
        assert_eq!(percents.last(), Some(&100.0));
    }

    #[test]
    fn a_spectrum_has_no_more_than_100_points() {
        assert_eq!(percents(u64::MAX).len(), POINTS_MAX);
        assert!(percents(1_000_000).len() < POINTS_MAX);
    }

    #[test]
    fn a_spectrum_says_the_same_as_the_percentiles() {
        let latency = latency((1..=1_000).rev());
        for point in spectrum(&latency) {
            assert_eq!(point.us, latency.percentile_micros(point.percent), "{}", point.percent);
        }
    }

    #[test]
    fn the_spectrum_of_one_span_is_that_span() {
        let spectrum = spectrum(&latency([700]));
        assert!(spectrum.len() > 1);
        assert!(spectrum.iter().all(|point| point.us == 700));
    }

    #[test]
    fn no_spans_are_summed_up_as_zeros() {
        let summary = LatencySummary::of("setup", &Latency::default());
        assert_eq!(summary, LatencySummary { mark: "setup".to_owned(), ..Default::default() });
    }
}
