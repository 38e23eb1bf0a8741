//! The data path allocates nothing once it is warm.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;
#[path = "../benches/support/traffic.rs"]
mod traffic;

use std::sync::Arc;

use core_support::CoreBench;
use viaduct::names::{Answer, NameTable};

/// The built-in script.
const DEFAULT: &str = include_str!("../examples/default.cfg");

/// Sends the datagrams once to warm up, then again: how many allocations the second round makes.
fn allocations(bench: &mut CoreBench, source: &str, rounds: &[Vec<u8>]) -> u64 {
    let source = source.parse().unwrap();
    let (warm, measured) = rounds.split_at(rounds.len() / 2);
    let run = |bench: &mut CoreBench, datagrams: &[Vec<u8>]| {
        for datagram in datagrams {
            bench.handle(source, datagram);
            assert_eq!(bench.outbox.transmits().len(), 1);
            bench.outbox.sent(1);
        }
    };
    run(bench, warm);
    allocation_counter::measure(|| run(bench, measured)).count_total
}

/// A core with Bob registered.
fn with_bob() -> CoreBench {
    let mut bench = CoreBench::new(DEFAULT);
    assert_eq!(bench.send(traffic::GATEWAY, traffic::register("bob", 1)).len(), 1);
    bench
}

#[test]
fn a_forwarded_invite_allocates_nothing() {
    let rounds = vec![traffic::invite("bob"); 64];
    assert_eq!(allocations(&mut with_bob(), traffic::PHONE, &rounds), 0);
}

#[test]
fn a_forwarded_response_allocates_nothing() {
    let mut bench = with_bob();
    let forwarded = bench.send(traffic::PHONE, traffic::invite("bob")).remove(0).1;
    let rounds = vec![traffic::ringing(&forwarded); 64];
    assert_eq!(allocations(&mut bench, traffic::GATEWAY, &rounds), 0);
}

#[test]
fn the_messages_of_a_call_allocate_nothing() {
    let mut bench = with_bob();
    let call = traffic::call(|source, datagram| bench.send(source, datagram).remove(0).1);
    for (source, datagram) in call {
        let rounds = vec![datagram; 64];
        assert_eq!(allocations(&mut bench, source, &rounds), 0);
    }
}

#[test]
fn a_registrar_refresh_allocates_nothing() {
    let rounds: Vec<Vec<u8>> = (2..66).map(|cseq| traffic::register("bob", cseq)).collect();
    assert_eq!(allocations(&mut with_bob(), traffic::GATEWAY, &rounds), 0);
}

#[test]
fn a_reply_made_here_allocates_nothing() {
    let rounds = vec![traffic::invite("nobody"); 64];
    assert_eq!(allocations(&mut with_bob(), traffic::PHONE, &rounds), 0);
}

#[test]
fn a_reply_with_the_noisy_warning_allocates_nothing() {
    let mut bench = CoreBench::new(
        "#!SER\nloadmodule \"sl.so\"\nroute { rewriteuser(\"x\"); sl_send_reply(\"404\", \"No\"); }",
    );
    let rounds = vec![traffic::invite("nobody"); 64];
    assert_eq!(allocations(&mut bench, traffic::PHONE, &rounds), 0);
}

#[test]
fn a_request_to_a_known_domain_allocates_nothing() {
    let (names, questions) = NameTable::new();
    let names = Arc::new(names);
    let program = core_support::program("route { forward(gateway.example); }");
    let mut bench = CoreBench::with_names(program, Arc::clone(&names));
    bench.handle(traffic::PHONE.parse().unwrap(), &traffic::invite("bob"));
    let answer = Answer::host([[192, 0, 2, 9].into()], 5_060, 60_000);
    names.settle(&questions.try_recv().unwrap(), answer, bench.now.monotonic_ms);
    let rounds = vec![traffic::invite("bob"); 64];
    assert_eq!(allocations(&mut bench, traffic::PHONE, &rounds), 0);
}
