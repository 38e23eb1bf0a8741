//! Socket addresses in the form of the system calls, read and written as bytes.

use std::mem::{offset_of, size_of};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// A `sockaddr_in` or a `sockaddr_in6`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(super) struct RawAddress {
    bytes: [u8; V6_BYTES],
}

impl RawAddress {
    /// Room for an address.
    pub(super) const EMPTY: Self = Self { bytes: [0; V6_BYTES] };

    /// Bytes that the kernel may write.
    pub(super) const CAPACITY: libc::socklen_t = V6_BYTES as libc::socklen_t;

    /// Becomes `address`; the length to tell the kernel.
    pub(super) fn set(&mut self, address: &SocketAddr) -> libc::socklen_t {
        match address {
            SocketAddr::V4(address) => {
                self.bytes[..2].copy_from_slice(&FAMILY_V4.to_ne_bytes());
                self.bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
                self.bytes[4..8].copy_from_slice(&address.ip().octets());
                self.bytes[8..16].fill(0);
                V4_BYTES as libc::socklen_t
            }
            SocketAddr::V6(address) => {
                self.bytes[..2].copy_from_slice(&FAMILY_V6.to_ne_bytes());
                self.bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
                self.bytes[4..8].copy_from_slice(&address.flowinfo().to_ne_bytes());
                self.bytes[8..24].copy_from_slice(&address.ip().octets());
                self.bytes[24..28].copy_from_slice(&address.scope_id().to_ne_bytes());
                Self::CAPACITY
            }
        }
    }

    /// The address of which the kernel wrote `length` bytes; none if it is of another family.
    pub(super) fn read(&self, length: libc::socklen_t) -> Option<SocketAddr> {
        let [f0, f1, p0, p1, rest @ ..] = self.bytes;
        let port = u16::from_be_bytes([p0, p1]);
        let length = usize::try_from(length).ok()?;
        match u16::from_ne_bytes([f0, f1]) {
            FAMILY_V4 if length >= V4_BYTES => {
                let [a, b, c, d, ..] = rest;
                Some(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port)))
            }
            FAMILY_V6 if length >= V6_BYTES => {
                let (flow, rest) = rest.split_first_chunk::<4>()?;
                let (octets, rest) = rest.split_first_chunk::<16>()?;
                let scope = rest.first_chunk::<4>()?;
                Some(SocketAddr::V6(SocketAddrV6::new(
                    Ipv6Addr::from(*octets),
                    port,
                    u32::from_ne_bytes(*flow),
                    u32::from_ne_bytes(*scope),
                )))
            }
            _ => None,
        }
    }
}

const V4_BYTES: usize = size_of::<libc::sockaddr_in>();
const V6_BYTES: usize = size_of::<libc::sockaddr_in6>();
const FAMILY_V4: u16 = libc::AF_INET as u16;
const FAMILY_V6: u16 = libc::AF_INET6 as u16;

const _: () = {
    assert!(V4_BYTES == 16 && V6_BYTES == 28);
    assert!(offset_of!(libc::sockaddr_in, sin_port) == 2);
    assert!(offset_of!(libc::sockaddr_in, sin_addr) == 4);
    assert!(offset_of!(libc::sockaddr_in6, sin6_port) == 2);
    assert!(offset_of!(libc::sockaddr_in6, sin6_flowinfo) == 4);
    assert!(offset_of!(libc::sockaddr_in6, sin6_addr) == 8);
    assert!(offset_of!(libc::sockaddr_in6, sin6_scope_id) == 24);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_way_to_the_kernel_and_back() {
        let scoped = SocketAddrV6::new("fe80::1:2".parse().unwrap(), 5_060, 0x0102_0304, 7);
        for address in [
            "192.0.2.1:5060".parse().unwrap(),
            "255.255.255.255:65535".parse().unwrap(),
            "[2001:db8::9]:5061".parse().unwrap(),
            SocketAddr::V6(scoped),
        ] {
            let mut raw = RawAddress::EMPTY;
            let length = raw.set(&address);
            assert_eq!(raw.read(length), Some(address));
        }
    }

    #[test]
    fn an_ipv4_address_leaves_nothing_of_the_ipv6_address_before_it() {
        let mut raw = RawAddress::EMPTY;
        raw.set(&"[2001:db8::9]:5061".parse().unwrap());
        raw.set(&"192.0.2.1:5060".parse().unwrap());
        assert_eq!(raw.bytes[8..16], [0; 8], "sin_zero");
    }

    #[test]
    fn cut_off_and_foreign_addresses_are_none() {
        let mut raw = RawAddress::EMPTY;
        assert_eq!(raw.read(RawAddress::CAPACITY), None, "family 0");
        let length = raw.set(&"192.0.2.1:5060".parse().unwrap());
        assert_eq!(raw.read(length - 1), None);
        assert_eq!(raw.read(0), None);
        let length = raw.set(&"[::1]:5060".parse().unwrap());
        assert_eq!(raw.read(length - 1), None);
    }
}
