//! Starting and stopping a worker's thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use core_affinity::CoreId;
use mio::{Poll, Waker};

use super::cycle::{Cycle, WAKER};
use super::{Core, PanicFiles};
use crate::metrics::WorkerCounters;
use crate::time::Now;
use crate::transport::UdpListener;

/// What a worker needs to be started.
pub struct WorkerParts<C> {
    /// Its number, from 0.
    pub index: usize,
    /// The core to run on, if it is to be pinned.
    pub pin_to: Option<CoreId>,
    /// Its socket at each listen address, in the order of their ids.
    pub listeners: Vec<UdpListener>,
    /// Makes the core: at start, and anew when one has failed.
    pub make_core: Box<dyn FnMut() -> C + Send>,
    /// Reads the clocks.
    pub clock: Box<dyn Fn() -> Now + Send>,
    /// Its counters.
    pub counters: WorkerCounters,
    /// Where datagrams are saved whose handling failed.
    pub panic_files: Arc<PanicFiles>,
}

impl<C> std::fmt::Debug for WorkerParts<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerParts").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A running worker.
#[derive(Debug)]
pub struct WorkerHandle {
    waker: Waker,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Starts a worker. `ended` is called on its thread when it ends, with the reason if it was not
/// asked to.
///
/// # Errors
///
/// When the system gives no thread or no poll.
pub fn spawn<C: Core + 'static>(
    mut parts: WorkerParts<C>,
    ended: impl FnOnce(io::Result<()>) + Send + 'static,
) -> io::Result<WorkerHandle> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let stop = Arc::new(AtomicBool::new(false));
    let name = format!("worker-{}", parts.index);
    let seen_by_worker = Arc::clone(&stop);
    let thread = thread::Builder::new().name(name).spawn(move || {
        if let Some(core) = parts.pin_to.take()
            && !core_affinity::set_for_current(core)
        {
            tracing::warn!("worker {} cannot be pinned to core {}", parts.index, core.id);
        }
        ended(Cycle::new(parts, poll, seen_by_worker).and_then(Cycle::run));
    })?;
    Ok(WorkerHandle { waker, stop, thread })
}

impl WorkerHandle {
    /// Asks the worker to send what it holds and to end.
    ///
    /// # Errors
    ///
    /// When the system does not wake it; it then ends at its next event.
    pub fn stop(&self) -> io::Result<()> {
        self.stop.store(true, Ordering::Release);
        self.waker.wake()
    }

    /// Waits for its end.
    pub fn join(self) {
        // A panic that was not isolated has been reported by the panic hook.
        let _ = self.thread.join();
    }
}
