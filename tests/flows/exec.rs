//! Scripts that run commands of the shell.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::{Folder, spawn};
use crate::support::{Message, Phone, Server, barrier, differs_on_kamailio, scripts};

/// A script with that main route, and `exec` loaded.
fn script(statements: &str) -> String {
    format!("loadmodule \"exec.so\"\n{}", scripts::route(statements))
}

/// A FIFO in the folder.
fn fifo(folder: &Folder, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    let status = spawn(Command::new("mkfifo").arg(&path)).wait().expect("the end of mkfifo");
    assert!(status.success());
    path
}

/// E01: `exec_msg` gets the message and the address of its source.
#[test]
fn a_command_reads_the_message_and_its_environment() {
    let folder = Folder::new();
    let (text, source) = (folder.path().join("text"), folder.path().join("source"));
    let server = Server::start(&script(&format!(
        "exec_msg(\"cat > {}; printenv SIP_SRCIP SIP_RURI SIP_HF_FROM > {}\");
         sl_send_reply(\"200\", \"OK\");",
        text.display(),
        source.display()
    )));
    let alice = Phone::new("alice");
    let draft = alice.request("MESSAGE", "sip:bob@example.com").body("text/plain", "hello there");
    let answer = alice.ask(&draft, server.address());
    assert_eq!(answer.status(), 200);
    assert_eq!(std::fs::read(&text).expect("the message"), draft.bytes());
    let told = std::fs::read_to_string(&source).expect("the environment");
    let from = format!("<sip:alice@example.com>;tag={}", alice.tag());
    assert_eq!(told, format!("127.0.0.1\nsip:bob@example.com\n{from}\n"));
}

/// U09, E02: `exec_dset` rewrites the URI, which the rest of the script goes on with.
#[test]
fn the_exercise_forwards_to_134() {
    let gateway = Phone::new("gateway");
    let address = gateway.address();
    let server = Server::start(&script(&format!(
        "exec_dset(\"echo sip:2234@foo.bar; echo > /dev/null\"); strip(2);
         if (uri=~\"^sip:2\") {{ prefix(\"0\"); }} else {{ prefix(\"1\"); }};
         forward({}, {});",
        address.ip(),
        address.port()
    )));
    let alice = Phone::new("alice");
    alice.send(&alice.invite("sip:anything@example.com"), server.address());
    assert_eq!(gateway.expect_request("INVITE").uri(), "sip:134@foo.bar");
}

/// E02: a least-cost router gets the present URI; a command that gives none is FALSE.
#[test]
fn a_command_finds_the_next_hop() {
    let (folder, bob) = (Folder::new(), Phone::new("bob"));
    let router = folder.write("router.sh", "exit 1\n");
    let server = Server::start(&script(&format!(
        "rewriteuser(\"42;p\");
         if (!exec_dset(\"sh {}\")) {{ sl_send_reply(\"404\", \"No Route\"); exit; }}
         forward();",
        router.display()
    )));
    let alice = Phone::new("alice");
    let answer = alice.ask(&alice.invite("sip:bob@example.com"), server.address());
    assert_eq!((answer.status(), answer.reason()), (404, "No Route"));
    let wanted = "test \"$1\" = 'sip:42;p@example.com' || exit 1";
    folder.write("router.sh", &format!("{wanted}\necho; echo '{}  '; echo sip:x@y", bob.uri()));
    alice.send(&alice.invite("sip:bob@example.com"), server.address());
    assert_eq!(bob.expect_request("INVITE").uri(), bob.uri());
}

/// F10: the redirect example, as printed but for its file.
#[test]
fn a_redirect_server_asks_a_command() {
    if differs_on_kamailio("fails when the URI is taken for a command") {
        return;
    }
    let folder = Folder::new();
    let file = folder.path().join("exectest.txt");
    let server = Server::start(&script(&format!(
        "exec_msg(\"printenv SRCIP > {0}; cat >> {0}\");
         if (exec_dset(\"echo sip:mra@foo.bar;echo sip:mrb@foo.bar;\")) {{
             sl_send_reply(\"300\", \"Redirect\");
         }} else {{
             sl_reply_error();
             log(1, \"alas, rewriting failed\\n\");
         }};",
        file.display()
    )));
    let alice = Phone::new("alice");
    let answer = alice.ask(&alice.invite("sip:bob@example.com"), server.address());
    assert_eq!(answer.status(), 300);
    assert_eq!(answer.uris("Contact"), ["sip:mra@foo.bar", "sip:mrb@foo.bar"]);
    let text = std::fs::read_to_string(&file).expect("what the command wrote");
    assert!(text.starts_with("127.0.0.1\nINVITE sip:bob@example.com SIP/2.0\r\n"), "{text}");
}

/// A peer cannot have the shell read what it sends, however the script quotes it.
#[test]
fn what_a_message_brings_stays_text() {
    if differs_on_kamailio("gives it to the shell unless it is quoted, and then some") {
        return;
    }
    let folder = Folder::new();
    let trap = folder.path().join("trap");
    let evil = format!(
        "a'b\"c`touch {0}`$(touch {0});touch {0}|touch {0}&touch {0} *\\ {{}} () {{ :; }} #",
        trap.display()
    );
    let server = Server::start(&script(
        r#"
    exec_avp("printf '%s\n' $hdr(X-Evil) '$hdr(X-Evil)' \"$hdr(X-Evil)\"",
        "$avp(1);$avp(2);$avp(3)");
    exec_avp("printf '%s\n' \"$$(printf %s \"$hdr(X-Evil)\")\" `printf x$hdr(X-Evil)y | wc -l`",
        "$avp(4);$avp(5)");
    exec_avp("printf '%s\n' \"$$SIP_HF_X_EVIL\"", "$avp(6)");
    exec_dset("true");
    append_to_reply("X-1: $avp(1)\r\nX-2: $avp(2)\r\nX-3: $avp(3)\r\n");
    append_to_reply("X-4: $avp(4)\r\nX-6: $avp(6)\r\n");
    sl_send_reply("200", "OK");
"#,
    ));
    let alice = Phone::new("alice");
    let uri = format!("sip:a;$(touch${{IFS}}{0});'`touch${{IFS}}{0}`@example.com", trap.display());
    let draft = alice.request("MESSAGE", &uri).add("X-Evil", &evil).set("To", "<sip:b@c>");
    let answer = alice.ask(&draft, server.address());
    for name in ["X-1", "X-2", "X-3", "X-4", "X-6"] {
        assert_eq!(answer.value(name), evil, "{name}");
    }
    assert!(!trap.exists());
}

/// E03: a thousand runs wait for their commands, and nobody else waits for them.
#[test]
fn a_thousand_waiting_runs_hold_nobody_up() {
    if differs_on_kamailio("waits with them") {
        return;
    }
    const WAITING: usize = 1_000;
    let folder = Folder::new();
    let gate = fifo(&folder, "gate");
    let server = Server::start(&script(&format!(
        "if (method == \"INVITE\") {{
             sl_send_reply(\"100\", \"Waiting\");
             $var(own) = $ci;
             if (exec_cmd(\"read line < {}\")) {{ append_to_reply(\"X-Own: $var(own)\\r\\n\"); }}
             sl_send_reply(\"404\", \"Done\");
             exit;
         }}
         forward();",
        gate.display()
    )));
    let (alice, bob, carol) = (Phone::new("alice"), Phone::new("bob"), Phone::new("carol"));
    for _ in 0..WAITING {
        alice.send(&alice.invite("sip:nobody@example.com"), server.address());
        alice.expect_response(100, "INVITE");
    }
    for _ in 0..300 {
        let sent = bob.send(&bob.request("MESSAGE", &carol.uri()), server.address());
        let arrived = carol.expect_request("MESSAGE");
        assert_eq!(arrived.value("Call-ID"), sent.value("Call-ID"));
        carol.answer(&arrived, 200, "OK");
        bob.expect_response(200, "MESSAGE");
    }
    alice.assert_inbox_empty();
    let answers = release(&gate, &alice, WAITING);
    for answer in answers {
        assert_eq!(answer.value("X-Own"), answer.value("Call-ID"));
    }
    barrier(&bob, &carol, &server);
    alice.assert_inbox_empty();
}

/// Lets so many commands go on that read a line from a FIFO; the answers that they caused.
fn release(gate: &Path, phone: &Phone, count: usize) -> Vec<Message> {
    use std::io::Write;
    // Open for reading too, so that it never ends while nobody reads.
    let file = std::fs::OpenOptions::new().read(true).write(true).open(gate);
    let mut file = file.expect("the FIFO");
    let mut answers = Vec::new();
    for _ in 0..count {
        file.write_all(b"\n").expect("a line written");
        answers.push(phone.expect_response(404, "INVITE"));
    }
    answers
}

/// A command that takes too long, writes without end or does not exist is FALSE.
#[test]
fn commands_that_misbehave_are_false() {
    if differs_on_kamailio("waits for them for ever") {
        return;
    }
    let folder = Folder::new();
    let gate = fifo(&folder, "gate");
    let text = script(&format!(
        "if (!exec_cmd(\"read line < {}\")) {{ xlog(\"L_ERR\", \"late\\n\"); }}
         if (!exec_avp(\"while :; do echo x; done\")) {{ xlog(\"L_ERR\", \"loud\\n\"); }}
         if (!exec_msg(\"no-such-command\")) {{ xlog(\"L_ERR\", \"missing\\n\"); }}
         if (exec_msg(\"exec <&-; true\")) {{ xlog(\"L_ERR\", \"deaf\\n\"); }}
         sl_send_reply(\"200\", \"OK\");",
        gate.display()
    ));
    let parameter = "modparam(\"exec\", \"time_to_kill\", 1)\nroute {";
    let server = Server::start(&text.replacen("route {", parameter, 1));
    let alice = Phone::new("alice");
    let draft = alice.request("MESSAGE", "sip:bob@example.com");
    alice.ask(&draft.body("text/plain", &"x".repeat(30_000)), server.address());
    for line in ["late\n", "loud\n", "missing\n", "deaf\n"] {
        server.process().wait_for_log(line);
    }
}

/// A server that ends takes its commands with it: they would hold its standard error open. Who
/// waited for one is answered.
#[test]
fn commands_end_with_the_server_and_their_requests_are_answered() {
    if differs_on_kamailio("leaves them running") {
        return;
    }
    let folder = Folder::new();
    let (ready, gate) = (fifo(&folder, "ready"), fifo(&folder, "gate"));
    let server = Server::start(&script(&format!(
        "if (!exec_cmd(\"(cat {0}) & echo > {1}; cat {0}\")) {{
             if (!exec_cmd(\"true\")) {{ sl_send_reply(\"503\", \"Stopping\"); }}
         }}",
        gate.display(),
        ready.display()
    )));
    let alice = Phone::new("alice");
    alice.send(&alice.request("MESSAGE", "sip:bob@example.com"), server.address());
    std::fs::read(&ready).expect("that the command runs");
    server.interrupt();
    alice.expect_response(503, "MESSAGE");
}
