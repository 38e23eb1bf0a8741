//! Hosts and ports (RFC 3261 §25.1 `hostport`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::octet::{host_prefix_len, number};
use super::scan::find;
/// The address that a host part is, if it is one: `192.0.2.1`, `[2001:db8::1]`.
#[must_use]
pub fn host_ip(host: &[u8]) -> Option<IpAddr> {
    match host {
        [b'[', inner @ .., b']'] => ipv6(inner).map(IpAddr::V6),
        [b'0'..=b'9', ..] => ipv4(host).map(IpAddr::V4),
        _ => None,
    }
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

/// The port that `text` is.
#[inline]
pub(super) fn port(text: &[u8]) -> Option<u16> {
    number(text).and_then(|port| u16::try_from(port).ok())
}

/// The IPv4 address that `text` is: four decimal numbers, none with a leading zero.
fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (a, rest) = octet(text)?;
    let (b, rest) = octet(rest.strip_prefix(b".")?)?;
    let (c, rest) = octet(rest.strip_prefix(b".")?)?;
    let (d, rest) = octet(rest.strip_prefix(b".")?)?;
    rest.is_empty().then(|| Ipv4Addr::new(a, b, c, d))
}

/// The number from 0 to 255 that `text` starts with, and the rest.
#[inline]
fn octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |at: usize| {
        let digit = text.get(at)?.wrapping_sub(b'0');
        (digit < 10).then_some(u16::from(digit))
    };
    let first = digit(0)?;
    let Some(second) = digit(1) else { return Some((first as u8, &text[1..])) };
    let two = first * 10 + second;
    let (number, length) = match digit(2) {
        Some(third) => (two * 10 + third, 3),
        None => (two, 2),
    };
    let number = u8::try_from(number).ok().filter(|_| first > 0)?;
    Some((number, &text[length..]))
}

/// The IPv6 address that `text`, without brackets, is.
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
        assert_eq!(port(b"65535"), Some(65_535));
        assert_eq!(port(b"0"), Some(0));
        assert_eq!(port(b"65536"), None);
        assert_eq!(port(b""), None);
    }

    proptest! {
        #[test]
        fn dotted_quads_are_those_of_the_standard_library(text in "[0-9.]{0,16}") {
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
