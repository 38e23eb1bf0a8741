//! Commands as they come in: words as lines, ended by an empty line.
//!
//! ```text
//! socket: text | json ⏎ word ⏎ word ⏎ ⏎
//! FIFO:   :command:reply ⏎ word ⏎ word ⏎ ⏎
//! ```

use crate::admin::Format;
use crate::limits::CONTROL_REQUEST_BYTES_MAX;

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The command and its words, or what is wrong.
    pub(super) words: Result<Vec<String>, &'static str>,
    /// How the answer is to be written.
    pub(super) format: Format,
    /// The name of the FIFO that the answer goes to; none: nobody wants it. Of no meaning where
    /// it came through a socket.
    pub(super) reply: Option<String>,
}

/// Lines on their way to become requests.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Takes out the next whole line.
    fn next(&mut self) -> Option<String> {
        let end = memchr::memchr(b'\n', &self.bytes)?;
        let line: Vec<u8> = self.bytes.drain(..=end).collect();
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(String::from_utf8_lossy(line).into_owned())
    }
}

/// Reads the one request that comes through a connection.
#[derive(Debug, Default)]
pub(super) struct SocketReader {
    lines: Lines,
    format: Option<Format>,
    words: Vec<String>,
    length: usize,
}

impl SocketReader {
    /// Takes what came; the request, once it is whole or cannot become one.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<Request> {
        self.length += bytes.len();
        if self.length > CONTROL_REQUEST_BYTES_MAX {
            return Some(self.request(Err("the command is too long")));
        }
        self.lines.bytes.extend_from_slice(bytes);
        while let Some(line) = self.lines.next() {
            match (self.format, line.as_str()) {
                (None, "text") => self.format = Some(Format::Text),
                (None, "json") => self.format = Some(Format::Json),
                (None, _) => return Some(self.request(Err("the first line is `text` or `json`"))),
                (Some(_), "") => {
                    let words = std::mem::take(&mut self.words);
                    return Some(self.request(Ok(words)));
                }
                (Some(_), _) => self.words.push(line),
            }
        }
        None
    }

    /// The request.
    fn request(&self, words: Result<Vec<String>, &'static str>) -> Request {
        Request { words, format: self.format.unwrap_or_default(), reply: None }
    }
}

/// Reads the requests that come through the FIFO.
#[derive(Debug, Default)]
pub(super) struct FifoReader {
    lines: Lines,
    begun: Option<Begun>,
}

/// A request of which the first line came.
#[derive(Debug)]
struct Begun {
    words: Vec<String>,
    reply: Option<String>,
    length: usize,
}

impl Begun {
    /// Ends it.
    fn end(self, what_is_wrong: Option<&'static str>) -> Request {
        let words = what_is_wrong.map_or(Ok(self.words), Err);
        Request { words, format: Format::Text, reply: self.reply }
    }
}

impl FifoReader {
    /// Takes what came.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.lines.bytes.extend_from_slice(bytes);
    }

    /// The next request that is whole or cannot become one.
    pub(super) fn next(&mut self) -> Option<Request> {
        while let Some(line) = self.lines.next() {
            if let Some(begun) = Begun::parse(&line) {
                if let Some(unfinished) = self.begun.replace(begun) {
                    return Some(unfinished.end(Some(NOT_ENDED)));
                }
                continue;
            }
            let Some(mut begun) = self.begun.take() else { continue };
            if line.is_empty() {
                return Some(begun.end(None));
            }
            begun.length += line.len();
            if begun.length > CONTROL_REQUEST_BYTES_MAX {
                return Some(begun.end(Some("the command is too long")));
            }
            begun.words.push(line);
            self.begun = Some(begun);
        }
        if self.lines.bytes.len() > CONTROL_REQUEST_BYTES_MAX {
            return self.give_up();
        }
        None
    }

    /// Whether something came that is not whole yet.
    pub(super) fn is_amid(&self) -> bool {
        self.begun.is_some() || !self.lines.bytes.is_empty()
    }

    /// Waits no longer for the rest of what came: whoever wrote it has gone.
    pub(super) fn give_up(&mut self) -> Option<Request> {
        self.lines.bytes.clear();
        self.begun.take().map(|begun| begun.end(Some(NOT_ENDED)))
    }
}

/// What is wrong with a command behind which something else came.
const NOT_ENDED: &str = "the command was not ended by an empty line";

impl Begun {
    /// Parses `:command:reply`.
    fn parse(line: &str) -> Option<Self> {
        let (command, reply) = line.strip_prefix(':')?.split_once(':')?;
        let words = command.split_ascii_whitespace().map(str::to_owned).collect();
        let reply = Some(reply.to_owned()).filter(|reply| !reply.is_empty());
        Some(Self { words, reply, length: line.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request for these words.
    fn fifo(words: &[&str], reply: &str) -> Request {
        let words = Ok(words.iter().map(|word| (*word).to_owned()).collect());
        let reply = Some(reply.to_owned()).filter(|reply| !reply.is_empty());
        Request { words, format: Format::Text, reply }
    }

    /// All requests that a reader has.
    fn all(reader: &mut FifoReader) -> Vec<Request> {
        std::iter::from_fn(|| reader.next()).collect()
    }

    // G12
    #[test]
    fn the_fifo_takes_commands_with_words_however_they_are_cut() {
        let text = b":ul_show_contact:reply_1\nlocation\nbob\n\n:uptime:\r\n\r\n\n:ul show:x\n\n";
        let expected = [
            fifo(&["ul_show_contact", "location", "bob"], "reply_1"),
            fifo(&["uptime"], ""),
            fifo(&["ul", "show"], "x"),
        ];
        let mut reader = FifoReader::default();
        reader.take(text);
        assert_eq!(all(&mut reader), expected);
        assert!(!reader.is_amid());
        let mut found = Vec::new();
        for byte in text {
            reader.take(&[*byte]);
            found.extend(all(&mut reader));
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn half_a_command_does_not_become_part_of_the_next_one() {
        let mut reader = FifoReader::default();
        reader.take(b"rubbish\n:ul_rm:a\nlocation\n:ps:b\n\n:pwd:c\nbo");
        let wrong = Request { words: Err(NOT_ENDED), ..fifo(&[], "a") };
        assert_eq!(all(&mut reader), [wrong.clone(), fifo(&["ps"], "b")]);
        assert!(reader.is_amid());
        let given_up = Request { reply: Some("c".to_owned()), ..wrong };
        assert_eq!(reader.give_up(), Some(given_up));
        assert!(!reader.is_amid());
        assert_eq!(reader.give_up(), None);
    }

    #[test]
    fn a_command_without_end_is_bounded() {
        let mut reader = FifoReader::default();
        reader.take(b":a:b\n");
        let mut requests = Vec::new();
        for _ in 0..CONTROL_REQUEST_BYTES_MAX {
            reader.take(b"word\nword");
            requests.extend(all(&mut reader));
        }
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].words, Err("the command is too long"));
        reader.take(&[b'x'; CONTROL_REQUEST_BYTES_MAX + 1]);
        assert_eq!(reader.next(), None);
        assert!(!reader.is_amid(), "a line without end is let go");
    }

    #[test]
    fn a_socket_brings_the_format_and_words() {
        let mut reader = SocketReader::default();
        assert_eq!(reader.take(b"json\nul\nsh"), None);
        let request = reader.take(b"ow\n\n").unwrap();
        assert_eq!(request.words, Ok(vec!["ul".to_owned(), "show".to_owned()]));
        assert_eq!(request.format, Format::Json);
        let wrong = SocketReader::default().take(b"GET / HTTP/1.1\r\n").unwrap();
        assert_eq!(wrong.words, Err("the first line is `text` or `json`"));
        let mut reader = SocketReader::default();
        let long = reader.take(&vec![b'\n'; CONTROL_REQUEST_BYTES_MAX + 1]).unwrap();
        assert_eq!(long.words, Err("the command is too long"));
    }
}
