//! A report for tests: a run of four seconds, built from programs and intervals as a real one.

use std::time::Duration;

use super::{Machine, Measured, Point, Report, RunFacts, SelfTest, Verdict};
use crate::measure::{Count, Failure, Interval, Kept, Trace, TracedMessage};
use crate::moment::Moment;
use crate::scenario::{
    Cast, Chain, Expect, Missing, Nop, Optional, Pause, Program, Receive, Role, Routing, Send,
    Step, Template, What,
};

/// Calls offered in each of the first three seconds; the last one only ends calls.
const RATE: u64 = 2_000;

/// The report.
pub(super) fn report() -> Report {
    let cast = cast();
    let seconds: Vec<_> = (0..4).map(|second| interval(&cast, second)).collect();
    let mut total = Interval::new(Moment::START, &cast.shape);
    seconds.iter().for_each(|second| total.merge(second));
    let series =
        seconds.iter().map(|second| Point::of(second, second.start - total.start)).collect();
    Report::build(Measured { traces: traces(), series, ..measured(&cast, &total) })
}

/// The report with as little as possible that repeats itself.
pub(super) fn brief() -> Report {
    let mut report = report();
    report.series.truncate(1);
    report.ladders.truncate(1);
    report.ladders[0].arrows.truncate(2);
    report.traces.truncate(1);
    report.traces[0].messages.truncate(2);
    report.latency.iter_mut().for_each(|latency| latency.spectrum.truncate(2));
    report.lag.spectrum.truncate(2);
    report
}

/// All that a report is made of, but for calls kept.
pub(super) fn measured<'a>(cast: &'a Cast, total: &'a Interval) -> Measured<'a> {
    Measured {
        cast,
        started_at: "2026-11-20T09:30:00Z".to_owned(),
        machine: Machine {
            cpu: "Example CPU @ 2.60GHz".to_owned(),
            cores: 4,
            kernel: "6.12.0".to_owned(),
        },
        run: RunFacts {
            scenario: "call".to_owned(),
            target: "127.0.0.1:5060".to_owned(),
            load: "open loop, 2,000 calls/s, uniform".to_owned(),
            unit: "calls".to_owned(),
            seconds: 3.0,
            threads: 2,
            source_ports: 64,
            users: 10_000,
            hold_ms: 1_000.0,
            seed: 1,
        },
        verdict: Verdict { valid: true, interrupted: false, reasons: Vec::new() },
        series: Vec::new(),
        total,
        traces: Vec::new(),
        self_test: Some(SelfTest {
            measured_at: "2026-11-20T09:12:44Z".to_owned(),
            threads: 2,
            scenario: "call".to_owned(),
            rate: 61_200.0,
            messages: 734_400.0,
        }),
        search: Vec::new(),
    }
}

/// A caller and a callee.
fn cast() -> Cast {
    let caller = program("call", Role::Caller, &["setup", "bye"], caller_steps());
    Cast::new(vec![(caller, 1)], vec![program("answer", Role::Callee, &[], callee_steps())])
}

/// A program.
fn program(name: &str, role: Role, marks: &[&str], steps: Vec<Step>) -> Program {
    Program {
        name: name.to_owned(),
        role,
        routing: Routing::Dialog,
        steps,
        marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
        variables: Vec::new(),
    }
}

/// The caller's steps.
fn caller_steps() -> Vec<Step> {
    vec![
        send(What::Request("INVITE".to_owned())),
        receive(Expect::Response(100), Optional::Yes),
        receive(Expect::Response(180), Optional::Yes),
        receive(Expect::Response(200), Optional::No),
        Step::Nop(Nop { actions: Vec::new(), chain: Chain::default() }),
        send(What::Request("ACK".to_owned())),
        Step::Pause(Pause { length: Missing::Hold, chain: Chain::default() }),
        send(What::Request("BYE".to_owned())),
        receive(Expect::Response(200), Optional::No),
    ]
}

/// The callee's steps.
fn callee_steps() -> Vec<Step> {
    vec![
        receive(Expect::Request("INVITE".to_owned()), Optional::No),
        send(What::Response(180)),
        send(What::Response(200)),
        receive(Expect::Request("ACK".to_owned()), Optional::No),
        receive(Expect::Request("BYE".to_owned()), Optional::No),
        send(What::Response(200)),
    ]
}

/// A step that sends.
fn send(what: What) -> Step {
    Step::Send(Send {
        template: Template::default(),
        what,
        retransmit_after: None,
        lost: 0.0,
        actions: Vec::new(),
        chain: Chain::default(),
    })
}

/// A step that waits.
fn receive(expect: Expect, optional: Optional) -> Step {
    Step::Receive(Receive {
        expect,
        optional,
        keep_routes: false,
        timeout: None,
        lost: 0.0,
        actions: Vec::new(),
        chain: Chain::default(),
    })
}

/// What was measured in a second. In the third the target stops for a while.
fn interval(cast: &Cast, second: u64) -> Interval {
    let mut interval = Interval::new(Moment::START + Duration::from_secs(second), &cast.shape);
    interval.end = interval.start + Duration::from_secs(1);
    let (begun, ended) = (if second < 3 { RATE } else { 0 }, if second > 0 { RATE } else { 0 });
    let failed = if second == 2 { 3 } else { 0 };
    count(&mut interval, begun, ended - failed);
    if failed > 0 {
        interval.tally.fail(Failure::NoAnswer);
        interval.tally.fail(Failure::UnexpectedStatus);
        interval.tally.fail(Failure::UnexpectedStatus);
        interval.tally.codes.count(503);
        interval.tally.codes.count(503);
        interval.tally.add(Count::RequestsRepeated, 57);
    }
    interval.in_flight = begun;
    interval.most_in_flight = begun;
    interval.busiest = if second < 3 { 0.094 } else { 0.031 };
    let slower = if second == 2 { 40 } else { 1 };
    for call in 0..begun {
        let micros = Duration::from_micros;
        interval.lag.record(micros(5 + call % 50));
        interval.latencies[0].record(micros(400 + call * slower / 4));
        interval.tally.codes.count(100);
        interval.tally.codes.count(180);
        interval.tally.codes.count(200);
    }
    for call in 0..ended - failed {
        interval.latencies[1].record(Duration::from_micros(250 + call / 8));
        interval.tally.codes.count(200);
    }
    record_arrows(&mut interval, begun, ended - failed);
    interval
}

/// Counts so many calls begun and ended, with their messages.
fn count(interval: &mut Interval, begun: u64, ended: u64) {
    let numbers = [
        (Count::Offered, begun),
        (Count::Started, begun),
        (Count::Completed, ended),
        (Count::Answered, begun),
        (Count::AnsweredCompleted, ended),
        (Count::Sent, 4 * begun + 2 * ended),
        (Count::SentBytes, 500 * (4 * begun + 2 * ended)),
        (Count::Received, 5 * begun + 2 * ended),
        (Count::ReceivedBytes, 520 * (5 * begun + 2 * ended)),
    ];
    for (what, number) in numbers {
        interval.tally.add(what, number);
    }
}

/// Notes when the steps of so many calls happened.
fn record_arrows(interval: &mut Interval, begun: u64, ended: u64) {
    let caller = [20, 190, 460, 780, 0, 790, 795, 1_000_790, 1_001_100];
    let callee = [1, 12, 14, 380, 1_000_400, 1_000_404];
    for (program, times) in [&caller[..], &callee[..]].into_iter().enumerate() {
        for (step, micros) in times.iter().enumerate() {
            let calls = if *micros > 1_000_000 { ended } else { begun };
            for _ in 0..calls {
                interval.arrows[program][step].record(Duration::from_micros(*micros));
            }
        }
    }
}

/// Two calls kept: the first, and one that failed.
fn traces() -> Vec<Trace> {
    let first = [
        (20, true, false, "INVITE sip:bob@127.0.0.1 SIP/2.0\r\nCSeq: 1 INVITE"),
        (190, false, false, "SIP/2.0 100 Trying\r\nCSeq: 1 INVITE"),
        (460, false, false, "SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE"),
        (780, false, false, "SIP/2.0 200 OK\r\nCSeq: 1 INVITE"),
        (790, true, false, "ACK sip:bob@127.0.0.1 SIP/2.0\r\nCSeq: 1 ACK"),
        (1_000_790, true, false, "BYE sip:bob@127.0.0.1 SIP/2.0\r\nCSeq: 2 BYE"),
        (1_001_100, false, false, "SIP/2.0 200 OK\r\nCSeq: 2 BYE"),
    ];
    let failed = [
        (17, true, false, "INVITE sip:bob@127.0.0.1 SIP/2.0\r\nCSeq: 1 INVITE"),
        (500_017, true, true, "INVITE sip:bob@127.0.0.1 SIP/2.0\r\nCSeq: 1 INVITE"),
        (501_300, false, false, "SIP/2.0 503 Busy \x1b[31mhere\r\nCSeq: 1 INVITE"),
        (501_310, true, false, "ACK sip:bob@127.0.0.1 SIP/2.0\r\nCSeq: 1 ACK"),
    ];
    vec![
        trace(Kept::First, "1-4711@127.0.0.1", "completed", &first),
        trace(Kept::Failed, "4021-4711@127.0.0.1", "unexpected status", &failed),
    ]
}

/// A call kept.
fn trace(
    kept: Kept,
    call_id: &str,
    outcome: &'static str,
    messages: &[(u64, bool, bool, &str)],
) -> Trace {
    let message = |(at, sent, repeated, head): &(u64, bool, bool, &str)| TracedMessage {
        at: Duration::from_micros(*at),
        sent: *sent,
        repeated: *repeated,
        bytes: format!("{head}\r\nContent-Length: 0\r\n\r\n").into_bytes(),
    };
    let end = messages.last().map_or(0, |(at, ..)| *at);
    Trace {
        kept,
        program: 0,
        call_id: call_id.to_owned(),
        outcome,
        duration: Duration::from_micros(end),
        messages: messages.iter().map(message).collect(),
    }
}
