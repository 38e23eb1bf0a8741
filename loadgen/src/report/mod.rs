//! What people see at the end: a [`Report`], as a table, as JSON, as a page, side by side with
//! another.

pub mod html;
mod model;

pub use model::{
    Arrow, Calls, CodeCount, FailureCount, Ladder, LatencySummary, Machine, Messages, Point,
    Quantile, Rates, Report, RunFacts, SCHEMA, SearchStep, SelfTest, TraceRecord, TracedLine,
    Verdict,
};
