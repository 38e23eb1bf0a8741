//! The way of a response (RFC 3261 §16.7 steps 3 and 9, §16.11, §18.2.2).

use std::net::{IpAddr, SocketAddr};

use super::branch::BranchKey;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::sip::rewrite::EditList;
use crate::sip::{Essentials, HeaderName, Items, Message, Rport, Via, host_ip};

/// Where a response goes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop<'d> {
    /// The address that the Via below ours names; where it names a host, that of `received`.
    pub(super) destination: SocketAddr,
    /// The host that it names, as [`named_host`] says.
    pub(super) named: Option<(&'d [u8], Option<u16>)>,
    /// The listener that the request came to; the response leaves from there.
    pub(super) listener: ListenerId,
}

/// Where a response goes, if it answers a request that was forwarded here. Otherwise what is
/// counted as it is dropped.
pub(super) fn next_hop<'d>(
    response: Message<'d>,
    essentials: &Essentials<'_>,
    key: &BranchKey,
) -> Result<Hop<'d>, Counter> {
    let below = match lone_second_via(response, essentials) {
        Some(via) => via,
        None => {
            let below = response.items(HeaderName::Via).nth(1);
            Via::parse(below.ok_or(Counter::DroppedForeignResponse)?)
                .map_err(|_| Counter::DroppedMalformed)?
        }
    };
    let way = WayBack::of(&below);
    let listener = key.verify(essentials, &below, way).ok_or(Counter::DroppedForeignResponse)?;
    let destination = way.destination(&below).ok_or(Counter::DroppedUnroutableResponse)?;
    Ok(Hop { destination, named: named_host(&below), listener })
}

/// The name in `maddr` of a Via that a response goes to, with the port beside it (RFC 3261
/// §18.2.2, RFC 3263 §5). A sent-by that is a name has `received` beside it, which goes before it:
/// whoever took the request in wrote it there.
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
    pub(super) fn of(via: &Via<'d>) -> Self {
        Self { ip: via.received().or_else(|| host_ip(via.host)), rport: via.rport() }
    }

    /// The address that a response is sent to (RFC 3261 §18.2.2, RFC 3581 §4). The request put
    /// `received` there wherever sent-by is not the address it came from.
    fn destination(self, via: &Via<'_>) -> Option<SocketAddr> {
        let sent_by_port = via.port.unwrap_or(5060);
        let address = match (via.maddr().and_then(host_ip), self.rport) {
            (Some(maddr), _) => SocketAddr::new(maddr, sent_by_port),
            (None, Rport::Filled(port)) => SocketAddr::new(self.ip?, port),
            (None, _) => SocketAddr::new(self.ip?, sent_by_port),
        };
        (self.ip.is_some() && address.port() != 0).then_some(address)
    }
}

/// The Via below the topmost one, if each has a line of its own, as almost all have.
fn lone_second_via<'d>(response: Message<'d>, essentials: &Essentials<'_>) -> Option<Via<'d>> {
    if !is_alone(response.value(HeaderName::Via)?, essentials) {
        return None;
    }
    // One that is well-formed up to the end of its line is alone there.
    Via::parse(response.headers(HeaderName::Via).nth(1)?.value).ok()
}

/// Whether the topmost Via is all that the first line with one says.
fn is_alone(first_value: &[u8], essentials: &Essentials<'_>) -> bool {
    first_value.len() == essentials.via.text.len()
}

/// Takes the topmost Via off: its line, or its value where the line has several.
pub(super) fn remove_top_via(
    response: Message<'_>,
    essentials: &Essentials<'_>,
    edits: &mut EditList,
) {
    let Some(header) = response.header(HeaderName::Via) else { return };
    let second = match is_alone(header.value, essentials) {
        true => None,
        false => Items::new(header.value).nth(1),
    };
    match second {
        None => edits.remove(response.offset_of(header.line), header.line.len()),
        Some(second) => {
            let start = response.offset_of(header.value);
            edits.remove(start, response.offset_of(second) - start)
        }
    };
}
