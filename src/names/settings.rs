//! How names are to be asked for.

use std::net::SocketAddr;

/// What a script says about name servers (`dns_...`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSettings {
    /// Name servers instead of those of `/etc/resolv.conf` (`dns_servers`).
    pub servers: Vec<SocketAddr>,
    /// How many of them are asked (`dns_servers_no`).
    pub server_count: usize,
    /// Whether IPv6 addresses are asked for (`dns_try_ipv6`).
    pub try_ipv6: bool,
    /// Whether the domains of `search` in `/etc/resolv.conf` are tried (`dns_use_search_list`).
    pub use_search_list: bool,
    /// How long a name server has to answer before the next one is asked (`dns_retr_time`).
    pub retry_seconds: u32,
    /// How often each name server is asked (`dns_retr_no`).
    pub try_count: u32,
    /// How long an answer is kept at least (`dns_cache_min_ttl`).
    pub min_ttl_seconds: u32,
    /// How long an answer is kept at most (`dns_cache_max_ttl`).
    pub max_ttl_seconds: u32,
    /// How long it is kept that there is nothing (`dns_cache_negative_ttl`).
    pub negative_ttl_seconds: u32,
}

impl Default for NameSettings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            server_count: crate::limits::DNS_SERVER_COUNT_MAX,
            try_ipv6: true,
            use_search_list: true,
            retry_seconds: 1,
            try_count: 4,
            min_ttl_seconds: 1,
            max_ttl_seconds: 3_600,
            negative_ttl_seconds: 10,
        }
    }
}
