//! Scripts put together from the pieces of the language, which get much further than any bytes:
//! they are checked, what they use is listed, and what compiles runs until its fuel is spent.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use viaduct::modules::REGISTRY;
use viaduct::script::{
    Reader, compat, compile, parse_text, render, render_compat, render_compat_json, render_json,
};

#[path = "../../tests/support/core.rs"]
#[allow(dead_code, reason = "each user takes a part of it")]
mod core_support;

use core_support::CoreBench;

/// No file is there.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, name: &str) -> Option<String> {
        (name == "A").then(|| "1".to_owned())
    }
}

/// What scripts are made of. New ones go to the end, so that known inputs keep their meaning.
const PIECES: &[&str] = &[
    " ",
    "\n",
    ";",
    ",",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "=",
    "==",
    "!=",
    "=~",
    "!~",
    "!",
    "&&",
    "||",
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    ">=",
    "|",
    "&",
    "~",
    "\"",
    "'",
    "\\",
    "#",
    "/*",
    "*/",
    ":",
    ".",
    "if (",
    "else ",
    "while (",
    "switch (",
    "case ",
    "case /",
    "default:",
    "break;",
    "exit;",
    "return ",
    "drop;",
    "route {",
    "route[A] {",
    "route(A);",
    "route(",
    "failure_route[A] {",
    "onreply_route {",
    "event_route[a:b] {",
    "\n#!define A ",
    "\n#!ifdef A\n",
    "\n#!else\n",
    "\n#!endif\n",
    "\n#!subst \"/a/b/g\"\n",
    "\n#!ifexp ",
    "\n#!defenv A\n",
    "include_file \"x\"",
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "0x7f",
    "A",
    "\"a\"",
    "\"^sip:(.*)@\"",
    "\"$ru\\n\"",
    "$ru",
    "$var(x)",
    "$var(x) = ",
    "$avp(x)",
    "$(hdr(Via)[-1]{s.len})",
    "$(ru{s.substr,",
    "$rU += ",
    "$null",
    "$rc",
    "@to.tag",
    "uri",
    "method",
    "src_ip",
    "myself",
    "status",
    "proto",
    "10.0.0.0/8",
    "[::1]:5060",
    "strip(",
    "forward(",
    "log(",
    "xlog(",
    "setflag(",
    "search(",
    "subst(",
    "append_hf(",
    "sl_send_reply(",
    "record_route()",
    "loose_route()",
    "lookup(",
    "save(",
    "is_method(",
    "t_relay()",
    "loadmodule \"textops.so\"\n",
    "loadmodule \"sl.so\"\n",
    "loadmodule \"xlog.so\"\n",
    "loadmodule \"rr.so\"\n",
    "loadmodule \"registrar.so\"\n",
    "loadmodule \"usrloc.so\"\n",
    "loadmodule \"tm.so\"\n",
    "modparam(\"rr\", \"",
    "flags A:1;\n",
    "listen=",
    "alias=",
    "children=",
    "a.b = ",
    "\u{e9}",
    "!!",
    "defined ",
    "strlen(",
    "(int)",
];

const INVITE: &[u8] = b"INVITE sip:bob@192.0.2.1 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n\
    From: <sip:a@b>;tag=1\r\nTo: <sip:bob@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:a@198.51.100.7>\r\nRoute: <sip:192.0.2.1;lr>\r\nContent-Length: 4\r\n\r\nv=0\n";

fuzz_target!(|numbers: &[u8]| {
    if numbers.len() > 2_048 {
        return;
    }
    let text: String =
        numbers.iter().map(|number| PIECES[usize::from(*number) % PIECES.len()]).collect();
    let parsed = parse_text(Path::new("fuzz.cfg"), text.into_bytes(), &NoFiles);
    let (ast, map, found) = match &parsed {
        Ok(parsed) => (Some(&parsed.ast), &parsed.map, &parsed.diagnostics),
        Err(rejected) => (rejected.ast.as_ref(), &rejected.map, &rejected.diagnostics),
    };
    if let Some(ast) = ast {
        let used = compat(ast, found, &REGISTRY);
        let _ = render_compat(&used, map);
        let _ = render_compat_json(&used, map);
    }
    match compile(parsed, &REGISTRY) {
        Err(rejected) => {
            assert!(!rejected.diagnostics.is_empty(), "refused without a reason");
            let _ = render(&rejected.diagnostics, &rejected.map);
            let _ = render_json(&rejected.diagnostics, &rejected.map);
        }
        Ok(compiled) => {
            let _ = render(&compiled.diagnostics, &compiled.map);
            CoreBench::with_program(compiled.program).send("198.51.100.7:5060", INVITE);
        }
    }
});
