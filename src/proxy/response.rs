//! The way of a response (RFC 3261 §16.7 steps 3 and 9, §16.11, §18.2.2).

use std::net::SocketAddr;

use super::branch::BranchKey;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::sip::compose::reply_address;
use crate::sip::rewrite::EditList;
use crate::sip::{Essentials, HeaderName, Items, Message, Via, host_ip};

/// Where a response goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// The address that the Via below ours names.
    pub(super) destination: SocketAddr,
    /// The listener that the request came to; the response leaves from there.
    pub(super) listener: ListenerId,
}

/// Where a response goes, if it answers a request that was forwarded here. Otherwise what is
/// counted as it is dropped.
pub(super) fn next_hop(
    response: Message<'_>,
    essentials: &Essentials<'_>,
    key: &BranchKey,
) -> Result<Hop, Counter> {
    let below = response.items(HeaderName::Via).nth(1).ok_or(Counter::DroppedForeignResponse)?;
    let below = Via::parse(below).map_err(|_| Counter::DroppedMalformed)?;
    let listener = key.verify(essentials, &below).ok_or(Counter::DroppedForeignResponse)?;
    let destination = destination(&below).ok_or(Counter::DroppedUnroutableResponse)?;
    Ok(Hop { destination, listener })
}

/// The address that a Via names (RFC 3261 §18.2.2, RFC 3581 §4). The request put `received`
/// there wherever sent-by is not the address it came from.
fn destination(via: &Via<'_>) -> Option<SocketAddr> {
    let ip = via.received().or_else(|| host_ip(via.host))?;
    let port = match via.rport() {
        crate::sip::Rport::Filled(port) => port,
        _ => via.port.unwrap_or(5060),
    };
    let address = reply_address(via, SocketAddr::new(ip, port), false);
    (address.port() != 0).then_some(address)
}

/// Takes the topmost Via off: its line, or its value where the line has several.
pub(super) fn remove_top_via(response: Message<'_>, edits: &mut EditList) {
    let Some(header) = response.header(HeaderName::Via) else { return };
    let second = Items::new(header.value).nth(1);
    match second {
        None => edits.remove(response.offset_of(header.line), header.line.len()),
        Some(second) => {
            let start = response.offset_of(header.value);
            edits.remove(start, response.offset_of(second) - start)
        }
    };
}
