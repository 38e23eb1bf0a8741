//! Datagrams that somebody might send to hurt the server, through its core: nothing fails,
//! nothing that leaves is malformed, none costs much more than its bytes, and none leaves
//! anything behind.

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;
#[path = "hostile/inputs.rs"]
mod inputs;
#[path = "support/oracle.rs"]
mod oracle;
#[path = "torture/mod.rs"]
#[expect(dead_code, reason = "only the bytes of the messages matter here")]
mod torture;

use core_support::CoreBench;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use viaduct::metrics::Counter;

/// The script that comes with the server.
const DEFAULT: &str = include_str!("../examples/default.cfg");

const SOURCE: &str = "198.51.100.7:5060";

/// Bytes of the largest messages here: what is added to them still fits a datagram.
const LONG: usize = 64_000;

/// A change to the lines of a message.
#[derive(Clone, Debug)]
enum Change {
    Drop(Index),
    Double(Index),
    Swap(Index, Index),
    /// A line of another message.
    Graft(Index, Index, Index),
    /// Some text in the middle of a line, several times.
    Stuff(Index, Index, &'static str, usize),
    /// Another byte.
    Flip(Index, Index, u8),
    /// A number made very large.
    Overflow(Index),
    /// Everything behind gone.
    Cut(Index, Index),
}

/// Any change.
fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    let text = select(vec![
        ",",
        ";",
        "\"",
        "<",
        ">",
        "\\",
        "\r\n ",
        "\r",
        "\n",
        "\0",
        "\r\n",
        " ",
        "%00",
        "%0d%0a",
        ";a=\"",
        "<sip:192.0.2.1;lr>,",
        ";maddr=192.0.2.1",
        ";rport",
        ";received=203.0.113.1",
        "99999999999",
        "\u{e9}\u{ff}",
        "[::]",
        "@",
        ":",
        "?Via=x",
        ";branch=z9hG4bK",
        ";tag=",
    ]);
    prop_oneof![
        index().prop_map(Change::Drop),
        index().prop_map(Change::Double),
        (index(), index()).prop_map(|(a, b)| Change::Swap(a, b)),
        (index(), index(), index()).prop_map(|(at, from, line)| Change::Graft(at, from, line)),
        (index(), index(), text, 1..300_usize)
            .prop_map(|(line, at, text, count)| Change::Stuff(line, at, text, count)),
        (index(), index(), any::<u8>()).prop_map(|(line, at, byte)| Change::Flip(line, at, byte)),
        index().prop_map(Change::Overflow),
        (index(), index()).prop_map(|(line, at)| Change::Cut(line, at)),
    ]
}

/// The torture messages.
fn messages() -> Vec<&'static [u8]> {
    torture::all().map(|message| message.text).collect()
}

/// The lines of a message, each with its line break.
fn lines(message: &[u8]) -> Vec<Vec<u8>> {
    message.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Makes the change.
fn apply(lines: &mut Vec<Vec<u8>>, change: &Change) {
    if lines.is_empty() {
        return;
    }
    let count = lines.len();
    let place = |line: &[u8], at: &Index| at.index(line.len().max(1)).min(line.len());
    match change {
        Change::Drop(at) => drop(lines.remove(at.index(count))),
        Change::Double(at) => lines.insert(at.index(count), lines[at.index(count)].clone()),
        Change::Swap(a, b) => lines.swap(a.index(count), b.index(count)),
        Change::Graft(at, from, line) => {
            let all = messages();
            let donor = self::lines(all[from.index(all.len())]);
            lines.insert(at.index(count), donor[line.index(donor.len())].clone());
        }
        Change::Stuff(line, at, text, times) => {
            let line = &mut lines[line.index(count)];
            let at = place(line, at);
            line.splice(at..at, text.repeat(*times).into_bytes());
        }
        Change::Flip(line, at, byte) => {
            let line = &mut lines[line.index(count)];
            let at = place(line, at);
            if let Some(old) = line.get_mut(at) {
                *old = *byte;
            }
        }
        Change::Overflow(line) => {
            let line = &mut lines[line.index(count)];
            if let Some(at) = line.iter().rposition(u8::is_ascii_digit) {
                line.splice(at..at, *b"18446744073709551615");
            }
        }
        Change::Cut(line, at) => {
            let line = line.index(count);
            let at = place(&lines[line], at);
            lines[line].truncate(at);
            lines.truncate(line + 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 512, ..ProptestConfig::default()
    })]

    #[test]
    fn mutated_messages_do_no_harm(
        message in select(messages()),
        changes in vec(change(), 1..10),
        busy: bool,
    ) {
        let mut lines = lines(message);
        changes.iter().for_each(|change| apply(&mut lines, change));
        let mut datagram = lines.concat();
        datagram.truncate(LONG);
        let mut bench = CoreBench::new(if busy { oracle::BUSY } else { DEFAULT });
        // The second time, what the first one registered is there.
        for _ in 0..2 {
            oracle::handle(&mut bench, SOURCE, &datagram);
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(datagram in vec(any::<u8>(), 0..200)) {
        let mut bench = CoreBench::new(DEFAULT);
        oracle::handle(&mut bench, SOURCE, &datagram);
    }
}

/// All hostile messages of about that length.
fn all_of(length: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    let methods = ["INVITE", "REGISTER", "BYE"];
    let filled = methods.into_iter().flat_map(move |method| inputs::filled(method, length));
    filled.chain(inputs::composed(length))
}

#[test]
fn messages_of_extremes_do_no_harm() {
    for script in [DEFAULT, oracle::BUSY] {
        let mut bench = CoreBench::new(script);
        for (_, datagram) in all_of(LONG) {
            oracle::handle(&mut bench, SOURCE, &datagram);
        }
    }
}

#[test]
fn messages_leave_nothing_behind() {
    let mut bench = CoreBench::new(DEFAULT);
    let messages: Vec<_> = all_of(8_000)
        .map(|(_, datagram)| datagram)
        .filter(|datagram| !datagram.starts_with(b"REGISTER"))
        .collect();
    let mut round = || messages.iter().for_each(|datagram| drop(bench.send(SOURCE, datagram)));
    round();
    let held = allocation_counter::measure(round);
    assert_eq!((held.count_current, held.bytes_current), (0, 0));
}

#[test]
fn keep_alives_and_rubbish_are_swallowed_and_counted() {
    let mut core = CoreBench::new(DEFAULT);
    for datagram in ["", "\r\n\r\n", "\0\0\0\0", "\r\n"] {
        assert_eq!(core.send(SOURCE, datagram), []);
    }
    assert_eq!(core.counted(Counter::DroppedKeepAlive), 4);
    for datagram in ["hello", "INVITE\r\n\r\n", "SIP/2.0 abc OK\r\n\r\n", "\u{fffd}"] {
        assert_eq!(core.send(SOURCE, datagram), []);
    }
    assert_eq!(core.counted(Counter::DroppedMalformed), 4);
}
