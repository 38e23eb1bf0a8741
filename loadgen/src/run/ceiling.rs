//! What this machine can do at most, as measured by `--self-test`, kept for later reports.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::RunError;
use crate::report::SelfTest;

/// The ceiling of a scenario with so many threads, if it was measured.
#[must_use]
pub(super) fn known(scenario: &str, threads: usize) -> Option<SelfTest> {
    let all = read_all(&file()?);
    all.into_iter().find(|one| one.scenario == scenario && one.threads == threads)
}

/// Keeps a ceiling in place of an older one: the file.
///
/// # Errors
///
/// If the file cannot be written.
pub(super) fn keep(ceiling: &SelfTest) -> Result<PathBuf, RunError> {
    let file = file().ok_or_else(|| {
        RunError::Options("neither XDG_CACHE_HOME nor HOME is set: nothing is kept".to_owned())
    })?;
    let mut all = read_all(&file);
    all.retain(|one| one.scenario != ceiling.scenario || one.threads != ceiling.threads);
    all.push(ceiling.clone());
    let write = || -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, serde_json::to_vec_pretty(&all)?)
    };
    match write() {
        Ok(()) => Ok(file),
        Err(source) => Err(RunError::Unwritable { file, source }),
    }
}

/// Where ceilings are kept.
fn file() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(cache.join("viaload").join("self-test.json"))
}

/// All that are kept; none if the file is missing or of another version.
fn read_all(file: &PathBuf) -> Vec<SelfTest> {
    let text = fs::read(file).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}
