//! SIP over TCP, from outside (RFC 3261 §18).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![expect(clippy::panic, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test file uses a part of it")]
mod support;

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use support::wire::{Wire, uri};
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
    wait_for(&server, "connections_accepted", 9);
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
    let uri = uri(listener.local_addr().unwrap());
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

#[test]
fn a_message_may_lack_its_length_where_the_script_accepts_that() {
    let server = server("tcp_accept_no_cl=yes");
    let mut wire = Wire::open(server.address());
    let request = options(&wire, &server).replace("Content-Length: 0\r\n", "");
    wire.send(request.repeat(2));
    assert_eq!([wire.receive().status(), wire.receive().status()], [200, 200]);
}

#[test]
fn who_sends_no_more_gets_the_answer_before_the_end() {
    let server = server("");
    let mut wire = Wire::open(server.address());
    wire.send(options(&wire, &server));
    wire.finish();
    assert_eq!(wire.receive().status(), 200);
    wire.assert_closed();
    wait_for(&server, "connections_ended", 1);
}

#[test]
fn a_reset_in_the_middle_of_a_message_harms_nobody_else() {
    let server = server("");
    let mut other = Wire::open(server.address());
    let broken = Wire::open(server.address());
    let request = options(&broken, &server);
    broken.send(&request[..request.len() / 2]);
    broken.reset();
    wait_for(&server, "connections_broken", 1);
    other.send(options(&other, &server));
    assert_eq!(other.receive().status(), 200);
}

#[test]
fn who_never_ends_a_message_is_cut_off() {
    let server = server("tcp_msg_read_timeout=1");
    let mut slow = Wire::open(server.address());
    let mut fast = Wire::open(server.address());
    slow.send("OPTIONS sip:");
    // Whatever comes meanwhile, the message is as late as it is.
    for _ in 0..50 {
        slow.send("x");
        fast.send(options(&fast, &server));
        assert_eq!(fast.receive().status(), 200);
    }
    slow.assert_closed();
    assert_eq!(counter(&server, "connections_late"), 1);
}

#[test]
fn a_silent_connection_is_closed_after_its_lifetime() {
    let server = server("tcp_connection_lifetime=1");
    let mut wire = Wire::open(server.address());
    wire.send(options(&wire, &server));
    assert_eq!(wire.receive().status(), 200);
    wire.assert_closed();
    assert_eq!(counter(&server, "connections_idle"), 1);
}

#[test]
fn who_does_not_read_loses_messages_and_then_the_connection() {
    let server = server("tcp_send_timeout=1 tcp_conn_wq_max=100000");
    let deaf = Wire::open_narrow(server.address());
    let mut caller = Wire::open(server.address());
    let body = "x".repeat(60_000);
    // More than the kernel takes on the way.
    for _ in 0..200 {
        if counter(&server, "dropped_queue_full") > 0 {
            break;
        }
        for _ in 0..20 {
            caller.send(caller.request("MESSAGE", &deaf.uri(), &body));
        }
        caller.send(options(&caller, &server));
        assert_eq!(caller.receive().status(), 200, "others are not held up");
    }
    wait_for(&server, "connections_unread", 1);
}

#[test]
fn who_reads_late_gets_all_answers_and_is_not_read_meanwhile() {
    let server = server("tcp_conn_wq_max=20000");
    let mut wire = Wire::open_narrow(server.address());
    let requests: Vec<String> = (0..2_000).map(|_| options(&wire, &server)).collect();
    let (all, writer) = (requests.concat(), wire.stream.try_clone().unwrap());
    let writing = std::thread::spawn(move || (&writer).write_all(all.as_bytes()).unwrap());
    for request in &requests {
        assert_eq!(wire.receive().value("Call-ID"), call_id(request));
    }
    writing.join().unwrap();
    assert_eq!(counter(&server, "dropped_queue_full"), 0);
}

#[test]
fn there_are_no_more_connections_than_the_script_says() {
    let server = server("tcp_max_connections=2");
    let wires = [Wire::open(server.address()), Wire::open(server.address())];
    wait_for(&server, "connections_accepted", 2);
    Wire::open(server.address()).assert_closed();
    assert_eq!(counter(&server, "connections_refused"), 1);
    let [first, mut second] = wires;
    first.reset();
    wait_for(&server, "connections_broken", 1);
    let mut third = Wire::open(server.address());
    for wire in [&mut second, &mut third] {
        wire.send(options(wire, &server));
        assert_eq!(wire.receive().status(), 200);
    }
}

#[test]
fn one_address_has_no_more_connections_than_the_script_says() {
    let server = server("tcp_accept_iplimit=1");
    let mut wire = Wire::open(server.address());
    wire.send(options(&wire, &server));
    assert_eq!(wire.receive().status(), 200);
    Wire::open(server.address()).assert_closed();
    assert_eq!(counter(&server, "connections_refused"), 1);
}

#[test]
fn a_peer_that_cannot_be_reached_costs_the_message() {
    let server = server("");
    let wire = Wire::open(server.address());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    wire.send(wire.request("MESSAGE", &uri(closed), ""));
    wait_for(&server, "connections_failed", 1);
    assert_eq!(counter(&server, "dropped_unconnected"), 1);
}

#[test]
fn no_connection_is_opened_where_the_script_forbids_it() {
    let server = server("tcp_no_connect=yes");
    let wire = Wire::open(server.address());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = uri(listener.local_addr().unwrap());
    wire.send(wire.request("MESSAGE", &uri, ""));
    wait_for(&server, "dropped_unconnected", 1);
    assert_eq!(counter(&server, "connections_failed"), 0);
}

#[test]
fn connections_are_listed() {
    let server = server("");
    let wires: Vec<Wire> = (0..3).map(|_| Wire::open(server.address())).collect();
    wait_for(&server, "connections_accepted", 3);
    let list = server.ctl(&["core.tcp_list"]);
    for wire in &wires {
        let way = format!("{} {}", wire.address(), server.address());
        let line = list.lines().find(|line| line.ends_with(&way)).unwrap();
        assert!(line.contains(" TCP CONN_OK "), "{line}");
    }
    assert!(server.ctl(&["core.tcp_info"]).contains("opened_connections: 3\n"));
}

#[test]
fn connections_stay_when_the_script_is_read_again() {
    let server = server("");
    let mut wire = Wire::open(server.address());
    wire.send(options(&wire, &server));
    assert_eq!(wire.receive().status(), 200);
    let (folder, name) = server.script();
    folder.write(
        name,
        "loadmodule \"sl.so\"\ntcp_crlf_ping=no\nroute { sl_send_reply(\"488\", \"No\"); }",
    );
    assert!(server.reload_file().contains("reloaded: "));
    wire.send(format!("\r\n\r\n{}", options(&wire, &server)));
    assert_eq!(wire.receive().start, "SIP/2.0 488 No");
}

#[test]
fn what_is_queued_is_written_before_the_server_ends() {
    let server = server("");
    let mut wire = Wire::open(server.address());
    for _ in 0..100 {
        wire.send(options(&wire, &server));
    }
    wait_for(&server, "sent_stream_messages", 100);
    server.interrupt();
    for _ in 0..100 {
        assert_eq!(wire.receive().status(), 200);
    }
    wire.assert_closed();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    command.args(["run", "--listen", &format!("tcp:{address}")]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("cannot listen on tcp:{address}: Address already in use")));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn nothing_that_a_stream_brings_stops_the_server() {
    let server = server("");
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..400 {
        let wire = Wire::open(server.address());
        let mut stream = options(&wire, &server).repeat(1 + random(3)).into_bytes();
        for _ in 0..random(6) {
            let place = random(stream.len());
            match random(4) {
                0 => stream[place] = random(256) as u8,
                1 => drop(stream.remove(place)),
                2 => stream.insert(place, b"\r\n: ;0\0\xff"[random(8)]),
                _ => stream.truncate(place.max(1)),
            }
        }
        // The server may have closed it before all is sent.
        drop((&wire.stream).write_all(&stream));
        if random(2) == 0 {
            wire.reset();
        }
    }
    let mut wire = Wire::open(server.address());
    wire.send(options(&wire, &server));
    assert_eq!(wire.receive().status(), 200);
    assert_eq!(counter(&server, "dropped_at_worker_panic"), 0);
    drop(wire);
    let has_none = |_| server.ctl(&["core.tcp_info"]).contains("opened_connections: 0\n");
    assert!((0..2_000).any(has_none), "all are closed");
}
