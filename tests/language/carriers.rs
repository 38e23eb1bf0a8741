//! What operators tell each other: who calls, who pays, who has checked it.

use super::functions::{forwarded, lines_of};
use super::{ALICE, REQUEST, bench, log_of, shows};

#[test]
fn a_caller_is_told_from_an_attribute() {
    let rpid = |body: &str| lines_of("Remote-Party-ID", body);
    assert_eq!(
        rpid("$avp(rpid) = \"sip:+1@h\"; append_rpid_hf();"),
        ["sip:+1@h;party=calling;id-type=subscriber;screen=yes"]
    );
    assert_eq!(
        rpid("$avp(rpid) = \"sip:+1@h\"; append_rpid_hf(\"<\", \">;x\");"),
        ["<sip:+1@h>;x"]
    );
    let none: [&str; 0] = [];
    assert_eq!(rpid("append_rpid_hf();"), none);
    assert_eq!(rpid("$avp(rpid) = \"a\r\nB: c\r\n\r\n\"; append_rpid_hf();"), none);
    let script = "modparam(\"siputils\", \"rpid_avp\", \"$avp(s:who)\")\n\
                  modparam(\"siputils\", \"rpid_prefix\", \"<\")\nmodparam(\"siputils\", \"rpid_suffix\", \">\")\n\
                  route { $avp(who) = \"sip:1@h\"; append_rpid_hf(); forward(192.0.2.20, 5060); }";
    let sent = bench(script).send(ALICE, REQUEST);
    assert!(String::from_utf8_lossy(&sent[0].1).contains("\r\nRemote-Party-ID: <sip:1@h>\r\n"));
}

#[test]
fn a_caller_can_have_a_telephone_number() {
    for (party, is_number) in [
        ("sip:+1234@h", true),
        ("\\\"A\\\" <sip:+1234@h>;x=1", true),
        ("sip:1234@h", false),
        ("x", false),
        ("", false),
    ] {
        let code = if is_number { "1" } else { "-1" };
        shows(&[(&format!("$avp(rpid) = \"{party}\"; is_rpid_user_e164();"), "$rc", code)]);
    }
}

#[test]
fn who_pays_is_said_once_for_a_call() {
    let vector = |body: &str| lines_of("P-Charging-Vector", body);
    let made = vector("sip_p_charging_vector(\"g\");");
    assert!(
        made[0].starts_with("icid-value=") && made[0].ends_with("; icid-generated-at=192.0.2.1")
    );
    assert_eq!(made[0].len(), "icid-value=; icid-generated-at=192.0.2.1".len() + 32);
    assert_eq!(vector("sip_p_charging_vector(\"g\"); sip_p_charging_vector(\"g\");"), made);
    assert_eq!(vector("sip_p_charging_vector(\"f\");"), made, "a retransmission gets the same");
    let present = |flags: &str| {
        let request = REQUEST.replace(
            "Contact:",
            "P-Charging-Vector: icid-value=1;orig-ioi=a.b; term-ioi=c\r\nContact:",
        );
        let script = format!(
            "route {{ {flags} xlog(\"L_ERR\", \"$pcv(value) $pcv(orig) $pcv(term) $pcv(genaddr)\"); \
             forward(192.0.2.20, 5060); }}"
        );
        let mut bench = bench(&script);
        let sent = bench.send(ALICE, request);
        let text = String::from_utf8_lossy(&sent[0].1).into_owned();
        (bench.log(), text.matches("\r\nP-Charging-Vector: ").count())
    };
    assert_eq!(present(""), ("1 a.b c <null>".to_owned(), 1));
    assert_eq!(present("sip_p_charging_vector(\"g\");"), ("1 a.b c <null>".to_owned(), 1));
    assert_eq!(
        present("sip_p_charging_vector(\"r\");"),
        ("<null> <null> <null> <null>".to_owned(), 0)
    );
    let (told, count) = present("sip_p_charging_vector(\"f\");");
    assert!(told.ends_with(" <null> <null> 192.0.2.1") && count == 1, "{told}");
    let found = log_of(
        "route { if (!sip_p_charging_vector(\"x\")) xlog(\"L_ERR\", \"no $pcv(all)\"); exit; }",
        REQUEST,
    );
    assert_eq!(found.last().map(String::as_str), Some("no <null>"));
}

/// [`forwarded`] with credentials, and their line.
fn credentials(body: &str) -> String {
    let header = "append_hf(\"Auth: Digest realm=\\\"re,alm\\\", nonce=\\\"n\\\", uri=\\\"sip:u\\\"\\r\\n\"); msg_apply_changes();";
    let sent = forwarded(&format!("{header} {body}"));
    let line = sent.lines().find_map(|line| line.strip_prefix("Auth: "));
    line.unwrap_or_default().to_owned()
}

#[test]
fn parameters_of_credentials_are_set_and_removed() {
    for (body, expected) in [
        (
            "assign_hf_value2(\"Auth.realm\", \"zz\");",
            "Digest realm=zz, nonce=\"n\", uri=\"sip:u\"",
        ),
        (
            "assign_hf_value2(\"Auth[1].NONCE\", \"\\\"a b\\\"\");",
            "Digest realm=\"re,alm\", NONCE=\"a b\", uri=\"sip:u\"",
        ),
        (
            "assign_hf_value2(\"Auth.newp\", \"zz\");",
            "Digest realm=\"re,alm\", nonce=\"n\", uri=\"sip:u\",newp=zz",
        ),
        (
            "assign_hf_value2(\"Auth[2].realm\", \"zz\");",
            "Digest realm=\"re,alm\", nonce=\"n\", uri=\"sip:u\"",
        ),
        (
            "assign_hf_value2(\"Auth.realm\", \"a\r\nB: c\");",
            "Digest realm=\"re,alm\", nonce=\"n\", uri=\"sip:u\"",
        ),
        ("remove_hf_value2(\"Auth.nonce\");", "Digest realm=\"re,alm\", uri=\"sip:u\""),
        ("remove_hf_value2(\"Auth.realm\");", "Digest nonce=\"n\", uri=\"sip:u\""),
        ("remove_hf_value2(\"Auth[*].uri\");", "Digest realm=\"re,alm\", nonce=\"n\""),
        ("remove_hf_value2(\"Auth.none\");", "Digest realm=\"re,alm\", nonce=\"n\", uri=\"sip:u\""),
    ] {
        assert_eq!(credentials(body), expected, "{body}");
    }
    for (call, code) in [
        ("assign_hf_value2(\"X-None.a\", \"1\")", "-1"),
        ("remove_hf_value2(\"X-None.a\")", "-1"),
        ("remove_hf_value2(\"Contact.\")", "-1"),
        ("assign_hf_value2(\"X-List[1]\", \"zz\")", "1"),
        ("remove_hf_value2(\"X-List[1]\")", "1"),
    ] {
        shows(&[(&format!("{call};"), "$rc", code)]);
    }
}
