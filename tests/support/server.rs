//! The server under test: `viaduct`, or Kamailio as the reference.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::process::{Folder, Process};

/// Which program a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Kamailio,
    Viaduct,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    program: Program,
    address: SocketAddr,
    folder: Folder,
}

impl Server {
    /// Starts the program under test at a free address with a script, which need not have a
    /// `listen` line.
    pub(crate) fn start(script: &str) -> Self {
        Self::start_at(super::free_address(), script)
    }

    /// Starts the program under test at that address.
    pub(crate) fn start_at(address: SocketAddr, script: &str) -> Self {
        if peer_is_kamailio() {
            Self::start_kamailio(address, script)
        } else {
            Self::start_viaduct(address, script)
        }
    }

    /// Starts the server without a script of its own, at a free address.
    pub(crate) fn start_default() -> Self {
        let address = super::free_address();
        let listen = format!("udp:{address}");
        Self::launch_viaduct(address, &["--listen", &listen, "--workers", "2"], Folder::new())
    }

    /// Starts `viaduct` at a free address for UDP and for these other transports.
    pub(crate) fn start_for(transports: &[&str], script: &str) -> Self {
        let address = super::free_address();
        let folder = Folder::new();
        let config = folder.write(VIADUCT_FILE, &format!("{VIADUCT}{script}"));
        let config = config.to_str().expect("a path of letters").to_owned();
        let socket = folder.path().join(CTL).to_str().expect("a path of letters").to_owned();
        let mut arguments = vec!["--config".to_owned(), config, "--ctl".to_owned(), socket];
        for transport in ["udp"].iter().chain(transports) {
            arguments.extend(["--listen".to_owned(), format!("{transport}:{address}")]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Self::launch_viaduct(address, &arguments, folder)
    }

    /// Asks a server that was started by [`Self::start_for`] a command; what it answers.
    pub(crate) fn ctl(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
        command.arg("ctl").arg("--ctl").arg(self.folder.path().join(CTL)).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = super::process::spawn(&mut command).wait_with_output().expect("an answer");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {errors}");
        String::from_utf8(output.stdout).expect("a text")
    }

    /// Starts Kamailio at that address.
    pub(crate) fn start_kamailio(address: SocketAddr, script: &str) -> Self {
        let folder = Folder::new();
        let config =
            folder.write("kamailio.cfg", &format!("{KAMAILIO}listen=udp:{address}\n{script}"));
        let place = folder.path();
        let mut command = Command::new(KAMAILIO_PATH);
        command.args(["-DD", "-E", "-m", "16", "-M", "4", "-f"]).arg(config);
        command.arg("-w").arg(place).arg("-Y").arg(place);
        let process = Process::start(&mut command);
        let server = Self { process, program: Program::Kamailio, address, folder };
        server.wait_for_answer();
        server
    }

    /// Starts `viaduct` at that address.
    fn start_viaduct(address: SocketAddr, script: &str) -> Self {
        let folder = Folder::new();
        let config = folder.write(VIADUCT_FILE, &viaduct_script(address, script));
        let config = config.to_str().expect("a path of letters").to_owned();
        Self::launch_viaduct(address, &["--config", &config], folder)
    }

    /// Starts `viaduct run` and waits until it says that it is ready.
    fn launch_viaduct(address: SocketAddr, arguments: &[&str], folder: Folder) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
        command.arg("run").args(arguments).arg("--no-pin").current_dir(folder.path());
        let process = Process::start(&mut command);
        process.wait_for_log_that("that it is ready", |log| {
            log.lines()
                .any(|line| line.starts_with("ready: ") && line.contains(&format!("udp:{address}")))
        });
        Self { process, program: Program::Viaduct, address, folder }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// The folder that `viaduct` reads its script from, and the name of the script.
    pub(crate) fn script(&self) -> (&Folder, &'static str) {
        (&self.folder, VIADUCT_FILE)
    }

    /// Gives it another script, as [`Self::start`] takes them, has it read, and waits for what
    /// it says about that.
    pub(crate) fn reload(&self, script: &str) -> String {
        self.folder.write(VIADUCT_FILE, &viaduct_script(self.address, script));
        self.reload_file()
    }

    /// Has it read its script again, and waits for what it says about that.
    pub(crate) fn reload_file(&self) -> String {
        let before = self.log().len();
        self.process.signal("HUP");
        self.process.wait_for_log_that("how a reload went", |log| {
            let told = |line: &str| {
                line.ends_with('\n')
                    && (line.starts_with("reloaded: ") || line.starts_with("not reloaded: "))
            };
            log[before..].split_inclusive('\n').any(told)
        });
        self.log()[before..].to_owned()
    }

    /// Ends it as a terminal would. It must end with exit code 0.
    pub(crate) fn interrupt(mut self) {
        self.process.signal("INT");
        let status = self.process.wait();
        assert_eq!(status.code(), Some(0), "exit code after SIGINT; log:\n{}", self.log());
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until it answers: Kamailio does not say when it is ready.
    fn wait_for_answer(&self) {
        let socket = UdpSocket::bind((self.address.ip(), 0)).expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        let own = socket.local_addr().expect("an address");
        for attempt in 0..200 {
            let probe = format!(
                "OPTIONS sip:probe@{} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKup{attempt}\r\n\
                 From: <sip:probe@{own}>;tag=1\r\nTo: <sip:probe@{own}>\r\nCall-ID: up@{own}\r\n\
                 CSeq: {attempt} OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n",
                self.address
            );
            socket.send_to(probe.as_bytes(), self.address).expect("a datagram sent");
            if socket.recv(&mut [0; 2_048]).is_ok() {
                return;
            }
            if self.process.has_ended() {
                break;
            }
        }
        panic!("{} does not start:\n{}", self.folder.path().display(), self.log());
    }
}

impl Drop for Server {
    #[expect(clippy::print_stderr, reason = "beside the message of the test that failed")]
    fn drop(&mut self) {
        let status = self.process.stop();
        if std::thread::panicking() {
            eprintln!("files: {}\nlog:\n{}", self.folder.path().display(), self.log());
        } else if self.program == Program::Viaduct {
            let code = status.and_then(|status| status.code());
            assert_eq!(code, Some(0), "exit code after SIGTERM; log:\n{}", self.log());
        }
    }
}

/// Whether the flows run against Kamailio this time, to check what they expect.
pub(crate) fn peer_is_kamailio() -> bool {
    std::env::var("VIADUCT_FLOWS_PEER").is_ok_and(|peer| peer == "kamailio")
}

/// Whether to leave a test out because Kamailio 5.6 is known to do something else.
pub(crate) fn differs_on_kamailio(how: &str) -> bool {
    if peer_is_kamailio() {
        super::left_out(&format!("Kamailio {how}"));
    }
    peer_is_kamailio()
}

/// Whether Kamailio is there to be a neighbour; says so if not.
pub(crate) fn kamailio_is_installed() -> bool {
    let installed = Path::new(KAMAILIO_PATH).exists();
    if !installed {
        super::left_out("Kamailio is not installed");
    }
    installed
}

/// The script as a file of `viaduct`.
fn viaduct_script(address: SocketAddr, script: &str) -> String {
    format!("{VIADUCT}listen=udp:{address}\n{script}")
}

/// The name of the socket for commands.
const CTL: &str = "ctl";

/// The name of that file.
const VIADUCT_FILE: &str = "viaduct.cfg";

/// Where packages put it.
const KAMAILIO_PATH: &str = "/usr/sbin/kamailio";

/// What the test bench needs in each script; nothing here changes how messages are treated.
const VIADUCT: &str = "debug=2\nlog_stderror=yes\nchildren=2\n";

/// The same for Kamailio, which in addition is kept from asking name servers. One process keeps
/// the messages of a phone in order, as the workers of the program under test do.
const KAMAILIO: &str = "debug=1\nlog_stderror=yes\nchildren=1\ndisable_tcp=yes\ndns=no\n\
    rev_dns=no\nauto_aliases=no\nuse_dns_cache=off\n";
