//! Attributes with members: `$xavp(...)`, `$xavu(...)`, `$xavi(...)` and their functions.

use bumpalo::collections::Vec as ArenaVec;

use super::super::table::{function, int, required_text, text, verdict, write};
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Index, Key, LogLevel, ParameterKind, ParameterSpec,
    ReturnCode, TRUE, Value, XavpKind, XavpPath,
};

/// The name of an attribute.
const ROOT: ParameterSpec = required_text("root");

/// The name of a member.
const MEMBER: ParameterSpec = required_text("member");

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        aliases: &["xavi_rm"],
        ..function(
            "xavp_rm",
            &[ROOT],
            "Removes all attributes `$xavp(root)`; `xavi_rm` those of `$xavi`.",
            r#"xavp_rm("call");"#,
            |execution, arguments| {
                let Some(root) = path(text(arguments, 0)) else { return FALSE };
                let found = execution.xavp_count(XavpKind::Stacked, root)
                    + execution.xavp_count(XavpKind::CaseLess, root);
                for kind in [XavpKind::Stacked, XavpKind::CaseLess] {
                    while execution.xavp_count(kind, root) > 0 {
                        execution.xavp_remove(kind, root);
                    }
                }
                verdict(found > 0)
            },
        )
    },
    function(
        "xavp_child_rm",
        &[ROOT, MEMBER],
        "Removes all members of that name from the newest attribute `$xavp(root)`.",
        r#"xavp_child_rm("call", "leg");"#,
        |execution, arguments| child_rm(execution, XavpKind::Stacked, arguments),
    ),
    function(
        "xavi_child_rm",
        &[ROOT, MEMBER],
        "Removes all members of that name from the newest attribute `$xavi(root)`.",
        r#"xavi_child_rm("call", "leg");"#,
        |execution, arguments| child_rm(execution, XavpKind::CaseLess, arguments),
    ),
    function(
        "xavp_child_sets",
        &[ROOT, MEMBER, required_text("value")],
        "Sets a member of the newest attribute `$xavp(root)` to a text; the attribute is made if \
         there is none.",
        r#"xavp_child_sets("call", "leg", "$ci");"#,
        |execution, arguments| {
            let value = Value::Text(text(arguments, 2));
            child_set(execution, XavpKind::Stacked, arguments, value)
        },
    ),
    function(
        "xavi_child_sets",
        &[ROOT, MEMBER, required_text("value")],
        "Sets a member of the newest attribute `$xavi(root)` to a text; the attribute is made if \
         there is none.",
        r#"xavi_child_sets("call", "leg", "$ci");"#,
        |execution, arguments| {
            let value = Value::Text(text(arguments, 2));
            child_set(execution, XavpKind::CaseLess, arguments, value)
        },
    ),
    function(
        "xavp_child_seti",
        &[ROOT, MEMBER, ParameterSpec::required("value", ParameterKind::Int)],
        "Sets a member of the newest attribute `$xavp(root)` to a number; the attribute is made \
         if there is none.",
        r#"xavp_child_seti("call", "leg", "5");"#,
        |execution, arguments| {
            let value = Value::Int(int(arguments, 2).unwrap_or(0));
            child_set(execution, XavpKind::Stacked, arguments, value)
        },
    ),
    function(
        "xavi_child_seti",
        &[ROOT, MEMBER, ParameterSpec::required("value", ParameterKind::Int)],
        "Sets a member of the newest attribute `$xavi(root)` to a number; the attribute is made \
         if there is none.",
        r#"xavi_child_seti("call", "leg", "5");"#,
        |execution, arguments| {
            let value = Value::Int(int(arguments, 2).unwrap_or(0));
            child_set(execution, XavpKind::CaseLess, arguments, value)
        },
    ),
    function(
        "xavp_copy",
        &[
            required_text("source"),
            ParameterSpec::required("index", ParameterKind::Int),
            required_text("target"),
        ],
        "Puts a copy of the attribute `$xavp(source[index])` on top of `$xavp(target)`.",
        r#"xavp_copy("call", "0", "kept");"#,
        copy,
    ),
    function(
        "xavp_params_explode",
        &[required_text("params"), ROOT],
        "Makes an attribute `$xavp(root)` whose members are the parameters of a list such as \
         `a=1;b=2`.",
        r#"xavp_params_explode("$(fu{uri.params})", "params");"#,
        |execution, arguments| explode(execution, XavpKind::Stacked, arguments),
    ),
    function(
        "xavu_params_explode",
        &[required_text("params"), ROOT],
        "Like `xavp_params_explode`, for `$xavu(root)`.",
        r#"xavu_params_explode("a=1;b=2", "params");"#,
        |execution, arguments| explode(execution, XavpKind::Single, arguments),
    ),
    function(
        "xavp_params_implode",
        &[ROOT, ParameterSpec::required("result", ParameterKind::Variable)],
        "Writes the members of the newest attribute `$xavp(root)` into a variable, as \
         `a=1;b=2;`.",
        r#"xavp_params_implode("params", "$var(list)");"#,
        |execution, arguments| implode(execution, XavpKind::Stacked, arguments),
    ),
    function(
        "xavu_params_implode",
        &[ROOT, ParameterSpec::required("result", ParameterKind::Variable)],
        "Like `xavp_params_implode`, for `$xavu(root)`.",
        r#"xavu_params_implode("params", "$var(list)");"#,
        |execution, arguments| implode(execution, XavpKind::Single, arguments),
    ),
    function(
        "xavp_slist_explode",
        &[required_text("list"), required_text("separators"), required_text("mode"), ROOT],
        "Makes an attribute `$xavp(root)` with a member `v` for each part of a list, the first \
         part being `$xavp(root=>v[0])`. Each byte of `separators` separates; empty parts are left \
         out. With the mode `t` blanks around parts are taken off. False if the list or the \
         separators are empty.",
        r#"xavp_slist_explode("$hdr(P-Hops)", ",", "t", "hops");"#,
        explode_list,
    ),
    function(
        "pv_var_to_xavp",
        &[required_text("name"), ROOT],
        "Makes an attribute `$xavp(root)`, in place of those of that name, whose member has name \
         and value of `$var(name)`; with `*` one for each variable of the script. False if there \
         is no such variable.",
        r#"pv_var_to_xavp("*", "kept");"#,
        variables_to_xavp,
    ),
    function(
        "pv_xavp_to_var",
        &[ROOT],
        "Assigns the members of all attributes `$xavp(root)` to the variables `$var(member)`, as \
         far as the script has these. Of several of a name the oldest counts. False if there are \
         none.",
        r#"pv_xavp_to_var("kept");"#,
        xavp_to_variables,
    ),
    function(
        "pv_xavp_print",
        &[],
        "Logs all attributes `$xavp`, for those who search for an error.",
        "pv_xavp_print();",
        |execution, _| print(execution, XavpKind::Stacked),
    ),
    function(
        "pv_xavu_print",
        &[],
        "Logs all attributes `$xavu`.",
        "pv_xavu_print();",
        |execution, _| print(execution, XavpKind::Single),
    ),
    function(
        "pv_xavi_print",
        &[],
        "Logs all attributes `$xavi`.",
        "pv_xavi_print();",
        |execution, _| print(execution, XavpKind::CaseLess),
    ),
];

/// Makes reader and writer of one kind.
macro_rules! accessors {
    ($($read:ident $write:ident $kind:ident $name:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "(path)`.")]
            pub(super) fn $read<'m>(
                execution: &Execution<'m>,
                key: Key<'m>,
                _: Index,
            ) -> Value<'m> {
                let Key::Name(name) = key else { return Value::Null };
                let path = XavpPath::parse(name);
                path.map_or(Value::Null, |path| execution.xavp(XavpKind::$kind, path))
            }

            #[doc = concat!("`", $name, "(path) = value`.")]
            pub(super) fn $write<'m>(
                execution: &mut Execution<'m>,
                key: Key<'m>,
                _: Index,
                value: Value<'m>,
            ) -> bool {
                let Key::Name(name) = key else { return false };
                let Some(path) = XavpPath::parse(name) else { return false };
                match value {
                    Value::Null => {
                        execution.xavp_remove(XavpKind::$kind, path);
                        true
                    }
                    value => execution.xavp_put(XavpKind::$kind, path, value),
                }
            }
        )*
    };
}

accessors! {
    read write_value Stacked "$xavp";
    read_single write_single Single "$xavu";
    read_case_less write_case_less CaseLess "$xavi";
}

/// A path that is no more than the name of a root.
fn path(name: &[u8]) -> Option<XavpPath<'_>> {
    XavpPath::parse(name)
}

/// Root and member that the first two arguments name.
fn child<'m>(arguments: &[Argument<'m>]) -> Option<XavpPath<'m>> {
    let (root, member) = (text(arguments, 0), text(arguments, 1));
    let is_good = XavpPath::parse(root).is_some() && XavpPath::parse(member).is_some();
    is_good.then(|| XavpPath::new(root, Some(member)).at(0))
}

/// `xavp_child_rm(root, member)`.
fn child_rm<'m>(
    execution: &mut Execution<'m>,
    kind: XavpKind,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let Some(path) = child(arguments) else { return FALSE };
    let mut is_found = false;
    while execution.xavp_count(kind, path) > 0 {
        execution.xavp_remove(kind, path);
        is_found = true;
    }
    verdict(is_found)
}

/// `xavp_child_sets(root, member, value)`.
fn child_set<'m>(
    execution: &mut Execution<'m>,
    kind: XavpKind,
    arguments: &[Argument<'m>],
    value: Value<'m>,
) -> ReturnCode {
    let Some(path) = child(arguments) else { return FALSE };
    child_rm(execution, kind, arguments);
    let root = XavpPath::new(text(arguments, 0), None);
    let is_new = execution.xavp_count(kind, root) == 0;
    let new = XavpPath::new(text(arguments, 0), Some(text(arguments, 1)));
    verdict(execution.xavp_put(kind, if is_new { new } else { path }, value))
}

/// `xavp_copy(source, index, target)`.
fn copy<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (source, target) = (text(arguments, 0), text(arguments, 2));
    let index = int(arguments, 1).and_then(|index| i32::try_from(index).ok());
    let (Some(from), Some(_), Some(index)) = (path(source), path(target), index) else {
        return FALSE;
    };
    let kind = XavpKind::Stacked;
    let from = from.at(index);
    if execution.xavp_count(kind, from) == 0 {
        return FALSE;
    }
    let mut members = ArenaVec::new_in(execution.transit.arena);
    members.extend(execution.xavp_members(kind, from));
    let mut is_good =
        execution.xavp_put(kind, XavpPath::new(target, None), execution.xavp(kind, from));
    for (name, value) in members {
        is_good &= execution.xavp_put(kind, XavpPath::new(target, Some(name)).at(0), value);
    }
    verdict(is_good)
}

/// `xavp_params_explode(params, root)`.
fn explode<'m>(
    execution: &mut Execution<'m>,
    kind: XavpKind,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let root = text(arguments, 1);
    if path(root).is_none() {
        return FALSE;
    }
    let mut is_first = true;
    for param in text(arguments, 0).split(|byte| *byte == b';') {
        let (name, value) = match memchr::memchr(b'=', param) {
            Some(equals) => (param[..equals].trim_ascii(), param[equals + 1..].trim_ascii()),
            None => (param.trim_ascii(), &b""[..]),
        };
        if path(name).is_none() {
            continue;
        }
        let value = match value {
            [b'"', inner @ .., b'"'] => inner,
            value => value,
        };
        let member = XavpPath::new(root, Some(name));
        let member = if is_first { member } else { member.at(0) };
        if !execution.xavp_put(kind, member, Value::Text(value)) {
            return FALSE;
        }
        is_first = false;
    }
    verdict(!is_first)
}

/// `xavp_slist_explode(list, separators, mode, root)`.
fn explode_list<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (list, separators, root) = (text(arguments, 0), text(arguments, 1), text(arguments, 3));
    if list.is_empty() || separators.is_empty() || path(root).is_none() {
        return FALSE;
    }
    let trims = text(arguments, 2).first() == Some(&b't');
    let parts = list.split(|byte| separators.contains(byte));
    let parts = parts.map(|part| if trims { part.trim_ascii() } else { part });
    let mut member = XavpPath::new(root, Some(b"v"));
    // The newest member is the first.
    for part in parts.rev().filter(|part| !part.is_empty()) {
        if !execution.xavp_put(XavpKind::Stacked, member, Value::Text(part)) {
            return FALSE;
        }
        member = member.at(0);
    }
    TRUE
}

/// `pv_var_to_xavp(name, root)`.
fn variables_to_xavp<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let (wanted, root) = (text(arguments, 0), text(arguments, 1));
    if path(root).is_none() {
        return FALSE;
    }
    let program = execution.program;
    let mut names = program.slot_names().iter().map(|name| &**name);
    let names: Vec<&'m [u8]> = match wanted {
        b"*" => names.filter(|name| path(name).is_some()).collect(),
        wanted => names.find(|name| *name == wanted).into_iter().collect(),
    };
    if names.is_empty() {
        return FALSE;
    }
    while execution.xavp_count(XavpKind::Stacked, XavpPath::new(root, None)) > 0 {
        execution.xavp_remove(XavpKind::Stacked, XavpPath::new(root, None));
    }
    let is_done = names.into_iter().enumerate().all(|(place, name)| {
        let member = XavpPath::new(root, Some(name));
        let member = if place == 0 { member } else { member.at(0) };
        let value = execution.variable(name);
        execution.xavp_put(XavpKind::Stacked, member, value)
    });
    verdict(is_done)
}

/// `pv_xavp_to_var(root)`.
fn xavp_to_variables<'m>(execution: &mut Execution<'m>, arguments: &[Argument<'m>]) -> ReturnCode {
    let Some(root) = path(text(arguments, 0)) else { return FALSE };
    let mut members = ArenaVec::new_in(execution.transit.arena);
    let count = execution.xavp_count(XavpKind::Stacked, root);
    for at in (0..count).rev().filter_map(|at| i32::try_from(at).ok()) {
        members.extend(execution.xavp_members(XavpKind::Stacked, root.at(at)));
    }
    for (name, value) in members.iter().rev() {
        execution.set_variable(name, *value);
    }
    verdict(!members.is_empty())
}

/// `xavp_params_implode(root, result)`.
fn implode<'m>(
    execution: &mut Execution<'m>,
    kind: XavpKind,
    arguments: &[Argument<'m>],
) -> ReturnCode {
    let Some(root) = path(text(arguments, 0)) else { return FALSE };
    let mut out = ArenaVec::new_in(execution.transit.arena);
    for (name, value) in execution.xavp_members(kind, root) {
        for part in [name, b"=", execution.text(value), b";"] {
            out.extend_from_slice_copy(part);
        }
    }
    let list = execution.build(&[&out]);
    verdict(!list.is_empty() && write(execution, arguments, 1, list))
}

/// `pv_xavp_print()`.
fn print(execution: &mut Execution<'_>, kind: XavpKind) -> ReturnCode {
    let mut out = ArenaVec::new_in(execution.transit.arena);
    let mut seen: Vec<(&[u8], i32)> = Vec::new();
    for (name, value) in execution.xavp_roots(kind) {
        let index = match seen.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                seen.push((name, 0));
                0
            }
        };
        let place = execution.show_int(index.into());
        for part in [name, b"[", place, b"] = ", execution.shown(value), b"\n"] {
            out.extend_from_slice_copy(part);
        }
        for (member, value) in execution.xavp_members(kind, XavpPath::new(name, None).at(index)) {
            for part in [b"  ", member, b" = ", execution.shown(value), b"\n"] {
                out.extend_from_slice_copy(part);
            }
        }
    }
    let text = execution.build(&[&out]);
    execution.host.log(LogLevel::Notice, text);
    TRUE
}
