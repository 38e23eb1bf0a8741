//! The script alone: to compile a route of 15 statements and a script of 1,000 lines, and to run
//! the former against a proxy that does nothing.

#![expect(clippy::panic, reason = "what fails here fails the run")]

#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/traffic.rs"]
#[expect(dead_code, reason = "shared with the other benches")]
mod traffic;

use std::hint::black_box;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use bumpalo::Bump;
use criterion::{Criterion, criterion_group, criterion_main};
use proxy::IdleProxy;
use viaduct::mem::ListenerId;
use viaduct::modules::REGISTRY;
use viaduct::script::{Execution, Program, Reader, Transit, compile, parse_text, run};
use viaduct::sip::rewrite::EditList;
use viaduct::sip::{Message, MessageIndex, parse};

/// A typical main route: an INVITE runs through all of it.
const SCRIPT: &str = r#"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
route {
    if (!mf_process_maxfwd_header("10")) {
        sl_send_reply("483", "Too Many Hops");
        exit;
    }
    if (msg:len > max_len) {
        sl_send_reply("513", "Message Overflow");
        exit;
    }
    if (is_method("OPTIONS") && uri == myself) {
        sl_send_reply("200", "OK");
        exit;
    }
    if (has_totag()) {
        if (loose_route()) route(RELAY);
        exit;
    }
    if (method == "INVITE" || method == "SUBSCRIBE") {
        record_route();
        setflag(1);
    }
    if (src_ip == 203.0.113.0/24 && $rU != $null) {
        prefix("00");
    }
    if (uri =~ "^sip:(00|\+)[1-9][0-9]*@") {
        $du = "sip:203.0.113.9:5060";
    }
    $var(tries) = $var(tries) + 1;
    route(RELAY);
}
route[RELAY] {
    if (isflagset(1)) {
        append_hf("P-Hint: outbound\r\n");
    }
    if (!forward()) sl_reply_error();
    exit;
}
"#;

/// No files.
struct Nothing;

impl Reader for Nothing {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// The script with as many copies of its blocks, under names of their own, as make 1,000 lines;
/// each asks for patterns and texts of its own.
fn long_script() -> String {
    let (modules, routes) = SCRIPT.split_once("route {").unwrap_or_default();
    let mut text = format!("{modules}route {{\n");
    let mut blocks = String::new();
    let mut copy = 0;
    while text.lines().count() + blocks.lines().count() < 1_000 {
        text.push_str(&format!("    route(MAIN{copy});\n"));
        let own = routes
            .replace("RELAY", &format!("RELAY{copy}"))
            .replace("(00|", &format!("(00|{copy}|"))
            .replace("outbound", &format!("outbound {copy}"));
        blocks.push_str(&format!("route[MAIN{copy}] {{{own}"));
        copy += 1;
    }
    format!("{text}}}\n{blocks}")
}

/// Compiles a script.
fn program(script: &str) -> Program {
    let parsed = parse_text(Path::new("bench.cfg"), script.as_bytes().to_vec(), &Nothing);
    match compile(parsed, &REGISTRY) {
        Ok(compiled) => compiled.program,
        Err(rejected) => panic!("{:?}", rejected.diagnostics),
    }
}

/// Runs the script over a message; the edit list is kept from one to the next, as the core does.
fn run_once(
    program: &Program,
    message: Message<'_>,
    arena: &Bump,
    proxy: &mut IdleProxy,
    edits: &mut EditList,
) {
    let ways = [([198, 51, 100, 7], 5060), ([192, 0, 2, 1], 5060)].map(SocketAddr::from);
    let transit = Transit::new(message, (&ways[0], &ways[1]), ListenerId(0), (arena, edits));
    let mut execution = Execution::new(transit, proxy, program);
    if let Some(route) = program.main_route() {
        black_box(run(&mut execution, route));
    }
    drop(execution);
    edits.clear();
}

/// All benches.
fn script(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("script");
    group.bench_function("compile/route_of_15_statements", |bencher| {
        bencher.iter(|| program(SCRIPT));
    });
    let long = long_script();
    group.bench_function("compile/1000_lines", |bencher| bencher.iter(|| program(&long)));
    let program = program(SCRIPT);
    let bytes = traffic::invite("4121550");
    let mut index = MessageIndex::default();
    parse(&bytes, &mut index).unwrap_or_else(|error| panic!("{error}"));
    let message = Message::new(&bytes, &index);
    let mut arena = Bump::new();
    let (mut proxy, mut edits) = (IdleProxy, EditList::default());
    group.bench_function("run/route_of_15_statements", |bencher| {
        bencher.iter(|| {
            run_once(&program, message, &arena, &mut proxy, &mut edits);
            arena.reset();
        });
    });
    group.finish();
}

criterion_group!(benches, script);
criterion_main!(benches);
