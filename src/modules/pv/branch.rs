//! The destination set: `$br`, `$ds`, `$branch(...)`, and the branch that is prepared apart from
//! it, `$sbranch(...)`.

use bumpalo::collections::Vec as ArenaVec;

use super::super::table::{function, verdict};
use crate::modules::core::branch::{position, push};
use crate::modules::core::forward::{find_listener, show_listener};
use crate::modules::core::uri::{assign_uri, is_safe};
use crate::script::{
    Argument, Branch, Execution, FALSE, FunctionSpec, Index, Key, ReturnCode, RouteKinds, TRUE,
    Value,
};
use crate::sip::QValue;

/// What `$branch(...)` knows of a branch.
pub(super) const PARTS: &[&str] = &["uri", "dst_uri", "path", "q", "send_socket", "flags", "count"];

/// What `$sbranch(...)` knows.
pub(super) const STATIC_PARTS: &[&str] = &["uri", "dst_uri", "path", "q", "send_socket", "flags"];

/// The functions about `$sbranch(...)`.
pub(super) const FUNCTIONS: [FunctionSpec; 3] = [
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "sbranch_reset",
            &[],
            "Empties the branch that `$sbranch(...)` prepares.",
            "sbranch_reset();",
            |execution, _| {
                execution.static_branch = None;
                TRUE
            },
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "sbranch_append",
            &[],
            "Adds the branch that `$sbranch(...)` has prepared to the destination set. False if it \
             has no URI or the set is full.",
            "$sbranch(uri) = \"sip:alice@192.0.2.7\"; sbranch_append();",
            sbranch_append,
        )
    },
    FunctionSpec {
        routes: RouteKinds::NOT_REPLY,
        ..function(
            "sbranch_set_ruri",
            &[],
            "Replaces the Request-URI and what is decided about it by the branch that \
             `$sbranch(...)` has prepared. False if that has no URI.",
            "$sbranch(uri) = \"sip:alice@192.0.2.7\"; sbranch_set_ruri();",
            sbranch_set_ruri,
        )
    },
];

/// The branch that `$sbranch(...)` has prepared; an empty one at first.
fn prepared<'m>(execution: &Execution<'m>) -> Branch<'m> {
    execution.static_branch.unwrap_or(Branch::to(&[]))
}

/// `sbranch_append()`.
fn sbranch_append<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let branch = prepared(execution);
    verdict(!branch.uri.is_empty() && push(execution, branch))
}

/// `sbranch_set_ruri()`.
fn sbranch_set_ruri<'m>(execution: &mut Execution<'m>, _: &[Argument<'m>]) -> ReturnCode {
    let branch = prepared(execution);
    if !assign_uri(execution, branch.uri) {
        return FALSE;
    }
    let transit = &mut execution.transit;
    (transit.destination, transit.path, transit.q) = (branch.destination, branch.path, branch.q);
    transit.send_listener = branch.send_listener;
    execution.branch_flags = branch.flags;
    TRUE
}

/// `$br`.
pub(super) fn uri<'m>(execution: &Execution<'m>, _: Key<'m>, index: Index) -> Value<'m> {
    if index == Index::All {
        return uris(execution, Key::None, index);
    }
    let branch = position(execution, index).map(|at| execution.transit.branches[at].uri);
    Value::text_or_null(branch)
}

/// `$br = value`: adds a branch.
pub(super) fn append<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let Value::Text(text) = value else { return false };
    is_uri(execution, text) && push(execution, Branch::to(text))
}

/// `$bR`.
pub(super) fn uris<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    let branches = &execution.transit.branches;
    if branches.is_empty() {
        return Value::Null;
    }
    let mut out = ArenaVec::new_in(execution.transit.arena);
    for branch in branches.iter() {
        if !out.is_empty() {
            out.extend_from_slice_copy(b", ");
        }
        match branch.q {
            Some(_) => list_one(&mut out, branch.uri, branch.q),
            None => out.extend_from_slice_copy(branch.uri),
        }
    }
    Value::Text(execution.build(&[&out]))
}

/// `$ds`.
pub(super) fn set<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    if execution.transit.uri.is_empty() {
        return Value::Null;
    }
    let mut out = ArenaVec::new_in(execution.transit.arena);
    for (uri, q) in execution.transit.alternatives() {
        out.extend_from_slice_copy(if out.is_empty() { b"Contact: " } else { b", " });
        list_one(&mut out, uri, q);
    }
    Value::Text(execution.build(&[&out]))
}

/// Appends a URI in brackets with its preference.
fn list_one(out: &mut ArenaVec<'_, u8>, uri: &[u8], q: Option<u16>) {
    for part in [&b"<"[..], uri, b">"] {
        out.extend_from_slice_copy(part);
    }
    if let Some(q) = q {
        let q = bumpalo::format!(in out.bump(), ";q={}", QValue(q));
        out.extend_from_slice_copy(q.as_bytes());
    }
}

/// `$ru_q`.
pub(super) fn current_q<'m>(execution: &Execution<'m>, _: Key<'m>, _: Index) -> Value<'m> {
    shown_q(execution.transit.q)
}

/// `$ru_q = value`.
pub(super) fn write_current_q<'m>(
    execution: &mut Execution<'m>,
    _: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let q = thousandths(value);
    q.map(|q| execution.transit.q = q).is_some()
}

/// `$branch(part)`.
pub(super) fn part<'m>(execution: &Execution<'m>, key: Key<'m>, index: Index) -> Value<'m> {
    if key == Key::Name(b"count") {
        let count = execution.transit.branches.len();
        return Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let Some(at) = position(execution, index) else { return Value::Null };
    part_of(execution, &execution.transit.branches[at], key)
}

/// `$branch(part) = value`; no URI any more removes the branch.
pub(super) fn write_part<'m>(
    execution: &mut Execution<'m>,
    key: Key<'m>,
    index: Index,
    value: Value<'m>,
) -> bool {
    let Some(at) = position(execution, index) else { return false };
    if key == Key::Name(b"uri") && value == Value::Null {
        execution.transit.branches.remove(at);
        return true;
    }
    let changed = changed(execution, execution.transit.branches[at], key, value);
    changed.map(|branch| execution.transit.branches[at] = branch).is_some()
}

/// `$sbranch(part)`.
pub(super) fn static_part<'m>(execution: &Execution<'m>, key: Key<'m>, _: Index) -> Value<'m> {
    part_of(execution, &prepared(execution), key)
}

/// `$sbranch(part) = value`.
pub(super) fn write_static_part<'m>(
    execution: &mut Execution<'m>,
    key: Key<'m>,
    _: Index,
    value: Value<'m>,
) -> bool {
    let changed = changed(execution, prepared(execution), key, value);
    changed.map(|branch| execution.static_branch = Some(branch)).is_some()
}

/// A part of a branch.
fn part_of<'m>(execution: &Execution<'m>, branch: &Branch<'m>, key: Key<'m>) -> Value<'m> {
    let Key::Name(part) = key else { return Value::Null };
    let filled = |text: &'m [u8]| Some(text).filter(|text| !text.is_empty());
    match part {
        b"uri" => Value::text_or_null(filled(branch.uri)),
        b"dst_uri" => Value::text_or_null(branch.destination),
        b"path" => Value::text_or_null(filled(branch.path)),
        b"q" => shown_q(branch.q),
        b"send_socket" => {
            let socket = branch.send_listener.map(|listener| show_listener(execution, listener));
            Value::text_or_null(socket)
        }
        b"flags" => Value::Int(branch.flags.into()),
        _ => Value::Null,
    }
}

/// The branch with one part changed; `None` if it cannot have that value.
fn changed<'m>(
    execution: &Execution<'m>,
    mut branch: Branch<'m>,
    key: Key<'m>,
    value: Value<'m>,
) -> Option<Branch<'m>> {
    let Key::Name(part) = key else { return None };
    let text = execution.text(value);
    match part {
        b"uri" if text.is_empty() || is_uri(execution, text) => branch.uri = text,
        b"dst_uri" if text.is_empty() => branch.destination = None,
        b"dst_uri" if is_safe(text) => branch.destination = Some(text),
        // A path is a list of `<uri>`, so that it has brackets; it must not end the line.
        b"path" if !text.iter().any(u8::is_ascii_control) => branch.path = text,
        b"q" => branch.q = thousandths(value)?,
        b"send_socket" if text.is_empty() => branch.send_listener = None,
        b"send_socket" => branch.send_listener = Some(find_listener(execution, text)?),
        b"flags" => branch.flags = u32::try_from(value.to_int()).ok()?,
        _ => return None,
    }
    Some(branch)
}

/// Whether a text is a URI that a message can have.
fn is_uri<'m>(execution: &Execution<'m>, text: &'m [u8]) -> bool {
    is_safe(text) && execution.parse_uri(text).is_some()
}

/// A preference as scripts have it: in thousandths.
fn shown_q<'m>(q: Option<u16>) -> Value<'m> {
    q.map_or(Value::Null, |q| Value::Int(q.into()))
}

/// The preference that a number of thousandths is; `$null` is none.
#[expect(clippy::option_option, reason = "a preference may be unset, and a value may be wrong")]
fn thousandths(value: Value<'_>) -> Option<Option<u16>> {
    match value {
        Value::Null => Some(None),
        value => u16::try_from(value.to_int()).ok().filter(|q| *q <= 1_000).map(Some),
    }
}
