//! Via (RFC 3261 §20.42, RFC 3581).

use super::{Params, ParseError};

/// One Via value; all parts are pieces of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'d> {
    /// All of it, without surrounding white space.
    pub text: &'d [u8],
    /// The transport: `UDP`, `TCP` …, as written.
    pub transport: &'d [u8],
    /// Host of the sent-by; an IPv6 address with its brackets.
    pub host: &'d [u8],
    /// Port of the sent-by, if one is written.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport`, `maddr` …
    pub params: Params<'d>,
}

/// The `rport` parameter (RFC 3581 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rport<'d> {
    /// Not there.
    Absent,
    /// There without a value, waiting to be filled in; the parameter's text.
    Requested(&'d [u8]),
    /// Filled in.
    Filled(u16),
}

impl<'d> Via<'d> {
    /// Parses one Via value.
    ///
    /// # Errors
    ///
    /// [`ParseError::Via`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        let _ = text;
        Err(ParseError::Via)
    }

    /// The branch parameter.
    #[must_use]
    pub fn branch(&self) -> Option<&'d [u8]> {
        self.params.get(b"branch")?.value
    }

    /// The rport parameter.
    #[must_use]
    pub fn rport(&self) -> Rport<'d> {
        Rport::Absent
    }
}
