//! Sockets: how datagrams get from the kernel into the slots of a worker, and from its outbox
//! into the kernel.
//!
//! ```text
//! bind_group ─▶ one UdpListener for each worker, all at one address
//! Inbox::receive ─▶ Inbox::next      a batch into the slots, and one datagram after another
//! Outbox ─▶ Sender::flush            a batch out of the outbox
//! ```

#![forbid(unsafe_code)]

mod group;
mod inbox;
mod send;
mod stream;
pub mod tls;
mod udp;

pub use group::{BindError, Steering, bind_group};
pub use inbox::{Inbox, Next};
pub use send::Sender;
pub use stream::{Arrived, StreamListener, StreamParts, Streams, bind_streams};
pub use udp::UdpListener;
