//! A core that may fail: a panic costs the datagram that caused it, not the worker.

use std::any::Any;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Core;
use super::programs::{Follower, Programs};
use super::spawn::MakeCore;
use crate::jobs::Completion;
use crate::limits::PANIC_FILE_COUNT_MAX;
use crate::mem::{Outbox, Received};
use crate::metrics::{Counter, WorkerCounters};
use crate::time::Now;

/// A core that is replaced by a new one when it fails.
pub(super) struct Isolated<C: Core> {
    core: C,
    program: Follower<C::Program>,
    make_core: MakeCore<C>,
    counters: WorkerCounters,
    panic_files: Arc<PanicFiles>,
}

impl<C: Core> Isolated<C> {
    /// A first core.
    pub(super) fn new(
        programs: &Programs<C::Program>,
        mut make_core: MakeCore<C>,
        counters: WorkerCounters,
        panic_files: Arc<PanicFiles>,
    ) -> Self {
        let program = programs.follow();
        Self { core: make_core(program.running()), program, make_core, counters, panic_files }
    }

    /// Gives the core the newest program, if it has another one.
    pub(super) fn take_newest_program(&mut self) {
        if let Some(program) = self.program.newer() {
            self.core.replace_program(program);
        }
    }

    /// As [`Core::handle_datagram`]. When the core fails, what it put into the outbox for this
    /// datagram is forgotten, and the datagram is saved, as far as the core has left it as it was.
    pub(super) fn handle_datagram(
        &mut self,
        now: Now,
        received: &mut Received<'_>,
        outbox: &mut Outbox,
    ) {
        let transmits_before = outbox.transmits().len();
        // Unwind safety: of what the core touches, itself is replaced, the outbox is cut back,
        // and the slot is not used again before the next datagram is received into it.
        let handled = catch_unwind(AssertUnwindSafe(|| {
            self.core.handle_datagram(now, received, outbox);
        }));
        if let Err(panic) = handled {
            outbox.truncate(transmits_before);
            self.counters.count(Counter::DroppedAtWorkerPanic);
            self.report(received.arrival.source, received.datagram(), panic.as_ref());
            self.core = (self.make_core)(self.program.running());
        }
    }

    /// As [`Core::note_losses`].
    pub(super) fn note_losses(&mut self) {
        self.core.note_losses();
    }

    /// As [`Core::handle_completion`].
    pub(super) fn handle_completion(
        &mut self,
        now: Now,
        completion: Completion,
        outbox: &mut Outbox,
    ) {
        self.handle_event("going on with a message", outbox, |core, outbox| {
            core.handle_completion(now, completion, outbox);
        });
    }

    /// As [`Core::poll_timeout`].
    pub(super) fn poll_timeout(&self) -> Option<u64> {
        self.core.poll_timeout()
    }

    /// As [`Core::handle_timeout`].
    pub(super) fn handle_timeout(&mut self, now: Now, outbox: &mut Outbox) {
        self.handle_event("a timer", outbox, |core, outbox| core.handle_timeout(now, outbox));
    }

    /// As [`Core::end_waits`]. When the core fails, what waited in it is gone.
    pub(super) fn end_waits(&mut self, now: Now, outbox: &mut Outbox) -> bool {
        let mut has_more = false;
        self.handle_event("the end of a wait", outbox, |core, outbox| {
            has_more = core.end_waits(now, outbox);
        });
        has_more
    }

    /// Has the core do something that no datagram has caused. When it fails, what it put into the
    /// outbox meanwhile is forgotten.
    fn handle_event(
        &mut self,
        what: &str,
        outbox: &mut Outbox,
        handle: impl FnOnce(&mut C, &mut Outbox),
    ) {
        let transmits_before = outbox.transmits().len();
        let handled = catch_unwind(AssertUnwindSafe(|| handle(&mut self.core, outbox)));
        if let Err(panic) = handled {
            outbox.truncate(transmits_before);
            tracing::error!("{what} failed: {}", panic_message(panic.as_ref()));
            self.core = (self.make_core)(self.program.running());
        }
    }

    /// Logs the failure and saves the datagram.
    #[cold]
    fn report(&self, source: SocketAddr, datagram: &[u8], panic: &(dyn Any + Send)) {
        let message = panic_message(panic);
        let saved = match self.panic_files.save(datagram) {
            Ok(Some(file)) => format!("it is saved in {}", file.display()),
            Ok(None) => "it is not saved, enough are".to_owned(),
            Err(error) => format!("it cannot be saved: {error}"),
        };
        tracing::error!("handling a datagram from {source} failed: {message}; {saved}");
    }
}

/// Saves the datagrams whose handling failed, a few at most, for a report of the defect.
#[derive(Debug)]
pub struct PanicFiles {
    directory: PathBuf,
    saved_count: AtomicUsize,
}

impl PanicFiles {
    /// Saves into `directory`, under the name `viaduct-panic-<process>-<number>.sip`.
    #[must_use]
    pub const fn new(directory: PathBuf) -> Self {
        Self { directory, saved_count: AtomicUsize::new(0) }
    }

    /// Saves a datagram, unless enough of them are saved: the file.
    fn save(&self, datagram: &[u8]) -> io::Result<Option<PathBuf>> {
        let number = self.saved_count.fetch_add(1, Ordering::Relaxed);
        if number >= PANIC_FILE_COUNT_MAX {
            self.saved_count.store(PANIC_FILE_COUNT_MAX, Ordering::Relaxed);
            return Ok(None);
        }
        let file = self.directory.join(format!("viaduct-panic-{}-{number}.sip", process::id()));
        OpenOptions::new().write(true).create_new(true).open(&file)?.write_all(datagram)?;
        Ok(Some(file))
    }
}

/// What was said when it panicked.
fn panic_message(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else {
        panic.downcast_ref::<String>().map_or("no message", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::limits::HEADROOM_BYTES;
    use crate::mem::{Arrival, ListenerId, SlotId, SlotPool};

    /// Sends what it gets to where it came from, and fails at what begins with `!`.
    struct Fragile {
        handled: usize,
    }

    impl Core for Fragile {
        type Program = ();

        fn replace_program(&mut self, _: &Arc<()>) {}

        fn handle_datagram(&mut self, _: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
            let Arrival { source, local, listener } = *received.arrival;
            let way = (source, listener, local.ip());
            outbox.push_composed(way, |bytes| {
                bytes.extend_from_slice(received.datagram());
                true
            });
            self.handled += 1;
            assert!(!received.datagram().starts_with(b"!"), "cannot bear {}", self.handled);
        }

        fn note_losses(&mut self) {}

        fn poll_timeout(&self) -> Option<u64> {
            None
        }

        fn handle_timeout(&mut self, _: Now, outbox: &mut Outbox) {
            let way = ("192.0.2.1:1".parse().unwrap(), ListenerId(0), "192.0.2.2".parse().unwrap());
            outbox.push_composed(way, |_| true);
            panic!("late");
        }
    }

    /// A new empty directory.
    fn directory(name: &str) -> PathBuf {
        let name = format!("viaduct-isolation-{name}-{}", process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// An isolated fragile core, and its counters.
    fn isolated(directory: &std::path::Path) -> (Isolated<Fragile>, WorkerCounters) {
        let counters = WorkerCounters::default();
        let files = Arc::new(PanicFiles::new(directory.to_owned()));
        let make_core: MakeCore<_> = Box::new(|_| Fragile { handled: 0 });
        (Isolated::new(&Programs::new(Arc::new(())), make_core, counters.clone(), files), counters)
    }

    /// Has `text` handled as a datagram.
    fn handle(core: &mut Isolated<Fragile>, text: &[u8], outbox: &mut Outbox) {
        let mut slots = SlotPool::new(1, 0);
        slots.slot_mut(SlotId(0))[HEADROOM_BYTES..][..text.len()].copy_from_slice(text);
        let arrival = Arrival {
            source: "192.0.2.1:5060".parse().unwrap(),
            local: "192.0.2.2:5060".parse().unwrap(),
            listener: ListenerId(0),
        };
        let (slot, length) = (SlotId(0), text.len());
        let buffer = slots.slot_mut(slot);
        let mut received = Received { slot, buffer, length, arrival: &arrival };
        core.handle_datagram(Now::default(), &mut received, outbox);
    }

    #[test]
    fn a_panic_costs_one_datagram_which_is_saved() {
        let directory = directory("one");
        let (mut core, counters) = isolated(&directory);
        let mut outbox = Outbox::new();
        handle(&mut core, b"before", &mut outbox);
        handle(&mut core, b"!evil", &mut outbox);
        assert_eq!(core.core.handled, 0, "a new core");
        handle(&mut core, b"after", &mut outbox);
        let slots = SlotPool::new(0, 0);
        let sent: Vec<&[u8]> =
            outbox.transmits().iter().map(|transmit| outbox.bytes(transmit, &slots)).collect();
        assert_eq!(sent, [&b"before"[..], b"after"]);
        assert_eq!(counters.value(Counter::DroppedAtWorkerPanic), 1);
        let file = directory.join(format!("viaduct-panic-{}-0.sip", process::id()));
        assert_eq!(fs::read(file).unwrap(), b"!evil");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_flood_of_panics_saves_a_few_files_only() {
        let directory = directory("flood");
        let (mut core, counters) = isolated(&directory);
        for _ in 0..PANIC_FILE_COUNT_MAX + 3 {
            handle(&mut core, b"!evil", &mut Outbox::new());
        }
        let saved = fs::read_dir(&directory).unwrap().count();
        assert_eq!(saved, PANIC_FILE_COUNT_MAX);
        let expected = PANIC_FILE_COUNT_MAX as u64 + 3;
        assert_eq!(counters.value(Counter::DroppedAtWorkerPanic), expected);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_directory_that_is_missing_does_not_stop_the_worker() {
        let (mut core, counters) = isolated(std::path::Path::new("no/such/directory"));
        handle(&mut core, b"!evil", &mut Outbox::new());
        assert_eq!(counters.value(Counter::DroppedAtWorkerPanic), 1);
    }

    #[test]
    fn a_failed_timer_sends_nothing() {
        let directory = directory("timer");
        let (mut core, _) = isolated(&directory);
        let mut outbox = Outbox::new();
        core.handle_timeout(Now::default(), &mut outbox);
        assert!(outbox.is_empty());
        fs::remove_dir_all(directory).unwrap();
    }
}
