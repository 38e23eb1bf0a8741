//! `docs/SCRIPT.md`: the whole reference as one page.

use super::{entry, ready};
use crate::modules::{REGISTRY, function_compatibility, variable_compatibility};
use crate::script::reference::{
    GlobalEntry, LANGUAGE, LanguageEntry, LanguagePart, TRANSFORMATIONS, global_parameters,
};
use crate::script::{FunctionSpec, ModuleSpec, ModuleState};

/// The page.
#[must_use]
pub fn script_page() -> String {
    let mut out = String::from(INTRODUCTION);
    LANGUAGE.iter().for_each(|spec| out += &part(spec));
    out += &globals();
    out += &variables();
    out += &transformations();
    out += "\n## Modules and their functions\n";
    ready().for_each(|spec| out += &module(spec));
    out + &announced()
}

/// What comes before everything.
const INTRODUCTION: &str = "# The script language

This page is made of the tables that the checker and the compiler use:
`viaduct reference > docs/SCRIPT.md`. On a terminal, `viaduct functions NAME`,
`viaduct variables NAME` and `viaduct modules NAME` tell the same. Every example here is compiled by
a test.

Scripts of SER, OpenSER and Kamailio run as they are, as far as they use what is described here. How
a function or pseudo-variable compares with the one of the same name in Kamailio 5.6 is said with
it:

- **same**: no difference is known;
- **differs**: it is there and does something else, which is said;
- **not in Kamailio 5.6**: and who has it;
- **not yet**: a script that uses it is refused, with file, line and column. Nothing is skipped in
  silence.
";

/// A part of the language: a table, unless its examples have several lines.
fn part(part: &LanguagePart) -> String {
    let mut out = format!("\n## {}\n", part.title);
    if part.entries.iter().any(|entry| entry.example.contains('\n')) {
        for LanguageEntry { form, doc, example } in part.entries {
            out += &format!("\n`{form}`\n\n{doc}\n\n```\n{example}\n```\n");
        }
        return out;
    }
    out += "\n| form | what it means | example |\n|---|---|---|\n";
    for entry in part.entries {
        out += &row(&[&code(entry.form), entry.doc, &code(entry.example)]);
    }
    out
}

/// The global parameters: what each does, then those that do nothing, by the reason.
fn globals() -> String {
    let mut out =
        "\n## Global parameters\n\n| name | value | what it does |\n|---|---|---|\n".to_owned();
    for parameter in global_parameters().filter(|parameter| parameter.effective) {
        out += &row(&[&code(parameter.name), parameter.value, parameter.doc]);
    }
    out += "\nAccepted, so that scripts load unchanged, and without effect; each is told in a \
            note:\n\n| because | parameters |\n|---|---|\n";
    let idle: Vec<GlobalEntry> = global_parameters().filter(|it| !it.effective).collect();
    for group in idle.chunk_by(|one, other| one.doc == other.doc) {
        let names: Vec<String> = group.iter().map(|parameter| code(parameter.name)).collect();
        out += &row(&[group[0].doc, &names.join(" ")]);
    }
    out
}

/// The pseudo-variables.
fn variables() -> String {
    let mut out = VARIABLES.to_owned();
    for (module, variable) in REGISTRY.variables() {
        let mut name = code(&entry::variable_form(variable));
        if !variable.aliases.is_empty() {
            name += &format!(" ({})", entry::variable_aliases(variable));
        }
        let state = variable_compatibility(module.name, variable.name);
        let writable = if variable.write.is_some() { "yes" } else { "" };
        out += &row(&[&name, writable, variable.doc, &entry::compared(state)]);
    }
    let missing = ready().flat_map(|module| module.missing.variables);
    let missing: Vec<String> = missing.map(|name| code(&format!("${name}"))).collect();
    out + &format!("\nNot yet: {}\n", missing.join(" "))
}

/// What comes before the pseudo-variables.
const VARIABLES: &str = "
## Pseudo-variables

`$name`, `$name(key)`, `$(name(key)[index])`. An index counts from 0, or from the back if it is
negative; `[*]` means all. They stand in expressions and in the texts that functions are given.

| variable | assigned to | what it holds | compared |
|---|---|---|---|
";

/// The transformations.
fn transformations() -> String {
    let mut out = "\n## Transformations\n\nBehind a variable, one after the other: \
                   `$(ru{uri.user}{s.len})`. Their parameters may be variables.\n\n\
                   | transformation | what becomes of the value | example |\n|---|---|---|\n"
        .to_owned();
    for entry in TRANSFORMATIONS {
        let forms: Vec<String> = entry.form.split(", ").map(code).collect();
        out += &row(&[&forms.join(" "), entry.doc, &code(entry.example)]);
    }
    out
}

/// A module that works.
fn module(module: &ModuleSpec) -> String {
    let mut out = format!("\n### {}\n\n{}", module.name, module.doc);
    if module.built_in {
        out += " Need not be loaded.";
    }
    out.push('\n');
    module.functions.iter().for_each(|spec| out += &function(module, spec));
    if !module.settings.is_empty() {
        out += "\n| parameter | value | what it does |\n|---|---|---|\n";
        for setting in module.settings {
            out += &row(&[&code(setting.name), entry::setting_kind(setting), setting.doc]);
        }
    }
    if !module.missing.functions.is_empty() {
        let names: Vec<String> =
            module.missing.functions.iter().map(|name| code(&format!("{name}()"))).collect();
        out += &format!("\nNot yet: {}\n", names.join(" "));
    }
    out
}

/// A function.
fn function(module: &ModuleSpec, function: &FunctionSpec) -> String {
    let mut out = format!("\n#### `{}`\n\n{}\n", entry::signature(function), function.doc);
    out += &format!("\n- from {}\n", entry::routes(function.routes));
    for parameter in function.parameters {
        out += &format!("- `{}`: {}\n", parameter.name, entry::kind(parameter.kind));
    }
    if !function.aliases.is_empty() {
        let names: Vec<String> = function.aliases.iter().copied().map(code).collect();
        out += &format!("- also {}\n", names.join(", "));
    }
    let state = function_compatibility(module.name, function.name);
    out + &format!("- {}\n\n```\n{}\n```\n", entry::compared(state), function.example)
}

/// The modules that can be loaded, and no more.
fn announced() -> String {
    let mut out =
        "\n## Modules that are not there yet\n\nA script may load them and set their parameters; \
                   a call of one of their functions is an error that says so.\n\n\
                   | module | what for | functions and variables |\n|---|---|---|\n"
            .to_owned();
    for module in REGISTRY.modules.iter().filter(|it| it.state == ModuleState::Announced) {
        let missing: Vec<String> = entry::missing(module).iter().map(|name| code(name)).collect();
        out += &row(&[&code(module.name), module.doc, &missing.join(" ")]);
    }
    out
}

/// A name as code.
fn code(name: &str) -> String {
    format!("`{name}`")
}

/// A line of a table.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| cell.replace('|', "\\|").replace("\n\n", " ").replace('\n', " "))
        .collect();
    format!("| {} |\n", cells.join(" | "))
}
