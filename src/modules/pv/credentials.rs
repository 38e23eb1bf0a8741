//! What a client says of itself in Authorization or Proxy-Authorization (RFC 3261 §22). Nothing
//! of it has been checked.

use super::var;
use crate::script::{Execution, Index, Key, PseudoVariable, Value};
use crate::sip::{HeaderName, Items, Uri};

/// The variables that nothing else reads.
pub(super) const VARIABLES: &[PseudoVariable] = &[
    var("adc", &[], "`cnonce` in Authorization or Proxy-Authorization.", |execution, _, _| {
        detail(execution, b"cnonce")
    }),
    var("adn", &[], "`nonce` in Authorization or Proxy-Authorization.", |execution, _, _| {
        detail(execution, b"nonce")
    }),
    var("ado", &[], "`opaque` in Authorization or Proxy-Authorization.", |execution, _, _| {
        detail(execution, b"opaque")
    }),
    var("adr", &[], "`response` in Authorization or Proxy-Authorization.", |execution, _, _| {
        detail(execution, b"response")
    }),
];

/// A parameter of the first Digest credentials, empty if they do not have it.
fn detail<'m>(execution: &Execution<'m>, name: &[u8]) -> Value<'m> {
    let value = digest(execution).map(|_| parameter(execution, name).unwrap_or_default());
    Value::text_or_null(value)
}

/// The parameters of the first credentials, if these are Digest.
fn digest<'m>(execution: &Execution<'m>) -> Option<&'m [u8]> {
    let message = execution.transit.message;
    let credentials = message
        .value(HeaderName::Authorization)
        .or_else(|| message.value(HeaderName::ProxyAuthorization))?;
    let (scheme, rest) = credentials.split_at_checked(DIGEST.len())?;
    scheme.eq_ignore_ascii_case(DIGEST).then_some(rest)
}

/// The value of a parameter of the first Digest credentials, quotes taken off.
fn parameter<'m>(execution: &Execution<'m>, name: &[u8]) -> Option<&'m [u8]> {
    Items::new(digest(execution)?).find_map(|item| {
        let equals = memchr::memchr(b'=', item)?;
        if !item[..equals].trim_ascii().eq_ignore_ascii_case(name) {
            return None;
        }
        Some(match item[equals + 1..].trim_ascii() {
            [b'"', inner @ .., b'"'] => inner,
            bare => bare,
        })
    })
}

/// The scheme of the credentials, with the space behind it.
const DIGEST: &[u8] = b"Digest ";

/// User and domain of the user name, which may be `user@domain` or a URI.
fn user_and_domain<'m>(execution: &Execution<'m>) -> Option<(&'m [u8], Option<&'m [u8]>)> {
    let name = parameter(execution, b"username")?;
    if let Some(uri) = Uri::parse(name).ok().filter(|uri| uri.user.is_some()) {
        return Some((uri.user?, Some(uri.host)));
    }
    Some(match memchr::memchr(b'@', name) {
        Some(at) => (&name[..at], Some(&name[at + 1..])),
        None => (name, None),
    })
}

/// The user that the credentials name.
pub(in crate::modules) fn user_name<'m>(execution: &Execution<'m>) -> Option<&'m [u8]> {
    user_and_domain(execution).map(|(user, _)| user)
}

/// `$aa`.
pub(super) fn algorithm<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::text_or_null(parameter(execution, b"algorithm"))
}

/// `$ad`.
pub(super) fn domain<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::text_or_null(user_and_domain(execution).and_then(|(_, domain)| domain))
}

/// `$adu`.
pub(super) fn uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::text_or_null(parameter(execution, b"uri"))
}

/// `$ar`.
pub(super) fn realm<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::text_or_null(parameter(execution, b"realm"))
}

/// `$au`.
pub(super) fn user<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::text_or_null(user_and_domain(execution).map(|(user, _)| user))
}

/// `$aU`.
pub(super) fn name<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::text_or_null(parameter(execution, b"username"))
}

/// `$Au`: who is charged. Credentials do not count, as nothing has checked them.
pub(super) fn charged<'m>(execution: &Execution<'m>, key: Key<'m>, at: Index) -> Value<'m> {
    let user = super::address::from_user(execution, key, at);
    match (user, super::address::from_host(execution, key, at)) {
        (Value::Text(user), Value::Text(host)) => Value::Text(execution.build(&[user, b"@", host])),
        (_, host) => host,
    }
}
