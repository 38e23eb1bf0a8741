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
#[must_use]
pub fn parse_qvalue(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match text {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', decimals @ ..] => (whole, decimals),
        _ => return None,
    };
    if decimals.len() > 3 || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |place: usize| decimals.get(place).map_or(0, |digit| u16::from(digit - b'0'));
    let q = u16::from(whole - b'0') * 1_000 + digit(0) * 100 + digit(1) * 10 + digit(2);
    (q <= 1_000).then_some(q)
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
            ("0.1234", None),
            (".5", None),
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
