//! The registrar and its location tables, end to end (RFC 3261 §10).

#![expect(clippy::expect_used, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use std::collections::BTreeMap;

use support::draft::Draft;
use support::message::{name_addr, param};
use support::{Message, Phone, RequestHop, Server, barrier, differs_on_kamailio, scripts};

/// A server that saves each REGISTER in one table and forwards calls by it.
fn start(parameters: &str) -> Server {
    let script = scripts::route(
        r#"
    if (method=="REGISTER") { save("location"); exit; }
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    forward();
"#,
    );
    Server::start(&script.replace("route {", &format!("{parameters}\nroute {{")))
}

/// A REGISTER of `aor` without Contact. Each has a Call-ID of its own.
fn draft(phone: &Phone, server: &Server, aor: &str) -> Draft {
    phone
        .request("REGISTER", &format!("sip:{}", server.address()))
        .set("From", format!("<{aor}>;tag={}", phone.tag()))
        .set("To", format!("<{aor}>"))
}

/// The user bob of the server.
fn bob(server: &Server) -> String {
    format!("sip:bob@{}", server.address())
}

/// Registers one contact for bob; it must work.
fn add(phone: &Phone, server: &Server, contact: &str) -> Message {
    let answer =
        phone.ask(&draft(phone, server, &bob(server)).add("Contact", contact), server.address());
    assert_eq!(answer.start, "SIP/2.0 200 OK");
    answer
}

/// The contacts in an answer, with their seconds.
fn contacts(answer: &Message) -> BTreeMap<String, u32> {
    let contact = |value: &String| {
        let (uri, params) = name_addr(value);
        let expires = param(params, "expires").expect("expires in each contact");
        (uri.to_owned(), expires.parse().expect("a number"))
    };
    answer.items("Contact").iter().map(contact).collect()
}

/// The URIs of bob's contacts, as a query tells them.
fn query(phone: &Phone, server: &Server) -> Vec<String> {
    let answer = phone.ask(&draft(phone, server, &bob(server)), server.address());
    assert_eq!(answer.start, "SIP/2.0 200 OK");
    contacts(&answer).into_keys().collect()
}

/// Whether a remaining time is what was asked, give or take a slow machine.
#[track_caller]
fn assert_about(seconds: u32, asked: u32) {
    assert!(seconds <= asked && seconds + 20 > asked, "{seconds} of {asked}");
}

/// M16, L01, L02: RFC 3261 §10.3 step 8.
#[test]
fn registered_contact_is_confirmed_and_called() {
    let server = start("");
    let (alice, phone) = (Phone::new("alice"), Phone::new("bob"));
    let register = draft(&phone, &server, &bob(&server))
        .add("Contact", format!("<{}>", phone.uri()))
        .add("Expires", "600");
    let answer = phone.ask(&register, server.address());
    assert_eq!(answer.start, "SIP/2.0 200 OK");
    assert_about(contacts(&answer)[&phone.uri()], 600);
    assert!(answer.tag_of_to().is_some());
    assert_eq!(answer.value("Content-Length"), "0");

    let invite = alice.send(&alice.invite(&bob(&server)), server.address());
    let arrived = phone.expect_request("INVITE");
    RequestHop::new(&invite, &arrived).uri(&phone.uri()).check(server.address());
    let stranger = alice.invite(&format!("sip:eve@{}", server.address()));
    assert_eq!(alice.ask(&stranger, server.address()).status(), 404);
}

/// L10: the REGISTER of S2's user-location section: two Vias, addresses without brackets.
#[test]
fn register_of_the_seed_is_understood() {
    let server = start("");
    let phone = Phone::new("123312");
    let own = server.address();
    let text = format!(
        "REGISTER sip:{own} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {};branch=z9hG4bKd5e5.5a9947e4.0\r\n\
         Via: SIP/2.0/UDP 192.168.2.33:5060\r\n\
         From: sip:123312@{own}\r\n\
         To: sip:123312@{own}\r\n\
         Call-ID: 00036bb9-0fd30217-491b6aa6-0a7092e9@192.168.2.33\r\n\
         Date: Wed, 29 Jan 2003 18:13:15 GMT\r\n\
         CSeq: 101 REGISTER\r\n\
         User-Agent: CSCO/4\r\n\
         Contact: sip:123312@192.168.2.33:5060\r\n\
         Content-Length: 0\r\n\
         Expires: 600\r\n\r\n",
        phone.address()
    );
    let sent = phone.send_bytes(text.as_bytes(), own);
    let answer = phone.expect_response(200, "REGISTER");
    assert_eq!(answer.vias(), sent.vias());
    assert_about(contacts(&answer)["sip:123312@192.168.2.33:5060"], 600);
}

/// L04: RFC 3261 §10.2.4.
#[test]
fn refresh_changes_the_time_and_adds_nothing() {
    let server = start("");
    let phone = Phone::new("bob");
    let first = draft(&phone, &server, &bob(&server))
        .add("Contact", format!("<{}>", phone.uri()))
        .set("CSeq", "1 REGISTER")
        .add("Expires", "600");
    assert_about(contacts(&phone.ask(&first, server.address()))[&phone.uri()], 600);
    let again = first.clone().set("CSeq", "2 REGISTER").set("Expires", "1200");
    let answer = phone.ask(&again.set("Via", phone.new_via()), server.address());
    assert_eq!(contacts(&answer).len(), 1);
    assert_about(contacts(&answer)[&phone.uri()], 1200);
    // The same contact by another Call-ID, as after a restart of the phone.
    let answer = add(&phone, &server, &format!("<{}>;expires=300", phone.uri()));
    assert_eq!(contacts(&answer).len(), 1);
    assert_about(contacts(&answer)[&phone.uri()], 300);
}

/// RFC 3261 §10.3 step 7: the same answer to the same request.
#[test]
fn retransmitted_register_is_answered_again() {
    let server = start("");
    let phone = Phone::new("bob");
    let register =
        draft(&phone, &server, &bob(&server)).add("Contact", format!("<{}>", phone.uri()));
    for _ in 0..2 {
        let answer = phone.ask(&register, server.address());
        assert_eq!(answer.start, "SIP/2.0 200 OK");
        assert_eq!(contacts(&answer).len(), 1);
    }
}

/// RFC 3261 §10.3 step 7.
#[test]
fn register_that_comes_late_changes_nothing() {
    let server = start("");
    let phone = Phone::new("bob");
    let register = draft(&phone, &server, &bob(&server))
        .add("Contact", format!("<{}>", phone.uri()))
        .set("CSeq", "10 REGISTER")
        .add("Expires", "600");
    assert_eq!(phone.ask(&register, server.address()).status(), 200);
    let late = register.set("CSeq", "9 REGISTER").set("Expires", "0").set("Via", phone.new_via());
    let refused = phone.ask(&late, server.address());
    assert!(refused.status() >= 400, "{}", refused.start);
    assert_eq!(query(&phone, &server), [phone.uri()]);
}

/// L05: RFC 3261 §10.2.3.
#[test]
fn query_lists_the_contacts_and_changes_nothing() {
    let server = start("");
    let (phone, other) = (Phone::new("bob"), Phone::new("bob"));
    assert!(query(&phone, &server).is_empty());
    add(&phone, &server, &format!("<{}>;expires=600", phone.uri()));
    add(&other, &server, &format!("<{}>;expires=1200", other.uri()));
    let answer = phone.ask(&draft(&phone, &server, &bob(&server)), server.address());
    let listed = contacts(&answer);
    assert_eq!(listed.len(), 2);
    assert_about(listed[&phone.uri()], 600);
    assert_about(listed[&other.uri()], 1200);
    assert_eq!(query(&other, &server).len(), 2);
}

/// M16: one or more devices; of several the one with the highest q is called.
#[test]
fn several_contacts_come_in_one_register_and_in_many() {
    let server = start("");
    let (alice, low, high) = (Phone::new("alice"), Phone::new("bob"), Phone::new("bob"));
    let both = draft(&low, &server, &bob(&server))
        .add("Contact", format!("<{}>;q=0.2, \"High, up\" <{}>;q=0.9", low.uri(), high.uri()))
        .add("m", "<sip:bob@192.0.2.1>;q=0.1")
        .add("Expires", "600");
    let answer = low.ask(&both, server.address());
    assert_eq!(contacts(&answer).len(), 3);
    add(&high, &server, "<sip:bob@192.0.2.2>;q=0.1");
    assert_eq!(query(&low, &server).len(), 4);
    alice.send(&alice.invite(&bob(&server)), server.address());
    assert_eq!(high.expect_request("INVITE").uri(), high.uri());
    low.assert_inbox_empty();
}

/// L05: RFC 3261 §10.2.2.
#[test]
fn contact_is_removed_by_expires_zero() {
    let server = start("");
    let (phone, other) = (Phone::new("bob"), Phone::new("bob"));
    add(&phone, &server, &format!("<{}>, <sip:bob@192.0.2.1>", phone.uri()));
    add(&other, &server, &format!("<{}>", other.uri()));
    // By parameter, among others; and by header field.
    let answer = add(&phone, &server, "<sip:bob@192.0.2.1>;expires=0, <sip:bob@192.0.2.2>");
    assert_eq!(contacts(&answer).len(), 3);
    assert!(!contacts(&answer).contains_key("sip:bob@192.0.2.1"));
    let leaving = draft(&phone, &server, &bob(&server))
        .add("Contact", format!("<{}>, <sip:bob@192.0.2.2>", phone.uri()))
        .add("Expires", "0");
    let answer = phone.ask(&leaving, server.address());
    assert_eq!(contacts(&answer).into_keys().collect::<Vec<_>>(), [other.uri()]);
    let alice = Phone::new("alice");
    alice.send(&alice.invite(&bob(&server)), server.address());
    other.expect_request("INVITE");
    phone.assert_inbox_empty();
}

/// L05: RFC 3261 §10.2.2, §10.3 step 6.
#[test]
fn star_removes_all_contacts_and_nothing_else_does_it_by_star() {
    let server = start("");
    let (phone, other) = (Phone::new("bob"), Phone::new("bob"));
    add(&phone, &server, &format!("<{}>", phone.uri()));
    add(&other, &server, &format!("<{}>", other.uri()));
    let star = draft(&phone, &server, &bob(&server)).add("Contact", "*");
    for wrong in [
        star.clone(),
        star.clone().add("Expires", "60"),
        star.clone().add("Expires", "0").add("Contact", "<sip:bob@192.0.2.1>"),
    ] {
        assert_eq!(phone.ask(&wrong, server.address()).status(), 400);
    }
    assert_eq!(query(&phone, &server).len(), 2);
    let gone = star.add("Expires", "0").set("Via", phone.new_via());
    let answer = phone.ask(&gone, server.address());
    assert_eq!(answer.status(), 200);
    assert!(!answer.has("Contact"));
    assert!(query(&phone, &server).is_empty());
    let alice = Phone::new("alice");
    assert_eq!(alice.ask(&alice.invite(&bob(&server)), server.address()).status(), 404);
}

/// RFC 3261 §10.3 step 7, §21.4.17.
#[test]
fn interval_that_is_too_brief_is_refused_with_the_least() {
    let parameters = r#"
modparam("registrar", "min_expires", 120)
modparam("registrar", "min_expires_mode", 1)
"#;
    let server = start(parameters);
    let phone = Phone::new("bob");
    let brief = draft(&phone, &server, &bob(&server))
        .add("Contact", format!("<{}>, <sip:bob@192.0.2.1>;expires=600", phone.uri()))
        .add("Expires", "119");
    let refused = phone.ask(&brief, server.address());
    assert_eq!(refused.start, "SIP/2.0 423 Interval Too Brief");
    assert_eq!(refused.value("Min-Expires"), "120");
    assert!(query(&phone, &server).is_empty(), "all of a REGISTER or nothing");
    let answer = add(&phone, &server, &format!("<{}>;expires=120", phone.uri()));
    assert_about(contacts(&answer)[&phone.uri()], 120);
}

/// RFC 3261 §10.3 step 7: what is asked, what is not asked, and what is too much.
#[test]
fn times_come_from_the_contact_the_header_and_the_parameters() {
    let parameters = r#"
modparam("registrar", "default_expires", 700)
modparam("registrar", "max_expires", 5000)
"#;
    let server = start(parameters);
    let phone = Phone::new("bob");
    let answer = add(&phone, &server, "<sip:bob@192.0.2.1>");
    assert_about(contacts(&answer)["sip:bob@192.0.2.1"], 700);
    let register = draft(&phone, &server, &bob(&server))
        .add("Contact", "<sip:bob@192.0.2.2>;expires=800, <sip:bob@192.0.2.3>")
        .add("Contact", "<sip:bob@192.0.2.4>;expires=9999")
        .add("Expires", "900");
    let listed = contacts(&phone.ask(&register, server.address()));
    for (host, seconds) in [(1, 700), (2, 800), (3, 900), (4, 5000)] {
        assert_about(listed[&format!("sip:bob@192.0.2.{host}")], seconds);
    }
}

/// M16: S4's one device at a time.
#[test]
fn max_contacts_bounds_the_contacts_of_a_user() {
    let server = start(r#"modparam("registrar", "max_contacts", 1)"#);
    let (phone, other) = (Phone::new("bob"), Phone::new("bob"));
    add(&phone, &server, &format!("<{}>", phone.uri()));
    let second = draft(&other, &server, &bob(&server)).add("Contact", format!("<{}>", other.uri()));
    let refused = other.ask(&second, server.address());
    assert_eq!(refused.status(), 503, "{}", refused.start);
    assert_eq!(query(&phone, &server), [phone.uri()]);
    add(&phone, &server, &format!("<{}>;expires=600", phone.uri()));
}

/// L02: the Request-URI becomes the contact with all that it says.
#[test]
fn lookup_takes_the_whole_contact_uri() {
    let server = start("");
    let (alice, phone) = (Phone::new("alice"), Phone::new("bob"));
    let contact = format!("sip:line1@{};transport=udp;x-y=z", phone.address());
    add(&phone, &server, &format!("\"Bob\" <{contact}>;q=0.5"));
    let message = alice.request("MESSAGE", &format!("{};user=phone", bob(&server)));
    let sent = alice.send(&message, server.address());
    let arrived = phone.expect_request("MESSAGE");
    RequestHop::new(&sent, &arrived).uri(&contact).check(server.address());
    barrier(&alice, &phone, &server);
}

/// RFC 3327 §5.3: the way that the REGISTER took is the way of the call.
#[test]
fn call_takes_the_path_of_the_registration() {
    let server = start(r#"modparam("registrar", "use_path", 1)"#);
    let (alice, edge) = (Phone::new("alice"), Phone::new("edge"));
    let path = format!("<sip:edge@{};lr>", edge.address());
    let register = draft(&edge, &server, &bob(&server))
        .add("Path", format!("{path}, <sip:192.0.2.8;lr>"))
        .add("Supported", "path")
        .add("Contact", "<sip:bob@192.0.2.1>");
    let answer = edge.ask(&register, server.address());
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.items("Path"), [&path[..], "<sip:192.0.2.8;lr>"]);
    let sent = alice.send(&alice.request("MESSAGE", &bob(&server)), server.address());
    let arrived = edge.expect_request("MESSAGE");
    assert_eq!(arrived.uri(), "sip:bob@192.0.2.1");
    assert_eq!(arrived.items("Route"), [&path[..], "<sip:192.0.2.8;lr>"]);
    assert_eq!(arrived.vias()[1..], sent.vias());
}

/// L01: a table for each domain that is served.
#[test]
fn tables_are_separate() {
    let server = Server::start(&scripts::route(
        r#"
    if (method=="REGISTER") {
        if (to_uri=~"@one\.example") { save("mydomain1"); } else { save("mydomain2"); }
        exit;
    }
    if (!lookup("mydomain1")) { sl_send_reply("404", "Not Found"); exit; }
    forward();
"#,
    ));
    let (alice, bob, eve) = (Phone::new("alice"), Phone::new("bob"), Phone::new("eve"));
    for (phone, aor) in [(&bob, "sip:bob@one.example"), (&eve, "sip:eve@two.example")] {
        let register = draft(phone, &server, aor).add("Contact", format!("<{}>", phone.uri()));
        let answer = phone.ask(&register, server.address());
        assert_eq!(contacts(&answer).into_keys().collect::<Vec<_>>(), [phone.uri()]);
    }
    alice.send(&alice.request("MESSAGE", "sip:bob@one.example"), server.address());
    assert_eq!(bob.expect_request("MESSAGE").uri(), bob.uri());
    let missing = alice.request("MESSAGE", "sip:eve@one.example");
    assert_eq!(alice.ask(&missing, server.address()).status(), 404);
    eve.assert_inbox_empty();
}

/// Users are told apart by name alone, or by name and domain.
#[test]
fn use_domain_makes_the_domain_part_of_the_name() {
    for (use_domain, status) in [(0, 200), (1, 404)] {
        let server = start(&format!(r#"modparam("usrloc", "use_domain", {use_domain})"#));
        let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
        let register =
            draft(&bob, &server, "sip:bob@One.Example").add("Contact", format!("<{}>", bob.uri()));
        assert_eq!(bob.ask(&register, server.address()).status(), 200);
        alice.send(&alice.request("MESSAGE", "sip:bob@oNE.eXAMPLE"), server.address());
        let arrived = bob.expect_request("MESSAGE");
        bob.answer(&arrived, 200, "OK");
        assert_eq!(alice.expect_response(200, "MESSAGE").status(), 200);

        let elsewhere =
            alice.send(&alice.request("MESSAGE", "sip:bob@two.example"), server.address());
        if status == 200 {
            bob.answer(&bob.expect_request("MESSAGE"), 200, "OK");
        }
        let got = alice.expect_response(status, "MESSAGE");
        assert_eq!(got.value("Call-ID"), elsewhere.value("Call-ID"));
    }
}

/// RFC 3261 §10.3 step 5: parameters do not count, and escapes are what they stand for.
#[test]
fn spellings_of_one_address_of_record_are_one() {
    if differs_on_kamailio("does not look behind escapes") {
        return;
    }
    let server = start("");
    let (alice, phone) = (Phone::new("alice"), Phone::new("bob"));
    let aor = format!("sip:%62ob@{};user=phone", server.address());
    let register = draft(&phone, &server, &aor).add("Contact", format!("<{}>", phone.uri()));
    assert_eq!(phone.ask(&register, server.address()).status(), 200);
    assert_eq!(query(&phone, &server), [phone.uri()]);
    let spelled = format!("sip:b%6Fb@{}", server.address());
    alice.send(&alice.request("MESSAGE", &spelled), server.address());
    phone.expect_request("MESSAGE");
}

/// What cannot be understood is refused, and the bindings stay.
#[test]
fn malformed_contact_is_refused() {
    let server = start("");
    let phone = Phone::new("bob");
    add(&phone, &server, &format!("<{}>", phone.uri()));
    for wrong in ["<sip:bob@192.0.2.1", "\"bob <sip:bob@192.0.2.1>", "<>"] {
        let register = draft(&phone, &server, &bob(&server)).add("Contact", wrong);
        let refused = phone.ask(&register, server.address());
        assert_eq!(refused.status(), 400, "{wrong}: {}", refused.start);
    }
    assert_eq!(query(&phone, &server), [phone.uri()]);
}

/// L03: S2's order of work, 200 users, registered by one phone and called by another.
#[test]
fn many_users_are_all_found() {
    let server = start("");
    let (alice, phone) = (Phone::new("alice"), Phone::new("all"));
    let user = |number: u32| format!("sip:u{number}@{}", server.address());
    let contact = |number: u32| format!("sip:u{number}@{}", phone.address());
    for number in 0..200 {
        let register = draft(&phone, &server, &user(number));
        let register = register.add("Contact", format!("<{}>", contact(number)));
        assert_eq!(phone.ask(&register, server.address()).status(), 200);
    }
    for number in 0..200 {
        alice.send(&alice.request("MESSAGE", &user(number)), server.address());
        assert_eq!(phone.expect_request("MESSAGE").uri(), contact(number));
    }
    let missing = alice.request("MESSAGE", &user(200));
    assert_eq!(alice.ask(&missing, server.address()).status(), 404);
}
