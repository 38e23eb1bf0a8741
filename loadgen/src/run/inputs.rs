//! Input files: read and checked before any traffic.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Options, RunError, UserOptions};
use crate::scenario::{Caller, Cast, Injection, Program, Role, Step, What, builtin, sipp};
use crate::users::{Users, check_domain};

/// What a run is made of beside numbers.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    /// The programs.
    pub(super) cast: Arc<Cast>,
    /// Name of the scenario, for people.
    pub(super) scenario: String,
    /// Fields for messages.
    pub(super) injected: Vec<Arc<Injection>>,
    /// Who calls and is called.
    pub(super) users: Arc<Users>,
    /// What of the files is ignored.
    pub(super) notes: Vec<String>,
}

impl Inputs {
    /// Reads all that is named.
    ///
    /// # Errors
    ///
    /// If a file is wrong or missing, or a scenario unknown.
    pub(super) fn read(options: &Options) -> Result<Self, RunError> {
        let mut notes = Vec::new();
        let injected = injections(&options.injected)?;
        let callee = options.callee_scenario.as_deref();
        let callee = callee.map(|file| read_callee(file, &injected, &mut notes)).transpose()?;
        let cast = cast(&options.scenario, callee, &injected, &mut notes)?;
        let injected = injected.into_iter().map(Arc::new).collect();
        let users = users(&options.users)?;
        for file in [&options.json, &options.html].into_iter().flatten() {
            check_writable(file)?;
        }
        let scenario = scenario_name(&options.scenario);
        Ok(Self { cast: cast.into(), scenario, injected, users: users.into(), notes })
    }
}

/// The name of a scenario for people: that of the file without its folder.
fn scenario_name(given: &str) -> String {
    let file = Path::new(given).file_name();
    file.map_or_else(|| given.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The programs of a scenario: a built-in one, or that of a file, with who answers.
fn cast(
    scenario: &str,
    callee: Option<Program>,
    injected: &[Injection],
    notes: &mut Vec<String>,
) -> Result<Cast, RunError> {
    if !is_file_name(scenario) {
        let Some(cast) = builtin::cast(scenario) else {
            return Err(RunError::Options(unknown_scenario(scenario)));
        };
        if callee.is_none() {
            return Ok(cast);
        }
        let caller = |caller: &Caller| (cast.programs[caller.program].clone(), caller.weight);
        let callers = cast.callers.iter().map(caller).collect();
        return Ok(Cast::new(callers, callees(callee)));
    }
    let file = Path::new(scenario);
    let caller = read_program(file, injected, notes)?;
    if caller.role == Role::Callee {
        return Err(RunError::Input(format!(
            "{scenario}: this scenario waits for a call instead of making one: give it to \
             --uas-scenario, or to viaload uas --scenario"
        )));
    }
    Ok(Cast::new(vec![(caller, 1)], callees(callee)))
}

/// Those who answer: the one of a file, and behind it the built-in ones for what it does not
/// wait for. Those for the same requests are left out, else callers could ask for them by name.
pub(super) fn callees(first: Option<Program>) -> Vec<Program> {
    const METHODS: [&[u8]; 4] = [b"INVITE", b"REGISTER", b"OPTIONS", b"MESSAGE"];
    let mut others = builtin::callees();
    if let Some(first) = &first {
        let taken = |method: &&[u8]| first.opens(method);
        let taken: Vec<_> = METHODS.into_iter().filter(taken).collect();
        others.retain(|other| !taken.iter().any(|method| other.opens(method)));
    }
    first.into_iter().chain(others).collect()
}

/// Whether a file is meant, not a built-in scenario.
fn is_file_name(scenario: &str) -> bool {
    let path = Path::new(scenario);
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml"))
        || scenario.contains('/')
}

/// What to say of a name that is none.
pub(super) fn unknown_scenario(given: &str) -> String {
    let names = || builtin::names().iter().map(|(name, _)| *name);
    let near = names()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let all = names().collect::<Vec<_>>().join(", ");
    match near {
        Some((_, near)) => format!("unknown scenario \"{given}\": did you mean \"{near}\"?"),
        None => format!("unknown scenario \"{given}\": there are {all}, and files (FILE.xml)"),
    }
}

/// Reads a scenario for those who answer.
///
/// # Errors
///
/// If it is wrong, or makes calls.
pub(super) fn read_callee(
    file: &Path,
    injected: &[Injection],
    notes: &mut Vec<String>,
) -> Result<Program, RunError> {
    let program = read_program(file, injected, notes)?;
    if program.role == Role::Caller {
        return Err(RunError::Input(format!(
            "{}: this scenario makes a call instead of waiting for one: give it to viaload run \
             --scenario",
            file.display()
        )));
    }
    Ok(program)
}

/// Reads a scenario of SIPp's.
fn read_program(
    file: &Path,
    injected: &[Injection],
    notes: &mut Vec<String>,
) -> Result<Program, RunError> {
    let text = read_text(file)?;
    let name = file.display().to_string();
    let (program, ignored) = sipp::read_with(&text, &name, injected)
        .map_err(|errors| RunError::Input(errors.to_string()))?;
    notes.extend(ignored);
    Ok(program)
}

/// Reads a file of text.
fn read_text(file: &Path) -> Result<String, RunError> {
    Ok(sipp::decode(read(file)?))
}

/// Reads a file.
fn read(file: &Path) -> Result<Vec<u8>, RunError> {
    fs::read(file).map_err(|source| RunError::Unreadable { file: file.to_owned(), source })
}

/// Reads the injection files.
fn injections(files: &[PathBuf]) -> Result<Vec<Injection>, RunError> {
    let read = |file: &PathBuf| {
        let parsed = Injection::parse(&read_text(file)?, &file.display().to_string());
        parsed.map_err(|error| RunError::Input(error.to_string()))
    };
    files.iter().map(read).collect()
}

/// The users: so many, or those of a file.
fn users(options: &UserOptions) -> Result<Users, RunError> {
    const MAX: usize = 10_000_000;
    let mut users = match &options.users {
        None => Users::default(),
        Some(given) => match given.parse::<usize>() {
            Ok(count @ 1..=MAX) => Users::generate(count),
            Ok(_) => {
                return Err(RunError::Options(format!("--users {given}: from 1 to {MAX}")));
            }
            Err(_) => Users::parse_csv(&read(Path::new(given))?, given)
                .map_err(|error| RunError::Input(error.to_string()))?,
        },
    };
    if let Some(domain) = &options.domain {
        let checked = check_domain(domain.as_bytes());
        users.domain = checked.map_err(|fault| RunError::Options(format!("--domain: {fault}")))?;
    }
    Ok(users)
}

/// Looks whether a file can be written, without changing it.
fn check_writable(file: &Path) -> Result<(), RunError> {
    let is_new = !file.exists();
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.map_err(|source| RunError::Unwritable { file: file.to_owned(), source })?;
    if is_new {
        // If it stays, it is overwritten by the report.
        let _ = fs::remove_file(file);
    }
    Ok(())
}

/// What a run counts: calls if any of its callers invites, else requests.
#[must_use]
pub(super) fn unit(cast: &Cast) -> &'static str {
    let is_invite = |what: &What| matches!(what, What::Request(method) if method == "INVITE");
    let invites = |step: &Step| matches!(step, Step::Send(send) if is_invite(&send.what));
    let mut programs = cast.callers.iter().map(|caller| &cast.programs[caller.program]);
    if programs.any(|program| program.steps.iter().any(invites)) { "calls" } else { "requests" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::sipp;

    #[test]
    fn a_file_answers_all_that_it_waits_for() {
        let text = "<scenario><recv request=\"INVITE\"/></scenario>";
        let (program, _) = sipp::read(text, "own.xml").unwrap();
        let name = program.name.clone();
        let cast = Cast::new(Vec::new(), callees(Some(program)));
        let answers = |asked: &[u8], method| {
            cast.callee(Some(asked), method).map(|id| cast.programs[id].name.as_str())
        };
        assert_eq!(answers(b"busy", b"INVITE"), Some(name.as_str()));
        assert_eq!(answers(b"options", b"OPTIONS"), Some("options"));
    }
}
