//! Our side of sessions that others open.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::Ticketer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;

use super::client::{Unverified, Verdict};
use super::{Authorities, Credentials, Protocol, TlsError};

/// What clients have to prove.
#[derive(Clone, Debug, Default)]
pub enum Clients {
    /// Nothing: they are not asked.
    #[default]
    Anyone,
    /// They may show a certificate, which is not verified.
    MayShow,
    /// If they show a certificate, it must be one of these authorities.
    MayProve(Authorities),
    /// They must show a certificate of one of these authorities.
    MustProve(Authorities),
}

/// How sessions are accepted.
#[derive(Clone, Debug)]
pub struct ServerProfile {
    /// What we prove.
    pub credentials: Credentials,
    /// How is spoken.
    pub protocol: Protocol,
    /// What clients have to prove.
    pub clients: Clients,
}

/// Which names a profile is for, if it is for a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameMode {
    /// That name.
    #[default]
    Exact,
    /// That name and all below it.
    WithSubdomains,
    /// All below that name.
    Subdomains,
}

/// One listener's side of sessions: which certificate is shown depends on the name that a client
/// asks for (RFC 6066 §3).
#[derive(Clone, Debug)]
pub struct TlsServer {
    choice: Arc<Choice>,
}

/// What there is to choose from.
#[derive(Debug)]
pub(super) struct Choice {
    /// For clients that ask for another name.
    default: Chosen,
    /// For clients that ask for none.
    nameless: Chosen,
    named: Vec<(String, NameMode, Chosen)>,
}

/// A configuration, and whether certificates of clients are verified by it.
type Chosen = (Arc<ServerConfig>, bool);

impl TlsServer {
    /// A server with a profile for clients that ask for a name that is none of these, one for
    /// clients that ask for none, and some for names, of which the first one that fits decides.
    ///
    /// # Errors
    ///
    /// When a profile cannot be used.
    pub fn new(
        default: &ServerProfile,
        nameless: &ServerProfile,
        named: &[(String, NameMode, ServerProfile)],
    ) -> Result<Self, TlsError> {
        let named = named.iter().map(|(name, mode, profile)| {
            Ok((name.to_ascii_lowercase(), *mode, server_config(profile)?))
        });
        let named = named.collect::<Result<_, TlsError>>()?;
        let (default, nameless) = (server_config(default)?, server_config(nameless)?);
        Ok(Self { choice: Arc::new(Choice { default, nameless, named }) })
    }

    /// What there is to choose from.
    pub(super) fn choice(&self) -> Arc<Choice> {
        Arc::clone(&self.choice)
    }
}

impl Choice {
    /// The configuration for a client that asks for this name.
    pub(super) fn config(&self, name: Option<&str>) -> Chosen {
        let Some(name) = name.map(str::to_ascii_lowercase) else { return self.nameless.clone() };
        let fits = |(own, mode, _): &&(String, NameMode, Chosen)| is_for(own, *mode, &name);
        self.named.iter().find(fits).map_or(&self.default, |(_, _, chosen)| chosen).clone()
    }
}

/// Whether a profile for `own` is for `name`.
fn is_for(own: &str, mode: NameMode, name: &str) -> bool {
    let is_below =
        || name.strip_suffix(own).is_some_and(|front| front.len() > 1 && front.ends_with('.'));
    match mode {
        NameMode::Exact => name == own,
        NameMode::WithSubdomains => name == own || is_below(),
        NameMode::Subdomains => is_below(),
    }
}

/// The library's form of a profile. Sessions are resumed by tickets, of which nothing is kept here.
fn server_config(profile: &ServerProfile) -> Result<Chosen, TlsError> {
    let ServerProfile { credentials, protocol, clients } = profile;
    let provider = protocol.provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(protocol.versions.list())?;
    let verifier: Arc<dyn ClientCertVerifier> = match clients {
        Clients::Anyone => WebPkiClientVerifier::no_client_auth(),
        Clients::MayShow => Arc::new(Unverified::new(&provider, Verdict::Taken)),
        Clients::MayProve(authorities) => {
            client_verifier(authorities, &provider, Verdict::RefusedIfShown)?
        }
        Clients::MustProve(authorities) => {
            client_verifier(authorities, &provider, Verdict::Refused)?
        }
    };
    let certificate = SingleCertAndKey::from(Arc::clone(&credentials.key));
    let mut config =
        builder.with_client_cert_verifier(verifier).with_cert_resolver(Arc::new(certificate));
    config.ticketer = Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    let verifies = matches!(clients, Clients::MayProve(_) | Clients::MustProve(_));
    Ok((Arc::new(config), verifies))
}

/// Verifies clients by their authorities; where there are none, `verdict` counts.
fn client_verifier(
    authorities: &Authorities,
    provider: &Arc<CryptoProvider>,
    verdict: Verdict,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some(roots) = authorities.roots() else {
        return Ok(Arc::new(Unverified::new(provider, verdict)));
    };
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider))
        .with_crls(authorities.revocations.clone());
    if verdict == Verdict::RefusedIfShown {
        builder = builder.allow_unauthenticated();
    }
    builder
        .build()
        .map(|verifier| verifier as Arc<dyn ClientCertVerifier>)
        .map_err(|error| TlsError::Unusable(error.to_string()))
}
