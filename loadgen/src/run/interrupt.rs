//! Ctrl-C and SIGTERM.

use std::io;
use std::thread;

use crossbeam_channel as channel;
use viaduct::sys;

use super::RunError;

/// Signals that came, one after another.
#[derive(Debug)]
pub(super) struct Interrupts {
    signals: channel::Receiver<()>,
}

impl Interrupts {
    /// Keeps signals from ending the process, in this thread and all that are started from now
    /// on, and waits for them in a thread of their own.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub(super) fn listen() -> Result<Self, RunError> {
        let failed = |source: io::Error| RunError::System { what: "to wait for signals", source };
        sys::block_signals().map_err(failed)?;
        let (sender, signals) = channel::unbounded();
        let wait = move || {
            while sys::wait_for_signal().is_ok() && sender.send(()).is_ok() {}
        };
        thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(failed)?;
        Ok(Self { signals })
    }

    /// Takes the next signal that has come.
    #[must_use]
    pub(super) fn take(&self) -> bool {
        self.signals.try_recv().is_ok()
    }
}
