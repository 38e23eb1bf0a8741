//! The proxy core, message by message, without a network.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use std::sync::Arc;

use core_support::{CoreBench, Sent};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use viaduct::metrics::Counter;
use viaduct::names::{Answer, NameTable, Question};

const ALICE: &str = "198.51.100.7:5060";
const BOB: &str = "203.0.113.9:5060";
/// Sends everything to Bob.
const TO_BOB: &str = "route { forward(203.0.113.9, 5060); }";
/// Sends everything where its URI says.
const BY_URI: &str = "route { if (!forward()) { sl_reply_error(); } }";

/// A core that runs the script, the modules that these tests use in front.
fn bench(script: &str) -> CoreBench {
    CoreBench::new(&format!("loadmodule \"sl.so\"\nloadmodule \"textops.so\"\n{script}"))
}

/// A request of Alice's with the extra header lines.
fn request(method: &str, uri: &str, extra: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@a.example>;tag=a1\r\nTo: <sip:bob@b.example>\r\n\
         Call-ID: c1@a\r\nCSeq: 7 {method}\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

/// What Bob answers to `forwarded`.
fn response(forwarded: &Sent, code: u16) -> String {
    let text = text(forwarded);
    let kept = text.lines().filter(|line| {
        ["Via:", "From:", "To:", "Call-ID:", "CSeq:", "Record-Route:"]
            .iter()
            .any(|name| line.starts_with(name))
    });
    let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
    format!("SIP/2.0 {code} Answer\r\n{kept}Content-Length: 0\r\n\r\n")
}

fn text(sent: &Sent) -> String {
    String::from_utf8(sent.1.clone()).unwrap()
}

fn status(sent: &Sent) -> String {
    text(sent).lines().next().unwrap_or_default().to_owned()
}

/// The lines of that header field.
fn lines(sent: &Sent, name: &str) -> Vec<String> {
    let prefix = format!("{name}: ");
    text(sent).lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

fn branch(sent: &Sent) -> String {
    let via = lines(sent, "Via").remove(0);
    via.split(";branch=").nth(1).unwrap().split(';').next().unwrap().to_owned()
}

fn only(sent: Vec<Sent>) -> Sent {
    assert_eq!(sent.len(), 1, "{:?}", sent.iter().map(text).collect::<Vec<_>>());
    sent.into_iter().next().unwrap()
}

#[test]
fn a_request_gains_a_via_and_loses_a_hop() {
    let mut core = bench(TO_BOB);
    let sent = only(core.send(ALICE, request("INVITE", "sip:bob@b.example", "X-Odd:  a \t\r\n")));
    assert_eq!(sent.0, BOB.parse().unwrap());
    assert_eq!(lines(&sent, "Max-Forwards"), ["69"]);
    let vias = lines(&sent, "Via");
    assert!(vias[0].starts_with("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"), "{vias:?}");
    assert_eq!(vias[1], "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1");
    assert!(text(&sent).contains("\r\nX-Odd:  a \t\r\n"), "untouched lines are byte-identical");
}

#[test]
fn a_response_loses_our_via_and_nothing_else() {
    let mut core = bench(TO_BOB);
    let forwarded = only(core.send(ALICE, request("INVITE", "sip:bob@b.example", "")));
    let answer = response(&forwarded, 180);
    let own_via = format!("Via: {}\r\n", lines(&forwarded, "Via")[0]);
    let sent = only(core.send(BOB, &answer));
    assert_eq!(sent.0, ALICE.parse().unwrap());
    assert_eq!(text(&sent), answer.replace(&own_via, ""));
}

/// A block that also runs for requests may have such a function.
#[test]
fn a_response_gets_no_reply() {
    let script = "route[REFUSE] { sl_send_reply(\"404\", \"No\"); }
        route { if ($rm == \"OPTIONS\") { route(REFUSE); } forward(203.0.113.9, 5060); }
        onreply_route { route(REFUSE); }";
    let mut core = bench(&format!("loadmodule \"pv.so\"\n{script}"));
    let forwarded = only(core.send(ALICE, request("INVITE", "sip:bob@b.example", "")));
    let sent = only(core.send(BOB, response(&forwarded, 200)));
    assert_eq!((sent.0, status(&sent)), (ALICE.parse().unwrap(), "SIP/2.0 200 Answer".into()));
}

/// A change at a place where the message before was changed.
#[test]
fn nothing_is_left_of_the_changes_to_the_message_before() {
    let mut core = bench(TO_BOB);
    let invite = request("INVITE", "sip:bob@b.example", "").replace("Max-Forwards: 70\r\n", "");
    let invite = invite.replacen("\r\n", "\r\nMax-Forwards: 70\r\n", 1);
    let forwarded = only(core.send(ALICE, invite));
    let answer = response(&forwarded, 200).replacen("Via:", "v:", 1);
    let kept =
        answer.replacen(answer.lines().nth(1).unwrap(), "", 1).replacen("\r\n\r\n", "\r\n", 1);
    assert_eq!(text(&only(core.send(BOB, &answer))), kept);
}

/// RFC 3261 §16.11: a stateless proxy looks at the Vias.
#[test]
fn what_a_response_says_to_others_is_not_looked_at_unless_a_script_does() {
    let script = TO_BOB.to_owned() + " onreply_route { exit; }";
    let (mut unseen, mut seen) = (bench(TO_BOB), bench(&script));
    let forwarded = only(unseen.send(ALICE, request("INVITE", "sip:bob@b.example", "")));
    let answer = response(&forwarded, 180);
    assert_eq!(unseen.send(BOB, &answer), seen.send(BOB, &answer));
    for (good, bad) in [("CSeq: 7 INVITE", "CSeq: seven"), ("<sip:bob@b.example>", "<bob>")] {
        let answer = answer.replace(good, bad);
        assert!(text(&only(unseen.send(BOB, &answer))).contains(bad));
        assert_eq!(seen.send(BOB, &answer), []);
    }
    for missing in ["From: ", "To: ", "Call-ID: ", "CSeq: "] {
        for via in ["Via: SIP/2.0/UDP 192", "v: SIP/2.0/UDP 192"] {
            let answer = answer.replace(missing, "X-Gone: ").replace("Via: SIP/2.0/UDP 192", via);
            assert_eq!((unseen.send(BOB, &answer).len(), seen.send(BOB, &answer)), (1, vec![]));
        }
    }
    let twice = answer.replace("CSeq:", "CSeq: 7 INVITE\r\nCSeq:");
    assert_eq!((unseen.send(BOB, &twice).len(), seen.send(BOB, &twice)), (1, vec![]));
}

proptest! {
    /// One that a script looks at is parsed; one that none looks at is not, if it is ordinary.
    #[test]
    fn a_response_is_sent_on_the_same_whether_a_script_looks_at_it_or_not(
        via in select(&[
            "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1",
            "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds8f7s6;rport",
            "SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK-524287-1---0123456789abcdef;alias",
            "SIP/2.0/UDP phone.a.example.com:99;i=4;branch=z9hG4bK776asdhds8f7s6",
            "SIP/2.0/UDP 10.0.0.1;maddr=198.51.100.5;branch=z9hG4bKa",
            "SIP/2.0/UDP 198.51.100.7;branch=of-an-old-client",
            "SIP/2.0/TCP [2001:db8::7] ; branch=z9hG4bKa",
        ][..]),
        // What stands at the end of the header, and behind it.
        end in select(&[
            "Content-Length: 0\r\n\r\n", "l: 0\r\n\r\n", "\r\n", "Content-Length: 5\r\n\r\nv=0\r\n",
            "Content-Length: 5\r\nServer: a\r\n\r\nv=0\r\n", "Content-Length: 4\r\n\r\nv=0\r\n",
            "Content-Length: 6\r\n\r\nv=0\r\n", "Content-Length: 0\r\n", "CONTENT-length:0\r\n\r\n",
            "Content-Length: x\r\n\r\n", "Content-Length: 4\r\n\r\n\r\n\r\n",
            "Content-Length: 0\n\n", "Content-Length: 0\r\n\r\n\r\n",
            "Content-Length: 0\r\n\r\nbehind\r\n\r\n",
            "Content-Length: 0\r\n\r\nINVITE sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n",
            "Content-Length: 999\r\n\r\nINVITE sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n",
            "Content-Length: 44\r\n\r\nINVITE sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n",
        ][..]),
        changes in vec(
            select(&[
                ("Via: SIP", "v: SIP"), ("\r\nVia: SIP/2.0/UDP 1", ", SIP/2.0/UDP 1"),
                ("192.0.2.1;", "192.0.2.1 ;"), ("UDP 192", "udp 192"), ("z9h", "Z9h"),
                ("\r\nVia", "\r\nSubject: between\r\nVia"), ("=5060", "=5061"),
                (";branch", ";rport=5063;branch"), (".7;received=", ".7;received=1.2.3.4/"),
                (".0\r\n", ".00\r\n"), (".0\r\n", ".1\r\n"), (".0\r\n", ".0;x\r\n"),
                (".0\r\n", ".0\r\nRecord-Route: a\n"), (".0\r\n", ".0\r\n ;y\r\n"),
                (".0\r\n", ".0\r\nRecord-Route: <sip:a;lr>\r\n"),
                (".0\r\n", ".0\r\nRecord-Route: <sip:a;lr>\r\n ,<sip:b>\r\n"),
                ("SIP/2.0 200 Answer", "SIP/2.0 200"), ("SIP/2.0 200 Answer", "sip/2.0 603 "),
                ("\r\n", "\n"), ("\r\nTo:", "\nTo:"), ("198.51.100.7", "198.51.100.8"),
                ("CSeq: 7", "CSeq: 8"), ("Call-ID", "i"), ("To: ", "To:  "),
                ("From:", "X: y\r\nFrom:"),
            ][..]),
            0..3,
        ),
        flipped in option::of(0_usize..500),
        cut in option::of(0_usize..700),
    ) {
        let script = TO_BOB.to_owned() + " onreply_route { exit; }";
        let (mut unseen, mut seen) = (bench(TO_BOB), bench(&script));
        let invite = request("INVITE", "sip:bob@b.example", "")
            .replace("SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1", via);
        let forwarded = only(unseen.send(ALICE, &invite));
        prop_assert_eq!(&only(seen.send(ALICE, &invite)), &forwarded);
        // What is looked at by those who read a message is not looked at by the others.
        let is_intact = changes.is_empty() && flipped.is_none() && cut.is_none();
        let mut answer = response(&forwarded, 200).replace("Content-Length: 0\r\n\r\n", end);
        for (from, to) in changes {
            answer = answer.replacen(from, to, 1);
        }
        let mut answer = answer.into_bytes();
        if let Some(octet) = flipped.and_then(|at| answer.get_mut(at)) {
            *octet = if *octet == b'0' { b'1' } else { b'0' };
        }
        if let Some(length) = cut {
            // What is cut off then lies behind it, in the slot.
            let _ = (unseen.send(BOB, &answer), seen.send(BOB, &answer));
            answer.truncate(length);
        }
        let (sent, parsed) = (unseen.send(BOB, &answer), seen.send(BOB, &answer));
        if is_intact || seen.counted(Counter::DroppedMalformed) == 0 {
            prop_assert_eq!(sent, parsed);
            for counter in [
                Counter::ReceivedResponses, Counter::ForwardedResponses,
                Counter::DroppedForeignResponse, Counter::DroppedUnroutableResponse,
            ] {
                prop_assert_eq!(unseen.counted(counter), seen.counted(counter));
            }
        }
    }
}

/// RFC 3261 §7.3.1: both forms of a stack mean the same.
#[test]
fn our_via_is_taken_off_a_line_with_several() {
    let mut core = bench(TO_BOB);
    let forwarded = only(core.send(ALICE, request("INVITE", "sip:bob@b.example", "")));
    let vias = lines(&forwarded, "Via").join(" , ");
    let answer = format!(
        "SIP/2.0 200 OK\r\nv: {vias}\r\nf: <sip:alice@a.example>;tag=a1\r\n\
         t: <sip:bob@b.example>;tag=b\r\ni: c1@a\r\nCSeq: 7 INVITE\r\n\r\n"
    );
    let sent = only(core.send(BOB, answer));
    assert!(text(&sent).contains("\r\nv: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1\r\n"));
}

/// RFC 3261 §16.11.
#[test]
fn retransmission_cancel_and_failure_ack_have_the_branch_of_their_invite() {
    let mut core = bench(TO_BOB);
    let invite = request("INVITE", "sip:bob@b.example", "");
    let first = only(core.send(ALICE, &invite));
    assert_eq!(only(core.send(ALICE, &invite)), first);
    let cancel = only(core.send(ALICE, request("CANCEL", "sip:bob@b.example", "")));
    assert_eq!(branch(&cancel), branch(&first));
    let ack = request("ACK", "sip:bob@b.example", "")
        .replace("To: <sip:bob@b.example>", "To: <sip:bob@b.example>;tag=b1");
    assert_eq!(branch(&only(core.send(ALICE, ack))), branch(&first));
    let other = request("INVITE", "sip:bob@b.example", "").replace("alice1", "alice2");
    assert_ne!(branch(&only(core.send(ALICE, other))), branch(&first));
}

/// RFC 3261 §16.11: a client of RFC 2543 has no branch to go by.
#[test]
fn without_a_branch_cookie_call_id_and_cseq_tell_the_transaction() {
    let mut core = bench(TO_BOB);
    let old = |number: &str| {
        request("INVITE", "sip:bob@b.example", "")
            .replace(";branch=z9hG4bKalice1", "")
            .replace("CSeq: 7", number)
    };
    let first = only(core.send(ALICE, old("CSeq: 7")));
    assert_eq!(branch(&only(core.send(ALICE, old("CSeq: 7")))), branch(&first));
    assert_ne!(branch(&only(core.send(ALICE, old("CSeq: 8")))), branch(&first));
    assert_eq!(only(core.send(BOB, response(&first, 200))).0, ALICE.parse().unwrap());
}

#[test]
fn a_response_that_we_did_not_cause_is_dropped_and_counted() {
    let mut core = bench(TO_BOB);
    let forwarded = only(core.send(ALICE, request("INVITE", "sip:bob@b.example", "")));
    let genuine = response(&forwarded, 200);
    let forged = [
        genuine.replace("198.51.100.7;branch=z9hG4bKalice1", "198.51.100.66;branch=z9hG4bKalice1"),
        genuine.replace("z9hG4bKalice1", "z9hG4bKother"),
        genuine.replace(&branch(&forwarded), "z9hG4bK0123456789abcdef.01234567.0"),
        genuine.replace(&branch(&forwarded), "z9hG4bKx"),
        genuine.replace("Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1\r\n", ""),
    ];
    let count = forged.len() as u64;
    for forged in forged {
        assert_eq!(core.send(BOB, &forged), [], "{forged}");
    }
    assert_eq!(core.counted(Counter::DroppedForeignResponse), count);
    assert_eq!(core.send(BOB, &genuine).len(), 1);
}

/// RFC 3261 §18.2.1, §18.2.2 and RFC 3581.
#[test]
fn received_and_rport_say_where_the_request_came_from() {
    let behind_nat = "198.51.100.77:40000";
    for (via, stamped, reply_to) in [
        ("SIP/2.0/UDP 198.51.100.77:5070", "SIP/2.0/UDP 198.51.100.77:5070", "198.51.100.77:5070"),
        (
            "SIP/2.0/UDP 10.0.0.1",
            "SIP/2.0/UDP 10.0.0.1;received=198.51.100.77",
            "198.51.100.77:5060",
        ),
        (
            "SIP/2.0/UDP pc.example:99",
            "SIP/2.0/UDP pc.example:99;received=198.51.100.77",
            "198.51.100.77:99",
        ),
        (
            "SIP/2.0/UDP 10.0.0.1;rport;x=y",
            "SIP/2.0/UDP 10.0.0.1;rport=40000;received=198.51.100.77;x=y",
            "198.51.100.77:40000",
        ),
        (
            "SIP/2.0/UDP 10.0.0.1;received=6.6.6.6",
            "SIP/2.0/UDP 10.0.0.1;received=198.51.100.77",
            "198.51.100.77:5060",
        ),
        ("SIP/2.0/UDP 10.0.0.1;maddr=198.51.100.5", "", "198.51.100.5:5060"),
    ] {
        let mut core = bench(TO_BOB);
        let sent_via = format!("{via};branch=z9hG4bKnat");
        let invite = request("INVITE", "sip:bob@b.example", "")
            .replace("SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1", &sent_via);
        let forwarded = only(core.send(behind_nat, invite));
        if !stamped.is_empty() {
            let found = lines(&forwarded, "Via").remove(1).replace(";branch=z9hG4bKnat", "");
            assert_eq!(found, stamped);
        }
        let answer = only(core.send(BOB, response(&forwarded, 200)));
        assert_eq!(answer.0, reply_to.parse().unwrap(), "{via}");
    }
}

#[test]
fn replies_made_here_go_where_the_via_says() {
    let mut core = bench(r#"route { sl_send_reply("404", "Not Found"); }"#);
    let plain = only(core.send("198.51.100.7:40000", request("OPTIONS", "sip:x@y", "")));
    assert_eq!(plain.0, ALICE.parse().unwrap());
    assert_eq!(status(&plain), "SIP/2.0 404 Not Found");
    let with_rport = request("OPTIONS", "sip:x@y", "").replace(";branch", ";rport;branch");
    let sent = only(core.send("198.51.100.7:40000", with_rport));
    assert_eq!(sent.0, "198.51.100.7:40000".parse().unwrap());
    assert_eq!(
        lines(&sent, "Via"),
        ["SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1;rport=40000;received=198.51.100.7"]
    );
}

/// RFC 3261 §8.2.7, §17.1.1.3.
#[test]
fn the_tag_of_a_reply_is_the_same_for_a_retransmission_and_its_ack_ends_here() {
    let mut core = bench(
        r#"route { if (method=="ACK") { forward(203.0.113.9, 5060); } else { sl_send_reply("486", "Busy"); } }"#,
    );
    let invite = request("INVITE", "sip:bob@b.example", "");
    let first = only(core.send(ALICE, &invite));
    assert_eq!(only(core.send(ALICE, &invite)), first);
    let to = lines(&first, "To").remove(0);
    assert!(to.contains(";tag="), "{to}");
    let ack = request("ACK", "sip:bob@b.example", "").replace("<sip:bob@b.example>", &to);
    assert_eq!(core.send(ALICE, &ack), []);
    assert_eq!(core.counted(Counter::AbsorbedAcks), 1);
    let foreign = ack.replace(&to, "<sip:bob@b.example>;tag=0123456789abcdef");
    assert_eq!(core.send(ALICE, foreign).len(), 1, "the ACK to somebody else's answer goes on");
}

#[test]
fn an_ack_is_never_answered() {
    let mut core = bench(r#"route { sl_send_reply("500", "No"); }"#);
    assert_eq!(core.send(ALICE, request("ACK", "sip:bob@b.example", "")), []);
    assert_eq!(core.counted(Counter::DroppedReplyToAck), 1);
    let mut core = bench(TO_BOB);
    let broken = request("ACK", "sip:bob@b.example", "").replace("CSeq: 7 ACK", "CSeq: x");
    assert_eq!(core.send(ALICE, broken), []);
}

/// RFC 3261 §16.3 step 3.
#[test]
fn max_forwards_ends_at_zero_and_starts_at_seventy() {
    let mut core = bench(TO_BOB);
    let invite = request("INVITE", "sip:bob@b.example", "");
    let with = |value: &str| invite.replace("Max-Forwards: 70\r\n", value);
    let zero = only(core.send(ALICE, with("Max-Forwards: 0\r\n")));
    assert_eq!(
        (zero.0, status(&zero)),
        (ALICE.parse().unwrap(), "SIP/2.0 483 Too Many Hops".into())
    );
    for (before, after) in [
        ("", "70"),
        ("Max-Forwards: 1\r\n", "0"),
        ("Max-Forwards: 10\r\n", " 9"),
        ("max-forwards:255\r\n", "254"),
    ] {
        let sent = only(core.send(ALICE, with(before)));
        let found = text(&sent).lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("max-forwards").then(|| value.trim_start().to_owned())
        });
        assert_eq!(found.as_deref(), Some(after.trim_start()), "{before}");
        assert_eq!(sent.1.len() - only(core.send(ALICE, with(before))).1.len(), 0);
    }
}

/// RFC 3261 §16.3 step 4: an application server sends a request back as it got it, and the script
/// knows by the source what to do with it then.
#[test]
fn a_request_that_comes_back_is_the_scripts_affair() {
    let mut core = bench(
        "route { if (src_ip == 203.0.113.9) forward(198.51.100.30); else forward(203.0.113.9); }",
    );
    let forwarded = only(core.send(ALICE, request("INVITE", "sip:bob@b.example", "")));
    assert_eq!(forwarded.0, "203.0.113.9:5060".parse().unwrap());
    let back = only(core.send("203.0.113.9:5060", text(&forwarded)));
    assert_eq!(back.0, "198.51.100.30:5060".parse().unwrap());
    assert_eq!(lines(&back, "Via").len(), 3);
    let branches: Vec<_> = lines(&back, "Via").into_iter().take(2).collect();
    assert_ne!(branches[0], branches[1], "RFC 3261 §16.6 step 8");
}

/// F06: what cannot be sent is told, so that the script can answer.
#[test]
fn nothing_is_forwarded_to_nobody() {
    for host in ["0.0.0.0", "255.255.255.255", "240.0.0.1", "[::]"] {
        let mut core = bench(BY_URI);
        let sent = only(core.send(ALICE, request("INVITE", &format!("sip:a@{host}"), "")));
        assert_eq!(sent.0, ALICE.parse().unwrap(), "{host}");
        assert!(status(&sent).starts_with("SIP/2.0 477 "), "{}", status(&sent));
    }
    let registrar = "loadmodule \"usrloc.so\"\nloadmodule \"registrar.so\"\n\
                     route { if (method == \"REGISTER\") { save(\"location\"); exit; }
                             lookup(\"location\"); if (!forward()) { sl_reply_error(); } }";
    let mut core = bench(registrar);
    let register = request("REGISTER", "sip:192.0.2.1", "Contact: <sip:bob@0.0.0.0>\r\n");
    assert_eq!(status(&only(core.send(ALICE, register))), "SIP/2.0 200 OK");
    let sent = only(core.send(ALICE, request("INVITE", "sip:bob@b.example", "")));
    assert!(status(&sent).starts_with("SIP/2.0 477 "), "{}", status(&sent));
}

/// RFC 5031: scripts route emergency calls, whose URN no proxy can send anywhere by itself.
#[test]
fn a_urn_reaches_the_script() {
    let mut core = bench(
        "route { if ($ru =~ \"^urn:service:sos\") { rewriteuri(\"sip:psap@203.0.113.9\"); }
                 if (!forward()) sl_send_reply(\"404\", \"Nowhere\"); }",
    );
    let sent = only(core.send(ALICE, request("INVITE", "urn:service:sos.fire", "")));
    assert!(text(&sent).starts_with("INVITE sip:psap@203.0.113.9 SIP/2.0\r\n"));
    let refused = only(core.send(ALICE, request("INVITE", "urn:isbn:1", "")));
    assert_eq!(status(&refused), "SIP/2.0 404 Nowhere");
}

/// RFC 3261 §16.3 step 5.
#[test]
fn a_demanded_extension_is_refused_by_name() {
    let mut core = bench(TO_BOB);
    let sent = only(core.send(ALICE, request("INVITE", "sip:b@b", "Proxy-Require: foo, bar\r\n")));
    assert_eq!(status(&sent), "SIP/2.0 420 Bad Extension");
    assert_eq!(lines(&sent, "Unsupported"), ["foo, bar"]);
    for method in ["CANCEL", "ACK"] {
        let sent = core.send(ALICE, request(method, "sip:b@b", "Proxy-Require: foo\r\n"));
        assert_eq!(only(sent).0, BOB.parse().unwrap());
    }
}

#[test]
fn a_scheme_that_cannot_be_routed_is_refused() {
    let mut core = bench(TO_BOB);
    let sent = only(core.send(ALICE, request("OPTIONS", "soap.beep://192.0.2.103:3002", "")));
    assert_eq!(status(&sent), "SIP/2.0 416 Unsupported URI Scheme");
}

#[test]
fn the_next_hop_is_the_uri_or_an_error() {
    for (uri, expected) in [
        ("sip:bob@203.0.113.9", Ok("203.0.113.9:5060")),
        ("sip:bob@203.0.113.9:5080;transport=udp", Ok("203.0.113.9:5080")),
        ("sip:bob@b.example;maddr=203.0.113.10", Ok("203.0.113.10:5060")),
        ("sip:bob@b.example", Err("SIP/2.0 478 Unresolvable destination (478/SL)")),
        (
            "sip:bob@203.0.113.9;transport=tcp",
            Err("SIP/2.0 500 Server error occurred: no way to send (7/SL)"),
        ),
        ("sip:bob@[2001:db8::9]", Err("SIP/2.0 500 Server error occurred: no way to send (7/SL)")),
        ("tel:+123", Err("SIP/2.0 500 Server error occurred: no way to send (7/SL)")),
        (
            "sip:bob@203.0.113.9:0",
            Err("SIP/2.0 479 Regretfully, the URI could not be processed (479/SL)"),
        ),
    ] {
        let mut core = bench(BY_URI);
        let sent = only(core.send(ALICE, request("OPTIONS", uri, "")));
        match expected {
            Ok(address) => assert_eq!(sent.0, address.parse().unwrap(), "{uri}"),
            Err(line) => assert_eq!(status(&sent), line, "{uri}"),
        }
    }
}

/// `$du` is looked at each time; an address in the script goes a shorter way.
#[test]
fn a_fixed_address_is_reached_as_one_in_du_is() {
    let script = |forward: &str| {
        format!(
            "loadmodule \"maxfwd.so\"\nloadmodule \"rr.so\"\nloadmodule \"pv.so\"\n\
             route {{ mf_process_maxfwd_header(10); record_route();\n\
             if ($rU == \"new\") rewriteuri(\"sip:new@203.0.113.1\");\n{forward} }}"
        )
    };
    for next in ["203.0.113.9:5060", "203.0.113.9:65535", "0.0.0.0:5060", "[2001:db8::9]:5060"] {
        let (host, port) = next.rsplit_once(':').unwrap();
        let fixed = script(&format!("if (!forward(\"{host}\", \"{port}\")) sl_reply_error();"));
        let du = script(&format!("$du = \"sip:{next}\"; if (!forward()) sl_reply_error();"));
        for uri in ["sip:b@b", "sip:b@b;transport=tcp", "sips:b@b", "tel:+1", "sip:new@192.0.2.1"] {
            let sent = [&fixed, &du].map(|script| {
                only(bench(script).send(ALICE, request("INVITE", uri, "Route: <sip:x;lr>\r\n")))
            });
            assert_eq!(sent[0], sent[1], "{uri} to {next}");
            let is_reached = next.starts_with("203") && !uri.starts_with("sips");
            assert_eq!(sent[0].0 != ALICE.parse().unwrap(), is_reached, "{uri} to {next}");
        }
    }
}

/// A core with names, and a request that goes to one; nothing has been sent yet.
fn waiting() -> (CoreBench, Arc<NameTable>, Question) {
    let (names, questions) = NameTable::new();
    let names = Arc::new(names);
    let script = "route { if (!forward(gw.example, 5070)) { drop; } }";
    let mut core = CoreBench::with_names(core_support::program(script), Arc::clone(&names));
    assert_eq!(core.send(ALICE, request("OPTIONS", "sip:bob@b.example", "")), []);
    (core, names, questions.try_recv().unwrap())
}

/// What the core sends when a timer is due a little later.
fn due(core: &mut CoreBench) -> Vec<Sent> {
    core.now.monotonic_ms += 50;
    assert!(core.core.poll_timeout().unwrap() <= core.now.monotonic_ms);
    core.core.handle_timeout(core.now, &mut core.outbox);
    core.take_sent()
}

/// F02: `forward()` takes a host name; the request waits until its address is known.
#[test]
fn a_request_goes_to_a_name_when_its_address_is_known() {
    let (mut core, names, question) = waiting();
    assert_eq!(&question.name[..], b"gw.example");
    assert_eq!(due(&mut core), [], "not known yet");
    let answer = Answer::host([[203, 0, 113, 9].into()], 0, 60_000);
    names.settle(&question, answer, core.now.monotonic_ms);
    let sent = only(due(&mut core));
    assert_eq!(sent.0, "203.0.113.9:5070".parse().unwrap());
    assert!(text(&sent).starts_with("OPTIONS sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192"));
    let answer = only(core.send("203.0.113.9:5070", response(&sent, 200)));
    assert_eq!(answer.0, ALICE.parse().unwrap());
    let again = request("OPTIONS", "sip:bob@b.example", "");
    assert_eq!(only(core.send(ALICE, again)), sent, "at once, now that it is known");
}

/// F06: a name without address is an error, told to the client and later to the script.
#[test]
fn a_request_to_a_name_without_address_is_answered() {
    let (mut core, names, question) = waiting();
    names.settle(&question, Answer::Nothing(60_000), core.now.monotonic_ms);
    let sent = only(due(&mut core));
    assert_eq!(status(&sent), "SIP/2.0 478 Unresolvable destination (478/SL)");
    assert_eq!(sent.0, ALICE.parse().unwrap());
    let again = request("OPTIONS", "sip:bob@b.example", "");
    assert_eq!(core.send(ALICE, again), [], "forward() is false, the script drops it");
}

#[test]
fn a_request_does_not_wait_for_ever() {
    let (mut core, _names, _) = waiting();
    core.now.monotonic_ms += 4_000;
    core.core.handle_timeout(core.now, &mut core.outbox);
    assert_eq!(status(&only(core.take_sent())), "SIP/2.0 478 Unresolvable destination (478/SL)");
}

/// A sweep is short, so that no datagram waits long behind it, and two rounds of them
/// reach all even if all are removed: they are planned by what is left.
#[test]
fn expired_bindings_go_in_small_sweeps() {
    const USERS: u64 = 2_000;
    let round = "loadmodule \"usrloc.so\"\nloadmodule \"registrar.so\"\nmodparam(\"usrloc\", \"timer_interval\", 1)\n";
    let mut core = bench(&format!("{round}route {{ save(\"location\"); }}"));
    for user in 0..USERS {
        let contact = format!("Contact: <sip:u{user}@203.0.113.9>;expires=60\r\n");
        let register = request("REGISTER", "sip:192.0.2.1", &contact);
        let register = register.replace("To: <sip:bob@", &format!("To: <sip:u{user}@"));
        assert_eq!(status(&only(core.send(ALICE, register))), "SIP/2.0 200 OK");
    }
    core.core.handle_timeout(core.now, &mut core.outbox);
    assert_eq!(core.counted(Counter::BindingsExpired), 0);
    core.now.wall_seconds += 120;
    core.now.monotonic_ms += 120_000;
    let end = core.now.monotonic_ms + 2_000;
    while core.now.monotonic_ms < end {
        let before = core.counted(Counter::BindingsExpired);
        core.core.handle_timeout(core.now, &mut core.outbox);
        assert!(core.counted(Counter::BindingsExpired) - before < USERS / 5);
        core.now.monotonic_ms = core.core.poll_timeout().unwrap();
    }
    assert_eq!(core.counted(Counter::BindingsExpired), USERS);
}

/// What the Warning of a reply tells is its own request's.
#[test]
fn a_warning_tells_of_no_other_request() {
    let (names, _questions) = NameTable::new();
    let script = "#!SER\nroute { if (uri=~\"gw\") { forward(gw.example); } else { drop; }; }";
    let mut core = CoreBench::with_names(core_support::program(script), Arc::new(names));
    assert_eq!(core.send(ALICE, request("ACK", "sip:gw@192.0.2.1", "")), []);
    let bad = request("OPTIONS", "sip:bob@b.example", "Proxy-Require: nothing-known\r\n");
    let refused = only(core.send(BOB, bad));
    let [warning] = &lines(&refused, "Warning")[..] else { panic!("{}", text(&refused)) };
    assert!(warning.contains("req_src_ip=203.0.113.9 ") && warning.contains("bob"), "{warning}");
}

#[test]
fn forwarding_twice_sends_each_with_the_changes_made_before_it() {
    let mut core = bench(
        r#"route {
            append_hf("X-One: 1\r\n");
            forward(203.0.113.1, 5060);
            append_hf("X-Two: 2\r\n");
            rewriteuser("carol");
            forward(203.0.113.2, 5060);
        }"#,
    );
    let sent = core.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    assert_eq!(sent.len(), 2);
    let view = |sent: &Sent| {
        (sent.0.to_string(), status(sent), lines(sent, "X-One"), lines(sent, "X-Two"))
    };
    let one = vec!["1".to_owned()];
    assert_eq!(
        view(&sent[0]),
        ("203.0.113.1:5060".into(), "INVITE sip:bob@b.example SIP/2.0".into(), one.clone(), vec![])
    );
    assert_eq!(
        view(&sent[1]),
        (
            "203.0.113.2:5060".into(),
            "INVITE sip:carol@b.example SIP/2.0".into(),
            one,
            vec!["2".into()]
        )
    );
}

/// RFC 3261 §16.3 step 1.
#[test]
fn a_malformed_request_is_answered_400_where_it_can_be() {
    let mut core = bench(TO_BOB);
    let good = request("OPTIONS", "sip:bob@b.example", "");
    for (from, to, status_line) in [
        ("Content-Length: 0", "Content-Length: 99", "SIP/2.0 400 Bad Request (bad Content-Length)"),
        ("CSeq: 7 OPTIONS", "CSeq: 7 INVITE", "SIP/2.0 400 Bad Request (CSeq method mismatch)"),
        (
            "OPTIONS sip:bob@b.example SIP/2.0",
            "OPTIONS sip:bob@b.example SIP/7.0",
            "SIP/2.0 505 Version Not Supported",
        ),
        ("Max-Forwards: 70", "Max-Forwards: 7x", "SIP/2.0 400 Bad Request (malformed number)"),
    ] {
        let sent = only(core.send(ALICE, good.replace(from, to)));
        assert_eq!(status(&sent), status_line);
    }
    assert_eq!(
        core.send(ALICE, good.replace("Call-ID: c1@a\r\n", "")),
        [],
        "nothing to answer with"
    );
}

#[test]
fn a_script_that_runs_away_is_cut_off_and_answered() {
    let mut core = bench("route { route(A); } route[A] { route(A); }");
    let sent = only(core.send(ALICE, request("OPTIONS", "sip:bob@b.example", "")));
    assert_eq!(status(&sent), "SIP/2.0 500 Server error occurred (1/SL)");
}

#[test]
fn a_request_that_the_script_leaves_undecided_is_dropped_and_counted() {
    let mut core = bench("route { setflag(1); }");
    assert_eq!(core.send(ALICE, request("OPTIONS", "sip:bob@b.example", "")), []);
    assert_eq!(core.counted(Counter::DroppedByScript), 1);
}

/// New calls of [`TO_BOB`] with the overload policy, after losses: statuses that go back to Alice.
fn under_pressure(policy: &str) -> (CoreBench, Vec<String>) {
    let mut bench = bench(&format!("{policy}\n{TO_BOB}"));
    bench.core.note_losses();
    let mut refusals = Vec::new();
    for call in 0..100 {
        let invite = request("INVITE", "sip:bob@b.example", "");
        let sent = only(bench.send(ALICE, invite.replace("c1@a", &format!("c{call}@a"))));
        if sent.0 == ALICE.parse().unwrap() {
            assert_eq!(lines(&sent, "Retry-After"), ["60"]);
            refusals.push(status(&sent));
        }
    }
    (bench, refusals)
}

#[test]
fn in_overload_some_new_calls_are_refused_with_503() {
    let (bench, refusals) = under_pressure("overload_policy=reject\noverload_retry_after=60");
    assert!(refusals.iter().all(|status| status == "SIP/2.0 503 Service Unavailable"));
    assert!((10..50).contains(&refusals.len()), "a quarter, about: {}", refusals.len());
    assert_eq!(bench.counters.value(Counter::RefusedOverload), refusals.len() as u64);
}

#[test]
fn in_overload_requests_within_calls_pass() {
    let (mut bench, _) = under_pressure("overload_policy=reject\noverload_retry_after=60");
    for method in ["INVITE", "BYE", "ACK", "INFO"] {
        for call in 0..100 {
            let within = request(method, "sip:bob@b.example", "")
                .replace("c1@a", &format!("c{call}@a"))
                .replace("To: <sip:bob@b.example>", "To: <sip:bob@b.example>;tag=b1");
            assert_eq!(only(bench.send(ALICE, within)).0, BOB.parse().unwrap());
        }
    }
    for method in ["REGISTER", "OPTIONS", "CANCEL"] {
        let other = request(method, "sip:bob@b.example", "");
        assert_eq!(only(bench.send(ALICE, other)).0, BOB.parse().unwrap());
    }
}

#[test]
fn without_the_policy_no_call_is_refused_however_much_is_lost() {
    assert_eq!(under_pressure("overload_retry_after=60").1, [""; 0]);
}

#[test]
fn the_ack_to_a_refusal_in_overload_goes_no_further() {
    let (mut bench, refusals) = under_pressure("overload_policy=reject\noverload_retry_after=60");
    assert!(!refusals.is_empty());
    let refused = (0..100).find_map(|call| {
        let invite =
            request("INVITE", "sip:bob@b.example", "").replace("c1@a", &format!("c{call}@a"));
        let sent = only(bench.send(ALICE, invite));
        (sent.0 == ALICE.parse().unwrap()).then_some((call, sent))
    });
    let (call, refusal) = refused.unwrap();
    let ack = request("ACK", "sip:bob@b.example", "")
        .replace("c1@a", &format!("c{call}@a"))
        .replace("To: <sip:bob@b.example>", &format!("To: {}", lines(&refusal, "To")[0]));
    assert_eq!(bench.send(ALICE, ack), []);
}

/// Wherever `lookup()` knows a contact to lead is where its URI leads: the second script makes
/// another text of the same URI, so that it has to be looked at.
#[test]
fn a_contact_leads_where_its_uri_does() {
    let script = |change: &str| {
        format!(
            "loadmodule \"registrar.so\"\nloadmodule \"usrloc.so\"\nloadmodule \"pv.so\"\n\
             modparam(\"registrar\", \"use_path\", 1)\n\
             route {{ if (method == \"REGISTER\") {{\n\
             if ($hdr(X-NAT) == \"yes\") force_rport();\nsave(\"location\"); exit; }}\n\
             if (!lookup(\"location\")) exit;\n{change}\n\
             if (!forward()) {{ sl_reply_error(); }} }}"
        )
    };
    let changes = ["", "prefix(\"x\"); strip(1);", "$du = $du + \"\";"];
    let natted = ["", "X-NAT: yes\r\n", "Path: <sip:203.0.113.5:5070;lr>\r\nSupported: path\r\n"];
    for uri in [
        "sip:bob@203.0.113.9",
        "sip:bob@203.0.113.9:5070",
        "sip:bob@203.0.113.9:0",
        "sip:bob@203.0.113.9;transport=UDP;ob",
        "sip:bob@203.0.113.9;transport",
        "sip:bob@203.0.113.9;transport=tcp",
        "sip:bob@203.0.113.9;maddr=203.0.113.10",
        "sip:bob@203.0.113.256",
        "sip:bob@[2001:db8::9]",
        "sip:bob@gone.example",
        "sips:bob@203.0.113.9",
    ] {
        for lines in natted {
            let sent = changes.map(|change| {
                let mut bench = bench(&script(change));
                let lines = format!("Contact: <{uri}>\r\n{lines}");
                let saved = bench.send(BOB, request("REGISTER", "sip:192.0.2.1", &lines));
                assert_eq!(status(&saved[0]), "SIP/2.0 200 OK");
                bench.send(ALICE, request("INVITE", "sip:bob@192.0.2.1", ""))
            });
            assert_eq!(sent[0], sent[1], "{uri} {lines}");
            assert_eq!(sent[0], sent[2], "{uri} {lines}");
        }
    }
}
