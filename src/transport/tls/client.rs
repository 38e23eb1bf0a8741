//! Our side of sessions that we open: who the next hop has to be.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use super::{Authorities, Credentials, Protocol, TlsError};

/// How sessions are opened.
#[derive(Clone, Debug, Default)]
pub struct ClientProfile {
    /// What we prove, if we are asked.
    pub credentials: Option<Credentials>,
    /// How is spoken.
    pub protocol: Protocol,
    /// Whose certificates are believed; none: servers are not verified.
    pub authorities: Option<Authorities>,
    /// The name that servers have to prove, instead of that of the next hop.
    pub server_name: Option<String>,
}

/// Our side of sessions that we open.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
    /// Whether servers have to prove something.
    verifies: bool,
}

impl TlsClient {
    /// A client that opens sessions so.
    ///
    /// # Errors
    ///
    /// When the profile cannot be used.
    pub fn new(profile: &ClientProfile) -> Result<Self, TlsError> {
        let ClientProfile { credentials, protocol, authorities, server_name } = profile;
        let server_name = server_name.as_deref().map(parse_name).transpose()?;
        let provider = protocol.provider();
        let verifier: Arc<dyn ServerCertVerifier> = match authorities {
            Some(authorities) => match authorities.roots() {
                Some(roots) => Arc::new(NextHop::new(roots, authorities, &provider)?),
                None => Arc::new(Unverified::new(&provider, Verdict::Refused)),
            },
            None => Arc::new(Unverified::new(&provider, Verdict::Taken)),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(protocol.versions.list())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match credentials {
            Some(credentials) => builder.with_client_cert_resolver(Arc::new(
                SingleCertAndKey::from(Arc::clone(&credentials.key)),
            )),
            None => builder.with_no_client_auth(),
        };
        Ok(Self { config: Arc::new(config), server_name, verifies: authorities.is_some() })
    }

    /// Whether servers have to prove something.
    pub(super) const fn verifies(&self) -> bool {
        self.verifies
    }

    /// Whether servers have to prove names, each its own.
    #[must_use]
    pub const fn verifies_names(&self) -> bool {
        self.verifies && self.server_name.is_none()
    }

    /// The library's form of it.
    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The name that a server has to prove: that of the profile, that of the next hop, or its
    /// address.
    pub(super) fn name_of(
        &self,
        name: Option<&str>,
        peer: IpAddr,
    ) -> Result<ServerName<'static>, TlsError> {
        match (&self.server_name, name) {
            (Some(own), _) => Ok(own.clone()),
            (None, Some(name)) => parse_name(name),
            (None, None) => Ok(ServerName::from(peer)),
        }
    }
}

/// A host, an IPv6 address in brackets, as the library wants it.
fn parse_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare).to_owned();
    ServerName::try_from(bare).map_err(|_| TlsError::Name(host.to_owned()))
}

/// Verifies that a certificate is of one of our authorities, and for the next hop: a DNS name or
/// an address, or a SIP URI with no more than a domain (RFC 5922 §7.1).
#[derive(Debug)]
struct NextHop {
    chain: Arc<WebPkiServerVerifier>,
}

impl NextHop {
    /// Of one of these authorities.
    fn new(
        roots: Arc<RootCertStore>,
        authorities: &Authorities,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let chain = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .with_crls(authorities.revocations.clone())
            .build()
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        Ok(Self { chain })
    }
}

impl ServerCertVerifier for NextHop {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.chain.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // The name is looked at last: all else is good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if has_sip_domain(end_entity, &server_name.to_str()) => {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Whether a certificate has the identity `sip:domain`, or `sips:domain`, without a user.
fn has_sip_domain(certificate: &CertificateDer<'_>, domain: &str) -> bool {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else { return false };
    let mut names = certificate.valid_uri_names();
    names.any(|uri| {
        let Some((scheme, rest)) = uri.split_once(':') else { return false };
        let is_sip = scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips");
        is_sip && rest.eq_ignore_ascii_case(domain)
    })
}

/// Asks no authority: takes every certificate, so that whoever has its key may be anybody, or
/// none.
#[derive(Debug)]
pub(super) struct Unverified {
    algorithms: WebPkiSupportedAlgorithms,
    verdict: Verdict,
}

/// What becomes of certificates that no authority is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Each is taken, and none from a client is, too.
    Taken,
    /// Each is refused; a client may show none.
    RefusedIfShown,
    /// Each is refused, and a client must show one.
    Refused,
}

impl Verdict {
    /// Whether a certificate is taken.
    fn take<T>(self, taken: T) -> Result<T, Error> {
        match self {
            Self::Taken => Ok(taken),
            Self::RefusedIfShown | Self::Refused => Err(CertificateError::UnknownIssuer.into()),
        }
    }
}

impl Unverified {
    /// With the signatures that are known.
    pub(super) fn new(provider: &CryptoProvider, verdict: Verdict) -> Self {
        Self { algorithms: provider.signature_verification_algorithms, verdict }
    }

    /// Whether the peer has the key of its certificate, in TLS 1.2.
    fn has_key12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    /// Whether the peer has the key of its certificate, in TLS 1.3.
    fn has_key13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verdict.take(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_key12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_key13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Unverified {
    fn client_auth_mandatory(&self) -> bool {
        self.verdict == Verdict::Refused
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verdict.take(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_key12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.has_key13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
