//! Our own Via: what it says instead of the listen address, and what it asks for.

use super::super::table::{function, int};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, OwnVia, ParameterKind, ParameterSpec, ReturnCode,
    RouteKinds, TRUE,
};
use crate::sip::host_ip;

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "add_local_rport",
            &[],
            "Our Via asks the next server to answer to the port that the request comes from \
             (`rport`, RFC 3581).",
            "add_local_rport();",
            |execution, _| change(execution, |via| via.rport = true),
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "set_advertised_address",
            &[ParameterSpec::required("host", ParameterKind::Address)],
            "What stands in our Via as host, instead of that of the listen address, when this \
             request leaves. The Record-Route stays as it is. False if it is no host.",
            "set_advertised_address(\"198.51.100.1\");",
            set_address,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "set_advertised_port",
            &[ParameterSpec::required("port", ParameterKind::Int)],
            "What stands in our Via as port, instead of that of the listen address, when this \
             request leaves. False if it is no port.",
            "set_advertised_port(5080);",
            set_port,
        )
    },
];

/// Changes what our Via says.
pub(in crate::modules) fn change<'m>(
    execution: &mut Execution<'m>,
    change: impl FnOnce(&mut OwnVia<'m>),
) -> ReturnCode {
    let transit = &mut execution.transit;
    let mut via = transit.own_via.copied().unwrap_or_default();
    change(&mut via);
    transit.own_via = Some(transit.arena.alloc(via));
    TRUE
}

/// `set_advertised_address(host)`.
fn set_address<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let [Argument::Text(host)] = arguments else { return FALSE };
    match via_host(execution, host) {
        Some(host) => change(execution, |via| via.host = Some(host)),
        None => {
            execution.complain("set_advertised_address: this is no host");
            FALSE
        }
    }
}

/// A host as it can stand in Via: a name or an address, IPv6 in brackets; `None` if it is neither.
pub(in crate::modules) fn via_host<'m>(
    execution: &Execution<'m>,
    host: &'m [u8],
) -> Option<&'m [u8]> {
    if let Some(ip) = host_ip(host) {
        return Some(execution.show_host(ip));
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    (!host.is_empty() && host.iter().all(is_name)).then_some(host)
}

/// `set_advertised_port(port)`.
fn set_port<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let port = int(arguments, 0).and_then(|port| u16::try_from(port).ok());
    let Some(port) = port.filter(|port| *port != 0) else {
        execution.complain("set_advertised_port: this is no port");
        return FALSE;
    };
    change(execution, |via| via.port = Some(port))
}
