//! SIP over TCP, from outside (RFC 3261 §18).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![expect(clippy::panic, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test file uses a part of it")]
mod support;

use std::net::TcpListener;

use support::wire::Wire;
use support::{Message, Server};

/// Answers what is for the server and forwards the rest.
const SCRIPT: &str = r#"
loadmodule "sl.so"
route {
    if (uri == myself) { sl_send_reply("200", "OK"); exit; }
    forward();
}
"#;

/// A server of this script with TCP.
fn server(globals: &str) -> Server {
    Server::start_for(&["tcp"], &format!("{globals}\n{SCRIPT}"))
}

/// A request for the server itself.
fn options(wire: &Wire, server: &Server) -> String {
    wire.request("OPTIONS", &format!("sip:{}", server.address()), "")
}

/// What tells a message and its answer from all others.
fn call_id(message: &str) -> String {
    Message::parse(message.as_bytes(), "127.0.0.1:1".parse().unwrap()).value("Call-ID").to_owned()
}

/// A counter, for all workers together.
fn counter(server: &Server, name: &str) -> u64 {
    let line = server.ctl(&["get_statistics", name]);
    line.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Waits until a counter has a value.
fn wait_for(server: &Server, name: &str, value: u64) {
    for _ in 0..2_000 {
        if counter(server, name) == value {
            return;
        }
    }
    panic!("{name} is {}, not {value}", counter(server, name));
}

#[test]
fn a_request_is_answered_by_the_connection_that_it_came_by() {
    let server = server("");
    let mut wire = Wire::open(server.address());
    for body in ["", "v=0\r\n\r\n"] {
        let request = wire.request("OPTIONS", &format!("sip:{}", server.address()), body);
        wire.send(&request);
        let answer = wire.receive();
        assert_eq!((answer.status(), answer.value("Call-ID")), (200, &*call_id(&request)));
    }
}

#[test]
fn messages_may_come_in_any_pieces() {
    let server = server("");
    let mut wire = Wire::open(server.address());
    let requests: Vec<String> = (0..3).map(|_| options(&wire, &server)).collect();
    wire.send(requests.concat());
    for request in &requests {
        assert_eq!(wire.receive().value("Call-ID"), call_id(request));
    }
    for request in &requests {
        request.bytes().for_each(|octet| wire.send([octet]));
        assert_eq!(wire.receive().value("Call-ID"), call_id(request));
    }
}

#[test]
fn a_thousand_messages_in_one_go_are_answered_in_order() {
    let server = server("");
    let mut wire = Wire::open(server.address());
    let requests: Vec<String> = (0..1_000).map(|_| options(&wire, &server)).collect();
    wire.send(requests.concat());
    for request in &requests {
        assert_eq!(wire.receive().value("Call-ID"), call_id(request));
    }
}

#[test]
fn keep_alives_are_answered() {
    let server = server("");
    let mut wire = Wire::open(server.address());
    wire.send("\r\n\r\n");
    assert_eq!(wire.receive_octets(2), b"\r\n");
    let request = options(&wire, &server);
    wire.send(format!("\r\n{request}"));
    assert_eq!(wire.receive().value("Call-ID"), call_id(&request));
    wire.send("\r\n\r\n");
    assert_eq!(wire.receive_octets(2), b"\r\n");
    wait_for(&server, "received_pings", 2);
}

#[test]
fn a_message_goes_to_a_peer_that_is_connected_whoever_has_its_connection() {
    let server = server("");
    let mut caller = Wire::open(server.address());
    // With two workers, some of them are at the other one.
    let mut callees: Vec<Wire> = (0..8).map(|_| Wire::open(server.address())).collect();
    for callee in &mut callees {
        let request = caller.request("MESSAGE", &callee.uri(), "hello");
        caller.send(&request);
        let arrived = callee.receive();
        assert_eq!((arrived.method(), &*arrived.body), ("MESSAGE", &b"hello"[..]));
        callee.send(callee.response(&arrived, 202));
        let answer = caller.receive();
        assert_eq!((answer.status(), answer.value("Call-ID")), (202, &*call_id(&request)));
    }
    assert!(counter(&server, "passed_messages") > 0);
    assert_eq!(counter(&server, "connections_opened"), 0);
}

#[test]
fn a_connection_is_opened_to_a_peer_that_has_none_and_used_again() {
    let server = server("");
    let mut caller = Wire::open(server.address());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("sip:bob@{}", listener.local_addr().unwrap());
    caller.send(caller.request("MESSAGE", &uri, "one") + &caller.request("MESSAGE", &uri, "two"));
    let mut callee = Wire::accept(&listener);
    assert_eq!(callee.stream.peer_addr().unwrap().ip(), server.address().ip());
    for body in ["one", "two"] {
        let arrived = callee.receive();
        assert_eq!(arrived.body, body.as_bytes());
        callee.send(callee.response(&arrived, 200));
        assert_eq!(caller.receive().status(), 200);
    }
    assert_eq!(counter(&server, "connections_opened"), 1);
}

#[test]
fn what_is_no_sip_is_closed_at_once() {
    let server = server("");
    for garbage in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01"] {
        let mut wire = Wire::open(server.address());
        wire.send(garbage);
        wire.assert_closed();
    }
    wait_for(&server, "connections_malformed", 2);
}

#[test]
fn a_request_without_a_usable_length_gets_400_and_the_connection_is_closed() {
    let server = server("");
    for length in ["", "Content-Length: -1\r\n", "l: 99999999\r\n", "l: 0\r\nContent-Length: 4\r\n"]
    {
        let mut wire = Wire::open(server.address());
        let request = options(&wire, &server).replace("Content-Length: 0\r\n", length);
        wire.send(request.repeat(2));
        assert_eq!(wire.receive().status(), 400, "{length:?}");
        wire.assert_closed();
    }
}
