//! Header fields: are they there, adding them, removing them.

use super::Which;
use crate::modules::table::verdict;
use crate::modules::table::{function, int, optional_text, regex, required_text, text};
use crate::script::{
    Argument, DateTime, Execution, FALSE, FunctionSpec, LogLevel, ParameterKind, ParameterSpec,
    PatternFlags, ReturnCode, RouteKinds, TRUE, compile_pattern,
};
use crate::sip::Header;

/// A required regular expression.
const RE: ParameterSpec = ParameterSpec::required("re", ParameterKind::Regex);

/// The name of a header field.
const HNAME: ParameterSpec = required_text("hname");

/// The functions of this part.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "append_hf",
        &[required_text("txt"), optional_text("hf")],
        "Adds header lines behind the last header field, or behind the last one named `hf`.\n\n\
         The line break at the end may be left out. A text that is no header line, or that has an \
         empty line in it, is refused: values of variables cannot end the header.",
        r#"append_hf("P-Hint: outbound\r\n");"#,
        append_hf,
    ),
    function(
        "insert_hf",
        &[required_text("txt"), optional_text("hf")],
        "Adds header lines before the first header field, or before the first one named `hf`.\n\n\
         What `append_hf` says about the text holds here too.",
        r#"insert_hf("P-Hint: outbound\r\n", "Call-ID");"#,
        insert_hf,
    ),
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "append_urihf",
            &[required_text("prefix"), required_text("suffix")],
            "Adds a header line of prefix, Request-URI as it arrived, and suffix behind the last \
             header field.",
            r#"append_urihf("CC-Diversion: ", "\r\n");"#,
            append_urihf,
        )
    },
    FunctionSpec {
        aliases: &["is_present_hf_pv"],
        ..function(
            "is_present_hf",
            &[HNAME],
            "Whether there is a header field of that name, in any case, long or compact.",
            r#"if (is_present_hf("From")) exit;"#,
            is_present_hf,
        )
    },
    function(
        "is_present_hf_re",
        &[RE],
        "Whether there is a header field whose name matches the regular expression.",
        r#"if (is_present_hf_re("^P-")) exit;"#,
        is_present_hf_re,
    ),
    FunctionSpec {
        aliases: &["remove_hf_pv"],
        ..function(
            "remove_hf",
            &[HNAME],
            "Removes all header fields of that name, in any case, long or compact. True if there \
             was one.",
            r#"remove_hf("User-Agent");"#,
            |execution, arguments| {
                let name = text(arguments, 0);
                remove(execution, execution.transit.message.headers_named(name))
            },
        )
    },
    function(
        "remove_hf_re",
        &[RE],
        "Removes all header fields whose name matches the regular expression. True if there was \
         one.",
        r#"remove_hf_re("^P-");"#,
        remove_hf_re,
    ),
    function(
        "remove_hf_exp",
        &[RE, ParameterSpec::required("skip", ParameterKind::Regex)],
        "Removes all header fields whose name matches the first regular expression but not the \
         second. True if there was one.",
        r#"remove_hf_exp("^P-", "^P-Keep-");"#,
        remove_hf_exp,
    ),
    function(
        "is_present_hf_re_pv",
        &[required_text("re")],
        "Like `is_present_hf_re`, with a regular expression that is put together when the script \
         runs: a text with variables.",
        r#"if (is_present_hf_re_pv("^$var(start)")) exit;"#,
        |execution, arguments| {
            let Some(wanted) = computed(execution, text(arguments, 0)) else { return FALSE };
            let mut headers = execution.transit.message.all_headers();
            verdict(headers.any(|header| wanted.is_match(header.name_text)))
        },
    ),
    function(
        "remove_hf_re_pv",
        &[required_text("re")],
        "Like `remove_hf_re`, with a regular expression that is put together when the script runs.",
        r#"remove_hf_re_pv("^$var(start)");"#,
        |execution, arguments| {
            let Some(wanted) = computed(execution, text(arguments, 0)) else { return FALSE };
            let headers = execution.transit.message.all_headers();
            remove(execution, headers.filter(|header| wanted.is_match(header.name_text)))
        },
    ),
    function(
        "remove_hf_exp_pv",
        &[required_text("re"), required_text("skip")],
        "Like `remove_hf_exp`, with regular expressions that are put together when the script \
         runs.",
        r#"remove_hf_exp_pv("^P-", "^$var(keep)");"#,
        |execution, arguments| {
            let wanted = computed(execution, text(arguments, 0));
            let kept = computed(execution, text(arguments, 1));
            let (Some(wanted), Some(kept)) = (wanted, kept) else { return FALSE };
            let headers = execution.transit.message.all_headers().filter(|header| {
                wanted.is_match(header.name_text) && !kept.is_match(header.name_text)
            });
            remove(execution, headers)
        },
    ),
    function(
        "remove_hf_idx",
        &[HNAME, ParameterSpec::required("index", ParameterKind::Int)],
        "Removes one of the header fields of that name: 0 is the first, -1 the last.",
        r#"remove_hf_idx("X-Hop", "-1");"#,
        remove_hf_idx,
    ),
    function(
        "remove_hf_match",
        &[HNAME, required_text("operator"), required_text("text")],
        "Removes the header fields of that name whose value is equal (`eq`) or not equal (`ne`) \
         to the text, contains it (`in`) or matches it as a regular expression (`re`).",
        r#"remove_hf_match("X-Info", "in", "data");"#,
        remove_hf_match,
    ),
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "append_to_reply",
            &[required_text("txt")],
            "Adds header lines to the replies that are made here for this request.",
            r#"append_to_reply("Retry-After: 30\r\n");"#,
            append_to_reply,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "append_time",
            &[],
            "Adds a Date header field to the replies that are made here for this request.",
            "append_time();",
            append_time,
        )
    },
    function(
        "append_time_to_request",
        &[],
        "Adds a Date header field to the message.",
        r#"if (!is_present_hf("Date")) append_time_to_request();"#,
        append_time_to_request,
    ),
    function(
        "is_privacy",
        &[required_text("type")],
        "Whether the Privacy header field asks for that type of privacy (RFC 3323 §4.2).",
        r#"if (is_privacy("id")) remove_hf("P-Asserted-Identity");"#,
        is_privacy,
    ),
];

/// `append_hf(txt[, hf])`.
fn append_hf<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(lines) = lines(execution, &[text(arguments, 0)]) else { return FALSE };
    let message = execution.transit.message;
    let anchor = Which::Last.headers(&message, text(arguments, 1)).next();
    let at = match anchor {
        Some(header) => message.offset_of(header.line) + header.line.len(),
        None => message.headers_end(),
    };
    verdict(execution.transit.edits.insert(at, lines))
}

/// `insert_hf(txt[, hf])`.
fn insert_hf<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(lines) = lines(execution, &[text(arguments, 0)]) else { return FALSE };
    let message = execution.transit.message;
    let anchor = message.headers_named(text(arguments, 1)).next();
    let at = match anchor {
        Some(header) => message.offset_of(header.line),
        None => message.headers_start(),
    };
    verdict(execution.transit.edits.insert(at, lines))
}

/// `append_urihf(prefix, suffix)`.
fn append_urihf<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let message = execution.transit.message;
    let parts = [text(arguments, 0), message.request_uri(), text(arguments, 1)];
    let Some(lines) = lines(execution, &parts) else { return FALSE };
    verdict(execution.transit.edits.insert(message.headers_end(), lines))
}

/// `is_present_hf(hname)`.
fn is_present_hf<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let message = execution.transit.message;
    verdict(message.headers_named(text(arguments, 0)).next().is_some())
}

/// `is_present_hf_re(re)`.
fn is_present_hf_re<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(wanted) = regex(arguments, 0) else { return FALSE };
    let mut headers = execution.transit.message.all_headers();
    verdict(headers.any(|header| wanted.is_match(header.name_text)))
}

/// `remove_hf_re(re)`.
fn remove_hf_re<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(wanted) = regex(arguments, 0) else { return FALSE };
    let headers = execution.transit.message.all_headers();
    remove(execution, headers.filter(|header| wanted.is_match(header.name_text)))
}

/// `remove_hf_exp(re, skip)`.
fn remove_hf_exp<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (Some(wanted), Some(kept)) = (regex(arguments, 0), regex(arguments, 1)) else {
        return FALSE;
    };
    let headers = execution
        .transit
        .message
        .all_headers()
        .filter(|header| wanted.is_match(header.name_text) && !kept.is_match(header.name_text));
    remove(execution, headers)
}

/// The regular expression that a text is; `None`, and a line in the log, if it is none.
fn computed(execution: &mut Execution<'_>, pattern: &[u8]) -> Option<regex::bytes::Regex> {
    match compile_pattern(pattern, PatternFlags::TEXTOPS) {
        Ok(wanted) => Some(wanted),
        Err(reason) => {
            execution.complain(&format!("this is no regular expression: {reason}"));
            None
        }
    }
}

/// `remove_hf_idx(hname, index)`.
fn remove_hf_idx<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let headers = execution.transit.message.headers_named(text(arguments, 0));
    let Some(index) = int(arguments, 1) else { return FALSE };
    let count = i64::try_from(execution.transit.message.headers_named(text(arguments, 0)).count())
        .unwrap_or(i64::MAX);
    let position = if index < 0 { index.saturating_add(count) } else { index };
    let Ok(position) = usize::try_from(position) else { return FALSE };
    remove(execution, headers.skip(position).take(1))
}

/// `remove_hf_match(hname, operator, text)`.
fn remove_hf_match<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let headers = execution.transit.message.headers_named(text(arguments, 0));
    let wanted = text(arguments, 2);
    match text(arguments, 1) {
        b"eq" => remove(execution, headers.filter(|header| header.value == wanted)),
        b"ne" => remove(execution, headers.filter(|header| header.value != wanted)),
        b"in" => {
            let contains = |value| memchr::memmem::find(value, wanted).is_some();
            remove(execution, headers.filter(|header| contains(header.value)))
        }
        b"re" => {
            let Ok(wanted) = compile_pattern(wanted, PatternFlags::TEXTOPS) else { return FALSE };
            remove(execution, headers.filter(|header| wanted.is_match(header.value)))
        }
        _ => FALSE,
    }
}

/// Removes the fields; true if there was one and all could be removed.
fn remove<'m>(
    execution: &mut Execution<'m>,
    headers: impl Iterator<Item = Header<'m>>,
) -> ReturnCode {
    let transit = &mut execution.transit;
    let mut removed = false;
    for header in headers {
        let at = transit.message.offset_of(header.line);
        if !transit.edits.remove(at, header.line.len()) {
            return FALSE;
        }
        removed = true;
    }
    verdict(removed)
}

/// `append_to_reply(txt)`.
fn append_to_reply<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(lines) = lines(execution, &[text(arguments, 0)]) else { return FALSE };
    execution.transit.reply_headers.push(lines);
    TRUE
}

/// `append_time()`.
fn append_time<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let date = date_line(execution.host.now().wall_seconds);
    let line = execution.build(&[date.as_bytes()]);
    execution.transit.reply_headers.push(line);
    TRUE
}

/// `append_time_to_request()`.
fn append_time_to_request<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let date = date_line(execution.host.now().wall_seconds);
    let at = execution.transit.message.headers_end();
    verdict(execution.transit.edits.insert(at, date.as_bytes()))
}

/// `is_privacy(type)`.
fn is_privacy<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let wanted = text(arguments, 0);
    let asked = execution
        .transit
        .message
        .headers_named(b"Privacy")
        .flat_map(|header| header.value.split(|byte| matches!(byte, b';' | b',')))
        .any(|value| value.trim_ascii().eq_ignore_ascii_case(wanted));
    verdict(asked)
}

/// The parts as header lines that end in CRLF; `None`, and a line in the log, if they are none.
pub(in crate::modules) fn lines<'m>(
    execution: &mut Execution<'m>,
    parts: &[&'m [u8]],
) -> Option<&'m [u8]> {
    let whole = execution.build(parts);
    let body = whole.strip_suffix(b"\n").unwrap_or(whole);
    let body = body.strip_suffix(b"\r").unwrap_or(body);
    if !are_header_lines(body) {
        execution.host.log(LogLevel::Error, b"header text refused: not a header line");
        return None;
    }
    if whole.len() == body.len() + 2 {
        return Some(whole);
    }
    Some(execution.build(&[body, b"\r\n"]))
}

/// Whether `text` consists of header lines: `name: value`, folds allowed, and no line break but
/// CRLF and LF.
fn are_header_lines(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').enumerate().all(|(number, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let folded = number > 0 && matches!(line.first(), Some(b' ' | b'\t'));
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
        let named = name.len() < line.len() && !name.is_empty() && name.iter().all(is_name_byte);
        (folded || named) && !line.contains(&b'\r') && !line.contains(&0)
    })
}

/// Whether a byte can be part of the name of a header field (RFC 3261 §25.1 `token`).
fn is_name_byte(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(byte)
}

/// A Date line (RFC 3261 §20.17) for seconds since 1970.
fn date_line(seconds: u64) -> String {
    let DateTime { year, day, hour, minute, second, .. } = DateTime::of(seconds);
    let (weekday, month) =
        (DateTime::of(seconds).weekday_name(), DateTime::of(seconds).month_name());
    let (weekday, month) = (&weekday[..3], &month[..3]);
    format!("Date: {weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT\r\n")
}
