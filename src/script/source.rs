//! The text of a script: the main file and what it includes, with one numbering of all bytes.

use std::path::{Path, PathBuf};

/// A piece of the script's text: byte offsets into the [`SourceMap`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
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
    pub text: Vec<u8>,
    /// Offset of its first byte in the numbering of the map.
    pub start: u32,
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
        self.files.push(SourceFile { name, text, start });
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
        self.files.iter().rev().find(|file| file.start <= span.start)
    }

    /// File, line and column of the start of `span`.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<Place<'_>> {
        let file = self.file_of(span)?;
        let offset = ((span.start - file.start) as usize).min(file.text.len());
        let before = &file.text[..offset];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        let column = 1 + offset - memchr::memrchr(b'\n', before).map_or(0, |feed| feed + 1);
        Some(Place { file: &file.name, line, column })
    }
}

impl SourceFile {
    /// One past the offset of its last byte.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.start + u32::try_from(self.text.len()).unwrap_or(u32::MAX / 2)
    }
}
