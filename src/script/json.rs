//! Diagnostics for programs.
//!
//! ```text
//! {"version":1,"diagnostics":[
//!  {"code":..., "severity":..., "message":..., "label":...,
//!   "file":..., "line":..., "column":..., "end_line":..., "end_column":...,
//!   "notes":[{"message":..., "file":..., ...}], "help":...,
//!   "fix":[{"text":..., "file":..., ...}]}]}
//! ```
//!
//! Members may be added; when one is removed or changes its meaning the version goes up.
//! `docs/diagnostics.md` says what each is.

use super::{Diagnostic, Severity, SourceMap, Span};

/// The version of what is written here.
const VERSION: u32 = 1;

/// Diagnostics as JSON.
#[must_use]
pub fn render_json(diagnostics: &[Diagnostic], map: &SourceMap) -> String {
    let objects: Vec<String> =
        diagnostics.iter().map(|diagnostic| object(diagnostic, map)).collect();
    format!("{{\"version\":{VERSION},\"diagnostics\":[{}]}}\n", objects.join(",\n "))
}

/// One diagnostic.
fn object(diagnostic: &Diagnostic, map: &SourceMap) -> String {
    let marked = |text: &str, name: &str, span: Span| {
        format!("{{\"{name}\":{},{}}}", json_string(text), json_place(span, map))
    };
    let notes = diagnostic.secondary.iter().map(|(span, text)| marked(text, "message", *span));
    let fix = diagnostic.fix.iter().map(|change| marked(&change.text, "text", change.span));
    let (span, label) = &diagnostic.primary;
    format!(
        "{{\"code\":{},\"severity\":{},\"message\":{},\"label\":{},{},\"notes\":[{}],\
         \"help\":{},\"fix\":[{}]}}",
        json_string(diagnostic.code.0),
        json_string(severity_name(diagnostic.severity)),
        json_string(&diagnostic.message),
        if label.is_empty() { "null".to_owned() } else { json_string(label) },
        json_place(*span, map),
        notes.collect::<Vec<_>>().join(","),
        diagnostic.help.as_deref().map_or_else(|| "null".to_owned(), json_string),
        fix.collect::<Vec<_>>().join(","),
    )
}

/// A place as members of a JSON object: `file`, `line`, `column`, `end_line` and `end_column`,
/// all `null` if it is in no file. Lines and columns count from 1, columns in bytes; the end is
/// the first column that does not belong to it.
#[must_use]
pub fn json_place(span: Span, map: &SourceMap) -> String {
    let end = Span { start: span.end.max(span.start), end: span.end.max(span.start) };
    match (map.place(span), map.place(end)) {
        (Some(start), Some(end)) => format!(
            "\"file\":{},\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{}",
            json_string(&start.file.to_string_lossy()),
            start.line,
            start.column,
            end.line,
            end.column
        ),
        _ => "\"file\":null,\"line\":null,\"column\":null,\"end_line\":null,\"end_column\":null"
            .to_owned(),
    }
}

/// The name of a severity.
const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A string of JSON.
#[must_use]
pub fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            // Those above U+007E too: a terminal obeys some of them.
            control if control.is_control() => {
                json.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_has_all_its_members() {
        let mut map = SourceMap::default();
        map.add("dir/a.cfg".into(), b"one\ntwo three".to_vec());
        let three = Span { start: 8, end: 13 };
        let diagnostic = Diagnostic::error("E0201", three, "no")
            .label("this")
            .also(Span { start: 0, end: 3 }, "because")
            .suggest(Some("four"));
        assert_eq!(
            render_json(&[diagnostic], &map),
            "{\"version\":1,\"diagnostics\":[{\"code\":\"E0201\",\"severity\":\"error\",\
             \"message\":\"no\",\"label\":\"this\",\"file\":\"dir/a.cfg\",\"line\":2,\"column\":5,\
             \"end_line\":2,\"end_column\":10,\"notes\":[{\"message\":\"because\",\
             \"file\":\"dir/a.cfg\",\"line\":1,\"column\":1,\"end_line\":1,\"end_column\":4}],\
             \"help\":\"did you mean `four`?\",\"fix\":[{\"text\":\"four\",\
             \"file\":\"dir/a.cfg\",\"line\":2,\"column\":5,\"end_line\":2,\
             \"end_column\":10}]}]}\n"
        );
        assert_eq!(render_json(&[], &map), "{\"version\":1,\"diagnostics\":[]}\n");
    }

    #[test]
    fn texts_are_escaped_and_places_may_be_missing() {
        let diagnostic =
            Diagnostic::note("N0001", Span::default(), "a \"b\"\n\u{1}\u{7f}\u{9b}é\\");
        let json = render_json(&[diagnostic], &SourceMap::default());
        assert!(
            json.contains(
                "\"message\":\"a \\\"b\\\"\\n\\u0001\\u007f\\u009bé\\\\\",\"label\":null"
            ),
            "{json}"
        );
        assert!(json.contains("\"file\":null,\"line\":null,"), "{json}");
    }
}
