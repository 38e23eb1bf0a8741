//! A peer at the other end of a TCP connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::PATIENCE;
use super::message::Message;

/// The URI of who is at that address, to be reached by TCP.
pub(crate) fn uri(address: SocketAddr) -> String {
    format!("sip:wire@{address}")
}

/// A connection, and what came by it and was not taken yet.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    peer: SocketAddr,
    read: Vec<u8>,
}

impl Wire {
    /// Opens a connection.
    pub(crate) fn open(to: SocketAddr) -> Self {
        Self::over(TcpStream::connect(to).expect("a connection"), to)
    }

    /// Accepts a connection.
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        SockRef::from(listener).set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let (stream, peer) = listener.accept().expect("a connection");
        Self::over(stream, peer)
    }

    /// Opens a connection over which little can be sent before it is read.
    pub(crate) fn open_narrow(to: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(2_048).expect("a small buffer");
        socket.connect(&to.into()).expect("a connection");
        Self::over(socket.into(), to)
    }

    /// Resets the connection.
    pub(crate) fn reset(self) {
        let none = Some(Duration::ZERO);
        SockRef::from(&self.stream).set_linger(none).expect("no time to linger");
    }

    /// Over a connection to that address.
    fn over(stream: TcpStream, peer: SocketAddr) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, peer, read: Vec::new() }
    }

    /// Its own address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("the address of a connection")
    }

    /// The URI of who is at this end.
    pub(crate) fn uri(&self) -> String {
        uri(self.address())
    }

    /// A request with this body that can be told from all others by its Call-ID.
    pub(crate) fn request(&self, method: &str, uri: &str, body: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let own = self.address();
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TCP {own};branch=z9hG4bK{number};rport\r\n\
             From: <sip:wire@{own}>;tag=t{number}\r\nTo: <{uri}>\r\nCall-ID: {number}@{own}\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The response with that code to a request that came.
    pub(crate) fn response(&self, request: &Message, code: u16) -> String {
        let mut text = format!("SIP/2.0 {code} Fine\r\n");
        for line in &request.lines {
            if ["via", "from", "to", "call-id", "cseq"].contains(&line.name.as_str()) {
                text.push_str(&String::from_utf8_lossy(&line.raw));
                text.push_str("\r\n");
            }
        }
        text + "Content-Length: 0\r\n\r\n"
    }

    /// Sends octets.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        (&self.stream).write_all(bytes.as_ref()).expect("octets sent");
    }

    /// Sends no more.
    pub(crate) fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).expect("one side closed");
    }

    /// The next message; its body is as long as it says.
    pub(crate) fn receive(&mut self) -> Message {
        let head = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.read_more(),
            }
        };
        let message = Message::parse(&self.read[..head], self.peer);
        let body: usize = message.value("Content-Length").parse().expect("a length");
        while self.read.len() < head + body {
            self.read_more();
        }
        let bytes: Vec<u8> = self.read.drain(..head + body).collect();
        Message::parse(&bytes, self.peer)
    }

    /// The next octets, so many.
    pub(crate) fn receive_octets(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            self.read_more();
        }
        self.read.drain(..count).collect()
    }

    /// Waits until the other side has closed, after nothing more than was taken.
    pub(crate) fn assert_closed(&mut self) {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => self.read.extend(rest),
        }
        let text = String::from_utf8_lossy(&self.read);
        assert!(self.read.is_empty(), "before the end came {text}");
    }

    /// Reads what is there.
    fn read_more(&mut self) {
        let mut bytes = [0; 16_384];
        let count = loop {
            match self.stream.read(&mut bytes) {
                // A machine that was suspended says so, signal or not.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result.expect("octets read"),
            }
        };
        let text = String::from_utf8_lossy(&self.read).into_owned();
        assert!(count > 0, "the connection was closed after {text:?}");
        self.read.extend_from_slice(&bytes[..count]);
    }
}
