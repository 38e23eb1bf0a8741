//! What a script says about TLS, with the places where it does.

use super::profile::{Attribute, TlsProfile};
use super::{MODULE, text};
use crate::protocol::Transport;
use crate::script::ast::{Ast, Global, Spanned};
use crate::script::{Diagnostic, Span};

/// What a script says about TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether it is wanted (`enable_tls`, `disable_tls`), and where that is said.
    pub enabled: Option<Spanned<bool>>,
    /// Whether there is somebody who does it: the module is loaded, or the core parameters of SER
    /// and OpenSER are set.
    pub is_there: bool,
    /// The file with profiles.
    pub config: Option<Spanned<String>>,
    /// What is said of all connections that others open.
    pub server: TlsProfile,
    /// What is said of all connections that we open.
    pub client: TlsProfile,
    /// Where the first address of TLS stands that is listened to.
    pub listen: Option<Span>,
}

impl TlsSettings {
    /// Reads them. Wrong values of module parameters are left out, as the checker reports them.
    #[must_use]
    pub fn of(ast: &Ast, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut settings = Self::default();
        for global in &ast.globals {
            settings.global(global, diagnostics);
        }
        let is_ours = |name: &str| {
            let base = name.rsplit('/').next().unwrap_or(name);
            base.strip_suffix(".so").unwrap_or(base) == MODULE.name
        };
        settings.is_there |= ast.modules.iter().any(|name| is_ours(&name.node));
        for parameter in &ast.modparams {
            if parameter.module.node.split('|').any(is_ours) {
                let value =
                    Spanned { node: text(&parameter.value.node), span: parameter.value.span };
                settings.parameter(&parameter.name.node, value);
            }
        }
        settings
    }

    /// Takes over a module parameter.
    fn parameter(&mut self, name: &str, value: Spanned<String>) {
        if name == "config" {
            self.config = Some(value).filter(|value| !value.node.is_empty());
        } else if let Some(attribute) = Attribute::of(name) {
            // What is wrong has been reported.
            let _ = self.server.set(attribute, value.clone());
            let _ = self.client.set(attribute, value);
        }
    }

    /// Takes over a global parameter.
    fn global(&mut self, global: &Global, diagnostics: &mut Vec<Diagnostic>) {
        let name = global.name.node.to_ascii_lowercase();
        let Some(first) = global.values.first() else { return };
        let value = Spanned { node: text(&first.node), span: first.span };
        let flag = || !matches!(&*value.node.to_ascii_lowercase(), "no" | "off" | "false" | "0");
        let span = global.name.span;
        let (of_server, of_client, attribute) = match name.as_str() {
            "listen" | "socket" => return self.listen(global),
            "enable_tls" | "tls_enable" => {
                self.enabled = Some(Spanned { node: flag(), span });
                return;
            }
            "disable_tls" | "tls_disable" => {
                self.enabled = Some(Spanned { node: !flag(), span });
                return;
            }
            "tls_certificate" => (true, true, Attribute::Certificate),
            "tls_private_key" => (true, true, Attribute::PrivateKey),
            "tls_ca_list" => (true, true, Attribute::CaList),
            "tls_method" => (true, true, Attribute::Method),
            "tls_ciphers_list" => (true, true, Attribute::CipherList),
            "tls_verify" => (true, true, Attribute::VerifyCertificate),
            "tls_verify_client" => (true, false, Attribute::VerifyCertificate),
            "tls_verify_server" => (false, true, Attribute::VerifyCertificate),
            "tls_require_certificate" | "tls_require_client_certificate" => {
                (true, false, Attribute::RequireCertificate)
            }
            _ => return,
        };
        self.is_there |= attribute == Attribute::Certificate;
        for (is_wanted, profile) in [(of_server, &mut self.server), (of_client, &mut self.client)] {
            if is_wanted && let Err(problem) = profile.set(attribute, value.clone()) {
                let is_told = |other: &Diagnostic| other.primary.0 == value.span;
                if !diagnostics.iter().any(is_told) {
                    diagnostics.push(Diagnostic::error("E0504", value.span, problem));
                }
            }
        }
    }

    /// Notes the first address of TLS.
    fn listen(&mut self, global: &Global) {
        let is_tls = |value: &str| {
            let protocol = value.split(':').next().unwrap_or_default();
            Transport::of(protocol.as_bytes()) == Some(Transport::Tls)
        };
        let found = global.values.iter().find(|value| is_tls(&text(&value.node)));
        self.listen = self.listen.or_else(|| found.map(|value| value.span));
    }
}
