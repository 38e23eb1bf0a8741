//! The program's answers to what cannot be done: one clear message, the right exit code, and no
//! traffic.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// Runs the program with these arguments, at a place where it finds nothing of its own.
fn viaload(arguments: &[&str]) -> Output {
    let cache = scratch();
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaload"));
    command.args(arguments).env("XDG_CACHE_HOME", &cache.0).env("NO_COLOR", "1");
    command.output().unwrap()
}

/// What the program said on standard error.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder that is removed in the end.
struct Scratch(PathBuf);

/// A new empty folder.
fn scratch() -> Scratch {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("viaload-cli-{}-{number}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    Scratch(folder)
}

impl Scratch {
    /// A file with this text.
    fn file(&self, name: &str, text: &str) -> String {
        let file = self.0.join(name);
        fs::write(&file, text).unwrap();
        show(&file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A path as text.
fn show(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A server that only waits.
struct Server(UdpSocket);

/// A server on a free port of loopback.
fn server() -> Server {
    Server(UdpSocket::bind("127.0.0.1:0").unwrap())
}

impl Server {
    /// Its address as an argument.
    fn target(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Whether nothing has come.
    fn is_untouched(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let error = self.0.recv(&mut [0; 1]);
        error.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

/// Asserts that `run` against a server with these arguments ends with this exit code and says
/// these texts, before anything is sent.
fn assert_refused(arguments: &[&str], exit_code: i32, texts: &[&str]) {
    let server = server();
    let target = server.target();
    let mut all = vec!["run", "--target", &target];
    all.extend(arguments);
    let output = viaload(&all);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(exit_code), "{arguments:?}: {said}");
    for text in texts {
        assert!(said.contains(text), "{arguments:?}: {text:?} is not in: {said}");
    }
    assert!(server.is_untouched(), "{arguments:?}");
}

#[test]
fn an_unknown_scenario_is_told_with_the_one_that_was_meant() {
    assert_refused(
        &["--scenario", "cancle"],
        2,
        &["unknown scenario \"cancle\"", "did you mean \"cancel\"?"],
    );
}

#[test]
fn impossible_loads_are_refused() {
    assert_refused(&["--rate", "0"], 2, &["--rate 0"]);
    assert_refused(&["--rate", "NaN"], 2, &["--rate"]);
    assert_refused(&["--rate=-5"], 2, &["--rate"]);
    assert_refused(&["--rate", "1e12"], 2, &["--rate"]);
    assert_refused(&["--concurrency", "0"], 2, &["--concurrency 0"]);
    assert_refused(&["--ramp", "100:50:10"], 2, &["--ramp 100:50:10"]);
    assert_refused(&["--steps", "100"], 2, &["--steps 100"]);
    assert_refused(&["--rate", "10", "--concurrency", "5"], 2, &["cannot be used with"]);
}

#[test]
fn a_target_that_is_not_this_machine_needs_a_word() {
    for arguments in [&[][..], &["--i-am-allowed-to-test", "192.0.2.2"]] {
        let output = viaload(&[&["run", "--target", "192.0.2.1"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        let said = said(&output);
        assert!(said.contains("--i-am-allowed-to-test 192.0.2.1"), "{said}");
    }
}

#[test]
fn a_target_where_nothing_listens_is_told() {
    let target = server().target();
    let output = viaload(&["run", "--target", &target, "--calls", "1"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(said(&output), format!("viaload: nothing listens at {target} (UDP)\n"));
}

#[test]
fn a_table_of_users_without_users_is_told_with_file_and_line() {
    let scratch = scratch();
    let file = scratch.file("users.csv", "name,domain\nalice,example.org\n");
    assert_refused(&["--users", &file], 2, &[&format!("{file}:1:"), "no column \"user\""]);
    assert_refused(&["--users", "0"], 2, &["--users 0"]);
    assert_refused(&["--users", "missing.csv"], 2, &["missing.csv"]);
}

#[test]
fn a_scenario_that_is_no_xml_is_told_with_file_and_line() {
    let scratch = scratch();
    let file = scratch.file("broken.xml", "<scenario>\n  <send>\n</scenario>\n");
    assert_refused(&["--scenario", &file], 2, &[&format!("{file}:3:")]);
    assert_refused(&["--scenario", "missing.xml"], 2, &["missing.xml cannot be read"]);
}

#[test]
fn a_scenario_for_the_wrong_side_is_told() {
    let scratch = scratch();
    let text = "<scenario name=\"s\"><recv request=\"INVITE\"/></scenario>";
    let file = scratch.file("uas.xml", text);
    assert_refused(&["--scenario", &file], 2, &["waits for a call", "--uas-scenario"]);
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_run() {
    for option in ["--json", "--html"] {
        assert_refused(&[option, "no/such/folder/report"], 2, &["cannot be written"]);
    }
    let scratch = scratch();
    let kept = scratch.file("kept.json", "before");
    assert_refused(&["--json", &kept, "--rate", "0"], 2, &["--rate 0"]);
    assert_eq!(fs::read_to_string(&kept).unwrap(), "before");
}

#[test]
fn a_core_that_is_not_there_is_told() {
    assert_refused(&["--cores", "4000"], 2, &["core 4000 is not usable here"]);
}

#[test]
fn a_taken_address_is_told() {
    let server = server();
    let output = viaload(&["uas", "--listen", &server.target()]);
    assert_eq!(output.status.code(), Some(3));
    let expected = format!("cannot use udp:{}: Address already in use", server.target());
    assert!(said(&output).contains(&expected), "{}", said(&output));
}

#[test]
fn an_own_address_that_is_not_here_is_told() {
    let server = server();
    let output = viaload(&["run", "--target", &server.target(), "--local", "192.0.2.7"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("192.0.2.7"), "{}", said(&output));
}

#[test]
fn reports_that_cannot_be_compared_are_told() {
    let scratch = scratch();
    let file = scratch.file("a.json", "{\n  \"schema\": \"other/7\"\n}\n");
    let output = viaload(&["compare", &file, &file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("other/7"), "{}", said(&output));
}

#[test]
fn scenarios_are_listed_and_printed() {
    let output = viaload(&["scenarios"]);
    let list = String::from_utf8(output.stdout).unwrap();
    for name in ["call", "cancel", "register", "mixed"] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{list}");
    }
    let output = viaload(&["scenarios", "call"]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("<scenario"));
    let output = viaload(&["scenarios", "cal"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("did you mean \"call\"?"), "{}", said(&output));
}

/// An address in 127.0.0.0/8 is this machine, whatever its text.
#[test]
fn all_of_loopback_is_this_machine() {
    let server = UdpSocket::bind("127.0.0.2:0").unwrap();
    let address: SocketAddr = server.local_addr().unwrap();
    let output = viaload(&["run", "--target", &address.to_string(), "--rate", "0"]);
    assert!(said(&output).contains("--rate 0"), "{}", said(&output));
}

/// A program that runs, and is killed if the test fails.
struct Running(Child);

impl Running {
    /// Starts the program with these arguments.
    fn start(arguments: &[&str], cache: &Scratch) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaload"));
        command.args(arguments).env("XDG_CACHE_HOME", &cache.0).stdin(Stdio::null());
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits for a line on standard error that contains this text.
    fn wait_for(&mut self, text: &str) -> String {
        let lines = BufReader::new(self.0.stderr.as_mut().unwrap()).lines();
        lines.map(Result::unwrap).find(|line| line.contains(text)).unwrap()
    }

    /// Waits for the end: exit code and standard error.
    fn wait(mut self) -> (Option<i32>, String) {
        let mut text = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (self.0.wait().unwrap().code(), text)
    }

    /// Interrupts the program and waits for its end: exit code and standard output.
    fn interrupt(mut self) -> (Option<i32>, String) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let mut text = String::new();
        // What it still says must have somewhere to go.
        let mut stderr = self.0.stderr.take().unwrap();
        let drain = thread::spawn(move || io::copy(&mut stderr, &mut io::sink()));
        self.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let status = self.0.wait().unwrap();
        drain.join().unwrap().unwrap();
        (status.code(), text)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn calls_to_a_server_that_answers_are_all_completed_on_both_sides() {
    let cache = scratch();
    let mut server = Running::start(
        &["uas", "--listen", "127.0.0.1:0", "--threads", "2", "--no-pin", "--view", "quiet"],
        &cache,
    );
    let ready = server.wait_for("ready: udp:127.0.0.1:");
    let target = ready.trim_start_matches("ready: udp:").split(',').next().unwrap().to_owned();
    let json = show(&cache.0.join("report.json"));
    let html = show(&cache.0.join("report.html"));
    let output = viaload(&[
        "run",
        "--target",
        &target,
        "--no-uas",
        "--rate",
        "200",
        "--calls",
        "50",
        "--threads",
        "2",
        "--no-pin",
        "--max-lag",
        "60000",
        "--trace",
        "1",
        "--json",
        &json,
        "--html",
        &html,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = viaload::report::json::read(Path::new(&json)).unwrap();
    assert_eq!((report.calls.offered, report.calls.completed, report.calls.failed), (50, 50, 0));
    assert_eq!((report.messages.unexpected, report.messages.stray), (0, 0));
    assert!(report.verdict.valid && !report.traces.is_empty());
    let series: u64 = report.series.iter().map(|second| second.completed).sum();
    assert_eq!(series, 50);
    assert!(fs::read_to_string(&html).unwrap().contains("</html>"));
    let (code, text) = server.interrupt();
    assert_eq!(code, Some(0));
    // With the question before the run whether anybody is there.
    assert_eq!(text, "answered 51 calls: 51 completed, 0 failed\n");
}

#[test]
fn an_interrupted_run_ends_its_calls_and_reports_what_was_done() {
    let cache = scratch();
    let mut run = Running::start(
        &[
            "run",
            "--self-test",
            "--duration",
            "600",
            "--threads",
            "1",
            "--no-pin",
            "--hold",
            "3600000",
            "--scenario",
            "call",
            "--view",
            "lines",
        ],
        &cache,
    );
    run.wait_for("started");
    let (code, text) = run.interrupt();
    assert_eq!(code, Some(130));
    assert!(text.contains("INTERRUPTED") && text.contains("cut short"), "{text}");
    assert!(!text.contains("abandoned"), "{text}");
}

#[test]
fn a_self_test_is_kept_for_later_reports() {
    let cache = scratch();
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaload"));
    command.args(["run", "--self-test", "--duration", "0.2", "--threads", "1", "--no-pin"]);
    let output = command.env("XDG_CACHE_HOME", &cache.0).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let kept = fs::read(cache.0.join("viaload/self-test.json")).unwrap();
    let kept: Vec<viaload::report::SelfTest> = serde_json::from_slice(&kept).unwrap();
    assert_eq!((kept[0].scenario.as_str(), kept[0].threads), ("call", 1));
    assert!(kept[0].rate > 0.0 && kept[0].messages > kept[0].rate);
}

#[test]
fn users_that_a_server_does_not_accept_stop_the_run() {
    let cache = scratch();
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = server.local_addr().unwrap().to_string();
    let refusing = thread::spawn(move || refuse_all(&server));
    let run = Running::start(
        &["run", "--target", &target, "--users", "3", "--threads", "1", "--no-pin"],
        &cache,
    );
    let output = run.wait();
    assert_eq!(output.0, Some(3), "{}", output.1);
    let expected = format!("viaload: 0 of 3 users were registered at {target} (403: 3)\n");
    assert!(output.1.ends_with(&expected), "{}", output.1);
    assert_eq!(refusing.join().unwrap(), ["OPTIONS", "REGISTER", "REGISTER", "REGISTER"]);
}

/// Answers an OPTIONS and three REGISTERs by 403: what they were.
fn refuse_all(server: &UdpSocket) -> Vec<String> {
    let mut bytes = [0; 2_000];
    let mut methods = Vec::new();
    while methods.len() < 4 {
        let (length, source) = server.recv_from(&mut bytes).unwrap();
        let request = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
        let copied =
            request.lines().filter(|line| copied.iter().any(|name| line.starts_with(name)));
        let headers = copied.map(|line| format!("{line}\r\n")).collect::<String>();
        let reply = format!("SIP/2.0 403 Forbidden\r\n{headers}Content-Length: 0\r\n\r\n");
        server.send_to(reply.as_bytes(), source).unwrap();
        methods.push(request.split(' ').next().unwrap_or_default().to_owned());
    }
    methods
}
