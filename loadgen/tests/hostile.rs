//! Hostile datagrams at both agents in the middle of live calls: nothing panics, nothing grows
//! without bound, and calls that nobody meddles with are completed.

#[path = "support/pair.rs"]
mod pair;

use std::time::Duration;

use pair::{Pair, distort};
use viaload::measure::Count;
use viaload::scenario::builtin;

/// Scenarios that between them use all that the agents can do.
const SCENARIOS: [&str; 5] = ["call", "cancel", "reinvite", "dtmf", "mixed"];

#[test]
fn distorted_copies_of_live_traffic_leave_no_call_behind() {
    for (seed, scenario) in (1..).zip(SCENARIOS) {
        let mut pair = Pair::new(builtin::cast(scenario).unwrap(), seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..60 {
            pair.start(2);
            for (to, bytes) in pair.flying() {
                let other = pair.overheard(&mut rng);
                let copy = distort(&bytes, &other, &mut rng);
                pair.inject(to, &copy);
                pair.inject(1 - to, &distort(&bytes, &other, &mut rng));
            }
            pair.pass(Duration::from_millis(20));
        }
        pair.finish();
        assert_eq!(pair.in_flight(), 0, "{scenario}");
        let tally = pair.tally();
        let ended = tally.get(Count::Completed) + tally.failed();
        assert_eq!(ended, tally.get(Count::Started), "{scenario}");
        // What was distorted has no say in calls that come after it.
        let before = pair.tally().get(Count::Completed);
        pair.start(50);
        pair.finish();
        assert_eq!(pair.tally().get(Count::Completed) - before, 50, "{scenario}");
    }
}

#[test]
fn strangers_do_not_disturb_calls() {
    for (seed, scenario) in (10..).zip(SCENARIOS) {
        let mut pair = Pair::new(builtin::cast(scenario).unwrap(), seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..40 {
            pair.start(2);
            for (to, bytes) in pair.flying() {
                // The same in another call, whole and distorted.
                let foreign = pair::with_call_id(&bytes, &format!("x{}", rng.u32(..)));
                pair.inject(to, &foreign);
                let copy = distort(&foreign, &foreign, &mut rng);
                pair.inject(1 - to, &pair::with_call_id(&copy, "y"));
            }
            pair.pass(Duration::from_millis(20));
        }
        pair.finish();
        let tally = pair.tally();
        assert_eq!(tally.failed(), 0, "{scenario}: {tally:?}");
        assert_eq!(tally.get(Count::Completed), 80, "{scenario}");
    }
}

#[test]
fn calls_that_strangers_begin_are_bounded_in_time() {
    let mut pair = Pair::new(builtin::cast("call").unwrap(), 3);
    pair.start(1);
    let (to, invite) = pair.flying().remove(0);
    for number in 0..3_000 {
        pair.inject(to, &pair::with_call_id(&invite, &format!("flood-{number}")));
    }
    assert!(pair.answering() >= 3_000);
    pair.pass(Duration::from_secs(40));
    assert_eq!(pair.answering(), 0, "no ACK came");
}

#[test]
fn random_call_ids_begin_no_call() {
    let mut pair = Pair::new(builtin::cast("call").unwrap(), 4);
    pair.start(1);
    let (_, invite) = pair.flying().remove(0);
    let text = String::from_utf8(invite).unwrap();
    let bye = text.replace("INVITE", "BYE").into_bytes();
    for number in 0..100_000_u32 {
        pair.inject(pair::CALLEE, &pair::with_call_id(&bye, &number.to_string()));
    }
    assert!(pair.answering() <= 1);
    pair.finish();
    assert_eq!(pair.tally().get(Count::Completed), 1);
}

#[test]
fn torture_is_survived_in_the_middle_of_a_call() {
    let mut pair = Pair::new(builtin::cast("reinvite").unwrap(), 5);
    let oddities: [&[u8]; 10] = [
        b"\0",
        b"\r\n\r\n",
        b"SIP/2.0 99999 X\r\n",
        b"SIP/2.0 200 OK\r\nVia: ;;;\r\nCSeq: 1 INVITE\r\nCall-ID: @\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nv: x\r\ni: a\r\nCSeq: 4294967295 INVITE\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nv: SIP/2.0/UDP 1;branch=\r\ni: b\r\nCSeq: 2147483648 INVITE\r\n\
          f: <sip:a>;tag=\r\nt: \"\r\nm: <\r\nRecord-Route: ,,,<>\r\nl: 99999999999\r\n\r\n",
        b"ACK sip:x SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:99999;branch=\"x;\\\"\r\ni: b\r\n\
          CSeq: 2147483648 ACK\r\n\r\n",
        b"CANCEL sip:x SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:1;branch=;\r\ni: b\r\n\
          CSeq: 2147483648 CANCEL\r\nf: x\r\nt: x\r\n\r\n",
        b"BYE sip:x SIP/2.0\r\nVia:\r\n SIP/2.0/UDP h\r\n ;branch = a,\r\n SIP/2.0/TCP b\r\n\
          i: c\r\nCSeq:\r\n 1\r\n BYE\r\nf: <sip:a>;tag=1\r\nt: <sip:b>;tag=2\r\n\r\n",
        b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;maddr=127.0.0.1;rport=x;received=y\r\n\
          i: d\r\nCSeq: 0 OPTIONS\r\nf: a\r\nt: b\r\nContent-Length: -1\r\n\r\n",
    ];
    pair.start(20);
    while pair.in_flight() > 0 {
        for oddity in oddities {
            pair.inject(pair::CALLER, oddity);
            pair.inject(pair::CALLEE, oddity);
        }
        pair.pass(Duration::from_millis(50));
    }
    assert_eq!(pair.tally().get(Count::Completed), 20);
}
