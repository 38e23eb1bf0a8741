//! Injection files: lines of fields that messages are filled from (SIPp `-inf`).

use std::path::Path;

/// An injection file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// The name that `[fieldN file="..."]` says.
    pub name: String,
    /// How lines are dealt out.
    pub order: Order,
    /// The lines, split into fields.
    pub lines: Vec<Vec<String>>,
}

/// How the lines of an injection file are dealt out to calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One after another, from the start again at the end.
    Sequential,
    /// By chance.
    Random,
}

/// What is wrong with an injection file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InjectionError {
    /// The first line does not say how lines are dealt out.
    #[error("{file}:1: the first line must be SEQUENTIAL or RANDOM, but it is \"{found}\"")]
    NoOrder {
        /// The file.
        file: String,
        /// Its first line.
        found: String,
    },
    /// The first line says what only SIPp has.
    #[error("{file}:1: {what} is not supported; only SEQUENTIAL and RANDOM are")]
    Unsupported {
        /// The file.
        file: String,
        /// What.
        what: String,
    },
    /// There is nothing behind the first line.
    #[error("{file}:{line}: there is no line of data behind the first line")]
    NoData {
        /// The file.
        file: String,
        /// Its last line.
        line: usize,
    },
}

impl Injection {
    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// The first line is not SEQUENTIAL or RANDOM, or there is no other.
    pub fn parse(text: &str, name: &str) -> Result<Self, InjectionError> {
        let mut lines = text.lines();
        let order = parse_order(lines.next().unwrap_or_default().trim(), name)?;
        let lines: Vec<Vec<String>> = lines
            .map(|line| line.trim_end_matches('\r'))
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| line.split(';').map(str::to_owned).collect())
            .collect();
        if lines.is_empty() {
            let line = text.lines().count().max(1);
            return Err(InjectionError::NoData { file: name.to_owned(), line });
        }
        Ok(Self { name: name.to_owned(), order, lines })
    }

    /// Whether a scenario that says this name means this file: its path or the end of it.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        !name.is_empty() && (self.name == name || Path::new(&self.name).ends_with(name))
    }
}

/// Reads the first line.
fn parse_order(line: &str, name: &str) -> Result<Order, InjectionError> {
    let file = name.to_owned();
    match line {
        "SEQUENTIAL" => Ok(Order::Sequential),
        "RANDOM" => Ok(Order::Random),
        _ if line.starts_with("USER") || line.contains("PRINTF") => {
            Err(InjectionError::Unsupported { file, what: line.to_owned() })
        }
        _ => Err(InjectionError::NoOrder { file, found: line.chars().take(40).collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_at_semicolons_and_comments_are_skipped() {
        let text = "SEQUENTIAL\r\n# who;where\r\nalice;a.example\r\n\r\nbob;b.example\r\n";
        let file = Injection::parse(text, "users.csv").unwrap();
        assert_eq!(file.order, Order::Sequential);
        assert_eq!(file.lines, [["alice", "a.example"], ["bob", "b.example"]]);
    }

    #[test]
    fn the_first_line_may_say_random() {
        assert_eq!(Injection::parse("RANDOM\na", "x").unwrap().order, Order::Random);
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_line() {
        let error = |text| Injection::parse(text, "users.csv").unwrap_err().to_string();
        assert_eq!(
            error("alice;a.example\n"),
            "users.csv:1: the first line must be SEQUENTIAL or RANDOM, but it is \
             \"alice;a.example\""
        );
        assert_eq!(
            error("USER\nalice\n"),
            "users.csv:1: USER is not supported; only SEQUENTIAL and RANDOM are"
        );
        assert_eq!(
            error("RANDOM\n#alice\n"),
            "users.csv:2: there is no line of data behind the first line"
        );
    }

    #[test]
    fn a_file_is_known_by_the_end_of_its_path() {
        let file = Injection::parse("RANDOM\na", "data/users.csv").unwrap();
        assert!(file.is_called("users.csv") && file.is_called("data/users.csv"));
        assert!(!file.is_called("sers.csv") && !file.is_called(""));
    }
}
