//! Messages and parts of messages made here.

mod plain;

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use super::octet::are_plain;
use super::scan::{Block, search};
use super::{HeaderName, Message, Param, Params, Pen, Rport, Sheet, Via};

pub use plain::{PlainStamp, ReplyEnd, plain_reply};

/// What a server writes into the topmost Via of a request it received (RFC 3261 §18.2.1,
/// RFC 3581 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViaStamp<'d> {
    /// The text of the Via.
    text: &'d [u8],
    params: Params<'d>,
    /// The parameter to replace by `received=...`; `None`: it is appended.
    old_received: Option<&'d [u8]>,
    /// Whether `received` is written at all.
    received: bool,
    /// How `rport` is written.
    rport: RportStamp<'d>,
    source: SocketAddr,
}

/// What becomes of `rport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RportStamp<'d> {
    /// Nothing.
    Keep,
    /// The parameter gets its value.
    Fill(&'d [u8]),
    /// The parameter is appended, though the client did not ask for it.
    Append,
}

impl<'d> ViaStamp<'d> {
    /// What to write into `via`, the topmost of a request from `source`. With `force_rport` the
    /// port is written even if the client did not ask for it.
    #[inline(always)]
    #[must_use]
    pub fn new(via: &Via<'d>, source: SocketAddr, force_rport: bool) -> Self {
        // A value that the client wrote there itself is not believed.
        let rport = match via.rport_text() {
            Some(text) => RportStamp::Fill(text),
            None if force_rport => RportStamp::Append,
            None => RportStamp::Keep,
        };
        let old_received = via.received_text();
        let received = rport != RportStamp::Keep
            || old_received.is_some()
            || super::host_ip(via.host) != Some(source.ip());
        Self { text: via.text, params: via.params, old_received, received, rport, source }
    }

    /// Whether the stamp writes this parameter anew.
    fn writes(&self, param: &Param<'_>) -> bool {
        (self.received && param.name.eq_ignore_ascii_case(b"received"))
            || (self.rport != RportStamp::Keep && param.name.eq_ignore_ascii_case(b"rport"))
    }

    /// The parameters that stay as they are, in two pieces that stand beside each other but for
    /// the `rport` between them. `None` if they have to be looked at one by one.
    fn kept_params(&self) -> Option<[&'d [u8]; 2]> {
        let params = self.params.text();
        if self.old_received.is_some() || !are_plain(params) {
            return None;
        }
        let RportStamp::Fill(rport) = self.rport else { return Some([params, &[]]) };
        let start = rport.as_ptr().addr() - params.as_ptr().addr();
        let behind = &params[start + rport.len()..];
        // Of two only the first is known.
        if !behind.is_empty() && Params::new(behind).get(b"rport").is_some() {
            return None;
        }
        Some([&params[..start.saturating_sub(1)], behind])
    }

    /// The piece of the Via that it replaces by what [`Self::write`] writes (empty: the end of the
    /// Via). `None` if it replaces two.
    #[inline(always)]
    #[must_use]
    pub fn place(&self) -> Option<&'d [u8]> {
        match (self.rport, self.old_received) {
            (RportStamp::Keep, old) => Some(old.unwrap_or_default()),
            (RportStamp::Fill(old), None) => Some(old),
            (RportStamp::Append, None) => Some(&[]),
            (_, Some(_)) => None,
        }
    }

    /// Writes what comes in the place that [`Self::place`] tells.
    #[inline(always)]
    #[must_use]
    pub fn write<'b>(&self, mut sheet: Sheet<'b>) -> Sheet<'b> {
        if !self.received {
            return sheet;
        }
        if self.place().is_some_and(<[u8]>::is_empty) {
            sheet = sheet.chunk(b";");
        }
        if self.rport != RportStamp::Keep {
            sheet = sheet.chunk(b"rport=").port(self.source.port()).chunk(b";");
        }
        sheet.chunk(b"received=").ip(self.source.ip())
    }

    /// Calls `replace` for each change: a piece of the Via (empty: its end) and the new text.
    pub fn changes(&self, mut replace: impl FnMut(&'d [u8], &[u8])) {
        if !self.received {
            return;
        }
        let mut text = ShortText::new(b"");
        if self.rport != RportStamp::Keep {
            text.text(b";rport=").decimal(self.source.port().into());
        }
        let mut place = match self.rport {
            RportStamp::Fill(old) => Some(old),
            RportStamp::Append | RportStamp::Keep => None,
        };
        if let Some(old) = self.old_received {
            // Each in a place of its own.
            if self.rport != RportStamp::Keep {
                let rport = text.as_bytes();
                replace(place.unwrap_or_default(), &rport[usize::from(place.is_some())..]);
                text = ShortText::new(b"");
            }
            place = Some(old);
        }
        text.text(b";received=").ip(self.source.ip());
        replace(place.unwrap_or_default(), &text.as_bytes()[usize::from(place.is_some())..]);
    }
}

/// Where a response goes (RFC 3261 §18.2.2, RFC 3581 §4) if `via` is the topmost Via of the
/// request, which came from `source`.
#[must_use]
pub fn reply_address(via: &Via<'_>, source: SocketAddr, force_rport: bool) -> SocketAddr {
    let sent_by_port = via.port.unwrap_or(5060);
    if let Some(maddr) = via.maddr().and_then(super::host_ip) {
        return SocketAddr::new(maddr, sent_by_port);
    }
    if force_rport || via.rport() != Rport::Absent {
        return source;
    }
    SocketAddr::new(source.ip(), sent_by_port)
}

/// What a response made here says (RFC 3261 §8.2.6).
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The status code.
    pub code: u16,
    /// The reason phrase.
    pub reason: &'a [u8],
    /// The tag that To gets; none if it has one, or is none that a tag can be added to.
    pub to_tag: Option<[u8; 16]>,
    /// Further header fields, as whole lines.
    pub headers: &'a [&'a [u8]],
    /// Those that come behind them.
    pub last_headers: &'a [&'a [u8]],
    /// The body; what it is is said by one of the header fields.
    pub body: &'a [u8],
}

/// How a response without a body ends.
const NO_BODY: &[u8] = b"Content-Length: 0\r\n\r\n";

/// Appends the response to `request` to `out`. False, with an unusable rest in `out`, if the
/// request lacks what every response repeats.
#[must_use]
pub fn reply(
    out: &mut Vec<u8>,
    request: Message<'_>,
    stamp: &ViaStamp<'_>,
    reply: Reply<'_>,
) -> bool {
    let Some(first_via) = request.line(HeaderName::Via) else { return false };
    status_line(out, reply.code, reply.reason);
    stamped_line(out, first_via, stamp);
    if request.is_repeated(HeaderName::Via) {
        for via in request.headers(HeaderName::Via).skip(1) {
            line(out, via.line);
        }
    }
    if makes_dialog(reply.code) {
        for route in request.headers(HeaderName::RecordRoute) {
            line(out, route.line);
        }
    }
    let Some(from) = request.line(HeaderName::From) else { return false };
    line(out, from);
    match (request.line(HeaderName::To), request.value(HeaderName::To), reply.to_tag) {
        (Some(to), Some(value), Some(tag)) if reply.code != 100 => {
            tagged_line(out, (to, value), tag);
        }
        (Some(to), _, _) => line(out, to),
        (None, _, _) => return false,
    }
    let names = [HeaderName::CallId, HeaderName::CSeq].map(|name| request.line(name));
    let [Some(call_id), Some(cseq)] = names else { return false };
    two_lines(out, request, [call_id, cseq]);
    for header in reply.headers.iter().chain(reply.last_headers).filter(|it| !it.is_empty()) {
        out.extend_from_slice(header);
    }
    if reply.body.is_empty() {
        out.extend_from_slice(NO_BODY);
    } else {
        let mut length = ShortText::new(b"Content-Length: ");
        length.decimal(reply.body.len()).text(b"\r\n\r\n");
        out.extend_from_slice(length.as_bytes());
        out.extend_from_slice(reply.body);
    }
    true
}

/// Appends the status line; a control character in the reason becomes a space.
fn status_line(out: &mut Vec<u8>, code: u16, reason: &[u8]) {
    let mut start = *b"SIP/2.0 000 ";
    let digits = [code / 100, code / 10 % 10, code % 10];
    for (place, digit) in start[8..11].iter_mut().zip(digits) {
        *place = b'0' + (digit % 10) as u8;
    }
    out.extend_from_slice(&start);
    let reason_start = out.len();
    out.extend_from_slice(reason);
    if has_controls(reason) {
        for byte in out[reason_start..].iter_mut().filter(|byte| byte.is_ascii_control()) {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether there is a control character in a reason phrase.
#[inline]
fn has_controls(reason: &[u8]) -> bool {
    let controls = |block: Block| block.at_most(0x1f) | block.is(0x7f);
    search(reason, controls, |byte| byte.is_ascii_control()).is_some()
}

/// Whether a response with this code can make a dialog, so that it repeats the Record-Routes
/// (RFC 3261 §12.1.1).
const fn makes_dialog(code: u16) -> bool {
    matches!(code, 101..=299)
}

/// Appends a header line, whose line break may be a bare LF, with a CRLF at its end.
#[inline]
fn line(out: &mut Vec<u8>, line: &[u8]) {
    if line.ends_with(b"\r\n") {
        return out.extend_from_slice(line);
    }
    out.extend_from_slice(without_break(line));
    out.extend_from_slice(b"\r\n");
}

/// Appends two header lines of the request: at once if the second one stands behind the first.
#[inline]
fn two_lines(out: &mut Vec<u8>, request: Message<'_>, [one, other]: [&[u8]; 2]) {
    if let Some(both) = together(request, [one, other]) {
        return out.extend_from_slice(both);
    }
    line(out, one);
    line(out, other);
}

/// Two header lines of the request that are whole, as one piece, if the second one stands behind
/// the first.
#[inline(always)]
fn together<'d>(request: Message<'d>, [one, other]: [&[u8]; 2]) -> Option<&'d [u8]> {
    let (start, next) = (request.offset_of(one), request.offset_of(other));
    if start + one.len() != next {
        return None;
    }
    whole(one)?;
    whole(other)?;
    request.bytes().get(start..next + other.len())
}

/// Appends a header line with `;tag=` behind its value.
#[inline]
fn tagged_line(out: &mut Vec<u8>, (line, value): (&[u8], &[u8]), tag: [u8; 16]) {
    out.extend_from_slice(&line[..end_in(line, value)]);
    out.extend_from_slice(&tag_param(tag));
}

/// The tag as a parameter, and the end of the line.
#[inline]
fn tag_param(tag: [u8; 16]) -> [u8; 23] {
    let mut param = *b";tag=0123456789abcdef\r\n";
    param[b";tag=".len()..][..tag.len()].copy_from_slice(&tag);
    param
}

/// Appends the first Via line, its first value with what `stamp` writes into it.
fn stamped_line(out: &mut Vec<u8>, line: &[u8], stamp: &ViaStamp<'_>) {
    let ViaStamp { text, params, .. } = *stamp;
    let start = text.as_ptr().addr() - line.as_ptr().addr();
    debug_assert!(line.len() >= start + text.len(), "the stamp is of this line's first value");
    let params_start = start + text.len() - params.text().len();
    match stamp.kept_params() {
        Some([before, behind]) => {
            out.extend_from_slice(&line[..params_start + before.len()]);
            if !behind.is_empty() {
                out.extend_from_slice(behind);
            }
        }
        None => {
            out.extend_from_slice(&line[..params_start]);
            for param in params.iter().filter(|param| !stamp.writes(param)) {
                out.push(b';');
                out.extend_from_slice(param.text);
            }
        }
    }
    let mut added = [0; ADDED_BYTES_MAX];
    let mut pen = Pen::new(&mut added);
    if stamp.rport != RportStamp::Keep {
        pen.text(b";rport=").port(stamp.source.port());
    }
    if stamp.received {
        pen.text(b";received=").ip(stamp.source.ip());
    }
    let rest = &line[start + text.len()..];
    let is_last = rest == b"\r\n";
    if is_last {
        pen.text(rest);
    }
    let length = pen.written().unwrap_or(0);
    out.extend_from_slice(&added[..length]);
    if !is_last {
        self::line(out, rest);
    }
}

/// Bytes that are added to a Via at most: `;rport=65535;received=`, an address, a line break.
const ADDED_BYTES_MAX: usize = 80;

/// Offset in `line` of the end of `part`, which must be a piece of it.
#[inline(always)]
fn end_in(line: &[u8], part: &[u8]) -> usize {
    let end = (part.as_ptr().addr() + part.len()).wrapping_sub(line.as_ptr().addr());
    debug_assert!(end <= line.len(), "not a part of this line");
    end
}

/// A line that ends as it should.
#[inline(always)]
fn whole(line: &[u8]) -> Option<&[u8]> {
    line.ends_with(b"\r\n").then_some(line)
}

/// A header line without its line break.
fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A short text put together from pieces: a header field's value, a parameter. What does not
/// fit is cut off.
#[derive(Clone, Copy, Debug)]
pub struct ShortText {
    bytes: [u8; 96],
    length: usize,
}

impl ShortText {
    /// The text `text`.
    #[inline]
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let mut short = Self { bytes: [0; 96], length: 0 };
        short.text(text);
        short
    }

    /// Adds `text`.
    #[inline]
    pub fn text(&mut self, text: &[u8]) -> &mut Self {
        let room = &mut self.bytes[self.length..];
        let length = text.len().min(room.len());
        room[..length].copy_from_slice(&text[..length]);
        self.length += length;
        self
    }

    /// Adds one octet.
    #[inline]
    fn octet(&mut self, octet: u8) -> &mut Self {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = octet;
            self.length += 1;
        }
        self
    }

    /// Adds a number, in decimal.
    #[inline]
    pub fn decimal(&mut self, number: usize) -> &mut Self {
        if number >= 256 {
            return self.large_decimal(number);
        }
        let [length, digits @ ..] = OCTETS[number];
        match self.bytes.get_mut(self.length..self.length + digits.len()) {
            Some(place) => {
                place.copy_from_slice(&digits);
                self.length += usize::from(length);
                self
            }
            None => self.text(&digits[..usize::from(length)]),
        }
    }

    /// Adds a number of several digits.
    fn large_decimal(&mut self, number: usize) -> &mut Self {
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = number;
        while rest > 0 && start > 0 {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.text(&digits[start..])
    }

    /// Adds an address; an IPv6 address without brackets.
    pub fn ip(&mut self, ip: IpAddr) -> &mut Self {
        match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets().map(usize::from);
                self.decimal(a).octet(b'.').decimal(b).octet(b'.');
                self.decimal(c).octet(b'.').decimal(d)
            }
            IpAddr::V6(ip) => {
                let mut room = &mut self.bytes[self.length..];
                // The longest IPv6 address has 45 characters.
                let _ = write!(room, "{ip}");
                let left = room.len();
                self.length = self.bytes.len() - left;
                self
            }
        }
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The numbers of an octet in decimal: how many digits, and the digits.
static OCTETS: [[u8; 4]; 256] = {
    let mut octets = [[0; 4]; 256];
    let mut number = 0;
    while number < octets.len() {
        let digits = [number / 100, number / 10 % 10, number % 10];
        let length = if number > 99 {
            3
        } else if number > 9 {
            2
        } else {
            1
        };
        octets[number][0] = length;
        let mut place = 0;
        while place < length as usize {
            octets[number][1 + place] = b'0' + digits[3 - length as usize + place] as u8;
            place += 1;
        }
        number += 1;
    }
    octets
};

/// Writes `host` or `host:port` as a sent-by, an IPv6 address in brackets (RFC 3261 §25.1
/// `sent-by`). The default port is left out.
pub fn sent_by(out: &mut Vec<u8>, address: SocketAddr) {
    let mut text = ShortText::new(b"");
    match address.ip() {
        ip @ IpAddr::V4(_) => text.ip(ip),
        ip @ IpAddr::V6(_) => text.text(b"[").ip(ip).text(b"]"),
    };
    if address.port() != 5060 {
        text.text(b":").decimal(address.port().into());
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in (0..=1_001).chain([5_060, 65_535, usize::MAX]) {
            let mut text = ShortText::new(b"");
            text.decimal(number);
            assert_eq!(text.as_bytes(), number.to_string().as_bytes());
        }
    }

    proptest! {
        #[test]
        fn params_that_stay_are_those_that_are_not_written(
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    ";branch=z9hG4bKa", ";rport", ";rport=5", ";RPORT", ";received=192.0.2.7", ";x",
                    ";maddr=\"a;b\"", " ;y = 1", ";rports=1",
                ][..]),
                0..6,
            ),
            force_rport: bool,
        ) {
            let text = format!("SIP/2.0/UDP 192.0.2.1{}", pieces.concat());
            let via = Via::parse(text.as_bytes()).unwrap();
            for source in [([192, 0, 2, 1], 5060), ([192, 0, 2, 9], 1024)] {
                let stamp = ViaStamp::new(&via, source.into(), force_rport);
                let one_by_one = via.params.iter().filter(|param| !stamp.writes(param));
                let one_by_one: Vec<u8> =
                    one_by_one.flat_map(|param| [b";", param.text].concat()).collect();
                if let Some(kept) = stamp.kept_params() {
                    prop_assert_eq!(kept.concat(), one_by_one);
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_off() {
        let mut text = ShortText::new(&[b'x'; 94]);
        assert!(text.decimal(255).decimal(65_535).octet(b'.').as_bytes().ends_with(b"x25"));
    }
}
