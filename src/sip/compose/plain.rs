//! The response to a request that is as almost all are, without a body.
//!
//! It says what [`super::reply`] says; whatever is rare is left to that. What is ordinary is told
//! before it is written, so that nothing need be looked at again: a Via whose parameters are a
//! branch and `rport`, lines that end as they should.

use std::net::{IpAddr, SocketAddr};

use super::{NO_BODY, Reply, end_in, has_controls, makes_dialog, tag_param, together, whole};
use crate::sip::pen::dotted;
use crate::sip::scan::Block;
use crate::sip::{HeaderName, Message, Sheet, Via, equal, host_ip};

/// What becomes of the topmost Via, as [`super::ViaStamp`] says, if it has the branch and perhaps
/// `rport` and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct PlainStamp<'v> {
    via: &'v Via<'v>,
    /// Where the branch is in the parameters, the semicolon before it included.
    branch: (usize, usize),
    /// Whether the port is written.
    rport: bool,
    /// Whether the address is written.
    received: bool,
    source: &'v SocketAddr,
}

impl<'v> PlainStamp<'v> {
    /// What is written into `via`, the topmost of a request from `source`.
    #[inline(always)]
    #[must_use]
    pub fn new(via: &'v Via<'v>, source: &'v SocketAddr, force_rport: bool) -> Option<Self> {
        let branch = via.only_branch()?;
        let rport = force_rport || via.has_rport();
        let received = rport || !is_of(via.host, source.ip());
        Some(Self { via, branch, rport, received, source })
    }

    /// The port that the response goes to, of the address that the request came from, as
    /// [`super::reply_address`] says.
    #[inline(always)]
    #[must_use]
    pub fn port(&self) -> u16 {
        if self.rport { self.source.port() } else { self.via.port.unwrap_or(5060) }
    }
}

/// Whether `host` is that address.
#[inline(always)]
fn is_of(host: &[u8], ip: IpAddr) -> bool {
    is_written(host, ip) || host_ip(host) == Some(ip)
}

/// Whether `host` is an IPv4 address as it is usually written: quicker to write than to read.
#[inline(always)]
fn is_written(host: &[u8], ip: IpAddr) -> bool {
    let IpAddr::V4(ip) = ip else { return false };
    let mut text = [0; 20];
    let mut length = 0;
    for number in ip.octets() {
        let (octets, count) = dotted(number);
        // The remainder, for the compiler: it is never longer.
        text[length % 16..][..4].copy_from_slice(&octets);
        length += count;
    }
    // Not the last dot.
    text.get(..length - 1).is_some_and(|text| equal(text, host))
}

/// How responses without a body end: our header fields, and that there is none.
#[derive(Debug)]
pub struct ReplyEnd {
    /// The text, and what may be copied with it.
    text: Vec<u8>,
    length: usize,
}

impl ReplyEnd {
    /// Bytes that it usually has at most.
    const BYTES: usize = 64;

    /// The end behind `headers`, which are whole lines.
    #[must_use]
    pub fn new(headers: &[u8]) -> Self {
        let mut text = [headers, NO_BODY].concat();
        let length = text.len();
        text.resize(length.max(Self::BYTES), 0);
        Self { text, length }
    }
}

/// Writes the response to `request`, whose topmost Via gets what `stamp` says; how long it is.
/// `None`, and nothing of it is of any use, if the request is not as almost all are.
#[inline(always)]
#[must_use]
pub fn plain_reply(
    octets: &mut [u8; Sheet::BYTES],
    request: Message<'_>,
    stamp: &PlainStamp<'_>,
    reply: Reply<'_>,
    end: &ReplyEnd,
) -> Option<usize> {
    let Reply { code, reason, to_tag, headers, .. } = reply;
    let sheet = write_status(Sheet::new(octets), code, reason)?;
    let sheet = write_vias(sheet, request, stamp)?;
    if makes_dialog(code) && request.value(HeaderName::RecordRoute).is_some() {
        return None;
    }
    let sheet = write_line(sheet, request, request.line(HeaderName::From)?)?;
    let sheet = write_to(sheet, request, to_tag.filter(|_| code != 100))?;
    let [call_id, cseq] = [request.line(HeaderName::CallId)?, request.line(HeaderName::CSeq)?];
    let sheet = match together(request, [call_id, cseq]) {
        Some(both) => write_part(sheet, request, both),
        None => write_line(write_line(sheet, request, call_id)?, request, cseq)?,
    };
    let mut sheet = sheet;
    for header in headers.iter().filter(|header| !header.is_empty()) {
        sheet = write_header(sheet, header);
    }
    sheet.piece::<{ ReplyEnd::BYTES }>(&end.text, 0, end.length).written()
}

/// Writes the status line, if there is no control character in the reason.
#[inline(always)]
fn write_status<'b>(sheet: Sheet<'b>, code: u16, reason: &[u8]) -> Option<Sheet<'b>> {
    if code > 999 {
        return None;
    }
    let digit = |number: u16| b'0' + (number % 10) as u8;
    let digits = [digit(code / 100), digit(code / 10), digit(code), b' '];
    let sheet = sheet.chunk(b"SIP/2.0 ").chunk(&digits);
    if reason == b"OK" {
        return Some(sheet.chunk(b"OK\r\n"));
    }
    let is_control = |block: Block| block.at_most(0x1f) | block.is(0x7f);
    let sheet = match (reason.first_chunk::<8>(), reason.last_chunk::<8>()) {
        (Some(first), Some(last)) if reason.len() <= 16 => {
            if is_control(Block::halves(*first, *last)).bits() != 0 {
                return None;
            }
            sheet.part(first, reason.len() - last.len()).chunk(last)
        }
        _ if has_controls(reason) => return None,
        _ => sheet.text(reason),
    };
    Some(sheet.chunk(b"\r\n"))
}

/// Writes the Via lines, of which the first has one value.
#[inline(always)]
fn write_vias<'b>(
    mut sheet: Sheet<'b>,
    request: Message<'_>,
    stamp: &PlainStamp<'_>,
) -> Option<Sheet<'b>> {
    let PlainStamp { via, branch: (start, end), rport, received, source } = *stamp;
    let line = whole(request.line(HeaderName::Via)?)?;
    if line.len().checked_sub(2) != Some(end_in(line, via.text)) {
        return None;
    }
    let (line_start, params_start) =
        (request.offset_of(line), request.offset_of(via.params.text()));
    let bytes = request.bytes();
    sheet = if start == 0 {
        sheet.piece::<PART_BYTES>(bytes, line_start, params_start + end - line_start)
    } else {
        let sheet = sheet.piece::<PART_BYTES>(bytes, line_start, params_start - line_start);
        sheet.piece::<PART_BYTES>(bytes, params_start + start, end - start)
    };
    if rport {
        sheet = sheet.chunk(b";rport=").port(source.port());
    }
    if received {
        sheet = sheet.chunk(b";received=").ip(source.ip());
    }
    sheet = sheet.chunk(b"\r\n");
    if request.is_repeated(HeaderName::Via) {
        for via in request.headers(HeaderName::Via).skip(1) {
            sheet = write_line(sheet, request, via.line)?;
        }
    }
    Some(sheet)
}

/// Writes the line of To, with the tag that it gets.
#[inline(always)]
fn write_to<'b>(
    sheet: Sheet<'b>,
    request: Message<'_>,
    tag: Option<[u8; 16]>,
) -> Option<Sheet<'b>> {
    let line = request.line(HeaderName::To)?;
    let Some(tag) = tag else { return write_line(sheet, request, line) };
    let value = request.value(HeaderName::To)?;
    let before = line.get(..end_in(line, value))?;
    Some(write_part(sheet, request, before).chunk(&tag_param(tag)))
}

/// Writes a line of the request, if it ends as it should.
#[inline(always)]
fn write_line<'b>(sheet: Sheet<'b>, request: Message<'_>, line: &[u8]) -> Option<Sheet<'b>> {
    Some(write_part(sheet, request, whole(line)?))
}

/// Writes a part of the request.
#[inline(always)]
fn write_part<'b>(sheet: Sheet<'b>, request: Message<'_>, part: &[u8]) -> Sheet<'b> {
    sheet.piece::<PART_BYTES>(request.bytes(), request.offset_of(part), part.len())
}

/// Bytes that a header line has at most, almost always, and two short ones.
const PART_BYTES: usize = 96;

/// Writes header lines that are not of the request.
#[inline(always)]
fn write_header<'b>(sheet: Sheet<'b>, header: &[u8]) -> Sheet<'b> {
    match (header.first_chunk::<48>(), header.last_chunk::<48>()) {
        (Some(first), Some(last)) if header.len() <= 96 => {
            sheet.part(first, header.len() - last.len()).chunk(last)
        }
        _ => sheet.text(header),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;
    use crate::sip::compose::{ViaStamp, reply_address};
    use crate::sip::{MessageIndex, parse};

    #[test]
    fn an_ordinary_request_gets_a_plain_reply() {
        let reply = Reply {
            code: 404,
            reason: b"Not Found",
            to_tag: Some(*b"0123456789abcdef"),
            headers: &[b"Contact: <sip:c>\r\n"],
            last_headers: &[],
            body: b"",
        };
        let lines = [
            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport\r\n",
            "Via: SIP/2.0/UDP b\r\n",
            "Record-Route: <sip:p1;lr>\r\n",
            "To: b <sip:b@b>\r\n",
            "From: a <sip:a@a>;tag=1\r\n",
            "Call-ID: 1\r\n",
            "CSeq: 1 OPTIONS\r\n",
        ];
        let (plain, composed) = replies(&lines, ([192, 0, 2, 200], false), reply);
        assert_eq!(plain, Some(composed));
        let reply = Reply { code: 200, ..reply };
        assert_eq!(replies(&lines, ([192, 0, 2, 200], false), reply).0, None, "a dialog is made");
    }

    /// What [`plain_reply`] writes and what [`super::super::reply`] composes for a request with
    /// these header lines.
    fn replies(
        lines: &[&str],
        (source, force_rport): ([u8; 4], bool),
        reply: Reply<'_>,
    ) -> (Option<Vec<u8>>, Vec<u8>) {
        let text = format!("OPTIONS sip:a SIP/2.0\r\n{}\r\n", lines.concat());
        let mut index = MessageIndex::default();
        parse(text.as_bytes(), &mut index).unwrap();
        let request = Message::new(text.as_bytes(), &index);
        let via = request.top_via().unwrap();
        let source: SocketAddr = (source, 1024).into();
        let stamp = ViaStamp::new(&via, source, force_rport);
        let plain_stamp = PlainStamp::new(&via, &source, force_rport);
        if let Some(plain) = &plain_stamp {
            let mut destination = source;
            destination.set_port(plain.port());
            assert_eq!(destination, reply_address(&via, source, force_rport));
        }
        let mut octets = [b'?'; Sheet::BYTES];
        let end = ReplyEnd::new(b"Server: s\r\n");
        let written =
            plain_stamp.and_then(|stamp| plain_reply(&mut octets, request, &stamp, reply, &end));
        let mut composed = Vec::new();
        let reply = Reply { last_headers: &[b"Server: s\r\n"], ..reply };
        let is_whole = super::super::reply(&mut composed, request, &stamp, reply);
        let plain = written.map(|length| octets[..length].to_vec());
        (plain, if is_whole { composed } else { vec![] })
    }

    proptest! {
        #[test]
        fn a_plain_reply_is_the_one_that_is_composed(
            via in select(&[
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n",
                "v:SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa;rport\r\n",
                "Via: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKa\r\n",
                "Via: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKa;rport=7\r\n",
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;received=192.0.2.7\r\n",
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa ;x=\"y\" \r\n",
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa, SIP/2.0/UDP b\r\n",
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\n",
            ][..]),
            more_vias in subsequence(&["Via: SIP/2.0/UDP b\r\n", "v: SIP/2.0/UDP c\n"][..], 0..3),
            others in subsequence(&[
                "Max-Forwards: 70\r\n",
                "Record-Route: <sip:p1;lr>\r\n",
                "Subject: long enough to have all that is before it copied with it\r\n",
            ][..], 0..4),
            known in (
                select(&["From: a <sip:a@a>;tag=1\r\n", "f: <sip:a>;tag=2 \r\n", "F: sip:a\n"][..]),
                select(&["To: b <sip:b@b>\r\n", "t: <sip:b>\t\r\n", "To: <sip:b>;tag=9\n"][..]),
                select(&["Call-ID: 1\r\n", "i: 1 \r\n", "Call-ID: 1\n"][..]),
                select(&["CSeq: 1 OPTIONS\r\n", "CSeq: 1 OPTIONS \n"][..]),
            ),
            has_call_id in proptest::bool::weighted(0.9),
            shuffled in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
            code in select(&[100_u16, 180, 200, 302, 404, 699][..]),
            reason in select(&["OK", "Not Found", "", "a\tb", "It takes some words to say so"][..]),
            to_tag in proptest::option::of(Just(*b"0123456789abcdef")),
            headers in subsequence(&["Contact: <sip:c>\r\n", "", "Expires: 9\r\n"][..], 0..4),
            last_octet in select(&[1_u8, 200][..]),
            force_rport: bool,
        ) {
            let (from, to, call_id, cseq) = known;
            let fixed = [from, to, if has_call_id { call_id } else { "X: y\r\n" }, cseq];
            let mut lines = vec![via];
            lines.extend(shuffled.into_iter().map(|place| fixed[place]).chain(others));
            lines.extend(more_vias);
            let headers: Vec<&[u8]> = headers.iter().map(|header| header.as_bytes()).collect();
            let reply = Reply {
                code,
                reason: reason.as_bytes(),
                to_tag,
                headers: &headers,
                last_headers: &[],
                body: b"",
            };
            let (plain, composed) = replies(&lines, ([192, 0, 2, last_octet], force_rport), reply);
            if let Some(plain) = plain {
                prop_assert_eq!(
                    String::from_utf8_lossy(&plain),
                    String::from_utf8_lossy(&composed)
                );
            }
        }
    }
}
