//! The route of `examples/default.cfg` in Rust: it calls the same functions, in the same order.
//! What the script costs above this is the price of a language.

use std::path::Path;
use std::sync::OnceLock;

use viaduct::modules;
use viaduct::script::{
    Argument, Execution, Function, FunctionSpec, ModuleSpec, Program, Reader, Registry, ReturnCode,
    RouteKinds, compile, parse_text,
};
use viaduct::sip::Method;

/// The module with the route.
static MODULE: ModuleSpec = ModuleSpec {
    built_in: true,
    functions: &[FunctionSpec {
        name: "by_hand",
        aliases: &[],
        parameters: &[],
        routes: RouteKinds::REQUEST,
        doc: "Does what the built-in script does.",
        example: "by_hand();",
        run: by_hand,
    }],
    ..ModuleSpec::new("by_hand", "The built-in script in Rust.")
};

/// A script that does nothing but call the route.
const SCRIPT: &str = r#"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "siputils.so"
route { by_hand(); }
"#;

/// No file is there.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// The program with the route.
pub(crate) fn program() -> Program {
    let modules: Vec<_> = modules::REGISTRY.modules.iter().copied().chain([&MODULE]).collect();
    let registry = Registry { modules: Vec::leak(modules) };
    let parsed = parse_text(Path::new("by_hand.cfg"), SCRIPT.into(), &NoFiles);
    compile(parsed, &registry).unwrap().program
}

/// The functions that it calls.
struct Functions {
    forward: Function,
    has_totag: Function,
    lookup: Function,
    loose_route: Function,
    max_forwards: Function,
    record_route: Function,
    save: Function,
    send_reply: Function,
    reply_error: Function,
}

/// Finds them once.
fn functions() -> &'static Functions {
    static FUNCTIONS: OnceLock<Functions> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let find = |name: &str| {
            modules::REGISTRY.functions().find(|(_, spec)| spec.name == name).unwrap().1.run
        };
        Functions {
            forward: find("forward"),
            has_totag: find("has_totag"),
            lookup: find("lookup"),
            loose_route: find("loose_route"),
            max_forwards: find("mf_process_maxfwd_header"),
            record_route: find("record_route"),
            save: find("save"),
            send_reply: find("sl_send_reply"),
            reply_error: find("sl_reply_error"),
        }
    })
}

/// The end of the script.
const EXIT: ReturnCode = 0;

/// The route.
fn by_hand<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let call = functions();
    let method = execution.transit.message.method();
    let table = [Argument::Text(b"location")];
    if (call.max_forwards)(execution, &[Argument::Int(70)]) < 0 {
        let reply = [Argument::Int(483), Argument::Text(b"Too Many Hops")];
        (call.send_reply)(execution, &reply);
        return EXIT;
    }
    if (call.has_totag)(execution, &[]) > 0 && (call.loose_route)(execution, &[]) > 0 {
        return forward(execution);
    }
    if execution.is_myself(execution.transit.uri) {
        match method {
            Some(Method::Register) => {
                (call.save)(execution, &table);
                return EXIT;
            }
            Some(Method::Options)
                if execution
                    .parse_uri(execution.transit.uri)
                    .is_some_and(|uri| uri.user.is_none()) =>
            {
                (call.send_reply)(execution, &[Argument::Int(200), Argument::Text(b"OK")]);
                return EXIT;
            }
            _ => {}
        }
        if (call.lookup)(execution, &table) < 0 {
            (call.send_reply)(execution, &[Argument::Int(404), Argument::Text(b"Not Found")]);
            return EXIT;
        }
    }
    if matches!(method, Some(Method::Invite | Method::Subscribe | Method::Refer)) {
        (call.record_route)(execution, &[]);
    }
    forward(execution)
}

/// Forwards, or says why not.
fn forward(execution: &mut Execution<'_>) -> ReturnCode {
    if (functions().forward)(execution, &[]) < 0 {
        (functions().reply_error)(execution, &[]);
    }
    EXIT
}
