//! What was received and is being worked through, datagram by datagram.

use std::net::SocketAddr;

use super::udp::{Landed, Reception, UdpListener};
use crate::limits::BATCH_DATAGRAMS_MAX;
use crate::mem::{SlotId, SlotPool};
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
    /// The one that is being worked through.
    landing: usize,
    /// What landed there, if that is several datagrams and the first was taken.
    merged: Option<Merged>,
    /// Datagrams that have been taken from this batch.
    taken: usize,
    /// Spare slots in use.
    spares: usize,
}

/// A datagram in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Its slot.
    pub slot: SlotId,
    /// Its length (bytes).
    pub length: usize,
    /// Who sent it.
    pub source: SocketAddr,
    /// The address that it was sent to.
    pub local: SocketAddr,
    /// Datagrams that the socket lost since it told last.
    pub lost: u32,
}

/// Datagrams that landed as one.
#[derive(Debug)]
struct Merged {
    landed: Landed,
    /// Bytes of those that have been taken.
    taken: usize,
}

/// What comes next in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A datagram.
    Datagram(Datagram),
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
            landing: 0,
            merged: None,
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
        (self.filled, self.landing, self.taken) = (count, 0, 0);
        self.merged = None;
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
    pub const fn is_done(&self) -> bool {
        self.landing == self.filled
    }

    /// The next datagram of the batch, which is that of `listener`.
    #[inline]
    pub fn next(&mut self, listener: &mut UdpListener) -> Next {
        if self.is_done() {
            return Next::Nothing;
        }
        if self.merged.is_none() {
            let Some(landed) = listener.arrival(&self.batch, self.landing) else {
                self.landing += 1;
                return Next::Unreadable;
            };
            if landed.step >= landed.whole.length {
                self.landing += 1;
                self.taken += 1;
                return Next::Datagram(landed.whole);
            }
            self.merged = Some(Merged { landed, taken: 0 });
        }
        self.next_of_merged()
    }

    /// The next of the datagrams that landed as one, if a slot is free.
    fn next_of_merged(&mut self) -> Next {
        let Some(Merged { landed: Landed { whole, step }, taken }) = &mut self.merged else {
            return Next::Nothing;
        };
        if self.spares == self.slots.spare_count() {
            return Next::NoSlot;
        }
        let (start, end) = (*taken, whole.length.min(*taken + *step));
        let slot = self.slots.split(whole.slot, start..end, self.spares);
        let datagram = Datagram { slot, length: end - start, ..*whole };
        (*taken, whole.lost) = (end, 0);
        if end == whole.length {
            self.merged = None;
            self.landing += 1;
        }
        self.spares += 1;
        self.taken += 1;
        Next::Datagram(datagram)
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
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::super::{Steering, bind_group};
    use super::*;
    use crate::limits::HEADROOM_BYTES;
    use crate::mem::ListenerId;
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

    /// All datagrams until something else comes: their texts, and that.
    fn take(inbox: &mut Inbox, listener: &mut UdpListener) -> (Vec<String>, Next) {
        let mut texts = Vec::new();
        loop {
            match inbox.next(listener) {
                Next::Datagram(datagram) => {
                    let bytes = &inbox.slots().slot(datagram.slot)[HEADROOM_BYTES..];
                    texts.push(String::from_utf8_lossy(&bytes[..datagram.length]).into_owned());
                }
                next => return (texts, next),
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
        assert_eq!((first.source, first.local), (source, listener.local_address()));
        let (rest, end) = take(&mut inbox, &mut listener);
        assert_eq!((&rest[..], end), (&texts[1..], Next::Nothing));
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
        assert_eq!((&first[..], end), (&texts[..BATCH_DATAGRAMS_MAX], Next::NoSlot));
        assert!(!inbox.is_done());
        inbox.release();
        let (second, end) = take(&mut inbox, &mut listener);
        assert_eq!((&second[..], end), (&texts[BATCH_DATAGRAMS_MAX..], Next::Nothing));
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
