//! Sockets to one name server.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::event::Source;
use mio::net::{TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};

/// A socket to a name server.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) server: SocketAddr,
    kind: Kind,
    /// The questions whose answers may come, each with the number it was sent with.
    pub(super) waiting: Vec<(u16, u64)>,
}

/// What kind of socket it is.
#[derive(Debug)]
enum Kind {
    /// Datagrams, from this server only; the kernel has chosen the port by chance.
    Datagrams(UdpSocket),
    /// A stream for one question (RFC 1035 §4.2.2).
    Stream(Stream),
}

/// A stream with what is to be written and what was read.
#[derive(Debug)]
struct Stream {
    stream: TcpStream,
    unwritten: Vec<u8>,
    read: Vec<u8>,
}

/// What came of looking into a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing is there yet.
    Nothing,
    /// A message.
    Message,
    /// Nobody is there, or has closed the stream.
    Broken,
}

/// Bytes of the largest message in a datagram that is of use: more was not asked for.
const DATAGRAM_BYTES_MAX: usize = 4_096;

impl Socket {
    /// A socket for datagrams.
    pub(super) fn datagrams(
        server: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let own: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let mut socket = UdpSocket::bind(SocketAddr::new(own, 0))?;
        socket.connect(server)?;
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self { server, kind: Kind::Datagrams(socket), waiting: Vec::new() })
    }

    /// A stream.
    pub(super) fn stream(
        server: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let mut stream = TcpStream::connect(server)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let stream = Stream { stream, unwritten: Vec::new(), read: Vec::new() };
        Ok(Self { server, kind: Kind::Stream(stream), waiting: Vec::new() })
    }

    /// Whether it is a stream.
    pub(super) const fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stream(_))
    }

    /// The question that was sent with that number.
    pub(super) fn query(&self, id: u16) -> Option<u64> {
        self.waiting.iter().find(|(own, _)| *own == id).map(|(_, query)| *query)
    }

    /// Sends a message, or the rest of it later; whether that went well.
    pub(super) fn send(&mut self, message: &[u8]) -> bool {
        match &mut self.kind {
            Kind::Datagrams(socket) => match socket.send(message) {
                Ok(_) => true,
                Err(error) => error.kind() == io::ErrorKind::WouldBlock,
            },
            Kind::Stream(stream) => {
                let length = u16::try_from(message.len()).unwrap_or(0).to_be_bytes();
                stream.unwritten.extend_from_slice(&length);
                stream.unwritten.extend_from_slice(message);
                stream.write().is_ok()
            }
        }
    }

    /// Takes the next message into `message`.
    pub(super) fn take(&mut self, message: &mut Vec<u8>) -> Taken {
        let taken = match &mut self.kind {
            Kind::Datagrams(socket) => {
                message.resize(DATAGRAM_BYTES_MAX, 0);
                socket.recv(message).map(|length| {
                    message.truncate(length);
                    true
                })
            }
            Kind::Stream(stream) => stream.take(message),
        };
        match taken {
            Ok(true) => Taken::Message,
            Ok(false) => Taken::Nothing,
            Err(error) if is_patient(&error) => Taken::Nothing,
            Err(_) => Taken::Broken,
        }
    }

    /// Takes it out of what the poll watches.
    pub(super) fn close(&mut self, registry: &Registry) {
        let source: &mut dyn Source = match &mut self.kind {
            Kind::Datagrams(socket) => socket,
            Kind::Stream(stream) => &mut stream.stream,
        };
        // It is closed next, which takes it out as well.
        let _ = registry.deregister(source);
    }
}

impl Stream {
    /// Writes what can be written.
    fn write(&mut self) -> io::Result<()> {
        while !self.unwritten.is_empty() {
            match self.stream.write(&self.unwritten) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => drop(self.unwritten.drain(..count)),
                Err(error) if is_patient(&error) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes the message if it is complete; whether it is.
    fn take(&mut self, message: &mut Vec<u8>) -> io::Result<bool> {
        self.write()?;
        let mut buffer = [0; 4_096];
        loop {
            if let Some((head, rest)) = self.read.split_first_chunk()
                && rest.len() >= usize::from(u16::from_be_bytes(*head))
            {
                let length = usize::from(u16::from_be_bytes(*head));
                message.clear();
                message.extend_from_slice(&rest[..length]);
                self.read.drain(..2 + length);
                return Ok(true);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.read.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether a failed call is to be repeated when the socket is announced.
fn is_patient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected)
}
