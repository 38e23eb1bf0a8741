//! `viaload run` and `viaload uas`, and what they report.

use std::net::SocketAddr;

use viaload::report::Report;

use super::free_address;
use super::process::Folder;
use super::program::Program;

/// A run that goes on.
pub(crate) struct Running {
    pub(crate) program: Program,
    folder: Folder,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Exit code; none if it was killed.
    pub(crate) code: Option<i32>,
    /// What `--json` wrote, if it did.
    report: Option<Report>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// `viaload run` with these arguments, to its end.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    Running::start(arguments).finish()
}

impl Running {
    /// Starts `viaload run` with these arguments and a report as JSON.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let program = Program::viaload(|command| {
            command
                .args(["run", "--view", "lines", "--threads", "2", "--no-pin"])
                .args(["--json", "run.json"])
                .args(arguments)
                .current_dir(folder.path())
                .env("XDG_CACHE_HOME", folder.path());
        });
        Self { program, folder }
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Outcome {
        let (status, stdout, stderr) = self.program.wait();
        let json = std::fs::read_to_string(self.folder.path().join("run.json")).ok();
        let report = json.filter(|text| !text.is_empty()).map(|text| {
            let read = serde_json::from_str(&text);
            read.unwrap_or_else(|error| panic!("the report: {error}\n{text}"))
        });
        let (stdout, stderr) = (stdout.to_owned(), stderr.to_owned());
        Outcome { code: status.code(), report, stdout, stderr }
    }
}

impl Outcome {
    /// The report.
    #[track_caller]
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
    pub(crate) program: Program,
    address: SocketAddr,
}

impl Answering {
    /// Starts it at a free address with these further arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let address = free_address();
        let mut program = Program::viaload(|command| {
            command.args(["uas", "--listen", &address.to_string()]);
            command.args(["--threads", "2", "--no-pin", "--view", "quiet"]).args(arguments);
        });
        let ready = format!("ready: udp:{address}");
        program.wait_for_line("that it is ready", |line| line.starts_with(&ready));
        Self { program, address }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it as a terminal would: that is its ordinary end. What it printed then.
    pub(crate) fn interrupt(mut self) -> String {
        self.program.signal("INT");
        let (status, stdout, stderr) = self.program.wait();
        assert_eq!(status.code(), Some(0), "{stderr}");
        stdout.to_owned()
    }
}
