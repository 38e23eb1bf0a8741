//! A worker whose socket is slower than it: nothing is lost, nothing overtakes.
//!
//! Loopback takes everything at once. So the test runs itself again in a network namespace of
//! its own, where loopback has a speed limit. Where that cannot be made, it says so and passes.

use std::env;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use socket2::SockRef;
use viaduct::jobs::Mailbox;
use viaduct::mem::{Arrival, ListenerId, Outbox, Received};
use viaduct::metrics::{Counter, WorkerCounters};
use viaduct::time::Now;
use viaduct::transport::{Steering, bind_group};
use viaduct::worker::{self, Core, PanicFiles, Programs, WorkerParts};

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
    let address = "127.0.0.1:0".parse().unwrap();
    let listeners = bind_group(ListenerId(0), address, 1, Steering::Hash).unwrap();
    let target = listeners[0].local_address();
    let counters = WorkerCounters::default();
    let parts = WorkerParts {
        index: 0,
        pin_to: None,
        listeners,
        streams: None,
        programs: Programs::new(Arc::new(())),
        make_core: Box::new(|_| Talkative),
        clock: Box::new(Now::default),
        counters: counters.clone(),
        completions: Mailbox::new(),
        panic_files: Arc::new(PanicFiles::new("no/such/directory".into())),
    };
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
