//! The calls of one worker in an open loop.

use std::time::Duration;

use fastrand::Rng;

use super::{RatePlan, share};
use crate::moment::Moment;

/// How calls follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Arrivals {
    /// One after another in even gaps.
    #[default]
    Uniform,
    /// Independent of each other, as calls of many people are.
    Poisson,
}

/// When the calls of one worker are intended to start. The schedule is made before the run and
/// does not wait for anybody: what a slow server or generator delays, is late.
#[derive(Clone, Debug)]
pub struct Schedule {
    plan: RatePlan,
    start: Moment,
    order: Order,
    next: Option<Moment>,
}

/// Which calls of the plan are this worker's.
#[derive(Clone, Debug)]
enum Order {
    /// Every `stride`th; each time is computed from its number, so no error adds up.
    Uniform { call: u64, stride: u64, limit: u64 },
    /// A process of its own, with an even share of the rate.
    Poisson { reached: f64, workers: f64, left: u64, rng: Rng },
}

impl Schedule {
    /// The schedule of `worker` (its number, and how many there are) in a run that begins at
    /// `start`. All workers together make no more than `limit` calls.
    #[must_use]
    pub fn new(
        plan: &RatePlan,
        arrivals: Arrivals,
        start: Moment,
        worker: (usize, usize),
        limit: Option<u64>,
        seed: u64,
    ) -> Self {
        let limit = limit.unwrap_or(u64::MAX);
        let order = match arrivals {
            Arrivals::Uniform => {
                Order::Uniform { call: worker.0 as u64, stride: worker.1 as u64, limit }
            }
            Arrivals::Poisson => {
                let mut rng = Rng::with_seed(seed_of(seed, worker.0));
                let workers = worker.1 as f64;
                // The first gap is before the first call.
                let reached = gap(&mut rng) * workers;
                Order::Poisson { reached, workers, left: share(limit, worker), rng }
            }
        };
        let mut schedule = Self { plan: plan.clone(), start, order, next: None };
        schedule.find();
        schedule
    }

    /// The intended start of this worker's next call; none behind the last.
    #[must_use]
    pub const fn next(&self) -> Option<Moment> {
        self.next
    }

    /// Goes on to the call behind the next.
    pub fn advance(&mut self) {
        if self.next.is_some() {
            self.order.advance();
            self.find();
        }
    }

    /// The end of the plan; no call is intended for later.
    #[must_use]
    pub fn end(&self) -> Moment {
        self.start + since_start(self.plan.seconds())
    }

    /// Looks up the time of the next call.
    fn find(&mut self) {
        let seconds = self.order.call().and_then(|call| self.plan.time_of(call));
        self.next = seconds.map(|seconds| self.start + since_start(seconds));
    }
}

impl Order {
    /// The next call's place in the plan; not a whole number where calls come by chance.
    fn call(&self) -> Option<f64> {
        match self {
            Self::Uniform { call, limit, .. } => (call < limit).then_some(*call as f64),
            Self::Poisson { reached, left, .. } => (*left > 0).then_some(*reached),
        }
    }

    /// Goes on by one call of this worker.
    fn advance(&mut self) {
        match self {
            Self::Uniform { call, stride, .. } => *call = call.saturating_add(*stride),
            Self::Poisson { reached, workers, left, rng } => {
                *reached += gap(rng) * *workers;
                *left = left.saturating_sub(1);
            }
        }
    }
}

/// A gap between two calls of a Poisson process, in units of the mean gap. In calls of the plan it
/// is as many times as long as there are workers, however the plan's rate changes.
fn gap(rng: &mut Rng) -> f64 {
    // 1 minus what is drawn is never 0.
    -(1.0 - rng.f64()).ln()
}

/// The time span of so many seconds, to the nearest nanosecond.
fn since_start(seconds: f64) -> Duration {
    Duration::from_nanos((seconds * 1e9).round() as u64)
}

/// A worker's own seed: workers draw from sequences that have nothing in common.
const fn seed_of(seed: u64, worker: usize) -> u64 {
    // The odd number nearest to 2^64 divided by the golden ratio: neighbours land far apart.
    seed ^ (worker as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_nanos(5_000_000_000);

    /// All moments of a worker's schedule.
    fn moments(mut schedule: Schedule) -> Vec<Moment> {
        std::iter::from_fn(|| {
            let next = schedule.next();
            schedule.advance();
            next
        })
        .collect()
    }

    /// The sorted moments of all workers.
    fn union(
        plan: &RatePlan,
        arrivals: Arrivals,
        workers: usize,
        limit: Option<u64>,
        seed: u64,
    ) -> Vec<Moment> {
        let all = (0..workers).flat_map(|worker| {
            moments(Schedule::new(plan, arrivals, START, (worker, workers), limit, seed))
        });
        let mut all: Vec<Moment> = all.collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn uniform_workers_together_make_the_stream_of_one() {
        let plans = [
            RatePlan::constant(997.0, 3.0).unwrap(),
            RatePlan::ramp("10:200:30", 1.5).unwrap(),
            RatePlan::table("50:1,50-900:3,900-7:2").unwrap(),
        ];
        for plan in &plans {
            for limit in [None, Some(0), Some(1), Some(100), Some(1_000_000)] {
                let one = union(plan, Arrivals::Uniform, 1, limit, 1);
                for workers in [2, 3, 7, 64] {
                    assert_eq!(union(plan, Arrivals::Uniform, workers, limit, 1), one);
                }
                let calls = plan.calls().ceil() as u64;
                assert_eq!(one.len() as u64, limit.map_or(calls, |limit| limit.min(calls)));
            }
        }
    }

    #[test]
    fn uniform_calls_are_evenly_apart() {
        let plan = RatePlan::constant(1_000.0, 10.0).unwrap();
        let all = union(&plan, Arrivals::Uniform, 3, None, 1);
        assert_eq!(all.len(), 10_000);
        for (call, moment) in all.iter().enumerate() {
            assert_eq!(moment.since(START), Duration::from_millis(call as u64));
        }
    }

    #[test]
    fn the_last_call_of_a_day_is_exact_to_the_nanosecond() {
        let plan = RatePlan::constant(300_000.0, 86_400.0).unwrap();
        let mut schedule = Schedule::new(&plan, Arrivals::Uniform, START, (3, 4), None, 1);
        let last = 300_000 * 86_400 - 1;
        schedule.order = Order::Uniform { call: last, stride: 4, limit: u64::MAX };
        schedule.find();
        // 86,400 s less a gap of 3,333.3 ns.
        let expected = START + Duration::from_nanos(86_400_000_000_000 - 3_333);
        assert_eq!(schedule.next(), Some(expected));
        schedule.advance();
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn each_step_of_a_ramp_has_its_calls() {
        let plan = RatePlan::ramp("1000:5000:1000", 10.0).unwrap();
        for (arrivals, tolerance) in [(Arrivals::Uniform, 0.0), (Arrivals::Poisson, 4.0)] {
            let all = union(&plan, arrivals, 4, None, 7);
            for step in 0..5_u32 {
                let begin = START + Duration::from_secs(10) * step;
                let end = begin + Duration::from_secs(10);
                let count = all.iter().filter(|moment| (begin..end).contains(moment)).count();
                let expected = f64::from(step + 1) * 10_000.0;
                let error = (count as f64 - expected).abs();
                assert!(error <= tolerance * expected.sqrt(), "{arrivals:?} {step}: {count}");
            }
        }
    }

    #[test]
    fn poisson_counts_have_the_mean_and_the_variance_of_the_rate() {
        let plan = RatePlan::constant(2_000.0, 500.0).unwrap();
        let all = union(&plan, Arrivals::Poisson, 4, None, 42);
        // In 10,000 slots of 50 ms: 100 calls each, with a variance of 100.
        let mut counts = vec![0.0_f64; 10_000];
        for moment in &all {
            counts[(moment.since(START).as_millis() / 50) as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 10_000.0;
        let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 10_000.0;
        assert!((mean - 100.0).abs() < 0.4, "{mean}");
        assert!((variance - 100.0).abs() < 6.0, "{variance}");
    }

    #[test]
    fn poisson_gaps_of_each_worker_are_exponential() {
        let plan = RatePlan::constant(4_000.0, 100.0).unwrap();
        for worker in 0..4 {
            let schedule = Schedule::new(&plan, Arrivals::Poisson, START, (worker, 4), None, 3);
            let all = moments(schedule);
            let gaps: Vec<f64> =
                all.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64() * 1e3).collect();
            let count = gaps.len() as f64;
            let mean = gaps.iter().sum::<f64>() / count;
            let longer = gaps.iter().filter(|gap| **gap > 1.0).count() as f64 / count;
            assert!((mean - 1.0).abs() < 0.015, "{mean}");
            assert!((longer - (-1.0_f64).exp()).abs() < 0.01, "{longer}");
        }
    }

    #[test]
    fn poisson_is_repeated_by_its_seed_and_differs_by_worker() {
        let plan = RatePlan::constant(100.0, 10.0).unwrap();
        let of = |worker, seed| {
            moments(Schedule::new(&plan, Arrivals::Poisson, START, (worker, 2), None, seed))
        };
        assert_eq!(of(0, 1), of(0, 1));
        assert_ne!(of(0, 1), of(1, 1));
        assert_ne!(of(0, 1), of(0, 2));
    }

    #[test]
    fn a_limit_is_dealt_out_to_poisson_workers() {
        let plan = RatePlan::constant(1_000.0, 60.0).unwrap();
        for (worker, calls) in [(0, 34), (1, 33), (2, 33)] {
            let limit = Some(100);
            let schedule = Schedule::new(&plan, Arrivals::Poisson, START, (worker, 3), limit, 5);
            assert_eq!(moments(schedule).len(), calls);
        }
        assert!(union(&plan, Arrivals::Poisson, 3, Some(0), 5).is_empty());
    }

    #[test]
    fn no_call_is_intended_for_after_the_end() {
        let plan = RatePlan::constant(1_000.0, 2.0).unwrap();
        let end = START + Duration::from_secs(2);
        for arrivals in [Arrivals::Uniform, Arrivals::Poisson] {
            let schedule = Schedule::new(&plan, arrivals, START, (0, 1), None, 9);
            assert_eq!(schedule.end(), end);
            assert!(moments(schedule).iter().all(|moment| *moment < end));
        }
    }
}
