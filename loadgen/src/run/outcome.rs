//! What came out of a run, and how it is told.

use super::load::LoadPlan;
use super::search::Search;
use super::session::Session;
use super::stage::Measured;
use super::{Ended, Options, RunError, ceiling, inputs, say, write_file};
use crate::measure::Count;
use crate::report::{
    self, Conduct, Machine, Point, Report, RunFacts, SelfTest, Verdict, json, judge,
};

/// What came out of a run.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The report.
    pub(super) report: Report,
    /// What else is to be said.
    pub(super) notes: Vec<String>,
    /// Whether a search found nothing.
    pub(super) in_vain: bool,
}

impl Outcome {
    /// Of what was measured.
    #[must_use]
    pub(super) fn new(
        session: &Session<'_>,
        load: &LoadPlan,
        started_at: String,
        measured: Measured,
    ) -> Self {
        let verdict = verdict(session.options, load, &measured);
        let run = facts(session, load, &measured);
        let self_test = ceiling::known(&run.scenario, run.threads);
        let report = Report::build(report::Measured {
            cast: &session.inputs.cast,
            started_at,
            machine: Machine::read(),
            run,
            verdict,
            series: measured.series,
            total: &measured.total,
            traces: measured.traces,
            self_test: self_test.filter(|_| !session.options.self_test),
            search: Vec::new(),
        });
        Self { report, notes: Vec::new(), in_vain: false }
    }

    /// Adds the steps of a search, and what came out if it was not interrupted.
    pub(super) fn add_search(&mut self, search: &Search) {
        self.report.search = search.steps().to_vec();
        if !self.report.verdict.interrupted {
            self.notes.push(search.sentence());
        }
        self.in_vain = search.result().is_none();
    }

    /// Keeps the rate as the ceiling of this machine.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub(super) fn keep_ceiling(&mut self) -> Result<(), RunError> {
        let Report { run, rates, messages, .. } = &self.report;
        let all = (messages.sent + messages.received) as f64;
        let ceiling = SelfTest {
            measured_at: self.report.started_at.clone(),
            threads: run.threads,
            scenario: run.scenario.clone(),
            rate: rates.completed,
            messages: if run.seconds > 0.0 { all / run.seconds } else { 0.0 },
        };
        if !self.report.verdict.interrupted {
            let file = ceiling::keep(&ceiling)?;
            self.notes.push(format!("kept for later reports in {}", file.display()));
        }
        Ok(())
    }

    /// Prints and writes the report. Gives how the run ended.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub(super) fn tell(&self, options: &Options) -> Result<Ended, RunError> {
        say(&report::table(&self.report));
        if options.html.is_none() {
            for trace in &self.report.traces {
                say(&format!("\n{}", report::show_trace(trace)));
            }
        }
        for note in &self.notes {
            say(&format!("\n{note}"));
        }
        if let Some(file) = &options.json {
            json::write(&self.report, file).map_err(|error| RunError::Input(error.to_string()))?;
        }
        if let Some(file) = &options.html {
            write_file(file, &report::html::page(&self.report))?;
        }
        Ok(self.ended(options))
    }

    /// How the run ended.
    fn ended(&self, options: &Options) -> Ended {
        let Report { verdict, calls, .. } = &self.report;
        let failed_percent = calls.failed as f64 * 100.0 / calls.started.max(1) as f64;
        if verdict.interrupted {
            Ended::Interrupted
        } else if !verdict.valid {
            Ended::Invalid
        } else if failed_percent > options.loss_max_percent || self.in_vain {
            Ended::CallsFailed
        } else {
            Ended::Well
        }
    }
}

/// Whether the numbers may be believed.
pub(super) fn verdict(options: &Options, load: &LoadPlan, measured: &Measured) -> Verdict {
    let busiest: Vec<f64> = measured.series.iter().map(|second| second.busiest).collect();
    judge(&Conduct {
        total: &measured.total,
        busiest: &busiest,
        closed_loop: load.is_closed(),
        lag_max: options.lag_max,
        interrupted: measured.interrupted,
    })
}

/// What was run.
fn facts(session: &Session<'_>, load: &LoadPlan, measured: &Measured) -> RunFacts {
    let options = session.options;
    let elapsed = measured.total.end.since(measured.total.start).as_secs_f64();
    RunFacts {
        scenario: session.inputs.scenario.clone(),
        target: session.target_words(),
        load: load.words(),
        unit: inputs::unit(&session.inputs.cast).to_owned(),
        // Less if it was interrupted, or all calls were made before.
        seconds: starting_seconds(load.seconds(), &measured.series).min(elapsed),
        threads: session.crew.threads,
        source_ports: session.layout.source_ports(),
        users: session.inputs.users.names.len(),
        hold_ms: options.hold.as_secs_f64() * 1_000.0,
        seed: options.seed,
    }
}

/// How long calls were started: as long as the schedule, unless many were started behind its end
/// because the generator could not keep up. Rates over the schedule would flatter it then.
fn starting_seconds(schedule: f64, series: &[Point]) -> f64 {
    const MANY: f64 = 0.01;
    let starting = || series.iter().filter(|second| second.started > 0);
    let all: u64 = starting().map(|second| second.started).sum();
    let late = starting().filter(|second| second.at >= schedule);
    let late: u64 = late.map(|second| second.started).sum();
    if late as f64 <= all as f64 * MANY {
        return schedule;
    }
    starting().next_back().map_or(schedule, |last| last.at + last.seconds)
}

/// The share of calls that failed, of those started (0 to 1).
#[must_use]
pub(super) fn loss(measured: &Measured) -> f64 {
    let tally = &measured.total.tally;
    tally.failed() as f64 / tally.get(Count::Started).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole seconds with so many starts each.
    fn series(started: &[u64]) -> Vec<Point> {
        let second = |(at, started): (usize, &u64)| Point {
            at: at as f64,
            seconds: 1.0,
            started: *started,
            ..Point::default()
        };
        started.iter().enumerate().map(second).collect()
    }

    #[test]
    fn the_schedule_is_the_time_unless_many_calls_were_started_behind_it() {
        for (started, expected) in [
            (&[100, 100][..], 2.0),
            (&[100, 100, 1, 0], 2.0),
            (&[100, 100, 50, 10, 0], 4.0),
            (&[], 2.0),
        ] {
            let seconds = starting_seconds(2.0, &series(started));
            assert!((seconds - expected).abs() < 1e-9, "{started:?}: {seconds}");
        }
    }
}
