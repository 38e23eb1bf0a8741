//! What is between the octets of a socket and those of messages.

use std::io::{self, Read, Write};

/// How messages are put into the octets of a connection.
#[derive(Debug)]
pub(super) enum Session {
    /// As they are.
    Plain,
}

impl Session {
    /// Reads up to `count` octets and appends what they say to `buffer`; how many octets of
    /// messages that are, 0 at the end of the stream.
    ///
    /// # Errors
    ///
    /// As `read`; `WouldBlock` if nothing is there.
    pub(super) fn receive(
        &mut self,
        socket: &mut impl Read,
        buffer: &mut Vec<u8>,
        count: usize,
    ) -> io::Result<usize> {
        match self {
            Self::Plain => {
                let start = buffer.len();
                buffer.resize(start + count, 0);
                let result = socket.read(&mut buffer[start..]);
                buffer.truncate(start + result.as_ref().map_or(0, |count| *count));
                result
            }
        }
    }

    /// Takes octets of messages and writes them; how many it took.
    ///
    /// # Errors
    ///
    /// As `write`; `WouldBlock` if none can be taken now.
    pub(super) fn send(&mut self, socket: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain => socket.write(bytes),
        }
    }
}
