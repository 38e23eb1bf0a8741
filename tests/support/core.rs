//! A proxy core without a network: datagrams in, datagrams out, on a clock of the test's own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

use std::any::Any;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use viaduct::jobs::{Answer, Completion, Ending, JobQueue, Mailbox, Order};
use viaduct::limits::HEADROOM_BYTES;
use viaduct::location::LocationTables;
use viaduct::mem::{Arrival, ListenerId, Outbox, Received, SlotId, SlotPool};
use viaduct::metrics::{Counter, WorkerCounters};
use viaduct::modules::{REGISTRY, SharedVariables};
use viaduct::names::NameTable;
use viaduct::protocol::Transport;
use viaduct::proxy::{CoreParts, Listener, LogSink, ProxyCore};
use viaduct::script::{LogLevel, Program, Reader, compile, parse_text, render};
use viaduct::time::{Now, Zone, Zones};

/// What goes out: where to, and the bytes.
pub(crate) type Sent = (SocketAddr, Vec<u8>);

/// A core with its slots, its outbox and its log.
pub(crate) struct CoreBench {
    pub(crate) core: ProxyCore,
    pub(crate) slots: SlotPool,
    pub(crate) outbox: Outbox,
    pub(crate) now: Now,
    pub(crate) counters: WorkerCounters,
    pub(crate) local: SocketAddr,
    /// The commands that the script has ordered.
    pub(crate) orders: Mailbox<Order>,
    answers: Mailbox<Completion>,
    log: Arc<Mutex<Vec<u8>>>,
}

/// What the cores of several workers share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) program: Arc<Program>,
    services: Arc<[Arc<dyn Any + Send + Sync>]>,
    names: Arc<NameTable>,
}

impl Shared {
    /// That program, empty location tables and those names.
    pub(crate) fn new(program: Program, names: Arc<NameTable>) -> Self {
        let tables = Arc::new(LocationTables::default());
        let services =
            [tables as _, Arc::new(SharedVariables::default()) as _, Arc::new(ZONES) as _];
        let services = Arc::new(services);
        Self { program: Arc::new(program), services, names }
    }
}

/// The time zones of tests: two hours ahead of UTC in the summer of 2001, else none.
const ZONES: Zones = Zones(|wall_seconds| {
    if (990_000_000..1_003_000_000).contains(&wall_seconds) {
        Zone { offset_seconds: 7_200, saves_daylight: true, abbreviation: *b"CEST\0\0\0" }
    } else {
        Zone::UTC
    }
});

/// Keeps what the script logs.
struct Kept(Arc<Mutex<Vec<u8>>>);

impl LogSink for Kept {
    fn write(&mut self, _: LogLevel, text: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(text);
    }
}

/// Scripts of tests include no files.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// The address of the server in all of these.
pub(crate) fn server() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

/// The program of a script, which must compile.
pub(crate) fn program(script: &str) -> Program {
    let text = script.as_bytes().to_vec();
    compile(parse_text(Path::new("test.cfg"), text, &NoFiles), &REGISTRY)
        .unwrap_or_else(|rejected| panic!("{}", render(&rejected.diagnostics, &rejected.map)))
        .program
}

impl CoreBench {
    /// A core that runs `script`, listening on [`server`].
    pub(crate) fn new(script: &str) -> Self {
        Self::with_program(program(script))
    }

    /// A core that runs `program`, listening on [`server`]. It knows no host names.
    pub(crate) fn with_program(program: Program) -> Self {
        Self::with_names(program, Arc::default())
    }

    /// A core that runs `program`, listening on [`server`] under the name that its first `listen`
    /// advertises, and looks host names up in `names`.
    pub(crate) fn with_names(program: Program, names: Arc<NameTable>) -> Self {
        Self::beside(&Shared::new(program, names))
    }

    /// A core beside others that share the same.
    pub(crate) fn beside(shared: &Shared) -> Self {
        let Shared { program, services, names } = shared.clone();
        let counters = WorkerCounters::default();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (orders, answers) = (Mailbox::new(), Mailbox::new());
        let advertise = program.settings().listen.first().and_then(|it| it.advertise.clone());
        let core = ProxyCore::new(CoreParts {
            program,
            listeners: Arc::new([Listener {
                transport: Transport::Udp,
                address: server(),
                advertise,
            }]),
            services,
            names,
            jobs: JobQueue::new(orders.address(), answers.address()),
            secret: *b"0123456789abcdef",
            seed: 1,
            process: 7,
            sweeps: true,
            counters: counters.clone(),
            log: Box::new(Kept(Arc::clone(&log))),
        });
        let now = Now { monotonic_ms: 1_000_000, wall_seconds: 1_800_000_000, ..Now::default() };
        let slots = SlotPool::new(1, 0);
        Self {
            core,
            slots,
            outbox: Outbox::new(),
            now,
            counters,
            local: server(),
            orders,
            answers,
            log,
        }
    }

    /// Gives the core one datagram. What it sends stays in the outbox.
    pub(crate) fn handle(&mut self, source: SocketAddr, datagram: &[u8]) {
        let slot = SlotId(0);
        let buffer = self.slots.slot_mut(slot);
        buffer[HEADROOM_BYTES..HEADROOM_BYTES + datagram.len()].copy_from_slice(datagram);
        let arrival = Arrival { source, local: self.local, listener: ListenerId(0) };
        let mut received = Received { slot, buffer, length: datagram.len(), arrival: &arrival };
        self.core.handle_datagram(self.now, &mut received, &mut self.outbox);
    }

    /// Gives the core one datagram; what it sends.
    pub(crate) fn send(&mut self, source: &str, datagram: impl AsRef<[u8]>) -> Vec<Sent> {
        self.handle(source.parse().unwrap(), datagram.as_ref());
        self.take_sent()
    }

    /// Answers the oldest command that was ordered; what the core sends because of that.
    pub(crate) fn finish(&mut self, ending: Ending, output: &str) -> Vec<Sent> {
        let answer = Answer { ending, output: output.as_bytes().to_vec() };
        self.orders.take().expect("a command is ordered").answer(answer);
        self.take_answers()
    }

    /// Gives the core the answers that are there; what it sends because of them.
    pub(crate) fn take_answers(&mut self) -> Vec<Sent> {
        while let Some(completion) = self.answers.take() {
            self.core.handle_completion(self.now, completion, &mut self.outbox);
        }
        self.take_sent()
    }

    /// What waits in the outbox.
    pub(crate) fn take_sent(&mut self) -> Vec<Sent> {
        let sent = self.outbox.transmits().iter().map(|transmit| {
            (transmit.destination, self.outbox.bytes(transmit, &self.slots).to_vec())
        });
        let sent: Vec<Sent> = sent.collect();
        self.outbox.sent(sent.len());
        sent
    }

    /// How often something was counted.
    pub(crate) fn counted(&self, counter: Counter) -> u64 {
        self.counters.value(counter)
    }

    /// What the script has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }
}
