//! Forwarding and where the request goes.

use std::net::{IpAddr, SocketAddr};

use super::uri::is_safe;
use crate::mem::ListenerId;
use crate::script::{
    Argument, Digits, Execution, FALSE, NextHop, Refusal, ReturnCode, TRUE, parse_int,
    split_host_port,
};
use crate::sip::host_ip;

/// The port of SIP over UDP (RFC 3261 §19.1.2).
const PORT: u16 = 5060;

/// `forward()`.
pub(super) fn routed(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    send(execution, NextHop::Routed)
}

/// `forward(host, port)`.
pub(super) fn fixed<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    match next_hop(arguments) {
        Some(hop) => send(execution, hop),
        None => execution.refuse(Refusal::Unresolvable),
    }
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

/// The host and port that the arguments are; `None` if the port is none.
fn next_hop<'m>(arguments: &[Argument<'m>]) -> Option<NextHop<'m>> {
    let (host, port) = match arguments {
        [Argument::Text(host), Argument::Text(port)] => {
            let port = parse_int(port).and_then(|port| u16::try_from(port).ok())?;
            (*host, Some(port).filter(|port| *port != 0))
        }
        [Argument::Text(host), ..] => split_host_port(host),
        _ => return None,
    };
    Some(NextHop::Fixed(host, port))
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
    socket_address(text).and_then(|address| execution.host.find_listener(address))
}

/// A listener as `udp:192.0.2.1:5060`.
pub(in crate::modules) fn show_listener<'m>(
    execution: &Execution<'m>,
    listener: ListenerId,
) -> &'m [u8] {
    let address = execution.host.listener_address(listener);
    let host = execution.show_host(address.ip());
    let port = Digits::new(address.port().into());
    execution.build(&[b"udp:", host, b":", port.as_bytes()])
}

/// The address that `udp:192.0.2.1:5060` is; transport and port may be missing.
fn socket_address(text: &[u8]) -> Option<SocketAddr> {
    let bare = text.strip_prefix(b"udp:").or_else(|| text.strip_prefix(b"UDP:")).unwrap_or(text);
    let (host, port) = split_host_port(bare);
    let address: IpAddr = host_ip(host)?;
    Some(SocketAddr::new(address, port.unwrap_or(PORT)))
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
    fn sockets_are_named_with_or_without_transport_and_port() {
        for (text, address) in [
            ("udp:192.0.2.1:5070", Some("192.0.2.1:5070")),
            ("192.0.2.1:5070", Some("192.0.2.1:5070")),
            ("192.0.2.1", Some("192.0.2.1:5060")),
            ("udp:[2001:db8::1]:5070", Some("[2001:db8::1]:5070")),
            ("example.com:5060", None),
            ("", None),
        ] {
            let wanted = address.map(|address| address.parse().unwrap());
            assert_eq!(socket_address(text.as_bytes()), wanted, "{text}");
        }
    }
}
