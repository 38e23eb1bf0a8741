//! The whole of `handle_datagram` with the built-in script: what a message costs beside the
//! system calls.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "../tests/support/core.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod core_support;
#[path = "support/traffic.rs"]
mod traffic;

use std::hint::black_box;
use std::net::SocketAddr;

use core_support::CoreBench;
use criterion::{Criterion, criterion_group, criterion_main};

/// Runs one datagram through the core.
fn handle(bench: &mut CoreBench, source: SocketAddr, datagram: &[u8]) {
    bench.handle(source, black_box(datagram));
    let sent = bench.outbox.transmits().len();
    bench.outbox.sent(sent);
}

/// The messages that the figures of `benches/README.md` are about.
fn datapath(criterion: &mut Criterion) {
    let mut bench = CoreBench::new(include_str!("../examples/default.cfg"));
    bench.send(traffic::GATEWAY, traffic::register("bob", 1));
    let phone = traffic::PHONE.parse().unwrap();
    let gateway = traffic::GATEWAY.parse().unwrap();
    let invite = traffic::invite("bob");
    let forwarded = bench.send(traffic::PHONE, &invite).remove(0).1;
    let ringing = traffic::ringing(&forwarded);
    let call = traffic::call(|source, datagram| bench.send(source, datagram).remove(0).1);
    let [.., (_, bye), _] = call;
    let mut group = criterion.benchmark_group("datapath");
    group.bench_function("invite_forward_800B", |run| {
        run.iter(|| handle(&mut bench, phone, &invite));
    });
    group.bench_function("response_forward_450B", |run| {
        run.iter(|| handle(&mut bench, gateway, &ringing));
    });
    group.bench_function("bye_forward_450B", |run| {
        run.iter(|| handle(&mut bench, phone, &bye));
    });
    let register = traffic::register("bob", 2);
    group.bench_function("register_refresh_420B", |run| {
        run.iter(|| handle(&mut bench, gateway, &register));
    });
    group.finish();
}

criterion_group!(benches, datapath);
criterion_main!(benches);
