//! What a worker asks for calls to start.

use super::{Closed, Schedule};
use crate::moment::Moment;

/// The load that one worker makes.
#[derive(Clone, Debug)]
pub enum Load {
    /// Calls start when the schedule says so.
    Open(Schedule),
    /// Calls start when others have ended.
    Closed(Closed),
}

impl Load {
    /// The intended start of a call to start now, if there is one; it counts as started. To be
    /// asked until there is none, with the calls in flight as they are then.
    #[must_use]
    pub fn due(&mut self, now: Moment, in_flight: usize) -> Option<Moment> {
        match self {
            Self::Open(schedule) => {
                let intended = schedule.next().filter(|intended| *intended <= now)?;
                schedule.advance();
                Some(intended)
            }
            Self::Closed(closed) => closed.due(now, in_flight).then_some(now),
        }
    }

    /// When [`Load::due`] is to be asked next at the latest; it is also to be asked when a call
    /// has ended. None means that only that, or nothing any more, makes a call due.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Moment> {
        match self {
            Self::Open(schedule) => schedule.next(),
            Self::Closed(closed) => closed.next_wakeup(),
        }
    }

    /// Whether no call will be due any more. Calls of a schedule that are late are still due.
    #[must_use]
    pub fn exhausted(&self, now: Moment) -> bool {
        match self {
            Self::Open(schedule) => schedule.next().is_none(),
            Self::Closed(closed) => closed.exhausted(now),
        }
    }

    /// The end of the plan: no call is intended for later.
    #[must_use]
    pub fn end(&self) -> Moment {
        match self {
            Self::Open(schedule) => schedule.end(),
            Self::Closed(closed) => closed.end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pace::{Arrivals, RatePlan};

    /// So many milliseconds after the start.
    fn at(millis: u64) -> Moment {
        Moment::START + Duration::from_millis(millis)
    }

    /// Ten calls, 10 ms apart, from 100 ms on.
    fn open() -> Load {
        let plan = RatePlan::constant(100.0, 0.1).unwrap();
        Load::Open(Schedule::new(&plan, Arrivals::Uniform, at(100), (0, 1), None, 1))
    }

    /// Starts what is due; each call stays in flight.
    fn start(load: &mut Load, now: Moment, in_flight: &mut usize) -> usize {
        let before = *in_flight;
        while load.due(now, *in_flight).is_some() {
            *in_flight += 1;
        }
        *in_flight - before
    }

    #[test]
    fn an_open_loop_starts_at_its_times_however_many_are_in_flight() {
        let mut load = open();
        assert_eq!(load.due(at(99), 0), None);
        assert_eq!(load.next_wakeup(), Some(at(100)));
        assert_eq!(load.due(at(100), 1_000), Some(at(100)));
        assert_eq!(load.due(at(100), 1_001), None);
        assert_eq!((load.next_wakeup(), load.end()), (Some(at(110)), at(200)));
    }

    #[test]
    fn late_calls_keep_their_intended_starts() {
        let mut load = open();
        let late: Vec<Moment> = std::iter::from_fn(|| load.due(at(500), 0)).collect();
        assert_eq!(late, (0..10).map(|call| at(100 + call * 10)).collect::<Vec<_>>());
        assert!(load.exhausted(at(0)) && load.next_wakeup().is_none());
    }

    #[test]
    fn calls_that_are_late_are_due_after_the_end() {
        let mut load = open();
        assert!(!load.exhausted(at(999)));
        assert_eq!(load.due(at(999), 0), Some(at(100)));
    }

    #[test]
    fn a_closed_loop_fills_up_what_has_ended() {
        let mut load = Load::Closed(Closed::new(10, (0, 3), None, at(1_000)));
        let mut in_flight = 0;
        assert_eq!(start(&mut load, at(0), &mut in_flight), 4);
        assert_eq!(load.next_wakeup(), None);
        assert_eq!(start(&mut load, at(1), &mut in_flight), 0);
        assert_eq!(load.next_wakeup(), None);
        in_flight = 1;
        assert_eq!(load.due(at(2), in_flight), Some(at(2)));
        assert_eq!(load.next_wakeup(), None);
        assert!(!load.exhausted(at(999)) && load.exhausted(at(1_000)));
        assert_eq!((load.due(at(1_000), 0), load.end()), (None, at(1_000)));
    }

    #[test]
    fn a_closed_loop_ends_with_its_limit() {
        let mut load = Load::Closed(Closed::new(10, (1, 2), Some(15), at(1_000)));
        let calls = (0..100).map(|now| start(&mut load, at(now), &mut 0)).sum::<usize>();
        assert_eq!(calls, 7);
        assert!(load.exhausted(at(3)) && load.next_wakeup().is_none());
    }

    #[test]
    fn calls_that_end_as_they_start_do_not_make_a_closed_loop_endless() {
        let mut load = Load::Closed(Closed::new(5, (0, 1), None, at(1_000)));
        let started = std::iter::from_fn(|| load.due(at(7), 0)).take(1_000).count();
        assert_eq!(started, 5);
        assert_eq!(load.next_wakeup(), Some(at(7)));
        assert_eq!(load.due(at(8), 0), Some(at(8)));
    }

    #[test]
    fn a_worker_without_a_share_is_exhausted_from_the_start() {
        let load = Load::Closed(Closed::new(2, (2, 3), None, at(1_000)));
        assert!(load.exhausted(at(0)) && load.next_wakeup().is_none());
    }
}
