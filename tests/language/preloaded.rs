//! Routes that a client brings before there is a dialog, and those behind ours.

use super::{REQUEST, log_of};

/// What a script logs over [`REQUEST`] with these Routes, and a tag in To or not.
fn routed(body: &str, uri: &str, routes: &[&str], has_tag: bool) -> String {
    let routes: String = routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
    let tag = if has_tag { ";tag=t" } else { "" };
    let request = REQUEST
        .replace("sip:alice@example.com;x=1", uri)
        .replace("Contact:", &format!("{routes}Contact:"))
        .replace("<sip:tom@to.example>", &format!("<sip:tom@to.example>{tag}"));
    let asks = "if (rr_next_hop_route()) $var(next) = \"next\"; else $var(next) = \"last\";";
    let script = format!(
        "route {{ {body}; $var(c) = $rc; {asks} xlog(\"L_ERR\", \"$var(c) $du $ru $var(next)\\n\"); }}"
    );
    log_of(&script, &request).join("\n")
}

const OWN: &str = "<sip:192.0.2.1;lr>";
const NEXT: &str = "<sip:192.0.2.20;lr>";
const STRICT: &str = "<sip:192.0.2.20>";
const URI: &str = "sip:a@h";

#[test]
fn a_route_of_ours_alone_is_preloaded_outside_a_dialog() {
    let run = |routes: &[&str], has_tag| routed("loose_route_preloaded()", URI, routes, has_tag);
    assert_eq!(run(&[OWN], false), "1 <null> sip:a@h last");
    assert_eq!(run(&[OWN], true), "-1 <null> sip:a@h last");
    assert_eq!(run(&[], false), "-1 <null> sip:a@h last");
    assert_eq!(run(&[OWN, NEXT], false), "-1 sip:192.0.2.20;lr sip:a@h next");
    assert_eq!(run(&[NEXT], false), "-1 sip:192.0.2.20;lr sip:a@h last");
    assert_eq!(run(&[OWN, STRICT], false), "-1 <null> sip:192.0.2.20 next");
    let halves = ["<sip:192.0.2.1;r2=on;lr>", "<sip:192.0.2.1;r2=on;lr>"];
    assert_eq!(run(&halves, false), "1 <null> sip:a@h last");
}

#[test]
fn a_next_hop_is_one_behind_ours() {
    for (call, routes, expected) in [
        ("loose_route()", &[OWN, NEXT][..], "next"),
        ("loose_route()", &[OWN, STRICT], "next"),
        ("loose_route()", &[OWN], "last"),
        ("loose_route()", &[NEXT], "last"),
        ("loose_route()", &["<sip:192.0.2.1;r2=on;lr>", "<sip:192.0.2.1;r2=on;lr>", NEXT], "next"),
        ("is_method(\"INVITE\")", &[OWN, NEXT], "last"),
        ("loose_route()", &["nonsense"], "last"),
        ("loose_route()", &[], "last"),
    ] {
        assert!(routed(call, URI, routes, true).ends_with(expected), "{call} {routes:?}");
    }
}

#[test]
fn strict_routers_need_not_be_thought_of() {
    let own = "sip:192.0.2.1;lr";
    let routes = [NEXT, "<sip:bob@x>"];
    let run = |mode: &str| routed(&format!("loose_route_mode({mode})"), own, &routes, true);
    assert_eq!(run("0"), "1 sip:192.0.2.20;lr sip:bob@x last");
    assert_eq!(run("1"), "1 sip:192.0.2.20;lr sip:192.0.2.1;lr last");
    assert_eq!(routed("loose_route_mode(1)", URI, &[], true), "-1 <null> sip:a@h last");
}
