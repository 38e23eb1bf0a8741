//! Certificates made for a test.

use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber, date_time_ymd,
};

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
    serial: SerialNumber,
}

impl Maker {
    /// An authority of that name.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A list of revoked certificates with these, as PEM.
    pub(crate) fn revocations(&self, revoked: &[&Made]) -> String {
        let revoked = revoked.iter().map(|made| RevokedCertParams {
            serial_number: made.serial.clone(),
            revocation_time: date_time_ymd(2_000, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2_000, 1, 1),
            next_update: date_time_ymd(4_000, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// A certificate for a common name with these alternative names: DNS names, addresses, URIs.
    pub(crate) fn certificate(&self, name: &str, alternatives: &[&str]) -> Made {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let alternative = |text: &&str| {
            let ia5 = || Ia5String::try_from(*text).unwrap();
            match text.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) if text.contains(':') => SanType::URI(ia5()),
                Err(_) => SanType::DnsName(ia5()),
            }
        };
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let serial = SerialNumber::from(NEXT.fetch_add(1, Ordering::Relaxed));
        params.serial_number = Some(serial.clone());
        params.subject_alt_names = alternatives.iter().map(alternative).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Made {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().to_vec(),
            serial,
        }
    }
}
