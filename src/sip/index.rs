//! One pass over the head of a message that notes where everything is.
//!
//! ```text
//! INVITE sip:bob@example.com SIP/2.0\r\n      start line
//! Via: SIP/2.0/UDP 192.0.2.1;branch=...\r\n   header fields; a folded line belongs to the field
//! v: SIP/2.0/UDP 192.0.2.2\r\n                that it continues (RFC 3261 §7.3.1)
//! \r\n
//! v=0 ...                                     body, never looked at
//! ```

use super::header::Spelling;
use super::octet::{
    are_token, host_prefix_len, is_token, leading_number, number, prefix_len, skip_space, trim,
    trim_end,
};
use super::scan::{Finder, find};
use super::{HeaderName, Method, ParseError};
use crate::limits::HEADER_COUNT_MAX;

/// Where the parts of a message are. Kept by its owner and filled again for each message, so
/// that parsing allocates nothing.
#[derive(Debug)]
pub struct MessageIndex {
    pub(super) start: StartSpan,
    /// As many as can be numbered in an octet, so that no number is out of bounds.
    headers: [HeaderSpan; 1 << u8::BITS],
    header_count: usize,
    /// Position in `headers` of the first field of each name; [`NONE`] if there is none.
    first: [u8; HeaderName::COUNT],
    /// A bit for each name of which there are several fields.
    pub(super) repeated: u64,
    pub(super) headers_start: usize,
    pub(super) body: Span,
    /// Offset just behind the last header line, where the blank line starts.
    pub(super) headers_end: usize,
}

/// In [`MessageIndex::first`]: no such field.
const NONE: u8 = u8::MAX;

const _: () = assert!(HEADER_COUNT_MAX <= NONE as usize, "positions of fields are u8");

impl Default for MessageIndex {
    fn default() -> Self {
        Self {
            start: NO_START,
            headers: [HeaderSpan::EMPTY; 1 << u8::BITS],
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
    fn push(&mut self, span: HeaderSpan) -> Result<(), ParseError> {
        if self.header_count >= HEADER_COUNT_MAX {
            return Err(ParseError::TooManyHeaders);
        }
        #[expect(clippy::cast_possible_truncation, reason = "below HEADER_COUNT_MAX")]
        self.put(self.header_count as u8, span);
        self.header_count += 1;
        Ok(())
    }

    /// Puts a field at the end of the others, which is `position`, without counting it.
    #[inline]
    fn put(&mut self, position: u8, span: HeaderSpan) {
        let first = &mut self.first[span.name as usize];
        if *first == NONE {
            *first = position;
        } else {
            self.repeated |= 1 << span.name as u8;
        }
        // One by one: there is no need to gather them in a word first.
        let place = &mut self.headers[usize::from(position)];
        place.start = span.start;
        place.name_end = span.name_end;
        place.value_start = span.value_start;
        place.value_end = span.value_end;
        place.line_end = span.line_end;
        place.name = span.name;
    }

    /// Takes the last field off.
    fn pop(&mut self) -> Option<HeaderSpan> {
        self.header_count = self.header_count.checked_sub(1)?;
        let span = self.headers[self.header_count];
        if usize::from(self.first[span.name as usize]) == self.header_count {
            self.first[span.name as usize] = NONE;
        }
        let left = self.headers_from(span.name).iter().filter(|other| other.name == span.name);
        if left.count() < 2 {
            self.repeated &= !(1 << span.name as u8);
        }
        Some(span)
    }

    /// All fields from the first of that name on.
    pub(super) fn headers_from(&self, name: HeaderName) -> &[HeaderSpan] {
        self.headers().get(usize::from(self.first[name as usize])..).unwrap_or_default()
    }

    /// All fields.
    pub(super) fn headers(&self) -> &[HeaderSpan] {
        self.headers.get(..self.header_count).unwrap_or_default()
    }

    /// The first field of that name.
    #[inline]
    pub(super) fn first(&self, name: HeaderName) -> Option<HeaderSpan> {
        let first = self.first[name as usize];
        (first != NONE).then(|| self.headers[usize::from(first)])
    }
}

/// In [`MessageIndex::start`]: none was found.
const NO_START: StartSpan = StartSpan::Status { code: 0, reason: Span { start: 0, length: 0 } };

const _: () = assert!(HeaderName::COUNT <= 64, "MessageIndex::repeated has a bit for each name");

/// The line feeds of a message.
type Feeds = Finder<b'\n'>;

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
    let mut feeds = Feeds::new(bytes);
    let (start, feed) = first_line(bytes, &mut feeds).ok_or(ParseError::StartLine)?;
    let fault;
    (index.start, fault) = start_line(bytes, start, feed)?;
    index.headers_start = feed + 1;
    let body_start = headers(bytes, feed + 1, &mut feeds, index)?;
    index.body = Span::new(body_start, bytes.len());
    let length = content_length(bytes, body_start, index)?;
    index.body = Span::new(body_start, body_start + length);
    fault
}

/// The first line that is not empty: where it starts, and its line feed.
#[inline]
fn first_line(bytes: &[u8], feeds: &mut Feeds) -> Option<(usize, usize)> {
    let is_break = |byte| matches!(byte, b'\r' | b'\n');
    let mut feed = feeds.next(bytes)?;
    if !is_break(*bytes.first()?) {
        return Some((0, feed as usize));
    }
    let skipped = prefix_len(bytes, is_break);
    while (feed as usize) < skipped {
        feed = feeds.next(bytes)?;
    }
    Some((skipped, feed as usize))
}

/// The end of the text of the line that starts at `start` and whose line feed is at `feed`.
#[inline]
fn line_end(bytes: &[u8], start: usize, feed: usize) -> usize {
    if feed > start && bytes[feed - 1] == b'\r' { feed - 1 } else { feed }
}

/// Reads the start line, which starts at `start` and whose line feed is at `feed` (RFC 3261 §7.1,
/// §7.2). The second result is a fault that leaves the line readable, so that the request can be
/// answered: another version (RFC 3261 §21.5.6), or white space behind it (RFC 4475 §3.1.2.10).
#[inline]
fn start_line(
    bytes: &[u8],
    start: usize,
    feed: usize,
) -> Result<(StartSpan, Result<(), ParseError>), ParseError> {
    let text = || bytes.get(start..line_end(bytes, start, feed)).unwrap_or_default();
    if bytes.get(start..).and_then(<[u8]>::first_chunk) == Some(b"SIP/2.0 ") {
        return Ok((status_line(text(), start)?, Ok(())));
    }
    match request_line(bytes, start, feed) {
        Some(request) => Ok((request, Ok(()))),
        None => odd_start_line(text(), start),
    }
}

/// Reads a request line as almost all are: of our version, in capitals, with a method that is
/// known and not long.
#[inline]
fn request_line(bytes: &[u8], start: usize, feed: usize) -> Option<StartSpan> {
    let line = bytes.get(start..feed)?.strip_suffix(b" SIP/2.0\r")?;
    // A method that is known is a token.
    let (method, method_end) = Method::ahead(*bytes.get(start..)?.first_chunk()?)?;
    let is_whole = line.len() > method_end + 1;
    is_whole.then(|| StartSpan::Request {
        method,
        method_span: Span::new(start, start + method_end),
        uri: Span::new(start + method_end + 1, start + line.len()),
    })
}

/// Reads any start line.
#[inline(never)]
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
fn headers(
    bytes: &[u8],
    from: usize,
    feeds: &mut Feeds,
    index: &mut MessageIndex,
) -> Result<usize, ParseError> {
    let (mut start, mut last) = headers_while::<false>(bytes, from as u32, feeds, index);
    loop {
        index.headers_end = start as usize;
        if is_fold(bytes, start as usize)
            && let Some(folded) = index.pop()
        {
            // It looked as if it were whole.
            start = folded.start.into();
            index.headers_end = start as usize;
        }
        let feed = last.ok_or(ParseError::Unterminated)?;
        if line_end(bytes, start as usize, feed as usize) == start as usize {
            return Ok(feed as usize + 1);
        }
        start = match usual_header(bytes, start, feed) {
            Some(span) => index.push(span).map(|()| feed + 1)?,
            None => odd_header(bytes, start as usize, feed as usize, feeds, index)? as u32,
        };
        // Where one is not plain, there are more of its kind.
        (start, last) = headers_while::<true>(bytes, start, feeds, index);
    }
}

/// Notes header fields from `start` on for as long as they are plain, or also if they are usual
/// where that is asked for: a second form of the loop, so that the first need not keep for a call
/// what it has in registers. The line behind them: where it starts, and its line feed, if there is
/// one. Lines that continue another are not looked for.
#[inline(never)]
fn headers_while<const OR_USUAL: bool>(
    bytes: &[u8],
    start: u32,
    feeds: &mut Feeds,
    index: &mut MessageIndex,
) -> (u32, Option<u32>) {
    let mut start = start;
    let mut left = feeds.clone();
    let mut count = index.header_count;
    let last = 'lines: loop {
        while let Some(feed) = left.next_here() {
            if count >= HEADER_COUNT_MAX {
                break 'lines Some(feed);
            }
            let span = match plain_header(bytes, start, feed) {
                None if OR_USUAL => usual_header(bytes, start, feed),
                plain => plain,
            };
            let Some(span) = span else { break 'lines Some(feed) };
            index.put(count as u8, span);
            start = feed + 1;
            count += 1;
        }
        if !left.advance(bytes) {
            break None;
        }
    };
    index.header_count = count;
    *feeds = left;
    (start, last)
}

/// Notes the header field in any line, which starts at `start` and whose line feed is at `feed`,
/// and in those that continue it; the offset behind it.
#[inline(never)]
fn odd_header(
    bytes: &[u8],
    start: usize,
    feed: usize,
    feeds: &mut Feeds,
    index: &mut MessageIndex,
) -> Result<usize, ParseError> {
    let mut feed = feed;
    while is_fold(bytes, feed + 1) {
        feed = feeds.next(bytes).ok_or(ParseError::Unterminated)? as usize;
    }
    index.push(any_header(bytes, start, line_end(bytes, start, feed), feed)?)?;
    Ok(feed + 1)
}

/// Whether the line that starts at `start` continues the one before it (RFC 3261 §7.3.1).
#[inline]
fn is_fold(bytes: &[u8], start: usize) -> bool {
    matches!(bytes.get(start), Some(b' ' | b'\t'))
}

/// The header field that starts at `start` and whose line feed is at `feed`, if it is one as almost
/// all are: of a known name, a colon and a space right behind that, a value on one line with no
/// more white space around it, and CRLF.
#[inline]
fn plain_header(bytes: &[u8], start: u32, feed: u32) -> Option<HeaderSpan> {
    /// Octets of the longest name with what stands behind it, and the first one of the value.
    const AHEAD: usize = Spelling::AHEAD + 2;
    let line = start as usize;
    let ahead: &[u8; AHEAD] = bytes.get(line..line + AHEAD)?.first_chunk()?;
    let spelling = Spelling::ahead(ahead.first_chunk()?)?;
    let length = u32::from(spelling.len()) % Spelling::AHEAD as u32;
    let value = length + b": ".len() as u32;
    // There is no line feed in the name, nor before the value if there is one.
    let end = feed.wrapping_sub(2) as usize;
    let [last, b'\r'] = *bytes.get(end..end + 2)?.first_chunk()? else { return None };
    let is_tight = ahead[value as usize] > b' ' && last > b' ';
    let offsets = [start, start + length, start + value, feed - 1, feed + 1];
    is_tight.then(|| HeaderSpan::new(spelling.name(), offsets))
}

/// As [`plain_header`], of any name, with a colon right behind it and a space or none.
#[inline(never)]
fn usual_header(bytes: &[u8], start: u32, feed: u32) -> Option<HeaderSpan> {
    let line = bytes.get(start as usize..feed as usize)?.strip_suffix(b"\r")?;
    // Names are made of what host names are made of, all but very few.
    let length = host_prefix_len(line);
    let (b':', behind) = line.get(length..)?.split_first()? else { return None };
    let value = length + 1 + usize::from(*behind.first()? == b' ');
    let is_tight = *line.get(value)? > b' ' && *line.last()? > b' ';
    let [name_end, value_start] = [length, value].map(|length| start + length as u32);
    let offsets = [start, name_end, value_start, feed - 1, feed + 1];
    let name = HeaderName::parse_start(line, length);
    (is_tight && length > 0).then(|| HeaderSpan::new(name, offsets))
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
    let value_start = text.len() - skip_space(&text[colon + 1..]).len();
    let value_end = value_start + trim_end(&text[value_start..]).len();
    let offsets = [0, name_end, value_start, value_end].map(|offset| (start + offset) as u32);
    let [start, name_end, value_start, value_end] = offsets;
    Ok(HeaderSpan::new(
        HeaderName::parse(name),
        [start, name_end, value_start, value_end, feed as u32 + 1],
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
    let length = header.number(bytes).ok_or(ParseError::ContentLength)? as usize;
    if length <= rest { Ok(length) } else { Err(ParseError::ContentLength) }
}

/// A piece of the message: offset and length in bytes. A datagram has at most 65,535 of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u16,
    pub(super) length: u16,
}

impl Span {
    /// The span from `start` up to `end`; both are offsets in a datagram.
    #[expect(clippy::cast_possible_truncation, reason = "parse() refuses more than u16::MAX bytes")]
    const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, length: (end - start) as u16 }
    }

    /// The bytes of the span.
    #[inline]
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.start)..usize::from(self.start) + usize::from(self.length)]
    }
}

/// Where one header field is: offsets in the datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeaderSpan {
    /// Where the line and the name start.
    pub(super) start: u16,
    pub(super) name_end: u16,
    /// The value is without surrounding white space; folds are kept.
    value_start: u16,
    value_end: u16,
    /// Behind the line break.
    pub(super) line_end: u16,
    pub(super) name: HeaderName,
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
    const fn new(name: HeaderName, offsets: [u32; 5]) -> Self {
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

    /// The decimal number that the value is, up to 32 bits.
    #[inline]
    pub(super) fn number(self, bytes: &[u8]) -> Option<u32> {
        match self.ahead(bytes).and_then(|(ahead, length)| Some((leading_number(*ahead)?, length)))
        {
            Some(((number, digits), length)) if digits == length => Some(number),
            _ => number(self.value(bytes)),
        }
    }

    /// The octets from the value on, and how long it is; `None` if there are not so many.
    #[inline]
    pub(super) fn ahead<const COUNT: usize>(self, bytes: &[u8]) -> Option<(&[u8; COUNT], usize)> {
        let start = usize::from(self.value_start);
        let ahead = bytes.get(start..start + COUNT)?.first_chunk()?;
        Some((ahead, usize::from(self.value_end) - start))
    }

    /// The value.
    #[inline]
    pub(super) fn value(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.value_start)..usize::from(self.value_end)]
    }
}

/// The two kinds of start line.
#[derive(Clone, Copy, Debug)]
pub(super) enum StartSpan {
    Request { method: Method, method_span: Span, uri: Span },
    Status { code: u16, reason: Span },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As [`headers`], but each line is taken for an odd one.
    fn headers_one_by_one(
        bytes: &[u8],
        from: usize,
        feeds: &mut Feeds,
        index: &mut MessageIndex,
    ) -> Result<usize, ParseError> {
        let mut start = from;
        loop {
            index.headers_end = start;
            let feed = feeds.next(bytes).ok_or(ParseError::Unterminated)? as usize;
            if line_end(bytes, start, feed) == start {
                return Ok(feed + 1);
            }
            start = odd_header(bytes, start, feed, feeds, index)?;
        }
    }

    /// What there is in an index of header fields.
    fn shown(index: &MessageIndex) -> String {
        let MessageIndex { first, repeated, headers_end, .. } = index;
        format!("{:?} {first:?} {repeated} {headers_end}", index.headers())
    }

    proptest! {
        #[test]
        fn plain_header_fields_are_read_as_odd_ones(
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    "Via: a\r\n", "v: b\r\n", "To: c\r\n", "From:f\r\n", "To : g\r\n",
                    "cSEQ: 1 A\r\n", "Content-Length: 0\r\n", "Content-Encoding: h\r\n",
                    "X-Any: i\r\n", "Remote-Party-ID: j\r\n", "Subject:\r\n", "Subject: \r\n",
                    "Route: k \r\n", " fold\r\n", "\t\r\n", "Call-ID: l\n", "\r\n",
                    "m", " ", ":", "\r", "\n", "Contact: 0123456789012345678901234567890\r\n",
                ][..]),
                0..12,
            ),
        ) {
            let text = pieces.concat();
            let bytes = text.as_bytes();
            let (mut index, mut expected) = (MessageIndex::default(), MessageIndex::default());
            let result = headers(bytes, 0, &mut Feeds::new(bytes), &mut index);
            let feeds = &mut Feeds::new(bytes);
            prop_assert_eq!(result, headers_one_by_one(bytes, 0, feeds, &mut expected));
            prop_assert_eq!(shown(&index), shown(&expected));
        }

        #[test]
        fn plain_request_lines_are_read_as_odd_ones(
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    "INVITE", "ACK", "REGISTER", "SUBSCRIBE", "invite", " ", "sip:a@b", "SIP/2.0",
                    " SIP/2.0\r\n", "\r", "\n", "sip:0123456789", "X", "\0",
                ][..]),
                0..8,
            ),
        ) {
            let text = pieces.concat() + "\r\n";
            let bytes = text.as_bytes();
            let feed = text.find('\n').unwrap();
            if let Some(request) = request_line(bytes, 0, feed) {
                let odd = odd_start_line(&bytes[..line_end(bytes, 0, feed)], 0);
                let same = |odd: &StartSpan| format!("{odd:?}") == format!("{request:?}");
                prop_assert!(matches!(&odd, Ok((odd, Ok(()))) if same(odd)), "{odd:?}");
            }
        }
    }

    #[test]
    fn a_field_whose_continuation_does_not_end_is_not_noted() {
        let bytes = b"To: a\r\nContent-Length: 0\r\nTo: b\r\n ";
        let mut index = MessageIndex::default();
        let result = headers(bytes, 0, &mut Feeds::new(bytes), &mut index);
        assert_eq!(result, Err(ParseError::Unterminated));
        assert_eq!((index.headers().len(), index.headers_end, index.repeated), (2, 26, 0));
        assert!(index.first(HeaderName::To).is_some());
    }
}
