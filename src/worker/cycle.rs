//! The cycle of a worker.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token};

use super::isolation::Isolated;
use super::{Core, WorkerParts};
use crate::jobs::{Completion, Mailbox};
use crate::limits::{
    BATCH_DATAGRAMS_MAX, CONNECTION_STOP_MS_MAX, DATAGRAM_BYTES_MAX, HEADROOM_BYTES,
    LISTENER_COUNT_MAX,
};
use crate::mem::{Arrival, ListenerId, Outbox, Received, SlotId};
use crate::metrics::{Counter, WorkerCounters};
use crate::time::{Now, earlier};
use crate::transport::{Arrived, Inbox, Next, Sender, Streams, UdpListener};

/// The token of the waker; those of the listeners are their positions.
pub(super) const WAKER: Token = Token(usize::MAX);

/// Batches taken from each socket before the poll is asked again: an overloaded socket must not
/// keep timers and the wish to stop waiting.
const TURNS_PER_POLL: usize = 4;

/// Events that the poll tells at once.
const EVENT_COUNT: usize = 1_024;

const _: () = assert!(EVENT_COUNT > LISTENER_COUNT_MAX, "all listeners are told of at once");

/// A worker at work.
pub(super) struct Cycle<C: Core> {
    poll: Poll,
    stop: Arc<AtomicBool>,
    clock: Box<dyn Fn() -> Now + Send>,
    /// The last reading of the clocks.
    now: Now,
    /// Whether a batch was handled at it.
    now_is_used: bool,
    core: Isolated<C>,
    counters: WorkerCounters,
    completions: Mailbox<Completion>,
    listeners: Vec<UdpListener>,
    /// Its connections, if there are listeners for them.
    streams: Option<Box<Streams>>,
    /// Listeners whose queue may hold something. Readiness is told once, when it begins, so it
    /// has to be remembered until the queue was found empty.
    ready: Vec<bool>,
    /// The listener whose full buffer keeps the outbox from being sent.
    blocked: Option<ListenerId>,
    inbox: Inbox,
    /// The listener that the inbox received from.
    position: usize,
    outbox: Outbox,
    sender: Sender,
}

impl<C: Core> Cycle<C> {
    /// Everything allocated, the sockets registered.
    pub(super) fn new(
        parts: WorkerParts<C>,
        poll: Poll,
        stop: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let WorkerParts {
            mut listeners,
            programs,
            make_core,
            clock,
            counters,
            completions,
            panic_files,
            streams,
            ..
        } = parts;
        for (position, listener) in listeners.iter_mut().enumerate() {
            poll.registry().register(listener, Token(position), Interest::READABLE)?;
        }
        let streams = streams.map(|parts| Streams::new(parts, &poll)).transpose()?;
        Ok(Self {
            streams: streams.map(Box::new),
            poll,
            stop,
            now: clock(),
            now_is_used: false,
            clock,
            core: Isolated::new(&programs, make_core, counters.clone(), panic_files),
            counters,
            completions,
            ready: vec![false; listeners.len()],
            listeners,
            blocked: None,
            inbox: Inbox::default(),
            position: 0,
            outbox: Outbox::new(),
            sender: Sender::default(),
        })
    }

    /// Works until asked to stop.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENT_COUNT);
        while !self.stop.load(Ordering::Acquire) {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.core.take_newest_program();
            self.read_clock();
            for event in &events {
                self.note(event)?;
            }
            for _ in 0..TURNS_PER_POLL {
                self.take_turn()?;
            }
            self.serve_streams()?;
            self.take_completions()?;
            self.run_timers()?;
        }
        self.finish()?;
        self.finish_streams(&mut events)
    }

    /// Ends the runs that got their answers when the jobs were stopped and those that wait for a
    /// moment, and sends what is left. A job that they order now is answered at once.
    fn finish(&mut self) -> io::Result<()> {
        while self.blocked.is_none() && !self.completions.is_empty() {
            self.take_completions()?;
        }
        while self.blocked.is_none() && self.core.end_waits((self.clock)(), &mut self.outbox) {
            self.flush()?;
        }
        self.flush()
    }

    /// Writes what is queued for connections, as far as it is taken in time, and ends them.
    fn finish_streams(&mut self, events: &mut Events) -> io::Result<()> {
        let Some(streams) = &mut self.streams else { return Ok(()) };
        let until_ms = (self.clock)().monotonic_ms + CONNECTION_STOP_MS_MAX;
        streams.stop();
        loop {
            let now_ms = (self.clock)().monotonic_ms;
            streams.set_time(now_ms);
            streams.begin();
            if streams.is_written() || now_ms >= until_ms {
                break;
            }
            match self.poll.poll(events, Some(Duration::from_millis(until_ms - now_ms))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => events.iter().for_each(|event| streams.note(event)),
            }
        }
        streams.end_all();
        Ok(())
    }

    /// Reads the clocks: when the poll has told something, and for each batch but the first after
    /// that. Where single datagrams come, this is a good part of what the worker does itself.
    fn read_clock(&mut self) {
        self.now = (self.clock)();
        self.now_is_used = false;
        if let Some(streams) = &mut self.streams {
            streams.set_time(self.now.monotonic_ms);
        }
    }

    /// How long the poll may wait. It counts from the last reading of the clocks, so that what is
    /// due may be late by what has been done since.
    fn timeout(&self) -> Option<Duration> {
        if self.blocked.is_some() {
            // The outbox has to be sent before anything else; its socket will be announced.
            return None;
        }
        if self.ready.contains(&true) || !self.completions.is_empty() {
            return Some(Duration::ZERO);
        }
        let streams_due = match &self.streams {
            Some(streams) if streams.has_work() => return Some(Duration::ZERO),
            Some(streams) => streams.due_ms(),
            None => None,
        };
        let due = earlier(self.core.poll_timeout(), streams_due)?;
        Some(Duration::from_millis(due.saturating_sub(self.now.monotonic_ms)))
    }

    /// Remembers what the poll told about a listener.
    fn note(&mut self, event: &Event) -> io::Result<()> {
        let Some(ready) = self.ready.get_mut(event.token().0) else {
            if let Some(streams) = &mut self.streams {
                streams.note(event);
            }
            return Ok(());
        };
        *ready |= event.is_readable() || event.is_error();
        let blocked = self.blocked.is_some_and(|id| usize::from(id.0) == event.token().0);
        if blocked && event.is_writable() {
            self.watch(event.token(), Interest::READABLE)?;
            self.blocked = None;
            self.flush()?;
        }
        Ok(())
    }

    /// Works through one batch of each listener that may have one, after what is left of the last
    /// one. Nothing is received while the outbox holds something: its slots are in use, and the
    /// pressure goes back into the kernel's queue.
    fn take_turn(&mut self) -> io::Result<()> {
        self.work_through()?;
        for position in 0..self.listeners.len() {
            if self.ready[position] && self.blocked.is_none() {
                self.position = position;
                self.ready[position] = !self.inbox.receive(&mut self.listeners[position]);
                self.work_through()?;
            }
        }
        Ok(())
    }

    /// Hands what was received to the core and sends what it causes, as many datagrams at a time
    /// as there are slots for.
    fn work_through(&mut self) -> io::Result<()> {
        while self.blocked.is_none() && !self.inbox.is_done() {
            self.hand_over();
            self.flush()?;
        }
        Ok(())
    }

    /// Hands received datagrams to the core.
    fn hand_over(&mut self) {
        // Only now: what came after a program was replaced is never handled by the old one.
        self.core.take_newest_program();
        if self.now_is_used {
            self.read_clock();
        }
        self.now_is_used = true;
        let now = self.now;
        let listener = &mut self.listeners[self.position];
        let mut count = 0;
        loop {
            match self.inbox.next(listener) {
                Next::Datagram(mut received) => {
                    count += 1;
                    self.core.handle_datagram(now, &mut received, &mut self.outbox);
                }
                Next::Unreadable => {
                    count += 1;
                    self.counters.count(Counter::DroppedTooLarge);
                }
                Next::NoSlot | Next::Nothing => break,
            }
        }
        self.counters.add(Counter::ReceivedDatagrams, count);
        let lost = listener.take_losses();
        if lost > 0 {
            self.counters.add(Counter::ReceiveOverruns, u64::from(lost));
            self.core.note_losses();
        }
    }

    /// Works through a batch of the messages that have come by connections. Datagrams go first: of
    /// them there were several.
    fn serve_streams(&mut self) -> io::Result<()> {
        let Some(streams) = &mut self.streams else { return Ok(()) };
        // The slots are free when the batch is done and nothing waits to be sent.
        if self.blocked.is_some() || !self.inbox.is_done() {
            return Ok(());
        }
        self.core.take_newest_program();
        let now = self.now;
        streams.begin();
        for slot in (0..BATCH_DATAGRAMS_MAX).map(|number| SlotId(number as u16)) {
            let buffer = self.inbox.slots_mut().slot_mut(slot);
            let landing = &mut buffer[HEADROOM_BYTES..HEADROOM_BYTES + DATAGRAM_BYTES_MAX];
            let Some(arrived) = streams.next(landing) else { break };
            let Arrived { length, source, local, listener } = arrived;
            let arrival = Arrival { source, local, listener };
            let mut received = Received { slot, buffer, length, arrival: &arrival };
            self.core.handle_datagram(now, &mut received, &mut self.outbox);
        }
        self.flush()
    }

    /// Goes on with messages that have waited for a job, a batch of them at most: their number
    /// must not keep datagrams waiting.
    fn take_completions(&mut self) -> io::Result<()> {
        if self.completions.is_empty() || self.blocked.is_some() {
            return Ok(());
        }
        let now = self.now;
        for _ in 0..BATCH_DATAGRAMS_MAX {
            let Some(completion) = self.completions.take() else { break };
            self.core.handle_completion(now, completion, &mut self.outbox);
        }
        self.flush()
    }

    /// Does what is due.
    fn run_timers(&mut self) -> io::Result<()> {
        let Some(due) = self.core.poll_timeout() else { return Ok(()) };
        let now = self.now;
        if now.monotonic_ms < due || self.blocked.is_some() {
            return Ok(());
        }
        self.core.handle_timeout(now, &mut self.outbox);
        self.flush()
    }

    /// Sends what the sockets take. If one is full, waits for it to be announced as writable.
    fn flush(&mut self) -> io::Result<()> {
        if !self.outbox.is_empty() {
            let Self { sender, listeners, outbox, inbox, counters, streams, .. } = self;
            let streams = streams.as_deref_mut();
            self.blocked = sender.flush((listeners, streams), outbox, inbox.slots(), counters);
        }
        if let (None, Some(streams)) = (self.blocked, &mut self.streams) {
            streams.write();
        }
        match self.blocked {
            Some(id) => {
                self.watch(Token(usize::from(id.0)), Interest::READABLE | Interest::WRITABLE)
            }
            None => {
                self.inbox.release();
                Ok(())
            }
        }
    }

    /// Chooses what the poll tells about a listener. Writability is asked for only while it is
    /// waited for: it would be told after every datagram sent.
    fn watch(&mut self, token: Token, interests: Interest) -> io::Result<()> {
        match self.listeners.get_mut(token.0) {
            Some(listener) => self.poll.registry().reregister(listener, token, interests),
            None => Ok(()),
        }
    }
}
