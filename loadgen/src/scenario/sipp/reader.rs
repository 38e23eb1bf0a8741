//! Reading a scenario: what elements have in common.

use std::str::FromStr;
use std::time::Duration;

use regex::bytes::{Regex, RegexBuilder};
use roxmltree::{Document, Node};

use super::ScenarioErrors;
use super::element::{Element, Value};
use crate::scenario::{
    Chain, Expect, Injection, Names, Problem, Program, Role, Routing, Step, StepId, Template,
    VariableId,
};

/// A scenario that is being read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// The file.
    pub(super) source: &'a str,
    /// Variables and injection files.
    pub(super) names: Names<'a>,
    /// The steps so far.
    pub(super) steps: Vec<Step>,
    file_name: &'a str,
    name: Option<&'a str>,
    routing: Routing,
    marks: Vec<String>,
    labels: Vec<(&'a str, StepId)>,
    jumps: Vec<Jump<'a>>,
    problems: Vec<Problem>,
    notes: Vec<Problem>,
}

/// A label that is named by a step.
#[derive(Clone, Copy, Debug)]
struct Jump<'a> {
    step: StepId,
    kind: JumpKind,
    label: Value<'a>,
}

/// When a step goes on at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JumpKind {
    /// When it is done.
    Next,
    /// When nothing came.
    Timeout,
}

/// Attributes that change nothing here, each with why; without a reason there is nothing to say.
const IGNORED: [(&str, &str); 6] = [
    ("crlf", ""),
    ("sanity_check", ""),
    ("counter", "there are no counters of a scenario's own"),
    ("display", "the name of the message is shown"),
    ("hide", "all messages are shown"),
    ("ignoresdp", "there is no media"),
];

/// Attributes of SIPp that there is nothing for here.
const UNSUPPORTED: [&str; 11] = [
    "ack_txn",
    "advance_state",
    "auth",
    "check_it",
    "check_it_inverse",
    "dest",
    "repeat_rtd",
    "response_txn",
    "src",
    "start_txn",
    "variable",
];

/// More marks than this do not fit into [`Chain::stop_marks`].
const MARKS_MAX: usize = 32;

impl<'a> Reader<'a> {
    /// A reader for this file.
    pub(super) fn new(source: &'a str, file_name: &'a str, files: &'a [Injection]) -> Self {
        Self {
            source,
            names: Names::new(files),
            steps: Vec::new(),
            file_name,
            name: None,
            routing: Routing::Target,
            marks: Vec::new(),
            labels: Vec::new(),
            jumps: Vec::new(),
            problems: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Reads the root element.
    pub(super) fn scenario(&mut self, node: Node<'a, 'a>) {
        let mut root = Element::new(node);
        if root.name != "scenario" {
            let message = format!("the root element must be <scenario>, but it is <{}>", root.name);
            return self.problem(root.range.start, message);
        }
        self.name = root.take("name").map(|name| name.text);
        let main = root.take("main");
        self.marks.extend(main.map(|main| main.text.to_owned()));
        match root.take("routing") {
            Some(Value { text: "dialog", .. }) => self.routing = Routing::Dialog,
            Some(value) => self.problem(value.at, "routing must be \"dialog\", or not be there"),
            None => {}
        }
        self.finish_element(&root);
        for element in root.children() {
            self.element(element);
        }
        let is_noted = self.steps.iter().any(|step| step.chain().stop_marks & 1 != 0);
        if let Some(main) = main.filter(|_| !is_noted) {
            self.problem(main.at, format!("no step has rtd=\"{}\"", main.text));
        }
        self.check_begin(root.range.start);
        self.resolve_jumps();
    }

    /// The program and the notes, or all problems in order.
    pub(super) fn finish(
        mut self,
        document: &Document<'_>,
    ) -> Result<(Program, Vec<String>), ScenarioErrors> {
        self.problems.extend(self.names.unset());
        let file_name = self.file_name;
        let show = |problems: &mut Vec<Problem>| -> Vec<String> {
            problems.sort_by_key(|problem| problem.at);
            let lines = problems.iter().map(|problem| {
                format!("{file_name}:{}: {}", document.text_pos_at(problem.at), problem.message)
            });
            lines.collect()
        };
        if !self.problems.is_empty() {
            return Err(ScenarioErrors(show(&mut self.problems)));
        }
        let is_message = |step: &&Step| matches!(step, Step::Send(_) | Step::Receive(_));
        let role = match self.steps.iter().find(is_message) {
            Some(Step::Receive(_)) => Role::Callee,
            _ => Role::Caller,
        };
        let program = Program {
            name: self.name.unwrap_or(file_name).to_owned(),
            role,
            routing: self.routing,
            steps: self.steps,
            marks: self.marks,
            variables: self.names.into_variables(),
        };
        Ok((program, show(&mut self.notes)))
    }

    /// Notes what is wrong at a place.
    pub(super) fn problem(&mut self, at: usize, message: impl Into<String>) {
        self.problems.push(Problem::new(at, message));
    }

    /// Reports what was not taken of an element.
    pub(super) fn finish_element(&mut self, element: &Element<'a>) {
        for (name, at) in element.left() {
            if let Some((_, why)) = IGNORED.iter().find(|(ignored, _)| *ignored == name) {
                if !why.is_empty() {
                    let message = format!("{name}= of <{}> is ignored: {why}", element.name);
                    self.notes.push(Problem::new(at, message));
                }
                continue;
            }
            let fault = if UNSUPPORTED.contains(&name) { "not supported" } else { "unknown" };
            self.problem(at, format!("{name}= of <{}> is {fault}", element.name));
        }
    }

    /// Notes that nothing may stand in an element but what was read.
    pub(super) fn refuse_element(&mut self, element: &Element<'a>) {
        let message = format!("element <{}> is not supported", element.name);
        self.problem(element.range.start, message);
    }

    /// Takes an attribute that must be there.
    pub(super) fn required(
        &mut self,
        element: &mut Element<'a>,
        name: &'a str,
    ) -> Option<Value<'a>> {
        let value = element.take(name);
        if value.is_none() {
            let message = format!("<{}> needs {name}=", element.name);
            self.problem(element.range.start, message);
        }
        value
    }

    /// Takes an attribute that is true or false; false if it is not there.
    pub(super) fn flag(&mut self, element: &mut Element<'a>, name: &'a str) -> bool {
        match element.take(name) {
            None | Some(Value { text: "false", .. }) => false,
            Some(Value { text: "true", .. }) => true,
            Some(value) => {
                self.problem(value.at, format!("{name}= must be \"true\" or \"false\""));
                false
            }
        }
    }

    /// Takes an attribute that is a number.
    pub(super) fn number<T: FromStr>(
        &mut self,
        element: &mut Element<'a>,
        name: &'a str,
    ) -> Option<T> {
        let value = element.take(name)?;
        let number = value.text.trim().parse().ok();
        if number.is_none() {
            self.problem(value.at, format!("{name}= must be a number, not \"{}\"", value.text));
        }
        number
    }

    /// Takes an attribute that is a number not below 0 and not above `most`.
    pub(super) fn positive(
        &mut self,
        element: &mut Element<'a>,
        name: &'a str,
        most: f64,
    ) -> Option<f64> {
        let at = element.take(name)?.at;
        let number = self.number::<f64>(element, name)?;
        let fits = (0.0..=most).contains(&number);
        if !fits {
            let most = if most.is_finite() { format!("from 0 to {most}") } else { "≥ 0".into() };
            self.problem(at, format!("{name}= must be {most}, not {number}"));
        }
        fits.then_some(number)
    }

    /// Takes an attribute that is a time in milliseconds.
    pub(super) fn milliseconds(
        &mut self,
        element: &mut Element<'a>,
        name: &'a str,
    ) -> Option<Duration> {
        const DAY: f64 = 86_400_000.0;
        let milliseconds = self.positive(element, name, DAY)?;
        Some(Duration::from_secs_f64(milliseconds / 1_000.0))
    }

    /// Takes `lost=`, a percentage.
    pub(super) fn lost(&mut self, element: &mut Element<'a>) -> f64 {
        self.positive(element, "lost", 100.0).unwrap_or(0.0) / 100.0
    }

    /// Takes an attribute that names a variable that is read.
    pub(super) fn variable(
        &mut self,
        element: &mut Element<'a>,
        name: &'a str,
    ) -> Option<VariableId> {
        let value = element.take(name)?;
        Some(self.names.read(value.text.trim(), value.at))
    }

    /// Takes an attribute that names a label.
    pub(super) fn jump(
        &mut self,
        element: &mut Element<'a>,
        name: &'a str,
        kind: JumpKind,
    ) -> bool {
        let label = element.take(name);
        if let Some(label) = label {
            self.jumps.push(Jump { step: self.steps.len(), kind, label });
        }
        label.is_some()
    }

    /// Defines a label here.
    pub(super) fn label(&mut self, element: &mut Element<'a>) {
        let Some(id) = self.required(element, "id") else { return };
        if id.text.starts_with("_unexp.") {
            self.problem(id.at, format!("the special label {} is not supported", id.text));
        } else if self.labels.iter().any(|(label, _)| *label == id.text) {
            self.problem(id.at, format!("label {} is there twice", id.text));
        }
        self.labels.push((id.text, self.steps.len()));
        self.finish_element(element);
    }

    /// Takes the attributes that all steps have.
    pub(super) fn chain(&mut self, element: &mut Element<'a>) -> Chain {
        let has_next = self.jump(element, "next", JumpKind::Next);
        for name in ["test", "chance"] {
            if let Some(value) = element.take(name).filter(|_| !has_next) {
                self.problem(value.at, format!("{name}= needs next="));
            }
        }
        let condition = self.variable(element, "condexec");
        let inverse = self.flag(element, "condexec_inverse");
        Chain {
            next: None,
            test: self.variable(element, "test"),
            chance: self.positive(element, "chance", 1.0),
            start_marks: self.mark(element, "start_rtd"),
            stop_marks: self.mark(element, "rtd"),
            condition: condition.map(|variable| (variable, inverse)),
        }
    }

    /// Takes an attribute that names a mark; the bit of the mark. As with SIPp, "true" is mark 1.
    fn mark(&mut self, element: &mut Element<'a>, name: &'a str) -> u32 {
        let Some(value) = element.take(name) else { return 0 };
        let mark = match value.text {
            "false" => return 0,
            "true" => "1",
            mark => mark,
        };
        let position = self.marks.iter().position(|known| known == mark);
        let position = position.unwrap_or_else(|| {
            self.marks.push(mark.to_owned());
            self.marks.len() - 1
        });
        if position >= MARKS_MAX {
            self.problem(value.at, format!("there are more than {MARKS_MAX} marks"));
            return 0;
        }
        1 << position
    }

    /// Compiles an expression of POSIX: a dot is also a line break.
    pub(super) fn regex(&mut self, value: Value<'a>) -> Option<Regex> {
        let built = RegexBuilder::new(value.text).unicode(false).dot_matches_new_line(true).build();
        match built {
            Ok(regex) => Some(regex),
            Err(error) => {
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default();
                let reason = reason.strip_prefix("error: ").unwrap_or(reason);
                self.problem(value.at, format!("no valid regular expression: {reason}"));
                None
            }
        }
    }

    /// Keeps a template, or notes what is wrong with it.
    pub(super) fn template(
        &mut self,
        template: Result<Template, Vec<Problem>>,
    ) -> Option<Template> {
        template.map_err(|problems| self.problems.extend(problems)).ok()
    }

    /// Checks that there is a message, and that the first one is no response that comes.
    fn check_begin(&mut self, at: usize) {
        let first = self.steps.iter().find_map(|step| match step {
            Step::Send(_) => Some(true),
            Step::Receive(receive) => {
                Some(matches!(receive.expect, Expect::Request(_) | Expect::RequestMatching(_)))
            }
            _ => None,
        });
        match first {
            // A message before may be among those that are wrong.
            _ if !self.problems.is_empty() => {}
            Some(true) => {}
            Some(false) => {
                self.problem(at, "the first message is a response that is waited for");
            }
            None => self.problem(at, "there is no message in it"),
        }
    }

    /// Puts the positions of labels into the steps that name them.
    fn resolve_jumps(&mut self) {
        for jump in std::mem::take(&mut self.jumps) {
            let label = self.labels.iter().find(|(label, _)| *label == jump.label.text);
            let Some((_, target)) = label.copied() else {
                self.problem(jump.label.at, format!("there is no label {}", jump.label.text));
                continue;
            };
            match (self.steps.get_mut(jump.step), jump.kind) {
                (Some(Step::Receive(receive)), JumpKind::Timeout) => {
                    if let Some((_, next)) = &mut receive.timeout {
                        *next = Some(target);
                    }
                }
                (Some(step), _) => step.chain_mut().next = Some(target),
                (None, _) => {}
            }
        }
    }
}
