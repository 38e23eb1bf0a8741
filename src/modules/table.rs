//! Shorthands for the tables of modules.

use bumpalo::Bump;
use regex::bytes::Regex;

use crate::script::ast::GlobalValue;
use crate::script::{
    Argument, Execution, FALSE, Function, FunctionSpec, ParameterKind, ParameterSpec, ReturnCode,
    RouteKinds, SettingKind, SettingSpec, TRUE, Value,
};

/// A function that may be called from every route block and has one name; the rest is changed
/// with `..`.
pub(super) const fn function(
    name: &'static str,
    parameters: &'static [ParameterSpec],
    doc: &'static str,
    example: &'static str,
    run: Function,
) -> FunctionSpec {
    FunctionSpec { name, aliases: &[], parameters, routes: RouteKinds::ANY, doc, example, run }
}

/// How many entries the tables have together.
pub(super) const fn count<T>(tables: &[&[T]]) -> usize {
    let mut sum = 0;
    let mut at = 0;
    while at < tables.len() {
        sum += tables[at].len();
        at += 1;
    }
    sum
}

/// The entries of the tables, one table behind the other; `N` is their [`count`], and the first
/// table is not empty.
pub(super) const fn join<T: Copy, const N: usize>(tables: &[&[T]]) -> [T; N] {
    let mut joined = [tables[0][0]; N];
    let mut filled = 0;
    let mut table = 0;
    while table < tables.len() {
        let mut at = 0;
        while at < tables[table].len() {
            joined[filled] = tables[table][at];
            filled += 1;
            at += 1;
        }
        table += 1;
    }
    joined
}

/// The text at that position of the arguments; empty if it was left out.
pub(super) fn text<'m>(arguments: &[Argument<'m>], position: usize) -> &'m [u8] {
    match arguments.get(position) {
        Some(Argument::Text(text)) => text,
        _ => b"",
    }
}

/// The number at that position of the arguments; `None` if it was left out.
pub(super) fn int(arguments: &[Argument<'_>], position: usize) -> Option<i64> {
    match arguments.get(position) {
        Some(Argument::Int(number)) => Some(*number),
        _ => None,
    }
}

/// The regular expression at that position of the arguments.
pub(super) fn regex<'m>(arguments: &[Argument<'m>], position: usize) -> Option<&'m Regex> {
    match arguments.get(position) {
        Some(Argument::Regex(regex)) => Some(regex),
        _ => None,
    }
}

/// The code that says yes or no.
pub(super) const fn verdict(yes: bool) -> ReturnCode {
    if yes { TRUE } else { FALSE }
}

/// A required parameter that is a text.
pub(super) const fn required_text(name: &'static str) -> ParameterSpec {
    ParameterSpec::required(name, ParameterKind::Text)
}

/// A parameter that is a text and may be left out.
pub(super) const fn optional_text(name: &'static str) -> ParameterSpec {
    ParameterSpec::optional(name, ParameterKind::Text)
}

/// A module parameter that is a number and has an effect.
pub(super) const fn number_setting(name: &'static str, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind: SettingKind::Int, effective: true, doc }
}

/// A module parameter that is a text and has an effect.
pub(super) const fn text_setting(name: &'static str, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind: SettingKind::Text, effective: true, doc }
}

/// A module parameter that is a number and changes nothing.
pub(super) const fn accepted_number(name: &'static str, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind: SettingKind::Int, effective: false, doc }
}

/// A module parameter that is a text and changes nothing.
pub(super) const fn accepted_text(name: &'static str, doc: &'static str) -> SettingSpec {
    SettingSpec { name, kind: SettingKind::Text, effective: false, doc }
}

/// The number that the parameter `name` was set to, from `least` to `most`, or what is wrong.
pub(super) fn number<N: TryFrom<i64>>(
    name: &str,
    value: &GlobalValue,
    least: i64,
    most: i64,
) -> Result<N, String> {
    match value {
        GlobalValue::Int(number) if (least..=most).contains(number) => N::try_from(*number).ok(),
        _ => None,
    }
    .ok_or_else(|| format!("{name} must be a number from {least} to {most}"))
}

/// The name of the AVP that a module parameter is, written `$avp(name)`, as it is kept.
pub(super) fn avp_name(value: &GlobalValue) -> Option<Box<[u8]>> {
    let GlobalValue::Text(text) = value else { return None };
    let name = text.trim_ascii().strip_prefix(b"$avp(")?.strip_suffix(b")")?;
    let name = name.strip_prefix(b"s:").unwrap_or(name);
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(byte);
    (!name.is_empty() && name.iter().all(is_plain)).then(|| name.into())
}

/// The parts in one piece, in the arena.
pub(super) fn joined<'m>(arena: &'m Bump, parts: &[&[u8]]) -> &'m [u8] {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = bumpalo::collections::Vec::with_capacity_in(length, arena);
    for part in parts {
        out.extend_from_slice(part);
    }
    out.into_bump_slice()
}

/// Writes a text into the variable at that position of the arguments.
pub(super) fn write<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    position: usize,
    text: &'m [u8],
) -> bool {
    match arguments.get(position) {
        Some(Argument::Variable(variable)) => variable.write(execution, Value::Text(text)),
        _ => false,
    }
}
