//! Single values and parameters of header fields: `insert_hf_value("Name[2]", "value")`.

use super::super::table::{function, required_text, text, verdict};
use crate::modules::item::take_off;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Index, ParameterSpec, ReturnCode, TRUE, parse_int,
};
use crate::sip::{Header, Items};

/// A header field, one of its values, or a parameter of that.
pub(super) const TARGET: ParameterSpec = required_text("hf");

/// A value.
pub(super) const VALUE: ParameterSpec = required_text("value");

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "append_hf_value",
        &[TARGET, VALUE],
        "Adds a value behind one of the values of a header field: `Name[1]` is the first, \
         `Name[-1]` the last. Without an index, or if there is none, a header field is added \
         behind all others.",
        r#"append_hf_value("X-Path[-1]", "$Ri");"#,
        |execution, arguments| add(execution, arguments, true),
    ),
    function(
        "insert_hf_value",
        &[TARGET, VALUE],
        "Adds a value before one of the values of a header field: `Name[1]` is the first, \
         `Name[-1]` the last. Without an index, or if there is none, a header field is added \
         before the first of its name, or before all others.",
        r#"insert_hf_value("X-Path[1]", "$Ri");"#,
        |execution, arguments| add(execution, arguments, false),
    ),
    function(
        "remove_hf_value",
        &[TARGET],
        "Removes a value of a header field, or one of its parameters: `Name` or `Name[1]` is the \
         first, `Name[-1]` the last, `Name[*]` all, `Name[1].param` a parameter. False if it is \
         not there.",
        r#"remove_hf_value("X-Path[1]");"#,
        remove,
    ),
    function(
        "assign_hf_value",
        &[TARGET, VALUE],
        "Replaces a value of a header field, or sets a parameter of it: `Name` or `Name[1]` is \
         the first, `Name[*]` all, `Name[1].param` a parameter, which has no `=` if the value is \
         empty. False if there is no such value.",
        r#"assign_hf_value("Contact.expires", "60");"#,
        assign,
    ),
    function(
        "include_hf_value",
        &[TARGET, VALUE],
        "Adds a value to a set such as Supported, if it is not in it.",
        r#"include_hf_value("Supported", "path");"#,
        include,
    ),
    function(
        "exclude_hf_value",
        &[TARGET, VALUE],
        "Takes a value out of a set such as Supported, if it is in it.",
        r#"exclude_hf_value("Supported", "100rel");"#,
        exclude,
    ),
    function(
        "hf_value_exists",
        &[TARGET, VALUE],
        "Whether a value is in a set such as Supported, in any case.",
        r#"if (hf_value_exists("Supported", "100rel")) exit;"#,
        |execution, arguments| {
            let Some(target) = Target::parse(text(arguments, 0)) else { return FALSE };
            verdict(target.find(execution, text(arguments, 1)).is_some())
        },
    ),
];

/// What the first argument means: `Name[index].param`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) name: &'a [u8],
    pub(super) index: Index,
    pub(super) param: Option<&'a [u8]>,
}

/// A value with the header field it is in.
type Item<'m> = (Header<'m>, &'m [u8]);

impl<'a> Target<'a> {
    /// The target that `text` is; `None` if it is malformed.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_!%*+`'~".contains(byte);
        let end = text.iter().position(|byte| !is_name(byte)).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        let mut index = Index::None;
        if let Some(behind) = rest.strip_prefix(b"[") {
            let close = memchr::memchr(b']', behind)?;
            index = match &behind[..close] {
                b"*" => Index::All,
                // Scripts count from 1 here.
                digits => match i32::try_from(parse_int(digits)?).ok()? {
                    0 => return None,
                    at if at > 0 => Index::At(at - 1),
                    at => Index::At(at),
                },
            };
            rest = &behind[close + 1..];
        }
        let param = match rest.strip_prefix(b".") {
            Some(param) if !param.is_empty() && param.iter().all(is_name) => Some(param),
            None if rest.is_empty() => None,
            _ => return None,
        };
        (!name.is_empty()).then_some(Self { name, index, param })
    }

    /// All values of the header field.
    fn items<'m>(&self, execution: &Execution<'m>) -> Vec<Item<'m>> {
        let headers = execution.transit.message.headers_named(self.name);
        headers
            .flat_map(|header| Items::new(header.value).map(move |item| (header, item)))
            .collect()
    }

    /// The values that are meant: the first if there is no index.
    fn chosen<'m>(&self, execution: &Execution<'m>) -> Vec<Item<'m>> {
        let items = self.items(execution);
        let at = match self.index {
            Index::All => return items,
            Index::None => Some(0),
            Index::At(at) if at >= 0 => usize::try_from(at).ok(),
            Index::At(at) => usize::try_from(at.unsigned_abs())
                .ok()
                .and_then(|back| items.len().checked_sub(back)),
        };
        at.and_then(|at| items.get(at).copied()).into_iter().collect()
    }

    /// The item that is `value`, in any case.
    fn find<'m>(&self, execution: &Execution<'m>, value: &[u8]) -> Option<Item<'m>> {
        let mut items = self.items(execution).into_iter();
        items.find(|(_, item)| item.eq_ignore_ascii_case(value))
    }
}

/// Whether a value may stand in a header field: it must not end the line.
pub(super) fn is_safe(value: &[u8]) -> bool {
    !value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
}

/// `append_hf_value(hf, value)` and `insert_hf_value(hf, value)`.
fn add<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>], behind: bool) -> ReturnCode {
    let value = text(arguments, 1);
    let Some(target) = Target::parse(text(arguments, 0)) else { return FALSE };
    if !is_safe(value) || value.is_empty() || target.param.is_some() || target.index == Index::All {
        return FALSE;
    }
    let chosen = match target.index {
        Index::None => None,
        _ => target.chosen(execution).first().copied(),
    };
    let transit = &mut execution.transit;
    let message = transit.message;
    verdict(match chosen {
        Some((_, item)) if behind => {
            let at = message.offset_of(item) + item.len();
            transit.edits.replace_parts(at, 0, &[b", ", value])
        }
        Some((_, item)) => transit.edits.replace_parts(message.offset_of(item), 0, &[value, b", "]),
        None => {
            let first = message.headers_named(target.name).next();
            let at = match first {
                _ if behind => message.headers_end(),
                Some(header) => message.offset_of(header.line),
                None => message.headers_start(),
            };
            transit.edits.replace_parts(at, 0, &[target.name, b": ", value, b"\r\n"])
        }
    })
}

/// `remove_hf_value(hf)`.
pub(super) fn remove<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(target) = Target::parse(text(arguments, 0)) else { return FALSE };
    let mut is_removed = false;
    for (header, item) in target.chosen(execution) {
        let transit = &mut execution.transit;
        match target.param {
            None => is_removed |= take_off(transit, header, item),
            Some(param) => {
                if let Some(found) = param_of(item, param) {
                    let at = transit.message.offset_of(found.text) - 1;
                    is_removed |= transit.edits.remove(at, found.text.len() + 1);
                }
            }
        }
    }
    verdict(is_removed)
}

/// `assign_hf_value(hf, value)`.
pub(super) fn assign<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let value = text(arguments, 1);
    let Some(target) = Target::parse(text(arguments, 0)) else { return FALSE };
    if !is_safe(value) {
        return FALSE;
    }
    let mut is_assigned = false;
    for (_, item) in target.chosen(execution) {
        let transit = &mut execution.transit;
        let message = transit.message;
        let equals: &[u8] = if value.is_empty() { b"" } else { b"=" };
        is_assigned |= match target.param {
            None => transit.edits.replace(message.offset_of(item), item.len(), value),
            Some(param) => match param_of(item, param) {
                Some(found) => {
                    let at = message.offset_of(found.text);
                    transit.edits.replace_parts(at, found.text.len(), &[param, equals, value])
                }
                None => {
                    let at = message.offset_of(item) + item.len();
                    transit.edits.replace_parts(at, 0, &[b";", param, equals, value])
                }
            },
        };
    }
    verdict(is_assigned)
}

/// `include_hf_value(hf, value)`.
fn include<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let value = text(arguments, 1);
    let Some(target) = Target::parse(text(arguments, 0)) else { return FALSE };
    if !is_safe(value) || value.is_empty() {
        return FALSE;
    }
    if target.find(execution, value).is_some() {
        return TRUE;
    }
    let last = target.items(execution).last().copied();
    let transit = &mut execution.transit;
    let message = transit.message;
    verdict(match last {
        Some((_, item)) => {
            let at = message.offset_of(item) + item.len();
            transit.edits.replace_parts(at, 0, &[b", ", value])
        }
        None => {
            let parts = [target.name, b": ", value, b"\r\n"];
            transit.edits.replace_parts(message.headers_end(), 0, &parts)
        }
    })
}

/// `exclude_hf_value(hf, value)`.
fn exclude<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(target) = Target::parse(text(arguments, 0)) else { return FALSE };
    match target.find(execution, text(arguments, 1)) {
        Some((header, item)) => verdict(take_off(&mut execution.transit, header, item)),
        None => TRUE,
    }
}

/// A parameter in a value.
struct Param<'m> {
    /// Name, equals sign and value, without the semicolon before it.
    text: &'m [u8],
}

/// The parameter of that name behind the address, or behind all else, in a value.
fn param_of<'m>(item: &'m [u8], name: &[u8]) -> Option<Param<'m>> {
    let start = memchr::memrchr(b'>', item).unwrap_or(0);
    let mut at = start + memchr::memchr(b';', item.get(start..)?)?;
    loop {
        let rest = item.get(at + 1..)?;
        let length = param_length(rest);
        let text = &rest[..length];
        let own = text.split(|byte| *byte == b'=').next().unwrap_or_default();
        if own.trim_ascii().eq_ignore_ascii_case(name) {
            return Some(Param { text });
        }
        at += 1 + length;
    }
}

/// How long the parameter at the start of `rest` is: up to a semicolon outside of quotes.
fn param_length(rest: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return at,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_an_index_and_a_parameter() {
        let at = |index| Some(Target { name: b"Foo", index, param: None });
        for (text, target) in [
            ("Foo", at(Index::None)),
            ("Foo[1]", at(Index::At(0))),
            ("Foo[-1]", at(Index::At(-1))),
            ("Foo[*]", at(Index::All)),
            ("Foo[0]", None),
            ("Foo[x]", None),
            ("Foo[1", None),
            ("Foo.", None),
            ("Foo bar", None),
            ("", None),
            ("[1]", None),
        ] {
            assert_eq!(Target::parse(text.as_bytes()), target, "{text}");
        }
        let target = Target::parse(b"Foo[*].bar").map(|target| target.param);
        assert_eq!(target, Some(Some(&b"bar"[..])));
    }
}
