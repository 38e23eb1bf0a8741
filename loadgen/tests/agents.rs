//! Callers and callees over a network that delays, loses, doubles and reorders, in virtual time.
//!
//! Nothing here waits: a run of minutes takes milliseconds, and a seed that fails fails again.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use viaload::agent::{Agent, Setup};
use viaload::measure::{Count, Failure, Tally};
use viaload::moment::Moment;
use viaload::outbox::{Outbox, SocketId};
use viaload::scenario::{Cast, builtin};

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    /// Share of datagrams lost, 0 to 1.
    loss: f64,
    /// Share of datagrams that come twice.
    doubles: f64,
    /// Every datagram takes this long at least,
    delay: Duration,
    /// and up to this much longer.
    jitter: Duration,
}

/// A datagram on its way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flying {
    arrives: Moment,
    number: u64,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// One agent that calls, one that answers, and the network between them.
struct World {
    agents: [Agent; 2],
    addresses: [SocketAddr; 2],
    marks: Vec<String>,
    weather: Weather,
    rng: fastrand::Rng,
    flying: BinaryHeap<Reverse<Flying>>,
    sent: u64,
    now: Moment,
    /// A hash of all that was sent.
    bytes_seen: u64,
}

const CALLER: usize = 0;
const CALLEE: usize = 1;
const HOLD: Duration = Duration::from_millis(700);

impl World {
    fn new(cast: Cast, weather: Weather, seed: u64) -> Self {
        let cast = Arc::new(cast);
        let addresses: [SocketAddr; 2] =
            ["127.0.0.1:5061".parse().unwrap(), "127.0.0.1:5062".parse().unwrap()];
        let agent = |which: usize| {
            let setup = Setup {
                target: (which == CALLER).then_some(addresses[CALLEE]),
                sockets: vec![addresses[which]],
                caller_sockets: if which == CALLER { vec![SocketId(0)] } else { Vec::new() },
                callee_socket: (which == CALLEE).then_some(SocketId(0)),
                callee_addresses: Arc::new([addresses[CALLEE]]),
                hold: HOLD,
                seed,
                ..Setup::new(Arc::clone(&cast), addresses[which].ip())
            };
            Agent::new(setup, Moment::START)
        };
        Self {
            agents: [agent(CALLER), agent(CALLEE)],
            addresses,
            marks: cast.shape.marks.clone(),
            weather,
            rng: fastrand::Rng::with_seed(seed),
            flying: BinaryHeap::new(),
            sent: 0,
            now: Moment::START,
            bytes_seen: 0,
        }
    }

    /// Lets the network have what an agent sent.
    fn carry(&mut self, from: usize, out: &Outbox) {
        for datagram in out.datagrams() {
            let bytes = out.bytes(datagram);
            for byte in bytes {
                self.bytes_seen = self.bytes_seen.wrapping_mul(31).wrapping_add((*byte).into());
            }
            let copies = 1 + u32::from(self.rng.f64() < self.weather.doubles);
            for _ in 0..copies {
                if self.rng.f64() < self.weather.loss {
                    continue;
                }
                self.sent += 1;
                self.flying.push(Reverse(Flying {
                    arrives: self.now
                        + self.weather.delay
                        + self.weather.jitter.mul_f64(self.rng.f64()),
                    number: self.sent,
                    from: self.addresses[from],
                    to: datagram.destination,
                    bytes: bytes.to_vec(),
                }));
            }
        }
    }

    /// Lets an agent do something now.
    fn act(&mut self, which: usize, act: impl FnOnce(&mut Agent, Moment, &mut Outbox)) {
        let mut out = Outbox::default();
        act(&mut self.agents[which], self.now, &mut out);
        self.carry(which, &out);
    }

    /// Starts `calls`, one each `gap`, and goes on until nothing is left to do, or `until`.
    fn run(&mut self, calls: u32, gap: Duration, until: Moment) {
        let mut started = 0;
        let begin = self.now;
        loop {
            let intended = begin + gap * started;
            let start = (started < calls).then_some(intended);
            let arrival = self.flying.peek().map(|Reverse(flying)| flying.arrives);
            let busy = self.agents.iter().any(|agent| agent.in_flight() + agent.answering() > 0);
            let timers = self.agents.iter().filter_map(Agent::next_timeout).min();
            let timers = timers.filter(|_| busy);
            let Some(next) = [start, arrival, timers].into_iter().flatten().min() else { return };
            if next > until {
                return;
            }
            self.now = self.now.max(next);
            if start == Some(next) {
                started += 1;
                self.act(CALLER, |agent, now, out| agent.start_call(intended, now, out));
            } else if arrival == Some(next) {
                self.deliver();
            } else {
                self.act(CALLER, |agent, now, out| agent.handle_timeouts(now, out));
                self.act(CALLEE, |agent, now, out| agent.handle_timeouts(now, out));
            }
        }
    }

    /// Lets the next datagram arrive.
    fn deliver(&mut self) {
        let Reverse(flying) = self.flying.pop().unwrap();
        if let Some(to) = self.addresses.iter().position(|address| *address == flying.to) {
            self.act(to, |agent, now, out| {
                agent.handle_datagram(now, SocketId(0), flying.from, &flying.bytes, out);
            });
        }
    }

    fn tally(&mut self, which: usize) -> Tally {
        self.agents[which].interval().tally.clone()
    }

    fn latency_max(&mut self, mark: &str) -> Duration {
        let place = self.marks.iter().position(|name| name == mark).unwrap();
        Duration::from_micros(self.agents[CALLER].interval().latencies[place].max_micros())
    }
}

/// All built-in scenarios.
fn scenarios() -> impl Iterator<Item = &'static str> {
    builtin::names().iter().map(|(name, _)| *name)
}

fn world(scenario: &str, weather: Weather, seed: u64) -> World {
    World::new(builtin::cast(scenario).expect(scenario), weather, seed)
}

/// No call failed on either side, and all came to their end.
fn assert_all_completed(world: &mut World, calls: u64, what: &str) {
    let caller = world.tally(CALLER);
    let callee = world.tally(CALLEE);
    let failures = Failure::ALL
        .map(|why| (why.name(), caller.failures(why), callee.callee_failures(why)))
        .into_iter()
        .filter(|(_, caller, callee)| caller + callee > 0);
    let failures: Vec<_> = failures.collect();
    assert_eq!(failures, [], "{what}");
    assert_eq!(caller.get(Count::Completed), calls, "{what}");
    assert_eq!(callee.get(Count::AnsweredCompleted), calls, "{what}: callees");
    assert_eq!(callee.get(Count::Answered), calls, "{what}: callees");
}

#[test]
fn every_scenario_runs_without_a_superfluous_message() {
    for name in scenarios() {
        let mut world = world(name, Weather::default(), 1);
        world.run(200, Duration::from_millis(3), Moment::NEVER);
        assert_all_completed(&mut world, 200, name);
        for which in [CALLER, CALLEE] {
            let tally = world.tally(which);
            for count in [
                Count::RequestsRepeated,
                Count::ResponsesRepeated,
                Count::RepetitionsReceived,
                Count::Unexpected,
                Count::Stray,
                Count::Unreadable,
            ] {
                assert_eq!(tally.get(count), 0, "{name}: {count:?} at {which}");
            }
        }
    }
}

#[test]
fn every_scenario_survives_loss() {
    for name in scenarios() {
        for seed in 0..5 {
            let weather = Weather { loss: 0.1, ..Weather::default() };
            let mut world = world(name, weather, seed);
            world.run(200, Duration::from_millis(3), Moment::NEVER);
            assert_all_completed(&mut world, 200, &format!("{name}, seed {seed}"));
            let repeated = world.tally(CALLER).get(Count::RequestsRepeated);
            assert!(repeated > 0, "{name}: one in ten was lost");
        }
    }
}

#[test]
fn every_scenario_survives_doubled_and_reordered_datagrams() {
    for name in scenarios() {
        for seed in 0..5 {
            let weather = Weather {
                doubles: 0.3,
                delay: Duration::from_millis(20),
                jitter: Duration::from_millis(4),
                ..Weather::default()
            };
            let mut world = world(name, weather, seed);
            world.run(200, Duration::from_millis(3), Moment::NEVER);
            let what = format!("{name}, seed {seed}");
            assert_all_completed(&mut world, 200, &what);
            assert!(world.tally(CALLEE).get(Count::RepetitionsReceived) > 0, "{what}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let weather = Weather { loss: 0.05, jitter: Duration::from_millis(30), ..Weather::default() };
    let run = |seed| {
        let mut world = world("mixed", weather, seed);
        world.run(300, Duration::from_millis(2), Moment::NEVER);
        world.bytes_seen
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn calls_into_a_hole_fail_after_64_t1_and_count_as_that_slow() {
    let weather = Weather { loss: 1.0, ..Weather::default() };
    let mut world = world("call", weather, 1);
    world.run(20, Duration::from_millis(3), Moment::NEVER);
    let tally = world.tally(CALLER);
    assert_eq!(tally.failures(Failure::NoAnswer), 20);
    // RFC 3261 Timer A: after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
    assert_eq!(tally.get(Count::RequestsRepeated), 20 * 6);
    assert!(world.latency_max("setup") >= Duration::from_secs(32));
}

#[test]
fn a_delay_shows_from_the_intended_start() {
    let weather = Weather { delay: Duration::from_millis(100), ..Weather::default() };
    let mut world = world("call", weather, 1);
    world.run(1, Duration::ZERO, Moment::NEVER);
    assert_eq!(world.tally(CALLER).get(Count::Completed), 1);
    let setup = world.latency_max("setup");
    assert!((200..210).contains(&setup.as_millis()), "{setup:?}");
    // One that was started late waited for its start, too.
    let late = Duration::from_secs(3);
    let intended = world.now;
    world.now = intended + late;
    world.act(CALLER, |agent, now, out| agent.start_call(intended, now, out));
    world.run(0, Duration::ZERO, Moment::NEVER);
    let setup = world.latency_max("setup");
    assert!(setup >= late + Duration::from_millis(200), "{setup:?}");
}

#[test]
fn calls_that_are_hung_up_leave_nothing_behind() {
    for name in scenarios() {
        for stop_after in [1, 30, 70, 110, 150, 400, 900] {
            let weather =
                Weather { loss: 0.02, delay: Duration::from_millis(40), ..Weather::default() };
            let mut world = world(name, weather, stop_after);
            let stop = Moment::START + Duration::from_millis(stop_after);
            world.run(100, Duration::from_millis(1), stop);
            world.now = world.now.max(stop);
            world.act(CALLER, |agent, now, out| agent.hang_up(now, out));
            world.run(0, Duration::ZERO, Moment::NEVER);
            let what = format!("{name}, stopped after {stop_after} ms");
            assert_eq!(world.agents[CALLER].in_flight(), 0, "{what}");
            let tally = world.tally(CALLER);
            assert_eq!(tally.failed(), 0, "{what}: {tally:?}");
            let ended = tally.get(Count::Completed) + tally.get(Count::CutShort);
            assert_eq!(ended, tally.get(Count::Started), "{what}");
            // No callee waits for its next request as long as it can. Nobody tells a registrar.
            let told = name != "register";
            assert!(!told || world.now < Moment::START + Duration::from_secs(300), "{what}");
        }
    }
}

#[test]
fn a_thousand_calls_are_not_hung_up_at_once() {
    let mut world = world("call", Weather::default(), 1);
    let stop = Moment::START + Duration::from_millis(100);
    world.run(1_000, Duration::from_micros(50), stop);
    assert_eq!(world.agents[CALLER].in_flight(), 1_000);
    world.now = stop;
    world.act(CALLER, |agent, now, out| agent.hang_up(now, out));
    assert!(world.flying.len() < 500, "{} BYEs at once", world.flying.len());
    world.run(0, Duration::ZERO, Moment::NEVER);
    let tally = world.tally(CALLER);
    assert_eq!((tally.get(Count::CutShort), tally.failed()), (1_000, 0));
}

#[test]
fn abandoned_calls_are_failures() {
    let mut world = world("call", Weather { loss: 1.0, ..Weather::default() }, 1);
    world.run(5, Duration::from_millis(1), Moment::START + Duration::from_millis(100));
    world.act(CALLER, |agent, now, _| agent.abandon(now));
    assert_eq!(world.tally(CALLER).failures(Failure::Abandoned), 5);
    assert_eq!(world.agents[CALLER].in_flight(), 0);
}

#[test]
fn noise_is_counted_and_harms_nothing() {
    let mut world = world("call", Weather::default(), 1);
    let from: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let noise: [&[u8]; 6] = [
        b"",
        b"\r\n\r\n",
        b"INVITE",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"BYE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nCall-ID: 1\r\n\
          From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCSeq: 1 BYE\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nCall-ID: 1\r\n\
          From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCSeq: 1 BYE\r\n\r\n",
    ];
    for which in [CALLER, CALLEE] {
        for bytes in noise {
            world.act(which, |agent, now, out| {
                agent.handle_datagram(now, SocketId(0), from, bytes, out);
            });
        }
        let tally = world.tally(which);
        assert_eq!(tally.get(Count::Unreadable), 4, "{which}");
        assert_eq!(tally.get(Count::Stray), 2, "{which}");
    }
    world.run(10, Duration::from_millis(1), Moment::NEVER);
    assert_all_completed(&mut world, 10, "after the noise");
}
