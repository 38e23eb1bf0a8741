//! The process: configuration → sockets → workers → signals → stop; and the commands beside it,
//! which look at a script (`check`), run it without a network (`route`, `test`), and look at the
//! machine (`doctor`).

#![forbid(unsafe_code)]

mod check;
mod clock;
mod doctor;
mod error;
mod load;
mod log;
mod plan;
mod route;
mod run;
mod test;

pub use check::{Format, check};
pub use doctor::doctor;
pub use error::ServerError;
pub use route::{RouteOptions, route};
pub use run::{Options, run};
pub use test::{TestOptions, test};
