//! The process: configuration → sockets → workers → signals → stop; and the commands beside it,
//! which look at a script (`check`) and at the machine (`doctor`).

#![forbid(unsafe_code)]

mod check;
mod clock;
mod doctor;
mod error;
mod load;
mod log;
mod plan;
mod run;

pub use check::{CheckOptions, Format, check, explain};
pub use doctor::doctor;
pub use error::ServerError;
pub use run::{Options, run};
