//! What holds of the parsers for all input: none panics, and what they take apart can be put
//! together again.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use viaduct::sip::{
    self, CSeq, Contact, HeaderName, Items, Message, MessageIndex, NameAddr, Params, Uri, Via,
    host_ip, parse_delta_seconds, parse_max_forwards, unescaped,
};

#[path = "torture/mod.rs"]
#[expect(dead_code, reason = "only the bytes of the messages matter here")]
mod torture;

/// Asks every parser about every part of `bytes` that it is for.
fn parse_all(bytes: &[u8]) {
    let mut index = MessageIndex::default();
    let parsed = sip::parse(bytes, &mut index);
    let message = Message::new(bytes, &index);
    assert!(message.end() <= bytes.len() && message.head().len() <= bytes.len());
    let _ = (message.start_line(), message.body(), message.text(), message.max_forwards());
    let _ = (message.validate_request(), message.validate_response());
    for header in message.all_headers() {
        assert!(!header.name_text.is_empty() && header.line.len() > header.value.len());
        assert!(message.offset_of(header.value) <= bytes.len());
        for item in Items::new(header.value) {
            parse_value(item);
        }
    }
    if parsed.is_ok() && message.method().is_some() {
        parse_value(message.request_uri());
    }
}

/// Asks the parsers of values about `text`.
fn parse_value(text: &[u8]) {
    let _ = (CSeq::parse(text), Contact::parse(text), host_ip(text), unescaped(text).len());
    let _ = (parse_delta_seconds(text), parse_max_forwards(text), HeaderName::parse(text));
    for param in Params::new(text).iter() {
        assert!(param.unquoted().unwrap_or_default().len() <= param.text.len());
    }
    if let Ok(via) = Via::parse(text) {
        let _ = (via.branch(), via.has_cookie(), via.received(), via.rport(), via.ttl());
        assert!(!via.host.is_empty() && !via.transport.is_empty());
    }
    let address = NameAddr::parse(text);
    for uri in [Ok(text), address.map(|address| address.uri)].into_iter().flatten() {
        if let Ok(uri) = Uri::parse(uri) {
            assert_eq!(reassembled(&uri), uri.text);
            assert!(uri.eq_rfc3261(&uri));
            let _ = uri.default_port();
        }
    }
}

/// The text of a URI, put together from its parts.
fn reassembled(uri: &Uri<'_>) -> Vec<u8> {
    let scheme = uri.text.iter().position(|byte| *byte == b':').map_or(0, |colon| colon + 1);
    let mut text = uri.text[..scheme].to_vec();
    match uri.scheme {
        sip::Scheme::Other => return uri.text.to_vec(),
        sip::Scheme::Tel => text.extend_from_slice(uri.user.unwrap_or_default()),
        sip::Scheme::Sip | sip::Scheme::Sips => {
            if let Some(user) = uri.user {
                text.extend_from_slice(user);
                if let Some(password) = uri.password {
                    text.push(b':');
                    text.extend_from_slice(password);
                }
                text.push(b'@');
            }
            text.extend_from_slice(uri.host);
            if !uri.port_text.is_empty() {
                text.push(b':');
                text.extend_from_slice(uri.port_text);
            }
        }
    }
    text.extend_from_slice(uri.params.text());
    if let Some(headers) = uri.headers {
        text.push(b'?');
        text.extend_from_slice(headers);
    }
    text
}

/// Splits at commas as [`Items`] does, one character at a time.
fn split_naively(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut in_quotes, mut in_brackets, mut escaped) = (false, false, false);
    for letter in text.chars() {
        if in_quotes {
            in_quotes = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
        } else if letter == ',' && !in_brackets {
            parts.push(std::mem::take(&mut part));
            continue;
        } else {
            in_quotes = letter == '"' && !in_brackets;
            in_brackets = (in_brackets || letter == '<') && letter != '>';
        }
        part.push(letter);
    }
    parts.push(part);
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// One of the torture messages.
fn some_message() -> impl Strategy<Value = Vec<u8>> {
    select(torture::all().map(|message| message.text.to_vec()).collect::<Vec<_>>())
}

/// A change to a message.
#[derive(Clone, Debug)]
enum Mutation {
    /// Another byte in place of one.
    Replace(Index, u8),
    /// A byte that means something to some parser, inserted.
    Insert(Index, u8),
    /// Some bytes removed.
    Remove(Index, usize),
    /// Everything behind removed.
    Truncate(Index),
}

/// Any change.
fn mutation() -> impl Strategy<Value = Mutation> {
    let separator = select(b"\r\n \t:;,<>\"\\@?=/%[]&*\0\xff09".to_vec());
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (any::<Index>(), separator).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        any::<Index>().prop_map(Mutation::Truncate),
    ]
}

/// Makes the change.
fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let place = |index: &Index| index.index(bytes.len().max(1));
    match mutation {
        Mutation::Replace(at, byte) => {
            let at = place(at);
            if let Some(old) = bytes.get_mut(at) {
                *old = *byte;
            }
        }
        Mutation::Insert(at, byte) => bytes.insert(place(at).min(bytes.len()), *byte),
        Mutation::Remove(at, count) => {
            let at = place(at).min(bytes.len());
            bytes.drain(at..(at + count).min(bytes.len()));
        }
        Mutation::Truncate(at) => bytes.truncate(place(at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_parser_panics_on_arbitrary_bytes(bytes in vec(any::<u8>(), 0..300)) {
        parse_all(&bytes);
        parse_value(&bytes);
    }

    #[test]
    fn no_parser_panics_on_text_of_separators(
        text in "[aZ0-9sip:;,<>\"\\\\@?=/%\\[\\]&* \t\r\n.]{0,60}",
    ) {
        parse_value(text.as_bytes());
        parse_all(format!("A sip:a SIP/2.0\r\n{text}\r\n\r\n").as_bytes());
        parse_all(format!("A {text} SIP/2.0\r\n\r\n").as_bytes());
    }

    #[test]
    fn no_parser_panics_on_mutated_messages(
        message in some_message(),
        mutations in vec(mutation(), 0..8),
    ) {
        let mut bytes = message;
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        parse_all(&bytes);
    }

    #[test]
    fn items_are_what_a_naive_splitter_finds(text in "[ab,\"\\\\<> \t]{0,40}") {
        let items: Vec<_> = Items::new(text.as_bytes()).collect();
        let expected = split_naively(&text);
        prop_assert_eq!(items, expected.iter().map(String::as_bytes).collect::<Vec<_>>());
    }

    #[test]
    fn items_are_found_again_when_joined(items in vec("[a-z]{1,5}(;x=\"[a-z, ]{0,5}\")?", 0..6)) {
        let joined = items.join(" ,\r\n ");
        let found: Vec<_> = Items::new(joined.as_bytes()).collect();
        prop_assert_eq!(found, items.iter().map(String::as_bytes).collect::<Vec<_>>());
    }

    #[test]
    fn uris_are_put_together_again(
        scheme in "sips?|SIP",
        user in "([a-z0-9;?%/.]{1,8}(:[a-z]{0,4})?@)?",
        host in "[a-z][a-z0-9.-]{0,10}|192\\.0\\.2\\.[0-9]|\\[2001:db8::[0-9a-f]{1,4}\\]",
        port: Option<u16>,
        params in "(;[a-z]{1,4}(=[a-z0-9%]{0,4})?){0,3}",
        headers in "(\\?[a-z]{1,4}=[a-z0-9%]{0,4}(&[a-z]{1,4}=[a-z]{0,4}){0,2})?",
    ) {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let text = format!("{scheme}:{user}{host}{port}{params}{headers}");
        let uri = Uri::parse(text.as_bytes());
        prop_assert!(uri.is_ok(), "{}", text);
        if let Ok(uri) = uri {
            prop_assert_eq!(reassembled(&uri), text.as_bytes());
            prop_assert_eq!(uri.host, host.as_bytes());
            prop_assert_eq!(uri.params.text(), params.as_bytes());
            let upper = text.replace(&host, &host.to_uppercase());
            let same = Uri::parse(upper.as_bytes()).is_ok_and(|upper| upper.eq_rfc3261(&uri));
            prop_assert!(user.contains(&host) || same || params.contains(&host), "{}", upper);
        }
    }

    #[test]
    fn addresses_and_vias_are_found_where_they_were_put(
        display in "(\"[a-z<>,; ]{0,8}\" |[a-z]{1,5} ?)?",
        tag in "[a-zA-Z0-9.!%*_+`'~-]{1,12}",
        port: u16,
    ) {
        let text = format!("{display}<sip:a@b:{port};x>;y=\"<,>\";tag={tag}");
        let address = NameAddr::parse(text.as_bytes()).map(|a| (a.display.to_vec(), a.tag()));
        let expected = display.trim().as_bytes().to_vec();
        prop_assert_eq!(address, Ok((expected, Some(tag.as_bytes()))));
        let text = format!("SIP/2.0/UDP a.b:{port};x=\"{tag}\";branch={tag};rport={port}");
        let via = Via::parse(text.as_bytes()).map(|via| (via.port, via.branch(), via.rport()));
        let expected = (Some(port), Some(tag.as_bytes()), sip::Rport::Filled(port));
        prop_assert_eq!(via, Ok(expected));
    }

    #[test]
    fn decoding_never_makes_a_text_longer(text in "[a%0-9A-F]{0,20}") {
        prop_assert!(unescaped(text.as_bytes()).len() <= text.len());
    }
}
