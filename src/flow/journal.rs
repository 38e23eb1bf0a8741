//! What happens as a message is worked on, written down in order.

use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::TRACE_NOTE_COUNT_MAX;
use crate::proxy::LogSink;
use crate::script::ast::RouteKind;
use crate::script::{Argument, Event, LogLevel, Observer, Value, Verdict};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The script was started with this route block.
    Started(&'static str),
    /// A statement begins: its number in the program.
    Statement(usize),
    /// A variable was read: its name and value as they are written in a script.
    Read(String, String),
    /// A variable has got a value.
    Written(String, String),
    /// A function was called with these arguments, as they are written in a script.
    Called(&'static str, Vec<String>),
    /// What it has given back, and what the proxy did not like.
    Returned(i32, Option<String>),
    /// A relation holds or does not.
    Compared(&'static str, bool),
    /// A route block was called.
    Entered(String),
    /// What it has given back.
    Left(i32),
    /// The script has ended.
    Ended(Verdict),
    /// The script has logged this.
    Logged(LogLevel, String),
    /// More happened than is written down.
    Cut,
}

/// The notes of a run. Copies write into the same journal.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    notes: Arc<Mutex<Vec<Note>>>,
}

impl Journal {
    /// The notes so far, which are forgotten.
    #[must_use]
    pub fn take(&self) -> Vec<Note> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes down what happened. The end is written down in any case.
    fn note(&self, note: Note) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        match notes.len() {
            ..TRACE_NOTE_COUNT_MAX => notes.push(note),
            TRACE_NOTE_COUNT_MAX => notes.push(Note::Cut),
            _ if matches!(note, Note::Ended(_)) => notes.push(note),
            _ => {}
        }
    }
}

impl Observer for Journal {
    fn observe(&mut self, event: Event<'_>) {
        self.note(match event {
            Event::Started(RouteKind::Reply, _) => Note::Started("onreply_route"),
            Event::Started(RouteKind::Failure, _) => Note::Started("failure_route"),
            Event::Started(RouteKind::Branch, _) => Note::Started("branch_route"),
            Event::Started(..) => Note::Started("request_route"),
            Event::Statement(number) => Note::Statement(number),
            Event::Read(name, value) => Note::Read(plain(name), show(value)),
            Event::Written(name, value) => Note::Written(plain(name), show(value)),
            Event::Called(name, arguments) => {
                Note::Called(name, arguments.iter().map(show_argument).collect())
            }
            Event::Returned(code, refusal) => {
                Note::Returned(code, refusal.map(|refusal| refusal.to_string()))
            }
            Event::Compared(relation, held) => Note::Compared(relation, held),
            Event::Branch(..) => return,
            Event::Entered(name) => Note::Entered(name.to_owned()),
            Event::Left(code) => Note::Left(code),
            Event::Ended(verdict) => Note::Ended(verdict),
        });
    }
}

impl LogSink for Journal {
    fn write(&mut self, level: LogLevel, text: &[u8]) {
        self.note(Note::Logged(level, String::from_utf8_lossy(text).into_owned()));
    }
}

/// A value as it is written in a script.
fn show(value: Value<'_>) -> String {
    match value {
        Value::Null => "$null".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => quoted(text),
    }
}

/// An argument as it is written in a script.
fn show_argument(argument: &Argument<'_>) -> String {
    match argument {
        Argument::Int(number) => number.to_string(),
        Argument::Format(format) => quoted(&format.text()),
        Argument::Text(text) => quoted(text),
        Argument::Regex(regex) => quoted(regex.as_str().as_bytes()),
        Argument::Substitution(_) => "a substitution".to_owned(),
        Argument::Variable(variable) => plain(variable.text()),
    }
}

/// Bytes in quotes, those that are no text as escapes.
fn quoted(text: &[u8]) -> String {
    format!("\"{}\"", escaped(text, true))
}

/// Bytes without quotes, those that are no text as escapes.
fn plain(text: &[u8]) -> String {
    escaped(text, false)
}

/// Bytes as text: control characters, and what is no UTF-8, as escapes.
pub(super) fn escaped(text: &[u8], is_quoted: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\r' => shown.push_str("\\r"),
                '\n' => shown.push_str("\\n"),
                '\t' if is_quoted => shown.push_str("\\t"),
                '"' if is_quoted => shown.push_str("\\\""),
                '\t' => shown.push('\t'),
                control if control.is_control() => {
                    shown.push_str(&format!("\\x{:02x}", u32::from(control)));
                }
                other => shown.push(other),
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(
            escaped(b"a\"\r\n\t\x00\x7f\xff\xc3\xa9", true),
            "a\\\"\\r\\n\\t\\x00\\x7f\\xffé"
        );
        assert_eq!(escaped(b"a\"\t", false), "a\"\t");
    }

    #[test]
    fn a_journal_is_cut_off_but_for_its_end() {
        let mut journal = Journal::default();
        for _ in 0..TRACE_NOTE_COUNT_MAX + 10 {
            journal.observe(Event::Statement(0));
        }
        journal.observe(Event::Ended(Verdict::Exit));
        let notes = journal.take();
        assert_eq!(notes.len(), TRACE_NOTE_COUNT_MAX + 2);
        assert_eq!(notes[TRACE_NOTE_COUNT_MAX..], [Note::Cut, Note::Ended(Verdict::Exit)]);
        assert_eq!(journal.take(), []);
    }
}
