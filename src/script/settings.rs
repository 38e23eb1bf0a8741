//! What the global parameters of a script say.

use std::net::SocketAddr;

use crate::connections::ConnectionSettings;
use crate::limits::{BRANCH_COUNT_MAX, SCRIPT_LOOP_TURNS_MAX};
use crate::names::NameSettings;
use crate::protocol::Transport;

/// The dialect of a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `#!KAMAILIO`, and what has no mark: `$` in xlog, timers in milliseconds.
    #[default]
    Kamailio,
    /// `#!OPENSER`: `$` in xlog, timers in seconds.
    OpenSer,
    /// `#!SER`: `%` in xlog, timers in seconds.
    Ser,
}

/// One `listen` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// The transport.
    pub transport: Transport,
    /// The address to bind.
    pub address: SocketAddr,
    /// What to put into Via and Record-Route instead (`advertise`).
    pub advertise: Option<(String, u16)>,
}

/// Where the administrator's commands come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSettings {
    /// Path of the socket for `viaduct ctl` (`ctl`).
    pub socket: Option<String>,
    /// Path of the FIFO (`fifo`).
    pub fifo: Option<String>,
    /// Permissions of the FIFO (`fifo_mode`).
    pub fifo_mode: u32,
    /// The folder of the FIFOs that answers go to (`fifo_dir`).
    pub reply_folder: String,
}

impl ControlSettings {
    /// Whether both have the same FIFO, or none.
    #[must_use]
    pub fn same_fifo(&self, other: &Self) -> bool {
        let parts = |it: &Self| (it.fifo.clone(), it.fifo_mode, it.reply_folder.clone());
        parts(self) == parts(other)
    }
}

impl Default for ControlSettings {
    fn default() -> Self {
        Self { socket: None, fifo: None, fifo_mode: 0o600, reply_folder: "/tmp".to_owned() }
    }
}

/// The settings of a script, defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The dialect.
    pub dialect: Dialect,
    /// Addresses to listen on; empty: all, at [`Settings::port`].
    pub listen: Vec<ListenAddress>,
    /// The port where `listen` names none.
    pub port: u16,
    /// Further names of this server: host and, if given, port.
    pub aliases: Vec<(String, Option<u16>)>,
    /// Worker threads; `None`: one for each usable core.
    pub workers: Option<usize>,
    /// Log level: lines above it are not written (-5 to 4).
    pub debug: i32,
    /// Whether log lines go to standard error.
    pub log_stderror: bool,
    /// The whole `Server` header line for replies made here, or none.
    pub server_header: Option<String>,
    /// Turns that a `while` loop may take.
    pub max_while_loops: u32,
    /// URIs of a destination set beside the Request-URI.
    pub max_branches: usize,
    /// Whether single-source traffic is spread over all workers (`steering = spread`).
    pub steering_spread: bool,
    /// Whether new calls are refused while datagrams are lost (`overload_policy = reject`).
    pub overload_reject: bool,
    /// When those who were refused may try again, in seconds (`overload_retry_after`).
    pub overload_retry_after_seconds: u32,
    /// The key of the branch hash; random at start if not given (`branch_secret`).
    pub branch_secret: Option<String>,
    /// Where the administrator's commands come in.
    pub control: ControlSettings,
    /// Whether replies made here tell where their request came from and went (`sip_warning`);
    /// not said: as the dialect has it.
    pub sip_warning: Option<bool>,
    /// How host names are asked for (`dns_...`).
    pub names: NameSettings,
    /// How connections are treated (`tcp_...`).
    pub connections: ConnectionSettings,
}

impl Settings {
    /// Whether replies made here have a noisy Warning header field: SER writes it unless it is
    /// told not to, OpenSER and Kamailio only if they are told to.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.sip_warning.unwrap_or(self.dialect == Dialect::Ser)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            listen: Vec::new(),
            port: 5060,
            aliases: Vec::new(),
            workers: None,
            debug: 0,
            log_stderror: false,
            server_header: Some(
                concat!("Server: Viaduct (", env!("CARGO_PKG_VERSION"), ")").to_owned(),
            ),
            max_while_loops: SCRIPT_LOOP_TURNS_MAX,
            max_branches: BRANCH_COUNT_MAX,
            steering_spread: false,
            overload_reject: false,
            overload_retry_after_seconds: 5,
            branch_secret: None,
            control: ControlSettings::default(),
            sip_warning: None,
            names: NameSettings::default(),
            connections: ConnectionSettings::default(),
        }
    }
}
