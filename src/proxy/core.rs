//! The proxy core of one worker: a datagram in, datagrams out.

use std::sync::Arc;

use bumpalo::Bump;
use smallvec::SmallVec;

use super::parked::{self, Counted, Form, Forms, NamedHost, Otherwise, Parked};
use super::pass;
use super::response::{self, Hop};
use super::standing::{CoreParts, Standing};
use super::suspended::Waiting;
use super::turn::{Plan, Turn};
use super::validate::{Rejection, validate};
use crate::jobs::{Answer, Completion, Ending};
use crate::limits::{BATCH_DATAGRAMS_MAX, HEADROOM_BYTES};
use crate::location::UsrlocConfig;
use crate::mem::{Arrival, Outbox, Payload, Received, Transmit};
use crate::metrics::Counter;
use crate::modules;
use crate::names::Lookup;
use crate::protocol::Transport;
use crate::script::{
    Execution, Host, Observer, Program, Rewritten, RouteId, Suspended, Transit, Verdict, Wait,
    resume, run,
};
use crate::sip::rewrite::EditList;
use crate::sip::{self, Essentials, HeaderName, Message, MessageIndex, Method, ParseError};
use crate::time::{Now, earlier};

/// What one message needs for as long as it is worked on. Kept from message to message, so that
/// nothing is allocated once the usual size is reached.
#[derive(Debug, Default)]
struct Workspace {
    index: MessageIndex,
    /// What is to go out of the slot, if anything is.
    plan: Option<Plan>,
    /// The edits of the planned forward: the script's and those of RFC 3261 §16.6.
    plan_edits: EditList,
}

/// What the script makes of a message.
#[derive(Debug, Default)]
struct Draft {
    arena: Bump,
    rewritten: Rewritten,
    /// The edits that the script makes.
    edits: EditList,
    /// The response that the script has put in place of the one that arrived.
    new_response: Option<Vec<u8>>,
}

/// The script that runs over each message.
#[derive(Debug)]
struct Script {
    /// The worker's own copy: regular expressions keep their caches in it.
    program: Arc<Program>,
    /// The route block that runs for each request.
    main_route: Option<RouteId>,
    /// Who looks on as it runs, if anyone does.
    observer: Option<Box<dyn Observer>>,
    message_count: u64,
    draft: Draft,
}

/// The proxy core of one worker.
#[derive(Debug)]
pub struct ProxyCore {
    script: Script,
    /// Whether the script runs for responses, too.
    sees_responses: bool,
    standing: Standing,
    workspace: Workspace,
    /// When expired bindings are swept next, in milliseconds of the monotonic clock.
    sweep_at_ms: Option<u64>,
    /// Time in which each table is gone through once (milliseconds).
    sweep_round_ms: u64,
}

/// Addresses-of-record of a table that a sweep is to look at: datagrams wait behind it for less
/// than a tenth of a millisecond. Of large tables, sweeps are therefore more frequent.
const SWEEP_AORS: u64 = 256;

/// The longest time between two sweeps.
const SWEEP_INTERVAL_MS_MAX: u64 = 100;

impl ProxyCore {
    /// A core that runs the program of `parts`.
    #[must_use]
    pub fn new(parts: CoreParts) -> Self {
        let program = Arc::new(Program::clone(&parts.program));
        let standing = Standing::new(parts, program.settings());
        Self {
            sweep_at_ms: standing.parts.sweeps.then_some(0),
            sweep_round_ms: sweep_round_ms(&program),
            sees_responses: program.reply_route().is_some(),
            script: Script {
                main_route: program.main_route(),
                program,
                observer: None,
                message_count: 0,
                draft: Draft::default(),
            },
            standing,
            workspace: Workspace::default(),
        }
    }

    /// Runs another program from now on. Requests that wait, tables and counters stay; so do the
    /// listeners and the key of the branches.
    pub fn replace_program(&mut self, program: &Arc<Program>) {
        self.script.program = Arc::new(Program::clone(program));
        self.script.main_route = program.main_route();
        self.sweep_round_ms = sweep_round_ms(program);
        self.sees_responses = program.reply_route().is_some();
        self.standing.follow(program);
    }

    /// Lets `observer` look on at all further runs of the script. They are slower then.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.script.observer = Some(observer);
    }

    /// Works through one datagram. What is to be sent because of it is in `outbox` when the call
    /// returns; a forwarded message stays in its slot.
    pub fn handle_datagram(&mut self, now: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
        self.script.message_count = self.script.message_count.wrapping_add(1);
        if !self.sees_responses && pass::is_response(received) {
            self.handle_response(now, received, outbox);
        } else {
            self.handle_any(now, received, outbox);
        }
    }

    /// As [`Self::handle_datagram`], of what starts as a response that no script looks at.
    #[inline(never)]
    fn handle_response(&mut self, now: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
        if !pass::pass(&self.standing, received, outbox) {
            self.handle_unusual(now, received, outbox);
        }
    }

    /// As [`Self::handle_any`], of a response that was not passed on: rare, so that nothing is kept
    /// ready for it.
    #[cold]
    #[inline(never)]
    fn handle_unusual(&mut self, now: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
        self.handle_any(now, received, outbox);
    }

    /// As [`Self::handle_datagram`], of any.
    #[inline(never)]
    fn handle_any(&mut self, now: Now, received: &mut Received<'_>, outbox: &mut Outbox) {
        if received.datagram().iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return self.standing.parts.counters.count(Counter::DroppedKeepAlive);
        }
        let parsed = sip::parse(received.datagram(), &mut self.workspace.index);
        self.decide((&now, received.arrival), (received.datagram(), parsed), None, outbox);
        self.send_rewritten(received, outbox);
    }

    /// Notes that the kernel lost datagrams for want of time: more comes than can be worked
    /// through.
    pub fn note_losses(&mut self) {
        self.standing.overload.note_losses();
    }

    /// Goes on with the run of the script that waited for this. What is to be sent because of it
    /// is in `outbox` when the call returns.
    pub fn handle_completion(&mut self, now: Now, completion: Completion, outbox: &mut Outbox) {
        let Some(waiting) = self.standing.waiting.leave(completion.job) else { return };
        let message = waiting.run.message();
        let resumed = Some(&(&waiting, &completion.answer));
        let parsed = sip::parse(message, &mut self.workspace.index);
        self.decide((&now, &waiting.arrival), (message, parsed), resumed, outbox);
        if let Some(plan) = self.workspace.plan.take() {
            let way = (plan.destination, plan.listener, plan.source);
            let fits = outbox.push_composed(way, |out| {
                self.workspace.plan_edits.write_to(&message[..plan.message_length], out);
                true
            });
            let counters = &self.standing.parts.counters;
            counters.count(if fits { plan.counter } else { Counter::DroppedTooLarge });
            self.standing.note_peer(fits, outbox);
        }
    }

    /// When [`Self::handle_timeout`] wants to be called, in milliseconds of the monotonic clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        let Standing { parking, waiting, .. } = &self.standing;
        earlier(self.sweep_at_ms, earlier(parking.due_ms(), waiting.due_ms()))
    }

    /// When a run goes on that waits for a moment, in milliseconds of the monotonic clock.
    #[must_use]
    pub fn wakes_at_ms(&self) -> Option<u64> {
        self.standing.waiting.due_ms()
    }

    /// Does what is due by `now`: sends requests that waited for a name, goes on with runs that
    /// waited for a moment, sweeps a few expired bindings.
    pub fn handle_timeout(&mut self, now: Now, outbox: &mut Outbox) {
        parked::settle(&mut self.standing, now, outbox);
        // A batch at most: their number must not keep datagrams waiting.
        for _ in 0..BATCH_DATAGRAMS_MAX {
            let Some(job) = self.standing.waiting.take_due(now) else { break };
            self.wake(now, job, outbox);
        }
        if self.sweep_at_ms.is_some_and(|due| due <= now.monotonic_ms) {
            self.sweep_at_ms = Some(now.monotonic_ms + self.sweep(now));
        }
    }

    /// Lets some of the runs that wait for a moment go on at once, as the server ends; whether
    /// there may be more. From now on no run can wait.
    pub fn end_waits(&mut self, now: Now, outbox: &mut Outbox) -> bool {
        for _ in 0..BATCH_DATAGRAMS_MAX {
            let Some(job) = self.standing.waiting.close() else { return false };
            self.wake(now, job, outbox);
        }
        true
    }

    /// Goes on with a run that waited for a moment.
    fn wake(&mut self, now: Now, job: u64, outbox: &mut Outbox) {
        let answer = Answer { ending: Ending::Exited(0), output: Vec::new() };
        self.handle_completion(now, Completion { job, answer }, outbox);
    }

    /// Removes some of the expired bindings of all tables; how long until it is to be done again
    /// (milliseconds).
    fn sweep(&self, now: Now) -> u64 {
        let Some(tables) = &self.standing.locations else { return SWEEP_INTERVAL_MS_MAX };
        let largest = tables.iter().map(|(_, table)| table.aor_count()).max().unwrap_or(0) as u64;
        let interval_ms = self.sweep_round_ms * SWEEP_AORS / largest.max(1);
        let interval_ms = interval_ms.clamp(1, SWEEP_INTERVAL_MS_MAX);
        let budget = largest * interval_ms / self.sweep_round_ms + 64;
        let expired = tables.sweep(crate::location::seconds(now), budget as usize);
        self.standing.parts.counters.add(Counter::BindingsExpired, expired as u64);
        interval_ms
    }

    /// Finds out what to do with a datagram, which has been parsed: from the start, or from where a
    /// run has waited for an answer. The workspace then says whether it is to go out of its slot;
    /// replies may be in the outbox.
    fn decide(
        &mut self,
        turn: (&Now, &Arrival),
        (datagram, parsed): (&[u8], Result<(), ParseError>),
        resumed: Option<&Resumed<'_>>,
        outbox: &mut Outbox,
    ) {
        let Self { script, standing, workspace, sees_responses, .. } = self;
        let message = Message::new(datagram, &workspace.index);
        let is_request = message.method().is_some();
        // Looked at where they are: they are large.
        let mut essentials = Essentials::none();
        let uri = message.plain_request_uri();
        let checked = match parsed.and_then(|()| message.read_essentials(&mut essentials)) {
            // Before it waited it was checked as it arrived; the script may have changed it since.
            Ok(()) if is_request && resumed.is_none() => {
                validate(message, &essentials, uri.as_ref())
            }
            Ok(()) => Ok(()),
            // Nobody reads a response but for where it goes.
            Err(_) if !is_request && !*sees_responses && resumed.is_none() && parsed.is_ok() => {
                message.read_topmost_via(&mut essentials).map_err(Into::into)
            }
            Err(error) => Err(error.into()),
        };
        workspace.plan_edits.clear();
        workspace.plan = None;
        let plan = (&mut workspace.plan, &mut workspace.plan_edits);
        let mut desk = Desk {
            script,
            resumed,
            turn: Turn::new(turn, checked.is_ok().then_some(&essentials), standing, plan, outbox),
        };
        desk.turn.uri = uri.as_ref();
        match (checked, resumed) {
            (Ok(()), None) if is_request => desk.request(message, &essentials),
            (Ok(()), Some(resumed)) if is_request => desk.resume_request(message, resumed),
            (Err(rejection), _) if is_request => desk.refuse(message, rejection),
            _ if parsed.is_ok() => desk.response(message),
            _ => desk.drop_counted(Counter::DroppedMalformed),
        }
        let Draft { arena, rewritten, edits, .. } = &mut script.draft;
        edits.clear();
        arena.reset();
        rewritten.clear();
    }

    /// Makes the planned edits in the slot and queues the message, if it is to go out.
    #[inline]
    fn send_rewritten(&mut self, received: &mut Received<'_>, outbox: &mut Outbox) {
        let Some(plan) = &self.workspace.plan else { return };
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
                self.standing.note_peer(true, outbox);
            }
            None => {
                self.standing.parts.counters.count(Counter::DroppedTooLarge);
                self.standing.note_peer(false, outbox);
            }
        }
    }
}

/// A number that a tag makes.
fn lot(tag: &[u8]) -> u32 {
    tag.iter().fold(0, |lot: u32, digit| lot.wrapping_mul(31).wrapping_add(u32::from(*digit)))
}

/// Time in which each table is to be gone through once (milliseconds).
fn sweep_round_ms(program: &Program) -> u64 {
    let config = program.config::<UsrlocConfig>().copied().unwrap_or_default();
    1_000 * u64::from(config.timer_interval_seconds).max(1)
}

/// A run that goes on, and the answer that it has waited for.
type Resumed<'a> = (&'a Waiting, &'a Answer);

/// One message on its way through the core.
struct Desk<'a> {
    script: &'a mut Script,
    /// The run that goes on, if one does.
    resumed: Option<&'a Resumed<'a>>,
    turn: Turn<'a>,
}

/// How a run of the script has ended: its verdict, and whether something was sent or planned
/// because of the message; `None` if it waits.
type Outcome = Option<(Verdict, bool)>;

/// What a run leaves that has this verdict: the verdict and whether something was sent or planned,
/// or itself as it has to wait.
#[inline(always)]
fn end(
    execution: &mut Execution<'_>,
    verdict: Verdict,
    (arrived, new_response): (Message<'_>, &mut Option<Vec<u8>>),
) -> Result<(Verdict, bool), Box<Suspended>> {
    if arrived.status().is_some() {
        *new_response = replaced(execution, arrived.text());
    }
    if let Some(suspended) = execution.take_suspended() {
        return Err(suspended);
    }
    modules::end_run(execution);
    Ok((verdict, execution.transit.acted))
}

/// The response that is there now, if it is not the one that arrived.
#[inline(never)]
fn replaced(execution: &Execution<'_>, arrived: &[u8]) -> Option<Vec<u8>> {
    let present = execution.transit.message.text();
    (!std::ptr::eq(present, arrived)).then(|| present.to_vec())
}

/// Keeps a run until its command has ended, and has that run; or until its moment has come.
#[cold]
fn wait(turn: &mut Turn<'_>, mut run: Box<Suspended>, program: &Arc<Program>) -> Outcome {
    turn.count(Counter::ScriptSuspensions);
    let Standing { parts, waiting, .. } = &mut *turn.standing;
    let size = run.wait.size();
    let command = match &mut run.wait {
        Wait::Command(command) => Some(std::mem::take(command)),
        Wait::Time(_) => None,
    };
    let origin = (*turn.arrival, turn.is_rewritten);
    let job = waiting.enter(run, size, Arc::clone(program), origin);
    if let Some(command) = command {
        parts.jobs.order(job, command);
    }
    None
}

impl Desk<'_> {
    /// Works through a request (RFC 3261 §16.3 to §16.6).
    fn request(&mut self, request: Message<'_>, essentials: &Essentials<'_>) {
        self.turn.count(Counter::ReceivedRequests);
        if self.acknowledges_own_reply(request, essentials) {
            return self.drop_counted(Counter::AbsorbedAcks);
        }
        if self.refuses_new_call(request, essentials) {
            return self.drop_counted(Counter::RefusedOverload);
        }
        let Some(route) = self.script.main_route else {
            return self.drop_counted(Counter::DroppedByScript);
        };
        let outcome = self.run(request, route);
        self.conclude(request, outcome);
    }

    /// Goes on with the run of a request that has waited.
    #[cold]
    fn resume_request(&mut self, request: Message<'_>, resumed: &Resumed<'_>) {
        let outcome = self.go_on(request, resumed);
        self.conclude(request, outcome);
    }

    /// Does with a request what is to be done when the script has ended, or waits.
    #[inline]
    fn conclude(&mut self, request: Message<'_>, outcome: Outcome) {
        match outcome {
            Some((_, true)) => {}
            Some((Verdict::Error(_), false)) => {
                self.answer(request, 500, b"Server error occurred (1/SL)", &[]);
            }
            Some((_, false)) => self.drop_counted(Counter::DroppedByScript),
            None => super::forward::compose_earlier_plan(&mut self.turn, request),
        }
    }

    /// Works through a response (RFC 3261 §16.7 as far as a stateless proxy goes, §16.11).
    #[inline(never)]
    fn response(&mut self, response: Message<'_>) {
        if self.resumed.is_none() {
            self.turn.count(Counter::ReceivedResponses);
        }
        let Some(essentials) = self.turn.essentials else {
            return self.drop_counted(Counter::DroppedMalformed);
        };
        let hop = response::next_hop(response, essentials, self.turn.standing.ours());
        // A run that waited comes to its end first, whatever it has made of its response.
        if let (Err(dropped), None) = (hop, self.resumed) {
            return self.drop_counted(dropped);
        }
        let outcome = match (self.resumed, self.script.program.reply_route()) {
            (Some(resumed), _) => Some(self.go_on(response, resumed)),
            (None, Some(route)) => Some(self.run(response, route)),
            (None, None) => None,
        };
        let new_response = self.script.draft.new_response.take();
        match outcome {
            Some(Some((Verdict::Drop, _))) => return self.drop_counted(Counter::DroppedByScript),
            Some(Some(_)) => self.turn.plan_edits.copy_from(&self.script.draft.edits),
            Some(None) => return,
            None => {}
        }
        match (hop, new_response) {
            (Err(dropped), _) => self.drop_counted(dropped),
            (Ok(hop), Some(text)) => self.send_new_response(&text, hop),
            (Ok(hop), None) => self.plan_response(response, hop),
        }
    }

    /// Sends a response on that the script has put in place of the one in the slot.
    #[cold]
    fn send_new_response(&mut self, text: &[u8], hop: Hop<'_>) {
        let mut index = MessageIndex::default();
        let parsed = sip::parse(text, &mut index);
        let response = Message::new(text, &index);
        let own_via = match parsed.and_then(|()| response.essentials()) {
            Ok(essentials) => response::own_via(response, &essentials),
            Err(_) => None,
        };
        let Some(own_via) = own_via else {
            return self.drop_counted(Counter::DroppedMalformed);
        };
        self.plan_response(response, Hop { own_via, ..hop });
        super::forward::compose_earlier_plan(&mut self.turn, response);
    }

    /// Plans the response to be sent on, our Via taken off.
    fn plan_response(&mut self, response: Message<'_>, hop: Hop<'_>) {
        sip::edit_content_length(response, self.turn.plan_edits);
        let Turn { standing, arrival, plan_edits, .. } = &mut self.turn;
        // Not where the script has changed a part of it and what lies beside it.
        if !plan_edits.remove(response.offset_of(hop.own_via), hop.own_via.len()) {
            return self.drop_counted(Counter::DroppedUnroutableResponse);
        }
        match (response::plan(standing, arrival.local, (response, hop)), hop.named) {
            (Ok(plan), None) => {
                if standing.identity.is_stream(plan.listener) {
                    standing.peer = hop.peer(response, standing);
                }
                *self.turn.plan = Some(plan);
            }
            (Ok(plan), Some(named)) => self.send_to_name(response, plan, named),
            (Err(dropped), _) => self.drop_counted(dropped),
        }
    }

    /// Has a response go to a name (RFC 3263 §5); to where the request came from if there is no
    /// such name.
    #[cold]
    fn send_to_name(
        &mut self,
        response: Message<'_>,
        plan: Plan,
        (host, port): (&[u8], Option<u16>),
    ) {
        let named = NamedHost::new(&self.turn, self.turn.essentials, (Transport::Udp, host, port));
        let Plan { destination, listener, source, counter, .. } = plan;
        match named.lookup(&self.turn, [source.is_ipv4(), source.is_ipv6()]) {
            Lookup::Waiting => {
                let mut message = Vec::new();
                self.turn.plan_edits.write_to(response.text(), &mut message);
                let otherwise = Otherwise::Send(destination);
                let forms = Forms::from([Form { listener, source, message }]);
                let counted = Counted::Forwarded(counter);
                self.turn.park(Parked { named, forms, counted, otherwise });
            }
            Lookup::Known(destination) if destination.port() != 0 => {
                *self.turn.plan = Some(Plan { destination, ..plan });
            }
            _ => *self.turn.plan = Some(plan),
        }
    }

    /// Runs the script over a message. Within its callers: what it makes is large.
    #[inline(always)]
    fn run(&mut self, message: Message<'_>, route: RouteId) -> Outcome {
        let Self { turn, script, .. } = self;
        let Draft { arena, rewritten, edits, new_response } = &mut script.draft;
        let Arrival { source, local, listener } = turn.arrival;
        let mut transit = Transit::new(message, (source, local), *listener, (arena, edits));
        transit.essentials = turn.essentials;
        transit.parts = turn.uri;
        transit.rewritten = Some(rewritten);
        let mut execution = Execution::new(transit, turn, &script.program);
        execution.message_number = script.message_count;
        if let Some(observer) = script.observer.as_deref_mut() {
            execution.observe(observer);
        }
        let verdict = run(&mut execution, route);
        match end(&mut execution, verdict, (message, new_response)) {
            Ok(ended) => Some(ended),
            Err(suspended) => wait(turn, suspended, &script.program),
        }
    }

    /// Goes on with a run that has waited for an answer.
    #[cold]
    fn go_on(&mut self, message: Message<'_>, (waiting, answer): &Resumed<'_>) -> Outcome {
        let Self { turn, script, .. } = self;
        let Draft { arena, rewritten, edits, new_response } = &mut script.draft;
        let Arrival { source, local, listener } = turn.arrival;
        let mut transit = Transit::new(message, (source, local), *listener, (arena, edits));
        transit.essentials = turn.essentials;
        transit.rewritten = Some(rewritten);
        turn.is_rewritten = waiting.is_rewritten;
        let mut execution = waiting.run.restore(transit, turn, &waiting.program, answer);
        if let Some(observer) = script.observer.as_deref_mut() {
            execution.observe(observer);
        }
        let verdict = resume(&mut execution);
        match end(&mut execution, verdict, (message, new_response)) {
            Ok(ended) => Some(ended),
            Err(suspended) => wait(turn, suspended, &waiting.program),
        }
    }

    /// Answers a request that did not pass the checks; an ACK gets no answer.
    fn refuse(&mut self, request: Message<'_>, rejection: Rejection) {
        let (code, reason) = rejection.status();
        let mut headers: SmallVec<[&[u8]; 4]> = SmallVec::new();
        if rejection == Rejection::ProxyRequire {
            for demanded in request.headers(HeaderName::ProxyRequire) {
                headers.extend([&b"Unsupported: "[..], demanded.value, b"\r\n"]);
            }
        }
        let answered = self.answer(request, code, reason.as_bytes(), &headers);
        self.drop_counted(if answered { rejection.counter() } else { Counter::DroppedMalformed });
    }

    /// Whether this would begin a call for which there is no room; it is answered then.
    fn refuses_new_call(&mut self, request: Message<'_>, essentials: &Essentials<'_>) -> bool {
        if request.method() != Some(Method::Invite) || essentials.to.tag().is_some() {
            return false;
        }
        let Standing { overload, key, .. } = &mut *self.turn.standing;
        let lot = || lot(&key.tag(essentials.call_id, None, &[]));
        let Some(retry_after) = overload.refuses(*self.turn.now, lot) else { return false };
        let retry_after: SmallVec<[u8; 32]> = SmallVec::from_slice(retry_after);
        self.answer(request, 503, b"Service Unavailable", &[&retry_after])
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
            && super::reply::reply(&mut self.turn, request, (code, reason), (headers, b""), false)
                .is_ok()
    }

    /// Whether this is the ACK to a failure that was answered here: it has the tag that only we
    /// could have given (RFC 3261 §17.1.1.3). It ends here, as it would with a transaction.
    fn acknowledges_own_reply(&self, request: Message<'_>, essentials: &Essentials<'_>) -> bool {
        let Essentials { call_id, cseq, from, to, .. } = essentials;
        let own = || {
            let from_tag = from.tag().unwrap_or_default();
            self.turn.standing.key.tag(call_id, Some(cseq.number), from_tag)
        };
        // One of another length is not ours, and needs no hash.
        let is_own = |tag: &[u8]| tag.try_into().is_ok_and(|tag: [u8; 16]| tag == own());
        request.method() == Some(Method::Ack) && to.tag().is_some_and(is_own)
    }

    /// Counts why the message ends here.
    fn drop_counted(&mut self, counter: Counter) {
        self.turn.count(counter);
    }
}
