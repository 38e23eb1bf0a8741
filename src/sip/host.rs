//! Hosts and ports (RFC 3261 §25.1 `hostport`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::octet::{four_digits, host_prefix_len, number};
use super::scan::find;

/// The address that a host part is, if it is one: `192.0.2.1`, `[2001:db8::1]`.
#[inline(never)]
#[must_use]
pub fn host_ip(host: &[u8]) -> Option<IpAddr> {
    match host.first()? {
        b'0'..=b'9' => ipv4(host).map(IpAddr::V4),
        b'[' => bracketed_ipv6(host),
        _ => None,
    }
}

/// The address in brackets that a host part is.
#[inline(never)]
fn bracketed_ipv6(host: &[u8]) -> Option<IpAddr> {
    ipv6(host.strip_prefix(b"[")?.strip_suffix(b"]")?).map(IpAddr::V6)
}

/// The length of the host that `text` starts with: a name, an IPv4 address, or an IPv6 address
/// in brackets.
#[inline]
pub(super) fn host_len(text: &[u8]) -> Option<usize> {
    if text.first() == Some(&b'[') {
        let close = find(text, b']')?;
        return ipv6(&text[1..close]).map(|_| close + 1);
    }
    Some(host_prefix_len(text)).filter(|length| *length > 0)
}

/// The port that `text` starts with, and what stands behind it.
#[inline]
pub(super) fn leading_port(text: &[u8]) -> Option<(u16, &[u8])> {
    let mut rest = text;
    let mut port = 0_u32;
    while let [first, behind @ ..] = rest
        && first.is_ascii_digit()
    {
        port = port * 10 + u32::from(first - b'0');
        if port > u32::from(u16::MAX) {
            return None;
        }
        rest = behind;
    }
    (rest.len() < text.len()).then_some((port as u16, rest))
}

/// The port that `text` is. Almost all have four digits, which are read at once.
#[inline]
pub(crate) fn parse_port(text: &[u8]) -> Option<u16> {
    match text.first_chunk() {
        Some(digits) if text.len() == digits.len() => four_digits(*digits),
        _ => number(text).and_then(|port| u16::try_from(port).ok()),
    }
}

/// The IPv4 address that `text` is: four decimal numbers, none with a leading zero.
#[inline]
pub(crate) fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let length = text.len();
    if length > IPV4_MAX {
        return None;
    }
    // A copy with a dot at its end: of that, each number can be read without asking what is left.
    let mut room = [b'.'; IPV4_MAX + 1 + 4];
    match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            *room.first_chunk_mut()? = *first;
            *room.get_mut(length - last.len()..)?.first_chunk_mut()? = *last;
        }
        _ => *room.first_chunk_mut()? = *text.first_chunk::<7>()?,
    }
    let (a, at) = octet(&room, 0)?;
    let (b, at) = octet(&room, at)?;
    let (c, at) = octet(&room, at)?;
    let (d, at) = octet(&room, at)?;
    (at == length + 1).then(|| Ipv4Addr::new(a, b, c, d))
}

/// The longest text of an IPv4 address.
const IPV4_MAX: usize = 15;

/// The number from 0 to 255 that is at `at`, with a dot behind it, and what is behind that.
#[inline(always)]
fn octet(room: &[u8; IPV4_MAX + 1 + 4], at: usize) -> Option<(u8, usize)> {
    // The remainder, for the compiler: it is never more.
    let start = at % (IPV4_MAX + 1);
    let digit = |place: usize| u32::from(room[start + place].wrapping_sub(b'0'));
    let (first, second, third) = (digit(0), digit(1), digit(2));
    if first > 9 {
        return None;
    }
    let (number, length) = match (second > 9, third > 9) {
        (true, _) => (first, 1),
        (_, true) => (first * 10 + second, 2),
        _ => (first * 100 + second * 10 + third, 3),
    };
    let is_plain = (first > 0 || length == 1) && room[start + length] == b'.';
    (is_plain && number <= 255).then_some((number as u8, at + length + 1))
}

/// The IPv6 address that `text`, without brackets, is.
#[inline(never)]
pub(super) fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        let v6 = |text: &str| Some(IpAddr::V6(text.parse().unwrap()));
        assert_eq!(host_ip(b"192.0.2.1"), Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(host_ip(b"[2001:db8::1]"), v6("2001:db8::1"));
        assert_eq!(host_ip(b"[::ffff:192.0.2.1]"), v6("::ffff:192.0.2.1"));
        for name in ["", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", ".1.2.3"] {
            assert_eq!(host_ip(name.as_bytes()), None, "{name}");
        }
        for name in ["1..2.3", "1.2.3.4x", "example.com", "::1", "[::1", "[]", "[", "1.2.3.+4"] {
            assert_eq!(host_ip(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn a_host_ends_where_no_host_octet_is() {
        assert_eq!(host_len(b"example.com:5060"), Some(11));
        assert_eq!(host_len(b"[2001:db8::1]:5060"), Some(13));
        assert_eq!(host_len(b"a_b"), Some(3));
        for text in [&b""[..], b":5060", b"[2001:db8::1", b"[example.com]", b"[]", b"@"] {
            assert_eq!(host_len(text), None, "{text:?}");
        }
    }

    #[test]
    fn ports_have_16_bits() {
        assert_eq!(parse_port(b"65535"), Some(65_535));
        assert_eq!(parse_port(b"5060"), Some(5_060));
        assert_eq!(parse_port(b"506x"), None);
        assert_eq!(parse_port(b"0"), Some(0));
        assert_eq!(parse_port(b"65536"), None);
        assert_eq!(parse_port(b""), None);
    }

    proptest! {
        #[test]
        fn dotted_quads_are_those_of_the_standard_library(
            text in "[0-9./:\u{80}-\u{ff}]{0,16}|[0-9]{1,3}([.][0-9]{1,4}){3}[.x]?",
        ) {
            let expected = text.parse::<Ipv4Addr>().ok().map(IpAddr::V4);
            prop_assert_eq!(host_ip(text.as_bytes()), expected);
        }

        #[test]
        fn shown_addresses_are_found_again(bits: u32) {
            let address = Ipv4Addr::from(bits);
            prop_assert_eq!(host_ip(address.to_string().as_bytes()), Some(IpAddr::V4(address)));
        }
    }
}
