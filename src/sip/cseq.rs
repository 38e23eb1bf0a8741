//! CSeq (RFC 3261 §20.16).

use super::ParseError;
use super::list::trim;
use super::message::{is_space, is_token, number};

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
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = number(&value[..digits]).filter(|number| *number < 1 << 31);
        let method = trim(&value[digits..]);
        let spaced = value.get(digits).is_some_and(|byte| is_space(*byte));
        if !spaced || method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return Err(ParseError::CSeq);
        }
        Ok(Self { number: number.ok_or(ParseError::CSeq)?, method })
    }
}
