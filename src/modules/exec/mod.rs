//! `exec`: Commands of the shell. The script waits for their end, the server does not.

mod environment;
mod line;

use std::sync::Arc;

use super::core::uri::{assign_uri, is_safe};
use super::table::{accepted_number, number, number_setting, verdict};
use crate::jobs::{Answer, Ending, ShellCommand};
use crate::limits::COMMAND_MS_MAX;
use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Branch, Execution, FALSE, FunctionSpec, LogLevel, ModuleConfig, ModuleSpec,
    ParameterKind, ParameterSpec, ReturnCode, RouteKinds, SettingSpec, Value,
};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    settings: SETTINGS,
    configure: Some(configure),
    ..ModuleSpec::new("exec", "Commands of the shell.")
};

/// The parameters.
const SETTINGS: &[SettingSpec] = &[
    number_setting(
        "setvars",
        "1, as if not set: exec_msg, exec_dset and exec_avp tell the command about the message in \
         its environment. 0: they do not.",
    ),
    number_setting(
        "time_to_kill",
        "Seconds that a command may take, the time until its turn comes included. It is killed \
         then, with all that it has started. 0, as if not set: 32, when its client has given up.",
    ),
    accepted_number(
        "bash_safety",
        "Changes nothing: values in the environment never begin as functions of bash do.",
    ),
];

/// A command.
const COMMAND: ParameterSpec = ParameterSpec::required("command", ParameterKind::Command);

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        name: "exec_msg",
        aliases: &[],
        parameters: &[COMMAND],
        routes: RouteKinds::NOT_REPLY,
        doc: "Gives a command to the shell, with the message on its standard input; true if it \
              exits with 0.\n\nThe script waits for the end of the command, while the server \
              goes on with other messages. A command that fails, does not exist, takes longer \
              than `time_to_kill` or has no room beside those that run gives false. Each \
              retransmission of the request runs it again. Its output is lost, what it writes to \
              standard error goes where that of the server goes.\n\nIts environment tells about \
              the message: `SIP_HF_NAME` has the values of a header field, `SRCIP` and \
              `SIP_SRCIP` the source address, `SIP_RURI` and `SIP_ORURI` the present and the \
              original Request-URI, `SIP_USER` and `SIP_OUSER` their users, `SIP_TID` what \
              request, retransmissions, CANCEL and ACK have in common, `SIP_DID` the To tag. In \
              the command they are written `$SIP_RURI`, what else is for the shell `$$HOME`, but \
              in the SER dialect `$HOME`.\n\nWhat \
              a pseudo-variable in the command holds becomes (part of) one word, whatever is in \
              it: the shell gets it in its environment and never reads it as text of a command. \
              Quotes around it are fine and not needed. It may still be an option (`-x`) or a path \
              (`../x`) to the command, and a second shell, as of `ssh` or `eval`, would read it: \
              see to that in the command.",
        example: "exec_msg(\"cat >> /tmp/messages.txt\");",
        run: exec_msg,
    },
    FunctionSpec {
        name: "exec_dset",
        aliases: &[],
        parameters: &[COMMAND],
        routes: RouteKinds::NOT_REPLY,
        doc: "Gives a command to the shell, with the Request-URI as its last argument; the lines \
              that it writes become the destination set, the first one the Request-URI. False if \
              it writes none, or exits with another status than 0, when they count all the \
              same.\n\nEmpty lines are skipped. If a line is no URI or there are more than \
              `max_branches` beside the first, nothing changes and it is false. A command that \
              ends with `;` or `&` gets no argument: the URI would be a command. Otherwise as \
              exec_msg, but nothing is on its standard input.",
        example: "if (!exec_dset(\"/usr/local/bin/least-cost-router\")) sl_reply_error();",
        run: exec_dset,
    },
    FunctionSpec {
        name: "exec_avp",
        aliases: &[],
        parameters: &[COMMAND, ParameterSpec::optional("variables", ParameterKind::Variables)],
        routes: RouteKinds::NOT_REPLY,
        doc: "Gives a command to the shell; the lines that it writes become the values of the \
              variables, in turn. False if it exits with another status than 0, when they count \
              all the same.\n\nWithout variables, and for lines beyond them, `$avp(i:N)` gets \
              line N. Empty lines are skipped. Otherwise as exec_msg, but nothing is on its \
              standard input.",
        example: "exec_avp(\"/usr/local/bin/price $rU\", \"$avp(price);$avp(carrier)\");",
        run: exec_avp,
    },
    FunctionSpec {
        name: "exec_cmd",
        aliases: &[],
        parameters: &[COMMAND],
        routes: RouteKinds::ANY,
        doc: "Gives a command to the shell; true if it exits with 0.\n\nAs exec_msg, but nothing \
              is on its standard input, and its environment tells nothing about the message. In a \
              reply route the response waits for it.",
        example: "exec_cmd(\"logger call to $rU\");",
        run: exec_cmd,
    },
];

/// What the module parameters say.
#[derive(Clone, Copy, Debug)]
struct Config {
    sets_variables: bool,
    time_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { sets_variables: true, time_ms: COMMAND_MS_MAX }
    }
}

/// Reads the module parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = Config::default();
    for (position, (name, value)) in values.iter().enumerate() {
        let misfit = |text| (position, text);
        match *name {
            "setvars" => {
                let on: u8 = number(name, value, 0, 1).map_err(misfit)?;
                config.sets_variables = on == 1;
            }
            "time_to_kill" => {
                let seconds: u32 = number(name, value, 0, i64::from(u32::MAX)).map_err(misfit)?;
                if seconds > 0 {
                    config.time_ms = (1_000 * u64::from(seconds)).min(COMMAND_MS_MAX);
                }
            }
            _ => {}
        }
    }
    Ok(Arc::new(config))
}

/// What a function gives to its command, and takes from it.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    /// The message on standard input.
    gives_message: bool,
    /// The message in the environment.
    gives_environment: bool,
    /// The Request-URI as the last argument.
    gives_uri: bool,
    /// What the command writes.
    takes_output: bool,
}

/// `exec_msg(command)`.
fn exec_msg<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    const EXCHANGE: Exchange = Exchange {
        gives_message: true,
        gives_environment: true,
        gives_uri: false,
        takes_output: false,
    };
    match execution.take_answer() {
        Some(answer) => verdict(has_succeeded(execution, "exec_msg", answer)),
        None => start(execution, arguments, EXCHANGE),
    }
}

/// `exec_dset(command)`.
fn exec_dset<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    const EXCHANGE: Exchange = Exchange {
        gives_message: false,
        gives_environment: true,
        gives_uri: true,
        takes_output: true,
    };
    match execution.take_answer() {
        Some(answer) => {
            let replaced = replace_destination_set(execution, &answer.output);
            verdict(has_succeeded(execution, "exec_dset", answer) && replaced)
        }
        None => start(execution, arguments, EXCHANGE),
    }
}

/// `exec_avp(command[, variables])`.
fn exec_avp<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    const EXCHANGE: Exchange = Exchange {
        gives_message: false,
        gives_environment: true,
        gives_uri: false,
        takes_output: true,
    };
    match execution.take_answer() {
        Some(answer) => {
            let assigned = assign_lines(execution, arguments, &answer.output);
            verdict(has_succeeded(execution, "exec_avp", answer) && assigned)
        }
        None => start(execution, arguments, EXCHANGE),
    }
}

/// `exec_cmd(command)`.
fn exec_cmd<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    const EXCHANGE: Exchange = Exchange {
        gives_message: false,
        gives_environment: false,
        gives_uri: false,
        takes_output: false,
    };
    match execution.take_answer() {
        Some(answer) => verdict(has_succeeded(execution, "exec_cmd", answer)),
        None => start(execution, arguments, EXCHANGE),
    }
}

/// Has the command run; the script waits.
fn start<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    exchange: Exchange,
) -> ReturnCode {
    let Some(Argument::Format(format)) = arguments.first() else { return FALSE };
    let config = execution.program.config::<Config>().copied().unwrap_or_default();
    let uri = exchange.gives_uri.then_some(execution.transit.uri);
    let (line, mut environment) = line::compose(format.pieces(execution), uri);
    if exchange.gives_environment && config.sets_variables {
        environment.extend(environment::of(execution));
    }
    let message = execution.transit.message.text();
    execution.suspend(ShellCommand {
        line,
        environment,
        input: if exchange.gives_message { message.to_vec() } else { Vec::new() },
        wants_output: exchange.takes_output,
        time_ms: config.time_ms,
    })
}

/// Whether the command did what it should. What it cannot have told itself is logged.
fn has_succeeded(execution: &mut Execution<'_>, function: &str, answer: &Answer) -> bool {
    let trouble = match answer.ending {
        Ending::Exited(status) => return status == 0,
        Ending::Killed => "was killed",
        Ending::Late => "was not done in its time",
        Ending::TooLoud => "was killed: its output is too long",
        Ending::NotStarted => "could not be started",
    };
    if execution.host.logs(LogLevel::Error) {
        let text = format!("{function}: the command {trouble}\n");
        execution.host.log(LogLevel::Error, text.as_bytes());
    }
    false
}

/// The lines of an output without blanks at their ends, those that are empty left out.
fn lines(output: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    output.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty())
}

/// Makes each line a URI of the destination set, in place of what was in it. False, and nothing
/// changes, if there are no lines, if one is no URI or if there are too many.
fn replace_destination_set<'m>(execution: &mut Execution<'m>, output: &'m [u8]) -> bool {
    let mut rest = lines(output);
    let Some(first) = rest.next() else { return false };
    let most = execution.program.settings().max_branches;
    if rest.clone().count() > most {
        execution.host.log(LogLevel::Error, b"exec_dset: there are more lines than max_branches\n");
        return false;
    }
    if !rest.clone().all(is_safe) || !assign_uri(execution, first) {
        execution.host.log(LogLevel::Error, b"exec_dset: a line of the output is no URI\n");
        return false;
    }
    let transit = &mut execution.transit;
    (transit.destination, transit.path, transit.q) = (None, &[], None);
    transit.branches.clear();
    transit.branches.extend(rest.map(Branch::to));
    true
}

/// Writes each line into the next of the variables, further ones into AVPs with the numbers of
/// their lines; false if a variable does not take it.
fn assign_lines<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    output: &'m [u8],
) -> bool {
    let mut variables = match arguments.get(1) {
        Some(Argument::Variables(variables)) => variables.iter(),
        _ => [].iter(),
    };
    let mut assigned = true;
    for (position, line) in lines(output).enumerate() {
        let value = Value::Text(line);
        match variables.next() {
            Some(variable) => assigned &= variable.write(execution, value),
            None => {
                let number = i64::try_from(position + 1).unwrap_or(i64::MAX);
                let name = execution.build(&[b"i:", execution.show_int(number)]);
                execution.push_avp(name, value);
            }
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::*;
    use crate::modules::REGISTRY;
    use crate::script::{Reader, compile, parse_text};

    /// The scripts here include no files.
    struct NoFiles;

    impl Reader for NoFiles {
        fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
            Err(io::ErrorKind::NotFound.into())
        }

        fn environment(&self, _: &str) -> Option<String> {
            None
        }
    }

    #[test]
    fn commands_and_lists_of_variables_are_checked() {
        for (call, message, place) in [
            ("exec_msg(\"echo $HOME\")", "there is no variable `$HOME`", "$HOME"),
            ("exec_avp(\"x\", \"$avp(a);b\")", "this must be a variable", "b"),
            ("exec_avp(\"x\", \"$avp(a); $si\")", "this variable cannot be assigned to", "$si"),
            ("exec_avp(\"x\", \"; \")", "this must be a list of variables", "; "),
            ("exec_avp(\"x\", $rr)", "this variable cannot be assigned to", "$rr"),
        ] {
            let script = format!("#!KAMAILIO\nloadmodule \"exec.so\"\nroute {{ {call}; }}");
            let parsed = parse_text(Path::new("t.cfg"), script.clone().into_bytes(), &NoFiles);
            let Err(rejected) = compile(parsed, &REGISTRY) else { panic!("{call} compiles") };
            let (span, _) = &rejected.diagnostics[0].primary;
            let told = &script[span.start as usize..span.end as usize];
            assert_eq!((&*rejected.diagnostics[0].message, told), (message, place), "{call}");
        }
    }

    #[test]
    fn time_is_bounded_and_parameters_are_checked() {
        let config = |name, number| {
            let config = configure(&[(name, GlobalValue::Int(number))]).unwrap();
            *config.downcast_ref::<Config>().unwrap()
        };
        assert_eq!(config("time_to_kill", 0).time_ms, COMMAND_MS_MAX);
        assert_eq!(config("time_to_kill", 5).time_ms, 5_000);
        assert_eq!(config("time_to_kill", 4_000_000_000).time_ms, COMMAND_MS_MAX);
        assert!(config("setvars", 1).sets_variables && !config("setvars", 0).sets_variables);
        for (name, number) in [("setvars", 2), ("time_to_kill", -1)] {
            assert!(configure(&[(name, GlobalValue::Int(number))]).is_err());
        }
    }
}
