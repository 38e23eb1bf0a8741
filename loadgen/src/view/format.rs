//! Numbers and times as people read them.

use std::time::Duration;

/// A number with separators: `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// So many per second: `1,000`; below ten with a decimal, unless it is whole: `2.5`.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded for people")]
pub fn rate(per_second: f64) -> String {
    let tenths = (per_second * 10.0).round();
    if tenths < 100.0 && tenths % 10.0 != 0.0 {
        format!("{:.1}", tenths / 10.0)
    } else {
        count(per_second.round() as u64)
    }
}

/// Microseconds with three digits and the unit: `950 µs`, `1.25 ms`, `12.5 ms`, `1.25 s`.
#[must_use]
pub fn micros(micros: u64) -> String {
    let (number, unit) = scaled(micros);
    format!("{number} {unit}")
}

/// [`micros`] without the space, for lines that are cut into columns at spaces: `1.25ms`.
#[must_use]
pub fn micros_tight(micros: u64) -> String {
    let (number, unit) = scaled(micros);
    format!("{number}{unit}")
}

/// The time of a clock that counts up or down: `0:05`, `12:34`, `1:02:03`.
#[must_use]
pub fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{:02}", seconds % 60)
    } else {
        format!("{minutes}:{:02}", seconds % 60)
    }
}

/// A share of one in percent: `42 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Microseconds in a unit that leaves one to three digits before the point.
fn scaled(micros: u64) -> (String, &'static str) {
    match micros {
        0..1_000 => (micros.to_string(), "µs"),
        1_000..999_500 => (three_digits(micros, 1_000), "ms"),
        _ => (three_digits(micros, 1_000_000), "s"),
    }
}

/// `number / unit` with three digits, or more if there are more before the point.
#[expect(clippy::cast_precision_loss, reason = "three digits are left of it")]
fn three_digits(number: u64, unit: u64) -> String {
    let value = number as f64 / unit as f64;
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let shown = [0, 999, 1_000, 12_345, 1_234_567].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn small_rates_have_a_decimal_and_large_ones_have_none() {
        let shown = [0.0, 0.25, 2.5, 3.0, 9.99, 12.4, 999.7].map(rate);
        assert_eq!(shown, ["0", "0.3", "2.5", "3", "10", "12", "1,000"]);
    }

    #[test]
    fn spans_have_three_digits_and_rounding_never_adds_a_fourth() {
        let shown = [1, 999, 1_000, 9_994, 9_995, 99_949, 99_950, 999_499, 999_500].map(micros);
        let expected = [
            "1 µs", "999 µs", "1.00 ms", "9.99 ms", "10.0 ms", "99.9 ms", "100 ms", "999 ms",
            "1.00 s",
        ];
        assert_eq!(shown, expected);
        assert_eq!([12_500_000, 120_000_000].map(micros_tight), ["12.5s", "120s"]);
    }

    #[test]
    fn clocks_show_hours_only_when_there_are_some() {
        let shown = [5, 754, 3_723].map(|seconds| clock(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0:05", "12:34", "1:02:03"]);
    }
}
