//! Request forwarding (RFC 3261 §16.6), stateless (§16.11).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::head;
use super::identity::Identity;
use super::parked::{Counted, Form, Forms, NamedHost, Otherwise, Parked, UNRESOLVABLE_CODE};
use super::turn::{Plan, Turn};
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::names::Lookup;
use crate::script::{Host, NextHop, Refusal, Transit};
use crate::sip::rewrite::EditList;
use crate::sip::{
    Essentials, Items, Message, Method, NameAddr, Scheme, Uri, are_uri, edit_content_length,
    host_ip,
};

/// The port of SIP over UDP (RFC 3261 §19.1.2).
const PORT: u16 = 5060;

/// Plans the request to be forwarded with the changes made so far. The numbered steps are those
/// of RFC 3261 §16.6; step 5 is the script's, and step 1, the copy, is only made if the script
/// forwards again. While the name of the next hop is asked for (step 7), the request waits.
pub(super) fn forward(
    turn: &mut Turn<'_>,
    transit: &mut Transit<'_>,
    hop: NextHop<'_>,
) -> Result<(), Refusal> {
    let message = transit.message;
    if message.method().is_none() {
        return Err(Refusal::IsResponse);
    }
    if !transit.max_forwards_done && message.max_forwards() == Ok(Some(0)) {
        return too_many_hops(turn, transit);
    }
    let destination = match known_address(transit, hop) {
        Some(address) => address,
        None => {
            let (host, port) = next_hop(transit, hop)?; // step 7
            match resolve(turn, transit.essentials, host, port)? {
                Hop::Address(address) => address,
                Hop::Named(named) => return park(turn, transit, named),
            }
        }
    };
    let (listener, source) = egress(turn, transit, destination.ip())?;
    compose_earlier_plan(turn, message); // step 1
    *turn.plan = Some(Plan {
        destination,
        listener,
        source,
        counter: Counter::ForwardedRequests,
        message_length: message.end(),
    });
    if !head::plan(turn, transit, listener) {
        *turn.plan = None;
        return Err(Refusal::TooLarge);
    }
    transit.acted = true;
    if turn.loop_hash.is_some() {
        compose_earlier_plan(turn, message);
    }
    Ok(())
}

/// The message with the changes that the script has made so far, the Request-URI among them. What
/// was planned with the message as it was is composed now.
pub(super) fn apply_changes(turn: &mut Turn<'_>, transit: &Transit<'_>) -> Option<Vec<u8>> {
    let message = transit.message;
    compose_earlier_plan(turn, message);
    let key = &turn.standing.key;
    turn.loop_hash.get_or_insert_with(|| key.looping(message));
    // Replies are made of the message that the script has by then.
    turn.essentials = None;
    let mut edits = EditList::default();
    edits.copy_from(transit.edits);
    let fits = (message.method().is_none() || head::request_uri(message, transit.uri, &mut edits))
        && edit_content_length(message, &mut edits);
    let mut text = Vec::new();
    edits.write_to(message.bytes().get(..message.end())?, &mut text);
    (fits && text.len() <= DATAGRAM_BYTES_MAX).then_some(text)
}

/// Keeps the request, finished but for its address, until the name of the next hop is known. As it
/// is not known of which family that will be, it is finished for each that can be sent over.
#[cold]
fn park(turn: &mut Turn<'_>, transit: &mut Transit<'_>, named: NamedHost) -> Result<(), Refusal> {
    let request = transit.message;
    let families = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let mut unfit = Refusal::Unreachable;
    let mut forms = Forms::new();
    for family in families {
        let Ok((listener, source)) = egress(turn, transit, family) else { continue };
        compose_earlier_plan(turn, request); // step 1
        if head::plan(turn, transit, listener) {
            let mut message = Vec::new();
            turn.plan_edits.write_to(request.text(), &mut message);
            forms.push(Form { listener, source, message });
        } else {
            unfit = Refusal::TooLarge;
        }
    }
    if forms.is_empty() {
        return Err(unfit);
    }
    transit.acted = true;
    let status = (UNRESOLVABLE_CODE, &b"Unresolvable destination (478/SL)"[..]);
    let is_ack = request.method() == Some(Method::Ack);
    let lines = &transit.reply_headers;
    let refused = !is_ack && {
        turn.note_uri(transit);
        super::reply::queue(turn, request, status, (lines, b""), transit.rport_forced).is_ok()
    };
    let refusal = if refused { turn.outbox.take_composed() } else { None };
    let otherwise = refusal.map_or(Otherwise::Drop, |(way, text)| Otherwise::Refuse(way, text));
    let counted = Counted::Forwarded(Counter::ForwardedRequests);
    turn.park(Parked { named, forms, counted, otherwise });
    Ok(())
}

/// A request that may go no further is answered instead (RFC 3261 §16.3 step 3).
fn too_many_hops(turn: &mut Turn<'_>, transit: &mut Transit<'_>) -> Result<(), Refusal> {
    turn.count(Counter::RefusedTooManyHops);
    turn.reply(transit, 483, b"Too Many Hops", b"")
}

/// Step 1: a script that forwards twice sends two requests. The first one is copied to the
/// outbox with the edits it was planned with.
#[inline]
pub(super) fn compose_earlier_plan(turn: &mut Turn<'_>, message: Message<'_>) {
    if turn.plan.is_some() {
        compose_plan(turn, message);
    }
}

/// Composes what is planned, if anything is, into the outbox.
#[inline(never)]
fn compose_plan(turn: &mut Turn<'_>, message: Message<'_>) {
    if let Some(plan) = turn.plan.take() {
        let way = (plan.destination, plan.listener, plan.source);
        let edits = &*turn.plan_edits;
        let fits = turn.outbox.push_composed(way, |out| {
            edits.write_to(message.text(), out);
            true
        });
        turn.count(if fits { plan.counter } else { Counter::DroppedTooLarge });
    }
}

/// Step 7: host and, if one is named, port that the request goes to.
pub(super) fn next_hop<'m>(
    transit: &Transit<'m>,
    hop: NextHop<'m>,
) -> Result<(&'m [u8], Option<u16>), Refusal> {
    let (host, port) = match hop {
        NextHop::Routed if transit.destination.is_none() && transit.path.is_empty() => {
            host_and_port(transit, transit.uri)?
        }
        hop => {
            // Nobody else looks at the URI that is put into the message.
            if transit.uri != transit.message.request_uri() && !are_uri(transit.uri) {
                return Err(Refusal::BadUri);
            }
            match hop {
                NextHop::Fixed(host, port) => (host, port),
                NextHop::Routed => routed(transit)?,
            }
        }
    };
    if port == Some(0) { Err(Refusal::BadUri) } else { Ok((host, port)) }
}

/// Where the Request-URI leads, if it is that of a binding whose address was worked out before.
#[inline]
fn known_address(transit: &Transit<'_>, hop: NextHop<'_>) -> Option<SocketAddr> {
    let (uri, address) = transit.known_address?;
    let goes_by_uri =
        hop == NextHop::Routed && transit.destination.is_none() && transit.path.is_empty();
    (goes_by_uri && std::ptr::eq(uri, transit.uri)).then_some(SocketAddr::V4(address))
}

/// Host and port of the next hop that `$du` or the path of the chosen binding names, or else the
/// Request-URI.
fn routed<'m>(transit: &Transit<'m>) -> Result<(&'m [u8], Option<u16>), Refusal> {
    let uri = match (transit.destination, Items::new(transit.path).next()) {
        (Some(destination), _) => destination,
        (None, Some(first)) => NameAddr::parse(first).map_err(|_| Refusal::BadUri)?.uri,
        (None, None) => transit.uri,
    };
    host_and_port(transit, uri)
}

/// Host and, if one is named, port that a request with this URI is sent to (RFC 3263 §4).
fn host_and_port<'m>(
    transit: &Transit<'m>,
    uri: &'m [u8],
) -> Result<(&'m [u8], Option<u16>), Refusal> {
    let parsed;
    let uri = match transit.parts {
        Some(parts) if std::ptr::eq(parts.text, uri) => parts,
        _ => {
            parsed = Uri::parse(uri).map_err(|_| Refusal::BadUri)?;
            &parsed
        }
    };
    if uri.scheme != Scheme::Sip {
        return Err(Refusal::Unreachable);
    }
    if uri.params.text().is_empty() {
        return Ok((uri.host, uri.port));
    }
    let transport = uri.params.get(b"transport").and_then(|param| param.value);
    if transport.is_some_and(|name| !name.eq_ignore_ascii_case(b"udp")) {
        return Err(Refusal::Unreachable);
    }
    let maddr = uri.params.get(b"maddr").and_then(|param| param.value);
    Ok((maddr.unwrap_or(uri.host), uri.port))
}

/// The next hop of a request.
pub(super) enum Hop {
    /// Its address.
    Address(SocketAddr),
    /// Its name, as long as that is asked for.
    Named(NamedHost),
}

/// The next hop: the address that the host is, or that of a server that its name stands for
/// (RFC 3263 §4.2).
pub(super) fn resolve(
    turn: &Turn<'_>,
    essentials: Option<&Essentials<'_>>,
    host: &[u8],
    port: Option<u16>,
) -> Result<Hop, Refusal> {
    if let Some(ip) = host_ip(host) {
        return Ok(Hop::Address(SocketAddr::new(ip, port.unwrap_or(PORT))));
    }
    let sends = |ip: IpAddr| turn.standing.identity.for_family(ip).is_some();
    let families = [sends(Ipv4Addr::LOCALHOST.into()), sends(Ipv6Addr::LOCALHOST.into())];
    let named = NamedHost::new(turn, essentials, host, port);
    match named.lookup(turn, families) {
        Lookup::Waiting => Ok(Hop::Named(named)),
        Lookup::Unknown => Err(Refusal::Unresolvable),
        Lookup::Known(address) if address.port() != 0 => Ok(Hop::Address(address)),
        Lookup::Known(_) | Lookup::Unreachable => Err(Refusal::Unreachable),
    }
}

/// The listener that a request to `ip` leaves from, and its address there: the one that the script
/// chose, or the one that the request came to, or the first that can.
#[inline]
pub(super) fn egress(
    turn: &mut Turn<'_>,
    transit: &Transit<'_>,
    ip: IpAddr,
) -> Result<(ListenerId, IpAddr), Refusal> {
    let identity = &mut turn.standing.identity;
    if transit.send_listener.is_none()
        && let Some(own) = identity.known_text(transit.listener, &transit.local)
        && own.ip.is_ipv4() == ip.is_ipv4()
    {
        return Ok((transit.listener, own.ip));
    }
    any_egress(identity, transit, ip)
}

/// As [`egress`], wherever it has to leave from.
#[inline(never)]
fn any_egress(
    identity: &mut Identity,
    transit: &Transit<'_>,
    ip: IpAddr,
) -> Result<(ListenerId, IpAddr), Refusal> {
    let reaches = |id: &ListenerId| {
        let listener = identity.listener(*id);
        listener.is_some_and(|own| own.address.is_ipv4() == ip.is_ipv4())
    };
    let listener = transit
        .send_listener
        .filter(reaches)
        .or_else(|| Some(transit.listener).filter(reaches))
        .or_else(|| identity.for_family(ip))
        .ok_or(Refusal::Unreachable)?;
    let source = identity.text(listener, &transit.local).ip;
    if source.is_ipv4() != ip.is_ipv4() {
        return Err(Refusal::Unreachable);
    }
    Ok((listener, source))
}
