//! How a message got here.

use std::net::SocketAddr;

use crate::mem::{ListenerId, Received};

/// The addresses of a message that arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// Who sent it.
    pub(super) source: SocketAddr,
    /// The address it was sent to.
    pub(super) local: SocketAddr,
    /// The listener whose socket got it.
    pub(super) listener: ListenerId,
}

impl Arrival {
    /// Of that datagram.
    pub(super) const fn of(received: &Received<'_>) -> Self {
        Self { source: received.source, local: received.local, listener: received.listener }
    }
}
