//! The programs that are compared, each in processes of its own on the cores of the proxy.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::load::now;
use super::options::Options;
use super::usage;

/// Where packages put Kamailio.
const KAMAILIO_PATH: &str = "/usr/sbin/kamailio";

/// Where packages put OpenSIPS.
const OPENSIPS_PATH: &str = "/usr/sbin/opensips";

/// How long a program may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Forwarder,
    Viaduct,
    /// Another build of `viaduct`, named on the command line.
    Other,
    Kamailio,
    OpenSips,
}

impl Program {
    /// All there are.
    pub(crate) const ALL: [Self; 5] =
        [Self::Forwarder, Self::Viaduct, Self::Other, Self::Kamailio, Self::OpenSips];

    /// Whether it is on this machine.
    pub(crate) fn is_installed(self, options: &Options) -> bool {
        match self {
            Self::Forwarder | Self::Viaduct => true,
            Self::Other => options.other.is_some(),
            Self::Kamailio => Path::new(KAMAILIO_PATH).exists(),
            Self::OpenSips => Path::new(OPENSIPS_PATH).exists(),
        }
    }

    /// Its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Forwarder => "forwarder",
            Self::Viaduct => "viaduct",
            Self::Other => "other",
            Self::Kamailio => "kamailio",
            Self::OpenSips => "opensips",
        }
    }
}

/// A script of all servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Forward,
    Registrar,
    Edge,
}

impl Script {
    /// Its text in the dialect of that program; the callee is where it forwards to.
    fn text(self, program: Program, callee: SocketAddr) -> String {
        let text = match (self, program) {
            (Self::Forward, Program::OpenSips) => include_str!("opensips/forward.cfg"),
            (Self::Registrar, Program::OpenSips) => include_str!("opensips/registrar.cfg"),
            (Self::Forward, _) => include_str!("forward.cfg"),
            (Self::Registrar, _) => include_str!("registrar.cfg"),
            (Self::Edge, _) => include_str!("edge.cfg"),
        };
        text.replace("CALLEE_HOST", &callee.ip().to_string())
            .replace("CALLEE_PORT", &callee.port().to_string())
    }
}

/// What a peer is started with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    /// The directory for its files.
    pub(crate) folder: &'p Path,
    /// The cores it may use, as `taskset` knows them.
    pub(crate) cores: &'p str,
    /// How many these are.
    pub(crate) workers: usize,
    /// The other build of `viaduct`.
    pub(crate) other: Option<&'p Path>,
    /// Whether its instructions are counted, by valgrind.
    pub(crate) is_counted: bool,
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Peer {
    program: Program,
    address: SocketAddr,
    child: Child,
    /// What it writes.
    log: PathBuf,
}

impl Peer {
    /// Starts the program at a free port and waits until it has its socket.
    pub(crate) fn start(
        program: Program,
        script: Script,
        callee: SocketAddr,
        place: Place<'_>,
    ) -> Self {
        let address = free_address();
        let own = place.folder.join(format!("{}-{}", program.name(), address.port()));
        fs::create_dir_all(&own).unwrap();
        let workers = place.workers.to_string();
        // Whatever ends this bench, nothing of it may be left.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "taskset", "-c", place.cores]);
        if place.is_counted {
            command.args(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        }
        match program {
            Program::Forwarder => {
                command.arg(std::env::current_exe().unwrap());
                command.args(["--forward", &address.to_string(), &callee.to_string(), &workers]);
            }
            Program::Viaduct | Program::Other => {
                let text = script.text(program, callee);
                let text = format!("#!KAMAILIO\nsteering=spread\nlisten=udp:{address}\n{text}");
                let config = write_script(&own, &text);
                let usual = Path::new(env!("CARGO_BIN_EXE_viaduct"));
                command.arg(place.other.filter(|_| program == Program::Other).unwrap_or(usual));
                command.args(["run", "--config"]).arg(config).args(["--workers", &workers]);
            }
            Program::Kamailio => {
                let settings = kamailio_settings(place.workers);
                let text = script.text(program, callee);
                let text = format!("#!KAMAILIO\n{settings}listen=udp:{address}\n{text}");
                let config = write_script(&own, &text);
                command.arg(KAMAILIO_PATH).args(["-DD", "-E", "-x", "tlsf", "-X", "tlsf"]);
                command.args(["-m", "6144", "-M", "16", "-f"]).arg(config);
                command.arg("-w").arg(&own).arg("-Y").arg(&own);
            }
            Program::OpenSips => {
                let text = script.text(program, callee);
                let text = format!("udp_workers={workers}\nsocket=udp:{address}\n{text}");
                let config = write_script(&own, &text);
                command.arg(OPENSIPS_PATH).args(["-F", "-m", "6144", "-M", "16", "-f"]).arg(config);
                command.arg("-w").arg(&own).arg("-P").arg(own.join("pid"));
            }
        }
        let log = own.join("log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        let child = command.spawn().unwrap();
        let mut peer = Self { program, address, child, log };
        peer.wait_for_socket();
        peer
    }

    /// Ends it; what it has written.
    pub(crate) fn end(self) -> String {
        let log = self.log.clone();
        drop(self);
        fs::read_to_string(log).unwrap()
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the port is taken.
    fn wait_for_socket(&mut self) {
        let start = now();
        loop {
            let listed = listening_ports();
            if listed.contains(&self.address.port()) {
                return;
            }
            let ended = self.child.try_wait().unwrap().is_some();
            if ended || now().duration_since(start) > PATIENCE {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                panic!("{} does not start:\n{log}", self.program.name());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Peer {
    /// Ends it with its children.
    fn drop(&mut self) {
        let family = usage::family(self.pid());
        signal("TERM", &[self.pid()]);
        let start = now();
        while let Ok(None) = self.child.try_wait() {
            if now().duration_since(start) > PATIENCE {
                // They would not end: Kamailio's main process still holds the numbers of all.
                signal("KILL", &family);
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// Sends a signal to processes, by the name that kill(1) knows.
fn signal(name: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    // Best effort: they may have ended by themselves.
    let _ = Command::new("kill").args(["-s", name]).args(pids).stderr(Stdio::null()).status();
}

/// What Kamailio needs beside the script to do neither more nor less than the others.
fn kamailio_settings(workers: usize) -> String {
    format!(
        "debug=0\nlog_stderror=yes\nchildren={workers}\ndisable_tcp=yes\ndns=no\nrev_dns=no\n\
         auto_aliases=no\nuse_dns_cache=off\nmaxbuffer=4194304\n"
    )
}

/// Writes a script to a file of the folder.
fn write_script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("script.cfg");
    fs::write(&path, text).unwrap();
    path
}

/// A port of loopback that nobody has.
pub(crate) fn free_address() -> SocketAddr {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// The local ports of all UDP sockets.
pub(crate) fn listening_ports() -> Vec<u16> {
    let text = fs::read_to_string("/proc/net/udp").unwrap();
    let port = |line: &str| {
        let (_, port) = line.split_whitespace().nth(1)?.split_once(':')?;
        u16::from_str_radix(port, 16).ok()
    };
    text.lines().skip(1).filter_map(port).collect()
}
