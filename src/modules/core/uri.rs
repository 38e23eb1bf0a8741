//! Rewriting of the Request-URI.
//!
//! ```text
//! sip:alice:secret@example.com:5060;transport=udp?Subject=x
//! scheme user password host    port rest
//! ```

use crate::script::{Argument, Execution, FALSE, ReturnCode, TRUE};
use crate::sip::{Scheme, Uri};

/// The parts that a URI is put together from again.
#[derive(Clone, Copy, Debug)]
pub(in crate::modules) struct UriParts<'m> {
    /// The scheme as written, with its colon.
    scheme: &'m [u8],
    /// The user.
    pub(in crate::modules) user: Option<&'m [u8]>,
    /// The password.
    pub(in crate::modules) password: Option<&'m [u8]>,
    /// The host; empty for `tel:`.
    pub(in crate::modules) host: &'m [u8],
    /// The port as written; empty if none.
    pub(in crate::modules) port: &'m [u8],
    /// Parameters and headers.
    pub(in crate::modules) rest: &'m [u8],
    /// Whether it has a host at all.
    pub(in crate::modules) has_host: bool,
}

impl<'m> UriParts<'m> {
    /// The parts of the present Request-URI; `None` if it is none.
    pub(in crate::modules) fn current(execution: &Execution<'m>) -> Option<Self> {
        Self::of(&execution.parse_uri(execution.transit.uri)?)
    }

    /// The parts of a URI; `None` if it is neither `sip:`, `sips:` nor `tel:`.
    pub(in crate::modules) fn of(uri: &Uri<'m>) -> Option<Self> {
        let scheme_end = memchr::memchr(b':', uri.text)? + 1;
        let has_host = match uri.scheme {
            Scheme::Sip | Scheme::Sips => true,
            Scheme::Tel => false,
            Scheme::Other => return None,
        };
        Some(Self {
            scheme: uri.text.get(..scheme_end)?,
            user: uri.user,
            password: uri.password,
            host: uri.host,
            port: uri.port_text,
            rest: rest(uri, has_host)?,
            has_host,
        })
    }

    /// Sets host and port. A `tel:` URI becomes a `sip:` URI whose user is the number with its
    /// parameters (RFC 3261 §19.1.6).
    pub(in crate::modules) fn place(
        &mut self,
        execution: &Execution<'m>,
        host: &'m [u8],
        port: &'m [u8],
    ) {
        (self.host, self.port) = (host, port);
        if !self.has_host {
            let number = execution.build(&[self.user.unwrap_or_default(), self.rest]);
            (self.scheme, self.user, self.rest) = (b"sip:", Some(number), b";user=phone");
            self.has_host = true;
        }
    }

    /// Puts the URI together and makes it the Request-URI; an empty user is none, as a URI cannot
    /// have an empty one (RFC 3261 §25.1). False, and nothing changes, if it
    /// would have something in it that no URI may have.
    pub(in crate::modules) fn assign(&self, execution: &mut Execution<'m>) -> bool {
        let text = self.compose(execution);
        assign_uri(execution, text)
    }

    /// Puts the URI together.
    pub(in crate::modules) fn compose(&self, execution: &Execution<'m>) -> &'m [u8] {
        let none: &[u8] = &[];
        let user = self.user.unwrap_or_default();
        let password = self.password.filter(|_| !user.is_empty());
        let (colon, password) = password.map_or((none, none), |text| (&b":"[..], text));
        let at: &[u8] = if !user.is_empty() && self.has_host { b"@" } else { none };
        let port_colon: &[u8] = if self.port.is_empty() { none } else { b":" };
        let parts =
            [self.scheme, user, colon, password, at, self.host, port_colon, self.port, self.rest];
        execution.build(&parts)
    }
}

/// What stands behind host and port, or behind the number of a `tel:` URI.
fn rest<'m>(uri: &Uri<'m>, has_host: bool) -> Option<&'m [u8]> {
    let last = match (has_host, uri.port_text.is_empty()) {
        (true, true) => uri.host,
        (true, false) => uri.port_text,
        (false, _) => uri.user?,
    };
    let offset = last.as_ptr().addr().checked_sub(uri.text.as_ptr().addr())?;
    uri.text.get(offset + last.len()..)
}

/// Whether all bytes may stand in a URI: what comes from a message or a script must end neither
/// the request line nor the brackets that a URI is put into.
pub(in crate::modules) fn is_safe(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte > b' ' && !matches!(byte, 0x7f | b'<' | b'>' | b'"'))
}

/// Makes `text` the Request-URI.
pub(in crate::modules) fn assign_uri<'m>(execution: &mut Execution<'m>, text: &'m [u8]) -> bool {
    if text.is_empty() || !is_safe(text) || execution.parse_uri(text).is_none() {
        return false;
    }
    execution.transit.uri = text;
    true
}

/// Changes the parts of the Request-URI; false if that gives no URI.
pub(in crate::modules) fn rewrite<'m>(
    execution: &mut Execution<'m>,
    change: impl FnOnce(&mut UriParts<'m>),
) -> bool {
    let Some(mut parts) = UriParts::current(execution) else { return false };
    change(&mut parts);
    parts.assign(execution)
}

/// The code that a success or failure is.
const fn code(is_done: bool) -> ReturnCode {
    if is_done { TRUE } else { FALSE }
}

/// The only argument, a string.
const fn text<'m>(arguments: &[Argument<'m>]) -> &'m [u8] {
    match arguments {
        [Argument::Text(text)] => text,
        _ => &[],
    }
}

/// `rewritehost(host)`.
pub(super) fn rewrite_host<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    code(set_host(execution, text(arguments)))
}

/// Sets the host of the Request-URI, which must not be empty.
pub(in crate::modules) fn set_host<'m>(execution: &mut Execution<'m>, host: &'m [u8]) -> bool {
    let Some(mut parts) = UriParts::current(execution).filter(|_| !host.is_empty()) else {
        return false;
    };
    parts.place(execution, host, parts.port);
    parts.assign(execution)
}

/// `rewritehostport(host:port)`.
pub(super) fn rewrite_host_port<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let (host, port) = split_port(text(arguments));
    let Some(mut parts) = UriParts::current(execution).filter(|_| !host.is_empty()) else {
        return FALSE;
    };
    parts.place(execution, host, port);
    code(parts.assign(execution))
}

/// `rewritehostporttrans(host:port;transport=x)`.
pub(super) fn rewrite_host_port_transport<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let all = text(arguments);
    let semicolon = memchr::memchr(b';', all).unwrap_or(all.len());
    let (address, transport) = all.split_at(semicolon);
    let (host, port) = split_port(address);
    let Some(uri) = execution.parse_uri(execution.transit.uri) else { return FALSE };
    let old = uri.params.get(b"transport").map_or(&[][..], |param| param.text);
    let Some(parts) = UriParts::current(execution) else { return FALSE };
    let rest = match memchr::memmem::find(parts.rest, old) {
        Some(at) if !old.is_empty() => {
            let (before, after) = (&parts.rest[..at - 1], &parts.rest[at + old.len()..]);
            execution.build(&[transport, before, after])
        }
        _ => execution.build(&[transport, parts.rest]),
    };
    let change = |parts: &mut UriParts<'m>| {
        (parts.host, parts.port, parts.rest) = (host, port, rest);
    };
    code(!host.is_empty() && has_host(execution) && rewrite(execution, change))
}

/// `rewriteport(port)`.
pub(super) fn rewrite_port<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    code(set_port(execution, text(arguments)))
}

/// Sets the port of the Request-URI; none if it is empty.
pub(in crate::modules) fn set_port<'m>(execution: &mut Execution<'m>, port: &'m [u8]) -> bool {
    let is_port = crate::script::parse_int(port).is_some_and(|port| u16::try_from(port).is_ok());
    (is_port || port.is_empty())
        && has_host(execution)
        && rewrite(execution, |parts| parts.port = port)
}

/// `rewriteuser(user)`.
pub(super) fn rewrite_user<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    code(set_user(execution, text(arguments)))
}

/// Sets the user of the Request-URI; none, and no password, if it is empty.
pub(in crate::modules) fn set_user<'m>(execution: &mut Execution<'m>, user: &'m [u8]) -> bool {
    rewrite(execution, |parts| parts.user = Some(user).filter(|user| !user.is_empty()))
}

/// `rewriteuserpass(user:password)`.
pub(super) fn rewrite_user_password<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let text = text(arguments);
    let (user, password) = match memchr::memchr(b':', text) {
        Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
        None => (text, None),
    };
    code(rewrite(execution, |parts| (parts.user, parts.password) = (Some(user), password)))
}

/// `rewriteuri(uri)`.
pub(super) fn rewrite_uri<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    code(assign_uri(execution, text(arguments)))
}

/// `revert_uri()`.
pub(super) fn revert(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    execution.transit.uri = execution.transit.message.request_uri();
    TRUE
}

/// `prefix(text)`.
pub(super) fn prefix<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(parts) = UriParts::current(execution) else { return FALSE };
    let user = execution.build(&[text(arguments), parts.user.unwrap_or_default()]);
    code(rewrite(execution, |parts| parts.user = Some(user)))
}

/// `strip(count)`.
pub(super) fn strip(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    shorten(execution, arguments, |user, count| &user[count..])
}

/// `strip_tail(count)`.
pub(super) fn strip_tail(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    shorten(execution, arguments, |user, count| &user[..user.len() - count])
}

/// Takes bytes off the user: all of it if there are no more.
fn shorten(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
    keep: fn(&[u8], usize) -> &[u8],
) -> ReturnCode {
    let [Argument::Int(count)] = arguments else { return FALSE };
    let Some(parts) = UriParts::current(execution) else { return FALSE };
    let (Ok(count), user) = (usize::try_from(*count), parts.user.unwrap_or_default()) else {
        return FALSE;
    };
    let kept = keep(user, count.min(user.len()));
    code(rewrite(execution, |parts| parts.user = Some(kept)))
}

/// `userphone()`.
pub(super) fn user_phone(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let Some(uri) = execution.parse_uri(execution.transit.uri) else { return FALSE };
    // That of a `tel:` URI is one anyway.
    if uri.scheme == Scheme::Tel || uri.params.get(b"user").is_some() {
        return TRUE;
    }
    let Some(parts) = UriParts::current(execution) else { return FALSE };
    let question = memchr::memchr(b'?', parts.rest).unwrap_or(parts.rest.len());
    let (params, headers) = parts.rest.split_at(question);
    let rest = execution.build(&[params, b";user=phone", headers]);
    code(rewrite(execution, |parts| parts.rest = rest))
}

/// Whether the Request-URI has a host that could be replaced.
fn has_host(execution: &Execution<'_>) -> bool {
    UriParts::current(execution).is_some_and(|parts| parts.has_host)
}

/// Host and port as texts.
fn split_port(text: &[u8]) -> (&[u8], &[u8]) {
    match crate::script::split_host_port(text) {
        (host, Some(_)) => (host, &text[host.len() + 1..]),
        (host, None) => (host, &[]),
    }
}
