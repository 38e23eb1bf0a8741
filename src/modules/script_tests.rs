//! What scripts do, from their text to what they log, answer and decide.

use std::any::{Any, TypeId};
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use bumpalo::Bump;

use super::REGISTRY;
use crate::mem::ListenerId;
use crate::metrics::Counter;
use crate::protocol::{Endpoint, Transport};
use crate::script::ast::RouteKind;
use crate::script::{
    Compiled, Diagnostic, Execution, Host, LogFacility, LogLevel, ModuleSpec, ModuleState, NextHop,
    Program, Reader, Refusal, ScriptError, Severity, Transit, Verdict, compile, parse_text, run,
};
use crate::sip::rewrite::EditList;
use crate::sip::{Message, MessageIndex, parse};
use crate::time::Now;

/// A request with something in every field that variables read.
const REQUEST: &str = "OPTIONS sip:alice@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n\
    From: \"Fred F\" <sip:fred:pw@from.example:5070>;tag=f1\r\n\
    To: <sip:tom@to.example>\r\n\
    Call-ID: call@a\r\n\
    CSeq: 77 OPTIONS\r\n\
    P-One: first\r\n\
    P-Two: x, y\r\n\
    p-one: second\r\n\
    P-Quoted: a=1;b=\"q;\\\"r\";c\r\n\
    P-Uri: sip:joe:pw@h.example:99;tr=tcp\r\n\
    P-Address: \"N M\" <sip:n@m>;q=1\r\n\
    P-List: a=1;b=2;c=3\r\n\
    m: <sip:fred@192.0.2.9>\r\n\
    Content-Length: 5\r\n\r\nhello";

/// A response on its way back.
const RESPONSE: &str = "SIP/2.0 CODE Some Reason\r\n\
    Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\r\n\
    From: <sip:fred@from.example>;tag=f1\r\n\
    To: <sip:tom@to.example>;tag=t1\r\n\
    Call-ID: call@a\r\n\
    CSeq: 77 INVITE\r\n\r\n";

/// A proxy that notes what the script asks of it.
#[derive(Debug, Default)]
struct Recorder {
    lines: Vec<String>,
    hops: Vec<String>,
    refusal: Option<Refusal>,
    counted: Vec<Counter>,
}

impl Host for Recorder {
    fn now(&self) -> Now {
        Now { monotonic_ms: 0, wall_seconds: 1_289_690_940, ..Now::default() }
    }

    fn forward(&mut self, transit: &mut Transit<'_>, hop: NextHop<'_>) -> Result<(), Refusal> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let uri = String::from_utf8_lossy(transit.uri).into_owned();
        self.hops.push(match hop {
            NextHop::Routed(None) => uri,
            NextHop::Routed(Some(transport)) => format!("{uri} by {}", transport.name()),
            NextHop::Fixed(transport, host, port) => {
                let transport = transport.map(|it| format!("{}:", it.name())).unwrap_or_default();
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                format!("{uri} by {transport}{}{port}", String::from_utf8_lossy(host))
            }
        });
        Ok(())
    }

    fn reply(&mut self, _: &mut Transit<'_>, _: u16, _: &[u8], _: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }

    fn is_myself(&self, host: &[u8], port: Option<u16>) -> bool {
        (host == b"192.0.2.1" || host == b"example.com") && port.is_none_or(|port| port == 5060)
    }

    fn listener_endpoint(&self, _: ListenerId) -> Endpoint {
        let address = SocketAddr::from(([192, 0, 2, 1], 5060));
        Endpoint { transport: Transport::Udp, address }
    }

    fn sent_by(&mut self, _: ListenerId) -> &[u8] {
        b"192.0.2.1"
    }

    fn find_listener(
        &self,
        _: Option<Transport>,
        _: &[u8],
        port: Option<u16>,
    ) -> Option<ListenerId> {
        (port == Some(5060)).then_some(ListenerId(3))
    }

    fn logs(&self, level: LogLevel) -> bool {
        level <= LogLevel::Notice
    }

    fn log(&mut self, level: LogLevel, text: &[u8]) {
        if self.logs(level) {
            self.lines.push(String::from_utf8_lossy(text).trim_end().to_owned());
        }
    }

    fn log_as(&mut self, facility: LogFacility, level: LogLevel, text: &[u8]) {
        let text = [format!("<{}> ", facility.number()).as_bytes(), text].concat();
        self.log(level, &text);
    }

    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }

    fn random(&self) -> u64 {
        7
    }

    fn service(&self, _: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
}

/// Scripts of tests include no files.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// What became of a run.
struct Outcome {
    verdict: Verdict,
    host: Recorder,
    uri: String,
    destination: Option<String>,
    branches: Vec<(String, Option<u16>)>,
}

/// Compiles a script.
fn try_compile(script: &str) -> Result<Compiled, Vec<Diagnostic>> {
    let text = format!("#!KAMAILIO\nloadmodule \"xlog.so\"\n{script}").into_bytes();
    compile(parse_text(Path::new("t.cfg"), text, &NoFiles), &REGISTRY)
        .map_err(|rejected| rejected.diagnostics)
}

/// Compiles a script that must compile.
fn program(script: &str) -> Program {
    match try_compile(script) {
        Ok(compiled) => compiled.program,
        Err(diagnostics) => panic!("{script}\n{diagnostics:#?}"),
    }
}

/// Runs a whole script over a message.
fn run_over(script: &str, message: &str, mut host: Recorder) -> Outcome {
    let program = program(script);
    let mut index = MessageIndex::default();
    parse(message.as_bytes(), &mut index).unwrap();
    let arena = Bump::new();
    let message = Message::new(message.as_bytes(), &index);
    let ways = [([192, 0, 2, 9], 5066), ([192, 0, 2, 1], 5060)].map(SocketAddr::from);
    let mut edits = EditList::default();
    let transit = Transit::new(message, (&ways[0], &ways[1]), ListenerId(0), (&arena, &mut edits));
    let route = match message.status() {
        Some(_) => program.reply_route(),
        None => program.main_route(),
    };
    let mut execution = Execution::new(transit, &mut host, &program);
    let verdict = run(&mut execution, route.unwrap());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let transit = &execution.transit;
    let (uri, destination) = (text(transit.uri), transit.destination.map(text));
    let branches = transit.branches.iter().map(|branch| (text(branch.uri), branch.q)).collect();
    drop(execution);
    Outcome { verdict, host, uri, destination, branches }
}

/// What `route { body }` logs for the request; other blocks stand in `routes`.
fn lines(body: &str, routes: &str) -> Vec<String> {
    let script = format!("route {{\n{body}\n}}\n{routes}");
    run_over(&script, REQUEST, Recorder::default()).host.lines
}

/// Checks what expressions are, shown as text.
fn check_values(rows: &[(&str, &str)]) {
    for (expression, value) in rows {
        let body = format!("$var(r) = {expression}; xlog(\"[$var(r)]\\n\");");
        assert_eq!(lines(&body, ""), [format!("[{value}]")], "{expression}");
    }
}

/// Checks what is true and what is not, as a condition and as a value.
fn check_conditions(rows: &[(&str, bool)]) {
    for (condition, holds) in rows {
        let body = format!("if ({condition}) xlog(\"yes\\n\"); else xlog(\"no\\n\");");
        assert_eq!(lines(&body, ""), [if *holds { "yes" } else { "no" }], "{condition}");
        let body = format!("if (!({condition})) xlog(\"no\\n\"); else xlog(\"yes\\n\");");
        assert_eq!(lines(&body, ""), [if *holds { "yes" } else { "no" }], "!({condition})");
    }
}

/// Checks what strings with variables in them become.
fn check_texts(rows: &[(&str, &str)]) {
    for (format, text) in rows {
        assert_eq!(lines(&format!("xlog(\"{format}\\n\");"), ""), [*text], "{format}");
    }
}

/// The codes of all errors of a script.
fn errors(script: &str) -> Vec<&'static str> {
    let diagnostics = match try_compile(script) {
        Ok(compiled) => compiled.diagnostics,
        Err(diagnostics) => diagnostics,
    };
    let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| found.code.0).collect()
}

/// The message and help of the only error of `route { body }`.
fn error(body: &str) -> (String, String) {
    match try_compile(&format!("route {{ {body} }}")) {
        Ok(_) => panic!("{body} compiles"),
        Err(diagnostics) => {
            let mut errors = diagnostics.iter().filter(|it| it.severity == Severity::Error);
            let first = errors.next().unwrap();
            assert_eq!(errors.next(), None, "{body}");
            (first.message.clone(), first.help.clone().unwrap_or_default())
        }
    }
}

#[test]
fn operators_follow_the_type_of_their_left_side() {
    check_values(&[
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("10 - 4 - 3", "3"),
        ("17 mod 5", "2"),
        ("17 / 5", "3"),
        ("6 ^ 3 | 8 & 12", "13"),
        ("1 << 4", "16"),
        ("-4 + 1", "-3"),
        ("\"a\" + 1 + 2", "a12"),
        ("1 + \"2\"", "3"),
        ("\"1\" + 2", "12"),
        ("\"u=\" + $rU", "u=alice"),
        ("1 == 1 && 2 == 3", "0"),
        ("1 == 2 || 2 == 2", "1"),
        ("$hdr(P-Not) + \"x\"", "x"),
        ("(int)\"7\" + 1", "8"),
        ("(str)7 + 1", "71"),
        ("strlen($rU)", "5"),
    ]);
}

#[test]
fn a_division_by_zero_is_logged_with_its_line_and_gives_zero() {
    let logged = lines("$var(z) = 0;\n$var(r) = 5 / $var(z);\nxlog(\"$var(r)\\n\");", "");
    assert_eq!(logged, ["t.cfg:5: division by 0", "0"]);
}

#[test]
fn comparisons_are_exact_and_patterns_ignore_case() {
    check_conditions(&[
        ("$rU == \"alice\"", true),
        ("$rU == \"Alice\"", false),
        ("\"alice\" == $rU", true),
        ("$rU =~ \"^ALI\"", true),
        ("$rU !~ \"^bob\"", true),
        ("$var(n) == 0", true),
        ("$avp(n) == $null", true),
        ("$avp(n) != $null", false),
        ("$hdr(P-One) != $null", true),
        ("$hdr(P-Not) =~ \".*\"", false),
        ("defined $avp(n)", false),
        ("strempty($hdr(P-Not))", true),
        ("$cs == 77", true),
        ("$cs == \"77\"", true),
        ("$cs =~ \"^7+$\"", true),
        ("2 < 10", true),
        ("1 == 1 || 1 == 1 && 1 == 2", true),
        ("(1 == 1 || 1 == 1) && 1 == 2", false),
        ("not (1 == 2) and 3 > 2", true),
    ]);
    let logged = lines("$var(re) = \"^al\"; if ($rU =~ $var(re)) xlog(\"yes\\n\");", "");
    assert_eq!(logged, ["yes"]);
}

#[test]
fn bare_operands_are_parts_of_the_message() {
    check_conditions(&[
        ("method == \"OPTIONS\"", true),
        ("method == OPTIONS", true),
        ("method == \"options\"", false),
        ("method != \"INVITE\"", true),
        ("method =~ \"^(IN|OPT)\"", true),
        ("method == \"FOOBAR\"", false),
        ("uri =~ \"alice@\"", true),
        ("uri == \"sip:alice@example.com\"", true),
        ("uri == myself", true),
        ("from_uri == myself", false),
        ("$rd == myself", true),
        ("$ru != myself", false),
        ("$fu == myself", false),
        ("to_uri =~ \"^sip:tom@\"", true),
        ("src_ip == 192.0.2.9", true),
        ("src_ip == 192.0.2.0/24", true),
        ("src_ip == 192.0.2.0/255.255.255.0", true),
        ("src_ip == 198.51.100.0/24", false),
        ("src_ip != 192.0.2.9", false),
        ("src_ip == myself", false),
        ("dst_ip == 192.0.2.1", true),
        ("dst_ip == myself", true),
        ("src_port == 5066", true),
        ("dst_port == 5060", true),
        ("proto == UDP", true),
        ("proto == TCP", false),
        ("af == INET", true),
        ("msg:len < max_len", true),
        ("msg:len > 4096", false),
    ]);
}

#[test]
fn functions_and_route_blocks_are_true_above_zero() {
    let routes = "route[P] { return 7; } route[N] { return(-1); } route[D] { $var(x) = 1; }\n\
                  route[B] { break; xlog(\"never\\n\"); }";
    let body = "if (route(P)) xlog(\"P\\n\");\n\
                if (!route(N)) xlog(\"N\\n\");\n\
                if (route(D)) xlog(\"D\\n\");\n\
                route(P); xlog(\"$rc $retcode\\n\");\n\
                route(N); if ($rc < 0 && retcode == -1) xlog(\"code\\n\");\n\
                $var(s) = 1 + route(P); xlog(\"$var(s)\\n\");\n\
                if (1 == 2 && route(P)) xlog(\"never\\n\");\n\
                route(B); xlog(\"on\\n\");";
    assert_eq!(lines(body, routes), ["P", "N", "D", "7 7", "code", "8", "on"]);
}

#[test]
fn a_code_of_zero_and_exit_end_the_script_everywhere() {
    for (block, verdict) in [
        ("return 0;", Verdict::Exit),
        ("exit;", Verdict::Exit),
        ("drop;", Verdict::Drop),
        ("if (1 == 1) { while (1) { exit; } }", Verdict::Exit),
    ] {
        let script = format!(
            "route {{ if (route(Z)) xlog(\"no\\n\"); xlog(\"no\\n\"); }}\nroute[Z] {{ {block} }}"
        );
        let outcome = run_over(&script, REQUEST, Recorder::default());
        assert_eq!((outcome.verdict, outcome.host.lines.len()), (verdict, 0), "{block}");
    }
    let outcome = run_over("route { return; xlog(\"no\\n\"); }", REQUEST, Recorder::default());
    assert_eq!((outcome.verdict, outcome.host.lines.len()), (Verdict::End, 0));
}

#[test]
fn break_leaves_the_innermost_loop_or_switch_or_else_the_block() {
    let body = "$var(i) = 0;\n\
        while ($var(i) < 5) {\n\
          switch ($var(i)) {\n\
            case 0: xlog(\"zero\\n\"); break;\n\
            case 1: xlog(\"one\\n\");\n\
            case 2: xlog(\"two\\n\"); break;\n\
            default: xlog(\"other\\n\");\n\
          }\n\
          if ($var(i) == 3) break;\n\
          $var(i) += 1;\n\
        }\n\
        xlog(\"i=$var(i)\\n\");\n\
        switch ($rU) { case \"bob\": xlog(\"bob\\n\"); break; case /\"^AL\": xlog(\"re\\n\"); }\n\
        switch ($rU) { case \"x\": xlog(\"x\\n\"); case /^A.i/: xlog(\"bare\\n\"); }\n\
        xlog(\"end\\n\"); break; ";
    let wanted = ["zero", "one", "two", "two", "other", "i=3", "re", "bare", "end"];
    assert_eq!(lines(body, ""), wanted);
}

#[test]
fn loops_end_after_max_while_loops_and_the_script_goes_on() {
    let script = "max_while_loops=100\nroute { while (1) { $var(i) = $var(i) + 1; } \
                  xlog(\"$var(i)\\n\"); }";
    let outcome = run_over(script, REQUEST, Recorder::default());
    assert_eq!(outcome.verdict, Verdict::End);
    assert_eq!(outcome.host.lines[1], "100");
    assert!(outcome.host.lines[0].contains("max_while_loops"), "{:?}", outcome.host.lines);
}

#[test]
fn runaway_scripts_are_cut_off() {
    for (script, error, counter) in [
        (
            "max_while_loops=10000000\nroute { while (1) { $var(i) = 1; } }",
            ScriptError::Fuel,
            Counter::ScriptFuelExhausted,
        ),
        ("route { route(R); } route[R] { route(R); }", ScriptError::Depth, Counter::ScriptErrors),
        (
            "route { $var(s) = \"0123456789\"; while (1) { $var(s) = $var(s) + $var(s); } }",
            ScriptError::Strings,
            Counter::ScriptErrors,
        ),
        (
            "max_while_loops=1000000\nroute { while (1) { $avp(a) = \"x\"; } }",
            ScriptError::Strings,
            Counter::ScriptErrors,
        ),
    ] {
        let outcome = run_over(script, REQUEST, Recorder::default());
        assert_eq!(outcome.verdict, Verdict::Error(error), "{script}");
        assert_eq!(outcome.host.counted, [counter], "{script}");
        assert!(outcome.host.lines[0].starts_with("t.cfg:"), "{:?}", outcome.host.lines);
    }
}

#[test]
fn recursion_is_permitted() {
    let routes = "route[FACT] { if ($var(n) <= 1) return; $var(a) = $var(a) * $var(n); \
                  $var(n) = $var(n) - 1; route(FACT); }";
    let body = "$var(n) = 5; $var(a) = 1; route(FACT); xlog(\"$var(a)\\n\");";
    assert_eq!(lines(body, routes), ["120"]);
}

#[test]
fn attributes_are_lists_with_the_newest_on_top() {
    let body = "$avp(l) = \"one\"; $avp(s:l) = \"two\"; $avp(l) = 3; $avp(i:1) = \"i\";\n\
        xlog(\"$avp(l) $(avp(l)[1]) $(avp(l)[2]) $(avp(l)[-1]) $avp(i:1)\\n\");\n\
        xlog(\"$(avp(l)[*]) $(avp(none)[*])\\n\");\n\
        $avp(l) = $null; xlog(\"$avp(l)\\n\");\n\
        $var(k) = \"l\"; xlog(\"$avp($var(k))\\n\");\n\
        $(avp(l)[*]) = $null; xlog(\"$avp(l)\\n\");";
    assert_eq!(lines(body, ""), ["3 two one one i", "3, two, one <null>", "two", "two", "<null>"]);
}

#[test]
fn variables_are_replaced_in_arguments_and_nowhere_else() {
    let body =
        "$var(x) = \"u $rU\"; xlog(\"$var(x)\\n\"); xlog(\"u $rU\\n\"); xlog(\"$$5 $ 5$\\n\");";
    assert_eq!(lines(body, ""), ["u $rU", "u alice", "$5 $ 5$"]);
}

#[test]
fn the_message_has_its_variables() {
    check_texts(&[
        (
            "$rm $method $ru $rU $rd $rp $rP $rz",
            "OPTIONS OPTIONS sip:alice@example.com alice example.com 5060 UDP sip",
        ),
        ("$fu $fU $fd $ft $fn", "sip:fred:pw@from.example:5070 fred from.example f1 \"Fred F\""),
        ("$tu $tU $td $tt $tn", "sip:tom@to.example tom to.example <null> <null>"),
        ("$ci $cs $cl $ct $ua", "call@a 77 5 <sip:fred@192.0.2.9> <null>"),
        ("$si:$sp $Ri:$Rp $proto $af", "192.0.2.9:5066 192.0.2.1:5060 udp INET"),
        ("$su $sas", "sip:192.0.2.9:5066 udp:192.0.2.9:5066"),
        ("$rb $mt $rs $rr", "hello 1 <null> <null>"),
        ("$hdr(P-One) $hdr(p-one) $(hdr(P-One)[1]) $(hdr(P-One)[-1])", "first first second second"),
        ("$(hdr(P-One)[*]) $hdrc(P-One) $(hdr(P-One)[-3])", "first,second 2 <null>"),
        ("$hfl(P-Two) $(hfl(P-Two)[1])", "x y"),
        ("$mline", "OPTIONS sip:alice@example.com SIP/2.0"),
        ("$Ts $Tf", "1289690940 Sat Nov 13 23:29:00 2010"),
        ("$mF $mf $ds", "00000000 0 Contact: <sip:alice@example.com>"),
        ("$du [$null]", "<null> [<null>]"),
    ]);
}

#[test]
fn transformations_do_what_they_say() {
    check_texts(&[
        (
            "$(rU{s.len}) $(rU{s.substr,1,3}) $(rU{s.substr,2,0}) $(rU{s.toupper})",
            "5 lic ice ALICE",
        ),
        ("$(rd{s.select,1,.}) $(rd{s.select,-1,.}) $(hdr(P-Two){s.select,1,,})", "com com  y"),
        ("$(rU{s.md5})", "6384e2b2184bcbf58eccf10ca7a6563c"),
        ("$(rU{s.substr,0,2}{s.toupper}{s.len})", "2"),
        ("$(rU{s.strip,2}) $(rU{s.striptail,3}) $(rU{s.strip,9})|", "ice al |"),
        ("$(rU{s.prefixes}) $(rU{s.prefixes,2})", "a,al,ali,alic,alice a,al"),
        ("$(rU{s.replace,li,LI}) $(rU{s.rm,l}) $(rU{s.index,ic})", "aLIce aice 2"),
        ("$(rU{s.encode.hexa}) $(rU{s.encode.base64}{s.decode.base64})", "616c696365 alice"),
        ("$(ru{s.escape.user}{s.unescape.user})", "sip:alice@example.com"),
        (
            "$(hdr(P-Uri){uri.user}) $(hdr(P-Uri){uri.passwd}) $(hdr(P-Uri){uri.host})",
            "joe pw h.example",
        ),
        (
            "$(hdr(P-Uri){uri.port}) $(hdr(P-Uri){uri.param,tr}) $(hdr(P-Uri){uri.params})",
            "99 tcp tr=tcp",
        ),
        ("$(hdr(P-Address){nameaddr.name}) $(hdr(P-Address){nameaddr.uri})", "\"N M\" sip:n@m"),
        ("$(hdr(P-Address){tobody.user}) $(hdr(P-Address){tobody.host})", "n m"),
        ("$(hdr(P-List){param.value,b}) $(hdr(P-List){param.name,0})", "2 a"),
        ("$(hdr(P-List){param.count})", "3"),
        ("$(hdr(P-Quoted){param.value,b}) $(hdr(P-Quoted){param.count})", "q;\\\"r 3"),
        ("$(hdr(P-List){param.valueat,-1}) $(hdr(P-List){param.in,z})", "3 0"),
        ("$(mb{line.at,1}{s.len})", "42"),
        ("$(ru{re.subst,/^sip:(.+)@(.+)$/\\2=\\1/})", "example.com=alice"),
        ("$(hdr(P-Not){s.len})", "<null>"),
    ]);
    let body = "$var(i) = 2; $var(l) = 1; xlog(\"$(rU{s.substr,$var(i),$var(l)})\\n\");";
    assert_eq!(lines(body, ""), ["i"]);
}

#[test]
fn the_request_uri_is_rewritten_part_by_part() {
    for (statements, before, after) in [
        (
            "rewritehost(\"192.0.2.7\");",
            "sip:u:p@foo.bar:6060;x?H=v",
            "sip:u:p@192.0.2.7:6060;x?H=v",
        ),
        ("rewritehost(\"192.0.2.7\");", "sip:foo.bar", "sip:192.0.2.7"),
        ("rewritehost(\"192.0.2.7\");", "sip:u@[2001:db8::1]:99;a", "sip:u@192.0.2.7:99;a"),
        ("rewriteuri(\"sip:alice@foo.bar\");", "sip:a@b", "sip:alice@foo.bar"),
        (
            "rewritehostport(\"192.0.2.7:3040\");",
            "sip:12345@foo.bar:6060",
            "sip:12345@192.0.2.7:3040",
        ),
        ("rewritehostport(\"h\");", "sip:12345@foo.bar:6060", "sip:12345@h"),
        (
            "rewritehostporttrans(\"h:1;transport=udp\");",
            "sip:a@b;transport=tcp;x",
            "sip:a@h:1;transport=udp;x",
        ),
        ("rewriteuser(\"alice\");", "sip:1:pw@foo.bar:6060", "sip:alice:pw@foo.bar:6060"),
        ("rewriteuserpass(\"alice:pw\");", "sip:1@foo.bar", "sip:alice:pw@foo.bar"),
        ("rewriteport(\"1234\");", "sip:1@foo.bar:6060;x", "sip:1@foo.bar:1234;x"),
        ("prefix(\"9\");", "sip:12345@foo.bar", "sip:912345@foo.bar"),
        ("prefix(\"9\");", "sip:example.com", "sip:9@example.com"),
        ("prefix(\"9\");", "tel:123;x=y", "tel:9123;x=y"),
        ("strip(2);", "sip:12345@foo.bar:6060", "sip:345@foo.bar:6060"),
        ("strip(9);", "sip:ab@foo.bar", "sip:foo.bar"),
        ("strip_tail(2);", "sip:12345@foo.bar", "sip:123@foo.bar"),
        ("userphone();", "sip:1@foo.bar;x?H=v", "sip:1@foo.bar;x;user=phone?H=v"),
        ("rewritehost(\"h\");", "tel:+123;ext=4", "sip:+123;ext=4@h;user=phone"),
        ("rewritehostport(\"h:1\"); strip(1);", "tel:+123", "sip:123@h:1;user=phone"),
        ("userphone(); if ($rd == $null) strip(1);", "tel:+123", "tel:123"),
        ("seth(\"h\"); setp(\"1\"); setu(\"u\");", "sip:a@b", "sip:u@h:1"),
        ("$rU = \"neo\"; $rd = \"h\"; $rp = 99;", "sip:a:pw@b", "sip:neo:pw@h:99"),
        ("$rU = $null;", "sip:a@b;x", "sip:b;x"),
        ("$ru = \"sip:t@z;x=y\";", "sip:a@b", "sip:t@z;x=y"),
        ("rewritehost(\"h\"); revert_uri();", "sip:a@b", "sip:a@b"),
        ("rewriteuser(\"a\\r\\nX: y\");", "sip:a@b", "sip:a@b"),
    ] {
        let message = REQUEST.replacen("sip:alice@example.com", before, 1);
        let script = format!("route {{ {statements} }}");
        let outcome = run_over(&script, &message, Recorder::default());
        assert_eq!(outcome.uri, after, "{statements} {before}");
    }
}

#[test]
fn stripping_more_than_there_is_takes_the_user_away() {
    let message = REQUEST.replacen("alice", "ab", 1);
    for strip in ["strip(3)", "strip_tail(3)", "strip(2)", "strip(3) && strip(3)"] {
        let script = format!("route {{ if ({strip}) xlog(\"$ru\\n\"); }}");
        let outcome = run_over(&script, &message, Recorder::default());
        assert_eq!(outcome.host.lines, ["sip:example.com"], "{strip}");
    }
}

#[test]
fn forward_goes_where_it_is_told() {
    for (statement, hop) in [
        ("forward();", "sip:alice@example.com"),
        ("forward(192.0.2.7, 5080);", "sip:alice@example.com by 192.0.2.7:5080"),
        ("forward(\"gw.example\", \"5080\");", "sip:alice@example.com by gw.example:5080"),
        ("forward(\"gw.example\", 0);", "sip:alice@example.com by gw.example"),
        ("forward(192.0.2.7);", "sip:alice@example.com by 192.0.2.7"),
        ("forward(uri:host, uri:port);", "sip:alice@example.com by example.com"),
        ("forward([2001:db8::1], 5080);", "sip:alice@example.com by [2001:db8::1]:5080"),
        ("forward(2001:db8::1, 5080);", "sip:alice@example.com by [2001:db8::1]:5080"),
    ] {
        let script = format!("route {{ {statement} }}");
        let outcome = run_over(&script, REQUEST, Recorder::default());
        assert_eq!(outcome.host.hops, [hop], "{statement}");
    }
    let host = Recorder { refusal: Some(Refusal::Unresolvable), ..Recorder::default() };
    let outcome = run_over("route { if (!forward()) xlog(\"failed\\n\"); }", REQUEST, host);
    assert_eq!(outcome.host.lines, ["failed"]);
}

#[test]
fn the_destination_set_and_the_destination_uri_are_the_scripts() {
    let script = "route { append_branch(\"sip:b@c\", \"0.5\"); rewriteuser(\"x\");\n\
        append_branch();\n\
        if (append_branch(\"sip:b@c\", \"7\")) xlog(\"bad q\\n\");\n\
        $du = \"sip:192.0.2.7\"; if (isdsturiset()) xlog(\"$du $dd $dp\\n\"); }";
    let outcome = run_over(script, REQUEST, Recorder::default());
    let branches = [("sip:b@c".to_owned(), Some(500)), ("sip:x@example.com".to_owned(), None)];
    assert_eq!(outcome.branches, branches);
    assert_eq!(outcome.destination.as_deref(), Some("sip:192.0.2.7"));
    let refused = "t.cfg:5: append_branch: q must be a number from 0 to 1";
    assert_eq!(outcome.host.lines, [refused, "sip:192.0.2.7 192.0.2.7 5060"]);
    let script = "max_branches=1\nroute { append_branch(); if (!append_branch()) $du = $null; }";
    assert_eq!(run_over(script, REQUEST, Recorder::default()).branches.len(), 1);
}

#[test]
fn flags_have_numbers_and_names() {
    let script = "flags FLT_A:7;\nroute { setflag(FLT_A); setflag(3); resetflag(3);\n\
        if (isflagset(7) && !isflagset(3)) xlog(\"$mf\\n\"); setbflag(6); xlog(\"$bf $bF\\n\"); }";
    let outcome = run_over(script, REQUEST, Recorder::default());
    assert_eq!(outcome.host.lines, ["128", "64 00000040"]);
}

#[test]
fn dropping_stops_a_response() {
    let script = "route { exit; } onreply_route { xlog(\"$rs $rr $rm $method [$ru]\\n\"); \
                  if (status =~ \"^(183|486)$\" && status != 180 && method == \"INVITE\") drop; }";
    for (code, verdict) in [("180", Verdict::End), ("183", Verdict::Drop), ("486", Verdict::Drop)] {
        let outcome = run_over(script, &RESPONSE.replace("CODE", code), Recorder::default());
        assert_eq!(outcome.verdict, verdict, "{code}");
        assert_eq!(outcome.host.lines, [format!("{code} Some Reason INVITE SIP/2.0 [<null>]")]);
    }
}

#[test]
fn lines_above_the_level_are_not_written() {
    let body = "xlog(\"L_INFO\", \"no\\n\"); xlog(L_ERR, \"yes\\n\");\n\
                xdbg(\"no\\n\"); xwarn(\"w\\n\"); log(3, \"no\\n\"); log(1, \"$ru\\n\");\n\
                log(\"plain\\n\"); xlog(\"$Crxred$Cxx\\n\");";
    let wanted = ["yes", "w", "$ru", "plain", "\u{1b}[0;31;49mred\u{1b}[0m"];
    assert_eq!(lines(body, ""), wanted);
}

#[test]
fn percent_signs_are_for_ser() {
    let text = "#!SER\nloadmodule \"xlog.so\"\n\
                route { xlog(\"L_ERR\", \"%rm %is 100%% %{P-One} $5\\n\"); }";
    let parsed = parse_text(Path::new("t.cfg"), text.as_bytes().to_vec(), &NoFiles);
    let program = compile(parsed, &REGISTRY).unwrap().program;
    let mut index = MessageIndex::default();
    parse(REQUEST.as_bytes(), &mut index).unwrap();
    let arena = Bump::new();
    let mut host = Recorder::default();
    let ways = [([192, 0, 2, 9], 5066), ([192, 0, 2, 1], 5060)].map(SocketAddr::from);
    let message = Message::new(REQUEST.as_bytes(), &index);
    let mut edits = EditList::default();
    let transit = Transit::new(message, (&ways[0], &ways[1]), ListenerId(0), (&arena, &mut edits));
    let mut execution = Execution::new(transit, &mut host, &program);
    run(&mut execution, program.main_route().unwrap());
    drop(execution);
    assert_eq!(host.lines, ["OPTIONS 192.0.2.9 100% first $5"]);
}

#[test]
fn names_that_nothing_has_are_errors_with_advice() {
    for (body, message, help) in [
        ("foward();", "there is no function `foward`", "did you mean `forward`?"),
        (
            "sl_send_reply(\"200\", \"OK\");",
            "`sl_send_reply` belongs to module `sl`, which is not loaded",
            "add `loadmodule \"sl.so\"`",
        ),
        ("t_relay();", "`t_relay` of module `tm` is not supported yet", ""),
        ("ds_select_dst();", "`ds_select_dst` of module `dispatcher` is not supported yet", ""),
        ("xlog(\"$rpl(duri)\\n\");", "`$rpl` of module `pv` is not supported yet", ""),
        ("strip();", "`strip` does not take no arguments", "it is called as `strip(count)`"),
        ("strip(\"x\");", "`count` of `strip` must be a number", ""),
        ("route(HEPL);", "there is no `route[HEPL]`", ""),
        ("xlog(\"$rdomian\\n\");", "there is no variable `$rdomian`", "did you mean `$rdomain`?"),
        ("xlog(\"$rX\\n\");", "there is no variable `$rX`", ""),
        (
            "xlog(\"$(rU{s.ln})\\n\");",
            "there is no transformation `{s.ln}`",
            "did you mean `{s.len}`?",
        ),
        ("$si = \"x\";", "`$si` cannot be assigned to", ""),
        ("$(rU{s.len}) = \"x\";", "`$(rU{s.len})` cannot be assigned to", ""),
        ("setflag(32);", "flags have numbers from 0 to 31", ""),
        ("setflag(FLT_X);", "there is no flag `FLT_X`", "declare it: `flags FLT_X:1;`"),
        ("if (uri =~ \"(\") exit;", "", ""),
        (
            "if (src_ip == gw.example.com) exit;",
            "`gw.example.com` is no address and no network",
            "",
        ),
        ("if (methd == \"INVITE\") exit;", "`methd` has no meaning here", "did you mean `method`?"),
        (
            "switch ($rU) { case \"a\": exit; case \"a\": exit; }",
            "this value has a `case` already",
            "",
        ),
        ("xlog(\"L_LOUD\", \"x\\n\");", "`level` of `xlog` must be a log level such as L_ERR", ""),
        ("xlog(\"$(hdr(x)[y])\\n\");", "an index is a number, `*` or a variable", ""),
    ] {
        let (found, advice) = error(body);
        if !message.is_empty() {
            assert_eq!(found, message, "{body}");
        }
        if !help.is_empty() {
            assert_eq!(advice, help, "{body}");
        }
    }
}

#[test]
fn all_errors_are_found_at_once_and_in_their_places() {
    let script = "route { foo(); bar(\"x\"); $var(x) = $nope; }\nroute { exit; }";
    assert_eq!(errors(script), ["E0401", "E0401", "E0412", "E0417"]);
    let Err(diagnostics) = try_compile("route { xlog(\"ab $rX\\n\"); }") else { panic!() };
    let (span, _) = &diagnostics[0].primary;
    assert_eq!(span.end - span.start, 10, "escapes are in the way: the whole string");
    let Err(diagnostics) = try_compile("route { xlog(\"ab $rX\"); }") else { panic!() };
    let (span, _) = &diagnostics[0].primary;
    assert_eq!(span.end - span.start, 3, "just the variable");
}

#[test]
fn modules_and_their_parameters_are_checked() {
    for (line, codes) in [
        ("loadmodule \"nonsense.so\"", &["E0408"][..]),
        ("loadmodule \"tm.so\"", &[]),
        ("modparam(\"xlog\", \"buf_size\", 1024)", &[]),
        ("modparam(\"xlog\", \"buf_size\", \"1024\")", &[]),
        ("modparam(\"xlog\", \"buf_size\", \"x\")", &["E0411"]),
        ("modparam(\"xlog\", \"bufsize\", 1024)", &["E0410"]),
        ("modparam(\"rr\", \"enable_full_lr\", 1)", &["E0402"]),
        ("modparam(\"nonsense\", \"x\", 1)", &["E0408"]),
    ] {
        assert_eq!(errors(&format!("{line}\nroute {{ exit; }}")), codes, "{line}");
    }
    assert_eq!(errors("onreply_route { exit; }"), ["E0418"]);
    assert_eq!(errors("route { exit; } onreply_route { forward(); }"), ["E0406"]);
    let shared = "route { exit; } onreply_route { route(A); } route[A] { forward(); }";
    assert_eq!(errors(shared), ["E0406"], "a subroutine is what its callers are");
}

/// The codes of what is told of a script that runs, but not that it uses nothing of `xlog`.
fn told(script: &str) -> Vec<&'static str> {
    let diagnostics = try_compile(script).unwrap().diagnostics;
    let codes = diagnostics.iter().map(|found| found.code.0);
    codes.filter(|code| *code != "W0411").collect()
}

#[test]
fn doubtful_things_are_told_but_run() {
    for (script, code) in [
        ("route { exit; xlog(\"x\\n\"); }", "W0401"),
        ("route { $var(x) = \"user $rU\"; exit; }", "W0402"),
        ("route { $var(x) = 1; }", "W0403"),
        ("loadmodule \"tm.so\"\nroute { exit; }", "N0404"),
        ("modparam(\"xlog\", \"buf_size\", 1)\nroute { exit; }", "N0405"),
    ] {
        assert_eq!(told(script), [code], "{script}");
    }
    let quiet = "route { if (method == \"INVITE\") { forward(); } else { exit; } }";
    assert_eq!(told(quiet), [""; 0]);
}

#[test]
fn deep_and_long_expressions_do_not_fill_the_stack() {
    let nested = format!("route {{ xlog(\"{}{}\"); }}", "$hdr(".repeat(500), ")".repeat(500));
    assert_eq!(errors(&nested), ["E0414"]);
    let long = format!("route {{ $var(x) = $rU{}; exit; }}", " + 1".repeat(20_000));
    let _ = errors(&long);
    let chain = format!("route {{ {} exit; }}", "if ($rU == 1) exit; else ".repeat(20_000));
    let _ = errors(&chain);
}

#[test]
fn the_examples_of_all_functions_compile() {
    let is_ready = |module: &&&ModuleSpec| module.state == ModuleState::Ready;
    let modules = REGISTRY.modules.iter().filter(is_ready);
    let load: String =
        modules.map(|module| format!("loadmodule \"{}.so\"\n", module.name)).collect();
    for (_, function) in REGISTRY.functions() {
        let block = match function.routes.contains(RouteKind::Request) {
            true => format!("route {{ {} }}", function.example),
            false => format!("route {{ exit; }} onreply_route {{ {} }}", function.example),
        };
        let found = errors(&format!("{load}{block}"));
        assert_eq!(found, [""; 0], "{}: {}", function.name, function.example);
    }
}

#[test]
fn log_lines_have_the_facility_that_is_named() {
    let body = "xlog(\"LOG_LOCAL1\", \"L_ERR\", \"a\\n\"); xlog(\"b\\n\"); xlogl(\"c\\n\");";
    assert_eq!(lines(body, ""), ["<17> a", "b", "t.cfg:4: c"]);
    let facility = "modparam(\"xlog\", \"log_facility\", \"LOG_LOCAL7\")";
    assert_eq!(lines(body, facility), ["<17> a", "<23> b", "<23> t.cfg:4: c"]);
    let wrong = "modparam(\"xlog\", \"log_facility\", \"LOCAL7\")\nroute { exit; }";
    assert_eq!(errors(wrong).len(), 1);
}
