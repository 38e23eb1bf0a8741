//! When calls want to be looked at again.
//!
//! A wheel of slots of a quarter of a millisecond. A call has at most a few entries: one that has
//! become too early is looked at and set anew when it comes, so that timers which are put off
//! again and again (most are) cost nothing.

use super::calls::CallRef;
use crate::moment::Moment;

/// Length of a tick, as a power of two of nanoseconds: 2^18 ns are 262 µs.
const TICK_SHIFT: u32 = 18;

/// Ticks around the wheel: 4.3 s. Later entries stay in their slot for more than one turn.
const TICKS: usize = 16_384;

/// A timer wheel.
#[derive(Debug)]
pub(super) struct Timers {
    slots: Vec<Vec<Entry>>,
    /// A bit for each slot that is not empty.
    occupied: Vec<u64>,
    /// The first tick that was not handled.
    next_tick: u64,
    /// Memory for [`Timers::expire`].
    due: Vec<Entry>,
}

/// An entry: a call and its tick.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tick: u64,
    call: CallRef,
}

/// The tick at whose end `moment` has come.
const fn tick_of(moment: Moment) -> u64 {
    moment.nanos() >> TICK_SHIFT
}

impl Timers {
    /// A wheel that starts at `now`.
    pub(super) fn new(now: Moment) -> Self {
        Self {
            slots: vec![Vec::new(); TICKS],
            occupied: vec![0; TICKS / 64],
            next_tick: tick_of(now),
            due: Vec::new(),
        }
    }

    /// Sets an entry; gives the moment at which it comes.
    pub(super) fn set(&mut self, at: Moment, call: CallRef) -> Moment {
        let tick = tick_of(at).max(self.next_tick);
        let slot = slot_of(tick);
        self.slots[slot].push(Entry { tick, call });
        self.occupied[slot / 64] |= 1 << (slot % 64);
        end_of(tick)
    }

    /// When the next entry may come, at the latest.
    pub(super) fn next(&self) -> Option<Moment> {
        let start = slot_of(self.next_tick);
        let words = self.occupied.len();
        for step in 0..=words {
            let word = (start / 64 + step) % words;
            let mut bits = self.occupied[word];
            if step == 0 {
                bits &= !0 << (start % 64);
            }
            if bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                let ahead = (slot + TICKS - start) % TICKS;
                return Some(end_of(self.next_tick + ahead as u64));
            }
        }
        None
    }

    /// Calls `handle` for each entry whose tick has ended.
    pub(super) fn expire(&mut self, now: Moment, mut handle: impl FnMut(&mut Self, CallRef)) {
        let end = tick_of(now);
        if end.saturating_sub(self.next_tick) > TICKS as u64 {
            // A whole turn was missed: each slot is looked at once.
            self.next_tick = end - TICKS as u64;
        }
        while self.next_tick < end {
            let slot = slot_of(self.next_tick);
            self.next_tick += 1;
            if self.occupied[slot / 64] & 1 << (slot % 64) != 0 {
                self.expire_slot(slot, end, &mut handle);
            }
        }
    }

    /// Handles the entries of one slot that are before `end`; others stay for another turn.
    fn expire_slot(&mut self, slot: usize, end: u64, handle: &mut impl FnMut(&mut Self, CallRef)) {
        let mut due = std::mem::take(&mut self.due);
        self.slots[slot].retain(|entry| {
            let is_due = entry.tick < end;
            if is_due {
                due.push(*entry);
            }
            !is_due
        });
        if self.slots[slot].is_empty() {
            self.occupied[slot / 64] &= !(1 << (slot % 64));
        }
        for entry in due.drain(..) {
            handle(self, entry.call);
        }
        self.due = due;
    }
}

/// The slot of a tick.
#[expect(clippy::cast_possible_truncation, reason = "below TICKS")]
const fn slot_of(tick: u64) -> usize {
    (tick % TICKS as u64) as usize
}

/// The first moment behind a tick.
const fn end_of(tick: u64) -> Moment {
    Moment::from_nanos((tick + 1) << TICK_SHIFT)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The entries that come up to `now`.
    fn expired(timers: &mut Timers, now: Moment) -> Vec<u32> {
        let mut calls = Vec::new();
        timers.expire(now, |_, call| calls.push(call.slot));
        calls
    }

    fn after(millis: u64) -> Moment {
        Moment::START + Duration::from_millis(millis)
    }

    fn call(slot: u32) -> CallRef {
        CallRef { slot, generation: 0 }
    }

    #[test]
    fn entries_come_in_order_and_never_early() {
        let mut timers = Timers::new(Moment::START);
        let mut rng = fastrand::Rng::with_seed(7);
        let mut expected: Vec<(u64, u32)> =
            (0..500).map(|slot| (rng.u64(1..20_000), slot)).collect();
        for (millis, slot) in &expected {
            timers.set(after(*millis), call(*slot));
        }
        expected.sort_unstable();
        let mut now = Moment::START;
        while let Some(next) = timers.next() {
            assert!(next > now, "the wheel must move");
            now = next;
            for slot in expired(&mut timers, now) {
                let at = expected.iter().position(|(_, known)| *known == slot).unwrap();
                let (millis, _) = expected.remove(at);
                assert!(after(millis) <= now, "{millis} ms came early");
                assert!(now.since(after(millis)) < Duration::from_micros(600), "{millis} late");
            }
        }
        assert!(expected.is_empty());
    }

    #[test]
    fn an_entry_set_while_handling_is_not_lost() {
        let mut timers = Timers::new(Moment::START);
        timers.set(after(1), call(1));
        let mut seen = Vec::new();
        timers.expire(after(10), |timers, call| {
            seen.push(call.slot);
            if call.slot == 1 {
                timers.set(after(2), CallRef { slot: 2, generation: 0 });
            }
        });
        timers.expire(after(30_000), |_, call| seen.push(call.slot));
        assert_eq!(seen, [1, 2]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_clock_that_jumps_loses_nothing() {
        let mut timers = Timers::new(Moment::START);
        for slot in 0..100 {
            timers.set(after(u64::from(slot) * 777), call(slot));
        }
        assert_eq!(expired(&mut timers, after(1_000_000)).len(), 100);
    }
}
