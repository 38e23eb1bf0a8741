//! Where the message came from and where it was sent to.

use std::net::SocketAddr;

use crate::modules::core::forward::{find_listener, show_listener};
use crate::protocol::{Endpoint, Transport};
use crate::script::{Digits, Execution, Index, Key, Value, parse_int};
use crate::sip::Scheme;

/// `$si`.
pub(super) fn source_ip<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(execution.show_ip(execution.transit.source.ip()))
}

/// `$sp`.
pub(super) fn source_port<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(execution.transit.source.port().into())
}

/// `$Ri`.
pub(super) fn local_ip<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(execution.show_ip(execution.transit.local.ip()))
}

/// `$Rp`.
pub(super) fn local_port<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(execution.transit.local.port().into())
}

/// What is advertised instead of the listen address.
fn advertisement<'m>(execution: &Execution<'m>) -> Option<(&'m [u8], u16)> {
    let (host, port) = execution.host.advertisement(execution.transit.listener)?;
    Some((execution.build(&[host.as_bytes()]), port))
}

/// `$RAi`.
pub(super) fn advertised<'m>(execution: &Execution<'m>, key: Key<'m>, at: Index) -> Value<'m> {
    match advertisement(execution) {
        Some((host, _)) => Value::Text(host),
        None => local_ip(execution, key, at),
    }
}

/// `$RAp`.
pub(super) fn advertised_port<'m>(execution: &Execution<'m>, key: Key<'m>, at: Index) -> Value<'m> {
    match advertisement(execution) {
        Some((_, port)) => Value::Int(port.into()),
        None => local_port(execution, key, at),
    }
}

/// `$Ru`.
pub(super) fn local_uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    show(execution, b"sip:", *execution.transit.local, stream_param(execution))
}

/// `$Rut`.
pub(super) fn local_uri_transport<'m>(
    execution: &Execution<'m>,
    _: Key<'m>,
    _: Index,
) -> Value<'m> {
    show(execution, b"sip:", *execution.transit.local, transport_param(execution))
}

/// `$RAu`.
pub(super) fn advertised_uri<'m>(execution: &Execution<'m>, key: Key<'m>, at: Index) -> Value<'m> {
    match advertisement(execution) {
        Some((host, port)) => {
            let port = Digits::new(port.into());
            let param = stream_param(execution);
            Value::Text(execution.build(&[b"sip:", host, b":", port.as_bytes(), param]))
        }
        None => local_uri(execution, key, at),
    }
}

/// `$RAut`.
pub(super) fn advertised_uri_transport<'m>(
    execution: &Execution<'m>,
    key: Key<'m>,
    at: Index,
) -> Value<'m> {
    let uri = execution.text(advertised_uri(execution, key, at));
    let behind: &[u8] = if stream_param(execution).is_empty() { b";transport=udp" } else { b"" };
    Value::Text(execution.build(&[uri, behind]))
}

/// `$Ras`.
pub(super) fn local_socket<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    show(execution, b"udp:", *execution.transit.local, b"")
}

/// `$siz`.
pub(super) fn source_host<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(execution.show_host(execution.transit.source.ip()))
}

/// `$prid`.
pub(super) fn transport_number<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(execution.transport().number())
}

/// `$fs`.
pub(super) fn send_socket<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    let listener = execution.transit.send_listener;
    Value::text_or_null(listener.map(|listener| show_listener(execution, listener)))
}

/// `$fs = value`; `$null` leaves the choice to the server.
pub(super) fn write_send_socket<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let text = execution.text(value);
    let listener = find_listener(execution, text);
    let is_good = listener.is_some() || text.is_empty();
    if is_good {
        execution.transit.send_listener = listener;
    }
    is_good
}

/// `$proto`.
pub(super) fn transport<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(execution.transport().name().as_bytes())
}

/// The transport that the message came by, as a parameter of a URI.
fn transport_param(execution: &Execution<'_>) -> &'static [u8] {
    match execution.transport() {
        Transport::Udp => b";transport=udp",
        Transport::Tcp => b";transport=tcp",
        Transport::Tls => b";transport=tls",
    }
}

/// As [`transport_param`]; nothing for UDP, which is what a URI means without it.
fn stream_param(execution: &Execution<'_>) -> &'static [u8] {
    if execution.transport().is_stream() { transport_param(execution) } else { b"" }
}

/// `$af`.
pub(super) fn family<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(if execution.transit.local.is_ipv4() { b"INET" } else { b"INET6" })
}

/// Host and port of an address, with a text before and one behind.
fn show<'m>(
    execution: &Execution<'m>,
    before: &[u8],
    address: SocketAddr,
    behind: &[u8],
) -> Value<'m> {
    let host = execution.show_host(address.ip());
    let port = Digits::new(address.port().into());
    Value::Text(execution.build(&[before, host, b":", port.as_bytes(), behind]))
}

/// `$su`.
pub(super) fn source_uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    show(execution, b"sip:", *execution.transit.source, stream_param(execution))
}

/// `$sut`.
pub(super) fn source_uri_transport<'m>(
    execution: &Execution<'m>,
    _: Key<'m>,
    _: Index,
) -> Value<'m> {
    show(execution, b"sip:", *execution.transit.source, transport_param(execution))
}

/// `$sas`.
pub(super) fn source_socket<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    let before: &[u8] = match execution.transport() {
        Transport::Udp => b"udp:",
        Transport::Tcp => b"tcp:",
        Transport::Tls => b"tls:",
    };
    show(execution, before, *execution.transit.source, b"")
}

/// What `$rcv(...)` knows.
pub(super) const RECEIVED_PARTS: &[&str] =
    &["ip", "port", "srcip", "srcport", "proto", "af", "len", "buf"];

/// `$rcv(part)`.
pub(super) fn received<'m>(execution: &Execution<'m>, key: Key<'m>, at: Index) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    match part {
        b"af" => family(execution, key, at),
        b"buf" => Value::Text(execution.transit.message.bytes()),
        b"ip" => local_ip(execution, key, at),
        b"len" => {
            let length = execution.transit.message.bytes().len();
            Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
        }
        b"port" => local_port(execution, key, at),
        b"proto" => transport(execution, key, at),
        b"srcip" => source_ip(execution, key, at),
        b"srcport" => source_port(execution, key, at),
        _ => Value::Null,
    }
}

/// What `$snd(...)`, `$sndto(...)` and `$sndfrom(...)` know.
pub(super) const SENT_PARTS: &[&str] = &["ip", "port", "proto"];

/// `$sndfrom(part)`.
pub(super) fn sent_from<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    let transit = &execution.transit;
    let listener = transit.send_listener.unwrap_or(transit.listener);
    let Endpoint { transport, address } = execution.host.listener_endpoint(listener);
    let address = if transit.send_listener.is_some() { address } else { *transit.local };
    match part {
        b"ip" => Value::Text(execution.show_ip(address.ip())),
        b"port" => Value::Int(address.port().into()),
        b"proto" => Value::Text(transport.name().as_bytes()),
        _ => Value::Null,
    }
}

/// `$snd(part)`.
pub(super) fn sent<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    let transit = &execution.transit;
    let Some(uri) = execution.parse_uri(transit.destination.unwrap_or(transit.uri)) else {
        return Value::Null;
    };
    match part {
        b"ip" => Value::Text(uri.host),
        b"port" => {
            Value::Int(parse_int(uri.port_text).unwrap_or_else(|| i64::from(uri.default_port())))
        }
        b"proto" => Value::Text(match (uri.scheme, uri.transport().and_then(Transport::of)) {
            (Scheme::Sips, _) => b"tls",
            (_, said) => said.unwrap_or_default().name().as_bytes(),
        }),
        _ => Value::Null,
    }
}
