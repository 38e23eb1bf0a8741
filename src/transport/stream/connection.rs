//! One connection.

use std::io;
use std::time::Duration;

use mio::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};

use super::framing::Framer;
use super::queue::WriteQueue;
use super::session::Session;
use crate::connections::{ConnectionSettings, ConnectionState, Place, ProbeSettings};
use crate::limits::{CONNECTION_LINGER_MS, CONNECTION_PAUSE_MS_MAX};
use crate::metrics::Counter;

/// A connection of a worker.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    pub(super) session: Session,
    pub(super) place: Place,
    /// Whether the peer has opened it.
    pub(super) is_accepted: bool,
    pub(super) state: ConnectionState,
    /// When the state began.
    since_ms: u64,
    pub(super) framer: Framer,
    /// What was read and is not worked through, from the beginning of a message on.
    pub(super) unread: Vec<u8>,
    pub(super) queue: WriteQueue,
    /// Whether there may be something to read. It is told once, so it has to be remembered.
    pub(super) is_readable: bool,
    /// Whether the peer may have ended its side.
    pub(super) is_ended: bool,
    /// Whether it is among those to be read.
    pub(super) is_ready: bool,
    /// Whether it is among those to be written.
    pub(super) is_dirty: bool,
    /// Since when the message that is coming in does so.
    pub(super) message_since_ms: Option<u64>,
    /// Since when the peer takes nothing of what is queued.
    pub(super) blocked_since_ms: Option<u64>,
    /// Since when it is not read because the peer does not read.
    pub(super) paused_since_ms: Option<u64>,
    /// What is counted when it is closed.
    pub(super) reason: Counter,
    /// The moment that is set for it.
    pub(super) timer_ms: u64,
}

/// What has to happen at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It is closed, for this reason.
    Close(Counter),
    /// It is read again although the peer does not read.
    Resume,
}

impl Connection {
    /// One that was accepted, or is being opened.
    pub(super) fn new(
        (socket, session): (TcpStream, Session),
        place: Place,
        (is_accepted, now_ms): (bool, u64),
    ) -> Self {
        Self {
            socket,
            session,
            state: place.card.state(),
            place,
            is_accepted,
            since_ms: now_ms,
            framer: Framer::default(),
            unread: Vec::new(),
            queue: WriteQueue::default(),
            is_readable: false,
            is_ended: false,
            is_ready: false,
            is_dirty: false,
            message_since_ms: None,
            blocked_since_ms: None,
            paused_since_ms: None,
            reason: Counter::ConnectionsBroken,
            timer_ms: u64::MAX,
        }
    }

    /// Notes how far it is.
    pub(super) fn enter(&mut self, state: ConnectionState, now_ms: u64) {
        self.state = state;
        self.since_ms = now_ms;
        self.place.card.set_state(state);
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_written(&self) -> bool {
        self.queue.len() == 0 && !self.session.wants_write()
    }

    /// Whether it is open now; nothing is said before it is decided.
    ///
    /// # Errors
    ///
    /// Why it cannot be opened.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What has to happen next if nothing comes and goes, and when.
    pub(super) fn due(&self, settings: &ConnectionSettings) -> (u64, Due) {
        let after = |since_ms: u64, seconds: u32| since_ms + 1_000 * u64::from(seconds);
        let close = |at_ms, reason| (at_ms, Due::Close(reason));
        let idle = || {
            let at_ms = after(self.place.card.active_ms(), settings.lifetime_seconds);
            close(at_ms, Counter::ConnectionsIdle)
        };
        let late = self.message_since_ms.map(|since_ms| {
            close(after(since_ms, settings.message_seconds), Counter::ConnectionsLate)
        });
        let blocked = self.blocked_since_ms.map(|since_ms| {
            close(after(since_ms, settings.send_seconds), Counter::ConnectionsUnread)
        });
        let paused =
            self.paused_since_ms.map(|since| (since + CONNECTION_PAUSE_MS_MAX, Due::Resume));
        match self.state {
            ConnectionState::Connecting => {
                close(after(self.since_ms, settings.connect_seconds), Counter::ConnectionsFailed)
            }
            ConnectionState::Open if self.session.is_handshaking() => {
                close(after(self.since_ms, settings.connect_seconds), Counter::ConnectionsUnproven)
            }
            ConnectionState::Open => {
                let soon = [late, blocked, paused].into_iter().flatten();
                soon.fold(idle(), |first, next| if next.0 < first.0 { next } else { first })
            }
            ConnectionState::Closing => {
                let at_ms = after(self.since_ms, settings.send_seconds);
                blocked.unwrap_or_else(|| close(at_ms, Counter::ConnectionsUnread))
            }
            ConnectionState::Ending => close(self.since_ms + CONNECTION_LINGER_MS, self.reason),
        }
    }
}

/// Sets a socket up as all are. What the system does not know is done without.
pub(super) fn set_up(socket: &SockRef<'_>, probes: &ProbeSettings) {
    let _ = socket.set_tcp_nodelay(true);
    let ProbeSettings { are_sent: true, idle_seconds, interval_seconds, count } = *probes else {
        return;
    };
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    let mut keepalive = TcpKeepalive::new();
    if idle_seconds > 0 {
        keepalive = keepalive.with_time(seconds(idle_seconds));
    }
    if interval_seconds > 0 {
        keepalive = keepalive.with_interval(seconds(interval_seconds));
    }
    if count > 0 {
        keepalive = keepalive.with_retries(count);
    }
    let _ = socket.set_tcp_keepalive(&keepalive);
}
