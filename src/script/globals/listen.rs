//! `listen = tcp:192.0.2.1:5060 advertise 198.51.100.1:5060 name "outside"`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::table::Parameter;
use super::{Builder, text};
use crate::protocol::Transport;
use crate::script::ast::{Global, GlobalValue, Spanned};
use crate::script::diagnostic::Diagnostic;
use crate::script::hosts::is_host_name;
use crate::script::{ListenAddress, Settings, Span};

/// What a `listen` line says; what it leaves open is decided when all lines are read.
pub(super) struct Listener {
    /// The transport; none: all that are switched on.
    transport: Option<Transport>,
    ip: IpAddr,
    port: Option<u16>,
    advertise: Option<(String, Option<u16>)>,
    name: Option<String>,
    span: Span,
    /// The name of the host, if it was given by that.
    host: Option<String>,
}

impl Listener {
    /// The addresses that are listened to because of it.
    pub(super) fn addresses(self, settings: &Settings) -> Vec<ListenAddress> {
        let transports: Vec<Transport> = match self.transport {
            Some(transport) => settings.transports().filter(|on| *on == transport).collect(),
            None => settings.transports().collect(),
        };
        let address = |transport| {
            let port = match (self.port, transport) {
                // As Kamailio does it: both cannot listen to one port.
                (Some(port), Transport::Tls) if self.transport.is_none() => port.saturating_add(1),
                (Some(port), _) => port,
                (None, transport) => settings.port_of(transport),
            };
            let address = SocketAddr::new(self.ip, port);
            let advertise = self.advertise.clone().map(|(host, own)| (host, own.unwrap_or(port)));
            ListenAddress {
                transport,
                address,
                advertise: advertise.or_else(|| settings.advertised.of(address)),
                name: self.name.clone(),
            }
        };
        transports.into_iter().map(address).collect()
    }

    /// Says that its transport is switched off, if it is.
    pub(super) fn idle(&self, settings: &Settings) -> Option<Diagnostic> {
        let transport = self.transport.filter(|own| settings.transports().all(|on| on != *own))?;
        let message = format!("this address is not listened to: {} is off", transport.in_via());
        let help = match transport {
            Transport::Tls if settings.tcp => "`enable_tls = yes` switches it on",
            _ => "`disable_tcp = yes` switches TCP and TLS off",
        };
        Some(Diagnostic::warning("W0301", self.span, message).help(help))
    }

    /// The name that the host has by it, with this port if it has none.
    pub(super) fn alias(&self, port: u16) -> Option<(String, Option<u16>)> {
        Some((self.host.as_ref()?.to_ascii_lowercase(), Some(self.port.unwrap_or(port))))
    }
}

impl Builder<'_> {
    /// Reads a `listen` line.
    pub(super) fn listen(&mut self, parameter: &Parameter, global: &Global) {
        let mut values = global.values.iter();
        self.line_start = self.listeners.len();
        while let Some(value) = values.next() {
            match keyword(value) {
                Some("advertise" | "as") => self.advertise(values.next(), value.span),
                Some("name") => {
                    let name = values.next().map(|value| text(&value.node));
                    for listener in self.listeners.iter_mut().skip(self.line_start) {
                        listener.name.clone_from(&name);
                    }
                }
                Some("use_children" | "use_workers" | "tag" | "use_auto_scaling_profile") => {
                    values.next();
                }
                Some("anycast" | "virtual") => {}
                _ => self.listener(parameter, value),
            }
        }
    }

    /// Reads one address.
    fn listener(&mut self, parameter: &Parameter, value: &Spanned<GlobalValue>) {
        let whole = text(&value.node);
        let rest = without_protocol(&whole);
        let protocol = whole[..whole.len() - rest.len()].trim_end_matches(':').to_ascii_lowercase();
        let transport = Transport::of(protocol.as_bytes());
        if transport.is_none() && !matches!(protocol.as_str(), "" | "any") {
            let message = format!("`{protocol}` is not supported yet");
            self.diagnostics.push(
                Diagnostic::error("E0304", value.span, message)
                    .help("addresses can be listened to by `udp`, `tcp` and `tls`"),
            );
            return;
        }
        let host_and_port = split_host(rest);
        let span = value.span;
        self.line_start = self.listeners.len();
        let (host, port) = match host_and_port {
            Some((host, port)) => match address_of(&host) {
                Some(ip) => {
                    let host = (host == LOCALHOST).then_some(host);
                    self.listeners.push(Listener {
                        transport,
                        ip,
                        port,
                        advertise: None,
                        name: None,
                        span,
                        host,
                    });
                    return;
                }
                None => (host, port),
            },
            None => (String::new(), None),
        };
        match self.named(&host) {
            Ok((ips, host)) => self.listeners.extend(ips.into_iter().map(|ip| {
                let host = host.clone();
                Listener { transport, ip, port, advertise: None, name: None, span, host }
            })),
            Err(why) => self.unlistenable(parameter, value.span, &whole, &why),
        }
    }

    /// The addresses of an interface, or the first one of a host, and the name of that.
    fn named(&self, name: &str) -> Result<(Vec<IpAddr>, Option<String>), String> {
        let mut ips = self.reader.interface(name);
        if ips.iter().any(IpAddr::is_ipv4) {
            ips.retain(IpAddr::is_ipv4);
        }
        if !ips.is_empty() {
            return Ok((ips, None));
        }
        if !is_host_name(name) {
            return Err("neither an IP address nor the name of an interface or a host".to_owned());
        }
        let ips = self.reader.addresses(name)?;
        let first = ips.iter().find(|ip| ip.is_ipv4()).or_else(|| ips.first());
        first.map(|ip| (vec![*ip], Some(name.to_owned()))).ok_or_else(|| NO_ADDRESS.to_owned())
    }

    /// Reports what cannot be listened on.
    fn unlistenable(&mut self, parameter: &Parameter, span: Span, whole: &str, why: &str) {
        let name = parameter.name;
        self.diagnostics.push(if self.reader.runs_here() {
            Diagnostic::error("E0303", span, format!("`{whole}` is no address"))
                .label(why)
                .help(format!("an address is sure to be known: `{name}=udp:192.0.2.1:5060`"))
        } else {
            let message = format!("`{whole}` has no address on this machine");
            Diagnostic::warning("W0302", span, message).label(why)
        });
    }

    /// Reads what is to stand in Via instead of the address before.
    fn advertise(&mut self, value: Option<&Spanned<GlobalValue>>, keyword: Span) {
        let parsed = value.and_then(|value| split_host(without_protocol(&text(&value.node))));
        let Some(advertise) = parsed else {
            let span = value.map_or(keyword, |value| value.span);
            let message = "`advertise` needs a host, with or without a port";
            self.diagnostics.push(Diagnostic::error("E0303", span, message));
            return;
        };
        for listener in self.listeners.iter_mut().skip(self.line_start) {
            listener.advertise = Some(advertise.clone());
        }
    }
}

/// The word, if it is one.
fn keyword(value: &Spanned<GlobalValue>) -> Option<&str> {
    match &value.node {
        GlobalValue::Word(word) => Some(word),
        _ => None,
    }
}

/// The name of this machine for itself.
const LOCALHOST: &str = "localhost";

/// Why a host cannot be listened on that is known, but has none.
const NO_ADDRESS: &str = "the host has no address";

/// The address that a host of a `listen` or `dns_servers` line is.
pub(super) fn address_of(host: &str) -> Option<IpAddr> {
    match host {
        LOCALHOST => Some(Ipv4Addr::LOCALHOST.into()),
        host => host.trim_start_matches('[').trim_end_matches(']').parse().ok(),
    }
}

/// What is behind the protocol, if there is one.
pub(super) fn without_protocol(text: &str) -> &str {
    match text.split_once(':') {
        Some((protocol, rest))
            if PROTOCOLS.iter().any(|known| known.eq_ignore_ascii_case(protocol)) =>
        {
            rest
        }
        _ => text,
    }
}

/// Host and port of `host`, `host:port`, `[2001:db8::1]:port` or a bare IPv6 address, which gets
/// its brackets.
pub(super) fn split_host(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some((inner, rest)) =
        text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
    {
        inner.parse::<std::net::Ipv6Addr>().ok()?;
        (format!("[{inner}]"), if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
    } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
        (format!("[{text}]"), None)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (text.to_owned(), None),
        }
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return None;
    }
    match port {
        None | Some("0") => Some((host, None)),
        Some(port) => Some((host, Some(port.parse().ok()?))),
    }
}

/// Protocols that may stand before an address.
const PROTOCOLS: &[&str] = &["udp", "tcp", "tls", "sctp", "ws", "wss", "any", "hep_udp", "bin"];
