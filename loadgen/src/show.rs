//! Numbers and time spans as people read them: one look for the live view, the table and all
//! sentences.

use std::time::Duration;

/// Columns of a terminal that texts stay within.
pub(crate) const WIDTH: usize = 80;

/// What stands where there is no number.
pub(crate) const NOTHING: &str = "-";

/// A number with thousands separators: `61,200`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A rate in a sentence or a picture: `2,000`, `1,999.6`, below a hundred to the hundredth `0.25`.
pub(crate) fn rate(rate: f64) -> String {
    if rate < 99.995 { trimmed(&format!("{rate:.2}")) } else { trimmed(&tenths(rate)) }
}

/// A rate in a column, to the tenth: `2,000.0`.
pub(crate) fn tenths(rate: f64) -> String {
    let tenths = (rate * 10.0).round() as u64;
    format!("{}.{}", number(tenths / 10), tenths % 10)
}

/// A decimal number without zeros at its end.
fn trimmed(decimals: &str) -> String {
    decimals.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time span in a table, with its unit and three digits: `477 µs`, `1.53 s`.
pub(crate) fn time(micros: u64) -> String {
    let (value, unit) = scaled(micros as f64);
    let places = places(value, unit);
    format!("{value:.places$} {unit}")
}

/// A point in time of a ladder, in milliseconds to the microsecond, so that what is close together
/// can be told apart: `1,000.790 ms`.
pub(crate) fn moment(micros: f64) -> String {
    let micros = micros.round() as u64;
    format!("{}.{:03} ms", number(micros / 1_000), micros % 1_000)
}

/// A time span in a sentence, without decimals that say nothing: `1 s`.
pub(crate) fn span(micros: f64) -> String {
    if micros == 0.0 {
        return "0 s".to_owned();
    }
    let (value, unit) = scaled(micros);
    let places = places(value, unit);
    let shown = format!("{value:.places$}");
    let shown = if shown.contains('.') { trimmed(&shown) } else { shown };
    format!("{shown} {unit}")
}

/// A time span beside its bound, to a hundredth of a millisecond: `10.04 ms`. Three digits would
/// hide that a bound was missed by a little.
pub(crate) fn millis(span: Duration) -> String {
    format!("{} ms", trimmed(&format!("{:.2}", span.as_secs_f64() * 1e3)))
}

/// The time of a clock that counts up or down: `0:05`, `12:34`, `1:02:03`.
pub(crate) fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{:02}", seconds % 60)
    } else {
        format!("{minutes}:{:02}", seconds % 60)
    }
}

/// A time span in the unit that it is shown in. The bounds lie where rounding would carry a
/// smaller unit to 1000.
fn scaled(micros: f64) -> (f64, &'static str) {
    if micros < 999.5 {
        (micros, "µs")
    } else if micros < 999_500.0 {
        (micros / 1e3, "ms")
    } else {
        (micros / 1e6, "s")
    }
}

/// Decimals that make three digits; microseconds are whole.
fn places(value: f64, unit: &str) -> usize {
    if unit == "µs" || value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    }
}

/// A share of a whole in percent: `0.02 %`. Nothing of nothing is not 0 %.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 { NOTHING.to_owned() } else { percent(part as f64 / whole as f64) }
}

/// A share (0 to 1) in percent: `0.02 %`, `97 %`; what is not zero does not look so.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        "0 %".to_owned()
    } else if percent < 0.001 {
        "< 0.001 %".to_owned()
    } else if percent < 1.0 {
        format!("{} %", trimmed(&format!("{percent:.3}")))
    } else {
        format!("{} %", trimmed(&format!("{percent:.1}")))
    }
}

/// How often the first goes into the second, in three digits: `1.09`. Nothing goes into nothing.
pub(crate) fn ratio(a: f64, b: f64) -> String {
    let ratio = b / a;
    if a <= 0.0 {
        NOTHING.to_owned()
    } else if ratio >= 99.95 {
        number(ratio.round() as u64)
    } else if ratio >= 9.995 {
        format!("{ratio:.1}")
    } else if ratio > 0.0 && ratio < 0.005 {
        "< 0.01".to_owned()
    } else {
        format!("{ratio:.2}")
    }
}

/// One or several: `1 thread`, `2 threads`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", number(count))
}

/// Lines of `items` that begin with `head` and stay within [`WIDTH`]; further lines are indented
/// by as much as the head is long. An item that no line has room for is broken.
pub(crate) fn wrapped<S: AsRef<str>>(
    head: &str,
    separator: &str,
    items: impl IntoIterator<Item = S>,
) -> String {
    let indent = head.chars().count();
    let mut text = head.to_owned();
    let mut column = indent;
    for (index, item) in items.into_iter().enumerate() {
        let item = item.as_ref();
        let length = item.chars().count();
        if index > 0 {
            text.push_str(separator);
            column += separator.chars().count();
        }
        // The separator of the next item has to fit as well.
        if column > indent && column + length + separator.trim_end().len() > WIDTH {
            text.truncate(text.trim_end().len());
            break_line(&mut text, indent);
            column = indent;
        }
        for character in item.chars() {
            if column == WIDTH {
                break_line(&mut text, indent);
                column = indent;
            }
            text.push(character);
            column += 1;
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Ends a line and indents the next.
fn break_line(text: &mut String, indent: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n(' ', indent));
}

/// A sentence in lines behind `head`, as [`wrapped`] does.
pub(crate) fn sentence(head: &str, sentence: &str) -> String {
    wrapped(head, " ", printable(sentence).split_whitespace())
}

/// The text, at most `width` characters of it; a cut shows.
pub(crate) fn clipped(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= width {
        return text;
    }
    let mut clipped: String = text.chars().take(width.saturating_sub(1)).collect();
    clipped.push('…');
    clipped
}

/// The text without control characters, which could order a terminal about: what was received or
/// read from a file may be anything.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|shown| if shown.is_control() { '\u{fffd}' } else { shown }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators() {
        let shown = [0, 7, 999, 1_000, 61_200, 1_234_567].map(number);
        assert_eq!(shown, ["0", "7", "999", "1,000", "61,200", "1,234,567"]);
    }

    #[test]
    fn a_rate_has_one_decimal_in_a_column_and_elsewhere_as_many_as_say_something() {
        assert_eq!([1_999.56, 2_000.0].map(tenths), ["1,999.6", "2,000.0"]);
        let rates = [0.0, 0.25, 10.0, 99.996, 1_999.56, 2_000.0];
        assert_eq!(rates.map(rate), ["0", "0.25", "10", "100", "1,999.6", "2,000"]);
    }

    #[test]
    fn a_time_has_a_unit_and_three_digits() {
        let shown = [1, 999, 1_000, 9_996, 99_960, 999_499, 999_500, 1_530_000, 120_000_000];
        assert_eq!(
            shown.map(time),
            [
                "1 µs", "999 µs", "1.00 ms", "10.0 ms", "100 ms", "999 ms", "1.00 s", "1.53 s",
                "120 s"
            ]
        );
    }

    #[test]
    fn a_span_in_a_sentence_has_no_empty_decimals() {
        assert_eq!([100.0, 1_500.0, 20_000.0, 1e6].map(span), ["100 µs", "1.5 ms", "20 ms", "1 s"]);
    }

    #[test]
    fn a_bound_missed_by_a_little_shows() {
        let shown = [23_000, 810, 10_040].map(|micros| millis(Duration::from_micros(micros)));
        assert_eq!(shown, ["23 ms", "0.81 ms", "10.04 ms"]);
    }

    #[test]
    fn clocks_show_hours_only_when_there_are_some() {
        let shown = [5, 754, 3_723].map(|seconds| clock(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0:05", "12:34", "1:02:03"]);
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!(
            [0, 1, 2_000].map(|count| counted(count, "call")),
            ["0 calls", "1 call", "2,000 calls"]
        );
    }

    #[test]
    fn a_moment_is_told_to_the_microsecond() {
        assert_eq!([0.0, 7.4, 1_000_790.0].map(moment), ["0.000 ms", "0.007 ms", "1,000.790 ms"]);
    }

    #[test]
    fn a_small_share_does_not_look_like_none() {
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(12, 60_000), "0.02 %");
        assert_eq!(share(1, 10_000_000), "< 0.001 %");
        assert_eq!(share(1, 2), "50 %");
        assert_eq!(percent(0.4234), "42.3 %");
        assert_eq!(share(0, 0), "-");
    }

    #[test]
    fn a_ratio_to_nothing_is_none() {
        assert_eq!(ratio(2.0, 3.0), "1.50");
        assert_eq!(ratio(2.0, 2_500.0), "1,250");
        assert_eq!(ratio(1_000.0, 1.0), "< 0.01");
        assert_eq!(ratio(1_000.0, 0.0), "0.00");
        assert_eq!(ratio(0.0, 3.0), "-");
    }

    #[test]
    fn lines_stay_within_the_width() {
        let items: Vec<_> = (0..60).map(|item| format!("item {item}")).collect();
        let text = wrapped("head: ", ", ", items);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("      item")), "{text}");
        assert_eq!(text.matches("item").count(), 60);
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        let text = sentence("- ", &"x".repeat(200));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.matches('x').count(), 200);
    }

    #[test]
    fn control_characters_are_not_shown() {
        assert_eq!(clipped("a\x1b[2Jb", 20), "a\u{fffd}[2Jb");
        assert_eq!(clipped("a long name", 6), "a lon…");
    }
}
