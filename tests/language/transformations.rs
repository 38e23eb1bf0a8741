//! Transformations, with the values that Kamailio gives.

use super::{errors, shows};

/// Values that the cases work on.
const VALUES: &str = r#"$var(z) = "abcdefcgh"; $var(w) = "a b	c&d/e+f"; $var(q) = 'say "hi"';
    $var(u) = "sip:alice@server.com:5060;nat=yes;transport=tcp;line=xyz"; $var(e) = "";
    $var(l) = "one\ntwo x\nthree"; $var(s) = "udp:192.0.2.1:5070"; $var(i) = 7;"#;

/// Checks what transformations make of those values.
fn gives(cases: &[(&str, &str)]) {
    let cases: Vec<(&str, &str, &str)> =
        cases.iter().map(|(text, expected)| (VALUES, *text, *expected)).collect();
    shows(&cases);
}

#[test]
fn strings_are_cut_and_filled() {
    gives(&[
        ("$(var(z){s.after,c}) $(var(z){s.rafter,c})", "defcgh gh"),
        ("$(var(z){s.before,c}) $(var(z){s.rbefore,c})", "ab abcdef"),
        ("[$(var(z){s.after,z})] $(var(z){s.before,z})", "[] abcdefcgh"),
        ("$(var(w){s.rmws})", "abc&d/e+f"),
        ("$(fu{s.prefixes,3}) $(var(z){s.prefixes.quoted,2})", "s,si,sip 'a','ab'"),
        ("$(var(l){line.sw,two}) [$(var(l){line.sw,x})]", "two x []"),
        (
            "$(var(z){s.stripto,d}) [$(var(z){s.stripto,z})] $(var(z){s.stripto,cd})",
            "defcgh [] cdefcgh",
        ),
        ("$(var(z){s.fmtlines,4,2}{s.encode.hexa})", "616263640d0a2020656663670d0a202068"),
        ("$(var(z){s.fmtlinet,0,1})", "abcdefcgh"),
    ]);
    shows(&[
        (
            "$var(x) = \"<sip:a>\"; $var(y) = \"[b]\"; $var(z) = \"'c'\";",
            "$(var(x){s.unbracket}) $(var(y){s.unbracket}) $(var(z){s.unquote})",
            "sip:a b c",
        ),
        ("$var(x) = \"<a)\";", "$(var(x){s.unbracket})", "<a)"),
    ]);
}

#[test]
fn strings_are_written_in_other_notations() {
    gives(&[
        (
            "$(rU{s.encode.base64url}) $(rU{s.encode.base64t}) $(rU{s.encode.base58})",
            "YWxpY2U= YWxpY2U BzWHaQU",
        ),
        (
            "$(rU{s.encode.base58}{s.decode.base58}) $(rU{s.encode.base64t}{s.decode.base64t})",
            "alice alice",
        ),
        ("$(var(w){s.urlencode.param})", "a%20b%09c%26d%2fe%2bf"),
        ("$(var(w){s.urlencode.param}{s.urldecode.param}{s.len})", "11"),
        ("$(var(q){s.escape.csv})", "\"say \"\"hi\"\"\""),
        ("$(rU{s.sha256})", "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"),
        ("$(var(e){s.md5})", "d41d8cd98f00b204e9800998ecf8427e"),
        ("$(rU{s.sha384}{s.len}) $(rU{s.sha512}{s.len})", "96 128"),
        ("$(var(z){s.encode.7bit})", "61F1985C368FCF68"),
        ("$(var(z){s.encode.7bit}{s.decode.7bit})", "abcdefcgh"),
        (
            "$(rU{s.encode.7bit}) [$(rU{s.decode.7bit})] [$(var(e){s.encode.7bit})]",
            "61767A5C06 [] []",
        ),
        ("$(var(z){s.corehash}) $(var(z){s.corehash,16}) $(var(e){s.corehash})", "3610934279 7 0"),
        (
            "$(ci{s.corehash}) $(ci{s.corehash,512}) $(ci{s.corehash,-3})",
            "1864295753 329 1864295752",
        ),
        ("$(var(i){s.ftime,%Y-%m-%d, %H:%M:%S})", "1970-01-01, 00:00:07"),
        ("[$(rU{s.ftime,%Y})]", "[]"),
    ]);
}

#[test]
fn uris_are_made_short() {
    gives(&[
        ("$(var(u){uri.duri})", "sip:server.com:5060;transport=tcp"),
        ("$(var(u){uri.saor})", "sip:alice@server.com"),
        ("$(var(u){uri.suri})", "sip:alice@server.com:5060;transport=tcp"),
        ("$(var(u){uri.tosocket})", "tcp:server.com:5060"),
        (
            "$(ru{uri.suri}) $(ru{uri.duri}) [$(ru{uri.r2})]",
            "sip:alice@example.com sip:example.com []",
        ),
        ("$(var(s){sock.host}) $(var(s){sock.port}) $(var(s){sock.proto})", "192.0.2.1 5070 udp"),
        ("$(var(s){sock.touri})", "sip:192.0.2.1:5070;transport=udp"),
        ("[$(rU{sock.host})]", "[]"),
        (
            "$(ru{urialias.encode}) $(ru{urialias.encode}{urialias.decode})",
            "example.com~5060~1 sip:example.com:5060;transport=udp",
        ),
        ("[$(rU{urialias.decode})]", "[]"),
        ("$(ct{nameaddr.uri}) $(ct{nameaddr.len})", "sip:fred@198.51.100.7 23"),
    ]);
}

#[test]
fn urls_and_documents_are_taken_apart() {
    let cases = [
        ("/a/b?x=1&y=2", "$(var(d){url.path}) $(var(d){url.querystring})", "/a/b x=1&y=2"),
        ("/a/b", "$(var(d){url.path}) [$(var(d){url.querystring})]", "/a/b []"),
        ("?", "[$(var(d){url.path}) $(var(d){url.querystring})]", "[ ]"),
        (r#"{"a": {"b": [1, "x y"]}}"#, "$(var(d){json.parse,a.b[1]})", "x y"),
        (r#"{"a": {"b": [1, "x y"]}}"#, "$(var(d){json.parse,a.b}{s.len})", "10"),
        (r#"{"a": {"b": [1, "x y"]}}"#, "[$(var(d){json.parse,a.c})]", "[]"),
        (r#"{"bob": 7}"#, "$(var(d){json.parse,$var(k)})", "7"),
        ("no document", "[$(var(d){json.parse,a})]", "[]"),
    ];
    for (document, text, expected) in cases {
        let before = format!("$var(k) = \"bob\"; $var(d) = '{document}';");
        shows(&[(&before, text, expected)]);
    }
}

#[test]
fn null_is_a_value_to_those_who_ask() {
    gives(&[
        ("$(avp(none){val.n0}) [$(avp(none){val.ne})] $(avp(none){s.len})", "0 [] <null>"),
        ("$(avp(none){sql.val}) $(avp(none){sql.val.int}) $(avp(none){sql.val.str})", "NULL 0 ''"),
        ("$(var(i){sql.val}) $(rU{sql.val}) $(var(q){sql.val})", "7 'alice' 'say \\\"hi\\\"'"),
        (
            "$(var(q){val.json}) $(var(q){val.jsonqe}) $(var(i){val.jsonqe})",
            "say \\\"hi\\\" \"say \\\"hi\\\"\" 7",
        ),
        ("$(avp(none){val.jsonqe})", "\"\""),
        ("$(var(w){val.json})", "a b\\tc&d/e+f"),
    ]);
}

#[test]
fn what_a_transformation_lacks_is_told() {
    for (text, message) in [
        ("$(rU{s.ftime})", "a parameter is missing"),
        ("$(rU{s.fmtlines,4})", "a parameter is missing"),
        ("$(rU{s.fmtlines,x,1})", "this parameter must be a number"),
        ("$(rU{json.parse})", "a parameter is missing"),
        ("$(rU{url.path,1})", "`{url.path}` does not have so many parameters"),
        ("$(rU{val.x})", "there is no transformation `{val.x}`"),
        ("$(rU{sock.host,1})", "`{sock.host}` does not have so many parameters"),
    ] {
        assert_eq!(errors(&format!("xlog(\"{text}\");")), [message], "{text}");
    }
}

#[test]
fn blanks_around_parameters_are_passed_over() {
    shows(&[
        ("", "$(rU{s.substr, 1, 3}) $(rU{s.replace, li, LI})", "lic aLIce"),
        ("", "$(rU{s.strip,2 }) $(rd{s.select, 1 ,.})", "ice com"),
        ("$var(p) = \"a=1;b=2\";", "$(var(p){param.value, b}) $(var(p){param.in, a})", "2 1"),
        ("$var(i) = 2; $var(l) = 1;", "$(rU{s.substr, $var(i) , $var(l) })", "i"),
    ]);
}
