//! A peer at the other end of a TLS connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, Connection, HandshakeKind, RootCertStore, ServerConfig,
    ServerConnection,
};

use crate::certificates::Made;
use crate::support::{Message, PATIENCE};

/// A connection, and what came by it and was not taken yet.
#[derive(Debug)]
pub(crate) struct SecureWire {
    stream: TcpStream,
    session: Connection,
    read: Vec<u8>,
}

/// How a peer opens sessions: it believes this authority, and may prove something.
pub(crate) fn client_config(authority: &str, own: Option<&Made>) -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots(authority));
    Arc::new(match own {
        Some(made) => builder.with_client_auth_cert(chain(made), key(made)).expect("credentials"),
        None => builder.with_no_client_auth(),
    })
}

/// How a peer accepts sessions: it proves this, and may believe in an authority that clients have
/// to prove to be of.
pub(crate) fn server_config(own: &Made, authority: Option<&str>) -> Arc<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match authority {
        Some(authority) => {
            let roots = Arc::new(roots(authority));
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
        None => builder.with_no_client_auth(),
    };
    Arc::new(builder.with_single_cert(chain(own), key(own)).expect("credentials"))
}

/// The authorities of a PEM file.
fn roots(authority: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate");
    roots.add(certificate).expect("an authority");
    roots
}

/// The certificate of what was made.
fn chain(made: &Made) -> Vec<CertificateDer<'static>> {
    vec![CertificateDer::from(made.der.clone())]
}

/// The key of what was made.
fn key(made: &Made) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(made.key.as_bytes()).expect("a key")
}

impl SecureWire {
    /// Opens a connection to a server that has to prove that name, and agrees on TLS.
    ///
    /// # Errors
    ///
    /// Why there is no agreement.
    pub(crate) fn open(
        to: SocketAddr,
        name: &str,
        config: &Arc<ClientConfig>,
    ) -> std::io::Result<Self> {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let session = ClientConnection::new(Arc::clone(config), name).expect("a session");
        Self::over(TcpStream::connect(to)?, session.into())
    }

    /// Accepts a connection and agrees on TLS.
    ///
    /// # Errors
    ///
    /// Why there is no agreement.
    pub(crate) fn accept(
        listener: &TcpListener,
        config: &Arc<ServerConfig>,
    ) -> std::io::Result<Self> {
        let session = ServerConnection::new(Arc::clone(config)).expect("a session");
        // Nobody waits for ever for who does not come.
        socket2::SockRef::from(listener).set_read_timeout(Some(PATIENCE))?;
        Self::over(listener.accept()?.0, session.into())
    }

    /// Over a connection.
    fn over(stream: TcpStream, session: Connection) -> std::io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut wire = Self { stream, session, read: Vec::new() };
        while wire.session.is_handshaking() {
            wire.session.complete_io(&mut wire.stream)?;
        }
        Ok(wire)
    }

    /// Its own address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("the address of a connection")
    }

    /// Whether the session goes on where an earlier one ended.
    pub(crate) fn is_resumed(&self) -> bool {
        self.session.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The certificate that the server has shown.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.session.peer_certificates().expect("certificates")[0].to_vec()
    }

    /// A request that can be told from all others by its Call-ID.
    pub(crate) fn request(&self, method: &str, uri: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let own = self.address();
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TLS {own};branch=z9hG4bK{number};rport\r\n\
             From: <sip:wire@{own}>;tag=t{number}\r\nTo: <{uri}>\r\nCall-ID: {number}@{own}\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
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
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        for piece in bytes.as_ref().chunks(16_384) {
            self.session.writer().write_all(piece).expect("octets taken");
            self.flush().expect("octets sent");
        }
    }

    /// Sends what the session has to say.
    fn flush(&mut self) -> std::io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    /// The next message, which has no body.
    pub(crate) fn receive(&mut self) -> Message {
        let end = loop {
            // The answer to a keep-alive.
            if self.read.starts_with(b"\r\n") {
                self.read.drain(..2);
            }
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            let count = self.read_more().expect("octets read");
            let text = String::from_utf8_lossy(&self.read);
            assert!(count > 0, "the connection was closed after {text:?}");
        };
        let bytes: Vec<u8> = self.read.drain(..end).collect();
        Message::parse(&bytes, self.stream.peer_addr().expect("the address of a peer"))
    }

    /// Waits until the other side has closed: whether it said that nothing more comes.
    pub(crate) fn wait_for_end(&mut self) -> bool {
        loop {
            match self.read_more() {
                Ok(0) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    /// Reads what is there.
    fn read_more(&mut self) -> std::io::Result<usize> {
        let mut bytes = [0; 16_384];
        let count = loop {
            match self.session.reader().read(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => break result?,
            }
            match self.session.read_tls(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            };
            let result = self.session.process_new_packets();
            self.flush()?;
            result.map_err(std::io::Error::other)?;
        };
        self.read.extend_from_slice(&bytes[..count]);
        Ok(count)
    }
}
