//! Sending what is in an outbox.

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

use super::{Streams, UdpListener};
use crate::limits::BATCH_DATAGRAMS_MAX;
use crate::mem::{ListenerId, Outbox, SlotPool, Transmit};
use crate::metrics::{Counter, WorkerCounters};
use crate::sys::{Outgoing, SendBatch};

/// Sends the datagrams of an outbox through a worker's listeners.
#[derive(Debug)]
pub struct Sender {
    batch: SendBatch,
}

impl Default for Sender {
    fn default() -> Self {
        Self { batch: SendBatch::merging(BATCH_DATAGRAMS_MAX) }
    }
}

impl Sender {
    /// Sends all that the sockets take. Datagrams that the kernel refuses for good (no route, too
    /// long, not permitted) are dropped and counted. When a socket's buffer is full, the rest
    /// stays in the outbox and that listener is given back: to be called again once its socket
    /// is writable.
    ///
    /// `listeners` are in the order of their ids. What leaves by the listeners behind them goes to
    /// `streams`, which never wait.
    pub fn flush(
        &mut self,
        (listeners, mut streams): (&[UdpListener], Option<&mut Streams>),
        outbox: &mut Outbox,
        slots: &SlotPool,
        counters: &WorkerCounters,
    ) -> Option<ListenerId> {
        let usable = |transmit: &Transmit| {
            let listener = listeners.get(usize::from(transmit.listener.0));
            listener.is_some_and(|listener| listener.reaches(&transmit.destination))
        };
        let send = |outbox: &Outbox, group: Range<usize>| {
            let group = &outbox.transmits()[group];
            let listener = &listeners[usize::from(group[0].listener.0)];
            let outgoing = group.iter().map(|transmit| Outgoing {
                bytes: outbox.bytes(transmit, slots),
                destination: &transmit.destination,
                source: listener.source_to_ask(&transmit.source),
            });
            self.batch.send(listener.as_fd(), outgoing)
        };
        let send_otherwise = |outbox: &Outbox, position: usize| {
            let Some(streams) = &mut streams else { return false };
            let transmit = &outbox.transmits()[position];
            streams.send(transmit, outbox.peer(position), outbox.bytes(transmit, slots))
        };
        flush_groups(outbox, counters, (usable, send_otherwise), send)
    }
}

/// The order of events of [`Sender::flush`]: `send` gets one group after another, each of them
/// neighbours in the outbox that go through one listener; `send_otherwise` gets what no listener
/// can send, and says whether it does.
fn flush_groups(
    outbox: &mut Outbox,
    counters: &WorkerCounters,
    (usable, mut send_otherwise): (impl Fn(&Transmit) -> bool, impl FnMut(&Outbox, usize) -> bool),
    mut send: impl FnMut(&Outbox, Range<usize>) -> io::Result<usize>,
) -> Option<ListenerId> {
    let mut done = 0;
    let mut blocked = None;
    while let Some(first) = outbox.transmits().get(done) {
        let listener = first.listener;
        if !usable(first) {
            if !send_otherwise(outbox, done) {
                counters.count(Counter::DroppedUnsendable);
            }
            done += 1;
            continue;
        }
        // What goes through one socket to addresses of one family is usable alike.
        let way = |transmit: &Transmit| (transmit.listener, transmit.destination.is_ipv4());
        let rest = &outbox.transmits()[done..];
        let together = rest.iter().take_while(|transmit| way(transmit) == way(first));
        let length = together.take(BATCH_DATAGRAMS_MAX).count();
        match send(outbox, done..done + length) {
            Ok(sent) => {
                counters.add(Counter::SentDatagrams, sent as u64);
                done += sent;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                counters.count(Counter::SendBufferFull);
                blocked = Some(listener);
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The error is about the first of the group; the next may do better.
            Err(_) => {
                counters.count(Counter::DroppedUnsendable);
                done += 1;
            }
        }
    }
    outbox.sent(done);
    blocked
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};

    use super::super::{Steering, bind_group};
    use super::*;

    /// An outbox with a composed datagram for each listener and text.
    fn outbox(destination: SocketAddr, content: &[(u16, &str)]) -> Outbox {
        let mut outbox = Outbox::new();
        for (listener, text) in content {
            let way = (destination, ListenerId(*listener), "0.0.0.0".parse().unwrap());
            outbox.push_composed(way, |bytes| {
                bytes.extend_from_slice(text.as_bytes());
                true
            });
        }
        outbox
    }

    /// Flushes with a `send` that gives one of `results` after another and notes the groups.
    fn flush_scripted(
        outbox: &mut Outbox,
        counters: &WorkerCounters,
        results: Vec<io::Result<usize>>,
    ) -> (Option<ListenerId>, Vec<Range<usize>>) {
        let mut groups = Vec::new();
        let mut results = results.into_iter();
        let blocked = flush_groups(outbox, counters, (|_| true, |_, _| false), |_, group| {
            groups.push(group);
            results.next().unwrap()
        });
        assert!(results.next().is_none(), "too few calls");
        (blocked, groups)
    }

    fn anywhere() -> SocketAddr {
        "192.0.2.1:5060".parse().unwrap()
    }

    #[test]
    fn neighbours_of_one_listener_go_together() {
        let mut outbox = outbox(anywhere(), &[(0, "a"), (0, "b"), (1, "c"), (0, "d")]);
        let counters = WorkerCounters::default();
        let results = vec![Ok(2), Ok(1), Ok(1)];
        let (blocked, groups) = flush_scripted(&mut outbox, &counters, results);
        assert_eq!((blocked, groups), (None, vec![0..2, 2..3, 3..4]));
        assert!(outbox.is_empty());
        assert_eq!(counters.value(Counter::SentDatagrams), 4);
    }

    #[test]
    fn a_full_buffer_keeps_the_rest_in_order() {
        let mut outbox = outbox(anywhere(), &[(0, "a"), (0, "b"), (0, "c")]);
        let counters = WorkerCounters::default();
        let full = Err(io::ErrorKind::WouldBlock.into());
        let (blocked, groups) = flush_scripted(&mut outbox, &counters, vec![Ok(1), full]);
        assert_eq!((blocked, groups), (Some(ListenerId(0)), vec![0..3, 1..3]));
        let slots = SlotPool::new(0, 0);
        let left: Vec<&[u8]> =
            outbox.transmits().iter().map(|transmit| outbox.bytes(transmit, &slots)).collect();
        assert_eq!(left, [b"b", b"c"]);
        assert_eq!(counters.value(Counter::SendBufferFull), 1);
        let (blocked, _) = flush_scripted(&mut outbox, &counters, vec![Ok(2)]);
        assert_eq!(blocked, None);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_refused_datagram_is_dropped_and_the_next_goes_out() {
        for code in [libc::EMSGSIZE, libc::ENETUNREACH, libc::EPERM, libc::EINVAL, libc::ENOBUFS] {
            let mut outbox = outbox(anywhere(), &[(0, "a"), (0, "b"), (0, "c")]);
            let counters = WorkerCounters::default();
            let refused = Err(io::Error::from_raw_os_error(code));
            let results = vec![Ok(1), refused, Ok(1)];
            let (blocked, groups) = flush_scripted(&mut outbox, &counters, results);
            assert_eq!((blocked, groups), (None, vec![0..3, 1..3, 2..3]));
            assert_eq!(counters.value(Counter::SentDatagrams), 2);
            assert_eq!(counters.value(Counter::DroppedUnsendable), 1);
        }
    }

    #[test]
    fn an_interruption_is_tried_again() {
        let mut outbox = outbox(anywhere(), &[(0, "a")]);
        let counters = WorkerCounters::default();
        let interrupted = Err(io::ErrorKind::Interrupted.into());
        flush_scripted(&mut outbox, &counters, vec![interrupted, Ok(1)]);
        assert_eq!(counters.value(Counter::SentDatagrams), 1);
    }

    #[test]
    fn groups_are_no_larger_than_a_batch() {
        let content = vec![(0, "x"); BATCH_DATAGRAMS_MAX + 1];
        let mut outbox = outbox(anywhere(), &content);
        let counters = WorkerCounters::default();
        let results = vec![Ok(BATCH_DATAGRAMS_MAX), Ok(1)];
        let (_, groups) = flush_scripted(&mut outbox, &counters, results);
        assert_eq!(groups[0].len(), BATCH_DATAGRAMS_MAX);
    }

    #[test]
    fn what_the_listener_cannot_reach_is_dropped() {
        let address = "127.0.0.1:0".parse().unwrap();
        let listeners = bind_group(ListenerId(0), address, 1, Steering::Hash).unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_nonblocking(true).unwrap();
        let to_peer = peer.local_addr().unwrap();
        let mut outbox = outbox("[2001:db8::1]:5060".parse().unwrap(), &[(0, "v6"), (7, "none")]);
        let way = (to_peer, ListenerId(0), "127.0.0.1".parse().unwrap());
        outbox.push_composed(way, |bytes| {
            bytes.push(b'y');
            true
        });
        // Port 0 is refused by the kernel.
        let way = (SocketAddr::new(to_peer.ip(), 0), way.1, way.2);
        outbox.push_composed(way, |bytes| {
            bytes.push(b'n');
            true
        });
        let counters = WorkerCounters::default();
        let slots = SlotPool::new(0, 0);
        let blocked = Sender::default().flush((&listeners, None), &mut outbox, &slots, &counters);
        assert_eq!(blocked, None);
        assert!(outbox.is_empty());
        assert_eq!(counters.value(Counter::DroppedUnsendable), 3);
        assert_eq!(counters.value(Counter::SentDatagrams), 1);
        let mut bytes = [0; 8];
        assert_eq!(peer.recv(&mut bytes).unwrap(), 1);
    }

    #[test]
    fn a_datagram_leaves_a_wildcard_socket_from_the_address_asked_for() {
        let address = "0.0.0.0:0".parse().unwrap();
        let listeners = bind_group(ListenerId(0), address, 1, Steering::Hash).unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_nonblocking(true).unwrap();
        let mut outbox = Outbox::new();
        let way = (peer.local_addr().unwrap(), ListenerId(0), "127.0.0.9".parse().unwrap());
        outbox.push_composed(way, |bytes| {
            bytes.push(b'x');
            true
        });
        let counters = WorkerCounters::default();
        let slots = SlotPool::new(0, 0);
        Sender::default().flush((&listeners, None), &mut outbox, &slots, &counters);
        let (_, source) = peer.recv_from(&mut [0; 8]).unwrap();
        let expected = SocketAddr::new(way.2, listeners[0].local_address().port());
        assert_eq!(source, expected);
    }
}
