//! One location table.
//!
//! The index is a `papaya` map: readers pin it, follow two pointers and never wait. A writer holds
//! the lock of its address-of-record's shard, so that what it has checked still holds when it
//! changes it (RFC 3261 §10.3 step 7 asks for all or nothing). What was measured against what is
//! in `benches/README.md`.
//!
//! Each shard also lists its addresses-of-record in a vector, for the sweep to walk: its place in
//! it survives from call to call, and it can stop anywhere. So can a [`Walk`].

mod walk;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crossbeam_utils::CachePadded;
use thiserror::Error;

use super::BindingSet;
use super::hashes::{AorHashes, AorKey, Sought, Within};
use crate::limits::{AOR_COUNT_MAX, LOCATION_BYTES_MAX};

pub use walk::Walk;
/// A location table: `location`, `aliases` …
pub struct LocationTable {
    index: papaya::HashMap<AorKey, BindingSet, AorHashes>,
    hashes: AorHashes,
    shards: Box<[CachePadded<Mutex<Shard>>]>,
    /// The shard that the next sweep starts with.
    sweep_shard: AtomicUsize,
}

/// What the writers of one part of a table share.
#[derive(Default)]
struct Shard {
    /// The addresses-of-record of this shard that are in the index.
    aors: Vec<AorKey>,
    /// Bytes of their sets.
    bytes: usize,
    /// Where in `aors` the next sweep goes on.
    sweep_position: usize,
}

/// The table has as many addresses-of-record, or as large ones, as it may have.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the location table is full")]
pub struct TableFull;

/// Locks of a table: many times the worker threads, so that two writers rarely meet.
const SHARD_COUNT: usize = 256;

/// Addresses-of-record of one shard.
const SHARD_AOR_COUNT_MAX: usize = AOR_COUNT_MAX / SHARD_COUNT;

/// Bytes of the sets of one shard.
const SHARD_BYTES_MAX: usize = LOCATION_BYTES_MAX / SHARD_COUNT;

/// Replaced sets that a thread keeps before it looks for ones that no reader holds. That makes a
/// barrier for all threads; at the crate's own 32 it costs more than the change itself.
const RECLAIM_BATCH_SETS: usize = 1_024;

/// Addresses-of-record that a sweep looks at before it lets writers pass.
const SWEEP_LOCKED_AORS: usize = 64;

impl Shard {
    /// A set of `old` bytes becomes one of `new` bytes, if there is room.
    fn resize(&mut self, old: usize, new: usize) -> Result<(), TableFull> {
        let bytes = self.bytes.saturating_sub(old) + new;
        if new > old && bytes > SHARD_BYTES_MAX {
            return Err(TableFull);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Default for LocationTable {
    fn default() -> Self {
        let hashes = AorHashes::default();
        let collector = seize::Collector::new().batch_size(RECLAIM_BATCH_SETS);
        Self {
            index: papaya::HashMap::builder().hasher(hashes.clone()).collector(collector).build(),
            hashes,
            shards: (0..SHARD_COUNT).map(|_| CachePadded::default()).collect(),
            sweep_shard: AtomicUsize::new(0),
        }
    }
}

impl std::fmt::Debug for LocationTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocationTable").field("aors", &self.index.len()).finish_non_exhaustive()
    }
}

impl LocationTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many addresses-of-record have or had bindings that are not swept yet.
    #[must_use]
    pub fn aor_count(&self) -> usize {
        self.index.len()
    }

    /// As [`Self::lookup`], for the one place that is to have the search within.
    #[inline(always)]
    pub fn lookup_within<R>(&self, aor: &[u8], read: impl FnOnce(&BindingSet) -> R) -> Option<R> {
        let sought = Within(self.hashes.seek(aor));
        self.index.pin().get(&sought).map(read)
    }

    /// Shows the bindings of `aor` to `read`; `None` if it has none. Takes no lock, never waits
    /// and allocates nothing.
    pub fn lookup<R>(&self, aor: &[u8], read: impl FnOnce(&BindingSet) -> R) -> Option<R> {
        let sought = self.hashes.seek(aor);
        self.index.pin().get(&sought).map(read)
    }

    /// Shows the bindings of one address-of-record after the other to `show` until it breaks off,
    /// in no order. Takes no lock: what changes meanwhile may be seen or not.
    pub fn for_each(&self, mut show: impl FnMut(&[u8], &BindingSet) -> ControlFlow<()>) {
        let _ = self.index.pin().iter().try_for_each(|(aor, set)| show(aor, set));
    }

    /// Lets `change` look at the bindings of `aor` while nobody else changes them. It may refresh
    /// some in place and give back a new set that takes their place.
    ///
    /// # Errors
    ///
    /// What `change` says, or [`TableFull`] where a new address-of-record or a larger set finds no
    /// room; the table is as it was then.
    pub(super) fn update<R, E: From<TableFull>>(
        &self,
        aor: &[u8],
        change: impl FnOnce(&BindingSet) -> Result<(Option<BindingSet>, R), E>,
    ) -> Result<R, E> {
        let sought = self.hashes.seek(aor);
        let mut shard = self.lock(shard_of(sought));
        let index = self.index.pin();
        let Some(present) = index.get(&sought) else {
            let (set, result) = change(&BindingSet::default())?;
            if let Some(set) = set.filter(|set| !set.all().is_empty()) {
                if shard.aors.len() >= SHARD_AOR_COUNT_MAX {
                    return Err(TableFull.into());
                }
                shard.resize(0, set.bytes())?;
                shard.aors.push(AorKey::new(aor));
                index.insert(AorKey::new(aor), set);
            }
            return Ok(result);
        };
        let (set, result) = change(present)?;
        if let Some(set) = set {
            shard.resize(present.bytes(), set.bytes())?;
            // An empty set stays until it is swept: the list of the shard has the AOR once.
            index.insert(AorKey::new(aor), set);
        }
        Ok(result)
    }

    /// Looks at no more than `budget` addresses-of-record and shards, going on where the last
    /// call stopped but never twice around, and removes their expired bindings; how many these
    /// were. A shard whose lock is taken is left for the next round.
    pub fn sweep(&self, now: u32, budget: usize) -> usize {
        let mut removed = 0;
        let mut left = budget;
        let mut finished_shards = 0;
        while left > 0 && finished_shards < SHARD_COUNT {
            left -= 1;
            let number = self.sweep_shard.load(Ordering::Relaxed) % SHARD_COUNT;
            let mut is_finished = true;
            if let Some(mut shard) = self.try_lock(number) {
                let mut looks = left.min(SWEEP_LOCKED_AORS);
                left -= looks;
                removed += self.sweep_shard(&mut shard, now, &mut looks);
                left += looks;
                is_finished = shard.sweep_position >= shard.aors.len();
                if is_finished {
                    shard.sweep_position = 0;
                }
            }
            if is_finished {
                finished_shards += 1;
                self.sweep_shard.store(number + 1, Ordering::Relaxed);
            }
        }
        removed
    }

    /// Sweeps a shard from its position on, until `left` is used up or its end is reached.
    fn sweep_shard(&self, shard: &mut Shard, now: u32, left: &mut usize) -> usize {
        let index = self.index.pin();
        let mut removed = 0;
        while let Some(aor) = shard.aors.get(shard.sweep_position) {
            if *left == 0 {
                return removed;
            }
            *left -= 1;
            let set = index.get(aor);
            if let Some((swept, expired)) = set.and_then(|set| set.swept(now)) {
                removed += expired;
                shard.bytes =
                    (shard.bytes + swept.bytes()).saturating_sub(set.map_or(0, BindingSet::bytes));
                if !swept.all().is_empty() {
                    index.insert(aor.clone(), swept);
                    shard.sweep_position += 1;
                    continue;
                }
            } else if set.is_some_and(|set| !set.all().is_empty()) {
                shard.sweep_position += 1;
                continue;
            }
            index.remove(aor);
            shard.aors.swap_remove(shard.sweep_position);
        }
        removed
    }

    /// Locks a shard. A writer that panicked has left it whole: the index and the list are
    /// changed last.
    fn lock(&self, number: usize) -> MutexGuard<'_, Shard> {
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks a shard if nobody else has it.
    fn try_lock(&self, number: usize) -> Option<MutexGuard<'_, Shard>> {
        match self.shards[number].try_lock() {
            Ok(shard) => Some(shard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// The number of the shard that a name belongs to: by bits of its hash that the index uses last.
const fn shard_of(sought: Sought<'_>) -> usize {
    (sought.hash >> 40) as usize % SHARD_COUNT
}

#[cfg(test)]
mod tests;
