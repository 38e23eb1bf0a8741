//! Instructions that a datagram costs between the kernel and the core: received by an `Inbox`, put
//! into an outbox, sent by a `Sender`, over loopback.
//!
//! `cargo bench --bench relay` runs itself under `valgrind --tool=callgrind` (skipped with a
//! message where there is none), which counts [`relay`] and what that calls, no system call. Each
//! case runs with N and with 2 N batches: the difference is without what is done once.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what fails here fails the run")]

use std::net::UdpSocket;
use std::process::Command;

use viaduct::limits::HEADROOM_BYTES;
use viaduct::mem::{ListenerId, Outbox, Payload, Transmit};
use viaduct::metrics::WorkerCounters;
use viaduct::transport::{Inbox, Next, Sender, Steering, UdpListener, bind_group};

/// Batches of a short run; a long run has twice as many.
const ROUNDS: usize = 200;

/// A case: its name, the datagrams of a batch, and whether their lengths differ, so that each goes
/// alone.
type Case = (&'static str, usize, bool);

const CASES: &[Case] = &[
    ("one a batch", 1, false),
    ("32 a batch, each alone", 32, true),
    ("32 a batch, sent as one", 32, false),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, case, rounds] = &arguments[..]
        && let (Ok(case), Ok(rounds)) = (case.parse::<usize>(), rounds.parse())
    {
        return run(&CASES[case], rounds);
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        // As a test it only has to run.
        return CASES.iter().for_each(|case| run(case, 1));
    }
    for (number, (name, size, _)) in CASES.iter().enumerate() {
        match (count(number, ROUNDS), count(number, 2 * ROUNDS)) {
            (Some(short), Some(long)) => {
                println!("{:>8} instructions a datagram  {name}", (long - short) / ROUNDS / size);
            }
            _ => return println!("skipped: this bench needs valgrind"),
        }
    }
}

/// Instructions of [`relay`] in a whole run, as callgrind counts them.
fn count(case: usize, rounds: usize) -> Option<usize> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=*relay::relay*")
        .arg(std::env::current_exe().ok()?)
        .args([case.to_string(), rounds.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = text.lines().find_map(|line| line.split("Collected : ").nth(1))?;
    collected.split_whitespace().next()?.parse().ok()
}

/// What a worker has of these.
#[derive(Default)]
struct Desk {
    inbox: Inbox,
    outbox: Outbox,
    sender: Sender,
    counters: WorkerCounters,
}

/// Has so many batches go through.
fn run(&(_, size, differ): &Case, rounds: usize) {
    let address = "127.0.0.1:0".parse().unwrap();
    let mut listeners = bind_group(ListenerId(0), address, 1, Steering::Hash).unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut desk = Desk::default();
    let text = [b'x'; 900];
    for _ in 0..rounds {
        for number in 0..size {
            let length = if differ { 700 + number } else { 700 };
            peer.send_to(&text[..length], listeners[0].local_address()).unwrap();
        }
        let mut passed = 0;
        while passed < size {
            passed += relay(&mut listeners, &mut desk);
        }
        for _ in 0..size {
            peer.recv(&mut [0; 2_000]).unwrap();
        }
    }
}

/// Sends what is there back to where it came from; how many datagrams that are.
#[inline(never)]
fn relay(listeners: &mut [UdpListener], desk: &mut Desk) -> usize {
    let Desk { inbox, outbox, sender, counters } = desk;
    inbox.receive(&mut listeners[0]);
    let mut count = 0;
    while let Next::Datagram(received) = inbox.next(&mut listeners[0]) {
        outbox.push(Transmit {
            destination: received.arrival.source,
            listener: received.arrival.listener,
            source: received.arrival.local.ip(),
            payload: Payload::Slot(received.slot, HEADROOM_BYTES..HEADROOM_BYTES + received.length),
        });
        count += 1;
    }
    assert_eq!(sender.flush((listeners, None), outbox, inbox.slots(), counters), None);
    inbox.release();
    count
}
