//! What can be said of one listener or peer.

use crate::script::ast::Spanned;

/// What is said of one listener, one peer, or all of them; what is not said is as in the profile
/// above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsProfile {
    /// The versions of TLS.
    pub method: Option<Spanned<TlsMethod>>,
    /// The file of the certificate.
    pub certificate: Option<Spanned<String>>,
    /// The file of its key.
    pub private_key: Option<Spanned<String>>,
    /// The file of authorities.
    pub ca_list: Option<Spanned<String>>,
    /// The folder of files of authorities.
    pub ca_path: Option<Spanned<String>>,
    /// The file of revoked certificates.
    pub crl: Option<Spanned<String>>,
    /// Cipher suites.
    pub cipher_list: Option<Spanned<String>>,
    /// Whether certificates are verified.
    pub verify_certificate: Option<Spanned<bool>>,
    /// Whether a certificate must be shown.
    pub require_certificate: Option<Spanned<bool>>,
    /// What clients have to prove, instead of these two.
    pub verify_client: Option<Spanned<TlsClientCheck>>,
    /// The name of the server.
    pub server_name: Option<Spanned<String>>,
    /// Which names the server's name is for.
    pub server_name_mode: TlsNameMode,
}

/// Versions of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMethod {
    /// 1.2 and 1.3.
    From12,
    /// The same, although older ones are asked for, too.
    FromOlder,
    /// 1.2 only.
    Only12,
    /// 1.3 only.
    Only13,
}

/// What clients have to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsClientCheck {
    /// Nothing.
    Off,
    /// They must show a certificate of a known authority.
    On,
    /// If they show one, it must be of a known authority.
    Optional,
    /// They may show any.
    OptionalNoCa,
}

/// Which names a server's name is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsNameMode {
    /// That name (0).
    #[default]
    Exact,
    /// That name and all below it (1).
    WithSubdomains,
    /// All below that name (2).
    Subdomains,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Method,
    Certificate,
    PrivateKey,
    CaList,
    CaPath,
    Crl,
    CipherList,
    VerifyCertificate,
    RequireCertificate,
    VerifyClient,
    ServerName,
    ServerNameMode,
    /// It changes nothing here.
    Idle,
}

/// The names of all, those of the file and those of the module.
const ATTRIBUTES: &[(&str, Attribute)] = &[
    ("method", Attribute::Method),
    ("tls_method", Attribute::Method),
    ("certificate", Attribute::Certificate),
    ("cert_file", Attribute::Certificate),
    ("private_key", Attribute::PrivateKey),
    ("pkey_file", Attribute::PrivateKey),
    ("ca_list", Attribute::CaList),
    ("calist_file", Attribute::CaList),
    ("ca_path", Attribute::CaPath),
    ("crl", Attribute::Crl),
    ("cipher_list", Attribute::CipherList),
    ("verify_certificate", Attribute::VerifyCertificate),
    ("verify_cert", Attribute::VerifyCertificate),
    ("require_certificate", Attribute::RequireCertificate),
    ("require_cert", Attribute::RequireCertificate),
    ("verify_client", Attribute::VerifyClient),
    ("server_name", Attribute::ServerName),
    ("server_name_mode", Attribute::ServerNameMode),
    ("server_id", Attribute::Idle),
    ("verify_depth", Attribute::Idle),
];

impl Attribute {
    /// The one of that name, in any case.
    pub(super) fn of(name: &str) -> Option<Self> {
        let known = ATTRIBUTES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, attribute)| *attribute)
    }

    /// The names of all.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        ATTRIBUTES.iter().map(|(name, _)| *name)
    }
}

impl TlsProfile {
    /// Takes over a value.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn set(
        &mut self,
        attribute: Attribute,
        value: Spanned<String>,
    ) -> Result<(), String> {
        let span = value.span;
        match attribute {
            Attribute::Method => {
                self.method = Some(Spanned { node: method(&value.node)?, span });
            }
            Attribute::Certificate => self.certificate = path(value)?,
            Attribute::PrivateKey => self.private_key = path(value)?,
            Attribute::CaList => self.ca_list = path(value)?,
            Attribute::CaPath => self.ca_path = path(value)?,
            Attribute::Crl => self.crl = path(value)?,
            Attribute::CipherList => self.cipher_list = some(value),
            Attribute::VerifyCertificate => {
                self.verify_certificate = Some(Spanned { node: flag(&value.node)?, span });
            }
            Attribute::RequireCertificate => {
                self.require_certificate = Some(Spanned { node: flag(&value.node)?, span });
            }
            Attribute::VerifyClient => {
                self.verify_client = Some(Spanned { node: client_check(&value.node)?, span });
            }
            Attribute::ServerName => self.server_name = some(value),
            Attribute::ServerNameMode => self.server_name_mode = name_mode(&value.node)?,
            Attribute::Idle => {}
        }
        Ok(())
    }

    /// Has all that is not said here be as in `above`. A server's name is only its own.
    #[must_use]
    pub fn filled(&self, above: &Self) -> Self {
        /// The first that is there.
        fn or<T: Clone>(own: &Option<T>, above: &Option<T>) -> Option<T> {
            own.as_ref().or(above.as_ref()).cloned()
        }
        Self {
            method: or(&self.method, &above.method),
            certificate: or(&self.certificate, &above.certificate),
            private_key: or(&self.private_key, &above.private_key),
            ca_list: or(&self.ca_list, &above.ca_list),
            ca_path: or(&self.ca_path, &above.ca_path),
            crl: or(&self.crl, &above.crl),
            cipher_list: or(&self.cipher_list, &above.cipher_list),
            verify_certificate: or(&self.verify_certificate, &above.verify_certificate),
            require_certificate: or(&self.require_certificate, &above.require_certificate),
            verify_client: or(&self.verify_client, &above.verify_client),
            server_name: self.server_name.clone(),
            server_name_mode: self.server_name_mode,
        }
    }
}

/// A value, if there is something in it.
fn some(value: Spanned<String>) -> Option<Spanned<String>> {
    Some(value).filter(|value| !value.node.is_empty())
}

/// The path that a value is, if there is something in it.
fn path(value: Spanned<String>) -> Result<Option<Spanned<String>>, String> {
    if value.node.contains('\0') {
        return Err("a path has no zero byte".to_owned());
    }
    Ok(some(value))
}

/// The versions that a value names.
fn method(value: &str) -> Result<TlsMethod, String> {
    const OLD: &[&str] = &["SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1"];
    let is = |name: &str| value.eq_ignore_ascii_case(name);
    if is("TLSv1.2+") {
        Ok(TlsMethod::From12)
    } else if is("TLSv1.2") {
        Ok(TlsMethod::Only12)
    } else if is("TLSv1.3") || is("TLSv1.3+") {
        Ok(TlsMethod::Only13)
    } else if ["SSLv23", "TLSv1+", "TLSv1.0+", "TLSv1.1+"].into_iter().any(is) {
        Ok(TlsMethod::FromOlder)
    } else if OLD.iter().any(|name| is(name)) {
        Err(format!("`{value}` is not safe any more and not spoken here: write `TLSv1.2+`"))
    } else {
        Err(format!("`{value}` is none of `TLSv1.2+`, `TLSv1.2` and `TLSv1.3`"))
    }
}

/// The truth value that a value is.
fn flag(value: &str) -> Result<bool, String> {
    let is = |name: &&&str| value.eq_ignore_ascii_case(name);
    if ["yes", "on", "true", "enabled", "1"].iter().find(is).is_some() {
        Ok(true)
    } else if ["no", "off", "false", "disabled", "0"].iter().find(is).is_some() {
        Ok(false)
    } else {
        Err(format!("`{value}` is neither `yes` nor `no`"))
    }
}

/// What a value asks of clients.
fn client_check(value: &str) -> Result<TlsClientCheck, String> {
    match value.to_ascii_lowercase().as_str() {
        "off" => Ok(TlsClientCheck::Off),
        "on" => Ok(TlsClientCheck::On),
        "optional" => Ok(TlsClientCheck::Optional),
        "optional_no_ca" => Ok(TlsClientCheck::OptionalNoCa),
        _ => Err(format!("`{value}` is none of `off`, `on`, `optional` and `optional_no_ca`")),
    }
}

/// Which names a value means.
fn name_mode(value: &str) -> Result<TlsNameMode, String> {
    match value {
        "0" => Ok(TlsNameMode::Exact),
        "1" => Ok(TlsNameMode::WithSubdomains),
        "2" => Ok(TlsNameMode::Subdomains),
        _ => Err(format!("`{value}` is none of 0 (that name), 1 (and below it) and 2 (below it)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Span;

    /// A value from nowhere.
    fn value(text: &str) -> Spanned<String> {
        Spanned { node: text.to_owned(), span: Span::default() }
    }

    #[test]
    fn versions_that_are_not_safe_are_refused_or_left_out() {
        assert_eq!(method("TLSv1.2+"), Ok(TlsMethod::From12));
        assert_eq!(method("tlsv1.3"), Ok(TlsMethod::Only13));
        assert_eq!(method("SSLv23"), Ok(TlsMethod::FromOlder));
        for old in ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"] {
            let error = method(old).unwrap_err();
            assert!(error.contains("not safe") && error.contains("TLSv1.2+"), "{error}");
        }
        assert!(method("").is_err() && method("TLSv1.4").is_err());
    }

    #[test]
    fn what_is_not_said_is_as_above_but_the_name() {
        let mut above = TlsProfile::default();
        above.set(Attribute::Certificate, value("a.pem")).unwrap();
        above.set(Attribute::VerifyCertificate, value("Yes")).unwrap();
        above.set(Attribute::ServerName, value("a.example.com")).unwrap();
        let mut own = TlsProfile::default();
        own.set(Attribute::Certificate, value("b.pem")).unwrap();
        let filled = own.filled(&above);
        assert_eq!(filled.certificate.unwrap().node, "b.pem");
        assert_eq!(filled.verify_certificate.map(|it| it.node), Some(true));
        assert_eq!(filled.server_name, None);
    }

    #[test]
    fn values_that_are_none_are_told() {
        let mut profile = TlsProfile::default();
        for (attribute, text) in [
            (Attribute::VerifyCertificate, "perhaps"),
            (Attribute::VerifyClient, "yes"),
            (Attribute::ServerNameMode, "3"),
            (Attribute::Certificate, "a\0b"),
        ] {
            assert!(profile.set(attribute, value(text)).is_err(), "{text:?}");
        }
        assert_eq!(profile, TlsProfile::default());
    }
}
