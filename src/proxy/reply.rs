//! Responses made here, without state (RFC 3261 §8.2.6, §8.2.7).

use super::turn::Turn;
use crate::metrics::Counter;
use crate::script::{Host, Refusal};
use crate::sip::compose::{self, Reply, ViaStamp, reply_address};
use crate::sip::{Essentials, HeaderName, Message, Method, NameAddr};

/// Composes the response into the outbox and counts it. `headers` are pieces of whole header lines.
pub(super) fn reply(
    turn: &mut Turn<'_>,
    request: Message<'_>,
    status: (u16, &[u8]),
    headers: &[&[u8]],
    force_rport: bool,
) -> Result<(), Refusal> {
    queue(turn, request, status, headers, force_rport)?;
    turn.count(Counter::SentReplies);
    Ok(())
}

/// Composes the response into the outbox.
pub(super) fn queue(
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
    let parsed;
    let via = match turn.essentials {
        Some(essentials) => &essentials.via,
        None => {
            parsed = request.top_via().map_err(|_| Refusal::Unreachable)?;
            &parsed
        }
    };
    let arrival = turn.arrival;
    let destination = reply_address(via, arrival.source, force_rport);
    if destination.is_ipv4() != arrival.local.is_ipv4() || destination.port() == 0 {
        return Err(Refusal::Unreachable);
    }
    let stamp = ViaStamp::new(via, arrival.source, force_rport);
    let to_tag = to_tag(turn, request);
    let last_headers = &[&*turn.standing.server_header];
    let to_tag = to_tag.as_ref().map(|tag| &tag[..]);
    let reply = Reply { code, reason, to_tag, headers, last_headers };
    let way = (destination, arrival.listener, arrival.local.ip());
    let queued = turn.outbox.push_composed(way, |out| compose::reply(out, request, &stamp, reply));
    if queued { Ok(()) } else { Err(Refusal::TooLarge) }
}

/// The tag that To gets, unless it has one; of a request that did not pass the checks as well, as
/// far as it can be read. A To that does not parse is left as it is.
fn to_tag(turn: &Turn<'_>, request: Message<'_>) -> Option<[u8; 16]> {
    let key = &turn.standing.key;
    if let Some(Essentials { call_id, cseq, from, to, .. }) = turn.essentials {
        let has_none = to.tag().is_none();
        return has_none
            .then(|| key.tag(call_id, Some(cseq.number), from.tag().unwrap_or_default()));
    }
    let address = |name| request.value(name).and_then(|value| NameAddr::parse(value).ok());
    if address(HeaderName::To)?.tag().is_some() {
        return None;
    }
    let from_tag = address(HeaderName::From).and_then(|from| from.tag());
    let call_id = request.value(HeaderName::CallId).unwrap_or_default();
    let cseq = request.cseq().ok().map(|cseq| cseq.number);
    Some(key.tag(call_id, cseq, from_tag.unwrap_or_default()))
}
