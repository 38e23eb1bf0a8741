//! What one worker measured in one interval.

use std::time::Duration;

use super::{Latency, Tally};
use crate::moment::Moment;

/// What a worker measured from `start` to `end`. Intervals add up: [`Interval::merge`] makes one
/// of all workers' for the same second, or of all seconds for a total.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Begin; intervals of all workers begin at the same moments.
    pub start: Moment,
    /// End.
    pub end: Moment,
    /// Numbers counted.
    pub tally: Tally,
    /// Time spans of each mark, in the order of [`RunShape::marks`], from the *intended* start.
    pub latencies: Vec<Latency>,
    /// How late calls were started: actual minus intended start.
    pub lag: Latency,
    /// Calls of callers in progress at the end.
    pub in_flight: u64,
    /// No more calls than this were in progress at a time: the sum of each worker's most.
    pub most_in_flight: u64,
    /// When each step of each program happened, in the order of [`RunShape::programs`].
    pub arrows: Vec<Vec<ArrowTimes>>,
    /// The largest share of the interval that any one worker was busy (0 to 1).
    pub busiest: f64,
}

/// How often a step happened and when, counted from the call's intended start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrowTimes {
    /// How often.
    pub count: u64,
    /// The sum of the times since the intended start (nanoseconds).
    pub nanos: u64,
}

impl ArrowTimes {
    /// Notes one.
    #[inline]
    pub fn record(&mut self, since_start: Duration) {
        self.count += 1;
        self.nanos += u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX);
    }

    /// The mean time since the intended start (microseconds); none if it never happened.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    pub fn mean_micros(self) -> Option<f64> {
        (self.count > 0).then(|| self.nanos as f64 / self.count as f64 / 1_000.0)
    }
}

/// What the numbers of an [`Interval`] belong to; the same for all intervals of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunShape {
    /// Names of the response-time marks, of all programs together; the first is the main one.
    pub marks: Vec<String>,
    /// Programs with the number of their steps.
    pub programs: Vec<(String, usize)>,
}

impl Interval {
    /// An empty interval that begins at `start`.
    #[must_use]
    pub fn new(start: Moment, shape: &RunShape) -> Self {
        Self {
            start,
            end: start,
            tally: Tally::default(),
            latencies: vec![Latency::default(); shape.marks.len()],
            lag: Latency::default(),
            in_flight: 0,
            most_in_flight: 0,
            arrows: shape
                .programs
                .iter()
                .map(|(_, steps)| vec![ArrowTimes::default(); *steps])
                .collect(),
            busiest: 0.0,
        }
    }

    /// Forgets everything, and begins anew at `start`; memory is kept.
    pub fn restart(&mut self, start: Moment) {
        self.start = start;
        self.end = start;
        self.tally = Tally::default();
        self.latencies.iter_mut().for_each(Latency::clear);
        self.lag.clear();
        self.in_flight = 0;
        self.most_in_flight = 0;
        self.arrows.iter_mut().for_each(|steps| steps.fill(ArrowTimes::default()));
        self.busiest = 0.0;
    }

    /// Adds another worker's interval of the same time, or the next of the same worker.
    pub fn merge(&mut self, other: &Self) {
        self.start = self.start.min(other.start);
        self.in_flight = match self.end.cmp(&other.end) {
            std::cmp::Ordering::Less => other.in_flight,
            std::cmp::Ordering::Equal => self.in_flight + other.in_flight,
            std::cmp::Ordering::Greater => self.in_flight,
        };
        self.most_in_flight = if self.end == other.end {
            self.most_in_flight + other.most_in_flight
        } else {
            self.most_in_flight.max(other.most_in_flight)
        };
        self.end = self.end.max(other.end);
        self.tally.merge(&other.tally);
        self.lag.merge(&other.lag);
        self.busiest = self.busiest.max(other.busiest);
        for (mine, theirs) in self.latencies.iter_mut().zip(&other.latencies) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.arrows.iter_mut().flatten().zip(other.arrows.iter().flatten()) {
            mine.count += theirs.count;
            mine.nanos += theirs.nanos;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From one second to another, with so many calls in progress at most.
    fn interval(start: u64, end: u64, most_in_flight: u64) -> Interval {
        let at = |seconds| Moment::START + Duration::from_secs(seconds);
        let fresh = Interval::new(at(start), &RunShape::default());
        Interval { end: at(end), most_in_flight, ..fresh }
    }

    #[test]
    fn the_most_calls_in_progress_are_those_of_all_workers_in_one_interval() {
        let mut total = interval(0, 0, 0);
        for start in [0, 1] {
            let mut second = interval(start, start + 1, 3 - start);
            second.merge(&interval(start, start + 1, 4));
            total.merge(&second);
        }
        assert_eq!(total.most_in_flight, 7);
    }
}
