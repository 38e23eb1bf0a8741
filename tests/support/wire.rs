//! A peer at the other end of a TCP connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};

use super::PATIENCE;
use super::message::Message;

/// A connection, and what came by it and was not taken yet.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    /// Opens a connection.
    pub(crate) fn open(to: SocketAddr) -> Self {
        Self::over(TcpStream::connect(to).expect("a connection"))
    }

    /// Accepts a connection.
    pub(crate) fn accept(listener: &TcpListener) -> Self {
        Self::over(listener.accept().expect("a connection").0)
    }

    /// Over a connection.
    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, read: Vec::new() }
    }

    /// Its own address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("the address of a connection")
    }

    /// The URI of who is at this end.
    pub(crate) fn uri(&self) -> String {
        format!("sip:wire@{}", self.address())
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
        let source = self.stream.peer_addr().expect("the address of a peer");
        let message = Message::parse(&self.read[..head], source);
        let body: usize = message.value("Content-Length").parse().expect("a length");
        while self.read.len() < head + body {
            self.read_more();
        }
        let bytes: Vec<u8> = self.read.drain(..head + body).collect();
        Message::parse(&bytes, source)
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
