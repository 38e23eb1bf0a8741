//! Scenarios that are compiled in: files of the same language, in `scenarios/`.

use super::{Cast, Program, sipp};

/// A scenario that is compiled in.
#[derive(Clone, Copy, Debug)]
struct Builtin {
    /// Its name.
    name: &'static str,
    /// What it does, in a line.
    summary: &'static str,
    /// The caller's file.
    caller: &'static str,
    /// The callee's file.
    callee: &'static str,
}

/// Names an entry and reads its files.
macro_rules! builtin {
    ($name:literal, $summary:literal) => {
        Builtin {
            name: $name,
            summary: $summary,
            caller: include_str!(concat!("../../scenarios/", $name, ".xml")),
            callee: include_str!(concat!("../../scenarios/", $name, "-callee.xml")),
        }
    };
}

/// All of them. Of several callees that begin with the same method, the first one serves those
/// who do not name any.
const BUILTINS: [Builtin; 10] = [
    builtin!("call", "a call that is answered: INVITE 180 200 ACK, hold, BYE 200"),
    builtin!("cancel", "a call given up while it rings: INVITE 180 CANCEL 200 487 ACK"),
    builtin!("busy", "a call to somebody who is busy: INVITE 486 ACK"),
    builtin!("noanswer", "a call that nobody answers: INVITE 180, hold, 480 ACK"),
    builtin!("dtmf", "a call with an INFO in both directions"),
    builtin!("reinvite", "a call with a second INVITE within the dialog"),
    builtin!("options", "OPTIONS 200"),
    builtin!("message", "MESSAGE 200"),
    builtin!("refresh", "one registration for ten minutes: REGISTER 200"),
    builtin!("register", "a registration, hold, its refresh, hold, its removal"),
];

/// The name of the mixture.
const MIXED: &str = "mixed";

/// What the mixture consists of, with weights.
const MIXTURE: [(&str, u32); 4] = [("call", 70), ("cancel", 10), ("busy", 10), ("refresh", 10)];

/// Names of all scenarios, each with a line that says what it does.
pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mixed = (MIXED, "a carrier's day: 70 % call, 10 % cancel, 10 % busy, 10 % refresh");
    BUILTINS.iter().map(|builtin| (builtin.name, builtin.summary)).chain([mixed])
}

/// The callers of a scenario and all callees; none if there is no such scenario.
#[must_use]
pub fn cast(name: &str) -> Option<Cast> {
    let parts = if name == MIXED { &MIXTURE[..] } else { &[(name, 1)] };
    let callers = parts.iter().map(|(name, weight)| Some((program(find(name)?.caller)?, *weight)));
    Some(Cast::new(callers.collect::<Option<_>>()?, callees()))
}

/// All callees; for a method that several wait for, the first is the one for strangers.
#[must_use]
pub fn callees() -> Vec<Program> {
    BUILTINS.iter().filter_map(|builtin| program(builtin.callee)).collect()
}

/// The scenario's files as (name, text), to print them; none if there is no such scenario.
#[must_use]
pub fn source(name: &str) -> Option<Vec<(String, &'static str)>> {
    let parts = if name == MIXED { MIXTURE.map(|(name, _)| name).to_vec() } else { vec![name] };
    let builtins = parts.into_iter().map(find).collect::<Option<Vec<_>>>()?;
    let files = builtins.into_iter().flat_map(|builtin| {
        let name = builtin.name;
        [(format!("{name}.xml"), builtin.caller), (format!("{name}-callee.xml"), builtin.callee)]
    });
    Some(files.collect())
}

/// The scenario of this name.
fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

/// Reads a file that is compiled in; a test reads all of them.
fn program(text: &str) -> Option<Program> {
    sipp::read(text, "").ok().map(|(program, _)| program)
}
