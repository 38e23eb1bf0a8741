//! Kamailio as the proxy between the two sides.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::process::{Folder, Process};

/// Where packages put it.
const KAMAILIO_PATH: &str = "/usr/sbin/kamailio";

/// Whether Kamailio is there; says so if not.
pub(crate) fn is_installed() -> bool {
    let installed = Path::new(KAMAILIO_PATH).exists();
    if !installed {
        super::left_out("Kamailio is not installed");
    }
    installed
}

/// A running Kamailio.
pub(crate) struct Kamailio {
    process: Process,
    address: SocketAddr,
    folder: Folder,
}

impl Kamailio {
    /// One that keeps no state of transactions.
    pub(crate) fn stateless() -> Self {
        Self::start(STATELESS)
    }

    /// One that keeps transactions, and so repeats and absorbs messages itself.
    pub(crate) fn stateful() -> Self {
        Self::start(STATEFUL)
    }

    /// One where users register and are looked up.
    pub(crate) fn registrar() -> Self {
        Self::start(REGISTRAR)
    }

    /// Starts it with these modules and routes, and waits until it answers.
    fn start(script: &str) -> Self {
        let folder = Folder::new();
        let address = super::free_address();
        let text = format!("{COMMON}listen=udp:{address}\n{script}");
        let config = folder.write("kamailio.cfg", &text);
        let mut command = Command::new(KAMAILIO_PATH);
        command.args(["-DD", "-E", "-m", "512", "-M", "8", "-f"]).arg(config);
        command.arg("-w").arg(folder.path()).arg("-Y").arg(folder.path());
        let process = Process::start(&mut command);
        let probe = format!(
            "OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {address};rport;branch=z9hG4bKup\r\n\
             From: <sip:probe@{address}>;tag=1\r\nTo: <sip:{address}>\r\nCall-ID: up@{address}\r\n\
             CSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n"
        );
        super::wait_until_bound(address, probe.as_bytes(), || !process.has_ended());
        Self { process, address, folder }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Kamailio {
    #[expect(clippy::print_stderr, reason = "beside the message of the test that failed")]
    fn drop(&mut self) {
        self.process.stop();
        if std::thread::panicking() {
            eprintln!("{}:\n{}", self.folder.path().display(), self.process.log());
        }
    }
}

/// One process handles all messages: several of them would let a BYE overtake its ACK, and the
/// callee would be right to find that unexpected.
const COMMON: &str = "debug=0\nlog_stderror=yes\nchildren=1\ndisable_tcp=yes\ndns=no\n\
    rev_dns=no\nauto_aliases=no\nuse_dns_cache=off\nudp_mtu=0\nmaxbuffer=4194304\n";

/// Passes everything on as Route and Request-URI say.
const STATELESS: &str = r#"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {
    if (is_method("OPTIONS") && uri==myself) { sl_send_reply("200", "OK"); exit; }
    if (loose_route()) { forward(); exit; }
    if (is_method("INVITE")) { record_route(); }
    forward();
}
"#;

/// The same with transactions.
const STATEFUL: &str = r#"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {
    if (is_method("OPTIONS") && uri==myself) { sl_send_reply("200", "OK"); exit; }
    if (is_method("CANCEL")) {
        if (t_check_trans()) { t_relay(); }
        exit;
    }
    if (has_totag() && loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) {
        if (t_check_trans()) { t_relay(); }
        exit;
    }
    if (is_method("INVITE")) { record_route(); }
    t_relay();
}
"#;

/// The same with users.
const REGISTRAR: &str = r#"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
request_route {
    if (is_method("REGISTER")) { save("location"); exit; }
    if (is_method("CANCEL")) {
        if (t_check_trans()) { t_relay(); }
        exit;
    }
    if (has_totag() && loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) {
        if (t_check_trans()) { t_relay(); }
        exit;
    }
    if (is_method("OPTIONS") && $rU==$null) { sl_send_reply("200", "OK"); exit; }
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    if (is_method("INVITE")) { record_route(); }
    t_relay();
}
"#;
