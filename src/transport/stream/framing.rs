//! Cutting messages out of a stream (RFC 3261 §18.3).

use memchr::{memchr, memchr_iter};

use crate::limits::DATAGRAM_BYTES_MAX;

/// What a stream goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Something that is not whole yet.
    Partial,
    /// So many octets between messages, in which so many keep-alives end (RFC 5626 §3.5.1).
    Blank { length: usize, pings: usize },
    /// A message of so many octets.
    Message { length: usize },
    /// Something that has no end that could be found. So many octets of it are worth an answer.
    Faulty { fault: Fault, length: usize },
}

/// Why the end of a message cannot be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// This is no SIP.
    NotSip,
    /// The head is longer than a message may be.
    HeadTooLong,
    /// There is no Content-Length (RFC 3261 §18.3, §20.14).
    NoLength,
    /// Content-Length is no number, or there are several that differ.
    BadLength,
    /// The message is longer than one may be.
    TooLong,
}

/// How far the message is looked through that a stream goes on with.
#[derive(Debug, Default)]
pub(super) struct Framer {
    /// Octets before this one hold no end of the head.
    searched: usize,
    /// Whether the first line has been looked at.
    is_begun: bool,
    /// The length of the message, once its head is there.
    length: Option<usize>,
    /// How much of a keep-alive is there: octets of CRLF CRLF.
    ping: usize,
}

/// A double CRLF between messages asks for an answer (RFC 5626 §3.5.1).
const PING: &[u8; 4] = b"\r\n\r\n";

impl Framer {
    /// What `bytes` begin with, which are what [`Frame::Partial`] was said of with more behind it,
    /// or what follows the octets of the last frame.
    pub(super) fn next(&mut self, bytes: &[u8], accepts_no_length: bool) -> Frame {
        let Some(first) = bytes.first() else { return Frame::Partial };
        if self.searched == 0 && self.length.is_none() {
            if matches!(first, b'\r' | b'\n') {
                return self.blank(bytes);
            }
            if !is_token(*first) {
                return Frame::Faulty { fault: Fault::NotSip, length: 0 };
            }
            self.ping = 0;
        }
        let length = match self.length {
            Some(length) => length,
            None => match self.find_length(bytes, accepts_no_length) {
                Ok(None) => return Frame::Partial,
                Ok(Some(length)) => length,
                Err(frame) => return frame,
            },
        };
        if bytes.len() < length {
            self.length = Some(length);
            return Frame::Partial;
        }
        *self = Self::default();
        Frame::Message { length }
    }

    /// Whether a message has begun that is not whole.
    pub(super) const fn is_amid(&self) -> bool {
        self.searched > 0 || self.length.is_some()
    }

    /// Empty lines between messages (RFC 3261 §7.5).
    fn blank(&mut self, bytes: &[u8]) -> Frame {
        let mut pings = 0;
        let mut length = 0;
        for byte in bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')) {
            length += 1;
            self.ping = if *byte == PING[self.ping] { self.ping + 1 } else { 0 };
            if self.ping == PING.len() {
                (self.ping, pings) = (0, pings + 1);
            }
        }
        Frame::Blank { length, pings }
    }

    /// Looks for the end of the head and for the length of the message.
    fn find_length(
        &mut self,
        bytes: &[u8],
        accepts_no_length: bool,
    ) -> Result<Option<usize>, Frame> {
        let whole = bytes.len().min(DATAGRAM_BYTES_MAX);
        let Some(head) = self.find_head(&bytes[..whole])? else {
            if bytes.len() < DATAGRAM_BYTES_MAX {
                return Ok(None);
            }
            return Err(Frame::Faulty { fault: Fault::HeadTooLong, length: whole });
        };
        let faulty = |fault| Frame::Faulty { fault, length: head };
        let body = match content_length(&bytes[..head]) {
            Ok(Some(length)) => length,
            Ok(None) if accepts_no_length => 0,
            Ok(None) => return Err(faulty(Fault::NoLength)),
            Err(BadLength) => return Err(faulty(Fault::BadLength)),
        };
        if body > DATAGRAM_BYTES_MAX - head {
            return Err(faulty(Fault::TooLong));
        }
        Ok(Some(head + body))
    }

    /// The length of the head with the empty line behind it, which ends in CRLF or in LF alone, as
    /// all lines may.
    fn find_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Frame> {
        while let Some(found) = memchr(b'\n', &bytes[self.searched..]) {
            let feed = self.searched + found;
            if !self.is_begun {
                if !is_start_line(&bytes[..feed]) {
                    return Err(Frame::Faulty { fault: Fault::NotSip, length: 0 });
                }
                self.is_begun = true;
            }
            match bytes[feed + 1..] {
                [b'\n', ..] => return Ok(Some(feed + 2)),
                [b'\r', b'\n', ..] => return Ok(Some(feed + 3)),
                [] | [b'\r'] => {
                    // What follows may make it the end.
                    self.searched = feed;
                    return Ok(None);
                }
                _ => self.searched = feed + 1,
            }
        }
        self.searched = bytes.len();
        Ok(None)
    }
}

/// A Content-Length that says nothing.
struct BadLength;

/// The number in Content-Length of a whole head; none if there is none. Several may say the same.
fn content_length(head: &[u8]) -> Result<Option<usize>, BadLength> {
    let mut known = None;
    let mut feeds = memchr_iter(b'\n', head).peekable();
    while let Some(feed) = feeds.next() {
        let line = &head[feed + 1..];
        let Some(b'c' | b'C' | b'l' | b'L') = line.first() else { continue };
        // The field goes on where the next line begins with white space (RFC 3261 §7.3.1).
        let is_end = |end: &&usize| !matches!(head.get(**end + 1), Some(b' ' | b'\t'));
        let mut end = head.len();
        while let Some(next) = feeds.peek() {
            end = *next;
            if is_end(&&end) {
                break;
            }
            feeds.next();
        }
        let Some(value) = value_of(&head[feed + 1..end]) else { continue };
        let length = number(value).ok_or(BadLength)?;
        if known.is_some_and(|known| known != length) {
            return Err(BadLength);
        }
        known = Some(length);
    }
    Ok(known)
}

/// The value of a header field, if it is a Content-Length.
fn value_of(field: &[u8]) -> Option<&[u8]> {
    let (name, value) = field.split_at(memchr(b':', field)?);
    let name = name.trim_ascii_end();
    let is_length = name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l");
    is_length.then(|| value[1..].trim_ascii())
}

/// The number that digits are; one that is too large is the largest.
fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit =
        |sum: usize, digit: &u8| sum.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
    Some(digits.iter().fold(0, digit))
}

/// Whether this may be a request or a status line: the version is in both.
fn is_start_line(line: &[u8]) -> bool {
    line.windows(4).any(|text| text.eq_ignore_ascii_case(b"SIP/"))
}

/// Whether a message may begin with this: a method is a token, a version begins as one.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+')
        || matches!(byte, b'`' | b'\'' | b'~')
}

/// Writes the beginning of a message without an end into `slot` so that whoever parses it sees
/// the fault, and answers a request with 400: a datagram could do without Content-Length, or have
/// several. How many octets that are.
pub(super) fn write_faulty(head: &[u8], slot: &mut [u8]) -> usize {
    const FAULT: &[u8] = b"Content-Length: ?\r\n";
    let line = memchr(b'\n', head).map_or(0, |feed| feed + 1);
    let mut length = 0;
    for part in [&head[..line], FAULT, &head[line..]] {
        let room = &mut slot[length..];
        let count = part.len().min(room.len());
        room[..count].copy_from_slice(&part[..count]);
        length += count;
    }
    length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sip::{MessageIndex, ParseError, parse};

    const START: &str = "OPTIONS sip:a@example.com SIP/2.0\r\n";

    /// A request with these header lines behind its start line, and this body.
    fn message(headers: &str, body: &str) -> Vec<u8> {
        format!("{START}{headers}\r\n{body}").into_bytes()
    }

    /// All frames of a stream that is read in pieces of so many octets, and whether something is
    /// left over.
    fn frames(stream: &[u8], step: usize) -> (Vec<Frame>, bool) {
        let mut framer = Framer::default();
        let mut frames = Vec::new();
        let mut start = 0;
        let mut end = 0;
        loop {
            match framer.next(&stream[start..end], false) {
                Frame::Partial if end == stream.len() => return (frames, framer.is_amid()),
                Frame::Partial => end = stream.len().min(end + step),
                frame @ Frame::Faulty { .. } => {
                    frames.push(frame);
                    return (frames, false);
                }
                frame @ (Frame::Blank { length, .. } | Frame::Message { length }) => {
                    frames.push(frame);
                    start += length;
                }
            }
        }
    }

    /// The only frame of a stream, however it is read.
    fn only(stream: &[u8]) -> Frame {
        let all: Vec<_> = [1, 2, 3, 7, 1_000, stream.len()]
            .into_iter()
            .map(|step| {
                let (frames, is_amid) = frames(stream, step);
                assert!(!is_amid, "{step}: {frames:?}");
                assert_eq!(frames.len(), 1, "{step}: {frames:?}");
                frames[0]
            })
            .collect();
        assert!(all.windows(2).all(|two| two[0] == two[1]), "{all:?}");
        all[0]
    }

    #[test]
    fn a_message_ends_where_content_length_says_however_it_is_written() {
        for header in [
            "Content-Length: 4\r\n",
            "content-length:4\r\n",
            "l: 4\r\n",
            "L  :  0004  \r\n",
            "Content-Length:\r\n 4\r\n",
            "Content-Length: 4\r\n \r\n",
            "Subject: Content-Length: 9\r\nl: 4\nCall-ID: l\r\n",
            "Contact: <sip:a@b>\r\nCSeq: 1 OPTIONS\r\nX: y\r\n l: 9\r\nl: 4\r\n",
            "Content-Length: 4\r\nl: 4\r\n",
        ] {
            let stream = message(header, "body");
            assert_eq!(only(&stream), Frame::Message { length: stream.len() }, "{header:?}");
        }
        let bare = b"OPTIONS sip:a SIP/2.0\nl: 2\n\nok";
        assert_eq!(only(bare), Frame::Message { length: bare.len() });
    }

    #[test]
    fn messages_follow_each_other() {
        let one = message("l: 4\r\n", "\r\n\r\n");
        let stream = [&one[..], &one, b"\r\n", &one, b"\r\n\r\n\r\n\r\n"].concat();
        let length = one.len();
        let (whole, _) = frames(&stream, stream.len());
        assert_eq!(
            whole,
            [
                Frame::Message { length },
                Frame::Message { length },
                Frame::Blank { length: 2, pings: 0 },
                Frame::Message { length },
                Frame::Blank { length: 8, pings: 2 },
            ]
        );
        let (octets, is_amid) = frames(&stream, 1);
        let count = |is: fn(&Frame) -> usize| octets.iter().map(is).sum::<usize>();
        assert_eq!(count(|it| usize::from(matches!(it, Frame::Message { .. }))), 3);
        assert_eq!(count(|it| if let Frame::Blank { pings, .. } = it { *pings } else { 0 }), 2);
        assert!(!is_amid);
    }

    #[test]
    fn a_head_without_a_readable_length_is_a_fault_at_its_end() {
        for (headers, fault) in [
            ("", Fault::NoLength),
            ("X: y\r\n", Fault::NoLength),
            (" l: 4\r\n", Fault::NoLength),
            ("Content-Length:\r\n", Fault::BadLength),
            ("Content-Length: -1\r\n", Fault::BadLength),
            ("Content-Length: +1\r\n", Fault::BadLength),
            ("Content-Length: 1 2\r\n", Fault::BadLength),
            ("Content-Length: 1\r\n 2\r\n", Fault::BadLength),
            ("Content-Length: 0x1\r\n", Fault::BadLength),
            ("Content-Length: 0\r\nl: 4\r\n", Fault::BadLength),
            ("l: 65535\r\n", Fault::TooLong),
            ("l: 4294967296\r\n", Fault::TooLong),
            ("l: 18446744073709551616\r\n", Fault::TooLong),
            ("l: 99999999999999999999999999999\r\n", Fault::TooLong),
        ] {
            let stream = message(headers, "");
            let expected = Frame::Faulty { fault, length: stream.len() };
            assert_eq!(only(&stream), expected, "{headers:?}");
        }
        let stream = message("", "");
        let frame = Framer::default().next(&stream, true);
        assert_eq!(frame, Frame::Message { length: stream.len() }, "where that is accepted");
    }

    #[test]
    fn what_is_no_sip_is_known_by_its_first_line() {
        for stream in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\x16\x03\x01\x02\x00",
            b"\0",
            b"\xff",
            b" OPTIONS sip:a SIP/2.0\r\n",
            b"garbage\n",
            b"SSH-2.0-OpenSSH\r\n",
        ] {
            assert_eq!(only(stream), Frame::Faulty { fault: Fault::NotSip, length: 0 });
        }
    }

    #[test]
    fn a_message_may_be_as_long_as_a_datagram_and_no_longer() {
        let head = message("l: 65471\r\n", "").len();
        for (body, fits) in
            [(DATAGRAM_BYTES_MAX - head, true), (DATAGRAM_BYTES_MAX - head + 1, false)]
        {
            let stream = message(&format!("l: {body:05}\r\n"), &"x".repeat(body));
            let (frames, _) = frames(&stream, 1_400);
            let expected = match fits {
                true => Frame::Message { length: DATAGRAM_BYTES_MAX },
                false => Frame::Faulty { fault: Fault::TooLong, length: head },
            };
            assert_eq!(frames, [expected]);
        }
    }

    #[test]
    fn a_head_that_does_not_end_is_given_up() {
        let line = format!("{START}X: {}", "y".repeat(DATAGRAM_BYTES_MAX));
        let lines = format!("{START}{}", "X: y\r\n".repeat(DATAGRAM_BYTES_MAX / 6));
        for stream in [line, lines, "y".repeat(DATAGRAM_BYTES_MAX)] {
            let (frames, _) = frames(stream.as_bytes(), 1_400);
            let length = DATAGRAM_BYTES_MAX;
            assert_eq!(frames, [Frame::Faulty { fault: Fault::HeadTooLong, length }]);
        }
    }

    #[test]
    fn who_parses_a_faulty_head_sees_the_fault() {
        for headers in ["X: y\r\n", "l: 0\r\nl: 4\r\n", "l: 999999\r\n"] {
            let head = message(headers, "");
            let mut slot = [0; 512];
            let length = write_faulty(&head, &mut slot);
            let result = parse(&slot[..length], &mut MessageIndex::default());
            assert_eq!(result, Err(ParseError::ContentLength), "{headers:?}");
        }
        assert_eq!(write_faulty(&[b'x'; 100], &mut [0; 50]), 50, "no more than there is room for");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail_and_it_ends_messages_where_the_parser_does(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just("\r\n"), Just("\n"), Just("\r"), Just(" "), Just("\t"), Just("l: 3"),
                    Just("Content-Length: 3"), Just("l : 2"), Just("abc"), Just("X: l: 5"),
                    Just("l"), Just(":"), Just("OPTIONS sip:a SIP/2.0\r\n"), Just("7"),
                ],
                0..20,
            ),
            step in 1_usize..12,
        ) {
            let stream = format!("{START}{}", pieces.concat()).into_bytes();
            let mut framer = Framer::default();
            let mut end = 0;
            let frame = loop {
                match framer.next(&stream[..end], false) {
                    Frame::Partial if end < stream.len() => end = stream.len().min(end + step),
                    frame => break frame,
                }
            };
            if let Frame::Message { length } = frame {
                let mut index = MessageIndex::default();
                // A field that is repeated, or broken, is the parser's to refuse.
                if parse(&stream[..length], &mut index).is_ok() {
                    prop_assert_eq!(crate::sip::Message::new(&stream, &index).end(), length);
                }
            }
        }
    }
}
