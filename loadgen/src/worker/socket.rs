//! A worker's UDP sockets, and how datagrams come in.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Type};
use thiserror::Error;
use viaduct::sys::{self, ReceiveBatch};

/// A socket that does not block.
#[derive(Debug)]
pub struct Socket {
    socket: UdpSocket,
    address: SocketAddr,
    /// Datagrams that it lost so far, as it told last.
    overruns: u32,
    /// Whether there may be something to receive.
    ready: bool,
}

/// An address cannot be used.
#[derive(Debug, Error)]
#[error("cannot use udp:{address}: {}", sys::reason(source))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// What a socket's buffers are asked to hold: at 100,000 messages of 1 kB a second this bridges
/// 40 ms in which the worker does not run.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

impl Socket {
    /// A socket at `address`; port 0 becomes one that the kernel picks.
    ///
    /// # Errors
    ///
    /// [`BindError`]
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let bind = || {
            let socket = open(address)?;
            socket.bind(&address.into())?;
            Self::around(socket)
        };
        bind().map_err(|source| BindError { address, source })
    }

    /// `count` sockets that share `address`; the kernel picks one for each peer.
    ///
    /// The first is bound alone, which fails if anyone else listens there; only then is the group
    /// opened for the others.
    ///
    /// # Errors
    ///
    /// [`BindError`]
    pub fn bind_group(address: SocketAddr, count: usize) -> Result<Vec<Self>, BindError> {
        let bind = || {
            let first = open(address)?;
            first.bind(&address.into())?;
            first.set_reuse_port(true)?;
            let mut group = vec![Self::around(first)?];
            let address = group[0].address;
            while group.len() < count {
                let next = open(address)?;
                next.set_reuse_port(true)?;
                next.bind(&address.into())?;
                group.push(Self::around(next)?);
            }
            Ok(group)
        };
        bind().map_err(|source| BindError { address, source })
    }

    /// Wraps a bound socket. It may have received already, so that it counts as ready.
    fn around(socket: socket2::Socket) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket.into());
        let address = socket.local_addr()?;
        Ok(Self { socket, address, overruns: 0, ready: true })
    }

    /// The address that it is bound to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether there may be something to receive.
    #[must_use]
    pub(super) const fn is_ready(&self) -> bool {
        self.ready
    }

    /// Notes that something has arrived.
    pub(super) const fn set_ready(&mut self) {
        self.ready = true;
    }

    /// Has `registry` tell when something arrives.
    ///
    /// # Errors
    ///
    /// As `epoll_ctl`.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.ready = true;
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Has `registry` also tell when there is room to send, or no longer.
    ///
    /// # Errors
    ///
    /// As `epoll_ctl`.
    pub(super) fn watch_room(
        &mut self,
        registry: &Registry,
        token: Token,
        watch: bool,
    ) -> io::Result<()> {
        let interest =
            if watch { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        registry.reregister(&mut self.socket, token, interest)
    }

    /// Has `registry` tell nothing more.
    ///
    /// # Errors
    ///
    /// As `epoll_ctl`.
    pub(super) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut self.socket)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A socket with everything set but its address.
fn open(address: SocketAddr) -> io::Result<socket2::Socket> {
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    sys::tell_overruns(socket.as_fd())?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    Ok(socket)
}

/// Receives datagrams, a batch at a time.
#[derive(Debug)]
pub(super) struct Receiver {
    batch: ReceiveBatch,
    memory: Vec<u8>,
    received: Received,
}

/// What a batch brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// Datagrams.
    pub(super) count: usize,
    /// Bytes of all of them.
    pub(super) bytes: u64,
    /// Datagrams that the socket lost since it told last.
    pub(super) overruns: u32,
}

/// Datagrams a batch.
pub(super) const BATCH: usize = 64;

/// Room for a datagram: more than any SIP message over UDP that a server sends. No power of two,
/// so that the beginnings of the landings do not meet in one set of the cache.
const LANDING_BYTES: usize = 9_024;

impl Default for Receiver {
    fn default() -> Self {
        Self {
            batch: ReceiveBatch::new(BATCH),
            memory: vec![0; BATCH * LANDING_BYTES],
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
            let landings = self.memory.chunks_exact_mut(LANDING_BYTES);
            match self.batch.receive(socket.socket.as_fd(), landings) {
                Ok(count) => {
                    socket.ready = count == BATCH;
                    self.received = self.sum_up(socket, count);
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
    fn sum_up(&self, socket: &mut Socket, count: usize) -> Received {
        let arrivals = (0..count).map(|index| self.batch.arrival(index));
        let bytes = arrivals.map(|arrival| arrival.length as u64).sum();
        let told = count.checked_sub(1).and_then(|last| self.batch.arrival(last).overruns);
        let overruns = told.map_or(0, |told| told.wrapping_sub(socket.overruns));
        socket.overruns = socket.overruns.wrapping_add(overruns);
        Received { count, bytes, overruns }
    }

    /// Who sent datagram `index` of the last batch, and its bytes. None if it was longer than its
    /// landing, or comes from no IP address.
    #[must_use]
    pub(super) fn datagram(&self, index: usize) -> Option<(SocketAddr, &[u8])> {
        let arrival = self.batch.arrival(index);
        let source = arrival.source.filter(|_| !arrival.truncated)?;
        Some((source, &self.memory[index * LANDING_BYTES..][..arrival.length]))
    }
}

/// Errors that may wait in a socket, one after another, before a turn of receiving is given up.
const RECEIVE_ATTEMPTS: usize = 8;

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as StdSocket;

    use super::*;

    /// A socket on a free port of loopback.
    fn socket() -> Socket {
        Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_batch_brings_sources_bytes_and_their_sum() {
        let mut socket = socket();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        for text in ["first", "second"] {
            peer.send_to(text.as_bytes(), socket.address()).unwrap();
        }
        let mut receiver = Receiver::default();
        let received = receiver.receive(&mut socket);
        assert_eq!(received, Received { count: 2, bytes: 11, overruns: 0 });
        let source = peer.local_addr().unwrap();
        assert_eq!(receiver.datagram(0), Some((source, &b"first"[..])));
        assert_eq!(receiver.datagram(1), Some((source, &b"second"[..])));
        assert!(!socket.is_ready());
    }

    #[test]
    fn a_full_batch_leaves_the_socket_ready() {
        let mut socket = socket();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..=BATCH {
            peer.send_to(b"x", socket.address()).unwrap();
        }
        let mut receiver = Receiver::default();
        assert_eq!(receiver.receive(&mut socket).count, BATCH);
        assert!(socket.is_ready());
        assert_eq!(receiver.receive(&mut socket).count, 1);
        assert!(!socket.is_ready());
        assert_eq!(receiver.receive(&mut socket), Received::default());
    }

    #[test]
    fn a_datagram_that_does_not_fit_is_none() {
        let mut socket = socket();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(&vec![b'x'; LANDING_BYTES + 1], socket.address()).unwrap();
        let mut receiver = Receiver::default();
        assert_eq!(receiver.receive(&mut socket).count, 1);
        assert_eq!(receiver.datagram(0), None);
    }

    #[test]
    fn what_the_kernel_lost_is_counted_once() {
        let mut socket = socket();
        socket2::SockRef::from(&socket.socket).set_recv_buffer_size(4_096).unwrap();
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

    #[test]
    fn a_group_shares_one_port_and_a_taken_one_is_refused() {
        let group = Socket::bind_group("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = group[0].address();
        assert_eq!(group.len(), 3);
        assert!(address.port() != 0 && group.iter().all(|member| member.address() == address));
        let error = Socket::bind_group(address, 2).unwrap_err().to_string();
        assert_eq!(error, format!("cannot use udp:{address}: Address already in use"));
    }
}
