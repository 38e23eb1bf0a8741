//! The administrator's tool: what it shows and changes of a running server, and what it does not
//! let others do.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![expect(clippy::panic, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test file uses a part of it")]
mod support;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;

use support::process::{Folder, Process, spawn};
use support::{PATIENCE, Phone, Server, free_address};

/// A registrar whose tables the tool works on; `lookup` looks at aliases first.
const SCRIPT: &str = r#"
ctl="unix:ctl"
loadmodule "sl.so"
loadmodule "registrar.so"
loadmodule "usrloc.so"
route {
    if (method=="REGISTER") { save("location"); exit; }
    lookup("aliases");
    if (!lookup("location")) { sl_send_reply("404", "first script"); exit; }
    forward();
}
"#;

/// Where the server of a test has its socket.
fn socket(server: &Server) -> PathBuf {
    server.script().0.path().join("ctl")
}

/// Runs the tool.
fn run(path: &PathBuf, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    command.args(["ctl", "--ctl"]).arg(path).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(&mut command).wait_with_output().unwrap()
}

/// What the tool says; it must succeed.
fn said(server: &Server, words: &[&str]) -> String {
    let output = run(&socket(server), words);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the tool complains of, and its exit code; it must fail.
fn complaint(path: &PathBuf, words: &[&str]) -> (String, i32) {
    let output = run(path, words);
    let code = output.status.code().unwrap();
    assert_ne!(code, 0, "{words:?}");
    (String::from_utf8(output.stderr).unwrap(), code)
}

/// A connection of a program that is not the tool.
fn connect(server: &Server) -> UnixStream {
    let stream = UnixStream::connect(socket(server)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What comes until the end.
fn rest_of(mut stream: UnixStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8(text).unwrap(),
    }
}

/// Sends a request of that text; the answer, with its frames.
fn converse(server: &Server, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).unwrap();
    rest_of(stream)
}

// G07, G13, L09
#[test]
fn the_tool_shows_adds_and_removes_what_the_server_uses() {
    let server = Server::start(SCRIPT);
    let (alice, bob) = (Phone::new("alice"), Phone::new("bob"));
    bob.register(&server);
    let shown = said(&server, &["ul", "show", "bob"]);
    let (contact, expires) = shown.trim_end().rsplit_once(";expires=").unwrap();
    assert_eq!(contact, format!("<{}>;q=0.00", bob.uri()));
    assert!((1..=7_200).contains(&expires.parse::<u32>().unwrap()), "{shown}");
    assert_eq!(said(&server, &["ul", "show", "--brief"]), "location bob 1\n");

    assert_eq!(said(&server, &["ul", "add", "carol", &bob.uri()]), "");
    assert_eq!(said(&server, &["alias", "add", "911", "sip:carol@anywhere.example"]), "");
    let aliases = said(&server, &["alias", "show"]);
    assert_eq!(aliases, "aliases 911 <sip:carol@anywhere.example>;q=0.00;expires=permanent\n");
    let to = format!("sip:911@{}", server.address());
    alice.send(&alice.request("MESSAGE", &to), server.address());
    let message = bob.expect_request("MESSAGE");
    assert_eq!(message.uri(), bob.uri());
    bob.answer(&message, 200, "OK");
    alice.expect_response(200, "MESSAGE");

    said(&server, &["ul", "rm", "carol", &bob.uri()]);
    assert_eq!(alice.ask(&alice.request("MESSAGE", &to), server.address()).status(), 404);
    said(&server, &["alias", "rm", "911"]);
    said(&server, &["ul", "rm", "bob"]);
    assert_eq!(said(&server, &["ul", "show"]), "");
    let path = socket(&server);
    let nobody = "viaduct: 404 `bob` has no contact in table `location`\n".to_owned();
    assert_eq!(complaint(&path, &["ul", "show", "bob"]), (nobody.clone(), 1));
    assert_eq!(complaint(&path, &["ul", "rm", "bob"]), (nobody, 1));
}

// G13
#[test]
fn the_tool_tells_about_the_server() {
    let server = Server::start(SCRIPT);
    let phone = Phone::new("alice");
    let uri = format!("sip:nobody@{}", server.address());
    phone.ask(&phone.request("OPTIONS", &uri), server.address());
    assert!(said(&server, &["ps"]).contains("\tworker-1\n"));
    assert!(said(&server, &["version"]).starts_with("Server: Viaduct ("));
    assert!(said(&server, &["uptime"]).contains("\nUp time: "));
    assert!(said(&server, &["arg"]).contains("\n--config\n"));
    assert!(said(&server, &["stats"]).contains("sent_replies = 1\n"));
    assert!(said(&server, &["sl_stats"]).contains(" 404: 1 "));
    let json: serde_json::Value =
        serde_json::from_str(&said(&server, &["--format", "json", "stats"])).unwrap();
    assert_eq!((&json["code"], &json["entries"][0]["sent_replies"]), (&200.into(), &1.into()));
    let rounds = said(&server, &["moni", "--count", "3", "--interval", "0"]);
    assert_eq!(rounds.matches("Up Since: ").count(), 3);
    assert_eq!(rounds.matches("received_requests = 1\n").count(), 3);
    assert!(said(&server, &["help"]).contains("ul add USER URI"));
}

// G13
#[test]
fn what_the_server_cannot_do_is_said_with_exit_code_1() {
    let server = Server::start(SCRIPT);
    let path = socket(&server);
    for (words, expected) in [
        (&["passwd", "bob", "secret"][..], "400 not yet: subscribers need a database"),
        (&["t_stats"], "400 not yet: needs transactions"),
        (&["upime"], "400 there is no command `upime`; did you mean `uptime`?"),
        (&["ul", "add", "bob"], "400 usage: ul add USER URI"),
        (&["ul", "add", "bob", "no uri"], "400 `no uri` is no URI"),
        (&["ul", "show", ""], "400 a word is empty or has a line break"),
        (&["ul", "show", "a\nb"], "400 a word is empty or has a line break"),
    ] {
        assert_eq!(complaint(&path, words), (format!("viaduct: {expected}\n"), 1));
    }
    let json = run(&path, &["--format", "json", "ul", "rm", "bob"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["code"], 404);
}

// G13
#[test]
fn a_reload_by_the_tool_tells_what_a_signal_would_log() {
    let server = Server::start(SCRIPT);
    let (folder, name) = server.script();
    let file = folder.path().join(name);
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, good.replace("first script", "second script")).unwrap();
    let shown = said(&server, &["reload"]);
    assert_eq!(shown, format!("reloaded: {}\n", file.display()));
    let phone = Phone::new("alice");
    let uri = format!("sip:nobody@{}", server.address());
    let answer = phone.ask(&phone.request("OPTIONS", &uri), server.address());
    assert_eq!(answer.reason(), "second script");
    fs::write(&file, good.replace("sl_send_reply", "sl_send_repy")).unwrap();
    let output = run(&socket(&server), &["reload"]);
    let diagnostics = String::from_utf8(output.stdout).unwrap();
    for expected in ["error[E0401]", "viaduct.cfg:", "`sl_send_repy`"] {
        assert!(diagnostics.contains(expected), "{diagnostics}");
    }
    let reason = "viaduct: 500 not reloaded: the script has errors\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), reason);
    assert_eq!(output.status.code(), Some(1));
    assert!(server.log().contains("not reloaded: the script has errors\n"));
    let moved = good.replace("unix:ctl", "unix:elsewhere");
    fs::write(&file, moved.replace("first script", "third script")).unwrap();
    let shown = said(&server, &["reload"]);
    assert!(shown.contains("warning[W0501]: `ctl` stays as it was"), "{shown}");
    let answer = phone.ask(&phone.request("OPTIONS", &uri), server.address());
    assert_eq!(answer.reason(), "third script");
}

// G13
#[test]
fn the_socket_is_for_its_own_user_and_goes_with_the_server() {
    let server = Server::start(SCRIPT);
    let path = socket(&server);
    let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let folder = Folder::new();
    let taken = format!("unix:{}", path.display());
    let listen = format!("udp:{}", free_address());
    let mut second = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    second.args(["run", "--no-pin", "--listen", &listen, "--ctl", &taken]);
    let mut second = Process::start(second.current_dir(folder.path()));
    assert_eq!(second.wait().code(), Some(3));
    let why = format!("cannot listen for commands at {}: another server listens", path.display());
    assert!(second.log().contains(&why), "{}", second.log());
    assert!(said(&server, &["uptime"]).contains("Now: "), "the first one still answers");
    let kept = server.script().0.path().to_owned();
    server.interrupt();
    assert!(!kept.join("ctl").exists());
    let (why, code) = complaint(&path, &["uptime"]);
    assert!(why.contains("no answer from") && why.contains("`--ctl PATH`"), "{why}");
    assert_eq!(code, 3);
}

#[test]
fn what_a_dead_server_left_behind_is_taken_over_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.path().join("ctl");
    drop(UnixListener::bind(&path).unwrap());
    let server = Server::start(&SCRIPT.replace("unix:ctl", path.to_str().unwrap()));
    assert!(run(&path, &["uptime"]).status.success());
    drop(server);
    fs::write(&path, "precious").unwrap();
    let listen = format!("udp:{}", free_address());
    let mut other = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    other.args(["run", "--no-pin", "--listen", &listen, "--ctl"]).arg(&path);
    let mut other = Process::start(other.current_dir(folder.path()));
    assert_eq!(other.wait().code(), Some(3));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn who_says_nothing_keeps_nobody_waiting() {
    let server = Server::start(SCRIPT);
    let silent: Vec<UnixStream> = (0..20).map(|_| connect(&server)).collect();
    for mut stream in silent.iter().take(10) {
        stream.write_all(b"text\nul").unwrap();
    }
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert!(said(&server, &["uptime"]).contains("Now: "));
                }
            });
        }
    });
    drop(silent);
    assert!(said(&server, &["uptime"]).contains("Now: "));
}

#[test]
fn a_thousand_commands_in_a_row_are_answered() {
    let server = Server::start(SCRIPT);
    let clients: Vec<String> = vec!["anna".to_owned(), "bert".to_owned()];
    thread::scope(|scope| {
        for client in &clients {
            let server = &server;
            scope.spawn(move || {
                for number in 0..500 {
                    let words = format!("ul\nadd\n{client}{number}\nsip:{client}@192.0.2.9\n");
                    assert_eq!(converse(server, &format!("text\n{words}\n")), "200 OK\n0\n");
                }
            });
        }
    });
    assert_eq!(
        said(&server, &["ul_stats"]),
        "table users contacts expired\nlocation 1000 1000 0\n"
    );
    let shown = said(&server, &["ul", "show"]);
    assert_eq!(shown.lines().count(), 1_000);
    assert!(shown.contains("location bert499 <sip:bert@192.0.2.9>;q=0.00;expires=permanent\n"));
}

#[test]
fn who_takes_none_of_a_long_answer_keeps_nobody_waiting() {
    let server = Server::start(SCRIPT);
    let long = "x".repeat(3_000);
    for number in 0..500 {
        let words = format!("ul\nadd\nu{number}\nsip:{long}@192.0.2.9\n");
        assert_eq!(converse(&server, &format!("text\n{words}\n")), "200 OK\n0\n");
    }
    let mut idle = connect(&server);
    idle.write_all(b"json\nul\nshow\n\n").unwrap();
    assert!(said(&server, &["uptime"]).contains("Now: "));
    let phone = Phone::new("alice");
    phone.register(&server);
    let answer = rest_of(idle);
    assert!(answer.starts_with("200 OK\n") && answer.ends_with("\n0\n"));
    assert_eq!(answer.matches("\"aor\":\"u").count(), 500);
}

#[test]
fn half_a_command_and_rubbish_do_nothing() {
    let server = Server::start(SCRIPT);
    said(&server, &["ul", "add", "bob", "sip:bob@192.0.2.9"]);
    let mut half = connect(&server);
    half.write_all(b"text\nul\nrm\nbob\n").unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest_of(half), "");
    let wrong = "400 the first line is `text` or `json`\n0\n";
    assert_eq!(converse(&server, "GET / HTTP/1.1\r\n"), wrong);
    assert_eq!(converse(&server, "text\n\n"), "400 no command is given\n0\n");
    // It is refused before all of it is read: the rest may break the connection.
    let mut endless = connect(&server);
    let flood = vec![b'x'; 1 << 20];
    let _ = endless.write_all(&flood);
    drop(endless);
    let odd = converse(&server, "text\nul\nshow\n\u{1b}[2J\n\n");
    assert!(odd.starts_with("400 `%1B[2J` is no user\n"), "{odd}");
    assert_eq!(said(&server, &["ul", "show", "--brief"]), "location bob 1\n");
}

#[test]
fn without_a_path_there_is_no_socket() {
    let server = Server::start(&SCRIPT.replace("ctl=\"unix:ctl\"", ""));
    assert!(!socket(&server).exists());
    let (why, code) = complaint(&socket(&server), &["uptime"]);
    assert!(why.contains("No such file or directory"), "{why}");
    assert_eq!(code, 3);
}
