//! Branches: U11, U12, U15, F08, G06 as scripts of Kamailio have them.

use super::{ALICE, REQUEST, bench, errors, log, shows};

/// Two branches, the second one with a preference.
const TWO: &str = r#"append_branch("sip:b@b.example"); append_branch("sip:c@c.example", "0.3");"#;

/// U11, U12: the destination set is what scripts see.
#[test]
fn branches_are_read_by_their_parts() {
    shows(&[
        (
            TWO,
            "$br $(br[1]) $(br[-1]) $(br[2])",
            "sip:b@b.example sip:c@c.example sip:c@c.example <null>",
        ),
        (TWO, "$bR", "sip:b@b.example, <sip:c@c.example>;q=0.3"),
        (
            TWO,
            "$ds",
            "Contact: <sip:alice@example.com;x=1>, <sip:b@b.example>, <sip:c@c.example>;q=0.3",
        ),
        (
            TWO,
            "$branch(count) $branch(uri) $(branch(q)[1]) $(branch(q)[0])",
            "2 sip:b@b.example 300 <null>",
        ),
        (
            &format!(
                "{TWO} $var(l) = \"\"; $var(i) = 0; while ($var(i) < $branch(count)) {{ \
                 $var(l) = $var(l) + $(branch(uri)[$var(i)]) + \" \"; $var(i) = $var(i) + 1; }}"
            ),
            "$var(l)",
            "sip:b@b.example sip:c@c.example ",
        ),
        ("", "$branch(count) $branch(uri) $br $bR", "0 <null> <null> <null>"),
        (TWO, "$(branch(uri)[-3]) $(branch(uri)[2147483647])", "<null> <null>"),
    ]);
}

/// U12: `append_branch(uri)`.
#[test]
fn an_appended_uri_takes_the_way_of_the_request_along() {
    shows(&[(
        "$du = \"sip:192.0.2.9:99\"; setbflag(3); append_branch(\"sip:b@b.example\");",
        "$(branch(dst_uri)[0]) $(branch(flags)[0]) $du $bf",
        "sip:192.0.2.9:99 8 sip:192.0.2.9:99 8",
    )]);
}

#[test]
fn the_request_uri_leaves_its_way_to_the_branch_that_it_becomes() {
    shows(&[(
        "$ru_q = 500; $du = \"sip:192.0.2.9:99\"; setbflag(3); \
         force_send_socket(192.0.2.1:5060); append_branch();",
        "$(branch(uri)[0]) $(branch(dst_uri)[0]) $(branch(flags)[0]) $(branch(q)[0]) \
         $(branch(send_socket)[0]) $du $bf",
        "sip:alice@example.com;x=1 sip:192.0.2.9:99 8 500 udp:192.0.2.1:5060 <null> 0",
    )]);
}

/// U11: it can be changed.
#[test]
fn branches_are_changed_and_removed() {
    shows(&[
        (
            &format!("{TWO} $(branch(uri)[1]) = \"sip:d@d\"; $(branch(q)[0]) = 1000;"),
            "$bR",
            "<sip:b@b.example>;q=1.0, <sip:d@d>;q=0.3",
        ),
        (&format!("{TWO} $(branch(uri)[0]) = $null;"), "$bR", "<sip:c@c.example>;q=0.3"),
        (&format!("{TWO} remove_branch(-1);"), "$bR", "sip:b@b.example"),
        (
            &format!("{TWO} if (!remove_branch(2)) $br = \"sip:e@e\";"),
            "$branch(count) $(br[-1])",
            "3 sip:e@e",
        ),
        (&format!("{TWO} clear_branches();"), "$branch(count)", "0"),
        (
            &format!("{TWO} $branch(dst_uri) = \"sip:192.0.2.9\"; $branch(path) = \"<sip:p;lr>\";"),
            "$branch(dst_uri) $branch(path)",
            "sip:192.0.2.9 <sip:p;lr>",
        ),
        (
            &format!(
                "{TWO} setbflag(4, 1); setbflag(5, 2); resetbflag(5, 2); \
                      if (isbflagset(4, 1) && !isbflagset(4) && !isbflagset(5, 2) \
                      && !setbflag(1, 3))"
            ),
            "$branch(flags)",
            "16",
        ),
    ]);
}

#[test]
fn a_branch_is_prepared_apart_from_the_set() {
    shows(&[
        (
            "$sbranch(uri) = \"sip:s@s\"; $sbranch(q) = 100; $sbranch(dst_uri) = \"sip:192.0.2.8\"; \
             sbranch_append(); $sbranch(uri) = \"sip:t@t\"; $sbranch(flags) = 2; sbranch_set_ruri();",
            "$bR $ru $du $bf $ru_q",
            "<sip:s@s>;q=0.1 sip:t@t sip:192.0.2.8 2 100",
        ),
        (
            "$sbranch(uri) = \"sip:s@s\"; sbranch_reset(); \
             if (!sbranch_append() && !sbranch_set_ruri())",
            "$sbranch(uri) $ru",
            "<null> sip:alice@example.com;x=1",
        ),
    ]);
}

#[test]
fn what_is_no_branch_is_refused_with_its_place() {
    for (statement, expected) in [
        ("append_branch(\"foo bar\");", "test.cfg:LINE: append_branch: this is no URI"),
        ("append_branch(\"sip:a@b\\r\\nX: y\");", "test.cfg:LINE: append_branch: this is no URI"),
        (
            "append_branch(\"sip:a@b\", \"7\");",
            "test.cfg:LINE: append_branch: q must be a number from 0 to 1",
        ),
        ("$br = \"nonsense\";", "test.cfg:LINE: this value cannot be assigned here"),
        ("$ru_q = 1001;", "test.cfg:LINE: this value cannot be assigned here"),
        ("$(branch(uri)[0]) = \"sip:a@b\";", "test.cfg:LINE: this value cannot be assigned here"),
        (
            "append_branch(); $branch(path) = \"a\\r\\nb\";",
            "test.cfg:LINE: this value cannot be assigned here",
        ),
        (
            "append_branch(); $branch(send_socket) = \"udp:203.0.113.1:1\";",
            "test.cfg:LINE: this value cannot be assigned here",
        ),
    ] {
        let found = log(statement);
        let line = found[0].split(':').nth(1).unwrap();
        assert_eq!(found, [expected.replace("LINE", line)], "{statement}");
    }
    assert_eq!(errors("$var(x) = $branch(colour);"), ["`$branch` has no `colour`"]);
}

/// U11, G06: it has a limit.
#[test]
fn a_full_set_says_what_to_raise() {
    let fill = "$var(i) = 0; while ($var(i) < 20) { \
                append_branch(\"sip:$var(i)@b\"); $var(i) = $var(i) + 1; }";
    let found = log(fill);
    assert_eq!(found.len(), 8, "twelve are taken");
    assert!(
        found[0].ends_with("the destination set is full: there are 12 branches (max_branches)")
    );
}

/// U15, F08: a redirect prints it.
#[test]
fn a_redirect_lists_each_uri_once_with_its_preference() {
    let script = format!(
        "route {{ $ru = \"sip:one@a\"; append_branch(); {TWO} append_branch(\"sip:one@a\", \"0.1\"); \
         $ru_q = 250; sl_reply(\"300\", \"Choose\"); }}"
    );
    let sent = bench(&script).send(ALICE, REQUEST);
    let text = String::from_utf8_lossy(&sent[0].1).into_owned();
    let contacts: Vec<&str> = text.lines().filter(|line| line.starts_with("Contact")).collect();
    assert_eq!(
        contacts,
        [
            "Contact: <sip:one@a>;q=0.25",
            "Contact: <sip:b@b.example>",
            "Contact: <sip:c@c.example>;q=0.3"
        ]
    );
}

/// U11, U13: `lookup` keeps to the limit.
#[test]
fn contacts_beyond_max_branches_are_left_out_and_told() {
    let script = "max_branches=1\nroute { if (is_method(\"REGISTER\")) { save(\"location\"); exit; } \
                  lookup(\"location\"); xlog(\"L_ERR\", \"$branch(count)\\n\"); exit; }";
    let mut bench = bench(script);
    let contacts = "Contact: <sip:1@a>;q=0.9, <sip:2@a>;q=0.8, <sip:3@a>;q=0.7\r\n";
    let register = REQUEST
        .replace("INVITE", "REGISTER")
        .replace("sip:alice@example.com;x=1", "sip:to.example")
        .replace("Contact: <sip:fred@198.51.100.7>;expires=60\r\n", contacts);
    bench.send(ALICE, register);
    bench.send(ALICE, REQUEST.replace("sip:alice@example.com;x=1", "sip:tom@to.example"));
    let log = bench.log();
    assert!(log.contains("more contacts than max_branches (1) allows"), "{log}");
    assert!(log.ends_with("\n1\n"), "{log}");
}
