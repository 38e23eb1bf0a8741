//! `--find-max`: the highest rate that a server carries.

use std::time::Duration;

use crate::pace::{RateError, RateFault, check_rate};
use crate::report::SearchStep;
use crate::show::{self, counted, millis, percent};

/// What a server must keep to carry a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    /// Failed calls of all (0 to 1).
    pub(super) loss_max: f64,
    /// p99 of the main mark.
    pub(super) p99_max: Duration,
}

/// How a rate that was tried went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trial {
    /// The rate that was to be tried, as [`Search::next`] gave it (calls per second).
    pub(super) rate: f64,
    /// Failed calls of all (0 to 1).
    pub(super) loss: f64,
    /// p99 of the main mark.
    pub(super) p99: Duration,
    /// Whether the generator kept its schedule.
    pub(super) valid: bool,
    /// The rate that the generator reached (calls per second).
    pub(super) achieved: f64,
}

/// How often a rate is to pass again, unless another number is given.
pub(super) const CONFIRMATIONS: usize = 3;

/// The most trials of a search.
const TRIALS_MAX: usize = 40;

/// Bisection ends when the lowest rate that failed is within this factor of the highest that
/// passed: 2 %.
const PRECISION: f64 = 1.02;

/// The search for the highest rate: doubles the rate until one fails, halves the gap until it is
/// within 2 %, and repeats the highest that passed. If it fails then, it counts as too high, and
/// the search goes on below.
#[derive(Clone, Debug)]
pub(super) struct Search {
    low: f64,
    high: f64,
    bounds: Bounds,
    confirmations: usize,
    /// Rates that passed and did not fail since, in rising order.
    passed: Vec<f64>,
    /// The lowest rate that failed, and why.
    failed: Option<(f64, Failing)>,
    /// How often the highest rate of `passed` passed again.
    confirmed: usize,
    steps: Vec<SearchStep>,
}

/// Why a trial did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failing {
    /// The generator did not keep its schedule.
    Generator,
    /// Too many calls failed.
    Loss,
    /// Calls took too long.
    Latency,
}

impl Search {
    /// A search between two rates (calls per second). The result has to pass once, and then
    /// `confirmations` times again.
    ///
    /// # Errors
    ///
    /// Impossible rates.
    pub(super) fn new(
        low: f64,
        high: f64,
        bounds: Bounds,
        confirmations: usize,
    ) -> Result<Self, RateError> {
        let crossed = || if low > high { Err(RateFault::Crossed) } else { Ok(()) };
        let checked = check_rate(low).and_then(|_| check_rate(high)).and_then(|_| crossed());
        let given = || format!("--find-max from {low} to {high}");
        checked.map_err(|fault| RateError { given: given(), fault })?;
        Ok(Self {
            low,
            high,
            bounds,
            confirmations,
            passed: Vec::new(),
            failed: None,
            confirmed: 0,
            steps: Vec::new(),
        })
    }

    /// The rate to try next; none when the search has ended.
    #[must_use]
    pub(super) fn next(&self) -> Option<f64> {
        if self.steps.len() >= TRIALS_MAX {
            return None;
        }
        match (self.passed.last(), self.failed) {
            (None, None) => Some(self.low),
            (None, Some(_)) => None,
            (Some(passed), None) if *passed < self.high => Some((passed * 2.0).min(self.high)),
            (Some(passed), Some((failed, _))) if failed / passed > PRECISION => {
                Some(rounded(f64::midpoint(*passed, failed)))
            }
            (Some(passed), _) => (self.confirmed < self.confirmations).then_some(*passed),
        }
    }

    /// Notes how the rate of [`Search::next`] went.
    pub(super) fn tried(&mut self, trial: Trial) {
        let failing = self.failing(&trial);
        self.steps.push(SearchStep {
            rate: trial.rate,
            passed: failing.is_none(),
            loss: trial.loss,
            p99_us: u64::try_from(trial.p99.as_micros()).unwrap_or(u64::MAX),
            valid: trial.valid,
            note: self.note(&trial, failing),
        });
        let repeats = self.repeats(trial.rate);
        match failing {
            Some(failing) => {
                if repeats {
                    self.passed.pop();
                }
                self.failed = Some((trial.rate, failing));
                self.confirmed = 0;
            }
            None if repeats => self.confirmed += 1,
            None => {
                self.passed.push(trial.rate);
                self.confirmed = 0;
            }
        }
    }

    /// All trials in order.
    #[must_use]
    pub(super) fn steps(&self) -> &[SearchStep] {
        &self.steps
    }

    /// The highest rate that was confirmed; none while the search goes on, and if there is none.
    #[must_use]
    pub(super) fn result(&self) -> Option<f64> {
        if self.next().is_some() || self.confirmed < self.confirmations {
            return None;
        }
        self.passed.last().copied()
    }

    /// What came out, as a sentence.
    #[must_use]
    pub(super) fn sentence(&self) -> String {
        let bounds = format!(
            "loss up to {} and p99 up to {}",
            percent(self.bounds.loss_max),
            millis(self.bounds.p99_max)
        );
        let Some(result) = self.result() else {
            return self.sentence_without_result(&bounds);
        };
        let carried = format!(
            "{} with {bounds}, confirmed {}; ",
            in_words(result),
            counted(self.confirmations as u64, "time")
        );
        carried
            + &match self.failed {
                None => "nothing higher was tried".to_owned(),
                Some((rate, Failing::Generator)) => format!(
                    "at {} the generator was the limit: the server may carry more",
                    in_words(rate)
                ),
                Some((rate, Failing::Loss)) => {
                    format!("at {} too many calls failed", in_words(rate))
                }
                Some((rate, Failing::Latency)) => {
                    format!("at {} calls took too long", in_words(rate))
                }
            }
    }

    /// What came out if no rate was confirmed.
    fn sentence_without_result(&self, bounds: &str) -> String {
        let trials = counted(self.steps.len() as u64, "trial");
        if self.next().is_some() {
            return format!("the search was ended after {trials}, without a result");
        }
        match (self.passed.last(), self.failed) {
            (Some(passed), _) => format!(
                "no rate passed {} in a row within {trials}; {} passed last, with {bounds}",
                counted(self.confirmations as u64 + 1, "time"),
                in_words(*passed)
            ),
            (None, Some((rate, Failing::Generator))) => format!(
                "the generator is the limit: it did not keep up with {}, so nothing is known of \
                 the server",
                in_words(rate)
            ),
            (None, _) => {
                format!("not even {} went with {bounds}: begin lower", in_words(self.low))
            }
        }
    }

    /// Whether this rate is tried again.
    fn repeats(&self, rate: f64) -> bool {
        self.passed.last().is_some_and(|passed| *passed >= rate)
    }

    /// Why a trial does not pass; none if it does.
    fn failing(&self, trial: &Trial) -> Option<Failing> {
        let keeps_loss = trial.loss <= self.bounds.loss_max;
        if !trial.valid {
            Some(Failing::Generator)
        } else if !keeps_loss {
            Some(Failing::Loss)
        } else if trial.p99 > self.bounds.p99_max {
            Some(Failing::Latency)
        } else {
            None
        }
    }

    /// A trial in words.
    fn note(&self, trial: &Trial, failing: Option<Failing>) -> String {
        match failing {
            Some(Failing::Generator) => format!(
                "the generator is the limit: it reached {} of {}",
                in_words(trial.achieved),
                in_words(trial.rate)
            ),
            Some(Failing::Loss) => {
                format!("loss {}, bound {}", percent(trial.loss), percent(self.bounds.loss_max))
            }
            Some(Failing::Latency) => {
                format!("p99 {}, bound {}", millis(trial.p99), millis(self.bounds.p99_max))
            }
            None if self.repeats(trial.rate) => format!(
                "carried again, confirmation {} of {}",
                self.confirmed + 1,
                self.confirmations
            ),
            None => "carried".to_owned(),
        }
    }
}

/// A rate in a sentence.
fn in_words(rate: f64) -> String {
    format!("{} calls/s", show::rate(rate))
}

/// A rate with four digits, for people; far finer than the search.
fn rounded(rate: f64) -> f64 {
    let unit = 10_f64.powi(rate.log10().floor() as i32 - 3);
    (rate / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    const BOUNDS: Bounds = Bounds { loss_max: 0.0001, p99_max: Duration::from_millis(50) };

    /// A trial of `rate` with a server that carries `knee` without effort and no call more.
    fn serve(rate: f64, knee: f64) -> Trial {
        let loss = (1.0 - knee / rate).max(0.0);
        Trial { rate, loss, p99: Duration::from_millis(5), valid: true, achieved: rate }
    }

    /// Runs a search to its end.
    fn run(low: f64, high: f64, mut server: impl FnMut(f64) -> Trial) -> Search {
        let mut search = Search::new(low, high, BOUNDS, CONFIRMATIONS).unwrap();
        while let Some(rate) = search.next() {
            assert!((low..=high).contains(&rate), "{rate}");
            search.tried(server(rate));
        }
        assert!(search.steps().len() <= TRIALS_MAX);
        search
    }

    #[test]
    fn a_knee_is_found_within_two_percent_and_confirmed() {
        for knee in [10.0, 10.4, 777.0, 12_345.0, 64_000.0, 999_999.0] {
            let search = run(10.0, 1e6, |rate| serve(rate, knee));
            let result = search.result().unwrap();
            assert!(result <= knee * 1.0002 && result * 1.0205 >= knee, "{knee}: {result}");
            let passes = search.steps().iter().filter(|step| step.passed && step.rate == result);
            assert_eq!(passes.count(), 4);
        }
    }

    #[test]
    fn a_noisy_knee_is_found_in_bounded_trials() {
        for seed in 0..300 {
            let mut rng = Rng::with_seed(seed);
            let knee = 500.0 * 200_f64.powf(rng.f64());
            // Each trial has a knee of its own, up to 1 % off.
            let search = run(100.0, 1e6, |rate| serve(rate, knee * (0.99 + 0.02 * rng.f64())));
            let result = search.result().unwrap();
            let error = result / knee;
            assert!((0.96..=1.0101).contains(&error), "seed {seed}: {result} of {knee}");
        }
    }

    #[test]
    fn calls_that_take_too_long_fail_a_rate() {
        let search = run(100.0, 1e5, |rate| {
            let p99 = Duration::from_millis(if rate > 3_000.0 { 51 } else { 50 });
            Trial { p99, ..serve(rate, 1e9) }
        });
        let result = search.result().unwrap();
        assert!((2_940.0..=3_000.0).contains(&result), "{result}");
        assert!(search.sentence().ends_with("calls took too long"), "{}", search.sentence());
    }

    #[test]
    fn a_generator_that_cannot_keep_up_is_named_as_the_limit() {
        let limited = |rate: f64| Trial {
            valid: rate <= 4_000.0,
            achieved: rate.min(4_000.0),
            ..serve(rate, 1e9)
        };
        let search = run(1_000.0, 1e6, limited);
        let result = search.result().unwrap();
        assert!((3_920.0..=4_000.0).contains(&result), "{result}");
        assert!(search.sentence().ends_with("the server may carry more"));
        let step = search.steps().iter().find(|step| !step.valid).unwrap();
        assert!(!step.passed);
        let note = "the generator is the limit: it reached 4,000 calls/s of 8,000 calls/s";
        assert_eq!(step.note, note);
        let search = run(5_000.0, 1e6, limited);
        assert_eq!(search.result(), None);
        assert!(search.sentence().starts_with("the generator is the limit"));
    }

    #[test]
    fn a_failed_confirmation_lowers_the_bound_and_the_search_goes_on() {
        let mut trials = 0;
        // Carries 1,000 for a while, then only 700.
        let search = run(100.0, 1e5, |rate| {
            trials += 1;
            serve(rate, if trials <= 11 { 1_000.0 } else { 700.0 })
        });
        let repeated_and_failed = search.steps().iter().any(|step| {
            let passes = |other: &&SearchStep| other.rate == step.rate && other.passed;
            !step.passed && search.steps().iter().any(|other| passes(&other))
        });
        assert!(repeated_and_failed);
        let result = search.result().unwrap();
        assert!((686.0..=700.1).contains(&result), "{result}");
    }

    #[test]
    fn a_server_that_carries_the_highest_rate_is_not_driven_beyond() {
        let search = run(100.0, 500.0, |rate| serve(rate, 1e9));
        let rates: Vec<f64> = search.steps().iter().map(|step| step.rate).collect();
        assert_eq!(rates, [100.0, 200.0, 400.0, 500.0, 500.0, 500.0, 500.0]);
        assert_eq!(search.result(), Some(500.0));
        assert_eq!(
            search.sentence(),
            "500 calls/s with loss up to 0.01 % and p99 up to 50 ms, confirmed 3 times; nothing \
             higher was tried"
        );
        assert_eq!(search.steps()[4].note, "carried again, confirmation 1 of 3");
    }

    #[test]
    fn a_lowest_rate_that_fails_ends_the_search() {
        let search = run(100.0, 1e6, |rate| serve(rate, 50.0));
        assert_eq!((search.result(), search.steps().len()), (None, 1));
        assert_eq!(search.steps()[0].note, "loss 50 %, bound 0.01 %");
        assert!(search.sentence().starts_with("not even 100 calls/s went with"));
    }

    #[test]
    fn a_server_that_is_never_confirmed_does_not_keep_the_search_going() {
        let mut tried = Vec::new();
        // Each rate passes three times, and not the fourth.
        let search = run(1.0, 1e7, |rate| {
            tried.push(rate);
            let times = tried.iter().filter(|other| **other == rate).count();
            serve(rate, if times > 3 { 0.5 } else { 1e9 })
        });
        assert_eq!((search.steps().len(), search.result()), (TRIALS_MAX, None));
        let expected = "no rate passed 4 times in a row within 40 trials; ";
        assert!(search.sentence().starts_with(expected), "{}", search.sentence());
    }

    #[test]
    fn there_is_no_result_before_the_end() {
        let mut search = Search::new(10.0, 1e6, BOUNDS, 3).unwrap();
        search.tried(serve(10.0, 1e9));
        assert_eq!(search.result(), None);
        assert_eq!(search.sentence(), "the search was ended after 1 trial, without a result");
    }

    #[test]
    fn a_search_without_room_is_refused() {
        let refused = |low, high| Search::new(low, high, BOUNDS, 3).unwrap_err().to_string();
        assert_eq!(
            refused(100.0, 50.0),
            "--find-max from 100 to 50: the lowest rate is above the highest"
        );
        assert!(refused(0.0, 50.0).ends_with("a rate of 0 calls/s is not above 0"));
        assert!(refused(1.0, f64::INFINITY).ends_with("is not a finite number"));
    }
}
