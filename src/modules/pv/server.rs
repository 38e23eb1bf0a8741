//! The server and how the message came to it: names of its listen addresses, its number, when it
//! was started, and numbers that stand for names.

use std::sync::atomic::Ordering;

use super::shared::PvConfig;
use super::{parts, var, writable};
use crate::mem::ListenerId;
use crate::protocol::Endpoint;
use crate::script::{Execution, Index, Key, ListenAddress, PseudoVariable, Value};

/// The variables.
pub(super) const VARIABLES: &[PseudoVariable] = &[
    writable(
        var(
            "fsn",
            &[],
            "The name of the listen address that the request is to leave from, if one was chosen; \
             assigning a name chooses it, `$null` leaves the choice to the server.",
            |execution, _, _| {
                let chosen = execution.transit.send_listener;
                chosen.map_or(Value::Null, |listener| name_of(execution, listener))
            },
        ),
        write_send_name,
    ),
    var(
        "fsp",
        &[],
        "The port of the listen address that the request is to leave from; 0 if none was chosen.",
        |execution, _, _| {
            let chosen = execution.transit.send_listener;
            let port = |listener| execution.host.listener_endpoint(listener).address.port();
            Value::Int(chosen.map_or(0, port).into())
        },
    ),
    parts(
        "K",
        &["IPv4", "IPv6", "UDP", "TCP", "TLS", "SCTP", "WS", "WSS"],
        "The number that stands for an address family (`IPv4`, `IPv6`) or a transport (`UDP`, \
         `TCP`, `TLS`, `SCTP`, `WS`, `WSS`), as in `$prid`.",
        number_of,
    ),
    var("mts", &[], "`rq` for a request, `rp` for a response.", |execution, _, _| {
        let is_request = execution.transit.message.method().is_some();
        Value::Text(if is_request { b"rq" } else { b"rp" })
    }),
    var(
        "Ras",
        &[],
        "Where the message was sent to, as `udp:192.0.2.1:5060`.",
        super::network::local_socket,
    ),
    var(
        "Rn",
        &[],
        "The name of the listen address that the message came to (`listen=... name \"outside\"`); \
         `$null` if it has none.",
        |execution, _, _| name_of(execution, execution.transit.listener),
    ),
    var("rsi", &[], "Status code of a response; 0 for a request.", |execution, _, _| {
        Value::Int(execution.transit.message.status().unwrap_or(0).into())
    }),
    var(
        "sid",
        &[],
        "The number of the server, `server_id`; 0 if it is not set.",
        |execution, _, _| Value::Int(execution.program.settings().server_id.into()),
    ),
    var("Tb", &[], "When the server was started, in seconds since 1970.", start),
    var("true", &[], "1.", |_, _, _| Value::Int(1)),
];

/// The listen address of that name.
pub(in crate::modules) fn find_named(execution: &Execution<'_>, name: &[u8]) -> Option<ListenerId> {
    let mut listen = execution.program.settings().listen.iter();
    let named = |listen: &&ListenAddress| {
        listen.name.as_ref().is_some_and(|known| !name.is_empty() && known.as_bytes() == name)
    };
    let ListenAddress { transport, address, .. } = listen.find(named)?;
    let host = execution.show_host(address.ip());
    execution.host.find_listener(Some(*transport), host, Some(address.port()))
}

/// The name of a listen address.
pub(in crate::modules) fn name_of<'m>(
    execution: &Execution<'m>,
    listener: ListenerId,
) -> Value<'m> {
    let Endpoint { transport, address } = execution.host.listener_endpoint(listener);
    let mut listen = execution.program.settings().listen.iter();
    let same = |it: &&ListenAddress| (it.transport, it.address) == (transport, address);
    let name = listen.find(same).and_then(|it| it.name.as_ref());
    Value::text_or_null(name.map(String::as_bytes))
}

/// `$fsn = value`; `$null` leaves the choice to the server.
fn write_send_name<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let text = execution.text(value);
    let listener = find_named(execution, text);
    let is_good = listener.is_some() || text.is_empty();
    if is_good {
        execution.transit.send_listener = listener;
    }
    is_good
}

/// `$K(name)`.
fn number_of<'m>(_: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    Value::Int(match name {
        b"IPv4" => 2,
        b"IPv6" => 10,
        b"UDP" => 1,
        b"TCP" => 2,
        b"TLS" => 3,
        b"SCTP" => 4,
        b"WS" => 5,
        b"WSS" => 6,
        _ => return Value::Null,
    })
}

/// `$Tb`: the monotonic clock of the server starts with it. What the first one says who asks holds
/// from then on, as the other clock may be set.
fn start<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    let now = execution.host.now();
    let seen = now.wall_seconds.saturating_sub(now.monotonic_seconds());
    let Some(config) = execution.program.config::<PvConfig>() else {
        return Value::Int(i64::try_from(seen).unwrap_or(i64::MAX));
    };
    let first = config.start.compare_exchange(0, seen, Ordering::Relaxed, Ordering::Relaxed);
    Value::Int(i64::try_from(first.err().unwrap_or(seen)).unwrap_or(i64::MAX))
}
