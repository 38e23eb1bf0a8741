//! Counters: one table of names, and one padded block of cells for each worker. Beside the table,
//! the replies made here are counted by their codes.
//!
//! A block has a single writer, its worker; readers add the blocks up. No cache line is written
//! by two threads.

#![forbid(unsafe_code)]

mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

pub use table::Counter;

/// The counters of one worker.
#[derive(Debug, Clone)]
pub struct WorkerCounters {
    cells: Arc<CachePadded<Cells>>,
}

/// The cells of one worker.
#[derive(Debug)]
struct Cells {
    counters: [AtomicU64; Counter::COUNT],
    /// Replies made here, by code from 100 on.
    replies: [AtomicU64; REPLY_CODE_COUNT],
}

/// The codes of responses: 100 to 699.
const REPLY_CODE_COUNT: usize = 600;

impl Default for WorkerCounters {
    fn default() -> Self {
        let counters = std::array::from_fn(|_| AtomicU64::new(0));
        let replies = std::array::from_fn(|_| AtomicU64::new(0));
        Self { cells: Arc::new(CachePadded::new(Cells { counters, replies })) }
    }
}

impl WorkerCounters {
    /// Adds one. To be called by the worker that owns the block only: the cell is read and
    /// written, not locked.
    #[inline]
    pub fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Adds `amount`; like [`Self::count`], for the owner only.
    #[inline]
    pub fn add(&self, counter: Counter, amount: u64) {
        raise(&self.cells.counters[counter as usize], amount);
    }

    /// Counts a reply made here, in [`Counter::SentReplies`] and by its code; like
    /// [`Self::count`], for the owner only.
    pub fn count_reply(&self, code: u16) {
        self.count(Counter::SentReplies);
        if let Some(cell) = self.reply_cell(code) {
            raise(cell, 1);
        }
    }

    /// The present value; any thread may ask.
    #[must_use]
    pub fn value(&self, counter: Counter) -> u64 {
        self.cells.counters[counter as usize].load(Ordering::Relaxed)
    }

    /// How many replies with that code were made here; any thread may ask.
    #[must_use]
    pub fn replies(&self, code: u16) -> u64 {
        self.reply_cell(code).map_or(0, |cell| cell.load(Ordering::Relaxed))
    }

    /// Where replies with that code are counted.
    fn reply_cell(&self, code: u16) -> Option<&AtomicU64> {
        self.cells.replies.get(usize::from(code).checked_sub(100)?)
    }
}

/// Adds to a cell that has one writer.
#[inline]
fn raise(cell: &AtomicU64, amount: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_count_into_the_same_cells() {
        let worker = WorkerCounters::default();
        let reader = worker.clone();
        worker.count(Counter::SentReplies);
        worker.add(Counter::SentReplies, 2);
        assert_eq!(reader.value(Counter::SentReplies), 3);
        assert_eq!(reader.value(Counter::SentDatagrams), 0);
    }
    #[test]
    fn replies_are_counted_by_their_code_too() {
        let worker = WorkerCounters::default();
        for code in [100, 404, 404, 699, 99, 700, 0] {
            worker.count_reply(code);
        }
        assert_eq!(worker.value(Counter::SentReplies), 7);
        let counted = [100, 404, 699, 99, 700, 0].map(|code| worker.replies(code));
        assert_eq!(counted, [1, 2, 1, 0, 0, 0]);
    }
}
