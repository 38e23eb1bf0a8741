//! RFC 3261 §16: the proxy core, with no socket and no clock.
//!
//! The contract: *one input, then all outputs are in the outbox before the call returns; time
//! comes in only as `now`; the same seed and the same inputs give the same bytes.*

use std::net::SocketAddr;
use std::sync::Arc;

use crate::mem::{Outbox, Received};
use crate::metrics::WorkerCounters;
use crate::script::{LogLevel, Program};
use crate::time::Now;

/// Where the script's log lines go.
pub trait LogSink: Send {
    /// Writes one log entry; `text` is written as it is.
    fn write(&mut self, level: LogLevel, text: &[u8]);
}

/// A listen address as the core knows it.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The address that the socket is bound to; may be the wildcard address.
    pub address: SocketAddr,
    /// Host and port for Via and Record-Route, if they are not the address.
    pub advertise: Option<(String, u16)>,
}

/// What a core needs to be made.
pub struct CoreParts {
    /// The program to run.
    pub program: Arc<Program>,
    /// The listen addresses; a [`crate::mem::ListenerId`] is a position in this list.
    pub listeners: Arc<[Listener]>,
    /// The key of branch and tag hashes; the same in all workers.
    pub secret: [u8; 16],
    /// The seed of everything random in this worker.
    pub seed: u64,
    /// The worker's counters.
    pub counters: WorkerCounters,
    /// Where the script's log lines go.
    pub log: Box<dyn LogSink>,
}

impl std::fmt::Debug for CoreParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreParts").finish_non_exhaustive()
    }
}

/// The proxy core of one worker.
#[derive(Debug)]
pub struct ProxyCore {
    parts: CoreParts,
}

impl ProxyCore {
    /// A core that runs the program of `parts`.
    #[must_use]
    pub fn new(parts: CoreParts) -> Self {
        Self { parts }
    }

    /// Works through one datagram. What is to be sent because of it is in `outbox` when the call
    /// returns; a forwarded message stays in its slot.
    pub fn handle_datagram(&mut self, now: Now, received: Received<'_>, outbox: &mut Outbox) {
        let _ = (now, received, outbox, &self.parts);
    }

    /// When [`Self::handle_timeout`] wants to be called, in milliseconds of the monotonic clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        None
    }

    /// Does what is due by `now`: sweeps a few expired bindings.
    pub fn handle_timeout(&mut self, now: Now, outbox: &mut Outbox) {
        let _ = (now, outbox);
    }
}
