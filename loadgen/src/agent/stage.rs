//! Running the steps of a call.

use std::time::Duration;

use super::call::{Call, Outcome, Value, Waiting};
use super::desk::Desk;
use super::form::Last;
use super::library::Library;
use crate::measure::Failure;
use crate::moment::Moment;
use crate::outbox::Outbox;
use crate::scenario::{Chain, Distribution, Missing, Optional, Pause, Step, StepId};

/// Everything that a call's steps need while one input is handled.
pub(super) struct Stage<'a> {
    /// What all calls have in common.
    pub(super) library: &'a Library,
    /// What all calls change.
    pub(super) desk: &'a mut Desk,
    /// What is to be sent.
    pub(super) out: &'a mut Outbox,
    /// The time.
    pub(super) now: Moment,
    /// Whether a step took the message that is being handled.
    pub(super) accepted: bool,
}

/// Steps that a call may run without waiting; a scenario that goes around in circles ends here.
const STEPS_MAX: usize = 10_000;

/// How long a caller waits for a message that nothing promises, beside the hold time.
const PATIENCE: Duration = Duration::from_secs(32);

/// How long a callee waits for the next request.
const CALLEE_PATIENCE: Duration = Duration::from_secs(3_600);

impl Stage<'_> {
    /// Runs the steps of a call until it has to wait or has ended.
    pub(super) fn run(&mut self, call: &mut Call, last: Option<&Last<'_>>) {
        call.waiting = Waiting::Running;
        call.wake_at = Moment::NEVER;
        for _ in 0..STEPS_MAX {
            if call.outcome.is_some() || call.closing.is_some() {
                return;
            }
            let library = self.library;
            let Some(step) = library.program(call.program).steps.get(call.step) else {
                return call.end(Outcome::Completed);
            };
            if !applies(step.chain(), call) {
                call.step += 1;
                continue;
            }
            match step {
                Step::Send(send) => {
                    if self.send(call, send, last) {
                        continue;
                    }
                }
                Step::Receive(_) => return self.wait_for_message(call),
                Step::Pause(pause) => {
                    self.note_arrow(call, call.step);
                    self.pause(call, pause);
                    if call.waiting == Waiting::Pause {
                        return;
                    }
                }
                Step::Nop(nop) => {
                    let jumped = self.act(call, &nop.actions, last);
                    self.note_marks(call, &nop.chain);
                    if jumped {
                        continue;
                    }
                }
            }
            self.follow(call, step.chain());
        }
        self.close(call, Outcome::Failed(Failure::Timeout), last);
    }

    /// Goes on behind a step.
    pub(super) fn follow(&mut self, call: &mut Call, chain: &Chain) {
        call.step = self.jump(call, chain).unwrap_or(call.step + 1);
    }

    /// Where a step leads, if not to the one behind it.
    pub(super) fn jump(&mut self, call: &Call, chain: &Chain) -> Option<StepId> {
        let set = |id: usize| call.variables.get(id).is_some_and(Value::is_set);
        let takes = chain.test.is_none_or(set)
            && chain.chance.is_none_or(|chance| self.desk.rng.f64() < chance);
        chain.next.filter(|_| takes)
    }

    /// Notes that a step happened, for the ladder.
    pub(super) fn note_arrow(&mut self, call: &Call, step: usize) {
        let arrows = &mut self.desk.interval.arrows;
        if let Some(arrow) = arrows.get_mut(call.program).and_then(|arrows| arrows.get_mut(step)) {
            arrow.record(self.now.since(call.intended));
        }
    }

    /// Starts and stops the marks of a step.
    pub(super) fn note_marks(&mut self, call: &mut Call, chain: &Chain) {
        if chain.start_marks | chain.stop_marks == 0 {
            return;
        }
        let places = self.library.marks(call.program);
        for (mark, started) in call.marks.iter_mut().enumerate() {
            if chain.stop_marks & 1 << mark != 0 && *started != Moment::NEVER {
                self.desk.interval.latencies[places[mark]].record(self.now.since(*started));
                *started = Moment::NEVER;
            }
            if chain.start_marks & 1 << mark != 0 {
                *started = call.due.min(self.now);
            }
        }
    }

    /// Notes the time that passed for marks that will never be stopped: what was lost took at
    /// least so long.
    pub(super) fn note_lost_marks(&mut self, call: &mut Call) {
        let places = self.library.marks(call.program);
        for (mark, started) in call.marks.iter_mut().enumerate() {
            if *started != Moment::NEVER {
                self.desk.interval.latencies[places[mark]].record(self.now.since(*started));
                *started = Moment::NEVER;
            }
        }
    }

    /// Waits for a message, or for the end of the time that the steps give for it.
    fn wait_for_message(&mut self, call: &mut Call) {
        call.waiting = Waiting::Message;
        call.wake_at = match self.time_limit(call) {
            Some((limit, _)) => self.now + limit,
            None if !call.is_caller => self.now + CALLEE_PATIENCE,
            // The transaction has a clock of its own.
            None if call.is_busy() => Moment::NEVER,
            None => self.patience_end(),
        };
    }

    /// When a caller has waited long enough for what nothing promises.
    fn patience_end(&self) -> Moment {
        self.now + PATIENCE + self.library.setup().hold
    }

    /// The first time limit of the messages that may come now, and where to go on after it.
    pub(super) fn time_limit(&self, call: &Call) -> Option<(Duration, Option<StepId>)> {
        for step in self.library.program(call.program).steps.get(call.step..)? {
            match step {
                Step::Receive(receive) if receive.timeout.is_some() => return receive.timeout,
                Step::Receive(receive) if receive.optional != Optional::No => {}
                _ => break,
            }
        }
        None
    }

    /// When a call wants to be looked at. One that waits for a message while no clock runs would
    /// never be looked at again.
    pub(super) fn deadline(&self, call: &mut Call) -> Moment {
        let deadline = call.deadline();
        if deadline == Moment::NEVER && call.waiting == Waiting::Message {
            call.wake_at = self.patience_end();
        }
        deadline.min(call.wake_at)
    }

    /// Starts a pause; one without a length is over at once.
    fn pause(&mut self, call: &mut Call, pause: &Pause) {
        let length = match pause.length {
            Missing::Hold => self.library.setup().hold,
            Missing::Given(distribution) => self.draw(distribution),
        };
        let planned = call.due + length;
        if planned > self.now {
            call.wake_at = planned;
            call.waiting = Waiting::Pause;
        }
        self.note_marks(call, &pause.chain);
        call.due = planned;
    }

    /// A length from a distribution.
    fn draw(&mut self, distribution: Distribution) -> Duration {
        let rng = &mut self.desk.rng;
        // In (0, 1]: the logarithm of 0 is not finite.
        let mut unit = || 1.0 - rng.f64();
        let millis = match distribution {
            Distribution::Fixed(millis) => millis,
            Distribution::Uniform(low, high) => low + (high - low) * unit(),
            Distribution::Normal(mean, deviation) => {
                let radius = (-2.0 * unit().ln()).sqrt();
                mean + deviation * radius * (std::f64::consts::TAU * unit()).cos()
            }
            Distribution::Exponential(mean) => -mean * unit().ln(),
        };
        Duration::try_from_secs_f64(millis.max(0.0) / 1_000.0).unwrap_or(PATIENCE)
    }
}

/// Whether the condition of a step holds (SIPp `condexec`).
fn applies(chain: &Chain, call: &Call) -> bool {
    chain.condition.is_none_or(|(variable, inverse)| {
        call.variables.get(variable).is_some_and(Value::is_set) != inverse
    })
}
