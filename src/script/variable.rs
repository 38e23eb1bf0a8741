//! References to pseudo-variables: `$ru`, `$(hdr(X)[-1]{s.len})`.
//!
//! ```text
//! $(hdr(X-Name)[-1]{s.substr,0,4}{s.len})
//!   name key    index transformations, left to right
//! ```

use super::format::{Format, FormatStyle, is_name};
use super::program::Constant;
use super::registry::{Index, Key, PseudoVariable};
use super::scope::{Fault, Scope};
use super::transform::Transform;
use super::xavp::{XavpKind, XavpPath};
use super::{Execution, Value};

/// A compiled reference to a pseudo-variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// As it was written.
    text: Box<[u8]>,
    source: Source,
    index: IndexPart,
    transforms: Box<[Transform]>,
}

/// Where the value comes from.
#[derive(Clone, Debug)]
enum Source {
    /// A value known when the script was compiled.
    Constant(Constant),
    /// `$var(...)`, by its number.
    Slot(u16),
    /// `$cnt(...)`: how many values a variable has, of which this is the name and the key.
    Count(&'static PseudoVariable, KeyPart),
    /// A pseudo-variable of some module.
    Spec(&'static PseudoVariable, KeyPart),
}

/// What is in the parentheses.
#[derive(Clone, Debug)]
enum KeyPart {
    /// Nothing.
    None,
    /// A name.
    Name(Box<[u8]>),
    /// A name that is put together when the script runs.
    Format(Format),
}

/// What is in the brackets.
#[derive(Clone, Debug)]
enum IndexPart {
    /// An index as written.
    Fixed(Index),
    /// An index that is the value of another variable.
    Computed(Box<Variable>),
}

impl Variable {
    /// Reads the variable at the start of `text`, which is a `$`; also how long it is.
    pub(super) fn parse(text: &[u8], scope: &mut Scope<'_>) -> Result<(Self, usize), Fault> {
        let (mut variable, length) = scope.nested(|scope| Self::parse_one(text, scope))?;
        variable.text = text[..length].into();
        Ok((variable, length))
    }

    /// Reads one variable and what stands within it.
    fn parse_one(text: &[u8], scope: &mut Scope<'_>) -> Result<(Self, usize), Fault> {
        let mut parser = Parser { text, at: 1 };
        if parser.peek() != Some(b'(') {
            let variable = parser.head(scope)?;
            return Ok((variable, parser.at));
        }
        parser.at += 1;
        let mut variable = parser.head(scope)?;
        if parser.peek() == Some(b'[') {
            variable.index = parser.index(scope)?;
        }
        let mut transforms = variable.transforms.into_vec();
        while parser.peek() == Some(b'{') {
            transforms.push(parser.transform(scope)?);
        }
        variable.transforms = transforms.into();
        if parser.peek() != Some(b')') {
            let message = "the parenthesis that opens this variable is not closed";
            return Err(Fault::new("E0414", message, 0..parser.at));
        }
        Ok((variable, parser.at + 1))
    }

    /// The variable as it was written.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The present value.
    #[must_use]
    pub fn read<'m>(&'m self, execution: &Execution<'m>) -> Value<'m> {
        let value = match &self.source {
            Source::Constant(constant) => constant.value(),
            Source::Slot(slot) => execution.slot(*slot),
            Source::Count(spec, key) => count(execution, spec, key.resolve(execution)),
            Source::Spec(spec, key) => {
                (spec.read)(execution, key.resolve(execution), self.index.resolve(execution))
            }
        };
        self.transforms.iter().fold(value, |value, transform| transform.apply(execution, value))
    }

    /// Assigns `value`; false if it cannot be.
    pub fn write<'m>(&'m self, execution: &mut Execution<'m>, value: Value<'m>) -> bool {
        match &self.source {
            Source::Constant(_) | Source::Count(..) => false,
            Source::Slot(slot) => {
                execution.set_slot(*slot, value);
                true
            }
            Source::Spec(spec, key) => {
                let key = key.resolve(execution);
                let index = self.index.resolve(execution);
                spec.write.is_some_and(|write| write(execution, key, index, value))
            }
        }
    }

    /// Whether it can be assigned to at all.
    pub(super) fn is_writable(&self) -> bool {
        self.transforms.is_empty()
            && match &self.source {
                Source::Constant(_) | Source::Count(..) => false,
                Source::Slot(_) => true,
                Source::Spec(spec, _) => spec.write.is_some(),
            }
    }

    /// The number of the `$var(...)` that it is, if it is nothing more than that.
    pub(super) fn plain_slot(&self) -> Option<u16> {
        match self.source {
            Source::Slot(slot) if self.transforms.is_empty() => Some(slot),
            _ => None,
        }
    }

    /// The name of the pseudo-variable that it is, if it is nothing more than that.
    pub(super) fn plain_name(&self) -> Option<&'static str> {
        match self.source {
            Source::Spec(spec, KeyPart::None) if self.transforms.is_empty() => Some(spec.name),
            _ => None,
        }
    }
}

impl KeyPart {
    /// The key with variables in it replaced.
    fn resolve<'m>(&'m self, execution: &Execution<'m>) -> Key<'m> {
        match self {
            Self::None => Key::None,
            Self::Name(name) => Key::Name(name),
            Self::Format(format) => Key::Name(format.render(execution)),
        }
    }
}

impl IndexPart {
    /// The index, computed if need be.
    fn resolve<'m>(&'m self, execution: &Execution<'m>) -> Index {
        match self {
            Self::Fixed(index) => *index,
            Self::Computed(variable) => {
                let number = variable.read(execution).to_int();
                Index::At(i32::try_from(number).unwrap_or(i32::MAX))
            }
        }
    }
}

/// The state of reading a variable.
struct Parser<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Parser<'t> {
    /// The next byte.
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Reads name and key.
    fn head(&mut self, scope: &mut Scope<'_>) -> Result<Variable, Fault> {
        let start = self.at;
        if self.peek() == Some(b'?') {
            self.at += 1;
        }
        while self.peek().is_some_and(is_name) {
            self.at += 1;
        }
        let mut name = &self.text[start..self.at];
        if name.is_empty() && self.peek() == Some(b'?') {
            // SER 2 writes `$?` for the code of the last call.
            self.at += 1;
            name = b"rc";
        }
        let span = 0..self.at;

        let Some(spec) = scope.find_variable(name) else {
            return Err(unknown(name, span, scope));
        };
        let key = match self.peek() {
            Some(b'(') if spec.keyed => Some(self.bracketed(b'(', b')')?),
            _ if spec.keyed => {
                let message = format!("`${}` needs a name in parentheses", spec.name);
                return Err(Fault::new("E0414", message, span));
            }
            _ => None,
        };
        if let (Some(key), "sel") = (key, spec.name) {
            return self.select(key, scope);
        }
        let source = self.source(spec, key, scope)?;
        let index = IndexPart::Fixed(Index::None);
        Ok(Variable { text: Box::default(), source, index, transforms: Box::default() })
    }

    /// What a name and its key refer to.
    fn source(
        &self,
        spec: &'static PseudoVariable,
        key: Option<&[u8]>,
        scope: &mut Scope<'_>,
    ) -> Result<Source, Fault> {
        let Some(key) = key else { return Ok(Source::Spec(spec, KeyPart::None)) };
        if spec.name == "cnt" {
            return self.count(key, scope);
        }
        let is_dynamic = key.contains(&b'$');
        if spec.name == "var" {
            let slot = if is_dynamic { None } else { scope.slot(key) };
            let fault = || Fault::new("E0414", "`$var` needs a plain name", 0..self.at);
            return slot.map(Source::Slot).ok_or_else(fault);
        }
        if spec.name == "shv" && is_dynamic {
            return Err(Fault::new("E0414", "`$shv` needs a plain name", 0..self.at));
        }
        if matches!(spec.name, "def" | "defn" | "env") && !is_dynamic {
            return Ok(Source::Constant(constant(spec.name, key, scope)));
        }
        if key.is_empty() {
            let message = format!("the parentheses of `${}` are empty", spec.name);
            return Err(Fault::new("E0414", message, 0..self.at));
        }
        let is_known = |key: &[u8]| spec.keys.iter().any(|known| known.as_bytes() == key);
        if !is_dynamic && !spec.keys.is_empty() && !is_known(key) {
            return Err(unknown_key(spec, key, 0..self.at));
        }
        if spec.name.starts_with("xav") && !is_dynamic && XavpPath::parse(key).is_none() {
            let message = format!("`${}` is written `${}(root[0]=>member)`", spec.name, spec.name);
            return Err(Fault::new("E0414", message, 0..self.at));
        }
        let part = if is_dynamic {
            let offset = self.at - key.len() - 1;
            let format = Format::parse(key, FormatStyle::Dollar, scope);
            KeyPart::Format(format.map_err(|fault| fault.moved_by(offset))?)
        } else {
            KeyPart::Name(key.into())
        };
        Ok(Source::Spec(spec, part))
    }

    /// What `$cnt(...)` counts: the values of an attribute.
    fn count(&self, key: &[u8], scope: &mut Scope<'_>) -> Result<Source, Fault> {
        let offset = self.at - key.len() - 1;
        let bad = || {
            let message = "`$cnt` counts the values of `$avp(...)`, `$xavp(...)` or `$xavi(...)`";
            Fault::new("E0414", message, 0..self.at)
        };
        if key.first() != Some(&b'$') {
            return Err(bad());
        }
        let (counted, length) =
            Variable::parse(key, scope).map_err(|fault| fault.moved_by(offset))?;
        match counted.source {
            Source::Spec(spec, part)
                if length == key.len() && matches!(spec.name, "avp" | "xavp" | "xavi") =>
            {
                Ok(Source::Count(spec, part))
            }
            _ => Err(bad()),
        }
    }

    /// What `$sel(...)` refers to: a global parameter of the script's own, or what another
    /// variable with transformations gives.
    fn select(&self, key: &[u8], scope: &mut Scope<'_>) -> Result<Variable, Fault> {
        let span = 0..self.at;
        if let Some(name) = key.strip_prefix(b"cfg_get.") {
            let Some(value) = scope.constant("sel", name) else {
                let name = String::from_utf8_lossy(name);
                let message = format!("there is no global parameter `{name}`");
                return Err(Fault::new("E0412", message, span));
            };
            let source = Source::Constant(Constant::Text(value.into()));
            let index = IndexPart::Fixed(Index::None);
            return Ok(Variable {
                text: Box::default(),
                source,
                index,
                transforms: Box::default(),
            });
        }
        let unknown = || {
            let message =
                format!("the select `{}` is not supported yet", String::from_utf8_lossy(key));
            Fault::new("E0403", message, span.clone())
                .help("use a pseudo-variable such as `$tt`, `$fU` or `$hdr(name)`")
        };
        let text = super::select::translate(key).ok_or_else(&unknown)?;
        Variable::parse(&text, scope).map(|(variable, _)| variable).map_err(|_| unknown())
    }

    /// Reads `[...]`.
    fn index(&mut self, scope: &mut Scope<'_>) -> Result<IndexPart, Fault> {
        let start = self.at;
        let inner = self.bracketed(b'[', b']')?;
        if inner == b"*" {
            return Ok(IndexPart::Fixed(Index::All));
        }
        let bad = || {
            let message = "an index is a number, `*` or a variable";
            Fault::new("E0414", message, start..self.at)
        };
        if inner.first() == Some(&b'$') {
            let (variable, length) =
                Variable::parse(inner, scope).map_err(|fault| fault.moved_by(start + 1))?;
            let whole = length == inner.len();
            return whole.then(|| IndexPart::Computed(Box::new(variable))).ok_or_else(bad);
        }
        let number = super::value::parse_int(inner).and_then(|number| i32::try_from(number).ok());
        number.map(|number| IndexPart::Fixed(Index::At(number))).ok_or_else(bad)
    }

    /// Reads `{...}`.
    fn transform(&mut self, scope: &mut Scope<'_>) -> Result<Transform, Fault> {
        let start = self.at;
        let inner = if self.text[self.at..].starts_with(b"{re.subst,") {
            self.substitution()?
        } else {
            self.bracketed(b'{', b'}')?
        };
        Transform::parse(inner, scope).map_err(|fault| fault.moved_by(start + 1))
    }

    /// Reads `{re.subst,/regex/replacement/flags}`: braces in the expression do not count.
    fn substitution(&mut self) -> Result<&'t [u8], Fault> {
        let start = self.at;
        let rest = &self.text[start..];
        let opening = b"{re.subst,".len();
        let mut end = opening + 1;
        let mut delimiters = 0;
        while delimiters < 2 && end < rest.len() {
            match rest[end] {
                b'\\' => end += 1,
                byte if byte == rest[opening] => delimiters += 1,
                _ => {}
            }
            end += 1;
        }
        let tail = rest.get(end..).unwrap_or_default();
        let Some(close) = memchr::memchr(b'}', tail) else {
            let message = "a substitution is written /regex/replacement/flags";
            return Err(Fault::new("E0415", message, start..self.text.len()));
        };
        self.at = start + end + close + 1;
        Ok(&self.text[start + 1..self.at - 1])
    }

    /// Reads from `open` to the `close` that belongs to it; what is between them.
    fn bracketed(&mut self, open: u8, close: u8) -> Result<&'t [u8], Fault> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == open {
                depth += 1;
            } else if byte == close {
                depth -= 1;
            }
            if depth == 0 {
                return Ok(&self.text[start + 1..self.at - 1]);
            }
        }
        let message = format!("`{}` is not closed", char::from(open));
        Err(Fault::new("E0414", message, start..self.text.len()))
    }
}

/// How many values an attribute has.
fn count<'m>(execution: &Execution<'m>, spec: &PseudoVariable, key: Key<'m>) -> Value<'m> {
    let Key::Name(name) = key else { return Value::Int(0) };
    let kind = if spec.name == "xavi" { XavpKind::CaseLess } else { XavpKind::Stacked };
    let count = match spec.name {
        "avp" => execution.avp_count(name.strip_prefix(b"s:").unwrap_or(name)),
        _ => XavpPath::parse(name).map_or(0, |path| execution.xavp_count(kind, path)),
    };
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// What `$def(name)`, `$defn(name)` or `$env(name)` gives: `$null` if there is no such name.
fn constant(variable: &str, name: &[u8], scope: &Scope<'_>) -> Constant {
    let reader = if variable == "env" { "env" } else { "def" };
    match scope.constant(reader, name) {
        None => Constant::Null,
        Some(text) if variable == "defn" => {
            Constant::Int(super::value::parse_int(text).unwrap_or(0))
        }
        Some(text) => Constant::Text(text.into()),
    }
}

/// The fault of a part that the variable does not have.
fn unknown_key(spec: &PseudoVariable, key: &[u8], span: std::ops::Range<usize>) -> Fault {
    let message = format!("`${}` has no `{}`", spec.name, String::from_utf8_lossy(key));
    Fault::new("E0414", message, span).help(format!("it has `{}`", spec.keys.join("`, `")))
}

/// The fault of a name that no variable has.
fn unknown(name: &[u8], span: std::ops::Range<usize>, scope: &Scope<'_>) -> Fault {
    let name = String::from_utf8_lossy(name);
    if let Some(module) = scope.lacks_variable(&name) {
        let message = format!("`${name}` of module `{module}` is not supported yet");
        return Fault::new("E0403", message, span);
    }
    if matches!(&*name, "f" | "fr" | "g" | "t" | "tr") {
        let message = format!("attributes of SER 2 such as `${name}.uid` are not supported yet");
        return Fault::new("E0403", message, span).help("`$avp(name)` keeps a value for a message");
    }
    let fault = Fault::new("E0412", format!("there is no variable `${name}`"), span);
    match scope.similar_variable(&name) {
        Some(similar) => fault.help(format!("did you mean `${similar}`?")),
        None if name.is_empty() => fault,
        None => fault.help(format!("variables of your own are written `$var({name})`")),
    }
}
