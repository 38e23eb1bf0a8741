//! What every message must have before it is worked on (RFC 3261 §16.3 step 1, §18.1.2).
//!
//! This runs for every datagram, so it looks at what a proxy relies on and no further: the
//! topmost Via, From, To and CSeq are parsed, but not the URIs in them, nor the other Via values,
//! which are when someone walks them.

use super::octet::{are_uri, equal, number};
use super::scan::find;
use super::uri::scheme_len;
use super::{CSeq, HeaderName, Message, ParseError, Party, StartLine, Uri, Via, unescaped};

/// The values that every message must have, parsed once; whoever works on the message asks for
/// them again and again.
#[derive(Clone, Copy, Debug)]
pub struct Essentials<'d> {
    /// The topmost Via.
    pub via: Via<'d>,
    /// From.
    pub from: Party<'d>,
    /// To.
    pub to: Party<'d>,
    /// Call-ID.
    pub call_id: &'d [u8],
    /// CSeq.
    pub cseq: CSeq<'d>,
}

impl Essentials<'_> {
    /// What is there before there are any. Not a constant: that would be copied by a call.
    #[inline(always)]
    pub(crate) const fn none() -> Self {
        Self {
            via: Via::NONE,
            from: Party::NONE,
            to: Party::NONE,
            call_id: &[],
            cseq: CSeq { number: 0, method: &[] },
        }
    }
}

impl<'d> Message<'d> {
    /// Checks a request. A missing Max-Forwards is fine (RFC 3261 §16.3 step 3), as are a From
    /// without tag and a Via without branch (RFC 2543). For a response this is
    /// [`Self::validate_response`].
    ///
    /// # Errors
    ///
    /// The first fault, with [`ParseError::status`] to answer it.
    pub fn validate_request(&self) -> Result<Essentials<'d>, ParseError> {
        let essentials = self.essentials()?;
        self.validate_start(&essentials, self.plain_request_uri().as_ref())?;
        Ok(essentials)
    }

    /// Checks a response, which is dropped if something is wrong with it.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn validate_response(&self) -> Result<Essentials<'d>, ParseError> {
        self.essentials()
    }

    /// Checks the fields that requests and responses share.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub(crate) fn essentials(&self) -> Result<Essentials<'d>, ParseError> {
        let mut essentials = Essentials::none();
        self.read_essentials(&mut essentials)?;
        Ok(essentials)
    }

    /// Reads the topmost Via, which is all that a response goes by that nobody looks at (RFC 3261
    /// §16.11), but for the end of its body.
    ///
    /// # Errors
    ///
    /// The first fault.
    #[cold]
    #[inline(never)]
    pub(crate) fn read_topmost_via(&self, into: &mut Essentials<'d>) -> Result<(), ParseError> {
        if !has_one_length(self) {
            return Err(ParseError::DuplicateHeader);
        }
        self.read_via(into)
    }

    /// As [`Self::read_topmost_via`], wherever the body ends.
    #[inline(always)]
    fn read_via(&self, into: &mut Essentials<'d>) -> Result<(), ParseError> {
        let via = self.span(HeaderName::Via).ok_or(ParseError::MissingHeader)?;
        let (line, length) = via.rest(self.bytes());
        if into.via.read_first(line, length) { Ok(()) } else { Err(ParseError::Via) }
    }

    /// As [`Self::essentials`], into a place that is there: they are large.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub(crate) fn read_essentials(&self, into: &mut Essentials<'d>) -> Result<(), ParseError> {
        let span = |name| self.span(name).ok_or(ParseError::MissingHeader);
        let (from, to) = (span(HeaderName::From)?, span(HeaderName::To)?);
        into.call_id = self.value(HeaderName::CallId).ok_or(ParseError::MissingHeader)?;
        if into.call_id.is_empty() {
            return Err(ParseError::MissingHeader);
        }
        if self.repeats(SINGLE | LENGTH) && has_several(self) {
            return Err(ParseError::DuplicateHeader);
        }
        self.read_via(into)?;
        let (line, length) = from.rest(self.bytes());
        if !into.from.read(line, length) {
            return Err(ParseError::Address);
        }
        let (line, length) = to.rest(self.bytes());
        if !into.to.read(line, length) {
            return Err(ParseError::Address);
        }
        let cseq = span(HeaderName::CSeq)?;
        if let Some(cseq) = self.request_cseq(cseq) {
            into.cseq = cseq;
        } else {
            into.cseq = self.any_cseq(cseq).ok_or(ParseError::CSeq)?;
        }
        Ok(())
    }

    /// Checks the start line of a request, and what must agree with it; of a response, nothing. The
    /// Request-URI need not be looked at if it has been found to be a plain one.
    ///
    /// # Errors
    ///
    /// The first fault.
    #[inline(always)]
    pub(crate) fn validate_start(
        &self,
        essentials: &Essentials<'d>,
        plain_uri: Option<&Uri<'d>>,
    ) -> Result<(), ParseError> {
        if plain_uri.is_some() && self.has_usual_start(essentials) {
            return Ok(());
        }
        self.validate_any_start(essentials, plain_uri)
    }

    /// As [`Self::validate_start`], of any message.
    #[inline(never)]
    fn validate_any_start(
        &self,
        essentials: &Essentials<'d>,
        plain_uri: Option<&Uri<'d>>,
    ) -> Result<(), ParseError> {
        let StartLine::Request { name, uri, .. } = self.start_line() else { return Ok(()) };
        if !equal(essentials.cseq.method, name) {
            return Err(ParseError::CSeqMethod);
        }
        self.max_forwards()?;
        match plain_uri {
            Some(_) => Ok(()),
            None => validate_request_uri(uri),
        }
    }
}

/// The header fields that may be there only once, as far as a proxy would have to choose between
/// them (RFC 3261 §7.3.1): a bit for each. Content-Length is looked at apart.
const SINGLE: u64 = 1 << HeaderName::From as u8
    | 1 << HeaderName::To as u8
    | 1 << HeaderName::CallId as u8
    | 1 << HeaderName::CSeq as u8
    | 1 << HeaderName::MaxForwards as u8;

/// As [`SINGLE`], of Content-Length.
const LENGTH: u64 = 1 << HeaderName::ContentLength as u8;

/// Whether what may be there only once is there several times; of Content-Length, whether it does
/// not say the same each time.
#[cold]
#[inline(never)]
fn has_several(message: &Message<'_>) -> bool {
    message.repeats(SINGLE) || !has_one_length(message)
}

/// Whether all Content-Length fields say the same; where the message ends is unknown otherwise
/// (RFC 4475 §3.3.9).
fn has_one_length(message: &Message<'_>) -> bool {
    if !message.is_repeated(HeaderName::ContentLength) {
        return true;
    }
    let mut lengths = message.headers(HeaderName::ContentLength).map(|field| number(field.value));
    let first = lengths.next().flatten();
    lengths.all(|length| length == first)
}

/// Checks that `uri` can be a Request-URI: one word without angle brackets (RFC 3261 §7.1), and
/// without header fields (RFC 3261 §19.1.1, RFC 4475 §3.1.2.11).
#[inline(never)]
fn validate_request_uri(uri: &[u8]) -> Result<(), ParseError> {
    if scheme_len(uri).is_none() || !are_uri(uri) {
        return Err(ParseError::Uri);
    }
    if find(uri, b'?').is_none() {
        return Ok(());
    }
    let headers = Uri::parse(uri)?.headers.unwrap_or_default();
    if headers.split(|byte| *byte == b'&').any(is_dangerous) {
        Err(ParseError::Uri)
    } else {
        Ok(())
    }
}

/// Whether a `name=value` of a URI's headers would put into a request what decides its way or
/// its dialog (RFC 3261 §19.1.5). Others are passed on as they are.
fn is_dangerous(header: &[u8]) -> bool {
    let name = header.split(|byte| *byte == b'=').next().unwrap_or_default();
    matches!(
        HeaderName::parse(&unescaped(name)),
        HeaderName::Via
            | HeaderName::Route
            | HeaderName::RecordRoute
            | HeaderName::From
            | HeaderName::CallId
            | HeaderName::CSeq
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::sip::{MessageIndex, parse};

    /// What is wrong with the request of that URI and header fields.
    fn fault(uri: &str, headers: &[&str]) -> Result<(), ParseError> {
        let text = format!("INVITE {uri} SIP/2.0\r\n{}\r\n\r\n", headers.join("\r\n"));
        let mut index = MessageIndex::default();
        parse(text.as_bytes(), &mut index)?;
        Message::new(text.as_bytes(), &index).validate_request().map(drop)
    }

    const URI: &str = "sip:bob@example.com";
    const HEADERS: [&str; 6] = [
        "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa",
        "f: <sip:a@b>;tag=1",
        "t: sip:c@d",
        "i: 1@a",
        "CSeq: 1 INVITE",
        "Max-Forwards: 70",
    ];

    proptest! {
        #[test]
        fn the_cseq_of_a_request_is_read_as_any(
            name in select(&["ACK", "INVITE", "REGISTER", "SUBSCRIBE", "X"][..]),
            number in "[0-9]{0,11}",
            space in select(&["", " ", "  ", "\t"][..]),
            method in select(
                &["ACK", "INVITE", "REGISTER", "SUBSCRIBE", "X", "invite", "INVITES"][..],
            ),
            behind in select(&["", "", "", "x", ";", " "][..]),
        ) {
            let value = format!("{number}{space}{method}{behind}");
            let others = [&HEADERS[..4], &HEADERS[5..]].concat().join("\r\n");
            let text = format!("{name} {URI} SIP/2.0\r\nCSeq: {value}\r\n{others}\r\n\r\n");
            let mut index = MessageIndex::default();
            prop_assert_eq!(parse(text.as_bytes(), &mut index), Ok(()));
            let message = Message::new(text.as_bytes(), &index);
            let expected = CSeq::parse(value.trim().as_bytes());
            prop_assert_eq!(message.essentials().map(|essentials| essentials.cseq), expected);
            let is_valid = expected.is_ok_and(|cseq| cseq.method == name.as_bytes());
            prop_assert_eq!(message.validate_request().is_ok(), is_valid);
        }
    }

    #[test]
    fn an_ordinary_request_is_valid() {
        assert_eq!(fault(URI, &HEADERS), Ok(()));
        assert_eq!(fault(URI, &HEADERS[..5]), Ok(()), "Max-Forwards may be missing");
    }

    #[test]
    fn each_mandatory_header_field_must_be_there() {
        for missing in 0..5 {
            let mut headers = HEADERS.to_vec();
            headers.remove(missing);
            assert_eq!(fault(URI, &headers), Err(ParseError::MissingHeader), "{missing}");
        }
    }

    #[test]
    fn all_but_via_must_be_there_only_once() {
        for repeated in HEADERS {
            let mut headers = HEADERS.to_vec();
            headers.push(repeated);
            let is_via = repeated.starts_with('v');
            let expected = if is_via { Ok(()) } else { Err(ParseError::DuplicateHeader) };
            assert_eq!(fault(URI, &headers), expected, "{repeated}");
        }
    }

    #[test]
    fn lengths_must_agree() {
        let with = |more: [&'static str; 2]| fault(URI, &[&HEADERS[..], &more[..]].concat());
        assert_eq!(with(["Content-Length: 0", "l: 00"]), Ok(()));
        let expected = Err(ParseError::DuplicateHeader);
        assert_eq!(with(["Content-Length: 0", "l: 1"]), expected);
        assert_eq!(with(["Content-Length: 0", "l: x"]), expected);
    }

    #[test]
    fn each_malformed_value_has_its_fault() {
        for (position, header, expected) in [
            (0, "v: SIP/2.0/UDP", ParseError::Via),
            (0, "v:", ParseError::Via),
            (1, "f: \"a <sip:a@b>", ParseError::Address),
            (2, "t:", ParseError::Address),
            (3, "i:", ParseError::MissingHeader),
            (4, "CSeq: INVITE", ParseError::CSeq),
            (4, "CSeq: 1 BYE", ParseError::CSeqMethod),
            (4, "CSeq: 1 invite", ParseError::CSeqMethod),
            (5, "Max-Forwards: 256", ParseError::Number),
            (5, "Max-Forwards: -1", ParseError::Number),
        ] {
            let mut headers = HEADERS.to_vec();
            headers[position] = header;
            assert_eq!(fault(URI, &headers), Err(expected), "{header}");
        }
    }

    #[test]
    fn the_request_uri_is_one_word() {
        for uri in
            ["<sip:a@b>", " sip:a@b", "sip:a@b ", "sip:a@b; lr", "bob", "sip:a@b?route=y", ""]
        {
            assert_eq!(fault(uri, &HEADERS), Err(ParseError::Uri), "{uri:?}");
        }
        for uri in ["sip:a?b@c", "tel:+1", "http://a?b", "sip:a@b;lr", "sip:a@b?x=y"] {
            assert_eq!(fault(uri, &HEADERS), Ok(()), "{uri:?}");
        }
    }
}
