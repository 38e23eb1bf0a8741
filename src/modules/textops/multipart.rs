//! Bodies of several parts (RFC 2046 §5.1).
//!
//! ```text
//! --boundary            delimiter
//! Content-Type: a/b     head
//!
//! content               its last line break belongs to the next delimiter
//! --boundary--          the delimiter that ends the last part
//! ```

use super::body::media_type;
use super::search::body as body_of;
use crate::modules::table::{function, optional_text, required_text, text, verdict, write};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ParameterKind, ParameterSpec, ReturnCode, TRUE,
};
use crate::sip::{HeaderName, Message, Params};

/// The type of a part.
const TYPE: ParameterSpec = required_text("content_type");

/// The functions of this part.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "filter_body",
        &[required_text("content_type")],
        "Leaves of a multipart body the content of the first part of that type.\n\nContent-Type \
         is not changed.",
        r#"if (filter_body("application/sdp")) remove_hf("Content-Type");"#,
        filter_body,
    ),
    function(
        "get_body_part",
        &[TYPE, ParameterSpec::required("result", ParameterKind::Variable)],
        "Writes into a variable what stands behind the Content-Type line of the first part of that \
         type: its further header fields, the empty line, and the content with the line break that \
         ends it. Of a body that is not multipart, all of it. False if there is no such part.",
        r#"get_body_part("application/sdp", "$var(sdp)");"#,
        |execution, arguments| get_part(execution, arguments, false),
    ),
    function(
        "get_body_part_raw",
        &[TYPE, ParameterSpec::required("result", ParameterKind::Variable)],
        "Like `get_body_part`, with Content-Type and what stands before it.",
        r#"get_body_part_raw("application/sdp", "$var(part)");"#,
        |execution, arguments| get_part(execution, arguments, true),
    ),
    function(
        "append_body_part",
        &[required_text("txt"), TYPE, optional_text("content_disposition")],
        "Adds a part behind the last one of a multipart body. False if it is none; \
         `set_body_multipart()` makes one.",
        r#"append_body_part("hello", "text/plain");"#,
        |execution, arguments| append(execution, text(arguments, 0), arguments),
    ),
    function(
        "append_body_part_hex",
        &[required_text("hexadecimal"), TYPE, optional_text("content_disposition")],
        "Like `append_body_part`; the content is given in hexadecimal, so that any bytes may be in \
         it.",
        r#"append_body_part_hex("6869", "application/octet-stream");"#,
        append_hex,
    ),
    function(
        "remove_body_part",
        &[TYPE],
        "Removes the first part of that type from a multipart body. False if there is none.",
        r#"remove_body_part("application/vnd.cisco");"#,
        remove_part,
    ),
    function(
        "set_body_multipart",
        &[optional_text("txt"), optional_text("content_type"), optional_text("boundary")],
        "Makes the body the only part of a multipart body, or replaces it by a multipart body with \
         this text as its only part. A body that is multipart stays as it is unless there is a \
         text.\n\nWithout a type the part has that of the body, or `text/plain`; the boundary is \
         `unique-boundary-1` if none is given. False if the boundary stands in the text. Call \
         `msg_apply_changes()` before parts are added to the new body.",
        r#"set_body_multipart("hello", "text/plain");"#,
        set_multipart,
    ),
];

/// `filter_body(content_type)`.
fn filter_body<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let transit = &mut execution.transit;
    let message = transit.message;
    let body = body_of(&message);
    let Some(boundary) = message.value(HeaderName::ContentType).and_then(boundary) else {
        return FALSE;
    };
    let mut parts = parts(body, boundary);
    let Some(content) = parts.find_map(|part| content_of(part, text(arguments, 0))) else {
        return FALSE;
    };
    let (start, end) = (message.offset_of(body), message.offset_of(content) + content.len());
    let removed_before = transit.edits.remove(start, message.offset_of(content) - start);
    let removed_behind = transit.edits.remove(end, message.end() - end);
    verdict(removed_before && removed_behind)
}

/// `get_body_part(content_type, result)` and `get_body_part_raw`.
fn get_part<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    is_raw: bool,
) -> ReturnCode {
    let message = execution.transit.message;
    let (body, wanted) = (body_of(&message), text(arguments, 0));
    let value = message.value(HeaderName::ContentType).unwrap_or_default();
    let found = match boundary(value) {
        Some(boundary) => delimited(body, boundary).map(|part| part.text).find_map(|part| {
            let typed = type_line(part, wanted)?;
            Some(if is_raw { part } else { &part[typed..] })
        }),
        None => Some(body).filter(|body| !body.is_empty()),
    };
    verdict(found.is_some_and(|found| write(execution, arguments, 1, found)))
}

/// `append_body_part_hex(hexadecimal, content_type[, content_disposition])`.
fn append_hex<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let digits = text(arguments, 0);
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !digits.len().is_multiple_of(2) || digits.iter().any(|byte| digit(*byte).is_none()) {
        execution.complain("append_body_part_hex: this is not in hexadecimal");
        return FALSE;
    }
    let byte = |pair: &[u8]| digit(pair[0]).unwrap_or(0) << 4 | digit(pair[1]).unwrap_or(0);
    let content = execution.build_with(digits.len() / 2, |out| {
        out.extend(digits.chunks_exact(2).map(byte));
    });
    append(execution, content, arguments)
}

/// Adds a part with that content; type and disposition are the second and third argument.
fn append<'m>(
    execution: &mut Execution<'m>,
    content: &[u8],
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let (kind, disposition) = (text(arguments, 1), text(arguments, 2));
    if kind.is_empty() || !is_harmless(kind) || !is_harmless(disposition) {
        return FALSE;
    }
    let transit = &mut execution.transit;
    let message = transit.message;
    let boundary = message.value(HeaderName::ContentType).and_then(boundary);
    let Some(boundary) = boundary else { return FALSE };
    let body = body_of(&message);
    let end = delimiters(body, boundary).find(|delimiter| delimiter.is_last);
    let (Some(end), false) = (end, has_delimiter(content, boundary)) else { return FALSE };
    let named: [&[u8]; 2] = if disposition.is_empty() {
        [b"", b""]
    } else {
        [b"\r\nContent-Disposition: ", disposition]
    };
    let start: [&[u8]; 4] = [b"--", boundary, b"\r\nContent-Type: ", kind];
    let parts = [&start[..], &named, &[b"\r\n\r\n", content, b"\r\n"]].concat();
    verdict(transit.edits.replace_parts(message.offset_of(body) + end.start, 0, &parts))
}

/// `remove_body_part(content_type)`.
fn remove_part<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let transit = &mut execution.transit;
    let message = transit.message;
    let body = body_of(&message);
    let Some(boundary) = message.value(HeaderName::ContentType).and_then(boundary) else {
        return FALSE;
    };
    let at = message.offset_of(body);
    let mut parts = delimited(body, boundary)
        .filter(|part| !transit.edits.removes(at + part.delimiter))
        .filter(|part| type_line(part.text, text(arguments, 0)).is_some());
    let Some(Part { delimiter, text }) = parts.next() else { return FALSE };
    let end = message.offset_of(text) + text.len();
    verdict(transit.edits.remove(at + delimiter, end - at - delimiter))
}

/// `set_body_multipart([txt[, content_type[, boundary]]])`.
fn set_multipart<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let message = execution.transit.message;
    let present = message.value(HeaderName::ContentType);
    let (given, kind, delimiter) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    if given.is_empty() && present.and_then(boundary).is_some() {
        return TRUE;
    }
    let kind = match (kind, present) {
        (b"", Some(present)) if given.is_empty() => present,
        (b"", _) => b"text/plain",
        (kind, _) => kind,
    };
    let delimiter = if delimiter.is_empty() { b"unique-boundary-1" } else { delimiter };
    let body = message.body();
    let content = if given.is_empty() { body } else { given };
    let is_good = is_boundary(delimiter) && is_harmless(kind) && !content.is_empty();
    if !is_good || has_delimiter(content, delimiter) {
        return FALSE;
    }
    let edits = &mut execution.transit.edits;
    let head: &[&[u8]] = &[b"--", delimiter, b"\r\nContent-Type: ", kind, b"\r\n\r\n"];
    let tail: &[&[u8]] = &[b"\r\n--", delimiter, b"--\r\n"];
    let at = message.offset_of(body);
    let is_wrapped = if given.is_empty() {
        edits.replace_parts(at, 0, head) && edits.replace_parts(at + body.len(), 0, tail)
    } else {
        edits.replace_parts(at, body.len(), &[head, &[given], tail].concat())
    };
    verdict(is_wrapped && name_boundary(execution, message, delimiter))
}

/// Lets the header say that the body is multipart.
fn name_boundary<'m>(execution: &mut Execution<'m>, message: Message<'m>, boundary: &[u8]) -> bool {
    let edits = &mut execution.transit.edits;
    let kind: [&[u8]; 3] = [b"multipart/mixed;boundary=\"", boundary, b"\""];
    let is_typed = match message.value(HeaderName::ContentType) {
        Some(value) => edits.replace_parts(message.offset_of(value), value.len(), &kind),
        None => {
            let line = [&[&b"Content-Type: "[..]], &kind[..], &[b"\r\n"]].concat();
            edits.replace_parts(message.headers_end(), 0, &line)
        }
    };
    let has_version = message.headers_named(b"Mime-Version").next().is_some();
    is_typed && (has_version || edits.insert(message.headers_end(), b"Mime-Version: 1.0\r\n"))
}

/// Whether a text may be a boundary (RFC 2046 §5.1.1).
fn is_boundary(text: &[u8]) -> bool {
    let is_char = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(byte);
    (1..=70).contains(&text.len()) && text.iter().all(is_char)
}

/// Whether there is a delimiter in a text.
fn has_delimiter(text: &[u8], boundary: &[u8]) -> bool {
    delimiters(text, boundary).next().is_some()
}

/// Whether a text may stand in a header field.
fn is_harmless(text: &[u8]) -> bool {
    !text.iter().any(u8::is_ascii_control)
}

/// Whether a Content-Type value is that type, whatever its parameters.
fn is_type(value: &[u8], wanted: &[u8]) -> bool {
    media_type(value).eq_ignore_ascii_case(wanted.trim_ascii())
}

/// The boundary that a multipart Content-Type names (RFC 2046 §5.1.1).
fn boundary(value: &[u8]) -> Option<&[u8]> {
    let (kind, params) = value.split_at(memchr::memchr(b';', value)?);
    let multipart = kind.get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/"));
    let boundary = Params::new(params).get(b"boundary")?.unquoted()?;
    (multipart && !boundary.is_empty()).then_some(boundary)
}

/// The parts of a multipart body, header fields included, without the line break before the
/// delimiter that ends them.
fn parts<'d>(body: &'d [u8], boundary: &'d [u8]) -> impl Iterator<Item = &'d [u8]> {
    delimited(body, boundary).map(|part| {
        let text = part.text.strip_suffix(b"\n").unwrap_or(part.text);
        text.strip_suffix(b"\r").unwrap_or(text)
    })
}

/// A part of a multipart body.
struct Part<'d> {
    /// Where the delimiter before it starts.
    delimiter: usize,
    /// What stands between that and the next one.
    text: &'d [u8],
}

/// The parts of a multipart body.
fn delimited<'d>(body: &'d [u8], boundary: &'d [u8]) -> impl Iterator<Item = Part<'d>> {
    let mut delimiters = delimiters(body, boundary).peekable();
    std::iter::from_fn(move || {
        let before = delimiters.next().filter(|before| !before.is_last)?;
        let text = body.get(before.end..delimiters.peek()?.start)?;
        Some(Part { delimiter: before.start, text })
    })
}

/// A line that stands between parts.
struct Delimiter {
    start: usize,
    /// Where the next line starts.
    end: usize,
    /// Whether no part follows.
    is_last: bool,
}

/// The delimiter lines of a multipart body.
fn delimiters<'d>(body: &'d [u8], boundary: &'d [u8]) -> impl Iterator<Item = Delimiter> + use<'d> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < body.len() {
            let start = at;
            at = memchr::memchr(b'\n', &body[start..]).map_or(body.len(), |feed| start + feed + 1);
            let rest = body[start..at].strip_prefix(b"--");
            let rest = rest.and_then(|rest| rest.strip_prefix(boundary)).map(<[u8]>::trim_ascii);
            if let Some(b"" | b"--") = rest {
                return Some(Delimiter { start, end: at, is_last: rest == Some(b"--") });
            }
        }
        None
    })
}

/// What is behind the header fields of a part of a multipart body, if it is of type `wanted`.
fn content_of<'d>(part: &'d [u8], wanted: &[u8]) -> Option<&'d [u8]> {
    let typed = type_line(part, wanted)?;
    let mut rest = &part[typed..];
    while let Some(feed) = memchr::memchr(b'\n', rest) {
        let (line, behind) = rest.split_at(feed + 1);
        rest = behind;
        if line.trim_ascii().is_empty() {
            return Some(rest);
        }
    }
    None
}

/// The end of the line, among the header fields of a part, that says that it is of type `wanted`.
fn type_line(part: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(feed) = memchr::memchr(b'\n', &part[at..]) {
        let line = &part[at..at + feed];
        at += feed + 1;
        if line.trim_ascii().is_empty() {
            return None;
        }
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let name = line[..colon].trim_ascii();
        if name.eq_ignore_ascii_case(b"Content-Type") || name.eq_ignore_ascii_case(b"c") {
            return is_type(&line[colon + 1..], wanted).then_some(at);
        }
    }
    None
}
