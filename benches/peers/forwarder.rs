//! The floor: a proxy that reads nothing. What comes from the callee goes to the caller, all else
//! to the callee. Buffers, batches and the way to wait are those of `viaduct`, but each datagram
//! goes through the kernel alone: nothing is merged.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};
use viaduct::limits::SOCKET_BUFFER_BYTES;
use viaduct::sys::{self, Landings, Outgoing, ReceiveBatch, SendBatch};

/// As many as the proxy takes at once.
const BATCH: usize = viaduct::limits::BATCH_DATAGRAMS_MAX;
const LANDING_BYTES: usize = 4_096;

/// Forwards until the process is ended.
pub(crate) fn run(address: SocketAddr, callee: SocketAddr, workers: usize) {
    let sockets: Vec<Socket> = (0..workers).map(|_| bind(address)).collect();
    sys::spread_over_group(sockets[0].as_fd(), workers.try_into().unwrap()).unwrap();
    let caller_port = &AtomicU16::new(0);
    std::thread::scope(|scope| {
        for socket in sockets {
            let socket = UdpSocket::from_std(socket.into());
            scope.spawn(move || Forwarder::new(socket, callee, caller_port).work());
        }
    });
}

/// One of the sockets at that address.
fn bind(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES).unwrap();
    socket.set_send_buffer_size(SOCKET_BUFFER_BYTES).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

/// A thread of it.
struct Forwarder<'c> {
    socket: UdpSocket,
    callee: SocketAddr,
    /// Who sent the last datagram that did not come from the callee: its port, the address is the
    /// same. All threads know it, as any of them may get the answer.
    caller_port: &'c AtomicU16,
    inbox: ReceiveBatch,
    outbox: SendBatch,
    landings: Vec<u8>,
    /// Length and destination of what is in the landings.
    routes: Vec<(usize, SocketAddr)>,
}

impl<'c> Forwarder<'c> {
    /// One at that socket.
    fn new(socket: UdpSocket, callee: SocketAddr, caller_port: &'c AtomicU16) -> Self {
        Self {
            socket,
            callee,
            caller_port,
            inbox: ReceiveBatch::new(BATCH),
            outbox: SendBatch::new(BATCH),
            landings: vec![0; BATCH * LANDING_BYTES],
            routes: Vec::with_capacity(BATCH),
        }
    }

    /// Waits, receives and sends for ever.
    fn work(mut self) {
        let mut poll = Poll::new().unwrap();
        poll.registry().register(&mut self.socket, Token(0), Interest::READABLE).unwrap();
        let mut events = Events::with_capacity(4);
        loop {
            // An interruption is one more turn.
            let _ = poll.poll(&mut events, None);
            while self.turn() == BATCH {}
        }
    }

    /// Forwards a batch; how many there were.
    fn turn(&mut self) -> usize {
        let landings = Landings::new(&mut self.landings, LANDING_BYTES);
        let count = self.inbox.receive(self.socket.as_fd(), landings, BATCH).unwrap_or(0);
        self.routes.clear();
        for index in 0..count {
            let arrival = self.inbox.arrival(index);
            let port = arrival.source.map_or(0, |source| source.port());
            let known = self.caller_port.load(Relaxed);
            let destination = if port == self.callee.port() {
                SocketAddr::new(self.callee.ip(), known)
            } else {
                if port != known {
                    self.caller_port.store(port, Relaxed);
                }
                self.callee
            };
            self.routes.push((arrival.length, destination));
        }
        let mut sent = 0;
        while sent < count {
            let rest =
                self.routes[sent..].iter().zip(self.landings.chunks(LANDING_BYTES).skip(sent));
            let datagrams = rest.map(|((length, destination), landing)| Outgoing {
                bytes: &landing[..*length],
                destination,
                source: None,
            });
            // What the system does not take is lost, as with any datagram.
            sent += self.outbox.send(self.socket.as_fd(), datagrams).unwrap_or(1);
        }
        count
    }
}
