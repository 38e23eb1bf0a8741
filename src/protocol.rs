//! The transport protocols of SIP.

#![forbid(unsafe_code)]

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A transport protocol (RFC 3261 §18). Listeners are numbered in the order of these: first
/// those of UDP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// A message is a datagram.
    #[default]
    Udp,
    /// Messages follow each other on a connection.
    Tcp,
    /// As TCP, enciphered (RFC 3261 §26.2.1).
    Tls,
}

impl Transport {
    /// The one of that name, in any case, as in a `transport` parameter.
    #[must_use]
    pub fn of(name: &[u8]) -> Option<Self> {
        let is = |transport: &Self| name.eq_ignore_ascii_case(transport.name().as_bytes());
        [Self::Udp, Self::Tcp, Self::Tls].into_iter().find(is)
    }

    /// Its name in URIs and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Its name in Via.
    #[must_use]
    pub const fn in_via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// Its number in scripts, as in Kamailio.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Udp => 1,
            Self::Tcp => 2,
            Self::Tls => 3,
        }
    }

    /// The port where none is written (RFC 3261 §19.1.2).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5_060,
            Self::Tls => 5_061,
        }
    }

    /// Whether messages come on connections.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        !matches!(self, Self::Udp)
    }
}

/// Whether nothing can be sent to an address: it stands for none, for all of a network, or for what
/// is kept for later (RFC 1112 §4).
#[inline]
#[must_use]
pub fn is_nobody(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_unspecified() || ip.octets()[0] >= 240,
        IpAddr::V6(ip) => ip.is_unspecified(),
    }
}

/// An address with its transport: `tcp:192.0.2.1:5060`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The transport.
    pub transport: Transport,
    /// The address.
    pub address: SocketAddr,
}

impl Endpoint {
    /// As people mostly write it: the transport is left out if it is UDP.
    #[must_use]
    pub fn brief(&self) -> String {
        match self.transport {
            Transport::Udp => self.address.to_string(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.name(), self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case() {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            assert_eq!(Transport::of(transport.name().as_bytes()), Some(transport));
            assert_eq!(Transport::of(transport.in_via().as_bytes()), Some(transport));
        }
        assert_eq!(Transport::of(b"sctp"), None);
    }

    #[test]
    fn an_endpoint_is_shown_as_a_script_writes_it() {
        let endpoint =
            Endpoint { transport: Transport::Tls, address: "[::1]:5061".parse().unwrap() };
        assert_eq!(endpoint.to_string(), "tls:[::1]:5061");
        assert_eq!(endpoint.brief(), "tls:[::1]:5061");
        let datagrams = Endpoint { transport: Transport::Udp, ..endpoint };
        assert_eq!(datagrams.brief(), "[::1]:5061");
    }
}
