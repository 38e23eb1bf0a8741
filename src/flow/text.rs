//! A message out of a text file.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::seen::Seen;
use crate::protocol::{Endpoint, Transport};
use crate::sip::{Items, Via, host_ip};

/// The message that a file holds. One with the line ends of SIP is taken byte for byte. One that
/// was written with an editor, whose lines end with LF alone, gets the line ends that it needs:
/// its head CR LF, and an empty line behind it; its body stays as it is.
#[must_use]
pub fn message_of(text: &[u8]) -> Cow<'_, [u8]> {
    let first = memchr::memchr(b'\n', text);
    let is_sip = first.is_some_and(|feed| feed > 0 && text[feed - 1] == b'\r');
    let is_line = first.is_some_and(|feed| !text[..feed].trim_ascii().is_empty());
    if is_sip || !is_line {
        return Cow::Borrowed(text);
    }
    let mut message = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        message.extend_from_slice(line);
        message.extend_from_slice(b"\r\n");
        if line.is_empty() {
            message.extend_from_slice(rest);
            return Cow::Owned(message);
        }
    }
    message.extend_from_slice(b"\r\n");
    Cow::Owned(message)
}

/// The address and the transport that the topmost Via of a message names, if it names an address:
/// who sent it.
#[must_use]
pub fn source_of(message: &[u8]) -> Option<Endpoint> {
    let seen = Seen::of(message);
    let via = Via::parse(Items::new(seen.value("Via")).next()?).ok()?;
    let transport = Transport::of(via.transport).unwrap_or_default();
    let port = via.port.unwrap_or_else(|| transport.default_port());
    let address = SocketAddr::new(host_ip(via.host)?, port);
    (port != 0).then_some(Endpoint { transport, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_of_an_editor_become_those_of_sip() {
        for (text, message) in [
            (&b"A\nb: c\n\nbody\n"[..], &b"A\r\nb: c\r\n\r\nbody\n"[..]),
            (b"A\nb: c\n", b"A\r\nb: c\r\n\r\n"),
            (b"A\nb: c", b"A\r\nb: c\r\n\r\n"),
            (b"A\nb: c\r\n\r\n\x00\xff", b"A\r\nb: c\r\n\r\n\x00\xff"),
        ] {
            assert_eq!(message_of(text), message, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn everything_else_is_taken_byte_for_byte() {
        for text in [&b"A\r\nb: c\nd\r\n\r\n"[..], b"", b"\n\n", b"\x00\xff", b"\r\n\r\n"] {
            assert_eq!(message_of(text), text);
        }
    }
}
