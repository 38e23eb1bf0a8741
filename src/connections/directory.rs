//! Who has the connection to a peer.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Cache};
use crossbeam_utils::CachePadded;
use papaya::{Compute, Operation};
use smallvec::SmallVec;

use super::card::{Card, ConnectionState};
use super::settings::ConnectionSettings;
use crate::jobs::Address;
use crate::mem::{ListenerId, Peer};
use crate::protocol::Transport;

/// A connection of one worker. Its place may be another connection's later, under another
/// generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionId {
    /// Position in the worker's table.
    pub index: u32,
    /// How often the position was given away before.
    pub generation: u32,
}

/// Where a connection is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The number of the worker that has it.
    pub worker: usize,
    /// Its number there.
    pub id: ConnectionId,
    /// The listener that accepted it, or from whose address it was opened.
    pub listener: ListenerId,
    /// What is known of it.
    pub card: Arc<Card>,
}

impl Place {
    /// Whether messages to who has to prove that name, or to nobody in particular, may go by it.
    /// One that has yet to prove another name is not waited for.
    fn takes(&self, name: Option<&str>, may_be_closing: bool) -> bool {
        let is_usable = match self.card.state() {
            ConnectionState::Open => true,
            ConnectionState::Connecting => name.is_some() || self.card.name.is_none(),
            ConnectionState::Closing => may_be_closing,
            ConnectionState::Ending => false,
        };
        is_usable && self.card.is_for(name)
    }
}

/// A message for a connection of another worker.
#[derive(Debug)]
pub struct Passed {
    /// The connection.
    pub id: ConnectionId,
    /// Where the message goes.
    pub destination: SocketAddr,
    /// The listener that it leaves by.
    pub listener: ListenerId,
    /// The local address that it leaves from.
    pub source: IpAddr,
    /// What is known of who gets it.
    pub peer: Option<Peer>,
    /// The message.
    pub message: Vec<u8>,
}

/// Why there is no room for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There are as many as there may be.
    Full,
    /// The peer has as many as it may have.
    PeerHasTooMany,
}

/// Who has the connection to a peer. Looked into without a lock, for each message that leaves by
/// a connection; written when a connection comes or goes.
#[derive(Debug)]
pub struct Directory {
    places: papaya::HashMap<Key, Places>,
    workers: Vec<Worker>,
    settings: Arc<ArcSwap<ConnectionSettings>>,
    next_number: AtomicU64,
    count: AtomicUsize,
    /// How many were accepted from each address.
    accepted: Mutex<BTreeMap<IpAddr, usize>>,
}

/// A worker's view of the settings: as long as they are the same, a look is one relaxed load.
pub type SettingsFollower = Cache<Arc<ArcSwap<ConnectionSettings>>, Arc<ConnectionSettings>>;

/// A peer at its transport.
type Key = (Transport, SocketAddr);

/// The connections to one peer; several if it uses the same port towards several listeners. The
/// newest is the first.
type Places = SmallVec<[Place; 1]>;

/// What there is for each worker.
#[derive(Debug)]
struct Worker {
    mailbox: Address<Passed>,
    queued_bytes: CachePadded<AtomicUsize>,
}

impl Directory {
    /// An empty one for the workers with these mailboxes.
    #[must_use]
    pub fn new(settings: ConnectionSettings, mailboxes: Vec<Address<Passed>>) -> Self {
        let worker = |mailbox| Worker { mailbox, queued_bytes: CachePadded::default() };
        Self {
            places: papaya::HashMap::new(),
            workers: mailboxes.into_iter().map(worker).collect(),
            settings: Arc::new(ArcSwap::from_pointee(settings)),
            next_number: AtomicU64::new(1),
            count: AtomicUsize::new(0),
            accepted: Mutex::default(),
        }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> Arc<ConnectionSettings> {
        self.settings.load_full()
    }

    /// The settings as they are at any time.
    #[must_use]
    pub fn follow_settings(&self) -> SettingsFollower {
        Cache::new(Arc::clone(&self.settings))
    }

    /// Has connections treated otherwise from now on.
    pub fn configure(&self, settings: ConnectionSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// How many workers there are.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.workers.len()
    }

    /// A number for a new connection.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// How many connections there are, and how many of these are of TLS.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let map = self.places.pin();
        let tls = map.iter().filter(|((transport, _), _)| *transport == Transport::Tls);
        (self.count.load(Ordering::Relaxed), tls.map(|(_, places)| places.len()).sum())
    }

    /// Counts a connection that is accepted from `accepted_from` or, if that is none, opened;
    /// [`Self::release`] has to follow.
    ///
    /// # Errors
    ///
    /// When there is no room for it.
    pub fn admit(&self, accepted_from: Option<IpAddr>) -> Result<(), Refusal> {
        let settings = self.settings.load();
        if self.count.fetch_add(1, Ordering::Relaxed) >= settings.count_max {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::Full);
        }
        let Some(ip) = accepted_from else { return Ok(()) };
        let mut accepted = self.accepted();
        let of_peer = accepted.entry(ip).or_insert(0);
        if settings.count_per_address_max > 0 && *of_peer >= settings.count_per_address_max {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::PeerHasTooMany);
        }
        *of_peer += 1;
        Ok(())
    }

    /// Takes back what [`Self::admit`] has counted.
    pub fn release(&self, accepted_from: Option<IpAddr>) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        let Some(ip) = accepted_from else { return };
        let mut accepted = self.accepted();
        match accepted.get_mut(&ip) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(accepted.remove(&ip)),
        }
    }

    /// The counts of accepted connections. They are whole whenever the lock is free.
    fn accepted(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a connection that was accepted.
    pub fn enter(&self, place: &Place) {
        self.places.pin().update_or_insert_with(
            key_of(place),
            |places| {
                let mut all = Places::new();
                all.push(place.clone());
                all.extend(places.iter().cloned());
                all
            },
            || Places::from_buf([place.clone()]),
        );
    }

    /// Enters a connection that is opened, unless there is one to the peer already that may be used
    /// instead.
    ///
    /// # Errors
    ///
    /// The worker that has a connection to the peer, and its number there.
    pub fn enter_first(&self, place: &Place) -> Result<(), (usize, ConnectionId)> {
        let map = self.places.pin();
        let name = place.card.name.as_deref();
        let entered = map.compute(key_of(place), |entry| {
            let others = entry.map(|(_, places)| places.as_slice()).unwrap_or_default();
            match others.iter().find(|other| other.takes(name, false)) {
                Some(other) => Operation::Abort((other.worker, other.id)),
                None => {
                    let all = std::iter::once(place).chain(others).cloned();
                    Operation::Insert(all.collect())
                }
            }
        });
        match entered {
            Compute::Aborted(other) => Err(other),
            _ => Ok(()),
        }
    }

    /// The worker that has a connection to the peer, and its number there; one of that listener
    /// if there are several. If a name is to be proven, one for that name. One that is closing only
    /// if that `may_be_closing`.
    #[must_use]
    pub fn find(
        &self,
        transport: Transport,
        (peer, name): (SocketAddr, Option<&str>),
        listener: ListenerId,
        may_be_closing: bool,
    ) -> Option<(usize, ConnectionId)> {
        let map = self.places.pin();
        let places = map.get(&(transport, peer))?;
        let fits = |place: &&Place| place.takes(name, may_be_closing);
        let mut fit = places.iter().filter(fits).peekable();
        let first = fit.peek().copied();
        let own = fit.find(|place| place.listener == listener);
        own.or(first).map(|place| (place.worker, place.id))
    }

    /// What is known of the connection to the peer at that listener.
    #[must_use]
    pub fn card(
        &self,
        transport: Transport,
        peer: SocketAddr,
        listener: ListenerId,
    ) -> Option<Arc<Card>> {
        let map = self.places.pin();
        let mut places = map.get(&(transport, peer))?.iter();
        places.find(|place| place.listener == listener).map(|place| Arc::clone(&place.card))
    }

    /// Forgets a connection.
    pub fn leave(&self, place: &Place) {
        let is_other = |other: &Place| (other.worker, other.id) != (place.worker, place.id);
        let map = self.places.pin();
        let _: Compute<'_, _, _, ()> = map.compute(key_of(place), |entry| match entry {
            None => Operation::Abort(()),
            Some((_, places)) => {
                let left: Places = places.iter().filter(|it| is_other(it)).cloned().collect();
                if left.is_empty() { Operation::Remove } else { Operation::Insert(left) }
            }
        });
    }

    /// Gives a message to the worker that has its connection. False if that has too many to
    /// write already.
    #[must_use]
    pub fn pass(&self, worker: usize, passed: Passed) -> bool {
        self.workers.get(worker).is_some_and(|worker| worker.mailbox.offer(passed))
    }

    /// Notes how many bytes a worker has to write.
    pub fn note_queued(&self, worker: usize, bytes: usize) {
        if let Some(worker) = self.workers.get(worker) {
            worker.queued_bytes.store(bytes, Ordering::Relaxed);
        }
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.workers.iter().map(|worker| worker.queued_bytes.load(Ordering::Relaxed)).sum()
    }

    /// What is known of all connections, in the order of their numbers.
    #[must_use]
    pub fn cards(&self) -> Vec<Arc<Card>> {
        let map = self.places.pin();
        let all = map.values().flatten().map(|place| Arc::clone(&place.card));
        let mut cards: Vec<_> = all.collect();
        cards.sort_by_key(|card| card.number);
        cards
    }
}

/// Under what a connection is found.
fn key_of(place: &Place) -> Key {
    (place.card.transport, place.card.peer)
}

#[cfg(test)]
mod tests {
    use super::super::ConnectionState;
    use super::*;
    use crate::jobs::Mailbox;

    /// A directory for two workers.
    fn directory(settings: ConnectionSettings) -> (Directory, [Mailbox<Passed>; 2]) {
        let mailboxes = [Mailbox::bounded(1), Mailbox::bounded(1)];
        let addresses = mailboxes.iter().map(Mailbox::address).collect();
        (Directory::new(settings, addresses), mailboxes)
    }

    /// A connection of a worker by a listener to the same peer.
    fn place(directory: &Directory, worker: usize, listener: u16) -> Place {
        let number = directory.next_number();
        let ways = (peer(), "192.0.2.9:5060".parse().unwrap());
        let card = Card::new(number, Transport::Tcp, ways, ConnectionState::Open, 0);
        Place {
            worker,
            id: ConnectionId { index: number as u32, generation: 0 },
            listener: ListenerId(listener),
            card: Arc::new(card),
        }
    }

    fn peer() -> SocketAddr {
        "192.0.2.1:40000".parse().unwrap()
    }

    #[test]
    fn a_peer_is_found_by_the_listener_that_it_is_connected_to_or_by_any() {
        let (directory, _mailboxes) = directory(ConnectionSettings::default());
        let find =
            |listener| directory.find(Transport::Tcp, (peer(), None), ListenerId(listener), false);
        assert_eq!(find(1), None);
        let places = [place(&directory, 0, 1), place(&directory, 1, 2)];
        places.iter().for_each(|place| directory.enter(place));
        assert_eq!(find(1), Some((0, places[0].id)));
        assert_eq!(find(2), Some((1, places[1].id)));
        assert_eq!(find(3), Some((1, places[1].id)), "the newest");
        assert_eq!(directory.find(Transport::Tls, (peer(), None), ListenerId(1), false), None);
        assert_eq!(directory.cards().len(), 2);
        directory.leave(&places[1]);
        directory.leave(&places[1]);
        assert_eq!(find(2), Some((0, places[0].id)));
        directory.leave(&places[0]);
        assert_eq!(find(1), None);
        assert!(directory.cards().is_empty());
    }

    #[test]
    fn one_of_two_that_open_a_connection_to_the_same_peer_is_told_of_the_other() {
        let (directory, _mailboxes) = directory(ConnectionSettings::default());
        let places = [place(&directory, 0, 1), place(&directory, 1, 1)];
        assert_eq!(directory.enter_first(&places[0]), Ok(()));
        assert_eq!(directory.enter_first(&places[1]), Err((0, places[0].id)));
        directory.leave(&places[0]);
        assert_eq!(directory.enter_first(&places[1]), Ok(()));
    }

    #[test]
    fn a_connection_for_one_name_is_not_one_for_another() {
        let (directory, _mailboxes) = directory(ConnectionSettings::default());
        let named = |worker, name| {
            let Place { id, listener, .. } = place(&directory, worker, 1);
            let ways = (peer(), "192.0.2.9:5061".parse().unwrap());
            let card = Card::new(1, Transport::Tls, ways, ConnectionState::Open, 0);
            Place { worker, id, listener, card: Arc::new(card.for_name(name)) }
        };
        let find = |name| {
            let found = directory.find(Transport::Tls, (peer(), name), ListenerId(1), false);
            found.map(|(worker, _)| worker)
        };
        let places =
            [named(0, Some("a.example.com")), named(1, Some("b.example.com")), named(2, None)];
        assert_eq!(directory.enter_first(&places[0]), Ok(()));
        assert_eq!(directory.enter_first(&places[1]), Ok(()));
        assert_eq!(directory.enter_first(&places[2]), Err((1, places[1].id)));
        directory.enter(&places[2]);
        assert_eq!(find(Some("A.example.com")), Some(0));
        assert_eq!(find(Some("b.example.com")), Some(1));
        assert_eq!(find(Some("c.example.com")), None, "who was accepted has proven nothing");
        assert_eq!(find(None), Some(2));
        directory.leave(&places[0]);
        assert_eq!(find(Some("a.example.com")), None);
    }

    #[test]
    fn nobody_waits_for_a_connection_that_ends_or_proves_another_name() {
        let (directory, _mailboxes) = directory(ConnectionSettings::default());
        let named = |worker, name, state| {
            let Place { id, listener, .. } = place(&directory, worker, 1);
            let ways = (peer(), "192.0.2.9:5061".parse().unwrap());
            let card = Card::new(1, Transport::Tls, ways, state, 0).for_name(name);
            Place { worker, id, listener, card: Arc::new(card) }
        };
        let find = |may_be_closing| {
            let found =
                directory.find(Transport::Tls, (peer(), None), ListenerId(1), may_be_closing);
            found.map(|(worker, _)| worker)
        };
        directory.enter(&named(0, None, ConnectionState::Closing));
        assert_eq!((find(false), find(true)), (None, Some(0)), "a response may go by it");
        directory.enter(&named(1, Some("evil.example"), ConnectionState::Connecting));
        assert_eq!(find(false), None);
        let open = named(2, None, ConnectionState::Open);
        assert_eq!(directory.enter_first(&open), Ok(()));
        assert_eq!(find(false), Some(2));
    }

    #[test]
    fn there_are_no_more_than_may_be_in_all_and_of_one_address() {
        let settings = ConnectionSettings {
            count_max: 3,
            count_per_address_max: 2,
            ..ConnectionSettings::default()
        };
        let (directory, _mailboxes) = directory(settings);
        let [a, b] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|ip| Some(IpAddr::from(ip)));
        assert_eq!([directory.admit(a), directory.admit(a)], [Ok(()), Ok(())]);
        assert_eq!(directory.admit(a), Err(Refusal::PeerHasTooMany));
        assert_eq!(directory.admit(b), Ok(()));
        assert_eq!(directory.admit(None), Err(Refusal::Full));
        directory.release(a);
        assert_eq!(directory.admit(None), Ok(()));
        assert_eq!(directory.counts(), (3, 0));
        directory.release(None);
        assert_eq!(directory.admit(a), Ok(()));
        for from in [a, a, b] {
            directory.release(from);
        }
        assert!(directory.accepted().is_empty(), "nothing stays of who is gone");
    }

    #[test]
    fn a_message_is_passed_on_while_there_is_room() {
        let (directory, mailboxes) = directory(ConnectionSettings::default());
        let passed = || Passed {
            id: ConnectionId { index: 1, generation: 2 },
            destination: peer(),
            listener: ListenerId(1),
            source: peer().ip(),
            peer: None,
            message: b"x".to_vec(),
        };
        assert!(directory.pass(1, passed()));
        assert!(!directory.pass(1, passed()) && !directory.pass(2, passed()));
        assert_eq!(mailboxes[1].take().unwrap().message, b"x");
        assert!(directory.pass(1, passed()) && mailboxes[0].is_empty());
    }
}
