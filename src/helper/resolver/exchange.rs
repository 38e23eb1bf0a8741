//! Questions under way to name servers: each is sent to one server after the other until one
//! answers, by datagrams, or by a stream where the answer fits no datagram.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::Hasher;
use std::net::SocketAddr;

use mio::{Registry, Token};
use siphasher::sip::SipHasher13;
use smallvec::SmallVec;

use super::lookup::{Ask, Outcome};
use super::message::{self, Reading};
use super::socket::{Socket, Taken};
use crate::limits::{DNS_SOCKET_COUNT_MAX, DNS_STREAM_COUNT_MAX, NAME_ALIAS_COUNT_MAX};
use crate::names::NameSettings;

/// Time between two lines in the log about servers that do not answer.
const COMPLAINT_INTERVAL_MS: u64 = 60_000;

/// Questions that may share a socket: few enough for their numbers to stay hard to guess.
const SHARED_COUNT_MAX: usize = 1_024;

/// Messages that are taken from a socket before others have their turn: anybody may send some.
const MESSAGES_PER_TURN: usize = 64;

/// Names a lookup.
pub(super) type LookupKey = u64;

/// All questions under way.
#[derive(Debug)]
pub(super) struct Exchange {
    registry: Registry,
    /// Makes the numbers of questions, which nobody can guess.
    hasher: SipHasher13,
    random_count: u64,
    servers: Vec<SocketAddr>,
    /// The server that is asked first: one that has answered.
    preferred: usize,
    tries_max: u32,
    retry_ms: u64,
    /// By the number of their token.
    sockets: BTreeMap<usize, Socket>,
    next_token: usize,
    /// Sockets that may have more: the poll tells once that they have something.
    unread: BTreeSet<usize>,
    queries: BTreeMap<u64, Query>,
    next_query: u64,
    /// When each question is asked again.
    due: BTreeSet<(u64, u64)>,
    /// When it may be told again that nobody answers.
    complain_at_ms: u64,
    /// Questions that have come to an end: of which lookup, for which slot, what came of it.
    pub(super) finished: VecDeque<(LookupKey, usize, Outcome)>,
}

/// A question under way.
#[derive(Debug)]
struct Query {
    lookup: LookupKey,
    ask: Ask,
    /// How long it is asked.
    until_ms: u64,
    due_ms: u64,
    /// The server that was asked first, and how often one was asked so far.
    first_server: usize,
    try_count: u32,
    /// Whether servers do not understand more than the bare question.
    is_plain: bool,
    alias_count: u32,
    /// The time of the aliases that were followed, in seconds.
    ttl: u32,
    /// The sockets by which an answer may come.
    ways: SmallVec<[usize; 2]>,
}

impl Exchange {
    /// Nothing under way. Sockets are announced by `registry`; `secret` is what nobody can guess.
    pub(super) fn new(registry: Registry, secret: [u8; 16]) -> Self {
        Self {
            registry,
            hasher: SipHasher13::new_with_key(&secret),
            random_count: 0,
            servers: Vec::new(),
            preferred: 0,
            tries_max: 1,
            retry_ms: 1_000,
            sockets: BTreeMap::new(),
            next_token: 0,
            unread: BTreeSet::new(),
            queries: BTreeMap::new(),
            next_query: 0,
            due: BTreeSet::new(),
            complain_at_ms: 0,
            finished: VecDeque::new(),
        }
    }

    /// Asks these servers from now on, as the settings say.
    pub(super) fn follow(&mut self, servers: &[SocketAddr], settings: &NameSettings) {
        self.servers = servers.iter().copied().take(settings.server_count).collect();
        self.preferred = 0;
        self.tries_max = settings.try_count.saturating_mul(self.servers.len() as u32);
        self.retry_ms = u64::from(settings.retry_seconds) * 1_000;
    }

    /// Begins to ask a question, until then at most.
    pub(super) fn ask(&mut self, lookup: LookupKey, ask: Ask, (now_ms, until_ms): (u64, u64)) {
        if message::compose(0, &ask.name, ask.record, true).is_none() {
            // No server has such a name.
            return self.finished.push_back((lookup, ask.slot, Outcome::Nothing));
        }
        let key = self.next_query;
        self.next_query += 1;
        let query = Query {
            lookup,
            ask,
            until_ms,
            due_ms: 0,
            first_server: self.preferred,
            try_count: 0,
            is_plain: false,
            alias_count: 0,
            ttl: u32::MAX,
            ways: SmallVec::new(),
        };
        self.queries.insert(key, query);
        self.send(key, now_ms);
    }

    /// When [`Self::run_timers`] is due.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// Asks other servers where one has not answered in time.
    pub(super) fn run_timers(&mut self, now_ms: u64) {
        while let Some((due_ms, key)) = self.due.first().copied()
            && due_ms <= now_ms
        {
            self.due.pop_first();
            let server = self.queries.get(&key).map(|query| self.server_of(query));
            if server.flatten() == self.servers.get(self.preferred).copied() {
                self.preferred = (self.preferred + 1) % self.servers.len().max(1);
            }
            self.send(key, now_ms);
        }
    }

    /// Remembers that a socket has something.
    pub(super) fn note(&mut self, Token(token): Token) {
        self.unread.insert(token);
    }

    /// Whether a socket may have something.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Takes some of what the sockets have.
    pub(super) fn take(&mut self, now_ms: u64) {
        for token in std::mem::take(&mut self.unread) {
            self.take_from(token, now_ms);
        }
    }

    /// Takes some of what a socket has.
    fn take_from(&mut self, token: usize, now_ms: u64) {
        let mut buffer = Vec::new();
        for _ in 0..MESSAGES_PER_TURN {
            let Some(socket) = self.sockets.get_mut(&token) else { return };
            match socket.take(&mut buffer) {
                Taken::Nothing => return,
                Taken::Message => self.read(token, &buffer, now_ms),
                Taken::Broken => return self.give_up_socket(token, now_ms),
            }
        }
        self.unread.insert(token);
    }

    /// The server that was asked last.
    fn server_of(&self, query: &Query) -> Option<SocketAddr> {
        let tries = query.try_count.saturating_sub(1) as usize;
        self.servers.get((query.first_server + tries) % self.servers.len().max(1)).copied()
    }

    /// Sends a question to the next server that it can be sent to. It ends when there have been
    /// enough tries.
    fn send(&mut self, key: u64, now_ms: u64) {
        loop {
            let Some(query) = self.queries.get_mut(&key) else { return };
            if query.try_count >= self.tries_max || query.until_ms <= now_ms {
                self.complain(now_ms);
                return self.finish(key, Outcome::Failed);
            }
            query.try_count += 1;
            let query = &self.queries[&key];
            let Some(server) = self.server_of(query) else { continue };
            let token = self.datagram_socket(server);
            if token.is_some_and(|token| self.send_by(token, key)) {
                return self.wait(key, now_ms);
            }
        }
    }

    /// Has a question be asked again if no answer comes.
    fn wait(&mut self, key: u64, now_ms: u64) {
        let Some(query) = self.queries.get_mut(&key) else { return };
        self.due.remove(&(query.due_ms, key));
        query.due_ms = (now_ms + self.retry_ms).min(query.until_ms);
        self.due.insert((query.due_ms, key));
    }

    /// Sends a question by a socket; whether that went well.
    fn send_by(&mut self, token: usize, key: u64) -> bool {
        let Some(id) = self.free_id(token) else { return false };
        let Some(query) = self.queries.get_mut(&key) else { return false };
        let Some(socket) = self.sockets.get_mut(&token) else { return false };
        let Ask { name, record, .. } = &query.ask;
        let text = message::compose(id, name, *record, query.is_plain);
        let sent = text.is_some_and(|text| socket.send(&text));
        if sent {
            socket.waiting.push((id, key));
            query.ways.push(token);
        }
        self.close_if_idle(token);
        sent
    }

    /// A number that no question has that was sent by that socket; none if there are too many.
    fn free_id(&mut self, token: usize) -> Option<u16> {
        loop {
            let id = self.random() as u16;
            let socket = self.sockets.get(&token)?;
            if socket.waiting.len() >= SHARED_COUNT_MAX {
                return None;
            }
            if socket.query(id).is_none() {
                return Some(id);
            }
        }
    }

    /// A socket to a server: one of its own as long as there are few, or any of them.
    fn datagram_socket(&mut self, server: SocketAddr) -> Option<usize> {
        let is_one = |socket: &Socket| socket.server == server && !socket.is_stream();
        let count = self.sockets.values().filter(|socket| is_one(socket)).count();
        if count < (DNS_SOCKET_COUNT_MAX / self.servers.len().max(1)).max(1) {
            match Socket::datagrams(server, &self.registry, Token(self.next_token)) {
                Ok(socket) => return Some(self.keep(socket)),
                Err(error) => tracing::debug!("the name server {server}: {error}"),
            }
        }
        let number = self.random() as usize % count.max(1);
        let mut tokens = self.sockets.iter().filter(|(_, socket)| is_one(socket));
        tokens.nth(number).map(|(token, _)| *token)
    }

    /// Keeps a socket; its number.
    fn keep(&mut self, socket: Socket) -> usize {
        let token = self.next_token;
        self.next_token += 1;
        self.sockets.insert(token, socket);
        token
    }

    /// Reads a message that has come by a socket.
    fn read(&mut self, token: usize, message: &[u8], now_ms: u64) {
        let Some(socket) = self.sockets.get(&token) else { return };
        let key = message::id(message).and_then(|id| socket.query(id));
        let Some(key) = key else { return self.pass_over(token, now_ms) };
        let Some(query) = self.queries.get_mut(&key) else { return };
        let (server, is_stream) = (socket.server, socket.is_stream());
        let Ask { name, record, .. } = &query.ask;
        match message::read(message, name, *record) {
            Reading::Foreign => return self.pass_over(token, now_ms),
            Reading::Truncated if !is_stream => return self.ask_by_stream(key, server, now_ms),
            Reading::NotUnderstood if !query.is_plain => {
                query.is_plain = true;
                query.try_count -= 1;
                return self.send(key, now_ms);
            }
            Reading::Truncated | Reading::Refused | Reading::NotUnderstood => {
                if query.try_count as usize >= self.servers.len() {
                    return self.finish(key, Outcome::Failed);
                }
                return self.send(key, now_ms);
            }
            Reading::Alias(..) if query.alias_count >= NAME_ALIAS_COUNT_MAX => {
                return self.finish(key, Outcome::Failed);
            }
            Reading::Alias(name, ttl) => {
                query.ask.name = name;
                query.ttl = query.ttl.min(ttl);
                query.alias_count += 1;
                query.try_count = 0;
                self.leave(key);
                self.send(key, now_ms);
            }
            Reading::Nothing => self.finish(key, Outcome::Nothing),
            Reading::Found(found, ttl) => {
                let ttl = query.ttl.min(ttl);
                self.finish(key, Outcome::Found(found, ttl));
            }
        }
        let answered = self.servers.iter().position(|known| *known == server);
        self.preferred = answered.unwrap_or(self.preferred);
    }

    /// Passes over a message that answers nothing. Anybody may send a datagram; but who answers
    /// something else by a stream will not answer the question either.
    fn pass_over(&mut self, token: usize, now_ms: u64) {
        if self.sockets.get(&token).is_some_and(Socket::is_stream) {
            self.give_up_socket(token, now_ms);
        }
    }

    /// Asks a question again by a stream.
    fn ask_by_stream(&mut self, key: u64, server: SocketAddr, now_ms: u64) {
        let count = self.sockets.values().filter(|socket| socket.is_stream()).count();
        if count >= DNS_STREAM_COUNT_MAX {
            // It is asked again later, as if no answer had come.
            return;
        }
        self.leave(key);
        let opened = Socket::stream(server, &self.registry, Token(self.next_token));
        let token = opened.map(|socket| self.keep(socket));
        if token.is_ok_and(|token| self.send_by(token, key)) {
            self.wait(key, now_ms);
        } else {
            self.send(key, now_ms);
        }
    }

    /// Closes a socket by which nothing will come any more. What was asked by it last is asked
    /// elsewhere.
    fn give_up_socket(&mut self, token: usize, now_ms: u64) {
        let Some(mut socket) = self.sockets.remove(&token) else { return };
        socket.close(&self.registry);
        if self.servers.get(self.preferred) == Some(&socket.server) {
            self.preferred = (self.preferred + 1) % self.servers.len().max(1);
        }
        for (_, key) in socket.waiting {
            let Some(query) = self.queries.get_mut(&key) else { continue };
            let was_last = query.ways.last() == Some(&token);
            query.ways.retain(|way| *way != token);
            if was_last {
                self.send(key, now_ms);
            }
        }
    }

    /// Tells, now and then, that a question was answered by nobody.
    fn complain(&mut self, now_ms: u64) {
        if now_ms >= self.complain_at_ms {
            self.complain_at_ms = now_ms + COMPLAINT_INTERVAL_MS;
            tracing::warn!("no name server has answered a question in time");
        }
    }

    /// Ends a question.
    fn finish(&mut self, key: u64, outcome: Outcome) {
        self.leave(key);
        if let Some(query) = self.queries.remove(&key) {
            self.due.remove(&(query.due_ms, key));
            self.finished.push_back((query.lookup, query.ask.slot, outcome));
        }
    }

    /// Does not want answers to what was asked so far.
    fn leave(&mut self, key: u64) {
        let Some(query) = self.queries.get_mut(&key) else { return };
        for token in std::mem::take(&mut query.ways) {
            if let Some(socket) = self.sockets.get_mut(&token) {
                socket.waiting.retain(|(_, waiting)| *waiting != key);
            }
            self.close_if_idle(token);
        }
    }

    /// Closes a socket by which nothing is waited for.
    fn close_if_idle(&mut self, token: usize) {
        if self.sockets.get(&token).is_some_and(|socket| socket.waiting.is_empty())
            && let Some(mut socket) = self.sockets.remove(&token)
        {
            socket.close(&self.registry);
        }
    }

    /// A number that nobody can guess.
    fn random(&mut self) -> u64 {
        self.random_count += 1;
        let mut hasher = self.hasher;
        hasher.write_u64(self.random_count);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, UdpSocket};

    use mio::Poll;

    use super::super::message::Record;
    use super::*;
    use crate::names::HostName;

    /// A question that was sent to that server, and the poll that its sockets are known to.
    fn asking(server: SocketAddr) -> (Exchange, Poll) {
        let poll = Poll::new().unwrap();
        let registry = poll.registry().try_clone().unwrap();
        let mut exchange = Exchange::new(registry, *b"nobody knows it!");
        let settings = NameSettings { server_count: 1, try_count: 9, ..NameSettings::default() };
        exchange.follow(&[server], &settings);
        let name = HostName::from_slice(b"gw.example");
        exchange.ask(1, Ask { slot: 0, name, record: Record::A }, (0, 10_000));
        (exchange, poll)
    }

    #[test]
    fn a_flood_of_datagrams_keeps_nobody_waiting() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (mut exchange, _poll) = asking(server.local_addr().unwrap());
        let (_, asker) = server.recv_from(&mut [0; 512]).unwrap();
        for _ in 0..=MESSAGES_PER_TURN {
            server.send_to(b"rubbish", asker).unwrap();
        }
        exchange.note(Token(0));
        exchange.take(0);
        assert!(exchange.has_unread());
        exchange.take(0);
        assert!(!exchange.has_unread());
        assert_eq!(exchange.sockets.len(), 1, "an answer may still come");
    }

    #[test]
    fn a_stream_by_which_something_else_comes_is_given_up() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let listener = TcpListener::bind(address).unwrap();
        let (mut exchange, _poll) = asking(address);
        exchange.ask_by_stream(0, address, 0);
        assert!(exchange.sockets[&1].is_stream());
        let (mut stream, _) = listener.accept().unwrap();
        exchange.note(Token(1));
        exchange.take(0);
        stream.read_exact(&mut [0; 14]).unwrap();
        stream.write_all(b"\0\x07rubbish").unwrap();
        exchange.note(Token(1));
        exchange.take(0);
        let tokens: Vec<&usize> = exchange.sockets.keys().collect();
        assert_eq!(tokens, [&2], "it is asked by a datagram again");
    }
}
