//! What must hold of everything that the core sends, whatever came in. Used by the tests with
//! hostile messages and by the fuzz targets.

use viaduct::limits::HEADER_COUNT_MAX;
use viaduct::sip::{self, HeaderName, Message, MessageIndex, Method, ParseError, Via};

use super::core_support::{CoreBench, Sent};

/// The largest payload of a UDP datagram over IPv4.
pub(crate) const UDP_PAYLOAD_MAX: usize = 65_507;

/// A message with more header fields may have too many of them when we have added ours.
const HEADER_MANY: usize = HEADER_COUNT_MAX - 12;

/// A script that does a little of everything with what the peer wrote.
pub(crate) const BUSY: &str = r#"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "registrar.so"
loadmodule "usrloc.so"
loadmodule "maxfwd.so"
loadmodule "sl.so"
modparam("registrar", "use_path", 1)
modparam("registrar", "path_mode", 1)
modparam("rr", "add_username", 1)
route {
    force_rport();
    mf_process_maxfwd_header("70");
    append_hf("P-Seen: $rU $fU $tU $ua $hdr(Subject) $(ru{uri.params})\r\n");
    remove_hf("User-Agent");
    if (method == "REGISTER") { save("location"); exit; }
    if (loose_route()) { forward(); exit; }
    lookup("location");
    record_route(";x=1");
    $rU = "bob" + $rU;
    if (!forward(203.0.113.9, 5060)) { sl_reply_error(); }
}
onreply_route { append_hf("P-Back: $rs $rr $hdr(Subject)\r\n"); }
"#;

/// Gives the core a datagram and checks what it sends.
pub(crate) fn handle(bench: &mut CoreBench, source: &str, datagram: &[u8]) -> Vec<Sent> {
    let sent = bench.send(source, datagram);
    let mut index = MessageIndex::default();
    let is_valid = sip::parse(datagram, &mut index).is_ok();
    let message = Message::new(datagram, &index);
    assert!(sent.len() <= 1, "{} datagrams for one", sent.len());
    for (destination, bytes) in &sent {
        assert!(bytes.len() <= UDP_PAYLOAD_MAX, "{} bytes to {destination}", bytes.len());
        check(message, is_valid && message.validate_request().is_ok(), bytes);
    }
    sent
}

/// Checks one datagram that was sent because of `cause`.
fn check(cause: Message<'_>, is_valid: bool, bytes: &[u8]) {
    let mut index = MessageIndex::default();
    let parsed = sip::parse(bytes, &mut index);
    if parsed == Err(ParseError::TooManyHeaders) && cause.all_headers().count() > HEADER_MANY {
        return;
    }
    let show = || String::from_utf8_lossy(&bytes[..bytes.len().min(1_200)]).into_owned();
    assert_eq!(parsed, Ok(()), "{}", show());
    let message = Message::new(bytes, &index);
    assert_eq!(message.end(), bytes.len(), "{}", show());
    match (cause.status(), message.status()) {
        (Some(old), new) => assert_eq!(Some(old), new, "{}", show()),
        (None, Some(_)) => {
            assert_ne!(cause.method(), Some(Method::Ack), "an answered ACK: {}", show());
            assert_eq!(count(message, HeaderName::Via), count(cause, HeaderName::Via));
            if is_valid {
                assert_eq!(message.validate_response().err(), None, "{}", show());
            }
        }
        (None, None) => {
            assert!(is_valid, "forwarded though invalid: {}", show());
            assert_eq!(message.validate_request().err(), None, "{}", show());
            assert_eq!(count(message, HeaderName::Via), count(cause, HeaderName::Via) + 1);
            assert!(message.max_forwards().is_ok_and(|hops| hops.is_some()), "{}", show());
            let own = message.items(HeaderName::Via).next().map(Via::parse);
            assert!(matches!(own, Some(Ok(via)) if via.host == b"192.0.2.1"), "{}", show());
        }
    }
}

/// How many values a header field has.
fn count(message: Message<'_>, name: HeaderName) -> usize {
    message.items(name).count()
}
