//! What is measured: every worker counts into an [`Interval`] of its own and hands it over once a
//! second; nothing is shared while calls run.

mod failure;
mod interval;
mod latency;
mod tally;
mod trace;

pub use failure::Failure;
pub use interval::{ArrowTimes, Interval, RunShape};
pub use latency::Latency;
pub use tally::{Count, StatusCodes, Tally};
pub use trace::{Kept, Trace, TracedMessage};
