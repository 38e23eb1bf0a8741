//! Ending calls that do not go as their program says: politely, so that nothing stays behind at
//! the other side.

use viaduct::sip::compose::{Reply, ViaStamp, reply};
use viaduct::sip::{HeaderName, Message, MessageIndex, Method, NameAddr, parse, reason_phrase};

use super::call::{Call, Outcome, Waiting};
use super::derive::{Derived, compose, compose_bye_back, compose_response};
use super::exchange::{Exchange, Identity, Phase};
use super::form::Last;
use super::sending::response_sent;
use super::stage::Stage;
use crate::measure::{Count, Failure};
use crate::moment::Moment;
use crate::scenario::Routing;

impl Stage<'_> {
    /// Leaves the program of a call and hangs up: CANCEL before the answer (RFC 3261 §9.1), BYE
    /// after it (RFC 3261 §15.1). The call ends with `outcome` once that is answered. `last` is the
    /// message that is being handled.
    pub(super) fn close(&mut self, call: &mut Call, outcome: Outcome, last: Option<&Last<'_>>) {
        if call.closing.is_none() {
            call.closing = Some(outcome);
            self.leave(call, last);
        }
    }

    /// Does the next thing that is to be done to hang up.
    pub(super) fn leave(&mut self, call: &mut Call, last: Option<&Last<'_>>) {
        call.waiting = Waiting::Running;
        call.wake_at = Moment::NEVER;
        self.acknowledge(call, last);
        let answered = |invite: &Exchange| {
            let is_success = invite.phase == Phase::Final && (200..300).contains(&invite.status);
            is_success && invite.is_acknowledged
        };
        let is_over = call.dialog.is_over;
        match call.sent_invite() {
            Some(invite) if invite.rings() => self.derive(call, Derivation::Cancel),
            Some(invite) if answered(invite) && !is_over => {
                self.derive(call, Derivation::Bye);
            }
            _ => {}
        }
        self.finish_closing(call);
    }

    /// Ends a call that has hung up, if nothing is left to be waited for.
    pub(super) fn finish_closing(&mut self, call: &mut Call) {
        // An INVITE that is not even under way cannot be cancelled yet (RFC 3261 §9.1).
        if let Some(outcome) = call.closing.filter(|_| !call.is_busy()) {
            call.end(outcome);
        }
    }

    /// Acknowledges the final response to the INVITE if no step did: it is `last`, or was kept.
    fn acknowledge(&mut self, call: &mut Call, last: Option<&Last<'_>>) {
        let Some(invite) = call.unacknowledged() else { return };
        let mut acknowledge = |call: &mut Call, last: &Last<'_>| {
            let status = last.message.status().filter(|status| *status >= 200);
            if let Some(status) = status.filter(|_| last.identity == invite) {
                self.derive(call, Derivation::Ack(status, last.message));
            }
        };
        if let Some(last) = last {
            acknowledge(call, last);
        }
        if let Some(kept) = call.last.take().filter(|_| call.unacknowledged().is_some()) {
            kept.read(|last| acknowledge(call, last));
        }
    }

    /// Sends a request made of what was sent before.
    fn derive(&mut self, call: &mut Call, what: Derivation<'_>) {
        let branch = self.new_branch(call);
        let (socket, cseq) = (call.socket, call.dialog.cseq);
        let follows = self.library.program(call.program).routing == Routing::Dialog;
        let Some(invite) = call.sent_invite() else { return };
        let mut index = MessageIndex::default();
        if parse(&invite.bytes, &mut index).is_err() {
            return;
        }
        let prototype = Message::new(&invite.bytes, &index);
        let mut destination = invite.destination;
        let mut derived = Derived::cancel(invite.identity.number);
        match what {
            Derivation::Cancel => {}
            Derivation::Bye => {
                // The way of the ACK.
                derived = Derived::bye(cseq.saturating_add(1), &branch);
            }
            Derivation::Ack(status, response) => {
                derived = Derived::ack(invite.identity.number, response);
                if status < 300 {
                    derived.become_dialog(response, &branch);
                    let next_hop = derived.next_hop().filter(|_| follows);
                    destination = next_hop.unwrap_or(destination);
                }
            }
        }
        let position = self.out.compose(socket, destination, |out| {
            compose(out, prototype, &derived);
        });
        let bytes = self.out.get(position);
        call.record(self.now, true, false, bytes);
        let library = self.library;
        match Identity::of_composed(bytes, |branch| library.hash(branch)) {
            Some(identity) if identity.method != Method::Ack => {
                let way = (socket, destination);
                let first = Some(super::exchange::T1);
                call.dialog.is_over |= identity.method == Method::Bye;
                call.dialog.cseq = call.dialog.cseq.max(identity.number);
                if let Some(invite) = call.sent_invite().filter(|invite| invite.rings()) {
                    invite.cancel(self.now);
                }
                call.add_exchange(Exchange::sent(identity, way, bytes, first, self.now));
            }
            Some(_) => {
                if let Some(invite) = call.sent_invite() {
                    invite.acknowledge(bytes, destination);
                }
            }
            None => {}
        }
    }

    /// A branch that was not used before.
    fn new_branch(&self, call: &mut Call) -> Vec<u8> {
        call.branches += 1;
        let mut branch = Vec::new();
        self.library.branch(call, call.branches, &mut branch);
        branch
    }

    /// Answers a request that no step waits for.
    pub(super) fn unexpected_request(
        &mut self,
        call: &mut Call,
        identity: Identity,
        last: &Last<'_>,
    ) {
        let is_closing = call.closing.is_some();
        if !is_closing && identity.method != Method::Options {
            self.desk.count(Count::Unexpected);
        }
        match identity.method {
            Method::Cancel => self.cancelled(call, last),
            Method::Bye => {
                self.answer(call, 200, last);
                // RFC 3261 §15.1.2.
                self.refuse_ringing(call, None);
                self.close(call, ended_by_peer(call), Some(last));
            }
            Method::Invite => {
                let code = refusal(call, identity);
                self.answer(call, code, last);
            }
            Method::Info
            | Method::Message
            | Method::Notify
            | Method::Options
            | Method::Prack
            | Method::Update => self.answer(call, 200, last),
            _ => self.answer(call, 501, last),
        }
    }

    /// Ends an INVITE that is cancelled before it was answered (RFC 3261 §9.2).
    fn cancelled(&mut self, call: &mut Call, last: &Last<'_>) {
        self.answer(call, 200, last);
        if self.refuse_ringing(call, Some(last)) {
            let outcome = ended_by_peer(call);
            call.closing.get_or_insert(outcome);
            call.waiting = Waiting::Running;
            call.wake_at = Moment::NEVER;
        }
    }

    /// Answers an INVITE that has no answer yet by 487, made of what was said before, or of its
    /// CANCEL. False if there is no such INVITE.
    fn refuse_ringing(&mut self, call: &mut Call, cancel: Option<&Last<'_>>) -> bool {
        let ringing = call.exchanges.iter().position(|exchange| {
            !exchange.ours && exchange.is_invite() && exchange.phase == Phase::Open
        });
        let Some(ringing) = ringing else { return false };
        let exchange = &call.exchanges[ringing];
        let position = self.out.compose(exchange.socket, exchange.destination, |out| {
            if !compose_response(out, &exchange.bytes, 487) {
                // Nothing was said before: the CANCEL came with the INVITE's own Via.
                cancel.map(|cancel| compose_response(out, cancel.message.text(), 487));
            }
        });
        let bytes = self.out.get(position);
        call.record(self.now, true, false, bytes);
        let now = self.now;
        call.exchanges[ringing].answer(487, bytes, Some(super::exchange::T1), now);
        true
    }

    /// Acknowledges and ends the dialog with a phone that answered after another had (RFC 3261
    /// §13.2.2.4).
    pub(super) fn end_other_dialog(&mut self, call: &mut Call, asked: usize, last: &Last<'_>) {
        let branches = [self.new_branch(call), self.new_branch(call)];
        let invite = &call.exchanges[asked];
        let (socket, number) = (invite.socket, invite.identity.number);
        let mut index = MessageIndex::default();
        if parse(&invite.bytes, &mut index).is_err() {
            return;
        }
        let mut derived = Derived::ack(number, last.message);
        derived.become_dialog(last.message, &branches[0]);
        let follows = self.library.program(call.program).routing == Routing::Dialog;
        let destination = derived.next_hop().filter(|_| follows).unwrap_or(call.peer);
        let mut ack = Vec::new();
        compose(&mut ack, Message::new(&invite.bytes, &index), &derived);
        self.out.push(socket, destination, &ack);
        call.record(self.now, true, false, &ack);
        let is_bye = |sent: &Exchange| sent.ours && sent.identity.method == Method::Bye;
        if parse(&ack, &mut index).is_err() || call.exchanges.iter().any(is_bye) {
            return;
        }
        let mut bye = Vec::new();
        let cseq = call.dialog.cseq.saturating_add(1);
        compose(&mut bye, Message::new(&ack, &index), &Derived::bye(cseq, &branches[1]));
        self.out.push(socket, destination, &bye);
        call.record(self.now, true, false, &bye);
        let branch = self.library.hash(&branches[1]);
        let identity = Identity { number: cseq, method: Method::Bye, branch };
        let first = Some(super::exchange::T1);
        let way = (socket, destination);
        call.add_exchange(Exchange::sent(identity, way, &bye, first, self.now));
    }

    /// Sends BYE within a dialog whose 2xx nobody has acknowledged (RFC 3261 §13.3.1.4), if this
    /// was one.
    pub(super) fn end_unacknowledged(&mut self, call: &mut Call, answered: usize) {
        let branch = self.new_branch(call);
        let answered = &call.exchanges[answered];
        let is_success = !answered.ours && (200..300).contains(&answered.status);
        if !is_success || call.dialog.is_over || call.dialog.remote_target.is_empty() {
            return;
        }
        let mut index = MessageIndex::default();
        if parse(&answered.bytes, &mut index).is_err() {
            return;
        }
        let (socket, cseq) = (answered.socket, call.dialog.cseq.saturating_add(1));
        let follows = self.library.program(call.program).routing == Routing::Dialog;
        let next_hop = call.dialog.next_hop.filter(|_| follows);
        let destination = next_hop.unwrap_or(answered.destination);
        let response = Message::new(&answered.bytes, &index);
        let way = (self.library.socket(socket), branch.as_slice());
        let mut bye = Vec::new();
        compose_bye_back(&mut bye, response, &call.dialog, way, cseq);
        self.out.push(socket, destination, &bye);
        call.record(self.now, true, false, &bye);
        (call.dialog.is_over, call.dialog.cseq) = (true, cseq);
        let branch = self.library.hash(&branch);
        let identity = Identity { number: cseq, method: Method::Bye, branch };
        let first = Some(super::exchange::T1);
        call.add_exchange(Exchange::sent(identity, (socket, destination), &bye, first, self.now));
    }

    /// Answers a request without a step.
    pub(super) fn answer(&mut self, call: &mut Call, code: u16, last: &Last<'_>) {
        let Some(asked) = call.exchanges.last() else { return };
        let position = self.out.compose(asked.socket, asked.destination, |out| {
            plain_reply(out, last, code, call.number);
        });
        let bytes = self.out.get(position);
        call.record(self.now, true, false, bytes);
        let library = self.library;
        if let Some(identity) = Identity::of_composed(bytes, |branch| library.hash(branch)) {
            response_sent(call, code, identity, bytes, Some(super::exchange::T1), self.now);
        }
    }
}

/// How an INVITE is refused that no step waits for (RFC 3261 §14.2).
fn refusal(call: &mut Call, identity: Identity) -> u16 {
    let is_open = |exchange: &Exchange| exchange.is_invite() && exchange.phase == Phase::Open;
    if call.sent_invite().is_some_and(|invite| is_open(invite)) {
        return 491;
    }
    let mut others = call.exchanges.iter().filter(|exchange| exchange.identity != identity);
    if others.any(is_open) { 500 } else { 488 }
}

/// How a call ends that the other side hangs up: a callee has nothing against it.
const fn ended_by_peer(call: &Call) -> Outcome {
    if call.is_caller { Outcome::Failed(Failure::UnexpectedRequest) } else { Outcome::CutShort }
}

/// What is made of what was sent before.
enum Derivation<'m> {
    Cancel,
    Bye,
    /// To this response, with its code.
    Ack(u16, Message<'m>),
}

/// What user agents here understand.
const ALLOW: &[u8] =
    b"Allow: INVITE, ACK, CANCEL, BYE, INFO, MESSAGE, NOTIFY, OPTIONS, PRACK, UPDATE\r\n";

/// Appends a response without anything that is not needed.
pub(super) fn plain_reply(out: &mut Vec<u8>, last: &Last<'_>, code: u16, number: u64) {
    let Some(via) = last.via() else { return };
    let stamp = ViaStamp::new(via, last.source, false);
    let to = last.message.value(HeaderName::To).and_then(|to| NameAddr::parse(to).ok());
    let tag = || format!("{number:016x}").into_bytes().try_into().ok();
    let to_tag = to.filter(|to| to.tag().is_none()).and_then(|_| tag());
    let start = out.len();
    // RFC 3261 §21.4.6, and §11.2 for OPTIONS.
    let is_about_methods = code == 405 || last.identity.method == Method::Options;
    let headers: &[&[u8]] = if is_about_methods { &[ALLOW] } else { &[] };
    let reason = reason_phrase(code).as_bytes();
    let what = Reply { code, reason, to_tag, headers, last_headers: &[], body: b"" };
    if !reply(out, last.message, &stamp, what) {
        out.truncate(start);
    }
}
