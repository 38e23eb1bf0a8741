//! `{url.*}` and `{json.parse}`: what scripts get from elsewhere.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Parameter, Parameters};
use crate::script::scope::{Fault, Scope};
use crate::script::value::parse_int;
use crate::script::{Execution, Value};

/// A part of the URL of an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlPart {
    /// What stands before the question mark.
    Path,
    /// What stands behind it.
    QueryString,
}

impl UrlPart {
    /// The part that `{url.name}` gives.
    pub(super) fn find(name: &str) -> Option<Self> {
        match name {
            "path" => Some(Self::Path),
            "querystring" => Some(Self::QueryString),
            _ => None,
        }
    }

    /// The part of `text`.
    pub(super) fn of(self, text: &[u8]) -> &[u8] {
        let question = memchr::memchr(b'?', text);
        match (self, question) {
            (Self::Path, at) => &text[..at.unwrap_or(text.len())],
            (Self::QueryString, Some(at)) => &text[at + 1..],
            (Self::QueryString, None) => &[],
        }
    }
}

/// The way to a value within a document of JSON: `a.b[0].c`; a dot within a name is `%2E`.
#[derive(Clone, Debug)]
pub(crate) struct JsonPath(Parameter);

impl JsonPath {
    /// The path of `{json.parse,path}`.
    pub(super) fn read(
        parameters: &mut Parameters<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<Self, Fault> {
        parameters.required(scope).map(Self)
    }

    /// The value there, a string without its quotes; empty if there is none.
    pub(super) fn apply<'m>(&'m self, execution: &Execution<'m>, text: &'m [u8]) -> Value<'m> {
        let found = find(text, self.0.text(execution)).unwrap_or_default();
        // A script that reads the same document again and again pays for it each time.
        let whole = execution.build_with(text.len(), |out| {
            out.extend_from_slice_copy(&found.as_bytes()[..found.len().min(text.len())]);
        });
        Value::Text(whole)
    }
}

/// What stands at a place of a document.
fn find<'d>(text: &'d [u8], path: &[u8]) -> Option<Cow<'d, str>> {
    let mut value: &RawValue = serde_json::from_slice(text).ok()?;
    for step in path.split(|byte| *byte == b'.') {
        let (name, indices) = step.split_at(memchr::memchr(b'[', step).unwrap_or(step.len()));
        if !name.is_empty() {
            let name = std::str::from_utf8(name).ok()?.replace("%2E", ".").replace("%2e", ".");
            let mut members: BTreeMap<Cow<'_, str>, &RawValue> =
                serde_json::from_str(value.get()).ok()?;
            value = members.remove(name.as_str())?;
        }
        for index in indices.split(|byte| *byte == b'[').skip(1) {
            let index = usize::try_from(parse_int(index.strip_suffix(b"]")?)?).ok()?;
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            value = items.get(index).copied()?;
        }
    }
    let text = value.get();
    match text.as_bytes() {
        b"null" => None,
        [b'"', ..] => serde_json::from_str(text).ok().map(Cow::Owned),
        _ => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_paths() {
        let text =
            br#" {"a": {"b": [10, {"c.d": "x\"y"}, null]}, "t": true, "n": -1.5e3, "e": ""} "#;
        for (path, expected) in [
            ("a.b[0]", Some("10")),
            ("a.b[1].c%2Ed", Some("x\"y")),
            ("a.b[1]", Some(r#"{"c.d": "x\"y"}"#)),
            ("a.b[2]", None),
            ("a.b[3]", None),
            ("a.b[-1]", None),
            ("a.b[", None),
            ("a.z", None),
            ("t", Some("true")),
            ("n", Some("-1.5e3")),
            ("e", Some("")),
            ("t.x", None),
        ] {
            assert_eq!(find(text, path.as_bytes()).as_deref(), expected, "{path}");
        }
        assert_eq!(find(b"[[1,2],[3]]", b"[1][0]").as_deref(), Some("3"));
        assert_eq!(find(b"{\"a\":", b"a"), None);
        assert_eq!(find(&[b'['; 60_000], b"[0]"), None);
    }
}
