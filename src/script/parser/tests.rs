use std::path::Path;

use crate::script::ast::*;
use crate::script::load::{Reader, parse_text};

/// Reads no files.
struct Nothing;

impl Reader for Nothing {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// The tree of a script, or its diagnostics.
fn parse(text: &str) -> Result<Ast, String> {
    match parse_text(Path::new("test.cfg"), text.as_bytes().to_vec(), &Nothing) {
        Ok(parsed) => Ok(parsed.ast),
        Err(rejected) => {
            let show = |d: &crate::script::Diagnostic| {
                let place = rejected.map.place(d.primary.0).unwrap();
                format!("{}@{}:{} {}", d.code.0, place.line, place.column, d.message)
            };
            let is_error =
                |d: &&crate::script::Diagnostic| d.severity == crate::script::Severity::Error;
            let shown = rejected.diagnostics.iter().filter(is_error).map(show);
            Err(shown.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// The statements of a main route, in short.
fn body(text: &str) -> String {
    match parse(&format!("route {{ {text} }}")) {
        Ok(ast) => ast.routes[0].body.iter().map(statement).collect::<Vec<_>>().join(" "),
        Err(shown) => shown,
    }
}

/// An expression in short.
fn value(text: &str) -> String {
    body(&format!("$x = {text};")).trim_start_matches("$x = ").trim_end_matches(';').to_owned()
}

fn statement(statement: &Statement) -> String {
    let many = |list: &[Statement]| list.iter().map(self::statement).collect::<Vec<_>>().join(" ");
    match &statement.kind {
        StatementKind::Assign { target, operator, value } => {
            let name = String::from_utf8_lossy(&target.node);
            let operator = operator.map_or(String::new(), |operator| format!("{operator:?}"));
            format!("{name} {operator}= {};", expression(value))
        }
        StatementKind::Block(list) => format!("{{{}}}", many(list)),
        StatementKind::Break => "break;".to_owned(),
        StatementKind::Call(call) => format!("{};", self::call(call)),
        StatementKind::Drop => "drop;".to_owned(),
        StatementKind::Exit => "exit;".to_owned(),
        StatementKind::If { condition, then, otherwise } => {
            let other = otherwise.as_ref().map(|other| format!(" else {}", self::statement(other)));
            let then = self::statement(then);
            format!("if {} {then}{}", expression(condition), other.unwrap_or_default())
        }
        StatementKind::Return(value) => {
            format!("return {};", value.as_ref().map(expression).unwrap_or_default())
        }
        StatementKind::Switch { value, cases } => {
            let show = |case: &Case| match &case.label {
                CaseLabel::Value(value) => format!("{}: {}", expression(value), many(&case.body)),
                CaseLabel::Regex(regex) => {
                    format!("/{}/: {}", String::from_utf8_lossy(&regex.node), many(&case.body))
                }
                CaseLabel::Default => format!("_: {}", many(&case.body)),
            };
            let cases = cases.iter().map(show).collect::<Vec<_>>().join(" ");
            format!("switch {} {{{cases}}}", expression(value))
        }
        StatementKind::While { condition, body } => {
            format!("while {} {}", expression(condition), self::statement(body))
        }
    }
}

fn call(call: &Call) -> String {
    let arguments = call.arguments.iter().map(expression).collect::<Vec<_>>().join(", ");
    format!("{}({arguments})", call.name.node)
}

fn expression(value: &Expression) -> String {
    match &value.kind {
        ExpressionKind::Binary(operator, left, right) => {
            format!("({operator:?} {} {})", expression(left), expression(right))
        }
        ExpressionKind::Call(call) => self::call(call),
        ExpressionKind::Int(number) => number.to_string(),
        ExpressionKind::Text(text, _) => format!("{:?}", String::from_utf8_lossy(text)),
        ExpressionKind::Unary(operator, operand) => {
            format!("({operator:?} {})", expression(operand))
        }
        ExpressionKind::Variable(name) => String::from_utf8_lossy(name).into_owned(),
        ExpressionKind::Word(word) => format!("'{word}"),
    }
}

#[test]
fn operators_bind_as_in_c() {
    assert_eq!(value("2 + 3 * 4"), "(Add 2 (Multiply 3 4))");
    assert_eq!(value("10 - 4 - 3"), "(Subtract (Subtract 10 4) 3)");
    assert_eq!(value("1 == 1 || 2 == 2 && 3 < 4"), "(Or (Equal 1 1) (And (Equal 2 2) (Less 3 4)))");
    assert_eq!(value("1 | 2 ^ 3 & 4 == 5"), "(BitOr 1 (BitXor 2 (BitAnd 3 (Equal 4 5))))");
    assert_eq!(value("1 << 2 + 3 mod 4"), "(ShiftLeft 1 (Add 2 (Modulo 3 4)))");
    assert_eq!(value("(2 - (3 - 4)) * -1"), "(Multiply (Subtract 2 (Subtract 3 4)) -1)");
    assert_eq!(value("a and b or not c"), "(Or (And 'a 'b) (Not 'c))");
    assert_eq!(value("(int)$x + (str)1"), "(Add (ToInt $x) (ToText 1))");
    assert_eq!(value("defined $x && strlen($x) > 1"), "(And (Defined $x) (Greater (StrLen $x) 1))");
    assert_eq!(value("~1 - !f()"), "(Subtract (BitNot 1) (Not f()))");
}

#[test]
fn not_before_a_bare_operand_negates_the_comparison() {
    assert_eq!(value("!uri==myself && 1"), "(And (Not (Equal 'uri 'myself)) 1)");
    assert_eq!(value("!method==\"REGISTER\""), "(Not (Equal 'method \"REGISTER\"))");
    assert_eq!(value("!src_ip==10.0.0.1"), "(Not (Equal 'src_ip '10.0.0.1))");
    assert_eq!(value("!$x==1"), "(Equal (Not $x) 1)");
    assert_eq!(value("!f(1)==1"), "(Equal (Not f(1)) 1)");
}

#[test]
fn bare_text_is_joined() {
    assert_eq!(body("forward(192.168.99.100, 5060);"), "forward('192.168.99.100, 5060);");
    assert_eq!(body("forward( uri:host,uri:port);"), "forward('uri:host, 'uri:port);");
    assert_eq!(body("send(udp:[2001:db8::1]:5060);"), "send('udp:[2001:db8::1]:5060);");
    assert_eq!(value("src_ip==10.0.0.0/8"), "(Equal 'src_ip '10.0.0.0/8)");
    assert_eq!(value("src_ip==10.0.0.0/255.0.0.0"), "(Equal 'src_ip '10.0.0.0/255.0.0.0)");
    assert_eq!(value("src_ip==2001:db8::1"), "(Equal 'src_ip '2001:db8::1)");
    assert_eq!(value("src_ip==::/0"), "(Equal 'src_ip '::/0)");
    assert_eq!(value("src_ip==:: && af==INET6"), value("(src_ip==::) && (af==INET6)"));
    assert_eq!(value("src_ip==[::1]:5060"), "(Equal 'src_ip '[::1]:5060)");
    assert_eq!(value("src_ip==::1"), "(Equal 'src_ip '::1)");
    assert_eq!(value("msg:len>=max_len-1"), "(GreaterEqual 'msg:len (Subtract 'max_len 1))");
    assert_eq!(body("f(my-host.example.com:5060);"), "f('my-host.example.com:5060);");
    assert_eq!(body("route(AUTH);"), "route('AUTH);");
    assert_eq!(body("route(1);"), "route(1);");
    assert_eq!(body("route(\"A\" + $x);"), "route((Add \"A\" $x));");
    assert_eq!(body("route(a-b:c);"), "route('a-b:c);");
}

#[test]
fn strings_next_to_each_other_are_one() {
    assert_eq!(value("\"a\" 'b' \"c\""), "\"abc\"");
}

#[test]
fn statements_of_all_kinds_are_read() {
    assert_eq!(body(";"), "");
    assert_eq!(body("{ f(); };"), "{f();}");
    assert_eq!(body("break; exit; drop; return;"), "break; exit; drop; return ;");
    assert_eq!(body("exit(); exit(0); drop(); break();"), "exit; exit; drop; break;");
    assert_eq!(body("return(1); return 1; return -1;"), "return 1; return 1; return -1;");
    assert_eq!(body("return(); return (1) + 2;"), "return ; return (Add 1 2);");
    assert_eq!(body("$x = 1; $x += 2; $x .= 3;"), "$x = 1; $x Add= 2; $x Add= 3;");
    assert_eq!(body("while ($x < 1) { f(); }"), "while (Less $x 1) {f();}");
    assert_eq!(body("force_rport;"), "force_rport();");
    assert_eq!(body("if method==\"A\" f(); else g();"), "if (Equal 'method \"A\") f(); else g();");
    assert_eq!(body("if (a) && (b) f();"), "if (And 'a 'b) f();");
}

#[test]
fn else_belongs_to_the_inner_if() {
    assert_eq!(body("if (a) if (b) f(); else g();"), "if 'a if 'b f(); else g();");
    assert_eq!(
        body("if (a) { f(); } else if (b) { g(); } else h(); i();"),
        "if 'a {f();} else if 'b {g();} else h(); i();"
    );
}

#[test]
fn a_switch_has_values_and_regexes() {
    assert_eq!(
        body(
            "switch ($rU) { case \"a\": case 'b': f(); break; case /\"^c\": g(); case /^d:\n h();\
              case 1:f(); case -1: case X: default: { i(); } }"
        ),
        "switch $rU {\"a\":  \"b\": f(); break; /^c/: g(); /^d/: h(); 1: f(); -1:  'X:  _: {i();}}"
    );
}

#[test]
fn route_blocks_have_kinds_and_names() {
    let ast = parse(
        "route {} route[1] {} route[NAME] {} route[\"Q\"] {} request_route {} onreply_route[2] {}\
         reply_route {} on_reply_route[3] {} failure_route[F] {} branch_route[B] {}\
         onsend_route {} local_route {} event_route[tm:local-request] {} startup_route {};",
    )
    .unwrap();
    let shown: Vec<_> =
        ast.routes.iter().map(|route| format!("{:?} {}", route.kind, route.name.node)).collect();
    assert_eq!(
        shown.join(", "),
        "Request 0, Request 1, Request NAME, Request Q, Request 0, Reply 2, Reply 0, Reply 3, \
         Failure F, Branch B, OnSend 0, Other 0, Event tm:local-request, Other 0"
    );
}

#[test]
fn lines_outside_of_blocks_are_read() {
    let ast = parse(
        "debug=-1 children=4\nlisten=udp:10.0.0.1:5060 advertise 5.6.7.8:5070 name \"x\"\n\
         listen=udp:[::1]:5060\nalias=\"a\" alias=b \"c:5060\"\npstn.gw_ip = \"\" desc \"d\"\n\
         log_facility=LOG_LOCAL0;\nmpath=\"/a/\"\nloadpath \"/b\"\nloadmodule \"x/tm.so\"\n\
         modparam(\"a|b\", \"c\", \"d\"\n \"e\")\nmodparam(\"a\", \"c\", -5);\n\
         modparam(\"a\", \"c\", $avp(s:x))\nflags A:3, B, C:1;\navpflags x;\n",
    )
    .unwrap();
    let show = |value: &Spanned<GlobalValue>| match &value.node {
        GlobalValue::Int(number) => number.to_string(),
        GlobalValue::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
        GlobalValue::Word(word) => word.clone(),
    };
    let globals: Vec<_> = ast
        .globals
        .iter()
        .map(|global| {
            let values: Vec<_> = global.values.iter().map(show).collect();
            format!("{}={}", global.name.node, values.join(" "))
        })
        .collect();
    assert_eq!(
        globals,
        [
            "debug=-1",
            "children=4",
            "listen=udp:10.0.0.1:5060 advertise 5.6.7.8:5070 name \"x\"",
            "listen=udp:[::1]:5060",
            "alias=\"a\"",
            "alias=b \"c:5060\"",
            "pstn.gw_ip=\"\" desc \"d\"",
            "log_facility=LOG_LOCAL0",
            "mpath=\"/a/\"",
            "loadpath=\"/b\"",
        ]
    );
    let modparams: Vec<_> = ast.modparams.iter().map(|modparam| show(&modparam.value)).collect();
    assert_eq!(modparams, ["\"de\"", "-5", "\"$avp(s:x)\""]);
    let flags: Vec<_> = ast.flags.iter().map(|(name, n)| format!("{}:{n}", name.node)).collect();
    assert_eq!(flags, ["A:3", "B:0", "C:1"]);
}

#[test]
fn each_slip_is_reported_once_where_it_is() {
    let cases = [
        ("log(1,\"x\")\nf();", "E0203@1:19 missing `;`"),
        ("if (!lookup(\"location\") { f(); }", "E0202@1:32 missing `)`"),
        ("f(\"a\", \"b\";\ng();", "E0202@1:19 missing `)`"),
        ("f(\"a\" \"b\" 5);", ""),
        ("if ($x = 1) f();", "E0208@1:16 `=` assigns and cannot stand in a condition"),
        ("f() + 1; g();", "E0201@1:13 expected `;`, found `+`"),
        ("else f();", "E0212@1:9 `else` without `if`"),
        ("if (a) f();; else g();", "E0212@1:22 `else` without `if`"),
        ("case 1: f();", "E0212@1:9 `case` outside `switch`"),
        ("brake;", "E0210@1:9 `brake` is no statement"),
        ("x = 1;", "E0210@1:9 `x` cannot be assigned to"),
        ("if (a b c) { f(; }\ng();", ""),
    ];
    for (text, expected) in cases {
        let shown = body(text);
        if expected.is_empty() {
            assert!(shown.contains("E02"), "{text}: {shown}");
        } else {
            assert_eq!(shown, expected, "{text}");
        }
    }
}

#[test]
fn a_missing_brace_is_found_by_the_indentation() {
    let opening = "route {\n  if (uri=~\"a\")\n    f();\n    g();\n  }\n  h();\n}\nroute[1] {}\n";
    assert_eq!(parse(opening).unwrap_err(), "E0207@2:16 missing `{`");
    let with_else = "route {\n  if (a)\n    f();\n    g();\n  } else {\n    h();\n  }\n}\n";
    assert_eq!(parse(with_else).unwrap_err(), "E0207@2:9 missing `{`");
    let closing =
        "route {\n  if (a) {\n    if (b) {\n      f();\n  }\n}\n\nroute[1] {\n  f();\n}\n";
    assert_eq!(parse(closing).unwrap_err(), "E0205@3:12 this `{` is not closed");
    let odd = "route {\n  if (a)\n    f();\n  }\nroute[1] {\n  if (b)\n    f();\n  }\n";
    assert!(parse(odd).is_ok(), "indentation alone is no error");
    let end = "route {\n  f();\n";
    assert_eq!(parse(end).unwrap_err(), "E0205@1:7 this `{` is not closed");
    let stray = "route {\n f();\n}\n}\nroute[1] { g( }\n";
    assert_eq!(
        parse(stray).unwrap_err(),
        "E0206@4:1 this `}` closes nothing\nE0202@5:14 missing `)`"
    );
}

#[test]
fn deep_nesting_is_refused_and_long_chains_are_bounded() {
    for text in [
        format!("route {{ {} }}", "{".repeat(5_000)),
        format!("route {{ $x = {}1; }}", "(".repeat(5_000)),
        format!("route {{ $x = {}1; }}", "!".repeat(5_000)),
        format!("route {{ $x = 1{}; }}", " + 1".repeat(5_000)),
        format!("route {{ {} f(); }}", "if (a) f(); else ".repeat(5_000)),
        format!("route {{ {} f(); }}", "if (a) ".repeat(5_000)),
        format!("route {{ $x = {}1; }}", "f(".repeat(5_000)),
    ] {
        let shown = parse(&text).unwrap_err();
        assert!(shown.starts_with("E0209"), "{shown}");
        assert_eq!(shown.lines().count(), 1, "{shown}");
    }
    assert!(parse(&format!("route {{ $x = 1{}; }}", " + 1".repeat(400))).is_ok());
}
