//! All that connections need to speak TLS, by their addresses.

use std::net::SocketAddr;

use super::{CertificateFacts, TlsClient, TlsServer};

/// Which listeners a [`TlsServer`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerScope {
    /// Those that have none of their own.
    Default,
    /// The one at that address.
    Listener(SocketAddr),
}

/// Which peers a [`TlsClient`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientScope {
    /// Those that have none of their own.
    Default,
    /// The one at that address.
    Peer(SocketAddr),
}

/// All that connections need to speak TLS. It is replaced as a whole when it is read again; what
/// was opened before goes on as it began.
#[derive(Debug, Default)]
pub struct TlsContexts {
    servers: Vec<(ServerScope, TlsServer)>,
    clients: Vec<(ClientScope, TlsClient)>,
    certificates: Vec<(String, CertificateFacts)>,
}

impl TlsContexts {
    /// With these, and the certificates they show, each with the name of its file.
    #[must_use]
    pub const fn new(
        servers: Vec<(ServerScope, TlsServer)>,
        clients: Vec<(ClientScope, TlsClient)>,
        certificates: Vec<(String, CertificateFacts)>,
    ) -> Self {
        Self { servers, clients, certificates }
    }

    /// For sessions that come to this listener.
    #[must_use]
    pub fn server(&self, listener: SocketAddr) -> Option<&TlsServer> {
        let of = |wanted| self.servers.iter().find(|(scope, _)| *scope == wanted);
        let found = of(ServerScope::Listener(listener)).or_else(|| of(ServerScope::Default));
        found.map(|(_, server)| server)
    }

    /// For sessions with this peer.
    #[must_use]
    pub fn client(&self, peer: SocketAddr) -> Option<&TlsClient> {
        let of = |wanted| self.clients.iter().find(|(scope, _)| *scope == wanted);
        let found = of(ClientScope::Peer(peer)).or_else(|| of(ClientScope::Default));
        found.map(|(_, client)| client)
    }

    /// The certificates that are shown, each with the name of its file.
    #[must_use]
    pub fn certificates(&self) -> &[(String, CertificateFacts)] {
        &self.certificates
    }
}
