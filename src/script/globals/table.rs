//! All global parameters of SER, OpenSER and Kamailio, in one table.

/// A global parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: &'static str,
    /// What its value must be.
    pub(super) kind: Kind,
    /// Whether it changes anything.
    pub(super) effect: Effect,
    /// What it does; empty if nothing.
    pub(super) doc: &'static str,
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything.
    Any,
    /// `yes` or `no`, or a number.
    Bool,
    /// A number.
    Int,
    /// Several host names or addresses.
    List,
    /// Addresses to listen on, with their options.
    Listen,
    /// A string, quoted or bare.
    Text,
}

/// Whether a parameter changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It does not, and why.
    None(&'static str),
    /// It does not, and why: where it says more than `no`, something else is done than was asked.
    Missing(&'static str),
    /// It does.
    Some,
}

/// A parameter that changes something.
const fn used(name: &'static str, kind: Kind, doc: &'static str) -> Parameter {
    Parameter { name, kind, effect: Effect::Some, doc }
}

/// A parameter that is accepted so that scripts load unchanged.
const fn idle(name: &'static str, kind: Kind, why: &'static str) -> Parameter {
    Parameter { name, kind, effect: Effect::None(why), doc: "" }
}

/// A parameter that is accepted, and does not do what it asks for.
const fn missing(name: &'static str, kind: Kind, why: &'static str) -> Parameter {
    Parameter { name, kind, effect: Effect::Missing(why), doc: "" }
}

/// Why parameters about processes have no effect.
const PROCESSES: &str = "one process with threads runs, in the foreground";

/// Why parameters about the system have no effect.
const SYSTEM: &str = "the service manager sets user, folders and limits";

/// Why parameters about memory have no effect.
const MEMORY: &str = "there are no memory pools";

/// Why parameters about modules have no effect.
const MODULES: &str = "modules are built in";

/// Why parameters about logging have no effect.
const LOGGING: &str = "where log lines go is up to `log_stderror`, what they look like is fixed";

/// Why parameters about SCTP have no effect.
const SCTP: &str = "the transports are UDP, TCP and TLS";

/// Why parameters about connections have no effect.
const STREAMS: &str = "connections have limits and times of their own";

/// Why parameters about connections have no effect.
const CONNECTIONS: &str =
    "workers have connections of their own, and write when the kernel takes it";

/// Why parameters about names have no effect.
const NAMES: &str = "the names of this server are those of `listen`, `alias` and the machine; for \
                     addresses no names are looked up";

/// Why parameters about NAPTR records and transports have no effect.
const TRANSPORTS: &str = "the URI names the transport; where it does not, `_sip._udp` is asked for";

/// Why parameters about the answers of name servers have no effect.
const ANSWERS: &str = "answers are always kept, of so many names as there is room for";

/// Why parameters about destinations that do not answer have no effect.
const FAILOVER: &str = "a request is sent once: whether it arrives is seen by who repeats it";

/// Why parameters about the way of asking have no effect.
const RESOLVER: &str = "`/etc/hosts` and `/etc/resolv.conf` are read again when they change";

/// Why parameters about weights have no effect.
const WEIGHTS: &str = "the weights of SRV records always count (RFC 2782)";

/// Why parameters about sockets have no effect.
const SOCKETS: &str = "the server sets its sockets up itself, and picks the one to send from";

/// Why parameters about messages have no effect.
const MESSAGES: &str = "requests are checked and replies made as the RFC says";

/// Why parameters about control have no effect.
const CONTROL: &str = "commands come through `ctl` and `fifo`";

/// The table.
pub(super) const GLOBALS: &[Parameter] = &[
    used(
        "listen",
        Kind::Listen,
        "Where messages are received: `udp:192.0.2.1:5060`; may be given several times. Without a \
         transport it is by UDP, TCP and, if that is on, TLS (at the next port).",
    ),
    used("socket", Kind::Listen, "The same as `listen`."),
    used("alias", Kind::List, "Further names of this server, for `myself`."),
    used(
        "auto_aliases",
        Kind::Bool,
        "Whether the name of the machine is one of this server, and `localhost` where it listens \
         on a loopback address (yes).",
    ),
    used(
        "advertised_address",
        Kind::Any,
        "The host in Via and Record-Route, for addresses of `listen` without `advertise`.",
    ),
    used(
        "advertised_port",
        Kind::Int,
        "The port in Via and Record-Route, for addresses of `listen` without `advertise`.",
    ),
    used("port", Kind::Int, "The port where `listen` names none."),
    used(
        "log_facility",
        Kind::Any,
        "The facility of log lines in the system log, such as `LOG_LOCAL0`; `LOG_DAEMON` if not \
         set.",
    ),
    used("syslog_facility", Kind::Any, "The same as `log_facility`."),
    used("server_id", Kind::Int, "The number of this server, `$sid`; 0 if not set."),
    used(
        "xavp_via_params",
        Kind::Text,
        "The attribute whose members become parameters of our Via (`via_add_xavp_params`).",
    ),
    used(
        "xavp_via_fields",
        Kind::Text,
        "The attribute whose members `address` and `port` stand in our Via \
         (`via_use_xavp_fields`).",
    ),
    used("tls_port", Kind::Int, "The same as `tls_port_no`."),
    used("tls_port_no", Kind::Int, "The port of TLS where `listen` names none."),
    used("disable_tcp", Kind::Bool, "Whether neither TCP nor TLS is listened to."),
    used("enable_tls", Kind::Bool, "Whether TLS is listened to."),
    used("tls_enable", Kind::Bool, "The same as `enable_tls`."),
    used("disable_tls", Kind::Bool, "The opposite of `enable_tls`."),
    used("tls_disable", Kind::Bool, "The opposite of `enable_tls`."),
    used(
        "udp_mtu",
        Kind::Int,
        "Requests that would have more bytes do not leave by UDP but as `udp_mtu_try_proto` says \
         (RFC 3261 §18.1.1); 0: all may.",
    ),
    used("udp_mtu_try_proto", Kind::Text, "`TCP` or `TLS`: see `udp_mtu`. `UDP` changes nothing."),
    used("children", Kind::Int, "Worker threads."),
    used("workers", Kind::Int, "Worker threads."),
    used("udp_workers", Kind::Int, "Worker threads."),
    used("debug", Kind::Int, "Log lines above this level are not written (-5 to 4)."),
    used("log_level", Kind::Int, "Log lines above this level are not written (-5 to 4)."),
    used("log_stderror", Kind::Bool, "Whether log lines go to standard error."),
    used("stderror_enabled", Kind::Bool, "Whether log lines go to standard error."),
    used("server_header", Kind::Text, "The Server header line of replies made here."),
    used("server_signature", Kind::Bool, "Whether replies made here have a Server header."),
    used("max_while_loops", Kind::Int, "Turns that a `while` loop may take."),
    used("max_branches", Kind::Int, "URIs of a destination set beside the Request-URI."),
    used(
        "steering",
        Kind::Text,
        "How datagrams are spread over workers: `hash` by source, or `spread`.",
    ),
    used(
        "overload_policy",
        Kind::Text,
        "What happens to new calls while datagrams are lost for want of time: `none`, or `reject`.",
    ),
    used(
        "overload_retry_after",
        Kind::Int,
        "When callers that were refused in overload may try again (seconds).",
    ),
    used(
        "branch_secret",
        Kind::Text,
        "The key of the branch hash, the same on servers that share an address. Without it, it is \
         made of `/etc/machine-id` and the listen addresses, so that it is the same after a \
         restart: where others know that file, on a machine made of a common image or with users \
         who are not trusted, set it.",
    ),
    used("tls_certificate", Kind::Text, "As `certificate` of the module `tls`."),
    used("tls_private_key", Kind::Text, "As `private_key` of the module `tls`."),
    used("tls_ca_list", Kind::Text, "As `ca_list` of the module `tls`."),
    used("tls_method", Kind::Text, "As the parameter of the module `tls`."),
    used("tls_ciphers_list", Kind::Text, "As `cipher_list` of the module `tls`."),
    used("tls_verify", Kind::Bool, "As `verify_certificate` of the module `tls`."),
    used("tls_verify_client", Kind::Bool, "Whether certificates that clients show are verified."),
    used("tls_verify_server", Kind::Bool, "Whether the certificates of servers are verified."),
    used("tls_require_certificate", Kind::Bool, "Whether clients must show a certificate."),
    used("tls_require_client_certificate", Kind::Bool, "Whether clients must show a certificate."),
    used(
        "ctl",
        Kind::Text,
        "Where `viaduct ctl` finds the server: `unix:/run/viaduct/ctl`, a socket for its own user \
         only. Without it there is none.",
    ),
    used(
        "fifo",
        Kind::Text,
        "A FIFO for the administrator's commands, as SER has it: `/tmp/ser_fifo`. Without it \
         there is none.",
    ),
    used("fifo_mode", Kind::Any, "The permissions of the FIFO, in octal: 0600."),
    used("fifo_dir", Kind::Text, "The folder of the FIFOs that answers are written to: `/tmp`."),
    used(
        "sip_warning",
        Kind::Bool,
        "Whether replies made here have a Warning header field that tells where the request came \
         from and what became of its URI. In `#!SER` scripts they have, in others only if this \
         says so.",
    ),
    used(
        "tcp_connection_lifetime",
        Kind::Int,
        "How long a connection stays on which nothing comes or goes (seconds; 120).",
    ),
    used(
        "tcp_connect_timeout",
        Kind::Int,
        "How long a connection may take to be opened (seconds; 10).",
    ),
    used(
        "tcp_send_timeout",
        Kind::Int,
        "When a connection is closed whose peer does not read (seconds; 10).",
    ),
    used(
        "tcp_msg_read_timeout",
        Kind::Int,
        "When a connection is closed on which a message does not come to its end (seconds; \
         20).",
    ),
    used("tcp_max_connections", Kind::Int, "Connections at once (16,384); more are refused."),
    used(
        "tcp_accept_iplimit",
        Kind::Int,
        "Connections accepted from one address at once (1,024; 0: any number).",
    ),
    used(
        "tcp_accept_no_cl",
        Kind::Bool,
        "Whether messages on connections may do without Content-Length; they have no body \
         then (no).",
    ),
    used("tcp_crlf_ping", Kind::Bool, "Whether keep-alives on connections are answered (yes)."),
    used(
        "tcp_no_connect",
        Kind::Bool,
        "Whether no connections are opened: only those of peers are used (no).",
    ),
    used(
        "tcp_rd_buf_size",
        Kind::Int,
        "Bytes read from a connection at a time (16,384, at most 65,536); a message may be \
         longer.",
    ),
    used(
        "tcp_conn_wq_max",
        Kind::Int,
        "Bytes that wait to be written to one connection (262,144); what exceeds them is \
         dropped.",
    ),
    used("tcp_wq_max", Kind::Int, "Bytes that wait to be written to all connections (67,108,864)."),
    used("tcp_keepalive", Kind::Bool, "Whether the kernel probes silent connections (yes)."),
    used(
        "tcp_keepidle",
        Kind::Int,
        "After how much silence it does (seconds; as the system is set).",
    ),
    used("tcp_keepintvl", Kind::Int, "How often it does then (seconds; as the system is set)."),
    used(
        "tcp_keepcnt",
        Kind::Int,
        "After how many probes without an answer a peer is gone (as the system is set).",
    ),
    used(
        "dns_servers",
        Kind::List,
        "Name servers to ask instead of those of `/etc/resolv.conf`, with or without port.",
    ),
    used("dns_servers_no", Kind::Int, "How many of the name servers are asked."),
    used(
        "dns_retr_time",
        Kind::Int,
        "When the next name server is asked if one does not answer (seconds; 1).",
    ),
    used("dns_retr_no", Kind::Int, "How often each name server is asked (4)."),
    used("dns_try_ipv6", Kind::Bool, "Whether IPv6 addresses of host names are asked for (yes)."),
    used(
        "dns_use_search_list",
        Kind::Bool,
        "Whether the domains of `search` in `/etc/resolv.conf` are tried (yes).",
    ),
    used(
        "dns_cache_min_ttl",
        Kind::Int,
        "How long the answer of a name server is used at least (seconds; 1).",
    ),
    used(
        "dns_cache_max_ttl",
        Kind::Int,
        "How long the answer of a name server is used at most (seconds; 3600).",
    ),
    used(
        "dns_cache_negative_ttl",
        Kind::Int,
        "How long a name is not asked for again that stands for nothing (seconds; 10).",
    ),
    idle("async_nonblock", Kind::Int, PROCESSES),
    idle("async_tkv_evcb", Kind::Any, PROCESSES),
    idle("async_tkv_gname", Kind::Any, PROCESSES),
    idle("async_usleep", Kind::Int, PROCESSES),
    idle("async_workers", Kind::Int, PROCESSES),
    idle("async_workers_group", Kind::Any, PROCESSES),
    idle("auto_scaling_profile", Kind::Any, PROCESSES),
    idle("exit_timeout", Kind::Int, PROCESSES),
    idle("fork", Kind::Bool, PROCESSES),
    idle("fork_delay", Kind::Int, PROCESSES),
    idle("kill_timeout", Kind::Int, PROCESSES),
    idle("modinit_delay", Kind::Int, PROCESSES),
    idle("real_time", Kind::Int, PROCESSES),
    idle("rt_fast_timer_prio", Kind::Int, PROCESSES),
    idle("rt_ftimer_policy", Kind::Int, PROCESSES),
    idle("rt_ftimer_prio", Kind::Int, PROCESSES),
    idle("rt_policy", Kind::Int, PROCESSES),
    idle("rt_prio", Kind::Int, PROCESSES),
    idle("rt_stimer_policy", Kind::Int, PROCESSES),
    idle("rt_stimer_prio", Kind::Int, PROCESSES),
    idle("rt_timer1_policy", Kind::Int, PROCESSES),
    idle("rt_timer1_prio", Kind::Int, PROCESSES),
    idle("rt_timer2_policy", Kind::Int, PROCESSES),
    idle("rt_timer2_prio", Kind::Int, PROCESSES),
    idle("sctp_children", Kind::Int, PROCESSES),
    idle("ser_kill_timeout", Kind::Int, PROCESSES),
    idle("shutdown_timeout", Kind::Int, PROCESSES),
    idle("socket_workers", Kind::Int, PROCESSES),
    idle("tcp_children", Kind::Int, PROCESSES),
    idle("tcp_workers", Kind::Int, PROCESSES),
    idle("timer_workers", Kind::Int, PROCESSES),
    idle("wait_worker1_mode", Kind::Int, PROCESSES),
    idle("wait_worker1_time", Kind::Int, PROCESSES),
    idle("wait_worker1_usleep", Kind::Int, PROCESSES),
    missing("chroot", Kind::Text, SYSTEM),
    idle("disable_core_dump", Kind::Bool, SYSTEM),
    missing("gid", Kind::Any, SYSTEM),
    missing("group", Kind::Any, SYSTEM),
    idle("mlock_pages", Kind::Bool, SYSTEM),
    idle("open_files_limit", Kind::Int, SYSTEM),
    idle("pid_file", Kind::Text, SYSTEM),
    idle("run_dir", Kind::Text, SYSTEM),
    idle("rundir", Kind::Text, SYSTEM),
    idle("stats_name_separator", Kind::Text, SYSTEM),
    missing("uid", Kind::Any, SYSTEM),
    missing("user", Kind::Any, SYSTEM),
    idle("wdir", Kind::Text, SYSTEM),
    idle("workdir", Kind::Text, SYSTEM),
    idle("mem_add_size", Kind::Int, MEMORY),
    idle("mem_dbg", Kind::Int, MEMORY),
    idle("mem_join", Kind::Int, MEMORY),
    idle("mem_log", Kind::Int, MEMORY),
    idle("mem_safety", Kind::Int, MEMORY),
    idle("mem_status_mode", Kind::Int, MEMORY),
    idle("mem_summary", Kind::Int, MEMORY),
    idle("mem_warming", Kind::Bool, MEMORY),
    idle("mem_warming_percentage", Kind::Int, MEMORY),
    idle("memdbg", Kind::Int, MEMORY),
    idle("memlog", Kind::Int, MEMORY),
    idle("pkg_mem_size", Kind::Int, MEMORY),
    idle("rpm_mem_file", Kind::Text, MEMORY),
    idle("rpm_mem_size", Kind::Int, MEMORY),
    idle("shm", Kind::Any, MEMORY),
    idle("shm_force_alloc", Kind::Bool, MEMORY),
    idle("shm_hash_split_percentage", Kind::Int, MEMORY),
    idle("shm_mem", Kind::Any, MEMORY),
    idle("shm_mem_size", Kind::Int, MEMORY),
    idle("shm_secondary_hash_size", Kind::Int, MEMORY),
    idle("sql_buffer_size", Kind::Int, MEMORY),
    idle("cfgengine", Kind::Text, MODULES),
    idle("loadpath", Kind::Text, MODULES),
    idle("modules_dir", Kind::Text, MODULES),
    idle("mpath", Kind::Text, MODULES),
    idle("core_log", Kind::Int, LOGGING),
    idle("corelog", Kind::Int, LOGGING),
    idle("debug_mode", Kind::Bool, LOGGING),
    idle("execdnsthreshold", Kind::Int, LOGGING),
    idle("execmsgthreshold", Kind::Int, LOGGING),
    idle("latency_cfg_log", Kind::Int, LOGGING),
    idle("latency_limit_action", Kind::Int, LOGGING),
    idle("latency_limit_cfg", Kind::Int, LOGGING),
    idle("latency_limit_db", Kind::Int, LOGGING),
    idle("latency_log", Kind::Int, LOGGING),
    idle("log_color", Kind::Bool, LOGGING),
    idle("log_engine_data", Kind::Text, LOGGING),
    idle("log_engine_type", Kind::Text, LOGGING),
    idle("log_msg_filter", Kind::Text, LOGGING),
    idle("log_name", Kind::Text, LOGGING),
    idle("log_prefix", Kind::Text, LOGGING),
    idle("log_prefix_mode", Kind::Int, LOGGING),
    idle("statistics", Kind::Any, LOGGING),
    idle("stderror_level_filter", Kind::Int, LOGGING),
    idle("stderror_log_format", Kind::Any, LOGGING),
    idle("syslog_enabled", Kind::Bool, LOGGING),
    idle("syslog_level_filter", Kind::Int, LOGGING),
    idle("syslog_log_format", Kind::Any, LOGGING),
    idle("syslog_name", Kind::Text, LOGGING),
    idle("tcpthreshold", Kind::Int, LOGGING),
    idle("verbose_startup", Kind::Bool, LOGGING),
    idle("xlog_buf_size", Kind::Int, LOGGING),
    idle("xlog_force_color", Kind::Bool, LOGGING),
    idle("xlog_level", Kind::Any, LOGGING),
    idle("xlog_print_level", Kind::Any, LOGGING),
    idle("http_reply_hack", Kind::Bool, STREAMS),
    idle("http_reply_parse", Kind::Bool, STREAMS),
    idle("disable_sctp", Kind::Bool, SCTP),
    idle("enable_sctp", Kind::Any, SCTP),
    idle("sctp_autoclose", Kind::Any, SCTP),
    idle("sctp_max_assocs", Kind::Any, SCTP),
    idle("sctp_send_retries", Kind::Any, SCTP),
    idle("sctp_send_ttl", Kind::Any, SCTP),
    idle("sctp_socket_rcvbuf", Kind::Any, SCTP),
    idle("sctp_socket_receive_buffer", Kind::Any, SCTP),
    idle("sctp_socket_send_buffer", Kind::Any, SCTP),
    idle("tcp_accept_aliases", Kind::Bool, CONNECTIONS),
    idle("tcp_accept_haproxy", Kind::Bool, CONNECTIONS),
    idle("tcp_accept_hep3", Kind::Bool, CONNECTIONS),
    idle("tcp_accept_unique", Kind::Int, CONNECTIONS),
    idle("tcp_async", Kind::Bool, CONNECTIONS),
    idle("tcp_buf_write", Kind::Bool, CONNECTIONS),
    idle("tcp_check_timer", Kind::Int, CONNECTIONS),
    idle("tcp_clone_rcvbuf", Kind::Bool, CONNECTIONS),
    idle("tcp_conn_max", Kind::Int, CONNECTIONS),
    idle("tcp_connection_match", Kind::Int, CONNECTIONS),
    idle("tcp_connection_threshold", Kind::Int, CONNECTIONS),
    idle("tcp_defer_accept", Kind::Any, CONNECTIONS),
    idle("tcp_delayed_ack", Kind::Bool, CONNECTIONS),
    idle("tcp_fd_cache", Kind::Bool, CONNECTIONS),
    idle("tcp_keepinterval", Kind::Int, CONNECTIONS),
    idle("tcp_linger2", Kind::Int, CONNECTIONS),
    idle("tcp_main_pid", Kind::Int, CONNECTIONS),
    idle("tcp_max_msg_size", Kind::Int, CONNECTIONS),
    idle("tcp_max_msg_time", Kind::Int, CONNECTIONS),
    idle("tcp_msg_data_timeout", Kind::Int, CONNECTIONS),
    idle("tcp_no_new_conn_bflag", Kind::Any, CONNECTIONS),
    idle("tcp_no_new_conn_rplflag", Kind::Any, CONNECTIONS),
    idle("tcp_opt_buf_write", Kind::Bool, CONNECTIONS),
    idle("tcp_opt_fd_cache", Kind::Bool, CONNECTIONS),
    idle("tcp_parallel_handling", Kind::Int, CONNECTIONS),
    idle("tcp_poll_method", Kind::Any, CONNECTIONS),
    idle("tcp_reuse_port", Kind::Bool, CONNECTIONS),
    idle("tcp_script_mode", Kind::Int, CONNECTIONS),
    idle("tcp_source_ipv4", Kind::Any, CONNECTIONS),
    idle("tcp_source_ipv6", Kind::Any, CONNECTIONS),
    idle("tcp_syncnt", Kind::Int, CONNECTIONS),
    idle("tcp_verbose", Kind::Any, CONNECTIONS),
    idle("tcp_wait_data", Kind::Int, CONNECTIONS),
    idle("tcp_wq_blk_size", Kind::Int, CONNECTIONS),
    idle("tls_handshake_timeout", Kind::Int, STREAMS),
    idle("tls_log", Kind::Int, STREAMS),
    idle("tls_max_connections", Kind::Int, STREAMS),
    idle("tls_send_timeout", Kind::Int, STREAMS),
    idle("tlslog", Kind::Any, STREAMS),
    missing("auto_bind_ipv6", Kind::Bool, NAMES),
    idle("bind_ipv6_link_local", Kind::Any, NAMES),
    idle("dns", Kind::Bool, NAMES),
    idle("rev_dns", Kind::Bool, NAMES),
    idle("dns_naptr_ignore_rfc", Kind::Bool, TRANSPORTS),
    idle("dns_sctp_pref", Kind::Int, TRANSPORTS),
    idle("dns_sctp_preference", Kind::Int, TRANSPORTS),
    idle("dns_tcp_pref", Kind::Int, TRANSPORTS),
    idle("dns_tcp_preference", Kind::Int, TRANSPORTS),
    idle("dns_tls_pref", Kind::Int, TRANSPORTS),
    idle("dns_tls_preference", Kind::Int, TRANSPORTS),
    idle("dns_try_naptr", Kind::Bool, TRANSPORTS),
    idle("dns_udp_pref", Kind::Int, TRANSPORTS),
    idle("dns_udp_preference", Kind::Int, TRANSPORTS),
    missing("enum_domain", Kind::Text, TRANSPORTS),
    idle("dns_srv_lb", Kind::Bool, WEIGHTS),
    idle("dns_srv_loadbalancing", Kind::Bool, WEIGHTS),
    idle("dns_cache_del_nonexp", Kind::Bool, ANSWERS),
    idle("dns_cache_delete_nonexpired", Kind::Bool, ANSWERS),
    idle("dns_cache_flags", Kind::Int, ANSWERS),
    idle("dns_cache_gc_interval", Kind::Int, ANSWERS),
    idle("dns_cache_init", Kind::Bool, ANSWERS),
    idle("dns_cache_mem", Kind::Int, ANSWERS),
    idle("dns_cache_rec_pref", Kind::Int, ANSWERS),
    idle("dns_timer_interval", Kind::Int, ANSWERS),
    idle("use_dns_cache", Kind::Bool, ANSWERS),
    idle("dns_reinit", Kind::Int, RESOLVER),
    idle("dns_search_full_match", Kind::Bool, RESOLVER),
    idle("dns_slow_query_ms", Kind::Int, RESOLVER),
    idle("blst_expire", Kind::Int, FAILOVER),
    idle("blst_gc_interval", Kind::Int, FAILOVER),
    idle("disable_dns_blacklist", Kind::Bool, FAILOVER),
    idle("disable_dns_blocklist", Kind::Bool, FAILOVER),
    idle("disable_dns_failover", Kind::Bool, FAILOVER),
    idle("dst_blacklist", Kind::Any, FAILOVER),
    idle("dst_blacklist_expire", Kind::Int, FAILOVER),
    idle("dst_blacklist_gc_interval", Kind::Int, FAILOVER),
    idle("dst_blacklist_init", Kind::Bool, FAILOVER),
    idle("dst_blacklist_mask", Kind::Any, FAILOVER),
    idle("dst_blacklist_mem", Kind::Int, FAILOVER),
    idle("dst_blacklist_sctp_imask", Kind::Any, FAILOVER),
    idle("dst_blacklist_tcp_imask", Kind::Any, FAILOVER),
    idle("dst_blacklist_tls_imask", Kind::Any, FAILOVER),
    idle("dst_blacklist_ttl", Kind::Int, FAILOVER),
    idle("dst_blacklist_udp_imask", Kind::Any, FAILOVER),
    idle("dst_blocklist_expire", Kind::Int, FAILOVER),
    idle("dst_blocklist_gc_interval", Kind::Int, FAILOVER),
    idle("dst_blocklist_init", Kind::Bool, FAILOVER),
    idle("dst_blocklist_mem", Kind::Int, FAILOVER),
    idle("use_dns_failover", Kind::Bool, FAILOVER),
    idle("use_dst_blacklist", Kind::Bool, FAILOVER),
    idle("use_dst_blocklist", Kind::Bool, FAILOVER),
    missing("force_rport", Kind::Bool, SOCKETS),
    idle("ip_free_bind", Kind::Any, SOCKETS),
    idle("ip_nonlocal_bind", Kind::Any, SOCKETS),
    idle("ipfreebind", Kind::Any, SOCKETS),
    idle("maxbuffer", Kind::Int, SOCKETS),
    idle("maxsndbuffer", Kind::Int, SOCKETS),
    missing("mcast", Kind::Text, SOCKETS),
    idle("mcast_loopback", Kind::Bool, SOCKETS),
    idle("mcast_ttl", Kind::Int, SOCKETS),
    missing("mhomed", Kind::Bool, SOCKETS),
    idle("pmtu_discovery", Kind::Any, SOCKETS),
    idle("socket_buffer", Kind::Int, SOCKETS),
    missing("tos", Kind::Any, SOCKETS),
    idle("udp4_raw", Kind::Any, SOCKETS),
    idle("udp4_raw_mtu", Kind::Int, SOCKETS),
    idle("udp4_raw_ttl", Kind::Int, SOCKETS),
    idle("udp_receiver_mode", Kind::Any, SOCKETS),
    idle("use_ipv6", Kind::Bool, SOCKETS),
    idle("abort_on_assert", Kind::Bool, MESSAGES),
    missing("check_via", Kind::Bool, MESSAGES),
    idle("db_default_url", Kind::Text, MESSAGES),
    idle("db_max_async_connections", Kind::Int, MESSAGES),
    idle("db_version_table", Kind::Text, MESSAGES),
    idle("descr", Kind::Text, MESSAGES),
    idle("description", Kind::Text, MESSAGES),
    idle("disable_503_translation", Kind::Bool, MESSAGES),
    idle("enable_asserts", Kind::Bool, MESSAGES),
    missing("local_rport", Kind::Bool, MESSAGES),
    idle("max_grace_time", Kind::Int, MESSAGES),
    idle("max_recursive_level", Kind::Int, MESSAGES),
    idle("modparam_mode", Kind::Int, MESSAGES),
    idle("msg_time", Kind::Bool, MESSAGES),
    missing("onsend_route_reply", Kind::Bool, MESSAGES),
    missing("phone2tel", Kind::Int, MESSAGES),
    idle("pv_buffer_size", Kind::Int, MESSAGES),
    idle("pv_buffer_slots", Kind::Int, MESSAGES),
    idle("pv_cache_action", Kind::Int, MESSAGES),
    idle("pv_cache_limit", Kind::Int, MESSAGES),
    idle("reply_relay_mode", Kind::Int, MESSAGES),
    missing("reply_to_via", Kind::Bool, MESSAGES),
    idle("restart_persistency_cache_file", Kind::Text, MESSAGES),
    idle("restart_persistency_size", Kind::Int, MESSAGES),
    missing("return_mode", Kind::Int, MESSAGES),
    idle("route_locks_size", Kind::Int, MESSAGES),
    idle("rpc_exec_delta", Kind::Int, MESSAGES),
    idle("sip_parser_log", Kind::Int, MESSAGES),
    idle("sip_parser_log_oneline", Kind::Bool, MESSAGES),
    missing("sip_parser_mode", Kind::Int, MESSAGES),
    idle("syn_branch", Kind::Bool, MESSAGES),
    missing("uri_host_extra_chars", Kind::Text, MESSAGES),
    idle("user_agent_header", Kind::Text, MESSAGES),
    idle("version_table", Kind::Text, MESSAGES),
    idle("via_auto_address", Kind::Bool, MESSAGES),
    idle("fifo_db_url", Kind::Text, CONTROL),
    idle("fifo_group", Kind::Any, CONTROL),
    idle("fifo_user", Kind::Any, CONTROL),
    idle("unix_sock", Kind::Text, CONTROL),
    idle("unix_sock_group", Kind::Any, CONTROL),
    idle("unix_sock_mode", Kind::Any, CONTROL),
    idle("unix_sock_user", Kind::Any, CONTROL),
    idle("unixsock", Kind::Text, CONTROL),
    idle("unixsock_group", Kind::Any, CONTROL),
    idle("unixsock_mode", Kind::Any, CONTROL),
    idle("unixsock_user", Kind::Any, CONTROL),
    idle("xmlrpc", Kind::Any, CONTROL),
];
