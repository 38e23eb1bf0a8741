//! What is to be sent.

use std::net::SocketAddr;
use std::ops::Range;

/// One of a worker's sockets, by its position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u16);

/// Datagrams to send, in order. Its memory is kept from batch to batch.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    datagrams: Vec<Datagram>,
    /// The call that what comes next belongs to.
    call: u32,
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The socket to send it through.
    pub socket: SocketId,
    /// Where to.
    pub destination: SocketAddr,
    /// The call that it belongs to; what one call sends arrives in the order it was said.
    pub call: u32,
    /// Its place in the memory of the outbox.
    range: Range<usize>,
}

impl Outbox {
    /// Has what comes next belong to this call.
    pub const fn speak_for(&mut self, call: u32) {
        self.call = call;
    }

    /// Appends a datagram that `compose` writes behind what is there; gives its position. If
    /// nothing is written, there is none.
    pub fn compose(
        &mut self,
        socket: SocketId,
        destination: SocketAddr,
        compose: impl FnOnce(&mut Vec<u8>),
    ) -> usize {
        let start = self.bytes.len();
        compose(&mut self.bytes);
        let range = start..self.bytes.len();
        let position = self.datagrams.len();
        if !range.is_empty() {
            self.datagrams.push(Datagram { socket, destination, call: self.call, range });
        }
        position
    }

    /// The bytes of the datagram at a position; nothing if there is none.
    #[must_use]
    pub fn get(&self, position: usize) -> &[u8] {
        self.datagrams.get(position).map_or(&[], |datagram| self.bytes(datagram))
    }

    /// Takes the last datagram back.
    pub fn retract(&mut self) {
        if let Some(last) = self.datagrams.pop() {
            self.bytes.truncate(last.range.start);
        }
    }

    /// Appends a copy of a datagram.
    pub fn push(&mut self, socket: SocketId, destination: SocketAddr, bytes: &[u8]) {
        self.compose(socket, destination, |out| out.extend_from_slice(bytes));
    }

    /// The datagrams in order.
    #[must_use]
    pub fn datagrams(&self) -> &[Datagram] {
        &self.datagrams
    }

    /// The bytes of one of them.
    #[must_use]
    pub fn bytes(&self, datagram: &Datagram) -> &[u8] {
        &self.bytes[datagram.range.clone()]
    }

    /// The length of one of them (bytes).
    #[must_use]
    pub const fn length(datagram: &Datagram) -> usize {
        datagram.range.end - datagram.range.start
    }

    /// Forgets all datagrams.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }
}
