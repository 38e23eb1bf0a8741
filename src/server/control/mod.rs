//! How the administrator's commands come in: through a socket (`viaduct ctl`) and through the FIFO
//! of SER and OpenSER. A thread of their own answers them; the workers never wait for it.
//!
//! ```text
//! socket ─ request::SocketReader ─┐                       ┌─ pieces ─▶ socket
//!                                 ├─ session ─ admin::ask ┤
//! FIFO ─── request::FifoReader ───┘                       └─ pieces ─▶ reply FIFO
//! ```

mod client;
mod desk;
mod fifo;
mod request;
mod session;
mod socket;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;
use mio::{Poll, Waker};

use self::desk::{Desk, Inlet, WAKER};
use self::fifo::ControlFifo;
use self::socket::ControlSocket;
use super::{Options, ServerError};
use crate::admin::{Facts, Reload};
use crate::connections::Directory;
use crate::jobs::{Address, Mailbox};
use crate::limits::CONTROL_SESSION_COUNT_MAX;
use crate::location::LocationTables;
use crate::metrics::WorkerCounters;
use crate::script::{ControlSettings, Program};
use crate::time::Now;
use crate::transport::tls::TlsContexts;

pub use client::{CtlOptions, ctl};

/// Where commands come in.
#[derive(Debug)]
pub(super) struct Inlets {
    socket: Option<ControlSocket>,
    fifo: Option<Inlet>,
}

impl Inlets {
    /// Opens what the command line and the script name.
    ///
    /// # Errors
    ///
    /// When one of these cannot be had.
    pub(super) fn open(options: &Options, program: &Program) -> Result<Self, ServerError> {
        let settings = &program.settings().control;
        let path = options.ctl.clone().or_else(|| settings.socket.as_ref().map(PathBuf::from));
        let refused = |what: &'static str, path: &PathBuf| {
            let path = path.clone();
            move |source: io::Error| ServerError::Inlet { what, path, source }
        };
        let socket = path.map(|path| {
            ControlSocket::bind(&path).map_err(refused("listen for commands at", &path))
        });
        // The module's FIFO goes before the global parameter's: it is OpenSER's way.
        let module = program.config::<ControlSettings>().filter(|module| module.fifo.is_some());
        let settings = module.unwrap_or(settings);
        let fifo = settings.fifo.as_ref().map(|path| {
            let path = PathBuf::from(path);
            let fifo = ControlFifo::open(&path, settings.fifo_mode);
            let inlet = |fifo| Inlet::new(fifo, PathBuf::from(&settings.reply_folder));
            fifo.map(inlet).map_err(refused("use the FIFO", &path))
        });
        Ok(Self { socket: socket.transpose()?, fifo: fifo.transpose()? })
    }

    /// Whether commands come in nowhere.
    const fn are_none(&self) -> bool {
        self.socket.is_none() && self.fifo.is_none()
    }
}

/// What commands look at.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) facts: Facts,
    pub(super) tables: Arc<LocationTables>,
    pub(super) connections: Arc<Directory>,
    /// What TLS is spoken by.
    pub(super) tls: Arc<ArcSwap<TlsContexts>>,
    /// The workers' counters, and behind them those of the thread for commands.
    pub(super) counters: Vec<WorkerCounters>,
}

/// Somebody asks for something to be read again.
#[derive(Debug)]
pub(super) struct ReloadOrder {
    /// What.
    pub(super) what: Reload,
    id: u64,
    answer_to: Address<ReloadReport>,
}

impl ReloadOrder {
    /// Tells what came of it: whether it took place or why not, and the remarks about the script.
    pub(super) fn answer(self, result: Result<(), String>, remarks: String) {
        self.answer_to.send(ReloadReport { id: self.id, report: (result, remarks) });
    }
}

/// What came of a reload.
#[derive(Debug)]
pub(super) struct ReloadReport {
    id: u64,
    report: (Result<(), String>, String),
}

/// The thread that answers commands.
#[derive(Debug)]
pub(super) struct Control {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: JoinHandle<()>,
}

impl Control {
    /// Starts the thread; none if commands come in nowhere. `order` asks for a reload.
    ///
    /// # Errors
    ///
    /// When the system gives no thread or no poll.
    pub(super) fn start(
        inlets: Inlets,
        office: Office,
        clock: impl Fn() -> Now + Send + 'static,
        order: impl Fn(ReloadOrder) + Send + 'static,
    ) -> io::Result<Option<Self>> {
        if inlets.are_none() {
            return Ok(None);
        }
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let reports = Mailbox::new();
        let woken = Arc::clone(&waker);
        reports.set_bell(move || {
            if let Err(error) = woken.wake() {
                tracing::warn!("the thread for commands cannot be woken: {error}");
            }
        });
        let desk = Desk {
            poll,
            office,
            clock: Box::new(clock),
            socket: inlets.socket,
            fifo: inlets.fifo,
            reports,
            order: Box::new(order),
            sessions: std::iter::repeat_with(|| None).take(CONTROL_SESSION_COUNT_MAX).collect(),
            needs: [None; CONTROL_SESSION_COUNT_MAX],
            next_id: 0,
            has_callers: true,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let seen_by_thread = Arc::clone(&stop);
        let thread = thread::Builder::new().name("control".to_owned()).spawn(move || {
            if let Err(error) = desk.work(&seen_by_thread) {
                tracing::error!("no more commands are answered: {error}");
            }
        })?;
        Ok(Some(Self { stop, waker, thread }))
    }

    /// Has the thread end, and waits for it: what commands came in by is gone then.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        if self.waker.wake().is_ok() {
            // It cannot have panicked without a report of its own.
            let _ = self.thread.join();
        }
    }
}
