//! Requests whose next hop is a name that is being asked for. They are finished but for the
//! address, and go out when it is known; a stateless proxy keeps no more than that.

use std::net::{IpAddr, SocketAddr};

use super::standing::Standing;
use crate::limits::PARKED_COUNT_MAX;
use crate::mem::{ListenerId, Outbox};
use crate::metrics::Counter;
use crate::names::{HostName, Lookup};
use crate::time::Now;

/// Time between two looks at the names that are waited for.
const LOOK_INTERVAL_MS: u64 = 10;

/// The code of [`Parked::refusal`].
pub(super) const UNRESOLVABLE_CODE: u16 = 478;

/// A request that waits for an address.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) host: HostName,
    pub(super) port: u16,
    pub(super) listener: ListenerId,
    pub(super) source: IpAddr,
    /// The request as it leaves.
    pub(super) request: Vec<u8>,
    /// The answer that says that there is no such host, and its way; an ACK has none.
    pub(super) refusal: Option<((SocketAddr, ListenerId, IpAddr), Vec<u8>)>,
    /// How long it waits, in milliseconds of the monotonic clock.
    pub(super) until_ms: u64,
}

/// The requests that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct ParkingLot {
    parked: Vec<Parked>,
    /// When the names are looked at next, in milliseconds of the monotonic clock.
    look_at_ms: u64,
}

impl ParkingLot {
    /// Keeps a request; false if there are too many.
    pub(super) fn park(&mut self, parked: Parked, now: Now) -> bool {
        if self.parked.len() >= PARKED_COUNT_MAX {
            return false;
        }
        self.look_at_ms = now.monotonic_ms + LOOK_INTERVAL_MS;
        self.parked.push(parked);
        true
    }

    /// When [`settle`] is due.
    pub(super) fn due_ms(&self) -> Option<u64> {
        (!self.parked.is_empty()).then_some(self.look_at_ms)
    }
}

/// Sends what waited for a name that is known now, and refuses what waited in vain.
pub(super) fn settle(standing: &mut Standing, now: Now, outbox: &mut Outbox) {
    let Standing { parts, identity, parking, .. } = standing;
    if parking.due_ms().is_none_or(|due| now.monotonic_ms < due) {
        return;
    }
    parking.look_at_ms = now.monotonic_ms + LOOK_INTERVAL_MS;
    parking.parked.retain(|parked| {
        let lookup = parts.names.lookup(&parked.host, now.monotonic_ms);
        let is_v4 = identity.listener(parked.listener).is_some_and(|own| own.address.is_ipv4());
        let address = match lookup {
            Lookup::Waiting if now.monotonic_ms < parked.until_ms => return true,
            Lookup::Known(addresses) => addresses.choose(is_v4, !is_v4),
            Lookup::Unknown | Lookup::Waiting => None,
        };
        let (way, message, counter) = match (address, &parked.refusal) {
            (Some(ip), _) => {
                let way = (SocketAddr::new(ip, parked.port), parked.listener, parked.source);
                (way, &parked.request, Counter::ForwardedRequests)
            }
            (None, Some((way, refusal))) => (*way, refusal, Counter::SentReplies),
            (None, None) => return false,
        };
        match counter {
            Counter::SentReplies => parts.counters.count_reply(UNRESOLVABLE_CODE),
            other => parts.counters.count(other),
        }
        outbox.push_composed(way, |out| {
            out.extend_from_slice(message);
            true
        });
        false
    });
}
