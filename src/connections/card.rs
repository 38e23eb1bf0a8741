//! What is known of a connection by others than its worker.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::protocol::Transport;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ConnectionState {
    /// It is being opened.
    Connecting,
    /// Messages come and go.
    Open,
    /// What is queued is written, nothing is read any more.
    Closing,
    /// All is written; what still comes is thrown away until the peer has closed.
    Ending,
}

/// What TLS has agreed, and the peer has proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// The version: `TLSv1.3`.
    pub version: String,
    /// The cipher suite, as OpenSSL names it: `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// Bits of its key.
    pub cipher_bits: u16,
    /// The name that the client has asked for.
    pub server_name: Option<String>,
    /// The certificate that the peer has shown.
    pub peer: Option<CertificateFacts>,
    /// Whether that was verified.
    pub is_verified: bool,
}

/// What is told of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The common name of whom it is for; empty if there is none.
    pub subject: String,
    /// The common name of who made it; empty if there is none.
    pub issuer: String,
    /// Its number, in hexadecimal.
    pub serial: String,
    /// When it begins to hold (seconds since 1970).
    pub not_before_seconds: u64,
    /// When it ends to hold (seconds since 1970).
    pub not_after_seconds: u64,
}

/// What is known of a connection by others than its worker, which writes it.
#[derive(Debug)]
pub struct Card {
    /// Its number, in the order in which connections were accepted or opened.
    pub number: u64,
    /// The transport.
    pub transport: Transport,
    /// The address of the peer.
    pub peer: SocketAddr,
    /// Our address.
    pub local: SocketAddr,
    /// The name that the peer has to prove for requests to it, if it is more than its address.
    pub name: Option<Box<str>>,
    /// What TLS has agreed.
    security: OnceLock<Box<Security>>,
    state: AtomicU8,
    active_ms: AtomicU64,
}

impl Card {
    /// The card of a connection that was accepted or is being opened at that time.
    #[must_use]
    pub const fn new(
        number: u64,
        transport: Transport,
        (peer, local): (SocketAddr, SocketAddr),
        state: ConnectionState,
        now_ms: u64,
    ) -> Self {
        Self {
            number,
            transport,
            peer,
            local,
            name: None,
            security: OnceLock::new(),
            state: AtomicU8::new(state as u8),
            active_ms: AtomicU64::new(now_ms),
        }
    }

    /// The card of a connection to who has to prove that name.
    #[must_use]
    pub fn for_name(self, name: Option<&str>) -> Self {
        Self { name: name.map(Into::into), ..self }
    }

    /// Whether it may be used for a request to that name, or to nobody in particular.
    #[must_use]
    pub fn is_for(&self, name: Option<&str>) -> bool {
        name.is_none_or(|name| {
            self.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
        })
    }

    /// What TLS has agreed, once it has.
    #[must_use]
    pub fn security(&self) -> Option<&Security> {
        self.security.get().map(AsRef::as_ref)
    }

    /// Notes what TLS has agreed.
    pub fn set_security(&self, security: Security) {
        // It is agreed once.
        let _ = self.security.set(Box::new(security));
    }

    /// How far it is.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        use ConnectionState::{Closing, Connecting, Ending, Open};
        let value = self.state.load(Ordering::Relaxed);
        let states = [Connecting, Open, Closing, Ending];
        states.into_iter().find(|state| *state as u8 == value).unwrap_or(Ending)
    }

    /// Notes how far it is.
    pub fn set_state(&self, state: ConnectionState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// When something came or went last, in milliseconds of the monotonic clock.
    #[must_use]
    pub fn active_ms(&self) -> u64 {
        self.active_ms.load(Ordering::Relaxed)
    }

    /// Notes that something comes or goes.
    pub fn set_active(&self, now_ms: u64) {
        self.active_ms.store(now_ms, Ordering::Relaxed);
    }
}
