//! Substitutions in the style of `sed`.

use super::Which;
use super::search::{body, headers_and_body};
use crate::modules::table::{function, joined, required_text, text, verdict};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ParameterKind, ParameterSpec, ReturnCode, RouteKinds,
    Substitution, TRUE,
};
use crate::sip::Uri;

/// A required substitution.
const SUBEXP: ParameterSpec = ParameterSpec::required("subexp", ParameterKind::Substitution);

/// The functions of this part.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "subst",
        &[SUBEXP],
        "Substitutes in the header fields and the body.\n\nFlags of the substitution: `i` without \
         regard to case, `g` all matches, `s` newlines are ordinary characters.",
        r"subst('/^Subject: (.*)world(.*)$/Subject: \1moon\2/');",
        |execution, arguments| {
            let input = headers_and_body(&execution.transit.message);
            substitute(execution, substitution(arguments, 0), input)
        },
    ),
    function(
        "subst_body",
        &[SUBEXP],
        "Substitutes in the body.",
        r"subst_body('/^c=IN IP4 [0-9.]+/c=IN IP4 203.0.113.7/g');",
        |execution, arguments| {
            let input = body(&execution.transit.message);
            substitute(execution, substitution(arguments, 0), input)
        },
    ),
    function(
        "subst_hf",
        &[required_text("hf"), SUBEXP, required_text("flags")],
        "Substitutes in the values of a header field.\n\nFlags: `a` all fields of that name, `f` \
         the first, `l` the last.",
        r#"subst_hf("From", "/:test@/:best@/", "a");"#,
        subst_hf,
    ),
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "subst_uri",
            &[SUBEXP],
            "Substitutes in the Request-URI as rewritten so far.",
            r"subst_uri('/^sip:([0-9]+)@(.*)$/sip:3463\1@\2/i');",
            subst_uri,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "subst_user",
            &[SUBEXP],
            "Substitutes in the user part of the Request-URI as rewritten so far.",
            r"subst_user('/^([0-9]+)$/+\1/');",
            subst_user,
        )
    },
];

/// The substitution at that position of the arguments.
fn substitution<'m>(arguments: &[Argument<'m>], position: usize) -> Option<&'m Substitution> {
    match arguments.get(position) {
        Some(Argument::Substitution(substitution)) => Some(substitution),
        _ => None,
    }
}

/// Substitutes in `input`, a part of the message.
fn substitute<'m>(
    execution: &mut Execution<'m>,
    substitution: Option<&'m Substitution>,
    input: &[u8],
) -> ReturnCode {
    let Some(substitution) = substitution else { return FALSE };
    let transit = &mut execution.transit;
    let start = transit.message.offset_of(input);
    let mut replaced = false;
    for (range, replacement) in substitution.replacements(input, transit.arena) {
        if !transit.edits.replace(start + range.start, range.len(), replacement) {
            return FALSE;
        }
        replaced = true;
    }
    verdict(replaced)
}

/// `subst_hf(hf, subexp, flags)`.
fn subst_hf<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let which = Which::parse(text(arguments, 2));
    let message = execution.transit.message;
    let mut replaced = false;
    for header in which.headers(&message, text(arguments, 0)) {
        replaced |= substitute(execution, substitution(arguments, 1), header.value) == TRUE;
    }
    verdict(replaced)
}

/// `subst_uri(subexp)`.
fn subst_uri<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let transit = &mut execution.transit;
    let uri = substitution(arguments, 0)
        .and_then(|substitution| substitution.apply(transit.uri, transit.arena))
        .filter(|uri| can_be_uri(uri));
    let Some(uri) = uri else { return FALSE };
    transit.uri = uri;
    TRUE
}

/// `subst_user(subexp)`.
fn subst_user<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let transit = &mut execution.transit;
    let Ok(uri) = Uri::parse(transit.uri) else { return FALSE };
    let user = substitution(arguments, 0)
        .and_then(|substitution| substitution.apply(uri.user.unwrap_or_default(), transit.arena))
        .filter(|user| can_be_uri(user));
    let Some(user) = user else { return FALSE };
    transit.uri = match uri.user {
        Some(old) => {
            let start = offset_in(uri.text, old);
            let (before, behind) = (&uri.text[..start], &uri.text[start + old.len()..]);
            joined(transit.arena, &[before, user, behind])
        }
        None => {
            let (scheme, host) = uri.text.split_at(offset_in(uri.text, uri.host));
            joined(transit.arena, &[scheme, user, b"@", host])
        }
    };
    TRUE
}

/// Whether `text` can stand in a request line without breaking it.
fn can_be_uri(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
}

/// Offset of `part`, which is a piece of `text`.
fn offset_in(text: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(text.as_ptr().addr()).min(text.len())
}
