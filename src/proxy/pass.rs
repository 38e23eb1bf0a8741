//! Responses that no script looks at: our Via is taken off in the slot, and they go on.
//!
//! One that is written as almost all are is not looked at further than that takes: a stateless
//! proxy sends on what answers something that went through it (RFC 3261 §16.11), and what From, To
//! and CSeq say is for those who read it.

use std::ops::Range;

use super::response::{self, Hop};
use super::standing::Standing;
use super::turn::Plan;
use crate::limits::{HEADROOM_BYTES, PAYLOAD_BYTES_MAX};
use crate::mem::{Outbox, Payload, Received, Transmit};
use crate::metrics::Counter;
use crate::sip::Message;

/// What becomes of a response.
#[derive(Clone, Debug)]
pub(super) enum Passage {
    /// It is queued, and goes on once these bytes of it are [`cut_out`]: our Via.
    Without(Range<usize>),
    /// It is dropped.
    Dropped,
    /// It goes to a name or by a connection, which is not done here.
    NotHere,
}

/// Queues a response, which came as `received` says, for where it goes.
#[inline(never)]
pub(super) fn pass(
    standing: &Standing,
    received: &Received<'_>,
    response: Message<'_>,
    outbox: &mut Outbox,
) -> Passage {
    let own = standing.identity.known_text(received.listener, &received.local);
    let plain = || response::plain_hop(response, own?, standing.ours());
    let hop = match response.has_essential_fields().then(plain).flatten() {
        Some(hop) => Ok(hop),
        None => any_hop(standing, response),
    };
    if hop.is_ok_and(|hop| hop.named.is_some() || standing.identity.is_stream(hop.listener)) {
        return Passage::NotHere;
    }
    let counters = &standing.parts.counters;
    counters.count(Counter::ReceivedResponses);
    match hop.and_then(|hop| queue(standing, received, (response, hop), outbox)) {
        Ok(own_via) => {
            counters.count(Counter::ForwardedResponses);
            Passage::Without(own_via)
        }
        Err(dropped) => {
            counters.count(dropped);
            Passage::Dropped
        }
    }
}

/// Queues a response that goes to an address; what of it is to be cut out then.
#[inline]
fn queue(
    standing: &Standing,
    received: &Received<'_>,
    (response, hop): (Message<'_>, Hop<'_>),
    outbox: &mut Outbox,
) -> Result<Range<usize>, Counter> {
    let plan = response::plan(standing, received.local, (response, hop))?;
    let Plan { destination, listener, source, message_length, .. } = plan;
    let start = response.offset_of(hop.own_via);
    let removed = hop.own_via.len();
    if message_length - removed > PAYLOAD_BYTES_MAX {
        return Err(Counter::DroppedTooLarge);
    }
    let range = HEADROOM_BYTES + removed..HEADROOM_BYTES + message_length;
    let payload = Payload::Slot(received.slot, range);
    outbox.push(Transmit { destination, listener, source, payload });
    Ok(start..start + removed)
}

/// Takes our Via out of a message in its slot: what stands before it moves behind it.
#[inline]
pub(super) fn cut_out(buffer: &mut [u8], own_via: Range<usize>) {
    let before = HEADROOM_BYTES..HEADROOM_BYTES + own_via.start;
    buffer.copy_within(before, HEADROOM_BYTES + own_via.len());
}

/// Where any response goes.
#[cold]
fn any_hop<'d>(standing: &Standing, response: Message<'d>) -> Result<Hop<'d>, Counter> {
    let essentials = response.essentials().map_err(|_| Counter::DroppedMalformed)?;
    response::next_hop(response, &essentials, None, standing.ours())
}
