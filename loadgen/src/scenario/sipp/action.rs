//! Elements that are actions.

use super::element::{Element, Value};
use super::reader::Reader;
use crate::scenario::{Action, Comparison, Field, Operand, Piece, SearchIn, Template, VariableId};

impl<'a> Reader<'a> {
    /// Reads an action; none if it is wrong, which is reported.
    pub(super) fn action(&mut self, mut element: Element<'a>) -> Option<Action> {
        let element = &mut element;
        let action = match element.name {
            "ereg" => self.ereg(element),
            "assign" => self.assign(element),
            "assignstr" => self.assign_text(element),
            "todouble" => self.read_number(element),
            "add" => self.calculate(element, '+'),
            "subtract" => self.calculate(element, '-'),
            "multiply" => self.calculate(element, '*'),
            "divide" => self.calculate(element, '/'),
            "test" => self.test(element),
            "strcmp" => self.compare_text(element),
            "jump" => self.operand(element, "variable").map(Action::Jump),
            "log" | "warning" => self.log(element),
            "exec" => return self.exec(element),
            _ => {
                self.problem(
                    element.range.start,
                    format!("action <{}> is not supported", element.name),
                );
                return None;
            }
        };
        self.finish_element(element);
        action
    }

    /// Reads `<ereg>`.
    fn ereg(&mut self, element: &mut Element<'a>) -> Option<Action> {
        let regex = self.required(element, "regexp").and_then(|value| self.regex(value));
        let search_in = self.search_in(element);
        let check_it = self.flag(element, "check_it");
        let check_it_inverse = self.flag(element, "check_it_inverse");
        if check_it && check_it_inverse {
            let message = "<ereg> cannot have both check_it= and check_it_inverse=";
            self.problem(element.range.start, message);
        }
        let targets = self.required(element, "assign_to")?.text.split(',');
        let assign_to = targets.map(|name| self.names.set(name.trim())).collect();
        let (regex, search_in) = (regex?, search_in?);
        Some(Action::Match { regex, search_in, check_it, check_it_inverse, assign_to })
    }

    /// Where `<ereg>` looks.
    fn search_in(&mut self, element: &mut Element<'a>) -> Option<SearchIn> {
        let case_matters = !self.flag(element, "case_indep");
        let start_line = self.flag(element, "start_line");
        let occurrence = self.number::<usize>(element, "occurrence");
        let occurrence = occurrence.or_else(|| self.number(element, "occurence")).unwrap_or(1);
        let place = element.take("search_in");
        let header = element.take("header");
        match place.map_or("msg", |place| place.text) {
            "msg" => Some(SearchIn::Message),
            "body" => Some(SearchIn::Body),
            "var" => {
                self.required(element, "variable")?;
                self.variable(element, "variable").map(SearchIn::Variable)
            }
            "hdr" => {
                let Some(header) = header.filter(|header| !header.text.trim().is_empty()) else {
                    let message = "search_in=\"hdr\" needs header=";
                    self.problem(element.range.start, message);
                    return None;
                };
                let name = header.text.trim().trim_end_matches(':').trim_end();
                if start_line || !is_header_name(name) {
                    return Some(SearchIn::Line(header.text.to_owned()));
                }
                let occurrence = occurrence.max(1);
                Some(SearchIn::Header { name: name.to_owned(), occurrence, case_matters })
            }
            other => {
                let at = place.map_or(element.range.start, |place| place.at);
                self.problem(at, format!("search_in=\"{other}\" is unknown"));
                None
            }
        }
    }

    /// Takes `assign_to=`, which must be there.
    fn target(&mut self, element: &mut Element<'a>) -> Option<VariableId> {
        self.required(element, "assign_to").map(|name| self.names.set(name.text.trim()))
    }

    /// Takes `value=` or a variable, one of which must be there.
    fn operand(&mut self, element: &mut Element<'a>, variable: &'a str) -> Option<Operand> {
        if element.take("value").is_some() {
            if element.take(variable).is_some() {
                let message = format!("<{}> cannot have both value= and {variable}=", element.name);
                self.problem(element.range.start, message);
            }
            return self.number(element, "value").map(Operand::Number);
        }
        let operand = self.variable(element, variable).map(Operand::Variable);
        if operand.is_none() {
            let message = format!("<{}> needs value= or {variable}=", element.name);
            self.problem(element.range.start, message);
        }
        operand
    }

    /// Reads `<assign>`.
    fn assign(&mut self, element: &mut Element<'a>) -> Option<Action> {
        let target = self.target(element);
        match (self.operand(element, "variable")?, target?) {
            (Operand::Number(number), target) => Some(Action::AssignNumber(target, number)),
            (Operand::Variable(from), target) => Some(Action::ToNumber(target, from)),
        }
    }

    /// Reads `<assignstr>`.
    fn assign_text(&mut self, element: &mut Element<'a>) -> Option<Action> {
        let target = self.target(element);
        let value = self.required(element, "value")?;
        let text = self.line(value)?;
        Some(Action::AssignText(target?, text))
    }

    /// Reads `<todouble>`.
    fn read_number(&mut self, element: &mut Element<'a>) -> Option<Action> {
        let target = self.target(element);
        self.required(element, "variable")?;
        let from = self.variable(element, "variable")?;
        Some(Action::ToNumber(target?, from))
    }

    /// Reads an element of arithmetic.
    fn calculate(&mut self, element: &mut Element<'a>, operator: char) -> Option<Action> {
        let target = self.target(element);
        let operand = self.operand(element, "variable")?;
        if operator == '/' && operand == Operand::Number(0.0) {
            self.problem(element.range.start, "<divide> by zero");
        }
        Some(Action::Calculate(target?, operator, operand))
    }

    /// Reads `<test>`.
    fn test(&mut self, element: &mut Element<'a>) -> Option<Action> {
        let target = self.target(element);
        self.required(element, "variable");
        let variable = self.variable(element, "variable");
        let operand = self.operand(element, "variable2");
        let compare = self.required(element, "compare")?;
        let comparison = match compare.text {
            "equal" => Comparison::Equal,
            "not_equal" => Comparison::NotEqual,
            "greater_than" => Comparison::Greater,
            "less_than" => Comparison::Less,
            "greater_than_equal" => Comparison::GreaterOrEqual,
            "less_than_equal" => Comparison::LessOrEqual,
            other => {
                self.problem(compare.at, format!("compare=\"{other}\" is unknown"));
                return None;
            }
        };
        Some(Action::Test(target?, variable?, comparison, operand?))
    }

    /// Reads `<strcmp>`.
    fn compare_text(&mut self, element: &mut Element<'a>) -> Option<Action> {
        let target = self.target(element);
        self.required(element, "variable");
        let variable = self.variable(element, "variable");
        let text = match (element.take("value"), element.take("variable2")) {
            (Some(value), None) => literal(value.text),
            (None, Some(other)) => copy_of(self.names.read(other.text.trim(), other.at)),
            _ => {
                let message = "<strcmp> needs either value= or variable2=";
                self.problem(element.range.start, message);
                return None;
            }
        };
        Some(Action::CompareText(target?, variable?, text))
    }

    /// Reads `<log>` and `<warning>`.
    fn log(&mut self, element: &mut Element<'a>) -> Option<Action> {
        let message = self.required(element, "message")?;
        self.line(message).map(Action::Log)
    }

    /// Reads `<exec>`.
    fn exec(&mut self, element: &mut Element<'a>) -> Option<Action> {
        let command = element.take("int_cmd");
        for (name, at) in element.left() {
            self.problem(at, format!("{name}= of <exec> is not supported"));
        }
        let command = command?;
        if command.text == "stop_call" {
            return Some(Action::StopCall);
        }
        self.problem(command.at, format!("int_cmd=\"{}\" is not supported", command.text));
        None
    }

    /// Reads a text with keywords.
    fn line(&mut self, value: Value<'a>) -> Option<Template> {
        let template = Template::parse_line(value.text, value.at, &mut self.names);
        self.template(template)
    }
}

/// Whether this may be the name of a header.
fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// A template that is a variable.
fn copy_of(variable: VariableId) -> Template {
    let pieces = vec![Piece::Field(Field::Variable(variable))];
    Template { body: pieces.len(), pieces, ..Template::default() }
}

/// A template that is a text, in which brackets are no keywords.
fn literal(text: &str) -> Template {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let pieces = vec![Piece::Literal(0, end)];
    Template { body: 1, pieces, literals: text.as_bytes().to_vec(), has_length: false }
}
