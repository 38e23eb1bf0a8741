//! One pinned thread: poll → receive a batch → newest program → core → flush → timers.
//!
//! A worker owns one socket for each listen address, its slots, its outbox and its core; it
//! shares nothing that is written with any other worker.

#![forbid(unsafe_code)]

mod cycle;
mod isolation;
mod programs;
mod spawn;

use std::sync::Arc;

use crate::jobs::Completion;
use crate::mem::{Outbox, Received};
use crate::proxy::{Program, ProxyCore};
use crate::time::Now;

pub use isolation::PanicFiles;
pub use programs::Programs;
pub use spawn::{MakeCore, WorkerHandle, WorkerParts, spawn};

/// What a worker runs: [`ProxyCore`], or a simpler one in tests.
pub trait Core {
    /// What it works by; can be replaced while it works.
    type Program: Send + Sync + 'static;

    /// As [`ProxyCore::replace_program`].
    fn replace_program(&mut self, program: &Arc<Self::Program>);

    /// As [`ProxyCore::handle_datagram`].
    fn handle_datagram(&mut self, now: Now, received: &mut Received<'_>, outbox: &mut Outbox);

    /// As [`ProxyCore::note_losses`].
    fn note_losses(&mut self);

    /// As [`ProxyCore::handle_completion`]. A core that orders no jobs needs none.
    fn handle_completion(&mut self, _now: Now, _completion: Completion, _outbox: &mut Outbox) {}

    /// As [`ProxyCore::poll_timeout`].
    fn poll_timeout(&self) -> Option<u64>;

    /// As [`ProxyCore::handle_timeout`].
    fn handle_timeout(&mut self, now: Now, outbox: &mut Outbox);

    /// As [`ProxyCore::end_waits`]. A core in which nothing waits needs none.
    fn end_waits(&mut self, _now: Now, _outbox: &mut Outbox) -> bool {
        false
    }
}

impl Core for ProxyCore {
    type Program = Program;

    fn replace_program(&mut self, program: &Arc<Program>) {
        Self::replace_program(self, program);
    }

    fn handle_datagram(&mut self, now: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
        Self::handle_datagram(self, now, received, outbox);
    }

    fn note_losses(&mut self) {
        Self::note_losses(self);
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

    fn end_waits(&mut self, now: Now, outbox: &mut Outbox) -> bool {
        Self::end_waits(self, now, outbox)
    }
}
