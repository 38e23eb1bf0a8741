//! PrimiSIP between two phones: calls cancelled and answered.

use std::net::SocketAddr;

use crate::support::{
    Dialog, Message, Phone, RequestHop, Server, assert_response_hop, barrier, free_address, scripts,
};

/// Two phones and the server between them, both registered.
struct Bench {
    server: Server,
    low: Phone,
    high: Phone,
}

impl Bench {
    /// With a gateway that nobody calls.
    fn new() -> Self {
        Self::with_gateway(free_address())
    }

    /// With a gateway for the block of numbers.
    fn with_gateway(gateway: SocketAddr) -> Self {
        let server = Server::start(&scripts::primisip(gateway));
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

/// P14: the re-INVITE of either side passes as it is: no Record-Route, no 100 of the proxy.
#[test]
fn reinvite_is_loose_routed_and_not_record_routed_again() {
    let bench = Bench::new();
    let (server, caller, callee) = (bench.server.address(), &bench.low, &bench.high);
    let invite = caller.send(&caller.invite(&callee.aor(server)), server);
    caller.expect_reason(100, "Giving a try", "INVITE");
    let arrived = callee.expect_request("INVITE");
    callee.answer(&arrived, 200, "OK");
    let answer = caller.expect_response(200, "INVITE");
    let mut calling = Dialog::of_caller(caller, &invite, &answer);
    let mut called = Dialog::of_callee(callee, &arrived);
    calling.send(&calling.ack());
    callee.expect_request("ACK");
    for (side, from, to) in [(&mut calling, caller, callee), (&mut called, callee, caller)] {
        let draft = side.request("INVITE").body("application/sdp", "v=0\r\n");
        let sent = side.send(&draft);
        let reinvite = to.expect_request("INVITE");
        RequestHop::new(&sent, &reinvite).route_popped().check(server);
        // RFC 3261 §14: a refusal leaves the call as it was.
        let refusal = to.answer(&reinvite, 488, "Not Acceptable Here");
        let refused = from.expect_response(488, "INVITE");
        assert_response_hop(&refusal, &refused);
        let ack = from.send(&from.ack_failure(&sent, &refused), server);
        let ack_arrived = to.expect_request("ACK");
        RequestHop::new(&ack, &ack_arrived).route_popped().check(server);
        assert_eq!(ack_arrived.branch(), reinvite.branch());
    }
    barrier(caller, callee, &bench.server);
}

/// P16, P20: numbers of the block go to the gateway, whoever has registered.
#[test]
fn block_of_numbers_goes_to_the_gateway() {
    let gateway = Phone::new("+41215509123");
    let bench = Bench::with_gateway(gateway.address());
    let (server, caller) = (bench.server.address(), &bench.low);
    let invite = caller.send(&caller.invite(&gateway.aor(server)), server);
    caller.expect_reason(100, "Giving a try", "INVITE");
    let arrived = gateway.expect_request("INVITE");
    RequestHop::new(&invite, &arrived).uri(&gateway.uri()).record_routed(server).check(server);
    let cancel = caller.send(&caller.cancel(&invite), server);
    caller.expect_reason(200, "Cancelling", "CANCEL");
    let cancel_arrived = gateway.expect_request("CANCEL");
    RequestHop::new(&cancel, &cancel_arrived).uri(&gateway.uri()).check(server);
    barrier(caller, &gateway, &bench.server);
}

/// P18, P25: S0 §3.2: who is unknown is refused with 500, and found once registered.
#[test]
fn unknown_number_is_refused_with_500() {
    let bench = Bench::new();
    let (server, caller) = (bench.server.address(), &bench.low);
    let late = Phone::new("+41215507777");
    let invite = caller.send(&caller.invite(&late.aor(server)), server);
    caller.expect_reason(100, "Giving a try", "INVITE");
    let refused = caller.expect_response(500, "INVITE");
    assert!(refused.reason().to_lowercase().contains("server error occurred"), "{refused:?}");
    assert!(refused.reason().ends_with("/SL)"), "{refused:?}");
    caller.send(&caller.ack_failure(&invite, &refused), server);
    late.register(&bench.server);
    caller.send(&caller.invite(&late.aor(server)), server);
    caller.expect_reason(100, "Giving a try", "INVITE");
    assert_eq!(late.expect_request("INVITE").uri(), late.uri());
    barrier(caller, &late, &bench.server);
}

/// C14: a request that the script does nothing about is dropped without a word.
#[test]
fn method_that_the_script_leaves_out_gets_nothing() {
    let bench = Bench::new();
    let (server, caller, callee) = (bench.server.address(), &bench.low, &bench.high);
    caller.send(&caller.request("SUBSCRIBE", &callee.aor(server)), server);
    barrier(caller, callee, &bench.server);
    assert!(bench.server.log().contains("seen SUBSCRIBE"));
}

/// Forty calls at once (as many as fit the buffer of a phone): every message is for the right one.
#[test]
fn forty_calls_at_once_do_not_mix() {
    let bench = Bench::new();
    let (server, caller, callee) = (bench.server.address(), &bench.low, &bench.high);
    let invites: Vec<Message> =
        (0..40).map(|_| caller.send(&caller.invite(&callee.aor(server)), server)).collect();
    let same_call = |one: &Message, other: &Message| one.value("Call-ID") == other.value("Call-ID");
    for invite in invites.iter().rev() {
        let arrived = callee.expect("the INVITE of this call", |got| same_call(got, invite));
        callee.answer(&arrived, 200, "OK");
    }
    for invite in &invites {
        let answer = caller
            .expect("the 200 of this call", |got| same_call(got, invite) && got.status() == 200);
        assert_eq!(answer.vias(), invite.vias());
        let calling = Dialog::of_caller(caller, invite, &answer);
        calling.send(&calling.ack());
        callee
            .expect("the ACK of this call", |got| same_call(got, invite) && got.method() == "ACK");
        caller.expect("the 100 of this call", |got| same_call(got, invite) && got.status() == 100);
    }
    barrier(caller, callee, &bench.server);
}

/// One transaction within the dialog: four messages.
fn exchange_in_dialog(sent: &Message, from: &Phone, to: &Phone, server: &Server) {
    let arrived = to.expect_request(sent.method());
    RequestHop::new(sent, &arrived).route_popped().check(server.address());
    let answer = to.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &from.expect_response(200, sent.method()));
}
