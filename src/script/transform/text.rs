//! `{s.*}`: strings.

use std::any::TypeId;

use md5::{Digest, Md5};
use sha2::{Sha256, Sha384, Sha512};

use super::notation::Notation;
use super::{Parameter, Parameters, count, pick};
use crate::limits::SCRIPT_STRING_BYTES_MAX;
use crate::script::scope::{Fault, Scope};
use crate::script::value::parse_int;
use crate::script::{DateTime, Execution, Value};
use crate::time::{Zone, Zones};

/// A transformation of a string.
#[derive(Clone, Debug)]
pub(crate) enum TextPart {
    /// What stands before or behind a byte.
    Around(Around, u8),
    /// The hash that Kamailio spreads things with, a number; with a size, which is a power of
    /// two, one below it.
    CoreHash(Option<Parameter>),
    /// How often a byte occurs.
    Count(u8),
    /// From another notation.
    Decode(Notation),
    /// Into another notation.
    Encode(Notation),
    /// A number of seconds since 1970 as a local date, in a format of `strftime`.
    FormatTime(Parameter),
    /// In lines of so many bytes, with so many of a byte at the start of each but the first.
    FormatLines(Parameter, Parameter, u8),
    /// Where a string occurs first, from a place on; -1 if it does not.
    Index(Parameter, Option<Parameter>),
    /// The number that it is.
    Int,
    /// How long it is.
    Length,
    /// A sum in hexadecimal.
    Sum(Sum),
    /// The digits in it.
    Numeric,
    /// All its beginnings, up to a length, with commas between them, perhaps in quotes.
    Prefixes(Option<Parameter>, bool),
    /// Without white space, wherever it stands.
    RemoveSpace,
    /// Each occurrence of the first string replaced by the second.
    Replace(Parameter, Parameter),
    /// The field at that place, with a separator between fields.
    Select(Parameter, u8),
    /// Without the first bytes.
    Strip(Parameter),
    /// From the first occurrence of a byte on; nothing if there is none.
    StripTo(Parameter),
    /// Without the last bytes.
    StripTail(Parameter),
    /// From an offset on, that many bytes; 0: all the rest.
    Substr(Parameter, Parameter),
    /// In lower case.
    ToLower,
    /// In upper case.
    ToUpper,
    /// Without white space on the left, on the right.
    Trim(bool, bool),
    /// Without the pair of bytes around it, if it is one of these.
    Unwrap(&'static [(u8, u8)]),
}

/// A part of a text next to a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    /// Behind the first one; nothing if there is none.
    After,
    /// Behind the last one; nothing if there is none.
    AfterLast,
    /// Before the first one; all if there is none.
    Before,
    /// Before the last one; all if there is none.
    BeforeLast,
}

/// The algorithm of a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// RFC 1321.
    Md5,
    /// RFC 6234.
    Sha256,
    /// RFC 6234.
    Sha384,
    /// RFC 6234.
    Sha512,
}

impl TextPart {
    /// The transformation `{s.name}`.
    pub(super) fn find(
        name: &str,
        parameters: &mut Parameters<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Option<Self>, Fault> {
        Ok(Some(match name {
            "after" => Self::Around(Around::After, parameters.separator(b' ')),
            "before" => Self::Around(Around::Before, parameters.separator(b' ')),
            "rafter" => Self::Around(Around::AfterLast, parameters.separator(b' ')),
            "rbefore" => Self::Around(Around::BeforeLast, parameters.separator(b' ')),
            "corehash" => Self::CoreHash(parameters.optional(scope)?),
            "count" => Self::Count(parameters.separator(b' ')),
            "fmtlines" | "fmtlinet" => {
                let filler = if name.ends_with('t') { b'\t' } else { b' ' };
                let width = parameters.number(scope)?;
                Self::FormatLines(width, parameters.number(scope)?, filler)
            }
            "ftime" => Self::FormatTime(Parameter::rest(parameters, scope)?),
            "index" => Self::Index(parameters.required(scope)?, parameters.optional(scope)?),
            "int" => Self::Int,
            "len" => Self::Length,
            "ltrim" => Self::Trim(true, false),
            "md5" => Self::Sum(Sum::Md5),
            "sha256" => Self::Sum(Sum::Sha256),
            "sha384" => Self::Sum(Sum::Sha384),
            "sha512" => Self::Sum(Sum::Sha512),
            "numeric" => Self::Numeric,
            "prefixes" => Self::Prefixes(parameters.optional(scope)?, false),
            "prefixes.quoted" => Self::Prefixes(parameters.optional(scope)?, true),
            "replace" => Self::Replace(parameters.required(scope)?, parameters.required(scope)?),
            "rm" => Self::Replace(parameters.required(scope)?, Parameter::Fixed(Box::default())),
            "rmws" => Self::RemoveSpace,
            "rtrim" => Self::Trim(false, true),
            "select" => Self::Select(parameters.number(scope)?, parameters.separator(b',')),
            "strip" => Self::Strip(parameters.number(scope)?),
            "stripto" => Self::StripTo(parameters.required(scope)?),
            "striptail" => Self::StripTail(parameters.number(scope)?),
            "substr" => Self::Substr(parameters.number(scope)?, parameters.number(scope)?),
            "tolower" => Self::ToLower,
            "toupper" => Self::ToUpper,
            "trim" => Self::Trim(true, true),
            "unbracket" => Self::Unwrap(&[(b'<', b'>'), (b'(', b')'), (b'[', b']'), (b'{', b'}')]),
            "unquote" => Self::Unwrap(&[(b'"', b'"'), (b'\'', b'\'')]),
            _ => {
                let Some((is_encoding, notation)) = Notation::find(name) else { return Ok(None) };
                if is_encoding { Self::Encode(notation) } else { Self::Decode(notation) }
            }
        }))
    }

    /// What becomes of `text`.
    pub(super) fn apply<'m>(&'m self, execution: &Execution<'m>, text: &'m [u8]) -> Value<'m> {
        Value::Text(match self {
            Self::CoreHash(size) => {
                let size = size.as_ref().map_or(0, |size| size.int(execution));
                return Value::Int(core_hash(&[text], size));
            }
            Self::Count(byte) => return Value::Int(count(memchr::memchr_iter(*byte, text))),
            Self::Index(wanted, from) => {
                let from = from.as_ref().map_or(0, |from| from.int(execution));
                return Value::Int(index(text, wanted.text(execution), from));
            }
            Self::Int => return parse_int(text.trim_ascii()).map_or(Value::Null, Value::Int),
            Self::Length => return Value::Int(i64::try_from(text.len()).unwrap_or(i64::MAX)),
            Self::Decode(notation) => notation.decode(execution, text),
            Self::Encode(notation) => notation.encode(execution, text),
            Self::Around(around, byte) => around.of(text, *byte),
            Self::FormatTime(format) => format_time(execution, text, format.text(execution)),
            Self::FormatLines(width, indent, filler) => {
                let (width, indent) = (width.int(execution), indent.int(execution));
                format_lines(execution, text, width, indent, *filler)
            }
            Self::Sum(sum) => sum.of(execution, text),
            Self::Numeric => execution.build_with(text.len(), |out| {
                out.extend(text.iter().copied().filter(u8::is_ascii_digit));
            }),
            Self::Prefixes(length, quoted) => {
                let length = length.as_ref().map(|length| clamp(length.int(execution), text));
                let quote: &[u8] = if *quoted { b"'" } else { b"" };
                prefixes(execution, text, length.unwrap_or(text.len()), quote)
            }
            Self::RemoveSpace => execution.build_with(text.len(), |out| {
                out.extend(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()));
            }),
            Self::Replace(from, to) => {
                replace(execution, text, from.text(execution), to.text(execution))
            }
            Self::Select(at, separator) => {
                let fields = text.split(|byte| byte == separator);
                pick(fields, at.int(execution)).unwrap_or_default()
            }
            Self::Strip(length) => &text[clamp(length.int(execution), text)..],
            Self::StripTo(wanted) => {
                let wanted = wanted.text(execution).first();
                let at = wanted.and_then(|wanted| memchr::memchr(*wanted, text));
                at.map_or(&[], |at| &text[at..])
            }
            Self::StripTail(length) => &text[..text.len() - clamp(length.int(execution), text)],
            Self::Substr(offset, length) => {
                substr(text, offset.int(execution), length.int(execution))
            }
            Self::ToLower => execution
                .build_with(text.len(), |out| out.extend(text.iter().map(u8::to_ascii_lowercase))),
            Self::ToUpper => execution
                .build_with(text.len(), |out| out.extend(text.iter().map(u8::to_ascii_uppercase))),
            Self::Trim(left, right) => {
                let text = if *left { text.trim_ascii_start() } else { text };
                if *right { text.trim_ascii_end() } else { text }
            }
            Self::Unwrap(pairs) => match text {
                [first, inner @ .., last] if pairs.contains(&(*first, *last)) => inner,
                text => text,
            },
        })
    }
}

impl Around {
    /// The part of `text`.
    fn of(self, text: &[u8], byte: u8) -> &[u8] {
        let at = match self {
            Self::After | Self::Before => memchr::memchr(byte, text),
            Self::AfterLast | Self::BeforeLast => memchr::memrchr(byte, text),
        };
        match (self, at) {
            (Self::After | Self::AfterLast, Some(at)) => &text[at + 1..],
            (Self::After | Self::AfterLast, None) => &[],
            (Self::Before | Self::BeforeLast, Some(at)) => &text[..at],
            (Self::Before | Self::BeforeLast, None) => text,
        }
    }
}

impl Sum {
    /// The sum of `text`, in hexadecimal.
    fn of<'m>(self, execution: &Execution<'m>, text: &[u8]) -> &'m [u8] {
        match self {
            Self::Md5 => Notation::Hex.encode(execution, &Md5::digest(text)),
            Self::Sha256 => Notation::Hex.encode(execution, &Sha256::digest(text)),
            Self::Sha384 => Notation::Hex.encode(execution, &Sha384::digest(text)),
            Self::Sha512 => Notation::Hex.encode(execution, &Sha512::digest(text)),
        }
    }
}

/// The time zone at that moment; that of today if nobody knows.
fn zone_at(execution: &Execution<'_>, seconds: u64) -> Zone {
    let now = execution.host.now();
    // Zones change at no other moments, and mostly it is the present one that is shown.
    if seconds / 900 == now.wall_seconds / 900 {
        return now.zone;
    }
    let zones = execution.host.service(TypeId::of::<Zones>());
    match zones.and_then(|zones| zones.downcast_ref::<Zones>()) {
        Some(Zones(zone_at)) => zone_at(seconds),
        None => now.zone,
    }
}

/// The sum that Kamailio's tables are hashed by: words of four bytes, each mixed with itself. Below
/// `size` if that is a power of two; 0 is no limit.
#[must_use]
pub fn core_hash(texts: &[&[u8]], size: i64) -> i64 {
    let word = |bytes: &[u8]| {
        // Bytes count as signed numbers there.
        let word = bytes.iter().fold(0_u32, |word, byte| {
            (word << 8).wrapping_add(i32::from(byte.cast_signed()).cast_unsigned())
        });
        word ^ word >> 3
    };
    // What is left behind the last whole word of a text counts as one.
    let sum = texts.iter().fold(0_u32, |sum, text| {
        let words = text.chunks_exact(4);
        let sum = sum.wrapping_add(word(words.remainder()));
        words.fold(sum, |sum, bytes| sum.wrapping_add(word(bytes)))
    });
    let hash = [11, 13, 23].iter().fold(sum, |hash, bits| hash.wrapping_add(sum >> bits));
    if size == 0 {
        return i64::from(hash);
    }
    i64::from(hash) & (size.wrapping_sub(1) & i64::from(u32::MAX))
}

/// The seconds since 1970 that `text` is, as a date in the zone that held then; empty if it is
/// none.
fn format_time<'m>(execution: &Execution<'m>, text: &[u8], format: &[u8]) -> &'m [u8] {
    let seconds = parse_int(text.trim_ascii()).and_then(|number| u64::try_from(number).ok());
    let Some(seconds) = seconds else { return &[] };
    let mut out = bumpalo::collections::Vec::new_in(execution.transit.arena);
    DateTime::local(seconds, zone_at(execution, seconds)).write(
        format,
        SCRIPT_STRING_BYTES_MAX,
        &mut out,
    );
    execution.build(&[&out])
}

/// `text` in lines of `width` bytes, `indent` bytes more before each but the first.
fn format_lines<'m>(
    execution: &Execution<'m>,
    text: &'m [u8],
    width: i64,
    indent: i64,
    filler: u8,
) -> &'m [u8] {
    let Ok(width) = usize::try_from(width) else { return text };
    if width == 0 || text.len() <= width {
        return text;
    }
    let indent = usize::try_from(indent.clamp(0, INDENT_MAX)).unwrap_or(0);
    let lines = text.len().div_ceil(width);
    execution.build_with(text.len() + (lines - 1) * (indent + 2), |out| {
        for (number, line) in text.chunks(width).enumerate() {
            if number > 0 {
                out.extend_from_slice_copy(b"\r\n");
                out.extend(std::iter::repeat_n(filler, indent));
            }
            out.extend_from_slice_copy(line);
        }
    })
}

/// Bytes that a line may be moved to the right.
const INDENT_MAX: i64 = 100;

/// Where `wanted` occurs in `text` from `from` on, or -1.
fn index(text: &[u8], wanted: &[u8], from: i64) -> i64 {
    let from = if from < 0 { i64::try_from(text.len()).unwrap_or(0) + from } else { from };
    let start = clamp(from, text);
    memchr::memmem::find(&text[start..], wanted)
        .and_then(|at| i64::try_from(at + start).ok())
        .unwrap_or(-1)
}

/// `number` as a length within `text`.
fn clamp(number: i64, text: &[u8]) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX).min(text.len())
}

/// A piece of `text`: from the end if the offset is negative, all the rest if the length is 0.
fn substr(text: &[u8], offset: i64, length: i64) -> &[u8] {
    let whole = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = clamp(if offset < 0 { whole.saturating_add(offset) } else { offset }, text);
    let rest = &text[start..];
    if length <= 0 { rest } else { &rest[..clamp(length, rest)] }
}

/// The beginnings of `text` up to `length` bytes, with commas between them and quotes around each.
fn prefixes<'m>(execution: &Execution<'m>, text: &[u8], length: usize, quote: &[u8]) -> &'m [u8] {
    let bytes = length.saturating_mul(length + 3 + 4 * quote.len()) / 2;
    execution.build_with(bytes, |out| {
        for end in 1..=length {
            if end > 1 {
                out.push(b',');
            }
            out.extend_from_slice_copy(quote);
            out.extend_from_slice_copy(&text[..end]);
            out.extend_from_slice_copy(quote);
        }
    })
}

/// `text` with each `from` replaced by `to`.
fn replace<'m>(execution: &Execution<'m>, text: &'m [u8], from: &[u8], to: &[u8]) -> &'m [u8] {
    if from.is_empty() {
        return text;
    }
    let places = memchr::memmem::find_iter(text, from).count();
    let length = text.len() + places * to.len() - places * from.len();
    execution.build_with(length, |out| {
        let mut done = 0;
        for at in memchr::memmem::find_iter(text, from) {
            out.extend_from_slice_copy(&text[done..at]);
            out.extend_from_slice_copy(to);
            done = at + from.len();
        }
        out.extend_from_slice_copy(&text[done..]);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_taken_from_either_end() {
        for (offset, length, piece) in [
            (1, 3, "lic"),
            (2, 0, "ice"),
            (-2, 0, "ce"),
            (-2, 1, "c"),
            (9, 1, ""),
            (0, 99, "alice"),
        ] {
            assert_eq!(substr(b"alice", offset, length), piece.as_bytes(), "{offset},{length}");
        }
    }

    #[test]
    fn an_index_is_counted_from_the_start_of_the_whole() {
        assert_eq!(index(b"abcabc", b"bc", 0), 1);
        assert_eq!(index(b"abcabc", b"bc", 2), 4);
        assert_eq!(index(b"abcabc", b"x", 0), -1);
        assert_eq!(index(b"abc", b"c", 99), -1);
    }
}
