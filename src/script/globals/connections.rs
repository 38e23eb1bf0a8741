//! `tcp_max_connections = 4096`: how connections are treated.

use super::Builder;
use crate::limits::{CONNECTION_COUNT_LIMIT, CONNECTION_QUEUE_LIMIT, DATAGRAM_BYTES_MAX};
use crate::script::Span;

/// Longest time that anything about connections may take: a year. A negative one is as long.
const SECONDS_MAX: i64 = 31_536_000;

/// Largest `tcp_rd_buf_size` that may be given, as in Kamailio; more than a message is not read.
const READ_BYTES_MAX: i64 = 16 << 20;

/// Most probes that the kernel sends.
const PROBE_COUNT_MAX: i64 = 127;

impl Builder<'_> {
    /// Takes over a number or a truth value.
    pub(super) fn connections(&mut self, name: &str, number: i64, span: Span) {
        let limits = match name {
            "tcp_connection_lifetime"
            | "tcp_connect_timeout"
            | "tcp_send_timeout"
            | "tcp_msg_read_timeout" => (-1, SECONDS_MAX),
            "tcp_keepidle" | "tcp_keepintvl" => (0, 32_767),
            "tcp_keepcnt" => (0, PROBE_COUNT_MAX),
            "tcp_max_connections" | "tcp_accept_iplimit" => (0, CONNECTION_COUNT_LIMIT as i64),
            "tcp_conn_wq_max" | "tcp_wq_max" => (0, CONNECTION_QUEUE_LIMIT as i64),
            "tcp_rd_buf_size" => (512, READ_BYTES_MAX),
            _ => (0, i64::MAX),
        };
        let Some(number) = self.within(number, limits.0, limits.1, span) else { return };
        let connections = &mut self.settings.connections;
        let seconds = if number < 0 { SECONDS_MAX as u32 } else { number as u32 };
        let (count, is_set) = (number as usize, number != 0);
        match name {
            "tcp_connection_lifetime" => connections.lifetime_seconds = seconds,
            "tcp_connect_timeout" => connections.connect_seconds = seconds,
            "tcp_send_timeout" => connections.send_seconds = seconds,
            "tcp_msg_read_timeout" => connections.message_seconds = seconds,
            "tcp_max_connections" => connections.count_max = count,
            "tcp_accept_iplimit" => connections.count_per_address_max = count,
            "tcp_accept_no_cl" => connections.accepts_no_length = is_set,
            "tcp_crlf_ping" => connections.answers_pings = is_set,
            "tcp_no_connect" => connections.opens = !is_set,
            "tcp_rd_buf_size" => connections.read_bytes = count.min(DATAGRAM_BYTES_MAX + 1),
            "tcp_conn_wq_max" => connections.queue_bytes_max = count,
            "tcp_wq_max" => connections.queues_bytes_max = count,
            "tcp_keepalive" => connections.probes.are_sent = is_set,
            "tcp_keepidle" => connections.probes.idle_seconds = seconds,
            "tcp_keepintvl" => connections.probes.interval_seconds = seconds,
            "tcp_keepcnt" => connections.probes.count = seconds,
            _ => {}
        }
    }
}
