//! Names of hosts and SIP domains, and the servers that they stand for: answers that are known,
//! and questions for whoever can ask name servers. Looking a name up never waits.

mod answer;
mod settings;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use smallvec::SmallVec;

use crate::limits::{NAME_BYTES_MAX, NAME_COUNT_MAX, NAME_QUESTION_COUNT_MAX, NAME_STALE_MS_MAX};
use crate::protocol::Transport;

pub use answer::{Addresses, Answer, Choice, Target};
pub use settings::NameSettings;

/// A host name in lower case, without a dot at its end.
pub type HostName = SmallVec<[u8; 64]>;

/// What is to be known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// The addresses of a host: whoever names a port means one host (RFC 3263 §4.2).
    Addresses,
    /// The servers of a SIP domain that are reached by this transport, by its SRV records or else
    /// its addresses.
    Servers(Transport),
}

/// A question for whoever can ask name servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: HostName,
    /// What is to be known of it.
    pub wanted: Wanted,
}

impl Question {
    /// The question for a host as it stands in a URI, with or without a port, to which is sent by
    /// that transport; none if no name is that long.
    #[must_use]
    pub fn of(host: &[u8], port: Option<u16>, transport: Transport) -> Option<Self> {
        let host = host.strip_suffix(b".").unwrap_or(host);
        if host.len() > NAME_BYTES_MAX {
            return None;
        }
        let wanted = match port {
            Some(_) => Wanted::Addresses,
            None => Wanted::Servers(transport),
        };
        Some(Self { name: host.iter().map(u8::to_ascii_lowercase).collect(), wanted })
    }
}

/// What came of looking a name up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The address of one of its servers.
    Known(SocketAddr),
    /// All of its servers have addresses of a family that cannot be sent over, or none.
    Unreachable,
    /// It stands for nothing, or nobody answers.
    Unknown,
    /// It is being asked for.
    Waiting,
}

/// The names that were asked for, with their answers. Shared by all workers.
#[derive(Default)]
pub struct NameTable {
    known: papaya::HashMap<Question, Known>,
    questions: Option<Sender<Question>>,
    bell: OnceLock<Bell>,
    /// How many answers were written down.
    settled: AtomicU64,
}

/// Wakes whoever takes the questions.
type Bell = Box<dyn Fn() + Send + Sync>;

/// What is known of a name.
#[derive(Clone)]
struct Known {
    /// Nothing as long as no answer has come; empty if it stands for nothing.
    targets: Option<Arc<[Target]>>,
    /// How long it is used.
    until_ms: u64,
    /// How long it may serve beyond if nobody answers.
    stale_until_ms: u64,
    /// When it is asked for again at the earliest.
    ask_at_ms: u64,
}

/// How long it is not asked again for a name for which nobody has answered.
const FAILED_MS: u64 = 10_000;
/// How long an answer is waited for before the question is put again.
const WAITING_MS: u64 = 5_000;
/// How long an answer is used at least: whoever waits for it has to see it.
const KNOWN_MS_MIN: u64 = 1_000;
/// The last part of the time of an answer, in which it is asked for again if it is used.
const REFRESH_SHARE: u64 = 8;

impl NameTable {
    /// A table, and the questions that somebody has to [`Self::settle`]. The default table, which
    /// nobody answers, knows no names.
    #[must_use]
    pub fn new() -> (Self, Receiver<Question>) {
        let (sender, receiver) = bounded(NAME_QUESTION_COUNT_MAX);
        (Self { questions: Some(sender), ..Self::default() }, receiver)
    }

    /// Has `ring` called, by who looks up, when a question was put. The first one counts.
    pub fn set_bell(&self, ring: impl Fn() + Send + Sync + 'static) {
        let _ = self.bell.set(Box::new(ring));
    }

    /// How many answers were written down: as long as it is the same, there is nothing new.
    #[must_use]
    pub fn settled_count(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    /// The address of a host as it stands in a URI, with or without a port. What is not known is
    /// asked for; what is used shortly before its time is over is asked for again meanwhile.
    #[must_use]
    pub fn lookup(&self, host: &[u8], port: Option<u16>, choice: Choice, now_ms: u64) -> Lookup {
        let Some(questions) = &self.questions else { return Lookup::Unknown };
        let Some(question) = Question::of(host, port, choice.transport) else {
            return Lookup::Unknown;
        };
        let known = self.known.pin();
        let present = known.get(&question);
        let lookup = match present {
            Some(Known { targets: Some(targets), until_ms, .. }) if now_ms < *until_ms => {
                choice.among(targets, port)
            }
            _ => Lookup::Waiting,
        };
        if present.is_none_or(|present| present.ask_at_ms <= now_ms) {
            if present.is_none() && known.len() >= NAME_COUNT_MAX {
                self.make_room(now_ms);
            }
            self.ask(questions, question, present.cloned(), now_ms);
        }
        lookup
    }

    /// Puts a question. It is noted before: the answer may be there at once, and has to stay.
    fn ask(
        &self,
        questions: &Sender<Question>,
        question: Question,
        present: Option<Known>,
        now_ms: u64,
    ) {
        let known = self.known.pin();
        let nothing = Known { targets: None, until_ms: 0, stale_until_ms: 0, ask_at_ms: 0 };
        let asked = present.clone().unwrap_or(nothing);
        known.insert(question.clone(), Known { ask_at_ms: now_ms + WAITING_MS, ..asked });
        match questions.try_send(question) {
            Ok(()) => {
                if let Some(ring) = self.bell.get() {
                    ring();
                }
            }
            // There are too many: whoever asks next puts the question again.
            Err(TrySendError::Full(question) | TrySendError::Disconnected(question)) => {
                match present {
                    Some(old) => known.insert(question, old),
                    None => known.remove(&question),
                };
            }
        }
    }

    /// Makes room for other names: those whose time is over go, and if these are few, some of the
    /// others, so that nobody can fill the table for long.
    fn make_room(&self, now_ms: u64) {
        let known = self.known.pin();
        known.retain(|_, known| now_ms < known.until_ms.max(known.ask_at_ms));
        if known.len() > NAME_COUNT_MAX - NAME_COUNT_MAX / 8 {
            let mut number = 0_u64;
            known.retain(|_, _| {
                number += 1;
                !number.is_multiple_of(8)
            });
        }
    }

    /// Writes an answer down.
    pub fn settle(&self, question: &Question, answer: Answer, now_ms: u64) {
        let known = self.known.pin();
        let settled = match answer {
            Answer::Found(mut targets, ttl_ms) => {
                answer::sort(&mut targets);
                let ttl_ms = ttl_ms.max(KNOWN_MS_MIN);
                let until_ms = now_ms.saturating_add(ttl_ms);
                Known {
                    targets: Some(targets.into()),
                    until_ms,
                    stale_until_ms: until_ms.saturating_add(NAME_STALE_MS_MAX),
                    ask_at_ms: until_ms - ttl_ms / REFRESH_SHARE,
                }
            }
            Answer::Nothing(ttl_ms) => {
                Known::nothing(now_ms.saturating_add(ttl_ms.max(KNOWN_MS_MIN)))
            }
            Answer::Failed => {
                let ask_at_ms = now_ms + FAILED_MS;
                match known.get(question) {
                    Some(old) if old.serves_on(now_ms) => {
                        Known { until_ms: old.stale_until_ms, ask_at_ms, ..old.clone() }
                    }
                    _ => Known::nothing(ask_at_ms),
                }
            }
        };
        known.insert(question.clone(), settled);
        self.settled.fetch_add(1, Ordering::AcqRel);
    }
}

impl Known {
    /// That there is nothing, until then.
    fn nothing(until_ms: u64) -> Self {
        let targets = Some(Arc::default());
        Self { targets, until_ms, stale_until_ms: until_ms, ask_at_ms: until_ms }
    }

    /// Whether it may serve on although its time is over.
    fn serves_on(&self, now_ms: u64) -> bool {
        let is_something = self.targets.as_ref().is_some_and(|targets| !targets.is_empty());
        is_something && now_ms < self.stale_until_ms
    }
}

impl fmt::Debug for NameTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameTable").field("count", &self.known.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
