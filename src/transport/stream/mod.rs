//! Messages on connections (RFC 3261 §18).
//!
//! A worker accepts connections at sockets of its own and keeps those that it has accepted or
//! opened: nobody else reads, writes or closes them.
//!
//! ```text
//! bind_streams ─▶ one StreamListener for each worker, all at one address
//! Streams::note ─▶ Streams::begin ─▶ Streams::next    accept; cut messages out into slots
//! Outbox ─▶ Streams::send ─▶ a connection's queue     directory: whose connection it is
//!                        └─▶ another worker's mailbox, or a new connection
//! Streams::write ─▶ the queues into the kernel
//! ```

mod connection;
mod framing;
mod listener;
mod opening;
mod queue;
mod reading;
mod session;
mod streams;
mod table;
#[cfg(test)]
mod tests;
mod timers;

pub use listener::{StreamListener, bind_streams};
pub use streams::{Arrived, StreamParts, Streams};
