//! The many ways to write the same message: what a proxy does not change stays as it was.

use crate::support::{
    Phone, RequestHop, Server, assert_response_hop, barrier, differs_on_kamailio, scripts,
};

/// Two phones and a plain proxy that stays on the path.
fn bench() -> (Server, Phone, Phone) {
    let script = scripts::route(
        r#"
    if (loose_route()) { forward(); exit; }
    record_route();
    forward();
"#,
    );
    (Server::start(&script), Phone::new("alice"), Phone::new("bob"))
}

/// P24: several Vias in a line, in the request and in the response.
#[test]
fn vias_may_share_a_line() {
    let (server, alice, bob) = bench();
    let upstream = "SIP/2.0/UDP upstream.invalid;branch=z9hG4bKup , SIP/2.0/TCP 192.0.2.9;branch=x";
    let draft = alice.invite(&bob.uri());
    let draft = draft.set("Via", format!("{},{upstream}", alice.new_via()));
    let sent = alice.send(&draft, server.address());
    let arrived = bob.expect_request("INVITE");
    RequestHop::new(&sent, &arrived).record_routed(server.address()).check(server.address());

    let vias: Vec<String> = arrived.vias().into_iter().map(|via| via.text).collect();
    let response = bob.response(&arrived, 200, "OK").without("Via");
    // All in one line; and ours alone with its neighbour.
    let together = response.clone().on_top("Via", vias.join(", "));
    let answer = bob.respond(&together);
    let got = alice.expect_response(200, "INVITE");
    assert_eq!(got.vias(), answer.vias()[1..]);
    assert_eq!(got.lines[1..].len(), answer.lines[1..].len());
    let halves = response.on_top("Via", vias[2..].join(",")).on_top("v", vias[..2].join("  ,"));
    let answer = bob.respond(&halves);
    let got = alice.expect_response(200, "INVITE");
    assert_eq!(got.vias(), answer.vias()[1..]);
    assert_eq!(got.lines[1].raw, answer.lines[1].raw);
    barrier(&alice, &bob, &server);
}

/// P13, P24: several Routes in a line, and Record-Routes of others.
#[test]
fn routes_may_share_a_line() {
    let (server, alice, bob) = bench();
    let others = "<sip:192.0.2.1;lr>, \"A, B\" <sip:192.0.2.2;lr;x=\"1,2\">";
    let draft = alice.invite(&bob.uri()).on_top("Record-Route", others);
    let sent = alice.send(&draft, server.address());
    let arrived = bob.expect_request("INVITE");
    RequestHop::new(&sent, &arrived).record_routed(server.address()).check(server.address());
    assert_eq!(arrived.items("Record-Route").len(), 3);

    let routes =
        format!("<sip:{};lr>, <sip:{};lr>,<sip:192.0.2.2;lr>", server.address(), bob.address());
    let draft = alice.request("INFO", "sip:carol@192.0.2.3").on_top("Route", routes);
    let sent = alice.send(&draft, server.address());
    let arrived = bob.expect_request("INFO");
    RequestHop::new(&sent, &arrived).route_popped().check(server.address());
    barrier(&alice, &bob, &server);
}

/// RFC 3261 §7.3.3, §7.3.1.
#[test]
fn compact_and_oddly_written_names_are_understood() {
    let (server, alice, bob) = bench();
    let draft = alice
        .invite(&bob.uri())
        .rename("Via", "v")
        .rename("From", "f")
        .rename("To", "T")
        .rename("Call-ID", "i")
        .rename("CSeq", "cSEQ")
        .rename("Contact", "m")
        .rename("Max-Forwards", "MAX-FORWARDS")
        .rename("Content-Type", "C")
        .add("l", crate::support::phone::SDP.len().to_string());
    let sent = alice.send(&draft, server.address());
    assert!(sent.raw.starts_with(b"INVITE ") && !sent.raw.windows(5).any(|five| five == b"\nVia:"));
    let arrived = bob.expect_request("INVITE");
    RequestHop::new(&sent, &arrived).record_routed(server.address()).check(server.address());
    let answer = bob.respond(&bob.response(&arrived, 200, "OK").rename("Via", "V"));
    assert_response_hop(&answer, &alice.expect_response(200, "INVITE"));
    barrier(&alice, &bob, &server);
}

/// RFC 3261 §7.3.1: a line that starts with white space continues the one before.
#[test]
fn folded_lines_are_understood_and_kept() {
    if differs_on_kamailio("does not know folds within quotes") {
        return;
    }
    let (server, alice, bob) = bench();
    let via = alice.new_via().replace(";branch", "\r\n ;\r\n\tbranch");
    let from = format!("\"Alice\r\n\t the first\"\r\n <{}>\r\n ;tag=folded", alice.uri());
    let routes = format!("\r\n <sip:{};lr>\r\n ,<sip:{};lr>", server.address(), bob.address());
    let draft = alice
        .invite("sip:carol@192.0.2.3")
        .set("Via", via)
        .set("From", from)
        .add("Subject", "first\r\n  second\r\n\tthird")
        .on_top("Route", routes);
    let sent = alice.send(&draft, server.address());
    let arrived = bob.expect_request("INVITE");
    RequestHop::new(&sent, &arrived).route_popped().check(server.address());
    let answer = bob.answer(&arrived, 180, "Ringing");
    assert_response_hop(&answer, &alice.expect_response(180, "INVITE"));
    barrier(&alice, &bob, &server);
}

/// P15, P23: RFC 3261 §16.11: a stateless proxy treats each copy like the first.
#[test]
fn retransmission_is_forwarded_byte_for_byte_the_same() {
    let (server, alice, bob) = bench();
    let draft = alice.invite(&bob.uri());
    alice.send(&draft, server.address());
    let first = bob.expect_request("INVITE");
    for _ in 0..3 {
        alice.send(&draft, server.address());
        assert_eq!(bob.expect_request("INVITE").raw, first.raw);
    }
    barrier(&alice, &bob, &server);
}

/// M10: every method passes, also those that nobody has heard of.
#[test]
fn every_method_passes() {
    let (server, alice, bob) = bench();
    for method in [
        "OPTIONS",
        "BYE",
        "INFO",
        "MESSAGE",
        "NOTIFY",
        "PRACK",
        "PUBLISH",
        "REFER",
        "REGISTER",
        "SUBSCRIBE",
        "UPDATE",
        "FOO-bar.!%*_+`'~",
    ] {
        let sent = alice.send(&alice.request(method, &bob.uri()), server.address());
        let arrived = bob.expect_request(method);
        RequestHop::new(&sent, &arrived).record_routed(server.address()).check(server.address());
        let answer = bob.answer(&arrived, 200, "OK");
        assert_response_hop(&answer, &alice.expect_response(200, method));
    }
}

/// M07, M14: what the body says is nobody's business, be it as large as a datagram can be.
#[test]
fn body_is_left_alone() {
    let (server, alice, bob) = bench();
    for length in [0, 1, 1_500, 9_000, 60_000] {
        let text: String = ('a'..='z').cycle().take(length).collect();
        let draft = alice.request("MESSAGE", &bob.uri()).body("text/plain", &text);
        let sent = alice.send(&draft, server.address());
        let arrived = bob.expect_request("MESSAGE");
        RequestHop::new(&sent, &arrived).record_routed(server.address()).check(server.address());
    }
    let like_sip = "\r\n\r\nVia: x\r\nRoute: y\r\n\0\0";
    let draft = alice.request("MESSAGE", &bob.uri()).body("application/x-odd", like_sip);
    let sent = alice.send(&draft, server.address());
    let arrived = bob.expect_request("MESSAGE");
    RequestHop::new(&sent, &arrived).record_routed(server.address()).check(server.address());
}

/// RFC 3261 §18.3: what stands behind the body is not part of the message; without
/// Content-Length the body ends with the datagram.
#[test]
fn body_ends_where_content_length_says() {
    if differs_on_kamailio("passes on what stands behind the body") {
        return;
    }
    let (server, alice, bob) = bench();
    let message = || alice.request("MESSAGE", &bob.uri()).body("text/plain", "four and more");
    alice.send(&message().add("Content-Length", "4"), server.address());
    assert_eq!(bob.expect_request("MESSAGE").body, b"four");
    let bytes = String::from_utf8(message().bytes()).unwrap();
    alice.send_bytes(bytes.replace("Content-Length: 13\r\n", "").as_bytes(), server.address());
    assert_eq!(bob.expect_request("MESSAGE").body, b"four and more");
    barrier(&alice, &bob, &server);
}
