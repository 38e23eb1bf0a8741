//! Other notations of strings: `{s.encode.*}`, `{s.decode.*}`, `{s.escape.*}`, `{s.unescape.*}`.

use bumpalo::collections::Vec as ArenaVec;

use crate::script::Execution;

/// Another notation of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// Base 58: digits and letters without those that look alike.
    Base58,
    /// RFC 4648 §4, or with the alphabet of §5 for `url`; `trimmed` without padding.
    Base64 {
        /// Whether `-` and `_` stand for `+` and `/`.
        url: bool,
        /// Whether there is no padding.
        trimmed: bool,
    },
    /// Backslashes before quotes, backslashes and NUL.
    Common,
    /// A field of a list with commas (RFC 4180).
    Csv,
    /// Two hexadecimal digits for each byte.
    Hex,
    /// Seven bits of each byte, packed as the letters of a short message are (3GPP TS 23.038
    /// §6.1.2), in hexadecimal.
    SevenBit,
    /// `%` escapes for what may not stand in a URI parameter (RFC 3261 §25.1).
    Param,
    /// `%` escapes for all but what is unreserved (RFC 3986 §2.3), as in the query of a URL.
    Query,
    /// `%` escapes for what may not stand in the user part of a URI (RFC 3261 §25.1).
    User,
}

impl Notation {
    /// The notation that the transformation `{s.name}` is about, and whether it goes there.
    pub(super) fn find(name: &str) -> Option<(bool, Self)> {
        let base64 = |url, trimmed| Self::Base64 { url, trimmed };
        Some(match name {
            "decode.7bit" => (false, Self::SevenBit),
            "decode.base58" => (false, Self::Base58),
            "decode.base64" => (false, base64(false, false)),
            "decode.base64t" => (false, base64(false, true)),
            "decode.base64url" => (false, base64(true, false)),
            "decode.base64urlt" => (false, base64(true, true)),
            "decode.hexa" => (false, Self::Hex),
            "encode.7bit" => (true, Self::SevenBit),
            "encode.base58" => (true, Self::Base58),
            "encode.base64" => (true, base64(false, false)),
            "encode.base64t" => (true, base64(false, true)),
            "encode.base64url" => (true, base64(true, false)),
            "encode.base64urlt" => (true, base64(true, true)),
            "encode.hexa" => (true, Self::Hex),
            "escape.common" => (true, Self::Common),
            "escape.csv" => (true, Self::Csv),
            "escape.param" => (true, Self::Param),
            "escape.user" => (true, Self::User),
            "unescape.common" => (false, Self::Common),
            "unescape.param" => (false, Self::Param),
            "unescape.user" => (false, Self::User),
            "urldecode.param" => (false, Self::Query),
            "urlencode.param" => (true, Self::Query),
            _ => return None,
        })
    }

    /// `text` in this notation.
    pub(super) fn encode<'m>(self, execution: &Execution<'m>, text: &[u8]) -> &'m [u8] {
        execution.build_with(text.len() * 3 + 4, |out| match self {
            Self::Base58 => encode_base58(text, out),
            Self::Base64 { url, trimmed } => encode_base64(text, url, trimmed, out),
            Self::Common => {
                for byte in text {
                    match byte {
                        0 => out.extend_from_slice_copy(b"\\0"),
                        b'\'' | b'"' | b'\\' => out.extend_from_slice_copy(&[b'\\', *byte]),
                        byte => out.push(*byte),
                    }
                }
            }
            Self::Csv => {
                out.push(b'"');
                for byte in text {
                    if *byte == b'"' {
                        out.push(b'"');
                    }
                    out.push(*byte);
                }
                out.push(b'"');
            }
            Self::Hex => out.extend(text.iter().flat_map(|byte| hex(*byte))),
            Self::SevenBit => pack_septets(text, out),
            Self::Param | Self::Query | Self::User => {
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
    pub(super) fn decode<'m>(self, execution: &Execution<'m>, text: &[u8]) -> &'m [u8] {
        let mut is_good = true;
        let decoded = execution.build_with(text.len() + 4, |out| match self {
            Self::Base58 => is_good = decode_base58(text, out),
            Self::Base64 { url, .. } => is_good = decode_base64(text, url, out),
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
            // There is no such transformation.
            Self::Csv => out.extend_from_slice_copy(text),
            Self::Hex => {
                is_good = text.len().is_multiple_of(2);
                for pair in text.chunks_exact(2) {
                    match unhex(pair[0], pair[1]) {
                        Some(byte) => out.push(byte),
                        None => is_good = false,
                    }
                }
            }
            Self::SevenBit => is_good = unpack_septets(text, out),
            Self::Param | Self::Query | Self::User => {
                let mut rest = text;
                while let [byte, tail @ ..] = rest {
                    let escaped = match rest {
                        [b'%', high, low, ..] => unhex(*high, *low),
                        [b'+', ..] if self == Self::Query => {
                            out.push(b' ');
                            rest = tail;
                            continue;
                        }
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
        if let Self::Query = self {
            return byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        }
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

/// Writes seven bits of each byte one behind the other, from the lowest on, in hexadecimal.
fn pack_septets(text: &[u8], out: &mut ArenaVec<'_, u8>) {
    let (mut bits, mut count) = (0_u16, 0);
    let mut push = |byte: u16| {
        out.extend(hex((byte & 0xff) as u8).map(|digit| digit.to_ascii_uppercase()));
    };
    for byte in text {
        bits |= u16::from(byte & 0x7f) << count;
        count += 7;
        if count >= 8 {
            push(bits);
            bits >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        push(bits);
    }
}

/// Writes the bytes that packed septets are; a digit too many is left out. False if there is
/// something else than digits.
fn unpack_septets(text: &[u8], out: &mut ArenaVec<'_, u8>) -> bool {
    let (mut bits, mut count) = (0_u16, 0);
    for pair in text.chunks_exact(2) {
        let Some(byte) = unhex(pair[0], pair[1]) else { return false };
        bits |= u16::from(byte) << count;
        count += 8;
        while count >= 7 {
            out.push((bits & 0x7f) as u8);
            bits >>= 7;
            count -= 7;
        }
    }
    true
}

/// The alphabet of RFC 4648 §4.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The alphabet of RFC 4648 §5.
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The alphabet of base 64.
const fn alphabet(url: bool) -> &'static [u8; 64] {
    if url { BASE64_URL } else { BASE64 }
}

/// Writes `text` in base 64.
fn encode_base64(text: &[u8], url: bool, trimmed: bool, out: &mut ArenaVec<'_, u8>) {
    for group in text.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4_usize {
            if digit <= group.len() {
                out.push(alphabet(url)[(bits >> (18 - 6 * digit) & 63) as usize]);
            } else if !trimmed {
                out.push(b'=');
            }
        }
    }
}

/// Writes what `text` is in base 64, with or without padding; false if it is malformed.
fn decode_base64(text: &[u8], url: bool, out: &mut ArenaVec<'_, u8>) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in &text[..text.len() - padding] {
        let place = alphabet(url).iter().position(|letter| letter == byte);
        let Some(digit) = place else { return false };
        bits = bits << 6 | u32::try_from(digit).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    padding <= 2
}

/// The alphabet of base 58.
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Longest text in base 58 (bytes): the time grows with the square of the length.
const BASE58_BYTES_MAX: usize = 1_024;

/// Writes `text` in base 58; nothing if it is too long.
fn encode_base58(text: &[u8], out: &mut ArenaVec<'_, u8>) {
    if text.len() > BASE58_BYTES_MAX {
        return;
    }
    let zeros = text.iter().take_while(|byte| **byte == 0).count();
    out.extend(std::iter::repeat_n(b'1', zeros));
    let start = out.len();
    for byte in &text[zeros..] {
        let mut carry = u32::from(*byte);
        for digit in &mut out[start..] {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            out.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    out[start..].reverse();
    out[start..].iter_mut().for_each(|digit| *digit = BASE58[usize::from(*digit)]);
}

/// Writes what `text` is in base 58; false if it is malformed or too long.
fn decode_base58(text: &[u8], out: &mut ArenaVec<'_, u8>) -> bool {
    if text.len() > 2 * BASE58_BYTES_MAX {
        return false;
    }
    let zeros = text.iter().take_while(|byte| **byte == b'1').count();
    out.extend(std::iter::repeat_n(0, zeros));
    let start = out.len();
    for letter in &text[zeros..] {
        let place = BASE58.iter().position(|known| known == letter);
        let Some(mut carry) = place.and_then(|place| u32::try_from(place).ok()) else {
            return false;
        };
        for byte in &mut out[start..] {
            carry += u32::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            out.push((carry & 0xff) as u8);
            carry >>= 8;
        }
    }
    out[start..].reverse();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_there_and_back_is_the_same() {
        let arena = bumpalo::Bump::new();
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            let (mut there, mut back) = (ArenaVec::new_in(&arena), ArenaVec::new_in(&arena));
            encode_base64(text.as_bytes(), false, false, &mut there);
            assert_eq!(there, encoded.as_bytes());
            assert!(decode_base64(&there, false, &mut back));
            assert_eq!(back, text.as_bytes());
        }
        let mut out = ArenaVec::new_in(&arena);
        assert!(!decode_base64(b"Zm9*", false, &mut out));
        let mut out = ArenaVec::new_in(&arena);
        encode_base64(b"\xfb\xff", true, true, &mut out);
        assert_eq!(out, b"-_8");
    }

    #[test]
    fn base58_there_and_back_is_the_same() {
        let arena = bumpalo::Bump::new();
        for (text, encoded) in
            [(&b""[..], ""), (b"abcdefghij", "6ULDKkKF2ZSzsB"), (b"\0\0a", "112g")]
        {
            let (mut there, mut back) = (ArenaVec::new_in(&arena), ArenaVec::new_in(&arena));
            encode_base58(text, &mut there);
            assert_eq!(there, encoded.as_bytes());
            assert!(decode_base58(&there, &mut back));
            assert_eq!(back, text);
        }
        let mut out = ArenaVec::new_in(&arena);
        assert!(!decode_base58(b"0OIl", &mut out));
        encode_base58(&[7; 2_000], &mut out);
        assert!(out.is_empty());
    }
}
