//! The samples of the guides to SER and OpenSER, as printed, slips of the pen repaired: they load,
//! and those that need no transaction do what the guides say.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use std::fs;
use std::path::{Path, PathBuf};

use core_support::CoreBench;
use viaduct::modules::REGISTRY;
use viaduct::script::{Reader, compile, parse_text, render};

const ALICE: &str = "198.51.100.7:5060";

/// The modules that the guides load before their samples.
const MODULES: &str = r#"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "exec.so"
"#;

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

/// Where the samples are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/script/samples")
}

/// A sample, with the modules that it takes for granted behind its first line.
fn sample(name: &str) -> String {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    match text.split_once('\n') {
        Some((mark, rest)) if mark.starts_with("#!") => format!("{mark}\n{MODULES}{rest}"),
        _ => format!("#!SER\n{MODULES}{text}"),
    }
}

/// A request.
fn request(method: &str, uri: &str, more: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {ALICE};branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@foo.bar>;tag=f1\r\nTo: <{uri}>\r\n\
         Call-ID: call@a\r\nCSeq: 7 {method}\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// Where an INVITE for that URI goes, and its first line.
fn sent(name: &str, uri: &str) -> Vec<String> {
    let sent = CoreBench::new(&sample(name)).send(ALICE, request("INVITE", uri, ""));
    sent.iter()
        .map(|(to, bytes)| {
            format!("{to} {}", String::from_utf8_lossy(bytes).lines().next().unwrap())
        })
        .collect()
}

/// Warnings that are true of a sample that shows one thing and leaves out the rest.
const OF_EXCERPTS: &[&str] = &["W0403", "W0410", "W0411"];

#[test]
fn all_samples_load_but_for_what_is_not_there_yet() {
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let parsed = parse_text(Path::new(&name), sample(&name).into_bytes(), &NoFiles);
        let (found, map) = match compile(parsed, &REGISTRY) {
            Ok(compiled) => (compiled.diagnostics, compiled.map),
            Err(rejected) => (rejected.diagnostics, rejected.map),
        };
        let is_true = |code: &str| code == "E0403" || code.starts_with('N');
        let wrong: Vec<_> = found
            .into_iter()
            .filter(|found| !is_true(found.code.0) && !OF_EXCERPTS.contains(&found.code.0))
            .collect();
        assert!(wrong.is_empty(), "{}", render(&wrong, &map));
        count += 1;
    }
    assert!(count >= 12, "{count} samples");
}

/// O02, O08, F02.
#[test]
fn numbers_with_a_zero_go_to_the_static_destination() {
    let line = "192.168.99.3:5080 INVITE sip:012@iptel.org SIP/2.0";
    assert_eq!(sent("static_forwarding.cfg", "sip:012@iptel.org"), [line]);
    assert_eq!(sent("static_forwarding.cfg", "sip:12@iptel.org"), [""; 0]);
}

/// U02, F03.
#[test]
fn the_request_follows_the_rewritten_uri() {
    let line = "192.168.0.77:5060 INVITE sip:bla@192.168.0.77 SIP/2.0";
    assert_eq!(sent("rewriting.cfg", "sip:dan@foo.bar"), [line]);
}

/// O11.
#[test]
fn the_numbering_plan_tells_numbers_from_names() {
    for (uri, expected) in [
        ("sip:1234@foo.bar", "192.168.0.1:5060 INVITE sip:234@foo.bar SIP/2.0"),
        ("sip:2234@foo.bar", "10.0.0.1:5060 INVITE sip:2234@foo.bar SIP/2.0"),
        ("sip:8234@foo.bar", "198.51.100.7:5060 SIP/2.0 404 Not Found"),
        ("sip:bob@foo.bar", "198.51.100.7:5060 SIP/2.0 404 Not Found"),
    ] {
        assert_eq!(sent("numbering_plan.cfg", uri), [expected], "{uri}");
    }
}

/// F12.
#[test]
fn everyone_is_told_that_the_user_is_not_found() {
    let line = "198.51.100.7:5060 SIP/2.0 404 I am so sorry -- user not found";
    assert_eq!(sent("redirect_of_unknown.cfg", "sip:bob@foo.bar"), [line]);
}

/// F05, F06, R01, R02, X01, X02, X03.
#[test]
fn the_stateless_proxy_stays_in_the_path_and_prints_what_passes() {
    let mut bench = CoreBench::new(&sample("stateless_proxy.cfg"));
    let sent = bench.send(ALICE, request("INVITE", "sip:bob@203.0.113.9", ""));
    assert_eq!(sent[0].0, "203.0.113.9:5060".parse().unwrap());
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    assert!(text.contains("\r\nRecord-Route: <sip:192.0.2.1;"), "{text}");
    let log = bench.log();
    assert!(log.contains("[ Method INVITE from 198.51.100.7 ]"), "{log}");
    assert!(log.contains("INVITE sip:bob@203.0.113.9 SIP/2.0\r\nVia: "), "{log}");
    assert!(log.contains("Adding the Route header") && log.contains("now exiting"), "{log}");

    let bye = request("BYE", "sip:bob@203.0.113.9", "Route: <sip:192.0.2.1;lr>\r\n");
    let sent = bench.send(ALICE, bye.replace("203.0.113.9>\r\n", "203.0.113.9>;tag=t\r\n"));
    assert_eq!(sent[0].0, "203.0.113.9:5060".parse().unwrap());
    assert!(!String::from_utf8_lossy(&sent[0].1).contains("\r\nRoute:"));
    assert!(bench.log().contains("Loose Route"), "{}", bench.log());
}
