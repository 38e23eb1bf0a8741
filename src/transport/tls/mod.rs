//! TLS as a transform of bytes: what a connection reads from its socket goes in, what it has for
//! the core comes out, and the other way round. No socket and no thread is here.
//!
//! ```text
//! Credentials, Authorities ─▶ ServerProfile ─▶ TlsServer ─ TlsSession::accept ┐
//!  (certificates and keys)    ClientProfile ─▶ TlsClient ─ TlsSession::connect ┤
//!                                                                             ▼
//!                  socket ─ receive ─▶ plain text      plain text ─ send, flush ─▶ socket
//! ```

mod authorities;
mod certificate;
mod client;
mod contexts;
mod credentials;
mod error;
mod protocol;
mod server;
mod session;
#[cfg(test)]
pub(crate) mod testing;

pub use crate::connections::CertificateFacts;
pub use authorities::Authorities;
pub use client::{ClientProfile, TlsClient};
pub use contexts::{ClientScope, ServerScope, TlsContexts};
pub use credentials::Credentials;
pub use error::TlsError;
pub use protocol::{Protocol, Suites, Versions};
pub use server::{Clients, NameMode, ServerProfile, TlsServer};
pub use session::{TlsReception, TlsSession};
