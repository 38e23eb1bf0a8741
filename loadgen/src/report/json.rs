//! Reports in files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Report, SCHEMA};

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The file could not be written.
    #[error("{path}: cannot write the report: {why}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The file could not be read.
    #[error("{path}: cannot read the report: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The file is no report, or a damaged one.
    #[error("{path}:{line}:{column}: no report of viaload: {what}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// The file says another schema.
    #[error(
        "{path}: its schema is `{schema}`, but this viaload reads `{SCHEMA}`: use the version of \
         viaload that wrote it"
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// What it says.
        schema: String,
    },
}

/// Writes a report to a file, in place of what is there.
///
/// # Errors
///
/// The file cannot be written.
pub fn write(report: &Report, path: &Path) -> Result<(), JsonError> {
    write_to(report, path).map_err(|why| JsonError::Write { path: path.to_owned(), why })
}

/// Writes a report, a field a line so that two of them can be told apart by line.
fn write_to(report: &Report, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer_pretty(&mut file, report)?;
    file.write_all(b"\n")?;
    file.flush()
}

/// Reads a report from a file.
///
/// # Errors
///
/// The file cannot be read, is no report, or one of another schema.
pub fn read(path: &Path) -> Result<Report, JsonError> {
    let text = fs::read(path).map_err(|why| JsonError::Read { path: path.to_owned(), why })?;
    // The schema first: with another one, every other complaint would mislead.
    let Header { schema } = parse(path, &text)?;
    if schema != SCHEMA {
        return Err(JsonError::Schema { path: path.to_owned(), schema });
    }
    parse(path, &text)
}

/// What files of every schema have.
#[derive(Deserialize)]
struct Header {
    schema: String,
}

/// Reads JSON; says where it is wrong.
fn parse<'t, T: Deserialize<'t>>(path: &Path, text: &'t [u8]) -> Result<T, JsonError> {
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = error.to_string();
        let place = format!(" at line {line} column {column}");
        let what = what.strip_suffix(&place).unwrap_or(&what).to_owned();
        JsonError::Broken { path: path.to_owned(), line, column, what }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    /// A file with this text that is gone at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, text: &str) -> Self {
            let name = format!("viaload-{}-{name}.json", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::write(&path, text).unwrap();
            Self(path)
        }

        /// The message of the error on reading it, without the directory.
        fn error(&self) -> String {
            let message = read(&self.0).unwrap_err().to_string();
            let (_, rest) = message.split_once(".json").unwrap();
            rest.to_owned()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn the_schema_is_this() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&fixture::brief()).unwrap());
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let file = Scratch::new("round", "");
        let report = fixture::report();
        write(&report, &file.0).unwrap();
        assert_eq!(read(&file.0).unwrap(), report);
    }

    #[test]
    fn a_broken_file_is_named_with_line_and_column() {
        let file = Scratch::new("broken", "{\"schema\": \"viaload/1\",\n  oops}");
        assert_eq!(file.error(), ":2:3: no report of viaload: key must be a string");
    }

    #[test]
    fn a_missing_field_is_named() {
        let file = Scratch::new("field", "{\"schema\": \"viaload/1\"}");
        assert_eq!(file.error(), ":1:23: no report of viaload: missing field `viaload`");
        let file = Scratch::new("schema", "{}");
        assert_eq!(file.error(), ":1:2: no report of viaload: missing field `schema`");
    }

    #[test]
    fn another_schema_is_refused_whatever_else_is_there() {
        let file = Scratch::new("other", "{\"schema\": \"viaload/2\", \"new\": []}");
        assert_eq!(
            file.error(),
            ": its schema is `viaload/2`, but this viaload reads `viaload/1`: use the version of \
             viaload that wrote it"
        );
    }

    #[test]
    fn fields_that_are_new_in_a_schema_do_not_matter() {
        let mut value = serde_json::to_value(fixture::report()).unwrap();
        value["new"] = serde_json::json!({"field": 1});
        let file = Scratch::new("new", &value.to_string());
        assert_eq!(read(&file.0).unwrap(), fixture::report());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let path = Path::new("no/such/report.json");
        let message = read(path).unwrap_err().to_string();
        assert!(message.starts_with("no/such/report.json: cannot read the report: "), "{message}");
        let message = write(&fixture::report(), path).unwrap_err().to_string();
        assert!(message.starts_with("no/such/report.json: cannot write the report: "), "{message}");
    }

    #[test]
    fn the_sample_is_a_report() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.json");
        assert_eq!(read(&sample).unwrap().run.scenario, "call");
    }
}
