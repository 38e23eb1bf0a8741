//! URIs of Contacts and the Request-URI that are hidden in others, and come back.

use super::super::core::uri::{assign_uri, is_safe};
use super::super::table::{function, required_text, text, verdict};
use super::without_param;
use crate::script::{
    Execution, FALSE, FunctionSpec, ReturnCode, RouteKinds, decode_base64_url, encode_base64_url,
    parse_int,
};
use crate::sip::{Contact, HeaderName, Uri};

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        routes: RouteKinds::REQUEST_AND_REPLY,
        ..function(
            "encode_contact",
            &[required_text("prefix"), required_text("host")],
            "Hides the URIs of all Contacts: `sip:user:password@ip:port;transport=p` becomes \
             `sip:prefix*user*password*ip*port*p@host`. Other parameters are lost.",
            r#"encode_contact("natted", "192.0.2.1");"#,
            |execution, arguments| {
                let (prefix, host) = (text(arguments, 0), text(arguments, 1));
                replace(execution, |execution, uri| encoded(execution, &uri, prefix, host))
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "decode_contact",
            &[],
            "Brings back the Request-URI that `encode_contact` has hidden. False if it is none.",
            r#"if (uri =~ "^sip:natted") decode_contact();"#,
            |execution, _| {
                let uri = Uri::parse(execution.transit.uri).ok();
                let uri = uri.and_then(|uri| decoded(execution, &uri));
                verdict(uri.is_some_and(|uri| assign_uri(execution, uri)))
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST_AND_REPLY,
        ..function(
            "decode_contact_header",
            &[],
            "Brings back the URIs of Contacts that `encode_contact` has hidden. False if there are \
             none.",
            "decode_contact_header();",
            |execution, _| replace(execution, |execution, uri| decoded(execution, &uri)),
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST_AND_REPLY,
        ..function(
            "contact_param_encode",
            &[required_text("param"), required_text("uri")],
            "Replaces the URIs of all Contacts by the given one, which gets a parameter with the \
             old URI in base 64.",
            r#"contact_param_encode("ksu", "sip:192.0.2.1:5060");"#,
            |execution, arguments| {
                let (param, uri) = (text(arguments, 0), text(arguments, 1));
                replace(execution, |execution, old| {
                    let value = encode_base64_url(execution, old.text);
                    Some(execution.build(&[uri, b";", param, b"=", value]))
                })
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST_AND_REPLY,
        ..function(
            "contact_param_decode",
            &[required_text("param")],
            "Brings back the URIs of Contacts that `contact_param_encode` has put into a \
             parameter. False if there are none.",
            r#"contact_param_decode("ksu");"#,
            |execution, arguments| {
                let param = text(arguments, 0);
                replace(execution, |execution, uri| from_param(execution, &uri, param))
            },
        )
    },
    FunctionSpec {
        aliases: &["contact_param_decode_ruri"],
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "contact_param_decode_uri",
            &[required_text("param")],
            "Brings back the Request-URI that `contact_param_encode` has put into a parameter. \
             False if it has none.",
            r#"contact_param_decode_uri("ksu");"#,
            |execution, arguments| {
                let uri = Uri::parse(execution.transit.uri).ok();
                let uri = uri.and_then(|uri| from_param(execution, &uri, text(arguments, 0)));
                verdict(uri.is_some_and(|uri| assign_uri(execution, uri)))
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST_AND_REPLY,
        ..function(
            "contact_param_check",
            &[required_text("param")],
            "Whether the URI of the first Contact has that parameter.",
            r#"if (contact_param_check("ob")) exit;"#,
            |execution, arguments| {
                let mut contacts = execution.transit.message.items(HeaderName::Contact);
                let Some(Ok(Contact::Address { address, .. })) =
                    contacts.next().map(Contact::parse)
                else {
                    return FALSE;
                };
                let uri = Uri::parse(address.uri).ok();
                verdict(uri.is_some_and(|uri| uri.params.get(text(arguments, 0)).is_some()))
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST_AND_REPLY,
        ..function(
            "contact_param_rm",
            &[required_text("param")],
            "Removes a parameter from the URIs of all Contacts. False if none has it.",
            r#"contact_param_rm("ob");"#,
            |execution, arguments| {
                let param = text(arguments, 0);
                replace(execution, |execution, uri| without_param(execution, &uri, param))
            },
        )
    },
];

/// Replaces the URIs of Contacts for which `change` gives another one, when the message leaves.
/// FALSE if there is none, or if one cannot be replaced.
fn replace<'m>(
    execution: &mut Execution<'m>,
    change: impl Fn(&Execution<'m>, Uri<'m>) -> Option<&'m [u8]>,
) -> ReturnCode {
    let message = execution.transit.message;
    let mut is_replaced = false;
    for item in message.items(HeaderName::Contact) {
        let Ok(Contact::Address { address, .. }) = Contact::parse(item) else { continue };
        let Ok(uri) = Uri::parse(address.uri) else { continue };
        let Some(new) = change(execution, uri) else { continue };
        if !is_safe(new) || Uri::parse(new).is_err() {
            return FALSE;
        }
        let is_bare = !item.contains(&b'<');
        let new = if is_bare { execution.build(&[b"<", new, b">"]) } else { new };
        let at = message.offset_of(address.uri);
        if !execution.transit.edits.replace(at, address.uri.len(), new) {
            return FALSE;
        }
        is_replaced = true;
    }
    verdict(is_replaced)
}

/// The separator of the parts of a hidden URI.
const SEPARATOR: u8 = b'*';

/// A URI hidden in the user part of another one.
fn encoded<'m>(
    execution: &Execution<'m>,
    uri: &Uri<'m>,
    prefix: &[u8],
    host: &[u8],
) -> Option<&'m [u8]> {
    let transport = uri.params.get(b"transport").and_then(|param| param.value).unwrap_or_default();
    let (user, password) = (uri.user.unwrap_or_default(), uri.password.unwrap_or_default());
    let parts = [prefix, user, password, uri.host, uri.port_text, transport];
    if parts.iter().any(|part| part.contains(&SEPARATOR)) {
        return None;
    }
    let length = parts.iter().map(|part| part.len() + 1).sum::<usize>() + host.len() + 8;
    Some(execution.build_with(length, |out| {
        out.extend_from_slice_copy(b"sip:");
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                out.push(SEPARATOR);
            }
            out.extend_from_slice_copy(part);
        }
        out.push(b'@');
        out.extend_from_slice_copy(host);
    }))
}

/// The URI that is hidden in the user part of another one.
fn decoded<'m>(execution: &Execution<'m>, uri: &Uri<'m>) -> Option<&'m [u8]> {
    let mut parts = uri.user?.split(|byte| *byte == SEPARATOR);
    let _prefix = parts.next()?;
    let (user, password, host) = (parts.next()?, parts.next()?, parts.next()?);
    let (port, transport) = (parts.next()?, parts.next()?);
    let is_good = parts.next().is_none()
        && !host.is_empty()
        && (port.is_empty() || parse_int(port).is_some_and(|port| u16::try_from(port).is_ok()));
    let mark = |text: &[u8], mark: &'static [u8]| if text.is_empty() { b"" } else { mark };
    is_good.then(|| {
        execution.build(&[
            b"sip:",
            user,
            mark(password, b":"),
            password,
            mark(user, b"@"),
            host,
            mark(port, b":"),
            port,
            mark(transport, b";transport="),
            transport,
        ])
    })
}

/// The URI that a parameter has in base 64.
fn from_param<'m>(execution: &Execution<'m>, uri: &Uri<'m>, name: &[u8]) -> Option<&'m [u8]> {
    let value = uri.params.get(name)?.value?;
    Some(decode_base64_url(execution, value)).filter(|text| !text.is_empty())
}
