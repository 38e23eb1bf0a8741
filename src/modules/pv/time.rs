//! Time, chance and the process.

use crate::limits::SCRIPT_STRING_BYTES_MAX;
use crate::script::{DateTime, Execution, Index, Key, Value};

/// What `$time(...)` knows.
pub(super) const PARTS: &[&str] =
    &["sec", "min", "hour", "mday", "mon", "year", "wday", "yday", "isdst"];

/// `$Ts`.
pub(super) fn seconds<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(i64::try_from(execution.host.now().wall_seconds).unwrap_or(i64::MAX))
}

/// `$Tf`.
pub(super) fn text<'m>(execution: &Execution<'m>, _: Key<'m>, at: Index) -> Value<'m> {
    formatted(execution, Key::Name(b"%c"), at)
}

/// `$timef(format)`.
pub(super) fn formatted<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(format) = key else { return Value::Null };
    let moment = DateTime::of(execution.host.now().wall_seconds);
    let mut out = bumpalo::collections::Vec::new_in(execution.transit.arena);
    if !moment.write(format, SCRIPT_STRING_BYTES_MAX, &mut out) {
        return Value::Null;
    }
    Value::Text(execution.build(&[&out]))
}

/// `$time(part)`.
pub(super) fn part<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    let moment = DateTime::of(execution.host.now().wall_seconds);
    Value::Int(match part {
        b"sec" => moment.second.into(),
        b"min" => moment.minute.into(),
        b"hour" => moment.hour.into(),
        b"mday" => moment.day.into(),
        b"mon" => moment.month.into(),
        b"year" => i64::try_from(moment.year).unwrap_or(i64::MAX),
        b"wday" => i64::from(moment.weekday) + 1,
        b"yday" => i64::from(moment.year_day) + 1,
        b"isdst" => 0,
        _ => return Value::Null,
    })
}

/// `$RANDOM`.
pub(super) fn random<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(i64::try_from(execution.random() >> 33).unwrap_or(0))
}

/// `$pp`.
pub(super) fn process<'m>(_: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(std::process::id().into())
}

/// `$version(part)`.
pub(super) fn version<'m>(_: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    match key {
        Key::Name(b"num") => Value::Text(env!("CARGO_PKG_VERSION").as_bytes()),
        Key::Name(b"full") => {
            Value::Text(concat!("Viaduct ", env!("CARGO_PKG_VERSION")).as_bytes())
        }
        _ => Value::Null,
    }
}
