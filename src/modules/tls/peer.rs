//! What scripts can ask about the connection that a message came by.

use std::any::TypeId;
use std::sync::Arc;

use super::super::table::{function, verdict};
use crate::connections::{Card, CertificateFacts, Directory, Security};
use crate::protocol::Transport;
use crate::script::{
    Argument, DateTime, Execution, FunctionSpec, Index, Key, PseudoVariable, Read, ReturnCode,
    Value,
};

/// The functions of the module.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[function(
    "is_peer_verified",
    &[],
    "Whether the message came by TLS from a peer whose certificate was verified.",
    "if (!is_peer_verified()) exit;",
    is_peer_verified,
)];

/// The pseudo-variables of the module.
pub(super) const VARIABLES: &[PseudoVariable] = &[
    variable("tls_version", "The version of TLS that the message came by: `TLSv1.3`.", version),
    variable("tls_cipher_info", "The cipher suite: `TLS_AES_256_GCM_SHA384`.", cipher),
    variable("tls_cipher_bits", "The bits of its key: 128 or 256.", cipher_bits),
    variable("tls_peer_verified", "1 if the peer's certificate was verified, or 0.", verified),
    variable("tls_peer_server_name", "The name that the client has asked for (SNI).", server_name),
    variable("tls_peer_subject_cn", "The common name in the peer's certificate.", subject),
    variable("tls_peer_issuer_cn", "The common name of who made it.", issuer),
    variable("tls_peer_serial", "The number of the certificate, in hexadecimal.", serial),
    variable("tls_peer_notBefore", "When the certificate begins to hold, in UTC.", not_before),
    variable("tls_peer_notAfter", "When the certificate ends to hold, in UTC.", not_after),
];

/// A variable of that name.
const fn variable(name: &'static str, doc: &'static str, read: Read) -> PseudoVariable {
    PseudoVariable { name, aliases: &[], keyed: false, keys: &[], read, write: None, doc }
}

/// The connection that the message came by, if that is one of TLS.
fn connection(execution: &Execution<'_>) -> Option<Arc<Card>> {
    let service = execution.host.service(TypeId::of::<Directory>())?;
    let directory: &Directory = service.downcast_ref()?;
    directory.card(Transport::Tls, *execution.transit.source, execution.transit.listener)
}

/// A value of what TLS has agreed; null if the message did not come by TLS.
fn agreed<'m>(
    execution: &Execution<'m>,
    value: impl FnOnce(&Security) -> Option<Value<'m>>,
) -> Value<'m> {
    let card = connection(execution);
    card.and_then(|card| card.security().and_then(value)).unwrap_or(Value::Null)
}

/// A text of the peer's certificate; null if there is none.
fn certified<'m>(
    execution: &Execution<'m>,
    text: impl FnOnce(&CertificateFacts) -> String,
) -> Value<'m> {
    agreed(execution, |security| {
        let text = security.peer.as_ref().map(text)?;
        Some(Value::Text(execution.build(&[text.as_bytes()])))
    })
}

/// `is_peer_verified()`.
fn is_peer_verified(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let card = connection(execution);
    verdict(card.is_some_and(|card| card.security().is_some_and(|it| it.is_verified)))
}

/// `$tls_version`.
fn version<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    agreed(execution, |it| Some(Value::Text(execution.build(&[it.version.as_bytes()]))))
}

/// `$tls_cipher_info`.
fn cipher<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    agreed(execution, |it| Some(Value::Text(execution.build(&[it.cipher.as_bytes()]))))
}

/// `$tls_cipher_bits`.
fn cipher_bits<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    agreed(execution, |it| Some(Value::Int(it.cipher_bits.into())))
}

/// `$tls_peer_verified`.
fn verified<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    agreed(execution, |it| Some(Value::Int(it.is_verified.into())))
}

/// `$tls_peer_server_name`.
fn server_name<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    agreed(execution, |it| {
        let name = it.server_name.as_ref()?;
        Some(Value::Text(execution.build(&[name.as_bytes()])))
    })
}

/// `$tls_peer_subject_cn`.
fn subject<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    certified(execution, |peer| peer.subject.clone())
}

/// `$tls_peer_issuer_cn`.
fn issuer<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    certified(execution, |peer| peer.issuer.clone())
}

/// `$tls_peer_serial`.
fn serial<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    certified(execution, |peer| peer.serial.clone())
}

/// `$tls_peer_notBefore`.
fn not_before<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    certified(execution, |peer| date(peer.not_before_seconds))
}

/// `$tls_peer_notAfter`.
fn not_after<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    certified(execution, |peer| date(peer.not_after_seconds))
}

/// A moment as OpenSSL writes it: `Nov 21 09:49:52 2026 GMT`.
fn date(seconds: u64) -> String {
    let moment = DateTime::of(seconds);
    let DateTime { year, day, hour, minute, second, .. } = moment;
    let month = &moment.month_name()[..3];
    format!("{month} {day:2} {hour:02}:{minute:02}:{second:02} {year} GMT")
}
