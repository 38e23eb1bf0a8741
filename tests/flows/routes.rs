//! Where a request goes: Route, strict routers, listeners, address families.

use std::net::{IpAddr, Ipv6Addr};

use crate::support::address::free_port;
use crate::support::message::uri_address;
use crate::support::{
    Dialog, Phone, RequestHop, Server, assert_response_hop, barrier, differs_on_kamailio,
    free_address, left_out, scripts,
};

/// Two phones and a plain proxy.
fn bench() -> (Server, Phone, Phone) {
    (Server::start(&scripts::plain()), Phone::new("alice"), Phone::new("bob"))
}

/// P13, R02: RFC 3261 §16.12.
#[test]
fn topmost_route_decides_and_the_request_uri_stays() {
    let (server, alice, bob) = bench();
    let uri = "sip:carol@192.0.2.3:5099;x=y";
    let draft = alice
        .request("INFO", uri)
        .on_top("Route", format!("<sip:{};lr>", bob.address()))
        .on_top("Route", format!("<sip:{};lr;ftag=1>", server.address()));
    let sent = alice.send(&draft, server.address());
    let arrived = bob.expect_request("INFO");
    RequestHop::new(&sent, &arrived).route_popped().check(server.address());
    let last =
        alice.request("INFO", &bob.uri()).on_top("Route", format!("<sip:{};lr>", server.address()));
    let sent = alice.send(&last, server.address());
    let arrived = bob.expect_request("INFO");
    RequestHop::new(&sent, &arrived).route_popped().check(server.address());
    barrier(&alice, &bob, &server);
}

/// RFC 3261 §16.6 step 6: the next router wants to find itself in the Request-URI.
#[test]
fn strict_router_behind_us_is_served() {
    let (server, alice, bob) = bench();
    let to = "<sip:carol@example.com>;tag=in-dialog";
    let routes = [
        format!("<sip:{};lr>", server.address()),
        format!("<sip:strict@{}>", bob.address()),
        "<sip:192.0.2.7;lr>".to_owned(),
    ];
    let draft = alice
        .request("INFO", "sip:carol@192.0.2.3;x=y")
        .set("To", to)
        .on_top("Route", routes.join(","));
    let sent = alice.send(&draft, server.address());
    let arrived = bob.expect_request("INFO");
    assert_eq!(arrived.uri(), format!("sip:strict@{}", bob.address()));
    assert_eq!(arrived.uris("Route"), ["sip:192.0.2.7;lr", "sip:carol@192.0.2.3;x=y"]);
    assert_eq!(arrived.vias()[1..], sent.vias());
    let answer = bob.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &alice.expect_response(200, "INFO"));
    barrier(&alice, &bob, &server);
}

/// RFC 3261 §16.4: the router before us has put our Route into the Request-URI.
#[test]
fn strict_router_before_us_is_undone() {
    let (server, alice, bob) = bench();
    let to = "<sip:carol@example.com>;tag=in-dialog";
    let own = format!("sip:{};lr=on;ftag=1", server.address());
    let info = || alice.request("INFO", &own).set("To", to);
    let target = format!("<{}>", bob.uri());
    let sent = alice.send(&info().on_top("Route", &target), server.address());
    let arrived = bob.expect_request("INFO");
    RequestHop::new(&sent, &arrived).uri(&bob.uri()).route_popped().check(server.address());

    let next = format!("<sip:{};lr>", bob.address());
    let draft = info().on_top("Route", format!("{next}, <sip:carol@192.0.2.3>"));
    alice.send(&draft, server.address());
    let arrived = bob.expect_request("INFO");
    assert_eq!(arrived.uri(), "sip:carol@192.0.2.3");
    assert_eq!(arrived.items("Route"), [next]);
    barrier(&alice, &bob, &server);
}

/// F02, F03: to a fixed address the request goes as it is.
#[test]
fn forward_to_an_address_leaves_the_request_uri() {
    let bob = Phone::new("bob");
    let (ip, port) = (bob.address().ip(), bob.address().port());
    let server = Server::start(&scripts::route(&format!(
        r#"
    if (uri=~"^sip:fixed@") {{ forward({ip}, {port}); }}
    else {{ rewritehostport("{ip}:{port}"); forward(uri:host, uri:port); }}
"#
    )));
    let alice = Phone::new("alice");
    let sent = alice.send(&alice.request("MESSAGE", "sip:fixed@192.0.2.3"), server.address());
    let arrived = bob.expect_request("MESSAGE");
    RequestHop::new(&sent, &arrived).check(server.address());
    let sent = alice.send(&alice.request("MESSAGE", "sip:moved@192.0.2.3"), server.address());
    let arrived = bob.expect_request("MESSAGE");
    let moved = format!("sip:moved@{}", bob.address());
    RequestHop::new(&sent, &arrived).uri(&moved).check(server.address());
    let answer = bob.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &alice.expect_response(200, "MESSAGE"));
}

/// G01: a request leaves from the address that it came to.
#[test]
fn every_listen_address_answers_and_forwards_for_itself() {
    if differs_on_kamailio("leaves from the first address") {
        return;
    }
    let other = free_address();
    let server = Server::start(&format!("listen=udp:{other}\n{}", scripts::plain()));
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    for own in [server.address(), other] {
        let probe = alice.request("OPTIONS", &format!("sip:probe@{own}"));
        assert_eq!(alice.ask(&probe, own).source, own);
        let sent = alice.send(&alice.request("MESSAGE", &bob.uri()), own);
        let arrived = bob.expect_request("MESSAGE");
        assert_eq!(arrived.source, own);
        RequestHop::new(&sent, &arrived).check(own);
        let answer = bob.answer(&arrived, 200, "OK");
        let got = alice.expect_response(200, "MESSAGE");
        assert_response_hop(&answer, &got);
        assert_eq!(got.source, own);
    }
}

/// The script sends from another address; the answer comes back the way the request came.
#[test]
fn force_send_socket_chooses_where_a_request_leaves_from() {
    let outside = free_address();
    let script = scripts::route(&format!("force_send_socket(udp:{outside}); forward();"));
    let server = Server::start(&format!("listen=udp:{outside}\n{script}"));
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    let sent = alice.send(&alice.request("MESSAGE", &bob.uri()), server.address());
    let arrived = bob.expect_request("MESSAGE");
    assert_eq!(arrived.source, outside);
    RequestHop::new(&sent, &arrived).check(outside);
    let answer = bob.answer(&arrived, 200, "OK");
    let got = alice.expect_response(200, "MESSAGE");
    assert_response_hop(&answer, &got);
    if !differs_on_kamailio("answers from any address") {
        assert_eq!(got.source, server.address());
    }
}

/// R01: a call between two networks has a Record-Route for each, and both sides find theirs.
#[test]
fn call_that_crosses_listeners_is_record_routed_twice() {
    let outside = free_address();
    let script = scripts::route(&format!(
        r#"
    if (loose_route()) {{ forward(); exit; }}
    force_send_socket(udp:{outside});
    record_route();
    forward();
"#
    ));
    let server = Server::start(&format!("listen=udp:{outside}\n{script}"));
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    let invite = alice.send(&alice.invite(&bob.uri()), server.address());
    let arrived = bob.expect_request("INVITE");
    let hosts: Vec<_> = arrived.uris("Record-Route").iter().map(|uri| uri_address(uri)).collect();
    assert_eq!(hosts, [outside, server.address()]);
    bob.answer(&arrived, 200, "OK");
    let answer = alice.expect_response(200, "INVITE");
    let calling = Dialog::of_caller(&alice, &invite, &answer);
    assert_eq!(calling.next_hop(), server.address());
    let ack = calling.send(&calling.ack());
    let ack_arrived = bob.expect_request("ACK");
    assert_eq!(ack_arrived.source, outside);
    RequestHop::new(&ack, &ack_arrived).route_popped().route_popped().check(outside);
    let mut called = Dialog::of_callee(&bob, &arrived);
    assert_eq!(called.next_hop(), outside);
    let bye = called.request("BYE");
    let bye = called.send(&bye);
    let bye_arrived = alice.expect_request("BYE");
    assert_eq!(bye_arrived.source, server.address());
    RequestHop::new(&bye, &bye_arrived).route_popped().route_popped().check(server.address());
}

/// A call over IPv6, where the machine has it.
#[test]
fn ipv6_works_like_ipv4() {
    let loopback = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if std::net::UdpSocket::bind((loopback, 0)).is_err() {
        left_out("no IPv6 here");
        return;
    }
    let (alice, bob) = (Phone::at("alice", loopback), Phone::at("bob", loopback));
    let script = scripts::route(
        r#"
    if (loose_route()) { forward(); exit; }
    record_route();
    forward();
"#,
    );
    let server = Server::start_at(free_port(loopback), &script);
    let invite = alice.send(&alice.invite(&bob.uri()), server.address());
    let arrived = bob.expect_request("INVITE");
    RequestHop::new(&invite, &arrived).record_routed(server.address()).check(server.address());
    let sent = bob.answer(&arrived, 200, "OK");
    let answer = alice.expect_response(200, "INVITE");
    assert_response_hop(&sent, &answer);
    let calling = Dialog::of_caller(&alice, &invite, &answer);
    assert_eq!(calling.next_hop(), server.address());
    let ack = calling.send(&calling.ack());
    let arrived = bob.expect_request("ACK");
    RequestHop::new(&ack, &arrived).route_popped().check(server.address());
    barrier(&alice, &bob, &server);
}

/// From one family to the other, by the listener that can.
#[test]
fn request_may_change_the_address_family() {
    let loopback = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if std::net::UdpSocket::bind((loopback, 0)).is_err() {
        left_out("no IPv6 here");
        return;
    }
    let (alice, bob) = (Phone::new("alice"), Phone::at("bob", loopback));
    let outside = free_port(loopback);
    let server = Server::start(&format!("listen=udp:{outside}\n{}", scripts::plain()));
    let sent = alice.send(&alice.request("MESSAGE", &bob.uri()), server.address());
    let arrived = bob.expect_request("MESSAGE");
    assert_eq!(arrived.source, outside);
    RequestHop::new(&sent, &arrived).check(outside);
    let answer = bob.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &alice.expect_response(200, "MESSAGE"));
}

/// F06, F11: what cannot be sent is answered, and never sent.
#[test]
fn forward_that_fails_is_told_to_the_script() {
    let server = Server::start(&scripts::plain());
    let alice = Phone::new("alice");
    let impossible = alice.request("MESSAGE", "sip:bob@name.that.does.not.exist.invalid");
    let refused = alice.ask(&impossible, server.address());
    assert!((400..600).contains(&refused.status()), "{}", refused.start);
    assert!(refused.reason().ends_with("/SL)"), "{}", refused.start);
    alice.assert_nothing_before_probe(&server);
}
