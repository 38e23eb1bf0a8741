//! `viaduct test`: whether scripts do what files of cases say.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{Loaded, load};
use super::route::{style, tell_errors};
use super::{ServerError, log};
use crate::flow::{Coverage, Flow, Tally};
use crate::script::{Program, SourceMap, render};
use crate::sys;

/// What the command line says.
#[derive(Clone, Debug)]
pub struct TestOptions {
    /// Files, and directories that are searched for files.
    pub paths: Vec<PathBuf>,
    /// Whether the lines that have run are shown.
    pub coverage: bool,
    /// Where the lines that have run are written to, in the format of lcov.
    pub lcov: Option<PathBuf>,
}

/// Runs all cases.
///
/// # Errors
///
/// When a case fails, or cannot be run.
pub fn test(options: &TestOptions) -> Result<(), ServerError> {
    let mut session = Session::default();
    for path in &options.paths {
        match find(path) {
            Ok(files) if files.is_empty() => {
                session.not_run(&format!("no *.flow file in {}\n", path.display()));
            }
            Ok(files) => files.iter().for_each(|file| session.file(file)),
            Err(error) => session.unreadable(path, &error),
        }
    }
    let Session { shown, failed, total, not_run, .. } = &session;
    let plural = if *total == 1 { "" } else { "s" };
    let mut shown = format!("{shown}{total} case{plural}, {failed} failed\n");
    if options.coverage {
        session.scripts.iter().for_each(|script| shown.push_str(&script.coverage().show()));
    }
    let written = io::stdout().write_all(shown.as_bytes());
    written.map_err(ServerError::system("cannot write to standard output"))?;
    if let Some(path) = &options.lcov {
        let records: Vec<String> =
            session.scripts.iter().map(|script| script.coverage().show_lcov()).collect();
        let written = fs::write(path, records.concat());
        written.map_err(ServerError::system("cannot write the coverage"))?;
    }
    match (*not_run, *failed) {
        (0, 0) => Ok(()),
        (0, count) => Err(ServerError::Failed { count, total: *total }),
        (count, _) => Err(ServerError::NotRun { count }),
    }
}

/// Extension of files of cases.
const EXTENSION: &str = "flow";

/// The files of cases that a path stands for: itself, or all in the directory.
fn find(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut pending = vec![path.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            // A link may lead back to where it is.
            if entry.file_type()?.is_dir() {
                pending.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension == EXTENSION) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A script that cases run.
struct Script {
    path: Option<PathBuf>,
    program: Arc<Program>,
    map: SourceMap,
    tally: Tally,
}

impl Script {
    /// Which of its lines have run.
    fn coverage(&self) -> Coverage {
        Coverage::new(&self.program, &self.map, &self.tally)
    }
}

/// The state of running all cases.
#[derive(Default)]
struct Session {
    /// The scripts so far: each is compiled once.
    scripts: Vec<Script>,
    shown: String,
    total: usize,
    failed: usize,
    /// Files that could not be run.
    not_run: usize,
}

impl Session {
    /// Runs the cases of a file.
    fn file(&mut self, path: &Path) {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) => return self.unreadable(path, &error),
        };
        let flow = match Flow::parse(path, &text) {
            Ok(flow) => flow,
            Err((problems, map)) => return self.not_run(&render(&problems, &map)),
        };
        let directory = path.parent().unwrap_or_else(|| Path::new(""));
        let script = flow.script.as_ref().map(|script| directory.join(script));
        let Some(place) = self.script(script) else { return };
        self.shown.push_str(&format!("{}\n", path.display()));
        let Script { program, tally, .. } = &self.scripts[place];
        for case in &flow.cases {
            self.total += 1;
            match flow.run(case, program, Some(tally)) {
                Ok(()) => self.shown.push_str(&format!("  pass  {}\n", case.title)),
                Err(failure) => {
                    self.failed += 1;
                    self.shown.push_str(&format!("  FAIL  {}\n", case.title));
                    for line in failure.show(&flow.map, style()).lines() {
                        self.shown.push_str(&format!("        {line}\n"));
                    }
                }
            }
        }
    }

    /// The number of a script, which is compiled if it was not yet.
    fn script(&mut self, path: Option<PathBuf>) -> Option<usize> {
        let known = self.scripts.iter().position(|script| script.path == path);
        if known.is_some() {
            return known;
        }
        let loaded = match load(path.as_deref()) {
            Ok(loaded) => loaded,
            Err(error) => {
                self.not_run(&format!("{error}\n"));
                return None;
            }
        };
        tell_errors(&loaded);
        let Loaded { map, program, .. } = loaded;
        let Some(program) = program else {
            self.not_run("");
            return None;
        };
        let tally = Tally::default();
        self.scripts.push(Script { path, program: Arc::new(program), map, tally });
        Some(self.scripts.len() - 1)
    }

    /// A file that cannot be read.
    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.not_run(&format!("cannot read {}: {}\n", path.display(), sys::reason(error)));
    }

    /// A file that cannot be run, and why.
    fn not_run(&mut self, why: &str) {
        self.not_run += 1;
        log::tell(why);
    }
}
