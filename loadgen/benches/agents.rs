//! What the user agents cost without sockets: a caller and a callee that hand each other their
//! messages in memory, call after call.
//!
//! `cargo bench -p viaload --bench agents` prints nanoseconds of one core per message (composed
//! here and handled there); under `valgrind --tool=callgrind` the instructions can be counted.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a bench prints its figures")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use viaload::agent::{Agent, Setup};
use viaload::clock::Clock;
use viaload::measure::Count;
use viaload::moment::Moment;
use viaload::outbox::{Outbox, SocketId};
use viaload::scenario::{Cast, builtin};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // As a test it only has to run.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let calls = if is_bench { 200_000 } else { 100 };
    for name in ["call", "options", "mixed"] {
        let mut pair = Pair::new(builtin::cast(name).expect("a built-in scenario"));
        pair.run(calls / 10);
        let before = pair.messages;
        let clock = Clock::start();
        pair.run(calls);
        let span = clock.now().since(Moment::START);
        let messages = pair.messages - before;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let nanos = span.as_nanos() as f64 / messages as f64;
        println!("{name}: {calls} calls, {messages} messages, {nanos:.0} ns a message");
        let completed = pair.agents[0].interval().tally.get(Count::Completed);
        assert_eq!(completed, calls + calls / 10, "{name}: all calls are completed");
    }
}

/// A caller and a callee.
struct Pair {
    agents: [Agent; 2],
    out: [Outbox; 2],
    flying: Outbox,
    messages: u64,
    now: Moment,
}

const ADDRESSES: [&str; 2] = ["127.0.0.1:5061", "127.0.0.1:5062"];

impl Pair {
    /// A pair with the programs of `cast`.
    fn new(cast: Cast) -> Self {
        let cast = Arc::new(cast);
        let addresses: [SocketAddr; 2] =
            ADDRESSES.map(|address| address.parse().expect("an address"));
        let agent = |which: usize| {
            let setup = Setup {
                target: (which == 0).then_some(addresses[1]),
                sockets: vec![addresses[which]],
                caller_sockets: if which == 0 { vec![SocketId(0)] } else { Vec::new() },
                callee_socket: (which == 1).then_some(SocketId(0)),
                callee_addresses: Arc::new([addresses[1]]),
                ..Setup::new(Arc::clone(&cast), addresses[which].ip())
            };
            Agent::new(setup, Moment::START)
        };
        Self {
            agents: [agent(0), agent(1)],
            out: [Outbox::default(), Outbox::default()],
            flying: Outbox::default(),
            messages: 0,
            now: Moment::START,
        }
    }

    /// Runs calls in batches, as sockets deliver them.
    fn run(&mut self, calls: u64) {
        const BATCH: u64 = 16;
        let mut left = calls;
        while left > 0 {
            for _ in 0..left.min(BATCH) {
                self.agents[0].start_call(self.now, self.now, &mut self.out[0]);
            }
            left -= left.min(BATCH);
            self.exchange();
        }
    }

    /// Delivers messages until there are none.
    fn exchange(&mut self) {
        while !self.out.iter().all(|out| out.datagrams().is_empty()) {
            self.deliver(0, 1);
            self.deliver(1, 0);
        }
    }

    /// Delivers what one side has sent.
    fn deliver(&mut self, from: usize, to: usize) {
        std::mem::swap(&mut self.out[from], &mut self.flying);
        let source = ADDRESSES[from].parse().expect("an address");
        // A batch takes some time, so that timers run as they do in life.
        self.now = self.now + Duration::from_micros(100);
        for datagram in self.flying.datagrams() {
            self.messages += 1;
            let bytes = self.flying.bytes(datagram);
            let reply = &mut self.out[to];
            self.agents[to].handle_datagram(self.now, SocketId(0), source, bytes, reply);
        }
        self.agents[to].handle_timeouts(self.now, &mut self.out[to]);
        self.flying.clear();
    }
}
