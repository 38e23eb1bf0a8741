//! The process: configuration → sockets → workers → signals → stop.

#![forbid(unsafe_code)]

mod check;
mod clock;
mod error;
mod load;
mod log;
mod plan;
mod run;

pub use check::{Format, check};
pub use error::ServerError;
pub use run::{Options, run};
