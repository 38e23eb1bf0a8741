//! Comma-separated values of one header line (RFC 3261 §7.3.1).

use super::message::is_space;

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
    if memchr::memchr(b',', text).is_none() {
        return text.len();
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
    let mut at = start + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'"' => return at,
            _ => {}
        }
        at += 1;
    }
    text.len().saturating_sub(1).max(start)
}

/// `text` without white space around it.
#[must_use]
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(*byte)).map_or(start, |last| last + 1);
    &text[start..end]
}
