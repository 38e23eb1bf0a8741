//! The REGISTER that a phone sends again and again: all that changes is when its binding ends.
//!
//! A short way to what [`super::register`] does; what is not just so goes the long way.

use super::{Registration, granted};
use crate::location::{Binding, BindingSet, LocationTable, RegistrarConfig, TableFull};
use crate::sip::parse_delta_seconds;

/// The header fields of a REGISTER that say what it wants: the value of its only Contact, and that
/// of Expires, if it has one.
#[derive(Clone, Copy, Debug)]
pub struct Renewal<'a> {
    /// The Contact value.
    pub contact: &'a [u8],
    /// The seconds in Expires.
    pub expires: Option<u32>,
}

/// Something else than a refresh.
struct Other;

impl From<TableFull> for Other {
    fn from(_: TableFull) -> Self {
        Self
    }
}

/// Refreshes the binding of a user who has one, in place, and shows it to `tell`. `None`, and
/// nothing has changed, if the request may be about anything else.
pub fn refresh<R>(
    table: &LocationTable,
    aor: &[u8],
    (renewal, registration): (Renewal<'_>, &Registration<'_>),
    (config, now): (&RegistrarConfig, u32),
    tell: impl FnOnce(&BindingSet) -> R,
) -> Option<R> {
    let refreshed = table.update(aor, |present| {
        let [binding] = present.all() else { return Err(Other) };
        let seconds = seconds(binding, renewal, config).ok_or(Other)?;
        if !is_renewed(binding, registration, (config, now)) {
            return Err(Other);
        }
        binding.refresh(now.saturating_add(seconds), registration.cseq);
        Ok((None, tell(present)))
    });
    refreshed.ok()
}

/// The seconds that a binding is granted if the Contact value is its Contact URI in angle
/// brackets, with nothing behind it but `expires`. The URI itself was looked at when it came first.
fn seconds(binding: &Binding, renewal: Renewal<'_>, config: &RegistrarConfig) -> Option<u32> {
    let uri = binding.contact();
    let params = renewal.contact.strip_prefix(b"<")?.strip_prefix(uri)?.strip_prefix(b">")?;
    let own = match params {
        [] => None,
        params => Some(parse_delta_seconds(params.strip_prefix(b";expires=")?).ok()?),
    };
    let seconds = granted(own.or(renewal.expires), config).ok()?;
    (seconds > 0 && uri.len() <= config.contact_bytes_max).then_some(seconds)
}

/// Whether a REGISTER that names the contact of `binding` changes nothing but its expiry and CSeq,
/// and came in order.
fn is_renewed(
    binding: &Binding,
    registration: &Registration<'_>,
    (config, now): (&RegistrarConfig, u32),
) -> bool {
    let Registration { call_id, cseq, path, user_agent, listener, cflags, .. } = *registration;
    // The same source gave the same contact the same address.
    let received = registration.received.map_or(&b""[..], |(_, uri)| uri);
    let (expires_at, last_cseq) = binding.state();
    expires_at > now
        && cseq > last_cseq
        && binding.is_of(call_id, user_agent)
        && binding.goes(received, path)
        && binding.q() == config.default_q
        && binding.listener() == listener
        && binding.cflags() == cflags
}
