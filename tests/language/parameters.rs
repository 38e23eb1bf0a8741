//! What further parameters of functions, and parameters of modules, ask for.

use super::{ALICE, REQUEST, bench, errors, log_of, shows};

/// A REGISTER of two contacts for the user in To.
fn register() -> String {
    REQUEST
        .replace("INVITE", "REGISTER")
        .replace("sip:alice@example.com;x=1", "sip:to.example")
        .replace("<sip:fred@198.51.100.7>;expires=60", "<sip:1@a>, <sip:2@a>;q=0.5;expires=80")
}

/// What a script logs over an INVITE after that REGISTER.
fn after_registration(settings: &str, body: &str) -> String {
    let script = format!(
        "{settings}\nroute {{ if (is_method(\"REGISTER\")) {{ save(\"location\"); exit; }} {body} }}"
    );
    let mut bench = bench(&script);
    bench.send(ALICE, register());
    bench.send(ALICE, REQUEST);
    bench.log()
}

/// The parameters that name attributes of the registrar.
const ATTRIBUTES: &str = "modparam(\"registrar\", \"xavp_cfg\", \"cfg\")\n\
                          modparam(\"registrar\", \"xavp_rcd\", \"rcd\")";

#[test]
fn a_contact_with_certain_properties_can_be_asked_for() {
    for (given, options, found) in [
        ("match_callid) = \"call@a\"", "1", "1"),
        ("match_callid) = \"call@b\"", "1", "-1"),
        ("match_callid) = \"call@b\"", "0", "1"),
        ("match_contact) = \"sip:1@a\"", "4", "1"),
        ("match_contact) = \"sip:9@a\"", "4", "-1"),
        ("match_contact) = \"sip:9@a\"", "2", "1"),
        ("match_received) = \"sip:9@a\"", "2", "-1"),
    ] {
        let body = format!(
            "$xavp(cfg=>{given}; registered(\"location\", \"sip:tom@to.example\", {options}); \
             xlog(\"L_ERR\", \"$rc\");"
        );
        assert_eq!(after_registration(ATTRIBUTES, &body), found, "{given} {options}");
    }
}

#[test]
fn the_contact_that_was_found_is_told() {
    for (call, told) in [
        ("registered(\"location\", \"sip:tom@to.example\")", "sip:2@a 80 <null>"),
        ("registered(\"location\", \"sip:tom@to.example\", 0, 2)", "<null> <null> <null>"),
        ("lookup(\"location\", \"sip:tom@to.example\")", "sip:2@a 80 <null>"),
    ] {
        let body = format!(
            "{call}; xlog(\"L_ERR\", \"$xavp(rcd=>contact) $xavp(rcd=>expires) $xavp(rcd=>received)\");"
        );
        assert_eq!(after_registration(ATTRIBUTES, &body), told, "{call}");
        let body = format!("{call}; xlog(\"L_ERR\", \"$xavp(rcd=>contact)\");");
        assert_eq!(after_registration("", &body), "<null>", "{call}");
    }
}

#[test]
fn one_message_can_have_its_own_most_contacts_and_q() {
    let script = format!(
        "{ATTRIBUTES}\nroute {{ $xavp(cfg=>max_contacts) = 1; $xavp(cfg[0]=>q) = 700; \
         xlog(\"L_ERR\", \"$xavp(cfg=>q)\"); save(\"location\"); }}"
    );
    let text = |message: String| {
        String::from_utf8_lossy(&bench(&script).send(ALICE, message)[0].1).into_owned()
    };
    let refused = text(register());
    assert!(refused.starts_with("SIP/2.0 503 "), "{refused}");
    let saved = text(register().replace("<sip:1@a>, ", ""));
    assert!(saved.contains("\r\nContact: <sip:2@a>;q=0.7;expires=80\r\n"), "{saved}");
}

#[test]
fn one_contact_of_a_user_can_be_removed() {
    let fetch = "reg_fetch_contacts(\"location\", \"sip:tom@to.example\", \"c\");";
    let remove = |which: &str| format!("unregister(\"location\", \"sip:tom@to.example\"{which});");
    for (which, left) in [
        (", \"$(ulc(c=>ruid)[1])\"", "1 1 sip:2@a"),
        (", \"$(ulc(c=>ruid)[0])\"", "1 1 sip:1@a"),
        (", \"uloc-0\"", "-3 2 sip:2@a"),
        (", \"x\"", "-3 2 sip:2@a"),
        ("", "1 0 <null>"),
    ] {
        let body = format!(
            "{fetch} {} $var(code) = $rc; {fetch} \
             xlog(\"L_ERR\", \"$var(code) $ulc(c=>count) $ulc(c=>addr)\");",
            remove(which)
        );
        assert_eq!(after_registration("", &body), left, "{which}");
    }
    for (call, code) in [
        ("unregister(\"location\", \"\")", "-1"),
        ("unregister(\"location\", \"no uri\")", "-1"),
        ("unregister(\"location\", \"\", \"uloc-1\")", "-2"),
        ("unregister(\"location\", \"sip:no@body\")", "1"),
        ("unregister(\"location\", \"sip:no@body\", \"uloc-1\")", "-3"),
    ] {
        shows(&[(&format!("{call};"), "$rc", code)]);
    }
}

/// The Record-Route lines of a request that is forwarded.
fn record_routes(settings: &str, body: &str) -> Vec<String> {
    let script = format!("{settings}\nroute {{ {body} forward(192.0.2.20, 5060); }}");
    let sent = bench(&script).send(ALICE, REQUEST);
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    let lines = text.lines().filter_map(|line| line.strip_prefix("Record-Route: "));
    lines.map(str::to_owned).collect()
}

#[test]
fn both_sides_can_have_a_record_route_of_their_own() {
    let both = "record_route_preset(\"203.0.113.1:5070\", \"203.0.113.2\");";
    assert_eq!(
        record_routes("", both),
        ["<sip:203.0.113.1:5070;lr;ftag=f1>", "<sip:203.0.113.2;lr;ftag=f1>"]
    );
    let off = "modparam(\"rr\", \"enable_double_rr\", 0)";
    let none: [&str; 0] = [];
    assert_eq!(record_routes(off, both), none);
    assert_eq!(record_routes("", "record_route_preset(\"203.0.113.1\", \"a>b\");"), none);
}

#[test]
fn the_user_of_record_route_can_be_an_attribute() {
    let custom = "modparam(\"rr\", \"custom_user_avp\", \"$avp(s:user)\")";
    let with_user = format!("modparam(\"rr\", \"add_username\", 1)\n{custom}");
    for (settings, body, user) in [
        (with_user.as_str(), "$avp(user) = \"mo\"; record_route();", "mo@"),
        (with_user.as_str(), "$avp(user) = 42; record_route();", "42@"),
        (with_user.as_str(), "record_route();", "alice@"),
        (with_user.as_str(), "$avp(user) = \"a@b>\"; record_route();", "alice@"),
        (custom, "$avp(user) = \"mo\"; record_route();", ""),
    ] {
        let found = record_routes(settings, body);
        assert_eq!(found, [format!("<sip:{user}192.0.2.1;lr;ftag=f1>")], "{body}");
    }
}

#[test]
fn domains_below_an_alias_are_this_server() {
    let script = |domain: &str, uri: &str| {
        format!(
            "modparam(\"corex\", \"alias_subdomains\", \"other.example\")\n\
             modparam(\"corex\", \"alias_subdomains\", \"{domain}\")\n\
             route {{ if (is_myself(\"sip:a@{uri}\")) xlog(\"L_ERR\", \"own\"); exit; }}"
        )
    };
    for (domain, uri, is_own) in [
        ("example.org", "example.org", true),
        ("example.org", "A.B.Example.org:5070", true),
        ("example.org", "xexample.org", false),
        ("example.org", ".example.org", false),
        ("example.org", "org", false),
        ("udp:example.org:5070", "a.example.org:5070", true),
        ("udp:example.org:5070", "a.example.org", true),
        ("udp:example.org:5070", "a.example.org:5060", false),
        ("udp:example.org:5070", "a.other.example", true),
    ] {
        let found = log_of(&script(domain, uri), REQUEST);
        assert_eq!(!found.is_empty(), is_own, "{domain} {uri}");
    }
}

#[test]
fn levels_and_facilities_of_log_lines_are_checked() {
    shows(&[
        ("xlog(\"LOG_LOCAL0\", \"L_ERR\", \"a \");", "b", "a b"),
        ("$var(l) = -1; xlog(\"$var(l)\", \"a \");", "b", "a b"),
        ("$var(l) = 3; xlog(\"$var(l)\", \"a \");", "b", "b"),
    ]);
    for facility in ["LOG_LOCAL8", "LOCAL0", "LOG_", "x"] {
        let found = errors(&format!("xlog(\"{facility}\", \"L_ERR\", \"x\");"));
        assert_eq!(
            found,
            ["`facility` of `xlog` must be a facility such as LOG_LOCAL0"],
            "{facility}"
        );
    }
}
