//! Sending the message of a step.

use std::net::SocketAddr;

use viaduct::sip::Method;

use super::call::Call;
use super::exchange::{Exchange, Identity, Phase};
use super::form::{Ink, Last, Signature};
use super::stage::Stage;
use crate::measure::Count;
use crate::moment::Moment;
use crate::outbox::SocketId;
use crate::scenario::{Routing, Send, What};

/// What is decided of a message before it is composed.
#[derive(Clone, Copy, Debug)]
struct Draft {
    socket: SocketId,
    destination: SocketAddr,
    /// The counter of its branch.
    branch: u32,
    /// Its CSeq number.
    cseq: u32,
}

impl Stage<'_> {
    /// Sends the message of a step; true if one of its actions was a jump.
    ///
    /// What answers an INVITE after its CANCEL is made of the INVITE: a CANCEL that a proxy sent
    /// has the Via of that proxy alone (RFC 3261 §9.1, §9.2).
    pub(super) fn send(&mut self, call: &mut Call, send: &Send, last: Option<&Last<'_>>) -> bool {
        let is_cancel = |last: &Last<'_>| last.message.method() == Some(Method::Cancel);
        let after_cancel = send.what == What::Response(487) && last.is_some_and(is_cancel);
        let invite = if after_cancel { call.invite.take() } else { None };
        match invite {
            Some(invite) => invite.read(|last| self.send_filled(call, send, Some(last))),
            None => self.send_filled(call, send, last),
        }
    }

    /// Sends the message of a step, filled from `last`.
    fn send_filled(&mut self, call: &mut Call, send: &Send, last: Option<&Last<'_>>) -> bool {
        let library = self.library;
        let Some(ready) = library.ready(call.program, call.step) else { return false };
        let draft = draft(call, &send.what, last, library.program(call.program).routing);
        let mut scratch = std::mem::take(&mut self.desk.scratch);
        let ink =
            Ink { call, last, branch: draft.branch, cseq: draft.cseq, library, now: self.now };
        let position = self.out.compose(draft.socket, draft.destination, |out| {
            ready.form.fill(&ink, &mut scratch, out);
        });
        let bytes = self.out.get(position);
        call.record(self.now, true, false, bytes);
        let identity = match (ready.form.signature, last) {
            (Signature::Request(method, number), _) => {
                scratch.clear();
                library.branch(call, draft.branch, &mut scratch);
                let branch = library.hash(&scratch);
                Some(Identity { number: number.unwrap_or(draft.cseq), method, branch })
            }
            (Signature::Response, Some(last)) => Some(last.identity),
            _ => Identity::of_composed(bytes, |branch| library.hash(branch)),
        };
        self.desk.scratch = scratch;
        if let Some(identity) = identity {
            match &send.what {
                What::Request(_) => request_sent(call, send, identity, &draft, bytes, self.now),
                What::Response(code) => {
                    let first = send.retransmit_after;
                    response_sent(call, *code, identity, bytes, first, self.now);
                }
            }
        }
        if self.desk.hits(send.lost) && !self.out.get(position).is_empty() {
            self.out.retract();
        }
        self.note_arrow(call, call.step);
        self.note_marks(call, &send.chain);
        self.act(call, &send.actions, last)
    }

    /// Says a transaction's last words again.
    pub(super) fn repeat(&mut self, call: &mut Call, exchange: usize) {
        let exchange = &call.exchanges[exchange];
        self.out.push(exchange.socket, exchange.destination, &exchange.bytes);
        let what = if exchange.ours { Count::RequestsRepeated } else { Count::ResponsesRepeated };
        self.desk.count(what);
        if let Some(recording) = &mut call.recording {
            recording.note(self.now.since(call.intended), true, true, &exchange.bytes);
        }
    }
}

/// Decides what is to be known of a message before it is composed.
///
/// An ACK to a failure and a CANCEL belong to the transaction of their INVITE: they have its
/// branch, its number and its way (RFC 3261 §9.1, §17.1.1.3).
fn draft(call: &mut Call, what: &What, last: Option<&Last<'_>>, routing: Routing) -> Draft {
    let (socket, peer) = (call.socket, call.peer);
    let What::Request(method) = what else {
        let theirs = || call.exchanges.iter().rev().filter(|exchange| !exchange.ours);
        let asked = last.and_then(|last| theirs().find(|asked| asked.identity == last.identity));
        let asked = asked.or_else(|| theirs().next());
        let (socket, destination) =
            asked.map_or((socket, peer), |asked| (asked.socket, asked.destination));
        return Draft { socket, destination, branch: 0, cseq: call.dialog.cseq };
    };
    let in_dialog = call.dialog.next_hop.filter(|_| routing == Routing::Dialog);
    let destination = in_dialog.unwrap_or(peer);
    let next_branch = call.branches + 1;
    let next_cseq = call.dialog.cseq.saturating_add(1);
    let draft = match (method.as_str(), call.sent_invite()) {
        ("CANCEL", Some(invite)) => of_invite(invite),
        ("ACK", Some(invite)) if invite.status >= 300 => of_invite(invite),
        ("ACK", Some(invite)) => {
            Draft { socket, destination, branch: next_branch, cseq: invite.identity.number }
        }
        _ => Draft { socket, destination, branch: next_branch, cseq: next_cseq },
    };
    call.branches = call.branches.max(draft.branch);
    draft
}

/// What an ACK to a failure and a CANCEL take over.
fn of_invite(invite: &Exchange) -> Draft {
    Draft {
        socket: invite.socket,
        destination: invite.destination,
        branch: invite.branch_number,
        cseq: invite.identity.number,
    }
}

/// Notes a request that was sent.
fn request_sent(
    call: &mut Call,
    send: &Send,
    identity: Identity,
    draft: &Draft,
    bytes: &[u8],
    now: Moment,
) {
    if identity.method == Method::Ack {
        if let Some(invite) = call.sent_invite() {
            invite.acknowledge(bytes, draft.destination);
        }
        return;
    }
    if identity.method == Method::Cancel {
        if let Some(invite) = call.sent_invite() {
            invite.cancel(now);
        }
    } else {
        call.dialog.cseq = call.dialog.cseq.max(identity.number);
    }
    call.dialog.is_over |= identity.method == Method::Bye;
    let way = (draft.socket, draft.destination);
    let mut exchange = Exchange::sent(identity, way, bytes, send.retransmit_after, now);
    exchange.branch_number = draft.branch;
    exchange.step = Some(call.step);
    call.add_exchange(exchange);
}

/// Notes a response that was sent.
pub(super) fn response_sent(
    call: &mut Call,
    code: u16,
    identity: Identity,
    bytes: &[u8],
    first: Option<std::time::Duration>,
    now: Moment,
) {
    let mut exchanges = call.exchanges.iter_mut().rev();
    let asked = exchanges.find(|exchange| !exchange.ours && exchange.identity == identity);
    if let Some(asked) = asked.filter(|asked| asked.phase == Phase::Open) {
        asked.answer(code, bytes, first, now);
    }
}
