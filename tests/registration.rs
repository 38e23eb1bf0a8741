//! REGISTER and lookup as a script sees them, through the whole core.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use core_support::{CoreBench, Sent};
use proptest::prelude::*;
use proptest::sample::select;
use viaduct::metrics::Counter;

/// Registers, and tells where a call would go: `302` with the destination set, `$du` in front.
const SCRIPT: &str = r#"
request_route {
    if (is_method("REGISTER")) {
        FORCE
        SAVE;
        xlog("L_ALERT", "[$retcode]");
        exit;
    }
    if (is_method("MESSAGE")) {
        lookup("location");
        forward();
        exit;
    }
    if (is_method("OPTIONS")) {
        if (registered("location")) { sl_send_reply("200", "Yes"); } else { sl_send_reply("404", "No"); }
        exit;
    }
    if (is_method("SUBSCRIBE")) {
        if (unregister("location", "$fu")) { sl_send_reply("200", "Gone"); } else { sl_send_reply("404", "No"); }
        exit;
    }
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
    sl_send_reply("302", "to $du");
}
"#;

/// Modules that the script uses.
const MODULES: &str = r#"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
"#;

/// The usual phone.
const PHONE: &str = "192.0.2.33:5060";

/// A registrar whose script has these parameters.
fn registrar(parameters: &str) -> CoreBench {
    saving(parameters, r#"save("location")"#)
}

/// A registrar that saves like that.
fn saving(parameters: &str, save: &str) -> CoreBench {
    let script = SCRIPT.replace("SAVE", save).replace("FORCE", "");
    CoreBench::new(&format!("{MODULES}{parameters}{script}"))
}

/// A registrar that stores where a REGISTER came from, for what `name` is set to.
fn behind_nat(name: &str, received: &str) -> CoreBench {
    let force = format!("force_rport(); $avp({name}) = {received};");
    let script = SCRIPT.replace("SAVE", r#"save("location")"#).replace("FORCE", &force);
    let parameter = format!("modparam(\"registrar\", \"received_avp\", \"$avp({name})\")");
    CoreBench::new(&format!("{MODULES}{parameter}{script}"))
}

/// A request of `user` with these further header lines.
fn request(method: &str, user: &str, cseq: u32, lines: &str) -> String {
    format!(
        "{method} sip:{user}@one.example SIP/2.0\n\
         Via: SIP/2.0/UDP 192.0.2.33:5060;branch=z9hG4bK{cseq}{method}\n\
         Max-Forwards: 70\nFrom: <sip:{user}@one.example>;tag=1\nTo: <sip:{user}@one.example>\n\
         Call-ID: call-1\nCSeq: {cseq} {method}\n{lines}Content-Length: 0\n\n"
    )
    .replace('\n', "\r\n")
}

/// Sends a request; the one answer.
#[track_caller]
fn ask(bench: &mut CoreBench, message: &str) -> String {
    let mut sent: Vec<Sent> = bench.send(PHONE, message);
    assert_eq!(sent.len(), 1, "one answer");
    String::from_utf8(sent.remove(0).1).unwrap()
}

/// The status line and those header lines of an answer that start with one of `names`.
fn shown(answer: &str, names: &[&str]) -> String {
    let mut lines = answer.lines();
    let mut shown = lines.next().unwrap().trim_start_matches("SIP/2.0 ").to_owned();
    for line in lines.filter(|line| names.iter().any(|name| line.starts_with(name))) {
        shown.push_str(" | ");
        shown.push_str(line);
    }
    shown
}

/// Registers; status and header lines of interest.
#[track_caller]
fn register(bench: &mut CoreBench, user: &str, cseq: u32, lines: &str) -> String {
    let answer = ask(bench, &request("REGISTER", user, cseq, lines));
    let names = ["Contact", "Min-Expires", "Retry-After", "Unsupported", "Path", "Supported"];
    shown(&answer, &names)
}

/// Where an INVITE to that user would go.
#[track_caller]
fn call(bench: &mut CoreBench, user: &str) -> String {
    shown(&ask(bench, &request("INVITE", user, 1, "")), &["Contact"])
}

// L10: the sample of the SER guide.
#[test]
fn the_register_sample_is_answered() {
    let sample = "REGISTER sip:192.168.2.16 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.168.2.16;branch=z9hG4bKd5e5.5a9947e4.0\r\n\
        Via: SIP/2.0/UDP 192.168.2.33:5060\r\n\
        From: sip:123312@192.168.2.16\r\nTo: sip:123312@192.168.2.16\r\n\
        Call-ID: 00036bb9-0fd30217-491b6aa6-0a7092e9@192.168.2.33\r\n\
        Date: Wed, 29 Jan 2003 18:13:15 GMT\r\nCSeq: 101 REGISTER\r\nUser-Agent: CSCO/4\r\n\
        Contact: sip:123312@192.168.2.33:5060\r\nContent-Length: 0\r\nExpires: 600\r\n\r\n";
    let answer = ask(&mut registrar(""), sample);
    assert_eq!(
        shown(&answer, &["Via", "Contact"]),
        "200 OK | Via: SIP/2.0/UDP 192.168.2.16;branch=z9hG4bKd5e5.5a9947e4.0;received=192.0.2.33 \
         | Via: SIP/2.0/UDP 192.168.2.33:5060 | Contact: <sip:123312@192.168.2.33:5060>;expires=600"
    );
}

proptest! {
    /// A plain REGISTER that a phone repeats is done and answered by a way of its own; a parameter
    /// that wants more of a request has all go the other way.
    #[test]
    fn a_repeated_register_is_answered_like_any_other(
        steps in proptest::collection::vec(
            (
                select(&[
                    "<sip:bob@192.0.2.33>", "<sip:bob@192.0.2.33>", "<sip:bob@192.0.2.33:5060>",
                    "<sip:bob@192.0.2.33>;expires=70", "<sip:bob@192.0.2.33>;q=0.7", "*",
                    "<sip:a.user.with.a.long.name@a.host.with.a.name.that.is.even.longer.example>",
                    "<sip:bob@192.0.2.33>;+sip.instance=\"<urn:uuid:0>\";reg-id=1",
                ][..]),
                select(&["", "Expires: 90\n", "Expires: 100000\n", "Expires: soon\n"][..]),
                select(&["", "User-Agent: phone\n", "Require: path\n", "Contact: <sip:c@h>\n"][..]),
                0_u32..3,
                0_u64..100_000,
            ),
            1..12,
        ),
        mode in select(&["", ", 4", ", 2"][..]),
    ) {
        let save = format!("save(\"location\"{mode})");
        let mut plain = saving("", &save);
        let mut other = saving("modparam(\"registrar\", \"xavp_cfg\", \"none\")", &save);
        let mut cseq = 1;
        for (contact, expires, more, after, wait) in steps {
            cseq += after;
            let lines = format!("Contact: {contact}\n{expires}{more}");
            let message = request("REGISTER", "bob", cseq, &lines);
            let answers = [&mut plain, &mut other].map(|bench| {
                bench.now.monotonic_ms += wait;
                let call = request("INVITE", "bob", 1, "");
                (bench.send(PHONE, &message), bench.log(), bench.send(PHONE, &call))
            });
            prop_assert_eq!(&answers[0], &answers[1]);
        }
    }
}

// L01, L02
#[test]
fn a_call_goes_to_the_best_contact_and_the_others_are_branches() {
    let mut bench = registrar("");
    assert_eq!(call(&mut bench, "bob"), "404 Not Found");
    let contacts = "Contact: <sip:a@h>, <sip:b@h>;q=0.5\nContact: <sip:c@h;x-y=z>;q=0.25\n";
    register(&mut bench, "bob", 1, contacts);
    assert_eq!(
        call(&mut bench, "bob"),
        "302 to <null> | Contact: <sip:b@h>;q=0.5 | Contact: <sip:c@h;x-y=z>;q=0.25 \
         | Contact: <sip:a@h>"
    );
    assert_eq!(bench.counted(Counter::Registrations), 1);
}

#[test]
fn other_contacts_are_forgotten_without_append_branches() {
    let mut bench = registrar("modparam(\"registrar\", \"append_branches\", 0)\n");
    register(&mut bench, "bob", 1, "Contact: <sip:a@h>, <sip:b@h>;q=0.5\n");
    assert_eq!(call(&mut bench, "bob"), "302 to <null> | Contact: <sip:b@h>;q=0.5");
}

// L04
#[test]
fn a_contact_is_out_of_use_when_its_time_is_up() {
    let mut bench = registrar("");
    register(&mut bench, "bob", 1, "Contact: <sip:a@h>\nExpires: 60\n");
    bench.now.monotonic_ms += 59_999;
    assert!(call(&mut bench, "bob").starts_with("302"));
    bench.now.monotonic_ms += 1;
    assert_eq!(call(&mut bench, "bob"), "404 Not Found");
    assert_eq!(register(&mut bench, "bob", 2, ""), "200 OK");
}

// L05
#[test]
fn a_register_asks_and_removes() {
    let mut bench = registrar("");
    assert_eq!(register(&mut bench, "bob", 1, ""), "200 OK");
    register(&mut bench, "bob", 2, "Contact: <sip:a@h>, <sip:b@h>\n");
    let both = "200 OK | Contact: <sip:b@h>;expires=3600, <sip:a@h>;expires=3600";
    assert_eq!(register(&mut bench, "bob", 3, ""), both);
    let one = "200 OK | Contact: <sip:b@h>;expires=3600";
    assert_eq!(register(&mut bench, "bob", 4, "Contact: <sip:a@h>\nExpires: 0\n"), one);
    assert_eq!(register(&mut bench, "bob", 5, "Contact: *\nExpires: 0\n"), "200 OK");
}

#[test]
fn what_is_wrong_is_answered_with_its_status() {
    let parameters = "modparam(\"registrar\", \"max_contacts\", 1)\n\
                      modparam(\"registrar\", \"min_expires_mode\", 1)\n\
                      modparam(\"registrar\", \"retry_after\", 30)\n";
    let mut bench = registrar(parameters);
    let first = "200 OK | Contact: <sip:a@h>;expires=3600";
    assert_eq!(register(&mut bench, "bob", 5, "Contact: <sip:a@h>\n"), first);
    for (cseq, lines, expected) in [
        (6, "Contact: *\n", "400 Bad Request (Contact * is for removal only)"),
        (6, "Contact: <sip:a\n", "400 Bad Request (malformed address)"),
        (6, "Contact: <sip:a@h>;expires=59\n", "423 Interval Too Brief | Min-Expires: 60"),
        (6, "Contact: <sip:a@h>;q=1.5\n", "400 Bad Request (malformed address)"),
        (6, "Contact: <sip:a@h>;q=abc\n", "400 Bad Request (malformed address)"),
        (6, "Contact:\n", "400 Bad Request (malformed address)"),
        (6, "Contact: <sip:a@h>\nContact: \n", "400 Bad Request (malformed address)"),
        (4, "Contact: <sip:a@h>\n", "500 Server Internal Error (CSeq out of order)"),
        (
            6,
            "Contact: <sip:b@h>\n",
            "503 Service Unavailable (too many contacts) | Retry-After: 30",
        ),
        (
            6,
            "Require: path, gruu\nContact: <sip:a@h>\n",
            "420 Bad Extension | Unsupported: path,gruu",
        ),
    ] {
        assert_eq!(register(&mut bench, "bob", cseq, lines), expected, "{lines}");
    }
    assert_eq!(bench.counted(Counter::RegistrationsRefused), 10);
    assert_eq!(register(&mut bench, "bob", 6, ""), first);
}

// L01: tables are separate.
#[test]
fn tables_are_told_apart() {
    let mut bench = saving("", r#"save("mydomain1")"#);
    assert!(register(&mut bench, "bob", 1, "Contact: <sip:a@h>\n").starts_with("200"));
    assert_eq!(call(&mut bench, "bob"), "404 Not Found");
}

#[test]
fn users_are_told_apart_by_name_or_by_domain_too() {
    let other = |bench: &mut CoreBench| {
        let invite =
            request("INVITE", "Bob", 1, "").replace("INVITE sip:Bob@one", "INVITE sip:Bob@two");
        shown(&ask(bench, &invite), &[])
    };
    let mut by_name = registrar("");
    register(&mut by_name, "bob", 1, "Contact: <sip:a@h>\n");
    assert_eq!(other(&mut by_name), "302 to <null>");
    let mut by_domain = registrar("modparam(\"usrloc\", \"use_domain\", 1)\n");
    register(&mut by_domain, "bob", 1, "Contact: <sip:a@h>\n");
    assert_eq!(other(&mut by_domain), "404 Not Found");
    assert!(call(&mut by_domain, "BOB").starts_with("302"));
    let mut by_case = registrar("modparam(\"registrar\", \"case_sensitive\", 1)\n");
    register(&mut by_case, "bob", 1, "Contact: <sip:a@h>\n");
    assert_eq!(call(&mut by_case, "BOB"), "404 Not Found");
}

#[test]
fn a_phone_behind_a_nat_is_called_where_it_registered_from() {
    for name in ["RECEIVED", "i:42", "s:rcv"] {
        let mut bench = behind_nat(name, "\"sip:\" + $si + \":\" + $sp");
        let stored =
            "200 OK | Contact: <sip:bob@10.0.0.5>;expires=3600;received=\"sip:192.0.2.33:5060\"";
        assert_eq!(register(&mut bench, "bob", 1, "Contact: <sip:bob@10.0.0.5>\n"), stored);
        assert!(call(&mut bench, "bob").starts_with("302 to sip:192.0.2.33:5060 |"));
        let (destination, message) =
            bench.send("192.0.2.9:5060", request("MESSAGE", "bob", 1, "")).remove(0);
        assert_eq!(destination, "192.0.2.33:5060".parse().unwrap());
        assert!(message.starts_with(b"MESSAGE sip:bob@10.0.0.5 SIP/2.0\r\n"));
    }
}

#[test]
fn what_is_no_uri_is_not_stored_as_where_a_phone_is() {
    let mut bench = behind_nat("RECEIVED", "\"nonsense\"");
    let answer = register(&mut bench, "bob", 1, "Contact: <sip:bob@10.0.0.5>\n");
    assert!(answer.starts_with("400 "), "{answer}");
    let mut bench = behind_nat("RECEIVED", "\"\"");
    let answer = register(&mut bench, "bob", 1, "Contact: <sip:bob@10.0.0.5>\n");
    assert_eq!(answer, "200 OK | Contact: <sip:bob@10.0.0.5>;expires=3600");
}

#[test]
fn force_rport_is_about_responses_and_not_about_contacts() {
    let script = SCRIPT.replace("SAVE", r#"save("location")"#).replace("FORCE", "force_rport();");
    let mut bench = CoreBench::new(&format!("{MODULES}{script}"));
    let stored = "200 OK | Contact: <sip:bob@10.0.0.5>;expires=3600";
    assert_eq!(register(&mut bench, "bob", 1, "Contact: <sip:bob@10.0.0.5>\n"), stored);
    let (destination, _) = bench.send(PHONE, request("MESSAGE", "bob", 1, "")).remove(0);
    assert_eq!(destination, "10.0.0.5:5060".parse().unwrap());
}

// L02: CANCEL and ACK find the phone that the INVITE did, whoever registers in between.
#[test]
fn another_phone_does_not_take_the_place_of_the_first() {
    for (order, expected) in [(0, "10.0.0.1:5060"), (1, "10.0.0.2:5060")] {
        for module in ["usrloc", "registrar"] {
            let parameter = format!("modparam(\"{module}\", \"desc_time_order\", {order})\n");
            let mut bench = registrar(&parameter);
            register(&mut bench, "bob", 1, "Contact: <sip:bob@10.0.0.1>\n");
            register(&mut bench, "bob", 2, "Contact: <sip:bob@10.0.0.2>\n");
            let (destination, _) = bench.send(PHONE, request("MESSAGE", "bob", 1, "")).remove(0);
            assert_eq!(destination, expected.parse().unwrap(), "{parameter}");
        }
    }
}

#[test]
fn a_trunk_registers_a_name_without_user() {
    for domain in [0, 1] {
        let parameter = format!("modparam(\"usrloc\", \"use_domain\", {domain})\n");
        let mut bench = registrar(&parameter);
        let whole = |method, host: &str| {
            request(method, "bob", 1, "Contact: <sip:10.0.0.1>\n").replace("bob@one.example", host)
        };
        let answer = ask(&mut bench, &whole("REGISTER", "Trunk.Example"));
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
        let (destination, _) = bench.send(PHONE, whole("MESSAGE", "trunk.example")).remove(0);
        assert_eq!(destination, "10.0.0.1:5060".parse().unwrap());
        let other = ask(&mut bench, &whole("INVITE", "other.example"));
        assert!(other.starts_with("SIP/2.0 404 "), "{other}");
    }
}

#[test]
fn a_contact_elsewhere_is_called_there() {
    let mut bench = registrar("");
    register(&mut bench, "bob", 1, "Contact: <sip:bob@192.168.2.33>\n");
    let (destination, _) = bench.send(PHONE, request("MESSAGE", "bob", 1, "")).remove(0);
    assert_eq!(destination, "192.168.2.33:5060".parse().unwrap());
}

// RFC 3327 §5.3
#[test]
fn a_path_is_stored_told_and_used() {
    let path = "Path: <sip:192.0.2.70;lr>\nPath: <sip:192.0.2.71;lr>, <sip:192.0.2.72;lr>\n";
    let contact = "Contact: <sip:a@h>";
    let stored = "<sip:192.0.2.70;lr>,<sip:192.0.2.71;lr>,<sip:192.0.2.72;lr>";
    let supported = format!("{path}{contact}\nSupported: 100rel, path\n");
    let unsupported = format!("{path}{contact}\n");
    let ok = format!("200 OK | {contact};expires=3600");
    let told = format!("{ok} | Supported: path | Path: {stored}");
    for (mode, lines, expected) in [
        (0, &supported, &ok),
        (0, &unsupported, &ok),
        (1, &supported, &told),
        (1, &unsupported, &ok),
        (2, &supported, &told),
        (2, &unsupported, &"420 Bad Extension | Unsupported: path".to_owned()),
    ] {
        let mut bench = registrar(&format!(
            "modparam(\"registrar\", \"use_path\", 1)\nmodparam(\"registrar\", \"path_mode\", {mode})\n"
        ));
        assert_eq!(&register(&mut bench, "bob", 1, lines), expected, "mode {mode}");
        if expected.starts_with("200") {
            let (destination, message) =
                bench.send(PHONE, request("MESSAGE", "bob", 1, "")).remove(0);
            assert_eq!(destination, "192.0.2.70:5060".parse().unwrap());
            let message = String::from_utf8(message).unwrap();
            assert!(message.contains(&format!("Route: {stored}\r\n")), "{message}");
            assert!(message.starts_with("MESSAGE sip:a@h SIP/2.0\r\n"));
        }
    }
    let mut without = registrar("");
    assert_eq!(register(&mut without, "bob", 1, &supported), ok);
    assert!(call(&mut without, "bob").starts_with("302 to <null>"));
}

#[test]
fn registered_and_unregister_speak_of_the_same_contacts() {
    let mut bench = registrar("");
    let ask_for =
        |bench: &mut CoreBench, method| shown(&ask(bench, &request(method, "bob", 1, "")), &[]);
    assert_eq!(ask_for(&mut bench, "OPTIONS"), "404 No");
    assert_eq!(ask_for(&mut bench, "SUBSCRIBE"), "200 Gone", "there was nothing to be removed");
    register(&mut bench, "bob", 1, "Contact: <sip:a@h>\n");
    assert_eq!(ask_for(&mut bench, "OPTIONS"), "200 Yes");
    assert_eq!(ask_for(&mut bench, "SUBSCRIBE"), "200 Gone");
    assert_eq!(ask_for(&mut bench, "OPTIONS"), "404 No");
}

#[test]
fn the_code_of_save_says_what_happened() {
    let mut bench = registrar("modparam(\"registrar\", \"max_contacts\", 1)\n");
    for (cseq, lines) in [
        (1, "Contact: <sip:a@h>\n"),
        (2, "Contact: <sip:a@h>\n"),
        (3, "Contact: <sip:b@h>\n"),
        (3, "Contact: *\n"),
        (4, "Contact: <sip:a@h>\nExpires: 0\n"),
        (5, ""),
    ] {
        register(&mut bench, "bob", cseq, lines);
    }
    assert_eq!(bench.log(), "[1][2][-2][-1][3][4]");
}

#[test]
fn save_takes_flags_and_another_uri() {
    let mut silent = saving("", r#"save("location", "0x02")"#);
    assert!(silent.send(PHONE, request("REGISTER", "bob", 1, "Contact: <sip:a@h>\n")).is_empty());
    assert!(call(&mut silent, "bob").starts_with("302"));
    let mut single = saving("", r#"save("location", 4)"#);
    register(&mut single, "bob", 1, "Contact: <sip:a@h>\n");
    let left = register(&mut single, "bob", 2, "Contact: <sip:b@h>\n");
    assert_eq!(left, "200 OK | Contact: <sip:b@h>;expires=3600");
    let mut other = saving("", r#"save("location", 0, "sip:alice@one.example")"#);
    register(&mut other, "bob", 1, "Contact: <sip:a@h>\n");
    assert_eq!(call(&mut other, "bob"), "404 Not Found");
    assert!(call(&mut other, "alice").starts_with("302"));
}

#[test]
fn an_answer_is_sent_when_the_script_says_so() {
    for save in [r#"save("location", "2")"#, r#"save_noreply("location")"#] {
        let later = format!("{save}; append_to_reply(\"X-Late: 1\\r\\n\"); reg_send_reply()");
        let mut bench = saving("", &later);
        let lines = "Contact: <sip:bob@192.0.2.33>\nExpires: 60\n";
        let answer = ask(&mut bench, &request("REGISTER", "bob", 1, lines));
        let seen = shown(&answer, &["Contact", "X-Late"]);
        assert_eq!(seen, "200 OK | X-Late: 1 | Contact: <sip:bob@192.0.2.33>;expires=60");
        assert_eq!(bench.log(), "[1]");
        let refused = ask(&mut bench, &request("REGISTER", "bob", 1, "Contact: nonsense<\n"));
        assert!(refused.starts_with("SIP/2.0 400 "), "{refused}");
    }
    let mut bench = saving("", "reg_send_reply()");
    let lines = "Contact: <sip:bob@192.0.2.33>\n";
    assert_eq!(bench.send(PHONE, request("REGISTER", "bob", 1, lines)), []);
    assert!(bench.log().contains("no answer that save() has kept"));
}
