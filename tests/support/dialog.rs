//! What a phone remembers of a call (RFC 3261 §12).

use std::net::SocketAddr;

use super::draft::Draft;
use super::message::{Message, uri_address};
use super::phone::Phone;

/// One side of a dialog.
#[derive(Debug)]
pub(crate) struct Dialog<'a> {
    phone: &'a Phone,
    call_id: String,
    local: String,
    remote: String,
    /// CSeq number of our last request.
    number: u32,
    /// The remote target.
    pub(crate) target: String,
    /// The route set.
    pub(crate) routes: Vec<String>,
}

impl<'a> Dialog<'a> {
    /// The caller's side, from its INVITE and the response that made the dialog.
    pub(crate) fn of_caller(phone: &'a Phone, invite: &Message, response: &Message) -> Self {
        let mut routes = response.items("Record-Route");
        routes.reverse();
        let number = invite.value("CSeq").split(' ').next().unwrap_or_default();
        Self {
            phone,
            call_id: invite.value("Call-ID").into(),
            local: invite.value("From").into(),
            remote: response.value("To").into(),
            number: number.parse().expect("a CSeq number"),
            target: response.uris("Contact").remove(0),
            routes,
        }
    }

    /// The callee's side, from the INVITE that came.
    pub(crate) fn of_callee(phone: &'a Phone, invite: &Message) -> Self {
        Self {
            phone,
            call_id: invite.value("Call-ID").into(),
            local: format!("{};tag={}", invite.value("To"), phone.tag()),
            remote: invite.value("From").into(),
            number: 52_518,
            target: invite.uris("Contact").remove(0),
            routes: invite.items("Record-Route"),
        }
    }

    /// The ACK to the response of 200 that made the dialog: a transaction of its own.
    pub(crate) fn ack(&self) -> Draft {
        self.compose("ACK", self.number)
    }

    /// A new request.
    pub(crate) fn request(&mut self, method: &str) -> Draft {
        self.number += 1;
        self.compose(method, self.number)
    }

    /// Where requests go: the first Route, or the remote target.
    pub(crate) fn next_hop(&self) -> SocketAddr {
        let first = self.routes.first().map(|route| super::message::name_addr(route).0);
        uri_address(first.unwrap_or(&self.target))
    }

    /// Sends a request of this dialog; returns it as it left.
    pub(crate) fn send(&self, draft: &Draft) -> Message {
        self.phone.send(draft, self.next_hop())
    }

    /// Writes a request.
    fn compose(&self, method: &str, number: u32) -> Draft {
        let via = self.phone.new_via();
        let mut draft = Draft::new(format!("{method} {} SIP/2.0", self.target)).add("Via", via);
        for route in &self.routes {
            draft = draft.add("Route", route);
        }
        draft
            .add("From", &self.local)
            .add("To", &self.remote)
            .add("Call-ID", &self.call_id)
            .add("CSeq", format!("{number} {method}"))
            .add("User-Agent", "Bench Phone 1.0")
            .add("Max-Forwards", "70")
            .add("Supported", "replaces")
    }
}
