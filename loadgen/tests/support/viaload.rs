//! viaload as a process, and what it reports.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use viaload::report::Report;

use super::process::{Folder, Process, spawn};
use super::{PATIENCE, free_address};

/// A run that goes on.
pub(crate) struct Running {
    child: Child,
    folder: Folder,
    /// Standard output and standard error, each when it ends.
    output: [Receiver<String>; 2],
    /// The most memory that the process was seen to use (KiB).
    peak_kib: u64,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Exit code; none if it was killed.
    pub(crate) code: Option<i32>,
    /// What `--json` wrote, if it did.
    pub(crate) report: Option<Report>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// The most memory that the process was seen to use (KiB).
    pub(crate) peak_kib: u64,
}

/// `viaload run` with these arguments, to its end.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    Running::start(arguments).finish()
}

impl Running {
    /// Starts `viaload run` with these arguments and a report as JSON.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaload"));
        command
            .args(["run", "--view", "quiet", "--threads", "2", "--no-pin", "--json", "run.json"])
            .args(arguments)
            .current_dir(folder.path())
            .env("XDG_CACHE_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = spawn(&mut command);
        let stdout = child.stdout.take().expect("standard output");
        let stderr = child.stderr.take().expect("standard error");
        Self { output: [collect(stdout), collect(stderr)], child, folder, peak_kib: 0 }
    }

    /// Sends it a signal, by the name that kill(1) knows.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let mut kill = spawn(Command::new("kill").args(["-s", name, &pid]).stderr(Stdio::null()));
        kill.wait().expect("the end of kill(1)");
    }

    /// Waits for its end, and looks at its memory meanwhile.
    pub(crate) fn finish(mut self) -> Outcome {
        let [stdout, stderr] = [0, 1].map(|stream| self.wait_for(stream));
        let code = self.child.wait().expect("the exit status").code();
        let json = std::fs::read_to_string(self.folder.path().join("run.json")).ok();
        let report = json.map(|text| {
            let read = serde_json::from_str(&text);
            read.unwrap_or_else(|error| panic!("the report: {error}\n{text}"))
        });
        Outcome { code, report, stdout, stderr, peak_kib: self.peak_kib }
    }

    /// Waits until a stream has ended; what was in it.
    fn wait_for(&mut self, stream: usize) -> String {
        const LOOK: Duration = Duration::from_millis(100);
        let mut waited = Duration::ZERO;
        loop {
            match self.output[stream].recv_timeout(LOOK) {
                Ok(text) => return text,
                Err(RecvTimeoutError::Disconnected) => panic!("its output cannot be read"),
                Err(RecvTimeoutError::Timeout) => waited += LOOK,
            }
            assert!(waited < PATIENCE, "viaload does not end");
            self.peak_kib = self.peak_kib.max(peak_kib(self.child.id()).unwrap_or(0));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Best effort: ordinarily it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Collects a stream in a thread.
fn collect(mut stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What could be read is shown in any case.
        let _ = stream.read_to_end(&mut bytes);
        // Nobody may be waiting for it any more.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// The most memory that a process has used so far (KiB).
fn peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

impl Outcome {
    /// The report.
    pub(crate) fn report(&self) -> &Report {
        let report = self.report.as_ref();
        report.unwrap_or_else(|| panic!("no report; exit code {:?}\n{}", self.code, self.stderr))
    }
}

/// Fails unless so many calls were completed, none failed, and no message was out of place.
/// A busy machine may be too slow for the schedule, which is no fault of the calls.
#[track_caller]
pub(crate) fn assert_all_completed(outcome: &Outcome, calls: u64) {
    const KEPT_SCHEDULE: i32 = 0;
    const LATE: i32 = 4;
    let report = outcome.report();
    let seen = || format!("{:?}\n{:?}\n{}", report.calls, report.messages, outcome.stderr);
    assert_eq!(report.calls.offered, calls, "{}", seen());
    assert_eq!(report.calls.completed, calls, "{}", seen());
    assert_eq!(report.calls.failed, 0, "{}", seen());
    assert!(report.calls.callee_failures.is_empty(), "{}", seen());
    assert_eq!(report.messages.unexpected, 0, "{}", seen());
    assert!(matches!(outcome.code, Some(KEPT_SCHEDULE | LATE)), "{:?} {}", outcome.code, seen());
}

/// `viaload uas`, until the end of the test.
pub(crate) struct Answering {
    process: Process,
    address: SocketAddr,
}

impl Answering {
    /// Starts it at a free address with these further arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaload"));
        command.args(["uas", "--listen", &address.to_string(), "--threads", "2", "--no-pin"]);
        command.args(["--view", "quiet"]).args(arguments);
        let process = Process::start(&mut command);
        process.wait_for_log_that("that it is ready", |log| {
            log.lines()
                .any(|line| line.starts_with("ready: ") && line.contains(&format!("udp:{address}")))
        });
        Self { process, address }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it as a terminal would: that is its ordinary end.
    pub(crate) fn interrupt(mut self) {
        self.process.signal("INT");
        let status = self.process.wait();
        assert_eq!(status.code(), Some(0), "{}", self.process.log());
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.process.has_ended() {
            self.process.signal("KILL");
        }
        self.process.stop();
    }
}
