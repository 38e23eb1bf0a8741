//! SIPp, as callee and as caller.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{Folder, Process, spawn};

/// Where packages put it.
const SIPP_PATH: &str = "/usr/bin/sipp";

/// Seconds after which a caller gives up.
const SECONDS_MAX: u64 = 120;

/// Whether SIPp is there; says so if not.
pub(crate) fn is_installed() -> bool {
    let installed = Path::new(SIPP_PATH).exists();
    if !installed {
        super::left_out("SIPp is not installed");
    }
    installed
}

/// One of SIPp's built-in scenarios, as a file in the folder.
pub(crate) fn builtin(folder: &Folder, name: &str) -> PathBuf {
    let mut command = Command::new(SIPP_PATH);
    command.args(["-sd", name]).env("TERM", "dumb");
    let output = command.output().expect("SIPp's output");
    let text = String::from_utf8_lossy(&output.stdout);
    let start = text.find("<?xml").expect("a scenario");
    folder.write(&format!("{name}.xml"), &text[start..])
}

/// SIPp as callee, until the end of the test.
pub(crate) struct Callee {
    process: Process,
    address: SocketAddr,
    /// Its files.
    _folder: Folder,
}

impl Callee {
    /// Starts it with one of its built-in scenarios at a free address.
    pub(crate) fn start(scenario: &str) -> Self {
        let folder = Folder::new();
        let address = super::free_address();
        let mut command = sipp(&folder, address);
        command.args(["-sn", scenario]);
        let process = Process::start(&mut command);
        // No SIP message, so it starts no call (RFC 5626 §4.4.1).
        super::wait_until_bound(address, b"\r\n\r\n", || !process.has_ended());
        Self { process, address, _folder: folder }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        self.process.signal("KILL");
        self.process.stop();
    }
}

/// Lets SIPp call `target` with these further arguments; fails unless all calls succeed.
pub(crate) fn call(target: SocketAddr, calls: u64, rate: u64, arguments: &[&str]) {
    let folder = Folder::new();
    let mut command = sipp(&folder, super::free_address());
    command
        .args(arguments)
        .args(["-m", &calls.to_string(), "-r", &rate.to_string(), "-d", "0"])
        .args(["-timeout", &SECONDS_MAX.to_string(), "-timeout_error"])
        .arg(target.to_string())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let output = spawn(&mut command).wait_with_output().expect("the end of SIPp");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "SIPp: {}\n{errors}\n{}", output.status, trace(&folder));
}

/// SIPp at an address, its files in the folder.
fn sipp(folder: &Folder, own: SocketAddr) -> Command {
    let mut command = Command::new(SIPP_PATH);
    command.current_dir(folder.path()).stdin(std::process::Stdio::null()).env("TERM", "dumb");
    command.args(["-i", &own.ip().to_string(), "-p", &own.port().to_string()]);
    command.args(["-nostdin", "-trace_err", "-buff_size", "4194304", "-skip_rlimit"]);
    command
}

/// The start of what SIPp noted about calls that failed.
fn trace(folder: &Folder) -> String {
    let files = std::fs::read_dir(folder.path()).into_iter().flatten().flatten();
    let errors = files.filter(|file| file.file_name().to_string_lossy().ends_with("_errors.log"));
    let text: String =
        errors.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect();
    text.chars().take(2_000).collect()
}
