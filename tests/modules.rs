//! Script functions as scripts call them: what the compiler makes of their arguments, and what
//! leaves the core.

#![expect(clippy::unwrap_used, reason = "what fails here fails the run")]

#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;

use core_support::{CoreBench, program};
use viaduct::modules::REGISTRY;
use viaduct::script::ModuleState;

const ALICE: &str = "198.51.100.7:5060";

/// `loadmodule` lines for all modules that are ready.
fn load_all() -> String {
    let ready = REGISTRY.modules.iter().filter(|it| matches!(it.state, ModuleState::Ready));
    ready
        .filter(|module| module.name != "core")
        .map(|module| format!("loadmodule \"{}.so\"\n", module.name))
        .collect()
}

/// What leaves when `body` runs over an INVITE and forwards it.
fn forwarded(body: &str) -> String {
    let sdp = "v=0\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n";
    let request = format!(
        "INVITE sip:123abc@example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\nMax-Forwards: 10\r\n\
         From: <sip:bob@example.org>;tag=f1\r\nTo: <sip:tom@to.example>\r\nCall-ID: call@a\r\n\
         CSeq: 7 INVITE\r\nSubject: hello world!\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let script = format!("{}route {{ {body} forward(192.0.2.20, 5060); }}", load_all());
    let mut bench = CoreBench::new(&script);
    let sent = bench.send(ALICE, request);
    assert_eq!(sent.len(), 1, "{body}: {}", bench.log());
    String::from_utf8(sent[0].1.clone()).unwrap()
}

/// Checks that a line is in the message that leaves.
fn has_line(body: &str, line: &str) {
    let sent = forwarded(body);
    assert!(sent.split("\r\n").any(|it| it == line), "{body}: {line:?} is in\n{sent}");
}

#[test]
fn examples_of_the_tables_compile() {
    let modules = load_all();
    for (_, function) in REGISTRY.functions() {
        let routes = ["route", "onreply_route"];
        let kinds =
            [viaduct::script::ast::RouteKind::Request, viaduct::script::ast::RouteKind::Reply];
        for (route, _) in
            routes.iter().zip(kinds).filter(|(_, kind)| function.routes.contains(*kind))
        {
            let main = if *route == "route" { "" } else { "route { exit; }\n" };
            program(&format!(
                "{modules}{main}{route} {{ {} }}\nroute[1] {{ exit; }}",
                function.example
            ));
        }
    }
}

#[test]
fn substitutions_take_variables() {
    has_line(
        r"subst('/^Subject: (.*) world(.*)$/Subject: \1 $fU of $(fd{s.len})\2/');",
        "Subject: hello bob of 11!",
    );
    has_line(r"subst('/^Subject: .*$/Subject: $$fU $1 $/');", "Subject: $fU $1 $");
    has_line(r"subst('/^Subject: .*$/Subject: \u/');", "Subject: sip:123abc@example.com");
    has_line(
        r"subst_uri('/^sip:([0-9]+)([a-z]*)@(.*)$/sip:\2-\1-$fU@\3/i');",
        "INVITE sip:abc-123-bob@example.com SIP/2.0",
    );
    has_line(r"subst_user('/^([0-9]+)([a-z]+)$/\2\1/');", "INVITE sip:abc123@example.com SIP/2.0");
}

#[test]
fn results_are_written_into_variables() {
    for (body, value) in [
        (r#"subst_v("$fu", "/^sip:(.*)@.*$/<\1>/", "$var(x)");"#, "<bob>"),
        (r#"$ru = "sip:a@b;nat=yes"; get_uri_param("nat", "$var(x)");"#, "yes"),
        (r#"$var(x) = "sip:a:pw@b:70;lr"; set_uri_user("$var(x)", "c");"#, "sip:c:pw@b:70;lr"),
        (
            r#"$var(x) = "sip:a@b:70;lr"; set_uri_host("$var(x)", "c.example");"#,
            "sip:a@c.example:70;lr",
        ),
        (
            r#"tel2sip("tel:+12-(34)-56-78;Ext=200;ISUB=+123-456", "foo.com", "$var(x)");"#,
            "sip:+12345678;ext=200;isub=+123-456@foo.com;user=phone",
        ),
    ] {
        has_line(&format!("{body} append_hf(\"X: $var(x)\\r\\n\");"), &format!("X: {value}"));
    }
}

#[test]
fn content_length_follows_the_body() {
    for (body, length) in [
        ("set_body(\"hello\", \"text/plain\");", 5),
        ("subst_body('/127.0.0.1/203.0.113.77/');", 33),
        ("replace_body_all(\"^.*$\", \"x\"); append_hf(\"A: b\");", 9),
        ("remove_body();", 0),
    ] {
        has_line(body, &format!("Content-Length: {length}"));
    }
}

#[test]
fn max_forwards_goes_down_once() {
    has_line("", "Max-Forwards:  9");
    has_line("mf_process_maxfwd_header(\"10\");", "Max-Forwards:  9");
}
