//! Receive slots: headroom, datagram, tailroom.

use std::net::SocketAddr;
use std::ops::Range;

use super::{ListenerId, SlotId};
use crate::limits::{DATAGRAM_BYTES_MAX, HEADROOM_BYTES, SLOT_BYTES};

/// A worker's receive slots, allocated once. Pages that no datagram reached cost nothing.
///
/// The first are received into. Where the kernel put several datagrams into one of them, each is
/// moved into one of the others: it needs room before and behind it.
#[derive(Debug)]
pub struct SlotPool {
    memory: Vec<u8>,
    landing_count: usize,
    slot_count: usize,
}

impl SlotPool {
    /// A pool of so many slots to receive into, and so many others.
    #[must_use]
    pub fn new(landing_count: usize, spare_count: usize) -> Self {
        let slot_count = landing_count + spare_count;
        Self { memory: vec![0; slot_count * SLOT_BYTES], landing_count, slot_count }
    }

    /// How many slots there are beside those that are received into.
    #[must_use]
    pub const fn spare_count(&self) -> usize {
        self.slot_count - self.landing_count
    }

    /// Copies a part of what landed in a slot into the spare slot of that number, as a datagram of
    /// its own.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    pub fn split(&mut self, landing: SlotId, part: Range<usize>, spare: usize) -> SlotId {
        let start = |slot: usize| slot * SLOT_BYTES + HEADROOM_BYTES;
        let from = start(usize::from(landing.0));
        let slot = self.landing_count + spare;
        self.memory.copy_within(from + part.start..from + part.end, start(slot));
        SlotId(slot as u16)
    }

    /// The whole slot: headroom, datagram and tailroom.
    #[must_use]
    pub fn slot(&self, id: SlotId) -> &[u8] {
        let start = usize::from(id.0) * SLOT_BYTES;
        &self.memory[start..start + SLOT_BYTES]
    }

    /// The whole slot, to write into.
    pub fn slot_mut(&mut self, id: SlotId) -> &mut [u8] {
        let start = usize::from(id.0) * SLOT_BYTES;
        &mut self.memory[start..start + SLOT_BYTES]
    }

    /// The part of a slot that is received into.
    pub const LANDING: Range<usize> = HEADROOM_BYTES..HEADROOM_BYTES + DATAGRAM_BYTES_MAX;

    /// The slots to receive into, one behind the other: [`SLOT_BYTES`] each.
    pub fn landing_slots(&mut self) -> &mut [u8] {
        &mut self.memory[..self.landing_count * SLOT_BYTES]
    }
}

/// One datagram as it arrived, in its slot.
#[derive(Debug)]
pub struct Received<'a> {
    /// Which slot of the worker's pool this is.
    pub slot: SlotId,
    /// The whole slot; the datagram starts at [`HEADROOM_BYTES`].
    pub buffer: &'a mut [u8],
    /// Length of the datagram (bytes).
    pub length: usize,
    /// How it got here.
    pub arrival: &'a Arrival,
}

/// How a message got here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Who sent it.
    pub source: SocketAddr,
    /// The address it was sent to.
    pub local: SocketAddr,
    /// The listener whose socket got it.
    pub listener: ListenerId,
}

impl Received<'_> {
    /// The datagram's bytes.
    #[must_use]
    pub fn datagram(&self) -> &[u8] {
        &self.buffer[HEADROOM_BYTES..HEADROOM_BYTES + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_landing_has_room_before_and_behind_it_in_its_own_slot() {
        let mut slots = SlotPool::new(3, 0);
        for (number, slot) in slots.landing_slots().chunks_exact_mut(SLOT_BYTES).enumerate() {
            slot[SlotPool::LANDING].fill(number as u8 + 1);
        }
        for number in 0..3 {
            let slot = slots.slot(SlotId(number));
            assert!(slot[..HEADROOM_BYTES].iter().all(|byte| *byte == 0));
            assert_eq!(slot[HEADROOM_BYTES], number as u8 + 1);
            let behind = &slot[HEADROOM_BYTES + DATAGRAM_BYTES_MAX..];
            assert!(behind.iter().all(|byte| *byte == 0));
            assert!(behind.len() >= crate::limits::TAILROOM_BYTES);
        }
    }

    #[test]
    fn a_part_of_a_landing_becomes_a_datagram_of_its_own() {
        let mut slots = SlotPool::new(2, 2);
        assert_eq!((slots.spare_count(), slots.landing_slots().len()), (2, 2 * SLOT_BYTES));
        slots.slot_mut(SlotId(1))[SlotPool::LANDING][..6].copy_from_slice(b"onetwo");
        let slot = slots.split(SlotId(1), 3..6, 1);
        assert_eq!(slot, SlotId(3));
        assert_eq!(&slots.slot(slot)[HEADROOM_BYTES..HEADROOM_BYTES + 4], b"two\0");
    }
}
