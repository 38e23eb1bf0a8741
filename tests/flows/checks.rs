//! What a proxy checks before it forwards a request (RFC 3261 §16.3), and what it must not answer.

use crate::support::{
    Phone, RequestHop, Server, assert_response_hop, barrier, differs_on_kamailio, free_address,
    scripts,
};

/// Two phones and a plain proxy.
fn bench() -> (Server, Phone, Phone) {
    (Server::start(&scripts::plain()), Phone::new("alice"), Phone::new("bob"))
}

/// R03: RFC 3261 §16.3 step 3.
#[test]
fn request_that_may_go_no_further_is_answered_483() {
    if differs_on_kamailio("leaves Max-Forwards to the script") {
        return;
    }
    let (server, alice, bob) = bench();
    let refused =
        alice.ask(&alice.request("MESSAGE", &bob.uri()).set("Max-Forwards", "0"), server.address());
    assert_eq!(refused.start, "SIP/2.0 483 Too Many Hops");
    assert!(refused.tag_of_to().is_some());
    let last = alice.request("MESSAGE", &bob.uri()).set("Max-Forwards", "1");
    let sent = alice.send(&last, server.address());
    let arrived = bob.expect_request("MESSAGE");
    assert_eq!(arrived.max_forwards(), Some(0));
    let answer = bob.answer(&arrived, 200, "OK");
    assert_response_hop(&answer, &alice.expect_response(200, "MESSAGE"));
    RequestHop::new(&sent, &arrived).check(server.address());
    barrier(&alice, &bob, &server);
}

/// M07: RFC 3261 §16.6 step 3, §16.3 step 3: OPTIONS may be answered at 0.
#[test]
fn max_forwards_is_added_where_it_is_missing_and_counts_down() {
    if differs_on_kamailio("leaves Max-Forwards to the script") {
        return;
    }
    let (server, alice, bob) = bench();
    for (sent, forwarded) in [(None, 70), (Some("70"), 69), (Some("10"), 9), (Some("255"), 254)] {
        let mut draft = alice.request("MESSAGE", &bob.uri()).without("Max-Forwards");
        if let Some(hops) = sent {
            draft = draft.add("Max-Forwards", hops);
        }
        let sent = alice.send(&draft, server.address());
        let arrived = bob.expect_request("MESSAGE");
        assert_eq!(arrived.max_forwards(), Some(forwarded));
        assert_eq!(arrived.all("Max-Forwards").count(), 1);
        RequestHop::new(&sent, &arrived).check(server.address());
    }
    let probe = alice.request("OPTIONS", &format!("sip:probe@{}", server.address()));
    assert_eq!(alice.ask(&probe.set("Max-Forwards", "0"), server.address()).status(), 200);
}

/// RFC 3261 §16.3 step 5.
#[test]
fn extension_that_is_demanded_of_proxies_is_refused_with_its_name() {
    if differs_on_kamailio("does not look at Proxy-Require") {
        return;
    }
    let (server, alice, bob) = bench();
    let demanding = alice.request("MESSAGE", &bob.uri()).add("Proxy-Require", "foo, bar");
    let refused = alice.ask(&demanding, server.address());
    assert_eq!(refused.start, "SIP/2.0 420 Bad Extension");
    assert_eq!(refused.items("Unsupported"), ["foo", "bar"]);
    barrier(&alice, &bob, &server);
}

/// RFC 3261 §16.3 step 2.
#[test]
fn scheme_that_is_not_understood_is_refused_416() {
    if differs_on_kamailio("says 400") {
        return;
    }
    let (server, alice, _) = bench();
    let odd = alice.request("MESSAGE", "nobodyKnowsThisScheme:totallyopaque");
    assert_eq!(alice.ask(&odd, server.address()).start, "SIP/2.0 416 Unsupported URI Scheme");
    alice.assert_nothing_before_probe(&server);
}

/// RFC 3261 §16.3 step 3: Max-Forwards ends what two proxies send to each other, also where they
/// share their key.
#[test]
fn request_that_goes_round_in_circles_ends() {
    let (one, other) = (free_address(), free_address());
    let to = |next: std::net::SocketAddr| {
        let forward =
            format!("xlog(\"L_ERR\", \"seen $rm\\n\"); forward({}, {});", next.ip(), next.port());
        scripts::route(&forward)
    };
    let first = Server::start_at(one, &to(other));
    let second = Server::start_at(other, &to(one));
    let alice = Phone::new("alice");
    let refused = alice.ask(&alice.request("MESSAGE", "sip:bob@example.com"), one);
    assert_eq!(refused.start, "SIP/2.0 483 Too Many Hops");
    assert_eq!(refused.vias().len(), 1);
    let seen = |server: &Server| server.log().matches("seen MESSAGE").count();
    assert_eq!(seen(&first) + seen(&second), 71, "with 70 hops left at first");
}

/// RFC 3261 §16.3 step 4: a request that comes back with another Request-URI is none.
#[test]
fn spiral_passes() {
    let (one, other) = (free_address(), free_address());
    let bob = Phone::new("bob");
    let first = Server::start_at(
        one,
        &scripts::route(&format!(
            r#"
    if (uri=~"^sip:sales@") {{
        rewriteuser("bob");
        forward({ip}, {port});
    }} else {{
        rewritehostport("{bob}");
        forward();
    }}
"#,
            ip = other.ip(),
            port = other.port(),
            bob = bob.address()
        )),
    );
    let back = scripts::route(&format!("forward({}, {});", one.ip(), one.port()));
    let second = Server::start_at(other, &back);
    let alice = Phone::new("alice");
    let sent = alice.send(&alice.request("MESSAGE", &format!("sip:sales@{one}")), one);
    let arrived = bob.expect_request("MESSAGE");
    assert_eq!(arrived.uri(), bob.uri());
    let mut path: Vec<String> = [one, other, one].iter().map(ToString::to_string).collect();
    path.extend(sent.sent_bys());
    assert_eq!(arrived.sent_bys(), path);
    bob.answer(&arrived, 200, "OK");
    assert_eq!(alice.expect_response(200, "MESSAGE").vias(), sent.vias());
    alice.assert_nothing_before_probe(&first);
    alice.assert_nothing_before_probe(&second);
}

/// M12: RFC 3261 §17: there is no response to an ACK, whatever is wrong with it.
#[test]
fn ack_is_never_answered() {
    let server = Server::start(&scripts::route(r#"sl_send_reply("404", "Not Found");"#));
    let alice = Phone::new("alice");
    let ack = alice.request("ACK", &format!("sip:nobody@{}", server.address()));
    alice.send(&ack, server.address());
    alice.send(&ack.clone().set("Max-Forwards", "0"), server.address());
    alice.send(&ack.clone().add("Proxy-Require", "foo"), server.address());
    alice.send(&ack.clone().start("ACK nobodyKnowsThisScheme:x SIP/2.0"), server.address());
    alice.send(&ack.without("CSeq"), server.address());
    alice.assert_nothing_before_probe(&server);
}

/// F07, F12: the same script answers everything else, and takes the ACK to its own answer.
#[test]
fn script_that_answers_everything_answers_each_copy() {
    let server = Server::start(&scripts::route(r#"sl_send_reply("404", "Not Found");"#));
    let alice = Phone::new("alice");
    let draft = alice.invite(&format!("sip:nobody@{}", server.address()));
    let invite = alice.send(&draft, server.address());
    let first = alice.expect_response(404, "INVITE");
    alice.send(&draft, server.address());
    let second = alice.expect_response(404, "INVITE");
    assert_eq!(second.raw, first.raw);
    assert_eq!(first.vias(), invite.vias());
    assert_eq!(first.value("Content-Length"), "0");
    for name in ["From", "Call-ID", "CSeq"] {
        assert_eq!(first.value(name), invite.value(name));
    }
    alice.send(&alice.ack_failure(&invite, &first), server.address());
    alice.assert_nothing_before_probe(&server);
}

/// RFC 3261 §7.5, RFC 5626 §4.4.1: empty datagrams keep a binding of the network alive.
#[test]
fn keep_alive_is_swallowed() {
    let (server, alice, bob) = bench();
    for datagram in [&b"\r\n\r\n"[..], b"\r\n", b"\0\0\0\0", b""] {
        alice.send_bytes(datagram, server.address());
    }
    barrier(&alice, &bob, &server);
    alice.assert_nothing_before_probe(&server);
}

/// What is no SIP is dropped; the server goes on.
#[test]
fn garbage_is_dropped() {
    let (server, alice, bob) = bench();
    for datagram in
        [&b"hello"[..], b"GET / HTTP/1.1\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n", &[0xff; 1400]]
    {
        alice.send_bytes(datagram, server.address());
    }
    barrier(&alice, &bob, &server);
}
