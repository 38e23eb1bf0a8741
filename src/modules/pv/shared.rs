//! `$shv(...)`: variables that all workers share.

use std::any::TypeId;
use std::sync::atomic::AtomicU64;

use hashbrown::DefaultHashBuilder;
use papaya::HashMap;

use crate::limits::{SHARED_VARIABLE_BYTES_MAX, SHARED_VARIABLE_COUNT_MAX};
use crate::modules::cfgutils;
use crate::script::ast::GlobalValue;
use crate::script::{Execution, Index, Key, Program, Value, parse_int};

/// The variables that all workers share. They stay when the script is loaded again. Readers take
/// no lock.
#[derive(Debug, Default)]
pub struct SharedVariables {
    values: HashMap<Box<[u8]>, Shared, DefaultHashBuilder>,
}

/// A value that belongs to no run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) enum Shared {
    /// A number.
    Int(i64),
    /// A text.
    Text(Box<[u8]>),
}

/// Names and values that a script starts with (`shvset`).
pub(in crate::modules) type InitialValues = Vec<(Box<[u8]>, Shared)>;

/// What the parameters of `pv` say, and what all workers share.
#[derive(Debug, Default)]
pub(super) struct PvConfig {
    pub(super) shared: InitialValues,
    /// `$Tb`; 0 as long as nobody has asked.
    pub(super) start: AtomicU64,
}

impl SharedVariables {
    /// Sets a variable; false if there are too many or the text is too long.
    fn set(&self, name: &[u8], value: Shared) -> bool {
        let values = self.values.pin();
        let is_short =
            !matches!(&value, Shared::Text(text) if text.len() > SHARED_VARIABLE_BYTES_MAX);
        let has_room = values.len() < SHARED_VARIABLE_COUNT_MAX || values.contains_key(name);
        if is_short && has_room {
            values.insert(name.into(), value);
        }
        is_short && has_room
    }
}

impl Shared {
    /// It as a value of a run.
    fn value<'m>(&self, execution: &Execution<'m>) -> Value<'m> {
        match self {
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(execution.build(&[text])),
        }
    }
}

/// Name and value of a parameter `shvset`: `name=i:7` or `name=s:text`.
pub(in crate::modules) fn initial_value(
    value: &GlobalValue,
) -> Result<(Box<[u8]>, Shared), String> {
    let told = || "shvset must be `name=i:number` or `name=s:text`".to_owned();
    let GlobalValue::Text(text) = value else { return Err(told()) };
    let equals = memchr::memchr(b'=', text).ok_or_else(told)?;
    let (name, value) = (text[..equals].trim_ascii(), &text[equals + 1..]);
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic());
    let value = match value {
        [b'i' | b'I', b':', number @ ..] => parse_int(number).map(Shared::Int),
        [b's' | b'S', b':', text @ ..] => Some(Shared::Text(text.into())),
        _ => None,
    };
    value.filter(|_| is_name).map(|value| (name.into(), value)).ok_or_else(told)
}

/// The variables of the server.
fn variables<'e>(execution: &'e Execution<'_>) -> Option<&'e SharedVariables> {
    execution.host.service(TypeId::of::<SharedVariables>())?.downcast_ref()
}

/// What a variable is that nobody has assigned to.
fn initial<'p>(program: &'p Program, name: &[u8]) -> Option<&'p Shared> {
    let own = program.config::<PvConfig>().into_iter().flat_map(|config| &config.shared);
    let mut all = own.chain(cfgutils::shared_values(program));
    all.find(|(known, _)| **known == *name).map(|(_, value)| value)
}

/// `$shv(name)`.
pub(super) fn read<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Null };
    let assigned = variables(execution)
        .and_then(|shared| shared.values.pin().get(name).map(|value| value.value(execution)));
    let initial = || initial(execution.program, name).map(|value| value.value(execution));
    assigned.or_else(initial).unwrap_or(Value::Int(0))
}

/// `$shv(name) = value`.
pub(super) fn write<'m>(
    execution: &mut Execution<'m>,
    key: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let Key::Name(name) = key else { return false };
    let value = match value {
        Value::Null => Shared::Text(Box::default()),
        Value::Int(number) => Shared::Int(number),
        Value::Text(text) => Shared::Text(text.into()),
    };
    variables(execution).is_some_and(|shared| shared.set(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_to_start_with_are_read() {
        let read = |text: &str| initial_value(&GlobalValue::Text(text.as_bytes().to_vec()));
        for (text, name, value) in [
            ("a=i:7", "a", Shared::Int(7)),
            ("a=i:-7", "a", Shared::Int(-7)),
            (" b =s:x=y", "b", Shared::Text((*b"x=y").into())),
            ("b=s:", "b", Shared::Text(Box::default())),
        ] {
            assert_eq!(read(text), Ok((name.as_bytes().into(), value)), "{text}");
        }
        for text in ["a", "=i:1", "a=1", "a=i:x", "a=i:", "a b=i:1"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(initial_value(&GlobalValue::Int(1)).is_err());
    }

    #[test]
    fn variables_have_a_bound() {
        let shared = SharedVariables::default();
        let long = vec![b'x'; SHARED_VARIABLE_BYTES_MAX + 1];
        assert!(!shared.set(b"long", Shared::Text(long.into())));
        for number in 0..SHARED_VARIABLE_COUNT_MAX {
            assert!(shared.set(number.to_string().as_bytes(), Shared::Int(1)));
        }
        assert!(!shared.set(b"more", Shared::Int(1)));
        assert!(shared.set(b"0", Shared::Int(2)));
    }
}
