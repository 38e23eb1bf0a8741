//! Diagnostics for people.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::source::SourceFile;
use super::{Diagnostic, Severity, SourceMap, Span};

/// Diagnostics with the lines they are about, as a compiler shows them.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], map: &SourceMap) -> String {
    let mut rendered = String::new();
    for diagnostic in diagnostics {
        rendered.push_str(&render_one(diagnostic, map));
        rendered.push_str("\n\n");
    }
    rendered
}

/// One diagnostic.
fn render_one(diagnostic: &Diagnostic, map: &SourceMap) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.0);
    let excerpts = excerpts(diagnostic, map);
    let mut group = Group::with_title(title);
    for excerpt in &excerpts {
        group = group.element(excerpt.snippet());
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Renderer::plain().render(&[group])
}

/// A piece of a file that is shown, with its marks.
struct Excerpt {
    /// The file's name.
    path: String,
    /// Number of the first line.
    line: usize,
    /// The text, bytes that are no UTF-8 replaced by one sign each.
    text: String,
    /// What is marked: where in `text`, the words for it, and whether it is what it is about.
    marks: Vec<(std::ops::Range<usize>, String, bool)>,
}

impl Excerpt {
    /// The excerpt as the renderer wants it.
    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let marks = self.marks.iter().map(|(range, label, is_primary)| {
            let kind = if *is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let label = Some(label.as_str()).filter(|label| !label.is_empty());
            kind.span(range.clone()).label(label)
        });
        Snippet::source(self.text.as_str())
            .line_start(self.line)
            .path(self.path.as_str())
            .annotations(marks)
    }
}

/// The pieces of the files that a diagnostic is about, one for each file, that of the problem
/// itself first.
fn excerpts(diagnostic: &Diagnostic, map: &SourceMap) -> Vec<Excerpt> {
    let primary = std::iter::once((&diagnostic.primary, true));
    let marks: Vec<_> =
        primary.chain(diagnostic.secondary.iter().map(|mark| (mark, false))).collect();
    let mut starts: Vec<u32> = Vec::new();
    for ((span, _), _) in &marks {
        if let Some(file) = map.file_of(*span).filter(|file| !starts.contains(&file.start)) {
            starts.push(file.start);
        }
    }
    let of_file = |start: &u32| {
        let is_here = |span: Span| map.file_of(span).filter(|file| file.start == *start).is_some();
        let here: Vec<_> = marks
            .iter()
            .filter(|((span, _), _)| is_here(*span))
            .map(|((span, label), is_primary)| (*span, label.clone(), *is_primary))
            .collect();
        let (first, _, _) = here.first()?;
        Some(excerpt(map.file_of(*first)?, here))
    };
    starts.iter().filter_map(of_file).collect()
}

/// The lines of a file from the first mark to the last.
fn excerpt(file: &SourceFile, marks: Vec<(Span, String, bool)>) -> Excerpt {
    let offset = |at: u32| (at.saturating_sub(file.start) as usize).min(file.text.len());
    let low = marks.iter().map(|(span, ..)| offset(span.start)).min().unwrap_or(0);
    let high = marks.iter().map(|(span, ..)| offset(span.end)).max().unwrap_or(0).max(low);
    let start = memchr::memrchr(b'\n', &file.text[..low]).map_or(0, |feed| feed + 1);
    let end = memchr::memchr(b'\n', &file.text[high..]).map_or(file.text.len(), |feed| high + feed);
    let text = &file.text[start..end];
    let shown = |at: u32| start_of(text, offset(at).saturating_sub(start));
    Excerpt {
        path: file.name.to_string_lossy().into_owned(),
        line: 1 + memchr::memchr_iter(b'\n', &file.text[..start]).count(),
        marks: marks
            .into_iter()
            .map(|(span, label, is_primary)| {
                let range = shown(span.start)..shown(span.end).max(shown(span.start));
                (range, label, is_primary)
            })
            .collect(),
        text: String::from_utf8(readable(text)).unwrap_or_default(),
    }
}

/// Where the byte at `offset` of a text is in what is shown of it.
fn start_of(text: &[u8], offset: usize) -> usize {
    let mut length = readable(&text[..offset.min(text.len())]).len();
    // A place within a character is the place of the character.
    let whole = readable(text);
    while length > 0 && std::str::from_utf8(whole.get(..length).unwrap_or_default()).is_err() {
        length -= 1;
    }
    length.min(whole.len())
}

/// A text as UTF-8: each byte that is none is replaced by `?`, as is each control character, so
/// that columns stay.
fn readable(text: &[u8]) -> Vec<u8> {
    let mut readable = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        let plain = |byte: u8| {
            if byte == 0x7f || (byte < b' ' && !b"\t\n\r".contains(&byte)) { b'?' } else { byte }
        };
        readable.extend(chunk.valid().bytes().map(plain));
        readable.extend(std::iter::repeat_n(b'?', chunk.invalid().len()));
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map with one file.
    fn map(text: &[u8]) -> SourceMap {
        let mut map = SourceMap::default();
        map.add("dir/a.cfg".into(), text.to_vec());
        map
    }

    #[test]
    fn a_diagnostic_shows_its_line() {
        let map = map(b"one\n\ttwo three\nfour");
        let diagnostic = Diagnostic::error("E0201", Span { start: 9, end: 14 }, "no good")
            .label("this one")
            .also(Span { start: 0, end: 3 }, "because of this")
            .help("try four");
        let rendered = render(&[diagnostic], &map);
        assert!(rendered.starts_with("error[E0201]: no good\n"), "{rendered}");
        assert!(rendered.contains(" --> dir/a.cfg:2:6\n"), "{rendered}");
        assert!(rendered.contains("^^^^^ this one"), "{rendered}");
        assert!(rendered.contains("help: try four"), "{rendered}");
    }

    #[test]
    fn bytes_that_are_no_text_keep_their_columns() {
        let map = map(b"a \xff\xfe\x01 b\xc3\xa9 c");
        let diagnostic = Diagnostic::warning("W0001", Span { start: 6, end: 7 }, "m");
        let rendered = render(&[diagnostic], &map);
        assert!(rendered.contains("a ??? b\u{e9} c\n"), "{rendered}");
        assert!(rendered.contains(":1:7\n"), "{rendered}");
        assert!(rendered.contains("|       ^\n") || rendered.ends_with("|       ^\n\n"));
    }

    #[test]
    fn places_outside_of_any_file_are_left_out() {
        let diagnostic = Diagnostic::error("E0109", Span::default(), "cannot read");
        let rendered = render(&[diagnostic], &SourceMap::default());
        assert_eq!(rendered.trim_end(), "error[E0109]: cannot read");
        let far = Diagnostic::error("E0109", Span { start: 90, end: 95 }, "cannot read");
        assert!(render(&[far], &map(b"x")).contains("a.cfg:1:2"));
    }
}
