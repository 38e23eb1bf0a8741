//! URIs (RFC 3261 §19.1; tel: RFC 3966).
//!
//! Three readers, each for more than the one before it: `usual` reads what stands in the message
//! behind the text as well, `plain` the text in its ordinary form, `any` by the grammar.

use super::host::{host_len, parse_port};
use super::octet::{
    are_host, are_uri, last_number, leading_number, prefix_len, short_host_len, starts_with,
};
use super::scan::{Block, Lanes, find, marks};
use super::{Params, ParseError};

/// The scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`.
    Sip,
    /// `sips:`.
    Sips,
    /// `tel:`.
    Tel,
    /// Any other; only the scheme and the text are known.
    Other,
}

/// A parsed URI; all parts are pieces of its text, escapes kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'d> {
    /// All of it.
    pub text: &'d [u8],
    /// The scheme.
    pub scheme: Scheme,
    /// The user part; of a `tel:` URI, the number. `None` if there is no `@`.
    pub user: Option<&'d [u8]>,
    /// The password behind the user.
    pub password: Option<&'d [u8]>,
    /// The host; an IPv6 address with its brackets. Empty for `tel:` and other schemes.
    pub host: &'d [u8],
    /// The port, if one is written.
    pub port: Option<u16>,
    /// The port's digits as written; empty if none.
    pub port_text: &'d [u8],
    /// The URI parameters.
    pub params: Params<'d>,
    /// What stands behind the `?`.
    pub headers: Option<&'d [u8]>,
}

impl<'d> Uri<'d> {
    /// Parses a URI (RFC 3261 §25.1 `SIP-URI`, `SIPS-URI`, `absoluteURI`). It must not be in
    /// angle brackets nor have white space in it.
    ///
    /// # Errors
    ///
    /// [`ParseError::Uri`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        match Self::parse_plain(text) {
            Some(uri) => Ok(uri),
            None => Self::parse_any(text),
        }
    }

    /// Parses a URI as almost all are: short, `sip:`, without a password and headers, its host no
    /// IPv6 address. `None` for another one, which [`Self::parse`] may know. Within its caller, so
    /// that it is made where it stays.
    #[inline(always)]
    #[must_use]
    pub fn parse_plain(text: &'d [u8]) -> Option<Self> {
        let rest = text.strip_prefix(b"sip:")?;
        // A bit behind them all.
        let [edges] = marks(rest, |block| ([edges(block)], Lanes::ALL))?;
        let mut edges = edges | 1 << rest.len();
        let mut next_edge = || {
            let at = edges.trailing_zeros() as usize;
            edges &= edges.wrapping_sub(1);
            at
        };
        let (mut user, mut host_start, mut at) = (None, 0, next_edge());
        if rest.get(at) == Some(&b'@') {
            user = Some(rest.get(..at)?);
            host_start = at + 1;
            at = next_edge();
        }
        let host = rest.get(host_start..at)?;
        let (mut port, mut port_text) = (None, &[][..]);
        if rest.get(at) == Some(&b':') {
            let digits = rest.get(at + 1..)?;
            at = next_edge();
            port_text = digits.get(..at.checked_sub(rest.len() - digits.len())?)?;
            let number = last_number(&text[..text.len() - rest.len() + at], port_text.len())?;
            port = Some(u16::try_from(number).ok()?);
        }
        let params = rest.get(at..)?;
        let mut edge = at;
        while let Some(octet) = rest.get(edge) {
            // Another @, what only brackets and headers have, and all that is not plain, is for the
            // general way.
            if *octet != b';' && (edge == at || *octet != b'=') {
                return None;
            }
            edge = next_edge();
        }
        let is_plain = are_host(host) && user.is_none_or(|user| !user.is_empty());
        is_plain.then(|| Self {
            text,
            scheme: Scheme::Sip,
            user,
            password: None,
            host,
            port,
            port_text,
            params: Params::new(params),
            headers: None,
        })
    }

    /// As [`Self::parse_plain`], by a call.
    #[inline(never)]
    pub(super) fn parse_less_usual(text: &'d [u8]) -> Option<Self> {
        Self::parse_plain(text)
    }

    /// As [`Self::parse_plain`], of the `text` that `line` starts with: perhaps a user, a host and
    /// perhaps a port, all short. What is looked at is so much of the line that nothing need be
    /// asked for its length.
    #[inline(always)]
    pub(super) fn parse_usual(line: &'d [u8], text: &'d [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"sip:")?;
        let at = edges(Block::new(*rest.first_chunk()?)).start();
        let (user, rest) = match rest.split_at_checked(at)? {
            ([], _) => return None,
            (user, [b'@', behind @ ..]) => (Some(user), behind),
            _ => (None, rest),
        };
        let (host, rest) = rest.split_at_checked(short_host_len(*rest.first_chunk()?)?)?;
        // How much of the text is behind the host.
        let left = (text.len() + rest.len()).checked_sub(line.len())?;
        let (mut port, mut port_text) = (None, &[][..]);
        if left > 0 {
            (port, port_text) = if left == 5 && starts_with(*rest.first_chunk()?, b":5060") {
                (Some(5060), rest.get(1..5)?)
            } else {
                let digits = rest.strip_prefix(b":")?;
                let (number, count) = leading_number(*digits.first_chunk()?)?;
                let port = u16::try_from(number).ok().filter(|_| count + 1 == left)?;
                (Some(port), digits.get(..count)?)
            };
        }
        Some(Self { user, host, port, port_text, ..Self::bare(text, Scheme::Sip) })
    }

    /// Parses any URI.
    #[inline(never)]
    fn parse_any(text: &'d [u8]) -> Result<Self, ParseError> {
        let colon = scheme_len(text).ok_or(ParseError::Uri)?;
        if !are_uri(text) {
            return Err(ParseError::Uri);
        }
        let scheme = Scheme::parse(&text[..colon]);
        let rest = &text[colon + 1..];
        match scheme {
            Scheme::Sip | Scheme::Sips => Self::parse_sip(text, scheme, rest),
            Scheme::Tel => Self::parse_tel(text, rest),
            Scheme::Other if rest.is_empty() => None,
            Scheme::Other => Some(Self::bare(text, scheme)),
        }
        .ok_or(ParseError::Uri)
    }

    /// The value of `transport`, if there is one.
    #[must_use]
    pub fn transport(&self) -> Option<&'d [u8]> {
        self.params.get(b"transport")?.value
    }

    /// The port to use if none is written: 5061 if it says TLS, 5060 otherwise (RFC 3261
    /// §19.1.2).
    #[must_use]
    pub fn default_port(&self) -> u16 {
        match self.scheme {
            Scheme::Sips => 5_061,
            _ if self.transport().is_some_and(|value| value.eq_ignore_ascii_case(b"tls")) => 5_061,
            _ => 5_060,
        }
    }

    /// The port that is written, or the default one if that is not 5060.
    #[inline(always)]
    #[must_use]
    pub fn unusual_port(&self) -> Option<u16> {
        if self.port.is_some() || self.scheme == Scheme::Sip && self.params.text().is_empty() {
            return self.port;
        }
        self.port_of_tls()
    }

    /// The default port if it is that of TLS.
    #[inline(never)]
    fn port_of_tls(&self) -> Option<u16> {
        Some(self.default_port()).filter(|port| *port != 5_060)
    }

    /// Host and port that a request with this URI is sent to over UDP, `maddr` before the host.
    /// `None` if that is not the transport it demands.
    #[must_use]
    pub fn udp_target(&self) -> Option<(&'d [u8], u16)> {
        let port = self.port.unwrap_or(5060);
        let params = &self.params;
        if self.scheme == Scheme::Sip && params.text().is_empty() {
            return Some((self.host, port));
        }
        let transport = params.get(b"transport").and_then(|param| param.value);
        if self.scheme != Scheme::Sip
            || transport.is_some_and(|name| !name.eq_ignore_ascii_case(b"udp"))
        {
            return None;
        }
        let maddr = params.get(b"maddr").and_then(|param| param.value);
        Some((maddr.unwrap_or(self.host), port))
    }

    /// A URI of which only the scheme is known.
    const fn bare(text: &'d [u8], scheme: Scheme) -> Self {
        Self {
            text,
            scheme,
            user: None,
            password: None,
            host: &[],
            port: None,
            port_text: &[],
            params: Params::new(&[]),
            headers: None,
        }
    }

    /// Parses `rest`, which stands behind `sip:` or `sips:`. An `@` elsewhere than behind the
    /// user must be escaped, so the first one ends the user; before it `;` and `?` are ordinary
    /// characters (RFC 4475 §3.1.1.9).
    fn parse_sip(text: &'d [u8], scheme: Scheme, rest: &'d [u8]) -> Option<Self> {
        let mut uri = Self::bare(text, scheme);
        let mut rest = rest;
        if let Some(at) = find(rest, b'@') {
            let userinfo = &rest[..at];
            rest = &rest[at + 1..];
            let colon = find(userinfo, b':');
            let user = &userinfo[..colon.unwrap_or(at)];
            if user.is_empty() {
                return None;
            }
            uri.user = Some(user);
            uri.password = colon.map(|colon| &userinfo[colon + 1..]);
        }
        (uri.host, rest) = rest.split_at(host_len(rest)?);
        if let Some(digits) = rest.strip_prefix(b":") {
            (uri.port_text, rest) =
                digits.split_at(prefix_len(digits, |byte| byte.is_ascii_digit()));
            uri.port = Some(parse_port(uri.port_text)?);
        }
        if !matches!(rest.first(), None | Some(b';' | b'?')) {
            return None;
        }
        if let Some(question) = find(rest, b'?') {
            uri.headers = Some(&rest[question + 1..]);
            rest = &rest[..question];
        }
        uri.params = Params::new(rest);
        Some(uri)
    }

    /// Parses `rest`, which stands behind `tel:` (RFC 3966 §3).
    fn parse_tel(text: &'d [u8], rest: &'d [u8]) -> Option<Self> {
        let (number, params) = rest.split_at(prefix_len(rest, |byte| byte != b';'));
        let digits = number.strip_prefix(b"+").unwrap_or(number);
        let is_digit = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#');
        let mut digits_only = digits.iter().filter(|byte| !is_visual_separator(**byte));
        if !digits.iter().any(is_digit) || !digits_only.all(is_digit) {
            return None;
        }
        let uri = Self::bare(text, Scheme::Tel);
        Some(Self { user: Some(number), params: Params::new(params), ..uri })
    }
}

impl Scheme {
    /// The scheme that `name` names.
    fn parse(name: &[u8]) -> Self {
        match name.len() {
            3 if name == b"sip" => Self::Sip,
            3 if name.eq_ignore_ascii_case(b"sip") => Self::Sip,
            3 if name.eq_ignore_ascii_case(b"tel") => Self::Tel,
            4 if name.eq_ignore_ascii_case(b"sips") => Self::Sips,
            _ => Self::Other,
        }
    }
}

/// Whether a URI is a `sips:` one, as far as its scheme says.
#[inline]
#[must_use]
pub fn is_sips(uri: &[u8]) -> bool {
    matches!(uri.get(3), Some(b's' | b'S'))
        && uri.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"sips:"))
}

/// The length of the scheme that `text` starts with, which is the offset of the colon behind it.
#[inline]
pub(super) fn scheme_len(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"sip:") {
        return Some(3);
    }
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let length = prefix_len(text, is_scheme);
    let starts_well = text.first().is_some_and(u8::is_ascii_alphabetic);
    (starts_well && text.get(length) == Some(&b':')).then_some(length)
}

/// Colons, semicolons, question marks, at signs and what else stands between those in ASCII, and
/// what no plain URI has.
#[inline]
fn edges(block: Block) -> Lanes {
    block.within(b':', b'@') | !block.within(b'*', b'~')
}

/// `visual-separator` of RFC 3966 §3.
pub(super) const fn is_visual_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_uri_is_parsed_as_any(
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    "sip:", "sips:", "a", "@", ":", "5060", ";lr", ";", "?", "=", "[::1]", "é",
                    "%41",
                    "192.0.2.1", " ", "<", "0123456789-abcdef", "_", "/", "+1*#",
                ][..]),
                0..9,
            ),
            behind in proptest::sample::select(&[
                " SIP/2.0\r\nVia: SIP/2.0/UDP", "0 SIP/2.0\r\nVia: SIP/2.0/UDP", "", " SIP/2.0",
            ][..]),
        ) {
            let text = format!("sip:{}", pieces.concat());
            if let Some(uri) = Uri::parse_plain(text.as_bytes()) {
                prop_assert_eq!(Uri::parse_any(text.as_bytes()), Ok(uri));
            }
            let line = text.clone() + behind;
            if let Some(uri) = Uri::parse_usual(line.as_bytes(), text.as_bytes()) {
                prop_assert_eq!(Uri::parse_any(text.as_bytes()), Ok(uri));
            }
        }
    }

    #[test]
    fn a_usual_uri_is_parsed_as_any_wherever_an_octet_stands() {
        for length in 1..40 {
            for (place, octet) in
                (0..length).flat_map(|place| (0..=u8::MAX).map(move |it| (place, it)))
            {
                let mut user = vec![b'a'; length];
                user[place] = octet;
                let text = [b"sip:", &user[..], b"@192.0.2.1"].concat();
                let line = [&text[..], b" SIP/2.0\r\nVia: SIP/2.0/UDP"].concat();
                if let Some(uri) = Uri::parse_usual(&line, &text) {
                    assert_eq!(Uri::parse_any(&text), Ok(uri), "{octet:#x} at {place} of {length}");
                }
            }
        }
    }

    #[test]
    fn the_host_is_behind_the_first_at_sign_also_of_a_long_user() {
        let text = b"sip:0123456789abcdef@192.0.2.1;x=y@203.0.113.66";
        let line = [&text[..], b" SIP/2.0\r\nVia: SIP/2.0/UDP"].concat();
        assert_eq!(Uri::parse_usual(&line, text), None);
        assert_eq!(Uri::parse(text).map(|uri| uri.host), Ok(&b"192.0.2.1"[..]));
    }

    #[test]
    fn the_most_ordinary_uris_are_usual() {
        for text in [
            "sip:+1*@192.0.2.1",
            "sip:0123456789abcdef@b",
            "sip:a@b:5060",
            "sip:4989@gw.example.com:65535",
            "sip:a",
        ] {
            let line = format!("{text} SIP/2.0\r\nVia: SIP/2.0/UDP");
            assert!(Uri::parse_usual(line.as_bytes(), text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn ordinary_uris_are_plain() {
        for text in ["sip:a", "sip:+1*@192.0.2.1", "sip:a@b:5060;lr;x=y@z", "sip:b:5060"] {
            assert_eq!(Uri::parse_plain(text.as_bytes()).is_some(), !text.contains("y@"), "{text}");
        }
    }

    fn parse(text: &str) -> Uri<'_> {
        Uri::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn all_parts_are_found() {
        let uri = parse("sip:alice:secret@example.com:5070;transport=tcp;lr?subject=x&to=y");
        assert_eq!(uri.scheme, Scheme::Sip);
        assert_eq!(uri.user, Some(&b"alice"[..]));
        assert_eq!(uri.password, Some(&b"secret"[..]));
        assert_eq!(uri.host, b"example.com");
        assert_eq!((uri.port, uri.port_text), (Some(5_070), &b"5070"[..]));
        assert_eq!(uri.params.text(), b";transport=tcp;lr");
        assert_eq!(uri.headers, Some(&b"subject=x&to=y"[..]));
    }

    #[test]
    fn absent_parts_are_none() {
        let uri = parse("SIPS:example.com");
        assert_eq!(uri.scheme, Scheme::Sips);
        assert_eq!((uri.user, uri.password, uri.port, uri.headers), (None, None, None, None));
        assert_eq!((uri.host, uri.port_text), (&b"example.com"[..], &b""[..]));
        assert_eq!(uri.params.text(), b"");
    }

    #[test]
    fn the_user_part_may_have_semicolons_and_question_marks() {
        let uri = parse("sip:user;par=u%40example.net@example.com");
        assert_eq!(uri.user, Some(&b"user;par=u%40example.net"[..]));
        assert_eq!((uri.host, uri.params.text()), (&b"example.com"[..], &b""[..]));
        let uri = parse("sip:it$/crazy?,/;;*:&it+has=1,pas$wo~d@example.com");
        assert_eq!(uri.user, Some(&b"it$/crazy?,/;;*"[..]));
        assert_eq!(uri.password, Some(&b"&it+has=1,pas$wo~d"[..]));
        assert_eq!(uri.headers, None);
    }

    #[test]
    fn ipv6_hosts_keep_their_brackets() {
        let uri = parse("sip:[2001:db8::1]:5061;lr");
        assert_eq!((uri.host, uri.port), (&b"[2001:db8::1]"[..], Some(5_061)));
        let uri = parse("sip:alice@[2001:db8::10:5070]");
        assert_eq!((uri.host, uri.port), (&b"[2001:db8::10:5070]"[..], None));
    }

    #[test]
    fn headers_may_stand_without_params_and_have_an_at_sign() {
        let uri = parse("sip:a@b?to=c@d;x");
        assert_eq!((uri.params.text(), uri.headers), (&b""[..], Some(&b"to=c@d;x"[..])));
    }

    #[test]
    fn tel_uris_have_a_number_and_params() {
        let uri = parse("tel:+1-201-555-0123;ext=7;phone-context=example.com");
        assert_eq!(uri.scheme, Scheme::Tel);
        assert_eq!(uri.user, Some(&b"+1-201-555-0123"[..]));
        assert_eq!(uri.params.text(), b";ext=7;phone-context=example.com");
        assert_eq!(uri.host, b"");
        assert_eq!(parse("tel:*55#").user, Some(&b"*55#"[..]));
    }

    #[test]
    fn other_schemes_are_only_text() {
        for text in ["http://www.example.com?q", "soap.beep://192.0.2.103:3002", "isbn:2983792873"]
        {
            let uri = parse(text);
            assert_eq!(
                (uri.scheme, uri.text, uri.host),
                (Scheme::Other, text.as_bytes(), &b""[..])
            );
        }
    }

    #[test]
    fn malformed_uris_are_refused() {
        for text in [
            "",
            ":",
            "sip",
            "sip:",
            "sip:@",
            "sip:a@",
            "sip:@b",
            "sip::p@b",
            "1sip:a@b",
            "a@b",
            "sip:a@b:",
            "sip:a@b:x",
            "sip:a@b:65536",
            "sip:a@b:506x",
            "sip:a@b/c",
            "sip:a@b@c",
            "sip:a@[2001:db8::1",
            "sip:a@2001:db8::1",
            "sip:a@[b]",
            "sip:a@[::1]x",
            "sip:a@b c",
            "sip:a @b",
            " sip:a@b",
            "sip:a@b ",
            "<sip:a@b>",
            "sip:a@b;x=\"y\"",
            "sip:a\0@b",
            "sip:a@b;\tlr",
            "sip:;x",
            "sip:?x",
            "tel:",
            "tel:+",
            "tel:-",
            "tel:12x",
            "tel:;ext=1",
            "isbn:",
            "sip:a@b\r\nVia: x",
        ] {
            assert_eq!(Uri::parse(text.as_bytes()), Err(ParseError::Uri), "{text:?}");
        }
    }

    #[test]
    fn the_default_port_is_5061_for_tls() {
        assert_eq!(parse("sip:a@b").default_port(), 5_060);
        assert_eq!(parse("sip:a@b;transport=tcp").default_port(), 5_060);
        assert_eq!(parse("sip:a@b;transport=TLS").default_port(), 5_061);
        assert_eq!(parse("sips:a@b").default_port(), 5_061);
        for (text, port) in [
            ("sip:a@b", None),
            ("sip:a@b;lr", None),
            ("sip:a@b:5060;transport=tls", Some(5_060)),
            ("sip:a@b;transport=tls", Some(5_061)),
            ("sips:a@b;lr", Some(5_061)),
            ("sips:a@b", Some(5_061)),
        ] {
            assert_eq!(parse(text).unusual_port(), port, "{text}");
        }
    }
}
