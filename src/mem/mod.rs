//! The memory that datagrams live in: receive slots, and the outbox of what is to be sent.

#![forbid(unsafe_code)]

mod outbox;
mod slot;

pub use outbox::{Outbox, Payload, Peer, Transmit};
pub use slot::{Arrival, Received, SlotPool};

/// Number of a listen address, in the order of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub u16);

/// Number of a receive slot within a worker's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotId(pub u16);
