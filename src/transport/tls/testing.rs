//! Certificates made for a test.

use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

/// An authority of a test's own.
pub(crate) struct Maker {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, as PEM.
    pub(crate) certificate: String,
}

/// A certificate that it made, as PEM, its key, and its DER.
pub(crate) struct Made {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) der: Vec<u8>,
}

impl Maker {
    /// An authority of that name.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate for a common name with these alternative names: DNS names, addresses, URIs.
    pub(crate) fn certificate(&self, name: &str, alternatives: &[&str]) -> Made {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let alternative = |text: &&str| {
            let ia5 = || Ia5String::try_from(*text).unwrap();
            match text.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) if text.contains(':') => SanType::URI(ia5()),
                Err(_) => SanType::DnsName(ia5()),
            }
        };
        params.subject_alt_names = alternatives.iter().map(alternative).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Made {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().to_vec(),
        }
    }
}
