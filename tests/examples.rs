//! The scripts in `examples/` do what their comments say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use core_support::CoreBench;
use viaduct::jobs::Ending;

const ALICE: &str = "198.51.100.7:5060";
const BOB: &str = "198.51.100.8:5060";

/// The script of that name.
fn example(name: &str) -> CoreBench {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    CoreBench::new(&std::fs::read_to_string(path).unwrap())
}

/// A request with further header lines.
fn request(method: &str, uri: &str, from: &str, more: &str) -> String {
    let to = if more.contains("Route:") { ";tag=t1" } else { "" };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK1{method}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f1\r\nTo: <{uri}>{to}\r\n\
         Call-ID: call@a\r\nCSeq: 7 {method}\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// Where each message went, and its first line.
fn told(bench: &mut CoreBench, source: &str, request: &str) -> Vec<String> {
    let sent = bench.send(source, request);
    sent.iter().map(|(to, bytes)| format!("{to} {}", line(bytes, 0))).collect()
}

/// A line of a message.
fn line(bytes: &[u8], number: usize) -> String {
    String::from_utf8_lossy(bytes).lines().nth(number).unwrap().to_owned()
}

/// The value of the first header field of that name.
fn value(bytes: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
}

/// Bob registers.
fn register(bench: &mut CoreBench) {
    let more = "Contact: <sip:bob@198.51.100.8>\r\n";
    let sent = told(
        bench,
        BOB,
        &request("REGISTER", "sip:192.0.2.1", BOB, more).replace("<sip:192", "<sip:bob@192"),
    );
    assert_eq!(sent, ["198.51.100.8:5060 SIP/2.0 200 OK"]);
}

#[test]
fn primisip_sets_up_and_ends_a_call() {
    let mut bench = example("primisip.cfg");
    register(&mut bench);
    let invite = request("INVITE", "sip:bob@192.0.2.1", ALICE, "");
    let sent = bench.send(ALICE, &invite);
    assert_eq!(line(&sent[0].1, 0), "SIP/2.0 100 Giving a try");
    assert_eq!(line(&sent[1].1, 0), "INVITE sip:bob@198.51.100.8 SIP/2.0");
    assert_eq!(sent[1].0.to_string(), BOB);
    let record = value(&sent[1].1, "Record-Route").unwrap();
    assert_eq!(record, "<sip:192.0.2.1;lr=on;ftag=f1>");

    let bye = request("BYE", "sip:bob@198.51.100.8", ALICE, &format!("Route: {record}\r\n"));
    let sent = bench.send(ALICE, &bye);
    assert_eq!(sent[0].0.to_string(), BOB);
    assert_eq!(value(&sent[0].1, "Route"), None);
    for line in ["REGISTER sip:192.0.2.1 SIP/2.0 from 198.51.100.8:5060\n", "Loose Route du="] {
        assert!(bench.log().contains(line), "{}", bench.log());
    }
}

#[test]
fn primisip_cancels_and_knows_other_numbers() {
    let mut bench = example("primisip.cfg");
    let cancel = request("CANCEL", "sip:+41215509123@192.0.2.1", ALICE, "");
    assert_eq!(
        told(&mut bench, ALICE, &cancel),
        [
            "198.51.100.7:5060 SIP/2.0 200 Cancelling",
            "192.0.2.20:5060 CANCEL sip:+41215509123@192.0.2.20 SIP/2.0"
        ]
    );
    let invite = request("INVITE", "sip:nobody@192.0.2.1", ALICE, "");
    assert_eq!(
        told(&mut bench, ALICE, &invite),
        [
            "198.51.100.7:5060 SIP/2.0 100 Giving a try",
            "198.51.100.7:5060 SIP/2.0 500 Server error occurred (1/SL)"
        ]
    );
}

#[test]
fn numbers_go_to_gateways_and_names_to_phones() {
    let mut bench = example("numbering-plan.cfg");
    register(&mut bench);
    for (uri, expected) in [
        ("sip:1234@192.0.2.1", "192.0.2.21:5060 INVITE sip:234@192.0.2.1 SIP/2.0"),
        ("sip:9234@192.0.2.1", "192.0.2.22:5060 INVITE sip:9234@192.0.2.1 SIP/2.0"),
        ("sip:bob@192.0.2.1", "198.51.100.8:5060 INVITE sip:bob@198.51.100.8 SIP/2.0"),
        ("sip:8234@192.0.2.1", "198.51.100.7:5060 SIP/2.0 404 Not Found"),
    ] {
        let sent = told(&mut bench, ALICE, &request("INVITE", uri, ALICE, ""));
        assert_eq!(sent, [expected], "{uri}");
    }
    let route = "Route: <sip:192.0.2.1;lr>\r\n";
    let bye = request("BYE", "sip:1@192.0.2.40", ALICE, route);
    assert_eq!(told(&mut bench, ALICE, &bye), ["192.0.2.40:5060 BYE sip:1@192.0.2.40 SIP/2.0"]);
}

#[test]
fn redirects_list_where_to_ask() {
    let mut bench = example("redirect.cfg");
    let sent = bench.send(ALICE, request("INVITE", "sip:700@example.com", ALICE, ""));
    assert_eq!(line(&sent[0].1, 0), "SIP/2.0 300 Multiple Choices");
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    let contacts: Vec<&str> = text.lines().filter(|line| line.starts_with("Contact")).collect();
    assert_eq!(
        contacts,
        [
            "Contact: <sip:700@carrier-a.example.com:5070>",
            "Contact: <sip:700@carrier-b.example.com>;q=0.5"
        ]
    );
    let sent = bench.send(ALICE, request("INVITE", "sip:alice@example.com", ALICE, ""));
    assert_eq!(line(&sent[0].1, 0), "SIP/2.0 301 Moved Permanently");
    assert_eq!(value(&sent[0].1, "Contact").unwrap(), "<sip:alice@new.example.org>");
    for (method, expected) in [
        ("MESSAGE", vec!["198.51.100.7:5060 SIP/2.0 404 Not Found"]),
        ("BYE", vec!["198.51.100.7:5060 SIP/2.0 405 Method Not Allowed"]),
        ("ACK", vec![]),
    ] {
        let sent = told(&mut bench, ALICE, &request(method, "sip:bob@example.com", ALICE, ""));
        assert_eq!(sent, expected, "{method}");
    }
}

#[test]
fn the_edge_routes_by_prefix_and_stays_in_the_path() {
    let mut bench = example("edge.cfg");
    for (uri, gateway) in [
        ("sip:+41215550123@192.0.2.1", "192.0.2.31:5060"),
        ("sip:+3215550123@192.0.2.1", "192.0.2.32:5060"),
    ] {
        let sent = bench.send(ALICE, request("INVITE", uri, ALICE, ""));
        assert_eq!(sent[0].0.to_string(), gateway);
        assert_eq!(line(&sent[0].1, 0), format!("INVITE {uri} SIP/2.0"));
        assert!(value(&sent[0].1, "Record-Route").unwrap().starts_with("<sip:192.0.2.1;lr"));
        let cancel = bench.send(ALICE, request("CANCEL", uri, ALICE, ""));
        assert_eq!(cancel[0].0.to_string(), gateway);
    }
    let route = "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.31;lr>\r\n";
    let bye = request("BYE", "sip:1@192.0.2.40", ALICE, route);
    assert_eq!(told(&mut bench, ALICE, &bye), ["192.0.2.31:5060 BYE sip:1@192.0.2.40 SIP/2.0"]);
}

#[test]
fn the_edge_keeps_out_what_does_not_belong() {
    let number = "sip:+41215550123@192.0.2.1";
    let invite = request("INVITE", number, ALICE, "");
    let tagged = |method: &str| {
        request(method, number, ALICE, "").replace("192.0.2.1>", "192.0.2.1>;tag=t1")
    };
    for (source, message, expected) in [
        ("203.0.113.5:5060", invite.clone(), vec![]),
        ("198.51.100.66:5060", invite.clone(), vec![]),
        (
            ALICE,
            invite.replace("Max-Forwards: 70", "Max-Forwards: 0"),
            vec!["198.51.100.7:5060 SIP/2.0 483 Too Many Hops"],
        ),
        (ALICE, invite.replace("7 INVITE", "7 BYE"), vec!["198.51.100.7:5060 SIP/2.0 400"]),
        (
            ALICE,
            tagged("BYE"),
            vec!["198.51.100.7:5060 SIP/2.0 481 Call/Transaction Does Not Exist"],
        ),
        (ALICE, tagged("ACK"), vec![]),
        (
            ALICE,
            request("INVITE", "sip:bob@192.0.2.1", ALICE, ""),
            vec!["198.51.100.7:5060 SIP/2.0 484 Address Incomplete"],
        ),
        (
            ALICE,
            request("SUBSCRIBE", number, ALICE, ""),
            vec!["198.51.100.7:5060 SIP/2.0 405 Method Not Allowed"],
        ),
        (
            ALICE,
            request("OPTIONS", "sip:192.0.2.1", ALICE, ""),
            vec!["198.51.100.7:5060 SIP/2.0 200 OK"],
        ),
    ] {
        let sent = told(&mut example("edge.cfg"), source, &message);
        assert_eq!(sent.len(), expected.len(), "{message}{sent:?}");
        for (sent, expected) in sent.iter().zip(expected) {
            assert!(sent.starts_with(expected), "{message}{sent}");
        }
    }
}

#[test]
fn the_least_cost_router_asks_its_programs() {
    let invite = || request("INVITE", "sip:+4912345@192.0.2.1", ALICE, "");
    let answer = |bench: &mut CoreBench, ending, output: &str| {
        let sent = bench.finish(ending, output);
        let told = sent.iter().map(|(to, bytes)| format!("{to} {}", line(bytes, 0)));
        told.collect::<Vec<_>>()
    };
    let mut bench = example("least-cost.cfg");
    assert!(told(&mut bench, ALICE, &invite()).is_empty());
    assert!(answer(&mut bench, Ending::Exited(0), "active\ngold\n").is_empty());
    let carriers = "sip:+4912345@192.0.2.31\nsip:0012345@192.0.2.32\n";
    let sent = answer(&mut bench, Ending::Exited(0), carriers);
    assert_eq!(sent, ["192.0.2.31:5060 INVITE sip:+4912345@192.0.2.31 SIP/2.0"]);

    for (account, carriers, expected) in [
        ((Ending::Exited(1), ""), None, "403 Forbidden"),
        ((Ending::Late, ""), None, "403 Forbidden"),
        ((Ending::Exited(0), "closed"), None, "402 Payment Required"),
        ((Ending::Exited(0), "active"), Some((Ending::Exited(0), "")), "404 No Route"),
        ((Ending::Exited(0), "active"), Some((Ending::NotStarted, "")), "404 No Route"),
    ] {
        assert!(told(&mut bench, ALICE, &invite()).is_empty());
        let mut sent = answer(&mut bench, account.0, account.1);
        if let Some((ending, output)) = carriers {
            assert!(sent.is_empty());
            sent = answer(&mut bench, ending, output);
        }
        assert_eq!(sent, [format!("{ALICE} SIP/2.0 {expected}")]);
    }
    let bye = request("BYE", "sip:1@192.0.2.31", ALICE, "");
    assert_eq!(told(&mut bench, ALICE, &bye), ["192.0.2.31:5060 BYE sip:1@192.0.2.31 SIP/2.0"]);
}
