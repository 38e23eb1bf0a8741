//! A stage of a run: workers from the first call to the last.

use std::time::Duration;

use super::RunError;
use super::interrupt::Interrupts;
use crate::clock::Clock;
use crate::measure::{Interval, RunShape, Trace};
use crate::moment::Moment;
use crate::report::Point;
use crate::show::printable;
use crate::view::{Progress, View, Wish};
use crate::worker::{Command, Crew, Job, Socket};

/// What runs a stage: the clock, what is shown, and what may end it.
pub(super) struct Director<'v> {
    /// The clock.
    pub(super) clock: Clock,
    /// What is shown.
    pub(super) view: &'v mut dyn View,
    /// Signals.
    pub(super) interrupts: &'v Interrupts,
}

/// A stage.
#[derive(Debug)]
pub(super) struct Stage<'s> {
    /// What goes on, in words.
    pub(super) name: &'s str,
    /// What numbers belong to.
    pub(super) shape: &'s RunShape,
    /// Its begin.
    pub(super) start: Moment,
    /// When the last call is to start; none if it goes on until it is ended from outside.
    pub(super) end: Option<Moment>,
    /// How long calls may take after that.
    pub(super) drain: Duration,
}

/// What a stage brought.
#[derive(Debug)]
pub(super) struct Measured {
    /// Second by second.
    pub(super) series: Vec<Point>,
    /// Everything together.
    pub(super) total: Interval,
    /// Calls kept.
    pub(super) traces: Vec<Trace>,
    /// The sockets of each worker.
    pub(super) sockets: Vec<Vec<Socket>>,
    /// Whether it was ended from outside.
    pub(super) interrupted: bool,
}

/// How long a stage's begin lies ahead, so that all workers are there.
pub(super) const LEAD: Duration = Duration::from_millis(50);

/// How long calls may take to end when the run is interrupted.
const HANG_UP_TIME: Duration = Duration::from_secs(5);

/// How often it is looked whether something happened.
const TICK: Duration = Duration::from_millis(20);

/// Lines that a scenario logs and that are shown.
const LINES_MAX: usize = 100;

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Calls start.
    Running,
    /// No more do, and the last ones may take until then.
    Draining(Moment),
    /// Calls are being ended, and may take until then.
    HangingUp(Moment),
}

impl Director<'_> {
    /// Runs a stage.
    ///
    /// # Errors
    ///
    /// When the system refuses threads, or a worker fails.
    pub(super) fn run(&mut self, stage: &Stage<'_>, jobs: Vec<Job>) -> Result<Measured, RunError> {
        let crew = Crew::start(jobs, self.clock, stage.start)
            .map_err(|source| RunError::System { what: "threads", source })?;
        let total = Interval::new(stage.start, stage.shape);
        let series = Series { begin: stage.start, points: Vec::new(), last: None };
        let mut run = Running { stage, crew, phase: Phase::Running, total, series, lines: 0 };
        while self.go_on(&mut run) {}
        let told = run.lines;
        let (measured, lines) = run.end()?;
        self.tell(told, &lines);
        Ok(measured)
    }

    /// Waits a moment, shows what came, and does what is due. Gives whether the stage goes on.
    fn go_on(&mut self, run: &mut Running<'_>) -> bool {
        if let Some(second) = run.crew.second(TICK) {
            run.add(&second);
            self.show(run, &second);
            let lines = run.crew.take_lines();
            self.tell(run.lines, &lines);
            run.lines = run.lines.saturating_add(lines.len());
        }
        let wish = match self.view.poll() {
            None if self.interrupts.take() => Some(Wish::Stop),
            wish => wish,
        };
        let now = self.clock.now();
        match (wish, run.phase) {
            (None, _) => {}
            (Some(Wish::Stop), Phase::Running | Phase::Draining(_)) => {
                run.crew.tell(Command::HangUp);
                run.phase = Phase::HangingUp(now + HANG_UP_TIME);
                return true;
            }
            (Some(_), _) => {
                run.phase = Phase::HangingUp(now);
                run.crew.tell(Command::Abandon);
                return false;
            }
        }
        run.go_on(now) && !run.crew.has_failed()
    }

    /// Shows what the scenario wrote for people, after `told` lines before: a scenario may write
    /// a line a call, which nobody could read.
    fn tell(&mut self, told: usize, lines: &[String]) {
        let room = LINES_MAX.saturating_sub(told);
        for line in lines.iter().take(room) {
            self.view.note(&printable(line));
        }
        if told <= LINES_MAX && told + lines.len() > LINES_MAX {
            self.view.note("further lines that the scenario logs are not shown");
        }
    }

    /// Shows a second.
    fn show(&mut self, run: &Running<'_>, second: &Interval) {
        let now = self.clock.now();
        let phase = match run.phase {
            Phase::Running => run.stage.name,
            Phase::Draining(_) => "waiting for the last calls",
            Phase::HangingUp(_) => "ending calls",
        };
        self.view.second(&Progress {
            elapsed: now.since(run.stage.start),
            remaining: run.stage.end.map(|end| end.since(now)),
            phase,
            second,
            total: &run.total,
            shape: run.stage.shape,
        });
    }
}

/// A stage that runs.
struct Running<'s> {
    stage: &'s Stage<'s>,
    crew: Crew,
    phase: Phase,
    total: Interval,
    series: Series,
    /// Lines that the scenario has logged.
    lines: usize,
}

impl Running<'_> {
    /// Adds a second.
    fn add(&mut self, second: &Interval) {
        self.total.merge(second);
        self.series.add(second);
    }

    /// Goes on to the next phase if its time has come. Gives whether the stage goes on.
    fn go_on(&mut self, now: Moment) -> bool {
        let left = self.crew.left();
        match self.phase {
            Phase::Running => {
                if left.is_some() && self.stage.end.is_some() {
                    self.phase = Phase::Draining(now + self.stage.drain);
                }
                true
            }
            Phase::Draining(until) | Phase::HangingUp(until) => {
                if left == Some(0) {
                    return false;
                }
                if now >= until {
                    self.crew.tell(Command::Abandon);
                }
                now < until
            }
        }
    }

    /// Ends it: what was measured, and what the scenario logged last.
    fn end(self) -> Result<(Measured, Vec<String>), RunError> {
        let Self { crew, phase, mut total, mut series, .. } = self;
        let harvest = crew.end()?;
        for second in &harvest.seconds {
            total.merge(second);
            series.add(second);
        }
        let measured = Measured {
            series: series.end(),
            total,
            traces: harvest.traces,
            sockets: harvest.sockets,
            interrupted: matches!(phase, Phase::HangingUp(_)),
        };
        Ok((measured, harvest.lines))
    }
}

/// The seconds of a stage, one after the other.
#[derive(Debug)]
struct Series {
    /// The stage's begin.
    begin: Moment,
    /// Seconds that are complete.
    points: Vec<Point>,
    /// The one before the next, which may have to take it in.
    last: Option<Interval>,
}

/// An interval shorter than this belongs to the one before: its rates would be chance, and a plot
/// of them would seem to show that the server broke down.
const SHORT: Duration = Duration::from_millis(250);

impl Series {
    /// Adds the next interval.
    fn add(&mut self, second: &Interval) {
        match &mut self.last {
            Some(last) if second.end.since(second.start) < SHORT => last.merge(second),
            _ => {
                self.close();
                self.last = Some(second.clone());
            }
        }
    }

    /// All of them.
    fn end(mut self) -> Vec<Point> {
        self.close();
        self.points
    }

    /// Makes a point of the last interval.
    fn close(&mut self) {
        let begin = self.begin;
        let last = self.last.take();
        self.points.extend(last.map(|last| Point::of(&last, last.start.since(begin))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Count;

    /// The points of intervals that end at these milliseconds, each with one call: begin, length
    /// and calls.
    fn points(ends: &[u64]) -> Vec<(f64, f64, u64)> {
        let at = |milliseconds| Moment::START + Duration::from_millis(milliseconds);
        let mut series = Series { begin: at(0), points: Vec::new(), last: None };
        let mut start = at(0);
        for end in ends {
            let mut interval = Interval::new(start, &RunShape::default());
            interval.end = at(*end);
            interval.tally.count(Count::Started);
            start = interval.end;
            series.add(&interval);
        }
        series.end().iter().map(|point| (point.at, point.seconds, point.started)).collect()
    }

    #[test]
    fn a_short_end_belongs_to_the_second_before() {
        assert_eq!(points(&[1_000, 2_000, 2_249]), [(0.0, 1.0, 1), (1.0, 1.249, 2)]);
        assert_eq!(points(&[1_000, 1_250]), [(0.0, 1.0, 1), (1.0, 0.25, 1)]);
        assert_eq!(points(&[20]), [(0.0, 0.02, 1)]);
        assert_eq!(points(&[]), []);
    }
}
