//! The process: configuration → sockets → workers → signals → reload → stop; and the commands
//! beside it, which ask a running server (`ctl`), look at a script (`check`), run it without a
//! network (`route`, `test`), look at the machine (`doctor`), and tell what scripts can say
//! (`functions`, `variables`, `modules`).

#![forbid(unsafe_code)]

mod check;
mod clock;
mod control;
mod doctor;
mod error;
mod load;
mod log;
mod plan;
mod reference;
mod reload;
mod route;
mod run;
mod secret;
mod sockets;
mod test;
mod tls;

pub use check::{CheckOptions, Format, check, explain};
pub use control::{CtlOptions, ctl};
pub use doctor::doctor;
pub use error::ServerError;
pub use reference::{functions, modules, reference, script_page, variables};
pub use route::{RouteOptions, route};
pub use run::{Options, run};
pub use test::{TestOptions, test};
