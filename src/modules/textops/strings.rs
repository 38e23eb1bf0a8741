//! Comparing strings and lists, and the method of the message.

use memchr::memmem;

use crate::modules::table::{function, int, required_text, text, verdict, write};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ParameterKind, ParameterSpec, PatternFlags,
    ReturnCode, TRUE, compile_pattern,
};
use crate::sip::StartLine;

/// The functions of this part.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "is_method",
        &[ParameterSpec::required("name", ParameterKind::Text)],
        "Whether the method of the message is the given one, or one of several with `|` between \
         them. Of a response, the method in CSeq is compared.\n\nMethods are compared with regard \
         to case (RFC 3261 §7.1).",
        r#"if (is_method("INVITE|SUBSCRIBE")) exit;"#,
        is_method,
    ),
    function(
        "cmp_str",
        &[required_text("str1"), required_text("str2")],
        "Whether two strings are equal.",
        r#"if (cmp_str("$rU", "operator")) exit;"#,
        |_, arguments| verdict(text(arguments, 0) == text(arguments, 1)),
    ),
    function(
        "cmp_istr",
        &[required_text("str1"), required_text("str2")],
        "Whether two strings are equal without regard to case.",
        r#"if (cmp_istr("$rd", "EXAMPLE.com")) exit;"#,
        |_, arguments| verdict(text(arguments, 0).eq_ignore_ascii_case(text(arguments, 1))),
    ),
    function(
        "starts_with",
        &[required_text("str"), required_text("prefix")],
        "Whether the first string starts with the second.",
        r#"if (starts_with("$rU", "+358")) exit;"#,
        |_, arguments| verdict(text(arguments, 0).starts_with(text(arguments, 1))),
    ),
    function(
        "ends_with",
        &[required_text("str"), required_text("suffix")],
        "Whether the first string ends with the second.",
        r#"if (ends_with("$rU", "00")) exit;"#,
        |_, arguments| verdict(text(arguments, 0).ends_with(text(arguments, 1))),
    ),
    function(
        "str_find",
        &[required_text("str"), required_text("part")],
        "Whether the first string contains the second; the code is where, from 1.",
        r#"if (str_find("$ua", "friendly-scanner")) exit;"#,
        |_, arguments| place(memmem::find(text(arguments, 0), text(arguments, 1))),
    ),
    function(
        "regex_substring",
        &[
            required_text("text"),
            required_text("re"),
            ParameterSpec::required("index", ParameterKind::Int),
            ParameterSpec::required("count", ParameterKind::Int),
            ParameterSpec::required("result", ParameterKind::Variable),
        ],
        "Searches a text with a regular expression and writes one of its groups into a variable: 0 \
         is the whole match, 1 the first group. `count` is how many there are at most. False if \
         there is no such group.",
        r#"regex_substring("$ua", "([a-z]+)/([0-9]+)", 2, 3, "$var(version)");"#,
        regex_substring,
    ),
    function(
        "str_ifind",
        &[required_text("str"), required_text("part")],
        "Whether the first string contains the second, without regard to case; the code is where, \
         from 1.",
        r#"if (str_ifind("$ua", "Friendly-Scanner")) exit;"#,
        str_ifind,
    ),
    function(
        "str_any_in",
        &[required_text("str"), required_text("characters")],
        "Whether the first string contains one of the characters of the second.",
        r#"if (str_any_in("$rU", "*#")) exit;"#,
        |_, arguments| {
            verdict(text(arguments, 0).iter().any(|byte| text(arguments, 1).contains(byte)))
        },
    ),
    function(
        "str_all_in",
        &[required_text("str"), required_text("characters")],
        "Whether the first string consists of characters of the second.",
        r#"if (str_all_in("$rU", "0123456789")) exit;"#,
        |_, arguments| {
            verdict(text(arguments, 0).iter().all(|byte| text(arguments, 1).contains(byte)))
        },
    ),
    function(
        "in_list",
        &[required_text("subject"), required_text("list"), required_text("separator")],
        "Whether the subject is an element of the list, whose elements have the separator, a \
         single character, between them.",
        r#"if (in_list("$rU", "110,112", ",")) exit;"#,
        |_, arguments| verdict(elements(arguments).any(|element| element == text(arguments, 0))),
    ),
    function(
        "in_list_prefix",
        &[required_text("subject"), required_text("list"), required_text("separator")],
        "Whether the subject starts with an element of the list, whose elements have the \
         separator, a single character, between them.",
        r#"if (in_list_prefix("$rU", "0900,0190", ",")) exit;"#,
        |_, arguments| {
            let subject = text(arguments, 0);
            let fits = |element: &[u8]| !element.is_empty() && subject.starts_with(element);
            verdict(elements(arguments).any(fits))
        },
    ),
];

/// `is_method(name)`.
fn is_method<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let message = &execution.transit.message;
    let method = match message.start_line() {
        StartLine::Request { name, .. } => Some(name),
        StartLine::Status { .. } => message.cseq().ok().map(|cseq| cseq.method),
    };
    let mut wanted = text(arguments, 0).split(|byte| *byte == b'|');
    verdict(wanted.any(|name| Some(name.trim_ascii()) == method))
}

/// How `regex_substring` matches: as POSIX does without flags.
const EXACT: PatternFlags = PatternFlags { ignore_case: false, newline_sensitive: false };

/// `regex_substring(text, re, index, count, result)`.
fn regex_substring<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (Some(index), Some(count)) = (int(arguments, 2), int(arguments, 3)) else { return FALSE };
    let wanted = match compile_pattern(text(arguments, 1), EXACT) {
        Ok(wanted) => wanted,
        Err(reason) => {
            execution.complain(&format!("this is no regular expression: {reason}"));
            return FALSE;
        }
    };
    let group = usize::try_from(index).ok().filter(|_| index < count);
    let captures = wanted.captures(text(arguments, 0));
    let found = captures.and_then(|captures| captures.get(group?));
    verdict(found.is_some_and(|found| write(execution, arguments, 4, found.as_bytes())))
}

/// `str_ifind(str, part)`.
fn str_ifind<'m>(_: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (input, part) = (text(arguments, 0), text(arguments, 1));
    if part.is_empty() {
        return TRUE;
    }
    place(input.windows(part.len()).position(|window| window.eq_ignore_ascii_case(part)))
}

/// The code that says where something was found, from 1.
fn place(found: Option<usize>) -> ReturnCode {
    found.map_or(FALSE, |at| ReturnCode::try_from(at + 1).unwrap_or(ReturnCode::MAX))
}

/// The elements of the list that is the second argument.
fn elements<'m>(arguments: &[Argument<'m>]) -> impl Iterator<Item = &'m [u8]> {
    let separator = text(arguments, 2).first().copied();
    text(arguments, 1).split(move |byte| Some(*byte) == separator).map(<[u8]>::trim_ascii)
}
