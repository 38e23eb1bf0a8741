//! Via (RFC 3261 §20.42, RFC 3581).
//! As for [URIs](super::uri) there are readers for the usual, the plain and any form.

use std::net::IpAddr;
use std::ops::Range;

use super::host::{host_ip, host_len, ipv4, ipv6, leading_port, parse_port};
use super::octet::{
    equal, host_prefix_len, is_space, is_token, last_number, leading_number, number, prefix_len,
    short_host_len, skip_space, starts_with, trim,
};
use super::params::{self, PlainEdges, unquoted};
use super::scan::edges_ahead;
use super::{Items, Params, ParseError};

/// What the branch of every RFC 3261 element starts with (RFC 3261 §8.1.1.7).
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// How almost all Via values start.
const PLAIN_START: &[u8] = b"SIP/2.0/UDP ";

/// Octets that the reader of the usual form may look at, of which a value need not have so many:
/// asked for once, as all that it reads lies within them.
const USUAL_BYTES: usize = 128;

/// One Via value; all parts are pieces of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'d> {
    /// All of it, without surrounding white space.
    pub text: &'d [u8],
    /// The transport: `UDP`, `TCP` …, as written.
    pub transport: &'d [u8],
    /// Host of the sent-by; an IPv6 address with its brackets.
    pub host: &'d [u8],
    /// Port of the sent-by, if one is written.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport`, `maddr` …
    pub params: Params<'d>,
    places: Places,
}

/// Where the parameters are that are asked for again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places {
    branch: Place,
    received: Place,
    rport: Place,
    maddr: Place,
}

impl Places {
    /// Keeps that of a parameter; the first, should it stand twice.
    fn note(&mut self, name: &[u8], place: Place) {
        let known = match name {
            name if name.eq_ignore_ascii_case(b"branch") => &mut self.branch,
            name if name.eq_ignore_ascii_case(b"rport") => &mut self.rport,
            name if name.eq_ignore_ascii_case(b"received") => &mut self.received,
            name if name.eq_ignore_ascii_case(b"maddr") => &mut self.maddr,
            _ => return,
        };
        if known.is_none() {
            *known = place;
        }
    }

    /// As [`Self::note`], if the name is spelled as almost all are, and stands there once.
    #[inline(always)]
    fn note_plain(&mut self, name: &[u8], place: Place) -> Option<()> {
        if equal(name, b"rport") && self.rport.is_none() {
            self.rport = place;
        } else if equal(name, b"received") && self.received.is_none() {
            self.received = place;
        } else if equal(name, b"branch") && self.branch.is_none() {
            self.branch = place;
        } else if is_asked_for(name) {
            return None;
        }
        Some(())
    }
}

/// Whether it is the name of a parameter that has a place, in any case.
#[inline(never)]
pub(super) fn is_asked_for(name: &[u8]) -> bool {
    let names = [&b"branch"[..], b"rport", b"received", b"maddr"];
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Where a parameter is in the text of all: where it starts, where its value does, or 0 if it has
/// none, and where it ends, 16 bits each, the lowest first. All 0 if it is nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place(u64);

impl Place {
    /// Nowhere.
    const NONE: Self = Self(0);

    /// From where it starts, where its value does, and where it ends. [`Via::parse`] refuses longer
    /// texts than these can say.
    #[inline]
    const fn new([start, value, end]: [usize; 3]) -> Self {
        Self(start as u64 | (value as u64) << 16 | (end as u64) << 32)
    }

    /// Whether it is nowhere.
    #[inline]
    const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Where it ends.
    #[inline]
    const fn end(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// How long its value is; 0 if it has none.
    #[inline]
    const fn value_len(self) -> usize {
        let start = (self.0 >> 16) as u16 as usize;
        if start == 0 { 0 } else { self.end().wrapping_sub(start) }
    }

    /// Where the semicolon before it is, and where it ends; the same if it is nowhere.
    #[inline]
    const fn with_semicolon(self) -> (usize, usize) {
        ((self.0 as u16 as usize).saturating_sub(1), self.end())
    }

    /// The text of the parameter.
    #[inline]
    fn text(self, params: Params<'_>) -> Option<&[u8]> {
        params.text().get(self.0 as u16 as usize..self.end()).filter(|_| !self.is_none())
    }

    /// Its value.
    #[inline]
    fn value(self, params: Params<'_>) -> Option<&[u8]> {
        let start = (self.0 >> 16) as u16 as usize;
        params.text().get(start..self.end()).filter(|_| start > 0)
    }
}

/// The `rport` parameter (RFC 3581 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rport<'d> {
    /// Not there.
    Absent,
    /// There without a value that is a port, waiting to be filled in; the parameter's text.
    Requested(&'d [u8]),
    /// Filled in.
    Filled(u16),
}

impl<'d> Via<'d> {
    /// No Via.
    pub(super) const NONE: Self = Self {
        text: &[],
        transport: &[],
        host: &[],
        port: None,
        params: Params::new(&[]),
        places: Places {
            branch: Place::NONE,
            received: Place::NONE,
            rport: Place::NONE,
            maddr: Place::NONE,
        },
    };

    /// Parses one Via value. White space may be where the grammar allows it. The version may be
    /// any, so that a request of another one can be answered.
    ///
    /// # Errors
    ///
    /// [`ParseError::Via`].
    #[inline(never)]
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        match Self::parse_plain(text) {
            Some(via) => Ok(via),
            None => Self::parse_any(text).ok_or(ParseError::Via),
        }
    }

    /// Parses the first Via value of a header field. `None` if it is malformed.
    pub(crate) fn parse_first(value: &'d [u8]) -> Option<Self> {
        let mut via = Self::NONE;
        via.read_any_first(value).then_some(via)
    }

    /// As [`Self::parse_first`], into a place that is there; false if it is malformed. The value is
    /// the first `length` octets of `line`.
    #[inline(always)]
    pub(super) fn read_first(&mut self, line: &'d [u8], length: usize) -> bool {
        let Some(value) = line.get(..length) else { return false };
        if let Some(via) = Self::parse_usual(line, value) {
            *self = via;
            return true;
        }
        self.read_any_first(value)
    }

    /// As [`Self::read_first`], of any value.
    #[cold]
    #[inline(never)]
    fn read_any_first(&mut self, value: &'d [u8]) -> bool {
        // A Via that is well-formed up to the end of its line is alone there.
        let any = || Self::parse_any(value);
        let first = || Self::parse_any(Items::new(value).next()?);
        match Self::parse_plain(value).or_else(any).or_else(first) {
            Some(via) => *self = via,
            None => return false,
        }
        true
    }

    /// As [`Self::parse_plain`], of the `text` that `line` starts with, with the parameters that
    /// almost all clients write: a branch, and `rport` without a value behind it, before it, or not
    /// at all. What is looked at is so much of the line that nothing need be asked for its length.
    #[inline(always)]
    fn parse_usual(line: &'d [u8], text: &'d [u8]) -> Option<Self> {
        let line = line.first_chunk::<USUAL_BYTES>()?.as_slice();
        let rest = line.strip_prefix(PLAIN_START)?;
        let (host, rest) = rest.split_at_checked(short_host_len(*rest.first_chunk()?)?)?;
        let ahead = *rest.first_chunk()?;
        let (port, params) = if starts_with(ahead, b":5060;") {
            (Some(5060), rest.get(5..)?)
        } else if ahead[0] == b':' {
            let (port, digits) = leading_number(*rest.get(1..)?.first_chunk()?)?;
            (Some(u16::try_from(port).ok()?), rest.get(1 + digits..)?)
        } else {
            (None, rest)
        };
        let params_start = line.len() - params.len();
        let (rport_first, rest) = match params.strip_prefix(b";rport") {
            Some(rest) => (b";rport".len(), rest),
            None => (0, params),
        };
        let branch = rest.strip_prefix(b";branch=")?;
        let length = text.len().checked_sub(params_start + rport_first + 8)?;
        let edges = edges_ahead(branch, length)?;
        let branch_len = edges.trailing_zeros() as usize;
        let branch_start = rport_first + 8;
        let branch_place = Place::new([rport_first + 1, branch_start, branch_start + branch_len]);
        let mut places = Places { branch: branch_place, ..Places::default() };
        if branch_len < length {
            let is_rport = starts_with(*branch.get(branch_len..)?.first_chunk()?, b";rport");
            let is_last = edges >> branch_len == 1 | 1 << b";rport".len();
            if !is_rport || !is_last || rport_first > 0 {
                return None;
            }
            places.rport = Place::new([8 + branch_len + 1, 0, 8 + length]);
        } else if rport_first > 0 {
            places.rport = Place::new([1, 0, rport_first]);
        }
        let transport = &line[PLAIN_START.len() - 4..PLAIN_START.len() - 1];
        let params = Params::new(text.get(params_start..)?);
        Some(Self { text, transport, host, port, params, places })
    }

    /// Parses a value as almost all are: UDP, no IPv6 address, parameters that are short, without
    /// quotes and white space. `None` for another one.
    #[inline(always)]
    fn parse_plain(text: &'d [u8]) -> Option<Self> {
        let rest = text.strip_prefix(PLAIN_START)?;
        let (host, rest) = rest.split_at_checked(host_prefix_len(rest))?;
        let (port, params) = match rest.strip_prefix(b":") {
            None => (None, rest),
            Some(behind) => match behind.strip_prefix(b"5060") {
                Some(params @ [b';', ..]) => (Some(5060), params),
                _ => {
                    let (port, digits) = leading_number(*behind.first_chunk()?)?;
                    (Some(u16::try_from(port).ok()?), behind.get(digits..)?)
                }
            },
        };
        if host.is_empty() || text.len() > usize::from(u16::MAX) {
            return None;
        }
        let transport = &text[PLAIN_START.len() - 4..PLAIN_START.len() - 1];
        let mut places = Places::default();
        let mut edges = PlainEdges::of(params)?;
        let mut behind = 0;
        if params.first_chunk() == Some(b";branch=") {
            // As the first of almost all is.
            behind = edges.behind_value(params, 7);
            places.branch = Place::new([1, 8, behind]);
        }
        if behind < params.len() {
            // The others of almost all, in either order.
            places.rport = rport_at(params, &mut behind, &mut edges);
            places.received = value_at(params, b";received=", &mut behind, &mut edges);
            if places.rport.is_none() {
                places.rport = rport_at(params, &mut behind, &mut edges);
            }
        }
        let params = Params::new(params);
        if behind < params.text().len() {
            params.walk_from(behind, edges, |name, place| {
                let params::Place { start, value, end } = place;
                places.note_plain(name, Place::new([start, value, end]))
            })?;
        }
        Some(Self { text, transport, host, port, params, places })
    }

    /// Parses any value.
    #[inline(never)]
    fn parse_any(text: &'d [u8]) -> Option<Self> {
        let text = trim(text);
        let (transport, rest) = transport(text)?;
        let (host, port, rest) = sent_by(rest)?;
        let params = Params::new(rest);
        let mut places = Places::default();
        let is_whole = params.walk(|param| {
            let start = offset(param.text, rest);
            let value = param.value.map_or(0, |value| offset(value, rest));
            places.note(param.name, Place::new([start, value, start + param.text.len()]));
        });
        if !is_whole || text.len() > usize::from(u16::MAX) {
            return None;
        }
        Some(Self { text, transport, host, port, params, places })
    }

    /// The branch parameter.
    #[must_use]
    pub fn branch(&self) -> Option<&'d [u8]> {
        self.places.branch.value(self.params)
    }

    /// Whether the branch identifies the transaction, see [`transaction_id`].
    #[must_use]
    pub fn has_cookie(&self) -> bool {
        self.branch().and_then(transaction_id).is_some()
    }

    /// What the branch says behind its cookie ([`transaction_id`]), in a Via as almost all are:
    /// with the cookie in its usual spelling and without `maddr`.
    #[inline]
    #[must_use]
    pub fn plain_id(&self) -> Option<&'d [u8]> {
        let Place(branch) = self.places.branch;
        let value = usize::from((branch >> 16) as u16)..(branch >> 32) as usize;
        let id = self.params.text().get(value)?.strip_prefix(MAGIC_COOKIE)?;
        (self.places.maddr.is_none() && !id.is_empty()).then_some(id)
    }

    /// Where the rport parameter is in the text of all, if there is one and no received.
    #[inline]
    pub(crate) fn only_rport(&self) -> Option<Range<usize>> {
        let Places { rport, received, .. } = self.places;
        let is_only = !rport.is_none() && received.is_none();
        is_only.then(|| usize::from(rport.0 as u16)..rport.end())
    }

    /// Whether there is a parameter that tells where the request came from, or asks for it.
    #[inline]
    pub(crate) const fn is_stamped(&self) -> bool {
        !self.places.rport.is_none() || !self.places.received.is_none()
    }

    /// The address in the received parameter (RFC 3261 §18.2.1). An IPv6 address may have
    /// brackets or not (RFC 5118 §4.5).
    #[inline]
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let value = self.places.received.value(self.params)?;
        match ipv4(value) {
            Some(ip) => Some(IpAddr::V4(ip)),
            None => other_received(value),
        }
    }

    /// The rport parameter. A value that is not a port counts as none, so that it gets replaced.
    #[must_use]
    pub fn rport(&self) -> Rport<'d> {
        let Some(text) = self.places.rport.text(self.params) else { return Rport::Absent };
        // It ends with its value.
        let port = match last_number(text, self.places.rport.value_len()) {
            Some(number) => u16::try_from(number).ok(),
            None => self.places.rport.value(self.params).and_then(parse_port),
        };
        port.map_or(Rport::Requested(text), Rport::Filled)
    }

    /// The maddr parameter.
    #[must_use]
    pub fn maddr(&self) -> Option<&'d [u8]> {
        self.places.maddr.value(self.params).filter(|host| !host.is_empty())
    }

    /// Whether there is an rport parameter.
    #[inline]
    pub(super) const fn has_rport(&self) -> bool {
        !self.places.rport.is_none()
    }

    /// Where the branch is in the text of all parameters, the semicolon before it included, if
    /// nothing stands beside it but `rport`.
    #[inline]
    pub(super) fn only_branch(&self) -> Option<(usize, usize)> {
        let Places { branch, rport, .. } = self.places;
        let (start, end) = branch.with_semicolon();
        let (rport_start, rport_end) = rport.with_semicolon();
        // Neither lies in the other, so that there is room for nothing else.
        let are_all = end - start + (rport_end - rport_start) == self.params.text().len();
        (are_all && start < end).then_some((start, end))
    }

    /// The rport parameter as it stands.
    pub(super) fn rport_text(&self) -> Option<&'d [u8]> {
        self.places.rport.text(self.params)
    }

    /// The received parameter as it stands.
    pub(super) fn received_text(&self) -> Option<&'d [u8]> {
        self.places.received.text(self.params)
    }

    /// The ttl parameter.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        number(self.params.get(b"ttl")?.value?).and_then(|ttl| u8::try_from(ttl).ok())
    }
}

/// The address that a value of received is which is not just an IPv4 address.
#[inline(never)]
fn other_received(value: &[u8]) -> Option<IpAddr> {
    let value = unquoted(value);
    host_ip(value).or_else(|| ipv6(value).map(IpAddr::V6))
}

/// The `rport` parameter that stands at `at`, with a value or without one; nowhere if it does not.
/// `at` becomes the end of it.
#[inline(always)]
fn rport_at(params: &[u8], at: &mut usize, edges: &mut PlainEdges) -> Place {
    let name = b";rport";
    match params.get(*at..).and_then(|rest| rest.strip_prefix(name)) {
        Some([] | [b';', ..]) => {
            let start = *at + 1;
            *at += name.len();
            Place::new([start, 0, *at])
        }
        _ => value_at(params, b";rport=", at, edges),
    }
}

/// The parameter that stands at `at`, if `name` does, its semicolon and its equals sign; nowhere if
/// it does not. `at` becomes the end of it.
#[inline(always)]
fn value_at(params: &[u8], name: &[u8], at: &mut usize, edges: &mut PlainEdges) -> Place {
    if !params.get(*at..).is_some_and(|rest| rest.starts_with(name)) {
        return Place::NONE;
    }
    let start = *at;
    *at = edges.behind_value(params, start + name.len() - 1);
    Place::new([start + 1, start + name.len(), *at])
}

/// What identifies the transaction of a branch: the text behind the [`MAGIC_COOKIE`]. `None` if it
/// does not start with that or ends there (RFC 4475 §3.2.1): the rules of RFC 2543 apply then.
#[inline]
#[must_use]
pub fn transaction_id(branch: &[u8]) -> Option<&[u8]> {
    let (cookie, id) = branch.split_first_chunk::<{ MAGIC_COOKIE.len() }>()?;
    let is_cookie = cookie == MAGIC_COOKIE || cookie.eq_ignore_ascii_case(MAGIC_COOKIE);
    (is_cookie && !id.is_empty()).then_some(id)
}

/// Offset of `part` in the text of all parameters.
#[inline]
fn offset(part: &[u8], params: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(params.as_ptr().addr())
}

/// The transport of a Via, and what stands behind it.
#[inline]
fn transport(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(rest) = text.strip_prefix(b"SIP/2.0/UDP ") {
        return Some((&text[8..11], rest));
    }
    let (transport, rest) = token(skip_space(after_version(text)?))?;
    let is_spaced = rest.first().is_some_and(|byte| is_space(*byte));
    is_spaced.then_some((transport, rest))
}

/// The host and the port that a sent-by is, white space around it, and what stands behind it.
#[inline]
fn sent_by(text: &[u8]) -> Option<(&[u8], Option<u16>, &[u8])> {
    let text = skip_space(text);
    let (host, rest) = text.split_at(host_len(text)?);
    let rest = skip_space(rest);
    match rest.strip_prefix(b":") {
        None => Some((host, None, rest)),
        Some(behind) => {
            let (port, rest) = leading_port(skip_space(behind))?;
            Some((host, Some(port), skip_space(rest)))
        }
    }
}

/// What stands behind the second slash of `SIP / version /`.
fn after_version(text: &[u8]) -> Option<&[u8]> {
    let (protocol, rest) = token(text)?;
    let rest = skip_space(rest).strip_prefix(b"/")?;
    let (_version, rest) = token(skip_space(rest))?;
    let rest = skip_space(rest).strip_prefix(b"/")?;
    protocol.eq_ignore_ascii_case(b"SIP").then_some(rest)
}

/// The token that `text` starts with, and the rest.
#[inline]
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = prefix_len(text, is_token);
    (length > 0).then(|| text.split_at(length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_via_is_parsed_as_any(
            host in proptest::sample::select(&["a", "192.0.2.1", "a_b", "[::1]", ""][..]),
            port in proptest::sample::select(&["", ":5060", ":65536", ":", ":0", ":506 "][..]),
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    ";branch=", ";rport", ";received=", ";BRANCH=", "z9hG4bK",
                    "192.0.2.9", ";", "=", "5060", ";maddr", ";ttl=1", "\"", ",", " ", "<", "!",
                    "+",
                    "01234567890123456789",
                ][..]),
                0..9,
            ),
            behind in "\r\n[ -~]{0,180}",
        ) {
            let text = format!("SIP/2.0/UDP {host}{port}{}", pieces.concat());
            let line = text.clone() + &behind;
            if let Some(via) = Via::parse_usual(line.as_bytes(), text.as_bytes()) {
                prop_assert_eq!(Via::parse_any(text.as_bytes()), Some(via));
            }
            if let Some(via) = Via::parse_plain(text.as_bytes()) {
                prop_assert_eq!(Via::parse_any(text.as_bytes()), Some(via));
            }
        }
    }

    #[test]
    fn the_most_ordinary_vias_are_usual() {
        for text in [
            "a:5070;branch=z9hG4bKx",
            "192.0.2.1:5060;branch=z9hG4bK+x.1;rport",
            "192.0.2.1:5060;rport;branch=z9hG4bK+x.1",
            "a;branch=",
        ] {
            let text = format!("SIP/2.0/UDP {text}");
            let line = format!("{text}\r\n{}", "x".repeat(USUAL_BYTES));
            assert!(Via::parse_usual(line.as_bytes(), text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn ordinary_vias_are_plain() {
        for text in ["a.example.com;branch=z9hG4bKx", "192.0.2.1:5060;rport;branch=z9hG4bK+x"] {
            let text = format!("SIP/2.0/UDP {text};received=192.0.2.1");
            assert!(Via::parse_plain(text.as_bytes()).is_some(), "{text}");
        }
    }

    fn parse(text: &str) -> Via<'_> {
        Via::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn all_parts_are_found() {
        let via = parse(
            " SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa;rport=5071;received=192.0.2.9;ttl=16;\
             maddr=224.0.1.75 ",
        );
        assert_eq!(via.transport, b"UDP");
        assert_eq!((via.host, via.port), (&b"192.0.2.1"[..], Some(5_070)));
        assert_eq!(via.branch(), Some(&b"z9hG4bKa"[..]));
        assert_eq!(via.received(), Some(IpAddr::from([192, 0, 2, 9])));
        assert_eq!(via.rport(), Rport::Filled(5_071));
        assert_eq!(via.maddr(), Some(&b"224.0.1.75"[..]));
        assert_eq!(via.ttl(), Some(16));
        assert_eq!(via.text.first(), Some(&b'S'));
        assert_eq!(via.text.last(), Some(&b'5'));
    }

    #[test]
    fn white_space_may_be_around_every_separator() {
        let via = parse("sip  /   2.0\r\n /uDp\r\n    host : 5060 \t;\r\n branch \t=\r\n z9hG4bKx");
        assert_eq!(via.transport, b"uDp");
        assert_eq!((via.host, via.port), (&b"host"[..], Some(5_060)));
        assert_eq!(via.branch(), Some(&b"z9hG4bKx"[..]));
        assert_eq!(parse("SIP/2.0/ UDP a").host, b"a");
    }

    #[test]
    fn transports_and_versions_may_be_unknown() {
        assert_eq!(parse("SIP/2.0/UNKNOWN t4.example.com").transport, b"UNKNOWN");
        assert_eq!(parse("SIP/7.0/TLS-SCTP a").transport, b"TLS-SCTP");
    }

    #[test]
    fn ipv6_addresses_are_understood() {
        let via = parse("SIP/2.0/UDP [2001:db8::9:1]:5061;received=[2001:db8::9:255];branch=a");
        assert_eq!((via.host, via.port), (&b"[2001:db8::9:1]"[..], Some(5_061)));
        let expected = "2001:db8::9:255".parse().ok();
        assert_eq!(via.received(), expected);
        assert_eq!(parse("SIP/2.0/UDP a;received=2001:db8::9:255").received(), expected);
        assert_eq!(parse("SIP/2.0/UDP a;received=nonsense").received(), None);
    }

    #[test]
    fn an_rport_without_a_port_is_a_request_for_one() {
        assert_eq!(parse("SIP/2.0/UDP a").rport(), Rport::Absent);
        assert_eq!(parse("SIP/2.0/UDP a;rport;x").rport(), Rport::Requested(b"rport"));
        assert_eq!(parse("SIP/2.0/UDP a;RPort=").rport(), Rport::Requested(b"RPort="));
        assert_eq!(parse("SIP/2.0/UDP a;rport=65536").rport(), Rport::Requested(b"rport=65536"));
    }

    #[test]
    fn a_cookie_alone_identifies_nothing() {
        assert!(parse("SIP/2.0/UDP a;branch=z9hG4bKx").has_cookie());
        for text in ["a", "a;branch", "a;branch=z9hG4bK", "a;branch=z9h", "a;branch=390skdjuw"] {
            assert!(!parse(&format!("SIP/2.0/UDP {text}")).has_cookie(), "{text}");
        }
    }

    #[test]
    fn malformed_vias_are_refused() {
        for text in [
            "",
            "SIP",
            "SIP/2.0",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0/UDPa",
            "SIP/2.0 a",
            "HTTP/2.0/UDP a",
            "SIP//UDP a",
            "SIP/2.0/ a",
            "SIP/2.0/UDP a:",
            "SIP/2.0/UDP a:65536",
            "SIP/2.0/UDP a:5x",
            "SIP/2.0/UDP a b",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP [x]",
            "SIP/2.0/UDP ;branch=x",
            "SIP/2.0/UDP a;;",
            "SIP/2.0/UDP a;",
            "SIP/2.0/UDP a;=x",
            "SIP/2.0/UDP a;b=\"c",
            "SIP/2.0/UDP a,b",
            "SIP/2.0/UDP a@b",
            "SIP/2.0/UDP a;b c",
            ";",
        ] {
            assert_eq!(Via::parse(text.as_bytes()), Err(ParseError::Via), "{text:?}");
        }
    }
}
