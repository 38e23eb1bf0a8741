//! The body.
//!
//! These functions change the body alone. That Content-Length says its new length is seen to
//! when the message leaves, as it depends on all edits together.

use crate::modules::table::{function, optional_text, required_text, text, verdict};
use crate::script::{Argument, Execution, FALSE, FunctionSpec, ReturnCode, RouteKinds, TRUE};
use crate::sip::{HeaderName, Message};

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
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "set_reply_body",
            &[required_text("txt"), required_text("content_type")],
            "Gives the replies that are made here for this request a body.",
            r#"set_reply_body("busy", "text/plain"); sl_send_reply("486", "Busy Here");"#,
            set_reply_body,
        )
    },
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
pub(super) fn media_type(value: &[u8]) -> &[u8] {
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
    let start = message.offset_of(old);
    // Where there is none yet, a body is an insertion, and so is its type.
    transit.edits.withdraw(start + old.len(), |_| true);
    let replaced = transit.edits.replace(start, old.len(), body);
    let typed = match message.value(HeaderName::ContentType) {
        Some(value) => transit.edits.replace(message.offset_of(value), value.len(), content_type),
        None => {
            let name = b"Content-Type: ";
            transit.edits.withdraw(message.headers_end(), |inserted| inserted.starts_with(name));
            let line: &[&[u8]] = &[name, content_type, b"\r\n"];
            transit.edits.replace_parts(message.headers_end(), 0, line)
        }
    };
    verdict(replaced && typed)
}

/// `set_reply_body(txt, content_type)`.
fn set_reply_body<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (body, content_type) = (text(arguments, 0), text(arguments, 1));
    if content_type.is_empty() || content_type.iter().any(u8::is_ascii_control) {
        return FALSE;
    }
    execution.transit.reply_body = Some((content_type, body));
    TRUE
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
