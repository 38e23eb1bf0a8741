//! The program's answers to what cannot be done: one clear message, the right exit code, and no
//! traffic.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::thread;

use support::process::Folder;
use support::program::Program;
use support::{Answering, free_address};

/// How the program ended, and what it said.
struct Output {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the program with these arguments, at a place where it finds nothing of its own.
fn viaload(arguments: &[&str]) -> Output {
    let folder = Folder::new();
    finish(&mut start(arguments, &folder))
}

/// Starts the program with these arguments; the folder is where it keeps things.
fn start(arguments: &[&str], folder: &Folder) -> Program {
    Program::viaload(|command| {
        command.args(arguments).env("XDG_CACHE_HOME", folder.path()).env("NO_COLOR", "1");
    })
}

/// Waits for the program's end.
fn finish(program: &mut Program) -> Output {
    let (status, stdout, stderr) = program.wait();
    Output { code: status.code(), stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

/// A file with this text, as an argument.
fn file(folder: &Folder, name: &str, text: &str) -> String {
    show(&folder.write(name, text))
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
    let said = &output.stderr;
    assert_eq!(output.code, Some(exit_code), "{arguments:?}: {said}");
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
        assert_eq!(output.code, Some(2));
        let said = output.stderr;
        assert!(said.contains("--i-am-allowed-to-test 192.0.2.1"), "{said}");
    }
}

#[test]
fn a_target_where_nothing_listens_is_told() {
    let target = free_address().to_string();
    let output = viaload(&["run", "--target", &target, "--calls", "1"]);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    assert_eq!(output.stderr, format!("viaload: nothing listens at {target} (UDP)\n"));
}

#[test]
fn a_table_of_users_without_users_is_told_with_file_and_line() {
    let folder = Folder::new();
    let file = file(&folder, "users.csv", "name,domain\nalice,example.org\n");
    assert_refused(&["--users", &file], 2, &[&format!("{file}:1:"), "no column \"user\""]);
    assert_refused(&["--users", "0"], 2, &["--users 0"]);
    assert_refused(&["--users", "missing.csv"], 2, &["missing.csv"]);
}

#[test]
fn a_scenario_that_is_no_xml_is_told_with_file_and_line() {
    let folder = Folder::new();
    let file = file(&folder, "broken.xml", "<scenario>\n  <send>\n</scenario>\n");
    assert_refused(&["--scenario", &file], 2, &[&format!("{file}:3:")]);
    assert_refused(&["--scenario", "missing.xml"], 2, &["missing.xml cannot be read"]);
}

#[test]
fn a_scenario_for_the_wrong_side_is_told() {
    let folder = Folder::new();
    let text = "<scenario name=\"s\"><recv request=\"INVITE\"/></scenario>";
    let file = file(&folder, "uas.xml", text);
    assert_refused(&["--scenario", &file], 2, &["waits for a call", "--uas-scenario"]);
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_run() {
    for option in ["--json", "--html"] {
        assert_refused(&[option, "no/such/folder/report"], 2, &["cannot be written"]);
    }
    let folder = Folder::new();
    let kept = file(&folder, "kept.json", "before");
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
    assert_eq!(output.code, Some(3));
    let expected = format!("cannot use udp:{}: Address already in use", server.target());
    assert!(output.stderr.contains(&expected), "{}", output.stderr);
}

#[test]
fn an_own_address_that_is_not_here_is_told() {
    let server = server();
    let output = viaload(&["run", "--target", &server.target(), "--local", "192.0.2.7"]);
    assert_eq!(output.code, Some(3));
    assert!(output.stderr.contains("192.0.2.7"), "{}", output.stderr);
}

#[test]
fn reports_that_cannot_be_compared_are_told() {
    let folder = Folder::new();
    let file = file(&folder, "a.json", "{\n  \"schema\": \"other/7\"\n}\n");
    let output = viaload(&["compare", &file, &file]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("other/7"), "{}", output.stderr);
}

#[test]
fn scenarios_are_listed_and_printed() {
    let output = viaload(&["scenarios"]);
    let list = output.stdout;
    for name in ["call", "cancel", "register", "mixed"] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{list}");
    }
    let output = viaload(&["scenarios", "call"]);
    assert!(output.stdout.contains("<scenario"));
    let output = viaload(&["scenarios", "cal"]);
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("did you mean \"call\"?"), "{}", output.stderr);
}

/// An address in 127.0.0.0/8 is this machine, whatever its text.
#[test]
fn all_of_loopback_is_this_machine() {
    let server = UdpSocket::bind("127.0.0.2:0").unwrap();
    let address: SocketAddr = server.local_addr().unwrap();
    let output = viaload(&["run", "--target", &address.to_string(), "--rate", "0"]);
    assert!(output.stderr.contains("--rate 0"), "{}", output.stderr);
}

#[test]
fn calls_to_a_server_that_answers_are_all_completed_on_both_sides() {
    let folder = Folder::new();
    let server = Answering::start(&[]);
    let target = server.address().to_string();
    let [json, html] = ["report.json", "report.html"].map(|name| show(&folder.path().join(name)));
    let load = ["run", "--target", &target, "--no-uas", "--rate", "200", "--calls", "50"];
    let ways = ["--threads", "2", "--no-pin", "--max-lag", "60000"];
    let told = ["--trace", "1", "--json", &json, "--html", &html];
    let output = viaload(&[&load[..], &ways, &told].concat());
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let report = viaload::report::json::read(Path::new(&json)).unwrap();
    assert_eq!((report.calls.offered, report.calls.completed, report.calls.failed), (50, 50, 0));
    assert_eq!((report.messages.unexpected, report.messages.stray), (0, 0));
    assert!(report.verdict.valid && !report.traces.is_empty());
    let series: u64 = report.series.iter().map(|second| second.completed).sum();
    assert_eq!(series, 50);
    assert!(fs::read_to_string(&html).unwrap().contains("</html>"));
    // With the question before the run whether anybody is there.
    assert_eq!(server.interrupt(), "answered 51 calls: 51 completed, 0 failed\n");
}

#[test]
fn an_interrupted_run_ends_its_calls_and_reports_what_was_done() {
    let folder = Folder::new();
    let load = ["run", "--self-test", "--duration", "600", "--hold", "3600000", "--view", "lines"];
    let mut run = start(&[&load[..], &["--threads", "1", "--no-pin"]].concat(), &folder);
    run.wait_for_line("a second", |line| line.contains("started"));
    run.signal("INT");
    let output = finish(&mut run);
    assert_eq!(output.code, Some(130));
    let text = output.stdout;
    assert!(text.contains("INTERRUPTED") && text.contains("cut short"), "{text}");
    assert!(!text.contains("abandoned"), "{text}");
}

#[test]
fn what_a_scenario_logs_is_shown_but_not_without_end() {
    let folder = Folder::new();
    let text = "<scenario name=\"logging\"><send><![CDATA[\n\
        OPTIONS sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n\
        Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
        From: <sip:a@[local_ip]>;tag=[call_number]\n\
        To: <sip:[service]@[remote_ip]>\nCall-ID: [call_id]\nCSeq: 1 OPTIONS\n\
        Max-Forwards: 70\nContent-Length: 0\n\n]]></send><recv response=\"200\"><action>\
        <log message=\"line of call [call_number]\"/></action></recv></scenario>";
    let scenario = file(&folder, "logging.xml", text);
    let server = Answering::start(&[]);
    let target = server.address().to_string();
    let load = ["run", "--target", &target, "--no-uas", "--scenario", &scenario];
    let output = viaload(&[&load[..], &["--rate", "200", "--calls", "150"]].concat());
    let lines = output.stderr.lines().filter(|line| line.starts_with("line of call "));
    assert_eq!(lines.count(), 100, "{}", output.stderr);
    let hint = "further lines that the scenario logs are not shown";
    assert_eq!(output.stderr.matches(hint).count(), 1, "{}", output.stderr);
}

#[test]
fn a_self_test_is_kept_for_later_reports() {
    let folder = Folder::new();
    let load = ["run", "--self-test", "--duration", "0.2", "--threads", "1", "--no-pin"];
    let output = finish(&mut start(&load, &folder));
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let kept = fs::read(folder.path().join("viaload/self-test.json")).unwrap();
    let kept: Vec<viaload::report::SelfTest> = serde_json::from_slice(&kept).unwrap();
    assert_eq!((kept[0].scenario.as_str(), kept[0].threads), ("call", 1));
    assert!(kept[0].rate > 0.0 && kept[0].messages > kept[0].rate);
}

#[test]
fn users_that_a_server_does_not_accept_stop_the_run() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = server.local_addr().unwrap().to_string();
    let refusing = thread::spawn(move || refuse_all(&server));
    let load = ["run", "--target", &target, "--users", "3", "--threads", "1", "--no-pin"];
    let output = viaload(&load);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    let expected = format!("viaload: 0 of 3 users were registered at {target} (403: 3)\n");
    assert!(output.stderr.ends_with(&expected), "{}", output.stderr);
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
