//! One session: cipher text on the side of the socket, plain text on the other.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;

use rustls::server::{AcceptedAlert, Acceptor};
use rustls::{ClientConnection, CommonState, HandshakeKind, ServerConnection};

use super::protocol::{describe, show_version};
use super::server::Choice;
use super::{CertificateFacts, TlsClient, TlsError, TlsServer};
use crate::connections::Security;
use crate::limits::{TLS_HANDSHAKE_BYTES_MAX, TLS_READS_PER_TURN, TLS_UNSENT_BYTES_MAX};

/// The state of TLS on one connection.
#[derive(Debug)]
pub struct TlsSession {
    state: State,
    /// Bytes that came before the handshake was over.
    handshake_bytes: usize,
    /// Whether a certificate of the peer is verified.
    verifies: bool,
}

/// How far it is.
enum State {
    /// The client has not said what it wants.
    Hello(Box<Acceptor>, Arc<Choice>),
    /// We have the part of the server.
    Server(Box<ServerConnection>),
    /// We have the part of the client.
    Client(Box<ClientConnection>),
    /// What the client wants cannot be had; it has to be told.
    Refused(AcceptedAlert),
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello(..) => "Hello",
            Self::Server(_) => "Server",
            Self::Client(_) => "Client",
            Self::Refused(_) => "Refused",
        })
    }
}

/// How a turn of receiving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsReception {
    /// The socket has no more for now.
    Drained,
    /// There may be more: others have their turn first.
    More,
    /// The peer has ended.
    End,
}

impl TlsSession {
    /// A session that a client has begun.
    #[must_use]
    pub fn accept(server: &TlsServer) -> Self {
        Self::new(State::Hello(Box::default(), server.choice()), false)
    }

    /// A session that we begin with the server at `peer`, which has to prove that it is `name`; if
    /// there is none, that it has that address. What is to be sent for it can be flushed at once.
    ///
    /// # Errors
    ///
    /// When the name can be nobody's.
    pub fn connect(client: &TlsClient, name: Option<&str>, peer: IpAddr) -> Result<Self, TlsError> {
        let name = client.name_of(name, peer)?;
        let mut connection = ClientConnection::new(client.config(), name)?;
        connection.set_buffer_limit(Some(TLS_UNSENT_BYTES_MAX));
        Ok(Self::new(State::Client(Box::new(connection)), client.verifies()))
    }

    /// A session in that state.
    const fn new(state: State, verifies: bool) -> Self {
        Self { state, handshake_bytes: 0, verifies }
    }

    /// Reads what the socket has, not more than others can wait for, and appends the plain text.
    /// After an error there may still be something to [`flush`](Self::flush): what the peer has
    /// done wrong.
    ///
    /// # Errors
    ///
    /// Those of the socket; `InvalidData` if the peer does not keep to the protocol or does not
    /// prove who it is.
    pub fn receive(
        &mut self,
        socket: &mut impl Read,
        plain: &mut Vec<u8>,
    ) -> io::Result<TlsReception> {
        for _ in 0..TLS_READS_PER_TURN {
            let was_handshaking = self.is_handshaking();
            let count = match self.read(socket) {
                Ok(0) => return Ok(TlsReception::End),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(TlsReception::Drained);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if was_handshaking {
                self.handshake_bytes += count;
                if self.handshake_bytes > TLS_HANDSHAKE_BYTES_MAX {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
            self.process()?;
            if self.take_plain(plain)? {
                return Ok(TlsReception::End);
            }
        }
        Ok(TlsReception::More)
    }

    /// Takes plain text to be sent; how much of it there was room for. The rest can be given when
    /// something has been flushed.
    ///
    /// # Errors
    ///
    /// When the session is over.
    pub fn send(&mut self, plain: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            // Nothing can be enciphered yet.
            State::Hello(..) => Ok(0),
            State::Server(connection) => connection.writer().write(plain),
            State::Client(connection) => connection.writer().write(plain),
            State::Refused(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Writes to the socket what is to be sent; true if nothing is left.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<bool> {
        while self.wants_write() {
            let written = match &mut self.state {
                State::Hello(..) => return Ok(true),
                State::Server(connection) => connection.write_tls(socket),
                State::Client(connection) => connection.write_tls(socket),
                State::Refused(alert) => alert.write(socket),
            };
            match written {
                Ok(0) if matches!(self.state, State::Refused(_)) => return Ok(true),
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Tells the peer that nothing more comes; it is sent with the next flush.
    pub fn close(&mut self) {
        if let Some(common) = self.common_mut() {
            common.send_close_notify();
        }
    }

    /// Whether the peers do not know each other yet.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.common().is_none_or(CommonState::is_handshaking)
    }

    /// Whether there is something to flush.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        match &self.state {
            State::Hello(..) => false,
            State::Server(connection) => connection.wants_write(),
            State::Client(connection) => connection.wants_write(),
            State::Refused(_) => true,
        }
    }

    /// Whether the session goes on where an earlier one with the same peer ended.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        let kind = self.common().and_then(CommonState::handshake_kind);
        matches!(kind, Some(HandshakeKind::Resumed))
    }

    /// What is agreed, once it is.
    #[must_use]
    pub fn security(&self) -> Option<Security> {
        let common = self.common()?;
        let (cipher, cipher_bits) = describe(common.negotiated_cipher_suite()?.suite());
        let peer = self.peer_certificate().and_then(CertificateFacts::parse);
        Some(Security {
            version: show_version(common.protocol_version()?),
            cipher,
            cipher_bits,
            server_name: match &self.state {
                State::Server(connection) => connection.server_name().map(str::to_owned),
                _ => None,
            },
            is_verified: self.verifies && peer.is_some(),
            peer,
        })
    }

    /// The certificate that the peer has shown.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        self.common()?.peer_certificates()?.first().map(AsRef::as_ref)
    }

    /// What both parts have in common.
    fn common(&self) -> Option<&CommonState> {
        match &self.state {
            State::Server(connection) => Some(connection),
            State::Client(connection) => Some(connection),
            State::Hello(..) | State::Refused(_) => None,
        }
    }

    /// As [`Self::common`].
    fn common_mut(&mut self) -> Option<&mut CommonState> {
        match &mut self.state {
            State::Server(connection) => Some(connection),
            State::Client(connection) => Some(connection),
            State::Hello(..) | State::Refused(_) => None,
        }
    }

    /// Reads once.
    fn read(&mut self, socket: &mut impl Read) -> io::Result<usize> {
        match &mut self.state {
            State::Hello(acceptor, _) => acceptor.read_tls(socket),
            State::Server(connection) => connection.read_tls(socket),
            State::Client(connection) => connection.read_tls(socket),
            State::Refused(_) => Ok(0),
        }
    }

    /// Understands what was read.
    fn process(&mut self) -> io::Result<()> {
        if let State::Hello(acceptor, choice) = &mut self.state {
            let accepted = match acceptor.accept() {
                Ok(None) => return Ok(()),
                Ok(Some(accepted)) => {
                    let (config, verifies) = choice.config(accepted.client_hello().server_name());
                    self.verifies = verifies;
                    accepted.into_connection(config)
                }
                Err(refused) => Err(refused),
            };
            match accepted {
                Ok(mut connection) => {
                    connection.set_buffer_limit(Some(TLS_UNSENT_BYTES_MAX));
                    self.state = State::Server(Box::new(connection));
                }
                Err((error, alert)) => {
                    self.state = State::Refused(alert);
                    return Err(TlsError::of_session(error));
                }
            }
        }
        let processed = match &mut self.state {
            State::Server(connection) => connection.process_new_packets(),
            State::Client(connection) => connection.process_new_packets(),
            State::Hello(..) | State::Refused(_) => return Ok(()),
        };
        processed.map(drop).map_err(TlsError::of_session)
    }

    /// Appends the plain text that is there; whether the peer has ended.
    fn take_plain(&mut self, plain: &mut Vec<u8>) -> io::Result<bool> {
        let mut reader = match &mut self.state {
            State::Server(connection) => connection.reader(),
            State::Client(connection) => connection.reader(),
            State::Hello(..) | State::Refused(_) => return Ok(false),
        };
        match reader.read_to_end(plain) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::net::Ipv4Addr;

    use super::super::testing::{Made, Maker};
    use super::super::{
        Authorities, ClientProfile, Clients, Credentials, NameMode, Protocol, ServerProfile,
        Versions,
    };
    use super::*;

    /// Bytes on their way; reading more than there are would block.
    #[derive(Default)]
    struct Wire(VecDeque<u8>);

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.0.read(buffer)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A client, a server and the wires between them.
    struct Pair {
        client: TlsSession,
        server: TlsSession,
        to_server: Wire,
        to_client: Wire,
        /// What each has received.
        received: [Vec<u8>; 2],
    }

    impl Pair {
        /// Sessions of these two about `name`.
        fn new(client: &TlsClient, server: &TlsServer, name: Option<&str>) -> Self {
            let peer = Ipv4Addr::new(192, 0, 2, 1).into();
            Self {
                client: TlsSession::connect(client, name, peer).unwrap(),
                server: TlsSession::accept(server),
                to_server: Wire::default(),
                to_client: Wire::default(),
                received: [Vec::new(), Vec::new()],
            }
        }

        /// Has both go on until nothing is on its way: what went wrong at the client, then at the
        /// server.
        fn settle(&mut self) -> [Option<String>; 2] {
            let mut errors = [None, None];
            let text = |error: io::Error| error.to_string();
            loop {
                self.client.flush(&mut self.to_server).unwrap();
                self.server.flush(&mut self.to_client).unwrap();
                if self.to_server.0.is_empty() && self.to_client.0.is_empty() {
                    return errors;
                }
                let [of_client, of_server] = &mut self.received;
                if let Err(error) = self.server.receive(&mut self.to_server, of_server) {
                    self.to_server.0.clear();
                    errors[1].get_or_insert_with(|| text(error));
                }
                if let Err(error) = self.client.receive(&mut self.to_client, of_client) {
                    self.to_client.0.clear();
                    errors[0].get_or_insert_with(|| text(error));
                }
            }
        }

        /// As [`Self::settle`], when nothing may go wrong.
        fn agree(mut self) -> Self {
            assert_eq!(self.settle(), [None, None]);
            assert!(!self.client.is_handshaking() && !self.server.is_handshaking());
            self
        }
    }

    /// What a certificate and its key prove.
    fn credentials(made: &Made) -> Credentials {
        Credentials::parse(made.certificate.as_bytes(), made.key.as_bytes()).unwrap()
    }

    /// A profile of a server with this certificate.
    fn profile(made: &Made) -> ServerProfile {
        let credentials = credentials(made);
        ServerProfile { credentials, protocol: Protocol::default(), clients: Clients::Anyone }
    }

    /// A server with this certificate.
    fn server(made: &Made) -> TlsServer {
        TlsServer::new(&profile(made), &profile(made), &[]).unwrap()
    }

    /// The authority of a maker.
    fn authorities(maker: &Maker) -> Authorities {
        let mut authorities = Authorities::default();
        authorities.add(maker.certificate.as_bytes()).unwrap();
        authorities
    }

    /// A client that believes this maker.
    fn client(maker: &Maker) -> TlsClient {
        let authorities = Some(authorities(maker));
        TlsClient::new(&ClientProfile { authorities, ..ClientProfile::default() }).unwrap()
    }

    /// The common name of the certificate that the client got.
    fn shown(pair: &Pair) -> String {
        let certificate = pair.client.peer_certificate().unwrap();
        CertificateFacts::parse(certificate).unwrap().subject
    }

    #[test]
    fn messages_go_both_ways() {
        let maker = Maker::new("A");
        let made = maker.certificate("a", &["proxy.example.com"]);
        let mut pair = Pair::new(&client(&maker), &server(&made), Some("proxy.example.com"));
        // Before the handshake: it waits inside.
        assert_eq!(pair.client.send(b"OPTIONS").unwrap(), 7);
        assert_eq!(pair.server.send(b"early").unwrap(), 0);
        let mut pair = pair.agree();
        assert_eq!(pair.received[1], b"OPTIONS");
        assert_eq!(pair.server.send(b"200 OK").unwrap(), 6);
        pair.settle();
        assert_eq!(pair.received[0], b"200 OK");
        let Security { version, cipher, cipher_bits, server_name, peer, is_verified } =
            pair.server.security().unwrap();
        assert_eq!((&*version, &*cipher), ("TLSv1.3", "TLS_AES_256_GCM_SHA384"));
        assert_eq!((cipher_bits, server_name.as_deref()), (256, Some("proxy.example.com")));
        assert_eq!((peer, is_verified), (None, false));
        let security = pair.client.security().unwrap();
        assert_eq!((security.peer.unwrap().subject, security.is_verified), ("a".to_owned(), true));
        pair.client.close();
        pair.client.flush(&mut pair.to_server).unwrap();
        let end = pair.server.receive(&mut pair.to_server, &mut pair.received[1]).unwrap();
        assert_eq!(end, TlsReception::End);
    }

    #[test]
    fn both_versions_are_spoken_and_the_profile_may_choose() {
        let maker = Maker::new("A");
        let made = maker.certificate("a", &["a.example.com"]);
        for (versions, expected) in [
            (Versions::Only12, "TLSv1.2"),
            (Versions::Only13, "TLSv1.3"),
            (Versions::All, "TLSv1.3"),
        ] {
            let protocol = Protocol { versions, ..Protocol::default() };
            let profile = ServerProfile { protocol, ..profile(&made) };
            let server = TlsServer::new(&profile, &profile, &[]).unwrap();
            let pair = Pair::new(&client(&maker), &server, Some("a.example.com")).agree();
            assert_eq!(pair.client.security().unwrap().version, expected);
        }
        let of = |versions| Protocol { versions, ..Protocol::default() };
        let profile12 = ServerProfile { protocol: of(Versions::Only12), ..profile(&made) };
        let client13 = ClientProfile { protocol: of(Versions::Only13), ..ClientProfile::default() };
        let (client, server) = (
            TlsClient::new(&client13).unwrap(),
            TlsServer::new(&profile12, &profile12, &[]).unwrap(),
        );
        let errors = Pair::new(&client, &server, None).settle();
        assert!(errors.iter().all(Option::is_some), "{errors:?}");
    }

    #[test]
    fn the_name_that_a_client_asks_for_chooses_the_certificate() {
        let maker = Maker::new("A");
        let made = |name: &str| maker.certificate(name, &[name]);
        let of = |name: &str, mode| {
            (name.trim_start_matches("x.").to_owned(), mode, profile(&made(name)))
        };
        let server = TlsServer::new(
            &profile(&made("default.example.com")),
            &profile(&made("nameless.example.com")),
            &[
                of("one.example.com", NameMode::Exact),
                of("x.two.example.com", NameMode::Subdomains),
                of("three.example.com", NameMode::WithSubdomains),
            ],
        )
        .unwrap();
        let anybody = TlsClient::new(&ClientProfile::default()).unwrap();
        for (asked, expected) in [
            (Some("one.example.com"), "one.example.com"),
            (Some("ONE.example.com"), "one.example.com"),
            (Some("x.one.example.com"), "default.example.com"),
            (Some("y.two.example.com"), "x.two.example.com"),
            (Some("two.example.com"), "default.example.com"),
            (Some("three.example.com"), "three.example.com"),
            (Some("b.three.example.com"), "three.example.com"),
            (Some("notthree.example.com"), "default.example.com"),
            (None, "nameless.example.com"),
        ] {
            let pair = Pair::new(&anybody, &server, asked).agree();
            assert_eq!(shown(&pair), expected, "{asked:?}");
        }
    }

    #[test]
    fn a_server_has_to_prove_the_name_of_the_next_hop() {
        let maker = Maker::new("A");
        for (alternatives, name, is_good) in [
            (&["proxy.example.com"][..], Some("proxy.example.com"), true),
            (&["proxy.example.com"], Some("PROXY.example.com."), true),
            (&["proxy.example.com"], Some("other.example.com"), false),
            (&["*.example.com"], Some("proxy.example.com"), true),
            (&["192.0.2.1"], None, true),
            (&["192.0.2.1"], Some("192.0.2.1"), true),
            (&["2001:db8::1"], Some("[2001:db8::1]"), true),
            (&["192.0.2.2"], None, false),
            // RFC 5922 §7.1: the domain of a SIP URI.
            (&["sip:example.com"], Some("example.com"), true),
            (&["SIPS:EXAMPLE.com"], Some("example.com"), true),
            (&["sip:someone@example.com"], Some("example.com"), false),
            (&["http:example.com"], Some("example.com"), false),
            (&["sip:example.com", "proxy.example.com"], Some("example.com"), true),
        ] {
            let made = maker.certificate("example.com", alternatives);
            let mut pair = Pair::new(&client(&maker), &server(&made), name);
            let errors = pair.settle();
            assert_eq!(errors == [None, None], is_good, "{alternatives:?} {name:?} {errors:?}");
        }
    }

    #[test]
    fn a_certificate_of_somebody_else_is_refused() {
        let (maker, other) = (Maker::new("A"), Maker::new("A"));
        let made = other.certificate("a", &["a.example.com", "sip:b.example.com"]);
        for name in ["a.example.com", "b.example.com"] {
            let [of_client, of_server] =
                Pair::new(&client(&maker), &server(&made), Some(name)).settle();
            assert!(of_client.unwrap().contains("certificate"), "the client says why");
            assert!(of_server.unwrap().contains("alert"), "the server is told");
        }
        let anybody = TlsClient::new(&ClientProfile::default()).unwrap();
        Pair::new(&anybody, &server(&made), Some("c.example.com")).agree();
        let authorities = Some(Authorities::default());
        let nobody = ClientProfile { authorities, ..ClientProfile::default() };
        let nobody = TlsClient::new(&nobody).unwrap();
        assert!(Pair::new(&nobody, &server(&made), None).settle()[0].is_some());
    }

    #[test]
    fn the_profile_may_say_whom_servers_have_to_be() {
        let maker = Maker::new("A");
        let made = maker.certificate("a", &["trunk.example.com"]);
        let profile = ClientProfile {
            authorities: Some(authorities(&maker)),
            server_name: Some("trunk.example.com".to_owned()),
            ..ClientProfile::default()
        };
        let pair = Pair::new(&TlsClient::new(&profile).unwrap(), &server(&made), None).agree();
        assert_eq!(shown(&pair), "a");
        let profile = ClientProfile { server_name: Some("a b".to_owned()), ..profile };
        let error = TlsClient::new(&profile).unwrap_err().to_string();
        assert_eq!(error, "`a b` is no name that a certificate can have");
    }

    #[test]
    fn clients_prove_what_the_profile_asks() {
        let (maker, other) = (Maker::new("A"), Maker::new("B"));
        let made = maker.certificate("server", &["a.example.com"]);
        let of = |maker: &Maker| Some(credentials(&maker.certificate("client", &["c"])));
        let ours = || Clients::MustProve(authorities(&maker));
        let maybe = || Clients::MayProve(authorities(&maker));
        for (clients, credentials, is_good) in [
            (Clients::Anyone, None, true),
            (Clients::Anyone, of(&other), true),
            (ours(), of(&maker), true),
            (ours(), None, false),
            (ours(), of(&other), false),
            (maybe(), of(&maker), true),
            (maybe(), None, true),
            (maybe(), of(&other), false),
            (Clients::MayShow, of(&other), true),
            (Clients::MayShow, None, true),
            (Clients::MustProve(Authorities::default()), of(&maker), false),
            (Clients::MustProve(Authorities::default()), None, false),
            (Clients::MayProve(Authorities::default()), of(&maker), false),
            (Clients::MayProve(Authorities::default()), None, true),
        ] {
            let has_shown = credentials.is_some() && !matches!(clients, Clients::Anyone);
            let case = format!("{clients:?}");
            let verifies = matches!(clients, Clients::MayProve(_) | Clients::MustProve(_));
            let profile = ServerProfile { clients, ..profile(&made) };
            let server = TlsServer::new(&profile, &profile, &[]).unwrap();
            let client = ClientProfile {
                credentials,
                authorities: Some(authorities(&maker)),
                ..ClientProfile::default()
            };
            let client = TlsClient::new(&client).unwrap();
            let mut pair = Pair::new(&client, &server, Some("a.example.com"));
            let [_, of_server] = pair.settle();
            assert_eq!(of_server.is_none(), is_good, "{case}: {of_server:?}");
            if is_good {
                let Security { peer, is_verified, .. } = pair.server.security().unwrap();
                assert_eq!(peer.is_some(), has_shown, "{case}");
                assert_eq!(is_verified, has_shown && verifies, "{case}");
            }
        }
    }

    #[test]
    fn what_was_revoked_proves_nothing_any_more() {
        let maker = Maker::new("A");
        let [good, bad] = ["good", "bad"].map(|name| maker.certificate(name, &["a.example.com"]));
        let mut authorities = authorities(&maker);
        authorities.revoke(maker.revocations(&[&bad]).as_bytes()).unwrap();
        for (made, is_good) in [(&good, true), (&bad, false)] {
            let clients = Clients::MustProve(authorities.clone());
            let asking = ServerProfile { clients, ..profile(&good) };
            let asking = TlsServer::new(&asking, &asking, &[]).unwrap();
            let mut own = ClientProfile { credentials: Some(credentials(made)), ..<_>::default() };
            let [_, of_server] = Pair::new(&TlsClient::new(&own).unwrap(), &asking, None).settle();
            assert_eq!(of_server.is_none(), is_good, "{of_server:?}");
            own.authorities = Some(authorities.clone());
            let client = TlsClient::new(&own).unwrap();
            let [of_client, _] = Pair::new(&client, &server(made), Some("a.example.com")).settle();
            assert_eq!(of_client.is_none(), is_good, "{of_client:?}");
        }
        assert!(authorities.revoke(good.certificate.as_bytes()).is_err());
    }

    #[test]
    fn the_second_session_with_a_server_is_resumed_and_none_after_renewal() {
        let maker = Maker::new("A");
        let made = maker.certificate("a", &["a.example.com"]);
        for versions in [Versions::Only12, Versions::Only13] {
            let protocol = Protocol { versions, ..Protocol::default() };
            let profile = ServerProfile { protocol, ..profile(&made) };
            let (client, server) =
                (client(&maker), TlsServer::new(&profile, &profile, &[]).unwrap());
            let is_resumed = |server: &TlsServer| {
                let pair = Pair::new(&client, server, Some("a.example.com")).agree();
                assert_eq!(pair.client.is_resumed(), pair.server.is_resumed());
                pair.server.is_resumed()
            };
            assert!(!is_resumed(&server), "{versions:?}");
            assert!(is_resumed(&server), "{versions:?}");
            let renewed = TlsServer::new(&profile, &profile, &[]).unwrap();
            assert!(!is_resumed(&renewed), "{versions:?}");
        }
    }

    #[test]
    fn garbage_is_refused_with_an_alert() {
        let made = Maker::new("A").certificate("a", &["a.example.com"]);
        for garbage in [&b"OPTIONS sip:example.com SIP/2.0\r\n\r\n"[..], &[0; 40], &[0x16; 2_000]] {
            let mut session = TlsSession::accept(&server(&made));
            let mut wire = Wire(garbage.iter().copied().collect());
            let error = session.receive(&mut wire, &mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            let mut answer = Wire::default();
            assert!(session.flush(&mut answer).unwrap());
            assert_eq!(answer.0.front(), Some(&0x15), "an alert");
            assert!(session.send(b"x").is_err());
        }
    }

    #[test]
    fn a_handshake_has_an_end() {
        let made = Maker::new("A").certificate("a", &["a.example.com"]);
        let mut session = TlsSession::accept(&server(&made));
        // A Client Hello that announces the largest length, and goes on and on.
        let mut sent = 0;
        let mut record = vec![0x16, 3, 1, 0x40, 0];
        record.resize(5 + 0x4000, 0);
        record[5..9].copy_from_slice(&[1, 0xff, 0xff, 0xff]);
        loop {
            let mut wire = Wire(record.iter().copied().collect());
            sent += record.len();
            if session.receive(&mut wire, &mut Vec::new()).is_err() {
                break;
            }
            record[5..9].fill(0);
            assert!(sent < 2 * TLS_HANDSHAKE_BYTES_MAX);
        }
    }

    #[test]
    fn what_waits_inside_is_bounded() {
        let maker = Maker::new("A");
        let made = maker.certificate("a", &["a.example.com"]);
        let pair = Pair::new(&client(&maker), &server(&made), Some("a.example.com"));
        let mut pair = pair.agree();
        let much = vec![b'x'; 1 << 20];
        let taken = pair.server.send(&much).unwrap();
        assert!((1..=TLS_UNSENT_BYTES_MAX).contains(&taken), "{taken}");
        assert_eq!(pair.server.send(&much).unwrap(), 0);
        pair.settle();
        assert_eq!(pair.received[0].len(), taken);
        assert!(pair.server.send(&much).unwrap() > 0, "there is room again");
    }

    #[test]
    fn what_is_changed_on_its_way_ends_the_session() {
        let maker = Maker::new("A");
        let made = maker.certificate("a", &["a.example.com"]);
        let pair = Pair::new(&client(&maker), &server(&made), Some("a.example.com"));
        let mut pair = pair.agree();
        pair.client.send(b"OPTIONS").unwrap();
        pair.client.flush(&mut pair.to_server).unwrap();
        *pair.to_server.0.back_mut().unwrap() ^= 1;
        let [_, of_server] = pair.settle();
        assert!(of_server.is_some());
        assert_eq!(pair.received[1], b"");
    }
}
