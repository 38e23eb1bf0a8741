//! Messages made of messages that were sent before, where no step has a template for them.

use std::borrow::Cow;
use std::net::SocketAddr;

use smallvec::SmallVec;
use viaduct::sip::{
    HeaderName, Message, MessageIndex, NameAddr, Uri, Via, host_ip, parse, reason_phrase,
};

use super::call::Dialog;

/// What a derived request says other than its prototype.
#[derive(Debug)]
pub(super) struct Derived<'m> {
    method: &'static str,
    cseq: u32,
    /// The Request-URI, if it is another.
    uri: Option<&'m [u8]>,
    /// The branch, if it is another transaction.
    branch: Option<&'m [u8]>,
    /// The value of To, if it is another.
    to: Option<&'m [u8]>,
    /// The route set, if it is another.
    routes: Option<RouteSet<'m>>,
}

impl<'m> Derived<'m> {
    /// The CANCEL of an INVITE (RFC 3261 §9.1).
    pub(super) const fn cancel(cseq: u32) -> Self {
        Self { method: "CANCEL", cseq, uri: None, branch: None, to: None, routes: None }
    }

    /// The ACK to a failure (RFC 3261 §17.1.1.3).
    pub(super) fn ack(cseq: u32, response: Message<'m>) -> Self {
        Self { method: "ACK", to: response.value(HeaderName::To), ..Self::cancel(cseq) }
    }

    /// A BYE like the ACK before it.
    pub(super) fn bye(cseq: u32, branch: &'m [u8]) -> Self {
        Self { method: "BYE", branch: Some(branch), ..Self::cancel(cseq) }
    }

    /// Becomes a request of the dialog that a 2xx made (RFC 3261 §12.1.2, §13.2.2.4).
    pub(super) fn become_dialog(&mut self, response: Message<'m>, branch: &'m [u8]) {
        let routes = RouteSet::of(response);
        self.branch = Some(branch);
        self.uri = routes.uri;
        self.routes = Some(routes);
    }

    /// Where the route set or the Request-URI leads.
    pub(super) fn next_hop(&self) -> Option<SocketAddr> {
        self.routes.as_ref()?.next_hop
    }
}

/// Where the requests of a dialog go (RFC 3261 §12.1, §12.2.1.1).
#[derive(Debug)]
pub(super) struct RouteSet<'m> {
    /// The Request-URI, if one is known.
    pub(super) uri: Option<&'m [u8]>,
    /// Values of Route.
    pub(super) routes: SmallVec<[Cow<'m, [u8]>; 2]>,
    /// The address that this leads to.
    pub(super) next_hop: Option<SocketAddr>,
}

impl<'m> RouteSet<'m> {
    /// The one that a message names by its Record-Route and Contact.
    pub(super) fn of(message: Message<'m>) -> Self {
        let routes = message.items(HeaderName::RecordRoute).map(Cow::Borrowed);
        let mut routes: SmallVec<[Cow<'m, [u8]>; 2]> = routes.collect();
        if message.method().is_none() {
            routes.reverse();
        }
        let contact = message.items(HeaderName::Contact).next();
        let uri = contact.and_then(|contact| Some(NameAddr::parse(contact).ok()?.uri));
        let first = match routes.first() {
            Some(Cow::Borrowed(first)) => NameAddr::parse(first).ok().map(|first| first.uri),
            _ => None,
        };
        let next_hop = first.or(uri).and_then(address_of);
        let is_strict = first.is_some_and(|first| {
            Uri::parse(first).is_ok_and(|first| first.params.get(b"lr").is_none())
        });
        if !is_strict {
            return Self { uri, routes, next_hop };
        }
        // A strict router wants to see itself in the Request-URI.
        routes.remove(0);
        routes.extend(uri.map(|uri| Cow::Owned([b"<", uri, b">"].concat())));
        Self { uri: first, routes, next_hop }
    }
}

/// The address that a URI names, if it names one.
fn address_of(uri: &[u8]) -> Option<SocketAddr> {
    let uri = Uri::parse(uri).ok()?;
    Some(SocketAddr::new(host_ip(uri.host)?, uri.port.unwrap_or(5060)))
}

/// Appends a request like `prototype`, but for what is derived.
pub(super) fn compose(out: &mut Vec<u8>, prototype: Message<'_>, derived: &Derived<'_>) {
    out.extend_from_slice(derived.method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(derived.uri.unwrap_or_else(|| prototype.request_uri()));
    out.extend_from_slice(b" SIP/2.0\r\n");
    via(out, prototype, derived.branch);
    match &derived.routes {
        Some(set) => set.routes.iter().for_each(|route| line(out, "Route", route)),
        None => prototype.headers(HeaderName::Route).for_each(|route| {
            line(out, "Route", route.value);
        }),
    }
    line(out, "Max-Forwards", b"70");
    line(out, "From", prototype.value(HeaderName::From).unwrap_or_default());
    let to = derived.to.or_else(|| prototype.value(HeaderName::To));
    line(out, "To", to.unwrap_or_default());
    line(out, "Call-ID", prototype.value(HeaderName::CallId).unwrap_or_default());
    line(out, "CSeq", format!("{} {}", derived.cseq, derived.method).as_bytes());
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

/// Appends the BYE of the one who sent `response`, within the dialog that it made.
pub(super) fn compose_bye_back(
    out: &mut Vec<u8>,
    response: Message<'_>,
    dialog: &Dialog,
    (own, branch): (SocketAddr, &[u8]),
    cseq: u32,
) {
    out.extend_from_slice(b"BYE ");
    out.extend_from_slice(&dialog.remote_target);
    out.extend_from_slice(format!(" SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=").as_bytes());
    out.extend_from_slice(branch);
    out.extend_from_slice(b"\r\n");
    if !dialog.routes.is_empty() {
        out.extend_from_slice(&dialog.routes);
        out.extend_from_slice(b"\r\n");
    }
    line(out, "Max-Forwards", b"70");
    line(out, "From", response.value(HeaderName::To).unwrap_or_default());
    line(out, "To", response.value(HeaderName::From).unwrap_or_default());
    line(out, "Call-ID", response.value(HeaderName::CallId).unwrap_or_default());
    line(out, "CSeq", format!("{cseq} BYE").as_bytes());
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

/// Appends the topmost Via of `prototype`, with another branch if one is given.
fn via(out: &mut Vec<u8>, prototype: Message<'_>, branch: Option<&[u8]>) {
    let value = prototype.items(HeaderName::Via).next().unwrap_or_default();
    let old = Via::parse(value).ok().and_then(|via| via.branch());
    match (branch, old) {
        (Some(new), Some(old)) => {
            let at = old.as_ptr().addr() - value.as_ptr().addr();
            line(out, "Via", &[&value[..at], new, &value[at + old.len()..]].concat());
        }
        _ => line(out, "Via", value),
    }
}

/// Appends a header line.
fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends the final response to an INVITE, made of `before`: a provisional response to it, or
/// its CANCEL. False if that is no message.
pub(super) fn compose_response(out: &mut Vec<u8>, before: &[u8], code: u16) -> bool {
    let mut index = MessageIndex::default();
    if before.is_empty() || parse(before, &mut index).is_err() {
        return false;
    }
    let before = Message::new(before, &index);
    out.extend_from_slice(format!("SIP/2.0 {code} {}\r\n", reason_phrase(code)).as_bytes());
    before.headers(HeaderName::Via).for_each(|via| line(out, "Via", via.value));
    for (name, text) in
        [(HeaderName::From, "From"), (HeaderName::To, "To"), (HeaderName::CallId, "Call-ID")]
    {
        line(out, text, before.value(name).unwrap_or_default());
    }
    let number = before.cseq().map_or(0, |cseq| cseq.number);
    line(out, "CSeq", format!("{number} INVITE").as_bytes());
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    true
}
