//! Addresses and networks that `src_ip` and `dst_ip` are compared with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network, or a single address: all of its bits count then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// Address bits and mask.
    V4(u32, u32),
    /// Address bits and mask.
    V6(u128, u128),
}

impl Network {
    /// Reads `192.0.2.1`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `2001:db8::/32`; IPv6 with
    /// or without brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, mask) = match text.split_once('/') {
            Some((address, mask)) => (address, Some(mask)),
            None => (text, None),
        };
        match parse_address(address)? {
            IpAddr::V4(address) => {
                let mask = mask.map_or(Some(u32::MAX), v4_mask)?;
                Some(Self::V4(address.to_bits() & mask, mask))
            }
            IpAddr::V6(address) => {
                let mask = mask.map_or(Some(u128::MAX), v6_mask)?;
                Some(Self::V6(address.to_bits() & mask, mask))
            }
        }
    }

    /// A single address.
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits(), u32::MAX),
            IpAddr::V6(address) => Self::V6(address.to_bits(), u128::MAX),
        }
    }

    /// Whether `address` lies in it. An IPv4 address mapped into IPv6 counts as IPv4.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::V4(network, mask), IpAddr::V4(address)) => address.to_bits() & mask == network,
            (Self::V6(network, mask), IpAddr::V6(address)) => address.to_bits() & mask == network,
            _ => false,
        }
    }
}

/// An address; IPv6 with or without brackets.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

/// An IPv4 mask, as a length or as an address whose ones are all on the left.
fn v4_mask(text: &str) -> Option<u32> {
    if let Ok(mask) = text.parse::<Ipv4Addr>() {
        let bits = mask.to_bits();
        return (bits.leading_ones() == bits.count_ones()).then_some(bits);
    }
    let length = text.parse::<u32>().ok().filter(|length| *length <= 32)?;
    Some(u32::MAX.checked_shl(32 - length).unwrap_or(0))
}

/// An IPv6 mask, as a length or as an address whose ones are all on the left.
fn v6_mask(text: &str) -> Option<u128> {
    if let Some(IpAddr::V6(mask)) = parse_address(text) {
        let bits = mask.to_bits();
        return (bits.leading_ones() == bits.count_ones()).then_some(bits);
    }
    let length = text.parse::<u32>().ok().filter(|length| *length <= 128)?;
    Some(u128::MAX.checked_shl(128 - length).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("127.0.0.0/25", "127.0.0.127", "127.0.0.128"),
            ("127.0.0.0/255.255.255.128", "127.0.0.10", "127.0.0.200"),
            ("10.1.2.3/8", "10.9.9.9", "11.1.2.3"),
            ("2001:db8::/32", "2001:db8::1", "2001:db9::1"),
            ("2001:db8::/ffff:ffff::", "2001:db8::1", "2001:db9::1"),
            ("[2001:db8::1]", "2001:db8::1", "2001:db8::2"),
            ("192.0.2.1", "::ffff:192.0.2.1", "::192.0.2.1"),
        ] {
            let parsed = Network::parse(network).unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
        }
        assert!(Network::parse("0.0.0.0/0").unwrap().contains("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn malformed_networks_are_refused() {
        for text in
            ["", "example.com", "1.2.3", "1.2.3.4/33", "1.2.3.4/255.0.255.0", "::1/129", "::1/::1"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
