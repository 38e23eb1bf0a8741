//! The floor: a proxy that reads nothing. What comes from the callee goes to the caller, all else
//! to the callee; sockets, batches and the way to wait are those of `viaduct`.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use mio::{Events, Interest, Poll, Token};
use viaduct::mem::ListenerId;
use viaduct::sys::{Outgoing, ReceiveBatch, SendBatch};
use viaduct::transport::{Steering, UdpListener, bind_group};

/// As many as the proxy takes at once.
const BATCH: usize = viaduct::limits::BATCH_DATAGRAMS_MAX;
const LANDING_BYTES: usize = 4_096;

/// Forwards until the process is ended.
pub(crate) fn run(address: SocketAddr, callee: SocketAddr, workers: usize) {
    let listeners = bind_group(ListenerId(0), address, workers, Steering::Spread).unwrap();
    let caller_port = &AtomicU16::new(0);
    std::thread::scope(|scope| {
        for listener in listeners {
            scope.spawn(move || Forwarder::new(listener, callee, caller_port).work());
        }
    });
}

/// A thread of it.
struct Forwarder<'c> {
    listener: UdpListener,
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
    fn new(listener: UdpListener, callee: SocketAddr, caller_port: &'c AtomicU16) -> Self {
        Self {
            listener,
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
        poll.registry().register(&mut self.listener, Token(0), Interest::READABLE).unwrap();
        let mut events = Events::with_capacity(4);
        loop {
            // An interruption is one more turn.
            let _ = poll.poll(&mut events, None);
            while self.turn() == BATCH {}
        }
    }

    /// Forwards a batch; how many there were.
    fn turn(&mut self) -> usize {
        let landings = self.landings.chunks_exact_mut(LANDING_BYTES);
        let count = self.inbox.receive(self.listener.as_fd(), landings).unwrap_or(0);
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
                destination: *destination,
                source: None,
            });
            // What the system does not take is lost, as with any datagram.
            sent += self.outbox.send(self.listener.as_fd(), datagrams).unwrap_or(1);
        }
        count
    }
}
