//! Messages whose next hop is a name that is being asked for. They are finished but for the
//! address, and go out when it is known; a stateless proxy keeps no more than that.

use std::net::{IpAddr, SocketAddr};

use smallvec::SmallVec;

use super::standing::Standing;
use super::turn::Turn;
use crate::limits::{PARKED_BYTES_MAX, PARKED_COUNT_MAX, PARKED_MS_MAX};
use crate::mem::{ListenerId, Outbox, Peer};
use crate::metrics::{Counter, WorkerCounters};
use crate::names::{Choice, Lookup, NameTable};
use crate::protocol::{Transport, is_nobody};
use crate::sip::{Essentials, host_ip};
use crate::time::Now;

/// Time between two looks at whether there are answers.
const LOOK_INTERVAL_MS: u64 = 10;

/// The code of the answer to a request whose next hop has no address.
pub(super) const UNRESOLVABLE_CODE: u16 = 478;

/// Time between two looks at each message that waits, answers or not: some questions could not be
/// put at once.
const FULL_LOOK_INTERVAL_MS: u64 = 200;

/// Where a message goes: to, by which listener, from.
pub(super) type Way = (SocketAddr, ListenerId, IpAddr);

/// A host that is a name, with the port that stands beside it and what is sent by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedHost {
    transport: Transport,
    host: SmallVec<[u8; 64]>,
    port: Option<u16>,
    lot: u64,
}

/// A message that waits for an address.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) named: NamedHost,
    /// The message as it leaves, for each family that it can leave by.
    pub(super) forms: Forms,
    /// What is counted then.
    pub(super) counted: Counted,
    pub(super) otherwise: Otherwise,
}

/// What is counted when a message leaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted {
    /// A message that is forwarded.
    Forwarded(Counter),
    /// A reply made here, with that code.
    Reply(u16),
}

impl Counted {
    /// Counts it.
    pub(super) fn add_to(self, counters: &WorkerCounters) {
        match self {
            Self::Forwarded(counter) => counters.count(counter),
            Self::Reply(code) => counters.count_reply(code),
        }
    }
}

/// The forms of a message: one for a family, at least one.
pub(super) type Forms = SmallVec<[Form; 1]>;

/// A message as it leaves by a listener.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) listener: ListenerId,
    pub(super) source: IpAddr,
    pub(super) message: Vec<u8>,
}

/// What is done when there is no address.
#[derive(Debug)]
pub(super) enum Otherwise {
    /// Nothing.
    Drop,
    /// The client is told so: the answer and its way.
    Refuse(Way, Vec<u8>),
    /// The message goes there.
    Send(SocketAddr),
}

/// The messages that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct ParkingLot {
    /// Each with the time it waits until, in milliseconds of the monotonic clock.
    parked: Vec<(Parked, u64)>,
    /// Bytes of all of them.
    size: usize,
    /// When it is looked whether there are answers, in milliseconds of the monotonic clock.
    look_at_ms: u64,
    /// When each message is looked at next, answers or not.
    full_look_at_ms: u64,
    /// Answers that there were at the last look.
    seen_count: u64,
}

impl NamedHost {
    /// The host, which is a name, with the number that chooses among its servers: the same for a
    /// request, its retransmission, its CANCEL, its ACK to a failure and its responses.
    pub(super) fn new(
        turn: &Turn<'_>,
        essentials: Option<&Essentials<'_>>,
        (transport, host, port): (Transport, &[u8], Option<u16>),
    ) -> Self {
        let lot = essentials.map_or(0, |essentials| {
            let Essentials { call_id, cseq, from, .. } = essentials;
            let tag = from.tag().unwrap_or_default();
            let digits = turn.standing.key.tag(call_id, Some(cseq.number), tag);
            let digits = std::str::from_utf8(&digits).unwrap_or_default();
            u64::from_str_radix(digits, 16).unwrap_or_default()
        });
        Self { transport, host: SmallVec::from_slice(host), port, lot }
    }

    /// What is known of it for a listener of that family, or of both.
    pub(super) fn lookup(&self, turn: &Turn<'_>, [v4, v6]: [bool; 2]) -> Lookup {
        let names = &turn.standing.parts.names;
        let choice = Choice { transport: self.transport, v4, v6, lot: self.lot };
        names.lookup(&self.host, self.port, choice, turn.now.monotonic_ms)
    }
}

impl Parked {
    /// What is known of its name.
    fn lookup(&self, names: &NameTable, now_ms: u64) -> Lookup {
        let NamedHost { transport, host, port, lot } = &self.named;
        let goes = |is_v4| self.forms.iter().any(|form| form.source.is_ipv4() == is_v4);
        let (v4, v6) = (goes(true), goes(false));
        names.lookup(host, *port, Choice { transport: *transport, v4, v6, lot: *lot }, now_ms)
    }

    /// What is sent now that its address is known, or that it has none: the way, the message and
    /// what is counted.
    fn leave(&self, address: Option<SocketAddr>) -> Option<(Way, &[u8], Counted)> {
        let address = match (address, &self.otherwise) {
            (Some(address), _) => address,
            (None, Otherwise::Send(address)) => *address,
            (None, Otherwise::Refuse(way, refusal)) => {
                return Some((*way, refusal, Counted::Reply(UNRESOLVABLE_CODE)));
            }
            (None, Otherwise::Drop) => return None,
        };
        let form = self.forms.iter().find(|it| it.source.is_ipv4() == address.is_ipv4())?;
        Some(((address, form.listener, form.source), &form.message, self.counted))
    }

    /// Bytes that it keeps, about.
    fn size(&self) -> usize {
        let refusal = match &self.otherwise {
            Otherwise::Refuse(_, answer) => answer.len(),
            Otherwise::Drop | Otherwise::Send(_) => 0,
        };
        let messages: usize = self.forms.iter().map(|form| form.message.len()).sum();
        size_of::<Self>() + messages + refusal
    }
}

impl ParkingLot {
    /// Keeps a message; false if there are too many.
    pub(super) fn park(&mut self, parked: Parked, now: Now) -> bool {
        let size = self.size + parked.size();
        if self.parked.len() >= PARKED_COUNT_MAX || size > PARKED_BYTES_MAX {
            return false;
        }
        if self.parked.is_empty() {
            self.look_at_ms = now.monotonic_ms + LOOK_INTERVAL_MS;
            self.full_look_at_ms = now.monotonic_ms;
        }
        self.size = size;
        self.parked.push((parked, now.monotonic_ms + PARKED_MS_MAX));
        true
    }

    /// When [`settle`] is due.
    pub(super) fn due_ms(&self) -> Option<u64> {
        (!self.parked.is_empty()).then_some(self.look_at_ms)
    }

    /// Whether there may be something to do.
    fn has_news(&mut self, settled_count: u64, now_ms: u64) -> bool {
        self.look_at_ms = now_ms + LOOK_INTERVAL_MS;
        let is_late = self.parked.first().is_some_and(|(_, until_ms)| *until_ms <= now_ms);
        if settled_count == self.seen_count && !is_late && now_ms < self.full_look_at_ms {
            return false;
        }
        self.seen_count = settled_count;
        self.full_look_at_ms = now_ms + FULL_LOOK_INTERVAL_MS;
        true
    }
}

/// What is known of the host that a request goes to by TLS: it has to prove its name, if it is none
/// but an address.
#[cold]
pub(super) fn peer_of(host: &[u8]) -> Option<Peer> {
    if host_ip(host).is_some() {
        return None;
    }
    let name = std::str::from_utf8(host).ok()?;
    Some(Peer { name: Some(name.into()), otherwise: None })
}

/// Sends what waited for a name that is known now, and refuses what waited in vain.
pub(super) fn settle(standing: &mut Standing, now: Now, outbox: &mut Outbox) {
    let Standing { parts, parking, identity, .. } = standing;
    let now_ms = now.monotonic_ms;
    if parking.due_ms().is_none_or(|due| now_ms < due)
        || !parking.has_news(parts.names.settled_count(), now_ms)
    {
        return;
    }
    let ParkingLot { parked, size, .. } = parking;
    parked.retain(|(parked, until_ms)| {
        let address = match parked.lookup(&parts.names, now_ms) {
            Lookup::Waiting if now_ms < *until_ms => return true,
            Lookup::Known(address) if address.port() != 0 && !is_nobody(address.ip()) => {
                Some(address)
            }
            _ => None,
        };
        *size = size.saturating_sub(parked.size());
        if let Some((way, message, counted)) = parked.leave(address) {
            counted.add_to(&parts.counters);
            let is_queued = outbox.push_composed(way, |out| {
                out.extend_from_slice(message);
                true
            });
            let leaves_by = identity.listener(way.1).map(|listener| listener.transport);
            if is_queued
                && leaves_by == Some(Transport::Tls)
                && matches!(counted, Counted::Forwarded(_))
                && let Some(peer) = peer_of(&parked.named.host)
            {
                outbox.note_peer(peer);
            }
        }
        false
    });
}
