//! How datagrams go out.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use viaduct::sys::{Outgoing, SendBatch};

use super::socket::Socket;
use crate::measure::{Count, Tally};
use crate::outbox::{Datagram, Outbox};

/// Sends what an outbox holds, in batches of one socket each.
///
/// What leaves through one socket for one destination with one length is brought together, since
/// the kernel takes such datagrams as one. The order of what a call sends through a socket is kept.
#[derive(Debug)]
pub(super) struct Sender {
    batch: SendBatch,
    /// Of each socket, what it has to send: positions in the outbox.
    queues: Vec<Queue>,
    /// Datagrams of the outbox that are in the queues.
    queued: usize,
}

/// What a socket has to send.
#[derive(Debug)]
struct Queue {
    /// Of each datagram its group, and its position in the outbox.
    entries: Vec<(u32, u32)>,
    /// How many entries are in order.
    arranged: usize,
    /// How many entries have been sent.
    sent: usize,
    /// The groups of the entries that are not in order yet.
    groups: Vec<(SocketAddr, usize)>,
    /// By the last digits of a call's number, the first group that may have its next datagram.
    earliest: [u32; CALLS],
}

/// Calls that are told apart; of more, some wait for each other in vain.
const CALLS: usize = 256;

/// Groups that a datagram may join.
const OPEN_GROUPS: usize = 16;

/// Datagrams that are handed to the kernel at once.
const BATCH: usize = 256;

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
        Self { batch: SendBatch::merging(BATCH), queues, queued: 0 }
    }

    /// Sends what `outbox` holds. What the kernel refuses is counted and skipped.
    pub(super) fn flush(
        &mut self,
        outbox: &mut Outbox,
        sockets: &[Socket],
        tally: &mut Tally,
    ) -> Flush {
        for (position, datagram) in outbox.datagrams().iter().enumerate().skip(self.queued) {
            self.queues[usize::from(datagram.socket.0)].add(position, datagram);
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
        !self.queues[socket].entries.is_empty()
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self { entries: Vec::new(), arranged: 0, sent: 0, groups: Vec::new(), earliest: [0; CALLS] }
    }
}

impl Queue {
    /// Adds a datagram of the outbox to the first group of its like that keeps its call's order.
    fn add(&mut self, position: usize, datagram: &Datagram) {
        let like = (datagram.destination, Outbox::length(datagram));
        let earliest = &mut self.earliest[datagram.call as usize % CALLS];
        let open = self.groups.len().saturating_sub(OPEN_GROUPS).max(*earliest as usize);
        let found = self.groups[open..].iter().position(|group| *group == like);
        let group = found.map_or(self.groups.len(), |found| open + found);
        if found.is_none() {
            self.groups.push(like);
        }
        let group = u32::try_from(group).unwrap_or(u32::MAX);
        *earliest = group;
        self.entries.push((group, u32::try_from(position).unwrap_or(u32::MAX)));
    }

    /// Brings the groups together.
    fn arrange(&mut self) {
        if self.arranged < self.entries.len() {
            self.entries[self.arranged..].sort_unstable();
            self.arranged = self.entries.len();
            self.groups.clear();
            self.earliest.fill(0);
        }
    }

    /// Sends as much as the socket takes.
    fn flush(
        &mut self,
        batch: &mut SendBatch,
        outbox: &Outbox,
        socket: &Socket,
        tally: &mut Tally,
    ) -> Flush {
        self.arrange();
        let all = outbox.datagrams();
        while let Some(rest) = self.entries.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let datagrams = rest.iter().map(|&(_, position)| Outgoing {
                bytes: outbox.bytes(&all[position as usize]),
                destination: &all[position as usize].destination,
                source: None,
            });
            match batch.send(socket.as_fd(), datagrams.clone()) {
                Ok(count) => {
                    let bytes = datagrams.take(count).map(|sent| sent.bytes.len() as u64).sum();
                    tally.add(Count::Sent, count as u64);
                    tally.add(Count::SentBytes, bytes);
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
        self.entries.clear();
        self.arranged = 0;
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
    fn what_is_alike_goes_together_and_a_call_keeps_its_order() {
        let sockets = sockets(1);
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let destination = peer.local_addr().unwrap();
        let mut outbox = Outbox::default();
        let said =
            [(1, "ring-1"), (1, "ok-1"), (2, "ring-2"), (2, "ok-2"), (2, "ring-3"), (3, "ok-3")];
        for (call, text) in said {
            outbox.speak_for(call);
            outbox.push(SocketId(0), destination, text.as_bytes());
        }
        let mut sender = Sender::new(1);
        let mut tally = Tally::default();
        assert_eq!(sender.flush(&mut outbox, &sockets, &mut tally), Flush::Done);
        let texts: Vec<String> = arrived(&peer).into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["ring-1", "ring-2", "ok-1", "ok-2", "ok-3", "ring-3"]);
    }

    #[test]
    fn what_comes_while_a_socket_is_full_goes_behind() {
        let destination = "192.0.2.1:5060".parse().unwrap();
        let mut outbox = Outbox::default();
        let mut queue = Queue::default();
        for (position, text) in ["a", "bb", "a"].iter().enumerate() {
            outbox.push(SocketId(0), destination, text.as_bytes());
            outbox.speak_for(u32::try_from(position).unwrap() + 1);
            queue.add(position, &outbox.datagrams()[position]);
        }
        queue.arrange();
        outbox.push(SocketId(0), destination, b"a");
        queue.add(3, &outbox.datagrams()[3]);
        queue.arrange();
        let positions: Vec<u32> = queue.entries.iter().map(|(_, position)| *position).collect();
        assert_eq!(positions, [0, 2, 1, 3]);
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
