//! `viaduct check`: what is wrong with a script.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use super::load::{Loaded, load, severity_name};
use super::{ServerError, log};
use crate::script::{Diagnostic, SourceMap, Span};

/// How diagnostics are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, on standard error.
    #[default]
    Human,
    /// For programs: one JSON array, on standard output.
    Json,
}

/// Loads a script and shows its diagnostics.
///
/// # Errors
///
/// When it cannot be read or has errors.
pub fn check(path: &Path, format: Format) -> Result<(), ServerError> {
    let loaded = load(Some(path))?;
    match format {
        Format::Human => log::tell(&loaded.show()),
        Format::Json => io::stdout()
            .write_all(show_json(&loaded).as_bytes())
            .map_err(ServerError::system("cannot write to standard output"))?,
    }
    if loaded.program.is_some() { Ok(()) } else { Err(ServerError::Script) }
}

/// All diagnostics as a JSON array, one to a line.
fn show_json(loaded: &Loaded) -> String {
    let mut json = String::from("[");
    for (position, diagnostic) in loaded.diagnostics.iter().enumerate() {
        json.push_str(if position == 0 { "\n" } else { ",\n" });
        push_diagnostic(&mut json, diagnostic, &loaded.map);
    }
    json.push_str(if loaded.diagnostics.is_empty() { "]\n" } else { "\n]\n" });
    json
}

/// Appends one diagnostic as a JSON object.
fn push_diagnostic(json: &mut String, diagnostic: &Diagnostic, map: &SourceMap) {
    json.push_str("{\"severity\":");
    push_text(json, severity_name(diagnostic.severity));
    json.push_str(",\"code\":");
    push_text(json, diagnostic.code.0);
    json.push_str(",\"message\":");
    push_text(json, &diagnostic.message);
    json.push(',');
    push_place(json, &diagnostic.primary, map);
    json.push_str(",\"secondary\":[");
    for (position, secondary) in diagnostic.secondary.iter().enumerate() {
        json.push_str(if position == 0 { "{" } else { ",{" });
        push_place(json, secondary, map);
        json.push('}');
    }
    json.push_str("],\"help\":");
    match &diagnostic.help {
        Some(help) => push_text(json, help),
        None => json.push_str("null"),
    }
    json.push('}');
}

/// Appends the members that say where: file, line and column from 1, and the label.
fn push_place(json: &mut String, (span, label): &(Span, String), map: &SourceMap) {
    if let Some(place) = map.place(*span) {
        json.push_str("\"file\":");
        push_text(json, &place.file.to_string_lossy());
        // Writing to a string does not fail.
        let _ = write!(json, ",\"line\":{},\"column\":{},", place.line, place.column);
    }
    json.push_str("\"label\":");
    push_text(json, label);
}

/// Appends a JSON string (RFC 8259 §7).
fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            control if control < ' ' => {
                // Writing to a string does not fail.
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Code, Severity};

    #[test]
    fn diagnostics_are_json_with_lines_and_columns() {
        let mut map = SourceMap::default();
        map.add("a \"b\".cfg".into(), b"route {\n  frward();\n}\n".to_vec());
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: Code("E0201"),
            message: "no function `frward`".to_owned(),
            primary: (Span { start: 10, end: 16 }, "not known\t".to_owned()),
            secondary: vec![(Span { start: 0, end: 5 }, String::new())],
            help: Some("did you mean `forward`?".to_owned()),
        };
        let loaded = Loaded { map, diagnostics: vec![diagnostic], program: None };
        let expected = "[\n{\"severity\":\"error\",\"code\":\"E0201\",\
            \"message\":\"no function `frward`\",\
            \"file\":\"a \\\"b\\\".cfg\",\"line\":2,\"column\":3,\"label\":\"not known\\u0009\",\
            \"secondary\":[{\"file\":\"a \\\"b\\\".cfg\",\"line\":1,\"column\":1,\"label\":\"\"}],\
            \"help\":\"did you mean `forward`?\"}\n]\n";
        assert_eq!(show_json(&loaded), expected);
    }

    #[test]
    fn no_diagnostics_are_an_empty_array() {
        let loaded = Loaded { map: SourceMap::default(), diagnostics: Vec::new(), program: None };
        assert_eq!(show_json(&loaded), "[]\n");
    }
}
