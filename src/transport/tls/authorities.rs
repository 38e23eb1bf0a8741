//! Whose certificates are believed.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;

use super::TlsError;
use super::credentials::{certificates, of_pem};

/// Certificates of authorities (`ca_list`), and what they have revoked (`crl`).
#[derive(Clone, Debug)]
pub struct Authorities {
    pub(super) roots: Arc<RootCertStore>,
    pub(super) revocations: Vec<CertificateRevocationListDer<'static>>,
}

impl Authorities {
    /// Reads the texts of files of certificates: each file has one at least.
    ///
    /// # Errors
    ///
    /// When one of them has none or one that cannot be used.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for text in texts {
            for certificate in certificates(text)? {
                let added = roots.add(certificate);
                added.map_err(|error| TlsError::Unusable(error.to_string()))?;
            }
        }
        Ok(Self { roots: Arc::new(roots), revocations: Vec::new() })
    }

    /// Adds the lists of revoked certificates that a text has.
    ///
    /// # Errors
    ///
    /// When it has none.
    pub fn revoke(&mut self, text: &[u8]) -> Result<(), TlsError> {
        let before = self.revocations.len();
        for list in CertificateRevocationListDer::pem_slice_iter(text) {
            self.revocations.push(list.map_err(of_pem)?);
        }
        if self.revocations.len() == before { Err(TlsError::NoRevocations) } else { Ok(()) }
    }
}
