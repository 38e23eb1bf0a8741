//! What users of PrimiSIP know, item by item of the contract (P01 to P20).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use core_support::{CoreBench, Sent};

const ALICE: &str = "198.51.100.7:5060";
const BOB: &str = "198.51.100.8:5070";

const MODULES: &str = "loadmodule \"sl.so\"\nloadmodule \"rr.so\"\n\
                       loadmodule \"registrar.so\"\n";

/// A core with these blocks.
fn bench(blocks: &str) -> CoreBench {
    CoreBench::new(&format!("{MODULES}{blocks}"))
}

/// A request of a call.
fn request(method: &str, uri: &str, more: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@a.example>;tag=f1\r\nTo: <sip:bob@b.example>\r\n\
         Call-ID: call@a\r\nCSeq: 7 {method}\r\n{more}Content-Length: 4\r\n\r\nbody"
    )
}

/// A REGISTER of bob's.
fn register(contact: &str) -> String {
    format!(
        "REGISTER sip:b.example SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.8:5070;branch=z9hG4bK2\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@b.example>;tag=f2\r\nTo: <sip:bob@b.example>\r\n\
         Call-ID: register@b\r\nCSeq: 1 REGISTER\r\nContact: {contact}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// What the statements print for an INVITE.
fn printed(statements: &str) -> String {
    let mut bench = bench(&format!("route {{ {statements} }}"));
    bench.send(ALICE, request("INVITE", "sip:bob@b.example;x=1", "Route: <sip:192.0.2.9;lr>\r\n"));
    bench.log()
}

fn first_line(sent: &Sent) -> String {
    String::from_utf8_lossy(&sent.1).lines().next().unwrap().to_owned()
}

/// P01: all that a user writes is what becomes of requests and of replies.
#[test]
fn two_blocks_are_a_script() {
    let blocks = "route { print(\"request\\n\"); forward(); }\n\
                  onreply_route { print(\"reply\\n\"); }";
    let mut bench = CoreBench::new(blocks);
    let sent = bench.send(ALICE, request("INVITE", "sip:bob@198.51.100.8", ""));
    let forwarded = String::from_utf8(sent[0].1.clone()).unwrap();
    let (_, rest) = forwarded.split_once("\r\n").unwrap();
    let sent = bench.send("198.51.100.8:5060", format!("SIP/2.0 200 OK\r\n{rest}"));
    assert_eq!((sent.len(), sent[0].0), (1, ALICE.parse().unwrap()));
    assert_eq!(bench.log(), "request\nreply\n");
}

/// P17: to where the request came from, with the name of the server.
#[test]
fn an_answer_of_its_own_says_who_gives_it() {
    let mut bench =
        bench("server_header=\"PrimiSIP\"\nroute { sl_send_reply(\"480\", \"Not here\"); }");
    let sent = bench.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    assert_eq!((sent.len(), sent[0].0), (1, ALICE.parse().unwrap()));
    assert_eq!(first_line(&sent[0]), "SIP/2.0 480 Not here");
    assert!(String::from_utf8_lossy(&sent[0].1).contains("\r\nServer: PrimiSIP\r\n"));
}

/// P02, P03, P04, P05, P07, P09, P19: `print` adds nothing to what it is given.
#[test]
fn variables_of_a_request_are_printed() {
    for (variable, value) in [
        ("$mline", "INVITE sip:bob@b.example;x=1 SIP/2.0"),
        ("$si:$sp", "198.51.100.7:5060"),
        ("$method", "INVITE"),
        ("$rb", "body"),
        ("$ou $ru $rU", "sip:bob@b.example;x=1 sip:bob@b.example;x=1 bob"),
        ("$tu $ft $fu", "sip:bob@b.example f1 sip:alice@a.example"),
    ] {
        assert_eq!(printed(&format!("print(\"{variable}\");")), value, "{variable}");
    }
    let message = request("INVITE", "sip:bob@b.example;x=1", "Route: <sip:192.0.2.9;lr>\r\n");
    assert_eq!(printed("print(\"$mb\");"), message);
}

/// P06: what arrived, and what will be sent.
#[test]
fn header_fields_are_printed_as_they_came_and_as_they_leave() {
    let came = printed("record_route(); print(\"$headers\");");
    assert!(came.starts_with("Via: ") && came.contains("\r\nRoute: "), "{came}");
    assert!(!came.contains("Record-Route") && !came.contains("body"), "{came}");
    let script = "route { loose_route(); print(\"$sendhdr\"); }";
    let mut bench = bench(script);
    bench.send(ALICE, request("BYE", "sip:bob@b.example", "Route: <sip:192.0.2.1;lr>\r\n"));
    assert!(bench.log().starts_with("Via: ") && !bench.log().contains("Route"), "{}", bench.log());
}

/// P08: set by `loose_route`, nothing before.
#[test]
fn the_destination_uri_is_the_next_route() {
    assert_eq!(printed("if ($du == $null) print(\"none\");"), "none");
    assert_eq!(printed("loose_route(); print(\"$du\");"), "sip:192.0.2.9;lr");
}

/// P02, P03, P04, P05: the same variables in a response.
#[test]
fn variables_of_a_response_are_printed() {
    let mut bench = bench(
        "route { forward(192.0.2.9, 5060); }\n\
         onreply_route { print(\"$mline from $si:$sp $method [$ou]\"); }",
    );
    let sent = bench.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    let forwarded = String::from_utf8_lossy(&sent[0].1).into_owned();
    let vias: Vec<&str> = forwarded.lines().filter(|line| line.starts_with("Via")).collect();
    bench.send(
        "192.0.2.9:5060",
        format!(
            "SIP/2.0 180 Ringing\r\n{}\r\nFrom: <sip:alice@a.example>;tag=f1\r\n\
             To: <sip:bob@b.example>;tag=t1\r\nCall-ID: call@a\r\nCSeq: 7 INVITE\r\n\
             Content-Length: 0\r\n\r\n",
            vias.join("\r\n")
        ),
    );
    assert_eq!(bench.log(), "SIP/2.0 180 Ringing from 192.0.2.9:5060 SIP/2.0 [<null>]");
}

/// P10, P11: the table is a variable, and gives where the phone is.
#[test]
fn a_registered_phone_is_found_by_the_uri_of_its_user() {
    let script = "route {
        if ($method == \"REGISTER\") { save(); return; }
        if ($location($ou) != $null) { rewritehost(\"$location($ou)\"); forward(); return; }
        sl_send_reply(\"404\", \"Not here\");
    }";
    let mut bench = bench(script);
    let invite = request("INVITE", "sip:bob@b.example", "");
    assert_eq!(first_line(&bench.send(ALICE, &invite)[0]), "SIP/2.0 404 Not here");
    let sent = bench.send(BOB, register("<sip:bob@198.51.100.8:5070>;expires=60"));
    assert_eq!(first_line(&sent[0]), "SIP/2.0 200 OK");
    let sent = bench.send(ALICE, &invite);
    assert_eq!(first_line(&sent[0]), "INVITE sip:bob@198.51.100.8 SIP/2.0");
    assert_eq!(sent[0].0.to_string(), "198.51.100.8:5060");
    bench.now.monotonic_ms += 61_000;
    assert_eq!(first_line(&bench.send(ALICE, &invite)[0]), "SIP/2.0 404 Not here");
}

/// P11: behind a NAT it is the address that the REGISTER came from.
#[test]
fn the_table_prefers_where_the_register_came_from() {
    let mut bench = bench(
        "route {
            if ($method == \"REGISTER\") { force_rport(); save(); return; }
            print(\"$location(sip:bob@b.example) $location(sip:eve@b.example)\");
        }",
    );
    bench.send(BOB, register("<sip:bob@10.0.0.8>"));
    bench.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    assert_eq!(bench.log(), "198.51.100.8 <null>");
}

/// L09, P12: a line for each binding, the best one first, with what is left of its time.
#[test]
fn all_locations_are_printed() {
    let mut bench =
        bench("route { if ($method == \"REGISTER\") { save(); return; } print_locations(); }");
    bench.send(
        BOB,
        register("<sip:bob@198.51.100.9>;q=0.5;expires=600, <sip:bob@198.51.100.8>;expires=60"),
    );
    bench.now.monotonic_ms += 10_000;
    bench.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    assert_eq!(
        bench.log(),
        "bob -> sip:bob@198.51.100.9;q=0.5;expires=590\n\
         bob -> sip:bob@198.51.100.8;expires=50\n"
    );
    bench.now.monotonic_ms += 60_000;
    let before = bench.log().len();
    bench.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    assert_eq!(bench.log()[before..], *"bob -> sip:bob@198.51.100.9;q=0.5;expires=530\n");
}

/// P12: a large table does not fill the log.
#[test]
fn a_large_table_is_printed_in_part() {
    let mut bench =
        bench("route { if ($method == \"REGISTER\") { save(); return; } print_locations(); }");
    for number in 0..1_001 {
        let request =
            register("<sip:bob@198.51.100.8>").replace("<sip:bob@b", &format!("<sip:{number}@b"));
        bench.send(BOB, request);
    }
    bench.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    let log = bench.log();
    assert_eq!(log.lines().count(), 1_001);
    assert_eq!(log.lines().last(), Some("..."));
}

/// P19: whatever the log level, and `return` leaves the block.
#[test]
fn print_is_never_silenced() {
    let mut bench = CoreBench::new("debug=-5\nroute { print(\"a\"); return; print(\"b\"); }");
    bench.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    assert_eq!(bench.log(), "a");
}

/// P20: patterns over variables.
#[test]
fn methods_and_numbers_match_patterns() {
    let script = "route {
        if ($method =~ \"(^INVITE$|^CANCEL$|^ACK$)\") print(\"call\");
        if ($rU =~ \"^\\+41215509.{3}\") print(\"number\");
    }";
    for (method, uri, expected) in [
        ("INVITE", "sip:+41215509123@b.example", "callnumber"),
        ("ACK", "sip:+4121550912@b.example", "call"),
        ("INFO", "sip:41215509123@b.example", ""),
        ("BYE", "sip:+41215509999@b.example", "number"),
    ] {
        let mut bench = bench(script);
        bench.send(ALICE, request(method, uri, ""));
        assert_eq!(bench.log(), expected, "{method} {uri}");
    }
}
