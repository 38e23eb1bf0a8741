//! `primisip`: What scripts of PrimiSIP use beside the functions of the SER family: `print`,
//! `print_locations`, `save()` without a table, and the table as a variable.

use std::io::Write;
use std::ops::ControlFlow;

use super::registrar::{key_of, save_location};
use super::table::function;
use crate::location::{self, Binding, BindingSet};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Index, Key, LogLevel, ModuleSpec, ParameterKind,
    ParameterSpec, PseudoVariable, ReturnCode, RouteKinds, TRUE, Value,
};
use crate::sip::{QValue, Uri, host_ip};

/// The module. `print` is a module of SER with the one function.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    aliases: &["print"],
    built_in: true,
    functions: FUNCTIONS,
    variables: &[LOCATION],
    ..ModuleSpec::new("primisip", "What scripts of PrimiSIP use beside the rest.")
};

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "print",
        &[ParameterSpec::required("text", ParameterKind::Text)],
        "Writes a text to the log, whatever the log level, and no line break after it.",
        r#"print("$mline from $si:$sp\n");"#,
        print,
    ),
    function(
        "print_locations",
        &[],
        "Writes the location tables to the log, a line for each binding; of a large table only \
         the first 1000.\n\nA line is `user -> contact;q=0.5;expires=3600`, the seconds being \
         those that are left.",
        "print_locations();",
        print_locations,
    ),
    FunctionSpec {
        routes: RouteKinds::REQUEST,
        ..function(
            "save",
            &[],
            "Does what a REGISTER asks for to the contacts in the table `location`, and answers \
             it, as `save(\"location\")` of module `registrar` does. After `force_rport()`, \
             requests to the contacts go to where the REGISTER came from.",
            r#"if ($method == "REGISTER") save();"#,
            save_location,
        )
    },
];

/// `$location(uri)`.
const LOCATION: PseudoVariable = PseudoVariable {
    name: "location",
    aliases: &[],
    keyed: true,
    keys: &[],
    read: read_location,
    write: None,
    doc: "The address that the user of a URI registered from, or else the host of its contact, as \
          the table `location` has it; `$null` if it has none: `$location($ou)`.",
};

/// The table that PrimiSIP's functions mean.
const TABLE: &[u8] = b"location";

/// Bindings that `print_locations` writes.
const PRINTED_BINDING_COUNT_MAX: usize = 1_000;

/// `print(text)`.
fn print(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let [Argument::Text(text)] = arguments else { return FALSE };
    execution.host.log(LogLevel::Alert, text);
    TRUE
}

/// `print_locations()`.
fn print_locations(execution: &mut Execution<'_>, _: &[Argument<'_>]) -> ReturnCode {
    let now = location::seconds(execution.host.now());
    let mut lines = Vec::new();
    let mut left = PRINTED_BINDING_COUNT_MAX;
    for (_, table) in execution.host.locations().into_iter().flat_map(|tables| tables.iter()) {
        table.for_each(|aor, set| show_bindings(&mut lines, aor, set, now, &mut left));
    }
    if left == 0 {
        lines.extend_from_slice(b"...\n");
    }
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        execution.host.log(LogLevel::Alert, line);
    }
    TRUE
}

/// Adds the lines of an address-of-record; breaks off when `left` is used up.
fn show_bindings(
    lines: &mut Vec<u8>,
    aor: &[u8],
    set: &BindingSet,
    now: u32,
    left: &mut usize,
) -> ControlFlow<()> {
    for binding in set.live(now) {
        let Some(fewer) = left.checked_sub(1) else { return ControlFlow::Break(()) };
        *left = fewer;
        lines.extend_from_slice(aor);
        lines.extend_from_slice(b" -> ");
        lines.extend_from_slice(binding.contact());
        let expires = binding.expires_at().saturating_sub(now);
        // A vector takes all that is written to it.
        let _ = match binding.q() {
            Some(q) => {
                writeln!(lines, ";q={};expires={expires}", QValue(q))
            }
            None => writeln!(lines, ";expires={expires}"),
        };
    }
    ControlFlow::Continue(())
}

/// `$location(uri)`.
fn read_location<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(uri) = key else { return Value::Null };
    let Some(aor) = key_of(uri, execution.program, execution.transit.arena) else {
        return Value::Null;
    };
    let now = location::seconds(execution.host.now());
    let table = execution.host.locations().and_then(|tables| tables.get(TABLE));
    let found = table.and_then(|table| {
        table.lookup(aor, |set| Some(execution.build(&[host(set.live(now).next()?)?])))?
    });
    Value::text_or_null(found)
}

/// Where a binding is: the host that its REGISTER came from, if it is kept, else that of its
/// Contact URI.
fn host(binding: &Binding) -> Option<&[u8]> {
    let received = Uri::parse(binding.received()).ok().filter(|uri| host_ip(uri.host).is_some());
    Some(received.or_else(|| Uri::parse(binding.contact()).ok())?.host)
}
