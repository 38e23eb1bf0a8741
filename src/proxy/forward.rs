//! Request forwarding (RFC 3261 §16.6), stateless (§16.11).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::identity::OwnText;
use super::parked::{Counted, Form, Forms, NamedHost, Otherwise, Parked, UNRESOLVABLE_CODE};
use super::standing::Standing;
use super::turn::{Plan, Turn};
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::names::Lookup;
use crate::script::{Host, NextHop, RecordRoute, Refusal, Transit};
use crate::sip::compose::{ShortText, ViaStamp};
use crate::sip::rewrite::EditList;
use crate::sip::{
    Essentials, HeaderName, Items, Message, Method, NameAddr, Scheme, Uri, Via, are_token, are_uri,
    edit_content_length, host_ip,
};

/// Max-Forwards of a request that has none (RFC 3261 §16.6 step 3).
const MAX_FORWARDS_DEFAULT: &[u8] = b"Max-Forwards: 70\r\n";

/// The port of SIP over UDP (RFC 3261 §19.1.2).
const PORT: u16 = 5060;

/// Where a request leaves to, and from where.
#[derive(Clone, Copy, Debug)]
struct Route {
    destination: SocketAddr,
    listener: ListenerId,
    source: IpAddr,
}

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
    let (host, port) = next_hop(transit, hop)?; // step 7
    let address = match resolve(turn, transit.essentials, host, port)? {
        Hop::Address(address) => address,
        Hop::Named(named) => return park(turn, transit, named),
    };
    let route = egress(turn, transit, address)?;
    compose_earlier_plan(turn, message); // step 1
    if !edit(turn, transit, route) {
        return Err(Refusal::TooLarge);
    }
    transit.acted = true;
    turn.plan = Some(Plan {
        destination: route.destination,
        listener: route.listener,
        source: route.source,
        counter: Counter::ForwardedRequests,
        message_length: message.end(),
    });
    if turn.is_rewritten {
        compose_earlier_plan(turn, message);
    }
    Ok(())
}

/// The message with the changes that the script has made so far, the Request-URI among them. What
/// was planned with the message as it was is composed now.
pub(super) fn apply_changes(turn: &mut Turn<'_>, transit: &Transit<'_>) -> Option<Vec<u8>> {
    let message = transit.message;
    compose_earlier_plan(turn, message);
    turn.is_rewritten = true;
    // Replies are made of the message that the script has by then.
    turn.essentials = None;
    let mut edits = EditList::default();
    edits.copy_from(&transit.edits);
    let fits = (message.method().is_none() || request_uri(message, transit.uri, &mut edits))
        && edit_content_length(message, &mut edits);
    let mut text = Vec::new();
    edits.write_to(message.bytes().get(..message.end())?, &mut text);
    (fits && text.len() <= DATAGRAM_BYTES_MAX).then_some(text)
}

/// Steps 2 to 9, but for the address: what is changed in a request that leaves so.
fn edit(turn: &mut Turn<'_>, transit: &Transit<'_>, route: Route) -> bool {
    let message = transit.message;
    turn.plan_edits.copy_from(&transit.edits);
    request_uri(message, transit.uri, turn.plan_edits) // step 2
        && max_forwards(message, transit, turn.plan_edits) // step 3
        && path(message, transit.path, turn.plan_edits) // step 6
        && via(turn, transit, route) // steps 4 and 8
        && edit_content_length(message, turn.plan_edits) // step 9
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
        let Ok(route) = egress(turn, transit, SocketAddr::new(family, 0)) else { continue };
        compose_earlier_plan(turn, request); // step 1
        if edit(turn, transit, route) {
            let mut message = Vec::new();
            turn.plan_edits.write_to(request.text(), &mut message);
            forms.push(Form { listener: route.listener, source: route.source, message });
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
    turn.note_uri(transit);
    let refused = !is_ack
        && super::reply::queue(turn, request, status, (lines, b""), transit.rport_forced).is_ok();
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
pub(super) fn compose_earlier_plan(turn: &mut Turn<'_>, message: Message<'_>) {
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

/// Step 2: the Request-URI as the script left it.
fn request_uri(message: Message<'_>, uri: &[u8], edits: &mut EditList) -> bool {
    let original = message.request_uri();
    uri == original || edits.replace(message.offset_of(original), original.len(), uri)
}

/// Step 3: one hop less, unless the script has seen to it. The number keeps its width, so that
/// nothing moves.
fn max_forwards(message: Message<'_>, transit: &Transit<'_>, edits: &mut EditList) -> bool {
    if transit.max_forwards_done {
        return true;
    }
    let Some(value) = message.value(HeaderName::MaxForwards) else {
        return edits.insert(message.headers_start(), MAX_FORWARDS_DEFAULT);
    };
    let at = message.offset_of(value);
    if edits.removes(at) {
        return true;
    }
    let number = value.iter().fold(0_u32, |sum, digit| {
        sum.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
    });
    let mut less = ShortText::new(b"");
    less.decimal(number.saturating_sub(1).min(255) as usize);
    let padding = value.len().saturating_sub(less.as_bytes().len());
    let padding = &b"          "[..padding.min(10)];
    edits.replace_parts(at, value.len(), &[padding, less.as_bytes()])
}

/// Step 6: the path that the callee registered with (RFC 3327 §5.3) becomes its route set.
fn path(message: Message<'_>, path: &[u8], edits: &mut EditList) -> bool {
    path.is_empty() || edits.insert_before(message.headers_start(), &[b"Route: ", path, b"\r\n"])
}

/// Step 7: host and, if one is named, port that the request goes to.
fn next_hop<'m>(
    transit: &Transit<'m>,
    hop: NextHop<'m>,
) -> Result<(&'m [u8], Option<u16>), Refusal> {
    let (host, port) = match hop {
        NextHop::Routed if transit.destination.is_none() && transit.path.is_empty() => {
            host_and_port(transit.uri)?
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

/// Host and port of the next hop that `$du` or the path of the chosen binding names, or else the
/// Request-URI.
fn routed<'m>(transit: &Transit<'m>) -> Result<(&'m [u8], Option<u16>), Refusal> {
    let uri = match (transit.destination, Items::new(transit.path).next()) {
        (Some(destination), _) => destination,
        (None, Some(first)) => NameAddr::parse(first).map_err(|_| Refusal::BadUri)?.uri,
        (None, None) => transit.uri,
    };
    host_and_port(uri)
}

/// Host and, if one is named, port that a request with this URI is sent to (RFC 3263 §4).
fn host_and_port(uri: &[u8]) -> Result<(&[u8], Option<u16>), Refusal> {
    let uri = Uri::parse(uri).map_err(|_| Refusal::BadUri)?;
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
enum Hop {
    /// Its address.
    Address(SocketAddr),
    /// Its name, as long as that is asked for.
    Named(NamedHost),
}

/// The next hop: the address that the host is, or that of a server that its name stands for
/// (RFC 3263 §4.2).
fn resolve(
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

/// Where a request to that address goes, and the listener that it leaves from: the one that the
/// script chose, or the one that it came to, or the first that can.
fn egress(
    turn: &Turn<'_>,
    transit: &Transit<'_>,
    destination: SocketAddr,
) -> Result<Route, Refusal> {
    let ip = destination.ip();
    let identity = &turn.standing.identity;
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
    let own = turn.listener_address(listener).ip();
    let source = if own.is_unspecified() { transit.local.ip() } else { own };
    if source.is_ipv4() != ip.is_ipv4() {
        return Err(Refusal::Unreachable);
    }
    Ok(Route { destination, listener, source })
}

/// Steps 4 and 8: our Via on top and below it our Record-Route, if the script asked for it, in
/// one insertion; and in the Via that was the topmost where the request came from (RFC 3261
/// §18.2.1, RFC 3581 §4).
fn via(turn: &mut Turn<'_>, transit: &Transit<'_>, route: Route) -> bool {
    let message = transit.message;
    let Some(essentials) = transit.essentials else { return false };
    let edits = &mut *turn.plan_edits;
    let fits = stamp_via(&essentials.via, transit, edits);
    let Standing { key, identity, .. } = &mut *turn.standing;
    let branch = key.branch(message, essentials, transit.source, transit.listener);
    let sides = [(transit.listener, transit.local.ip()), (route.listener, route.source)];
    let [ingress, egress] = identity.two_texts(sides);
    fits && edits.insert_before_with(message.headers_start(), |head| {
        head.extend_from_slice(&egress.via_start);
        head.extend_from_slice(branch.as_bytes());
        let Some(asked) = transit.record_route else { return };
        // A tag in quotes, which no element should send, could end our URI.
        let tag = essentials.from.tag().filter(|tag| asked.from_tag && are_token(tag));
        let crosses = asked.double && asked.preset.is_none() && !egress.is_of(transit.listener);
        let double: &[u8] = if crosses { b";r2=on" } else { b"" };
        let params = [double, transit.record_route_params];
        record_route(asked, egress, tag, params, head);
        if crosses {
            record_route(asked, ingress, tag, params, head);
        }
        if let Some(preset) = asked.preset_ingress {
            let asked = RecordRoute { preset: Some(preset), ..asked };
            record_route(asked, ingress, tag, params, head);
        }
    })
}

/// Writes where the request came from into its topmost Via.
fn stamp_via(top: &Via<'_>, transit: &Transit<'_>, edits: &mut EditList) -> bool {
    let message = transit.message;
    let stamp = ViaStamp::new(top, transit.source, transit.rport_forced);
    let end = message.offset_of(top.text) + top.text.len();
    if edits.removes(end - 1) {
        return true;
    }
    let mut fits = true;
    stamp.changes(|old, new| {
        let at = if old.is_empty() { end } else { message.offset_of(old) };
        fits &= edits.replace(at, old.len(), new);
    });
    fits
}

/// Our Record-Route. There are two if the request leaves by another listener than it came by, so
/// that later requests of either side find the address of theirs.
fn record_route(
    asked: RecordRoute<'_>,
    own: &OwnText,
    tag: Option<&[u8]>,
    [double, params]: [&[u8]; 2],
    head: &mut Vec<u8>,
) {
    match asked.preset {
        None if asked.user.is_empty() => head.extend_from_slice(&own.record_route_start),
        preset => {
            head.extend_from_slice(b"Record-Route: <sip:");
            head.extend_from_slice(asked.user);
            head.extend_from_slice(preset.unwrap_or(&own.sent_by));
        }
    }
    head.extend_from_slice(double);
    head.extend_from_slice(if asked.full_lr { b";lr=on" } else { b";lr" });
    if let Some(tag) = tag {
        head.extend_from_slice(b";ftag=");
        head.extend_from_slice(tag);
    }
    head.extend_from_slice(params);
    head.extend_from_slice(b">\r\n");
}
