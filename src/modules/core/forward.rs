//! Forwarding and where the request goes.

use super::uri::is_safe;
use crate::mem::ListenerId;
use crate::protocol::{Endpoint, Transport};
use crate::script::{
    Argument, Digits, Execution, FALSE, NextHop, Refusal, ReturnCode, TRUE, parse_int,
    split_host_port,
};
use crate::sip::{host_ip, parse_port};

/// `forward()`.
pub(super) fn routed(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    send(execution, NextHop::Routed(None))
}

/// `forward_udp()`.
pub(super) fn routed_udp(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    send(execution, NextHop::Routed(Some(Transport::Udp)))
}

/// `forward_tcp()`.
pub(super) fn routed_tcp(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    send(execution, NextHop::Routed(Some(Transport::Tcp)))
}

/// `forward_tls()`.
pub(super) fn routed_tls(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    send(execution, NextHop::Routed(Some(Transport::Tls)))
}

/// `forward(host, port)`.
pub(super) fn fixed<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    to_host(execution, None, arguments)
}

/// `send(host, port)`.
pub(super) fn as_it_came<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    match next_hop(arguments) {
        Some(hop) => send_message(execution, hop),
        None => execution.refuse(Refusal::Unresolvable),
    }
}

/// Sends the message as it came.
pub(in crate::modules) fn send_message<'m>(
    execution: &mut Execution<'m>,
    hop: NextHop<'m>,
) -> ReturnCode {
    let text = execution.transit.message.text();
    send_text(execution, hop, None, text)
}

/// Sends a text, from that listener if it can send there.
pub(in crate::modules) fn send_text<'m>(
    execution: &mut Execution<'m>,
    hop: NextHop<'m>,
    listener: Option<ListenerId>,
    text: &[u8],
) -> ReturnCode {
    match execution.host.send(&mut execution.transit, hop, listener, text) {
        Ok(()) => TRUE,
        Err(refusal) => execution.refuse(refusal),
    }
}

/// The host and port that the arguments are, by UDP; `None` if the port is none.
fn next_hop<'m>(arguments: &[Argument<'m>]) -> Option<NextHop<'m>> {
    let (host, port) = match arguments {
        [Argument::Text(host)] => split_host_port(host),
        [Argument::Text(host), port] => (*host, said_port(port)?),
        _ => return None,
    };
    Some(NextHop::Fixed(Some(Transport::Udp), host, port))
}

/// `forward_udp(host, port)`.
pub(super) fn udp<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    to_host(execution, Some(Transport::Udp), arguments)
}

/// `forward_tcp(host, port)`.
pub(super) fn tcp<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    to_host(execution, Some(Transport::Tcp), arguments)
}

/// `forward_tls(host, port)`.
pub(super) fn tls<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    to_host(execution, Some(Transport::Tls), arguments)
}

/// Forwards to a host, by that transport or else by the one before the host or, of the host of
/// the Request-URI, by the one that the URI says; the place of which `$du` takes (a Route has to be
/// followed, RFC 3261 §16.6 step 6).
#[inline(always)]
fn to_host<'m>(
    execution: &mut Execution<'m>,
    transport: Option<Transport>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let Some(Argument::Text(text)) = arguments.first() else { return FALSE };
    let (named, host) = split_transport(text);
    let (host, port) = match arguments.get(1).map(said_port) {
        None => split_host_port(host),
        Some(Some(port)) => (host, port),
        Some(None) => return execution.refuse(Refusal::Unresolvable),
    };
    let transport = match transport.or(named) {
        Some(transport) => Some(transport),
        None if is_of_uri(execution, host) => {
            if execution.transit.destination.is_some() {
                return send(execution, NextHop::Routed(None));
            }
            match said_transport(execution) {
                Ok(transport) => transport,
                Err(refusal) => return execution.refuse(refusal),
            }
        }
        None => None,
    };
    send(execution, NextHop::Fixed(transport, host, port))
}

/// The port that an argument says: 0 says none. `None` if it is no port.
#[inline]
#[expect(clippy::option_option, reason = "no port is something else than what is no port")]
fn said_port(argument: &Argument<'_>) -> Option<Option<u16>> {
    let port = match argument {
        Argument::Int(port) => u16::try_from(*port).ok()?,
        Argument::Text(port) => match parse_port(port) {
            Some(port) => port,
            None => parse_int(port).and_then(|port| u16::try_from(port).ok())?,
        },
        _ => return None,
    };
    Some(Some(port).filter(|port| *port != 0))
}

/// Whether `host` is the very host of the Request-URI (`uri:host`).
#[inline]
fn is_of_uri(execution: &Execution<'_>, host: &[u8]) -> bool {
    execution.transit.uri.as_ptr_range().contains(&host.as_ptr())
}

/// The transport that the Request-URI says.
#[inline(never)]
fn said_transport(execution: &Execution<'_>) -> Result<Option<Transport>, Refusal> {
    let uri = execution.transit.uri;
    let said = execution.parse_uri(uri).and_then(|uri| uri.transport());
    said.map(|name| Transport::of(name).ok_or(Refusal::Unreachable)).transpose()
}

/// Forwards; the reason is kept if that is not possible.
fn send(execution: &mut Execution<'_>, hop: NextHop<'_>) -> ReturnCode {
    match execution.forward(hop) {
        Ok(()) => TRUE,
        Err(refusal) => execution.refuse(refusal),
    }
}

/// `force_rport()`.
pub(super) fn force_rport(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    execution.transit.rport_forced = true;
    TRUE
}

/// `force_send_socket(address)`.
pub(in crate::modules) fn force_send_socket(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
) -> ReturnCode {
    let [Argument::Text(text)] = arguments else { return FALSE };
    match find_listener(execution, text) {
        Some(listener) => {
            execution.transit.send_listener = Some(listener);
            TRUE
        }
        None => {
            execution.complain("there is no such listen address");
            FALSE
        }
    }
}

/// The listener at the address that `udp:192.0.2.1:5060` is; transport and port may be missing.
pub(in crate::modules) fn find_listener(
    execution: &Execution<'_>,
    text: &[u8],
) -> Option<ListenerId> {
    let (transport, bare) = split_transport(text);
    let (host, port) = split_host_port(bare);
    host_ip(host)?;
    let port = port.or_else(|| Some(transport.unwrap_or_default().default_port()));
    execution.host.find_listener(transport, host, port)
}

/// A listener as `udp:192.0.2.1:5060`.
pub(in crate::modules) fn show_listener<'m>(
    execution: &Execution<'m>,
    listener: ListenerId,
) -> &'m [u8] {
    let Endpoint { transport, address } = execution.host.listener_endpoint(listener);
    let host = execution.show_host(address.ip());
    let port = Digits::new(address.port().into());
    execution.build(&[transport.name().as_bytes(), b":", host, b":", port.as_bytes()])
}

/// The transport before a host and its port, if there is one, and what is behind it.
#[inline]
fn split_transport(text: &[u8]) -> (Option<Transport>, &[u8]) {
    if text.get(3) != Some(&b':') {
        return (None, text);
    }
    named_transport(text)
}

/// As [`split_transport`], of a text whose fourth byte is a colon.
#[inline(never)]
fn named_transport(text: &[u8]) -> (Option<Transport>, &[u8]) {
    let transport = Transport::of(&text[..3]);
    (transport, if transport.is_some() { &text[4..] } else { text })
}

/// `setdsturi(uri)`.
pub(super) fn set_destination<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let [Argument::Text(uri)] = arguments else { return FALSE };
    if uri.is_empty() || !is_safe(uri) {
        return FALSE;
    }
    execution.transit.destination = Some(uri);
    TRUE
}

/// `resetdsturi()`.
pub(super) fn reset_destination(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    execution.transit.destination = None;
    TRUE
}

/// `isdsturiset()`.
pub(super) fn is_destination_set(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    if execution.transit.destination.is_some() { TRUE } else { FALSE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_may_stand_before_a_host() {
        for (text, transport, rest) in [
            ("udp:192.0.2.1:5070", Some(Transport::Udp), "192.0.2.1:5070"),
            ("TCP:192.0.2.1", Some(Transport::Tcp), "192.0.2.1"),
            ("tls:[2001:db8::1]:5070", Some(Transport::Tls), "[2001:db8::1]:5070"),
            ("192.0.2.1:5070", None, "192.0.2.1:5070"),
            ("tls", None, "tls"),
            ("tcp:", Some(Transport::Tcp), ""),
            ("sctp:192.0.2.1", None, "sctp:192.0.2.1"),
            ("", None, ""),
        ] {
            assert_eq!(split_transport(text.as_bytes()), (transport, rest.as_bytes()), "{text}");
        }
    }
}
