//! `corex`: Where Kamailio keeps `append_branch`, which is a function of the core here, and more.

mod flag;
mod socket;

use std::sync::Arc;

use super::table::{
    accepted_number, accepted_text, count, function, join, required_text, text_setting,
};
use crate::script::ast::GlobalValue;
use crate::script::{FALSE, FunctionSpec, ModuleConfig, ModuleSpec, RouteKinds, split_host_port};

/// Domains that are this server with all that is below them (`alias_subdomains`).
#[derive(Clone, Debug, Default)]
pub struct SubdomainAliases {
    /// In the order of the script.
    domains: Arc<[Domain]>,
}

/// A domain with its port, if it has one.
type Domain = (Box<[u8]>, Option<u16>);

impl SubdomainAliases {
    /// Whether host and port are one of these; without a port any is meant.
    #[must_use]
    pub fn have(&self, host: &[u8], port: Option<u16>) -> bool {
        self.domains.iter().any(|(domain, own_port)| {
            let fits = own_port.is_none() || port.is_none() || *own_port == port;
            fits && is_within(host, domain)
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }
}

/// Whether a host is a domain or below it.
fn is_within(host: &[u8], domain: &[u8]) -> bool {
    let Some(front) = host.len().checked_sub(domain.len()) else { return false };
    let (front, end) = host.split_at(front);
    end.eq_ignore_ascii_case(domain)
        && (front.is_empty() || front.len() > 1 && front.ends_with(b"."))
}

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: &ALL_FUNCTIONS,
    variables: socket::VARIABLES,
    settings: &[
        accepted_text("dns_cache", "Changes nothing: names are not looked up."),
        accepted_text("evcb_reply_out", "Changes nothing: there are no event routes of replies."),
        text_setting(
            "alias_subdomains",
            "A domain, `[udp:]example.com[:port]`, that is this server with all domains below it, \
             for `myself`; may be set several times.",
        ),
        accepted_number("nio_intercept", NO_INTERCEPTION),
        accepted_number("nio_min_msg_len", NO_INTERCEPTION),
        accepted_text("nio_msg_avp", NO_INTERCEPTION),
    ],
    configure: Some(configure),
    missing: super::missing::COREX,
    ..ModuleSpec::new("corex", "More functions of the core.")
};

/// The tables of functions.
const TABLES: &[&[FunctionSpec]] = &[FUNCTIONS, flag::FUNCTIONS, socket::FUNCTIONS];

/// All functions.
const ALL_FUNCTIONS: [FunctionSpec; count(TABLES)] = join(TABLES);

/// The functions of this file.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "set_send_socket",
            &[required_text("address")],
            "The request leaves from this listen address, written `udp:192.0.2.1:5060`. False if \
             it is no listen address.",
            r#"set_send_socket("udp:192.0.2.1:5060");"#,
            super::core::forward::force_send_socket,
        )
    },
    function(
        "is_faked_msg",
        &[],
        "Whether the message was made by the server itself, for routes that run without one: \
         always false.",
        "if (is_faked_msg()) exit;",
        |_, _| FALSE,
    ),
];

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut domains = Vec::new();
    for (position, (name, value)) in values.iter().enumerate() {
        if *name == "alias_subdomains" {
            let fault = || (position, "alias_subdomains must be `[udp:]domain[:port]`".to_owned());
            domains.push(domain(value).ok_or_else(fault)?);
        }
    }
    Ok(Arc::new(SubdomainAliases { domains: domains.into() }))
}

/// Domain and port that a parameter names; the transport is of no account.
fn domain(value: &GlobalValue) -> Option<Domain> {
    let GlobalValue::Text(text) = value else { return None };
    let transport = |known: &&&str| text.starts_with(known.as_bytes());
    let start = ["udp:", "tcp:", "tls:", "sctp:", "any:"].iter().find(transport);
    let (host, port) = split_host_port(&text[start.map_or(0, |start| start.len())..]);
    let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_domain = !host.is_empty() && host[0] != b'.' && host.iter().all(is_label);
    is_domain.then(|| (host.into(), port))
}

/// Says of a parameter that it is about routes that see raw datagrams.
const NO_INTERCEPTION: &str = "Changes nothing: there are no event routes of datagrams.";
