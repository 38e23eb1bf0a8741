//! Names of hosts and their addresses: answers that are known, and questions for whoever can ask
//! the resolver. Looking a name up never waits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crossbeam_channel::{Receiver, Sender, bounded};
use smallvec::SmallVec;

use crate::limits::{NAME_BYTES_MAX, NAME_COUNT_MAX, NAME_QUESTION_COUNT_MAX};

/// A host name in lower case.
pub type HostName = SmallVec<[u8; 64]>;

/// The addresses of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostAddresses {
    /// One over IPv4.
    pub v4: Option<Ipv4Addr>,
    /// One over IPv6.
    pub v6: Option<Ipv6Addr>,
}

impl HostAddresses {
    /// The address that a server uses which can send over these families, IPv4 first.
    #[must_use]
    pub fn choose(&self, sends_v4: bool, sends_v6: bool) -> Option<IpAddr> {
        let v4 = self.v4.filter(|_| sends_v4).map(IpAddr::V4);
        v4.or_else(|| self.v6.filter(|_| sends_v6).map(IpAddr::V6))
    }
}

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Its addresses.
    Known(HostAddresses),
    /// It has none, or nobody answers.
    Unknown,
    /// It is being asked for.
    Waiting,
}

/// The names that were asked for, with their answers. Shared by all workers.
#[derive(Debug, Default)]
pub struct NameTable {
    answers: papaya::HashMap<HostName, Answer>,
    questions: Option<Sender<HostName>>,
}

/// An answer, or the time until one is waited for.
#[derive(Clone, Copy, Debug)]
struct Answer {
    addresses: Option<HostAddresses>,
    /// When it is asked for again, in milliseconds of the monotonic clock.
    until_ms: u64,
    is_waiting: bool,
}

/// How long addresses are used before they are asked for again; the old ones serve meanwhile.
const KNOWN_MS: u64 = 60_000;
/// How long a name that has no address is not asked for again.
const UNKNOWN_MS: u64 = 10_000;
/// How long an answer is waited for before the question is put again.
const WAITING_MS: u64 = 5_000;

impl NameTable {
    /// A table, and the questions that somebody has to [`Self::settle`]. The default table, which
    /// nobody answers, knows no names.
    #[must_use]
    pub fn new() -> (Self, Receiver<HostName>) {
        let (sender, receiver) = bounded(NAME_QUESTION_COUNT_MAX);
        (Self { answers: papaya::HashMap::new(), questions: Some(sender) }, receiver)
    }

    /// What is known of the name; what is not, is asked for.
    #[must_use]
    pub fn lookup(&self, name: &[u8], now_ms: u64) -> Lookup {
        let Some(questions) = self.questions.as_ref().filter(|_| name.len() <= NAME_BYTES_MAX)
        else {
            return Lookup::Unknown;
        };
        let name: HostName = name.iter().map(u8::to_ascii_lowercase).collect();
        let answers = self.answers.pin();
        let present = answers.get(&name).copied();
        match present {
            Some(answer) if now_ms < answer.until_ms => answer.lookup(),
            None if answers.len() >= NAME_COUNT_MAX => Lookup::Unknown,
            present => {
                let addresses = present.and_then(|answer| answer.addresses);
                let asked = Answer { addresses, until_ms: now_ms + WAITING_MS, is_waiting: true };
                // Noted before it is put: the answer may be there at once, and has to stay.
                answers.insert(name.clone(), asked);
                if let Err(refused) = questions.try_send(name) {
                    // The queue is full: the next request puts the question again.
                    let name = refused.into_inner();
                    match present {
                        Some(old) => answers.insert(name, old),
                        None => answers.remove(&name),
                    };
                }
                asked.lookup()
            }
        }
    }

    /// Writes an answer down: the addresses of a name, or that it has none.
    pub fn settle(&self, name: &HostName, addresses: HostAddresses, now_ms: u64) {
        let answers = self.answers.pin();
        if answers.len() >= NAME_COUNT_MAX {
            answers.retain(|_, answer| now_ms < answer.until_ms);
        }
        let known = addresses != HostAddresses::default();
        let answer = Answer {
            addresses: known.then_some(addresses),
            until_ms: now_ms + if known { KNOWN_MS } else { UNKNOWN_MS },
            is_waiting: false,
        };
        answers.insert(name.clone(), answer);
    }
}

impl Answer {
    /// What it says; old addresses serve until new ones are there.
    const fn lookup(&self) -> Lookup {
        match self.addresses {
            Some(addresses) => Lookup::Known(addresses),
            None if self.is_waiting => Lookup::Waiting,
            None => Lookup::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses `192.0.2.n`.
    fn host(n: u8) -> HostAddresses {
        HostAddresses { v4: Some(Ipv4Addr::new(192, 0, 2, n)), v6: None }
    }

    #[test]
    fn a_name_is_asked_for_once_and_then_known() {
        let (table, questions) = NameTable::new();
        assert_eq!(table.lookup(b"Gw.Example", 0), Lookup::Waiting);
        assert_eq!(table.lookup(b"gw.example", 1), Lookup::Waiting);
        let name = questions.try_recv().unwrap();
        assert_eq!((&name[..], questions.len()), (&b"gw.example"[..], 0));
        table.settle(&name, host(1), 2);
        assert_eq!(table.lookup(b"GW.example", 3), Lookup::Known(host(1)));
        assert_eq!(questions.len(), 0);
    }

    #[test]
    fn old_addresses_serve_until_new_ones_are_there() {
        let (table, questions) = NameTable::new();
        assert_eq!(table.lookup(b"a", 0), Lookup::Waiting);
        table.settle(&questions.try_recv().unwrap(), host(1), 0);
        assert_eq!(table.lookup(b"a", KNOWN_MS), Lookup::Known(host(1)));
        assert_eq!(table.lookup(b"a", KNOWN_MS + 1), Lookup::Known(host(1)));
        assert_eq!(questions.len(), 1, "asked again, once");
        table.settle(&questions.try_recv().unwrap(), host(2), KNOWN_MS + 2);
        assert_eq!(table.lookup(b"a", KNOWN_MS + 3), Lookup::Known(host(2)));
    }

    #[test]
    fn a_name_without_address_is_unknown_for_a_while() {
        let (table, questions) = NameTable::new();
        assert_eq!(table.lookup(b"a", 0), Lookup::Waiting);
        table.settle(&questions.try_recv().unwrap(), HostAddresses::default(), 0);
        assert_eq!(table.lookup(b"a", UNKNOWN_MS - 1), Lookup::Unknown);
        assert_eq!(table.lookup(b"a", UNKNOWN_MS), Lookup::Waiting);
    }

    #[test]
    fn a_question_that_nobody_answers_is_put_again() {
        let (table, questions) = NameTable::new();
        assert_eq!(table.lookup(b"a", 0), Lookup::Waiting);
        assert_eq!(table.lookup(b"a", WAITING_MS), Lookup::Waiting);
        assert_eq!(questions.len(), 2);
    }

    #[test]
    fn an_answer_that_comes_at_once_is_not_lost() {
        let (table, questions) = NameTable::new();
        let table = std::sync::Arc::new(table);
        let answering = std::sync::Arc::clone(&table);
        let (done, answered) = bounded(1);
        let helper = std::thread::spawn(move || {
            for name in questions.iter().take(2_000) {
                answering.settle(&name, host(1), 0);
                done.send(()).unwrap();
            }
        });
        for number in 0..2_000 {
            let name = number.to_string();
            let _ = table.lookup(name.as_bytes(), 0);
            answered.recv().unwrap();
            assert_eq!(table.lookup(name.as_bytes(), 0), Lookup::Known(host(1)), "{name}");
        }
        helper.join().unwrap();
    }

    #[test]
    fn neither_the_questions_nor_the_names_grow_without_bound() {
        let (table, questions) = NameTable::new();
        for number in 0..NAME_QUESTION_COUNT_MAX + 10 {
            assert_eq!(table.lookup(number.to_string().as_bytes(), 0), Lookup::Waiting);
        }
        assert_eq!(questions.len(), NAME_QUESTION_COUNT_MAX);
        assert_eq!(table.answers.len(), NAME_QUESTION_COUNT_MAX);
        assert_eq!(table.lookup(&vec![b'a'; NAME_BYTES_MAX + 1], 0), Lookup::Unknown);
        assert_eq!(NameTable::default().lookup(b"a", 0), Lookup::Unknown, "nobody to ask");
    }

    #[test]
    fn the_family_is_one_that_can_be_sent_over() {
        let both = HostAddresses { v4: host(1).v4, v6: Some(Ipv6Addr::LOCALHOST) };
        assert_eq!(both.choose(true, true), Some([192, 0, 2, 1].into()));
        assert_eq!(both.choose(false, true), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(host(1).choose(false, true), None);
    }
}
