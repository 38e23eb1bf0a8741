//! All calls of an agent: by position, and by Call-ID.
//!
//! A call that has ended leaves a *ghost* for a while: a message that comes again because its
//! answer was lost is answered again (RFC 3261 Timers D, I, J and K). Ghosts are bounded by number
//! and bytes; at high rates the oldest go before their time.

use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use hashbrown::HashMap;
use viaduct::sip::Method;

use super::call::Call;
use super::exchange::Exchange;
use crate::moment::Moment;

/// A call by its position; stale once the call has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallRef {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// All calls of an agent.
#[derive(Debug)]
pub(super) struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
    places: HashMap<u64, Place, BuildHasherDefault<Already>>,
    ghosts: VecDeque<Ghost>,
    /// Number of the first of `ghosts`.
    first_ghost: u32,
    ghost_bytes: usize,
}

/// Room for a call.
#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    call: Option<Call>,
}

/// Where the call with some Call-ID is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In [`Calls::slots`].
    Live(u32),
    /// In [`Calls::ghosts`], by the lower half of its number.
    Ghost(u32),
}

/// What is left of a call that has ended. It is small: at high rates there are very many.
#[derive(Debug)]
pub(super) struct Ghost {
    key: u64,
    expires: Moment,
    /// The CSeq of the last request that came from the other side.
    pub(super) asked: Option<(u32, Method)>,
    /// What it said last, if the other side may not have heard it.
    pub(super) last_words: Option<Box<Exchange>>,
}

/// What is known of a Call-ID.
#[derive(Debug)]
pub(super) enum Found<'c> {
    /// A call in progress.
    Live(CallRef),
    /// One that has ended.
    Ghost(&'c Ghost),
    /// Nothing.
    Unknown,
}

/// How long an ended call is remembered (RFC 3261 §17: 64 × T1).
const GHOST_LIFE: Duration = Duration::from_secs(32);
/// Most ghosts of an agent.
const GHOSTS_MAX: usize = 131_072;
/// Most bytes that ghosts hold: memory that they occupy, not only use.
const GHOST_BYTES_MAX: usize = 64 << 20;

impl Default for Calls {
    /// No calls, with room for all ghosts: to make it later would hold up the calls of a moment.
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            places: HashMap::with_capacity_and_hasher(
                2 * GHOSTS_MAX,
                BuildHasherDefault::default(),
            ),
            ghosts: VecDeque::with_capacity(GHOSTS_MAX + 1),
            first_ghost: 0,
            ghost_bytes: 0,
        }
    }
}

impl Calls {
    /// Adds a call under `key`, in the place of whatever had that key.
    pub(super) fn insert(&mut self, key: u64, call: Call) -> CallRef {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.places.insert(key, Place::Live(slot));
        let room = &mut self.slots[slot as usize];
        room.call = Some(call);
        CallRef { slot, generation: room.generation }
    }

    /// The call, if it has not ended.
    pub(super) fn get_mut(&mut self, at: CallRef) -> Option<&mut Call> {
        let room = self.slots.get_mut(at.slot as usize)?;
        room.call.as_mut().filter(|_| room.generation == at.generation)
    }

    /// What is known under `key`.
    pub(super) fn find(&self, key: u64) -> Found<'_> {
        match self.places.get(&key) {
            None => Found::Unknown,
            Some(Place::Live(slot)) => {
                let generation = self.slots[*slot as usize].generation;
                Found::Live(CallRef { slot: *slot, generation })
            }
            Some(Place::Ghost(number)) => {
                let index = number.wrapping_sub(self.first_ghost);
                self.ghosts.get(index as usize).map_or(Found::Unknown, Found::Ghost)
            }
        }
    }

    /// Takes a call out; its ghost stays.
    pub(super) fn end(&mut self, at: CallRef, now: Moment) -> Option<Call> {
        let room = self.slots.get_mut(at.slot as usize)?;
        if room.generation != at.generation {
            return None;
        }
        let mut call = room.call.take()?;
        room.generation = room.generation.wrapping_add(1);
        self.free.push(at.slot);
        let ghost = Ghost {
            key: call.key,
            expires: now + GHOST_LIFE,
            asked: call.asked_last(),
            last_words: call.last_words().map(Box::new),
        };
        self.haunt(ghost);
        self.exorcise(GHOSTS_MAX, GHOST_BYTES_MAX);
        Some(call)
    }

    /// Adds a ghost.
    fn haunt(&mut self, ghost: Ghost) {
        self.ghost_bytes += ghost.bytes();
        let number = self.first_ghost.wrapping_add(self.ghosts.len() as u32);
        self.places.insert(ghost.key, Place::Ghost(number));
        self.ghosts.push_back(ghost);
    }

    /// Lets the oldest ghosts go until the others are few and small enough.
    fn exorcise(&mut self, ghosts_max: usize, bytes_max: usize) {
        while self.ghosts.len() > ghosts_max || self.ghost_bytes > bytes_max {
            self.drop_oldest();
        }
    }

    /// Lets ghosts go whose time is over.
    pub(super) fn expire_ghosts(&mut self, now: Moment) {
        while self.ghosts.front().is_some_and(|ghost| ghost.expires <= now) {
            self.drop_oldest();
        }
    }

    /// Lets the oldest ghost go.
    fn drop_oldest(&mut self) {
        let Some(ghost) = self.ghosts.pop_front() else { return };
        self.ghost_bytes -= ghost.bytes();
        // The key may have been taken by a new call.
        if self.places.get(&ghost.key) == Some(&Place::Ghost(self.first_ghost)) {
            self.places.remove(&ghost.key);
        }
        self.first_ghost = self.first_ghost.wrapping_add(1);
    }

    /// All calls in progress.
    pub(super) fn live(&self) -> Vec<CallRef> {
        let rooms = self.slots.iter().enumerate();
        let live = rooms.filter(|(_, room)| room.call.is_some());
        live.map(|(slot, room)| CallRef {
            slot: u32::try_from(slot).unwrap_or(u32::MAX),
            generation: room.generation,
        })
        .collect()
    }
}

impl Ghost {
    /// Bytes that its last words take.
    fn bytes(&self) -> usize {
        self.last_words.as_ref().map_or(0, |last| last.bytes.capacity())
    }
}

/// The keys are hashes already.
#[derive(Default)]
struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::exchange::Identity;
    use super::*;
    use crate::outbox::SocketId;

    fn ghost(key: u64, bytes: usize, expires: Moment) -> Ghost {
        let identity = Identity { number: 1, method: Method::Options, branch: key };
        let destination = SocketAddr::from(([127, 0, 0, 1], 5060));
        let mut said = Exchange::received(identity, SocketId(0), destination);
        said.bytes = vec![0; bytes];
        Ghost { key, expires, asked: None, last_words: Some(Box::new(said)) }
    }

    /// Whether a key is a ghost's.
    fn haunts(calls: &Calls, key: u64) -> bool {
        matches!(calls.find(key), Found::Ghost(_))
    }

    #[test]
    fn the_oldest_ghosts_go_first_when_there_are_too_many() {
        let mut calls = Calls::default();
        (0..10).for_each(|key| calls.haunt(ghost(key, 100, Moment::NEVER)));
        calls.exorcise(8, 10_000);
        assert_eq!(calls.ghosts.len(), 8);
        calls.exorcise(8, 550);
        let left: Vec<u64> = (0..10).filter(|key| haunts(&calls, *key)).collect();
        assert_eq!(left, [5, 6, 7, 8, 9]);
        assert_eq!((calls.ghost_bytes, calls.places.len()), (500, 5));
    }

    #[test]
    fn ghosts_go_when_their_time_is_over() {
        let mut calls = Calls::default();
        let later = Moment::START + Duration::from_secs(1);
        calls.haunt(ghost(1, 5, later));
        calls.haunt(ghost(2, 5, later + Duration::from_secs(1)));
        calls.expire_ghosts(later);
        assert_eq!((haunts(&calls, 1), haunts(&calls, 2)), (false, true));
    }

    #[test]
    fn a_key_that_is_used_again_belongs_to_its_last_user() {
        let mut calls = Calls::default();
        calls.haunt(ghost(1, 5, Moment::START));
        calls.haunt(ghost(1, 7, Moment::NEVER));
        calls.expire_ghosts(Moment::START);
        let Found::Ghost(found) = calls.find(1) else { panic!("the second ghost is gone") };
        assert_eq!(found.bytes(), 7);
    }
}
