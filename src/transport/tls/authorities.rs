//! Whose certificates are believed.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;

use super::TlsError;
use super::credentials::{certificates, of_pem};

/// Certificates of authorities (`ca_list`), and what they have revoked (`crl`). Where there are
/// none, nobody can prove anything.
#[derive(Clone, Debug)]
pub struct Authorities {
    roots: RootCertStore,
    pub(super) revocations: Vec<CertificateRevocationListDer<'static>>,
}

impl Default for Authorities {
    fn default() -> Self {
        Self { roots: RootCertStore::empty(), revocations: Vec::new() }
    }
}

impl Authorities {
    /// Adds the certificates of a text.
    ///
    /// # Errors
    ///
    /// When it has none or one that cannot be used.
    pub fn add(&mut self, text: &[u8]) -> Result<(), TlsError> {
        for certificate in certificates(text)? {
            let added = self.roots.add(certificate);
            added.map_err(|error| TlsError::Unusable(error.to_string()))?;
        }
        Ok(())
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

    /// The certificates, as the library wants them; none if there are none.
    pub(super) fn roots(&self) -> Option<Arc<RootCertStore>> {
        (!self.roots.is_empty()).then(|| Arc::new(self.roots.clone()))
    }
}
