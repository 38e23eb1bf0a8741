//! The scripts in `examples/` do what their comments say: each has its cases beside it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

/// Runs the program in the directory of the package.
fn viaduct(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

/// The scripts in `examples/`.
fn scripts() -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let names = std::fs::read_dir(directory).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".cfg")).collect()
}

#[test]
fn the_cases_beside_the_examples_pass_and_run_every_line() {
    let output = viaduct(&["test", "examples", "--coverage"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for name in scripts() {
        let start = format!("examples/{name}: ");
        let line = text.lines().find(|line| line.starts_with(&start));
        assert!(line.is_some_and(|line| line.ends_with(" 100.0 %")), "{start}{text}");
    }
}

#[test]
fn the_examples_are_beyond_reproach() {
    for name in scripts() {
        let output = viaduct(&["check", &format!("examples/{name}"), "--format", "json"]);
        assert!(output.status.success(), "{name}");
        let found = String::from_utf8(output.stdout).unwrap();
        for severity in ["warning", "error"] {
            assert!(!found.contains(&format!("\"severity\":\"{severity}\"")), "{name}: {found}");
        }
    }
}
