//! Control messages (`cmsg`), read and written as bytes: the local address of a datagram, how many
//! the kernel lost, and how it splits or merged them.

use std::mem::{offset_of, size_of};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Room for the control messages of one datagram.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(super) struct Control {
    bytes: [u8; Self::CAPACITY],
}

/// What the control messages of a received datagram say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The address that the datagram was sent to. Only of sockets that
    /// [`super::tell_destination_v4`] or `_v6`.
    pub local: Option<IpAddr>,
    /// Datagrams lost at this socket since it was made, modulo 2^32, if any. Only of sockets that
    /// [`super::tell_overruns`].
    pub overruns: Option<u32>,
    /// Bytes of each of the datagrams that these bytes are, one behind the other, the last maybe
    /// shorter, if several were merged. Only of sockets that [`super::take_merged`].
    pub segment: Option<usize>,
}

impl Control {
    /// The largest local address (40), the count of lost datagrams (24) and the length of a
    /// segment (24).
    pub(super) const CAPACITY: usize = 88;

    /// No control messages.
    pub(super) const EMPTY: Self = Self { bytes: [0; Self::CAPACITY] };

    /// Appends to the first `length` bytes a message that makes a datagram leave from `source`; the
    /// length with it.
    pub(super) fn add_source(&mut self, length: usize, source: IpAddr) -> usize {
        match source {
            IpAddr::V4(source) => {
                let mut data = [0; V4_INFO_BYTES];
                data[V4_LOCAL..V4_LOCAL + 4].copy_from_slice(&source.octets());
                self.add(length, libc::IPPROTO_IP, libc::IP_PKTINFO, data)
            }
            IpAddr::V6(source) => {
                let mut data = [0; V6_INFO_BYTES];
                data[..16].copy_from_slice(&source.octets());
                self.add(length, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, data)
            }
        }
    }

    /// Appends to the first `length` bytes a message that has the payload split into datagrams of
    /// `bytes` each; the length with it.
    pub(super) fn add_segment(&mut self, length: usize, bytes: u16) -> usize {
        self.add(length, libc::SOL_UDP, libc::UDP_SEGMENT, bytes.to_ne_bytes())
    }

    /// What the first `length` bytes, written by the kernel, say.
    pub(super) fn read(&self, length: usize) -> Told {
        let mut told = Told::default();
        let mut rest = &self.bytes[..length.min(Self::CAPACITY)];
        while let Some((level, kind, data, next)) = split_message(rest) {
            match (level, kind) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let octets = data.get(V4_LOCAL..).and_then(|tail| tail.first_chunk::<4>());
                    told.local = octets.map(|octets| Ipv4Addr::from(*octets).into());
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let octets = data.first_chunk::<16>();
                    told.local = octets.map(|octets| Ipv6Addr::from(*octets).into());
                }
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => {
                    told.overruns = data.first_chunk::<4>().copied().map(u32::from_ne_bytes);
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let bytes = data.first_chunk::<4>().copied().map(i32::from_ne_bytes);
                    let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok());
                    told.segment = bytes.filter(|bytes| *bytes > 0);
                }
                _ => {}
            }
            rest = next;
        }
        told
    }

    /// Appends a message with `data`; the length with it.
    fn add<const BYTES: usize>(
        &mut self,
        start: usize,
        level: i32,
        kind: i32,
        data: [u8; BYTES],
    ) -> usize {
        let length = HEADER_BYTES + BYTES;
        let bytes = &mut self.bytes[start..];
        bytes[..8].copy_from_slice(&length.to_ne_bytes());
        bytes[8..12].copy_from_slice(&level.to_ne_bytes());
        bytes[12..16].copy_from_slice(&kind.to_ne_bytes());
        bytes[HEADER_BYTES..length].copy_from_slice(&data);
        start + length.next_multiple_of(ALIGNMENT)
    }
}

/// Level, kind and data of the first message, and what follows it.
fn split_message(bytes: &[u8]) -> Option<(i32, i32, &[u8], &[u8])> {
    let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let [length @ .., l0, l1, l2, l3, k0, k1, k2, k3] = *header;
    let length = usize::from_ne_bytes(length);
    let data = bytes.get(HEADER_BYTES..length)?;
    let next = bytes.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or(&[]);
    let level = i32::from_ne_bytes([l0, l1, l2, l3]);
    let kind = i32::from_ne_bytes([k0, k1, k2, k3]);
    Some((level, kind, data, next))
}

const HEADER_BYTES: usize = size_of::<libc::cmsghdr>();
const ALIGNMENT: usize = 8;
const V4_INFO_BYTES: usize = size_of::<libc::in_pktinfo>();
/// `ipi_spec_dst`: the local address, also where the datagram itself went to a broadcast address.
const V4_LOCAL: usize = offset_of!(libc::in_pktinfo, ipi_spec_dst);
const V6_INFO_BYTES: usize = size_of::<libc::in6_pktinfo>();

const _: () = {
    assert!(HEADER_BYTES == 16);
    assert!(offset_of!(libc::cmsghdr, cmsg_len) == 0);
    assert!(offset_of!(libc::cmsghdr, cmsg_level) == 8);
    assert!(offset_of!(libc::cmsghdr, cmsg_type) == 12);
    assert!(offset_of!(libc::in6_pktinfo, ipi6_addr) == 0);
    assert!(
        HEADER_BYTES + V6_INFO_BYTES.next_multiple_of(8) + 2 * (HEADER_BYTES + 8)
            <= Control::CAPACITY
    );
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_address_reads_as_the_local_address() {
        for source in ["192.0.2.7", "2001:db8::7"] {
            let source = source.parse().unwrap();
            let mut control = Control::EMPTY;
            let length = control.add_source(0, source);
            assert_eq!(control.read(length), Told { local: Some(source), ..Told::default() });
        }
    }

    #[test]
    fn all_messages_are_read() {
        let source = "2001:db8::7".parse().unwrap();
        let mut control = Control::EMPTY;
        let length = control.add_source(0, source);
        let length = control.add(length, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 9_u32.to_ne_bytes());
        let length = control.add(length, libc::SOL_UDP, libc::UDP_GRO, 700_i32.to_ne_bytes());
        assert_eq!(length, Control::CAPACITY);
        let told = Told { local: Some(source), overruns: Some(9), segment: Some(700) };
        assert_eq!(control.read(length), told);
    }

    #[test]
    fn impossible_lengths_end_the_reading() {
        let mut control = Control::EMPTY;
        let length = control.add_source(0, "192.0.2.7".parse().unwrap());
        assert_eq!(control.read(length - 8), Told::default(), "cut off");
        for impossible in [0, 15, Control::CAPACITY + 1, usize::MAX] {
            control.bytes[..8].copy_from_slice(&impossible.to_ne_bytes());
            assert_eq!(control.read(Control::CAPACITY), Told::default(), "{impossible}");
        }
    }
}
