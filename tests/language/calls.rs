//! What is calculated where it is used: arguments, names of route blocks, names of global
//! parameters, defines and the environment.

use super::{ALICE, REQUEST, bench, errors, log, log_of, shows};

#[test]
fn arguments_are_calculated() {
    for (statement, expected) in [
        (r#"xlog("L_ERR", "a" + $rm + "b" + 3);"#, "aINVITEb3"),
        (r#"xlog("L_ERR", $fU + "\n");"#, "fred"),
        (r#"$var(x) = 2; strip(1 + $var(x)); xlog("L_ERR", "$rU\n");"#, "ce"),
        (
            r#"rewritehostport($si + ":" + (5000 + 80)); xlog("L_ERR", "$rd:$rp\n");"#,
            "198.51.100.7:5080",
        ),
        (
            r#"if (is_myself("sip:" + $Ri) && !is_myself("sip:" + $si)) xlog("L_ERR", "mine\n");"#,
            "mine",
        ),
        (
            r#"if (fnmatch($rU + "x", "al" + "*")) { xlog("L_ERR", "two of one call\n"); }"#,
            "two of one call",
        ),
        (r#"strip(-1 * -2); xlog("L_ERR", "$rU\n");"#, "ice"),
    ] {
        assert_eq!(log(statement).join("|"), expected, "{statement}");
    }
}

#[test]
fn what_must_be_known_before_is_not_calculated() {
    assert_eq!(
        errors("setflag(1 + 2); is_present_hf_re(\"a\" + \"b\");"),
        [
            "`flag` of `setflag` must be a flag as it is, and cannot be calculated",
            "`re` of `is_present_hf_re` must be a string as it is, and cannot be calculated"
        ]
    );
    assert_eq!(errors("xlog(\"a\" + $nope);"), ["there is no variable `$nope`"]);
}

#[test]
fn loops_of_calculated_arguments_leave_nothing_behind() {
    let body = r#"$var(i) = 0; while ($var(i) < 5000) { is_numeric("a" + $var(i)); $var(i) = $var(i) + 1; }
                  xlog("L_ERR", "$var(i)\n");"#;
    assert_eq!(log(body), ["5000"]);
}

#[test]
fn route_blocks_are_called_by_calculated_names() {
    let routes = "route[A_1] { xlog(\"L_ERR\", \"one\\n\"); return 5; } route[2] { return -3; }";
    for (body, expected) in [
        (r#"$var(n) = "A_1"; route($var(n)); xlog("L_ERR", "$rc\n");"#, "one|5"),
        (r#"$var(n) = 2; if (!route($var(n))) xlog("L_ERR", "$rc\n");"#, "-3"),
        (r#"$var(n) = 1; if (route("A_" + $var(n))) xlog("L_ERR", "yes\n");"#, "one|yes"),
        (r#"if (!route_if_exists("A_" + 9)) xlog("L_ERR", "none\n");"#, "none"),
        (r#"route_if_exists("A_1");"#, "one"),
        (r#"route(2); if ($? == -3) xlog("L_ERR", "$?\n");"#, "$?"),
        (
            r#"if (check_route_exists("A_1") && !check_route_exists("$rU")) xlog("L_ERR", "y\n");"#,
            "y",
        ),
    ] {
        let script = format!("route {{ {body} exit; }} {routes}");
        assert_eq!(log_of(&script, REQUEST).join("|"), expected, "{body}");
    }
}

#[test]
fn a_calculated_name_that_no_block_has_is_told_and_false() {
    let found = log(r#"if (!route("X" + $rU)) xlog("L_ERR", "false\n");"#);
    assert!(found[0].starts_with("test.cfg:"), "{found:?}");
    assert!(found[0].ends_with(": there is no `route[Xalice]`"), "{found:?}");
    assert_eq!(found[1], "false");
}

#[test]
fn route_blocks_that_call_themselves_by_name_come_to_an_end() {
    let script = "route { route(\"R\" + \"\"); } route[R] { route(\"R\" + \"\"); }";
    let mut bench = bench(script);
    bench.send(ALICE, REQUEST);
    assert!(bench.log().contains("too deeply"), "{}", bench.log());
}

#[test]
fn custom_parameters_defines_and_the_environment_are_read() {
    let globals = "#!KAMAILIO\n#!define LIMIT 42\n#!define NAME \"north \\\"side\\\"\"\n#!define BARE\n\
                   pstn.gw_ip = \"192.0.2.7\" desc \"the gateway\"\npstn.port = 5080\n";
    for (text, expected) in [
        ("$sel(cfg_get.pstn.gw_ip):$(sel(cfg_get.pstn.port){s.int})", "192.0.2.7:5080"),
        ("$def(LIMIT) $defn(LIMIT) $def(NONE) $defn(NONE)", "42 42 <null> <null>"),
        ("$def(NAME) $def(BARE).", "north \"side\" ."),
        ("$env(SITE) $(env(SITE){s.toupper}) $env(UNSET)", "north NORTH <null>"),
    ] {
        let script = format!("{globals}route {{ xlog(\"L_ERR\", \"{text}\\n\"); exit; }}");
        assert_eq!(log_of(&script, REQUEST).join("\n"), expected, "{text}");
    }
    let script = format!(
        "{globals}route {{ if (@cfg_get.pstn.gw_ip == \"192.0.2.7\" && $defn(LIMIT) + 1 == 43) \
         $ru = \"sip:\" + $rU + \"@\" + $sel(cfg_get.pstn.gw_ip) + \":\" + @cfg_get.pstn.port; \
         xlog(\"L_ERR\", \"$ru\\n\"); exit; }}"
    );
    assert_eq!(log_of(&script, REQUEST), ["sip:alice@192.0.2.7:5080"]);
    assert_eq!(errors("$var(x) = @cfg_get.a.b;"), ["there is no global parameter `a.b`"]);
}

#[test]
fn selects_read_the_message() {
    shows(&[
        ("", "$sel(from.uri.user) $sel(from.name) $sel(f.tag)", "fred Fred F f1"),
        ("", "$sel(ruri.params[x]) $sel(ruri.host) $sel(cseq.num)", "1 example.com 77"),
        (
            "",
            "$sel(via[1].branch) $sel(contact.expires) $sel(contact.uri.host)",
            "z9hG4bK1 60 198.51.100.7",
        ),
        ("", "$sel(hf_value.x_list[2]) $sel(msg.x_list[2])", "two three"),
        ("$var(x) = @to.uri;", "$(var(x){uri.host})", "to.example"),
        ("", "$(sel(from.uri){s.len})", "29"),
    ]);
    assert_eq!(errors("if (@tls.me == 1) exit;"), ["the select `tls.me` is not supported yet"]);
}

#[test]
fn the_place_in_the_script_is_a_variable() {
    let script = "route {\n route(A);\n exit; }\nroute[A] {\n\
                  xlog(\"L_ERR\", \"$cfg(name) $cfg(route)\\n\");\n\
                  if ($cfg(line) > 5) xlog(\"L_ERR\", \"line\\n\"); }";
    assert_eq!(log_of(script, REQUEST), ["test.cfg A", "line"]);
}

/// What Kamailio 5.6 says of the same conditions.
#[test]
fn conditions_come_out_as_in_kamailio() {
    let before =
        "$var(e) = \"\"; $var(zero) = 0; $var(n) = 42; $var(neg) = -5; $var(text) = \"42\";";
    for (condition, holds) in [
        ("$avp(none) == $null", true),
        ("$avp(none) == \"\"", true),
        ("$avp(none) == 0", true),
        ("0 == $avp(none)", true),
        ("$avp(none) != 0", false),
        ("$avp(none) != \"x\"", true),
        ("$avp(none) == $var(zero)", true),
        ("$avp(none) == $var(e)", true),
        ("$avp(none) < 1", true),
        ("$var(e) == $null", false),
        ("$var(e) != $null", true),
        ("$null == $var(e)", false),
        ("$null == \"\"", true),
        ("$var(zero) == $null", false),
        ("$var(zero) == \"\"", false),
        ("$var(e) == 0", false),
        ("$(ru{uri.param,zz}) == $null", false),
        ("$(ru{uri.param,zz}) == \"\"", true),
        ("$(hdr(Nope){s.len}) == 0", true),
        ("$(hdr(Nope){s.int}) == 0", true),
        ("$(hdr(Nope){s.len}) > 0", false),
        ("$var(text) == 42", true),
        ("$var(n) == \"42\"", true),
        ("$var(n) + \"1\" == 43", true),
        ("\"1\" + $var(n) == \"142\"", true),
        ("$var(neg)", false),
        ("$var(n)", true),
        ("$var(neg) && 1", false),
        ("$rU =~ \"^AL\"", true),
        ("$rU == \"ALICE\"", false),
        ("$hdr(Nope) =~ \"x\"", false),
        ("defined $tt", false),
        ("~$var(n) == -43", true),
    ] {
        let found = log(&format!("{before} if ({condition}) xlog(\"L_ERR\", \"T\\n\");"));
        assert_eq!(!found.is_empty(), holds, "{condition}");
        let found =
            log(&format!("{before} $var(r) = ({condition}); xlog(\"L_ERR\", \"$var(r)\\n\");"));
        if condition.contains("==") {
            assert_eq!(found, [if holds { "1" } else { "0" }], "{condition}");
        }
    }
}
