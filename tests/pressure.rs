//! A worker whose socket is slower than it: nothing is lost, nothing overtakes. And one that is
//! slower than its socket: what is lost is counted.
//!
//! Loopback takes everything at once. So the first test runs itself again in a network namespace of
//! its own, where loopback has a speed limit. Where that cannot be made, it says so and passes.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::env;
use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use socket2::SockRef;
use viaduct::jobs::Mailbox;
use viaduct::mem::{Arrival, ListenerId, Outbox, Received};
use viaduct::metrics::{Counter, WorkerCounters};
use viaduct::time::Now;
use viaduct::transport::{Steering, bind_group};
use viaduct::worker::{self, Core, MakeCore, PanicFiles, Programs, WorkerParts};

/// Answers to each datagram, and their length: together more than the send buffer holds.
const ANSWERS: u32 = 3_000;
const ANSWER_BYTES: usize = 8_000;

/// A core that answers too much.
struct Talkative;

impl Core for Talkative {
    type Program = ();

    fn replace_program(&mut self, _: &Arc<()>) {}

    fn handle_datagram(&mut self, _: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
        for number in 0..ANSWERS {
            let Arrival { source, local, listener } = *received.arrival;
            let way = (source, listener, local.ip());
            outbox.push_composed(way, |bytes| {
                bytes.extend_from_slice(&number.to_be_bytes());
                bytes.resize(bytes.len() + ANSWER_BYTES - 4, b'x');
                true
            });
        }
    }

    fn note_losses(&mut self) {}

    fn poll_timeout(&self) -> Option<u64> {
        None
    }

    fn handle_timeout(&mut self, _: Now, _: &mut Outbox) {}
}

#[test]
fn a_slow_socket_loses_nothing() {
    let prepare = "ip link set lo up && tc qdisc add dev lo root tbf rate 400mbit burst 100k \
                   limit 100m";
    let namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--net", "sh", "-c", script])
            .arg(env::current_exe().unwrap());
        command
    };
    if !namespace(prepare).output().is_ok_and(|output| output.status.success()) {
        let _ = writeln!(io::stderr(), "no network namespace with a slow loopback: not tested");
        return;
    }
    let script = format!("{prepare} && exec \"$0\" --exact --include-ignored slow_loopback");
    let output = namespace(&script).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "a_slow_socket_loses_nothing runs it, on a slow loopback"]
fn slow_loopback() {
    let counters = WorkerCounters::default();
    let (parts, target) = parts(counters.clone(), Box::new(|_| Talkative));
    let (sender, ended) = mpsc::channel();
    let worker = worker::spawn(parts, move |result| sender.send(result).unwrap()).unwrap();

    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    SockRef::from(&peer).set_recv_buffer_size(4 << 20).unwrap();
    for _ in 0..2 {
        peer.send_to(b"go", target).unwrap();
    }
    let mut bytes = [0; ANSWER_BYTES];
    for _ in 0..2 {
        for number in 0..ANSWERS {
            assert_eq!(peer.recv(&mut bytes).unwrap(), ANSWER_BYTES);
            assert_eq!(bytes[..4], number.to_be_bytes());
        }
    }
    worker.stop().unwrap();
    ended.recv().unwrap().unwrap();
    worker.join();
    assert!(counters.value(Counter::SendBufferFull) > 0, "it never had to wait");
    assert_eq!(counters.value(Counter::SentDatagrams), u64::from(2 * ANSWERS));
    assert_eq!(counters.value(Counter::DroppedUnsendable), 0);
}

/// A core that answers with one octet, and counts how often it is told of losses.
struct Overrun(Arc<AtomicU64>);

impl Core for Overrun {
    type Program = ();

    fn replace_program(&mut self, _: &Arc<()>) {}

    fn handle_datagram(&mut self, _: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
        let Arrival { source, local, listener } = *received.arrival;
        outbox.push_composed((source, listener, local.ip()), |bytes| {
            bytes.push(b'x');
            true
        });
    }

    fn note_losses(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn poll_timeout(&self) -> Option<u64> {
        None
    }

    fn handle_timeout(&mut self, _: Now, _: &mut Outbox) {}
}

#[test]
fn what_a_socket_lost_is_counted_and_told() {
    let (counters, told) = (WorkerCounters::default(), Arc::new(AtomicU64::new(0)));
    let core_told = told.clone();
    let (parts, target) = parts(counters.clone(), Box::new(move |_| Overrun(core_told.clone())));
    SockRef::from(&parts.listeners[0]).set_recv_buffer_size(4_096).unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for _ in 0..60 {
        peer.send_to(&[b'x'; 1_000], target).unwrap();
    }
    let (sender, ended) = mpsc::channel();
    let worker = worker::spawn(parts, move |result| sender.send(result).unwrap()).unwrap();
    // The count comes with the next datagram that gets through.
    for _ in 0..60 {
        peer.send_to(b"x", target).unwrap();
        peer.recv(&mut [0; 8]).unwrap();
        if told.load(Ordering::Relaxed) > 0 {
            break;
        }
    }
    worker.stop().unwrap();
    ended.recv().unwrap().unwrap();
    worker.join();
    assert_ne!(told.load(Ordering::Relaxed), 0);
    let lost = counters.value(Counter::ReceiveOverruns);
    assert!((1..60).contains(&lost), "{lost}");
}

/// A worker of that core at a free port, and where that is.
fn parts<C: Core>(counters: WorkerCounters, make_core: MakeCore<C>) -> (WorkerParts<C>, SocketAddr)
where
    C::Program: Default,
{
    let address = "127.0.0.1:0".parse().unwrap();
    let listeners = bind_group(ListenerId(0), address, 1, Steering::Hash).unwrap();
    let target = listeners[0].local_address();
    let parts = WorkerParts {
        index: 0,
        pin_to: None,
        listeners,
        streams: None,
        programs: Programs::new(Arc::new(C::Program::default())),
        make_core,
        clock: Box::new(Now::default),
        counters,
        completions: Mailbox::new(),
        panic_files: Arc::new(PanicFiles::new("no/such/directory".into())),
    };
    (parts, target)
}
