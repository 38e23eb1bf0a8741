//! A response that is skimmed: what a proxy that only sends it on has to know of it, read where it
//! stands in almost all of them. Nothing is noted of the other header fields.
//!
//! Each function knows one way to write a thing. What is written in another one is for
//! [`super::parse`] and [`super::Via`], which say the same of what is read here.

use super::octet::{edge, four_digits, leading_number, short_host_len, starts_with};
use super::scan::{Block, STRETCH, find, stretch_marks};
use super::{Rport, Via};

/// The first octets of a message, which may be shorter: then also what lies behind it in its slot.
/// Whoever reads there asks at last whether that is in the message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'d>(&'d [u8; OPENING_BYTES]);

/// How many octets are read without asking for each how many there are.
const OPENING_BYTES: usize = 2_048;

impl<'d> Opening<'d> {
    /// That of what starts with a message, if there are as many octets.
    #[inline(always)]
    #[must_use]
    pub(crate) fn of(text: &'d [u8]) -> Option<Self> {
        text.first_chunk().map(Self)
    }

    /// The octets from `start` on.
    #[inline(always)]
    #[must_use]
    pub(crate) fn at<const COUNT: usize>(self, start: usize) -> Option<&'d [u8; COUNT]> {
        // One comparison: of that follows the rest.
        if start > OPENING_BYTES - COUNT {
            return None;
        }
        self.0[start..].first_chunk()
    }

    /// What is behind `text`, if that is at `start`.
    #[inline(always)]
    fn behind<const COUNT: usize>(self, start: usize, text: &[u8; COUNT]) -> Option<usize> {
        (self.at(start)? == text).then_some(start + COUNT)
    }

    /// Where the line feed is that ends the line at `start`.
    #[inline(always)]
    fn feed(self, mut start: usize) -> Option<usize> {
        loop {
            let feeds = stretch_marks(self.at(start)?, b'\n');
            if feeds != 0 {
                return Some(start + feeds.trailing_zeros() as usize);
            }
            start += STRETCH;
        }
    }

    /// What is behind the status line of what starts with `SIP/2.0 ` (RFC 3261 §7.2).
    #[inline(always)]
    #[must_use]
    pub(crate) fn behind_status_line(self) -> Option<usize> {
        if !is_status_code(*self.at(VERSION.len())?) {
            return None;
        }
        let reason = VERSION.len() + 4;
        let feed = match Block::new(*self.at(reason)?).is(b'\n').start() {
            Block::LENGTH => self.feed(reason)?,
            place => reason + place,
        };
        self.behind(feed - 1, b"\r\n")
    }

    /// What stands before the sent-by of the next line, or of the one behind those with a
    /// Record-Route, if it has a Via: whoever forwards writes his Record-Route below his Via, and
    /// some answer with all in that order. The line break before the line is at `start`.
    #[inline(always)]
    fn behind_via_start(self, mut start: usize) -> Option<usize> {
        loop {
            if let Some(sent_by) = self.behind(start, VIA_START) {
                return Some(sent_by);
            }
            start = self.feed(self.behind(start, b"\r\nRecord-Route: ")?)? - 1;
        }
    }

    /// The port at `start`, and what is behind it.
    #[inline(always)]
    fn port(self, start: usize) -> Option<(u16, usize)> {
        let [a, b, c, d, next, ..] = *self.at::<8>(start)?;
        if let Some(port) = four_digits([a, b, c, d])
            && !next.is_ascii_digit()
        {
            return Some((port, start + 4));
        }
        let (port, digits) = leading_number(*self.at(start)?)?;
        Some((u16::try_from(port).ok()?, start + digits))
    }

    /// The port of the parameter `rport`, if that is at `start`, and what is behind it.
    #[inline(always)]
    fn rport(self, start: usize) -> Option<(u16, usize)> {
        let name = b";rport=";
        if starts_with(*self.at(start)?, name) { self.port(start + name.len()) } else { None }
    }

    /// What is written into a Via, if anything is at `start`.
    #[inline(always)]
    fn stamp(self, start: usize) -> Option<Stamp<'d>> {
        let (rport, end) = match self.rport(start) {
            Some((port, end)) => (Some(port), end),
            None => (None, start),
        };
        let Some(address) = self.behind(end, b";received=") else {
            return Some(Stamp { rport, received: None, end });
        };
        let received = self.digits(address)?;
        Some(Stamp { rport, received: Some(received), end: address + received.len() })
    }

    /// Where the identifier of a branch is, if that is the parameter at `start`.
    #[inline(always)]
    fn identifier(self, start: usize) -> Option<usize> {
        // Two words.
        self.behind(self.behind(start, b";branch=")? - 1, b"=z9hG4bK")
    }

    /// The octets from `start` on that are plain in a parameter, and no delimiter.
    #[inline(always)]
    fn plain(self, start: usize) -> Option<&'d [u8]> {
        let mut end = start;
        loop {
            let edge = edge(Block::new(*self.at(end)?)).start();
            end += edge;
            if edge < Block::LENGTH {
                return self.0.get(start..end);
            }
        }
    }

    /// The octets from `start` on of which an IPv4 address consists, and slashes, of which none has
    /// any: as many as it has, and one more.
    #[inline(always)]
    fn digits(self, start: usize) -> Option<&'d [u8]> {
        let others = !Block::new(*self.at(start)?).within(b'.', b'9');
        self.0.get(start..start + others.start())
    }
}

/// What the next hop has written into a Via: where `rport` was asked for, before the branch or
/// behind it, or at the end (RFC 3581 §4).
#[derive(Clone, Copy, Debug)]
struct Stamp<'d> {
    rport: Option<u16>,
    received: Option<&'d [u8]>,
    /// Where it ends.
    end: usize,
}

/// What a status line starts with.
const VERSION: &[u8; 8] = b"SIP/2.0 ";

/// What stands before the sent-by, from the line break on.
const VIA_START: &[u8; 19] = b"\r\nVia: SIP/2.0/UDP ";

/// Whether these are a status code from 100 to 699 and a space.
#[inline(always)]
const fn is_status_code(octets: [u8; 4]) -> bool {
    /// What is added so that an octet that is too high has its highest bit set.
    const ABOVE: u32 = u32::from_le_bytes([0x7f - 5, 0x7f - 9, 0x7f - 9, 0x7f]);
    // One that is too low has it as well.
    let above = u32::from_le_bytes(octets).wrapping_sub(u32::from_le_bytes(*b"100 "));
    (above | above.wrapping_add(ABOVE)) & 0x8080_8080 == 0
}

/// A Via as the one below ours is in almost all responses: of UDP, its branch an identifier,
/// without `maddr`; `rport` and `received` are told below.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainVia<'d> {
    /// The port of the sent-by, if one is written.
    pub(crate) port: Option<u16>,
    /// The branch without the [`super::MAGIC_COOKIE`].
    pub(crate) id: &'d [u8],
    /// The value of `rport`, if it is there.
    pub(crate) rport: Option<u16>,
    /// `received`, or the sent-by: an IPv4 address, or the response does not go by this Via alone.
    pub(crate) address: &'d [u8],
}

impl<'d> PlainVia<'d> {
    /// The Via of the next line, or of the one behind those with a Record-Route, and what is behind
    /// its line. At `start` is the line break before it, and so is what is behind.
    #[inline(always)]
    #[must_use]
    pub(crate) fn ahead(opening: Opening<'d>, start: usize) -> Option<(Self, usize)> {
        let sent_by = opening.behind_via_start(start)?;
        match Self::usual(opening, sent_by) {
            None => Self::any(opening, sent_by),
            usual => usual,
        }
    }

    /// As [`Self::ahead`], of the value whose sent-by is there, with the parameters that almost all
    /// clients write, and what is written into those.
    #[inline(always)]
    fn usual(opening: Opening<'d>, sent_by: usize) -> Option<(Self, usize)> {
        let length = short_host_len(*opening.at(sent_by)?)?;
        let host = opening.0.get(sent_by..sent_by + length)?;
        let (mut port, mut end) = (None, sent_by + length);
        if let [b':'] = opening.at(end)? {
            (port, end) = opening.port(end + 1).map(|(port, end)| (Some(port), end))?;
        }
        let before = match opening.identifier(end) {
            Some(_) => Stamp { rport: None, received: None, end },
            None => opening.stamp(end)?,
        };
        let start = opening.identifier(before.end)?;
        let id = opening.plain(start).filter(|id| !id.is_empty())?;
        let behind = opening.stamp(start + id.len())?;
        let rport = match (before.rport, behind.rport) {
            (Some(_), Some(_)) => return None,
            (before, behind) => before.or(behind),
        };
        let address = match (before.received, behind.received) {
            (Some(_), Some(_)) => return None,
            (before, behind) => before.or(behind).unwrap_or(host),
        };
        Some((Self { port, id, rport, address }, line_end(opening, behind.end)?))
    }

    /// As [`Self::usual`], of any value.
    #[inline(never)]
    fn any(opening: Opening<'d>, sent_by: usize) -> Option<(Self, usize)> {
        let start = sent_by - (VIA_START.len() - b"\r\nVia: ".len());
        let end = line_end(opening, start + find(opening.0.get(start..)?, b'\n')?.checked_sub(1)?)?;
        let via = Via::parse(opening.0.get(start..end)?).ok()?;
        let rport = match via.rport() {
            Rport::Filled(port) => Some(port),
            Rport::Absent => None,
            Rport::Requested(_) => return None,
        };
        let address = match via.received() {
            Some(_) => via.params.get(b"received")?.value?,
            None => via.host,
        };
        Some((Self { port: via.port, id: via.plain_id()?, rport, address }, end))
    }
}

/// `end`, if there is a line break that no fold follows.
#[inline(always)]
fn line_end(opening: Opening<'_>, end: usize) -> Option<usize> {
    let [line_break @ .., next] = opening.at::<3>(end)?;
    (line_break == b"\r\n" && *next > b' ').then_some(end)
}

/// Whether a message ends where its Content-Length says, which is a line of its own (RFC 3261
/// §18.3). `text` is the message from somewhere in its header on, `length` octets of it, and what
/// lies behind it.
#[inline(always)]
#[must_use]
pub(crate) fn is_whole(text: &[u8], length: usize) -> bool {
    // Without a blank line in it, not all that lies behind is looked through.
    let Some(end) = text.get(..length + STRETCH).and_then(header_len) else { return false };
    let header = &text[..end];
    length == end && header.ends_with(b"\r\nContent-Length: 0\r\n\r\n")
        || end <= length && content_length(text, end) == Some(length - end)
}

/// Where the header ends that `text` starts in: behind the first blank line, if that is one of CR
/// and LF behind such a line break.
#[inline(always)]
fn header_len(text: &[u8]) -> Option<usize> {
    let last = text.len().checked_sub(STRETCH)?;
    let mut start = 0;
    while start <= last {
        let feeds = stretch_marks(text[start..].first_chunk()?, b'\n');
        let ends = feeds & (feeds << 1 | feeds << 2);
        if ends != 0 {
            let end = start + ends.trailing_zeros() as usize + 1;
            return text[..end].ends_with(b"\r\n\r\n").then_some(end);
        }
        // Both line feeds have to be in one stretch.
        start += STRETCH - 2;
    }
    None
}

/// What the last line with a Content-Length says in the header that ends at `header_end` in `text`,
/// with a blank line. It is not looked for in the first octets, fewer than a stretch has.
#[inline(never)]
fn content_length(text: &[u8], header_end: usize) -> Option<usize> {
    let mut end = header_end;
    // No line starts where the last two end.
    let mut starts = u64::MAX >> b"\r\n\r\n".len();
    loop {
        let start = end.checked_sub(STRETCH)?;
        let mut feeds = stretch_marks(text[start..end].first_chunk()?, b'\n') & starts;
        while feeds != 0 {
            let place = feeds.ilog2();
            feeds &= !(1 << place);
            let line = &text[start + place as usize + 1..];
            let names = [&b"Content-Length: "[..], b"l: "];
            if let Some(value) = names.iter().find_map(|name| line.strip_prefix(*name)) {
                let (length, digits) = leading_number(*value.first_chunk()?)?;
                return value.get(digits..)?.starts_with(b"\r\n").then_some(length as usize);
            }
        }
        (end, starts) = (start, u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::{Message, MessageIndex, host_ip, parse, transaction_id};
    use super::*;

    /// A message as it lies in its slot, with something behind it.
    fn landed(text: &str) -> Vec<u8> {
        let behind = "\r\n5;rport=1\r\n\r\n".repeat(OPENING_BYTES);
        [text.as_bytes(), behind.as_bytes()].concat()
    }

    /// Whether a message that stands there is whole.
    fn is_whole_text(text: &str) -> bool {
        is_whole(&landed(text), text.len())
    }

    proptest! {
        #[test]
        fn a_plain_via_says_what_any_says(
            host in select(&[
                "192.0.2.1", "a", "192.0.2.01", "a_b", "", "[::1]", "a-long.name.example.com",
                "1.2.3",
            ][..]),
            port in select(&["", ":5060", ":65536", ":80", ":", ":0", ":123456789", ":5x"][..]),
            before in select(&["", "", "", ";rport=5061", ";rport=1x", ";x"][..]),
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
            let sent_by = format!("{host}{port}");
            let params = format!("{before};branch=z9hG4bK7{}", pieces.concat());
            let value = format!("SIP/2.0/UDP {sent_by}{params}");
            let between = "Record-Route: <sip:a;lr>\r\n".repeat(routes);
            let behind = "To: <sip:0123456789@a.example>\r\n";
            let text = format!("\r\n{between}Via: {value}{line_end}{behind}");
            let slot = landed(&text);
            let opening = Opening::of(&slot).unwrap();
            let Some((plain, end)) = PlainVia::ahead(opening, 0) else { return Ok(()) };
            prop_assert_eq!(line_end, "\r\n");
            prop_assert_eq!(text.split_at(end).1.strip_prefix("\r\n"), Some(behind));
            let any = Via::parse(value.as_bytes()).unwrap();
            prop_assert_eq!((plain.port, any.maddr()), (any.port, None));
            prop_assert_eq!(Some(plain.id), any.branch().and_then(transaction_id));
            let rport = plain.rport.map_or(Rport::Absent, Rport::Filled);
            prop_assert_eq!(rport, any.rport());
            if let Some(address) = host_ip(plain.address) {
                let ip = any.received().or_else(|| host_ip(any.host));
                prop_assert_eq!(Some(address), ip);
            }
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
                prop_assert_eq!(is_whole_text(&text), parsed.is_ok() && end == text.len());
            }
        }
    }

    #[test]
    fn parameters_may_stand_in_any_order_and_beside_others() {
        for params in [
            ";branch=z9hG4bK7;rport=5061;received=192.0.2.9",
            ";rport=5061;branch=z9hG4bK7;received=192.0.2.9",
            ";branch=z9hG4bK7;received=192.0.2.9;rport=5061",
            ";alias;branch=z9hG4bK7;ttl=1;rport=5061;received=192.0.2.9",
            ";BRANCH=z9hG4bK7;Rport=05061;received=192.0.2.9",
        ] {
            let slot = landed(&format!("\r\nVia: SIP/2.0/UDP a:80{params}\r\nTo: a\r\n"));
            let (plain, _) = PlainVia::ahead(Opening::of(&slot).unwrap(), 0).expect(params);
            let PlainVia { port, id, rport, address } = plain;
            assert_eq!((port, id, rport), (Some(80), &b"7"[..], Some(5061)), "{params}");
            assert_eq!(address, b"192.0.2.9", "{params}");
        }
    }

    #[test]
    fn a_status_line_is_plain_with_three_digits_and_a_line_break_of_two() {
        let behind = |text: &str| Opening::of(&landed(text)).unwrap().behind_status_line();
        assert_eq!(behind("SIP/2.0 180 Ringing\r\nVia"), Some(21));
        assert_eq!(behind("SIP/2.0 699 \r\n"), Some(14));
        let long = format!("SIP/2.0 200 {}\r\n", "x".repeat(300));
        assert_eq!(behind(&long), Some(long.len()));
        for text in [
            "SIP/2.0 080 a\r\n",
            "SIP/2.0 700 a\r\n",
            "SIP/2.0 1x0 a\r\n",
            "SIP/2.0 18 a\r\n",
            "SIP/2.0 180\r\nVia",
            "SIP/2.0 180 a\n",
            "SIP/2.0 200 \n\r\n",
        ] {
            assert_eq!(behind(text), None, "{text}");
        }
    }

    #[test]
    fn a_status_code_has_three_digits_of_which_the_first_is_from_1_to_6() {
        let codes = (0..=u8::MAX).flat_map(|octet| {
            [[octet, b'0', b'9', b' '], [b'6', octet, b'9', b' '], [b'1', b'0', octet, b' ']]
        });
        for code in codes.chain((0..=u8::MAX).map(|octet| [b'1', b'9', b'0', octet])) {
            let is_plain = matches!(code, [b'1'..=b'6', b'0'..=b'9', b'0'..=b'9', b' ']);
            assert_eq!(is_status_code(code), is_plain, "{code:?}");
        }
    }

    #[test]
    fn what_lies_behind_a_message_is_no_part_of_it() {
        let header = "SIP/2.0 200 OK\r\nTo: <sip:0123456789012345678901234567890@a.example>\r\n";
        assert!(is_whole_text(&format!("{header}Content-Length: 0\r\n\r\n")));
        for end in ["Content-Length: 0\r\n", "Content-Length: ", "", "Content-Length: 0\r\n\r"] {
            assert!(!is_whole_text(&format!("{header}{end}")), "{end}");
        }
    }

    #[test]
    fn the_header_ends_with_the_first_blank_line() {
        let outer = "SIP/2.0 200 OK\r\nContent-Type: message/sip\r\nContent-Length: 99\r\n\r\n";
        let inner = "NOTIFY sip:a@a.example SIP/2.0\r\nContent-Length: 0\r\n\r\n";
        assert!(!is_whole_text(&[outer, inner].concat()));
        let outer = outer.replace("99", &inner.len().to_string());
        assert!(is_whole_text(&[&outer, inner].concat()));
        for behind in ["x", "\r\n", "\r\n\r\n", "Content-Length: 0\r\n\r\n"] {
            assert!(!is_whole_text(&[&outer, inner, behind].concat()));
        }
    }

    #[test]
    fn a_header_with_blank_lines_of_another_kind_is_not_plain() {
        let start = format!("SIP/2.0 200 {}\r\n", "x".repeat(STRETCH));
        for blank in ["\n\n", "\r\n\n", "\n\r\n", "\r\nx\n"] {
            let text = format!("{start}To: a{blank}Content-Length: 0\r\n\r\n");
            assert!(!is_whole_text(&text), "{text:?}");
        }
    }
}
