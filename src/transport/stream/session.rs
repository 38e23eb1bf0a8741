//! What is between the octets of a socket and those of messages.

use std::io::{self, Read, Write};

use crate::connections::Security;
use crate::limits::TLS_SENT_BYTES;
use crate::transport::tls::{TlsReception, TlsSession};

/// How messages are put into the octets of a connection.
#[derive(Debug)]
pub(super) enum Session {
    /// As they are.
    Plain,
    /// Enciphered.
    Tls(Box<TlsSession>),
    /// TLS that has ended: nothing is sent any more, and what still comes is not looked at.
    Ended,
}

/// What came by a look at the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Octets that belong to messages, perhaps none, and perhaps there are more.
    Octets {
        /// Whether there may be more.
        has_more: bool,
    },
    /// The end of the stream.
    End,
}

impl Session {
    /// Reads up to `count` octets, or about that, and appends what they say to `buffer`.
    ///
    /// # Errors
    ///
    /// As `read`; `WouldBlock` if nothing is there, `InvalidData` if the peer does not keep to TLS
    /// or does not prove who it is.
    pub(super) fn receive(
        &mut self,
        socket: &mut impl Read,
        buffer: &mut Vec<u8>,
        count: usize,
    ) -> io::Result<Received> {
        let start = buffer.len();
        match self {
            Self::Plain => {
                buffer.resize(start + count, 0);
                let result = socket.read(&mut buffer[start..]);
                buffer.truncate(start + result.as_ref().map_or(0, |count| *count));
                Ok(match result? {
                    0 => Received::End,
                    read => Received::Octets { has_more: read == count },
                })
            }
            Self::Ended => {
                buffer.resize(start + count, 0);
                let result = socket.read(&mut buffer[start..]);
                buffer.truncate(start);
                Ok(match result? {
                    0 => Received::End,
                    read => Received::Octets { has_more: read == count },
                })
            }
            Self::Tls(session) => match session.receive(socket, buffer)? {
                TlsReception::Drained if buffer.len() == start => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                TlsReception::Drained => Ok(Received::Octets { has_more: false }),
                TlsReception::More => Ok(Received::Octets { has_more: true }),
                TlsReception::End if buffer.len() == start => Ok(Received::End),
                // The end is told again.
                TlsReception::End => Ok(Received::Octets { has_more: true }),
            },
        }
    }

    /// Takes octets of messages and writes them, or some of what they became; how many it took.
    ///
    /// # Errors
    ///
    /// As `write`; `WouldBlock` if none can be taken now.
    pub(super) fn send(&mut self, socket: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain => socket.write(bytes),
            Self::Ended => Err(io::ErrorKind::BrokenPipe.into()),
            Self::Tls(session) => {
                // What was taken before goes first, so that little waits inside.
                if !session.flush(socket)? || session.is_handshaking() {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                let taken = session.send(&bytes[..bytes.len().min(TLS_SENT_BYTES)])?;
                session.flush(socket)?;
                Ok(taken)
            }
        }
    }

    /// Writes what was taken and is not written; true if that is all.
    ///
    /// # Errors
    ///
    /// As `write`.
    pub(super) fn flush(&mut self, socket: &mut impl Write) -> io::Result<bool> {
        match self {
            Self::Plain | Self::Ended => Ok(true),
            Self::Tls(session) => session.flush(socket),
        }
    }

    /// Whether there is something to flush.
    pub(super) fn wants_write(&self) -> bool {
        match self {
            Self::Plain | Self::Ended => false,
            Self::Tls(session) => session.wants_write(),
        }
    }

    /// Whether messages can neither come nor go yet.
    pub(super) fn is_handshaking(&self) -> bool {
        match self {
            Self::Plain | Self::Ended => false,
            Self::Tls(session) => session.is_handshaking(),
        }
    }

    /// What TLS has agreed.
    pub(super) fn security(&self) -> Option<Security> {
        match self {
            Self::Plain | Self::Ended => None,
            Self::Tls(session) => session.security(),
        }
    }

    /// Tells the peer that nothing more comes, or what it has done wrong, as far as the socket
    /// takes it. Nothing that is to be enciphered is sent after that.
    pub(super) fn end(&mut self, socket: &mut impl Write) {
        if let Self::Tls(session) = self {
            session.close();
            // Who is gone need not be told.
            let _ = session.flush(socket);
            *self = Self::Ended;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_sends_nothing_and_hears_nothing() {
        let mut session = Session::Ended;
        let mut sent = Vec::new();
        let told = session.send(&mut sent, b"MESSAGE").map_err(|error| error.kind());
        assert_eq!(told, Err(io::ErrorKind::BrokenPipe));
        assert!(session.flush(&mut sent).unwrap() && sent.is_empty());
        let (mut heard, mut from) = (Vec::new(), &b"anything"[..]);
        let received = session.receive(&mut from, &mut heard, 6).unwrap();
        assert_eq!(received, Received::Octets { has_more: true });
        assert_eq!(
            session.receive(&mut from, &mut heard, 6).unwrap(),
            Received::Octets { has_more: false }
        );
        assert_eq!(session.receive(&mut from, &mut heard, 6).unwrap(), Received::End);
        assert!(heard.is_empty());
    }
}
