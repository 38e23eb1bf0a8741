//! The Request-URI, the destination URI and the destination set.

use crate::modules::core::uri::{assign_uri, is_safe, set_host, set_port, set_user};
use crate::script::{Execution, Index, Key, Value};
use crate::sip::{Scheme, Uri};

/// A part of a URI; `$null` if `text` is no URI.
fn part<'m>(
    execution: &Execution<'m>,
    text: &'m [u8],
    part: fn(&Uri<'m>) -> Value<'m>,
) -> Value<'m> {
    execution.parse_uri(text).map_or(Value::Null, |uri| part(&uri))
}

/// The host; `$null` if it has none, as a `tel:` URI.
fn host<'m>(uri: &Uri<'m>) -> Value<'m> {
    whole(uri.host)
}

/// The user.
fn user<'m>(uri: &Uri<'m>) -> Value<'m> {
    Value::text_or_null(uri.user)
}

/// The port, the default one if none is written.
fn port<'m>(uri: &Uri<'m>) -> Value<'m> {
    Value::Int(uri.port.unwrap_or_else(|| uri.default_port()).into())
}

/// The transport parameter, or what the scheme means without one.
fn transport<'m>(uri: &Uri<'m>) -> Value<'m> {
    let meant: &[u8] = if uri.scheme == Scheme::Sips { b"TLS" } else { b"UDP" };
    Value::Text(uri.transport().unwrap_or(meant))
}

/// The scheme.
fn scheme<'m>(uri: &Uri<'m>) -> Value<'m> {
    Value::Text(match uri.scheme {
        Scheme::Sip => b"sip",
        Scheme::Sips => b"sips",
        Scheme::Tel => b"tel",
        Scheme::Other => uri.text.split(|byte| *byte == b':').next().unwrap_or_default(),
    })
}

/// A text, `$null` if it is empty.
fn whole(text: &[u8]) -> Value<'_> {
    if text.is_empty() { Value::Null } else { Value::Text(text) }
}

/// `$ru`.
pub(super) fn current<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    whole(execution.transit.uri)
}

/// `$rU`.
pub(super) fn current_user<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.uri, user)
}

/// `$rd`.
pub(super) fn current_host<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.uri, host)
}

/// `$rp`.
pub(super) fn current_port<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.uri, port)
}

/// `$rP`.
pub(super) fn current_transport<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.uri, transport)
}

/// `$rz`.
pub(super) fn current_scheme<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.uri, scheme)
}

/// `$ou`.
pub(super) fn original<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    whole(execution.transit.message.request_uri())
}

/// `$oU`.
pub(super) fn original_user<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.message.request_uri(), user)
}

/// `$od`.
pub(super) fn original_host<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.message.request_uri(), host)
}

/// `$op`.
pub(super) fn original_port<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.message.request_uri(), port)
}

/// `$oP`.
pub(super) fn original_transport<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.message.request_uri(), transport)
}

/// `$oz`.
pub(super) fn original_scheme<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.message.request_uri(), scheme)
}

/// `$du`.
pub(super) fn destination<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::text_or_null(execution.transit.destination)
}

/// `$dd`.
pub(super) fn destination_host<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.destination.unwrap_or_default(), host)
}

/// `$dp`.
pub(super) fn destination_port<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    part(execution, execution.transit.destination.unwrap_or_default(), port)
}

/// `$dP`.
pub(super) fn destination_transport<'m>(
    execution: &Execution<'m>,
    _: Key<'m>,
    _: Index,
) -> Value<'m> {
    part(execution, execution.transit.destination.unwrap_or_default(), transport)
}

/// `$rUl`.
pub(super) fn current_user_length<'m>(
    execution: &Execution<'m>,
    key: Key<'m>,
    at: Index,
) -> Value<'m> {
    length(current_user(execution, key, at))
}

/// `$oUl`.
pub(super) fn original_user_length<'m>(
    execution: &Execution<'m>,
    key: Key<'m>,
    at: Index,
) -> Value<'m> {
    length(original_user(execution, key, at))
}

/// How long a text is; `$null` if there is none.
pub(super) fn length(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Text(text) => Value::Int(i64::try_from(text.len()).unwrap_or(i64::MAX)),
        _ => Value::Null,
    }
}

/// The URI of the next hop: `$du`, or else `$ru`.
fn next_hop<'m>(execution: &Execution<'m>) -> &'m [u8] {
    execution.transit.destination.unwrap_or(execution.transit.uri)
}

/// `$nhu`.
pub(super) fn next_uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    whole(next_hop(execution))
}

/// `$nh(part)`.
pub(super) fn next_part<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let uri = next_hop(execution);
    match key {
        Key::Name(b"u") => whole(uri),
        Key::Name(b"U") => part(execution, uri, user),
        Key::Name(b"d") => part(execution, uri, host),
        Key::Name(b"p") => part(execution, uri, port),
        Key::Name(b"P") => part(execution, uri, transport),
        _ => Value::Null,
    }
}

/// `$ru = value`.
pub(super) fn write_uri<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    matches!(value, Value::Text(text) if assign_uri(execution, text))
}

/// `$rU = value`; `$null` takes the user away.
pub(super) fn write_user<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let user = execution.text(value);
    set_user(execution, user)
}

/// `$rd = value`.
pub(super) fn write_host<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let Value::Text(host) = value else { return false };
    set_host(execution, host)
}

/// `$rp = value`; `$null` takes the port away.
pub(super) fn write_port<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let port = execution.text(value);
    set_port(execution, port)
}

/// `$du = value`; `$null` clears it. Whether it is a URI at all is found out when the request is
/// forwarded.
pub(super) fn write_destination<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let text = execution.text(value);
    let is_good = is_safe(text);
    if is_good {
        execution.transit.destination = Some(text).filter(|text| !text.is_empty());
    }
    is_good
}
