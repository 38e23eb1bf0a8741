//! Parameters of header fields such as Authorization: `Digest realm="a", nonce="b"`, with commas
//! between them (RFC 3261 §25.1, `auth-param`).

use super::super::table::{function, text, verdict};
use super::values::{TARGET, Target, VALUE, assign, is_safe, remove};
use crate::script::{Argument, Execution, FALSE, FunctionSpec, Index, ReturnCode};
use crate::sip::{Header, Items};

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "assign_hf_value2",
        &[TARGET, VALUE],
        "Like `assign_hf_value`, for header fields such as Authorization, whose parameters have \
         commas between them: sets the parameter of the header field `Name.param`, or of the \
         second one of that name, `Name[2].param`. Quotes around the value are part of it.",
        r#"assign_hf_value2("Authorization.integrity-protected", "\"yes\"");"#,
        assign_param,
    ),
    function(
        "remove_hf_value2",
        &[TARGET],
        "Like `remove_hf_value`, for header fields such as Authorization: removes a parameter.",
        r#"remove_hf_value2("Authorization.integrity-protected");"#,
        remove_param,
    ),
];

/// `assign_hf_value2(hf, value)`.
fn assign_param<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let value = text(arguments, 1);
    let Some(target) = Target::parse(text(arguments, 0)) else { return FALSE };
    let Some(param) = target.param else { return assign(execution, arguments) };
    if !is_safe(value) {
        return FALSE;
    }
    let mut is_assigned = false;
    for header in chosen(execution, target) {
        let transit = &mut execution.transit;
        let message = transit.message;
        let equals: &[u8] = if value.is_empty() { b"" } else { b"=" };
        is_assigned |= match find(header.value, param) {
            Some((params, at)) => {
                let old = params[at];
                transit.edits.replace_parts(
                    message.offset_of(old),
                    old.len(),
                    &[param, equals, value],
                )
            }
            None => {
                let end = message.offset_of(header.value) + header.value.len();
                let comma: &[u8] = if params_of(header.value).is_empty() { b" " } else { b"," };
                transit.edits.replace_parts(end, 0, &[comma, param, equals, value])
            }
        };
    }
    verdict(is_assigned)
}

/// `remove_hf_value2(hf)`.
fn remove_param<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(target) = Target::parse(text(arguments, 0)) else { return FALSE };
    let Some(param) = target.param else { return remove(execution, arguments) };
    let mut is_removed = false;
    for header in chosen(execution, target) {
        let Some((params, at)) = find(header.value, param) else { continue };
        let message = execution.transit.message;
        let start = message.offset_of(params[at]);
        let end = start + params[at].len();
        // With the comma behind it, or as the last one with the comma before it.
        let range = match (at.checked_sub(1), params.get(at + 1)) {
            (_, Some(next)) => start..message.offset_of(next),
            (Some(before), None) => message.offset_of(params[before]) + params[before].len()..end,
            (None, None) => start..end,
        };
        is_removed |= execution.transit.edits.remove(range.start, range.len());
    }
    verdict(is_removed)
}

/// The header fields that are meant: the first if there is no index.
fn chosen<'m>(execution: &Execution<'m>, target: Target<'_>) -> Vec<Header<'m>> {
    let headers: Vec<_> = execution.transit.message.headers_named(target.name).collect();
    let at = match target.index {
        Index::All => return headers,
        Index::None => Some(0),
        Index::At(at) if at >= 0 => usize::try_from(at).ok(),
        Index::At(at) => {
            usize::try_from(at.unsigned_abs()).ok().and_then(|back| headers.len().checked_sub(back))
        }
    };
    at.and_then(|at| headers.get(at).copied()).into_iter().collect()
}

/// The parameters of a value, behind its scheme.
fn params_of(value: &[u8]) -> Vec<&[u8]> {
    let is_name = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b',' | b'=' | b'"');
    let end = value.iter().position(|byte| !is_name(byte)).unwrap_or(value.len());
    let has_scheme = value.get(end).is_none_or(u8::is_ascii_whitespace);
    Items::new(if has_scheme { &value[end..] } else { value }).collect()
}

/// All parameters of a value, and which of them has that name.
fn find<'m>(value: &'m [u8], name: &[u8]) -> Option<(Vec<&'m [u8]>, usize)> {
    let params = params_of(value);
    let at = params.iter().position(|param| {
        let end = memchr::memchr(b'=', param).unwrap_or(param.len());
        param[..end].trim_ascii().eq_ignore_ascii_case(name)
    })?;
    Some((params, at))
}
