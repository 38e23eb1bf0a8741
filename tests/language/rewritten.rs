//! Messages whose changes are made while the script runs.

use viaduct::jobs::Ending;
use viaduct::metrics::Counter;

use super::functions::forwarded;
use super::{ALICE, REQUEST, bench, log, shows};

#[test]
fn what_follows_reads_the_message_as_it_is_then() {
    shows(&[
        ("append_hf(\"X-N: 1\"); msg_apply_changes();", "$rc $hdr(X-N)", "1 1"),
        ("append_hf(\"X-N: 1\");", "$hdr(X-N)", "<null>"),
        ("remove_hf(\"X-List\"); msg_apply_changes();", "$hdr(X-List)", "<null>"),
        (
            "append_hf(\"X-N: 1\"); msg_apply_changes(); remove_hf(\"X-N\"); msg_apply_changes();",
            "$rc $hdr(X-N) $hdr(X-List)",
            "1 <null> one, two",
        ),
        (
            "set_body(\"hello\", \"text/plain\"); msg_apply_changes();",
            "$rb $cT $cl",
            "hello text/plain 5",
        ),
        ("$fu = \"sip:new@f\"; msg_apply_changes();", "$fu $ft", "sip:new@f f1"),
        (
            "$var(l) = $hdr(X-List); remove_hf(\"X-List\"); msg_apply_changes();",
            "$var(l)",
            "one, two",
        ),
        ("msg_apply_changes();", "$rc $ci", "1 call@a"),
    ]);
}

#[test]
fn what_was_decided_stays() {
    shows(&[
        (
            "$ru = \"sip:zz@q.com\"; $du = \"sip:1.2.3.4\"; msg_apply_changes();",
            "$ru $ou $du",
            "sip:zz@q.com sip:zz@q.com sip:1.2.3.4",
        ),
        (
            "$ru = \"sip:zz@q.com\"; append_branch(\"sip:a@b\"); setflag(3); msg_apply_changes();",
            "$br $mf",
            "sip:a@b 8",
        ),
        ("$rd = \"h\"; msg_apply_changes(); revert_uri();", "$ru", "sip:alice@h;x=1"),
    ]);
}

#[test]
fn a_message_that_would_be_malformed_stays_as_it_is() {
    for change in [
        "replace(\"CSeq: 77\", \"CSeq\");",
        "replace(\"^Via.*$\", \"Via: bogus\");",
        "record_route();",
    ] {
        let found = log(&format!("{change} msg_apply_changes(); xlog(\"L_ERR\", \"$rc $cs\");"));
        assert_eq!(found.last().map(String::as_str), Some("-1 77"), "{change}");
    }
    for text in ["", "hello", "SIP/2.0 200 OK\\r\\n\\r\\n", "INVITE sip:a@b SIP/2.0\\r\\n\\r\\n"] {
        let found = log(&format!("msg_set_buffer(\"{text}\"); xlog(\"L_ERR\", \"$rc $ru\");"));
        let last = found.last().map(String::as_str);
        assert_eq!(last, Some("-1 sip:alice@example.com;x=1"), "{text}");
    }
}

#[test]
fn changes_are_not_applied_without_end() {
    let body = "while ($var(i) < 20) { $var(i) = $var(i) + 1; append_hf(\"X-N: $var(i)\");
        if (!msg_apply_changes()) { xlog(\"L_ERR\", \"$var(i) $(hdr(X-N)[-1])\"); exit; } }";
    let found = log(body);
    assert_eq!(found.last().map(String::as_str), Some("17 16"));
}

#[test]
fn the_changed_message_is_forwarded() {
    let sent = forwarded(
        "append_hf(\"X-N: 1\\r\\n\"); $rU = \"bob\"; msg_apply_changes(); append_hf(\"X-M: $hdr(X-N)\\r\\n\");
         set_body(\"hi\", \"text/plain\"); record_route();",
    );
    assert!(sent.starts_with("INVITE sip:bob@example.com;x=1 SIP/2.0\r\nVia: "), "{sent}");
    assert!(sent.contains("\r\nX-N: 1\r\nX-M: 1\r\n"), "{sent}");
    assert!(sent.contains("\r\nContent-Length: 2\r\n") && sent.ends_with("\r\n\r\nhi"), "{sent}");
    assert!(sent.contains("\r\nMax-Forwards: 69\r\n"), "{sent}");
    assert!(sent.contains("\r\nRecord-Route: <sip:192.0.2.1;lr;ftag=f1>\r\n"), "{sent}");
}

#[test]
fn each_request_has_the_changes_that_were_made_by_then() {
    let script = "route { append_hf(\"X-N: 1\"); forward(192.0.2.20, 5060); msg_apply_changes();
        remove_hf(\"X-N\"); append_hf(\"X-M: $hdr(X-N)\"); forward(192.0.2.21, 5060);
        forward(192.0.2.22, 5060); sl_send_reply(\"404\", \"No\"); }";
    let sent = bench(script).send(ALICE, REQUEST);
    let texts = sent.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
    let texts: Vec<String> = texts.collect();
    let has = |at: usize, line: &str| texts[at].contains(&format!("\r\n{line}\r\n"));
    assert_eq!(sent.len(), 4);
    assert!(has(0, "X-N: 1") && !has(0, "X-M: 1"), "{}", texts[0]);
    for at in [1, 2] {
        assert!(!has(at, "X-N: 1") && has(at, "X-M: 1"), "{}", texts[at]);
    }
    assert!(texts[3].starts_with("SIP/2.0 404 No\r\n"), "{}", texts[3]);
}

#[test]
fn an_answer_comes_back_by_the_branch_of_a_changed_request() {
    let script = "route { append_hf(\"X-N: 1\"); msg_apply_changes(); forward(192.0.2.20, 5060); }
        onreply_route { append_hf(\"X-R: 1\"); msg_apply_changes(); append_hf(\"X-S: $hdr(X-R)\");
        set_body(\"hello\", \"text/plain\"); }";
    let mut bench = bench(script);
    let request = String::from_utf8_lossy(&bench.send(ALICE, REQUEST)[0].1).into_owned();
    let response = request.replace("INVITE sip:alice@example.com;x=1 SIP/2.0", "SIP/2.0 200 OK");
    let sent = bench.send("192.0.2.20:5060", response);
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    assert_eq!(sent[0].0, ALICE.parse().unwrap());
    assert!(text.starts_with("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.7;"), "{text}");
    assert!(text.contains("\r\nX-R: 1\r\nX-S: 1\r\n") && text.ends_with("\r\n\r\nhello"), "{text}");
    assert!(text.contains("\r\nContent-Length: 5\r\n"), "{text}");
}

#[test]
fn a_run_that_waits_keeps_its_message() {
    let script = "route { append_hf(\"X-N: 1\"); $rU = \"bob\"; msg_apply_changes(); append_hf(\"X-M: 2\");
        exec_cmd(\"true\"); append_hf(\"X-O: $hdr(X-N) $ou\"); msg_apply_changes(); append_hf(\"X-P: $hdr(X-M)\");
        forward(192.0.2.20, 5060); }";
    let mut bench = bench(script);
    assert!(bench.send(ALICE, REQUEST).is_empty());
    let sent = bench.finish(Ending::Exited(0), "");
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    let lines = "\r\nX-N: 1\r\nX-M: 2\r\nX-O: 1 sip:bob@example.com;x=1\r\nX-P: 2\r\n\r\n";
    assert!(text.ends_with(lines), "{text}");
}

#[test]
fn a_run_that_waits_is_not_held_against_what_it_has_changed() {
    let script = "route { $ru = \"foo:bar\"; append_hf(\"Proxy-Require: x\"); msg_apply_changes(); \
        exec_cmd(\"true\"); sl_send_reply(\"200\", \"$ou\"); }";
    let mut bench = bench(script);
    assert!(bench.send(ALICE, REQUEST).is_empty());
    let sent = bench.finish(Ending::Exited(0), "");
    assert!(sent[0].1.starts_with(b"SIP/2.0 200 foo:bar\r\n"));
}

#[test]
fn a_run_that_broke_our_via_goes_on_and_gives_its_locks_back() {
    let script = "route { forward(192.0.2.20, 5060); } onreply_route { lock(\"x\");
        replace(\"z9hG4bK\", \"z9hG4bKx\"); msg_apply_changes(); exec_cmd(\"true\");
        xlog(\"L_ERR\", \"$rs \"); }";
    let mut bench = bench(script);
    let request = String::from_utf8_lossy(&bench.send(ALICE, REQUEST)[0].1).into_owned();
    let response = request.replace("INVITE sip:alice@example.com;x=1 SIP/2.0", "SIP/2.0 200 OK");
    for log in ["200 ", "200 200 "] {
        assert_eq!(bench.send("192.0.2.20:5060", &response), []);
        assert_eq!(bench.finish(Ending::Exited(0), ""), []);
        assert_eq!(bench.log(), log);
    }
    assert_eq!(bench.counted(Counter::DroppedForeignResponse), 2);
}

#[test]
fn what_counted_max_forwards_down_is_counted_once() {
    let body = "mf_process_maxfwd_header(\"10\"); msg_apply_changes(); is_maxfwd_lt(\"69\");";
    shows(&[
        (body, "$rc $hdr(Max-Forwards)", "-1 69"),
        (&body.replace("(\"69", "(\"70"), "$rc", "1"),
        (&body.replace("msg_apply_changes();", ""), "$rc", "-1"),
        (&body.replace("msg_apply_changes(); is_maxfwd_lt(\"69", "is_maxfwd_lt(\"70"), "$rc", "1"),
    ]);
}

#[test]
fn a_response_is_shown_without_a_request_uri() {
    let script = "route { forward(192.0.2.20, 5060); } onreply_route { $ru = \"sip:new@b\";
        xlog(\"L_ERR\", \"$(mbu{s.substr,0,14})|\"); append_hf(\"X-R: 1\");
        xlog(\"L_ERR\", \"$mbu\"); }";
    let mut bench = bench(script);
    let request = String::from_utf8_lossy(&bench.send(ALICE, REQUEST)[0].1).into_owned();
    let response = request.replace("INVITE sip:alice@example.com;x=1 SIP/2.0", "SIP/2.0 200 OK");
    assert_eq!(bench.send("192.0.2.20:5060", response).len(), 1);
    let log = bench.log();
    assert!(log.starts_with("SIP/2.0 200 OK|SIP/2.0 200 OK\r\nVia: "), "{log}");
    assert!(log.ends_with("\r\nX-R: 1\r\n\r\n") && !log.contains("sip:new@b"), "{log}");
}

#[test]
fn another_message_can_take_its_place() {
    let sent = forwarded("msg_set_buffer(\"$(mb{re.subst,/X-List: three/X-Other: four/})\");");
    assert!(sent.contains("\r\nX-Other: four\r\n") && !sent.contains("three"), "{sent}");
}
