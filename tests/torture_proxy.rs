//! The torture messages of RFC 4475 through the proxy core: forwarded, answered or dropped as
//! the RFC says, and nothing of one message is left for the next.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;
#[path = "torture/mod.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod table;

use core_support::CoreBench;
use table::{Expectation, Torture};

/// Forwards whatever is a request.
const FORWARD: &str = "route { forward(203.0.113.9, 5060); }";

const SOURCE: &str = "198.51.100.7:5060";

/// What a forwarding proxy makes of the message: the status that it answers with, 0 if it
/// forwards it, `None` if it is silent.
fn outcome(bench: &mut CoreBench, message: &Torture) -> Option<u16> {
    let sent = bench.send(SOURCE, message.text);
    assert!(sent.len() <= 1, "{}", message.name);
    let (to, bytes) = sent.into_iter().next()?;
    let Some(rest) = bytes.strip_prefix(b"SIP/2.0 ") else {
        assert_eq!(to, "203.0.113.9:5060".parse().unwrap(), "{}", message.name);
        return Some(0);
    };
    std::str::from_utf8(&rest[..3]).unwrap().parse().ok()
}

#[test]
fn each_message_is_forwarded_answered_or_dropped() {
    let mut bench = CoreBench::new(FORWARD);
    for message in table::all() {
        let expected = match message.expectation {
            Expectation::Valid if message.text.starts_with(b"SIP/") => None,
            // Without Max-Forwards or with another method it is forwarded like any other.
            Expectation::Valid | Expectation::RejectedByRegistrar(_) => Some(0),
            Expectation::Dropped(_) => None,
            other => other.status(),
        };
        let found = outcome(&mut bench, message);
        // A message that lacks what a response repeats cannot be answered.
        let unanswerable = matches!(message.name, "insuf" | "badinv01");
        assert!(
            found == expected || (unanswerable && found.is_none()),
            "{}, RFC 4475 §{}: {found:?} instead of {expected:?}",
            message.name,
            message.section
        );
    }
}

#[test]
fn a_forwarded_message_keeps_every_byte_that_is_not_the_proxys() {
    let mut bench = CoreBench::new(FORWARD);
    for message in table::all() {
        let sent = bench.send(SOURCE, message.text);
        let Some((_, bytes)) = sent.first().filter(|(_, bytes)| !bytes.starts_with(b"SIP/")) else {
            continue;
        };
        let body = |text: &[u8]| {
            let start = text.windows(4).position(|piece| piece == b"\r\n\r\n").unwrap() + 4;
            text[start..].to_vec()
        };
        let forwarded = body(bytes);
        assert!(body(message.text).starts_with(&forwarded), "{}: body", message.name);
        let lines = |text: &[u8]| -> Vec<Vec<u8>> {
            let head = &text[..text.windows(4).position(|piece| piece == b"\r\n\r\n").unwrap()];
            head.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
        };
        let found = lines(bytes);
        let is_the_proxys = |line: &[u8]| {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
            ["via", "v", "max-forwards"].contains(&name.as_str())
        };
        for line in lines(message.text) {
            let folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
            if !is_the_proxys(&line) && !folded {
                assert!(
                    found.contains(&line),
                    "{}: {:?}",
                    message.name,
                    String::from_utf8_lossy(&line)
                );
            }
        }
    }
}

#[test]
fn the_same_messages_again_give_the_same_bytes() {
    let mut bench = CoreBench::new(FORWARD);
    let first: Vec<_> = table::all().map(|message| bench.send(SOURCE, message.text)).collect();
    let backwards: Vec<_> = table::all().collect();
    for (message, sent) in backwards.iter().zip(&first).rev() {
        assert_eq!(&bench.send(SOURCE, message.text), sent, "{}", message.name);
    }
}

#[test]
fn cut_off_anywhere_no_message_does_harm() {
    let mut bench = CoreBench::new(include_str!("../examples/default.cfg"));
    for message in table::all().filter(|message| message.text.len() < 2_000) {
        for end in 0..message.text.len() {
            bench.send(SOURCE, &message.text[..end]);
        }
    }
}
