//! A message against what a flow expects of it.

use super::difference::{Mark, difference, show_lines};
use super::parse::Block;
use super::seen::{Field, Seen, is_same_name};
use super::template::Variables;

/// The message with its differences from what was expected, line by line; none if it is as
/// expected. Variables have got their values then. What is not said to be different must be as it
/// is in `original`, if that is given.
pub(super) fn compare(
    expected: &Block,
    message: &[u8],
    original: Option<&[u8]>,
    variables: &mut Variables,
) -> Option<Vec<(Mark, String)>> {
    let seen = Seen::of(message);
    let mut found = Comparison { lines: Vec::new(), differs: false, variables: variables.clone() };
    found.start(expected, &seen);
    let original = original.map(Seen::of);
    let changes = original.as_ref().map(|original| changes(expected, original, &seen));
    found.fields(expected, &seen, &changes.unwrap_or_default());
    match (&original, &expected.body) {
        (Some(original), None) => found.same_body(original, &seen),
        _ => found.body(expected, &seen),
    }
    if found.differs {
        return Some(found.lines);
    }
    *variables = found.variables;
    None
}

/// The state of comparing.
struct Comparison {
    lines: Vec<(Mark, String)>,
    differs: bool,
    variables: Variables,
}

impl Comparison {
    /// Compares the first line.
    fn start(&mut self, expected: &Block, seen: &Seen) {
        if !expected.start.matches(&seen.start, &mut self.variables) {
            let text = expected.start.show(&self.variables);
            self.differ(Mark::Gone, &text);
            self.differ(Mark::Come, &seen.start);
        } else {
            self.lines.push((Mark::Same, one_line(&seen.start)));
        }
    }

    /// Compares the header fields: the expected ones of each name with the first of that name.
    fn fields(&mut self, expected: &Block, seen: &Seen, changes: &Changes) {
        let mut done = vec![false; expected.fields.len()];
        for (number, field) in seen.fields.iter().enumerate() {
            let of_name = |name: &str| is_same_name(name.as_bytes(), &field.name);
            let next = expected.fields.iter().enumerate();
            let next = next.filter(|(place, _)| !done[*place]);
            let next =
                next.into_iter().find(|(_, line)| of_name(&line.name)).map(|(place, _)| place);
            let Some(place) = next else {
                if changes.come.contains(&number) {
                    self.differ(Mark::Come, &field.line);
                } else {
                    self.lines.push((Mark::Same, one_line(&field.line)));
                }
                continue;
            };
            let line = &expected.fields[place];
            match &line.value {
                None => self.differ(Mark::Come, &field.line),
                Some(value) if value.matches(&field.value, &mut self.variables) => {
                    done[place] = true;
                    self.lines.push((Mark::Same, one_line(&field.line)));
                }
                Some(value) => {
                    done[place] = true;
                    let text = value.show(&self.variables);
                    self.differ(Mark::Gone, &[line.name.as_bytes(), b": ", &text].concat());
                    self.differ(Mark::Come, &field.line);
                }
            }
        }
        for (line, _) in expected.fields.iter().zip(done).filter(|(_, done)| !done) {
            if let Some(value) = &line.value {
                let text = value.show(&self.variables);
                self.differ(Mark::Gone, &[line.name.as_bytes(), b": ", &text].concat());
            }
        }
        changes.gone.iter().for_each(|line| self.differ(Mark::Gone, line.as_bytes()));
    }

    /// Compares the body with that of the original message.
    fn same_body(&mut self, original: &Seen, seen: &Seen) {
        if original.body.is_empty() && seen.body.is_empty() {
            return;
        }
        self.lines.push((Mark::Same, String::new()));
        let lines = difference(&original.body, &seen.body);
        self.differs |= lines.iter().any(|(mark, _)| *mark != Mark::Same);
        self.lines.extend(lines);
    }

    /// Compares the body, if one is expected.
    fn body(&mut self, expected: &Block, seen: &Seen) {
        if expected.body.is_none() && seen.body.is_empty() {
            return;
        }
        self.lines.push((Mark::Same, String::new()));
        let lines = show_lines(&seen.body);
        let Some(body) = &expected.body else {
            self.lines.extend(lines.into_iter().map(|line| (Mark::Same, line)));
            return;
        };
        let mut rows: Vec<&[u8]> = seen.body.split(|byte| *byte == b'\n').collect();
        // The last line may end with a line end or not.
        if rows.last() == Some(&&b""[..]) {
            rows.pop();
        }
        let trimmed = |row: &&[u8]| row.strip_suffix(b"\r").unwrap_or(row).to_vec();
        let rows: Vec<Vec<u8>> = rows.iter().map(trimmed).collect();
        for place in 0..body.len().max(rows.len()) {
            match (body.get(place), rows.get(place)) {
                (Some(line), Some(row)) if line.matches(row, &mut self.variables) => {
                    self.lines.push((Mark::Same, one_line(row)));
                }
                (line, row) => {
                    if let Some(line) = line {
                        let text = line.show(&self.variables);
                        self.differ(Mark::Gone, &text);
                    }
                    if let Some(row) = row {
                        self.differ(Mark::Come, row);
                    }
                }
            }
        }
    }

    /// Adds a line that differs.
    fn differ(&mut self, mark: Mark, text: &[u8]) {
        self.differs = true;
        self.lines.push((mark, one_line(text)));
    }
}

/// The header lines that are not as in the original message, of names that nothing is expected of.
#[derive(Default)]
struct Changes {
    /// Those that it does not have: their places among the fields.
    come: Vec<usize>,
    /// Those that only it has.
    gone: Vec<String>,
}

/// How `seen` differs from `original` where nothing is expected of it.
fn changes(expected: &Block, original: &Seen, seen: &Seen) -> Changes {
    let rest = |message: &Seen| -> Vec<(usize, String)> {
        let is_expected = |field: &Field| {
            expected.fields.iter().any(|line| is_same_name(line.name.as_bytes(), &field.name))
        };
        let fields = message.fields.iter().enumerate().filter(|(_, field)| !is_expected(field));
        fields.map(|(number, field)| (number, one_line(&field.line))).collect()
    };
    let (old, new) = (rest(original), rest(seen));
    let lines = |rest: &[(usize, String)]| -> Vec<u8> {
        rest.iter().flat_map(|(_, line)| [line.as_bytes(), b"\r\n"].concat()).collect()
    };
    let mut changes = Changes::default();
    let mut place = 0;
    for (mark, line) in difference(&lines(&old), &lines(&new)) {
        match mark {
            Mark::Gone if !line.is_empty() => changes.gone.push(line),
            Mark::Come => changes.come.extend(new.get(place).map(|(number, _)| *number)),
            _ => {}
        }
        place += usize::from(mark != Mark::Gone);
    }
    changes
}

/// A line for people.
fn one_line(text: &[u8]) -> String {
    super::journal::escaped(text, false)
}
