//! What forwarding writes into a request (RFC 3261 §16.6 steps 2 to 4, 6, 8 and 9), as edits of
//! the message as it arrived.

use std::net::{IpAddr, SocketAddr};

use super::branch::{BranchKey, BranchText};
use super::identity::{BRANCH_START, OwnText, transport_param};
use super::quads::KnownQuads;
use super::standing::Standing;
use super::turn::Turn;
use crate::mem::ListenerId;
use crate::protocol::Transport;
use crate::script::{OwnVia, RecordRoute, Transit, split_host_port};
use crate::sip::compose::{ShortText, ViaStamp};
use crate::sip::rewrite::EditList;
use crate::sip::{
    Essentials, HeaderName, Message, Pen, Sheet, Via, are_token, edit_content_length, is_sips,
};

/// Max-Forwards of a request that has none (RFC 3261 §16.6 step 3).
const MAX_FORWARDS_DEFAULT: &[u8] = b"Max-Forwards: 70\r\n";

/// Bytes that are enough for what [`Top::write_any`] writes, but for what the message and the
/// script say.
const FIXED_BYTES: usize = 1_024;

/// Plans the edits of a request as almost all are, that leaves from the listener `own` that it came
/// to: over IPv4, its hops are counted, and what the script wants on top is nothing rare. False if
/// it is another one, which [`plan`] plans from the start.
#[inline(never)]
pub(super) fn plan_usual(
    transit: &Transit<'_>,
    key: &BranchKey,
    own: &OwnText,
    quads: &KnownQuads,
    edits: &mut EditList,
) -> bool {
    let (Some(essentials), SocketAddr::V4(source)) = (transit.essentials, &transit.source) else {
        return false;
    };
    if !transit.max_forwards_done || transit.own_via.is_some() || !transit.path.is_empty() {
        return false;
    }
    let tag = plain_tag(transit, essentials, own);
    if tag.is_some() != transit.record_route.is_some() {
        return false;
    }
    let message = transit.message;
    let end = end_of(&essentials.via, message);
    if !is_top(transit, end) {
        return false;
    }
    let place = match essentials.via.only_rport() {
        Some(rport) => {
            let params = message.offset_of(essentials.via.params.text());
            params + rport.start..params + rport.end
        }
        None if !essentials.via.is_stamped() && !transit.rport_forced => end..end,
        None => return false,
    };
    let Some(branch) = key.plain_branch(&essentials.via, source, transit.listener) else {
        return false;
    };
    let bytes = message.bytes();
    let fields_start = message.headers_start();
    let Some(sheet) = edits.begin(end, transit.edits) else { return false };
    let sheet = write_usual((own, &branch), tag, message, start_line(transit, sheet));
    let sheet = sheet.piece::<96>(bytes, fields_start, place.start - fields_start);
    let sheet = if !place.is_empty() {
        sheet.chunk(b"rport=").port(source.port()).chunk(b";received=").ipv4(*source.ip())
    } else if quads.host_ip(essentials.via.host) == Some(IpAddr::V4(*source.ip())) {
        sheet
    } else {
        sheet.chunk(b";received=").ipv4(*source.ip())
    };
    let settled = (bytes, message.headers_end());
    let beginning = transit.edits.end_sheet(sheet, place.end, settled);
    edits.finish(beginning, transit.edits)
        && (edits.is_one() || edit_content_length(message, edits)) // step 9
}

/// Writes our Via and, with a tag, our Record-Route.
#[inline(always)]
fn write_usual<'b>(
    (own, branch): (&OwnText, &BranchText),
    tag: Option<&[u8]>,
    message: Message<'_>,
    sheet: Sheet<'b>,
) -> Sheet<'b> {
    let sheet = branch.write(own.via_start.write(sheet));
    let Some(tag) = tag else { return sheet.chunk(b"\r\n") };
    let sheet = own.record_route_start.write(sheet);
    sheet.piece::<32>(message.bytes(), message.offset_of(tag), tag.len()).chunk(b">\r\n")
}

/// Whether the fields that forwarding changes one by one are behind the topmost Via, which ends
/// there.
#[inline]
fn is_top(transit: &Transit<'_>, end: usize) -> bool {
    let start_of = |name| transit.message.start_of(name);
    let hops_are_behind = transit.max_forwards_done
        || start_of(HeaderName::MaxForwards).is_some_and(|start| start > end);
    // Its length may have to follow a body that the script has changed.
    hops_are_behind && start_of(HeaderName::ContentLength).is_none_or(|start| start > end)
}

/// Plans the edits of a request that leaves from `listener`, beside those that the script has
/// made. False if they are too many or too long.
#[inline(never)]
pub(super) fn plan(turn: &mut Turn<'_>, transit: &Transit<'_>, listener: ListenerId) -> bool {
    let Some(essentials) = transit.essentials else { return false };
    let Standing { key, identity, .. } = &mut *turn.standing;
    let branch = key.branch(essentials, transit.source, transit.listener);
    let [ingress, egress] = identity.two_texts([transit.listener, listener], transit.local);
    let plain_tag = plain_tag(transit, essentials, egress);
    let top = Top { transit, essentials, branch, ingress, egress, plain_tag };
    let edits = &mut *turn.plan_edits;
    (edit_as_one(&top, edits) || edit_apart(&top, edits))
        && edit_content_length(transit.message, edits) // step 9
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
    /// See [`plain_tag`].
    plain_tag: Option<&'a [u8]>,
}

/// The tag in our Record-Route, if there is to be one as almost all are: the listener and the tag.
#[inline]
fn plain_tag<'a>(
    transit: &Transit<'a>,
    essentials: &Essentials<'a>,
    egress: &OwnText,
) -> Option<&'a [u8]> {
    let asked = transit.record_route?;
    let is_plain = asked.from_tag
        && !asked.full_lr
        && asked.preset.is_none()
        && asked.preset_ingress.is_none()
        && asked.user.is_empty()
        && transit.record_route_params.is_empty()
        && egress.plain_listener == transit.listener;
    let tag = essentials.from.tag().filter(|_| is_plain)?;
    are_token(tag).then_some(tag)
}

/// Makes one edit of all that is changed up to the end of the topmost Via, where almost all is
/// changed, if the script has changed nothing there: so that little is moved, and once.
#[inline]
fn edit_as_one(top: &Top<'_>, edits: &mut EditList) -> bool {
    let Top { transit, essentials, .. } = top;
    let message = transit.message;
    let stamp = ViaStamp::new(&essentials.via, *transit.source, transit.rport_forced);
    let Some(old) = stamp.place() else { return false };
    let end = end_of(&essentials.via, message);
    if !is_top(transit, end) {
        return false;
    }
    let place = if old.is_empty() { end } else { message.offset_of(old) };
    let bytes = message.bytes();
    let fields_start = message.headers_start();
    let Some(sheet) = edits.begin(end, transit.edits) else { return false };
    let sheet = top.write(start_line(transit, sheet));
    let sheet = stamp.write(sheet.piece::<96>(bytes, fields_start, place - fields_start));
    // The number of hops that is still to be counted must not be written anew.
    let settled = if transit.max_forwards_done { message.headers_end() } else { 0 };
    let beginning = transit.edits.end_sheet(sheet, place + old.len(), (bytes, settled));
    edits.finish(beginning, transit.edits)
        && (transit.max_forwards_done || max_forwards(message, transit, edits))
}

/// Step 2: the start line, with the Request-URI as the script left it.
#[inline(always)]
fn start_line<'b>(transit: &Transit<'_>, sheet: Sheet<'b>) -> Sheet<'b> {
    let message = transit.message;
    let bytes = message.bytes();
    let end = message.headers_start();
    let arrived = message.request_uri();
    if std::ptr::eq(transit.uri, arrived) {
        return sheet.piece::<64>(bytes, 0, end);
    }
    let uri_start = message.offset_of(arrived);
    let uri_end = uri_start + arrived.len();
    let sheet = sheet.piece::<16>(bytes, 0, uri_start).text(transit.uri);
    sheet.piece::<16>(bytes, uri_end, end - uri_end)
}

/// Makes an edit of each change.
#[inline(never)]
fn edit_apart(top: &Top<'_>, edits: &mut EditList) -> bool {
    let transit = top.transit;
    let message = transit.message;
    edits.copy_from(transit.edits);
    request_uri(message, transit.uri, edits)
        && max_forwards(message, transit, edits)
        && stamp_via(&top.essentials.via, transit, edits)
        && edits.insert_before_with(message.headers_start(), top.room(), |pen| top.write_any(pen))
}

/// Step 2: the Request-URI as the script left it.
pub(super) fn request_uri(message: Message<'_>, uri: &[u8], edits: &mut EditList) -> bool {
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
    let mut less = ShortText::new(b"");
    less.decimal(number.saturating_sub(1).min(255) as usize);
    let padding = value.len().saturating_sub(less.as_bytes().len());
    let padding = &b"          "[..padding.min(10)];
    edits.replace_parts(at, value.len(), &[padding, less.as_bytes()])
}

/// Step 8, in the Via that was the topmost: where the request came from (RFC 3261 §18.2.1, RFC
/// 3581 §4).
fn stamp_via(via: &Via<'_>, transit: &Transit<'_>, edits: &mut EditList) -> bool {
    let message = transit.message;
    let stamp = ViaStamp::new(via, *transit.source, transit.rport_forced);
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
    /// Bytes that [`Self::write_any`] writes at most.
    fn room(&self) -> usize {
        let Self { transit, essentials, egress, ingress, .. } = self;
        let asked = transit.record_route.map_or(0, |asked| {
            let tag = essentials.from.tag().map_or(0, <[u8]>::len);
            let presets = [asked.preset, asked.preset_ingress];
            let preset = presets.map(|preset| preset.map_or(0, <[u8]>::len)).iter().sum::<usize>();
            let own = egress.sent_by.len() + ingress.sent_by.len();
            own + 2 * (asked.user.len() + preset + tag + transit.record_route_params.len())
        });
        let via =
            transit.own_via.map_or(0, |via| via.host.map_or(0, <[u8]>::len) + via.params.len());
        egress.sent_by.len() + asked + transit.path.len() + via + FIXED_BYTES
    }

    /// Our Via (step 8), our Record-Route, if the script asked for it (step 4), and as a route set
    /// the path that the callee registered with (step 6, RFC 3327 §5.3).
    #[inline(always)]
    fn write<'b>(&self, sheet: Sheet<'b>) -> Sheet<'b> {
        let Transit { own_via, record_route, path, .. } = self.transit;
        let has_route = record_route.is_some();
        if own_via.is_some() || !path.is_empty() || has_route != self.plain_tag.is_some() {
            return sheet.with(|pen| self.write_any(pen));
        }
        write_usual((self.egress, &self.branch), self.plain_tag, self.transit.message, sheet)
    }

    /// As [`Self::write`], whatever is asked for.
    fn write_any(&self, pen: &mut Pen<'_>) {
        let via = self.transit.own_via.copied().unwrap_or_default();
        self.any_via(&via, pen);
        pen.text(b"\r\n");
        if let Some(asked) = self.transit.record_route {
            self.record_routes(*asked, pen);
        }
        if !self.transit.path.is_empty() {
            pen.text(b"Route: ").text(self.transit.path).text(b"\r\n");
        }
    }

    /// Our Via as the script wants it.
    fn any_via(&self, via: &OwnVia<'_>, pen: &mut Pen<'_>) {
        let (before, own) = (self.egress.before_sent_by(), &self.egress.sent_by);
        let (own_host, own_port) = split_host_port(own);
        pen.text(before).text(via.host.unwrap_or(own_host));
        if let Some(port) = via.port.or(own_port) {
            pen.octet(b':').port(port);
        }
        pen.text(BRANCH_START);
        self.branch.write_any(pen);
        if via.rport {
            pen.text(b";rport");
        }
        if let Some(number) = via.server_id {
            pen.text(b";srvid=");
            let mut digits = ShortText::new(b"");
            digits.decimal(number as usize);
            pen.text(digits.as_bytes());
        }
        pen.text(via.params);
    }

    /// Any Record-Route of ours. There are two if the request leaves by another listener than it
    /// came by, so that later requests of either side find the address of theirs.
    fn record_routes(&self, asked: RecordRoute<'_>, pen: &mut Pen<'_>) {
        let Self { transit, egress, ingress, .. } = *self;
        let crosses = asked.double && asked.preset.is_none() && egress.listener != transit.listener;
        let tag = self.essentials.from.tag().filter(|tag| asked.from_tag && are_token(tag));
        self.record_route(asked, (egress, crosses), tag, pen);
        if crosses {
            self.record_route(asked, (ingress, crosses), tag, pen);
        }
        if let Some(preset) = asked.preset_ingress {
            let asked = RecordRoute { preset: Some(preset), ..asked };
            self.record_route(asked, (ingress, crosses), tag, pen);
        }
    }

    /// Whether our Record-Route for the side of that listener is a `sips:` URI: that of a request
    /// that is to be secure on each hop (RFC 3261 §16.6 step 4).
    fn is_secure(&self, own: &OwnText) -> bool {
        let Transit { uri, destination, .. } = self.transit;
        own.transport == Transport::Tls && (is_sips(uri) || destination.is_some_and(is_sips))
    }

    /// Any Record-Route of ours.
    fn record_route(
        &self,
        asked: RecordRoute<'_>,
        (own, is_double): (&OwnText, bool),
        tag: Option<&[u8]>,
        pen: &mut Pen<'_>,
    ) {
        let (scheme, param): (&[u8], _) = match self.is_secure(own) {
            true => (b"sips:", &b""[..]),
            false => (b"sip:", transport_param(own.transport)),
        };
        pen.text(b"Record-Route: <").text(scheme).text(asked.user);
        match asked.preset {
            Some(preset) => pen.text(preset),
            None => pen.text(&own.sent_by).text(param),
        };
        if is_double {
            pen.text(b";r2=on");
        }
        match asked.full_lr {
            true => pen.text(b";lr=on"),
            false => pen.text(b";lr"),
        };
        if let Some(tag) = tag {
            pen.text(b";ftag=").text(tag);
        }
        pen.text(self.transit.record_route_params).text(b">\r\n");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bumpalo::Bump;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::identity::{Identity, Listener};
    use super::*;
    use crate::protocol::Transport;
    use crate::script::{Program, Settings};
    use crate::sip::{MessageIndex, parse};

    /// What the script has decided about a request, and what it has changed: (at, removed bytes,
    /// inserted text).
    #[derive(Clone, Debug)]
    struct Decisions {
        source: SocketAddr,
        uri: Option<&'static str>,
        path: &'static str,
        user: &'static str,
        params: &'static str,
        /// Its preset, and its three flags in their order.
        record_route: Option<(Option<&'static str>, [bool; 3])>,
        rport_forced: bool,
        max_forwards_done: bool,
        listener: ListenerId,
        edits: Vec<(usize, usize, &'static str)>,
    }

    /// A way to plan the edits of a request.
    type Way<'w> = &'w dyn Fn(&Top<'_>, &mut EditList) -> bool;

    /// The edits of the request `text`, in the usual way, in one piece as far as possible, and
    /// apart: what comes of each, if it is possible.
    fn each(text: &str, decisions: &Decisions) -> [Option<String>; 3] {
        let mut index = MessageIndex::default();
        assert_eq!(parse(text.as_bytes(), &mut index), Ok(()));
        let message = Message::new(text.as_bytes(), &index);
        let essentials = message.validate_request().unwrap();
        let listeners = ["192.0.2.1:5060", "[2001:db8::1]:5070"];
        let listeners: Arc<[Listener]> = listeners
            .map(|address| Listener {
                transport: Transport::Udp,
                address: address.parse().unwrap(),
                advertise: None,
            })
            .into();
        let local = listeners[0].address;
        let mut identity = Identity::new(listeners, &Program::empty(Settings::default()));
        let key = BranchKey::new(b"0123456789abcdef");
        let arena = Bump::new();
        let ways = (&decisions.source, &local);
        let mut script_edits = EditList::default();
        let mut transit = Transit::new(message, ways, ListenerId(0), (&arena, &mut script_edits));
        transit.essentials = Some(&essentials);
        transit.uri = decisions.uri.map_or(transit.uri, str::as_bytes);
        transit.path = decisions.path.as_bytes();
        transit.record_route_params = decisions.params.as_bytes();
        transit.rport_forced = decisions.rport_forced;
        transit.max_forwards_done = decisions.max_forwards_done;
        let asked = decisions.record_route;
        let asked = asked.map(|(preset, [full_lr, from_tag, double])| RecordRoute {
            user: decisions.user.as_bytes(),
            preset: preset.map(str::as_bytes),
            preset_ingress: None,
            full_lr,
            from_tag,
            double,
        });
        transit.record_route = asked.as_ref();
        for (at, removed, inserted) in &decisions.edits {
            let at = *at % text.len();
            let removed = (*removed).min(text.len() - at);
            transit.edits.replace(at, removed, inserted.as_bytes());
        }
        let branch = key.branch(&essentials, &decisions.source, ListenerId(0));
        let [ingress, egress] = identity.two_texts([ListenerId(0), decisions.listener], &local);
        let essentials = &essentials;
        let plain_tag = plain_tag(&transit, essentials, egress);
        let top = Top { transit: &transit, essentials, branch, ingress, egress, plain_tag };
        let quads = KnownQuads::default();
        let usual = |top: &Top<'_>, edits: &mut EditList| {
            decisions.listener == ListenerId(0)
                && plan_usual(top.transit, &key, egress, &quads, edits)
        };
        let as_one = |top: &Top<'_>, edits: &mut EditList| {
            edit_as_one(top, edits) && edit_content_length(message, edits)
        };
        let apart = |top: &Top<'_>, edits: &mut EditList| {
            edit_apart(top, edits) && edit_content_length(message, edits)
        };
        let ways: [Way<'_>; 3] = [&usual, &as_one, &apart];
        ways.map(|edit| {
            let mut edits = EditList::default();
            edit(&top, &mut edits).then(|| {
                let mut out = Vec::new();
                edits.write_to(text.as_bytes(), &mut out);
                String::from_utf8_lossy(&out).into_owned()
            })
        })
    }

    /// Requests with all kinds of Via and Max-Forwards.
    fn requests() -> impl Strategy<Value = String> {
        let above = select(
            &["", "Subject: above\r\n", "Max-Forwards: 70\r\n", "Content-Length: 4\r\n"][..],
        );
        let via = select(
            &[
                "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa;rport",
                "SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKlong-enough-for-words",
                "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa",
                "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKlong-enough, SIP/2.0/UDP b;branch=b",
                "SIP/2.0/UDP phone.example:5070;branch=z9hG4bKab",
                "SIP/2.0/UDP phone.example ; branch=old ; rport = 7 ; x",
                "SIP/2.0/UDP 198.51.100.7;received=192.0.2.66;branch=z9hG4bKa",
                "SIP/2.0/UDP 198.51.100.7;rport;received=192.0.2.66;branch=z9hG4bKa",
                "SIP/2.0/UDP [2001:db8::7]:5066;branch=z9hG4bKa;rport, SIP/2.0/UDP b;branch=b",
            ][..],
        );
        let below = select(
            &["", "Max-Forwards: 10\r\n", "Max-Forwards:  1\r\n", "Via: SIP/2.0/UDP c\r\n"][..],
        );
        let tag = select(&["", ";tag=1928301774", ";tag=a", ";tag=a?b@c", ";tag=\"a>b\""][..]);
        (above, via, below, tag).prop_map(|(above, via, below, tag)| {
            let below =
                if above.starts_with("Max") { below.replace("Max", "X-Max") } else { below.into() };
            let length = if above.starts_with("Content") { "" } else { "Content-Length: 4\r\n" };
            format!(
                "INVITE sip:bob@example.com SIP/2.0\r\n{above}Via: {via}\r\n{below}\
                 From: <sip:alice@example.com>{tag}\r\nTo: <sip:bob@example.com>\r\n\
                 Call-ID: a84b4c76e66710\r\nCSeq: 314159 INVITE\r\n{length}\r\nbody"
            )
        })
    }

    /// Decisions of any script.
    fn decisions() -> impl Strategy<Value = Decisions> {
        let texts = (
            select(
                &[None, None, Some("sip:bob@203.0.113.9:5060"), Some("sip:b"), Some("tel:+1")][..],
            ),
            select(&["", "", "<sip:p.example;lr>,<sip:q.example;lr>"][..]),
            select(&["", "", "alice@"][..]),
            select(&["", "", ";nat=yes"][..]),
            proptest::option::of((
                select(&[None, None, Some("own.example:5080")][..]),
                any::<[bool; 3]>(),
            )),
        );
        let source = select(&["198.51.100.7:5060", "198.51.100.255:65535", "[2001:db8::7]:1"][..]);
        let edit = (0_usize..400, 0_usize..30, select(&["", "69", "<inserted>"][..]));
        let others = (any::<[bool; 2]>(), 0_u16..2, source, vec(edit, 0..3));
        (texts, others).prop_map(|(texts, others)| {
            let (uri, path, user, params, record_route) = texts;
            let ([rport_forced, max_forwards_done], listener, source, edits) = others;
            Decisions {
                source: source.parse().unwrap(),
                uri,
                path,
                user,
                params,
                record_route,
                rport_forced,
                max_forwards_done,
                listener: ListenerId(listener),
                edits,
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn changes_in_one_piece_are_those_made_apart(text in requests(), decisions in decisions()) {
            let [usual, one, apart] = each(&text, &decisions);
            if usual.is_some() {
                prop_assert_eq!(usual, apart.clone());
            }
            if one.is_some() {
                prop_assert_eq!(one, apart);
            }
        }
    }

    #[test]
    fn an_ordinary_request_is_changed_in_one_piece() {
        let text = "INVITE sip:bob@192.0.2.1 SIP/2.0\r\n\
            Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds8f7s6;rport\r\n\
            Max-Forwards: 70\r\nFrom: <sip:alice@192.0.2.1>;tag=1928301774\r\n\
            To: <sip:bob@192.0.2.1>\r\nCall-ID: a84b4c76e66710\r\nCSeq: 1 INVITE\r\n\r\n";
        let decisions = Decisions {
            source: "198.51.100.7:5060".parse().unwrap(),
            uri: Some("sip:bob@203.0.113.9:5060"),
            path: "",
            user: "",
            params: "",
            record_route: Some((None, [false, true, true])),
            rport_forced: false,
            max_forwards_done: true,
            listener: ListenerId(0),
            edits: vec![
                (text.find("70\r\n").unwrap(), 2, "69"),
                (text.len() - 2, 0, "X-New: 1\r\n"),
            ],
        };
        let uncounted = Decisions {
            max_forwards_done: false,
            edits: decisions.edits[1..].to_vec(),
            ..decisions.clone()
        };
        let [usual, one, apart] = each(text, &decisions);
        assert_eq!(each(text, &uncounted), [None, one.clone(), one.clone()]);
        let one = one.unwrap();
        assert_eq!((usual.as_ref(), apart.as_ref()), (Some(&one), Some(&one)));
        let (head, rest) = one.split_once(";branch=").unwrap();
        assert_eq!(head, "INVITE sip:bob@203.0.113.9:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1");
        let (_, rest) = rest.split_once("\r\n").unwrap();
        assert_eq!(
            rest,
            "Record-Route: <sip:192.0.2.1;lr;ftag=1928301774>\r\n\
             Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds8f7s6;\
             rport=5060;received=198.51.100.7\r\nMax-Forwards: 69\r\n\
             From: <sip:alice@192.0.2.1>;tag=1928301774\r\nTo: <sip:bob@192.0.2.1>\r\n\
             Call-ID: a84b4c76e66710\r\nCSeq: 1 INVITE\r\nX-New: 1\r\n\r\n"
        );
    }
    #[test]
    fn a_body_that_goes_close_behind_the_via_has_its_length_changed() {
        let text = "MESSAGE sip:bob@192.0.2.1 SIP/2.0\r\nMax-Forwards: 70\r\n\
            From: <sip:alice@192.0.2.1>;tag=1928301774\r\nTo: <sip:bob@192.0.2.1>\r\n\
            Call-ID: a84b4c76e66710\r\nCSeq: 1 MESSAGE\r\n\
            Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds8f7s6;rport\r\n\
            Content-Length: 4\r\n\r\nbody";
        let decisions = Decisions {
            source: "198.51.100.7:5060".parse().unwrap(),
            uri: None,
            path: "",
            user: "",
            params: "",
            record_route: None,
            rport_forced: false,
            max_forwards_done: true,
            listener: ListenerId(0),
            edits: vec![(text.len() - 4, 4, "")],
        };
        for changed in each(text, &decisions) {
            assert!(changed.unwrap().ends_with("\r\nContent-Length: 0\r\n\r\n"));
        }
    }
}
