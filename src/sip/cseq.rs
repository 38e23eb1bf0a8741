//! CSeq (RFC 3261 §20.16).

use super::ParseError;
use super::octet::{are_token, leading_number, number, prefix_len, trim};
use super::scan::Block;

/// A CSeq value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'d> {
    /// The sequence number; below 2^31 (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// The method.
    pub method: &'d [u8],
}

impl<'d> CSeq<'d> {
    /// Parses the value of a CSeq header field.
    ///
    /// # Errors
    ///
    /// [`ParseError::CSeq`].
    pub fn parse(value: &'d [u8]) -> Result<Self, ParseError> {
        Self::parse_any(value).ok_or(ParseError::CSeq)
    }

    /// Parses any value.
    #[inline(never)]
    pub(super) fn parse_any(value: &'d [u8]) -> Option<Self> {
        match Self::parse_long(value) {
            Some(cseq) => Some(cseq),
            None => Self::parse_odd(value),
        }
    }

    /// Parses a value with eight to ten digits, as some clients count in, a space and a method.
    #[inline]
    fn parse_long(value: &'d [u8]) -> Option<Self> {
        let (first, rest) = value.split_first_chunk()?;
        let (first, 8) = leading_number(*first)? else { return None };
        let (number, digits) = long_number(first, *rest.first_chunk()?)?;
        let method = rest.get(digits - 8..)?.strip_prefix(b" ")?;
        (!method.is_empty() && are_token(method)).then_some(Self { number, method })
    }

    /// Parses any value, octet by octet.
    #[inline(never)]
    fn parse_odd(value: &'d [u8]) -> Option<Self> {
        let length = prefix_len(value, |byte| byte.is_ascii_digit());
        let (digits, rest) = value.split_at(length);
        let number = number(digits).filter(|number| *number < 1 << 31)?;
        let method = trim(rest);
        let is_spaced = rest.len() > method.len();
        (is_spaced && !method.is_empty() && are_token(method)).then_some(Self { number, method })
    }

    /// Parses a value as almost all are: at most eight digits, a space, a method in capitals.
    /// `ahead` starts with it, which is `length` octets long.
    #[inline(always)]
    pub(super) fn parse_plain(ahead: &'d [u8; Block::LENGTH], length: usize) -> Option<Self> {
        let (number, digits) = leading_number(*ahead.first_chunk()?)?;
        let method = ahead.get(digits + 1..length)?;
        let capitals = Block::new(*ahead).within(b'A', b'Z').bits() >> (digits + 1);
        let is_whole = capitals.trailing_ones() as usize >= method.len() && !method.is_empty();
        (is_whole && ahead[digits] == b' ').then_some(Self { number, method })
    }
}

/// The number that a value starts with, and how many digits it has. With more than ten it is none.
#[inline(always)]
pub(super) fn leading_cseq(ahead: &[u8; CSEQ_AHEAD]) -> Option<(u32, usize)> {
    match leading_number(*ahead.first_chunk()?)? {
        (first, 8) => long_number(first, [ahead[8], ahead[9]]),
        short => Some(short),
    }
}

/// Octets that [`leading_cseq`] and who reads a method of eight octets behind it look at.
pub(super) const CSEQ_AHEAD: usize = 24;

/// A number of eight digits and those that follow, two at most, and how many digits it has; `None`
/// if it is none of a CSeq.
#[inline]
fn long_number(first: u32, behind: [u8; 2]) -> Option<(u32, usize)> {
    let [tens, ones] = behind.map(|digit| u32::from(digit.wrapping_sub(b'0')));
    let (number, digits) = match (tens, ones) {
        (0..10, 0..10) => (first.checked_mul(100)?.checked_add(tens * 10 + ones)?, 10),
        (0..10, _) => (first * 10 + tens, 9),
        _ => (first, 8),
    };
    (number < 1 << 31).then_some((number, digits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_value_is_parsed_as_any(
            value in "[0-9]{0,10}[ ]{0,2}[A-Za@]{0,9}[ -~]{0,2}",
            behind in "\r\n[ -~]{16}",
        ) {
            let text = [value.as_bytes(), behind.as_bytes()].concat();
            if let Some(cseq) = CSeq::parse_plain(text.first_chunk().unwrap(), value.len()) {
                prop_assert_eq!(CSeq::parse(value.as_bytes()), Ok(cseq));
            }
        }

        #[test]
        fn a_long_number_is_parsed_as_any(value in "[0-9]{7,12}[ ]{0,2}[A-Za@]{0,9}[ -~]{0,1}") {
            let odd = CSeq::parse_odd(value.as_bytes());
            prop_assert_eq!(CSeq::parse_any(value.as_bytes()), odd);
            if let Some(cseq) = CSeq::parse_long(value.as_bytes()) {
                prop_assert_eq!(odd, Some(cseq));
            }
        }
    }

    #[test]
    fn ordinary_values_are_plain() {
        for text in ["1 ACK", "314159 INVITE", "1234567 PUBLISH", "20 REGISTER"] {
            let line = format!("{text}\r\n0123456789abcdef");
            let cseq = CSeq::parse_plain(line.as_bytes().first_chunk().unwrap(), text.len());
            assert!(cseq.is_some(), "{text}");
        }
        for text in ["123456789 REGISTER", "2147483647 ACK"] {
            assert!(CSeq::parse_long(text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn number_and_method_are_found_across_a_fold() {
        let expected = CSeq { number: 9, method: b"INVITE" };
        assert_eq!(CSeq::parse(b"0009\r\n  INVITE"), Ok(expected));
        assert_eq!(CSeq::parse(b"2147483647 X").map(|cseq| cseq.number), Ok(2_147_483_647));
    }

    #[test]
    fn malformed_values_are_refused() {
        for text in ["", "1", "1 ", " INVITE", "INVITE", "1INVITE", "-1 INVITE", "1 IN VITE"] {
            assert_eq!(CSeq::parse(text.as_bytes()), Err(ParseError::CSeq), "{text:?}");
        }
        for text in ["2147483648 INVITE", "36893488147419103232 REGISTER", "1 INVITE;x", "1 @"] {
            assert_eq!(CSeq::parse(text.as_bytes()), Err(ParseError::CSeq), "{text:?}");
        }
    }
}
