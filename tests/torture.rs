//! The torture messages of RFC 4475, parsed and validated.

#[path = "torture/mod.rs"]
mod table;

use hashbrown::HashSet;
use table::{Expectation, Torture};
use viaduct::sip::{
    self, Contact, HeaderName, Message, MessageIndex, Method, NameAddr, ParseError, Scheme,
    StartLine, Uri, Via, unescaped,
};

/// What parsing and validating say of `bytes`.
fn syntax(bytes: &[u8], index: &mut MessageIndex) -> Result<(), ParseError> {
    sip::parse(bytes, index)?;
    let message = Message::new(bytes, index);
    match message.start_line() {
        StartLine::Request { .. } => message.validate_request().map(drop),
        StartLine::Status { .. } => message.validate_response().map(drop),
    }
}

/// Lets `look` look at the message of that name.
fn with<R>(name: &str, look: impl FnOnce(Message<'_>) -> R) -> R {
    let mut index = MessageIndex::default();
    let text = table::named(name).map_or(&b""[..], |message| message.text);
    let _ = sip::parse(text, &mut index);
    look(Message::new(text, &index))
}

#[test]
fn every_message_is_taken_for_what_it_is() {
    // One index for all: nothing of a message must be left for the next one.
    let mut index = MessageIndex::default();
    for Torture { name, section, text, expectation } in table::all() {
        assert_eq!(syntax(text, &mut index), expectation.syntax(), "{name}, RFC 4475 §{section}");
    }
}

#[test]
fn there_are_49_messages_of_as_many_names_and_sections() {
    let names: HashSet<_> = table::all().map(|message| message.name).collect();
    let sections: HashSet<_> = table::all().map(|message| message.section).collect();
    assert_eq!((names.len(), sections.len(), table::all().count()), (49, 49, 49));
}

#[test]
fn requests_are_answered_and_responses_are_not() {
    for message in table::all() {
        let is_request = !message.text.starts_with(b"SIP/");
        let dropped = matches!(message.expectation, Expectation::Dropped(_));
        assert!(!(is_request && dropped), "{}", message.name);
        let status = message.expectation.status();
        assert!(status.is_none_or(|status| is_request && status >= 400), "{}", message.name);
    }
}

#[test]
fn rejected_requests_keep_what_their_answer_needs() {
    let rejected = |message: &&Torture| matches!(message.expectation, Expectation::Rejected(_));
    let answerable = |message: &&Torture| !matches!(message.name, "badinv01" | "insuf");
    for torture in table::all().filter(rejected).filter(answerable) {
        with(torture.name, |message| {
            assert!(message.method().is_some(), "{}", torture.name);
            assert!(message.top_via().is_ok(), "{}", torture.name);
            for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
                assert!(message.value(name).is_some(), "{}: {name:?}", torture.name);
            }
        });
    }
}

#[test]
fn valid_messages_end_where_their_datagrams_do() {
    let valid = |message: &&Torture| message.expectation.syntax().is_ok();
    for torture in table::all().filter(valid).filter(|message| message.name != "dblreq") {
        with(torture.name, |message| {
            assert_eq!(message.end(), torture.text.len(), "{}", torture.name);
        });
    }
    with("dblreq", |message| {
        assert_eq!(message.body(), b"");
        assert!(message.bytes()[message.end()..].starts_with(b"\r\nINVITE sip:bob"));
    });
}

#[test]
fn the_tortuous_invite_is_understood() {
    with("wsinv", |message| {
        let address = |name| NameAddr::parse(message.value(name).unwrap()).unwrap();
        assert_eq!(address(HeaderName::To).tag(), Some(&b"77a18"[..]));
        assert_eq!(address(HeaderName::From).tag(), Some(&b"5aef"[..]));
        assert_eq!(address(HeaderName::From).display, br#""Wim \\ \"Bos\"""#);
        assert_eq!(message.max_forwards(), Ok(Some(68)));
        assert_eq!(message.cseq().map(|cseq| cseq.number), Ok(17));
        assert_eq!(message.value(HeaderName::Subject), Some(&b""[..]));
        let vias: Vec<_> = message.items(HeaderName::Via).map(Via::parse).collect();
        let hosts: Vec<_> = vias.iter().map(|via| via.unwrap().host).collect();
        assert_eq!(hosts, [&b"192.0.2.7"[..], b"mill.example.com", b"192.168.7.7"]);
        let branches: Vec<_> = vias.iter().map(|via| via.unwrap().branch().unwrap()).collect();
        assert_eq!(branches, [&b"old2543"[..], b"z9hG4bKm1ll", b"z9hG4bK8y7"]);
        let contact = Contact::parse(message.value(HeaderName::Contact).unwrap());
        assert!(matches!(contact, Ok(Contact::Address { q: Ok(Some(330)), .. })), "{contact:?}");
    });
}

#[test]
fn unusual_uris_are_taken_apart() {
    with("intmeth", |message| {
        let uri = Uri::parse(message.request_uri()).unwrap();
        assert_eq!(uri.user, Some(&b"aB9-_.!~*'()&=+$,;?/%41"[..]));
        assert_eq!(uri.password, Some(&b"aB9-_.!~*'()&=+$,%42"[..]));
        assert_eq!((uri.host, uri.headers), (&b"example.com"[..], None));
    });
    with("semiuri", |message| {
        let uri = Uri::parse(message.request_uri()).unwrap();
        assert_eq!(uri.user, Some(&b"bob;via=ann%40example.org"[..]));
        assert_eq!(uri.params.text(), b"");
    });
    with("novelsc", |message| {
        let uri = Uri::parse(message.request_uri()).unwrap();
        assert_eq!(uri.scheme, Scheme::Other);
    });
}

#[test]
fn escapes_are_decoded_only_in_uris() {
    with("esc02", |message| {
        assert_eq!(message.method(), Some(Method::Other));
        assert_eq!(message.headers(HeaderName::Contact).count(), 2);
    });
    with("escnull", |message| {
        let users: Vec<_> = message
            .items(HeaderName::Contact)
            .map(|item| Uri::parse(NameAddr::parse(item).unwrap().uri).unwrap().user.unwrap())
            .map(|user| unescaped(user).into_owned())
            .collect();
        assert_eq!(users, [&b"\0"[..], b"\0\0"]);
    });
}

#[test]
fn many_vias_in_all_spellings_are_found() {
    with("longreq", |message| assert_eq!(message.items(HeaderName::Via).count(), 20));
    with("transports", |message| {
        assert_eq!(
            message.items(HeaderName::Via).filter_map(|via| Via::parse(via).ok()).count(),
            5
        );
    });
}

#[test]
fn contact_params_belong_to_whom_the_brackets_say() {
    let contact = |name| {
        with(name, |message| {
            let address = NameAddr::parse(message.value(HeaderName::Contact).unwrap()).unwrap();
            let uri = Uri::parse(address.uri).unwrap();
            (address.params.iter().count(), uri.params.iter().count())
        })
    };
    assert_eq!(contact("cparam01"), (1, 0));
    assert_eq!(contact("cparam02"), (0, 1));
    with("regbadct", |message| {
        let contact = Contact::parse(message.value(HeaderName::Contact).unwrap());
        assert_eq!(contact, Err(ParseError::Address));
    });
}

#[test]
fn a_cookie_without_more_is_no_branch() {
    with("badbranch", |message| assert!(!message.top_via().unwrap().has_cookie()));
    with("inv2543", |message| assert!(!message.top_via().unwrap().has_cookie()));
    with("zeromf", |message| assert!(message.top_via().unwrap().has_cookie()));
}
