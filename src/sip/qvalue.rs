//! `qvalue` (RFC 3261 §25.1): a preference from 0 to 1, kept in thousandths.

use std::fmt;

/// A `qvalue` for writing, in its shortest form that has a decimal: `0.5`, `1.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QValue(
    /// Thousandths, 0 to 1000.
    pub u16,
);

impl fmt::Display for QValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000, self.0 % 1_000);
        match rest {
            rest if rest % 100 == 0 => write!(formatter, "{whole}.{}", rest / 100),
            rest if rest % 10 == 0 => write!(formatter, "{whole}.{:02}", rest / 10),
            rest => write!(formatter, "{whole}.{rest:03}"),
        }
    }
}

/// The `qvalue` that `text` is, in thousandths; `None` if it is none.
///
/// As phones write it and servers have always read it: the zero before the point may be missing or
/// repeated, and of the decimals the first three count.
#[must_use]
pub fn parse_qvalue(text: &[u8]) -> Option<u16> {
    let point = memchr::memchr(b'.', text);
    let (whole, decimals) = match point {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &[][..]),
    };
    let is_empty = whole.is_empty() && decimals.is_empty();
    if is_empty || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let is_one = match whole {
        [zeros @ .., b'1'] if zeros.iter().all(|digit| *digit == b'0') => true,
        zeros if zeros.iter().all(|digit| *digit == b'0') => false,
        _ => return None,
    };
    if is_one {
        return decimals.iter().all(|digit| *digit == b'0').then_some(1_000);
    }
    let digit = |place: usize| decimals.get(place).map_or(0, |digit| u16::from(digit - b'0'));
    Some(digit(0) * 100 + digit(1) * 10 + digit(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_thousandths() {
        for (text, q) in [
            ("0", Some(0)),
            ("1", Some(1_000)),
            ("0.", Some(0)),
            ("0.33", Some(330)),
            ("0.005", Some(5)),
            ("1.000", Some(1_000)),
            ("1.001", None),
            ("0.1239", Some(123)),
            (".5", Some(500)),
            ("00.5", Some(500)),
            ("01", Some(1_000)),
            ("1.0001", None),
            (".", None),
            ("11", None),
            ("0.5.", None),
            (&"0".repeat(9_999), Some(0)),
            ("2", None),
            ("0,5", None),
            ("-1", None),
            ("0.x", None),
            ("", None),
        ] {
            assert_eq!(parse_qvalue(text.as_bytes()), q, "{text}");
        }
    }

    #[test]
    fn preferences_are_written_short_and_read_back() {
        for (q, text) in [(0, "0.0"), (1000, "1.0"), (500, "0.5"), (50, "0.05"), (123, "0.123")] {
            assert_eq!(QValue(q).to_string(), text);
        }
        for q in 0..=1000 {
            assert_eq!(parse_qvalue(QValue(q).to_string().as_bytes()), Some(q));
        }
    }
}
