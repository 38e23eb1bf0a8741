//! The process from outside: starting, refusing to start, stopping.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;
use std::{fs, io, process};

/// The program with arguments, its standard streams caught.
fn viaduct(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Receives a datagram. A wait with a time limit may be interrupted by what the machine does.
fn receive(peer: &UdpSocket, bytes: &mut [u8]) -> (usize, SocketAddr) {
    loop {
        match peer.recv_from(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            received => return received.unwrap(),
        }
    }
}

/// What it says and gives when it ends by itself.
fn outcome(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = viaduct(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A running server; killed when the test forgets it.
struct Server {
    child: Child,
    stderr: BufReader<ChildStderr>,
    ready: String,
}

impl Server {
    /// Starts it and waits until it is ready.
    fn start(arguments: &[&str]) -> Self {
        let mut child = viaduct(arguments).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut ready = String::new();
        stderr.read_line(&mut ready).unwrap();
        Self { child, stderr, ready }
    }

    /// Its first listen address, from the line that it is ready.
    fn address(&self) -> SocketAddr {
        let rest = self.ready.strip_prefix("ready: udp:").expect(&self.ready);
        rest.split(',').next().unwrap().parse().unwrap()
    }

    /// Sends it a signal.
    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for its end: the exit code, and what it said since it was ready.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of its own for a test.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", process::id()));
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn it_says_in_one_line_that_it_is_ready_and_stops_when_told() {
    for signal in ["TERM", "INT"] {
        let arguments = ["run", "--no-pin", "--listen", "udp:127.0.0.1:0", "--workers", "3"];
        let server = Server::start(&arguments);
        let expected = format!("ready: udp:{}, 3 workers\n", server.address());
        assert_eq!(server.ready, expected);
        server.signal(signal);
        assert_eq!(server.end(), (Some(0), String::new()), "{signal}");
    }
}

#[test]
fn several_listen_addresses_are_all_named() {
    let listen =
        ["run", "--listen", "127.0.0.1:0", "--listen", "udp:127.0.0.2:0", "--workers", "1"];
    let server = Server::start(&listen);
    let parts: Vec<&str> = server.ready.trim_end().split(", ").collect();
    assert!(parts[0].starts_with("ready: udp:127.0.0.1:"), "{}", server.ready);
    assert!(parts[1].starts_with("udp:127.0.0.2:"), "{}", server.ready);
    assert_eq!(parts[2..], ["1 worker"]);
}

#[test]
fn it_outlives_its_terminal_and_datagrams_of_every_kind() {
    let server = Server::start(&["run", "--listen", "127.0.0.1:0", "--workers", "2"]);
    server.signal("HUP");
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    for datagram in [&b""[..], b"\r\n\r\n", b"\0\xff nonsense", &[b'x'; 60_000]] {
        peer.send_to(datagram, server.address()).unwrap();
    }
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn a_second_server_at_the_same_port_is_refused() {
    let first = Server::start(&["run", "--listen", "127.0.0.1:0", "--workers", "2"]);
    let address = first.address().to_string();
    let (code, _, stderr) = outcome(&["run", "--listen", &address, "--workers", "2"]);
    assert_eq!(code, Some(3));
    let expected = format!("viaduct: cannot listen on udp:{address}: Address already in use\n");
    assert_eq!(stderr, expected);
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let (code, _, stderr) = outcome(&["run", "--listen", "192.0.2.1:5060", "--workers", "1"]);
    assert_eq!(code, Some(3));
    let expected =
        "viaduct: cannot listen on udp:192.0.2.1:5060: Cannot assign requested address\n";
    assert_eq!(stderr, expected);
}

#[test]
fn a_missing_script_is_named() {
    let expected = "viaduct: cannot read nofile.cfg: No such file or directory\n";
    for arguments in [&["run", "--config", "nofile.cfg"][..], &["check", "nofile.cfg"]] {
        let (code, stdout, stderr) = outcome(arguments);
        assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(1), "", expected));
    }
}

#[test]
fn a_wrong_command_line_is_explained() {
    for (arguments, word) in [
        (&["run", "--listen", "udp:nowhere"][..], "udp:ADDRESS:PORT"),
        (&["run", "--workers", "0"], "from 1 to 256"),
        (&["run", "--log-level", "loud"], "--log-level"),
        (&["walk"], "unrecognized subcommand"),
        (&["check"], "<FILE>"),
        (&["functions", "looku"], "there is no function `looku`; did you mean `lookup`?"),
        (&["variables", "$qq"], "there is no variable `qq`"),
        (&["modules", "textop"], "did you mean `textops`?"),
        (&[], "Usage"),
    ] {
        let (code, _, stderr) = outcome(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(word), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_good_script_checks_without_a_word() {
    let script = file("good.cfg", "#!KAMAILIO\nrequest_route {\n    exit;\n}\n");
    let script = script.to_str().unwrap();
    assert_eq!(outcome(&["check", script]), (Some(0), String::new(), String::new()));
    let json = outcome(&["check", script, "--format", "json"]);
    let empty = "{\"version\":1,\"diagnostics\":[]}\n".to_owned();
    assert_eq!(json, (Some(0), empty, String::new()));
}

#[test]
fn a_bad_script_is_explained_and_does_not_run() {
    let script = file("bad.cfg", "#!KAMAILIO\nrequest_route {\n    frward();\n}\n");
    let script = script.to_str().unwrap();
    for arguments in [&["check", script][..], &["run", "--config", script]] {
        let (code, stdout, stderr) = outcome(arguments);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(stderr.starts_with("error[E0401]: there is no function `frward`"), "{stderr}");
        assert!(stderr.contains("bad.cfg:3:5"), "{stderr}");
        assert!(stderr.ends_with("viaduct: the script has errors\n"), "{stderr}");
    }
    let (code, stdout, _) = outcome(&["check", script, "--format", "json"]);
    assert_eq!(code, Some(1));
    assert!(stdout.contains("\"code\":\"E0401\"") && stdout.contains("\"line\":3"), "{stdout}");
}

#[test]
fn the_script_that_is_named_answers_and_logs() {
    let text = "#!KAMAILIO\nchildren=2\nlog_stderror=yes\nloadmodule \"sl.so\"\n\
        loadmodule \"xlog.so\"\nrequest_route {\n    xlog(\"L_ERR\", \"got $rm\\n\");\n    \
        sl_send_reply(\"200\", \"Fine\");\n    exit;\n}\n";
    let script = file("answer.cfg", text);
    let script = script.to_str().unwrap();
    let server = Server::start(&["run", "--config", script, "--listen", "127.0.0.1:0"]);
    assert!(server.ready.ends_with(", 2 workers\n"), "{}", server.ready);
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let request = "OPTIONS sip:nobody@example.org SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK1\r\n\
        From: <sip:a@example.org>;tag=1\r\nTo: <sip:nobody@example.org>\r\n\
        Call-ID: 1@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
        Content-Length: 0\r\n\r\n";
    peer.send_to(request.as_bytes(), server.address()).unwrap();
    let mut bytes = [0; 2_048];
    let (length, source) = receive(&peer, &mut bytes);
    assert_eq!(source, server.address());
    assert!(bytes[..length].starts_with(b"SIP/2.0 200 Fine\r\n"));
    server.signal("TERM");
    assert_eq!(server.end(), (Some(0), "got OPTIONS\n".to_owned()));
}

#[test]
fn who_sleeps_or_waits_for_a_lock_is_answered_when_the_server_ends() {
    let text = "loadmodule \"sl.so\"\nloadmodule \"cfgutils.so\"\nrequest_route {\n    \
        sl_send_reply(\"183\", \"Patience\");\n    \
        if (!lock(\"one\")) { sl_send_reply(\"500\", \"Taken\"); exit; }\n    \
        sleep(\"32\");\n    if (!sleep(\"32\")) sl_send_reply(\"200\", \"Awake\");\n}\n";
    let script = file("sleep.cfg", text);
    let script = script.to_str().unwrap();
    let arguments = ["run", "--config", script, "--listen", "127.0.0.1:0", "--workers", "1"];
    let server = Server::start(&arguments);
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let next = || {
        let mut bytes = [0; 2_048];
        let (length, _) = receive(&peer, &mut bytes);
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        text.lines().next().unwrap().to_owned()
    };
    for number in 1..=2 {
        let request = format!(
            "OPTIONS sip:nobody@example.org SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{number}\r\n\
             From: <sip:a@example.org>;tag=1\r\nTo: <sip:nobody@example.org>\r\n\
             Call-ID: {number}@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
             Content-Length: 0\r\n\r\n"
        );
        peer.send_to(request.as_bytes(), server.address()).unwrap();
        assert_eq!(next(), "SIP/2.0 183 Patience");
    }
    server.signal("TERM");
    assert_eq!([next(), next()], ["SIP/2.0 500 Taken", "SIP/2.0 200 Awake"]);
    assert_eq!(server.end().0, Some(0));
}

/// F02: `forward()` takes a host name.
#[test]
fn a_request_goes_to_a_host_that_is_named() {
    let gateway = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = gateway.local_addr().unwrap().port();
    let text = format!("request_route {{ forward(localhost, {port}); }}\n");
    let script = file("named.cfg", &text);
    let script = script.to_str().unwrap();
    let server = Server::start(&["run", "--config", script, "--listen", "127.0.0.1:0"]);
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let request = "OPTIONS sip:nobody@example.org SIP/2.0\r\n\
        Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK1\r\n\
        From: <sip:a@example.org>;tag=1\r\nTo: <sip:nobody@example.org>\r\n\
        Call-ID: 1@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
        Content-Length: 0\r\n\r\n";
    gateway.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    peer.send_to(request.as_bytes(), server.address()).unwrap();
    let mut bytes = [0; 2_048];
    let (length, _) = receive(&gateway, &mut bytes);
    assert!(bytes[..length].starts_with(b"OPTIONS sip:nobody@example.org SIP/2.0\r\nVia: "));
    server.signal("TERM");
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn the_doctor_looks_at_this_machine() {
    let (code, stdout, stderr) = outcome(&["doctor"]);
    assert!(stdout.ends_with(" would be better changed\n"), "{stdout}{stderr}");
    assert!(stdout.contains("workers: "), "{stdout}");
    let must_be_changed = stdout.contains("must    ");
    assert_eq!(code, Some(i32::from(must_be_changed)), "{stdout}{stderr}");
    assert_eq!(stderr.is_empty(), !must_be_changed, "{stderr}");
    let (_, stdout, _) = outcome(&["doctor", "--format", "json"]);
    assert!(stdout.starts_with("[{\"check\":") && stdout.ends_with("]\n"), "{stdout}");
}

#[test]
fn the_doctor_looks_at_what_the_script_wants() {
    let script = file("many.cfg", "#!KAMAILIO\nchildren=200\nrequest_route {\n    exit;\n}\n");
    let (code, stdout, stderr) = outcome(&["doctor", "--config", script.to_str().unwrap()]);
    assert!(stdout.contains("workers: 200 for "), "{stdout}{stderr}");
    assert!(code == Some(1) || !stdout.contains("must    "), "{stdout}");
    let script = file("worse.cfg", "#!KAMAILIO\nrequest_route {\n    frward();\n}\n");
    let (code, stdout, stderr) = outcome(&["doctor", "--config", script.to_str().unwrap()]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("error[E0401]: there is no function `frward`"), "{stderr}");
}
