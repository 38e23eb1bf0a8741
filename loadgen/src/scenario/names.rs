//! What keywords and attributes refer to by name.

use super::{Injection, VariableId};

/// Something wrong in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, in bytes from the file's start.
    pub at: usize,
    /// What.
    pub message: String,
}

impl Problem {
    /// A problem at a place.
    #[must_use]
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// The variables of a scenario file and the injection files that it may use.
#[derive(Debug, Default)]
pub struct Names<'f> {
    variables: Vec<Variable>,
    files: &'f [Injection],
}

/// A variable.
#[derive(Debug)]
struct Variable {
    name: String,
    is_set: bool,
    /// Where it is read first.
    read_at: Option<usize>,
}

impl<'f> Names<'f> {
    /// No variables, and these injection files.
    #[must_use]
    pub const fn new(files: &'f [Injection]) -> Self {
        Self { variables: Vec::new(), files }
    }

    /// A variable that is read here.
    pub fn read(&mut self, name: &str, at: usize) -> VariableId {
        let id = self.variable(name);
        self.variables[id].read_at.get_or_insert(at);
        id
    }

    /// A variable that is set.
    pub fn set(&mut self, name: &str) -> VariableId {
        let id = self.variable(name);
        self.variables[id].is_set = true;
        id
    }

    /// Where variables are read that are set nowhere.
    pub fn unset(&self) -> impl Iterator<Item = Problem> + '_ {
        let unset = self.variables.iter().filter(|variable| !variable.is_set);
        unset.filter_map(|variable| {
            let message = format!("variable {} is read here, but set nowhere", variable.name);
            Some(Problem::new(variable.read_at?, message))
        })
    }

    /// The names of the variables, by their numbers.
    #[must_use]
    pub fn into_variables(self) -> Vec<String> {
        self.variables.into_iter().map(|variable| variable.name).collect()
    }

    /// The number of the injection file of this name, or of the first one. Every line of it must
    /// have the column.
    ///
    /// # Errors
    ///
    /// There is no such file, or a line of it is too short.
    pub fn injected(&self, file: Option<&str>, column: usize) -> Result<usize, String> {
        let number = match file {
            Some(name) => self.files.iter().position(|file| file.is_called(name)),
            None => (!self.files.is_empty()).then_some(0),
        };
        let Some(number) = number else {
            let file = file.map(|name| format!(" named {name}")).unwrap_or_default();
            return Err(format!(
                "[field{column}] needs an injection file{file}; give it with --inf"
            ));
        };
        let file = &self.files[number];
        match file.lines.iter().position(|line| line.len() <= column) {
            Some(short) => Err(format!(
                "[field{column}] is missing in data line {} of {}, which has {} fields, counted \
                 from 0",
                short + 1,
                file.name,
                file.lines[short].len()
            )),
            None => Ok(number),
        }
    }

    /// The number of a variable, which is added if it is new.
    fn variable(&mut self, name: &str) -> VariableId {
        let known = self.variables.iter().position(|variable| variable.name == name);
        known.unwrap_or_else(|| {
            let name = name.to_owned();
            self.variables.push(Variable { name, is_set: false, read_at: None });
            self.variables.len() - 1
        })
    }
}
