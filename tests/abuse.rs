//! What somebody might try who is not a friend, and what must become of it.

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use core_support::{CoreBench, Sent};
use viaduct::sip::{self, HeaderName, Message, MessageIndex, NameAddr};

const ALICE: &str = "198.51.100.7:5060";
const BOB: &str = "203.0.113.9:5060";
const TO_BOB: &str = "route { forward(203.0.113.9, 5060); }";

/// A core that runs the script, the modules that these tests use in front.
fn bench(script: &str) -> CoreBench {
    let modules = ["sl", "rr", "textops", "siputils", "usrloc", "registrar", "maxfwd"];
    let load: String = modules.iter().map(|name| format!("loadmodule \"{name}.so\"\n")).collect();
    CoreBench::new(&format!("{load}{script}"))
}

/// A request of Alice's: the Via parameters, the lines in place of Max-Forwards, the tag.
fn request(method: &str, via_params: &str, lines: &str, tag: &str) -> String {
    format!(
        "{method} sip:bob@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1{via_params}\r\n{lines}\
         From: <sip:alice@a.example>;tag={tag}\r\nTo: <sip:bob@192.0.2.1>\r\n\
         Call-ID: c1@a\r\nCSeq: 7 {method}\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The text of what was sent.
fn text(sent: &Sent) -> String {
    String::from_utf8_lossy(&sent.1).into_owned()
}

/// The status of the only answer, 0 if it is a request.
fn status(sent: &[Sent]) -> Option<u16> {
    let text = text(sent.first()?);
    let code = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3));
    Some(code.and_then(|code| code.parse().ok()).unwrap_or(0))
}

/// Asks something of a message that must be well-formed.
fn well_formed<R>(bytes: &[u8], ask: impl FnOnce(Message<'_>) -> R) -> R {
    let mut index = MessageIndex::default();
    let parsed = sip::parse(bytes, &mut index);
    let message = Message::new(bytes, &index);
    let text = String::from_utf8_lossy(bytes);
    assert!(parsed.is_ok() && message.validate_request().is_ok(), "{parsed:?}\n{text}");
    ask(message)
}

#[test]
fn whoever_gets_a_request_cannot_send_its_response_elsewhere() {
    for (asked, forged) in [
        ("", ";maddr=203.0.113.66"),
        ("", ";rport=9"),
        (";rport", ";maddr=203.0.113.66;rport=5060"),
        (";rport", ";rport=9"),
        (";maddr=198.51.100.8", ";maddr=203.0.113.66"),
    ] {
        let mut core = bench(TO_BOB);
        let forwarded = core.send(ALICE, request("INVITE", asked, "", "a1"));
        let forwarded = text(&forwarded[0]);
        let mut lines: Vec<&str> = forwarded.split("\r\n").collect();
        lines[0] = "SIP/2.0 200 OK";
        assert_eq!(core.send(BOB, lines.join("\r\n")).len(), 1, "the true response");
        let below = lines.iter().rposition(|line| line.starts_with("Via: ")).unwrap();
        let forged = format!("Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKalice1{forged}");
        lines[below] = &forged;
        let sent = core.send(BOB, lines.join("\r\n"));
        assert!(sent.is_empty(), "to {} for {forged}", sent[0].0);
    }
}

#[test]
fn no_hop_is_left_however_many_zeros_say_so() {
    for zeros in ["0", "00", "000000"] {
        let lines = format!("Max-Forwards: {zeros}\r\n");
        let sent = bench(TO_BOB).send(ALICE, request("INVITE", "", &lines, "a1"));
        assert_eq!(status(&sent), Some(483), "{zeros}");
    }
}

#[test]
fn max_forwards_is_a_number_after_many_zeros() {
    let lines = format!("Max-Forwards: {}70\r\n", "0".repeat(200));
    let sent = bench(TO_BOB).send(ALICE, request("INVITE", "", &lines, "a1"));
    well_formed(&sent[0].1, |message| assert_eq!(message.max_forwards(), Ok(Some(69))));
}

#[test]
fn a_tag_does_not_leave_the_brackets_of_record_route() {
    let script = format!("route {{ record_route(); {}", &TO_BOB[8..]);
    for tag in [r#""1>, <sip:evil.example;lr""#, r#""a b""#, r#"">""#, "\"a\r\n b\""] {
        let sent = bench(&script).send(ALICE, request("INVITE", "", "", tag));
        if status(&sent) == Some(400) {
            continue;
        }
        well_formed(&sent[0].1, |message| {
            let routes: Vec<_> = message.items(HeaderName::RecordRoute).collect();
            assert_eq!(routes.len(), 1, "{tag}: {}", text(&sent[0]));
            assert!(NameAddr::parse(routes[0]).is_ok(), "{tag}: {}", text(&sent[0]));
        });
    }
}

#[test]
fn nothing_larger_than_a_datagram_leaves() {
    const PAYLOAD_MAX: usize = 65_507;
    let mut core = bench(
        "route { if (method == \"INVITE\") { forward(203.0.113.9, 5060); } \
                          else { sl_send_reply(\"200\", \"OK\"); } }",
    );
    for method in ["INVITE", "OPTIONS"] {
        let room = PAYLOAD_MAX - request(method, ";x=", "", "a1").len();
        let datagram = request(method, &format!(";x={}", "y".repeat(room)), "", "a1");
        assert_eq!(datagram.len(), PAYLOAD_MAX);
        let sent = core.send(ALICE, datagram);
        assert!(sent.iter().all(|sent| sent.1.len() <= PAYLOAD_MAX), "{method}");
    }
}

#[test]
fn a_removed_via_is_not_written_into_the_next_line() {
    let script = "route { remove_hf(\"Via\"); force_rport(); forward(203.0.113.9, 5060); }";
    let sent = bench(script).send(ALICE, request("INVITE", "", "", "a1"));
    well_formed(&sent[0].1, |message| {
        assert_eq!(message.value(HeaderName::From), Some(&b"<sip:alice@a.example>;tag=a1"[..]));
    });
}

#[test]
fn a_branch_does_not_leave_the_brackets_of_contact() {
    let script = "route { append_branch(\"sip:$fU@a\"); append_branch(\"$hdr(X)\"); \
                  sl_send_reply(\"302\", \"Moved\"); }";
    let lines = "X: sip:a@b>,<sip:evil@c\r\n";
    let sent = bench(script).send(ALICE, request("INVITE", "", lines, "a1"));
    assert_eq!(status(&sent), Some(302));
    assert!(!text(&sent[0]).contains("evil"), "{}", text(&sent[0]));
}

#[test]
fn a_user_is_the_same_however_it_is_spelled() {
    let mut core = CoreBench::new(include_str!("../examples/default.cfg"));
    let register = |uri: &str, contact: &str, cseq: u32| {
        request("REGISTER", "", contact, "a1")
            .replace("To: <sip:bob@192.0.2.1>", &format!("To: {uri}"))
            .replace("CSeq: 7", &format!("CSeq: {cseq}"))
    };
    let answer = core.send(ALICE, register("<sip:bob@192.0.2.1>", "Contact: <sip:b@h>\r\n", 1));
    assert!(text(&answer[0]).contains("<sip:b@h>"));
    for uri in ["sip:%62ob@192.0.2.1", "<sip:BOB:x@192.0.2.1;y>", "\"x\" <sips:b%4Fb@192.0.2.1>"] {
        let answer = core.send(ALICE, register(uri, "", 2));
        assert!(text(&answer[0]).contains("<sip:b@h>"), "{uri}: {}", text(&answer[0]));
    }
    for uri in
        ["sip:bob%00@192.0.2.1", "sip:bob%20@192.0.2.1", "<sip:bob;x@192.0.2.1>", "<sip:%2562ob@h>"]
    {
        let answer = core.send(ALICE, register(uri, "", 3));
        assert!(!text(&answer[0]).contains("<sip:b@h>"), "{uri}: {}", text(&answer[0]));
    }
}
