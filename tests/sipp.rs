//! SIPp as the peer: 10,000 calls and 10,000 registrations, none of which may fail.
//!
//! SIPp retransmits what gets lost, so a busy machine makes the run longer, not wrong.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::process::{Folder, spawn};
use support::{Server, free_address, scripts};

/// Calls, or registrations.
const CALL_COUNT: u64 = 10_000;

/// Calls started each second.
const CALLS_PER_SECOND: u64 = 1_000;

/// Seconds after which SIPp gives up.
const SECONDS_MAX: u64 = 60;

/// F02, P15: SIPp's own caller and callee with the server between them.
#[test]
fn ten_thousand_calls_pass_a_stateless_proxy() {
    if !sipp_is_installed() {
        return;
    }
    let folder = Folder::new();
    let callee = Callee::start(&folder, &[]);
    let server = Server::start(&scripts::route(&format!(
        r#"forward({}, {});"#,
        callee.address.ip(),
        callee.address.port()
    )));
    let statistics = call(&folder, server.address(), &["-sn", "uac", "-s", "bench", "-d", "0"]);
    assert_all_succeeded(&statistics);
}

/// The same with both sides connected by TCP: one connection of the caller, one to the callee.
#[test]
fn ten_thousand_calls_pass_by_tcp() {
    if !sipp_is_installed() {
        return;
    }
    let folder = Folder::new();
    let callee = Callee::start(&folder, &["-t", "t1"]);
    let (ip, port) = (callee.address.ip(), callee.address.port());
    let server = Server::start_for(&["tcp"], &format!("route {{ forward_tcp({ip}, {port}); }}"));
    let statistics =
        call(&folder, server.address(), &["-sn", "uac", "-s", "bench", "-d", "0", "-t", "t1"]);
    assert_all_succeeded(&statistics);
}

/// L01, L05: the default script with users that register and ask for their contacts.
#[test]
fn ten_thousand_users_register() {
    if !sipp_is_installed() {
        return;
    }
    let folder = Folder::new();
    let server = if support::server::peer_is_kamailio() {
        Server::start(&scripts::route(r#"save("location");"#))
    } else {
        Server::start_default()
    };
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp/register.xml");
    let scenario = scenario.to_str().expect("a path of letters");
    let statistics = call(&folder, server.address(), &["-sf", scenario]);
    assert_all_succeeded(&statistics);
}

/// Runs SIPp as caller to its end; returns its statistics: the last row under its headings.
fn call(folder: &Folder, server: SocketAddr, scenario: &[&str]) -> Vec<(String, String)> {
    let own = free_address();
    let file = folder.path().join("statistics.csv");
    let mut command = sipp(folder, own);
    command
        .args(scenario)
        .args(["-m", &CALL_COUNT.to_string(), "-r", &CALLS_PER_SECOND.to_string()])
        .args(["-timeout", &SECONDS_MAX.to_string(), "-timeout_error"])
        .args(["-trace_stat", "-fd", "1", "-stf"])
        .arg(&file)
        .arg(server.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = spawn(&mut command).wait_with_output().expect("the end of SIPp");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "SIPp: {}\n{errors}\n{}", output.status, trace(folder));
    statistics(&file)
}

/// The last row of a statistics file.
fn statistics(file: &PathBuf) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).expect("the statistics");
    let mut rows = text.lines().filter(|row| row.contains(';'));
    let names = rows.next().expect("headings").split(';');
    let values = rows.next_back().expect("a row of numbers").split(';');
    names.map(str::to_owned).zip(values.map(str::to_owned)).collect()
}

/// Fails unless all calls have succeeded.
fn assert_all_succeeded(statistics: &[(String, String)]) {
    let number = |name: &str| -> u64 {
        let found = statistics.iter().find(|(own, _)| own == name);
        let (_, value) = found.unwrap_or_else(|| panic!("no {name} in {statistics:?}"));
        value.parse().expect("a number")
    };
    assert_eq!(number("FailedCall(C)"), 0);
    assert_eq!(number("SuccessfulCall(C)"), CALL_COUNT);
}

/// SIPp as callee, until the end of the test.
struct Callee {
    child: std::process::Child,
    address: SocketAddr,
}

impl Callee {
    /// Starts it at a free address.
    fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let address = free_address();
        let mut command = sipp(folder, address);
        command.args(["-sn", "uas"]).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let child = spawn(&mut command);
        Self { child, address }
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        // Best effort: it may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// SIPp at an address, its files in the folder.
fn sipp(folder: &Folder, own: SocketAddr) -> Command {
    let mut command = Command::new(SIPP_PATH);
    command.current_dir(folder.path()).stdin(Stdio::null()).env("TERM", "dumb");
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

/// Where packages put it.
const SIPP_PATH: &str = "/usr/bin/sipp";

/// Whether SIPp is there; says so if not.
fn sipp_is_installed() -> bool {
    let installed = Path::new(SIPP_PATH).exists();
    if !installed {
        support::left_out("SIPp is not installed");
    }
    installed
}
