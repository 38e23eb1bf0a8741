//! The next hop of requests and responses by names (RFC 3263), in a core without a network.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use std::net::SocketAddr;
use std::sync::Arc;

use core_support::{CoreBench, Sent, program};
use crossbeam_channel::Receiver;
use viaduct::limits::{PARKED_BYTES_MAX, PARKED_COUNT_MAX, PARKED_MS_MAX};
use viaduct::metrics::Counter;
use viaduct::names::{Answer, NameTable, Question, Target, Wanted};
use viaduct::protocol::Transport;

const ALICE: &str = "198.51.100.7:5060";
const SCRIPT: &str = "loadmodule \"sl.so\"\nloadmodule \"rr.so\"\n\
    route { loose_route(); if (!forward()) sl_reply_error(); }";

/// A core and the questions that nobody has answered yet.
struct Bench {
    core: CoreBench,
    names: Arc<NameTable>,
    questions: Receiver<Question>,
}

impl Bench {
    /// A core that runs the script.
    fn new(script: &str) -> Self {
        let (names, questions) = NameTable::new();
        let names = Arc::new(names);
        let core = CoreBench::with_names(program(script), Arc::clone(&names));
        Self { core, names, questions }
    }

    /// Sends a request of Alice's.
    fn send(&mut self, request: &str) -> Vec<Sent> {
        self.core.send(ALICE, request)
    }

    /// Answers the question that is there for `name`, which must be for that.
    fn answer(&self, name: &str, wanted: Wanted, answer: Answer) {
        let question = self.questions.try_recv().unwrap();
        assert_eq!(question, Question { name: name.as_bytes().into(), wanted });
        self.names.settle(&question, answer, self.core.now.monotonic_ms);
    }

    /// Lets time pass; what is sent then.
    fn pass(&mut self, milliseconds: u64) -> Vec<Sent> {
        self.core.now.monotonic_ms += milliseconds;
        self.core.core.handle_timeout(self.core.now, &mut self.core.outbox);
        self.core.take_sent()
    }
}

/// A request with its number, which makes it a transaction of its own.
fn request(method: &str, uri: &str, number: u32, via_params: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa{number}{via_params}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@a.example>;tag=a{number}\r\n\
         To: <sip:bob@b.example>\r\nCall-ID: c{number}@a\r\nCSeq: 7 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// Servers of one domain, 203.0.113.n at port 5000 + n, each with priority and weight.
fn servers(targets: &[(u16, u16, u8)]) -> Answer {
    let target = |(priority, weight, last): &(u16, u16, u8)| Target {
        priority: *priority,
        weight: *weight,
        port: 5_000 + u16::from(*last),
        addresses: [[203, 0, 113, *last].into()].into_iter().collect(),
    };
    Answer::Found(targets.iter().map(target).collect(), 60_000)
}

/// Where each goes.
fn destinations(sent: &[Sent]) -> Vec<String> {
    sent.iter().map(|(destination, _)| destination.to_string()).collect()
}

/// The first line of a message.
fn first_line((_, bytes): &Sent) -> String {
    String::from_utf8_lossy(bytes).lines().next().unwrap().to_owned()
}

/// What the next hop answers to a request that was forwarded to it.
fn response((_, bytes): &Sent) -> String {
    let text = String::from_utf8_lossy(bytes);
    let kept = text.lines().filter(|line| {
        ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name))
    });
    let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
    format!("SIP/2.0 200 OK\r\n{kept}Content-Length: 0\r\n\r\n")
}

/// M15
#[test]
fn every_way_to_name_a_next_hop_asks_in_the_same_way() {
    let plain = |uri: &str| request("OPTIONS", uri, 1, "");
    let routed = plain("sip:bob@ours.example").replace(
        "\r\nMax-Forwards",
        "\r\nRoute: <sip:192.0.2.1;lr>\r\nRoute: <sip:theirs.example;lr>\r\nMax-Forwards",
    );
    let du = "route { $du = \"sip:theirs.example\"; forward(); }";
    for (script, request, name, wanted) in [
        (
            SCRIPT,
            plain("sip:bob@theirs.example"),
            "theirs.example",
            Wanted::Servers(Transport::Udp),
        ),
        (SCRIPT, plain("sip:bob@theirs.example:5060"), "theirs.example", Wanted::Addresses),
        (
            SCRIPT,
            plain("sip:bob@x;maddr=theirs.example"),
            "theirs.example",
            Wanted::Servers(Transport::Udp),
        ),
        (SCRIPT, plain("sip:bob@x;transport=udp"), "x", Wanted::Servers(Transport::Udp)),
        (SCRIPT, routed, "theirs.example", Wanted::Servers(Transport::Udp)),
        (du, plain("sip:bob@x"), "theirs.example", Wanted::Servers(Transport::Udp)),
        (
            "route { forward(gw.example); }",
            plain("sip:b@x"),
            "gw.example",
            Wanted::Servers(Transport::Udp),
        ),
        (
            "route { forward_udp(\"gw.example\", 0); }",
            plain("sip:b@x"),
            "gw.example",
            Wanted::Servers(Transport::Udp),
        ),
        ("route { forward(gw.example, 5070); }", plain("sip:b@x"), "gw.example", Wanted::Addresses),
        (
            "route { forward(uri:host, uri:port); }",
            plain("sip:b@x"),
            "x",
            Wanted::Servers(Transport::Udp),
        ),
        ("route { forward(uri:host, uri:port); }", plain("sip:b@x:5"), "x", Wanted::Addresses),
    ] {
        let mut bench = Bench::new(script);
        assert_eq!(bench.send(&request), [], "{script} {request}");
        bench.answer(name, wanted, servers(&[(1, 1, 9)]));
        assert_eq!(bench.pass(10).len(), 1, "{script} {request}");
    }
}

/// The port is that of the record, or the one that was named.
#[test]
fn a_request_goes_to_the_port_of_its_server() {
    let mut bench = Bench::new(SCRIPT);
    bench.send(&request("OPTIONS", "sip:bob@theirs.example", 1, ""));
    bench.answer(
        "theirs.example",
        Wanted::Servers(Transport::Udp),
        servers(&[(20, 1, 8), (10, 1, 9)]),
    );
    bench.send(&request("OPTIONS", "sip:bob@theirs.example:5099", 2, ""));
    let host = Answer::host([[203, 0, 113, 7].into()], 0, 60_000);
    bench.answer("theirs.example", Wanted::Addresses, host);
    assert_eq!(destinations(&bench.pass(10)), ["203.0.113.9:5009", "203.0.113.7:5099"]);
}

/// M15: RFC 3263 §4.4.
#[test]
fn all_of_a_transaction_goes_to_one_server() {
    let mut bench = Bench::new(SCRIPT);
    let uri = "sip:bob@theirs.example";
    bench.send(&request("INVITE", uri, 0, ""));
    let answer = servers(&[(10, 30, 1), (10, 30, 2), (10, 30, 3)]);
    bench.answer("theirs.example", Wanted::Servers(Transport::Udp), answer);
    // What waited goes where its retransmission goes.
    let waited = destinations(&bench.pass(10));
    assert_eq!(destinations(&bench.send(&request("INVITE", uri, 0, ""))), waited);
    let mut used = Vec::new();
    for number in 0..60 {
        let invite = destinations(&bench.send(&request("INVITE", uri, number, "")));
        for method in ["INVITE", "CANCEL", "ACK"] {
            let other = request(method, uri, number, "");
            assert_eq!(destinations(&bench.send(&other)), invite, "{method} {number}");
        }
        used.extend(invite);
    }
    used.sort();
    used.dedup();
    assert_eq!(used, ["203.0.113.1:5001", "203.0.113.2:5002", "203.0.113.3:5003"]);
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let run = || {
        let mut bench = Bench::new(SCRIPT);
        let mut sent = bench.send(&request("OPTIONS", "sip:bob@theirs.example", 0, ""));
        let answer = servers(&[(10, 1, 1), (10, 2, 2), (10, 3, 3)]);
        bench.answer("theirs.example", Wanted::Servers(Transport::Udp), answer);
        sent.extend(bench.pass(10));
        for number in 1..100 {
            sent.extend(bench.send(&request("OPTIONS", "sip:bob@theirs.example", number, "")));
        }
        sent
    };
    let first = run();
    assert_eq!(first.len(), 100);
    assert_eq!(run(), first);
}

#[test]
fn an_answer_is_asked_for_again_when_its_time_is_over() {
    let mut bench = Bench::new(SCRIPT);
    let uri = "sip:bob@theirs.example";
    bench.send(&request("OPTIONS", uri, 1, ""));
    bench.answer("theirs.example", Wanted::Servers(Transport::Udp), servers(&[(10, 1, 1)]));
    assert_eq!(destinations(&bench.pass(10)), ["203.0.113.1:5001"]);
    bench.core.now.monotonic_ms += 59_989;
    assert_eq!(destinations(&bench.send(&request("OPTIONS", uri, 2, ""))), ["203.0.113.1:5001"]);
    bench.questions.try_recv().unwrap();
    bench.core.now.monotonic_ms += 10_000;
    assert_eq!(bench.send(&request("OPTIONS", uri, 3, "")), []);
    bench.answer("theirs.example", Wanted::Servers(Transport::Udp), servers(&[(10, 1, 2)]));
    assert_eq!(destinations(&bench.pass(10)), ["203.0.113.2:5002"]);
}

#[test]
fn a_server_of_another_family_cannot_be_reached() {
    let mut bench = Bench::new(SCRIPT);
    bench.send(&request("OPTIONS", "sip:bob@theirs.example", 1, ""));
    let v6 = Answer::host(["2001:db8::1".parse().unwrap()], 5_060, 60_000);
    bench.answer("theirs.example", Wanted::Servers(Transport::Udp), v6);
    assert_eq!(first_line(&bench.pass(10)[0]), "SIP/2.0 478 Unresolvable destination (478/SL)");
    let sent = bench.send(&request("OPTIONS", "sip:bob@theirs.example", 2, ""));
    assert!(first_line(&sent[0]).starts_with("SIP/2.0 500 "), "{}", first_line(&sent[0]));
}

/// M15: RFC 3263 §5, for responses that pass through.
#[test]
fn a_response_goes_to_the_host_that_its_via_names() {
    let script = "route { forward(203.0.113.9, 5060); }";
    for (via, name, wanted, found) in [
        (
            ";maddr=back.example",
            "back.example",
            Wanted::Servers(Transport::Udp),
            "203.0.113.4:5004",
        ),
        (";maddr=back.example", "", Wanted::Servers(Transport::Udp), ALICE),
    ] {
        let mut bench = Bench::new(script);
        let forwarded = bench.send(&request("OPTIONS", "sip:bob@x", 1, via)).remove(0);
        assert_eq!(bench.core.send("203.0.113.9:5060", response(&forwarded)), []);
        let answer = if name.is_empty() { Answer::Nothing(60_000) } else { servers(&[(1, 1, 4)]) };
        bench.answer("back.example", wanted, answer);
        assert_eq!(destinations(&bench.pass(10)), [found]);
        let again = bench.core.send("203.0.113.9:5060", response(&forwarded));
        assert_eq!(destinations(&again), [found], "at once, now that it is known");
        assert_eq!(bench.core.counted(Counter::ForwardedResponses), 2);
    }
}

/// M15: RFC 3263 §5, for responses made here.
#[test]
fn a_response_made_here_goes_to_the_host_that_its_via_names() {
    let script = "loadmodule \"sl.so\"\nroute { sl_send_reply(\"200\", \"OK\"); }";
    for (answer, found) in
        [(servers(&[(1, 1, 4)]), "203.0.113.4:5004"), (Answer::Nothing(60_000), ALICE)]
    {
        let mut bench = Bench::new(script);
        let options = request("OPTIONS", "sip:bob@x", 1, ";maddr=back.example");
        assert_eq!(bench.send(&options), []);
        bench.answer("back.example", Wanted::Servers(Transport::Udp), answer);
        assert_eq!(destinations(&bench.pass(10)), [found]);
        assert_eq!(destinations(&bench.send(&options)), [found]);
        assert_eq!(bench.core.counted(Counter::SentReplies), 2);
    }
}

/// M15
#[test]
fn a_thousand_requests_wait_for_a_dead_server_while_others_pass() {
    let mut bench = Bench::new(SCRIPT);
    for number in 0..1_000 {
        let uri = format!("sip:bob@{number}.dead.example");
        assert_eq!(bench.send(&request("INVITE", &uri, number, "")), []);
        let passing = bench.send(&request("INVITE", "sip:bob@203.0.113.9", number, ""));
        assert_eq!(destinations(&passing), ["203.0.113.9:5060"]);
    }
    assert_eq!(bench.questions.len(), 1_000);
    assert_eq!(bench.pass(PARKED_MS_MAX - 1), []);
    let refused = bench.pass(10);
    assert_eq!(refused.len(), 1_000);
    for sent in &refused {
        assert_eq!(sent.0, ALICE.parse::<SocketAddr>().unwrap());
        assert_eq!(first_line(sent), "SIP/2.0 478 Unresolvable destination (478/SL)");
    }
    assert_eq!(bench.core.counted(Counter::DroppedForName), 0);
}

#[test]
fn questions_that_could_not_be_put_are_put_later() {
    let mut bench = Bench::new(SCRIPT);
    for number in 0..2_000 {
        bench.send(&request("OPTIONS", &format!("sip:bob@{number}.example"), number, ""));
    }
    let first = bench.questions.try_iter().count();
    assert!(first < 2_000);
    bench.pass(10);
    assert_eq!(first + bench.questions.try_iter().count(), 2_000);
}

/// Both bounds, of messages and of bytes.
#[test]
fn no_more_wait_than_there_is_room_for() {
    let mut bench = Bench::new(SCRIPT);
    let count = PARKED_COUNT_MAX as u32 + 5;
    for number in 0..count {
        bench.send(&request("OPTIONS", "sip:bob@dead.example", number, ""));
    }
    assert_eq!(bench.core.counted(Counter::DroppedForName), 5);
    assert_eq!(bench.pass(PARKED_MS_MAX).len(), PARKED_COUNT_MAX);

    let mut bench = Bench::new(SCRIPT);
    let body = "x".repeat(60_000);
    let large = |number| {
        request("MESSAGE", "sip:bob@dead.example", number, "")
            .replace("Content-Length: 0\r\n\r\n", &format!("Content-Length: 60000\r\n\r\n{body}"))
    };
    for number in 0..1_000 {
        bench.send(&large(number));
    }
    let dropped = bench.core.counted(Counter::DroppedForName);
    assert!(1_000 - dropped <= PARKED_BYTES_MAX as u64 / 60_000, "{dropped}");
    assert!(dropped < 500, "{dropped}");
    bench.pass(PARKED_MS_MAX);
    assert_eq!(bench.send(&large(1)), []);
    assert_eq!(bench.core.counted(Counter::DroppedForName), dropped, "there is room again");
}

#[test]
fn what_is_sent_as_it_came_waits_for_its_name_too() {
    let mut bench = Bench::new(
        "loadmodule \"corex.so\"\nroute { send_data(\"sip:theirs.example:5070\", \"hello\"); \
         send(theirs.example, 5070); }",
    );
    let request = request("OPTIONS", "sip:bob@x", 1, "");
    assert_eq!(bench.send(&request), []);
    assert_eq!(bench.core.counted(Counter::SentVerbatim), 0);
    bench.answer("theirs.example", Wanted::Addresses, servers(&[(0, 0, 9)]));
    let sent = bench.pass(10);
    let texts: Vec<&[u8]> = sent.iter().map(|(_, bytes)| &bytes[..]).collect();
    assert_eq!(texts, [b"hello", request.as_bytes()]);
    assert_eq!(bench.core.counted(Counter::SentVerbatim), 2);
    assert_eq!(bench.core.counted(Counter::DroppedByScript), 0);
}

#[test]
fn what_is_sent_as_it_came_is_lost_if_its_name_stands_for_nothing() {
    let mut bench = Bench::new("route { send(theirs.example, 5070); }");
    assert_eq!(bench.send(&request("OPTIONS", "sip:bob@x", 1, "")), []);
    bench.answer("theirs.example", Wanted::Addresses, Answer::Nothing(60_000));
    assert_eq!(bench.pass(10), [], "there is nobody to be told");
    assert_eq!(bench.core.counted(Counter::SentVerbatim), 0);
}
