//! The resolver, with name servers on loopback ports: what it asks, and what it believes.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, tick};
use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, RCODE, ResourceRecord};
use support::dns::NameServer;
use support::{PATIENCE, Phone, Server};
use viaduct::helper::{Resolver, ResolverParts};
use viaduct::names::{Choice, Lookup, NameSettings, NameTable};
use viaduct::protocol::Transport;

/// A resolver whose clock the test sets, and its table.
struct Bench {
    names: Arc<NameTable>,
    resolver: Resolver,
    clock: Arc<AtomicU64>,
    settings: NameSettings,
}

impl Bench {
    /// A resolver that asks these servers, for one that sends over IPv4, at time 0.
    fn new(servers: &[SocketAddr]) -> Self {
        Self::with(servers, &["127.0.0.1"])
    }

    /// A resolver for one that sends from these addresses.
    fn with(servers: &[SocketAddr], listeners: &[&str]) -> Self {
        let settings = NameSettings { servers: servers.to_vec(), ..NameSettings::default() };
        let (names, questions) = NameTable::new();
        let names = Arc::new(names);
        let parts = ResolverParts {
            names: Arc::clone(&names),
            questions,
            settings: settings.clone(),
            listeners: listeners.iter().map(|ip| ip.parse().unwrap()).collect(),
            secret: *b"nobody knows it!",
        };
        let clock = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&clock);
        let resolver = Resolver::start(parts, move || read.load(Ordering::Acquire)).unwrap();
        Self { names, resolver, clock, settings }
    }

    /// What is known of a host, with a number that chooses.
    fn look(&self, host: &str, port: Option<u16>, lot: u64) -> Lookup {
        let now_ms = self.clock.load(Ordering::Acquire);
        self.names.lookup(
            host.as_bytes(),
            port,
            Choice { transport: Transport::Udp, v4: true, v6: true, lot },
            now_ms,
        )
    }

    /// What is known of a host once an answer is there.
    fn ask(&self, host: &str, port: Option<u16>) -> Lookup {
        let late = after(PATIENCE);
        loop {
            match self.look(host, port, 0) {
                Lookup::Waiting => std::thread::yield_now(),
                found => return found,
            }
            assert!(late.is_empty(), "no answer for {host}");
        }
    }

    /// The address of a domain, or what else is known of it.
    fn domain(&self, host: &str) -> String {
        show(self.ask(host, None))
    }

    /// Lets others work; with each tick some time has passed.
    fn pass(&self, ticks: &Receiver<Instant>) {
        if ticks.try_recv().is_ok() {
            self.set_clock(self.clock.load(Ordering::Acquire) + 100);
        }
        std::thread::yield_now();
    }

    /// Sets the clock; the resolver looks at it at once.
    fn set_clock(&self, now_ms: u64) {
        self.clock.store(now_ms, Ordering::Release);
        self.resolver.follow(&self.settings);
    }
}

/// An address, or what else is known.
fn show(lookup: Lookup) -> String {
    match lookup {
        Lookup::Known(address) => address.to_string(),
        other => format!("{other:?}"),
    }
}

/// A server with that zone and a resolver that asks it.
fn zone(text: &str) -> (NameServer, Bench) {
    let server = NameServer::start(text);
    let bench = Bench::new(&[server.address()]);
    (server, bench)
}

/// An address where no name server is.
fn nobody() -> SocketAddr {
    support::free_address()
}

/// M15
#[test]
fn a_domain_is_found_by_its_srv_records() {
    let (server, bench) = zone(
        "_sip._udp.theirs.example SRV 20 0 5060 backup.theirs.example\n\
         _sip._udp.theirs.example SRV 10 0 5070 gw.theirs.example\n\
         gw.theirs.example A 192.0.2.1\n\
         backup.theirs.example A 192.0.2.2\n\
         theirs.example A 192.0.2.3\n",
    );
    assert_eq!(bench.domain("Theirs.Example"), "192.0.2.1:5070");
    let mut asked = server.asked_names();
    assert_eq!(asked.remove(0), "_sip._udp.theirs.example SRV");
    asked.sort();
    assert_eq!(asked, ["backup.theirs.example A", "gw.theirs.example A"]);
}

#[test]
fn a_host_with_a_port_is_asked_for_its_address_only() {
    let (server, bench) = zone(
        "_sip._udp.theirs.example SRV 10 0 5070 gw.theirs.example\ntheirs.example A 192.0.2.3\n",
    );
    assert_eq!(show(bench.ask("theirs.example", Some(5_080))), "192.0.2.3:5080");
    assert_eq!(server.asked_names(), ["theirs.example A"]);
}

/// M15
#[test]
fn a_domain_without_srv_records_is_taken_for_a_host() {
    let (_server, bench) = zone("theirs.example A 192.0.2.3\n");
    assert_eq!(bench.domain("theirs.example"), "192.0.2.3:5060");
}

#[test]
fn the_next_server_serves_if_the_first_has_no_address() {
    let (_server, bench) = zone(
        "_sip._udp.theirs.example SRV 10 0 5070 gone.theirs.example\n\
         _sip._udp.theirs.example SRV 20 0 5071 there.theirs.example\n\
         there.theirs.example A 192.0.2.1\n",
    );
    assert_eq!(bench.domain("theirs.example"), "192.0.2.1:5071");
}

/// M15
#[test]
fn servers_of_one_priority_share_the_requests() {
    let (_server, bench) = zone(
        "_sip._udp.theirs.example SRV 10 50 5071 a.example\n\
         _sip._udp.theirs.example SRV 10 50 5072 b.example\n\
         a.example A 192.0.2.1\nb.example A 192.0.2.2\n",
    );
    bench.domain("theirs.example");
    let mut found: Vec<_> =
        (0..100).map(|lot| show(bench.look("theirs.example", None, lot))).collect();
    found.sort();
    found.dedup();
    assert_eq!(found, ["192.0.2.1:5071", "192.0.2.2:5072"]);
    let first = bench.look("theirs.example", None, 77);
    assert_eq!(bench.look("theirs.example", None, 77), first, "of one transaction, to one server");
}

/// M15
#[test]
fn a_service_that_is_decidedly_not_there_is_not_looked_for_elsewhere() {
    let (server, bench) =
        zone("_sip._udp.theirs.example SRV 0 0 0 .\ntheirs.example A 192.0.2.3\n");
    assert_eq!(bench.domain("theirs.example"), "Unknown");
    assert_eq!(server.asked_names(), ["_sip._udp.theirs.example SRV"]);
}

#[test]
fn a_name_that_is_not_there_is_unknown_for_the_time_of_the_script() {
    let (server, bench) = zone("");
    assert_eq!(bench.domain("nowhere.example"), "Unknown");
    assert_eq!(server.asked_names().len(), 2);
    bench.set_clock(9_999);
    assert_eq!(show(bench.look("nowhere.example", None, 0)), "Unknown");
    bench.set_clock(10_000);
    assert_eq!(show(bench.look("nowhere.example", None, 0)), "Waiting");
}

/// M15
#[test]
fn an_answer_is_kept_as_long_as_its_shortest_record_says() {
    let (server, bench) = zone(
        "_sip._udp.theirs.example 300 SRV 10 0 5070 alias.example\n\
         alias.example 20 CNAME gw.example\n\
         gw.example 300 A 192.0.2.1\n",
    );
    assert_eq!(bench.domain("theirs.example"), "192.0.2.1:5070");
    let asked = server.asked().len();
    bench.set_clock(15_000);
    assert_eq!(bench.domain("theirs.example"), "192.0.2.1:5070");
    assert_eq!(server.asked().len(), 0, "of {asked}");
    bench.set_clock(20_000);
    assert_eq!(show(bench.look("theirs.example", None, 0)), "Waiting");
    assert_eq!(server.next().what, "_sip._udp.theirs.example SRV");
}

#[test]
fn aliases_are_followed_also_where_the_server_does_not() {
    let (server, bench) = zone(
        "_sip._udp.theirs.example CNAME _sip._udp.other.example\n\
         _sip._udp.other.example SRV 10 0 5070 alias.example\n\
         alias.example CNAME gw.example\ngw.example A 192.0.2.1\n\
         away.example CNAME loop.example\nloop.example CNAME away.example\n",
    );
    assert_eq!(bench.domain("theirs.example"), "192.0.2.1:5070");
    assert_eq!(show(bench.ask("away.example", Some(5_060))), "Unknown");
    drop((server, bench));
    // This one tells the alias only.
    let server = NameServer::start_with(
        "alias.example CNAME gw.example\ngw.example A 192.0.2.1\n",
        |_, honest| {
            let mut answer = Packet::parse(&honest).unwrap();
            if answer.answers.len() > 1 {
                answer.answers.truncate(1);
            }
            vec![answer.build_bytes_vec().unwrap()]
        },
    );
    let bench = Bench::new(&[server.address()]);
    assert_eq!(show(bench.ask("alias.example", Some(5_060))), "192.0.2.1:5060");
}

#[test]
fn both_families_are_asked_for_where_both_can_be_sent_over() {
    let server = NameServer::start("gw.example AAAA 2001:db8::1\n");
    let bench = Bench::with(&[server.address()], &["127.0.0.1", "::1"]);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "[2001:db8::1]:5060");
    let mut asked = server.asked_names();
    asked.sort();
    assert_eq!(asked, ["gw.example A", "gw.example AAAA"]);
    let settings = NameSettings { try_ipv6: false, ..bench.settings.clone() };
    bench.resolver.follow(&settings);
    assert_eq!(show(bench.ask("gw.example", None)), "Unknown");
    assert_eq!(server.asked_names(), ["_sip._udp.gw.example SRV", "gw.example A"]);
}

/// M15
#[test]
fn an_answer_that_fits_no_datagram_comes_by_a_stream() {
    let mut text = String::from("_sip._udp.theirs.example LONG\n");
    for number in 1..=60 {
        text.push_str(&format!(
            "_sip._udp.theirs.example SRV {number} 0 5060 gw{number}.theirs.example\n\
             gw{number}.theirs.example A 192.0.2.{number}\n"
        ));
    }
    let (server, bench) = zone(&text);
    assert_eq!(bench.domain("theirs.example"), "192.0.2.1:5060");
    let asked = server.asked();
    assert!(!asked[0].is_stream && asked[1].is_stream && asked[1].what == asked[0].what);
    assert_eq!(asked.len(), 2 + 32, "of so many servers only the first are of use");
}

#[test]
fn streams_are_few_and_serve_all_in_turn() {
    let zone: String = (0..40)
        .map(|number| format!("{number}.example LONG\n{number}.example A 192.0.2.{number}\n"))
        .collect();
    let server = NameServer::start(&zone);
    let bench = Bench::new(&[server.address()]);
    let ticks = tick(Duration::from_millis(100));
    for number in 0..40 {
        let _ = bench.look(&format!("{number}.example"), Some(5_060), 0);
    }
    for number in 0..40 {
        let name = format!("{number}.example");
        while bench.look(&name, Some(5_060), 0) == Lookup::Waiting {
            bench.pass(&ticks);
        }
        let expected = format!("192.0.2.{number}:5060");
        assert_eq!(show(bench.look(&name, Some(5_060), 0)), expected);
    }
}

/// Sends lies before the truth.
fn lies_first(query: &[u8], honest: Vec<u8>) -> Vec<Vec<u8>> {
    let evil = |name: &str| {
        let name = Name::new(name).unwrap().into_owned();
        let data = RData::A(A { address: u32::from_be_bytes([203, 0, 113, 66]) });
        ResourceRecord::new(name, CLASS::IN, 600, data)
    };
    let packet = Packet::parse(&honest).unwrap();
    let mut lies = vec![b"rubbish".to_vec(), vec![0xff; 700], Vec::new(), query.to_vec()];
    let mut lie = |change: &dyn Fn(&mut Packet<'_>)| {
        let mut lie = packet.clone();
        lie.answers = vec![evil("gw.example")];
        change(&mut lie);
        lies.push(lie.build_bytes_vec().unwrap());
    };
    lie(&|lie| lie.set_id(lie.id().wrapping_add(1)));
    lie(&|lie| lie.questions[0].qname = Name::new("bank.example").unwrap().into_owned());
    lie(&|lie| lie.questions.clear());
    lie(&|lie| lie.questions.push(lie.questions[0].clone()));
    lie(&|lie| lie.remove_flags(PacketFlag::RESPONSE));
    let mut honest = packet;
    honest.answers.insert(0, evil("bank.example"));
    honest.name_servers.push(evil("gw.example"));
    honest.additional_records.push(evil("gw.example"));
    honest.additional_records.push(evil("bank.example"));
    lies.push(honest.build_bytes_vec().unwrap());
    lies
}

/// M15
#[test]
fn only_what_answers_the_question_is_believed() {
    let server = NameServer::start_with("gw.example A 192.0.2.1\n", lies_first);
    let bench = Bench::new(&[server.address()]);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "192.0.2.1:5060");
    assert_eq!(show(bench.look("bank.example", Some(5_060), 0)), "Waiting", "not even kept");
}

#[test]
fn answers_from_elsewhere_do_not_count() {
    let server = NameServer::start("gw.example SILENT\n");
    let bench = Bench::new(&[server.address()]);
    assert_eq!(show(bench.look("gw.example", Some(5_060), 0)), "Waiting");
    let asked = server.next();
    let liar = UdpSocket::bind((server.address().ip(), 0)).unwrap();
    let mut lie = Packet::new_reply(0);
    let data = RData::A(A { address: 1 });
    let name = Name::new("gw.example").unwrap();
    lie.questions.push(simple_dns::Question::new(
        name.clone(),
        simple_dns::TYPE::A.into(),
        CLASS::IN.into(),
        false,
    ));
    lie.answers.push(ResourceRecord::new(name, CLASS::IN, 60, data));
    for id in 0..=u16::MAX {
        lie.set_id(id);
        // The kernel does not even take it: the socket is one for that server only.
        let _ = liar.send_to(&lie.build_bytes_vec().unwrap(), asked.source);
    }
    bench.set_clock(10_000);
    assert_eq!(bench.ask("gw.example", Some(5_060)), Lookup::Unknown);
}

#[test]
fn questions_come_from_ports_of_their_own() {
    let (server, bench) = zone("");
    for number in 0..20 {
        bench.ask(&format!("{number}.example"), Some(5_060));
    }
    let mut ports: Vec<_> = server.asked().iter().map(|asked| asked.source.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert!(ports.len() > 15, "{ports:?}");
}

#[test]
fn a_server_that_does_not_answer_is_left_for_the_next() {
    let silent = NameServer::start("gw.example SILENT\nlater.example SILENT\n");
    let other = NameServer::start("gw.example A 192.0.2.1\nlater.example A 192.0.2.2\n");
    let bench = Bench::new(&[silent.address(), other.address()]);
    assert_eq!(show(bench.look("gw.example", Some(5_060), 0)), "Waiting");
    assert_eq!(silent.next().what, "gw.example A");
    bench.set_clock(1_000);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "192.0.2.1:5060");
    assert_eq!(show(bench.ask("later.example", Some(5_060))), "192.0.2.2:5060");
    assert_eq!(silent.asked(), [], "the one that has answered is asked first");
}

#[test]
fn a_domain_whose_srv_records_nobody_tells_is_taken_for_a_host_in_time() {
    let (server, bench) = zone("_sip._udp.theirs.example SILENT\ntheirs.example 600 A 192.0.2.3\n");
    assert_eq!(show(bench.look("theirs.example", None, 0)), "Waiting");
    for now_ms in [1_000, 2_000] {
        assert_eq!(server.next().what, "_sip._udp.theirs.example SRV");
        bench.set_clock(now_ms);
    }
    assert_eq!(server.next().what, "_sip._udp.theirs.example SRV");
    bench.set_clock(2_600);
    assert_eq!(server.next().what, "theirs.example A");
    assert_eq!(bench.domain("theirs.example"), "192.0.2.3:5060");
    bench.set_clock(12_600);
    assert_eq!(show(bench.look("theirs.example", None, 0)), "Waiting", "but not for long");
}

#[test]
fn a_server_that_is_not_there_or_does_not_want_to_is_left_at_once() {
    let unwilling = NameServer::start("gw.example REFUSE\n");
    let failing = NameServer::start("gw.example FAIL\n");
    let other = NameServer::start("gw.example A 192.0.2.1\n");
    let servers = [nobody(), unwilling.address(), failing.address(), other.address()];
    let bench = Bench::new(&servers);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "192.0.2.1:5060");
    let bench = Bench::new(&servers[..3]);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "Unknown");
    let bench = Bench::new(&servers[..1]);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "Unknown");
}

#[test]
fn an_old_server_gets_bare_questions() {
    let server = NameServer::start_with("gw.example A 192.0.2.1\n", |query, honest| {
        if Packet::parse(query).unwrap().opt().is_none() {
            return vec![honest];
        }
        let mut answer = Packet::parse(&honest).unwrap();
        answer.answers.clear();
        answer.questions.clear();
        *answer.rcode_mut() = RCODE::FormatError;
        vec![answer.build_bytes_vec().unwrap()]
    });
    let bench = Bench::new(&[server.address()]);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "192.0.2.1:5060");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn old_answers_serve_while_no_server_answers() {
    let server = NameServer::start("gw.example 60 A 192.0.2.1\n");
    let bench = Bench::new(&[server.address()]);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "192.0.2.1:5060");
    drop(server);
    bench.set_clock(60_000);
    assert_eq!(show(bench.ask("gw.example", Some(5_060))), "192.0.2.1:5060");
    bench.set_clock(600_000);
    assert_eq!(show(bench.look("gw.example", Some(5_060), 0)), "192.0.2.1:5060", "nobody waits");
}

#[test]
fn other_servers_are_asked_when_the_script_says_so() {
    let old = NameServer::start("a.example A 192.0.2.1\nb.example A 192.0.2.1\n");
    let new = NameServer::start("a.example A 192.0.2.2\nb.example A 192.0.2.2\n");
    let bench = Bench::new(&[old.address()]);
    assert_eq!(show(bench.ask("a.example", Some(5_060))), "192.0.2.1:5060");
    let settings = NameSettings { servers: vec![new.address()], ..bench.settings.clone() };
    bench.resolver.follow(&settings);
    assert_eq!(show(bench.ask("b.example", Some(5_060))), "192.0.2.2:5060");
    assert_eq!(show(bench.ask("a.example", Some(5_060))), "192.0.2.1:5060", "what is known stays");
}

#[test]
fn thousands_of_names_are_asked_for_at_once() {
    let server = NameServer::start("");
    let bench = Bench::new(&[server.address()]);
    // Where the system loses datagrams, questions are repeated when time has passed.
    let ticks = tick(Duration::from_millis(100));
    let names: Vec<String> = (0..3_000).map(|number| format!("{number}.example")).collect();
    for name in &names {
        let _ = bench.look(name, None, 0);
    }
    for name in &names {
        while bench.look(name, None, 0) == Lookup::Waiting {
            bench.pass(&ticks);
        }
        assert_eq!(show(bench.look(name, None, 0)), "Unknown", "{name}");
    }
    assert!(server.asked().len() >= 2 * 3_000);
}

#[test]
fn names_that_no_server_can_have_are_not_asked_for() {
    let (server, bench) = zone("");
    let long = format!("{}.example", "a".repeat(64));
    for name in ["a..example", "a b", ".", "", "\u{e9}.example", long.as_str()] {
        assert_eq!(bench.domain(name), "Unknown", "{name}");
    }
    assert_eq!(server.asked(), []);
}

#[test]
fn localhost_is_known_without_asking() {
    let (server, bench) = zone("localhost A 192.0.2.1\n");
    let Lookup::Known(address) = bench.ask("localhost", None) else { panic!("no localhost") };
    assert!(address.ip().is_loopback() && address.port() == 5_060, "{address}");
    assert_eq!(server.asked(), []);
    let IpAddr::V4(_) = address.ip() else { panic!("{address}") };
}

/// Forwards where the URI says.
const BY_URI: &str = "loadmodule \"sl.so\"\nroute {\n\
    if (method==\"OPTIONS\") { sl_send_reply(\"200\", \"OK\"); exit; }\n\
    if (!forward()) sl_reply_error();\n}\n";

/// That script for a server that asks this name server.
fn asking(server: &NameServer) -> String {
    format!("dns_servers = \"{}\"\n{BY_URI}", server.address())
}

/// M15: from a request to a domain to the phone that its records name, and back.
#[test]
fn a_call_to_another_domain_arrives_where_its_records_say() {
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    let port = bob.address().port();
    let zone = NameServer::start(&format!(
        "_sip._udp.theirs.example SRV 10 0 {port} gw.theirs.example\n\
         gw.theirs.example A 127.0.0.1\n"
    ));
    let server = Server::start(&asking(&zone));
    let sent = alice.send(&alice.invite("sip:bob@theirs.example"), server.address());
    let arrived = bob.expect_request("INVITE");
    bob.answer(&arrived, 200, "OK");
    alice.expect_response(200, "INVITE");
    assert_eq!(arrived.uri(), sent.uri());
    let again = alice.ask(&alice.request("MESSAGE", "sip:bob@nowhere.example"), server.address());
    assert_eq!(again.status(), 478);
    // Another script names other servers: known names stay, others are asked for there.
    let other = NameServer::start("");
    assert!(server.reload(&asking(&other)).contains("reloaded: "));
    let elsewhere = alice.request("MESSAGE", "sip:bob@elsewhere.example");
    assert_eq!(alice.ask(&elsewhere, server.address()).status(), 478);
    assert!(other.asked_names().contains(&"_sip._udp.elsewhere.example SRV".to_owned()));
}

/// M15
#[test]
fn a_dead_name_server_keeps_nobody_else_waiting() {
    let zone = NameServer::start_with("", |_, _| Vec::new());
    let server = Server::start(&asking(&zone));
    let (alice, bob, carol) = (Phone::new("alice"), Phone::new("bob"), Phone::new("carol"));
    for number in 0..1_000 {
        let uri = format!("sip:bob@{number}.dead.example");
        alice.send(&alice.request("MESSAGE", &uri), server.address());
        if number % 10 == 0 {
            carol.send(&carol.request("MESSAGE", &bob.uri()), server.address());
            let arrived = bob.expect_request("MESSAGE");
            bob.answer(&arrived, 200, "OK");
            carol.expect_response(200, "MESSAGE");
        }
    }
    assert_eq!(carol.received_count(), 100);
    assert_eq!(alice.expect_response(478, "MESSAGE").status(), 478);
}
