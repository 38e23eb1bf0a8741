//! `viaduct test`: files of cases are read, run and told about as `docs/TESTING.md` says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::{fs, process};

use core_support::program;
use proptest::prelude::*;
use viaduct::flow::{Coverage, Flow, Style, Tally};
use viaduct::script::{SourceMap, render};

/// A proxy and registrar of a few lines.
const SCRIPT: &str = r#"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
route {
    if (method == "REGISTER") { save("location"); exit; }
    if (method == "INVITE") { sl_send_reply("100", "Trying"); }
    xlog("L_ERR", "routes $rm to $rU\n");
    remove_hf("Subject");
    lookup("location");
    if (!forward()) { sl_reply_error(); }
}
"#;

/// The peers of most cases.
const PEERS: &str = "peer alice 198.51.100.7:5060\npeer bob 198.51.100.8:5060\n\
                     register sip:bob@192.0.2.1 <sip:bob@198.51.100.8>\n";

/// Runs the steps of a case; what is told of its failure.
fn run(steps: &str) -> Result<(), String> {
    run_file(&format!("{PEERS}case it is so\n{steps}"))
}

/// Runs the first case of a file.
fn run_file(text: &str) -> Result<(), String> {
    let flow = parse(text).unwrap_or_else(|problems| panic!("{problems}"));
    let program = Arc::new(program(SCRIPT));
    let result = flow.run(&flow.cases[0], &program, None);
    result.map_err(|failure| failure.show(&flow.map, Style::Plain))
}

/// Reads a file; what is told of its errors.
fn parse(text: &str) -> Result<Flow, String> {
    Flow::parse(Path::new("a.flow"), text.as_bytes())
        .map_err(|(problems, map)| render(&problems, &map))
}

/// The sources of a script of one file.
fn map_of(text: &str) -> SourceMap {
    let mut map = SourceMap::default();
    map.add("test.cfg".into(), text.as_bytes().to_vec());
    map
}

const CALL: &str = "
  send alice
    INVITE sip:bob@192.0.2.1 SIP/2.0
    Subject: hello
";

const TRYING: &str = "  expect alice\n    SIP/2.0 100 Trying\n";

#[test]
fn a_request_to_a_name_leaves_by_the_family_of_its_address() {
    for (address, peer) in
        [("198.51.100.9", "198.51.100.9:5060"), ("2001:db8::9", "[2001:db8::9]:5060")]
    {
        let case = format!(
            "listen 192.0.2.1:5060\nlisten [2001:db8::1]:5060\npeer alice 198.51.100.7:5060\n\
             peer gateway {peer}\nhost gw.example {address}\ncase it is so\n  send alice\n    \
             MESSAGE sip:bob@gw.example SIP/2.0\n  expect gateway\n    MESSAGE sip:bob@gw.example \
             SIP/2.0\n  expect nothing\n  send alice again\n  expect gateway\n"
        );
        run_file(&case).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

/// A script that runs a command.
const COMMAND: &str = r#"
loadmodule "exec.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
route {
    xlog("L_ERR", "asks for $rU\n");
    if (!exec_avp("price $rU", "$avp(p)")) { sl_send_reply("480", "No Price"); exit; }
    sl_send_reply("200", "$avp(p)");
}
"#;

/// Runs the steps of a case with that script.
fn run_command(steps: &str) -> Result<(), String> {
    run_script(COMMAND, steps)
}

/// Runs the steps of a case with a script.
fn run_script(script: &str, steps: &str) -> Result<(), String> {
    let flow = parse(&format!("peer alice 198.51.100.7:5060\ncase it is so\n{steps}"));
    let flow = flow.unwrap_or_else(|problems| panic!("{problems}"));
    let result = flow.run(&flow.cases[0], &Arc::new(program(script)), None);
    result.map_err(|failure| failure.show(&flow.map, Style::Plain))
}

/// What asks for a price, and the answers.
const ASKS: &str = "  send alice\n    INVITE sip:bob@192.0.2.1 SIP/2.0\n";
const PRICE: &str = "  expect alice\n    SIP/2.0 200 5\n";
const NO_PRICE: &str = "  expect alice\n    SIP/2.0 480 No Price\n";

#[test]
fn a_command_ends_as_the_case_says() {
    for (command, answer) in [
        ("0\n    5", PRICE),
        ("0 price *\n    5\n    6", PRICE),
        ("0\n    $price", PRICE),
        ("1\n    5", NO_PRICE),
        ("255", NO_PRICE),
        ("late", NO_PRICE),
        ("killed", NO_PRICE),
        ("missing", NO_PRICE),
    ] {
        let steps = format!("  let $price = 5\n{ASKS}  expect nothing\n  command {command}\n");
        run_command(&format!("{steps}{answer}")).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn a_script_that_sleeps_goes_on_when_its_time_has_come() {
    let script = "loadmodule \"sl.so\"\nloadmodule \"cfgutils.so\"\n\
                  route { sleep(\"2\"); sl_send_reply(\"200\", \"OK\"); }";
    let steps = |elapse: &str| {
        format!(
            "{ASKS}  elapse {elapse}\n  expect nothing\n  elapse 1ms\n  expect alice\n    SIP/2.0 200 OK\n"
        )
    };
    run_script(script, &steps("1999ms")).unwrap();
    run_script(script, &steps("1998ms")).unwrap_err();
    run_script(script, &steps("2s")).unwrap_err();
}

#[test]
fn commands_end_in_the_order_in_which_they_were_begun() {
    let asks = |user: &str| ASKS.replace("bob", user);
    let answer = |line: &str| format!("  expect alice\n    SIP/2.0 {line}\n");
    run_command(
        &[
            &asks("bob"),
            &asks("carol"),
            "  elapse 1h\n  command 0\n    1\n",
            &answer("200 1\n    CSeq: 1 INVITE"),
            &asks("dave"),
            "  command missing\n",
            &answer("480 No Price\n    CSeq: 2 INVITE"),
            "  command 0\n    3\n",
            &answer("200 3\n    CSeq: 3 INVITE"),
        ]
        .concat(),
    )
    .unwrap();
}

#[test]
fn a_command_that_is_not_as_the_case_says_makes_it_fail() {
    for (steps, told) in [
        (
            format!("{ASKS}  command late 5\n"),
            "a.flow:5:3: the script waits for another command than this\n      price ",
        ),
        (
            format!("{ASKS}  expect log asks for carol\n"),
            "a.flow:5:3: the script has not logged this; the script has logged\n    \
             \x20 asks for bob\n",
        ),
        (ASKS.to_owned(), "a.flow:3:3: the script still waits for a command\n"),
        ("  command 0\n".to_owned(), "a.flow:3:3: the script waits for no command\n"),
        (
            format!("{ASKS}  command 0\n    5\n{PRICE}  command 0\n"),
            "a.flow:9:3: the script waits for no command\n",
        ),
        (
            format!("{ASKS}  command 0 cost *\n"),
            "a.flow:5:3: the script waits for another command than this\n    \x20 price ",
        ),
        (
            format!("{ASKS}  command 0\n    5\n"),
            "a.flow:5:3: before this, alice was sent a message that no step expects\n",
        ),
    ] {
        let failure = run_command(&steps).unwrap_err();
        assert!(failure.starts_with(told), "{steps}{failure}");
    }
}

#[test]
fn a_command_that_cannot_end_so_is_told_with_its_place() {
    let statuses = "error[F002]: a command ends with a status from 0 to 255, or it is `late`";
    for (line, place, told) in [
        ("command", "2:9", statuses),
        ("command 256", "2:10", statuses),
        ("command -1", "2:10", statuses),
        ("command 99999999999999999999", "2:10", statuses),
        ("command price", "2:10", statuses),
        ("command 0\n    $none", "3:5", "error[F005]: `$none` has no value here"),
        ("commnd 0", "2:2", "help: did you mean `command`?"),
    ] {
        let problems = parse(&format!("case x\n {line}\n")).unwrap_err();
        let place = format!(" a.flow:{place}\n");
        assert!(problems.contains(told) && problems.contains(&place), "{line}: {problems}");
    }
}

#[test]
fn a_condition_that_waits_has_gone_one_way_only() {
    let steps = format!("{ASKS}  command 0\n    5\n{PRICE}");
    let flow = parse(&format!("peer alice 198.51.100.7:5060\ncase x\n{steps}")).unwrap();
    let (program, map) = (Arc::new(program(COMMAND)), map_of(COMMAND));
    let tally = Tally::default();
    flow.run(&flow.cases[0], &program, Some(&tally)).unwrap();
    let lcov = Coverage::new(&program, &map, &tally).show_lcov();
    assert!(lcov.contains("BRF:2\nBRH:1\n"), "{lcov}");
}

#[test]
fn a_call_and_its_answer_pass() {
    let steps = format!(
        "{CALL}  expect bob
    INVITE sip:bob@198.51.100.8 SIP/2.0
    # Ours, and the one of alice.
    v: SIP/2.0/UDP 192.0.2.1;branch=$branch
    Via: SIP/2.0/UDP $alice;branch=z9hG4bK*
    !Via
    !Subject
    max-forwards: 69
  expect log routes INVITE to bob
{TRYING}  send bob
    SIP/2.0 200 OK
    Content-Type: text/plain

    one
    two $branch
  expect alice
    SIP/2.0 2?? OK
"
    );
    let failure = run(&steps).unwrap_err();
    assert!(failure.contains("- SIP/2.0 2?? OK\n    + SIP/2.0 200 OK\n"), "{failure}");
    run(&steps.replace("2??", "2*").replace("two", "zwei")).unwrap();
    let body = steps.replace("2?? OK\n", "2* OK\n    To: *;tag=bob\n\n    one\n    two *\n");
    run(&body).unwrap();
}

#[test]
fn a_response_goes_the_way_of_the_request_that_it_answers() {
    run(&format!(
        "{CALL}{TRYING}  expect bob\n  send alice\n    MESSAGE sip:bob@192.0.2.1 SIP/2.0
  expect bob\n  send bob\n    SIP/2.0 486 Busy Here\n    CSeq: 1 INVITE
  expect alice\n    SIP/2.0 486 Busy Here\n    CSeq: 1 INVITE\n    Via: *\n    !Via
  send bob\n    SIP/2.0 200 OK
  expect alice\n    SIP/2.0 200 OK\n    CSeq: 2 MESSAGE\n"
    ))
    .unwrap();
    let failure = run("  send bob\n    SIP/2.0 200 OK\n").unwrap_err();
    assert_eq!(failure, "a.flow:5:3: `bob` has got no request that it could answer\n");
}

#[test]
fn cancel_and_ack_belong_to_the_last_invite() {
    run(&format!(
        "{CALL}{TRYING}  expect bob\n    INVITE * SIP/2.0\n    Via: *branch=$own
  send alice\n    OPTIONS sip:bob@192.0.2.1 SIP/2.0\n  expect bob\n    OPTIONS *\n    CSeq: 2 OPTIONS
  send alice\n    CANCEL sip:bob@192.0.2.1 SIP/2.0
  expect bob\n    CANCEL *\n    Via: *branch=$own\n    CSeq: 1 CANCEL
  send alice\n    ACK sip:bob@192.0.2.1 SIP/2.0
  expect bob\n    ACK *\n    Via: *branch=$own\n    CSeq: 1 ACK\n"
    ))
    .unwrap();
}

#[test]
fn what_differs_is_told_with_its_place() {
    let steps = format!("{CALL}{TRYING}  expect bob\n    INVITE sip:bob@198.51.100.9 SIP/2.0\n");
    let failure = run(&steps).unwrap_err();
    let expected = "a.flow:11:3: bob has got another message than expected\n\
                    \x20   - INVITE sip:bob@198.51.100.9 SIP/2.0\n\
                    \x20   + INVITE sip:bob@198.51.100.8 SIP/2.0\n\
                    \x20     Via: SIP/2.0/UDP 192.0.2.1;branch=";
    assert!(failure.starts_with(expected), "{failure}");
    for (line, told) in [
        ("Max-Forwards: 70", "    - Max-Forwards: 70\n    + Max-Forwards: 69\n"),
        ("X-None: $value", "    - X-None: $value\n"),
        ("!From", "    + From: <sip:alice@192.0.2.1>;tag=alice\n"),
        ("Via: *\n    !Via", "    + Via: SIP/2.0/UDP 198.51.100.7:5060;branch="),
        ("\n    body", "    - body\n"),
    ] {
        let failure = run(&format!("{CALL}{TRYING}  expect bob\n    INVITE *\n    {line}\n"));
        assert!(failure.as_ref().unwrap_err().contains(told), "{line}: {failure:?}");
    }
}

#[test]
fn all_that_is_not_written_can_be_asked_to_stay() {
    let message = "  send alice\n    MESSAGE sip:bob@192.0.2.1 SIP/2.0\n    Subject: one\n    \
                   X-Odd:   two\n     three\n\n    body\n    $alice\n";
    let expect = "  expect bob unchanged\n    MESSAGE sip:bob@198.51.100.8 SIP/2.0\n    Via: \
                  *192.0.2.1*\n    Via: *\n    !Via\n    Max-Forwards: 69\n";
    run(&format!("{message}{expect}    !Subject\n")).unwrap();
    let failure = run(&format!("{message}{expect}")).unwrap_err();
    assert!(failure.ends_with("    - Subject: one\n      \n      body\n      198.51.100.7:5060\n"));
    let no_count = expect.replace("    Max-Forwards: 69\n", "    !Subject\n");
    let failure = run(&format!("{message}{no_count}")).unwrap_err();
    assert!(failure.contains("    + Max-Forwards: 69\n"), "{failure}");
    assert!(failure.contains("    - Max-Forwards: 70\n"), "{failure}");
    // A reply has another body than the request.
    let message = message.replace("MESSAGE", "INVITE");
    let reply = "  expect alice unchanged\n    SIP/2.0 100 Trying\n    !Server: *\n";
    let failure = run(&format!("{message}{reply}")).unwrap_err();
    assert!(failure.contains("    - body\n    - 198.51.100.7:5060\n"), "{failure}");
}

#[test]
fn a_file_may_have_the_line_ends_of_another_system() {
    let text = format!("{PEERS}case it is so\n{CALL}{TRYING}  expect bob\n    INVITE *\n\n");
    run_file(&text.replace('\n', "\r\n")).unwrap();
}

#[test]
fn nothing_else_may_come() {
    for steps in [
        format!("{CALL}{TRYING}"),
        format!("{CALL}{TRYING}  elapse 1s\n"),
        format!("{CALL}{TRYING}  expect nothing\n"),
        format!("{CALL}{TRYING}  send alice again\n"),
    ] {
        let failure = run(&steps).unwrap_err();
        let told = "before this, bob was sent a message that no step expects\n      INVITE sip:bob";
        assert!(failure.contains(told), "{failure}");
    }
    let failure = run(&format!("{CALL}  expect bob\n  expect bob\n{TRYING}")).unwrap_err();
    assert!(failure.contains("bob has got no message; alice has got this"), "{failure}");
    let quiet = "  send alice\n    REGISTER sip:192.0.2.1 SIP/2.0\n";
    let failure = run(&format!("{quiet}  expect alice\n  expect bob\n")).unwrap_err();
    assert_eq!(failure, "a.flow:8:3: bob has got no message\n");
    let failure = run("  expect log hello\n").unwrap_err();
    assert_eq!(failure, "a.flow:5:3: the script has not logged this\n");
    let failure = run(&format!("{CALL}  expect log hello\n")).unwrap_err();
    assert!(failure.contains("; the script has logged\n      routes INVITE to bob\n"), "{failure}");
}

#[test]
fn order_between_peers_is_free_unless_it_is_asked_for() {
    run(&format!("{CALL}  expect bob\n{TRYING}")).unwrap();
    run(&format!("{CALL}  expect alice next\n  expect bob next\n")).unwrap();
    let failure = run(&format!("{CALL}  expect bob next\n{TRYING}")).unwrap_err();
    assert!(failure.contains("alice was sent a message before bob was"), "{failure}");
}

#[test]
fn messages_can_be_repeated_and_written_out() {
    run(&format!(
        "{CALL}{TRYING}  expect bob\n    INVITE *\n    Via: *branch=$own
  send alice again\n{TRYING}  expect bob\n    INVITE *\n    Via: *branch=$own\n"
    ))
    .unwrap();
    let failure = run("  send alice again\n").unwrap_err();
    assert_eq!(failure, "a.flow:5:3: `alice` has sent nothing before\n");
    // Neither of these is a message of SIP.
    run("  send alice raw\n    \\x00\\xff\\r\\n\n  expect nothing\n").unwrap();
    run("  send alice raw\n    INVITE x\n  expect nothing\n").unwrap();
    run("  send alice raw\n    \\r\\n\\r\\n\n  expect nothing\n").unwrap();
    run("  send alice
    MESSAGE sip:bob@192.0.2.1 SIP/2.0
    !Max-Forwards
    From: <sip:x@y>
      ;tag=1
  expect bob
    MESSAGE sip:bob@198.51.100.8 SIP/2.0
    Max-Forwards: 70
    From: <sip:x@y> ;tag=1\n")
    .unwrap();
}

#[test]
fn time_passes_only_when_it_is_asked_to() {
    let register = "  register in location sip:carol@192.0.2.1 <sip:bob@$bob>;expires=60\n";
    let send = "  send alice\n    MESSAGE sip:carol@192.0.2.1 SIP/2.0\n";
    run(&format!("{register}  elapse 59999ms\n{send}  expect bob\n")).unwrap();
    run(&format!("{register}  elapse 1m\n{send}  expect bob\n")).unwrap_err();
    run("  elapse 1h\n").unwrap();
}

#[test]
fn host_names_have_the_addresses_that_are_given() {
    let call = "  send alice\n    MESSAGE sip:x@gw.example.com SIP/2.0\n";
    let start = "peer alice 198.51.100.7\npeer gateway 192.0.2.9\n";
    let host = "host GW.example.com 192.0.2.9\n";
    run_file(&format!("{start}{host}case it is so\n{call}  expect gateway\n")).unwrap();
    run_file(&format!("{start}case it is so\n{call}  expect alice\n    SIP/2.0 478 *\n")).unwrap();
}

#[test]
fn a_server_can_have_several_addresses() {
    let start = "listen 192.0.2.1:5060\nlisten udp:192.0.2.1:5070\nlisten [2001:db8::1]\n\
                 peer alice 198.51.100.7\npeer bob [2001:db8::8]:5060\ncase it is so\n";
    let message = "\n    MESSAGE sip:bob@[2001:db8::8] SIP/2.0\n";
    let expect = "  expect bob from [2001:db8::1]:5060\n";
    run_file(&format!("{start}  send alice{message}{expect}")).unwrap();
    run_file(&format!("{start}  send alice to 192.0.2.1:5070{message}{expect}")).unwrap();
    let wrong = format!("{start}  send alice{message}  expect bob from [2001:db8::2]:5060\n");
    assert!(run_file(&wrong).unwrap_err().contains("bob has got this from [2001:db8::1]:5060"));
    let failure = run_file(&format!("{start}  send alice to 192.0.2.7{message}")).unwrap_err();
    let told = "a.flow:7:3: the server does not listen on 192.0.2.7:5060; it listens on \
                192.0.2.1:5060, 192.0.2.1:5070, [2001:db8::1]:5060\n";
    assert_eq!(failure, told);
    let only = "listen 192.0.2.1\npeer bob [2001:db8::8]\ncase it is so\n  send bob\n    A b C\n";
    assert!(run_file(only).unwrap_err().contains("is of the family of [2001:db8::8]:5060"));
}

#[test]
fn what_the_registrar_refuses_is_told() {
    let long = format!("sip:{}@x <sip:a@b>", "a".repeat(257));
    for (register, told) in [
        (long.as_str(), "the address-of-record is too long"),
        ("bob <sip:a@b>", "the address-of-record: "),
        ("sip:bob@x <sip:a@b>;q=2", "the contact: malformed request: "),
        ("sip:bob@x <>", "the contact: malformed request: "),
    ] {
        let failure = run(&format!("  register {register}\n")).unwrap_err();
        assert!(failure.starts_with(&format!("a.flow:5:3: {told}")), "{failure}");
    }
}

#[test]
fn errors_of_a_file_are_told_with_their_places() {
    for (text, place, told) in [
        ("", "1:1", "error[F002]: there is no case in this file"),
        ("cases x", "1:1", "error[F001]: `cases` has no meaning here"),
        ("cases x", "1:1", "help: did you mean `case`?"),
        ("case", "1:1", "error[F002]: `case` lacks what it is about"),
        ("send a", "1:1", "error[F002]: `send` is a step of a case: indent it"),
        (" elapse 1s", "1:2", "error[F002]: a step belongs to a case: there is none before it"),
        ("peer a", "1:7", "error[F002]: a peer is written `peer NAME ADDRESS:PORT`"),
        ("peer a 1.2.3", "1:8", "error[F002]: `1.2.3` is no address"),
        ("peer a 1.2.3.4:0", "1:8", "error[F002]: `1.2.3.4:0` is no address"),
        ("peer a-b 1.2.3.4", "1:6", "error[F003]: `a-b` cannot be the name of a peer"),
        ("peer log 1.2.3.4", "1:6", "error[F003]: `log` cannot be the name of a peer"),
        ("peer a 1.2.3.4\npeer a 1.2.3.4", "2:6", "error[F003]: there is a peer `a` already"),
        ("host x y", "1:8", "error[F002]: `y` is no address"),
        ("host x", "1:7", "error[F002]: a host is written `host NAME ADDRESS`"),
        ("case x\n elapse 5", "2:9", "error[F002]: a time is written as"),
        ("case x\n elapse 99999999999999999999h", "2:9", "error[F002]: a time is written as"),
        ("case x\n elapse 25h", "2:9", "error[F002]: a time is written as"),
        ("case x\n elapse 5s now", "2:12", "error[F001]: `now` has no meaning here"),
        ("case x\n wait 5s", "2:2", "error[F001]: `wait` has no meaning here"),
        ("case x\n let y 1", "2:9", "error[F002]: a variable is set by `let $name = text`"),
        ("case x\n send bob\n  A", "2:7", "error[F003]: there is no peer `bob`"),
        ("case x\n send", "2:6", "error[F003]: the name of a peer is missing"),
        ("peer bob 1.2.3.4\ncase x\n send bop\n  A", "3:7", "help: did you mean `bob`?"),
        ("peer bob 1.2.3.4\ncase x\n send bob", "3:10", "error[F002]: what is sent is missing"),
        ("peer bob 1.2.3.4\ncase x\n send bob too 1\n  A", "3:11", "help: did you mean `to`?"),
        ("peer b 1.2.3.4\ncase x\n send b again\n  A", "4:3", "error[F002]: `again` sends the"),
        ("peer b 1.2.3.4\ncase x\n send b\n  A\n  no colon", "5:3", "error[F004]: a header line"),
        ("peer b 1.2.3.4\ncase x\n send b\n   A\n  x: y", "5:3", "error[F004]: this line is"),
        ("peer b 1.2.3.4\ncase x\n send b\n  A $none", "4:5", "error[F005]: `$none` has no value"),
        ("peer b 1.2.3.4\ncase x\n send b\n  A $serve", "4:5", "help: did you mean `$server`?"),
        ("peer b 1.2.3.4\ncase x\n send b\n  A\n  x: a\\xg", "5:7", "error[F002]: `\\x` is"),
        ("peer b 1.2.3.4\ncase x\n expect b soon", "3:11", "error[F001]: `soon` has no meaning"),
        ("case x\n expect nothing at all", "2:17", "error[F001]: `at` has no meaning here"),
        ("case x\n expect log a\n  b: c", "3:3", "error[F002]: `expect log` is not followed by"),
        ("case x\n elapse 1s\n  b: c", "3:3", "error[F002]: `elapse` is not followed by"),
        ("case x\n register sip:a@b", "2:18", "error[F002]: a contact is registered by"),
    ] {
        let problems = parse(text).expect_err(text);
        let place = format!("a.flow:{place}\n");
        assert!(problems.contains(told), "{text}: {problems}");
        assert!(problems.contains(&place), "{text}: {place}{problems}");
    }
    let (problems, map) = Flow::parse(Path::new("a.flow"), b"case x\n \xff\x00").unwrap_err();
    let told = render(&problems, &map);
    assert!(told.contains("this is no text in UTF-8") && told.contains("a.flow:2:2"), "{told}");
}

#[test]
fn all_errors_of_a_file_are_told() {
    let problems = parse("peer a b\nlisten c\ncase x\n  wait\n  send d\n    A\n").unwrap_err();
    assert_eq!(problems.matches("error[").count(), 4, "{problems}");
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_it_is_read_or_refused(text in "[ \t\ncasendxpctpr:$*\\\\{}é!#\r]{0,200}") {
        let text = format!("peer c 1.2.3.4\ncase x\n send c\n  {text}\n expect c\n  {text}");
        if let Ok(flow) = parse(&text) {
            let _ = flow.run(&flow.cases[0], &Arc::new(program(SCRIPT)), None);
        }
    }
}

#[test]
fn lines_and_conditions_that_ran_are_counted() {
    let text = "loadmodule \"sl.so\"\nroute {\n  if (method == \"INVITE\" && uri =~ \"bob\") {\n    \
                sl_send_reply(\"486\", \"Busy\");\n  }\n  route(END);\n}\nroute[END] { exit; }\n";
    let program = Arc::new(program(text));
    let map = map_of(text);
    let flow = parse("peer a 1.2.3.4\ncase x\n send a\n  INVITE sip:al@b SIP/2.0\n").unwrap();
    let tally = Tally::default();
    flow.run(&flow.cases[0], &program, Some(&tally)).unwrap();
    let coverage = Coverage::new(&program, &map, &tally);
    let not_run = "test.cfg:4: sl_send_reply(\"486\", \"Busy\");";
    let expected = format!("test.cfg: 3 of 4 lines run, 75.0 %\n  not run: {not_run}\n");
    assert_eq!(coverage.show(), expected);
    let lcov = "TN:\nSF:test.cfg\nBRDA:3,0,0,0\nBRDA:3,0,1,1\nBRDA:3,1,0,1\nBRDA:3,1,1,0\nBRF:4\n\
                BRH:2\nDA:3,1\nDA:4,0\nDA:6,1\nDA:8,1\nLF:4\nLH:3\nend_of_record\n";
    assert_eq!(coverage.show_lcov(), lcov);
}

/// A directory for the files of a test, with these in it; removed when it goes.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
        let name = format!("{}-{name}", process::id());
        let directory = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        fs::create_dir_all(directory.0.join("inner")).unwrap();
        for (name, text) in files {
            fs::write(directory.0.join(name), text).unwrap();
        }
        directory
    }

    /// Runs the program in it.
    fn viaduct(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
        let Output { status, stdout, stderr } =
            command.args(arguments).current_dir(&self.0).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

const GOOD: &[u8] = b"script a.cfg\npeer a 1.2.3.4\ncase it drops\n send a\n  A sip:b@c SIP/2.0\n";
const BAD: &[u8] =
    b"script a.cfg\npeer a 1.2.3.4\ncase it answers\n send a\n  A sip:b@c SIP/2.0\n \
                     expect a\n";
const DROPS: &[u8] = b"route { exit; }\n";

#[test]
fn the_exit_code_tells_what_failed() {
    let directory = Directory::new(
        "codes",
        &[
            ("a.cfg", DROPS),
            ("inner/a.cfg", DROPS),
            ("good.flow", GOOD),
            ("inner/bad.flow", BAD),
            ("broken.cfg", b"route { nothing(); }"),
            ("none.cfg", b"onreply_route { exit; }"),
            ("broken.flow", b"script broken.cfg\ncase x\n"),
            ("none.flow", b"script none.cfg\ncase x\n"),
            ("lost.flow", b"script lost.cfg\ncase x\n"),
            ("wrong.flow", b"\x00\xff"),
            (
                "built-in.flow",
                b"peer a 1.2.3.4\ncase x\n send a\n  OPTIONS sip:192.0.2.1 SIP/2.0\n \
                               expect a\n  SIP/2.0 200 OK\n",
            ),
        ],
    );
    let (code, out, err) = directory.viaduct(&["test", "good.flow", "built-in.flow"]);
    let expected = "good.flow\n  pass  it drops\nbuilt-in.flow\n  pass  x\n2 cases, 0 failed\n";
    assert_eq!((code, &*out, &*err), (0, expected, ""));
    let (code, out, err) = directory.viaduct(&["test", "inner", "good.flow"]);
    let expected = "inner/bad.flow\n  FAIL  it answers\n        inner/bad.flow:6:2: a has got no \
                    message\ngood.flow\n  pass  it drops\n2 cases, 1 failed\n";
    assert_eq!((code, &*out, &*err), (1, expected, "viaduct: 1 of 2 cases failed\n"));
    for (path, told) in [
        ("broken.flow", "there is no function `nothing`"),
        ("none.flow", "there is no main route block"),
        ("lost.flow", "cannot read lost.cfg: "),
        ("wrong.flow", "this is no text in UTF-8"),
        ("nowhere.flow", "cannot read nowhere.flow: "),
    ] {
        let (code, out, err) = directory.viaduct(&["test", "inner", path]);
        assert_eq!(code, 2, "{path}");
        assert!(out.ends_with("1 case, 1 failed\n"), "{path}: {out}");
        assert!(err.contains(told) && err.ends_with("files that could not be run: 1\n"), "{err}");
    }
    assert_eq!(directory.viaduct(&["test"]).0, 2);
    fs::create_dir(directory.0.join("empty")).unwrap();
    let (code, _, err) = directory.viaduct(&["test", "empty"]);
    assert_eq!((code, err.lines().next()), (2, Some("no *.flow file in empty")));
}

#[test]
fn coverage_is_of_all_cases_together() {
    let script = b"loadmodule \"sl.so\"\nroute {\n\tif (method == \"A\") { exit; }\n\n\
                   \tsl_send_reply(\"200\", \"OK\");\n}\n";
    let one = b"script a.cfg\npeer a 1.2.3.4\ncase x\n send a\n  A sip:b@c SIP/2.0\n";
    let other = b"script a.cfg\npeer a 1.2.3.4\ncase x\n send a\n  B sip:b@c SIP/2.0\n expect a\n";
    let files: &[(&str, &[u8])] = &[("a.cfg", script), ("1.flow", one), ("2.flow", other)];
    let directory = Directory::new("coverage", files);
    let (_, out, _) = directory.viaduct(&["test", "1.flow", "--coverage"]);
    let told =
        "a.cfg: 1 of 2 lines run, 50.0 %\n  not run: a.cfg:5: sl_send_reply(\"200\", \"OK\");\n";
    assert!(out.ends_with(told), "{out}");
    let (code, out, _) = directory.viaduct(&["test", ".", "--coverage", "--lcov", "out.info"]);
    assert!(code == 0 && out.ends_with("./a.cfg: 2 of 2 lines run, 100.0 %\n"), "{out}");
    let lcov = fs::read_to_string(directory.0.join("out.info")).unwrap();
    assert!(lcov.starts_with("TN:\nSF:./a.cfg\nBRDA:3,0,0,1\nBRDA:3,0,1,1\n"), "{lcov}");
}

#[test]
fn the_flows_of_the_guide_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(root.join("docs/TESTING.md")).unwrap();
    let mut count = 0;
    for block in guide.split("```flow\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let flow = parse(text).unwrap_or_else(|problems| panic!("{problems}"));
        let script = root.join("examples").join(flow.script.as_ref().unwrap());
        let program = Arc::new(program(&fs::read_to_string(script).unwrap()));
        for case in &flow.cases {
            let failure = flow.run(case, &program, None).err();
            let shown = failure.map(|failure| failure.show(&flow.map, Style::Plain));
            assert_eq!(shown, None, "{}", case.title);
            count += 1;
        }
    }
    assert!(count >= 2);
}

#[test]
fn a_failing_case_of_the_guide_is_told_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(root.join("docs/TESTING.md")).unwrap();
    let told = guide.split("```console\n").find(|block| block.contains("FAIL")).unwrap();
    let told: Vec<&str> = told.split("```").next().unwrap().lines().map(str::trim_end).collect();
    let script = fs::read(root.join("examples/numbering-plan.cfg")).unwrap();
    let flow = fs::read_to_string(root.join("examples/numbering-plan.flow")).unwrap();
    let flow = flow.replace(
        "INVITE sip:9234@192.0.2.1 SIP/2.0\n\ncase what",
        "INVITE sip:234@192.0.2.1 SIP/2.0\n\ncase what",
    );
    let directory = Directory::new("guide", &[]);
    fs::create_dir(directory.0.join("examples")).unwrap();
    fs::write(directory.0.join("examples/numbering-plan.cfg"), script).unwrap();
    fs::write(directory.0.join("examples/numbering-plan.flow"), flow).unwrap();
    let (code, out, _) = directory.viaduct(&["test", "examples/numbering-plan.flow"]);
    assert_eq!(code, 1);
    let out: Vec<&str> = out.lines().map(str::trim_end).collect();
    for line in told {
        assert!(out.contains(&line), "{line}: {out:#?}");
    }
}
