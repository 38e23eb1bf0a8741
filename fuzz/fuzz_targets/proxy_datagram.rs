//! Two datagrams from two addresses through the core, under the script that comes with the
//! server and under a busier one. Three zero bytes are between the two.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use viaduct::script::Program;

#[path = "../../tests/support/core.rs"]
#[allow(dead_code, reason = "each user takes a part of it")]
mod core_support;
#[path = "../../tests/support/oracle.rs"]
mod oracle;

use core_support::{CoreBench, program};

/// Compiled once.
static PROGRAMS: LazyLock<[Program; 2]> =
    LazyLock::new(|| [include_str!("../../examples/default.cfg"), oracle::BUSY].map(program));

fuzz_target!(|bytes: &[u8]| {
    let middle = bytes.windows(3).position(|three| three == b"\0\0\0").unwrap_or(bytes.len());
    let (first, second) = bytes.split_at(middle);
    for program in PROGRAMS.iter() {
        let mut bench = CoreBench::with_program(program.clone());
        let sent = oracle::handle(&mut bench, "198.51.100.7:5060", first);
        oracle::handle(&mut bench, "203.0.113.9:40000", second);
        oracle::handle(&mut bench, "203.0.113.9:40000", first);
        // Whoever got a request answers it: the response goes back or nowhere.
        for (peer, request) in sent {
            let answer = answered(&request);
            oracle::handle(&mut bench, &peer.to_string(), &answer);
        }
    }
});

/// The request with a status line instead of its request line.
fn answered(request: &[u8]) -> Vec<u8> {
    let line = request.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    [b"SIP/2.0 200 OK\r", &request[line..]].concat()
}
