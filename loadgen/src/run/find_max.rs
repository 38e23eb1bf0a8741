//! The highest rate that the target carries.

use std::time::Duration;

use super::load::LoadPlan;
use super::outcome::{Outcome, loss, verdict};
use super::search::{Bounds, CONFIRMATIONS, Search, Trial};
use super::session::Session;
use super::stage::Measured;
use super::{LoadOptions, Options, RunError};
use crate::measure::Count;
use crate::pace::RateError;
use crate::show;
use crate::view::View;

/// The first rate if none is given (calls per second).
const LOW: f64 = 100.0;

/// The highest rate that is tried: above what one machine can send.
const HIGH: f64 = 1_000_000.0;

/// Failed calls that count as none: 0.01 %.
const LOSS_MAX: f64 = 0.000_1;

/// The search that is asked for, if any.
///
/// # Errors
///
/// If the first rate is impossible.
pub(super) fn plan(options: &LoadOptions) -> Result<Option<Search>, RunError> {
    let bounds = Bounds { loss_max: LOSS_MAX, p99_max: options.p99_max };
    let search = || Search::new(options.rate.unwrap_or(LOW), HIGH, bounds, CONFIRMATIONS);
    options.find_max.then(search).transpose().map_err(wrong)
}

/// In words.
#[must_use]
pub(super) fn words(options: &Options) -> String {
    format!("find the highest rate with p99 up to {}", show::millis(options.load.p99_max))
}

/// Tries one rate after the other. The report is that of the rate that was found, or of the last
/// that was tried if none was.
///
/// # Errors
///
/// If the system refuses threads, or a worker fails.
pub(super) fn run(
    session: &mut Session<'_>,
    mut search: Search,
    view: &mut dyn View,
) -> Result<Outcome, RunError> {
    let mut best: Option<(f64, Outcome)> = None;
    let mut last = None;
    while let Some(rate) = search.next() {
        let load = LoadPlan::open(rate, &session.options.load).map_err(wrong)?;
        let started_at = crate::clock::date();
        let measured = session.measure(&load, view)?;
        if measured.interrupted {
            last = Some(Outcome::new(session, &load, started_at, measured));
            break;
        }
        search.tried(trial(session, rate, &load, &measured));
        let outcome = Outcome::new(session, &load, started_at, measured);
        if let Some(step) = search.steps().last() {
            view.note(&format!("{} calls/s: {}", show::rate(rate), step.note));
        }
        // The rate that is found is the one that was confirmed last.
        if search.steps().last().is_some_and(|step| step.passed) {
            best = Some((rate, outcome));
        } else {
            last = Some(outcome);
        }
    }
    finish(&search, best, last)
}

/// How a rate went.
fn trial(session: &Session<'_>, rate: f64, load: &LoadPlan, measured: &Measured) -> Trial {
    let main = measured.total.latencies.first();
    let p99 = main.map_or(0, |main| main.percentile_micros(99.0));
    let started = measured.total.tally.get(Count::Started) as f64;
    Trial {
        rate,
        loss: loss(measured),
        p99: Duration::from_micros(p99),
        valid: verdict(session.options, load, measured).valid,
        achieved: started / load.seconds(),
    }
}

/// The outcome of the search.
fn finish(
    search: &Search,
    best: Option<(f64, Outcome)>,
    last: Option<Outcome>,
) -> Result<Outcome, RunError> {
    let interrupted = last.as_ref().is_some_and(|last| last.report.verdict.interrupted);
    let found = search.result();
    let best = best.filter(|(rate, _)| last.is_none() || found == Some(*rate));
    let best = best.map(|(_, outcome)| outcome);
    let chosen = if interrupted { last } else { best.or(last) };
    let mut outcome = chosen.ok_or(RunError::Interrupted)?;
    outcome.add_search(search);
    Ok(outcome)
}

/// A rate that cannot be tried.
fn wrong(error: RateError) -> RunError {
    RunError::Options(error.to_string())
}
