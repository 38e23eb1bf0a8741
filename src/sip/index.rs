//! One pass over the head of a message that notes where everything is.
//!
//! ```text
//! INVITE sip:bob@example.com SIP/2.0\r\n      start line
//! Via: SIP/2.0/UDP 192.0.2.1;branch=...\r\n   header fields; a folded line belongs to the field
//! v: SIP/2.0/UDP 192.0.2.2\r\n                that it continues (RFC 3261 §7.3.1)
//! \r\n
//! v=0 ...                                     body, never looked at
//! ```

use super::fields::Fields;
use super::lines::{read_fields, read_from_top};
use super::octet::{is_token, prefix_len, trim};
use super::scan::find;
use super::{HeaderName, Method, ParseError};

/// Where the parts of a message are. Kept by its owner and filled again for each message, so
/// that parsing allocates nothing.
#[derive(Debug)]
pub struct MessageIndex {
    pub(super) start: StartSpan,
    pub(super) fields: Fields,
    pub(super) headers_start: usize,
    pub(super) body: Span,
    /// Offset just behind the last header line, where the blank line starts.
    pub(super) headers_end: usize,
}

impl Default for MessageIndex {
    fn default() -> Self {
        Self {
            start: NO_START,
            fields: Fields::default(),
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
        self.fields.clear();
        self.headers_start = 0;
        self.body = Span::default();
        self.headers_end = 0;
    }
}

/// In [`MessageIndex::start`]: none was found.
const NO_START: StartSpan = StartSpan::Status { code: 0, reason: Span { start: 0, length: 0 } };

/// Finds the parts of the message in `bytes` (RFC 3261 §7). A line may end in CRLF or in LF
/// alone. Empty lines before the start line are skipped (RFC 3261 §7.5).
///
/// # Errors
///
/// What is wrong first. The index then holds the start line and the fields before the fault, so
/// that a request can still be answered; a fault in the start line itself leaves nothing.
pub fn parse(bytes: &[u8], index: &mut MessageIndex) -> Result<(), ParseError> {
    index.fields.clear();
    let is_usual = !matches!(bytes.first(), None | Some(b'\r' | b'\n'));
    if !is_usual || bytes.len() > usize::from(u16::MAX) {
        return parse_any(bytes, index);
    }
    let Some(end) = read_from_top(bytes, &mut index.fields) else {
        return parse_any(bytes, index);
    };
    index.headers_start = index.fields.start();
    let is_plain = plain_start_line(bytes, index.headers_start, &mut index.start).is_some();
    let behind = bytes.get(end..).and_then(<[u8]>::first_chunk);
    if !is_plain || behind != Some(b"\r\n") {
        return parse_on(bytes, end, is_plain, index);
    }
    index.headers_end = end;
    find_body(bytes, end + 2, index)
}

/// As [`parse`], once the header fields are read up to the line that starts at `end`, and the start
/// line if it is plain.
#[inline(never)]
fn parse_on(
    bytes: &[u8],
    end: usize,
    is_plain: bool,
    index: &mut MessageIndex,
) -> Result<(), ParseError> {
    let mut fault = Ok(());
    if !is_plain {
        let feed = index.headers_start - 1;
        match odd_start_line(&bytes[..line_end(bytes, 0, feed)], 0) {
            Ok(line) => (index.start, fault) = line,
            Err(error) => {
                index.clear();
                return Err(error);
            }
        }
    }
    read_rest(bytes, end, index)?;
    fault
}

/// As [`parse`], of any message.
#[cold]
#[inline(never)]
fn parse_any(bytes: &[u8], index: &mut MessageIndex) -> Result<(), ParseError> {
    index.clear();
    if bytes.len() > usize::from(u16::MAX) {
        return Err(ParseError::StartLine);
    }
    let (start, feed) = first_line(bytes).ok_or(ParseError::StartLine)?;
    let fault;
    (index.start, fault) = odd_start_line(&bytes[start..line_end(bytes, start, feed)], start)?;
    index.headers_start = feed + 1;
    read_rest(bytes, feed + 1, index)?;
    fault
}

/// Finds the header fields from the line on that starts at `start`, and the body.
#[inline(never)]
fn read_rest(bytes: &[u8], start: usize, index: &mut MessageIndex) -> Result<(), ParseError> {
    match read_fields(bytes, start, &mut index.fields) {
        Ok((end, body_start)) => {
            index.headers_end = end;
            find_body(bytes, body_start, index)
        }
        Err((end, error)) => {
            (index.headers_end, index.body) = (end, Span::default());
            Err(error)
        }
    }
}

/// Finds the end of the body that starts at `start`.
#[inline(always)]
fn find_body(bytes: &[u8], start: usize, index: &mut MessageIndex) -> Result<(), ParseError> {
    index.body = Span::new(start, bytes.len());
    let length = content_length(bytes, start, index)?;
    index.body = Span::new(start, start + length);
    Ok(())
}

/// The first line that is not empty: where it starts, and its line feed.
fn first_line(bytes: &[u8]) -> Option<(usize, usize)> {
    let start = prefix_len(bytes, |byte| matches!(byte, b'\r' | b'\n'));
    Some((start, start + find(bytes.get(start..)?, b'\n')?))
}

/// The end of the text of the line that starts at `start` and whose line feed is at `feed`.
#[inline]
pub(super) fn line_end(bytes: &[u8], start: usize, feed: usize) -> usize {
    if feed > start && bytes[feed - 1] == b'\r' { feed - 1 } else { feed }
}

/// Reads the start line into a place that is there, if it is as almost all are. It ends at `end`.
#[inline(always)]
fn plain_start_line(bytes: &[u8], end: usize, into: &mut StartSpan) -> Option<()> {
    let line = bytes.get(..end)?;
    *into = if line.first_chunk() == Some(b"SIP/2.0 ") {
        plain_status_line(line)?
    } else {
        request_line(line, bytes.first_chunk())?
    };
    Some(())
}

/// Reads a status line as almost all are: with three digits, a space and CRLF. `line` starts the
/// message and ends with its line feed.
#[inline]
fn plain_status_line(line: &[u8]) -> Option<StartSpan> {
    let ([.., a @ b'1'..=b'6', b, c, b' '], reason) = line.split_first_chunk::<12>()? else {
        return None;
    };
    let [b, c] = [b, c].map(|digit| u16::from(digit.wrapping_sub(b'0')));
    let reason = reason.strip_suffix(b"\r\n")?;
    (b < 10 && c < 10).then(|| StartSpan::Status {
        code: u16::from(a - b'0') * 100 + b * 10 + c,
        reason: Span::new(12, 12 + reason.len()),
    })
}

/// Reads a request line as almost all are: of our version, in capitals, with a method that is
/// known and not long. `line` starts the message and ends with its line feed; `ahead` is what the
/// message starts with.
#[inline]
fn request_line(line: &[u8], ahead: Option<&[u8; 16]>) -> Option<StartSpan> {
    let line = line.strip_suffix(b" SIP/2.0\r\n")?;
    // A method that is known is a token.
    let (method, method_end) = Method::ahead(*ahead?)?;
    let is_whole = line.len() > method_end + 1;
    is_whole.then(|| StartSpan::Request {
        method,
        method_span: Span::new(0, method_end),
        uri: Span::new(method_end + 1, line.len()),
    })
}

/// Reads any start line, which starts at `start` (RFC 3261 §7.1, §7.2). The second result is a
/// fault that leaves the line readable, so that the request can be answered: another version
/// (RFC 3261 §21.5.6), or white space behind it (RFC 4475 §3.1.2.10).
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

/// The length of the body: what Content-Length says or else the rest of the datagram; octets
/// beyond it are ignored (RFC 3261 §18.3).
#[inline(always)]
fn content_length(
    bytes: &[u8],
    body_start: usize,
    index: &MessageIndex,
) -> Result<usize, ParseError> {
    let rest = bytes.len() - body_start;
    let Some(header) = index.fields.first(HeaderName::ContentLength) else { return Ok(rest) };
    let length = header.decimal(bytes).ok_or(ParseError::ContentLength)? as usize;
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
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, length: (end - start) as u16 }
    }

    /// The bytes of the span.
    #[inline]
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[usize::from(self.start)..usize::from(self.start) + usize::from(self.length)]
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

    proptest! {
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
            if let Some(request) = request_line(&bytes[..=feed], bytes.first_chunk()) {
                let odd = odd_start_line(&bytes[..line_end(bytes, 0, feed)], 0);
                let same = |odd: &StartSpan| format!("{odd:?}") == format!("{request:?}");
                prop_assert!(matches!(&odd, Ok((odd, Ok(()))) if same(odd)), "{odd:?}");
            }
        }
    }
}
