//! Starting and stopping a worker's thread.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use core_affinity::CoreId;
use mio::{Poll, Waker};

use super::cycle::{Cycle, WAKER};
use super::{Core, PanicFiles, Programs};
use crate::jobs::{Completion, Mailbox};
use crate::metrics::WorkerCounters;
use crate::time::Now;
use crate::transport::{StreamParts, UdpListener};

/// What a worker needs to be started.
pub struct WorkerParts<C: Core> {
    /// Its number, from 0.
    pub index: usize,
    /// The core to run on, if it is to be pinned.
    pub pin_to: Option<CoreId>,
    /// Its socket at each listen address, in the order of their ids.
    pub listeners: Vec<UdpListener>,
    /// What it needs for connections, if there are listeners for them.
    pub streams: Option<StreamParts>,
    /// The program, as long as it is not replaced.
    pub programs: Programs<C::Program>,
    /// Makes the core: at start, and anew when one has failed.
    pub make_core: MakeCore<C>,
    /// Reads the clocks.
    pub clock: Box<dyn Fn() -> Now + Send>,
    /// Its counters.
    pub counters: WorkerCounters,
    /// Where the answers to the jobs come that its core has ordered.
    pub completions: Mailbox<Completion>,
    /// Where datagrams are saved whose handling failed.
    pub panic_files: Arc<PanicFiles>,
}

/// Makes a core that works by a program.
pub type MakeCore<C> = Box<dyn FnMut(&Arc<<C as Core>::Program>) -> C + Send>;

impl<C: Core> std::fmt::Debug for WorkerParts<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerParts").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A running worker.
#[derive(Debug)]
pub struct WorkerHandle {
    waker: Arc<Waker>,
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
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    parts.completions.set_bell(bell(&waker));
    if let Some(streams) = &parts.streams {
        streams.mailbox.set_bell(bell(&waker));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let name = format!("worker-{}", parts.index);
    let seen_by_worker = Arc::clone(&stop);
    let thread = thread::Builder::new().name(name).spawn(move || {
        if let Some(core) = parts.pin_to.take()
            && !core_affinity::set_for_current(core)
        {
            tracing::warn!("worker {} cannot be pinned to core {}", parts.index, core.id);
        }
        let work = || Cycle::new(parts, poll, seen_by_worker).and_then(Cycle::run);
        // The core is isolated further inside; this is for the cycle itself, whose state is gone
        // with it.
        let result = catch_unwind(AssertUnwindSafe(work));
        ended(result.unwrap_or_else(|_| Err(io::Error::other("the worker panicked"))));
    })?;
    Ok(WorkerHandle { waker, stop, thread })
}

/// What wakes a worker when something is in one of its mailboxes.
fn bell(waker: &Arc<Waker>) -> impl Fn() + Send + Sync + 'static {
    let waker = Arc::clone(waker);
    move || {
        if let Err(error) = waker.wake() {
            tracing::warn!("a worker cannot be woken: {error}");
        }
    }
}

impl WorkerHandle {
    /// Asks the worker to send what it holds and to end.
    ///
    /// # Errors
    ///
    /// When the system does not wake it; it then ends at its next event.
    pub fn stop(&self) -> io::Result<()> {
        self.stop.store(true, Ordering::Release);
        self.wake()
    }

    /// Has the worker take the newest program even if no datagram comes.
    ///
    /// # Errors
    ///
    /// When the system does not wake it; it then takes it with its next batch.
    pub fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }

    /// Waits for its end.
    pub fn join(self) {
        // It cannot have panicked but in `ended`, whose owner knows.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::mem::{Arrival, ListenerId, Outbox, Received};
    use crate::metrics::Counter;
    use crate::transport::{Steering, bind_group};

    /// Sends each datagram back behind its program; sends one to `timer_peer` when its time has
    /// come.
    struct Echo {
        program: Arc<Vec<u8>>,
        timer_peer: Option<SocketAddr>,
    }

    impl Core for Echo {
        type Program = Vec<u8>;

        fn replace_program(&mut self, program: &Arc<Vec<u8>>) {
            self.program = Arc::clone(program);
        }

        fn handle_datagram(&mut self, _: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
            assert!(!received.datagram().starts_with(b"fail"), "not this one");
            let Arrival { source, local, listener } = *received.arrival;
            let way = (source, listener, local.ip());
            outbox.push_composed(way, |bytes| {
                bytes.extend_from_slice(&self.program);
                bytes.extend_from_slice(received.datagram());
                true
            });
        }

        fn note_losses(&mut self) {}

        fn poll_timeout(&self) -> Option<u64> {
            self.timer_peer.map(|_| 5)
        }

        fn handle_timeout(&mut self, _: Now, outbox: &mut Outbox) {
            let Some(peer) = self.timer_peer.take() else { return };
            let way = (peer, ListenerId(0), "127.0.0.1".parse().unwrap());
            outbox.push_composed(way, |bytes| {
                bytes.extend_from_slice(b"time");
                true
            });
        }
    }

    /// A running worker, and what a test asks of it.
    struct Running {
        worker: WorkerHandle,
        addresses: Vec<SocketAddr>,
        counters: WorkerCounters,
        programs: Programs<Vec<u8>>,
        ended: mpsc::Receiver<io::Result<()>>,
    }

    /// A worker with an echo on a free port of each of `ips`.
    fn start(ips: &[&str], timer_peer: Option<SocketAddr>) -> Running {
        let bind = |(position, ip): (usize, &&str)| {
            let address = SocketAddr::new(ip.parse().unwrap(), 0);
            let id = ListenerId(position as u16);
            bind_group(id, address, 1, Steering::Hash).unwrap().remove(0)
        };
        let listeners: Vec<UdpListener> = ips.iter().enumerate().map(bind).collect();
        let addresses = listeners.iter().map(UdpListener::local_address).collect();
        let counters = WorkerCounters::default();
        let programs = Programs::new(Arc::default());
        let parts = WorkerParts {
            index: 0,
            pin_to: None,
            listeners,
            streams: None,
            programs: programs.clone(),
            make_core: Box::new(move |program| Echo { program: Arc::clone(program), timer_peer }),
            clock: Box::new(|| Now { monotonic_ms: 5, wall_seconds: 0, ..Now::default() }),
            counters: counters.clone(),
            completions: Mailbox::new(),
            panic_files: Arc::new(PanicFiles::new("no/such/directory".into())),
        };
        let (sender, ended) = mpsc::channel();
        let worker = spawn(parts, move |result| sender.send(result).unwrap()).unwrap();
        Running { worker, addresses, counters, programs, ended }
    }

    /// A peer that gives up when nothing comes.
    fn peer() -> UdpSocket {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        peer
    }

    /// Receives a datagram. A wait with a time limit may be interrupted by what the machine does.
    fn receive(peer: &UdpSocket, bytes: &mut [u8]) -> (usize, SocketAddr) {
        loop {
            match peer.recv_from(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                received => return received.unwrap(),
            }
        }
    }

    impl Running {
        /// Stops the worker, which must end well.
        fn stop(self) -> WorkerCounters {
            self.worker.stop().unwrap();
            self.ended.recv().unwrap().unwrap();
            self.worker.join();
            self.counters
        }
    }

    #[test]
    fn datagrams_go_in_and_out_at_every_listener_until_it_is_stopped() {
        let running = start(&["127.0.0.1", "127.0.0.2", "0.0.0.0"], None);
        let peer = peer();
        let wildcard_port = running.addresses[2].port();
        let targets = [
            running.addresses[0],
            running.addresses[1],
            SocketAddr::new("127.0.0.3".parse().unwrap(), wildcard_port),
        ];
        for target in targets {
            for number in 0..100_u8 {
                peer.send_to(&[number], target).unwrap();
            }
            for number in 0..100_u8 {
                let mut bytes = [0; 8];
                let (length, source) = receive(&peer, &mut bytes);
                assert_eq!((&bytes[..length], source), (&[number][..], target));
            }
        }
        let counters = running.stop();
        assert_eq!(counters.value(Counter::ReceivedDatagrams), 300);
        assert_eq!(counters.value(Counter::SentDatagrams), 300);
    }

    #[test]
    fn it_goes_on_after_a_datagram_that_the_core_cannot_bear() {
        let running = start(&["127.0.0.1"], None);
        let peer = peer();
        for text in ["a", "fail", "b"] {
            peer.send_to(text.as_bytes(), running.addresses[0]).unwrap();
        }
        for text in ["a", "b"] {
            let mut bytes = [0; 8];
            let (length, _) = receive(&peer, &mut bytes);
            assert_eq!(&bytes[..length], text.as_bytes());
        }
        assert_eq!(running.stop().value(Counter::DroppedAtWorkerPanic), 1);
    }

    #[test]
    fn every_datagram_that_comes_after_a_new_program_is_handled_by_it() {
        let running = start(&["127.0.0.1"], None);
        let peer = peer();
        for number in 0..200 {
            let program = number.to_string();
            running.programs.replace(Arc::new(program.clone().into_bytes()));
            peer.send_to(b"!", running.addresses[0]).unwrap();
            let mut bytes = [0; 8];
            let (length, _) = receive(&peer, &mut bytes);
            assert_eq!(bytes[..length], *format!("{program}!").as_bytes());
        }
        running.stop();
    }

    #[test]
    fn a_core_that_is_made_anew_has_the_newest_program() {
        let running = start(&["127.0.0.1"], None);
        running.programs.replace(Arc::new(b"new".to_vec()));
        let peer = peer();
        for text in ["fail", "!"] {
            peer.send_to(text.as_bytes(), running.addresses[0]).unwrap();
        }
        let mut bytes = [0; 8];
        let (length, _) = receive(&peer, &mut bytes);
        assert_eq!(&bytes[..length], b"new!");
        running.stop();
    }

    /// Without a datagram, it lets the old program go when it is woken.
    #[test]
    fn an_idle_worker_drops_the_old_program_when_it_is_woken() {
        let running = start(&["127.0.0.1"], None);
        let old: Vec<_> = (0..100)
            .map(|_| {
                let program = Arc::new(vec![b'x'; 100]);
                let weak = Arc::downgrade(&program);
                running.programs.replace(program);
                running.worker.wake().unwrap();
                weak
            })
            .collect();
        running.programs.replace(Arc::default());
        running.worker.wake().unwrap();
        while old.iter().any(|weak| weak.upgrade().is_some()) {
            thread::yield_now();
        }
        running.stop();
    }

    #[test]
    fn timers_run_without_any_datagram() {
        let peer = peer();
        let running = start(&["127.0.0.1"], Some(peer.local_addr().unwrap()));
        let mut bytes = [0; 8];
        let (length, _) = receive(&peer, &mut bytes);
        assert_eq!(&bytes[..length], b"time");
        running.stop();
    }
}
