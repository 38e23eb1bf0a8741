//! What was received and is being worked through, datagram by datagram.

use std::ops::Range;

use super::udp::{Landed, Reception, UdpListener};
use crate::limits::BATCH_DATAGRAMS_MAX;
use crate::mem::{Received, SlotId, SlotPool};
use crate::sys::ReceiveBatch;

/// A batch of a listener's datagrams.
///
/// The kernel may merge datagrams of one peer and one length that came together (UDP receive
/// offload), which costs a fraction of what they cost one by one. A landing then has several, and
/// each is moved into a slot of its own. There may be more of them than slots; then the caller
/// sends what they caused, says [`Inbox::release`], and goes on.
#[derive(Debug)]
pub struct Inbox {
    batch: ReceiveBatch,
    slots: SlotPool,
    /// Landings that are filled.
    filled: usize,
    /// Those of them that have been begun.
    begun: usize,
    /// What is in the last of these.
    landed: Landed,
    /// Where in it the datagrams are that have not been taken, if it is several.
    rest: Range<usize>,
    /// Datagrams that have been taken from this batch.
    taken: usize,
    /// Spare slots in use.
    spares: usize,
}

/// What comes next in a batch.
#[derive(Debug)]
pub enum Next<'i> {
    /// A datagram.
    Datagram(Received<'i>),
    /// One that was cut off, or comes from no IP address.
    Unreadable,
    /// Datagrams for which there is no slot now.
    NoSlot,
    /// Nothing.
    Nothing,
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            batch: ReceiveBatch::new(BATCH_DATAGRAMS_MAX),
            slots: SlotPool::new(BATCH_DATAGRAMS_MAX, BATCH_DATAGRAMS_MAX),
            filled: 0,
            begun: 0,
            landed: Landed::NOTHING,
            rest: 0..0,
            taken: 0,
            spares: 0,
        }
    }
}

impl Inbox {
    /// Receives the next batch, and does not wait. Whether the listener's queue was found empty:
    /// what comes next will be announced.
    pub fn receive(&mut self, listener: &mut UdpListener) -> bool {
        let wanted = self.wanted();
        let Reception { count, drained } =
            listener.receive(&mut self.batch, &mut self.slots, wanted);
        (self.filled, self.begun, self.taken) = (count, 0, 0);
        self.rest = 0..0;
        drained
    }

    /// Landings to be filled. Merged datagrams are taken a few landings at a time, so that they
    /// stay in the cache.
    const fn wanted(&self) -> usize {
        if self.taken <= self.filled || self.filled == 0 {
            return BATCH_DATAGRAMS_MAX;
        }
        let each = self.taken / self.filled;
        if each < BATCH_DATAGRAMS_MAX { BATCH_DATAGRAMS_MAX / each } else { 1 }
    }

    /// Whether all of the batch has been taken.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.begun == self.filled && self.rest.is_empty()
    }

    /// The next datagram of the batch, which is that of `listener`.
    #[inline]
    pub fn next(&mut self, listener: &mut UdpListener) -> Next<'_> {
        if !self.rest.is_empty() {
            return self.next_of_merged();
        }
        if self.begun == self.filled {
            return Next::Nothing;
        }
        let landing = self.begun;
        self.begun += 1;
        if !listener.take(&self.batch, landing, &mut self.landed) {
            return Next::Unreadable;
        }
        let Landed { length, step, .. } = self.landed;
        if step < length {
            self.rest = 0..length;
            return self.next_of_merged();
        }
        self.taken += 1;
        self.received(SlotId(landing as u16), length)
    }

    /// The next of the datagrams that landed as one, if a slot is free.
    fn next_of_merged(&mut self) -> Next<'_> {
        if self.spares == self.slots.spare_count() {
            return Next::NoSlot;
        }
        let end = self.rest.end.min(self.rest.start + self.landed.step);
        let (part, landing) = (self.rest.start..end, SlotId((self.begun - 1) as u16));
        let length = part.len();
        self.rest.start = end;
        let slot = self.slots.split(landing, part, self.spares);
        self.spares += 1;
        self.taken += 1;
        self.received(slot, length)
    }

    /// A datagram of what has landed.
    #[inline]
    fn received(&mut self, slot: SlotId, length: usize) -> Next<'_> {
        let buffer = self.slots.slot_mut(slot);
        Next::Datagram(Received { slot, buffer, length, arrival: &self.landed.arrival })
    }

    /// Takes the slots back: nothing of what has been taken is needed any more.
    pub const fn release(&mut self) {
        self.spares = 0;
    }

    /// The slots.
    #[must_use]
    pub const fn slots(&self) -> &SlotPool {
        &self.slots
    }

    /// The slots, to work in.
    pub const fn slots_mut(&mut self) -> &mut SlotPool {
        &mut self.slots
    }
}

const _: () = assert!(2 * BATCH_DATAGRAMS_MAX <= u16::MAX as usize, "a SlotId counts the slots");

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};
    use std::os::fd::AsFd;

    use super::super::{Steering, bind_group};
    use super::*;
    use crate::mem::{Arrival, ListenerId};
    use crate::sys::{Outgoing, SendBatch};

    /// A listener on a free port.
    fn listener() -> UdpListener {
        let address = "127.0.0.1:0".parse().unwrap();
        bind_group(ListenerId(0), address, 1, Steering::Hash).unwrap().remove(0)
    }

    /// Sends these so that what is alike arrives as one.
    fn send(listener: &UdpListener, texts: &[String]) -> SocketAddr {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let destination = listener.local_address();
        let datagrams = texts.iter().map(|text| Outgoing {
            bytes: text.as_bytes(),
            destination: &destination,
            source: None,
        });
        let sent = SendBatch::merging(texts.len()).send(peer.as_fd(), datagrams);
        assert_eq!(sent.unwrap(), texts.len());
        peer.local_addr().unwrap()
    }

    /// All datagrams until something else comes: their texts, and whether that is for want of
    /// slots.
    fn take(inbox: &mut Inbox, listener: &mut UdpListener) -> (Vec<String>, bool) {
        let mut texts = Vec::new();
        loop {
            match inbox.next(listener) {
                Next::Datagram(received) => {
                    texts.push(String::from_utf8_lossy(received.datagram()).into_owned());
                }
                Next::NoSlot => return (texts, true),
                Next::Nothing => return (texts, false),
                Next::Unreadable => panic!("something was cut off"),
            }
        }
    }

    #[test]
    fn merged_datagrams_come_one_by_one_in_order() {
        let mut listener = listener();
        let texts = ["aa", "bb", "c", "long", ""].map(str::to_owned);
        let source = send(&listener, &texts);
        let mut inbox = Inbox::default();
        assert!(inbox.receive(&mut listener));
        assert_eq!(inbox.filled, 3);
        let Next::Datagram(first) = inbox.next(&mut listener) else { panic!("nothing came") };
        let Arrival { source: from, local, .. } = *first.arrival;
        assert_eq!((from, local), (source, listener.local_address()));
        let (rest, end) = take(&mut inbox, &mut listener);
        assert_eq!((&rest[..], end), (&texts[1..], false));
        assert!(inbox.is_done());
    }

    #[test]
    fn more_than_there_are_slots_for_wait_until_slots_are_free() {
        let mut listener = listener();
        let texts: Vec<String> =
            (100..100 + 2 * BATCH_DATAGRAMS_MAX).map(|number| number.to_string()).collect();
        send(&listener, &texts);
        let mut inbox = Inbox::default();
        inbox.receive(&mut listener);
        let (first, end) = take(&mut inbox, &mut listener);
        assert_eq!((&first[..], end), (&texts[..BATCH_DATAGRAMS_MAX], true));
        assert!(!inbox.is_done());
        inbox.release();
        let (second, end) = take(&mut inbox, &mut listener);
        assert_eq!((&second[..], end), (&texts[BATCH_DATAGRAMS_MAX..], false));
    }

    #[test]
    fn landings_are_few_while_they_hold_many() {
        let mut listener = listener();
        let texts = vec!["x".to_owned(); 32];
        let mut inbox = Inbox::default();
        for wanted in [BATCH_DATAGRAMS_MAX, 2, 2] {
            send(&listener, &texts);
            assert_eq!(inbox.wanted(), wanted);
            assert!(inbox.receive(&mut listener));
            assert_eq!(inbox.filled, 1);
            take(&mut inbox, &mut listener);
            inbox.release();
        }
        inbox.receive(&mut listener);
        assert_eq!(inbox.wanted(), BATCH_DATAGRAMS_MAX);
    }
}
