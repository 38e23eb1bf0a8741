//! `textopsx`: More text operations.

mod credentials;
mod iterator;
mod values;

use super::table::{
    count, function, int, join, optional_text, regex, required_text, text, verdict,
};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ModuleSpec, ParameterKind, ParameterSpec, ReturnCode,
    RouteKinds,
};
use crate::sip::HeaderName;

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: &FUNCTIONS,
    variables: iterator::VARIABLES,
    ..ModuleSpec::new("textopsx", "More text operations.")
};

/// The functions of the parts of the module.
const TABLES: &[&[FunctionSpec]] =
    &[OWN, iterator::FUNCTIONS, values::FUNCTIONS, credentials::FUNCTIONS];

/// All functions.
const FUNCTIONS: [FunctionSpec; count(TABLES)] = join(TABLES);

/// The functions of this file.
const OWN: &[FunctionSpec] = &[
    FunctionSpec {
        routes: RouteKinds::REPLY,
        ..function(
            "change_reply_status",
            &[ParameterSpec::required("code", ParameterKind::Int), required_text("reason")],
            "Changes code and reason of a response before it goes on. False if that would make a \
             success of a failure or the other way round, or anything else of a provisional one.",
            r#"change_reply_status("404", "Not Found");"#,
            change_reply_status,
        )
    },
    FunctionSpec {
        routes: RouteKinds::REPLY,
        ..function(
            "change_reply_status_code",
            &[ParameterSpec::required("code", ParameterKind::Int)],
            "Changes the code of a response, and not its reason. What `change_reply_status` says \
             holds here too.",
            r#"change_reply_status_code("404");"#,
            change_reply_status,
        )
    },
    function(
        "fnmatch",
        &[required_text("value"), required_text("pattern"), optional_text("flags")],
        "Whether a text matches a pattern as the shell has them: `*`, `?`, `[abc]`, `[!a-z]`.\n\n\
         The flag `i` is without regard to case.",
        r#"if (fnmatch("$rU", "123*")) exit;"#,
        fnmatch,
    ),
    function(
        "keep_hf",
        &[ParameterSpec::optional("re", ParameterKind::Regex)],
        "Removes all header fields but those that every message must have, those about the body, \
         and those whose name matches the regular expression.",
        r#"keep_hf("^(User-Agent|Subject)$");"#,
        keep_hf,
    ),
    FunctionSpec {
        routes: RouteKinds::REQUEST_AND_REPLY,
        ..function(
            "msg_apply_changes",
            &[],
            "Makes the changes to the message that were only noted so far, so that what follows \
             reads the message as it is then.\n\nThe Request-URI becomes that of the message: \
             `$ou` has it, and `revert_uri()` gives it back. Everything else that was decided \
             stays. False, and nothing changes, if the message would be malformed then, after \
             `record_route()`, or when a run does it more often than 16 times.",
            "msg_apply_changes();",
            |execution, _| {
                if execution.transit.record_route.is_some() {
                    execution.complain("msg_apply_changes: record_route() comes after it");
                    return FALSE;
                }
                let changed = execution.host.apply_changes(&execution.transit);
                replace_message(execution, changed.as_deref().unwrap_or_default())
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::REQUEST_AND_REPLY,
        ..function(
            "msg_set_buffer",
            &[required_text("text")],
            "Puts another message, given with all its lines, in place of this one; changes that \
             were noted are forgotten. What `msg_apply_changes` says holds here too.",
            r#"msg_set_buffer("$(mb{re.subst,/^Subject:.*$/Subject: x/})");"#,
            |execution, arguments| {
                if execution.host.apply_changes(&execution.transit).is_none() {
                    return FALSE;
                }
                replace_message(execution, text(arguments, 0))
            },
        )
    },
    function(
        "remove_body",
        &[],
        "Removes the body and Content-Type.",
        "remove_body();",
        remove_body,
    ),
];

/// Puts another message in place of this one.
fn replace_message(execution: &mut Execution<'_>, text: &[u8]) -> ReturnCode {
    let text = execution.build(&[text]);
    let is_replaced = execution.replace_message(text);
    if !is_replaced {
        execution.complain("what the message would be then is malformed, or there were too many");
    }
    verdict(is_replaced)
}

/// `change_reply_status(code[, reason])`.
fn change_reply_status<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let message = execution.transit.message;
    let (Some(old), Some(new)) = (message.status(), int(arguments, 0)) else { return FALSE };
    let class = |code: i64| code / 100;
    let is_kept = class(old.into()) == class(new);
    if !(100..700).contains(&new) || !is_kept && (old < 300 || new < 300) {
        execution.complain("the class of this response cannot be changed to that");
        return FALSE;
    }
    let line = message.bytes().get(..message.headers_start()).unwrap_or_default();
    let Some(at) = memchr::memchr(b' ', line).map(|space| space + 1) else { return FALSE };
    let code = execution.show_int(new);
    let reason = text(arguments, 1);
    if reason.iter().any(u8::is_ascii_control) {
        return FALSE;
    }
    let edits = &mut execution.transit.edits;
    verdict(match arguments.get(1) {
        Some(_) => {
            let line_end = line.iter().rev().take_while(|byte| b"\r\n".contains(byte)).count();
            let length = line.len().saturating_sub(line_end + at);
            edits.replace_parts(at, length, &[code, b" ", reason])
        }
        None => edits.replace(at, code.len(), code),
    })
}

/// `fnmatch(value, pattern[, flags])`.
fn fnmatch<'m>(_: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let ignore_case = text(arguments, 2).contains(&b'i');
    verdict(matches(text(arguments, 0), text(arguments, 1), ignore_case))
}

/// Whether `value` matches the shell pattern. On a mismatch, the last star seen takes one byte
/// more; stars before it never have to be tried again.
fn matches(value: &[u8], pattern: &[u8], ignore_case: bool) -> bool {
    let (mut at, mut rest) = (0, pattern);
    let mut retry: Option<(usize, &[u8])> = None;
    loop {
        if let [b'*', behind @ ..] = rest {
            rest = behind;
            retry = Some((at, behind));
            continue;
        }
        let Some(byte) = value.get(at) else { return rest.is_empty() };
        if let Some(behind) = match_one(*byte, rest, ignore_case) {
            (at, rest) = (at + 1, behind);
            continue;
        }
        let Some((start, behind)) = retry else { return false };
        retry = Some((start + 1, behind));
        (at, rest) = (start + 1, behind);
    }
}

/// What of the pattern is left when its first element, no star, has matched `byte`.
fn match_one(byte: u8, pattern: &[u8], ignore_case: bool) -> Option<&[u8]> {
    let fold = |byte: u8| if ignore_case { byte.to_ascii_lowercase() } else { byte };
    match pattern {
        [] => None,
        [b'?', behind @ ..] => Some(behind),
        [b'\\', literal, behind @ ..] => (fold(*literal) == fold(byte)).then_some(behind),
        [b'[', set @ ..] if closes(set).is_some() => {
            let (set, behind) = set.split_at(closes(set)?);
            let negated = matches!(set.first(), Some(b'!' | b'^'));
            let set = &set[usize::from(negated)..];
            let found = contains(set, fold(byte)) || contains(set, byte);
            (found != negated).then(|| &behind[1..])
        }
        [literal, behind @ ..] => (fold(*literal) == fold(byte)).then_some(behind),
    }
}

/// Offset of the `]` that closes a set; as its first member it is an ordinary one.
fn closes(set: &[u8]) -> Option<usize> {
    let first = 1 + usize::from(matches!(set.first(), Some(b'!' | b'^')));
    set.get(first..)?.iter().position(|byte| *byte == b']').map(|offset| first + offset)
}

/// Whether a set has `byte` as a member, alone or in a range.
fn contains(set: &[u8], byte: u8) -> bool {
    let mut rest = set;
    while let [low, behind @ ..] = rest {
        if let [b'-', high, behind @ ..] = behind {
            if (*low..=*high).contains(&byte) {
                return true;
            }
            rest = behind;
        } else if *low == byte {
            return true;
        } else {
            rest = behind;
        }
    }
    false
}

/// `keep_hf([re])`.
fn keep_hf<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let kept = regex(arguments, 0);
    let transit = &mut execution.transit;
    for header in transit.message.all_headers() {
        let keep = NEEDED.contains(&header.name)
            || kept.is_some_and(|kept| kept.is_match(header.name_text));
        let at = transit.message.offset_of(header.line);
        if !keep && !transit.edits.remove(at, header.line.len()) {
            return FALSE;
        }
    }
    verdict(true)
}

/// The header fields that `keep_hf` always keeps.
const NEEDED: [HeaderName; 11] = [
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::Contact,
    HeaderName::MaxForwards,
    HeaderName::Route,
    HeaderName::RecordRoute,
    HeaderName::ContentLength,
    HeaderName::ContentType,
];

/// `remove_body()`.
fn remove_body<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let transit = &mut execution.transit;
    let message = transit.message;
    let body = message.body();
    if body.is_empty() {
        return FALSE;
    }
    let mut removed = transit.edits.remove(message.offset_of(body), body.len());
    for header in message.headers(HeaderName::ContentType) {
        removed &= transit.edits.remove(message.offset_of(header.line), header.line.len());
    }
    verdict(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::over;
    use crate::script::TRUE;

    #[test]
    fn shell_patterns_match() {
        for (value, pattern, expected) in [
            ("123", "123*", true),
            ("12", "123*", false),
            ("", "*", true),
            ("", "?", false),
            ("abcbd", "a*b?", true),
            ("abcbde", "a*b?", false),
            ("a.b", "a[.]b", true),
            ("axb", "a[!a-m]b", true),
            ("acb", "a[!a-m]b", false),
            ("a]b", "a[]x]b", true),
            ("a[b", "a[b", true),
            ("a*b", r"a\*b", true),
            ("axb", r"a\*b", false),
            ("ab", "a**b*", true),
        ] {
            assert_eq!(matches(value.as_bytes(), pattern.as_bytes(), false), expected, "{pattern}");
        }
        assert!(matches(b"ABC", b"a[b]?", true));
        let long = vec![b'a'; 10_000];
        assert!(!matches(&long, b"*a*a*a*a*a*a*b", false), "and ends");
    }

    #[test]
    fn all_but_the_needed_header_fields_go() {
        let text = "OPTIONS sip:a@b SIP/2.0\nVia: v\nX: 1\nSubject: s\nTo: t\ny: 2\n\nbody";
        over(text, |trial| {
            assert_eq!(trial.run("keep_hf", &["^subject$"]), TRUE);
            assert_eq!(
                trial.sent(),
                "OPTIONS sip:a@b SIP/2.0\r\nVia: v\r\nSubject: s\r\nTo: t\r\n\r\nbody"
            );
        });
    }

    #[test]
    fn body_goes_with_its_type() {
        over("MESSAGE sip:a@b SIP/2.0\nc: text/plain\nTo: t\n\nbody", |trial| {
            assert_eq!(trial.run("remove_body", &[]), TRUE);
            assert_eq!(trial.sent(), "MESSAGE sip:a@b SIP/2.0\r\nTo: t\r\n\r\n");
        });
        over("MESSAGE sip:a@b SIP/2.0\nTo: t\n\n", |trial| {
            assert_eq!(trial.run("remove_body", &[]), FALSE);
        });
    }
}
