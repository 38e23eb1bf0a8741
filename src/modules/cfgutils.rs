//! `cfgutils`: Chance. What waits or locks is not here: a worker never waits.

use std::sync::Arc;

use super::table::{
    accepted_number, accepted_text, function, int, number_setting, required_text, text, verdict,
};
use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ModuleConfig, ModuleSpec, ParameterKind,
    ParameterSpec, ReturnCode, SettingSpec,
};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    settings: SETTINGS,
    configure: Some(configure),
    missing: super::missing::CFGUTILS,
    ..ModuleSpec::new("cfgutils", "Chance.")
};

/// The parameters.
const SETTINGS: &[SettingSpec] = &[
    number_setting(
        "initial_probability",
        "Percent of the calls of `rand_event` that are TRUE; 10 if not set.",
    ),
    accepted_number("initial_gflags", UNUSED),
    accepted_number("lock_set_size", UNUSED),
    accepted_text("hash_file", UNUSED),
];

/// Says of a parameter that its functions are not there.
const UNUSED: &str = "Changes nothing: the functions it is for are not supported yet.";

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "rand_event",
        &[ParameterSpec::optional("percent", ParameterKind::Int)],
        "TRUE by chance, with the given probability or that of `initial_probability`.",
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
        "check_route_exists",
        &[required_text("name")],
        "Whether there is a `route` block of that name.",
        r#"if (check_route_exists("$rU")) exit;"#,
        |execution, arguments| verdict(execution.find_subroutine(text(arguments, 0)).is_some()),
    ),
    function(
        "route_if_exists",
        &[required_text("name")],
        "Calls the `route` block of that name, which may be calculated. FALSE if there is none.",
        r#"route_if_exists("SITE_" + $rd);"#,
        // The compiler makes a jump of each call.
        |_, _| FALSE,
    ),
];

/// Percent of the calls that are TRUE unless `initial_probability` says otherwise.
const PROBABILITY_DEFAULT: u8 = 10;

/// What the module parameters say.
#[derive(Debug)]
struct Config {
    probability: u8,
}

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = Config { probability: PROBABILITY_DEFAULT };
    let own = values.iter().enumerate().filter(|(_, (name, _))| *name == "initial_probability");
    for (position, (_, value)) in own {
        config.probability = match value {
            GlobalValue::Int(percent @ 0..=100) => u8::try_from(*percent).unwrap_or_default(),
            _ => return Err((position, "initial_probability must be from 0 to 100".to_owned())),
        };
    }
    Ok(Arc::new(config))
}

/// The probability in percent.
fn probability(execution: &Execution<'_>) -> u8 {
    execution.program.config::<Config>().map_or(PROBABILITY_DEFAULT, |config| config.probability)
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
    fn probability_is_checked() {
        assert!(configure(&[("initial_probability", GlobalValue::Int(101))]).is_err());
    }
}
