//! When calls are intended to start.
//!
//! *Open loop*: a [`RatePlan`] says how many calls the run offers by when, a [`Schedule`] deals
//! them out to workers, call by call. *Closed loop*: [`Closed`] keeps a number of calls in
//! flight. A worker asks its [`Load`], which is one of both.

mod closed;
mod load;
mod plan;
mod rate_error;
mod schedule;

pub use closed::Closed;
pub use load::Load;
pub use plan::RatePlan;
pub(crate) use rate_error::check_rate;
pub use rate_error::{RateError, RateFault};
pub use schedule::{Arrivals, Schedule};

/// The part of `total` that this worker of so many gets; the first get the remainder.
const fn share(total: u64, (worker, workers): (usize, usize)) -> u64 {
    let (worker, workers) = (worker as u64, workers as u64);
    let remainder = if worker < total % workers { 1 } else { 0 };
    total / workers + remainder
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_add_up_and_differ_by_one_at_most() {
        for (total, workers) in [(0, 1), (1, 4), (10, 3), (100, 7), (7, 7)] {
            let shares: Vec<u64> =
                (0..workers).map(|worker| share(total, (worker, workers))).collect();
            assert_eq!(shares.iter().sum::<u64>(), total);
            assert!(shares[0] - shares[workers - 1] <= 1, "{shares:?}");
        }
    }
}
