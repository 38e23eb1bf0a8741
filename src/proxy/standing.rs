//! What a core is made of, and what of it stands while messages come and go.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::sync::Arc;

use super::branch::BranchKey;
use super::identity::{Identity, Listener};
use super::overload::Overload;
use super::parked::ParkingLot;
use super::quads::KnownQuads;
use super::response::Ours;
use super::suspended::WaitingRoom;
use super::warning::Warning;
use crate::jobs::JobQueue;
use crate::location::LocationTables;
use crate::mem::{Outbox, Peer};
use crate::metrics::WorkerCounters;
use crate::names::NameTable;
use crate::protocol::Transport;
use crate::script::{LogFacility, LogLevel, Program, Settings};
use crate::sip::compose::ReplyEnd;

/// Where the script's log lines go.
pub trait LogSink: Send {
    /// Writes one log entry; `text` is written as it is.
    fn write(&mut self, level: LogLevel, text: &[u8]);

    /// Writes one log entry for a facility of the system log, if that is where it goes.
    fn write_as(&mut self, _facility: LogFacility, level: LogLevel, text: &[u8]) {
        self.write(level, text);
    }

    /// Does what the global parameters of a new script say about log lines.
    fn follow(&mut self, _settings: &Settings) {}
}

/// What a core needs to be made.
pub struct CoreParts {
    /// The program to run.
    pub program: Arc<Program>,
    /// The listen addresses; a [`crate::mem::ListenerId`] is a position in this list.
    pub listeners: Arc<[Listener]>,
    /// What modules share with the rest of the server, such as the location tables; each is
    /// found by its type.
    pub services: Arc<[Arc<dyn Any + Send + Sync>]>,
    /// The addresses of host names.
    pub names: Arc<NameTable>,
    /// Where commands are ordered that the script runs; the answers are for
    /// [`super::ProxyCore::handle_completion`].
    pub jobs: JobQueue,
    /// The key of branch and tag hashes; the same in all workers.
    pub secret: [u8; 16],
    /// The seed of everything random in this worker.
    pub seed: u64,
    /// The number of the process, which the noisy Warning of a reply tells.
    pub process: u32,
    /// Whether this core removes expired bindings; one of the server's does.
    pub sweeps: bool,
    /// The worker's counters.
    pub counters: WorkerCounters,
    /// Where the script's log lines go.
    pub log: Box<dyn LogSink>,
}

impl std::fmt::Debug for CoreParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreParts").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}

/// The parts of the core that outlive a message and are used by each.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) parts: CoreParts,
    pub(super) identity: Identity,
    /// The addresses that hosts in messages were.
    pub(super) quads: KnownQuads,
    pub(super) key: BranchKey,
    pub(super) parking: ParkingLot,
    pub(super) overload: Overload,
    pub(super) waiting: WaitingRoom,
    /// What is known of who gets the message that is planned, if connections have to know it.
    pub(super) peer: Option<Peer>,
    /// Bytes that a request may have over UDP, and by what a longer one is sent.
    pub(super) udp_mtu: Option<(usize, Transport)>,
    /// The `Server` header line of replies made here, with its line break, or nothing.
    pub(super) server_header: Vec<u8>,
    /// The end of replies made here that have no body: `server_header`, and that there is none.
    pub(super) reply_end: ReplyEnd,
    /// The Warning header line of replies made here, if they have one.
    pub(super) warning: Option<Warning>,
    /// Log lines above this level are not written.
    pub(super) log_level: i32,
    /// State of the random numbers.
    pub(super) random: Cell<u64>,
    /// What modules share with the rest of the server, each with its type.
    services: Vec<(TypeId, Arc<dyn Any + Send + Sync>)>,
    /// The one of them that most messages ask for.
    pub(super) locations: Option<Arc<LocationTables>>,
}

impl Standing {
    /// What `parts` and the script's global parameters make.
    pub(super) fn new(parts: CoreParts, settings: &Settings) -> Self {
        Self {
            quads: KnownQuads::default(),
            identity: Identity::new(Arc::clone(&parts.listeners), &parts.program),
            key: BranchKey::new(&parts.secret),
            parking: ParkingLot::default(),
            overload: Overload::new(settings),
            waiting: WaitingRoom::new(parts.seed),
            peer: None,
            udp_mtu: udp_mtu(settings),
            server_header: server_header(settings),
            reply_end: ReplyEnd::new(&server_header(settings)),
            warning: Warning::new(settings, parts.process),
            log_level: settings.debug,
            random: Cell::new(parts.seed | 1),
            services: typed(&parts.services),
            locations: locations(&parts.services),
            parts,
        }
    }

    /// What tells responses to what was forwarded here.
    #[inline]
    pub(super) const fn ours(&self) -> Ours<'_> {
        (&self.key, &self.identity)
    }

    /// Does from now on what another program says. What waits, what was counted and what modules
    /// share stays; so do the listeners and the key.
    pub(super) fn follow(&mut self, program: &Arc<Program>) {
        let settings = program.settings();
        self.identity.rename(program);
        self.overload = Overload::new(settings);
        self.udp_mtu = udp_mtu(settings);
        self.server_header = server_header(settings);
        self.reply_end = ReplyEnd::new(&self.server_header);
        self.warning = Warning::new(settings, self.parts.process);
        self.log_level = settings.debug;
        self.parts.log.follow(settings);
        self.parts.program = Arc::clone(program);
    }

    /// Tells the outbox who gets its newest message, if that one was queued as planned.
    #[inline]
    pub(super) fn note_peer(&mut self, is_queued: bool, outbox: &mut Outbox) {
        if self.peer.is_some() {
            self.give_peer(is_queued, outbox);
        }
    }

    /// As [`Self::note_peer`], where there is something to be told.
    #[inline(never)]
    fn give_peer(&mut self, is_queued: bool, outbox: &mut Outbox) {
        if let Some(peer) = self.peer.take().filter(|_| is_queued) {
            outbox.note_peer(peer);
        }
    }

    /// What modules share with the rest of the server, by its type.
    pub(super) fn service(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let (_, service) = self.services.iter().find(|(known, _)| *known == id)?;
        Some(&**service)
    }
}

/// Services with their types.
fn typed(services: &[Arc<dyn Any + Send + Sync>]) -> Vec<(TypeId, Arc<dyn Any + Send + Sync>)> {
    services.iter().map(|service| ((**service).type_id(), Arc::clone(service))).collect()
}

/// The location tables, if they are among the services.
fn locations(services: &[Arc<dyn Any + Send + Sync>]) -> Option<Arc<LocationTables>> {
    services.iter().find_map(|service| Arc::clone(service).downcast().ok())
}

/// Bytes that a request may have over UDP, and by what a longer one is sent; none if by nothing
/// else.
fn udp_mtu(settings: &Settings) -> Option<(usize, Transport)> {
    let Settings { udp_mtu_bytes: bytes, udp_mtu_transport: transport, .. } = *settings;
    (bytes > 0 && transport.is_stream()).then_some((bytes, transport))
}

/// The `Server` header line with its line break, or nothing.
fn server_header(settings: &Settings) -> Vec<u8> {
    let header = settings.server_header.as_ref();
    header.map(|header| format!("{header}\r\n").into_bytes()).unwrap_or_default()
}
