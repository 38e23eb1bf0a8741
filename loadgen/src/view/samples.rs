//! Runs to show in tests.

use std::time::Duration;

use super::{Facts, Progress};
use crate::measure::{Count, Failure, Interval, RunShape};
use crate::moment::Moment;

/// What a run of calls is.
pub(super) fn facts() -> Facts {
    Facts {
        scenario: "call".to_owned(),
        target: "127.0.0.1:5060".to_owned(),
        load: "open loop, 1,000 calls/s, uniform".to_owned(),
        unit: "calls".to_owned(),
        lag_max: Duration::from_millis(10),
        busy_max: 0.95,
    }
}

/// A second of a run, and what was before.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Seconds since the start.
    pub(super) elapsed: u64,
    /// What goes on.
    pub(super) phase: &'static str,
    /// The last second.
    pub(super) second: Interval,
    /// Everything.
    pub(super) total: Interval,
    /// What the numbers belong to.
    pub(super) shape: RunShape,
}

impl Sample {
    /// A second in which nothing happened.
    pub(super) fn quiet() -> Self {
        let shape = RunShape {
            marks: ["answer", "hang-up", "call"].map(str::to_owned).to_vec(),
            programs: vec![("call".to_owned(), 6)],
        };
        let mut second = Interval::new(Moment::START, &shape);
        second.end = Moment::from_nanos(1_000_000_000);
        Self { elapsed: 12, phase: "running", total: second.clone(), second, shape }
    }

    /// A second of an ordinary run.
    pub(super) fn busy() -> Self {
        let mut sample = Self::quiet();
        fill(&mut sample.second);
        for _ in 0..12 {
            sample.total.merge(&sample.second);
        }
        sample.total.end = Moment::from_nanos(12_000_000_000);
        sample
    }

    /// A second in which the generator was late, though it was not before.
    pub(super) fn late() -> Self {
        let mut sample = Self::busy();
        sample.second.busiest = 0.99;
        for _ in 0..40 {
            sample.second.lag.record(Duration::from_millis(14));
        }
        sample
    }

    /// What a view is given.
    pub(super) fn progress(&self) -> Progress<'_> {
        Progress {
            elapsed: Duration::from_secs(self.elapsed),
            remaining: Some(Duration::from_secs(48)),
            phase: self.phase,
            second: &self.second,
            total: &self.total,
            shape: &self.shape,
        }
    }
}

/// A thousand calls, two of which failed.
fn fill(interval: &mut Interval) {
    let tally = &mut interval.tally;
    tally.add(Count::Offered, 1000);
    tally.add(Count::Started, 1000);
    tally.add(Count::Completed, 998);
    tally.add(Count::Answered, 999);
    tally.add(Count::Sent, 6012);
    tally.add(Count::Received, 5990);
    tally.add(Count::RequestsRepeated, 12);
    tally.add(Count::ResponsesRepeated, 3);
    tally.fail(Failure::NoAnswer);
    tally.fail(Failure::UnexpectedStatus);
    for _ in 0..998 {
        for code in [100, 180, 200, 200] {
            tally.codes.count(code);
        }
    }
    tally.codes.count(503);
    interval.in_flight = 512;
    interval.busiest = 0.42;
    for step in 0..1000_u64 {
        interval.lag.record(Duration::from_micros(40 + step / 10));
        for (mark, latency) in (0..).zip(&mut interval.latencies) {
            let micros = 1000 * 10_u64.pow(mark) + step * step / 250;
            latency.record(Duration::from_micros(micros));
        }
    }
}
