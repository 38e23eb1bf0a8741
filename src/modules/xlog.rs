//! `xlog`: Formatted log lines.

use std::sync::Arc;

use super::pv::method_number;
use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Index, Key, LogFacility, LogLevel, ModuleConfig,
    ModuleSpec, ParameterKind, ParameterSpec, ReturnCode, RouteKinds, SettingKind, SettingSpec,
    TRUE, Value,
};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    settings: SETTINGS,
    configure: Some(configure),
    ..ModuleSpec::new("xlog", "Formatted log lines.")
};

/// The text of a line.
const TEXT: &[ParameterSpec] = &[ParameterSpec::required("format", ParameterKind::LogText)];

/// A level and the text of a line.
const LEVEL_AND_TEXT: &[ParameterSpec] = &[
    ParameterSpec::required("level", ParameterKind::LogLevel),
    ParameterSpec::required("format", ParameterKind::LogText),
];

/// A facility, a level and the text of a line.
const FACILITY_AND_ALL: &[ParameterSpec] = &[
    ParameterSpec::required("facility", ParameterKind::LogFacility),
    ParameterSpec::required("level", ParameterKind::LogLevel),
    ParameterSpec::required("format", ParameterKind::LogText),
];

/// A function that writes at one level.
const fn at(
    (name, aliases): (&'static str, &'static [&'static str]),
    (doc, example): (&'static str, &'static str),
    run: crate::script::Function,
) -> FunctionSpec {
    FunctionSpec { name, aliases, parameters: TEXT, routes: RouteKinds::ANY, doc, example, run }
}

/// The functions.
const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        name: "xlog",
        aliases: &[],
        parameters: LEVEL_AND_TEXT,
        routes: RouteKinds::ANY,
        doc: "Writes a line with pseudo-variables to the log, if `debug` is at least the \
              level.\n\nA line that is not written costs next to nothing: it is not put \
              together.",
        example: "xlog(\"L_INFO\", \"$rm from $si\\n\");",
        run: at_level,
    },
    FunctionSpec {
        name: "xlog",
        aliases: &[],
        parameters: FACILITY_AND_ALL,
        routes: RouteKinds::ANY,
        doc: "The same with a facility of the system log, such as `LOG_LOCAL0`; standard error \
              knows none.",
        example: "xlog(\"LOG_LOCAL0\", \"L_INFO\", \"$rm from $si\\n\");",
        run: |execution, arguments| match arguments {
            [Argument::Text(facility), Argument::Int(level), text @ ..] => {
                let level = LogLevel::from_number(*level);
                write_as(execution, (LogFacility::from_name(facility), level), text, false)
            }
            _ => FALSE,
        },
    },
    at(
        ("xlog", &["xerr"]),
        ("Writes a line at level L_ERR.", "xlog(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Error, arguments),
    ),
    FunctionSpec {
        name: "xlogm",
        aliases: &[],
        parameters: LEVEL_AND_TEXT,
        routes: RouteKinds::ANY,
        doc: "Like xlog, but for methods that `methods_filter` names, for which nothing is \
              written; without that parameter these are all.",
        example: "xlogm(\"L_INFO\", \"$rm from $si\\n\");",
        run: |execution, arguments| match arguments {
            _ if is_filtered(execution) => TRUE,
            arguments => at_level(execution, arguments),
        },
    },
    FunctionSpec {
        name: "xlogl",
        aliases: &[],
        parameters: LEVEL_AND_TEXT,
        routes: RouteKinds::ANY,
        doc: "Writes a line with pseudo-variables to the log, with file and line of the script \
              before it, if `debug` is at least the level.",
        example: "xlogl(\"L_INFO\", \"$rm from $si\\n\");",
        run: |execution, arguments| match arguments {
            [Argument::Int(level), text @ ..] => {
                write_place(execution, LogLevel::from_number(*level), text)
            }
            _ => FALSE,
        },
    },
    at(
        ("xlogl", &[]),
        (
            "Writes a line at level L_ERR, with file and line of the script before it.",
            "xlogl(\"$rm from $si\\n\");",
        ),
        |execution, arguments| write_place(execution, LogLevel::Error, arguments),
    ),
    at(
        ("xdbgl", &[]),
        (
            "Writes a line at level L_DBG, with file and line of the script before it.",
            "xdbgl(\"$rm from $si\\n\");",
        ),
        |execution, arguments| write_place(execution, LogLevel::Debug, arguments),
    ),
    at(
        ("xalert", &[]),
        ("Writes a line at level L_ALERT.", "xalert(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Alert, arguments),
    ),
    at(
        ("xbug", &[]),
        ("Writes a line at level L_BUG.", "xbug(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Bug, arguments),
    ),
    at(
        ("xcrit", &[]),
        ("Writes a line at level L_CRIT.", "xcrit(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Crit2, arguments),
    ),
    at(
        ("xwarn", &[]),
        ("Writes a line at level L_WARN.", "xwarn(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Warning, arguments),
    ),
    at(
        ("xnotice", &[]),
        ("Writes a line at level L_NOTICE.", "xnotice(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Notice, arguments),
    ),
    at(
        ("xinfo", &[]),
        ("Writes a line at level L_INFO.", "xinfo(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Info, arguments),
    ),
    at(
        ("xdbg", &[]),
        ("Writes a line at level L_DBG.", "xdbg(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Debug, arguments),
    ),
];

/// `xlogl([level, ]format)`: with the place in the script before it.
fn write_place<'m>(
    execution: &mut Execution<'m>,
    level: LogLevel,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    write_as(execution, (None, level), arguments, true)
}

/// Whether `methods_filter` names the method of the message.
fn is_filtered(execution: &Execution<'_>) -> bool {
    let filter = execution.program.config::<Config>().map_or(!0, |config| config.filter);
    let Value::Int(method) = method_number(execution, Key::None, Index::None) else { return false };
    filter & method != 0
}

/// The parameters; buffers grow as they must, so that most of them do not matter.
const SETTINGS: &[SettingSpec] = &[
    setting("buf_size", SettingKind::Int, "Changes nothing: lines may be of any length."),
    setting("force_color", SettingKind::Int, "Changes nothing: colours are always written."),
    setting(
        "long_format",
        SettingKind::Int,
        "Changes nothing: the place in the script is not written.",
    ),
    SettingSpec {
        name: "log_facility",
        kind: SettingKind::Text,
        effective: true,
        doc: "The facility of these lines in the system log, such as `LOG_LOCAL0`; that of the \
              global parameter `log_facility` if not set.",
    },
    setting("log_colors", SettingKind::Text, "Changes nothing: lines have no colours by level."),
    SettingSpec {
        name: "methods_filter",
        kind: SettingKind::Int,
        effective: true,
        doc: "The methods that `xlogm` writes nothing for, their numbers (`$rmid`) added up; all \
              if not set.",
    },
    setting("prefix_mode", SettingKind::Int, "Changes nothing: lines have no prefix."),
    setting("prefix", SettingKind::Text, "Changes nothing: lines have no prefix."),
];

/// What the parameters say.
#[derive(Debug)]
struct Config {
    facility: Option<LogFacility>,
    filter: i64,
}

/// Reads the parameters.
fn configure(values: &[(&str, GlobalValue)]) -> Result<ModuleConfig, (usize, String)> {
    let mut config = Config { facility: None, filter: !0 };
    for (position, (name, value)) in values.iter().enumerate() {
        match (*name, value) {
            ("log_facility", GlobalValue::Text(text)) => {
                let fault = || (position, format!("{name} must be one such as `LOG_LOCAL0`"));
                config.facility = Some(LogFacility::from_name(text).ok_or_else(fault)?);
            }
            ("methods_filter", GlobalValue::Int(filter)) => config.filter = *filter,
            _ => {}
        }
    }
    Ok(Arc::new(config))
}

/// A parameter that changes nothing.
const fn setting(name: &'static str, kind: SettingKind, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind, effective: false, doc }
}

/// `xlog(level, format)`.
fn at_level<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    match arguments {
        [Argument::Int(level), text @ ..] => write(execution, LogLevel::from_number(*level), text),
        _ => FALSE,
    }
}

/// Writes a line, if lines of its level are written.
fn write<'m>(
    execution: &mut Execution<'m>,
    level: LogLevel,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    write_as(execution, (None, level), arguments, false)
}

/// Writes a text for a facility, or for that of `log_facility`, if its level is written.
fn write_as<'m>(
    execution: &mut Execution<'m>,
    (facility, level): (Option<LogFacility>, LogLevel),
    arguments: &[Argument<'m>],
    has_place: bool,
) -> ReturnCode {
    if !execution.host.logs(level) {
        return TRUE;
    }
    let text: &[u8] = match arguments {
        [Argument::Format(format)] => format.render(execution),
        [Argument::Text(text)] => text,
        _ => return FALSE,
    };
    let facility = facility.or_else(|| execution.program.config::<Config>()?.facility);
    let line: &[u8] = match has_place {
        true => execution.build(&[execution.place().as_bytes(), b": ", text]),
        false => text,
    };
    match facility {
        Some(facility) => execution.host.log_as(facility, level, line),
        None => execution.host.log(level, line),
    }
    TRUE
}
