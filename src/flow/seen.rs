//! A message as it is compared: whatever it is, it has a first line, header lines and a body.

use crate::sip::HeaderName;

/// A message that was sent or received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The first line.
    pub(super) start: Vec<u8>,
    /// The header fields, folded lines in one.
    pub(super) fields: Vec<Field>,
    /// What stands behind the empty line.
    pub(super) body: Vec<u8>,
}

/// A header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The name as it is written.
    pub(super) name: Vec<u8>,
    /// The value without white space around it, folds replaced by one space.
    pub(super) value: Vec<u8>,
    /// The whole line or lines, without the last line end.
    pub(super) line: Vec<u8>,
}

impl Seen {
    /// Takes a message apart.
    pub(super) fn of(message: &[u8]) -> Self {
        let end = memchr::memmem::find(message, b"\r\n\r\n");
        let (head, body) = match end {
            Some(end) => (&message[..end], &message[end + 4..]),
            None => (message, &message[message.len()..]),
        };
        let mut rows = head.split(|byte| *byte == b'\n');
        let trimmed = |row: &[u8]| row.strip_suffix(b"\r").unwrap_or(row).to_vec();
        let start = rows.next().map(trimmed).unwrap_or_default();
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for row in rows {
            let row = trimmed(row);
            match lines.last_mut() {
                Some(last) if row.starts_with(b" ") || row.starts_with(b"\t") => {
                    last.extend_from_slice(b"\r\n");
                    last.extend_from_slice(&row);
                }
                _ => lines.push(row),
            }
        }
        let fields = lines.into_iter().map(Field::of).collect();
        Self { start, fields, body: body.to_vec() }
    }

    /// Whether it is a request.
    pub(super) fn is_request(&self) -> bool {
        !self.start.starts_with(b"SIP/2.0 ")
    }

    /// The method of a request; else that of CSeq.
    pub(super) fn method(&self) -> &[u8] {
        let text = if self.is_request() { self.start.as_slice() } else { self.value("CSeq") };
        let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let skipped = usize::from(!self.is_request());
        words.nth(skipped).unwrap_or_default()
    }

    /// The fields of that name.
    pub(super) fn named<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s Field> {
        self.fields.iter().filter(move |field| is_same_name(&field.name, name.as_bytes()))
    }

    /// The value of the first field of that name; empty if there is none.
    pub(super) fn value(&self, name: &str) -> &[u8] {
        self.named(name).next().map_or(&[], |field| &field.value)
    }
}

impl Field {
    /// A field out of its lines.
    fn of(line: Vec<u8>) -> Self {
        let colon = memchr::memchr(b':', &line);
        let (name, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (&line[..], &line[line.len()..]),
        };
        let words: Vec<&[u8]> =
            value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        Self {
            name: name.trim_ascii().to_vec(),
            value: words.join(&b' ').trim_ascii().to_vec(),
            line,
        }
    }
}

/// Whether two names are those of the same header field, long or compact.
pub(super) fn is_same_name(left: &[u8], right: &[u8]) -> bool {
    left.eq_ignore_ascii_case(right)
        || match HeaderName::parse(left) {
            HeaderName::Other => false,
            known => known == HeaderName::parse(right),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_and_compact_names_make_no_difference() {
        let seen =
            Seen::of(b"INVITE sip:a@b SIP/2.0\r\nv: one\r\n  two\r\nVIA : three\r\nx\r\n\r\nbody");
        let values: Vec<&[u8]> = seen.named("Via").map(|field| field.value.as_slice()).collect();
        assert_eq!(values, [&b"one two"[..], b"three"]);
        assert_eq!((seen.method(), seen.body.as_slice()), (&b"INVITE"[..], &b"body"[..]));
        assert_eq!(seen.fields[2].name, b"x");
    }

    #[test]
    fn anything_can_be_taken_apart() {
        for text in [&b""[..], b"\r\n\r\n", b"\xff\x00", b" x\n y", b"SIP/2.0 200 OK\r\nCSeq: 1"] {
            assert_eq!(Seen::of(text).value("CSeq").len(), usize::from(text.ends_with(b"1")));
            let _ = Seen::of(text).method();
        }
    }
}
