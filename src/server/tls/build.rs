//! From what a script says about TLS to what connections need.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::limits::{TLS_AUTHORITY_FILE_COUNT_MAX, TLS_FILE_BYTES_MAX};
use crate::modules::tls::{
    TlsClientCheck, TlsMethod, TlsNameMode, TlsProfile, TlsScope, TlsSection, TlsSettings, TlsSide,
    parse_tls_file,
};
use crate::script::ast::Spanned;
use crate::script::{Diagnostic, SourceMap, Span};
use crate::sys;
use crate::transport::tls::{
    Authorities, CertificateFacts, ClientProfile, ClientScope, Clients, Credentials, NameMode,
    Protocol, ServerProfile, ServerScope, Suites, TlsClient, TlsContexts, TlsError, TlsServer,
    Versions,
};

/// The file that Kamailio takes where none is named.
const DEFAULT_FILE: &str = "cert.pem";

/// What a script says that has all that is needed.
const EXAMPLE: &str = "write `loadmodule \"tls.so\"`, `modparam(\"tls\", \"certificate\", \
     \"cert.pem\")` and `modparam(\"tls\", \"private_key\", \"key.pem\")`";

/// Contexts in the making.
pub(super) struct Builder<'a> {
    folder: &'a Path,
    map: &'a mut SourceMap,
    diagnostics: &'a mut Vec<Diagnostic>,
    certificates: Vec<(String, CertificateFacts)>,
    /// Whether certificates and keys are read.
    reads_certificates: bool,
}

impl<'a> Builder<'a> {
    /// For paths relative to a folder and a text that files are added to.
    pub(super) const fn new(
        (folder, map): (&'a Path, &'a mut SourceMap),
        diagnostics: &'a mut Vec<Diagnostic>,
        reads_certificates: bool,
    ) -> Self {
        Self { folder, map, diagnostics, certificates: Vec::new(), reads_certificates }
    }

    /// Reports that TLS is wanted and nobody does it.
    pub(super) fn nobody(&mut self, settings: &TlsSettings, needs: bool) {
        let enabled = settings.enabled.as_ref().map(|enabled| enabled.span);
        let diagnostic = if needs {
            let span = settings.listen.or(enabled).unwrap_or_default();
            no_certificate(span)
        } else {
            let message = "TLS is enabled, but nobody does it";
            Diagnostic::warning("W0502", enabled.unwrap_or_default(), message).help(EXAMPLE)
        };
        self.diagnostics.push(diagnostic);
    }

    /// Reads all that is named.
    pub(super) fn contexts(&mut self, settings: &TlsSettings, needs: bool) -> TlsContexts {
        let sections = settings.config.as_ref().map(|path| self.sections(path));
        let Some(sections) = sections.unwrap_or(Some(Vec::new())) else {
            return TlsContexts::default();
        };
        for section in &sections {
            self.check_section(section);
        }
        let default_of = |side: TlsSide, above: &TlsProfile| {
            let mut own = sections.iter().filter(|section| section.side == side);
            own.find(|section| section.scope == TlsScope::Default).map_or_else(
                || TlsProfile { server_name: above.server_name.clone(), ..above.clone() },
                |section| section.profile.filled(above),
            )
        };
        let server = default_of(TlsSide::Server, &settings.server);
        let client = default_of(TlsSide::Client, &settings.client);
        let place = settings.listen.unwrap_or_default();
        if !self.reads_certificates {
            self.check_profiles(&server, &client, &sections, needs.then_some(place));
            return TlsContexts::default();
        }
        let servers = self.servers(&server, &sections, needs.then_some(place));
        let clients = self.clients(&client, &sections);
        let certificates = std::mem::take(&mut self.certificates);
        TlsContexts::new(servers, clients, certificates)
    }

    /// Reads the file with profiles. None if it cannot be read.
    fn sections(&mut self, path: &Spanned<String>) -> Option<Vec<TlsSection>> {
        let full = self.resolve(&path.node);
        match read(&full) {
            Ok(text) => {
                let start = self.map.add(full, text.clone());
                Some(parse_tls_file(&text, start, self.diagnostics))
            }
            Err(error) => {
                self.unreadable(path, &error);
                None
            }
        }
    }

    /// Reports sections that are for nobody.
    fn check_section(&mut self, section: &TlsSection) {
        let has_name = section.profile.server_name.is_some();
        match (section.side, section.scope) {
            (TlsSide::Server, TlsScope::Any) if !has_name => self.diagnostics.push(
                Diagnostic::error("E0503", section.span, "this section needs a `server_name`")
                    .help("it is for clients that ask for that name, wherever they come in"),
            ),
            (TlsSide::Client, TlsScope::Any) => self.diagnostics.push(
                Diagnostic::warning("W0503", section.span, "this section is for no connection")
                    .help("peers are told apart by their addresses: `[client:192.0.2.1:5061]`"),
            ),
            _ => {}
        }
    }

    /// Reports what can be said of profiles without their files.
    fn check_profiles(
        &mut self,
        server: &TlsProfile,
        client: &TlsProfile,
        sections: &[TlsSection],
        needed_at: Option<Span>,
    ) {
        for profile in [server, client].into_iter().chain(sections.iter().map(|it| &it.profile)) {
            self.protocol(profile);
        }
        let names_one = |section: &TlsSection| section.profile.certificate.is_some();
        if let Some(span) = needed_at
            && server.certificate.is_none()
            && !sections.iter().any(names_one)
            && !self.has_default_file()
        {
            self.push_once(no_certificate(span));
        }
    }

    /// What is said to clients: for each listener with profiles of its own, then for the others.
    /// `needed_at`: where it is said that there is a listener.
    fn servers(
        &mut self,
        default: &TlsProfile,
        sections: &[TlsSection],
        needed_at: Option<Span>,
    ) -> Vec<(ServerScope, TlsServer)> {
        let own: Vec<_> =
            sections.iter().filter(|section| section.side == TlsSide::Server).collect();
        let has_profile = own.iter().any(|section| section.scope != TlsScope::Default);
        let has_certificate = default.certificate.is_some() || self.has_default_file();
        let fallback = if has_certificate || !has_profile {
            self.server_profile(default, needed_at)
        } else {
            None
        };
        let mut built = Vec::new();
        for section in &own {
            let full = section.profile.filled(default);
            if section.scope != TlsScope::Default
                && let Some(profile) = self.server_profile(&full, Some(section.span))
            {
                built.push((section.scope, full, profile));
            }
        }
        let mut scopes = vec![TlsScope::Default];
        for (scope, ..) in &built {
            if !scopes.contains(scope) && *scope != TlsScope::Any {
                scopes.push(*scope);
            }
        }
        let mut servers = Vec::new();
        for scope in scopes {
            match server_at(scope, fallback.as_ref(), &built) {
                Some(Ok(server)) => servers.push((server_scope(scope), server)),
                Some(Err(error)) => self.unusable(needed_at.unwrap_or_default(), &error),
                None => {}
            }
        }
        servers
    }

    /// How sessions with clients are.
    fn server_profile(
        &mut self,
        profile: &TlsProfile,
        needed_at: Option<Span>,
    ) -> Option<ServerProfile> {
        let credentials = match &profile.certificate {
            Some(certificate) => self.credentials(certificate, profile.private_key.as_ref()),
            None => self.default_credentials(profile.private_key.as_ref(), needed_at),
        };
        let protocol = self.protocol(profile);
        let clients = self.client_check(profile)?;
        Some(ServerProfile { credentials: credentials?, protocol, clients })
    }

    /// What clients have to prove.
    fn client_check(&mut self, profile: &TlsProfile) -> Option<Clients> {
        let is_set = |flag: &Option<Spanned<bool>>| flag.as_ref().is_some_and(|flag| flag.node);
        let check = match &profile.verify_client {
            Some(check) => check.node,
            None if is_set(&profile.require_certificate) => TlsClientCheck::On,
            None if is_set(&profile.verify_certificate) => TlsClientCheck::Optional,
            None => TlsClientCheck::Off,
        };
        let place = [
            profile.verify_client.as_ref().map(|it| it.span),
            profile.require_certificate.as_ref().map(|it| it.span),
            profile.verify_certificate.as_ref().map(|it| it.span),
        ];
        let place = place.into_iter().flatten().next().unwrap_or_default();
        Some(match check {
            TlsClientCheck::Off => Clients::Anyone,
            TlsClientCheck::OptionalNoCa => Clients::MayShow,
            TlsClientCheck::Optional => Clients::MayProve(self.authorities(profile, place)?),
            TlsClientCheck::On => Clients::MustProve(self.authorities(profile, place)?),
        })
    }

    /// What is said to servers: for single ones, then for the others.
    fn clients(
        &mut self,
        default: &TlsProfile,
        sections: &[TlsSection],
    ) -> Vec<(ClientScope, TlsClient)> {
        let mut profiles = vec![(ClientScope::Default, default.clone(), Span::default())];
        for section in sections.iter().filter(|section| section.side == TlsSide::Client) {
            if let TlsScope::Address(address) = section.scope {
                let full = section.profile.filled(default);
                profiles.push((ClientScope::Peer(address), full, section.span));
            }
        }
        let mut clients = Vec::new();
        for (scope, profile, place) in profiles {
            let Some(built) = self.client_profile(&profile) else { continue };
            let place = profile.server_name.as_ref().map_or(place, |name| name.span);
            match TlsClient::new(&built) {
                Ok(client) => clients.push((scope, client)),
                Err(error) => self.unusable(place, &error),
            }
        }
        clients
    }

    /// How sessions with servers are.
    fn client_profile(&mut self, profile: &TlsProfile) -> Option<ClientProfile> {
        let credentials = match &profile.certificate {
            Some(certificate) => Some(self.credentials(certificate, profile.private_key.as_ref())?),
            None => None,
        };
        let verifies = [&profile.verify_certificate, &profile.require_certificate];
        let verifies = verifies.into_iter().flatten().find(|flag| flag.node);
        let authorities = match verifies {
            Some(flag) => Some(self.authorities(profile, flag.span)?),
            None => None,
        };
        let protocol = self.protocol(profile);
        let server_name = profile.server_name.as_ref().map(|name| name.node.clone());
        Some(ClientProfile { credentials, protocol, authorities, server_name })
    }

    /// Which versions and cipher suites are spoken.
    fn protocol(&mut self, profile: &TlsProfile) -> Protocol {
        let versions = match profile.method.as_ref().map(|method| method.node) {
            Some(TlsMethod::Only12) => Versions::Only12,
            Some(TlsMethod::Only13) => Versions::Only13,
            Some(TlsMethod::From12 | TlsMethod::FromOlder) | None => Versions::All,
        };
        if let Some(method) = profile.method.as_ref().filter(|it| it.node == TlsMethod::FromOlder) {
            let message = "of these versions, TLS 1.2 and 1.3 are spoken";
            self.push_once(Diagnostic::note("N0502", method.span, message));
        }
        let suites = profile.cipher_list.as_ref().and_then(|list| {
            let suites = Suites::of(&list.node);
            if suites.is_none() {
                let names: Vec<_> = Suites::names().collect();
                self.push_once(
                    Diagnostic::warning("W0504", list.span, "this list changes nothing")
                        .help(format!("names that can be in it: `{}`", names.join(":"))),
                );
            }
            suites
        });
        Protocol { versions, suites: suites.unwrap_or_default() }
    }

    /// A certificate and its key.
    fn credentials(
        &mut self,
        certificate: &Spanned<String>,
        key: Option<&Spanned<String>>,
    ) -> Option<Credentials> {
        let text = self.text(certificate)?;
        let key_text = match key {
            Some(key) => self.text(key)?,
            None => text.clone(),
        };
        match Credentials::parse(&text, &key_text) {
            Ok(credentials) => {
                let entry = (certificate.node.clone(), credentials.facts().clone());
                if !self.certificates.contains(&entry) {
                    self.certificates.push(entry);
                }
                Some(credentials)
            }
            Err(error) => {
                let of_key = matches!(error, TlsError::NoKey | TlsError::EncryptedKey);
                let place = key.filter(|_| of_key).unwrap_or(certificate);
                let message = format!("`{}`: {error}", place.node);
                let mut diagnostic = Diagnostic::error("E0505", place.span, message);
                if let (TlsError::Mismatch, Some(key)) = (&error, key) {
                    diagnostic = diagnostic.also(key.span, "the private key");
                }
                self.push_once(diagnostic);
                None
            }
        }
    }

    /// The certificate where none is named: that of [`DEFAULT_FILE`], if it is there.
    fn default_credentials(
        &mut self,
        key: Option<&Spanned<String>>,
        needed_at: Option<Span>,
    ) -> Option<Credentials> {
        if self.has_default_file() {
            let span = needed_at.unwrap_or_default();
            return self.credentials(&Spanned { node: DEFAULT_FILE.to_owned(), span }, key);
        }
        if let Some(span) = needed_at {
            self.push_once(no_certificate(span));
        }
        None
    }

    /// Whether there is such a file.
    fn has_default_file(&self) -> bool {
        self.resolve(DEFAULT_FILE).is_file()
    }

    /// The authorities that are believed where something is verified. None if they cannot be read.
    fn authorities(&mut self, profile: &TlsProfile, verified_at: Span) -> Option<Authorities> {
        let mut texts = Vec::new();
        if let Some(list) = &profile.ca_list {
            texts.push((list, self.text(list)?));
        }
        if let Some(folder) = &profile.ca_path {
            let mut files = self.texts_of(folder)?;
            // Others may be there, such as lists of revoked certificates.
            files.retain(|text| memchr::memmem::find(text, b"BEGIN CERTIFICATE").is_some());
            texts.extend(files.into_iter().map(|text| (folder, text)));
        }
        if texts.is_empty() {
            self.push_once(
                Diagnostic::warning("W0505", verified_at, "nobody can prove who they are")
                    .label("certificates are verified, but no authority is believed")
                    .help("write `ca_list = FILE` with the certificates of authorities"),
            );
        }
        let mut authorities = Authorities::default();
        for (source, text) in texts {
            if let Err(error) = authorities.add(&text) {
                let message = format!("`{}`: {error}", source.node);
                self.push_once(Diagnostic::error("E0505", source.span, message));
                return None;
            }
        }
        if let Some(list) = &profile.crl {
            let text = self.text(list)?;
            if let Err(error) = authorities.revoke(&text) {
                let message = format!("`{}`: {error}", list.node);
                self.push_once(Diagnostic::error("E0505", list.span, message));
                return None;
            }
        }
        Some(authorities)
    }

    /// The texts of the files of a folder.
    fn texts_of(&mut self, folder: &Spanned<String>) -> Option<Vec<Vec<u8>>> {
        let texts = fs::read_dir(self.resolve(&folder.node)).and_then(|entries| {
            let mut texts = Vec::new();
            for entry in entries.take(TLS_AUTHORITY_FILE_COUNT_MAX) {
                let path = entry?.path();
                if path.is_file() {
                    texts.push(read(&path)?);
                }
            }
            Ok(texts)
        });
        texts.map_err(|error| self.unreadable(folder, &error)).ok()
    }

    /// The text of a file.
    fn text(&mut self, path: &Spanned<String>) -> Option<Vec<u8>> {
        let text = read(&self.resolve(&path.node));
        text.map_err(|error| self.unreadable(path, &error)).ok()
    }

    /// Where a path leads: one that begins with a dot starts at the working directory, as it does
    /// in Kamailio.
    fn resolve(&self, path: &str) -> PathBuf {
        if path.starts_with('.') { PathBuf::from(path) } else { self.folder.join(path) }
    }

    /// Reports a file that cannot be read.
    fn unreadable(&mut self, path: &Spanned<String>, error: &io::Error) {
        let message =
            format!("cannot read {}: {}", self.resolve(&path.node).display(), sys::reason(error));
        self.push_once(Diagnostic::error("E0505", path.span, message));
    }

    /// Reports something that TLS cannot be made of.
    fn unusable(&mut self, place: Span, error: &TlsError) {
        self.push_once(Diagnostic::error("E0505", place, error.to_string()));
    }

    /// Reports something, if it was not: profiles have the same files.
    fn push_once(&mut self, diagnostic: Diagnostic) {
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }
}

/// Says what a listener needs.
fn no_certificate(place: Span) -> Diagnostic {
    Diagnostic::error("E0502", place, "an address of TLS needs a certificate").help(EXAMPLE)
}

/// What is said to clients at one listener, or at those without sections of their own. As in
/// Kamailio, who asks for no name gets the first section of the listener, and who asks for a name
/// that nobody has the first one without a name, or else what there is for all.
fn server_at(
    scope: TlsScope,
    fallback: Option<&ServerProfile>,
    built: &[(TlsScope, TlsProfile, ServerProfile)],
) -> Option<Result<TlsServer, TlsError>> {
    let here = || built.iter().filter(|(other, ..)| *other == scope);
    let nameless = here().find(|(_, full, _)| full.server_name.is_none());
    let first = here().next().map(|it| &it.2);
    let default = nameless.map(|it| &it.2).or(fallback).or(first);
    // Where there are only profiles for names, the first one is for everybody.
    let default = default.or_else(|| built.first().map(|it| &it.2))?;
    let for_names = built.iter().filter(|(other, ..)| *other == scope || *other == TlsScope::Any);
    let named = for_names.filter_map(|(_, full, profile)| {
        let name = full.server_name.as_ref()?;
        Some((name.node.clone(), name_mode(full.server_name_mode), profile.clone()))
    });
    let named: Vec<_> = named.collect();
    Some(TlsServer::new(default, first.unwrap_or(default), &named))
}

/// The listeners that a scope of a section means.
const fn server_scope(scope: TlsScope) -> ServerScope {
    match scope {
        TlsScope::Address(address) => ServerScope::Listener(address),
        TlsScope::Default | TlsScope::Any => ServerScope::Default,
    }
}

/// Which names are meant.
const fn name_mode(mode: TlsNameMode) -> NameMode {
    match mode {
        TlsNameMode::Exact => NameMode::Exact,
        TlsNameMode::WithSubdomains => NameMode::WithSubdomains,
        TlsNameMode::Subdomains => NameMode::Subdomains,
    }
}

/// The text of a file.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > TLS_FILE_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read(path)
}
