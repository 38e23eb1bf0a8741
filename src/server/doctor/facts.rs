//! What is known of the machine and of what the server wants of it. What could not be read is
//! `None` or empty: a container does not see everything, and a finding needs a fact.

/// What the checks look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// What the server would do with its configuration.
    pub(super) wish: Wish,
    /// What the kernel gave when a socket was opened as the server opens it.
    pub(super) socket: Option<SocketFacts>,
    /// The kernel's version: 6, 1.
    pub(super) kernel: Option<(u32, u32)>,
    /// `net.core.rmem_max` (bytes).
    pub(super) receive_max_bytes: Option<u64>,
    /// `net.core.wmem_max` (bytes).
    pub(super) send_max_bytes: Option<u64>,
    /// `net.core.netdev_max_backlog` (packets).
    pub(super) backlog: Option<u64>,
    /// Packets dropped because that backlog was full, all cores.
    pub(super) backlog_drops: Option<u64>,
    /// Open files that a process like this one may have, and up to where it may raise that.
    pub(super) open_files: Option<(u64, u64)>,
    /// Cores that this process may run on.
    pub(super) cores: Vec<usize>,
    /// Processor time that the control group allows, in thousandths of a core.
    pub(super) quota_millicores: Option<u64>,
    /// The governors of those cores, each once.
    pub(super) governors: Vec<String>,
    /// The slowest idle state that the cores may enter: name and time to wake (µs).
    pub(super) idle_state: Option<(String, u64)>,
    /// The chosen word of `transparent_hugepage/enabled`.
    pub(super) huge_page_mode: Option<String>,
    /// Reserved huge pages.
    pub(super) huge_pages: Option<u64>,
    /// Swap in all (KiB).
    pub(super) swap_kib: Option<u64>,
    /// Swap in use (KiB).
    pub(super) swap_used_kib: Option<u64>,
    /// Network cards that are up, virtual interfaces left out.
    pub(super) interfaces: Vec<Interface>,
    /// The UDP counters since the machine, or this network namespace, was started.
    pub(super) udp: Option<UdpCounters>,
    /// Whether this runs in a container.
    pub(super) in_container: bool,
}

/// What the server would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    /// Worker threads.
    pub(super) worker_count: usize,
    /// Listen addresses.
    pub(super) listener_count: usize,
    /// Connections at once; 0 if there are none.
    pub(super) connection_count_max: usize,
    /// Whether `steering = spread`.
    pub(super) spreads: bool,
}

/// What the kernel gave a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SocketFacts {
    /// The buffers to receive and to send (bytes). Overruns are told.
    Granted(usize, usize),
    /// It could not be opened so; with what the system said.
    Refused(String),
}

/// A network card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interface {
    /// Its name.
    pub(super) name: String,
    /// Its queues to receive, in their order.
    pub(super) receive_queues: Vec<ReceiveQueue>,
    /// The interrupts that it has had.
    pub(super) interrupts: Vec<Interrupt>,
}

/// A queue of received packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReceiveQueue {
    /// Its directory's name.
    pub(super) name: String,
    /// Whether packets are passed on to chosen cores (`rps_cpus`).
    pub(super) is_steered: bool,
}

/// An interrupt that has occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Interrupt {
    /// Its number.
    pub(super) number: u32,
    /// The core that it goes to, if it is only one.
    pub(super) core: Option<usize>,
}

/// A part of `/proc/net/snmp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UdpCounters {
    /// Datagrams received.
    pub(super) received: u64,
    /// Datagrams lost on the way in, for any reason.
    pub(super) receive_errors: u64,
    /// Those of them that found the socket's buffer full.
    pub(super) receive_buffer_errors: u64,
    /// Datagrams that found the buffer to send full.
    pub(super) send_buffer_errors: u64,
}
