//! What a message went through, for people and for programs.

use super::difference::{BOLD, FAINT, Mark, Style, difference, show_lines};
use super::journal::{Datum, Journal, Note};
use super::stage::{Sent, Stage, StageError};
use crate::metrics::Counter;
use crate::protocol::Endpoint;
use crate::script::{LogLevel, Program, SourceMap, Verdict, json_string};

/// A message and all that came of it.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Who sent it.
    pub source: Endpoint,
    /// The address of the server that it was sent to.
    pub local: Endpoint,
    /// Its bytes.
    pub message: Vec<u8>,
    /// What happened, in order.
    pub notes: Vec<Note>,
    /// What the server sent.
    pub sent: Vec<Sent>,
    /// What was counted, and how often.
    pub counted: Vec<(Counter, u64)>,
}

impl Traced {
    /// Gives the server of `stage` a message and looks on by `journal`, which must observe that
    /// stage.
    ///
    /// # Errors
    ///
    /// As [`Stage::deliver`].
    pub fn run(
        stage: &mut Stage,
        journal: &Journal,
        (source, local): (Endpoint, Endpoint),
        message: &[u8],
    ) -> Result<Self, StageError> {
        let before = stage.counted();
        let _ = journal.take();
        let sent = stage.deliver(source, local, message)?;
        let counted = Counter::ALL.iter().zip(stage.counted()).zip(before);
        let counted = counted.map(|((counter, after), before)| (*counter, after - before));
        Ok(Self {
            source,
            local,
            message: message.to_vec(),
            notes: journal.take(),
            sent,
            counted: counted.filter(|(_, count)| *count > 0).collect(),
        })
    }

    /// Whether this was composed by the server, and not made of the message.
    fn is_reply(&self, sent: &Sent) -> bool {
        sent.bytes.starts_with(b"SIP/2.0 ") && !self.message.starts_with(b"SIP/2.0 ")
    }
}

/// What a message went through, for people: the lines of the script as they ran, with their
/// values, and the messages that were sent, with what was changed.
#[must_use]
pub fn show_text(traced: &Traced, program: &Program, map: &SourceMap, style: Style) -> String {
    let script = Script::new(program, map);
    let first = show_lines(&traced.message).into_iter().next().unwrap_or_default();
    let mut shown = format!(
        "{}\nfrom {} to {}, {} bytes\n\n",
        style.paint(BOLD, &first),
        traced.source.brief(),
        traced.local.brief(),
        traced.message.len()
    );
    let mut lines = Lines {
        script: &script,
        style,
        callers: Vec::new(),
        indent: 0,
        detail: String::new(),
        logged: Vec::new(),
        shown: &mut shown,
    };
    traced.notes.iter().for_each(|note| lines.note(note));
    lines.flush();
    if !traced.notes.is_empty() {
        shown.push('\n');
    }
    for sent in &traced.sent {
        show_sent(traced, sent, style, &mut shown);
    }
    if traced.sent.is_empty() {
        shown.push_str(&style.paint(BOLD, "nothing was sent"));
        shown.push('\n');
    }
    for (counter, count) in &traced.counted {
        shown.push_str(&format!("counted: {} {count}", counter.name()));
        shown.push_str(&style.paint(FAINT, &format!("  {}", counter.help())));
        shown.push('\n');
    }
    shown
}

/// Shows a message that was sent.
fn show_sent(traced: &Traced, sent: &Sent, style: Style, shown: &mut String) {
    let what = if traced.is_reply(sent) { "replied" } else { "forwarded" };
    let name = sent.peer.as_ref().and_then(|peer| peer.name.as_ref());
    let name = name.map(|name| format!(", which has to be {name},")).unwrap_or_default();
    let way = format!("{what} to {}{name} from {}", sent.destination.brief(), sent.source.brief());
    shown.push_str(&style.paint(BOLD, &way));
    shown.push_str(&format!(", {} bytes\n", sent.bytes.len()));
    let lines = if traced.is_reply(sent) {
        show_lines(&sent.bytes).into_iter().map(|line| (Mark::Same, line)).collect()
    } else {
        difference(&traced.message, &sent.bytes)
    };
    for (mark, line) in lines {
        shown.push_str(style.line(mark, &line).trim_end());
        shown.push('\n');
    }
    shown.push('\n');
}

/// The statements of a script with their text.
struct Script<'p> {
    /// `file:line`, and the line.
    statements: Vec<(&'p str, u32, String)>,
    /// How wide the widest place is.
    width: usize,
}

impl<'p> Script<'p> {
    /// Of that program.
    fn new(program: &'p Program, map: &SourceMap) -> Self {
        let files: Vec<(String, Vec<&[u8]>)> = map
            .files()
            .iter()
            .map(|file| {
                let name = file.name.to_string_lossy().into_owned();
                (name, file.text.split(|byte| *byte == b'\n').collect())
            })
            .collect();
        let text = |name: &str, line: u32| {
            let lines = files.iter().find(|(known, _)| known == name).map(|(_, lines)| lines)?;
            let line = lines.get((line as usize).checked_sub(1)?)?;
            Some(String::from_utf8_lossy(line).trim_end().replace('\t', "    "))
        };
        let statements: Vec<(&str, u32, String)> = program
            .statements()
            .map(|place| {
                let line = text(place.file, place.line).unwrap_or_default();
                (place.file, place.line, line)
            })
            .collect();
        let width = statements.iter().map(|(file, line, _)| place(file, *line).chars().count());
        let width = width.max().unwrap_or(0);
        Self { statements, width }
    }
}

/// `file:line`.
fn place(file: &str, line: u32) -> String {
    format!("{file}:{line}")
}

/// The notes as lines of text.
struct Lines<'l> {
    script: &'l Script<'l>,
    style: Style,
    /// How far the lines are indented that have called a route block, outermost first.
    callers: Vec<usize>,
    /// How far the line of the script is indented.
    indent: usize,
    /// What happened last, as long as something may be said about it.
    detail: String,
    /// What was logged meanwhile.
    logged: Vec<String>,
    shown: &'l mut String,
}

impl Lines<'_> {
    /// Shows a note.
    fn note(&mut self, note: &Note) {
        match note {
            Note::Started(kind) => {
                self.shown.push_str(&self.style.paint(BOLD, kind));
                self.shown.push('\n');
            }
            Note::Statement(number) => self.statement(*number),
            Note::Read(name, value) => self.detail(format!("{name} is {}", value.show())),
            Note::Written(name, value) => self.detail(format!("{name} = {}", value.show())),
            Note::Called(name, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(Datum::show).collect();
                self.detail(format!("{name}({})", arguments.join(", ")));
            }
            Note::Returned(code, why) => {
                let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                self.remark(&format!("gives {code}{why}"));
            }
            Note::Compared(relation, held) => {
                self.remark(&format!("{relation}: {}", if *held { "yes" } else { "no" }));
            }
            Note::Entered(_) => {
                self.flush();
                self.callers.push(self.indent);
            }
            Note::Left(code) => {
                self.detail(format!("the route block gives {code}"));
                self.flush();
                self.indent = self.callers.pop().unwrap_or(0);
            }
            Note::Ended(verdict) => {
                self.flush();
                // A run that waits goes on where it is.
                if !verdict.waits() {
                    self.callers.clear();
                }
                let text = verdict_text(*verdict);
                self.shown.push_str(&format!("{}\n", self.style.paint(BOLD, &text)));
            }
            Note::Logged(level, text) => {
                let text = super::journal::escaped(text.trim_end().as_bytes(), false);
                self.logged.push(format!("logs {}: {text}", level_name(*level)));
            }
            Note::Cut => self.detail("... and more than is shown".to_owned()),
        }
    }

    /// Shows a line of the script.
    fn statement(&mut self, number: usize) {
        self.flush();
        let Some((file, line, text)) = self.script.statements.get(number) else { return };
        self.indent = text.len() - text.trim_start().len();
        let place = place(file, *line);
        let width = self.script.width;
        let place = self.style.paint(FAINT, &format!("{place:width$}"));
        self.shown.push_str(&format!("{place}  {}{text}\n", "    ".repeat(self.callers.len())));
    }

    /// Notes what happened in a line.
    fn detail(&mut self, text: String) {
        self.flush();
        self.detail = text;
    }

    /// Adds to what happened last.
    fn remark(&mut self, text: &str) {
        let separator = if self.detail.is_empty() { "" } else { ", " };
        self.detail.push_str(separator);
        self.detail.push_str(text);
    }

    /// Shows what happened last.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.detail);
        let lines = std::iter::once(text).chain(std::mem::take(&mut self.logged));
        for text in lines.filter(|text| !text.is_empty()) {
            let indent = self.script.width + 2 + 4 * self.callers.len() + self.indent + 2;
            let indent = " ".repeat(indent);
            self.shown.push_str(&self.style.paint(FAINT, &format!("{indent}. {text}")));
            self.shown.push('\n');
        }
    }
}

/// How the script has ended.
fn verdict_text(verdict: Verdict) -> String {
    match verdict {
        Verdict::End => "end of the route block".to_owned(),
        Verdict::Exit => "exit".to_owned(),
        Verdict::Drop => "drop".to_owned(),
        Verdict::Suspended => "waits for a command".to_owned(),
        Verdict::Asleep => "waits".to_owned(),
        Verdict::Error(error) => format!("cut off: {error}"),
    }
}

/// The name of a level.
const fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Alert => "alert",
        LogLevel::Bug => "bug",
        LogLevel::Crit2 | LogLevel::Critical => "critical",
        LogLevel::Error => "error",
        LogLevel::Warning => "warning",
        LogLevel::Notice => "notice",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    }
}

/// What a message went through, as a JSON object on a line of its own.
#[must_use]
pub fn show_json(traced: &Traced, program: &Program, map: &SourceMap) -> String {
    let script = Script::new(program, map);
    let steps: Vec<String> = traced.notes.iter().map(|note| json_note(note, &script)).collect();
    let sent = traced.sent.iter().map(|sent| {
        format!(
            "{{\"what\":{},\"to\":\"{}\",\"from\":\"{}\",\"message\":{}}}",
            json_string(if traced.is_reply(sent) { "reply" } else { "forward" }),
            sent.destination.brief(),
            sent.source.brief(),
            json_string(&String::from_utf8_lossy(&sent.bytes)),
        )
    });
    let sent: Vec<String> = sent.collect();
    let counted = traced.counted.iter();
    let counted =
        counted.map(|(counter, count)| format!("{}:{count}", json_string(counter.name())));
    let counted: Vec<String> = counted.collect();
    format!(
        "{{\"from\":\"{}\",\"to\":\"{}\",\"message\":{},\"steps\":[{}],\"sent\":[{}],\
         \"counted\":{{{}}}}}\n",
        traced.source.brief(),
        traced.local.brief(),
        json_string(&String::from_utf8_lossy(&traced.message)),
        steps.join(","),
        sent.join(","),
        counted.join(",")
    )
}

/// A note as a JSON object whose `step` says what it is.
fn json_note(note: &Note, script: &Script<'_>) -> String {
    let text = |text: &str| json_string(text);
    let (step, rest) = match note {
        Note::Started(kind) => ("start", format!("\"route\":{}", text(kind))),
        Note::Statement(number) => {
            let (file, line, source) = match script.statements.get(*number) {
                Some((file, line, source)) => (*file, *line, source.as_str()),
                None => ("", 0, ""),
            };
            let (file, source) = (text(file), text(source));
            ("statement", format!("\"file\":{file},\"line\":{line},\"text\":{source}"))
        }
        Note::Read(name, value) => {
            ("read", format!("\"name\":{},\"value\":{}", text(name), value.show_json()))
        }
        Note::Written(name, value) => {
            ("write", format!("\"name\":{},\"value\":{}", text(name), value.show_json()))
        }
        Note::Called(name, arguments) => {
            let arguments: Vec<String> = arguments.iter().map(Datum::show_json).collect();
            ("call", format!("\"function\":{},\"arguments\":[{}]", text(name), arguments.join(",")))
        }
        Note::Returned(code, why) => {
            let why = why.as_deref().map_or_else(|| "null".to_owned(), text);
            ("result", format!("\"code\":{code},\"refusal\":{why}"))
        }
        Note::Compared(relation, held) => {
            ("compare", format!("\"relation\":{},\"holds\":{held}", text(relation)))
        }
        Note::Entered(name) => ("enter", format!("\"route\":{}", text(name))),
        Note::Left(code) => ("leave", format!("\"code\":{code}")),
        Note::Ended(verdict) => ("end", format!("\"how\":{}", text(&verdict_text(*verdict)))),
        Note::Logged(level, line) => {
            ("log", format!("\"level\":{},\"text\":{}", text(level_name(*level)), text(line)))
        }
        Note::Cut => ("cut", "\"more\":true".to_owned()),
    };
    format!("{{\"step\":\"{step}\",{rest}}}")
}
