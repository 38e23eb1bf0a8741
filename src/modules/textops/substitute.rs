//! Substitutions in the style of `sed`.

use super::Which;
use super::search::{body, headers_and_body};
use crate::modules::core::uri::{assign_uri, rewrite};
use crate::modules::table::{function, required_text, text, verdict, write};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ParameterKind, ParameterSpec, ReturnCode, RouteKinds,
    Substitution, TRUE,
};

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
    function(
        "subst_v",
        &[
            required_text("text"),
            SUBEXP,
            ParameterSpec::required("result", ParameterKind::Variable),
        ],
        "Substitutes in a text and writes the result into a variable, if there was a match.",
        r#"subst_v("$fU", "/^00/+/", "$var(number)");"#,
        subst_v,
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
    let Some(bound) = substitution.map(|it| it.bind(execution)) else { return FALSE };
    let transit = &mut execution.transit;
    let start = transit.message.offset_of(input);
    let mut replaced = false;
    for (range, replacement) in bound.replacements(input) {
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

/// `subst_v(text, subexp, result)`.
fn subst_v<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let input = text(arguments, 0);
    let result = substitution(arguments, 1).and_then(|it| it.bind(execution).apply(input));
    verdict(result.is_some_and(|result| write(execution, arguments, 2, result)))
}

/// `subst_uri(subexp)`.
fn subst_uri<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let uri =
        substitution(arguments, 0).and_then(|it| it.bind(execution).apply(execution.transit.uri));
    verdict(uri.is_some_and(|uri| assign_uri(execution, uri)))
}

/// `subst_user(subexp)`.
fn subst_user<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(uri) = execution.parse_uri(execution.transit.uri) else { return FALSE };
    let user = substitution(arguments, 0)
        .and_then(|it| it.bind(execution).apply(uri.user.unwrap_or_default()))
        .filter(|user| !user.is_empty());
    let Some(user) = user else { return FALSE };
    verdict(rewrite(execution, |parts| parts.user = Some(user)))
}
