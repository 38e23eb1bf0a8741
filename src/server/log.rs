//! Where log lines go: the server's own, and those of the script.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::panic;
use std::process;

use tracing::level_filters::LevelFilter;

use crate::proxy::LogSink;
use crate::script::{Diagnostic, LogFacility, LogLevel, Settings, Severity, SourceMap, render};

/// Sends the server's own log lines up to `level` to standard error, and panics with them.
pub(super) fn start(level: LevelFilter) {
    let subscriber = tracing_subscriber::fmt()
        .compact()
        .with_max_level(level)
        .with_target(false)
        .with_writer(io::stderr)
        .finish();
    // It can only be set already, by a test in the same process: that one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("defect at {place}");
    }));
}

/// Writes to standard error what is meant for whoever started the server. Nothing can be done
/// if it cannot be written.
pub(super) fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// What is wrong with a script for people, and what is worth knowing about it if that is wanted.
pub(super) fn show(diagnostics: &[Diagnostic], map: &SourceMap, level: LevelFilter) -> String {
    let is_wanted = |diagnostic: &&Diagnostic| match diagnostic.severity {
        Severity::Error => true,
        Severity::Warning => level >= LevelFilter::WARN,
        Severity::Note => level >= LevelFilter::INFO,
    };
    let wanted: Vec<_> = diagnostics.iter().filter(is_wanted).cloned().collect();
    render(&wanted, map)
}

/// Where the script's log lines go: `log_stderror` chooses between standard error and the system
/// log.
pub(super) fn script_log(settings: &Settings) -> Box<dyn LogSink> {
    Box::new(ScriptLog { system: system_log(settings), facility: settings.log_facility })
}

/// The system log, if the script's log lines go there.
fn system_log(settings: &Settings) -> Option<SystemLog> {
    (!settings.log_stderror).then(SystemLog::open)
}

/// The log of the script.
struct ScriptLog {
    /// None: standard error.
    system: Option<SystemLog>,
    /// That of lines which name none.
    facility: LogFacility,
}

impl LogSink for ScriptLog {
    fn write(&mut self, level: LogLevel, text: &[u8]) {
        self.write_as(self.facility, level, text);
    }

    fn write_as(&mut self, facility: LogFacility, level: LogLevel, text: &[u8]) {
        match &mut self.system {
            Some(log) => log.write(facility, level, text),
            // Each entry is one `write`, so that the entries of workers do not mix. One that
            // cannot be written is lost; the server goes on.
            None => drop(io::stderr().write_all(text)),
        }
    }

    fn follow(&mut self, settings: &Settings) {
        self.facility = settings.log_facility;
        if settings.log_stderror == self.system.is_some() {
            self.system = system_log(settings);
        }
    }
}

/// The system log, if there is one. What it does not take at once is lost: a worker never waits
/// for its log.
struct SystemLog {
    socket: Option<UnixDatagram>,
    line: Vec<u8>,
}

impl SystemLog {
    /// Connects to the system log.
    fn open() -> Self {
        let connect = || -> io::Result<UnixDatagram> {
            let socket = UnixDatagram::unbound()?;
            socket.connect(SYSTEM_LOG_PATH)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        Self { socket: connect().ok(), line: Vec::new() }
    }

    /// Writes one entry.
    fn write(&mut self, facility: LogFacility, level: LogLevel, text: &[u8]) {
        if let Some(socket) = &self.socket {
            compose_system_line(&mut self.line, (facility, level), text);
            let _ = socket.send(&self.line);
        }
    }
}

const SYSTEM_LOG_PATH: &str = "/dev/log";

/// Composes `<priority>viaduct[process]: text` (RFC 3164 §4.1.1; the time is added by the log).
fn compose_system_line(
    line: &mut Vec<u8>,
    (facility, level): (LogFacility, LogLevel),
    text: &[u8],
) {
    let severity = match level {
        LogLevel::Alert => 1,
        LogLevel::Bug | LogLevel::Crit2 | LogLevel::Critical => 2,
        LogLevel::Error => 3,
        LogLevel::Warning => 4,
        LogLevel::Notice => 5,
        LogLevel::Info => 6,
        LogLevel::Debug => 7,
    };
    line.clear();
    // Writing to a vector does not fail.
    let _ = write!(line, "<{}>viaduct[{}]: ", facility.number() * 8 + severity, process::id());
    line.extend_from_slice(text.trim_ascii_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    // X05
    #[test]
    fn a_line_for_the_system_log_has_priority_and_process() {
        let mut line = b"rest of the last line".to_vec();
        let daemon = LogFacility::DAEMON;
        compose_system_line(&mut line, (daemon, LogLevel::Error), b"no route\n");
        let expected = format!("<27>viaduct[{}]: no route", process::id());
        assert_eq!(line, expected.into_bytes());
        compose_system_line(&mut line, (daemon, LogLevel::Debug), b"");
        assert!(line.starts_with(b"<31>"));
        let local = LogFacility::from_name(b"LOG_LOCAL3").unwrap();
        compose_system_line(&mut line, (local, LogLevel::Error), b"");
        assert!(line.starts_with(b"<155>"));
    }

    #[test]
    fn without_a_system_log_lines_are_lost_in_silence() {
        let mut log = SystemLog { socket: None, line: Vec::new() };
        log.write(LogFacility::DAEMON, LogLevel::Info, b"text");
    }
}
