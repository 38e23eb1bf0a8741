//! Scripts without a network: a server that stands in memory, what its script does with one
//! message (`viaduct route`), and whether it does what a file of cases says (`viaduct test`).
//!
//! ```text
//! *.flow ─ parse ─▶ Flow ─ run ─▶ Stage: ProxyCore, a clock of its own, registrations, host names
//!                                  │  send ─▶ deliver ─▶ what the core sends
//!                                  │  elapse ─▶ advance ─▶ what the core sends
//!                                  └  expect: what was sent against what the file says
//! message ─ text ─▶ Stage, with a Recorder that looks on ─▶ trace
//! ```
//!
//! The core is the one that runs in the server; so what is shown here is what would happen. No
//! clock and no chance is in it: each run of the same case sends the same bytes.

#![forbid(unsafe_code)]

mod coverage;
mod difference;
mod draft;
mod expect;
mod journal;
mod parse;
mod run;
mod seen;
mod stage;
mod template;
mod text;
mod trace;

pub use coverage::{Coverage, Tally};
pub use difference::Style;
pub use journal::{Datum, Journal, Note};
pub use parse::{Case, Flow};
pub use run::Failure;
pub use stage::{Hosts, Sent, Setup, Stage, StageError};
pub use text::{message_of, source_of};
pub use trace::{Traced, show_json, show_text};
