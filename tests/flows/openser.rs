//! One stateless proxy whose script writes out what passes: set-up only, cancelled, and the
//! whole call kept on the path.

use crate::support::scripts::{NOTE_REQUEST, PROBE};
use crate::support::{
    Dialog, Message, Phone, RequestHop, Server, assert_response_hop, barrier, differs_on_kamailio,
    scripts,
};

/// The script; `first` stands before the location service is asked.
fn script(first: &str) -> String {
    format!(
        r#"{modules}
route {{
    {PROBE}
    if (method=="REGISTER") {{ save("location"); exit; }};
    {NOTE_REQUEST}
    xlog("L_ERR", "[ Method $rm from $si ]\n$mb[ End of Request ]\n");
    {first}
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }};
    route(1);
}}
route[1] {{
    if(!forward())
        sl_reply_error();
    xlog("L_ERR", "Message is relayed; now exiting\n");
    exit;
}}
onreply_route[1] {{
    xlog("L_ERR", "[ Reply $rs ($rr) from $si concerning $rm ]\n");
}}
"#,
        modules = scripts::MODULES
    )
}

/// What keeps the proxy on the path of the whole call.
const RECORD_ROUTE: &str = r#"
    if(method!="REGISTER") {
        xlog("L_ERR", "Adding the Route header\n");
        record_route();
    }
    if(loose_route()) {
        xlog("L_ERR", "Loose Route\n");
        route(1);
    }
"#;

/// Two phones, 308 and 309, registered at the server.
struct Bench {
    server: Server,
    caller: Phone,
    callee: Phone,
}

impl Bench {
    /// With that before the location service is asked.
    fn new(first: &str) -> Self {
        let server = Server::start(&script(first));
        let bench = Self { server, caller: Phone::new("308"), callee: Phone::new("309") };
        bench.caller.register(&bench.server);
        bench.callee.register(&bench.server);
        bench
    }

    /// The caller's INVITE as it left and as it arrived.
    fn invite(&self) -> (Message, Message) {
        let server = self.server.address();
        let invite = self.caller.send(&self.caller.invite(&self.callee.aor(server)), server);
        (invite, self.callee.expect_request("INVITE"))
    }

    /// Passes a response from the callee to the caller.
    fn relay(&self, request: &Message, code: u16, reason: &str) -> Message {
        let sent = self.callee.answer(request, code, reason);
        let got = self.caller.expect_response(code, request.method());
        assert_response_hop(&sent, &got);
        got
    }

    /// The methods of the requests that the script saw.
    fn seen(&self) -> Vec<String> {
        barrier(&self.caller, &self.callee, &self.server);
        let log = self.server.log();
        let seen = log.lines().filter_map(|line| line.split_once("seen ")?.1.split(' ').next());
        seen.map(str::to_owned).collect()
    }
}

/// M01, M02, M04, M06, F05: S1 §2.5. ACK and BYE go directly, as nobody asked for more.
#[test]
fn call_without_record_route_leaves_the_proxy_after_the_answer() {
    let bench = Bench::new("");
    let server = bench.server.address();
    let (invite, arrived) = bench.invite();
    RequestHop::new(&invite, &arrived).uri(&bench.callee.uri()).check(server);
    bench.relay(&arrived, 100, "Trying");
    bench.relay(&arrived, 180, "Ringing");
    let answer = bench.relay(&arrived, 200, "OK");

    let calling = Dialog::of_caller(&bench.caller, &invite, &answer);
    assert_eq!(calling.next_hop(), bench.callee.address());
    let ack = calling.send(&calling.ack());
    assert_eq!(bench.callee.expect_request("ACK").raw, ack.raw);
    let mut called = Dialog::of_callee(&bench.callee, &arrived);
    let bye = called.request("BYE");
    let bye = called.send(&bye);
    let bye_arrived = bench.caller.expect_request("BYE");
    assert_eq!(bye_arrived.raw, bye.raw);
    let sent = bench.caller.answer(&bye_arrived, 200, "OK");
    assert_eq!(bench.callee.expect_response(200, "BYE").raw, sent.raw);
    assert_eq!(bench.seen(), ["INVITE"]);
}

/// M03, M08: S1 §2.6, the seven messages that reach the proxy, here without state.
#[test]
fn cancel_and_ack_of_a_cancelled_call_carry_the_branch_of_the_invite() {
    let bench = Bench::new("");
    let server = bench.server.address();
    let (invite, arrived) = bench.invite();
    bench.relay(&arrived, 100, "Trying");
    bench.relay(&arrived, 180, "Ringing");
    let cancel = bench.caller.send(&bench.caller.cancel(&invite), server);
    let cancel_arrived = bench.callee.expect_request("CANCEL");
    RequestHop::new(&cancel, &cancel_arrived).uri(&bench.callee.uri()).check(server);
    bench.relay(&cancel_arrived, 200, "OK");
    let terminated = bench.relay(&arrived, 487, "Request Cancelled");
    let ack = bench.caller.send(&bench.caller.ack_failure(&invite, &terminated), server);
    let ack_arrived = bench.callee.expect_request("ACK");
    RequestHop::new(&ack, &ack_arrived).uri(&bench.callee.uri()).check(server);
    for later in [&cancel_arrived, &ack_arrived] {
        assert_eq!(later.branch(), arrived.branch());
    }
    assert_eq!(bench.seen(), ["INVITE", "CANCEL", "ACK"]);
}

/// F05, F06, X02, X06: S1 §2.7. Only requests are logged, whole and as they arrived.
#[test]
fn stateless_script_logs_requests_as_they_arrived_and_no_replies() {
    let bench = Bench::new("");
    let (invite, arrived) = bench.invite();
    bench.relay(&arrived, 180, "Ringing");
    assert_eq!(bench.seen(), ["INVITE"]);
    bench.server.process().wait_for_log("Message is relayed; now exiting");
    let log = bench.server.log();
    assert!(log.contains("[ Method INVITE from 127.0.0.1 ]"), "{log}");
    let message = String::from_utf8(invite.raw).unwrap() + "[ End of Request ]";
    assert!(log.contains(&message), "{log}");
    assert!(!log.contains("[ Reply "), "{log}");
}

/// M05, M09, M13, M14, R01, R02: S1 §3, with Record-Route in every request but REGISTER.
#[test]
fn record_routed_call_passes_the_proxy_to_its_end() {
    let bench = Bench::new(RECORD_ROUTE);
    let server = bench.server.address();
    let (invite, arrived) = bench.invite();
    RequestHop::new(&invite, &arrived).uri(&bench.callee.uri()).record_routed(server).check(server);
    bench.relay(&arrived, 100, "Trying");
    bench.relay(&arrived, 180, "Ringing");
    let answer = bench.relay(&arrived, 200, "OK");
    assert_eq!(answer.items("Record-Route"), arrived.items("Record-Route"));

    let mut calling = Dialog::of_caller(&bench.caller, &invite, &answer);
    let mut called = Dialog::of_callee(&bench.callee, &arrived);
    let ack = calling.send(&calling.ack());
    let ack_arrived = bench.callee.expect_request("ACK");
    RequestHop::new(&ack, &ack_arrived).route_popped().record_routed(server).check(server);
    assert_ne!(ack_arrived.branch(), arrived.branch());

    let pressed =
        calling.request("INFO").body("application/dtmf-relay", "Signal=2\r\nDuration=4800");
    exchange(&bench, &calling.send(&pressed), true);
    if differs_on_kamailio("keeps the ftag of the caller in what the callee sends") {
        return;
    }
    let pressed = called.request("INFO").body("application/dtmf-relay", "Signal=3\r\nDuration=480");
    exchange(&bench, &called.send(&pressed), false);
    let bye = called.request("BYE");
    exchange(&bench, &called.send(&bye), false);
    assert_eq!(bench.seen(), ["INVITE", "ACK", "INFO", "INFO", "BYE"]);
}

/// One transaction within the dialog.
fn exchange(bench: &Bench, sent: &Message, from_caller: bool) {
    let (from, to) =
        if from_caller { (&bench.caller, &bench.callee) } else { (&bench.callee, &bench.caller) };
    let server = bench.server.address();
    let arrived = to.expect_request(sent.method());
    RequestHop::new(sent, &arrived).route_popped().record_routed(server).check(server);
    let answer = to.answer(&arrived, 200, "OK");
    assert_eq!(answer.items("Record-Route"), arrived.items("Record-Route"));
    assert_response_hop(&answer, &from.expect_response(200, sent.method()));
}
