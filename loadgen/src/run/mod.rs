//! What the program does: from what is asked for to the report.
//!
//! [`run()`] reads all input, looks at the target, binds sockets, registers users, and runs the
//! scenario: once or, to find the highest rate, many times. [`answer()`] only answers calls.

mod answer;
mod ceiling;
mod error;
mod find_max;
mod inputs;
mod interrupt;
mod layout;
mod load;
mod options;
mod outcome;
mod search;
mod session;
mod stage;
mod target;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

pub use answer::answer;
pub use error::{Ended, RunError};
pub use options::{AnswerOptions, CrewOptions, LoadOptions, Options, UserOptions};
pub use target::Target;

use crate::report::{self, BUSY_MAX, json};
use crate::scenario::builtin;
use crate::view::{self, View};
use inputs::Inputs;
use load::LoadPlan;
use outcome::Outcome;
use session::Session;

/// Runs a scenario and reports.
///
/// # Errors
///
/// [`RunError`]; there was no traffic then that counts.
pub fn run(options: &Options) -> Result<Ended, RunError> {
    let options = &with_defaults(options);
    let load = LoadPlan::new(&options.load)?;
    let inputs = Inputs::read(options)?;
    let search = find_max::plan(&options.load)?;
    let mut session = Session::open(options, &inputs)?;
    let words = search.as_ref().map_or_else(|| load.words(), |_| find_max::words(options));
    let mut view = view::choose(options.view, facts(&session, words, &load));
    for note in &inputs.notes {
        view.note(note);
    }
    session.register(view.as_mut())?;
    let outcome = match search {
        Some(search) => find_max::run(&mut session, search, view.as_mut())?,
        None => measure(&mut session, &load, view.as_mut())?,
    };
    session.remove(view.as_mut());
    view.finish();
    drop(view);
    outcome.tell(options)
}

/// Fills in what a self-test is made of: as many calls as go, without a server.
fn with_defaults(options: &Options) -> Options {
    /// Calls in progress for each worker: enough to fill batches, too few to fill buffers.
    const CONCURRENCY: usize = 100;
    const SECONDS: f64 = 5.0;
    let mut options = options.clone();
    if options.self_test {
        let plan = session::CrewPlan::new(&options.crew, false);
        let threads = plan.map_or(1, |plan| plan.threads);
        options.load.concurrency = Some(CONCURRENCY * threads);
        options.load.duration_seconds = options.load.duration_seconds.or(Some(SECONDS));
    }
    options
}

/// What the view tells of a run.
fn facts(session: &Session<'_>, words: String, load: &LoadPlan) -> view::Facts {
    // There is no schedule in a closed loop that calls could be late for.
    let lag_max = if load.is_closed() { Duration::MAX } else { session.options.lag_max };
    view::Facts {
        scenario: session.inputs.scenario.clone(),
        target: session.target_words(),
        load: words,
        unit: inputs::unit(&session.inputs.cast).to_owned(),
        lag_max,
        busy_max: BUSY_MAX,
    }
}

/// Runs the scenario once.
fn measure(
    session: &mut Session<'_>,
    load: &LoadPlan,
    view: &mut dyn View,
) -> Result<Outcome, RunError> {
    let started_at = crate::clock::date();
    let measured = session.measure(load, view)?;
    let mut outcome = Outcome::new(session, load, started_at, measured);
    if session.options.self_test {
        outcome.keep_ceiling()?;
    }
    Ok(outcome)
}

/// Shows two reports side by side.
///
/// # Errors
///
/// If one cannot be read, or the page not be written.
pub fn compare(a: &Path, b: &Path, html: Option<&Path>) -> Result<Ended, RunError> {
    let read = |file| json::read(file).map_err(|error| RunError::Input(error.to_string()));
    let (a, b) = (read(a)?, read(b)?);
    say(&report::compare(&a, &b));
    if let Some(file) = html {
        write_file(file, &report::html::compare_page(&a, &b))?;
    }
    Ok(Ended::Well)
}

/// Lists the built-in scenarios, or prints one.
///
/// # Errors
///
/// If there is none of this name.
pub fn scenarios(name: Option<&str>) -> Result<Ended, RunError> {
    let Some(name) = name else {
        let width = builtin::names().iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let line = |(name, summary): &(&str, &str)| format!("{name:width$}  {summary}\n");
        say(&builtin::names().iter().map(line).collect::<String>());
        return Ok(Ended::Well);
    };
    let files = builtin::source(name);
    let files = files.ok_or_else(|| RunError::Options(inputs::unknown_scenario(name)))?;
    let file = |(name, text)| format!("==> {name} <==\n{text}\n");
    say(&files.into_iter().map(file).collect::<String>());
    Ok(Ended::Well)
}

/// Writes to standard output. If nobody reads it, there is nobody left to tell.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Writes a file.
fn write_file(file: &Path, text: &str) -> Result<(), RunError> {
    std::fs::write(file, text)
        .map_err(|source| RunError::Unwritable { file: file.to_owned(), source })
}
