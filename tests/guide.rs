//! The rest of what the seeds and the administrator's guide name: what is there does what they
//! say, and what is not there yet is refused by its name.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use core_support::{CoreBench, Sent, program};
use viaduct::modules::REGISTRY;
use viaduct::names::{Answer, NameTable, Target, Wanted};
use viaduct::protocol::Transport;
use viaduct::script::{ControlSettings, Diagnostic, Reader, compile, parse_text};

const ALICE: &str = "198.51.100.7:5060";
const BOB: &str = "198.51.100.8:5060";

const MODULES: &str = "loadmodule \"sl.so\"\nloadmodule \"pv.so\"\nloadmodule \"xlog.so\"\n\
    loadmodule \"usrloc.so\"\nloadmodule \"registrar.so\"\nloadmodule \"textops.so\"\n";

/// Scripts here include no files.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// A request from alice to bob.
fn request(method: &str, uri: &str, more: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {ALICE};branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@a.example>;tag=f1\r\nTo: <sip:bob@b.example>\r\n\
         Call-ID: call@a\r\nCSeq: 7 {method}\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

/// A core that runs the statements for each request.
fn bench(statements: &str) -> CoreBench {
    CoreBench::new(&format!("{MODULES}route {{ {statements} }}"))
}

/// A message that was sent.
fn text(sent: &Sent) -> String {
    String::from_utf8(sent.1.clone()).unwrap()
}

/// What is said about a script, error or not: code and message.
fn remarks(script: &str) -> Vec<String> {
    let parsed = parse_text(Path::new("test.cfg"), script.as_bytes().to_vec(), &NoFiles);
    let diagnostics: Vec<Diagnostic> = match compile(parsed, &REGISTRY) {
        Ok(compiled) => compiled.diagnostics,
        Err(rejected) => rejected.diagnostics,
    };
    diagnostics.iter().map(|it| format!("{}: {}", it.code.0, it.message)).collect()
}

/// Whether one of the remarks has this in it.
fn is_said(script: &str, what: &str) -> bool {
    remarks(script).iter().any(|remark| remark.contains(what))
}

/// C09: checked like every block, though nothing calls it as long as there are no transactions.
#[test]
fn a_failure_route_is_checked() {
    let main = format!("{MODULES}route {{ forward(); }}\n");
    assert!(
        !remarks(&format!("{main}failure_route[1] {{ append_branch(\"sip:a@b\"); }}"))
            .iter()
            .any(|remark| remark.starts_with('E'))
    );
    assert!(is_said(&format!("{main}failure_route[1] {{ nonsense(); }}"), "`nonsense`"));
    assert!(is_said(&format!("{main}failure_route[1] {{ save(\"location\"); }}"), "save"));
}

/// M11: each of the codes that the seeds name is answered, and passes when others answer it.
#[test]
fn every_response_code_is_given_and_passes() {
    const CODES: [u16; 17] =
        [100, 180, 200, 300, 301, 302, 404, 408, 409, 483, 486, 487, 488, 500, 503, 513, 699];
    for code in CODES {
        let mut own = bench(&format!("sl_send_reply(\"{code}\", \"So\");"));
        let sent = own.send(ALICE, request("INVITE", "sip:bob@b.example", ""));
        assert!(text(&sent[0]).starts_with(&format!("SIP/2.0 {code} So\r\n")), "{code}");

        let mut relay = bench("forward();");
        let sent = relay.send(ALICE, request("INVITE", "sip:bob@198.51.100.8", ""));
        let forwarded = text(&sent[0]);
        let (_, rest) = forwarded.split_once("\r\n").unwrap();
        let sent = relay.send(BOB, format!("SIP/2.0 {code} Their word\r\n{rest}"));
        assert_eq!(sent[0].0, ALICE.parse().unwrap(), "{code}");
        assert!(text(&sent[0]).starts_with(&format!("SIP/2.0 {code} Their word\r\n")), "{code}");
    }
}

/// M15: users of our own are found in the location table, other domains by the servers that their
/// SRV records name.
#[test]
fn other_domains_are_found_by_their_names() {
    let script = format!(
        "alias=\"ours.example\"\n{MODULES}route {{
            if (method==\"REGISTER\") {{ save(\"location\"); exit; }}
            if (uri==myself && !lookup(\"location\")) {{ sl_send_reply(\"404\", \"No\"); exit; }}
            forward();
        }}"
    );
    let (names, questions) = NameTable::new();
    let names = Arc::new(names);
    let mut bench = CoreBench::with_names(program(&script), Arc::clone(&names));
    let contact = "Contact: <sip:bob@198.51.100.8>\r\n";
    bench.send(BOB, request("REGISTER", "sip:ours.example", contact));
    let sent = bench.send(ALICE, request("INVITE", "sip:bob@ours.example", ""));
    assert_eq!(sent[0].0, BOB.parse().unwrap());

    assert!(bench.send(ALICE, request("INVITE", "sip:eve@theirs.example", "")).is_empty());
    let question = questions.try_recv().unwrap();
    assert_eq!(
        (&question.name[..], question.wanted),
        (&b"theirs.example"[..], Wanted::Servers(Transport::Udp))
    );
    let target = |priority, last, port| Target {
        priority,
        weight: 1,
        port,
        addresses: [[203, 0, 113, last].into()].into_iter().collect(),
    };
    let answer = Answer::Found(vec![target(20, 8, 5_060), target(10, 9, 5_070)], 60_000);
    names.settle(&question, answer, bench.now.monotonic_ms);
    let sent = bench.send(ALICE, request("INVITE", "sip:eve@theirs.example", ""));
    assert_eq!(sent[0].0, "203.0.113.9:5070".parse().unwrap());
}

/// M17: where TLS is not listened to, a request to a `sips` URI goes nowhere.
#[test]
fn a_sips_uri_is_never_served_in_the_clear() {
    let mut bench = bench("if (!forward()) sl_reply_error();");
    let sent = bench.send(ALICE, request("INVITE", "sips:bob@198.51.100.8", ""));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, ALICE.parse().unwrap());
    assert!(text(&sent[0]).starts_with("SIP/2.0 500 "), "{}", text(&sent[0]));
}

/// F13: the next request is a new one, the ACK ends here, and late responses are nobody's.
#[test]
fn nothing_is_kept_after_a_redirect() {
    let script = r#"rewriteuri("sip:bob@there.example"); sl_send_reply("302", "Moved");"#;
    let mut bench = bench(script);
    let invite = request("INVITE", "sip:bob@b.example", "");
    let first = bench.send(ALICE, &invite);
    assert!(text(&first[0]).contains("\r\nContact: <sip:bob@there.example>\r\n"));
    assert_eq!(bench.send(ALICE, &invite), first, "the same again, from the script");
    let tag = text(&first[0]).split("To: <sip:bob@b.example>;tag=").nth(1).unwrap().to_owned();
    let tag = tag.split("\r\n").next().unwrap();
    let ack = request("ACK", "sip:bob@b.example", "")
        .replace("To: <sip:bob@b.example>", &format!("To: <sip:bob@b.example>;tag={tag}"));
    assert!(bench.send(ALICE, ack).is_empty());
    assert!(bench.send(BOB, text(&first[0])).is_empty(), "a response to nothing that went through");
}

/// R08: an attribute lives as long as the message; those of a user come with databases.
#[test]
fn attributes_belong_to_one_message() {
    let script = format!(
        "{MODULES}route {{\n\
         xlog(\"L_ALERT\", \"$avp(s:x),\"); $avp(s:x) = \"a\"; route(1); drop;\n\
         }}\n\
         route[1] {{ $avp(x) = \"b\"; xlog(\"L_ALERT\", \"$avp(x) $(avp(x)[1]),\"); }}"
    );
    let mut bench = CoreBench::new(&script);
    for _ in 0..2 {
        bench.send(ALICE, request("OPTIONS", "sip:bob@b.example", ""));
    }
    assert_eq!(bench.log(), "<null>,b a,<null>,b a,");
    let load = "loadmodule \"avpops.so\"\nroute { avp_db_load(\"$fu\", \"$avp(s:x)\"); }";
    assert!(is_said(load, "`avp_db_load` of module `avpops` is not supported yet"));
}

/// R10
#[test]
fn functions_that_the_guide_names_work_or_are_refused_by_name() {
    let statements = r#"
        if (len_gt(100)) append_hf("X-Long: yes\r\n");
        replace("a\.example", "one.example");
        replace_all("7 INVITE", "8 INVITE");
        forward(203.0.113.9, 5060);"#;
    let sent = bench(statements).send(ALICE, request("INVITE", "sip:bob@b.example", ""));
    let sent = text(&sent[0]);
    for line in ["X-Long: yes", "From: <sip:alice@one.example>;tag=f1", "CSeq: 8 INVITE"] {
        assert!(sent.contains(&format!("\r\n{line}\r\n")), "{line} in\n{sent}");
    }
    for (module, call) in [
        ("tm", "t_replicate(\"a\", \"5060\")"),
        ("uri_db", "check_from()"),
        ("group", "is_user_in(\"From\", \"admin\")"),
    ] {
        let name = call.split('(').next().unwrap();
        let script = format!("loadmodule \"{module}.so\"\nroute {{ {call}; }}");
        let expected = format!("E0403: `{name}` of module ");
        assert!(is_said(&script, &expected), "{:?}", remarks(&script));
    }
}

/// L11: as the guide warns: without authentication anybody registers any name.
#[test]
fn without_authentication_anybody_registers_any_name() {
    let mut bench = bench(r#"save("location");"#);
    let contact = "Contact: <sip:mallory@203.0.113.66>\r\n";
    let sent = bench.send("203.0.113.66:5060", request("REGISTER", "sip:b.example", contact));
    assert!(text(&sent[0]).starts_with("SIP/2.0 200 OK"), "for bob, from alice, by mallory");
}

/// G07: a billing program beside the server matches the lines of a call by their Call-ID.
#[test]
fn log_lines_of_a_call_have_its_call_id() {
    let mut bench = bench(r#"xlog("L_ALERT", "$rm $ci\n"); forward();"#);
    for method in ["INVITE", "ACK", "BYE"] {
        bench.send(ALICE, request(method, "sip:bob@198.51.100.8", ""));
    }
    assert_eq!(bench.log(), "INVITE call@a\nACK call@a\nBYE call@a\n");
}

/// G08: helpers of NAT traversal, media and the like.
#[test]
fn what_stands_beside_a_proxy_is_known_by_name() {
    for module in ["nathelper", "mediaproxy", "rtpproxy", "stun", "b2b_logic", "ims_auth"] {
        let Some(known) = REGISTRY.module(module) else { continue };
        let script = format!("loadmodule \"{module}.so\"\nroute {{ exit; }}");
        assert!(is_said(&script, "does nothing here yet"), "{module}");
        for function in known.missing.functions.iter().take(1) {
            let script = format!("loadmodule \"{module}.so\"\nroute {{ {function}(\"1\"); }}");
            assert!(is_said(&script, "is not supported yet"), "{module}: {function}");
        }
    }
    assert!(REGISTRY.module("nathelper").is_some() && REGISTRY.module("rtpproxy").is_some());
}

/// G11: what the guide's options did is asked for in words; the letters are refused, not ignored.
#[test]
fn the_command_line_has_words_for_what_the_guide_has_letters_for() {
    let run = |arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
        command.args(arguments).stdin(Stdio::null()).output().unwrap()
    };
    // In the guide: -h, -V, -c -f FILE, -f FILE -l ADDRESS -p PORT -n PROCESSES.
    let start = ["run", "--config", "nofile.cfg", "--listen", "127.0.0.1:0", "--workers", "2"];
    for (arguments, code) in
        [(&["-h"][..], 0), (&["-V"], 0), (&["check", "examples/default.cfg"], 0), (&start, 1)]
    {
        assert_eq!(run(arguments).status.code(), Some(code), "{arguments:?}");
    }
    for letter in "crRvdDEbmwtugPifnlp".chars() {
        let output = run(&["run", &format!("-{letter}"), "1"]);
        assert_eq!(output.status.code(), Some(2), "-{letter}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("unexpected argument"));
    }
}

/// G12: the FIFO of SER and that of OpenSER are set up by the names that they have there.
#[test]
fn a_fifo_is_named_by_global_and_module_parameters() {
    let script = "#!SER\nfifo=\"/tmp/ser_fifo\"\nfifo_mode=0620\nfifo_dir=\"/run/ser\"\n\
                  ctl=\"unix:/run/ser/ctl\"\nroute { exit; }";
    let control = program(script).settings().control.clone();
    let expected = ControlSettings {
        socket: Some("/run/ser/ctl".to_owned()),
        fifo: Some("/tmp/ser_fifo".to_owned()),
        fifo_mode: 0o620,
        reply_folder: "/run/ser".to_owned(),
    };
    assert_eq!(control, expected);
    assert!(!remarks(script).iter().any(|remark| remark.contains("fifo")));
    let script = "#!OPENSER\nloadmodule \"mi_fifo.so\"\n\
                  modparam(\"mi_fifo\", \"fifo_name\", \"/tmp/openser_fifo\")\n\
                  modparam(\"mi_fifo\", \"fifo_mode\", 0660)\nroute { exit; }";
    let program = program(script);
    assert_eq!(program.settings().control, ControlSettings::default());
    let module = program.config::<ControlSettings>().unwrap();
    assert_eq!(module.fifo.as_deref(), Some("/tmp/openser_fifo"));
    assert_eq!((module.fifo_mode, module.reply_folder.as_str()), (0o660, "/tmp"));
    for (line, complaint) in [
        ("fifo_mode=01000", "`fifo_mode` is from 0 to 0777"),
        ("fifo=\"\"", "`fifo` must be a path"),
        ("ctl=\"unix:\"", "`ctl` must be a path"),
        ("fifo=5", "`fifo` must be a string"),
    ] {
        let script = format!("{line}\nroute {{ exit; }}");
        assert!(is_said(&script, complaint), "{line}: {:?}", remarks(&script));
    }
}

/// G13: there is no database; a script that sets one up is told so and runs.
#[test]
fn databases_are_named_as_not_there() {
    let script = "#!SER\nloadmodule \"mysql.so\"\nloadmodule \"usrloc.so\"\n\
                  modparam(\"usrloc\", \"db_url\", \"mysql://a:b@c/d\")\nroute { exit; }";
    for expected in [
        "module `db_mysql` is accepted, but does nothing here yet",
        "`db_url` changes nothing: the tables are kept in memory only",
    ] {
        assert!(is_said(script, expected), "{expected}: {:?}", remarks(script));
    }
    assert!(!remarks(script).iter().any(|remark| remark.starts_with('E')));
}

/// The Warning header line of the answer to a request, if it has one.
fn warning(globals: &str, statements: &str, request: &str) -> Option<String> {
    let script = format!("{globals}\n{MODULES}route {{ {statements} }}");
    let sent = CoreBench::new(&script).send(ALICE, request);
    let answer = text(&sent[0]);
    let mut found = answer.lines().filter(|line| line.starts_with("Warning: "));
    let warning = found.next().map(str::to_owned);
    assert_eq!(found.next(), None);
    warning
}

/// G14: an answer of SER tells where the request came from and what became of its URI, unless
/// `sip_warning` says no; the others tell it only if `sip_warning` says yes.
#[test]
fn the_noisy_warning_is_there_as_the_dialect_has_it() {
    let rewritten = "rewriteuser(\"carol\"); sl_send_reply(\"404\", \"No\");";
    let asked = request("OPTIONS", "sip:bob@b.example", "Via: SIP/2.0/UDP h, SIP/2.0/UDP i\r\n");
    let expected = "Warning: 392 192.0.2.1:5060 \"Noisy feedback tells:  pid=7 \
        req_src_ip=198.51.100.7 req_src_port=5060 in_uri=sip:bob@b.example \
        out_uri=sip:carol@b.example via_cnt==3\"";
    for globals in ["#!SER", "#!SER\nsip_warning=1", "#!KAMAILIO\nsip_warning=yes"] {
        assert_eq!(warning(globals, rewritten, &asked).as_deref(), Some(expected), "{globals}");
    }
    for globals in ["#!SER\nsip_warning=no", "#!OPENSER", "#!KAMAILIO", "", "sip_warning=0"] {
        assert_eq!(warning(globals, rewritten, &asked), None, "{globals}");
    }
}

/// G14: a new script may have it otherwise.
#[test]
fn the_noisy_warning_follows_a_reload() {
    let script =
        |globals| format!("{globals}\n{MODULES}route {{ sl_send_reply(\"404\", \"No\"); }}");
    let mut bench = CoreBench::new(&script("sip_warning=no"));
    let asked = request("OPTIONS", "sip:bob@b.example", "");
    for (globals, is_there) in [("sip_warning=yes", true), ("", false), ("#!SER", true)] {
        bench.core.replace_program(&Arc::new(program(&script(globals))));
        let sent = bench.send(ALICE, &asked);
        assert_eq!(text(&sent[0]).contains("Warning: 392 "), is_there, "{globals}");
    }
}

/// G14: also an answer that is not the script's has it, each its own.
#[test]
fn every_answer_made_here_has_its_own_warning() {
    let two_hops = request("OPTIONS", "sip:x@b.example", "").replace("Forwards: 70", "Forwards: 0");
    let refused = warning("#!SER", "forward();", &two_hops).unwrap();
    assert!(refused.contains("in_uri=sip:x@b.example out_uri=sip:x@b.example via_cnt==1"));
    let script = format!(
        "#!SER\n{MODULES}route {{ rewriteuser(\"carol\"); sl_send_reply(\"404\", \"No\"); }}"
    );
    let mut bench = CoreBench::new(&script);
    // The reply to an ACK is not made; what was noted for it is nobody else's.
    assert!(bench.send(ALICE, request("ACK", "sip:one@b.example", "")).is_empty());
    let broken = request("OPTIONS", "sip:two@b.example", "").replace("CSeq: 7", "CSeq: x");
    let sent = bench.send(ALICE, broken);
    assert!(text(&sent[0]).starts_with("SIP/2.0 400 "));
    assert!(text(&sent[0]).contains("in_uri=sip:two@b.example out_uri=sip:two@b.example "));
}

/// G14: what is told of a URI can neither end the text nor make it long.
#[test]
fn a_warning_quotes_the_uri_and_leaves_out_a_long_one() {
    let statements = "sl_send_reply(\"404\", \"No\");";
    let quoted = request("OPTIONS", "sip:a@b.example;x=%22", "").replace("%22", "\\\"");
    let line = warning("#!SER", statements, &quoted).unwrap();
    assert!(line.contains("in_uri=sip:a@b.example;x=\\\\\\\" "), "{line}");
    let long = request("OPTIONS", &format!("sip:{}@b.example", "a".repeat(300)), "");
    let line = warning("#!SER", statements, &long).unwrap();
    assert!(line.ends_with("req_src_port=5060 via_cnt==1\""), "{line}");
}
