//! Transformations that know `$null`: `{val.*}` and `{sql.*}`; and those of sockets: `{sock.*}`,
//! `{urialias.*}`.

use crate::script::value::parse_int;
use crate::script::{Execution, Value, split_host_port};
use crate::sip::Uri;

/// What becomes of a value, `$null` among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValuePart {
    /// `$null` as 0.
    NullAsZero,
    /// `$null` as the empty string.
    NullAsEmpty,
    /// As the inside of a string of JSON.
    Json,
    /// As a value of JSON.
    JsonQuoted,
    /// As a value of SQL; what `$null` is.
    Sql(&'static str),
}

impl ValuePart {
    /// The transformation `{class.name}`.
    pub(super) fn find(class: &str, name: &str) -> Option<Self> {
        Some(match (class, name) {
            ("val", "n0") => Self::NullAsZero,
            ("val", "ne") => Self::NullAsEmpty,
            ("val", "json") => Self::Json,
            ("val", "jsonqe") => Self::JsonQuoted,
            ("sql", "val") => Self::Sql("NULL"),
            ("sql", "val.int") => Self::Sql("0"),
            ("sql", "val.str") => Self::Sql("''"),
            _ => return None,
        })
    }

    /// What becomes of `value`.
    pub(super) fn apply<'m>(self, execution: &Execution<'m>, value: Value<'m>) -> Value<'m> {
        match (self, value) {
            (Self::NullAsZero, Value::Null) => Value::Int(0),
            (Self::NullAsEmpty | Self::Json, Value::Null) => Value::Text(b""),
            (Self::JsonQuoted, Value::Null) => Value::Text(b"\"\""),
            (Self::Sql(null), Value::Null) => Value::Text(null.as_bytes()),
            (Self::Json, Value::Text(text)) => Value::Text(json(execution, text, b"")),
            (Self::JsonQuoted, Value::Text(text)) => Value::Text(json(execution, text, b"\"")),
            (Self::Sql(_), Value::Text(text)) => Value::Text(sql(execution, text)),
            (Self::Json | Self::Sql(_), Value::Int(number)) => {
                Value::Text(execution.show_int(number))
            }
            (_, value) => value,
        }
    }
}

/// A text as JSON has it (RFC 8259 §7), between `quote`s.
fn json<'m>(execution: &Execution<'m>, text: &[u8], quote: &[u8]) -> &'m [u8] {
    execution.build_with(text.len() * 6 + 2, |out| {
        out.extend_from_slice_copy(quote);
        for byte in text {
            match byte {
                b'"' | b'\\' => out.extend_from_slice_copy(&[b'\\', *byte]),
                b'\n' => out.extend_from_slice_copy(b"\\n"),
                b'\r' => out.extend_from_slice_copy(b"\\r"),
                b'\t' => out.extend_from_slice_copy(b"\\t"),
                0..=0x1f => {
                    let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 15)];
                    out.extend_from_slice_copy(b"\\u00");
                    out.extend_from_slice_copy(&[digit(byte >> 4), digit(*byte)]);
                }
                byte => out.push(*byte),
            }
        }
        out.extend_from_slice_copy(quote);
    })
}

/// A text as a string of SQL, with backslashes before what would end it.
fn sql<'m>(execution: &Execution<'m>, text: &[u8]) -> &'m [u8] {
    execution.build_with(text.len() * 2 + 2, |out| {
        out.push(b'\'');
        for byte in text {
            match byte {
                0 => out.extend_from_slice_copy(b"\\0"),
                b'\'' | b'"' | b'\\' => out.extend_from_slice_copy(&[b'\\', *byte]),
                byte => out.push(*byte),
            }
        }
        out.push(b'\'');
    })
}

/// A part of `proto:host:port`, or another notation of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketPart {
    /// The host.
    Host,
    /// The port.
    Port,
    /// The transport.
    Transport,
    /// All of it as a URI.
    Uri,
    /// A URI as `host~port~number`.
    ToAlias,
    /// The URI that `host~port~number` is.
    FromAlias,
}

impl SocketPart {
    /// The transformation `{class.name}`.
    pub(super) fn find(class: &str, name: &str) -> Option<Self> {
        Some(match (class, name) {
            ("sock", "host") => Self::Host,
            ("sock", "port") => Self::Port,
            ("sock", "proto") => Self::Transport,
            ("sock", "touri") => Self::Uri,
            ("urialias", "encode") => Self::ToAlias,
            ("urialias", "decode") => Self::FromAlias,
            _ => return None,
        })
    }

    /// What becomes of `text`; empty if it is malformed.
    pub(super) fn apply<'m>(self, execution: &Execution<'m>, text: &'m [u8]) -> Value<'m> {
        let found = match self {
            Self::ToAlias => to_alias(execution, text),
            Self::FromAlias => from_alias(execution, text),
            part => socket(text).map(|(transport, host, port)| match part {
                Self::Host => host,
                Self::Port => port,
                Self::Transport => transport,
                _ => execution.build(&[b"sip:", host, b":", port, b";transport=", transport]),
            }),
        };
        Value::Text(found.unwrap_or_default())
    }
}

/// Transport, host and port of `proto:host:port`.
fn socket(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let colon = memchr::memchr(b':', text)?;
    let (transport, rest) = (&text[..colon], &text[colon + 1..]);
    let (host, port) = split_host_port(rest);
    let port = port.map_or(&b"5060"[..], |_| &rest[host.len() + 1..]);
    let is_good = TRANSPORTS.iter().any(|known| known.eq_ignore_ascii_case(transport));
    (is_good && !host.is_empty()).then_some((transport, host, port))
}

/// The transports, in the order of their numbers from 1 on.
const TRANSPORTS: [&[u8]; 6] = [b"udp", b"tcp", b"tls", b"sctp", b"ws", b"wss"];

/// A URI as `host~port~number`.
fn to_alias<'m>(execution: &Execution<'m>, text: &'m [u8]) -> Option<&'m [u8]> {
    let uri = Uri::parse(text).ok()?;
    let transport = uri.params.get(b"transport").and_then(|param| param.value).unwrap_or(b"udp");
    let place = TRANSPORTS.iter().position(|known| known.eq_ignore_ascii_case(transport))?;
    let number = execution.show_int(i64::try_from(place + 1).ok()?);
    let port = execution.show_int(uri.port.unwrap_or_else(|| uri.default_port()).into());
    Some(execution.build(&[uri.host, b"~", port, b"~", number]))
}

/// The URI that `host~port~number` is.
fn from_alias<'m>(execution: &Execution<'m>, text: &'m [u8]) -> Option<&'m [u8]> {
    let mut parts = text.split(|byte| *byte == b'~');
    let (host, port, number) = (parts.next()?, parts.next()?, parts.next()?);
    let place = usize::try_from(parse_int(number)?).ok()?.checked_sub(1)?;
    let transport = TRANSPORTS.get(place)?;
    let is_good = parts.next().is_none() && !host.is_empty() && parse_int(port).is_some();
    is_good.then(|| execution.build(&[b"sip:", host, b":", port, b";transport=", transport]))
}
