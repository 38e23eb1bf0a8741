//! Functions of modules that most scripts for Kamailio load.

use super::{ALICE, REQUEST, bench, log, log_of, shows};

/// What leaves when `body` runs over a request and forwards it.
pub(super) fn forwarded(body: &str) -> String {
    let script = format!("route {{ {body} forward(192.0.2.20, 5060); }}");
    let mut bench = bench(&script);
    let sent = bench.send(ALICE, REQUEST);
    assert_eq!(sent.len(), 1, "{body}: {}", bench.log());
    String::from_utf8_lossy(&sent[0].1).into_owned()
}

/// The lines of one header field in what leaves.
pub(super) fn lines_of(name: &str, body: &str) -> Vec<String> {
    let start = format!("{name}: ");
    forwarded(body)
        .split("\r\n")
        .filter_map(|line| Some(line.strip_prefix(&start)?.to_owned()))
        .collect()
}

#[test]
fn values_of_lists_are_added_and_taken_away() {
    for (body, expected) in [
        (r#"insert_hf_value("X-List", "new");"#, &["new", "one, two", "three"][..]),
        (r#"append_hf_value("X-List", "new");"#, &["one, two", "three", "new"]),
        (r#"append_hf_value("X-List[1]", "new");"#, &["one, new, two", "three"]),
        (r#"insert_hf_value("X-List[-1]", "new");"#, &["one, two", "new, three"]),
        (r#"append_hf_value("X-List[9]", "new");"#, &["one, two", "three", "new"]),
        (r#"remove_hf_value("X-List");"#, &["two", "three"]),
        (r#"remove_hf_value("X-List[2]");"#, &["one", "three"]),
        (r#"remove_hf_value("X-List[3]");"#, &["one, two"]),
        (r#"remove_hf_value("X-List[*]");"#, &[]),
        (r#"remove_hf_value("X-List[1]"); remove_hf_value("X-List[2]");"#, &["three"]),
        (r#"assign_hf_value("X-List[2]", "new");"#, &["one, new", "three"]),
        (r#"assign_hf_value("X-List[*].p", "1");"#, &["one;p=1, two;p=1", "three;p=1"]),
        (r#"include_hf_value("X-List", "four");"#, &["one, two", "three, four"]),
        (r#"include_hf_value("X-List", "TWO");"#, &["one, two", "three"]),
        (r#"exclude_hf_value("X-List", "two");"#, &["one", "three"]),
        (r#"insert_hf_value("X-List", "a\r\nX-Evil: 1");"#, &["one, two", "three"]),
        (r#"append_hf_value("X List", "new");"#, &["one, two", "three"]),
    ] {
        assert_eq!(lines_of("X-List", body), expected, "{body}");
    }
    assert_eq!(lines_of("Supported", r#"include_hf_value("Supported", "path");"#), ["path"]);
    for (body, expected) in [
        (r#"assign_hf_value("Contact.expires", "5");"#, "<sip:fred@198.51.100.7>;expires=5"),
        (r#"assign_hf_value("Contact.lr", "");"#, "<sip:fred@198.51.100.7>;expires=60;lr"),
        (r#"remove_hf_value("Contact.expires");"#, "<sip:fred@198.51.100.7>"),
        (r#"remove_hf_value("Contact.none");"#, "<sip:fred@198.51.100.7>;expires=60"),
    ] {
        assert_eq!(lines_of("Contact", body), [expected], "{body}");
    }
    assert_eq!(
        log(
            r#"if (hf_value_exists("X-List", "two") && !hf_value_exists("X-List", "x")) xlog("L_ERR", "y\n");"#
        ),
        ["y"]
    );
}

#[test]
fn iterators_go_through_header_fields() {
    let names = log(
        r#"hf_iterator_start("i"); while (hf_iterator_next("i")) { xlog("L_ERR", "$hfitname(i)=$hfitbody(i)\n"); }
           if (!hf_iterator_next("i") && hf_iterator_prev("i")) xlog("L_ERR", "$hfitname(i)\n"); hf_iterator_end("i");
           xlog("L_ERR", "$hfitname(i)\n");"#,
    );
    assert_eq!(names.len(), 12);
    assert_eq!(names[0], "Via=SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1");
    assert_eq!(names[9..], ["Content-Length=0", "X-List", "<null>"]);
    let body = r#"hf_iterator_start("i"); while (hf_iterator_next("i")) {
        if ($hfitname(i) == "Contact") { hf_iterator_rm("i"); }
        if ($hfitname(i) == "To") { hf_iterator_insert("i", "X-A: 1\r\n"); hf_iterator_append("i", "X-B: 2"); } }"#;
    let sent = forwarded(body);
    assert!(sent.contains("X-A: 1\r\nTo: <sip:tom@to.example>\r\nX-B: 2\r\n"), "{sent}");
    assert!(!sent.contains("Contact"), "{sent}");
}

#[test]
fn iterators_are_limited_and_end() {
    let body = r#"hf_iterator_start("a"); hf_iterator_start("b"); hf_iterator_start("c"); hf_iterator_start("d");
        hf_iterator_start("a"); if (!hf_iterator_start("e")) xlog("L_ERR", "full\n");
        if (!hf_iterator_next("e") && !hf_iterator_rm("a") && !hf_iterator_end("e")) xlog("L_ERR", "no\n");
        if (!hf_iterator_start("")) xlog("L_ERR", "nameless\n");"#;
    let found = log(body);
    assert!(found[0].ends_with("there are four iterators already"));
    assert_eq!(found[1..], ["full", "no", "nameless"]);
}

#[test]
fn iterators_go_through_the_lines_of_the_body() {
    let sdp = "v=0\r\ns=-\r\na=x\r\n";
    let request =
        REQUEST.replace("Length: 0\r\n\r\n", &format!("Length: {}\r\n\r\n{sdp}", sdp.len()));
    let script = r#"route { bl_iterator_start("b"); while (bl_iterator_next("b")) {
        if ($blitval(b) =~ "^s=") { bl_iterator_append("b", "i=1\r\n"); bl_iterator_insert("b", "h=2\r\n"); }
        if ($blitval(b) =~ "^a=") { bl_iterator_rm("b"); } }
        forward(192.0.2.20, 5060); }"#;
    let sent = bench(script).send(ALICE, request);
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    assert!(text.ends_with("Content-Length: 20\r\n\r\nv=0\r\nh=2\r\ns=-\r\ni=1\r\n"), "{text}");
}

#[test]
fn flags_are_kept_for_the_run_and_for_all_runs() {
    let script = r#"modparam("cfgutils", "initial_gflags", 8)
        route { if (is_gflag(1)) xlog("L_ERR", "again\n"); set_gflag(1);
        if (is_gflag("3")) { reset_gflag(3); xlog("L_ERR", "initial\n"); }
        setsflag(2); setsflag(0); resetsflag(0);
        if (issflagset(2) && !issflagset(0) && !isflagset(2)) xlog("L_ERR", "$sf $sF $mf\n"); exit; }"#;
    let mut bench = bench(script);
    bench.send(ALICE, REQUEST);
    bench.send(ALICE, REQUEST.replace("call@a", "call@b"));
    let log = bench.log();
    assert_eq!(log, "initial\n4 00000004 0\nagain\n4 00000004 0\n");
}

#[test]
fn chance_is_set_for_all() {
    let body = r#"rand_set_prob(100); if (rand_event()) xlog("L_ERR", "always\n"); rand_set_prob("0");
        if (!rand_event()) xlog("L_ERR", "never\n"); rand_reset_prob(); rand_get_prob(); xlog("L_ERR", "$rc\n");
        if (!rand_set_prob(101)) xlog("L_ERR", "no\n");"#;
    assert_eq!(log(body), ["always", "never", "10", "no"]);
}

#[test]
fn a_check_that_fails_can_be_answered_later() {
    let script = r#"modparam("sanity", "noreply", 1) modparam("sanity", "autodrop", 0)
        route { if (!sanity_check("2048")) { if (sanity_reply()) xlog("L_ERR", "answered\n"); }
        else if (!sanity_reply()) xlog("L_ERR", "nothing to say\n"); exit; }"#;
    let script = script.replace(") modparam", ")\nmodparam");
    assert_eq!(log_of(&script, REQUEST), ["nothing to say"]);
    let request = REQUEST.replace("Content-Length", "Authorization: Basic x\r\nContent-Length");
    let mut bench = bench(&script);
    let sent = bench.send(ALICE, request);
    assert!(sent[0].1.starts_with(b"SIP/2.0 400 Bad Credentials\r\n"));
    assert_eq!(bench.log(), "answered\n");
}

#[test]
fn the_script_flags_can_be_assigned() {
    shows(&[("$sf = 5;", "$sf $sF", "5 00000005")]);
}

#[test]
fn texts_are_told_apart() {
    for (condition, holds) in [
        (r#"is_uri("sip:a@b")"#, true),
        (r#"is_uri("a b")"#, false),
        (r#"is_alphanum("$rU")"#, true),
        (r#"is_alphanum("a-b")"#, false),
        (r#"is_alphanum("")"#, false),
        (r#"is_alphanumex("+1-2", "+-")"#, true),
        (r#"is_alphanumex("+1.2", "+-")"#, false),
        (r#"cmp_hdr_name("f", "From")"#, true),
        (r#"cmp_hdr_name("X-a", "x-A")"#, true),
        (r#"cmp_hdr_name("X-a", "X-b")"#, false),
        (r#"uri_param_any("x")"#, true),
        (r#"uri_param_any("y")"#, false),
        (r#"hdr_date_check(10)"#, false),
        (r#"is_user("fred")"#, false),
        (r#"is_faked_msg()"#, false),
        (r#"is_present_hf_re_pv("^x-" + "list$")"#, true),
        (r#"is_present_hf_re_pv("^$rU")"#, false),
    ] {
        let found = log(&format!("if ({condition}) xlog(\"L_ERR\", \"y\\n\");"));
        assert_eq!(!found.is_empty(), holds, "{condition}");
    }
    let found = log("is_present_hf_re_pv(\"(\" + $rU);");
    assert!(found[0].contains("this is no regular expression"), "{found:?}");
    let script = "route { if (hdr_date_check(60)) xlog(\"L_ERR\", \"fresh\\n\"); exit; }";
    for (date, expected) in [("07:59:30", "fresh"), ("07:58:59", ""), ("xx:59:30", "")] {
        let date = format!("Date: Fri, 15 Jan 2027 {date} GMT\r\nContent-Length");
        assert_eq!(log_of(script, &REQUEST.replace("Content-Length", &date)).join(""), expected);
    }
}

#[test]
fn contacts_are_hidden_and_come_back() {
    for (body, expected) in [
        (
            r#"encode_contact("p", "h.example");"#,
            "<sip:p*fred**198.51.100.7**@h.example>;expires=60",
        ),
        (
            r#"contact_param_encode("ksu", "sip:192.0.2.1:5060");"#,
            "<sip:192.0.2.1:5060;ksu=c2lwOmZyZWRAMTk4LjUxLjEwMC43>;expires=60",
        ),
        (r#"contact_param_rm("x");"#, "<sip:fred@198.51.100.7>;expires=60"),
        (r#"encode_contact("p p", "h.example");"#, "<sip:fred@198.51.100.7>;expires=60"),
        (r#"decode_contact_header();"#, "<sip:fred@198.51.100.7>;expires=60"),
    ] {
        assert_eq!(lines_of("Contact", body), [expected], "{body}");
    }
    for (contact, body, expected) in [
        (
            "<sip:p*u*pw*10.0.0.1*5070*tcp@h>",
            "decode_contact_header();",
            "<sip:u:pw@10.0.0.1:5070;transport=tcp>",
        ),
        ("sip:a@b;ob", "contact_param_rm(\"ob\");", "sip:a@b;ob"),
        ("<sip:a@b;ob;x>", "contact_param_rm(\"ob\");", "<sip:a@b;x>"),
        (
            "<sip:192.0.2.1;ksu=c2lwOmZyZWRAMTk4LjUxLjEwMC43>",
            "contact_param_decode(\"ksu\");",
            "<sip:fred@198.51.100.7>",
        ),
        ("<sip:192.0.2.1;ksu=%%%>", "contact_param_decode(\"ksu\");", "<sip:192.0.2.1;ksu=%%%>"),
        ("*", "encode_contact(\"p\", \"h\");", "*"),
    ] {
        let script = format!("route {{ {body} forward(192.0.2.20, 5060); }}");
        let request = REQUEST.replace("<sip:fred@198.51.100.7>;expires=60", contact);
        let sent = bench(&script).send(ALICE, request);
        let text = String::from_utf8_lossy(&sent[0].1).into_owned();
        assert!(text.contains(&format!("\r\nContact: {expected}\r\n")), "{body}: {text}");
    }
    shows(&[
        ("$ru = \"sip:p*u**10.0.0.1**@h\"; decode_contact();", "$ru", "sip:u@10.0.0.1"),
        ("if (!decode_contact())", "$ru", "sip:alice@example.com;x=1"),
        ("$ru = \"sip:p*u**10.0.0.1*99999*@h\"; if (!decode_contact())", "$rd", "h"),
        (
            "$ru = \"sip:h;a=1;ksu=c2lwOmZyZWRAMTk4LjUxLjEwMC43\"; contact_param_decode_uri(\"ksu\");",
            "$ru",
            "sip:fred@198.51.100.7",
        ),
        ("uri_param_rm(\"x\"); if (!uri_param_rm(\"x\"))", "$ru", "sip:alice@example.com"),
    ]);
}

#[test]
fn contacts_of_all_branches_are_looked_up() {
    let script = r#"route { if (is_method("REGISTER")) { save("location"); exit; }
        append_branch("sip:tom@to.example"); append_branch("sip:other@o");
        if (lookup_branches("location")) xlog("L_ERR", "$ru $bR\n");
        clear_branches(); $ru = "sip:tom@to.example";
        if (lookup_to_dset("location") && !lookup_to_dset("location", "sip:no@body")) xlog("L_ERR", "$ru $bR\n");
        add_sock_hdr("Sock-Info"); forward(192.0.2.20, 5060); }"#;
    let mut bench = bench(script);
    let register = REQUEST
        .replace("INVITE", "REGISTER")
        .replace("sip:alice@example.com;x=1", "sip:to.example")
        .replace("<sip:fred@198.51.100.7>;expires=60", "<sip:1@a>, <sip:2@a>;q=0.5");
    bench.send(ALICE, register);
    let sent = bench.send(ALICE, REQUEST);
    assert_eq!(
        bench.log(),
        "sip:alice@example.com;x=1 <sip:2@a>;q=0.5, sip:1@a, sip:other@o\n\
         sip:tom@to.example <sip:2@a>;q=0.5, sip:1@a\n"
    );
    assert!(String::from_utf8_lossy(&sent[0].1).contains("\r\nSock-Info: udp:192.0.2.1:5060\r\n"));
}

#[test]
fn contacts_can_be_looked_at() {
    let script = r#"route { if (is_method("REGISTER")) { setbflag(2); save("location"); exit; }
        if (!reg_fetch_contacts("location", "sip:no@body", "x") && !reg_fetch_contacts("location", "$ru", "["))
            xlog("L_ERR", "$ulc(x=>count) $ulc(x=>addr)\n");
        reg_fetch_contacts("location", "sip:tom@to.example", "c");
        xlog("L_ERR", "$ulc(c=>count) $ulc(c=>addr) $(ulc(c=>addr)[1]) $(ulc(c=>addr)[2]) $(ulc(c=>q)[0])\n");
        xlog("L_ERR", "$ulc(c=>callid) $ulc(c=>cseq) $ulc(c=>expires) $ulc(c=>cflags) $ulc(c=>socket) $ulc(c=>path)\n");
        reg_free_contacts("c"); if (!reg_free_contacts("c")) xlog("L_ERR", "$ulc(c=>count)\n"); exit; }"#;
    let mut bench = bench(script);
    let register = REQUEST
        .replace("INVITE", "REGISTER")
        .replace("sip:alice@example.com;x=1", "sip:to.example")
        .replace(
            "<sip:fred@198.51.100.7>;expires=60",
            "<sip:1@a>;expires=90, <sip:2@a>;q=0.5;expires=80",
        );
    bench.send(ALICE, register);
    bench.send(ALICE, REQUEST);
    let found = bench.log();
    assert_eq!(
        found,
        "0 <null>\n2 sip:2@a sip:1@a <null> 500\n\
         call@a 77 80 4 udp:192.0.2.1:5060 <null>\n0\n"
    );
}

#[test]
fn groups_of_a_match_are_taken_out() {
    for (arguments, expected) in [
        (r#""__ abc12d __", "([a-z]*)([0-9]+)", 1, 3, "$var(x)""#, "abc"),
        (r#""__ abc12d __", "([a-z]*)([0-9]+)", 2, 3, "$var(x)""#, "12"),
        (r#""__ abc12d __", "([a-z]*)([0-9]+)", 2, 2, "$var(x)""#, "no"),
        (r#""__ abc12d __", "([a-z]*)([0-9]+)", -1, 2, "$var(x)""#, "no"),
        (r#""__", "x", 0, 1, "$var(x)""#, "no"),
    ] {
        let body = format!(
            "if (regex_substring({arguments})) xlog(\"L_ERR\", \"$var(x)\\n\"); \
             else xlog(\"L_ERR\", \"no\\n\");"
        );
        assert_eq!(log(&body), [expected], "{arguments}");
    }
    let found =
        log(r#"if (!regex_substring("$rU", "(" + "", 0, 1, "$var(x)")) xlog("L_ERR", "no\n");"#);
    assert!(found[0].contains("this is no regular expression"), "{found:?}");
}

#[test]
fn the_direction_within_a_dialog_is_a_variable() {
    let script = "route { loose_route(); xlog(\"L_ERR\", \"$rdir(name) $rdir(id) $fti $tti $route_uri\\n\"); exit; }";
    let with_route = |ftag: &str| {
        let route = format!("Route: <sip:192.0.2.1;lr;ftag={ftag}>\r\nContent-Length");
        REQUEST
            .replace("Content-Length", &route)
            .replace("<sip:tom@to.example>", "<sip:tom@to.example>;tag=t1")
    };
    assert_eq!(log_of(script, &with_route("f1")), ["downstream 1 f1 t1 sip:192.0.2.1;lr;ftag=f1"]);
    assert_eq!(log_of(script, &with_route("t1")), ["upstream 2 t1 f1 sip:192.0.2.1;lr;ftag=t1"]);
    assert_eq!(log_of(script, REQUEST), ["downstream 1 f1 <null> <null>"]);
    let sent = forwarded("record_route(); remove_record_route(); if (!remove_record_route())");
    assert!(!sent.contains("Record-Route"), "{sent}");
}

#[test]
fn a_response_gets_another_status_of_its_class() {
    let script = r#"route { forward(192.0.2.20, 5060); }
        onreply_route { if (status == 486) change_reply_status(480, "Not now");
        if (status == 404) change_reply_status_code(410);
        if (status == 603 && !change_reply_status(200, "OK")) xlog("L_ERR", "no\n");
        if (status == 180) change_reply_status(183, "a\r\nX: y"); }"#;
    for (status, expected) in [
        ("486 Busy Here", "480 Not now"),
        ("404 Not Found", "410 Not Found"),
        ("603 Decline", "603 Decline"),
        ("180 Ringing", "180 Ringing"),
        ("486 ", "480 Not now"),
    ] {
        let mut bench = bench(script);
        let request = String::from_utf8_lossy(&bench.send(ALICE, REQUEST)[0].1).into_owned();
        let response = request
            .replace("INVITE sip:alice@example.com;x=1 SIP/2.0", &format!("SIP/2.0 {status}"));
        let sent = bench.send("192.0.2.20:5060", response);
        let text = String::from_utf8_lossy(&sent[0].1).into_owned();
        assert_eq!(text.lines().next(), Some(format!("SIP/2.0 {expected}").as_str()), "{status}");
    }
}

#[test]
fn lines_of_the_log_can_have_their_place() {
    let found = log("xlogl(\"here\\n\"); xlogl(\"L_ERR\", \"and \" + $rU);");
    assert!(found[0].starts_with("test.cfg:") && found[0].ends_with(": here"), "{found:?}");
    assert!(found[1].ends_with(": and alice"), "{found:?}");
}

#[test]
fn contacts_are_asked_for_parameters() {
    let asks = "if (contact_param_check(\"ob\")) xlog(\"L_ERR\", \"yes\\n\"); else xlog(\"L_ERR\", \"no\\n\");";
    let script = format!("route {{ {asks} exit; }}");
    let old = "Contact: <sip:fred@198.51.100.7>;expires=60";
    for (contact, expected) in [
        ("<sip:fred@198.51.100.7;ob>", "yes"),
        ("<sip:fred@198.51.100.7;OB=1;x>", "yes"),
        ("<sip:fred@198.51.100.7>;ob", "no"),
        ("<sip:fred@198.51.100.7>, <sip:b@c;ob>", "no"),
        ("*", "no"),
    ] {
        let request = REQUEST.replace(old, &format!("Contact: {contact}"));
        assert_eq!(log_of(&script, &request), [expected], "{contact}");
    }
    assert_eq!(log_of(&script, &REQUEST.replace(&format!("{old}\r\n"), "")), ["no"]);
}

#[test]
fn hops_left_are_compared_within_the_limit() {
    let script = "modparam(\"maxfwd\", \"max_limit\", 16)
        route { if (is_maxfwd_lt(\"17\")) xlog(\"L_ERR\", \"before\\n\");
                mf_process_maxfwd_header(\"10\");
                if (is_maxfwd_lt(\"17\") && !is_maxfwd_lt(\"16\")) xlog(\"L_ERR\", \"after\\n\");
                msg_apply_changes();
                if (is_maxfwd_lt(\"17\") && !is_maxfwd_lt(\"16\")) xlog(\"L_ERR\", \"applied\\n\"); exit; }";
    assert_eq!(log_of(script, REQUEST), ["after", "applied"]);
}

#[test]
fn a_mode_changes_nothing_of_a_reply() {
    let mut bench = bench("route { send_reply_mode(\"404\", \"Not $rU\", \"1\"); }");
    let sent = bench.send(ALICE, REQUEST);
    assert!(sent[0].1.starts_with(b"SIP/2.0 404 Not alice\r\n"));
}
