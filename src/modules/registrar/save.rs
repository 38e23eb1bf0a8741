//! `save`.

use std::borrow::Cow;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use smallvec::SmallVec;

use super::super::table::{int, joined, text};
use super::lookup::aor_of;
use super::record::setting;
use super::{config, own_key};
use crate::limits::CONTACT_COUNT_MAX;
use crate::location::registrar::{
    Outcome, Registration, Rejection, Renewal, Request, compose_contacts, contacts_room, refresh,
    register,
};
use crate::location::{
    self, BindingSet, LocationTable, PathMode, RegistrarConfig, SHORT_CONTACT_BYTES, UsrlocConfig,
};
use crate::metrics::Counter;
use crate::protocol::Transport;
use crate::script::{
    Argument, Execution, FALSE, Host, ReturnCode, TRUE, Transit, Value, XavpKind, XavpPath,
};
use crate::sip::{HeaderName, Items, Message, Method, NameAddr, ParseError, Pen, Uri};

/// Flag: no answer.
const NO_REPLY: i64 = 2;

/// Flag: contacts that the request does not name are removed.
const REPLACE_OTHERS: i64 = 4;

/// See [`save_source`]; no script can say it.
const FROM_SOURCE: i64 = i64::MIN;

/// What `save` returns where there are too many contacts.
const TOO_MANY_CONTACTS: ReturnCode = -2;

/// `save(table[, flags[, uri]])`.
pub(super) fn save<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let flags = int(arguments, 1).unwrap_or_default();
    save_flagged(execution, arguments, flags & !FROM_SOURCE)
}

/// As [`save`], and requests to the contacts are sent to where the REGISTER came from if the
/// script has called `force_rport()`.
pub(super) fn save_source<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    save_flagged(execution, arguments, FROM_SOURCE)
}

/// `save_noreply(table)`.
pub(super) fn save_noreply<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    save_flagged(execution, arguments, NO_REPLY)
}

/// Does the REGISTER and answers it.
fn save_flagged<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    flags: i64,
) -> ReturnCode {
    if execution.transit.message.method() != Some(Method::Register) {
        return FALSE;
    }
    if is_plain(execution, arguments, flags)
        && let Some(contact) = renew(execution, arguments)
    {
        execution.host.count(Counter::Registrations);
        let reply = reply(execution, 200, b"OK", contact);
        return if reply == TRUE { Outcome::Updated as ReturnCode } else { FALSE };
    }
    save_any(execution, arguments, flags)
}

/// Whether a REGISTER is answered at once, and its contacts are stored without anything beside what
/// their own header field says.
#[inline(always)]
fn is_plain(execution: &Execution<'_>, arguments: &[Argument<'_>], flags: i64) -> bool {
    let config = config(execution.program);
    flags & !REPLACE_OTHERS == 0
        && arguments.len() < 3
        && config.path.is_none()
        && config.xavp_cfg.is_empty()
        && config.received_avp.is_empty()
}

/// Refreshes the binding of the user in To as a plain REGISTER asks for it; the header line of the
/// answer that tells the contact. `None`, and nothing has changed, if it asks for anything else.
#[inline(always)]
fn renew<'m>(execution: &Execution<'m>, arguments: &[Argument<'m>]) -> Option<&'m [u8]> {
    let Execution { transit, program, .. } = execution;
    let message = transit.message;
    let essentials = transit.essentials?;
    if message.value(HeaderName::Require).is_some() || message.is_repeated(HeaderName::Contact) {
        return None;
    }
    let user = Uri::parse_plain(essentials.to.uri());
    let aor = match user.and_then(|uri| own_key(&uri, program)) {
        Some(aor) => aor,
        None => aor_of(execution, essentials.to.uri())?,
    };
    let table = execution.host.locations()?.get(text(arguments, 0))?;
    let renewal =
        Renewal { contact: message.value(HeaderName::Contact)?, expires: expires(message) };
    let config = config(program);
    let registration = Registration {
        call_id: essentials.call_id,
        cseq: essentials.cseq.number,
        path: &[],
        user_agent: message.value(HeaderName::UserAgent).unwrap_or_default(),
        listener: transit.listener,
        cflags: execution.branch_flags,
        received: &[],
        // Neither changes anything where there is one contact, and that is refreshed.
        replaces_others: false,
        newest_first: false,
        q: None,
    };
    let now = location::moment(execution.host.monotonic_seconds());
    let arena = transit.arena;
    refresh(table, aor, (renewal, &registration), (config, now), |set| {
        contact_line(set, now, arena)
            .unwrap_or_else(|| headers(Some(set), (now, config), arena, b""))
    })
}

/// The Contact line of the answer, if it has one contact with nothing but its expiry.
#[inline(always)]
fn contact_line<'m>(set: &BindingSet, now: u32, arena: &'m Bump) -> Option<&'m [u8]> {
    let [binding] = set.all() else { return None };
    let seconds = u16::try_from(binding.expires_at().checked_sub(now)?).ok()?;
    let (contact, length) = binding.short_contact()?;
    if binding.q().is_some() || binding.has_instance() || seconds == 0 {
        return None;
    }
    let line = arena.alloc([0; CONTACT_LINE_BYTES]);
    let mut pen = Pen::new(line);
    pen.chunk(b"Contact: <").first::<SHORT_CONTACT_BYTES>(contact, length);
    pen.chunk(b">;expires=").port(seconds).chunk(b"\r\n");
    let length = pen.written()?;
    line.get(..length)
}

/// Bytes of such a line, and some that are written and not used.
const CONTACT_LINE_BYTES: usize = SHORT_CONTACT_BYTES + 40;

/// As [`save_flagged`], whatever the REGISTER asks for.
#[inline(never)]
fn save_any<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    flags: i64,
) -> ReturnCode {
    let answer = match store(execution, arguments, flags) {
        Ok(answer) => answer,
        Err(failure) => failure.answer(execution),
    };
    match answer.result {
        Ok(Outcome::Queried) => {}
        Ok(_) => execution.host.count(Counter::Registrations),
        Err(_) => execution.host.count(Counter::RegistrationsRefused),
    }
    if flags & NO_REPLY == 0 {
        let (code, reason) = answer.status;
        if reply(execution, code, reason.as_bytes(), answer.headers) != TRUE {
            return FALSE;
        }
    } else if !keep_reply(execution, &answer) {
        return FALSE;
    }
    match answer.result {
        Ok(outcome) => outcome as ReturnCode,
        Err(code) => code,
    }
}

/// Answers the REGISTER.
fn reply(execution: &mut Execution<'_>, code: u16, reason: &[u8], headers: &[u8]) -> ReturnCode {
    match execution.host.reply(&mut execution.transit, code, reason, headers) {
        Ok(()) => TRUE,
        Err(refusal) => execution.refuse(refusal),
    }
}

/// Where an answer is kept for `reg_send_reply`: no script can give contacts that name.
const KEPT: &[u8] = b"\0reply";

/// Keeps an answer for `reg_send_reply`; false if the run keeps too much already.
fn keep_reply<'m>(execution: &mut Execution<'m>, answer: &Answer<'m>) -> bool {
    let (code, reason) = answer.status;
    execution.xavp_remove(XavpKind::Contacts, XavpPath::new(KEPT, None));
    let members: [(&[u8], Value<'m>); 3] = [
        (b"code", Value::Int(code.into())),
        (b"reason", Value::Text(reason.as_bytes())),
        (b"headers", Value::Text(answer.headers)),
    ];
    members.into_iter().enumerate().all(|(place, (name, value))| {
        let path = XavpPath::new(KEPT, Some(name));
        let path = if place == 0 { path } else { path.at(0) };
        execution.xavp_put(XavpKind::Contacts, path, value)
    })
}

/// `reg_send_reply()`.
pub(super) fn send_reply<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let kept = |name| execution.xavp(XavpKind::Contacts, XavpPath::new(KEPT, Some(name)));
    let code = u16::try_from(kept(b"code").to_int()).unwrap_or(0);
    let (reason, headers) = (kept(b"reason"), kept(b"headers"));
    let (Value::Text(reason), Value::Text(headers)) = (reason, headers) else {
        execution.complain("reg_send_reply: there is no answer that save() has kept");
        return FALSE;
    };
    reply(execution, code, reason, headers)
}

/// How a REGISTER is answered.
struct Answer<'m> {
    /// What has happened, or else what `save` returns.
    result: Result<Outcome, ReturnCode>,
    status: (u16, &'static str),
    headers: &'m [u8],
}

/// Why a REGISTER is not done.
enum Failure<'m> {
    /// The registrar says so.
    Rejected(Rejection),
    /// It requires these extensions, or does not support this one (RFC 3261 §8.2.2.3).
    BadExtension(&'m [u8]),
    /// The address-of-record is no URI, or too long.
    NoUser,
    /// There are no location tables, or as many as there may be.
    NoTable,
}

impl<'m> Failure<'m> {
    /// The answer that says so.
    fn answer(self, execution: &Execution<'m>) -> Answer<'m> {
        let arena = execution.transit.arena;
        let (status, headers): (_, &'m [u8]) = match self {
            Self::Rejected(rejection) => (
                rejection.status(),
                match rejection {
                    Rejection::TooBrief { min_expires } => {
                        let line = bumpalo::format!(in arena, "Min-Expires: {}\r\n", min_expires);
                        line.into_bump_str().as_bytes()
                    }
                    Rejection::TooManyContacts | Rejection::Full => {
                        match config(execution.program).retry_after {
                            0 => &[],
                            seconds => {
                                let line =
                                    bumpalo::format!(in arena, "Retry-After: {}\r\n", seconds);
                                line.into_bump_str().as_bytes()
                            }
                        }
                    }
                    _ => &[],
                },
            ),
            Self::BadExtension(names) => {
                ((420, "Bad Extension"), joined(arena, &[b"Unsupported: ", names, b"\r\n"]))
            }
            Self::NoUser => ((400, "Bad Request (no address-of-record)"), &[]),
            Self::NoTable => ((500, "Server Internal Error (no such table)"), &[]),
        };
        let is_too_many = matches!(self, Self::Rejected(Rejection::TooManyContacts));
        let code = if is_too_many { TOO_MANY_CONTACTS } else { FALSE };
        Answer { result: Err(code), status, headers }
    }
}

impl From<Rejection> for Failure<'_> {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<ParseError> for Failure<'_> {
    fn from(error: ParseError) -> Self {
        Self::Rejected(Rejection::Malformed(error))
    }
}

/// Does what the REGISTER asks for (RFC 3261 §10.3 steps 2 and 5 to 8; the others are the
/// script's).
fn store<'m>(
    execution: &Execution<'m>,
    arguments: &[Argument<'m>],
    flags: i64,
) -> Result<Answer<'m>, Failure<'m>> {
    let Execution { transit, program, .. } = execution;
    let (message, arena) = (transit.message, transit.arena);
    let general = config(program);
    let config = &*own_config(execution, general);
    require(transit, config)?;
    let aor = aor_of(execution, address(transit, text(arguments, 2))?).ok_or(Failure::NoUser)?;
    let path = path(transit, config)?;
    let registration = registration(execution, config, path.stored, flags)?;
    let table = table(&*execution.host, text(arguments, 0));
    let now = location::seconds(execution.host.now());
    let expires = expires(message);
    let tell = |set: &_| headers(Some(set), (now, config), arena, path.told);
    let done = |outcome, headers| Ok(Answer { result: Ok(outcome), status: (200, "OK"), headers });
    if let (Some(table), Some(contact)) = (table, message.value(HeaderName::Contact))
        && !message.is_repeated(HeaderName::Contact)
        && !is_plain(execution, arguments, flags)
    {
        let renewal = (Renewal { contact, expires }, &registration);
        if let Some(headers) = refresh(table, aor, renewal, (config, now), tell) {
            return done(Outcome::Updated, headers);
        }
    }
    let request = Request::parse(contacts(message)?, expires, config)?;
    let table = table.ok_or(Failure::NoTable)?;
    let outcome = register(table, aor, (&request, &registration), config, now)?;
    let headers =
        table.lookup(aor, tell).unwrap_or_else(|| headers(None, (now, config), arena, path.told));
    done(outcome, headers)
}

/// The address-of-record: the URI given to the function, or the one in To.
fn address<'m>(transit: &Transit<'m>, given: &'m [u8]) -> Result<&'m [u8], ParseError> {
    match transit.essentials {
        _ if !given.is_empty() => Ok(given),
        Some(essentials) => Ok(essentials.to.uri()),
        None => {
            let to = transit.message.value(HeaderName::To).ok_or(ParseError::MissingHeader)?;
            Ok(NameAddr::parse(to)?.uri)
        }
    }
}

/// What the REGISTER says about the bindings, whatever its contacts.
fn registration<'m>(
    execution: &Execution<'m>,
    config: &RegistrarConfig,
    path: &'m [u8],
    flags: i64,
) -> Result<Registration<'m>, ParseError> {
    let transit = &execution.transit;
    let message = transit.message;
    let usrloc = execution.program.config::<UsrlocConfig>();
    let (call_id, cseq) = match transit.essentials {
        Some(essentials) => (essentials.call_id, essentials.cseq.number),
        None => {
            let call_id = message.value(HeaderName::CallId).ok_or(ParseError::MissingHeader)?;
            (call_id, message.cseq()?.number)
        }
    };
    Ok(Registration {
        call_id,
        cseq,
        path,
        user_agent: message.value(HeaderName::UserAgent).unwrap_or_default(),
        listener: transit.listener,
        cflags: execution.branch_flags,
        received: received(execution, config, flags)?,
        replaces_others: flags & REPLACE_OTHERS != 0,
        newest_first: usrloc.is_some_and(|usrloc| usrloc.newest_first) || config.newest_first,
        q: forced_q(execution, config),
    })
}

/// What the parameters say, and for this request the attribute that `xavp_cfg` names.
fn own_config<'m>(
    execution: &Execution<'m>,
    config: &'m RegistrarConfig,
) -> Cow<'m, RegistrarConfig> {
    if config.xavp_cfg.is_empty() {
        return Cow::Borrowed(config);
    }
    let most = match setting(execution, b"max_contacts") {
        Value::Int(most) => usize::try_from(most).unwrap_or(0),
        _ => return Cow::Borrowed(config),
    };
    let most = if most == 0 { CONTACT_COUNT_MAX } else { most.min(CONTACT_COUNT_MAX) };
    Cow::Owned(RegistrarConfig { contact_count_max: most, ..config.clone() })
}

/// The q that the attribute says which `xavp_cfg` names.
fn forced_q(execution: &Execution<'_>, config: &RegistrarConfig) -> Option<u16> {
    if config.xavp_cfg.is_empty() {
        return None;
    }
    match setting(execution, b"q") {
        Value::Int(q) => u16::try_from(q).ok().filter(|q| *q <= 1_000),
        _ => None,
    }
}

/// The table of that name, made if there is none.
fn table<'h>(host: &'h (dyn Host + '_), name: &[u8]) -> Option<&'h LocationTable> {
    host.locations()?.get_or_create(name)
}

/// Checks that all extensions that are required are there (RFC 3261 §10.3 step 2, §8.2.2.3).
fn require<'m>(transit: &Transit<'m>, config: &RegistrarConfig) -> Result<(), Failure<'m>> {
    if transit.message.value(HeaderName::Require).is_none() {
        return Ok(());
    }
    let supports = |tag: &[u8]| config.path.is_some() && tag.eq_ignore_ascii_case(b"path");
    let mut missing = ArenaVec::new_in(transit.arena);
    for tag in transit.message.items(HeaderName::Require).filter(|tag| !supports(tag)) {
        if !missing.is_empty() {
            missing.push(b',');
        }
        missing.extend_from_slice_copy(tag);
    }
    if missing.is_empty() { Ok(()) } else { Err(Failure::BadExtension(missing.into_bump_slice())) }
}

/// The Expires value; a malformed one stands for an hour (RFC 3261 §10.2.1.1).
fn expires(message: Message<'_>) -> Option<u32> {
    Some(message.seconds(HeaderName::Expires)?.unwrap_or(3_600))
}

/// The path of a REGISTER: values as they are stored, and as they are told in the answer.
#[derive(Default)]
struct Path<'m> {
    stored: &'m [u8],
    told: &'m [u8],
}

/// The path of the request, as far as the parameters want to know it (RFC 3327 §5.3).
fn path<'m>(transit: &Transit<'m>, config: &RegistrarConfig) -> Result<Path<'m>, Failure<'m>> {
    let message = transit.message;
    let Some(mode) = config.path else { return Ok(Path::default()) };
    let mut stored = ArenaVec::new_in(transit.arena);
    for hop in message.items(HeaderName::Path) {
        NameAddr::parse(hop)?;
        if !stored.is_empty() {
            stored.push(b',');
        }
        stored.extend_from_slice_copy(hop);
    }
    let stored = stored.into_bump_slice();
    let mut supported = message.items(HeaderName::Supported);
    let is_supported = supported.any(|tag| tag.eq_ignore_ascii_case(b"path"));
    match mode {
        PathMode::Strict if !stored.is_empty() && !is_supported => {
            Err(Failure::BadExtension(b"path"))
        }
        PathMode::Strict | PathMode::Lazy if is_supported => Ok(Path { stored, told: stored }),
        _ => Ok(Path { stored, told: &[] }),
    }
}

/// The URI that requests to the contacts are sent to instead, if the script has set the attribute
/// that `received_avp` names.
fn received<'m>(
    execution: &Execution<'m>,
    config: &RegistrarConfig,
    flags: i64,
) -> Result<&'m [u8], ParseError> {
    let Transit { rport_forced, source, arena, .. } = execution.transit;
    if flags & FROM_SOURCE != 0 && rport_forced {
        let uri = match execution.transport() {
            Transport::Udp => bumpalo::format!(in arena, "sip:{}", source),
            stream => bumpalo::format!(in arena, "sip:{};transport={}", source, stream.name()),
        };
        return Ok(uri.into_bump_str().as_bytes());
    }
    if config.received_avp.is_empty() {
        return Ok(&[]);
    }
    match execution.text(execution.avp(&config.received_avp, 0)) {
        b"" => Ok(&[]),
        uri => Uri::parse(uri).map(|uri| uri.text),
    }
}

/// The Contact values. Of one header field the last one counts as the first that came: so it is
/// with the servers that the scripts were written for, and tells which of the same q is called.
fn contacts(message: Message<'_>) -> Result<impl Iterator<Item = &[u8]>, ParseError> {
    if message.headers(HeaderName::Contact).any(|header| header.value.is_empty()) {
        return Err(ParseError::Address);
    }
    Ok(message.headers(HeaderName::Contact).flat_map(|header| {
        let values: SmallVec<[&[u8]; 1]> = Items::new(header.value).collect();
        values.into_iter().rev()
    }))
}

/// The header lines of the 200 (RFC 3261 §10.3 step 8, RFC 3327 §5.3), if these are the bindings.
fn headers<'m>(
    set: Option<&BindingSet>,
    (now, config): (u32, &RegistrarConfig),
    arena: &'m Bump,
    path: &[u8],
) -> &'m [u8] {
    let room = set.map_or(0, |set| contacts_room(set, &config.received_param));
    let lines = arena.alloc_slice_fill_copy(room + path.len() + HEADERS_BYTES_FIXED, 0);
    let mut pen = Pen::new(lines);
    if let Some(set) = set.filter(|set| set.live(now).next().is_some()) {
        pen.text(b"Contact: ");
        compose_contacts(set, now, &config.received_param, &mut pen);
        pen.text(b"\r\n");
    }
    if !path.is_empty() {
        pen.text(b"Supported: path\r\nPath: ").text(path).text(b"\r\n");
    }
    let length = pen.written().unwrap_or(0);
    &lines[..length]
}

/// Bytes of these lines beside the contacts and the path.
const HEADERS_BYTES_FIXED: usize = 64;
