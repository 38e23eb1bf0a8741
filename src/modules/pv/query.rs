//! Questions about pseudo-variables: `pv_isset`, `is_int` and the like.

use super::super::table::{function, text, verdict};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, ParameterKind, ParameterSpec, ReturnCode, Value,
    parse_int,
};

/// The variable that a question is about.
const VARIABLE: ParameterSpec = ParameterSpec::required("variable", ParameterKind::AnyVariable);

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "pv_isset",
        &[VARIABLE],
        "Whether a variable has a value, that is, is not `$null`.",
        r#"if (pv_isset("$avp(x)")) exit;"#,
        |execution, arguments| verdict(value(execution, arguments) != Value::Null),
    ),
    function(
        "pv_unset",
        &[ParameterSpec::required("variable", ParameterKind::Variable)],
        "Assigns `$null` to a variable.",
        r#"pv_unset("$avp(x)");"#,
        unset,
    ),
    function(
        "pv_printf",
        &[
            ParameterSpec::required("variable", ParameterKind::Variable),
            ParameterSpec::required("format", ParameterKind::Text),
        ],
        "Assigns a text with pseudo-variables in it to a variable.",
        r#"pv_printf("$var(x)", "$rU at $si");"#,
        |execution, arguments| {
            verdict(super::super::table::write(execution, arguments, 0, text(arguments, 1)))
        },
    ),
    function(
        "is_int",
        &[VARIABLE],
        "Whether a variable holds a number, or a text that is one.",
        r#"if (is_int("$rU")) exit;"#,
        |execution, arguments| {
            verdict(match value(execution, arguments) {
                Value::Null => false,
                Value::Int(_) => true,
                Value::Text(text) => parse_int(text).is_some(),
            })
        },
    ),
    function(
        "not_empty",
        &[VARIABLE],
        "Whether a variable holds a text that is not empty.",
        r#"if (not_empty("$rU")) exit;"#,
        |execution, arguments| {
            let value = value(execution, arguments);
            verdict(matches!(value, Value::Text(text) if !text.is_empty()))
        },
    ),
    function(
        "typeof",
        &[VARIABLE, ParameterSpec::required("type", ParameterKind::Literal)],
        "Whether a variable holds what the type says: `int`, `str`, or `null` for nothing.",
        r#"if (typeof("$avp(x)", "str")) exit;"#,
        |execution, arguments| {
            let found: &[u8] = match value(execution, arguments) {
                Value::Null => b"null",
                Value::Int(_) => b"int",
                Value::Text(_) => b"str",
            };
            verdict(found == text(arguments, 1))
        },
    ),
];

/// What the variable that is the first argument holds.
fn value<'m>(execution: &Execution<'m>, arguments: &[Argument<'m>]) -> Value<'m> {
    match arguments.first() {
        Some(Argument::Variable(variable)) => variable.read(execution),
        _ => Value::Null,
    }
}

/// `pv_unset(variable)`.
fn unset<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    match arguments.first() {
        Some(Argument::Variable(variable)) => verdict(variable.write(execution, Value::Null)),
        _ => FALSE,
    }
}
