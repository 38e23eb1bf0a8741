//! Strings with pseudo-variables in them: `"user $rU from $(hdr(From){nameaddr.uri})"`.

use smallvec::SmallVec;

use super::scope::{Fault, Scope};
use super::variable::Variable;
use super::{Execution, Value};

/// A string split at its pseudo-variables.
#[derive(Clone, Debug, Default)]
pub struct Format {
    parts: Box<[Part]>,
}

/// A piece of a [`Format`].
#[derive(Clone, Debug)]
enum Part {
    /// Text as it is.
    Text(Box<[u8]>),
    /// A value that is not known before the script runs.
    Variable(Variable),
}

/// How variables stand in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormatStyle {
    /// `$ru`, as everywhere in OpenSER and Kamailio.
    Dollar,
    /// `%ru` as in the log lines of SER, and `$ru` where that is the name of a variable.
    Percent,
    /// `$ru` where that is the name of a variable; any other `$` is text, as in the commands that
    /// SER gives to the shell.
    Shell,
    /// As `Dollar`, but what a command finds in its environment is text: `$SRCIP`, `$SIP_RURI`.
    Command,
}

/// A piece of a rendered [`Format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'m> {
    /// What the script's author has written.
    Written(&'m [u8]),
    /// What a variable holds.
    Held(&'m [u8]),
}

impl Format {
    /// Splits `text`.
    pub(super) fn parse(
        text: &[u8],
        style: FormatStyle,
        scope: &mut Scope<'_>,
    ) -> Result<Self, Fault> {
        let mut splitter = Splitter { text, at: 0, parts: Vec::new(), literal: Vec::new() };
        while splitter.at < text.len() {
            splitter.step(style, scope)?;
        }
        splitter.flush();
        Ok(Self { parts: splitter.parts.into() })
    }

    /// A text without variables, whatever is in it.
    pub(super) fn literal(text: &[u8]) -> Self {
        Self { parts: Box::new([Part::Text(text.into())]) }
    }

    /// Whether there is one variable in it and nothing else but white space.
    pub(super) fn is_one_variable(&self) -> bool {
        let mut visible = self.parts.iter().filter(|part| match part {
            Part::Text(text) => !text.trim_ascii().is_empty(),
            Part::Variable(_) => true,
        });
        matches!((visible.next(), visible.next()), (Some(Part::Variable(_)), None))
    }

    /// The text, if there is no variable in it.
    pub(super) fn as_literal(&self) -> Option<&[u8]> {
        match &*self.parts {
            [] => Some(&[]),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with the present values in it.
    #[must_use]
    pub fn render<'m>(&'m self, execution: &Execution<'m>) -> &'m [u8] {
        match &*self.parts {
            [] => &[],
            [only] => only.render(execution),
            parts => {
                let rendered: SmallVec<[&[u8]; 16]> =
                    parts.iter().map(|part| part.render(execution)).collect();
                execution.build(&rendered)
            }
        }
    }

    /// The text with the present values, as pieces that tell where each comes from.
    pub fn pieces<'m>(&'m self, execution: &Execution<'m>) -> impl Iterator<Item = Piece<'m>> {
        self.parts.iter().map(|part| match part {
            Part::Text(text) => Piece::Written(text),
            Part::Variable(_) => Piece::Held(part.render(execution)),
        })
    }

    /// The text as it was written, its variables by their names.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let text = |part: &Part| match part {
            Part::Text(text) => text.to_vec(),
            Part::Variable(variable) => variable.text().to_vec(),
        };
        self.parts.iter().flat_map(text).collect()
    }

    /// The only variable, if the text is nothing else: its value keeps its type.
    #[must_use]
    pub fn value<'m>(&'m self, execution: &Execution<'m>) -> Value<'m> {
        match &*self.parts {
            [Part::Variable(variable)] => variable.read(execution),
            _ => Value::Text(self.render(execution)),
        }
    }
}

impl Part {
    /// The text of this piece.
    fn render<'m>(&'m self, execution: &Execution<'m>) -> &'m [u8] {
        match self {
            Self::Text(text) => text,
            Self::Variable(variable) => execution.shown(variable.read(execution)),
        }
    }
}

/// The state of splitting a string.
struct Splitter<'t> {
    text: &'t [u8],
    at: usize,
    parts: Vec<Part>,
    literal: Vec<u8>,
}

impl Splitter<'_> {
    /// Takes what stands at the present place.
    fn step(&mut self, style: FormatStyle, scope: &mut Scope<'_>) -> Result<(), Fault> {
        let rest = &self.text[self.at..];
        match rest {
            [b'$', b'$', ..] => self.take_literal(b"$", 2),
            [b'$', b'(', b'C', ..] | [b'$', b'C', ..] if self.take_colour(scope) => {}
            [b'$', next, ..] if is_name(*next) && !next.is_ascii_digit() || *next == b'(' => {
                return self.take_variable(style, scope);
            }
            [b'%', b'%', ..] if style == FormatStyle::Percent => self.take_literal(b"%", 2),
            [b'%', ..] if style == FormatStyle::Percent => self.take_percent(scope)?,
            _ => self.take_literal(&rest[..1], 1),
        }
        Ok(())
    }

    /// Takes `length` bytes that stand for `text`.
    fn take_literal(&mut self, text: &[u8], length: usize) {
        self.literal.extend_from_slice(text);
        self.at += length;
    }

    /// Takes a variable. In the style of SER an unknown one is text, in a command one that the
    /// shell knows.
    fn take_variable(&mut self, style: FormatStyle, scope: &mut Scope<'_>) -> Result<(), Fault> {
        match Variable::parse(&self.text[self.at..], scope) {
            Ok((variable, length)) => {
                self.push(variable, length);
                Ok(())
            }
            Err(fault) if style == FormatStyle::Dollar => Err(fault.moved_by(self.at)),
            Err(fault) if style == FormatStyle::Command && !self.is_of_environment() => {
                Err(fault.moved_by(self.at))
            }
            Err(_) => {
                self.take_literal(b"$", 1);
                Ok(())
            }
        }
    }

    /// Whether what stands at the present place is the name of what a command finds about the
    /// message in its environment.
    fn is_of_environment(&self) -> bool {
        let name = &self.text[self.at + 1..];
        name.starts_with(b"SRCIP") || name.starts_with(b"SIP_")
    }

    /// Takes `%ru`, `%{Header}` or `%Cxy`; a percent sign before anything else is text.
    fn take_percent(&mut self, scope: &mut Scope<'_>) -> Result<(), Fault> {
        let rest = &self.text[self.at + 1..];
        if rest.first() == Some(&b'C') && self.take_colour(scope) {
            return Ok(());
        }
        let (source, length) = match rest {
            [b'{', ..] => {
                let end = memchr::memchr(b'}', rest).unwrap_or(rest.len());
                (percent_header(rest.get(1..end).unwrap_or_default()), end + 1)
            }
            [b'i', b's', ..] => (b"$si".to_vec(), 2),
            [first, second, ..] => (vec![b'$', *first, *second], 2),
            _ => {
                self.take_literal(b"%", 1);
                return Ok(());
            }
        };
        match Variable::parse(&source, scope) {
            Ok((variable, used)) if used == source.len() => self.push(variable, length + 1),
            _ => self.take_literal(b"%", 1),
        }
        Ok(())
    }

    /// Takes `$Cxy`, `$C(xy)`, `$(Cxy)`, or the same with a percent sign, if it is a colour and
    /// no variable has that name.
    fn take_colour(&mut self, scope: &Scope<'_>) -> bool {
        let rest = &self.text[self.at + 1..];
        let name_length = rest.iter().take_while(|byte| is_name(**byte)).count();
        if scope.find_variable(&rest[..name_length]).is_some() {
            return false;
        }
        let (colours, length) = match rest {
            [b'C', b'(', front, back, b')', ..] => ((*front, *back), 6),
            [b'(', b'C', front, back, b')', ..] => ((*front, *back), 6),
            [b'C', front, back, ..] => ((*front, *back), 4),
            _ => return false,
        };
        let Some(sequence) = colour(colours.0, colours.1) else { return false };
        self.literal.extend_from_slice(&sequence);
        self.at += length;
        true
    }

    /// Notes a variable that is written in `length` bytes.
    fn push(&mut self, variable: Variable, length: usize) {
        self.flush();
        self.parts.push(Part::Variable(variable));
        self.at += length;
    }

    /// Notes the text so far.
    fn flush(&mut self) {
        if !self.literal.is_empty() {
            let text = std::mem::take(&mut self.literal);
            self.parts.push(Part::Text(text.into()));
        }
    }
}

/// The variable that `%{Header}` or `%{Header[1]}` is.
fn percent_header(inner: &[u8]) -> Vec<u8> {
    let (name, index) = match memchr::memchr(b'[', inner) {
        Some(bracket) => inner.split_at(bracket),
        None => (inner, &b""[..]),
    };
    [b"$(hdr(", name, b")", index, b")"].concat()
}

/// The terminal's sequence for a foreground and a background; upper case is bold.
fn colour(front: u8, back: u8) -> Option<Vec<u8>> {
    let (Some(front_code), Some(back_code)) = (colour_code(front), colour_code(back)) else {
        return None;
    };
    let mut sequence = b"\x1b[".to_vec();
    if front == b'x' && back == b'x' {
        sequence.push(b'0');
    } else {
        sequence.extend_from_slice(if front.is_ascii_uppercase() { b"1" } else { b"0" });
        for (base, code) in [(b'3', front_code), (b'4', back_code)] {
            sequence.extend_from_slice(&[b';', base, code]);
        }
    }
    sequence.push(b'm');
    Some(sequence)
}

/// The terminal's digit for a colour; 9 is its default.
const fn colour_code(letter: u8) -> Option<u8> {
    Some(match letter.to_ascii_lowercase() {
        b'x' => b'9',
        b's' => b'0',
        b'r' => b'1',
        b'g' => b'2',
        b'y' => b'3',
        b'b' => b'4',
        b'p' => b'5',
        b'c' => b'6',
        b'w' => b'7',
        _ => return None,
    })
}

/// Whether `byte` may stand in the name of a variable.
pub(super) const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
