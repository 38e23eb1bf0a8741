//! How connections are treated.

use crate::limits::{CONNECTION_COUNT_MAX, CONNECTION_QUEUE_BYTES, CONNECTION_QUEUES_BYTES};

/// What a script says about connections (`tcp_...`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// How long a connection stays on which nothing comes or goes (`tcp_connection_lifetime`).
    pub lifetime_seconds: u32,
    /// How long a connection may take to be opened (`tcp_connect_timeout`).
    pub connect_seconds: u32,
    /// How long a peer may take nothing of what is written (`tcp_send_timeout`).
    pub send_seconds: u32,
    /// How long a message may take to come in (`tcp_msg_read_timeout`).
    pub message_seconds: u32,
    /// Connections at once (`tcp_max_connections`).
    pub count_max: usize,
    /// Connections accepted from one address (`tcp_accept_iplimit`); 0: as many as there can be.
    pub count_per_address_max: usize,
    /// Whether a message may do without Content-Length, and has no body then
    /// (`tcp_accept_no_cl`).
    pub accepts_no_length: bool,
    /// Whether keep-alives are answered (`tcp_crlf_ping`).
    pub answers_pings: bool,
    /// Whether connections are opened (`tcp_no_connect` says no).
    pub opens: bool,
    /// Bytes read at a time (`tcp_rd_buf_size`).
    pub read_bytes: usize,
    /// Bytes that wait to be written to one connection (`tcp_conn_wq_max`).
    pub queue_bytes_max: usize,
    /// Bytes that wait to be written to all connections (`tcp_wq_max`).
    pub queues_bytes_max: usize,
    /// How the kernel finds out that a peer is gone.
    pub probes: ProbeSettings,
}

/// How the kernel probes silent connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Whether it does (`tcp_keepalive`).
    pub are_sent: bool,
    /// After how much silence (`tcp_keepidle`); 0: as the system is set.
    pub idle_seconds: u32,
    /// How often then (`tcp_keepintvl`); 0: as the system is set.
    pub interval_seconds: u32,
    /// After how many without an answer the peer is gone (`tcp_keepcnt`); 0: as the system is set.
    pub count: u32,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            lifetime_seconds: 120,
            connect_seconds: 10,
            send_seconds: 10,
            message_seconds: 20,
            count_max: CONNECTION_COUNT_MAX,
            count_per_address_max: 1_024,
            accepts_no_length: false,
            answers_pings: true,
            opens: true,
            read_bytes: 16 << 10,
            queue_bytes_max: CONNECTION_QUEUE_BYTES,
            queues_bytes_max: CONNECTION_QUEUES_BYTES,
            probes: ProbeSettings {
                are_sent: true,
                idle_seconds: 0,
                interval_seconds: 0,
                count: 0,
            },
        }
    }
}
