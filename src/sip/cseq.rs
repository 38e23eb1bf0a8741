//! CSeq (RFC 3261 §20.16).

use super::ParseError;
use super::octet::{are_token, number, prefix_len, trim};

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
        match Self::parse_plain(value) {
            Some(cseq) => Ok(cseq),
            None => Self::parse_any(value),
        }
    }

    /// Parses a value as almost all are: at most nine digits, a space, a method.
    #[inline]
    fn parse_plain(value: &'d [u8]) -> Option<Self> {
        let mut rest = value;
        let mut number = 0;
        while let [first, behind @ ..] = rest
            && first.is_ascii_digit()
        {
            if value.len() - rest.len() == 9 {
                return None;
            }
            number = number * 10 + u32::from(first - b'0');
            rest = behind;
        }
        let method = rest.strip_prefix(b" ")?;
        let is_whole = rest.len() < value.len() && !method.is_empty() && are_token(method);
        is_whole.then_some(Self { number, method })
    }

    /// Parses any value.
    fn parse_any(value: &'d [u8]) -> Result<Self, ParseError> {
        let length = prefix_len(value, |byte| byte.is_ascii_digit());
        let (digits, rest) = value.split_at(length);
        let number = number(digits).filter(|number| *number < 1 << 31).ok_or(ParseError::CSeq)?;
        let method = trim(rest);
        let is_spaced = rest.len() > method.len();
        if !is_spaced || method.is_empty() || !are_token(method) {
            return Err(ParseError::CSeq);
        }
        Ok(Self { number, method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
