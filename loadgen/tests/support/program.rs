//! viaload as a process: what it writes, its memory, its end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::PATIENCE;
use super::process::spawn;

/// A started program. It is killed at the end of the test if it still runs.
pub(crate) struct Program {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

impl Program {
    /// Starts viaload.
    pub(crate) fn viaload(set_up: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaload"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        set_up(&mut command);
        let mut child = spawn(&mut command);
        let stdout = Stream::of(child.stdout.take().expect("standard output"));
        let stderr = Stream::of(child.stderr.take().expect("standard error"));
        Self { child, stdout, stderr }
    }

    /// Sends it a signal, by the name that kill(1) knows.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let mut kill = spawn(Command::new("kill").args(["-s", name, &pid]).stderr(Stdio::null()));
        kill.wait().expect("the end of kill(1)");
    }

    /// Waits until a line of its standard error is so.
    pub(crate) fn wait_for_line(&mut self, what: &str, is: impl Fn(&str) -> bool) {
        if !self.stderr.read_until(is) {
            panic!("viaload did not write {what}, but:\n{}", self.stderr.text);
        }
    }

    /// Waits for its end; all of its standard output and standard error.
    pub(crate) fn wait(&mut self) -> (ExitStatus, &str, &str) {
        self.stdout.read_until(|_| false);
        self.stderr.read_until(|_| false);
        assert!(self.stdout.ended && self.stderr.ended, "viaload does not end");
        let status = self.child.wait().expect("the exit status");
        (status, &self.stdout.text, &self.stderr.text)
    }

    /// The most memory that it has used so far (KiB).
    pub(crate) fn peak_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the state of the process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
        number.expect("its memory").trim().parse().expect("a number")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Best effort: ordinarily it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program writes into one stream, line by line.
struct Stream {
    lines: Receiver<String>,
    text: String,
    ended: bool,
}

impl Stream {
    /// Reads it in a thread of its own, so that the program never waits for the test.
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        let mut stream = BufReader::new(stream);
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                // Nobody may be waiting for it any more.
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                line.clear();
            }
        });
        Self { lines, text: String::new(), ended: false }
    }

    /// Reads on until a line is so, the stream ends, or nothing comes for too long. Whether there
    /// was such a line.
    fn read_until(&mut self, is: impl Fn(&str) -> bool) -> bool {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.text += &line;
                    if is(&line) {
                        return true;
                    }
                }
                Err(Disconnected) => {
                    self.ended = true;
                    return false;
                }
                Err(Timeout) => return false,
            }
        }
    }
}
