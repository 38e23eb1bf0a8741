//! The FIFO of SER and OpenSER: commands, answers, and what is not to be trusted about them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]
#![expect(clippy::panic, reason = "a test fails by a panic")]

#[expect(dead_code, unused_imports, reason = "each test file uses a part of it")]
mod support;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use support::process::{Folder, Process, spawn};
use support::{Phone, Server, free_address};

/// A registrar with the FIFO of SER.
const SCRIPT: &str = r#"
fifo="ser_fifo"
fifo_mode=0620
fifo_dir="."
loadmodule "sl.so"
loadmodule "registrar.so"
loadmodule "usrloc.so"
route {
    if (method=="REGISTER") { save("location"); exit; }
    sl_send_reply("404", "No");
}
"#;

/// The folder of a server, in which its FIFOs are.
fn folder(server: &Server) -> &Path {
    server.script().0.path()
}

/// Makes a FIFO.
fn make_fifo(path: &Path) -> PathBuf {
    assert!(spawn(Command::new("mkfifo").arg(path)).wait().unwrap().success());
    path.to_owned()
}

/// Writes into the server's FIFO, as `echo` does.
fn write(server: &Server, text: &str) {
    let mut fifo = OpenOptions::new().write(true).open(folder(server).join("ser_fifo")).unwrap();
    fifo.write_all(text.as_bytes()).unwrap();
}

/// What comes through a FIFO until its end.
fn read(path: &Path) -> String {
    let mut text = String::new();
    File::open(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// Asks as `serctl fifo` does, with a reply FIFO of that name.
fn ask_by(server: &Server, name: &str, command: &str, words: &[&str]) -> String {
    let path = make_fifo(&folder(server).join(name));
    let mut request = format!(":{command}:{name}\n");
    words.iter().for_each(|word| request += &format!("{word}\n"));
    write(server, &(request + "\n"));
    let answer = read(&path);
    fs::remove_file(path).unwrap();
    answer
}

/// Asks with a reply FIFO.
fn ask(server: &Server, command: &str, words: &[&str]) -> String {
    ask_by(server, "ser_receiver_1", command, words)
}

// G12, L09
#[test]
fn the_commands_of_the_guide_are_answered_through_a_fifo() {
    let server = Server::start(SCRIPT);
    let bob = Phone::new("bob");
    bob.register(&server);
    for (command, expected) in [
        ("ps", "\tworker-0\n"),
        ("which", "\nul_show_contact\n"),
        ("arg", "\n--config\n"),
        ("pwd", folder(&server).to_str().unwrap()),
        ("version", "Server: Viaduct ("),
        ("uptime", "\nUp Since: "),
        ("sl_stats", "200: 1 202: 0 2xx: 0\n"),
        ("ul_stats", "\nlocation 1 1 0\n"),
        ("ul_dump", "location bob <sip:bob@"),
        ("ul_flush", "200 OK\n"),
    ] {
        let answer = ask(&server, command, &[]);
        assert!(answer.starts_with("200 OK\n") && answer.contains(expected), "{command}: {answer}");
    }
    let shown = ask(&server, "ul_show_contact", &["location", "bob"]);
    assert!(shown.starts_with(&format!("200 OK\n<{}>;q=0.00;expires=", bob.uri())), "{shown}");
    let added = ["location", "joe", "sip:joe@192.0.2.9", "60", "0.5", "0"];
    assert_eq!(ask(&server, "ul_add", &added), "200 OK\n");
    assert_eq!(
        ask(&server, "ul_show_contact", &["location", "joe"]),
        "200 OK\n<sip:joe@192.0.2.9>;q=0.50;expires=60\n"
    );
    let contact = ["location", "joe", "sip:joe@192.0.2.9"];
    assert_eq!(ask(&server, "ul_rm_contact", &contact), "200 OK\n");
    assert_eq!(ask(&server, "ul_rm", &["location", "bob"]), "200 OK\n");
    assert_eq!(ask(&server, "ul_dump", &[]), "200 OK\n");
    let reloaded = ask(&server, "reload", &[]);
    assert!(reloaded.starts_with("200 OK\n") && reloaded.contains("reloaded: "), "{reloaded}");
    assert_eq!(ask(&server, "t_hash", &[]), "400 not yet: needs transactions\n");
    assert!(ask(&server, "ul_rm", &["location"]).starts_with("400 usage: ul_rm TABLE USER\n"));
    assert!(ask(&server, "nonsense", &[]).starts_with("400 there is no command `nonsense`"));
}

// G12
#[test]
fn the_fifo_has_its_mode_one_server_and_goes_with_it() {
    let server = Server::start(SCRIPT);
    let path = folder(&server).join("ser_fifo");
    let metadata = fs::symlink_metadata(&path).unwrap();
    assert!(metadata.file_type().is_fifo());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o620);
    let other = Folder::new();
    let script =
        format!("listen=udp:{}\nfifo=\"{}\"\nroute {{ exit; }}", free_address(), path.display());
    let config = other.write("other.cfg", &script);
    let mut second = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    second.args(["run", "--no-pin", "--config"]).arg(config);
    let mut second = Process::start(&mut second);
    assert_eq!(second.wait().code(), Some(3));
    let why = format!("cannot use the FIFO {}: another server has it", path.display());
    assert!(second.log().contains(&why), "{}", second.log());
    assert!(ask(&server, "uptime", &[]).starts_with("200 OK\n"));
    let kept = folder(&server).to_owned();
    server.interrupt();
    assert!(!kept.join("ser_fifo").exists());
}

// G12
#[test]
fn openser_names_its_fifo_by_module_parameters() {
    let script = r#"
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "ser_fifo")
modparam("mi_fifo", "reply_dir", ".")
route { drop; }
"#;
    let server = Server::start(script);
    assert!(ask(&server, "get_statistics", &["all"]).contains("\nreceived_requests = 0\n"));
}

#[test]
fn an_answer_goes_nowhere_but_to_a_fifo_of_a_plain_name() {
    let server = Server::start(SCRIPT);
    let place = folder(&server);
    let (file, real) = (place.join("file"), make_fifo(&place.join("real")));
    fs::write(&file, "precious").unwrap();
    fs::create_dir(place.join("sub")).unwrap();
    make_fifo(&place.join("sub/inner"));
    symlink(&real, place.join("link")).unwrap();
    for name in ["file", "link", "missing", "../escaped", "/etc/passwd", "sub/inner", "..", "a b"] {
        write(&server, &format!(":uptime:{name}\n\n"));
    }
    // They are done in their order: this one is the last.
    assert!(ask(&server, "uptime", &[]).starts_with("200 OK\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(!place.join("missing").exists());
    server.process().wait_for_log("its reply has no plain name");
}

#[test]
fn who_reads_late_or_never_keeps_nobody_waiting() {
    let server = Server::start(SCRIPT);
    let never = make_fifo(&folder(&server).join("never"));
    let late = make_fifo(&folder(&server).join("late"));
    for name in ["never", "late", "never"] {
        write(&server, &format!(":version:{name}\n\n"));
    }
    write(&server, ":ul_add:\nlocation\nbob\nsip:bob@192.0.2.9\n\n");
    assert!(ask(&server, "ul_dump", &[]).contains("location bob "));
    assert!(read(&late).starts_with("200 OK\nServer: Viaduct"));
    // Who reads only the beginning is no reason to stop.
    write(&server, ":which:late\n\n");
    let mut byte = [0];
    File::open(&late).unwrap().read_exact(&mut byte).unwrap();
    assert!(ask(&server, "uptime", &[]).starts_with("200 OK\n"));
    drop(never);
}

#[test]
fn a_flood_of_what_is_no_command_ends_with_the_server() {
    let server = Server::start(SCRIPT);
    let path = folder(&server).join("ser_fifo");
    let mut fifo = OpenOptions::new().write(true).open(path).unwrap();
    let lines = "no command\n".repeat(300);
    fifo.write_all(lines.as_bytes()).unwrap();
    let flood = thread::spawn(move || while fifo.write_all(lines.as_bytes()).is_ok() {});
    server.interrupt();
    flood.join().unwrap();
}

#[test]
fn half_a_command_is_no_part_of_the_next_one() {
    let server = Server::start(SCRIPT);
    write(&server, ":ul_add:\nlocation\nbob\nsip:bob@192.0.2.9\n\n");
    let torn = make_fifo(&folder(&server).join("torn"));
    write(&server, "rubbish\n\n:ul_rm:torn\nlocation\nbob\n");
    assert!(ask(&server, "ul_dump", &[]).contains("location bob "));
    assert_eq!(read(&torn), "400 the command was not ended by an empty line\n");
    write(&server, &("x".repeat(60_000) + "\n"));
    assert!(ask(&server, "uptime", &[]).starts_with("200 OK\n"));
}

#[test]
fn a_thousand_commands_from_two_sides_are_all_done() {
    let server = Server::start(SCRIPT);
    thread::scope(|scope| {
        for client in ["anna", "bert"] {
            let server = &server;
            scope.spawn(move || {
                for number in 0..500 {
                    let words = format!("location\n{client}{number}\nsip:{client}@192.0.2.9\n");
                    write(server, &format!(":ul_add:\n{words}\n"));
                    if number % 50 == 0 {
                        let name = format!("reply_{client}_{number}");
                        assert!(ask_by(server, &name, "uptime", &[]).starts_with("200 OK\n"));
                    }
                }
            });
        }
    });
    assert!(ask(&server, "ul_stats", &[]).contains("\nlocation 1000 1000 0\n"));
}
