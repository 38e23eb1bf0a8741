//! What people see while a run goes on: a picture of the terminal, or a line a second.

mod chart;
mod health;
mod history;
mod lines;
mod lists;
mod live;
mod panels;
#[cfg(test)]
mod samples;
mod screen;

use std::io::{self, IsTerminal};
use std::time::Duration;

use crate::measure::{Interval, RunShape};

/// Shows a run. Only the main thread has one.
pub trait View {
    /// Shows the last second; to be called once a second.
    fn second(&mut self, now: &Progress<'_>);

    /// Shows a sentence that is not about a second.
    fn note(&mut self, text: &str);

    /// What the user wishes by now. To be called often: the live view redraws itself here.
    fn poll(&mut self) -> Option<Wish>;

    /// Gives the terminal back. Nothing is shown after it.
    fn finish(&mut self);
}

/// What the user wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// End the run politely.
    Stop,
    /// End it at once: the second time that the user asks.
    Abort,
}

/// How a run is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Live on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// A picture of the whole terminal.
    Live,
    /// A line a second.
    Lines,
    /// Nothing.
    Quiet,
}

/// What does not change during a run.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Name of the scenario.
    pub scenario: String,
    /// Where calls go, in words.
    pub target: String,
    /// The load in words: `open loop, 1,000 calls/s, uniform`.
    pub load: String,
    /// What is counted: `calls`, `requests`.
    pub unit: String,
    /// p99 of the lag beyond which a run is invalid.
    pub lag_max: Duration,
    /// The busy share of a worker beyond which there is a warning (0 to 1).
    pub busy_max: f64,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Since the start.
    pub elapsed: Duration,
    /// Until the end, if it is known.
    pub remaining: Option<Duration>,
    /// What goes on: `registering users`, `running`, `waiting for the last calls`.
    pub phase: &'a str,
    /// The last second, of all workers.
    pub second: &'a Interval,
    /// Everything so far, of all workers.
    pub total: &'a Interval,
    /// What the numbers of both belong to.
    pub shape: &'a RunShape,
}

/// The view of this kind. Where a live view is wished but cannot be had there are lines.
#[must_use]
pub fn choose(kind: Kind, facts: Facts) -> Box<dyn View> {
    let live = match kind {
        Kind::Auto => io::stdout().is_terminal() && io::stderr().is_terminal(),
        Kind::Live => true,
        Kind::Lines => false,
        Kind::Quiet => return Box::new(Quiet),
    };
    if !live {
        return Box::new(lines::Lines::new(facts, io::stderr()));
    }
    match live::Live::open(facts.clone()) {
        Ok(live) => Box::new(live),
        Err(error) => {
            let mut lines = lines::Lines::new(facts, io::stderr());
            lines.note(&format!("no live view: {error}"));
            Box::new(lines)
        }
    }
}

/// Shows nothing.
#[derive(Debug)]
struct Quiet;

impl View for Quiet {
    fn second(&mut self, _now: &Progress<'_>) {}

    fn note(&mut self, _text: &str) {}

    fn poll(&mut self) -> Option<Wish> {
        None
    }

    fn finish(&mut self) {}
}
