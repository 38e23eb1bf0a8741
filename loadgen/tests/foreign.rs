//! One agent and a foreign peer that a test plays message by message: what other user agents do
//! that ours do not.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use viaload::agent::{Agent, Setup};
use viaload::measure::{Count, Failure, Tally};
use viaload::moment::Moment;
use viaload::outbox::{Outbox, SocketId};
use viaload::scenario::{Cast, Injection, Order, builtin, sipp};
use viaload::users::Users;

const PEER: &str = "127.0.0.1:5070";
const HOLD: Duration = Duration::from_secs(10);

/// An agent whose other side is the test.
struct Solo {
    agent: Agent,
    now: Moment,
    marks: Vec<String>,
}

/// A message that the agent sent.
#[derive(Clone, Debug)]
struct Sent {
    to: SocketAddr,
    text: String,
}

impl Sent {
    /// Its first line.
    fn line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// Values of all its headers of a name.
    fn all(&self, name: &str) -> Vec<&str> {
        let start = format!("{name}: ");
        self.text.lines().filter_map(|line| line.strip_prefix(&start)).collect()
    }

    /// The value of its first header of a name.
    fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// A response to it; `more` are header lines.
    fn response(&self, code: u16, to_tag: &str, more: &str) -> String {
        format!(
            "SIP/2.0 {code} X\r\nVia: {}\r\nFrom: {}\r\nTo: <sip:b@b>{to_tag}\r\nCall-ID: {}\r\n\
             CSeq: {}\r\n{more}Content-Length: 0\r\n\r\n",
            self.header("Via"),
            self.header("From"),
            self.header("Call-ID"),
            self.header("CSeq"),
        )
    }
}

/// A request of the foreign peer.
fn request(method: &str, number: u32, branch: &str, to_tag: &str) -> String {
    format!(
        "{method} sip:x@127.0.0.1:5061 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {PEER};branch=z9hG4bK{branch}\r\nFrom: <sip:a@a>;tag=a\r\n\
         To: <sip:b@b>{to_tag}\r\nCall-ID: foreign\r\nCSeq: {number} {method}\r\n\
         Contact: <sip:a@{PEER}>\r\nContent-Length: 0\r\n\r\n"
    )
}

impl Solo {
    /// An agent that calls and one that answers in one: socket 0 calls, socket 1 is called.
    fn new(cast: Cast, injected: Vec<Arc<Injection>>) -> Self {
        let cast = Arc::new(cast);
        let addresses: [SocketAddr; 2] =
            ["127.0.0.1:5061", "127.0.0.1:5062"].map(|text| text.parse().unwrap());
        let setup = Setup {
            cast: Arc::clone(&cast),
            target: Some(PEER.parse().unwrap()),
            sockets: addresses.to_vec(),
            caller_sockets: vec![SocketId(0)],
            callee_socket: Some(SocketId(1)),
            callee_addresses: Arc::new([PEER.parse().unwrap()]),
            users: Arc::new(Users::default()),
            service: "service".to_owned(),
            media_ip: "127.0.0.1".parse().unwrap(),
            hold: HOLD,
            injected,
            worker: (0, 1),
            seed: 1,
            process: 7,
            wall_start: jiff::Timestamp::UNIX_EPOCH,
            traces: 0,
        };
        let marks = cast.shape.marks.clone();
        Self { agent: Agent::new(setup, Moment::START), now: Moment::START, marks }
    }

    fn built_in(name: &str) -> Self {
        Self::new(builtin::cast(name).unwrap(), Vec::new())
    }

    /// A caller with the steps that are written here.
    fn caller(steps: &str) -> Self {
        Self::new(Cast::new(vec![(program(steps), 1)], Vec::new()), Vec::new())
    }

    /// A callee with the steps that are written here.
    fn callee(steps: &str) -> Self {
        Self::new(Cast::new(Vec::new(), vec![program(steps)]), Vec::new())
    }

    /// Lets the agent do something; gives what it sent.
    fn act(&mut self, act: impl FnOnce(&mut Agent, Moment, &mut Outbox)) -> Vec<Sent> {
        let mut out = Outbox::default();
        act(&mut self.agent, self.now, &mut out);
        let sent = out.datagrams().iter().map(|datagram| Sent {
            to: datagram.destination,
            text: String::from_utf8(out.bytes(datagram).to_vec()).unwrap(),
        });
        sent.collect()
    }

    fn start(&mut self) -> Sent {
        self.act(|agent, now, out| agent.start_call(now, now, out)).remove(0)
    }

    /// Says something to the caller.
    fn say(&mut self, text: &str) -> Vec<Sent> {
        self.say_to(0, text)
    }

    /// Says something to a socket.
    fn say_to(&mut self, socket: u16, text: &str) -> Vec<Sent> {
        let peer = PEER.parse().unwrap();
        self.act(|agent, now, out| {
            agent.handle_datagram(now, SocketId(socket), peer, text.as_bytes(), out);
        })
    }

    /// Lets time pass; gives what was sent in it.
    fn wait(&mut self, span: Duration) -> Vec<Sent> {
        let end = self.now + span;
        let mut sent = Vec::new();
        while let Some(next) = self.agent.next_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            sent.extend(self.act(|agent, now, out| agent.handle_timeouts(now, out)));
        }
        self.now = end;
        sent
    }

    fn tally(&mut self) -> Tally {
        self.agent.interval().tally.clone()
    }

    /// The longest span of a mark, in milliseconds.
    fn mark_millis(&mut self, name: &str) -> u64 {
        let place = self.marks.iter().position(|mark| mark == name).unwrap();
        self.agent.interval().latencies[place].max_micros() / 1_000
    }
}

/// The program with these steps.
fn program(steps: &str) -> viaload::scenario::Program {
    let text = format!("<scenario name=\"x\" routing=\"dialog\">{steps}</scenario>");
    sipp::read(&text, "x.xml").unwrap_or_else(|errors| panic!("{errors}")).0
}

/// First lines.
fn lines(sent: &[Sent]) -> Vec<&str> {
    sent.iter().map(Sent::line).collect()
}

/// A step that sends a request.
fn send(method: &str, number: u32, attributes: &str) -> String {
    format!(
        "<send {attributes}><![CDATA[\n{method} [next_url] SIP/2.0\n\
         Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n[routes]\n\
         From: <sip:a@a>;tag=[pid]c[call_number]\nTo: <sip:b@b>[peer_tag_param]\n\
         Call-ID: [call_id]\nCSeq: {number} {method}\nContent-Length: 0\n\n]]></send>"
    )
}

/// A step that answers the last request.
fn respond(status: &str, attributes: &str) -> String {
    format!(
        "<send {attributes}><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n\
         [last_To:];tag=s\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n]]></send>"
    )
}

const CONTACT: &str = "Contact: <sip:b@127.0.0.1:5071>\r\n";

#[test]
fn an_unexpected_answer_is_acknowledged_before_the_call_is_hung_up() {
    let mut solo = Solo::built_in("cancel");
    let invite = solo.start();
    let cancel = solo.say(&invite.response(180, ";tag=b", CONTACT)).remove(0);
    assert!(cancel.line().starts_with("CANCEL "));
    // The answer crossed the CANCEL.
    let sent = solo.say(&invite.response(200, ";tag=b", CONTACT));
    let uri = "sip:b@127.0.0.1:5071 SIP/2.0";
    assert_eq!(lines(&sent), [format!("ACK {uri}"), format!("BYE {uri}")]);
    for sent in &sent {
        assert_eq!(sent.header("To"), "<sip:b@b>;tag=b");
        assert_eq!(sent.to, "127.0.0.1:5071".parse().unwrap());
    }
    solo.say(&cancel.response(200, ";tag=b", ""));
    solo.say(&sent[1].response(200, ";tag=b", ""));
    assert_eq!(solo.agent.in_flight(), 0);
    assert_eq!(solo.tally().failures(Failure::UnexpectedStatus), 1);
}

#[test]
fn an_answer_that_fails_a_check_is_acknowledged() {
    let check = "<recv response=\"200\"><action><ereg regexp=\"never\" search_in=\"msg\" \
                 check_it=\"true\" assign_to=\"1\"/></action></recv>";
    let mut solo = Solo::caller(&format!("{}{check}", send("INVITE", 1, "retrans=\"500\"")));
    let invite = solo.start();
    let sent = solo.say(&invite.response(200, ";tag=b", CONTACT));
    let methods: Vec<_> = sent.iter().map(|sent| sent.header("CSeq")).collect();
    assert_eq!(methods, ["1 ACK", "2 BYE"]);
    assert_eq!(sent[1].header("To"), "<sip:b@b>;tag=b");
}

#[test]
fn a_call_that_is_ended_between_answer_and_ack_is_acknowledged() {
    let steps = format!(
        "{}<recv response=\"200\"/><pause milliseconds=\"5000\"/>{}",
        send("INVITE", 1, "retrans=\"500\""),
        send("ACK", 1, "")
    );
    let mut solo = Solo::caller(&steps);
    let invite = solo.start();
    assert_eq!(lines(&solo.say(&invite.response(200, ";tag=b", CONTACT))).len(), 0);
    let sent = solo.act(|agent, now, out| agent.hang_up(now, out));
    let methods: Vec<_> = sent.iter().map(|sent| sent.header("CSeq")).collect();
    assert_eq!(methods, ["1 ACK", "2 BYE"]);
    assert_eq!(sent[0].header("To"), "<sip:b@b>;tag=b");
    assert_eq!(sent[0].line(), "ACK sip:b@127.0.0.1:5071 SIP/2.0");
}
