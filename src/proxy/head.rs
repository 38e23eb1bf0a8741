//! What forwarding writes into a request (RFC 3261 §16.6 steps 2 to 4, 6, 8 and 9), as edits of
//! the message as it arrived.

use std::net::IpAddr;

use super::branch::BranchText;
use super::identity::OwnText;
use super::standing::Standing;
use super::turn::Turn;
use crate::mem::ListenerId;
use crate::script::{RecordRoute, Transit};
use crate::sip::compose::{Pen, ShortText, ViaStamp};
use crate::sip::rewrite::EditList;
use crate::sip::{Essentials, HeaderName, Message, Via, are_token};

/// Max-Forwards of a request that has none (RFC 3261 §16.6 step 3).
const MAX_FORWARDS_DEFAULT: &[u8] = b"Max-Forwards: 70\r\n";

/// Plans the edits of a request that leaves from `egress`, beside those that the script has made.
/// False if they are too many or too long.
pub(super) fn plan(
    turn: &mut Turn<'_>,
    transit: &Transit<'_>,
    egress: (ListenerId, IpAddr),
) -> bool {
    let Some(essentials) = turn.essentials else { return false };
    let Standing { key, identity, .. } = &mut *turn.standing;
    let branch = key.branch(transit.message, essentials, transit.source, transit.listener);
    let ingress = (transit.listener, transit.local.ip());
    let [ingress, egress] = identity.two_texts([ingress, egress]);
    let top = Top { transit, essentials, branch, ingress, egress };
    let edits = &mut *turn.plan_edits;
    (edit_as_one(&top, edits) || edit_apart(&top, edits))
        && fix_content_length(transit.message, edits)
}

/// What a request gets on top of its header fields, and what that is made of.
struct Top<'a> {
    transit: &'a Transit<'a>,
    essentials: &'a Essentials<'a>,
    branch: BranchText,
    /// How the listener is written that the request came to.
    ingress: &'a OwnText,
    /// How the one is written that it leaves from.
    egress: &'a OwnText,
}

/// Makes one edit of all that is changed up to the end of the topmost Via, where almost all is
/// changed, if the script has changed nothing there: so that little is moved, and once.
fn edit_as_one(top: &Top<'_>, edits: &mut EditList) -> bool {
    let Top { transit, essentials, .. } = top;
    let message = transit.message;
    let stamp = ViaStamp::new(&essentials.via, transit.source, transit.rport_forced);
    let Some(old) = stamp.place() else { return false };
    let end = end_of(&essentials.via, message);
    let max_forwards_behind = transit.max_forwards_done
        || message
            .value(HeaderName::MaxForwards)
            .is_some_and(|value| message.offset_of(value) > end);
    if !max_forwards_behind {
        return false;
    }
    let place = if old.is_empty() { end } else { message.offset_of(old) };
    let uri = message.request_uri();
    let uri_start = message.offset_of(uri);
    let bytes = message.bytes();
    let line_rest = &bytes[uri_start + uri.len()..message.headers_start()];
    let fields = &bytes[message.headers_start()..place];
    let via_rest = &bytes[place + old.len()..end];
    let room = end + transit.uri.len() + top.room() + ViaStamp::BYTES_MAX;
    edits.begin(end, &transit.edits, room, |pen| {
        pen.text(&bytes[..uri_start]).text(transit.uri).text(line_rest);
        top.write(pen);
        pen.text(fields);
        stamp.write(pen);
        pen.text(via_rest);
    }) && max_forwards(message, transit, edits)
}

/// Makes an edit of each change.
fn edit_apart(top: &Top<'_>, edits: &mut EditList) -> bool {
    let transit = top.transit;
    let message = transit.message;
    edits.copy_from(&transit.edits);
    request_uri(message, transit.uri, edits)
        && max_forwards(message, transit, edits)
        && stamp_via(&top.essentials.via, transit, edits)
        && edits.insert_before_with(message.headers_start(), top.room(), |pen| top.write(pen))
}

/// Step 2: the Request-URI as the script left it.
fn request_uri(message: Message<'_>, uri: &[u8], edits: &mut EditList) -> bool {
    let original = message.request_uri();
    uri == original || edits.replace(message.offset_of(original), original.len(), uri)
}

/// Step 3: one hop less, unless the script has seen to it. The number keeps its width, so that
/// nothing moves.
fn max_forwards(message: Message<'_>, transit: &Transit<'_>, edits: &mut EditList) -> bool {
    if transit.max_forwards_done {
        return true;
    }
    let Some(value) = message.value(HeaderName::MaxForwards) else {
        return edits.insert(message.headers_start(), MAX_FORWARDS_DEFAULT);
    };
    let at = message.offset_of(value);
    if edits.removes(at) {
        return true;
    }
    let number = value.iter().fold(0_u32, |sum, digit| {
        sum.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
    });
    let less = ShortText::decimal(number.saturating_sub(1).min(255) as usize);
    let padding = value.len().saturating_sub(less.as_bytes().len());
    let padding = &b"          "[..padding.min(10)];
    edits.replace_parts(at, value.len(), &[padding, less.as_bytes()])
}

/// Step 8, in the Via that was the topmost: where the request came from (RFC 3261 §18.2.1, RFC
/// 3581 §4).
fn stamp_via(via: &Via<'_>, transit: &Transit<'_>, edits: &mut EditList) -> bool {
    let message = transit.message;
    let stamp = ViaStamp::new(via, transit.source, transit.rport_forced);
    let end = end_of(via, message);
    if edits.removes(end - 1) {
        return true;
    }
    let mut fits = true;
    stamp.changes(|old, new| {
        let at = if old.is_empty() { end } else { message.offset_of(old) };
        fits &= edits.replace(at, old.len(), new);
    });
    fits
}

/// Where the topmost Via ends.
fn end_of(via: &Via<'_>, message: Message<'_>) -> usize {
    message.offset_of(via.text) + via.text.len()
}

impl Top<'_> {
    /// Bytes that [`Self::write`] writes at most.
    #[inline]
    fn room(&self) -> usize {
        let Self { transit, essentials, egress, ingress, .. } = self;
        let asked = transit.record_route.map_or(0, |asked| {
            let tag = essentials.from.tag().map_or(0, <[u8]>::len);
            let preset = asked.preset.map_or(0, <[u8]>::len);
            let own = egress.sent_by.len() + ingress.sent_by.len();
            own + 2 * (asked.user.len() + preset + tag + transit.record_route_params.len())
        });
        egress.via_start.len() + BranchText::BYTES_MAX + asked + transit.path.len() + 128
    }

    /// Our Via (step 8), our Record-Route, if the script asked for it (step 4), and as a route set
    /// the path that the callee registered with (step 6, RFC 3327 §5.3).
    #[inline]
    fn write(&self, pen: &mut Pen<'_>) {
        let Self { transit, egress, ingress, branch, .. } = self;
        pen.text(&egress.via_start);
        branch.write(pen);
        pen.text(b"\r\n");
        if let Some(asked) = transit.record_route {
            let crosses = asked.double && asked.preset.is_none() && !egress.is_of(transit.listener);
            self.record_route(asked, egress, crosses, pen);
            if crosses {
                self.record_route(asked, ingress, crosses, pen);
            }
        }
        if !transit.path.is_empty() {
            pen.text(b"Route: ").text(transit.path).text(b"\r\n");
        }
    }

    /// Our Record-Route. There are two if the request leaves by another listener than it came by,
    /// so that later requests of either side find the address of theirs.
    fn record_route(&self, asked: RecordRoute<'_>, own: &OwnText, double: bool, pen: &mut Pen<'_>) {
        match asked.preset {
            None if asked.user.is_empty() => pen.text(&own.record_route_start),
            preset => {
                let host = preset.unwrap_or(&own.sent_by);
                pen.text(b"Record-Route: <sip:").text(asked.user).text(host)
            }
        };
        if double {
            pen.text(b";r2=on");
        }
        match asked.full_lr {
            true => pen.text(b";lr=on"),
            false => pen.text(b";lr"),
        };
        // A tag in quotes, which no element should send, could end our URI.
        let tag = self.essentials.from.tag().filter(|tag| asked.from_tag && are_token(tag));
        if let Some(tag) = tag {
            pen.text(b";ftag=").text(tag);
        }
        pen.text(self.transit.record_route_params).text(b">\r\n");
    }
}

/// Step 9: Content-Length follows the body that the script changed. A message without one ends
/// with its datagram (RFC 3261 §18.3).
pub(super) fn fix_content_length(message: Message<'_>, edits: &mut EditList) -> bool {
    let body_length = message.body().len();
    let growth = edits.growth_from(message.end() - body_length);
    if growth == 0 {
        return true;
    }
    let Some(value) = message.value(HeaderName::ContentLength) else { return true };
    let at = message.offset_of(value);
    let length = body_length.saturating_add_signed(growth);
    edits.removes(at) || edits.replace(at, value.len(), ShortText::decimal(length).as_bytes())
}
