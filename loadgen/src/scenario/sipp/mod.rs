//! Scenario files of SIPp.
//!
//! What is understood is what a SIP user agent on UDP does; media, 3PCC and authentication are
//! not. All that is wrong with a file is reported at once.

mod action;
mod element;
mod reader;
mod step;
#[cfg(test)]
mod tests;

use roxmltree::{Document, Error, ParsingOptions};

use self::reader::Reader;
use super::{Injection, Program};

/// What is wrong with a scenario file: lines `file:line:column: message`, in order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ScenarioErrors(pub Vec<String>);

/// The text of a file: UTF-8, or else ISO-8859-1, which SIPp's own scenarios say they are in.
#[must_use]
pub fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

/// Reads a scenario that uses no injection files. Beside the program there are notes on what is
/// ignored.
///
/// # Errors
///
/// All that is wrong with it.
pub fn read(text: &str, file_name: &str) -> Result<(Program, Vec<String>), ScenarioErrors> {
    read_with(text, file_name, &[])
}

/// Reads a scenario whose messages may be filled from `files`: `[fieldN]` from the first one.
///
/// # Errors
///
/// All that is wrong with it.
pub fn read_with(
    text: &str,
    file_name: &str,
    files: &[Injection],
) -> Result<(Program, Vec<String>), ScenarioErrors> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| ScenarioErrors(vec![syntax_error(&error, text, file_name)]))?;
    let mut reader = Reader::new(text, file_name, files);
    reader.scenario(document.root_element());
    reader.finish(&document)
}

/// Says what is wrong with the XML.
fn syntax_error(error: &Error, text: &str, file_name: &str) -> String {
    let place = error.pos().to_string();
    let message = error.to_string();
    let message = message.strip_suffix(&format!(" at {place}")).unwrap_or(&message);
    let place = match error {
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => end_of(text),
        _ => place,
    };
    format!("{file_name}:{place}: no valid XML: {message}")
}

/// The place where a text ends: line and column.
fn end_of(text: &str) -> String {
    let last = text.rsplit('\n').next().unwrap_or_default();
    format!("{}:{}", text.split('\n').count(), last.chars().count() + 1)
}
