//! How an answer is written: lines for people and scripts, or JSON.

use std::fmt::{Display, Write as _};

use crate::script::json_string;

/// What an answer is written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Lines.
    #[default]
    Text,
    /// An object: `code`, `reason`, `entries`.
    Json,
}

/// The entries of an answer that were written and not taken yet.
#[derive(Debug)]
pub(super) struct Page {
    format: Format,
    text: String,
    entry_count: u64,
}

impl Page {
    /// A page with no entry.
    pub(super) const fn new(format: Format) -> Self {
        Self { format, text: String::new(), entry_count: 0 }
    }

    /// Whether it is for people: a heading of columns belongs there only.
    pub(super) fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Adds an entry: `text` as a line, or an object with `fields`.
    pub(super) fn entry(
        &mut self,
        text: impl FnOnce(&mut String),
        fields: impl FnOnce(&mut Fields<'_>),
    ) {
        match self.format {
            Format::Text => {
                text(&mut self.text);
                self.text.push('\n');
            }
            Format::Json => {
                self.text.push_str(if self.entry_count == 0 { "\n{" } else { ",\n{" });
                fields(&mut Fields { text: &mut self.text, is_first: true });
                self.text.push('}');
            }
        }
        self.entry_count += 1;
    }

    /// Adds an entry that is a line of text and nothing more.
    pub(super) fn line(&mut self, line: &str) {
        self.entry(|text| push_visible(text, line.as_bytes()), |fields| fields.text("text", line));
    }

    /// Writes what stands before the entries of an answer.
    pub(super) fn write_opening(&self, code: u16, reason: &str, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            let reason = json_string(reason);
            let opening = format!("{{\"code\":{code},\"reason\":{reason},\"entries\":[");
            out.extend_from_slice(opening.as_bytes());
        }
    }

    /// Writes what stands behind the entries of an answer.
    pub(super) fn write_closing(&self, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.extend_from_slice(b"]}\n");
        }
    }

    /// Moves what is written to the end of `out`.
    pub(super) fn move_to(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text.as_bytes());
        self.text.clear();
    }
}

/// The members of an object of JSON.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    text: &'a mut String,
    is_first: bool,
}

impl Fields<'_> {
    /// Adds a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, json_string(value));
    }

    /// Adds a text that came from the network; what is no UTF-8 is replaced.
    pub(super) fn bytes(&mut self, name: &str, value: &[u8]) {
        self.text(name, &String::from_utf8_lossy(value));
    }

    /// Adds a number; `null` if there is none.
    pub(super) fn number(&mut self, name: &str, value: impl Into<Option<u64>>) {
        match value.into() {
            Some(number) => self.raw(name, number),
            None => self.raw(name, "null"),
        }
    }

    /// Adds something that is JSON.
    pub(super) fn raw(&mut self, name: &str, value: impl Display) {
        let comma = if self.is_first { "" } else { "," };
        self.is_first = false;
        // A string takes all that is written to it.
        let _ = write!(self.text, "{comma}{}:{value}", json_string(name));
    }
}

/// Appends a text that came from the network so that it stays on its line and does nothing to a
/// terminal: control characters and what is no UTF-8 are escaped as in a URI.
pub(super) fn push_visible(out: &mut String, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                let mut bytes = [0; 4];
                push_escaped(out, character.encode_utf8(&mut bytes).as_bytes());
            } else {
                out.push(character);
            }
        }
        push_escaped(out, chunk.invalid());
    }
}

/// Appends bytes as `%1B`.
fn push_escaped(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // A string takes all that is written to it.
        let _ = write!(out, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of two entries.
    fn written(format: Format) -> String {
        let mut page = Page::new(format);
        let mut out = Vec::new();
        page.write_opening(200, "O\"K", &mut out);
        page.line("a \"b\"");
        page.entry(
            |text| text.push_str("c 1"),
            |fields| {
                fields.bytes("c", b"\xff\n");
                fields.number("n", 1);
                fields.number("none", None);
                fields.raw("q", "0.5");
            },
        );
        page.move_to(&mut out);
        page.write_closing(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn entries_are_lines_or_objects() {
        assert_eq!(written(Format::Text), "a \"b\"\nc 1\n");
        assert_eq!(
            written(Format::Json),
            "{\"code\":200,\"reason\":\"O\\\"K\",\"entries\":[\n{\"text\":\"a \\\"b\\\"\"},\n\
             {\"c\":\"\u{fffd}\\n\",\"n\":1,\"none\":null,\"q\":0.5}]}\n"
        );
    }

    #[test]
    fn what_came_from_the_network_stays_on_its_line() {
        let mut text = String::new();
        push_visible(&mut text, b"bob\r\n\x1b[2J\x7f \xc3\xa9 \xff\xc3 \xc2\x9b");
        assert_eq!(text, "bob%0D%0A%1B[2J%7F \u{e9} %FF%C3 %C2%9B");
    }
}
