//! The files of `tuning/` are what they say.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use viaduct::limits::SOCKET_BUFFER_BYTES;

const SCRIPTS: [&str; 3] = ["nic.sh", "irq.sh", "cpu.sh"];

/// A file of the directory.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tuning").join(name)
}

/// Runs a script that would keep its state in `state`.
fn run(script: &str, arguments: &[&str], state: &Path) -> Output {
    let mut bash = Command::new("bash");
    bash.arg(path(script)).args(arguments).env("VIADUCT_TUNING_STATE", state).output().unwrap()
}

/// A directory that is not there.
fn no_directory(name: &str) -> PathBuf {
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    assert!(!state.exists());
    state
}

#[test]
fn the_kernel_grants_what_the_server_asks_for() {
    let text = fs::read_to_string(path("sysctl.conf")).unwrap();
    for name in ["net.core.rmem_max", "net.core.wmem_max"] {
        let line = format!("\n{name} = {SOCKET_BUFFER_BYTES}\n");
        assert!(text.contains(&line), "{name}");
    }
}

#[test]
fn scripts_without_arguments_say_what_they_want() {
    let state = no_directory("tuning-usage");
    for script in SCRIPTS {
        let Output { status, stderr, .. } = run(script, &[], &state);
        assert_eq!(status.code(), Some(2), "{script}");
        assert!(stderr.starts_with(format!("usage: {script}").as_bytes()), "{script}");
    }
    assert!(!state.exists());
}

#[test]
fn wrong_cores_are_refused_before_anything_is_changed() {
    let state = no_directory("tuning-cores");
    for cores in ["x", "", "0,,1", "1;2"] {
        let Output { status, stdout, stderr } = run("cpu.sh", &[cores], &state);
        assert_eq!((status.code(), &stdout[..]), (Some(2), &b""[..]), "{cores}");
        assert!(stderr.starts_with(b"not a list of cores"), "{cores}");
    }
    assert!(!state.exists());
}

#[test]
fn a_dry_run_leaves_no_trace() {
    let state = no_directory("tuning-dry");
    run("cpu.sh", &["--dry-run", "0"], &state);
    run("nic.sh", &["--dry-run", "lo", "0"], &state);
    assert!(!state.exists());
}

#[test]
fn nothing_is_undone_that_was_not_done() {
    let state = no_directory("tuning-undo");
    let Output { status, stderr, .. } = run("cpu.sh", &["--dry-run", "undo"], &state);
    assert_eq!(status.code(), Some(2));
    assert!(stderr.starts_with(b"nothing to undo"));
}
