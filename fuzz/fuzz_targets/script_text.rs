//! Any text as a script: it compiles or is refused with a reason, and a run of it ends.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use viaduct::modules::REGISTRY;
use viaduct::script::{Reader, compile, parse_text, render, render_json};

#[path = "../../tests/support/core.rs"]
#[allow(dead_code, reason = "each user takes a part of it")]
mod core_support;

use core_support::CoreBench;

/// No file is there.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

const INVITE: &[u8] = b"INVITE sip:bob@192.0.2.1 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n\
    From: <sip:a@b>;tag=1\r\nTo: <sip:bob@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:a@198.51.100.7>\r\nRoute: <sip:192.0.2.1;lr>\r\nSubject: x, y\r\n\
    Content-Length: 4\r\n\r\nv=0\n";

fuzz_target!(|text: &[u8]| {
    if text.len() > 8_192 {
        return;
    }
    let compiled = compile(parse_text(Path::new("fuzz.cfg"), text.to_vec(), &NoFiles), &REGISTRY);
    match compiled {
        Err(rejected) => {
            assert!(!rejected.diagnostics.is_empty(), "refused without a reason");
            let _ = render(&rejected.diagnostics, &rejected.map);
            let _ = render_json(&rejected.diagnostics, &rejected.map);
        }
        Ok(compiled) => {
            let mut bench = CoreBench::with_program(compiled.program);
            let register = INVITE.to_vec();
            let register = String::from_utf8_lossy(&register).replace("INVITE", "REGISTER");
            bench.send("198.51.100.7:5060", register);
            bench.send("198.51.100.7:5060", INVITE);
        }
    }
});
