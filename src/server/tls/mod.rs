//! The certificates and keys that a script names: read, checked, and made what connections need.

mod build;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use self::build::Builder;
use super::load::{Loaded, MaybeParsed};
use crate::admin::{Certificate, Certificates};
use crate::modules::tls::TlsSettings;
use crate::protocol::{Endpoint, Transport};
use crate::script::{DateTime, Diagnostic, Severity, SourceMap};
use crate::transport::tls::{CertificateFacts, TlsContexts};

/// What a script says about TLS, before it is compiled.
#[derive(Clone, Debug)]
pub(super) struct TlsSource {
    settings: TlsSettings,
    /// What is wrong with it.
    diagnostics: Vec<Diagnostic>,
    /// Whether there is a listener that needs it.
    is_needed: bool,
    /// What paths are relative to: the folder of the script.
    folder: PathBuf,
}

impl TlsSource {
    /// What the script at `path` says; `listen` are the addresses of the command line.
    pub(super) fn of(path: Option<&Path>, listen: &[Endpoint], parsed: &MaybeParsed) -> Self {
        let folder = path.and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        let mut diagnostics = Vec::new();
        let Ok(parsed) = parsed else {
            let settings = TlsSettings::default();
            return Self { settings, diagnostics, is_needed: false, folder };
        };
        let settings = TlsSettings::of(&parsed.ast, &mut diagnostics);
        let is_tls = |transport: Transport| transport == Transport::Tls;
        let is_needed = if listen.is_empty() {
            parsed.settings.listen.iter().any(|address| is_tls(address.transport))
        } else {
            listen.iter().any(|endpoint| is_tls(endpoint.transport))
        };
        Self { settings, diagnostics, is_needed, folder }
    }

    /// Reads what is named, and reports what is wrong with it to `loaded`, which then has no
    /// program.
    pub(super) fn read(self, loaded: &mut Loaded) -> TlsContexts {
        self.look(loaded, true)
    }

    /// As [`Self::read`], but reads no certificates and keys: they need not be where a script is
    /// checked.
    pub(super) fn check(self, loaded: &mut Loaded) {
        self.look(loaded, false);
    }

    /// Reads what is named.
    fn look(mut self, loaded: &mut Loaded, reads_certificates: bool) -> TlsContexts {
        let mut contexts = TlsContexts::default();
        let Self { settings, is_needed, folder, diagnostics } = &mut self;
        if *is_needed || settings.enabled.as_ref().is_some_and(|enabled| enabled.node) {
            let sources = (&**folder, &mut loaded.map);
            let mut builder = Builder::new(sources, diagnostics, reads_certificates);
            if settings.is_there {
                contexts = builder.contexts(settings, *is_needed);
            } else {
                builder.nobody(settings, *is_needed);
            }
        }
        let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
        if self.diagnostics.iter().any(is_error) {
            loaded.program = None;
        }
        loaded.diagnostics.append(&mut self.diagnostics);
        loaded.diagnostics.sort_by_key(|diagnostic| diagnostic.primary.0.start);
        contexts
    }
}

/// What connections speak TLS by, and where it comes from.
#[derive(Debug)]
pub(super) struct TlsStore {
    contexts: Arc<ArcSwap<TlsContexts>>,
    /// The source of these, with the text that it is told of.
    source: RefCell<(TlsSource, SourceMap)>,
}

impl TlsStore {
    /// These contexts, which `source` has given.
    pub(super) fn new(source: TlsSource, map: SourceMap, contexts: TlsContexts) -> Self {
        Self { contexts: Arc::new(ArcSwap::from_pointee(contexts)), source: (source, map).into() }
    }

    /// Where connections find them.
    pub(super) fn contexts(&self) -> Arc<ArcSwap<TlsContexts>> {
        Arc::clone(&self.contexts)
    }

    /// Puts others in their place; unless there are none any more, as listeners stay.
    pub(super) fn replace(&self, source: TlsSource, map: SourceMap, contexts: TlsContexts) {
        if source.is_needed || !self.source.borrow().0.is_needed {
            self.contexts.store(Arc::new(contexts));
            self.source.replace((source, map));
        }
    }

    /// Reads certificates, keys and profiles again. What there is to say about it, and whether they
    /// are in place.
    pub(super) fn read_again(&self) -> (Vec<Diagnostic>, SourceMap, bool) {
        let (source, map) = self.source.borrow().clone();
        let mut found = Loaded { map: map.clone(), diagnostics: Vec::new(), program: None };
        let contexts = source.clone().read(&mut found);
        let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
        let is_good = !found.diagnostics.iter().any(is_error);
        if is_good {
            self.replace(source, map, contexts);
        }
        (found.diagnostics, found.map, is_good)
    }
}

impl Certificates for ArcSwap<TlsContexts> {
    fn list(&self) -> Vec<Certificate> {
        let certificate = |(file, facts): &(String, CertificateFacts)| Certificate {
            file: file.clone(),
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            not_after_seconds: facts.not_after_seconds,
        };
        self.load().certificates().iter().map(certificate).collect()
    }
}

/// Warnings about certificates that have expired or will soon.
pub(super) fn expiry_warnings(contexts: &TlsContexts, now_seconds: u64) -> Vec<String> {
    let warning = |(file, facts): &(String, CertificateFacts)| {
        let CertificateFacts { not_before_seconds, not_after_seconds, subject, .. } = facts;
        let what = format!("certificate `{file}` ({subject})");
        let end = date(*not_after_seconds);
        if *not_after_seconds <= now_seconds {
            Some(format!("{what} has expired: {end}"))
        } else if *not_before_seconds > now_seconds {
            Some(format!("{what} does not hold yet: {}", date(*not_before_seconds)))
        } else if not_after_seconds - now_seconds < EXPIRES_SOON_SECONDS {
            Some(format!("{what} expires soon: {end}"))
        } else {
            None
        }
    };
    contexts.certificates().iter().filter_map(warning).collect()
}

/// A day and a time, in UTC.
fn date(seconds: u64) -> String {
    let DateTime { year, month, day, hour, minute, second, .. } = DateTime::of(seconds);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// What is soon: two weeks, in which a renewal that did not come can still be looked into.
const EXPIRES_SOON_SECONDS: u64 = 14 * 86_400;
