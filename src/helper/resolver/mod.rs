//! The resolver: one thread that asks name servers for hosts and SIP domains, for all of them at
//! once.
//!
//! Answers are believed only if they come from the server that was asked, to the port and with the
//! number of the question, repeat the question, and stand in the answer section.

mod exchange;
mod files;
mod lookup;
mod message;
mod socket;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
use mio::{Events, Poll, Token, Waker};

use self::exchange::{Exchange, LookupKey};
use self::files::Files;
use self::lookup::{Lookup, Step, Surroundings, wanted_addresses};
use self::message::Record;
use crate::limits::{DNS_SERVER_COUNT_MAX, NAME_LOOKUP_COUNT_MAX, NAME_LOOKUP_MS_MAX};
use crate::names::{NameSettings, NameTable, Question};

/// The thread that asks name servers. It ends when this is dropped.
#[derive(Debug)]
pub struct Resolver {
    settings: Option<Sender<NameSettings>>,
    waker: Arc<Waker>,
}

/// What a resolver is made of.
#[derive(Debug)]
pub struct ResolverParts {
    /// Where answers are written down.
    pub names: Arc<NameTable>,
    /// What is asked.
    pub questions: Receiver<Question>,
    /// How it is asked.
    pub settings: NameSettings,
    /// The addresses of the server, which tell the families that are of use.
    pub listeners: Vec<IpAddr>,
    /// What nobody can guess.
    pub secret: [u8; 16],
}

impl Resolver {
    /// Starts the thread. `now_ms` reads the monotonic clock (milliseconds).
    ///
    /// # Errors
    ///
    /// When the system gives no thread or no poll.
    pub fn start(
        parts: ResolverParts,
        now_ms: impl Fn() -> u64 + Send + 'static,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let exchange = Exchange::new(poll.registry().try_clone()?, parts.secret);
        let (settings, changes) = unbounded();
        let woken = Arc::clone(&waker);
        parts.names.set_bell(move || {
            if let Err(error) = woken.wake() {
                tracing::warn!("the resolver cannot be woken: {error}");
            }
        });
        let desk = Desk {
            files: Files::new(),
            lookups: BTreeMap::new(),
            next_lookup: 0,
            parts,
            changes,
            exchange,
            now_ms,
        };
        thread::Builder::new().name("resolver".to_owned()).spawn(move || {
            if let Err(error) = desk.work(poll) {
                tracing::error!("no more names are looked up: {error}");
            }
        })?;
        Ok(Self { settings: Some(settings), waker })
    }

    /// Asks as these settings say from now on.
    pub fn follow(&self, settings: &NameSettings) {
        if let Some(sender) = &self.settings
            && sender.send(settings.clone()).is_ok()
        {
            self.wake();
        }
    }

    /// Wakes the thread.
    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::warn!("the resolver cannot be woken: {error}");
        }
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.settings = None;
        self.wake();
    }
}

/// The token of the waker; those of the sockets count from 0.
const WAKER: Token = Token(usize::MAX);

/// Events that are taken at once.
const EVENT_COUNT: usize = 256;

/// The names that are being looked up.
struct Desk<F> {
    parts: ResolverParts,
    changes: Receiver<NameSettings>,
    files: Files,
    lookups: BTreeMap<LookupKey, (Question, Lookup, u64)>,
    next_lookup: LookupKey,
    exchange: Exchange,
    now_ms: F,
}

impl<F: Fn() -> u64> Desk<F> {
    /// Works until nobody is left who could stop it.
    fn work(mut self, mut poll: Poll) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENT_COUNT);
        self.choose_servers();
        loop {
            match poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            if !self.take_changes() {
                return Ok(());
            }
            let now_ms = (self.now_ms)();
            if self.files.refresh(now_ms) {
                self.choose_servers();
            }
            for event in &events {
                if event.token() != WAKER {
                    self.exchange.note(event.token());
                }
            }
            self.exchange.take(now_ms);
            self.exchange.run_timers(now_ms);
            self.take_questions(now_ms);
            self.take_finished(now_ms);
        }
    }

    /// How long the poll may wait.
    fn timeout(&self) -> Option<Duration> {
        let has_room = self.lookups.len() < NAME_LOOKUP_COUNT_MAX;
        if self.exchange.has_unread() || has_room && !self.parts.questions.is_empty() {
            return Some(Duration::ZERO);
        }
        let due_ms = self.exchange.due_ms()?;
        Some(Duration::from_millis(due_ms.saturating_sub((self.now_ms)())))
    }

    /// Takes over new settings; false when it is time to end.
    fn take_changes(&mut self) -> bool {
        loop {
            match self.changes.try_recv() {
                Ok(settings) if settings == self.parts.settings => {}
                Ok(settings) => {
                    self.parts.settings = settings;
                    self.choose_servers();
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Has those servers be asked that the script or the machine names.
    fn choose_servers(&mut self) {
        let settings = &self.parts.settings;
        let own = !settings.servers.is_empty();
        let servers = if own { &settings.servers } else { &self.files.book.servers };
        let count = servers.len().min(DNS_SERVER_COUNT_MAX);
        self.exchange.follow(&servers[..count], settings);
    }

    /// Begins to look up what is asked for.
    fn take_questions(&mut self, now_ms: u64) {
        while self.lookups.len() < NAME_LOOKUP_COUNT_MAX {
            let Ok(question) = self.parts.questions.try_recv() else { return };
            let addresses = self.wanted();
            let (lookup, step) = Lookup::start(&question, self.around(&addresses));
            let key = self.next_lookup;
            self.next_lookup += 1;
            let until_ms = now_ms + NAME_LOOKUP_MS_MAX;
            self.lookups.insert(key, (question, lookup, until_ms));
            self.go_on(key, step, now_ms);
        }
    }

    /// Goes on with lookups whose questions have come to an end.
    fn take_finished(&mut self, now_ms: u64) {
        let addresses = self.wanted();
        while let Some((key, slot, outcome)) = self.exchange.finished.pop_front() {
            let Self { parts, files, lookups, .. } = self;
            let Some((_, lookup, _)) = lookups.get_mut(&key) else { continue };
            let (book, settings) = (&files.book, &parts.settings);
            let around = Surroundings { book, settings, addresses: &addresses };
            let step = lookup.take(slot, outcome, around);
            self.go_on(key, step, now_ms);
        }
    }

    /// Does the next step of a lookup.
    fn go_on(&mut self, key: LookupKey, step: Step, now_ms: u64) {
        match step {
            Step::Wait => {}
            Step::Ask(asks) => {
                let until_ms = self.lookups.get(&key).map_or(now_ms, |(_, _, until_ms)| *until_ms);
                for ask in asks {
                    // Where nobody tells servers, there is time left to ask for the host.
                    let rest = if ask.record == Record::Srv { NAME_LOOKUP_MS_MAX / 3 } else { 0 };
                    self.exchange.ask(key, ask, (now_ms, until_ms - rest));
                }
            }
            Step::Done(answer) => {
                if let Some((question, ..)) = self.lookups.remove(&key) {
                    self.parts.names.settle(&question, answer, now_ms);
                }
            }
        }
    }

    /// The kinds of addresses that are asked for.
    fn wanted(&self) -> Vec<Record> {
        wanted_addresses(&self.parts.listeners, self.parts.settings.try_ipv6)
    }

    /// What lookups take into account.
    fn around<'a>(&'a self, addresses: &'a [Record]) -> Surroundings<'a> {
        Surroundings { book: &self.files.book, settings: &self.parts.settings, addresses }
    }
}
