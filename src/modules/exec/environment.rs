//! What a command finds about the message in its environment.

use md5::{Digest, Md5};

use crate::jobs::Environment;
use crate::script::Execution;
use crate::sip::{HeaderName, MAGIC_COOKIE, Uri};

/// Names and values.
pub(super) fn of(execution: &Execution<'_>) -> Environment {
    let transit = &execution.transit;
    let message = transit.message;
    let source = execution.show_ip(transit.source.ip());
    let (uri, original) = (transit.uri, message.request_uri());
    let tag = transit.to().and_then(|to| to.tag()).unwrap_or_default();
    let mut environment: Environment = [
        // SER has the first name, OpenSER and Kamailio the second.
        ("SRCIP", source),
        ("SIP_SRCIP", source),
        ("SIP_RURI", uri),
        ("SIP_ORURI", original),
        // The name that Kamailio gives it, whatever its documentation says.
        ("SIP_ORUI", original),
        ("SIP_USER", user(uri)),
        ("SIP_OUSER", user(original)),
        ("SIP_DID", tag),
    ]
    .map(|(name, value)| (name.as_bytes().to_vec(), clean(value)))
    .into();
    environment.push((b"SIP_TID".to_vec(), transaction(execution)));
    header_fields(execution, &mut environment);
    environment
}

/// A value as it may stand in an environment: without what would end it, in one line, and not
/// like a function, which an old bash would run what stands behind of.
pub(super) fn clean(value: &[u8]) -> Vec<u8> {
    let value = value.strip_prefix(b"()").unwrap_or(value);
    let kept = value.iter().filter(|byte| **byte != 0);
    kept.map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }).collect()
}

/// The user of a URI, or nothing.
fn user(uri: &[u8]) -> &[u8] {
    Uri::parse(uri).ok().and_then(|uri| uri.user).unwrap_or_default()
}

/// What a request has in common with its retransmissions, its CANCEL and its ACK (RFC 3261
/// §17.2.3), and with no others.
fn transaction(execution: &Execution<'_>) -> Vec<u8> {
    let transit = &execution.transit;
    let message = transit.message;
    let mut hash = Md5::new();
    let mut add = |part: &[u8]| {
        hash.update(part);
        hash.update([0]);
    };
    if let Ok(via) = message.top_via() {
        let branch = via.branch().unwrap_or_default();
        add(branch);
        add(via.host);
        add(&via.port.unwrap_or(5060).to_be_bytes());
        if !branch.starts_with(MAGIC_COOKIE) {
            add(message.request_uri());
            add(message.value(HeaderName::CallId).unwrap_or_default());
            add(transit.from().and_then(|from| from.tag()).unwrap_or_default());
            add(&message.cseq().map_or(0, |cseq| cseq.number).to_be_bytes());
        }
    }
    hash.finalize().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// `SIP_HF_NAME` for each header field; those of one name are one, with commas between their
/// values.
fn header_fields(execution: &Execution<'_>, environment: &mut Environment) {
    let start = environment.len();
    for header in execution.transit.message.all_headers() {
        let known = header.name.canonical();
        let name = if known.is_empty() { header.name_text } else { known.as_bytes() };
        let name = variable(name);
        match environment[start..].iter_mut().find(|(other, _)| *other == name) {
            Some((_, value)) => {
                value.push(b',');
                value.extend_from_slice(&clean(header.value));
            }
            None => environment.push((name, clean(header.value))),
        }
    }
    // Kamailio leaves the hyphen out of this one.
    let call_id = environment[start..].iter().find(|(name, _)| name == b"SIP_HF_CALL_ID");
    if let Some((_, value)) = call_id.cloned() {
        environment.push((b"SIP_HF_CALLID".to_vec(), value));
    }
}

/// The name of the variable of a header field.
fn variable(name: &[u8]) -> Vec<u8> {
    let legible = name.iter().map(|byte| match byte.to_ascii_uppercase() {
        byte if byte.is_ascii_alphanumeric() => byte,
        _ => b'_',
    });
    b"SIP_HF_".iter().copied().chain(legible).collect()
}
