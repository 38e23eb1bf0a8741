//! Addresses in From, To and the identity header fields.

use crate::modules::core::uri::{UriParts, is_safe};
use crate::script::{Execution, Index, Key, Value};
use crate::sip::{HeaderName, NameAddr, Uri};

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

/// `$fUl`.
pub(super) fn from_user_length<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    super::uri::length(user(execution, from(execution)))
}

/// `$tUl`.
pub(super) fn to_user_length<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    super::uri::length(user(execution, to(execution)))
}

/// `$rt`.
pub(super) fn refer_to_uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    uri(first_address(execution, b"Refer-To"))
}

/// `$ctu`.
pub(super) fn contact_uri<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    uri(first_address(execution, b"Contact"))
}

/// A parameter of the first Diversion, quotes taken off.
fn diversion<'m>(execution: &Execution<'m>, name: &[u8]) -> Value<'m> {
    let params = first_address(execution, b"Diversion").map(|address| address.params);
    let value = params.and_then(|params| params.get(name)).and_then(|param| param.value);
    Value::text_or_null(value.map(|value| match value {
        [b'"', inner @ .., b'"'] => inner,
        value => value,
    }))
}

/// `$dic`.
pub(super) fn diversion_counter<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    diversion(execution, b"counter")
}

/// `$dip`.
pub(super) fn diversion_privacy<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    diversion(execution, b"privacy")
}

/// `$dir`.
pub(super) fn diversion_reason<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    diversion(execution, b"reason")
}

/// Puts a URI in place of the one in From or To, for when the message leaves.
fn replace<'m>(execution: &mut Execution<'m>, old: Option<NameAddr<'m>>, new: &'m [u8]) -> bool {
    let Some(old) = old else { return false };
    if !is_safe(new) || execution.parse_uri(new).is_none() {
        return false;
    }
    let at = execution.transit.message.offset_of(old.uri);
    // A bare URI would lose what follows a semicolon in the new one to the header field.
    let is_bare = !old.text.contains(&b'<');
    let new = if is_bare { execution.build(&[b"<", new, b">"]) } else { new };
    execution.transit.edits.replace(at, old.uri.len(), new)
}

/// Changes parts of the URI in From or To.
fn rewrite<'m>(
    execution: &mut Execution<'m>,
    old: Option<NameAddr<'m>>,
    change: impl FnOnce(&mut UriParts<'m>),
) -> bool {
    let uri = old.and_then(|old| Uri::parse(old.uri).ok());
    let Some(mut parts) = uri.as_ref().and_then(UriParts::of) else { return false };
    change(&mut parts);
    let new = parts.compose(execution);
    replace(execution, old, new)
}

/// Makes the three writers of one header field.
macro_rules! writers {
    ($address:ident; $uri:ident $user:ident $host:ident $header:literal) => {
        #[doc = concat!("Writes the URI in ", $header, ".")]
        pub(super) fn $uri<'m>(
            execution: &mut Execution<'m>,
            _: Key<'m>,
            _: Index,
            value: Value<'m>,
        ) -> bool {
            let new = execution.text(value);
            replace(execution, $address(execution), new)
        }

        #[doc = concat!("Writes the user in ", $header, ".")]
        pub(super) fn $user<'m>(
            execution: &mut Execution<'m>,
            _: Key<'m>,
            _: Index,
            value: Value<'m>,
        ) -> bool {
            let new = execution.text(value);
            rewrite(execution, $address(execution), |parts| {
                parts.user = Some(new).filter(|user| !user.is_empty());
            })
        }

        #[doc = concat!("Writes the host in ", $header, ".")]
        pub(super) fn $host<'m>(
            execution: &mut Execution<'m>,
            _: Key<'m>,
            _: Index,
            value: Value<'m>,
        ) -> bool {
            let new = execution.text(value);
            !new.is_empty() && rewrite(execution, $address(execution), |parts| parts.host = new)
        }
    };
}

writers!(from; write_from_uri write_from_user write_from_host "From");
writers!(to; write_to_uri write_to_user write_to_host "To");

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
