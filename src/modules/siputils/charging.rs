//! P-Charging-Vector (RFC 7315 §4.6): who pays for what, between operators.

use md5::{Digest, Md5};

use super::super::table::{function, required_text, text, verdict};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Index, Key, PseudoVariable, ReturnCode, TRUE, Value,
};
use crate::sip::HeaderName;

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[function(
    "sip_p_charging_vector",
    &[required_text("flags")],
    "Sees to the P-Charging-Vector header field: `r` removes it, `g` adds one if there is none, \
     `f` replaces it by a new one.\n\nThe new one is the same for all requests of a call with one \
     From tag, retransmissions among them.",
    r#"sip_p_charging_vector("g");"#,
    change,
)];

/// The variables.
pub(super) const VARIABLES: &[PseudoVariable] = &[PseudoVariable {
    name: "pcv",
    aliases: &[],
    keyed: true,
    keys: &["all", "value", "genaddr", "orig", "term"],
    read,
    write: None,
    doc: "P-Charging-Vector as it arrived or as `sip_p_charging_vector()` has made it: `all` of \
          it, its `value`, the address that it was made at (`genaddr`), the operators of both \
          sides (`orig`, `term`).",
}];

/// The name of the header field.
const NAME: &[u8] = b"P-Charging-Vector";

/// What has become of the header field in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Vector {
    /// It is as it arrived.
    #[default]
    Arrived,
    /// There is a new one.
    Made,
    /// There is none any more.
    Removed,
}

/// `sip_p_charging_vector(flags)`.
fn change<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let flags = text(arguments, 0);
    if flags.is_empty() || !flags.iter().all(|flag| b"rgf".contains(flag)) {
        execution.complain("sip_p_charging_vector: the flags are r, g and f");
        return FALSE;
    }
    let asks = |flag: u8| flags.contains(&flag);
    let is_there = present(execution).is_some();
    if asks(b'r') || asks(b'f') {
        for header in execution.transit.message.headers_named(NAME) {
            let at = execution.transit.message.offset_of(header.line);
            if !execution.transit.edits.removes(at) {
                execution.transit.edits.remove(at, header.line.len());
            }
        }
    }
    let makes = asks(b'f') || asks(b'g') && (!is_there || asks(b'r'));
    let state = execution.state::<Vector>();
    let before = state.as_deref().copied().unwrap_or_default();
    if let Some(state) = state {
        *state = match (makes, asks(b'r')) {
            (true, _) => Vector::Made,
            // What was made in this run has no line that could be taken off.
            (false, true) if before != Vector::Made => Vector::Removed,
            _ => before,
        };
    }
    if !makes || before == Vector::Made {
        return TRUE;
    }
    let value = made(execution);
    let at = execution.transit.message.headers_end();
    let line: &[&[u8]] = &[NAME, b": ", value, b"\r\n"];
    verdict(execution.transit.edits.replace_parts(at, 0, line))
}

/// The value that is there now.
fn present<'m>(execution: &Execution<'m>) -> Option<&'m [u8]> {
    match execution.peek_state::<Vector>().unwrap_or_default() {
        Vector::Arrived => {
            execution.transit.message.headers_named(NAME).next().map(|header| header.value)
        }
        Vector::Made => Some(made(execution)),
        Vector::Removed => None,
    }
}

/// A new value.
fn made<'m>(execution: &Execution<'m>) -> &'m [u8] {
    let transit = &execution.transit;
    let call_id = transit.message.value(HeaderName::CallId).unwrap_or_default();
    let tag = transit.from().and_then(|from| from.tag()).unwrap_or_default();
    let sum = Md5::new().chain_update(call_id).chain_update(b"\0").chain_update(tag).finalize();
    let digit = |half: u8| b"0123456789ABCDEF"[usize::from(half)];
    let icid = execution.build_with(2 * sum.len(), |out| {
        out.extend(sum.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    });
    let address = execution.show_host(transit.local.ip());
    execution.build(&[b"icid-value=", icid, b"; icid-generated-at=", address])
}

/// `$pcv(part)`.
fn read<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Some(value) = present(execution) else { return Value::Null };
    let wanted: &[u8] = match key {
        Key::Name(b"value") => b"icid-value",
        Key::Name(b"genaddr") => b"icid-generated-at",
        Key::Name(b"orig") => b"orig-ioi",
        Key::Name(b"term") => b"term-ioi",
        _ => return Value::Text(value),
    };
    let params = value.split(|byte| *byte == b';').filter_map(|param| {
        let equals = memchr::memchr(b'=', param)?;
        Some((param[..equals].trim_ascii(), param[equals + 1..].trim_ascii()))
    });
    let mut found = params.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    Value::text_or_null(found.next().map(|(_, value)| value))
}
