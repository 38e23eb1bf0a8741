//! Moments at which connections want to be looked at.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::connections::ConnectionId;

/// Moments in milliseconds of the monotonic clock, each with its connection. Whoever wants to be
/// looked at later than was said leaves the moment standing and is asked again then: activity
/// costs nothing.
#[derive(Debug, Default)]
pub(super) struct Timers {
    moments: BinaryHeap<Reverse<(u64, u32, u32)>>,
}

impl Timers {
    /// Notes a moment.
    pub(super) fn set(&mut self, at_ms: u64, id: ConnectionId) {
        self.moments.push(Reverse((at_ms, id.index, id.generation)));
    }

    /// The first moment.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.moments.peek().map(|Reverse((at_ms, ..))| *at_ms)
    }

    /// Takes the first moment out if it has come.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Option<(u64, ConnectionId)> {
        if self.due_ms()? > now_ms {
            return None;
        }
        let Reverse((at_ms, index, generation)) = self.moments.pop()?;
        Some((at_ms, ConnectionId { index, generation }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_in_order_when_they_are_due() {
        let mut timers = Timers::default();
        let id = |index| ConnectionId { index, generation: 9 };
        for (at_ms, index) in [(30, 1), (10, 2), (20, 3), (10, 1)] {
            timers.set(at_ms, id(index));
        }
        assert_eq!(timers.due_ms(), Some(10));
        assert_eq!(timers.take_due(9), None);
        let due: Vec<_> = std::iter::from_fn(|| timers.take_due(20)).collect();
        assert_eq!(due, [(10, id(1)), (10, id(2)), (20, id(3))]);
        assert_eq!(timers.due_ms(), Some(30));
    }
}
