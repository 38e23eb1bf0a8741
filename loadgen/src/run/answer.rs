//! Answering calls until Ctrl-C.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::interrupt::Interrupts;
use super::layout::{Layout, Wanted};
use super::session::{CrewPlan, process_number, worker_seed};
use super::stage::{Director, LEAD, Measured, Stage};
use super::{AnswerOptions, Ended, RunError, inputs, say};
use crate::agent::Setup;
use crate::clock::Clock;
use crate::measure::{Count, Failure};
use crate::report::{BUSY_MAX, LAG_MAX};
use crate::scenario::Cast;
use crate::show::{counted, number};
use crate::view;
use crate::worker::{Job, Socket};

/// Answers calls until Ctrl-C or SIGTERM.
///
/// # Errors
///
/// If the scenario is wrong, or the system refuses sockets or threads.
pub fn answer(options: &AnswerOptions) -> Result<Ended, RunError> {
    let mut notes = Vec::new();
    let first = options.scenario.as_deref();
    let first = first.map(|file| inputs::read_callee(file, &[], &mut notes)).transpose()?;
    let name = first.as_ref().map_or_else(|| "built-in".to_owned(), |first| first.name.clone());
    let cast = Arc::new(Cast::new(Vec::new(), inputs::callees(first)));
    let crew = CrewPlan::new(&options.crew, true)?;
    let interrupts = Interrupts::listen()?;
    let (layout, sockets) = Layout::bind(Wanted {
        workers: crew.threads,
        local: options.listen.ip(),
        ports: 0,
        single_source: false,
        answer: true,
        listen: Some(options.listen),
    })?;
    let listen = layout.listen.unwrap_or(options.listen);
    let mut view = view::choose(options.view, facts(name, listen));
    for note in &notes {
        view.note(note);
    }
    let clock = Clock::start();
    let start = clock.now() + LEAD;
    let stage =
        Stage { name: "answering", shape: &cast.shape, start, end: None, drain: Duration::ZERO };
    let jobs = jobs(options, (&cast, &layout, &crew), clock, sockets);
    let mut director = Director { clock, view: view.as_mut(), interrupts: &interrupts };
    let _ =
        writeln!(io::stderr(), "ready: udp:{listen}, {}", counted(crew.threads as u64, "worker"));
    let measured = director.run(&stage, jobs)?;
    view.finish();
    say(&summary(&measured));
    Ok(Ended::Well)
}

/// What the view tells.
fn facts(scenario: String, listen: SocketAddr) -> view::Facts {
    view::Facts {
        scenario,
        target: listen.to_string(),
        load: "answering".to_owned(),
        unit: "calls".to_owned(),
        lag_max: LAG_MAX,
        busy_max: BUSY_MAX,
    }
}

/// What each worker is to do.
fn jobs(
    options: &AnswerOptions,
    (cast, layout, crew): (&Arc<Cast>, &Layout, &CrewPlan),
    clock: Clock,
    sockets: Vec<Vec<Socket>>,
) -> Vec<Job> {
    let job = |(worker, sockets)| Job {
        setup: Setup {
            callee_socket: layout.callee_socket(worker),
            callee_addresses: layout.callee_addresses.clone(),
            hold: options.hold,
            worker: (worker, crew.threads),
            seed: worker_seed(0, worker),
            process: process_number(0),
            wall_start: clock.time_of_start(),
            ..Setup::new(cast.clone(), options.listen.ip())
        },
        load: None,
        sockets,
        core: crew.core(worker),
    };
    sockets.into_iter().enumerate().map(job).collect()
}

/// What was answered, as a sentence.
fn summary(measured: &Measured) -> String {
    let tally = &measured.total.tally;
    let reasons = Failure::ALL.into_iter().map(|why| (why.name(), tally.callee_failures(why)));
    let reasons = reasons.filter(|(_, count)| *count > 0);
    let reasons: Vec<String> =
        reasons.map(|(name, count)| format!("{name}: {}", number(count))).collect();
    let mut text = format!(
        "answered {}: {} completed, {} failed",
        counted(tally.get(Count::Answered), "call"),
        number(tally.get(Count::AnsweredCompleted)),
        number(tally.callee_failed()),
    );
    if !reasons.is_empty() {
        text.push_str(&format!(" ({})", reasons.join(", ")));
    }
    let amiss = [
        (Count::Unreadable, "no SIP"),
        (Count::Stray, "of no call"),
        (Count::Unexpected, "unexpected"),
        (Count::Overrun, "lost here"),
    ];
    let amiss = amiss.map(|(what, name)| (name, tally.get(what)));
    let amiss = amiss.into_iter().filter(|(_, count)| *count > 0);
    let amiss: Vec<String> =
        amiss.map(|(name, count)| format!("{name}: {}", number(count))).collect();
    if !amiss.is_empty() {
        text.push_str(&format!("\nmessages amiss: {}", amiss.join(", ")));
    }
    text
}
