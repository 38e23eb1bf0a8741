//! A worker's socket at one listen address.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use mio::event::Source;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use crate::limits::SLOT_BYTES;
use crate::mem::{Arrival, ListenerId, SlotPool};
use crate::sys::{Landings, ReceiveBatch, Told};

/// One socket, one of the group of its listen address.
#[derive(Debug)]
pub struct UdpListener {
    id: ListenerId,
    socket: UdpSocket,
    local: SocketAddr,
    /// Whether it is bound to the wildcard address.
    wildcard: bool,
    /// What the kernel told last of the datagrams that it lost here.
    overruns: u32,
    /// Those of them that nobody has asked for.
    lost: u32,
}

/// How a turn of receiving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reception {
    /// Landings that are filled: the first slots of the pool.
    pub count: usize,
    /// Whether the queue was found empty: the next datagram will be announced.
    pub drained: bool,
}

/// What landed in a slot: a datagram, or several of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Landed {
    /// Bytes of all of it.
    pub length: usize,
    /// From the beginning of one datagram to that of the next (bytes).
    pub step: usize,
    /// How it got here.
    pub arrival: Arrival,
}

impl Landed {
    /// Nothing.
    pub(super) const NOTHING: Self = {
        let nobody = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let arrival = Arrival { source: nobody, local: nobody, listener: ListenerId(0) };
        Self { length: 0, step: 0, arrival }
    };
}

impl UdpListener {
    /// A listener around a bound socket that does not block.
    pub(super) fn new(id: ListenerId, socket: UdpSocket) -> io::Result<Self> {
        let local = socket.local_addr()?;
        let wildcard = local.ip().is_unspecified();
        Ok(Self { id, socket, local, wildcard, overruns: 0, lost: 0 })
    }

    /// Which listen address this is.
    #[must_use]
    pub const fn id(&self) -> ListenerId {
        self.id
    }

    /// The address that it is bound to.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The receive and the send buffer that the kernel granted (bytes).
    ///
    /// # Errors
    ///
    /// As `getsockopt`.
    pub fn granted_buffers(&self) -> io::Result<(usize, usize)> {
        let socket = SockRef::from(&self.socket);
        // The kernel doubles what is asked for, to have room for its own records.
        Ok((socket.recv_buffer_size()? / 2, socket.send_buffer_size()? / 2))
    }

    /// Receives a batch into the first `wanted` slots of the pool, and does not wait.
    pub(super) fn receive(
        &mut self,
        batch: &mut ReceiveBatch,
        slots: &mut SlotPool,
        wanted: usize,
    ) -> Reception {
        for _ in 0..RECEIVE_ATTEMPTS {
            let memory = slots.landing_slots();
            let landings = Landings::within(memory, SLOT_BYTES, SlotPool::LANDING);
            match batch.receive(self.socket.as_fd(), landings, wanted) {
                Ok(count) => return Reception { count, drained: count < wanted },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An interruption, or an error that waited in the socket and is gone now.
                Err(_) => {}
            }
        }
        Reception { count: 0, drained: true }
    }

    /// Notes what is in landing `index` of the batch just received. False if it was cut off or
    /// comes from no IP address: no UDP datagram should be either.
    #[inline]
    pub(super) fn take(&mut self, batch: &ReceiveBatch, index: usize, landed: &mut Landed) -> bool {
        let arrival = batch.arrival(index);
        let Some(source) = arrival.source.filter(|_| !arrival.truncated) else { return false };
        let length = arrival.length;
        let arrival = Arrival { source, local: self.local, listener: self.id };
        *landed = Landed { length, step: length, arrival };
        if let Some(told) = batch.told(index) {
            self.note(told, landed);
        }
        true
    }

    /// Notes what else the kernel told of a landing.
    fn note(&mut self, told: Told, landed: &mut Landed) {
        if let Some(ip) = told.local {
            landed.arrival.local.set_ip(ip);
        }
        if let Some(bytes) = told.segment {
            landed.step = bytes;
        }
        if let Some(overruns) = told.overruns {
            self.lost = self.lost.wrapping_add(overruns.wrapping_sub(self.overruns));
            self.overruns = overruns;
        }
    }

    /// Datagrams that the socket lost since this was asked last, as far as those that were taken
    /// tell.
    pub const fn take_losses(&mut self) -> u32 {
        std::mem::replace(&mut self.lost, 0)
    }

    /// Whether the socket can send there: IPv4 to IPv4, IPv6 to IPv6.
    #[must_use]
    pub const fn reaches(&self, destination: &SocketAddr) -> bool {
        self.local.is_ipv4() == destination.is_ipv4()
    }

    /// The local address to ask for when a datagram is to leave from `source`: none where the
    /// socket fixes it or the kernel may choose.
    #[must_use]
    pub const fn source_to_ask<'s>(&self, source: &'s IpAddr) -> Option<&'s IpAddr> {
        if !self.wildcard {
            return None;
        }
        let is_fit = !source.is_unspecified() && source.is_ipv4() == self.local.is_ipv4();
        if is_fit { Some(source) } else { None }
    }
}

/// Errors that may wait in a socket, one after another, before a turn of receiving is given up.
const RECEIVE_ATTEMPTS: usize = 8;

impl AsFd for UdpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Source for UdpListener {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.register(to, token, interests)
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.reregister(to, token, interests)
    }

    fn deregister(&mut self, to: &Registry) -> io::Result<()> {
        self.socket.deregister(to)
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as StdSocket;

    use super::super::{Steering, bind_group};
    use super::*;
    use crate::limits::HEADROOM_BYTES;
    use crate::mem::SlotId;

    /// One listener on a free port of `ip`.
    fn listener(ip: &str) -> UdpListener {
        let address = SocketAddr::new(ip.parse().unwrap(), 0);
        bind_group(ListenerId(0), address, 1, Steering::Hash).unwrap().remove(0)
    }

    #[test]
    fn datagrams_land_behind_the_headroom_in_order() {
        let mut listener = listener("127.0.0.1");
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        for text in ["first", "second"] {
            peer.send_to(text.as_bytes(), listener.local_address()).unwrap();
        }
        let mut slots = SlotPool::new(4, 0);
        let mut batch = ReceiveBatch::new(4);
        let reception = listener.receive(&mut batch, &mut slots, 4);
        assert_eq!(reception, Reception { count: 2, drained: true });
        let mut second = Landed::NOTHING;
        assert!(listener.take(&batch, 1, &mut second));
        assert_eq!(second.arrival.source, peer.local_addr().unwrap());
        assert_eq!(second.arrival.local, listener.local_address());
        assert_eq!(&slots.slot(SlotId(1))[HEADROOM_BYTES..][..second.length], b"second");
        let reception = listener.receive(&mut batch, &mut slots, 4);
        assert_eq!(reception, Reception { count: 0, drained: true });
    }

    #[test]
    fn a_full_batch_does_not_say_that_the_queue_is_empty() {
        let mut listener = listener("127.0.0.1");
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..3 {
            peer.send_to(b"x", listener.local_address()).unwrap();
        }
        let mut slots = SlotPool::new(2, 0);
        let mut batch = ReceiveBatch::new(2);
        let full = listener.receive(&mut batch, &mut slots, 2);
        assert_eq!(full, Reception { count: 2, drained: false });
        let rest = listener.receive(&mut batch, &mut slots, 2);
        assert_eq!(rest, Reception { count: 1, drained: true });
    }

    #[test]
    fn a_wildcard_socket_tells_where_each_datagram_went() {
        for (wildcard, loopback) in
            [("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "127.0.0.2"), ("::", "::1")]
        {
            let Ok(peer) = StdSocket::bind((loopback, 0)) else { continue };
            let mut listener = listener(wildcard);
            let target =
                SocketAddr::new(loopback.parse().unwrap(), listener.local_address().port());
            peer.send_to(b"x", target).unwrap();
            let mut slots = SlotPool::new(1, 0);
            let mut batch = ReceiveBatch::new(1);
            assert_eq!(listener.receive(&mut batch, &mut slots, 1).count, 1);
            let mut landed = Landed::NOTHING;
            assert!(listener.take(&batch, 0, &mut landed));
            assert_eq!(landed.arrival.local, target);
        }
    }

    #[test]
    fn what_the_kernel_lost_is_told_once() {
        let mut listener = listener("127.0.0.1");
        SockRef::from(&listener.socket).set_recv_buffer_size(4_096).unwrap();
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        let mut slots = SlotPool::new(64, 0);
        let mut batch = ReceiveBatch::new(64);
        let mut received = 0;
        let mut lost = 0;
        let mut drain = |listener: &mut UdpListener| {
            let count = listener.receive(&mut batch, &mut slots, 64).count;
            received += count;
            for index in 0..count {
                assert!(listener.take(&batch, index, &mut { Landed::NOTHING }));
            }
            lost += listener.take_losses();
        };
        for _ in 0..60 {
            peer.send_to(&[b'x'; 1_000], listener.local_address()).unwrap();
        }
        drain(&mut listener);
        // The count comes with the next datagram that gets through.
        peer.send_to(b"x", listener.local_address()).unwrap();
        peer.send_to(b"x", listener.local_address()).unwrap();
        drain(&mut listener);
        assert!(lost > 0);
        assert_eq!(received + lost as usize, 62);
    }

    #[test]
    fn a_source_address_is_asked_for_on_wildcard_sockets_only() {
        let source = "127.0.0.2".parse().unwrap();
        assert_eq!(listener("127.0.0.1").source_to_ask(&source), None);
        let wildcard = listener("0.0.0.0");
        assert_eq!(wildcard.source_to_ask(&source), Some(&source));
        assert_eq!(wildcard.source_to_ask(&"0.0.0.0".parse().unwrap()), None);
        assert_eq!(wildcard.source_to_ask(&"::1".parse().unwrap()), None);
    }
}
