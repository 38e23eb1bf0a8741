//! What people read when their script is wrong: each file in `tests/script/errors` has its
//! diagnostics beside it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use viaduct::script::{Diagnostic, Reader, SourceMap, parse_script, render, render_json};

/// Reads the scripts of this folder, and one that is too large to keep.
struct Folder;

impl Reader for Folder {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path.ends_with("huge.cfg") {
            return Ok(vec![b' '; viaduct::limits::SCRIPT_BYTES_MAX]);
        }
        fs::read(folder().join(path)).map_err(|error| error.kind().into())
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

/// Where the scripts are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/script/errors")
}

/// The names of the scripts.
fn scripts() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".cfg"))
        .collect();
    names.sort();
    names
}

/// What a script has wrong.
fn diagnose(name: &str) -> (Vec<Diagnostic>, SourceMap) {
    match parse_script(Path::new(name), &Folder) {
        Ok(parsed) => (parsed.diagnostics, parsed.map),
        Err(rejected) => (rejected.diagnostics, rejected.map),
    }
}

#[test]
fn each_script_has_its_diagnostics() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in scripts() {
            let (diagnostics, map) = diagnose(&name);
            let stem = name.trim_end_matches(".cfg");
            insta::assert_snapshot!(stem, render(&diagnostics, &map));
        }
    });
}

#[test]
fn each_code_has_a_script_that_shows_it() {
    let mut shown = BTreeSet::new();
    for name in scripts() {
        shown.extend(diagnose(&name).0.iter().map(|diagnostic| diagnostic.code.0));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/script");
    let mut texts = String::new();
    for room in ["lexer", "preprocess", "parser", "globals"] {
        for entry in fs::read_dir(script.join(room)).unwrap() {
            let path = entry.unwrap().path();
            if !path.ends_with("tests.rs") {
                texts.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let is_code = |word: &&str| {
        let (letter, digits) = word.split_at(word.len().min(1));
        word.len() == 5
            && matches!(letter, "E" | "W" | "N")
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    // What is told of a script only where it is to run on another machine: see `tests/route.rs`.
    let shown_elsewhere = |code: &str| code == "W0302";
    let missing: Vec<_> = texts
        .split('"')
        .filter(is_code)
        .filter(|code| !shown.contains(code) && !shown_elsewhere(code))
        .collect();
    assert!(missing.is_empty(), "no script in tests/script/errors shows {missing:?}");
}

#[test]
fn programs_get_the_same_as_json() {
    let (diagnostics, map) = diagnose("parenthesis_in_condition.cfg");
    assert_eq!(
        render_json(&diagnostics, &map),
        "{\"version\":1,\"diagnostics\":[{\"code\":\"E0202\",\"severity\":\"error\",\
         \"message\":\"missing `)`\",\"label\":null,\"file\":\"parenthesis_in_condition.cfg\",\
         \"line\":7,\"column\":28,\"end_line\":7,\"end_column\":28,\"notes\":[\
         {\"message\":\"opened here\",\"file\":\"parenthesis_in_condition.cfg\",\"line\":7,\
         \"column\":8,\"end_line\":7,\"end_column\":9}],\"help\":\"add `)`\",\"fix\":[\
         {\"text\":\")\",\"file\":\"parenthesis_in_condition.cfg\",\"line\":7,\"column\":28,\
         \"end_line\":7,\"end_column\":28}]}]}\n"
    );
}

#[test]
fn the_samples_of_the_guides_are_read() {
    let samples = folder().join("../samples");
    let mut count = 0;
    for entry in fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        match parse_script(&path, &Folder) {
            Ok(parsed) => assert!(!parsed.ast.routes.is_empty(), "{}", path.display()),
            Err(rejected) => panic!("{}", render(&rejected.diagnostics, &rejected.map)),
        }
        count += 1;
    }
    assert!(count > 0);
}
