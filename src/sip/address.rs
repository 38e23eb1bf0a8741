//! Addresses in From, To, Contact, Route and their kin (RFC 3261 §20.10, §25.1 `name-addr`).

use super::{Params, ParseError};

/// `"Display" <uri>;params` or `uri;params`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'d> {
    /// All of it.
    pub text: &'d [u8],
    /// The display name as written, quotes included, without surrounding white space.
    pub display: &'d [u8],
    /// The URI, without angle brackets.
    pub uri: &'d [u8],
    /// The parameters of the header field (those behind the `>`). Without angle brackets all
    /// parameters are the header field's (RFC 3261 §20.10).
    pub params: Params<'d>,
}

impl<'d> NameAddr<'d> {
    /// Parses one value of a From, To, Contact, Route, Record-Route, Path … header field.
    ///
    /// # Errors
    ///
    /// [`ParseError::Address`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        let _ = text;
        Err(ParseError::Address)
    }

    /// The `tag` parameter.
    #[must_use]
    pub fn tag(&self) -> Option<&'d [u8]> {
        self.params.get(b"tag")?.value
    }
}

/// One Contact value (RFC 3261 §20.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact<'d> {
    /// `*`: all bindings (RFC 3261 §10.2.2).
    Star,
    /// An address.
    Address {
        /// The address.
        address: NameAddr<'d>,
        /// `q` in thousandths, 0 to 1000.
        q: Option<u16>,
        /// `expires` in seconds; a malformed one counts as 3600 (RFC 3261 §10.2.1.1).
        expires: Option<u32>,
    },
}

impl<'d> Contact<'d> {
    /// Parses one Contact value.
    ///
    /// # Errors
    ///
    /// [`ParseError::Address`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        let _ = text;
        Err(ParseError::Address)
    }
}
