//! Writes the first inputs of all fuzz targets below `corpus/`, from the torture messages and
//! scripts of the tests: `cargo run --bin seeds` in this directory.

use std::fs;
use std::io;
use std::path::Path;

#[path = "../tests/torture/mod.rs"]
#[allow(dead_code, reason = "only names and bytes matter here")]
mod torture;

/// Scripts that use much of the language.
const SCRIPTS: &[(&str, &str)] = &[
    ("default", include_str!("../examples/default.cfg")),
    (
        "language",
        "#!KAMAILIO\n#!define A 1\n#!ifdef A\ndebug=2\n#!endif\nalias=\"x.example\"\n\
         loadmodule \"pv.so\"\nmodparam(\"rr\", \"append_fromtag\", 0)\n\
         route { $var(x) = $rU{s.len} + 1; if ($var(x) > 2 && uri =~ \"^sip:b.*@\") {\
         switch($rm) { case \"INVITE\": route(R); break; default: drop; } }\
         while ($var(x) < 5) { $var(x) = $var(x) + 1; }\n\
         xlog(\"L_INFO\", \"$ci $(hdr(Via)[-1]) $(var(x){s.substr,0,1})\\n\");\
         $avp(s:a) = \"1\"; append_hf(\"A: $avp(s:a)\\r\\n\"); subst('/a(b)/c\\1/g'); }\n\
         route[R] { sl_send_reply(\"404\", \"No\"); exit; } onreply_route { drop; }\n",
    ),
];

fn main() -> io::Result<()> {
    for torture in torture::all() {
        write("sip_message", torture.name, torture.text)?;
        write("proxy_datagram", torture.name, torture.text)?;
        write("rewrite_then_parse", torture.name, &[b"\x0112345678\n", torture.text].concat())?;
        let line = torture.text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let uri = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        write("sip_uri", torture.name, &[uri, b"\n", uri].concat())?;
    }
    for (name, text) in SCRIPTS {
        write("script_text", name, text.as_bytes())?;
    }
    Ok(())
}

/// Writes one input.
fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(name), bytes)
}
