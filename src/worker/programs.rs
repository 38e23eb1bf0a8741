//! The program that all workers run, and how they come by a new one.

use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};

/// The program that all workers run. It can be replaced while they work: each takes the new one
/// before its next batch.
#[derive(Debug)]
pub struct Programs<P> {
    newest: Arc<ArcSwap<P>>,
}

impl<P> Clone for Programs<P> {
    fn clone(&self) -> Self {
        Self { newest: Arc::clone(&self.newest) }
    }
}

impl<P> Programs<P> {
    /// A first program.
    #[must_use]
    pub fn new(first: Arc<P>) -> Self {
        Self { newest: Arc::new(ArcSwap::new(first)) }
    }

    /// Replaces the program. A worker that waits for datagrams takes it when it is woken.
    pub fn replace(&self, program: Arc<P>) {
        self.newest.store(program);
    }

    /// The present one, and word of those to come.
    pub(super) fn follow(&self) -> Follower<P> {
        let mut cache = Cache::new(Arc::clone(&self.newest));
        Follower { running: Arc::clone(cache.load()), cache }
    }
}

/// A worker's view of the program.
pub(super) struct Follower<P> {
    cache: Cache<Arc<ArcSwap<P>>, Arc<P>>,
    /// The one that the worker knows of.
    running: Arc<P>,
}

impl<P> Follower<P> {
    /// The program that the worker knows of.
    pub(super) const fn running(&self) -> &Arc<P> {
        &self.running
    }

    /// The new program, once for each. Where there is none, this is one relaxed load.
    pub(super) fn newer(&mut self) -> Option<&Arc<P>> {
        let newest = self.cache.load();
        if Arc::ptr_eq(newest, &self.running) {
            return None;
        }
        self.running = Arc::clone(newest);
        Some(&self.running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_program_is_told_once_and_the_old_one_is_dropped() {
        let first = Arc::new(1);
        let old = Arc::downgrade(&first);
        let programs = Programs::new(first);
        let mut followers = [programs.follow(), programs.follow()];
        assert_eq!(followers[0].newer(), None);
        programs.replace(Arc::new(2));
        programs.replace(Arc::new(3));
        assert_eq!(followers[0].newer(), Some(&Arc::new(3)));
        assert_eq!(followers[0].newer(), None);
        assert_eq!(**followers[0].running(), 3);
        assert!(old.upgrade().is_some(), "the other follower still has it");
        assert_eq!(followers[1].newer(), Some(&Arc::new(3)));
        assert!(old.upgrade().is_none());
    }
}
