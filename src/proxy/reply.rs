//! Responses made here, without state (RFC 3261 §8.2.6, §8.2.7).

use smallvec::SmallVec;

use super::turn::Turn;
use crate::metrics::Counter;
use crate::script::{Host, Refusal};
use crate::sip::compose::{self, Reply, ViaStamp, reply_address};
use crate::sip::{Essentials, HeaderName, Message, Method, NameAddr};

/// Composes the response into the outbox and counts it. `headers` are pieces of whole header lines,
/// among them what the body is.
pub(super) fn reply(
    turn: &mut Turn<'_>,
    request: Message<'_>,
    status: (u16, &[u8]),
    (headers, body): (&[&[u8]], &[u8]),
    force_rport: bool,
) -> Result<(), Refusal> {
    queue(turn, request, status, (headers, body), force_rport)?;
    turn.count(Counter::SentReplies);
    Ok(())
}

/// Composes the response into the outbox.
pub(super) fn queue(
    turn: &mut Turn<'_>,
    request: Message<'_>,
    (code, reason): (u16, &[u8]),
    (headers, body): (&[&[u8]], &[u8]),
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
    let via = match turn.essentials {
        Some(essentials) => essentials.via,
        None => request.top_via().map_err(|_| Refusal::Unreachable)?,
    };
    let arrival = turn.arrival;
    let destination = reply_address(&via, arrival.source, force_rport);
    if destination.is_ipv4() != arrival.local.is_ipv4() || destination.port() == 0 {
        return Err(Refusal::Unreachable);
    }
    let stamp = ViaStamp::new(&via, arrival.source, force_rport);
    let to_tag = to_tag(turn, request);
    let standing = &mut *turn.standing;
    let mut lines: SmallVec<[&[u8]; 8]> = SmallVec::from_slice(headers);
    lines.push(&standing.server_header);
    let reply = Reply { code, reason, to_tag: &to_tag, headers: &lines, body };
    let way = (destination, arrival.listener, arrival.local.ip());
    let queued = turn.outbox.push_composed(way, |out| compose::reply(out, request, &stamp, reply));
    if queued { Ok(()) } else { Err(Refusal::TooLarge) }
}

/// The tag for To; of a request that did not pass the checks as well, as far as it can be read.
fn to_tag(turn: &Turn<'_>, request: Message<'_>) -> [u8; 16] {
    let key = &turn.standing.key;
    if let Some(Essentials { call_id, cseq, from, .. }) = turn.essentials {
        return key.tag(call_id, Some(cseq.number), from.tag().unwrap_or_default());
    }
    let from = request.value(HeaderName::From).map(NameAddr::parse);
    let from_tag = from.and_then(Result::ok).and_then(|from| from.tag());
    let call_id = request.value(HeaderName::CallId).unwrap_or_default();
    let cseq = request.cseq().ok().map(|cseq| cseq.number);
    key.tag(call_id, cseq, from_tag.unwrap_or_default())
}
