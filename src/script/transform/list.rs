//! `{param.*}`: lists of `name=value` with semicolons (or another byte) between them.

use super::{Parameter, Parameters, count, pick};
use crate::script::scope::{Fault, Scope};
use crate::script::{Execution, Value};

/// A part of a list of parameters.
#[derive(Clone, Debug)]
pub(crate) enum ListPart {
    /// How many there are.
    Count,
    /// Whether there is one of that name: 1 or 0.
    In(Parameter),
    /// The name of the one at that place.
    Name(Parameter),
    /// The value of the one of that name.
    Value(Parameter),
    /// The value of the one at that place.
    ValueAt(Parameter),
}

impl ListPart {
    /// The part that `{param.name}` gives, and the separator.
    pub(super) fn find(
        name: &str,
        parameters: &mut Parameters<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Option<(Self, u8)>, Fault> {
        let part = match name {
            "count" => Self::Count,
            "in" => Self::In(parameters.required(scope)?),
            "name" => Self::Name(parameters.number(scope)?),
            "value" => Self::Value(parameters.required(scope)?),
            "valueat" => Self::ValueAt(parameters.number(scope)?),
            _ => return Ok(None),
        };
        Ok(Some((part, parameters.separator(b';'))))
    }

    /// The part of `text`.
    pub(super) fn apply<'m>(
        &'m self,
        execution: &Execution<'m>,
        text: &'m [u8],
        separator: u8,
    ) -> Value<'m> {
        let items = items(text, separator);
        let named = |name: &[u8]| {
            items.clone().map(split).find(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        match self {
            Self::Count => Value::Int(count(items)),
            Self::In(name) => Value::Int(i64::from(named(name.text(execution)).is_some())),
            Self::Name(at) => {
                let item = pick(items, at.int(execution));
                Value::Text(item.map_or(&[], |item| split(item).0))
            }
            Self::Value(name) => {
                Value::Text(named(name.text(execution)).map_or(&[], |(_, value)| value))
            }
            Self::ValueAt(at) => {
                let item = pick(items, at.int(execution));
                Value::Text(item.map_or(&[], |item| split(item).1))
            }
        }
    }
}

/// What stands between the separators, those within quotes apart, where it is not empty.
fn items(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> + Clone {
    let mut rest = Some(text);
    let parts = std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.iter().position(|byte| {
            let plain = !std::mem::replace(&mut escaped, false);
            quoted ^= plain && *byte == b'"';
            escaped = plain && quoted && *byte == b'\\';
            !quoted && *byte == separator
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    });
    parts.map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

/// Name and value of one parameter; quotes around the value are taken off.
fn split(item: &[u8]) -> (&[u8], &[u8]) {
    let Some(equals) = memchr::memchr(b'=', item) else { return (item, &[]) };
    let value = item[equals + 1..].trim_ascii();
    let value = match value {
        [b'"', inner @ .., b'"'] => inner,
        value => value,
    };
    (item[..equals].trim_ascii(), value)
}
