//! The way back: where a response goes, and which responses go nowhere.

use std::net::IpAddr;

use crate::support::address::own_ip;
use crate::support::{
    Phone, RequestHop, Server, assert_response_hop, barrier, differs_on_kamailio, scripts,
};

/// Two phones and a plain proxy.
fn bench() -> (Server, Phone, Phone) {
    (Server::start(&scripts::plain()), Phone::new("alice"), Phone::new("bob"))
}

/// M02: a proxy that forwards whatever has its Via on top can be used against others.
#[test]
fn response_that_answers_no_request_of_ours_is_dropped() {
    if differs_on_kamailio("forwards them") {
        return;
    }
    let (server, alice, bob) = bench();
    let victim = Phone::new("victim");
    alice.send(&alice.invite(&bob.uri()), server.address());
    let arrived = bob.expect_request("INVITE");
    let genuine = bob.response(&arrived, 180, "Ringing");
    let vias: Vec<String> = arrived.vias().into_iter().map(|via| via.text).collect();

    // One digit of our branch changed.
    let branch = arrived.branch();
    let digit = if branch.as_bytes()[7] == b'0' { "1" } else { "0" };
    let forged = format!("z9hG4bK{digit}{}", &branch[8..]);
    let off_by_one = genuine
        .clone()
        .without("Via")
        .on_top("Via", &vias[1])
        .on_top("Via", vias[0].replace(&branch, &forged));
    // Our Via over the one of somebody who has asked for nothing.
    let redirected =
        genuine.clone().without("Via").on_top("Via", victim.new_via()).on_top("Via", &vias[0]);
    // Somebody else's Via on top; none below ours; none at all.
    let foreign = genuine.clone().without("Via").on_top("Via", victim.new_via());
    let alone = genuine.clone().without("Via").on_top("Via", &vias[0]);
    let bare = genuine.clone().without("Via");
    for draft in [off_by_one, redirected, foreign, alone, bare] {
        bob.send(&draft, server.address());
    }
    let sent = bob.respond(&genuine);
    assert_response_hop(&sent, &alice.expect_response(180, "INVITE"));
    barrier(&bob, &alice, &server);
    barrier(&bob, &victim, &server);
}

/// RFC 3261 §18.2.1, §18.2.2.
#[test]
fn response_goes_to_the_address_that_the_request_came_from() {
    let (server, alice, bob) = bench();
    let via = alice.new_via().replace("127.0.0.1", "203.0.113.7");
    let draft = alice.request("MESSAGE", &bob.uri()).set("Via", via);
    let sent = alice.send(&draft, server.address());
    let arrived = bob.expect_request("MESSAGE");
    let below = arrived.vias().remove(1);
    assert_eq!(below.param("received"), Some("127.0.0.1"));
    assert_eq!(below.sent_by, sent.via().sent_by);
    assert_eq!(below.branch(), sent.branch());
    let answer = bob.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &alice.expect_response(200, "MESSAGE"));
}

/// RFC 3581 §4, for what is forwarded and for what is answered here.
#[test]
fn response_goes_to_the_port_that_the_request_came_from_if_asked() {
    let (server, alice, bob) = bench();
    let port = alice.address().port();
    let via = || alice.new_via().replace(&format!(":{port}"), ":9;rport");
    let draft = alice.request("MESSAGE", &bob.uri()).set("Via", via());
    alice.send(&draft, server.address());
    let arrived = bob.expect_request("MESSAGE");
    let below = arrived.vias().remove(1);
    assert_eq!(below.param("received"), Some("127.0.0.1"));
    assert_eq!(below.param("rport"), Some(port.to_string().as_str()));
    let answer = bob.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &alice.expect_response(200, "MESSAGE"));

    let probe = alice.request("OPTIONS", &format!("sip:probe@{}", server.address()));
    let answer = alice.ask(&probe.set("Via", via()), server.address());
    assert_eq!(answer.via().param("rport"), Some(port.to_string().as_str()));
    assert_eq!(answer.via().param("received"), Some("127.0.0.1"));
}

/// RFC 3261 §18.2.2: maddr says where responses go, before received.
#[test]
fn response_goes_to_maddr() {
    if differs_on_kamailio("does not look at maddr in Via") {
        return;
    }
    let (server, alice, bob) = bench();
    let twin = Phone::at("twin", IpAddr::V4(own_ip()));
    let via = format!(
        "SIP/2.0/UDP 127.0.0.1:{};maddr={};branch=z9hG4bKmaddr{}",
        twin.address().port(),
        twin.address().ip(),
        alice.address().port()
    );
    let sent = alice.send(&alice.request("MESSAGE", &bob.uri()).set("Via", via), server.address());
    let arrived = bob.expect_request("MESSAGE");
    RequestHop::new(&sent, &arrived).check(server.address());
    let answer = bob.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &twin.expect_response(200, "MESSAGE"));
    alice.assert_nothing_before_probe(&server);
}

/// P22, M02: a response passes with everything that is strange about it, and its retransmission
/// passes again.
#[test]
fn responses_of_all_classes_pass_unchanged() {
    let (server, alice, bob) = bench();
    alice.send(&alice.invite(&bob.uri()), server.address());
    let arrived = bob.expect_request("INVITE");
    for (code, reason) in [
        (183, "Session Progress"),
        (199, ""),
        (200, "OK"),
        (302, "Gone \u{fc}ber there"),
        (486, "Busy Here"),
        (503, "Service Unavailable"),
        (699, "Quite unlikely: 100 %"),
    ] {
        let odd = bob
            .response(&arrived, code, reason)
            .add("Warning", "399 bench \"two,  words;\"")
            .add("x-EMPTY", "")
            .body("text/plain", "Via: not a header\r\n\r\nat all\r\n");
        for _ in 0..2 {
            let sent = bob.respond(&odd);
            assert_response_hop(&sent, &alice.expect_response(code, "INVITE"));
        }
    }
    barrier(&bob, &alice, &server);
}
