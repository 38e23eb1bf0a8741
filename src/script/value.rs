//! Values of the script.

/// A value: what a pseudo-variable holds, an expression computes, a function is given.
/// Strings borrow the message, the program or the run's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Value<'m> {
    /// `$null`: not there.
    #[default]
    Null,
    /// A number.
    Int(i64),
    /// A string; any bytes.
    Text(&'m [u8]),
}

impl<'m> Value<'m> {
    /// Whether it counts as true in a condition: a number above 0, as the code of a function is,
    /// a string with something in it.
    #[must_use]
    pub const fn is_true(self) -> bool {
        match self {
            Self::Null => false,
            Self::Int(number) => number > 0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    /// The text, or [`Value::Null`] if there is none.
    #[must_use]
    pub fn text_or_null(text: Option<&'m [u8]>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    /// The number that it is; a string that is no number counts as 0, as does `$null`.
    #[must_use]
    pub fn to_int(self) -> i64 {
        match self {
            Self::Null => 0,
            Self::Int(number) => number,
            Self::Text(text) => parse_int(text).unwrap_or(0),
        }
    }

    /// What `==` says. Strings are equal byte for byte; a number equals a string that is that
    /// number; what is not there equals itself, 0 and the empty string. Where a script writes
    /// `== $null`, it asks something else: whether there is a value.
    #[must_use]
    pub fn equals(self, other: Value<'_>) -> bool {
        match (self, other) {
            (Self::Null, Value::Null) => true,
            (Self::Int(left), Value::Int(right)) => left == right,
            (Self::Text(left), Value::Text(right)) => left == right,
            (Self::Int(number), Value::Text(text)) | (Self::Text(text), Value::Int(number)) => {
                parse_int(text) == Some(number)
            }
            (Self::Null, Value::Text(text)) | (Self::Text(text), Value::Null) => text.is_empty(),
            (Self::Null, Value::Int(number)) | (Self::Int(number), Value::Null) => number == 0,
        }
    }
}

/// The decimal number that `text` is, with or without a sign.
#[must_use]
pub fn parse_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let magnitude = digits.iter().try_fold(0_i64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if negative { -magnitude } else { magnitude })
}

/// The decimal digits of a number, without the heap.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    buffer: [u8; 20],
    start: usize,
}

impl Digits {
    /// The digits of `number`, with a sign if it is negative.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        let mut buffer = [0; 20];
        let mut start = buffer.len();
        let mut rest = number.unsigned_abs();
        loop {
            start -= 1;
            buffer[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            start -= 1;
            buffer[start] = b'-';
        }
        Self { buffer, start }
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_sign_and_within_range() {
        for (text, number) in [
            ("0", Some(0)),
            ("42", Some(42)),
            ("-7", Some(-7)),
            ("+7", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("1x", None),
            (" 1", None),
        ] {
            assert_eq!(parse_int(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn digits_show_every_number() {
        for number in [0, 1, -1, 10, 5060, i64::MAX, i64::MIN] {
            assert_eq!(Digits::new(number).as_bytes(), number.to_string().as_bytes());
        }
    }

    #[test]
    fn equality_decides_by_both_types() {
        let text = |text: &'static str| Value::Text(text.as_bytes());
        for (left, right, equal) in [
            (text("alice"), text("alice"), true),
            (text("alice"), text("Alice"), false),
            (Value::Int(5), text("5"), true),
            (text("05"), Value::Int(5), true),
            (text("x"), Value::Int(0), false),
            (Value::Null, Value::Null, true),
            (Value::Null, text(""), true),
            (Value::Null, text("a"), false),
            (Value::Null, Value::Int(0), true),
            (Value::Null, Value::Int(1), false),
        ] {
            assert_eq!(left.equals(right), equal, "{left:?} {right:?}");
            assert_eq!(right.equals(left), equal, "{right:?} {left:?}");
        }
    }
}
