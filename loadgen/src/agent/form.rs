//! Templates made ready for an agent, and filled in for a call.

use std::cell::OnceCell;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use smallvec::SmallVec;
use viaduct::sip::compose::ViaStamp;
use viaduct::sip::{CSeq, Header, HeaderName, Message, Method, Via};

use super::call::{Call, Value};
use super::exchange::Identity;
use super::library::Library;
use crate::moment::Moment;
use crate::scenario::{Field, LastHeader, Piece, Template};

/// A template with everything filled in that is the same in all calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    head: Vec<Part>,
    body: Vec<Part>,
    texts: Vec<u8>,
    /// Whether the head names the length of the body.
    has_length: bool,
    /// Whether it needs the last message received.
    pub(super) uses_last: bool,
    /// How the transaction of the message is known.
    pub(super) signature: Signature,
}

/// How the transaction of a message is known without parsing what was composed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Signature {
    /// It has to be parsed.
    #[default]
    Unknown,
    /// The branch is the draft's; the CSeq has this method, and this number or the draft's.
    Request(Method, Option<u32>),
    /// It is that of the last message.
    Response,
}

/// A piece of a form.
#[derive(Clone, Debug)]
enum Part {
    /// Of [`Form::texts`].
    Text(Range<usize>),
    /// Filled in for each call.
    Field(Field),
    /// A header of the last message received, its name looked up already.
    Last(HeaderName, LastHeader),
    /// As [`Piece::LineStart`].
    LineStart,
    /// As [`Piece::LineEnd`].
    LineEnd,
}

/// The last message that was received.
#[derive(Debug)]
pub(super) struct Last<'m> {
    /// The message.
    pub(super) message: Message<'m>,
    /// Who sent it.
    pub(super) source: SocketAddr,
    /// Its transaction.
    pub(super) identity: Identity,
    /// Its topmost Via, once someone has asked.
    via: OnceCell<Option<Via<'m>>>,
}

impl<'m> Last<'m> {
    /// A message that was just received.
    pub(super) const fn new(message: Message<'m>, source: SocketAddr, identity: Identity) -> Self {
        Self { message, source, identity, via: OnceCell::new() }
    }

    /// Its topmost Via, if that can be read.
    pub(super) fn via(&self) -> Option<&Via<'m>> {
        self.via.get_or_init(|| self.message.top_via().ok()).as_ref()
    }
}

/// What fields are filled from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink<'a, 'm> {
    /// The call.
    pub(super) call: &'a Call,
    /// The last message received.
    pub(super) last: Option<&'a Last<'m>>,
    /// The counter of the branch.
    pub(super) branch: u32,
    /// The CSeq number.
    pub(super) cseq: u32,
    /// What all calls have in common.
    pub(super) library: &'a Library,
    /// The time.
    pub(super) now: Moment,
}

impl Form {
    /// Makes a template of `program` ready.
    pub(super) fn new(template: &Template, library: &Library, program: usize) -> Self {
        let mut form = Self { has_length: template.has_length, ..Self::default() };
        let (head, body) = template.pieces.split_at(template.body.min(template.pieces.len()));
        form.head = form.parts(head, template, library, program);
        form.body = form.parts(body, template, library, program);
        form.signature = form.signature();
        form
    }

    /// How the transaction of the message is known: by where its Via and CSeq come from.
    fn signature(&self) -> Signature {
        const OWN_CSEQ: u8 = 1;
        const OWN_BRANCH: u8 = 2;
        const OTHER: u8 = 3;
        let mut from_last = 0;
        let mut outline = Vec::new();
        for part in &self.head {
            match part {
                Part::Text(range) => outline.extend_from_slice(&self.texts[range.clone()]),
                Part::Field(Field::Cseq(0)) => outline.push(OWN_CSEQ),
                Part::Field(Field::Branch(0)) => outline.push(OWN_BRANCH),
                Part::Last(
                    HeaderName::Via | HeaderName::CSeq,
                    LastHeader { whole_line: true, .. },
                ) => {
                    from_last += 1;
                }
                _ => outline.push(OTHER),
            }
        }
        let line = |start: &str| {
            let mut lines = outline.split(|byte| *byte == b'\n');
            lines.find_map(|line| Some(line.strip_prefix(start.as_bytes())?.trim_ascii()))
        };
        let (via, cseq) = (line("Via:"), line("CSeq:"));
        match (via, cseq.and_then(|cseq| cseq.split_first())) {
            (None, None) if from_last == 2 => Signature::Response,
            (Some(via), Some((first, rest))) if via.ends_with(&[b'=', OWN_BRANCH]) => {
                if *first == OWN_CSEQ {
                    Signature::Request(Method::parse(rest.trim_ascii()), None)
                } else {
                    cseq.and_then(|cseq| CSeq::parse(cseq).ok())
                        .map_or(Signature::Unknown, |cseq| {
                            Signature::Request(Method::parse(cseq.method), Some(cseq.number))
                        })
                }
            }
            _ => Signature::Unknown,
        }
    }

    /// Makes pieces ready: what is constant becomes text, and neighbouring texts one.
    fn parts(
        &mut self,
        pieces: &[Piece],
        template: &Template,
        library: &Library,
        program: usize,
    ) -> Vec<Part> {
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(start, end) => {
                    let text = &template.literals[*start as usize..*end as usize];
                    self.text(&mut parts, text);
                }
                Piece::Field(Field::Last(last)) => {
                    self.uses_last = true;
                    parts.push(Part::Last(HeaderName::parse(last.name.as_bytes()), last.clone()));
                }
                Piece::Field(field) => match library.constant(field, program) {
                    Some(text) => self.text(&mut parts, &text),
                    None => {
                        self.uses_last |= matches!(field, Field::LastCseqNumber(_));
                        parts.push(Part::Field(field.clone()));
                    }
                },
                Piece::LineStart => parts.push(Part::LineStart),
                Piece::LineEnd => parts.push(Part::LineEnd),
            }
        }
        parts
    }

    /// Appends a text.
    fn text(&mut self, parts: &mut Vec<Part>, text: &[u8]) {
        let start = self.texts.len();
        self.texts.extend_from_slice(text);
        match parts.last_mut() {
            Some(Part::Text(range)) if range.end == start => range.end = self.texts.len(),
            _ => parts.push(Part::Text(start..self.texts.len())),
        }
    }

    /// Appends the filled form to `out`; `scratch` is memory for the body.
    pub(super) fn fill(&self, ink: &Ink<'_, '_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        if self.has_length {
            scratch.clear();
            self.fill_parts(&self.body, ink, 0, scratch);
            self.fill_parts(&self.head, ink, scratch.len(), out);
            out.extend_from_slice(scratch);
        } else {
            self.fill_parts(&self.head, ink, 0, out);
            self.fill_parts(&self.body, ink, 0, out);
        }
    }

    /// Appends filled parts.
    fn fill_parts(&self, parts: &[Part], ink: &Ink<'_, '_>, body_length: usize, out: &mut Vec<u8>) {
        let mut line_start = 0;
        let mut skipping = false;
        for part in parts {
            match part {
                Part::LineStart => line_start = out.len(),
                Part::LineEnd => {
                    skipping = false;
                    if out.len() > line_start {
                        out.extend_from_slice(b"\r\n");
                    }
                }
                _ if skipping => {}
                Part::Text(range) => out.extend_from_slice(&self.texts[range.clone()]),
                Part::Last(name, last) => skipping = !ink.last_header(*name, last, out),
                Part::Field(Field::BodyLength(plus)) => {
                    decimal(out, plus_offset(body_length as u64, *plus));
                }
                Part::Field(field) => ink.field(field, out),
            }
        }
    }
}

impl Ink<'_, '_> {
    /// Appends the value of a field.
    fn field(&self, field: &Field, out: &mut Vec<u8>) {
        let call = self.call;
        match field {
            Field::CallId => out.extend_from_slice(&call.call_id),
            Field::CallNumber => decimal(out, call.number),
            Field::Cseq(plus) => decimal(out, plus_offset(self.cseq.into(), *plus)),
            Field::Branch(0) => self.library.branch(call, self.branch, out),
            Field::Branch(back) => {
                self.library.branch(call, self.earlier_branch(*back), out);
            }
            Field::StepNumber => decimal(out, call.step as u64),
            Field::PeerTagParam if !call.dialog.remote_tag.is_empty() => {
                out.extend_from_slice(b";tag=");
                out.extend_from_slice(&call.dialog.remote_tag);
            }
            Field::Routes => out.extend_from_slice(&call.dialog.routes),
            Field::NextUrl if !call.dialog.remote_target.is_empty() => {
                out.extend_from_slice(&call.dialog.remote_target);
            }
            Field::NextUrl | Field::CalleeUri => self.callee_uri(out),
            Field::Variable(id) => value(call.variables.get(*id), out),
            Field::Injected(file, column) => self.injected(*file, *column, out),
            Field::Timestamp => out.extend_from_slice(self.library.wall(self.now).as_bytes()),
            Field::ClockTick => decimal(out, self.now.nanos() / 1_000_000),
            Field::Caller => self.user(call.users.map(|users| users.0), b"viaload", out),
            Field::Callee => {
                self.user(call.users.map(|users| users.1), self.library.service(), out);
            }
            Field::ContactUri => self.contact_uri(out),
            Field::LocalPort => decimal(out, self.library.socket(call.socket).port().into()),
            Field::RemoteIp => ip(out, call.peer.ip()),
            Field::RemotePort => decimal(out, call.peer.port().into()),
            Field::MediaPort(plus) => decimal(out, plus_offset(MEDIA_PORT, *plus)),
            Field::LastCseqNumber(plus) => {
                let cseq = self.last.and_then(|last| last.message.cseq().ok());
                decimal(out, plus_offset(cseq.map_or(0, |cseq| cseq.number).into(), *plus));
            }
            // The others are constant; a tag that is not known yet is nothing.
            _ => {}
        }
    }

    /// The counter of the branch of the message sent `back` steps before.
    fn earlier_branch(&self, back: u32) -> u32 {
        let step = self.call.step.saturating_sub(back as usize);
        let mut exchanges = self.call.exchanges.iter().rev();
        let earlier = exchanges.find(|exchange| exchange.ours && exchange.step == Some(step));
        earlier.map_or(self.branch, |exchange| exchange.branch_number)
    }

    /// Appends a user part.
    fn user(&self, user: Option<usize>, otherwise: &[u8], out: &mut Vec<u8>) {
        let name = user.and_then(|user| self.library.users().names.get(user));
        out.extend_from_slice(name.map_or(otherwise, |name| name.as_bytes()));
    }

    /// Appends the URI that the call is for.
    fn callee_uri(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"sip:");
        self.user(self.call.users.map(|users| users.1), self.library.service(), out);
        out.push(b'@');
        match (self.call.users, self.library.callee_address(self.call.number)) {
            (None, Some(address)) => out.extend_from_slice(address),
            _ => out.extend_from_slice(self.library.domain()),
        }
    }

    /// Appends the URI at which the caller wants to be called.
    fn contact_uri(&self, out: &mut Vec<u8>) {
        let user = self.call.users.map(|users| users.0);
        out.extend_from_slice(b"sip:");
        self.user(user, self.library.service(), out);
        out.push(b'@');
        let number = user.map_or(self.call.number, |user| user as u64);
        match self.library.callee_address(number) {
            Some(address) => out.extend_from_slice(address),
            None => address_port(out, self.library.socket(self.call.socket)),
        }
    }

    /// Appends a field of an injection file.
    fn injected(&self, file: usize, column: usize, out: &mut Vec<u8>) {
        let line = self.call.injected.get(file).copied().unwrap_or_default();
        if let Some(text) = self.library.injected(file, line, column) {
            out.extend_from_slice(text.as_bytes());
        }
    }

    /// Appends all headers of the last message that have a name; false if there is none.
    fn last_header(&self, name: HeaderName, wanted: &LastHeader, out: &mut Vec<u8>) -> bool {
        let Some(last) = self.last else { return false };
        let mut found = false;
        let mut append = |header: Header<'_>| {
            if found {
                out.extend_from_slice(if wanted.whole_line { b"\r\n" } else { b"," });
            }
            if wanted.whole_line {
                out.extend_from_slice(header.name_text);
                out.extend_from_slice(b": ");
            }
            if name == HeaderName::Via && !found {
                stamped(header.value, last, out);
            } else {
                out.extend_from_slice(header.value);
            }
            found = true;
        };
        if name == HeaderName::Other {
            last.message.headers_named(wanted.name.as_bytes()).for_each(&mut append);
        } else if last.message.is_repeated(name) {
            last.message.headers(name).for_each(&mut append);
        } else {
            last.message.header(name).into_iter().for_each(&mut append);
        }
        found
    }
}

/// Appends the value of a topmost Via with what a server adds to it (RFC 3261 §18.2.1,
/// RFC 3581 §4).
fn stamped(value: &[u8], last: &Last<'_>, out: &mut Vec<u8>) {
    let offset = |part: &[u8]| part.as_ptr().addr() - value.as_ptr().addr();
    let mut changes = SmallVec::<[(usize, usize, SmallVec<[u8; 64]>); 2]>::new();
    if let Some(via) = last.via() {
        ViaStamp::new(via, last.source, false).changes(|old, new| {
            let at = if old.is_empty() { offset(via.text) + via.text.len() } else { offset(old) };
            changes.push((at, old.len(), SmallVec::from_slice(new)));
        });
    }
    changes.sort_unstable();
    let mut done = 0;
    for (at, length, new) in changes {
        out.extend_from_slice(&value[done..at]);
        out.extend_from_slice(&new);
        done = at + length;
    }
    out.extend_from_slice(&value[done..]);
}

/// Appends a variable's value.
fn value(value: Option<&Value>, out: &mut Vec<u8>) {
    match value {
        Some(Value::Text(text)) => out.extend_from_slice(text),
        Some(Value::Number(number)) => out.extend_from_slice(number.to_string().as_bytes()),
        Some(Value::Unset) | None => {}
    }
}

/// Where media would go; none is sent.
const MEDIA_PORT: u64 = 6_000;

/// A number with what a keyword adds.
fn plus_offset(number: u64, plus: i32) -> u64 {
    number.saturating_add_signed(plus.into())
}

/// Appends a number.
pub(super) fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends an address as it stands in a URI.
pub(super) fn ip(out: &mut Vec<u8>, ip: IpAddr) {
    let text = match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends an address and port as they stand in a URI.
pub(super) fn address_port(out: &mut Vec<u8>, address: SocketAddr) {
    ip(out, address.ip());
    out.push(b':');
    decimal(out, address.port().into());
}

#[cfg(test)]
mod tests {
    use viaduct::sip::{MessageIndex, parse};

    use super::*;

    /// The value of a Via as a server stamps it; the request comes from 192.0.2.1:7.
    fn stamp(value: &str) -> String {
        let text = format!("BYE sip:x SIP/2.0\r\nVia: {value}\r\nCSeq: 1 BYE\r\n\r\n");
        let mut index = MessageIndex::default();
        parse(text.as_bytes(), &mut index).unwrap();
        let message = Message::new(text.as_bytes(), &index);
        let identity = Identity { number: 1, method: Method::Bye, branch: 0 };
        let last = Last::new(message, SocketAddr::from(([192, 0, 2, 1], 7)), identity);
        let mut out = Vec::new();
        stamped(message.value(HeaderName::Via).unwrap(), &last, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_first_of_several_vias_in_a_line_is_stamped() {
        let rest = "SIP/2.0/UDP b;branch=z9hG4bK2;rport";
        assert_eq!(
            stamp(&format!("SIP/2.0/UDP a;branch=z9hG4bK1, {rest}")),
            format!("SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.1, {rest}")
        );
        assert_eq!(
            stamp(&format!("SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK1,{rest}")),
            format!("SIP/2.0/UDP 192.0.2.1;rport=7;received=192.0.2.1;branch=z9hG4bK1,{rest}")
        );
    }

    #[test]
    fn a_via_that_tells_the_truth_stays_as_it_is() {
        let via = "SIP/2.0/UDP 192.0.2.1:9;branch=z9hG4bK1";
        assert_eq!(stamp(via), via);
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 9, 10, u64::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
