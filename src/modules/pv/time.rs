//! Time, chance and the process.

use crate::script::{Execution, Index, Key, Value};

/// `$Ts`.
pub(super) fn seconds<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(i64::try_from(execution.host.now().wall_seconds).unwrap_or(i64::MAX))
}

/// `$Tf`.
pub(super) fn text<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    let seconds = execution.host.now().wall_seconds;
    let (year, month, day) = civil_date(seconds / 86_400);
    let of_day = seconds % 86_400;
    let text = format!(
        "{} {} {day:2} {:02}:{:02}:{:02} {year}",
        DAYS[((seconds / 86_400 + 4) % 7) as usize],
        MONTHS[(month - 1) as usize],
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60,
    );
    Value::Text(execution.build(&[text.as_bytes()]))
}

/// `$RANDOM`.
pub(super) fn random<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(i64::try_from(execution.random() >> 33).unwrap_or(0))
}

/// `$pp`.
pub(super) fn process<'m>(_: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(std::process::id().into())
}

/// Days of the week; 1970 began on a Thursday.
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Months of the year.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar. Years are
/// counted from March, so that the day that a leap year adds is the last one.
const fn civil_date(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year + (month <= 2) as u64;
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (14_926, (2010, 11, 13)),
            (20_000, (2024, 10, 4)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil_date(day), date, "{day}");
        }
    }
}
