use super::*;

/// The tokens of a text, one way to write each, with a space where there is a gap.
fn show(text: &str) -> String {
    let mut problems = Problems::default();
    let mut lexer = Lexer::new(text.as_bytes().into(), 0);
    let mut shown = String::new();
    loop {
        let token = lexer.next_token(&mut problems);
        let piece = match &token.kind {
            TokenKind::End => break,
            TokenKind::Directive(word, rest) => {
                format!("!{word}{}", String::from_utf8_lossy(&lexer.text[rest.clone()]))
            }
            TokenKind::Mark(mark) => (*mark).to_owned(),
            TokenKind::Number(number, _) => format!("{number}"),
            TokenKind::Regex(regex) => format!("/{}", String::from_utf8_lossy(regex)),
            TokenKind::Text(text, StringStyle::Double) => format!("{:?}", lossy(text)),
            TokenKind::Text(text, StringStyle::Single) => format!("'{}'", lossy(text)),
            TokenKind::Variable(name) => format!("<{}>", lossy(name)),
            TokenKind::Word(word) => word.clone(),
        };
        if token.gap != Gap::None && !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(&piece);
    }
    for problem in problems.into_list() {
        let span = problem.primary.0;
        shown.push_str(&format!(" [{} {}..{}]", problem.code.0, span.start, span.end));
    }
    shown
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[test]
fn words_numbers_and_marks_are_told_apart() {
    assert_eq!(show("forward(192.0.2.1, 0x1f);"), "forward(192.0.2.1, 31);");
    assert_eq!(show("a=010 b=08 c=101b d=3pcc"), "a=8 b=8 c=5 d=3pcc");
    assert_eq!(show("uri=~$x && !y||z>=1<<2"), "uri=~<$x> && !y||z>=1<<2");
    assert_eq!(show("99999999999999999999"), "0 [E0104 0..20]");
}

#[test]
fn comments_are_skipped_but_not_in_strings() {
    assert_eq!(show("a # b\nc // d\ne /* f\n */ g"), "a c e g");
    assert_eq!(show("\"a # b // c /* d */\""), "\"a # b // c /* d */\"");
    assert_eq!(show("a(\"x\" /* realm */, \"y\")"), "a(\"x\" , \"y\")");
    assert_eq!(show("a /* b"), "a [E0102 2..4]");
}

#[test]
fn escapes_are_resolved_and_those_of_regexes_stay() {
    assert_eq!(show(r#""a\"b\\c\.d\n""#), r#""a\"b\\c\\.d\n""#);
    assert_eq!(show(r"'a\n'"), r"'a\n'");
}

#[test]
fn pseudo_variables_are_captured_whole() {
    let text =
        "$ru $var(x) $avp(s:name) $(hdr(X)[-1]{s.select,1,,}) $xavp(a=>b[0]=>c) $Cbg $$ $T(x)";
    let shown = "<$ru> <$var(x)> <$avp(s:name)> <$(hdr(X)[-1]{s.select,1,,})> <$xavp(a=>b[0]=>c)> \
                 <$Cbg> <$$> <$T(x)>";
    assert_eq!(show(text), shown);
    assert_eq!(show("$ru=1"), "<$ru>=1");
    assert_eq!(
        show("@to.tag==\"\" @hf_value[\"x\"]"),
        "<$sel(to.tag)>==\"\" <$sel(hf_value[\"x\"])>"
    );
    assert_eq!(show("$var(x = 1;\nb"), "<$var(x> = 1; b [E0105 0..6]");
    assert_eq!(show("$f.uid $fu.a.b"), "<$f.uid> <$fu.a>.b");
    assert_eq!(show("$ x"), "<$> x [E0105 0..1]");
}

#[test]
fn a_case_may_have_a_bare_or_quoted_regex() {
    assert_eq!(show("case /^sip:[0-9]+@:\n x"), "case /^sip:[0-9]+@: x");
    assert_eq!(show("case /\"^a\": b"), "case /^a: b");
    assert_eq!(show("case /^9/: b"), "case /^9: b");
    assert_eq!(show("case /'^a'/: b"), "case /^a: b");
}

#[test]
fn preprocessor_lines_stand_at_the_start_of_a_line() {
    assert_eq!(show("#!define A 1\nA"), "!define A 1 A");
    assert_eq!(show("\t!!ifdef X\n!!y"), "!ifdef X !!y");
    assert_eq!(show("a #!define\nb"), "a b");
    assert_eq!(show("#!/usr/sbin/kamailio -f\nb"), "b");
    assert_eq!(show("#!define A 1 \\\n 2\nb"), "!define A 1 \\\n 2 b");
}

#[test]
fn a_string_of_several_lines_is_one_string() {
    assert_eq!(show("(\"a=$b;\n c=$d\")"), "(\"a=$b;\\n c=$d\")");
    assert_eq!(show("(\"values (a)\n and (\" + $x)"), "(\"values (a)\\n and (\" + <$x>)");
    assert_eq!(show("(\"{ (a);\n b=\", 1)"), "(\"{ (a);\\n b=\", 1)");
}

#[test]
fn an_unclosed_string_ends_where_it_was_meant_to() {
    assert_eq!(show("f(\"a b);\ng(\"c\");"), "f(\"a b\"); g(\"c\"); [E0101 2..6]");
    assert_eq!(
        show("if (search(\"(f|From): .*@a.com)) {\n g(\"c\"); }"),
        "if (search(\"(f|From): .*@a.com\")) { g(\"c\"); } [E0101 11..30]"
    );
    assert_eq!(show("f(\"a.com /* x */, \"1\" );\n"), "f(\"a.com\" , \"1\" ); [E0101 2..8]");
    assert_eq!(
        show("loadmodule \"sl.so\nloadmodule \"tm.so\"\n"),
        "loadmodule \"sl.so\" loadmodule \"tm.so\" [E0101 11..17]"
    );
    assert_eq!(show("f(\"a);\nif (g(\" b\"))"), "f(\"a\"); if (g(\" b\")) [E0101 2..4]");
    assert_eq!(show("loadmodule \"sl.so"), "loadmodule \"sl.so\" [E0101 11..17]");
}

#[test]
fn stray_bytes_are_reported_once_for_each_run() {
    assert_eq!(show("a \u{201c}b\u{201d} ?"), "a b [E0103 2..5] [E0103 6..9] [E0103 10..11]");
}
