//! The ceiling: the messages of the scenario `call` without a proxy, sent and received by threads
//! that do nothing else. Nothing is parsed; a message is known by its length.
//!
//! `cargo bench -p viaload --bench sockets -- [--seconds S] [--pairs N] [--window W] [--plain]`
//!
//! A pair is a caller and a callee, each a thread on a core of its own, out of the cores that
//! this process may use. CPU is that of both threads, and a message is one that was sent *and*
//! received. With `--plain` a line is two numbers: calls per second, CPU microseconds per message.

#![expect(clippy::unwrap_used, reason = "a bench fails by a panic")]

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use core_affinity::CoreId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use viaduct::sys::{Landings, Outgoing, ReceiveBatch, SendBatch};
use viaload::clock::Clock;
use viaload::moment::Moment;

/// Lengths of the six messages; each has its own.
const INVITE: usize = 700;
const RINGING: usize = 410;
const ANSWER: usize = 650;
const ACK: usize = 400;
const BYE: usize = 390;
const BYE_ANSWER: usize = 350;
/// Messages of a call.
const MESSAGES_PER_CALL: u64 = 6;

const LANDING_BYTES: usize = 2_048;
const BATCH: usize = 64;
const BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Silence after which the messages under way are taken for lost.
const SILENCE: Duration = Duration::from_millis(100);

/// What the command line asks for.
struct Options {
    seconds: f64,
    window: usize,
    pairs: Option<usize>,
    plain: bool,
}

fn main() {
    let options = read_options();
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let all_pairs = (cores.len() / 2).max(1);
    let mut counts = options.pairs.map_or_else(|| vec![1, all_pairs], |pairs| vec![pairs]);
    counts.dedup();
    for pairs in counts {
        let results = run(pairs, &cores, &options);
        print(pairs, &results, &options);
    }
}

/// Reads the command line; cargo adds `--bench` to it unless this runs as a test, which only has
/// to run.
fn read_options() -> Options {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let seconds = if is_bench { 3.0 } else { 0.05 };
    let mut options = Options { seconds, window: 128, pairs: None, plain: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().unwrap();
        match argument.as_str() {
            "--seconds" => options.seconds = number().parse().unwrap(),
            "--window" => options.window = number().parse().unwrap(),
            "--pairs" => options.pairs = Some(number().parse().unwrap()),
            "--plain" => options.plain = true,
            _ => {}
        }
    }
    options
}

/// What one thread did.
#[derive(Default)]
struct Work {
    calls: u64,
    seconds: f64,
    user_seconds: f64,
    system_seconds: f64,
    /// Times that nothing came for so long that calls must have been lost.
    silences: u64,
}

/// Runs that many pairs at once; the work of each thread, callers and callees in turn.
fn run(pairs: usize, cores: &[CoreId], options: &Options) -> Vec<Work> {
    let clock = Clock::start();
    let end = clock.now() + Duration::from_secs_f64(options.seconds);
    let window = options.window;
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for pair in 0..pairs {
            let (caller, callee) = (bind(), bind());
            let (caller_at, callee_at) =
                (caller.local_addr().unwrap(), callee.local_addr().unwrap());
            let core = |offset: usize| cores.get((2 * pair + offset) % cores.len().max(1)).copied();
            let (first, second) = (core(0), core(1));
            threads.push(scope.spawn(move || {
                pin(first);
                Side::new(caller).work(callee_at, clock, end, window)
            }));
            threads.push(scope.spawn(move || {
                pin(second);
                Side::new(callee).work(caller_at, clock, end, 0)
            }));
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Keeps this thread on its core.
fn pin(core: Option<CoreId>) {
    if let Some(core) = core {
        core_affinity::set_for_current(core);
    }
}

/// Prints what all threads did together.
fn print(pairs: usize, works: &[Work], options: &Options) {
    let sum = |of: fn(&Work) -> f64| works.iter().map(of).sum::<f64>();
    let calls: u64 = works.iter().map(|work| work.calls).sum();
    let silences: u64 = works.iter().map(|work| work.silences).sum();
    let seconds = works.iter().map(|work| work.seconds).fold(0.0, f64::max);
    let messages = whole(calls * MESSAGES_PER_CALL);
    let (user, system) = (sum(|work| work.user_seconds), sum(|work| work.system_seconds));
    let micros = |seconds: f64| seconds * 1e6 / messages;
    let mut out = io::stdout().lock();
    if options.plain {
        let rate = whole(calls) / seconds;
        writeln!(out, "{rate:.0} {:.3}", micros(user + system)).unwrap();
        return;
    }
    writeln!(
        out,
        "{pairs} pair(s): {:.0} calls/s, {:.0} messages/s, CPU per message {:.2} µs \
         (user {:.2}, system {:.2}), {silences} silence(s)",
        whole(calls) / seconds,
        messages / seconds,
        micros(user + system),
        micros(user),
        micros(system),
    )
    .unwrap();
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn whole(count: u64) -> f64 {
    count as f64
}

/// A socket on loopback.
fn bind() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let options = socket2::SockRef::from(&socket);
    options.set_recv_buffer_size(BUFFER_BYTES).unwrap();
    options.set_send_buffer_size(BUFFER_BYTES).unwrap();
    socket
}

/// A caller or callee: a socket and its batches.
struct Side {
    socket: UdpSocket,
    receive: ReceiveBatch,
    send: SendBatch,
    landings: Vec<u8>,
    /// Lengths of messages still to send.
    due: Vec<usize>,
}

impl Side {
    /// One that works on this socket.
    fn new(socket: UdpSocket) -> Self {
        Self {
            socket,
            receive: ReceiveBatch::new(BATCH),
            send: SendBatch::new(BATCH),
            landings: vec![0; BATCH * LANDING_BYTES],
            due: Vec::new(),
        }
    }

    /// Exchanges messages until `end`, with `window` calls of its own under way.
    fn work(mut self, peer: SocketAddr, clock: Clock, end: Moment, window: usize) -> Work {
        let mut work = Work::default();
        let (user, system) = cpu_seconds();
        let start = clock.now();
        self.due = vec![INVITE; window];
        while clock.now() < end {
            self.flush(peer);
            match self.receive() {
                0 if !self.wait() => {
                    work.silences += u64::from(window > 0);
                    self.due.extend(std::iter::repeat_n(INVITE, window));
                }
                count => work.calls += self.answer(count),
            }
        }
        work.seconds = clock.now().since(start).as_secs_f64();
        let (user_now, system_now) = cpu_seconds();
        work.user_seconds = user_now - user;
        work.system_seconds = system_now - system;
        work
    }

    /// Sends what is due, as much as the socket takes.
    fn flush(&mut self, peer: SocketAddr) {
        static BYTES: [u8; INVITE] = [b'x'; INVITE];
        let mut sent = 0;
        while sent < self.due.len() {
            let datagrams = self.due[sent..].iter().map(|length| Outgoing {
                bytes: &BYTES[..*length],
                destination: &peer,
                source: None,
            });
            match self.send.send(self.socket.as_fd(), datagrams) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        self.due.drain(..sent);
    }

    /// Receives what is there, at most a batch.
    fn receive(&mut self) -> usize {
        let landings = Landings::new(&mut self.landings, LANDING_BYTES);
        self.receive.receive(self.socket.as_fd(), landings, BATCH).unwrap_or(0)
    }

    /// Waits for something to receive; false if nothing comes.
    fn wait(&self) -> bool {
        let mut interest = [PollFd::new(&self.socket, PollFlags::IN)];
        let silence = Timespec::try_from(SILENCE).unwrap();
        poll(&mut interest, Some(&silence)).unwrap() > 0
    }

    /// Notes what the last `count` messages ask for; how many calls they completed.
    fn answer(&mut self, count: usize) -> u64 {
        let mut completed = 0;
        for index in 0..count {
            match self.receive.arrival(index).length {
                INVITE => self.due.extend([RINGING, ANSWER]),
                ANSWER => self.due.extend([ACK, BYE]),
                BYE => self.due.push(BYE_ANSWER),
                BYE_ANSWER => {
                    completed += 1;
                    self.due.push(INVITE);
                }
                _ => {}
            }
        }
        completed
    }
}

/// CPU seconds of this thread so far: in user mode, in the kernel.
fn cpu_seconds() -> (f64, f64) {
    /// `sysconf(_SC_CLK_TCK)` on Linux, whatever the processor.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, fields) = text.rsplit_once(')').unwrap();
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next().unwrap().parse::<f64>().unwrap() / TICKS_PER_SECOND;
    (next(), next())
}
