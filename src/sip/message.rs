//! The whole message: one pass over its head that notes where everything is.
//!
//! ```text
//! INVITE sip:bob@example.com SIP/2.0\r\n      start line
//! Via: SIP/2.0/UDP 192.0.2.1;branch=...\r\n   header fields; a folded line belongs to the field
//! v: SIP/2.0/UDP 192.0.2.2\r\n                that it continues (RFC 3261 §7.3.1)
//! \r\n
//! v=0 ...                                     body, never looked at
//! ```

use super::octet::{
    are_token, is_space, is_token, number, parse_max_forwards, prefix_len, trim, trim_end,
};
use super::scan::{Block, Finder, find};
use super::{CSeq, HeaderName, Items, Method, ParseError, Via};
use crate::limits::HEADER_COUNT_MAX;

/// A piece of the message: offset and length in bytes. A datagram has at most 65,535 of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    start: u16,
    length: u16,
}

impl Span {
    /// The span from `start` up to `end`; both are offsets in a datagram.
    #[expect(clippy::cast_possible_truncation, reason = "parse() refuses more than u16::MAX bytes")]
    const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, length: (end - start) as u16 }
    }

    /// The bytes of the span.
    #[inline]
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.start)..usize::from(self.start) + usize::from(self.length)]
    }
}

/// Where one header field is: offsets in the datagram.
#[derive(Clone, Copy, Debug)]
struct HeaderSpan {
    /// Where the line and the name start.
    start: u16,
    name_end: u16,
    /// The value is without surrounding white space; folds are kept.
    value_start: u16,
    value_end: u16,
    /// Behind the line break.
    line_end: u16,
    name: HeaderName,
}

impl HeaderSpan {
    /// No field.
    const EMPTY: Self = Self {
        start: 0,
        name_end: 0,
        value_start: 0,
        value_end: 0,
        line_end: 0,
        name: HeaderName::Other,
    };

    /// A field of that name, from its offsets in the order of this structure.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "parse() refuses more than u16::MAX bytes")]
    const fn new(name: HeaderName, offsets: [usize; 5]) -> Self {
        let [start, name_end, value_start, value_end, line_end] = offsets;
        Self {
            start: start as u16,
            name_end: name_end as u16,
            value_start: value_start as u16,
            value_end: value_end as u16,
            line_end: line_end as u16,
            name,
        }
    }

    /// The value.
    #[inline]
    fn value(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.value_start)..usize::from(self.value_end)]
    }
}

/// The two kinds of start line.
#[derive(Clone, Copy, Debug)]
enum StartSpan {
    Request { method: Method, method_span: Span, uri: Span },
    Status { code: u16, reason: Span },
}

/// Where the parts of a message are. Kept by its owner and filled again for each message, so
/// that parsing allocates nothing.
#[derive(Debug)]
pub struct MessageIndex {
    start: StartSpan,
    /// As many as can be numbered in an octet, so that no number is out of bounds.
    headers: Box<[HeaderSpan; 1 << u8::BITS]>,
    header_count: usize,
    /// Position in `headers` of the first field of each name; [`NONE`] if there is none.
    first: [u8; HeaderName::COUNT],
    /// A bit for each name of which there are several fields.
    repeated: u64,
    headers_start: usize,
    body: Span,
    /// Offset just behind the last header line, where the blank line starts.
    headers_end: usize,
}

/// In [`MessageIndex::first`]: no such field.
const NONE: u8 = u8::MAX;

const _: () = assert!(HEADER_COUNT_MAX <= NONE as usize, "positions of fields are u8");

impl Default for MessageIndex {
    fn default() -> Self {
        Self {
            start: NO_START,
            headers: Box::new([HeaderSpan::EMPTY; 1 << u8::BITS]),
            header_count: 0,
            first: [NONE; HeaderName::COUNT],
            repeated: 0,
            headers_start: 0,
            body: Span::default(),
            headers_end: 0,
        }
    }
}

impl MessageIndex {
    /// Forgets the last message; its spans would lie outside of the next one.
    fn clear(&mut self) {
        self.start = NO_START;
        self.header_count = 0;
        self.first = [NONE; HeaderName::COUNT];
        self.repeated = 0;
        self.headers_start = 0;
        self.body = Span::default();
        self.headers_end = 0;
    }

    /// Adds a field behind the others.
    #[inline]
    fn push(&mut self, span: HeaderSpan) -> Result<(), ParseError> {
        if self.header_count >= HEADER_COUNT_MAX {
            return Err(ParseError::TooManyHeaders);
        }
        #[expect(clippy::cast_possible_truncation, reason = "below HEADER_COUNT_MAX")]
        let position = self.header_count as u8;
        let first = &mut self.first[span.name as usize];
        if *first == NONE {
            *first = position;
        } else {
            self.repeated |= 1 << span.name as u8;
        }
        self.headers[usize::from(position)] = span;
        self.header_count += 1;
        Ok(())
    }

    /// All fields.
    fn headers(&self) -> &[HeaderSpan] {
        self.headers.get(..self.header_count).unwrap_or_default()
    }

    /// The first field of that name.
    #[inline]
    fn first(&self, name: HeaderName) -> Option<HeaderSpan> {
        let first = self.first[name as usize];
        (first != NONE).then(|| self.headers[usize::from(first)])
    }
}

/// In [`MessageIndex::start`]: none was found.
const NO_START: StartSpan = StartSpan::Status { code: 0, reason: Span { start: 0, length: 0 } };

const _: () = assert!(HeaderName::COUNT <= 64, "MessageIndex::repeated has a bit for each name");

/// The line feeds of a message.
type Feeds<'d> = Finder<'d, b'\n'>;

/// Finds the parts of the message in `bytes` (RFC 3261 §7). A line may end in CRLF or in LF
/// alone. Empty lines before the start line are skipped (RFC 3261 §7.5).
///
/// # Errors
///
/// What is wrong first. The index then holds the start line and the fields before the fault, so
/// that a request can still be answered; a fault in the start line itself leaves nothing.
pub fn parse(bytes: &[u8], index: &mut MessageIndex) -> Result<(), ParseError> {
    index.clear();
    if bytes.len() > usize::from(u16::MAX) {
        return Err(ParseError::StartLine);
    }
    let skipped = prefix_len(bytes, |byte| matches!(byte, b'\r' | b'\n'));
    let mut feeds = Feeds::new(bytes);
    let feed = feeds.find(|feed| *feed >= skipped).ok_or(ParseError::StartLine)?;
    let fault;
    (index.start, fault) = start_line(bytes, skipped, line_end(bytes, skipped, feed))?;
    index.headers_start = feed + 1;
    let body_start = headers(bytes, feed + 1, &mut feeds, index)?;
    index.body = Span::new(body_start, bytes.len());
    let length = content_length(bytes, body_start, index)?;
    index.body = Span::new(body_start, body_start + length);
    fault
}

/// The end of the text of the line that starts at `start` and whose line feed is at `feed`.
#[inline]
fn line_end(bytes: &[u8], start: usize, feed: usize) -> usize {
    if feed > start && bytes[feed - 1] == b'\r' { feed - 1 } else { feed }
}

/// Reads the start line, which `bytes[start..end]` is (RFC 3261 §7.1, §7.2). The second result
/// is a fault that leaves the line readable, so that the request can be answered: another version
/// (RFC 3261 §21.5.6), or white space behind it (RFC 4475 §3.1.2.10).
#[inline]
fn start_line(
    bytes: &[u8],
    start: usize,
    end: usize,
) -> Result<(StartSpan, Result<(), ParseError>), ParseError> {
    let text = &bytes[start..end];
    if text.starts_with(b"SIP/2.0 ") {
        return Ok((status_line(text, start)?, Ok(())));
    }
    match request_line(text, start) {
        Some(request) => Ok((request, Ok(()))),
        None => odd_start_line(text, start),
    }
}

/// Reads a request line as almost all are: of our version, in capitals, with a method that is
/// known.
#[inline]
fn request_line(text: &[u8], start: usize) -> Option<StartSpan> {
    let line = text.strip_suffix(b" SIP/2.0")?;
    let method_end = find(line, b' ')?;
    let method = Method::parse(&line[..method_end]);
    let uri = Span::new(start + method_end + 1, start + line.len());
    // A method that is known is a token.
    (method != Method::Other && uri.length > 0).then_some(StartSpan::Request {
        method,
        method_span: Span::new(start, start + method_end),
        uri,
    })
}

/// Reads any start line.
fn odd_start_line(
    text: &[u8],
    start: usize,
) -> Result<(StartSpan, Result<(), ParseError>), ParseError> {
    if text.get(..8).is_some_and(|version| version.eq_ignore_ascii_case(b"SIP/2.0 ")) {
        return Ok((status_line(text, start)?, Ok(())));
    }
    let line = trim(text);
    let method_end = prefix_len(line, is_token);
    let version_start = memchr::memrchr(b' ', line).ok_or(ParseError::StartLine)? + 1;
    let version = &line[version_start..];
    let is_version = version.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"SIP/"));
    let is_spaced = line.get(method_end) == Some(&b' ') && version_start > method_end + 1;
    if !text.starts_with(line) || method_end == 0 || !is_spaced || !is_version {
        return Err(ParseError::StartLine);
    }
    let request = StartSpan::Request {
        method: Method::parse(&line[..method_end]),
        method_span: Span::new(start, start + method_end),
        uri: Span::new(start + method_end + 1, start + version_start - 1),
    };
    if line.len() < text.len() {
        return Ok((request, Err(ParseError::StartLine)));
    }
    let is_ours = version.eq_ignore_ascii_case(b"SIP/2.0");
    Ok((request, if is_ours { Ok(()) } else { Err(ParseError::Version) }))
}

/// Reads the rest of a status line, behind its version (RFC 3261 §7.2).
fn status_line(text: &[u8], start: usize) -> Result<StartSpan, ParseError> {
    let code = text.get(8..11).ok_or(ParseError::StartLine)?;
    if !code.iter().all(u8::is_ascii_digit) || !matches!(text.get(11), None | Some(b' ')) {
        return Err(ParseError::StartLine);
    }
    let code = code.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    if !(100..700).contains(&code) {
        return Err(ParseError::StartLine);
    }
    let reason = Span::new(start + text.len().min(12), start + text.len());
    Ok(StartSpan::Status { code, reason })
}

/// Notes all header fields from `from` on, whose line feeds are the next of `feeds`; the offset
/// of the body.
#[inline]
fn headers(
    bytes: &[u8],
    from: usize,
    feeds: &mut Feeds<'_>,
    index: &mut MessageIndex,
) -> Result<usize, ParseError> {
    let mut start = from;
    loop {
        index.headers_end = start;
        let mut feed = feeds.next().ok_or(ParseError::Unterminated)?;
        let mut end = line_end(bytes, start, feed);
        if end == start {
            return Ok(feed + 1);
        }
        if bytes.get(feed + 1).is_some_and(|byte| *byte <= b' ' && *byte != b'\r') {
            feed = folds_end(bytes, feed, feeds)?;
            end = line_end(bytes, start, feed);
        }
        let span = match bytes.get(start..end).and_then(|text| plain_header(text, start, feed)) {
            Some(span) => span,
            None => any_header(bytes, start, end, feed)?,
        };
        index.push(span)?;
        start = feed + 1;
    }
}

/// The line feed at the end of the line that ends at `feed` and of those that continue it.
#[cold]
fn folds_end(bytes: &[u8], feed: usize, feeds: &mut Feeds<'_>) -> Result<usize, ParseError> {
    let mut feed = feed;
    while matches!(bytes.get(feed + 1), Some(b' ' | b'\t')) {
        feed = feeds.next().ok_or(ParseError::Unterminated)?;
    }
    Ok(feed)
}

/// The header field `text`, which starts at `start` and whose line break ends at `feed`, if it
/// is one as almost all are: of a known name, its colon right behind that, with no more white
/// space around its value than a space before it.
#[inline]
fn plain_header(text: &[u8], start: usize, feed: usize) -> Option<HeaderSpan> {
    let (length, name) = match text.first_chunk() {
        Some(ahead) => {
            let length = Block::new(*ahead).is(b':').bits().trailing_zeros() as usize;
            (length, HeaderName::identify(ahead, length))
        }
        None => {
            let length = text.iter().position(|byte| *byte == b':')?;
            (length, HeaderName::parse(&text[..length]))
        }
    };
    let behind = length + 1;
    let value_start = behind + usize::from(*text.get(behind)? == b' ');
    let is_tight = *text.get(value_start)? > b' ' && *text.last()? > b' ';
    (is_tight && name != HeaderName::Other).then(|| {
        let offsets = [0, length, value_start, text.len()].map(|offset| start + offset);
        let [start, name_end, value_start, value_end] = offsets;
        HeaderSpan::new(name, [start, name_end, value_start, value_end, feed + 1])
    })
}

/// The header field in `bytes[start..end]`, whose line break ends at `feed`.
#[inline(never)]
fn any_header(
    bytes: &[u8],
    start: usize,
    end: usize,
    feed: usize,
) -> Result<HeaderSpan, ParseError> {
    let text = &bytes[start..end];
    let colon = find(text, b':').ok_or(ParseError::HeaderLine)?;
    let mut name_end = colon;
    while name_end > 0 && matches!(text[name_end - 1], b' ' | b'\t') {
        name_end -= 1;
    }
    let name = &text[..name_end];
    if name.is_empty() || !are_token(name) {
        return Err(ParseError::HeaderLine);
    }
    let value_start = colon + 1 + prefix_len(&text[colon + 1..], is_space);
    let value_end = value_start + trim_end(&text[value_start..]).len();
    let offsets = [0, name_end, value_start, value_end].map(|offset| start + offset);
    let [start, name_end, value_start, value_end] = offsets;
    Ok(HeaderSpan::new(
        HeaderName::parse(name),
        [start, name_end, value_start, value_end, feed + 1],
    ))
}

/// The length of the body: what Content-Length says or else the rest of the datagram; octets
/// beyond it are ignored (RFC 3261 §18.3).
fn content_length(
    bytes: &[u8],
    body_start: usize,
    index: &MessageIndex,
) -> Result<usize, ParseError> {
    let rest = bytes.len() - body_start;
    let Some(header) = index.first(HeaderName::ContentLength) else { return Ok(rest) };
    let length = number(header.value(bytes)).ok_or(ParseError::ContentLength)?;
    match usize::try_from(length) {
        Ok(length) if length <= rest => Ok(length),
        _ => Err(ParseError::ContentLength),
    }
}

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
    /// The message in `bytes`, for which `index` was filled by [`parse`].
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
    #[must_use]
    pub fn request_uri(&self) -> &'d [u8] {
        match self.index.start {
            StartSpan::Request { uri, .. } => uri.of(self.bytes),
            StartSpan::Status { .. } => &[],
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
        self.index.first(name).map(|span| self.view(span))
    }

    /// The value of the first field of that name.
    #[inline]
    #[must_use]
    pub fn value(&self, name: HeaderName) -> Option<&'d [u8]> {
        self.index.first(name).map(|span| span.value(self.bytes))
    }

    /// All fields of that name, top to bottom.
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = Header<'d>> + use<'d> {
        let view = *self;
        let first = usize::from(self.index.first[name as usize]);
        let spans = self.index.headers().get(first..).unwrap_or_default();
        spans.iter().filter(move |span| span.name == name).map(move |span| view.view(*span))
    }

    /// All fields, top to bottom.
    pub fn all_headers(&self) -> impl Iterator<Item = Header<'d>> + use<'d> {
        let view = *self;
        self.index.headers().iter().map(move |span| view.view(*span))
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
        // A Via that is well-formed up to the end of its line is alone there.
        match Via::parse(value) {
            Ok(via) => Ok(via),
            Err(_) => Via::parse(Items::new(value).next().ok_or(ParseError::Via)?),
        }
    }

    /// The CSeq (RFC 3261 §20.16).
    ///
    /// # Errors
    ///
    /// [`ParseError::MissingHeader`] or [`ParseError::CSeq`].
    pub fn cseq(&self) -> Result<CSeq<'d>, ParseError> {
        CSeq::parse(self.value(HeaderName::CSeq).ok_or(ParseError::MissingHeader)?)
    }

    /// The value of Max-Forwards, if there is one (RFC 3261 §20.22).
    ///
    /// # Errors
    ///
    /// [`ParseError::Number`].
    pub fn max_forwards(&self) -> Result<Option<u8>, ParseError> {
        self.value(HeaderName::MaxForwards).map(parse_max_forwards).transpose()
    }

    /// Whether there are several fields of one of these names: a bit for each, by its number.
    #[inline]
    pub(super) const fn repeats(&self, names: u64) -> bool {
        self.index.repeated & names != 0
    }

    /// Whether there are several fields of that name.
    #[inline]
    #[must_use]
    pub const fn is_repeated(&self, name: HeaderName) -> bool {
        self.index.repeated & 1 << name as u8 != 0
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
        let HeaderSpan { start, name_end, line_end, .. } = span;
        Header {
            name: span.name,
            name_text: &self.bytes[usize::from(start)..usize::from(name_end)],
            value: span.value(self.bytes),
            line: &self.bytes[usize::from(start)..usize::from(line_end)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
