//! `listen = tcp:192.0.2.1:5060 advertise 198.51.100.1:5060 name "outside"`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::table::Parameter;
use super::{Builder, text};
use crate::protocol::Transport;
use crate::script::ast::{Global, GlobalValue, Spanned};
use crate::script::diagnostic::Diagnostic;
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
            let advertise = self.advertise.clone().map(|(host, own)| (host, own.unwrap_or(port)));
            ListenAddress {
                transport,
                address: SocketAddr::new(self.ip, port),
                advertise,
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
}

impl Builder<'_> {
    /// Reads a `listen` line.
    pub(super) fn listen(&mut self, parameter: &Parameter, global: &Global) {
        let mut values = global.values.iter();
        while let Some(value) = values.next() {
            match keyword(value) {
                Some("advertise" | "as") => self.advertise(values.next(), value.span),
                Some("name") => {
                    let name = values.next().map(|value| text(&value.node));
                    if let Some(listener) = self.listeners.last_mut() {
                        listener.name = name;
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
        let address = host_and_port.as_ref().and_then(|(host, _)| address_of(host));
        match (host_and_port, address) {
            (Some((_, port)), Some(ip)) => {
                let span = value.span;
                self.listeners.push(Listener {
                    transport,
                    ip,
                    port,
                    advertise: None,
                    name: None,
                    span,
                });
            }
            _ => self.diagnostics.push(
                Diagnostic::error("E0303", value.span, format!("`{whole}` is no address"))
                    .label("neither an IP address nor `localhost`")
                    .help(format!(
                        "interfaces and host names are not looked up: `{}=udp:192.0.2.1:5060`",
                        parameter.name
                    )),
            ),
        }
    }

    /// Reads what is to stand in Via instead of the address before.
    fn advertise(&mut self, value: Option<&Spanned<GlobalValue>>, keyword: Span) {
        let parsed = value.and_then(|value| split_host(without_protocol(&text(&value.node))));
        match (parsed, self.listeners.last_mut()) {
            (Some(advertise), Some(listener)) => listener.advertise = Some(advertise),
            (None, _) => {
                let span = value.map_or(keyword, |value| value.span);
                let message = "`advertise` needs a host, with or without a port";
                self.diagnostics.push(Diagnostic::error("E0303", span, message));
            }
            (Some(_), None) => {}
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

/// The address that a host of a `listen` or `dns_servers` line is.
pub(super) fn address_of(host: &str) -> Option<IpAddr> {
    match host {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
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
