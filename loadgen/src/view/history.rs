//! The last minutes, second by second.

use std::collections::VecDeque;

use crate::measure::{Count, Interval};

/// Seconds that are kept: as many as the widest terminals have columns, twice over.
const SECONDS_MAX: usize = 600;

/// The last seconds, in order.
#[derive(Debug, Default)]
pub(super) struct History {
    seconds: VecDeque<Second>,
}

/// What is drawn of a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    /// Calls per second that were intended.
    pub(super) offered: f64,
    /// Calls per second that were started.
    pub(super) started: f64,
    /// Calls per second that were completed.
    pub(super) completed: f64,
    /// Calls per second that failed.
    pub(super) failed: f64,
    /// Calls in progress at its end.
    pub(super) in_flight: u64,
    /// p50 and p99 of each mark (microseconds); none where nothing was measured.
    pub(super) latency: Vec<Option<[u64; 2]>>,
}

impl History {
    /// Adds the last second; the oldest goes if there are too many.
    pub(super) fn push(&mut self, interval: &Interval) {
        if self.seconds.len() == SECONDS_MAX {
            self.seconds.pop_front();
        }
        self.seconds.push_back(Second::of(interval));
    }

    /// The newest `number` seconds, or fewer, in order.
    pub(super) fn newest(&self, number: usize) -> impl DoubleEndedIterator<Item = &Second> {
        self.seconds.iter().skip(self.seconds.len().saturating_sub(number))
    }
}

impl Second {
    /// What is drawn of `interval`.
    pub(super) fn of(interval: &Interval) -> Self {
        let tally = &interval.tally;
        let latency = interval.latencies.iter().map(|latency| {
            let points = [50.0, 99.0].map(|percent| latency.percentile_micros(percent));
            (latency.count() > 0).then_some(points)
        });
        Self {
            offered: per_second(interval, tally.get(Count::Offered)),
            started: per_second(interval, tally.get(Count::Started)),
            completed: per_second(interval, tally.get(Count::Completed)),
            failed: per_second(interval, tally.failed()),
            in_flight: interval.in_flight,
            latency: latency.collect(),
        }
    }
}

/// `number` in `interval` as a rate; an interval without length counts as a second.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
pub(super) fn per_second(interval: &Interval, number: u64) -> f64 {
    let seconds = (interval.end - interval.start).as_secs_f64();
    if seconds > 0.0 { number as f64 / seconds } else { number as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::RunShape;
    use crate::moment::Moment;

    /// Half a second in which so many calls were offered.
    fn half_second(offered: u64) -> Interval {
        let mut interval = Interval::new(Moment::START, &RunShape::default());
        interval.end = Moment::from_nanos(500_000_000);
        interval.tally.add(Count::Offered, offered);
        interval
    }

    #[test]
    fn rates_are_per_second_whatever_the_length_of_the_interval() {
        assert_eq!(Second::of(&half_second(50)).offered, 100.0);
    }

    #[test]
    fn only_the_newest_seconds_are_kept() {
        let mut history = History::default();
        for offered in 0..700 {
            history.push(&half_second(offered));
        }
        let offered: Vec<_> = history.newest(2).map(|second| second.offered).collect();
        assert_eq!(offered, [1396.0, 1398.0]);
        assert_eq!(history.newest(usize::MAX).count(), SECONDS_MAX);
    }
}
