//! Sockets: how datagrams get from the kernel into the slots of a worker, and from its outbox
//! into the kernel.
//!
//! ```text
//! bind_group ─▶ one UdpListener for each worker, all at one address
//! UdpListener::receive ─▶ ReceiveBatch ─▶ UdpListener::arrival      a batch into the slots
//! Outbox ─▶ Sender::flush                                           a batch out of the outbox
//! ```

#![forbid(unsafe_code)]

mod group;
mod send;
mod udp;

pub use crate::sys::ReceiveBatch;
pub use group::{BindError, Steering, bind_group};
pub use send::Sender;
pub use udp::{Datagram, Reception, UdpListener};
