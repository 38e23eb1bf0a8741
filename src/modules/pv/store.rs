//! What the script keeps: variables, attributes, flags.

use super::{keyed, writable};
use crate::modules::kex::ScriptFlags;
use crate::script::{Execution, Index, Key, PseudoVariable, Value, XavpKind, XavpPath, parse_int};

/// The variables that are no more than readers and writers of this file.
pub(super) const VARIABLES: &[PseudoVariable] = &[
    writable(
        keyed(
            "Bf",
            &[],
            "1 if the flag of the first branch with that number is set, else 0. Assigning 0 clears \
             it, any other number sets it.",
            |execution, key, _| flag(execution.branch_flags, key),
        ),
        |execution, key, _, value| set_flag(&mut execution.branch_flags, key, value),
    ),
    writable(
        keyed(
            "Mf",
            &[],
            "1 if the message flag with that number is set, else 0. Assigning 0 clears it, any \
             other number sets it.",
            |execution, key, _| flag(execution.transit.flags, key),
        ),
        |execution, key, _, value| set_flag(&mut execution.transit.flags, key, value),
    ),
    writable(
        keyed(
            "Sf",
            &[],
            "1 if the script flag (`setsflag`) with that number is set, else 0. Assigning 0 clears \
             it, any other number sets it.",
            |execution, key, _| flag(script_flag_bits(execution), key),
        ),
        |execution, key, _, value| {
            let state = execution.state::<ScriptFlags>();
            state.is_some_and(|state| set_flag(&mut state.0, key, value))
        },
    ),
    writable(
        keyed(
            "vn",
            &[],
            "A variable of the script, apart from those of `$var`. It is `$null` until it is \
             assigned to, and again for the next message.",
            read_plain,
        ),
        write_plain,
    ),
];

/// The bit of the flag whose number a key is.
fn flag_bit(key: Key<'_>) -> Option<u32> {
    let Key::Name(number) = key else { return None };
    1_u32.checked_shl(u32::try_from(parse_int(number)?).ok()?)
}

/// Whether a flag is set.
fn flag<'m>(flags: u32, key: Key<'_>) -> Value<'m> {
    flag_bit(key).map_or(Value::Null, |bit| Value::Int((flags & bit != 0).into()))
}

/// Sets a flag, or clears it; false if there is none of that number.
fn set_flag(flags: &mut u32, key: Key<'_>, value: Value<'_>) -> bool {
    let Some(bit) = flag_bit(key) else { return false };
    *flags = if value.to_int() == 0 { *flags & !bit } else { *flags | bit };
    true
}

/// `$vn(name)`.
fn read_plain<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    execution.xavp(XavpKind::Plain, XavpPath::new(name, None))
}

/// `$vn(name) = value`.
fn write_plain<'m>(
    execution: &mut Execution<'m>,
    key: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let Key::Name(name) = key else { return false };
    let path = XavpPath::new(name, None);
    match value {
        Value::Null => {
            execution.xavp_remove(XavpKind::Plain, path);
            true
        }
        value => execution.xavp_put(XavpKind::Plain, path, value),
    }
}

/// `$null`.
pub(super) fn null<'m>(_: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Null
}

/// A variable that the compiler has replaced by its value.
pub(super) fn nothing<'m>(_: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Null
}

/// `$cfg(part)`.
pub(super) fn place<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let place = execution.file_and_line();
    match key {
        Key::Name(b"line") => place.map_or(Value::Null, |(_, line)| Value::Int(line.into())),
        Key::Name(b"name") => Value::text_or_null(place.map(|(file, _)| file.as_bytes())),
        Key::Name(b"route") => Value::text_or_null(execution.route_name().map(str::as_bytes)),
        _ => Value::Null,
    }
}

/// `$rc`.
pub(super) fn code<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(execution.code().into())
}

/// `$var(name)`, where the name was not known to the compiler.
pub(super) fn read_var<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    match key {
        Key::Name(name) => execution.variable(name),
        Key::None => Value::Null,
    }
}

/// `$var(name) = value`, where the name was not known to the compiler.
pub(super) fn write_var<'m>(
    execution: &mut Execution<'m>,
    key: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    matches!(key, Key::Name(name) if execution.set_variable(name, value))
}

/// The name of an attribute without `s:`.
fn plain(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"s:").unwrap_or(name)
}

/// `$avp(name)`.
pub(super) fn read_avp<'m>(execution: &Execution<'m>, key: Key<'m>, index: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    let name = plain(name);
    match index {
        Index::None => execution.avp(name, 0),
        Index::At(at) => execution.avp(name, at),
        Index::All => execution.all_avps(name),
    }
}

/// `$avp(name) = value`.
pub(super) fn write_avp<'m>(
    execution: &mut Execution<'m>,
    key: Key<'m>,
    index: Index,
    value: Value<'m>,
) -> bool {
    let Key::Name(name) = key else { return false };
    let name = plain(name);
    if index == Index::All {
        execution.remove_avp(name, true);
    }
    match value {
        Value::Null => execution.remove_avp(name, false),
        value => execution.push_avp(name, value),
    }
    true
}

/// `$mf`.
pub(super) fn flags<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(execution.transit.flags.into())
}

/// `$mF`.
pub(super) fn flags_hex<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    hexadecimal(execution, execution.transit.flags)
}

/// `$mf = value`.
pub(super) fn write_flags<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let flags = u32::try_from(value.to_int());
    flags.map(|flags| execution.transit.flags = flags).is_ok()
}

/// The script flags.
fn script_flag_bits(execution: &Execution<'_>) -> u32 {
    execution.peek_state::<ScriptFlags>().unwrap_or_default().0
}

/// `$sf`.
pub(super) fn script_flags<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(script_flag_bits(execution).into())
}

/// `$sF`.
pub(super) fn script_flags_hex<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    hexadecimal(execution, script_flag_bits(execution))
}

/// `$sf = value`.
pub(super) fn write_script_flags<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let Ok(flags) = u32::try_from(value.to_int()) else { return false };
    execution.state::<ScriptFlags>().map(|state| state.0 = flags).is_some()
}

/// `$bf`.
pub(super) fn branch_flags<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(execution.branch_flags.into())
}

/// `$bF`.
pub(super) fn branch_flags_hex<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    hexadecimal(execution, execution.branch_flags)
}

/// `$bf = value`.
pub(super) fn write_branch_flags<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let flags = u32::try_from(value.to_int());
    flags.map(|flags| execution.branch_flags = flags).is_ok()
}

/// Eight hexadecimal digits.
fn hexadecimal<'m>(execution: &Execution<'m>, number: u32) -> Value<'m> {
    Value::Text(execution.build_with(8, |out| {
        for shift in (0..8).rev() {
            out.push(b"0123456789abcdef"[(number >> (4 * shift) & 15) as usize]);
        }
    }))
}
