//! Sending by connections, and opening them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use mio::Interest;
use mio::net::TcpStream;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::connection::{Connection, set_up};
use super::session::Session;
use super::streams::Streams;
use super::table::token;
use crate::connections::{ConnectionId, ConnectionState, Passed};
use crate::mem::{ListenerId, Peer, Transmit};
use crate::metrics::Counter;
use crate::protocol::Transport;
use crate::sys;
use crate::transport::tls::{TlsClient, TlsSession};

/// Where a message goes.
#[derive(Clone, Copy, Debug)]
struct Way<'a> {
    destination: SocketAddr,
    listener: ListenerId,
    source: IpAddr,
    peer: Option<&'a Peer>,
}

impl Streams {
    /// Sends a message by the connection to its destination, wherever that is, or by a new one.
    /// What cannot be sent is dropped and counted. False if its listener is none of connections.
    pub fn send(&mut self, transmit: &Transmit, peer: Option<&Peer>, message: &[u8]) -> bool {
        let Transmit { destination, listener, source, .. } = *transmit;
        let way = Way { destination, listener, source, peer };
        let Some(transport) = self.transport(listener) else { return false };
        match self.connection_to(transport, way) {
            Some((worker, id)) if worker == self.worker => self.queue(id, message),
            Some(other) => self.pass(other, way, message),
            None => self.open(transport, way, message),
        }
        true
    }

    /// Sends a message that another worker has for a connection of this one. If that has gone
    /// meanwhile, the next best way is this worker's to find.
    pub(super) fn take_passed(&mut self, passed: &Passed) {
        let Passed { id, destination, listener, source, ref peer, ref message } = *passed;
        if self.table.get(id).is_some() {
            return self.queue(id, message);
        }
        let way = Way { destination, listener, source, peer: peer.as_ref() };
        let Some(transport) = self.transport(listener) else { return };
        match self.connection_to(transport, way) {
            Some((worker, id)) if worker == self.worker => self.queue(id, message),
            // Not on and on from one to the other.
            Some(_) => self.counters.count(Counter::DroppedUnconnected),
            None => self.open(transport, way, message),
        }
    }

    /// Queues something that is no message, if there is room for it.
    pub(super) fn queue_aside(&mut self, id: ConnectionId, bytes: &[u8]) {
        if !self.has_room(id, bytes.len()) {
            return;
        }
        self.lend(id);
        if let Some(connection) = self.table.get(id) {
            connection.queue.push_aside(bytes);
            self.queued_bytes += bytes.len();
        }
        self.make_dirty(id);
    }

    /// The transport of a listener of connections.
    fn transport(&self, id: ListenerId) -> Option<Transport> {
        let first = self.listeners.first()?.id().0;
        let listener = self.listeners.get(usize::from(id.0.checked_sub(first)?))?;
        Some(listener.transport())
    }

    /// The worker that has a connection to the destination, or to where one would be opened, and
    /// its number there.
    fn connection_to(&self, transport: Transport, way: Way<'_>) -> Option<(usize, ConnectionId)> {
        let name = self.name_to_prove(transport, way);
        // A response may go by a connection that the peer has half closed (RFC 3261 §18.2.2).
        let is_response = way.peer.is_some_and(|peer| peer.otherwise.is_some());
        let find = |peer| self.directory.find(transport, (peer, name), way.listener, is_response);
        find(way.destination).or_else(|| find(way.peer?.otherwise?))
    }

    /// The name that whoever gets a message has to prove, where its address is not enough.
    fn name_to_prove<'w>(&self, transport: Transport, way: Way<'w>) -> Option<&'w str> {
        if transport != Transport::Tls {
            return None;
        }
        let name = way.peer?.name.as_deref()?;
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let verifies = || self.tls.client(way.destination).is_some_and(TlsClient::verifies_names);
        (!is_address && verifies()).then_some(name)
    }

    /// How octets are on a connection that is opened.
    fn session_with(
        &self,
        transport: Transport,
        to: SocketAddr,
        way: Way<'_>,
    ) -> io::Result<Session> {
        if transport != Transport::Tls {
            return Ok(Session::Plain);
        }
        let client = self.tls.client(to).ok_or(io::ErrorKind::Unsupported)?;
        let name = way.peer.and_then(|peer| peer.name.as_deref());
        let session = TlsSession::connect(client, name, to.ip()).map_err(io::Error::other)?;
        Ok(Session::Tls(Box::new(session)))
    }

    /// Queues a message for a connection of this worker.
    fn queue(&mut self, id: ConnectionId, message: &[u8]) {
        if !self.has_room(id, message.len()) {
            return self.counters.count(Counter::DroppedQueueFull);
        }
        self.lend(id);
        let Some(connection) = self.table.get(id) else {
            return self.counters.count(Counter::DroppedUnconnected);
        };
        let is_over = matches!(connection.session, Session::Ended);
        if is_over || connection.state == ConnectionState::Ending {
            return self.counters.count(Counter::DroppedUnconnected);
        }
        connection.queue.push(message);
        self.queued_bytes += message.len();
        self.counters.count(Counter::SentStreamMessages);
        self.make_dirty(id);
    }

    /// Whether so many octets may be queued for a connection, after what the kernel takes of
    /// those that are. One message may be in any case: those who read nothing must not take the
    /// room of all others.
    fn has_room(&mut self, id: ConnectionId, count: usize) -> bool {
        let maximum = self.settings.queue_bytes_max;
        let Some(Connection { queue, blocked_since_ms, .. }) = self.table.get(id) else {
            return true;
        };
        if queue.len() > 0 && queue.len() + count > maximum && blocked_since_ms.is_none() {
            self.write_to(id);
        }
        let share = self.settings.queues_bytes_max / self.directory.worker_count().max(1);
        let is_below_share = self.queued_bytes + count <= share;
        self.table.get(id).is_none_or(|Connection { queue, .. }| {
            queue.len() == 0 || (is_below_share && queue.len() + count <= maximum)
        })
    }

    /// Gives the queue of a connection memory, if it has none.
    fn lend(&mut self, id: ConnectionId) {
        if self.table.get(id).is_some_and(|connection| connection.queue.is_bare()) {
            let memory = self.memory();
            if let Some(connection) = self.table.get(id) {
                connection.queue.lend(memory);
            }
        }
    }

    /// Gives a message to the worker that has its connection.
    fn pass(&self, (worker, id): (usize, ConnectionId), way: Way<'_>, message: &[u8]) {
        let Way { destination, listener, source, peer } = way;
        let message = message.to_vec();
        let peer = peer.cloned();
        let passed = Passed { id, destination, listener, source, peer, message };
        self.counters.count(match self.directory.pass(worker, passed) {
            true => Counter::PassedMessages,
            false => Counter::DroppedUnpassed,
        });
    }

    /// Opens a connection and has the message wait for it.
    fn open(&mut self, transport: Transport, way: Way<'_>, message: &[u8]) {
        let to = way.peer.and_then(|peer| peer.otherwise).unwrap_or(way.destination);
        if !self.settings.opens || to.port() == 0 {
            return self.counters.count(Counter::DroppedUnconnected);
        }
        if self.directory.admit(None).is_err() {
            self.counters.count(Counter::ConnectionsRefused);
            return self.counters.count(Counter::DroppedUnconnected);
        }
        let id = self.table.reserve();
        match self.connect(id, transport, (to, way)) {
            Ok(Ok(connection)) => {
                self.table.put(id, connection);
                self.set_timer(id);
                // It may be open at once.
                self.make_dirty(id);
                self.queue(id, message);
            }
            Ok(Err(other)) => {
                self.table.remove(id);
                self.directory.release(None);
                self.pass(other, way, message);
            }
            Err(_) => {
                self.table.remove(id);
                self.directory.release(None);
                self.counters.count(Counter::ConnectionsFailed);
                self.counters.count(Counter::DroppedUnconnected);
            }
        }
    }

    /// Begins to open a connection, unless another worker does so at the same moment: then who.
    fn connect(
        &mut self,
        id: ConnectionId,
        transport: Transport,
        (to, way): (SocketAddr, Way<'_>),
    ) -> io::Result<Result<Connection, (usize, ConnectionId)>> {
        let session = self.session_with(transport, to, way)?;
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        set_up(&SockRef::from(&socket), &self.settings.probes);
        if !way.source.is_unspecified() {
            // What an old kernel does not know is done without.
            let _ = sys::choose_port_late(socket.as_fd());
            socket.bind(&SocketAddr::new(way.source, 0).into())?;
        }
        match socket.connect(&to.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => {}
        }
        let mut socket = TcpStream::from_std(socket.into());
        let ways = (transport, to, socket.local_addr()?);
        let name = self.name_to_prove(transport, way);
        let place = self.place((id, way.listener), ways, name, ConnectionState::Connecting);
        if let Err(other) = self.directory.enter_first(&place) {
            return Ok(Err(other));
        }
        let interests = Interest::READABLE | Interest::WRITABLE;
        match self.registry.register(&mut socket, token(id), interests) {
            Ok(()) => Ok(Ok(Connection::new((socket, session), place, (false, self.now_ms)))),
            Err(error) => {
                self.directory.leave(&place);
                Err(error)
            }
        }
    }
}
