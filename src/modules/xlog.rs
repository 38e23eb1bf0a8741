//! `xlog`: Formatted log lines.

use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, LogLevel, ModuleSpec, ParameterKind, ParameterSpec,
    ReturnCode, RouteKinds, SettingKind, SettingSpec, TRUE,
};

/// The module.
pub(super) const MODULE: ModuleSpec = ModuleSpec {
    functions: FUNCTIONS,
    settings: SETTINGS,
    missing: super::missing::XLOG,
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
        doc: "The same with a facility of the system log, such as `LOG_LOCAL0`.",
        example: "xlog(\"LOG_LOCAL0\", \"L_INFO\", \"$rm from $si\\n\");",
        run: |execution, arguments| match arguments {
            [_, rest @ ..] => at_level(execution, rest),
            [] => FALSE,
        },
    },
    at(
        ("xlog", &["xerr"]),
        ("Writes a line at level L_ERR.", "xlog(\"$rm from $si\\n\");"),
        |execution, arguments| write(execution, LogLevel::Error, arguments),
    ),
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
    if execution.host.logs(level) {
        let text = match arguments {
            [Argument::Format(format)] => format.render(execution),
            [Argument::Text(text)] => text,
            _ => return FALSE,
        };
        let place = execution.place();
        let line = execution.build(&[place.as_bytes(), b": ", text]);
        execution.host.log(level, line);
    }
    TRUE
}

/// The parameters; buffers grow as they must, so that none of them matters.
const SETTINGS: &[SettingSpec] = &[
    setting("buf_size", SettingKind::Int, "Changes nothing: lines may be of any length."),
    setting("force_color", SettingKind::Int, "Changes nothing: colours are always written."),
    setting(
        "long_format",
        SettingKind::Int,
        "Changes nothing: the place in the script is not written.",
    ),
    setting(
        "log_facility",
        SettingKind::Text,
        "Changes nothing: in the system log lines have the facility `daemon`.",
    ),
    setting("log_colors", SettingKind::Text, "Changes nothing: lines have no colours by level."),
    setting("methods_filter", SettingKind::Int, "Changes nothing: lines are never filtered."),
    setting("prefix_mode", SettingKind::Int, "Changes nothing: lines have no prefix."),
    setting("prefix", SettingKind::Text, "Changes nothing: lines have no prefix."),
];

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
    if execution.host.logs(level) {
        let text = match arguments {
            [Argument::Format(format)] => format.render(execution),
            [Argument::Text(text)] => text,
            _ => return FALSE,
        };
        execution.host.log(level, text);
    }
    TRUE
}
