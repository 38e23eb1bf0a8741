//! Whether the generator keeps its schedule, in words.

use std::time::Duration;

use super::{Facts, Progress};
use crate::measure::{Count, Interval};
use crate::show::{millis, number, percent};

/// What makes the numbers of this run doubtful, the worst first; nothing in a healthy run.
pub(super) fn warnings(facts: &Facts, now: &Progress<'_>) -> Vec<String> {
    [late(facts, now), busy(facts, now.second), overrun(now)].into_iter().flatten().collect()
}

/// How late 99 % of the starts were at most (microseconds).
pub(super) fn lag_micros(interval: &Interval) -> u64 {
    interval.lag.percentile_micros(99.0)
}

/// The warning that calls start too late: of the whole run before that of the last second,
/// since only the former makes a run invalid.
fn late(facts: &Facts, now: &Progress<'_>) -> Option<String> {
    let bound = facts.lag_max;
    let [second, run] =
        [now.second, now.total].map(|interval| Duration::from_micros(lag_micros(interval)));
    if run > bound {
        let (run, bound) = (millis(run), millis(bound));
        Some(format!("the run is invalid so far: lag p99 {run}, at most {bound} are allowed"))
    } else if second > bound {
        Some(format!("the generator is late: lag p99 {}", millis(second)))
    } else {
        None
    }
}

/// The warning that a worker has no time left.
fn busy(facts: &Facts, second: &Interval) -> Option<String> {
    (second.busiest > facts.busy_max).then(|| {
        format!("the generator is at its limit: a worker is {} busy", percent(second.busiest))
    })
}

/// The warning that datagrams arrived but were lost before viaload read them.
fn overrun(now: &Progress<'_>) -> Option<String> {
    let lost = now.total.tally.get(Count::Overrun);
    (lost > 0)
        .then(|| format!("{} datagrams lost in full receive buffers of viaload", number(lost)))
}
