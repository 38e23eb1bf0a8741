//! Actions of a step: regular expressions and variables.

use std::borrow::Cow;

use regex::bytes::Regex;
use viaduct::sip::Message;

use super::call::{Call, Outcome, Value};
use super::form::{Ink, Last};
use super::stage::Stage;
use crate::measure::Failure;
use crate::scenario::{Action, Comparison, Operand, SearchIn, VariableId};

impl Stage<'_> {
    /// Does the actions of the step that the call is at; true if one of them was a jump.
    pub(super) fn act(
        &mut self,
        call: &mut Call,
        actions: &[Action],
        last: Option<&Last<'_>>,
    ) -> bool {
        for (position, action) in actions.iter().enumerate() {
            match action {
                Action::Match { regex, search_in, check_it, check_it_inverse, assign_to } => {
                    let found = search(call, regex, search_in, assign_to, last);
                    if (*check_it && !found) || (*check_it_inverse && found) {
                        self.close(call, Outcome::Failed(Failure::Check), last);
                        return false;
                    }
                }
                Action::AssignText(to, _) => {
                    let text = self.text(call, position, last);
                    set(call, *to, Value::Text(text.into()));
                }
                Action::AssignNumber(to, number) => set(call, *to, Value::Number(*number)),
                Action::ToNumber(to, from) => {
                    let number = number(call, Operand::Variable(*from));
                    set(call, *to, number.map_or(Value::Unset, Value::Number));
                }
                Action::Calculate(to, operator, operand) => {
                    calculate(call, *to, *operator, *operand);
                }
                Action::Test(to, variable, comparison, operand) => {
                    let holds = compare(call, *variable, *comparison, *operand);
                    set(call, *to, flag(holds));
                }
                Action::CompareText(to, variable, _) => {
                    let text = self.text(call, position, last);
                    let same = text_of(call, *variable).as_ref() == text;
                    set(call, *to, flag(same));
                }
                Action::Jump(operand) => {
                    let step = number(call, *operand).unwrap_or(f64::MAX);
                    call.step = step_number(step);
                    return true;
                }
                Action::Log(_) => {
                    let text = self.text(call, position, last);
                    self.desk.lines.push(String::from_utf8_lossy(&text).into_owned());
                }
                Action::StopCall => {
                    call.end(Outcome::Completed);
                    return false;
                }
            }
        }
        false
    }

    /// The text of an action.
    fn text(&mut self, call: &Call, position: usize, last: Option<&Last<'_>>) -> Vec<u8> {
        let library = self.library;
        let ready = library.ready(call.program, call.step);
        let mut text = Vec::new();
        if let Some(form) = ready.and_then(|ready| ready.action_forms.get(position)) {
            let cseq = call.dialog.cseq;
            let ink = Ink { call, last, branch: call.branches, cseq, library, now: self.now };
            form.fill(&ink, &mut self.desk.scratch, &mut text);
        }
        text
    }
}

/// Looks for a regular expression and sets the variables to what was found: the whole match to
/// the first, the groups to the others.
fn search(
    call: &mut Call,
    regex: &Regex,
    search_in: &SearchIn,
    assign_to: &[VariableId],
    last: Option<&Last<'_>>,
) -> bool {
    let place = match (search_in, last) {
        (SearchIn::Variable(id), _) => Cow::Owned(text_of(call, *id).into_owned()),
        (_, Some(last)) => place(last.message, search_in),
        (_, None) => Cow::default(),
    };
    let captures = regex.captures(&place);
    for (group, variable) in assign_to.iter().enumerate() {
        let found = captures.as_ref().and_then(|captures| captures.get(group));
        let value = found.map_or(Value::Unset, |found| Value::Text(found.as_bytes().into()));
        set(call, *variable, value);
    }
    captures.is_some()
}

/// The part of a message that is searched.
fn place<'m>(message: Message<'m>, search_in: &SearchIn) -> Cow<'m, [u8]> {
    match search_in {
        SearchIn::Message | SearchIn::Variable(_) => message.text().into(),
        SearchIn::Body => message.body().into(),
        SearchIn::Header { name, occurrence, case_matters } => {
            let mut headers = message
                .headers_named(name.as_bytes())
                .filter(|header| !case_matters || header.name_text == name.as_bytes());
            headers.nth(occurrence.saturating_sub(1)).map_or(&[][..], |header| header.value).into()
        }
        SearchIn::Line(start) => {
            let head = &message.bytes()[..message.headers_end()];
            let found = memchr::memmem::find(head, start.as_bytes());
            let rest = found.map_or(&[][..], |at| &head[at + start.len()..]);
            let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            rest[..end].into()
        }
    }
}

/// Sets a variable.
fn set(call: &mut Call, variable: VariableId, value: Value) {
    if let Some(place) = call.variables.get_mut(variable) {
        *place = value;
    }
}

/// A truth value: variables are tested by whether they are set.
const fn flag(holds: bool) -> Value {
    if holds { Value::Number(1.0) } else { Value::Unset }
}

/// The text of a variable.
fn text_of(call: &Call, variable: VariableId) -> Cow<'_, [u8]> {
    match call.variables.get(variable) {
        Some(Value::Text(text)) => text.as_ref().into(),
        Some(Value::Number(number)) => number.to_string().into_bytes().into(),
        Some(Value::Unset) | None => Cow::default(),
    }
}

/// The value of an operand; none if it is no number.
fn number(call: &Call, operand: Operand) -> Option<f64> {
    match operand {
        Operand::Number(number) => Some(number),
        Operand::Variable(variable) => match call.variables.get(variable)? {
            Value::Number(number) => Some(*number),
            Value::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
            Value::Unset => None,
        },
    }
}

/// Applies an operator to a variable.
fn calculate(call: &mut Call, to: VariableId, operator: char, operand: Operand) {
    let left = number(call, Operand::Variable(to)).unwrap_or_default();
    let right = number(call, operand).unwrap_or_default();
    let result = match operator {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        _ => left / right,
    };
    set(call, to, if result.is_finite() { Value::Number(result) } else { Value::Unset });
}

/// Whether a comparison holds; it does not if a side is no number.
fn compare(call: &Call, variable: VariableId, comparison: Comparison, operand: Operand) -> bool {
    let left = number(call, Operand::Variable(variable));
    let (Some(left), Some(right)) = (left, number(call, operand)) else { return false };
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Greater => left > right,
        Comparison::Less => left < right,
        Comparison::GreaterOrEqual => left >= right,
        Comparison::LessOrEqual => left <= right,
    }
}

/// The step that a number names; one that is no step ends the call.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
const fn step_number(number: f64) -> usize {
    number as usize
}
