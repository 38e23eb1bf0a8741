//! Whether the generator kept its word.

use std::time::Duration;

use super::Verdict;
use crate::measure::{Count, Interval};
use crate::show::{counted, millis, number, percent, share};

/// How late 1 % of calls may start, unless another bound is given.
pub const LAG_MAX: Duration = Duration::from_millis(10);

/// From this share of busy time in a second on, a worker is saturated: what is left is too little
/// to tell it from none.
pub const BUSY_MAX: f64 = 0.97;

/// What is known of how a run went.
#[derive(Clone, Copy, Debug)]
pub struct Conduct<'r> {
    /// All workers' intervals of the whole run as one.
    pub total: &'r Interval,
    /// For each second the share that its busiest worker worked (0 to 1).
    pub busiest: &'r [f64],
    /// Whether calls started when others ended, rather than on a schedule.
    pub closed_loop: bool,
    /// How late 1 % of calls may start.
    pub lag_max: Duration,
    /// Whether the run was ended from outside.
    pub interrupted: bool,
}

/// Judges a run: valid if all that was measured is the server's doing.
#[must_use]
pub fn judge(conduct: &Conduct<'_>) -> Verdict {
    let busy = saturation(conduct);
    let (spoiling_busy, noted_busy) = if conduct.closed_loop { (None, busy) } else { (busy, None) };
    let spoiling =
        [lag(conduct), unstarted(conduct), spoiling_busy, overrun(conduct), refused(conduct)];
    let mut reasons: Vec<String> = spoiling.into_iter().flatten().collect();
    let valid = reasons.is_empty();
    reasons.extend(noted_busy);
    if conduct.interrupted {
        let noted = "the run was ended before its time: the numbers are those of the part that ran";
        reasons.push(noted.to_owned());
    }
    Verdict { valid, interrupted: conduct.interrupted, reasons }
}

/// Calls started too late. There is no schedule in a closed loop that they could be late for.
fn lag(conduct: &Conduct<'_>) -> Option<String> {
    let p99 = Duration::from_micros(conduct.total.lag.percentile_micros(99.0));
    (!conduct.closed_loop && p99 > conduct.lag_max).then(|| {
        format!(
            "the generator started 1 % of calls more than {} late (bound {}): lower the rate or \
             add cores",
            millis(p99),
            millis(conduct.lag_max)
        )
    })
}

/// Calls intended but never started.
fn unstarted(conduct: &Conduct<'_>) -> Option<String> {
    let offered = conduct.total.tally.get(Count::Offered);
    let missing = offered.saturating_sub(conduct.total.tally.get(Count::Started));
    (missing > 0).then(|| {
        format!(
            "the generator did not start {} of {} ({}): lower the rate or add cores",
            number(missing),
            counted(offered, "call"),
            share(missing, offered)
        )
    })
}

/// Workers without time to spare.
fn saturation(conduct: &Conduct<'_>) -> Option<String> {
    let saturated = conduct.busiest.iter().filter(|busy| **busy >= BUSY_MAX).count() as u64;
    let seconds = counted(conduct.busiest.len() as u64, "second");
    let most = conduct.busiest.iter().copied().fold(0.0, f64::max);
    let what = format!(
        "a worker of the generator had no time to spare in {} of {seconds} (busy up to {}, bound \
         {})",
        number(saturated),
        percent(most),
        percent(BUSY_MAX)
    );
    (saturated > 0).then(|| {
        if conduct.closed_loop {
            format!("{what}: the server may carry more than this generator asked of it")
        } else {
            format!("{what}: lower the rate or add cores")
        }
    })
}

/// Datagrams that came and were not read.
fn overrun(conduct: &Conduct<'_>) -> Option<String> {
    let lost = conduct.total.tally.get(Count::Overrun);
    (lost > 0).then(|| {
        format!(
            "the generator lost {} because its receive buffers were full: raise \
             net.core.rmem_max, lower the rate or add cores",
            counted(lost, "datagram")
        )
    })
}

/// Datagrams that were never sent.
fn refused(conduct: &Conduct<'_>) -> Option<String> {
    let unsent = conduct.total.tally.get(Count::Refused);
    (unsent > 0).then(|| {
        format!(
            "the kernel refused to send {}: look at the route to the target, the firewall and \
             the limits of this machine",
            counted(unsent, "datagram")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::RunShape;
    use crate::moment::Moment;

    /// A run of 10,000 calls of which all were started in time.
    fn run() -> Interval {
        let mut total = Interval::new(Moment::START, &RunShape::default());
        total.tally.add(Count::Offered, 10_000);
        total.tally.add(Count::Started, 10_000);
        for _ in 0..10_000 {
            total.lag.record(Duration::from_micros(50));
        }
        total
    }

    /// The verdict on a run with an open loop, three seconds and the ordinary bounds.
    fn verdict(total: &Interval, busiest: &[f64]) -> Verdict {
        judge(&Conduct { total, busiest, closed_loop: false, lag_max: LAG_MAX, interrupted: false })
    }

    /// Asserts that a run is invalid for this reason alone.
    fn assert_spoilt(verdict: &Verdict, reason: &str) {
        assert!(!verdict.valid);
        assert_eq!(verdict.reasons, [reason]);
    }

    #[test]
    fn a_run_that_kept_its_schedule_is_valid() {
        let expected = Verdict { valid: true, interrupted: false, reasons: Vec::new() };
        assert_eq!(verdict(&run(), &[0.5, 0.96, 0.2]), expected);
    }

    #[test]
    fn lag_beyond_the_bound_spoils_an_open_loop_alone() {
        let mut total = run();
        for _ in 0..200 {
            total.lag.record(Duration::from_millis(23));
        }
        assert_spoilt(
            &verdict(&total, &[0.5]),
            "the generator started 1 % of calls more than 23.01 ms late (bound 10 ms): lower the \
             rate or add cores",
        );
        let conduct = Conduct {
            total: &total,
            busiest: &[],
            closed_loop: false,
            lag_max: Duration::from_millis(30),
            interrupted: false,
        };
        assert!(judge(&conduct).valid);
        assert!(judge(&Conduct { closed_loop: true, lag_max: LAG_MAX, ..conduct }).valid);
    }

    #[test]
    fn calls_that_were_not_started_spoil_the_run() {
        let mut total = run();
        total.tally.add(Count::Offered, 5);
        assert_spoilt(
            &verdict(&total, &[0.5]),
            "the generator did not start 5 of 10,005 calls (0.05 %): lower the rate or add cores",
        );
    }

    #[test]
    fn saturation_spoils_an_open_loop_and_is_noted_of_a_closed_one() {
        let total = run();
        let busiest = [0.5, 0.97, 0.991];
        assert_spoilt(
            &verdict(&total, &busiest),
            "a worker of the generator had no time to spare in 2 of 3 seconds (busy up to 99.1 %, \
             bound 97 %): lower the rate or add cores",
        );
        let closed = Conduct {
            total: &total,
            busiest: &busiest,
            closed_loop: true,
            lag_max: LAG_MAX,
            interrupted: false,
        };
        let verdict = judge(&closed);
        assert!(verdict.valid);
        assert_eq!(verdict.reasons.len(), 1);
        assert!(verdict.reasons[0].ends_with("more than this generator asked of it"));
    }

    #[test]
    fn lost_and_refused_datagrams_spoil_the_run() {
        let mut total = run();
        total.tally.count(Count::Overrun);
        assert_spoilt(
            &verdict(&total, &[]),
            "the generator lost 1 datagram because its receive buffers were full: raise \
             net.core.rmem_max, lower the rate or add cores",
        );
        let mut total = run();
        total.tally.add(Count::Refused, 1_200);
        assert_spoilt(
            &verdict(&total, &[]),
            "the kernel refused to send 1,200 datagrams: look at the route to the target, the \
             firewall and the limits of this machine",
        );
    }

    #[test]
    fn an_interruption_is_told_but_does_not_spoil() {
        let total = run();
        let conduct = Conduct {
            total: &total,
            busiest: &[],
            closed_loop: false,
            lag_max: LAG_MAX,
            interrupted: true,
        };
        let verdict = judge(&conduct);
        assert!(verdict.valid && verdict.interrupted);
        assert_eq!(verdict.reasons.len(), 1);
    }

    #[test]
    fn all_reasons_are_told() {
        let mut total = run();
        total.tally.count(Count::Offered);
        total.tally.count(Count::Overrun);
        total.tally.count(Count::Refused);
        let verdict = verdict(&total, &[1.0]);
        assert!(!verdict.valid);
        assert_eq!(verdict.reasons.len(), 4);
    }
}
