//! `{uri.*}`, `{nameaddr.*}` and `{tobody.*}`.

use super::{Parameter, Parameters};
use crate::script::scope::{Fault, Scope};
use crate::script::{Execution, Value};
use crate::sip::{Items, NameAddr, Params, Scheme, Uri};

/// A part of a URI. One that is not there is empty.
#[derive(Clone, Debug)]
pub(crate) enum UriPart {
    /// What is behind the `?`.
    Headers,
    /// The host.
    Host,
    /// The value of a URI parameter, by its name.
    Param(Parameter),
    /// All URI parameters, without the first semicolon.
    Params,
    /// The password.
    Password,
    /// The port as written.
    Port,
    /// The scheme.
    Scheme,
    /// The value of one of the parameters that RFC 3261 §19.1.1 names.
    Standard(&'static str),
    /// The user.
    User,
    /// The URI without much of what it has.
    Short(ShortUri),
}

/// What is left of a URI that is made short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShortUri {
    /// Scheme, user, host: the address-of-record.
    AddressOfRecord,
    /// Scheme, host, port, transport: where it leads.
    Destination,
    /// Scheme, user, host, port, transport.
    Simple,
    /// `proto:host:port`.
    Socket,
}

impl UriPart {
    /// The part that `{uri.name}` gives.
    pub(super) fn find(
        name: &str,
        parameters: &mut Parameters<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Option<Self>, Fault> {
        Ok(Some(match name {
            "headers" => Self::Headers,
            "host" | "domain" => Self::Host,
            "param" => Self::Param(parameters.required(scope)?),
            "params" => Self::Params,
            "passwd" => Self::Password,
            "port" => Self::Port,
            "scheme" => Self::Scheme,
            "duri" => Self::Short(ShortUri::Destination),
            "saor" => Self::Short(ShortUri::AddressOfRecord),
            "suri" => Self::Short(ShortUri::Simple),
            "tosocket" => Self::Short(ShortUri::Socket),
            "lr" => Self::Standard("lr"),
            "r2" => Self::Standard("r2"),
            "maddr" => Self::Standard("maddr"),
            "method" => Self::Standard("method"),
            "transport" => Self::Standard("transport"),
            "ttl" => Self::Standard("ttl"),
            "uparam" => Self::Standard("user"),
            "user" => Self::User,
            _ => return Ok(None),
        }))
    }

    /// The part of `text`, which is a URI.
    pub(super) fn apply<'m>(&'m self, execution: &Execution<'m>, text: &'m [u8]) -> Value<'m> {
        let Ok(uri) = Uri::parse(text) else { return Value::Text(&[]) };
        let part = match self {
            Self::Headers => uri.headers,
            Self::Host => Some(uri.host),
            Self::Param(name) => param(&uri.params, name.text(execution)),
            Self::Params => Some(without_semicolon(&uri.params)),
            Self::Password => uri.password,
            Self::Port => Some(uri.port_text),
            Self::Scheme => Some(scheme(&uri)),
            Self::Standard(name) => param(&uri.params, name.as_bytes()),
            Self::User => uri.user,
            Self::Short(short) => Some(short.of(execution, &uri)),
        };
        Value::Text(part.unwrap_or_default())
    }
}

impl ShortUri {
    /// What is left of `uri`.
    fn of<'m>(self, execution: &Execution<'m>, uri: &Uri<'m>) -> &'m [u8] {
        let none: &[u8] = b"";
        let transport = param(&uri.params, b"transport");
        if self == Self::Socket {
            let port = execution.show_int(uri.port.unwrap_or_else(|| uri.default_port()).into());
            let transport = transport.unwrap_or(b"udp");
            return execution.build(&[transport, b":", uri.host, b":", port]);
        }
        let user = uri.user.filter(|_| self != Self::Destination);
        let at = user.map_or(none, |_| b"@");
        let has_way = self != Self::AddressOfRecord;
        let port = if has_way { uri.port_text } else { none };
        let colon = if port.is_empty() { none } else { b":" };
        let transport = transport.filter(|_| has_way);
        let name = transport.map_or(none, |_| b";transport=");
        let (user, transport) = (user.unwrap_or_default(), transport.unwrap_or_default());
        execution.build(&[scheme(uri), b":", user, at, uri.host, colon, port, name, transport])
    }
}

/// A part of an address such as that in To.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NamePart {
    /// The display name as written.
    Display,
    /// The length of display name and URI.
    Length,
    /// The parameters of the header field.
    Params,
    /// The tag.
    Tag,
    /// The URI.
    Uri,
    /// The host of the URI.
    UriHost,
    /// The user of the URI.
    UriUser,
}

impl NamePart {
    /// The part that `{class.name}` gives.
    pub(super) fn find(class: &str, name: &str) -> Option<Self> {
        Some(match (class, name) {
            ("nameaddr", "name") | ("tobody", "display") => Self::Display,
            ("nameaddr", "len") => Self::Length,
            (_, "params") => Self::Params,
            (_, "uri") => Self::Uri,
            ("tobody", "tag") => Self::Tag,
            ("tobody", "host") => Self::UriHost,
            ("tobody", "user") => Self::UriUser,
            _ => return None,
        })
    }

    /// The part of `text`, which is an address.
    pub(super) fn apply<'m>(self, execution: &Execution<'m>, text: &'m [u8]) -> Value<'m> {
        // Of a list it is the first one.
        let first = Items::new(text).next().unwrap_or_default();
        let Ok(address) = NameAddr::parse(first) else { return Value::Text(&[]) };
        let uri = || execution.parse_uri(address.uri);
        let part = match self {
            Self::Display => Some(address.display),
            Self::Length => {
                let behind = address.params.text().len();
                let length = address.text.len().saturating_sub(behind);
                return Value::Int(i64::try_from(length).unwrap_or(i64::MAX));
            }
            Self::Params => Some(without_semicolon(&address.params)),
            Self::Tag => address.tag(),
            Self::Uri => Some(address.uri),
            Self::UriHost => uri().map(|uri| uri.host),
            Self::UriUser => uri().and_then(|uri| uri.user),
        };
        Value::Text(part.unwrap_or_default())
    }
}

/// The value of a parameter.
fn param<'m>(params: &Params<'m>, name: &[u8]) -> Option<&'m [u8]> {
    params.get(name).and_then(|param| param.value)
}

/// The text of parameters, without the semicolon in front.
fn without_semicolon<'m>(params: &Params<'m>) -> &'m [u8] {
    let text = params.text();
    text.strip_prefix(b";").unwrap_or(text)
}

/// The scheme as written.
fn scheme<'m>(uri: &Uri<'m>) -> &'m [u8] {
    match uri.scheme {
        Scheme::Sip => b"sip",
        Scheme::Sips => b"sips",
        Scheme::Tel => b"tel",
        Scheme::Other => uri.text.split(|byte| *byte == b':').next().unwrap_or_default(),
    }
}
