//! `dns_servers = "192.0.2.53" dns_retr_time = 2`: how names are asked for.

use std::net::SocketAddr;

use super::listen::{address_of, split_host};
use super::{Builder, text};
use crate::limits::DNS_SERVER_COUNT_MAX;
use crate::script::Span;
use crate::script::ast::Global;
use crate::script::diagnostic::Diagnostic;

/// The port of name servers (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;

/// Longest time that an answer of a name server may be kept: a week.
const TTL_SECONDS_MAX: u32 = 604_800;

/// Longest time that a name server may be given to answer, and how often it may be asked.
const RETRY_SECONDS_MAX: u32 = 60;
/// See [`RETRY_SECONDS_MAX`].
const TRY_COUNT_MAX: u32 = 10;

impl Builder<'_> {
    /// Takes over a number or a truth value.
    pub(super) fn names(&mut self, name: &str, number: i64, span: Span) {
        let limits = match name {
            "dns_try_ipv6" | "dns_use_search_list" => (0, u32::MAX),
            "dns_servers_no" => (1, DNS_SERVER_COUNT_MAX as u32),
            "dns_retr_time" => (1, RETRY_SECONDS_MAX),
            "dns_retr_no" => (1, TRY_COUNT_MAX),
            "dns_cache_max_ttl" => (1, TTL_SECONDS_MAX),
            _ => (0, TTL_SECONDS_MAX),
        };
        let Some(number) = self.within(number, limits.0, limits.1, span) else { return };
        let names = &mut self.settings.names;
        match name {
            "dns_try_ipv6" => names.try_ipv6 = number != 0,
            "dns_use_search_list" => names.use_search_list = number != 0,
            "dns_servers_no" => names.server_count = number as usize,
            "dns_retr_time" => names.retry_seconds = number,
            "dns_retr_no" => names.try_count = number,
            "dns_cache_min_ttl" => names.min_ttl_seconds = number,
            "dns_cache_max_ttl" => names.max_ttl_seconds = number,
            "dns_cache_negative_ttl" => names.negative_ttl_seconds = number,
            _ => {}
        }
    }

    /// Takes over `dns_servers`.
    pub(super) fn name_servers(&mut self, global: &Global) {
        for value in &global.values {
            let shown = text(&value.node);
            let address = split_host(&shown).and_then(|(host, port)| {
                Some(SocketAddr::new(address_of(&host)?, port.unwrap_or(DNS_PORT)))
            });
            let servers = &mut self.settings.names.servers;
            let (code, message) = match address {
                Some(address) if servers.len() < DNS_SERVER_COUNT_MAX => {
                    servers.push(address);
                    continue;
                }
                Some(_) => {
                    ("E0305", format!("there are {DNS_SERVER_COUNT_MAX} name servers at most"))
                }
                None => ("E0303", format!("`{shown}` is no address")),
            };
            self.diagnostics.push(Diagnostic::error(code, value.span, message));
        }
    }
}
