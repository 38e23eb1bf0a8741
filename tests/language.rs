//! What scripts of Kamailio say that SER does not: branches as variables, transformations, more
//! pseudo-variables and functions, values that are calculated where they are used.

#![expect(clippy::panic, reason = "what fails here fails the test")]

#[path = "language/attributes.rs"]
mod attributes;
#[path = "language/calls.rs"]
mod calls;
#[path = "language/carriers.rs"]
mod carriers;
#[path = "support/core.rs"]
#[expect(dead_code, reason = "each test file uses a part of it")]
mod core_support;
#[path = "language/destination_set.rs"]
mod destination_set;
#[path = "language/functions.rs"]
mod functions;
#[path = "language/logging.rs"]
mod logging;
#[path = "language/multipart.rs"]
mod multipart;
#[path = "language/outgoing.rs"]
mod outgoing;
#[path = "language/parameters.rs"]
mod parameters;
#[path = "language/preloaded.rs"]
mod preloaded;
#[path = "language/rewritten.rs"]
mod rewritten;
#[path = "language/shared.rs"]
mod shared;
#[path = "language/transformations.rs"]
mod transformations;
#[path = "language/variables.rs"]
mod variables;
#[path = "language/waiting.rs"]
mod waiting;

use std::path::Path;

use core_support::CoreBench;
use viaduct::modules::REGISTRY;
use viaduct::script::{ModuleState, Reader, Severity, compile, parse_text};

/// Who sends the requests.
const ALICE: &str = "198.51.100.7:5060";

/// A request with something in every field that variables read.
const REQUEST: &str = "INVITE sip:alice@example.com;x=1 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\n\
    Max-Forwards: 70\r\n\
    From: \"Fred F\" <sip:fred:pw@from.example:5070>;tag=f1\r\n\
    To: <sip:tom@to.example>\r\n\
    Call-ID: call@a\r\n\
    CSeq: 77 INVITE\r\n\
    Contact: <sip:fred@198.51.100.7>;expires=60\r\n\
    X-List: one, two\r\n\
    X-List: three\r\n\
    Content-Length: 0\r\n\r\n";

/// Scripts here include no files; their environment has one variable.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, name: &str) -> Option<String> {
        (name == "SITE").then(|| "north".to_owned())
    }
}

/// `loadmodule` lines for all modules that are ready.
fn load_all() -> String {
    let ready = REGISTRY.modules.iter().filter(|it| matches!(it.state, ModuleState::Ready));
    ready.map(|module| format!("loadmodule \"{}.so\"\n", module.name)).collect()
}

/// A core that runs a script which has all modules.
fn bench(script: &str) -> CoreBench {
    let text = format!("debug=1\n{}{script}", load_all()).into_bytes();
    let compiled = compile(parse_text(Path::new("test.cfg"), text, &NoFiles), &REGISTRY);
    CoreBench::with_program(
        compiled
            .unwrap_or_else(|rejected| {
                panic!("{}", viaduct::script::render(&rejected.diagnostics, &rejected.map))
            })
            .program,
    )
}

/// What a script logs over a request, line by line.
fn log_of(script: &str, request: &str) -> Vec<String> {
    let mut bench = bench(script);
    bench.send(ALICE, request);
    bench.log().lines().map(str::to_owned).collect()
}

/// The same for the statements of a main route over [`REQUEST`].
fn log(body: &str) -> Vec<String> {
    log_of(&format!("route {{ {body} exit; }}"), REQUEST)
}

/// Checks what a text with variables in it gives, after some statements.
fn shows(cases: &[(&str, &str, &str)]) {
    for (before, text, expected) in cases {
        let found = log(&format!("{before} xlog(\"L_ERR\", \"{text}\\n\");"));
        assert_eq!(found.join("\n"), *expected, "{before} {text}");
    }
}

/// The messages of what is wrong with a main route.
fn errors(body: &str) -> Vec<String> {
    let text = format!("{}route {{ {body} exit; }}", load_all()).into_bytes();
    match compile(parse_text(Path::new("test.cfg"), text, &NoFiles), &REGISTRY) {
        Ok(_) => Vec::new(),
        Err(rejected) => {
            let errors = rejected.diagnostics.into_iter();
            errors.filter(|it| it.severity == Severity::Error).map(|it| it.message).collect()
        }
    }
}
