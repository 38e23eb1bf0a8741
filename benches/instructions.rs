//! Instruction counts of the data path, which are the same on every run of one binary.
//!
//! `cargo bench --bench instructions` runs itself under `valgrind --tool=callgrind` (skipped with
//! a message where there is none), each case with N and with 2 N messages: the difference,
//! divided by N, is the cost of one message without start-up.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "what fails here fails the run")]

#[path = "support/by_hand.rs"]
mod by_hand;
#[path = "../tests/support/core.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod core_support;
#[path = "support/traffic.rs"]
mod traffic;

use std::hint::black_box;
use std::net::SocketAddr;
use std::process::Command;

use core_support::CoreBench;
use viaduct::sip::rewrite::EditList;
use viaduct::sip::{Message, MessageIndex, parse};

/// Messages of a short run, those of whole calls; a long run has twice as many.
const ROUNDS: u64 = 2_100;

/// A case: its name, and what it does with that many messages.
type Case = (&'static str, fn(u64));

const CASES: &[Case] = &[
    ("parse an INVITE of 800 bytes", parse_invite),
    ("validate it", validate_invite),
    ("rewrite it: Via, Record-Route, Request-URI", rewrite_invite),
    ("handle_datagram: forward an INVITE to a registered user", forward_invite),
    ("handle_datagram: the same, by a route in Rust instead of the script", forward_by_hand),
    ("handle_datagram: forward an INVITE to the address in its Request-URI", forward_elsewhere),
    ("handle_datagram: the same from a peer that does not ask for rport", forward_trunk),
    ("handle_datagram: forward the INVITE, script of one forward()", forward_only),
    ("handle_datagram: the same, script of benches/peers", forward_beside_peers),
    ("handle_datagram: forward a response of 450 bytes", forward_response),
    ("handle_datagram: refresh a registration", refresh),
    ("handle_datagram: answer 404", not_found),
    ("handle_datagram: forward a BYE by our Route", forward_bye),
    ("handle_datagram: forward the ACK to a 2xx by our Route", forward_ack),
    ("handle_datagram: mean of the seven messages of a call", forward_call),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, case, rounds] = &arguments[..]
        && let (Ok(case), Ok(rounds)) = (case.parse::<usize>(), rounds.parse())
    {
        return CASES[case].1(rounds);
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        // As a test it only has to run.
        return CASES.iter().for_each(|(_, run)| run(1));
    }
    for (case, (name, _)) in CASES.iter().enumerate() {
        match (count(case, ROUNDS), count(case, 2 * ROUNDS)) {
            (Some(short), Some(long)) => {
                println!("{:>8} instructions  {name}", (long - short) / ROUNDS);
            }
            _ => return println!("skipped: this bench needs valgrind"),
        }
    }
}

/// Instructions of a whole run, as callgrind counts them.
fn count(case: usize, rounds: u64) -> Option<u64> {
    let binary = std::env::current_exe().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .args([case.to_string(), rounds.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = text.lines().find_map(|line| line.split("Collected : ").nth(1))?;
    collected.split_whitespace().next()?.parse().ok()
}

fn parse_invite(rounds: u64) {
    let datagram = traffic::invite("bob");
    let mut index = MessageIndex::default();
    for _ in 0..rounds {
        black_box(parse(black_box(&datagram), &mut index)).unwrap();
    }
}

fn validate_invite(rounds: u64) {
    let datagram = traffic::invite("bob");
    let mut index = MessageIndex::default();
    parse(&datagram, &mut index).unwrap();
    for _ in 0..rounds {
        black_box(Message::new(black_box(&datagram), &index).validate_request()).unwrap();
    }
}

fn rewrite_invite(rounds: u64) {
    let datagram = traffic::invite("bob");
    let mut index = MessageIndex::default();
    parse(&datagram, &mut index).unwrap();
    let message = Message::new(&datagram, &index);
    let uri = message.offset_of(message.request_uri());
    let top = message.headers_start();
    let mut slot = vec![0; 4_096];
    let mut edits = EditList::default();
    for _ in 0..rounds {
        // The request line is put back where it was; the rest has not moved.
        slot[1_024..1_024 + datagram.len()].copy_from_slice(black_box(&datagram));
        edits.clear();
        edits.replace(uri, message.request_uri().len(), b"sip:bob@203.0.113.9:5060");
        edits.insert(top, b"Record-Route: <sip:192.0.2.1;lr;ftag=1928301774>\r\n");
        edits.insert_before(
            top,
            &[b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK", &[b'0'; 27], b"\r\n"],
        );
        black_box(edits.apply(&mut slot, 1_024..1_024 + datagram.len())).unwrap();
    }
}

/// A core with Bob registered.
fn with_bob() -> CoreBench {
    let mut bench = CoreBench::new(include_str!("../examples/default.cfg"));
    bench.send(traffic::GATEWAY, traffic::register("bob", 1));
    bench
}

/// Runs one datagram through the core again and again.
fn repeat(bench: &mut CoreBench, source: &str, datagram: &[u8], rounds: u64) {
    let source: SocketAddr = source.parse().unwrap();
    for _ in 0..rounds {
        bench.handle(source, black_box(datagram));
        assert_eq!(bench.outbox.transmits().len(), 1);
        bench.outbox.sent(1);
    }
}

fn forward_invite(rounds: u64) {
    repeat(&mut with_bob(), traffic::PHONE, &traffic::invite("bob"), rounds);
}

fn forward_by_hand(rounds: u64) {
    let mut bench = CoreBench::with_program(by_hand::program());
    bench.send(traffic::GATEWAY, traffic::register("bob", 1));
    repeat(&mut bench, traffic::PHONE, &traffic::invite("bob"), rounds);
}

/// An INVITE to the address of the gateway.
fn invite_elsewhere() -> String {
    let to_bob = String::from_utf8(traffic::invite("bob")).unwrap();
    to_bob.replacen("sip:bob@192.0.2.1", "sip:bob@203.0.113.9", 1)
}

fn forward_elsewhere(rounds: u64) {
    repeat(&mut with_bob(), traffic::PHONE, invite_elsewhere().as_bytes(), rounds);
}

fn forward_trunk(rounds: u64) {
    let invite = invite_elsewhere().replacen(";rport", "", 1);
    repeat(&mut with_bob(), traffic::PHONE, invite.as_bytes(), rounds);
}

fn forward_only(rounds: u64) {
    let mut bench = CoreBench::new("route { forward(203.0.113.9, 5060); }");
    repeat(&mut bench, traffic::PHONE, &traffic::invite("bob"), rounds);
}

fn forward_beside_peers(rounds: u64) {
    let script = include_str!("peers/forward.cfg");
    let script = script.replace("CALLEE_HOST", "203.0.113.9").replace("CALLEE_PORT", "5060");
    repeat(&mut CoreBench::new(&script), traffic::PHONE, &traffic::invite("bob"), rounds);
}

fn forward_response(rounds: u64) {
    let mut bench = with_bob();
    let forwarded = bench.send(traffic::PHONE, traffic::invite("bob")).remove(0).1;
    repeat(&mut bench, traffic::GATEWAY, &traffic::ringing(&forwarded), rounds);
}

fn refresh(rounds: u64) {
    let mut bench = with_bob();
    let source: SocketAddr = traffic::GATEWAY.parse().unwrap();
    let mut datagram = traffic::register("bob", 100_000_000);
    let digits = datagram.windows(9).rposition(|piece| piece == b"100000000").unwrap();
    for _ in 0..rounds {
        count_up(&mut datagram[digits..digits + 9]);
        bench.handle(source, black_box(&datagram));
        assert_eq!(bench.outbox.transmits().len(), 1);
        bench.outbox.sent(1);
    }
}

/// Adds one to a decimal number.
fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

fn not_found(rounds: u64) {
    repeat(&mut with_bob(), traffic::PHONE, &traffic::invite("nobody"), rounds);
}

/// A core with Bob registered, and the messages of a call to him.
fn with_call() -> (CoreBench, [(&'static str, Vec<u8>); 7]) {
    let mut bench = with_bob();
    let call = traffic::call(|source, datagram| bench.send(source, datagram).remove(0).1);
    (bench, call)
}

fn forward_bye(rounds: u64) {
    let (mut bench, [.., (source, bye), _]) = with_call();
    repeat(&mut bench, source, &bye, rounds);
}

fn forward_ack(rounds: u64) {
    let (mut bench, [.., (source, ack), _, _]) = with_call();
    repeat(&mut bench, source, &ack, rounds);
}

fn forward_call(rounds: u64) {
    let (mut bench, call) = with_call();
    let call = call.map(|(source, datagram)| (source.parse::<SocketAddr>().unwrap(), datagram));
    for (source, datagram) in call.iter().cycle().take(usize::try_from(rounds).unwrap()) {
        bench.handle(*source, black_box(datagram));
        assert_eq!(bench.outbox.transmits().len(), 1);
        bench.outbox.sent(1);
    }
}
