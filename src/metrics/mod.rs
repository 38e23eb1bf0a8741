//! Counters: one table of names, and one padded block of cells for each worker.
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
    cells: Arc<CachePadded<[AtomicU64; Counter::COUNT]>>,
}

impl Default for WorkerCounters {
    fn default() -> Self {
        let cells = std::array::from_fn(|_| AtomicU64::new(0));
        Self { cells: Arc::new(CachePadded::new(cells)) }
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
        let cell = &self.cells[counter as usize];
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    /// The present value; any thread may ask.
    #[must_use]
    pub fn value(&self, counter: Counter) -> u64 {
        self.cells[counter as usize].load(Ordering::Relaxed)
    }
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
}
