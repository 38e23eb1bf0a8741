//! Responses that no script looks at: our Via is taken off in the slot, and they go on.
//!
//! One that is written as almost all are is not parsed, but skimmed: a stateless proxy sends on
//! what answers something that went through it (RFC 3261 §16.11), and what it has to know stands in
//! the first lines, and in the one that says whether the message is whole. What the others say, and
//! whether From, To, Call-ID and CSeq are among them, is for those who read it.

use std::net::{IpAddr, SocketAddr};

use super::branch::Claim;
use super::standing::Standing;
use crate::limits::{HEADROOM_BYTES, PAYLOAD_BYTES_MAX};
use crate::mem::{ListenerId, Outbox, Payload, Received, Transmit};
use crate::metrics::Counter;
use crate::sip::{Opening, PlainVia, is_whole};

/// Whether a datagram starts as almost all responses do.
#[inline(always)]
pub(super) fn is_response(received: &Received<'_>) -> bool {
    // What lies behind a shorter datagram does no harm here.
    let ahead = received.buffer.get(HEADROOM_BYTES..).and_then(<[u8]>::first_chunk);
    ahead == Some(b"SIP/2.0 ")
}

/// Sends a response on, which came as `received` says, if it is written as almost all are and goes
/// by a datagram. False of anything else, which then is as it was. To be asked of what
/// [`is_response`].
#[inline(always)]
pub(super) fn pass(standing: &Standing, received: &mut Received<'_>, outbox: &mut Outbox) -> bool {
    let Some(way) = Way::of(received, standing) else { return false };
    let Way { destination, listener, source, status_line, own_via } = way;
    if received.length - own_via > PAYLOAD_BYTES_MAX {
        return false;
    }
    take_out(received.buffer, status_line, own_via);
    let counters = &standing.parts.counters;
    counters.count(Counter::ReceivedResponses);
    counters.count(Counter::ForwardedResponses);
    let payload = HEADROOM_BYTES + own_via..HEADROOM_BYTES + received.length;
    let payload = Payload::Slot(received.slot, payload);
    outbox.push(Transmit { destination, listener, source, payload });
    true
}

/// Where a response goes that was skimmed, and what is taken out of it.
struct Way {
    destination: SocketAddr,
    /// The listener that the request came to; the response leaves from there.
    listener: ListenerId,
    /// The address that it leaves from.
    source: IpAddr,
    /// How long the line is before our Via.
    status_line: usize,
    /// How long that of our Via is.
    own_via: usize,
}

impl Way {
    /// That of a response to a request that was forwarded here.
    #[inline(always)]
    fn of(received: &Received<'_>, standing: &Standing) -> Option<Self> {
        let own =
            standing.identity.known_text(received.arrival.listener, &received.arrival.local)?;
        // What lies behind a shorter message is read as well, until it is asked whether that ends
        // behind all of this.
        let message = received.buffer.get(HEADROOM_BYTES..)?;
        let opening = Opening::of(message)?;
        let status_line = opening.behind_status_line()?;
        let branch = own.behind_via_start(opening, status_line)?;
        let text: &[u8; CLAIM_BYTES_MAX] = opening.at(branch)?;
        let (claim, behind) = Claim::ahead(text)?;
        let own_end = branch + text.len() - behind.len();
        let (below, below_end) = PlainVia::ahead(opening, own_end)?;
        let port = below.rport.or(below.port).unwrap_or(5060);
        let ip = standing.quads.ipv4(below.address)?;
        let listener = standing.key.verify_plain(claim, &below, ip)?;
        if port == 0 || !is_whole(&message[below_end..], received.length.checked_sub(below_end)?) {
            return None;
        }
        Some(Self {
            destination: SocketAddr::new(IpAddr::V4(ip), port),
            listener,
            source: source(standing, received.arrival.local, listener)?,
            status_line,
            own_via: own_end + LINE_BREAK.len() - status_line,
        })
    }
}

/// Bytes that our branch has behind the cookie, and more.
const CLAIM_BYTES_MAX: usize = 48;

/// What stands behind the line of our Via.
const LINE_BREAK: &[u8] = b"\r\n";

/// The address that a response leaves from by that listener, if it is one of datagrams and IPv4;
/// `local` is the one that it came to.
#[inline(always)]
fn source(standing: &Standing, local: SocketAddr, id: ListenerId) -> Option<IpAddr> {
    let own = standing.identity.listener(id)?.address.ip();
    let leaves = own.is_ipv4() && !standing.identity.is_stream(id);
    leaves.then(|| if own.is_unspecified() { local.ip() } else { own })
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
