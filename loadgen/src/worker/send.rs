//! How datagrams go out.

use std::io;
use std::os::fd::AsFd;

use viaduct::sys::{Outgoing, SendBatch};

use super::socket::{BATCH, Socket};
use crate::measure::{Count, Tally};
use crate::outbox::Outbox;

/// Sends what an outbox holds, in batches of one socket each. The order of each socket's
/// datagrams is kept, not that between sockets: callers take their sockets in turn, so that
/// neighbours in the outbox seldom leave through the same one.
#[derive(Debug)]
pub(super) struct Sender {
    batch: SendBatch,
    /// Of each socket, what it has to send: positions in the outbox.
    queues: Vec<Queue>,
    /// Datagrams of the outbox that are in the queues.
    queued: usize,
}

/// What a socket has to send.
#[derive(Debug, Default)]
struct Queue {
    positions: Vec<usize>,
    sent: usize,
}

/// How a flush ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    /// All is sent, and the outbox is empty.
    Done,
    /// A socket's buffer is full: flush again when there is room.
    Blocked,
}

impl Sender {
    /// A sender for `sockets` sockets.
    #[must_use]
    pub(super) fn new(sockets: usize) -> Self {
        let queues = std::iter::repeat_with(Queue::default).take(sockets).collect();
        Self { batch: SendBatch::new(BATCH), queues, queued: 0 }
    }

    /// Sends what `outbox` holds. What the kernel refuses is counted and skipped.
    pub(super) fn flush(
        &mut self,
        outbox: &mut Outbox,
        sockets: &[Socket],
        tally: &mut Tally,
    ) -> Flush {
        for (position, datagram) in outbox.datagrams().iter().enumerate().skip(self.queued) {
            self.queues[usize::from(datagram.socket.0)].positions.push(position);
        }
        self.queued = outbox.datagrams().len();
        let mut end = Flush::Done;
        for (queue, socket) in self.queues.iter_mut().zip(sockets) {
            if queue.flush(&mut self.batch, outbox, socket, tally) == Flush::Blocked {
                end = Flush::Blocked;
            }
        }
        if end == Flush::Done {
            outbox.clear();
            self.queued = 0;
        }
        end
    }

    /// Whether a socket has something left to send.
    #[must_use]
    pub(super) fn is_blocked(&self, socket: usize) -> bool {
        !self.queues[socket].positions.is_empty()
    }
}

impl Queue {
    /// Sends as much as the socket takes.
    fn flush(
        &mut self,
        batch: &mut SendBatch,
        outbox: &Outbox,
        socket: &Socket,
        tally: &mut Tally,
    ) -> Flush {
        let all = outbox.datagrams();
        while let Some(rest) = self.positions.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let datagrams = rest.iter().map(|&position| Outgoing {
                bytes: outbox.bytes(&all[position]),
                destination: all[position].destination,
                source: None,
            });
            match batch.send(socket.as_fd(), datagrams) {
                Ok(count) => {
                    let bytes = |position: &usize| outbox.bytes(&all[*position]).len() as u64;
                    tally.add(Count::Sent, count as u64);
                    tally.add(Count::SentBytes, rest[..count].iter().map(bytes).sum());
                    self.sent += count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tally.count(Count::SendBufferFull);
                    return Flush::Blocked;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    tally.count(Count::Refused);
                    self.sent += 1;
                }
            }
        }
        self.positions.clear();
        self.sent = 0;
        Flush::Done
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};

    use super::*;
    use crate::outbox::SocketId;

    /// `count` sockets on free ports of loopback.
    fn sockets(count: usize) -> Vec<Socket> {
        let bind = || Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        std::iter::repeat_with(bind).take(count).collect()
    }

    /// What has arrived: texts with who sent them.
    fn arrived(peer: &UdpSocket) -> Vec<(String, SocketAddr)> {
        peer.set_nonblocking(true).unwrap();
        let mut bytes = [0; 2_000];
        let next = || {
            let (length, source) = peer.recv_from(&mut bytes).ok()?;
            Some((String::from_utf8_lossy(&bytes[..length]).into_owned(), source))
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn each_socket_sends_its_own_in_order() {
        let sockets = sockets(2);
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let destination = peer.local_addr().unwrap();
        let mut outbox = Outbox::default();
        for number in 0..200_u16 {
            outbox.push(SocketId(number % 2), destination, number.to_string().as_bytes());
        }
        let mut tally = Tally::default();
        let mut sender = Sender::new(2);
        assert_eq!(sender.flush(&mut outbox, &sockets, &mut tally), Flush::Done);
        assert!(outbox.datagrams().is_empty());
        let arrived = arrived(&peer);
        for (id, socket) in sockets.iter().enumerate() {
            let own = arrived.iter().filter(|(_, source)| *source == socket.address());
            let expected = (id..200).step_by(2).map(|number| number.to_string());
            assert!(own.map(|(text, _)| text.clone()).eq(expected));
        }
        assert_eq!((tally.get(Count::Sent), tally.get(Count::SentBytes)), (200, 490));
    }

    #[test]
    fn a_refused_datagram_is_counted_and_the_others_are_sent() {
        let sockets = sockets(1);
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let destination = peer.local_addr().unwrap();
        let mut outbox = Outbox::default();
        outbox.push(SocketId(0), destination, b"before");
        outbox.push(SocketId(0), destination, &vec![b'x'; 70_000]);
        outbox.push(SocketId(0), "[::1]:9".parse().unwrap(), b"other family");
        outbox.push(SocketId(0), destination, b"after");
        let mut tally = Tally::default();
        assert_eq!(Sender::new(1).flush(&mut outbox, &sockets, &mut tally), Flush::Done);
        let texts: Vec<String> = arrived(&peer).into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["before", "after"]);
        assert_eq!((tally.get(Count::Sent), tally.get(Count::Refused)), (2, 2));
    }
}
