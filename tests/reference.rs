//! What the tables of modules and of the language say to people: every listing is made of them.

use std::path::Path;

use viaduct::modules::REGISTRY;
use viaduct::script::ast::RouteKind;
use viaduct::script::reference::{ExampleKind, LANGUAGE, TRANSFORMATIONS, global_parameters};
use viaduct::script::{
    FunctionSpec, ModuleSpec, ModuleState, Reader, Severity, compile, parse_text, render,
};

/// Scripts here include no files.
struct NoFiles;

impl Reader for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// Warnings about a script as a whole, which says nothing of the statement in it: the request is
/// left without an answer, a variable has no value, blocks and modules are not used.
const OF_THE_WHOLE: &[&str] = &["W0403", "W0406", "W0407", "W0410", "W0411"];

/// What is wrong with a script, as people read it; empty if it compiles without a warning.
fn faults(script: &str) -> String {
    let parsed = parse_text(Path::new("test.cfg"), script.as_bytes().to_vec(), &NoFiles);
    match compile(parsed, &REGISTRY) {
        Ok(compiled) => {
            let is_warning = |diagnostic: &&viaduct::script::Diagnostic| {
                diagnostic.severity != Severity::Note && !OF_THE_WHOLE.contains(&diagnostic.code.0)
            };
            let warnings: Vec<_> =
                compiled.diagnostics.iter().filter(is_warning).cloned().collect();
            if warnings.is_empty() { String::new() } else { render(&warnings, &compiled.map) }
        }
        Err(rejected) => render(&rejected.diagnostics, &rejected.map),
    }
}

/// The modules that work.
fn ready() -> impl Iterator<Item = &'static ModuleSpec> {
    REGISTRY.modules.iter().copied().filter(|module| module.state == ModuleState::Ready)
}

/// The lines that load all modules that work.
fn load_all() -> String {
    ready().map(|module| format!("loadmodule \"{}.so\"\n", module.name)).collect()
}

/// All names of a function.
fn names(function: &FunctionSpec) -> impl Iterator<Item = &'static str> {
    std::iter::once(function.name).chain(function.aliases.iter().copied())
}

/// Whether a text is one or more sentences.
fn is_prose(text: &str) -> bool {
    text.ends_with('.') && !text.contains("  ") && text.trim() == text
}

#[test]
fn examples_compile_where_their_function_may_be_called() {
    let modules = load_all();
    let blocks = [
        ("route", RouteKind::Request),
        ("onreply_route", RouteKind::Reply),
        ("failure_route[1]", RouteKind::Failure),
        ("branch_route[1]", RouteKind::Branch),
    ];
    for (module, function) in REGISTRY.functions() {
        assert!(
            names(function).any(|name| function.example.contains(&format!("{name}("))),
            "{}.{}: the example calls it",
            module.name,
            function.name
        );
        for (block, kind) in blocks.iter().filter(|(_, kind)| function.routes.contains(*kind)) {
            let main = if *kind == RouteKind::Request { "" } else { "route { exit; }\n" };
            let example = function.example;
            let script = format!("{modules}{main}{block} {{ {example} }}\nroute[1] {{ exit; }}");
            assert_eq!(faults(&script), "", "{}.{}", module.name, function.name);
        }
    }
}

#[test]
fn examples_of_the_language_compile() {
    let modules = load_all();
    for part in LANGUAGE {
        for entry in part.entries {
            let example = entry.example;
            let script = match part.kind {
                ExampleKind::File if example.contains("route {") => format!("{modules}{example}"),
                ExampleKind::File if example.starts_with("#!") => {
                    format!("{example}\nroute {{ exit; }}")
                }
                ExampleKind::File => format!("{modules}{example}\nroute {{ exit; }}"),
                ExampleKind::Statement | ExampleKind::Expression => {
                    format!("{modules}route {{ {example} }}\nroute[1] {{ exit; }}")
                }
            };
            assert_eq!(faults(&script), "", "{}: {}", part.title, entry.form);
        }
    }
    for entry in TRANSFORMATIONS {
        let script = format!("route {{ $var(x) = {}; }}", entry.example);
        assert_eq!(faults(&script), "", "{}", entry.form);
    }
}

/// The names of transformations stand in the functions that look them up, as `"name" =>`.
#[test]
fn all_transformations_are_described() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/script/transform");
    let forms: String = TRANSFORMATIONS.iter().map(|entry| entry.form).collect();
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        for line in shipped.lines().filter(|line| line.trim_start().starts_with(['"', '('])) {
            let Some((labels, _)) = line.split_once("=>") else { continue };
            for name in labels.split('"').skip(1).step_by(2) {
                let described = [format!(".{name}"), format!("{{{name}.")];
                assert!(described.iter().any(|form| forms.contains(form)), "{name} is described");
                count += 1;
            }
        }
    }
    assert!(count > 40, "names were found");
}

#[test]
fn global_parameters_are_described() {
    for parameter in global_parameters() {
        assert!(!parameter.doc.is_empty(), "{}", parameter.name);
        assert_eq!(parameter.doc.ends_with('.'), parameter.effective, "{}", parameter.name);
    }
}

/// The page in `docs/` is the one that is generated.
#[test]
fn the_page_about_scripts_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SCRIPT.md");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let made = viaduct::server::script_page();
    let first = kept.lines().zip(made.lines()).position(|(old, new)| old != new);
    assert!(
        kept == made,
        "docs/SCRIPT.md differs from line {} on. Make it anew: \
         cargo run --quiet -- reference > docs/SCRIPT.md",
        1 + first.unwrap_or_else(|| kept.lines().count().min(made.lines().count())),
    );
}

#[test]
fn a_call_means_one_function() {
    let forms: Vec<(&str, usize, usize, &str)> = REGISTRY
        .functions()
        .flat_map(|(module, function)| {
            let required = function.parameters.iter().filter(|it| !it.optional).count();
            let most = function.parameters.len();
            names(function).map(move |name| (name, required, most, module.name))
        })
        .collect();
    for (position, (name, least, most, module)) in forms.iter().enumerate() {
        for (other, other_least, other_most, other_module) in &forms[..position] {
            let overlap = least <= other_most && other_least <= most;
            assert!(name != other || !overlap, "{name} of {module} and of {other_module}");
        }
    }
}

#[test]
fn variables_have_one_name_each() {
    let mut seen = std::collections::HashSet::new();
    for (_, variable) in REGISTRY.variables() {
        for name in variable.aliases.iter().chain([&variable.name]) {
            assert!(seen.insert(*name), "${name} is there twice");
        }
    }
}

#[test]
fn what_is_there_is_not_called_missing() {
    let functions: Vec<&str> =
        REGISTRY.functions().flat_map(|(_, function)| names(function)).collect();
    let variables: Vec<&str> = REGISTRY.variables().map(|(_, variable)| variable.name).collect();
    for module in ready() {
        for name in module.missing.functions {
            assert!(!functions.contains(name), "{name} of {}", module.name);
        }
    }
    for module in REGISTRY.modules {
        for name in module.missing.variables {
            assert!(!variables.contains(name), "${name} of {}", module.name);
        }
    }
}

#[test]
fn everything_is_described_in_sentences() {
    for module in REGISTRY.modules {
        assert!(is_prose(module.doc), "{}: {}", module.name, module.doc);
        for setting in module.settings {
            let says_so = ["Changes nothing: ", "Not heeded: "]
                .iter()
                .any(|start| setting.doc.starts_with(start));
            assert!(is_prose(setting.doc), "{}.{}: {}", module.name, setting.name, setting.doc);
            assert_eq!(says_so, !setting.effective, "{}.{}", module.name, setting.name);
        }
    }
    for (_, function) in REGISTRY.functions() {
        assert!(is_prose(function.doc), "{}: {}", function.name, function.doc);
        let mut parameters = function.parameters.iter();
        parameters.by_ref().find(|parameter| parameter.optional);
        assert!(parameters.all(|parameter| parameter.optional), "{}", function.name);
    }
    for (_, variable) in REGISTRY.variables() {
        assert!(variable.doc.ends_with(['.', '`']), "${}: {}", variable.name, variable.doc);
    }
}

#[test]
fn modules_are_loaded_by_each_of_their_names_and_configured_by_nothing() {
    for module in REGISTRY.modules {
        for name in module.aliases.iter().chain([&module.name]) {
            assert_eq!(REGISTRY.module(name).map(|found| found.name), Some(module.name), "{name}");
        }
        if let Some(configure) = module.configure {
            assert!(configure(&[]).is_ok(), "{}", module.name);
        }
    }
}

#[test]
fn settings_have_one_name_each() {
    for module in ready() {
        for (position, setting) in module.settings.iter().enumerate() {
            let mut earlier = module.settings[..position].iter();
            assert!(earlier.all(|it| it.name != setting.name), "{}.{}", module.name, setting.name);
        }
    }
}

/// What is unknown, and what is not supported yet, is told apart, with its place.
#[test]
fn what_is_missing_is_named_with_its_module_and_place() {
    for (statement, expected) in [
        ("t_relay();", "`t_relay` of module `tm` is not supported yet\n --> test.cfg:1:9"),
        ("if ($T_branch_idx > 0) exit;", "`$T_branch_idx` of module `tm` is not supported yet"),
        ("$var(x) = $sht(a=>b);", "`$sht` of module `htable` is not supported yet"),
        ("file_read(\"x\", \"y\");", "`file_read` of module `corex` is not supported yet"),
        ("nonsense();", "there is no function `nonsense`"),
        ("$var(x) = $nonsense;", "there is no variable `$nonsense`"),
        ("save(\"location\");", "`save` belongs to module `registrar`, which is not loaded"),
        ("has_totag();", "`has_totag` belongs to module `siputils`, which is not loaded"),
        ("setflag(1 + $si);", "must be a flag as it is, and cannot be calculated"),
    ] {
        let found = faults(&format!("route {{ {statement} }}"));
        assert!(found.contains(expected), "{found}");
    }
    for statement in [
        "if ($rU == NULL) exit;",
        "$avp(x) = NULL;",
        "if (len_gt(max_len)) exit;",
        "if (method==INVITE) exit;",
    ] {
        assert_eq!(faults(&format!("route {{ {statement} }}")), "");
    }
    assert_eq!(faults("loadmodule \"uri.so\"\nroute { if (has_totag()) exit; }"), "");
}

/// The note that a request is dropped stands where it is, and nowhere else.
#[test]
fn a_silent_end_is_noted_only_where_there_is_one() {
    let modules = load_all();
    for (body, noted) in [
        ("forward();", false),
        ("if (!forward()) { sl_reply_error(); }", false),
        ("if (method == \"INVITE\") forward(); else sl_send_reply(\"405\", \"No\");", false),
        ("if (!lookup(\"location\")) { sl_send_reply(\"404\", \"No\"); exit; } forward();", false),
        ("route(1); }\nroute[1] { if (!forward()) { sl_reply_error(); };", false),
        ("route(1); }\nroute[1] { route(1);", false),
        ("save(\"location\");", false),
        ("exit;", false),
        ("xlog(\"seen\");", true),
        ("if (method == \"INVITE\") { forward(); }", true),
        ("if (method == \"INVITE\") { forward(); } else { log(\"no\"); }", true),
        ("route(1); }\nroute[1] { setflag(1);", true),
        ("", true),
    ] {
        let script = format!("{modules}route {{ {body} }}");
        let parsed = parse_text(Path::new("test.cfg"), script.into_bytes(), &NoFiles);
        let compiled = compile(parsed, &REGISTRY).map_err(|it| it.diagnostics).unwrap();
        let found = compiled.diagnostics.iter().any(|diagnostic| diagnostic.code.0 == "W0403");
        assert_eq!(found, noted, "{body}");
    }
}
