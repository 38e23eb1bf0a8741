//! Two reports side by side.

use std::fmt::{Result as Written, Write};

use super::{LatencySummary, Report};
use crate::show::{NOTHING, clipped, number, percent, ratio, sentence, tenths, time};

/// Characters of the longest bar.
const BAR: usize = 34;

/// Two runs side by side, with how often A goes into B, and bars for the percentiles that both
/// have. Where they are not comparable, that is said first.
#[must_use]
pub fn compare(a: &Report, b: &Report) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_comparison(&mut text, a, b);
    text
}

/// Writes all parts.
fn write_comparison(out: &mut String, a: &Report, b: &Report) -> Written {
    write_obstacles(out, a, b)?;
    for (name, report) in [("A  ", a), ("B  ", b)] {
        let run = &report.run;
        let facts = format!(
            "{} to {}: {}, begun {}",
            run.scenario, run.target, run.load, report.started_at
        );
        out.push_str(&sentence(name, &facts));
    }
    write_numbers(out, a, b)?;
    writeln!(out, "\nlatency, each pair of bars to its own scale")?;
    for mark in &a.latency {
        if let Some(other) = b.latency.iter().find(|other| other.mark == mark.mark) {
            write_latency(out, &mark.mark, mark, other)?;
        }
    }
    write_latency(out, "start lag", &a.lag, &b.lag)?;
    write_lonely_marks(out, a, b)
}

/// Writes why the two runs are not comparable, if they are not.
fn write_obstacles(out: &mut String, a: &Report, b: &Report) -> Written {
    let obstacles = obstacles(a, b);
    if obstacles.is_empty() {
        return Ok(());
    }
    writeln!(out, "NOT COMPARABLE: this may be why the numbers differ, not the servers")?;
    for obstacle in obstacles {
        out.push_str(&sentence("  - ", &obstacle));
    }
    writeln!(out)
}

/// Why numbers of the two may differ although the servers do not.
fn obstacles(a: &Report, b: &Report) -> Vec<String> {
    let mut obstacles = Vec::new();
    for (name, verdict) in [("A", &a.verdict), ("B", &b.verdict)] {
        if !verdict.valid {
            let why = verdict.reasons.join("; ");
            obstacles.push(format!("{name} is invalid: {why}"));
        }
        if verdict.interrupted {
            obstacles.push(format!("{name} was interrupted"));
        }
    }
    let facts = |report: &Report| {
        let (run, machine) = (&report.run, &report.machine);
        [
            ("scenario", run.scenario.clone()),
            ("load", run.load.clone()),
            ("unit", run.unit.clone()),
            ("hold time", time((run.hold_ms * 1e3).round() as u64)),
            ("number of users", number(run.users as u64)),
            ("number of source ports", number(run.source_ports as u64)),
            ("number of threads", number(run.threads as u64)),
            ("processor", machine.cpu.clone()),
            ("number of cores", number(machine.cores as u64)),
            ("kernel", machine.kernel.clone()),
        ]
    };
    for ((name, of_a), (_, of_b)) in facts(a).into_iter().zip(facts(b)) {
        if of_a != of_b {
            obstacles.push(format!("different {name}: A {of_a}; B {of_b}"));
        }
    }
    obstacles
}

/// Writes rates, failures and repetitions.
fn write_numbers(out: &mut String, a: &Report, b: &Report) -> Written {
    writeln!(out)?;
    let mut row = |name: &str, of_a: String, of_b: String, ratio: String| {
        writeln!(out, "{name:<26}{of_a:>16}{of_b:>16}{ratio:>9}")
    };
    let [title_a, title_b, title_ratio] = ["A", "B", "B/A"].map(str::to_owned);
    row("", title_a, title_b, title_ratio)?;
    let rates = [
        ("offered", a.rates.offered, b.rates.offered),
        ("achieved", a.rates.achieved, b.rates.achieved),
        ("completed", a.rates.completed, b.rates.completed),
    ];
    let unit = clipped(&a.run.unit, 12);
    for (name, of_a, of_b) in rates {
        row(&format!("{name} {unit}/s"), tenths(of_a), tenths(of_b), ratio(of_a, of_b))?;
    }
    let counts = [
        ("completed", a.calls.completed, b.calls.completed),
        ("failed", a.calls.failed, b.calls.failed),
        ("requests sent again", a.messages.requests_repeated, b.messages.requests_repeated),
        ("responses sent again", a.messages.responses_repeated, b.messages.responses_repeated),
        ("messages sent", a.messages.sent, b.messages.sent),
        ("messages received", a.messages.received, b.messages.received),
        ("unexpected messages", a.messages.unexpected, b.messages.unexpected),
    ];
    for (name, of_a, of_b) in counts {
        row(name, number(of_a), number(of_b), ratio(of_a as f64, of_b as f64))?;
    }
    // Runs need not be of one length: shares compare where counts do not.
    let shares = [
        ("failed / started", a.calls.failed, b.calls.failed),
        ("requests again / started", a.messages.requests_repeated, b.messages.requests_repeated),
    ];
    for (name, of_a, of_b) in shares {
        let (of_a, of_b) = (part(of_a, a.calls.started), part(of_b, b.calls.started));
        let shown = |share: Option<f64>| share.map_or_else(|| NOTHING.to_owned(), percent);
        let quotient = of_a.zip(of_b).map_or_else(|| NOTHING.to_owned(), |(a, b)| ratio(a, b));
        row(name, shown(of_a), shown(of_b), quotient)?;
    }
    Ok(())
}

/// The part of a whole (0 to 1); nothing has no parts.
fn part(count: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| count as f64 / whole as f64)
}

/// Writes the percentiles of a mark, each with two bars to a scale of their own: a median of
/// microseconds beside a maximum of seconds would not be seen.
fn write_latency(out: &mut String, name: &str, a: &LatencySummary, b: &LatencySummary) -> Written {
    writeln!(out, "\n{}", clipped(name, 40))?;
    if a.count == 0 || b.count == 0 {
        let empty = if a.count == 0 { "A" } else { "B" };
        return writeln!(out, "  {empty} has none");
    }
    let percentiles = [
        ("p50", a.p50_us, b.p50_us),
        ("p90", a.p90_us, b.p90_us),
        ("p99", a.p99_us, b.p99_us),
        ("p99.9", a.p99_9_us, b.p99_9_us),
        ("max", a.max_us, b.max_us),
    ];
    for (name, of_a, of_b) in percentiles {
        let longest = of_a.max(of_b);
        let ratio = ratio(of_a as f64, of_b as f64);
        let (bar_a, bar_b) = (bar(of_a, longest), bar(of_b, longest));
        let (time_a, time_b) = (time(of_a), time(of_b));
        writeln!(out, "  {name:<7}A{time_a:>9}  {bar_a}")?;
        writeln!(out, "  {:<7}B{time_b:>9}  {bar_b:<BAR$}  × {ratio}", "")?;
    }
    Ok(())
}

/// A bar as long as `length` is beside `longest`, to an eighth of a character.
fn bar(length: u64, longest: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if longest == 0 {
        return String::new();
    }
    let eighths = (length as f64 / longest as f64 * (BAR * 8) as f64).round() as usize;
    // What is more than nothing is seen.
    let eighths = if length > 0 { eighths.max(1) } else { 0 };
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// Writes which marks only one of the two has.
fn write_lonely_marks(out: &mut String, a: &Report, b: &Report) -> Written {
    for (name, report, other) in [("A", a, b), ("B", b, a)] {
        let known = |mark: &str| other.latency.iter().any(|latency| latency.mark == mark);
        let lonely = report.latency.iter().filter(|latency| !known(&latency.mark));
        for latency in lonely {
            writeln!(out, "\nonly {name} has {}", clipped(&latency.mark, 40))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::show::WIDTH;

    /// The other run: slower, but without failures.
    fn other() -> Report {
        let mut report = fixture::report();
        report.run.target = "127.0.0.1:5070".to_owned();
        report.started_at = "2026-11-20T09:40:00Z".to_owned();
        report.calls.failed = 0;
        report.messages.requests_repeated = 0;
        for latency in &mut report.latency {
            latency.p50_us = latency.p50_us * 5 / 4;
            latency.p99_us *= 3;
            latency.p99_9_us *= 40;
            latency.max_us *= 1_000;
        }
        report
    }

    #[test]
    fn two_runs_that_are_comparable() {
        let text = compare(&fixture::report(), &other());
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn two_runs_that_are_not_comparable() {
        let mut b = other();
        b.run.scenario = "register".to_owned();
        b.run.load = "closed loop, 100 calls at once".to_owned();
        b.run.threads = 4;
        b.machine.cores = 8;
        b.verdict.valid = false;
        b.verdict.reasons = vec!["calls were started up to 12.4 ms late".to_owned()];
        b.latency[1].mark = "refresh".to_owned();
        b.latency[0].count = 0;
        insta::assert_snapshot!(compare(&fixture::report(), &b));
    }

    #[test]
    fn a_run_is_comparable_with_itself_and_its_ratios_are_one() {
        let report = fixture::report();
        let text = compare(&report, &report);
        assert!(!text.contains("NOT COMPARABLE"), "{text}");
        let ratios: Vec<_> = text.lines().filter_map(|line| line.split_once(" × ")).collect();
        assert_eq!(ratios.len(), 3 * 5);
        assert!(ratios.iter().all(|(_, ratio)| *ratio == "1.00"), "{ratios:?}");
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(100, 100).chars().count(), BAR);
        assert_eq!(bar(50, 100).chars().count(), BAR / 2);
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(0, 100), "");
        assert_eq!(bar(0, 0), "");
    }
}
