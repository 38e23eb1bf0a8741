//! A new script for a server that runs: what becomes of its messages, bindings and memory.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![expect(clippy::panic, reason = "a test fails by a panic")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;
#[expect(dead_code, unused_imports, reason = "each test file uses a part of it")]
mod support;

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use core_support::{CoreBench, program};
use support::message::Message;
use support::process::Process;
use support::{Phone, Server, free_address};

/// What the scripts here use.
const MODULES: &str = r#"
loadmodule "sl.so"
loadmodule "textops.so"
loadmodule "registrar.so"
loadmodule "usrloc.so"
"#;

/// A script that tells its number in every answer and every request that it forwards.
fn numbered(number: usize) -> String {
    format!(
        r#"{MODULES}
route {{
    if (method=="REGISTER") {{ save("location"); exit; }}
    if (method=="OPTIONS") {{ sl_send_reply("200", "program {number}"); exit; }}
    if (!lookup("location")) {{ sl_send_reply("404", "program {number}"); exit; }}
    append_hf("X-Program: program {number}\r\n");
    forward();
}}
"#
    )
}

/// The number that a script has left in a text.
fn number_in(text: &str) -> usize {
    text.strip_prefix("program ").and_then(|number| number.parse().ok()).expect(text)
}

/// The number of the script that answers.
fn running(phone: &Phone, server: SocketAddr) -> usize {
    let answer = phone.ask(&phone.request("OPTIONS", &format!("sip:{server}")), server);
    number_in(answer.reason())
}

/// A phone that calls itself, asks and registers, each when the one before has come to its end,
/// until it is told to stop. Every message must be handled by no older script than the one
/// before. How many it has sent.
fn keep_busy(user: &str, server: &Server, stop: &AtomicBool) -> usize {
    let phone = Phone::new(user);
    let mut seen = 0;
    let mut see = |number: usize| {
        assert!(number >= seen, "{user}: script {number} after {seen}");
        seen = number;
    };
    while !stop.load(Ordering::Relaxed) {
        phone.register(server);
        see(running(&phone, server.address()));
        let aor = phone.aor(server.address());
        phone.send(&phone.request("MESSAGE", &aor), server.address());
        let message: Message = phone.expect_request("MESSAGE");
        see(number_in(message.value("X-Program")));
        phone.answer(&message, 200, "OK");
        phone.expect_response(200, "MESSAGE");
    }
    phone.assert_inbox_empty();
    phone.sent_count()
}

#[test]
fn a_hundred_reloads_under_load_lose_no_datagram_and_no_binding() {
    const RELOADS: usize = 100;
    let server = Server::start(&numbered(0));
    let address = server.address();
    let phones: Vec<Phone> = (0..20).map(|number| Phone::new(&format!("u{number}"))).collect();
    for phone in &phones {
        phone.register(&server);
    }
    let stop = AtomicBool::new(false);
    let sent: usize = thread::scope(|scope| {
        let busy: Vec<_> = ["anna", "bert", "carl"]
            .map(|user| scope.spawn(|| keep_busy(user, &server, &stop)))
            .into();
        for number in 1..=RELOADS {
            let said = server.reload(&numbered(number));
            assert!(said.contains("reloaded: ") && !said.contains("not reloaded"), "{said}");
            assert_eq!(running(&phones[0], address), number, "the new script is in effect");
        }
        stop.store(true, Ordering::Relaxed);
        busy.into_iter().map(|thread| thread.join().expect("no message lost")).sum()
    });
    assert!(sent > RELOADS, "there was a load: {sent} messages");
    for phone in &phones {
        let aor = phone.aor(address);
        phones[0].send(&phones[0].request("MESSAGE", &aor), address);
        let arrived = phone.expect_request("MESSAGE");
        assert_eq!(number_in(arrived.value("X-Program")), RELOADS, "{aor} is still known");
    }
}

#[test]
fn a_script_with_errors_changes_nothing_and_is_reported_with_their_places() {
    let server = Server::start(&numbered(1));
    let phone = Phone::new("bob");
    phone.register(&server);
    let said =
        server.reload("loadmodule \"sl.so\"\nroute {\n    sl_sendreply(\"200\", \"OK\");\n}\n");
    for expected in ["error[E0401]", "viaduct.cfg:7:5", "not reloaded: the script has errors\n"] {
        assert!(said.contains(expected), "{expected} in\n{said}");
    }
    let said = server.reload("");
    assert!(said.contains("error[E0418]"), "{said}");
    assert_eq!(running(&phone, server.address()), 1);
    assert!(server.reload(&numbered(2)).contains("reloaded: "));
    assert_eq!(running(&phone, server.address()), 2);
}

#[test]
fn a_file_that_is_gone_or_no_file_changes_nothing() {
    let server = Server::start(&numbered(1));
    let phone = Phone::new("bob");
    let (folder, name) = server.script();
    let path = folder.path().join(name);
    fs::remove_file(&path).unwrap();
    let said = server.reload_file();
    let shown = path.display();
    assert_eq!(said, format!("not reloaded: cannot read {shown}: No such file or directory\n"));
    fs::create_dir(&path).unwrap();
    let said = server.reload_file();
    assert_eq!(said, format!("not reloaded: {shown} is no file that can be read again\n"));
    fs::remove_dir(&path).unwrap();
    assert_eq!(running(&phone, server.address()), 1);
    assert_eq!(server.reload(&numbered(2)), format!("reloaded: {shown}\n"));
    assert_eq!(running(&phone, server.address()), 2);
}

#[test]
fn the_built_in_script_has_nothing_to_reload() {
    let server = Server::start_default();
    let phone = Phone::new("bob");
    phone.register(&server);
    let said = server.reload_file();
    assert_eq!(said, "not reloaded: the built-in script runs, there is nothing to reload\n");
    phone.register(&server);
}

#[test]
fn signals_in_a_row_end_with_the_last_script() {
    let server = Server::start(&numbered(0));
    let phone = Phone::new("bob");
    let (folder, name) = server.script();
    let text = fs::read_to_string(folder.path().join(name)).unwrap();
    for number in 1..=30 {
        let next =
            folder.write("next.cfg", &text.replace("program 0", &format!("program {number}")));
        fs::rename(next, folder.path().join(name)).unwrap();
        server.process().signal("HUP");
    }
    // Each reload begins after the signal that it answers, so one of those to come reads this.
    while running(&phone, server.address()) != 30 {
        thread::yield_now();
    }
    assert!(!server.log().contains("not reloaded"), "{}", server.log());
}

#[test]
fn signals_during_start_and_stop_do_no_harm() {
    let address = free_address();
    let folder = support::process::Folder::new();
    let file = folder.write("numbered.cfg", &numbered(1));
    let mut command = Command::new("sh");
    // Before the server takes care of signals, they are ignored, as they are under nohup(1).
    let start = "trap '' HUP; echo ignored >&2
        exec \"$0\" run --workers 2 --no-pin --listen \"$1\" --config \"$2\"";
    command.args(["-c", start, env!("CARGO_BIN_EXE_viaduct"), &format!("udp:{address}")]).arg(file);
    let mut process = Process::start(&mut command);
    process.wait_for_log("ignored");
    while !process.log().contains("ready: ") {
        assert!(!process.has_ended(), "{}", process.log());
        process.signal("HUP");
    }
    assert_eq!(running(&Phone::new("bob"), address), 1);
    process.signal("TERM");
    for _ in 0..20 {
        process.signal("HUP");
    }
    assert_eq!(process.wait().code(), Some(0), "{}", process.log());
}

#[test]
fn what_a_running_server_cannot_change_stays_and_is_told_with_its_place() {
    let server = Server::start(&numbered(1));
    let caller = Phone::new("alice");
    let phone = Phone::new("bob");
    phone.register(&server);
    let address = server.address();
    caller.send(&caller.request("MESSAGE", &phone.aor(address)), address);
    let before = phone.expect_request("MESSAGE");

    let globals = "workers=1\nsteering=spread\nbranch_secret=\"new\"\nlisten=udp:127.0.0.1:0\n";
    let script = format!(
        "{globals}{}modparam(\"usrloc\", \"use_domain\", 1)\n\
         modparam(\"registrar\", \"realm_prefix\", \"sip.\")\n",
        numbered(2)
    );
    let said = server.reload(&script);
    let (folder, name) = server.script();
    let text = fs::read_to_string(folder.path().join(name)).unwrap();
    for (name, set) in [
        ("listen", "listen=udp:127.0.0.1:0"),
        ("workers", "workers=1"),
        ("steering", "steering=spread"),
        ("branch_secret", "branch_secret="),
        ("use_domain", "modparam(\"usrloc\""),
        ("realm_prefix", "modparam(\"registrar\""),
    ] {
        let line = 1 + text.lines().position(|line| line.starts_with(set)).unwrap();
        let message = format!("`{name}` stays as it was when the server started");
        let told = said.split("\n\n").find(|told| told.contains(&message)).expect(&said);
        assert!(told.contains("W0501") && told.contains(&format!("viaduct.cfg:{line}:")), "{told}");
    }
    assert!(said.ends_with("viaduct.cfg\n") && said.contains("\nreloaded: "), "{said}");

    // The answer to what the old script forwarded finds its way, and the user is still known.
    phone.answer(&before, 200, "OK");
    caller.expect_response(200, "MESSAGE");
    caller.send(&caller.request("MESSAGE", &phone.aor(address)), address);
    assert_eq!(number_in(phone.expect_request("MESSAGE").value("X-Program")), 2);
    // Without its module, too.
    let said = server.reload(&numbered(3).replace("loadmodule \"usrloc.so\"\n", ""));
    assert!(said.starts_with("reloaded: "), "{said}");
    // What is as it was at the start is no news.
    let said = server.reload(&numbered(3));
    assert!(said.starts_with("reloaded: "), "{said}");
}

#[test]
fn memory_does_not_grow_with_reloads() {
    let lines: String = (0..1_500)
        .map(|number| {
            format!("    if ($rU == \"{number}\") xlog(\"L_DBG\", \"{number} of $fu\");\n")
        })
        .collect();
    let start = format!("loadmodule \"xlog.so\"\nroute {{\n{lines}");
    let script = |number| numbered(number).replace("route {", &start);
    let server = Server::start(&script(0));
    let mut kilobytes = Vec::new();
    for number in 1..=30 {
        server.reload(&script(number));
        let status = format!("/proc/{}/status", server.process().id());
        let status = fs::read_to_string(status).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        kilobytes.push(resident.trim().trim_end_matches(" kB").parse::<usize>().unwrap());
    }
    // Twenty programs of this size have some 17,000, and each worker has a copy of its own. For a
    // moment there are two: workers take the new one when they get to it.
    let early = kilobytes[..10].iter().max().unwrap();
    let late = kilobytes[20..].iter().min().unwrap();
    assert!(*late < early + 8_000, "kilobytes after each reload: {kilobytes:?}");
}

#[test]
fn a_core_goes_on_with_the_new_program_and_drops_the_old_one() {
    let first = r#"
        server_header="Server: First"
        alias="first.example"
        loadmodule "sl.so"
        route { if (uri==myself) sl_send_reply("200", "own"); else sl_send_reply("404", "not"); }
    "#;
    let second = first.replace("First", "Second").replace("first", "second");
    let mut bench = CoreBench::new(first);
    let ask = |bench: &mut CoreBench, host: &str| {
        let request = format!(
            "OPTIONS sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        let sent = bench.send("198.51.100.7:5060", request);
        let answer = String::from_utf8(sent[0].1.clone()).unwrap();
        let server = answer.lines().find_map(|line| line.strip_prefix("Server: ")).unwrap();
        format!("{} {server}", answer.lines().next().unwrap())
    };
    assert_eq!(ask(&mut bench, "first.example"), "SIP/2.0 200 own First");
    assert_eq!(ask(&mut bench, "second.example"), "SIP/2.0 404 not First");
    let replaced = Arc::new(program(&second));
    bench.core.replace_program(&replaced);
    assert_eq!(ask(&mut bench, "first.example"), "SIP/2.0 404 not Second");
    assert_eq!(ask(&mut bench, "second.example"), "SIP/2.0 200 own Second");
    let old = Arc::downgrade(&replaced);
    drop(replaced);
    bench.core.replace_program(&Arc::new(program(first)));
    assert!(old.upgrade().is_none(), "nobody holds the old program");
}

#[test]
fn users_of_a_module_that_is_not_loaded_any_more_are_found() {
    let domains = "modparam(\"usrloc\", \"use_domain\", 1)\n";
    let server = Server::start(&format!("{}{domains}", numbered(1)));
    let phone = Phone::new("bob");
    phone.register(&server);
    let without = numbered(2).replace("loadmodule \"usrloc.so\"\n", "");
    let said = server.reload(&without);
    assert!(said.contains("`use_domain` stays as it was"), "{said}");
    phone.send(&phone.request("MESSAGE", &phone.aor(server.address())), server.address());
    assert_eq!(number_in(phone.expect_request("MESSAGE").value("X-Program")), 2);
}

/// L01: tables are named by scripts, and stay when no script names them any more.
#[test]
fn tables_survive_and_new_ones_come_to_be() {
    let script = |table: &str| numbered(1).replace("\"location\"", &format!("\"{table}\""));
    let server = Server::start(&script("location"));
    let phone = Phone::new("bob");
    let call = || {
        let request = phone.request("MESSAGE", &phone.aor(server.address()));
        phone.send(&request, server.address());
    };
    phone.register(&server);
    server.reload(&script("other"));
    call();
    phone.expect_response(404, "MESSAGE");
    phone.register(&server);
    call();
    phone.expect_request("MESSAGE");
    server.reload(&script("location"));
    call();
    phone.expect_request("MESSAGE");
}

/// A run that waits for a command ends by the script that it began with.
#[test]
fn a_run_that_waits_goes_on_by_the_old_script() {
    let folder = support::process::Folder::new();
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let script = |number: usize| {
        let wait = format!("if (is_method(\"INFO\")) exec_msg(\"cat {}\");", fifo.display());
        let answer = format!("{wait} if (method==\"INFO\" || method==\"OPTIONS\")");
        let text = numbered(number).replace("if (method==\"OPTIONS\")", &answer);
        format!("loadmodule \"exec.so\"\n{text}")
    };
    let server = Server::start(&script(1));
    let (waiting, other) = (Phone::new("bob"), Phone::new("carl"));
    let request = waiting.request("INFO", &format!("sip:{}", server.address()));
    waiting.send(&request, server.address());
    // Opening it waits until the command has opened the other end.
    let writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    for number in 2..=5 {
        server.reload(&script(number));
        assert_eq!(running(&other, server.address()), number);
    }
    drop(writer);
    assert_eq!(number_in(waiting.expect_response(200, "INFO").reason()), 1);
    assert_eq!(running(&waiting, server.address()), 5);
}
