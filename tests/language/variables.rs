//! Pseudo-variables, most of which only Kamailio has.

use super::{ALICE, REQUEST, bench, errors, log, log_of, shows};

#[test]
fn the_message_is_read_in_parts() {
    shows(&[
        (
            "",
            "$cs $rmid $bs $msg(body_len) $msg(fline)",
            "77 1 0 0 INVITE sip:alice@example.com;x=1 SIP/2.0",
        ),
        ("", "$hflc(X-List) $hdrc(X-List) $(hfl(X-List)[1])", "3 2 two"),
        ("", "$expires(min) $expires(max) $ctu", "60 60 sip:fred@198.51.100.7"),
        ("", "$rUl $fUl $tUl $oUl", "5 4 3 5"),
        ("", "$rt $dip $dir $dic $conid", "<null> <null> <null> <null> <null>"),
        ("$var(n) = \"list\";", "$_s(sip:$rU@$fd)", "sip:alice@from.example"),
        ("", "$version(num)", env!("CARGO_PKG_VERSION")),
    ]);
    assert_eq!(errors("$var(x) = $expires(mid);"), ["`$expires` has no `mid`"]);
    let attribute = "attributes of SER 2 such as `$t.uid` are not supported yet";
    assert_eq!(errors("$var(x) = $t.uid;"), [attribute]);
}

#[test]
fn addresses_are_shown_as_uris_and_sockets() {
    shows(&[
        (
            "",
            "$Ru $Rut $RAu $RAut",
            "sip:192.0.2.1:5060 sip:192.0.2.1:5060;transport=udp \
          sip:192.0.2.1:5060 sip:192.0.2.1:5060;transport=udp",
        ),
        ("", "$siz $prid $fs", "198.51.100.7 1 <null>"),
        ("$fs = \"udp:192.0.2.1:5060\";", "$fs", "udp:192.0.2.1:5060"),
        ("$fs = \"192.0.2.1\"; $fs = $null;", "$fs", "<null>"),
        (
            "",
            "$nh(u) $nh(d) $nh(p) $nh(U) $nhu",
            "sip:alice@example.com;x=1 example.com 5060 alice sip:alice@example.com;x=1",
        ),
        ("$du = \"sip:192.0.2.7:99\";", "$nh(d) $nh(p) $nh(P) $nh(U)", "192.0.2.7 99 UDP <null>"),
    ]);
    assert!(log("$fs = \"udp:203.0.113.1:1\";")[0].ends_with("cannot be assigned here"));
}

#[test]
fn time_has_parts_and_formats() {
    shows(&[
        (
            "",
            "$time(year)-$time(mon)-$time(mday) $time(hour):$time(min):$time(sec)",
            "2027-1-15 8:0:0",
        ),
        ("", "$time(wday) $time(yday) $time(isdst)", "6 15 0"),
        ("", "$timef(%Y-%m-%d %H:%M:%S) $utimef(%j)", "2027-01-15 08:00:00 015"),
        ("", "$Ts $Tf", "1800000000 Fri Jan 15 08:00:00 2027"),
        ("", "$(Ts{s.ftime,%d.%m.%Y})", "15.01.2027"),
    ]);
}

#[test]
fn credentials_are_read() {
    let digest = "Authorization: Digest username=\"bob@biloxi.example\", realm=\"a, b\", \
                  uri=\"sip:x@y\", algorithm=MD5\r\nContent-Length";
    let text = "route { xlog(\"L_ERR\", \"$aU|$au|$ad|$ar|$adu|$aa|$Au|$AU\\n\"); exit; }";
    let request = REQUEST.replace("Content-Length", digest);
    let read = "bob@biloxi.example|bob|biloxi.example|a, b|sip:x@y|MD5|fred@from.example|fred";
    assert_eq!(log_of(text, &request), [read]);
    let none = "<null>|<null>|<null>|<null>|<null>|<null>|fred@from.example|fred";
    assert_eq!(log_of(text, REQUEST), [none]);
    for broken in
        ["Basic abc", "Digest", "Digest username=\"", "Digest =,=\"\",", "Digest username"]
    {
        let request = REQUEST
            .replace("Content-Length", &format!("Authorization: {broken}\r\nContent-Length"));
        assert!(!log_of(text, &request).is_empty(), "{broken}");
    }
}

#[test]
fn from_and_to_are_changed_on_the_way_out() {
    for (body, line) in [
        ("$fu = \"sip:anon@anon.invalid\";", "From: \"Fred F\" <sip:anon@anon.invalid>;tag=f1"),
        ("$fU = \"joe\";", "From: \"Fred F\" <sip:joe:pw@from.example:5070>;tag=f1"),
        ("$fd = \"h.example\";", "From: \"Fred F\" <sip:fred:pw@h.example:5070>;tag=f1"),
        ("$fu = \"sip:one@a\"; $fu = \"sip:two@a\";", "From: \"Fred F\" <sip:two@a>;tag=f1"),
        ("$tU = $null;", "To: <sip:to.example>"),
        ("$tu = \"nonsense\";", "To: <sip:tom@to.example>"),
        ("$tu = \"sip:a@b>\\r\\nX: y\";", "To: <sip:tom@to.example>"),
    ] {
        let script = format!("route {{ {body} forward(192.0.2.20, 5060); }}");
        let sent = bench(&script).send(ALICE, REQUEST);
        let text = String::from_utf8_lossy(&sent[0].1).into_owned();
        assert!(text.split("\r\n").any(|it| it == line), "{body}: {line} is in\n{text}");
    }
    let bare = REQUEST.replace("To: <sip:tom@to.example>", "To: sip:tom@to.example;tag=t");
    let script = "route { $tu = \"sip:a@b;x=1\"; forward(192.0.2.20, 5060); }";
    let sent = bench(script).send(ALICE, bare);
    assert!(String::from_utf8_lossy(&sent[0].1).contains("\r\nTo: <sip:a@b;x=1>;tag=t\r\n"));
}
