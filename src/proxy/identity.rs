//! Who this server is: its listen addresses, how they are written, and its other names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::limits::LISTENER_COUNT_MAX;
use crate::mem::ListenerId;
use crate::modules::SubdomainAliases;
use crate::protocol::Transport;
use crate::script::{Program, Settings};
use crate::sip::{Opening, Sheet, compose, equal, host_ip};

/// A listen address as the core knows it.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The transport.
    pub transport: Transport,
    /// The address that the socket is bound to; may be the wildcard address.
    pub address: SocketAddr,
    /// Host and port for Via and Record-Route, if they are not the address.
    pub advertise: Option<(String, u16)>,
}

impl Listener {
    /// Whether it sends to addresses of that family by that transport.
    #[inline]
    fn reaches(&self, transport: Transport, ip: IpAddr) -> bool {
        self.transport == transport && self.address.is_ipv4() == ip.is_ipv4()
    }
}

/// How a listener is written when a message arrived at, or leaves from, one of its addresses.
#[derive(Debug)]
pub(super) struct OwnText {
    pub(super) listener: ListenerId,
    /// The local address; of a wildcard listener one of several.
    pub(super) ip: IpAddr,
    /// `host[:port]`.
    pub(super) sent_by: Vec<u8>,
    /// The transport.
    pub(super) transport: Transport,
    /// Whether it is a UDP listener bound to one IPv4 address.
    is_plain: bool,
    /// The listener; no number of one where Record-Route may have to be a `sips:` URI.
    pub(super) plain_listener: ListenerId,
    /// `Via: SIP/2.0/UDP host[:port];branch=z9hG4bK`.
    pub(super) via_start: Start,
    /// The end of a line, and `Record-Route: <sip:host[:port];lr;ftag=`, of a stream with
    /// `;transport=` behind the port.
    pub(super) record_route_start: Start,
}

impl OwnText {
    /// `Via: SIP/2.0/UDP `: what stands before host and port.
    pub(super) fn before_sent_by(&self) -> &[u8] {
        let behind = self.sent_by.len() + BRANCH_START.len();
        &self.via_start.text[..self.via_start.text.len().saturating_sub(behind)]
    }
}

/// What stands behind host and port in our Via.
pub(super) const BRANCH_START: &[u8] = b";branch=z9hG4bK";

/// A text that is written often.
#[derive(Debug)]
pub(super) struct Start {
    text: Vec<u8>,
    /// The same, if it is as short as it usually is, with octets behind it that do not count.
    padded: [u8; Self::BYTES],
}

impl Start {
    /// Bytes that such a text usually has at most.
    const BYTES: usize = 64;

    /// The parts, one behind the other.
    fn new(parts: &[&[u8]]) -> Self {
        let text = parts.concat();
        let mut padded = [0; Self::BYTES];
        padded.iter_mut().zip(&text).for_each(|(place, octet)| *place = *octet);
        Self { text, padded }
    }

    /// Writes it.
    #[inline(always)]
    pub(super) fn write<'b>(&self, sheet: Sheet<'b>) -> Sheet<'b> {
        match self.text.len() {
            length @ ..=Self::BYTES => sheet.part(&self.padded, length),
            _ => sheet.text(&self.text),
        }
    }
}

impl OwnText {
    /// What is behind [`Self::via_start`] in a message that has it at `start`.
    #[inline(always)]
    pub(super) fn behind_via_start(&self, opening: Opening<'_>, start: usize) -> Option<usize> {
        let text = &self.via_start.text[..];
        let end = start + text.len();
        if let (Some(first), Some(last)) = (text.first_chunk::<32>(), text.last_chunk::<32>())
            && text.len() <= 2 * first.len()
        {
            // As almost all are: compared without a call.
            let is_own = opening.at(start)? == first && opening.at(end - last.len())? == last;
            return is_own.then_some(end);
        }
        let ahead: &[u8; VIA_START_BYTES_MAX] = opening.at(start)?;
        ahead.starts_with(text).then_some(end)
    }
}

/// Bytes that [`OwnText::via_start`] has at most, almost always.
const VIA_START_BYTES_MAX: usize = 256;

/// What a line with a Via starts with.
const VIA_NAME: &[u8] = b"Via: ";

/// How many addresses of wildcard listeners are remembered in writing.
const OWN_TEXTS_MAX: usize = 256;

const _: () = assert!(LISTENER_COUNT_MAX < u16::MAX as usize, "no listener has the last number");
const _: () = assert!(LISTENER_COUNT_MAX + 2 <= OWN_TEXTS_MAX, "those of the listeners stay");

/// Who this server is.
#[derive(Debug)]
pub(super) struct Identity {
    listeners: Arc<[Listener]>,
    /// The first of them that is one of streams: those of UDP are numbered before.
    first_stream: ListenerId,
    /// Whether an IPv4 address may be this server that is not one that a listener is bound to.
    has_other_addresses: bool,
    /// The hosts that the listeners are bound to.
    bound: Vec<Bound>,
    aliases: Vec<(Vec<u8>, Option<u16>)>,
    own: OwnNames,
    /// The domains that are ours with all below them.
    subdomains: SubdomainAliases,
    /// First those of the listeners, each for the address it is bound to, then those for the
    /// addresses that messages came to at wildcard listeners.
    texts: Vec<OwnText>,
}

/// A host that a listener is bound to, as it is usually written, and its port.
#[derive(Debug, PartialEq, Eq)]
struct Bound {
    /// The same as `host`, or nothing if that is not as long as most are.
    short: ShortName,
    port: u16,
    host: Vec<u8>,
}

/// A host of 8 to 16 octets, as most addresses are: its first and its last eight, and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ShortName {
    first: u64,
    last: u64,
    length: usize,
}

impl ShortName {
    /// That of a host, if it has as many octets.
    #[inline]
    fn of(host: &[u8]) -> Option<Self> {
        let [first, last] = [host.first_chunk()?, host.last_chunk()?];
        let [first, last] = [first, last].map(|octets| u64::from_ne_bytes(*octets));
        (host.len() <= 16).then_some(Self { first, last, length: host.len() })
    }
}

impl Identity {
    /// The identity that the listeners and the script's aliases make.
    pub(super) fn new(listeners: Arc<[Listener]>, program: &Program) -> Self {
        let addresses = listeners.iter().map(|listener| listener.address);
        let mut bound = Vec::new();
        for address in addresses.filter(|address| !address.ip().is_unspecified()) {
            let mut host = Vec::new();
            compose::sent_by(&mut host, SocketAddr::new(address.ip(), 5060));
            let short = ShortName::of(&host).unwrap_or_default();
            let own = Bound { short, port: address.port(), host };
            // UDP and TCP are mostly listened to at the same address.
            if !bound.contains(&own) {
                bound.push(own);
            }
        }
        let mut identity = Self {
            has_other_addresses: false,
            bound,
            aliases: aliases(program.settings()),
            own: OwnNames::new(program.settings()),
            subdomains: subdomains(program),
            texts: Vec::new(),
            first_stream: first_stream(&listeners),
            listeners,
        };
        identity.has_other_addresses = identity.may_have_other_addresses();
        for number in 0..identity.listeners.len() {
            let address = identity.listeners[number].address;
            let text = identity.compose(ListenerId(number as u16), address.ip());
            identity.texts.push(text);
        }
        identity
    }

    /// Replaces the aliases by those of another script.
    pub(super) fn rename(&mut self, program: &Program) {
        self.aliases = aliases(program.settings());
        self.own = OwnNames::new(program.settings());
        self.subdomains = subdomains(program);
        self.has_other_addresses = self.may_have_other_addresses();
    }

    /// [`Self::has_other_addresses`], anew.
    fn may_have_other_addresses(&self) -> bool {
        let other = |it: &Listener| it.address.ip().is_unspecified() || it.advertise.is_some();
        self.listeners.iter().any(other)
            || !self.aliases.is_empty()
            || !self.own.machine.is_empty()
            || !self.subdomains.is_empty()
    }

    /// The listener with that number.
    pub(super) fn listener(&self, id: ListenerId) -> Option<&Listener> {
        self.listeners.get(usize::from(id.0))
    }

    /// Whether messages come to that listener by connections.
    #[inline]
    pub(super) const fn is_stream(&self, id: ListenerId) -> bool {
        id.0 >= self.first_stream.0
    }

    /// The first listener with that transport, host (an address, or what it advertises) and port,
    /// as far as they are given.
    pub(super) fn find(
        &self,
        transport: Option<Transport>,
        host: &[u8],
        port: Option<u16>,
    ) -> Option<ListenerId> {
        let ip = host_ip(host);
        let fits = |own: u16| port.is_none_or(|port| port == own);
        self.position(|listener| {
            let advertise = listener.advertise.as_ref();
            let is_named = |(name, own): &(String, u16)| {
                fits(*own) && host.eq_ignore_ascii_case(name.as_bytes())
            };
            transport.is_none_or(|transport| transport == listener.transport)
                && (ip == Some(listener.address.ip()) && fits(listener.address.port())
                    || advertise.is_some_and(is_named))
        })
    }

    /// Whether a listener sends to addresses of that family by that transport.
    #[inline]
    pub(super) fn reaches(&self, id: ListenerId, transport: Transport, ip: IpAddr) -> bool {
        self.listener(id).is_some_and(|own| own.reaches(transport, ip))
    }

    /// The first listener that sends to addresses of that family by that transport.
    pub(super) fn first(&self, transport: Transport, ip: IpAddr) -> Option<ListenerId> {
        self.position(|own| own.reaches(transport, ip))
    }

    /// As [`Self::first`], of those at the same IP address as another listener.
    pub(super) fn beside(
        &self,
        other: ListenerId,
        transport: Transport,
        ip: IpAddr,
    ) -> Option<ListenerId> {
        let own_ip = self.listener(other)?.address.ip();
        self.position(|own| own.reaches(transport, ip) && own.address.ip() == own_ip)
    }

    /// How the listener is written, with the address it is bound to, or if that is the wildcard
    /// address with `local`; remembered, so that it is formatted once.
    pub(super) fn text(&mut self, id: ListenerId, local: &SocketAddr) -> &OwnText {
        let position = usize::from(id.0);
        if self.texts.get(position).is_some_and(|text| !text.ip.is_unspecified()) {
            return &self.texts[position];
        }
        let position = self.wildcard_position(id, local.ip());
        &self.texts[position]
    }

    /// As [`Self::text`], if that is known.
    #[inline]
    pub(super) fn known_text(&self, id: ListenerId, local: &SocketAddr) -> Option<&OwnText> {
        let text = self.texts.get(usize::from(id.0))?;
        if !text.ip.is_unspecified() {
            return Some(text);
        }
        let ip = local.ip();
        self.texts.iter().find(|text| text.listener == id && text.ip == ip)
    }

    /// As [`Self::known_text`], of a listener that sends to IPv4 addresses by UDP.
    #[inline]
    pub(super) fn plain_text(&self, id: ListenerId, local: &SocketAddr) -> Option<&OwnText> {
        match self.texts.get(usize::from(id.0))? {
            text if text.is_plain => Some(text),
            _ => self.plain_text_of_any(id, local),
        }
    }

    /// As [`Self::plain_text`], also of a wildcard listener.
    #[inline(never)]
    fn plain_text_of_any(&self, id: ListenerId, local: &SocketAddr) -> Option<&OwnText> {
        let text = self.known_text(id, local)?;
        (text.transport == Transport::Udp && text.ip.is_ipv4()).then_some(text)
    }

    /// The texts of two listeners, as [`Self::text`] gives each.
    #[inline]
    pub(super) fn two_texts(&mut self, ids: [ListenerId; 2], local: &SocketAddr) -> [&OwnText; 2] {
        let position = usize::from(ids[0].0);
        let is_one = ids[0] == ids[1]
            && self.texts.get(position).is_some_and(|text| !text.ip.is_unspecified());
        let positions = if is_one { [position, position] } else { self.two_positions(ids, local) };
        positions.map(|position| &self.texts[position])
    }

    /// Where the texts of two listeners are.
    #[inline(never)]
    fn two_positions(&mut self, ids: [ListenerId; 2], local: &SocketAddr) -> [usize; 2] {
        if self.texts.len() + 2 > OWN_TEXTS_MAX {
            self.texts.truncate(self.listeners.len());
        }
        ids.map(|id| self.text_position(id, local))
    }

    /// Where a text is; it is made if there is none.
    #[inline]
    fn text_position(&mut self, id: ListenerId, local: &SocketAddr) -> usize {
        let position = usize::from(id.0);
        match self.texts.get(position) {
            Some(text) if !text.ip.is_unspecified() => position,
            _ => self.wildcard_position(id, local.ip()),
        }
    }

    /// Where the text of a wildcard listener is.
    #[inline(never)]
    fn wildcard_position(&mut self, id: ListenerId, ip: IpAddr) -> usize {
        let known = self.texts.iter().position(|text| text.listener == id && text.ip == ip);
        known.unwrap_or_else(|| {
            if self.texts.len() >= OWN_TEXTS_MAX {
                self.texts.truncate(self.listeners.len());
            }
            let text = self.compose(id, ip);
            self.texts.push(text);
            self.texts.len() - 1
        })
    }

    /// Whether a listener is bound to host and port: of hosts as long as most addresses are, which
    /// are compared without a call.
    #[inline(always)]
    pub(super) fn is_short_name(&self, host: &[u8], port: Option<u16>) -> bool {
        let wanted_port = port.unwrap_or(5060);
        ShortName::of(host).is_some_and(|wanted| {
            self.bound.iter().any(|own| own.port == wanted_port && own.short == wanted)
        })
    }

    /// Whether host and port are this server, where [`Self::is_short_name`] says no; `local` is the
    /// address that the message in question came to, which is ours also where a listener has the
    /// wildcard address.
    #[inline]
    pub(super) fn is_other_name(&self, host: &[u8], port: Option<u16>, local: &SocketAddr) -> bool {
        // An IPv4 address has but one spelling, of at most 15 octets.
        let is_address = host.len() >= 8 && host[0].is_ascii_digit();
        (self.has_other_addresses || !is_address) && self.is_any_name(host, port, local)
    }

    /// Whether host and port are this server, however they are written.
    #[inline(never)]
    fn is_any_name(&self, host: &[u8], port: Option<u16>, local: &SocketAddr) -> bool {
        let wanted_port = port.unwrap_or(5060);
        let is_bound = |own: &Bound| own.port == wanted_port && equal(&own.host, host);
        if self.bound.iter().any(is_bound) {
            return true;
        }
        if let Some(ip) = host_ip(host) {
            let bound = |listener: &Listener| {
                let own = listener.address.ip();
                listener.address.port() == wanted_port
                    && (own == ip || (own.is_unspecified() && local.ip() == ip))
            };
            if self.listeners.iter().any(bound) {
                return true;
            }
        }
        self.listeners.iter().filter_map(|listener| listener.advertise.as_ref()).any(
            |(name, own_port)| {
                *own_port == wanted_port && host.eq_ignore_ascii_case(name.as_bytes())
            },
        ) || self.aliases.iter().any(|(name, own_port)| {
            host.eq_ignore_ascii_case(name) && own_port.is_none_or(|own| own == wanted_port)
        }) || self.own.have(host, &self.listeners, |port| port == wanted_port)
            || self.subdomains.have(host, port)
    }

    /// Whether one of the listeners has that address; `local` as in [`Self::is_other_name`].
    pub(super) fn is_bound(&self, address: SocketAddr, local: SocketAddr) -> bool {
        self.listeners.iter().any(|listener| {
            let own = listener.address.ip();
            let is_own = own == address.ip() || own.is_unspecified() && local.ip() == address.ip();
            is_own && listener.address.port() == address.port()
        })
    }

    /// Whether a host is this server, at whatever port; `local` as in [`Self::is_other_name`].
    pub(super) fn is_my_host(&self, host: &[u8], local: SocketAddr) -> bool {
        let is_bound = host_ip(host).is_some_and(|ip| {
            self.listeners.iter().any(|listener| {
                let own = listener.address.ip();
                own == ip || own.is_unspecified() && local.ip() == ip
            })
        });
        let mut advertised =
            self.listeners.iter().filter_map(|listener| listener.advertise.as_ref());
        is_bound
            || advertised.any(|(name, _)| host.eq_ignore_ascii_case(name.as_bytes()))
            || self.aliases.iter().any(|(name, _)| host.eq_ignore_ascii_case(name))
            || self.own.have(host, &self.listeners, |_| true)
            || self.subdomains.have(host, None)
    }

    /// The first listener that is so.
    fn position(&self, is: impl FnMut(&Listener) -> bool) -> Option<ListenerId> {
        let position = self.listeners.iter().position(is)?;
        u16::try_from(position).ok().map(ListenerId)
    }

    /// Writes a listener out.
    fn compose(&self, id: ListenerId, ip: IpAddr) -> OwnText {
        let mut sent_by = Vec::new();
        let listener = self.listener(id);
        let transport = listener.map_or(Transport::Udp, |listener| listener.transport);
        // Peers do not agree on the default port of TLS, so that it is always written.
        let is_usual = |port: u16| port == 5060 && transport != Transport::Tls;
        match listener.and_then(|listener| listener.advertise.as_ref()) {
            Some((host, port)) if is_usual(*port) => sent_by.extend_from_slice(host.as_bytes()),
            Some((host, port)) => sent_by.extend_from_slice(format!("{host}:{port}").as_bytes()),
            None => {
                let port = listener.map_or(5060, |listener| listener.address.port());
                let address = SocketAddr::new(ip, port);
                match is_usual(port) {
                    true => compose::sent_by(&mut sent_by, address),
                    false => sent_by.extend_from_slice(address.to_string().as_bytes()),
                }
            }
        }
        let protocol = format!("SIP/2.0/{} ", transport.in_via());
        let via_start = Start::new(&[VIA_NAME, protocol.as_bytes(), &sent_by, BRANCH_START]);
        let param = transport_param(transport);
        let record_route_start =
            Start::new(&[b"\r\nRecord-Route: <sip:", &sent_by, param, b";lr;ftag="]);
        let plain_listener = if transport == Transport::Tls { ListenerId(u16::MAX) } else { id };
        OwnText {
            listener: id,
            ip,
            sent_by,
            transport,
            is_plain: transport == Transport::Udp && ip.is_ipv4() && !ip.is_unspecified(),
            plain_listener,
            via_start,
            record_route_start,
        }
    }
}

/// The first listener of streams, or the number behind the last listener.
fn first_stream(listeners: &[Listener]) -> ListenerId {
    let stream = |listener: &Listener| listener.transport.is_stream();
    let first = listeners.iter().position(stream).unwrap_or(listeners.len());
    debug_assert!(listeners[first..].iter().all(stream), "those of UDP come first");
    ListenerId(u16::try_from(first).unwrap_or(u16::MAX))
}

/// What tells the transport in a `sip:` URI of ours.
pub(super) const fn transport_param(transport: Transport) -> &'static [u8] {
    match transport {
        Transport::Udp => b"",
        Transport::Tcp => b";transport=tcp",
        Transport::Tls => b";transport=tls",
    }
}

/// The names that this server has by itself, at the ports of its listeners (`auto_aliases`).
#[derive(Debug)]
struct OwnNames {
    /// Of the machine.
    machine: Vec<Vec<u8>>,
    /// Whether `localhost` is one where a listener has a loopback address.
    are_wanted: bool,
}

impl OwnNames {
    /// Those of a script.
    fn new(settings: &Settings) -> Self {
        let machine = settings.own_names.iter().map(|name| name.clone().into_bytes());
        Self { machine: machine.collect(), are_wanted: settings.auto_aliases }
    }

    /// Whether that host is one of them, at such a port.
    fn have(&self, host: &[u8], listeners: &[Listener], fits: impl Fn(u16) -> bool) -> bool {
        let is_local = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
        let at = |listener: &Listener| fits(listener.address.port());
        let is_localhost = self.are_wanted && host.eq_ignore_ascii_case(b"localhost");
        is_localhost && listeners.iter().any(|it| at(it) && is_local(it.address.ip()))
            || self.machine.iter().any(|name| host.eq_ignore_ascii_case(name))
                && listeners.iter().any(at)
    }
}

/// The domains that a script has with all below them.
fn subdomains(program: &Program) -> SubdomainAliases {
    program.config::<SubdomainAliases>().cloned().unwrap_or_default()
}

/// The aliases of a script as they are compared.
fn aliases(settings: &Settings) -> Vec<(Vec<u8>, Option<u16>)> {
    let alias = |(host, port): &(String, Option<u16>)| (host.clone().into_bytes(), *port);
    settings.aliases.iter().map(alias).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who a server is that listens at these addresses.
    fn identity(addresses: &[&str]) -> Identity {
        let listener = |address: &&str| Listener {
            transport: Transport::Udp,
            address: address.parse().unwrap(),
            advertise: None,
        };
        let program = Program::empty(Settings::default());
        Identity::new(addresses.iter().map(listener).collect(), &program)
    }

    #[test]
    fn short_names_are_names_and_the_others_are_not_overlooked() {
        let identity = identity(&[
            "192.0.2.1:5060",
            "1.2.3.4:5070",
            "203.0.113.109:5080",
            "[2001:db8::1]:5060",
        ]);
        let local = "192.0.2.1:5060".parse().unwrap();
        let hosts = ["192.0.2.1", "1.2.3.4", "203.0.113.109", "[2001:db8::1]", "[2001:DB8::1]"];
        let ports = [None, Some(5060), Some(5070), Some(5080)];
        for (host, port) in hosts.iter().flat_map(|host| ports.map(|port| (*host, port))) {
            let is_named = |host: &[u8]| {
                identity.is_short_name(host, port) || identity.is_other_name(host, port, &local)
            };
            let is_wanted = match host {
                "1.2.3.4" => port == Some(5070),
                "203.0.113.109" => port == Some(5080),
                _ => matches!(port, None | Some(5060)),
            };
            assert_eq!(is_named(host.as_bytes()), is_wanted, "{host} {port:?}");
            assert!(!identity.is_short_name(host.as_bytes(), port) || is_wanted);
            for at in 0..host.len() {
                let mut other = host.as_bytes().to_vec();
                other[at] ^= 1;
                let is_any = identity.is_any_name(&other, port, &local);
                assert_eq!(is_named(&other), is_any, "{host} {port:?} {at}");
                other.truncate(at);
                assert!(!is_named(&other), "{host} {port:?} {at}");
            }
        }
    }
}
