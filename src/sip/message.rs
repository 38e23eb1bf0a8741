//! The whole message: one pass over its head that notes where everything is.
//!
//! ```text
//! INVITE sip:bob@example.com SIP/2.0\r\n      start line
//! Via: SIP/2.0/UDP 192.0.2.1;branch=...\r\n   header fields; a folded line belongs to the field
//! v: SIP/2.0/UDP 192.0.2.2\r\n                that it continues (RFC 3261 §7.3.1)
//! \r\n
//! v=0 ...                                     body, never looked at
//! ```

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

/// Where one header field is.
#[derive(Clone, Copy, Debug)]
struct HeaderSpan {
    name: HeaderName,
    name_span: Span,
    /// Without surrounding white space; folds are kept.
    value: Span,
    /// From the first byte of the name to the end of the line break.
    line: Span,
}

/// The two kinds of start line.
#[derive(Clone, Copy, Debug)]
enum StartSpan {
    Request { method: Method, method_span: Span, uri: Span },
    Status { code: u16, reason: Span },
}

/// Where the parts of a message are. Kept by its owner and filled again for each message, so
/// that parsing allocates nothing once it has seen a message with many header fields.
#[derive(Debug)]
pub struct MessageIndex {
    start: StartSpan,
    headers: Vec<HeaderSpan>,
    /// Position in `headers` of the first field of each name; [`NONE`] if there is none.
    first: [u8; HeaderName::COUNT],
    headers_start: usize,
    body: Span,
    /// Offset just behind the last header line, where the blank line starts.
    headers_end: usize,
}

/// In [`MessageIndex::first`]: no such field.
const NONE: u8 = u8::MAX;

impl Default for MessageIndex {
    fn default() -> Self {
        let empty = Span::default();
        Self {
            start: StartSpan::Status { code: 0, reason: empty },
            headers: Vec::with_capacity(64),
            first: [NONE; HeaderName::COUNT],
            headers_start: 0,
            body: empty,
            headers_end: 0,
        }
    }
}

/// Finds the parts of the message in `bytes` (RFC 3261 §7). A line may end in CRLF or in LF
/// alone. Empty lines before the start line are skipped (RFC 3261 §7.5).
///
/// # Errors
///
/// What is wrong first. The index then holds the start line and the fields before the fault, so
/// that a request can still be answered; a fault in the start line itself leaves nothing.
pub fn parse(bytes: &[u8], index: &mut MessageIndex) -> Result<(), ParseError> {
    index.headers.clear();
    index.first = [NONE; HeaderName::COUNT];
    index.headers_start = 0;
    index.headers_end = 0;
    index.body = Span::default();
    if bytes.len() > usize::from(u16::MAX) {
        return Err(ParseError::StartLine);
    }
    let skipped = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let (line_end, next) = line(bytes, skipped).ok_or(ParseError::StartLine)?;
    index.start = start_line(bytes, skipped, line_end)?;
    index.headers_start = next;
    let body_start = headers(bytes, next, index)?;
    let length = content_length(bytes, body_start, index)?;
    index.body = Span::new(body_start, body_start + length);
    version(bytes, line_end)
}

/// The line at `from`: the end of its text and the start of the next line.
#[inline]
fn line(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let feed = from + memchr::memchr(b'\n', &bytes[from..])?;
    let end = if feed > from && bytes[feed - 1] == b'\r' { feed - 1 } else { feed };
    Some((end, feed + 1))
}

/// Reads the start line, which `bytes[start..end]` is (RFC 3261 §7.1, §7.2).
fn start_line(bytes: &[u8], start: usize, end: usize) -> Result<StartSpan, ParseError> {
    let text = &bytes[start..end];
    if text.len() > 8 && text[..8].eq_ignore_ascii_case(b"SIP/2.0 ") {
        return status_line(text, start);
    }
    let method_end = memchr::memchr(b' ', text).ok_or(ParseError::StartLine)?;
    let version_start = memchr::memrchr(b' ', text).ok_or(ParseError::StartLine)? + 1;
    let method = &text[..method_end];
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Err(ParseError::StartLine);
    }
    if version_start <= method_end + 1 || !looks_like_version(&text[version_start..]) {
        return Err(ParseError::StartLine);
    }
    Ok(StartSpan::Request {
        method: Method::parse(method),
        method_span: Span::new(start, start + method_end),
        uri: Span::new(start + method_end + 1, start + version_start - 1),
    })
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

/// Whether `text` has the form of a `SIP-Version`, of whatever number (RFC 3261 §25.1).
fn looks_like_version(text: &[u8]) -> bool {
    text.len() > 4 && text[..4].eq_ignore_ascii_case(b"SIP/")
}

/// Checks that the version, which ends the request line, is ours (RFC 3261 §21.5.6). It comes
/// last, so that a request of another version can be answered by its header fields.
fn version(bytes: &[u8], line_end: usize) -> Result<(), ParseError> {
    let text = &bytes[..line_end];
    if text.len() >= 7 && text[text.len() - 7..].eq_ignore_ascii_case(b"SIP/2.0") {
        return Ok(());
    }
    let status_line = text.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
    if text[status_line..].get(..8).is_some_and(|v| v.eq_ignore_ascii_case(b"SIP/2.0 ")) {
        return Ok(());
    }
    Err(ParseError::Version)
}

/// Notes all header fields from `from` on; the offset of the body.
fn headers(bytes: &[u8], from: usize, index: &mut MessageIndex) -> Result<usize, ParseError> {
    let mut at = from;
    loop {
        index.headers_end = at;
        let (mut end, mut next) = line(bytes, at).ok_or(ParseError::Unterminated)?;
        if end == at {
            return Ok(next);
        }
        while matches!(bytes.get(next), Some(b' ' | b'\t')) {
            (end, next) = line(bytes, next).ok_or(ParseError::Unterminated)?;
        }
        header(bytes, at, end, next, index)?;
        at = next;
    }
}

/// Notes the header field in `bytes[start..end]`, whose line break ends at `next`.
#[inline]
fn header(
    bytes: &[u8],
    start: usize,
    end: usize,
    next: usize,
    index: &mut MessageIndex,
) -> Result<(), ParseError> {
    let text = &bytes[start..end];
    let colon = memchr::memchr(b':', text).ok_or(ParseError::HeaderLine)?;
    let mut name_end = colon;
    while name_end > 0 && matches!(text[name_end - 1], b' ' | b'\t') {
        name_end -= 1;
    }
    let name = &text[..name_end];
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err(ParseError::HeaderLine);
    }
    if index.headers.len() >= HEADER_COUNT_MAX {
        return Err(ParseError::TooManyHeaders);
    }
    let mut value_start = colon + 1;
    while value_start < text.len() && is_space(text[value_start]) {
        value_start += 1;
    }
    let mut value_end = text.len();
    while value_end > value_start && is_space(text[value_end - 1]) {
        value_end -= 1;
    }
    let name = HeaderName::parse(name);
    let first = &mut index.first[name as usize];
    if *first == NONE {
        #[expect(clippy::cast_possible_truncation, reason = "below HEADER_COUNT_MAX")]
        let position = index.headers.len() as u8;
        *first = position;
    }
    index.headers.push(HeaderSpan {
        name,
        name_span: Span::new(start, start + name_end),
        value: Span::new(start + value_start, start + value_end),
        line: Span::new(start, next),
    });
    Ok(())
}

/// The length of the body: what Content-Length says or else the rest of the datagram; octets
/// beyond it are ignored (RFC 3261 §18.3).
fn content_length(
    bytes: &[u8],
    body_start: usize,
    index: &MessageIndex,
) -> Result<usize, ParseError> {
    let rest = bytes.len() - body_start;
    let first = index.first[HeaderName::ContentLength as usize];
    let Some(header) = index.headers.get(usize::from(first)) else { return Ok(rest) };
    let length = number(header.value.of(bytes)).ok_or(ParseError::ContentLength)?;
    match usize::try_from(length) {
        Ok(length) if length <= rest => Ok(length),
        _ => Err(ParseError::ContentLength),
    }
}

/// The decimal number that `text` is, up to 32 bits; no sign, no space.
#[must_use]
pub(super) fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u32, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// `token` characters of RFC 3261 §25.1.
#[inline]
#[must_use]
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// White space within a header value; a fold counts as such.
#[inline]
#[must_use]
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
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

    /// Whether there is a start line at all: false if [`parse`] failed on it.
    #[must_use]
    pub const fn has_start(&self) -> bool {
        self.index.headers_start > 0
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
        let first = self.index.first[name as usize];
        self.index.headers.get(usize::from(first)).map(|span| self.view(span))
    }

    /// The value of the first field of that name.
    #[inline]
    #[must_use]
    pub fn value(&self, name: HeaderName) -> Option<&'d [u8]> {
        let first = self.index.first[name as usize];
        self.index.headers.get(usize::from(first)).map(|span| span.value.of(self.bytes))
    }

    /// All fields of that name, top to bottom.
    pub fn headers(&self, name: HeaderName) -> impl Iterator<Item = Header<'d>> + use<'d> {
        let view = *self;
        let first = usize::from(self.index.first[name as usize]).min(self.index.headers.len());
        self.index.headers[first..]
            .iter()
            .filter(move |span| span.name == name)
            .map(move |span| view.view(span))
    }

    /// All fields, top to bottom.
    pub fn all_headers(&self) -> impl Iterator<Item = Header<'d>> + use<'d> {
        let view = *self;
        self.index.headers.iter().map(move |span| view.view(span))
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
        Via::parse(Items::new(value).next().ok_or(ParseError::Via)?)
    }

    /// The CSeq (RFC 3261 §20.16).
    ///
    /// # Errors
    ///
    /// [`ParseError::MissingHeader`] or [`ParseError::CSeq`].
    pub fn cseq(&self) -> Result<CSeq<'d>, ParseError> {
        CSeq::parse(self.value(HeaderName::CSeq).ok_or(ParseError::MissingHeader)?)
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
    fn view(&self, span: &HeaderSpan) -> Header<'d> {
        Header {
            name: span.name,
            name_text: span.name_span.of(self.bytes),
            value: span.value.of(self.bytes),
            line: span.line.of(self.bytes),
        }
    }
}
