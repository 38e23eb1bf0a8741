//! `viaduct route`: what is shown of a message, and of what cannot be one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::{fs, process};

use core_support::program;
use proptest::prelude::*;
use viaduct::flow::{
    Journal, Setup, Stage, Style, Traced, message_of, show_json, show_text, source_of,
};
use viaduct::protocol::{Endpoint, Transport};
use viaduct::script::SourceMap;

/// A directory for the files of a test; removed when it goes.
struct Directory(PathBuf);

impl Directory {
    /// A directory with this script and this message in it.
    fn new(name: &str, script: &str, message: &[u8]) -> Self {
        let name = format!("{}-route-{name}", process::id());
        let directory = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        fs::create_dir_all(&directory.0).unwrap();
        fs::write(directory.0.join("a.cfg"), script).unwrap();
        fs::write(directory.0.join("a.sip"), message).unwrap();
        directory
    }

    /// Runs the script over the message; what is shown.
    fn route(&self, more: &[&str]) -> String {
        let (code, out, err) = self.run(&[&["a.cfg", "--message", "a.sip"], more].concat(), b"");
        assert_eq!((code, &*err), (0, ""), "{out}");
        out
    }

    /// Runs `viaduct route` with this on its standard input: exit code, output, errors.
    fn run(&self, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
        command.arg("route").args(arguments).current_dir(&self.0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may not want to read all of it.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

const MODULES: &str = "loadmodule \"sl.so\"\nloadmodule \"pv.so\"\nloadmodule \"xlog.so\"\n\
                       loadmodule \"registrar.so\"\nloadmodule \"usrloc.so\"\n";

/// A request as an editor writes it.
fn request(method: &str, more: &str) -> Vec<u8> {
    format!(
        "{method} sip:bob@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.9:5070;branch=z9hG4bK1\n\
         Max-Forwards: 70\nFrom: <sip:alice@a>;tag=f1\nTo: <sip:bob@b>\nCall-ID: c@a\n\
         CSeq: 7 {method}\n{more}Content-Length: 0\n"
    )
    .into_bytes()
}

/// The lines of a script as they are shown, without their places.
fn steps(shown: &str) -> Vec<&str> {
    let lines = shown.lines().map(|line| match line.strip_prefix("a.cfg:") {
        Some(rest) => rest.split_once(' ').unwrap().1.trim(),
        None => line.trim(),
    });
    let start = lines.skip_while(|line| *line != "request_route").skip(1);
    start.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn each_line_is_shown_with_its_values() {
    let script = format!(
        "{MODULES}route {{
    $var(n) = 1 + 1;
    $du = \"sip:192.0.2.9\";
    while ($var(n) > 0) {{
        $var(n) = $var(n) - 1;
    }}
    switch ($rU) {{
        case \"bob\": xlog(\"L_ERR\", \"to $rU\\n\");
    }}
    if (!route(SUB) && $rm != \"BYE\" || src_ip == 10.0.0.0/8) {{ exit; }}
    forward();
}}
route[SUB] {{
    if (uri == myself) return(-3);
}}"
    );
    let shown = Directory::new("values", &script, &request("INVITE", "")).route(&[]);
    let expected = [
        "$var(n) = 1 + 1;",
        ". $var(n) = 2",
        "$du = \"sip:192.0.2.9\";",
        ". $du = \"sip:192.0.2.9\"",
        "while ($var(n) > 0) {",
        ". $var(n) is 2, greater: yes",
        "$var(n) = $var(n) - 1;",
        ". $var(n) is 2",
        ". $var(n) = 1",
        "while ($var(n) > 0) {",
        ". $var(n) is 1, greater: yes",
        "$var(n) = $var(n) - 1;",
        ". $var(n) is 1",
        ". $var(n) = 0",
        "while ($var(n) > 0) {",
        ". $var(n) is 0, greater: no",
        "switch ($rU) {",
        ". $rU is \"bob\"",
        "case \"bob\": xlog(\"L_ERR\", \"to $rU\\n\");",
        ". xlog(-1, \"to $rU\\n\"), gives 1",
        ". logs error: to bob",
        "if (!route(SUB) && $rm != \"BYE\" || src_ip == 10.0.0.0/8) { exit; }",
        "if (uri == myself) return(-3);",
        ". uri is \"sip:bob@192.0.2.1\", myself: yes",
        "if (uri == myself) return(-3);",
        ". the route block gives -3",
        ". method is \"INVITE\", equal: no",
        "if (!route(SUB) && $rm != \"BYE\" || src_ip == 10.0.0.0/8) { exit; }",
        "exit",
    ];
    assert_eq!(steps(&shown), expected, "{shown}");
    assert!(shown.contains("\nnothing was sent\n"), "{shown}");
    assert!(shown.contains("\ncounted: dropped_by_script 1  Messages that the script"), "{shown}");
}

/// The first line of what is answered to a request to `host` that comes over loopback.
fn answered(name: &str, script: &str, host: &str) -> String {
    let message = String::from_utf8(request("OPTIONS", "")).unwrap();
    let message = message.replace("bob@192.0.2.1", host);
    let directory = Directory::new(name, script, message.as_bytes());
    let shown = directory.route(&["--source", "127.0.0.1:5070"]);
    shown
        .lines()
        .find(|line| {
            line.contains("SIP/2.0 ") && line.contains("200") || line.contains("SIP/2.0 404")
        })
        .unwrap_or(&shown)
        .trim()
        .to_owned()
}

// O03: the names of the machine and those in `listen`, unless they are not wanted.
#[test]
fn the_server_has_the_names_of_its_machine() {
    let script = |more: &str| {
        format!(
            "#!KAMAILIO\nlisten=udp:lo:5062\n{more}loadmodule \"sl.so\"\nroute {{\n\
             if (uri==myself) {{ sl_send_reply(\"200\", \"Mine\"); }}\n\
             else {{ sl_send_reply(\"404\", \"Other\"); }}\n}}\n"
        )
    };
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let machine = machine.trim();
    let at = |host: &str, port: u16| format!("a@{host}:{port}");
    let mine = [at("LocalHost", 5062), at(machine, 5062), at("127.0.0.1", 5062)];
    let others = [at("localhost", 5060), at(machine, 5063), at("x.example", 5062)];
    for (hosts, expected) in [(mine.as_slice(), "200 Mine"), (others.as_slice(), "404 Other")] {
        for host in hosts {
            let answer = answered("names", &script(""), host);
            assert!(answer.ends_with(expected), "{host}: {answer}");
        }
    }
    for host in &mine[..2] {
        let answer = answered("no-names", &script("auto_aliases=no\n"), host);
        assert!(answer.ends_with("404 Other"), "{host}: {answer}");
    }
    let named = script("").replace("udp:lo:5062", "localhost:5062");
    let named = named.replace("KAMAILIO\n", "KAMAILIO\nauto_aliases=no\n");
    assert!(answered("named", &named, "a@localhost:5062").ends_with("200 Mine"));
}

// O04, O05
#[test]
fn addresses_are_compared_with_hosts() {
    let script = |condition: &str| {
        format!(
            "#!KAMAILIO\nlisten=udp:127.0.0.1:5062\nloadmodule \"sl.so\"\nroute {{\n\
             if ({condition}) {{ sl_send_reply(\"200\", \"Yes\"); }}\n\
             else {{ sl_send_reply(\"404\", \"No\"); }}\n}}\n"
        )
    };
    for (condition, expected) in [
        ("src_ip==localhost", "200 Yes"),
        ("\"localhost\"==src_ip", "200 Yes"),
        ("dst_ip==localhost", "200 Yes"),
        ("src_ip!=localhost", "404 No"),
        ("src_ip==localhost && dst_ip!=localhost", "404 No"),
    ] {
        let answer = answered("hosts", &script(condition), "a@b");
        assert!(answer.ends_with(expected), "{condition}: {answer}");
    }
}

// A script may be meant for another machine.
#[test]
fn names_without_an_address_are_warned_of_where_a_script_is_looked_at() {
    let script = "#!KAMAILIO\nlisten=udp:no-such-interface0:5060\nroute {\n\
                  if (src_ip==nobody.invalid) drop;\nforward(); }\n";
    let directory = Directory::new("nobody", script, b"");
    let viaduct = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
        let output = command.args(arguments).current_dir(&directory.0).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (is_fine, told) = viaduct(&["check", "a.cfg"]);
    assert!(is_fine, "{told}");
    for name in ["`udp:no-such-interface0:5060` has no address", "`nobody.invalid` has no address"]
    {
        assert!(told.contains(&format!("warning[W0302]: {name}")), "{told}");
    }
    let (is_started, told) = viaduct(&["run", "--config", "a.cfg"]);
    assert!(!is_started);
    assert!(told.contains("a.cfg:2:8") && told.contains("error[E0303]"), "{told}");
    let only = script.replace("udp:no-such-interface0:5060", "udp:127.0.0.1:5060");
    fs::write(directory.0.join("a.cfg"), only).unwrap();
    let (is_started, told) = viaduct(&["run", "--config", "a.cfg"]);
    assert!(!is_started);
    assert!(told.contains("a.cfg:4:13") && told.contains("error[E0420]"), "{told}");
}

#[test]
fn what_is_sent_is_shown_with_its_edits() {
    let script = format!(
        "{MODULES}loadmodule \"textops.so\"\nroute {{ sl_send_reply(\"100\", \"Trying\"); \
         if (!lookup(\"location\")) exit; append_hf(\"X-New: 1\\r\\n\"); remove_hf(\"Subject\"); \
         forward(); }}"
    );
    let message = request("INVITE", "Subject: one\n");
    let directory = Directory::new("edits", &script, &message);
    let shown = directory.route(&["--register", "sip:bob@192.0.2.1=sip:bob@198.51.100.8"]);
    for part in [
        "INVITE sip:bob@192.0.2.1 SIP/2.0\nfrom 198.51.100.9:5070 to 192.0.2.1:5060, ",
        ". $ru = \"sip:bob@198.51.100.8\"\n",
        "\nreplied to 198.51.100.9:5070 from 192.0.2.1:5060, ",
        "\n  SIP/2.0 100 Trying\n",
        "\nforwarded to 198.51.100.8:5060 from 192.0.2.1:5060, ",
        "\n- INVITE sip:bob@192.0.2.1 SIP/2.0\n+ INVITE sip:bob@198.51.100.8 SIP/2.0\n+ Via: ",
        "\n  Via: SIP/2.0/UDP 198.51.100.9:5070;branch=z9hG4bK1\n- Max-Forwards: 70\n\
         + Max-Forwards: 69\n",
        "\n- Subject: one\n  Content-Length: 0\n+ X-New: 1\n",
        "\ncounted: forwarded_requests 1  ",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colours where nobody sees them");
    let none = directory.route(&[]);
    assert!(none.contains("lookup(\"location\"), gives -1\n"), "{none}");
    let away = directory.route(&["--source", "203.0.113.1:9", "--listen", "udp:192.0.2.7:5080"]);
    assert!(away.contains("from 203.0.113.1:9 to 192.0.2.7:5080, "), "{away}");
    let stamped = "Via: SIP/2.0/UDP 198.51.100.9:5070;branch=z9hG4bK1;received=203.0.113.1\n";
    assert!(away.contains(stamped), "{away}");
}

#[test]
fn every_refusal_says_why() {
    let script = format!("{MODULES}route {{ if (!forward()) sl_reply_error(); }}");
    let message = String::from_utf8(request("INVITE", "")).unwrap();
    let message = message.replace("bob@192.0.2.1", "bob@gw.example.com");
    let directory = Directory::new("refusal", &script, message.as_bytes());
    let shown = directory.route(&["--host", "gw.example.com=192.0.2.44"]);
    assert!(shown.contains("forwarded to 192.0.2.44:5060"), "{shown}");
    let shown = directory.route(&[]);
    assert!(shown.contains("\n  SIP/2.0 478 Unresolvable destination (478/SL)\n"), "{shown}");
    fs::write(directory.0.join("a.sip"), message.replace("sip:bob@gw", "sips:bob@gw")).unwrap();
    let shown = directory.route(&[]);
    let told = "forward(), gives -1: no listen address reaches the next hop\n";
    assert!(shown.contains(told), "{shown}");
    let shown = directory.route(&[
        "--source=tcp:198.51.100.7:40000",
        "--listen=tls:192.0.2.1",
        "--listen=tcp:192.0.2.1",
        "--host=gw.example.com=192.0.2.44",
    ]);
    for part in [
        "from tcp:198.51.100.7:40000 to tcp:192.0.2.1:5060, ",
        "forwarded to tls:192.0.2.44:5061, which has to be gw.example.com, from tls:192.0.2.1:5061",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

/// A script that runs a command in a route block and logs what it writes.
fn asking() -> String {
    format!(
        "loadmodule \"exec.so\"\n{MODULES}route {{\n    $var(kept) = \"kept\";\n    route(ASK);\n    \
         xlog(\"L_ERR\", \"$var(kept) $avp(p)\\n\");\n}}\nroute[ASK] {{\n    \
         if (!exec_avp(\"price $rU\", \"$avp(p)\")) {{ exit; }}\n    return;\n}}"
    )
}

#[test]
fn a_run_that_sleeps_is_seen_to_go_on() {
    let script = format!(
        "loadmodule \"cfgutils.so\"\n{MODULES}route {{\n    sleep(\"2\");\n    \
         sl_send_reply(\"200\", \"OK\");\n}}"
    );
    let directory = Directory::new("sleep", &script, &request("INVITE", ""));
    let shown = directory.route(&[]);
    let seen = steps(&shown);
    assert_eq!(seen[..4], ["sleep(\"2\");", ". sleep(2)", "waits", "sleep(\"2\");"], "{shown}");
    assert_eq!(seen.last(), Some(&"end of the route block"), "{shown}");
    assert!(shown.contains("SIP/2.0 200 OK"), "{shown}");
}

#[test]
fn a_run_that_waits_for_a_command_is_seen_to_go_on() {
    let directory = Directory::new("output", &asking(), &request("INVITE", ""));
    fs::write(directory.0.join("price"), "7\n").unwrap();
    let shown = directory.route(&["--output", "price"]);
    let expected = [
        "$var(kept) = \"kept\";",
        ". $var(kept) = \"kept\"",
        "route(ASK);",
        "if (!exec_avp(\"price $rU\", \"$avp(p)\")) { exit; }",
        ". exec_avp(\"price $rU\", $avp(p))",
        "waits for a command",
        "if (!exec_avp(\"price $rU\", \"$avp(p)\")) { exit; }",
        ". exec_avp(\"price $rU\", $avp(p)), gives 1",
        "return;",
        ". the route block gives 1",
        "xlog(\"L_ERR\", \"$var(kept) $avp(p)\\n\");",
        ". xlog(-1, \"$var(kept) $avp(p)\\n\"), gives 1",
        ". logs error: kept 7",
        "end of the route block",
    ];
    assert_eq!(steps(&shown), expected, "{shown}");
    let calls = shown.lines().filter(|line| line.contains("if (!exec_avp"));
    let depths: Vec<_> = calls.map(|line| line.find("if (")).collect();
    assert_eq!(depths[0], depths[1], "{shown}");
    assert!(shown.contains("counted: script_suspensions 1  "), "{shown}");
}

#[test]
fn commands_without_an_output_are_not_started_and_nothing_is_run() {
    let script = asking().replace("price $rU", "touch ran");
    let directory = Directory::new("no-output", &script, &request("INVITE", ""));
    fs::write(directory.0.join("empty"), "").unwrap();
    let (code, gives) = ("exec_avp(\"touch ran\", $avp(p)), gives", [1, -1]);
    let shown = directory.route(&["--message", "a.sip", "--output", "empty"]);
    for gives in gives {
        assert!(shown.contains(&format!("{code} {gives}\n")), "{shown}");
    }
    assert!(
        shown.contains(". logs error: exec_avp: the command could not be started\n"),
        "{shown}"
    );
    assert!(!directory.0.join("ran").exists());
}

#[test]
fn outputs_are_taken_in_order_and_json_has_them() {
    let directory = Directory::new("outputs", &asking(), &request("INVITE", ""));
    fs::write(directory.0.join("one"), "1\n").unwrap();
    fs::write(directory.0.join("two"), b"\n\x1b[31m\xff").unwrap();
    let shown = directory.route(&[
        "--message",
        "a.sip",
        "--output",
        "one",
        "--output",
        "two",
        "--format",
        "json",
    ]);
    let logs: Vec<String> = shown
        .lines()
        .flat_map(|line| {
            let traced: serde_json::Value = serde_json::from_str(line).unwrap();
            let steps = traced["steps"].as_array().unwrap().clone();
            let logs = steps.into_iter().filter(|step| step["step"] == "log");
            logs.map(|step| step["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(logs[0], "kept 1\n");
    assert!(logs[1].starts_with("kept ") && logs.len() == 2, "{logs:?}");
    let (code, _, err) = directory.run(&["a.cfg", "--message", "a.sip", "--output", "none"], b"");
    assert!(code == 1 && err.contains("cannot read none: "), "{code}: {err}");
    let (code, out, _) = directory.run(&["a.cfg", "--message", "a.sip", "--output", "-"], b"9\n");
    assert!(code == 0 && out.contains(". logs error: kept 9\n"), "{out}");
}

#[test]
fn a_response_follows_its_request() {
    let script = format!(
        "{MODULES}route {{ $du = \"sip:198.51.100.8\"; forward(); }}\n\
         onreply_route {{ if ($rs == 180) drop; }}"
    );
    let directory = Directory::new("response", &script, &request("INVITE", ""));
    let shown = directory.route(&[]);
    let own = shown.lines().find_map(|line| line.strip_prefix("+ Via: ")).unwrap();
    for (status, told) in [
        ("200 OK", "\nforwarded to 198.51.100.9:5070 from 192.0.2.1:5060, "),
        ("180 Ringing", "\nnothing was sent\n"),
    ] {
        let response = format!(
            "SIP/2.0 {status}\nVia: {own}\nVia: SIP/2.0/UDP 198.51.100.9:5070;branch=z9hG4bK1\n\
             From: <sip:alice@a>;tag=f1\nTo: <sip:bob@b>;tag=t\nCall-ID: c@a\nCSeq: 7 INVITE\n"
        );
        fs::write(directory.0.join("b.sip"), response).unwrap();
        let shown = directory.route(&["--message", "b.sip", "--source", "198.51.100.9:5070"]);
        assert!(shown.contains("\nonreply_route\n") && shown.contains(told), "{shown}");
    }
}

#[test]
fn json_tells_the_same() {
    let script =
        format!("{MODULES}route {{ if ($rU == \"bob\") sl_send_reply(\"486\", \"Busy\"); }}");
    let directory = Directory::new("json", &script, &request("INVITE", ""));
    let shown = directory.route(&["--message", "a.sip", "--format", "json"]);
    let lines: Vec<serde_json::Value> =
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let steps = lines[0]["steps"].as_array().unwrap();
    let words: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    let expected = ["start", "statement", "read", "compare", "statement", "call", "result", "end"];
    assert_eq!(words, expected);
    assert_eq!((&steps[1]["line"], &steps[2]["value"]), (&6.into(), &"bob".into()));
    assert_eq!(steps[5]["arguments"], serde_json::json!([486, "Busy"]));
    assert_eq!(lines[0]["sent"][0]["to"], "198.51.100.9:5070");
    assert_eq!(lines[0]["counted"]["sent_replies"], 1);
}

#[test]
fn a_message_can_come_from_standard_input() {
    let script = "route { exit; }";
    let directory = Directory::new("stdin", script, b"");
    let message = request("INVITE", "");
    let (code, out, _) = directory.run(&["a.cfg", "--message", "-"], &message);
    assert!(code == 0 && out.starts_with("INVITE sip:bob@192.0.2.1 SIP/2.0\n"), "{out}");
}

#[test]
fn whatever_is_no_message_is_dropped_and_told() {
    let directory = Directory::new("broken", "route { exit; }", b"");
    for (message, told) in [
        (&b""[..], "counted: dropped_keep_alive 1"),
        (b"\r\n\r\n", "counted: dropped_keep_alive 1"),
        (b"\x00\xff\x1b[31m", "\\x00\\xff\\x1b[31m\n"),
        (b"\x00\xff", "counted: dropped_malformed 1"),
        (b"INVITE sip:bob@192.0.2.1 SIP/2.0\n", "counted: dropped_malformed 1"),
        (b"SIP/2.0 200 OK\nVia: x\n", "counted: dropped_malformed 1"),
    ] {
        fs::write(directory.0.join("a.sip"), message).unwrap();
        let shown = directory.route(&[]);
        assert!(shown.contains(told) && shown.contains("nothing was sent\n"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
    let message = String::from_utf8(request("INVITE", "")).unwrap().replace("7 INVITE", "7 BYE");
    fs::write(directory.0.join("a.sip"), message).unwrap();
    let shown = directory.route(&[]);
    assert!(shown.contains("SIP/2.0 400 ") && shown.contains("refused_malformed 1"), "{shown}");
    fs::write(directory.0.join("a.sip"), vec![b'x'; 70_000]).unwrap();
    let (code, _, err) = directory.run(&["a.cfg", "--message", "a.sip"], b"");
    assert_eq!((code, &*err), (1, "viaduct: a message of 70000 bytes fits no datagram\n"));
}

proptest! {
    #[test]
    fn whatever_comes_can_be_shown(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        head in "[A-Z]{1,6} sip:[a-z@;=.]{0,20} SIP/2.0(\r?\n(Via|v|To|CSeq|X)?:? ?[ -~]{0,30}){0,6}\r\n\r\n",
        comes_first in any::<bool>(),
    ) {
        let program = Arc::new(program("loadmodule \"textops.so\"\nroute { append_hf(\"X: 1\\r\\n\"); forward(192.0.2.9, 5060); }"));
        let text = if comes_first { bytes } else { [head.into_bytes(), bytes].concat() };
        let message = message_of(&text);
        let journal = Journal::default();
        let hosts = Vec::new();
        let setup = Setup { program: &program, listen: &[], hosts: &hosts, secret: [0; 16] };
        let mut stage = Stage::new(&setup, &journal);
        stage.observe(Box::new(journal.clone()));
        let source = source_of(&message).filter(|source| source.address.is_ipv4());
        let address = "198.51.100.7:5060".parse().unwrap();
        let source = source.filter(|source| source.transport != Transport::Tls);
        let source = source.unwrap_or(Endpoint { transport: Transport::Udp, address });
        let way = (source, stage.address_for(source).unwrap());
        let traced = Traced::run(&mut stage, &journal, way, &message).unwrap();
        let map = SourceMap::default();
        let shown = show_text(&traced, &program, &map, Style::Plain);
        prop_assert!(shown.chars().all(|sign| sign == '\n' || sign == '\t' || !sign.is_control()));
        let json: serde_json::Value =
            serde_json::from_str(&show_json(&traced, &program, &map)).unwrap();
        prop_assert!(json["steps"].is_array());
    }
}

#[test]
fn what_cannot_be_run_is_told() {
    let directory = Directory::new("errors", "route { nothing(); }", &request("INVITE", ""));
    let (code, out, err) = directory.run(&["a.cfg", "--message", "a.sip"], b"");
    assert_eq!((code, &*out), (1, ""));
    assert!(err.starts_with("error[E0401]: there is no function `nothing`\n --> a.cfg:1:9\n"));
    fs::write(directory.0.join("a.cfg"), "onreply_route { exit; }").unwrap();
    let (code, _, err) = directory.run(&["a.cfg", "--message", "a.sip"], b"");
    assert!(code == 1 && err.contains("there is no main route block"), "{err}");
    fs::write(directory.0.join("a.cfg"), "route { exit; }").unwrap();
    let ipv6 = ["a.cfg", "--message", "a.sip", "--source", "[2001:db8::7]:5060"];
    for (arguments, told, expected) in [
        (&["a.cfg", "--message", "none.sip"][..], "cannot read none.sip: ", 1),
        (&["none.cfg", "--message", "a.sip"], "cannot read none.cfg: ", 1),
        (&["a.cfg", "--message", "."], "cannot read .: ", 1),
        (&ipv6, "no address of the server is of the family of [2001:db8::7]:5060", 1),
        (&["a.cfg", "--message", "a.sip", "--register", "bob=x"], "the address-of-record: ", 1),
        (&["a.cfg", "--message", "a.sip", "--register", "bob"], "expected AOR=CONTACT", 2),
        (&["a.cfg", "--message", "a.sip", "--host", "x=y"], "expected NAME=ADDR", 2),
        (&["a.cfg", "--message", "a.sip", "--source", "x"], "expected udp:ADDRESS:PORT", 2),
        (&["a.cfg"], "--message <FILE>", 2),
    ] {
        let (code, out, err) = directory.run(arguments, b"");
        assert!(code == expected && out.is_empty() && err.contains(told), "{code}: {err}");
    }
}

#[test]
fn an_endless_script_is_cut_off() {
    for (name, body, told) in [
        ("loop", "while (1) { $var(x) = $var(x) + 1; }", "cut off: the script took too many steps"),
        ("depth", "route(A); } route[A] { route(A);", "cut off: route blocks call each other"),
    ] {
        let script = format!("max_while_loops=100000000\n{MODULES}route {{ {body} }}");
        let directory = Directory::new(name, &script, &request("INVITE", ""));
        let shown = directory.route(&[]);
        assert!(shown.contains(told), "{}", shown.len());
        assert!(shown.contains("\n  SIP/2.0 500 Server error occurred (1/SL)\n"));
        assert_eq!(shown.contains(". ... and more than is shown\n"), name == "loop");
        assert!(shown.len() < 4_000_000, "{}", shown.len());
    }
}

/// What a loop has is counted for each turn, whether it is run or not.
#[test]
fn a_loop_may_be_long_and_turn_often() {
    let cases: String = (0..60).map(|it| format!("case {it}: $var(x) = {it}; break; ")).collect();
    let script = format!(
        "{MODULES}route {{ $var(n) = 0; while ($var(n) < 9000) {{ switch ($var(n)) {{ {cases} }} \
         $var(n) = $var(n) + 1; }} sl_send_reply(\"200\", \"$var(n)\"); }}"
    );
    let directory = Directory::new("often", &script, &request("OPTIONS", ""));
    assert!(directory.route(&[]).contains("\n  SIP/2.0 200 9000\n"));
}

#[test]
fn looking_on_changes_nothing() {
    // What the trace shows must not take from what the script may use.
    let script = format!(
        "{MODULES}route {{ $var(n) = 0; while ($var(n) < 3000) {{ $var(s) = $ru + $rU; \
         if (src_ip == myself) exit; $var(n) = $var(n) + 1; }} sl_send_reply(\"200\", \"$var(n)\"); }}"
    );
    let directory = Directory::new("same", &script, &request("OPTIONS", ""));
    assert!(directory.route(&[]).contains("\n  SIP/2.0 200 3000\n"));
}

#[test]
fn the_guide_shows_what_is_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(root.join("docs/TESTING.md")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    command.args(["route", "examples/numbering-plan.cfg", "--message", "examples/invite.sip"]);
    let output = command.current_dir(root).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<&str> = shown.lines().collect();
    let blocks = guide.split("```console\n").skip(1).take(2);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    for line in lines.filter(|line| !line.starts_with('$')) {
        // The branch is another where the hash is.
        let start = line.split(";branch=z9hG4bK4e").next().unwrap();
        assert!(shown.iter().any(|other| other.starts_with(start)), "{line}");
    }
}
