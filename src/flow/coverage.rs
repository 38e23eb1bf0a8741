//! Which lines of a script have run, and which way its conditions went.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::script::{Event, Observer, Program, SourceMap};

/// How often each statement of a script has run. Copies count together.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: Arc<Mutex<Counts>>,
}

/// What is counted, by the numbers that the program has given.
#[derive(Clone, Debug, Default)]
struct Counts {
    statements: BTreeMap<usize, u64>,
    /// How often a condition was false, and true.
    branches: BTreeMap<usize, [u64; 2]>,
}

impl Observer for Tally {
    fn observe(&mut self, event: Event<'_>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Statement(number) => *counts.statements.entry(number).or_default() += 1,
            Event::Branch(number, held) => {
                counts.branches.entry(number).or_default()[usize::from(held)] += 1;
            }
            _ => {}
        }
    }
}

/// The lines of a script with how often they have run.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    files: BTreeMap<String, File>,
}

/// The lines of a file.
#[derive(Clone, Debug, Default)]
struct File {
    /// By line number.
    lines: BTreeMap<u32, u64>,
    /// The conditions of each line: how often each was false, and true.
    branches: BTreeMap<u32, Vec<[u64; 2]>>,
    text: Vec<String>,
}

impl Coverage {
    /// What `tally` has counted of `program`, whose text is `map`.
    #[must_use]
    pub fn new(program: &Program, map: &SourceMap, tally: &Tally) -> Self {
        let counts = tally.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files: BTreeMap<String, File> = BTreeMap::new();
        for (number, place) in program.statements().enumerate() {
            let lines = &mut files.entry(place.file.to_owned()).or_default().lines;
            let count = counts.statements.get(&number).copied().unwrap_or(0);
            let line = lines.entry(place.line).or_default();
            *line = count.max(*line);
        }
        for branch in program.branches() {
            let branches = &mut files.entry(branch.place.file.to_owned()).or_default().branches;
            let taken = counts.branches.get(&branch.number).copied().unwrap_or_default();
            branches.entry(branch.place.line).or_default().push(taken);
        }
        for file in map.files() {
            if let Some(found) = files.get_mut(&*file.name.to_string_lossy()) {
                let text = String::from_utf8_lossy(&file.text).into_owned();
                found.text = text.lines().map(|line| line.trim().to_owned()).collect();
            }
        }
        Self { files }
    }

    /// For people: how much has run, and the lines that have not.
    #[must_use]
    pub fn show(&self) -> String {
        let mut shown = String::new();
        for (name, file) in &self.files {
            let total = file.lines.len();
            let run = file.lines.values().filter(|count| **count > 0).count();
            // In tenths of a percent, rounded down: 100 % is all of it.
            let tenths = run * 1_000 / total.max(1);
            let percent = format!("{}.{}", tenths / 10, tenths % 10);
            shown.push_str(&format!("{name}: {run} of {total} lines run, {percent} %\n"));
            for (line, _) in file.lines.iter().filter(|(_, count)| **count == 0) {
                let place = (*line as usize).saturating_sub(1);
                let text = file.text.get(place).map_or("", String::as_str);
                shown.push_str(&format!("  not run: {name}:{line}: {text}\n"));
            }
        }
        shown
    }

    /// For programs: the records of an lcov tracefile (geninfo(1)).
    #[must_use]
    pub fn show_lcov(&self) -> String {
        let mut shown = String::new();
        for (name, file) in &self.files {
            shown.push_str(&format!("TN:\nSF:{name}\n"));
            for (line, taken) in &file.branches {
                let ran = file.lines.get(line).is_some_and(|count| *count > 0);
                for (block, ways) in taken.iter().enumerate() {
                    for (way, count) in ways.iter().enumerate() {
                        let count = if ran { count.to_string() } else { "-".to_owned() };
                        shown.push_str(&format!("BRDA:{line},{block},{way},{count}\n"));
                    }
                }
            }
            let ways = || file.branches.values().flatten().flatten();
            let taken = ways().filter(|count| **count > 0).count();
            shown.push_str(&format!("BRF:{}\nBRH:{taken}\n", ways().count()));
            for (line, count) in &file.lines {
                shown.push_str(&format!("DA:{line},{count}\n"));
            }
            let run = file.lines.values().filter(|count| **count > 0).count();
            shown.push_str(&format!("LF:{}\nLH:{run}\nend_of_record\n", file.lines.len()));
        }
        shown
    }
}
