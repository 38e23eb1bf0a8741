//! The body.
//!
//! These functions change the body alone. That Content-Length says its new length is seen to
//! when the message leaves, as it depends on all edits together.

use super::search::body as body_of;
use crate::modules::table::{function, optional_text, required_text, text, verdict};
use crate::script::{Argument, Execution, FALSE, FunctionSpec, ReturnCode};
use crate::sip::{HeaderName, Message, Params};

/// The functions of this part.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "has_body",
        &[optional_text("mime")],
        "Whether the message has a body, of that type if one is given.\n\nA body without \
         Content-Type counts as `application/sdp`.",
        r#"if (has_body("application/sdp")) exit;"#,
        has_body,
    ),
    function(
        "set_body",
        &[required_text("txt"), required_text("content_type")],
        "Replaces the body, and the value of Content-Type.",
        r#"set_body("test", "text/plain");"#,
        set_body,
    ),
    function(
        "filter_body",
        &[required_text("content_type")],
        "Leaves of a multipart body the content of the first part of that type.\n\nContent-Type \
         is not changed.",
        r#"if (filter_body("application/sdp")) remove_hf("Content-Type");"#,
        filter_body,
    ),
    function(
        "is_audio_on_hold",
        &[],
        "Whether an audio stream of the SDP body is on hold: 1 by a null address (RFC 2543), 2 by \
         `sendonly` or `inactive` (RFC 3264 §8.4).",
        "if (is_audio_on_hold()) exit;",
        is_audio_on_hold,
    ),
];

/// `has_body([mime])`.
fn has_body<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let message = &execution.transit.message;
    let wanted = text(arguments, 0);
    verdict(!message.body().is_empty() && (wanted.is_empty() || is_of_type(message, wanted)))
}

/// Whether the body is of that type.
fn is_of_type(message: &Message<'_>, wanted: &[u8]) -> bool {
    let value = message.value(HeaderName::ContentType).unwrap_or(b"application/sdp");
    media_type(value).eq_ignore_ascii_case(wanted.trim_ascii())
}

/// A Content-Type value without its parameters.
fn media_type(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// `set_body(txt, content_type)`.
fn set_body<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (body, content_type) = (text(arguments, 0), text(arguments, 1));
    if content_type.is_empty() || content_type.iter().any(u8::is_ascii_control) {
        return FALSE;
    }
    let transit = &mut execution.transit;
    let message = transit.message;
    let old = message.body();
    let replaced = transit.edits.replace(message.offset_of(old), old.len(), body);
    let typed = match message.value(HeaderName::ContentType) {
        Some(value) => transit.edits.replace(message.offset_of(value), value.len(), content_type),
        None => {
            let line: &[&[u8]] = &[b"Content-Type: ", content_type, b"\r\n"];
            transit.edits.replace_parts(message.headers_end(), 0, line)
        }
    };
    verdict(replaced && typed)
}

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
    let mut delimiters = delimiters(body, boundary).peekable();
    std::iter::from_fn(move || {
        let (_, start) = delimiters.next()?;
        let (end, _) = *delimiters.peek()?;
        let part = body.get(start..end)?;
        let part = part.strip_suffix(b"\n").unwrap_or(part);
        Some(part.strip_suffix(b"\r").unwrap_or(part))
    })
}

/// Start of each delimiter line, and of the line behind it.
fn delimiters<'d>(
    body: &'d [u8],
    boundary: &'d [u8],
) -> impl Iterator<Item = (usize, usize)> + use<'d> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < body.len() {
            let start = at;
            at = memchr::memchr(b'\n', &body[start..]).map_or(body.len(), |feed| start + feed + 1);
            let rest = body[start..at].strip_prefix(b"--");
            let rest = rest.and_then(|rest| rest.strip_prefix(boundary));
            if rest.is_some_and(|rest| matches!(rest.trim_ascii(), b"" | b"--")) {
                return Some((start, at));
            }
        }
        None
    })
}

/// What is behind the header fields of a part of a multipart body, if it is of type `wanted`.
fn content_of<'d>(part: &'d [u8], wanted: &[u8]) -> Option<&'d [u8]> {
    let mut rest = part;
    let mut found = false;
    while let Some(feed) = memchr::memchr(b'\n', rest) {
        let (line, behind) = rest.split_at(feed + 1);
        rest = behind;
        if line.trim_ascii().is_empty() {
            return found.then_some(rest);
        }
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let name = line[..colon].trim_ascii();
        if name.eq_ignore_ascii_case(b"Content-Type") || name.eq_ignore_ascii_case(b"c") {
            found = media_type(&line[colon + 1..]).eq_ignore_ascii_case(wanted.trim_ascii());
        }
    }
    None
}

/// `is_audio_on_hold()`.
fn is_audio_on_hold<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let body = execution.transit.message.body();
    let mut session = Stream::default();
    let mut stream: Option<Stream> = None;
    for line in body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        match line.strip_prefix(b"m=") {
            Some(_) if stream.is_some_and(|stream| stream.hold() > 0) => break,
            Some(media) => stream = Some(Stream { audio: media.starts_with(b"audio"), ..session }),
            None => stream.as_mut().unwrap_or(&mut session).read(line),
        }
    }
    match stream.map_or(0, Stream::hold) {
        0 => FALSE,
        hold => hold,
    }
}

/// What an SDP body says about one stream, or about all before the first.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    audio: bool,
    null_address: bool,
    not_receiving: bool,
}

impl Stream {
    /// Takes in one more line.
    fn read(&mut self, line: &[u8]) {
        match line {
            b"a=sendonly" | b"a=inactive" => self.not_receiving = true,
            b"a=sendrecv" | b"a=recvonly" => self.not_receiving = false,
            [b'c', b'=', address @ ..] => {
                self.null_address = address.ends_with(b" 0.0.0.0") || address.ends_with(b" ::");
            }
            _ => {}
        }
    }

    /// 1 or 2 for the two ways to put an audio stream on hold, 0 if it is not.
    const fn hold(self) -> ReturnCode {
        match (self.audio, self.null_address, self.not_receiving) {
            (true, true, _) => 1,
            (true, false, true) => 2,
            _ => 0,
        }
    }
}
