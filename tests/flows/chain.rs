//! Three proxies in line: the first runs the PrimiSIP script, the others are stateless as well,
//! or Kamailio with transactions as in the seed.
//!
//! ```text
//! phone low ── near (PrimiSIP) ── transit ── far ── phone high
//!            └───────── the links of the charts ┘
//! ```
//!
//! Every message is received once, by a proxy, whose script notes it, or by a phone. The charts
//! of S0 §3 leave out the link between the far proxy and its phone; here both are counted.

use std::net::SocketAddr;

use crate::support::message::{Message, uri_address};
use crate::support::scripts::{self, NOTE_REPLIES, NOTE_REQUEST};
use crate::support::server::peer_is_kamailio;
use crate::support::{Dialog, Phone, Server, barrier, free_address, kamailio_is_installed};

/// What runs on the transit and the far proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    /// The same program, with `forward()`.
    Stateless,
    /// Kamailio with `t_relay()`, as the OpenSER proxies of the seed.
    Stateful,
}

/// Which phone calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    LowToHigh,
    HighToLow,
}

/// Messages so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    /// On the links that the charts show.
    charted: usize,
    /// On the link between the far proxy and its phone.
    last_link: usize,
}

/// The chain and its phones.
struct Chain {
    others: Others,
    near: Server,
    transit: Server,
    far: Server,
    low: Phone,
    high: Phone,
}

impl Chain {
    /// The proxies started, the low phone registered.
    fn new(others: Others) -> Self {
        let (near, transit, far) = (free_address(), free_address(), free_address());
        let start = |address, script: &str| match others {
            Others::Stateless => Server::start_at(address, script),
            Others::Stateful => Server::start_kamailio(address, script),
        };
        let chain = Self {
            others,
            near: Server::start_at(near, &format!("children=1\n{}", scripts::primisip(transit))),
            transit: start(transit, &transit_script(others, near, far)),
            far: start(far, &far_script(others, transit)),
            low: Phone::new("+41215501111"),
            high: Phone::new("+41215509999"),
        };
        chain.low.register(&chain.near);
        chain
    }

    /// Calling and called phone.
    fn phones(&self, direction: Direction) -> (&Phone, &Phone) {
        match direction {
            Direction::LowToHigh => (&self.low, &self.high),
            Direction::HighToLow => (&self.high, &self.low),
        }
    }

    /// The proxies on the way of a call.
    fn path(&self, direction: Direction) -> Vec<SocketAddr> {
        let path = [&self.near, &self.transit, &self.far].map(Server::address).to_vec();
        match direction {
            Direction::LowToHigh => path,
            Direction::HighToLow => path.into_iter().rev().collect(),
        }
    }

    /// Sends the INVITE and takes it at the other end, all proxies noted in it.
    fn invite(&self, direction: Direction) -> (Message, Message) {
        let (caller, callee) = self.phones(direction);
        let path = self.path(direction);
        let invite = caller.send(&caller.invite(&callee.aor(path[0])), path[0]);
        let arrived = callee.expect_request("INVITE");
        assert_eq!(arrived.uri(), callee.uri());
        assert_passed(&invite, &arrived, &path);
        if self.others == Others::Stateless && !peer_is_kamailio() {
            assert_eq!(arrived.max_forwards(), Some(70 - 3));
        }
        let record_routes: Vec<String> = path
            .iter()
            .rev()
            .map(|proxy| format!("<sip:{proxy};lr=on;ftag={}>", caller.tag()))
            .collect();
        assert_eq!(arrived.items("Record-Route"), record_routes);
        (invite, arrived)
    }

    /// Sends a request within the dialog, and its answer back.
    fn exchange(&self, sent: &Message, direction: Direction) {
        let (from, to) = self.phones(direction);
        let arrived = self.arrive(sent, direction);
        let answer = to.answer(&arrived, 200, "OK");
        assert_eq!(answer.vias().len(), 4);
        let got = from.expect_response(200, sent.method());
        assert_eq!(got.vias(), sent.vias());
        assert_eq!(got.body, answer.body);
    }

    /// A request within the dialog as it arrives: three Routes used up, nothing rewritten.
    fn arrive(&self, sent: &Message, direction: Direction) -> Message {
        let path = self.path(direction);
        let routes: Vec<SocketAddr> =
            sent.uris("Route").iter().map(|uri| uri_address(uri)).collect();
        assert_eq!(routes, path);
        let (_, to) = self.phones(direction);
        let arrived = to.expect_request(sent.method());
        assert_eq!(arrived.uri(), sent.uri());
        assert!(!arrived.has("Route") && !arrived.has("Record-Route"), "{arrived:?}");
        assert_passed(sent, &arrived, &path);
        arrived
    }

    /// Counts, once everything that is on its way has been worked through.
    fn count(&self) -> Count {
        for (server, phone) in
            [(&self.near, &self.low), (&self.transit, &self.high), (&self.far, &self.high)]
        {
            barrier(phone, phone, server);
        }
        let transit = self.transit.address().to_string();
        let seen = |server: &Server, is: &dyn Fn(&str) -> bool| {
            let log = server.log();
            log.lines().filter(|line| line.contains("seen ") && is(line)).count()
        };
        let from_transit = format!("from {transit}");
        let all = |_: &str| true;
        Count {
            charted: self.low.received_count()
                + seen(&self.near, &all)
                + seen(&self.transit, &all)
                + seen(&self.far, &|line| line.contains(&from_transit)),
            last_link: self.high.received_count()
                + seen(&self.far, &|line| !line.contains(&from_transit)),
        }
    }

    /// Runs a part of a call and returns what it took.
    fn counted(&self, part: impl FnOnce()) -> Count {
        let before = self.count();
        part();
        let after = self.count();
        Count {
            charted: after.charted - before.charted,
            last_link: after.last_link - before.last_link,
        }
    }
}

/// A call that is cancelled while it rings.
fn cancelled(chain: &Chain, direction: Direction) {
    let (caller, callee) = chain.phones(direction);
    let first = chain.path(direction)[0];
    let (invite, arrived) = chain.invite(direction);
    callee.answer(&arrived, 100, "Trying");
    let ringing = callee.answer(&arrived, 180, "Ringing");
    let heard = caller.expect_response(180, "INVITE");
    assert_eq!(heard.items("Record-Route"), ringing.items("Record-Route"));
    assert_eq!(heard.vias(), invite.vias());
    expect_hundreds(chain, direction);

    caller.send(&caller.cancel(&invite), first);
    let cancel_arrived = callee.expect_request("CANCEL");
    assert_eq!(cancel_arrived.branch(), arrived.branch());
    assert_eq!(cancel_arrived.uri(), arrived.uri());
    callee.answer(&cancel_arrived, 200, "OK of the phone");
    callee.answer(&arrived, 487, "Request Cancelled");
    let terminated = caller.expect_response(487, "INVITE");
    assert_eq!(terminated.vias(), invite.vias());
    caller.send(&caller.ack_failure(&invite, &terminated), first);
    let ack_arrived = callee.expect_request("ACK");
    assert_eq!(ack_arrived.branch(), arrived.branch());
    assert_eq!(ack_arrived.tag_of_to(), Some(callee.tag().as_str()));
    expect_cancel_answers(chain, direction);
}

/// The 100s at the caller: a stateless proxy sends its own if the script says so and passes on
/// what comes; a stateful one sends its own and passes none on.
fn expect_hundreds(chain: &Chain, direction: Direction) {
    let (caller, _) = chain.phones(direction);
    if direction == Direction::LowToHigh {
        caller.expect_reason(100, "Giving a try", "INVITE");
    }
    match (chain.others, direction) {
        (Others::Stateless, _) => {
            caller.expect_reason(100, "Trying", "INVITE");
        }
        (Others::Stateful, _) => {
            caller.expect_response(100, "INVITE");
        }
    }
    if chain.others == Others::Stateless && direction == Direction::HighToLow {
        caller.expect_reason(100, "Giving a try", "INVITE");
    }
}

/// The same of the responses to CANCEL.
fn expect_cancel_answers(chain: &Chain, direction: Direction) {
    let (caller, _) = chain.phones(direction);
    match chain.others {
        Others::Stateless => {
            caller.expect_reason(200, "Cancelling", "CANCEL");
            caller.expect_reason(200, "OK of the phone", "CANCEL");
        }
        Others::Stateful => {
            caller.expect("200 to CANCEL of the first proxy", |got| {
                got.status() == 200 && got.method() == "CANCEL"
            });
            if direction == Direction::LowToHigh {
                caller.expect_response(200, "CANCEL");
            }
        }
    }
}

/// A call that the callee answers, with INFOs from the phones named, and ends.
fn answered(chain: &Chain, direction: Direction, infos: &[Direction]) {
    let (caller, callee) = chain.phones(direction);
    let back = match direction {
        Direction::LowToHigh => Direction::HighToLow,
        Direction::HighToLow => Direction::LowToHigh,
    };
    let (invite, arrived) = chain.invite(direction);
    callee.answer(&arrived, 100, "Trying");
    callee.answer(&arrived, 180, "Ringing");
    caller.expect_response(180, "INVITE");
    expect_hundreds(chain, direction);
    let sent = callee.answer(&arrived, 200, "OK");
    let answer = caller.expect_response(200, "INVITE");
    assert_eq!(answer.vias(), invite.vias());
    assert_eq!(answer.items("Record-Route"), sent.items("Record-Route"));

    let mut calling = Dialog::of_caller(caller, &invite, &answer);
    let mut called = Dialog::of_callee(callee, &arrived);
    let ack = calling.send(&calling.ack());
    chain.arrive(&ack, direction);
    for from in infos {
        let side = if *from == direction { &mut calling } else { &mut called };
        let draft =
            side.request("INFO").body("application/dtmf-relay", "Signal=2\r\nDuration=480\r\n");
        chain.exchange(&side.send(&draft), *from);
    }
    let bye = called.request("BYE");
    chain.exchange(&called.send(&bye), back);
}

/// A call to a phone that is not registered: 500 all the way back.
fn refused(chain: &Chain) {
    let (caller, callee) = chain.phones(Direction::LowToHigh);
    let first = chain.near.address();
    let invite = caller.send(&caller.invite(&callee.aor(first)), first);
    let refusal = caller.expect_response(500, "INVITE");
    assert_eq!(refusal.vias(), invite.vias());
    assert!(refusal.tag_of_to().is_some(), "{refusal:?}");
    caller.expect_reason(100, "Giving a try", "INVITE");
    if chain.others == Others::Stateful {
        caller.expect_response(100, "INVITE");
    }
    caller.send(&caller.ack_failure(&invite, &refusal), first);
}

/// Via of every proxy on top, newest first, each with a branch of its own; what is end to end
/// arrives byte for byte.
fn assert_passed(sent: &Message, arrived: &Message, path: &[SocketAddr]) {
    let mut sent_bys: Vec<String> = path.iter().rev().map(SocketAddr::to_string).collect();
    sent_bys.extend(sent.sent_bys());
    assert_eq!(arrived.sent_bys(), sent_bys);
    let mut branches: Vec<String> =
        arrived.vias().iter().map(|via| via.branch().to_owned()).collect();
    branches.sort();
    branches.dedup();
    assert_eq!(branches.len(), 4, "branches that differ");
    let end_to_end = |message: &Message| {
        let proxied = ["via", "record-route", "route", "max-forwards"];
        let lines = message.lines.iter().filter(|line| !proxied.contains(&line.name.as_str()));
        lines.map(|line| line.raw.clone()).collect::<Vec<_>>()
    };
    assert_eq!(end_to_end(arrived), end_to_end(sent));
    assert_eq!(arrived.body, sent.body);
}

/// The common part of the transit and the far proxy: probes, loose routing, Record-Route.
fn common(others: Others) -> String {
    let relay = relay(others);
    let in_transaction = match others {
        Others::Stateless => "",
        // The CANCEL of a known INVITE; the ACK to a failure ends at the proxy that passed it.
        Others::Stateful => {
            r#"
    if (method=="CANCEL" || method=="ACK") { if (t_check_trans()) { t_relay(); } exit; }"#
        }
    };
    format!(
        r#"
    {NOTE_REQUEST}
    if (loose_route()) {{ {relay}; exit; }}
    {in_transaction}
    if (method=="INVITE") {{ record_route(); }}
"#
    )
}

/// How the transit and the far proxy relay.
fn relay(others: Others) -> &'static str {
    match others {
        Others::Stateless => "forward()",
        Others::Stateful => "t_relay()",
    }
}

/// The transit proxy: routes blocks of numbers.
fn transit_script(others: Others, near: SocketAddr, far: SocketAddr) -> String {
    let (common, relay) = (common(others), relay(others));
    wrap(
        others,
        &format!(
            r#"
    {common}
    if (uri=~"^sip:\+41215509") {{ rewritehostport("{far}"); }}
    if (uri=~"^sip:\+41215501") {{ rewritehostport("{near}"); }}
    if (!{relay}) {{ sl_reply_error(); }}
"#
        ),
    )
}

/// The far proxy: registrar of its phone, and everything else to the transit.
fn far_script(others: Others, transit: SocketAddr) -> String {
    let (common, relay) = (common(others), relay(others));
    wrap(
        others,
        &format!(
            r#"
    if (method=="REGISTER") {{ {NOTE_REQUEST} save("location"); exit; }}
    {common}
    if (uri=~"^sip:\+41215501") {{
        rewritehostport("{transit}");
    }} else if (!lookup("location")) {{
        sl_reply_error();
        exit;
    }}
    if (!{relay}) {{ sl_reply_error(); }}
"#
        ),
    )
}

/// A script with its modules. One worker notes messages in the order in which they came, so
/// that a probe is noted last. The timers of a stateful proxy are long, so that a slow machine
/// adds no retransmissions to the count.
fn wrap(others: Others, statements: &str) -> String {
    let script = format!("children=1\n{}{NOTE_REPLIES}", scripts::route(statements));
    match others {
        Others::Stateless => script,
        Others::Stateful => format!(
            "loadmodule \"tm.so\"\n\
             modparam(\"tm\", \"retr_timer1\", 8000)\n\
             modparam(\"tm\", \"retr_timer2\", 16000)\n\
             {script}\nevent_route[sl:filtered-ack] {{ {NOTE_REQUEST} }}\n"
        ),
    }
}

/// P23, P24: S0 §3.1, with three stateless proxies. What the two others do not absorb passes:
/// every 100 and every 200 to CANCEL goes all the way back.
#[test]
fn cancelled_call_through_three_stateless_proxies() {
    let chain = Chain::new(Others::Stateless);
    chain.high.register(&chain.far);
    let count = chain.counted(|| cancelled(&chain, Direction::LowToHigh));
    // INVITE 3, 100 1+3, 180 3, CANCEL 3, its 200 1+3, 487 3, ACK 3.
    assert_eq!(count, Count { charted: 23, last_link: 7 });
    let count = chain.counted(|| cancelled(&chain, Direction::HighToLow));
    // INVITE 3, 100 2-1+3, 180 3, CANCEL 3, its 200 1+3, 487 3, ACK 3; on the last link the
    // answers of the near proxy and of the phone.
    assert_eq!(count, Count { charted: 25, last_link: 9 });
}

/// P24, P25: S0 §3.2, with three stateless proxies.
#[test]
fn answered_call_through_three_stateless_proxies() {
    let chain = Chain::new(Others::Stateless);
    let count = chain.counted(|| refused(&chain));
    // INVITE 3, own 100 1, 500 3, ACK 3; the far proxy takes the ACK to its own 500 without
    // showing it to the script.
    assert_eq!(count, Count { charted: 10 - 1, last_link: 0 });
    let count = chain.counted(|| {
        chain.low.register(&chain.near);
        chain.high.register(&chain.far);
    });
    assert_eq!(count, Count { charted: 2, last_link: 2 });
    let count = chain.counted(|| answered(&chain, Direction::LowToHigh, &[]));
    // INVITE 3, 100 1+3, 180 3, 200 3, ACK 3, BYE 3, its 200 3.
    assert_eq!(count, Count { charted: 22, last_link: 7 });
    let infos = [Direction::LowToHigh, Direction::HighToLow];
    let count = chain.counted(|| answered(&chain, Direction::HighToLow, &infos));
    // As the seed's 34, and one more 100: the near proxy's own goes through the transit.
    assert_eq!(count, Count { charted: 35, last_link: 12 });
}

/// P23, P24: S0 §3.1, 23 messages in each direction.
#[test]
fn cancelled_call_through_stateful_neighbours_takes_twenty_three_messages() {
    if !kamailio_is_installed() {
        return;
    }
    let chain = Chain::new(Others::Stateful);
    chain.high.register(&chain.far);
    let count = chain.counted(|| cancelled(&chain, Direction::LowToHigh));
    assert_eq!(count, Count { charted: 23, last_link: 7 });
    let count = chain.counted(|| cancelled(&chain, Direction::HighToLow));
    assert_eq!(count, Count { charted: 23, last_link: 7 });
}

/// P24, P25: S0 §3.2, 36 messages with the 500 before the registration, and 34 in the other
/// direction with an INFO from each side.
#[test]
fn answered_call_through_stateful_neighbours_takes_the_messages_of_the_seed() {
    if !kamailio_is_installed() {
        return;
    }
    let chain = Chain::new(Others::Stateful);
    let first = chain.counted(|| {
        refused(&chain);
        chain.low.register(&chain.near);
        chain.high.register(&chain.far);
        answered(&chain, Direction::LowToHigh, &[]);
    });
    assert_eq!(first.charted, 36);
    let infos = [Direction::LowToHigh, Direction::HighToLow];
    let second = chain.counted(|| answered(&chain, Direction::HighToLow, &infos));
    assert_eq!(second.charted, 34);
}
