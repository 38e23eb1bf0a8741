//! The report as a table of text.

use std::fmt::{Result as Written, Write};

use super::{FailureCount, LatencySummary, Report};
use crate::show::{
    NOTHING, clipped, counted, number, percent, printable, rate, sentence, share, span, tenths,
    time, wrapped,
};

/// The report as a table, at most 80 columns wide: first whether it may be believed, then what
/// was run, how fast, how it ended, how long it took, and what was sent for it.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_table(&mut text, report);
    text
}

/// Writes all parts, a blank line between them.
fn write_table(out: &mut String, report: &Report) -> Written {
    write_verdict(out, report);
    write_facts(out, report)?;
    write_rates(out, report)?;
    write_failures(out, report)?;
    write_latency(out, report)?;
    write_messages(out, report)?;
    write_search(out, report)?;
    write_notes(out, report);
    write_ceiling(out, report);
    Ok(())
}

/// Writes what is wrong with the run as a whole, if something is.
fn write_verdict(out: &mut String, report: &Report) {
    let verdict = &report.verdict;
    if !verdict.valid {
        out.push_str(
            "INVALID: the generator did not keep its schedule; do not use these numbers\n",
        );
        write_reasons(out, report);
    }
    if verdict.interrupted {
        out.push_str("INTERRUPTED: ended from outside; this is what was done until then\n");
    }
    if !verdict.valid || verdict.interrupted {
        out.push('\n');
    }
}

/// Writes what is to be known of a valid run.
fn write_notes(out: &mut String, report: &Report) {
    if report.verdict.valid && !report.verdict.reasons.is_empty() {
        out.push_str("\nnotes\n");
        write_reasons(out, report);
    }
}

/// Writes the reasons of the verdict as a list.
fn write_reasons(out: &mut String, report: &Report) {
    for reason in &report.verdict.reasons {
        out.push_str(&sentence("  - ", reason));
    }
}

/// Writes what was run.
fn write_facts(out: &mut String, report: &Report) -> Written {
    let run = &report.run;
    let first = format!("{} to {}: {}", run.scenario, run.target, run.load);
    out.push_str(&sentence("", &first));
    let mut facts = vec![
        span(run.seconds * 1e6),
        counted(run.threads as u64, "thread"),
        counted(run.source_ports as u64, "source port"),
    ];
    if run.users > 0 {
        facts.push(counted(run.users as u64, "user"));
    }
    if run.hold_ms > 0.0 {
        facts.push(format!("hold {}", span(run.hold_ms * 1e3)));
    }
    facts.push(format!("seed {}", run.seed));
    out.push_str(&wrapped("", ", ", facts));
    writeln!(out)
}

/// Writes offered, achieved and completed side by side.
fn write_rates(out: &mut String, report: &Report) -> Written {
    let (rates, calls) = (&report.rates, &report.calls);
    let unit = clipped(&report.run.unit, 12);
    let per_second = |calls_per_second: f64| {
        // A run without length has no rates.
        if report.run.seconds > 0.0 { tenths(calls_per_second) } else { NOTHING.to_owned() }
    };
    let mut row = |name: &str, cells: [String; 3]| {
        let [offered, achieved, completed] = cells;
        writeln!(out, "{name:<16}{offered:>14}{achieved:>14}{completed:>14}")
    };
    row("", ["offered", "achieved", "completed"].map(str::to_owned))?;
    let cells = [rates.offered, rates.achieved, rates.completed].map(per_second);
    row(&format!("{unit}/s"), cells)?;
    row(&unit, [calls.offered, calls.started, calls.completed].map(number))
}

/// Writes how many did not complete, and why.
fn write_failures(out: &mut String, report: &Report) -> Written {
    let calls = &report.calls;
    let failed = format!("{} ({})", number(calls.failed), share(calls.failed, calls.started));
    out.push_str(&listed("failed", with_reasons(failed, &calls.failures)));
    if calls.cut_short > 0 {
        writeln!(out, "{:<16}{} by the interruption", "cut short", number(calls.cut_short))?;
    }
    if !calls.callee_failures.is_empty() {
        let answered = format!("of {} answered", number(calls.answered));
        out.push_str(&listed("callees failed", with_reasons(answered, &calls.callee_failures)));
    }
    writeln!(out, "{:<16}{} at most", "in progress", number(calls.peak_in_flight))
}

/// A number of failures, and its reasons with theirs: `3: no answer 1`, `timeout 2`.
fn with_reasons(total: String, failures: &[FailureCount]) -> Vec<String> {
    let mut head = Some(total);
    let mut items: Vec<_> = failures
        .iter()
        .map(|failure| {
            let reason = format!("{} {}", printable(&failure.reason), number(failure.count));
            head.take().map_or_else(|| reason.clone(), |head| format!("{head}: {reason}"))
        })
        .collect();
    items.extend(head);
    items
}

/// A line, or several, of a name and what there is of it.
fn listed<S: AsRef<str>>(name: &str, items: impl IntoIterator<Item = S>) -> String {
    wrapped(&format!("{name:<16}"), "; ", items)
}

/// Writes the time spans of all marks and how late calls were started.
fn write_latency(out: &mut String, report: &Report) -> Written {
    let titles = ["count", "p50", "p90", "p99", "p99.9", "max"];
    writeln!(out)?;
    row(out, "latency", titles.map(str::to_owned))?;
    for latency in &report.latency {
        row(out, &clipped(&latency.mark, 19), cells(latency))?;
    }
    row(out, "start lag", cells(&report.lag))
}

/// The cells of a row of time spans; none if there are none.
fn cells(latency: &LatencySummary) -> [String; 6] {
    let shown = |micros| if latency.count > 0 { time(micros) } else { NOTHING.to_owned() };
    [
        number(latency.count),
        shown(latency.p50_us),
        shown(latency.p90_us),
        shown(latency.p99_us),
        shown(latency.p99_9_us),
        shown(latency.max_us),
    ]
}

/// Writes a row of time spans.
fn row(out: &mut String, name: &str, [count, p50, p90, p99, p99_9, max]: [String; 6]) -> Written {
    writeln!(out, "{name:<20}{count:>13}{p50:>9}{p90:>9}{p99:>9}{p99_9:>9}{max:>9}")
}

/// Writes the numbers of messages and codes; of faults those that occurred.
fn write_messages(out: &mut String, report: &Report) -> Written {
    let messages = &report.messages;
    let told = |(name, count): (&str, u64)| format!("{name} {}", number(count));
    writeln!(out)?;
    let counts = [("sent", messages.sent), ("received", messages.received)];
    out.push_str(&listed("messages", counts.map(told)));
    let again = [
        ("requests", messages.requests_repeated),
        ("responses", messages.responses_repeated),
        ("received again", messages.repetitions_received),
    ];
    out.push_str(&listed("sent again", again.map(told)));
    let faults = [
        ("unexpected", messages.unexpected),
        ("stray", messages.stray),
        ("unreadable", messages.unreadable),
        ("overrun (lost here)", messages.overrun),
        ("refused by the kernel", messages.refused),
        ("send buffer full", messages.send_buffer_full),
    ];
    let mut faults = faults.into_iter().filter(|(_, count)| *count > 0).map(told).peekable();
    if faults.peek().is_some() {
        out.push_str(&listed("amiss", faults));
    }
    if report.codes.is_empty() {
        out.push_str(&listed("responses", [NOTHING]));
    } else {
        let codes = report.codes.iter();
        let codes = codes.map(|code| format!("{}: {}", code.code, number(code.count)));
        out.push_str(&listed("responses", codes));
    }
    Ok(())
}

/// Writes the steps of the search for the highest rate, and what it found.
fn write_search(out: &mut String, report: &Report) -> Written {
    if report.search.is_empty() {
        return Ok(());
    }
    let unit = clipped(&report.run.unit, 12);
    writeln!(out, "\n{:>16}{:>12}{:>12}", format!("{unit}/s"), "p99", "failed")?;
    for step in &report.search {
        let p99 = if step.p99_us > 0 { time(step.p99_us) } else { NOTHING.to_owned() };
        let result = match (step.passed, step.valid) {
            (true, _) => "carried",
            (false, true) => "not carried",
            (false, false) => "invalid",
        };
        let told = if step.note.is_empty() {
            result.to_owned()
        } else if step.note.starts_with(result) {
            step.note.clone()
        } else {
            format!("{result}: {}", step.note)
        };
        let (rate, loss) = (tenths(step.rate), percent(step.loss));
        let head = format!("{rate:>16}{p99:>12}{loss:>12}  ");
        out.push_str(&sentence(&head, &told));
    }
    // A rate that passed once and failed when it was tried again is not carried.
    let failed = report.search.iter().filter(|step| !step.passed).map(|step| step.rate);
    let failed = failed.fold(f64::INFINITY, f64::min);
    let passed = report.search.iter().filter(|step| step.passed).map(|step| step.rate);
    let carried = passed.filter(|rate| *rate < failed);
    match carried.reduce(f64::max) {
        Some(highest) => writeln!(out, "highest rate carried: {} {unit}/s", rate(highest)),
        None => writeln!(out, "no rate that was tried was carried"),
    }
}

/// Writes what this machine can do alone, and how much of it the run used.
fn write_ceiling(out: &mut String, report: &Report) {
    let Some(ceiling) = &report.self_test else { return };
    let (day, _) = ceiling.measured_at.split_once('T').unwrap_or((&ceiling.measured_at, ""));
    let used = if ceiling.rate > 0.0 {
        percent(report.rates.achieved / ceiling.rate)
    } else {
        NOTHING.to_owned()
    };
    let threads = counted(ceiling.threads as u64, "thread");
    let rate = number(ceiling.rate.round() as u64);
    // Requests of another scenario are not the calls of this one: then there is no share.
    let (used, scenario) = if ceiling.scenario == report.run.scenario {
        (format!("; this run used {used} of it"), String::new())
    } else {
        (String::new(), format!("{}, ", ceiling.scenario))
    };
    let text = format!(
        "this machine alone: {rate} {unit}/s (self-test of {day}, {scenario}{threads}){used}",
        unit = if scenario.is_empty() { report.run.unit.as_str() } else { "calls" },
    );
    out.push('\n');
    out.push_str(&sentence("", &text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{SearchStep, fixture};
    use crate::show::WIDTH;

    fn assert_fits(text: &str) {
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "too wide: {line}");
            assert_eq!(line.trim_end(), line, "white space at the end");
        }
    }

    fn failures(failures: &[(&str, u64)]) -> Vec<FailureCount> {
        let failures = failures.iter();
        failures
            .map(|(reason, count)| FailureCount { reason: (*reason).to_owned(), count: *count })
            .collect()
    }

    #[test]
    fn a_good_run() {
        let table = table(&fixture::report());
        assert_fits(&table);
        insta::assert_snapshot!(table);
    }

    #[test]
    fn an_invalid_run_says_so_first_and_why() {
        let mut report = fixture::report();
        report.verdict.valid = false;
        report.verdict.reasons = vec![
            "calls were started up to 12.4 ms late (p99), more than the 1 ms that is allowed"
                .to_owned(),
            "a worker was busy for 99.2 % of a second".to_owned(),
        ];
        report.messages.overrun = 1_204;
        report.messages.stray = 9;
        report.lag.p99_us = 12_400;
        report.lag.p99_9_us = 13_900;
        report.lag.max_us = 14_000;
        let table = table(&report);
        assert_fits(&table);
        insta::assert_snapshot!(table);
    }

    #[test]
    fn an_interrupted_run_with_failures() {
        let mut report = fixture::report();
        report.verdict.interrupted = true;
        report.calls.cut_short = 1_999;
        report.calls.completed -= 2_010;
        report.calls.failed += 2_010;
        report.calls.failures = failures(&[
            ("no answer", 1_203),
            ("timeout", 17),
            ("unexpected status", 2),
            ("unexpected request", 401),
            ("check failed", 390),
        ]);
        report.calls.callee_failures = failures(&[("no ACK", 12)]);
        report.self_test = None;
        let table = table(&report);
        assert_fits(&table);
        insta::assert_snapshot!(table);
    }

    #[test]
    fn a_search_for_the_highest_rate() {
        let step = |rate, passed, loss, p99_us, valid, note: &str| SearchStep {
            rate,
            passed,
            loss,
            p99_us,
            valid,
            note: note.to_owned(),
        };
        let mut report = fixture::report();
        report.run.load = "search for the highest rate, p99 below 10 ms".to_owned();
        report.search = vec![
            step(1_000.0, true, 0.0, 890, true, ""),
            step(32_000.0, true, 0.0, 1_890, true, ""),
            step(64_000.0, false, 0.213, 2_400_000, true, "21.3 % failed, the bound is 0.01 %"),
            step(48_000.0, false, 0.000_000_1, 21_400, true, "p99 above the bound of 10 ms"),
            step(40_000.0, false, 0.0, 0, false, "the generator was late"),
            step(36_000.0, true, 0.0, 4_020, true, "confirmed 3 times"),
        ];
        let table = table(&report);
        assert_fits(&table);
        insta::assert_snapshot!(table);
    }

    #[test]
    fn a_run_of_nothing_has_dashes_for_what_there_is_not() {
        let mut report = fixture::report();
        report.run.seconds = 0.0;
        report.rates = Default::default();
        report.calls = Default::default();
        report.codes.clear();
        report.latency.iter_mut().chain([&mut report.lag]).for_each(|latency| {
            *latency = LatencySummary { mark: latency.mark.clone(), ..Default::default() };
        });
        let table = table(&report);
        assert_fits(&table);
        assert!(!table.contains("NaN") && !table.contains("inf"), "{table}");
        insta::assert_snapshot!(table);
    }

    #[test]
    fn no_text_of_a_report_makes_it_wider() {
        let mut report = fixture::report();
        report.run.scenario = "a/very/long/path/to/".repeat(9);
        report.run.unit = "registrations of users".to_owned();
        report.run.target = "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:50600".to_owned();
        report.latency[0].mark = "the mark of the longest name".to_owned();
        report.verdict.reasons = vec!["word ".repeat(60)];
        report.codes = (100..200).map(|code| crate::report::CodeCount { code, count: 9 }).collect();
        assert_fits(&table(&report));
    }

    #[test]
    fn a_ceiling_of_another_scenario_is_no_measure_for_this_one() {
        let mut report = fixture::report();
        report.run.scenario = "options".to_owned();
        report.run.unit = "requests".to_owned();
        let table = table(&report);
        let line =
            "this machine alone: 61,200 calls/s (self-test of 2026-11-20, call, 2 threads)\n";
        assert!(table.ends_with(line), "{table}");
    }
}
