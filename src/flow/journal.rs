//! What happens as a message is worked on, written down in order.

use std::sync::{Arc, Mutex, PoisonError};

use crate::limits::TRACE_NOTE_COUNT_MAX;
use crate::proxy::LogSink;
use crate::script::ast::RouteKind;
use crate::script::{Argument, Event, LogLevel, Observer, Value, Verdict, json_string};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The script was started with this route block.
    Started(&'static str),
    /// A statement begins: its number in the program.
    Statement(usize),
    /// A variable was read.
    Read(String, Datum),
    /// A variable has got a value.
    Written(String, Datum),
    /// A function was called with these arguments.
    Called(&'static str, Vec<Datum>),
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

/// A value that was read, written or passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// `$null`.
    Null,
    /// A number.
    Int(i64),
    /// A string.
    Text(Vec<u8>),
    /// What has no value, such as the name of a variable that a function writes to.
    Other(String),
}

impl Datum {
    /// The value as it is written in a script.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Null => "$null".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Text(text) => format!("\"{}\"", escaped(text, true)),
            Self::Other(text) => text.clone(),
        }
    }

    /// The value in JSON.
    pub(super) fn show_json(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Text(text) => json_string(&String::from_utf8_lossy(text)),
            Self::Other(text) => json_string(text),
        }
    }
}

impl From<Value<'_>> for Datum {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(number) => Self::Int(number),
            Value::Text(text) => Self::Text(text.to_vec()),
        }
    }
}

impl From<&Argument<'_>> for Datum {
    fn from(argument: &Argument<'_>) -> Self {
        match argument {
            Argument::Int(number) => Self::Int(*number),
            Argument::Format(format) => Self::Text(format.text()),
            Argument::Text(text) => Self::Text(text.to_vec()),
            Argument::Regex(regex) => Self::Text(regex.as_str().as_bytes().to_vec()),
            Argument::Substitution(_) => Self::Other("a substitution".to_owned()),
            Argument::Variable(variable) => Self::Other(escaped(variable.text(), false)),
            Argument::Variables(variables) => {
                let names = variables.iter().map(|variable| escaped(variable.text(), false));
                Self::Other(names.collect::<Vec<_>>().join(";"))
            }
        }
    }
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
            Event::Read(name, value) => Note::Read(escaped(name, false), value.into()),
            Event::Written(name, value) => Note::Written(escaped(name, false), value.into()),
            Event::Called(name, arguments) => {
                Note::Called(name, arguments.iter().map(Datum::from).collect())
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
