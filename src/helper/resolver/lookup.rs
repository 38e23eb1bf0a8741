//! One name being looked up: which questions it takes, and what their answers make of it
//! (RFC 3263 §4.2). Nothing is sent here.

use std::net::IpAddr;

use super::files::Book;
use super::message::{Found, Record, Server};
use crate::limits::NAME_TARGET_COUNT_MAX;
use crate::names::{Answer, HostName, NameSettings, Question, Target, Wanted};
use crate::protocol::Transport;

/// How long what is known without asking is used (seconds): the files may change.
const FILE_TTL_SECONDS: u32 = 10;

/// How long an answer is used at most that may be better soon (seconds).
const MAKESHIFT_TTL_SECONDS: u32 = 10;

/// What stands before a domain in the name of its servers (RFC 3263 §4.1, §4.2).
const fn service(transport: Transport) -> &'static [u8] {
    match transport {
        Transport::Udp => b"_sip._udp.",
        Transport::Tcp => b"_sip._tcp.",
        Transport::Tls => b"_sips._tcp.",
    }
}

/// What a lookup takes into account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) book: &'a Book,
    pub(super) settings: &'a NameSettings,
    /// The kinds of addresses that are asked for.
    pub(super) addresses: &'a [Record],
}

/// A question to a name server that a lookup takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Names the target that the answer is for.
    pub(super) slot: usize,
    pub(super) name: HostName,
    pub(super) record: Record,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer, for so long (seconds).
    Found(Found, u32),
    /// There is nothing.
    Nothing,
    /// Nobody who knows has answered.
    Failed,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// These questions are to be asked, at once.
    Ask(Vec<Ask>),
    /// Some answers are still missing.
    Wait,
    /// That was it.
    Done(Answer),
}

/// A name being looked up.
#[derive(Debug)]
pub(super) struct Lookup {
    wanted: Wanted,
    /// The name that is tried, and in reverse those that are tried if it stands for nothing.
    name: HostName,
    others: Vec<HostName>,
    /// The servers found so far, with their names.
    targets: Vec<(HostName, Target)>,
    /// Whether they come from SRV records.
    has_servers: bool,
    /// Answers that are still missing.
    missing: usize,
    /// The time of the answers, in seconds.
    ttl: u32,
    /// Whether some question was answered by nobody.
    has_failed: bool,
}

impl Lookup {
    /// Begins to look a name up.
    pub(super) fn start(question: &Question, around: Surroundings<'_>) -> (Self, Step) {
        let Question { name, wanted } = question;
        let mut others = around.book.candidates(name, around.settings.use_search_list);
        others.reverse();
        let mut lookup = Self {
            wanted: *wanted,
            name: name.clone(),
            others,
            targets: Vec::new(),
            has_servers: false,
            missing: 0,
            ttl: u32::MAX,
            has_failed: false,
        };
        let step = match around.book.addresses(name) {
            // Who gives a host an address here wants it used, whatever its domain says.
            Some(addresses) => {
                let ttl_ms = milliseconds(FILE_TTL_SECONDS);
                Step::Done(Answer::host(addresses, lookup.default_port(), ttl_ms))
            }
            None => lookup.try_next(around),
        };
        (lookup, step)
    }

    /// Takes the answer to one of its questions.
    pub(super) fn take(&mut self, slot: usize, outcome: Outcome, around: Surroundings<'_>) -> Step {
        self.missing = self.missing.saturating_sub(1);
        match outcome {
            Outcome::Found(Found::Servers(servers), ttl) => {
                self.ttl = ttl;
                self.has_servers = true;
                return self.ask_for_hosts(servers, around);
            }
            Outcome::Found(Found::Addresses(addresses), ttl) => {
                self.ttl = self.ttl.min(ttl);
                if let Some((_, target)) = self.targets.get_mut(slot) {
                    target.addresses.extend(addresses);
                }
            }
            Outcome::Nothing => {}
            Outcome::Failed => self.has_failed = true,
        }
        match self.targets.is_empty() {
            // No SRV record: the domain is taken for a host.
            true => self.ask_for_host(self.default_port(), around),
            false if self.missing > 0 => Step::Wait,
            false => self.finish(around),
        }
    }

    /// Tries the next name that is meant perhaps.
    fn try_next(&mut self, around: Surroundings<'_>) -> Step {
        let Some(name) = self.others.pop() else {
            return Step::Done(Answer::Nothing(milliseconds(around.settings.negative_ttl_seconds)));
        };
        self.name = name;
        self.targets.clear();
        match self.wanted {
            Wanted::Addresses => self.ask_for_host(0, around),
            Wanted::Servers(transport) => {
                self.missing = 1;
                let name = [service(transport), &self.name].concat().into();
                Step::Ask(vec![Ask { slot: 0, name, record: Record::Srv }])
            }
        }
    }

    /// The port of a host for which no SRV record names one.
    const fn default_port(&self) -> u16 {
        match self.wanted {
            Wanted::Addresses => Transport::Udp.default_port(),
            Wanted::Servers(transport) => transport.default_port(),
        }
    }

    /// Asks for the addresses of the name itself.
    fn ask_for_host(&mut self, port: u16, around: Surroundings<'_>) -> Step {
        let target = Target { priority: 0, weight: 0, port, addresses: [].into_iter().collect() };
        self.targets = vec![(self.name.clone(), target)];
        self.ask_for_addresses(around)
    }

    /// Asks for the addresses of the servers of a domain, those of the first priorities.
    fn ask_for_hosts(&mut self, mut servers: Vec<Server>, around: Surroundings<'_>) -> Step {
        servers.sort_unstable_by_key(|server| server.priority);
        // A host without name says that there is decidedly no such service (RFC 2782).
        servers.retain(|server| !server.host.is_empty());
        servers.truncate(NAME_TARGET_COUNT_MAX);
        let target = |server: Server| {
            let Server { priority, weight, port, host } = server;
            (host, Target { priority, weight, port, addresses: [].into_iter().collect() })
        };
        self.targets = servers.into_iter().map(target).collect();
        self.ask_for_addresses(around)
    }

    /// Asks for the addresses of all targets.
    fn ask_for_addresses(&mut self, around: Surroundings<'_>) -> Step {
        let mut asks = Vec::new();
        for (slot, (name, target)) in self.targets.iter_mut().enumerate() {
            match around.book.addresses(name) {
                Some(addresses) => {
                    target.addresses.extend(addresses);
                    self.ttl = self.ttl.min(FILE_TTL_SECONDS);
                }
                None => asks.extend(around.addresses.iter().map(|record| Ask {
                    slot,
                    name: name.clone(),
                    record: *record,
                })),
            }
        }
        self.missing = asks.len();
        if asks.is_empty() { self.finish(around) } else { Step::Ask(asks) }
    }

    /// All answers are there.
    fn finish(&mut self, around: Surroundings<'_>) -> Step {
        let targets = std::mem::take(&mut self.targets);
        let targets: Vec<_> = targets.into_iter().map(|(_, target)| target).collect();
        let settings = around.settings;
        if targets.iter().any(|target| !target.addresses.is_empty()) {
            let longest = if self.has_failed { MAKESHIFT_TTL_SECONDS } else { u32::MAX };
            let ttl = self.ttl.max(settings.min_ttl_seconds).min(settings.max_ttl_seconds);
            return Step::Done(Answer::Found(targets, milliseconds(ttl.min(longest))));
        }
        if self.has_failed {
            // Whether the name stands for nothing is not known: no other one is tried.
            return Step::Done(Answer::Failed);
        }
        if self.has_servers {
            return Step::Done(Answer::Nothing(milliseconds(settings.negative_ttl_seconds)));
        }
        self.try_next(around)
    }
}

/// Seconds in milliseconds.
fn milliseconds(seconds: u32) -> u64 {
    u64::from(seconds) * 1_000
}

/// The addresses that are worth asking for: those of the families of `listeners`.
pub(super) fn wanted_addresses(listeners: &[IpAddr], try_ipv6: bool) -> Vec<Record> {
    let mut wanted = Vec::new();
    if listeners.iter().any(IpAddr::is_ipv4) {
        wanted.push(Record::A);
    }
    if try_ipv6 && listeners.iter().any(IpAddr::is_ipv6) {
        wanted.push(Record::Aaaa);
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::super::files::tests::book;
    use super::*;

    /// The addresses 192.0.2.`last`, for 60 seconds.
    fn address(last: u8) -> Outcome {
        Outcome::Found(Found::Addresses(vec![[192, 0, 2, last].into()]), 60)
    }

    /// SRV records: priority and host.
    fn srv(servers: &[(u16, &str)]) -> Outcome {
        let server = |(priority, host): &(u16, &str)| Server {
            priority: *priority,
            weight: 0,
            port: 5_070,
            host: host.as_bytes().into(),
        };
        Outcome::Found(Found::Servers(servers.iter().map(server).collect()), 300)
    }

    /// Looks a domain up where `search` is the search list. Each question is answered by
    /// `server`; those that are asked, and the answer.
    fn run(search: &str, name: &str, server: impl Fn(&str) -> Outcome) -> (Vec<String>, Answer) {
        run_for(Transport::Udp, search, name, server)
    }

    /// As [`run`], by that transport.
    fn run_for(
        transport: Transport,
        search: &str,
        name: &str,
        server: impl Fn(&str) -> Outcome,
    ) -> (Vec<String>, Answer) {
        let book = book("192.0.2.99 filed.example\n", search);
        let settings = NameSettings::default();
        let addresses = [Record::A];
        let around = Surroundings { book: &book, settings: &settings, addresses: &addresses };
        let question =
            Question { name: name.as_bytes().into(), wanted: Wanted::Servers(transport) };
        let (mut lookup, mut step) = Lookup::start(&question, around);
        let (mut asked, mut open) = (Vec::new(), Vec::new());
        loop {
            match step {
                Step::Ask(asks) => open.extend(asks),
                Step::Wait => {}
                Step::Done(answer) => return (asked, answer),
            }
            // The last one first: answers come in any order.
            let ask = open.pop().unwrap();
            let name = String::from_utf8(ask.name.to_vec()).unwrap();
            step = lookup.take(ask.slot, server(&name), around);
            asked.push(name);
        }
    }

    #[test]
    fn all_servers_get_their_addresses_whatever_the_order_of_the_answers() {
        let (asked, answer) = run("", "a.example", |name| match name {
            "_sip._udp.a.example" => srv(&[(2, "two.example"), (1, "one.example"), (3, "")]),
            "one.example" => address(1),
            _ => address(2),
        });
        assert_eq!(asked, ["_sip._udp.a.example", "two.example", "one.example"]);
        let Answer::Found(targets, 60_000) = answer else { panic!("{answer:?}") };
        let found: Vec<_> = targets.iter().map(|it| (it.priority, it.addresses[0])).collect();
        assert_eq!(found, [(1, [192, 0, 2, 1].into()), (2, [192, 0, 2, 2].into())]);
    }

    #[test]
    fn each_transport_has_servers_and_a_port_of_its_own() {
        for (transport, service, port) in [
            (Transport::Udp, "_sip._udp.a.example", 5_060),
            (Transport::Tcp, "_sip._tcp.a.example", 5_060),
            (Transport::Tls, "_sips._tcp.a.example", 5_061),
        ] {
            let (asked, answer) = run_for(transport, "", "a.example", |name| match name {
                "a.example" => address(1),
                _ => Outcome::Nothing,
            });
            assert_eq!(asked, [service, "a.example"]);
            assert_eq!(answer, Answer::host([[192, 0, 2, 1].into()], port, 60_000));
            let (_, answer) = run_for(transport, "", "filed.example", |_| Outcome::Failed);
            assert_eq!(answer, Answer::host([[192, 0, 2, 99].into()], port, 10_000));
        }
    }

    #[test]
    fn the_file_of_hosts_goes_before_name_servers() {
        let (asked, answer) = run("", "filed.example", |_| Outcome::Failed);
        assert!(asked.is_empty());
        assert_eq!(answer, Answer::host([[192, 0, 2, 99].into()], 5_060, 10_000));
        let (asked, answer) = run("", "a.example", |_| srv(&[(1, "filed.example")]));
        assert_eq!(asked.len(), 1);
        let Answer::Found(targets, 10_000) = answer else { panic!("{answer:?}") };
        assert_eq!((targets[0].port, targets[0].addresses.len()), (5_070, 1));
    }

    #[test]
    fn a_domain_is_tried_whole_before_the_next_of_the_search_list() {
        let search = "search one.example two.example\n";
        let (asked, answer) = run(search, "gw", |name| match name {
            "gw.two.example" => address(1),
            _ => Outcome::Nothing,
        });
        let expected = [
            "_sip._udp.gw.one.example",
            "gw.one.example",
            "_sip._udp.gw.two.example",
            "gw.two.example",
        ];
        assert_eq!(asked, expected);
        assert_eq!(answer, Answer::host([[192, 0, 2, 1].into()], 5_060, 60_000));
        let (asked, answer) = run(search, "gw", |_| Outcome::Failed);
        assert_eq!((asked.len(), answer), (2, Answer::Failed), "whether it is there is not known");
    }

    #[test]
    fn an_answer_that_may_be_better_soon_is_not_kept_for_long() {
        let (_, answer) = run("", "a.example", |name| match name {
            "a.example" => address(1),
            _ => Outcome::Failed,
        });
        assert_eq!(answer, Answer::host([[192, 0, 2, 1].into()], 5_060, 10_000));
    }

    #[test]
    fn times_are_kept_within_what_the_script_says() {
        let ttl = |seconds| {
            let (_, answer) = run("", "a.example", |name| match name {
                "a.example" => {
                    Outcome::Found(Found::Addresses(vec![[192, 0, 2, 1].into()]), seconds)
                }
                _ => Outcome::Nothing,
            });
            let Answer::Found(_, ttl_ms) = answer else { panic!("{answer:?}") };
            ttl_ms
        };
        assert_eq!([ttl(0), ttl(30), ttl(86_400)], [1_000, 30_000, 3_600_000]);
    }
}
