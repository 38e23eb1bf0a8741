//! `kex`: Functions of the core that are no keywords. They can be called without `loadmodule`.

use super::table::{function, int, required_text, text, verdict};
use crate::protocol::Transport;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ModuleSpec, ParameterKind, ParameterSpec,
    PseudoVariable, ReturnCode, TRUE, Value, split_host_port,
};
use crate::sip::{Uri, host_ip};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    built_in: true,
    functions: FUNCTIONS,
    variables: VARIABLES,
    ..ModuleSpec::new("kex", "Functions of the core that are no keywords.")
};

/// The variables.
const VARIABLES: &[PseudoVariable] = &[PseudoVariable {
    name: "sruid",
    aliases: &[],
    keyed: false,
    keys: &[],
    read: |execution, _, _| {
        let numbers = [execution.host.random(), execution.host.random()];
        let id = bumpalo::format!(
            in execution.transit.arena, "srid-{:016x}-{:016x}", numbers[0], numbers[1]
        );
        Value::Text(execution.build(&[id.as_bytes()]))
    },
    write: None,
    doc: "A text that nobody has had before: another one whenever it is read.",
}];

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "is_myself",
        &[required_text("uri")],
        "Whether the host and port of a URI, or a host, are this server. Without a port any of its \
         ports is meant, other than in `uri==myself`, where it is 5060.",
        r#"if (is_myself("$ru")) exit;"#,
        is_myself,
    ),
    function(
        "setsflag",
        &[FLAG],
        "Sets a script flag: one that is only for this run of the script, whatever comes of the \
         message (`$sf`).",
        "setsflag(1);",
        |execution, arguments| change(execution, arguments, |flags, bit| flags | bit),
    ),
    function(
        "resetsflag",
        &[FLAG],
        "Clears a script flag.",
        "resetsflag(1);",
        |execution, arguments| change(execution, arguments, |flags, bit| flags & !bit),
    ),
    function(
        "issflagset",
        &[FLAG],
        "Whether a script flag is set.",
        "if (issflagset(1)) exit;",
        |execution, arguments| {
            let flags = execution.peek_state::<ScriptFlags>().unwrap_or_default().0;
            verdict(flags & bit(arguments) != 0)
        },
    ),
    function(
        "setdebug",
        &[ParameterSpec::required("level", ParameterKind::Int)],
        "Has this worker write log lines up to that level, -5 to 9, whatever `debug` says, until \
         `resetdebug` or the next reload.",
        "setdebug(3);",
        |execution, arguments| {
            let level = int(arguments, 0).filter(|level| (-5..=9).contains(level));
            let Some(level) = level.and_then(|level| i32::try_from(level).ok()) else {
                return FALSE;
            };
            execution.host.set_log_level(level);
            TRUE
        },
    ),
    function(
        "resetdebug",
        &[],
        "Has this worker write log lines up to the level that `debug` says.",
        "resetdebug();",
        |execution, _| {
            let level = execution.program.settings().debug;
            execution.host.set_log_level(level);
            TRUE
        },
    ),
    FunctionSpec {
        aliases: &["set_reply_close", "set_forward_no_connect", "set_forward_close"],
        ..function(
            "set_reply_no_connect",
            &[],
            "About connections: changes nothing, as one is opened where the old one is gone.",
            "set_reply_no_connect();",
            |_, _| TRUE,
        )
    },
];

/// `is_myself(uri)`.
fn is_myself<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let given = text(arguments, 0);
    let (host, port) = match execution.uri_parts(given) {
        Some(uri) => {
            let transport = uri.transport();
            if transport.is_some_and(|name| !is_listened_to(execution, name, uri)) {
                return FALSE;
            }
            (uri.host, uri.port)
        }
        None => split_host_port(given),
    };
    verdict(match port {
        Some(port) => execution.host.is_myself(host, Some(port)),
        None => execution.host.is_my_host(host),
    })
}

/// Whether messages to host and port of a URI may come by that transport: no listener at an
/// address has another one; a name does not say.
fn is_listened_to(execution: &Execution<'_>, transport: &[u8], uri: &Uri<'_>) -> bool {
    Transport::of(transport).is_some_and(|transport| {
        host_ip(uri.host).is_none()
            || execution.host.find_listener(Some(transport), uri.host, uri.port).is_some()
    })
}

/// A flag, by its number or declared name.
const FLAG: ParameterSpec = ParameterSpec::required("flag", ParameterKind::Flag);

/// The script flags of this run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ScriptFlags(pub(super) u32);

/// The bit of the flag that is the first argument.
fn bit(arguments: &[Argument<'_>]) -> u32 {
    let number = int(arguments, 0).and_then(|number| u32::try_from(number).ok());
    number.and_then(|number| 1_u32.checked_shl(number)).unwrap_or(0)
}

/// Changes the script flags.
fn change(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
    change: fn(u32, u32) -> u32,
) -> ReturnCode {
    let bit = bit(arguments);
    let Some(flags) = execution.state::<ScriptFlags>() else { return FALSE };
    flags.0 = change(flags.0, bit);
    TRUE
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::over;
    use crate::script::{FALSE, TRUE};

    #[test]
    fn own_addresses_are_known() {
        over("OPTIONS sip:a@b SIP/2.0\nTo: a\n\n", |trial| {
            for (uri, code) in [
                ("sip:a@192.0.2.1", TRUE),
                ("sip:192.0.2.1:5060;lr", TRUE),
                ("sip:192.0.2.1:5070", FALSE),
                ("192.0.2.1", TRUE),
                ("192.0.2.2", FALSE),
                ("sip:192.0.2.1;transport=tcp", FALSE),
                ("tel:1", FALSE),
                ("", FALSE),
            ] {
                assert_eq!(trial.run("is_myself", &[uri]), code, "{uri}");
            }
        });
    }
}
