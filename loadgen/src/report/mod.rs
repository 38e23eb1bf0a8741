//! What people see at the end: a [`Report`], as a table, as JSON, as a page, side by side with
//! another.
//!
//! [`Report::build`] makes it of what was measured; [`judge`] says whether that may be believed.
//! [`table()`] is what a run prints at its end, [`show_trace`] draws a call that was kept,
//! [`html::page`] draws everything, [`json`] keeps a report in a file, [`compare()`] sets two
//! beside each other.

mod build;
mod compare;
#[cfg(test)]
mod fixture;
pub mod html;
pub mod json;
mod ladder;
mod machine;
mod model;
mod spectrum;
mod table;
mod verdict;

pub use build::Measured;
pub use compare::compare;
pub use ladder::show_trace;
pub use model::{
    Arrow, Calls, CodeCount, FailureCount, Ladder, LatencySummary, Machine, Messages, Point,
    Quantile, Rates, Report, RunFacts, SCHEMA, SearchStep, SelfTest, TraceRecord, TracedLine,
    Verdict,
};
pub use table::table;
pub use verdict::{BUSY_MAX, Conduct, LAG_MAX, judge};
