//! The load that is asked for.

use std::time::Duration;

use super::{LoadOptions, RunError};
use crate::moment::Moment;
use crate::pace::{Arrivals, Closed, Load, RateError, RatePlan, Schedule};
use crate::show;

/// The load of a run, of all workers.
#[derive(Clone, Debug)]
pub(super) enum LoadPlan {
    /// Calls start on a schedule.
    Open {
        /// Their rates.
        plan: RatePlan,
        /// How they follow each other.
        arrivals: Arrivals,
        /// The most calls.
        limit: Option<u64>,
        /// The rates in words.
        words: String,
    },
    /// Calls start when others end.
    Closed {
        /// Calls in progress.
        concurrency: usize,
        /// How long.
        seconds: f64,
        /// The most calls.
        limit: Option<u64>,
    },
}

/// How long calls are started if nothing else is said (seconds).
const SECONDS: f64 = 10.0;

/// Calls per second if nothing else is said.
const RATE: f64 = 10.0;

/// The longest run (seconds): what a schedule is computed for.
const SECONDS_MAX: f64 = 86_400.0;

impl LoadPlan {
    /// The load that is asked for.
    ///
    /// # Errors
    ///
    /// If a rate or a number is impossible.
    pub(super) fn new(options: &LoadOptions) -> Result<Self, RunError> {
        if options.duration_seconds.is_some_and(|seconds| seconds > SECONDS_MAX) {
            return Err(RunError::Options("--duration: no more than a day (86400)".to_owned()));
        }
        if let Some(concurrency) = options.concurrency {
            return Self::closed(concurrency, options);
        }
        let wrong = |error: RateError| RunError::Options(error.to_string());
        let (plan, words) = if let Some(ramp) = &options.ramp {
            let words = format!("{ramp} calls/s, {} s each", options.step_seconds);
            (RatePlan::ramp(ramp, options.step_seconds).map_err(wrong)?, words)
        } else if let Some(steps) = &options.steps {
            (RatePlan::table(steps).map_err(wrong)?, format!("{steps} (calls/s:s)"))
        } else {
            let rate = options.rate.unwrap_or(RATE);
            return Self::open(rate, options).map_err(wrong);
        };
        let (arrivals, limit) = (options.arrivals, options.calls);
        Ok(Self::Open { plan, arrivals, limit, words })
    }

    /// A constant rate.
    ///
    /// # Errors
    ///
    /// If the rate is impossible.
    pub(super) fn open(rate: f64, options: &LoadOptions) -> Result<Self, RateError> {
        let until_made = || options.calls.map(|calls| (calls as f64 / rate).min(SECONDS_MAX));
        let given = options.duration_seconds.or_else(until_made);
        let seconds = given.filter(|seconds| *seconds > 0.0).unwrap_or(SECONDS);
        let plan = RatePlan::constant(rate, seconds)?;
        let words = format!("{} calls/s", show::rate(rate));
        Ok(Self::Open { plan, arrivals: options.arrivals, limit: options.calls, words })
    }

    /// So many calls in progress.
    fn closed(concurrency: usize, options: &LoadOptions) -> Result<Self, RunError> {
        const MAX: usize = 10_000_000;
        if !(1..=MAX).contains(&concurrency) {
            return Err(RunError::Options(format!(
                "--concurrency {concurrency}: from 1 to {MAX} calls can be in progress"
            )));
        }
        let limit = options.calls;
        let otherwise = if limit.is_some() { SECONDS_MAX } else { SECONDS };
        let seconds = options.duration_seconds.unwrap_or(otherwise);
        Ok(Self::Closed { concurrency, seconds, limit })
    }

    /// The part of one of the workers that call.
    #[must_use]
    pub(super) fn part(&self, worker: (usize, usize), start: Moment, seed: u64) -> Load {
        match self {
            Self::Open { plan, arrivals, limit, .. } => {
                Load::Open(Schedule::new(plan, *arrivals, start, worker, *limit, seed))
            }
            Self::Closed { concurrency, seconds, limit } => {
                let until = start + Duration::from_secs_f64(*seconds);
                Load::Closed(Closed::new(*concurrency, worker, *limit, until))
            }
        }
    }

    /// From the first to the last intended start (seconds), if all goes as planned.
    #[must_use]
    pub(super) fn seconds(&self) -> f64 {
        match self {
            Self::Open { plan, limit, .. } => {
                let until_made = limit.and_then(|limit| plan.time_of(limit as f64));
                until_made.unwrap_or_else(|| plan.seconds())
            }
            Self::Closed { seconds, .. } => *seconds,
        }
    }

    /// Whether calls start when others end.
    #[must_use]
    pub(super) const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// In words.
    #[must_use]
    pub(super) fn words(&self) -> String {
        match self {
            Self::Open { arrivals, words, .. } => {
                let arrivals = match arrivals {
                    Arrivals::Uniform => "uniform",
                    Arrivals::Poisson => "Poisson",
                };
                format!("open loop, {words}, {arrivals}")
            }
            Self::Closed { concurrency, .. } => {
                format!("closed loop, {} calls in progress", show::number(*concurrency as u64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing asked for.
    fn options() -> LoadOptions {
        LoadOptions {
            rate: None,
            concurrency: None,
            ramp: None,
            steps: None,
            find_max: false,
            duration_seconds: None,
            step_seconds: 10.0,
            calls: None,
            arrivals: Arrivals::Uniform,
            p99_max: Duration::from_millis(100),
        }
    }

    #[test]
    fn a_number_of_calls_says_how_long() {
        let asked = LoadOptions { rate: Some(100.0), calls: Some(250), ..options() };
        let load = LoadPlan::new(&asked).unwrap();
        assert!((load.seconds() - 2.5).abs() < 1e-9);
        assert_eq!(load.words(), "open loop, 100 calls/s, uniform");
        let asked = LoadOptions { duration_seconds: Some(1.0), ..asked };
        assert!((LoadPlan::new(&asked).unwrap().seconds() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn impossible_loads_are_refused() {
        for asked in [
            LoadOptions { rate: Some(0.0), ..options() },
            LoadOptions { rate: Some(f64::NAN), calls: Some(3), ..options() },
            LoadOptions { concurrency: Some(0), ..options() },
            LoadOptions { ramp: Some("100:50:10".to_owned()), ..options() },
            LoadOptions { steps: Some("x".to_owned()), ..options() },
            LoadOptions { duration_seconds: Some(1e6), ..options() },
        ] {
            assert_eq!(LoadPlan::new(&asked).unwrap_err().exit_code(), 2, "{asked:?}");
        }
    }
}
