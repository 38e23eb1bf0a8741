//! The text of a script: the main file and what it includes, with one numbering of all bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A piece of the script's text: byte offsets into the [`SourceMap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// How many bytes it has.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether it has none: a place between two bytes.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// From the start of `self` to the end of `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.end) }
    }
}

/// One file of a script.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name as given on the command line or in `include_file`.
    pub name: PathBuf,
    /// Its text. Not necessarily UTF-8.
    pub text: Arc<[u8]>,
    /// Offset of its first byte in the numbering of the map.
    pub start: u32,
    /// Offsets in the text of the starts of its lines but the first.
    lines: Arc<[usize]>,
}

/// All files of a script.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

/// A place in a file, as people count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'s> {
    /// The file.
    pub file: &'s Path,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
}

impl SourceMap {
    /// Adds a file; the offset of its first byte.
    pub fn add(&mut self, name: PathBuf, text: Vec<u8>) -> u32 {
        let start = self.files.last().map_or(0, |file| file.end() + 1);
        let lines = memchr::memchr_iter(b'\n', &text).map(|feed| feed + 1).collect();
        self.files.push(SourceFile { name, text: text.into(), start, lines });
        start
    }

    /// The files, main file first.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The file that `span` lies in.
    #[must_use]
    pub fn file_of(&self, span: Span) -> Option<&SourceFile> {
        let behind = self.files.partition_point(|file| file.start <= span.start);
        self.files.get(behind.checked_sub(1)?)
    }

    /// File, line and column of the start of `span`.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<Place<'_>> {
        let file = self.file_of(span)?;
        let offset = file.before(span).len();
        let line = file.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).map_or(0, |before| file.lines[before]);
        Some(Place { file: &file.name, line: line + 1, column: offset - start + 1 })
    }

    /// Offset of the first byte of the line that `span` starts on.
    pub(super) fn line_start(&self, span: Span) -> u32 {
        let Some(file) = self.file_of(span) else { return 0 };
        let before = file.before(span);
        let length = before.len() - memchr::memrchr(b'\n', before).map_or(0, |feed| feed + 1);
        span.start.saturating_sub(u32::try_from(length).unwrap_or(0))
    }

    /// The white space before the first word of the line that `span` starts on.
    #[must_use]
    pub(super) fn indent(&self, span: Span) -> &[u8] {
        let Some(file) = self.file_of(span) else { return &[] };
        let start = self.line_start(span).saturating_sub(file.start) as usize;
        let line = file.text.get(start..).unwrap_or_default();
        let blank = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        &line[..blank]
    }
}

impl SourceFile {
    /// One past the offset of its last byte.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.start + u32::try_from(self.text.len()).unwrap_or(u32::MAX / 2)
    }

    /// The text up to the start of `span`.
    fn before(&self, span: Span) -> &[u8] {
        let offset = span.start.saturating_sub(self.start) as usize;
        &self.text[..offset.min(self.text.len())]
    }
}
