//! A program that a test starts: its log, and its end.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use super::PATIENCE;

/// A directory of a test's own, removed with it unless the test fails.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A fresh directory.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("viaduct-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // Best effort: a directory left behind in the temporary folder harms nobody.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// What a program writes to standard error, collected by a thread.
#[derive(Clone, Debug, Default)]
struct Log(Arc<(Mutex<LogState>, Condvar)>);

/// The text so far.
#[derive(Debug, Default)]
struct LogState {
    text: String,
    ended: bool,
}

impl Log {
    /// Adds text, or the end.
    fn push(&self, line: Option<&[u8]>) {
        let mut state = self.0.0.lock().expect("the log");
        match line {
            Some(line) => state.text += &String::from_utf8_lossy(line),
            None => state.ended = true,
        }
        self.0.1.notify_all();
    }

    /// Waits until the log is so. False if it is not in time, or ends before.
    fn wait(&self, is: impl Fn(&LogState) -> bool) -> bool {
        let state = self.0.0.lock().expect("the log");
        let waiting = |state: &mut LogState| !is(state) && !state.ended;
        let (state, _) = self.0.1.wait_timeout_while(state, PATIENCE, waiting).expect("the log");
        is(&state)
    }
}

/// Starts a program.
pub(crate) fn spawn(command: &mut Command) -> Child {
    let _guard = super::address::no_fork();
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// A program that runs until the test ends it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
    log: Log,
}

impl Process {
    /// Starts it with standard error collected.
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = spawn(command);
        let log = Log::default();
        let mut reader = BufReader::new(child.stderr.take().expect("standard error"));
        let sink = log.clone();
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                sink.push(Some(&line));
                line.clear();
            }
            sink.push(None);
        });
        Self { child, name, log }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        self.log.0.0.lock().expect("the log").text.clone()
    }

    /// Waits until the log has that text.
    pub(crate) fn wait_for_log(&self, wanted: &str) {
        self.wait_for_log_that(&format!("{wanted:?}"), |text| text.contains(wanted));
    }

    /// Waits until the log is so.
    pub(crate) fn wait_for_log_that(&self, what: &str, is: impl Fn(&str) -> bool) {
        if !self.log.wait(|state| is(&state.text)) {
            panic!("{} did not log {what}; it logged:\n{}", self.name, self.log());
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.log.0.0.lock().expect("the log").ended
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        if !self.log.wait(|state| state.ended) {
            panic!("{} does not end; it logged:\n{}", self.name, self.log());
        }
        self.child.wait().expect("the exit status")
    }

    /// Sends it a signal, by the name that kill(1) knows.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let mut kill = spawn(Command::new("kill").args(["-s", name, &pid]).stderr(Stdio::null()));
        kill.wait().expect("the end of kill(1)");
    }

    /// Asks it to end and waits; kills it if it does not. The exit status if it ended by itself.
    pub(crate) fn stop(&mut self) -> Option<ExitStatus> {
        if !self.has_ended() {
            self.signal("TERM");
        }
        if self.log.wait(|state| state.ended) {
            return self.child.wait().ok();
        }
        // Best effort: it may have ended just now.
        let _ = self.child.kill();
        let _ = self.child.wait();
        None
    }
}
