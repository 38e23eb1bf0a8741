//! Responses that no script looks at: our Via is taken off in the slot, and they go on.
//!
//! One that is written as almost all are is not parsed, but skimmed: a stateless proxy sends on
//! what answers something that went through it (RFC 3261 §16.11), and what it has to know stands in
//! the first lines, and in the one that says whether the message is whole. What the others say, and
//! whether From, To, Call-ID and CSeq are among them, is for those who read it.

use std::net::{IpAddr, SocketAddr};

use super::branch::Claim;
use super::identity::OwnText;
use super::standing::Standing;
use crate::limits::{HEADROOM_BYTES, PAYLOAD_BYTES_MAX};
use crate::mem::{ListenerId, Outbox, Payload, Received, Transmit};
use crate::metrics::Counter;
use crate::sip::{PlainVia, behind_status_line, is_whole};

/// Sends a response on, which came as `received` says, if it is written as almost all are and goes
/// by a datagram. False of anything else, which then is as it was.
#[inline(never)]
pub(super) fn pass(standing: &Standing, received: &mut Received<'_>, outbox: &mut Outbox) -> bool {
    let identity = &standing.identity;
    let own = || identity.known_text(received.listener, &received.local);
    let skim = || {
        let datagram = received.datagram();
        let behind = behind_status_line(datagram)?;
        skim(datagram, behind, own()?, standing)
    };
    let Some(skimmed) = skim() else { return false };
    let Some(source) = source(standing, received, skimmed.listener) else { return false };
    let Skimmed { destination, listener, status_line, own_via } = skimmed;
    let start = HEADROOM_BYTES + own_via;
    let payload = start..HEADROOM_BYTES + received.length;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return false;
    }
    take_out(received.buffer, status_line, own_via);
    let counters = &standing.parts.counters;
    counters.count(Counter::ReceivedResponses);
    counters.count(Counter::ForwardedResponses);
    let payload = Payload::Slot(received.slot, payload);
    outbox.push(Transmit { destination, listener, source, payload });
    true
}

/// What is known of a response that was skimmed.
struct Skimmed {
    destination: SocketAddr,
    /// The listener that the request came to; the response leaves from there.
    listener: ListenerId,
    /// How long the line is before our Via.
    status_line: usize,
    /// How long that of our Via is.
    own_via: usize,
}

/// Skims a response, of which `behind` stands behind the status line, if it answers a request that
/// was forwarded here.
#[inline(always)]
fn skim(datagram: &[u8], behind: &[u8], own: &OwnText, standing: &Standing) -> Option<Skimmed> {
    let (claim, behind_own) = Claim::ahead(own.behind_via_start(behind)?)?;
    let (below, _) = PlainVia::ahead(behind_own)?;
    // The line break of our line stands before the line below, and counts as its own.
    let own_via = behind.len() - behind_own.len() + 2;
    let port = below.rport.or(below.port).unwrap_or(5060);
    let goes_on = port != 0 && standing.key.verify_plain(&claim, &below);
    (goes_on && is_whole(datagram)).then(|| Skimmed {
        destination: SocketAddr::new(IpAddr::V4(below.ip), port),
        listener: claim.listener,
        status_line: datagram.len() - behind.len(),
        own_via,
    })
}

/// The address that a response leaves from by that listener, if it is one of datagrams and IPv4.
#[inline(always)]
fn source(standing: &Standing, received: &Received<'_>, id: ListenerId) -> Option<IpAddr> {
    let listener = standing.identity.listener(id)?;
    let own = listener.address.ip();
    let leaves = own.is_ipv4() && !standing.identity.is_stream(id);
    leaves.then(|| if own.is_unspecified() { received.local.ip() } else { own })
}

/// Takes the line of our Via out of a message in its slot: the status line moves behind it.
#[inline(always)]
fn take_out(buffer: &mut [u8], status_line: usize, own_via: usize) {
    let end = HEADROOM_BYTES + status_line;
    // Also what lies before it, if it is short: nobody reads that any more.
    if status_line <= STATUS_LINE_BYTES
        && let Some(line) = buffer[..end].last_chunk::<STATUS_LINE_BYTES>().copied()
        && let Some(place) = buffer[..end + own_via].last_chunk_mut()
    {
        *place = line;
    } else {
        buffer.copy_within(HEADROOM_BYTES..end, HEADROOM_BYTES + own_via);
    }
}

/// Bytes that a status line has at most, almost always.
const STATUS_LINE_BYTES: usize = 64;
