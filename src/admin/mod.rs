//! What the administrator can ask of a running server: the commands of the FIFO of SER and
//! OpenSER, and those of `serctl`.
//!
//! ```text
//! words ─ ask ─▶ table: the command ─▶ Outcome ─ Answer ─▶ status line, then pieces
//!                                              └ Reload ─▶ whoever can, then Answer::of_reload
//! ```
//!
//! A command gets words and writes entries; it knows neither sockets nor clocks. What may be long
//! is written in pieces (`Steps`), so that nobody waits for the end of a dump and it is never
//! whole in memory.

#![forbid(unsafe_code)]

mod answer;
mod connections;
mod general;
mod later;
mod listing;
mod location;
mod page;
mod scene;
mod statistics;
mod table;

pub use answer::{Answer, Outcome, Reload};
pub use page::Format;
pub use scene::{Certificate, Certificates, Facts, Scene, Thread};
pub use table::ask;

#[cfg(test)]
mod tests;
