//! Addresses in From, To, Contact, Route and their kin (RFC 3261 §20.10, §25.1 `name-addr`).
//! As for [URIs](super::uri) there are readers for the usual, the plain and any form.

use super::list::closing_quote;
use super::octet::{are_uri, edges, is_display, number, prefix_len, skip_space, starts_with, trim};
use super::qvalue::parse_qvalue;
use super::scan::{Block, edges_ahead, find, find2};
use super::uri::scheme_len;
use super::{Params, ParseError};

/// `"Display" <uri>;params` or `uri;params`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'d> {
    /// All of it.
    pub text: &'d [u8],
    /// The display name as written, quotes included, without surrounding white space.
    pub display: &'d [u8],
    /// The URI, without angle brackets.
    pub uri: &'d [u8],
    /// The parameters of the header field (those behind the `>`). Without angle brackets all
    /// parameters are the header field's (RFC 3261 §20.10).
    pub params: Params<'d>,
    tag: Option<&'d [u8]>,
}

impl<'d> NameAddr<'d> {
    /// Parses one value of a From, To, Contact, Route, Record-Route, Path … header field. Of the
    /// URI only the scheme and the octets are looked at.
    ///
    /// # Errors
    ///
    /// [`ParseError::Address`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        match Party::parse_plain(text) {
            Some(party) => Ok(party.address()),
            None => Self::parse_any(text).ok_or(ParseError::Address),
        }
    }

    /// Parses any address.
    #[inline(never)]
    fn parse_any(text: &'d [u8]) -> Option<Self> {
        let text = trim(text);
        let (display, behind) = display(text)?;
        let (uri, rest) = match behind.split_first() {
            Some((b'<', inner)) => bracketed(inner),
            _ if display.is_empty() => bare(text),
            _ => None,
        }?;
        let params = Params::new(rest);
        let mut tag = None;
        let well_formed = params.walk(|param| {
            if param.name.eq_ignore_ascii_case(b"tag") && tag.is_none() {
                tag = param.value;
            }
        });
        if scheme_len(uri).is_none() || !are_uri(uri) || !well_formed {
            return None;
        }
        Some(Self { text, display, uri, params, tag })
    }

    /// The `tag` parameter.
    #[must_use]
    pub const fn tag(&self) -> Option<&'d [u8]> {
        self.tag
    }
}

/// Who calls or is called: the address in From or To, by where its parts are. Of most only the tag
/// is ever asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party<'d> {
    text: &'d [u8],
    /// Where the display name ends, which `text` starts with.
    display_end: u16,
    uri: Place,
    /// Where the parameters start, which `text` ends with.
    params_start: u16,
    /// All 0 without a tag.
    tag: Place,
}

/// Where a part of an address is: offsets in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    start: u16,
    end: u16,
}

impl Place {
    /// Between two offsets.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "Party is of no longer text")]
    const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, end: end as u16 }
    }

    /// What is there.
    #[inline]
    fn of(self, text: &[u8]) -> &[u8] {
        &text[usize::from(self.start)..usize::from(self.end)]
    }
}

/// Octets that the reader of the usual form may look at, of which an address need not have so many:
/// asked for once, as all that it reads lies within them.
const USUAL_BYTES: usize = 112;

impl<'d> Party<'d> {
    /// Nobody.
    pub(super) const NONE: Self = Self {
        text: &[],
        display_end: 0,
        uri: Place { start: 0, end: 0 },
        params_start: 0,
        tag: Place { start: 0, end: 0 },
    };

    /// Parses the value of From or To, as [`NameAddr::parse`] does, into a place that is there;
    /// false if it is malformed. It is the first `length` octets of `line`.
    #[inline(always)]
    pub(super) fn read(&mut self, line: &'d [u8], length: usize) -> bool {
        let Some(text) = line.get(..length) else { return false };
        if let Some(party) = Self::parse_usual(line, text) {
            *self = party;
            return true;
        }
        self.read_any(text)
    }

    /// As [`Self::read`], of any address.
    #[cold]
    #[inline(never)]
    fn read_any(&mut self, text: &'d [u8]) -> bool {
        let any = || Self::of(&NameAddr::parse_any(text)?);
        match Self::parse_plain(text).or_else(any) {
            Some(party) => *self = party,
            None => return false,
        }
        true
    }

    /// As [`Self::parse_plain`], of the `text` that `line` starts with, without parameters in the
    /// URI. What is looked at is so much of the line that nothing need be asked for its length.
    #[inline(always)]
    fn parse_usual(line: &'d [u8], text: &'d [u8]) -> Option<Self> {
        let line = line.first_chunk::<USUAL_BYTES>()?.as_slice();
        let (display_end, uri) = usual_display(line)?;
        let rest_start = uri + b"sip:".len();
        let rest = line.get(rest_start..)?;
        let length = text.len().checked_sub(rest_start)?;
        let edges = edges_ahead(rest, length)?;
        let close = edges.trailing_zeros() as usize;
        let behind = rest.get(close..)?;
        let uri_end = rest_start + close;
        let tag = if starts_with(*behind.first_chunk()?, b">;tag=") {
            // No parameter but the tag, no equals sign but that before its value.
            if edges >> close != 0b10_0011 | 1 << length >> close {
                return None;
            }
            Place::new(uri_end + b">;tag=".len(), text.len())
        } else if close + 1 == length && behind[0] == b'>' {
            Place::new(0, 0)
        } else {
            return None;
        };
        Some(Self {
            text,
            display_end: display_end as u16,
            uri: Place::new(uri, uri_end),
            params_start: uri_end as u16 + 1,
            tag,
        })
    }

    /// Parses an address as almost all are: short, without a display name or with one in quotes,
    /// a SIP URI in angle brackets, and no parameter but a tag. `None` for another one.
    #[inline(always)]
    fn parse_plain(text: &'d [u8]) -> Option<Self> {
        let (display_end, open) = match *text.first()? {
            b'<' => (0, 0),
            b'"' => quoted(text)?,
            _ => return None,
        };
        let rest = text.get(open + 1..)?.strip_prefix(b"sip:")?;
        let mut edges = edges(rest)?;
        let close = loop {
            let at = edges.trailing_zeros() as usize;
            match rest.get(at)? {
                b'>' => break at,
                b';' | b'=' => edges &= edges - 1,
                _ => return None,
            }
        };
        let uri_end = text.len() - rest.len() + close;
        let tag = if close + 1 == rest.len() {
            Place::new(0, 0)
        } else if rest.get(close + 1..)?.first_chunk() == Some(b";tag=") {
            // No parameter but the tag, no equals sign but that before its value.
            if edges >> close != 0b10_0011 {
                return None;
            }
            Place::new(uri_end + 1 + b";tag=".len(), text.len())
        } else {
            return None;
        };
        Some(Self {
            text,
            display_end: display_end as u16,
            uri: Place::new(open + 1, uri_end),
            params_start: uri_end as u16 + 1,
            tag,
        })
    }

    /// The party of that address; `None` if its text is longer than a message.
    fn of(address: &NameAddr<'d>) -> Option<Self> {
        let NameAddr { text, display, uri, params, tag } = *address;
        let start = |part: &[u8]| part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
        let place = |part: &[u8]| Place::new(start(part), start(part) + part.len());
        (text.len() <= usize::from(u16::MAX)).then(|| Self {
            text,
            display_end: display.len() as u16,
            uri: place(uri),
            params_start: (text.len() - params.text().len()) as u16,
            tag: tag.map_or(Place::new(0, 0), place),
        })
    }

    /// The `tag` parameter.
    #[inline]
    #[must_use]
    pub fn tag(&self) -> Option<&'d [u8]> {
        (self.tag.start > 0).then(|| self.tag.of(self.text))
    }

    /// Whether there is a `tag` that says something.
    #[inline]
    #[must_use]
    pub const fn has_tag(&self) -> bool {
        self.tag.end > self.tag.start
    }

    /// The URI, without angle brackets.
    #[inline]
    #[must_use]
    pub fn uri(&self) -> &'d [u8] {
        self.uri.of(self.text)
    }

    /// All of its parts.
    #[must_use]
    pub fn address(&self) -> NameAddr<'d> {
        NameAddr {
            text: self.text,
            display: &self.text[..usize::from(self.display_end)],
            uri: self.uri(),
            params: Params::new(&self.text[usize::from(self.params_start)..]),
            tag: self.tag(),
        }
    }
}

/// Where the quoted string ends that `text` starts with, if there is no backslash in it, and where
/// the angle bracket is behind it and a space at most.
#[inline]
fn quoted(text: &[u8]) -> Option<(usize, usize)> {
    let marks = text.first_chunk().map_or(0, |ahead| {
        let block = Block::new(*ahead);
        // Without the one that it starts with.
        (block.is(b'"') | block.is(b'\\')).bits() & !1
    });
    let close = if marks == 0 { far_quote(text)? } else { marks.trailing_zeros() as usize };
    match text.get(close..)? {
        [b'"', b' ', b'<', ..] => Some((close + 1, close + 2)),
        [b'"', b'<', ..] => Some((close + 1, close + 1)),
        _ => None,
    }
}

/// Where the display name ends that `line` starts with, and where the SIP URI behind it starts:
/// with no name, or with one as [`quoted`] finds it.
#[inline(always)]
fn usual_display(line: &[u8]) -> Option<(usize, usize)> {
    let ahead = line.first_chunk::<{ Block::LENGTH }>()?;
    if starts_with(*ahead.first_chunk()?, b"<sip:") {
        return Some((0, 1));
    }
    if ahead[0] != b'"' {
        return None;
    }
    let block = Block::new(*ahead);
    // Without the one that it starts with.
    let marks = (block.is(b'"') | block.is(b'\\')).bits() & !1;
    // Far away if there is none: that is not behind this block.
    let close = (marks | 1 << Block::LENGTH).trailing_zeros() as usize;
    let behind = *line.get(close..)?.first_chunk()?;
    if starts_with(behind, b"\" <sip:") {
        return Some((close + 1, close + 3));
    }
    starts_with(behind, b"\"<sip:").then_some((close + 1, close + 2))
}

/// Where the first quotation mark or backslash is in a text that is no longer than a message, but
/// for the octet that it starts with.
#[inline(never)]
fn far_quote(text: &[u8]) -> Option<usize> {
    let is_short = text.len() <= usize::from(u16::MAX);
    Some(find2(&text[1..], b'"', b'\\').filter(|_| is_short)? + 1)
}

/// Splits `text` behind its display name: a quoted string, or tokens that a `<` ends. Empty if
/// there is none.
#[inline]
fn display(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.first() == Some(&b'"') {
        let (display, rest) = text.split_at(closing_quote(text, 0)? + 1);
        return Some((display, skip_space(rest)));
    }
    if text.first() == Some(&b'<') {
        return Some((&[], text));
    }
    let (display, rest) = text.split_at(prefix_len(text, is_display));
    Some(if rest.first() == Some(&b'<') { (trim(display), rest) } else { (&[], text) })
}

/// Splits what stands behind a `<` into the URI and the parameters.
#[inline]
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let close = find(text, b'>')?;
    Some((&text[..close], skip_space(&text[close + 1..])))
}

/// Splits an address without angle brackets into the URI and the parameters. Such a URI has no
/// comma and no question mark (RFC 3261 §20.10).
#[inline]
fn bare(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = find(text, b';').unwrap_or(text.len());
    let (uri, params) = text.split_at(end);
    memchr::memchr2(b',', b'?', uri).is_none().then(|| (trim(uri), params))
}

/// One Contact value (RFC 3261 §20.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact<'d> {
    /// `*`: all bindings (RFC 3261 §10.2.2).
    Star,
    /// An address.
    Address {
        /// The address.
        address: NameAddr<'d>,
        /// `q` in thousandths, 0 to 1000, if it has one.
        q: Result<Option<u16>, ParseError>,
        /// `expires` in seconds; a malformed one counts as 3600 (RFC 3261 §10.2.1.1).
        expires: Option<u32>,
    },
}

impl<'d> Contact<'d> {
    /// Parses one Contact value.
    ///
    /// # Errors
    ///
    /// [`ParseError::Address`].
    pub fn parse(text: &'d [u8]) -> Result<Self, ParseError> {
        if trim(text) == b"*" {
            return Ok(Self::Star);
        }
        let address = NameAddr::parse(text)?;
        let value = |name| address.params.get(name).map(|param| param.value.unwrap_or_default());
        let expires = value(b"expires").map(|text| number(text).unwrap_or(EXPIRES_DEFAULT));
        let q = match value(b"q") {
            None | Some(b"") => Ok(None),
            Some(text) => parse_qvalue(text).map(Some).ok_or(ParseError::Address),
        };
        Ok(Self::Address { address, q, expires })
    }
}

/// What a malformed `expires` stands for (RFC 3261 §10.2.1.1).
const EXPIRES_DEFAULT: u32 = 3_600;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_address_is_parsed_as_any(
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    "\"", "\"A\"", "\\", " ", "<", ">", "<sip:", "sip:a@b", ";", ";tag=", ";tag",
                    "=",
                    ",", "x", "é", "0123456789", "+", "\"Al\" <sip:a@b>;tag=", "<sip:a@b;lr>",
                ][..]),
                0..9,
            ),
            behind in "\r\n[ -~]{0,180}",
        ) {
            let text = pieces.concat();
            let any = NameAddr::parse_any(text.as_bytes());
            if let Some(party) = Party::parse_plain(text.as_bytes()) {
                prop_assert_eq!(any, Some(party.address()));
            }
            let line = text.clone() + &behind;
            let usual = Party::parse_usual(line.as_bytes(), text.as_bytes());
            if let Some(party) = usual {
                prop_assert_eq!(any, Some(party.address()));
            }
            let mut party = Party::NONE;
            let party = party.read(line.as_bytes(), text.len()).then_some(party);
            prop_assert_eq!(party.map(|party| party.address()), any);
            prop_assert_eq!(party.and_then(|party| party.tag()), any.and_then(|any| any.tag()));
        }
    }

    #[test]
    fn a_usual_address_is_parsed_as_any_wherever_an_octet_stands() {
        for length in 0..40 {
            for (place, octet) in (0..length).flat_map(|at| b"\"\\<>; ".map(move |it| (at, it))) {
                let mut name = vec![b'a'; length];
                name[place] = octet;
                for close in ["\" <sip:a@b>;tag=1", "\"<sip:a@b>", " <sip:v@h>;y=z0\" <sip:x@y>"] {
                    let text = [b"\"", &name[..], close.as_bytes()].concat();
                    let line = [&text[..], b"\r\n", &[b'x'; 100]].concat();
                    let mut party = Party::NONE;
                    let party = party.read(&line, text.len()).then_some(party);
                    let party = party.map(|party| party.address());
                    let shown = String::from_utf8_lossy(&text);
                    assert_eq!(party, NameAddr::parse_any(&text), "{shown}");
                }
            }
        }
    }

    #[test]
    fn the_most_ordinary_addresses_are_usual() {
        for text in ["<sip:+1@b>", "\"A\" <sip:a@b>;tag=1", "\"\"<sip:a@b>", "<sip:a>;tag=1.a-b"] {
            let line = format!("{text}\r\n{}", "x".repeat(100));
            assert!(Party::parse_usual(line.as_bytes(), text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn ordinary_addresses_are_plain() {
        for text in ["<sip:a@b>", "<sip:a@b;lr>;tag=1", "\"A\" <sip:a@b>", "\"\"<sip:a@b>;tag="] {
            assert!(Party::parse_plain(text.as_bytes()).is_some(), "{text}");
        }
    }

    fn parse(text: &str) -> NameAddr<'_> {
        NameAddr::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn contact(text: &str) -> (Result<Option<u16>, ParseError>, Option<u32>) {
        match Contact::parse(text.as_bytes()) {
            Ok(Contact::Address { q, expires, .. }) => (q, expires),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn display_uri_and_params_are_found() {
        for (text, display, uri, params) in [
            ("<sip:a@b>", "", "sip:a@b", ""),
            ("sip:a@b;tag=1", "", "sip:a@b", ";tag=1"),
            ("sip:a@b ;tag=1", "", "sip:a@b", ";tag=1"),
            ("Al <sip:a@b;lr> ; tag = 1", "Al", "sip:a@b;lr", "; tag = 1"),
            ("caller<sip:a@b>;tag=1", "caller", "sip:a@b", ";tag=1"),
            ("T. Watson\r\n\t<sip:a@b>", "T. Watson", "sip:a@b", ""),
            (r#""A <b>, \" \\" <sip:a@b?x=y>"#, r#""A <b>, \" \\""#, "sip:a@b?x=y", ""),
            (r#""x"<sip:a@b>;p="<;>""#, r#""x""#, "sip:a@b", r#";p="<;>""#),
            (r#""" <sip:a@b>"#, r#""""#, "sip:a@b", ""),
            ("José <tel:+1>", "José", "tel:+1", ""),
            ("isbn:2983792873", "", "isbn:2983792873", ""),
            ("  <sip:a@b>  ", "", "sip:a@b", ""),
        ] {
            let address = parse(text);
            assert_eq!(address.display, display.as_bytes(), "{text}");
            assert_eq!(address.uri, uri.as_bytes(), "{text}");
            assert_eq!(address.params.text(), params.as_bytes(), "{text}");
        }
    }

    #[test]
    fn params_of_a_bare_uri_are_those_of_the_header_field() {
        assert_eq!(parse("sip:a@b;tag=x").tag(), Some(&b"x"[..]));
        assert_eq!(parse("<sip:a@b;tag=x>").tag(), None);
        assert_eq!(parse("<sip:a@b>;TAG = x").tag(), Some(&b"x"[..]));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in [
            "",
            "*",
            "a",
            "<>",
            "<sip:a@b",
            "sip:a@b>",
            "sip:a@b?x=y",
            "sip:a,c@b",
            "<a>",
            r#""A <sip:a@b>"#,
            r#""A\" <sip:a@b>"#,
            r#""A" sip:a@b"#,
            r#"A "B" <sip:a@b>"#,
            "A, B <sip:a@b>",
            "< sip:a@b>",
            "<sip:a@b >",
            "<sip:a b@c>",
            "<sip:a@b>x",
            "<sip:a@b>;",
            "<sip:a@b>;;tag=1",
            "<sip:a@b>;tag=\"x",
            "sip:a@b;",
            "sip: a@b",
            "<<sip:a@b>>",
            "A: <sip:a@b>",
            "<sip:a@b> <sip:c@d>",
            "\"",
            "\"\\",
            "<sip:a\0@b>",
        ] {
            assert_eq!(NameAddr::parse(text.as_bytes()), Err(ParseError::Address), "{text:?}");
        }
    }

    #[test]
    fn a_star_is_all_contacts() {
        assert_eq!(Contact::parse(b" * "), Ok(Contact::Star));
        assert_eq!(Contact::parse(b"**"), Err(ParseError::Address));
        assert_eq!(Contact::parse(b"sip:a@b?Route=%3Csip:c%3E"), Err(ParseError::Address));
    }

    #[test]
    fn a_contact_may_have_a_preference() {
        assert_eq!(contact("<sip:a@b>;Q = 0.7"), (Ok(Some(700)), None));
        for text in ["<sip:a@b>", "<sip:a@b>;q", "<sip:a@b>;q="] {
            assert_eq!(contact(text), (Ok(None), None), "{text}");
        }
        for text in ["<sip:a@b>;q=1.5", "<sip:a@b>;q=abc", "<sip:a@b>;q=\"0.5\""] {
            assert_eq!(contact(text), (Err(ParseError::Address), None), "{text}");
        }
    }

    #[test]
    fn malformed_expires_of_a_contact_is_an_hour() {
        assert_eq!(contact("<sip:a@b>;expires=60"), (Ok(None), Some(60)));
        assert_eq!(contact("<sip:a@b>;expires=0"), (Ok(None), Some(0)));
        assert_eq!(contact("<sip:a@b>;expires=280297596632815"), (Ok(None), Some(3_600)));
        assert_eq!(contact("<sip:a@b>;expires"), (Ok(None), Some(3_600)));
        assert_eq!(contact("<sip:a@b;expires=60>"), (Ok(None), None));
    }
}
