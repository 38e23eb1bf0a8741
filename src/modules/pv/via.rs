//! The Via header fields of the message: `$via0(...)`, `$via1(...)`, `$viaZ(...)`.

use super::parts;
use crate::script::{Execution, Key, PseudoVariable, Value};
use crate::sip::{HeaderName, Rport, Via};

/// What each of them knows.
const PARTS: &[&str] = &["host", "port", "proto", "protoid", "branch", "rport", "received", "i"];

/// The variables.
pub(super) const VARIABLES: &[PseudoVariable] = &[
    parts(
        "via0",
        PARTS,
        "The topmost Via: `host`, `port` (5060 if none is written), `proto`, `protoid` (1 for \
         UDP), `branch`, `rport`, `received`, `i`; `$null` for what it does not have.",
        |execution, key, _| read(execution, key, |vias| vias.next()),
    ),
    parts("via1", PARTS, "The second Via, as `$via0`.", |execution, key, _| {
        read(execution, key, |vias| vias.nth(1))
    }),
    parts("viaZ", PARTS, "The last Via, as `$via0`.", |execution, key, _| {
        read(execution, key, |vias| vias.last())
    }),
];

/// A part of the Via that is chosen.
fn read<'m>(
    execution: &Execution<'m>,
    key: Key<'m>,
    choose: impl FnOnce(&mut dyn Iterator<Item = &'m [u8]>) -> Option<&'m [u8]>,
) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    let mut values = execution.transit.message.items(HeaderName::Via);
    let Some(Ok(via)) = choose(&mut values).map(Via::parse) else { return Value::Null };
    let value = |name: &[u8]| {
        let value = via.params.get(name).and_then(|param| param.value);
        Value::text_or_null(value.filter(|value| !value.is_empty()))
    };
    match part {
        b"host" => Value::Text(via.host),
        b"port" => Value::Int(via.port.unwrap_or(5060).into()),
        b"proto" => Value::Text(via.transport),
        b"protoid" => transport_number(via.transport),
        b"rport" => match via.rport() {
            Rport::Filled(port) => Value::Int(port.into()),
            Rport::Absent | Rport::Requested(_) => Value::Null,
        },
        name => value(name),
    }
}

/// The number that Kamailio gives a transport.
fn transport_number<'m>(name: &[u8]) -> Value<'m> {
    let known: [&[u8]; 6] = [b"UDP", b"TCP", b"TLS", b"SCTP", b"WS", b"WSS"];
    let place = known.iter().position(|known| known.eq_ignore_ascii_case(name));
    Value::Int(place.and_then(|place| i64::try_from(place + 1).ok()).unwrap_or(0))
}
