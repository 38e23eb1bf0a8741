//! Addresses in From, To and the identity header fields.

use crate::script::{Execution, Index, Key, Value};
use crate::sip::{HeaderName, NameAddr};

/// The address in the first header field of that name.
fn address<'m>(execution: &Execution<'m>, name: HeaderName) -> Option<NameAddr<'m>> {
    let value = execution.transit.message.value(name)?;
    NameAddr::parse(value).ok()
}

/// The same for a header field that may be a list or that the server has no name for.
fn first_address<'m>(execution: &Execution<'m>, name: &[u8]) -> Option<NameAddr<'m>> {
    let header = execution.transit.message.headers_named(name).next()?;
    NameAddr::parse(crate::sip::Items::new(header.value).next()?).ok()
}

/// The URI of an address.
fn uri(address: Option<NameAddr<'_>>) -> Value<'_> {
    Value::text_or_null(address.map(|address| address.uri))
}

/// The display name of an address.
fn name(address: Option<NameAddr<'_>>) -> Value<'_> {
    let name = address.map(|address| address.display).filter(|name| !name.is_empty());
    Value::text_or_null(name)
}

/// The tag of an address.
fn tag(address: Option<NameAddr<'_>>) -> Value<'_> {
    Value::text_or_null(address.and_then(|address| address.tag()))
}

/// The user in the URI of an address.
fn user<'m>(execution: &Execution<'m>, address: Option<NameAddr<'m>>) -> Value<'m> {
    let uri = address.and_then(|address| execution.parse_uri(address.uri));
    Value::text_or_null(uri.and_then(|uri| uri.user))
}

/// The host in the URI of an address.
fn host<'m>(execution: &Execution<'m>, address: Option<NameAddr<'m>>) -> Value<'m> {
    let uri = address.and_then(|address| execution.parse_uri(address.uri));
    Value::text_or_null(uri.map(|uri| uri.host))
}

/// Makes the five readers of one header field.
macro_rules! readers {
    ($address:expr; $($uri:ident $user:ident $host:ident $name:ident $doc:literal)?) => {
        $(
            #[doc = concat!("URI in ", $doc, ".")]
            pub(super) fn $uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
                uri($address(execution))
            }

            #[doc = concat!("User in ", $doc, ".")]
            pub(super) fn $user<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
                user(execution, $address(execution))
            }

            #[doc = concat!("Host in ", $doc, ".")]
            pub(super) fn $host<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
                host(execution, $address(execution))
            }

            #[doc = concat!("Display name in ", $doc, ".")]
            pub(super) fn $name<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
                name($address(execution))
            }
        )?
    };
}

/// The address in From.
fn from<'m>(execution: &Execution<'m>) -> Option<NameAddr<'m>> {
    address(execution, HeaderName::From)
}

/// The address in To.
fn to<'m>(execution: &Execution<'m>) -> Option<NameAddr<'m>> {
    address(execution, HeaderName::To)
}

/// The address in P-Preferred-Identity.
fn preferred<'m>(execution: &Execution<'m>) -> Option<NameAddr<'m>> {
    first_address(execution, b"P-Preferred-Identity")
}

readers!(from; from_uri from_user from_host from_name "From");
readers!(to; to_uri to_user to_host to_name "To");
readers!(preferred;
    preferred_uri preferred_user preferred_host preferred_name "P-Preferred-Identity");

/// `$ft`.
pub(super) fn from_tag<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    tag(from(execution))
}

/// `$tt`.
pub(super) fn to_tag<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    tag(to(execution))
}

/// `$ai`.
pub(super) fn asserted_uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    uri(first_address(execution, b"P-Asserted-Identity"))
}

/// `$re`.
pub(super) fn remote_party_uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    uri(first_address(execution, b"Remote-Party-ID"))
}

/// `$di`.
pub(super) fn diversion_uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    uri(first_address(execution, b"Diversion"))
}
