//! What there is to say about one function, pseudo-variable or module.

use crate::modules::{Compatibility, function_compatibility, variable_compatibility};
use crate::script::ast::RouteKind;
use crate::script::{
    FunctionSpec, ModuleSpec, ModuleState, ParameterKind, PseudoVariable, RouteKinds, SettingKind,
    SettingSpec,
};

/// All about a function.
pub(super) fn function(module: &ModuleSpec, function: &FunctionSpec) -> String {
    let mut out = format!("{}\n", signature(function));
    out += &field("module", module.name);
    if !function.aliases.is_empty() {
        out += &field("also", &function.aliases.join(", "));
    }
    out += &field("called from", &routes(function.routes));
    for parameter in function.parameters {
        out += &field(parameter.name, kind(parameter.kind));
    }
    let state = function_compatibility(module.name, function.name);
    out += &field("compared", &compared(state));
    format!("{out}\n{}\n\n  {}\n\n", paragraphs(function.doc), function.example)
}

/// All about a pseudo-variable.
pub(super) fn variable(module: &ModuleSpec, variable: &PseudoVariable) -> String {
    let mut out = format!("{}\n", variable_form(variable));
    out += &field("module", module.name);
    if !variable.aliases.is_empty() {
        out += &field("also", &variable_aliases(variable));
    }
    out += &field("assigned to", if variable.write.is_some() { "yes" } else { "no" });
    let state = variable_compatibility(module.name, variable.name);
    out += &field("compared", &compared(state));
    format!("{out}\n{}\n", paragraphs(variable.doc))
}

/// All about a module.
pub(super) fn module(module: &'static ModuleSpec) -> String {
    let mut out = format!("{}: {}\n", module.name, module.doc);
    if !module.aliases.is_empty() {
        out += &field("also", &module.aliases.join(", "));
    }
    out += &field("state", module_state(module));
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out += &format!("\n{title}:\n  {}\n", lines.join("\n  "));
        }
    };
    part("functions", module.functions.iter().map(signature).collect());
    part("variables", module.variables.iter().map(variable_form).collect());
    part("parameters", module.settings.iter().map(setting).collect());
    part("not yet", missing(module));
    out
}

/// `name(parameter[, parameter])`.
pub(super) fn signature(function: &FunctionSpec) -> String {
    let mut out = format!("{}(", function.name);
    for (position, parameter) in function.parameters.iter().enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        if parameter.optional {
            out += &format!("[{comma}{}", parameter.name);
        } else {
            out += &format!("{comma}{}", parameter.name);
        }
    }
    let optional = function.parameters.iter().filter(|parameter| parameter.optional).count();
    out + &"]".repeat(optional) + ")"
}

/// `$name` or `$name(...)`.
pub(super) fn variable_form(variable: &PseudoVariable) -> String {
    format!("${}{}", variable.name, if variable.keyed { "(...)" } else { "" })
}

/// `$name, $name`.
pub(super) fn variable_aliases(variable: &PseudoVariable) -> String {
    let names: Vec<String> = variable.aliases.iter().map(|name| format!("${name}")).collect();
    names.join(", ")
}

/// The first sentence, or all if it is one.
pub(super) fn headline(doc: &str) -> &str {
    let first = doc.split("\n\n").next().unwrap_or(doc);
    first.find(". ").map_or(first, |end| &first[..=end])
}

/// The route blocks that a function may be called from.
pub(super) fn routes(kinds: RouteKinds) -> String {
    const ALL: [(RouteKind, &str); 6] = [
        (RouteKind::Request, "request"),
        (RouteKind::Reply, "onreply"),
        (RouteKind::Failure, "failure"),
        (RouteKind::Branch, "branch"),
        (RouteKind::OnSend, "onsend"),
        (RouteKind::Event, "event"),
    ];
    let named = ALL.iter().filter(|(kind, _)| kinds.contains(*kind)).map(|(_, name)| *name);
    let named: Vec<&str> = named.collect();
    match named.len() {
        6 => "every route block".to_owned(),
        1 => format!("{}_route", named[0]),
        _ => named.iter().map(|name| format!("{name}_route")).collect::<Vec<_>>().join(", "),
    }
}

/// What an argument must be.
pub(super) const fn kind(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Int => "a number",
        ParameterKind::Flag => "a number from 0 to 31, or a name declared by `flags`",
        ParameterKind::Text => "a text; variables in it are replaced",
        ParameterKind::Literal => "a text, as it is",
        ParameterKind::Regex => "a regular expression (POSIX extended)",
        ParameterKind::Substitution => "a substitution, `/regex/text/flags`",
        ParameterKind::RouteName(_) => "the name of a route block",
        ParameterKind::LogText => "the text of a log line; variables in it are replaced",
        ParameterKind::LogFacility => "a facility of the system log: `LOG_LOCAL0`",
        ParameterKind::LogLevel => "a log level: `L_ERR`, or a number from -5 to 4",
        ParameterKind::Variable => "a variable that can be assigned to",
        ParameterKind::AnyVariable => "a variable",
        ParameterKind::Variables => "variables that can be assigned to, with `;` between them",
        ParameterKind::Command => "a command for the shell, which reads variables as plain text",
        ParameterKind::Address => "an address or host, bare or quoted; variables are replaced",
        ParameterKind::Port => "a port, bare or quoted; variables are replaced",
    }
}

/// How something compares with Kamailio.
pub(super) fn compared(state: Compatibility) -> String {
    match state {
        Compatibility::Same => "same".to_owned(),
        Compatibility::Differs(how) => format!("differs: {how}"),
        Compatibility::Own(whose) => format!("not in Kamailio 5.6. {whose}"),
    }
}

/// Whether a module can be used.
pub(super) const fn module_state(module: &ModuleSpec) -> &'static str {
    match module.state {
        ModuleState::Ready if module.built_in => "works, without being loaded",
        ModuleState::Ready => "works",
        ModuleState::Announced => "can be loaded; its functions cannot be called yet",
    }
}

/// The type of a module parameter.
pub(super) const fn setting_kind(setting: &SettingSpec) -> &'static str {
    match setting.kind {
        SettingKind::Int => "number",
        SettingKind::Text => "text",
    }
}

/// What a module lacks: functions, then variables.
pub(super) fn missing(module: &ModuleSpec) -> Vec<String> {
    let functions = module.missing.functions.iter().map(|name| format!("{name}()"));
    functions.chain(module.missing.variables.iter().map(|name| format!("${name}"))).collect()
}

/// A module parameter in one line.
fn setting(setting: &SettingSpec) -> String {
    format!("{} ({}): {}", setting.name, setting_kind(setting), setting.doc)
}

/// A line with a name and a value.
fn field(name: &str, value: &str) -> String {
    format!("  {name:<12} {value}\n")
}

/// Text for a terminal: paragraphs, with lines of a readable length.
fn paragraphs(text: &str) -> String {
    const WIDTH: usize = 78;
    let mut out = String::new();
    for paragraph in text.split("\n\n") {
        let mut width = 0;
        for word in paragraph.split_whitespace() {
            let length = word.chars().count();
            if width > 0 && width + 1 + length > WIDTH {
                out.push('\n');
                width = 0;
            } else if width > 0 {
                out.push(' ');
                width += 1;
            }
            out.push_str(word);
            width += length;
        }
        out.push_str("\n\n");
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::REGISTRY;

    /// All about the functions of that name.
    fn about(name: &str) -> String {
        let found = REGISTRY.functions().filter(|(_, it)| it.name == name);
        found.map(|(module, it)| function(module, it)).collect()
    }

    #[test]
    fn a_function_is_described_with_all_that_a_caller_must_know() {
        let text = about("lookup");
        for part in ["lookup(table[, uri])\n", "registrar", "differs: ", "if (!lookup("] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(
            about("record_route").contains("record_route([params])"),
            "optional from the start"
        );
        assert!(about("forward").contains("forward()\n"), "each form is described");
        assert!(about("save").contains("request_route\n"));
        assert!(about("xlog").contains("every route block"));
    }

    #[test]
    fn headlines_are_one_sentence() {
        assert_eq!(headline("One. Two."), "One.");
        assert_eq!(headline("One (RFC 3261 §16.6).\n\nTwo."), "One (RFC 3261 §16.6).");
    }
}
