//! PrimiSIP between two phones: calls cancelled and answered.

use crate::support::{
    Dialog, Message, Phone, RequestHop, Server, assert_response_hop, barrier, free_address, scripts,
};

/// Caller, callee and the server between them, both phones registered.
struct Bench {
    server: Server,
    low: Phone,
    high: Phone,
}

impl Bench {
    fn new() -> Self {
        let server = Server::start(&scripts::primisip(free_address()));
        let bench =
            Self { server, low: Phone::new("+41215501111"), high: Phone::new("+41215509999") };
        bench.low.register(&bench.server);
        bench.high.register(&bench.server);
        bench
    }

    /// Messages on the wire: each has a phone at one of its ends.
    fn message_count(&self) -> usize {
        [&self.low, &self.high]
            .map(|phone| phone.sent_count() + phone.received_count())
            .iter()
            .sum()
    }
}

/// P21, P22, P23, M03: S0 §2.1, 16 messages.
#[test]
fn cancelled_call_takes_sixteen_messages() {
    let bench = Bench::new();
    let (server, caller, callee) = (bench.server.address(), &bench.high, &bench.low);
    let before = bench.message_count();

    let invite = caller.send(&caller.invite(&callee.aor(server)), server);
    let giving_a_try = caller.expect_reason(100, "Giving a try", "INVITE");
    assert_eq!(giving_a_try.vias(), invite.vias());
    let arrived = callee.expect_request("INVITE");
    RequestHop::new(&invite, &arrived).uri(&callee.uri()).record_routed(server).check(server);
    for (code, reason) in [(100, "Trying"), (180, "Ringing")] {
        let sent = callee.answer(&arrived, code, reason);
        assert_response_hop(&sent, &caller.expect_reason(code, reason, "INVITE"));
    }

    let cancel = caller.send(&caller.cancel(&invite), server);
    caller.expect_reason(200, "Cancelling", "CANCEL");
    let cancel_arrived = callee.expect_request("CANCEL");
    RequestHop::new(&cancel, &cancel_arrived).uri(&callee.uri()).check(server);
    assert_eq!(cancel_arrived.branch(), arrived.branch());
    let sent = callee.answer(&cancel_arrived, 200, "OK");
    assert_response_hop(&sent, &caller.expect_reason(200, "OK", "CANCEL"));

    let sent = callee.answer(&arrived, 487, "Request Cancelled");
    let terminated = caller.expect_response(487, "INVITE");
    assert_response_hop(&sent, &terminated);
    let ack = caller.send(&caller.ack_failure(&invite, &terminated), server);
    let ack_arrived = callee.expect_request("ACK");
    RequestHop::new(&ack, &ack_arrived).uri(&callee.uri()).check(server);
    assert_eq!(ack_arrived.branch(), arrived.branch());

    barrier(caller, callee, &bench.server);
    assert_eq!(bench.message_count() - before, 16);
}

/// P10, P14, P21, M05, M14: S0 §2.2, 27 messages, INFO both ways, BYE from the callee.
#[test]
fn answered_call_takes_twenty_seven_messages() {
    let bench = Bench::new();
    let (server, caller, callee) = (bench.server.address(), &bench.low, &bench.high);

    let invite = caller.send(&caller.invite(&callee.aor(server)), server);
    caller.expect_reason(100, "Giving a try", "INVITE");
    let arrived = callee.expect_request("INVITE");
    RequestHop::new(&invite, &arrived).uri(&callee.uri()).record_routed(server).check(server);
    let mut answer = None;
    for (code, reason) in [(100, "Trying"), (180, "Ringing"), (200, "OK")] {
        let sent = callee.answer(&arrived, code, reason);
        let got = caller.expect_reason(code, reason, "INVITE");
        assert_response_hop(&sent, &got);
        assert_eq!(got.items("Record-Route"), arrived.items("Record-Route"));
        answer = Some(got);
    }

    let mut calling = Dialog::of_caller(caller, &invite, &answer.unwrap());
    let mut called = Dialog::of_callee(callee, &arrived);
    assert_eq!(calling.next_hop(), server);
    assert_eq!(called.next_hop(), server);
    let ack = calling.send(&calling.ack());
    let ack_arrived = callee.expect_request("ACK");
    RequestHop::new(&ack, &ack_arrived).route_popped().check(server);
    assert_ne!(ack_arrived.branch(), arrived.branch());

    for ((side, from, to), digits) in
        [((&mut calling, caller, callee), "2"), ((&mut called, callee, caller), "3")]
    {
        let body = format!("Signal={digits}\r\nDuration=480\r\n");
        let draft = side.request("INFO").body("application/dtmf-relay", &body);
        exchange_in_dialog(&side.send(&draft), from, to, &bench.server);
    }
    let bye = called.request("BYE");
    exchange_in_dialog(&called.send(&bye), callee, caller, &bench.server);

    barrier(caller, callee, &bench.server);
    assert_eq!(bench.message_count(), 27);
}

/// One transaction within the dialog: four messages.
fn exchange_in_dialog(sent: &Message, from: &Phone, to: &Phone, server: &Server) {
    let arrived = to.expect_request(sent.method());
    RequestHop::new(sent, &arrived).route_popped().check(server.address());
    let answer = to.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &from.expect_response(200, sent.method()));
}
