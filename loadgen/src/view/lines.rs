//! A line a second, for files and for terminals of others.

use std::fmt::Write as _;
use std::io::Write;

use super::history::per_second;
use super::{Facts, Progress, View, Wish, health};
use crate::measure::{Count, Latency};
use crate::show::{clock, rate, time};

/// Lines between two headings.
const LINES_PER_HEADING: u32 = 20;

/// A line a second.
#[derive(Debug)]
pub(super) struct Lines<W> {
    facts: Facts,
    out: W,
    /// Lines since the last heading.
    lines: u32,
    /// The phase of the last heading.
    phase: String,
}

impl<W: Write> Lines<W> {
    /// Lines that go to `out`.
    pub(super) const fn new(facts: Facts, out: W) -> Self {
        Self { facts, out, lines: 0, phase: String::new() }
    }

    /// Writes a line. If nobody reads it any more, that is no reason to end a run.
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
    }

    /// A heading at the begin of each phase and now and then.
    fn heading(&mut self, now: &Progress<'_>) {
        if self.lines.is_multiple_of(LINES_PER_HEADING) || self.phase != now.phase {
            now.phase.clone_into(&mut self.phase);
            self.lines = 0;
            self.line(&heading(&self.facts, now));
        }
        self.lines += 1;
    }
}

impl<W: Write> View for Lines<W> {
    fn second(&mut self, now: &Progress<'_>) {
        self.heading(now);
        self.line(&numbers(&self.facts, now));
    }

    fn note(&mut self, text: &str) {
        self.line(text);
    }

    fn poll(&mut self) -> Option<Wish> {
        None
    }

    fn finish(&mut self) {}
}

/// What is run, and how far it is.
fn heading(facts: &Facts, now: &Progress<'_>) -> String {
    let Facts { scenario, target, load, .. } = facts;
    let mut text = format!("{scenario} to {target}, {load}: {}", now.phase);
    if let Some(remaining) = now.remaining {
        let _ = write!(text, ", {} left", clock(remaining));
    }
    if let Some(mark) = now.shape.marks.first() {
        let _ = write!(text, " (p50 and p99 of {mark})");
    }
    text
}

/// The numbers of the last second.
fn numbers(facts: &Facts, now: &Progress<'_>) -> String {
    let second = now.second;
    let rated = |number| rate(per_second(second, number)).replace(',', "");
    let tally = &second.tally;
    let repeated = tally.get(Count::RequestsRepeated) + tally.get(Count::ResponsesRepeated);
    let mut text = format!(
        "{:>5}  offered {:>6}  started {:>6}  done {:>6}  failed {:>4}  in-flight {:>6}",
        format!("{}s", now.elapsed.as_secs()),
        rated(tally.get(Count::Offered)),
        rated(tally.get(Count::Started)),
        rated(tally.get(Count::Completed)),
        rated(tally.failed()),
        second.in_flight,
    );
    let main = second.latencies.first();
    let _ = write!(
        text,
        "  p50 {:>6}  p99 {:>6}  repeated {:>4}  lag {:>6}",
        main.map_or_else(|| "-".to_owned(), |latency| shown(latency, 50.0)),
        main.map_or_else(|| "-".to_owned(), |latency| shown(latency, 99.0)),
        rated(repeated),
        shown(&second.lag, 99.0),
    );
    if let Some(warning) = health::warnings(facts, now).first() {
        let _ = write!(text, "  WARNING: {warning}");
    }
    text
}

/// A percentile; a dash if nothing was measured.
fn shown(latency: &Latency, percent: f64) -> String {
    if latency.count() == 0 {
        return "-".to_owned();
    }
    // Lines are cut into columns at spaces.
    time(latency.percentile_micros(percent)).replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::{Sample, facts};

    /// What is written of these seconds.
    fn written(samples: &[Sample]) -> String {
        let mut lines = Lines::new(facts(), Vec::new());
        for sample in samples {
            lines.second(&sample.progress());
        }
        String::from_utf8(lines.out).unwrap()
    }

    #[test]
    fn a_second_is_a_line() {
        let mut quiet = Sample::quiet();
        quiet.elapsed += 1;
        insta::assert_snapshot!(written(&[Sample::busy(), quiet, Sample::late()]));
    }

    #[test]
    fn there_is_a_heading_every_twenty_lines_and_when_the_phase_changes() {
        let mut samples: Vec<_> = (0..21).map(|_| Sample::busy()).collect();
        samples.push(Sample { phase: "ending calls", ..Sample::busy() });
        let text = written(&samples);
        let lines: Vec<_> = text.lines().collect();
        let is_heading = |line: &&str| line.starts_with("call to");
        let headings: Vec<_> = (0..lines.len()).filter(|&line| is_heading(&lines[line])).collect();
        assert_eq!(headings, [0, 21, 23]);
    }

    #[test]
    fn lines_of_one_run_have_their_columns_at_the_same_places() {
        let text = written(&[Sample::busy(), Sample::quiet()]);
        let places: Vec<_> = text.lines().skip(1).map(|line| line.chars().count()).collect();
        assert_eq!(places[0], places[1]);
    }

    #[test]
    fn a_late_generator_is_named_in_the_line() {
        let text = written(&[Sample::late()]);
        assert!(text.contains("WARNING: the generator is late: lag p99 14"), "{text}");
        assert!(!written(&[Sample::busy()]).contains("WARNING"));
    }
}
