//! The message as it lies in its buffer: start line, header fields, body.

use super::cseq::leading_cseq;
use super::fields::HeaderSpan;
use super::index::{Span, StartSpan};
use super::octet::equal;
use super::{
    CSeq, Essentials, HeaderName, Items, MessageIndex, Method, ParseError, Uri, Via,
    parse_max_forwards,
};

/// The start line of a [`Message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'d> {
    /// A request line (RFC 3261 §7.1).
    Request {
        /// The method, if it is one of the known ones.
        method: Method,
        /// The method as it stands.
        name: &'d [u8],
        /// The Request-URI.
        uri: &'d [u8],
    },
    /// A status line (RFC 3261 §7.2).
    Status {
        /// 100 to 699.
        code: u16,
        /// The reason phrase.
        reason: &'d [u8],
    },
}

/// One header field.
#[derive(Clone, Copy, Debug)]
pub struct Header<'d> {
    /// Which one, if the server knows it.
    pub name: HeaderName,
    /// The name as it stands.
    pub name_text: &'d [u8],
    /// The value without surrounding white space, folds as they stand.
    pub value: &'d [u8],
    /// All of it, from the name to the end of the line break.
    pub line: &'d [u8],
}

/// A message as it lies in its buffer: bytes and where their parts are.
#[derive(Clone, Copy, Debug)]
pub struct Message<'d> {
    bytes: &'d [u8],
    index: &'d MessageIndex,
}

impl<'d> Message<'d> {
    /// The message in `bytes`, for which `index` was filled by [`super::parse`].
    #[must_use]
    pub const fn new(bytes: &'d [u8], index: &'d MessageIndex) -> Self {
        Self { bytes, index }
    }

    /// Everything that was received, octets behind the body included.
    #[must_use]
    pub const fn bytes(&self) -> &'d [u8] {
        self.bytes
    }

    /// The message proper: up to the end of its body.
    #[must_use]
    pub fn text(&self) -> &'d [u8] {
        &self.bytes[..self.end()]
    }

    /// Offset of the end of the body.
    #[must_use]
    pub fn end(&self) -> usize {
        usize::from(self.index.body.start) + usize::from(self.index.body.length)
    }

    /// The start line.
    #[must_use]
    pub fn start_line(&self) -> StartLine<'d> {
        match self.index.start {
            StartSpan::Request { method, method_span, uri } => StartLine::Request {
                method,
                name: method_span.of(self.bytes),
                uri: uri.of(self.bytes),
            },
            StartSpan::Status { code, reason } => {
                StartLine::Status { code, reason: reason.of(self.bytes) }
            }
        }
    }

    /// The method of a request, `None` for a response.
    #[must_use]
    pub const fn method(&self) -> Option<Method> {
        match self.index.start {
            StartSpan::Request { method, .. } => Some(method),
            StartSpan::Status { .. } => None,
        }
    }

    /// The Request-URI as it arrived; empty for a response.
    #[inline(always)]
    #[must_use]
    pub fn request_uri(&self) -> &'d [u8] {
        match self.index.start {
            StartSpan::Request { uri, .. } => uri.of(self.bytes),
            StartSpan::Status { .. } => &[],
        }
    }

    /// The parts of the Request-URI, if it is one as almost all are: a valid one.
    #[inline(never)]
    #[must_use]
    pub fn plain_request_uri(&self) -> Option<Uri<'d>> {
        let StartSpan::Request { uri, .. } = self.index.start else { return None };
        let text = uri.of(self.bytes);
        match Uri::parse_usual(&self.bytes[usize::from(uri.start)..], text) {
            Some(uri) => Some(uri),
            None => Uri::parse_less_usual(text),
        }
    }

    /// The status code of a response, `None` for a request.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.index.start {
            StartSpan::Status { code, .. } => Some(code),
            StartSpan::Request { .. } => None,
        }
    }

    /// The first field of that name. Not for [`HeaderName::Other`].
    #[inline]
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<Header<'d>> {
        self.index.fields.first(name).map(|span| self.view(span))
    }

    /// The value of the first field of that name.
    #[inline(always)]
    #[must_use]
    pub fn value(&self, name: HeaderName) -> Option<&'d [u8]> {
        self.index.fields.first(name).map(|span| span.value(self.bytes))
    }

    /// The seconds that the first field of that name says (RFC 3261 §25.1 `delta-seconds`).
    ///
    /// # Errors
    ///
    /// [`ParseError::Number`].
    #[inline]
    pub fn seconds(&self, name: HeaderName) -> Option<Result<u32, ParseError>> {
        let span = self.index.fields.first(name)?;
        Some(span.decimal(self.bytes).ok_or(ParseError::Number))
    }

    /// The line of the first field of that name, with its line break.
    #[inline(always)]
    #[must_use]
    pub fn line(&self, name: HeaderName) -> Option<&'d [u8]> {
        self.index.fields.first(name).map(|span| span.line(self.bytes))
    }

    /// All fields of that name, top to bottom.
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = Header<'d>> + use<'d> {
        let view = *self;
        self.index.fields.of(name).map(move |span| view.view(span))
    }

    /// All fields, top to bottom.
    pub fn all_headers(&self) -> impl Iterator<Item = Header<'d>> + use<'d> {
        let view = *self;
        self.index.fields.all().map(move |span| view.view(span))
    }

    /// All fields whose name is `name`, in any case, long or compact.
    pub fn headers_named<'n>(
        &self,
        name: &'n [u8],
    ) -> impl Iterator<Item = Header<'d>> + use<'d, 'n> {
        let wanted = HeaderName::parse(name);
        self.all_headers().filter(move |header| {
            header.name == wanted
                && (wanted != HeaderName::Other || header.name_text.eq_ignore_ascii_case(name))
        })
    }

    /// The single values of all fields of that name: a comma-separated line counts as several
    /// (RFC 3261 §7.3.1).
    pub fn items(&self, name: HeaderName) -> impl Iterator<Item = &'d [u8]> + use<'d> {
        self.headers(name).flat_map(|header| Items::new(header.value))
    }

    /// The topmost Via (RFC 3261 §20.42).
    ///
    /// # Errors
    ///
    /// [`ParseError::MissingHeader`] or [`ParseError::Via`].
    pub fn top_via(&self) -> Result<Via<'d>, ParseError> {
        let value = self.value(HeaderName::Via).ok_or(ParseError::MissingHeader)?;
        Via::parse_first(value).ok_or(ParseError::Via)
    }

    /// The CSeq (RFC 3261 §20.16).
    ///
    /// # Errors
    ///
    /// [`ParseError::MissingHeader`] or [`ParseError::CSeq`].
    pub fn cseq(&self) -> Result<CSeq<'d>, ParseError> {
        let span = self.index.fields.first(HeaderName::CSeq).ok_or(ParseError::MissingHeader)?;
        self.cseq_in(span).ok_or(ParseError::CSeq)
    }

    /// The CSeq in that field, if it is well-formed.
    #[inline(always)]
    pub(super) fn cseq_in(&self, span: HeaderSpan) -> Option<CSeq<'d>> {
        let ahead = span.ahead(self.bytes);
        match ahead.and_then(|(ahead, length)| CSeq::parse_plain(ahead, length)) {
            Some(cseq) => Some(cseq),
            None => CSeq::parse_any(span.value(self.bytes)),
        }
    }

    /// The CSeq in that field, if this is a request that starts with its method, and the same one
    /// stands there behind at most ten digits and a space. It has eight octets at most.
    #[inline(always)]
    pub(super) fn request_cseq(&self, span: HeaderSpan) -> Option<CSeq<'d>> {
        let StartSpan::Request { method_span: Span { start: 0, length: name_length }, .. } =
            self.index.start
        else {
            return None;
        };
        let name_length = usize::from(name_length);
        let others @ 0..8 = 8_usize.checked_sub(name_length)? else { return None };
        let (ahead, length) = span.ahead(self.bytes)?;
        let (number, digits) = leading_cseq(ahead)?;
        let word = |octets: &[u8]| octets.first_chunk().map(|word| u64::from_le_bytes(*word));
        let differing = word(ahead.get(digits + 1..)?)? ^ word(self.bytes)?;
        // Without what stands behind the names.
        let is_same = differing << (u8::BITS as usize * others) == 0;
        let is_whole = length == digits + 1 + name_length && ahead[digits] == b' ';
        let method = self.bytes.get(..name_length)?;
        (is_same && is_whole).then_some(CSeq { number, method })
    }

    /// The CSeq in that field, if it is well-formed. If its method is that in the request line, it
    /// is the one that stands there.
    #[inline(never)]
    pub(super) fn any_cseq(&self, span: HeaderSpan) -> Option<CSeq<'d>> {
        let cseq = self.cseq_in(span)?;
        let StartSpan::Request { method_span, .. } = self.index.start else { return Some(cseq) };
        let name = method_span.of(self.bytes);
        Some(if equal(name, cseq.method) { CSeq { method: name, ..cseq } } else { cseq })
    }

    /// Whether this is a request that starts with the method in its CSeq, as that was read by
    /// [`Self::request_cseq`] or [`Self::any_cseq`], and whose Max-Forwards, if there is one, has
    /// two digits.
    #[inline(always)]
    pub(super) fn has_usual_start(&self, essentials: &Essentials<'d>) -> bool {
        // No header field is where a message starts.
        std::ptr::eq(essentials.cseq.method.as_ptr(), self.bytes.as_ptr())
            && self.has_usual_max_forwards()
    }

    /// Whether Max-Forwards has two digits, if there is one.
    #[inline(always)]
    fn has_usual_max_forwards(&self) -> bool {
        let Some(span) = self.span(HeaderName::MaxForwards) else { return true };
        span.ahead(self.bytes).is_some_and(|(ahead, length): (&[u8; 2], _)| {
            let [tens, ones] = ahead.map(|digit| digit.wrapping_sub(b'0'));
            length == 2 && tens < 10 && ones < 10
        })
    }

    /// The value of Max-Forwards, if there is one (RFC 3261 §20.22).
    ///
    /// # Errors
    ///
    /// [`ParseError::Number`].
    pub fn max_forwards(&self) -> Result<Option<u8>, ParseError> {
        let Some(span) = self.index.fields.first(HeaderName::MaxForwards) else { return Ok(None) };
        if let [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = span.value(self.bytes) {
            // As almost all are.
            return Ok(Some((tens - b'0') * 10 + (ones - b'0')));
        }
        parse_max_forwards(span.value(self.bytes)).map(Some)
    }

    /// Where the first field of that name is.
    #[inline]
    pub(super) fn span(&self, name: HeaderName) -> Option<HeaderSpan> {
        self.index.fields.first(name)
    }

    /// Where the line of the first field of that name starts.
    #[inline]
    #[must_use]
    pub fn start_of(&self, name: HeaderName) -> Option<usize> {
        self.index.fields.first(name).map(HeaderSpan::start)
    }

    /// Whether there are several fields of one of these names: a bit for each, by its number.
    #[inline]
    pub(super) const fn repeats(&self, names: u64) -> bool {
        self.index.fields.repeated() & names != 0
    }

    /// Whether there are several fields of that name.
    #[inline]
    #[must_use]
    pub const fn is_repeated(&self, name: HeaderName) -> bool {
        self.index.fields.repeated() & 1 << name as u8 != 0
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &'d [u8] {
        self.index.body.of(self.bytes)
    }

    /// The header fields as they arrived, without the start line and the blank line.
    #[must_use]
    pub fn head(&self) -> &'d [u8] {
        &self.bytes[self.index.headers_start..self.index.headers_end]
    }

    /// Offset of the first header field: where one is inserted on top of all.
    #[must_use]
    pub const fn headers_start(&self) -> usize {
        self.index.headers_start
    }

    /// Offset behind the last header field: where one is appended.
    #[must_use]
    pub const fn headers_end(&self) -> usize {
        self.index.headers_end
    }

    /// Offset in the message of `part`, which must be a piece of it.
    #[inline]
    #[must_use]
    pub fn offset_of(&self, part: &[u8]) -> usize {
        let offset = part.as_ptr().addr().wrapping_sub(self.bytes.as_ptr().addr());
        debug_assert!(offset + part.len() <= self.bytes.len(), "not a part of this message");
        offset
    }

    /// The parts of one field.
    #[inline]
    fn view(&self, span: HeaderSpan) -> Header<'d> {
        Header {
            name: span.name(),
            name_text: span.name_text(self.bytes),
            value: span.value(self.bytes),
            line: span.line(self.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::HEADER_COUNT_MAX;
    use crate::sip::parse;

    const REQUEST: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP a;branch=z9hG4bK1 ,SIP/2.0/UDP b\r\n\
        v : SIP/2.0/UDP c\n\
        X-Any:\r\n\
        Subject: one\r\n\
        \x20two \r\n\
        x-any: 2\r\n\
        cseq: 1 INVITE\r\n\
        l: 4\r\n\
        \r\n\
        bodyrest";

    /// What [`parse`] says of `text`, and the message for as long as it is looked at.
    fn with<R>(text: &str, look: impl FnOnce(Result<(), ParseError>, Message<'_>) -> R) -> R {
        let mut index = MessageIndex::default();
        let result = parse(text.as_bytes(), &mut index);
        look(result, Message::new(text.as_bytes(), &index))
    }

    fn fault(text: &str) -> Result<(), ParseError> {
        with(text, |result, _| result)
    }

    #[test]
    fn the_parts_of_a_request_are_found() {
        with(REQUEST, |result, message| {
            assert_eq!(result, Ok(()));
            let start = message.start_line();
            let uri = &b"sip:bob@example.com"[..];
            assert_eq!(start, StartLine::Request { method: Method::Invite, name: b"INVITE", uri });
            assert_eq!(message.body(), b"body");
            assert_eq!(message.text().len(), REQUEST.len() - 4);
            assert!(message.head().starts_with(b"Via: ") && message.head().ends_with(b"l: 4\r\n"));
            assert_eq!(message.value(HeaderName::Subject), Some(&b"one\r\n two"[..]));
            assert_eq!(message.value(HeaderName::Contact), None);
            assert_eq!(message.cseq().map(|cseq| cseq.number), Ok(1));
            assert_eq!(message.all_headers().count(), 7);
        });
    }

    #[test]
    fn fields_of_one_name_are_found_together() {
        with(REQUEST, |_, message| {
            let vias: Vec<_> = message.items(HeaderName::Via).collect();
            assert_eq!(vias.len(), 3);
            assert_eq!(vias[2], b"SIP/2.0/UDP c");
            assert_eq!(message.top_via().map(|via| via.host), Ok(&b"a"[..]));
            assert!(message.is_repeated(HeaderName::Via));
            assert!(!message.is_repeated(HeaderName::CSeq));
            let any: Vec<_> = message.headers_named(b"X-ANY").map(|field| field.value).collect();
            assert_eq!(any, [&b""[..], b"2"]);
            let line = message.header(HeaderName::ContentLength).unwrap().line;
            assert_eq!(message.offset_of(line) + line.len(), message.headers_end());
        });
    }

    #[test]
    fn the_parts_of_a_response_are_found() {
        for (text, code, reason) in [
            ("\r\n\r\nSIP/2.0 200 All is well\r\n\r\n", 200, "All is well"),
            ("sip/2.0 100 \r\n\r\n", 100, ""),
            ("SIP/2.0 699\n\n", 699, ""),
        ] {
            with(text, |result, message| {
                assert_eq!(result, Ok(()), "{text:?}");
                let reason = reason.as_bytes();
                assert_eq!(message.start_line(), StartLine::Status { code, reason });
            });
        }
    }

    #[test]
    fn malformed_start_lines_leave_nothing() {
        for text in [
            "",
            "\r\n",
            "INVITE sip:a SIP/2.0",
            "INVITE\r\n\r\n",
            "INVITE SIP/2.0\r\n\r\n",
            "INVITE sip:a\r\n\r\n",
            "INVITE sip:a HTTP/1.1\r\n\r\n",
            " A sip:a SIP/2.0\r\n\r\n",
            "IN,VITE sip:a SIP/2.0\r\n\r\n",
            "SIP/2.0 \r\n\r\n",
            "SIP/2.0 20\r\n\r\n",
            "SIP/2.0 2000 OK\r\n\r\n",
            "SIP/2.0 099 OK\r\n\r\n",
            "SIP/2.0 700 OK\r\n\r\n",
            "SIP/2.0 4294967301 OK\r\n\r\n",
            "SIP/3.0 200 OK\r\n\r\n",
            "SIP/2.0 2x0 OK\r\n\r\n",
        ] {
            let mut index = MessageIndex::default();
            assert_eq!(parse(REQUEST.as_bytes(), &mut index), Ok(()));
            assert_eq!(parse(text.as_bytes(), &mut index), Err(ParseError::StartLine), "{text:?}");
            let message = Message::new(text.as_bytes(), &index);
            assert_eq!(message.start_line(), StartLine::Status { code: 0, reason: b"" });
            assert_eq!(message.all_headers().count(), 0);
        }
    }

    #[test]
    fn a_malformed_header_field_leaves_no_body() {
        let long = format!("{REQUEST}{}", "x".repeat(500));
        let wrong = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nwrong\r\n\r\n";
        let mut index = MessageIndex::default();
        assert_eq!(parse(long.as_bytes(), &mut index), Ok(()));
        assert_eq!(parse(wrong.as_bytes(), &mut index), Err(ParseError::HeaderLine));
        let message = Message::new(wrong.as_bytes(), &index);
        assert_eq!(message.body(), b"");
        assert!(message.end() <= wrong.len());
    }

    #[test]
    fn a_request_of_another_version_can_still_be_answered() {
        for (line, expected) in [
            ("OPTIONS sip:a SIP/7.0", ParseError::Version),
            ("OPTIONS sip:a SIP/SIP/2.0", ParseError::Version),
            ("OPTIONS sip:a SIP/2.0  ", ParseError::StartLine),
        ] {
            with(&format!("{line}\r\nVia: SIP/7.0/UDP a\r\n\r\n"), |result, message| {
                assert_eq!(result, Err(expected), "{line}");
                assert_eq!(message.method(), Some(Method::Options));
                assert!(message.top_via().is_ok());
            });
        }
    }

    #[test]
    fn malformed_header_lines_are_faults() {
        for line in ["no colon", ": no name", "two words: x", "\0: x", " fold of nothing"] {
            let text = format!("A sip:a SIP/2.0\r\n{line}\r\n\r\n");
            assert_eq!(fault(&text), Err(ParseError::HeaderLine), "{line:?}");
        }
        for text in ["A sip:a SIP/2.0\r\n", "A sip:a SIP/2.0\r\nTo: b\r\n", "A a SIP/2.0\nTo: b"] {
            assert_eq!(fault(text), Err(ParseError::Unterminated), "{text:?}");
        }
    }

    #[test]
    fn more_header_fields_than_the_limit_are_a_fault() {
        let with = |count| format!("A sip:a SIP/2.0\r\n{}\r\n", "a:\r\n".repeat(count));
        assert_eq!(fault(&with(HEADER_COUNT_MAX)), Ok(()));
        assert_eq!(fault(&with(HEADER_COUNT_MAX + 1)), Err(ParseError::TooManyHeaders));
    }

    #[test]
    fn the_length_must_be_a_number_within_the_datagram() {
        for (length, expected) in [
            ("4", Ok(())),
            ("0", Ok(())),
            ("5", Err(ParseError::ContentLength)),
            ("-1", Err(ParseError::ContentLength)),
            ("", Err(ParseError::ContentLength)),
            ("4294967296", Err(ParseError::ContentLength)),
        ] {
            let text = format!("A sip:a SIP/2.0\r\nl: {length}\r\n\r\nbody");
            assert_eq!(fault(&text), expected, "{length:?}");
        }
        let body = with("A sip:a SIP/2.0\r\n\r\nbody", |_, message| message.body().to_vec());
        assert_eq!(body, b"body", "without Content-Length the datagram ends the body");
    }

    #[test]
    fn nothing_larger_than_a_datagram_is_parsed() {
        let text = format!("A sip:a SIP/2.0\r\n\r\n{}", " ".repeat(usize::from(u16::MAX)));
        assert_eq!(fault(&text), Err(ParseError::StartLine));
        assert_eq!(fault(&text[..usize::from(u16::MAX)]), Ok(()));
    }
}
