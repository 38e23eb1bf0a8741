//! `cfgutils`: chance, global flags, locks, waiting, route blocks that may not be there. A run
//! waits; a worker never does.

mod lock;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use self::lock::LockSet;
pub(super) use self::lock::release as release_locks;
use super::pv::{InitialValues, Shared, initial_value};
use super::table::{
    accepted_number, accepted_text, function, int, number, number_setting, required_text, text,
    text_setting, verdict,
};
use crate::limits::SLEEP_MS_MAX;
use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, LogLevel, ModuleConfig, ModuleSpec, ParameterKind,
    ParameterSpec, Program, ReturnCode, SettingSpec, TRUE, core_hash,
};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    settings: SETTINGS,
    configure: Some(configure),
    ..ModuleSpec::new("cfgutils", "Chance, global flags, locks, waiting, optional route blocks.")
};

/// The parameters.
const SETTINGS: &[SettingSpec] = &[
    number_setting(
        "initial_probability",
        "Percent of the calls of `rand_event` that are true; 10 if not set.",
    ),
    number_setting("initial_gflags", "The global flags that are set at the start; 0 if not set."),
    text_setting("shvset", "The same as `shvset` of `pv`, as OpenSER has it."),
    accepted_number("lock_set_size", "Changes nothing: there are always 4,096 locks."),
    accepted_text("hash_file", UNUSED),
];

/// Says of a parameter that its functions are not there.
const UNUSED: &str = "Changes nothing: the functions it is for are not supported yet.";

/// A flag, by its number.
const FLAG: ParameterSpec = ParameterSpec::required("flag", ParameterKind::Int);

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "rand_event",
        &[ParameterSpec::optional("percent", ParameterKind::Int)],
        "True by chance, with the given probability or that of `initial_probability`.",
        r#"if (rand_event("50")) exit;"#,
        rand_event,
    ),
    function(
        "rand_get_prob",
        &[],
        "The code is `initial_probability`.",
        "rand_get_prob(); $var(percent) = $rc;",
        |execution, _| ReturnCode::from(probability(execution)),
    ),
    function(
        "rand_set_prob",
        &[ParameterSpec::required("percent", ParameterKind::Int)],
        "Sets the probability of `rand_event`, in all workers, until the script is loaded again.",
        r#"rand_set_prob("4");"#,
        rand_set_prob,
    ),
    function(
        "rand_reset_prob",
        &[],
        "Makes the probability of `rand_event` again `initial_probability`.",
        "rand_reset_prob();",
        |execution, _| {
            let Some(config) = config(execution) else { return FALSE };
            config.probability.store(config.initial_probability, Ordering::Relaxed);
            TRUE
        },
    ),
    function(
        "set_gflag",
        &[FLAG],
        "Sets a global flag: one that all workers share and that stays until the script is loaded \
         again.",
        r#"set_gflag("4");"#,
        |execution, arguments| {
            let Some((flags, bit)) = flag(execution, arguments) else { return FALSE };
            flags.fetch_or(bit, Ordering::Relaxed);
            TRUE
        },
    ),
    function(
        "reset_gflag",
        &[FLAG],
        "Clears a global flag.",
        r#"reset_gflag("4");"#,
        |execution, arguments| {
            let Some((flags, bit)) = flag(execution, arguments) else { return FALSE };
            flags.fetch_and(!bit, Ordering::Relaxed);
            TRUE
        },
    ),
    function(
        "is_gflag",
        &[FLAG],
        "Whether a global flag is set.",
        r#"if (is_gflag("4")) exit;"#,
        |execution, arguments| {
            let found = flag(execution, arguments);
            verdict(found.is_some_and(|(flags, bit)| flags.load(Ordering::Relaxed) & bit != 0))
        },
    ),
    function(
        "core_hash",
        &[
            required_text("text1"),
            required_text("text2"),
            ParameterSpec::required("bits", ParameterKind::Int),
        ],
        "The code is the hash that Kamailio spreads things with of both texts, 1 to 2 to the power \
         of `bits`, which is 1 to 30; 1 or 2 with other numbers.",
        "core_hash(\"$ci\", \"$fu\", 4); $var(gateway) = $rc;",
        hash,
    ),
    FunctionSpec {
        aliases: &["pkg_summary", "shm_status", "shm_summary"],
        ..function(
            "pkg_status",
            &[],
            "About memory pools; there are none, so that nothing is written.",
            "pkg_status();",
            |_, _| TRUE,
        )
    },
    function(
        "abort",
        &[],
        "Ends the run of the script, and the log tells at level L_CRIT where. The server goes on: \
         a message must not be able to end it.",
        "abort();",
        |execution, _| {
            let place = execution.place();
            let line = format!("{place}: abort() has ended the run\n");
            execution.host.log(LogLevel::Critical, line.as_bytes());
            0
        },
    ),
    function(
        "check_route_exists",
        &[required_text("name")],
        "Whether there is a `route` block of that name.",
        r#"if (check_route_exists("$rU")) exit;"#,
        |execution, arguments| verdict(execution.find_subroutine(text(arguments, 0)).is_some()),
    ),
    function(
        "sleep",
        &[ParameterSpec::required("seconds", ParameterKind::Int)],
        "Lets the script wait, 32 seconds at most; the server goes on with other messages.\n\n\
         False if too many runs wait already. What is retransmitted meanwhile runs the script \
         again.",
        r#"sleep("2");"#,
        |execution, arguments| wait(execution, arguments, 1_000_000),
    ),
    function(
        "usleep",
        &[ParameterSpec::required("microseconds", ParameterKind::Int)],
        "Like `sleep`, in microseconds, which are rounded up to milliseconds.",
        r#"usleep("20000");"#,
        |execution, arguments| wait(execution, arguments, 1),
    ),
    lock::FUNCTIONS[0],
    lock::FUNCTIONS[1],
    lock::FUNCTIONS[2],
    function(
        "route_if_exists",
        &[required_text("name")],
        "Calls the `route` block of that name, which may be calculated. False if there is none.",
        r#"route_if_exists("SITE_" + $rd);"#,
        // The compiler makes a jump of each call.
        |_, _| FALSE,
    ),
];

/// Percent of the calls that are TRUE unless `initial_probability` says otherwise.
const PROBABILITY_DEFAULT: u8 = 10;

/// What the module parameters say, and what all workers share: a flag or a probability is one
/// number, so that they need no lock.
#[derive(Debug)]
struct Config {
    initial_probability: u8,
    probability: AtomicU8,
    flags: AtomicU32,
    shared: InitialValues,
    locks: LockSet,
}

impl Config {
    /// What holds without module parameters.
    fn new(probability: u8, flags: u32, shared: InitialValues) -> Self {
        Self {
            initial_probability: probability,
            probability: AtomicU8::new(probability),
            flags: AtomicU32::new(flags),
            shared,
            locks: LockSet::default(),
        }
    }
}

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let (mut probability, mut flags, mut shared) = (PROBABILITY_DEFAULT, 0, InitialValues::new());
    for (position, (name, value)) in values.iter().enumerate() {
        let fault = |reason| (position, reason);
        match *name {
            "initial_probability" => probability = number(name, value, 0, 100).map_err(fault)?,
            "initial_gflags" => {
                flags = number(name, value, 0, u32::MAX.into()).map_err(fault)?;
            }
            "shvset" => shared.push(initial_value(value).map_err(fault)?),
            _ => {}
        }
    }
    Ok(Arc::new(Config::new(probability, flags, shared)))
}

/// The locks that all workers share.
fn locks<'m>(execution: &Execution<'m>) -> Option<&'m LockSet> {
    config(execution).map(|config| &config.locks)
}

/// `sleep(seconds)` and `usleep(microseconds)`.
fn wait<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>], unit_us: u64) -> ReturnCode {
    if execution.take_answer().is_some() {
        return TRUE;
    }
    let time = int(arguments, 0).and_then(|time| u64::try_from(time).ok());
    let Some(time) = time else { return FALSE };
    match time.saturating_mul(unit_us).div_ceil(1_000).min(SLEEP_MS_MAX) {
        0 => TRUE,
        milliseconds => execution.sleep(milliseconds),
    }
}

/// `core_hash(text1, text2, bits)`.
fn hash<'m>(_: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let bits = int(arguments, 2).filter(|bits| (1..=30).contains(bits)).unwrap_or(1);
    let hash = core_hash(&[text(arguments, 0), text(arguments, 1)], 1 << bits);
    // A code of 0 would end the script.
    ReturnCode::try_from(hash + 1).unwrap_or(ReturnCode::MAX)
}

/// What `shvset` of this module says.
pub(super) fn shared_values(program: &Program) -> &[(Box<[u8]>, Shared)] {
    program.config::<Config>().map_or(&[], |config| &config.shared)
}

/// What the workers share; there is something as soon as the module is loaded.
fn config<'m>(execution: &Execution<'m>) -> Option<&'m Config> {
    execution.program.config::<Config>()
}

/// The probability in percent.
fn probability(execution: &Execution<'_>) -> u8 {
    let config = config(execution);
    config.map_or(PROBABILITY_DEFAULT, |config| config.probability.load(Ordering::Relaxed))
}

/// `rand_set_prob(percent)`.
fn rand_set_prob<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let percent = int(arguments, 0).filter(|percent| (0..=100).contains(percent));
    let percent = percent.and_then(|percent| u8::try_from(percent).ok());
    let (Some(percent), Some(config)) = (percent, config(execution)) else { return FALSE };
    config.probability.store(percent, Ordering::Relaxed);
    TRUE
}

/// The bit of the global flag that is the first argument, and where it is kept.
fn flag<'m>(execution: &Execution<'m>, arguments: &[Argument<'m>]) -> Option<(&'m AtomicU32, u32)> {
    let bit = 1_u32.checked_shl(u32::try_from(int(arguments, 0)?).ok()?)?;
    Some((&config(execution)?.flags, bit))
}

/// `rand_event([percent])`.
fn rand_event<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let percent = int(arguments, 0).unwrap_or_else(|| i64::from(probability(execution)));
    let drawn = (execution.host.random() >> 32) % 100;
    verdict(i64::try_from(drawn).is_ok_and(|drawn| drawn < percent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::testing::over;
    use crate::script::TRUE;

    #[test]
    fn chance_keeps_to_its_probability() {
        over("OPTIONS sip:a@b SIP/2.0\nTo: a\n\n", |trial| {
            for percent in ["0", "30", "100"] {
                let hits = (0..1_000).filter(|_| trial.run("rand_event", &[percent]) == TRUE);
                let expected = 10 * percent.parse::<usize>().unwrap();
                assert!(hits.count().abs_diff(expected) < 60, "{percent}");
            }
            assert_eq!(trial.run("rand_get_prob", &[]), 10);
        });
    }

    #[test]
    fn hashes_are_those_of_kamailio() {
        over("OPTIONS sip:a@b SIP/2.0\nTo: a\n\n", |trial| {
            for (first, second, bits, code) in [
                ("abc", "", "7", 67),
                ("abc", "", "2", 3),
                ("abc", "", "1", 1),
                ("abc", "", "20", 876_355),
                ("abc", "def", "20", 416_114),
                ("abcdef", "", "20", 1_027_572),
                ("", "", "4", 1),
                ("a", "", "0", 2),
                ("abc", "", "-3", 1),
                ("abc", "", "99", 1),
            ] {
                assert_eq!(trial.run("core_hash", &[first, second, bits]), code, "{first} {bits}");
            }
        });
    }

    #[test]
    fn an_abort_ends_the_run_only() {
        over("OPTIONS sip:a@b SIP/2.0\nTo: a\n\n", |trial| {
            assert_eq!(trial.run("abort", &[]), 0);
            assert_eq!(trial.run("shm_summary", &[]), TRUE);
        });
    }

    #[test]
    fn probability_is_checked() {
        assert!(configure(&[("initial_probability", GlobalValue::Int(101))]).is_err());
        assert!(configure(&[("initial_gflags", GlobalValue::Int(-1))]).is_err());
    }
}
