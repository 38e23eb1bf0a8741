//! A certificate with its chain and its private key.

use std::sync::Arc;

use rustls::InconsistentKeys;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::protocol::provider;
use super::{CertificateFacts, TlsError};

/// A certificate with its chain and its private key: what proves who we are.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(super) key: Arc<CertifiedKey>,
    facts: CertificateFacts,
}

impl Credentials {
    /// Reads the text of a certificate file, its own certificate first, and that of a key file.
    /// They may be one file.
    ///
    /// # Errors
    ///
    /// When one of them is missing or cannot be used, or they do not belong together.
    pub fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<CertificateDer<'static>> = certificates(certificate)?;
        let facts = chain.first().and_then(|first| CertificateFacts::parse(first));
        let facts = facts.ok_or_else(|| TlsError::Unusable("it is no certificate".to_owned()))?;
        let key = parse_key(key)?;
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
            error => TlsError::Unusable(error.to_string()),
        })?;
        Ok(Self { key: Arc::new(key), facts })
    }

    /// What is told of the certificate.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }
}

/// The certificates of a PEM file, in its order.
pub(super) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(of_pem)?;
    if certificates.is_empty() { Err(TlsError::NoCertificate) } else { Ok(certificates) }
}

/// The first private key of a PEM file.
fn parse_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    let is_encrypted = || {
        [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"]
            .iter()
            .any(|mark| memchr::memmem::find(text, mark).is_some())
    };
    match PrivateKeyDer::from_pem_slice(text) {
        _ if is_encrypted() => Err(TlsError::EncryptedKey),
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(TlsError::NoKey),
        Err(error) => Err(of_pem(error)),
    }
}

/// The error of a text that is no PEM.
pub(super) fn of_pem(error: pem::Error) -> TlsError {
    TlsError::Pem(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Maker;
    use super::*;

    /// What is wrong with these two files.
    fn error(certificate: &str, key: &str) -> String {
        Credentials::parse(certificate.as_bytes(), key.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn certificate_and_key_may_be_in_one_file() {
        let made = Maker::new("A").certificate("a", &["a.example.com"]);
        let both = format!("{}{}", made.certificate, made.key);
        let credentials = Credentials::parse(both.as_bytes(), both.as_bytes()).unwrap();
        assert_eq!(credentials.facts().subject, "a");
    }

    #[test]
    fn what_is_wrong_with_files_is_told() {
        let maker = Maker::new("A");
        let (made, other) = (maker.certificate("a", &["a"]), maker.certificate("b", &["b"]));
        let mismatch = "certificate and private key do not belong together";
        assert_eq!(error(&made.certificate, &other.key), mismatch);
        assert!(error("", &made.key).starts_with("there is no certificate"));
        assert!(error(&made.key, &made.key).starts_with("there is no certificate"));
        assert!(error(&made.certificate, &made.certificate).starts_with("there is no private key"));
        let encrypted = made.key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        assert!(error(&made.certificate, &encrypted).starts_with("the private key is encrypted"));
        let cut = &made.certificate[..made.certificate.len() / 2];
        assert!(
            error(cut, &made.key).starts_with("it is no PEM file"),
            "{}",
            error(cut, &made.key)
        );
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(error(garbage, &made.key), "it cannot be used: it is no certificate");
    }
}
