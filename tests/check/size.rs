//! Scripts that are far too large, too deep or too wrong: each comes to an end, without running
//! out of stack and without more diagnostics than anyone reads.

use super::{complaints, told};

/// How often something stands in a script here.
const COUNT: usize = 5_000;

/// `count` pieces of text, made of their numbers.
fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).map(row).collect()
}

#[test]
fn long_chains_of_blocks_are_followed() {
    let down = rows(COUNT, |at| format!("route[{}] {{ route({}); }}\n", at + 1, at + 2));
    let down = format!("#!KAMAILIO\nroute {{ route(1); }}\n{down}");
    let end = format!("route[{}] {{ forward(); }}\n", COUNT + 1);
    assert_eq!(complaints(&format!("{down}{end}")), []);
    let end = format!("route[{}] {{ $ru = $var(x); exit; }}\n", COUNT + 1);
    assert_eq!(complaints(&format!("{down}{end}")), [("W0406", COUNT + 3)]);
    let end = format!("route[{}] {{ strip(1); }}\n", COUNT + 1);
    assert_eq!(complaints(&format!("{down}{end}")), [("W0403", 2)]);
}

#[test]
fn more_blocks_than_there_are_numbers_are_refused() {
    let blocks = rows(65_540, |at| format!("route[{at}] {{ exit; }}\n"));
    assert_eq!(complaints(&blocks)[0].0, "E0111");
}

#[test]
fn many_names_are_looked_up() {
    let variables = rows(COUNT, |at| format!("$var(v{at}) = {at};\n"));
    let cases = rows(COUNT, |at| format!("case {at}: strip(1);\n"));
    let defines = rows(COUNT, |at| format!("#!define D{at} {at}\n"));
    let uses = rows(COUNT, |at| format!("strip(D{at});\n"));
    let script = format!(
        "#!KAMAILIO\n{defines}route {{\n{variables}{uses}switch ($rU) {{\n{cases}}}\nforward();\n}}"
    );
    assert_eq!(complaints(&script), []);
}

#[test]
fn what_is_wrong_everywhere_is_told_in_part() {
    for statement in ["frobnicate(1);", "route(NOWHERE);", "$var(x) = $nonsense;", "strip(1)"] {
        let script =
            format!("#!KAMAILIO\nroute {{\n{}\n}}", format!("{statement}\n").repeat(COUNT));
        let count = told(&script).0.len();
        assert!((1..=400).contains(&count), "{statement}: {count}");
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let deep = |open: &str, inner: &str, close: &str| {
        let (open, close) = (open.repeat(COUNT), close.repeat(COUNT));
        told(&format!("#!KAMAILIO\nroute {{ {open}{inner}{close} }}")).0.len()
    };
    for (open, inner, close) in [
        ("{", "", "}"),
        ("if (1) ", "exit;", ""),
        ("while (1) {", "exit;", "}"),
        ("switch (1) { case 1: ", "exit;", "}"),
        ("if (1) exit; else ", "exit;", ""),
        ("$var(x) = (", "1", ");"),
        ("if (!", "1", ") exit;"),
        ("if (f(", "1", ")) exit;"),
        ("xlog(\"$hdr(", "a", ")\");"),
        ("xlog(\"$(hdr(a){s.substr,", "1", ",2})\");"),
        ("$var(x) = -", "1", ";"),
        ("$var(x) = 1 + ", "1", ";"),
        ("if (uri =~ \"(", "a", ")\") exit;"),
    ] {
        assert!(deep(open, inner, close) > 0, "{open}");
    }
}

#[test]
fn long_lines_are_read_in_one_go() {
    let texts = "\"a\"b".repeat(COUNT);
    let marks = "!".repeat(4 * COUNT);
    for line in [format!("$var(x) = {texts};"), format!("if ({marks}1) exit;")] {
        assert!(!told(&format!("#!KAMAILIO\nroute {{ {line} }}")).0.is_empty());
    }
    let regex = format!("if (uri =~ \"{}\") exit; forward();", "(a|b)*".repeat(4 * COUNT));
    assert_eq!(complaints(&format!("#!KAMAILIO\nroute {{ {regex} }}")), [("E0421", 2)]);
}
