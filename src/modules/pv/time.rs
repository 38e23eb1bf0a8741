//! Time, chance and the process.

use crate::limits::SCRIPT_STRING_BYTES_MAX;
use crate::script::{DateTime, Execution, Index, Key, Value};
use crate::time::{Now, Zone};

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
    let Now { wall_seconds, zone, .. } = execution.host.now();
    written(execution, key, DateTime::local(wall_seconds, zone))
}

/// `$utimef(format)`.
pub(super) fn formatted_utc<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    // The C library has two names for no zone, and scripts of Kamailio get this one here.
    let zone = Zone { abbreviation: *b"GMT\0\0\0\0", ..Zone::UTC };
    written(execution, key, DateTime::local(execution.host.now().wall_seconds, zone))
}

/// A moment in the format that the key is.
fn written<'m>(execution: &Execution<'m>, key: Key<'m>, moment: DateTime) -> Value<'m> {
    let Key::Name(format) = key else { return Value::Null };
    let mut out = bumpalo::collections::Vec::new_in(execution.transit.arena);
    if !moment.write(format, SCRIPT_STRING_BYTES_MAX, &mut out) {
        return Value::Null;
    }
    Value::Text(execution.build(&[&out]))
}

/// `$time(part)`.
pub(super) fn part<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Now { wall_seconds, zone, .. } = execution.host.now();
    part_of(DateTime::local(wall_seconds, zone), key)
}

/// `$utime(part)`.
pub(super) fn part_utc<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    part_of(DateTime::of(execution.host.now().wall_seconds), key)
}

/// A part of a moment.
fn part_of<'m>(moment: DateTime, key: Key<'m>) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    Value::Int(match part {
        b"sec" => moment.second.into(),
        b"min" => moment.minute.into(),
        b"hour" => moment.hour.into(),
        b"mday" => moment.day.into(),
        b"mon" => moment.month.into(),
        b"year" => i64::try_from(moment.year).unwrap_or(i64::MAX),
        b"wday" => i64::from(moment.weekday) + 1,
        b"yday" => i64::from(moment.year_day) + 1,
        b"isdst" => moment.zone.saves_daylight.into(),
        _ => return Value::Null,
    })
}

/// What `$TV(...)` knows.
pub(super) const CLOCK_PARTS: &[&str] = &["s", "u", "sn", "un", "Sn"];

/// `$TV(part)`.
pub(super) fn clock<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    let Now { wall_seconds, wall_fraction_us, .. } = execution.host.now();
    let seconds = i64::try_from(wall_seconds).unwrap_or(i64::MAX);
    match part {
        b"s" | b"sn" => Value::Int(seconds),
        b"u" | b"un" => Value::Int(wall_fraction_us.into()),
        b"Sn" => {
            let digits = execution.show_int(i64::from(wall_fraction_us) + 1_000_000);
            let seconds = execution.show_int(seconds);
            Value::Text(execution.build(&[seconds, b".", digits.get(1..).unwrap_or_default()]))
        }
        _ => Value::Null,
    }
}

/// `$RANDOM`.
pub(super) fn random<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    Value::Int(i64::try_from(execution.host.random() >> 33).unwrap_or(0))
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
