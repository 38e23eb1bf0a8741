//! The way of a response (RFC 3261 §16.7 steps 3 and 9, §16.11, §18.2.2).

use std::net::{IpAddr, SocketAddr};

use super::branch::{BranchKey, DialogSide};
use super::identity::{Identity, OwnText};
use super::standing::Standing;
use super::turn::Plan;
use crate::mem::{ListenerId, Peer};
use crate::metrics::Counter;
use crate::sip::{
    Essentials, HeaderName, Items, MAGIC_COOKIE, Message, Rport, Via, host_ip, transaction_id,
};

/// Where a response goes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop<'d> {
    /// The address that the Via below ours names; where it names a host, that of `received`. Of a
    /// request that came by a connection, the other end of that.
    pub(super) destination: SocketAddr,
    /// The host that it names, as [`named_host`] says.
    pub(super) named: Option<(&'d [u8], Option<u16>)>,
    /// The listener that the request came to; the response leaves from there.
    pub(super) listener: ListenerId,
    /// What our Via takes in the message: its line, or its value where the line has several.
    pub(super) own_via: &'d [u8],
}

/// What tells a response to what we forwarded: the key of our branches, and who we are.
pub(super) type Ours<'a> = (&'a BranchKey, &'a Identity);

/// Where a response goes, if it answers a request that was forwarded here. Otherwise what is
/// counted as it is dropped. `own` is how the listener is written that it came to.
#[inline]
pub(super) fn next_hop<'d>(
    response: Message<'d>,
    essentials: &Essentials<'d>,
    own: Option<&OwnText>,
    ours: Ours<'_>,
) -> Result<Hop<'d>, Counter> {
    match own.and_then(|own| plain_hop(response, own, ours)) {
        Some(hop) => Ok(hop),
        None => any_hop(response, essentials, ours),
    }
}

/// Where a response goes whose topmost Via is as we write it, `own` being how, and stands alone in
/// its line, as does the one below it, which has no `maddr`: as almost all are.
#[inline(always)]
pub(super) fn plain_hop<'d>(
    response: Message<'d>,
    own: &OwnText,
    ours: Ours<'_>,
) -> Option<Hop<'d>> {
    let mut vias = response.headers(HeaderName::Via);
    let (own_via, below) = (vias.next()?, vias.next()?.value);
    let branch = own_via.value.strip_prefix(own.via_value_start())?;
    // One that is well-formed up to the end of its line is alone there.
    let below = &Via::parse(below).ok()?;
    if below.maddr().is_some() {
        return None;
    }
    // With an identifier in its branch, the dialog does not matter.
    below.branch().and_then(transaction_id)?;
    let way = WayBack::of(below);
    let (listener, _) = ours.0.verify(branch, below, way, DialogSide::default)?;
    if ours.1.is_stream(listener) {
        return None;
    }
    let destination = way.destination(below)?;
    Some(Hop { destination, named: None, listener, own_via: own_via.line })
}

/// As [`next_hop`], however the first Vias are written.
#[inline(never)]
fn any_hop<'d>(
    response: Message<'d>,
    essentials: &Essentials<'d>,
    ours: Ours<'_>,
) -> Result<Hop<'d>, Counter> {
    let below = response.items(HeaderName::Via).nth(1).ok_or(Counter::DroppedForeignResponse)?;
    let below = Via::parse(below).map_err(|_| Counter::DroppedMalformed)?;
    let own_via = own_via(response, essentials).ok_or(Counter::DroppedForeignResponse)?;
    hop(own_via, &below, essentials, ours)
}

/// What the topmost Via takes in the message: its line, or its value where the line has several.
pub(super) fn own_via<'d>(response: Message<'d>, essentials: &Essentials<'_>) -> Option<&'d [u8]> {
    let own = response.header(HeaderName::Via)?;
    let second = match is_alone(own.value, essentials) {
        true => None,
        false => Items::new(own.value).nth(1),
    };
    Some(match second {
        None => own.line,
        Some(second) => &own.value[..response.offset_of(second) - response.offset_of(own.value)],
    })
}

/// Where a response goes whose two topmost Vias these are.
fn hop<'d>(
    own_via: &'d [u8],
    below: &Via<'d>,
    essentials: &Essentials<'_>,
    ours: Ours<'_>,
) -> Result<Hop<'d>, Counter> {
    let way = WayBack::of(below);
    let branch = essentials.via.branch().and_then(|branch| branch.strip_prefix(MAGIC_COOKIE));
    let (listener, source_port) = branch
        .and_then(|branch| ours.0.verify(branch, below, way, || DialogSide::of(essentials)))
        .ok_or(Counter::DroppedForeignResponse)?;
    if ours.1.is_stream(listener) {
        return connected(own_via, way, (listener, source_port));
    }
    let destination = way.destination(below).ok_or(Counter::DroppedUnroutableResponse)?;
    Ok(Hop { destination, named: named_host(below), listener, own_via })
}

/// As [`hop`], of a request that came by a connection: its response goes by that; `maddr` is for
/// datagrams (RFC 3261 §18.2.2).
#[inline(never)]
fn connected<'d>(
    own_via: &'d [u8],
    way: WayBack<'d>,
    (listener, source_port): (ListenerId, u16),
) -> Result<Hop<'d>, Counter> {
    let ip = way.ip.filter(|_| source_port != 0).ok_or(Counter::DroppedUnroutableResponse)?;
    Ok(Hop { destination: SocketAddr::new(ip, source_port), named: None, listener, own_via })
}

impl Hop<'_> {
    /// Where the response goes if the connection is gone that its request came by: to the port in
    /// the Via below ours (RFC 3261 §18.2.2). None for what goes by datagrams.
    #[inline(never)]
    pub(super) fn peer(&self, response: Message<'_>, standing: &Standing) -> Option<Peer> {
        let listener = standing.identity.listener(self.listener)?;
        let below = response.items(HeaderName::Via).nth(1)?;
        let port =
            Via::parse(below).ok()?.port.unwrap_or_else(|| listener.transport.default_port());
        let otherwise = Some(SocketAddr::new(self.destination.ip(), port));
        Some(Peer { name: None, otherwise }).filter(|_| listener.transport.is_stream())
    }
}

/// Plans a response, which came to the address `local`, to be sent on.
#[inline]
pub(super) fn plan(
    standing: &Standing,
    local: SocketAddr,
    (response, hop): (Message<'_>, Hop<'_>),
) -> Result<Plan, Counter> {
    let listener =
        standing.identity.listener(hop.listener).ok_or(Counter::DroppedForeignResponse)?;
    if listener.address.is_ipv4() != hop.destination.is_ipv4() {
        return Err(Counter::DroppedUnroutableResponse);
    }
    let own = listener.address.ip();
    Ok(Plan {
        destination: hop.destination,
        listener: hop.listener,
        source: if own.is_unspecified() { local.ip() } else { own },
        counter: Counter::ForwardedResponses,
        message_length: response.end(),
    })
}

/// The name in `maddr` of a Via that a response goes to, with the port beside it (RFC 3261
/// §18.2.2, RFC 3263 §5). A sent-by that is a name has `received` beside it, which goes before it:
/// whoever took the request in wrote it there.
#[inline]
pub(super) fn named_host<'d>(via: &Via<'d>) -> Option<(&'d [u8], Option<u16>)> {
    let maddr = via.maddr().filter(|host| host_ip(host).is_none())?;
    Some((maddr, via.port))
}

/// Where the request came from, as far as the Via below ours says.
#[derive(Clone, Copy, Debug)]
pub(super) struct WayBack<'d> {
    /// `received`, or the address that sent-by is.
    pub(super) ip: Option<IpAddr>,
    pub(super) rport: Rport<'d>,
}

impl<'d> WayBack<'d> {
    /// The one that `via` names.
    #[inline]
    pub(super) fn of(via: &Via<'d>) -> Self {
        Self { ip: via.received().or_else(|| host_ip(via.host)), rport: via.rport() }
    }

    /// The address that a response is sent to (RFC 3261 §18.2.2, RFC 3581 §4). The request put
    /// `received` there wherever sent-by is not the address it came from.
    #[inline]
    pub(super) fn destination(self, via: &Via<'_>) -> Option<SocketAddr> {
        let sent_by_port = via.port.unwrap_or(5060);
        let address = match (via.maddr().and_then(host_ip), self.rport) {
            (Some(maddr), _) => SocketAddr::new(maddr, sent_by_port),
            (None, Rport::Filled(port)) => SocketAddr::new(self.ip?, port),
            (None, _) => SocketAddr::new(self.ip?, sent_by_port),
        };
        (self.ip.is_some() && address.port() != 0).then_some(address)
    }
}

/// Whether the topmost Via is all that the first line with one says.
fn is_alone(first_value: &[u8], essentials: &Essentials<'_>) -> bool {
    first_value.len() == essentials.via.text.len()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::identity::Listener;
    use super::*;
    use crate::protocol::Transport;
    use crate::script::{Program, Settings};
    use crate::sip::{MessageIndex, Pen, parse};

    /// The response to a request with the Via `below`, of which `change` changes the text.
    fn response(below: &str, key: &BranchKey, change: impl Fn(String) -> String) -> String {
        let rest = "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 7 INVITE\r\n\r\n";
        let request = format!("INVITE sip:c@d SIP/2.0\r\nVia: {below}\r\n{rest}");
        let mut index = MessageIndex::default();
        assert_eq!(parse(request.as_bytes(), &mut index), Ok(()));
        let essentials = Message::new(request.as_bytes(), &index).validate_request().unwrap();
        let source = SocketAddr::from(([198, 51, 100, 7], 5061));
        let mut room = [0; 64];
        let mut pen = Pen::new(&mut room);
        key.branch(&essentials, &source, ListenerId(0)).write_any(&mut pen);
        let length = pen.written().unwrap();
        let branch = String::from_utf8_lossy(&room[..length]).into_owned();
        let own = format!("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{branch}");
        change(format!("SIP/2.0 200 OK\r\n{own}\r\nVia: {below};received=198.51.100.7\r\n{rest}"))
    }

    proptest! {
        #[test]
        fn a_plain_response_goes_where_any_goes(
            below in select(&[
                "SIP/2.0/UDP 198.51.100.7:5061;branch=z9hG4bKa;rport=5061",
                "SIP/2.0/UDP 198.51.100.7:5061;branch=z9hG4bK776asdhds8f7s6",
                "SIP/2.0/UDP phone.example;rport=5061;branch=z9hG4bK776asdhds",
                "SIP/2.0/UDP phone.example;maddr=192.0.2.77;branch=z9hG4bK776asdhds8f7s6jhfgk",
                "SIP/2.0/UDP phone.example;maddr=gw.example;branch=z9hG4bK7",
                "SIP/2.0/UDP 198.51.100.7:5061;branch=of-an-old-client",
                "SIP/2.0/TCP [2001:db8::7] ; branch=z9hG4bKa",
            ][..]),
            change in select(&[
                ("", ""), ("", ""), ("192.0.2.1;", "192.0.2.1 ;"), ("UDP 192", "udp 192"),
                ("\r\nVia: SIP/2.0/UDP 198", ", SIP/2.0/UDP 198"), ("198.51.100.7", "198.51.100.8"),
                ("Via: SIP", "v: SIP"), ("=5061", "=5062"), ("phone", "PHONE"),
                (".0\r\n", ".1\r\n"), (".0\r\n", ".0\r\nSubject: between\r\n"),
                (".0\r\n", "\r\n"), ("z9h", "Z9h"),
                (".0\r\n", ".0;x\r\n"), (".0\r\n", ".00\r\n"), (";branch=z9", ";x;branch=z9"),
            ][..]),
            flipped in proptest::option::of(0_usize..400),
        ) {
            let key = BranchKey::new(b"0123456789abcdef");
            let mut text = response(below, &key, |text| text.replacen(change.0, change.1, 1));
            if let Some(at) = flipped.map(|at| at % text.len())
                && text.is_char_boundary(at)
            {
                let other = if &text[at..=at] == "0" { "1" } else { "0" };
                text.replace_range(at..=at, other);
            }
            let mut index = MessageIndex::default();
            prop_assume!(parse(text.as_bytes(), &mut index).is_ok());
            let message = Message::new(text.as_bytes(), &index);
            let listener = Listener {
            transport: Transport::Udp,
            address: ([192, 0, 2, 1], 5060).into(),
            advertise: None,
        };
            let program = Program::empty(Settings::default());
            let local = listener.address;
            let identity = Identity::new(Arc::new([listener]), &program);
            let own = identity.known_text(ListenerId(0), &local).unwrap();
            let Ok(essentials) = message.essentials() else { return Ok(()) };
            if let Some(hop) = plain_hop(message, own, (&key, &identity)) {
                let any = any_hop(message, &essentials, (&key, &identity));
                prop_assert_eq!(format!("{:?}", Ok::<_, Counter>(hop)), format!("{any:?}"));
            }
        }
    }

    #[test]
    fn an_ordinary_response_is_plain() {
        let key = BranchKey::new(b"0123456789abcdef");
        let below = "SIP/2.0/UDP 198.51.100.7:5061;branch=z9hG4bK776asdhds8f7s6;rport=5061";
        let text = response(below, &key, |text| text);
        let mut index = MessageIndex::default();
        assert_eq!(parse(text.as_bytes(), &mut index), Ok(()));
        let listener = Listener {
            transport: Transport::Udp,
            address: ([192, 0, 2, 1], 5060).into(),
            advertise: None,
        };
        let local = listener.address;
        let program = Program::empty(Settings::default());
        let identity = Identity::new(Arc::new([listener]), &program);
        let own = identity.known_text(ListenerId(0), &local).unwrap();
        let message = Message::new(text.as_bytes(), &index);
        let hop = plain_hop(message, own, (&key, &identity)).unwrap();
        assert_eq!(hop.destination, SocketAddr::from(([198, 51, 100, 7], 5061)));
    }
}
