//! Responses made here, without state (RFC 3261 §8.2.6, §8.2.7).

use smallvec::SmallVec;

use super::turn::Turn;
use crate::metrics::Counter;
use crate::script::{Host, Refusal};
use crate::sip::compose::{self, Reply, ViaStamp, reply_address};
use crate::sip::{Message, Method};

/// Composes the response into the outbox. `headers` are pieces of whole header lines.
pub(super) fn reply(
    turn: &mut Turn<'_>,
    request: Message<'_>,
    (code, reason): (u16, &[u8]),
    headers: &[&[u8]],
    force_rport: bool,
) -> Result<(), Refusal> {
    match request.method() {
        None => return Err(Refusal::IsResponse),
        Some(Method::Ack) => {
            turn.count(Counter::DroppedReplyToAck);
            return Err(Refusal::ReplyToAck);
        }
        Some(_) => {}
    }
    let via = request.top_via().map_err(|_| Refusal::Unreachable)?;
    let arrival = turn.arrival;
    let destination = reply_address(&via, arrival.source, force_rport);
    if destination.is_ipv4() != arrival.local.is_ipv4() || destination.port() == 0 {
        return Err(Refusal::Unreachable);
    }
    let stamp = ViaStamp::new(&via, arrival.source, force_rport);
    let standing = &mut *turn.standing;
    let to_tag = standing.key.tag(request);
    let mut lines: SmallVec<[&[u8]; 8]> = SmallVec::from_slice(headers);
    lines.push(&standing.server_header);
    let reply = Reply { code, reason, to_tag: &to_tag, headers: &lines };
    let way = (destination, arrival.listener, arrival.local.ip());
    let queued = turn.outbox.push_composed(way, |out| compose::reply(out, request, &stamp, reply));
    if !queued {
        return Err(Refusal::Unreachable);
    }
    standing.parts.counters.count(Counter::SentReplies);
    Ok(())
}
