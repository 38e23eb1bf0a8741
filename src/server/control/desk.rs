//! The thread that answers commands: it waits for all of them at once and for none of them alone.

use std::fs;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::fifo::{ControlFifo, ReplyFifo};
use super::request::{FifoReader, Request};
use super::session::{Next, Session};
use super::socket::ControlSocket;
use super::{Office, ReloadOrder, ReloadReport};
use crate::admin::{Scene, Thread};
use crate::jobs::Mailbox;
use crate::limits::{CONTROL_IDLE_MS_MAX, CONTROL_SESSION_COUNT_MAX};
use crate::time::Now;

/// The tokens of what is there once; those of sessions count from 0.
pub(super) const WAKER: Token = Token(usize::MAX);
const SOCKET: Token = Token(usize::MAX - 1);
const FIFO: Token = Token(usize::MAX - 2);

/// Commands of the FIFO that are taken before others have their turn.
const FIFO_COMMANDS_PER_TURN: usize = 64;

/// Reads of the FIFO that may bring no command before others have their turn: whoever writes may
/// never end.
const FIFO_READS_PER_TURN: usize = 8;

/// Time between two looks at FIFOs that nobody reads yet.
const LOOK_MS: u64 = 20;

/// What the thread has.
pub(super) struct Desk {
    pub(super) poll: Poll,
    pub(super) office: Office,
    pub(super) clock: Box<dyn Fn() -> Now + Send>,
    pub(super) socket: Option<ControlSocket>,
    pub(super) fifo: Option<Inlet>,
    pub(super) reports: Mailbox<ReloadReport>,
    /// Asks for a reload.
    pub(super) order: Box<dyn Fn(ReloadOrder) + Send>,
    pub(super) sessions: Vec<Option<Session>>,
    /// What each session needs.
    pub(super) needs: [Option<Next>; CONTROL_SESSION_COUNT_MAX],
    pub(super) next_id: u64,
    /// Whether somebody may wait to be accepted.
    pub(super) has_callers: bool,
}

/// The FIFO and what came through it.
#[derive(Debug)]
pub(super) struct Inlet {
    fifo: ControlFifo,
    reader: FifoReader,
    reply_folder: PathBuf,
    /// Whether there may be more to read.
    has_more: bool,
    /// When the rest of a command is waited for no longer.
    until_ms: u64,
}

impl Inlet {
    /// A FIFO of which nothing was read.
    pub(super) fn new(fifo: ControlFifo, reply_folder: PathBuf) -> Self {
        Self { fifo, reader: FifoReader::default(), reply_folder, has_more: true, until_ms: 0 }
    }

    /// The next request, if one came among the next bytes.
    fn next(&mut self, now_ms: u64) -> Option<Request> {
        for _ in 0..FIFO_READS_PER_TURN {
            if let Some(request) = self.reader.next() {
                return Some(request);
            }
            if !self.has_more {
                let is_late = self.reader.is_amid() && now_ms >= self.until_ms;
                return if is_late { self.reader.give_up() } else { None };
            }
            let mut bytes = [0; 4_096];
            match (&self.fifo.file).read(&mut bytes) {
                // Nobody has it open for writing: what is not whole stays so.
                Ok(0) => {
                    self.has_more = false;
                    return self.reader.give_up();
                }
                Ok(count) => {
                    self.reader.take(&bytes[..count]);
                    self.until_ms = now_ms + CONTROL_IDLE_MS_MAX;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.has_more = false,
            }
        }
        None
    }

    /// When it is to be looked at although nothing comes.
    fn due_ms(&self) -> Option<u64> {
        self.reader.is_amid().then_some(self.until_ms)
    }
}

impl Desk {
    /// Answers commands until asked to stop.
    pub(super) fn work(mut self, stop: &AtomicBool) -> io::Result<()> {
        if let Some(socket) = &mut self.socket {
            self.poll.registry().register(&mut socket.listener, SOCKET, Interest::READABLE)?;
        }
        if let Some(inlet) = &self.fifo {
            let descriptor = inlet.fifo.file.as_raw_fd();
            let mut source = SourceFd(&descriptor);
            self.poll.registry().register(&mut source, FIFO, Interest::READABLE)?;
        }
        let mut events = Events::with_capacity(CONTROL_SESSION_COUNT_MAX + 3);
        while !stop.load(Ordering::Acquire) {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                self.note(event.token());
            }
            let now = (self.clock)();
            self.take_reports(now.monotonic_ms);
            self.take_turns(now);
            self.give_up_late(now.monotonic_ms);
            self.accept(now);
            self.read_fifo(now);
        }
        Ok(())
    }

    /// How long nothing is to be done.
    fn timeout(&self) -> Option<Duration> {
        // Without a free place the FIFO is not read.
        let inlet = self.fifo.as_ref().filter(|_| self.free_place().is_some());
        if inlet.is_some_and(|inlet| inlet.has_more) {
            return Some(Duration::ZERO);
        }
        let now_ms = (self.clock)().monotonic_ms;
        let mut due = inlet.and_then(Inlet::due_ms);
        for (session, need) in self.sessions.iter().zip(&self.needs) {
            let soon = match need {
                Some(Next::Turn) => return Some(Duration::ZERO),
                Some(Next::Look) => Some(now_ms + LOOK_MS),
                _ => None,
            };
            let late = session.as_ref().and_then(Session::until_ms);
            due = [due, soon, late].into_iter().flatten().min();
        }
        due.map(|due| Duration::from_millis(due.saturating_sub(now_ms)))
    }

    /// Remembers what the poll told.
    fn note(&mut self, token: Token) {
        match token {
            SOCKET => self.has_callers = true,
            FIFO => self.fifo.iter_mut().for_each(|inlet| inlet.has_more = true),
            Token(place) => {
                if let Some(need @ Some(Next::Event)) = self.needs.get_mut(place) {
                    *need = Some(Next::Turn);
                }
            }
        }
    }

    /// Gives what came of reloads to who asked for them.
    fn take_reports(&mut self, now_ms: u64) {
        while let Some(ReloadReport { id, report }) = self.reports.take() {
            for (session, need) in self.sessions.iter_mut().zip(&mut self.needs) {
                if let Some(session) = session.as_mut().filter(|session| session.id == id) {
                    session.take_report(&report, now_ms);
                    *need = Some(Next::Turn);
                }
            }
        }
    }

    /// Lets each session go on that can.
    fn take_turns(&mut self, now: Now) {
        for place in 0..self.sessions.len() {
            if matches!(self.needs[place], Some(Next::Turn | Next::Look)) {
                self.take_turn(place, now);
            }
        }
    }

    /// Lets a session go on.
    fn take_turn(&mut self, place: usize, now: Now) {
        let Some(session) = &mut self.sessions[place] else { return };
        let scene = self.office.scene(now);
        let next = session.go_on(&scene, self.poll.registry(), Token(place));
        self.needs[place] = Some(next);
        match next {
            Next::Reload(what) => {
                self.needs[place] = Some(Next::Event);
                let answer_to = self.reports.address();
                (self.order)(ReloadOrder { what, id: session.id, answer_to });
            }
            Next::Nothing => self.end(place),
            Next::Event | Next::Turn | Next::Look => {}
        }
    }

    /// Forgets a session.
    fn end(&mut self, place: usize) {
        self.sessions[place] = None;
        self.needs[place] = None;
    }

    /// A place for another session.
    fn free_place(&self) -> Option<usize> {
        self.sessions.iter().position(Option::is_none)
    }

    /// Puts a session in its place.
    fn begin(&mut self, place: usize, mut session: Session, now: Now) {
        if let Err(error) = session.register(self.poll.registry(), Token(place)) {
            return tracing::warn!("a command cannot be waited for: {error}");
        }
        self.sessions[place] = Some(session);
        self.needs[place] = Some(Next::Turn);
        self.take_turn(place, now);
    }

    /// Accepts who calls, as far as there is room.
    fn accept(&mut self, now: Now) {
        while self.has_callers
            && let Some(place) = self.free_place()
            && let Some(socket) = &self.socket
        {
            match socket.listener.accept() {
                Ok((stream, _)) => {
                    let session = Session::of_socket(self.new_id(), stream, now.monotonic_ms);
                    self.begin(place, session, now);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.has_callers = false;
                    if error.kind() != io::ErrorKind::WouldBlock {
                        tracing::warn!("a command cannot be taken: {error}");
                    }
                }
            }
        }
    }

    /// Takes some of the commands that came through the FIFO, as far as there is room.
    fn read_fifo(&mut self, now: Now) {
        for _ in 0..FIFO_COMMANDS_PER_TURN {
            let Some(place) = self.free_place() else { return };
            let id = self.new_id();
            let Some(inlet) = &mut self.fifo else { return };
            let Some(request) = inlet.next(now.monotonic_ms) else { return };
            let name = request.reply.as_deref();
            let reply = name.and_then(|name| ReplyFifo::new(&inlet.reply_folder, name));
            if reply.is_none() && name.is_some() {
                tracing::warn!("a command of the FIFO is refused: its reply has no plain name");
                continue;
            }
            let session = Session::of_fifo(id, &request, reply, &self.office.scene(now));
            self.begin(place, session, now);
        }
    }

    /// Forgets sessions in which nothing has happened for too long.
    fn give_up_late(&mut self, now_ms: u64) {
        for place in 0..self.sessions.len() {
            let until = self.sessions[place].as_ref().and_then(Session::until_ms);
            if until.is_some_and(|until| now_ms >= until) {
                self.end(place);
            }
        }
    }

    /// A number for a session.
    const fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

impl Office {
    /// The server at this moment.
    fn scene(&self, now: Now) -> Scene<'_> {
        let Self { facts, tables, connections, tls, counters } = self;
        let (threads, certificates) = (&threads, tls.as_ref());
        Scene { now, facts, tables, connections, certificates, counters, threads }
    }
}

/// The threads of this process, as the system knows them.
fn threads() -> Vec<Thread> {
    let entries = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let thread = |entry: fs::DirEntry| {
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        let id = entry.file_name().to_str()?.parse().ok()?;
        Some(Thread { id, name: name.trim_end().to_owned() })
    };
    let mut threads: Vec<Thread> = entries.filter_map(thread).collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    #[test]
    fn lines_that_are_no_commands_keep_nobody_waiting() {
        let name = format!("viaduct-{}-flood", std::process::id());
        let path = std::env::temp_dir().join(name);
        let fifo = ControlFifo::open(&path, 0o600).unwrap();
        let mut options = fs::OpenOptions::new();
        let mut writer = options.write(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
        let mut inlet = Inlet::new(fifo, std::env::temp_dir());
        while writer.write(&b"no command\n".repeat(300)).is_ok() {}
        assert_eq!(inlet.next(0), None);
        assert!(inlet.has_more, "others have their turn before it is read to its end");
        while inlet.has_more {
            assert_eq!(inlet.next(0), None);
        }
        writer.write_all(b"\n:version:\n\n").unwrap();
        inlet.has_more = true;
        assert!(inlet.next(0).is_some(), "commands are heard behind them");
    }
}
