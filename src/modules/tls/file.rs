//! The file that `config` names: sections, and `name = value` in each.
//!
//! ```text
//! [server:default]
//! certificate = cert.pem     # a comment
//! [client:192.0.2.1:5061]
//! verify_certificate = yes
//! ```

use std::net::{IpAddr, SocketAddr};

use super::profile::{Attribute, TlsProfile};
use crate::script::ast::Spanned;
use crate::script::{Diagnostic, Span, nearest};

/// A section of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSection {
    /// Who has begun the connections.
    pub side: TlsSide,
    /// Which of them.
    pub scope: TlsScope,
    /// Where its head is.
    pub span: Span,
    /// What it says.
    pub profile: TlsProfile,
}

/// Which part we have in a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsSide {
    /// It was opened by others.
    Server,
    /// It was opened by us.
    Client,
}

/// Which connections a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsScope {
    /// Those that no other section is for (`default`).
    Default,
    /// Those to all listeners, for one server name (`any`).
    Any,
    /// Those to a listener or peer at this address.
    Address(SocketAddr),
}

/// Reads a file whose first byte has the number `start` in its source map.
#[must_use]
pub fn parse_tls_file(
    text: &[u8],
    start: u32,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<TlsSection> {
    let mut reader = Reader { sections: Vec::new(), has_lost_section: false, diagnostics };
    let mut offset = start as usize;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        reader.line(Piece { text: line, start: offset }.trimmed());
        offset += line.len();
    }
    reader.sections
}

/// What was read so far.
struct Reader<'d> {
    sections: Vec<TlsSection>,
    /// Whether the last head could not be understood: what follows belongs to nothing.
    has_lost_section: bool,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Reads a line without its end.
    fn line(&mut self, line: Piece<'_>) {
        match line.text.first() {
            None | Some(b'#' | b';') => {}
            Some(b'[') => self.head(line),
            Some(_) => self.attribute(line),
        }
    }

    /// Reads `[server:192.0.2.1:5061]`.
    fn head(&mut self, line: Piece<'_>) {
        self.has_lost_section = true;
        let line = line.before_comment();
        let Some(inner) = line.text.strip_suffix(b"]") else {
            return self.error(line, "a section ends with `]`", HEAD_HELP);
        };
        let inner = Piece { text: &inner[1..], start: line.start + 1 }.trimmed();
        let Some((side, address)) = inner.split(b':') else {
            return self.error(inner, "this is no section", HEAD_HELP);
        };
        let side = match side.trimmed().text.to_ascii_lowercase().as_slice() {
            b"server" => TlsSide::Server,
            b"client" => TlsSide::Client,
            _ => return self.error(side, "this is neither `server` nor `client`", HEAD_HELP),
        };
        let address = address.trimmed();
        let Some(scope) = scope_of(address.text) else {
            return self.error(
                address,
                "this is neither `default` nor `any` nor an address with its port",
                HEAD_HELP,
            );
        };
        let same = self.sections.iter().find(|other| (other.side, other.scope) == (side, scope));
        if scope == TlsScope::Default
            && let Some(first) = same
        {
            let first = first.span;
            self.diagnostics.push(
                Diagnostic::error("E0503", line.span(), "this section was there before")
                    .also(first, "here"),
            );
            return;
        }
        self.has_lost_section = false;
        let profile = TlsProfile::default();
        self.sections.push(TlsSection { side, scope, span: line.span(), profile });
    }

    /// Reads `certificate = cert.pem`.
    fn attribute(&mut self, line: Piece<'_>) {
        let Some((name, value)) = line.split(b'=') else {
            return self.error(line, "this is neither a section nor `name = value`", LINE_HELP);
        };
        let name = name.trimmed();
        let text = String::from_utf8_lossy(name.text);
        let Some(attribute) = Attribute::of(&text) else {
            let message = format!("there is no `{text}` in a profile");
            let known = nearest(&text, Attribute::names());
            let diagnostic = Diagnostic::error("E0503", name.span(), message);
            return self.diagnostics.push(diagnostic.suggest(known));
        };
        let Some(value) = value.trimmed().unquoted() else {
            return self.error(value.trimmed(), "the string has no end", "add the closing quote");
        };
        let node = String::from_utf8_lossy(value.text).into_owned();
        let value = Spanned { node, span: value.span() };
        let span = value.span;
        let set = match self.sections.last_mut().filter(|_| !self.has_lost_section) {
            Some(section) => section.profile.set(attribute, value),
            // What is wrong is checked all the same.
            None => TlsProfile::default().set(attribute, value),
        };
        if let Err(problem) = set {
            self.diagnostics.push(Diagnostic::error("E0503", span, problem));
        } else if self.sections.is_empty() && !self.has_lost_section {
            self.error(name, "this is in no section", "write `[server:default]` before it");
        }
    }

    /// Reports what is wrong at a place.
    fn error(&mut self, place: Piece<'_>, message: &str, help: &str) {
        self.diagnostics.push(Diagnostic::error("E0503", place.span(), message).help(help));
    }
}

/// What sections look like.
const HEAD_HELP: &str = "sections are `[server:default]`, `[client:default]`, \
     `[server:192.0.2.1:5061]`, `[client:[2001:db8::1]:5061]` and `[server:any]`";

/// What lines look like.
const LINE_HELP: &str = "lines are `certificate = cert.pem`, a comment begins with `#`";

/// The connections that an address of a head means.
fn scope_of(address: &[u8]) -> Option<TlsScope> {
    let text = std::str::from_utf8(address).ok()?;
    if text.eq_ignore_ascii_case("default") {
        return Some(TlsScope::Default);
    }
    if text.eq_ignore_ascii_case("any") {
        return Some(TlsScope::Any);
    }
    let (host, port) = text.rsplit_once(':')?;
    let (host, port) = (host.trim(), port.trim());
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host: IpAddr = host.trim().parse().ok()?;
    Some(TlsScope::Address(SocketAddr::new(host, port.parse().ok()?)))
}

/// A piece of the text and where it is.
#[derive(Clone, Copy)]
struct Piece<'t> {
    text: &'t [u8],
    start: usize,
}

impl<'t> Piece<'t> {
    /// Its place.
    fn span(self) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: offset(self.start), end: offset(self.start + self.text.len()) }
    }

    /// Without white space around it.
    fn trimmed(self) -> Self {
        let front = self.text.len() - self.text.trim_ascii_start().len();
        Self { text: self.text.trim_ascii(), start: self.start + front }
    }

    /// The parts before and behind a byte.
    fn split(self, at: u8) -> Option<(Self, Self)> {
        let place = memchr::memchr(at, self.text)?;
        let behind = Self { text: &self.text[place + 1..], start: self.start + place + 1 };
        Some((Self { text: &self.text[..place], start: self.start }, behind))
    }

    /// Up to a comment.
    fn before_comment(self) -> Self {
        let end = memchr::memchr2(b'#', b';', self.text).unwrap_or(self.text.len());
        Self { text: &self.text[..end], start: self.start }.trimmed()
    }

    /// The value: what is between quotes, or all up to a comment. None if a quote is not closed.
    fn unquoted(self) -> Option<Self> {
        match self.text.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let end = memchr::memchr(*quote, &self.text[1..])?;
                Some(Self { text: &self.text[1..][..end], start: self.start + 1 })
            }
            _ => Some(self.before_comment()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sections of a file, and what is wrong with it: offset and message.
    fn parse(text: &str) -> (Vec<TlsSection>, Vec<(u32, String)>) {
        let mut diagnostics = Vec::new();
        let sections = parse_tls_file(text.as_bytes(), 100, &mut diagnostics);
        let told = diagnostics.into_iter().map(|it| (it.primary.0.start - 100, it.message));
        (sections, told.collect())
    }

    #[test]
    fn the_file_of_kamailio_is_read() {
        let text = "#\n# Example\n#\n[server:default]\nmethod = TLSv1.2+\r\n\
            verify_certificate = no\nprivate_key = \"/etc/a b/key.pem\"  # quoted\n\
            certificate=/etc/kamailio/cert.pem # plain\n\n[client:default]\n\
            require_certificate = YES\n ; another comment\n[ server:192.0.2.1:5061 ]\n\
            server_name = one.example.com\n[client:[2001:db8::1]:5061]\n\
            [server:any]\nserver_name = 'two.example.com'\nserver_name_mode = 1\n\
            server_id = two\nverify_depth = 3\n";
        let (sections, told) = parse(text);
        assert_eq!(told, []);
        let heads: Vec<_> = sections.iter().map(|section| (section.side, section.scope)).collect();
        let at = |text: &str| TlsScope::Address(text.parse().unwrap());
        assert_eq!(
            heads,
            [
                (TlsSide::Server, TlsScope::Default),
                (TlsSide::Client, TlsScope::Default),
                (TlsSide::Server, at("192.0.2.1:5061")),
                (TlsSide::Client, at("[2001:db8::1]:5061")),
                (TlsSide::Server, TlsScope::Any),
            ]
        );
        let TlsProfile { certificate, private_key, verify_certificate, .. } = &sections[0].profile;
        let certificate = certificate.as_ref().unwrap();
        assert_eq!(certificate.node, "/etc/kamailio/cert.pem");
        let place = text.find("/etc/kamailio/cert.pem").unwrap();
        assert_eq!(certificate.span.start as usize, 100 + place);
        assert_eq!(private_key.as_ref().unwrap().node, "/etc/a b/key.pem");
        assert_eq!(verify_certificate.as_ref().map(|it| it.node), Some(false));
        let name = |at: usize| sections[at].profile.server_name.clone().unwrap().node;
        assert_eq!((name(2), name(4)), ("one.example.com".into(), "two.example.com".into()));
    }

    #[test]
    fn what_is_wrong_is_told_at_its_place() {
        let help = "this is neither `default` nor `any` nor an address with its port";
        for (text, place, expected) in [
            ("certificate = a", 0, "this is in no section"),
            ("[server:default", 0, "a section ends with `]`"),
            ("[server]", 1, "this is no section"),
            ("[proxy:default]", 1, "this is neither `server` nor `client`"),
            ("[server:192.0.2.1]", 8, help),
            ("[server:192.0.2.1:99999]", 8, help),
            ("[server:example.com:5061]", 8, help),
            ("[server:]", 8, help),
            ("[server:default]\n[server:default]", 17, "this section was there before"),
            ("[server:default]\nhello", 17, "this is neither a section nor `name = value`"),
            ("[server:default]\n certficate=a", 18, "there is no `certficate` in a profile"),
            (
                "[server:default]\nverify_certificate = maybe",
                38,
                "`maybe` is neither `yes` nor `no`",
            ),
            ("[server:default]\ncertificate = \"a", 31, "the string has no end"),
        ] {
            assert_eq!(parse(text).1, [(place, expected.to_owned())], "{text}");
        }
    }

    #[test]
    fn lines_of_a_section_that_is_none_belong_to_no_other() {
        let (sections, told) = parse("[server:default]\n[server:x]\ncertificate=a\nmethod=SSLv3\n");
        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0].profile, TlsProfile::default());
        assert_eq!(told.len(), 2, "{told:?}");
    }

    #[test]
    fn no_bytes_are_a_panic() {
        for text in [&b"\xff\xfe"[..], b"[\xff:\xff]", b"=\n=\n[]\n[:]", b"[", b"\0", b"a=\xff"] {
            let _ = parse_tls_file(text, u32::MAX - 1, &mut Vec::new());
        }
    }
}
