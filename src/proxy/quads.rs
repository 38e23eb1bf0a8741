//! IPv4 addresses whose text was read before.
//!
//! Most of what a proxy sends goes where it has just sent something: reading a dotted quad again
//! takes five times as long as to find it here.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};

use crate::limits::KNOWN_QUADS;
use crate::sip::host_ip;

/// The addresses of some dotted quads; a new one takes the place of another.
#[derive(Debug)]
pub(super) struct KnownQuads {
    places: Box<[Cell<Known>; KNOWN_QUADS]>,
}

const _: () = assert!(KNOWN_QUADS.is_power_of_two() && KNOWN_QUADS <= 1 << u8::BITS);

/// A dotted quad and its address.
#[derive(Clone, Copy, Debug)]
struct Known {
    text: Text,
    address: Ipv4Addr,
}

/// A text of 8 to 15 octets: the first eight, the last eight, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Text {
    first: u64,
    last: u64,
    length: usize,
}

impl Text {
    /// That of a host, if it has as many octets.
    #[inline]
    fn of(host: &[u8]) -> Option<Self> {
        let (first, last) = (host.first_chunk()?, host.last_chunk()?);
        let [first, last] = [first, last].map(|octets| u64::from_le_bytes(*octets));
        (host.len() < 16).then_some(Self { first, last, length: host.len() })
    }

    /// Where it is kept: addresses differ most in their last digits.
    #[inline]
    const fn place(self) -> usize {
        let mixed = (self.last ^ self.first).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (u64::BITS - KNOWN_QUADS.ilog2())) as usize % KNOWN_QUADS
    }
}

impl Default for KnownQuads {
    fn default() -> Self {
        // No text is as long as this one says.
        let text = Text { first: 0, last: 0, length: 0 };
        let none = Known { text, address: Ipv4Addr::UNSPECIFIED };
        Self { places: Box::new([none; KNOWN_QUADS].map(Cell::new)) }
    }
}

impl KnownQuads {
    /// The address that a host part is, as [`host_ip`] says.
    #[inline]
    pub(super) fn host_ip(&self, host: &[u8]) -> Option<IpAddr> {
        match self.known(host) {
            Some(address) => Some(address.into()),
            None => self.note(host),
        }
    }

    /// As [`Self::host_ip`], if that is an IPv4 address.
    #[inline(always)]
    pub(super) fn ipv4(&self, host: &[u8]) -> Option<Ipv4Addr> {
        match self.known(host) {
            None => match self.note(host)? {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            },
            known => known,
        }
    }

    /// The address that a host is, if it was read before.
    #[inline(always)]
    fn known(&self, host: &[u8]) -> Option<Ipv4Addr> {
        let text = Text::of(host)?;
        let known = self.places[text.place()].get();
        (known.text == text).then_some(known.address)
    }

    /// As [`Self::host_ip`], of a host that is not known; from now on it is, if it is a quad.
    #[inline(never)]
    fn note(&self, host: &[u8]) -> Option<IpAddr> {
        let ip = host_ip(host)?;
        if let (IpAddr::V4(address), Some(text)) = (ip, Text::of(host)) {
            self.places[text.place()].set(Known { text, address });
        }
        Some(ip)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hosts_have_the_same_address_each_time(
            hosts in proptest::collection::vec(
                "[1-9]{1,3}([.][0-9]{1,2}){3}|[0-9.]{6,17}|[a-c.]{7,20}|\\[::[0-9]{1,4}\\]",
                1..400,
            ),
        ) {
            let known = KnownQuads::default();
            for host in hosts.iter().chain(&hosts) {
                prop_assert_eq!(known.host_ip(host.as_bytes()), host_ip(host.as_bytes()));
            }
        }
    }

    #[test]
    fn what_is_no_address_becomes_none() {
        let known = KnownQuads::default();
        for host in ["192.0.2.1", "192.0.2.1", "192.0.2.1x", "92.0.2.1", "192.0.2.11", "\0\0\0"] {
            assert_eq!(known.host_ip(host.as_bytes()), host_ip(host.as_bytes()), "{host:?}");
        }
    }
}
