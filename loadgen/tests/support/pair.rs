//! A caller and a callee that hand each other their messages, and somebody who meddles.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use viaload::agent::{Agent, Setup};
use viaload::measure::Tally;
use viaload::moment::Moment;
use viaload::outbox::{Outbox, SocketId};
use viaload::scenario::Cast;
use viaload::users::Users;

/// Position of the agent that calls.
pub(crate) const CALLER: usize = 0;
/// Position of the agent that is called.
pub(crate) const CALLEE: usize = 1;

/// The two agents, and what is on its way to each.
pub(crate) struct Pair {
    agents: [Agent; 2],
    addresses: [SocketAddr; 2],
    /// Messages with the agent that they go to.
    flying: Vec<(usize, Vec<u8>)>,
    /// Some messages that went before.
    heard: Vec<Vec<u8>>,
    now: Moment,
}

impl Pair {
    /// A pair with the programs of `cast`.
    pub(crate) fn new(cast: Cast, seed: u64) -> Self {
        let cast = Arc::new(cast);
        let addresses =
            [SocketAddr::from(([127, 0, 0, 1], 5061)), SocketAddr::from(([127, 0, 0, 1], 5062))];
        let agent = |which: usize| {
            let setup = Setup {
                cast: Arc::clone(&cast),
                target: (which == CALLER).then_some(addresses[CALLEE]),
                sockets: vec![addresses[which]],
                caller_sockets: if which == CALLER { vec![SocketId(0)] } else { Vec::new() },
                callee_socket: (which == CALLEE).then_some(SocketId(0)),
                callee_addresses: Arc::new([addresses[CALLEE]]),
                users: Arc::new(Users::default()),
                service: "service".to_owned(),
                media_ip: addresses[0].ip(),
                hold: Duration::from_millis(100),
                injected: Vec::new(),
                worker: (0, 1),
                seed,
                process: 7,
                wall_start: jiff::Timestamp::UNIX_EPOCH,
                traces: 1,
            };
            Agent::new(setup, Moment::START)
        };
        Self {
            agents: [agent(CALLER), agent(CALLEE)],
            addresses,
            flying: Vec::new(),
            heard: Vec::new(),
            now: Moment::START,
        }
    }

    /// Lets an agent do something; what it sends to the other is on its way then.
    fn act(&mut self, which: usize, act: impl FnOnce(&mut Agent, Moment, &mut Outbox)) {
        let mut out = Outbox::default();
        act(&mut self.agents[which], self.now, &mut out);
        for datagram in out.datagrams() {
            let bytes = out.bytes(datagram);
            assert!(!bytes.is_empty(), "nothing empty is sent");
            if datagram.destination == self.addresses[1 - which] {
                self.flying.push((1 - which, bytes.to_vec()));
            }
        }
    }

    /// Starts calls.
    pub(crate) fn start(&mut self, calls: usize) {
        for _ in 0..calls {
            self.act(CALLER, |agent, now, out| agent.start_call(now, now, out));
        }
    }

    /// Hands an agent a datagram as if the other had sent it.
    pub(crate) fn inject(&mut self, to: usize, bytes: &[u8]) {
        let from = self.addresses[1 - to];
        self.act(to, |agent, now, out| agent.handle_datagram(now, SocketId(0), from, bytes, out));
    }

    /// What is on its way.
    pub(crate) fn flying(&self) -> Vec<(usize, Vec<u8>)> {
        self.flying.clone()
    }

    /// A message that went before.
    pub(crate) fn overheard(&self, rng: &mut fastrand::Rng) -> Vec<u8> {
        rng.choice(&self.heard).cloned().unwrap_or_default()
    }

    /// Delivers what is on its way; answers to it are on their way then.
    pub(crate) fn deliver(&mut self) {
        for (to, bytes) in std::mem::take(&mut self.flying) {
            self.inject(to, &bytes);
            if self.heard.len() < 64 {
                self.heard.push(bytes);
            }
        }
    }

    /// Delivers, and lets time pass with its timers.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        self.deliver();
        loop {
            let next = self.agents.iter().filter_map(Agent::next_timeout).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            for which in [CALLER, CALLEE] {
                self.act(which, |agent, now, out| agent.handle_timeouts(now, out));
            }
            self.deliver();
        }
        self.now = end;
    }

    /// Goes on until no caller has anything to do; a call that hangs for ten minutes fails.
    pub(crate) fn finish(&mut self) {
        for _ in 0..6_000 {
            if self.in_flight() == 0 && self.flying.is_empty() {
                return;
            }
            self.pass(Duration::from_millis(100));
        }
    }

    /// Calls of the caller in progress.
    pub(crate) fn in_flight(&self) -> usize {
        self.agents[CALLER].in_flight()
    }

    /// Calls of the callee in progress.
    pub(crate) fn answering(&self) -> usize {
        self.agents[CALLEE].answering()
    }

    /// What the caller counted.
    pub(crate) fn tally(&mut self) -> Tally {
        self.agents[CALLER].interval().tally.clone()
    }
}

/// Changes bytes as an attacker or a broken network does; `other` is spliced in.
pub(crate) fn distort(bytes: &[u8], other: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.usize(..3) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            1 => bytes.truncate(at),
            2 => {
                bytes.truncate(at);
                bytes.extend_from_slice(&other[other.len().min(at)..]);
            }
            3 | 4 => double_or_drop_line(&mut bytes, rng),
            5 => {
                let huge: &[u8] =
                    [&b"4294967295"[..], b"99999999999999999999", b"-1", b"0"][rng.usize(..4)];
                let digits = |byte: &u8| byte.is_ascii_digit();
                let start = bytes[at..].iter().position(digits).map_or(at, |found| at + found);
                let end = bytes[start..].iter().position(|byte| !digits(byte));
                let end = end.map_or(bytes.len(), |end| start + end);
                bytes.splice(start..end, huge.iter().copied());
            }
            _ => {
                let odd = [b';', b'"', b'<', b'>', b',', b'\r', b'\n', 0, 0xff];
                bytes.insert(at, odd[rng.usize(..odd.len())]);
            }
        }
    }
    bytes
}

/// Doubles a line or takes it out.
fn double_or_drop_line(bytes: &mut Vec<u8>, rng: &mut fastrand::Rng) {
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return;
    }
    let at = rng.usize(..lines.len());
    if rng.bool() {
        lines.remove(at);
    } else {
        let line = lines[at].clone();
        lines.insert(rng.usize(..=lines.len()), line);
    }
    *bytes = lines.concat();
}

/// The same message with another Call-ID.
pub(crate) fn with_call_id(bytes: &[u8], call_id: &str) -> Vec<u8> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| {
        let line = line.to_ascii_lowercase();
        !(line.starts_with(b"call-id") || line.starts_with(b"i:") || line.starts_with(b"i "))
    });
    let mut changed: Vec<u8> = Vec::with_capacity(bytes.len() + call_id.len());
    for (number, line) in lines.enumerate() {
        changed.extend_from_slice(line);
        if number == 0 {
            changed.extend_from_slice(format!("Call-ID: {call_id}\r\n").as_bytes());
        }
    }
    changed
}
