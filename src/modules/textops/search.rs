//! Searching the message and replacing what was found.

use std::ops::Range;

use memchr::memmem;
use regex::bytes::Regex;

use super::Which;
use crate::modules::table::{function, regex, required_text, text, verdict};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ParameterKind, ParameterSpec, PatternFlags,
    ReturnCode, compile_pattern, whole_line_range,
};
use crate::sip::Message;

/// A required regular expression.
const RE: ParameterSpec = ParameterSpec::required("re", ParameterKind::Regex);

/// A required text that takes the place of something.
const TXT: ParameterSpec = required_text("txt");

/// The functions of this part.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "search",
        &[RE],
        "Whether the message matches the regular expression.\n\nThe message is searched from the \
         first byte of its first line to the end of its body; `^` and `$` match at each line.",
        r#"if (search("^Subject: .*urgent")) exit;"#,
        |execution, arguments| search(arguments, message_text(execution)),
    ),
    function(
        "search_body",
        &[RE],
        "Whether the body matches the regular expression.",
        r#"if (search_body("^m=audio")) exit;"#,
        |execution, arguments| search(arguments, execution.transit.message.body()),
    ),
    function(
        "search_str",
        &[required_text("text"), required_text("re")],
        "Whether a text matches a regular expression.\n\nThe expression is compiled at each call, \
         as it may contain variables.",
        r#"if (search_str("$ru", ";transport=tcp")) exit;"#,
        search_str,
    ),
    function(
        "search_hf",
        &[required_text("hf"), RE, required_text("flags")],
        "Whether the value of a header field matches the regular expression.\n\nFlags: `a` all \
         fields of that name, `f` the first, `l` the last.",
        r#"if (search_hf("From", ":test@", "a")) exit;"#,
        search_hf,
    ),
    function(
        "search_append",
        &[RE, TXT],
        "Inserts a text behind the first match of the regular expression in the header fields \
         and the body.",
        r#"search_append("^Subject: .*$", " (checked)");"#,
        |execution, arguments| append(execution, arguments, headers_and_body),
    ),
    function(
        "search_append_body",
        &[RE, TXT],
        "Inserts a text behind the first match of the regular expression in the body.",
        r#"search_append_body("^s=.*$", " (checked)");"#,
        |execution, arguments| append(execution, arguments, body),
    ),
    function(
        "replace",
        &[RE, TXT],
        "Replaces the first match of the regular expression in the header fields and the body.",
        r#"replace("server", "proxy");"#,
        |execution, arguments| replace(execution, arguments, headers_and_body, 1),
    ),
    function(
        "replace_all",
        &[RE, TXT],
        "Replaces all matches of the regular expression in the header fields and the body.",
        r#"replace_all("server", "proxy");"#,
        |execution, arguments| replace(execution, arguments, headers_and_body, usize::MAX),
    ),
    function(
        "replace_hdrs",
        &[RE, TXT],
        "Replaces the first match of the regular expression in the header fields.",
        r#"replace_hdrs("server", "proxy");"#,
        |execution, arguments| replace(execution, arguments, headers, 1),
    ),
    function(
        "replace_body",
        &[RE, TXT],
        "Replaces the first match of the regular expression in the body.",
        r#"replace_body("^a=sendonly$", "a=sendrecv");"#,
        |execution, arguments| replace(execution, arguments, body, 1),
    ),
    function(
        "replace_body_all",
        &[RE, TXT],
        "Replaces all matches of the regular expression in the body, line by line.",
        r#"replace_body_all("^a=sendonly$", "a=sendrecv");"#,
        |execution, arguments| replace(execution, arguments, body, usize::MAX),
    ),
    function(
        "replace_body_atonce",
        &[ParameterSpec::required("re", ParameterKind::Literal), TXT],
        "Replaces all matches of the regular expression in the body, taken as a whole: `^` and \
         `$` are its ends and `.` matches line breaks too.\n\nThe expression is compiled at each \
         call.",
        r#"if (has_body() && replace_body_atonce("^.+$", "")) remove_hf("Content-Type");"#,
        replace_body_atonce,
    ),
    function(
        "replace_str",
        &[required_text("match"), required_text("repl"), required_text("mode")],
        "Replaces a text in the header fields and the body.\n\nMode: `f` the first, `a` all.",
        r#"replace_str("server", "proxy", "a");"#,
        |execution, arguments| replace_str(execution, arguments, headers_and_body),
    ),
    function(
        "replace_hdrs_str",
        &[required_text("match"), required_text("repl"), required_text("mode")],
        "Replaces a text in the header fields.\n\nMode: `f` the first, `a` all.",
        r#"replace_hdrs_str("server", "proxy", "a");"#,
        |execution, arguments| replace_str(execution, arguments, headers),
    ),
    function(
        "replace_body_str",
        &[required_text("match"), required_text("repl"), required_text("mode")],
        "Replaces a text in the body.\n\nMode: `f` the first, `a` all.",
        r#"replace_body_str("sendonly", "sendrecv", "a");"#,
        |execution, arguments| replace_str(execution, arguments, body),
    ),
];

/// A piece of the message that a function works on.
type Part = for<'d> fn(&Message<'d>) -> &'d [u8];

/// The whole message.
fn message_text<'m>(execution: &Execution<'m>) -> &'m [u8] {
    execution.transit.message.text()
}

/// What follows the first line.
pub(super) fn headers_and_body<'d>(message: &Message<'d>) -> &'d [u8] {
    &message.text()[message.headers_start()..]
}

/// The header fields.
fn headers<'d>(message: &Message<'d>) -> &'d [u8] {
    message.head()
}

/// The body.
pub(super) fn body<'d>(message: &Message<'d>) -> &'d [u8] {
    message.body()
}

/// Whether `input` matches the first argument.
fn search(arguments: &[Argument<'_>], input: &[u8]) -> ReturnCode {
    verdict(regex(arguments, 0).is_some_and(|regex| regex.is_match(input)))
}

/// `search_str(text, re)`.
fn search_str<'m>(_: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Ok(regex) = compile_pattern(text(arguments, 1), PatternFlags::TEXTOPS) else {
        return FALSE;
    };
    verdict(regex.is_match(text(arguments, 0)))
}

/// `search_hf(hf, re, flags)`.
fn search_hf<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(regex) = regex(arguments, 1) else { return FALSE };
    let which = Which::parse(text(arguments, 2));
    let found = which
        .headers(&execution.transit.message, text(arguments, 0))
        .any(|header| regex.is_match(header.value));
    verdict(found)
}

/// The matches in `input`; none splits a line break.
fn matches<'a>(regex: &'a Regex, input: &'a [u8]) -> impl Iterator<Item = Range<usize>> {
    regex.find_iter(input).filter_map(move |found| whole_line_range(input, found.range()))
}

/// Inserts the second argument behind the first match of the first in a part of the message.
fn append<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>], part: Part) -> ReturnCode {
    let Some(regex) = regex(arguments, 0) else { return FALSE };
    let message = execution.transit.message;
    let input = part(&message);
    let Some(range) = matches(regex, input).next() else { return FALSE };
    let at = message.offset_of(input) + range.end;
    verdict(execution.transit.edits.insert(at, text(arguments, 1)))
}

/// Replaces up to `count` matches of the first argument in a part of the message by the second.
fn replace<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    part: Part,
    count: usize,
) -> ReturnCode {
    let Some(regex) = regex(arguments, 0) else { return FALSE };
    let input = part(&execution.transit.message);
    let ranges = matches(regex, input).take(count);
    replace_ranges(execution, input, ranges, text(arguments, 1))
}

/// `replace_body_atonce(re, txt)`.
fn replace_body_atonce<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let flags = PatternFlags::OPERATOR;
    let Ok(regex) = compile_pattern(text(arguments, 0), flags) else { return FALSE };
    let input = execution.transit.message.body();
    let ranges = regex.find_iter(input).map(|found| found.range());
    replace_ranges(execution, input, ranges, text(arguments, 1))
}

/// `replace_str(match, repl, mode)` on a part of the message.
fn replace_str<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    part: Part,
) -> ReturnCode {
    let wanted = text(arguments, 0);
    if wanted.is_empty() {
        return FALSE;
    }
    let count = match Which::parse(text(arguments, 2)) {
        Which::First => 1,
        _ => usize::MAX,
    };
    let input = part(&execution.transit.message);
    let ranges = memmem::find_iter(input, wanted).map(|at| at..at + wanted.len()).take(count);
    replace_ranges(execution, input, ranges, text(arguments, 1))
}

/// Replaces the ranges of `input`, a part of the message, by `replacement`; true if there was
/// one and all could be replaced.
fn replace_ranges(
    execution: &mut Execution<'_>,
    input: &[u8],
    ranges: impl Iterator<Item = Range<usize>>,
    replacement: &[u8],
) -> ReturnCode {
    let start = execution.transit.message.offset_of(input);
    let mut replaced = false;
    for range in ranges {
        if !execution.transit.edits.replace(start + range.start, range.len(), replacement) {
            return FALSE;
        }
        replaced = true;
    }
    verdict(replaced)
}
