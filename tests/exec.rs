//! Scripts that wait for commands of the shell: what the core does, with answers that the test
//! gives in place of the shell.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/core.rs"]
mod core_support;

use core_support::{CoreBench, Sent};
use viaduct::jobs::{Answer, Completion, Ending, ShellCommand};
use viaduct::limits::{SUSPENDED_BYTES_MAX, SUSPENDED_COUNT_MAX};
use viaduct::metrics::Counter;

const PHONE: &str = "198.51.100.7:5060";
const DONE: Ending = Ending::Exited(0);

/// A core with that main route, and `exec` loaded.
fn bench(statements: &str) -> CoreBench {
    let modules = ["exec", "sl", "pv", "textops", "xlog"];
    let modules = modules.map(|name| format!("loadmodule \"{name}.so\"\n")).concat();
    CoreBench::new(&format!("debug=3\n{modules}route {{\n{statements}\n}}\n"))
}

/// A request with further header lines and a body.
fn request(uri: &str, more: &str, body: &str) -> String {
    format!(
        "MESSAGE {uri} SIP/2.0\r\nv: SIP/2.0/UDP {PHONE};branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: \"A\" <sip:alice@example.com>;tag=f1\r\nTo: <sip:bob@example.com>;tag=t1\r\n\
         Call-ID: call@a\r\nCSeq: 7 MESSAGE\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A plain request.
fn plain() -> String {
    request("sip:bob@198.51.100.8", "", "")
}

/// The first lines of what is sent.
fn lines(sent: &[Sent]) -> Vec<String> {
    let line = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().next().unwrap().to_owned();
    sent.iter().map(|(to, bytes)| format!("{to} {}", line(bytes))).collect()
}

/// The Contact headers of an answer.
fn contacts(sent: &[Sent]) -> Vec<String> {
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    let contacts = text.lines().filter_map(|line| line.strip_prefix("Contact: "));
    contacts.map(str::to_owned).collect()
}

/// The command that waits to be run.
fn command(bench: &CoreBench) -> ShellCommand {
    bench.orders.take().unwrap().command.clone()
}

/// The value of a variable of the environment.
fn variable(command: &ShellCommand, name: &str) -> Option<String> {
    let mut variables = command.environment.iter();
    let found = variables.find(|(known, _)| known == name.as_bytes());
    found.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
}

#[test]
fn e01_a_command_gets_the_message_and_its_source_address() {
    let mut bench = bench("exec_msg(\"printenv SRCIP; cat\"); sl_send_reply(\"200\", \"OK\");");
    let message = request("sip:bob@example.com", "X-A: 1\r\nm: <sip:c>\r\nx-a:  2\r\n", "hello");
    assert_eq!(bench.send(PHONE, &message), []);
    let order = bench.orders.take().unwrap();
    let command = order.command.clone();
    assert_eq!(command.line, b"printenv SRCIP; cat");
    assert_eq!(command.input, message.as_bytes());
    assert!(!command.wants_output);
    for (name, value) in [
        ("SRCIP", "198.51.100.7"),
        ("SIP_SRCIP", "198.51.100.7"),
        ("SIP_RURI", "sip:bob@example.com"),
        ("SIP_ORURI", "sip:bob@example.com"),
        ("SIP_USER", "bob"),
        ("SIP_OUSER", "bob"),
        ("SIP_DID", "t1"),
        ("SIP_HF_FROM", "\"A\" <sip:alice@example.com>;tag=f1"),
        ("SIP_HF_VIA", "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1"),
        ("SIP_HF_CONTACT", "<sip:c>"),
        ("SIP_HF_CALLID", "call@a"),
        ("SIP_HF_CALL_ID", "call@a"),
        ("SIP_HF_MAX_FORWARDS", "70"),
        ("SIP_HF_X_A", "1,2"),
    ] {
        assert_eq!(variable(&command, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(variable(&command, "SIP_TID").unwrap().len(), 32);
    drop(order);
    assert_eq!(lines(&bench.take_answers()), [format!("{PHONE} SIP/2.0 200 OK")]);
}

#[test]
fn e01_a_transaction_has_one_identifier() {
    let mut bench = bench("exec_msg(\"true\");");
    let mut identifier = |message: &str| {
        bench.send(PHONE, message);
        variable(&command(&bench), "SIP_TID").unwrap()
    };
    for branch in ["z9hG4bK1", "old"] {
        let request = plain().replace("z9hG4bK1", branch).replace("MESSAGE", "INVITE");
        let own = identifier(&request);
        assert_eq!(identifier(&request), own);
        assert_eq!(identifier(&request.replace("INVITE", "CANCEL")), own);
        assert_ne!(identifier(&request.replace(branch, &format!("{branch}2"))), own);
    }
    let old = plain().replace("z9hG4bK1", "old");
    let own = identifier(&old);
    assert_ne!(identifier(&old.replace("call@a", "call@b")), own);
}

#[test]
fn the_environment_tells_nothing_without_setvars() {
    let mut bench = CoreBench::new(
        "loadmodule \"exec.so\"\nmodparam(\"exec\", \"setvars\", 0)\n\
         modparam(\"exec\", \"time_to_kill\", 2)\nroute { exec_msg(\"x $rU\"); exec_cmd(\"y\"); }",
    );
    bench.send(PHONE, plain());
    let own = [(b"SIP_VALUE_1".to_vec(), b"bob".to_vec())];
    let order = bench.orders.take().unwrap();
    assert_eq!((&order.command.environment[..], order.command.time_ms), (&own[..], 2_000));
    drop(order);
    bench.take_answers();
    let command = command(&bench);
    assert_eq!((command.environment, command.input), (Vec::new(), Vec::new()));
}

#[test]
fn e02_the_lines_of_the_output_become_the_destination_set() {
    let mut bench = bench(
        "$du = \"sip:192.0.2.77\"; append_branch(\"sip:gone@example.com\");
         if (exec_dset(\"/lcr -x\")) sl_send_reply(\"302\", \"$ru $du\"); else exit;",
    );
    assert_eq!(bench.send(PHONE, plain()), []);
    let output = "\n sip:x\nsip:b@192.0.2.8\r\n\n";
    let command = {
        let order = bench.orders.take().unwrap();
        let command = order.command.clone();
        let output = output.replace(" sip:x", "sip:a@192.0.2.7  ").into_bytes();
        order.answer(Answer { ending: DONE, output });
        command
    };
    assert_eq!(command.line, br#"/lcr -x "${SIP_VALUE_1}""#);
    assert_eq!(variable(&command, "SIP_VALUE_1").unwrap(), "sip:bob@198.51.100.8");
    assert!(command.wants_output && command.input.is_empty());
    let sent = bench.take_answers();
    assert_eq!(lines(&sent), [format!("{PHONE} SIP/2.0 302 sip:a@192.0.2.7 <null>")]);
    assert_eq!(contacts(&sent), ["<sip:a@192.0.2.7>", "<sip:b@192.0.2.8>"]);
}

#[test]
fn u09_the_exercise_ends_in_134_at_foo_bar() {
    let mut bench = bench(
        "exec_dset(\"echo sip:2234@foo.bar; echo > /dev/null\"); strip(2);
         if (uri=~\"^sip:2\") { prefix(\"0\"); } else { prefix(\"1\"); };
         sl_send_reply(\"200\", \"$ru\");",
    );
    bench.send(PHONE, plain());
    let line = "echo sip:2234@foo.bar; echo > /dev/null \"${SIP_VALUE_1}\"";
    let order = bench.orders.take().unwrap();
    assert_eq!(String::from_utf8_lossy(&order.command.line), line);
    let output = b"sip:2234@foo.bar\n".to_vec();
    order.answer(Answer { ending: DONE, output });
    let sent = bench.take_answers();
    assert_eq!(lines(&sent), [format!("{PHONE} SIP/2.0 200 sip:134@foo.bar")]);
}

#[test]
fn f10_the_redirect_example_answers_with_both_uris_or_an_error() {
    let script = "exec_msg(\"printenv SRCIP > /tmp/exectest.txt; cat >> /tmp/exectest.txt\");
        if (exec_dset(\"echo sip:mra@foo.bar;echo sip:mrb@foo.bar;\")) {
            sl_send_reply(\"300\", \"Redirect\");
        } else {
            sl_reply_error();
            log(1, \"alas, rewriting failed\\n\");
        };";
    let mut bench = bench(script);
    bench.send(PHONE, plain());
    assert_eq!(bench.finish(DONE, ""), []);
    let sent = bench.finish(DONE, "sip:mra@foo.bar\nsip:mrb@foo.bar\n");
    assert_eq!(contacts(&sent), ["<sip:mra@foo.bar>", "<sip:mrb@foo.bar>"]);
    bench.send(PHONE, plain());
    bench.finish(DONE, "");
    let sent = bench.finish(Ending::Exited(127), "");
    assert!(lines(&sent)[0].contains(" SIP/2.0 500 "), "{sent:?}");
    assert!(bench.log().contains("alas, rewriting failed"));
}

#[test]
fn an_output_that_is_no_destination_set_gives_false() {
    let mut bench = bench(
        "if (exec_dset(\"x\")) $var(r) = \"yes\"; else $var(r) = \"no\";
         sl_send_reply(\"200\", \"$var(r) $ru\");",
    );
    let many = "sip:a@b\n".repeat(50);
    for (ending, output, reason) in [
        (DONE, "", "no sip:bob@198.51.100.8"),
        (DONE, " \n\r\n", "no sip:bob@198.51.100.8"),
        (DONE, "sip:a@b>\nsip:c@d", "no sip:bob@198.51.100.8"),
        (DONE, "nonsense", "no sip:bob@198.51.100.8"),
        (DONE, "sip:a@b\nsip:c d", "no sip:bob@198.51.100.8"),
        (DONE, &many, "no sip:bob@198.51.100.8"),
        (Ending::Exited(4), "sip:a@b", "no sip:a@b"),
        (Ending::Late, "", "no sip:bob@198.51.100.8"),
        (DONE, "sip:a@b", "yes sip:a@b"),
    ] {
        bench.send(PHONE, plain());
        let sent = bench.finish(ending, output);
        assert_eq!(lines(&sent), [format!("{PHONE} SIP/2.0 200 {reason}")], "{output:?}");
    }
}

#[test]
fn lines_of_the_output_become_values_of_avps() {
    let mut bench = bench(
        "exec_avp(\"a\"); exec_avp(\"b\", \"$avp(x);$var(y), $avp(s:z)\");
         sl_send_reply(\"200\", \"$avp(i:1) $avp(i:2) $avp(x) $var(y) $avp(z) $avp(i:4)\");",
    );
    bench.send(PHONE, plain());
    assert_eq!(bench.finish(DONE, "one\n\ntwo  \n"), []);
    let sent = bench.finish(DONE, "1\n2\n3\n4");
    assert_eq!(lines(&sent), [format!("{PHONE} SIP/2.0 200 one two 1 2 3 4")]);
}

#[test]
fn a_failed_command_is_false_and_what_it_cannot_tell_is_logged() {
    let functions = ["exec_msg(\"x\")", "exec_cmd(\"x\")", "exec_avp(\"x\")"];
    for function in functions {
        let script = format!(
            "if ({function}) {{ sl_send_reply(\"200\", \"yes\"); }}
             else {{ sl_send_reply(\"200\", \"no $rc\"); }}"
        );
        let mut bench = bench(&script);
        for (ending, logged) in [
            (Ending::Exited(1), ""),
            (Ending::Late, "was not done in its time\n"),
            (Ending::TooLoud, "was killed: its output is too long\n"),
            (Ending::NotStarted, "could not be started\n"),
            (Ending::Killed, "was killed\n"),
        ] {
            bench.send(PHONE, plain());
            let sent = bench.finish(ending, "");
            assert_eq!(lines(&sent), [format!("{PHONE} SIP/2.0 200 no -1")]);
            assert!(bench.log().ends_with(logged), "{}", bench.log());
        }
    }
}

#[test]
fn what_a_message_brings_is_never_read_by_the_shell() {
    let mut bench = bench("exec_msg(\"logger $fn '$tU' \\\"to $hdr(X-Evil)\\\" $$HOME\");");
    let evil = "\"$(id)`id`';id;\" <sip:alice@example.com>;tag=f1";
    let message = plain().replace("\"A\" <sip:alice@example.com>;tag=f1", evil);
    let message = message.replace("CSeq", "X-Evil: () { :;}; \0$(id)\r\n \"folded\"\r\nCSeq");
    bench.send(PHONE, message);
    let command = command(&bench);
    assert_eq!(
        String::from_utf8_lossy(&command.line),
        r#"logger "${SIP_VALUE_1}" ''"${SIP_VALUE_2}"'' "to ${SIP_VALUE_3}" $HOME"#
    );
    assert_eq!(variable(&command, "SIP_VALUE_1").unwrap(), "\"$(id)`id`';id;\"");
    let header = " { :;}; $(id)   \"folded\"";
    assert_eq!(variable(&command, "SIP_VALUE_3").as_deref(), Some(header));
    assert_eq!(variable(&command, "SIP_HF_X_EVIL").as_deref(), Some(header));
}

#[test]
fn in_the_dialect_of_ser_a_dollar_is_for_the_shell() {
    let mut bench = CoreBench::new(
        "#!SER\nloadmodule \"exec.so\"\n\
         route { exec_msg(\"a $SIP_HF_FROM $1 $(date) ${HOME} %rm $rU\"); }",
    );
    bench.send(PHONE, plain());
    let line = b"a $SIP_HF_FROM $1 $(date) ${HOME} %rm \"${SIP_VALUE_1}\"";
    assert_eq!(command(&bench).line, line);
}

/// E01: what the command finds in its environment can be written as the shell does.
#[test]
fn the_names_of_the_environment_are_for_the_shell() {
    let mut bench = bench("exec_msg(\"(echo SRCIP: $SRCIP $SIP_RURI $rU; cat) >> x\");");
    bench.send(PHONE, plain());
    let line = b"(echo SRCIP: $SRCIP $SIP_RURI \"${SIP_VALUE_1}\"; cat) >> x";
    assert_eq!(command(&bench).line, line);
}

#[test]
fn everything_that_a_run_knows_is_there_when_it_goes_on() {
    let mut bench = bench(
        "$var(x) = 7; $var(y) = $fU + \"!\"; $avp(a) = \"first\"; $avp(a) = \"second\";
         setflag(3); append_to_reply(\"X-Kept: $fU\\r\\n\"); append_branch(\"sip:b@x\", \"0.5\");
         $ru = \"sip:\" + $fU + \"@192.0.2.9\"; force_rport();
         route(DEEP); $var(y) = $var(y) + $rc;
         if (isflagset(3)) sl_send_reply(\"300\", \"$var(x) $var(y) $avp(a) $(avp(a)[1]) $mi $tU\");
         }
         route[DEEP] { route(DEEPER); return 5; }
         route[DEEPER] {
         while ($var(n) < 3) {
             $var(n) = $var(n) + 1;
             if ($var(n) == 2 && !exec_cmd(\"x $var(n)\") && 1 + 1 == 2) xlog(\"was $var(n)\\n\");
         }
         return -1;",
    );
    assert_eq!(bench.send(PHONE, plain()), []);
    bench.send("198.51.100.9:5060", plain().replace("alice", "someone-else"));
    let sent = bench.finish(Ending::Exited(1), "");
    assert_eq!(lines(&sent), [format!("{PHONE} SIP/2.0 300 7 alice!5 second first 1 bob")]);
    assert_eq!(contacts(&sent), ["<sip:alice@192.0.2.9>", "<sip:b@x>;q=0.5"]);
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    assert!(text.contains("X-Kept: alice\r\n") && text.contains(";rport=5060"), "{text}");
    assert_eq!(bench.log(), "was 2\n");
    let sent = bench.finish(DONE, "");
    assert!(lines(&sent)[0].contains("7 someone-else!5 second first 2 bob"), "{sent:?}");
}

#[test]
fn attributes_states_of_modules_and_prepared_branches_are_kept_too() {
    let mut bench = bench(
        "$xavp(call=>leg) = \"one\"; $xavp(call[0]=>leg) = $fU; $xavp(call) = 1; $xavu(n) = 4; setsflag(2);
         $sbranch(uri) = \"sip:later@192.0.2.7\"; $sbranch(flags) = 8;
         append_branch(\"sip:b@x\"); $(branch(flags)[0]) = 2;
         if (!exec_cmd(\"x\")) exit;
         sbranch_append();
         sl_send_reply(\"300\", \"$xavp(call[1]=>leg) $xavp(call) $xavu(n) $sf $(branch(flags)[0]) $(branch(flags)[1])\");",
    );
    assert_eq!(bench.send(PHONE, plain()), []);
    bench.send(PHONE, plain().replace("alice", "someone-else"));
    let sent = bench.finish(DONE, "");
    assert_eq!(lines(&sent), [format!("{PHONE} SIP/2.0 300 alice 1 4 4 2 8")]);
    assert_eq!(contacts(&sent)[1..], ["<sip:b@x>", "<sip:later@192.0.2.7>"]);
}

#[test]
fn a_request_is_forwarded_as_if_it_had_not_waited() {
    let waiting = |wait: &str| {
        let modules = ["exec", "rr", "textops"].map(|name| format!("loadmodule \"{name}.so\"\n"));
        CoreBench::new(&format!(
            "{}route {{ remove_hf(\"Subject\"); append_hf(\"X-Own: 1\\r\\n\"); record_route();
             add_rr_param(\";a=b\"); {wait} forward(); }}",
            modules.concat()
        ))
    };
    let message = request("sip:bob@198.51.100.8", "Subject: x\r\n", "body");
    let direct = waiting("").send(PHONE, &message);
    let mut bench = waiting("exec_msg(\"x\");");
    assert_eq!(bench.send(PHONE, &message), []);
    assert_eq!(bench.finish(DONE, ""), direct);
    assert_eq!(direct.len(), 1);
    assert_eq!(bench.counted(Counter::ForwardedRequests), 1);
    assert_eq!(bench.counted(Counter::ReceivedRequests), 1);
    assert_eq!(bench.counted(Counter::ScriptSuspensions), 1);
    assert_eq!(bench.counted(Counter::DroppedByScript), 0);
}

/// Every reply and every forward of the examples waits, and what is sent is the same.
#[test]
fn the_examples_do_the_same_if_they_wait_before_each_step() {
    for name in ["default", "edge", "numbering-plan", "primisip", "redirect"] {
        let path = format!("{}/examples/{name}.cfg", env!("CARGO_MANIFEST_DIR"));
        let script = std::fs::read_to_string(path).unwrap();
        let waits = |line: &str| {
            let steps = ["forward()", "sl_send_reply(", "save(", "record_route()", "exit;"];
            let is_step = steps.iter().any(|step| line.trim_start().starts_with(step));
            if is_step { format!("exec_cmd(\"x\"); {line}\n") } else { format!("{line}\n") }
        };
        let waiting: String = script.lines().map(waits).collect();
        let (first, rest) = waiting.split_once('\n').unwrap();
        let mut direct = CoreBench::new(&script);
        let mut waiting = CoreBench::new(&format!("{first}\nloadmodule \"exec.so\"\n{rest}"));
        let mut waits = 0;
        for message in conversation() {
            let expected = direct.send(PHONE, &message);
            let mut sent = waiting.send(PHONE, &message);
            while let Some(order) = waiting.orders.take() {
                order.answer(Answer { ending: DONE, output: Vec::new() });
                sent.extend(waiting.take_answers());
                waits += 1;
            }
            assert_eq!(lines(&sent), lines(&expected), "{name}: {message}");
            assert_eq!(sent, expected, "{name}: {message}");
        }
        assert!(waits > 5, "{name} waits {waits} times");
        assert_eq!(direct.log(), waiting.log(), "{name}");
    }
}

/// A REGISTER and requests of several kinds.
fn conversation() -> Vec<String> {
    let contact = "Contact: <sip:bob@198.51.100.8;x=y>;q=0.7, <sip:bob@198.51.100.9>\r\n";
    let register = request("sip:192.0.2.1", contact, "").replace("MESSAGE", "REGISTER");
    let register = register.replace("<sip:bob@example.com>;tag=t1", "<sip:bob@192.0.2.1>");
    let first = |method: &str, uri: &str| {
        request(uri, "", "v=0\r\n").replace("MESSAGE", method).replace(";tag=t1", "")
    };
    let route = "Route: <sip:192.0.2.1;lr;ftag=f1>, <sip:192.0.2.31;lr>\r\n";
    let mut messages = vec![register];
    for uri in [
        "sip:bob@192.0.2.1",
        "sip:nobody@192.0.2.1",
        "sip:+41215550123@192.0.2.1",
        "sip:7123@example.com",
        "sip:alice@example.com",
        "sip:100@192.0.2.1",
    ] {
        let methods = ["INVITE", "CANCEL", "OPTIONS", "SUBSCRIBE"];
        messages.extend(methods.map(|method| first(method, uri)));
    }
    messages.push(request("sip:bob@198.51.100.8", route, "").replace("MESSAGE", "BYE"));
    messages.push(first("INVITE", "sip:bob@192.0.2.1").replace(": 70", ": 0"));
    messages
}

#[test]
fn what_was_forwarded_before_the_wait_does_not_wait() {
    let mut bench = bench("forward(\"192.0.2.5\"); exec_msg(\"x\"); forward(\"192.0.2.6\");");
    let first = bench.send(PHONE, plain());
    assert_eq!(lines(&first), ["192.0.2.5:5060 MESSAGE sip:bob@198.51.100.8 SIP/2.0"]);
    let second = bench.finish(DONE, "");
    assert_eq!(lines(&second), ["192.0.2.6:5060 MESSAGE sip:bob@198.51.100.8 SIP/2.0"]);
    assert_eq!(bench.counted(Counter::DroppedByScript), 0);
}

#[test]
fn a_reply_route_waits_too() {
    let mut bench = CoreBench::new(
        "loadmodule \"exec.so\"\nroute { forward(); }\n\
         onreply_route { exec_cmd(\"x\"); if (status == \"183\") drop; }",
    );
    let forwarded = bench.send(PHONE, plain()).remove(0).1;
    let forwarded = String::from_utf8(forwarded).unwrap();
    let headers = forwarded.split_once("\r\n").unwrap().1;
    for (status, expected) in [("200 OK", 1), ("183 Progress", 0)] {
        let response = format!("SIP/2.0 {status}\r\n{headers}");
        assert_eq!(bench.send("198.51.100.8:5060", response), []);
        let sent = bench.finish(DONE, "");
        assert_eq!(sent.len(), expected, "{status}");
    }
    assert_eq!(bench.counted(Counter::ForwardedResponses), 1);
    assert_eq!(bench.counted(Counter::ReceivedResponses), 2);
}

#[test]
fn a_run_waits_as_often_as_it_asks() {
    let mut bench = bench(
        "while ($var(n) < 5) {
             $var(n) = $var(n) + 1;
             exec_avp(\"x $var(n)\", \"$avp(x)\");
         }
         sl_send_reply(\"200\", \"$(avp(x)[*]) $avp(x) $(avp(x)[4])\");",
    );
    assert_eq!(bench.send(PHONE, plain()), []);
    for number in 1..5 {
        assert_eq!(bench.finish(DONE, &format!("value{number}")), []);
    }
    let sent = bench.finish(DONE, "value5");
    assert!(lines(&sent)[0].ends_with(" value5 value1"), "{:?}", lines(&sent));
}

#[test]
fn exit_drop_and_errors_behind_a_wait_end_the_run() {
    for (rest, sent) in
        [("exit;", 0), ("drop;", 0), ("$var(s) = $mb; while (1) { $var(s) = $var(s) + $mb; }", 1)]
    {
        let mut bench = bench(&format!("exec_msg(\"x\"); {rest} sl_send_reply(\"200\", \"x\");"));
        bench.send(PHONE, request("sip:a@b", "", &"x".repeat(30_000)));
        let answers = bench.finish(DONE, "");
        assert_eq!(answers.len(), sent, "{rest}");
        assert!(sent == 0 || lines(&answers)[0].contains(" SIP/2.0 500 "));
    }
}

#[test]
fn no_more_runs_wait_than_there_may_be() {
    let mut bench = bench("if (!exec_msg(\"x\")) sl_send_reply(\"503\", \"Busy\");");
    for _ in 0..SUSPENDED_COUNT_MAX {
        assert_eq!(bench.send(PHONE, plain()), []);
    }
    let sent = bench.send(PHONE, plain());
    assert_eq!(lines(&sent), [format!("{PHONE} SIP/2.0 503 Busy")]);
    assert_eq!(bench.counted(Counter::ScriptSuspensionsRefused), 1);
    assert_eq!(bench.finish(DONE, ""), []);
    assert_eq!(bench.send(PHONE, plain()), [], "there is room for one again");
}

#[test]
fn the_bytes_of_runs_that_wait_are_bounded() {
    let mut bench = bench(
        "while ($var(n) < 500) { $var(n) = $var(n) + 1; $avp(x) = $rb; }
         if (!exec_cmd(\"x\")) sl_send_reply(\"503\", \"Busy\");",
    );
    // Each run has the same text in 500 places, so that its copy is far larger than its message.
    let message = request("sip:a@b", "", &"x".repeat(40_000));
    let waiting = (0..100).take_while(|_| bench.send(PHONE, &message).is_empty()).count();
    assert_eq!(waiting, SUSPENDED_BYTES_MAX / (501 * 40_000));
    assert_eq!(bench.send(PHONE, plain()).len(), 0, "a small one has room");
}

#[test]
fn answers_that_nobody_waits_for_are_ignored() {
    let mut bench = bench("exec_msg(\"x\"); sl_send_reply(\"200\", \"OK\");");
    bench.send(PHONE, plain());
    let answer = Answer { ending: DONE, output: Vec::new() };
    let stray = Completion { job: 77, answer };
    bench.core.handle_completion(bench.now, stray, &mut bench.outbox);
    assert_eq!(bench.take_sent(), []);
    assert_eq!(bench.finish(DONE, "").len(), 1);
}
