//! How datagrams come in.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::slice::Chunks;

use viaduct::sys::{Landings, ReceiveBatch};

use super::socket::Socket;

/// Receives datagrams, a batch at a time.
///
/// The kernel may put datagrams of one length that came together into one landing, which costs a
/// fraction of what they cost one by one.
#[derive(Debug)]
pub(super) struct Receiver {
    batch: ReceiveBatch,
    memory: Vec<u8>,
    /// Landings to be filled next time.
    wanted: usize,
    received: Received,
}

/// What a batch brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// Landings that are filled.
    pub(super) landings: usize,
    /// Datagrams in them.
    pub(super) count: usize,
    /// Bytes of all of them.
    pub(super) bytes: u64,
    /// Datagrams that the socket lost since it told last.
    pub(super) overruns: u32,
}

/// Most landings of a batch.
const LANDINGS: usize = 64;

/// Fewest landings of a batch.
const LANDINGS_MIN: usize = 4;

/// Datagrams aimed at in a batch, so that receiving many leaves time for what is due.
const DATAGRAMS: usize = 256;

/// Room for the longest datagram, or merged ones. No power of two, so that the beginnings of the
/// landings do not meet in one set of the cache.
const LANDING_BYTES: usize = 65_536 + 192;

impl Default for Receiver {
    fn default() -> Self {
        Self {
            batch: ReceiveBatch::new(LANDINGS),
            memory: vec![0; LANDINGS * LANDING_BYTES],
            wanted: LANDINGS,
            received: Received::default(),
        }
    }
}

impl Receiver {
    /// Receives a batch from `socket`, and does not wait. Sets the socket not ready when its
    /// queue was found empty.
    pub(super) fn receive(&mut self, socket: &mut Socket) -> Received {
        self.received = Received::default();
        for _ in 0..RECEIVE_ATTEMPTS {
            let landings = Landings::new(&mut self.memory, LANDING_BYTES);
            match self.batch.receive(socket.as_fd(), landings, self.wanted) {
                Ok(landings) => {
                    socket.ready = landings == self.wanted;
                    self.received = self.sum_up(socket, landings);
                    let merged = (self.received.count / landings.max(1)).max(1);
                    self.wanted = (DATAGRAMS / merged).clamp(LANDINGS_MIN, LANDINGS);
                    return self.received;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An interruption, or an error that waited in the socket and is gone now.
                Err(_) => {}
            }
        }
        socket.ready = false;
        self.received
    }

    /// Adds up what a batch brought. What was lost is told with each datagram as a running total,
    /// so that the last one's is enough.
    fn sum_up(&self, socket: &mut Socket, landings: usize) -> Received {
        let mut received = Received { landings, ..Received::default() };
        for index in 0..landings {
            let length = self.batch.arrival(index).length;
            received.count += length.div_ceil(self.step(index, length));
            received.bytes += length as u64;
        }
        let told = landings.checked_sub(1).and_then(|last| self.batch.told(last)?.overruns);
        received.overruns = told.map_or(0, |told| told.wrapping_sub(socket.overruns));
        socket.overruns = socket.overruns.wrapping_add(received.overruns);
        received
    }

    /// Who sent what is in a landing of the last batch, and each of the datagrams. None if
    /// something was cut off, or it comes from no IP address.
    #[must_use]
    pub(super) fn datagrams(&self, landing: usize) -> Option<(SocketAddr, Chunks<'_, u8>)> {
        let arrival = self.batch.arrival(landing);
        let source = arrival.source.filter(|_| !arrival.truncated)?;
        let bytes = &self.memory[landing * LANDING_BYTES..][..arrival.length];
        Some((source, bytes.chunks(self.step(landing, arrival.length))))
    }

    /// From one datagram to the next in a landing with so many bytes.
    fn step(&self, landing: usize, length: usize) -> usize {
        self.batch.told(landing).and_then(|told| told.segment).unwrap_or(length).max(1)
    }
}

/// Errors that may wait in a socket, one after another, before a turn of receiving is given up.
const RECEIVE_ATTEMPTS: usize = 8;

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as StdSocket;

    use viaduct::sys::{Outgoing, SendBatch};

    use super::*;

    /// A socket on a free port of loopback.
    fn socket() -> Socket {
        Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap()
    }

    /// All datagrams of the last batch.
    fn datagrams(receiver: &Receiver) -> Vec<(SocketAddr, &[u8])> {
        let landings = (0..receiver.received.landings).filter_map(|at| receiver.datagrams(at));
        landings.flat_map(|(source, each)| each.map(move |bytes| (source, bytes))).collect()
    }

    #[test]
    fn a_batch_brings_sources_bytes_and_their_sum() {
        let mut socket = socket();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        for text in ["first", "", "second"] {
            peer.send_to(text.as_bytes(), socket.address()).unwrap();
        }
        let mut receiver = Receiver::default();
        let received = receiver.receive(&mut socket);
        assert_eq!(received, Received { landings: 3, count: 2, bytes: 11, overruns: 0 });
        let source = peer.local_addr().unwrap();
        assert_eq!(datagrams(&receiver), [(source, &b"first"[..]), (source, b"second")]);
        assert!(!socket.ready);
    }

    #[test]
    fn merged_datagrams_are_told_apart_and_fewer_landings_asked_for() {
        let mut socket = socket();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        let destination = socket.address();
        let texts: Vec<String> = (100..200).map(|number| number.to_string()).collect();
        let texts = texts.iter().map(String::as_bytes).chain([&b"z"[..]]);
        let mut send = SendBatch::merging(200);
        let sent = send.send(
            peer.as_fd(),
            texts.clone().map(|bytes| Outgoing { bytes, destination: &destination, source: None }),
        );
        assert_eq!(sent.unwrap(), 101);
        let mut receiver = Receiver::default();
        let received = receiver.receive(&mut socket);
        assert_eq!((received.landings, received.count, received.bytes), (2, 101, 301));
        assert!(datagrams(&receiver).into_iter().map(|(_, bytes)| bytes).eq(texts));
        assert_eq!(receiver.wanted, DATAGRAMS / 50);
        assert_eq!(receiver.receive(&mut socket), Received::default());
    }

    #[test]
    fn a_full_batch_leaves_the_socket_ready() {
        let mut socket = socket();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..=LANDINGS {
            peer.send_to(b"x", socket.address()).unwrap();
        }
        let mut receiver = Receiver::default();
        assert_eq!(receiver.receive(&mut socket).count, LANDINGS);
        assert!(socket.ready);
        assert_eq!(receiver.receive(&mut socket).count, 1);
        assert!(!socket.ready);
        assert_eq!(receiver.receive(&mut socket), Received::default());
    }

    #[test]
    fn the_longest_datagram_is_read() {
        let mut socket = socket();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(&vec![b'x'; 65_507], socket.address()).unwrap();
        let mut receiver = Receiver::default();
        assert_eq!(receiver.receive(&mut socket).bytes, 65_507);
        assert_eq!(datagrams(&receiver).len(), 1);
    }

    #[test]
    fn what_the_kernel_lost_is_counted_once() {
        let mut socket = socket();
        socket2::SockRef::from(&socket).set_recv_buffer_size(4_096).unwrap();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        let mut receiver = Receiver::default();
        for _ in 0..60 {
            peer.send_to(&[b'x'; 1_000], socket.address()).unwrap();
        }
        let before = receiver.receive(&mut socket);
        // The count comes with the next datagrams that get through.
        for _ in 0..2 {
            peer.send_to(b"x", socket.address()).unwrap();
        }
        let after = receiver.receive(&mut socket);
        let lost = (before.overruns + after.overruns) as usize;
        assert!(lost > 0);
        assert_eq!(before.count + after.count + lost, 62);
    }
}
