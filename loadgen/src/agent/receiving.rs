//! Receiving a message for a call: which transaction, which step.

use smallvec::SmallVec;
use viaduct::sip::compose::reply_address;
use viaduct::sip::{HeaderName, Message, Method, NameAddr, Uri, host_ip};

use super::call::{Call, Kept, Outcome, Waiting};
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
            return self.receive_repeated_response(call, identity, asked, status);
        };
        let place = call.closing.is_none().then(|| self.place_of_response(call, asked, status));
        if self.is_lost(call, place.flatten()) {
            return;
        }
        call.exchanges[asked].answered(status, self.now);
        if call.is_caller {
            self.desk.interval.tally.codes.count(status);
        }
        if let Some(tag) = tag(message, HeaderName::To).filter(|_| status > 100) {
            call.dialog.remote_tag = SmallVec::from_slice(tag);
        }
        if status >= 200 && !call.exchanges[asked].is_invite() {
            call.exchanges.remove(asked);
        }
        match place {
            Some(Some(step)) => self.accept(call, step, last),
            Some(None) => self.unexpected_response(call, status, last),
            None => self.leave(call, Some(last)),
        }
    }

    /// Handles a response that came before: a final one to an INVITE has its ACK said again.
    fn receive_repeated_response(
        &mut self,
        call: &mut Call,
        identity: Identity,
        asked: Option<usize>,
        status: u16,
    ) {
        match asked {
            Some(asked) if status >= 200 && call.exchanges[asked].is_acknowledged => {
                self.repeat(call, asked);
            }
            None if identity.number > call.dialog.cseq => return self.desk.count(Count::Stray),
            _ => {}
        }
        self.desk.count(Count::RepetitionsReceived);
    }

    /// The step that waits for a response. A 2xx must answer the last request that was sent: that
    /// to a CANCEL is not taken for that to the INVITE.
    fn place_of_response(&self, call: &Call, asked: usize, status: u16) -> Option<usize> {
        let last = call.exchanges.iter().rposition(|exchange| exchange.ours);
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
        let place = call
            .closing
            .is_none()
            .then(|| self.place(call, |receive| receive.expect.is_request(method)));
        if self.is_lost(call, place.flatten()) {
            return;
        }
        self.begin_exchange(call, identity, socket, last);
        call.dialog.is_over |= identity.method == Method::Bye;
        if let Some(tag) = tag(message, HeaderName::From) {
            call.dialog.remote_tag = SmallVec::from_slice(tag);
        }
        if identity.method == Method::Invite && self.library.cancels(call.program) {
            call.invite = Some(Kept::new(last));
        }
        match place.flatten() {
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
        last: &Last<'_>,
    ) {
        // As SIPp does: back to where it came from.
        let symmetric = self.library.program(call.program).routing == Routing::Target;
        let via = last.via().filter(|_| !symmetric);
        let destination = via.map_or(last.source, |via| reply_address(via, last.source, false));
        call.add_exchange(Exchange::received(identity, socket, destination));
    }

    /// Handles an ACK: the final response that it is for is not said again.
    pub(super) fn receive_ack(&mut self, call: &mut Call, number: u32, last: &Last<'_>) {
        let place = self.place(call, |receive| receive.expect.is_request(b"ACK"));
        let asked = call.exchanges.iter_mut().find(|exchange| {
            !exchange.ours && exchange.is_invite() && exchange.identity.number == number
        });
        let Some(asked) = asked else {
            call.record(self.now, false, false, last.message.text());
            return self.desk.count(Count::Stray);
        };
        let repeated = asked.phase == Phase::Done;
        let place = place.filter(|_| !repeated);
        if self.is_lost_at(call.program, place) {
            return;
        }
        asked.rest();
        asked.phase = Phase::Done;
        call.record(self.now, false, repeated, last.message.text());
        if repeated {
            return self.desk.count(Count::RepetitionsReceived);
        }
        if call.closing.is_some() {
            self.finish_closing(call);
        } else if let Some(step) = place {
            self.accept(call, step, last);
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
        self.is_lost_at(call.program, step)
    }

    /// As [`Stage::is_lost`].
    fn is_lost_at(&mut self, program: usize, step: Option<usize>) -> bool {
        let steps = &self.library.program(program).steps;
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
        self.note_arrow(call, id);
        self.note_marks(call, &receive.chain);
        if receive.keep_routes {
            keep_routes(call, last.message);
        }
        // One that came late, or may come at any time, does not move the call, unless it is to
        // go somewhere else.
        let moves = id >= call.step && call.waiting == Waiting::Message;
        if moves {
            call.step = id;
        }
        let before = call.step;
        call.due = self.now;
        let jumped = self.act(call, &receive.actions, Some(last));
        if !jumped && (moves || receive.chain.next.is_some()) {
            call.step = id;
            self.follow(call, &receive.chain);
            if !moves && call.step == id + 1 {
                // The condition of `next` did not hold.
                call.step = before;
                return;
            }
        } else if !jumped {
            return;
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

/// The method of a request, as written.
pub(super) fn method_name<'m>(message: Message<'m>) -> &'m [u8] {
    match message.start_line() {
        viaduct::sip::StartLine::Request { name, .. } => name,
        viaduct::sip::StartLine::Status { .. } => &[],
    }
}

/// Keeps the route set and the remote target that a message names (RFC 3261 §12.1).
fn keep_routes(call: &mut Call, message: Message<'_>) {
    let mut routes: SmallVec<[&[u8]; 4]> = message.items(HeaderName::RecordRoute).collect();
    if message.method().is_none() {
        routes.reverse();
    }
    let mut lines = Vec::new();
    for route in &routes {
        if !lines.is_empty() {
            lines.extend_from_slice(b"\r\n");
        }
        lines.extend_from_slice(b"Route: ");
        lines.extend_from_slice(route);
    }
    let contact = message.items(HeaderName::Contact).next();
    let contact = contact.and_then(|contact| NameAddr::parse(contact).ok());
    if let Some(contact) = contact {
        call.dialog.remote_target = contact.uri.into();
    }
    let first = routes.first().and_then(|route| NameAddr::parse(route).ok()).or(contact);
    call.dialog.next_hop = first.and_then(|first| address_of(first.uri));
    call.dialog.routes = lines.into();
}

/// The address that a URI names, if it names one.
fn address_of(uri: &[u8]) -> Option<std::net::SocketAddr> {
    let uri = Uri::parse(uri).ok()?;
    Some(std::net::SocketAddr::new(host_ip(uri.host)?, uri.port.unwrap_or(5060)))
}
