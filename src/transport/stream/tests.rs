//! Connections over loopback, turn by turn, at times that the tests choose.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use mio::{Events, Poll};
use socket2::{Domain, Socket, Type};

use super::{Arrived, StreamParts, Streams, bind_streams};
use crate::connections::{ConnectionSettings, Directory, Passed};
use crate::jobs::Mailbox;
use crate::limits::{CONNECTION_PAUSE_MS_MAX, CONNECTION_UNREAD_BYTES_MAX, DATAGRAM_BYTES_MAX};
use crate::mem::{ListenerId, Outbox, Peer, SlotPool};
use crate::metrics::{Counter, WorkerCounters};
use crate::protocol::{Endpoint, Transport};
use crate::transport::tls::{ClientProfile, ClientScope, TlsClient, TlsContexts};

/// A message of so many octets of body.
fn message(body: usize) -> Vec<u8> {
    let head = format!("OPTIONS sip:a@b SIP/2.0\r\nl: {body}\r\n\r\n");
    [head.as_bytes(), &vec![b'x'; body]].concat()
}

/// A worker without a core.
struct Worker {
    poll: Poll,
    events: Events,
    streams: Streams,
    counters: WorkerCounters,
    address: SocketAddr,
    slot: Vec<u8>,
}

/// Workers that share their connections, which are of TCP.
fn workers(count: usize, settings: ConnectionSettings) -> Vec<Worker> {
    workers_of(Transport::Tcp, count, settings)
}

/// Workers that share their connections. Those of TLS believe everybody.
fn workers_of(transport: Transport, count: usize, settings: ConnectionSettings) -> Vec<Worker> {
    let mailboxes: Vec<_> = (0..count).map(|_| Mailbox::bounded(4)).collect();
    let addresses = mailboxes.iter().map(Mailbox::address).collect();
    let directory = Arc::new(Directory::new(settings, addresses));
    let loopback = "127.0.0.1:0".parse().unwrap();
    let endpoint = Endpoint { transport, address: loopback };
    let client = TlsClient::new(&ClientProfile::default()).unwrap();
    let clients = vec![(ClientScope::Default, client)];
    let contexts = TlsContexts::new(Vec::new(), clients, Vec::new());
    let tls = Arc::new(ArcSwap::from_pointee(contexts));
    let worker = |(worker, mailbox)| {
        // Each at an address of its own, so that tests choose who accepts.
        let listeners = bind_streams(ListenerId(1), endpoint, 1).unwrap();
        let address = listeners[0].local_address();
        let counters = WorkerCounters::default();
        let poll = Poll::new().unwrap();
        let (directory, tls) = (Arc::clone(&directory), Arc::clone(&tls));
        let parts =
            StreamParts { worker, listeners, directory, mailbox, tls, counters: counters.clone() };
        let streams = Streams::new(parts, &poll).unwrap();
        let (events, slot) = (Events::with_capacity(64), vec![0; DATAGRAM_BYTES_MAX]);
        Worker { poll, events, streams, counters, address, slot }
    };
    mailboxes.into_iter().enumerate().map(worker).collect()
}

/// A worker alone.
fn worker(settings: ConnectionSettings) -> Worker {
    workers(1, settings).remove(0)
}

impl Worker {
    /// A turn at that time: the messages that have come, and from whom.
    fn turn(&mut self, now_ms: u64) -> Vec<(Arrived, Vec<u8>)> {
        self.streams.set_time(now_ms);
        self.poll.poll(&mut self.events, Some(Duration::from_millis(1))).unwrap();
        self.events.iter().for_each(|event| self.streams.note(event));
        self.streams.begin();
        let mut messages = Vec::new();
        while let Some(arrived) = self.streams.next(&mut self.slot) {
            messages.push((arrived, self.slot[..arrived.length].to_vec()));
        }
        self.streams.write();
        messages
    }

    /// Turns at that time until this is so; what has come.
    fn turn_until(
        &mut self,
        now_ms: u64,
        is_enough: impl Fn(&Self, &[(Arrived, Vec<u8>)]) -> bool,
    ) -> Vec<(Arrived, Vec<u8>)> {
        let mut messages = Vec::new();
        for _ in 0..20_000 {
            messages.extend(self.turn(now_ms));
            if is_enough(self, &messages) {
                return messages;
            }
        }
        panic!("it does not happen: {:?}", self.counted());
    }

    /// Turns until a counter has that value.
    fn turn_until_counted(&mut self, now_ms: u64, counter: Counter, value: u64) {
        self.turn_until(now_ms, |worker, _| worker.counters.value(counter) == value);
    }

    /// What was counted.
    fn counted(&self) -> Vec<(&'static str, u64)> {
        let all = Counter::ALL.iter().map(|it| (it.name(), self.counters.value(*it)));
        all.filter(|(_, value)| *value > 0).collect()
    }

    /// Sends a message, as after a batch.
    fn send(&mut self, to: SocketAddr, otherwise: Option<SocketAddr>, text: &[u8]) {
        self.give(to, otherwise, text);
        self.streams.write();
    }

    /// Gives a message to its connection, in the middle of a batch.
    fn give(&mut self, to: SocketAddr, otherwise: Option<SocketAddr>, text: &[u8]) {
        let mut outbox = Outbox::new();
        let way = (to, ListenerId(1), self.address.ip());
        outbox.push_composed(way, |out| {
            out.extend_from_slice(text);
            true
        });
        outbox.note_peer(Peer { name: None, otherwise });
        let slots = SlotPool::new(0, 0);
        let transmit = &outbox.transmits()[0];
        assert!(self.streams.send(transmit, outbox.peer(0), outbox.bytes(transmit, &slots)));
    }

    /// A peer whose connection is accepted at that time.
    fn connect(&mut self, now_ms: u64) -> TcpStream {
        let accepted = self.counters.value(Counter::ConnectionsAccepted);
        let peer = TcpStream::connect(self.address).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        self.turn_until_counted(now_ms, Counter::ConnectionsAccepted, accepted + 1);
        peer
    }
}

/// Reads so many octets.
fn read(mut peer: &TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    peer.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn an_idle_connection_has_no_memory_to_read_or_write() {
    let mut worker = worker(ConnectionSettings::default());
    let mut peer = worker.connect(0);
    for body in [0, 5_000, 60_000] {
        peer.write_all(&message(body)).unwrap();
        let messages = worker.turn_until(0, |_, messages| messages.len() == 1);
        assert_eq!(messages[0].1, message(body));
        worker.send(peer.local_addr().unwrap(), None, b"answer");
        assert_eq!(read(&peer, 6), b"answer");
    }
    worker.turn(0);
    let ids = worker.streams.table.ids();
    let connection = worker.streams.table.get(ids[0]).unwrap();
    assert_eq!((connection.unread.capacity(), connection.queue.is_bare()), (0, true));
}

#[test]
fn silence_is_counted_from_what_came_or_went_last() {
    let mut worker = worker(ConnectionSettings::default());
    let mut peer = worker.connect(0);
    peer.write_all(&message(0)).unwrap();
    worker.turn_until(100_000, |_, messages| messages.len() == 1);
    worker.turn(219_999);
    worker.send(peer.local_addr().unwrap(), None, b"answer");
    for (now_ms, count) in [(220_000, 0), (339_998, 0), (339_999, 1)] {
        worker.turn(now_ms);
        assert_eq!(worker.counters.value(Counter::ConnectionsIdle), count, "{now_ms}");
    }
    assert_eq!(worker.streams.directory.counts(), (0, 0));
}

#[test]
fn a_message_has_its_time_from_its_first_octet_on() {
    let mut worker = worker(ConnectionSettings::default());
    let mut peer = worker.connect(0);
    let two = message(100).repeat(2);
    peer.write_all(&two[..200]).unwrap();
    worker.turn_until(5_000, |_, messages| messages.len() == 1);
    // The second one is late, not the first.
    peer.write_all(&two[200..201]).unwrap();
    for (now_ms, count) in [(20_000, 0), (24_999, 0), (25_000, 1)] {
        worker.turn(now_ms);
        assert_eq!(worker.counters.value(Counter::ConnectionsLate), count, "{now_ms}");
    }
}

#[test]
fn what_is_sent_while_a_connection_is_opened_goes_in_order() {
    let mut worker = worker(ConnectionSettings::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    for text in ["one ", "two ", "three"] {
        worker.send(to, None, text.as_bytes());
    }
    let (peer, _) = listener.accept().unwrap();
    worker.turn_until_counted(0, Counter::ConnectionsOpened, 1);
    assert_eq!(read(&peer, 13), b"one two three");
    assert_eq!(worker.streams.directory.counts(), (1, 0));
}

#[test]
fn a_peer_that_does_not_answer_is_given_up() {
    // Nobody accepts, and there is no room for more who wait.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let to = socket.local_addr().unwrap().as_socket().unwrap();
    let _waiting = TcpStream::connect(to).unwrap();
    let mut worker = worker(ConnectionSettings::default());
    worker.send(to, None, b"one");
    worker.send(to, None, b"two");
    for (now_ms, count) in [(9_999, 0), (10_000, 1)] {
        worker.turn(now_ms);
        assert_eq!(worker.counters.value(Counter::ConnectionsFailed), count, "{now_ms}");
    }
    assert_eq!(worker.counters.value(Counter::DroppedUnconnected), 2);
    assert!(worker.streams.is_written());
}

#[test]
fn without_its_connection_a_response_goes_where_via_says() {
    let mut worker = worker(ConnectionSettings::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = worker.connect(0).local_addr().unwrap();
    worker.turn_until_counted(0, Counter::ConnectionsEnded, 1);
    for text in [b"one", b"two"] {
        worker.send(gone, listener.local_addr().ok(), text);
    }
    let (peer, _) = listener.accept().unwrap();
    worker.turn_until_counted(0, Counter::ConnectionsOpened, 1);
    assert_eq!(read(&peer, 6), b"onetwo");
}

#[test]
fn a_worker_writes_what_another_has_for_its_connection() {
    let mut both = workers(2, ConnectionSettings::default());
    let peer = both[1].connect(0);
    let to = peer.local_addr().unwrap();
    for _ in 0..6 {
        both[0].send(to, None, b"!");
    }
    assert_eq!(both[0].counters.value(Counter::PassedMessages), 4);
    assert_eq!(both[0].counters.value(Counter::DroppedUnpassed), 2, "that one is behind");
    both[1].turn(0);
    assert_eq!(read(&peer, 4), b"!!!!");
    // It goes before it is written to: the peer is where it was, and is connected to.
    let id = both[1].streams.table.ids()[0];
    drop(peer);
    both[1].turn_until_counted(0, Counter::ConnectionsEnded, 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let destination = listener.local_addr().unwrap();
    let (listener_id, source) = (ListenerId(1), destination.ip());
    let message = b"late".to_vec();
    let passed = Passed { id, destination, listener: listener_id, source, peer: None, message };
    assert!(both[0].streams.directory.pass(1, passed));
    both[1].turn_until_counted(0, Counter::ConnectionsOpened, 1);
    assert_eq!(read(&listener.accept().unwrap().0, 4), b"late");
}

#[test]
fn who_does_not_read_is_read_a_little_now_and_then() {
    let settings = ConnectionSettings { queue_bytes_max: 1_000, ..Default::default() };
    let mut worker = worker(settings);
    let mut peer = worker.connect(0);
    let to = peer.local_addr().unwrap();
    let big = message(60_000);
    while worker.streams.is_written() {
        worker.send(to, None, &big);
    }
    // Nothing is read, until a second has passed.
    peer.write_all(&message(0).repeat(2)).unwrap();
    for _ in 0..20 {
        assert_eq!(worker.turn(0), []);
    }
    let at_ms = CONNECTION_PAUSE_MS_MAX;
    assert_eq!(worker.turn_until(at_ms, |_, messages| messages.len() == 2).len(), 2);
    peer.write_all(&message(0)).unwrap();
    for _ in 0..20 {
        assert_eq!(worker.turn(at_ms), []);
    }
    // All is, once it reads.
    let mut reader = peer.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut total = 0;
        let mut bytes = [0; 65_536];
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            total += count;
        }
        total
    });
    worker.turn_until(at_ms, |_, messages| messages.len() == 1);
    assert!(worker.streams.is_written());
    worker.streams.end_all();
    assert_eq!(reading.join().unwrap() % big.len(), 0, "no message is torn");
}

#[test]
fn those_who_read_nothing_do_not_take_the_room_of_others() {
    let settings = ConnectionSettings { queues_bytes_max: 0, ..Default::default() };
    let mut worker = worker(settings);
    let [deaf, other] = [worker.connect(0), worker.connect(0)];
    while worker.counters.value(Counter::DroppedQueueFull) == 0 {
        worker.send(deaf.local_addr().unwrap(), None, &message(60_000));
    }
    worker.send(other.local_addr().unwrap(), None, b"heard");
    assert_eq!(read(&other, 5), b"heard");
}

#[test]
fn messages_in_part_do_not_take_all_memory() {
    let mut worker = worker(ConnectionSettings::default());
    let mut peers: Vec<_> = (0..3).map(|_| worker.connect(0)).collect();
    for peer in &mut peers {
        peer.write_all(&message(60_000)[..50_000]).unwrap();
    }
    worker.turn_until(0, |worker, _| worker.streams.unread_bytes >= 150_000);
    peers[0].write_all(&message(60_000)[50_000..]).unwrap();
    worker.turn_until(0, |_, messages| messages.len() == 1);
    // As if there were many more of them.
    let elsewhere = CONNECTION_UNREAD_BYTES_MAX - worker.streams.unread_bytes;
    worker.streams.unread_bytes += elsewhere;
    peers[0].write_all(&message(60_000)[..60_000]).unwrap();
    worker.turn_until_counted(0, Counter::ConnectionsCrowded, 1);
    worker.streams.unread_bytes -= elsewhere;
    drop(peers);
    worker.turn_until(0, |worker, _| worker.streams.directory.counts() == (0, 0));
    assert_eq!(worker.streams.unread_bytes, 0);
}

/// RFC 3261 §26.2.2: what is given to a connection in the batch in which its handshake fails.
#[test]
fn nothing_leaves_in_the_clear_when_tls_fails() {
    let mut worker = workers_of(Transport::Tls, 1, ConnectionSettings::default()).remove(0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    worker.send(to, None, b"first");
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    worker.turn(0);
    let _ = read(&peer, 1);
    peer.write_all(b"this is no Server Hello, and no record of TLS either").unwrap();
    // As a turn, with another message before anything is written.
    for _ in 0..20_000 {
        worker.poll.poll(&mut worker.events, Some(Duration::from_millis(1))).unwrap();
        worker.events.iter().for_each(|event| worker.streams.note(event));
        worker.streams.begin();
        assert!(worker.streams.next(&mut worker.slot).is_none());
        if worker.counters.value(Counter::DroppedUnconnected) > 0 {
            break;
        }
        worker.streams.write();
    }
    assert_eq!(worker.counters.value(Counter::DroppedUnconnected), 1, "the first");
    // Further connections are not what this is about.
    drop(listener);
    worker.give(to, None, b"second, which is a MESSAGE");
    worker.streams.write();
    worker.turn_until_counted(60_000, Counter::ConnectionsUnproven, 1);
    let mut told = Vec::new();
    // It may be reset, as not all of what was sent has been read there.
    let _ = peer.read_to_end(&mut told);
    assert!(!told.windows(7).any(|part| part == b"MESSAGE"), "{}", told.escape_ascii());
}
