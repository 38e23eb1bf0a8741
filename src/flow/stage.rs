//! A server that stands in memory: the proxy core with all that it needs, and no network.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bumpalo::Bump;
use crossbeam_channel::Receiver;
use thiserror::Error;

use super::journal::Journal;
use crate::jobs::{Answer, Completion, Ending, JobQueue, Mailbox, Order};
use crate::limits::{HEADROOM_BYTES, PAYLOAD_BYTES_MAX};
use crate::location::registrar::{Registration, Rejection, Request, register};
use crate::location::{self, LocationTables, RegistrarConfig, UsrlocConfig, aor_key};
use crate::mem::{Arrival, ListenerId, Outbox, Peer, Received, SlotId, SlotPool};
use crate::metrics::{Counter, WorkerCounters};
use crate::modules::SharedVariables;
use crate::names::{Answer as NameAnswer, NameTable, Question, Wanted};
use crate::protocol::{Endpoint, Transport};
use crate::proxy::{CoreParts, Listener, ProxyCore};
use crate::script::{ListenAddress, Observer, Program, Settings};
use crate::sip::{ParseError, Uri};
use crate::time::{Now, Zone};

/// What a stage is made of.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// The script.
    pub program: &'a Arc<Program>,
    /// The addresses of the server; none: those of the script, or 192.0.2.1 if it names none.
    pub listen: &'a [Endpoint],
    /// The addresses of host names.
    pub hosts: &'a Hosts,
    /// The key of branches and tags.
    pub secret: [u8; 16],
}

/// Host names with their addresses. All other names have none.
pub type Hosts = Vec<(String, IpAddr)>;

/// A datagram that the server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The address of the server that it leaves from.
    pub source: Endpoint,
    /// Where it goes.
    pub destination: Endpoint,
    /// What connections know of who gets it.
    pub peer: Option<Peer>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why something cannot be done on a stage.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StageError {
    /// The server has no such address.
    #[error("the server does not listen on {0}; it listens on {1}")]
    NoListener(String, String),
    /// The server has no address of the family and transport of that one.
    #[error(
        "no address of the server is of the family of {0} and its transport; it listens on {1}"
    )]
    NoFamily(String, String),
    /// No datagram is that long.
    #[error("a message of {0} bytes fits no datagram")]
    TooLong(usize),
    /// An address-of-record is malformed.
    #[error("the address-of-record: {0}")]
    BadAddressOfRecord(ParseError),
    /// An address-of-record has more bytes than are kept.
    #[error("the address-of-record is too long")]
    AddressOfRecordTooLong,
    /// The registrar would refuse this.
    #[error("the contact: {0}")]
    Rejected(#[from] Rejection),
    /// There are too many location tables.
    #[error("there are too many location tables")]
    TooManyTables,
}

/// A server that stands in memory.
#[derive(Debug)]
pub struct Stage {
    core: ProxyCore,
    slots: SlotPool,
    outbox: Outbox,
    now: Now,
    counters: WorkerCounters,
    program: Arc<Program>,
    listeners: Arc<[Listener]>,
    tables: Arc<LocationTables>,
    names: Arc<NameTable>,
    questions: Receiver<Question>,
    hosts: Hosts,
    /// Commands that scripts wait for, and the answers to them.
    orders: Mailbox<Order>,
    answers: Mailbox<Completion>,
    /// What commands write, one after the other, if they are answered at once.
    outputs: Option<VecDeque<Vec<u8>>>,
}

/// When each stage begins: the start of 2027.
const START: Now = Now {
    monotonic_ms: 1_000_000,
    wall_seconds: 1_798_761_600,
    wall_fraction_us: 0,
    zone: Zone::UTC,
};

/// The seed of everything random.
const SEED: u64 = 1;

/// The number of its process.
const PROCESS: u32 = 1;

/// How long a host name takes to be answered.
const NAME_MS: u64 = 10;

/// How long what is known of a host name is used.
const NAME_TTL_MS: u64 = 60_000;

/// The address of a server whose script names none, and of the wildcard address (RFC 5737,
/// RFC 3849).
const OWN_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OWN_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

const SIP_PORT: u16 = 5_060;

impl Stage {
    /// A server that has just started. What its script logs is written down in `journal`.
    #[must_use]
    pub fn new(setup: &Setup<'_>, journal: &Journal) -> Self {
        let counters = WorkerCounters::default();
        let (names, questions) = NameTable::new();
        let names = Arc::new(names);
        let tables = Arc::new(LocationTables::new());
        let listeners = listeners(setup.listen, setup.program.settings());
        let (orders, answers) = (Mailbox::new(), Mailbox::new());
        let core = ProxyCore::new(CoreParts {
            program: Arc::clone(setup.program),
            listeners: Arc::clone(&listeners),
            services: Arc::new([Arc::clone(&tables) as _, Arc::new(SharedVariables::default())]),
            names: Arc::clone(&names),
            jobs: JobQueue::new(orders.address(), answers.address()),
            secret: setup.secret,
            seed: SEED,
            process: PROCESS,
            sweeps: true,
            counters: counters.clone(),
            log: Box::new(journal.clone()),
        });
        Self {
            core,
            slots: SlotPool::new(1, 0),
            outbox: Outbox::new(),
            now: START,
            counters,
            program: Arc::clone(setup.program),
            listeners,
            tables,
            names,
            questions,
            hosts: setup.hosts.clone(),
            orders,
            answers,
            outputs: None,
        }
    }

    /// Lets `observer` look on as the script runs.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.core.observe(observer);
    }

    /// The addresses of the server, in the order of its listeners.
    pub fn addresses(&self) -> impl Iterator<Item = Endpoint> {
        self.listeners.iter().map(|listener| {
            let address = local_address(listener.address);
            Endpoint { transport: listener.transport, address }
        })
    }

    /// The address that a peer at `peer` sends to if it is not told.
    ///
    /// # Errors
    ///
    /// When the server has none of that family and transport.
    pub fn address_for(&self, peer: Endpoint) -> Result<Endpoint, StageError> {
        let family = |endpoint: Endpoint| (endpoint.transport, endpoint.address.is_ipv4());
        let fitting = self.addresses().find(|own| family(*own) == family(peer));
        fitting.ok_or_else(|| StageError::NoFamily(peer.brief(), self.shown_addresses()))
    }

    /// Gives the server a datagram; what it sends because of it.
    ///
    /// # Errors
    ///
    /// When the server has no address `local`, or the datagram is too long.
    pub fn deliver(
        &mut self,
        source: Endpoint,
        local: Endpoint,
        datagram: &[u8],
    ) -> Result<Vec<Sent>, StageError> {
        let Some(position) = self.addresses().position(|own| own == local) else {
            return Err(StageError::NoListener(local.brief(), self.shown_addresses()));
        };
        if datagram.len() > PAYLOAD_BYTES_MAX {
            return Err(StageError::TooLong(datagram.len()));
        }
        let slot = SlotId(0);
        let buffer = self.slots.slot_mut(slot);
        buffer[HEADROOM_BYTES..HEADROOM_BYTES + datagram.len()].copy_from_slice(datagram);
        let listener = ListenerId(u16::try_from(position).unwrap_or(0));
        let arrival = Arrival { source: source.address, local: local.address, listener };
        let length = datagram.len();
        let mut received = Received { slot, buffer, length, arrival: &arrival };
        self.core.handle_datagram(self.now, &mut received, &mut self.outbox);
        let mut sent = self.take_sent();
        if self.answer_names() {
            sent.extend(self.advance(NAME_MS));
        }
        sent.extend(self.answer_commands());
        // Whoever has commands answered at once does not tell either how time passes.
        while self.outputs.is_some()
            && let Some(wakes_at_ms) = self.core.wakes_at_ms()
        {
            sent.extend(self.advance(wakes_at_ms.saturating_sub(self.now.monotonic_ms)));
            sent.extend(self.answer_commands());
        }
        Ok(sent)
    }

    /// Answers commands at once: each writes the next of `outputs` and ends with status 0; those
    /// for which there is none are not started.
    pub fn give_outputs(&mut self, outputs: Vec<Vec<u8>>) {
        self.outputs = Some(outputs.into());
    }

    /// The oldest command that a script waits for.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        self.orders.take()
    }

    /// Whether a script waits for a command that was not taken by [`Self::order`].
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.orders.is_empty()
    }

    /// Answers a command; what the server sends because of it.
    pub fn finish(&mut self, order: Order, answer: Answer) -> Vec<Sent> {
        order.answer(answer);
        while let Some(completion) = self.answers.take() {
            self.core.handle_completion(self.now, completion, &mut self.outbox);
        }
        self.take_sent()
    }

    /// Answers the commands that are to be answered at once; what is sent because of them.
    fn answer_commands(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        while self.outputs.is_some()
            && let Some(order) = self.orders.take()
        {
            let output = self.outputs.as_mut().and_then(VecDeque::pop_front);
            let ending = output.as_ref().map_or(Ending::NotStarted, |_| Ending::Exited(0));
            let answer = Answer { ending, output: output.unwrap_or_default() };
            sent.extend(self.finish(order, answer));
        }
        sent
    }

    /// Lets time pass; what the server sends meanwhile.
    pub fn advance(&mut self, milliseconds: u64) -> Vec<Sent> {
        let end_ms = self.now.monotonic_ms.saturating_add(milliseconds);
        let started_ms = START.monotonic_ms;
        let mut sent = Vec::new();
        let mut set = |stage: &mut Self, monotonic_ms: u64| {
            let wall_seconds = START.wall_seconds + (monotonic_ms - started_ms) / 1_000;
            stage.now = Now { monotonic_ms, wall_seconds, ..START };
            stage.core.handle_timeout(stage.now, &mut stage.outbox);
            sent.extend(stage.take_sent());
        };
        while let Some(due_ms) = self.core.poll_timeout().filter(|due_ms| *due_ms < end_ms) {
            // Long quiet times are passed in steps: what is due stays due until it is done.
            let next_ms = due_ms.max(self.now.monotonic_ms + STEP_MS).min(end_ms);
            set(self, next_ms);
            self.answer_names();
        }
        set(self, end_ms);
        sent
    }

    /// Registers a contact, a URI or an address with parameters such as `q` and `expires`.
    ///
    /// # Errors
    ///
    /// When one of them is malformed, or the registrar would refuse it.
    pub fn register(&self, table: &str, aor: &str, contact: &str) -> Result<(), StageError> {
        let arena = Bump::new();
        let default = RegistrarConfig::default();
        let config = self.program.config::<RegistrarConfig>().unwrap_or(&default);
        let usrloc = self.program.config::<UsrlocConfig>().copied().unwrap_or_default();
        let aor = Uri::parse(aor.as_bytes()).map_err(StageError::BadAddressOfRecord)?;
        let rules = config.aor_rules(&usrloc);
        let aor = aor_key(&aor, rules, &arena).ok_or(StageError::AddressOfRecordTooLong)?;
        let request = Request::parse(std::iter::once(contact.as_bytes()), None, config)?;
        let registration = Registration {
            call_id: contact.as_bytes(),
            cseq: 1,
            path: &[],
            user_agent: &[],
            listener: ListenerId(0),
            cflags: 0,
            received: b"",
            replaces_others: false,
            newest_first: usrloc.newest_first || config.newest_first,
            q: None,
        };
        let table = self.tables.get_or_create(table.as_bytes()).ok_or(StageError::TooManyTables)?;
        register(table, aor, (&request, &registration), config, location::seconds(self.now))?;
        Ok(())
    }

    /// How often each thing was counted so far, in the order of [`Counter::ALL`].
    #[must_use]
    pub fn counted(&self) -> Vec<u64> {
        Counter::ALL.iter().map(|counter| self.counters.value(*counter)).collect()
    }

    /// Takes what is to be sent.
    fn take_sent(&mut self) -> Vec<Sent> {
        let own = |id: ListenerId| {
            let listener = self.listeners.get(usize::from(id.0));
            listener.map_or((Transport::Udp, SIP_PORT), |listener| {
                (listener.transport, listener.address.port())
            })
        };
        let transmits = self.outbox.transmits().iter().enumerate();
        let sent: Vec<Sent> = transmits
            .map(|(position, transmit)| {
                let (transport, port) = own(transmit.listener);
                let endpoint = |address| Endpoint { transport, address };
                Sent {
                    source: endpoint(SocketAddr::new(transmit.source, port)),
                    destination: endpoint(transmit.destination),
                    peer: self.outbox.peer(position).cloned(),
                    bytes: self.outbox.bytes(transmit, &self.slots).to_vec(),
                }
            })
            .collect();
        self.outbox.sent(sent.len());
        sent
    }

    /// Answers the questions for host names; whether there were any.
    fn answer_names(&self) -> bool {
        let mut any = false;
        for question in self.questions.try_iter() {
            any = true;
            let is_it = |host: &str| host.as_bytes().eq_ignore_ascii_case(&question.name);
            let named = self.hosts.iter().filter(|(host, _)| is_it(host));
            let addresses: Vec<IpAddr> = named.map(|(_, ip)| *ip).collect();
            let answer = if addresses.is_empty() {
                NameAnswer::Nothing(NAME_TTL_MS)
            } else {
                let port = match question.wanted {
                    Wanted::Servers(transport) => transport.default_port(),
                    Wanted::Addresses => SIP_PORT,
                };
                NameAnswer::host(addresses, port, NAME_TTL_MS)
            };
            self.names.settle(&question, answer, self.now.monotonic_ms);
        }
        any
    }

    /// The addresses of the server, for people.
    fn shown_addresses(&self) -> String {
        let addresses: Vec<String> = self.addresses().map(|own| own.brief()).collect();
        addresses.join(", ")
    }
}

/// How finely time passes.
const STEP_MS: u64 = 10;

/// The listeners of a server.
fn listeners(listen: &[Endpoint], settings: &Settings) -> Arc<[Listener]> {
    let plain = |Endpoint { transport, address }| ListenAddress {
        transport,
        address,
        advertise: None,
        name: None,
    };
    let wanted: Vec<ListenAddress> = if !listen.is_empty() {
        listen.iter().copied().map(plain).collect()
    } else if settings.listen.is_empty() {
        settings.listen_to(OWN_V4.into())
    } else {
        settings.listen.clone()
    };
    let listener = |wanted: ListenAddress| {
        let mut address = wanted.address;
        if address.port() == 0 {
            address.set_port(wanted.transport.default_port());
        }
        Listener { transport: wanted.transport, address, advertise: wanted.advertise }
    };
    let mut listeners: Vec<Listener> = wanted.into_iter().map(listener).collect();
    listeners.sort_by_key(|listener| listener.transport);
    listeners.into()
}

/// The address that datagrams to a listener come to.
fn local_address(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => OWN_V4.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => OWN_V6.into(),
        other => other,
    };
    SocketAddr::new(ip, bound.port())
}
