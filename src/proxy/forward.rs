//! Request forwarding (RFC 3261 §16.6), stateless (§16.11).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::head;
use super::parked::Parked;
use super::standing::Standing;
use super::turn::{Plan, Turn};
use crate::limits::PARKED_MS_MAX;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::names::{HostName, Lookup};
use crate::script::{Host, NextHop, Refusal, Transit};
use crate::sip::{Items, Message, Method, NameAddr, Scheme, Uri, are_uri, host_ip};

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
    let by_uri = hop == NextHop::Routed && transit.destination.is_none() && transit.path.is_empty();
    let (host, port, known) = match transit.known_address {
        Some((uri, address)) if by_uri && std::ptr::eq(uri, transit.uri) => {
            (&[][..], address.port(), Some(IpAddr::V4(*address.ip())))
        }
        _ => {
            let (host, port) = next_hop(transit, hop)?; // step 7
            (host, port, address(turn, host)?)
        }
    };
    let route = egress(turn, transit, known, port)?;
    compose_earlier_plan(turn, message); // step 1
    if !head::plan(turn, transit, route.listener) {
        return Err(Refusal::TooLarge);
    }
    transit.acted = true;
    if known.is_none() {
        park(turn, transit, route, host.into());
        return Ok(());
    }
    turn.plan = Some(Plan {
        destination: route.destination,
        listener: route.listener,
        source: route.source,
        counter: Counter::ForwardedRequests,
        message_length: message.end(),
    });
    Ok(())
}

/// Keeps the request, finished but for its address, until the name of the next hop is known.
fn park(turn: &mut Turn<'_>, transit: &Transit<'_>, route: Route, host: HostName) {
    let message = transit.message;
    let mut request = Vec::new();
    turn.plan_edits.write_to(message.text(), &mut request);
    let status = (478, &b"Unresolvable destination (478/SL)"[..]);
    let is_ack = message.method() == Some(Method::Ack);
    let lines = &transit.reply_headers;
    let refused =
        !is_ack && super::reply::queue(turn, message, status, lines, transit.rport_forced).is_ok();
    let refusal = if refused { turn.outbox.take_composed() } else { None };
    let parked = Parked {
        host,
        port: route.destination.port(),
        listener: route.listener,
        source: route.source,
        request,
        refusal,
        until_ms: turn.now.monotonic_ms + PARKED_MS_MAX,
    };
    if !turn.standing.parking.park(parked, turn.now) {
        turn.count(Counter::DroppedForName);
    }
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

/// Step 7: host and port that the request goes to.
fn next_hop<'m>(transit: &Transit<'m>, hop: NextHop<'m>) -> Result<(&'m [u8], u16), Refusal> {
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
    if port == 0 { Err(Refusal::BadUri) } else { Ok((host, port)) }
}

/// Host and port of the next hop that `$du` or the path of the chosen binding names, or else the
/// Request-URI.
fn routed<'m>(transit: &Transit<'m>) -> Result<(&'m [u8], u16), Refusal> {
    let uri = match (transit.destination, Items::new(transit.path).next()) {
        (Some(destination), _) => destination,
        (None, Some(first)) => NameAddr::parse(first).map_err(|_| Refusal::BadUri)?.uri,
        (None, None) => transit.uri,
    };
    host_and_port(uri)
}

/// Host and port that a request with this URI is sent to.
fn host_and_port(uri: &[u8]) -> Result<(&[u8], u16), Refusal> {
    let uri = Uri::parse(uri).map_err(|_| Refusal::BadUri)?;
    if uri.scheme != Scheme::Sip {
        return Err(Refusal::Unreachable);
    }
    let port = uri.port.unwrap_or(5060);
    if uri.params.text().is_empty() {
        return Ok((uri.host, port));
    }
    let transport = uri.params.get(b"transport").and_then(|param| param.value);
    if transport.is_some_and(|name| !name.eq_ignore_ascii_case(b"udp")) {
        return Err(Refusal::Unreachable);
    }
    let maddr = uri.params.get(b"maddr").and_then(|param| param.value);
    Ok((maddr.unwrap_or(uri.host), port))
}

/// The address of a host: the one that it is, or that of its name. `None` as long as that is
/// asked for.
fn address(turn: &Turn<'_>, host: &[u8]) -> Result<Option<IpAddr>, Refusal> {
    if let Some(ip) = host_ip(host) {
        return Ok(Some(ip));
    }
    let Standing { identity, parts, .. } = &*turn.standing;
    match parts.names.lookup(host, turn.now.monotonic_ms) {
        Lookup::Waiting => Ok(None),
        Lookup::Unknown => Err(Refusal::Unresolvable),
        Lookup::Known(addresses) => {
            let sends = |ip: IpAddr| identity.for_family(ip).is_some();
            let (v4, v6) = (sends(Ipv4Addr::LOCALHOST.into()), sends(Ipv6Addr::LOCALHOST.into()));
            addresses.choose(v4, v6).map(Some).ok_or(Refusal::Unreachable)
        }
    }
}

/// Where a request to that address goes, and the listener that it leaves from: the one that the
/// script chose, or the one that it came to, or the first that can. An address that is not known
/// yet is taken to be of the family that the request came by.
#[inline]
fn egress(
    turn: &mut Turn<'_>,
    transit: &Transit<'_>,
    ip: Option<IpAddr>,
    port: u16,
) -> Result<Route, Refusal> {
    let ip = ip.unwrap_or_else(|| match transit.local.ip() {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    });
    let identity = &mut turn.standing.identity;
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
    Ok(Route { destination: SocketAddr::new(ip, port), listener, source })
}
