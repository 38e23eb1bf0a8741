//! Warnings of what compiles and is probably wrong; and, as important, where there are none.

use super::{complaints, told};

/// Checks that `body` as the main block gets exactly these warnings.
fn gets(body: &str, more: &str, codes: &[&str]) {
    let script = format!("#!KAMAILIO\nroute {{\n{body}\n}}\n{more}");
    let found: Vec<&str> = complaints(&script).into_iter().map(|(code, _)| code).collect();
    assert_eq!(found, codes, "{script}");
}

#[test]
fn statements_that_never_run_are_told() {
    for body in [
        "exit; forward();",
        "if ($rU == 1) { exit; } else { drop; } forward();",
        "{ { return; } } forward();",
        "switch ($rU) { case 1: exit; default: drop; } forward();",
        "while ($rU == 1) { break; strip(1); } exit;",
        "route(E); forward();",
        "if (!route(E)) { strip(1); } forward();",
    ] {
        let more = if body.contains("route(E)") { "route[E] { strip(1); exit; }" } else { "" };
        gets(body, more, &["W0401"]);
    }
}

/// The guess of the dialect has no place of its own: it is told at the start of the file.
#[test]
fn notes_at_the_start_of_a_file_are_all_told() {
    for (start, codes) in [
        ("memlog=5\n", &["N0301", "N0302"][..]),
        ("memlog=5 memlog=5\n", &["N0301", "N0302", "N0302"]),
        ("", &["N0301"]),
        ("#!SER\nmemlog=5\n", &["N0302"]),
    ] {
        let (found, _) = told(&format!("{start}route {{ forward(); }}"));
        let found: Vec<&str> = found.iter().map(|found| found.code.0).collect();
        assert_eq!(found, codes, "{start}");
    }
}

#[test]
fn commands_that_are_one_variable_are_told() {
    for (function, command, is_told) in [
        ("exec_msg", "$rU", true),
        ("exec_dset", " $hdr(X-Command)\\t", true),
        ("exec_avp", "$(rU{s.tolower})", true),
        ("exec_cmd", "$ua", true),
        ("exec_cmd", "", false),
        ("exec_cmd", "$rU $ua", false),
        ("exec_cmd", "$rU$ua", false),
        ("exec_cmd", "eval $rU", false),
        ("exec_cmd", "'$rU'", false),
        ("exec_cmd", "/bin/$rU", false),
        ("exec_cmd", "logger $rU", false),
        ("exec_cmd", "$$HOME", false),
    ] {
        let body = format!("{function}(\"{command}\"); forward();");
        gets(&body, "loadmodule \"exec.so\"", if is_told { &["W0412"] } else { &[] });
    }
}

#[test]
fn statements_that_may_run_are_left_alone() {
    for body in [
        "if ($rU == 1) { exit; } forward();",
        "if ($rU == 1) { exit; } else if ($rU == 2) { drop; } forward();",
        "while ($rU == 1) { break; } forward();",
        "while ($rU == 1) { exit; } forward();",
        "switch ($rU) { case 1: exit; break; default: break; } forward();",
        "switch ($rU) { case 1: exit; } forward();",
        "forward(); exit; break; return; {}",
        "route(R); forward();",
        "route(S); forward();",
    ] {
        let mut more = String::new();
        if body.contains("route(R)") {
            more.push_str("route[R] { if ($rU == 1) return; exit; }");
        }
        if body.contains("route(S)") {
            more.push_str("route[S] { if ($rU == 1) route(S); }");
        }
        gets(body, &more, &[]);
    }
    let seam = "#!KAMAILIO\n#!define A\nroute {\n#!ifdef A\nexit;\n#!endif\nforward();\n}";
    assert_eq!(complaints(seam), [], "it may run when A is not defined");
}

#[test]
fn a_way_to_a_silent_end_is_told() {
    gets("if ($rU == 1) forward();", "", &["W0403"]);
    gets("route(A);", "route[A] { if ($rU == 1) forward(); }", &["W0403"]);
    gets("t_relay();", "", &["E0403"]);
    let any =
        complaints("#!KAMAILIO\nloadmodule \"cfgutils.so\"\nroute {\nroute_if_exists(\"A\");\n}");
    assert!(!any.iter().any(|(code, _)| *code == "W0403"), "{any:?}");
    gets("send(192.0.2.7);", "", &[]);
    gets("if ($rU == 1) { t_relay(); } else { unknown(); }", "", &["E0403", "E0401"]);
    let other = "#!KAMAILIO\nroute {\n#!ifdef A\nforward();\n#!endif\n}";
    assert_eq!(complaints(other), [], "it is sent on when A is defined");
}

#[test]
fn variables_that_nothing_has_set_are_told() {
    for body in [
        "$ru = $var(x); forward();",
        "$ru = $(var(x){s.trim}); forward();",
        "$var(x) += 1; forward();",
        "if ($var(x) == 1) exit; $var(x) = 1; forward();",
        "append_to_reply(\"a: $var(x)\"); exit;",
        "if (!($var(x) > 3)) exit; forward();",
        "route(R); $var(x) = 1; forward();",
        "if ($rU == $null) { strip(1); } $ru = $var(x); route(S); forward();",
    ] {
        let mut more = String::new();
        if body.contains("append_to_reply") {
            more.push_str("loadmodule \"textops.so\"\n");
        }
        if body.contains("route(R)") {
            more.push_str("route[R] { $ru = $var(x); }");
        }
        if body.contains("route(S)") {
            more.push_str("route[S] { $var(x) = 1; }");
        }
        gets(body, &more, &["W0406"]);
    }
}

#[test]
fn variables_that_may_be_set_are_left_alone() {
    for body in [
        "$var(x) = 1; $ru = $var(x); forward();",
        "$vz(x) = 1; $ru = $var(x); forward();",
        "$xavp(a=>x) = 1; pv_xavp_to_var(\"a\"); $ru = $var(x); forward();",
        "if ($rU == 1) $var(x) = 1; $ru = $var(x); forward();",
        "while ($var(x) < 3) { $var(x) = $var(x) + 1; } forward();",
        "if ($var(x) == $null) exit; $var(x) = 1; forward();",
        "if (!$var(x)) $var(x) = 1; forward();",
        "if ($var(x) && defined $var(x) || strempty($var(x))) exit; forward();",
        "route(S); $ru = $var(x); forward();",
        "route(T); forward();",
        "sql_query(\"$var(x)\"); $ru = $var(x); forward();",
        "switch ($rU) { case 1: $var(x) = 1; default: $ru = $var(x); } forward();",
    ] {
        let mut more = String::new();
        if body.contains("route(S)") {
            more.push_str("route[S] { if ($rU == 1) { $var(x) = 1; } }");
        }
        if body.contains("route(T)") {
            more.push_str("route[T] { if ($rU == 1) { $var(x) = 1; route(U); } route(U); }\n");
            more.push_str("route[U] { $ru = $var(x); }");
        }
        let codes: &[&str] = if body.contains("sql_query") { &["E0403"] } else { &[] };
        gets(body, &more, codes);
    }
    let replies = "onreply_route { $var(y) = $var(x); }";
    gets("$var(x) = 1; forward();", replies, &[]);
    let other =
        "#!KAMAILIO\nroute {\n#!ifdef A\n$var(x) = 1;\n#!endif\n$ru = $var(x); forward();\n}";
    assert_eq!(complaints(other), [], "it is set when A is defined");
}

#[test]
fn patterns_that_match_nothing_are_told() {
    for condition in [
        "uri =~ \"sip:^a\"",
        "uri =~ \"a$b\"",
        "uri =~ \"(a|b)$(c|d)\"",
        "uri =~ \"^sip:alice @\"",
        "$rm =~ \"^(IN VITE|A CK)$\"",
        "status =~ \"4xx\"",
        "src_ip =~ \"^gw\"",
    ] {
        let body = format!("if ({condition}) exit; forward();");
        gets(&body, "", &["W0409"]);
    }
    let body = "if (search(\"^From: a^b\")) exit; forward();";
    gets(body, "loadmodule \"textops.so\"", &[]);
    gets("switch (uri) { case /a^b: exit; } forward();", "", &["W0409"]);
}

#[test]
fn patterns_that_may_match_are_left_alone() {
    for condition in [
        "uri =~ \"^sip:(.+@)?(192\\.168\\.0\\.10|(sip\\.)?foo\\.bar)([:;\\?].*)?$\"",
        "uri =~ \"^$\"",
        "uri =~ \"(^a|b)c\"",
        "uri =~ \"a*^b\"",
        "uri =~ \"[^a]*$\"",
        "uri =~ \"(a$)?b\"",
        "$fn =~ \"a b\"",
        "status =~ \"^4..$\"",
        "src_ip =~ \"^192\\.168\\.\"",
        "uri =~ $var(x)",
    ] {
        gets(&format!("$var(x) = 1; if ({condition}) exit; forward();"), "", &[]);
    }
    let body = "if (search(\"^(Contact|m): .*@(192|10)$\")) exit; forward();";
    gets(body, "loadmodule \"textops.so\"", &[]);
}

#[test]
fn comparisons_that_say_nothing_are_told() {
    for condition in [
        "$ru == $ru",
        "method != method",
        "method == \"INVITE|ACK\"",
        "$rm != \"INVITE or ACK\"",
        "src_port == 70000",
        "status == \"4[0-9][0-9]\"",
        "uri == \"foo.bar\"",
        "method == \"INVITE\" && method == \"ACK\"",
        "$rU != \"a\" || $rU != \"b\"",
        "$rs == 404 && $rs == 486",
    ] {
        gets(&format!("if ({condition}) exit; forward();"), "", &["W0408"]);
    }
}

#[test]
fn comparisons_that_say_something_are_left_alone() {
    for condition in [
        "$ru == $ou",
        "$RANDOM == $RANDOM",
        "method == \"INVITE\" || method == \"ACK\"",
        "$rU != \"a\" && $rU != \"b\"",
        "$rU == \"a\" && $rU == \"A\"",
        "$ru == \"sip:a@b\" && $ru == \"sip:a@b:5060\"",
        "status == \"404\"",
        "src_port == 5060",
        "method == \"X-NEW\"",
        "uri == \"sip:foo.bar\"",
        "uri == myself",
        "src_ip == 10.0.0.0/8 && src_ip == 10.1.0.0/16",
    ] {
        gets(&format!("if ({condition}) exit; forward();"), "", &[]);
    }
    let other = "#!KAMAILIO\n#!define MODE 1\nroute {\nif (MODE == 1) forward(); exit;\n}";
    assert_eq!(complaints(other), []);
}

#[test]
fn blocks_that_nothing_runs_are_told() {
    gets("exit;", "route[A] { exit; }", &["W0410"]);
    gets("exit;", "route[A] { route(B); }\nroute[B] { route(A); }", &["W0410", "W0410"]);
    gets("exit;", "failure_route[F] { exit; }", &["W0410"]);
    gets("route(A); exit;", "route[A] { route(B); }\nroute[B] { strip(1); }", &[]);
    gets("exit;", "onreply_route { exit; }", &[]);
    gets("exit;", "event_route[xhttp:request] { exit; }", &["W0413"]);
    gets("exit;", "onsend_route { drop; }\nlocal_route { exit; }", &["W0413", "W0413"]);
    gets("exit;", "onsend_route { }", &[]);
    gets("exit;", "onsend_route { if (to_port == 5060 && snd_ip == 192.0.2.1) drop; }", &["W0413"]);
    gets("if (to_port == 5060) exit; forward();", "", &["E0422"]);
    gets("t_on_failure(\"F\"); exit;", "failure_route[F] { exit; }", &["E0403"]);
    gets("exit;", "onreply_route { route(A); }\nroute[A] { log(\"x\"); }", &[]);
    let timer = "loadmodule \"rtimer.so\"\n\
        modparam(\"rtimer\", \"exec\", \"timer=ta;route=TICK\")\nroute[TICK] { exit; }";
    gets("exit;", timer, &[]);
    let other = "#!KAMAILIO\nroute {\n#!ifdef A\nroute(A);\n#!endif\nexit;\n}\nroute[A] { exit; }";
    assert_eq!(complaints(other), [], "it runs when A is defined");
}

#[test]
fn modules_that_nothing_uses_are_told() {
    let load = |names: &[&str]| -> String {
        names.iter().map(|name| format!("loadmodule \"{name}.so\"\n")).collect()
    };
    gets("exit;", &load(&["textops", "maxfwd"]), &["W0411", "W0411"]);
    gets("exit;", &load(&["sl", "pv", "kex", "corex", "usrloc", "tm", "db_mysql"]), &[]);
    gets("exit;", &load(&["rr", "dialog"]), &[]);
    gets("if (has_totag()) exit; forward();", &load(&["siputils"]), &[]);
    let other = "#!KAMAILIO\nloadmodule \"textops.so\"\nroute {\n#!ifdef A\n\
        remove_hf(\"A\");\n#!endif\nexit;\n}";
    assert_eq!(complaints(other), [], "it is used when A is defined");
}

#[test]
fn forwarding_past_a_transaction_is_told() {
    let failure = "failure_route[F] { forward(); }";
    gets("t_on_failure(\"F\"); exit;", failure, &["E0403", "W0407"]);
    let shared = "failure_route[F] { route(A); }\nroute[A] { forward(); }";
    gets("t_on_failure(\"F\"); route(A);", shared, &["E0403"]);
}

#[test]
fn a_module_that_is_not_loaded_is_told_of_once() {
    gets("sl_send_reply(\"404\", \"No\"); sl_reply_error(); exit;", "", &["E0402"]);
    let lines = "modparam(\"rr\", \"append_fromtag\", 1)\n".repeat(3);
    gets("record_route(); forward();", &lines, &["E0402"]);
}

#[test]
fn blocks_that_are_named_when_the_script_runs_are_used() {
    let more = "route[A] { $ru = $var(y); exit; }\nroute[B] { exit; }";
    let found = complaints(&format!(
        "#!KAMAILIO\nloadmodule \"cfgutils.so\"\nroute {{\nroute_if_exists(\"A\"); exit;\n}}\n{more}"
    ));
    assert!(found.iter().all(|(code, _)| !code.starts_with('W')), "{found:?}");
}
