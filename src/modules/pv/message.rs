//! The message and its header fields.

use crate::script::{Execution, Index, Key, Value, method_name};
use crate::sip::rewrite::EditList;
use crate::sip::{Contact, HeaderName, StartLine, edit_content_length, parse_delta_seconds};

/// `$rm`.
pub(super) fn method<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(method_name(execution))
}

/// `$method`.
pub(super) fn first_token<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(match execution.transit.message.start_line() {
        StartLine::Request { name, .. } => name,
        StartLine::Status { .. } => b"SIP/2.0",
    })
}

/// `$mline`.
pub(super) fn first_line<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    let message = execution.transit.message;
    let bytes = message.bytes().get(..message.headers_start()).unwrap_or_default();
    Value::Text(bytes.trim_ascii())
}

/// `$mb`.
pub(super) fn whole<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(execution.transit.message.text())
}

/// `$mbu`.
pub(super) fn whole_edited<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(edited(execution, execution.transit.message.text()))
}

/// `$headers`.
pub(super) fn headers<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(execution.transit.message.head())
}

/// `$sendhdr`.
pub(super) fn headers_edited<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    let message = execution.transit.message;
    if execution.transit.edits.is_empty() {
        return Value::Text(message.head());
    }
    let text = edited(execution, message.text());
    let start = memchr::memchr(b'\n', text).map_or(0, |feed| feed + 1);
    let rest = &text[start..];
    let end = memchr::memmem::find(rest, b"\r\n\r\n").map_or(rest.len(), |end| end + 2);
    Value::Text(&rest[..end])
}

/// The message with the changes made so far.
fn edited<'m>(execution: &Execution<'m>, text: &'m [u8]) -> &'m [u8] {
    let transit = &execution.transit;
    let old_uri = transit.message.request_uri();
    // In a response there is no place for a Request-URI, even if the script has set one.
    let has_new_uri = transit.message.method().is_some() && transit.uri != old_uri;
    if transit.edits.is_empty() && !has_new_uri {
        return text;
    }
    let mut out = Vec::with_capacity(text.len() + 256);
    let mut edits = EditList::default();
    edits.copy_from(transit.edits);
    edit_content_length(transit.message, &mut edits);
    if has_new_uri {
        edits.replace(transit.message.offset_of(old_uri), old_uri.len(), transit.uri);
    }
    edits.write_to(text, &mut out);
    execution.build(&[&out])
}

/// `$rb`.
pub(super) fn body<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(execution.transit.message.body())
}

/// `$ml`.
pub(super) fn length<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(i64::try_from(execution.transit.message.end()).unwrap_or(i64::MAX))
}

/// `$mi`.
pub(super) fn number<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(i64::try_from(execution.message_number).unwrap_or(i64::MAX))
}

/// `$mt`.
pub(super) fn kind<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(if execution.transit.message.method().is_some() { 1 } else { 2 })
}

/// `$rv`.
pub(super) fn version<'m>(_: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Text(b"SIP/2.0")
}

/// `$rs`.
pub(super) fn status<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    execution.transit.message.status().map_or(Value::Null, |code| Value::Int(code.into()))
}

/// `$rr`.
pub(super) fn reason<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    match execution.transit.message.start_line() {
        StartLine::Status { reason, .. } => Value::Text(reason),
        StartLine::Request { .. } => Value::Null,
    }
}

/// The value of the first header field of that name.
fn value<'m>(execution: &Execution<'m>, name: HeaderName) -> Value<'m> {
    Value::text_or_null(execution.transit.message.value(name))
}

/// `$ci`.
pub(super) fn call_id<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    value(execution, HeaderName::CallId)
}

/// `$cl`.
pub(super) fn content_length<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    value(execution, HeaderName::ContentLength)
}

/// `$cT`.
pub(super) fn content_type<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    value(execution, HeaderName::ContentType)
}

/// `$ct`.
pub(super) fn contact<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    value(execution, HeaderName::Contact)
}

/// `$ua`.
pub(super) fn user_agent<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    value(execution, HeaderName::UserAgent)
}

/// `$csb`.
pub(super) fn cseq<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    value(execution, HeaderName::CSeq)
}

/// `$cs`.
pub(super) fn cseq_number<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    execution.transit.message.cseq().map_or(Value::Null, |cseq| Value::Int(cseq.number.into()))
}

/// `$hdr(name)`.
pub(super) fn header<'m>(execution: &Execution<'m>, key: Key<'m>, index: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    let message = execution.transit.message;
    select(execution, index, || message.headers_named(name).map(|header| header.value))
}

/// `$hfl(name)`.
pub(super) fn header_item<'m>(execution: &Execution<'m>, key: Key<'m>, index: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    let message = execution.transit.message;
    select(execution, index, || {
        message.headers_named(name).flat_map(|header| crate::sip::Items::new(header.value))
    })
}

/// `$hflc(name)`.
pub(super) fn item_count<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    let headers = execution.transit.message.headers_named(name);
    let count = headers.flat_map(|header| crate::sip::Items::new(header.value)).count();
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// `$expires(min)` or `$expires(max)`: of the Contacts, each its own or else that of Expires, and
/// of Expires if there is no Contact.
pub(super) fn expires<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let message = execution.transit.message;
    let header =
        message.value(HeaderName::Expires).and_then(|value| parse_delta_seconds(value).ok());
    let contacts =
        message.items(HeaderName::Contact).filter_map(|item| match Contact::parse(item) {
            Ok(Contact::Address { expires, .. }) => expires.or(header),
            _ => None,
        });
    let found = match key {
        Key::Name(b"min") => contacts.min(),
        _ => contacts.max(),
    };
    found.or(header).map_or(Value::Null, |seconds| Value::Int(seconds.into()))
}

/// `$rmid`.
pub(in crate::modules) fn method_number<'m>(
    execution: &Execution<'m>,
    _: Key<'m>,
    _: Index,
) -> Value<'m> {
    let name = method_name(execution);
    let place = METHODS.iter().position(|method| method.as_bytes() == name);
    Value::Int(1 << place.unwrap_or(METHODS.len()))
}

/// The methods that have a number of their own, a power of 2, in the order of these.
const METHODS: [&str; 14] = [
    "INVITE",
    "CANCEL",
    "ACK",
    "BYE",
    "INFO",
    "REGISTER",
    "SUBSCRIBE",
    "NOTIFY",
    "MESSAGE",
    "OPTIONS",
    "PRACK",
    "UPDATE",
    "REFER",
    "PUBLISH",
];

/// `$bs`.
pub(super) fn body_length<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    let length = execution.transit.message.body().len();
    Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
}

/// What `$msg(...)` knows.
pub(super) const PARTS: &[&str] =
    &["len", "buf", "body", "body_len", "hdrs", "hdrs_len", "fline", "fline_len", "lpart"];

/// `$msg(part)`.
pub(super) fn part<'m>(execution: &Execution<'m>, key: Key<'m>, at: Index) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    let message = execution.transit.message;
    let first_line = message.bytes().get(..message.headers_start()).unwrap_or_default();
    let length = |part: &[u8]| Value::Int(i64::try_from(part.len()).unwrap_or(i64::MAX));
    match part {
        b"len" => length(message.text()),
        b"buf" => Value::Text(message.text()),
        b"body" => body(execution, key, at),
        b"body_len" => length(message.body()),
        b"hdrs" => Value::Text(message.head()),
        b"hdrs_len" => length(message.head()),
        b"fline" => Value::Text(first_line.trim_ascii_end()),
        b"fline_len" => length(first_line.trim_ascii_end()),
        b"lpart" => Value::Text(message.text().get(first_line.len()..).unwrap_or_default()),
        _ => Value::Null,
    }
}

/// `$_s(format)`: the text has been put together already.
pub(super) fn evaluated<'m>(_: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    match key {
        Key::Name(text) => Value::Text(text),
        Key::None => Value::Null,
    }
}

/// `$hdrc(name)`.
pub(super) fn header_count<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    let count = execution.transit.message.headers_named(name).count();
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The one of some values that an index means.
fn select<'m, I: Iterator<Item = &'m [u8]>>(
    execution: &Execution<'m>,
    index: Index,
    values: impl Fn() -> I,
) -> Value<'m> {
    let at = match index {
        Index::None => 0,
        Index::At(at) if at >= 0 => usize::try_from(at).unwrap_or(usize::MAX),
        Index::At(at) => {
            let back = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
            match values().count().checked_sub(back) {
                Some(at) => at,
                None => return Value::Null,
            }
        }
        Index::All => {
            let mut all: smallvec::SmallVec<[&[u8]; 16]> = smallvec::SmallVec::new();
            for value in values() {
                if !all.is_empty() {
                    all.push(b",");
                }
                all.push(value);
            }
            return if all.is_empty() { Value::Null } else { Value::Text(execution.build(&all)) };
        }
    };
    Value::text_or_null(values().nth(at))
}
