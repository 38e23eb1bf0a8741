//! The way of a response (RFC 3261 §16.7 steps 3 and 9, §16.11, §18.2.2).

use std::net::{IpAddr, SocketAddr};

use super::branch::{BranchKey, DialogSide};
use super::identity::Identity;
use super::standing::Standing;
use super::turn::Plan;
use crate::mem::{ListenerId, Peer};
use crate::metrics::Counter;
use crate::sip::{Essentials, HeaderName, Items, MAGIC_COOKIE, Message, Rport, Via, host_ip};

/// Where a response goes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop<'d> {
    /// The address that the Via below ours names; where it names a host, that of `received`. Of a
    /// request that came by a connection, the other end of that.
    pub(super) destination: SocketAddr,
    /// The host that it names, as [`named_host`] says.
    pub(super) named: Option<(&'d [u8], Option<u16>)>,
    /// The listener that the request came to; the response leaves from there.
    pub(super) listener: ListenerId,
    /// What our Via takes in the message: its line, or its value where the line has several.
    pub(super) own_via: &'d [u8],
}

/// What tells a response to what we forwarded: the key of our branches, and who we are.
pub(super) type Ours<'a> = (&'a BranchKey, &'a Identity);

/// Where a response goes, if it answers a request that was forwarded here. Otherwise what is
/// counted as it is dropped.
#[inline(never)]
pub(super) fn next_hop<'d>(
    response: Message<'d>,
    essentials: &Essentials<'d>,
    ours: Ours<'_>,
) -> Result<Hop<'d>, Counter> {
    let below = below_own(response, essentials)?;
    let own_via = own_via(response, essentials).ok_or(Counter::DroppedForeignResponse)?;
    hop(own_via, &below, essentials, ours)
}

/// The Via below ours.
#[inline]
fn below_own<'d>(response: Message<'d>, essentials: &Essentials<'_>) -> Result<Via<'d>, Counter> {
    let mut lines = response.headers(HeaderName::Via);
    // Where ours is alone in its line, it is not looked for there.
    if lines.next().is_some_and(|own| is_alone(own.value, essentials))
        && let Some(below) = lines.next().and_then(|line| Via::parse_first(line.value))
    {
        return Ok(below);
    }
    let below = response.items(HeaderName::Via).nth(1).ok_or(Counter::DroppedForeignResponse)?;
    Via::parse(below).map_err(|_| Counter::DroppedMalformed)
}

/// What the topmost Via takes in the message: its line, or its value where the line has several.
pub(super) fn own_via<'d>(response: Message<'d>, essentials: &Essentials<'_>) -> Option<&'d [u8]> {
    let own = response.header(HeaderName::Via)?;
    let second = match is_alone(own.value, essentials) {
        true => None,
        false => Items::new(own.value).nth(1),
    };
    Some(match second {
        None => own.line,
        Some(second) => &own.value[..response.offset_of(second) - response.offset_of(own.value)],
    })
}

/// Where a response goes whose two topmost Vias these are.
fn hop<'d>(
    own_via: &'d [u8],
    below: &Via<'d>,
    essentials: &Essentials<'_>,
    ours: Ours<'_>,
) -> Result<Hop<'d>, Counter> {
    let way = WayBack::of(below);
    let branch = essentials.via.branch().and_then(|branch| branch.strip_prefix(MAGIC_COOKIE));
    let (listener, source_port) = branch
        .and_then(|branch| ours.0.verify(branch, below, way, || DialogSide::of(essentials)))
        .ok_or(Counter::DroppedForeignResponse)?;
    if ours.1.is_stream(listener) {
        return connected(own_via, way, (listener, source_port));
    }
    let destination = way.destination(below).ok_or(Counter::DroppedUnroutableResponse)?;
    Ok(Hop { destination, named: named_host(below), listener, own_via })
}

/// As [`hop`], of a request that came by a connection: its response goes by that; `maddr` is for
/// datagrams (RFC 3261 §18.2.2).
#[inline(never)]
fn connected<'d>(
    own_via: &'d [u8],
    way: WayBack<'d>,
    (listener, source_port): (ListenerId, u16),
) -> Result<Hop<'d>, Counter> {
    let ip = way.ip.filter(|_| source_port != 0).ok_or(Counter::DroppedUnroutableResponse)?;
    Ok(Hop { destination: SocketAddr::new(ip, source_port), named: None, listener, own_via })
}

impl Hop<'_> {
    /// Where the response goes if the connection is gone that its request came by: to the port in
    /// the Via below ours (RFC 3261 §18.2.2). None for what goes by datagrams.
    #[inline(never)]
    pub(super) fn peer(&self, response: Message<'_>, standing: &Standing) -> Option<Peer> {
        let listener = standing.identity.listener(self.listener)?;
        let below = response.items(HeaderName::Via).nth(1)?;
        let port =
            Via::parse(below).ok()?.port.unwrap_or_else(|| listener.transport.default_port());
        let otherwise = Some(SocketAddr::new(self.destination.ip(), port));
        Some(Peer { name: None, otherwise }).filter(|_| listener.transport.is_stream())
    }
}

/// Plans a response, which came to the address `local`, to be sent on.
#[inline]
pub(super) fn plan(
    standing: &Standing,
    local: SocketAddr,
    (response, hop): (Message<'_>, Hop<'_>),
) -> Result<Plan, Counter> {
    let listener =
        standing.identity.listener(hop.listener).ok_or(Counter::DroppedForeignResponse)?;
    if listener.address.is_ipv4() != hop.destination.is_ipv4() {
        return Err(Counter::DroppedUnroutableResponse);
    }
    let own = listener.address.ip();
    Ok(Plan {
        destination: hop.destination,
        listener: hop.listener,
        source: if own.is_unspecified() { local.ip() } else { own },
        counter: Counter::ForwardedResponses,
        message_length: response.end(),
    })
}

/// The name in `maddr` of a Via that a response goes to, with the port beside it (RFC 3261
/// §18.2.2, RFC 3263 §5). A sent-by that is a name has `received` beside it, which goes before it:
/// whoever took the request in wrote it there.
#[inline]
pub(super) fn named_host<'d>(via: &Via<'d>) -> Option<(&'d [u8], Option<u16>)> {
    let maddr = via.maddr().filter(|host| host_ip(host).is_none())?;
    Some((maddr, via.port))
}

/// Where the request came from, as far as the Via below ours says.
#[derive(Clone, Copy, Debug)]
pub(super) struct WayBack<'d> {
    /// `received`, or the address that sent-by is.
    pub(super) ip: Option<IpAddr>,
    pub(super) rport: Rport<'d>,
}

impl<'d> WayBack<'d> {
    /// The one that `via` names.
    #[inline]
    pub(super) fn of(via: &Via<'d>) -> Self {
        Self { ip: via.received().or_else(|| host_ip(via.host)), rport: via.rport() }
    }

    /// The address that a response is sent to (RFC 3261 §18.2.2, RFC 3581 §4). The request put
    /// `received` there wherever sent-by is not the address it came from.
    #[inline]
    pub(super) fn destination(self, via: &Via<'_>) -> Option<SocketAddr> {
        let sent_by_port = via.port.unwrap_or(5060);
        let address = match (via.maddr().and_then(host_ip), self.rport) {
            (Some(maddr), _) => SocketAddr::new(maddr, sent_by_port),
            (None, Rport::Filled(port)) => SocketAddr::new(self.ip?, port),
            (None, _) => SocketAddr::new(self.ip?, sent_by_port),
        };
        (self.ip.is_some() && address.port() != 0).then_some(address)
    }
}

/// Whether the topmost Via is all that the first line with one says.
fn is_alone(first_value: &[u8], essentials: &Essentials<'_>) -> bool {
    first_value.len() == essentials.via.text.len()
}
