//! Whole calls: viaload on both sides of the proxy.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::load::Pace;
use super::peer::{free_address, listening_ports};

/// Messages of a call that pass the proxy: INVITE, 180, 200, ACK, BYE, 200.
pub(crate) const MESSAGES_PER_CALL: f64 = 6.0;

/// The program `viaload`, if it can be had: that beside the server under test, or one that is
/// built now.
pub(crate) fn find_viaload(build: bool) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_BIN_EXE_viaduct")).with_file_name("viaload");
    if build {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        cargo.args(["build", "--quiet", "--release", "--package", "viaload"]);
        assert!(cargo.status().unwrap().success(), "viaload cannot be built");
    }
    path.exists().then_some(path)
}

/// viaload's callees, until they are dropped.
#[derive(Debug)]
pub(crate) struct Callees {
    child: Child,
    address: SocketAddr,
}

impl Callees {
    /// Starts them on a core, and waits until they have their socket.
    pub(crate) fn start(viaload: &Path, core: usize) -> Self {
        let address = free_address();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(viaload).args(["uas", "--threads", "1"]);
        command.args(["--listen", &address.to_string(), "--view", "quiet"]);
        command.args(["--cores", &core.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        while !listening_ports().contains(&address.port()) {
            assert!(child.try_wait().unwrap().is_none(), "viaload's callees do not start");
            std::thread::yield_now();
        }
        Self { child, address }
    }

    /// Where they are called.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Callees {
    fn drop(&mut self) {
        // Best effort: they may have ended by themselves.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What viaload reports of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calls {
    /// Messages that the caller sent or received.
    pub(crate) messages: f64,
    /// Completed calls a second.
    pub(crate) rate: f64,
    /// Failed calls of all (0 to 1).
    pub(crate) loss: f64,
    /// From the intended INVITE to its 200: p50, p99, p99.9 (microseconds).
    pub(crate) latency: [f64; 3],
}

/// When calls end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// After so many seconds.
    Seconds(f64),
    /// After so many calls.
    Calls(u64),
}

/// Calls `target` from one port on one core.
pub(crate) fn call(
    viaload: &Path,
    (target, core): (SocketAddr, usize),
    pace: Pace,
    extent: Extent,
    folder: &Path,
) -> Calls {
    let (report, scenario) = (folder.join("calls.json"), folder.join("call.xml"));
    fs::write(&scenario, include_str!("call.xml")).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(viaload).args(["run", "--no-uas"]);
    command.args(["--threads", "1", "--ports", "1", "--view", "quiet"]);
    command.args(["--target", &target.to_string(), "--cores", &core.to_string()]);
    match extent {
        Extent::Seconds(seconds) => command.args(["--duration", &seconds.to_string()]),
        Extent::Calls(count) => command.args(["--calls", &count.to_string()]),
    };
    command.arg("--scenario").arg(&scenario).arg("--json").arg(&report);
    match pace {
        Pace::Window(window) => command.args(["--concurrency", &window.to_string()]),
        Pace::Rate(rate) => command.args(["--rate", &format!("{rate:.1}")]),
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A run with failed calls has a report as well; one without has none.
    command.status().unwrap();
    let text = fs::read_to_string(&report).unwrap();
    fs::remove_file(&report).unwrap();
    read(&serde_json::from_str(&text).unwrap())
}

/// Takes from the report what is of interest.
fn read(report: &Value) -> Calls {
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0);
    let started = number("/calls/started").max(1.0);
    let percentile = |name: &str| number(&format!("/latency/0/{name}_us"));
    Calls {
        messages: number("/messages/sent") + number("/messages/received"),
        rate: number("/rates/completed"),
        loss: number("/calls/failed") / started,
        latency: [percentile("p50"), percentile("p99"), percentile("p99_9")],
    }
}
