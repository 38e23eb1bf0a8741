//! Any bytes as a message: parsed, validated, and every value of it asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use viaduct::sip::{
    self, CSeq, Contact, HeaderName, Items, Message, MessageIndex, NameAddr, Params, Uri, Via,
    host_ip, parse_delta_seconds, parse_max_forwards, unescaped,
};

fuzz_target!(|bytes: &[u8]| {
    let mut index = MessageIndex::default();
    let parsed = sip::parse(bytes, &mut index);
    let message = Message::new(bytes, &index);
    assert!(message.end() <= bytes.len() && message.text().len() <= bytes.len());
    let _ = (message.start_line(), message.request_uri(), message.status());
    let _ = (message.top_via(), message.cseq(), message.max_forwards());
    let is_valid = parsed.is_ok() && message.validate_request().is_ok();
    let _ = message.validate_response();
    for header in message.all_headers() {
        assert!(message.offset_of(header.line) + header.line.len() <= bytes.len());
        assert!(header.line.ends_with(b"\n") && header.line.len() > header.value.len());
        assert!(message.headers_named(header.name_text).count() > 0);
        value(header.value);
        Items::new(header.value).for_each(value);
        if header.name != HeaderName::Other {
            assert!(message.items(header.name).count() <= bytes.len());
        }
    }
    if is_valid {
        assert!(message.top_via().is_ok() && message.cseq().is_ok());
        value(message.request_uri());
        assert_eq!(message.headers_end() + message.body().len() <= bytes.len(), true);
    }
});

/// Asks every parser about `text`.
fn value(text: &[u8]) {
    let _ = (CSeq::parse(text), host_ip(text), unescaped(text).len(), HeaderName::parse(text));
    let _ = (parse_delta_seconds(text), parse_max_forwards(text));
    assert!(Params::new(text).iter().all(|param| !param.text.is_empty()));
    if let Ok(Contact::Address { q, .. }) = Contact::parse(text) {
        assert!(q.ok().flatten().is_none_or(|q| q <= 1_000));
    }
    if let Ok(via) = Via::parse(text) {
        let _ = (via.branch(), via.has_cookie(), via.received(), via.rport(), via.ttl());
        assert!(!via.host.is_empty() && !via.transport.is_empty());
    }
    if let Ok(address) = NameAddr::parse(text) {
        let _ = (address.tag(), Uri::parse(address.uri));
        assert!(!address.uri.iter().any(|byte| b"\r\n <>\"\0".contains(byte)));
    }
}
