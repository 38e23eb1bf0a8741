//! What leaves when a script sends by itself, and what our own Via says.

use super::functions::{forwarded, lines_of};
use super::waiting::pass;
use super::{ALICE, REQUEST, bench, errors, log, log_of, shows};
use viaduct::metrics::Counter;

/// What is sent when a script with these global lines and statements runs over a request.
fn sent(globals: &str, body: &str) -> Vec<(String, String)> {
    let mut bench = bench(&format!("{globals}\nroute {{ {body} exit; }}"));
    let sent = bench.send(ALICE, REQUEST);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    sent.iter().map(|(to, bytes)| (to.to_string(), text(bytes))).collect()
}

/// Our Via in what leaves.
fn own_via(globals: &str, body: &str) -> String {
    let sent = sent(globals, &format!("{body} forward(192.0.2.20, 5060);"));
    let message = &sent[0].1;
    let via = message.lines().find_map(|line| line.strip_prefix("Via: "));
    let Some((start, branch)) = via.and_then(|via| via.split_once(";branch=z9hG4bK")) else {
        panic!("no Via of ours is in {message}");
    };
    let params = branch.split_once(';').map_or("", |(_, params)| params);
    format!("{start} {params}")
}

#[test]
fn messages_are_sent_as_they_came() {
    for body in [
        "send(192.0.2.20, 5070);",
        "send(\"192.0.2.20:5070\");",
        "send_udp(\"192.0.2.20:5070\");",
        "$du = \"sip:192.0.2.20:5070\"; send_udp();",
        "append_hf(\"X-New: 1\\r\\n\"); $rU = \"other\"; send(192.0.2.20, 5070);",
    ] {
        assert_eq!(sent("", body), [("192.0.2.20:5070".to_owned(), REQUEST.to_owned())], "{body}");
    }
    assert_eq!(sent("", "send(192.0.2.20); forward(192.0.2.21, 5060);").len(), 2);
    let mut bench = bench("route { send(192.0.2.20); }");
    bench.send(ALICE, REQUEST);
    assert_eq!(bench.counted(Counter::SentVerbatim), 1);
    assert_eq!(bench.counted(Counter::DroppedByScript), 0);
    assert_eq!(bench.counted(Counter::ForwardedRequests), 0);
}

#[test]
fn nothing_is_sent_to_where_it_cannot_go() {
    for body in [
        "send(192.0.2.1, 5060)",
        "send_udp(\"192.0.2.1\")",
        "send_data(\"sip:192.0.2.1\", \"x\")",
        "send_udp(\"nobody.invalid:5060\")",
        "send(192.0.2.20, \"99$ci\")",
        "send_udp(\"[2001:db8::1]:5060\")",
        "send_data(\"nonsense\", \"x\")",
        "send_data(\"tel:1\", \"x\")",
        "send_data(\"sips:192.0.2.20\", \"x\")",
        "send_data(\"\", \"x\")",
    ] {
        let tried =
            format!("if ({body}) xlog(\"L_ERR\", \"yes\\n\"); else xlog(\"L_ERR\", \"no\\n\");");
        assert!(sent("", &tried).is_empty(), "{body}");
        assert_eq!(log(&tried).last().map(String::as_str), Some("no"), "{body}");
    }
    let long = "$var(t) = \"0123456789abcdef\"; while ($var(i) < 13) { $var(i) = $var(i) + 1; \
                $var(t) = $var(t) + $var(t); } send_data(\"sip:192.0.2.20\", \"$var(t)\");";
    assert!(sent("", long).is_empty());
}

/// F02: where the host can only be an address.
#[test]
fn a_mistyped_address_is_refused() {
    for call in
        ["forward(192.0.2.300, 5060);", "forward(\"192.0.2\");", "send(udp:192.0.2.1.7:5060);"]
    {
        let found = errors(call);
        assert!(found.len() == 1 && found[0].ends_with("is no address"), "{call} {found:?}");
    }
    for call in ["forward(192.0.2.3, 5060);", "forward(\"1.example\");", "forward(\"[::1]:5\");"] {
        assert!(errors(call).is_empty(), "{call}");
    }
}

/// F02: a port that is written as a number is one; what a variable holds is known later.
#[test]
fn a_port_out_of_range_is_refused() {
    for port in ["65536", "\"70000\"", "-1"] {
        let found = errors(&format!("forward(192.0.2.3, {port});"));
        assert!(found.len() == 1 && found[0].ends_with("0 to 65535"), "{port} {found:?}");
    }
    let to = |port: &str| {
        let all = sent("", &format!("$var(p) = {port}; forward(192.0.2.20, \"$var(p)\");"));
        all.first().map(|(to, _)| to.clone())
    };
    assert_eq!(to("5080"), Some("192.0.2.20:5080".to_owned()));
    assert_eq!(to("65536"), None);
    assert_eq!(to("\"x\""), None);
}

#[test]
fn texts_are_sent_to_uris() {
    let to = |port: u16, text: &str| (format!("192.0.2.20:{port}"), text.to_owned());
    let found = sent(
        "",
        "send_data(\"sip:192.0.2.20:5070\", \"call of $fU\\n\");
         sendx(\"sip:x@192.0.2.20\", \"udp:192.0.2.1:5060\", \"a\");
         sendx(\"sip:192.0.2.20;lr\", \"nowhere\", \"b\");",
    );
    assert_eq!(found, [to(5070, "call of fred\n"), to(5060, "a"), to(5060, "b")]);
}

#[test]
fn our_via_says_what_the_script_wants() {
    let usual = "SIP/2.0/UDP 192.0.2.1 ";
    for (globals, body, expected) in [
        ("", "", usual),
        ("", "add_local_rport();", "SIP/2.0/UDP 192.0.2.1 rport"),
        ("", "set_advertised_address(198.51.100.9);", "SIP/2.0/UDP 198.51.100.9 "),
        ("", "set_advertised_address(\"edge.example\");", "SIP/2.0/UDP edge.example "),
        ("", "set_advertised_address(\"[2001:db8::1]\");", "SIP/2.0/UDP [2001:db8::1] "),
        ("", "set_advertised_port(5080);", "SIP/2.0/UDP 192.0.2.1:5080 "),
        (
            "",
            "set_advertised_address(\"h.example\"); set_advertised_port(5060);",
            "SIP/2.0/UDP h.example:5060 ",
        ),
        ("", "set_advertised_address(\"a b\");", usual),
        ("", "set_advertised_address(\"a;x\");", usual),
        ("", "set_advertised_address(\"a:b\");", usual),
        ("", "set_advertised_address(\"\");", usual),
        ("", "set_advertised_port(0); set_advertised_port(70000);", usual),
        ("server_id=7", "via_add_srvid(1);", "SIP/2.0/UDP 192.0.2.1 srvid=7"),
        ("server_id=7", "via_add_srvid(1); via_add_srvid(0);", usual),
        ("", "via_add_srvid(1);", usual),
        ("listen=udp:192.0.2.1:5060 advertise \"edge.example:5070\"", "add_local_rport();", {
            "SIP/2.0/UDP edge.example:5070 rport"
        }),
    ] {
        assert_eq!(own_via(globals, body), expected, "{globals} {body}");
    }
    let all = "add_local_rport(); via_add_srvid(1); $xavp(v=>a) = 1; $xavp(v[0]=>b) = \"x\"; \
               via_add_xavp_params(1);";
    let globals = "server_id=4294967295\nxavp_via_params=\"v\"";
    assert_eq!(own_via(globals, all), "SIP/2.0/UDP 192.0.2.1 rport;srvid=4294967295;b=x;a=1");
    for value in ["a;b", "a,b", "a\\r\\nX: y", "a b", "\\\"a"] {
        let body = format!("$xavp(v=>a) = \"{value}\"; via_add_xavp_params(1);");
        assert_eq!(own_via("xavp_via_params=\"v\"", &body), usual, "{value}");
    }
}

#[test]
fn host_and_port_of_our_via_come_from_an_attribute() {
    let usual = "SIP/2.0/UDP 192.0.2.1 ";
    for (body, expected) in [
        ("$xavp(v=>address) = \"h.example\";", "SIP/2.0/UDP h.example "),
        (
            "$xavp(v=>address) = \"198.51.100.9\"; $xavp(v[0]=>port) = \"5080\";",
            "SIP/2.0/UDP 198.51.100.9:5080 ",
        ),
        ("$xavp(v=>address) = \"h\"; $xavp(v[0]=>port) = 70;", "SIP/2.0/UDP h:70 "),
        ("$xavp(v=>address) = \"h\"; $xavp(v[0]=>port) = \"x\";", usual),
        ("$xavp(v=>address) = \"h;x\";", usual),
        ("$xavp(v=>port) = 70;", usual),
        ("", usual),
    ] {
        let body = format!("{body} via_use_xavp_fields(1);");
        assert_eq!(own_via("xavp_via_fields=\"v\"", &body), expected, "{body}");
        assert_eq!(own_via("", &body), usual, "{body}");
        let undone = format!("{body} via_use_xavp_fields(0);");
        assert_eq!(own_via("xavp_via_fields=\"v\"", &undone), usual, "{body}");
    }
}

#[test]
fn a_response_finds_its_way_whatever_our_via_says() {
    let mut bench = bench(
        "route { add_local_rport(); set_advertised_address(edge.example); usleep(\"1000\"); \
         record_route(); forward(192.0.2.20, 5060); }",
    );
    assert!(bench.send(ALICE, REQUEST).is_empty(), "the run waits");
    let sent = pass(&mut bench, 1);
    let request = String::from_utf8_lossy(&sent[0].1).into_owned();
    assert!(request.contains("Via: SIP/2.0/UDP edge.example;branch="), "{request}");
    assert!(request.contains("Record-Route: <sip:192.0.2.1;lr"), "{request}");
    let lines = request.split("\r\n").filter(|line| !line.contains("Route") && !line.is_empty());
    let lines: Vec<&str> = lines.skip(1).collect();
    let response = format!("SIP/2.0 200 OK\r\n{}\r\n\r\n", lines.join("\r\n"));
    let back = bench.send("192.0.2.20:5060", response);
    assert_eq!(back[0].0.to_string(), ALICE);
}

#[test]
fn listen_addresses_are_chosen_by_name() {
    let run = |body: &str| {
        let script =
            format!("listen=udp:192.0.2.1:5060 name \"outside\"\nroute {{ {body} exit; }}");
        log_of(&script, REQUEST)
    };
    let line = "xlog(\"L_ERR\", \"$rc $fs\\n\");";
    assert_eq!(
        run(&format!("set_send_socket_name(\"outside\"); {line}")),
        ["1 udp:192.0.2.1:5060"]
    );
    let told = run(&format!("set_send_socket_name(\"inside\"); {line}"));
    assert!(told[0].ends_with("no listen address has that name"), "{told:?}");
    assert_eq!(told[1], "1 <null>");
    let asks = "if (is_socket_name(\"outside\") && !is_socket_name(\"\") && \
                !is_socket_name(\"inside\")) xlog(\"L_ERR\", \"yes\\n\");";
    assert_eq!(run(asks), ["yes"]);
    let lsock = "$var(n) = \"outside\"; xlog(\"L_ERR\", \"$lsock(n/$var(n)/listen) \
                 $lsock(n/outside/name) $lsock(n/inside/name) $lsock(n/outside) $lsock(x)\\n\");";
    assert_eq!(run(lsock), ["udp:192.0.2.1:5060 outside <null> <null> <null>"]);
}

#[test]
fn an_error_is_a_line_in_the_log() {
    let told = log("error(\"no route\", \"nobody\"); xlog(\"L_ERR\", \"$rc\\n\");");
    assert!(told[0].ends_with(": no route: nobody"), "{told:?}");
    assert_eq!(told[1], "1");
    shows(&[("", "$rm", "INVITE")]);
    assert_eq!(lines_of("X-List", ""), ["one, two", "three"]);
    assert!(forwarded("add_local_rport();").contains(";rport\r\n"));
}
