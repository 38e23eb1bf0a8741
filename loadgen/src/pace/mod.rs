//! Stand-in.
use crate::moment::Moment;
/// Load.
#[derive(Debug)]
pub enum Load {
    /// Closed.
    Closed(usize, Moment),
}
impl Load {
    /// Due.
    pub fn due(&mut self, now: Moment, in_flight: usize) -> Option<Moment> {
        let Self::Closed(count, end) = self;
        (now < *end && in_flight < *count).then_some(now)
    }
    /// Next.
    pub fn next_wakeup(&self) -> Option<Moment> {
        None
    }
    /// Exhausted.
    pub fn exhausted(&self, now: Moment) -> bool {
        now >= self.end()
    }
    /// End.
    pub fn end(&self) -> Moment {
        let Self::Closed(_, end) = self;
        *end
    }
}
