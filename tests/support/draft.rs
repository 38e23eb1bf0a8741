//! A message being written.

use super::message::Message;

/// A message that is not sent yet: tests change what they want to be odd about it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    start: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Draft {
    /// A message with that start line and nothing else.
    pub(crate) fn new(start: impl Into<String>) -> Self {
        Self { start: start.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Replaces the start line.
    pub(crate) fn start(mut self, start: impl Into<String>) -> Self {
        self.start = start.into();
        self
    }

    /// Puts a header field at the end.
    pub(crate) fn add(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Puts a header field on top.
    pub(crate) fn on_top(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(0, (name.into(), value.into()));
        self
    }

    /// Replaces the value of the first header field of that name, or adds one.
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        match self.headers.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            Some((_, own)) => *own = value.into(),
            None => self.headers.push((name.into(), value.into())),
        }
        self
    }

    /// Writes the name of a header field in another way.
    pub(crate) fn rename(mut self, name: &str, other: &str) -> Self {
        for (own, _) in &mut self.headers {
            if own.eq_ignore_ascii_case(name) {
                *own = other.into();
            }
        }
        self
    }

    /// Takes all header fields of that name out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    /// Copies the header fields of that name from a message, byte for byte.
    pub(crate) fn copy(mut self, message: &Message, name: &str) -> Self {
        for line in message.all(name) {
            let raw = String::from_utf8(line.raw.clone()).expect("text");
            let (own, value) = raw.split_once(':').expect("a header line");
            self.headers.push((own.into(), value.trim_start().into()));
        }
        self
    }

    /// Gives it a body.
    pub(crate) fn body(self, content_type: &str, body: &str) -> Self {
        let mut with_type = self.set("Content-Type", content_type);
        with_type.body = body.into();
        with_type
    }

    /// Its bytes. Content-Length comes last, unless the draft has one.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        let has_length = self.headers.iter().any(|(name, _)| {
            name.eq_ignore_ascii_case("Content-Length") || name.eq_ignore_ascii_case("l")
        });
        if !has_length {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        let mut bytes = (text + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
