//! The routing language, item by item: each test names the items of the contract that it shows
//! (C structure, O operators, U URI rewriting, F forwarding and replies, P PrimiSIP, R record
//! routing and text functions, X logging, G global parameters, M message facts).

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use core_support::{CoreBench, Sent};
use viaduct::metrics::Counter;

const ALICE: &str = "198.51.100.7:5060";

/// All modules that the tests use.
const MODULES: &str = r#"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "pv.so"
"#;

/// A request with the extra header lines and a body.
fn message(method: &str, uri: &str, extra: &str, body: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: \"Fred\" <sip:fred@from.example>;tag=f1\r\n\
         To: <sip:tom@to.example>\r\nCall-ID: call@a\r\nCSeq: 7 {method}\r\n{extra}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A core that runs the whole script, modules in front.
fn bench(globals: &str, routes: &str) -> CoreBench {
    CoreBench::new(&format!("{globals}\n{MODULES}\n{routes}"))
}

fn text(sent: &Sent) -> String {
    String::from_utf8_lossy(&sent.1).into_owned()
}

/// What `route { body reply }` puts into `X-` header fields of its reply, one after another, as
/// `name=value`; `routes` stand behind it.
fn marks_of(request: &str, body: &str, routes: &str) -> Vec<String> {
    let script = format!("route {{\n{body}\nsl_send_reply(\"200\", \"OK\");\n}}\n{routes}");
    let sent = bench("", &script).send(ALICE, request);
    assert_eq!(sent.len(), 1, "{body}");
    let text = text(&sent[0]);
    let marks = text.lines().filter_map(|line| line.strip_prefix("X-")?.split_once(": "));
    marks.map(|(name, value)| format!("{name}={value}")).collect()
}

/// The same for an ordinary OPTIONS.
fn marks(body: &str, routes: &str) -> Vec<String> {
    marks_of(&message("OPTIONS", "sip:alice@example.com", "", ""), body, routes)
}

/// A statement that marks the reply.
fn mark(name: &str, value: &str) -> String {
    format!("append_to_reply(\"X-{name}: {value}\\r\\n\");")
}

/// Whether each condition holds for the request.
fn hold(request: &str, conditions: &[(&str, bool)]) {
    let body: String = conditions
        .iter()
        .map(|(condition, _)| {
            format!("if ({condition}) {{ {} }} else {{ {} }}\n", mark("c", "yes"), mark("c", "no"))
        })
        .collect();
    let found = marks_of(request, &body, "");
    for ((condition, expected), found) in conditions.iter().zip(found) {
        assert_eq!(found == "c=yes", *expected, "{condition}");
    }
}

/// C01, C02, C20, G03, G04, G05: all sections in order, comments anywhere, stock style.
#[test]
fn a_script_of_all_sections_loads_and_runs() {
    let script = r#"
# ----------- global configuration parameters
debug=3         # debug level
fork=yes
log_stderror=yes
children=4
port=5060
alias="foo.bar" /* ours */

# ------------------ module loading
loadmodule "/usr/lib/ser/modules/tm.so"
loadmodule "/usr/lib/ser/modules/sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"

# ----------------- setting module-specific parameters
modparam("usrloc", "db_mode", 0)
modparam("rr", "enable_full_lr", 1)
modparam("tm", "fr_timer", 10)

route{
    if (!mf_process_maxfwd_header("10" /* hops */)) {
        sl_send_reply("483","Too Many Hops");
        break;
    };
    route(1);
}
route[1] { sl_send_reply("200", "ok"); }
onreply_route[1] { log(1, "reply\n"); }
"#;
    let sent = CoreBench::new(script).send(ALICE, message("OPTIONS", "sip:a@foo.bar", "", ""));
    assert!(text(&sent[0]).starts_with("SIP/2.0 200 ok\r\n"));
}

/// C03: regex backslashes are kept, `\n` is an escape where it is one.
#[test]
fn strings_keep_the_backslashes_of_regular_expressions() {
    hold(
        &message("OPTIONS", "sip:a@192.168.0.10", "", ""),
        &[(r#"uri=~"@192\.168\.0\.10$""#, true), (r#"uri=~"@192\.168\.0X10$""#, false)],
    );
}

/// C04, C10: compound statements, empty statements, single statements, dangling else.
#[test]
fn statements_nest_as_in_c() {
    let (a, b, c) = (mark("r", "a"), mark("r", "b"), mark("r", "c"));
    assert_eq!(marks(&format!("{{ {a} {b} }};;"), ""), ["r=a", "r=b"]);
    assert_eq!(marks(&format!("if (1 == 2) {a} else if (1 == 1) {b} else {c}"), ""), ["r=b"]);
    assert_eq!(marks(&format!("if (1 == 1) if (1 == 2) {a} else {b}"), ""), ["r=b"]);
}

/// C05, C06, C07: `route` is `route[0]`; blocks call each other, themselves as well.
#[test]
fn route_blocks_are_called_and_come_back() {
    let script = r#"
route[0] { $var(n) = 3; route(DOWN); append_to_reply("X-end: yes\r\n"); sl_send_reply("200", "OK"); }
route[DOWN] { append_to_reply("X-n: $var(n)\r\n"); $var(n) = $var(n) - 1; if ($var(n) > 0) route(DOWN); }
"#;
    let sent = bench("", script).send(ALICE, message("OPTIONS", "sip:a@b", "", ""));
    let text = text(&sent[0]);
    assert!(text.contains("X-n: 3\r\nX-n: 2\r\nX-n: 1\r\nX-end: yes\r\n"), "{text}");
}

/// C08: `on_reply_route` is taken for `onreply_route`; numbered ones wait for a transaction.
#[test]
fn numbered_reply_routes_do_not_run_without_a_transaction() {
    let script = r#"
route { forward(203.0.113.9, 5060); }
on_reply_route[1] { xlog("L_ERR", "numbered\n"); }
onreply_route { xlog("L_ERR", "all $rs $rr\n"); }
"#;
    let mut bench = bench("log_stderror=yes", script);
    let sent = bench.send(ALICE, message("INVITE", "sip:a@b", "", ""));
    let vias: String = text(&sent[0])
        .lines()
        .filter(|line| line.starts_with("Via"))
        .map(|line| format!("{line}\r\n"))
        .collect();
    let answer = format!(
        "SIP/2.0 486 Busy Here\r\n{vias}From: <sip:fred@from.example>;tag=f1\r\n\
         To: <sip:tom@to.example>;tag=t\r\nCall-ID: call@a\r\nCSeq: 7 INVITE\r\n\r\n"
    );
    assert_eq!(bench.send("203.0.113.9:5060", answer).len(), 1);
    assert_eq!(bench.log(), "all 486 Busy Here\n");
}

/// C11, C12, C13: `break` and `return` leave the block, `exit` the script.
#[test]
fn break_return_and_exit_leave_what_they_should() {
    let after = mark("r", "after");
    for (leave, expected) in [("break;", vec!["r=after"]), ("return;", vec!["r=after"])] {
        let routes = format!("route[A] {{ {leave} {} }}", mark("r", "dead"));
        assert_eq!(marks(&format!("route(A); {after}"), &routes), expected);
    }
    let routes = "route[A] { sl_send_reply(\"200\", \"inside\"); exit; }";
    let script = format!("route {{ route(A); sl_send_reply(\"500\", \"after\"); }} {routes}");
    let sent = bench("", &script).send(ALICE, message("OPTIONS", "sip:a@b", "", ""));
    assert_eq!(sent.len(), 1);
    assert!(text(&sent[0]).starts_with("SIP/2.0 200 inside"));
}

/// C14: nothing decided, nothing sent.
#[test]
fn a_request_that_falls_off_the_end_is_dropped() {
    let script = r#"route { if (method=="INVITE") { break; } setflag(1); }"#;
    for method in ["INVITE", "OPTIONS"] {
        assert_eq!(bench("", script).send(ALICE, message(method, "sip:a@b", "", "")), []);
    }
}

/// C15, C16, C17, C18: what a block or a function gives back decides a condition; 0 ends all.
#[test]
fn return_values_decide_conditions() {
    let body = format!(
        "if (route(P)) {{ {} }} if (route(N)) {{ {} }} if (!route(N)) {{ {} }} if (setflag(2)) {{ {} }}",
        mark("r", "positive"),
        mark("r", "wrong"),
        mark("r", "negative"),
        mark("r", "action")
    );
    let routes = "route[P] { return(7); } route[N] { return -1; }";
    assert_eq!(marks(&body, routes), ["r=positive", "r=negative", "r=action"]);
    for (condition, is_true) in [("1", true), ("0", false), ("-1", false), ("3 - 4", false)] {
        let (yes, no) = (mark("r", "yes"), mark("r", "no"));
        let found = marks(&format!("if ({condition}) {{ {yes} }} else {{ {no} }}"), "");
        assert_eq!(found, [if is_true { "r=yes" } else { "r=no" }], "{condition}");
    }
    let script = r#"route { if (route(Z)) { sl_send_reply("200","a"); } sl_send_reply("200","b"); } route[Z] { return 0; }"#;
    assert_eq!(bench("", script).send(ALICE, message("OPTIONS", "sip:a@b", "", "")), []);
}

/// C15, C16: `$?` is `$rc`, as in SER.
#[test]
fn the_last_return_value_can_be_asked_for() {
    let body = format!("route(R); $var(x) = $?; {}", mark("a", "$var(x)"));
    assert_eq!(marks(&body, "route[R] { return 7; }"), ["a=7"]);
}

/// C19: arguments quoted or not.
#[test]
fn arguments_may_be_quoted_or_bare() {
    for arguments in ["203.0.113.9, 5080", r#""203.0.113.9", "5080""#, r#""203.0.113.9", 5080"#] {
        let script = format!("route {{ forward({arguments}); }}");
        let sent = bench("", &script).send(ALICE, message("OPTIONS", "sip:a@b", "", ""));
        assert_eq!(sent[0].0, "203.0.113.9:5080".parse().unwrap(), "{arguments}");
    }
    for argument in ["2", "\"2\""] {
        assert_eq!(marks(&format!("strip({argument}); {}", mark("u", "$rU")), ""), ["u=ice"]);
    }
}

/// C21, X04: the dialect follows the first line.
#[test]
fn xlog_takes_percent_signs_in_the_dialect_of_ser() {
    let script = |first: &str, format: &str| {
        format!(
            "{first}\nloadmodule \"xlog.so\"\nroute {{ xlog(\"L_ERR\", \"{format}\\n\"); drop; }}"
        )
    };
    for (first, format) in
        [("#!SER", "%rm of %fu"), ("#!OPENSER", "$rm of $fu"), ("", "$rm of $fu")]
    {
        let mut bench = CoreBench::new(&script(first, format));
        bench.send(ALICE, message("OPTIONS", "sip:a@b", "", ""));
        assert_eq!(bench.log(), "OPTIONS of sip:fred@from.example\n", "{first}");
    }
}

/// C22, C23: the script runs once for each request, retransmissions included (F07).
#[test]
fn every_request_runs_the_script_from_the_top() {
    let mut bench = bench("debug=1", r#"route { log(1, "run\n"); sl_send_reply("404", "none"); }"#);
    for _ in 0..3 {
        assert_eq!(bench.send(ALICE, message("MESSAGE", "sip:a@b", "", "")).len(), 1);
    }
    assert_eq!(bench.log(), "run\nrun\nrun\n");
}

/// O01, O02, O07, O08, O09.
#[test]
fn operands_and_operators_of_the_core() {
    hold(
        &message("INVITE", "sip:foo@bar.com", "", ""),
        &[
            (r#"method=="INVITE""#, true),
            (r#"method!="REGISTER""#, true),
            (r#"method=~"^(IN|OPT)""#, true),
            (r#"method=="INVIT""#, false),
            (r#"uri=="sip:foo@bar.com""#, true),
            (r#"uri=="sip:foo@bar.com:5060""#, false),
            (r#"uri=~"FOO@BAR""#, true),
            (r#"!uri==myself"#, true),
            (r#"!method=="INVITE""#, false),
            (r#"not (method=="INVITE")"#, false),
            (r#"method=="INVITE" and uri=~"bar" or method=="ACK""#, true),
            (r#"(method=="ACK" || method=="INVITE") && uri=~"nope""#, false),
        ],
    );
}

/// O03, G02: the listen address and each alias are myself.
#[test]
fn myself_is_the_server_and_its_aliases() {
    let script =
        r#"route { if (uri==myself) sl_send_reply("200","in"); else sl_send_reply("404","out"); }"#;
    let mut bench = bench("alias=\"foo.bar\"\nalias=\"sales.foo.bar\"", script);
    for (uri, code) in [
        ("sip:a@foo.bar", "200"),
        ("sip:a@SALES.foo.bar;user=phone", "200"),
        ("sip:192.0.2.1", "200"),
        ("sip:a@192.0.2.1:5060", "200"),
        ("sip:a@192.0.2.1:5061", "404"),
        ("sips:a@192.0.2.1", "200"),
        ("sips:a@192.0.2.1:5061", "404"),
        ("sip:a@marketing.foo.bar", "404"),
        ("sip:foo.bar@other.example", "404"),
    ] {
        let sent = bench.send(ALICE, message("OPTIONS", uri, "", ""));
        assert!(text(&sent[0]).starts_with(&format!("SIP/2.0 {code}")), "{uri}");
    }
}

/// O04, O05, O06.
#[test]
fn source_and_destination_addresses() {
    hold(
        &message("OPTIONS", "sip:a@b", "", ""),
        &[
            ("src_ip==198.51.100.7", true),
            ("src_ip==198.51.100.0/24", true),
            ("src_ip==198.51.100.0/255.255.255.0", true),
            ("src_ip==192.168.0.0/16", false),
            ("src_ip!=198.51.100.7", false),
            ("src_ip==myself", false),
            ("dst_ip==192.0.2.1", true),
            ("dst_ip==myself", true),
            ("src_port==5060", true),
            ("src_port!=5060", false),
            ("dst_port==5060", true),
        ],
    );
}

/// O10.
#[test]
fn the_domain_pattern_matches_what_it_should() {
    let pattern = r#"uri=~"^sip:(.+@)?(192\.168\.0\.10|(sip\.)?foo\.bar)([:;\?].*)?$""#;
    for (uri, expected) in [
        ("sip:foo.bar", true),
        ("sip:a@sip.FOO.bar:5060;lr", true),
        ("sip:192.168.0.10", true),
        ("sip:192.168.0.101", false),
        ("sip:a@foo.bar.otherdomain.com", false),
        ("sip:a@xfoo.bar", false),
    ] {
        hold(&message("OPTIONS", uri, "", ""), &[(pattern, expected)]);
    }
}

/// O11, F03, L02: the numbering plan.
#[test]
fn the_numbering_plan_goes_all_four_ways() {
    let script = r#"
route {
    if (method=="REGISTER") { save("location"); break; }
    if (uri=~"^sip:[0-79][0-9]*@") {
        if (uri=~"^sip:1") { strip(1); forward(203.0.113.1, 5060); }
        else { forward(203.0.113.2, 5060); }
        break;
    } else {
        if (!lookup("location")) { sl_send_reply("404", "Not Found"); break; }
        forward(uri:host, uri:port);
    }
}"#;
    let mut bench = bench("", script);
    let register =
        message("REGISTER", "sip:192.0.2.1", "Contact: <sip:tom@203.0.113.3:5070>\r\n", "");
    assert!(text(&bench.send(ALICE, register)[0]).starts_with("SIP/2.0 200"));
    for (uri, to, line) in [
        ("sip:1212@b", "203.0.113.1:5060", "INVITE sip:212@b SIP/2.0"),
        ("sip:41215@b", "203.0.113.2:5060", "INVITE sip:41215@b SIP/2.0"),
        ("sip:tom@b", "203.0.113.3:5070", "INVITE sip:tom@203.0.113.3:5070 SIP/2.0"),
        ("sip:8002@b", "198.51.100.7:5060", "SIP/2.0 404 Not Found"),
    ] {
        let sent = bench.send(ALICE, message("INVITE", uri, "", ""));
        assert_eq!((sent[0].0, text(&sent[0]).lines().next()), (to.parse().unwrap(), Some(line)));
    }
}

/// U01 to U08, U10, U16: the table of URI rewriting.
#[test]
fn uri_rewriting_changes_its_part_only() {
    for (statements, expected) in [
        (r#"rewritehost("192.168.0.10");"#, "sip:12345@192.168.0.10:6060"),
        (r#"rewriteuri("sip:alice@foo.bar");"#, "sip:alice@foo.bar"),
        (r#"rewritehostport("192.168.0.10:3040");"#, "sip:12345@192.168.0.10:3040"),
        (r#"rewriteuser("alice");"#, "sip:alice@foo.bar:6060"),
        (r#"rewriteuserpass("alice:pw");"#, "sip:alice:pw@foo.bar:6060"),
        (r#"rewriteport("1234");"#, "sip:12345@foo.bar:1234"),
        (r#"prefix("9");"#, "sip:912345@foo.bar:6060"),
        ("strip(2);", "sip:345@foo.bar:6060"),
        (r#"sethost("h"); setport("1"); setuser("u");"#, "sip:u@h:1"),
        (r#"seth("h"); setp("1"); setu("u");"#, "sip:u@h:1"),
        (r#"seturi("sip:q@z:7"); revert_uri();"#, "sip:12345@foo.bar:6060"),
        (r#"strip(2); if (uri=~"^sip:3") { prefix("0"); }"#, "sip:0345@foo.bar:6060"),
    ] {
        let script = format!("route {{ {statements} forward(203.0.113.9, 5060); }}");
        let request = message("OPTIONS", "sip:12345@foo.bar:6060", "", "");
        let sent = bench("", &script).send(ALICE, request);
        let line = format!("OPTIONS {expected} SIP/2.0");
        assert_eq!(text(&sent[0]).lines().next(), Some(line.as_str()), "{statements}");
    }
}

/// U11, U12, U14, U15, F04, F08, F09: the destination set.
#[test]
fn a_redirect_lists_the_whole_destination_set_and_forward_uses_the_first() {
    let set = r#"rewriteuri("sip:one@203.0.113.1"); append_branch("sip:two@203.0.113.2");"#;
    let script = format!(r#"route {{ {set} sl_send_reply("300", "Redirect"); }}"#);
    let sent = bench("", &script).send(ALICE, message("INVITE", "sip:a@b", "", ""));
    let expected = "Contact: <sip:one@203.0.113.1>\r\nContact: <sip:two@203.0.113.2>\r\n";
    assert!(text(&sent[0]).contains(expected), "{}", text(&sent[0]));
    let script = format!("route {{ {set} forward(); }}");
    let sent = bench("", &script).send(ALICE, message("INVITE", "sip:a@b", "", ""));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, "203.0.113.1:5060".parse().unwrap());
}

/// U13: what `lookup` finds takes the place of the destination set.
#[test]
fn lookup_rewrites_the_destination_set() {
    let mut bench = bench(
        "",
        r#"route { if (is_method("REGISTER")) { save("location"); exit; }
            append_branch("sip:old@203.0.113.9"); lookup("location");
            sl_send_reply("302", "Moved"); }"#,
    );
    let moved = "Contact: <sip:nobody@b>\r\nContact: <sip:old@203.0.113.9>\r\n";
    let sent = bench.send(ALICE, message("INVITE", "sip:nobody@b", "", ""));
    assert!(text(&sent[0]).contains(moved), "nothing found, nothing changed: {}", text(&sent[0]));
    let contacts = "Contact: <sip:tom@203.0.113.1>, <sip:tom@203.0.113.2>;q=0.5\r\n";
    bench.send(ALICE, message("REGISTER", "sip:to.example", contacts, ""));
    let sent = bench.send(ALICE, message("INVITE", "sip:tom@to.example", "", ""));
    let found = "Contact: <sip:tom@203.0.113.2>;q=0.5\r\nContact: <sip:tom@203.0.113.1>\r\n";
    assert!(text(&sent[0]).contains(found), "{}", text(&sent[0]));
    assert!(!text(&sent[0]).contains("old"));
}

/// G06: a destination set has a limit.
#[test]
fn the_destination_set_is_limited_by_max_branches() {
    let script = r#"route { append_branch("sip:1@b"); append_branch("sip:2@b");
        if (!append_branch("sip:3@b")) sl_send_reply("300", "Full"); }"#;
    let sent = bench("max_branches=2", script).send(ALICE, message("INVITE", "sip:0@b", "", ""));
    assert_eq!(text(&sent[0]).matches("\r\nContact: ").count(), 3, "{}", text(&sent[0]));
}

/// G10: the global parameters of the administrator's guide are all understood.
#[test]
fn the_global_parameters_of_ser_load() {
    let globals = "#!SER\ndebug=3\nfork=no\nlog_stderror=yes\nlisten=127.0.0.1\nalias=\"foo.bar\"\n\
        dns=no\nrev_dns=no\nport=5060\nmaxbuffer=262144\nchildren=4\ncheck_via=no\n\
        syn_branch=yes\nmemlog=1\nsip_warning=no\nfifo=\"/tmp/ser_fifo\"\nfifo_mode=0600\n\
        server_signature=no\nreply_to_via=no\nuser=\"ser\"\nuid=5\ngroup=\"ser\"\ngid=5\n\
        mhomed=no\n";
    let script = r#"route { if (uri==myself) sl_send_reply("200", "Mine"); }"#;
    let sent = bench(globals, script).send(ALICE, message("OPTIONS", "sip:foo.bar", "", ""));
    assert!(text(&sent[0]).starts_with("SIP/2.0 200 Mine"));
    assert!(!text(&sent[0]).contains("\r\nServer:"));
}

/// G01: behind a NAT the server writes the address that the others see, and knows it.
#[test]
fn an_advertised_address_is_written_and_is_myself() {
    let script = r#"route { if (uri == myself) sl_send_reply("200", "Mine");
        else { if (!loose_route()) record_route(); forward(); } }"#;
    let mut bench = bench("listen=192.0.2.1:5060 advertise edge.example.net:5070", script);
    let sent = bench.send(ALICE, message("OPTIONS", "sip:edge.example.net:5070", "", ""));
    assert!(text(&sent[0]).starts_with("SIP/2.0 200 Mine"));
    let sent = bench.send(ALICE, message("INVITE", "sip:bob@203.0.113.5", "", ""));
    let forwarded = text(&sent[0]);
    assert!(forwarded.contains("\r\nVia: SIP/2.0/UDP edge.example.net:5070;branch=z9hG4bK"));
    assert!(forwarded.contains("\r\nRecord-Route: <sip:edge.example.net:5070;lr"));
    let answer = forwarded.replace("INVITE sip:bob@203.0.113.5 SIP/2.0", "SIP/2.0 200 OK");
    let sent = bench.send("203.0.113.5:5060", answer);
    assert_eq!(sent[0].0, ALICE.parse().unwrap(), "the top Via is known as the own one");
    assert!(!text(&sent[0]).contains("\r\nVia: SIP/2.0/UDP edge.example.net"));
    let route = "Route: <sip:edge.example.net:5070;lr>\r\n";
    let sent = bench.send(ALICE, message("BYE", "sip:bob@203.0.113.5", route, ""));
    assert_eq!(sent[0].0, "203.0.113.5:5060".parse().unwrap());
    assert!(!text(&sent[0]).contains("\r\nRoute:"));
}

/// F01, F02: where `forward()` goes.
#[test]
fn forward_goes_to_the_destination_uri_or_the_request_uri_or_where_it_is_told() {
    for (statements, to) in [
        ("forward();", "203.0.113.5:5060"),
        (r#"$du = "sip:203.0.113.6:5088"; forward();"#, "203.0.113.6:5088"),
        ("forward(203.0.113.7);", "203.0.113.7:5060"),
        ("forward(203.0.113.7, 5090);", "203.0.113.7:5090"),
        ("forward(uri:host, uri:port);", "203.0.113.5:5060"),
        (r#"forward("uri:host", "uri:port");"#, "203.0.113.5:5060"),
        (r#"$du = "sip:203.0.113.6:5088"; forward(uri:host, uri:port);"#, "203.0.113.6:5088"),
        (r#"$du = "sip:203.0.113.6:5088"; forward(203.0.113.7);"#, "203.0.113.7:5060"),
    ] {
        let script = format!("route {{ {statements} }}");
        let sent = bench("", &script).send(ALICE, message("INVITE", "sip:a@203.0.113.5", "", ""));
        assert_eq!(sent[0].0, to.parse().unwrap(), "{statements}");
        assert!(text(&sent[0]).starts_with("INVITE sip:a@203.0.113.5 SIP/2.0"), "URI unchanged");
    }
}

/// F06, F11, P18: a forward that fails can be told and answered.
#[test]
fn a_failed_forward_is_false_and_the_error_can_be_answered() {
    let script = "route { if (!forward()) sl_reply_error(); }";
    let sent = bench("", script).send(ALICE, message("OPTIONS", "sip:a@no.such.host", "", ""));
    assert!(text(&sent[0]).starts_with("SIP/2.0 478 Unresolvable destination (478/SL)"));
    let sent =
        bench("", "route { sl_reply_error(); }").send(ALICE, message("OPTIONS", "sip:a@b", "", ""));
    assert!(text(&sent[0]).starts_with("SIP/2.0 500 Server error occurred (1/SL)"));
}

/// P02 to P07, P09, X02: the variables of the seeds.
#[test]
fn the_variables_of_the_seeds() {
    let request = message("INVITE", "sip:+4121@example.com", "X-One: 1\r\n", "body");
    let mut bench = bench(
        "",
        r#"route { xlog("L_ERR", "$si|$sp|$rm|$ou|$ru|$rU|$du|$tu|$ft|$fu|$rb|$mb"); drop; }"#,
    );
    bench.send(ALICE, &request);
    assert_eq!(
        bench.log(),
        format!(
            "198.51.100.7|5060|INVITE|sip:+4121@example.com|sip:+4121@example.com|+4121|<null>|\
             sip:tom@to.example|f1|sip:fred@from.example|body|{request}"
        )
    );
}

/// P13, P14, P24, R01, R02, M09: record routing and loose routing.
#[test]
fn record_route_goes_on_top_and_loose_route_takes_it_off() {
    let script = r#"
modparam("rr", "enable_full_lr", 1)
route {
    if (loose_route()) { xlog("L_ERR", "du=$du\n"); forward(); exit; }
    record_route();
    forward(203.0.113.9, 5060);
}"#;
    let mut bench = bench("", script);
    let extra = "Record-Route: <sip:192.0.2.99;lr>\r\n";
    let sent = bench.send(ALICE, message("INVITE", "sip:a@b", extra, ""));
    let routes: Vec<String> = text(&sent[0])
        .lines()
        .filter(|line| line.starts_with("Record-Route"))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        routes,
        ["Record-Route: <sip:192.0.2.1;lr=on;ftag=f1>", "Record-Route: <sip:192.0.2.99;lr>"]
    );
    let own = "<sip:192.0.2.1;lr=on;ftag=f1>";
    for (extra, to, left) in [
        (format!("Route: {own}\r\n"), "203.0.113.20:5060", vec![]),
        (
            format!("Route: {own}\r\nRoute: <sip:203.0.113.8;lr>\r\n"),
            "203.0.113.8:5060",
            vec!["Route: <sip:203.0.113.8;lr>"],
        ),
        (
            format!("Route: {own} , <sip:203.0.113.8:99;lr>\r\n"),
            "203.0.113.8:99",
            vec!["Route: <sip:203.0.113.8:99;lr>"],
        ),
        (
            "Route: <sip:203.0.113.7;lr>\r\n".into(),
            "203.0.113.7:5060",
            vec!["Route: <sip:203.0.113.7;lr>"],
        ),
    ] {
        let sent = bench.send(ALICE, message("BYE", "sip:bob@203.0.113.20", &extra, ""));
        let text = text(&sent[0]);
        assert_eq!(sent[0].0, to.parse().unwrap(), "{extra}");
        let routes: Vec<&str> = text.lines().filter(|line| line.starts_with("Route")).collect();
        assert_eq!(routes, left);
        assert!(text.starts_with("BYE sip:bob@203.0.113.20 SIP/2.0"));
    }
    assert!(bench.log().starts_with("du=<null>\ndu=sip:203.0.113.8;lr\n"), "{}", bench.log());
}

/// RFC 3261 §16.4 and §16.6 step 6: routers that put the next hop into the Request-URI.
#[test]
fn strict_routers_before_and_after_are_served() {
    let script = "route { loose_route(); forward(); }";
    let after = message(
        "BYE",
        "sip:bob@203.0.113.20",
        "Route: <sip:192.0.2.1;lr>\r\nRoute: <sip:203.0.113.8>\r\n",
        "",
    );
    let sent = bench("", script).send(ALICE, after);
    let found = text(&sent[0]);
    assert_eq!(sent[0].0, "203.0.113.8:5060".parse().unwrap());
    assert!(found.starts_with("BYE sip:203.0.113.8 SIP/2.0"), "{found}");
    assert!(found.contains("\r\nRoute: <sip:bob@203.0.113.20>\r\n"), "{found}");
    let before = message(
        "BYE",
        "sip:192.0.2.1;lr",
        "Route: <sip:203.0.113.8;lr>, <sip:bob@203.0.113.20>\r\n",
        "",
    );
    let sent = bench("", script).send(ALICE, before);
    let found = text(&sent[0]);
    assert_eq!(sent[0].0, "203.0.113.8:5060".parse().unwrap());
    assert!(found.starts_with("BYE sip:bob@203.0.113.20 SIP/2.0"), "{found}");
    assert!(found.contains("\r\nRoute: <sip:203.0.113.8;lr>\r\n"), "{found}");
}

/// P21: the sample logic, message by message, is in the flow tests; here its 100 and 200.
#[test]
fn several_replies_and_a_forward_go_out_for_one_request() {
    let script = r#"route { sl_send_reply("100", "Giving a try"); forward(203.0.113.9, 5060); }"#;
    let sent = bench("", script).send(ALICE, message("INVITE", "sip:a@b", "", ""));
    assert_eq!(sent.len(), 2);
    let first = text(&sent[0]);
    assert!(first.starts_with("SIP/2.0 100 Giving a try\r\n"));
    assert!(!first.contains("To: <sip:tom@to.example>;tag"), "a 100 needs no tag");
}

/// P26: must parse and run; `t_relay` is refused as long as there are no transactions.
#[test]
fn the_openser_sample_runs_with_forward() {
    let script = r#"
#!OPENSER
loadmodule "xlog.so"
loadmodule "rr.so"
route {
  if (loose_route())
  {
    xlog("L_NOTICE","$CrxLoose Route$Cxx\n");
    forward();
    xlog("L_INFO","ou=$ou\n");
    xlog("L_INFO","ru=$ru\n");
    xlog("L_INFO","du=$du\n");
    exit;
  };
}"#;
    let mut bench = CoreBench::new(&format!("debug=3\n{script}"));
    let extra = "Route: <sip:192.0.2.1;lr>\r\n";
    assert_eq!(bench.send(ALICE, message("BYE", "sip:bob@203.0.113.20", extra, "")).len(), 1);
    let log = bench.log();
    assert!(log.contains("Loose Route") && log.contains("ou=sip:bob@203.0.113.20\n"), "{log}");
}

/// R03, M07.
#[test]
fn mf_process_maxfwd_header_counts_once() {
    let script = r#"route {
        if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
        forward(203.0.113.9, 5060);
    }"#;
    let mut bench = bench("", script);
    for (field, found) in [("Max-Forwards: 70\r\n", "69"), ("Max-Forwards: 1\r\n", "0"), ("", "10")]
    {
        let request = message("OPTIONS", "sip:a@b", "", "").replace("Max-Forwards: 70\r\n", field);
        let text = text(&bench.send(ALICE, request)[0]);
        let line = text.lines().find_map(|line| line.strip_prefix("Max-Forwards:"));
        assert_eq!(line.map(str::trim), Some(found), "{field}");
        assert_eq!(text.matches("Max-Forwards").count(), 1);
    }
    let request =
        message("OPTIONS", "sip:a@b", "", "").replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert!(text(&bench.send(ALICE, request)[0]).starts_with("SIP/2.0 483"));
}

/// R04, R05, R06: search over lines, any case, header and body.
#[test]
fn search_sees_lines() {
    let private = r#"search("^(Contact|m): .*@(192\.168\.|10\.|172\.16)")"#;
    for (extra, expected) in [
        ("Contact: <sip:x@192.168.1.2>\r\n", true),
        ("m: <sip:x@10.0.0.1:5060>\r\n", true),
        ("Contact: <sip:192.168.1.1@1.2.3.4>\r\n", false),
        ("X-Contact: <sip:x@10.0.0.1>\r\n", false),
    ] {
        hold(&message("INVITE", "sip:a@b", extra, ""), &[(private, expected)]);
    }
    hold(
        &message("INVITE", "sip:a@b", "", "v=0\r\na=sendrecv\r\n"),
        &[
            (r#"search("^a=sendrecv")"#, true),
            (r#"search_body("SENDRECV")"#, true),
            (r#"search_body("From")"#, false),
            (r#"search("(f|From): .*@from\.example")"#, true),
            (r#"search("^rom:")"#, false),
        ],
    );
}

/// R07.
#[test]
fn flags_are_set_and_reset() {
    let body = format!(
        "setflag(3); if (isflagset(3)) {{ {} }} resetflag(3); if (isflagset(3)) {{ {} }}",
        mark("r", "set"),
        mark("r", "still")
    );
    assert_eq!(marks(&body, ""), ["r=set"]);
}

/// R09, X01: what is above the debug level is not written.
#[test]
fn log_lines_are_filtered_by_level() {
    let script = r#"route {
        log(1, "one\n"); log("plain\n"); xlog("L_DBG", "debug\n"); xlog("L_ERR", "error\n"); log(3, "three\n"); drop;
    }"#;
    let mut bench = bench("debug=1", script);
    bench.send(ALICE, message("OPTIONS", "sip:a@b", "", ""));
    let log = bench.log();
    assert!(log.contains("one\n") && log.contains("error\n"), "{log}");
    assert!(!log.contains("debug") && !log.contains("three"), "{log}");
}

/// X03: colours.
#[test]
fn colours_are_terminal_sequences() {
    let script = r#"route { xlog("L_ERR", "$Cbg[x]$Cxx $C(Rx)y$C(xx)"); drop; }"#;
    let mut bench = bench("", script);
    bench.send(ALICE, message("OPTIONS", "sip:a@b", "", ""));
    let log = bench.log();
    assert!(log.contains("\u{1b}[") && log.contains("[x]") && log.contains('y'), "{log:?}");
}

/// G09: who answers.
#[test]
fn the_server_header_identifies_the_server() {
    let script = "route { sl_send_reply(\"200\", \"OK\"); }";
    let server = |globals: &str| {
        let text =
            text(&bench(globals, script).send(ALICE, message("OPTIONS", "sip:a@b", "", ""))[0]);
        text.lines().find(|line| line.starts_with("Server:")).map(str::to_owned)
    };
    assert_eq!(server("server_header=\"Server: PrimiSIP\""), Some("Server: PrimiSIP".into()));
    assert!(server("").is_some_and(|line| line.starts_with("Server: Viaduct")));
    assert_eq!(server("server_signature=no"), None);
}

#[test]
fn route_blocks_that_call_others_again_and_again_are_cut_off() {
    // Each calls the next one twice: without a bound there would be a thousand million calls.
    let mut script = "route { route(R0); }".to_owned();
    for block in 0..30 {
        let next = block + 1;
        script += &format!(" route[R{block}] {{ route(R{next}); route(R{next}); }}");
    }
    let mut bench = bench("", &(script + " route[R30] { return; }"));
    let sent = bench.send(ALICE, message("OPTIONS", "sip:alice@example.com", "", ""));
    assert!(text(&sent[0]).starts_with("SIP/2.0 500 "), "{}", text(&sent[0]));
    assert_eq!(bench.counted(Counter::ScriptFuelExhausted), 1);
}
