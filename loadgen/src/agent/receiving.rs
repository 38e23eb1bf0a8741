//! Receiving a message for a call: which transaction, which step.

use smallvec::SmallVec;
use viaduct::sip::compose::reply_address;
use viaduct::sip::{HeaderName, Message, Method};

use super::call::{Call, Kept, Outcome, Waiting};
use super::derive::RouteSet;
use super::exchange::{Exchange, Identity, Phase, tag};
use super::form::Last;
use super::stage::Stage;
use crate::measure::{Count, Failure};
use crate::outbox::SocketId;
use crate::scenario::{Optional, Receive, Routing, Step};

impl Stage<'_> {
    /// Handles a response.
    pub(super) fn receive_response(
        &mut self,
        call: &mut Call,
        identity: Identity,
        status: u16,
        last: &Last<'_>,
    ) {
        let message = last.message;
        let asked = call
            .exchanges
            .iter()
            .position(|exchange| exchange.ours && exchange.identity == identity);
        let known = asked.map(|asked| (call.exchanges[asked].phase, call.exchanges[asked].status));
        let repeated = match known {
            // The transaction is over, or it never was.
            None => true,
            Some((Phase::Open, before)) => before == status,
            Some((Phase::Final | Phase::Done, _)) => true,
        };
        call.record(self.now, false, repeated, message.text());
        let Some(asked) = asked.filter(|_| !repeated) else {
            return self.receive_repeated_response(call, asked, status, last);
        };
        if call.exchanges[asked].step.is_none() && call.closing.is_none() {
            return call.exchanges[asked].answered_aside(status, self.now);
        }
        let place = call.closing.is_none().then(|| self.place_of_response(call, asked, status));
        if self.is_lost(call, place.flatten()) {
            return;
        }
        call.exchanges[asked].answered(status, self.now);
        if call.is_caller {
            self.desk.interval.tally.codes.count(status);
        }
        let is_from_peer = status > 100 && identity.method != Method::Cancel;
        if is_from_peer {
            learn_tag(call, message, HeaderName::To);
        }
        // A CANCEL stays: a call that hangs up is not to send another.
        let stays = call.exchanges[asked].is_invite() || identity.method == Method::Cancel;
        if status >= 200 && !stays {
            call.exchanges.remove(asked);
        }
        match place {
            Some(Some(step)) => self.accept(call, step, last),
            Some(None) => self.unexpected_response(call, status, last),
            None => self.leave(call, Some(last)),
        }
    }

    /// Handles a response that came before: a final one to an INVITE has its ACK said again, and
    /// that of another phone is a dialog of its own.
    fn receive_repeated_response(
        &mut self,
        call: &mut Call,
        asked: Option<usize>,
        status: u16,
        last: &Last<'_>,
    ) {
        match asked {
            Some(asked) if status >= 200 && call.exchanges[asked].is_acknowledged => {
                let tag = tag(last.message, HeaderName::To).unwrap_or_default();
                if status < 300 && !tag.is_empty() && tag != &call.dialog.remote_tag[..] {
                    self.desk.count(Count::Unexpected);
                    return self.end_other_dialog(call, asked, last);
                }
                self.repeat(call, asked);
            }
            None if last.identity.number > call.dialog.cseq => {
                return self.desk.count(Count::Stray);
            }
            _ => {}
        }
        self.desk.count(Count::RepetitionsReceived);
    }

    /// The step that waits for a response. A 2xx must answer the last request that was sent: that
    /// to a CANCEL is not taken for that to the INVITE.
    fn place_of_response(&self, call: &Call, asked: usize, status: u16) -> Option<usize> {
        let is_asked = |exchange: &Exchange| exchange.ours && exchange.step.is_some();
        let last = call.exchanges.iter().rposition(is_asked);
        if (200..300).contains(&status) && last != Some(asked) {
            return None;
        }
        self.place(call, |receive| receive.expect.is_response(status))
    }

    /// Handles a request, other than an ACK.
    pub(super) fn receive_request(
        &mut self,
        call: &mut Call,
        identity: Identity,
        socket: SocketId,
        last: &Last<'_>,
    ) {
        let message = last.message;
        let before = call
            .exchanges
            .iter()
            .position(|exchange| !exchange.ours && exchange.identity == identity);
        call.record(self.now, false, before.is_some(), message.text());
        if let Some(before) = before {
            self.desk.count(Count::RepetitionsReceived);
            let exchange = &call.exchanges[before];
            // An INVITE whose response was acknowledged is absorbed.
            let absorbed = exchange.is_invite() && exchange.phase == Phase::Done;
            if !exchange.bytes.is_empty() && !absorbed {
                self.repeat(call, before);
            }
            return;
        }
        let method = method_name(message);
        let is_merged = is_merged(call, identity, message);
        let place = (call.closing.is_none() && !is_merged)
            .then(|| self.place(call, |receive| receive.expect.is_request(method)))
            .flatten();
        if self.is_lost(call, place) {
            return;
        }
        self.begin_exchange(call, identity, socket, place, last);
        if is_merged {
            self.desk.count(Count::Unexpected);
            return self.answer(call, 482, last);
        }
        call.dialog.is_over |= identity.method == Method::Bye;
        learn_tag(call, message, HeaderName::From);
        if identity.method == Method::Invite && self.library.cancels(call.program) {
            call.invite = Some(Kept::new(last));
        }
        match place {
            Some(step) => self.accept(call, step, last),
            None => self.unexpected_request(call, identity, last),
        }
    }

    /// Notes the transaction of a request.
    fn begin_exchange(
        &self,
        call: &mut Call,
        identity: Identity,
        socket: SocketId,
        step: Option<usize>,
        last: &Last<'_>,
    ) {
        // As SIPp does: back to where it came from.
        let symmetric = self.library.program(call.program).routing == Routing::Target;
        let via = last.via().filter(|_| !symmetric);
        let destination = via.map_or(last.source, |via| reply_address(via, last.source, false));
        let mut exchange = Exchange::received(identity, socket, destination);
        exchange.step = step;
        call.add_exchange(exchange);
    }

    /// Handles an ACK: the final response that it is for is not said again.
    pub(super) fn receive_ack(&mut self, call: &mut Call, identity: Identity, last: &Last<'_>) {
        let Some(asked) = acknowledged(call, identity) else {
            call.record(self.now, false, false, last.message.text());
            return self.desk.count(Count::Stray);
        };
        let exchange = &call.exchanges[asked];
        let (is_aside, repeated) = (exchange.step.is_none(), exchange.phase == Phase::Done);
        let place = (!is_aside && !repeated)
            .then(|| self.place(call, |receive| receive.expect.is_request(b"ACK")))
            .flatten();
        if self.is_lost(call, place) {
            return;
        }
        let exchange = &mut call.exchanges[asked];
        exchange.rest();
        exchange.phase = Phase::Done;
        // What was acknowledged is not said again, and a call may last for hours.
        exchange.bytes = Vec::new();
        call.record(self.now, false, repeated, last.message.text());
        match place {
            _ if repeated => self.desk.count(Count::RepetitionsReceived),
            _ if call.closing.is_some() => self.finish_closing(call),
            Some(step) => self.accept(call, step, last),
            None if is_aside => {}
            None => self.desk.count(Count::Unexpected),
        }
    }

    /// The step that waits for a message: from the current one on over those that may not come,
    /// and then back over those that did not come yet.
    fn place(&self, call: &Call, mut is_wanted: impl FnMut(&Receive) -> bool) -> Option<usize> {
        let steps = &self.library.program(call.program).steps;
        if call.waiting == Waiting::Message {
            for (id, step) in steps.iter().enumerate().skip(call.step) {
                match step {
                    Step::Receive(receive) if is_wanted(receive) => return Some(id),
                    Step::Receive(receive) if receive.optional != Optional::No => {}
                    _ => break,
                }
            }
        }
        let mut adjacent = true;
        for (id, step) in steps.iter().enumerate().take(call.step).rev() {
            match step {
                Step::Receive(receive) => {
                    adjacent &= receive.optional != Optional::No;
                    let reachable = adjacent || receive.optional == Optional::Global;
                    if reachable && is_wanted(receive) {
                        return Some(id);
                    }
                }
                _ => adjacent = false,
            }
        }
        None
    }

    /// Whether the message for a step is to be taken as lost on the way.
    fn is_lost(&mut self, call: &Call, step: Option<usize>) -> bool {
        let steps = &self.library.program(call.program).steps;
        match step.and_then(|step| steps.get(step)) {
            Some(Step::Receive(receive)) => self.desk.hits(receive.lost),
            _ => false,
        }
    }

    /// Takes a message for a step, and goes on.
    fn accept(&mut self, call: &mut Call, id: usize, last: &Last<'_>) {
        let library = self.library;
        let Some(Step::Receive(receive)) = library.program(call.program).steps.get(id) else {
            return;
        };
        self.accepted = true;
        self.note_arrow(call, id);
        // One that came late, or may come at any time, does not move the call, unless it is to
        // go somewhere else.
        let (before, planned) = (call.step, call.due);
        let moves = id >= before && call.waiting == Waiting::Message;
        call.due = self.now;
        self.note_marks(call, &receive.chain);
        if receive.keep_routes {
            keep_routes(call, last);
        }
        call.step = id;
        if !self.act(call, &receive.actions, Some(last)) {
            match self.jump(call, &receive.chain) {
                Some(next) => call.step = next,
                None if moves => call.step = id + 1,
                None => {
                    call.step = before;
                    call.due = planned;
                    return;
                }
            }
        }
        self.run(call, Some(last));
    }

    /// Handles a response that no step waits for.
    fn unexpected_response(&mut self, call: &mut Call, status: u16, last: &Last<'_>) {
        self.desk.count(Count::Unexpected);
        if status >= 200 {
            self.close(call, Outcome::Failed(Failure::UnexpectedStatus), Some(last));
        }
    }
}

/// The INVITE that an ACK is for: that to a failure has its branch, that to a success has one of
/// its own (RFC 3261 §17.1.1.3, §13.2.2.4).
fn acknowledged(call: &Call, identity: Identity) -> Option<usize> {
    let find = |is_it: &dyn Fn(&Exchange) -> bool| {
        call.exchanges.iter().rposition(|exchange| {
            let number = exchange.identity.number;
            !exchange.ours && exchange.is_invite() && number == identity.number && is_it(exchange)
        })
    };
    find(&|exchange| exchange.identity.branch == identity.branch)
        .or_else(|| find(&|exchange| exchange.step.is_some()))
        .or_else(|| find(&|_| true))
}

/// Whether a request came before on another way (RFC 3261 §8.2.2.2).
fn is_merged(call: &Call, identity: Identity, message: Message<'_>) -> bool {
    let is_other_way = |exchange: &Exchange| {
        let other = exchange.identity;
        !exchange.ours && (other.number, other.method) == (identity.number, identity.method)
    };
    call.exchanges.iter().any(is_other_way) && tag(message, HeaderName::To).is_none()
}

/// Notes the other side's tag, which mostly is the one that is known.
fn learn_tag(call: &mut Call, message: Message<'_>, name: HeaderName) {
    let known = &mut call.dialog.remote_tag;
    let value = message.value(name).unwrap_or_default();
    let is_known = !known.is_empty()
        && value.strip_suffix(&known[..]).is_some_and(|before| before.ends_with(b";tag="));
    if !is_known && let Some(tag) = tag(message, name) {
        *known = SmallVec::from_slice(tag);
    }
}

/// The method of a request, as written.
pub(super) fn method_name<'m>(message: Message<'m>) -> &'m [u8] {
    match message.start_line() {
        viaduct::sip::StartLine::Request { name, .. } => name,
        viaduct::sip::StartLine::Status { .. } => &[],
    }
}

/// Keeps the route set and the remote target that a message names (RFC 3261 §12.1). A later INVITE
/// within the dialog moves its target alone (RFC 3261 §12.2).
fn keep_routes(call: &mut Call, last: &Last<'_>) {
    let is_settled = call.exchanges.iter().any(|before| {
        let is_success = (200..300).contains(&before.status) && before.phase != Phase::Open;
        before.is_invite() && is_success && before.identity != last.identity
    });
    let set = RouteSet::of(last.message);
    if !is_settled {
        let mut lines = Vec::new();
        for route in &set.routes {
            if !lines.is_empty() {
                lines.extend_from_slice(b"\r\n");
            }
            lines.extend_from_slice(b"Route: ");
            lines.extend_from_slice(route);
        }
        call.dialog.routes = lines.into();
    }
    if !is_settled || (call.dialog.routes.is_empty() && set.uri.is_some()) {
        call.dialog.next_hop = set.next_hop;
    }
    if let Some(uri) = set.uri {
        call.dialog.remote_target = uri.into();
    }
}
