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

/// A response that goes on.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    plan: Plan,
    /// What our Via takes.
    own_via: Range<usize>,
}

/// Finds out where a response goes that came as `received` says, or what is counted as it is
/// dropped. `None` if it goes to a name.
#[inline(never)]
pub(super) fn find(
    standing: &Standing,
    received: &Received<'_>,
    response: Message<'_>,
) -> Option<Result<Passage, Counter>> {
    let own = standing.identity.known_text(received.listener, &received.local);
    let plain = || response::plain_hop(response, own?, &standing.key);
    let hop = match response.has_essential_fields().then(plain).flatten() {
        Some(hop) => Ok(hop),
        None => any_hop(standing, response),
    };
    if hop.is_ok_and(|hop| hop.named.is_some()) {
        return None;
    }
    let passage = hop.and_then(|hop| {
        let start = response.offset_of(hop.own_via);
        let plan = response::plan(standing, received.local, (response, hop))?;
        if plan.message_length - hop.own_via.len() > PAYLOAD_BYTES_MAX {
            return Err(Counter::DroppedTooLarge);
        }
        Ok(Passage { plan, own_via: start..start + hop.own_via.len() })
    });
    Some(passage)
}

/// Makes the response one that goes on, and queues it.
#[inline]
pub(super) fn send(received: Received<'_>, passage: Passage, outbox: &mut Outbox) {
    let Passage { plan, own_via } = passage;
    let start = HEADROOM_BYTES + own_via.len();
    let before = HEADROOM_BYTES..HEADROOM_BYTES + own_via.start;
    received.buffer.copy_within(before, start);
    let range = start..HEADROOM_BYTES + plan.message_length;
    outbox.push(Transmit {
        destination: plan.destination,
        listener: plan.listener,
        source: plan.source,
        payload: Payload::Slot(received.slot, range),
    });
}

/// Where any response goes.
#[cold]
fn any_hop<'d>(standing: &Standing, response: Message<'d>) -> Result<Hop<'d>, Counter> {
    let essentials = response.essentials().map_err(|_| Counter::DroppedMalformed)?;
    response::next_hop(response, &essentials, None, &standing.key)
}
