//! The scenarios: what is sent, and what is measured of it.

use std::path::Path;

use super::calls::{self, Callees, Extent, MESSAGES_PER_CALL};
use super::contestant::{Contestant, Shape};
use super::load::{Load, Outcome, Pace, Phase, whole};
use super::messages::Kind;
use super::options::Options;
use super::peer::{Program, Script};
use super::table::Sample;
use super::usage::Cpu;

/// Messages under way at full load: several batches, far below what a socket holds.
const WINDOW: u64 = 512;
/// The rate of the scenario `low` (messages a second).
const LOW_RATE: f64 = 20_000.0;
/// Attempts to get something through a peer that has just started.
pub(crate) const ATTEMPTS_MAX: usize = 50;

/// What is done to the peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Invite,
    Mixed,
    Call,
    Refresh,
    New,
    Lookup,
    Edge,
    Workers,
    Low,
    Overload,
}

impl Scenario {
    /// All of them in the order of the report.
    pub(crate) const ALL: [Self; 10] = [
        Self::Invite,
        Self::Mixed,
        Self::Call,
        Self::Refresh,
        Self::New,
        Self::Lookup,
        Self::Edge,
        Self::Workers,
        Self::Low,
        Self::Overload,
    ];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Mixed => "mixed",
            Self::Call => "call",
            Self::Refresh => "refresh",
            Self::New => "new",
            Self::Lookup => "lookup",
            Self::Edge => "edge",
            Self::Workers => "workers",
            Self::Low => "low",
            Self::Overload => "overload",
        }
    }

    /// Its name and what it is.
    pub(crate) fn title(self, options: &Options) -> String {
        let users = options.users;
        let what = match self {
            Self::Invite => "one-way INVITE of 800 bytes, stateless".to_owned(),
            Self::Mixed => {
                "one-way requests of seven methods, no two neighbours of one length".to_owned()
            }
            Self::Call => "calls of six messages, stateless; latency to the 200".to_owned(),
            Self::Refresh => format!("REGISTER of one of {users} users, known before"),
            Self::New => "REGISTER of a new user".to_owned(),
            Self::Lookup => format!("INVITE to one of {users} registered users"),
            Self::Edge => "one-way INVITE through the script of an edge proxy".to_owned(),
            Self::Workers => {
                "the same in larger pieces, by one worker, more, and servers apart".to_owned()
            }
            Self::Low => format!("one-way INVITE, {LOW_RATE} a second"),
            Self::Overload => "one-way INVITE, twice what each carried before".to_owned(),
        };
        format!("{}: {what}", self.name())
    }

    /// The script of the peers.
    pub(crate) const fn script(self) -> Script {
        match self {
            Self::Refresh | Self::New | Self::Lookup => Script::Registrar,
            Self::Edge | Self::Workers => Script::Edge,
            Self::Invite | Self::Mixed | Self::Call | Self::Low | Self::Overload => Script::Forward,
        }
    }

    /// The message that is sent.
    pub(crate) const fn kind(self, users: u64) -> Kind {
        match self {
            Self::Mixed => Kind::Mixed,
            Self::Refresh => Kind::Refresh(users),
            Self::New => Kind::New,
            Self::Lookup => Kind::Lookup(users),
            _ => Kind::Invite,
        }
    }

    /// Whether that peer can do it: a forwarder knows no users and runs no script; that of an edge
    /// proxy is not written for OpenSIPS.
    fn suits(self, program: Program) -> bool {
        match program {
            _ if self == Self::Workers => program == Program::Viaduct,
            Program::Forwarder => self.script() == Script::Forward,
            Program::OpenSips => self.script() != Script::Edge,
            Program::Viaduct | Program::Other | Program::Kamailio => true,
        }
    }

    /// Whether messages are sent and received in pieces.
    pub(crate) fn merges(self) -> bool {
        self == Self::Workers
    }

    /// Messages under way at full load: more where they come in larger pieces.
    fn window(self) -> u64 {
        if self.merges() { 4 * WINDOW } else { WINDOW }
    }

    /// What of each program is compared.
    fn shapes(self, options: &Options) -> Vec<Shape> {
        let all = options.proxy_cores.len();
        match self {
            // Servers that share nothing show what the machine and the load allow.
            Self::Workers => (1..=all).map(Shape::one).chain((2..=all).map(Shape::apart)).collect(),
            _ => vec![Shape::one(all)],
        }
    }
}

/// What a scenario is run with.
pub(crate) struct Bench<'b> {
    pub(crate) options: &'b Options,
    pub(crate) load: Load,
    pub(crate) viaload: Option<&'b Path>,
    /// The directory for files.
    pub(crate) folder: &'b Path,
}

impl Bench<'_> {
    /// Starts the peers and measures them in turn.
    pub(crate) fn run(&mut self, scenario: Scenario) -> Vec<Sample> {
        let callees = self
            .viaload
            .filter(|_| scenario == Scenario::Call)
            .map(|viaload| Callees::start(viaload, self.options.load_cores[0]));
        let callee = callees.as_ref().map_or_else(|| self.load.sink_address(), Callees::address);
        let programs = Program::ALL
            .into_iter()
            .filter(|program| program.is_installed(self.options) && scenario.suits(*program));
        let shapes = scenario.shapes(self.options);
        let kinds = programs.flat_map(|program| shapes.iter().map(move |shape| (program, *shape)));
        let peers: Vec<Contestant> = kinds
            .map(|(program, shape)| {
                let task = (scenario.script(), callee);
                Contestant::start(program, shape, task, (self.options, self.folder))
            })
            .collect();
        for peer in &peers {
            self.warm_up(scenario, peer);
        }
        let mut samples = Vec::new();
        for round in 0..self.options.rounds {
            // Nobody is always the first.
            for turn in 0..peers.len() {
                let peer = &peers[(round + turn) % peers.len()];
                let mut sample = match scenario {
                    Scenario::Call => self.measure_calls(peer),
                    Scenario::Low => self.measure_at(peer, scenario, LOW_RATE),
                    Scenario::Overload => self.overload(peer, scenario),
                    _ => self.measure(peer, scenario),
                };
                assert!(sample.rate > 0.0, "{} carried nothing", peer.program().name());
                sample.round = round;
                samples.push(sample);
            }
        }
        samples
    }

    /// Sends until something arrives, and registers the users.
    fn warm_up(&mut self, scenario: Scenario, peer: &Contestant) {
        if scenario == Scenario::Call {
            let calls = self.call(peer, Pace::Window(8), 1.0);
            assert!(calls.rate > 0.0, "no call through {}", peer.program().name());
            return;
        }
        let users = self.options.users;
        let fills = matches!(scenario, Scenario::Refresh | Scenario::Lookup);
        let kind = if fills { Kind::Fill(users) } else { scenario.kind(users) };
        let limit = if fills { users } else { 2_000 };
        let arrived = (0..ATTEMPTS_MAX).any(|_| {
            let pace = Pace::Window(WINDOW);
            let phase = Phase { kind, pace, seconds: 60.0, limit };
            self.load.run(&peer.addresses(), phase).received == limit
        });
        assert!(arrived, "{} does not carry {limit} messages", peer.program().name());
    }

    /// The most that it carries; then the latency at half of that.
    fn measure(&mut self, peer: &Contestant, scenario: Scenario) -> Sample {
        let full =
            self.phase(peer, scenario, Pace::Window(scenario.window()), self.options.seconds);
        let rate = whole(full.0.received) / full.0.seconds;
        let half = self.phase(peer, scenario, Pace::Rate(rate / 2.0), self.options.seconds);
        let mut sample = self.sample(peer, scenario, &full, rate);
        sample.latency = percentiles(&half.0);
        sample.loss[1] = loss(&half.0);
        sample
    }

    /// What it does at a given rate.
    fn measure_at(&mut self, peer: &Contestant, scenario: Scenario, rate: f64) -> Sample {
        let (outcome, cpu) = self.phase(peer, scenario, Pace::Rate(rate), self.options.seconds);
        let carried = whole(outcome.received) / self.options.seconds;
        self.sample(peer, scenario, &(outcome, cpu), carried)
    }

    /// What it does with twice as much as it can carry.
    fn overload(&mut self, peer: &Contestant, scenario: Scenario) -> Sample {
        let seconds = self.options.seconds;
        let (full, _) = self.phase(peer, scenario, Pace::Window(WINDOW), seconds / 2.0);
        let peak = whole(full.received) / full.seconds;
        let mut sample = self.measure_at(peer, scenario, 2.0 * peak);
        sample.of_peak = Some(sample.rate / peak);
        sample
    }

    /// Runs a phase; with the processor time that the peer took, and how long it was.
    fn phase(
        &mut self,
        peer: &Contestant,
        scenario: Scenario,
        pace: Pace,
        seconds: f64,
    ) -> (Outcome, Cpu) {
        let kind = scenario.kind(self.options.users);
        let before = peer.cpu();
        let phase = Phase { kind, pace, seconds, limit: u64::MAX };
        let outcome = self.load.run(&peer.addresses(), phase);
        (outcome, peer.cpu().since(before))
    }

    /// What a phase says of a peer.
    fn sample(
        &self,
        peer: &Contestant,
        scenario: Scenario,
        (outcome, cpu): &(Outcome, Cpu),
        rate: f64,
    ) -> Sample {
        let messages = whole(outcome.received.max(1));
        Sample {
            scenario: scenario.name(),
            program: peer.program(),
            shape: peer.shape(),
            round: 0,
            offered: whole(outcome.sent) / self.options.seconds,
            rate,
            busy: busy(peer, *cpu, messages, rate),
            user: cpu.user * 1e6 / messages,
            system: cpu.system * 1e6 / messages,
            latency: percentiles(outcome),
            loss: [loss(outcome), 0.0],
            of_peak: None,
            memory: peer.memory_mib(),
        }
    }

    /// Calls: as many as there can be with a window, then the latency at half of that.
    fn measure_calls(&self, peer: &Contestant) -> Sample {
        let seconds = self.options.seconds;
        let before = peer.cpu();
        let full = self.call(peer, Pace::Window(WINDOW / 2), seconds);
        let cpu = peer.cpu().since(before);
        let half = self.call(peer, Pace::Rate((full.rate / 2.0).max(1.0)), seconds);
        let messages = full.messages.max(1.0);
        Sample {
            scenario: Scenario::Call.name(),
            program: peer.program(),
            shape: peer.shape(),
            round: 0,
            offered: full.rate * MESSAGES_PER_CALL,
            rate: full.rate * MESSAGES_PER_CALL,
            busy: busy(peer, cpu, messages, full.rate * MESSAGES_PER_CALL),
            user: cpu.user * 1e6 / messages,
            system: cpu.system * 1e6 / messages,
            latency: half.latency,
            loss: [full.loss, half.loss],
            of_peak: None,
            memory: peer.memory_mib(),
        }
    }

    /// Runs viaload against a peer.
    fn call(&self, peer: &Contestant, pace: Pace, seconds: f64) -> calls::Calls {
        let viaload = self.viaload.unwrap();
        let cores = &self.options.load_cores;
        let core = cores[1 % cores.len()];
        let extent = Extent::Seconds(seconds);
        calls::call(viaload, (peer.address(), core), pace, extent, self.folder)
    }
}

/// The share of the time that a peer works at that rate.
fn busy(peer: &Contestant, cpu: Cpu, messages: f64, rate: f64) -> f64 {
    cpu.total() / messages * rate / whole(peer.shape().total() as u64)
}

/// p50, p99 and p99.9 (microseconds).
fn percentiles(outcome: &Outcome) -> [f64; 3] {
    [500, 990, 999].map(|permille| {
        let place = outcome.latencies.len() * permille / 1_000;
        outcome.latencies.get(place).map_or(0.0, |latency| whole(*latency) / 1_000.0)
    })
}

/// What was lost of what was sent (0 to 1).
fn loss(outcome: &Outcome) -> f64 {
    whole(outcome.sent - outcome.received.min(outcome.sent)) / whole(outcome.sent.max(1))
}
