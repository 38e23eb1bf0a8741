//! What is to be sent when a batch has been worked through.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::{ListenerId, SlotId, SlotPool};
use crate::limits::PAYLOAD_BYTES_MAX;

/// Where the bytes of a [`Transmit`] are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// In the outbox's own buffer: a message that was composed here.
    Composed(Range<usize>),
    /// In the slot it was received in: a message that was rewritten in place.
    Slot(SlotId, Range<usize>),
}

/// One datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub destination: SocketAddr,
    /// The listen address whose socket sends it.
    pub listener: ListenerId,
    /// The local address it leaves from; matters on sockets bound to the wildcard address.
    pub source: IpAddr,
    /// Where its bytes are.
    pub payload: Payload,
}

/// What is known of who gets a message, beside the address. Only connections ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The host that the next hop's URI names: what it has to prove to be where that is asked
    /// (RFC 5922 §7.2).
    pub name: Option<Box<str>>,
    /// Where a connection is opened to if there is none to the destination any more
    /// (RFC 3261 §18.2.2); none: to the destination.
    pub otherwise: Option<SocketAddr>,
}

/// The datagrams that a batch caused. Buffers are kept from batch to batch.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The messages that were composed, and behind them what is left of earlier batches: room that
    /// [`Self::push_written`] need not fill before it is written to.
    composed: Vec<u8>,
    /// Where the composed messages end.
    composed_end: usize,
    transmits: Vec<Transmit>,
    /// Peers of some of them, by position, in order.
    peers: Vec<(usize, Peer)>,
}

impl Outbox {
    /// An outbox that grows to its working size with the first batches.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is to be sent, oldest first.
    #[must_use]
    pub fn transmits(&self) -> &[Transmit] {
        &self.transmits
    }

    /// The bytes of one of this outbox's transmits.
    #[must_use]
    pub fn bytes<'a>(&'a self, transmit: &Transmit, slots: &'a SlotPool) -> &'a [u8] {
        match &transmit.payload {
            Payload::Composed(range) => &self.composed[range.clone()],
            Payload::Slot(slot, range) => &slots.slot(*slot)[range.clone()],
        }
    }

    /// Appends a message rewritten in its slot.
    pub fn push(&mut self, transmit: Transmit) {
        self.transmits.push(transmit);
    }

    /// Appends a message that `compose` writes at the end of the buffer it is given. When
    /// `compose` says no, or the message does not fit a datagram, nothing is sent and what was
    /// written is forgotten.
    pub fn push_composed(
        &mut self,
        (destination, listener, source): (SocketAddr, ListenerId, IpAddr),
        compose: impl FnOnce(&mut Vec<u8>) -> bool,
    ) -> bool {
        let start = self.composed_end;
        self.composed.truncate(start);
        if !compose(&mut self.composed) || self.composed.len() - start > PAYLOAD_BYTES_MAX {
            self.composed.truncate(start);
            return false;
        }
        self.composed_end = self.composed.len();
        let payload = Payload::Composed(start..self.composed_end);
        self.transmits.push(Transmit { destination, listener, source, payload });
        true
    }

    /// Room behind the composed messages, for one that [`Self::push_written`] appends. What is in
    /// it may be anything. For what is made again and again: [`Self::push_composed`] takes longer
    /// for each piece, and any number of them.
    #[inline(always)]
    pub fn room<const BYTES: usize>(&mut self) -> Option<&mut [u8; BYTES]> {
        if self.composed.len() < self.composed_end + BYTES {
            self.grow(BYTES);
        }
        self.composed.get_mut(self.composed_end..)?.first_chunk_mut()
    }

    /// Makes room for so many bytes.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, bytes: usize) {
        self.composed.resize(self.composed_end + bytes, 0);
    }

    /// Appends the message that is the first `length` bytes of [`Self::room`].
    #[inline(always)]
    pub fn push_written(
        &mut self,
        (destination, listener, source): (SocketAddr, ListenerId, IpAddr),
        length: usize,
    ) {
        let start = self.composed_end;
        self.composed_end = self.composed.len().min(start + length);
        let payload = Payload::Composed(start..self.composed_end);
        self.transmits.push(Transmit { destination, listener, source, payload });
    }

    /// Notes who gets the newest transmit.
    pub fn note_peer(&mut self, peer: Peer) {
        if let Some(newest) = self.transmits.len().checked_sub(1) {
            self.peers.push((newest, peer));
        }
    }

    /// What is known of who gets the transmit at that position.
    #[must_use]
    pub fn peer(&self, position: usize) -> Option<&Peer> {
        self.peers.iter().find(|(noted, _)| *noted == position).map(|(_, peer)| peer)
    }

    /// Takes the newest transmit back, if it was composed: its way and its bytes.
    pub fn take_composed(&mut self) -> Option<((SocketAddr, ListenerId, IpAddr), Vec<u8>)> {
        let Payload::Composed(range) = self.transmits.last()?.payload.clone() else { return None };
        let transmit = self.transmits.pop()?;
        self.forget_peers();
        self.composed_end = range.start;
        let bytes = self.composed.get(range)?.to_vec();
        Some(((transmit.destination, transmit.listener, transmit.source), bytes))
    }

    /// Forgets the first `count` transmits, which have been sent. The composed bytes go with
    /// the last of them.
    pub fn sent(&mut self, count: usize) {
        if count == self.transmits.len() {
            self.transmits.clear();
            self.peers.clear();
            self.composed_end = 0;
            return;
        }
        self.transmits.drain(..count);
        if !self.peers.is_empty() {
            self.peers.retain_mut(|(position, _)| match position.checked_sub(count) {
                Some(left) => {
                    *position = left;
                    true
                }
                None => false,
            });
        }
    }

    /// Forgets all transmits but the first `count`: what was appended by something that then
    /// failed.
    pub fn truncate(&mut self, count: usize) {
        self.transmits.truncate(count);
        self.forget_peers();
        if self.transmits.is_empty() {
            self.composed_end = 0;
        }
    }

    /// Forgets the peers of transmits that are no more.
    fn forget_peers(&mut self) {
        while self.peers.last().is_some_and(|(position, _)| *position >= self.transmits.len()) {
            self.peers.pop();
        }
    }

    /// Whether everything has been sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transmits.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An outbox with these composed texts.
    fn outbox(texts: &[&str]) -> Outbox {
        let mut outbox = Outbox::new();
        for text in texts {
            assert!(push(&mut outbox, text, true));
        }
        outbox
    }

    /// Composes a text, and sends it or not.
    fn push(outbox: &mut Outbox, text: &str, send: bool) -> bool {
        let way = ("192.0.2.1:5060".parse().unwrap(), ListenerId(0), IpAddr::from([192, 0, 2, 2]));
        outbox.push_composed(way, |bytes| {
            bytes.extend_from_slice(text.as_bytes());
            send
        })
    }

    /// The texts in it.
    fn texts(outbox: &Outbox) -> Vec<String> {
        let slots = SlotPool::new(0, 0);
        let text = |transmit| String::from_utf8_lossy(outbox.bytes(transmit, &slots)).into_owned();
        outbox.transmits().iter().map(text).collect()
    }

    #[test]
    fn what_composing_gives_up_is_forgotten() {
        let mut outbox = outbox(&["one"]);
        assert!(!push(&mut outbox, "unfinished", false));
        assert!(push(&mut outbox, "two", true));
        assert_eq!(texts(&outbox), ["one", "two"]);
    }

    #[test]
    fn the_rest_keeps_its_bytes_when_the_first_are_sent() {
        let mut outbox = outbox(&["one", "two", "three"]);
        outbox.sent(2);
        assert_eq!(texts(&outbox), ["three"]);
        outbox.sent(1);
        assert!(outbox.is_empty() && outbox.composed_end == 0);
    }

    #[test]
    fn what_is_written_stands_among_what_is_composed() {
        let way = ("192.0.2.1:5060".parse().unwrap(), ListenerId(0), IpAddr::from([192, 0, 2, 2]));
        let write = |outbox: &mut Outbox, text: &[u8; 8], length| {
            *outbox.room().unwrap() = *text;
            outbox.push_written(way, length);
        };
        let mut outbox = outbox(&["one"]);
        write(&mut outbox, b"two, etc", 3);
        assert!(outbox.room::<9>().is_some(), "it need not be used");
        assert!(push(&mut outbox, "three", true));
        write(&mut outbox, b"four, or", 4);
        assert_eq!(texts(&outbox), ["one", "two", "three", "four"]);
        let (_, bytes) = outbox.take_composed().unwrap();
        assert_eq!(bytes, b"four");
        assert_eq!(texts(&outbox), ["one", "two", "three"]);
        outbox.sent(3);
        write(&mut outbox, b"five, or", 4);
        assert_eq!(texts(&outbox), ["five"]);
    }

    #[test]
    fn peers_stay_with_their_transmits() {
        let peer = |name: &str| Peer { name: Some(name.into()), otherwise: None };
        let mut outbox = Outbox::new();
        for text in ["one", "two", "three"] {
            push(&mut outbox, text, true);
            outbox.note_peer(peer(text));
        }
        outbox.sent(1);
        assert_eq!((outbox.peer(0), outbox.peer(1)), (Some(&peer("two")), Some(&peer("three"))));
        outbox.truncate(1);
        push(&mut outbox, "four", true);
        assert_eq!((outbox.peer(0), outbox.peer(1)), (Some(&peer("two")), None));
        outbox.sent(2);
        assert_eq!(outbox.peers, []);
    }

    #[test]
    fn a_failed_addition_leaves_what_was_there() {
        let mut outbox = outbox(&["one", "two"]);
        outbox.truncate(1);
        assert_eq!(texts(&outbox), ["one"]);
        outbox.truncate(0);
        assert!(outbox.is_empty() && outbox.composed_end == 0);
    }
}
