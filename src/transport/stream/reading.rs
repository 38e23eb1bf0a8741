//! Reading from connections, message by message.

use std::io;

use super::connection::Connection;
use super::framing::{Frame, write_faulty};
use super::session::Received;
use super::streams::{Arrived, Streams};
use crate::connections::{ConnectionId, ConnectionState};
use crate::limits::CONNECTION_UNREAD_BYTES_MAX;
use crate::metrics::Counter;

/// A connection that messages are being cut out of.
#[derive(Debug)]
pub(super) struct Visit {
    id: ConnectionId,
    /// What was read, of which the octets before `start` are worked through.
    buffer: Vec<u8>,
    start: usize,
    /// Whether it was read from: once in a visit, so that others have their turn.
    has_read: bool,
}

/// How a visit goes on.
enum Step {
    /// With another look.
    Again,
    /// A message is in the slot.
    Message(Arrived),
    /// It does not.
    End,
}

/// Visits that one counts for in which TLS may be agreed: a signature takes a millisecond, so no
/// more than a few of them are made before datagrams have their turn.
const HANDSHAKE_VISITS: usize = 16;

/// What answers keep-alives (RFC 5626 §3.5.1), as many as anybody sends who waits for answers.
const PONGS: &[u8; 16] = b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";

impl Streams {
    /// Copies the next message that has come by a connection into `slot`, which has room for the
    /// longest. None if nothing more is to be worked through in this turn.
    pub fn next(&mut self, slot: &mut [u8]) -> Option<Arrived> {
        loop {
            let mut visit = match self.visit.take() {
                Some(visit) => visit,
                None => self.begin_visit()?,
            };
            match self.go_on(&mut visit, slot) {
                Step::Again => self.visit = Some(visit),
                Step::Message(arrived) => {
                    self.visit = Some(visit);
                    self.counters.count(Counter::ReceivedStreamMessages);
                    return Some(arrived);
                }
                Step::End => self.end_visit(visit),
            }
        }
    }

    /// Begins with the next connection, if there is one.
    fn begin_visit(&mut self) -> Option<Visit> {
        loop {
            self.visits_left = self.visits_left.checked_sub(1)?;
            let id = self.ready.pop_front()?;
            let Some(connection) = self.table.get(id) else { continue };
            connection.is_ready = false;
            if connection.session.is_handshaking() {
                self.visits_left = self.visits_left.saturating_sub(HANDSHAKE_VISITS - 1);
            }
            let unread = std::mem::take(&mut connection.unread);
            self.unread_bytes -= unread.capacity();
            let buffer = if unread.is_empty() { self.memory() } else { unread };
            return Some(Visit { id, buffer, start: 0, has_read: false });
        }
    }

    /// Leaves a connection; it comes again when others had their turn, if there may be more.
    fn end_visit(&mut self, Visit { id, mut buffer, start, .. }: Visit) {
        let now_ms = self.now_ms;
        let Some(connection) = self.table.get(id) else { return self.take_back(buffer) };
        let is_open = connection.state == ConnectionState::Open;
        buffer.drain(..start);
        if !connection.framer.is_amid() {
            connection.message_since_ms = None;
        } else if is_open {
            connection.message_since_ms.get_or_insert(now_ms);
        }
        if is_open && !buffer.is_empty() {
            self.keep(id, buffer);
        } else {
            self.take_back(buffer);
        }
        self.set_timer(id);
        let Some(connection) = self.table.get(id) else { return };
        let waits = match connection.state {
            ConnectionState::Open => connection.paused_since_ms.is_some(),
            ConnectionState::Ending => false,
            ConnectionState::Connecting | ConnectionState::Closing => true,
        };
        if connection.is_readable && !waits {
            self.make_ready(id);
        }
    }

    /// Keeps what is not worked through until more comes.
    fn keep(&mut self, id: ConnectionId, buffer: Vec<u8>) {
        // A little in much memory is copied: many may wait in the middle of a message.
        let unread = match buffer.capacity() / 4 > buffer.len() {
            true => {
                let unread = buffer.as_slice().to_vec();
                self.take_back(buffer);
                unread
            }
            false => buffer,
        };
        let share = CONNECTION_UNREAD_BYTES_MAX / self.directory.worker_count().max(1);
        let is_too_much = self.unread_bytes + unread.capacity() > share;
        if let Some(connection) = self.table.get(id) {
            self.unread_bytes += unread.capacity();
            connection.unread = unread;
        }
        if is_too_much {
            self.close(id, Counter::ConnectionsCrowded);
        }
    }

    /// The next step of a visit.
    fn go_on(&mut self, visit: &mut Visit, slot: &mut [u8]) -> Step {
        let id = visit.id;
        let Some(connection) = self.table.get(id) else { return Step::End };
        match connection.state {
            ConnectionState::Open => {}
            ConnectionState::Ending => return self.throw_away(visit),
            ConnectionState::Connecting | ConnectionState::Closing => return Step::End,
        }
        let bytes = &visit.buffer[visit.start..];
        let frame = connection.framer.next(bytes, self.settings.accepts_no_length);
        match frame {
            Frame::Partial => self.read(visit),
            Frame::Blank { length, pings } => {
                visit.start += length;
                self.answer_pings(id, pings);
                Step::Again
            }
            Frame::Message { length } => {
                slot[..length].copy_from_slice(&bytes[..length]);
                visit.start += length;
                connection.message_since_ms = None;
                Step::Message(arrived(connection, length))
            }
            Frame::Faulty { length, .. } => {
                let length = if length > 0 { write_faulty(&bytes[..length], slot) } else { 0 };
                let arrived = arrived(connection, length);
                visit.start = visit.buffer.len();
                self.begin_closing(id, Counter::ConnectionsMalformed);
                if length > 0 { Step::Message(arrived) } else { Step::End }
            }
        }
    }

    /// Reads from the connection, once in a visit.
    fn read(&mut self, visit: &mut Visit) -> Step {
        let (id, now_ms, count) = (visit.id, self.now_ms, self.settings.read_bytes);
        let is_crowded = self.is_crowded(id);
        let Some(connection) = self.table.get(id) else { return Step::End };
        if visit.has_read || !connection.is_readable {
            return Step::End;
        }
        if is_crowded && connection.paused_since_ms.is_none() {
            connection.paused_since_ms = Some(now_ms);
            return Step::End;
        }
        connection.paused_since_ms = None;
        visit.has_read = true;
        visit.buffer.drain(..visit.start);
        visit.start = 0;
        let Connection { session, socket, .. } = connection;
        let was_handshaking = session.is_handshaking();
        let received = session.receive(socket, &mut visit.buffer, count);
        if session.wants_write() || was_handshaking {
            self.go_on_with_handshake(id);
        }
        let Some(connection) = self.table.get(id) else { return Step::End };
        match received {
            Ok(Received::End) => {
                self.begin_closing(id, Counter::ConnectionsEnded);
                Step::End
            }
            Ok(Received::Octets { has_more }) => {
                connection.is_readable = has_more || connection.is_ended;
                Self::touch(connection, now_ms);
                Step::Again
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => self.refuse(id, &error),
            Err(error) => self.not_read(id, &error),
        }
    }

    /// Reads what is not wanted any more.
    fn throw_away(&mut self, visit: &mut Visit) -> Step {
        let (id, count) = (visit.id, self.settings.read_bytes);
        visit.buffer.clear();
        visit.start = 0;
        let Some(connection) = self.table.get(id) else { return Step::End };
        if visit.has_read || !connection.is_readable {
            return Step::End;
        }
        visit.has_read = true;
        let Connection { socket, session, reason, .. } = connection;
        let reason = *reason;
        match session.receive(socket, &mut visit.buffer, count) {
            Ok(Received::End) => {
                self.close(id, reason);
                Step::End
            }
            Ok(Received::Octets { .. }) => {
                visit.start = visit.buffer.len();
                Step::End
            }
            Err(error) => self.not_read(id, &error),
        }
    }

    /// Notes what is agreed, and has sent what TLS has to say, or what has waited for that.
    #[cold]
    fn go_on_with_handshake(&mut self, id: ConnectionId) {
        let now_ms = self.now_ms;
        if let Some(connection) = self.table.get(id)
            && !connection.session.is_handshaking()
        {
            // What waited for the handshake has not waited for the peer to read.
            connection.blocked_since_ms = connection.blocked_since_ms.map(|_| now_ms);
            let card = &connection.place.card;
            if card.security().is_none()
                && let Some(security) = connection.session.security()
            {
                card.set_security(security);
            }
        }
        self.make_dirty(id);
    }

    /// Ends a connection whose peer does not keep to TLS or does not prove who it is.
    #[cold]
    fn refuse(&mut self, id: ConnectionId, error: &io::Error) -> Step {
        let Some(connection) = self.table.get(id) else { return Step::End };
        let peer = connection.place.card.peer;
        tracing::debug!("the connection with {peer} is closed: {error}");
        let Connection { session, socket, queue, place, .. } = connection;
        session.end(socket);
        // Nobody is to queue anything for it, this batch neither.
        self.directory.leave(place);
        let (bytes, messages) = queue.give_up();
        self.queued_bytes -= bytes;
        self.counters.add(Counter::DroppedUnconnected, messages);
        self.begin_closing(id, Counter::ConnectionsUnproven);
        Step::End
    }

    /// Does what is to be done when nothing could be read.
    fn not_read(&mut self, id: ConnectionId, error: &io::Error) -> Step {
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => {
                if let Some(connection) = self.table.get(id) {
                    connection.is_readable = false;
                }
            }
            _ => self.close(id, Counter::ConnectionsBroken),
        }
        Step::End
    }

    /// Answers keep-alives.
    fn answer_pings(&mut self, id: ConnectionId, count: usize) {
        if count == 0 {
            return;
        }
        self.counters.add(Counter::ReceivedPings, count as u64);
        if self.settings.answers_pings {
            self.queue_aside(id, &PONGS[..PONGS.len().min(2 * count)]);
        }
    }
}

/// A message of that length that came by a connection.
fn arrived(connection: &Connection, length: usize) -> Arrived {
    let card = &connection.place.card;
    Arrived { length, source: card.peer, local: card.local, listener: connection.place.listener }
}
