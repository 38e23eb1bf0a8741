//! Request forwarding (RFC 3261 §16.6), stateless (§16.11).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

use super::head;
use super::identity::{Identity, OwnText};
use super::parked::{
    Counted, Form, Forms, NamedHost, Otherwise, Parked, UNRESOLVABLE_CODE, peer_of,
};
use super::quads::KnownQuads;
use super::standing::Standing;
use super::turn::{Plan, Turn};
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::names::Lookup;
use crate::protocol::{Transport, is_nobody};
use crate::script::{Host, NextHop, Refusal, Transit};
use crate::sip::rewrite::EditList;
use crate::sip::{
    Essentials, Items, Message, Method, NameAddr, Scheme, Uri, are_uri, edit_content_length,
    is_sips,
};

/// Where a request is to go: a host, which may be a name, and what it is sent by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'m> {
    pub(super) transport: Transport,
    pub(super) host: &'m [u8],
    pub(super) port: Option<u16>,
}

/// Where a request leaves from.
type Exit = (ListenerId, IpAddr);

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
    if turn.plan.is_some() || turn.is_rewritten {
        return forward_any(turn, transit, hop);
    }
    let Some((destination, own)) = usual_way(turn.standing, transit, &hop) else {
        return forward_any(turn, transit, hop);
    };
    let Standing { key, quads, .. } = &*turn.standing;
    if !head::plan_usual(transit, key, own, quads, turn.plan_edits) {
        let source = own.ip;
        return plan_unusual(turn, transit, destination, source);
    }
    transit.acted = true;
    *turn.plan = Some(Plan {
        destination: SocketAddr::V4(destination),
        listener: transit.listener,
        source: own.ip,
        counter: Counter::ForwardedRequests,
        message_length: message.end(),
    });
    Ok(())
}

/// Plans a request that goes the usual way, and is written in another than the usual form.
#[inline(never)]
fn plan_unusual(
    turn: &mut Turn<'_>,
    transit: &mut Transit<'_>,
    destination: SocketAddrV4,
    source: IpAddr,
) -> Result<(), Refusal> {
    let listener = transit.listener;
    if !head::plan(turn, transit, listener) {
        return Err(Refusal::TooLarge);
    }
    set_plan(turn, transit, SocketAddr::V4(destination), (listener, source));
    Ok(())
}

/// The address that a request goes to and the listener that it leaves from, if it goes as almost
/// all do: by UDP over IPv4 to where the script or the Request-URI leads without asking for a
/// name, from the listener that it came to, and nothing else that the script has decided matters.
#[inline]
fn usual_way<'t>(
    standing: &'t Standing,
    transit: &Transit<'_>,
    hop: &NextHop<'_>,
) -> Option<(SocketAddrV4, &'t OwnText)> {
    if !transit.path.is_empty() || transit.send_listener.is_some() || standing.udp_mtu.is_some() {
        return None;
    }
    let own = standing.identity.plain_text(transit.listener, transit.local)?;
    if let Some(address) = known_address(transit, hop) {
        return Some((address, own));
    }
    let uri = transit.parts.filter(|parts| std::ptr::eq(parts.text, transit.uri))?;
    let (host, port) = match *hop {
        NextHop::Fixed(None | Some(Transport::Udp), host, port) if uri.scheme != Scheme::Sips => {
            (host, port)
        }
        _ if goes_by_uri(transit, hop)
            && uri.scheme == Scheme::Sip
            && uri.params.text().is_empty() =>
        {
            (uri.host, uri.port)
        }
        _ => return None,
    };
    Some((plain_address(host, port, &standing.quads)?, own))
}

/// Whether nothing but the Request-URI says where the request goes.
#[inline(always)]
fn goes_by_uri(transit: &Transit<'_>, hop: &NextHop<'_>) -> bool {
    matches!(hop, NextHop::Routed(None)) && transit.destination.is_none() && transit.path.is_empty()
}

/// The address that a host and a port are, if something can be sent there by UDP.
#[inline(always)]
fn plain_address(host: &[u8], port: Option<u16>, quads: &KnownQuads) -> Option<SocketAddrV4> {
    let port = port.unwrap_or_else(|| Transport::Udp.default_port());
    let ip = quads.ipv4(host)?;
    (port != 0 && !is_nobody(ip.into())).then(|| SocketAddrV4::new(ip, port))
}

/// As [`forward`], wherever it goes.
#[inline(never)]
fn forward_any(
    turn: &mut Turn<'_>,
    transit: &mut Transit<'_>,
    hop: NextHop<'_>,
) -> Result<(), Refusal> {
    let mut host = &b""[..];
    let destination = match known_address(transit, &hop) {
        Some(address) => SocketAddr::V4(address),
        None => {
            let target = next_hop(transit, hop)?; // step 7
            host = target.host;
            if target.transport.is_stream() {
                return forward_by_stream(turn, transit, target);
            }
            match resolve(turn, transit.essentials, target)? {
                Hop::Address(address) => address,
                Hop::Named(named) => return park(turn, transit, (target.transport, named)),
            }
        }
    };
    let mut exit = plan(turn, transit, Transport::Udp, destination.ip())?;
    if turn.standing.udp_mtu.is_some() {
        exit = plan_large(turn, transit, exit)?;
        let leaves_by = turn.standing.identity.listener(exit.0).map(|own| own.transport);
        if leaves_by == Some(Transport::Tls) {
            turn.standing.peer = peer_of(host);
        }
    }
    set_plan(turn, transit, destination, exit);
    Ok(())
}

/// As [`forward`], to a target that is reached by connections.
#[inline(never)]
fn forward_by_stream(
    turn: &mut Turn<'_>,
    transit: &mut Transit<'_>,
    target: Target<'_>,
) -> Result<(), Refusal> {
    let address = match resolve(turn, transit.essentials, target)? {
        Hop::Address(address) => address,
        Hop::Named(named) => return park(turn, transit, (target.transport, named)),
    };
    let exit = plan(turn, transit, target.transport, address.ip())?;
    if target.transport == Transport::Tls {
        turn.standing.peer = peer_of(target.host);
    }
    set_plan(turn, transit, address, exit);
    Ok(())
}

/// Plans the edits of a request to such an address.
#[inline(always)]
fn plan(
    turn: &mut Turn<'_>,
    transit: &Transit<'_>,
    transport: Transport,
    ip: IpAddr,
) -> Result<Exit, Refusal> {
    let exit = egress(turn, transit, transport, ip)?;
    compose_earlier_plan(turn, transit.message); // step 1
    if head::plan(turn, transit, exit.0) { Ok(exit) } else { Err(Refusal::TooLarge) }
}

/// Has the request sent that way when the script has ended, with the edits that are planned.
#[inline(always)]
fn set_plan(
    turn: &mut Turn<'_>,
    transit: &mut Transit<'_>,
    destination: SocketAddr,
    (listener, source): Exit,
) {
    let message = transit.message;
    transit.acted = true;
    *turn.plan = Some(Plan {
        destination,
        listener,
        source,
        counter: Counter::ForwardedRequests,
        message_length: message.end(),
    });
    if turn.is_rewritten {
        compose_earlier_plan(turn, message);
    }
}

/// Plans a request anew that is longer than `udp_mtu` says, if it can leave by the transport that
/// the script names for such (RFC 3261 §18.1.1).
#[cold]
fn plan_large(turn: &mut Turn<'_>, transit: &Transit<'_>, exit: Exit) -> Result<Exit, Refusal> {
    let Some((bytes_max, transport)) = turn.standing.udp_mtu else { return Ok(exit) };
    let length = transit.message.end().saturating_add_signed(turn.plan_edits.growth_from(0));
    if length <= bytes_max {
        return Ok(exit);
    }
    let other = egress(turn, transit, transport, exit.1).unwrap_or(exit);
    if head::plan(turn, transit, other.0) { Ok(other) } else { Err(Refusal::TooLarge) }
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
fn park(
    turn: &mut Turn<'_>,
    transit: &mut Transit<'_>,
    (transport, named): (Transport, NamedHost),
) -> Result<(), Refusal> {
    let request = transit.message;
    let families = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let mut unfit = Refusal::Unreachable;
    let mut forms = Forms::new();
    for family in families {
        let planned = match plan(turn, transit, transport, family) {
            Ok(exit) if transport == Transport::Udp => plan_large(turn, transit, exit),
            planned => planned,
        };
        match planned {
            Ok((listener, source)) => {
                let mut message = Vec::new();
                turn.plan_edits.write_to(request.text(), &mut message);
                forms.push(Form { listener, source, message });
            }
            Err(Refusal::TooLarge) => unfit = Refusal::TooLarge,
            Err(_) => {}
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
        turn.standing.note_peer(fits, turn.outbox);
    }
}

/// Step 7: where the request goes. If the Request-URI is a `sips:` one, that is by TLS, whatever
/// names the next hop.
pub(super) fn next_hop<'m>(transit: &Transit<'m>, hop: NextHop<'m>) -> Result<Target<'m>, Refusal> {
    let target = match hop {
        NextHop::Routed(by) if transit.destination.is_none() && transit.path.is_empty() => {
            target_of(transit, transit.uri, by, false)?
        }
        hop => {
            // Nobody else looks at the URI that is put into the message.
            if transit.uri != transit.message.request_uri() && !are_uri(transit.uri) {
                return Err(Refusal::BadUri);
            }
            let is_secure = is_sips(transit.uri);
            match hop {
                NextHop::Fixed(by, host, port) => {
                    Target { transport: transport(by, None, is_secure)?, host, port }
                }
                NextHop::Routed(by) => routed(transit, by, is_secure)?,
            }
        }
    };
    if target.port == Some(0) { Err(Refusal::BadUri) } else { Ok(target) }
}

/// Where the Request-URI leads, if it is that of a binding whose address was worked out before.
#[inline]
fn known_address(transit: &Transit<'_>, hop: &NextHop<'_>) -> Option<SocketAddrV4> {
    let (uri, address) = transit.known_address?;
    let leads = goes_by_uri(transit, hop) && std::ptr::eq(uri, transit.uri);
    leads.then_some(address)
}

/// The next hop that `$du` or the path of the chosen binding names, or else the Request-URI.
fn routed<'m>(
    transit: &Transit<'m>,
    by: Option<Transport>,
    is_secure: bool,
) -> Result<Target<'m>, Refusal> {
    let uri = match (transit.destination, Items::new(transit.path).next()) {
        (Some(destination), _) => destination,
        (None, Some(first)) => NameAddr::parse(first).map_err(|_| Refusal::BadUri)?.uri,
        (None, None) => transit.uri,
    };
    target_of(transit, uri, by, is_secure)
}

/// Where a request with this URI is sent to (RFC 3263 §4), by that transport or else by the one
/// that the URI says.
fn target_of<'m>(
    transit: &Transit<'m>,
    uri: &'m [u8],
    by: Option<Transport>,
    is_secure: bool,
) -> Result<Target<'m>, Refusal> {
    let parsed;
    let uri = match transit.parts {
        Some(parts) if std::ptr::eq(parts.text, uri) => parts,
        _ => {
            parsed = Uri::parse(uri).map_err(|_| Refusal::BadUri)?;
            &parsed
        }
    };
    if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
        return Err(Refusal::Unreachable);
    }
    let is_secure = is_secure || uri.scheme == Scheme::Sips;
    let &Uri { host, port, .. } = uri;
    if uri.params.text().is_empty() {
        return Ok(Target { transport: transport(by, None, is_secure)?, host, port });
    }
    let said = uri.transport().map(|name| Transport::of(name).ok_or(Refusal::Unreachable));
    let transport = transport(by, said.transpose()?, is_secure)?;
    let maddr = uri.params.get(b"maddr").and_then(|param| param.value);
    Ok(Target { transport, host: maddr.unwrap_or(host), port })
}

/// What a request is sent by: what the script says, or else the URI, or else UDP. One that is to be
/// secure on each hop is sent by TLS or not at all (RFC 3261 §26.2.2); the URI may name the TCP
/// below that.
#[inline]
fn transport(
    by: Option<Transport>,
    said: Option<Transport>,
    is_secure: bool,
) -> Result<Transport, Refusal> {
    match (is_secure, by, said) {
        (false, ..) => Ok(by.or(said).unwrap_or_default()),
        (true, Some(Transport::Tls), _)
        | (true, None, None | Some(Transport::Tcp | Transport::Tls)) => Ok(Transport::Tls),
        (true, ..) => Err(Refusal::Unreachable),
    }
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
#[inline(always)]
pub(super) fn resolve(
    turn: &Turn<'_>,
    essentials: Option<&Essentials<'_>>,
    Target { transport, host, port }: Target<'_>,
) -> Result<Hop, Refusal> {
    if let Some(ip) = turn.standing.quads.host_ip(host) {
        if is_nobody(ip) {
            return Err(Refusal::Nobody);
        }
        let port = port.unwrap_or_else(|| transport.default_port());
        return Ok(Hop::Address(SocketAddr::new(ip, port)));
    }
    let identity = &turn.standing.identity;
    let sends = |ip: IpAddr| identity.first(transport, ip).is_some();
    let families = [sends(Ipv4Addr::LOCALHOST.into()), sends(Ipv6Addr::LOCALHOST.into())];
    let named = NamedHost::new(turn, essentials, (transport, host, port));
    match named.lookup(turn, families) {
        Lookup::Waiting => Ok(Hop::Named(named)),
        Lookup::Unknown => Err(Refusal::Unresolvable),
        Lookup::Known(address) if is_nobody(address.ip()) => Err(Refusal::Nobody),
        Lookup::Known(address) if address.port() != 0 => Ok(Hop::Address(address)),
        Lookup::Known(_) | Lookup::Unreachable => Err(Refusal::Unreachable),
    }
}

/// Where a request to such an address leaves from: the listener that the script chose, or the one
/// that it came to, or one that can, at their address if there is such.
#[inline]
pub(super) fn egress(
    turn: &mut Turn<'_>,
    transit: &Transit<'_>,
    transport: Transport,
    ip: IpAddr,
) -> Result<Exit, Refusal> {
    let identity = &mut turn.standing.identity;
    if transit.send_listener.is_none()
        && let Some(own) = identity.known_text(transit.listener, transit.local)
        && own.transport == transport
        && own.ip.is_ipv4() == ip.is_ipv4()
    {
        return Ok((transit.listener, own.ip));
    }
    any_egress(identity, transit, (transport, ip))
}

/// As [`egress`], wherever it has to leave from.
#[inline(never)]
fn any_egress(
    identity: &mut Identity,
    transit: &Transit<'_>,
    (transport, ip): (Transport, IpAddr),
) -> Result<Exit, Refusal> {
    let wanted = transit.send_listener.unwrap_or(transit.listener);
    let listener = match identity.reaches(wanted, transport, ip) {
        true => wanted,
        false => other_listener(identity, transit, wanted, (transport, ip))?,
    };
    let source = identity.text(listener, transit.local).ip;
    if source.is_ipv4() != ip.is_ipv4() {
        return Err(Refusal::Unreachable);
    }
    Ok((listener, source))
}

/// The listener of a request that cannot leave from the one that is wanted.
#[cold]
fn other_listener(
    identity: &Identity,
    transit: &Transit<'_>,
    wanted: ListenerId,
    (transport, ip): (Transport, IpAddr),
) -> Result<ListenerId, Refusal> {
    let came_to = transit.listener;
    identity
        .beside(wanted, transport, ip)
        .or_else(|| Some(came_to).filter(|own| identity.reaches(*own, transport, ip)))
        .or_else(|| identity.beside(came_to, transport, ip))
        .or_else(|| identity.first(transport, ip))
        .ok_or(Refusal::Unreachable)
}
