//! Receive slots: headroom, datagram, tailroom.

use std::net::SocketAddr;

use super::{ListenerId, SlotId};
use crate::limits::{DATAGRAM_BYTES_MAX, HEADROOM_BYTES, SLOT_BYTES};

/// A worker's receive slots, allocated once. Pages that no datagram reached cost nothing.
#[derive(Debug)]
pub struct SlotPool {
    memory: Vec<u8>,
    slot_count: usize,
}

impl SlotPool {
    /// A pool of `slot_count` slots.
    #[must_use]
    pub fn new(slot_count: usize) -> Self {
        Self { memory: vec![0; slot_count * SLOT_BYTES], slot_count }
    }

    /// How many slots there are.
    #[must_use]
    pub const fn slot_count(&self) -> usize {
        self.slot_count
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

    /// The part of each slot that a datagram is received into, in the order of the slots.
    pub fn landings(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.memory
            .chunks_exact_mut(SLOT_BYTES)
            .map(|slot| &mut slot[HEADROOM_BYTES..HEADROOM_BYTES + DATAGRAM_BYTES_MAX])
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
    /// Who sent it.
    pub source: SocketAddr,
    /// The address it was sent to.
    pub local: SocketAddr,
    /// The listen address whose socket got it.
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
        let mut slots = SlotPool::new(3);
        for (number, landing) in slots.landings().enumerate() {
            assert_eq!(landing.len(), DATAGRAM_BYTES_MAX);
            landing.fill(number as u8 + 1);
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
}
