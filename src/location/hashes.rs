//! Addresses-of-record in the index of a table, and their hashes.
//!
//! Anybody may choose names, so nobody may be able to choose many that share a place: the index
//! would grow with each of them. So the hash is SipHash-1-3, a function whose results cannot be
//! foretold without its key, and the key is drawn anew for each table from what the system gives
//! for that. It is made once for each operation: it finds the lock and the entry.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::ops::Deref;

use papaya::Equivalent;
use smallvec::SmallVec;

use crate::sip::equal;
use crate::siphash::WordHasher;

/// An address-of-record in the index; short ones lie within the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AorKey(SmallVec<[u8; 24]>);

impl AorKey {
    /// The key of that name.
    pub(super) fn new(aor: &[u8]) -> Self {
        Self(SmallVec::from_slice(aor))
    }
}

impl Deref for AorKey {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Hash for AorKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

/// An address-of-record that is looked for, with its hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought<'a> {
    /// The name.
    pub(super) aor: &'a [u8],
    /// Its hash in the table that it is looked for in.
    pub(super) hash: u64,
}

impl Hash for Sought<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Equivalent<AorKey> for Sought<'_> {
    #[inline]
    fn equivalent(&self, key: &AorKey) -> bool {
        equal(&key.0, self.aor)
    }
}

/// As [`Sought`], for the one place where each call looks: it has a type of its own so that the
/// search is compiled into that place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within<'a>(pub(super) Sought<'a>);

impl Hash for Within<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Equivalent<AorKey> for Within<'_> {
    #[inline]
    fn equivalent(&self, key: &AorKey) -> bool {
        self.0.equivalent(key)
    }
}

/// The hash function of one table.
#[derive(Clone, Debug)]
pub(super) struct AorHashes {
    keyed: WordHasher,
}

impl Default for AorHashes {
    fn default() -> Self {
        let random = RandomState::new();
        let [low, high] = [0, 1].map(|half| u128::from(random.hash_one(half)));
        Self { keyed: WordHasher::new(&(low | high << 64).to_le_bytes()) }
    }
}

impl AorHashes {
    /// The name with its hash.
    #[inline(always)]
    pub(super) fn seek<'a>(&self, aor: &'a [u8]) -> Sought<'a> {
        Sought { aor, hash: self.keyed.hash(aor) }
    }
}

impl BuildHasher for AorHashes {
    type Hasher = AorHasher;

    #[inline]
    fn build_hasher(&self) -> AorHasher {
        AorHasher { keyed: self.keyed, hash: 0 }
    }
}

/// Hashes one name, or takes over its hash.
#[derive(Debug)]
pub(super) struct AorHasher {
    keyed: WordHasher,
    hash: u64,
}

impl Hasher for AorHasher {
    fn write(&mut self, aor: &[u8]) {
        self.hash = self.keyed.hash(aor);
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.hash = hash;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_sought_hashes_as_the_one_in_the_index() {
        let hashes = AorHashes::default();
        for name in ["", "bob", "+41215500", &"long".repeat(20)] {
            let (key, sought) = (AorKey::new(name.as_bytes()), hashes.seek(name.as_bytes()));
            assert_eq!(hashes.hash_one(&key), hashes.hash_one(sought));
            assert!(sought.equivalent(&key));
        }
    }

    #[test]
    fn each_table_has_a_hash_of_its_own() {
        let (one, other) = (AorHashes::default(), AorHashes::default());
        assert_ne!(one.seek(b"bob").hash, other.seek(b"bob").hash);
    }
}
