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
use crate::limits::{BATCH_DATAGRAMS_MAX, LISTENER_COUNT_MAX};
use crate::mem::{ListenerId, Outbox, Received, SlotId, SlotPool};
use crate::metrics::{Counter, WorkerCounters};
use crate::time::Now;
use crate::transport::{ReceiveBatch, Sender, UdpListener};

/// The token of the waker; those of the listeners are their positions.
pub(super) const WAKER: Token = Token(usize::MAX);

/// Batches taken from each socket before the poll is asked again: an overloaded socket must not
/// keep timers and the wish to stop waiting.
const TURNS_PER_POLL: usize = 4;

const _: () = assert!(BATCH_DATAGRAMS_MAX <= u16::MAX as usize, "a SlotId counts a batch");

/// A worker at work.
pub(super) struct Cycle<C> {
    poll: Poll,
    stop: Arc<AtomicBool>,
    clock: Box<dyn Fn() -> Now + Send>,
    core: Isolated<C>,
    counters: WorkerCounters,
    completions: Mailbox<Completion>,
    listeners: Vec<UdpListener>,
    /// Listeners whose queue may hold something. Readiness is told once, when it begins, so it
    /// has to be remembered until the queue was found empty.
    ready: Vec<bool>,
    /// The listener whose full buffer keeps the outbox from being sent.
    blocked: Option<ListenerId>,
    slots: SlotPool,
    inbox: ReceiveBatch,
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
            mut listeners, make_core, clock, counters, completions, panic_files, ..
        } = parts;
        for (position, listener) in listeners.iter_mut().enumerate() {
            poll.registry().register(listener, Token(position), Interest::READABLE)?;
        }
        Ok(Self {
            poll,
            stop,
            clock,
            core: Isolated::new(make_core, counters.clone(), panic_files),
            counters,
            completions,
            ready: vec![false; listeners.len()],
            listeners,
            blocked: None,
            slots: SlotPool::new(BATCH_DATAGRAMS_MAX),
            inbox: ReceiveBatch::new(BATCH_DATAGRAMS_MAX),
            outbox: Outbox::new(),
            sender: Sender::default(),
        })
    }

    /// Works until asked to stop.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(LISTENER_COUNT_MAX + 1);
        while !self.stop.load(Ordering::Acquire) {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                self.note(event)?;
            }
            for _ in 0..TURNS_PER_POLL {
                self.take_turn()?;
            }
            self.take_completions()?;
            self.run_timers()?;
        }
        self.flush()
    }

    /// How long the poll may wait.
    fn timeout(&self) -> Option<Duration> {
        if self.blocked.is_some() {
            // The outbox has to be sent before anything else; its socket will be announced.
            return None;
        }
        if self.ready.contains(&true) || !self.completions.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.core.poll_timeout()?;
        let now = (self.clock)();
        Some(Duration::from_millis(due.saturating_sub(now.monotonic_ms)))
    }

    /// Remembers what the poll told about a listener.
    fn note(&mut self, event: &Event) -> io::Result<()> {
        let Some(ready) = self.ready.get_mut(event.token().0) else { return Ok(()) };
        *ready |= event.is_readable() || event.is_error();
        let blocked = self.blocked.is_some_and(|id| usize::from(id.0) == event.token().0);
        if blocked && event.is_writable() {
            self.watch(event.token(), Interest::READABLE)?;
            self.blocked = None;
            self.flush()?;
        }
        Ok(())
    }

    /// Works through one batch of each listener that may have one. Nothing is received while
    /// the outbox holds something: its slots are in use, and the pressure goes back into the
    /// kernel's queue.
    fn take_turn(&mut self) -> io::Result<()> {
        for position in 0..self.listeners.len() {
            if self.ready[position] && self.blocked.is_none() {
                self.take_batch(position);
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Receives one batch and hands it to the core.
    fn take_batch(&mut self, position: usize) {
        let listener = &mut self.listeners[position];
        let reception = listener.receive(&mut self.inbox, &mut self.slots);
        self.ready[position] = !reception.drained;
        if reception.count == 0 {
            return;
        }
        self.counters.add(Counter::ReceivedDatagrams, reception.count as u64);
        let now = (self.clock)();
        for index in 0..reception.count {
            let Some(datagram) = listener.arrival(&self.inbox, index) else {
                self.counters.count(Counter::DroppedTooLarge);
                continue;
            };
            if datagram.lost > 0 {
                self.counters.add(Counter::ReceiveOverruns, u64::from(datagram.lost));
            }
            let slot = SlotId(index as u16);
            let received = Received {
                slot,
                buffer: self.slots.slot_mut(slot),
                length: datagram.length,
                source: datagram.source,
                local: datagram.local,
                listener: listener.id(),
            };
            self.core.handle_datagram(now, received, &mut self.outbox);
        }
    }

    /// Goes on with messages that have waited for a job, a batch of them at most: their number
    /// must not keep datagrams waiting.
    fn take_completions(&mut self) -> io::Result<()> {
        if self.completions.is_empty() || self.blocked.is_some() {
            return Ok(());
        }
        let now = (self.clock)();
        for _ in 0..BATCH_DATAGRAMS_MAX {
            let Some(completion) = self.completions.take() else { break };
            self.core.handle_completion(now, completion, &mut self.outbox);
        }
        self.flush()
    }

    /// Does what is due.
    fn run_timers(&mut self) -> io::Result<()> {
        let Some(due) = self.core.poll_timeout() else { return Ok(()) };
        let now = (self.clock)();
        if now.monotonic_ms < due || self.blocked.is_some() {
            return Ok(());
        }
        self.core.handle_timeout(now, &mut self.outbox);
        self.flush()
    }

    /// Sends what the sockets take. If one is full, waits for it to be announced as writable.
    fn flush(&mut self) -> io::Result<()> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let Self { sender, listeners, outbox, slots, counters, .. } = self;
        self.blocked = sender.flush(listeners, outbox, slots, counters);
        match self.blocked {
            Some(id) => {
                self.watch(Token(usize::from(id.0)), Interest::READABLE | Interest::WRITABLE)
            }
            None => Ok(()),
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
