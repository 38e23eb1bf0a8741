//! One pinned thread: poll → receive a batch → core → flush → timers.
//!
//! A worker owns one socket for each listen address, its slots, its outbox and its core; it
//! shares nothing that is written with any other worker.

#![forbid(unsafe_code)]

mod cycle;
mod isolation;
mod spawn;

use crate::jobs::Completion;
use crate::mem::{Outbox, Received};
use crate::proxy::ProxyCore;
use crate::time::Now;

pub use isolation::PanicFiles;
pub use spawn::{WorkerHandle, WorkerParts, spawn};

/// What a worker runs: [`ProxyCore`], or a simpler one in tests.
pub trait Core {
    /// As [`ProxyCore::handle_datagram`].
    fn handle_datagram(&mut self, now: Now, received: Received<'_>, outbox: &mut Outbox);

    /// As [`ProxyCore::handle_completion`]. A core that orders no jobs needs none.
    fn handle_completion(&mut self, _now: Now, _completion: Completion, _outbox: &mut Outbox) {}

    /// As [`ProxyCore::poll_timeout`].
    fn poll_timeout(&self) -> Option<u64>;

    /// As [`ProxyCore::handle_timeout`].
    fn handle_timeout(&mut self, now: Now, outbox: &mut Outbox);
}

impl Core for ProxyCore {
    fn handle_datagram(&mut self, now: Now, received: Received<'_>, outbox: &mut Outbox) {
        Self::handle_datagram(self, now, received, outbox);
    }

    fn handle_completion(&mut self, now: Now, completion: Completion, outbox: &mut Outbox) {
        Self::handle_completion(self, now, completion, outbox);
    }

    fn poll_timeout(&self) -> Option<u64> {
        Self::poll_timeout(self)
    }

    fn handle_timeout(&mut self, now: Now, outbox: &mut Outbox) {
        Self::handle_timeout(self, now, outbox);
    }
}
