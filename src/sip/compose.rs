//! Messages and parts of messages made here.

use std::io::Write;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::octet::are_plain;
use super::{HeaderName, Message, Param, Params, Rport, Via};

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

impl<'d> RportStamp<'d> {
    /// The parameter that gets its value; empty if there is none yet.
    const fn place(self) -> &'d [u8] {
        match self {
            Self::Fill(old) => old,
            Self::Append | Self::Keep => &[],
        }
    }
}

impl<'d> ViaStamp<'d> {
    /// Bytes that [`Self::write`] writes at most.
    pub const BYTES_MAX: usize = ";rport=65535;received=".len() + 45;

    /// What to write into `via`, the topmost of a request from `source`. With `force_rport` the
    /// port is written even if the client did not ask for it.
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

    /// The piece of the Via that it replaces by what [`Self::write`] writes (empty: the end of the
    /// Via), if that is all it does, as it almost always is.
    #[inline]
    #[must_use]
    pub fn place(&self) -> Option<&'d [u8]> {
        match (self.rport, self.old_received) {
            (RportStamp::Keep, old) => Some(old.unwrap_or_default()),
            (rport, None) => Some(rport.place()),
            (_, Some(_)) => None,
        }
    }

    /// Writes what comes in the place of [`Self::place`]; nothing if nothing changes.
    #[inline]
    pub fn write(&self, pen: &mut Pen<'_>) {
        if !self.received {
            return;
        }
        if self.place().is_some_and(<[u8]>::is_empty) {
            pen.octet(b';');
        }
        if self.rport != RportStamp::Keep {
            pen.text(b"rport=").port(self.source.port()).octet(b';');
        }
        pen.text(b"received=").ip(self.source.ip());
    }

    /// Calls `replace` for each change: a piece of the Via (empty: its end) and the new text.
    pub fn changes(&self, mut replace: impl FnMut(&'d [u8], &[u8])) {
        if !self.received {
            return;
        }
        if let Some(old) = self.place() {
            return replace(old, ShortText::written(|pen| self.write(pen)).as_bytes());
        }
        let old = self.rport.place();
        let rport = ShortText::written(|pen| {
            pen.text(b";rport=").port(self.source.port());
        });
        replace(old, &rport.as_bytes()[usize::from(!old.is_empty())..]);
        let received = ShortText::written(|pen| {
            pen.text(b"received=").ip(self.source.ip());
        });
        replace(self.old_received.unwrap_or_default(), received.as_bytes());
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
    /// The tag for To, where the request has none.
    pub to_tag: &'a [u8],
    /// Further header fields, as whole lines.
    pub headers: &'a [&'a [u8]],
}

/// Appends the response to `request` to `out`. False, with an unusable rest in `out`, if the
/// request lacks what every response repeats.
#[must_use]
pub fn reply(
    out: &mut Vec<u8>,
    request: Message<'_>,
    stamp: &ViaStamp<'_>,
    reply: Reply<'_>,
) -> bool {
    let Some(first_via) = request.header(HeaderName::Via) else { return false };
    out.extend_from_slice(b"SIP/2.0 ");
    out.extend_from_slice(ShortText::decimal(reply.code.into()).as_bytes());
    out.push(b' ');
    let reason_start = out.len();
    out.extend_from_slice(reply.reason);
    for byte in out[reason_start..].iter_mut().filter(|byte| byte.is_ascii_control()) {
        *byte = b' ';
    }
    out.extend_from_slice(b"\r\n");
    stamped_line(out, first_via.line, first_via.value, stamp);
    for via in request.headers(HeaderName::Via).skip(1) {
        line(out, via.line);
    }
    if makes_dialog(reply.code) {
        for route in request.headers(HeaderName::RecordRoute) {
            line(out, route.line);
        }
    }
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        let Some(header) = request.header(name) else { return false };
        if name == HeaderName::To && reply.code != 100 && !has_tag(header.value) {
            tagged_line(out, header.line, header.value, reply.to_tag);
        } else {
            line(out, header.line);
        }
    }
    for header in reply.headers {
        out.extend_from_slice(header);
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    true
}

/// Whether a response with this code can make a dialog, so that it repeats the Record-Routes
/// (RFC 3261 §12.1.1).
const fn makes_dialog(code: u16) -> bool {
    matches!(code, 101..=299)
}

/// Whether a To value has a tag. A value that does not parse is left as it is.
fn has_tag(value: &[u8]) -> bool {
    super::NameAddr::parse(value).map_or(true, |address| address.tag().is_some())
}

/// Appends a header line, whose line break may be a bare LF, with a CRLF at its end.
fn line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(without_break(line));
    out.extend_from_slice(b"\r\n");
}

/// Appends a header line with `;tag=` behind its value.
fn tagged_line(out: &mut Vec<u8>, line: &[u8], value: &[u8], tag: &[u8]) {
    let end = value.as_ptr().addr() + value.len() - line.as_ptr().addr();
    out.extend_from_slice(&line[..end]);
    out.extend_from_slice(b";tag=");
    out.extend_from_slice(tag);
    out.extend_from_slice(b"\r\n");
}

/// Appends the first Via line, its first value with what `stamp` writes into it.
fn stamped_line(out: &mut Vec<u8>, line: &[u8], value: &[u8], stamp: &ViaStamp<'_>) {
    let ViaStamp { text, params, .. } = *stamp;
    let start = text.as_ptr().addr() - line.as_ptr().addr();
    debug_assert!(value.len() >= text.len(), "the stamp is of this line's first value");
    let params_start = start + text.len() - params.text().len();
    out.extend_from_slice(&line[..params_start]);
    if !stamp.received && are_plain(params.text()) {
        out.extend_from_slice(params.text());
    } else {
        for param in params.iter().filter(|param| !stamp.writes(param)) {
            out.push(b';');
            out.extend_from_slice(param.text);
        }
    }
    if stamp.rport != RportStamp::Keep {
        out.extend_from_slice(b";rport=");
        out.extend_from_slice(ShortText::decimal(stamp.source.port().into()).as_bytes());
    }
    if stamp.received {
        let received = ShortText::written(|pen| {
            pen.text(b";received=").ip(stamp.source.ip());
        });
        out.extend_from_slice(received.as_bytes());
    }
    out.extend_from_slice(without_break(&line[start + text.len()..]));
    out.extend_from_slice(b"\r\n");
}

/// A header line without its line break.
fn without_break(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Writes texts one behind the other into a buffer.
#[derive(Debug)]
pub struct Pen<'b> {
    room: &'b mut [u8],
    length: usize,
    /// Whether something did not fit.
    is_cut: bool,
}

impl<'b> Pen<'b> {
    /// A pen at the start of `room`.
    #[inline]
    #[must_use]
    pub const fn new(room: &'b mut [u8]) -> Self {
        Self { length: room.len(), room, is_cut: false }
    }

    /// How many bytes are written; `None` if not everything fitted.
    #[inline]
    #[must_use]
    pub const fn written(&self) -> Option<usize> {
        if self.is_cut { None } else { Some(self.length - self.room.len()) }
    }

    /// Writes `text`. Of one that does not fit, nothing is written.
    #[inline]
    pub fn text(&mut self, text: &[u8]) -> &mut Self {
        if let Some(place) = self.next(text.len()) {
            place.copy_from_slice(text);
        }
        self
    }

    /// Writes one octet.
    #[inline]
    pub fn octet(&mut self, octet: u8) -> &mut Self {
        self.text(&[octet])
    }

    /// Writes a number, in decimal.
    pub fn decimal(&mut self, number: usize) -> &mut Self {
        match u16::try_from(number) {
            Ok(number) => self.port(number),
            Err(_) => self.decimal(number / 100).pair((number % 100) as u8),
        }
    }

    /// Writes a number with two digits.
    fn pair(&mut self, number: u8) -> &mut Self {
        self.text(&[b'0' + number / 10, b'0' + number % 10])
    }

    /// Writes the number of a port, or another one that is as small, in decimal.
    #[inline]
    pub fn port(&mut self, number: u16) -> &mut Self {
        let (high, low) = (number / 100, number % 100);
        let pairs = [high / 100, high % 100, low].map(|pair| PAIRS[usize::from(pair)]);
        let [[a, b], [c, d], [e, f]] = pairs;
        let digits = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
        // The last digit is written also if it is a zero.
        let significant = digits & 0x0000_0f0f_0f0f_0f0f | 1 << 40;
        let zeros = significant.trailing_zeros() as usize / 8;
        self.digits((digits >> (8 * zeros)).to_le_bytes(), 6 - zeros)
    }

    /// Writes an address; an IPv6 address without brackets.
    #[inline]
    pub fn ip(&mut self, ip: IpAddr) -> &mut Self {
        match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                self.small(a).octet(b'.').small(b).octet(b'.');
                self.small(c).octet(b'.').small(d)
            }
            IpAddr::V6(ip) => self.ipv6(ip),
        }
    }

    /// Writes an IPv6 address, without brackets.
    #[inline(never)]
    fn ipv6(&mut self, ip: Ipv6Addr) -> &mut Self {
        // The longest one has 45 characters.
        let mut text = [0; 45];
        let mut rest = &mut text[..];
        let _ = write!(rest, "{ip}");
        let left = rest.len();
        self.text(&text[..text.len() - left])
    }

    /// Writes a number below 256, in decimal.
    #[inline]
    fn small(&mut self, number: u8) -> &mut Self {
        let [length, digits @ ..] = OCTETS[usize::from(number)];
        self.digits(digits, usize::from(length))
    }

    /// Writes the first `length` of `digits`. Where there is room, all are copied at once.
    #[inline]
    fn digits<const MOST: usize>(&mut self, digits: [u8; MOST], length: usize) -> &mut Self {
        match self.room.first_chunk_mut() {
            Some(place) => {
                *place = digits;
                self.next(length);
                self
            }
            None => self.text(&digits[..length]),
        }
    }

    /// The next `length` bytes.
    #[inline]
    fn next(&mut self, length: usize) -> Option<&'b mut [u8]> {
        let room = std::mem::take(&mut self.room);
        if length > room.len() {
            self.is_cut = true;
            return None;
        }
        let (next, rest) = room.split_at_mut(length);
        self.room = rest;
        Some(next)
    }
}

/// A short text put together from pieces: a header field's value, a parameter. What does not
/// fit is left out.
#[derive(Clone, Copy, Debug)]
pub struct ShortText {
    bytes: [u8; 96],
    length: usize,
}

impl ShortText {
    /// The text that `write` writes.
    #[inline]
    #[must_use]
    pub fn written(write: impl FnOnce(&mut Pen<'_>)) -> Self {
        let mut short = Self { bytes: [0; 96], length: 0 };
        let mut pen = Pen::new(&mut short.bytes);
        write(&mut pen);
        short.length = pen.written().unwrap_or_default();
        short
    }

    /// A number, in decimal.
    #[inline]
    #[must_use]
    pub fn decimal(number: usize) -> Self {
        Self::written(|pen| {
            pen.decimal(number);
        })
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The numbers below 100, with two digits each.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

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
    let text = ShortText::written(|pen| {
        match address.ip() {
            ip @ IpAddr::V4(_) => pen.ip(ip),
            ip @ IpAddr::V6(_) => pen.octet(b'[').ip(ip).octet(b']'),
        };
        if address.port() != 5060 {
            pen.octet(b':').port(address.port());
        }
    });
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in (0..=10_101).chain([25_599, 25_600, 65_535, 65_536, 1_000_000, usize::MAX]) {
            assert_eq!(ShortText::decimal(number).as_bytes(), number.to_string().as_bytes());
        }
    }

    #[test]
    fn nothing_is_written_once_something_does_not_fit() {
        let mut room = [b'-'; 8];
        let mut pen = Pen::new(&mut room);
        assert_eq!(pen.port(65_535).text(b"abc").written(), Some(8));
        assert_eq!(pen.text(b"").written(), Some(8));
        let mut pen = Pen::new(&mut room);
        assert_eq!(pen.text(b"1234567").port(99).octet(b'8').written(), None);
        assert_eq!(&room[..7], b"1234567");
    }

    proptest! {
        #[test]
        fn addresses_are_written_as_the_formatter_does(ip: u32, port: u16, room in 0_usize..32) {
            let ip = Ipv4Addr::from_bits(ip);
            let expected = format!("{ip}:{port}");
            let mut room = vec![b'-'; room];
            let mut pen = Pen::new(&mut room);
            match pen.ip(ip.into()).octet(b':').port(port).written() {
                Some(length) => prop_assert_eq!(&room[..length], expected.as_bytes()),
                None => prop_assert!(room.len() < expected.len()),
            }
        }
    }
}
