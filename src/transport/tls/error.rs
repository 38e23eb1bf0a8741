//! Why there is no TLS.

use std::io;

use thiserror::Error;

/// Why a certificate, a context or a session cannot be had.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file of certificates has none.
    #[error("there is no certificate (`-----BEGIN CERTIFICATE-----`) in it")]
    NoCertificate,
    /// A file that is to have a key has none.
    #[error("there is no private key (`-----BEGIN PRIVATE KEY-----`) in it")]
    NoKey,
    /// The key can only be read by who knows its password, and nobody is there to ask.
    #[error(
        "the private key is encrypted; `openssl pkey -in FILE -out NEW` takes its password off"
    )]
    EncryptedKey,
    /// The key belongs to another certificate.
    #[error("certificate and private key do not belong together")]
    Mismatch,
    /// A file of revoked certificates has no list of them.
    #[error("there is no list of revoked certificates (`-----BEGIN X509 CRL-----`) in it")]
    NoRevocations,
    /// The text around the base64 is broken.
    #[error("it is no PEM file: {0}")]
    Pem(String),
    /// It is no certificate, key or list that can be used.
    #[error("it cannot be used: {0}")]
    Unusable(String),
    /// The name of the next hop cannot be in a certificate.
    #[error("`{0}` is no name that a certificate can have")]
    Name(String),
    /// The peer does not keep to the protocol, or does not prove who it is.
    #[error(transparent)]
    Session(#[from] rustls::Error),
}

impl TlsError {
    /// The error of a session as one of its connection.
    pub(super) fn of_session(error: rustls::Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Self::Session(error))
    }
}
