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
fn contacts_without_an_expiry_of_their_own_have_that_of_the_header() {
    let register = |contacts: &str, header: &str| {
        let request = format!(
            "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\
             {contacts}{header}Content-Length: 0\r\n\r\n"
        );
        let script = "route { xlog(\"L_ERR\", \"$expires(min) $expires(max)\\n\"); exit; }";
        log_of(script, &request).join("\n")
    };
    let both = "Contact: <sip:a@c>;expires=9, <sip:a@d>\r\n";
    assert_eq!(register(both, "Expires: 7\r\n"), "7 9");
    assert_eq!(register(both, "Expires: 120\r\n"), "9 120");
    assert_eq!(register(both, ""), "9 9");
    assert_eq!(register("Contact: *\r\n", "Expires: 0\r\n"), "0 0");
    assert_eq!(register("", "Expires: 5\r\n"), "5 5");
    assert_eq!(register("", ""), "<null> <null>");
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
        ("$var(t) = 1000000000;", "$(var(t){s.ftime,%H:%M %Z})", "03:46 CEST"),
        ("$var(t) = 1010000000;", "$(var(t){s.ftime,%H:%M %Z})", "19:33 UTC"),
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

#[test]
fn vias_are_read_in_parts() {
    let via = "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n\
               Via: SIP/2.0/TCP h.example:5099;branch=b2;rport=77;received=192.0.2.4, \
               SIP/2.0/TLS [2001:db8::1];branch=b3;rport;i=\r\n";
    let first = "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n";
    let script = "route { xlog(\"L_ERR\", \"$via0(host) $via0(port) $via0(branch) $via0(rport) \
                  $via1(host) $via1(port) $via1(proto) $via1(protoid) $via1(rport) \
                  $via1(received) $viaZ(host) $viaZ(rport) $viaZ(i)\\n\"); exit; }";
    assert_eq!(
        log_of(script, &REQUEST.replace(first, via)),
        ["198.51.100.7 5060 z9hG4bK1 <null> h.example 5099 TCP 2 77 192.0.2.4 [2001:db8::1] \
          <null> <null>"]
    );
    shows(&[("", "$via1(host) $viaZ(host)", "<null> 198.51.100.7")]);
    assert_eq!(errors("$var(x) = $via0(nope);"), ["`$via0` has no `nope`"]);
    let broken = REQUEST.replace(first, &format!("{first}Via: nonsense\r\n"));
    let seen = log_of("route { xlog(\"L_ERR\", \"$via1(host)\\n\"); }", &broken);
    assert_eq!(seen, ["<null>"], "only the topmost has to be readable");
}

#[test]
fn listen_addresses_have_names() {
    let run = |body: &str| {
        let script = format!(
            "listen=udp:192.0.2.1:5060 name \"outside\"\nserver_id=7\nroute {{ {body} exit; }}"
        );
        log_of(&script, REQUEST)
    };
    let line = "xlog(\"L_ERR\", \"$Rn $fs $fsn $fsp $sid $Ras\\n\");";
    assert_eq!(run(line), ["outside <null> <null> 0 7 udp:192.0.2.1:5060"]);
    let chosen = "outside udp:192.0.2.1:5060 outside 5060 7 udp:192.0.2.1:5060";
    assert_eq!(run(&format!("$fsn = \"outside\"; {line}")), [chosen]);
    let left = "outside <null> <null> 0 7 udp:192.0.2.1:5060";
    assert_eq!(run(&format!("$fsn = \"outside\"; $fsn = $null; {line}")), [left]);
    assert!(run("$fsn = \"inside\";")[0].ends_with("cannot be assigned here"));
    shows(&[("", "$Rn $sid", "<null> 0")]);
}

#[test]
fn what_stands_for_numbers_and_flags_is_read() {
    shows(&[
        ("", "$K(IPv4) $K(IPv6) $K(UDP) $K(WSS)", "2 10 1 6"),
        ("", "$mts $rsi $true", "rq 0 1"),
        ("", "$ruri $ouri $from $to $src_ip $duri", {
            "sip:alice@example.com;x=1 sip:alice@example.com;x=1 \
             sip:fred:pw@from.example:5070 sip:tom@to.example 198.51.100.7 <null>"
        }),
        ("setflag(3); $Mf(4) = 1; $Mf(3) = 0;", "$Mf(3) $Mf(4) $mf", "0 1 16"),
        ("$Sf(0) = 1; setbflag(31);", "$sf $Sf(0) $Bf(31) $Bf(30)", "1 1 1 0"),
        ("", "$Mf(32) $Mf(x)", "<null> <null>"),
        (
            "",
            "$sndfrom(ip) $sndfrom(port) $sndto(ip) $sndto(port)",
            "192.0.2.1 5060 example.com 5060",
        ),
    ]);
    assert!(log("$Mf(32) = 1;")[0].ends_with("cannot be assigned here"));
    assert_eq!(errors("$var(x) = $K(DCCP);"), ["`$K` has no `DCCP`"]);
    let start = log("xlog(\"L_ERR\", \"$Tb\\n\");");
    assert!(start[0].parse::<u64>().is_ok_and(|start| start > 1_700_000_000), "{start:?}");
}

#[test]
fn variables_start_without_a_value_or_with_zero() {
    shows(&[
        ("", "$vn(a) $vz(a) $var(a)", "<null> 0 0"),
        ("$vn(a) = 5; $vz(a) = \"x\";", "$vn(a) $vz(a) $var(a) $vn(b)", "5 x x <null>"),
        ("$vn(a) = 5; $vn(a) = \"y\";", "$vn(a)", "y"),
        ("$vn(a) = 5; $vn(a) = $null; $var(a) = 7; $vz(a) = $null;", "$vn(a) $var(a)", "<null> 0"),
        ("$var(i) = 2; $vn(x$var(i)) = 3;", "$vn(x2) $vn(x$var(i))", "3 3"),
    ]);
    let endless = "while (1) { $vn(a$var(i)) = $var(i); $var(i) = $var(i) + 1; }";
    assert!(!log(endless).is_empty(), "the run is cut off");
}

#[test]
fn more_of_the_credentials_is_read() {
    let digest = "Authorization: Digest nonce=\"n,1\", cnonce=c, response=\"r\", opaque=\"\"\r\n\
                  Content-Length";
    let script = "route { xlog(\"L_ERR\", \"$adn|$adc|$adr|$ado\\n\"); exit; }";
    assert_eq!(log_of(script, &REQUEST.replace("Content-Length", digest)), ["n,1|c|r|"]);
    assert_eq!(log_of(script, REQUEST), ["<null>|<null>|<null>|<null>"]);
    let without = digest.replace("cnonce=c, ", "");
    assert_eq!(log_of(script, &REQUEST.replace("Content-Length", &without)), ["n,1||r|"]);
    let basic = "Authorization: Basic nonce=n\r\nContent-Length";
    let seen = log_of(script, &REQUEST.replace("Content-Length", basic));
    assert_eq!(seen, ["<null>|<null>|<null>|<null>"]);
}

#[test]
fn tags_and_numbers_of_the_server_are_its_own() {
    let mut bench = bench(
        "route { append_to_reply(\"X-Tag: $ltt(s) $ltt(t) $sruid\\r\\n\"); sl_send_reply(\"200\"); }",
    );
    let sent = bench.send(ALICE, REQUEST);
    let reply = String::from_utf8_lossy(&sent[0].1).into_owned();
    let (_, tag) = reply.split_once("To: <sip:tom@to.example>;tag=").unwrap();
    let (tag, _) = tag.split_once("\r\n").unwrap();
    assert!(reply.contains(&format!("X-Tag: {tag} <null> srid-")), "{reply}");
    let ids = log("xlog(\"L_ERR\", \"$sruid\\n\"); xlog(\"L_ERR\", \"$sruid\\n\");");
    assert_ne!(ids[0], ids[1]);
    let request = REQUEST.replace("to.example>", "to.example>;tag=t9");
    assert_eq!(log_of("route { xlog(\"L_ERR\", \"$ltt(x)\\n\"); }", &request), ["t9"]);
}
