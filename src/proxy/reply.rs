//! Responses made here, without state (RFC 3261 §8.2.6, §8.2.7).

use std::net::SocketAddr;

use super::parked::{Counted, Form, Forms, NamedHost, Otherwise, Parked};
use super::response::named_host;
use super::turn::Turn;
use super::warning::Warning;
use crate::mem::{Arrival, Peer};
use crate::metrics::Counter;
use crate::names::Lookup;
use crate::protocol::Transport;
use crate::script::{Host, Refusal, Transit};
use crate::sip::compose::{self, PlainStamp, Reply, ViaStamp, reply_address};
use crate::sip::{Essentials, HeaderName, Message, Method, NameAddr};

/// Composes the response into the outbox and counts it, or keeps it until the name that it goes to
/// is known. `headers` are pieces of whole header lines, among them what the body is.
#[inline(always)]
pub(super) fn reply(
    turn: &mut Turn<'_>,
    request: Message<'_>,
    status: (u16, &[u8]),
    (headers, body): (&[&[u8]], &[u8]),
    force_rport: bool,
) -> Result<(), Refusal> {
    if body.is_empty() && queue_plain(turn, request, status, headers, force_rport) {
        turn.standing.parts.counters.count_reply(status.0);
        return Ok(());
    }
    reply_any(turn, request, status, (headers, body), force_rport)
}

/// Composes a response without a body in one go if all is as it almost always is: the request has
/// passed the checks and came over UDP. False, and nothing has happened, if it is not.
#[inline(never)]
fn queue_plain(
    turn: &mut Turn<'_>,
    request: Message<'_>,
    (code, reason): (u16, &[u8]),
    headers: &[&[u8]],
    force_rport: bool,
) -> bool {
    let Some(essentials) = turn.essentials else { return false };
    let Arrival { source, local, listener } = turn.arrival;
    let is_ordinary = request.method().is_some_and(|method| method != Method::Ack)
        && turn.standing.warning.is_none()
        && source.is_ipv4() == local.is_ipv4()
        && !turn.goes_by_stream(*listener);
    if !is_ordinary {
        return false;
    }
    let stamp = PlainStamp::new(&essentials.via, source, force_rport);
    let Some(stamp) = stamp.filter(|stamp| stamp.port() != 0) else { return false };
    let to_tag = to_tag(turn, request);
    let reply = Reply { code, reason, to_tag, headers, last_headers: &[], body: b"" };
    let Some(room) = turn.outbox.room() else { return false };
    let end = &turn.standing.reply_end;
    let Some(length) = compose::plain_reply(room, request, &stamp, reply, end) else {
        return false;
    };
    let mut destination = *source;
    destination.set_port(stamp.port());
    turn.outbox.push_written((destination, *listener, local.ip()), length);
    true
}

/// As [`reply`], for any request and any response.
#[inline(never)]
fn reply_any(
    turn: &mut Turn<'_>,
    request: Message<'_>,
    status: (u16, &[u8]),
    (headers, body): (&[&[u8]], &[u8]),
    force_rport: bool,
) -> Result<(), Refusal> {
    queue(turn, request, status, (headers, body), force_rport)?;
    let essentials = turn.essentials;
    match essentials.and_then(|essentials| named_host(&essentials.via)) {
        Some((host, port)) if !turn.goes_by_stream(turn.arrival.listener) => {
            let named = NamedHost::new(turn, essentials, (Transport::Udp, host, port));
            redirect(turn, named, status.0);
        }
        _ => turn.standing.parts.counters.count_reply(status.0),
    }
    Ok(())
}

/// Has the response that was composed last go to a name (RFC 3263 §5); to where the request came
/// from if there is no such name.
#[cold]
fn redirect(turn: &mut Turn<'_>, named: NamedHost, code: u16) {
    let Some((way, message)) = turn.outbox.take_composed() else { return };
    let (destination, listener, source) = way;
    let counted = Counted::Reply(code);
    let destination = match named.lookup(turn, [source.is_ipv4(), source.is_ipv6()]) {
        Lookup::Waiting => {
            let otherwise = Otherwise::Send(destination);
            let forms = Forms::from([Form { listener, source, message }]);
            return turn.park(Parked { named, forms, counted, otherwise });
        }
        Lookup::Known(address) if address.port() != 0 => address,
        _ => destination,
    };
    counted.add_to(&turn.standing.parts.counters);
    turn.outbox.push_composed((destination, listener, source), |out| {
        out.extend_from_slice(&message);
        true
    });
}

/// Composes the response into the outbox.
#[inline(never)]
pub(super) fn queue(
    turn: &mut Turn<'_>,
    request: Message<'_>,
    (code, reason): (u16, &[u8]),
    (headers, body): (&[&[u8]], &[u8]),
    force_rport: bool,
) -> Result<(), Refusal> {
    let is_noted = turn.standing.warning.as_mut().is_some_and(Warning::take_note);
    match request.method() {
        None => return Err(Refusal::IsResponse),
        Some(Method::Ack) => {
            turn.count(Counter::DroppedReplyToAck);
            return Err(Refusal::ReplyToAck);
        }
        Some(_) => {}
    }
    let parsed;
    let via = match turn.essentials {
        Some(essentials) => &essentials.via,
        None => {
            parsed = request.top_via().map_err(|_| Refusal::Unreachable)?;
            &parsed
        }
    };
    let arrival = turn.arrival;
    let is_stream = turn.goes_by_stream(arrival.listener);
    let destination = match is_stream {
        true => arrival.source,
        false => reply_address(via, arrival.source, force_rport),
    };
    if destination.is_ipv4() != arrival.local.is_ipv4() || destination.port() == 0 {
        return Err(Refusal::Unreachable);
    }
    let stamp = ViaStamp::new(via, arrival.source, force_rport);
    let to_tag = to_tag(turn, request);
    let standing = &mut *turn.standing;
    let warning = match &mut standing.warning {
        Some(warning) => warning.line(request, arrival, is_noted),
        None => b"",
    };
    let last_headers = &[&*standing.server_header, warning];
    let reply = Reply { code, reason, to_tag, headers, last_headers, body };
    let way = (destination, arrival.listener, arrival.local.ip());
    let queued = turn.outbox.push_composed(way, |out| compose::reply(out, request, &stamp, reply));
    if !queued {
        return Err(Refusal::TooLarge);
    }
    if is_stream {
        note_sent_by(turn, via.port);
    }
    Ok(())
}

/// Notes where the reply goes if the connection is gone that the request came by: to the port of
/// sent-by (RFC 3261 §18.2.2).
#[inline(never)]
fn note_sent_by(turn: &mut Turn<'_>, sent_by_port: Option<u16>) {
    let Arrival { source, listener, .. } = *turn.arrival;
    let own = turn.standing.identity.listener(listener);
    let transport = own.map_or(Transport::Tcp, |own| own.transport);
    let port = sent_by_port.unwrap_or_else(|| transport.default_port());
    let otherwise = Some(SocketAddr::new(source.ip(), port));
    turn.outbox.note_peer(Peer { name: None, otherwise });
}

/// The tag that To has in replies to this request: its own, or the one that it gets.
pub(super) fn tag<'m>(turn: &Turn<'_>, transit: &Transit<'m>) -> Option<&'m [u8]> {
    transit.message.method()?;
    match to_tag(turn, transit.message) {
        Some(tag) => Some(transit.arena.alloc_slice_copy(&tag)),
        None => transit.to_tag(),
    }
}

/// The tag that To gets, unless it has one; of a request that did not pass the checks as well, as
/// far as it can be read. A To that does not parse is left as it is.
fn to_tag(turn: &Turn<'_>, request: Message<'_>) -> Option<[u8; 16]> {
    let key = &turn.standing.key;
    if let Some(Essentials { call_id, cseq, from, to, .. }) = turn.essentials {
        let has_none = to.tag().is_none();
        return has_none
            .then(|| key.tag(call_id, Some(cseq.number), from.tag().unwrap_or_default()));
    }
    let address = |name| request.value(name).and_then(|value| NameAddr::parse(value).ok());
    if address(HeaderName::To)?.tag().is_some() {
        return None;
    }
    let from_tag = address(HeaderName::From).and_then(|from| from.tag());
    let call_id = request.value(HeaderName::CallId).unwrap_or_default();
    let cseq = request.cseq().ok().map(|cseq| cseq.number);
    Some(key.tag(call_id, cseq, from_tag.unwrap_or_default()))
}
