//! One call: where it is in its program, its dialog, its transactions.

use std::net::SocketAddr;

use smallvec::SmallVec;
use viaduct::sip::{Message, MessageIndex, Method, parse};

use super::exchange::{Exchange, Identity, Phase};
use super::form::Last;
use super::recorder::Recording;
use crate::measure::Failure;
use crate::moment::Moment;
use crate::outbox::SocketId;

/// One call of a caller or a callee.
#[derive(Debug)]
pub(super) struct Call {
    /// Its key in [`super::calls::Calls`].
    pub(super) key: u64,
    /// Whether it began here.
    pub(super) is_caller: bool,
    /// Position of its program in the cast.
    pub(super) program: usize,
    /// The step that it is at.
    pub(super) step: usize,
    /// Unique in the run, among callers or among callees.
    pub(super) number: u64,
    /// Its Call-ID.
    pub(super) call_id: Box<[u8]>,
    /// When it was intended to start; of a callee, when the first request came.
    pub(super) intended: Moment,
    /// When the step before was intended to end: after a pause its planned end.
    pub(super) due: Moment,
    /// What it waits for.
    pub(super) waiting: Waiting,
    /// When it has waited long enough.
    pub(super) wake_at: Moment,
    /// When its first timer entry comes.
    pub(super) timer_at: Moment,
    /// When each mark's clock started, and [`Moment::NEVER`] for those that were stopped or have
    /// not started.
    pub(super) marks: SmallVec<[Moment; 4]>,
    /// The socket that it uses.
    pub(super) socket: SocketId,
    /// Where its requests outside of a dialog go.
    pub(super) peer: SocketAddr,
    /// Who calls and who is called.
    pub(super) users: Option<(usize, usize)>,
    /// Its dialog.
    pub(super) dialog: Dialog,
    /// Its transactions, oldest first.
    pub(super) exchanges: SmallVec<[Exchange; 2]>,
    /// Branches made so far.
    pub(super) branches: u32,
    /// The last message received, if a later step needs it.
    pub(super) last: Option<Kept>,
    /// The INVITE that is being answered, if the program may answer it after its CANCEL.
    pub(super) invite: Option<Kept>,
    /// Values of the program's variables.
    pub(super) variables: Vec<Value>,
    /// The line of each injection file that it got.
    pub(super) injected: SmallVec<[u32; 1]>,
    /// How it will have ended once it has hung up; its program is over then.
    pub(super) closing: Option<Outcome>,
    /// How it ended.
    pub(super) outcome: Option<Outcome>,
    /// All its messages, if calls are kept.
    pub(super) recording: Option<Box<Recording>>,
}

/// What is known of a dialog (RFC 3261 §12).
#[derive(Debug, Default)]
pub(super) struct Dialog {
    /// The other side's tag.
    pub(super) remote_tag: SmallVec<[u8; 32]>,
    /// Route header lines, without the last line break.
    pub(super) routes: Box<[u8]>,
    /// The remote target: the URI of the other side's Contact.
    pub(super) remote_target: Box<[u8]>,
    /// The address that the route set or else the remote target names.
    pub(super) next_hop: Option<SocketAddr>,
    /// Number of the last request sent.
    pub(super) cseq: u32,
    /// Whether a BYE was sent or received.
    pub(super) is_over: bool,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// Nothing: its steps run.
    Running,
    /// A message.
    Message,
    /// The end of a pause.
    Pause,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As its program says.
    Completed,
    /// Not so.
    Failed(Failure),
    /// Before its time, because the run was ended.
    CutShort,
}

/// A message kept for a later step.
#[derive(Debug)]
pub(super) struct Kept {
    bytes: Box<[u8]>,
    source: SocketAddr,
    identity: Identity,
}

impl Kept {
    /// Keeps a message.
    pub(super) fn new(last: &Last<'_>) -> Self {
        let bytes = last.message.text().into();
        Self { bytes, source: last.source, identity: last.identity }
    }

    /// Lets `act` have the message again.
    pub(super) fn read<T>(&self, act: impl FnOnce(&Last<'_>) -> T) -> T {
        let mut index = MessageIndex::default();
        // It was parsed without a fault when it came.
        let _ = parse(&self.bytes, &mut index);
        let message = Message::new(&self.bytes, &index);
        act(&Last::new(message, self.source, self.identity))
    }
}

/// The value of a variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Value {
    /// Not set.
    #[default]
    Unset,
    /// A text.
    Text(Box<[u8]>),
    /// A number.
    Number(f64),
}

/// Most transactions that a call keeps; finished ones make room.
const EXCHANGES_MAX: usize = 8;

impl Call {
    /// The last transaction begun here with a method, if one is kept.
    pub(super) fn sent_invite(&mut self) -> Option<&mut Exchange> {
        self.exchanges.iter_mut().rev().find(|exchange| exchange.ours && exchange.is_invite())
    }

    /// The INVITE of ours whose final response has no ACK yet.
    pub(super) fn unacknowledged(&mut self) -> Option<Identity> {
        let invite = self.sent_invite()?;
        let is_owed = invite.phase == Phase::Final && !invite.is_acknowledged;
        is_owed.then_some(invite.identity)
    }

    /// Adds a transaction. The oldest of those that are missed least makes room.
    pub(super) fn add_exchange(&mut self, exchange: Exchange) {
        if self.exchanges.len() >= EXCHANGES_MAX {
            let worth = |exchange: &Exchange| {
                (exchange.step.is_some(), exchange.is_busy(), exchange.is_invite())
            };
            let least = (0..self.exchanges.len()).min_by_key(|at| worth(&self.exchanges[*at]));
            self.exchanges.remove(least.unwrap_or(0));
        }
        self.exchanges.push(exchange);
    }

    /// When it wants to be looked at.
    pub(super) fn deadline(&self) -> Moment {
        let exchanges = self.exchanges.iter().map(Exchange::deadline);
        exchanges.min().unwrap_or(Moment::NEVER).min(self.wake_at)
    }

    /// Whether an answer is awaited in any transaction.
    pub(super) fn is_busy(&self) -> bool {
        self.exchanges.iter().any(Exchange::is_busy)
    }

    /// The last request that came from the other side, but for a CANCEL: its CSeq.
    pub(super) fn asked_last(&self) -> Option<(u32, Method)> {
        let asked = self.exchanges.iter().filter(|exchange| !exchange.ours);
        let asked = asked.map(|exchange| (exchange.identity.number, exchange.identity.method));
        asked.filter(|(_, method)| *method != Method::Cancel).max_by_key(|(number, _)| *number)
    }

    /// The transaction whose end may have been lost on the way: the other side would ask again.
    ///
    /// Not so the ACK of a call that was hung up, since a BYE ends the repetitions of the 2xx
    /// (RFC 3261 §15.1.2), nor the answer to a BYE, which can be made anew from the BYE.
    pub(super) fn last_words(&mut self) -> Option<Exchange> {
        let worth = |exchange: &Exchange| {
            let acknowledged = exchange.ours && exchange.is_acknowledged;
            let answered = !exchange.ours && exchange.phase != Phase::Open;
            (acknowledged || answered) && !exchange.bytes.is_empty()
        };
        if self.dialog.is_over {
            return None;
        }
        let at = self.exchanges.iter().rposition(worth)?;
        Some(self.exchanges.remove(at))
    }

    /// Notes a message, if messages are kept.
    pub(super) fn record(&mut self, now: Moment, sent: bool, repeated: bool, bytes: &[u8]) {
        if let Some(recording) = &mut self.recording {
            recording.note(now.since(self.intended), sent, repeated, bytes);
        }
    }

    /// Ends it, once.
    pub(super) fn end(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.waiting = Waiting::Running;
    }
}

impl Value {
    /// Whether it is set: a number is if it is not zero.
    pub(super) fn is_set(&self) -> bool {
        match self {
            Self::Unset => false,
            Self::Text(_) => true,
            Self::Number(number) => *number != 0.0,
        }
    }
}
