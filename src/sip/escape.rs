//! `%HH` escapes (RFC 3261 §19.1.2, §25.1 `escaped`).

use std::borrow::Cow;

use super::scan::{Block, find, search};

/// `text` with its `%HH` escapes decoded; without any, `text` itself. What only looks like an
/// escape stays as it is.
#[must_use]
pub fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    match find(text, b'%') {
        Some(_) => Cow::Owned(Octets { rest: text }.map(|octet| octet.byte).collect()),
        None => Cow::Borrowed(text),
    }
}

/// Whether `text` has neither escapes nor capitals: there is no other spelling for it.
#[inline]
#[must_use]
pub fn is_canonical(text: &[u8]) -> bool {
    let others = |block: Block| block.within(b'A', b'Z') | block.is(b'%');
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) if text.len() <= Block::LENGTH => {
            others(Block::halves(*first, *last)).bits() == 0
        }
        (None, _) => others(Block::few(text)).bits() == 0,
        _ => search(text, others, |byte| matches!(byte, b'A'..=b'Z' | b'%')).is_none(),
    }
}

/// Whether `a` and `b` are the same text: an escape is the same as its character, unless that
/// is one of the *reserved* ones (RFC 3261 §19.1.4).
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a == b || (has_escape(a, b) && Octets { rest: a }.eq(Octets { rest: b }))
}

/// Like [`same`], in any case.
pub(super) fn same_in_any_case(a: &[u8], b: &[u8]) -> bool {
    if !has_escape(a, b) {
        return a.eq_ignore_ascii_case(b);
    }
    Octets { rest: a }.map(Octet::folded).eq(Octets { rest: b }.map(Octet::folded))
}

/// Whether `a` or `b` may have an escape in it.
fn has_escape(a: &[u8], b: &[u8]) -> bool {
    find(a, b'%').is_some() || find(b, b'%').is_some()
}

/// One octet of unescaped text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Octet {
    byte: u8,
    /// It is a reserved character and was escaped, so that it is not what it looks like.
    escaped: bool,
}

impl Octet {
    /// The octet in lower case.
    const fn folded(self) -> Self {
        Self { byte: self.byte.to_ascii_lowercase(), escaped: self.escaped }
    }
}

/// The octets of a text, escapes decoded.
struct Octets<'d> {
    rest: &'d [u8],
}

impl Iterator for Octets<'_> {
    type Item = Octet;

    fn next(&mut self) -> Option<Octet> {
        if let [b'%', high, low, rest @ ..] = self.rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            self.rest = rest;
            let byte = high << 4 | low;
            return Some(Octet { byte, escaped: is_reserved(byte) });
        }
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(Octet { byte: *byte, escaped: false })
    }
}

/// The value of a hexadecimal digit.
const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// `reserved` of RFC 3261 §25.1, and the `%` itself, which escaped starts no escape.
const fn is_reserved(byte: u8) -> bool {
    matches!(byte, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capital_or_an_escape_is_seen_wherever_it_stands() {
        for length in 0..40 {
            let mut text = vec![b'b'; length];
            assert!(is_canonical(&text), "{length}");
            for (at, other) in (0..length).flat_map(|at| [(at, b'B'), (at, b'%')]) {
                text[at] = other;
                assert!(!is_canonical(&text), "{length} {at} {other}");
                text[at] = b'b';
            }
        }
    }

    #[test]
    fn escapes_are_decoded_once_and_malformed_ones_kept() {
        for (text, plain) in [
            ("alice", &b"alice"[..]),
            ("%61lic%65", b"alice"),
            ("v%61lue%25%34%31", b"value%41"),
            ("null-%00-null", b"null-\0-null"),
            ("%Z%45%", b"%ZE%"),
            ("%4", b"%4"),
            ("%%41", b"%A"),
        ] {
            assert_eq!(&*unescaped(text.as_bytes()), plain, "{text}");
        }
    }

    #[test]
    fn text_without_escapes_is_not_copied() {
        assert!(matches!(unescaped(b"alice"), Cow::Borrowed(b"alice")));
    }

    #[test]
    fn escapes_equal_their_characters_unless_reserved() {
        assert!(same(b"%61lice", b"alice"));
        assert!(same(b"%2Aa", b"*%61"));
        assert!(same(b"a%3bb", b"a%3Bb"));
        assert!(!same(b"a%3Bb", b"a;b"));
        assert!(!same(b"%2541", b"%41"));
        assert!(!same(b"%41lice", b"alice"));
        assert!(same_in_any_case(b"%41lice", b"alice"));
        assert!(!same_in_any_case(b"alice", b"alic"));
    }
}
