//! The server without a script of its own.

use crate::support::{Dialog, Phone, RequestHop, Server, assert_response_hop, differs_on_kamailio};

/// Anyone may register and call anyone who has; the call stays on the path.
#[test]
fn default_script_registers_and_connects_phones() {
    if differs_on_kamailio("has another default script") {
        return;
    }
    let server = Server::start_default();
    let own = server.address();
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    let registered = bob.register(&server);
    assert_eq!(registered.uris("Contact"), [bob.uri()]);

    let invite = alice.send(&alice.invite(&bob.aor(own)), own);
    let arrived = bob.expect_request("INVITE");
    let record_route = arrived.items("Record-Route");
    assert_eq!(record_route.len(), 1);
    assert!(record_route[0].starts_with(&format!("<sip:{own};lr")), "{record_route:?}");
    assert_eq!(arrived.uri(), bob.uri());
    assert_eq!(arrived.max_forwards(), Some(69));
    assert_eq!(arrived.vias()[1..], invite.vias());
    let sent = bob.answer(&arrived, 200, "OK");
    let answer = alice.expect_response(200, "INVITE");
    assert_response_hop(&sent, &answer);

    let calling = Dialog::of_caller(&alice, &invite, &answer);
    let ack = calling.send(&calling.ack());
    RequestHop::new(&ack, &bob.expect_request("ACK")).route_popped().check(own);
    let mut called = Dialog::of_callee(&bob, &arrived);
    let bye = called.request("BYE");
    let bye = called.send(&bye);
    let bye_arrived = alice.expect_request("BYE");
    RequestHop::new(&bye, &bye_arrived).route_popped().check(own);
    let sent = alice.answer(&bye_arrived, 200, "OK");
    assert_response_hop(&sent, &bob.expect_response(200, "BYE"));
}

/// What the default script answers itself.
#[test]
fn default_script_answers_what_it_cannot_connect() {
    if differs_on_kamailio("has another default script") {
        return;
    }
    let server = Server::start_default();
    let own = server.address();
    let alice = Phone::new("alice");
    let options = alice.request("OPTIONS", &format!("sip:{own}"));
    assert_eq!(alice.ask(&options, own).start, "SIP/2.0 200 OK");
    let message = alice.request("MESSAGE", &format!("sip:nobody@{own}"));
    assert_eq!(alice.ask(&message, own).start, "SIP/2.0 404 Not Found");
    let last = message.set("Max-Forwards", "0").set("Via", alice.new_via());
    assert_eq!(alice.ask(&last, own).start, "SIP/2.0 483 Too Many Hops");
}

/// SIGTERM ends the server with exit code 0, which every other test checks too; SIGINT as well.
#[test]
fn interrupt_ends_the_server() {
    if differs_on_kamailio("is not what this is about") {
        return;
    }
    Server::start_default().interrupt();
}
