//! The proxy core of one worker: a datagram in, datagrams out.

use std::any::{Any, TypeId};
use std::sync::Arc;

use bumpalo::Bump;
use smallvec::SmallVec;

use super::arrival::Arrival;
use super::branch::BranchKey;
use super::identity::{Identity, Listener};
use super::response::{self, Hop};
use super::turn::{Plan, Turn};
use super::validate::{Rejection, validate};
use crate::limits::HEADROOM_BYTES;
use crate::location::LocationTables;
use crate::mem::{Outbox, Payload, Received, Transmit};
use crate::metrics::{Counter, WorkerCounters};
use crate::script::{Execution, Host, LogLevel, Program, RouteId, Transit, Verdict, run};
use crate::sip::rewrite::EditList;
use crate::sip::{self, Essentials, HeaderName, Message, MessageIndex, Method};
use crate::time::Now;

/// Where the script's log lines go.
pub trait LogSink: Send {
    /// Writes one log entry; `text` is written as it is.
    fn write(&mut self, level: LogLevel, text: &[u8]);
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
    /// The key of branch and tag hashes; the same in all workers.
    pub secret: [u8; 16],
    /// The seed of everything random in this worker.
    pub seed: u64,
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

/// What one message needs for as long as it is worked on. Kept from message to message, so that
/// nothing is allocated once the usual size is reached.
#[derive(Debug, Default)]
struct Workspace {
    index: MessageIndex,
    arena: Bump,
    /// The edits that the script makes.
    edits: EditList,
    /// The edits of the planned forward: the script's and those of RFC 3261 §16.6.
    plan_edits: EditList,
}

/// The parts of the core that outlive a message and are used by each.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) parts: CoreParts,
    pub(super) identity: Identity,
    pub(super) key: BranchKey,
    /// The `Server` header line of replies made here, with its line break, or nothing.
    pub(super) server_header: Vec<u8>,
    /// Log lines above this level are not written.
    pub(super) log_level: i32,
    /// State of the random numbers.
    pub(super) random: u64,
}

impl Standing {
    /// What modules share with the rest of the server, by its type.
    pub(super) fn service(&self, id: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let mut services = self.parts.services.iter().map(|service| &**service);
        services.find(|service| (**service).type_id() == id)
    }
}

/// The proxy core of one worker.
#[derive(Debug)]
pub struct ProxyCore {
    /// The worker's own copy: regular expressions keep their caches in it.
    program: Program,
    standing: Standing,
    workspace: Workspace,
    message_count: u64,
    /// When expired bindings are swept next, in milliseconds of the monotonic clock.
    sweep_at_ms: Option<u64>,
}

/// Time between two sweeps of a few expired bindings.
const SWEEP_INTERVAL_MS: u64 = 100;

/// Sweeps in which each table has been gone through once: about a minute.
const SWEEP_ROUND_TURNS: usize = 600;

/// What becomes of a message once the script has run.
#[derive(Debug)]
enum Decision {
    /// Nothing goes out of the slot; replies may be in the outbox.
    Done,
    /// The message is rewritten by the planned edits and sent.
    Forward(Plan),
}

impl ProxyCore {
    /// A core that runs the program of `parts`.
    #[must_use]
    pub fn new(parts: CoreParts) -> Self {
        let program = Program::clone(&parts.program);
        let settings = program.settings();
        let server_header = settings.server_header.as_ref();
        let standing = Standing {
            identity: Identity::new(Arc::clone(&parts.listeners), settings),
            key: BranchKey::new(&parts.secret),
            server_header: server_header
                .map(|header| format!("{header}\r\n").into_bytes())
                .unwrap_or_default(),
            log_level: settings.debug,
            random: parts.seed | 1,
            parts,
        };
        Self {
            program,
            sweep_at_ms: standing.parts.sweeps.then_some(0),
            standing,
            workspace: Workspace::default(),
            message_count: 0,
        }
    }

    /// Works through one datagram. What is to be sent because of it is in `outbox` when the call
    /// returns; a forwarded message stays in its slot.
    pub fn handle_datagram(&mut self, now: Now, received: Received<'_>, outbox: &mut Outbox) {
        self.message_count = self.message_count.wrapping_add(1);
        if received.datagram().iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return self.standing.parts.counters.count(Counter::DroppedKeepAlive);
        }
        let arrival = Arrival::of(&received);
        if let Decision::Forward(plan) = self.decide(now, received.datagram(), arrival, outbox) {
            self.send_rewritten(received, &plan, outbox);
        }
    }

    /// When [`Self::handle_timeout`] wants to be called, in milliseconds of the monotonic clock.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<u64> {
        self.sweep_at_ms
    }

    /// Does what is due by `now`: sweeps a few expired bindings.
    pub fn handle_timeout(&mut self, now: Now, _outbox: &mut Outbox) {
        if self.sweep_at_ms.is_none_or(|due| now.monotonic_ms < due) {
            return;
        }
        self.sweep_at_ms = Some(now.monotonic_ms + SWEEP_INTERVAL_MS);
        let service = self.standing.service(TypeId::of::<LocationTables>());
        let Some(tables) = service.and_then(|any| any.downcast_ref::<LocationTables>()) else {
            return;
        };
        let largest = tables.iter().map(|(_, table)| table.aor_count()).max().unwrap_or(0);
        let budget = largest / SWEEP_ROUND_TURNS + 64;
        let expired = tables.sweep(crate::location::seconds(now), budget);
        self.standing.parts.counters.add(Counter::BindingsExpired, expired as u64);
    }

    /// Parses the datagram and finds out what to do with it.
    fn decide(
        &mut self,
        now: Now,
        datagram: &[u8],
        arrival: Arrival,
        outbox: &mut Outbox,
    ) -> Decision {
        let Self { program, standing, workspace, message_count, .. } = self;
        let parsed = sip::parse(datagram, &mut workspace.index);
        let message = Message::new(datagram, &workspace.index);
        let checked = match parsed {
            Ok(()) if message.method().is_some() => validate(message, &standing.key).map(Some),
            Ok(()) => Ok(None),
            Err(error) => Err(error.into()),
        };
        let essentials = checked.as_ref().ok().and_then(Option::as_ref);
        workspace.plan_edits.clear();
        let plan_edits = &mut workspace.plan_edits;
        let mut desk = Desk {
            program,
            turn: Turn::new((now, arrival), essentials, standing, plan_edits, outbox),
            arena: &workspace.arena,
            edits: std::mem::take(&mut workspace.edits),
            message_count: *message_count,
        };
        let decision = match &checked {
            Ok(Some(essentials)) => desk.request(message, essentials),
            Ok(None) => desk.response(message),
            Err(rejection) if message.method().is_some() => desk.refuse(message, *rejection),
            Err(_) => desk.drop_counted(Counter::DroppedMalformed),
        };
        workspace.edits = desk.edits;
        workspace.edits.clear();
        workspace.arena.reset();
        decision
    }

    /// Makes the planned edits in the slot and queues the message.
    fn send_rewritten(&mut self, received: Received<'_>, plan: &Plan, outbox: &mut Outbox) {
        let message = HEADROOM_BYTES..HEADROOM_BYTES + plan.message_length;
        match self.workspace.plan_edits.apply(received.buffer, message) {
            Some(range) => {
                self.standing.parts.counters.count(plan.counter);
                outbox.push(Transmit {
                    destination: plan.destination,
                    listener: plan.listener,
                    source: plan.source,
                    payload: Payload::Slot(received.slot, range),
                });
            }
            None => self.standing.parts.counters.count(Counter::DroppedTooLarge),
        }
    }
}

/// One message on its way through the core.
struct Desk<'a> {
    program: &'a Program,
    turn: Turn<'a>,
    arena: &'a Bump,
    edits: EditList,
    message_count: u64,
}

impl Desk<'_> {
    /// Works through a request (RFC 3261 §16.3 to §16.6).
    fn request(&mut self, request: Message<'_>, essentials: &Essentials<'_>) -> Decision {
        self.turn.count(Counter::ReceivedRequests);
        if self.acknowledges_own_reply(request, essentials) {
            return self.drop_counted(Counter::AbsorbedAcks);
        }
        match self.program.main_route().map(|route| self.run(request, route)) {
            Some((_, true)) => {}
            Some((Verdict::Error(_), false)) => {
                self.answer(request, 500, b"Server error occurred (1/SL)", &[]);
            }
            Some((_, false)) | None => self.turn.count(Counter::DroppedByScript),
        }
        match self.turn.plan.take() {
            Some(plan) => Decision::Forward(plan),
            None => Decision::Done,
        }
    }

    /// Works through a response (RFC 3261 §16.7 as far as a stateless proxy goes, §16.11).
    fn response(&mut self, response: Message<'_>) -> Decision {
        self.turn.count(Counter::ReceivedResponses);
        let hop = match response::next_hop(response, &self.turn.standing.key) {
            Ok(hop) => hop,
            Err(dropped) => return self.drop_counted(dropped),
        };
        if let Some(route) = self.program.reply_route() {
            let (verdict, _) = self.run(response, route);
            if verdict == Verdict::Drop {
                return self.drop_counted(Counter::DroppedByScript);
            }
            self.turn.plan_edits.copy_from(&self.edits);
        }
        self.plan_response(response, &hop)
    }

    /// Plans the response to be sent on, our Via taken off.
    fn plan_response(&mut self, response: Message<'_>, hop: &Hop) -> Decision {
        let arrival = self.turn.arrival;
        let edits = &mut *self.turn.plan_edits;
        super::forward::fix_content_length(response, edits);
        response::remove_top_via(response, edits);
        let standing = &mut *self.turn.standing;
        let Some(listener) = standing.identity.listener(hop.listener) else {
            return self.drop_counted(Counter::DroppedForeignResponse);
        };
        if listener.address.is_ipv4() != hop.destination.is_ipv4() {
            return self.drop_counted(Counter::DroppedUnroutableResponse);
        }
        let own = listener.address.ip();
        let source = if own.is_unspecified() { arrival.local.ip() } else { own };
        Decision::Forward(Plan {
            destination: hop.destination,
            listener: hop.listener,
            source,
            counter: Counter::ForwardedResponses,
            message_length: response.end(),
        })
    }

    /// Runs the script over a message. Whether something was sent or planned because of it.
    fn run<'m>(&'m mut self, message: Message<'m>, route: RouteId) -> (Verdict, bool) {
        let arrival = self.turn.arrival;
        let ways = (arrival.source, arrival.local);
        let mut transit = Transit::new(message, ways, arrival.listener, self.arena);
        std::mem::swap(&mut transit.edits, &mut self.edits);
        transit.essentials = self.turn.essentials;
        let mut execution = Execution::new(transit, &mut self.turn, self.program);
        execution.message_number = self.message_count;
        let verdict = run(&mut execution, route);
        let acted = execution.transit.acted;
        self.edits = std::mem::take(&mut execution.transit.edits);
        (verdict, acted)
    }

    /// Answers a request that did not pass the checks; an ACK gets no answer.
    fn refuse(&mut self, request: Message<'_>, rejection: Rejection) -> Decision {
        let (code, reason) = rejection.status();
        let mut headers: SmallVec<[&[u8]; 4]> = SmallVec::new();
        if rejection == Rejection::ProxyRequire {
            for demanded in request.headers(HeaderName::ProxyRequire) {
                headers.extend([&b"Unsupported: "[..], demanded.value, b"\r\n"]);
            }
        }
        let answered = self.answer(request, code, reason.as_bytes(), &headers);
        self.drop_counted(if answered { rejection.counter() } else { Counter::DroppedMalformed })
    }

    /// Composes a reply that is not the script's.
    fn answer(
        &mut self,
        request: Message<'_>,
        code: u16,
        reason: &[u8],
        headers: &[&[u8]],
    ) -> bool {
        request.method() != Some(Method::Ack)
            && super::reply::reply(&mut self.turn, request, (code, reason), headers, false).is_ok()
    }

    /// Whether this is the ACK to a failure that was answered here: it has the tag that only we
    /// could have given (RFC 3261 §17.1.1.3). It ends here, as it would with a transaction.
    fn acknowledges_own_reply(&self, request: Message<'_>, essentials: &Essentials<'_>) -> bool {
        let Essentials { call_id, cseq, from, to, .. } = essentials;
        let own = || {
            let from_tag = from.tag().unwrap_or_default();
            self.turn.standing.key.tag(call_id, Some(cseq.number), from_tag)
        };
        request.method() == Some(Method::Ack) && to.tag().is_some_and(|tag| tag == own())
    }

    /// Counts why the message ends here.
    fn drop_counted(&mut self, counter: Counter) -> Decision {
        self.turn.count(counter);
        Decision::Done
    }
}
