use std::collections::BTreeMap;
use std::io;

use proptest::prelude::*;

use super::*;
use crate::script::parse_text;

/// Files and environment in memory.
#[derive(Default)]
struct Memory {
    files: BTreeMap<&'static str, &'static str>,
}

impl Reader for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = path.to_str().and_then(|path| self.files.get(path));
        text.map(|text| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn environment(&self, name: &str) -> Option<String> {
        (name == "HOST").then(|| "192.0.2.1:5060".to_owned())
    }
}

/// The tokens that are left of a script, and the codes of its problems.
fn show_with(text: &str, files: &[(&'static str, &'static str)]) -> String {
    let reader = Memory { files: files.iter().copied().collect() };
    let mut problems = Problems::default();
    let text = text.as_bytes().to_vec();
    let done = preprocess(Path::new("dir/main.cfg"), text, &reader, &mut problems);
    let mut shown = String::new();
    for token in &done.tokens {
        if token.gap != Gap::None && !shown.is_empty() && token.kind != TokenKind::End {
            shown.push(' ');
        }
        match &token.kind {
            TokenKind::Text(text, _) => {
                shown.push_str(&format!("{:?}", String::from_utf8_lossy(text)));
            }
            _ => shown.push_str(token.bare().unwrap_or_default()),
        }
    }
    for problem in problems.into_list() {
        shown.push_str(&format!(" [{}]", problem.code.0));
    }
    shown
}

/// The same without other files.
fn show(text: &str) -> String {
    show_with(text, &[])
}

#[test]
fn defined_names_are_replaced_but_not_in_strings() {
    assert_eq!(show("#!define A 1\nA \"A\" B"), "1 \"A\" B");
    assert_eq!(show("#!define IP 10.0.0.1 # mine\nlisten=udp:IP:5060"), "listen=udp:10.0.0.1:5060");
    assert_eq!(show("#!define A B C\n#!define B 2\nA;"), "2 C;");
    assert_eq!(show("#!define A 1 \\\n 2\nA"), "1 2");
    assert_eq!(show("#!define A\nA"), "A");
    assert_eq!(show("#!define A A B\nA"), "A B");
    assert_eq!(show("#!define A B\n#!define B A\nA"), "A");
}

#[test]
fn a_name_is_defined_once_unless_said_otherwise() {
    assert_eq!(show("#!define A 1\n#!define A 2\nA"), "1 [E0108]");
    assert_eq!(show("#!define A 1\n#!trydef A 2\n#!trydef B 3\nA B"), "1 3");
    assert_eq!(show("#!define A 1\n#!redefine A 2\nA"), "2");
    assert_eq!(show("#!define A 1\n#!undef A\nA"), "A");
}

#[test]
fn lines_of_a_false_condition_are_not_read() {
    let text = "#!define A\n#!ifdef A\na\n#!else\nb \"\n#!endif\n#!ifndef A\nit's\n#!endif\nc";
    assert_eq!(show(text), "a c");
    let nested =
        "#!ifdef A\n#!ifdef B\n1\n#!else\n2\n#!endif\n3\n#!else\n#!ifndef B\n4\n#!endif\n#!endif";
    assert_eq!(show(nested), "4");
    assert_eq!(show("#!ifdef A\n#!define B 1\n#!endif\nB"), "B");
    assert_eq!(show("!!ifdef A\n1\n!!else\n2\n!!endif"), "2");
}

#[test]
fn conditions_may_be_expressions() {
    assert_eq!(show("#!define A 3\n#!ifexp A > 2 && A != 4\n1\n#!endif"), "1");
    assert_eq!(show("#!ifexp A == 1 || !B\n1\n#!else\n2\n#!endif"), "1");
    assert_eq!(show("#!define A \"x\"\n#!ifexp A == \"y\"\n1\n#!else\n2\n#!endif"), "2");
    assert_eq!(show("#!ifexp defined A\n1\n#!endif"), "");
    assert_eq!(show("#!ifexp 1 +\n1\n#!endif"), " [E0201]");
}

#[test]
fn strings_are_substituted() {
    assert_eq!(show("#!subst \"/DOMAIN/a.b/g\"\n\"DOMAIN,DOMAIN\" DOMAIN"), "\"a.b,a.b\" DOMAIN");
    assert_eq!(show("#!subst \"/(x)(y)/\\\\2\\\\1/\"\n\"xyxy\""), "\"yxxy\"");
    assert_eq!(
        show("#!substdef \"!IP!10.0.0.1!g\"\nIP \"sip:IP:5060\""),
        "10.0.0.1 \"sip:10.0.0.1:5060\""
    );
    assert_eq!(show("#!substdefs \"!IP!10.0.0.1!g\"\nIP"), "\"10.0.0.1\"");
}

#[test]
fn the_environment_can_be_used() {
    assert_eq!(show("#!defenv HOST\nlisten=udp:HOST"), "listen=udp:192.0.2.1:5060");
    assert_eq!(show("#!defenv HOST=H\nH"), "192.0.2.1:5060");
    assert_eq!(show("#!defenvs HOST\nHOST"), "\"192.0.2.1:5060\"");
    assert_eq!(show("#!defenv NONE\nNONE"), "NONE [E0112]");
    assert_eq!(show("#!trydefenv NONE\nNONE"), "NONE");
}

#[test]
fn files_are_included_relative_to_the_one_that_names_them() {
    let files =
        [("dir/sub/a.cfg", "a include_file \"b.cfg\" A"), ("dir/sub/b.cfg", "b\n#!define A 1")];
    assert_eq!(show_with("include_file \"sub/a.cfg\"\nc A", &files), "a b 1 c 1");
    assert_eq!(show_with("#!include_file \"sub/b.cfg\"\nA", &files), "b 1");
    assert_eq!(show("import_file \"none.cfg\"\na"), "a");
    assert_eq!(show("include_file \"none.cfg\"\na"), "a [E0109]");
    assert_eq!(show_with("include_file \"main.cfg\"", &[("dir/main.cfg", "")]), " [E0110]");
}

#[test]
fn the_first_line_may_name_the_dialect() {
    let dialect = |text: &str| {
        let mut problems = Problems::default();
        let text = text.as_bytes().to_vec();
        preprocess(Path::new("a"), text, &Memory::default(), &mut problems).dialect
    };
    assert_eq!(dialect("#!KAMAILIO\n"), Some(Dialect::Kamailio));
    assert_eq!(dialect("#!SER\n#!OPENSER"), Some(Dialect::Ser));
    assert_eq!(dialect("#!OPENSER"), Some(Dialect::OpenSer));
    assert_eq!(dialect("a\n#!SER"), None);
}

#[test]
fn defines_that_multiply_are_cut_off() {
    let mut text = String::from("#!define A0 x x\n");
    for level in 1..30 {
        text.push_str(&format!("#!define A{level} A{0} A{0}\n", level - 1));
    }
    text.push_str("A29");
    let mut problems = Problems::default();
    let reader = Memory::default();
    let done = preprocess(Path::new("a"), text.into_bytes(), &reader, &mut problems);
    assert!(problems.has("E0111"));
    assert!(done.tokens.len() <= TOKEN_COUNT_MAX + 1);
}

/// Pieces that scripts are made of, to be put together in any order.
const PIECES: &[&str] = &[
    "route",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ";",
    ",",
    "=",
    "==",
    "!",
    "&&",
    "+",
    "-",
    ":",
    ".",
    "/",
    "if",
    "else",
    "while",
    "switch",
    "case",
    "default",
    "break",
    "return",
    "exit",
    "1",
    "0x",
    "a.b",
    "10.0.0.1",
    "[::1]:5060",
    "\"s\"",
    "\"",
    "'",
    "$ru",
    "$var(",
    "$(x{",
    "@to.tag",
    "uri",
    "myself",
    "loadmodule",
    "modparam",
    "flags",
    "listen",
    "\n",
    "\n#!define A ",
    "\n#!ifdef A",
    "\n#!else",
    "\n#!endif",
    "\n#!subst \"/a/b/\"",
    "\n#!ifexp ",
    "A",
    "/*",
    "*/",
    "#",
    "//",
    "include_file \"x\"",
    "route[A] {",
    "};",
    "\\",
    "\t",
    "\u{e9}",
    "case /",
    "request_route",
    "onreply_route",
];

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_text(Path::new("a"), bytes, &Memory::default());
    }

    #[test]
    fn any_pieces_are_read_without_panic(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..120),
        gaps in any::<bool>(),
    ) {
        let text = pieces.join(if gaps { " " } else { "" });
        if let Err(rejected) = parse_text(Path::new("a"), text.into_bytes(), &Memory::default()) {
            prop_assert!(!rejected.diagnostics.is_empty());
            let _ = crate::script::render(&rejected.diagnostics, &rejected.map);
        }
    }
}
