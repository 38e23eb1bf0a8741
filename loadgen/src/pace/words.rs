//! Numbers for people.

use std::time::Duration;

/// A whole number with its digits in groups: `12,340`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate: `12,340 calls/s`, `1.25 calls/s`.
pub(super) fn rate(rate: f64) -> String {
    let number = if rate < 100.0 { decimals(rate, 2) } else { grouped(rate.round() as u64) };
    format!("{number} calls/s")
}

/// A share of 0 to 1: `0.012 %`.
pub(super) fn percent(share: f64) -> String {
    let text = decimals(share * 100.0, 3);
    if share > 0.0 && text == "0" { "less than 0.001 %".to_owned() } else { format!("{text} %") }
}

/// The share that `part` is of `whole`: `0.012 %`.
pub(super) fn percent_of(part: u64, whole: u64) -> String {
    percent(part as f64 / whole.max(1) as f64)
}

/// A time span: `23 ms`, `0.81 ms`.
pub(super) fn millis(span: Duration) -> String {
    format!("{} ms", decimals(span.as_secs_f64() * 1e3, 2))
}

/// A count with its noun: `1 second`, `3 seconds`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// At most so many decimals; zeros at the end are left out.
fn decimals(number: f64, most: usize) -> String {
    let text = format!("{number:.most$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_have_no_zeros_at_the_end() {
        let groups = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(groups, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!([0.5, 99.0, 100.4, 12_340.0].map(rate).join(" "), {
            "0.5 calls/s 99 calls/s 100 calls/s 12,340 calls/s"
        });
        assert_eq!([0.0, 1e-9, 0.0001, 0.97].map(percent).join(" "), {
            "0 % less than 0.001 % 0.01 % 97 %"
        });
        assert_eq!(percent_of(0, 0), "0 %");
        let spans = [23_000, 810, 10_040].map(|micros| millis(Duration::from_micros(micros)));
        assert_eq!(spans.join(" "), "23 ms 0.81 ms 10.04 ms");
        assert_eq!([0, 1, 2_000].map(|count| counted(count, "call")).join(" "), {
            "0 calls 1 call 2,000 calls"
        });
    }
}
