//! The command: what it prints where, and its exit codes.

use std::env::temp_dir;
use std::fs;
use std::path::PathBuf;
use std::process::{self, Command};

use serde_json::Value;

/// A script in a file of its own.
struct Script(PathBuf);

impl Script {
    /// Writes it.
    fn new(name: &str, text: &str) -> Self {
        let path = temp_dir().join(format!("viaduct-check-{}-{name}.cfg", process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    /// Exit code, standard output and standard error of `check` with these arguments.
    fn check(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        run(&[&["check", self.0.to_str().unwrap()], arguments].concat())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs the program.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_viaduct")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const WITH_WARNING: &str = "#!KAMAILIO\nroute {\n    forward();\n}\nroute[A] { exit; }\n";

#[test]
fn warnings_are_shown_and_let_the_script_pass() {
    let script = Script::new("warning", WITH_WARNING);
    let (code, stdout, stderr) = script.check(&[]);
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
    assert!(stderr.starts_with("warning[W0410]: `route[A]` is never used\n"), "{stderr}");
    let end = "1 warning; more about each: viaduct check --explain W0410\n";
    assert!(stderr.ends_with(end), "{stderr}");
}

#[test]
fn warnings_can_be_made_errors() {
    let script = Script::new("denied", WITH_WARNING);
    let (code, _, stderr) = script.check(&["--deny-warnings"]);
    assert_eq!(code, Some(1));
    assert!(stderr.ends_with("viaduct: the script has warnings\n"), "{stderr}");
    let note = Script::new("note", "#!KAMAILIO\nmemlog=5\nroute { forward(); }\n");
    assert_eq!(note.check(&["--deny-warnings"]).0, Some(0), "notes are no warnings");
}

#[test]
fn editors_get_each_place_from_start_to_end() {
    let script = Script::new("json", "#!KAMAILIO\nroute {\n  foward()\n  forward();\n}\n");
    let (code, stdout, _) = script.check(&["--format", "json"]);
    assert_eq!(code, Some(1));
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["version"], 1);
    let found = report["diagnostics"].as_array().unwrap();
    let codes: Vec<&str> = found.iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["E0401", "E0203"]);
    let places: Vec<[u64; 4]> = found
        .iter()
        .map(|it| {
            ["line", "column", "end_line", "end_column"].map(|name| it[name].as_u64().unwrap())
        })
        .collect();
    assert_eq!(places, [[3, 3, 3, 9], [3, 11, 3, 11]]);
    assert_eq!(found[0]["fix"][0]["text"], "forward");
    assert_eq!(found[1]["fix"][0]["text"], ";");
    assert!(found.iter().all(|it| it["file"] == script.0.to_str().unwrap()));
}

#[test]
fn included_files_have_their_own_names() {
    let included = Script::new("included", "route[A] {\n  foward();\n}\n");
    let name = included.0.to_str().unwrap();
    let main = Script::new("main", &format!("#!include_file \"{name}\"\nroute {{ route(A); }}\n"));
    let (_, stdout, _) = main.check(&["--format", "json"]);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let found = report["diagnostics"].as_array().unwrap();
    let error = found.iter().find(|it| it["severity"] == "error").unwrap();
    assert_eq!((&error["file"], &error["line"]), (&Value::from(name), &Value::from(2)));
}

#[test]
fn each_diagnostic_can_be_explained() {
    let (code, stdout, stderr) = run(&["check", "--explain", "E0403"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.starts_with("## E0403: not supported yet\n"), "{stdout}");
    assert!(!stdout.contains("## E0404"), "{stdout}");
    for code in ["w0411", "W0501"] {
        assert_eq!(run(&["check", "--explain", code]).0, Some(0), "{code}");
    }
    let (code, stdout, stderr) = run(&["check", "--explain", "E9999"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("there is no diagnostic `E9999`"), "{stderr}");
    assert_eq!(run(&["check"]).0, Some(2), "a script is wanted otherwise");
}

#[test]
fn compatibility_is_told_for_scripts_that_do_not_run() {
    let text = "#!KAMAILIO\nloadmodule \"tm.so\"\nroute {\n    t_relay();\n    strip(1)\n}\n";
    let script = Script::new("compat", text);
    let (code, stdout, stderr) = script.check(&["--compat"]);
    assert_eq!(code, Some(1));
    assert!(stdout.contains(":4:5: function t_relay: module tm, not yet\n"), "{stdout}");
    assert!(stderr.ends_with("viaduct: not all of the script is supported\n"), "{stderr}");
    let (_, stdout, _) = script.check(&["--compat", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["unread"], 1);
    assert_eq!(report["functions"]["names"]["percent"], 50);
    assert_eq!(report["missing"][1]["name"], "t_relay");
    let whole = Script::new("whole", "#!KAMAILIO\nroute { forward(); }\n");
    let (code, stdout, stderr) = whole.check(&["--compat"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
}
