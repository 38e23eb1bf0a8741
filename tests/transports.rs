//! Requests and responses between UDP, TCP and TLS: who gets them, by what, and what they say of it.
//! Without a network: what the connections make of it is for other tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use std::path::Path;
use std::sync::Arc;

use core_support::program;
use viaduct::flow::{Flow, Hosts, Journal, Sent, Setup, Stage, Style};
use viaduct::names::{Question, Wanted};
use viaduct::protocol::{Endpoint, Transport};
use viaduct::script::render;

/// What the scripts of these tests load.
const MODULES: &str = r#"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
"#;

/// The addresses of the server: one for each transport.
const LISTEN: &str = "enable_tls=yes\nlisten=udp:192.0.2.1:5060 tcp:192.0.2.1:5060\n\
                      listen=tls:192.0.2.1:5061\n";

/// The peers of the cases.
const PEERS: &str = "peer alice 198.51.100.7:5060\npeer tim tcp:198.51.100.8:40000\n\
                     peer tessa tls:198.51.100.9:40001\npeer bob 203.0.113.1:5060\n\
                     peer tom tcp:203.0.113.2:5060\npeer sue tls:203.0.113.3:5061\n";

/// Runs the cases of a file with the routes of a script.
fn run(routes: &str, cases: &str) {
    let program = Arc::new(program(&format!("{LISTEN}{MODULES}{routes}")));
    let flow = Flow::parse(Path::new("a.flow"), format!("{PEERS}{cases}").as_bytes())
        .unwrap_or_else(|(problems, map)| panic!("{}", render(&problems, &map)));
    for case in &flow.cases {
        if let Err(failure) = flow.run(case, &program, None) {
            panic!("{}: {}", case.title, failure.show(&flow.map, Style::Plain));
        }
    }
}

/// A server that runs these routes, with these host names.
fn stage(routes: &str, hosts: &[(&str, &str)]) -> Stage {
    let program = Arc::new(program(&format!("{LISTEN}{MODULES}{routes}")));
    let host = |(name, address): &(&str, &str)| ((*name).to_owned(), address.parse().unwrap());
    let hosts: Hosts = hosts.iter().map(host).collect();
    let setup = Setup { program: &program, listen: &[], hosts: &hosts, secret: [7; 16] };
    Stage::new(&setup, &Journal::default())
}

/// An address that somebody has by that transport.
fn endpoint(text: &str) -> Endpoint {
    let (transport, address) = text.split_once(':').unwrap();
    let transport = Transport::of(transport.as_bytes()).unwrap();
    Endpoint { transport, address: address.parse().unwrap() }
}

/// A request from `source`, whose Via says so.
fn request(source: Endpoint, start: &str, headers: &str) -> String {
    let Endpoint { transport, address } = source;
    let method = start.split(' ').next().unwrap();
    format!(
        "{start} SIP/2.0\r\nVia: SIP/2.0/{} {address};branch=z9hG4bKa\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b.example>;tag=1\r\nTo: <sip:c@d.example>\r\nCall-ID: 1\r\n\
         CSeq: 1 {method}\r\n{headers}Content-Length: 0\r\n\r\n",
        transport.in_via()
    )
}

/// Gives the server a message from there; what it sends.
fn send(stage: &mut Stage, source: Endpoint, message: &str) -> Vec<Sent> {
    let local = stage.address_for(source).unwrap();
    stage.deliver(source, local, message.as_bytes()).unwrap()
}

/// Who gets a MESSAGE to that URI, by these routes, that alice sends over UDP; who has to prove
/// which name; or the first line of the answer.
fn forwarded(routes: &str, hosts: &[(&str, &str)], uri: &str) -> String {
    let alice = endpoint("udp:198.51.100.7:5060");
    let mut stage = stage(routes, hosts);
    let sent = send(&mut stage, alice, &request(alice, &format!("MESSAGE {uri}"), ""));
    let [sent] = &sent[..] else { panic!("{uri}: {sent:?}") };
    let text = String::from_utf8_lossy(&sent.bytes).into_owned();
    if text.starts_with("SIP/2.0 ") {
        return text.lines().next().unwrap().to_owned();
    }
    let Endpoint { transport, address } = sent.source;
    let port = if transport == Transport::Udp { "" } else { &format!(":{}", address.port()) };
    let own = format!("\r\nVia: SIP/2.0/{} 192.0.2.1", transport.in_via());
    assert!(text.contains(&own) && address.port() == transport.default_port(), "{text}");
    assert!(transport != Transport::Tls || text.contains(&format!("{own}{port};")), "{text}");
    let name = sent.peer.as_ref().and_then(|peer| peer.name.as_ref());
    let name = name.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name}", sent.destination)
}

/// Forwards, or tells why not.
const FORWARD: &str = "route { if (!forward()) sl_reply_error(); }";

const UNREACHABLE: &str = "SIP/2.0 500 ";

#[test]
fn the_uri_says_the_transport() {
    for (uri, expected) in [
        ("sip:b@203.0.113.1", "udp:203.0.113.1:5060"),
        ("sip:b@203.0.113.1;transport=UDP", "udp:203.0.113.1:5060"),
        ("sip:b@203.0.113.1;transport=tcp", "tcp:203.0.113.1:5060"),
        ("sip:b@203.0.113.1:5070;transport=TCP", "tcp:203.0.113.1:5070"),
        ("sip:b@203.0.113.1;transport=tls", "tls:203.0.113.1:5061"),
        ("sip:b@203.0.113.1;transport=tcp;maddr=203.0.113.9", "tcp:203.0.113.9:5060"),
        ("sip:b@203.0.113.1;transport=sctp", UNREACHABLE),
        ("sip:b@[2001:db8::5];transport=tcp", UNREACHABLE),
        ("sip:b@gw.example;transport=tcp", "tcp:203.0.113.7:5060"),
        ("sip:b@gw.example;transport=tls", "tls:203.0.113.7:5061 gw.example"),
    ] {
        let found = forwarded(FORWARD, &[("gw.example", "203.0.113.7")], uri);
        assert!(found.starts_with(expected), "{uri}: {found}");
    }
}

/// M17: a request to a `sips:` URI goes by TLS, or nowhere, whatever names the next hop.
#[test]
fn a_sips_uri_is_served_by_tls_and_never_in_the_clear() {
    let hosts = [("gw.example", "203.0.113.7")];
    for (uri, expected) in [
        ("sips:b@203.0.113.1", "tls:203.0.113.1:5061"),
        ("SIPS:b@203.0.113.1:5071", "tls:203.0.113.1:5071"),
        ("sips:b@203.0.113.1;transport=tcp", "tls:203.0.113.1:5061"),
        ("sips:b@203.0.113.1;transport=tls", "tls:203.0.113.1:5061"),
        ("sips:b@203.0.113.1;transport=udp", UNREACHABLE),
        ("sips:b@gw.example", "tls:203.0.113.7:5061 gw.example"),
    ] {
        let found = forwarded(FORWARD, &hosts, uri);
        assert!(found.starts_with(expected), "{uri}: {found}");
    }
    for (statement, expected) in [
        ("$du = \"sip:203.0.113.1\"; $var(x) = forward();", "tls:203.0.113.1:5061"),
        ("$du = \"sip:gw.example;transport=tcp\"; forward();", "tls:203.0.113.7:5061 gw.example"),
        ("$du = \"sip:203.0.113.1;transport=udp\"; forward();", UNREACHABLE),
        ("forward(203.0.113.1);", "tls:203.0.113.1:5061"),
        ("forward_tls(gw.example);", "tls:203.0.113.7:5061 gw.example"),
        ("forward(\"tcp:203.0.113.1\");", UNREACHABLE),
        ("forward_udp();", UNREACHABLE),
        ("forward_tcp();", UNREACHABLE),
        ("forward_tcp(203.0.113.1);", UNREACHABLE),
        ("force_send_socket(udp:192.0.2.1:5060); forward();", "tls:203.0.113.9:5061"),
    ] {
        let routes = format!("route {{ {statement} if ($rc < 0) sl_reply_error(); }}");
        let found = forwarded(&routes, &hosts, "sips:b@203.0.113.9");
        assert!(found.starts_with(expected), "{statement}: {found}");
    }
    let plain = "route { rewriteuri(\"sips:b@203.0.113.1\"); if (!forward()) sl_reply_error(); }";
    assert_eq!(forwarded(plain, &[], "sip:b@x"), "tls:203.0.113.1:5061");
    // A Route with `sips:` is as good as a Request-URI.
    run(
        "route { loose_route(); if (!forward()) sl_reply_error(); }",
        "case it is so\n  send alice\n    MESSAGE sip:b@203.0.113.1 SIP/2.0\n    \
         Route: <sip:192.0.2.1;lr>, <sips:203.0.113.3;lr>\n  expect sue\n  expect nothing\n",
    );
}

#[test]
fn the_script_says_the_transport() {
    let hosts = [("gw.example", "203.0.113.7")];
    for (statement, expected) in [
        ("forward_tcp();", "tcp:203.0.113.9:5060"),
        ("forward_tls();", "tls:203.0.113.9:5061"),
        ("forward_udp();", "udp:203.0.113.9:5060"),
        ("forward_tcp(203.0.113.1, 5070);", "tcp:203.0.113.1:5070"),
        ("forward_tls(gw.example);", "tls:203.0.113.7:5061 gw.example"),
        ("forward(\"tcp:203.0.113.1:5070\");", "tcp:203.0.113.1:5070"),
        ("forward(\"tls:[2001:db8::1]\");", UNREACHABLE),
        ("forward(203.0.113.1);", "udp:203.0.113.1:5060"),
        ("$ru = \"sip:203.0.113.1;transport=tcp\"; forward(uri:host);", "tcp:203.0.113.1:5060"),
        ("$ru = \"sip:203.0.113.1;transport=tcp\"; forward(203.0.113.1);", "udp:203.0.113.1:5060"),
        ("$ru = \"sip:203.0.113.1;transport=ws\"; forward(uri:host);", UNREACHABLE),
        ("$du = \"sip:203.0.113.1;transport=tcp\"; forward();", "tcp:203.0.113.1:5060"),
        ("$fs = \"tcp:192.0.2.1:5060\"; forward();", "udp:203.0.113.9:5060"),
        ("setdsturi(\"sip:203.0.113.1;transport=tcp\"); forward_tls();", "tls:203.0.113.1:5061"),
    ] {
        let routes = format!("route {{ {statement} if ($rc < 0) sl_reply_error(); }}");
        let found = forwarded(&routes, &hosts, "sip:b@203.0.113.9");
        assert!(found.starts_with(expected), "{statement}: {found}");
    }
}

#[test]
fn a_request_that_is_large_for_udp_leaves_by_the_transport_that_the_script_names() {
    for (settings, expected) in [
        ("udp_mtu=200", "udp:203.0.113.7:5060"),
        ("udp_mtu=200 udp_mtu_try_proto=TCP", "tcp:203.0.113.7:5060"),
        ("udp_mtu=3000 udp_mtu_try_proto=TCP", "udp:203.0.113.7:5060"),
        ("udp_mtu=0 udp_mtu_try_proto=TCP", "udp:203.0.113.7:5060"),
    ] {
        for uri in ["sip:b@203.0.113.7", "sip:b@gw.example"] {
            let routes = format!("{settings}\n{FORWARD}");
            let found = forwarded(&routes, &[("gw.example", "203.0.113.7")], uri);
            assert_eq!(found, expected, "{settings} {uri}");
        }
    }
}

#[test]
fn servers_of_a_domain_are_asked_for_by_their_transport() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let of = |port| Question::of(b"B.Example", port, transport).unwrap().wanted;
        assert_eq!(of(None), Wanted::Servers(transport));
        assert_eq!(of(Some(5070)), Wanted::Addresses);
    }
}

#[test]
fn each_message_has_the_name_of_its_own_next_hop() {
    for first in ["", "msg_apply_changes();"] {
        let routes = format!(
            "loadmodule \"textopsx.so\"\nroute {{ {first} forward_tls(gw.example); \
             forward(203.0.113.1); forward_tls(203.0.113.1); drop; }}"
        );
        let mut stage = stage(&routes, &[("gw.example", "203.0.113.7")]);
        let alice = endpoint("udp:198.51.100.7:5060");
        for _ in 0..2 {
            let sent = send(&mut stage, alice, &request(alice, "MESSAGE sip:b@c.example", ""));
            let mut sent: Vec<_> = sent
                .iter()
                .map(|sent| {
                    let name = sent.peer.as_ref().and_then(|peer| peer.name.as_deref());
                    (sent.destination.to_string(), name.unwrap_or_default())
                })
                .collect();
            sent.sort_unstable();
            let expected = [
                ("tls:203.0.113.1:5061".to_owned(), ""),
                ("tls:203.0.113.7:5061".to_owned(), "gw.example"),
                ("udp:203.0.113.1:5060".to_owned(), ""),
            ];
            assert_eq!(sent, expected, "{first}");
        }
    }
}

/// The script of a proxy that stays on the path, as most do.
const PATH: &str = r#"route {
    if (loose_route()) { if (!forward()) sl_reply_error(); exit; }
    record_route();
    if (!forward()) sl_reply_error();
}"#;

#[test]
fn between_transports_there_are_two_record_routes_and_later_requests_follow_them() {
    run(
        PATH,
        "case from UDP to TCP and back\n  send alice\n    INVITE sip:tom@203.0.113.2;transport=tcp SIP/2.0\n  \
         expect tom from tcp:192.0.2.1:5060\n    INVITE sip:tom@203.0.113.2;transport=tcp SIP/2.0\n    \
         Via: SIP/2.0/TCP 192.0.2.1;branch=*\n    \
         Record-Route: <sip:192.0.2.1;transport=tcp;r2=on;lr;ftag=alice>\n    \
         Record-Route: <sip:192.0.2.1;r2=on;lr;ftag=alice>\n  \
         send tom\n    SIP/2.0 200 OK\n  expect alice from 192.0.2.1:5060\n    SIP/2.0 200 OK\n  \
         send alice\n    BYE sip:tom@203.0.113.2;transport=tcp SIP/2.0\n    \
         Route: <sip:192.0.2.1;r2=on;lr;ftag=alice>, <sip:192.0.2.1;transport=tcp;r2=on;lr;ftag=alice>\n  \
         expect tom from tcp:192.0.2.1:5060\n    BYE sip:tom@203.0.113.2;transport=tcp SIP/2.0\n    !Route\n  \
         send tom\n    BYE sip:alice@198.51.100.7 SIP/2.0\n    \
         Route: <sip:192.0.2.1;transport=tcp;r2=on;lr;ftag=alice>, <sip:192.0.2.1;r2=on;lr;ftag=alice>\n  \
         expect alice from 192.0.2.1:5060\n    BYE sip:alice@198.51.100.7 SIP/2.0\n    !Route\n\
         case from TLS to UDP\n  send tessa\n    INVITE sip:bob@203.0.113.1 SIP/2.0\n  \
         expect bob from 192.0.2.1:5060\n    INVITE sip:bob@203.0.113.1 SIP/2.0\n    \
         Record-Route: <sip:192.0.2.1;r2=on;lr;ftag=tessa>\n    \
         Record-Route: <sip:192.0.2.1:5061;transport=tls;r2=on;lr;ftag=tessa>\n  \
         send bob\n    SIP/2.0 200 OK\n  expect tessa from tls:192.0.2.1:5061\n    SIP/2.0 200 OK\n\
         case within a transport there is one\n  send tim\n    INVITE sip:tom@203.0.113.2;transport=tcp SIP/2.0\n  \
         expect tom\n    INVITE sip:tom@203.0.113.2;transport=tcp SIP/2.0\n    \
         Record-Route: <sip:192.0.2.1;transport=tcp;lr;ftag=tim>\n    !Record-Route\n\
         case what is secure on each hop says so\n  send tessa\n    INVITE sips:sue@203.0.113.3 SIP/2.0\n  \
         expect sue\n    INVITE sips:sue@203.0.113.3 SIP/2.0\n    Via: SIP/2.0/TLS 192.0.2.1:5061;branch=*\n    \
         Record-Route: <sips:192.0.2.1:5061;lr;ftag=tessa>\n    !Record-Route\n  \
         send sue\n    BYE sips:tessa@198.51.100.9:40001 SIP/2.0\n    \
         Route: <sips:192.0.2.1:5061;lr;ftag=tessa>\n  expect tessa\n    BYE * SIP/2.0\n    !Route\n",
    );
}

#[test]
fn a_reply_goes_by_the_connection_and_knows_another_way() {
    let mut stage = stage("route { sl_send_reply(\"200\", \"OK\"); }", &[]);
    for (source, via, otherwise) in [
        ("tcp:198.51.100.8:40000", "198.51.100.8:40000", "198.51.100.8:40000"),
        ("tcp:198.51.100.8:40000", "10.0.0.1:5070", "198.51.100.8:5070"),
        ("tcp:198.51.100.8:40000", "phone.example;maddr=203.0.113.1", "198.51.100.8:5060"),
        ("tls:198.51.100.8:40000", "phone.example;rport", "198.51.100.8:5061"),
        ("tls:198.51.100.8:40000", "phone.example;maddr=gw.example", "198.51.100.8:5061"),
    ] {
        let source = endpoint(source);
        let message = request(source, "OPTIONS sip:192.0.2.1", "");
        let message = message.replace(&format!(" {};", source.address), &format!(" {via};"));
        let sent = send(&mut stage, source, &message);
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].destination, sent[0].source.transport), (source, source.transport));
        let peer = sent[0].peer.clone().unwrap();
        assert_eq!((peer.name, peer.otherwise), (None, Some(otherwise.parse().unwrap())), "{via}");
    }
}

#[test]
fn a_response_goes_by_the_connection_of_its_request_and_knows_another_way() {
    for routes in [FORWARD, "route { forward(); }\nreply_route { xlog(\"$rs\"); }"] {
        for (source, via, otherwise) in [
            ("tcp:198.51.100.8:40000", "198.51.100.8:40000", "198.51.100.8:40000"),
            ("tcp:198.51.100.8:40000", "10.0.0.1", "198.51.100.8:5060"),
            ("tls:198.51.100.8:40000", "phone.example;rport", "198.51.100.8:5061"),
            ("tls:198.51.100.8:40000", "phone.example;maddr=203.0.113.9", "198.51.100.8:5061"),
            ("tls:198.51.100.8:40000", "phone.example;maddr=gw.example", "198.51.100.8:5061"),
        ] {
            let mut stage = stage(routes, &[]);
            let source = endpoint(source);
            let message = request(source, "MESSAGE sip:bob@203.0.113.1", "");
            let message = message.replace(&format!(" {};", source.address), &format!(" {via};"));
            let sent = send(&mut stage, source, &message);
            assert_eq!(sent[0].destination, endpoint("udp:203.0.113.1:5060"));
            let text = String::from_utf8_lossy(&sent[0].bytes).into_owned();
            let (_, head) = text.split_once("\r\n").unwrap();
            let response = format!("SIP/2.0 200 OK\r\n{head}");
            let sent = send(&mut stage, endpoint("udp:203.0.113.1:5060"), &response);
            assert_eq!(sent.len(), 1, "{via}");
            assert_eq!(sent[0].destination, source, "{via}");
            let otherwise = Some(otherwise.parse().unwrap());
            assert_eq!(sent[0].peer.clone().unwrap().otherwise, otherwise, "{via}");
            // Nobody who has seen the branch can have the response go elsewhere.
            let forged = response.replace("198.51.100.8", "198.51.100.66");
            assert_eq!(
                send(&mut stage, endpoint("udp:203.0.113.1:5060"), &forged).len(),
                usize::from(forged == response)
            );
        }
    }
}

#[test]
fn who_registers_by_a_connection_is_reached_by_it() {
    let routes = r#"modparam("registrar", "received_avp", "$avp(received)")
    route {
        if (method == "REGISTER") {
            if ($rz == "sip" && $(ct{nameaddr.uri}{uri.host}) == "10.0.0.1") $avp(received) = $sut;
            save("location");
            exit;
        }
        if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
        if (!forward()) sl_reply_error();
    }"#;
    run(
        routes,
        "case a contact with a transport\n  send tim\n    REGISTER sip:192.0.2.1 SIP/2.0\n    \
         Contact: <sip:tim@198.51.100.8:40000;transport=tcp>\n  expect tim\n    SIP/2.0 200 OK\n  \
         send alice\n    MESSAGE sip:tim@192.0.2.1 SIP/2.0\n  expect tim from tcp:192.0.2.1:5060\n\
         case behind a NAT\n  send tessa\n    REGISTER sip:192.0.2.1 SIP/2.0\n    \
         Contact: <sip:tessa@10.0.0.1:5061;transport=tls>\n  expect tessa\n    SIP/2.0 200 OK\n    \
         Contact: <sip:tessa@10.0.0.1:5061;transport=tls>;expires=*;received=\"sip:198.51.100.9:40001;transport=tls\"\n  \
         send alice\n    MESSAGE sip:tessa@192.0.2.1 SIP/2.0\n  expect tessa from tls:192.0.2.1:5061\n\
         case a secure URI stands for secure contacts only\n  \
         register sip:sam@192.0.2.1 <sip:sam@203.0.113.3;transport=tls>;q=1\n  \
         send alice\n    MESSAGE sips:sam@192.0.2.1 SIP/2.0\n  expect alice\n    SIP/2.0 404 *\n  \
         register sip:sam@192.0.2.1 <sips:sam@203.0.113.3>;q=0.5\n  \
         send alice\n    MESSAGE sips:sam@192.0.2.1 SIP/2.0\n  expect sue\n    MESSAGE sips:sam@203.0.113.3 SIP/2.0\n  \
         send alice\n    MESSAGE sip:sam@192.0.2.1 SIP/2.0\n  expect sue\n    MESSAGE sip:sam@203.0.113.3;transport=tls SIP/2.0\n",
    );
}

#[test]
fn the_script_sees_what_a_message_came_by() {
    let log =
        r#"xlog("L_ERR", "$proto $pr $prid $Ru $Rut $RAut $su $sut $sas $rcv(proto) $Rp\n");"#;
    let compare = "if (proto == TCP) { xlog(\"L_ERR\", \"it is TCP\\n\"); }";
    run(
        &format!(
            "route {{ {log} {compare} $fs = \"tls:192.0.2.1\"; xlog(\"L_ERR\", \"$fs\\n\"); drop; }}"
        ),
        "case by UDP\n  send alice\n    OPTIONS sip:a SIP/2.0\n  \
         expect log udp udp 1 sip:192.0.2.1:5060 sip:192.0.2.1:5060;transport=udp \
         sip:192.0.2.1:5060;transport=udp sip:198.51.100.7:5060 sip:198.51.100.7:5060;transport=udp \
         udp:198.51.100.7:5060 udp 5060\n  expect log tls:192.0.2.1:5061\n\
         case by TCP\n  send tim\n    OPTIONS sip:a SIP/2.0\n  expect log it is TCP\n  \
         expect log tcp tcp 2 sip:192.0.2.1:5060;transport=tcp sip:192.0.2.1:5060;transport=tcp \
         sip:192.0.2.1:5060;transport=tcp sip:198.51.100.8:40000;transport=tcp \
         sip:198.51.100.8:40000;transport=tcp tcp:198.51.100.8:40000 tcp 5060\n",
    );
}

#[test]
fn a_uri_is_ours_by_the_port_of_its_transport() {
    let script = r#"route {
        xlog("L_ERR", "$ru:");
        if (uri == myself) { xlog("L_ERR", "own"); }
        if (is_myself("$ru")) { xlog("L_ERR", "heard"); }
        drop;
    }"#;
    for (uri, told) in [
        ("sip:192.0.2.1", &["own", "heard"][..]),
        ("sips:192.0.2.1", &["own", "heard"]),
        ("sip:192.0.2.1:5061;transport=tls", &["own", "heard"]),
        ("sip:192.0.2.1;transport=tcp", &["own", "heard"]),
        ("sip:192.0.2.1:5061;transport=tcp", &["own"]),
        ("sip:192.0.2.1:5070;transport=tcp", &[]),
        ("sips:192.0.2.1:5070", &[]),
    ] {
        let lines: String = told.iter().map(|told| format!("  expect log {told}\n")).collect();
        run(script, &format!("case it is so\n  send alice\n    MESSAGE {uri} SIP/2.0\n{lines}"));
    }
}
