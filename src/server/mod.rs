//! The process: configuration → sockets → workers → signals → reload → stop; and the commands
//! beside it, which look at a script (`check`) and at the machine (`doctor`).

#![forbid(unsafe_code)]

mod check;
mod clock;
mod doctor;
mod error;
mod load;
mod log;
mod plan;
mod reload;
mod run;

pub use check::{Format, check};
pub use doctor::doctor;
pub use error::ServerError;
pub use run::{Options, run};
