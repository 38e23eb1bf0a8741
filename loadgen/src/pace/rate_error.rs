//! What can be wrong with a rate, and with a plan of rates.

/// An option that asks for something impossible.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{given}: {fault}")]
pub struct RateError {
    /// The option as it was given: `--ramp 100:50:10`.
    pub given: String,
    /// What is wrong with it.
    pub fault: RateFault,
}

/// What is wrong with a rate, or with a plan of rates.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RateFault {
    /// It has other parts than it should have.
    #[error("\"{text}\" is not of the form {form}")]
    Form {
        /// The part that was looked at.
        text: String,
        /// What it should look like.
        form: &'static str,
    },
    /// A number was expected.
    #[error("\"{0}\" is not a number")]
    Number(String),
    /// No calls, or fewer.
    #[error("a rate of {0} calls/s is not above 0")]
    NotPositive(f64),
    /// NaN or infinite.
    #[error("a rate of {0} calls/s is not a finite number")]
    NotFinite(f64),
    /// More calls than any machine starts.
    #[error("a rate of {0} calls/s is above the maximum of 10,000,000")]
    TooHigh(f64),
    /// A duration that is no time, or too much of it.
    #[error("a duration of {0} s is impossible; it is above 0 and at most 2,678,400 s (31 days)")]
    Duration(f64),
    /// A staircase that does not move.
    #[error("the step of {0} never leads from the first rate to the last")]
    Step(f64),
    /// A staircase that moves away.
    #[error("the first rate is above the last, and the step goes up")]
    StepsUp,
    /// A staircase that moves away.
    #[error("the first rate is below the last, and the step goes down")]
    StepsDown,
    /// More pieces than a plan can have.
    #[error("it has {0} steps, the maximum is 100,000")]
    TooManySteps(f64),
    /// A search without room.
    #[error("the lowest rate is above the highest")]
    Crossed,
}

/// The highest rate (calls per second): a call each 100 ns, which no machine starts.
const RATE_MAX: f64 = 10_000_000.0;

/// Refuses a rate that is impossible.
pub(crate) fn check_rate(rate: f64) -> Result<f64, RateFault> {
    if !rate.is_finite() {
        return Err(RateFault::NotFinite(rate));
    }
    if rate <= 0.0 {
        return Err(RateFault::NotPositive(rate));
    }
    if rate > RATE_MAX { Err(RateFault::TooHigh(rate)) } else { Ok(rate) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_rates_are_refused_with_the_reason() {
        let cases = [
            (0.0, "a rate of 0 calls/s is not above 0"),
            (-5.0, "a rate of -5 calls/s is not above 0"),
            (f64::NAN, "a rate of NaN calls/s is not a finite number"),
            (f64::INFINITY, "a rate of inf calls/s is not a finite number"),
            (10_000_001.0, "a rate of 10000001 calls/s is above the maximum of 10,000,000"),
        ];
        for (rate, expected) in cases {
            assert_eq!(check_rate(rate).unwrap_err().to_string(), expected);
        }
        assert_eq!(check_rate(10_000_000.0), Ok(10_000_000.0));
        assert_eq!(check_rate(0.001), Ok(0.001));
    }
}
