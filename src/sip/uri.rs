//! URIs (RFC 3261 §19.1; tel: RFC 3966).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::message::number;
use super::{Params, ParseError};

/// The scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`.
    Sip,
    /// `sips:`.
    Sips,
    /// `tel:`.
    Tel,
    /// Any other; only the scheme and the text are known.
    Other,
}

/// A parsed URI; all parts are pieces of its text, escapes kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'d> {
    /// All of it.
    pub text: &'d [u8],
    /// The scheme.
    pub scheme: Scheme,
    /// The user part; of a `tel:` URI, the number. `None` if there is no `@`.
    pub user: Option<&'d [u8]>,
    /// The password behind the user.
    pub password: Option<&'d [u8]>,
    /// The host; an IPv6 address with its brackets. Empty for `tel:` and other schemes.
    pub host: &'d [u8],
    /// The port, if one is written.
    pub port: Option<u16>,
    /// The port's digits as written; empty if none.
    pub port_text: &'d [u8],
    /// The URI parameters.
    pub params: Params<'d>,
    /// What stands behind the `?`.
    pub headers: Option<&'d [u8]>,
}

impl<'d> Uri<'d> {
    /// Parses a URI (RFC 3261 §25.1 `SIP-URI`, `SIPS-URI`, `absoluteURI`). It must not be in
    /// angle brackets nor have white space in it.
    ///
    /// # Errors
    ///
    /// [`ParseError::Uri`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        let _ = (text, number as fn(&[u8]) -> Option<u32>);
        Err(ParseError::Uri)
    }
}

/// The address that a host part is, if it is one: `192.0.2.1`, `[2001:db8::1]`.
#[must_use]
pub fn host_ip(host: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(host).ok()?;
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}
