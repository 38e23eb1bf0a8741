//! The routing language beside Kamailio: one script runs in both servers over the same request,
//! and what it says of variables, transformations, conditions, calculations and functions has to
//! be the same. Where Kamailio is not installed, there is nothing to compare with.

#![expect(clippy::expect_used, reason = "what fails here fails the test")]

#[expect(dead_code, unused_imports, reason = "each test program uses a part of the harness")]
#[cfg(test)]
mod support;

use std::fmt::Write as _;
use std::net::UdpSocket;

use support::{Message, PATIENCE, Server, free_address, kamailio_is_installed};

/// The modules that the scripts use, and the answer to those who ask whether the server is there.
const START: &str = r#"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "corex.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "textopsx.so"
loadmodule "siputils.so"
loadmodule "cfgutils.so"
loadmodule "kex.so"
loadmodule "xlog.so"
modparam("cfgutils", "lock_set_size", 4)
modparam("pv", "shvset", "count=i:7")
modparam("pv", "shvset", "text=s:a b")
#!define LIMIT 42
pstn.gw_ip = "192.0.2.7" desc "the gateway"
route {
    if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    $var(s) = "abcdefcgh"; $var(n) = 42; $var(e) = ""; $var(zero) = 0; $var(neg) = -5;
    $var(l) = "a=1;b=\"two\";c"; $var(t) = "42";
    $var(u) = "sip:al:pw@h.com:5061;transport=tcp;lr;m=2?h=1";
    $var(a) = "\"N M\" <sip:n@m;x=1>;q=1;tag=t9"; $var(w) = "  a b\t";
    $avp(x) = 1; $avp(x) = "two"; $avp(x) = 3;
    $xavp(p=>q) = "1"; $xavp(p=>q) = 2; $xavp(p[0]=>r) = "z";
"#;

/// The header fields of the request that tell something.
const HEADERS: &str = "From: \"Fred F\" <sip:fred:pw@from.example:5070;y=2>;tag=f1\r\n\
    To: <sip:tom@to.example>\r\n\
    Call-ID: call@a\r\n\
    CSeq: 7 INVITE\r\n\
    Max-Forwards: 70\r\n\
    Contact: <sip:fred@192.0.2.9:5098>;q=0.5;expires=120, <sip:b@c>;expires=60\r\n\
    X-A: one, two\r\n\
    X-A: three\r\n\
    User-Agent: UA/1\r\n\
    Subject: hi there\r\n\
    Route: <sip:10.0.0.9;lr>, <sip:10.0.0.8;lr>\r\n\
    Diversion: <sip:d@e>;reason=busy;counter=2\r\n\
    Refer-To: <sip:r@f>\r\n\
    P-Asserted-Identity: \"A\" <sip:pai@x>\r\n\
    Remote-Party-ID: <sip:rpid@z>\r\n\
    Authorization: Digest username=\"bob@dom\", realm=\"re,alm\", nonce=\"n\", uri=\"sip:u\", \
    response=\"00000000000000000000000000000000\", algorithm=MD5\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 10\r\n\r\nv=0\r\ns=-\r\n";

/// What a server answers to the request when it runs the script; its header fields `X-number`.
/// `case` is a header field of the request.
fn answers(server: &Server, case: usize, count: usize) -> Vec<String> {
    let socket = UdpSocket::bind((server.address().ip(), 0)).expect("a free port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!(
        "INVITE sip:alice:pw@example.com:5071;transport=udp;x=1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1;rport\r\nCase: {case}\r\n{HEADERS}"
    );
    socket.send_to(request.as_bytes(), server.address()).expect("a datagram sent");
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer).expect("an answer");
    let answer = Message::parse(&buffer[..length], server.address());
    (0..count).map(|number| answer.value(&format!("X-{number}")).to_owned()).collect()
}

/// Runs both servers with statements that answer; `cases` name what each answer is about.
fn compare(cases: &[&str], statement: impl Fn(usize, &str) -> String) {
    if !kamailio_is_installed() {
        return;
    }
    let mut script = START.to_owned();
    for (number, case) in cases.iter().enumerate() {
        writeln!(script, "{}", statement(number, case)).expect("a line");
    }
    script += "sl_send_reply(\"200\", \"OK\");\n}\n";
    let kamailio = answers(&Server::start_kamailio(free_address(), &script), 0, cases.len());
    let viaduct = answers(&Server::start(&script), 0, cases.len());
    for ((case, theirs), ours) in cases.iter().zip(kamailio).zip(viaduct) {
        assert!(!theirs.is_empty(), "{case}: Kamailio says nothing");
        assert_eq!(ours, theirs, "{case}");
    }
}

/// The statement that answers with a text.
fn answer(number: usize, text: &str) -> String {
    format!("append_to_reply(\"X-{number}: [{text}]\\r\\n\");")
}

#[test]
fn variables_have_the_same_values() {
    compare(
        &[
            "$ru $rU $rd $rp $rP $rz $ou $oU $od $op $oP",
            "$fu $fU $fd $fn $ft $tu $tU $td $tn $tt",
            "$ci $cs $csb $cl $cT $ua $rm $rv $mt",
            "$proto $prid $ai $re $di $rt $dir $dic",
            "$aU $au $ad $ar $adu $aa $Au $AU",
            "$hdr(X-A) $(hdr(X-A)[1]) $(hdr(X-A)[-1]) $(hdr(X-A)[2])",
            "$(hfl(Via)[0]{s.select,0, }) $hflc(Via) $hdrc(X-A) $hflc(Route)",
            "$expires(min) $expires(max) $bs $rmid $fUl $rUl $oUl $tUl",
            "$mf $mF $bf $bF $sf $sF",
            "$avp(x) $(avp(x)[1]) $(avp(x)[2]) $(avp(x)[3]) $cnt($avp(x))",
            "$xavp(p=>q) $xavp(p[1]=>q) $xavp(p=>r) $xavp(p[1]=>r) $xavp(o=>q) $cnt($xavp(p))",
            "$du $dd $dp $dP $br $bR $fs",
            "$nh(u) $nh(U) $nh(d) $nh(p) $nh(P)",
            "$_s(a $rU b) $var(nope) $avp(nope) $null",
            "$sel(ruri.user) $sel(from.uri.host) $sel(to.uri) $sel(cseq.method)",
            "$sel(cfg_get.pstn.gw_ip) $def(LIMIT) $defn(LIMIT)",
            "$route_uri $rdir(name) $rdir(id) $fti",
            "$shv(count) $shv(text) $shv(none)",
            "$from $to $ruri $ouri $duri $true $mts $rsi $sid $fsp $fsn $Rn",
            "$via0(host) $via0(port) $via0(branch) $via0(proto) $via0(protoid) $via0(received)",
            "$via0(rport) $viaZ(host) $via1(host) $via1(rport)",
            "$K(IPv4) $K(IPv6) $K(UDP) $K(TCP) $K(TLS) $K(SCTP) $K(WS) $K(WSS)",
            "$adn $adc $ado $adr",
            "$Mf(3) $Sf(3) $Bf(3) $vn(none) $vz(none) $ltt(t)",
            "$lsock(n/none/listen)",
            "$(timef(%z %Z){s.len}) $utimef(%z %Z) $utime(isdst) $(TV(Sn){s.select,1,.}{s.len})",
            r"$(_s(\x41\101\a){s.encode.hexa})",
        ],
        answer,
    );
}

#[test]
fn transformations_give_the_same_values() {
    compare(
        &[
            "$(var(s){s.len}) $(var(n){s.len}) $(var(s){s.substr,1,3}) $(var(s){s.substr,-3,2})",
            "$(var(s){s.select,0,c}) $(var(s){s.select,1,c}) $(var(s){s.select,-1,c})",
            "$(var(s){s.toupper}) $(var(s){s.strip,2}) $(var(s){s.striptail,2})",
            "$(var(s){s.md5}) $(var(s){s.sha256}) $(var(s){s.sha512})",
            "$(var(s){s.encode.hexa}) $(var(s){s.encode.hexa}{s.decode.hexa})",
            "$(var(s){s.encode.base64}) $(var(s){s.encode.base64t}) $(var(s){s.encode.base58})",
            "$(var(s){s.encode.base64url}) $(var(s){s.encode.base64}{s.decode.base64})",
            "$(var(s){s.replace,c,XX}) $(var(s){s.rm,c}) $(var(s){s.count,c}) $(ci{s.numeric})",
            "$(fn{s.escape.common}) $(fn{s.escape.user}) $(fn{s.escape.param}) $(fn{s.escape.csv})",
            "$(var(s){s.prefixes}) $(var(s){s.prefixes,3}) $(var(s){s.prefixes.quoted,2})",
            "$(var(w){s.trim}) $(var(w){s.ltrim}{s.len}) $(var(w){s.rtrim}{s.len}) $(var(w){s.rmws})",
            "$(var(l){param.value,a}) $(var(l){param.value,b}) $(var(l){param.value,z})",
            "$(var(l){param.count}) $(var(l){param.name,1}) $(var(l){param.valueat,0})",
            "$(var(u){uri.user}) $(var(u){uri.passwd}) $(var(u){uri.host}) $(var(u){uri.port})",
            "$(var(u){uri.params}) $(var(u){uri.param,m}) $(var(u){uri.headers}) $(var(u){uri.lr})",
            "$(var(u){uri.transport}) $(var(u){uri.scheme}) $(var(u){uri.tosocket})",
            "$(var(a){nameaddr.uri}) $(var(a){nameaddr.len}) $(ct{nameaddr.uri})",
            "$(var(a){tobody.uri}) $(var(a){tobody.tag}) $(var(a){tobody.user}) $(var(a){tobody.host})",
            "$(var(s){s.after,d}) $(var(s){s.before,d}) $(var(s){s.after,z})",
            "$(var(s){re.subst,/c(.)/(\\1)/g}) $(ru{re.subst,/^sip:(.*)@(.*)/\\1/})",
            "$(var(s){s.encode.7bit}) $(var(u){s.encode.7bit}{s.decode.7bit}) $(var(s){s.stripto,d})",
            "$(var(s){s.corehash}) $(ci{s.corehash,512}) $(ru{s.corehash,-3}) $(var(n){s.corehash})",
            "$(var(n){s.ftime,%Y-%m-%d %H:%M:%S %z})",
            "$(rb{line.count}) $(rb{line.at,1}) $(rb{line.sw,s}) $(rb{line.sw,z})",
            "$(var(t){s.int}) $(hdr(Subject){s.urlencode.param}) $(ru{s.unescape.param})",
        ],
        answer,
    );
}

#[test]
fn conditions_come_out_the_same() {
    compare(
        &[
            "$avp(none) == $null",
            "$avp(none) == \"\"",
            "$avp(none) == 0",
            "$avp(none) != \"x\"",
            "!$avp(none)",
            "$avp(none) == $var(zero)",
            "$avp(none) < 1",
            "$var(e) == $null",
            "$var(e) != $null",
            "$var(e) == \"\"",
            "$var(e) == 0",
            "$var(zero) == $null",
            "$var(zero) == \"\"",
            "$var(s) == 0",
            "$var(neg)",
            "$var(neg) && 1",
            "$var(t)",
            "$var(t) == 42",
            "$var(n) == \"42\"",
            "$var(n) + \"1\" == 43",
            "\"1\" + $var(n) == \"142\"",
            "$rU == \"ALICE\"",
            "$rU =~ \"^AL\"",
            "$hdr(Nope) =~ \"x\"",
            "$(hdr(Nope){s.len}) == 0",
            "$(hdr(Nope){s.int}) == 0",
            "$(ru{uri.param,zz}) == $null",
            "defined $tt",
            "($var(n) & 8) == 8",
            "~$var(n) == -43",
            "uri =~ \"^SIP:alice\"",
            "uri == myself",
            "is_myself(\"sip:127.0.0.1\")",
            "is_myself(\"127.0.0.1\")",
            "is_myself(\"sip:127.0.0.1:1\")",
            "is_myself(\"sip:127.9.9.9\")",
            "is_myself(\"sip:a@127.0.0.1;transport=tcp\")",
            "strip(99)",
            "strip_tail(1)",
            "rewriteuser(\"x\")",
            "msg:len > 100",
            "proto == UDP",
            "$xavp(none=>x) == $null",
        ],
        |number, condition| {
            let (yes, no) = (answer(number, "yes"), answer(number, "no"));
            format!("if ({condition}) {{ {yes} }} else {{ {no} }}")
        },
    );
}

#[test]
fn calculations_come_out_the_same() {
    compare(
        &[
            "1 + 2 * 3",
            "\"1\" + 2",
            "$var(n) + $var(t)",
            "$var(t) + $var(n)",
            "$var(s) + $var(n)",
            "$var(n) + $var(s)",
            "$avp(none) + 1",
            "\"x\" + $avp(none)",
            "$rU + \"@\" + $rd",
            "-7 / 2",
            "7 mod 3",
            "1 << 4",
            "6 ^ 3",
            "2 && 3",
            "!5",
            "(int)\"12\" + 1",
            "\"x\" + 1 + 2",
            "0x10 + 010",
            "strlen(\"abc\")",
            "strlen(\"\\x41\\101\\7\")",
        ],
        |number, expression| format!("$var(r) = {expression}; {}", answer(number, "$var(r)")),
    );
}

#[test]
fn functions_give_the_same_codes() {
    compare(
        &[
            "is_uri(\"sip:a@b\")",
            "is_uri(\"a b\")",
            "is_alphanum(\"abc1\")",
            "is_alphanumex(\"a-b\", \"-\")",
            "is_tel_number(\"+12\")",
            "cmp_uri(\"sip:a@b\", \"sip:a@B\")",
            "cmp_aor(\"sip:a@b;x=1\", \"sip:a@b:5060\")",
            "cmp_hdr_name(\"f\", \"From\")",
            "uri_param_any(\"x\")",
            "uri_param_any(\"nope\")",
            "has_totag()",
            "is_first_hop()",
            "is_method(\"INVITE|ACK\")",
            "is_present_hf(\"X-A\")",
            "remove_hf(\"Nope\")",
            "search(\"Subject\")",
            "search_body(\"v=0\")",
            "has_body(\"text/plain\")",
            "get_body_part(\"application/sdp\", \"$var(part)\")",
            "get_body_part(\"text/plain\", \"$var(part)\")",
            "remove_body_part(\"application/sdp\")",
            "append_body_part(\"x\", \"text/x\")",
            "append_body_part_hex(\"686\", \"text/x\")",
            "set_body_multipart()",
            "set_reply_body(\"x\", \"text/plain\")",
            "fnmatch(\"abc\", \"b*\")",
            "str_find(\"abcabc\", \"bc\")",
            "str_find(\"abcabc\", \"abc\")",
            "str_ifind(\"abcabc\", \"BC\")",
            "in_list(\"b\", \"a;b;c\", \";\")",
            "hf_value_exists(\"X-A\", \"two\")",
            "hf_iterator_start(\"a\")",
            "hf_iterator_next(\"a\")",
            "hf_iterator_next(\"b\")",
            "bl_iterator_start(\"b\")",
            "bl_iterator_next(\"b\")",
            "isbflagset(3)",
            "setbflag(3)",
            "isbflagset(3)",
            "setsflag(3)",
            "issflagset(3)",
            "append_branch(\"sip:a@b\", \"0.5\")",
            "append_branch()",
            "remove_branch(0)",
            "route_if_exists(\"nope\")",
            "check_route_exists(\"nope\")",
            "set_gflag(\"3\")",
            "is_gflag(\"3\")",
            "rand_set_prob(\"5\")",
            "rand_get_prob()",
            "lock(\"a\")",
            "unlock(\"a\")",
            "unlock(\"never\")",
            "trylock(\"b\")",
            "trylock(\"b\")",
            "usleep(\"1000\")",
            "sleep(\"0\")",
            "pv_isset(\"$avp(none)\")",
            "is_int(\"$avp(x)\")",
            "sbranch_reset()",
            "sbranch_append()",
            "xavp_params_explode(\"a=1;b=2\", \"q\")",
            "xavp_child_sets(\"q\", \"z\", \"1\")",
            "strip(1)",
            "prefix(\"1\")",
            "rewriteuser(\"zz\")",
            "isdsturiset()",
            "is_faked_msg()",
        ],
        |number, call| format!("{call}; {}", answer(number, "$rc")),
    );
}

#[test]
fn functions_about_flags_sockets_and_attributes_give_the_same_codes() {
    compare(
        &[
            "setxflag(\"3\")",
            "isxflagset(\"3\")",
            "isxflagset(\"4\")",
            "resetxflag(\"3\")",
            "isxflagset(\"64\")",
            "setxflag(\"64\")",
            "msg_iflag_set(\"USE_UAC_FROM\")",
            "msg_iflag_is_set(\"USE_UAC_FROM\")",
            "msg_iflag_is_set(\"UAC_AUTH\")",
            "msg_iflag_reset(\"USE_UAC_FROM\")",
            "msg_iflag_is_set(\"NOPE\")",
            "is_socket_name(\"nope\")",
            "set_send_socket_name(\"nope\")",
            "core_hash(\"a\", \"b\", \"9\")",
            "core_hash(\"$ru\", \"$ci\", \"10\")",
            "core_hash(\"abc\", \"def\", \"20\")",
            "core_hash(\"abcdef\", \"\", \"0\")",
            "setdebug(\"2\")",
            "resetdebug()",
            "xavp_slist_explode(\"a,b, c,,d\", \",\", \"t\", \"sl\")",
            "xavp_slist_explode(\"\", \",\", \"t\", \"sl\")",
            "pv_var_to_xavp(\"n\", \"vx\")",
            "pv_xavp_to_var(\"vx\")",
            "pv_xavp_to_var(\"none\")",
            "add_local_rport()",
            "set_advertised_address(\"198.51.100.1\")",
            "set_advertised_port(5080)",
            "via_add_srvid(\"1\")",
            "via_add_xavp_params(\"1\")",
            "error(\"a\", \"b\")",
            "rr_next_hop_route()",
            "loose_route_preloaded()",
            "pkg_status()",
            "shm_summary()",
        ],
        |number, call| format!("{call}; {}", answer(number, "$rc")),
    );
}

#[test]
fn edits_leave_the_same_message() {
    let cases = [
        r#"append_hf("X-N: 1\r\n");"#,
        r#"append_hf("X-N: 1\r\n", "To");"#,
        r#"insert_hf("X-N: 1\r\n");"#,
        r#"insert_hf("X-N: 1\r\n", "X-A");"#,
        r#"insert_hf("X-N: 1\r\n", "Nope");"#,
        r#"remove_hf("x-a");"#,
        r#"remove_hf_re("^X-");"#,
        r#"remove_hf_idx("X-A", 1);"#,
        r#"remove_hf_match("X-A", "in", "two");"#,
        r#"keep_hf("^X-");"#,
        r#"replace("hi", "HELLO");"#,
        r#"replace_all("X-A", "Y-A");"#,
        r#"subst('/one/ONE/');"#,
        r#"subst_body('/s=-/s=x/');"#,
        r#"subst_hf("X-A", "/e/E/g", "a");"#,
        r#"append_urihf("CC: ", "\r\n");"#,
        r#"insert_hf_value("X-A", "v");"#,
        r#"append_hf_value("Nope", "v");"#,
        r#"remove_hf_value("X-A[2]");"#,
        r#"remove_hf_value("X-A[3]");"#,
        r#"remove_hf_value("X-A[*]");"#,
        r#"remove_hf_value("Contact[1].expires");"#,
        r#"assign_hf_value("X-A[2]", "v");"#,
        r#"assign_hf_value("Contact.z", "9");"#,
        r#"assign_hf_value2("Authorization.realm", "zz");"#,
        r#"assign_hf_value2("Authorization.newp", "zz");"#,
        r#"remove_hf_value2("Authorization.nonce");"#,
        r#"$avp(rpid) = "sip:+1@h"; append_rpid_hf();"#,
        r#"$avp(rpid) = "sip:+1@h"; append_rpid_hf("<", ">;x=1");"#,
        r#"include_hf_value("X-A", "two");"#,
        r#"include_hf_value("Nope", "v");"#,
        r#"exclude_hf_value("X-A", "two");"#,
        r#"append_hf("X-N: 1\r\n"); msg_apply_changes();"#,
        r#"append_hf("X-N: 1\r\n"); msg_apply_changes(); append_hf("X-M: $hdr(X-N)\r\n");"#,
        r#"subst_body('/s=-/s=more/'); msg_apply_changes(); append_hf("X-M: $bs $cl\r\n");"#,
        r#"$ru = "sip:zz@q.com"; msg_apply_changes(); append_hf("X-M: $ou\r\n");"#,
        r#"remove_hf("X-A"); msg_apply_changes(); insert_hf("X-M: $hdrc(X-A)\r\n", "To");"#,
        r#"$ru = "sip:zz@q.com";"#,
        r#"$rU = "bob";"#,
        r#"rewriteuser("bob");"#,
        r#"$rU = $null;"#,
        r#"strip(2);"#,
        r#"strip(99);"#,
        r#"strip_tail(2);"#,
        r#"prefix("9");"#,
        r#"rewritehostport("h.x:99");"#,
        r#"subst_body('/s=-/s=more/');"#,
        r#"encode_contact("p", "h.h");"#,
        r#"contact_param_encode("k", "sip:1.2.3.4");"#,
        r#"hf_iterator_start("i"); hf_iterator_next("i"); hf_iterator_append("i", "X-N: 1\r\n");"#,
    ];
    if !kamailio_is_installed() {
        return;
    }
    let mut script = START.to_owned();
    for (number, case) in cases.iter().enumerate() {
        let answer = answer(0, "$(mbu{s.encode.base64})");
        writeln!(script, "if ($hdr(Case) == \"{number}\") {{ {case} {answer} }}").expect("a line");
    }
    script += "sl_send_reply(\"200\", \"OK\");\n}\n";
    let kamailio = Server::start_kamailio(free_address(), &script);
    let viaduct = Server::start(&script);
    for (number, case) in cases.iter().enumerate() {
        let theirs = answers(&kamailio, number, 1);
        assert_ne!(theirs, [""], "{case}: Kamailio says nothing");
        assert_eq!(answers(&viaduct, number, 1), theirs, "{case}");
    }
}
