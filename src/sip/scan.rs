//! Looking for an octet in short texts, eight at a time: within a header field a call of the
//! vector code of `memchr` costs more than the search itself.

/// A word with all octets 1.
const ONES: u64 = 0x0101_0101_0101_0101;
/// A word with the highest bit of each octet.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks the octets of `word` that are 0: the highest bit of the first of them is right, those
/// behind it may not be.
#[inline]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Offset of the first `wanted` in `text`.
#[inline]
pub(super) fn find(text: &[u8], wanted: u8) -> Option<usize> {
    let pattern = ONES * wanted as u64;
    search(text, |word| zeros(word ^ pattern), |byte| byte == wanted)
}

/// Offset of the first octet in `text` that is one of the two.
#[inline]
pub(super) fn find2(text: &[u8], one: u8, other: u8) -> Option<usize> {
    let (first, second) = (ONES * one as u64, ONES * other as u64);
    let mark = |word| zeros(word ^ first) | zeros(word ^ second);
    search(text, mark, |byte| byte == one || byte == other)
}

/// Offset of the first octet that `mark` marks in a word, or `is` says of an octet. The last
/// word overlaps with the one before it: what was seen there was no match.
#[inline]
fn search(text: &[u8], mark: impl Fn(u64) -> u64, is: impl Fn(u8) -> bool) -> Option<usize> {
    let Some(last) = text.last_chunk::<8>() else {
        return text.iter().position(|byte| is(*byte));
    };
    let (words, _) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let marks = mark(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(number * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let marks = mark(u64::from_le_bytes(*last));
    (marks != 0).then(|| text.len() - 8 + marks.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::octet::are_plain;
    use super::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_a_plain_search_finds(
            text in proptest::collection::vec(
                prop_oneof![
                    proptest::sample::select(&[b';', b'=', b'\0', b':', 0xba, 0xbb][..]),
                    any::<u8>(),
                ],
                0..60,
            ),
        ) {
            for wanted in [b';', b'=', b':', b'\0'] {
                let expected = text.iter().position(|byte| *byte == wanted);
                prop_assert_eq!(find(&text, wanted), expected);
            }
            let expected = text.iter().position(|byte| matches!(byte, b';' | b'='));
            prop_assert_eq!(find2(&text, b';', b'='), expected);
            let plain = text.iter().all(|byte| byte.is_ascii_graphic() && !b"\"<>,".contains(byte));
            prop_assert_eq!(are_plain(&text), plain);
        }
    }
}
