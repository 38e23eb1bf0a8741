//! `tls`: SIP over TLS. The server reads certificates and keys; here is what says which ones: the
//! parameters of the module, the `tls_...` parameters of SER and OpenSER, and the file that
//! `config` names.

mod file;
mod peer;
mod profile;
mod settings;

use std::sync::Arc;

pub use file::{TlsScope, TlsSection, TlsSide, parse_tls_file};
pub use profile::{TlsClientCheck, TlsMethod, TlsNameMode, TlsProfile};
pub use settings::TlsSettings;

use profile::Attribute;

use super::table::{accepted_number, accepted_text, number_setting, text_setting};
use crate::script::ast::{GlobalValue, Spanned};
use crate::script::{Missing, ModuleConfig, ModuleSpec, SettingSpec, Span};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: peer::FUNCTIONS,
    variables: peer::VARIABLES,
    settings: SETTINGS,
    configure: Some(configure),
    missing: Missing {
        functions: &["ksr_tls_set_connect_server_id", "tls_set_connect_server_id"],
        variables: &[
            "tls_description",
            "tls_my_issuer",
            "tls_my_subject",
            "tls_peer_issuer",
            "tls_peer_subject",
        ],
    },
    ..ModuleSpec::new("tls", "SIP over TLS.")
};

/// Says of a parameter that it is about OpenSSL.
const NO_OPENSSL: &str = "Changes nothing: TLS is done by rustls, not by OpenSSL.";

/// Says of a parameter that it is about queues.
const NO_QUEUES: &str = "Changes nothing: what waits to be sent is bounded for each connection.";

/// Says of a parameter that it is about log lines.
const NO_LEVELS: &str = "Changes nothing: why a connection failed is told at the level of `debug`.";

/// The parameters.
const SETTINGS: &[SettingSpec] = &[
    text_setting(
        "config",
        "A file with profiles for single listeners and peers: sections `[server:default]`, \
         `[client:default]`, `[server:192.0.2.1:5061]`, `[server:any]` and lines \
         `certificate = cert.pem`. What it does not say is as these parameters say. A path that \
         begins with neither `/` nor `.` is relative to the folder of the script.",
    ),
    text_setting(
        "certificate",
        "The file with the server's certificate and those that lead to its authority, as PEM: \
         `cert.pem`.",
    ),
    text_setting(
        "private_key",
        "The file with the private key of the certificate, as PEM. Without it the key is in the \
         file of the certificate.",
    ),
    text_setting("ca_list", "The file with the certificates of authorities that are believed."),
    text_setting("ca_path", "A folder with such files."),
    text_setting("crl", "The file with lists of certificates that were revoked."),
    number_setting(
        "verify_certificate",
        "Whether certificates are verified: those of servers by authority and name of the next \
         hop, those that clients show by authority (no).",
    ),
    number_setting("require_certificate", "Whether clients must show a certificate (no)."),
    text_setting(
        "verify_client",
        "Instead of these two for clients: `off`, `on`, `optional`, or `optional_no_ca`, which \
         takes any certificate.",
    ),
    text_setting(
        "tls_method",
        "Versions that are spoken: `TLSv1.2+`, `TLSv1.2` or `TLSv1.3`. Older ones are not.",
    ),
    text_setting(
        "cipher_list",
        "Cipher suites of TLS 1.2 by their names in OpenSSL. Words for several, as `HIGH`, leave \
         it at all that are good.",
    ),
    text_setting(
        "server_name",
        "The name that servers have to prove, and are asked for, instead of that of the next hop.",
    ),
    accepted_number("server_name_mode", "Changes nothing: sections of `config` have it."),
    accepted_text("server_id", "Changes nothing: peers are told apart by their addresses."),
    accepted_number("verify_depth", "Changes nothing: a chain has six certificates at most."),
    accepted_number("send_timeout", "Changes nothing: see `tcp_send_timeout`."),
    accepted_number("handshake_timeout", "Changes nothing: see `tcp_connect_timeout`."),
    accepted_number("connection_timeout", "Changes nothing: see `tcp_connection_lifetime`."),
    accepted_number("tls_disable_compression", "Changes nothing: nothing is compressed."),
    accepted_number("ssl_release_buffers", NO_OPENSSL),
    accepted_number("ssl_free_list_max", NO_OPENSSL),
    accepted_number("ssl_freelist_max_len", NO_OPENSSL),
    accepted_number("ssl_max_send_fragment", NO_OPENSSL),
    accepted_number("ssl_read_ahead", NO_OPENSSL),
    accepted_number("send_close_notify", "Changes nothing: the end of a session is always told."),
    accepted_number("con_ct_wq_max", NO_QUEUES),
    accepted_number("ct_wq_max", NO_QUEUES),
    accepted_number("ct_wq_blk_size", NO_QUEUES),
    accepted_number("tls_log", NO_LEVELS),
    accepted_number("tls_debug", NO_LEVELS),
    accepted_number("low_mem_threshold1", NO_OPENSSL),
    accepted_number("low_mem_threshold2", NO_OPENSSL),
    accepted_number("tls_force_run", NO_OPENSSL),
    accepted_number(
        "session_cache",
        "Changes nothing: sessions are resumed by tickets, of which the server keeps nothing.",
    ),
    accepted_text("session_id", "Changes nothing: a session is resumed only where it was begun."),
    accepted_number("renegotiation", "Changes nothing: a session is never negotiated again."),
    accepted_text("xavp_cfg", "Changes nothing: peers are told apart by their addresses."),
    accepted_text("event_callback", "Changes nothing: there are no event routes of TLS."),
    accepted_text("rand_engine", NO_OPENSSL),
    accepted_text("engine", NO_OPENSSL),
    accepted_text("engine_config", NO_OPENSSL),
    accepted_text("engine_algorithms", NO_OPENSSL),
    accepted_number("init_mode", NO_OPENSSL),
];

/// Checks the module parameters. What they say is read by [`TlsSettings`], which keeps their
/// places.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    for (position, (name, value)) in values.iter().enumerate() {
        let Some(attribute) = Attribute::of(name) else { continue };
        let value = Spanned { node: text(value), span: Span::default() };
        let set = TlsProfile::default().set(attribute, value);
        set.map_err(|problem| (position, problem))?;
    }
    Ok(Arc::new(()))
}

/// A value as text.
fn text(value: &GlobalValue) -> String {
    match value {
        GlobalValue::Int(number) => number.to_string(),
        GlobalValue::Text(text) => String::from_utf8_lossy(text).into_owned(),
        GlobalValue::Word(word) => word.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked_at_their_places() {
        let text = |text: &str| GlobalValue::Text(text.as_bytes().to_vec());
        let good = ("certificate", text("cert.pem"));
        assert!(configure(&[good.clone(), ("tls_method", text("TLSv1.2+"))]).is_ok());
        let (position, why) = configure(&[good, ("tls_method", text("SSLv3"))]).unwrap_err();
        assert_eq!(position, 1);
        assert!(why.contains("TLSv1.2+"), "{why}");
    }

    #[test]
    fn parameters_are_named_once() {
        for (position, setting) in SETTINGS.iter().enumerate() {
            let mut earlier = SETTINGS[..position].iter();
            assert!(earlier.all(|other| other.name != setting.name), "{}", setting.name);
        }
    }
}
