//! What a proxy checks before it does anything with a request (RFC 3261 §16.3).

use thiserror::Error;

use crate::metrics::Counter;
use crate::sip::{Essentials, HeaderName, Message, Method, ParseError, Uri};

/// Why a request is refused before the script sees it. The peer's fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Rejection {
    /// RFC 3261 §16.3 step 1.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    /// RFC 3261 §16.3 step 2.
    #[error("the scheme of the Request-URI is not understood")]
    Scheme,
    /// RFC 3261 §16.3 step 5.
    #[error("Proxy-Require names an extension")]
    ProxyRequire,
}

impl Rejection {
    /// The status that says so.
    pub(super) const fn status(self) -> (u16, &'static str) {
        match self {
            Self::Syntax(error) => error.status(),
            Self::Scheme => (416, "Unsupported URI Scheme"),
            Self::ProxyRequire => (420, "Bad Extension"),
        }
    }

    /// What is counted.
    pub(super) const fn counter(self) -> Counter {
        match self {
            Self::Syntax(_) => Counter::RefusedMalformed,
            Self::Scheme => Counter::RefusedScheme,
            Self::ProxyRequire => Counter::RefusedExtension,
        }
    }
}

/// Checks a request. Max-Forwards is looked at when the request is forwarded, as a server may
/// well answer a request that may go no further (RFC 3261 §16.3 step 3). Step 4, loops, is left to
/// it. The parts of the Request-URI are known already if it is a plain one, which is a SIP URI.
pub(super) fn validate<'d>(
    request: Message<'d>,
    essentials: &Essentials<'d>,
    plain_uri: Option<&Uri<'d>>,
) -> Result<(), Rejection> {
    request.validate_start(essentials, plain_uri)?;
    if plain_uri.is_none() {
        scheme(request.request_uri())?;
    }
    proxy_require(request)
}

/// Step 2: the scheme must be one that can be routed, or that scripts route (RFC 5031).
fn scheme(uri: &[u8]) -> Result<(), Rejection> {
    let known = |scheme: &[u8]| {
        uri.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if uri.starts_with(b"sip:")
        || known(b"sip:")
        || known(b"sips:")
        || known(b"tel:")
        || known(b"urn:")
    {
        Ok(())
    } else {
        Err(Rejection::Scheme)
    }
}

/// Step 5: no extension is understood, so any that is demanded is refused. ACK cannot be
/// answered, and CANCEL gets what its INVITE got (RFC 3261 §8.2.2.3).
fn proxy_require(request: Message<'_>) -> Result<(), Rejection> {
    let exempt = matches!(request.method(), Some(Method::Ack | Method::Cancel));
    if exempt || request.value(HeaderName::ProxyRequire).is_none() {
        return Ok(());
    }
    match request.items(HeaderName::ProxyRequire).next() {
        Some(_) => Err(Rejection::ProxyRequire),
        None => Ok(()),
    }
}
