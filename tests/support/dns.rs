//! A name server for tests, on a loopback port: it knows a few records, and can be slow or lie.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use simple_dns::rdata::{A, AAAA, CNAME, RData, SRV};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use super::PATIENCE;

/// A name server.
#[derive(Debug)]
pub(crate) struct NameServer {
    address: SocketAddr,
    asked: Receiver<Asked>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// A question that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The name and the kind of record: `a.example A`.
    pub(crate) what: String,
    /// Where it came from.
    pub(crate) source: SocketAddr,
    /// Whether it came by TCP.
    pub(crate) is_stream: bool,
}

/// What is sent instead of the honest answer to a query: any number of datagrams.
pub(crate) type Twist = fn(query: &[u8], honest: Vec<u8>) -> Vec<Vec<u8>>;

/// What the server works from.
#[derive(Clone)]
struct Desk {
    zone: Arc<str>,
    twist: Twist,
    asked: Sender<Asked>,
}

impl NameServer {
    /// A server that knows the lines of `zone`: name, kind, value; for others there is no such
    /// name. Records hold for 60 seconds unless a number stands before the kind. Kinds are `A`,
    /// `AAAA`, `CNAME`, `SRV`; `EMPTY`: the name is there; `SILENT`: no answer; `FAIL`, `REFUSE`:
    /// that answer; `LONG`: no answer fits a datagram.
    pub(crate) fn start(zone: &str) -> Self {
        Self::start_with(zone, |_, honest| vec![honest])
    }

    /// A server whose datagrams are twisted.
    pub(crate) fn start_with(zone: &str, twist: Twist) -> Self {
        let ip = super::address::own_ip();
        let socket = UdpSocket::bind((ip, 0)).expect("a free port");
        let address = socket.local_addr().expect("the address of a bound socket");
        // Nobody else has this address, so the port is free for TCP as well.
        let listener = TcpListener::bind(address).expect("the same port");
        let (report, asked) = channel();
        let desk = Desk { zone: zone.into(), twist, asked: report };
        let stop = Arc::new(AtomicBool::new(false));
        let (other, stop_datagrams, stop_streams) =
            (desk.clone(), Arc::clone(&stop), Arc::clone(&stop));
        let threads = vec![
            thread::spawn(move || desk.serve_datagrams(&socket, &stop_datagrams)),
            thread::spawn(move || other.serve_streams(&listener, &stop_streams)),
        ];
        Self { address, asked, stop, threads }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next question.
    pub(crate) fn next(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("a question")
    }

    /// The questions that came and were not looked at yet.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.try_iter().collect()
    }

    /// The same without where they came from.
    pub(crate) fn asked_names(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.what).collect()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let waker = UdpSocket::bind((self.address.ip(), 0)).expect("a free port");
        // Each is woken by something that is no question.
        let _ = waker.send_to(b"", self.address);
        drop(TcpStream::connect(self.address));
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Desk {
    /// Answers datagrams until it is time to stop.
    fn serve_datagrams(&self, socket: &UdpSocket, stop: &AtomicBool) {
        let mut buffer = [0; 4_096];
        while let Ok((length, source)) = socket.recv_from(&mut buffer) {
            if stop.load(Ordering::Acquire) {
                return;
            }
            let query = &buffer[..length];
            let Some(honest) = self.answer(query, source, false) else { continue };
            for datagram in (self.twist)(query, honest) {
                socket.send_to(&datagram, source).expect("a datagram sent");
            }
        }
    }

    /// Answers one question by each stream until it is time to stop.
    fn serve_streams(&self, listener: &TcpListener, stop: &AtomicBool) {
        while let Ok((mut stream, source)) = listener.accept() {
            if stop.load(Ordering::Acquire) {
                return;
            }
            let mut length = [0; 2];
            if stream.read_exact(&mut length).is_err() {
                continue;
            }
            let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
            if stream.read_exact(&mut query).is_err() {
                continue;
            }
            let Some(answer) = self.answer(&query, source, true) else { continue };
            let length = u16::try_from(answer.len()).expect("a short answer").to_be_bytes();
            // In two parts, as it may come.
            let _ = stream.write_all(&length).and_then(|()| stream.flush());
            let _ = stream.write_all(&answer);
        }
    }

    /// The honest answer to a query, if there is to be one.
    fn answer(&self, query: &[u8], source: SocketAddr, is_stream: bool) -> Option<Vec<u8>> {
        let query = Packet::parse(query).ok()?;
        let question = query.questions.first()?.clone().into_owned();
        let mut owner = question.qname.to_string().to_lowercase();
        let QTYPE::TYPE(kind) = question.qtype else { return None };
        let _ = self.asked.send(Asked { what: format!("{owner} {kind:?}"), source, is_stream });
        let mut answer = Packet::new_reply(query.id());
        answer.set_flags(PacketFlag::RECURSION_DESIRED | PacketFlag::RECURSION_AVAILABLE);
        answer.questions.push(question);
        *answer.rcode_mut() = RCODE::NameError;
        // Each alias is followed as far as this server knows.
        for _ in 0..20 {
            let mut alias = None;
            for line in self.zone.lines().filter_map(|line| Line::parse(line, &owner)) {
                *answer.rcode_mut() = RCODE::NoError;
                match line.values[0] {
                    "SILENT" => return None,
                    "FAIL" => *answer.rcode_mut() = RCODE::ServerFailure,
                    "REFUSE" => *answer.rcode_mut() = RCODE::Refused,
                    "LONG" if !is_stream => answer.set_flags(PacketFlag::TRUNCATION),
                    "CNAME" => alias = Some(line.values[1].to_owned()),
                    _ => {}
                }
                answer.answers.extend(line.record(&owner, kind));
            }
            match alias {
                Some(target) => owner = target,
                None => break,
            }
        }
        if answer.has_flags(PacketFlag::TRUNCATION) {
            answer.answers.clear();
        }
        answer.build_bytes_vec_compressed().ok()
    }
}

/// A line of a zone without its name.
struct Line<'z> {
    ttl: u32,
    values: Vec<&'z str>,
}

impl<'z> Line<'z> {
    /// The line, if it is about that name.
    fn parse(line: &'z str, owner: &str) -> Option<Self> {
        let mut values: Vec<&str> = line.split_whitespace().collect();
        if values.first() != Some(&owner) {
            return None;
        }
        let ttl = values[1].parse();
        values.drain(..if ttl.is_ok() { 2 } else { 1 });
        Some(Self { ttl: ttl.unwrap_or(60), values })
    }

    /// The record that it is, for whoever asks for that kind.
    fn record(&self, owner: &str, kind: TYPE) -> Option<ResourceRecord<'static>> {
        let name = Name::new(owner).expect("a name").into_owned();
        let data = data_of(&self.values, kind)?;
        Some(ResourceRecord::new(name, CLASS::IN, self.ttl, data))
    }
}

/// The data of a record of that kind, if it is one.
fn data_of(values: &[&str], kind: TYPE) -> Option<RData<'static>> {
    let number = |position: usize| values[position].parse().expect("a number");
    let name = |position: usize| Name::new(values[position]).expect("a name").into_owned();
    match (values[0], kind) {
        ("CNAME", _) => Some(RData::CNAME(CNAME(name(1)))),
        ("A", TYPE::A) => {
            let address: Ipv4Addr = values[1].parse().expect("an address");
            Some(RData::A(A { address: address.to_bits() }))
        }
        ("AAAA", TYPE::AAAA) => {
            let address: Ipv6Addr = values[1].parse().expect("an address");
            Some(RData::AAAA(AAAA { address: address.to_bits() }))
        }
        ("SRV", TYPE::SRV) => Some(RData::SRV(SRV {
            priority: number(1),
            weight: number(2),
            port: number(3),
            target: name(4),
        })),
        _ => None,
    }
}
