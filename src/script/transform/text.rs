//! `{s.*}`: strings.

use md5::{Digest, Md5};

use super::{Parameter, Parameters, count, pick};
use crate::script::scope::{Fault, Scope};
use crate::script::value::parse_int;
use crate::script::{Execution, Value};

/// A transformation of a string.
#[derive(Clone, Debug)]
pub(crate) enum TextPart {
    /// How often a byte occurs.
    Count(u8),
    /// From another notation.
    Decode(Notation),
    /// Into another notation.
    Encode(Notation),
    /// Where a string occurs first, from a place on; -1 if it does not.
    Index(Parameter, Option<Parameter>),
    /// The number that it is.
    Int,
    /// How long it is.
    Length,
    /// The MD5 sum in hexadecimal.
    Md5,
    /// The digits in it.
    Numeric,
    /// All its beginnings, up to a length, with commas between them.
    Prefixes(Option<Parameter>),
    /// Each occurrence of the first string replaced by the second.
    Replace(Parameter, Parameter),
    /// The field at that place, with a separator between fields.
    Select(Parameter, u8),
    /// Without the first bytes.
    Strip(Parameter),
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
    /// Without the pair of bytes around it, if it is there.
    Unwrap(u8, u8),
}

/// Another notation of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// RFC 4648 §4.
    Base64,
    /// Backslashes before quotes, backslashes and NUL.
    Common,
    /// Two hexadecimal digits for each byte.
    Hex,
    /// `%` escapes for what may not stand in a URI parameter (RFC 3261 §25.1).
    Param,
    /// `%` escapes for what may not stand in the user part of a URI (RFC 3261 §25.1).
    User,
}

impl TextPart {
    /// The transformation `{s.name}`.
    pub(super) fn find(
        name: &str,
        parameters: &mut Parameters<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Option<Self>, Fault> {
        Ok(Some(match name {
            "count" => Self::Count(parameters.separator(b' ')),
            "decode.base64" => Self::Decode(Notation::Base64),
            "decode.hexa" => Self::Decode(Notation::Hex),
            "encode.base64" => Self::Encode(Notation::Base64),
            "encode.hexa" => Self::Encode(Notation::Hex),
            "escape.common" => Self::Encode(Notation::Common),
            "escape.param" => Self::Encode(Notation::Param),
            "escape.user" => Self::Encode(Notation::User),
            "index" => Self::Index(parameters.required(scope)?, parameters.optional(scope)?),
            "int" => Self::Int,
            "len" => Self::Length,
            "ltrim" => Self::Trim(true, false),
            "md5" => Self::Md5,
            "numeric" => Self::Numeric,
            "prefixes" => Self::Prefixes(parameters.optional(scope)?),
            "replace" => Self::Replace(parameters.required(scope)?, parameters.required(scope)?),
            "rm" => Self::Replace(parameters.required(scope)?, Parameter::Fixed(Box::default())),
            "rtrim" => Self::Trim(false, true),
            "select" => Self::Select(parameters.number(scope)?, parameters.separator(b',')),
            "strip" => Self::Strip(parameters.number(scope)?),
            "striptail" => Self::StripTail(parameters.number(scope)?),
            "substr" => Self::Substr(parameters.number(scope)?, parameters.number(scope)?),
            "tolower" => Self::ToLower,
            "toupper" => Self::ToUpper,
            "trim" => Self::Trim(true, true),
            "unbracket" => Self::Unwrap(b'<', b'>'),
            "unescape.common" => Self::Decode(Notation::Common),
            "unescape.param" => Self::Decode(Notation::Param),
            "unescape.user" => Self::Decode(Notation::User),
            "unquote" => Self::Unwrap(b'"', b'"'),
            _ => return Ok(None),
        }))
    }

    /// What becomes of `text`.
    pub(super) fn apply<'m>(&'m self, execution: &Execution<'m>, text: &'m [u8]) -> Value<'m> {
        Value::Text(match self {
            Self::Count(byte) => return Value::Int(count(memchr::memchr_iter(*byte, text))),
            Self::Index(wanted, from) => {
                let from = from.as_ref().map_or(0, |from| from.int(execution));
                return Value::Int(index(text, wanted.text(execution), from));
            }
            Self::Int => return parse_int(text.trim_ascii()).map_or(Value::Null, Value::Int),
            Self::Length => return Value::Int(i64::try_from(text.len()).unwrap_or(i64::MAX)),
            Self::Decode(notation) => notation.decode(execution, text),
            Self::Encode(notation) => notation.encode(execution, text),
            Self::Md5 => Notation::Hex.encode(execution, &Md5::digest(text)),
            Self::Numeric => execution.build_with(text.len(), |out| {
                out.extend(text.iter().copied().filter(u8::is_ascii_digit));
            }),
            Self::Prefixes(length) => {
                let length = length.as_ref().map(|length| clamp(length.int(execution), text));
                prefixes(execution, text, length.unwrap_or(text.len()))
            }
            Self::Replace(from, to) => {
                replace(execution, text, from.text(execution), to.text(execution))
            }
            Self::Select(at, separator) => {
                let fields = text.split(|byte| byte == separator);
                pick(fields, at.int(execution)).unwrap_or_default()
            }
            Self::Strip(length) => &text[clamp(length.int(execution), text)..],
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
            Self::Unwrap(open, close) => match text {
                [first, inner @ .., last] if first == open && last == close => inner,
                text => text,
            },
        })
    }
}

impl Notation {
    /// `text` in this notation.
    fn encode<'m>(self, execution: &Execution<'m>, text: &[u8]) -> &'m [u8] {
        execution.build_with(text.len() * 3 + 4, |out| match self {
            Self::Base64 => encode_base64(text, |byte| out.push(byte)),
            Self::Common => {
                for byte in text {
                    match byte {
                        0 => out.extend_from_slice_copy(b"\\0"),
                        b'\'' | b'"' | b'\\' => out.extend_from_slice_copy(&[b'\\', *byte]),
                        byte => out.push(*byte),
                    }
                }
            }
            Self::Hex => out.extend(text.iter().flat_map(|byte| hex(*byte))),
            Self::Param | Self::User => {
                for byte in text {
                    if self.allows(*byte) {
                        out.push(*byte);
                    } else {
                        let [high, low] = hex(*byte);
                        out.extend_from_slice_copy(&[b'%', high, low]);
                    }
                }
            }
        })
    }

    /// What `text` is in this notation; empty if it is malformed.
    fn decode<'m>(self, execution: &Execution<'m>, text: &[u8]) -> &'m [u8] {
        let mut is_good = true;
        let decoded = execution.build_with(text.len() + 4, |out| match self {
            Self::Base64 => is_good = decode_base64(text, |byte| out.push(byte)),
            Self::Common => {
                let mut rest = text.iter();
                while let Some(byte) = rest.next() {
                    match (byte, rest.clone().next()) {
                        (b'\\', Some(next)) => {
                            rest.next();
                            out.push(if *next == b'0' { 0 } else { *next });
                        }
                        _ => out.push(*byte),
                    }
                }
            }
            Self::Hex => {
                is_good = text.len().is_multiple_of(2);
                for pair in text.chunks_exact(2) {
                    match unhex(pair[0], pair[1]) {
                        Some(byte) => out.push(byte),
                        None => is_good = false,
                    }
                }
            }
            Self::Param | Self::User => {
                let mut rest = text;
                while let [byte, tail @ ..] = rest {
                    let escaped = match rest {
                        [b'%', high, low, ..] => unhex(*high, *low),
                        _ => None,
                    };
                    out.push(escaped.unwrap_or(*byte));
                    rest = if escaped.is_some() { &rest[3..] } else { tail };
                }
            }
        });
        if is_good { decoded } else { &[] }
    }

    /// Whether `byte` may stand unescaped (RFC 3261 §25.1).
    const fn allows(self, byte: u8) -> bool {
        let unreserved = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')');
        unreserved
            || match self {
                Self::User => {
                    matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
                }
                _ => matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$'),
            }
    }
}

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

/// The beginnings of `text` up to `length` bytes, with commas between them.
fn prefixes<'m>(execution: &Execution<'m>, text: &[u8], length: usize) -> &'m [u8] {
    let bytes = length.saturating_mul(length + 3) / 2;
    execution.build_with(bytes, |out| {
        for end in 1..=length {
            if end > 1 {
                out.push(b',');
            }
            out.extend_from_slice_copy(&text[..end]);
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

/// The two hexadecimal digits of `byte`.
const fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

/// The byte that two hexadecimal digits are.
fn unhex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// The alphabet of RFC 4648 §4.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes `text` in base 64, padding included.
fn encode_base64(text: &[u8], mut write: impl FnMut(u8)) {
    for group in text.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4_usize {
            let shown = digit <= group.len();
            let letter = BASE64[(bits >> (18 - 6 * digit) & 63) as usize];
            write(if shown { letter } else { b'=' });
        }
    }
}

/// Writes what `text` is in base 64; false if it is malformed.
fn decode_base64(text: &[u8], mut write: impl FnMut(u8)) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in &text[..text.len() - padding] {
        let Some(digit) = BASE64.iter().position(|letter| letter == byte) else { return false };
        bits = bits << 6 | u32::try_from(digit).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            write((bits >> count & 0xff) as u8);
        }
    }
    padding <= 2
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
    fn base64_there_and_back_is_the_same() {
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            let (mut there, mut back) = (Vec::new(), Vec::new());
            encode_base64(text.as_bytes(), |byte| there.push(byte));
            assert_eq!(there, encoded.as_bytes());
            assert!(decode_base64(&there, |byte| back.push(byte)));
            assert_eq!(back, text.as_bytes());
        }
        assert!(!decode_base64(b"Zm9*", |_| {}));
    }

    #[test]
    fn an_index_is_counted_from_the_start_of_the_whole() {
        assert_eq!(index(b"abcabc", b"bc", 0), 1);
        assert_eq!(index(b"abcabc", b"bc", 2), 4);
        assert_eq!(index(b"abcabc", b"x", 0), -1);
        assert_eq!(index(b"abc", b"c", 99), -1);
    }
}
