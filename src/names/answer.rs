//! What is known of a name, and the choice of one address of it.

use std::net::{IpAddr, SocketAddr};

use smallvec::SmallVec;

use super::Lookup;
use crate::limits::{NAME_ADDRESS_COUNT_MAX, NAME_TARGET_COUNT_MAX};
use crate::protocol::Transport;

/// The addresses of a host.
pub type Addresses = SmallVec<[IpAddr; 2]>;

/// A server that a name stands for: a host with its port, or one of the servers that the SRV
/// records of a domain name (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Those with the lowest number are used, as long as one of them has an address.
    pub priority: u16,
    /// The share of the requests that it gets among those of its priority.
    pub weight: u16,
    /// Its port, where the request names none.
    pub port: u16,
    /// Its addresses; none if they are not known.
    pub addresses: Addresses,
}

/// What came of asking for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The servers that it stands for, for so long (milliseconds).
    Found(Vec<Target>, u64),
    /// It stands for none: there is no such name, it has no address, or its SRV record says that
    /// there is no such service. For so long (milliseconds).
    Nothing(u64),
    /// Nobody who knows has answered.
    Failed,
}

impl Answer {
    /// A host with these addresses.
    pub fn host(addresses: impl IntoIterator<Item = IpAddr>, port: u16, ttl_ms: u64) -> Self {
        let addresses = addresses.into_iter().collect();
        Self::Found(vec![Target { priority: 0, weight: 0, port, addresses }], ttl_ms)
    }
}

/// Who asks for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What it sends by.
    pub transport: Transport,
    /// Whether it can send over IPv4.
    pub v4: bool,
    /// Whether it can send over IPv6.
    pub v6: bool,
    /// A number that is the same for all messages of a transaction, and evenly spread over
    /// transactions: it chooses among servers of one priority, so that a retransmission goes where
    /// the request went (RFC 3263 §4.4).
    pub lot: u64,
}

/// Brings targets into an order that does not depend on that of the records, no more of them than
/// may be kept.
pub(super) fn sort(targets: &mut Vec<Target>) {
    for target in targets.iter_mut() {
        target.addresses.sort_unstable();
        target.addresses.dedup();
        target.addresses.truncate(NAME_ADDRESS_COUNT_MAX);
    }
    targets.sort_unstable();
    targets.truncate(NAME_TARGET_COUNT_MAX);
}

impl Choice {
    /// Chooses one of `targets`, which are sorted, and an address of it; `port` goes before that
    /// of the target.
    pub(super) fn among(self, targets: &[Target], port: Option<u16>) -> Lookup {
        if targets.is_empty() {
            return Lookup::Unknown;
        }
        let usable = || targets.iter().filter(|target| self.addresses(target).next().is_some());
        let Some(first) = usable().next() else { return Lookup::Unreachable };
        let equals = || usable().filter(|target| target.priority == first.priority);
        let target = self.by_weight(equals).unwrap_or(first);
        let count = self.addresses(target).count().max(1);
        // Other bits than those that the weights are compared with.
        let position = (self.lot >> 32) as usize % count;
        match self.addresses(target).nth(position) {
            Some(ip) => Lookup::Known(SocketAddr::new(ip, port.unwrap_or(target.port))),
            None => Lookup::Unreachable,
        }
    }

    /// The choice among targets of one priority (RFC 2782): those with weight 0, which stand
    /// first, have a small chance beside others; where all have it, they are equals.
    fn by_weight<'t, I>(self, targets: impl Fn() -> I) -> Option<&'t Target>
    where
        I: Iterator<Item = &'t Target>,
    {
        let sum: u64 = targets().map(|target| u64::from(target.weight)).sum();
        if sum == 0 {
            return targets().nth(self.lot as usize % targets().count().max(1));
        }
        let number = self.lot % (sum + 1);
        let mut so_far = 0;
        targets().find(|target| {
            so_far += u64::from(target.weight);
            so_far >= number
        })
    }

    /// The addresses of a target that can be sent to, of one family: IPv4 if it has such.
    fn addresses(self, target: &Target) -> impl Iterator<Item = IpAddr> {
        let has_v4 = self.v4 && target.addresses.iter().any(IpAddr::is_ipv4);
        let has_v6 = self.v6 && !has_v4;
        target
            .addresses
            .iter()
            .copied()
            .filter(move |ip| if ip.is_ipv4() { has_v4 } else { has_v6 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server 192.0.2.`last` at port 5000 + `last`.
    fn target(priority: u16, weight: u16, last: u8) -> Target {
        let addresses = Addresses::from_iter([IpAddr::from([192, 0, 2, last])]);
        Target { priority, weight, port: 5_000 + u16::from(last), addresses }
    }

    /// Who sends over IPv4.
    fn v4(lot: u64) -> Choice {
        Choice { transport: Transport::Udp, v4: true, v6: false, lot }
    }

    /// How often each server is chosen, by the last part of its address, with numbers as a hash
    /// gives them.
    fn shares(mut targets: Vec<Target>) -> [u32; 5] {
        sort(&mut targets);
        let mut shares = [0; 5];
        for number in 0..10_000_u64 {
            let mut lot = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            lot = (lot ^ (lot >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let Lookup::Known(address) = v4(lot ^ (lot >> 29)).among(&targets, None) else {
                panic!("{targets:?}");
            };
            let IpAddr::V4(ip) = address.ip() else { panic!("{address}") };
            shares[usize::from(ip.octets()[3])] += 1;
        }
        shares
    }

    #[test]
    fn only_servers_of_the_first_priority_with_an_address_are_used() {
        let mut without = target(0, 9, 1);
        without.addresses.clear();
        assert_eq!(
            shares(vec![target(20, 9, 3), without, target(10, 0, 2), target(20, 9, 4)]),
            [0, 0, 10_000, 0, 0]
        );
    }

    #[test]
    fn servers_of_one_priority_share_by_weight() {
        let found = shares(vec![target(1, 30, 1), target(1, 60, 2), target(1, 10, 3)]);
        for (found, share) in found.iter().zip([0, 3_000, 6_000, 1_000, 0_u32]) {
            assert!(found.abs_diff(share) < 300, "{found} is near {share}");
        }
        let [_, zero, ten, ..] = shares(vec![target(1, 0, 1), target(1, 10, 2)]);
        assert!((700..1_100).contains(&zero) && zero + ten == 10_000, "{zero}");
        let [_, one, other, ..] = shares(vec![target(1, 0, 1), target(1, 0, 2)]);
        assert!(one.abs_diff(other) < 600, "{one} {other}");
    }

    #[test]
    fn the_choice_does_not_depend_on_the_order_of_the_records() {
        let mut targets: Vec<_> = (1..=4).map(|last| target(1, 10, last)).collect();
        let mut turned: Vec<_> = targets.iter().rev().cloned().collect();
        sort(&mut targets);
        sort(&mut turned);
        for lot in 0..200 {
            assert_eq!(v4(lot).among(&targets, None), v4(lot).among(&turned, None));
        }
    }

    #[test]
    fn the_family_is_one_that_can_be_sent_over() {
        let v6 = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
        let mut both = target(1, 1, 1);
        both.addresses.push(v6);
        let known = |ip: IpAddr, port| Lookup::Known(SocketAddr::new(ip, port));
        let choose = |v4, v6, targets: &[Target], port| {
            Choice { v4, v6, ..self::v4(7) }.among(targets, port)
        };
        let both = [both];
        assert_eq!(choose(true, true, &both, None), known([192, 0, 2, 1].into(), 5_001));
        assert_eq!(choose(false, true, &both, Some(5_070)), known(v6, 5_070));
        assert_eq!(choose(false, true, &[target(1, 1, 1)], None), Lookup::Unreachable);
        assert_eq!(choose(true, true, &[], None), Lookup::Unknown);
    }

    #[test]
    fn more_than_is_kept_is_left_out() {
        let mut many: Vec<_> = (0..200).map(|n| target(200 - n, 1, 1)).collect();
        many[0].addresses = (0..200).map(|last| IpAddr::from([192, 0, 2, last])).collect();
        many[0].priority = 0;
        sort(&mut many);
        assert_eq!(many.len(), NAME_TARGET_COUNT_MAX);
        assert_eq!((many[0].addresses.len(), many[1].priority), (NAME_ADDRESS_COUNT_MAX, 1));
    }
}
