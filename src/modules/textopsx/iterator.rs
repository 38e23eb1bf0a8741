//! Iterators over the header fields and over the lines of the body.

use super::super::table::{function, required_text, text, verdict};
use crate::modules::textops::lines;
use crate::script::{
    Argument, Execution, FALSE, FunctionSpec, Index, Key, ParameterSpec, PseudoVariable,
    ReturnCode, TRUE, Value,
};
use crate::sip::Header;

/// The name of an iterator.
const NAME: ParameterSpec = required_text("name");

/// The functions.
pub(super) const FUNCTIONS: &[FunctionSpec] = &[
    function(
        "hf_iterator_start",
        &[NAME],
        "Starts an iterator over the header fields as they arrived; `hf_iterator_next` goes to the \
         first one. There are four at most at a time.",
        r#"hf_iterator_start("i");"#,
        start::<Headers>,
    ),
    function(
        "hf_iterator_end",
        &[NAME],
        "Ends an iterator over the header fields.",
        r#"hf_iterator_end("i");"#,
        end::<Headers>,
    ),
    function(
        "hf_iterator_next",
        &[NAME],
        "Goes to the next header field, which `$hfitname(name)` and `$hfitbody(name)` read. False \
         if there is none.",
        r#"while (hf_iterator_next("i")) { xlog("$hfitname(i)\n"); }"#,
        |execution, arguments| step::<Headers>(execution, arguments, 1),
    ),
    function(
        "hf_iterator_prev",
        &[NAME],
        "Goes to the header field before. False if there is none.",
        r#"hf_iterator_prev("i");"#,
        |execution, arguments| step::<Headers>(execution, arguments, -1),
    ),
    function(
        "hf_iterator_rm",
        &[NAME],
        "Removes the header field that the iterator is at.",
        r#"hf_iterator_rm("i");"#,
        |execution, arguments| {
            let Some(line) = header(execution, text(arguments, 0)).map(|it| it.line) else {
                return FALSE;
            };
            let at = execution.transit.message.offset_of(line);
            verdict(execution.transit.edits.remove(at, line.len()))
        },
    ),
    function(
        "hf_iterator_append",
        &[NAME, required_text("txt")],
        "Adds header lines behind the one that the iterator is at.",
        r#"hf_iterator_append("i", "X-New: 1\r\n");"#,
        |execution, arguments| add_header(execution, arguments, true),
    ),
    function(
        "hf_iterator_insert",
        &[NAME, required_text("txt")],
        "Adds header lines before the one that the iterator is at.",
        r#"hf_iterator_insert("i", "X-New: 1\r\n");"#,
        |execution, arguments| add_header(execution, arguments, false),
    ),
    function(
        "bl_iterator_start",
        &[NAME],
        "Starts an iterator over the lines of the body as it arrived; `bl_iterator_next` goes to \
         the first one. There are four at most at a time.",
        r#"bl_iterator_start("b");"#,
        start::<Lines>,
    ),
    function(
        "bl_iterator_end",
        &[NAME],
        "Ends an iterator over the lines of the body.",
        r#"bl_iterator_end("b");"#,
        end::<Lines>,
    ),
    function(
        "bl_iterator_next",
        &[NAME],
        "Goes to the next line of the body, which `$blitval(name)` reads with its line end. False \
         if there is none.",
        r#"while (bl_iterator_next("b")) { xlog("$blitval(b)"); }"#,
        |execution, arguments| step::<Lines>(execution, arguments, 1),
    ),
    function(
        "bl_iterator_rm",
        &[NAME],
        "Removes the line of the body that the iterator is at.",
        r#"bl_iterator_rm("b");"#,
        |execution, arguments| {
            let Some(line) = body_line(execution, text(arguments, 0)) else { return FALSE };
            let at = execution.transit.message.offset_of(line);
            verdict(execution.transit.edits.remove(at, line.len()))
        },
    ),
    function(
        "bl_iterator_append",
        &[NAME, required_text("txt")],
        "Adds a text behind the line of the body that the iterator is at.",
        r#"bl_iterator_append("b", "a=sendonly\r\n");"#,
        |execution, arguments| add_line(execution, arguments, true),
    ),
    function(
        "bl_iterator_insert",
        &[NAME, required_text("txt")],
        "Adds a text before the line of the body that the iterator is at.",
        r#"bl_iterator_insert("b", "a=sendonly\r\n");"#,
        |execution, arguments| add_line(execution, arguments, false),
    ),
];

/// The variables.
pub(super) const VARIABLES: &[PseudoVariable] = &[
    variable(
        "hfitname",
        "Name of the header field that the iterator is at; `$null` if it is at none.",
        |execution, key, _| {
            let Key::Name(name) = key else { return Value::Null };
            Value::text_or_null(header(execution, name).map(|header| header.name_text))
        },
    ),
    variable(
        "hfitbody",
        "Value of the header field that the iterator is at; `$null` if it is at none.",
        |execution, key, _| {
            let Key::Name(name) = key else { return Value::Null };
            Value::text_or_null(header(execution, name).map(|header| header.value))
        },
    ),
    variable(
        "blitval",
        "Line of the body that the iterator is at, with its line end; `$null` if it is at none.",
        |execution, key, _| {
            let Key::Name(name) = key else { return Value::Null };
            Value::text_or_null(body_line(execution, name))
        },
    ),
];

/// A variable with the name of an iterator in parentheses.
const fn variable(
    name: &'static str,
    doc: &'static str,
    read: for<'m> fn(&Execution<'m>, Key<'m>, Index) -> Value<'m>,
) -> PseudoVariable {
    PseudoVariable { name, aliases: &[], keyed: true, keys: &[], read, write: None, doc }
}

/// Iterators of one kind at a time.
const COUNT_MAX: usize = 4;

/// Bytes of the name of an iterator.
const NAME_BYTES_MAX: usize = 32;

/// An iterator.
#[derive(Clone, Copy, Debug, Default)]
struct Iter {
    name: [u8; NAME_BYTES_MAX],
    name_length: usize,
    /// Where it is; `None` before the first one.
    at: Option<usize>,
}

/// The iterators over the header fields.
#[derive(Clone, Copy, Debug, Default)]
struct Headers([Option<Iter>; COUNT_MAX]);

/// The iterators over the lines of the body.
#[derive(Clone, Copy, Debug, Default)]
struct Lines([Option<Iter>; COUNT_MAX]);

/// What both kinds have.
trait Iterators: Copy + Default + 'static + std::fmt::Debug + Send {
    /// The iterators.
    fn all(&mut self) -> &mut [Option<Iter>; COUNT_MAX];

    /// How many things there are to go through.
    fn count(execution: &Execution<'_>) -> usize;
}

impl Iterators for Headers {
    fn all(&mut self) -> &mut [Option<Iter>; COUNT_MAX] {
        &mut self.0
    }

    fn count(execution: &Execution<'_>) -> usize {
        execution.transit.message.all_headers().count()
    }
}

impl Iterators for Lines {
    fn all(&mut self) -> &mut [Option<Iter>; COUNT_MAX] {
        &mut self.0
    }

    fn count(execution: &Execution<'_>) -> usize {
        body_lines(execution).count()
    }
}

impl Iter {
    /// Whether it has that name.
    fn is_named(&self, name: &[u8]) -> bool {
        self.name.get(..self.name_length) == Some(name)
    }
}

/// Starts an iterator, anew if there is one of that name.
fn start<K: Iterators>(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let name = text(arguments, 0);
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return FALSE;
    }
    end::<K>(execution, arguments);
    let Some(state) = execution.state::<K>() else { return FALSE };
    let Some(free) = state.all().iter_mut().find(|iter| iter.is_none()) else {
        execution.complain("there are four iterators already");
        return FALSE;
    };
    let mut iter = Iter { name_length: name.len(), ..Iter::default() };
    iter.name[..name.len()].copy_from_slice(name);
    *free = Some(iter);
    TRUE
}

/// Ends an iterator.
fn end<K: Iterators>(execution: &mut Execution<'_>, arguments: &[Argument<'_>]) -> ReturnCode {
    let name = text(arguments, 0);
    let Some(state) = execution.state::<K>() else { return FALSE };
    let mut iters = state.all().iter_mut();
    match iters.find(|iter| iter.is_some_and(|iter| iter.is_named(name))) {
        Some(iter) => {
            *iter = None;
            TRUE
        }
        None => FALSE,
    }
}

/// Goes one on or back.
fn step<K: Iterators>(
    execution: &mut Execution<'_>,
    arguments: &[Argument<'_>],
    by: isize,
) -> ReturnCode {
    let count = K::count(execution);
    let name = text(arguments, 0);
    let Some(state) = execution.state::<K>() else { return FALSE };
    let mut iters = state.all().iter_mut().flatten();
    let Some(iter) = iters.find(|iter| iter.is_named(name)) else { return FALSE };
    let next = match iter.at {
        None if by > 0 => Some(0),
        None => None,
        Some(at) => at.checked_add_signed(by),
    };
    match next.filter(|at| *at < count) {
        Some(at) => {
            iter.at = Some(at);
            TRUE
        }
        None => FALSE,
    }
}

/// Where the iterator of that name is.
fn place<K: Iterators>(execution: &Execution<'_>, name: &[u8]) -> Option<usize> {
    let mut state = execution.peek_state::<K>()?;
    state.all().iter().flatten().find(|iter| iter.is_named(name))?.at
}

/// The header field that an iterator is at.
fn header<'m>(execution: &Execution<'m>, name: &[u8]) -> Option<Header<'m>> {
    execution.transit.message.all_headers().nth(place::<Headers>(execution, name)?)
}

/// The lines of the body, with their line ends.
fn body_lines<'m>(execution: &Execution<'m>) -> impl Iterator<Item = &'m [u8]> {
    let body = execution.transit.message.body();
    body.split_inclusive(|byte| *byte == b'\n')
}

/// The line of the body that an iterator is at.
fn body_line<'m>(execution: &Execution<'m>, name: &[u8]) -> Option<&'m [u8]> {
    body_lines(execution).nth(place::<Lines>(execution, name)?)
}

/// Adds header lines before or behind the present one.
fn add_header<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    behind: bool,
) -> ReturnCode {
    let Some(line) = header(execution, text(arguments, 0)).map(|header| header.line) else {
        return FALSE;
    };
    let Some(new) = lines(execution, &[text(arguments, 1)]) else { return FALSE };
    insert(execution, line, new, behind)
}

/// Adds a text before or behind the present line of the body.
fn add_line<'m>(
    execution: &mut Execution<'m>,
    arguments: &[Argument<'m>],
    behind: bool,
) -> ReturnCode {
    let Some(line) = body_line(execution, text(arguments, 0)) else { return FALSE };
    insert(execution, line, text(arguments, 1), behind)
}

/// Adds a text before or behind a line.
fn insert<'m>(
    execution: &mut Execution<'m>,
    line: &'m [u8],
    new: &[u8],
    behind: bool,
) -> ReturnCode {
    let at = execution.transit.message.offset_of(line) + if behind { line.len() } else { 0 };
    verdict(execution.transit.edits.insert(at, new))
}
