//! The user agents: state machines of calls without sockets and clocks.
//!
//! *One input, then all outputs are in the outbox before the call returns; time comes in only as
//! `now`; the same seed and the same inputs give the same bytes.*

mod actions;
mod call;
mod calls;
mod closing;
mod derive;
mod desk;
mod exchange;
mod form;
mod library;
mod receiving;
mod recorder;
mod sending;
mod stage;
mod timers;
mod waking;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use viaduct::sip::{HeaderName, Message, MessageIndex, Method, parse};

use self::call::{Call, Dialog, Kept, Outcome, Value, Waiting};
use self::calls::{CallRef, Calls, Found, Ghost};
use self::closing::plain_reply;
use self::desk::Desk;
use self::exchange::Identity;
use self::form::Last;
use self::library::Library;
use self::receiving::method_name;
use self::recorder::Recorder;
use self::stage::Stage;
use self::timers::Timers;
use crate::measure::{Count, Failure, Interval, Trace};
use crate::moment::Moment;
use crate::outbox::{Outbox, SocketId};
use crate::scenario::{Cast, Injection, Order, Role};
use crate::users::Users;

/// What an agent needs to know.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The programs.
    pub cast: Arc<Cast>,
    /// Where calls go; an agent that only answers has none.
    pub target: Option<SocketAddr>,
    /// Addresses of the sockets; [`SocketId`] is the position.
    pub sockets: Vec<SocketAddr>,
    /// Sockets that callers send from, taken in turn.
    pub caller_sockets: Vec<SocketId>,
    /// The socket that callees name in Contact, if any are here.
    pub callee_socket: Option<SocketId>,
    /// Where callees of the whole run are reached, for users' contacts and calls without users.
    pub callee_addresses: Arc<[SocketAddr]>,
    /// Users; empty for none.
    pub users: Arc<Users>,
    /// `--service`: the user part to call where there are no users.
    pub service: String,
    /// Address in SDP.
    pub media_ip: IpAddr,
    /// How long a pause without a length lasts.
    pub hold: Duration,
    /// Injection files of the scenario.
    pub injected: Vec<Arc<Injection>>,
    /// This worker's number and how many there are: call numbers and users are dealt out by it.
    pub worker: (usize, usize),
    /// Seed of all chance, this worker's own.
    pub seed: u64,
    /// Number in `[pid]` and Call-IDs, so that two generators do not collide.
    pub process: u32,
    /// The time of day at [`Moment::START`].
    pub wall_start: jiff::Timestamp,
    /// Calls to keep of each kind.
    pub traces: usize,
}

impl Setup {
    /// The setup of a run's only worker that has neither sockets nor anything to call yet.
    #[must_use]
    pub fn new(cast: Arc<Cast>, media_ip: IpAddr) -> Self {
        Self {
            cast,
            target: None,
            sockets: Vec::new(),
            caller_sockets: Vec::new(),
            callee_socket: None,
            callee_addresses: Arc::from([]),
            users: Arc::default(),
            service: "service".to_owned(),
            media_ip,
            hold: Duration::ZERO,
            injected: Vec::new(),
            worker: (0, 1),
            seed: 0,
            process: 0,
            wall_start: jiff::Timestamp::UNIX_EPOCH,
            traces: 0,
        }
    }
}

/// The calls of one worker.
#[derive(Debug)]
pub struct Agent {
    library: Library,
    calls: Calls,
    desk: Desk,
    /// Where the parts of the message are that is being handled.
    index: MessageIndex,
    /// Calls started here.
    started: u64,
    /// Calls answered here.
    answered: u64,
    /// Most calls of callees in progress; further ones are refused.
    answering_max: usize,
    /// Calls that are still to be hung up.
    to_hang_up: Vec<CallRef>,
    /// The socket that calls are started from, by position in the setup, and when it was chosen.
    turn: (usize, Moment),
}

/// A message that was received, as far as it is known without its call.
struct Inbound<'m> {
    socket: SocketId,
    last: Last<'m>,
    identity: Identity,
    call_id: &'m [u8],
    /// The key that its call has, if there is one.
    key: u64,
}

impl Ghost {
    /// Whether a message begins something new with the Call-ID of a call that has ended, as a
    /// REGISTER does that refreshes another (RFC 3261 §10.2.4).
    fn is_before(&self, inbound: &Inbound<'_>) -> bool {
        let message = inbound.last.message;
        let Identity { number, method, .. } = inbound.identity;
        let follows = |(last, asked)| last < number || (last == number && asked != method);
        self.asked.is_some_and(follows)
            && message.status().is_none()
            && !matches!(method, Method::Ack | Method::Cancel)
            && exchange::tag(message, HeaderName::To).is_none()
    }
}

/// Most calls of callees in progress: strangers may begin as many as they like.
const ANSWERING_MAX: usize = 262_144;

/// Most calls that are being hung up at a time.
const HANGING_UP_MAX: usize = 256;

/// No timer entry is further away: a call that has ended leaves its entry behind.
const TIMER_REACH: Duration = Duration::from_secs(4);

/// Name of the header that tells a callee which program to run.
const PROGRAM_HEADER: &[u8] = b"X-Viaload";

impl Agent {
    /// An agent without calls; its first interval begins at `now`.
    #[must_use]
    pub fn new(setup: Setup, now: Moment) -> Self {
        let desk = Desk {
            interval: Interval::new(now, &setup.cast.shape),
            rng: fastrand::Rng::with_seed(setup.seed),
            timers: Timers::new(now),
            recorder: Recorder::new(setup.traces),
            scratch: Vec::new(),
            lines: Vec::new(),
            callers: 0,
            callees: 0,
        };
        Self {
            library: Library::new(setup),
            calls: Calls::default(),
            desk,
            index: MessageIndex::default(),
            started: 0,
            answered: 0,
            answering_max: ANSWERING_MAX,
            to_hang_up: Vec::new(),
            turn: (0, Moment::START),
        }
    }

    /// Starts a call that was intended for `intended`, which is not after `now`.
    pub fn start_call(&mut self, intended: Moment, now: Moment, out: &mut Outbox) {
        let setup = self.library.setup();
        let (Some(program), Some(peer)) = (self.library.choose(&mut self.desk.rng), setup.target)
        else {
            return;
        };
        // Calls of one turn leave from one socket, so that they are sent together.
        if self.turn.1 != now {
            self.turn = ((self.turn.0 + 1) % setup.caller_sockets.len().max(1), now);
        }
        let Some(socket) = setup.caller_sockets.get(self.turn.0).copied() else { return };
        let (worker, workers) = setup.worker;
        let number = worker as u64 + self.started * workers as u64;
        self.started += 1;
        let mut call_id = Vec::with_capacity(40);
        form::decimal(&mut call_id, number);
        call_id.push(b'-');
        call_id.extend_from_slice(self.library.process());
        call_id.push(b'@');
        form::ip(&mut call_id, self.library.socket(socket).ip());
        let key = self.library.key(&call_id, true);
        let mut users = setup.users.pair(number);
        if self.library.registers(program) {
            users = users.map(|(caller, callee)| (callee, caller));
        }
        let mut call = self.new_call(program, key, call_id.into(), (intended, number));
        call.socket = socket;
        call.peer = peer;
        call.users = users;
        self.desk.count(Count::Started);
        self.desk.callers += 1;
        let at = self.calls.insert(key, call);
        self.with_call(at, now, out, |stage, call| stage.run(call, None));
    }

    /// Handles a datagram.
    pub fn handle_datagram(
        &mut self,
        now: Moment,
        socket: SocketId,
        source: SocketAddr,
        bytes: &[u8],
        out: &mut Outbox,
    ) {
        let mut index = std::mem::take(&mut self.index);
        let parsed = parse(bytes, &mut index);
        let message = Message::new(bytes, &index);
        let library = &self.library;
        let identity = Identity::of(message, |branch| library.hash(branch));
        match (parsed, identity, message.value(HeaderName::CallId)) {
            (Ok(()), Some(identity), Some(call_id)) => {
                let key = library.key(call_id, library.is_caller_socket(socket));
                let last = Last::new(message, source, identity);
                self.route(&Inbound { socket, last, identity, call_id, key }, now, out);
            }
            _ => self.desk.count(Count::Unreadable),
        }
        self.index = index;
        self.hang_up_more(now, out);
    }

    /// Gives a message to its call.
    fn route(&mut self, inbound: &Inbound<'_>, now: Moment, out: &mut Outbox) {
        let Inbound { socket, ref last, identity, key, .. } = *inbound;
        // Until it is known whose message it is; a call that has ended has no number.
        out.speak_for(key as u32);
        let at = match self.calls.find(key) {
            Found::Live(at) => at,
            Found::Ghost(ghost) if !ghost.is_before(inbound) => {
                return self.answer_for_ghost(inbound, out);
            }
            Found::Ghost(_) | Found::Unknown => match self.answer_call(inbound, now) {
                Some(at) => at,
                None => return self.answer_stray(inbound, out),
            },
        };
        self.with_call(at, now, out, |stage, call| {
            match last.message.status() {
                Some(status) => stage.receive_response(call, identity, status, last),
                None if identity.method == Method::Ack => {
                    stage.receive_ack(call, identity, last);
                }
                None => stage.receive_request(call, identity, socket, last),
            }
            if !stage.accepted && call.outcome.is_none() && call.last.is_some() {
                // What no step took is not what later steps answer.
                return;
            }
            let keeps = stage.library.ready(call.program, call.step);
            let keeps =
                keeps.is_some_and(|ready| ready.keeps_last) || call.unacknowledged().is_some();
            let keeps = keeps && call.outcome.is_none();
            call.last = keeps.then(|| Kept::new(last));
        });
    }

    /// Begins the call of a callee, if the message is a request that one waits for.
    fn answer_call(&mut self, inbound: &Inbound<'_>, now: Moment) -> Option<CallRef> {
        let Inbound { socket, ref last, identity, call_id, key } = *inbound;
        let library = &self.library;
        let is_first = last.message.status().is_none()
            && identity.method != Method::Ack
            && identity.method != Method::Cancel;
        if !is_first || library.is_caller_socket(socket) || self.is_full() {
            return None;
        }
        let named = last.message.headers_named(PROGRAM_HEADER).next().map(|header| header.value);
        let program = library.setup().cast.callee(named, method_name(last.message))?;
        let own = library.setup().callee_socket.unwrap_or(socket);
        let (worker, workers) = library.setup().worker;
        let number = worker as u64 + self.answered * workers as u64;
        let mut call = self.new_call(program, key, call_id.into(), (now, number));
        call.is_caller = false;
        call.socket = own;
        call.peer = last.source;
        call.waiting = Waiting::Message;
        self.answered += 1;
        self.desk.count(Count::Answered);
        self.desk.callees += 1;
        Some(self.calls.insert(key, call))
    }

    /// Whether callees take no more calls.
    const fn is_full(&self) -> bool {
        self.desk.callees >= self.answering_max
    }

    /// A call at the start of its program, with the time of its start and its number.
    fn new_call(
        &mut self,
        program: usize,
        key: u64,
        call_id: Box<[u8]>,
        (intended, number): (Moment, u64),
    ) -> Call {
        let parts = self.library.program(program);
        let started_later = self.library.started_later(program);
        let marks = (0..parts.marks.len())
            .map(|mark| if started_later & 1 << mark == 0 { intended } else { Moment::NEVER });
        Call {
            key,
            is_caller: parts.role == Role::Caller,
            program,
            step: 0,
            number,
            call_id,
            intended,
            due: intended,
            waiting: Waiting::Running,
            wake_at: Moment::NEVER,
            timer_at: Moment::NEVER,
            marks: marks.collect(),
            socket: SocketId::default(),
            peer: SocketAddr::new(IpAddr::from([0, 0, 0, 0]), 0),
            users: None,
            dialog: Dialog::default(),
            exchanges: SmallVec::new(),
            branches: 0,
            last: None,
            invite: None,
            variables: vec![Value::Unset; parts.variables.len()],
            injected: self.deal_lines(number),
            closing: None,
            outcome: None,
            recording: self.desk.recorder.begin(),
        }
    }

    /// A line of each injection file for the call of this number.
    fn deal_lines(&mut self, number: u64) -> SmallVec<[u32; 1]> {
        let setup = self.library.setup();
        let rng = &mut self.desk.rng;
        let line = |file: &Arc<Injection>| {
            let count = u32::try_from(file.lines.len()).unwrap_or(u32::MAX).max(1);
            match file.order {
                Order::Sequential => (number % u64::from(count)) as u32,
                Order::Random => rng.u32(..count),
            }
        };
        setup.injected.iter().map(line).collect()
    }

    /// Answers for a call that has ended: what came again is answered again.
    fn answer_for_ghost(&mut self, inbound: &Inbound<'_>, out: &mut Outbox) {
        let Inbound { socket, ref last, identity, key, .. } = *inbound;
        self.desk.count(Count::RepetitionsReceived);
        let Found::Ghost(ghost) = self.calls.find(key) else { return };
        let said = ghost.last_words.as_deref();
        match last.message.status() {
            Some(200..) => {
                // An ACK answers the one response that it was for.
                let ack = said.filter(|said| said.is_acknowledged && said.identity == identity);
                let Some(ack) = ack else { return };
                out.push(ack.socket, ack.destination, &ack.bytes);
                self.desk.count(Count::RequestsRepeated);
            }
            None if identity.method != Method::Ack => {
                match said.filter(|said| !said.ours && said.identity == identity) {
                    Some(said) => out.push(said.socket, said.destination, &said.bytes),
                    // It was answered long ago; to say so again would begin another call.
                    None if identity.method == Method::Invite => return,
                    None => {
                        out.compose(socket, last.source, |out| plain_reply(out, last, 200, 0));
                    }
                }
                self.desk.count(Count::ResponsesRepeated);
            }
            _ => {}
        }
    }

    /// Answers a message of a call that is unknown.
    fn answer_stray(&mut self, inbound: &Inbound<'_>, out: &mut Outbox) {
        let Inbound { socket, ref last, identity, .. } = *inbound;
        self.desk.count(Count::Stray);
        if last.message.status().is_some() || identity.method == Method::Ack {
            return;
        }
        let in_dialog = exchange::tag(last.message, HeaderName::To).is_some();
        let code = match identity.method {
            Method::Cancel => 481,
            _ if in_dialog => 481,
            Method::Options => 200,
            _ if self.is_full() => 503,
            _ => 405,
        };
        out.compose(socket, last.source, |out| plain_reply(out, last, code, 0));
    }

    /// Lets `act` change a call, and then notes its end or sets its timer.
    fn with_call(
        &mut self,
        at: CallRef,
        now: Moment,
        out: &mut Outbox,
        act: impl FnOnce(&mut Stage<'_>, &mut Call),
    ) {
        let Some(call) = self.calls.get_mut(at) else { return };
        out.speak_for(at.slot);
        let mut stage =
            Stage { library: &self.library, desk: &mut self.desk, out, now, accepted: false };
        act(&mut stage, call);
        match call.outcome {
            Some(outcome) => {
                stage.note_end(call, outcome);
                if let Some(call) = self.calls.end(at, now) {
                    self.desk.recorder.end(call, outcome, now);
                }
            }
            None => {
                let deadline = stage.deadline(call).min(now + TIMER_REACH);
                if deadline < call.timer_at {
                    call.timer_at = self.desk.timers.set(deadline, at);
                }
            }
        }
    }

    /// When [`Agent::handle_timeouts`] is to be called next, at the latest.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Moment> {
        self.desk.timers.next()
    }

    /// Does what is due.
    pub fn handle_timeouts(&mut self, now: Moment, out: &mut Outbox) {
        let mut due = Vec::new();
        self.desk.timers.expire(now, |_, call| due.push(call));
        for at in due {
            self.with_call(at, now, out, |stage, call| {
                call.timer_at = Moment::NEVER;
                stage.wake(call);
            });
        }
        self.calls.expire_ghosts(now);
        self.hang_up_more(now, out);
    }

    /// Calls of callers in progress.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.desk.callers
    }

    /// Calls of callees in progress.
    #[must_use]
    pub fn answering(&self) -> usize {
        self.desk.callees
    }

    /// Ends all calls of callers as a user agent does that hangs up: CANCEL before the answer,
    /// BYE after it. They are counted as cut short.
    ///
    /// Only so many at a time: a hundred thousand at once would be lost on the way.
    pub fn hang_up(&mut self, now: Moment, out: &mut Outbox) {
        let calls = &mut self.calls;
        self.to_hang_up = calls.live();
        self.to_hang_up.retain(|at| calls.get_mut(*at).is_some_and(|call| call.is_caller));
        self.hang_up_more(now, out);
    }

    /// Hangs up more of those calls that are still to be, as others have ended.
    fn hang_up_more(&mut self, now: Moment, out: &mut Outbox) {
        while self.desk.callers.saturating_sub(self.to_hang_up.len()) < HANGING_UP_MAX {
            let Some(at) = self.to_hang_up.pop() else { return };
            self.with_call(at, now, out, |stage, call| stage.close(call, Outcome::CutShort, None));
        }
    }

    /// Gives up all calls that are left: those of callers are counted as abandoned.
    pub fn abandon(&mut self, now: Moment) {
        let mut out = Outbox::default();
        for at in self.calls.live() {
            self.with_call(at, now, &mut out, |_, call| {
                call.end(Outcome::Failed(Failure::Abandoned));
            });
        }
    }

    /// The interval that is being filled.
    pub fn interval(&mut self) -> &mut Interval {
        &mut self.desk.interval
    }

    /// The interval so far; `fresh` takes its place, and is filled from now on.
    pub fn exchange(&mut self, fresh: Interval, now: Moment) -> Interval {
        let mut filled = std::mem::replace(&mut self.desk.interval, fresh);
        filled.end = now;
        filled.in_flight = self.desk.callers as u64;
        filled
    }

    /// The calls that were kept.
    pub fn take_traces(&mut self) -> Vec<Trace> {
        self.desk.recorder.take()
    }

    /// Lines that scenarios wrote for people since this was asked last.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.desk.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::builtin;

    /// An agent that only answers.
    fn callee() -> Agent {
        let cast = Arc::new(builtin::cast("call").unwrap());
        let setup = Setup {
            sockets: vec![SocketAddr::from(([127, 0, 0, 1], 5062))],
            callee_socket: Some(SocketId(0)),
            ..Setup::new(cast, IpAddr::from([127, 0, 0, 1]))
        };
        Agent::new(setup, Moment::START)
    }

    #[test]
    fn callees_take_no_more_calls_than_they_can_hold() {
        let mut agent = callee();
        agent.answering_max = 3;
        let peer = SocketAddr::from(([127, 0, 0, 1], 5070));
        let mut out = Outbox::default();
        for call in 0..5 {
            let invite = format!(
                "INVITE sip:b@b SIP/2.0\r\n\
                 Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{call}\r\n\
                 From: <sip:a@a>;tag=a\r\nTo: <sip:b@b>\r\nCall-ID: {call}\r\n\
                 CSeq: 1 INVITE\r\n\r\n"
            );
            out.clear();
            agent.handle_datagram(Moment::START, SocketId(0), peer, invite.as_bytes(), &mut out);
            let first = if call < 3 { "SIP/2.0 180" } else { "SIP/2.0 503" };
            assert!(out.get(0).starts_with(first.as_bytes()), "call {call}");
        }
        assert_eq!(agent.answering(), 3);
    }
}
