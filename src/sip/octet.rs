//! Classes of octets (RFC 3261 §25.1) and the numbers that they spell.

use super::ParseError;
use super::scan::{Block, Lanes, marks, search};

/// Whether `byte` may be in a `token`.
#[inline]
#[must_use]
pub(super) const fn is_token(byte: u8) -> bool {
    CLASSES[byte as usize] & TOKEN != 0
}

/// Whether `text` is a `token` (RFC 3261 §25.1).
#[inline]
#[must_use]
pub(crate) fn are_token(text: &[u8]) -> bool {
    are_usual_token(text) || are_any_token(text)
}

/// As [`are_token`], of a text of 8 to 32 octets that has but letters, digits and the few others
/// that programs make tags of.
#[inline]
fn are_usual_token(text: &[u8]) -> bool {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let are_usual = usual_token(Block::new(*first)) & usual_token(Block::new(*last));
        return text.len() <= 2 * Block::LENGTH && are_usual.are_all();
    }
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => usual_token(Block::halves(*first, *last)).are_all(),
        _ => false,
    }
}

/// As [`are_token`], of any text.
#[inline(never)]
fn are_any_token(text: &[u8]) -> bool {
    // To the end in any case: a loop without a way out is the quicker one for short texts.
    text.iter().fold(TOKEN, |classes, byte| classes & CLASSES[usize::from(*byte)]) != 0
}

/// What is most often in a token: letters, digits, `*`, `+`, `-` and `.`.
#[inline]
fn usual_token(block: Block) -> Lanes {
    let few = block.within(b'*', b'.') & !block.is(b',');
    block.with_case().within(b'a', b'z') | block.within(b'0', b'9') | few
}

/// Whether two texts are the same. Short ones are compared here, without a call: names and hosts
/// are short.
#[inline(always)]
#[must_use]
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        8..=16 => ends::<8>(one) == ends::<8>(other),
        4..=7 => ends::<4>(one) == ends::<4>(other),
        2..=3 => ends::<2>(one) == ends::<2>(other),
        0..=1 => one.first() == other.first(),
        _ => one == other,
    }
}

/// As [`equal`], of texts that are longer: Call-IDs and URIs.
#[inline]
#[must_use]
pub(crate) fn equal_long(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        16..=32 => ends::<16>(one) == ends::<16>(other),
        33..=64 => ends::<32>(one) == ends::<32>(other),
        _ => equal(one, other),
    }
}

/// The first octets of a text and the last; they may overlap.
#[inline]
fn ends<const COUNT: usize>(text: &[u8]) -> Option<(&[u8; COUNT], &[u8; COUNT])> {
    Some((text.first_chunk()?, text.last_chunk()?))
}

/// White space within a header value; a fold counts as such.
#[inline]
#[must_use]
pub(super) const fn is_space(byte: u8) -> bool {
    CLASSES[byte as usize] & SPACE != 0
}

/// Whether `byte` may be in a host name. The underscore is in no host name of the RFC, but in
/// many of the world.
#[inline]
#[must_use]
pub(super) const fn is_host(byte: u8) -> bool {
    CLASSES[byte as usize] & HOST != 0
}

/// How many of the first octets of `text` may be in a host name.
#[inline]
#[must_use]
pub(super) fn host_prefix_len(text: &[u8]) -> usize {
    if let Some(ahead) = text.first_chunk() {
        let others = no_host(Block::new(*ahead)).bits();
        if others != 0 {
            return others.trailing_zeros() as usize;
        }
    }
    long_host_prefix_len(text)
}

/// How many of the first octets of a text may be in a host name, if any may and another one
/// follows.
#[inline(always)]
#[must_use]
pub(super) fn short_host_len(ahead: [u8; Block::LENGTH]) -> Option<usize> {
    let length = no_host(Block::new(ahead)).bits().trailing_zeros() as usize;
    // One comparison: none becomes the most.
    if length.wrapping_sub(1) < Block::LENGTH - 1 { Some(length) } else { None }
}

/// Whether a text starts with `start`, which has no more octets than are ahead.
#[inline(always)]
#[must_use]
pub(super) const fn starts_with<const COUNT: usize>(ahead: [u8; 8], start: &[u8; COUNT]) -> bool {
    let mut wanted = 0;
    let mut at = COUNT;
    while at > 0 {
        at -= 1;
        wanted = wanted << u8::BITS | start[at] as u64;
    }
    let unused = u64::BITS - COUNT as u32 * u8::BITS;
    u64::from_le_bytes(ahead) << unused == wanted << unused
}

/// Whether `text` is not empty and all of it may be in a host name. Within its caller, so that no
/// register has to be saved for it.
#[inline(always)]
#[must_use]
pub(super) fn are_host(text: &[u8]) -> bool {
    match (text.first_chunk(), text.last_chunk()) {
        // An IPv4 address, almost always.
        (Some(first), Some(last)) if text.len() <= Block::LENGTH => {
            no_host(Block::halves(*first, *last)).bits() == 0
        }
        _ => are_any_host(text),
    }
}

/// As [`are_host`], of a text of any length.
#[inline(never)]
fn are_any_host(text: &[u8]) -> bool {
    !text.is_empty() && host_prefix_len(text) == text.len()
}

/// As [`host_prefix_len`], of a text that is short or starts with a long host name.
#[inline(never)]
fn long_host_prefix_len(text: &[u8]) -> usize {
    search(text, no_host, |byte| !is_host(byte)).unwrap_or(text.len())
}

/// The octets that [`is_host`] refuses.
#[inline]
fn no_host(block: Block) -> Lanes {
    !(block.with_case().within(b'a', b'z')
        | block.within(b'0', b'9')
        | block.within(b'-', b'.')
        | block.is(b'_'))
}

/// Whether `byte` may be in an unquoted parameter value. More than `gen-value` has: what is
/// merely passed on need not be a token, only unambiguous.
#[inline]
#[must_use]
pub(super) const fn is_param_value(byte: u8) -> bool {
    CLASSES[byte as usize] & VALUE != 0
}

/// Whether `byte` may be in a display name without quotes: tokens, the space between them, and
/// UTF-8 text, which phones write without the quotes that it should have.
#[inline]
#[must_use]
pub(super) const fn is_display(byte: u8) -> bool {
    CLASSES[byte as usize] & DISPLAY != 0
}

/// Whether `text` has only octets that can be in a URI: no control, no space, no angle bracket
/// and no quotation mark. Like most, we let pass what RFC 3261 §25.1 wants escaped but nobody
/// escapes, such as the `#` of a dialled string.
#[inline]
#[must_use]
pub(crate) fn are_uri(text: &[u8]) -> bool {
    search(text, no_uri, |byte| CLASSES[byte as usize] & NO_URI != 0).is_none()
}

/// The octets that [`are_uri`] refuses.
#[inline]
fn no_uri(block: Block) -> Lanes {
    // What ends a URI wherever it stands, and the last control.
    block.at_most(b' ') | block.angles() | block.is(b'"') | block.is(0x7f)
}

/// Whether each octet of `text` is a printable one of ASCII that delimits nothing but parameters:
/// no space, no quotation mark, no angle bracket, no comma.
#[inline]
#[must_use]
pub(super) fn are_plain(text: &[u8]) -> bool {
    search(text, refused, |byte| CLASSES[byte as usize] & NO_PLAIN != 0).is_none()
}

/// The octets that [`are_plain`] refuses.
#[inline]
fn refused(block: Block) -> Lanes {
    !block.within(b'!', b'~') | block.angles() | block.is(b'"') | block.is(b',')
}

/// Where the semicolons, equals signs and angle brackets are in a short text, and all that
/// [`are_plain`] does not let pass: a bit for each octet. Some of what it lets pass is rare, and
/// has a bit as well. `None` of a text that is longer.
#[inline]
pub(super) fn edges(text: &[u8]) -> Option<u64> {
    let [edges] = marks(text, |block| ([edge(block)], Lanes::ALL))?;
    Some(edges)
}

/// What [`edges`] has a bit for.
#[inline(always)]
pub(super) fn edge(block: Block) -> Lanes {
    let plain = block.within(b'*', b'~') & !block.is(b',');
    !plain | block.within(b';', b'>')
}

/// How many of the first octets of `text` satisfy `class`.
#[inline]
#[must_use]
pub(super) fn prefix_len(text: &[u8], class: impl Fn(u8) -> bool) -> usize {
    for (length, byte) in text.iter().enumerate() {
        if !class(*byte) {
            return length;
        }
    }
    text.len()
}

/// The rest of `text` behind its leading white space.
#[inline]
#[must_use]
pub(super) fn skip_space(text: &[u8]) -> &[u8] {
    match text.first() {
        Some(first) if is_space(*first) => skip_spaces(text),
        _ => text,
    }
}

/// As [`skip_space`], of a text that starts with some.
#[inline(never)]
fn skip_spaces(text: &[u8]) -> &[u8] {
    &text[prefix_len(text, is_space)..]
}

/// `text` without white space around it.
#[inline]
#[must_use]
pub(super) fn trim(text: &[u8]) -> &[u8] {
    trim_end(skip_space(text))
}

/// `text` without white space behind it.
#[inline]
#[must_use]
pub(super) fn trim_end(text: &[u8]) -> &[u8] {
    match text.last() {
        Some(last) if is_space(*last) => trim_spaces(text),
        _ => text,
    }
}

/// As [`trim_end`], of a text that ends with some.
#[inline(never)]
fn trim_spaces(text: &[u8]) -> &[u8] {
    let mut text = text;
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// The decimal number that `text` is, up to 32 bits; no sign, no space.
#[inline]
#[must_use]
pub(super) fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    if text.len() < 10 {
        return short_number(text);
    }
    let mut number = 0_u64;
    for byte in text {
        if !byte.is_ascii_digit() || number > u64::from(u32::MAX) {
            return None;
        }
        number = number * 10 + u64::from(byte - b'0');
    }
    u32::try_from(number).ok()
}

/// As [`number`], of a text of one to nine octets: no sum is too large.
#[inline]
fn short_number(text: &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    Some(number)
}

/// The decimal number that a text starts with, and how many digits it has, if that is any: all at
/// once, each is an octet of one word. With eight digits there may be more.
#[inline(always)]
#[must_use]
pub(super) fn leading_number(ahead: [u8; 8]) -> Option<(u32, usize)> {
    let octets = u64::from_le_bytes(ahead) ^ all(b'0');
    let count = no_digits(octets).trailing_zeros() / u8::BITS;
    let unused = u64::BITS.checked_sub(count * u8::BITS).filter(|bits| *bits < u64::BITS)?;
    Some((sum(octets << unused), count as usize))
}

/// The decimal number that four digits are.
#[inline(always)]
#[must_use]
pub(super) const fn four_digits(digits: [u8; 4]) -> Option<u16> {
    let octets = u32::from_le_bytes(digits) ^ all(b'0') as u32;
    if no_digits(octets as u64) as u32 != 0 {
        return None;
    }
    let pairs = octets.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff;
    Some((pairs.wrapping_mul(100 << 16 | 1) >> 16) as u16)
}

/// The decimal number that the last octets of a text are, of which there are one to eight, all
/// digits. `None` if they are not, or if the text has less than eight octets.
#[inline(always)]
#[must_use]
pub(super) fn last_number(text: &[u8], count: usize) -> Option<u32> {
    let unused = u64::BITS.checked_sub(count as u32 * u8::BITS).filter(|bits| *bits < u64::BITS)?;
    let octets = u64::from_le_bytes(*text.last_chunk()?) ^ all(b'0');
    let digits = octets >> unused << unused;
    (no_digits(digits) == 0).then(|| sum(digits))
}

/// A word with that octet everywhere.
const fn all(octet: u8) -> u64 {
    u64::from_ne_bytes([octet; 8])
}

/// A bit in each octet of the word that is no value of a digit, and perhaps in those behind it.
#[inline(always)]
const fn no_digits(octets: u64) -> u64 {
    // What is no digit has its highest bit set now, or gets it; a carry goes to those behind it.
    (octets.wrapping_add(all(0x80 - 10)) | octets) & all(0x80)
}

/// The number of the digits whose values are the octets of the word, the lowest the first.
#[inline(always)]
const fn sum(digits: u64) -> u32 {
    // Digits, then pairs of them, then fours: each is added to ten times the one before it.
    let pairs = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000 << 32 | 1) >> 32) as u32
}

/// Parses the value of Max-Forwards: 0 to 255 (RFC 3261 §20.22).
///
/// # Errors
///
/// [`ParseError::Number`].
#[inline(never)]
pub fn parse_max_forwards(value: &[u8]) -> Result<u8, ParseError> {
    number(value).and_then(|hops| u8::try_from(hops).ok()).ok_or(ParseError::Number)
}

/// Parses `delta-seconds`, as in Expires and Min-Expires (RFC 3261 §20.19): 0 to 2^32 - 1. A
/// larger number is as malformed as none: both stand for the default of the header field, 3600
/// in a REGISTER (RFC 3261 §10.2.1.1, RFC 4475 §3.1.2.4), so neither becomes 136 years.
///
/// # Errors
///
/// [`ParseError::Number`].
pub fn parse_delta_seconds(value: &[u8]) -> Result<u32, ParseError> {
    number(value).ok_or(ParseError::Number)
}

/// Bit of [`is_token`] in [`CLASSES`].
const TOKEN: u8 = 1;
/// Bit of [`is_space`] in [`CLASSES`].
const SPACE: u8 = 1 << 1;
/// Bit of [`is_host`] in [`CLASSES`].
const HOST: u8 = 1 << 2;
/// Bit of [`is_param_value`] in [`CLASSES`].
const VALUE: u8 = 1 << 3;
/// Bit of [`is_display`] in [`CLASSES`].
const DISPLAY: u8 = 1 << 4;

/// Bit of the octets that [`are_uri`] refuses in [`CLASSES`].
const NO_URI: u8 = 1 << 5;
/// Bit of the octets that [`are_plain`] refuses in [`CLASSES`].
const NO_PLAIN: u8 = 1 << 6;

/// The classes that each octet is in.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = u8::MIN;
    loop {
        classes[byte as usize] = classes_of(byte);
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    classes
};

/// The classes that `byte` is in.
const fn classes_of(byte: u8) -> u8 {
    let mut classes = 0;
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') {
        classes |= TOKEN | HOST;
    }
    if matches!(byte, b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~') {
        classes |= TOKEN;
    }
    if byte == b'_' {
        classes |= HOST;
    }
    if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
        classes |= SPACE;
    }
    let graphic = byte.is_ascii_graphic() || byte >= 0x80;
    if graphic && !matches!(byte, b';' | b',' | b'<' | b'>' | b'"') {
        classes |= VALUE;
    }
    if classes & (TOKEN | SPACE) != 0 || byte >= 0x80 {
        classes |= DISPLAY;
    }
    let delimits = matches!(byte, b'<' | b'>' | b'"');
    if byte <= b' ' || byte == 0x7f || delimits {
        classes |= NO_URI;
    }
    if byte <= b' ' || byte >= 0x7f || delimits || byte == b',' {
        classes |= NO_PLAIN;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_the_grammar() {
        let others = b"-.!%*_+`'~";
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || others.contains(&byte);
            assert_eq!(is_token(byte), expected, "{byte:#x}");
        }
    }

    #[test]
    fn a_text_starts_with_its_first_octets() {
        assert!(starts_with(*b"<sip:a@b", b"<sip:") && starts_with(*b"12345678", b"12345678"));
        assert!(!starts_with(*b"<sip;a@b", b"<sip:") && !starts_with(*b"12345678", b"02345678"));
    }

    #[test]
    fn texts_are_tokens_if_all_octets_may_be_in_one() {
        for length in 1..40 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    assert_eq!(
                        are_token(&text),
                        is_token(byte),
                        "{byte:#x} at {place} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn texts_are_equal_that_have_the_same_octets() {
        for length in 0..70 {
            let text: Vec<u8> = (0..length).collect();
            assert!(equal(&text, &text.clone()) && equal_long(&text, &text.clone()));
            assert!(!equal(&text, &[&text[..], b"x"].concat()));
            for place in 0..text.len() {
                let mut other = text.clone();
                other[place] ^= 0x80;
                assert!(!equal(&text, &other), "{length} {place}");
                assert!(!equal_long(&text, &other), "{length} {place}");
            }
        }
    }

    #[test]
    fn uri_octets_exclude_what_delimits_uris() {
        assert!(are_uri(b"sip:*55#@example.com"));
        for byte in b"\0\t\r\n <>\"\x7f" {
            let text = [b'a', *byte, b'b'];
            assert!(!are_uri(&text), "{byte:#x}");
        }
    }

    #[test]
    fn numbers_have_only_digits_and_fit_32_bits() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"0009"), Some(9));
        assert_eq!(number(b"4294967295"), Some(u32::MAX));
        for text in [&b""[..], b"4294967296", b"-1", b"+1", b"1 ", b"1a", b"99999999999999999999"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_text_starts_with_the_number_that_its_digits_are() {
        for (text, expected) in [
            (b"0       ", Some((0, 1))),
            (b"70\r\n1234", Some((70, 2))),
            (b"314159 I", Some((314_159, 6))),
            (b"0012345;", Some((12_345, 7))),
            (b"99999999", Some((99_999_999, 8))),
            (b"1:9/9\x809\xff", Some((1, 1))),
            (b" 1234567", None),
            (b"/1234567", None),
            (b":1234567", None),
            (b"\xff1234567", None),
            (b"\xb01234567", None),
        ] {
            assert_eq!(leading_number(*text), expected, "{text:?}");
        }
    }

    #[test]
    fn four_digits_are_a_number() {
        for number in [0, 9, 1_234, 5_060, 9_999] {
            let digits = format!("{number:04}");
            assert_eq!(four_digits(*digits.as_bytes().first_chunk().unwrap()), Some(number));
        }
        for text in [b"506;", b":060", b"50/0", b" 506", b"\xff060", b"506\xb0"] {
            assert_eq!(four_digits(*text), None, "{text:?}");
        }
    }

    #[test]
    fn a_text_ends_with_the_number_that_its_last_octets_are() {
        for (text, count, expected) in [
            (&b"a.b.c.d:5060"[..], 4, Some(5_060)),
            (b"12345678", 8, Some(12_345_678)),
            (b"1234567x", 1, None),
            (b"abcdefg7", 1, Some(7)),
            (b"abcdefg7", 2, None),
            (b"abcdef:/", 1, None),
            (b"abcdefg\xb0", 1, None),
            (b"abcdefgh", 0, None),
            (b"123456789", 9, None),
            (b"1234567", 3, None),
        ] {
            assert_eq!(last_number(text, count), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_are_the_same_if_all_octets_are() {
        let texts = [&b""[..], b"A", b"ACK", b"ACKS", b"INVITE", b"INXITE", b"INVITES", b"INVTE"];
        let long = [&b"REGISTER"[..], b"REGISTEr", b"SUBSCRIBE", b"SUBSXRIBE", b"ACKACKS"];
        for one in texts.into_iter().chain(long) {
            for other in texts.into_iter().chain(long) {
                assert_eq!(equal(one, other), one == other, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn max_forwards_is_at_most_255() {
        assert_eq!(parse_max_forwards(b"0068"), Ok(68));
        assert_eq!(parse_max_forwards(b"255"), Ok(255));
        assert_eq!(parse_max_forwards(b"256"), Err(ParseError::Number));
        assert_eq!(parse_max_forwards(b""), Err(ParseError::Number));
    }

    #[test]
    fn seconds_beyond_32_bits_are_malformed() {
        assert_eq!(parse_delta_seconds(b"4294967295"), Ok(u32::MAX));
        assert_eq!(parse_delta_seconds(b"280297596632815"), Err(ParseError::Number));
    }

    #[test]
    fn trimming_takes_folds_and_may_leave_nothing() {
        assert_eq!(trim(b" \r\n\ta b\r\n "), b"a b");
        assert_eq!(trim(b" \t "), b"");
        assert_eq!(trim(b""), b"");
    }
}
