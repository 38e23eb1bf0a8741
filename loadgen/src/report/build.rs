//! A report made of what was measured.

use std::time::Duration;

use viaduct::sip::{Message, MessageIndex, StartLine, parse};

use super::{
    Arrow, Calls, CodeCount, FailureCount, Ladder, LatencySummary, Machine, Messages, Point, Rates,
    Report, RunFacts, SCHEMA, SearchStep, SelfTest, TraceRecord, TracedLine, Verdict,
};
use crate::measure::{
    ArrowTimes, Count, Failure, Interval, Kept, StatusCodes, Tally, Trace, TracedMessage,
};
use crate::scenario::{Cast, Distribution, Expect, Missing, Program, Role, Step, What};
use crate::show;

/// What a report is made of.
#[derive(Debug)]
pub struct Measured<'a> {
    /// The programs that ran.
    pub cast: &'a Cast,
    /// When the run began (RFC 3339, UTC).
    pub started_at: String,
    /// The machine.
    pub machine: Machine,
    /// What was run; rates are over [`RunFacts::seconds`].
    pub run: RunFacts,
    /// Whether the numbers may be believed.
    pub verdict: Verdict,
    /// Second by second.
    pub series: Vec<Point>,
    /// All workers' intervals of the run added up.
    pub total: &'a Interval,
    /// Calls kept.
    pub traces: Vec<Trace>,
    /// The ceiling of this machine, if it was measured.
    pub self_test: Option<SelfTest>,
    /// The steps of the search for the highest rate, if there was one.
    pub search: Vec<SearchStep>,
}

impl Report {
    /// The report of a run.
    #[must_use]
    pub fn build(measured: Measured<'_>) -> Self {
        let Measured { cast, total, series, run, .. } = measured;
        let tally = &total.tally;
        let marks = cast.shape.marks.iter().zip(&total.latencies);
        Self {
            schema: SCHEMA.to_owned(),
            viaload: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: measured.started_at,
            machine: measured.machine,
            verdict: measured.verdict,
            rates: rates(tally, run.seconds),
            calls: calls(total),
            messages: messages(tally),
            codes: codes(&tally.codes),
            latency: marks.map(|(mark, latency)| LatencySummary::of(mark, latency)).collect(),
            lag: LatencySummary::of("lag", &total.lag),
            series,
            ladders: ladders(cast, &total.arrows, run.hold_ms),
            traces: measured.traces.iter().map(|trace| trace_record(cast, trace)).collect(),
            self_test: measured.self_test,
            search: measured.search,
            run,
        }
    }
}

/// Calls per second; zeros for a run without length.
fn rates(tally: &Tally, seconds: f64) -> Rates {
    let rate = |what| if seconds > 0.0 { tally.get(what) as f64 / seconds } else { 0.0 };
    Rates {
        offered: rate(Count::Offered),
        achieved: rate(Count::Started),
        completed: rate(Count::Completed),
    }
}

/// The numbers of calls.
fn calls(total: &Interval) -> Calls {
    let tally = &total.tally;
    Calls {
        offered: tally.get(Count::Offered),
        started: tally.get(Count::Started),
        completed: tally.get(Count::Completed),
        failed: tally.failed(),
        cut_short: tally.get(Count::CutShort),
        peak_in_flight: total.most_in_flight,
        failures: failures(|why| tally.failures(why)),
        answered: tally.get(Count::Answered),
        callee_failures: failures(|why| tally.callee_failures(why)),
    }
}

/// The reasons that occurred.
fn failures(count: impl Fn(Failure) -> u64) -> Vec<FailureCount> {
    let all = Failure::ALL.into_iter();
    all.map(|why| FailureCount { reason: why.name().to_owned(), count: count(why) })
        .filter(|failure| failure.count > 0)
        .collect()
}

/// The numbers of messages.
fn messages(tally: &Tally) -> Messages {
    Messages {
        sent: tally.get(Count::Sent),
        sent_bytes: tally.get(Count::SentBytes),
        received: tally.get(Count::Received),
        received_bytes: tally.get(Count::ReceivedBytes),
        requests_repeated: tally.get(Count::RequestsRepeated),
        responses_repeated: tally.get(Count::ResponsesRepeated),
        repetitions_received: tally.get(Count::RepetitionsReceived),
        unexpected: tally.get(Count::Unexpected),
        stray: tally.get(Count::Stray),
        unreadable: tally.get(Count::Unreadable),
        overrun: tally.get(Count::Overrun),
        refused: tally.get(Count::Refused),
        send_buffer_full: tally.get(Count::SendBufferFull),
    }
}

/// The codes that came.
fn codes(codes: &StatusCodes) -> Vec<CodeCount> {
    codes.iter().map(|(code, count)| CodeCount { code, count }).collect()
}

impl Point {
    /// A second of a run, that begins so long after the start. A run of hours is kept as these:
    /// an [`Interval`] is a thousand times as large.
    #[must_use]
    pub fn of(second: &Interval, at: Duration) -> Self {
        let tally = &second.tally;
        let latencies = second.latencies.iter();
        Self {
            at: at.as_secs_f64(),
            seconds: (second.end - second.start).as_secs_f64(),
            offered: tally.get(Count::Offered),
            started: tally.get(Count::Started),
            completed: tally.get(Count::Completed),
            failed: tally.failed(),
            in_flight: second.in_flight,
            sent: tally.get(Count::Sent),
            received: tally.get(Count::Received),
            repeated: tally.get(Count::RequestsRepeated) + tally.get(Count::ResponsesRepeated),
            lag_p99_us: second.lag.percentile_micros(99.0),
            busiest: second.busiest,
            latency: latencies
                .map(|latency| {
                    let [p50, p90, p99] = [50.0, 90.0, 99.0].map(|p| latency.percentile_micros(p));
                    [p50, p90, p99, latency.max_micros()]
                })
                .collect(),
            codes: codes(&tally.codes),
        }
    }
}

/// The ladders of all callers, and of those callees that were called.
fn ladders(cast: &Cast, times: &[Vec<ArrowTimes>], hold_ms: f64) -> Vec<Ladder> {
    let ladder = |(program, times): (&Program, &Vec<ArrowTimes>)| Ladder {
        program: program.name.clone(),
        caller: program.role == Role::Caller,
        arrows: program
            .steps
            .iter()
            .zip(times)
            .filter_map(|(step, times)| arrow(step, *times, hold_ms))
            .collect(),
    };
    let happened =
        |ladder: &Ladder| ladder.caller || ladder.arrows.iter().any(|arrow| arrow.count > 0);
    cast.programs.iter().zip(times).map(ladder).filter(happened).collect()
}

/// The arrow of a step; none for a step that neither sends nor waits.
fn arrow(step: &Step, times: ArrowTimes, hold_ms: f64) -> Option<Arrow> {
    let (label, direction) = match step {
        Step::Send(send) => (label_sent(&send.what), "sent"),
        Step::Receive(receive) => (label_expected(&receive.expect), "received"),
        Step::Pause(pause) => (label_pause(pause.length, hold_ms), "pause"),
        Step::Nop(_) => return None,
    };
    let mean_us = times.mean_micros();
    Some(Arrow { label, direction: direction.to_owned(), count: times.count, mean_us })
}

/// The label of a message that is sent.
fn label_sent(what: &What) -> String {
    match what {
        What::Request(method) => method.clone(),
        What::Response(code) => code.to_string(),
    }
}

/// The label of a message that is waited for.
fn label_expected(expect: &Expect) -> String {
    match expect {
        Expect::Request(method) => method.clone(),
        Expect::Response(code) => code.to_string(),
        Expect::RequestMatching(regex) | Expect::ResponseMatching(regex) => format!("/{regex}/"),
    }
}

/// The label of a pause: `pause 1 s`.
fn label_pause(length: Missing<Distribution>, hold_ms: f64) -> String {
    let span = |milliseconds: f64| show::span(milliseconds * 1_000.0);
    match length {
        Missing::Hold => format!("pause {}", span(hold_ms)),
        Missing::Given(Distribution::Fixed(length)) => format!("pause {}", span(length)),
        Missing::Given(Distribution::Uniform(least, most)) => {
            format!("pause {} to {}", span(least), span(most))
        }
        Missing::Given(Distribution::Normal(mean, _) | Distribution::Exponential(mean)) => {
            format!("pause of about {}", span(mean))
        }
    }
}

/// A kept call for the report.
fn trace_record(cast: &Cast, trace: &Trace) -> TraceRecord {
    let program = cast.programs.get(trace.program);
    TraceRecord {
        kept: match trace.kept {
            Kept::First => "first",
            Kept::Slowest => "slowest",
            Kept::Failed => "failed",
        }
        .to_owned(),
        program: program.map(|program| program.name.clone()).unwrap_or_default(),
        call_id: trace.call_id.clone(),
        outcome: trace.outcome.to_owned(),
        duration_us: micros(trace.duration),
        messages: trace.messages.iter().map(traced_line).collect(),
    }
}

/// A message of a kept call.
fn traced_line(message: &TracedMessage) -> TracedLine {
    TracedLine {
        at_us: micros(message.at),
        direction: if message.sent { "sent" } else { "received" }.to_owned(),
        label: label_traced(&message.bytes),
        repeated: message.repeated,
        text: String::from_utf8_lossy(&message.bytes).into_owned(),
    }
}

/// The label of a message: its method, or its code and reason.
fn label_traced(bytes: &[u8]) -> String {
    let mut index = MessageIndex::default();
    // A fault behind the start line leaves the start line readable.
    let _ = parse(bytes, &mut index);
    match Message::new(bytes, &index).start_line() {
        StartLine::Request { name, .. } => String::from_utf8_lossy(name).into_owned(),
        StartLine::Status { code: 0, .. } => "unreadable".to_owned(),
        StartLine::Status { code, reason } => {
            format!("{code} {}", String::from_utf8_lossy(reason)).trim_end().to_owned()
        }
    }
}

/// Microseconds for people, with fractions.
fn micros(span: Duration) -> f64 {
    span.as_nanos() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::*;
    use crate::measure::RunShape;
    use crate::moment::Moment;
    use crate::report::fixture;

    #[test]
    fn the_marks_steps_and_seconds_of_a_run_are_all_in_its_report() {
        let report = fixture::report();
        let marks: Vec<_> = report.latency.iter().map(|latency| latency.mark.as_str()).collect();
        assert_eq!(marks, ["setup", "bye"]);
        let labels = |ladder: &Ladder| {
            let arrows = ladder.arrows.iter();
            arrows.map(|arrow| format!("{} {}", arrow.direction, arrow.label)).collect::<Vec<_>>()
        };
        assert_eq!(
            labels(&report.ladders[0]),
            [
                "sent INVITE",
                "received 100",
                "received 180",
                "received 200",
                "sent ACK",
                "pause pause 1 s",
                "sent BYE",
                "received 200"
            ]
        );
        let at: Vec<_> = report.series.iter().map(|point| point.at).collect();
        assert_eq!(at, [0.0, 1.0, 2.0, 3.0]);
        let completed: u64 = report.series.iter().map(|point| point.completed).sum();
        assert_eq!(completed, report.calls.completed);
    }

    #[test]
    fn rates_are_over_the_length_of_the_schedule() {
        let report = fixture::report();
        let lasted: f64 = report.series.iter().map(|point| point.seconds).sum();
        assert!(lasted > report.run.seconds, "{lasted}");
        let rate = report.calls.completed as f64 / report.run.seconds;
        assert!((report.rates.completed - rate).abs() < 1e-9);
    }

    #[test]
    fn a_run_of_nothing_has_zeros_and_no_numbers_that_are_none() {
        let cast = Cast::new(Vec::new(), Vec::new());
        let total = Interval::new(Moment::START, &RunShape::default());
        let report = Report::build(fixture::measured(&cast, &total));
        assert_eq!(report.rates, Rates::default());
        assert_eq!(report.series, []);
        let nothing = Report::build(Measured {
            run: RunFacts::default(),
            ..fixture::measured(&cast, &total)
        });
        assert_eq!(nothing.rates, Rates::default());
    }

    #[test]
    fn a_step_that_matches_is_labelled_with_its_expression() {
        let regex = |text| Regex::new(text).unwrap();
        assert_eq!(label_expected(&Expect::RequestMatching(regex("IN.*"))), "/IN.*/");
        assert_eq!(label_expected(&Expect::ResponseMatching(regex("[12]..")),), "/[12]../");
    }

    #[test]
    fn a_pause_says_how_long_it_is() {
        let pause = |length| label_pause(Missing::Given(length), 0.0);
        assert_eq!(label_pause(Missing::Hold, 1_500.0), "pause 1.5 s");
        assert_eq!(pause(Distribution::Fixed(20.0)), "pause 20 ms");
        assert_eq!(pause(Distribution::Uniform(20.0, 2_000.0)), "pause 20 ms to 2 s");
        assert_eq!(pause(Distribution::Normal(100.0, 5.0)), "pause of about 100 ms");
    }

    #[test]
    fn a_traced_message_is_labelled_with_its_method_or_code_and_reason() {
        assert_eq!(label_traced(b"INVITE sip:a@b SIP/2.0\r\n\r\n"), "INVITE");
        assert_eq!(label_traced(b"SIP/2.0 200 OK\r\n\r\n"), "200 OK");
        assert_eq!(label_traced(b"SIP/2.0 486 \r\n\r\n"), "486");
        assert_eq!(label_traced(b"BYE sip:a@b SIP/2.0\r\nno header\r\n\r\n"), "BYE");
        assert_eq!(label_traced(b"\xff\xfe"), "unreadable");
    }
}
