//! A response that is skimmed: what a proxy that only sends it on has to know of it, read where it
//! stands in almost all of them. Nothing is noted of the other header fields.
//!
//! Each function knows one way to write a thing. What is written in another one is for
//! [`super::parse`] and [`super::Via`], which say the same of what is read here.

use std::net::Ipv4Addr;

use super::MAGIC_COOKIE;
use super::host::ipv4_behind_four;
use super::octet::{edge, four_digits, host_prefix_len, leading_number};
use super::scan::{Block, STRETCH, find, stretch_marks};
use super::via::is_asked_for;

/// What stands behind the status line that `bytes` start with (RFC 3261 §7.2).
#[inline(always)]
#[must_use]
pub(crate) fn behind_status_line(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"SIP/2.0 ")?;
    let ([b'1'..=b'6', b'0'..=b'9', b'0'..=b'9', b' '], reason) = rest.split_first_chunk()? else {
        return None;
    };
    let (line, behind) = reason.split_at_checked(find(reason, b'\n')? + 1)?;
    line.ends_with(b"\r\n").then_some(behind)
}

/// A Via as the one below ours is in almost all responses: of UDP and IPv4, its branch an
/// identifier, none of its parameters unknown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainVia<'d> {
    /// The port of the sent-by, if one is written.
    pub(crate) port: Option<u16>,
    /// The branch without the [`MAGIC_COOKIE`].
    pub(crate) id: &'d [u8],
    /// The value of `rport`, if it is there.
    pub(crate) rport: Option<u16>,
    /// `received`, or the address that sent-by is.
    pub(crate) ip: Ipv4Addr,
}

impl<'d> PlainVia<'d> {
    /// The Via of the next line, or of the one behind those with a Record-Route, and what stands
    /// behind its line. `text` starts with the line break before it, and so does what is behind.
    #[inline(always)]
    #[must_use]
    pub(crate) fn ahead(text: &'d [u8]) -> Option<(Self, &'d [u8])> {
        let line = via_line(text)?;
        let text = &line[VIA_START.len()..];
        let (host, mut rest) = text.split_at_checked(host_prefix_len(text))?;
        let mut port = None;
        if let [b':', behind @ ..] = rest {
            (port, rest) = leading_port(behind).map(|(port, rest)| (Some(port), rest))?;
        }
        let (mut id, mut rport, mut received) = (&[][..], None, None);
        while let [b';', ..] = rest {
            let name = u64::from_le_bytes(*rest.first_chunk()?);
            if name == BRANCH && id.is_empty() {
                let value = rest[8..].strip_prefix(MAGIC_COOKIE)?;
                (id, rest) = value.split_at_checked(plain_len(value)?)?;
                if id.is_empty() {
                    return None;
                }
            } else if name << 8 == RPORT << 8 && rport.is_none() {
                let (value, behind) = leading_port(&rest[7..])?;
                (rport, rest) = (Some(value), behind);
            } else if name == RECEIVED && rest[8..].starts_with(b"d=") && received.is_none() {
                let (value, length) = ipv4_behind_four(rest[6..].first_chunk()?)?;
                (received, rest) = (Some(value), rest.get(10 + length..)?);
            } else {
                rest = behind_other_param(rest)?;
            }
        }
        let is_line = matches!(rest, [b'\r', b'\n', next, ..] if !matches!(next, b' ' | b'\t'));
        if !is_line || host.is_empty() || id.is_empty() {
            return None;
        }
        let ip = match received {
            Some(received) => received,
            None => sent_by_ip(line, host.len())?,
        };
        Some((Self { port, id, rport, ip }, rest))
    }
}

/// `;branch=`, as a word.
const BRANCH: u64 = u64::from_le_bytes(*b";branch=");

/// `;rport=` and another octet, as a word.
const RPORT: u64 = u64::from_le_bytes(*b";rport=\0");

/// The first octets of `;received=`, as a word.
const RECEIVED: u64 = u64::from_le_bytes(*b";receive");

/// The text from the next line on, or from that behind lines with a Record-Route, if it has a Via:
/// whoever forwards writes his Record-Route below his Via, and some answer with all in that order.
/// Both texts start with the line break before.
#[inline(always)]
fn via_line(text: &[u8]) -> Option<&[u8]> {
    let mut text = text;
    while !text.starts_with(VIA_START) {
        let value = text.strip_prefix(b"\r\nRecord-Route: ")?;
        text = value.get(find(value, b'\n')?.checked_sub(1)?..)?;
    }
    Some(text)
}

/// What stands before the sent-by, from the line break on.
const VIA_START: &[u8; 19] = b"\r\nVia: SIP/2.0/UDP ";

/// The IPv4 address that is the sent-by, of so many octets, of a line with the break before it.
#[inline(never)]
fn sent_by_ip(line: &[u8], length: usize) -> Option<Ipv4Addr> {
    let (ip, found) = ipv4_behind_four(line.get(VIA_START.len() - 4..)?.first_chunk()?)?;
    (found == length).then_some(ip)
}

/// The port that `text` starts with, and what stands behind it.
#[inline(always)]
fn leading_port(text: &[u8]) -> Option<(u16, &[u8])> {
    if let Some((digits, rest)) = text.split_first_chunk()
        && let Some(port) = four_digits(*digits)
        && !rest.first()?.is_ascii_digit()
    {
        return Some((port, rest));
    }
    let (port, digits) = leading_number(*text.first_chunk()?)?;
    Some((u16::try_from(port).ok()?, text.get(digits..)?))
}

/// How many of the first octets of `text` are plain in a parameter, and no delimiter.
#[inline(always)]
fn plain_len(text: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let bits = edge(Block::new(*text.get(length..)?.first_chunk()?)).bits();
        if bits != 0 {
            return Some(length + bits.trailing_zeros() as usize);
        }
        length += Block::LENGTH;
    }
}

/// What stands behind the parameter that `text` starts with, its semicolon in front, if it is one
/// that a response does not go by.
#[inline(never)]
fn behind_other_param(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b";")?;
    let (name, behind) = text.split_at_checked(plain_len(text)?)?;
    if name.is_empty() || is_asked_for(name) {
        return None;
    }
    match behind.strip_prefix(b"=") {
        Some(value) => value.get(plain_len(value)?..),
        None => Some(behind),
    }
}

/// Whether a message ends where its Content-Length says, which is a line of its own (RFC 3261
/// §18.3). `rest` is the message from somewhere in its header on.
#[inline(always)]
#[must_use]
pub(crate) fn is_whole(rest: &[u8]) -> bool {
    let Some((header, body)) = header_len(rest).and_then(|end| rest.split_at_checked(end)) else {
        return false;
    };
    let has_none = body.is_empty() && header.ends_with(b"\r\nContent-Length: 0\r\n\r\n");
    has_none || content_length(header) == Some(body.len())
}

/// Where the header ends that `text` starts in: behind the first blank line, if that is one of CR
/// and LF behind such a line break.
#[inline(always)]
fn header_len(text: &[u8]) -> Option<usize> {
    let last = text.len().checked_sub(STRETCH)?;
    let mut start = 0;
    loop {
        let feeds = stretch_marks(text.get(start..)?.first_chunk()?, b'\n');
        let ends = feeds & (feeds << 1 | feeds << 2);
        if ends != 0 {
            let end = start + ends.trailing_zeros() as usize + 1;
            return text[..end].ends_with(b"\r\n\r\n").then_some(end);
        }
        if start == last {
            return None;
        }
        // Both line feeds have to be in one stretch.
        start = last.min(start + STRETCH - 2);
    }
}

/// What the last line with a Content-Length says in `header`, which ends with a line feed. It is
/// not looked for in the first octets, fewer than a stretch has.
#[inline(never)]
fn content_length(header: &[u8]) -> Option<usize> {
    let mut end = header.len();
    loop {
        let start = end.checked_sub(STRETCH)?;
        let mut feeds = stretch_marks(header[start..end].first_chunk()?, b'\n');
        while feeds != 0 {
            let place = feeds.ilog2();
            feeds &= !(1 << place);
            let line = &header[start + place as usize + 1..];
            let names = [&b"Content-Length: "[..], b"l: "];
            if let Some(value) = names.iter().find_map(|name| line.strip_prefix(*name)) {
                let (length, behind) = leading_length(value)?;
                return behind.starts_with(b"\r\n").then_some(length);
            }
        }
        end = start;
    }
}

/// The number that `text` starts with, and what stands behind it.
fn leading_length(text: &[u8]) -> Option<(usize, &[u8])> {
    let mut ahead = [0; 8];
    ahead.iter_mut().zip(text).for_each(|(octet, byte)| *octet = *byte);
    let (length, digits) = leading_number(ahead)?;
    Some((length as usize, text.get(digits..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::{Message, MessageIndex, Rport, Via, host_ip, parse, transaction_id};
    use super::*;

    proptest! {
        #[test]
        fn a_plain_via_says_what_any_says(
            host in select(&[
                "192.0.2.1", "a", "192.0.2.01", "a_b", "", "[::1]", "a-long.name.example.com",
                "1.2.3",
            ][..]),
            port in select(&["", ":5060", ":65536", ":80", ":", ":0", ":123456789", ":5x"][..]),
            pieces in proptest::collection::vec(
                select(&[
                    ";branch=z9hG4bK", ";branch=z9hG4bKa", ";rport=5061", ";received=192.0.2.9",
                    ";", ";rport", ";BRANCH=", ";maddr=192.0.2.3", ";ttl=1", ";a", ";x=y", "0", "=",
                    " ", "01234567890123456789", "\"", "<", ",", "+", "\r\n ", "é", ";received=::1",
                ][..]),
                0..6,
            ),
            line_end in select(&["\r\n", "\r\n", "\r\n", "\n", "\r"][..]),
            routes in 0_usize..3,
        ) {
            let value = format!("SIP/2.0/UDP {host}{port};branch=z9hG4bK7{}", pieces.concat());
            let between = "Record-Route: <sip:a;lr>\r\n".repeat(routes);
            let behind = "To: <sip:0123456789@a.example>\r\n";
            let text = format!("\r\n{between}Via: {value}{line_end}{behind}");
            let Some((plain, _)) = PlainVia::ahead(text.as_bytes()) else { return Ok(()) };
            prop_assert_eq!(line_end, "\r\n");
            let any = Via::parse(value.as_bytes()).unwrap();
            prop_assert_eq!((plain.port, any.maddr()), (any.port, None));
            prop_assert_eq!(Some(plain.id), any.branch().and_then(transaction_id));
            let rport = plain.rport.map_or(Rport::Absent, Rport::Filled);
            prop_assert_eq!(rport, any.rport());
            let ip = any.received().or_else(|| host_ip(any.host));
            prop_assert_eq!(Some(plain.ip.into()), ip);
        }

        #[test]
        fn a_whole_message_is_parsed_to_its_end(
            pieces in proptest::collection::vec(
                select(&[
                    "To: <sip:a@a.example>\r\n", "Content-Length: 0\r\n", "l: 5\r\n",
                    "Content-Length: 70\r\n", "Content-Length: 60\n", "Content-Length: x\r\n",
                    "User-Agent: 0123456789012345678901234567890123456789012345678901234567\r\n",
                ][..]),
                0..4,
            ),
            length in select(&["Content-Length: 5", "l: 70", "Content-Length: 0"][..]),
            last in select(&["", "Subject: a\r\n"][..]),
            body in select(&[0_usize, 4, 5, 6, 69, 70, 71]),
        ) {
            let header = pieces.concat();
            // What stands in the first octets is not looked for.
            let reason = "x".repeat(STRETCH);
            let start = format!("SIP/2.0 200 {reason}\r\n{header}{length}\r\n{last}");
            let text = start + "\r\n" + &"v=0\r\n012345".repeat(7)[..body];
            let mut index = MessageIndex::default();
            let parsed = parse(text.as_bytes(), &mut index);
            let end = Message::new(text.as_bytes(), &index).end();
            if !pieces.iter().any(|piece| piece.contains("ength") || piece.contains("l: ")) {
                prop_assert_eq!(is_whole(text.as_bytes()), parsed.is_ok() && end == text.len());
            }
        }
    }

    #[test]
    fn a_status_line_is_plain_with_three_digits_and_a_line_break_of_two() {
        assert_eq!(behind_status_line(b"SIP/2.0 180 Ringing\r\nVia"), Some(&b"Via"[..]));
        assert_eq!(behind_status_line(b"SIP/2.0 699 \r\n"), Some(&b""[..]));
        for text in [
            "SIP/2.0 080 a\r\n",
            "SIP/2.0 700 a\r\n",
            "SIP/2.0 1x0 a\r\n",
            "SIP/2.0 18 a\r\n",
            "SIP/2.0 180\r\nVia",
            "SIP/2.0 180 a\n",
            "sip/2.0 180 a\r\n",
            "SIP/2.0 180 a",
            "\r\n",
        ] {
            assert_eq!(behind_status_line(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_header_ends_with_the_first_blank_line() {
        let outer = "SIP/2.0 200 OK\r\nContent-Type: message/sip\r\nContent-Length: 99\r\n\r\n";
        let inner = "NOTIFY sip:a@a.example SIP/2.0\r\nContent-Length: 0\r\n\r\n";
        assert!(!is_whole([outer, inner].concat().as_bytes()));
        let outer = outer.replace("99", &inner.len().to_string());
        assert!(is_whole([&outer, inner].concat().as_bytes()));
        for behind in ["x", "\r\n", "\r\n\r\n", "Content-Length: 0\r\n\r\n"] {
            assert!(!is_whole([&outer, inner, behind].concat().as_bytes()));
        }
    }

    #[test]
    fn a_header_with_blank_lines_of_another_kind_is_not_plain() {
        let start = format!("SIP/2.0 200 {}\r\n", "x".repeat(STRETCH));
        for blank in ["\n\n", "\r\n\n", "\n\r\n", "\r\nx\n"] {
            let text = format!("{start}To: a{blank}Content-Length: 0\r\n\r\n");
            assert!(!is_whole(text.as_bytes()), "{text:?}");
        }
    }
}
