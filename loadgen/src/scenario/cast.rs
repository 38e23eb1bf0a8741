//! All programs of a run.

use super::{Program, Role};
use crate::measure::RunShape;

/// All programs of a run, and which of them a call runs.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The programs: callers first, then callees.
    pub programs: Vec<Program>,
    /// Those that calls are started with.
    pub callers: Vec<Caller>,
    /// What the numbers of intervals belong to.
    pub shape: RunShape,
    /// For each program, for each of its marks, the position in [`RunShape::marks`].
    pub marks: Vec<Vec<usize>>,
}

/// A program that calls are started with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Caller {
    /// Position in [`Cast::programs`].
    pub program: usize,
    /// Its share of the calls, beside the others'.
    pub weight: u32,
}

impl Cast {
    /// A cast of `callers` with their weights, and `callees`.
    #[must_use]
    pub fn new(callers: Vec<(Program, u32)>, callees: Vec<Program>) -> Self {
        let mut weighted = Vec::new();
        let mut programs = Vec::new();
        for (program, weight) in callers {
            weighted.push(Caller { program: programs.len(), weight });
            programs.push(program);
        }
        programs.extend(callees);
        let mut shape = RunShape::default();
        let mut marks = Vec::new();
        for program in &programs {
            shape.programs.push((program.name.clone(), program.steps.len()));
            marks.push(program.marks.iter().map(|mark| intern(&mut shape.marks, mark)).collect());
        }
        Self { programs, callers: weighted, shape, marks }
    }

    /// The callee for a first request: that of the name if the request names one that there is
    /// (header `X-Viaload`), else the first whose first step waits for the method, else none.
    #[must_use]
    pub fn callee(&self, name: Option<&[u8]>, method: &[u8]) -> Option<usize> {
        let callees = || {
            let programs = self.programs.iter().enumerate();
            programs.filter(|(_, program)| program.role == Role::Callee)
        };
        let named = name.and_then(|name| {
            callees().find(|(_, program)| program.name.as_bytes() == name && program.opens(method))
        });
        named.or_else(|| callees().find(|(_, program)| program.opens(method))).map(|(id, _)| id)
    }
}

/// The position of `name`, which is added if it is new.
fn intern(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}
