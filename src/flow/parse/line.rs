//! Lines of a file, and the words on them.

use crate::script::Span;

/// A line of the file, without the white space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'t> {
    /// Where its first character is.
    pub(super) start: usize,
    /// How many characters stand before that.
    pub(super) indent: usize,
    pub(super) text: &'t str,
    /// The line with its indent.
    pub(super) whole: &'t str,
}

/// The lines of a text.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split('\n')
        .map(|whole| {
            let trimmed = whole.trim_ascii_start();
            let (indent, text) = (whole.len() - trimmed.len(), trimmed.trim_ascii_end());
            let found = Line { start: start + indent, indent, text, whole };
            start += whole.len() + 1;
            found
        })
        .collect()
}

impl Line<'_> {
    /// Whether there is nothing on it.
    pub(super) const fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it is for people only.
    pub(super) fn is_comment(&self) -> bool {
        self.text.is_empty() || self.text.starts_with('#')
    }

    /// Where it is.
    pub(super) fn span(&self) -> Span {
        span(self.start, self.text.len())
    }
}

/// The words of a line that were not read yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'t> {
    pub(super) start: usize,
    pub(super) rest: &'t str,
}

impl<'t> Words<'t> {
    /// The next word, if there is one.
    pub(super) fn next(&mut self) -> Option<(&'t str, Span)> {
        let length = self.rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(self.rest.len());
        let (word, at) = (&self.rest[..length], self.start);
        let rest = self.rest[length..].trim_ascii_start();
        self.start += self.rest.len() - rest.len();
        self.rest = rest;
        (!word.is_empty()).then(|| (word, span(at, length)))
    }

    /// The next word; an empty one where the line ends.
    pub(super) fn next_or_end(&mut self) -> (&'t str, Span) {
        self.next().unwrap_or_else(|| self.rest())
    }

    /// The rest of the line; where it ends if there is none.
    pub(super) fn rest(&self) -> (&'t str, Span) {
        (self.rest, span(self.start, self.rest.len()))
    }
}

/// Bytes of the text.
pub(super) fn span(start: usize, length: usize) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { start: offset(start), end: offset(start + length) }
}
