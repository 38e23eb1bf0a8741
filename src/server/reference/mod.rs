//! `viaduct functions`, `variables`, `modules`: the reference of the script language, made of the
//! tables that the checker and the compiler use; and the same as a page.

mod entry;
mod page;

use std::io::{self, Write};

use super::ServerError;
use crate::modules::REGISTRY;
use crate::script::{ModuleSpec, ModuleState, nearest};

pub use page::script_page;

/// Lists all functions, or describes those of one name.
///
/// # Errors
///
/// When there is none of that name, or standard output takes no more.
pub fn functions(name: Option<&str>) -> Result<(), ServerError> {
    let Some(name) = name else { return print(&function_list()) };
    let found = REGISTRY
        .functions()
        .filter(|(_, function)| function.name == name || function.aliases.contains(&name));
    let mut text: String =
        found.map(|(module, function)| entry::function(module, function)).collect();
    if text.is_empty() {
        let module = REGISTRY.lacks_function(name);
        text = module.map(|module| missing(name, module)).unwrap_or_default();
    }
    let names = REGISTRY
        .functions()
        .flat_map(|(_, function)| function.aliases.iter().copied().chain([function.name]));
    print_one("function", name, &text, names)
}

/// Lists all pseudo-variables, or describes one, with or without its `$`.
///
/// # Errors
///
/// When there is none of that name, or standard output takes no more.
pub fn variables(name: Option<&str>) -> Result<(), ServerError> {
    let Some(name) = name else { return print(&variable_list()) };
    let name = name.strip_prefix('$').unwrap_or(name);
    let found = REGISTRY
        .variables()
        .find(|(_, variable)| variable.name == name || variable.aliases.contains(&name));
    let text = match found {
        Some((module, variable)) => entry::variable(module, variable),
        None => REGISTRY
            .lacks_variable(name)
            .map(|module| missing(&format!("${name}"), module))
            .unwrap_or_default(),
    };
    print_one("variable", name, &text, REGISTRY.variables().map(|(_, variable)| variable.name))
}

/// Lists all modules, or describes one.
///
/// # Errors
///
/// When there is none of that name, or standard output takes no more.
pub fn modules(name: Option<&str>) -> Result<(), ServerError> {
    let Some(name) = name else { return print(&module_list()) };
    let text = REGISTRY.module(name).map(entry::module).unwrap_or_default();
    print_one("module", name, &text, REGISTRY.modules.iter().map(|module| module.name))
}

/// Writes the whole reference as a page: `docs/SCRIPT.md`.
///
/// # Errors
///
/// When standard output takes no more.
pub fn reference() -> Result<(), ServerError> {
    print(&script_page())
}

/// The modules that work.
fn ready() -> impl Iterator<Item = &'static ModuleSpec> {
    REGISTRY.modules.iter().copied().filter(|module| module.state == ModuleState::Ready)
}

/// A line for each function, by modules.
fn function_list() -> String {
    let mut out = String::new();
    for module in ready().filter(|module| !module.functions.is_empty()) {
        out += &format!("{}: {}\n", module.name, module.doc);
        for function in module.functions {
            out += &line(&entry::signature(function), entry::headline(function.doc));
        }
        out.push('\n');
    }
    out
}

/// A line for each pseudo-variable, by modules.
fn variable_list() -> String {
    let mut out = String::new();
    for module in ready().filter(|module| !module.variables.is_empty()) {
        out += &format!("{}: {}\n", module.name, module.doc);
        for variable in module.variables {
            out += &line(&entry::variable_form(variable), entry::headline(variable.doc));
        }
        out.push('\n');
    }
    out
}

/// A line for each module.
fn module_list() -> String {
    let mut out = String::new();
    for module in ready() {
        out += &line(module.name, module.doc);
    }
    out += "\nCan be loaded, but do nothing yet:\n";
    for module in REGISTRY.modules.iter().filter(|it| it.state == ModuleState::Announced) {
        out += &line(module.name, module.doc);
    }
    out
}

/// A name and what it means, in two columns.
fn line(name: &str, meaning: &str) -> String {
    format!("  {name:<34} {meaning}\n")
}

/// Says that something is not there yet.
fn missing(name: &str, module: &ModuleSpec) -> String {
    format!("`{name}` of module `{}` is not supported yet.\n", module.name)
}

/// Writes what there is to say about a name; an error if it is unknown.
fn print_one(
    kind: &'static str,
    name: &str,
    text: &str,
    names: impl Iterator<Item = &'static str>,
) -> Result<(), ServerError> {
    if !text.is_empty() {
        return print(text);
    }
    let similar = nearest(name, names).map(|similar| format!("; did you mean `{similar}`?"));
    Err(ServerError::Unknown { kind, name: name.to_owned(), similar: similar.unwrap_or_default() })
}

/// Writes to standard output, as far as somebody reads it.
fn print(text: &str) -> Result<(), ServerError> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(ServerError::system("cannot write to standard output")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_everything_that_is_there() {
        let functions = function_list();
        for (_, function) in REGISTRY.functions() {
            assert!(functions.contains(&format!("  {}(", function.name)), "{}", function.name);
        }
        let variables = variable_list();
        for (_, variable) in REGISTRY.variables() {
            assert!(variables.contains(&format!("  ${}", variable.name)), "{}", variable.name);
        }
        let modules = module_list();
        for module in REGISTRY.modules {
            assert!(modules.contains(&format!("  {} ", module.name)), "{}", module.name);
        }
    }
}
