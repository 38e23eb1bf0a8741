//! Which versions of TLS are spoken, and which cipher suites.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion};

/// Versions of TLS. What is older is spoken by nobody any more (RFC 8996).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Versions {
    /// 1.2 and 1.3.
    #[default]
    All,
    /// 1.2 only.
    Only12,
    /// 1.3 only.
    Only13,
}

impl Versions {
    /// As the library lists them.
    pub(super) const fn list(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::All => ALL_VERSIONS,
            Self::Only12 => ONLY_12,
            Self::Only13 => ONLY_13,
        }
    }
}

/// Lists for [`Versions::list`].
static ALL_VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
static ONLY_12: &[&SupportedProtocolVersion] = &[&TLS12];
static ONLY_13: &[&SupportedProtocolVersion] = &[&TLS13];

/// How is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protocol {
    /// The versions.
    pub versions: Versions,
    /// The cipher suites of TLS 1.2; those of TLS 1.3 are all good.
    pub suites: Suites,
}

/// Cipher suites of TLS 1.2, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suites(Vec<&'static str>);

impl Default for Suites {
    fn default() -> Self {
        Self(SUITES.iter().map(|(name, _)| *name).collect())
    }
}

impl Suites {
    /// Those of a list with colons, as OpenSSL names them (`cipher_list`); none if there is
    /// another one in it, or a word for several.
    #[must_use]
    pub fn of(list: &str) -> Option<Self> {
        let known = |name: &str| SUITES.iter().map(|suite| suite.0).find(|known| *known == name);
        let names = list.split([':', ',', ' ']).filter(|name| !name.is_empty());
        let names: Vec<_> = names.map(known).collect::<Option<_>>()?;
        (!names.is_empty()).then_some(Self(names))
    }

    /// The names of all there are.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SUITES.iter().map(|(name, _)| *name)
    }
}

impl Protocol {
    /// The library's own choice, less what is not wanted.
    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = ring::default_provider();
        let wanted = self.suites.0.iter().filter_map(|name| {
            SUITES.iter().find(|suite| suite.0 == *name).map(|(_, suite)| *suite)
        });
        let mut suites: Vec<SupportedCipherSuite> = provider.cipher_suites;
        suites.retain(|suite| suite.tls13().is_some());
        suites.extend(wanted);
        provider.cipher_suites = suites;
        Arc::new(provider)
    }
}

/// The library's own choice.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Protocol::default().provider()
}

/// A cipher suite as OpenSSL names it, and the bits of its key.
pub(super) fn describe(suite: CipherSuite) -> (String, u16) {
    let own = suite.as_str().unwrap_or_default();
    let known = SUITES.iter().find(|(_, known)| known.suite() == suite).map(|(name, _)| *name);
    let name = known.map_or_else(|| own.replacen("TLS13_", "TLS_", 1), str::to_owned);
    (name, if own.contains("AES_128") { 128 } else { 256 })
}

/// A version as OpenSSL names it.
pub(super) fn show_version(version: ProtocolVersion) -> String {
    version.as_str().unwrap_or_default().replace('_', ".")
}

/// The cipher suites of TLS 1.2: all have forward secrecy and are no older than AES-GCM.
const SUITES: [(&str, SupportedCipherSuite); 6] = [
    ("ECDHE-ECDSA-AES256-GCM-SHA384", ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    ("ECDHE-RSA-AES256-GCM-SHA384", ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES128-GCM-SHA256", ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        ring::cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_is_honoured_in_its_order() {
        let suites = Suites::of("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384").unwrap();
        let provider = Protocol { suites, ..Protocol::default() }.provider();
        let old = provider.cipher_suites.iter().filter(|suite| suite.tls13().is_none());
        let old: Vec<String> = old.map(|suite| format!("{:?}", suite.suite())).collect();
        assert_eq!(
            old,
            ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
        );
        assert!(provider.cipher_suites.iter().any(|suite| suite.tls13().is_some()));
    }

    #[test]
    fn words_for_several_and_old_suites_are_not_known() {
        for list in ["HIGH", "", "ALL:!aNULL", "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA"] {
            assert_eq!(Suites::of(list), None, "{list}");
        }
    }

    #[test]
    fn nothing_that_the_library_has_is_left_out() {
        let old = ring::default_provider().cipher_suites.len();
        assert_eq!(provider().cipher_suites.len(), old);
    }
}
