//! Listen addresses by their names, messages that are sent as they are, and our own Via.

use super::super::core::forward::{find_listener, send_message, send_text, show_listener};
use super::super::core::via::{change, via_host};
use super::super::pv::{find_named, name_of};
use super::super::table::{function, int, optional_text, required_text, text, verdict};
use crate::protocol::Transport;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Key, NextHop, ParameterKind, ParameterSpec,
    PseudoVariable, ReturnCode, RouteKinds, TRUE, Value, XavpKind, XavpPath, parse_int,
    split_host_port,
};
use crate::sip::{Scheme, Uri, are_token};

/// Whether something is to be so: 0 is no.
const ON: ParameterSpec = ParameterSpec::required("on", ParameterKind::Int);

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "is_socket_name",
        &[required_text("name")],
        "Whether a listen address has that name (`listen=... name \"outside\"`).",
        "if (is_socket_name(\"outside\")) exit;",
        |execution, arguments| verdict(find_named(execution, text(arguments, 0)).is_some()),
    ),
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "set_send_socket_name",
            &[required_text("name")],
            "The request leaves from the listen address of that name. True also if there is none; \
             the choice is left as it was then, and the log tells.",
            "set_send_socket_name(\"outside\");",
            set_send_socket_name,
        )
    },
    function(
        "send_udp",
        &[optional_text("address")],
        "Sends the message to a host, `host[:port]`, as it came: without a Via of ours and without \
         the changes that the script has made. Without an address it goes to `$du`, or else to \
         the host and port of the Request-URI.\n\nFalse if that is this server.",
        "send_udp(\"192.0.2.7:5060\");",
        send_udp,
    ),
    function(
        "send_data",
        &[required_text("uri"), required_text("data")],
        "Sends a text, in a datagram of its own, to the host and port of a URI.\n\nFalse if that \
         is this server.",
        "send_data(\"sip:192.0.2.7:5060\", \"$rm of $fu\\n\");",
        |execution, arguments| {
            let data = text(arguments, 1);
            send_to_uri(execution, text(arguments, 0), None, data)
        },
    ),
    function(
        "sendx",
        &[required_text("uri"), required_text("socket"), required_text("data")],
        "Like `send_data`, from the given listen address, `udp:192.0.2.1:5060`; from any if it is \
         none.",
        "sendx(\"sip:192.0.2.7:5060\", \"udp:192.0.2.1:5060\", \"hello\");",
        |execution, arguments| {
            let data = text(arguments, 2);
            send_to_uri(execution, text(arguments, 0), Some(text(arguments, 1)), data)
        },
    ),
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "via_add_srvid",
            &[ON],
            "Our Via has the number of this server, `;srvid=7`, if `server_id` is set; with 0 it \
             has not.",
            "via_add_srvid(1);",
            |execution, arguments| {
                let number = execution.program.settings().server_id;
                let is_on = int(arguments, 0).is_some_and(|on| on != 0) && number != 0;
                change(execution, |via| via.server_id = is_on.then_some(number))
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "via_add_xavp_params",
            &[ON],
            "Our Via has the members of the attribute that the global parameter `xavp_via_params` \
             names as parameters, the last one first; with 0 it has not.\n\nFalse, and nothing \
             changes, if one of them cannot be a parameter.",
            "$xavp(via=>site) = \"north\"; via_add_xavp_params(1);",
            via_add_xavp_params,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "via_use_xavp_fields",
            &[ON],
            "Our Via has as host and port what the members `address` and `port` of the attribute \
             say that the global parameter `xavp_via_fields` names; with 0 it has those of the \
             listen address.\n\nFalse, and nothing changes, if the attribute has no address or \
             one of them cannot stand there.",
            "$xavp(via=>address) = \"198.51.100.1\"; via_use_xavp_fields(1);",
            via_use_xavp_fields,
        )
    },
];

/// The variables.
pub(super) const VARIABLES: &[PseudoVariable] = &[PseudoVariable {
    name: "lsock",
    aliases: &[],
    keyed: true,
    keys: &[],
    read: |execution, key, _| {
        let Key::Name(wanted) = key else { return Value::Null };
        let mut parts = wanted.splitn(3, |byte| *byte == b'/');
        let (Some(b"n"), Some(name), Some(field)) = (parts.next(), parts.next(), parts.next())
        else {
            return Value::Null;
        };
        match (find_named(execution, name), field) {
            (Some(listener), b"listen") => Value::Text(show_listener(execution, listener)),
            (Some(listener), b"name") => name_of(execution, listener),
            _ => Value::Null,
        }
    },
    write: None,
    doc: "About the listen address of a name: `$lsock(n/outside/listen)` is \
          `udp:192.0.2.1:5060`, `$lsock(n/outside/name)` the name; `$null` if there is none.",
}];

/// `set_send_socket_name(name)`.
fn set_send_socket_name<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    match find_named(execution, text(arguments, 0)) {
        Some(listener) => execution.transit.send_listener = Some(listener),
        None => execution.complain("set_send_socket_name: no listen address has that name"),
    }
    TRUE
}

/// `send_udp([address])`.
fn send_udp<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let hop = match text(arguments, 0) {
        b"" => NextHop::Routed(Some(Transport::Udp)),
        address => {
            let (host, port) = split_host_port(address);
            NextHop::Fixed(Some(Transport::Udp), host, port)
        }
    };
    send_message(execution, hop)
}

/// `send_data(uri, data)` and `sendx(uri, socket, data)`.
fn send_to_uri<'m>(
    execution: &mut Execution<'m>,
    uri: &'m [u8],
    socket: Option<&[u8]>,
    data: &[u8],
) -> ReturnCode {
    let Some(uri) = execution.parse_uri(uri).filter(|uri| uri.scheme == Scheme::Sip) else {
        execution.complain("this is no `sip:` URI");
        return FALSE;
    };
    let Uri { host, port, .. } = uri;
    let listener = socket.and_then(|socket| find_listener(execution, socket));
    send_text(execution, NextHop::Fixed(Some(Transport::Udp), host, port), listener, data)
}

/// `via_add_xavp_params(on)`.
fn via_add_xavp_params<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let root = execution.program.settings().xavp_via_params.as_deref().unwrap_or_default();
    if int(arguments, 0).is_none_or(|on| on == 0) || root.is_empty() {
        return change(execution, |via| via.params = &[]);
    }
    let members = execution.xavp_members(XavpKind::Stacked, XavpPath::new(root.as_bytes(), None));
    let members: Vec<_> = members.collect();
    let mut params = bumpalo::collections::Vec::new_in(execution.transit.arena);
    for (name, value) in members.into_iter().rev() {
        let value = execution.text(value);
        if !are_token(name) || !value.iter().all(is_param_octet) {
            execution.complain("via_add_xavp_params: a member cannot be a parameter");
            return FALSE;
        }
        for part in [b";", name, b"=", value] {
            params.extend_from_slice_copy(part);
        }
    }
    let params = execution.build(&[&params]);
    change(execution, |via| via.params = params)
}

/// `via_use_xavp_fields(on)`.
fn via_use_xavp_fields<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    if int(arguments, 0).is_none_or(|on| on == 0) {
        return change(execution, |via| (via.host, via.port) = (None, None));
    }
    let root = execution.program.settings().xavp_via_fields.as_deref().unwrap_or_default();
    let member = |name| {
        let path = XavpPath::new(root.as_bytes(), Some(name));
        execution.xavp(XavpKind::Stacked, path)
    };
    let host = via_host(execution, execution.text(member(b"address")));
    let port = match member(b"port") {
        Value::Null => Some(None),
        port => port_of(execution.text(port)).map(Some),
    };
    let (Some(host), Some(port)) = (host, port) else {
        execution.complain("via_use_xavp_fields: there is no address that can stand in Via");
        return FALSE;
    };
    change(execution, |via| (via.host, via.port) = (Some(host), port))
}

/// The port that a text is, if it can stand in Via.
fn port_of(text: &[u8]) -> Option<u16> {
    let port = parse_int(text).and_then(|port| u16::try_from(port).ok());
    port.filter(|port| *port != 0)
}

/// Whether an octet may stand in the value of a parameter that is not in quotes.
fn is_param_octet(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~!%*'+`:[]".contains(octet)
}
