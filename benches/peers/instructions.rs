//! Instructions of a whole server for a message: of all its threads and children, from the start
//! of the process to its end.

use std::path::Path;

use super::calls::{self, Callees, Extent, MESSAGES_PER_CALL};
use super::load::{Load, Pace, Phase};
use super::messages::Kind;
use super::options::Options;
use super::peer::{Peer, Place, Program};
use super::scenario::{ATTEMPTS_MAX, Scenario};

/// Scenarios whose messages are counted.
const SCENARIOS: [Scenario; 5] =
    [Scenario::Invite, Scenario::Mixed, Scenario::Call, Scenario::Refresh, Scenario::Lookup];

/// Messages, or calls, of a short run; a long run has twice as many.
const COUNT: u64 = 4_000;

/// Messages, or calls, under way at any time: enough for full batches.
const WINDOW: u64 = 256;

/// Registered users.
const USERS: u64 = 1_000;

/// What it takes to count.
pub(crate) struct Counting<'c> {
    pub(crate) options: &'c Options,
    pub(crate) viaload: Option<&'c Path>,
    /// The directory for files.
    pub(crate) folder: &'c Path,
}

impl Counting<'_> {
    /// Counts, and tells what came out.
    pub(crate) fn print(&self) {
        let programs = [Program::Viaduct, Program::Other, Program::Kamailio];
        let programs = programs.into_iter().filter(|program| program.is_installed(self.options));
        let programs: Vec<Program> = programs.collect();
        for scenario in SCENARIOS.into_iter().filter(|scenario| self.options.wants(scenario.name()))
        {
            if scenario == Scenario::Call && self.viaload.is_none() {
                println!("call: left out, viaload is not built");
                continue;
            }
            for program in &programs {
                let count = self.count(*program, scenario);
                println!("{:<8} {:<10} {count:>9.0}", scenario.name(), program.name());
            }
        }
    }

    /// Instructions for a message: what a long run has more than a short one.
    fn count(&self, program: Program, scenario: Scenario) -> f64 {
        let messages = if scenario == Scenario::Call { MESSAGES_PER_CALL } else { 1.0 };
        let [short, long] = [COUNT, 2 * COUNT].map(|count| self.total(program, scenario, count));
        (long - short) / (COUNT as f64 * messages)
    }

    /// Instructions of a server in whose life there are so many messages or calls.
    fn total(&self, program: Program, scenario: Scenario, count: u64) -> f64 {
        let mut load = Load::new(&[], false);
        let callees = self
            .viaload
            .filter(|_| scenario == Scenario::Call)
            .map(|viaload| Callees::start(viaload, self.options.load_cores[0]));
        let callee = callees.as_ref().map_or_else(|| load.sink_address(), Callees::address);
        let cores = self.options.proxy_core_list(0, 1);
        let place = Place {
            folder: self.folder,
            cores: &cores,
            workers: 1,
            other: self.options.other.as_deref(),
            is_counted: true,
        };
        let peer = Peer::start(program, scenario.script(), callee, place);
        match scenario {
            Scenario::Call => self.call(program, &peer, count),
            Scenario::Refresh | Scenario::Lookup => {
                pass(&mut load, &peer, Kind::Fill(USERS), USERS);
                pass(&mut load, &peer, scenario.kind(USERS), count);
            }
            _ => pass(&mut load, &peer, scenario.kind(USERS), count),
        }
        collected(&peer.end())
    }

    /// Makes so many calls. Callers would repeat what Kamailio lets wait so much longer.
    fn call(&self, program: Program, peer: &Peer, count: u64) {
        let cores = &self.options.load_cores;
        let pace = Pace::Window(if program == Program::Kamailio { WINDOW / 16 } else { WINDOW });
        let task = (peer.address(), cores[1 % cores.len()]);
        let calls =
            calls::call(self.viaload.unwrap(), task, pace, Extent::Calls(count), self.folder);
        assert!(calls.loss == 0.0, "a call failed");
    }
}

/// Has so many messages pass, and one ahead of them: valgrind takes its time over what is new to it.
fn pass(load: &mut Load, peer: &Peer, kind: Kind, count: u64) {
    let mut arrive = |limit| {
        let phase = Phase { kind, pace: Pace::Window(WINDOW), seconds: 120.0, limit };
        load.run(&[peer.address()], phase).received == limit
    };
    assert!((0..ATTEMPTS_MAX).any(|_| arrive(1)) && arrive(count), "something was lost");
}

/// What callgrind has told of a process and its children.
fn collected(log: &str) -> f64 {
    let counts = log.lines().filter_map(|line| line.split("Collected : ").nth(1));
    let counts: Vec<f64> = counts.filter_map(|count| count.trim().parse().ok()).collect();
    assert!(!counts.is_empty(), "valgrind tells nothing:\n{log}");
    counts.iter().sum()
}
