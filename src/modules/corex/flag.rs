//! Extended flags of a message, and flags by name that modules of Kamailio ask for.

use super::super::table::{function, int, required_text, text, verdict};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ParameterKind, ParameterSpec, ReturnCode, TRUE,
};

/// The number of an extended flag.
const FLAG: ParameterSpec = ParameterSpec::required("flag", ParameterKind::Int);

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "setxflag",
        &[FLAG],
        "Sets an extended flag of the message, by its number, 0 to 63. They are apart from those \
         of `setflag`.",
        "setxflag(40);",
        |execution, arguments| change(execution, arguments, |flags, bit| flags | bit),
    ),
    function(
        "resetxflag",
        &[FLAG],
        "Clears an extended flag of the message.",
        "resetxflag(40);",
        |execution, arguments| change(execution, arguments, |flags, bit| flags & !bit),
    ),
    function(
        "isxflagset",
        &[FLAG],
        "Whether an extended flag of the message is set.",
        "if (isxflagset(40)) exit;",
        |execution, arguments| {
            let flags = execution.peek_state::<ExtendedFlags>().unwrap_or_default().0;
            verdict(bit(arguments).is_some_and(|bit| flags & bit != 0))
        },
    ),
    function(
        "msg_iflag_set",
        &[required_text("name")],
        "Sets a flag that modules of Kamailio ask for: `USE_UAC_FROM`, `USE_UAC_TO` or \
         `UAC_AUTH`. Nothing here asks for them but `msg_iflag_is_set`.",
        "msg_iflag_set(\"USE_UAC_FROM\");",
        |execution, arguments| change_named(execution, arguments, |flags, bit| flags | bit),
    ),
    function(
        "msg_iflag_reset",
        &[required_text("name")],
        "Clears a flag that `msg_iflag_set` has set.",
        "msg_iflag_reset(\"USE_UAC_FROM\");",
        |execution, arguments| change_named(execution, arguments, |flags, bit| flags & !bit),
    ),
    function(
        "msg_iflag_is_set",
        &[required_text("name")],
        "Whether a flag that `msg_iflag_set` sets is set; -2 if it is not, -1 if there is none of \
         that name.",
        "if (msg_iflag_is_set(\"USE_UAC_FROM\")) exit;",
        |execution, arguments| {
            let flags = execution.peek_state::<NamedFlags>().unwrap_or_default().0;
            match named_bit(arguments) {
                Some(bit) if flags & bit != 0 => TRUE,
                Some(_) => NOT_SET,
                None => FALSE,
            }
        },
    ),
];

/// What `msg_iflag_is_set` gives back for a flag that is not set.
const NOT_SET: ReturnCode = -2;

/// The extended flags of a message.
#[derive(Clone, Copy, Debug, Default)]
struct ExtendedFlags(u64);

/// The flags by name, in the order of [`NAMES`].
#[derive(Clone, Copy, Debug, Default)]
struct NamedFlags(u8);

/// The names that there are.
const NAMES: [&[u8]; 3] = [b"USE_UAC_FROM", b"USE_UAC_TO", b"UAC_AUTH"];

/// The bit of the extended flag that is the first argument.
fn bit(arguments: &[Argument<'_>]) -> Option<u64> {
    1_u64.checked_shl(u32::try_from(int(arguments, 0)?).ok()?)
}

/// The bit of the flag whose name is the first argument.
fn named_bit(arguments: &[Argument<'_>]) -> Option<u8> {
    let name = text(arguments, 0);
    NAMES.iter().position(|known| *known == name).map(|place| 1 << place)
}

/// Changes the extended flags.
fn change(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
    change: fn(u64, u64) -> u64,
) -> ReturnCode {
    let Some(bit) = bit(arguments) else { return FALSE };
    let Some(flags) = execution.state::<ExtendedFlags>() else { return FALSE };
    flags.0 = change(flags.0, bit);
    TRUE
}

/// Changes the flags by name.
fn change_named(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
    change: fn(u8, u8) -> u8,
) -> ReturnCode {
    let Some(bit) = named_bit(arguments) else { return FALSE };
    let Some(flags) = execution.state::<NamedFlags>() else { return FALSE };
    flags.0 = change(flags.0, bit);
    TRUE
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::over;
    use crate::script::{FALSE, TRUE};

    #[test]
    fn extended_flags_are_apart_and_limited() {
        over("OPTIONS sip:a@b SIP/2.0\nTo: a\n\n", |trial| {
            for (function, flag, code) in [
                ("isxflagset", "3", FALSE),
                ("setxflag", "3", TRUE),
                ("setxflag", "63", TRUE),
                ("isxflagset", "3", TRUE),
                ("isxflagset", "63", TRUE),
                ("isflagset", "3", FALSE),
                ("resetxflag", "3", TRUE),
                ("isxflagset", "3", FALSE),
                ("setxflag", "64", FALSE),
                ("setxflag", "-1", FALSE),
                ("isxflagset", "64", FALSE),
            ] {
                assert_eq!(trial.run(function, &[flag]), code, "{function}({flag})");
            }
        });
    }

    #[test]
    fn flags_by_name_are_those_of_kamailio() {
        over("OPTIONS sip:a@b SIP/2.0\nTo: a\n\n", |trial| {
            for (function, name, code) in [
                ("msg_iflag_is_set", "UAC_AUTH", -2),
                ("msg_iflag_set", "UAC_AUTH", TRUE),
                ("msg_iflag_is_set", "UAC_AUTH", TRUE),
                ("msg_iflag_is_set", "USE_UAC_TO", -2),
                ("msg_iflag_reset", "UAC_AUTH", TRUE),
                ("msg_iflag_is_set", "UAC_AUTH", -2),
                ("msg_iflag_set", "NOPE", FALSE),
                ("msg_iflag_is_set", "", FALSE),
            ] {
                assert_eq!(trial.run(function, &[name]), code, "{function}({name})");
            }
        });
    }
}
