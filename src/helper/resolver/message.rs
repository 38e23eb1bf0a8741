//! Questions and answers of name servers on the wire (RFC 1035 §4).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE};

use crate::limits::{NAME_ALIAS_COUNT_MAX, NAME_BYTES_MAX};
use crate::names::HostName;

/// A kind of record that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// A server of a service (RFC 2782).
    Srv,
}

/// What a name server knows of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Addresses.
    Addresses(Vec<IpAddr>),
    /// Servers.
    Servers(Vec<Server>),
}

/// An SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    /// Its host; empty: there is decidedly no such service.
    pub(super) host: HostName,
}

/// What a datagram, or a message of a stream, says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is no answer to it.
    Foreign,
    /// The answer did not fit.
    Truncated,
    /// The server does not want to, cannot, or does not write what can be read.
    Refused,
    /// The server does not understand the question.
    NotUnderstood,
    /// There is nothing.
    Nothing,
    /// It is another name for this one, of which the server says nothing, for so long (seconds).
    Alias(HostName, u32),
    /// What was asked for, for so long (seconds).
    Found(Found, u32),
}

/// The size of the answers that may come in a datagram: what passes everywhere unbroken.
const UDP_BYTES_MAX: u16 = 1_232;

/// Bytes of the head of a message.
const HEAD_BYTES: usize = 12;

/// Where it says how many records there are: in all sections, and in those of no interest.
const ALL_COUNTS: Range<usize> = 6..12;
/// See [`ALL_COUNTS`].
const OTHER_COUNTS: Range<usize> = 8..12;

/// Bytes of the shortest record.
const RECORD_BYTES_MIN: usize = 11;

/// A question. `plain` leaves out what old servers do not understand (RFC 6891). None if this can
/// be no name.
pub(super) fn compose(id: u16, name: &[u8], record: Record, plain: bool) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(name).ok().filter(|_| is_plain(name))?;
    let labels_fit = name.split(|byte| *byte == b'.').all(|label| (1..64).contains(&label.len()));
    let name = Name::new(text).ok().filter(|_| labels_fit)?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let kind = QTYPE::TYPE(record.code());
    packet.questions.push(simple_dns::Question::new(name, kind, QCLASS::CLASS(CLASS::IN), false));
    if !plain {
        let size = OPT { udp_packet_size: UDP_BYTES_MAX, version: 0, opt_codes: Vec::new() };
        *packet.opt_mut() = Some(size);
    }
    packet.build_bytes_vec().ok()
}

/// The number of the question that a message answers.
pub(super) fn id(message: &[u8]) -> Option<u16> {
    message.first_chunk().map(|id| u16::from_be_bytes(*id))
}

/// What a message says to the question for `record` of `name`. Only what stands in its answer
/// section is looked at, and of that only the name, what it is another name for, and so on.
pub(super) fn read(message: &[u8], name: &[u8], record: Record) -> Reading {
    let Some(head) = message.first_chunk::<HEAD_BYTES>() else { return Reading::Foreign };
    let [questions, answers] = [[head[4], head[5]], [head[6], head[7]]].map(u16::from_be_bytes);
    if questions > 1 {
        return Reading::Foreign;
    }
    let mut message = message.to_vec();
    message[OTHER_COUNTS].fill(0);
    let is_possible = usize::from(answers) * RECORD_BYTES_MIN <= message.len();
    let parsed = if is_possible { Packet::parse(&message).ok() } else { None };
    let Some(packet) = parsed else { return broken(&message, name, record) };
    let answers_it = packet.has_flags(PacketFlag::RESPONSE)
        && packet.opcode() == simple_dns::OPCODE::StandardQuery
        && packet.questions.len() == 1
        && asks(&packet.questions[0], name, record);
    if !answers_it {
        // A server that does not understand a question may leave it out.
        let is_lost = packet.has_flags(PacketFlag::RESPONSE) && packet.questions.is_empty();
        return match packet.rcode() {
            RCODE::FormatError | RCODE::NotImplemented if is_lost => Reading::NotUnderstood,
            _ => Reading::Foreign,
        };
    }
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Reading::Truncated;
    }
    match packet.rcode() {
        RCODE::NoError => follow(&packet.answers, name, record),
        RCODE::NameError => Reading::Nothing,
        RCODE::FormatError | RCODE::NotImplemented => Reading::NotUnderstood,
        _ => Reading::Refused,
    }
}

/// What becomes of a message that cannot be read: the server is to blame if at least its question
/// is the one.
fn broken(message: &[u8], name: &[u8], record: Record) -> Reading {
    let mut message = message.to_vec();
    message[ALL_COUNTS].fill(0);
    match Packet::parse(&message) {
        Ok(packet)
            if packet.has_flags(PacketFlag::RESPONSE)
                && packet.questions.first().is_some_and(|it| asks(it, name, record)) =>
        {
            if packet.has_flags(PacketFlag::TRUNCATION) {
                Reading::Truncated
            } else {
                Reading::Refused
            }
        }
        _ => Reading::Foreign,
    }
}

/// Whether a question asks for that.
fn asks(question: &simple_dns::Question<'_>, name: &[u8], record: Record) -> bool {
    question.qclass == QCLASS::CLASS(CLASS::IN)
        && question.qtype == QTYPE::TYPE(record.code())
        && host_name(&question.qname).is_some_and(|asked| asked[..] == *name)
}

/// The records of a name, or of the last of the names that it is another one for.
fn follow(answers: &[ResourceRecord<'_>], name: &[u8], record: Record) -> Reading {
    let mut name = HostName::from_slice(name);
    let mut ttl = u32::MAX;
    for alias_count in 0..=NAME_ALIAS_COUNT_MAX {
        let owned = answers.iter().filter(|answer| {
            answer.class == CLASS::IN && host_name(&answer.name).is_some_and(|it| it == name)
        });
        let (mut alias, mut found, mut count) = (None, record.nothing(), 0);
        for answer in owned {
            if let RData::CNAME(target) = &answer.rdata {
                alias = host_name(&target.0).map(|target| (target, answer.ttl));
            } else if found.add(&answer.rdata, record) {
                ttl = ttl.min(answer.ttl);
                count += 1;
            }
        }
        match alias {
            _ if count > 0 => return Reading::Found(found, ttl),
            Some((target, alias_ttl)) => {
                ttl = ttl.min(alias_ttl);
                name = target;
            }
            None if alias_count > 0 => return Reading::Alias(name, ttl),
            None => return Reading::Nothing,
        }
    }
    Reading::Refused
}

/// A name in the form in which it is asked for; none if it has letters that no name here has.
fn host_name(name: &Name<'_>) -> Option<HostName> {
    let mut text = HostName::new();
    for label in name.as_bytes() {
        if !text.is_empty() {
            text.push(b'.');
        }
        if !is_plain(label) || label.contains(&b'.') {
            return None;
        }
        text.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    (text.len() <= NAME_BYTES_MAX).then_some(text)
}

/// Whether a name has letters only that names of hosts and services have.
fn is_plain(name: &[u8]) -> bool {
    name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

impl Record {
    /// The code of this kind.
    const fn code(self) -> TYPE {
        match self {
            Self::A => TYPE::A,
            Self::Aaaa => TYPE::AAAA,
            Self::Srv => TYPE::SRV,
        }
    }

    /// No records of this kind yet.
    const fn nothing(self) -> Found {
        match self {
            Self::A | Self::Aaaa => Found::Addresses(Vec::new()),
            Self::Srv => Found::Servers(Vec::new()),
        }
    }
}

impl Found {
    /// Adds a record if it is of that kind; whether it is.
    fn add(&mut self, data: &RData<'_>, record: Record) -> bool {
        match (self, data, record) {
            (Self::Addresses(addresses), RData::A(it), Record::A) => {
                addresses.push(Ipv4Addr::from_bits(it.address).into());
            }
            (Self::Addresses(addresses), RData::AAAA(it), Record::Aaaa) => {
                addresses.push(Ipv6Addr::from_bits(it.address).into());
            }
            (Self::Servers(servers), RData::SRV(it), Record::Srv) => {
                let Some(host) = host_name(&it.target) else { return false };
                let (priority, weight, port) = (it.priority, it.weight, it.port);
                servers.push(Server { priority, weight, port, host });
            }
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::rdata::{A, CNAME};

    use super::*;

    /// The answer to [`compose`] for the address of `name`, with these aliases before it.
    fn answer(name: &str, aliases: &[&str], addresses: &[[u8; 4]]) -> Vec<u8> {
        let query = compose(7, name.as_bytes(), Record::A, false).unwrap();
        let mut packet = Packet::parse(&query).unwrap().into_reply();
        let mut owner = name.to_owned();
        let record = |owner: &str, data| {
            ResourceRecord::new(Name::new(owner).unwrap().into_owned(), CLASS::IN, 60, data)
        };
        for alias in aliases {
            let target = CNAME(Name::new(alias).unwrap());
            packet.answers.push(record(&owner, RData::CNAME(target)));
            owner = (*alias).to_owned();
        }
        for address in addresses {
            let address = u32::from_be_bytes(*address);
            packet.answers.push(record(&owner, RData::A(A { address })));
        }
        packet.build_bytes_vec_compressed().unwrap()
    }

    /// What an answer says to the question for `a.example`.
    fn say(answer: &[u8]) -> Reading {
        read(answer, b"a.example", Record::A)
    }

    /// That address.
    fn found(address: [u8; 4]) -> Reading {
        Reading::Found(Found::Addresses(vec![address.into()]), 60)
    }

    #[test]
    fn answers_are_read_in_any_order_of_their_records() {
        assert_eq!(say(&answer("a.example", &[], &[[192, 0, 2, 1]])), found([192, 0, 2, 1]));
        assert_eq!(say(&answer("A.Example", &[], &[[192, 0, 2, 1]])), found([192, 0, 2, 1]));
        let chain = answer("a.example", &["b.example", "c.example"], &[[192, 0, 2, 1]]);
        assert_eq!(say(&chain), found([192, 0, 2, 1]));
        let mut packet = Packet::parse(&chain).unwrap();
        packet.answers.reverse();
        assert_eq!(say(&packet.build_bytes_vec().unwrap()), found([192, 0, 2, 1]));
        let open = answer("a.example", &["b.example"], &[]);
        assert_eq!(say(&open), Reading::Alias(b"b.example"[..].into(), 60));
        let circle = answer("a.example", &["b.example", "a.example"], &[]);
        assert_eq!(say(&circle), Reading::Refused);
        assert_eq!(say(&answer("a.example", &[], &[])), Reading::Nothing);
    }

    #[test]
    fn what_cannot_be_read_is_its_servers_fault_only_if_it_repeats_the_question() {
        let whole = answer("a.example", &[], &[[192, 0, 2, 1]]);
        let cut = &whole[..whole.len() - 3];
        assert_eq!(say(cut), Reading::Refused);
        assert_eq!(read(cut, b"b.example", Record::A), Reading::Foreign);
        assert_eq!(read(cut, b"a.example", Record::Aaaa), Reading::Foreign);
        assert_eq!(say(&whole[..20]), Reading::Foreign);
        assert_eq!(say(b""), Reading::Foreign);
        // More records than can be there, which nobody makes room for.
        let mut many = whole;
        many[6..8].fill(0xff);
        assert_eq!(say(&many), Reading::Refused);
    }

    #[test]
    fn only_names_that_a_server_can_have_are_asked_for() {
        let long = "a".repeat(63);
        let longer = "a".repeat(64);
        for (name, fits) in [
            ("a.example", true),
            ("_sip._udp.a.example", true),
            (long.as_str(), true),
            (longer.as_str(), false),
            ("a..b", false),
            ("", false),
            ("a\\.b", false),
            ("a b", false),
        ] {
            assert_eq!(compose(1, name.as_bytes(), Record::Srv, true).is_some(), fits, "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_makes_it_panic(bytes: Vec<u8>) {
            let _ = say(&bytes);
        }

        #[test]
        fn nothing_that_looks_like_an_answer_makes_it_panic(
            changes in prop::collection::vec((0..120_usize, any::<u8>()), 1..6),
            length in 0..120_usize,
        ) {
            let chain = ["b.example", "c.example"];
            let mut bytes = answer("a.example", &chain, &[[192, 0, 2, 1], [192, 0, 2, 2]]);
            for (at, byte) in changes {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            for record in [Record::A, Record::Aaaa, Record::Srv] {
                let _ = read(&bytes, b"a.example", record);
                let _ = read(&bytes[..length.min(bytes.len())], b"a.example", record);
            }
        }
    }
}
