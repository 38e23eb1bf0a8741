//! One command on its way: it comes in, is answered in pieces, and is done.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;

use mio::net::UnixStream;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use super::fifo::ReplyFifo;
use super::request::{Request, SocketReader};
use crate::admin::{Answer, Format, Outcome, Reload, Scene, ask};
use crate::limits::{CONTROL_IDLE_MS_MAX, CONTROL_READER_MS_MAX};

/// One command on its way.
#[derive(Debug)]
pub(super) struct Session {
    /// A number that no other session has had.
    pub(super) id: u64,
    channel: Channel,
    stage: Stage,
    /// When it is given up, in milliseconds of the monotonic clock.
    until_ms: u64,
}

/// Where the answer goes.
#[derive(Debug)]
enum Channel {
    /// To who asked, framed: `length ⏎ bytes`, in the end `0 ⏎`.
    Socket(UnixStream),
    /// To a FIFO, which perhaps nobody reads yet.
    Fifo(ReplyFifo),
    /// Nobody wants it.
    Nowhere,
}

/// How far a command is.
#[derive(Debug)]
enum Stage {
    /// It comes in.
    Asking(SocketReader),
    /// Something is to be read again.
    Reloading(Reload, Format),
    /// It is being read again.
    Waiting(Format),
    /// It is answered.
    Telling(Telling),
}

/// An answer that is being sent.
#[derive(Debug)]
struct Telling {
    answer: Answer,
    /// The pieces that were composed and not sent yet.
    unsent: Vec<u8>,
    sent: usize,
    /// Whether all of the answer was composed.
    is_whole: bool,
}

/// What a session needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An event.
    Event,
    /// Another look, when others had theirs.
    Turn,
    /// Another look, some milliseconds later: a FIFO tells nobody that it is read.
    Look,
    /// Something is to be read again.
    Reload(Reload),
    /// Nothing; it is over.
    Nothing,
}

/// Pieces that are composed before others have their turn.
const PIECES_PER_TURN: usize = 16;

impl Session {
    /// A connection through which a command is to come.
    pub(super) fn of_socket(id: u64, stream: UnixStream, now_ms: u64) -> Self {
        let stage = Stage::Asking(SocketReader::default());
        Self { id, channel: Channel::Socket(stream), stage, until_ms: until(now_ms) }
    }

    /// A command that came through the FIFO; its answer goes to `reply`.
    pub(super) fn of_fifo(
        id: u64,
        request: &Request,
        reply: Option<ReplyFifo>,
        scene: &Scene<'_>,
    ) -> Self {
        let channel = reply.map_or(Channel::Nowhere, Channel::Fifo);
        let until_ms = scene.now.monotonic_ms + CONTROL_READER_MS_MAX;
        let stage = Self::begin(request, scene);
        Self { id, channel, stage, until_ms }
    }

    /// When it is given up.
    pub(super) const fn until_ms(&self) -> Option<u64> {
        match self.stage {
            Stage::Reloading(..) | Stage::Waiting(_) => None,
            Stage::Asking(_) | Stage::Telling(_) => Some(self.until_ms),
        }
    }

    /// Registers what it waits for.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.channel {
            Channel::Socket(stream) => {
                registry.register(stream, token, Interest::READABLE | Interest::WRITABLE)
            }
            Channel::Fifo(_) | Channel::Nowhere => Ok(()),
        }
    }

    /// Goes on as far as it can at once.
    pub(super) fn go_on(&mut self, scene: &Scene<'_>, registry: &Registry, token: Token) -> Next {
        if let Stage::Asking(reader) = &mut self.stage {
            let Channel::Socket(stream) = &mut self.channel else { return Next::Nothing };
            match read(stream, reader) {
                Ok(Some(request)) => {
                    self.stage = Self::begin(&request, scene);
                    self.until_ms = until(scene.now.monotonic_ms);
                }
                Ok(None) => return Next::Event,
                Err(_) => return Next::Nothing,
            }
        }
        match &mut self.stage {
            Stage::Reloading(what, format) => {
                let what = *what;
                self.stage = Stage::Waiting(*format);
                Next::Reload(what)
            }
            Stage::Telling(telling) => {
                let sent = telling.tell(&mut self.channel, scene, (registry, token));
                let (next, has_moved) = sent.unwrap_or((Next::Nothing, false));
                if has_moved {
                    self.until_ms = until(scene.now.monotonic_ms);
                }
                next
            }
            Stage::Asking(_) | Stage::Waiting(_) => Next::Event,
        }
    }

    /// Takes in what came of the reload that it asked for. However long that took, there is time
    /// to read it.
    pub(super) fn take_report(&mut self, report: &(Result<(), String>, String), now_ms: u64) {
        if let Stage::Waiting(format) = self.stage {
            let (result, remarks) = report;
            let answer = Answer::of_reload(result.clone(), remarks, format);
            self.stage = Stage::Telling(Telling::new(answer));
            self.until_ms = match self.channel {
                Channel::Socket(_) => until(now_ms),
                Channel::Fifo(_) | Channel::Nowhere => now_ms + CONTROL_READER_MS_MAX,
            };
        }
    }

    /// Has a command done.
    fn begin(request: &Request, scene: &Scene<'_>) -> Stage {
        let answer = match &request.words {
            Err(what_is_wrong) => Answer::refusal(*what_is_wrong, request.format),
            Ok(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                match ask(scene, &words, request.format) {
                    Outcome::Reload(what) => return Stage::Reloading(what, request.format),
                    Outcome::Answer(answer) => answer,
                }
            }
        };
        Stage::Telling(Telling::new(answer))
    }
}

/// When who does nothing from now on is given up.
const fn until(now_ms: u64) -> u64 {
    now_ms + CONTROL_IDLE_MS_MAX
}

/// Reads what came; the request, once it is whole.
fn read(stream: &mut UnixStream, reader: &mut SocketReader) -> io::Result<Option<Request>> {
    let mut bytes = [0; 4_096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                if let Some(request) = reader.take(&bytes[..count]) {
                    return Ok(Some(request));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Telling {
    /// An answer of which only the status is composed.
    fn new(answer: Answer) -> Self {
        let unsent = answer.status_line().into_bytes();
        Self { answer, unsent, sent: 0, is_whole: false }
    }

    /// Sends what is taken at once; what is needed next, and whether anything was sent.
    fn tell(
        &mut self,
        channel: &mut Channel,
        scene: &Scene<'_>,
        place: (&Registry, Token),
    ) -> io::Result<(Next, bool)> {
        let mut has_moved = false;
        for _ in 0..PIECES_PER_TURN {
            while self.sent < self.unsent.len() {
                match channel.write(&self.unsent[self.sent..], place) {
                    Ok(0) => return Ok((Next::Nothing, has_moved)),
                    Ok(count) => self.sent += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return Ok((channel.wait(), has_moved));
                    }
                    Err(error) => return Err(error),
                }
                has_moved = true;
            }
            if self.is_whole {
                return Ok((Next::Nothing, has_moved));
            }
            self.compose(channel, scene);
        }
        Ok((Next::Turn, true))
    }

    /// Composes the next piece.
    fn compose(&mut self, channel: &Channel, scene: &Scene<'_>) {
        self.sent = 0;
        self.unsent.clear();
        let mut piece = Vec::new();
        self.is_whole = !self.answer.write_piece(scene, &mut piece);
        match channel {
            Channel::Nowhere => {}
            Channel::Fifo(_) => self.unsent = piece,
            Channel::Socket(_) => {
                if !piece.is_empty() {
                    self.unsent.extend_from_slice(format!("{}\n", piece.len()).as_bytes());
                    self.unsent.append(&mut piece);
                }
                if self.is_whole {
                    self.unsent.extend_from_slice(b"0\n");
                }
            }
        }
    }
}

impl Channel {
    /// Writes what is taken at once.
    fn write(&mut self, bytes: &[u8], (registry, token): (&Registry, Token)) -> io::Result<usize> {
        match self {
            Self::Socket(stream) => stream.write(bytes),
            Self::Nowhere => Ok(bytes.len()),
            Self::Fifo(fifo) => {
                if !fifo.is_open() {
                    let descriptor = fifo.file()?.as_raw_fd();
                    registry.register(&mut SourceFd(&descriptor), token, Interest::WRITABLE)?;
                }
                fifo.write(bytes)
            }
        }
    }

    /// How it is told that it takes more.
    const fn wait(&self) -> Next {
        match self {
            Self::Fifo(fifo) if !fifo.is_open() => Next::Look,
            _ => Next::Event,
        }
    }
}

#[cfg(test)]
mod tests {
    use arc_swap::ArcSwap;

    use super::*;
    use crate::admin::Facts;
    use crate::connections::{ConnectionSettings, Directory};
    use crate::location::LocationTables;
    use crate::time::Now;
    use crate::transport::tls::TlsContexts;

    #[test]
    fn nobody_is_waited_for_without_end() {
        let (facts, tables) = (Facts::default(), LocationTables::new());
        let connections = Directory::new(ConnectionSettings::default(), Vec::new());
        let tls = ArcSwap::from_pointee(TlsContexts::default());
        let scene = |monotonic_ms| Scene {
            now: Now { monotonic_ms, ..Now::default() },
            facts: &facts,
            tables: &tables,
            connections: &connections,
            counters: &[],
            certificates: &tls,
            threads: &Vec::new,
        };
        let poll = mio::Poll::new().unwrap();
        let (stream, mut peer) = UnixStream::pair().unwrap();
        let mut session = Session::of_socket(1, stream, 1_000);
        assert_eq!(session.until_ms(), Some(1_000 + CONTROL_IDLE_MS_MAX));
        peer.write_all(b"text\nre").unwrap();
        let next = session.go_on(&scene(9_000), poll.registry(), Token(0));
        assert_eq!((next, session.until_ms()), (Next::Event, Some(1_000 + CONTROL_IDLE_MS_MAX)));
        peer.write_all(b"load\n\n").unwrap();
        let next = session.go_on(&scene(10_000), poll.registry(), Token(0));
        assert_eq!((next, session.until_ms()), (Next::Reload(Reload::Script), None));
        let again = session.go_on(&scene(10_000), poll.registry(), Token(0));
        assert_eq!(again, Next::Event, "it is ordered once");
        session.take_report(&(Ok(()), "done\n".to_owned()), 90_000);
        assert_eq!(session.until_ms(), Some(90_000 + CONTROL_IDLE_MS_MAX));
        let next = session.go_on(&scene(90_000), poll.registry(), Token(0));
        assert_eq!(next, Next::Nothing);
        let mut answer = [0; 32];
        let count = peer.read(&mut answer).unwrap();
        assert_eq!(&answer[..count], b"200 OK\n5\ndone\n0\n");

        let words = Ok(vec!["version".to_owned()]);
        let request = Request { words, format: Format::Text, reply: None };
        let missing = ReplyFifo::new(std::path::Path::new("/nonexistent"), "x");
        let mut session = Session::of_fifo(2, &request, missing, &scene(1_000));
        assert_eq!(session.until_ms(), Some(1_000 + CONTROL_READER_MS_MAX));
        assert_eq!(session.go_on(&scene(1_000), poll.registry(), Token(0)), Next::Nothing);
        let mut session = Session::of_fifo(3, &request, None, &scene(1_000));
        assert_eq!(session.go_on(&scene(1_000), poll.registry(), Token(0)), Next::Nothing);
    }
}
