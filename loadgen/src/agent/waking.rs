//! What happens to a call when its time has come, and when it has ended.

use super::call::{Call, Outcome};
use super::exchange::Phase;
use super::stage::Stage;
use crate::measure::{Count, Failure};
use crate::scenario::Step;

impl Stage<'_> {
    /// Does what is due for a call.
    pub(super) fn wake(&mut self, call: &mut Call) {
        for position in 0..call.exchanges.len() {
            let exchange = &mut call.exchanges[position];
            if exchange.give_up_at <= self.now {
                let failure = if exchange.ours { Failure::NoAnswer } else { Failure::NoAck };
                if exchange.rings() && call.closing.is_none() {
                    // The CANCEL gives it a new time.
                    self.close(call, Outcome::Failed(failure), None);
                    break;
                }
                exchange.rest();
                exchange.phase = Phase::Done;
                match call.closing {
                    Some(_) => self.finish_closing(call),
                    None if exchange.step.is_none() => continue,
                    None => {
                        self.end_unacknowledged(call, position);
                        self.close(call, Outcome::Failed(failure), None);
                    }
                }
                break;
            }
            if exchange.repeat_at <= self.now {
                exchange.repeated(self.now);
                self.repeat(call, position);
            }
        }
        if call.wake_at <= self.now && call.outcome.is_none() && call.closing.is_none() {
            self.go_on(call);
        }
    }

    /// Goes on after a pause, or after a message that did not come.
    fn go_on(&mut self, call: &mut Call) {
        let library = self.library;
        let step = library.program(call.program).steps.get(call.step);
        match step {
            Some(Step::Pause(pause)) => self.follow(call, &pause.chain),
            Some(Step::Receive(_)) => match self.time_limit(call) {
                Some((_, Some(next))) => {
                    call.step = next;
                    call.due = self.now;
                }
                _ => return self.close(call, Outcome::Failed(Failure::Timeout), None),
            },
            _ => {}
        }
        match call.last.take() {
            None => self.run(call, None),
            Some(kept) => {
                kept.read(|last| self.run(call, Some(last)));
                call.last = Some(kept);
            }
        }
    }

    /// Counts a call that has ended.
    pub(super) fn note_end(&mut self, call: &mut Call, outcome: Outcome) {
        if call.is_caller {
            self.desk.callers -= 1;
        } else {
            self.desk.callees -= 1;
        }
        let tally = &mut self.desk.interval.tally;
        match (outcome, call.is_caller) {
            (Outcome::Completed, true) => tally.count(Count::Completed),
            (Outcome::Completed, false) => tally.count(Count::AnsweredCompleted),
            (Outcome::CutShort, true) => tally.count(Count::CutShort),
            (Outcome::CutShort, false) => {}
            (Outcome::Failed(failure), true) => {
                tally.fail(failure);
                if !matches!(failure, Failure::UnexpectedStatus | Failure::UnexpectedRequest) {
                    self.note_lost_marks(call);
                }
            }
            (Outcome::Failed(failure), false) => tally.fail_callee(failure),
        }
    }
}
