//! What the global parameters of a script say.

use std::net::{IpAddr, SocketAddr};

use super::LogFacility;
use super::hosts::HostTable;
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
    /// What scripts call it (`name`).
    pub name: Option<String>,
}

/// What stands in Via and Record-Route instead of the address and port of a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertised {
    /// The host (`advertised_address`).
    pub host: Option<String>,
    /// The port (`advertised_port`).
    pub port: Option<u16>,
}

impl Advertised {
    /// What stands for that address; `None` if it stands for itself.
    #[must_use]
    pub fn of(&self, address: SocketAddr) -> Option<(String, u16)> {
        let port = self.port.unwrap_or_else(|| address.port());
        match &self.host {
            Some(host) => Some((host.clone(), port)),
            None if self.port.is_none() || address.ip().is_unspecified() => None,
            None => match address.ip() {
                IpAddr::V4(ip) => Some((ip.to_string(), port)),
                IpAddr::V6(ip) => Some((format!("[{ip}]"), port)),
            },
        }
    }
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
    /// Addresses to listen on; empty: [`Settings::listen_to`] all.
    pub listen: Vec<ListenAddress>,
    /// The port where `listen` names none.
    pub port: u16,
    /// The port of TLS where `listen` names none (`tls_port_no`).
    pub tls_port: u16,
    /// Whether TCP and what is on top of it may be listened to (`disable_tcp`).
    pub tcp: bool,
    /// Whether TLS may be listened to (`enable_tls`).
    pub tls: bool,
    /// Requests with more bytes than this leave by [`Settings::udp_mtu_transport`] and not by UDP;
    /// 0: none does.
    pub udp_mtu_bytes: usize,
    /// See [`Settings::udp_mtu_bytes`].
    pub udp_mtu_transport: Transport,
    /// Further names of this server: host and, if given, port.
    pub aliases: Vec<(String, Option<u16>)>,
    /// Names that this server has by itself, at the ports it listens on: that of the machine
    /// (`auto_aliases`).
    pub own_names: Vec<String>,
    /// Whether this server has names by itself: those, and `localhost` where it listens on a
    /// loopback address (`auto_aliases`).
    pub auto_aliases: bool,
    /// What stands in Via and Record-Route for addresses that do not say it themselves
    /// (`advertised_address`, `advertised_port`).
    pub advertised: Advertised,
    /// The hosts that addresses are compared with.
    pub hosts: HostTable,
    /// The number of this server (`server_id`).
    pub server_id: u32,
    /// The attribute whose members our Via gets as parameters (`xavp_via_params`).
    pub xavp_via_params: Option<String>,
    /// The attribute that host and port of our Via come from (`xavp_via_fields`).
    pub xavp_via_fields: Option<String>,
    /// Worker threads; `None`: one for each usable core.
    pub workers: Option<usize>,
    /// Log level: lines above it are not written (-5 to 4).
    pub debug: i32,
    /// The facility of log lines in the system log (`log_facility`).
    pub log_facility: LogFacility,
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
    /// What the key of the branch hash is made of (`branch_secret`); `None`: of the machine.
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
    /// The transports that may be listened to.
    pub fn transports(&self) -> impl Iterator<Item = Transport> {
        let tls = self.tcp && self.tls;
        let all = [(Transport::Udp, true), (Transport::Tcp, self.tcp), (Transport::Tls, tls)];
        all.into_iter().filter_map(|(transport, is_on)| is_on.then_some(transport))
    }

    /// The port of a transport where `listen` names none.
    #[must_use]
    pub const fn port_of(&self, transport: Transport) -> u16 {
        match transport {
            Transport::Udp | Transport::Tcp => self.port,
            Transport::Tls => self.tls_port,
        }
    }

    /// That address by all transports, as it is listened to if the script names none.
    #[must_use]
    pub fn listen_to(&self, ip: IpAddr) -> Vec<ListenAddress> {
        let address = |transport| {
            let address = SocketAddr::new(ip, self.port_of(transport));
            ListenAddress { transport, address, advertise: None, name: None }
        };
        self.transports().map(address).collect()
    }

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
            port: Transport::Udp.default_port(),
            tls_port: Transport::Tls.default_port(),
            tcp: true,
            tls: false,
            udp_mtu_bytes: 0,
            udp_mtu_transport: Transport::Udp,
            aliases: Vec::new(),
            own_names: Vec::new(),
            auto_aliases: true,
            advertised: Advertised::default(),
            hosts: HostTable::default(),
            server_id: 0,
            xavp_via_params: None,
            xavp_via_fields: None,
            workers: None,
            debug: 0,
            log_facility: LogFacility::DAEMON,
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
