//! The bench's own load: numbered messages from several sockets, and a sink that counts what
//! arrives. Sender and sink never sleep: waking them would be charged to the proxy.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use core_affinity::CoreId;
use viaduct::sys::{self, Landings, Outgoing, ReceiveBatch, SendBatch};

use super::messages::{Draft, FIRST_SEQUENCE, Kind, sequence};

const BATCH: usize = 64;
/// Messages that are handed to the kernel as one, where they are: few, so that they spread.
const MERGED: u64 = 16;
/// Room for merged messages. No power of two, so that landings do not meet in one set of the cache.
const LANDING_BYTES: usize = 65_536 + 192;
const BUFFER_BYTES: usize = 4 << 20;
/// Silence after which what is under way is taken for lost.
const SILENCE: Duration = Duration::from_millis(100);

/// How fast messages are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// So many under way at any time.
    Window(u64),
    /// So many a second, at times fixed before.
    Rate(f64),
}

/// A stretch of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// What is sent.
    pub(crate) kind: Kind,
    /// How fast.
    pub(crate) pace: Pace,
    /// How long at most.
    pub(crate) seconds: f64,
    /// How many at most.
    pub(crate) limit: u64,
}

/// What became of a phase.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Messages sent.
    pub(crate) sent: u64,
    /// Messages that arrived as they should.
    pub(crate) received: u64,
    /// From the first sending to the last arrival (seconds).
    pub(crate) seconds: f64,
    /// From intended start to arrival (nanoseconds), in rising order; only of [`Pace::Rate`].
    pub(crate) latencies: Vec<u64>,
}

/// Senders and sink.
pub(crate) struct Load {
    senders: Vec<UdpSocket>,
    sink: UdpSocket,
    cores: Vec<CoreId>,
    /// Whether [`MERGED`] messages are sent as one datagram for the kernel to split, and received
    /// as one where they came so: then neither sender nor sink is the limit of what two workers
    /// can carry, and these hardly meet at the sink's queue.
    merged: bool,
    next: u64,
}

impl Load {
    /// The sink on the first of the cores, a sender on each of the others.
    pub(crate) fn new(cores: &[CoreId], merged: bool) -> Self {
        let senders = (1..cores.len().max(2)).map(|_| bind()).collect();
        let sink = bind();
        if merged {
            sys::take_merged(sink.as_fd()).unwrap();
        }
        Self { senders, sink, cores: cores.to_vec(), merged, next: FIRST_SEQUENCE }
    }

    /// Where messages are to arrive.
    pub(crate) fn sink_address(&self) -> SocketAddr {
        self.sink.local_addr().unwrap()
    }

    /// Sends a phase to `targets`, to each of them in turn, and waits for what comes of it.
    pub(crate) fn run(&mut self, targets: &[SocketAddr], phase: Phase) -> Outcome {
        let contact = self.sink_address();
        let course = Course::new(phase, self.merged, self.next);
        let core = |index: usize| self.cores.get(index % self.cores.len().max(1)).copied();
        let mut outcome = std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for (index, socket) in self.senders.iter().enumerate() {
                let source = socket.local_addr().unwrap();
                let draft = |target: &SocketAddr| {
                    (*target, Draft::new(phase.kind, source, *target, contact))
                };
                let drafts: Vec<(SocketAddr, Draft)> = targets.iter().map(draft).collect();
                let (core, course) = (core(index + 1), &course);
                threads.push(scope.spawn(move || {
                    pin(core);
                    send(socket, &drafts, course);
                }));
            }
            let sockets: Vec<&UdpSocket> = self.senders.iter().chain([&self.sink]).collect();
            let (core, course) = (core(0), &course);
            let sink = scope.spawn(move || {
                pin(core);
                Sink::new(course).work(&sockets)
            });
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            course.sent_all.store(true, Relaxed);
            sink.join().unwrap()
        });
        outcome.sent = course.claimed.load(Relaxed);
        outcome.latencies.sort_unstable();
        self.next += outcome.sent;
        outcome
    }
}

/// What the threads of a phase share.
struct Course {
    phase: Phase,
    merged: bool,
    first: u64,
    start: Instant,
    claimed: AtomicU64,
    received: AtomicU64,
    lost: AtomicU64,
    sent_all: AtomicBool,
}

impl Course {
    /// A phase that begins now with that number.
    fn new(phase: Phase, merged: bool, first: u64) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            phase,
            merged,
            first,
            start: now(),
            claimed: zero(),
            received: zero(),
            lost: zero(),
            sent_all: AtomicBool::new(false),
        }
    }

    /// Takes messages that may be sent by now: the index of the first, and how many.
    fn claim(&self, elapsed: f64) -> (u64, u64) {
        let allowed = match self.phase.pace {
            Pace::Window(window) => self.received.load(Relaxed) + self.lost.load(Relaxed) + window,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            Pace::Rate(rate) => (elapsed * rate) as u64 + 1,
        };
        let allowed = allowed.min(self.phase.limit);
        let most = if self.merged { MERGED } else { BATCH as u64 };
        let count = |claimed: u64| allowed.saturating_sub(claimed).min(most);
        // With a window there is time to wait for a whole piece: a part of one would stay a part
        // for ever, sent again as soon as it arrives.
        let whole = self.merged && matches!(self.phase.pace, Pace::Window(_));
        let least = if whole { MERGED } else { 1 };
        let take = |claimed: u64| {
            let least = least.min(self.phase.limit.saturating_sub(claimed)).max(1);
            Some(claimed + count(claimed)).filter(|after| *after >= claimed + least)
        };
        match self.claimed.fetch_update(Relaxed, Relaxed, take) {
            Ok(claimed) => (claimed, count(claimed)),
            Err(_) => (0, 0),
        }
    }

    /// Gives up what is under way.
    fn give_up(&self) {
        let under_way = self.claimed.load(Relaxed).saturating_sub(self.received.load(Relaxed));
        self.lost.store(under_way, Relaxed);
    }
}

/// Sends until the time is over or enough is sent.
fn send(socket: &UdpSocket, drafts: &[(SocketAddr, Draft)], course: &Course) {
    let mut batch = if course.merged { SendBatch::merging(BATCH) } else { SendBatch::new(BATCH) };
    let stride = drafts.iter().map(|(_, draft)| draft.longest()).max().unwrap_or(0);
    let mut turns = drafts.iter().cycle();
    let mut bytes = vec![0; BATCH * stride];
    let mut lengths = [0; BATCH];
    let mut moved = (0, course.start);
    loop {
        let now = now();
        let elapsed = now.duration_since(course.start).as_secs_f64();
        let claimed = course.claimed.load(Relaxed);
        if elapsed >= course.phase.seconds || claimed >= course.phase.limit {
            return;
        }
        let (index, count) = course.claim(elapsed);
        if count == 0 {
            let received = course.received.load(Relaxed);
            if received != moved.0 {
                moved = (received, now);
            } else if now.duration_since(moved.1) > SILENCE {
                course.give_up();
                moved.1 = now;
            }
            std::thread::yield_now();
            continue;
        }
        let Some((target, draft)) = turns.next() else { return };
        let messages = bytes.chunks_exact_mut(stride).zip(&mut lengths);
        for (offset, (out, length)) in (0..count).zip(messages) {
            *length = draft.write(index + offset, course.first, out);
        }
        let mut rest = 0..usize::try_from(count).unwrap();
        while !rest.is_empty() {
            let datagrams = rest.clone().map(|message| Outgoing {
                bytes: &bytes[message * stride..][..lengths[message]],
                destination: target,
                source: None,
            });
            rest.start += batch.send(socket.as_fd(), datagrams).unwrap_or(0);
        }
    }
}

/// Counts what arrives.
struct Sink<'c> {
    course: &'c Course,
    batch: ReceiveBatch,
    landings: Vec<u8>,
    outcome: Outcome,
    last: Instant,
}

impl<'c> Sink<'c> {
    /// One for that phase.
    fn new(course: &'c Course) -> Self {
        Self {
            course,
            batch: ReceiveBatch::new(BATCH),
            landings: vec![0; BATCH * LANDING_BYTES],
            outcome: Outcome::default(),
            last: course.start,
        }
    }

    /// Receives until all is there, or nothing more comes.
    fn work(mut self, sockets: &[&UdpSocket]) -> Outcome {
        loop {
            let count: usize = sockets.iter().map(|socket| self.receive(socket)).sum();
            if count > 0 {
                continue;
            }
            if self.course.sent_all.load(Relaxed) {
                let all = self.outcome.received >= self.course.claimed.load(Relaxed);
                if all || now().duration_since(self.last) > 2 * SILENCE {
                    break;
                }
            }
            std::thread::yield_now();
        }
        self.outcome.seconds = self.last.duration_since(self.course.start).as_secs_f64();
        self.outcome
    }

    /// Receives a batch from a socket; how many there were.
    fn receive(&mut self, socket: &UdpSocket) -> usize {
        let landings = Landings::new(&mut self.landings, LANDING_BYTES);
        let Ok(count) = self.batch.receive(socket.as_fd(), landings, BATCH) else { return 0 };
        let now = now();
        let elapsed = now.duration_since(self.course.start).as_secs_f64();
        let before = self.outcome.received;
        let landings = self.landings.chunks_exact(LANDING_BYTES).take(count).enumerate();
        let messages = landings.flat_map(|(index, landing)| {
            let arrival = self.batch.arrival(index);
            let told = self.batch.told(index);
            let each = told.and_then(|told| told.segment).unwrap_or(arrival.length).max(1);
            landing[..arrival.length].chunks(each)
        });
        for bytes in messages {
            if !bytes.starts_with(self.course.phase.kind.outcome()) {
                continue;
            }
            // What is left of an earlier phase has a lower number.
            let number = sequence(bytes).and_then(|number| number.checked_sub(self.course.first));
            let Some(number) = number else { continue };
            self.outcome.received += 1;
            if let Pace::Rate(rate) = self.course.phase.pace {
                self.outcome.latencies.push(nanoseconds(elapsed - whole(number) / rate));
            }
        }
        if self.outcome.received > before {
            self.last = now;
            self.course.received.store(self.outcome.received, Relaxed);
        }
        count
    }
}

/// A socket on loopback with large buffers.
fn bind() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let options = socket2::SockRef::from(&socket);
    options.set_recv_buffer_size(BUFFER_BYTES).unwrap();
    options.set_send_buffer_size(BUFFER_BYTES).unwrap();
    socket
}

/// Keeps this thread on its core.
fn pin(core: Option<CoreId>) {
    if let Some(core) = core {
        core_affinity::set_for_current(core);
    }
}

/// The time.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A span in nanoseconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a short span")]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn whole(count: u64) -> f64 {
    count as f64
}
