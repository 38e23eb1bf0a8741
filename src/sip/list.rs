//! Comma-separated values of one header line (RFC 3261 §7.3.1).

use super::octet::trim;
use super::scan::{find, find2};

/// The values of a header line: split at commas outside of quoted strings and angle brackets,
/// without surrounding white space. Empty values are skipped.
#[derive(Clone, Debug)]
pub struct Items<'d> {
    rest: &'d [u8],
}

impl<'d> Items<'d> {
    /// The values in `text`.
    #[must_use]
    pub const fn new(text: &'d [u8]) -> Self {
        Self { rest: text }
    }
}

impl<'d> Iterator for Items<'d> {
    type Item = &'d [u8];

    fn next(&mut self) -> Option<&'d [u8]> {
        while !self.rest.is_empty() {
            let end = item_end(self.rest);
            let item = trim(&self.rest[..end]);
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            if !item.is_empty() {
                return Some(item);
            }
        }
        None
    }
}

/// Offset of the comma that ends the first value of `text`, or its length.
fn item_end(text: &[u8]) -> usize {
    let Some(comma) = find(text, b',') else { return text.len() };
    if find2(&text[..comma], b'"', b'<').is_none() {
        return comma;
    }
    let mut at = 0;
    let mut in_brackets = false;
    while at < text.len() {
        match text[at] {
            b',' if !in_brackets => return at,
            b'"' if !in_brackets => at = quoted_end(text, at),
            b'<' => in_brackets = true,
            b'>' => in_brackets = false,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Offset of the quote that closes the quoted string which starts at `start` (RFC 3261 §25.1
/// `quoted-string`), or of the last byte if none does.
#[must_use]
pub(super) fn quoted_end(text: &[u8], start: usize) -> usize {
    closing_quote(text, start).unwrap_or_else(|| text.len().saturating_sub(1).max(start))
}

/// Offset of the quote that closes the quoted string which starts at `start`.
#[must_use]
pub(super) fn closing_quote(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while let Some(next) = find2(text.get(at..)?, b'"', b'\\') {
        at += next;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<&str> {
        Items::new(text.as_bytes()).map(|item| std::str::from_utf8(item).unwrap()).collect()
    }

    #[test]
    fn values_are_split_at_commas_and_trimmed() {
        assert_eq!(items("a , b,\r\n c"), ["a", "b", "c"]);
        assert_eq!(items("a"), ["a"]);
        assert_eq!(items(" ,, a,,"), ["a"]);
        assert!(items("").is_empty());
        assert!(items(" , ").is_empty());
    }

    #[test]
    fn commas_in_quotes_and_brackets_split_nothing() {
        assert_eq!(items(r#""a, b" <c>, d"#), [r#""a, b" <c>"#, "d"]);
        assert_eq!(items(r#""a\", b" <c,"d>, e"#), [r#""a\", b" <c,"d>"#, "e"]);
        assert_eq!(items(r#"a;x="<,", b"#), [r#"a;x="<,""#, "b"]);
    }

    #[test]
    fn what_is_not_closed_goes_to_the_end() {
        assert_eq!(items(r#"a, "b, c"#), ["a", r#""b, c"#]);
        assert_eq!(items("a, <b, c"), ["a", "<b, c"]);
        assert_eq!(items("a, \"b\\"), ["a", "\"b\\"]);
        assert_eq!(items("\""), ["\""]);
    }
}
