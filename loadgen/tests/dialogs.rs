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
    sipp::read(&text, "x.xml").unwrap().0
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

#[test]
fn a_ping_during_a_pause_is_not_what_the_call_answers_next() {
    let steps = format!(
        "<recv request=\"INVITE\"/><pause milliseconds=\"2000\"/>{}<recv request=\"ACK\"/>",
        respond("200 OK", "retrans=\"500\"")
    );
    let mut solo = Solo::callee(&steps);
    solo.say_to(1, &request("INVITE", 1, "i", ""));
    assert_eq!(solo.say_to(1, &request("OPTIONS", 2, "o", ""))[0].header("CSeq"), "2 OPTIONS");
    let answer = solo.wait(Duration::from_millis(2_100)).remove(0);
    assert_eq!(answer.header("CSeq"), "1 INVITE");
    solo.say_to(1, &request("ACK", 1, "a", ";tag=s"));
    assert_eq!(solo.tally().get(Count::AnsweredCompleted), 1);
}

#[test]
fn a_time_limit_behind_optional_messages_holds() {
    let steps = format!(
        "{}<recv response=\"100\" optional=\"true\"/><recv response=\"200\" timeout=\"3000\"/>",
        send("OPTIONS", 1, "retrans=\"500\"")
    );
    let mut solo = Solo::caller(&steps);
    solo.start();
    solo.wait(Duration::from_millis(3_100));
    assert_eq!(solo.agent.in_flight(), 1, "its request is still under way");
    solo.wait(Duration::from_secs(30));
    assert_eq!(solo.tally().failures(Failure::Timeout), 1);
}

#[test]
fn a_call_does_not_wait_for_ever_behind_an_ack_that_no_step_takes() {
    let steps = format!(
        "{}<recv response=\"200\" rrs=\"true\"/>{}<recv request=\"INVITE\"/>{}<recv request=\"BYE\"/>",
        send("INVITE", 1, "retrans=\"500\""),
        send("ACK", 1, ""),
        respond("200 OK", "retrans=\"500\"")
    );
    let mut solo = Solo::caller(&steps);
    let invite = solo.start();
    let ack = solo.say(&invite.response(200, ";tag=b", CONTACT)).remove(0);
    let from_peer =
        |method: &str| request(method, 1, "p", ";tag=s").replace("foreign", ack.header("Call-ID"));
    assert_eq!(solo.say(&from_peer("INVITE"))[0].line(), "SIP/2.0 200 OK");
    solo.say(&from_peer("ACK"));
    solo.wait(Duration::from_secs(120));
    assert_eq!(solo.agent.in_flight(), 0);
    assert_eq!(solo.tally().failures(Failure::Timeout), 1);
}

#[test]
fn a_phone_that_rings_too_long_is_told() {
    let mut solo = Solo::built_in("call");
    let invite = solo.start();
    solo.say(&invite.response(180, ";tag=b", CONTACT));
    let sent = solo.wait(Duration::from_secs(181));
    assert!(lines(&sent)[0].starts_with("CANCEL "), "{sent:?}");
    solo.say(&sent[0].response(200, ";tag=b", ""));
    let ack = solo.say(&invite.response(487, ";tag=b", "")).remove(0);
    assert!(ack.line().starts_with("ACK "));
    assert_eq!(solo.tally().failures(Failure::NoAnswer), 1);
    assert_eq!(solo.agent.in_flight(), 0);
}

#[test]
fn a_cancelled_call_is_not_waited_for_as_long_as_a_phone_may_ring() {
    let mut solo = Solo::built_in("cancel");
    let invite = solo.start();
    let cancel = solo.say(&invite.response(180, ";tag=b", CONTACT)).remove(0);
    solo.say(&cancel.response(200, ";tag=b", ""));
    solo.wait(Duration::from_secs(33));
    assert_eq!(solo.agent.in_flight(), 0, "RFC 3261 §9.1: 64 × T1");
}

#[test]
fn an_answer_of_a_second_phone_is_acknowledged_and_ended() {
    let mut solo = Solo::built_in("call");
    let invite = solo.start();
    solo.say(&invite.response(180, ";tag=b", CONTACT));
    solo.say(&invite.response(180, ";tag=c", CONTACT));
    let first = solo.say(&invite.response(200, ";tag=b", CONTACT));
    assert_eq!(first[0].header("To"), "<sip:service@127.0.0.1:5070>;tag=b");
    let other = "Contact: <sip:c@127.0.0.1:5072>\r\n";
    let second = solo.say(&invite.response(200, ";tag=c", other));
    assert_eq!(second.len(), 2, "{second:?}");
    for (sent, method) in second.iter().zip(["ACK", "BYE"]) {
        assert_eq!(sent.line(), format!("{method} sip:c@127.0.0.1:5072 SIP/2.0"));
        assert_eq!(sent.header("To"), "<sip:b@b>;tag=c");
        assert_eq!(sent.to, "127.0.0.1:5072".parse().unwrap());
    }
    // It comes again: its ACK is said again, and there is one BYE.
    assert_eq!(solo.say(&invite.response(200, ";tag=c", other))[0].header("CSeq"), "1 ACK");
    solo.say(&second[1].response(200, ";tag=c", ""));
    let bye = solo.wait(HOLD + Duration::from_millis(1)).pop().unwrap();
    assert_eq!((bye.header("To"), bye.header("CSeq")), (first[0].header("To"), "2 BYE"));
    solo.say(&bye.response(200, ";tag=b", ""));
    assert_eq!(solo.tally().get(Count::Completed), 1);
}

#[test]
fn a_proxy_that_answers_the_cancel_is_not_the_other_side() {
    let steps = format!(
        "{}<recv response=\"180\"/>{}<recv response=\"200\"/>{}",
        send("INVITE", 1, "retrans=\"500\""),
        send("CANCEL", 1, "retrans=\"500\""),
        send("INFO", 2, "retrans=\"500\""),
    );
    let mut solo = Solo::caller(&steps);
    let invite = solo.start();
    let cancel = solo.say(&invite.response(180, ";tag=b", "")).remove(0);
    let info = solo.say(&cancel.response(200, ";tag=proxy", "")).remove(0);
    assert_eq!(info.header("To"), "<sip:b@b>;tag=b");
}

#[test]
fn the_first_call_gets_the_first_line() {
    let file = Injection {
        name: "x.csv".to_owned(),
        order: Order::Sequential,
        lines: vec![vec!["zero".to_owned()], vec!["one".to_owned()]],
    };
    let steps = "<send><![CDATA[\nOPTIONS sip:[field0]@b SIP/2.0\nCall-ID: [call_id]\n\
                 CSeq: 1 OPTIONS\n\n]]></send>";
    let steps = format!("<scenario name=\"x\">{steps}</scenario>");
    let program = sipp::read_with(&steps, "x.xml", std::slice::from_ref(&file)).unwrap().0;
    let mut solo = Solo::new(Cast::new(vec![(program, 1)], Vec::new()), vec![Arc::new(file)]);
    let lines = [solo.start(), solo.start(), solo.start()].map(|sent| sent.line().to_owned());
    assert_eq!(lines, ["zero", "one", "zero"].map(|user| format!("OPTIONS sip:{user}@b SIP/2.0")));
}

#[test]
fn the_route_set_outlives_a_second_invite() {
    let mut solo = Solo::built_in("reinvite");
    let invite = solo.start();
    let route = "Record-Route: <sip:127.0.0.1:5080;lr>\r\n";
    let sent = solo.say(&invite.response(200, ";tag=b", &format!("{route}{CONTACT}")));
    assert_eq!(sent[0].all("Route"), ["<sip:127.0.0.1:5080;lr>"]);
    let mut sent = sent;
    while sent.last().is_none_or(|sent| sent.header("CSeq") != "2 INVITE") {
        sent.extend(solo.wait(HOLD));
    }
    // No proxy records its route again, and the contact moves.
    let moved = "Contact: sip:b@127.0.0.1:5079;expires=5\r\n";
    let reinvite = sent.pop().unwrap();
    let sent = solo.say(&reinvite.response(200, ";tag=b", moved));
    assert_eq!(sent[0].line(), "ACK sip:b@127.0.0.1:5079 SIP/2.0");
    assert_eq!(sent[0].all("Route"), ["<sip:127.0.0.1:5080;lr>"]);
    assert_eq!(sent[0].to, "127.0.0.1:5080".parse().unwrap());
}

#[test]
fn a_strict_router_gets_its_own_uri() {
    let mut solo = Solo::built_in("call");
    let invite = solo.start();
    let routes = "Record-Route: <sip:127.0.0.1:5082;lr>, <sip:127.0.0.1:5081>\r\n";
    let ack = solo.say(&invite.response(200, ";tag=b", &format!("{routes}{CONTACT}"))).remove(0);
    assert_eq!(ack.line(), "ACK sip:127.0.0.1:5081 SIP/2.0");
    assert_eq!(ack.all("Route"), ["<sip:127.0.0.1:5082;lr>", "<sip:b@127.0.0.1:5071>"]);
    assert_eq!(ack.to, "127.0.0.1:5081".parse().unwrap());
}

#[test]
fn an_answer_without_contact_leads_back_to_where_the_call_went() {
    let mut solo = Solo::built_in("call");
    let invite = solo.start();
    let ack = solo.say(&invite.response(200, " ; tag = b", "")).remove(0);
    assert_eq!(ack.line(), invite.line().replace("INVITE", "ACK"));
    assert_eq!(ack.to, PEER.parse().unwrap());
    assert_eq!(ack.header("To").rsplit(';').next(), Some("tag=b"));
}

#[test]
fn a_second_copy_of_an_invite_is_a_loop_and_its_ack_is_not_the_calls() {
    let mut solo = Solo::built_in("options");
    let sent = solo.say_to(1, &request("INVITE", 1, "one", ""));
    assert_eq!(lines(&sent), ["SIP/2.0 180 Ringing", "SIP/2.0 200 OK"]);
    let merged = solo.say_to(1, &request("INVITE", 1, "two", ""));
    assert_eq!(lines(&merged)[0][..11], *"SIP/2.0 482");
    solo.say_to(1, &request("ACK", 1, "two", ";tag=x"));
    // The answer still has no ACK.
    let again = solo.wait(Duration::from_millis(600));
    assert_eq!(lines(&again), ["SIP/2.0 200 OK"]);
    solo.say_to(1, &request("ACK", 1, "three", ";tag=x"));
    assert_eq!(solo.wait(Duration::from_secs(5)).len(), 0);
    assert_eq!(lines(&solo.say_to(1, &request("BYE", 2, "four", ";tag=x"))), ["SIP/2.0 200 OK"]);
    assert_eq!(solo.tally().get(Count::AnsweredCompleted), 1);
}

#[test]
fn an_invite_that_meets_ours_is_pending() {
    let mut solo = Solo::built_in("reinvite");
    let invite = solo.start();
    solo.say(&invite.response(200, ";tag=b", CONTACT));
    let mut sent = Vec::new();
    while sent.is_empty() {
        sent = solo.wait(HOLD);
    }
    assert_eq!(sent[0].header("CSeq"), "2 INVITE");
    let theirs = request("INVITE", 1, "x", ";tag=c").replace("foreign", invite.header("Call-ID"));
    assert_eq!(lines(&solo.say(&theirs))[0][..11], *"SIP/2.0 491");
}

#[test]
fn a_bye_before_the_answer_ends_the_invite() {
    let steps = format!(
        "<recv request=\"INVITE\"/>{}<pause milliseconds=\"9000\"/>{}",
        respond("180 Ringing", ""),
        respond("200 OK", "retrans=\"500\"")
    );
    let mut solo = Solo::callee(&steps);
    solo.say_to(1, &request("INVITE", 1, "i", ""));
    let sent = solo.say_to(1, &request("BYE", 2, "b", ";tag=s"));
    assert_eq!(lines(&sent), ["SIP/2.0 200 OK", "SIP/2.0 487 Request Terminated"]);
    assert_eq!(sent[1].header("CSeq"), "1 INVITE");
    solo.say_to(1, &request("ACK", 1, "i", ";tag=s"));
    assert_eq!(solo.agent.answering(), 0);
}

#[test]
fn an_invite_that_comes_again_after_its_call_is_not_answered() {
    let mut solo = Solo::built_in("options");
    let invite = request("INVITE", 1, "i", "");
    solo.say_to(1, &invite);
    solo.say_to(1, &request("ACK", 1, "a", ";tag=x"));
    solo.say_to(1, &request("BYE", 2, "b", ";tag=x"));
    assert_eq!(solo.agent.answering(), 0);
    assert_eq!(lines(&solo.say_to(1, &invite)).len(), 0);
    assert_eq!(lines(&solo.say_to(1, &request("BYE", 2, "b", ";tag=x"))), ["SIP/2.0 200 OK"]);
}

#[test]
fn a_request_without_a_via_gets_no_empty_answer() {
    let mut solo = Solo::built_in("call");
    for method in ["BYE", "OPTIONS", "CANCEL"] {
        let text = request(method, 1, "x", ";tag=x").replace("Via:", "X:");
        assert_eq!(solo.say_to(1, &text).len(), 0, "{method}");
    }
}

#[test]
fn the_invite_is_not_forgotten_for_many_requests_in_its_call() {
    let mut solo = Solo::built_in("call");
    let invite = solo.start();
    solo.say(&invite.response(200, ";tag=b", CONTACT));
    for number in 1..20 {
        let info = request("INFO", number, &number.to_string(), ";tag=c");
        solo.say(&info.replace("foreign", invite.header("Call-ID")));
    }
    let sent = solo.act(|agent, now, out| agent.hang_up(now, out));
    assert_eq!(lines(&sent), ["BYE sip:b@127.0.0.1:5071 SIP/2.0"]);
}

#[test]
fn a_mark_that_starts_with_a_message_starts_when_it_comes() {
    let steps = format!(
        "{}<recv response=\"180\" start_rtd=\"ring\"/><recv response=\"200\" rtd=\"ring\"/>",
        send("INVITE", 1, "retrans=\"500\"")
    );
    let mut solo = Solo::caller(&steps);
    let invite = solo.start();
    solo.wait(Duration::from_secs(3));
    solo.say(&invite.response(180, ";tag=b", ""));
    solo.wait(Duration::from_secs(1));
    solo.say(&invite.response(200, ";tag=b", CONTACT));
    let ring = solo.mark_millis("ring");
    assert!((1_000..1_010).contains(&ring), "{ring} ms");
}

#[test]
fn a_message_during_a_pause_does_not_shift_what_follows() {
    let steps = format!(
        "{}<recv request=\"INFO\" optional=\"global\"/><recv response=\"200\"/>\
         <pause milliseconds=\"2000\"/>{}<recv response=\"200\" rtd=\"bye\"/>",
        send("OPTIONS", 1, "retrans=\"500\""),
        send("BYE", 2, "retrans=\"500\" start_rtd=\"bye\"")
    );
    let mut solo = Solo::caller(&steps);
    let options = solo.start();
    solo.say(&options.response(200, ";tag=b", ""));
    // The program waits for INFO; it skips that once it has come.
    let call_id = options.header("Call-ID").to_owned();
    let info = |branch: &str| request("INFO", 7, branch, ";tag=c").replace("foreign", &call_id);
    solo.say(&info("one"));
    solo.wait(Duration::from_secs(1));
    solo.say(&info("two"));
    let bye = solo.wait(Duration::from_millis(1_001)).pop().unwrap();
    solo.say(&bye.response(200, ";tag=b", ""));
    let bye = solo.mark_millis("bye");
    assert!(bye < 10, "{bye} ms");
}

#[test]
fn a_late_message_is_logged_with_its_own_words() {
    let log = |text: &str| format!("<action><log message=\"{text}\"/></action>");
    let steps = format!(
        "{}<recv response=\"180\" optional=\"global\">{}</recv><recv response=\"183\">{}</recv>\
         <recv response=\"200\">{}</recv>",
        send("INVITE", 1, "retrans=\"500\""),
        log("rings"),
        log("talks"),
        log("done"),
    );
    let mut solo = Solo::caller(&steps);
    let invite = solo.start();
    for code in [183, 180] {
        solo.say(&invite.response(code, ";tag=b", ""));
    }
    assert_eq!(solo.agent.take_lines(), ["talks", "rings"]);
}

#[test]
fn a_method_that_no_callee_takes_is_told_those_that_are() {
    let mut solo = Solo::built_in("call");
    let refused = solo.say_to(1, &request("PUBLISH", 1, "one", "")).remove(0);
    assert_eq!(refused.line(), "SIP/2.0 405 Method Not Allowed");
    assert!(refused.header("Allow").contains("INVITE"), "RFC 3261 §21.4.6");
    let options = solo.say_to(1, &request("OPTIONS", 1, "two", "").replace("foreign", "other"));
    assert_eq!(options[0].line(), "SIP/2.0 200 OK");
}

#[test]
fn an_invite_with_the_call_id_of_a_registration_is_a_call() {
    let mut solo = Solo::built_in("call");
    let registered = solo.say_to(1, &request("REGISTER", 1, "one", ""));
    assert_eq!(registered[0].line(), "SIP/2.0 200 OK");
    let ringing = solo.say_to(1, &request("INVITE", 1, "two", ""));
    assert_eq!(lines(&ringing), ["SIP/2.0 180 Ringing", "SIP/2.0 200 OK"]);
    let again = solo.say_to(1, &request("INVITE", 1, "two", ""));
    assert_eq!(lines(&again), ["SIP/2.0 200 OK"]);
}

#[test]
fn a_callee_hangs_up_when_nobody_acknowledges_its_answer() {
    let mut solo = Solo::built_in("call");
    let invite = request("INVITE", 1, "1", "").replace(
        "Contact:",
        "Record-Route: <sip:127.0.0.1:5072;lr>, <sip:127.0.0.1:5073;lr>\r\nContact:",
    );
    let answer = solo.say_to(1, &invite).pop().unwrap();
    assert_eq!(answer.line(), "SIP/2.0 200 OK");
    let sent = solo.wait(Duration::from_secs(33));
    let bye = sent.iter().find(|sent| sent.line().starts_with("BYE ")).unwrap();
    assert_eq!(bye.line(), "BYE sip:a@127.0.0.1:5070 SIP/2.0");
    assert_eq!(bye.to, "127.0.0.1:5072".parse().unwrap());
    assert_eq!(bye.all("Route"), ["<sip:127.0.0.1:5072;lr>", "<sip:127.0.0.1:5073;lr>"]);
    assert_eq!(bye.header("From"), answer.header("To"));
    assert_eq!((bye.header("To"), bye.header("Call-ID")), ("<sip:a@a>;tag=a", "foreign"));
    assert!(bye.header("Via").starts_with("SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bK"));
    assert_eq!(solo.agent.answering(), 1);
    assert!(solo.say_to(1, &bye.response(200, ";tag=a", "")).is_empty());
    assert_eq!(solo.agent.answering(), 0);
    assert_eq!(solo.tally().callee_failures(Failure::NoAck), 1);
}
