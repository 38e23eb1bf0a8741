//! How many calls a run offers by when.

use super::rate_error::{RateError, RateFault, check_rate};

/// The rates of a run over time: pieces in each of which the rate is constant or changes linearly.
#[derive(Clone, Debug, PartialEq)]
pub struct RatePlan {
    pieces: Vec<Piece>,
    seconds: f64,
    calls: f64,
}

/// A part of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    /// Its begin since that of the plan (seconds).
    start: f64,
    /// Calls offered before it.
    before: f64,
    /// Its length and rates.
    slope: Slope,
}

/// A rate that changes linearly.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slope {
    seconds: f64,
    from: f64,
    to: f64,
}

/// The longest plan: 31 days.
const SECONDS_MAX: f64 = 31.0 * 86_400.0;

/// The most pieces of a plan: 4 MB, and a lookup of 17 steps.
const PIECES_MAX: usize = 100_000;

/// How far a sum of calls may be from a whole number to be taken for it: more than the error of
/// `f64` in the calls of a day, far less than a call.
const CALL_ERROR: f64 = 1e-4;

impl RatePlan {
    /// The same rate (calls per second) all the time.
    ///
    /// # Errors
    ///
    /// An impossible rate or duration.
    pub fn constant(rate: f64, seconds: f64) -> Result<Self, RateError> {
        let plan = Self::new([Ok(Slope { seconds, from: rate, to: rate })]);
        plan.map_err(|fault| RateError { given: format!("--rate {rate}"), fault })
    }

    /// A staircase `FROM:TO:STEP`: FROM, FROM + STEP and so on, TO at last, each for
    /// `seconds_per_step`. A staircase down has a negative step.
    ///
    /// # Errors
    ///
    /// What is no such text, or has impossible rates or durations.
    pub fn ramp(text: &str, seconds_per_step: f64) -> Result<Self, RateError> {
        let plan = stairs(text).and_then(|rates| {
            Self::new(rates.map(|rate| {
                let rate = check_rate(rate)?;
                Ok(Slope { seconds: seconds_per_step, from: rate, to: rate })
            }))
        });
        plan.map_err(|fault| RateError { given: format!("--ramp {text}"), fault })
    }

    /// A table `RATE:SECONDS,RATE:SECONDS,…`; `FROM-TO:SECONDS` is a rate that changes linearly.
    ///
    /// # Errors
    ///
    /// What is no such text, or has impossible rates or durations.
    pub fn table(text: &str) -> Result<Self, RateError> {
        let plan = Self::new(text.split(',').map(parse_slope));
        plan.map_err(|fault| RateError { given: format!("--steps {text}"), fault })
    }

    /// Its length.
    #[must_use]
    pub const fn seconds(&self) -> f64 {
        self.seconds
    }

    /// When a call is intended (seconds since the begin): when the integral of the rate
    /// reaches its number. Call 0 is at the begin; calls beyond the end have no time.
    #[must_use]
    pub fn time_of(&self, call_number: f64) -> Option<f64> {
        if call_number >= self.calls {
            return None;
        }
        let behind = self.pieces.partition_point(|piece| piece.before <= call_number);
        let piece = self.pieces.get(behind.checked_sub(1)?)?;
        Some(piece.start + piece.slope.time_of(call_number - piece.before))
    }

    /// A plan of these slopes.
    fn new(slopes: impl IntoIterator<Item = Result<Slope, RateFault>>) -> Result<Self, RateFault> {
        let mut plan = Self { pieces: Vec::new(), seconds: 0.0, calls: 0.0 };
        for slope in slopes {
            plan.push(slope?)?;
        }
        let whole = plan.calls.round();
        if (plan.calls - whole).abs() < CALL_ERROR && whole > 0.0 {
            plan.calls = whole;
        }
        Ok(plan)
    }

    /// Appends a piece.
    fn push(&mut self, slope: Slope) -> Result<(), RateFault> {
        check_rate(slope.from)?;
        check_rate(slope.to)?;
        check_seconds(slope.seconds)?;
        if self.pieces.len() == PIECES_MAX {
            return Err(RateFault::TooManySteps(self.pieces.len() as f64 + 1.0));
        }
        self.pieces.push(Piece { start: self.seconds, before: self.calls, slope });
        self.calls += slope.offered_by(slope.seconds);
        self.seconds += slope.seconds;
        check_seconds(self.seconds)
    }
}

impl Slope {
    /// Calls offered in the first `seconds`.
    fn offered_by(&self, seconds: f64) -> f64 {
        let growth = (self.to - self.from) / self.seconds;
        (self.from + growth * seconds / 2.0) * seconds
    }

    /// When so many calls have been offered.
    fn time_of(&self, calls: f64) -> f64 {
        let growth = (self.to - self.from) / self.seconds;
        // The root of `offered_by(t) = calls` in the form that does not subtract like numbers.
        // A rounding error at the end of a steep fall could make the root's argument negative.
        let rate = (self.from * self.from + 2.0 * growth * calls).max(0.0).sqrt();
        (2.0 * calls / (self.from + rate)).min(self.seconds)
    }
}

/// Refuses a duration that is impossible.
fn check_seconds(seconds: f64) -> Result<(), RateFault> {
    let possible = seconds > 0.0 && seconds <= SECONDS_MAX;
    if possible { Ok(()) } else { Err(RateFault::Duration(seconds)) }
}

/// The rates of a staircase `FROM:TO:STEP`.
fn stairs(text: &str) -> Result<impl Iterator<Item = f64>, RateFault> {
    let parts: Vec<&str> = text.split(':').collect();
    let [from, to, step] = parts[..] else {
        return Err(RateFault::Form { text: text.to_owned(), form: "FROM:TO:STEP" });
    };
    let (from, to) = (check_rate(number(from)?)?, check_rate(number(to)?)?);
    let step = number(step)?;
    if !step.is_finite() || (step == 0.0 && from != to) {
        return Err(RateFault::Step(step));
    }
    if from > to && step > 0.0 {
        return Err(RateFault::StepsUp);
    }
    if from < to && step < 0.0 {
        return Err(RateFault::StepsDown);
    }
    // A last step that is shorter than the others leads to the last rate too, one that rounding
    // alone has left over is none.
    let steps = if from == to { 0.0 } else { ((to - from) / step - 1e-9).ceil() };
    if steps >= PIECES_MAX as f64 {
        return Err(RateFault::TooManySteps(steps + 1.0));
    }
    let steps = steps as usize;
    Ok((0..=steps).map(move |n| if n == steps { to } else { from + n as f64 * step }))
}

/// Parses `RATE:SECONDS` or `FROM-TO:SECONDS`.
fn parse_slope(text: &str) -> Result<Slope, RateFault> {
    let form = "RATE:SECONDS or FROM-TO:SECONDS";
    let Some((rates, seconds)) = text.split_once(':') else {
        return Err(RateFault::Form { text: text.to_owned(), form });
    };
    // A sign in front is that of a number, which is then refused as such.
    let dash = rates.char_indices().skip(1).find(|(_, char)| *char == '-');
    let (from, to) = match dash {
        Some((index, _)) => (number(&rates[..index])?, number(&rates[index + 1..])?),
        None => (number(rates)?, number(rates)?),
    };
    Ok(Slope { seconds: number(seconds)?, from, to })
}

/// Parses a number.
fn number(text: &str) -> Result<f64, RateFault> {
    text.trim().parse().map_err(|_| RateFault::Number(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl RatePlan {
        /// Calls offered in total; the integral of the rate, so not always a whole number.
        pub(crate) const fn calls(&self) -> f64 {
            self.calls
        }

        /// Calls offered in the first `seconds`.
        fn offered_by(&self, seconds: f64) -> f64 {
            if seconds >= self.seconds {
                return self.calls;
            }
            let behind = self.pieces.partition_point(|piece| piece.start <= seconds);
            let piece = behind.checked_sub(1).and_then(|index| self.pieces.get(index));
            piece.map_or(0.0, |piece| piece.before + piece.slope.offered_by(seconds - piece.start))
        }
    }

    /// Plans of all shapes.
    fn plans() -> Vec<RatePlan> {
        vec![
            RatePlan::constant(1_000.0, 60.0).unwrap(),
            RatePlan::constant(0.3, 86_400.0).unwrap(),
            RatePlan::ramp("100:1000:100", 5.0).unwrap(),
            RatePlan::ramp("90:10:-7", 2.5).unwrap(),
            RatePlan::table("100:10,100-5000:30,5000-1:20,7:3").unwrap(),
            RatePlan::table("0.001-1000000:3600").unwrap(),
        ]
    }

    #[test]
    fn offered_by_and_time_of_are_inverse() {
        for plan in plans() {
            for part in 0..1_000 {
                let seconds = plan.seconds() * f64::from(part) / 1_000.0;
                let calls = plan.offered_by(seconds);
                let found = plan.time_of(calls).unwrap();
                assert!((found - seconds).abs() < 1e-7, "{plan:?}: {seconds} {found}");
                let again = plan.offered_by(found);
                assert!((again - calls).abs() < 1e-6 * plan.calls().max(1.0), "{plan:?}");
            }
        }
    }

    #[test]
    fn times_rise_with_the_calls() {
        for plan in plans() {
            let times = (0..10_000).map(|part| plan.calls() * f64::from(part) / 10_000.0);
            let times: Vec<f64> = times.map(|call| plan.time_of(call).unwrap()).collect();
            assert!(times.is_sorted());
            assert!(times[0] == 0.0 && times[9_999] < plan.seconds());
        }
    }

    #[test]
    fn calls_before_the_begin_and_beyond_the_end_have_no_time() {
        for plan in plans() {
            assert_eq!(plan.time_of(plan.calls()), None);
            assert_eq!(plan.time_of(-1.0), None);
            assert_eq!(plan.time_of(f64::NAN), None);
            assert_eq!(plan.offered_by(-1.0), 0.0);
            assert_eq!(plan.offered_by(plan.seconds() + 1.0), plan.calls());
        }
    }

    #[test]
    fn each_step_of_a_staircase_offers_its_rate() {
        let plan = RatePlan::ramp("100:500:100", 10.0).unwrap();
        assert_eq!((plan.seconds(), plan.calls()), (50.0, 15_000.0));
        for step in 0..5 {
            let begin = f64::from(step) * 10.0;
            let offered = plan.offered_by(begin + 10.0) - plan.offered_by(begin);
            assert_eq!(offered, f64::from(step + 1) * 1_000.0);
        }
        assert_eq!(plan.time_of(1_000.0), Some(10.0));
    }

    #[test]
    fn a_staircase_ends_at_its_last_rate() {
        let rates = |text: &str| -> Vec<f64> {
            RatePlan::ramp(text, 1.0).unwrap().pieces.iter().map(|piece| piece.slope.to).collect()
        };
        assert_eq!(rates("100:250:100"), [100.0, 200.0, 250.0]);
        assert_eq!(rates("100:50:-20"), [100.0, 80.0, 60.0, 50.0]);
        assert_eq!(rates("0.1:0.3:0.1"), [0.1, 0.2, 0.3]);
        assert_eq!(rates("70:70:0"), [70.0]);
        assert_eq!(rates("70:80:1000"), [70.0, 80.0]);
    }

    #[test]
    fn a_table_has_constant_and_linear_pieces() {
        let plan = RatePlan::table("100:10, 100-300:10,50:2").unwrap();
        assert_eq!((plan.seconds(), plan.calls()), (22.0, 3_100.0));
        assert_eq!(plan.offered_by(15.0), 1_000.0 + 750.0);
        assert_eq!(plan.time_of(3_000.0), Some(20.0));
    }

    #[test]
    fn whole_numbers_of_calls_are_exact() {
        assert_eq!(RatePlan::constant(1.1, 10.0).unwrap().calls(), 11.0);
        assert_eq!(RatePlan::constant(0.1, 86_400.0).unwrap().calls(), 8_640.0);
        assert_eq!(RatePlan::ramp("0.1:1:0.1", 1_000.0).unwrap().calls(), 5_500.0);
    }

    #[test]
    fn impossible_plans_are_refused_with_the_reason() {
        let ramp = |text: &str| RatePlan::ramp(text, 1.0);
        let cases = [
            (
                ramp("100:50:10"),
                "--ramp 100:50:10: the first rate is above the last, and the step goes up",
            ),
            (
                ramp("50:100:-10"),
                "--ramp 50:100:-10: the first rate is below the last, and the step goes down",
            ),
            (
                ramp("1:9:0"),
                "--ramp 1:9:0: the step of 0 never leads from the first rate to the last",
            ),
            (
                ramp("1:9:inf"),
                "--ramp 1:9:inf: the step of inf never leads from the first rate to the last",
            ),
            (ramp("1:9"), "--ramp 1:9: \"1:9\" is not of the form FROM:TO:STEP"),
            (ramp("1:x:1"), "--ramp 1:x:1: \"x\" is not a number"),
            (ramp("0:9:1"), "--ramp 0:9:1: a rate of 0 calls/s is not above 0"),
            (
                ramp("1:9:0.00001"),
                "--ramp 1:9:0.00001: it has 800001 steps, the maximum is 100,000",
            ),
            (
                RatePlan::table("5:1,7"),
                "--steps 5:1,7: \"7\" is not of the form RATE:SECONDS or FROM-TO:SECONDS",
            ),
            (RatePlan::table("-5:1"), "--steps -5:1: a rate of -5 calls/s is not above 0"),
            (RatePlan::table("5-:1"), "--steps 5-:1: \"\" is not a number"),
            (RatePlan::table("ü-5:1"), "--steps ü-5:1: \"ü\" is not a number"),
            (
                RatePlan::table("5:0"),
                "--steps 5:0: a duration of 0 s is impossible; it is above 0 and at most \
                 2,678,400 s (31 days)",
            ),
            (
                RatePlan::constant(f64::NAN, 1.0),
                "--rate NaN: a rate of NaN calls/s is not a finite number",
            ),
        ];
        for (plan, expected) in cases {
            assert_eq!(plan.unwrap_err().to_string(), expected);
        }
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            let fault = RatePlan::constant(1.0, seconds).unwrap_err().fault;
            assert!(matches!(fault, RateFault::Duration(_)), "{seconds}");
        }
    }
}
