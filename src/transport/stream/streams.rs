//! All connections of a worker.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Poll, Registry, Token};
use socket2::SockRef;

use super::connection::{Connection, Due, set_up};
use super::listener::StreamListener;
use super::reading::Visit;
use super::session::Session;
use super::table::{Table, connection_of, token};
use super::timers::Timers;
use crate::connections::{
    Card, ConnectionId, ConnectionSettings, ConnectionState, Directory, Passed, Place,
    SettingsFollower,
};
use crate::jobs::Mailbox;
use crate::mem::ListenerId;
use crate::metrics::{Counter, WorkerCounters};
use crate::protocol::Transport;
use crate::time::earlier;
use crate::transport::tls::{TlsContexts, TlsSession};

/// What a worker needs to have connections.
#[derive(Debug)]
pub struct StreamParts {
    /// The number of the worker.
    pub worker: usize,
    /// Its listening sockets, in the order of their ids.
    pub listeners: Vec<StreamListener>,
    /// Who has which connection.
    pub directory: Arc<Directory>,
    /// What other workers have to write to connections of this one.
    pub mailbox: Mailbox<Passed>,
    /// What TLS is spoken by.
    pub tls: Arc<ArcSwap<TlsContexts>>,
    /// The worker's counters.
    pub counters: WorkerCounters,
}

/// The connections of a worker.
#[derive(Debug)]
pub struct Streams {
    pub(super) worker: usize,
    pub(super) listeners: Vec<StreamListener>,
    pub(super) directory: Arc<Directory>,
    pub(super) mailbox: Mailbox<Passed>,
    pub(super) counters: WorkerCounters,
    follower: SettingsFollower,
    pub(super) settings: Arc<ConnectionSettings>,
    tls_follower: Cache<Arc<ArcSwap<TlsContexts>>, Arc<TlsContexts>>,
    pub(super) tls: Arc<TlsContexts>,
    pub(super) registry: Registry,
    pub(super) table: Table,
    timers: Timers,
    /// Those that may have something to be read, or to be worked through.
    pub(super) ready: VecDeque<ConnectionId>,
    /// Those that may have something to be written.
    pub(super) dirty: Vec<ConnectionId>,
    /// The one that messages are being cut out of.
    pub(super) visit: Option<Visit>,
    /// How many more may be read from in this turn.
    pub(super) visits_left: usize,
    /// Memory that was used and may be used again.
    pool: Vec<Vec<u8>>,
    /// Octets that wait to be written.
    pub(super) queued_bytes: usize,
    /// Octets of messages that are kept until the rest comes.
    pub(super) unread_bytes: usize,
    /// The time of this turn.
    pub(super) now_ms: u64,
    /// When connections are accepted again, after the system had no room for one.
    accept_at_ms: u64,
    is_stopping: bool,
}

/// A message that came by a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its length (octets).
    pub length: usize,
    /// Who sent it.
    pub source: SocketAddr,
    /// The address that it was sent to.
    pub local: SocketAddr,
    /// The listener whose connection it is.
    pub listener: ListenerId,
}

/// Connections accepted at one listener before others have their turn.
const ACCEPTS_PER_TURN: usize = 64;

/// Connections read from before others have their turn.
const VISITS_PER_TURN: usize = 64;

/// Messages of other workers that are taken before others have their turn.
const PASSED_PER_TURN: usize = 256;

/// How long nothing is accepted when the system has no room for a connection (milliseconds).
const ACCEPT_PAUSE_MS: u64 = 100;

/// Pieces of memory that are kept to be used again, and how large one may be (octets).
const POOL: (usize, usize) = (32, 64 << 10);

impl Streams {
    /// Those of a worker with this poll: its listening sockets are registered under their ids.
    ///
    /// # Errors
    ///
    /// When the poll does not take a socket.
    pub fn new(parts: StreamParts, poll: &Poll) -> io::Result<Self> {
        let StreamParts { worker, mut listeners, directory, mailbox, tls, counters } = parts;
        for listener in &mut listeners {
            let token = Token(usize::from(listener.id().0));
            poll.registry().register(&mut listener.socket, token, Interest::READABLE)?;
        }
        let mut follower = directory.follow_settings();
        Ok(Self {
            worker,
            listeners,
            mailbox,
            counters,
            settings: Arc::clone(follower.load()),
            follower,
            tls: tls.load_full(),
            tls_follower: Cache::new(tls),
            directory,
            registry: poll.registry().try_clone()?,
            table: Table::default(),
            timers: Timers::default(),
            ready: VecDeque::new(),
            dirty: Vec::new(),
            visit: None,
            visits_left: 0,
            pool: Vec::new(),
            queued_bytes: 0,
            unread_bytes: 0,
            now_ms: 0,
            accept_at_ms: 0,
            is_stopping: false,
        })
    }

    /// Remembers what the poll told about a listening socket or a connection.
    pub fn note(&mut self, event: &Event) {
        let Some(id) = connection_of(event.token()) else {
            let listeners = self.listeners.iter_mut();
            let own = listeners.filter(|it| usize::from(it.id().0) == event.token().0);
            return own.for_each(|listener| listener.has_callers = true);
        };
        let Some(connection) = self.table.get(id) else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.is_readable = true;
            connection.is_ended |= event.is_read_closed() || event.is_error();
            self.make_ready(id);
        }
        if event.is_writable() || event.is_write_closed() || event.is_error() {
            self.make_dirty(id);
        }
    }

    /// Whether there is something to do at once.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let is_called = self.accept_at_ms <= self.now_ms
            && !self.is_stopping
            && self.listeners.iter().any(|listener| listener.has_callers);
        is_called
            || self.visit.is_some()
            || !self.ready.is_empty()
            || !self.dirty.is_empty()
            || !self.mailbox.is_empty()
    }

    /// When [`Self::begin`] wants to be called although nothing has come, in milliseconds of the
    /// monotonic clock.
    #[must_use]
    pub fn due_ms(&self) -> Option<u64> {
        let is_called = self.listeners.iter().any(|listener| listener.has_callers);
        let accept_at_ms = is_called.then_some(self.accept_at_ms);
        earlier(self.timers.due_ms(), accept_at_ms)
    }

    /// The time, for what is sent before the next turn.
    pub const fn set_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Begins a turn: does what is due, accepts connections, and writes what other workers have
    /// for connections of this one.
    pub fn begin(&mut self) {
        // The counts of both are shared by all workers: they are left alone where nothing is new.
        let settings = self.follower.load();
        if !Arc::ptr_eq(&self.settings, settings) {
            self.settings = Arc::clone(settings);
        }
        let tls = self.tls_follower.load();
        if !Arc::ptr_eq(&self.tls, tls) {
            self.tls = Arc::clone(tls);
        }
        self.visits_left = VISITS_PER_TURN;
        self.run_timers();
        self.accept();
        for _ in 0..PASSED_PER_TURN {
            let Some(passed) = self.mailbox.take() else { break };
            self.take_passed(&passed);
        }
        self.write();
    }

    /// Writes what is queued, as far as it is taken, and opens, ends and closes connections whose
    /// time it is.
    pub fn write(&mut self) {
        if self.dirty.is_empty() {
            return;
        }
        let mut dirty = std::mem::take(&mut self.dirty);
        for id in dirty.drain(..) {
            if let Some(connection) = self.table.get(id) {
                connection.is_dirty = false;
                self.write_to(id);
            }
        }
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
        self.directory.note_queued(self.worker, self.queued_bytes);
    }

    /// Accepts no more connections, as the server ends.
    pub const fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// Whether everything is written.
    #[must_use]
    pub const fn is_written(&self) -> bool {
        self.queued_bytes == 0
    }

    /// Ends all connections, as the server ends.
    pub fn end_all(&mut self) {
        for id in self.table.ids() {
            if let Some(connection) = self.table.get(id) {
                // Who is gone need not be told.
                connection.session.end(&mut connection.socket);
                let _ = connection.socket.shutdown(Shutdown::Write);
            }
            self.close(id, Counter::ConnectionsEnded);
        }
    }

    /// Puts a connection among those to be read.
    pub(super) fn make_ready(&mut self, id: ConnectionId) {
        if let Some(connection) = self.table.get(id)
            && !connection.is_ready
        {
            connection.is_ready = true;
            self.ready.push_back(id);
        }
    }

    /// Puts a connection among those to be written.
    pub(super) fn make_dirty(&mut self, id: ConnectionId) {
        if let Some(connection) = self.table.get(id)
            && !connection.is_dirty
        {
            connection.is_dirty = true;
            self.dirty.push(id);
        }
    }

    /// Sets the moment at which a connection is looked at, if it is earlier than the one that is
    /// set.
    pub(super) fn set_timer(&mut self, id: ConnectionId) {
        let Some(connection) = self.table.get(id) else { return };
        let (at_ms, _) = connection.due(&self.settings);
        if at_ms < connection.timer_ms {
            connection.timer_ms = at_ms;
            self.timers.set(at_ms, id);
        }
    }

    /// Notes that something came or went.
    pub(super) fn touch(connection: &Connection, now_ms: u64) {
        connection.place.card.set_active(now_ms);
    }

    /// Memory to read into or to write from.
    pub(super) fn memory(&mut self) -> Vec<u8> {
        self.pool.pop().unwrap_or_default()
    }

    /// Takes memory back.
    pub(super) fn take_back(&mut self, mut memory: Vec<u8>) {
        let (count, size) = POOL;
        if (1..=size).contains(&memory.capacity()) && self.pool.len() < count {
            memory.clear();
            self.pool.push(memory);
        }
    }

    /// Enters a connection into the table, the poll and the directory.
    pub(super) fn place(
        &self,
        (id, listener): (ConnectionId, ListenerId),
        ways: (Transport, SocketAddr, SocketAddr),
        name: Option<&str>,
        state: ConnectionState,
    ) -> Place {
        let (transport, peer, local) = ways;
        let number = self.directory.next_number();
        let card = Card::new(number, transport, (peer, local), state, self.now_ms);
        Place { worker: self.worker, id, listener, card: Arc::new(card.for_name(name)) }
    }

    /// Lets a connection end when all is written that is queued. Nothing more is read from it.
    pub(super) fn begin_closing(&mut self, id: ConnectionId, reason: Counter) {
        let now_ms = self.now_ms;
        let Some(connection) = self.table.get(id) else { return };
        connection.reason = reason;
        connection.message_since_ms = None;
        connection.enter(ConnectionState::Closing, now_ms);
        self.set_timer(id);
        self.make_dirty(id);
    }

    /// Closes a connection at once.
    pub(super) fn close(&mut self, id: ConnectionId, reason: Counter) {
        let Some(connection) = self.table.remove(id) else { return };
        let Connection { mut queue, place, unread, is_accepted, .. } = *connection;
        self.directory.leave(&place);
        self.directory.release(is_accepted.then(|| place.card.peer.ip()));
        self.counters.count(reason);
        self.counters.add(Counter::DroppedUnconnected, queue.message_count());
        self.queued_bytes -= queue.len();
        self.unread_bytes -= unread.capacity();
        self.take_back(unread);
        if let Some(memory) = queue.take_back() {
            self.take_back(memory);
        }
    }

    /// Accepts connections.
    fn accept(&mut self) {
        if self.accept_at_ms > self.now_ms || self.is_stopping {
            return;
        }
        for position in 0..self.listeners.len() {
            for _ in 0..ACCEPTS_PER_TURN {
                let listener = &mut self.listeners[position];
                if !listener.has_callers {
                    break;
                }
                let way = (listener.id(), listener.transport());
                match listener.accept() {
                    Ok(accepted) => self.take_in(way, accepted),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        listener.has_callers = false;
                    }
                    Err(error) if lacks_room(&error) => {
                        self.counters.count(Counter::ConnectionsRefused);
                        self.accept_at_ms = self.now_ms + ACCEPT_PAUSE_MS;
                        return;
                    }
                    // The caller has gone away meanwhile.
                    Err(_) => {}
                }
            }
        }
    }

    /// Takes a connection in that was accepted.
    fn take_in(
        &mut self,
        (listener, transport): (ListenerId, Transport),
        (mut socket, peer, local): (TcpStream, SocketAddr, SocketAddr),
    ) {
        let session = match transport {
            Transport::Tls => self
                .tls
                .server(local)
                .map(|server| Session::Tls(Box::new(TlsSession::accept(server)))),
            Transport::Udp | Transport::Tcp => Some(Session::Plain),
        };
        let Some(session) = session.filter(|_| self.directory.admit(Some(peer.ip())).is_ok())
        else {
            self.counters.count(Counter::ConnectionsRefused);
            // Without it, the system would remember each of them for a minute.
            let _ = SockRef::from(&socket).set_linger(Some(std::time::Duration::ZERO));
            return;
        };
        set_up(&SockRef::from(&socket), &self.settings.probes);
        let id = self.table.reserve();
        let interests = Interest::READABLE | Interest::WRITABLE;
        if self.registry.register(&mut socket, token(id), interests).is_err() {
            self.table.remove(id);
            self.directory.release(Some(peer.ip()));
            return self.counters.count(Counter::ConnectionsRefused);
        }
        let ways = (transport, peer, local);
        let place = self.place((id, listener), ways, None, ConnectionState::Open);
        self.directory.enter(&place);
        let connection = Connection::new((socket, session), place, (true, self.now_ms));
        self.table.put(id, connection);
        self.counters.count(Counter::ConnectionsAccepted);
        self.set_timer(id);
    }

    /// Writes to one connection, or looks what has become of it.
    pub(super) fn write_to(&mut self, id: ConnectionId) {
        let now_ms = self.now_ms;
        let Some(connection) = self.table.get(id) else { return };
        if connection.state == ConnectionState::Connecting {
            match connection.is_connected() {
                Ok(false) => return,
                Ok(true) => {
                    connection.enter(ConnectionState::Open, now_ms);
                    Self::touch(connection, now_ms);
                    self.counters.count(Counter::ConnectionsOpened);
                    self.make_ready(id);
                }
                Err(_) => return self.close(id, Counter::ConnectionsFailed),
            }
        }
        let Some(connection) = self.table.get(id) else { return };
        if !connection.is_written() {
            let Connection { queue, session, socket, .. } = connection;
            let (count, result) = queue.write(session, socket);
            let result = result.and_then(|()| session.flush(socket));
            self.queued_bytes -= count;
            if count > 0 {
                Self::touch(connection, now_ms);
                connection.blocked_since_ms = None;
            }
            if result.is_err() {
                return self.close(id, Counter::ConnectionsBroken);
            }
        }
        self.settle_written(id);
    }

    /// Does what depends on whether all is written.
    fn settle_written(&mut self, id: ConnectionId) {
        let now_ms = self.now_ms;
        let Some(connection) = self.table.get(id) else { return };
        let is_paused = connection.paused_since_ms.is_some();
        if !connection.is_written() {
            connection.blocked_since_ms.get_or_insert(now_ms);
            self.set_timer(id);
        } else {
            connection.blocked_since_ms = None;
            let is_closing = connection.state == ConnectionState::Closing;
            if let Some(memory) = connection.queue.take_back() {
                self.take_back(memory);
            }
            if is_closing {
                return self.end(id);
            }
        }
        if is_paused && !self.is_crowded(id) {
            if let Some(connection) = self.table.get(id) {
                connection.paused_since_ms = None;
            }
            self.make_ready(id);
            self.set_timer(id);
        }
    }

    /// Whether so much is queued for a connection that nothing more is read from it.
    pub(super) fn is_crowded(&mut self, id: ConnectionId) -> bool {
        let maximum = self.settings.queue_bytes_max / 2;
        self.table.get(id).is_some_and(|connection| connection.queue.len() > maximum)
    }

    /// Ends a connection to which all is written: it is closed when the peer has closed it, too.
    fn end(&mut self, id: ConnectionId) {
        let now_ms = self.now_ms;
        let Some(connection) = self.table.get(id) else { return };
        let reason = connection.reason;
        connection.session.end(&mut connection.socket);
        if reason == Counter::ConnectionsEnded
            || connection.socket.shutdown(Shutdown::Write).is_err()
        {
            return self.close(id, reason);
        }
        connection.enter(ConnectionState::Ending, now_ms);
        connection.timer_ms = u64::MAX;
        let place = connection.place.clone();
        self.directory.leave(&place);
        self.set_timer(id);
        self.make_ready(id);
    }

    /// Does what is due.
    fn run_timers(&mut self) {
        while let Some((at_ms, id)) = self.timers.take_due(self.now_ms) {
            let Some(connection) = self.table.get(id) else { continue };
            if connection.timer_ms != at_ms {
                continue;
            }
            connection.timer_ms = u64::MAX;
            match connection.due(&self.settings) {
                (at_ms, Due::Close(reason)) if at_ms <= self.now_ms => self.close(id, reason),
                // It counts as paused until it is read, once, and is paused again.
                (at_ms, Due::Resume) if at_ms <= self.now_ms => self.make_ready(id),
                _ => self.set_timer(id),
            }
        }
    }
}

/// Whether the system has no room for a connection; more of them wait.
fn lacks_room(error: &io::Error) -> bool {
    let codes = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
